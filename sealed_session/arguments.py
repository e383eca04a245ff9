"""Checks of what a program passes in: a clear error at the call, named after the argument."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import Any

from .errors import UsageError, UsageTypeError
from .exact_json import printable

MAX_UINT32 = 0xFFFF_FFFF
"""The greatest time and duration of the format."""


def wrong_type(name: str, expected: str, value: object) -> UsageTypeError:
    """Make the error of an argument of the wrong type. Types are named, values are not."""
    return UsageTypeError(f"{name}: expected {expected}, got {type(value).__name__}.")


def check_whole_number(name: str, value: Any) -> None:
    """Refuse what is not an int from 0 to ``MAX_UINT32``.

    Raises:
        UsageTypeError, UsageError: Another type (a bool too); out of range (``bad_number``).
    """
    if type(value) is not int:
        raise wrong_type(name, "an int", value)
    if not 0 <= value <= MAX_UINT32:
        raise UsageError(f"{name}: {printable(value)}; expected 0 to {MAX_UINT32}.", code="bad_number")


def seconds(name: str, value: Any) -> float:
    """Return a duration in seconds; infinity for None.

    Raises:
        UsageTypeError, UsageError: Neither a number nor a timedelta; below a second or too long (``bad_duration``).
    """
    if value is None:
        return inf
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if type(value) is not int and type(value) is not float:
        raise wrong_type(name, "seconds or a timedelta", value)
    if not 1 <= value <= MAX_UINT32:
        raise UsageError(f"{name}: {printable(value)} seconds; expected 1 to {MAX_UINT32}.", code="bad_duration")
    return value
