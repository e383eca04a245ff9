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
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from examples.app import workers
from tests.web.demo import COOKIE

ROOT = Path(__file__).parents[2]
PATIENCE = 60
"""Seconds."""

needs_workers = pytest.mark.skipif(
    not workers.are_possible() and not os.environ.get("CI"), reason="gunicorn is not there, so there is one process"
)


class Answer(NamedTuple):
    """What a request was answered."""

    status: int
    body: bytes
    cookie: str


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
            headers = {"Origin": f"http://localhost:{self.port}", "Content-Type": "application/x-www-form-urlencoded"}
            cookies = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
            connection.request(method, path, urlencode(form) if method == "POST" else None, headers | cookies)
            response = connection.getresponse()
            line = response.headers.get("Set-Cookie") or ""
            return Answer(response.status, response.read(), line.partition("=")[2].partition(";")[0])
        finally:
            connection.close()

    def sign_in(self) -> str:
        """Sign somebody in; the value of the cookie."""
        answer = self.ask("/sign-in/bjarte", method="POST")
        assert 303 == answer.status
        return answer.cookie

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
