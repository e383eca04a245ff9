"""Fifty requests with one expired cookie, over real processes: one call of the provider, and everybody goes on."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from sealed_session import KeyRing, Sealer
from sealed_session.testing import access_token
from tests.refresh.redis_server import RedisServer, needs_redis
from tests.storm.provider import StrictProvider, serving

REQUESTS = 50


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
def gunicorn(environment: dict[str, str], *, workers: int) -> Iterator[int]:
    """Serve the application with so many processes, and end them by the id of the first."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--workers",
        str(workers),
        "--threads",
        "16",
        "--worker-class",
        "gthread",
    ]
    command += [
        "--bind",
        f"127.0.0.1:{port}",
        "--reuse-port",
        "--log-level",
        "warning",
        "tests.storm.application:create_app()",
    ]
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            try:
                get(port, None)
                break
            except OSError:
                continue
        assert process.poll() is None, "gunicorn did not start"
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def get(port: int, cookie: str | None) -> Answer:
    """Ask for the page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Host": "localhost", "Accept": "application/json"}
        connection.request(
            "GET", "/", headers=headers | ({} if cookie is None else {"Cookie": f"sealed-session={cookie}"})
        )
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


def expired(password: str, provider: StrictProvider) -> tuple[str, str]:
    """A cookie whose access token has ended, and its refresh token."""
    pair = provider.pair(300) | {"access_token": access_token(expires_at=int(time.time()) - 60, sid="session_storm")}
    return Sealer(KeyRing(password)).seal(pair), pair["refresh_token"]


def see(ports: list[int], provider: StrictProvider, password: str, processes: int) -> None:
    """Let two storms pass, each with an expired cookie, and stragglers after it."""
    for _ in range(2):
        cookie, refresh_token = expired(password, provider)
        answers = storm(ports, cookie)
        assert [200] * REQUESTS == [answer.status for answer in answers]
        assert processes <= len({answer.pid for answer in answers})
        assert 1 == provider.calls[refresh_token]
        opened = [Sealer(KeyRing(password)).unseal(answer.cookie).session for answer in answers if answer.cookie]
        assert REQUESTS == len(opened)
        assert 1 == len({session.refresh_token for session in opened})
        assert [200] * 8 == [answer.status for answer in storm(ports, cookie, 8)]
        assert 1 == provider.calls[refresh_token]


def test_four_workers_on_sqlite(password: str, tmp_path: Path) -> None:
    """Gunicorn with 4 workers and threads, with nothing configured but a password."""
    provider = StrictProvider()
    with serving(provider) as address:
        environment = {
            "FLASK_SEALED_SESSION_PASSWORD": password,
            "STORM_PROVIDER": address,
            "STORM_FOLDER": str(tmp_path / "instance"),
        }
        with gunicorn(environment, workers=4) as port:
            see([port], provider, password, processes=2)
    assert 0o600 == (tmp_path / "instance" / "sealed-session.db").stat().st_mode & 0o777


@needs_redis
def test_two_instances_on_redis(password: str, tmp_path: Path) -> None:
    """Two applications of their own, as on two machines, which share a password and a redis-server."""
    provider = StrictProvider()
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        environment = {
            "FLASK_SEALED_SESSION_PASSWORD": password,
            "FLASK_SEALED_SESSION_COORDINATOR_URL": redis.url,
            "STORM_PROVIDER": stack.enter_context(serving(provider)),
        }
        folders = [{"STORM_FOLDER": str(tmp_path / name)} for name in ("one", "two")]
        ports = [stack.enter_context(gunicorn(environment | folder, workers=1)) for folder in folders]
        see(ports, provider, password, processes=2)
    assert not (tmp_path / "one").exists()
