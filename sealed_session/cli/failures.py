"""Errors as one line on standard error, and the exit codes. docs/cli.md lists both."""

from __future__ import annotations

from typing import Any

from ..errors import SealedSessionError, SealError, UnsealError, UsageError
from ..size import SealTooLarge
from . import screen
from .texts import json_text

FINE = 0
NOT_OPENED = 1
USAGE = 2
NOT_SEALED = 3
INTERRUPTED = 130
"""What a shell reports of a program that SIGINT ended."""


def report(error: SealedSessionError, *, as_json: bool) -> int:
    """Write an error to standard error and return the exit code that belongs to it."""
    message, _, table = str(error).partition("\n")
    if error.code == "tampered":
        message += " If the cookie has another name, give it with --name."
    if as_json:
        screen.write_error(json_text(_as_mapping(error, message)))
    else:
        screen.write_error(f"sealed-session: {message} [{error.code}]" + (table and f"\n{table}"))
    return exit_code(error)


def exit_code(error: SealedSessionError) -> int:
    """Return the exit code of an error, which goes by its class."""
    if isinstance(error, UnsealError):
        return NOT_OPENED
    return NOT_SEALED if isinstance(error, SealError) else USAGE


def not_readable(what: str, error: OSError) -> UsageError:
    """Make an error of the operating system's, without the file name: somebody may have typed a secret there."""
    return UsageError(f"{what} cannot be read: {error.strerror}.", code="not_readable")


def _as_mapping(error: SealedSessionError, message: str) -> dict[str, Any]:
    written: dict[str, Any] = {"error": error.code, "message": message}
    if isinstance(error, SealTooLarge):
        written["size"] = error.report.to_mapping()
    return written
