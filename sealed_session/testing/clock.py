"""A clock that stands still until it is told to move, and how times are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that moves when it is told to. Give it to ``SealedSession(clock=...)``.

    Attributes:
        now: Unix seconds. May be set.
    """

    def __init__(self, now: int = 1_800_000_000) -> None:
        """Stand still at a time; in January 2027 when nothing else is said."""
        self.now = now

    def __call__(self) -> int:
        """Return the time."""
        return self.now

    def advance(self, duration: float | timedelta) -> None:
        """Move forward by seconds, or a timedelta; back by a negative one."""
        self.now += int(duration.total_seconds() if isinstance(duration, timedelta) else duration)


def rfc3339(seconds: int, ending: str = "Z") -> str:
    """Write a time as APIs do.

    Args:
        seconds: Unix seconds.
        ending: After the seconds; ``.000Z`` where an API writes milliseconds.
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + ending
