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
from sealed_session.reasons import Reason

from . import answers, eager_script, state
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
        fresh_within: Seconds, or a timedelta, since the person signed in; longer ago is refused (``not_fresh``).

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


def refusal(limit: float) -> ResponseReturnValue | None:
    """Return the answer to somebody who may not see the page; None for who may.

    Args:
        limit: Seconds since the person signed in, at most.
    """
    current = request_session()
    if current.session is None:
        return answers.refuse(current.reason or Reason.MISSING)
    if state.of(current_app).now() - (current.started_at or 0) > limit:
        return answers.refuse(Reason.NOT_FRESH)
    return None


def guard_everything() -> ResponseReturnValue | None:
    """Refuse whoever is not signed in, but for what must stay open (REQUIRE_LOGIN)."""
    rule = request.url_rule
    automatic = request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False)
    login = (state.of(current_app).config.login_view or "").partition("?")[0] == request.path
    return None if automatic or login or is_open(current_app, request.endpoint) else refusal(inf)


def is_open(app: Flask, endpoint: str | None) -> bool:
    """Return whether REQUIRE_LOGIN leaves an endpoint open: static files, ours, public views, the login view."""
    if endpoint is None or endpoint == state.of(app).config.login_view or is_static(app, endpoint):
        return True
    view = app.view_functions.get(endpoint)
    return (
        endpoint.rpartition(".")[0] == eager_script.BLUEPRINT
        or hasattr(view, _PUBLIC)
        or hasattr(getattr(view, "view_class", None), _PUBLIC)
    )


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
            refused = refusal(limit)
            return await view(*arguments, **named) if refused is None else refused

        guarded: Any = guarded_async
    else:

        @wraps(view)
        def guarded_plain(*arguments: Any, **named: Any) -> Any:
            refused = refusal(limit)
            return view(*arguments, **named) if refused is None else refused

        guarded = guarded_plain
    _mark(view, GUARDED)
    return cast(F, guarded)


def _marked_public(view: F) -> F:
    _mark(view, _PUBLIC)
    return view


def _mark(view: Any, mark: str) -> None:
    setattr(getattr(view, "__func__", view), mark, True)  # a bound method shows what its function has
