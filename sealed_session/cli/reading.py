"""Standard input, bounded: a session as JSON, one sealed value, or many of them, one per line."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from ..errors import UsageError
from . import failures, screen

MAX_JSON = 1_048_576
MAX_VALUE = 65_536
"""Bytes. Longer than what a sealer reads, so that it is the sealer who says what is wrong with the value."""


def session_mapping() -> dict[str, Any]:
    """Read one JSON object from standard input.

    Raises:
        UsageError: Something else came.
    """
    data = _read("a session as JSON", MAX_JSON)
    if not data.strip():
        raise UsageError("nothing on standard input; expected a session as JSON.", code="input_empty")
    values, problem = _parse(data)
    if problem is not None:
        raise UsageError(f"standard input is not JSON: {problem}.", code="input_not_json")
    if type(values) is not dict:
        raise UsageError("standard input is JSON, but no object of a session's values.", code="input_not_session")
    return values


def sealed_value(argument: str | None) -> str:
    """Return the argument, or else read one value from standard input. White space around it does not count.

    Raises:
        UsageError: There is none.
    """
    text = _read("a sealed value", MAX_VALUE).decode("latin-1") if argument is None else argument
    text = text.strip()
    if not text:
        raise UsageError("no sealed value: give it on standard input or as the argument.", code="input_empty")
    return text


@contextmanager
def opened(file: str | None) -> Iterator[BinaryIO]:
    """Open a file of sealed values; standard input for None and ``-``.

    Raises:
        UsageError: It cannot be opened.
    """
    if file is None or file == "-":
        yield standard_input()
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - closed below; an error inside the block is not one of opening
    except OSError as error:
        raise failures.not_readable("the file", error) from None
    with stream:
        yield stream


def bytes_ahead(stream: BinaryIO) -> int | None:
    """Return how many bytes are still to be read; None where nobody knows, as in a pipe."""
    try:
        status = os.fstat(stream.fileno())
        return status.st_size - stream.tell() if stat.S_ISREG(status.st_mode) else None
    except OSError:
        return None


def sealed_lines(stream: BinaryIO) -> Iterator[tuple[str, int]]:
    """Read values line by line, each with the bytes that its line took. An overlong line is cut, not held.

    Raises:
        UsageError: The stream cannot be read.
    """
    while True:
        line, took = _line(stream)
        if not took:
            return
        text = line.decode("latin-1")
        yield (text.strip() if took == len(line) else text), took


def standard_input() -> BinaryIO:
    """Return standard input as bytes.

    Raises:
        UsageError: It was closed before the program began.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed.", code="not_readable")
    return sys.stdin.buffer


def _read(what: str, most: int) -> bytes:
    stream = standard_input()
    if sys.stdin.isatty():
        screen.write_error(f"Waiting for {what}. Ctrl-D ends it.")
    try:
        data = stream.read(most + 1)
    except OSError as error:
        raise failures.not_readable("standard input", error) from None
    if len(data) > most:
        raise UsageError(f"over {most} bytes on standard input; expected {what}.", code="input_too_long")
    return data


def _line(stream: BinaryIO) -> tuple[bytes, int]:
    try:
        line = more = stream.readline(MAX_VALUE)
        took = len(line)
        while more and not more.endswith(b"\n"):
            more = stream.readline(MAX_VALUE)
            took += len(more)
    except OSError as error:
        raise failures.not_readable("the input", error) from None
    return line, took


def _parse(data: bytes) -> tuple[Any, str | None]:
    """Return the value, or what is wrong with the text, and never a piece of it."""
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, parse_int=_integer, parse_constant=_refuse, object_pairs_hook=_object), None
    except UnicodeDecodeError:
        return None, "it is not UTF-8 text"
    except json.JSONDecodeError as error:
        return None, f"{error.msg} (line {error.lineno}, column {error.colno})"
    except RecursionError:
        return None, "it is nested too deeply"
    except ValueError as error:
        return None, str(error)


def _integer(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # Python's own message is for programmers
        raise ValueError(f"an integer has {len(digits)} digits") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("an object has the same key twice")
    return values
