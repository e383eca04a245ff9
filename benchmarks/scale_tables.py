"""The figures of ``scale`` as tables."""

from __future__ import annotations

from .refresh_figures import Delays
from .report import paragraphs, table
from .scale_figures import STORES, Found, Left, Speed, Step
from .scale_needs import EVERY, FLEETS, LIVES, PEOPLE, WORKERS, Needs


def blocks(found: Found, needs: list[Needs]) -> list[str]:
    """Return every table with the words before it."""
    return [
        _say(
            "What each of these asks of the coordinator, with real requests: reads, swaps, and the commands that Redis "
            "was sent for them. Who waits in another process looks again and again, until the provider has answered."
        ),
        _steps_table(found),
        _say(
            "Bytes that Redis keeps for each record (the value, and MEMORY USAGE), and seconds until it is gone. The "
            "typical session, renewed a little before its end."
        ),
        _kinds_table(found),
        _say(_left(found)),
        _say(
            "Requests that renew their session, a provider that answers at once: by processes and threads, a second, "
            "and the milliseconds of one. Of three passes that in the middle, and the range of all."
        ),
        _speed_table(found.refreshes),
        _say(_proportions(found)),
        _say("Swaps of a value as long as a result, under new keys."),
        _speed_table(found.swaps),
        *_fleets(needs),
        _say(f"Back ends: {_versions(found)}"),
    ]


def _say(text: str) -> str:
    return paragraphs([text])


def _steps_table(found: Found) -> str:
    steps = next(iter(found.steps.values()), {})
    head = ["", "reads", "swaps", "operations", "Redis commands"]
    commands = {key: step.commands for key, step in found.steps.get("redis", {}).items()}
    return table(head, [_step_row(step, commands.get(key)) for key, step in steps.items()])


def _step_row(step: Step, commands: int | None) -> list[str]:
    return [step.name, str(step.reads), str(step.swaps), str(step.operations), _or_dash(commands)]


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)


def _kinds_table(found: Found) -> str:
    kinds = [] if found.records is None else found.records.kinds
    rows = [[kind.name, f"{kind.count}", f"{kind.value}", f"{kind.usage}", f"{kind.lives}"] for kind in kinds]
    return table(["in Redis", "records", "value", "usage", "seconds"], rows)


def _left(found: Found) -> str:
    left = found.records
    if left is None:
        return "The records were not measured."
    redis = "" if left.redis is None else f"{_both(left.redis)} bytes of Redis's used_memory, "
    return (
        f"Each of {left.refreshes} refreshes left {redis}{_both(left.sqlite)} bytes of an SQLite file and "
        f"{_both(left.in_process)} bytes in the process that made it: the box of its result for {left.box_lives:.0f} "
        f"seconds, and the rest for {left.lives:.0f}."
    )


def _both(left: Left) -> str:
    return f"{left.box:.0f} and {left.rest:.0f}"


def _speed_table(speeds: dict[str, list[Speed]]) -> str:
    head = ["", "processes", "threads", "a second", "range", "p50 ms", "p99 ms"]
    rows = [_speed_row(STORES[key], speed) for key, all_speeds in speeds.items() for speed in all_speeds]
    return table(head, rows)


def _speed_row(name: str, speed: Speed) -> list[str]:
    numbers = [str(speed.processes), str(speed.threads), f"{speed.rate:.0f}", f"{speed.low:.0f} to {speed.high:.0f}"]
    return [name, *numbers, f"{speed.delays.p50:.2f}", f"{speed.delays.p99:.2f}"]


def _proportions(found: Found) -> str:
    """Say how many requests with a good token a refresh is worth, and what Redis works for it."""
    said = []
    if found.plain is not None:
        said.append(f"A request whose token is good takes {found.plain.p50:.3f} ms (p50), alone in one process")
        said += [f"with {STORES[key]} a refresh takes as long as {times:.0f}" for key, times in worth(found).items()]
    if found.redis_cpu is not None:
        said.append(f"Redis works {found.redis_cpu:.1f} microseconds for an operation")
    return f"{'; '.join(said)}."


def worth(found: Found) -> dict[str, float]:
    """Return, by store, how many requests with a good token take as long as one that renews its session."""
    if found.plain is None:
        return {}
    return {key: speeds[0].delays.p50 / found.plain.p50 for key, speeds in found.refreshes.items() if speeds}


def _fleets(needs: list[Needs]) -> list[str]:
    if not needs:
        return []
    words = (
        f"What fleets need by that: {PEOPLE} people active at once on each machine, a request of each every {EVERY} "
        f"seconds, {WORKERS} processes on each machine, one more request waiting elsewhere for each refresh."
    )
    tables = [_fleet_table([one for one in needs if one.life == life]) for life, _ in LIVES]
    return [_say(words), *tables]


def _fleet_table(needs: list[Needs]) -> str:
    return table([f"tokens of {needs[0].life // 60} minutes; machines:", *map(str, FLEETS)], fleet_rows(needs))


def fleet_rows(needs: list[Needs]) -> list[list[str]]:
    """Return the rows of a table of fleets, one column for each."""
    return [
        ["people active at once", *(f"{one.people:,}" for one in needs)],
        ["requests/s", *(f"{one.requests:,.0f}" for one in needs)],
        ["refreshes/s, calls of the provider/s", *(f"{one.refreshes:,.1f}" for one in needs)],
        ["operations of the coordinator/s", *(f"{one.operations:,.0f}" for one in needs)],
        ["cores that Redis is busy with", *(_cores(one) for one in needs)],
        ['more operations/s with "always"', *(f"{one.always:,.0f}" for one in needs)],
        ["kept in the coordinator, MB", *(f"{one.kept / 1e6:,.0f}" for one in needs)],
        ["kept in each process, MB", *(f"{one.kept_by_process / 1e6:,.0f}" for one in needs)],
        ["cookies that come in, MB/s", *(f"{one.cookies / 1e6:,.1f}" for one in needs)],
    ]


def _cores(needs: Needs) -> str:
    return "-" if needs.redis_cores is None else f"{needs.redis_cores:.2f}"


def _versions(found: Found) -> str:
    return ", ".join(f"{name.replace('_', '-')} {number}" for name, number in found.versions.items() if number)


def delays(found: Delays | None) -> dict[str, float] | None:
    """Return delays as plain JSON."""
    return None if found is None else found.to_mapping()
