"""Applications of Stytch's preset in each of its roles, and Stytch on the loopback.

    consumer   the cookies are its JavaScript's, or its backend's: the application reads them
    issuer     the application signs people in by Stytch's API, and writes the cookies itself
    sealed     the same, and the session goes into our sealed cookie

Their views are those of worlds.py, which know of no system.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2

from sealed_session import Session
from sealed_session.providers import Stytch
from sealed_session.testing import Clock, FakeStytch
from sealed_session.transports import SealedCookie, TokenCookies
from tests.systems.worlds import World, build

LIVE = "project-live-00000000-0000-4000-8000-000000000001"
ADA = "user-test-00000000-0000-4000-8000-00000000ada0"
EMAIL, PASSWORD = "ada@example.com", "test password, nobody's"
SESSION, JWT = "stytch_session", "stytch_session_jwt"
CUSTOM = "login.example.com"

PASSWORDS = "/v1/passwords/authenticate"
AUTHENTICATE, REVOKE = "/v1/sessions/authenticate", "/v1/sessions/revoke"

StytchWorld = World[FakeStytch]


def preset(stytch: FakeStytch, **options: Any) -> Stytch:
    """Return the preset, set to the fake."""
    given = {"project_id": stytch.project_id, "secret": stytch.secret, "base_url": stytch.base_url, **options}
    return Stytch(**given)


def consumer(stytch: FakeStytch, clock: Clock, *, cookies: TokenCookies | None = None, **options: Any) -> StytchWorld:
    """Make an application that reads the cookies of Stytch's JavaScript; by the preset's own transports, mostly."""
    return build(stytch, preset(stytch, **options), clock, transports=None if cookies is None else [cookies])


def issuer(stytch: FakeStytch, clock: Clock, *, cookies: Any = None, **options: Any) -> StytchWorld:
    """Make an application that signs people in by their passwords, and writes the cookies itself."""
    given = Stytch.cookies(owner="server") if cookies is None else cookies
    transports = given if isinstance(given, list) else [given]
    return build(stytch, preset(stytch, **options), clock, transports=transports, opens=by_password(stytch))


def sealed(stytch: FakeStytch, clock: Clock, **options: Any) -> StytchWorld:
    """Make an application that signs people in by their passwords, and has the session in the sealed cookie."""
    return issuer(stytch, clock, cookies=SealedCookie(), **options)


def hidden(http_only: Any = "enabled", custom_domain: str = CUSTOM, **options: Any) -> TokenCookies:
    """Return cookies of ours that JavaScript is kept from, below the parent of a custom domain."""
    return replace(Stytch.cookies(owner="server", http_only=http_only, **options), custom_domain=custom_domain)


def by_password(stytch: FakeStytch) -> Any:
    """Return how an application opens a session: with Stytch's API, over HTTP, as it would for a form that came in."""
    stytch.register(EMAIL, PASSWORD)

    def opens() -> Session:
        sent = {"email": EMAIL, "password": PASSWORD, "session_duration_minutes": 60}
        us = (stytch.project_id, stytch.secret)
        answer = httpx2.post(f"{stytch.base_url}{PASSWORDS}", json=sent, auth=us, trust_env=False)
        return Stytch.session_of(answer.raise_for_status().json())

    return opens


def signed_in(role: Any, stytch: FakeStytch, clock: Clock, **options: Any) -> StytchWorld:
    """Make the application of a role, with somebody signed in who has a browser open."""
    world: StytchWorld = role(stytch, clock, **options)
    if role is consumer:
        world.store(stytch.browser_cookies("app.example.com", stytch.sign_in()))
    else:
        assert 200 == world.sign_in().status_code
    return world


def jwt_cookie(stytch: FakeStytch, token: str) -> str:
    """Return the line by which its JavaScript keeps a JWT, whatever that is."""
    session = {"access_token": token, "refresh_token": "-", "session_expires_at": stytch.clock() + 3600}
    return stytch.browser_cookies("app.example.com", session)[1]


def hidden_lines(session: dict[str, Any], domain: str = "example.com") -> list[str]:
    """Return the Set-Cookie lines of Stytch's own backend, at the custom domain."""
    tokens = {SESSION: session["refresh_token"], JWT: session["access_token"]}
    attributes = f"Path=/; Domain={domain}; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
    return [f"{name}={token}; {attributes}" for name, token in tokens.items()]


def set_by_backend(world: StytchWorld, session: dict[str, Any]) -> None:
    """Have Stytch's backend answer at the custom domain with the cookies that JavaScript is kept from."""
    for line in hidden_lines(session):
        assert world.browser.jar.store(line, f"https://{CUSTOM}/sdk/v1/sessions") is None
