"""The cookies of sign-ins in progress: one for each, so that two tabs can be at it at once, and few of them.

They are the session cookie's relatives: as Secure as it is, and never by its Domain. SameSite is Lax whatever that of
the session is, because the provider sends the browser back from another site. Where the session's name begins with
__Host-, theirs does too, so that no sibling host can plant the sign-in of somebody else.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from urllib.parse import urlsplit

from werkzeug import Request

from sealed_session import UnsealError, encoding
from sealed_session.cookie import CookiePolicy
from sealed_session.cookie_rules import prefix_of
from sealed_session.exact_json import JsonObject
from sealed_session.login_state import LIFETIME, LoginState

from .state import AppState, host_of

MOST = 5
"""Sign-ins that one browser may have begun; the oldest gives way."""

MOST_CHARACTERS = 3584
"""Of their values together: beside a full session cookie a header has room for more (8190 with gunicorn)."""

_NAME_BYTES = 9
_LONGEST_NAME = 200


def begin(
    app: AppState, request: Request, attempt: JsonObject, *, login_state: str, target: str, redirect_uri: str
) -> list[str]:
    """Return the Set-Cookie lines that keep a sign-in, and clear those that it leaves no room for.

    Args:
        app: The application.
        request: The request that began it.
        attempt: What the provider wants back, plain JSON.
        login_state: The parameter ``state`` that it will come back with.
        target: Where to go then.
        redirect_uri: Where it will come back to.
    """
    name = _name(app, login_state)
    sealed = app.login_states.seal(name, attempt, target)
    lines = [line for old in _surplus(app, request, len(sealed)) for line in clear(app, request, old, redirect_uri)]
    return [*lines, _policy(app, name, redirect_uri).set(sealed, request.scheme, host_of(request))]


def find(app: AppState, request: Request, login_state: str) -> LoginState | None:
    """Return what was kept of a sign-in in this browser; None for nothing.

    Raises:
        UnsealError: It does not open, or it took too long (``too_old``).
    """
    name = _name(app, login_state)
    sealed = request.cookies.get(name)
    return None if sealed is None else app.login_states.unseal(name, sealed)


def clear(app: AppState, request: Request, name: str, redirect_uri: str) -> list[str]:
    """Return the lines that clear one of the cookies.

    Args:
        app: The application.
        request: The request.
        name: The cookie's.
        redirect_uri: Below which it was set.
    """
    return _policy(app, name, redirect_uri).clear(request.scheme, host_of(request))


def end(app: AppState, request: Request, login_state: str, redirect_uri: str) -> list[str]:
    """Return the lines that clear the cookie of a sign-in that came back."""
    return clear(app, request, _name(app, login_state), redirect_uri)


def _surplus(app: AppState, request: Request, needed: int) -> list[str]:
    """Return the names of the cookies that have to go: what does not open any more, and the oldest."""
    beginning, opened, gone = _beginning(app), [], []
    for name, sealed in request.cookies.items():
        if name.startswith(beginning):
            try:
                opened.append((app.login_states.unseal(name, sealed).began_at, name, len(sealed)))
            except UnsealError:
                gone.append(name)
    room = MOST_CHARACTERS - needed
    for position, (_, name, length) in enumerate(sorted(opened, reverse=True), start=1):
        room -= length
        if position >= MOST or room < 0:
            gone.append(name)
    return gone


def _beginning(app: AppState) -> str:
    session = app.config.cookie.name
    rules = prefix_of(session)
    prefix = "__Host-" if rules.host_only else "__Secure-" if rules.secure else ""
    return f"{prefix}{session[len(rules.text) :][:_LONGEST_NAME]}-login-"


def _name(app: AppState, login_state: str) -> str:
    short = sha256(login_state.encode()).digest()[:_NAME_BYTES]
    return _beginning(app) + encoding.encode(short)


def _policy(app: AppState, name: str, redirect_uri: str) -> CookiePolicy:
    """Return the policy of one of the cookies. Its path holds our login and our callback, and no more if it may."""
    below = urlsplit(redirect_uri).path.rpartition("/")[0]
    path = "/" if prefix_of(name).host_only or not below else below
    return replace(
        app.config.cookie,
        name=name,
        previous_names=(),
        domain=None,
        path=path,
        same_site="Lax",
        partitioned=False,
        max_age=LIFETIME,
    )
