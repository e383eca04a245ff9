"""Applications under gunicorn, and the requests that storm them. Everything is on loopback."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

REQUESTS = 50
"""At once, with one cookie."""


class Answer(NamedTuple):
    """What a request was answered."""

    status: int
    pid: int | None
    cookie: str | None


def free_port() -> int:
    """A port that nobody has; gunicorn takes it a moment later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def gunicorn(
    environment: dict[str, str],
    *options: str,
    workers: int,
    kind: str = "gthread",
    application: str = "tests.storm.application:create_app()",
) -> Iterator[int]:
    """Serve an application with so many processes, and end them by the id of the first.

    Args:
        environment: Of the processes, beside our own.
        options: More of gunicorn's command line.
        workers: How many processes.
        kind: Of worker; gunicorn's name for it.
        application: Where it is.
    """
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--worker-class", kind, "--workers", str(workers)]
    command += ["--threads", "16"] if kind == "gthread" else []
    command += ["--bind", f"127.0.0.1:{port}", "--reuse-port", "--log-level", "warning"]
    command += ["--config", "python:tests.storm.worker_hooks", *options, application]
    with tempfile.TemporaryDirectory() as signs:
        given = {**os.environ, **environment, "STORM_SIGNS": signs}
        process = subprocess.Popen(command, env=given, cwd=Path(__file__).parents[2])
        try:
            _wait_for(process, Path(signs), workers)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(process: subprocess.Popen[bytes], signs: Path, workers: int) -> None:
    """Wait until every worker is ready."""
    deadline = time.monotonic() + 30
    while len(list(signs.iterdir())) < workers:
        assert process.poll() is None, "gunicorn ended"
        assert time.monotonic() < deadline, "gunicorn did not start"
        threading.Event().wait(0.02)  # between two looks; the workers need the processor meanwhile


def get(port: int, cookie: str | None, path: str = "/") -> Answer:
    """Ask for a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Host": "localhost", "Accept": "application/json"}
        if cookie is not None:
            headers["Cookie"] = f"sealed-session={cookie}"
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        line = response.headers.get("Set-Cookie") or ""
        value = line.partition("=")[2].partition(";")[0] or None
        return Answer(response.status, json.loads(body).get("pid") if response.status == 200 else None, value)
    finally:
        connection.close()


def storm(ports: list[int], cookie: str, requests: int = REQUESTS) -> list[Answer]:
    """Ask as many times at once, turn by turn of each instance."""
    with ThreadPoolExecutor(requests) as pool:
        return list(pool.map(lambda number: get(ports[number % len(ports)], cookie), range(requests)))
