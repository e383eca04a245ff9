"""What a provider's operator should read in the log: said at once, and then once a minute."""

from __future__ import annotations

import logging
from threading import Lock
from time import monotonic

logger = logging.getLogger("sealed_session")

_SAY_EVERY = 60


class Complaint:
    """Logs errors and outages, each at most once a minute. Safe to share between threads."""

    def __init__(self) -> None:
        self._said_at: dict[int, float] = {}
        self._lock = Lock()

    def say(self, message: str) -> None:
        """Log an error: somebody has to do something about it."""
        self._log(logging.ERROR, message)

    def note(self, message: str) -> None:
        """Log a warning: it may pass."""
        self._log(logging.WARNING, message)

    def _log(self, level: int, message: str) -> None:
        with self._lock:
            now = monotonic()
            if now - self._said_at.get(level, float("-inf")) < _SAY_EVERY:
                return
            self._said_at[level] = now
        logger.log(level, "%s (Said once a minute.)", message)
