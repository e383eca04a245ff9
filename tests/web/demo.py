"""The demo for its tests: the application in this process, a browser before it, the provider on a port of its own."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from examples.app.board import Board
from examples.app.provider import LIFETIME, create_provider
from examples.app.provider.serving import serving
from examples.app.rotating import Rotating
from examples.app.settings import Settings
from tests.web.browser import Browser

ORIGIN = "http://localhost:5000"
COOKIE = "sealed-session"
CLIENT_SECRET = "a client secret for tests"
_now = time.time


class Later:
    """The time of day, some seconds from now: the demo and its provider look it up whenever they need it."""

    skipped = 0.0

    def __call__(self) -> float:
        """Unix seconds."""
        return _now() + self.skipped


@dataclass
class Place:
    """Where demos run: a provider that is served, a board, and the clock on the wall."""

    board: Board
    settings: Settings
    site: Rotating
    later: Later


@contextmanager
def running(folder: Path) -> Iterator[Place]:
    """Serve a provider that answers at once, and build the application."""
    later, board = Later(), Board(folder / "board.db")
    board.join()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", later)
        with serving(create_provider(board, CLIENT_SECRET, latency=0)) as issuer:
            settings = Settings(folder, issuer, CLIENT_SECRET)
            yield Place(board, settings, Rotating(board, settings), later)
    board.close()


class Demo:
    """The demo in somebody's browser, with its buttons."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.browser = Browser(place.site, place.later)

    def open(self, path: str) -> TestResponse:
        """Open a page."""
        return self.browser.get(ORIGIN + path, follow=True)

    def press(self, path: str, **fields: str) -> TestResponse:
        """Send a form, and see where it leads."""
        return self.browser.post(ORIGIN + path, data=fields, follow=True)

    def sign_in(self, key: str = "bjarte") -> TestResponse:
        """Press somebody's card."""
        return self.press(f"/sign-in/{key}")

    def wait_for_the_end(self) -> None:
        """Let the time of a token go by."""
        self.place.later.skipped += LIFETIME

    def switch(self, answers: str) -> TestResponse:
        """Take the provider down, or bring it back."""
        return self.press("/demo/provider", answers=answers)


def words(response: TestResponse) -> str:
    """The text of a page, as one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def fact(response: TestResponse, label: str) -> str:
    """What a page says beside a label."""
    found = re.search(rf"<dt>{label}</dt><dd.*?>(.*?)</dd>", response.text, re.DOTALL)
    assert found is not None, f"{label} is not on the page"
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[1])).split())


def seconds_left(response: TestResponse) -> int:
    """How long the access token is good for, as the page says."""
    found = re.search(r">ends in (\d+) s<", response.text)
    assert found is not None
    return int(found[1])


def title(response: TestResponse) -> str:
    """The heading of a page."""
    found = re.search(r"<h1>(.*?)</h1>", response.text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def sealed_by(response: TestResponse) -> list[str]:
    """Every Set-Cookie line on the way to a page."""
    return [line for each in (*response.history, response) for line in each.headers.getlist("Set-Cookie")]
