"""A provider whose tokens come in cookies and headers, and an application that verifies them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from sealed_session import ProviderUnavailable, RefreshDenied, Session
from sealed_session.testing import Clock
from sealed_session.transports import TokenCookies, Transport
from sealed_session.verifier import JWTVerifier
from tests.core.jwks_server import SigningKey
from tests.web.conftest import ORIGIN, MakeWorld, World
from tests.web.verifier import ISSUER

KEY = SigningKey()
FOREIGN = SigningKey(number=2)
ACCESS, REFRESH = "access", "refresh"
COOKIES = TokenCookies(access=ACCESS, refresh=REFRESH)


class Keeper:
    """A provider that keeps a refresh token for as long as it lives; each is good for one person.

    Attributes:
        alive: Refresh tokens, and whose they are.
        calls: Which refresh tokens were used.
        is_down: Whether it cannot be asked.
        foreign: Whether its new tokens are signed by somebody else.
    """

    identity = "keeper"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.alive: dict[str, str] = {}
        self.calls: list[str] = []
        self.revoked: list[str | None] = []
        self.is_down = self.foreign = False

    def token(self, sub: str = "user_1", *, key: SigningKey = KEY, **claims: Any) -> str:
        """Sign an access token that is good for 300 seconds."""
        now = self.clock()
        times = {"iat": now, "exp": now + 300}
        given = {"sub": sub, "iss": ISSUER, "sid": f"session_of_{sub}", **times, **claims}
        return key.sign({name: value for name, value in given.items() if value is not None})

    def open(self, sub: str = "user_1", **claims: Any) -> dict[str, Any]:
        """Open a session; return what ``sign_in`` takes."""
        self.alive[f"refresh_of_{sub}"] = sub
        return {"access_token": self.token(sub, **claims), "refresh_token": f"refresh_of_{sub}"}

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return session.refresh_token

    def refresh(self, session: Session, /, **_arguments: Any) -> Session:
        """Hand out the next access token."""
        self.calls.append(str(session.refresh_token))
        if self.is_down:
            raise ProviderUnavailable(sent=False)
        sub = self.alive.get(str(session.refresh_token))
        if sub is None:
            raise RefreshDenied
        token = self.token(sub, key=FOREIGN) if self.foreign else self.token(sub)
        return Session(token, session.refresh_token, {"id": sub, "more": "than a claim says"})

    def revoke(self, session: Session) -> bool:
        """End a session."""
        self.revoked.append(session.refresh_token)
        return self.alive.pop(str(session.refresh_token), None) is not None


def build(make_world: MakeWorld, transports: Sequence[Transport] | None, **settings: Any) -> tuple[World, Keeper]:
    """Make an application with these transports, and its provider."""
    clock = Clock()
    keeper = Keeper(clock)
    verifier = JWTVerifier(keys={"keys": [KEY.jwk()]}, issuers=[ISSUER], clock=clock)
    given = {"verifier": verifier, "provider": keeper, **settings}
    return make_world(clock=clock, transports=transports, **given), keeper


def plant(world: World, name: str, value: str, attributes: str = "Path=/; Secure") -> None:
    """Have the browser keep a cookie that a script of somebody else's has written."""
    assert world.browser.jar.store(f"{name}={value}; {attributes}", ORIGIN) is None


def held(world: World, name: str) -> str | None:
    """Return the value that the browser holds; None for none."""
    for cookie in world.browser.jar.cookies():
        if cookie.name == name:
            return str(cookie.value)
    return None


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"{scheme} {token}"}


def settle() -> None:
    """Wait for what goes on behind a response."""
    for thread in threading.enumerate():
        if thread.name in ("sealed-session refresh", "sealed-session sign-out"):
            thread.join(5)
