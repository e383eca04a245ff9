"""The systems that one_app.py runs under, each as its operator would set it up, and the people who use it.

What differs between them is here: who signs people in and how, who renews, and who is told of the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx2
from flask import Flask

from flask_ext import BearerHeader, SealedCookie, SealedSession
from sealed_session import ProviderUnavailable
from sealed_session.providers import Corbado, Knoon, Stytch, WorkOS
from sealed_session.testing import Clock, FakeCorbado, FakeKnoon, FakeStytch, FakeWorkOS, Fault
from sealed_session.testing.fake import Fake
from tests.storm.oidc_hosts import Relay
from tests.web.browser import Browser
from tests.web.identity import Identity
from tests.web.jar import Context

HOST = "app.example.com"
ORIGIN = f"https://{HOST}"
EMAIL = "ada@example.com"


class System:
    """One of them.

    Attributes:
        fake: Its vendor.
        renewal: The path that is asked for new tokens.
        renews: Whether the application can renew; otherwise the vendor's script in the page does.
        revokes: How many calls end a session there.
        settings: Of the application, without prefix.
        has_password: Whether a password of ours takes part.
        headers: What the page's script sends with its requests.
    """

    renewal = ""
    renews = True
    revokes = 1
    has_password = True
    settings: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, fake: Any, clock: Clock) -> None:
        """Begin with nobody signed in."""
        self.fake, self.clock = fake, clock
        self.headers: dict[str, str] = {}

    def auth(self) -> SealedSession:
        """Return the extension, set to the system."""
        raise NotImplementedError

    def extend(self, app: Flask, auth: SealedSession) -> None:
        """Add what signing in needs; nothing, for most."""

    def hosts(self, app: Flask) -> dict[str, Any]:
        """Return what the browser can open."""
        return {HOST: app}

    def sign_in(self, browser: Browser) -> None:
        """Be the person."""
        raise NotImplementedError

    def wake(self, browser: Browser) -> None:
        """Let the vendor's script in the page renew what is its own."""

    def chat(self, browser: Browser) -> int | None:
        """Let the page open its Chat Box, where it has one; return the status of that, or None."""
        return None

    def leave(self) -> None:
        """Let the page forget what it holds in memory."""
        self.headers.clear()

    def fail(self) -> None:
        """Let the vendor be down."""
        self.fake.fail(Fault.MAINTENANCE, times=None)

    def recover(self) -> None:
        """Let it be up again."""
        self.fake.recover()

    def rotate_key(self) -> None:
        """Let it sign with another key."""
        self.fake.rotate_key()

    def renewals(self) -> int:
        """How often new tokens were asked for."""
        return self._count(self.renewal)

    def revoked(self) -> int:
        """How often the end of a session was told there."""
        return 0

    def _count(self, path: str) -> int:
        return int(self.fake.count(path))


class AuthKit(System):
    """Its pages, and our sealed cookie."""

    renewal = "/user_management/authenticate"
    settings: ClassVar[Mapping[str, Any]] = {"AUTH_PREFIX": "/auth"}
    fake: FakeWorkOS

    def auth(self) -> SealedSession:
        """By the preset."""
        provider = WorkOS(self.fake.client_id, self.fake.api_key, base_url=self.fake.base_url, timeout=5)
        return SealedSession(provider, clock=self.clock)

    def hosts(self, app: Flask) -> dict[str, Any]:
        """The application, and the pages."""
        self.fake.redirect_uris.append(f"{ORIGIN}/auth/callback")
        pages = urlsplit(self.fake.base_url)
        return {HOST: app, pages.netloc: Relay(pages.port or 0)}

    def sign_in(self, browser: Browser) -> None:
        """There and back."""
        answer = browser.get(f"{ORIGIN}/auth/login?next=/account", follow=True)
        assert 200 == answer.status_code

    def renewals(self) -> int:
        """But for the exchange of the code."""
        return max(0, super().renewals() - 1)

    def revoked(self) -> int:
        """By its id."""
        return self._count("/user_management/sessions/revoke")


class StytchCookies(System):
    """Cookies as its JavaScript writes them."""

    renewal = "/v1/sessions/authenticate"
    has_password = False
    fake: FakeStytch

    def preset(self) -> Stytch:
        """Set to the fake."""
        return Stytch(self.fake.project_id, self.fake.secret, base_url=self.fake.base_url, timeout=5)

    def auth(self) -> SealedSession:
        """By the preset, and its own transports."""
        return SealedSession(self.preset(), clock=self.clock)

    def sign_in(self, browser: Browser) -> None:
        """By its JavaScript."""
        for line in self.fake.browser_cookies(HOST, self.fake.sign_in()):
            assert browser.jar.script_store(line, ORIGIN) is None

    def revoked(self) -> int:
        """By what it is known by."""
        return self._count("/v1/sessions/revoke")


