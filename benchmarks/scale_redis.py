"""What a Redis says of its own work: the commands that it was sent, and the CPU time that it took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_SENT = ("cmdstat_evalsha", "cmdstat_eval")
"""Every operation of the coordinator is one of these; what their scripts call is counted apart."""


class Work(NamedTuple):
    """What it has done so far.

    Attributes:
        commands: That it was sent by coordinators.
        seconds: Of CPU time.
    """

    commands: int
    seconds: float

    def since(self, before: Work) -> float | None:
        """Return the microseconds for each command; None where there was none."""
        commands = self.commands - before.commands
        return (self.seconds - before.seconds) / commands * 1e6 if commands else None


class Server:
    """A Redis that is ours alone.

    Attributes:
        client: To ask it.
    """

    def __init__(self, url: str) -> None:
        import redis  # an extra

        self.client: Any = redis.Redis.from_url(url)

    def commands(self) -> int:
        """Return how many commands coordinators have sent."""
        said = self.client.info("commandstats")
        return sum(int(said[name]["calls"]) for name in _SENT if name in said)

    def work(self) -> Work:
        """Return what it has done so far."""
        said = self.client.info("cpu")
        return Work(self.commands(), said["used_cpu_user"] + said["used_cpu_sys"])


@contextmanager
def of(url: str | None) -> Iterator[Server | None]:
    """Ask a server for a while; None: there is none."""
    server = None if url is None else Server(url)
    try:
        yield server
    finally:
        if server is not None:
            server.client.close()
