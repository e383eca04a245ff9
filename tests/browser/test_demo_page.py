"""The demo's page in a real browser: what its script shows, and that the browser lets it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Message, Tab
from tests.programs import needs_chromium
from tests.web.demo_program import Program, needs_workers, started, until

pytestmark = [needs_chromium, needs_workers]

LIFETIME = 4


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The demo with four workers, and tokens that end soon."""
    with started(tmp_path, "--lifetime", str(LIFETIME)) as program:
        yield program


def shown(tab: Tab, name: str) -> str:
    """What the page shows."""
    return str(tab.run(f"return document.querySelector('[data-show={name}]').textContent"))


def press(tab: Tab, selector: str) -> None:
    """Press a button."""
    tab.run(f"document.querySelector('{selector}').click()")


def complaints(tab: Tab) -> list[Message]:
    """What the browser has complained of, on any of its pages: what the policy forbids, and errors of the script."""
    return [
        event["params"]
        for event in tab.browser._events
        if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")
    ]


def test_six_requests_when_a_token_ends(program: Program, tab: Tab) -> None:
    """The page says who answered, and that the provider was called once; what it shows is counted on."""
    for domain in ("Log", "Runtime"):
        tab.browser.call(f"{domain}.enable", tab.session)
    tab.open(f"http://localhost:{program.port}/")
    press(tab, "form[action$=bjarte] button")
    tab.loaded()
    assert ("0", "1") == (shown(tab, "calls"), shown(tab, "requests"))
    press(tab, "[data-do=end]")
    until(lambda: "Six requests will be sent" not in shown(tab, "summary"))
    said = re.fullmatch(
        r"6 answers by [1-4] workers?; [1-6] with new tokens, from 1 call of the provider\.", shown(tab, "summary")
    )
    assert said, shown(tab, "summary")
    assert ("1", "0", "7") == (shown(tab, "calls"), shown(tab, "refused"), shown(tab, "requests"))
    assert re.fullmatch(rf"ends in [1-{LIFETIME}] s", shown(tab, "left"))
    assert 6 == tab.run("return document.querySelectorAll('[data-show=answers] li').length")
    assert "Gave new tokens for a refresh token." in str(tab.run("return document.getElementById('events').innerText"))
    assert [] == complaints(tab)


def test_watching(program: Program, tab: Tab) -> None:
    """Asks by itself, and goes on asking when the provider is down and when the session has ended."""
    tab.open(f"http://localhost:{program.port}/")
    press(tab, "form[action$=bjarte] button")
    tab.loaded()
    press(tab, "[data-do=watch]")
    until(lambda: shown(tab, "calls") == "1")
    program.ask("/demo/provider", method="POST", answers="no")
    until(lambda: "503" in shown(tab, "answers"))
    program.ask("/demo/sessions", method="POST")
    program.ask("/demo/provider", method="POST", answers="yes")
    until(lambda: "401" in shown(tab, "answers"))
    press(tab, "[data-do=watch]")
    assert "Ask every second" == tab.run("return document.querySelector('[data-do=watch]').textContent")
