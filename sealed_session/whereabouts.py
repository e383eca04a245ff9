"""Where an error came from, for a log that must not have what it says: messages of others may hold values."""

from __future__ import annotations

from traceback import extract_tb


def whereabouts(error: BaseException) -> str:
    """Return an error's class, and the file and line that raised it."""
    frames = extract_tb(error.__traceback__, limit=-1)
    place = f" at {frames[0].filename}:{frames[0].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
