"""What came of a fault, counted: calls, rotations, answers, and of every lost session by which window it fell out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sealed_session.refresh.record import CALL_LIMIT

from . import faults_sign_out, faults_trace
from .faults_browser import Browser
from .faults_fleet import Blow
from .faults_provider import Call, Kind
from .faults_stores import Outage
from .faults_world import World

WINDOWS = {
    "a": "the winner was killed between commit and write",
    "b": "the provider's answer never reached us, and it has no replay",
    "c": "the response was lost, and the browser silent for longer than the result lives",
    "d": "the store was lost and the winner killed together",
    "e": "reuse detection, and a store that lost its claims",
}
"""In which a session can be lost, as the design names them."""

UNNAMED = "?"

_WRITE, _CLAIM = 1.0, 2.0
"""Seconds between answer and write, and between claim and call, at most, on a busy machine too."""


@dataclass(slots=True)
class Tally:
    """The figures of one row.

    Attributes:
        rotations: Refresh tokens that were used up while the store could be asked, and ``calls`` made with them.
        down_rotations: The others, and ``down_calls``.
        refused: Calls that were answered with an injected failure, and used nothing up; they are in no other figure.
        resent: Calls beyond one for each token, by cause; ``UNNAMED`` for those that nothing explains.
        statuses: Answers by status; 0: none.
        lost: Sessions by window.
        left: What came of those who signed out; ``faults_sign_out.count`` says what.
        reasons: Of the answers that count as signed out.
        strange: The calls that nothing explains.
        traces: What happened to a session that nothing explains, to find out why.
    """

    rotations: int = 0
    calls: int = 0
    down_rotations: int = 0
    down_calls: int = 0
    refused: int = 0
    resent: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    strange: list[Call] = field(default_factory=list)
    traces: list[list[str]] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """Calls for each rotation while the store could be asked."""
        return self.calls / self.rotations if self.rotations else None

    @property
    def down_ratio(self) -> float | None:
        """Calls for each rotation while it could not."""
        return self.down_calls / self.down_rotations if self.down_rotations else None

    @property
    def failed(self) -> int:
        """Requests that were answered 5xx."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    @property
    def unnamed(self) -> int:
        """Lost sessions and repeated calls that nothing explains, sign-outs that do not hold, answers of a crash."""
        parted = sum(self.left[what] for what in faults_sign_out.UNHELD)
        return self.lost[UNNAMED] + self.resent[UNNAMED] + self.statuses[500] + parted

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "rotations": self.rotations,
            "calls": self.calls,
            "rotations_store_down": self.down_rotations,
            "calls_store_down": self.down_calls,
            "refused": self.refused,
            "resent": dict(self.resent),
            "requests": {str(status): count for status, count in sorted(self.statuses.items())},
            "reasons": dict(self.reasons),
            "lost": dict(self.lost),
            "signed_out": dict(self.left),
            "traces": self.traces,
        }


def count(world: World) -> Tally:
    """Count what happened in a world that has come to rest."""
    tally = Tally()
    calls = sorted(world.provider.calls, key=lambda call: (call.token, call.arrived))
    for _, group in groupby(calls, key=lambda call: call.token):
        _count_token(tally, world, list(group))
    strange = {call.sid for call in tally.strange}
    for browser in world.browsers:
        tally.statuses.update(browser.counted)
        tally.reasons.update(browser.reasons)
        left = faults_sign_out.count(world, browser)
        tally.left.update(left)
        through = "" if left or world.is_well(browser) else window(world, browser)
        if through:
            tally.lost[through] += 1
        if through == UNNAMED or browser.sid in strange or any(left[what] for what in faults_sign_out.UNHELD):
            tally.traces.append(faults_trace.trace(world, browser))
    return tally


def _count_token(tally: Tally, world: World, calls: list[Call]) -> None:
    effective = [call for call in calls if call.is_effective]
    tally.refused += len(calls) - len(effective)
    if not effective:
        return
    is_down = any(overlapping(world.store.outages, effective[0].arrived - _CLAIM, effective[-1].arrived + _WRITE))
    if is_down:
        tally.down_rotations += 1
        tally.down_calls += len(effective)
    else:
        tally.rotations += 1
        tally.calls += len(effective)
    for number, call in enumerate(effective[1:], 1):
        cause = "store down" if is_down else _cause(world, effective[:number], call)
        tally.resent[cause] += 1
        if cause == UNNAMED:
            tally.strange.append(call)


def _cause(world: World, before: list[Call], call: Call) -> str:
    """Say why a token was sent again; nothing but an outcome that nobody knew is a reason."""
    if call.verdict == "replayed" and call.pid == before[-1].pid:
        return "replay"
    for earlier in before:
        stopped = [blow for blow in world.fleet.stops if blow.pid == earlier.pid]
        if is_killed(world, earlier) or not reached_us(earlier):
            return "outcome unknown"
        if any(overlapping(stopped, earlier.arrived, _end(earlier))):
            return "owner stood still"
    return UNNAMED


def window(world: World, browser: Browser) -> str:
    """Name the window through which a session was lost."""
    calls = [call for call in list(world.provider.calls) if call.sid == browser.sid]
    lossy = [outage for outage in world.store.outages if outage.is_lossy]
    ended_by = world.provider.families[browser.sid].ended_by
    if ended_by is not None:
        same = [call for call in calls if call.token == ended_by.token]
        lost_claims = any(overlapping(lossy, same[0].arrived - _CLAIM, _end(ended_by)))
        causes = (_unknown_outcome(world, call) for call in same if call is not ended_by)
        return next(filter(None, causes), "e" if lost_claims else UNNAMED)
    last = next((call for call in reversed(calls) if call.verdict not in ("denied", "")), None)
    if last is None:
        return UNNAMED
    killed_later = any(blow.pid == last.pid and blow.begins > last.arrived for blow in world.fleet.kills)
    with_store = killed_later and any(outage.ends > last.arrived for outage in lossy)
    return _unknown_outcome(world, last) or ("d" if with_store else "c" if world.is_silent else UNNAMED)


def _unknown_outcome(world: World, call: Call) -> str:
    """Name the window, if what became of a call cannot have been known to anybody but the provider."""
    if is_killed(world, call):
        return "d" if any(overlapping(world.store.outages, call.arrived, _end(call))) else "a"
    is_used_up = call.is_effective or world.provider.kind is Kind.REUSE
    return "b" if is_used_up and not reached_us(call) else ""


def reached_us(call: Call) -> bool:
    """Return whether a call's answer came, said what became of the token, and came in time."""
    lasted = _end(call) - call.arrived
    return call.answered is not None and not call.treatment.spoil and call.is_effective and lasted * 1000 < CALL_LIMIT


def is_killed(world: World, call: Call) -> bool:
    """Return whether the process that called was killed before it can have written what it was answered."""
    begins, ends = call.arrived - _WRITE, _end(call) + _WRITE  # what it sent is read after its death, when all are busy
    return any(blow.pid == call.pid and begins <= blow.begins <= ends for blow in world.fleet.kills)


def overlapping(spans: Iterable[Blow | Outage], begins: float, ends: float) -> Iterable[bool]:
    """Say of each span whether it has a moment in common with a time."""
    return (span.begins <= ends and begins <= span.ends for span in spans)


def _end(call: Call) -> float:
    """Return when a call's answer was there, or would have been."""
    planned = call.arrived + call.treatment.latency + call.treatment.trickle
    return planned if call.answered is None else call.answered
