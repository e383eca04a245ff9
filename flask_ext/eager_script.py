"""The template helper for the script that takes the eager token over, and the route that serves the script."""

from __future__ import annotations

from flask import Blueprint, current_app, request, url_for
from markupsafe import Markup

from sealed_session import UsageError

from . import state
from .current import current_session

BLUEPRINT = "sealed_session"
_FILE = "eager-token.js"


def blueprint() -> Blueprint:
    """Return the blueprint that serves our script: one file, static."""
    return Blueprint(
        BLUEPRINT, __name__, static_folder="static", static_url_path="/static", url_prefix="/sealed-session"
    )


def eager_token_script(nonce: str | None = None) -> Markup:
    """Return the script element for a page; the page's response will carry the access token for it.

    Args:
        nonce: Of the page's Content-Security-Policy.

    Raises:
        UsageError: ACCESS_TOKEN_COOKIE is not set (``no_eager_token``).
    """
    policy = state.of(current_app).config.eager
    if policy is None:
        raise UsageError(
            "there is no eager token.",
            fix="Set SEALED_SESSION_ACCESS_TOKEN_COOKIE to the name of its cookie.",
            code="no_eager_token",
        )
    bool(current_session)  # looked at, so that the response is made for this person
    attributes = {
        "src": url_for(f"{BLUEPRINT}.static", filename=_FILE),
        "data-clear": policy.clear(request.scheme, state.host_of(request))[0],
        **({} if nonce is None else {"nonce": nonce}),
    }
    written = Markup(" ").join(Markup('{}="{}"').format(name, value) for name, value in attributes.items())
    return Markup("<script {}></script>").format(written)
