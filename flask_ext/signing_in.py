"""Signing in at the provider's pages: the way there, and the way back with a code.

    login ──302──▶ provider ──302──▶ callback ──▶ finish_sign_in ──▶ the session is opened ──▶ next
      └ Set-Cookie: what was begun        └ cleared, whatever comes of it

What fails opens nothing, and leaves a session alone that there may be.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Response, abort, after_this_request, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from sealed_session import (
    ProviderUnavailable,
    SealedSessionError,
    SealError,
    SealTooLarge,
    Session,
    StepUpRequired,
    UnsealError,
    UsageError,
)
from sealed_session.errors import SignInFailed
from sealed_session.providers.sign_in import Attempt
from sealed_session.refresh.signing_out import revoke

from . import answers, attempts, redirects, sealing, state
from .config import AUTH_BLUEPRINT
from .current import request_session
from .state import AppState
from .verifying import VerificationUnavailable

logger = logging.getLogger("sealed_session")

MAX_TARGET = 1024
"""Bytes of the way back. What is longer leads to the start: in the cookie there is no room for it."""

_ONWARD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={0}">'
    '<title>Signed in</title><p><a href="{0}">Go on</a></p></html>'
)


def begin(target: str, *, max_age: int | None = None, arguments: Mapping[str, Any] | None = None) -> Response:
    """Return the redirect to the provider's pages; it carries the cookie of what was begun.

    Args:
        target: Where to go after it, a path of this application. Anything else becomes its start.
        max_age: Seconds ago, at most, that the person has proved who they are; 0: they shall do so now.
        arguments: What the provider shall know beside that.

    Raises:
        UsageError: There are no endpoints of ours (``no_sign_in``).
        SignInUnavailable: Where the provider's pages are cannot be told now. Uncaught, it is answered 503.
    """
    app = state.of(current_app)
    if app.config.auth_prefix is None:
        raise UsageError(
            "there is no callback that the provider could send anybody back to.",
            fix="Set SEALED_SESSION_AUTH_PREFIX, and give SealedSession a provider with pages, OAuth2 for example.",
            code="no_sign_in",
        )
    uri = _redirect_uri(app)
    try:
        url, attempt = cast(Any, app.provider).begin_sign_in(uri, max_age=max_age, **dict(arguments or {}))
    except ProviderUnavailable as error:
        raise answers.SignInUnavailable(
            str(error), retry_after=error.retry_after, sent=error.sent, general=error.general
        ) from error
    except UsageError as error:
        if error.code != "redirect_uri" or app.config.redirect_uri is not None:
            raise
        abort(400, "The host that was asked is none that anybody could be sent back to.")
    is_short = len(target.encode("utf-8", "surrogatepass")) <= MAX_TARGET
    target = (redirects.local_target(target) if is_short else None) or redirects.start(request)
    lines = attempts.begin(
        app, request, attempt.to_mapping(), login_state=attempt.state, target=target, redirect_uri=uri
    )
    return _with_cookies(redirect(url), lines)


def login() -> ResponseReturnValue:
    """Send somebody to the provider's pages. Of the request only the way back counts, and that it has to be anew."""
    again = request.args.get("reason") == "not_fresh"
    try:
        return begin(redirects.wanted(request) or redirects.start(request), max_age=0 if again else None)
    except ProviderUnavailable as error:
        return answers.unavailable_sign_in(error.retry_after)
    except UsageError as error:
        if not again or error.code != "no_auth_time":
            raise
        state.of(current_app).warn_once("a page asks for a fresh sign-in (fresh_within): %s", error.problem)
        return _fail("not_fresh_enough")


def callback() -> ResponseReturnValue:
    """Take somebody back from the provider's pages, and open the session."""
    app, given = state.of(current_app), request.args.to_dict()
    login_state = given.get("state", "")
    if any(len(request.args.getlist(name)) > 1 for name in given) or not login_state:
        return _fail("bad_answer")  # no name may come twice: who reads which is anybody's guess (RFC 6749, 3.1)
    try:
        kept = attempts.find(app, request, login_state)
    except UnsealError as error:
        _clear_with_answer(app, login_state)
        return _fail("sign_in_expired" if error.code == "too_old" else "state_unknown")
    if kept is None:
        return _used_or_foreign()
    try:
        attempt = Attempt.from_mapping(kept.attempt)
        _check_place(app, attempt)
        if not attempts.take(app, login_state):
            return _used_or_foreign()
        session = cast(Any, app.provider).finish_sign_in(attempt, given)
        _clear_with_answer(app, login_state)
    except ProviderUnavailable as error:  # the cookie stays: loading the page again may still succeed
        attempts.give_back(app, login_state)
        return answers.unavailable_sign_in(error.retry_after)
    except StepUpRequired as error:
        _clear_with_answer(app, login_state)
        return answers.step_up(error.payload, kept.target)
    except SignInFailed as error:
        _clear_with_answer(app, login_state)
        return _fail(error.code, error.detail)
    return _open(app, session, kept.target)


