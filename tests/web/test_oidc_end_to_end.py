"""A whole life of a session at a certified OpenID provider: through its pages, over two tabs, to its last word.

With two applications on two hosts: test_two_hosts.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx2
import pytest
from flask import Flask

from flask_ext import SealedSession, current_session, login_required
from sealed_session.providers import OAuth2
from tests.programs import needs_node, node_packages
from tests.storm.oidc_hosts import channel
from tests.storm.oidc_person import Ahead
from tests.storm.oidc_server import Client, Provider, running
from tests.storm.oidc_sign_in import new_browser, walk

pytestmark = needs_node

STORM = Path(__file__).parents[1] / "storm"
SECRET = "test data: 100% + a/b & c"
NAME = "sealed-session"
FIRST_SECONDS, RENEWED_SECONDS = 60, 600
"""Lives of access tokens: of the one that signing in brings, and of those after it."""

LATENCY = 0.2
"""Seconds that a refresh takes at the least: time for another tab to ask, too."""


class Place(NamedTuple):
    """An application that is served, its provider, and the application's clock."""

    url: str
    provider: Provider
    clock: Ahead

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
    packages, clock = node_packages(STORM), Ahead()
    with channel() as served:
        url = served.url
        more = {
            "backchannel_logout_uri": f"{url}/auth/backchannel-logout",
            "backchannel_logout_session_required": True,
            "post_logout_redirect_uris": [f"{url}/bye"],
        }
        client = Client("web:basic", SECRET, redirect_uri=f"{url}/auth/callback", more=more)
        lives = {"access_seconds": FIRST_SECONDS, "renewed_seconds": RENEWED_SECONDS}
        with running(packages, [client], **lives, latency=LATENCY) as provider:
            served.app = Flask("end to end")
            set_up(served.app, provider, client, password, clock)
            yield Place(url, provider, clock)


def set_up(app: Flask, provider: Provider, client: Client, password: str, clock: Ahead) -> None:
    """Give the application its session and its pages."""
    app.config.update(
        SEALED_SESSION_PASSWORD=password,
        SEALED_SESSION_COORDINATOR_URL="memory:",
        SEALED_SESSION_AUTH_PREFIX="/auth",
        SEALED_SESSION_LOGOUT_RETURN_TO="/bye",
        SEALED_SESSION_CHECK_REVOCATION="always",
    )
    ours = OAuth2(
        issuer=provider.issuer, client_id=client.client_id, client_secret=SECRET, reuse_detection="session", clock=clock
    )
    auth = SealedSession(ours, clock=clock)
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


@pytest.fixture
def let_the_token_end(place: Place) -> Iterator[Callable[[], None]]:
    """What makes the token end that signing in has brought; the next one lives for long."""
    yield lambda: setattr(place.clock, "seconds", FIRST_SECONDS + 11)  # and the 10 of CLOCK_SKEW
    place.clock.seconds = 0


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


def test_two_tabs_go_on_when_the_token_has_ended(
    place: Place, browser: httpx2.Client, let_the_token_end: Callable[[], None]
) -> None:
    """Both ask at once, and a third comes late, with the same cookie: one call. Whichever cookie stays is good."""
    sign_in(place, browser)
    first, before = browser.get(f"{place.url}/").json(), len(place.provider.calls())
    stale = browser.cookies[NAME]
    let_the_token_end()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: in_a_tab(place, stale), range(2)))
    answers.append(in_a_tab(place, stale))
    assert [200] * 3 == [answer.status_code for answer in answers]
    (token,) = {answer.json()["token"] for answer in answers}
    assert token != first["token"]
    assert [("refresh_token", None)] == [(call.grant, call.error) for call in place.provider.calls()[before:]]
    for answer in answers:
        newest = in_a_tab(place, answer.cookies[NAME])
        assert (200, token) == (newest.status_code, newest.json()["token"])
    browser.cookies.set(NAME, answers[-1].cookies[NAME], domain="127.0.0.1", path="/")
    assert {"kind": "refreshed"} == browser.get(f"{place.url}/renew").json()


def in_a_tab(place: Place, cookie: str) -> httpx2.Response:
    """Open the first page with a cookie that may not be the newest any more."""
    with new_browser() as tab:
        tab.cookies.set(NAME, cookie)
        return tab.get(f"{place.url}/", headers={"Accept": "text/html"})


def test_a_code_is_good_once(place: Place, browser: httpx2.Client) -> None:
    """In the browser that has begun, and in another one it never was."""
    answer = place.begin(browser)
    with new_browser() as thief:
        assert 400 == place.come_back(thief, answer).status_code
        assert {"reason": "missing"} == thief.get(f"{place.url}/reason").json()
    assert [302, 302] == [place.come_back(browser, answer).status_code for _ in range(2)]


def test_the_provider_ends_it(place: Place, browser: httpx2.Client) -> None:
    """Who signs out at the provider is signed out here by its back channel, and is in anew by signing in again."""
    sign_in(place, browser)
    stale = browser.cookies[NAME]
    sign_out_at_the_provider(place, browser)
    assert {"reason": "revoked"} == browser.get(f"{place.url}/reason").json()
    assert 302 == in_a_tab(place, stale).status_code
    sign_in(place, browser)
    assert "user_1" == browser.get(f"{place.url}/").json()["who"]
    assert 302 == in_a_tab(place, stale).status_code


def sign_out_at_the_provider(place: Place, browser: httpx2.Client) -> None:
    """Go to its page for that and say yes, as somebody does who comes from another application."""
    ends = httpx2.get(f"{place.provider.issuer}/.well-known/openid-configuration", trust_env=False).json()
    asked = urlencode({"client_id": "web:basic", "post_logout_redirect_uri": f"{place.url}/bye"})
    walk(browser, f"{ends['end_session_endpoint']}?{asked}", place.url)


def test_a_whole_life(place: Place, browser: httpx2.Client, let_the_token_end: Callable[[], None]) -> None:
    """In, used, renewed, another tab, ended by the provider, in again, out: one browser, and no call is refused."""
    before = len(place.provider.calls())
    sign_in(place, browser)
    stale = browser.cookies[NAME]
    let_the_token_end()
    assert "user_1" == browser.get(f"{place.url}/").json()["who"]
    assert 200 == in_a_tab(place, stale).status_code
    sign_out_at_the_provider(place, browser)
    assert 302 == in_a_tab(place, stale).status_code
    place.clock.seconds = 0
    sign_in(place, browser)
    assert {"kind": "refreshed"} == browser.get(f"{place.url}/renew").json()
    assert 303 == browser.post(f"{place.url}/auth/logout", headers={"Sec-Fetch-Site": "same-origin"}).status_code
    assert {"reason": "missing"} == browser.get(f"{place.url}/reason").json()
    calls = place.provider.calls()[before:]
    assert ["authorization_code", "refresh_token"] * 2 == [call.grant for call in calls]
    assert {None} == {call.error for call in calls}
