"""Who may see a view: ``login_required`` and ``public``, and the guard of REQUIRE_LOGIN."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from inspect import iscoroutinefunction
from math import inf
from typing import Any, TypeVar, cast, overload

from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue

from sealed_session import UsageError
from sealed_session.arguments import seconds
from sealed_session.providers.sign_in import LEEWAY
from sealed_session.reasons import Reason

from . import answers, state
from .current import request_session

F = TypeVar("F", bound=Callable[..., Any])

_PUBLIC = "_sealed_session_public"
GUARDED = "_sealed_session_guarded"
"""Marks a view under ``login_required``; on a registered view itself, that the decorators are in the wrong order."""


@overload
def login_required(view: F, /) -> F: ...
@overload
def login_required(*, fresh_within: float | timedelta | None = None) -> Callable[[F], F]: ...
def login_required(view: F | None = None, /, *, fresh_within: float | timedelta | None = None) -> F | Callable[[F], F]:
    """Let a view be seen by people who are signed in, and by nobody else.

    Stands between the route and the view: ``@app.get("/")`` above, ``@login_required`` below it.

    Args:
        view: The view, plain or async.
        fresh_within: Seconds, or a timedelta, since the person proved who they are; longer ago is refused
            (``not_fresh``). That is when they signed in, or earlier where the provider says so (``auth_time``): with
            single sign-on it may have let them in without a question.

    Raises:
        UsageTypeError, UsageError: No function; a duration out of its range.
    """
    limit = seconds("fresh_within", fresh_within)
    return _guard(view, limit) if view is not None else lambda view: _guard(view, limit)


@overload
def public(view: F, /) -> F: ...
@overload
def public() -> Callable[[F], F]: ...
def public(view: F | None = None, /) -> F | Callable[[F], F]:
    """Leave a view open to everybody under REQUIRE_LOGIN. Also a class of views."""
    return _marked_public(view) if view is not None else _marked_public


def refused(limit: float) -> Reason | None:
    """Return why the current request may not see a page; None where it may.

    Args:
        limit: Seconds since the person proved who they are, at most.
    """
    current = request_session()
    if current.session is None:
        return current.reason or Reason.MISSING
    now, proved_at = state.of(current_app).now(), current.session.authenticated_at
    is_late = now - (current.started_at or 0) > limit
    is_let_in = proved_at is not None and now - proved_at > limit + LEEWAY  # by whose clock the limit may seem over
    return Reason.NOT_FRESH if is_late or is_let_in or (limit < inf and not current.is_dated) else None


def guard_everything() -> ResponseReturnValue | None:
    """Refuse whoever is not signed in, but for what must stay open (REQUIRE_LOGIN)."""
    automatic = request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False)
    if automatic or is_open(current_app, request.endpoint) or _is_login_address():
        return None
    reason = refused(inf)
    return None if reason is None else _refuse(reason)


def _is_login_address() -> bool:
    """Return whether the request is for a LOGIN_VIEW that is given as a path or as a whole address."""
    login_view = state.of(current_app).config.login_view
    if login_view is None or not login_view.startswith(("/", "http")):
        return False
    here = (request.script_root + request.path, request.base_url)
    return login_view.partition("?")[0].rstrip("/") in [address.rstrip("/") for address in here]


def is_open(app: Flask, endpoint: str | None) -> bool:
    """Return whether REQUIRE_LOGIN leaves an endpoint open: static files, public views, the login view."""
    if endpoint is None or endpoint == state.of(app).config.login_view or is_static(app, endpoint):
        return True
    view = app.view_functions.get(endpoint)
    return hasattr(view, _PUBLIC) or _PUBLIC in vars(getattr(view, "view_class", object))  # its own, not its parent's


def ignored_guards(app: Flask) -> list[str]:
    """Return the endpoints whose view was registered before ``login_required`` had wrapped it: all can open them."""
    return [endpoint for endpoint, view in app.view_functions.items() if hasattr(view, GUARDED)]


def is_static(app: Flask, endpoint: str) -> bool:
    """Return whether Flask itself serves files there."""
    owner, _, name = endpoint.rpartition(".")
    holder = app.blueprints.get(owner) if owner else app
    return name == "static" and holder is not None and holder.has_static_folder


def _guard(view: F, limit: float) -> F:
    if not callable(view):
        raise UsageError("login_required takes a view.", fix="Write fresh_within=... by name.", code="usage")
    if iscoroutinefunction(view):

        @wraps(view)
        async def guarded_async(*arguments: Any, **named: Any) -> Any:
            reason = refused(limit)
            return await (view(*arguments, **named) if reason is None else _refuse_async(reason))

        guarded: Any = guarded_async
    else:

        @wraps(view)
        def guarded_plain(*arguments: Any, **named: Any) -> Any:
            reason = refused(limit)
            return view(*arguments, **named) if reason is None else _refuse(reason)

        guarded = guarded_plain
    if not hasattr(view, "__self__"):  # a bound method is bound anew every time, and cannot bear a mark
        setattr(view, GUARDED, True)
    vars(guarded).pop(GUARDED, None)  # that wraps() has copied, where the view was guarded before
    return cast(F, guarded)


def _refuse(reason: Reason) -> ResponseReturnValue:
    """Answer whoever may not see a view. A preflight comes without credentials, and is told the methods alone.

    Source: Fetch Standard, section 3.3.5: whatever but a good status ends the call that it comes before.
    """
    if request.method == "OPTIONS":
        return current_app.make_default_options_response()
    return answers.refuse(reason)


async def _refuse_async(reason: Reason) -> ResponseReturnValue:
    if request.method == "OPTIONS":
        return current_app.make_default_options_response()
    return await answers.refuse_async(reason)


def _marked_public(view: F) -> F:
    marked = _loose(view) if hasattr(view, "__self__") else view
    setattr(marked, _PUBLIC, True)
    return marked


def _loose(method: F) -> F:
    """Wrap a bound method: a mark on the method itself would hold for every other object as well."""

    @wraps(method)
    def function(*arguments: Any, **named: Any) -> Any:
        return method(*arguments, **named)

    return cast(F, function)
