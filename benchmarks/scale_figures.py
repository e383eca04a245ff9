"""What ``scale`` finds out, as values: steps in operations, records in bytes, speed in refreshes and swaps a second."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from .refresh_figures import Delays

STORES = {"sqlite": "SQLite", "redis": "Redis"}


@dataclass(frozen=True, slots=True)
class Step:
    """What one thing that the extension does asks of the coordinator.

    Attributes:
        name: For people.
        reads: Of its operations those that read.
        swaps: Those that compare and set.
        commands: What a Redis was sent for them; None beside another coordinator.
    """

    name: str
    reads: int
    swaps: int
    commands: int | None = None

    @property
    def operations(self) -> int:
        """Reads and swaps; each is one question on the way and back."""
        return self.reads + self.swaps

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {**asdict(self), "operations": self.operations}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record in Redis.

    Attributes:
        name: What it is.
        count: How many there were after the run.
        value: Bytes of the value, the median.
        usage: Bytes by MEMORY USAGE: the key, the value, the end of its life. The median.
        lives: Seconds from its writing until it is gone, the longest.
    """

    name: str
    count: int
    value: int
    usage: int
    lives: int


class Left(NamedTuple):
    """What a refresh leaves behind, in bytes.

    Attributes:
        box: Of the box of its result.
        rest: Of its record, and of all else.
    """

    box: float
    rest: float


@dataclass(frozen=True, slots=True)
class Records:
    """What is left behind by refreshes, in bytes for each.

    Attributes:
        refreshes: How many there were.
        kinds: In Redis, each kind of record.
        redis: ``used_memory``, after less before; None without a Redis.
        sqlite: Of the file.
        in_process: In the memory of the process that has made them.
        box_lives: Seconds for which the box of a result is kept.
        lives: And its record.
    """

    refreshes: int
    kinds: list[Kind]
    redis: Left | None
    sqlite: Left
    in_process: Left
    box_lives: float
    lives: float

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        lefts = {name: getattr(self, name) for name in ("redis", "sqlite", "in_process")}
        return {**asdict(self), **{name: left and left._asdict() for name, left in lefts.items()}}


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast something went, several processes at once.

    Attributes:
        processes: How many.
        threads: How many in each, one after the other asking.
        rate: All of them together, a second; of several passes that in the middle.
        low: Of the slowest pass.
        high: Of the fastest.
        delays: Milliseconds of one, in the pass in the middle.
    """

    processes: int
    threads: int
    rate: float
    low: float
    high: float
    delays: Delays

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


@dataclass(slots=True)
class Found:
    """All of it. What could not be measured is absent.

    Attributes:
        steps: By store, each step by its key.
        records: Their bytes.
        cookie: Characters of the cookie's value.
        plain: Milliseconds of a request whose token is good, in one process.
        refreshes: By store, requests that renew their session.
        swaps: By store, swaps of a value as long as a result.
        redis_cpu: Microseconds of a Redis server's CPU for each operation.
        missing: Why something was not measured, by its key.
        versions: Of what was measured.
    """

    steps: dict[str, dict[str, Step]] = field(default_factory=dict)
    records: Records | None = None
    cookie: int = 0
    plain: Delays | None = None
    refreshes: dict[str, list[Speed]] = field(default_factory=dict)
    swaps: dict[str, list[Speed]] = field(default_factory=dict)
    redis_cpu: float | None = None
    missing: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str | None] = field(default_factory=dict)
