"""How long do seal, unseal and import take, beside the peers? Ratios have bars; times are printed and never judged."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from . import machine, node, peers, stopwatch, throughput_chart, timed
from .peers import IRON, LABELS, OURS
from .report import Bar, Check, Options, Report, paragraphs, table
from .stopwatch import Spread, Times
from .timed import FROM_DICT, ONE, PACKAGE, PARTS, RING, SESSION, TEN

UNSEAL, SEAL, SEAL_IRON, LONG_RING, IMPORT = Bar(0.95), Bar(1.8), Bar(8, at_least=True), Bar(2.5), Bar(1.15)


@dataclass(slots=True)
class Timings:
    """What was timed: for every operation the times of each process."""

    unseal: list[Times] = field(default_factory=list)
    seal: list[Times] = field(default_factory=list)
    ring: list[Times] = field(default_factory=list)
    imports: list[Times] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def measure(options: Options) -> Report:
    """Time everything in fresh processes, one after the other."""
    found, missing = peers.find()
    timings = Timings(missing=missing)
    for number in range(options.processes):
        _say(f"{number + 1} of {options.processes} processes")
        for key in [key for key in found if key != OURS]:
            _add_pair(timings, key, options.rounds)
        _add_alone(timings, options.rounds)
    _say("")
    return _report(timings, options)


def _add_pair(timings: Timings, key: str, rounds: int) -> None:
    times = stopwatch.in_fresh_process(timed.pair, key, rounds)
    iron = _iron_session(timings, rounds) if key == "fernet" else {}  # beside the one peer that is always there
    timings.unseal.append(times["unseal"] | iron.get("unseal", {}))
    timings.seal.append(times["seal"] | iron.get("seal", {}))


def _iron_session(timings: Timings, rounds: int) -> dict[str, Times]:
    try:
        return timed.iron_session(rounds)
    except node.NodeUnavailable as error:
        timings.missing[IRON] = str(error)
        return {}


def _add_alone(timings: Timings, rounds: int) -> None:
    times = stopwatch.in_fresh_process(timed.alone, rounds)
    timings.seal.append(times["seal"])
    timings.ring.append(times["ring"])
    timings.imports.append(timed.importing(rounds))


def _say(progress: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress:<20}\r", end="", file=sys.stderr, flush=True)


def checks_of(timings: Timings) -> list[Check]:
    """Hold the ratios to their bars."""
    unseal, seal = timings.unseal, timings.seal
    iron = stopwatch.ratio(seal, IRON, OURS)
    return [
        *[
            _check(f"unseal/{key}", f"unseal / {LABELS[key]}", _ours(unseal, key), UNSEAL)
            for key in ("workos", "fernet")
        ],
        *[_check(f"seal/{key}", f"seal / {LABELS[key]}", _ours(seal, key), SEAL) for key in ("workos", "fernet")],
        _check(f"seal/{IRON}", f"{LABELS[IRON]}'s seal / ours", iron, SEAL_IRON),
        _check("ring", f"unseal, last of {RING} passwords / one", stopwatch.ratio(timings.ring, TEN, ONE), LONG_RING),
        _check("import", "import / its parts", stopwatch.ratio(timings.imports, PACKAGE, PARTS), IMPORT),
    ]


def _ours(processes: list[Times], key: str) -> Spread | None:
    return stopwatch.ratio(processes, OURS, key)


def _check(key: str, what: str, spread: Spread | None, bar: Bar) -> Check:
    if spread is None:
        return Check(key, what, None, bar)
    return Check(key, what, spread.median, bar, spread.low, spread.high)


def times_of(timings: Timings) -> dict[str, dict[str, Spread | None]]:
    """Sum up the microseconds by operation and side."""
    sides = list(LABELS)
    return {
        "unseal": {side: stopwatch.typical(timings.unseal, side) for side in sides},
        "seal": {side: stopwatch.typical(timings.seal, side) for side in [*sides, FROM_DICT]},
        "ring": {side: stopwatch.typical(timings.ring, side) for side in (ONE, TEN)},
        "import": {side: stopwatch.typical(timings.imports, side) for side in (PACKAGE, PARTS)},
    }


def _report(timings: Timings, options: Options) -> Report:
    checks, times, where = checks_of(timings), times_of(timings), machine.inspect()
    return Report(
        name="throughput",
        figures={
            "session": SESSION,
            "rounds": options.rounds,
            "processes": options.processes,
            "microseconds": {name: _plain(sides) for name, sides in times.items()},
        },
        checks=checks,
        blocks=_blocks(times, checks, options),
        missing=timings.missing,
        machine=where,
        chart=throughput_chart.draw(times, where, options),
    )


def _plain(sides: dict[str, Spread | None]) -> dict[str, Any]:
    return {side: None if spread is None else spread.to_mapping() for side, spread in sides.items()}


def _blocks(times: dict[str, dict[str, Spread | None]], checks: list[Check], options: Options) -> list[str]:
    return [
        f"Microseconds of one operation on the session '{SESSION}'. Medians of {options.processes} fresh processes "
        f"for each pair,\n{options.rounds} rounds in each; in brackets the least and the greatest process.",
        _times_table(times),
        _others_table(times),
        _checks_table(checks),
        _legend(),
    ]


def _times_table(times: dict[str, dict[str, Spread | None]]) -> str:
    sides = [side for side in LABELS if side == IRON or times["seal"][side] is not None]
    rows = [[LABELS[side], _cell(times["unseal"][side]), _cell(times["seal"][side])] for side in sides]
    return table(["", "unseal", "seal"], rows)


def _others_table(times: dict[str, dict[str, Spread | None]]) -> str:
    return table(
        ["", "microseconds"],
        [
            ["seal, from a plain dict", _cell(times["seal"][FROM_DICT])],
            ["unseal, one password", _cell(times["ring"][ONE])],
            [f"unseal, the last of {RING} passwords", _cell(times["ring"][TEN])],
            ["import sealed_session", _cell(times["import"][PACKAGE])],
            ["import its parts", _cell(times["import"][PARTS])],
        ],
    )


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return "not measured"
    digits = 1 if spread.median < 1000 else 0
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f} to {spread.high:.{digits}f})"


def _checks_table(checks: list[Check]) -> str:
    rows = [[check.what, _ratio(check), _range(check), check.verdict] for check in checks]
    return table(["ratio", "median", "range", "bar"], rows)


def _ratio(check: Check) -> str:
    return "not measured" if check.ratio is None else f"{check.ratio:.3f}"


def _range(check: Check) -> str:
    return "" if check.low is None or check.high is None else f"{check.low:.3f} to {check.high:.3f}"


def _legend() -> str:
    return paragraphs(
        [
            "unseal: until access token, refresh token and user are at hand. seal: ours from a Session, the peers from "
            "a dict, whose values ours would check on the way.",
            "Fernet and json: the same cookie as workos-python, the key parsed once and no wrapper.",
            "itsdangerous signs and does not encrypt. iron-session runs on Node, each call awaited.",
            "import: in fresh interpreters; its parts are AESGCM, msgpack, json, hmac, hashlib, zlib, threading and "
            "dataclasses.",
        ]
    )
