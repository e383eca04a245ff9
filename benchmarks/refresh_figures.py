"""What ``refresh`` finds out, as values: storms, delays, and the cost of a coordinator. It needs no library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .stopwatch import Spread

REQUESTS, STRAGGLERS = 50, 8
"""At once with one cookie whose access token has ended, and afterwards with the same one."""

OURS = ("memory", "sqlite", "redis")
WORKOS = "workos"

LABELS = {
    "memory": "ours, one process, memory",
    "sqlite": "ours, 4 workers, SQLite",
    "redis": "ours, 2 instances, Redis",
    WORKOS: "workos-python, one process",
}
"""By key, which is stable and for programs, the name for people."""

STORES = {"memory": "memory", "sqlite": "SQLite", "redis": "Redis"}


@dataclass(frozen=True, slots=True)
class Delays:
    """How long something took, many times, in milliseconds."""

    p50: float
    p95: float
    p99: float
    longest: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Delays | None:
        """Sum up; None where there is nothing."""
        if not figures:
            return None
        return cls(*(percentile(figures, share) for share in (50, 95, 99, 100)))

    def to_mapping(self) -> dict[str, float]:
        """Return it as plain JSON."""
        return {name: round(figure, 4) for name, figure in asdict(self).items()}


def percentile(figures: Sequence[float], share: float) -> float:
    """Return the least figure that so many of a hundred do not pass (nearest rank)."""
    return sorted(figures)[max(0, math.ceil(len(figures) * share / 100) - 1)]


@dataclass(frozen=True, slots=True)
class Storm:
    """What came of one storm.

    Attributes:
        calls: Of the provider, those for stragglers too.
        later_calls: Those for stragglers alone: requests that came afterwards with the old cookie.
        ok: Requests answered 200, stragglers apart.
        later_ok: Stragglers answered 200.
        unavailable: Requests answered 503.
        retry_after: What the first of those was told.
        processes: How many answered 200.
        slowest: Seconds of the slowest request.
        late: By how many milliseconds each answer with status 200 came after the provider's.
    """

    calls: int
    later_calls: int
    ok: int
    later_ok: int
    unavailable: int
    retry_after: str | None
    processes: int
    slowest: float
    late: list[float] = field(repr=False)

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON, without the delay of every request."""
        values = {name: value for name, value in asdict(self).items() if name != "late"}
        return {**values, "slowest": round(self.slowest, 4)}


@dataclass(frozen=True, slots=True)
class Side:
    """All storms of one side. Of counts it has the worst storm's.

    Attributes:
        storms: In their order.
        undisturbed: As many requests with a good cookie, from being sent on.
    """

    storms: list[Storm]
    undisturbed: Delays | None

    @property
    def calls(self) -> int:
        """The most calls, those for stragglers too."""
        return max(storm.calls for storm in self.storms)

    @property
    def later_calls(self) -> int:
        """The most calls for stragglers."""
        return max(storm.later_calls for storm in self.storms)

    @property
    def ok(self) -> int:
        """The fewest requests answered 200."""
        return min(storm.ok for storm in self.storms)

    @property
    def later_ok(self) -> int:
        """The fewest stragglers answered 200."""
        return min(storm.later_ok for storm in self.storms)

    @property
    def late(self) -> Delays | None:
        """By how much the answers came after the provider's, over all storms but the first, where there are others."""
        return Delays.of([figure for storm in self.storms[1:] or self.storms for figure in storm.late])

    @property
    def late_at_first(self) -> Delays | None:
        """The same of the first storm, in which processes open their files and fetch the provider's keys."""
        return Delays.of(self.storms[0].late)

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        late, at_first, undisturbed = self.late, self.late_at_first, self.undisturbed
        return {
            "calls": self.calls,
            "ok": self.ok,
            "failed": REQUESTS - self.ok,
            "later_calls": self.later_calls,
            "later_ok": self.later_ok,
            "processes": max(storm.processes for storm in self.storms),
            "late_ms": late and late.to_mapping(),
            "late_at_first_ms": at_first and at_first.to_mapping(),
            "good_cookie_ms": undisturbed and undisturbed.to_mapping(),
        }


@dataclass(frozen=True, slots=True)
class Steps:
    """What the steps of one process took at a coordinator.

    Attributes:
        began: Monotonic seconds, the same for all processes.
        ended: Likewise.
        pairs: Milliseconds of each read and swap together.
        swapping: Seconds of all the swaps.
    """

    began: float
    ended: float
    pairs: list[float] = field(repr=False)
    swapping: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a coordinator costs.

    Attributes:
        reads: Of one refresh that nobody else asks for.
        swaps: Likewise.
        call: Milliseconds of a bare call of the provider, which takes no time; the median of each process.
        refresh: Milliseconds of such a refresh around the call, likewise.
        alone: The steps of processes that ran one after the other.
        together: Those of several processes at once; empty where they share nothing.
    """

    reads: int
    swaps: int
    call: list[float]
    refresh: list[float]
    alone: list[Steps]
    together: list[Steps]

    @property
    def swaps_a_second(self) -> float:
        """Swaps alone, one after the other."""
        return sum(len(one.pairs) for one in self.alone) / sum(one.swapping for one in self.alone)

    @property
    def pairs_a_second(self) -> float | None:
        """Reads and swaps, of several processes together."""
        if not self.together:
            return None
        span = max(one.ended for one in self.together) - min(one.began for one in self.together)
        return sum(len(one.pairs) for one in self.together) / span

    @property
    def pair(self) -> Delays | None:
        """A read and a swap, with nobody else about."""
        return Delays.of([figure for one in self.alone for figure in one.pairs])

    @property
    def pair_together(self) -> Delays | None:
        """A read and a swap, while the other processes do the same."""
        return Delays.of([figure for one in self.together for figure in one.pairs])

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        pair, together, rate = self.pair, self.pair_together, self.pairs_a_second
        return {
            "reads": self.reads,
            "swaps": self.swaps,
            "call_ms": Spread.of(self.call).to_mapping(),
            "refresh_ms": Spread.of(self.refresh).to_mapping(),
            "swaps_a_second": round(self.swaps_a_second),
            "read_and_swap_ms": pair and pair.to_mapping(),
            "processes_together": len(self.together),
            "pairs_a_second_together": None if rate is None else round(rate),
            "read_and_swap_together_ms": together and together.to_mapping(),
        }


@dataclass(slots=True)
class Found:
    """Everything that was measured.

    Attributes:
        sides: By key; None: not measured.
        costs: By store; absent: not measured.
        sweep: By the provider's latency in seconds.
        missing: Why something was not measured.
        versions: Of what was measured beside our own.
    """

    sides: dict[str, Side | None] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    sweep: dict[float, Storm] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str | None] = field(default_factory=dict)
