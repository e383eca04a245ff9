"""Our own endpoints: login, callback, logout, and where the provider says that a session is over.

    GET  AUTH_PREFIX/login                to the provider's pages
    GET  AUTH_PREFIX/callback             back from there
    POST AUTH_PREFIX/logout               ends the session; from our own pages alone
    POST AUTH_PREFIX/backchannel-logout   from the provider's server

Source: OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8.
"""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, abort, current_app, jsonify, redirect, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed

from sealed_session import ProviderUnavailable
from sealed_session.errors import LogoutRefused
from sealed_session.providers.complaint import Complaint
from sealed_session.refresh.coordinator import CoordinatorUnavailable

from . import answers, redirects, signing_in, state
from .companions import is_speculative
from .config import AUTH_BLUEPRINT
from .current import request_session
from .ending import SignOutResult
from .views import public

_SEE_OTHER = 303
_FORM = "application/x-www-form-urlencoded"
_MOST_BYTES = 65_536
"""Of a logout token's form. A token has a kilobyte or two."""


class _Endpoints(Blueprint):
    """The endpoints of one application, and where it is said what they refuse: anybody can send anything there."""

    def __init__(self, prefix: str) -> None:
        super().__init__(AUTH_BLUEPRINT, __name__, url_prefix=prefix)
        self.complaint = Complaint()


def blueprint(prefix: str) -> Blueprint:
    """Return the endpoints.

    Args:
        prefix: AUTH_PREFIX.
    """
    ours = _Endpoints(prefix)
    ours.get("/login")(public(signing_in.login))
    ours.get("/callback")(public(signing_in.callback))
    ours.post("/logout")(public(logout))
    ours.post("/backchannel-logout")(public(backchannel_logout))
    ours.before_request(_wait_for_somebody)
    ours.after_request(_keep_private)
    ours.record_once(_answer_outages)
    return ours


def sign_out(return_to: str | None) -> SignOutResult:
    """End the current request's session.

    Args:
        return_to: Where to go after it: a path of this application, or a whole address. None: to its start.
    """
    session, done = request_session().sign_out()
    app, root = state.of(current_app), redirects.start(request)
    signing_in.give_up(app)
    is_path = return_to is not None and return_to.startswith("/")
    address = f"{redirects.origin(request)}{return_to}" if is_path else return_to
    return SignOutResult(app.ending.url(session, address) or return_to or root, done.revoked, done.recorded)


def logout() -> ResponseReturnValue:
    """End the session, for a form or a script of this application's own pages."""
    if not redirects.is_from_here(request):
        said = "Sec-Fetch-Site" in request.headers or "Origin" in request.headers
        missing = "Neither Origin nor Sec-Fetch-Site says where this form was sent from."
        abort(403, "This form was sent from another site." if said else missing)
    done = sign_out(state.of(current_app).config.logout_return_to)
    return redirect(done.url, _SEE_OTHER) if answers.wants_html() else jsonify(done._asdict())


def backchannel_logout() -> ResponseReturnValue:
    """End what the provider says is over: one session of a person, or all of them."""
    app = state.of(current_app)
    read = getattr(app.provider, "read_logout_token", None)
    if read is None:
        abort(404)
    request.max_content_length = _MOST_BYTES
    if request.mimetype != _FORM:  # files would be written to disk, whoever sends them
        return _refused("logout_token_invalid")
    try:
        token = read(request.form.get("logout_token", ""))
        is_recorded = app.ending.end_by_provider(token)  # first: said twice, it does no harm, and not said, it would
        is_new = app.ending.is_first_use(token)
    except CoordinatorUnavailable:
        is_recorded = is_new = False
    except LogoutRefused as error:
        ours = cast(_Endpoints, current_app.blueprints[AUTH_BLUEPRINT])
        ours.complaint.note(f"a logout token is refused: {error.detail or error.code}.")
        return _refused(error.code)
    except ProviderUnavailable as error:
        return _refused(error.code)
    if not is_recorded:
        return _refused("not_recorded")
    return "" if is_new else _refused("token_replayed")


def _refused(code: str) -> ResponseReturnValue:
    return jsonify(error="invalid_request", reason=code), 400


def _wait_for_somebody() -> ResponseReturnValue | None:
    """Begin and finish sign-ins for people alone: a page that a browser fetches ahead may never be looked at."""
    if request.method == "HEAD":
        raise MethodNotAllowed(["GET"])
    return ("", 503) if is_speculative(request) else None


def _answer_outages(setup: BlueprintSetupState) -> None:
    """Answer for views that send people to the provider's pages; the application's own handler goes before ours."""
    handlers = setup.app.error_handler_spec[None][None]
    handlers.setdefault(answers.SignInUnavailable, answers.unavailable_pages)


def _keep_private(response: Response) -> Response:
    """Keep every answer out of caches, and its address, in which there may be a code, out of Referer."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