class StytchSealed(StytchCookies):
    """The application signs people in by Stytch's API, and seals the session."""

    has_password = True

    def auth(self) -> SealedSession:
        """By the preset, and the sealed cookie."""
        return SealedSession(self.preset(), transports=[SealedCookie()], clock=self.clock)

    def extend(self, app: Flask, auth: SealedSession) -> None:
        """A form of ours."""
        self.fake.register(EMAIL, "test password")

        def enter() -> str:
            sent = {"email": EMAIL, "password": "test password", "session_duration_minutes": 60}
            us = (self.fake.project_id, self.fake.secret)
            address = f"{self.fake.base_url}/v1/passwords/authenticate"
            answer = httpx2.post(address, json=sent, auth=us, trust_env=False)
            auth.sign_in(**Stytch.session_of(answer.json()).to_mapping())
            return "in"

        app.add_url_rule("/enter", "enter", enter, methods=["POST"])

    def sign_in(self, browser: Browser) -> None:
        """By the form."""
        assert 200 == browser.post(f"{ORIGIN}/enter").status_code


class CorbadoCookie(System):
    """The cookie of its UI component, which renews it."""

    renewal = "/v2/me/refresh"
    renews = False
    revokes = 0
    has_password = False
    fake: FakeCorbado
    session: Mapping[str, Any]

    def auth(self) -> SealedSession:
        """By the preset, and its own transports."""
        return SealedSession(self.preset(), clock=self.clock)

    def preset(self) -> Corbado:
        """Set to the fake."""
        return Corbado(self.fake.project_id, frontend_api=self.fake.base_url, timeout=5)

    def sign_in(self, browser: Browser) -> None:
        """By its UI component."""
        self.wake(browser)

    def wake(self, browser: Browser) -> None:
        """A new session-token."""
        self.session = self.fake.sign_in()
        assert browser.jar.script_store(self.fake.ui_cookie(HOST, self.session), ORIGIN) is None


class CorbadoBearer(CorbadoCookie):
    """A page on another domain, which passes the session-token on."""

    def auth(self) -> SealedSession:
        """By the preset, and the header alone."""
        return SealedSession(self.preset(), transports=[BearerHeader()], clock=self.clock)

    def wake(self, browser: Browser) -> None:
        """A new session-token, in the page's memory."""
        self.headers["Authorization"] = f"Bearer {self.fake.sign_in()['access_token']}"


class KnoonBeside(System):
    """A sign-in of the application's own, and Knoon's credentials beside it."""

    settings: ClassVar[Mapping[str, Any]] = {"AUTH_PREFIX": "/auth"}
    fake: FakeKnoon

    def __init__(self, fake: Any, clock: Clock) -> None:
        """With an identity provider that is nobody's product."""
        super().__init__(fake, clock)
        self.identity = Identity(clock)

    def auth(self) -> SealedSession:
        """By the companion."""
        knoon = Knoon(
            self.fake.org_id, self.fake.api_key, domain=".example.com", base_url=self.fake.base_url, clock=self.clock
        )
        return SealedSession(self.identity, companions=[knoon], clock=self.clock)

    def sign_in(self, browser: Browser) -> None:
        """At that provider; and the page opens its Chat Box."""
        page = str(browser.get(f"{ORIGIN}/auth/login?next=/account").location)
        answer = browser.get(self.identity.approve(page), context=Context.link_on(page), follow=True)
        assert 200 == answer.status_code
        assert 200 == self.chat(browser)

    def chat(self, browser: Browser) -> int:
        """Have a credential minted."""
        sent = {"chatBoxId": "box_1"}
        return browser.fetch(f"{ORIGIN}/knoon/credentials", method="POST", json=sent).status_code

    def fail(self) -> None:
        """Both."""
        super().fail()
        self.identity.fail(ProviderUnavailable(retry_after=5), times=None)

    def recover(self) -> None:
        """Both."""
        super().recover()
        self.identity.recover()

    def renewals(self) -> int:
        """At the provider."""
        return len(self.identity.calls)

    def revoked(self) -> int:
        """At the provider."""
        return len(self.identity.revoked)


SYSTEMS: Mapping[str, tuple[type[Fake], type[System]]] = {
    "AuthKit": (FakeWorkOS, AuthKit),
    "Stytch, cookies of its JavaScript": (FakeStytch, StytchCookies),
    "Stytch, sealed": (FakeStytch, StytchSealed),
    "Corbado, cookie of its UI": (FakeCorbado, CorbadoCookie),
    "Corbado, bearer": (FakeCorbado, CorbadoBearer),
    "Knoon beside our own sign-in": (FakeKnoon, KnoonBeside),
}
