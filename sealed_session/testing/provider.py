"""A provider that is as strict as real ones, without a network. Those that are asked by HTTP are beside it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from threading import Lock
from typing import Any

from ..arguments import check_whole_number, wrong_type
from ..errors import ProviderUnavailable, RefreshDenied
from ..exact_json import JsonObject
from ..session import Session
from .tokens import access_token


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
