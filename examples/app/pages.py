"""What an application of yours would have: signing in, pages for the signed in, and what people see when it fails."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug import Response
from werkzeug.exceptions import HTTPException

from flask_ext import LoginRequired, SealedSession, current_session, login_required
from sealed_session import ProviderUnavailable, SealTooLarge

from . import cookie
from .identity import Identity
from .people import PEOPLE, organizations_of

FRESH = 60
"""Seconds since signing in, within which the payment details are shown."""

SEE_OTHER = 303
"""After a form: fetch the next page with GET, so that reloading it sends nothing twice (RFC 9110, section 15.4.4)."""

identity = Identity()
auth = SealedSession(identity, verifier=identity)
pages = Blueprint("pages", __name__)


@pages.get("/")
def start() -> str:
    """Show everybody who may sign in."""
    return render_template("start.html", people=PEOPLE.values())


@pages.post("/sign-in/<key>")
def sign_in(key: str) -> Response:
    """Open a session. An identity provider says who it is; here one of the sample people was chosen."""
    if key not in PEOPLE:
        abort(404)
    auth.sign_in(**identity.sign_in(key))
    return redirect(auth.next_url(url_for("pages.session")), SEE_OTHER)


@pages.get("/session")
@login_required
def session() -> str:
    """Show the session, and where the bytes of its cookie go."""
    organizations = organizations_of(current_session.user["email"])
    return render_template("session.html", cookie=cookie.look(auth), organizations=organizations)


@pages.post("/organization")
@login_required
def organization() -> Response:
    """Change to another organisation: a refresh with an argument, which the provider answers with other claims."""
    outcome = auth.refresh(organization_id=request.form["organization_id"])
    return redirect(url_for("pages.session"), SEE_OTHER) if outcome.session else abort(503)


@pages.post("/note")
@login_required
def note() -> Response:
    """Keep a note in the session: ``extra`` is the application's own part of it."""
    auth.update(extra={**current_session.extra, "note": request.form["note"]})
    return redirect(url_for("pages.session"), SEE_OTHER)


@pages.get("/payments")
@login_required(fresh_within=FRESH)
def payments() -> str:
    """Show what takes somebody who signed in just now."""
    return render_template("payments.html", fresh=FRESH)


@pages.post("/sign-out")
def sign_out() -> Response:
    """End the session, whoever has one."""
    auth.sign_out()
    return redirect(url_for("pages.start"), SEE_OTHER)


@pages.app_errorhandler(401)
def please_sign_in(error: LoginRequired) -> tuple[str, int]:
    """Say why, and offer to sign in; from there it goes on to the page that was asked for."""
    back = error.refusal.way_back or url_for("pages.session")
    return render_template(
        "start.html", people=PEOPLE.values(), reason=error.refusal.reason, back=back, fresh=FRESH
    ), 401


@pages.app_errorhandler(503)
@pages.app_errorhandler(ProviderUnavailable)
def unavailable(_error: Exception) -> tuple[str, int]:
    """Say that the session is kept while the provider cannot be asked."""
    return render_template("unavailable.html"), 503


@pages.app_errorhandler(SealTooLarge)
def too_large(error: SealTooLarge) -> tuple[str, int]:
    """Show where the bytes go of what fits into no cookie. The session is what it was before."""
    return render_template("too_large.html", error=error), 500


@pages.app_errorhandler(403)
@pages.app_errorhandler(404)
def other_error(error: HTTPException) -> tuple[str, int]:
    """Show other refusals in the look of the application."""
    return render_template("error.html", error=error), error.code or 404
