"""What happens when many requests come with one ended token, with our session and with WorkOS's SDK?

Counts are judged: one call of the provider, and every request goes on. Times are never judged.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from . import machine, refresh_backends, refresh_chart, refresh_tables
from .refresh_figures import LABELS, OURS, REQUESTS, STORES, STRAGGLERS, Found, Side
from .report import Bar, Check, Options, Report

ROUNDS_OF_A_STORM, PROCESSES = 4, 5
"""A storm lasts as long as many rounds of the other benchmarks, and fewer processes say enough of the coordinators."""

ONCE, EVERYBODY, EVERY_STRAGGLER = Bar(1), Bar(REQUESTS, at_least=True), Bar(STRAGGLERS, at_least=True)


def measure(options: Options) -> Report:
    """Let storms pass, side by side; then look at the coordinators alone, then at slow providers."""
    if find_spec("gunicorn") is None:
        sys.exit("It needs gunicorn: pip install --group test")
    from . import refresh_cost, refresh_storm  # only here, so that the other benchmarks run without Flask

    with refresh_backends.at_hand() as back_ends:
        found = Found(missing=back_ends.missing, versions=refresh_backends.versions())
        _let_storms_pass(found, back_ends.urls, max(1, options.rounds // ROUNDS_OF_A_STORM))
        _say("coordinators")
        found.costs = refresh_cost.costs(back_ends.urls, options.rounds, min(options.processes, PROCESSES))
    _say("")
    return _report(found, refresh_storm.LATENCY, refresh_storm.TIMEOUT)


def _let_storms_pass(found: Found, urls: dict[str, str], count: int) -> None:
    from . import refresh_provider, refresh_storm

    with refresh_provider.serving() as provider:
        for key, label in LABELS.items():
            _say(label)
            found.sides[key] = None
            if key not in found.missing:
                with refresh_storm.served(key, provider, urls) as setting:
                    found.sides[key] = refresh_storm.storms(setting, count)
        with refresh_storm.served("sqlite", provider, urls) as setting:
            for latency, storm in refresh_storm.sweep(setting):
                _say(f"provider's latency {latency:g} s")
                found.sweep[latency] = storm


def _say(progress: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress:<30}\r", end="", file=sys.stderr, flush=True)


def checks_of(found: Found, timeout: float) -> list[Check]:
    """Hold the counts to their bars. What is not measured is not judged; WorkOS's SDK has no bar."""
    return [check for key in OURS for check in _of_side(key, found.sides.get(key))] + _of_sweep(found, timeout)


def _of_side(key: str, side: Side | None) -> list[Check]:
    name = LABELS[key]
    calls, ok, later = (None, None, None) if side is None else (side.calls, side.ok, side.later_ok)
    return [
        Check(f"{key}/calls", f"{name}: most calls of a storm, stragglers' too", calls, ONCE),
        Check(f"{key}/ok", f"{name}: fewest requests answered 200", ok, EVERYBODY),
        Check(f"{key}/later_ok", f"{name}: fewest stragglers answered 200", later, EVERY_STRAGGLER),
    ]


def _of_sweep(found: Found, timeout: float) -> list[Check]:
    swept = found.sweep.values()
    in_time = [storm.ok for latency, storm in found.sweep.items() if latency < timeout]
    calls = max((storm.calls for storm in swept), default=None)
    later = min((storm.later_ok for storm in swept), default=None)
    return [
        Check("sweep/calls", "most calls, whatever the provider's latency", calls, ONCE),
        Check("sweep/ok", f"fewest answered 200, latency below {timeout:g} s", min(in_time, default=None), EVERYBODY),
        Check("sweep/later_ok", "fewest stragglers answered 200, whatever the latency", later, EVERY_STRAGGLER),
    ]


def _report(found: Found, latency: float, timeout: float) -> Report:
    checks, where = checks_of(found, timeout), machine.inspect()
    return Report(
        name="refresh",
        figures={
            "requests": REQUESTS,
            "stragglers": STRAGGLERS,
            "storms": max((len(side.storms) for side in found.sides.values() if side), default=0),
            "latency": latency,
            "timeout": timeout,
            "sides": _plain(found.sides),
            "coordinators": _plain({key: found.costs.get(key) for key in STORES}),
            "sweep": [{"latency": seconds, **storm.to_mapping()} for seconds, storm in found.sweep.items()],
            "versions": found.versions,
        },
        checks=checks,
        blocks=refresh_tables.blocks(found, checks, latency, timeout),
        missing=found.missing,
        machine=where,
        chart=refresh_chart.draw(found, where, latency),
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: None if value is None else value.to_mapping() for key, value in values.items()}
