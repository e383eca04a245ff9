"""The demo for its tests: the application in this process, a browser before it, the provider on a port of its own."""

from __future__ import annotations

import html
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from werkzeug.test import Client as WsgiClient
from werkzeug.test import TestResponse

from examples.app.board import Board
from examples.app.provider import create_provider
from examples.app.provider.client import Client
from examples.app.provider.tokens import LIFETIME
from examples.app.rotating import Rotating
from examples.app.serving import serving
from examples.app.settings import Settings
from tests.web.browser import Browser
from tests.web.jar import Context

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ORIGIN = "http://localhost:5000"
COOKIE = "sealed-session"
CLIENT_SECRET = "a client secret: 100 % for tests"
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
    provider: Flask
    later: Later

    @property
    def issuer(self) -> str:
        """The provider's address."""
        return self.settings.issuer


@contextmanager
def running(folder: Path) -> Iterator[Place]:
    """Serve a provider that answers at once, and build the application, which its back channel reaches."""
    later, board = Later(), Board(folder / "board.db")
    board.join()

    def post(uri: str, fields: dict[str, str]) -> int:
        return WsgiClient(site).post(urlsplit(uri).path, base_url=ORIGIN, data=fields).status_code

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", later)
        listener = socket.create_server(("127.0.0.1", 0))
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        provider = create_provider(issuer, Client(ORIGIN, CLIENT_SECRET), board, latency=0, post=post)
        with serving(listener, provider, "provider"):
            settings = Settings(folder, issuer, CLIENT_SECRET)
            site = Rotating(board, settings)
            yield Place(board, settings, site, provider, later)
    board.close()


class Demo:
    """The demo in somebody's browser, with its buttons."""

    def __init__(self, place: Place) -> None:
        self.place = place
        apps: dict[str, WSGIApplication] = {
            urlsplit(ORIGIN).netloc: place.site,
            urlsplit(place.issuer).netloc: place.provider,
        }
        self.browser = Browser(apps, place.later)

    def open(self, path: str) -> TestResponse:
        """Open a page; a whole address may be the provider's."""
        return self.browser.get(urljoin(ORIGIN, path), follow=True)

    def press(self, path: str, **fields: str) -> TestResponse:
        """Send a form, and see where it leads."""
        return self.browser.post(ORIGIN + path, data=fields, follow=True)

    def choose(self, page: TestResponse, value: str) -> TestResponse:
        """Press the button with this value on a page, and see where it leads."""
        return choose(self.browser, page, value)

    def sign_in(self, key: str = "bjarte", path: str = "/somebody-else") -> TestResponse:
        """Be sent to the provider's page, and press somebody's card there."""
        return self.choose(self.open(path), key)

    def wait_for_the_end(self) -> None:
        """Let the time of a token go by."""
        self.place.later.skipped += LIFETIME

    def switch(self, answers: str) -> TestResponse:
        """Take the provider down, or bring it back."""
        return self.press("/demo/provider", answers=answers)


def choose(browser: Browser, page: TestResponse, value: str) -> TestResponse:
    """Press the button with this value on a page, and see where it leads."""
    action, fields = form_with(page, value)
    here = page.request.url
    return browser.post(urljoin(here, action), data=fields, context=Context.link_on(here), follow=True)


def form_with(page: TestResponse, value: str) -> tuple[str, dict[str, str]]:
    """Where the form leads that has a button with this value, and what it sends."""
    for action, inside in re.findall(r'<form method="post" action="(.*?)".*?>(.*?)</form>', page.text, re.DOTALL):
        named = re.search(rf'<button[^>]*name="(\w+)" value="{re.escape(value)}"', inside)
        if named is not None:
            hidden = dict(re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', inside))
            return html.unescape(action), {**hidden, named[1]: value}
    raise AssertionError(f"no button with the value {value} on the page {title(page)}")


def words(response: TestResponse) -> str:
    """The text of a page, as one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def main(response: TestResponse) -> str:
    """What a page says by itself, without what stands around it on every page."""
    found = re.search(r"<main.*?>(.*)</main>", response.text, re.DOTALL)
    assert found is not None, response.text
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", found[1]).split()))


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
    assert found is not None, response.text
    return html.unescape(found[1])


def sealed_by(response: TestResponse) -> list[str]:
    """Every line on the way to a page that sets the session's cookie."""
    lines = [line for each in (*response.history, response) for line in each.headers.getlist("Set-Cookie")]
    return [line for line in lines if line.startswith(f"{COOKIE}=")]
