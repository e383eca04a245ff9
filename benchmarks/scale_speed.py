"""How fast it goes: requests that renew their session, and bare swaps, in one process and in several at once.

What is timed runs in fresh processes that begin together. A request is a call of the WSGI application: its cookie is
opened, renewed by a provider that answers at once, looked at again and sealed.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import NamedTuple, TypeVar

from sealed_session import generate_password
from sealed_session.refresh.opening import open_coordinator

from .refresh_figures import Delays
from .request_apps import Environ
from .scale_apps import Instant, Place, make, seal, sent
from .scale_figures import Speed

CREWS = ((1, 1), (1, 4), (2, 4), (4, 4))
"""Processes, and threads in each, that renew sessions."""

PROCESSES = (1, 2, 4)
"""That swap."""

PASSES = 3
"""Every crew goes so often; the one in the middle counts, for other programs may come in between."""

LONGEST_PASS = 1.5
"""Seconds after which a pass takes no more steps: on a busy machine it has fewer of them."""

_REFRESHES, _SWAPS, _REQUESTS = 8, 40, 40  # of a process, in each pass, for each round
_ENDED, _GOOD = -60, 200  # seconds that a token is still good for
_LIFE = 300_000  # milliseconds
_PATIENCE = 60

T = TypeVar("T")


class _Run(NamedTuple):
    """What one process took in one pass: when it began and ended, and the milliseconds of each step."""

    began: float
    ended: float
    took: list[float]


def plain(rounds: int) -> Delays:
    """Time requests whose token is good, in one process: they ask nobody."""
    with tempfile.TemporaryDirectory() as folder:
        return _in_the_middle(1, 1, _together(1, _requests, "sqlite:", folder, rounds)).delays


def refreshes(url: str, rounds: int) -> Iterator[Speed]:
    """Time requests that renew their session, each a session of its own."""
    for processes, threads in CREWS:
        with tempfile.TemporaryDirectory() as folder:
            runs = _together(processes, _refreshes, url, folder, rounds, threads)
        yield _in_the_middle(processes, threads, runs)


def swaps(url: str, length: int, rounds: int) -> Iterator[Speed]:
    """Time swaps under new keys.

    Args:
        url: Of the coordinator.
        length: Of the values.
        rounds: How many.
    """
    for processes in PROCESSES:
        with tempfile.TemporaryDirectory() as folder:
            runs = _together(processes, _swaps, url, folder, rounds, length)
        yield _in_the_middle(processes, 1, runs)


def _in_the_middle(processes: int, threads: int, runs: list[list[_Run]]) -> Speed:
    """Sum up each pass of all processes, and return the one whose rate is in the middle."""
    passes = sorted((_rate(together), together) for together in zip(*runs, strict=True))
    rate, middle = passes[len(passes) // 2]
    delays = Delays.of([one for run in middle for one in run.took])
    if delays is None:
        raise RuntimeError("nothing was timed")
    return Speed(processes, threads, rate, passes[0][0], passes[-1][0], delays)


def _rate(together: tuple[_Run, ...]) -> float:
    seconds = max(run.ended for run in together) - min(run.began for run in together)
    return sum(len(run.took) for run in together) / seconds


def _together(processes: int, function: Callable[..., T], *arguments: object) -> list[T]:
    """Call a function in several fresh processes at once."""
    context = get_context("spawn")
    gate = context.Barrier(processes)
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_gates.append, initargs=(gate,)) as pool:
        return [run.result() for run in [pool.submit(function, *arguments) for _ in range(processes)]]


# In those processes.

_gates: list[Barrier] = []


def _requests(url: str, folder: str, rounds: int) -> list[_Run]:
    return _passes(_sendings(url, folder, _GOOD, PASSES * _REQUESTS * rounds), 1)


def _refreshes(url: str, folder: str, rounds: int, threads: int) -> list[_Run]:
    return _passes(_sendings(url, folder, _ENDED, PASSES * _REFRESHES * rounds), threads)


def _swaps(url: str, folder: str, rounds: int, length: int) -> list[_Run]:
    coordinator = open_coordinator(url, instance_path=folder)
    coordinator.read(b"first")  # opens what it needs
    value, keys = secrets.token_bytes(length), [secrets.token_bytes(32) for _ in range(PASSES * _SWAPS * rounds)]
    runs = _passes([partial(coordinator.swap, key, None, value, _LIFE) for key in keys], 1)
    coordinator.close()
    return runs


def _sendings(url: str, folder: str, left: int, count: int) -> list[Callable[[], bool]]:
    """Make requests of so many sessions, to an application that has met its coordinator."""
    provider, password = Instant(), generate_password()
    place = make(provider, [password], folder, COORDINATOR_URL=url)
    place.request(cookie=seal(password, provider.session(left)))
    requests = [sent("/", seal(password, provider.session(left))) for _ in range(count)]
    return [partial(_is_as_expected, place, request, left == _ENDED) for request in requests]


def _is_as_expected(place: Place, request: Environ, is_renewed: bool) -> bool:
    return bool(place.send(request)) is is_renewed


def _passes(steps: list[Callable[[], bool]], threads: int) -> list[_Run]:
    """Take an equal share of the steps in each pass, all processes beginning together."""
    share = len(steps) // PASSES
    return [_pass(steps[first : first + share], threads) for first in range(0, share * PASSES, share)]


def _pass(steps: list[Callable[[], bool]], threads: int) -> _Run:
    with ThreadPoolExecutor(threads) as pool:
        for gate in _gates:
            gate.wait(_PATIENCE)
        began = time.monotonic()
        timed = partial(_timed, until=began + LONGEST_PASS)
        took = map(timed, steps) if threads == 1 else pool.map(timed, steps)
        done = [milliseconds for milliseconds in took if milliseconds is not None]
        return _Run(began, time.monotonic(), done)


def _timed(step: Callable[[], bool], until: float) -> float | None:
    """Return the milliseconds of a step; None where it is too late to take it."""
    if time.monotonic() >= until:
        return None
    began = time.perf_counter()
    is_done = step()
    took = (time.perf_counter() - began) * 1000
    if not is_done:
        raise RuntimeError("a step came to something else than it should")
    return took
