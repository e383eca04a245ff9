"""What ``request`` times: whole requests, handed to the applications as a server hands them over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from . import request_apps
from .request_apps import Side
from .stopwatch import Times, time_once

REQUESTS = 50
"""In one batch: a round is 3 to 15 milliseconds for each side."""

_WARM_UP = 3  # rounds that do not count


def sides(keys: Sequence[str], rounds: int) -> Times:
    """Time some sides in this process, each by the microseconds of one request.

    Every side answers rightly before and after, or nothing is timed. They run once in every round, and the next round
    begins with the next of them.

    Raises:
        RuntimeError: A side answers wrongly.
    """
    made = {key: request_apps.make(key) for key in keys}
    _check(made)
    runs = {key: _requests(side) for key, side in made.items()}
    times: Times = {key: [] for key in keys}
    for number in range(-_WARM_UP, rounds):
        first = number % len(keys)
        for key in (*keys[first:], *keys[:first]):
            elapsed = time_once(runs[key])
            if number >= 0:
                times[key].append(elapsed / REQUESTS)
    _check(made)
    return times


def _check(made: dict[str, Side]) -> None:
    for side in made.values():
        side.check()


def _requests(side: Side) -> Callable[[], object]:
    """Send one request after the other, reading every answer to its end."""
    app, environ = side.app, side.environ

    def run() -> None:
        for _ in range(REQUESTS):
            pieces: Any = app(environ.copy(), _start_response)
            deque(pieces, maxlen=0)
            pieces.close()

    return run


def _start_response(_status: str, _headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
    return _no_write


def _no_write(_data: bytes) -> None:
    raise RuntimeError("a response of Flask is iterated, never written")
