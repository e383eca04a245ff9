"""The servers of ``refresh`` and their clients: gunicorn, and many requests at once. All of it is loopback."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .peers import COOKIE_NAME
from .refresh_figures import REQUESTS

_ROOT = Path(__file__).parents[1]
_PATIENCE = 30  # seconds
_THREADS = str(REQUESTS)  # of each worker, so that what is measured is the refresh and not a queue before it
_OTHERS = ("FLASK_", "GUNICORN_", "SEALED_SESSION_", "WORKOS_")


class Answer(NamedTuple):
    """What a request was answered.

    Attributes:
        status: The HTTP status.
        pid: Of the worker that answered 200.
        retry_after: The header.
        sent: When it was sent, in monotonic seconds, which are the same for all processes of a machine.
        came: When its answer was there.
    """

    status: int
    pid: int | None
    retry_after: str | None
    sent: float
    came: float


@contextmanager
def gunicorn(app: str, environment: Mapping[str, str], *, workers: int) -> Iterator[int]:
    """Serve an application of ``refresh_apps``, and end it by its process id.

    Args:
        app: The name of the function that makes it.
        environment: For the application.
        workers: How many processes.

    Yields:
        Its port. It takes requests at once, and answers them as soon as it can.
    """
    command = [sys.executable, "-m", "gunicorn", "--workers", str(workers), "--worker-class", "gthread"]
    command += ["--threads", _THREADS, "--log-level", "error", f"benchmarks.refresh_apps:{app}()"]
    with socket.create_server(("127.0.0.1", 0), backlog=4 * REQUESTS) as listener:
        port: int = listener.getsockname()[1]
        number = listener.fileno()
        command += ["--bind", f"fd://{number}"]
        process = subprocess.Popen(command, env=_environment(environment), cwd=_ROOT, pass_fds=(number,))
    try:
        yield port
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return ours without what configures the applications, and without proxies: nothing leaves this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **more}


def ask(port: int, cookie: str) -> Answer:
    """Send one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    headers = {"Host": "localhost", "Accept": "application/json", "Cookie": f"{COOKIE_NAME}={cookie}"}
    try:
        sent = time.monotonic()
        connection.request("GET", "/", headers=headers)
        response = connection.getresponse()
        body = response.read()
        came = time.monotonic()
    finally:
        connection.close()
    values = json.loads(body) if response.status == 200 else {"pid": None, "right": True}
    if not values["right"]:
        raise RuntimeError("somebody was answered as somebody else")
    return Answer(response.status, values["pid"], response.headers.get("Retry-After"), sent, came)


def ask_at_once(ports: list[int], cookie: str, requests: int = REQUESTS) -> list[Answer]:
    """Send many requests with one cookie, each in a thread of its own, turn by turn of each instance."""
    ready = threading.Barrier(requests)

    def one(number: int) -> Answer:
        ready.wait(_PATIENCE)
        return ask(ports[number % len(ports)], cookie)

    with ThreadPoolExecutor(requests) as pool:
        return list(pool.map(one, range(requests)))
