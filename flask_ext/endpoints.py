"""Our own endpoints: login, callback, logout, and where the provider says that a session is over.

    GET  AUTH_PREFIX/login                to the provider's pages
    GET  AUTH_PREFIX/callback             back from there
    POST AUTH_PREFIX/logout               ends the session; from our own pages alone
    POST AUTH_PREFIX/backchannel-logout   from the provider's server

Source: OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from sealed_session import ProviderUnavailable
from sealed_session.errors import LogoutRefused
from sealed_session.refresh.coordinator import CoordinatorUnavailable

from . import answers, redirects, signing_in, state
from .config import AUTH_BLUEPRINT
from .current import request_session
from .ending import SignOutResult
from .signals import logger
from .views import public

_SEE_OTHER = 303


def blueprint(prefix: str) -> Blueprint:
    """Return the endpoints.

    Args:
        prefix: AUTH_PREFIX.
    """
    ours = Blueprint(AUTH_BLUEPRINT, __name__, url_prefix=prefix)
    ours.get("/login")(public(signing_in.login))
    ours.get("/callback")(public(signing_in.callback))
    ours.post("/logout")(public(logout))
    ours.post("/backchannel-logout")(public(backchannel_logout))
    ours.after_request(_keep_private)
    return ours


def sign_out(return_to: str | None) -> SignOutResult:
    """End the current request's session.

    Args:
        return_to: Where to go after it: a path of this application, or a whole address. None: to its start.
    """
    session, done = request_session().sign_out()
    app, root = state.of(current_app), redirects.start(request)
    is_path = return_to is not None and return_to.startswith("/")
    address = f"{request.host_url.rstrip('/')}{return_to}" if is_path else return_to
    return SignOutResult(app.ending.url(session, address) or return_to or root, done.revoked, done.recorded)


def logout() -> ResponseReturnValue:
    """End the session, for a form or a script of this application's own pages."""
    if not redirects.is_from_here(request):
        abort(403, "This form was sent from another site.")
    done = sign_out(state.of(current_app).config.logout_return_to)
    return redirect(done.url, _SEE_OTHER) if answers.wants_html() else jsonify(done._asdict())


def backchannel_logout() -> ResponseReturnValue:
    """End what the provider says is over: one session of a person, or all of them."""
    app = state.of(current_app)
    read = getattr(app.provider, "read_logout_token", None)
    if read is None:
        abort(404)
    try:
        token = read(request.form.get("logout_token", ""))
        is_recorded = app.ending.end_by_provider(token)  # first: said twice, it does no harm, and not said, it would
        is_new = app.ending.is_first_use(token)
    except CoordinatorUnavailable:
        is_recorded = is_new = False
    except LogoutRefused as error:
        logger.warning("a logout token is refused: %s", error.detail or error.code)
        return _refused(error.code)
    except ProviderUnavailable as error:
        return _refused(error.code)
    if not is_recorded:
        return _refused("not_recorded")
    return "" if is_new else _refused("token_replayed")


def _refused(code: str) -> ResponseReturnValue:
    return jsonify(error="invalid_request", reason=code), 400


def _keep_private(response: Response) -> Response:
    """Keep every answer out of caches, and its address, in which there may be a code, out of Referer."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
