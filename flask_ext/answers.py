"""What somebody is answered who may not see a page: the way to the login page, 401, or 503 while nobody can know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from math import ceil
from typing import Any, cast
from urllib.parse import urlencode

from flask import after_this_request, current_app, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from werkzeug.exceptions import BadRequest, ServiceUnavailable, Unauthorized

from sealed_session import ProviderUnavailable
from sealed_session.reasons import Reason

from . import bearer, redirects, state
from .current import request_session
from .verifying import VerificationUnavailable

RETRY_AFTER = 5
"""Seconds, where the provider named none."""

_NOT_NOW = "Whether you are signed in cannot be told right now. Please try again in a moment."
_LONGEST_WAIT = 86_400
_FOUND, _SEE_OTHER = 302, 303
_BEARER, _WRONG = 'Bearer realm="sealed-session"', ', error="invalid_token", error_description="{}"'
_HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a page was refused: what an ``unauthorized_handler`` is given.

    Attributes:
        reason: Why.
        payload: Of ``step_up``, the provider's answer, plain JSON. Not in the repr.
        way_back: Path and query to come back to after signing in; None for what cannot be asked for again.
        login_url: Where to sign in, with the way back; None without LOGIN_VIEW.
    """

    reason: Reason
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)
    way_back: str | None = None
    login_url: str | None = None


class LoginRequired(Unauthorized):
    """The 401 of a page that needs somebody signed in: what an ``errorhandler(401)`` is given.

    Attributes:
        refusal: Why.
    """

    description = "You have to sign in to see this page."

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal


class SignInRefused(BadRequest):
    """The 400 of a sign-in that came to nothing: what an ``errorhandler(400)`` is given. Nothing was opened.

    Attributes:
        reason: Why: one of the codes in docs/sign-in.md, or the provider's own.
        login_url: Where to begin again.
    """

    def __init__(self, reason: str, login_url: str | None) -> None:
        super().__init__(_WHY.get(reason, "Signing in did not succeed. Please try again."))
        self.reason = reason
        self.login_url = login_url


class SignInUnavailable(ProviderUnavailable):
    """Nobody can be sent to the provider's pages now. Uncaught in a view, it is answered 503 with ``Retry-After``."""


_WHY = {
    "access_denied": "Signing in was cancelled, or it was refused.",
    "not_fresh_enough": "This page needs a fresh proof of who you are, and there was none.",
    "sign_in_expired": "Signing in took too long. Please try again.",
    "state_unknown": "This sign-in is not open any more, or it began in another browser. Please sign in again.",
}


def refuse(reason: Reason) -> ResponseReturnValue:
    """Answer a request that needs somebody signed in, and has nobody, or nobody who signed in lately enough.

    Raises:
        LoginRequired, ServiceUnavailable: Where the answer is an error page, which the application may have of its own.
    """
    if reason is Reason.UNAVAILABLE:
        return _unavailable(request_session().retry_after)
    handler, refusal = _handler(), _refusal(reason)
    answer = None if handler is None else current_app.ensure_sync(handler)(refusal)
    return _unauthorized(refusal) if answer is None else current_app.make_response(answer)


async def refuse_async(reason: Reason) -> ResponseReturnValue:
    """Do the same in an async view, where an async handler can be waited for and nothing else may."""
    handler = _handler()
    if reason is Reason.UNAVAILABLE or not iscoroutinefunction(handler):
        return refuse(reason)
    refusal = _refusal(reason)
    answer = await handler(refusal)
    return _unauthorized(refusal) if answer is None else current_app.make_response(answer)


def refuse_script(reason: Reason | None) -> ResponseReturnValue:
    """Answer a script of our own pages that needs somebody signed in."""
    if reason is Reason.UNAVAILABLE:
        return unavailable_script(request_session().retry_after)
    if state.of(current_app).takes_bearer:
        _challenge(reason or Reason.MISSING)
    return _json(401, "login_required", reason or Reason.MISSING)


def unavailable_script(wait: float | None) -> ResponseReturnValue:
    """Answer a script while somebody else cannot be asked."""
    _say_when(wait)
    return _json(503, "unavailable", Reason.UNAVAILABLE)


def refuse_sign_in(code: str) -> ResponseReturnValue:
    """Answer a sign-in that came to nothing.

    Raises:
        SignInRefused: Where the answer is a page.
    """
    if wants_html():
        raise SignInRefused(code, login_url())
    return jsonify(error="sign_in_failed", reason=code), 400


def unavailable_sign_in(wait: float | None) -> ResponseReturnValue:
    """Answer a sign-in while the provider cannot be asked.

    Raises:
        ServiceUnavailable: Where the answer is a page.
    """
    return _unavailable(wait, "Nobody can sign in right now. Please try again in a moment.")


def unavailable_pages(error: SignInUnavailable) -> ResponseReturnValue:
    """Answer a view that sends people to the provider's pages, and has not caught the error: an error handler."""
    return _as_page(lambda: unavailable_sign_in(error.retry_after))


