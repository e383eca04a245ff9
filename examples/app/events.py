"""What happened lately, for all workers to be seen. The extension's signals carry no more here than facts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask, g, request

from flask_ext import (
    current_session,
    session_closed,
    session_opened,
    session_refresh_failed,
    session_refreshed,
    session_rejected,
    session_resealed,
)

from .board import Board

COUNTED = ("pages.start", "pages.session", "pages.payments", "controls.look")
"""Views that show a session: how many requests one refresh is good for."""


def board_of(app: Flask) -> Board:
    """Return the board of an application."""
    board: Board = app.config["BOARD"]
    return board


def listen_to(app: Flask) -> None:
    """Note what happens to the sessions of one application."""
    session_opened.connect(_opened, app)
    session_refreshed.connect(_refreshed, app)
    session_refresh_failed.connect(_refresh_failed, app)
    session_resealed.connect(_resealed, app)
    session_closed.connect(_closed, app)
    session_rejected.connect(_rejected, app)

    @app.before_request
    def count() -> None:
        if request.endpoint in COUNTED and current_session.session_id:
            board_of(app).served(current_session.session_id)


def took_new_tokens() -> bool:
    """Return whether the request at hand goes on with newer tokens than it came with."""
    return bool(g.get("took_new_tokens", False))


def time_of_day(seconds: int) -> str:
    """Write a time, Unix seconds, as clocks show it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S UTC")


def _note(app: Flask, what: str) -> None:
    board_of(app).note("application", what)


def _opened(app: Flask, **_facts: Any) -> None:
    _note(app, "Somebody signed in.")


def _refreshed(app: Flask, **_facts: Any) -> None:
    g.took_new_tokens = True
    _note(app, "A request goes on with new tokens.")


def _refresh_failed(app: Flask, reason: str, **_facts: Any) -> None:
    _note(app, f"A request got no new tokens: {reason}.")


def _resealed(app: Flask, password_index: int, **_facts: Any) -> None:
    _note(app, f"Fallback {password_index} opened a cookie; it was sealed anew with the password.")


def _closed(app: Flask, **_facts: Any) -> None:
    _note(app, "Somebody signed out.")


def _rejected(app: Flask, reason: str, **_facts: Any) -> None:
    _note(app, f"A cookie came that signs nobody in: {reason}.")
