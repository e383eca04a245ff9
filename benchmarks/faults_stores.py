"""The two stores, and what can befall them. Each knows when it was out of reach, and when it lost what it held."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REDIS = next(filter(None, map(shutil.which, ("redis-server", "valkey-server"))), None)

_START_LIMIT = 20


@dataclass(slots=True)
class Outage:
    """When a store was out of reach, in the time of ``time.monotonic``.

    Attributes:
        is_lossy: Whether it came back empty.
    """

    begins: float
    ends: float = float("inf")
    is_lossy: bool = False


@contextmanager
def _noted(outages: list[Outage], *, is_lossy: bool = False) -> Iterator[None]:
    outage = Outage(time.monotonic(), is_lossy=is_lossy)
    outages.append(outage)
    try:
        yield
    finally:
        outage.ends = time.monotonic()


class SQLiteStore:
    """A file."""

    def __init__(self, folder: Path) -> None:
        self.outages: list[Outage] = []
        self._folder = folder / "store"
        self._path = self._folder / "sealed-session.db"
        self.url = f"sqlite:///{self._path}"

    def __enter__(self) -> SQLiteStore:
        self._folder.mkdir(mode=0o700)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it: the folder goes as a whole."""

    def lose_everything(self) -> None:
        """Take the folder away, with all that is in it."""
        with _noted(self.outages, is_lossy=True):
            self._folder.rename(self._folder.with_name(f"lost-{len(self.outages)}"))

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """Put a file where the folder was: nothing in it can be opened or made, by no user whatever."""
        away = self._folder.with_name("away")
        with _noted(self.outages):
            self._folder.rename(away)
            self._folder.touch()
            try:
                yield
            finally:
                self._folder.unlink()
                away.rename(self._folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be somebody else who writes, and does not come to an end."""
        connection = sqlite3.connect(self._path, timeout=_START_LIMIT, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            with _noted(self.outages):
                yield
                connection.execute("ROLLBACK")
        finally:
            connection.close()


class RedisStore:
    """A redis-server on a socket in its own folder. Where it keeps what it holds, that is on disk before it answers."""

    def __init__(self, folder: Path, *, keeps: bool) -> None:
        self.outages: list[Outage] = []
        self.keeps = keeps
        self._folder = folder / "redis"
        self._socket = self._folder / "redis.sock"
        self.url = f"unix://{self._socket}?db=0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RedisStore:
        self._folder.mkdir()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and return when it can be asked."""
        if REDIS is None:
            raise RuntimeError("redis-server is not on PATH")
        disk = ["--appendonly", "yes", "--appendfsync", "always"] if self.keeps else ["--appendonly", "no"]
        place = ["--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._folder), "--save", ""]
        self._process = subprocess.Popen(
            [REDIS, *place, *disk],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt from the keyboard is for us, who then end it
        )
        self._await()

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._socket.unlink(missing_ok=True)

    def lose_everything(self) -> None:
        """Kill it, and start it again at once."""
        with self.out_of_reach():
            pass

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """Kill it, and start it again at the same place."""
        with _noted(self.outages, is_lossy=not self.keeps):
            self.stop()
            try:
                yield
            finally:
                self.start()

    def _await(self) -> None:
        import redis  # of an extra

        deadline = time.monotonic() + _START_LIMIT
        with redis.Redis(unix_socket_path=str(self._socket)) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:  # not there yet, or still reading its file
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)
