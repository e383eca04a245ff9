"""What people see when something fails. Without these there would be plain pages of Flask's."""

from __future__ import annotations

from flask import Flask, render_template, request
from werkzeug.exceptions import HTTPException

from flask_ext import Refusal, SealedSession, SignInRefused
from sealed_session import ProviderUnavailable, SealTooLarge

from .pages import FRESH


def handle(app: Flask, auth: SealedSession) -> None:
    """Let an application answer by the functions below."""
    auth.unauthorized_handler(say_how_it_ended)
    app.register_error_handler(SealTooLarge, too_large)
    for cannot_ask in (503, ProviderUnavailable):
        app.register_error_handler(cannot_ask, unavailable)
    for refused in (SignInRefused, 403, 404):
        app.register_error_handler(refused, other_error)


def say_how_it_ended(refusal: Refusal) -> tuple[str, int] | None:
    """Say why there is no session any more, and offer to sign in. Who had none goes there at once, as without us."""
    if refusal.reason == "missing" or not request.accept_mimetypes.accept_html:
        return None
    return render_template("start.html", refusal=refusal, fresh=FRESH), 401


def unavailable(_error: Exception) -> tuple[str, int]:
    """Say that the session is kept while the provider cannot be asked."""
    return render_template("unavailable.html"), 503


def too_large(error: SealTooLarge) -> tuple[str, int]:
    """Show where the bytes go of what fits into no cookie. The session is what it was before."""
    return render_template("too_large.html", error=error), 500


def other_error(error: HTTPException) -> tuple[str, int]:
    """Show other refusals in the look of the application; that of a sign-in knows where to begin again."""
    return render_template("error.html", error=error), error.code or 404
