"""The demo as a program of its own, for tests that ask it over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urljoin

import pytest
from werkzeug import Request
from werkzeug.test import TestResponse

from examples.app import workers
from tests.web.browser import Browser
from tests.web.demo import COOKIE, choose, title

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROOT = Path(__file__).parents[2]
PATIENCE = 60
"""Seconds."""

needs_workers = pytest.mark.skipif(
    not workers.are_possible() and not os.environ.get("CI"), reason="gunicorn is not there, so there is one process"
)


def network(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Pass a request on to whoever listens at its address: what lets the honest browser ask real servers."""
    asked = Request(environ)
    connection = http.client.HTTPConnection(asked.host, timeout=PATIENCE)
    try:
        headers = {name: value for name, value in asked.headers.items() if name != "Content-Length"}
        connection.request(asked.method, asked.full_path, asked.get_data() or None, headers)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    start_response(f"{response.status} {response.reason}", response.getheaders())
    return [body]


class Answer(NamedTuple):
    """What a request was answered."""

    status: int
    body: bytes
    cookie: str


@dataclass
class Person:
    """Somebody before the honest browser, which asks over the network."""

    browser: Browser
    origin: str

    def open(self, url: str) -> TestResponse:
        """Open a page of the application, or a whole address."""
        return self.browser.get(urljoin(self.origin, url), follow=True)

    def choose(self, page: TestResponse, value: str) -> TestResponse:
        """Press the button with this value on a page, and see where it leads."""
        return choose(self.browser, page, value)

    def sign_in(self, key: str = "bjarte") -> TestResponse:
        """Be sent to the provider's page, and press somebody's card there."""
        return self.choose(self.open("/session"), key)


@dataclass
class Program:
    """The demo, running."""

    process: subprocess.Popen[str]
    port: int
    folder: Path

    def ask(self, path: str, cookie: str = "", method: str = "GET", **form: str) -> Answer:
        """Send a request, or a form of our own, on a connection of its own."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=PATIENCE)
        try:
            headers = {
                "Accept": "text/html",
                "Origin": f"http://localhost:{self.port}",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            cookies = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
            connection.request(method, path, urlencode(form) if method == "POST" else None, headers | cookies)
            response = connection.getresponse()
            line = response.headers.get("Set-Cookie") or ""
            return Answer(response.status, response.read(), line.partition("=")[2].partition(";")[0])
        finally:
            connection.close()

    def person(self) -> Person:
        """Somebody before a browser of their own."""
        return Person(Browser(network, time.time), f"http://localhost:{self.port}")

    def sign_in(self) -> str:
        """Sign somebody in, over the provider's page; the value of the cookie."""
        person = self.person()
        assert "Bjarte Åsample" == title(person.sign_in())
        return person.browser.jar.get(COOKIE).value

    def look(self, cookie: str) -> dict[str, Any]:
        """Ask what the page's script asks."""
        answer = self.ask("/demo/look", cookie)
        assert 200 == answer.status
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def end(self, *signals: signal.Signals) -> str:
        """Press Ctrl-C, perhaps several times, and see that it ends well; the value is what was said on the way."""
        for each in signals:
            self.process.send_signal(each)
        out, err = self.process.communicate(timeout=PATIENCE)
        assert (0, "The demo has ended; nothing was stored.") == (self.process.returncode, out.strip())
        assert "Traceback" not in err
        assert [] == list(self.folder.iterdir())
        return err

    def has_gone(self) -> bool:
        """Whether nobody answers any more."""
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            return False
        return True


@contextmanager
def started(folder: Path, *options: str, **environment: str) -> Iterator[Program]:
    """Start the demo on a free port; its temporary files come into the folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.app", "--port", "0", *options],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    limit = Timer(2 * PATIENCE, process.kill)
    limit.start()
    with process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://localhost:(\d+)/", process.stdout.readline())
            assert found is not None
            yield Program(process, int(found[1]), folder)
        finally:
            limit.cancel()
            if process.poll() is None:
                process.terminate()


def until(is_so: Callable[[], bool]) -> None:
    """Ask again and again."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
