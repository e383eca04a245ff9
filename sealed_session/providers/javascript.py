"""Times as JavaScript takes them: what ``new Date(value).getTime()`` would be, so that server and browser agree.

Source: ECMAScript 2024, sections 21.4.1.32 (Date Time String Format) and 21.4.2.1 (Date).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ..packing import MAX_TIME

_DATE_TIME = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?:Z|(?P<sign>[+-])(?P<ahead>\d\d):(?P<also>[0-5]\d)))?",
    re.ASCII,
)
_LEAST = {"year": 0, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0, "ahead": 0, "also": 0}


def milliseconds(value: Any) -> int | None:
    """Return the milliseconds since 1970 that a date is, up to the year 9999; None for what is no such date.

    Args:
        value: A number of milliseconds, or text in the format of ECMAScript. A date and time without an offset is none:
            it would be another time in every browser.
    """
    if type(value) is str:
        value = _milliseconds_of(value)
    if (type(value) is not int and type(value) is not float) or not 0 < value < (MAX_TIME + 1) * 1000:
        return None
    return int(value) or None


def _milliseconds_of(text: str) -> int | None:
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, ahead, also = (int(match[name] or least) for name, least in _LEAST.items())
    offset = timedelta(hours=ahead, minutes=also) * (-1 if match["sign"] == "-" else 1)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    except ValueError:
        return None
    whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    return whole * 1000 + int((match["fraction"] or "")[:3].ljust(3, "0"))
