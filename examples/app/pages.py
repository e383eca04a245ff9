"""What an application of yours would have: pages for everybody, and pages for the signed in."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug import Response

from flask_ext import SealedSession, current_session, login_required

from . import cookie

FRESH = 60
"""Seconds since signing in, within which the payment details are shown."""

SEE_OTHER = 303
"""After a form: fetch the next page with GET, so that reloading it sends nothing twice (RFC 9110, section 15.4.4)."""


def create_pages(auth: SealedSession) -> Blueprint:
    """Build the pages.

    Args:
        auth: Whose sessions they show.
    """
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def start() -> str:
        """Welcome everybody. The template knows who is signed in: by ``current_session``, as every template."""
        return render_template("start.html")

    @pages.get("/session")
    @login_required
    def session() -> str:
        """Show the session, and where the bytes of its cookie go."""
        return render_template("session.html", cookie=cookie.look(auth))

    @pages.post("/organization")
    @login_required
    def organization() -> ResponseReturnValue:
        """Change to another organisation: a refresh with an argument, which the provider answers with other claims."""
        outcome = auth.refresh(organization_id=request.form["organization_id"])
        if outcome.session:
            return redirect(url_for("pages.session"), SEE_OTHER)
        if current_session or current_session.reason == "unavailable":
            abort(503)  # not now, or not there: the session is what it was
        return render_template("start.html"), 401  # it is over, and the page says why

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

    @pages.get("/somebody-else")
    def somebody_else() -> Response:
        """Sign in as somebody else: the provider shall ask who it is, also where it knows."""
        return auth.begin_sign_in(url_for("pages.session"), prompt="select_account")

    return pages
