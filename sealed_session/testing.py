"""For the tests of applications: a clock that stands still, tokens, and a provider that is as strict as real ones.

Nothing here is for production, and nothing in production asks whether it is being tested.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from . import encoding
from .arguments import wrong_type
from .errors import ProviderUnavailable, RefreshDenied, RefreshError
from .exact_json import JsonObject
from .session import Session

_SIGNATURE_BYTES = 256
"""Of RS256 with the usual key, so that the sizes are real."""


class Clock:
    """A clock that moves when it is told to. Give it to ``SealedSession(clock=...)``.

    Attributes:
        now: Unix seconds.
    """

    def __init__(self, now: int = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        """Return the time."""
        return self.now

    def advance(self, seconds: int) -> None:
        """Move forward."""
        self.now += seconds


def access_token(*, expires_at: int | None, sub: str = "user_1", **claims: Any) -> str:
    """Make a JSON Web Token as long as a real one. Its signature is random bytes: no verifier accepts it.

    Args:
        expires_at: Its claim ``exp``, Unix seconds; None for none.
        sub: Its claim ``sub``.
        claims: Further claims.
    """
    ending = {} if expires_at is None else {"exp": expires_at}
    parts = ({"alg": "RS256", "typ": "JWT", "kid": "testing"}, {"sub": sub, **claims, **ending})
    written = [encoding.encode(json.dumps(part, separators=(",", ":")).encode()) for part in parts]
    return ".".join([*written, encoding.encode(secrets.token_bytes(_SIGNATURE_BYTES))])


class FakeProvider:
    """A provider with single-use refresh tokens: the second use of one is refused, as real providers do.

    Not safe to share between threads.

    Attributes:
        calls: The arguments of every refresh that was asked for.
    """

    def __init__(self, clock: Any, *, lifetime: int = 300) -> None:
        """Begin with no session.

        Args:
            clock: Returns Unix seconds; a ``Clock``, for example.
            lifetime: Seconds that an access token is good for.
        """
        if not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        self.calls: list[dict[str, Any]] = []
        self._clock = clock
        self._lifetime = lifetime
        self._alive: set[str] = set()
        self._failure: RefreshError | None = None
        self._failures = 0

    def sign_in(self, user: JsonObject | None = None, **claims: Any) -> dict[str, Any]:
        """Open a session there; return what ``SealedSession.sign_in`` takes.

        Args:
            user: The person; one with the id ``user_1`` when absent.
            claims: Further claims of the access token.
        """
        user = {"id": "user_1", "email": "ada@example.com", "first_name": "Ada"} if user is None else user
        sub = str(user.get("id", "user_1"))
        claims = {"sid": f"session_{secrets.token_hex(8)}", **claims}
        return {**self._tokens(sub, claims), "user": user}

    def can_refresh(self, session: Session) -> bool:
        """Return whether there is a refresh token."""
        return session.refresh_token is not None

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Use the refresh token up and hand out the next pair; the arguments become claims."""
        self.calls.append(arguments)
        self._fail_if_told_to()
        if session.refresh_token not in self._alive:
            raise RefreshDenied
        self._alive.remove(session.refresh_token)
        claims = {name: value for name, value in session.claims.items() if name not in ("exp", "sub")}
        return Session(**self._tokens(str(session.claims.get("sub")), {**claims, **arguments}))

    def fail(self, error: RefreshError | None = None, times: int = 1) -> None:
        """Answer the next refreshes with an error, and touch no token.

        Args:
            error: ``ProviderUnavailable()`` when absent.
            times: How many refreshes fail.
        """
        self._failure = ProviderUnavailable() if error is None else error
        self._failures = times

    def end_every_session(self) -> None:
        """Let every refresh token be dead from now on."""
        self._alive.clear()

    def _tokens(self, sub: str, claims: dict[str, Any]) -> dict[str, Any]:
        token = access_token(expires_at=int(self._clock()) + self._lifetime, sub=sub, **claims)
        refresh_token = secrets.token_urlsafe(24)
        self._alive.add(refresh_token)
        return {"access_token": token, "refresh_token": refresh_token}

    def _fail_if_told_to(self) -> None:
        if self._failures and self._failure is not None:
            self._failures -= 1
            raise self._failure
