"""A break in asking a provider that has told us, or shown, that it answers nobody for the moment.

Of one provider in one process. What is on record is served all the same; only calls are not made.
"""

from __future__ import annotations

import time


class Breaker:
    """Says for how long nobody is to be asked. Safe to share between threads."""

    def __init__(self) -> None:
        self._until = float("-inf")

    @property
    def left(self) -> float:
        """Seconds until the provider may be asked again; 0 when it may be."""
        return max(0.0, self._until - time.monotonic())

    def open_for(self, seconds: float) -> None:
        """Let nobody ask for a while. A longer break that there may be goes on."""
        self._until = max(self._until, time.monotonic() + seconds)
