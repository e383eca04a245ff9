"""What happened lately. The extension sends signals; none of them carries more here than facts about a session."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from flask import Flask

from flask_ext import session_closed, session_opened, session_refresh_failed, session_refreshed, session_resealed
from sealed_session import Session

from .outside import clock

lately: deque[tuple[int, str]] = deque(maxlen=6)
"""When, in Unix seconds, and what; the latest first."""

renewals: Counter[str | None] = Counter()
"""How often the provider has renewed each session, by its id."""


def record(what: str) -> None:
    """Note that something happened."""
    lately.appendleft((int(clock()), what))


def listen_to(app: Flask) -> None:
    """Note what happens to the sessions of one application."""
    session_opened.connect(_opened, app)
    session_refreshed.connect(_refreshed, app)
    session_refresh_failed.connect(_refresh_failed, app)
    session_resealed.connect(_resealed, app)
    session_closed.connect(_closed, app)


def _opened(_app: Flask, **_facts: Any) -> None:
    record("Somebody signed in.")


def _refreshed(_app: Flask, session: Session, **_facts: Any) -> None:
    renewals[session.session_id] += 1
    record("The access token had ended: the provider gave new tokens.")


def _refresh_failed(_app: Flask, reason: str, **_facts: Any) -> None:
    record(f"The access token had ended, and the provider gave no other: {reason}.")


def _resealed(_app: Flask, password_index: int, **_facts: Any) -> None:
    record(f"Fallback {password_index} opened a cookie; it was sealed anew with the password.")


def _closed(_app: Flask, **_facts: Any) -> None:
    record("Somebody signed out.")