def _open(app: AppState, session: Session, target: str) -> ResponseReturnValue:
    """Open the session of somebody who came back. What cannot be opened must not stay alive at the provider."""
    try:
        _open_what_fits(session)
        return _go_on(app, target)
    except SealTooLarge as error:
        _discard(app, session)
        if _has_page_for_too_large():
            raise
        logger.error("somebody cannot sign in: %s", error)
        return _fail(error.code)
    except VerificationUnavailable as error:
        _discard(app, session)
        return answers.unavailable_sign_in(error.retry_after)
    except Exception:
        _discard(app, session)
        raise


def _open_what_fits(session: Session) -> None:
    """Open a session with as much of the person as there is room for: people choose their names themselves.

    Raises:
        SealTooLarge: The tokens alone are too large.
    """
    *rungs, (_, smallest) = sealing.ladder(session)
    for sealed_as, candidate in rungs:
        try:
            return request_session().sign_in(candidate)
        except SealTooLarge:
            logger.warning(
                "a session (%s) does not fit into its cookie; it is opened with less of its user.", sealed_as
            )
    return request_session().sign_in(smallest)


def _has_page_for_too_large() -> bool:
    """Return whether the application has its own page for it; one for whatever happens is none."""
    ours = (SealTooLarge, SealError, SealedSessionError)
    return any(kind in current_app.error_handler_spec[None][None] for kind in ours)


def _discard(app: AppState, session: Session) -> None:
    """End at the provider what was not opened; nobody waits for it. What goes on in the same session is left alone."""
    there = request_session().session
    if there is not None and there.session_id == session.session_id:
        return
    try:
        threading.Thread(target=revoke, args=(app.provider, session), name="sealed-session discard").start()
    except RuntimeError:  # the process has all the threads that it may have, or is ending
        logger.warning("tokens that were not used could not be ended at the provider.")


def _check_place(app: AppState, attempt: Attempt) -> None:
    """Refuse a sign-in that began at another application of this host: its code is not for this one's provider.

    Raises:
        SignInFailed: ``state_unknown``.
    """
    if attempt.redirect_uri != _redirect_uri(app):
        raise SignInFailed("the sign-in that was begun comes back to another address.", code="state_unknown")


def give_up(app: AppState) -> None:
    """Let the current response clear the cookies of all sign-ins under way: none of them shall undo a sign-out."""
    if app.config.auth_prefix is not None:
        lines = attempts.end_all(app, request, _redirect_uri(app))
        after_this_request(cast(Callable[[Any], Any], lambda response: _with_cookies(response, lines)))


def _used_or_foreign() -> ResponseReturnValue:
    """Answer somebody who goes back, or loads the page again: who is signed in by then goes on to the start."""
    return _fail("state_unknown") if request_session().session is None else redirect(redirects.start(request))


def _fail(code: str, detail: str | None = None) -> ResponseReturnValue:
    logger.info("a sign-in came to nothing: %s", f"{code} ({detail})" if detail else code)
    return answers.refuse_sign_in(code)


def _go_on(app: AppState, target: str) -> ResponseReturnValue:
    """Go on to the page that was asked for.

    A browser that follows redirects from the provider's site all the way sends no cookie with SameSite=Strict: a page
    of ours, which it loads from, ends that.
    """
    if app.config.cookie.same_site == "Strict":
        return Response(_ONWARD.format(escape(target)), mimetype="text/html")
    return redirect(target)


def _redirect_uri(app: AppState) -> str:
    """Return where the provider shall send people back to. Their browser has to be on that host already."""
    ours = url_for(f"{AUTH_BLUEPRINT}.callback", _external=True)
    uri = app.config.redirect_uri or ours
    here = redirects.origin(request) + urlsplit(ours).path
    if not here.startswith(uri[: -len("callback")]):
        app.warn_once(
            "somebody signs in at %s, and %s is %s: a browser that is not there already will not be let in. Behind a "
            "proxy, use werkzeug's ProxyFix.",
            here,
            "SEALED_SESSION_REDIRECT_URI" if app.config.redirect_uri else "the callback by SERVER_NAME",
            uri,
        )
    return uri


def _clear_with_answer(app: AppState, login_state: str) -> None:
    lines = attempts.end(app, request, login_state, _redirect_uri(app))
    after_this_request(cast(Callable[[Any], Any], lambda response: _with_cookies(response, lines)))


def _with_cookies(response: Any, lines: list[str]) -> Response:
    for line in lines:
        response.headers.add("Set-Cookie", line)
    return cast(Response, response)
