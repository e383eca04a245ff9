"""The cookies of sign-ins in progress: one for each, so that two tabs can be at it at once, and few of them.

They are the session cookie's relatives: as Secure as it is, and never by its Domain. SameSite is Lax whatever that of
the session is, because the provider sends the browser back from another site. Where the session's name begins with
__Host-, theirs does too, so that no sibling host can plant the sign-in of somebody else.

Their path is that of the session, and not that of our endpoints alone: only what comes along can be counted and
cleared, and a sign-in may begin in any view.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from werkzeug import Request

from sealed_session import UnsealError, encoding
from sealed_session.cookie import CookiePolicy
from sealed_session.cookie_rules import prefix_of
from sealed_session.exact_json import JsonObject
from sealed_session.login_state import LIFETIME, LoginState
from sealed_session.refresh.coordinator import Coordinator, CoordinatorUnavailable
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.sealer import CLOCK_TOLERANCE
from sealed_session.whereabouts import whereabouts

from .state import AppState, host_of

MOST = 5
"""Sign-ins that one browser may have begun; the oldest gives way."""

MOST_CHARACTERS = 3584
"""Of their values together: beside a full session cookie a header has room for more (8190 with gunicorn)."""

MOST_CLEARED = 20
"""Cookies cleared by one response: whoever can plant them could plant hundreds, and proxies bound a response's head."""

MOST_TRIES = 3
"""Calls of the provider for one attempt: somebody may load the page again after an outage, and replay it no further."""

T = TypeVar("T")

logger = logging.getLogger("sealed_session")

_IS_TAKEN, _IS_FREE = 1, 0
_KEPT = (LIFETIME + CLOCK_TOLERANCE) * 1000
_HERE = MemoryCoordinator()
"""Where this process remembers attempts while no coordinator can. Each entry is one sealed attempt's, and ends too."""

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
    sealed = app.login_states.seal(name, attempt, target, identity=_identity(app))
    lines = _clear(app, request, _surplus(app, request, len(sealed)), redirect_uri)
    return [*lines, _policy(app, name, redirect_uri).set(sealed, request.scheme, host_of(request))]


def find(app: AppState, request: Request, login_state: str) -> LoginState | None:
    """Return what was kept of a sign-in in this browser; None for nothing.

    Raises:
        UnsealError: It does not open, or it took too long (``too_old``).
    """
    name = _name(app, login_state)
    sealed = request.cookies.get(name)
    return None if sealed is None else app.login_states.unseal(name, sealed, identity=_identity(app))


def take(app: AppState, login_state: str) -> bool:
    """Begin to finish a sign-in; return whether that may be: by one request at a time, and ``MOST_TRIES`` times.

    A cookie stays with whoever has it, and each code that comes with it would be a call of the provider as who we are.
    """
    key = _key(app, login_state)

    def act(store: Coordinator) -> bool:
        value = store.read(key).value
        tries, is_taken = (0, _IS_FREE) if value is None else (value[0], value[1])
        if is_taken or tries >= MOST_TRIES:
            return False
        return store.swap(key, value, bytes([tries + 1, _IS_TAKEN]), _KEPT)

    return _on_record(app, act)


def give_back(app: AppState, login_state: str) -> None:
    """Let a sign-in be finished later, that nobody could finish now."""
    key = _key(app, login_state)

    def act(store: Coordinator) -> bool:
        value = store.read(key).value
        return value is not None and store.swap(key, value, bytes([value[0], _IS_FREE]), _KEPT)

    _on_record(app, act)


def end(app: AppState, request: Request, login_state: str, redirect_uri: str) -> list[str]:
    """Return the lines that clear the cookie of a sign-in that came back."""
    return _clear(app, request, [_name(app, login_state)], redirect_uri)


def end_all(app: AppState, request: Request, redirect_uri: str) -> list[str]:
    """Return the lines that clear the cookies of all sign-ins that came along."""
    return _clear(app, request, _ours(app, request), redirect_uri)


def _clear(app: AppState, request: Request, names: list[str], redirect_uri: str) -> list[str]:
    """Return the lines that clear cookies, and were set for a sign-in that comes back to an address."""
    scheme, host = request.scheme, host_of(request)
    few = islice(names, MOST_CLEARED)
    return [line for name in few for line in _policy(app, name, redirect_uri).clear(scheme, host)]


def _surplus(app: AppState, request: Request, needed: int) -> list[str]:
    """Return the names of the cookies that have to go: what does not open any more, and the oldest."""
    opened, gone, identity = [], [], _identity(app)
    for name in _ours(app, request):
        sealed = request.cookies[name]
        try:
            opened.append((app.login_states.unseal(name, sealed, identity=identity).began_at, name, len(sealed)))
        except UnsealError:
            gone.append(name)
    room = MOST_CHARACTERS - needed
    for position, (_, name, length) in enumerate(sorted(opened, reverse=True), start=1):
        room -= length
        if position >= MOST or room < 0:
            gone.append(name)
    return gone


def _ours(app: AppState, request: Request) -> list[str]:
    """Return the names that came along and have the form of ours. Of others not one may be written into a header."""
    form = re.compile(re.escape(_beginning(app)) + r"[\w-]{12}", re.ASCII)
    return [name for name in request.cookies if form.fullmatch(name)]


def _beginning(app: AppState) -> str:
    session = app.config.cookie.name
    rules = prefix_of(session)
    prefix = "__Host-" if rules.host_only else "__Secure-" if rules.secure else ""
    return f"{prefix}{session[len(rules.text) :][:_LONGEST_NAME]}-login-"


def _name(app: AppState, login_state: str) -> str:
    short = sha256(login_state.encode()).digest()[:_NAME_BYTES]
    return _beginning(app) + encoding.encode(short)


def _policy(app: AppState, name: str, redirect_uri: str) -> CookiePolicy:
    """Return the policy of one of the cookies. Its path is that of the session, if our callback is below it."""
    session = app.config.cookie.path
    is_below = urlsplit(redirect_uri).path.startswith(f"{session.rstrip('/')}/")
    return replace(
        app.config.cookie,
        name=name,
        previous_names=(),
        domain=None,
        path=session if is_below else "/",
        same_site="Lax",
        partitioned=False,
        max_age=LIFETIME,
    )


def _identity(app: AppState) -> str:
    return str(cast(Any, app.provider).identity)


def _key(app: AppState, login_state: str) -> bytes:
    """Return the key of a sign-in's record: nobody can tell the state from it."""
    named = "\0".join(("sealed-session/1 sign-in", _identity(app), login_state))
    return sha256(named.encode("utf-8", "surrogatepass")).digest()


def _on_record(app: AppState, act: Callable[[Coordinator], T]) -> T:
    """Do something in the first store that can be had: that of everybody, of this machine, of this process."""
    for store in app.coordinators:
        try:
            return act(store)
        except CoordinatorUnavailable:
            pass
        except Exception as error:  # somebody else's coordinator: nobody is kept out by it
            logger.error("a sign-in could not be put on record: %s", whereabouts(error))
    return act(_HERE)
