"""The same application under all four systems: its code does not change, and neither does what people see of it.

The application is one_app.py; what is different between the systems is in one_app_systems.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_ext import SealedSession
from sealed_session import generate_password
from sealed_session.testing import Clock
from tests.core.jwks_server import settle
from tests.systems import one_app
from tests.systems.one_app_systems import ORIGIN, SYSTEMS, System
from tests.web.browser import Browser
from tests.web.jar import Context

OLD, NEW = generate_password(), generate_password()
FETCH = {"Accept": "application/json"}
LIFE = 300
"""Seconds of an access token, of all of them."""


class Visit:
    """Somebody at the application.

    Attributes:
        system: Whose people they are.
        browser: Theirs.
    """

    def __init__(self, system: System, clock: Clock) -> None:
        """With the application set up, and nobody signed in."""
        self.system, self.clock = system, clock
        self.auth: SealedSession
        self.browser = Browser(system.hosts(self.deploy(OLD)), clock)

    def deploy(self, password: str, *others: str) -> Any:
        """Set the application up, with a password and others that open; as a new process would."""
        self.auth = self.system.auth()
        given = {"PASSWORD": password, "PASSWORD_FALLBACKS": list(others), **self.system.settings}
        if not self.system.has_password:
            del given["PASSWORD"], given["PASSWORD_FALLBACKS"]
        app = one_app.create_app(self.auth, **{f"SEALED_SESSION_{name}": value for name, value in given.items()})
        self.system.extend(app, self.auth)
        return app

    def redeploy(self, password: str, *others: str) -> None:
        """Put a new process in the place of the old one."""
        assert isinstance(self.browser.apps, dict)
        self.browser.apps["app.example.com"] = self.deploy(password, *others)

    def account(self, browser: Browser | None = None) -> TestResponse:
        """What the page's script is told of the account."""
        headers = {**FETCH, **self.system.headers}
        return (browser or self.browser).fetch(f"{ORIGIN}/account", headers=headers)

    def home(self) -> str:
        """The first page."""
        return self.browser.get(f"{ORIGIN}/", headers=self.system.headers).text

    def sign_out(self) -> TestResponse:
        """Press the button."""
        context = Context.link_on(f"{ORIGIN}/")
        return self.browser.post(f"{ORIGIN}/sign-out", context=context, headers=self.system.headers)

    def tab(self) -> Browser:
        """A tab whose request has left by now, with the cookies as they are."""
        tab = copy(self.browser)
        tab.jar = copy(self.browser.jar)
        return tab

    def come_back(self) -> None:
        """Return when the access token has died; where the application cannot renew, the page's script does."""
        self.clock.advance(LIFE + 100)
        if not self.system.renews:
            self.system.wake(self.browser)


