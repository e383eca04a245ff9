"""The figures of ``refresh`` as tables."""

from __future__ import annotations

from statistics import median

from .refresh_figures import LABELS, REQUESTS, STORES, STRAGGLERS, Cost, Delays, Found, Side, Storm
from .report import Check, paragraphs, table


def blocks(found: Found, checks: list[Check], latency: float, timeout: float) -> list[str]:
    """Return every table with the words before it."""
    return [
        _say(
            f"{REQUESTS} requests at once with one cookie whose access token has ended. The provider answers after "
            f"{latency:g} s, each refresh token once, and counts its calls. Then {STRAGGLERS} stragglers come with the "
            f"old cookie. The worst of {_storms(found)} storms each."
        ),
        _storms_table(found, checks),
        _say(
            "Milliseconds from the provider's answer until the answer of each of these requests. The first storm "
            "stands apart: in it, processes open their files and fetch the provider's keys. For comparison as many "
            "requests at once with a good cookie, from being sent on."
        ),
        _delays_table(found),
        _say(
            "Milliseconds of one refresh that nobody else asks for, and of a bare call of its provider, which takes no "
            "time; in brackets the least and the greatest process. And what the refresh asks of the coordinator."
        ),
        _refresh_table(found),
        _say("Milliseconds of a read and a swap of 1.3 kB under a new key, in one process and in several at once."),
        _steps_table(found),
        _say(
            f"{LABELS['sqlite']}: the same storm with other latencies of the provider. A request waits for "
            f"{timeout:g} s at most."
        ),
        _sweep_table(found),
        _say(f"Back ends: {_versions(found)}"),
    ]


def _say(text: str) -> str:
    return paragraphs([text])


def _storms(found: Found) -> int:
    return max((len(side.storms) for side in found.sides.values() if side), default=0)


def _storms_table(found: Found, checks: list[Check]) -> str:
    head = ["", "calls", "200", "failed", "then: calls", "200", "bar"]
    return table(head, [_storm_row(key, side, checks) for key, side in found.sides.items() if side])


def _storm_row(key: str, side: Side, checks: list[Check]) -> list[str]:
    verdicts = [check.holds for check in checks if check.id.startswith(f"{key}/")]
    at_once = side.calls - side.later_calls
    numbers = [at_once, side.ok, REQUESTS - side.ok, side.later_calls, side.later_ok]
    return [LABELS[key], *map(str, numbers), "" if not verdicts else "ok" if all(verdicts) else "NO"]


def _delays_table(found: Found) -> str:
    head = ["", "p50", "p95", "longest", "first: p50", "longest", "good cookie: p50", "longest"]
    return table(head, [[LABELS[key], *_delays_of(side)] for key, side in _ours(found)])


def _delays_of(side: Side) -> list[str]:
    late, at_first, good = side.late, side.late_at_first, side.undisturbed
    middle = [late and late.p50, late and late.p95, late and late.longest]
    others = [at_first and at_first.p50, at_first and at_first.longest, good and good.p50, good and good.longest]
    return ["-" if figure is None else f"{figure:.1f}" for figure in (*middle, *others)]


def _ours(found: Found) -> list[tuple[str, Side]]:
    return [(key, side) for key in STORES if (side := found.sides.get(key))]


def _costs(found: Found) -> list[tuple[str, Cost]]:
    return [(name, cost) for key, name in STORES.items() if (cost := found.costs.get(key))]


def _refresh_table(found: Found) -> str:
    rows = [
        [name, _range(cost.refresh), f"{median(cost.call):.3f}", str(cost.reads), str(cost.swaps)]
        for name, cost in _costs(found)
    ]
    return table(["", "refresh", "bare call", "reads", "swaps"], rows)


def _range(figures: list[float]) -> str:
    return f"{median(figures):.2f} ({min(figures):.2f} to {max(figures):.2f})"


def _steps_table(found: Found) -> str:
    count = max((len(cost.together) for _, cost in _costs(found)), default=0)
    head = ["", "p50", "p99", "swaps/s", f"{count} processes: p50", "p99", "pairs/s"]
    return table(head, [[name, *_steps(cost)] for name, cost in _costs(found)])


def _steps(cost: Cost) -> list[str]:
    rate = cost.pairs_a_second
    together = _middle_and_end(cost.pair_together)
    return [
        *_middle_and_end(cost.pair),
        f"{cost.swaps_a_second:.0f}",
        *together,
        "-" if rate is None else f"{rate:.0f}",
    ]


def _middle_and_end(delays: Delays | None) -> list[str]:
    return ["-", "-"] if delays is None else [f"{delays.p50:.3f}", f"{delays.p99:.3f}"]


def _sweep_table(found: Found) -> str:
    head = ["latency", "calls", "200", "503", "Retry-After", "slowest", "then: calls", "200"]
    return table(head, [_swept(latency, storm) for latency, storm in found.sweep.items()])


def _swept(latency: float, storm: Storm) -> list[str]:
    numbers = [str(storm.calls - storm.later_calls), str(storm.ok), str(storm.unavailable), storm.retry_after or ""]
    return [f"{latency:g} s", *numbers, f"{storm.slowest:.2f} s", str(storm.later_calls), str(storm.later_ok)]


def _versions(found: Found) -> str:
    return ", ".join(f"{name.replace('_', '-')} {number}" for name, number in found.versions.items() if number)
