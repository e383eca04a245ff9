"""A real Redis for one test run: on a socket in a folder of its own, or a free loopback port, keeping nothing on disk.

It is stopped by its process id, and no Redis that somebody else runs on this machine is ever talked to.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

REDIS = next(filter(None, map(shutil.which, ("redis-server", "valkey-server"))), None)
needs_redis = pytest.mark.skipif(
    REDIS is None and not os.environ.get("CI"),
    reason="redis-server is not on PATH; install Redis 6.2 or later, or Valkey, to run this",
)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class RedisServer:
    """A server. Started by ``start``, and it may be stopped and started again at the same place, without its values."""

    def __init__(self, *options: str, port: int = 0, ready: bytes = b"eady to accept connections") -> None:
        """Make its folder.

        Args:
            options: More of its command line.
            port: A loopback port; 0: none, but a socket in the folder.
            ready: What its log says when it can be asked.
        """
        self.folder = tempfile.mkdtemp(prefix="sealed-redis-")  # pytest's own are too long for the name of a socket
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0" if port else f"unix://{self.folder}/redis.sock"
        self._options, self._ready = options, ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        """Start it, and return when it can be asked."""
        assert REDIS, "redis-server is not on PATH: CI needs Redis 6.2 or later, or Valkey"
        place = ["--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", f"{self.folder}/redis.sock"]
        command = [REDIS, *self._options, *place, "--save", "", "--appendonly", "no", "--dir", self.folder]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdout
        said = b""
        for line in self._process.stdout:
            said += line
            if self._ready in line:
                return self
        raise AssertionError(f"redis-server ended:\n{said.decode()}")

    def stop(self) -> None:
        """Stop it, wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout
            self._process.stdout.close()
            self._process = None
        Path(self.folder, "redis.sock").unlink(missing_ok=True)

    def __enter__(self) -> RedisServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)
