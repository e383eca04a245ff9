"""The demo's own buttons: they change what is around the application. None of this belongs into one of yours."""

from __future__ import annotations

import os
from typing import Any

from flask import Blueprint, current_app, redirect, request, url_for
from werkzeug import Response

from flask_ext import current_session, login_required

from .events import board_of, time_of_day, took_new_tokens
from .pages import SEE_OTHER, auth

controls = Blueprint("controls", __name__, url_prefix="/demo")


@controls.get("/look")
@login_required
def look() -> dict[str, Any]:
    """Say who answers and what was counted: what the page's script asks for, six times at once for example."""
    board = board_of(current_app)
    tally = board.tally(current_session.session_id)
    return {
        "worker": board.worker,
        "pid": os.getpid(),
        "ends": current_session.access_expires_at,
        "took_new_tokens": took_new_tokens(),
        "calls": tally.calls,
        "refused": tally.refused,
        "requests": tally.requests,
        "pairs": tally.pairs,
        "workers": tally.workers,
        "lately": [{**event._asdict(), "at": time_of_day(event.at)} for event in board.lately()],
    }


@controls.post("/rotate")
def rotate() -> Response:
    """Change the password."""
    board_of(current_app).rotate()
    return _back("Changed the password; the one before is a fallback now.")


@controls.post("/provider")
def switch_provider() -> Response:
    """Let the provider answer nobody, or everybody again."""
    answers = request.form["answers"] != "no"
    board_of(current_app).switch_provider(answers=answers)
    return _back("Brought the provider back." if answers else "Took the provider down.")


@controls.post("/sessions")
def end_sessions() -> Response:
    """End every session at the provider, which tells nobody before it is asked."""
    board_of(current_app).end_sessions()
    return _back("Ended every session at the provider.")


def _back(happened: str) -> Response:
    board_of(current_app).note("you", happened)
    return redirect(auth.next_url(url_for("pages.session")), SEE_OTHER)


@controls.app_context_processor
def surroundings() -> dict[str, Any]:
    """Give every page what the buttons and the list beside them show."""
    board = board_of(current_app)
    return {
        "provider_is_down": board.provider_is_down(),
        "lately": board.lately(),
        "tally": board.tally(current_session.session_id),
        "worker": board.worker,
        "pid": os.getpid(),
        "took_new_tokens": took_new_tokens(),
    }
