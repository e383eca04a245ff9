"""How much time does a request cost, with our session, with Flask's own and with neither? Times are never judged."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import inf
from statistics import median
from typing import Any

from . import machine, request_chart, stopwatch
from .peers import INSTALL
from .report import Bar, Check, Options, Report, paragraphs, table
from .stopwatch import Spread, Times

PLAIN, PUBLIC, OURS, FLASK = "plain", "public", "signed_in", "flask_typical"
LOGIN = ("flask_login", "flask_login_typical")

LABELS = {
    PLAIN: "Flask alone",
    PUBLIC: "ours, public view",
    OURS: "ours, signed in",
    "login_required": "ours, under login_required",
    "require_login": "ours, under REQUIRE_LOGIN",
    "flask_small": "Flask's session, user id only",
    FLASK: "Flask's session, same data",
    "flask_permanent": "Flask's session, same data, permanent",
    LOGIN[0]: "Flask-Login, user id only",
    LOGIN[1]: "Flask-Login, same data",
}
"""By key, which is stable and for programs, the name for people."""

UNTOUCHED, ADDED = Bar(1.05), Bar(1)

PUBLIC_ROUNDS = 60
"""For the bar that is a few hundredths wide; with another number of rounds, in proportion."""

_USUAL_ROUNDS = 25


@dataclass(slots=True)
class Timings:
    """What was timed, by process: the public view beside Flask alone, and ours between Flask alone and another."""

    public: list[Times] = field(default_factory=list)
    beside: dict[str, list[Times]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def all(self) -> list[Times]:
        """Every process."""
        return [*self.public, *(times for processes in self.beside.values() for times in processes)]


def measure(options: Options) -> Report:
    """Time everything in fresh processes, one after the other."""
    from . import request_timed  # only here, so that the other benchmarks run without Flask

    absent = () if find_spec("flask_login") else LOGIN
    missing = dict.fromkeys(absent, f"The package flask_login is not installed. {INSTALL}")
    others = [key for key in LABELS if key not in (PLAIN, PUBLIC, OURS, *missing)]
    timings = Timings(beside={key: [] for key in others}, missing=missing)
    for number in range(options.processes):
        _say(f"{number + 1} of {options.processes} processes")
        times = stopwatch.in_fresh_process(request_timed.sides, (PLAIN, PUBLIC), _public_rounds(options))
        timings.public.append(times)
        for key in others:
            times = stopwatch.in_fresh_process(request_timed.sides, (PLAIN, OURS, key), options.rounds)
            timings.beside[key].append(times)
    _say("")
    return _report(timings, options)


def _public_rounds(options: Options) -> int:
    return max(1, options.rounds * PUBLIC_ROUNDS // _USUAL_ROUNDS)


def _say(progress: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress:<20}\r", end="", file=sys.stderr, flush=True)


def added(processes: list[Times], side: str) -> Spread | None:
    """Sum up the microseconds that a side adds to Flask alone, over the processes that timed it."""
    medians = [median(_added(times, side)) for times in processes if side in times]
    return Spread.of(medians) if medians else None


def ratio_added(processes: list[Times], side: str, other: str) -> Spread | None:
    """Sum up what one side adds to Flask alone in proportion to what another one adds."""
    ratios = [_ratio_added(times, side, other) for times in processes if side in times and other in times]
    return Spread.of(ratios) if ratios else None


def _added(times: Times, side: str) -> list[float]:
    return [mine - plain for mine, plain in zip(times[side], times[PLAIN], strict=True)]


def _ratio_added(times: Times, side: str, other: str) -> float:
    """Compare round by round. Where the other one took no longer than Flask alone, the round speaks against ours."""
    pairs = zip(_added(times, side), _added(times, other), strict=True)
    return median(mine / theirs if theirs > 0 else inf for mine, theirs in pairs)


def checks_of(timings: Timings) -> list[Check]:
    """Hold the ratios to their bars."""
    untouched = stopwatch.ratio(timings.public, PUBLIC, PLAIN)
    return [
        _check(PUBLIC, f"{LABELS[PUBLIC]} / {LABELS[PLAIN]}, whole requests", untouched, UNTOUCHED),
        _check(f"{OURS}/{FLASK}", _what(FLASK), _beside(timings, FLASK), ADDED),
    ]


def _beside(timings: Timings, key: str) -> Spread | None:
    return ratio_added(timings.beside.get(key, []), OURS, key)


def _what(key: str) -> str:
    return f"{LABELS[OURS]} / {LABELS[key]}"


def _check(key: str, what: str, spread: Spread | None, bar: Bar) -> Check:
    if spread is None:
        return Check(key, what, None, bar)
    return Check(key, what, spread.median, bar, spread.low, spread.high)


def _report(timings: Timings, options: Options) -> Report:
    checks, where = checks_of(timings), machine.inspect()
    times = {key: stopwatch.typical(timings.all, key) for key in LABELS}
    additions = {key: added(timings.all, key) for key in LABELS if key != PLAIN}
    return Report(
        name="request",
        figures={
            "session": "typical",
            "rounds": options.rounds,
            "processes": options.processes,
            "microseconds": _plain(times),
            "added": _plain(additions),
        },
        checks=checks,
        blocks=[
            paragraphs(
                [
                    f"Microseconds of one request with the session 'typical'. Medians of {options.processes} fresh "
                    f"processes for each row, {options.rounds} rounds in each, {_public_rounds(options)} for the "
                    "public view; in brackets the least and the greatest process."
                ]
            ),
            _times_table(times, additions),
            _ratios_table(timings, checks),
            _legend(),
        ],
        missing=timings.missing,
        machine=where,
        chart=request_chart.draw(LABELS, times, additions, where, options),
    )


def _plain(spreads: dict[str, Spread | None]) -> dict[str, Any]:
    return {key: None if spread is None else spread.to_mapping() for key, spread in spreads.items()}


def _times_table(times: dict[str, Spread | None], additions: dict[str, Spread | None]) -> str:
    rows = [[LABELS[key], _cell(spread), _cell(additions.get(key))] for key, spread in times.items() if spread]
    return table(["", "request", "added to Flask alone"], rows)


def _cell(spread: Spread | None) -> str:
    return "" if spread is None else f"{spread.median:.1f} ({spread.low:.1f} to {spread.high:.1f})"


def _ratios_table(timings: Timings, checks: list[Check]) -> str:
    """Show the ratios with a bar, then those of ours to what holds less, or lasts longer; these have none."""
    others = [(key, _beside(timings, key)) for key in ("flask_small", "flask_permanent", *LOGIN)]
    rows = [
        *[[check.what, _ratio(check.ratio), _range(check.low, check.high), check.verdict] for check in checks],
        *[[_what(key), _ratio(one.median), _range(one.low, one.high), ""] for key, one in others if one],
    ]
    return table(["ratio of what they add", "median", "range", "bar"], rows)


def _ratio(ratio: float | None) -> str:
    return "not measured" if ratio is None else f"{ratio:.3f}"


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _legend() -> str:
    return paragraphs(
        [
            "A request is a call of the WSGI application until its answer is read and closed: no server, no network, "
            "no test client. Every view answers with the user's id.",
            "Flask alone: the id is a constant. public: the cookie comes, and the view does not look.",
            "Same data: access token, refresh token and user, signed and readable by anybody, set until the browser "
            "closes. permanent: the cookie lasts, as ours does, and every response sets it again.",
            "Flask-Login: the user from a dict, by the id in Flask's session.",
        ]
    )
