"""Signals (blinker). The sender is the application; a receiver that raises is logged and disturbs nobody.

    session_opened           session, started_at           somebody signed in
    session_refreshed        session                       there are new tokens
    session_refresh_failed   kind, reason                  a refresh brought none
    session_resealed         reasons, password_index       a cookie was sealed anew without other need
    session_rejected         reason                        a cookie came, and nobody is signed in by it
    session_closed           session (or None)             somebody signed out
    session_too_large        report, sealed_as             an automatic write had to seal less, or nothing

A session shows no token in its repr, and holds them all the same: do not send it anywhere.
"""

from __future__ import annotations

import logging
from typing import Any

from blinker import Namespace, Signal
from flask import current_app

from sealed_session.whereabouts import whereabouts

logger = logging.getLogger("sealed_session")

_signals = Namespace()

session_opened = _signals.signal("sealed-session-opened")
session_refreshed = _signals.signal("sealed-session-refreshed")
session_refresh_failed = _signals.signal("sealed-session-refresh-failed")
session_resealed = _signals.signal("sealed-session-resealed")
session_rejected = _signals.signal("sealed-session-rejected")
session_closed = _signals.signal("sealed-session-closed")
session_too_large = _signals.signal("sealed-session-too-large")


def send(signal: Signal, **facts: Any) -> None:
    """Tell every receiver. What one raises is logged, without its message, which may hold values."""
    sender = current_app._get_current_object()  # type: ignore[attr-defined]
    for receiver in signal.receivers_for(sender):
        try:
            sender.ensure_sync(receiver)(sender, **facts)
        except Exception as error:  # somebody else's code must not cost a session
            logger.error("a receiver of a session signal raised %s", whereabouts(error))
