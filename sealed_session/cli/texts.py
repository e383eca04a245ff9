"""Texts from outside, written so that no terminal takes them for orders; moments and ages."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from ..packing import MAX_TIME

# What JSON leaves alone and a terminal obeys: DEL, the C1 controls, line separators, marks of direction, surrogates.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def json_text(value: object, *, indent: int | None = None) -> str:
    """Write a value as JSON, on one line where no indent is given."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def printable(text: str) -> str:
    """Show a text on one line, with what does not print as escapes."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def moment(time: int, now: int) -> str:
    """Show a time in UTC, and how long ago it was or how far off it is."""
    if not 0 <= time <= MAX_TIME:
        return f"{str(time)[:20]}, which is no time in Unix seconds"
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC, {_distance(time - now)}"


def _distance(seconds: int) -> str:
    age = _duration(abs(seconds))
    return f"in {age}" if seconds > 0 else f"{age} ago"


def _duration(seconds: int) -> str:
    unit, length = next((unit for unit in _UNITS if seconds >= unit[1]), ("second", 1))
    count = seconds // length
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
