"""A coordinator in the memory of one process: for one worker with any number of threads, for tests, as a last resort.

Processes share nothing here: with two workers, each refreshes once.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from threading import Lock

from .. import forks
from . import uptime
from .coordinator import Reading

_SWEEP = 100
"""How many entries that have ended one write removes: bounded, and faster than they come."""


class MemoryCoordinator:
    """Holds values in this process alone. Safe to share between threads and greenlets.

    A child that is forked off starts with nothing: a claim of its parent's would be one whose end it never sees.
    """

    def __init__(self, *, clock: Callable[[], int] = uptime.milliseconds) -> None:
        """Start with nothing.

        Args:
            clock: Returns milliseconds and never goes back.
        """
        self._clock = clock
        self.after_fork_in_child()
        forks.tell(self)

    def read(self, key: bytes) -> Reading:
        """Return what is there."""
        with self._lock:
            now = self._clock()
            return Reading(self._there(key, now), now)

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Put a value in another's place, if that is still there; as ``Coordinator.swap``."""
        with self._lock:
            now = self._clock()
            if self._there(key, now) != old:
                return False
            self._values[key] = new, now + lives
            heapq.heappush(self._ends, (now + lives, key))
            self._sweep(now)
            return True

    def close(self) -> None:
        """Do nothing: there is nothing open, and what it holds stays."""

    def before_fork(self) -> None:
        """Do nothing: the parent goes on with what it has."""

    def after_fork_in_parent(self) -> None:
        """Do nothing."""

    def after_fork_in_child(self) -> None:
        """Start with nothing, and with a lock that no thread of the parent holds."""
        self._lock = Lock()
        self._values: dict[bytes, tuple[bytes, int]] = {}
        self._ends: list[tuple[int, bytes]] = []

    def __repr__(self) -> str:
        return f"<MemoryCoordinator, {len(self._values)} values>"

    def _there(self, key: bytes, now: int) -> bytes | None:
        value, ends = self._values.get(key, (None, 0))
        return value if ends > now else None

    def _sweep(self, now: int) -> None:
        """Remove some of what has ended. A value that was put in another's place leaves the end of the other behind."""
        for _ in range(_SWEEP):
            if self._ends[0][0] > now:
                break
            ends, key = heapq.heappop(self._ends)
            if self._values.get(key, (b"", 0))[1] == ends:
                del self._values[key]
            if not self._ends:
                break
        if len(self._ends) > 2 * len(self._values) + _SWEEP:
            self._ends = sorted((ends, key) for key, (_, ends) in self._values.items())
