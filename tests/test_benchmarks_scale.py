"""The benchmark ``scale`` counts what it says, and docs/scale.md follows from its figures. No time is asserted here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import refresh_backends, scale, scale_needs, scale_speed, scale_steps, scale_tables
from benchmarks.report import WIDTH, Options, Report
from benchmarks.scale_figures import Found, Left, Step
from benchmarks.scale_needs import Measured
from tests.refresh.redis_server import needs_redis

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"

# What the page takes from its measurement, rounded as it says them.
OF_THE_PAGE = Measured(
    operations=33, always=2, left=Left(950, 350), in_process=Left(1000, 350), cookie=930, redis_cpu=25
)


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    """A quick run: everything is counted and timed, a few times."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scale_speed, "CREWS", ((1, 1), (2, 2)))
        patched.setattr(scale_speed, "PROCESSES", (2,))
        patched.setattr(scale_steps, "WAITS", (0.2,))
        yield scale.measure(Options(rounds=1, processes=1))


@pytest.mark.parametrize("store", ["sqlite", pytest.param("redis", marks=needs_redis)])
def test_steps_are_counted(report: Report, store: str) -> None:
    """A good token asks nobody; what the page says of the other steps is so on every coordinator."""
    steps = {key: (step["reads"], step["swaps"]) for key, step in report.figures["steps"][store].items()}
    polls = steps.pop("wait_0.2")
    assert {
        "request": (0, 0),
        "always": (2, 0),
        "sign_in": (2, 0),
        "refresh": (11, 4),
        "look": (3, 0),
        "passer_by": (3, 0),
        "straggler_here": (8, 0),
        "straggler_elsewhere": (10, 0),
        "sign_out": (5, 4),
        "revoke": (1, 1),
        "backchannel": (2, 3),
        "waiter": (3, 0),
    } == steps
    assert polls[0] > steps["straggler_elsewhere"][0]
    assert 0 == polls[1]


@needs_redis
def test_an_operation_is_one_command(report: Report) -> None:
    """Whatever is asked of Redis: one round trip each; and it says itself what that costs it."""
    steps = report.figures["steps"]["redis"].values()
    assert [step["operations"] for step in steps] == [step["commands"] for step in steps]
    assert report.figures["redis_cpu_us"] > 0


@needs_redis
def test_records_are_weighed(report: Report) -> None:
    """Each refresh leaves a result with its box, and each session a note on its newest token; all end in time."""
    records = report.figures["records"]
    refreshes = scale.SESSIONS_A_ROUND * 10
    kinds = {kind["name"]: kind for kind in records["kinds"]}
    assert refreshes == records["refreshes"]
    assert kinds["result of a refresh"]["count"] >= refreshes
    assert kinds["box of a result"]["count"] >= refreshes
    assert 0 < kinds["box of a result"]["value"] < kinds["box of a result"]["usage"] == records["redis"]["box"]
    assert 0 < kinds["result of a refresh"]["value"] < 80 < kinds["result of a refresh"]["usage"]
    assert 0 < records["redis"]["rest"] < records["redis"]["box"]
    assert 86_400 == kinds["of a token signed out"]["lives"]
    assert 400 * 86_400 == kinds["tombstone, or a logout token"]["lives"]


def test_a_record_is_kept_as_long_as_the_arithmetic_takes_it_to_be(report: Report) -> None:
    """What is left of the old token, the grace, and the time for which it is known that the token is used up."""
    _, early = scale_needs.LIVES[0]
    records = report.figures["records"]
    assert scale_needs.kept_for(early) == pytest.approx((records["box_lives"], records["lives"]), abs=3)


def test_speed_is_measured_and_counts_hold(report: Report) -> None:
    """Every crew on every store at hand; the bars are on counts, and hold."""
    assert set(report.figures["steps"]) == set(report.figures["refreshes"]) == set(report.figures["swaps"])
    for speeds in report.figures["refreshes"].values():
        assert [(1, 1), (2, 2)] == [(speed["processes"], speed["threads"]) for speed in speeds]
        assert all(0 < speed["low"] <= speed["rate"] <= speed["high"] for speed in speeds)
        assert all(0 < speed["delays"]["p50"] <= speed["delays"]["p99"] for speed in speeds)
    assert [] == [check.id for check in report.checks if check.holds is False]


def test_it_fits_a_terminal_and_is_json(report: Report) -> None:
    """No line is wider than 100 columns, and every figure can be written."""
    assert max(map(len, str(report).splitlines())) <= WIDTH
    assert 6 == len(json.loads(json.dumps(report.to_mapping()))["needs"])


def test_without_redis_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite alone: no commands, no kinds, no cores, and the reason is said."""
    monkeypatch.setattr(refresh_backends, "_redis_problem", lambda: "redis-server is not on PATH.")
    monkeypatch.setattr(scale_speed, "CREWS", ((1, 1),))
    monkeypatch.setattr(scale_speed, "PROCESSES", (1,))
    monkeypatch.setattr(scale_steps, "WAITS", (0.2,))
    alone = scale.measure(Options(rounds=1, processes=1))
    assert {"redis": "redis-server is not on PATH."} == alone.missing
    assert ["sqlite"] == list(alone.figures["refreshes"])
    assert {None} == {one["redis_cores"] for one in alone.figures["needs"]}
    assert [True, True, None] == [check.holds for check in alone.checks]


def test_what_is_not_measured_is_not_judged() -> None:
    """No step, no verdict and no fleet; an ordinary request that asks is a bar missed."""
    assert [None] * 3 == [check.holds for check in scale.checks_of(Found())]
    assert [] == scale_needs.of_all(Measured.of(Found()))
    asks = {scale_steps.REQUEST: Step("", 1, 0), scale_steps.REFRESH: Step("", 11, 3)}
    assert [False, True, None] == [check.holds for check in scale.checks_of(Found(steps={"sqlite": asks}))]


def test_the_arithmetic() -> None:
    """2,700 people, tokens of 300 seconds renewed 30 before their end: ten a second, and everything follows."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scale_needs, "PEOPLE", 2700)
        one = scale_needs.needs(1, 300, 30, Measured(20, 2, Left(1000, 100), Left(500, 50), 900, 50))
    assert (270, 10, 200, 540) == (one.requests, one.refreshes, one.operations, one.always)
    a_second = 330 * 1000 + 3930 * 100
    assert (10 * a_second, 2.5 * a_second / 2) == (one.kept, one.kept_by_process)
    assert (243_000, 0.01) == (one.cookies, one.redis_cores)


def test_the_page_follows_from_its_figures() -> None:
    """Every row of the fleets in docs/scale.md is what the arithmetic makes of the figures that the page names."""
    found, page = scale_needs.of_all(OF_THE_PAGE), PAGE.read_text(encoding="utf-8")
    for life, _ in scale_needs.LIVES:
        rows = scale_tables.fleet_rows([one for one in found if one.life == life])
        assert [] == [row for row in rows if f"| {' | '.join(row)} |" not in page]


def test_it_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """With the others, and its question."""
    assert 0 == command.main([])
    assert "scale       What do one machine, ten and a thousand need?" in capsys.readouterr().out
