"""An application of AuthKit: the preset, FakeWorkOS over HTTP, an honest browser, and pages that say what they see.

The browser reaches the fake's own pages too, so that people sign in and out as they do: by following redirects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, render_template_string
from werkzeug.test import TestResponse

from flask_ext import SealedSession, current_session, login_required
from sealed_session import Session, generate_password
from sealed_session.providers import WorkOS
from sealed_session.refresh.coordinator import Coordinator
from sealed_session.testing import Clock, FakeWorkOS
from tests.storm.oidc_hosts import Relay
from tests.web.browser import Browser
from tests.web.jar import Context

HOST, OTHER_HOST = "app.example.com", "dashboard.example.com"
ORIGIN = f"https://{HOST}"
COOKIE = "wos-session"
JSON = {"Accept": "application/json", "Sec-Fetch-Mode": "cors"}
"""What a page's script asks by: it is answered in JSON."""

AUTHENTICATE = "/user_management/authenticate"
REVOKE = "/user_management/sessions/revoke"
FULL = "Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"
OLD, NEW = generate_password(), generate_password()
VARIABLES = ("WORKOS_CLIENT_ID", "WORKOS_API_KEY", *WorkOS.variables.values())


class World:
    """One application, and a browser that may visit others as well.

    Attributes:
        workos: The provider.
        auth: The extension.
        app: The application.
        browser: Somebody's.
    """

    def __init__(
        self,
        workos: FakeWorkOS,
        clock: Clock,
        *,
        coordinator: Coordinator | None = None,
        transports: Any = None,
        **settings: Any,
    ) -> None:
        """Set it up by the environment's variables, and by settings without their prefix."""
        self.workos, self.clock = workos, clock
        provider = WorkOS(base_url=workos.base_url, timeout=5)
        self.auth = SealedSession(provider, clock=clock, coordinator=coordinator, transports=transports)
        self.app = Flask("authkit")
        given = {"AUTH_PREFIX": "/", **settings}
        self.app.config.update({f"SEALED_SESSION_{name}": value for name, value in given.items()})
        self.auth.init_app(self.app)
        self._add_views()
        pages = urlsplit(workos.base_url)
        apps: dict[str, Any] = {HOST: self.app, pages.netloc: Relay(pages.port or 0)}
        self.browser = Browser(apps, clock)

    def serve(self, app: Any, *hosts: str) -> None:
        """Let an application answer at further hosts."""
        assert isinstance(self.browser.apps, dict)
        self.browser.apps.update(dict.fromkeys(hosts, app))

    def sign_in(self, origin: str = ORIGIN, *, to: str = "/me") -> TestResponse:
        """Go to the provider's pages and come back, all the way to a page."""
        return self.browser.get(f"{origin}/login?next={to}", follow=True)

    def open(self, **claims: Any) -> TestResponse:
        """Sign somebody in without any page: for what is not about signing in."""
        self.app.config["TEST_SESSION"] = self.workos.sign_in(**claims)
        return self.post("/open")

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page of the application."""
        return self.browser.get(ORIGIN + path, **options)

    def post(self, path: str, origin: str = ORIGIN, **options: Any) -> TestResponse:
        """Press a button of the application."""
        return self.browser.post(origin + path, context=Context.link_on(f"{origin}/"), **options)

    def me(self, origin: str = ORIGIN) -> Any:
        """What the application sees of whoever is signed in."""
        return self.browser.get(f"{origin}/me").json

    def kept(self, name: str = COOKIE) -> Session:
        """What the cookie in the browser holds."""
        sealer = self.app.extensions["sealed_session"].sealer
        session: Session = sealer.unseal(self.browser.jar.get(name).value).session
        return session

    def renewals(self) -> int:
        """How often the provider was asked for tokens."""
        return self.workos.count(AUTHENTICATE)

    def _open(self) -> str:
        self.auth.sign_in(**self.app.config["TEST_SESSION"])
        return "opened"

    def _add_views(self) -> None:
        views: dict[str, Callable[..., Any]] = {
            "/open": self._open,
            "/me": see,
            "/private": login_required(lambda: "private"),
            "/public": lambda: "public",
            "/page": lambda: f"<p>{bool(current_session)}</p>",
            "/script": lambda: render_template_string("{{ eager_token_script() }}"),
            "/switch/<organization_id>": lambda organization_id: switch(self.auth, organization_id),
            "/look-and-switch/<organization_id>": login_required(
                lambda organization_id: switch(self.auth, organization_id)
            ),
        }
        for path, view in views.items():
            self.app.add_url_rule(path, path, view, methods=["GET", "POST"])


MakeAuthKit = Callable[..., World]


def see() -> Mapping[str, Any]:
    """Say who is signed in, or why nobody is."""
    return {
        "id": current_session.user.get("id"),
        "impersonator": current_session.impersonator,
        "organization": current_session.claims.get("org_id"),
        "reason": current_session.reason,
    }


def switch(auth: SealedSession, organization_id: str) -> Mapping[str, Any]:
    """Go over to another organisation."""
    outcome = auth.refresh(organization_id=organization_id)
    return {"kind": outcome.kind, "payload": dict(outcome.payload), **see()}


def cookies_of(response: TestResponse) -> list[str]:
    """The Set-Cookie lines of a response."""
    return response.headers.getlist("Set-Cookie")


def set_up_environment(monkeypatch: Any, workos: FakeWorkOS, password: str, **more: str) -> None:
    """Have the variables of the vendor's own kits, these and no others.

    Args:
        monkeypatch: pytest's.
        workos: Whose client we are.
        password: WORKOS_COOKIE_PASSWORD.
        more: Further ones, by their whole names.
    """
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    ours = {"WORKOS_CLIENT_ID": workos.client_id, "WORKOS_API_KEY": workos.api_key}
    for name, value in {**ours, "WORKOS_COOKIE_PASSWORD": password, **more}.items():
        monkeypatch.setenv(name, value)
