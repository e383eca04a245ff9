"""For the tests of applications: a clock that stands still, tokens, and a provider that is as strict as real ones.

Nothing here is for production, and nothing in production asks whether it is being tested.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain, repeat
from threading import Lock
from typing import Any

from . import encoding
from .arguments import check_whole_number, wrong_type
from .errors import ProviderUnavailable, RefreshDenied
from .exact_json import JsonObject
from .session import Session

_SIGNATURE_BYTES = 256
"""Of RS256 with the usual key, so that the sizes are real."""


class Clock:
    """A clock that moves when it is told to. Give it to ``SealedSession(clock=...)``.

    Attributes:
        now: Unix seconds. May be set.
    """

    def __init__(self, now: int = 1_800_000_000) -> None:
        """Stand still at a time; in January 2027 when nothing else is said."""
        self.now = now

    def __call__(self) -> int:
        """Return the time."""
        return self.now

    def advance(self, duration: float | timedelta) -> None:
        """Move forward by seconds, or a timedelta; back by a negative one."""
        self.now += int(duration.total_seconds() if isinstance(duration, timedelta) else duration)


def access_token(*, expires_at: int | None, sub: str = "user_1", **claims: Any) -> str:
    """Make a JSON Web Token as long as a real one. Its signature is random bytes: no verifier accepts it.

    Args:
        expires_at: Its claim ``exp``, Unix seconds; None for none.
        sub: Its claim ``sub``.
        claims: Further claims.

    Raises:
        UsageTypeError: ``expires_at`` is neither an int nor None.
    """
    if expires_at is not None and type(expires_at) is not int:
        raise wrong_type("expires_at", "whole Unix seconds (int)", expires_at)
    ending = {} if expires_at is None else {"exp": expires_at}
    parts = ({"alg": "RS256", "typ": "JWT", "kid": "testing"}, {"sub": sub, **claims, **ending})
    written = [encoding.encode(json.dumps(part, separators=(",", ":")).encode()) for part in parts]
    return ".".join([*written, encoding.encode(secrets.token_bytes(_SIGNATURE_BYTES))])


class FakeProvider:
    """A provider with single-use refresh tokens: the second use of one is refused, as real providers do.

    Safe to share between threads: of any number that refresh with one token at once, one is given the next pair.

    Attributes:
        calls: The arguments of every refresh that was asked for, in order; those that failed too.
        identity: Whose refresh tokens these are.
    """

    identity = "fake"

    def __init__(self, clock: Callable[[], float] | None = None, *, lifetime: int = 300) -> None:
        """Begin with no session.

        Args:
            clock: Returns Unix seconds: the same clock as the application's. None: ``time.time``, looked up at every
                call.
            lifetime: Seconds that an access token is good for.

        Raises:
            UsageTypeError, UsageError: Something else.
        """
        if clock is not None and not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        check_whole_number("lifetime", lifetime)
        self.calls: list[dict[str, Any]] = []
        self._clock = clock
        self._lifetime = lifetime
        self._alive: set[str] = set()
        self._failures: list[Iterator[Exception]] = []
        self._lock = Lock()

    def sign_in(self, user: JsonObject | None = None, **claims: Any) -> dict[str, Any]:
        """Open a session there; return what ``SealedSession.sign_in`` and ``SealedClient.sign_in`` take.

        Args:
            user: The person; Ada, with the id ``user_1``, when absent. The id becomes the claim ``sub``.
            claims: Further claims of the access token.
        """
        user = {"id": "user_1", "email": "ada@example.com", "first_name": "Ada"} if user is None else user
        who = {"sub": str(user["id"])} if "id" in user else {}
        return {**self._tokens({"sid": f"session_{secrets.token_hex(8)}", **who, **claims}), "user": user}

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return session.refresh_token

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Use the refresh token up and hand out the next pair; the arguments become claims.

        Raises:
            RefreshDenied: The token was used before, or is not one of this provider's.
            Exception: What ``fail`` was given.
        """
        failure = self._use_up(session.refresh_token, arguments)
        if failure is not None:
            raise failure.with_traceback(None)  # it may have been raised before
        return Session(**self._tokens({**session.claims, **arguments}))

    def fail(self, error: Exception | None = None, times: int | None = 1) -> None:
        """Answer the next refreshes with an error, and touch no token. Said twice, the second error follows the first.

        Args:
            error: ``ProviderUnavailable()`` when absent.
            times: How many refreshes fail; None: every one until ``recover``.

        Raises:
            UsageTypeError, UsageError: Something else; a class of errors, for example.
        """
        error = ProviderUnavailable() if error is None else error
        if not isinstance(error, Exception):
            raise wrong_type("error", "an error, RefreshDenied() for example", error)
        if times is not None:
            check_whole_number("times", times)
        with self._lock:
            self._failures.append(repeat(error) if times is None else repeat(error, times))

    def recover(self) -> None:
        """Forget what ``fail`` was told."""
        with self._lock:
            self._failures.clear()

    def end_every_session(self) -> None:
        """Let every refresh token be dead from now on."""
        with self._lock:
            self._alive.clear()

    def _use_up(self, refresh_token: str | None, arguments: dict[str, Any]) -> Exception | None:
        """Take a token out of the living ones; return what to raise where that is not to be."""
        with self._lock:
            self.calls.append(arguments)
            failure = next(chain.from_iterable(self._failures), None)
            if failure is not None:
                return failure
            if refresh_token not in self._alive:
                return RefreshDenied()
            self._alive.remove(refresh_token)
            return None

    def _tokens(self, claims: dict[str, Any]) -> dict[str, Any]:
        now = time.time() if self._clock is None else self._clock()
        token = access_token(expires_at=int(now) + self._lifetime, **claims)
        refresh_token = secrets.token_urlsafe(24)
        with self._lock:
            self._alive.add(refresh_token)
        return {"access_token": token, "refresh_token": refresh_token}
