"""Is a refresh made once, and no session lost, whatever fails? Real processes, real stores, real calls over loopback.

Counts are judged, times never. ``docs/faults.md`` says how to read it.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

from . import faults_progress, machine, refresh_backends
from .report import Bar, Check, Options, Report, paragraphs, table

if TYPE_CHECKING:
    from .faults_count import Tally
    from .faults_provider import Kind
    from .faults_rows import Fault
    from .faults_world import World

LANES = 6
"""Rows that are played at the same time: most of their time is waiting."""

QUICK = 0.2
"""What is left of the long times with ``--quick``."""

NONE, ONCE = Bar(0), Bar(1)


@dataclass(slots=True)
class Row:
    """One fault over one store with one kind of provider.

    Attributes:
        tally: What came of it; None before, and where it could not be played.
        problem: Why it could not.
        took: Seconds.
    """

    fault: Fault
    store: str
    kind: Kind
    tally: Tally | None = None
    problem: str = ""
    took: float = 0

    @property
    def key(self) -> str:
        """Name it for programs."""
        return f"{self.fault.name}/{self.store}/{self.kind}"


def measure(options: Options) -> Report:
    """Play the whole matrix, or the faults that were asked for."""
    if find_spec("gunicorn") is None or find_spec("flask") is None:
        sys.exit("It needs gunicorn and Flask: pip install --editable '.[all]' --group test")
    rows = chosen(options.only)
    playable = [row for row in rows if not row.problem]
    former = signal.signal(signal.SIGTERM, _end)  # as an interrupt from the keyboard: what was started is ended
    try:
        with faults_progress.shown(len(playable)) as tell:
            Lanes(options, tell).play(playable)
    finally:
        signal.signal(signal.SIGTERM, former)
    return report_on(rows, options)


def _end(number: int, _frame: Any) -> NoReturn:
    sys.exit(128 + number)


def chosen(only: tuple[str, ...]) -> list[Row]:
    """Return the rows of some faults, of all where none is named; without a Redis some cannot be played here."""
    from .faults_rows import FAULTS  # only here, so that the other benchmarks run without Flask
    from .faults_stores import REDIS
    from .faults_world import SQLITE

    names = [fault.name for fault in FAULTS]
    for name in set(only) - set(names):
        near = get_close_matches(name, names, 1)
        known = "\n".join(f"  {fault.name:<20}{fault.what}" for fault in FAULTS)
        sys.exit(f"There is no fault {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}\n\n{known}")
    wanted = [fault for fault in FAULTS if fault.name in only or not only]
    rows = [Row(fault, store, kind) for fault in wanted for store, kind in fault.cells]
    for row in rows:
        if REDIS is None and row.store != SQLITE:
            row.problem = "redis-server is not on PATH; install Redis 6.2 or later, or Valkey."
    return rows


class Lanes:
    """Plays rows, some at the same time. When somebody interrupts, every process that was started is ended."""

    def __init__(self, options: Options, tell: Callable[[Row], None]) -> None:
        self._options, self._tell = options, tell
        self._stopping = threading.Event()
        self._worlds: set[World] = set()

    def play(self, rows: list[Row]) -> None:
        """Play them, the longest first."""
        with ThreadPoolExecutor(LANES) as lanes:
            longest = sorted(rows, key=lambda row: -row.fault.load.settle)
            try:
                futures: dict[Future[None], Row] = {lanes.submit(self._row, row): row for row in longest}
                for future in as_completed(futures):
                    future.result()
                    self._tell(futures[future])
            except BaseException:
                self._stop()
                raise

    def _row(self, row: Row) -> None:
        from . import faults_count, faults_world

        if self._stopping.is_set():
            return
        begun, scale = time.monotonic(), QUICK if self._options.quick else 1
        seed = f"{self._options.seed} {row.key}"
        try:
            with faults_world.world(row.kind, row.store, row.fault.load, seed=seed, scale=scale) as world:
                self._worlds.add(world)
                if not self._stopping.is_set():
                    world.play(row.fault.play)
                    row.tally = faults_count.count(world)
        except faults_world.Interrupted:
            row.problem = "was interrupted."
        except Exception as error:
            row.problem = f"could not be played: {type(error).__name__}: {error}"
        row.took = time.monotonic() - begun

    def _stop(self) -> None:
        self._stopping.set()
        for world in list(self._worlds):
            with suppress(Exception):
                world.over.set()


def checks_of(rows: list[Row]) -> list[Check]:
    """Hold the counts to their bars."""
    return [check for row in rows for check in _checks(row)]


def _checks(row: Row) -> list[Check]:
    from .faults_count import UNNAMED
    from .faults_sign_out import UNHELD

    tally, who = row.tally, f"{row.fault.name}, {row.store}, {row.kind}"
    lost = crashes = once = None
    if tally is not None:
        lost, crashes = tally.lost[UNNAMED], tally.statuses[500]
        rotations = tally.rotations + tally.down_rotations
        once = (rotations + tally.resent[UNNAMED]) / rotations if rotations else None
    checks = [
        Check(f"{row.key}/lost", f"sessions lost outside the windows: {who}", lost, NONE),
        Check(f"{row.key}/calls", f"calls for each rotation, but for outcomes that nobody knows: {who}", once, ONCE),
        Check(f"{row.key}/crashes", f"requests answered 500: {who}", crashes, NONE),
    ]
    if tally is not None and tally.left:
        checks += [
            Check(f"{row.key}/{name}", f"{what}: {who}", tally.left[name], NONE) for name, what in UNHELD.items()
        ]
    return checks


def report_on(rows: list[Row], options: Options) -> Report:
    """Put the figures together."""
    from .faults_count import WINDOWS

    played = [(row, row.tally) for row in rows if row.tally is not None]
    versions = refresh_backends.versions()
    figures = {
        "seed": options.seed,
        "quick": options.quick,
        "rows": [_figures(row, tally) for row, tally in played],
        "versions": versions,
    }
    lost = [f"({letter}) {what}" for letter, what in WINDOWS.items() if any(tally.lost[letter] for _, tally in played)]
    with_what = "With " + ", ".join(f"{name} {number}" for name, number in versions.items() if number) + "."
    remarks = [*_REMARKS, with_what, *(["Lost, by window: " + "; ".join(lost) + "."] if lost else [])]
    return Report(
        "faults",
        figures,
        checks_of(rows),
        [
            table(_HEAD, [_line(row, tally) for row, tally in played]),
            *_left(played),
            paragraphs(remarks),
            *_traces(played),
        ],
        {row.key: row.problem for row in rows if row.problem},
        machine.inspect(),
        "",
    )


_HEAD = [
    "fault",
    "store",
    "provider",
    "rotations",
    "calls",
    "down",
    "resent",
    "requests",
    "5xx",
    "401",
    "no answer",
    "lost",
]

_REMARKS = (
    "calls: of the provider, for each rotation, while the store could be asked; down: while it could not. What was "
    "answered with an injected failure, and used nothing up, is not in it.",
    "resent: calls beyond one for each token. Each has a reason: an outcome that nobody knew, a replay that the "
    "provider allows, or the store that was away; `?` where nothing explains it, and then the bar does not hold.",
    "no answer: requests whose response was lost on purpose, or with their worker.",
)

_LEFT_REMARK = (
    "ended there: sessions that the provider has ended in fact; told: how often it was asked to. copies: of those "
    "cookies, tried when their access tokens had ended; the rest of them is answered 503. untrue: it was said to be "
    "recorded, and a copy signs somebody in; or revoked, and the provider's session is alive. open: "
    "the provider could have been told of the newest tokens, and has not ended them."
)


_LEFT = {
    "signed out": "people",
    "said recorded": "recorded",
    "said revoked": "revoked",
    "ended there": "ended",
    "told": "told",
    "copies": "copies",
    "refused": "refused",
    "signed in": "alive",
    "untrue": "untrue",
    "open": "open",
}


def _left(played: list[tuple[Row, Tally]]) -> list[str]:
    """Return what came of those who signed out, if any did."""
    lines = [
        [row.fault.name, row.store, row.kind, *(str(tally.left[name]) for name in _LEFT.values())]
        for row, tally in played
        if tally.left
    ]
    return [table([*_HEAD[:3], *_LEFT], lines), paragraphs([_LEFT_REMARK])] if lines else []


def _traces(played: list[tuple[Row, Tally]]) -> list[str]:
    """Return what led to everything that nothing explains."""
    return ["\n".join([f"{row.key}, unexplained:", *trace]) for row, tally in played for trace in tally.traces]


def _line(row: Row, tally: Tally) -> list[str]:
    lost = " ".join(f"{count}{letter}" for letter, count in sorted(tally.lost.items()))
    resent = sum(tally.resent.values())
    strange = f" {tally.resent['?']}?" if tally.resent["?"] else ""
    return [
        row.fault.name,
        row.store,
        row.kind,
        str(tally.rotations + tally.down_rotations),
        _ratio(tally.ratio),
        _ratio(tally.down_ratio),
        f"{resent}{strange}" if resent else "-",
        str(sum(tally.statuses.values())),
        str(tally.failed),
        str(tally.statuses[401]),
        str(tally.statuses[0]),
        lost or "0",
    ]


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _figures(row: Row, tally: Tally) -> dict[str, Any]:
    who = {"fault": row.fault.name, "what": row.fault.what, "store": row.store, "provider": str(row.kind)}
    return {**who, "took": round(row.took, 1), **tally.to_mapping()}
