"""What ``refresh`` runs on: where the coordinators are, what is missing, and the versions of all of it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from .peers import INSTALL
from .refresh_figures import WORKOS

_SERVERS = ("redis-server", "valkey-server")


@dataclass(frozen=True, slots=True)
class BackEnds:
    """What is at hand.

    Attributes:
        urls: Of the coordinators, by store.
        missing: Why a side cannot be measured, by its key.
    """

    urls: dict[str, str]
    missing: dict[str, str]


@contextmanager
def at_hand() -> Iterator[BackEnds]:
    """Start a Redis of our own, where there is one, and look what else there is."""
    urls = {"memory": "memory:", "sqlite": "sqlite:"}
    missing = {} if find_spec("workos") else {WORKOS: f"The package workos is not installed. {INSTALL}"}
    problem = _redis_problem()
    if problem is not None:
        yield BackEnds(urls, {**missing, "redis": problem})
        return
    from tests.refresh.redis_server import RedisServer

    with RedisServer() as server:
        yield BackEnds({**urls, "redis": server.url}, missing)


def _redis_problem() -> str | None:
    if _redis_server() is None:
        return "redis-server is not on PATH; install Redis 6.2 or later, or Valkey."
    absent = [package for package in ("redis", "pytest") if not find_spec(package)]
    return f"The package {absent[0]} is not installed. {INSTALL}" if absent else None


def _redis_server() -> str | None:
    return next(filter(None, map(shutil.which, _SERVERS)), None)


def versions() -> dict[str, str | None]:
    """Return them by name. None: not at hand."""
    return {
        "sqlite": sqlite3.sqlite_version,
        "redis_server": _version_of_redis(),
        "redis_py": _version("redis"),
        "gunicorn": _version("gunicorn"),
        "pyjwt": _version("PyJWT"),
        "httpx2": _version("httpx2"),
    }


def _version_of_redis() -> str | None:
    program = _redis_server()
    if program is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    return next((word.removeprefix("v=") for word in said.split() if word.startswith("v=")), None)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
