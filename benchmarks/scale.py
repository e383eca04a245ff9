"""What do one machine, ten and a thousand need? Counts, bytes and speed, and the arithmetic of docs/scale.md on them.

Counts are judged; bytes and times never are.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from . import machine, refresh_backends, samples
from .peers import new_sealer
from .report import Bar, Check, Options, Report
from .scale_figures import STORES, Found

SESSIONS_A_ROUND = 40
"""That are renewed for their bytes: 1000 of ten refreshes each by default."""

NOBODY, REFRESH_BAR, ONE = Bar(0), Bar(15), Bar(1)
"""Of the coordinator's operations: for an ordinary request, for a refresh; and Redis commands for one operation."""


def measure(options: Options) -> Report:
    """Count the steps, weigh the records, and time refreshes and swaps; about a minute."""
    if find_spec("flask") is None:
        sys.exit("It needs Flask: pip install 'sealed-session[flask]'")
    from . import scale_needs, scale_tables  # only here, so that the other benchmarks run without Flask

    with refresh_backends.at_hand() as back_ends:
        urls = {key: url for key, url in back_ends.urls.items() if key in STORES}
        missing = {key: why for key, why in back_ends.missing.items() if key in STORES}
        found = Found(missing=missing, versions=refresh_backends.versions())
        _find(found, urls, options.rounds)
    _say("")
    needs = scale_needs.of_all(scale_needs.Measured.of(found))
    checks = checks_of(found)
    return Report(
        name="scale",
        figures={**_figures(found), "needs": [one.to_mapping() for one in needs]},
        checks=checks,
        blocks=scale_tables.blocks(found, needs),
        missing=found.missing,
        machine=machine.inspect(),
        chart="",
    )


def _find(found: Found, urls: dict[str, str], rounds: int) -> None:
    from . import scale_memory, scale_redis, scale_speed, scale_steps

    found.cookie = len(new_sealer().seal(samples.as_values(samples.load("sessions")["typical"])))
    with scale_redis.of(urls.get("redis")) as server:
        for key, url in urls.items():
            _say(f"{STORES[key]}: steps")
            found.steps[key] = scale_steps.count(url, server.commands if server and key == "redis" else None)
        _say("records")
        found.records = scale_memory.measure(server and server.client, urls.get("redis"), SESSIONS_A_ROUND * rounds)
        found.plain = scale_speed.plain(rounds)
        for key, url in urls.items():
            _say(f"{STORES[key]}: speed")
            before = server.work() if server else None
            found.refreshes[key] = list(scale_speed.refreshes(url, rounds))
            if server and before and key == "redis":
                found.redis_cpu = server.work().since(before)
            found.swaps[key] = list(scale_speed.swaps(url, scale_memory.length_of_a_box(), rounds))


def checks_of(found: Found) -> list[Check]:
    """Hold the counts to their bars. What is not measured is not judged."""
    from . import scale_steps

    steps = next(iter(found.steps.values()), {})
    request, refresh = (
        float(steps[key].operations) if steps else None for key in (scale_steps.REQUEST, scale_steps.REFRESH)
    )
    in_redis = found.steps.get("redis", {}).values()
    commands = [step.commands / step.operations for step in in_redis if step.commands and step.operations]
    return [
        Check("request/operations", "the coordinator's operations for a request whose token is good", request, NOBODY),
        Check("refresh/operations", "the coordinator's operations for a refresh", refresh, REFRESH_BAR),
        Check("redis/commands", "commands for one operation", max(commands, default=None), ONE),
    ]


def _figures(found: Found) -> dict[str, Any]:
    from . import scale_tables

    return {
        "steps": {
            store: {key: step.to_mapping() for key, step in steps.items()} for store, steps in found.steps.items()
        },
        "records": found.records and found.records.to_mapping(),
        "cookie": found.cookie,
        "plain_ms": scale_tables.delays(found.plain),
        "refreshes": {key: [speed.to_mapping() for speed in speeds] for key, speeds in found.refreshes.items()},
        "refresh_by_request": {key: round(times, 2) for key, times in scale_tables.worth(found).items()},
        "swaps": {key: [speed.to_mapping() for speed in speeds] for key, speeds in found.swaps.items()},
        "redis_cpu_us": found.redis_cpu,
        "versions": found.versions,
    }


def _say(progress: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress:<30}\r", end="", file=sys.stderr, flush=True)