def step_up(payload: Mapping[str, Any], back: str) -> ResponseReturnValue:
    """Answer a sign-in for which the provider asks for more. To begin it again would only lead here again.

    Args:
        payload: The provider's answer.
        back: Where the person wanted to go.

    Raises:
        LoginRequired: Where the answer is a page.
    """
    handler, refusal = _handler(), Refusal(Reason.STEP_UP, payload, back, login_url(back))
    answer = None if handler is None else current_app.ensure_sync(handler)(refusal)
    if answer is not None:
        return current_app.make_response(answer)
    if wants_html():
        raise LoginRequired(refusal)
    return _json(401, "login_required", Reason.STEP_UP)


def _handler() -> Callable[[Refusal], Any] | None:
    return state.of(current_app).callbacks.unauthorized


def _refusal(reason: Reason) -> Refusal:
    if state.of(current_app).takes_bearer:
        _challenge(reason)
    back = _way_back()
    return Refusal(reason, request_session().payload, back, login_url(back, reason))


def login_url(back: str | None = None, reason: Reason | None = None) -> str | None:
    """Return the address of LOGIN_VIEW, with the way back; None without LOGIN_VIEW.

    Somebody who is signed in and has to do so again cannot be told from others there, so then the reason goes along.
    """
    view = state.of(current_app).config.login_view
    if view is None:
        return None
    query = {"next": back, "reason": Reason.NOT_FRESH if reason is Reason.NOT_FRESH else None}
    given = {name: value for name, value in query.items() if value is not None}
    if view.startswith(("/", "https://", "http://")):
        return f"{view}{'&' if '?' in view else '?'}{urlencode(given)}" if given else view
    return url_for(view, **cast(dict[str, Any], given))


def _way_back() -> str | None:
    if _is_htmx():
        return redirects.local_target_of(request.headers.get("HX-Current-URL"), request)
    return redirects.here(request) if request.method in ("GET", "HEAD") else None


def _unauthorized(refusal: Refusal) -> ResponseReturnValue:
    if state.of(current_app).takes_bearer and bearer.token_of(request) is not None:  # no browser that would follow
        return _json(401, "login_required", refusal.reason)
    if refusal.login_url is not None and _is_htmx():
        return "", 401, {"HX-Redirect": refusal.login_url}
    if refusal.login_url is not None and _is_navigation():
        return redirect(refusal.login_url, _FOUND if request.method in ("GET", "HEAD") else _SEE_OTHER)
    if refusal.login_url is None and wants_html():
        raise LoginRequired(refusal)
    return _json(401, "login_required", refusal.reason)


def _challenge(reason: Reason) -> None:
    """Say with the 401 that a bearer token would do, and what is wrong with one that came (RFC 6750, section 3)."""
    came = bearer.token_of(request) is not None

    @after_this_request
    def challenge(response: Response) -> Response:
        if response.status_code == 401:
            response.headers.setdefault("WWW-Authenticate", _BEARER + (_WRONG.format(reason) if came else ""))
        return response


def unavailable(error: VerificationUnavailable) -> ResponseReturnValue:
    """Answer a sign-in whose token could not be verified, and that no view has caught: an error handler."""
    return _as_page(lambda: _unavailable(error.retry_after))


def _as_page(answer: Callable[[], ResponseReturnValue]) -> ResponseReturnValue:
    try:
        return answer()
    except ServiceUnavailable as page:  # raised in an error handler, it would be an error of the server
        return current_app.handle_http_exception(page)


def _unavailable(wait: float | None, text: str = _NOT_NOW) -> ResponseReturnValue:
    _say_when(wait)
    if wants_html():
        raise ServiceUnavailable(text)
    return _json(503, "unavailable", Reason.UNAVAILABLE)


def _say_when(wait: float | None) -> None:
    seconds = ceil(min(max(1, RETRY_AFTER if wait is None else wait), _LONGEST_WAIT))

    @after_this_request
    def say_when(response: Response) -> Response:
        response.headers.setdefault("Retry-After", str(seconds))
        return response


def _json(status: int, error: str, reason: Reason) -> ResponseReturnValue:
    return jsonify(error=error, reason=reason), status


def _is_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


def _is_navigation() -> bool:
    """Return whether a person is waiting for a page (Fetch Metadata, or what old browsers tell).

    One who sent a form too: by then the form is lost, and JSON would be no help.
    """
    mode = request.headers.get("Sec-Fetch-Mode")
    return mode == "navigate" if mode is not None else request.method in ("GET", "HEAD") and wants_html()


def wants_html() -> bool:
    """Return whether HTML is asked for by name, as browsers do; a caller that takes anything is given JSON."""
    if _is_htmx():
        return False
    return "Accept" not in request.headers or any(
        kind.partition(";")[0].strip().lower() in _HTML and quality > 0 for kind, quality in request.accept_mimetypes
    )
