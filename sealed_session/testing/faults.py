"""What a fake shall do wrong, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..arguments import check_whole_number, wrong_type


class Fault(Enum):
    """What a provider does instead of answering. None but ``CUT_OFF`` changes anything there."""

    TOO_MANY = "429, with Retry-After"
    SERVER_ERROR = "500, in the vendor's own JSON"
    MAINTENANCE = "503, a page of HTML"
    CUT_OFF = "does what it was asked for, and sends half of the answer"
    HANG = "says nothing, for a minute at most"
    REFUSED = "refuses connections, until it recovers"


@dataclass(slots=True)
class Planned:
    """A fault to come.

    Attributes:
        fault: Which.
        times: How often yet; None: always.
        path: Of the requests that it meets; None: all.
        retry_after: What it says there, in seconds or as it is; None: nothing, but 1 with ``TOO_MANY``.
    """

    fault: Fault
    times: int | None
    path: str | None
    retry_after: int | str | None


class Faults:
    """The faults to come, in the order in which they were asked for. Its owner holds a lock."""

    def __init__(self) -> None:
        """None yet."""
        self._planned: list[Planned] = []

    def add(self, fault: Any, times: Any, path: str | None, retry_after: int | str | None) -> None:
        """Plan a fault.

        Raises:
            UsageTypeError, UsageError: ``fault`` is none; ``times`` is no whole number.
        """
        if not isinstance(fault, Fault):
            raise wrong_type("fault", "a Fault, Fault.TOO_MANY for example", fault)
        if times is not None:
            check_whole_number("times", times)
        self._planned.append(Planned(fault, times, path, retry_after))

    def take(self, path: str) -> Planned | None:
        """Return the fault that a request meets, and count it."""
        for planned in self._planned:
            if planned.path in (None, path) and planned.times != 0:
                planned.times = None if planned.times is None else planned.times - 1
                return planned
        return None

    def clear(self) -> None:
        """Plan nothing."""
        self._planned.clear()