@pytest.fixture(params=SYSTEMS)
def visit(request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Somebody at the application, under each system; at the end the browser has refused no cookie."""
    clock, (fake, system) = Clock(), SYSTEMS[request.param]
    with fake(clock=clock) as running:  # type: ignore[call-arg]
        it = Visit(system(running, clock), clock)
        yield it
        settle()
        assert [] == it.browser.refused


@pytest.fixture
def signed_in(visit: Visit) -> Visit:
    """The same, signed in."""
    visit.system.sign_in(visit.browser)
    assert 200 == visit.account().status_code
    return visit


def test_somebody_signs_in(visit: Visit) -> None:
    """Nobody sees the account before, its owner does afterwards; nobody was asked to renew anything."""
    assert (401, "missing") == (visit.account().status_code, visit.account().get_json()["reason"])
    assert "Hello, whoever you are" == visit.home()
    visit.system.sign_in(visit.browser)
    answer = visit.account()
    assert (200, visit.clock.now) == (answer.status_code, answer.get_json()["since"])
    assert (f"Hello {answer.get_json()['id']}", 0) == (visit.home(), visit.system.renewals())


def test_somebody_comes_back(signed_in: Visit) -> None:
    """After the access token has died: renewed once, or else told why and left alone until the page's script has."""
    visit, who = signed_in, signed_in.account().get_json()["id"]
    for renewals in (1, 2):
        visit.clock.advance(LIFE + 100)
        answer = visit.account()
        if not visit.system.renews:
            assert (401, "expired") == (answer.status_code, answer.get_json()["reason"])
            assert [] == answer.headers.getlist("Set-Cookie")
            visit.system.wake(visit.browser)
        assert [who] * 2 == [visit.account().get_json()["id"] for _ in range(2)]
        # What a script of the vendor's owns is not written here, so that each life of its token is renewed for us.
        assert (renewals if visit.system.renews else 0) == visit.system.renewals()


@pytest.mark.parametrize("late_first", [False, True])
def test_two_tabs(signed_in: Visit, late_first: bool) -> None:
    """At once, with a token that has died: one of them renews, both are answered, whoever's cookie comes last."""
    visit, tabs, barrier = signed_in, [signed_in.tab(), signed_in.tab()], Barrier(2)
    visit.clock.advance(LIFE + 100)

    def open_account(tab: Browser) -> TestResponse:
        barrier.wait(10)
        return visit.account(tab)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(open_account, tabs))
    assert [200 if visit.system.renews else 401] * 2 == [answer.status_code for answer in answers]
    assert (1 if visit.system.renews else 0) == visit.system.renewals()
    for answer in answers[::-1] if late_first else answers:
        for line in answer.headers.getlist("Set-Cookie"):
            assert visit.browser.jar.store(line, f"{ORIGIN}/account") is None
    visit.come_back()
    assert 200 == visit.account().status_code


def test_the_provider_is_down(signed_in: Visit) -> None:
    """Who has a living token does not notice; everybody else is told to come back, and loses nothing."""
    visit, greeting = signed_in, signed_in.home()
    visit.system.fail()
    assert (200, greeting) == (visit.account().status_code, visit.home())
    assert visit.system.chat(visit.browser) in (None, 503)
    cookies = sorted(cookie.name for cookie in visit.browser.jar.cookies())
    if visit.system.renews:
        visit.clock.advance(LIFE + 100)
    else:
        visit.redeploy(OLD)  # a process that has no keys yet
    answer = visit.account()
    assert (503, []) == (answer.status_code, answer.headers.getlist("Set-Cookie"))
    assert int(answer.headers["Retry-After"]) > 0
    assert cookies == sorted(cookie.name for cookie in visit.browser.jar.cookies())
    visit.system.recover()
    visit.clock.advance(30)
    assert 200 == visit.account().status_code


def test_the_provider_rotates_its_key(signed_in: Visit) -> None:
    """What the old one has signed is good as long as it lives, and so is what the new one signs."""
    visit = signed_in
    for _ in range(2):
        visit.system.rotate_key()
        assert 200 == visit.account().status_code
        visit.come_back()
        assert 200 == visit.account().status_code
        assert visit.system.chat(visit.browser) in (None, 200)


def test_we_rotate_our_password(signed_in: Visit) -> None:
    """In three steps, in which nobody is signed out; where tokens come as they are, there is none to rotate."""
    visit = signed_in
    for password, others in ((OLD, [NEW]), (NEW, [OLD]), (NEW, [])):
        visit.redeploy(password, *others)
        assert 200 == visit.account().status_code
    visit.come_back()
    assert 200 == visit.account().status_code


@pytest.mark.parametrize("has_died", [False, True])
def test_somebody_signs_out(signed_in: Visit, has_died: bool) -> None:
    """Every cookie goes, the provider is told where that is possible, and nothing is renewed for it."""
    visit = signed_in
    visit.clock.advance(LIFE + 100 if has_died else 0)
    answer = visit.sign_out()
    assert 303 == answer.status_code
    visit.system.leave()
    assert [] == visit.browser.jar.cookies()
    assert (visit.system.revokes, 0) == (visit.system.revoked(), visit.system.renewals())
    assert "missing" == visit.account().get_json()["reason"]
    assert "Hello, whoever you are" == visit.home()


def test_the_application_names_no_system() -> None:
    """Not in a word of it."""
    source = Path(str(one_app.__file__)).read_text(encoding="utf-8")
    assert None is re.search("workos|authkit|stytch|corbado|knoon", source, re.IGNORECASE)
