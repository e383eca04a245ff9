"""A whole life of a session at a certified OpenID provider: through its pages, over two tabs, to its last word."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx2
import pytest
from flask import Flask
from werkzeug.serving import make_server

from flask_ext import SealedSession, current_session, login_required
from sealed_session.providers import OAuth2
from tests.programs import node_packages
from tests.storm.oidc_server import Client, Provider, running
from tests.storm.oidc_sign_in import new_browser, walk

STORM = Path(__file__).parents[1] / "storm"
SECRET = "test data: 100% + a/b & c"
PATIENCE = 10


class Place(NamedTuple):
    """An application that is served, and its provider."""

    url: str
    provider: Provider

    @property
    def callback(self) -> str:
        """Where the provider sends people back to."""
        return f"{self.url}/auth/callback"

    def begin(self, browser: httpx2.Client, path: str = "/") -> dict[str, str]:
        """Open a page, be sent to the provider, sign in there; return what it sends back."""
        return walk(browser, self.url + path, self.callback)

    def come_back(self, browser: httpx2.Client, answer: dict[str, str]) -> httpx2.Response:
        """Open the callback."""
        return browser.get(f"{self.callback}?{urlencode(answer)}")


@pytest.fixture(scope="module")
def place(password: str) -> Iterator[Place]:
    """Both run on ports of their own. The application is built when the provider is known, and the other way round."""
    app = Flask("end to end")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    more = {
        "backchannel_logout_uri": f"{url}/auth/backchannel-logout",
        "backchannel_logout_session_required": True,
        "post_logout_redirect_uris": [f"{url}/bye"],
    }
    client = Client("web:basic", SECRET, redirect_uri=f"{url}/auth/callback", more=more)
    with running(node_packages(STORM), [client], access_seconds=300) as provider:
        set_up(app, provider, client, password)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield Place(url, provider)
        finally:
            server.shutdown()
            serving.join(PATIENCE)
            server.server_close()


def set_up(app: Flask, provider: Provider, client: Client, password: str) -> None:
    """Give the application its session and its pages."""
    app.config.update(
        SEALED_SESSION_PASSWORD=password,
        SEALED_SESSION_COORDINATOR_URL="memory:",
        SEALED_SESSION_AUTH_PREFIX="/auth",
        SEALED_SESSION_LOGOUT_RETURN_TO="/bye",
        SEALED_SESSION_CHECK_REVOCATION="always",
    )
    auth = SealedSession(OAuth2(issuer=provider.issuer, client_id=client.client_id, client_secret=SECRET, timeout=10))
    auth.init_app(app)

    @app.get("/")
    @login_required
    def home() -> Any:
        return {"who": current_session.user["sub"], "token": current_session.access_token}

    @app.get("/renew")
    @login_required
    def renew() -> Any:
        return {"kind": auth.refresh(force=True).kind}

    @app.get("/reason")
    def reason() -> Any:
        return {"reason": current_session.reason}

    @app.get("/bye")
    def bye() -> str:
        return "bye"


@pytest.fixture
def browser() -> Iterator[httpx2.Client]:
    """Somebody's: the cookies of the application and of the provider."""
    with new_browser() as own:
        own.headers["Accept"] = "text/html"
        yield own


def sign_in(place: Place, browser: httpx2.Client) -> None:
    """All the way."""
    answer = place.come_back(browser, place.begin(browser))
    assert (302, "/") == (answer.status_code, answer.headers["Location"]), answer.text


def test_sign_in_use_refresh_and_sign_out(place: Place, browser: httpx2.Client) -> None:
    """At the end the provider's page leads back to the application, and a copy of the cookie is worth nothing."""
    sign_in(place, browser)
    first = browser.get(f"{place.url}/").json()
    assert "user_1" == first["who"]
    assert {"kind": "refreshed"} == browser.get(f"{place.url}/renew").json()
    assert first["token"] != browser.get(f"{place.url}/").json()["token"]
    copy = browser.cookies["sealed-session"]
    answer = browser.post(f"{place.url}/auth/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert 303 == answer.status_code
    assert {} == walk(browser, answer.headers["Location"], f"{place.url}/bye")
    with new_browser() as thief:
        thief.cookies.set("sealed-session", copy)
        assert {"reason": "revoked"} == thief.get(f"{place.url}/reason").json()
    assert {"reason": "missing"} == browser.get(f"{place.url}/reason").json()


def test_two_tabs(place: Place, browser: httpx2.Client) -> None:
    """Both are sent to the pages before either comes back; the second comes back first."""
    first, second = place.begin(browser, "/?tab=1"), place.begin(browser, "/?tab=2")
    assert "/?tab=2" == place.come_back(browser, second).headers["Location"]
    assert "/?tab=1" == place.come_back(browser, first).headers["Location"]
    assert "user_1" == browser.get(f"{place.url}/").json()["who"]


def test_a_code_is_good_once(place: Place, browser: httpx2.Client) -> None:
    """In the browser that has begun, and in another one it never was."""
    answer = place.begin(browser)
    with new_browser() as thief:
        assert 400 == place.come_back(thief, answer).status_code
        assert {"reason": "missing"} == thief.get(f"{place.url}/reason").json()
    assert [302, 302] == [place.come_back(browser, answer).status_code for _ in range(2)]


def test_the_provider_ends_it(place: Place, browser: httpx2.Client) -> None:
    """Who signs out at the provider is signed out here by its back channel."""
    sign_in(place, browser)
    ends = httpx2.get(f"{place.provider.issuer}/.well-known/openid-configuration", trust_env=False).json()
    asked = urlencode({"client_id": "web:basic", "post_logout_redirect_uri": f"{place.url}/bye"})
    walk(browser, f"{ends['end_session_endpoint']}?{asked}", place.url)
    assert {"reason": "revoked"} == browser.get(f"{place.url}/reason").json()
