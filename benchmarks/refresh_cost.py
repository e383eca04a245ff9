"""What a coordinator costs: one refresh that nobody else asks for, beside a bare call; and its two steps by themselves.

What is timed runs in fresh processes, with the URL of a coordinator and a folder for its file.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from statistics import median
from typing import Any

from sealed_session import Session
from sealed_session.refresh import Kind, Ledger, Refresher, is_due
from sealed_session.refresh.coordinator import Coordinator, Reading
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.opening import open_coordinator
from sealed_session.testing import access_token

from . import stopwatch
from .refresh_figures import Cost, Steps
from .samples import load

PROCESSES = 4

_CALL, _REFRESH = "call", "refresh"
_REFRESHES = 10  # in a round
_STEPS = 40  # likewise
_VALUE = secrets.token_bytes(1300)  # a result is about as long
_LIFE = 300_000  # milliseconds
_GRACE = 300
_PATIENCE = 30  # seconds


class _Instant:
    """A provider that takes no time."""

    identity = "benchmarks"

    def __init__(self) -> None:
        self._access_token = access_token(expires_at=int(time.time()) + 86_400)
        self._user = load("sessions")["typical"]["user"]

    def session(self, token: str) -> Session:
        """Return a session with a refresh token that nobody has had."""
        return Session(access_token=token, refresh_token=secrets.token_urlsafe(24), user=self._user)

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return session.refresh_token

    def refresh(self, session: Session, /, **_arguments: Any) -> Session:
        """Return the next pair."""
        return self.session(self._access_token)


class _Counting:
    """A coordinator that counts what it is asked."""

    def __init__(self, inner: Coordinator) -> None:
        self.inner = inner
        self.reads = self.swaps = 0

    def read(self, key: bytes) -> Reading:
        """Read."""
        self.reads += 1
        return self.inner.read(key)

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Swap."""
        self.swaps += 1
        return self.inner.swap(key, old, new, lives)

    def close(self) -> None:
        """Close."""
        self.inner.close()


def costs(urls: Mapping[str, str], rounds: int, processes: int) -> dict[str, Cost]:
    """Find out what coordinators cost.

    Args:
        urls: Of the coordinators, by store.
        rounds: How many in a process.
        processes: How many, one after the other; the stores take turns.
    """
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, list[Cost]] = {key: [] for key in urls}
        for key in list(urls) * processes:
            runs[key].append(stopwatch.in_fresh_process(_in_one_process, urls[key], folder, rounds))
        shared = {key: _steps_of_many(url, folder, rounds) for key, url in urls.items() if key != "memory"}
    return {key: _sum_up(runs[key], shared.get(key, [])) for key in urls}


def _sum_up(runs: list[Cost], together: list[Steps]) -> Cost:
    return Cost(
        reads=runs[0].reads,
        swaps=runs[0].swaps,
        call=[time for run in runs for time in run.call],
        refresh=[time for run in runs for time in run.refresh],
        alone=[steps for run in runs for steps in run.alone],
        together=together,
    )


def _in_one_process(url: str, folder: str, rounds: int) -> Cost:
    reads, swaps = _steps_of_a_refresh(url, folder)
    times = _refreshes(url, folder, rounds)
    call, refresh = (median(times[side]) / 1000 for side in (_CALL, _REFRESH))
    return Cost(reads, swaps, [call], [refresh], [_steps(url, folder, rounds)], together=[])


def _refresher(provider: _Instant, shared: Coordinator) -> Refresher:
    ledger = Ledger(provider, shared, MemoryCoordinator(), clock=time.time, grace=_GRACE)
    return Refresher(provider, ledger, is_due=lambda session: is_due(session, time.time(), 0))


def _refreshes(url: str, folder: str, rounds: int) -> stopwatch.Times:
    """Time refreshes, one after the other, and bare calls of their provider, the two taking turns."""
    provider, shared = _Instant(), open_coordinator(url, instance_path=folder)
    refresher, sessions = _refresher(provider, shared), _ended(provider)

    def call() -> None:
        for _ in range(_REFRESHES):
            provider.refresh(next(sessions))

    def refresh() -> None:
        for _ in range(_REFRESHES):
            _refresh(refresher, next(sessions))

    times = stopwatch.alternate({_CALL: call, _REFRESH: refresh}, rounds, _REFRESHES)
    shared.close()
    return times


def _steps_of_a_refresh(url: str, folder: str) -> tuple[int, int]:
    """Count what one refresh asks of the coordinator: reads and swaps."""
    provider, shared = _Instant(), _Counting(open_coordinator(url, instance_path=folder))
    refresher, sessions = _refresher(provider, shared), _ended(provider)
    _refresh(refresher, next(sessions))  # the first in a process does more, once
    shared.reads = shared.swaps = 0
    _refresh(refresher, next(sessions))
    shared.close()
    return shared.reads, shared.swaps


def _refresh(refresher: Refresher, session: Session) -> None:
    outcome = refresher.refresh(session)
    if outcome.kind is not Kind.REFRESHED:
        raise RuntimeError(f"expected a refresh, was {outcome.kind}")


def _ended(provider: _Instant) -> Iterator[Session]:
    """Make sessions that are due, each with a refresh token of its own."""
    ended = access_token(expires_at=int(time.time()) - 60)
    while True:
        yield provider.session(ended)


def _steps(url: str, folder: str, rounds: int) -> Steps:
    """Time a read and a swap under many new keys, one after the other."""
    coordinator = open_coordinator(url, instance_path=folder)
    coordinator.read(b"first")  # opens what it needs
    _begin_together()
    pairs, swapping, began = [], 0.0, time.monotonic()
    for _ in range(_STEPS * rounds):
        key = secrets.token_bytes(32)
        read = stopwatch.time_once(partial(coordinator.read, key))
        swap = stopwatch.time_once(_swap(coordinator, key))
        pairs.append((read + swap) / 1000)
        swapping += swap / 1e6
    ended = time.monotonic()
    coordinator.close()
    return Steps(began, ended, pairs, swapping)


def _swap(coordinator: Coordinator, key: bytes) -> Callable[[], None]:
    def run() -> None:
        if not coordinator.swap(key, None, _VALUE, _LIFE):
            raise RuntimeError("a swap under a new key was refused")

    return run


def _steps_of_many(url: str, folder: str, rounds: int) -> list[Steps]:
    """Time the same in several processes at once."""
    context = get_context("spawn")
    gate = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_pass, initargs=(gate,)) as pool:
        return list(pool.map(_steps, [url] * PROCESSES, [folder] * PROCESSES, [rounds] * PROCESSES))


_gates: list[Barrier] = []  # of a process that begins together with others


def _pass(gate: Barrier) -> None:
    _gates.append(gate)


def _begin_together() -> None:
    for gate in _gates:
        gate.wait(_PATIENCE)
