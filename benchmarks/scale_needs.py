"""The arithmetic of docs/scale.md: from people, and figures that were measured, to what a fleet needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sealed_session.refresh import record as records

from .scale_figures import Found, Left, Step
from .scale_steps import ALWAYS, REFRESH, WAITER

PEOPLE = 5000
"""Active at once, on each machine."""

EVERY = 10
"""Seconds between two requests of one person."""

WORKERS = 4
"""Processes of a machine."""

LIVES = ((300, 30), (3600, 60))
"""Seconds of an access token's life, and of how long before its end it is renewed (``due.early_by``)."""

GRACE = 300
FLEETS = (1, 10, 1000)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the arithmetic takes from a measurement.

    Attributes:
        operations: Of the coordinator for a refresh, and for one more request that waits elsewhere.
        always: Of the coordinator for a request that is looked up.
        left: Bytes that a refresh leaves in the coordinator.
        in_process: And in the process that made it.
        cookie: Characters.
        redis_cpu: Microseconds of a Redis server for an operation; None: unknown.
    """

    operations: int
    always: int
    left: Left
    in_process: Left
    cookie: int
    redis_cpu: float | None

    @classmethod
    def of(cls, found: Found) -> Measured | None:
        """Take it from what was found; None where that is not enough."""
        steps: dict[str, Step] = next(iter(found.steps.values()), {})
        if not steps or found.records is None:
            return None
        left = found.records.sqlite if found.records.redis is None else found.records.redis
        operations = steps[REFRESH].operations + steps[WAITER].operations
        return cls(operations, steps[ALWAYS].operations, left, found.records.in_process, found.cookie, found.redis_cpu)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a fleet needs, a second unless it says otherwise.

    Attributes:
        machines: How many.
        life: Seconds of an access token's life.
        people: Active at once.
        requests: Of them all.
        refreshes: As many calls of the provider.
        operations: Of the coordinator.
        always: Those that CHECK_REVOCATION "always" adds.
        kept: Bytes in the coordinator.
        kept_by_process: Bytes in each process.
        cookies: Bytes of cookies that come in.
        redis_cores: Cores that Redis is busy with, without "always"; None: unknown.
    """

    machines: int
    life: int
    people: int
    requests: float
    refreshes: float
    operations: float
    always: float
    kept: float
    kept_by_process: float
    cookies: float
    redis_cores: float | None

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {name: value if value is None else round(value, 3) for name, value in asdict(self).items()}


def needs(machines: int, life: int, early: int, measured: Measured) -> Needs:
    """Work it out, for people who are active all the time, one more request waiting elsewhere for each refresh."""
    people = PEOPLE * machines
    requests, refreshes = people / EVERY, people / (life - early)
    operations = refreshes * measured.operations
    return Needs(
        machines=machines,
        life=life,
        people=people,
        requests=requests,
        refreshes=refreshes,
        operations=operations,
        always=requests * measured.always,
        kept=refreshes * kept(measured.left, early),
        kept_by_process=refreshes / (machines * WORKERS) * kept(measured.in_process, early),
        cookies=requests * measured.cookie,
        redis_cores=None if measured.redis_cpu is None else operations * measured.redis_cpu / 1e6,
    )


def kept_for(early: int) -> tuple[float, float]:
    """Return for how many seconds the box of a refresh is kept, whose token had so many left, and its record."""
    return early + GRACE, early + GRACE + records.SPENT_KEPT / 1000


def kept(left: Left, early: int) -> float:
    """Return the bytes that one refresh a second comes to, once as much ends as begins."""
    return sum(size * seconds for size, seconds in zip(left, kept_for(early), strict=True))


def of_all(measured: Measured | None) -> list[Needs]:
    """Work it out for every fleet; nothing where nothing was measured."""
    if measured is None:
        return []
    return [needs(machines, life, early, measured) for life, early in LIVES for machines in FLEETS]
