"""The demo's own buttons: they change what is around the application. None of this belongs into one of yours."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, current_app, redirect, request, url_for
from werkzeug import Response

from . import events
from .outside import LIFETIME, clock, provider
from .pages import SEE_OTHER, auth

controls = Blueprint("controls", __name__, url_prefix="/demo")


@controls.post("/rotate")
def rotate() -> Response:
    """Change the password."""
    put_another_in_place = current_app.config["ROTATE"] or abort(501, "This application runs alone.")
    put_another_in_place()
    return _back("The password was changed; the one before is a fallback now.")


@controls.post("/clock")
def end_tokens() -> Response:
    """Put the clock forward, so that every access token has ended."""
    clock.skipped += LIFETIME
    return _back(f"The clock was put forward by {LIFETIME} seconds.")


@controls.post("/provider")
def switch_provider() -> Response:
    """Let the provider answer nobody, or everybody again."""
    provider.is_down = request.form["answers"] == "no"
    return _back("The provider is down." if provider.is_down else "The provider answers again.")


@controls.post("/sessions")
def end_sessions() -> Response:
    """End every session at the provider, which tells nobody before it is asked."""
    provider.end_every_session()
    return _back("The provider ended every session.")


def _back(happened: str) -> Response:
    events.record(happened)
    return redirect(auth.next_url(url_for("pages.session")), SEE_OTHER)


@controls.app_context_processor
def surroundings() -> dict[str, Any]:
    """Give every page what the buttons and the list beside them show."""
    return {
        "clock": clock,
        "provider": provider,
        "token_lifetime": LIFETIME,
        "lately": events.lately,
        "renewals": events.renewals,
    }
