"""The demo's own buttons: they change what is around the application. None of this belongs into one of yours."""

from __future__ import annotations

import os
import time
from typing import Any

from flask import Blueprint, Flask, current_app, redirect, request, url_for
from werkzeug import Response

from flask_ext import SealedSession, current_session, login_required

from . import events
from .board import Board
from .events import board_of, time_of_day, took_new_tokens
from .pages import SEE_OTHER


def add_to(app: Flask, auth: SealedSession, board: Board, *, issuer: str) -> None:
    """Give an application the buttons, and what its pages show beside them.

    Args:
        app: The application.
        auth: Whose sessions it has.
        board: What the processes know in common.
        issuer: The provider's address.
    """
    app.config.update(BOARD=board, PROVIDER=issuer)
    events.listen_to(app)
    app.register_blueprint(create_controls(auth))
    app.context_processor(surroundings)
    app.add_template_filter("{:,}".format, "number")
    app.add_template_filter(time_of_day)
    app.add_template_global(lambda: int(time.time()), "now")


def create_controls(auth: SealedSession) -> Blueprint:
    """Build the buttons.

    Args:
        auth: Knows the way back to the page that a button stands on.
    """
    controls = Blueprint("controls", __name__, url_prefix="/demo")

    @controls.get("/look")
    @login_required
    def look() -> dict[str, Any]:
        """Say who answers and what was counted: what the page's script asks for, six times at once for example."""
        return figures()

    @controls.post("/rotate")
    def rotate() -> Response:
        """Change the password."""
        board_of(current_app).rotate()
        return back("Changed the password; the one before is a fallback now.")

    @controls.post("/provider")
    def switch_provider() -> Response:
        """Let the provider answer nobody, or everybody again."""
        answers = request.form["answers"] != "no"
        board_of(current_app).switch_provider(answers=answers)
        return back("Brought the provider back." if answers else "Took the provider down.")

    @controls.post("/sessions")
    def end_sessions() -> Response:
        """End every session at the provider, which tells nobody before it is asked."""
        board_of(current_app).end_sessions()
        return back("Ended every session at the provider.")

    def back(happened: str) -> Response:
        board_of(current_app).note("you", happened)
        return redirect(auth.next_url(url_for("pages.session")), SEE_OTHER)

    return controls


def figures() -> dict[str, Any]:
    """Return who answers and what was counted of the session at hand."""
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
