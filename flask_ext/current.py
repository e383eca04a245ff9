"""The current request's session, and ``current_session``, by which applications read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import after_this_request, current_app, request
from flask.globals import request_ctx
from werkzeug.local import LocalProxy

from sealed_session.exact_json import JsonObject
from sealed_session.reasons import Reason

from . import state
from .lifecycle import RequestSession


def request_session() -> RequestSession:
    """Return the session of the current request. The first call reads the cookie and sees to it that it is written.

    Raises:
        RuntimeError: There is no request (Flask's own error).
        UsageError: The application has no sealed session (``not_initialised``).
    """
    this = request._get_current_object()  # type: ignore[attr-defined] # once: every look through a proxy is a search
    app = state.of(current_app)
    found: RequestSession | None = this.environ.get(app.key)
    if found is None or not found.is_of(this):
        found = this.environ[app.key] = RequestSession(app, this)
        _finish_first(found)
    return found


def _finish_first(found: RequestSession) -> None:
    """Have the cookie written before any other function that waits for the response: one that raises costs the rest."""
    after_this_request(cast(Callable[[Any], Any], found.finish))
    waiting = getattr(request_ctx, "_after_request_functions", [])
    if waiting:
        waiting.insert(0, waiting.pop())


class CurrentSession:
    """Who is signed in, for views and templates. Falsy when nobody is; reading never raises.

    The dicts are copies: what you change in them is not kept. ``SealedSession.update`` keeps changes.
    """

    __slots__ = ("_of",)

    def __init__(self, of: RequestSession) -> None:
        self._of = of

    def __bool__(self) -> bool:
        return self._of.session is not None

    @property
    def user(self) -> JsonObject:
        """The user, plain JSON; empty when nobody is signed in."""
        return self._copy("user") or {}

    @property
    def impersonator(self) -> JsonObject | None:
        """Who acts as the user; None where nobody does."""
        return self._copy("impersonator")

    @property
    def extra(self) -> JsonObject:
        """What the application added; empty when that is nothing."""
        return self._copy("extra") or {}

    @property
    def claims(self) -> JsonObject:
        """The claims of the access token; empty for an opaque token and when nobody is signed in."""
        return self._copy("claims") or {}

    @property
    def access_token(self) -> str | None:
        """The access token, good for now; None when nobody is signed in."""
        session = self._of.session
        return None if session is None else session.access_token

    @property
    def access_expires_at(self) -> int | None:
        """When the access token ends, Unix seconds; None where it does not say."""
        session = self._of.session
        return None if session is None else session.access_expires_at

    @property
    def session_id(self) -> str | None:
        """The claim ``sid``, or the id that signing in gave the session."""
        session = self._of.session
        return None if session is None else session.session_id

    @property
    def started_at(self) -> int | None:
        """When the person signed in, Unix seconds. Refreshing does not change it."""
        return self._of.started_at

    @property
    def authenticated_at(self) -> int | None:
        """When the person proved who they are, by the provider's clock, Unix seconds; None where nobody says so.

        Earlier than ``started_at`` where the provider has let them in without a question.
        """
        session = self._of.session
        return None if session is None else session.authenticated_at

    @property
    def password_index(self) -> int | None:
        """Which password opened the cookie that came: 0 the current one, 1 the first fallback; None where none did."""
        return self._of.password_index

    @property
    def reason(self) -> Reason | None:
        """Why nobody is signed in; None when somebody is."""
        return self._of.reason

    def __repr__(self) -> str:
        return f"<CurrentSession {self.session_id!r}>" if self else f"<CurrentSession signed out: {self.reason}>"

    def _copy(self, name: str) -> JsonObject | None:
        session = self._of.session
        return None if session is None else _copied(getattr(session, name))


def _copied(value: Any) -> Any:
    """Copy plain JSON; quicker than ``copy.deepcopy``."""
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if type(value) is list else value


current_session: CurrentSession = cast(CurrentSession, LocalProxy(lambda: CurrentSession(request_session())))
"""The session of the current request."""
