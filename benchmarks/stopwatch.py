"""Times that can be compared: the sides take turns in many short rounds, in several fresh processes.

Within a process a ratio is the median over the rounds, each of which compares what ran side by side, so that a machine
that slows down slows both. Over the processes it is again the median, with the range beside it: where code and data
happen to lie in memory shifts a whole process by 10 to 20 %, and no number of rounds averages that away. A process
holds only two sides, for the same reason: what a third one leaves in memory moves the other two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from statistics import median
from time import perf_counter
from typing import TypeVar

Times = dict[str, list[float]]
"""Microseconds of one operation by side, one figure for each round."""

_WARM_UP = 3  # rounds that do not count

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of several processes."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: list[float]) -> Spread:
        """Sum up one figure for each process."""
        return cls(median(figures), min(figures), max(figures))

    def to_mapping(self) -> dict[str, float]:
        """Return it as plain JSON."""
        return {name: round(figure, 4) for name, figure in asdict(self).items()}


def alternate(sides: Mapping[str, Callable[[], object]], rounds: int, operations: int) -> Times:
    """Run every side once in every round, the order turned round each time.

    Args:
        sides: By key what runs: a batch of operations.
        rounds: How many rounds count.
        operations: How many operations one batch has.
    """
    times: Times = {key: [] for key in sides}
    for number in range(-_WARM_UP, rounds):
        for key in sorted(sides, reverse=number % 2 == 1):
            elapsed = time_once(sides[key])
            if number >= 0:
                times[key].append(elapsed / operations)
    return times


def time_once(run: Callable[[], object]) -> float:
    """Return the microseconds of one call."""
    start = perf_counter()
    run()
    return (perf_counter() - start) * 1e6


def in_fresh_process(function: Callable[..., T], *arguments: object) -> T:
    """Call a module's function in an interpreter of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def typical(processes: list[Times], side: str) -> Spread | None:
    """Sum up one side's microseconds over the processes that timed it. None when none did."""
    medians = [median(times[side]) for times in processes if side in times]
    return Spread.of(medians) if medians else None


def ratio(processes: list[Times], side: str, other: str) -> Spread | None:
    """Sum up how long one side takes in proportion to another, over the processes that timed both."""
    ratios = [_paired(times[side], times[other]) for times in processes if side in times and other in times]
    return Spread.of(ratios) if ratios else None


def _paired(ours: list[float], theirs: list[float]) -> float:
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))
