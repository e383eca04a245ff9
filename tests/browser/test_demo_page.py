"""The demo in a real browser: over the provider's pages, what its script shows, and that the browser lets it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Message, Tab
from tests.programs import needs_chromium
from tests.web.demo import COOKIE
from tests.web.demo_program import Program, needs_workers, started, until

pytestmark = [needs_chromium, needs_workers]

LIFETIME = 4


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The demo with four workers, and tokens that end soon."""
    with started(tmp_path, "--lifetime", str(LIFETIME)) as program:
        yield program


@pytest.fixture
def watched(tab: Tab) -> Tab:
    """A tab whose browser says what it complains of."""
    for domain in ("Log", "Runtime"):
        tab.browser.call(f"{domain}.enable", tab.session)
    return tab


def shown(tab: Tab, name: str) -> str:
    """What the page shows."""
    return str(tab.run(f"return document.querySelector('[data-show={name}]').textContent"))


def seconds_in(tab: Tab) -> int:
    """How long somebody is signed in, as the page says."""
    said = re.fullmatch(r"(\d+) s ago", str(tab.run("return document.getElementById('ago').textContent")))
    assert said is not None
    return int(said[1])


def heading(tab: Tab) -> str:
    """The heading of the page."""
    return str(tab.run("return document.querySelector('h1').textContent"))


def address(tab: Tab) -> str:
    """What the address bar says."""
    return str(tab.run("return location.href"))


def text(tab: Tab) -> str:
    """What the page says."""
    return str(tab.run("return document.body.innerText"))


def press(tab: Tab, selector: str) -> None:
    """Press a button or a link."""
    tab.run(f"document.querySelector('{selector}').click()")


def go(tab: Tab, selector: str) -> None:
    """Press a button or a link, and wait for the page to which it leads."""
    tab.browser._events[:] = [event for event in tab.browser._events if event["method"] != "Page.lifecycleEvent"]
    press(tab, selector)
    tab.loaded()


def sign_in(tab: Tab, program: Program) -> str:
    """Open the application, be sent to the provider's page, and choose somebody there; the provider's address."""
    tab.open(f"http://localhost:{program.port}/")
    go(tab, "a[href^=\\'/auth/login\\']")
    assert "Who are you today?" == heading(tab)
    found = re.match(r"http://127\.0\.0\.1:\d+/", address(tab))
    assert found is not None
    go(tab, "button[value=bjarte]")
    assert ("Bjarte Åsample", f"http://localhost:{program.port}/session") == (heading(tab), address(tab))
    return found[0]


def complaints(tab: Tab) -> list[Message]:
    """What the browser has complained of, on any of its pages: what the policy forbids, and errors of the script."""
    return [
        event["params"]
        for event in tab.browser._events
        if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")
    ]


def test_the_whole_life_of_a_session(program: Program, watched: Tab) -> None:
    """Signed in on the provider's page, renewed, in another organisation, signed out by the provider's back channel."""
    tab = watched
    issuer = sign_in(tab, program)
    press(tab, "[data-do=end]")
    until(lambda: shown(tab, "calls") == "1")
    go(tab, "form[action=\\'/organization\\'] button")
    assert "Sample & Sons" in text(tab)
    go(tab, f"aside a[href=\\'{issuer}\\']")
    assert "Bjarte Åsample" == heading(tab)
    go(tab, "button[value=everywhere]")
    assert "Bjarte Åsample is signed out everywhere" == heading(tab)
    assert [] == complaints(tab)
    go(tab, "a.button[href]")
    assert ("Signed out", f"http://localhost:{program.port}/session") == (heading(tab), address(tab))
    assert "revoked · The provider signed you out" in text(tab)
    assert COOKIE not in [cookie["name"] for cookie in tab.browser.cookies()]
    [refused] = complaints(tab)
    assert 401 == int(re.findall(r"status of (\d+)", refused["entry"]["text"])[0])


def test_signing_out(program: Program, watched: Tab) -> None:
    """Leads from form to form over both addresses, and the policy of neither is in the way."""
    tab = watched
    sign_in(tab, program)
    go(tab, "form[action=\\'/auth/logout\\'] button")
    assert "Sign out here, too?" == heading(tab)
    go(tab, "button[value=here]")
    assert ("Please sign in", f"http://localhost:{program.port}/") == (heading(tab), address(tab))
    tab.open(f"http://localhost:{program.port}/session")
    assert "Who are you today?" == heading(tab)
    assert [] == complaints(tab)


def test_time_goes_by(program: Program, watched: Tab) -> None:
    """Since the sign-in too, until the session is over: who is out is not in since then."""
    tab = watched
    issuer = sign_in(tab, program)
    until(lambda: seconds_in(tab) >= 2)
    passed = tab.run("return Date.now() / 1000 - document.getElementById('ago').dataset.since")
    assert passed - 1.5 < seconds_in(tab) <= passed + 0.5
    assert [] == complaints(tab)
    elsewhere = program.person()
    elsewhere.sign_in()
    elsewhere.choose(elsewhere.open(issuer), "everywhere")
    press(tab, "[data-do=six]")
    until(lambda: "(revoked)" in shown(tab, "ended"))
    before = seconds_in(tab)
    tab.run("const real = Date.now; Date.now = () => real() + 60000; showTime(); Date.now = real")
    assert before == seconds_in(tab)


def test_six_requests_when_a_token_ends(program: Program, watched: Tab) -> None:
    """The page says who answered, and that the provider was called once; what it shows is counted on."""
    tab = watched
    sign_in(tab, program)
    assert ("0", "1") == (shown(tab, "calls"), shown(tab, "requests"))
    before = tab.run("return ends")
    press(tab, "[data-do=end]")
    until(lambda: "Six requests will be sent" not in shown(tab, "summary"))
    said = re.fullmatch(
        r"6 answers by [1-4] workers?; [1-6] with new tokens, from 1 call of the provider\.", shown(tab, "summary")
    )
    assert said, shown(tab, "summary")
    assert ("1", "0", "7") == (shown(tab, "calls"), shown(tab, "refused"), shown(tab, "requests"))
    assert before < tab.run("return ends")
    assert 6 == tab.run("return document.querySelectorAll('[data-show=answers] li').length")
    assert "Gave new tokens for a refresh token." in str(tab.run("return document.getElementById('events').innerText"))
    assert [] == complaints(tab)


def test_watching(program: Program, tab: Tab) -> None:
    """Asks by itself, and goes on asking when the provider is down and when the session has ended; it says why."""
    sign_in(tab, program)
    press(tab, "[data-do=watch]")
    until(lambda: shown(tab, "calls") == "1")
    program.ask("/demo/provider", method="POST", answers="no")
    until(lambda: "503" in shown(tab, "answers"))
    program.ask("/demo/sessions", method="POST")
    program.ask("/demo/provider", method="POST", answers="yes")
    until(lambda: "401" in shown(tab, "answers"))
    assert "Signed out: the provider would not renew the session (denied)." in shown(tab, "ended")
    press(tab, "[data-do=watch]")
    assert "Ask every second" == tab.run("return document.querySelector('[data-do=watch]').textContent")


def test_watching_while_the_provider_signs_out(program: Program, tab: Tab) -> None:
    """Asked for in another browser: this one's page knows a second later, and says how it ended."""
    issuer = sign_in(tab, program)
    press(tab, "[data-do=watch]")
    elsewhere = program.person()
    elsewhere.sign_in()
    elsewhere.choose(elsewhere.open(issuer), "everywhere")
    until(lambda: "the provider signed you out, by its back channel (revoked)" in shown(tab, "ended"))
    press(tab, "[data-do=watch]")
