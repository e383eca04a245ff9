"""The faults of ``python -m benchmarks faults``, a short choice of them: no session is lost, and no call made twice.

They are played at the same time, each with four workers, a store and a provider of its own; then each is judged.
"""

from __future__ import annotations

import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import faults
from benchmarks.faults_browser import Answer, Parting
from benchmarks.faults_count import UNNAMED, Tally, count
from benchmarks.faults_fleet import Blow
from benchmarks.faults_provider import Call, Family, Kind, Provider, Treatment
from benchmarks.faults_rows import FAULTS
from benchmarks.faults_stores import Outage
from benchmarks.report import Options
from tests.refresh.redis_server import needs_redis

PLAYED = (
    pytest.param("none/SQLite/reuse", id="none"),
    pytest.param("spoilt/SQLite/grace", id="spoilt"),
    pytest.param("responses-lost/SQLite/strict", id="responses-lost"),
    pytest.param("store-locked/SQLite/strict", id="store-locked"),
    pytest.param("sign-out/SQLite/grace", id="sign-out"),
    pytest.param("sign-out-in-call/SQLite/reuse", id="sign-out-in-call"),
    pytest.param("sign-out-late/SQLite/strict", id="sign-out-late"),
    pytest.param("sign-out-store-away/Redis/strict", id="sign-out-store-away", marks=needs_redis),
    pytest.param("too-many/Redis/strict", id="too-many", marks=needs_redis),
    pytest.param("store-away-in-call/Redis/reuse", id="store-away-in-call", marks=needs_redis),
)


@pytest.fixture(scope="module")
def rows() -> dict[str, faults.Row]:
    """Everything that can be played here, played."""
    wanted = {str(row.values[0]) for row in PLAYED}
    found = {row.key: row for row in faults.chosen(()) if row.key in wanted}
    faults.Lanes(Options(seed=7, quick=True), lambda _row: None).play(
        [row for row in found.values() if not row.problem]
    )
    return found


@pytest.mark.parametrize("key", PLAYED)
def test_nothing_is_lost_and_nothing_sent_twice(key: str, rows: dict[str, faults.Row]) -> None:
    """Every session works after the fault, and a token is sent again only where nobody knew what became of it."""
    row = rows[key]
    assert row.tally is not None, row.problem
    assert Counter() == row.tally.lost, row.tally.traces
    assert [] == row.tally.traces
    assert [] == [str(check) for check in faults.checks_of([row]) if check.holds is not True]
    assert 6 <= row.tally.rotations + row.tally.down_rotations


def test_every_fault_of_the_design_has_a_row() -> None:
    """Under a name of its own, with stores and providers to be played with."""
    assert len(FAULTS) == len({fault.name for fault in FAULTS})
    played = {fault.name for fault in FAULTS if fault.cells}
    assert {"sign-out", "sign-out-in-call", "sign-out-late", "sign-out-store-away"} <= played


# What is counted, and as what: a matrix that could not fail would show nothing.

_NOW = time.monotonic()


def call(pid: int = 1, at: float = 0, *, verdict: str = "rotated", spoil: int = 0, refuse: int = 0) -> Call:
    """A call of the only session with its only token, answered after a tenth of a second."""
    treatment = Treatment(spoil=spoil, refuse=refuse)
    return Call("token of the test", "sid", pid, _NOW + at, treatment, verdict, _NOW + at + 0.1)


def tally_of(*calls: Call, kind: Kind = Kind.STRICT, is_well: bool = False, **given: Any) -> Tally:
    """Count a world with one session, which is lost."""
    browser = SimpleNamespace(
        sid="sid", counted=Counter({503: 2}), reasons=Counter(), history=[], parting=given.get("parting")
    )
    family = given.get("family", Family("the next one"))
    world: Any = SimpleNamespace(
        provider=SimpleNamespace(calls=list(calls), families={"sid": family}, kind=kind),
        fleet=SimpleNamespace(kills=given.get("kills", []), stops=given.get("stops", [])),
        store=SimpleNamespace(outages=given.get("outages", [])),
        browsers=[browser],
        is_silent=given.get("is_silent", False),
        is_well=lambda _browser: is_well,
        begun_at=_NOW,
        calm_at=_NOW + 9,
    )
    return count(world)


def test_a_call_too_many_is_seen() -> None:
    """A token that is sent a second time for no reason is what the bar is for."""
    tally = tally_of(call(1), call(2, 1, verdict="denied"), is_well=True)
    assert Counter({UNNAMED: 1}) == tally.resent
    assert 2.0 == tally.ratio
    assert 1 == tally.unnamed
    assert ["call with token 1 by 2: denied, after 0.10 s" in line for line in tally.traces[0]].count(True) == 1


@pytest.mark.parametrize(
    ("cause", "first", "given"),
    [
        ("outcome unknown", call(spoil=504), {}),
        ("outcome unknown", call(), {"kills": [Blow(1, _NOW + 0.05)]}),
        ("owner stood still", call(), {"stops": [Blow(1, _NOW, _NOW + 40)]}),
        ("store down", call(), {"outages": [Outage(_NOW - 1, _NOW + 2)]}),
    ],
)
def test_a_call_made_again_has_its_reason(cause: str, first: Call, given: dict[str, Any]) -> None:
    """Nobody knew what became of the first: that is no call too many."""
    tally = tally_of(first, call(2, 1, verdict="denied"), is_well=True, **given)
    assert Counter({cause: 1}) == tally.resent
    assert 0 == tally.unnamed


def test_what_used_nothing_up_is_counted_apart() -> None:
    """An injected failure is answered without a look at the token."""
    tally = tally_of(call(refuse=503, verdict="refused"), call(2, 1), is_well=True)
    assert (1, 1, 1) == (tally.refused, tally.calls, tally.rotations)
    assert 2 == tally.failed


@pytest.mark.parametrize(
    ("window", "calls", "given"),
    [
        ("a", [call()], {"kills": [Blow(1, _NOW + 0.05)]}),
        ("a", [call(at=0.02, verdict="rotated")], {"kills": [Blow(1, _NOW)]}),
        ("b", [call(spoil=504), call(2, 1, verdict="denied")], {}),
        ("b", [call(refuse=500, verdict="refused")], {"kind": Kind.REUSE}),
        ("c", [call()], {"is_silent": True}),
        ("d", [call()], {"kills": [Blow(1, _NOW + 0.05)], "outages": [Outage(_NOW, _NOW + 1, is_lossy=True)]}),
        ("d", [call()], {"kills": [Blow(1, _NOW + 3)], "outages": [Outage(_NOW + 1, _NOW + 2, is_lossy=True)]}),
        (UNNAMED, [call()], {}),
        (UNNAMED, [], {}),
        (UNNAMED, [call()], {"kills": [Blow(2, _NOW + 0.05)]}),
        (UNNAMED, [call(refuse=500, verdict="refused")], {}),
    ],
)
def test_a_lost_session_is_counted_by_its_window(window: str, calls: list[Call], given: dict[str, Any]) -> None:
    """Each of the design's windows is told from the others, and from what has no name."""
    tally = tally_of(*calls, **given)
    assert Counter({window: 1}) == tally.lost
    assert (window == UNNAMED) is bool(tally.traces)


@pytest.mark.parametrize(("is_lossy", "window"), [(True, "e"), (False, UNNAMED)])
def test_a_family_that_we_ended(is_lossy: bool, window: str) -> None:
    """A replay of ours is excused by a store that lost its claims, and by nothing else."""
    again = call(2, 1, verdict="denied")
    family = Family("", is_alive=False, ended_by=again)
    outages = [Outage(_NOW + 0.5, _NOW + 0.6, is_lossy=is_lossy)]
    tally = tally_of(call(), again, kind=Kind.REUSE, family=family, outages=outages)
    assert Counter({window: 1}) == tally.lost


def test_a_family_that_we_ended_when_the_winner_was_dead() -> None:
    """Then the replay cost nothing: nobody had the next pair."""
    again = call(2, 1, verdict="denied")
    family = Family("", is_alive=False, ended_by=again)
    tally = tally_of(call(), again, kind=Kind.REUSE, family=family, kills=[Blow(1, _NOW + 0.05)])
    assert Counter({"a": 1}) == tally.lost


def parting(copies: dict[str, int] | None = None, *, can_end: bool = False, **said: bool) -> Parting:
    """A sign-out with what it said, and what the copies of the cookie were answered."""
    return Parting(Answer(200, said=dict(said)), _NOW, _NOW + 0.1, can_end, Counter(copies or {"revoked": 2}))


def test_who_signed_out_is_not_lost() -> None:
    """It is counted what was said, and what is so."""
    family = Family("", is_alive=False, told=[(_NOW, False), (_NOW, True)])
    copies = {"revoked": 2, "denied": 1, "unavailable": 1, "0": 1}
    tally = tally_of(call(), family=family, parting=parting(copies, can_end=True, recorded=True, revoked=True))
    assert Counter() == tally.lost
    assert [] == tally.traces
    expected = {"people": 1, "recorded": 1, "revoked": 1, "ended": 1, "told": 2, "copies": 5, "refused": 3}
    assert expected == dict(+tally.left)
    assert 0 == tally.unnamed


@pytest.mark.parametrize(
    ("found", "given"),
    [
        ("untrue", {"parting": parting(revoked=True)}),
        ("untrue", {"parting": parting({"200": 1}, recorded=True), "family": Family("", is_alive=False)}),
        ("alive", {"parting": parting({"200": 1, "revoked": 1})}),
        ("open", {"parting": parting(can_end=True, recorded=True, revoked=False)}),
    ],
)
def test_a_sign_out_that_does_not_hold_is_seen(found: str, given: dict[str, Any]) -> None:
    """A copy that signs somebody in, more that was said than is so, a session that goes on: the bars are for them."""
    tally = tally_of(call(), **given)
    assert 1 == tally.left[found]
    assert 1 <= tally.unnamed
    row = faults.Row(FAULTS[0], "SQLite", Kind.STRICT, tally)
    assert {False, True} == {check.holds for check in faults.checks_of([row])}
    assert ["has signed out" in line for line in tally.traces[0]].count(True) == 1
    assert f"{'said revoked':<12}" in str(faults.report_on([row], Options()))


def test_what_was_not_said_is_no_untruth() -> None:
    """Neither on record nor confirmed: the provider's session may be alive."""
    left = tally_of(call(), parting=parting({"revoked": 1}, recorded=True, revoked=False)).left
    assert (0, 0, 0, 0) == (left["untrue"], left["open"], left["ended"], left["revoked"])
    assert Counter() == tally_of(call(), is_well=True).left


def test_the_provider_ends_a_session_by_its_newest_token_alone() -> None:
    """One that is used up is answered 200, and ends nothing."""
    provider = Provider(Kind.STRICT, 2)
    old = provider.sign_in()
    new = provider.decide(provider.begin(old["refresh_token"], 1))[1]
    family = next(iter(provider.families))
    assert new == provider.newest_pair(family)
    assert [200, 200] == [provider.revoke(old["refresh_token"]), provider.revoke("not known")]
    provider.revokes_not = 503
    assert 503 == provider.revoke(new["refresh_token"])
    assert provider.families[family].is_alive
    provider.revokes_not = 0
    assert 200 == provider.revoke(new["refresh_token"])
    assert not provider.families[family].is_alive
    assert [False, False, True] == [ends for _, ends in provider.families[family].told]
    assert "denied" == _verdict(provider, new["refresh_token"])


def _verdict(provider: Provider, token: str) -> str:
    made = provider.begin(token, 1)
    provider.decide(made)
    return made.verdict


def test_what_nothing_explains_does_not_hold() -> None:
    """It is judged, printed with what led to it, and part of the JSON; what cannot be played is named."""
    row = faults.Row(FAULTS[0], "SQLite", Kind.STRICT, tally_of(call(1), call(2, 1, verdict="denied")))
    missing = faults.Row(FAULTS[-1], "SQLite", Kind.STRICT, problem="not here.")
    report = faults.report_on([row, missing], Options())
    assert [False, False, True, None, None, None] == [check.holds for check in report.checks]
    assert "none/SQLite/strict, unexplained:" in str(report)
    assert {"sign-out-store-away/SQLite/strict": "not here."} == report.missing
    assert {"?": 1} == report.to_mapping()["rows"][0]["lost"]
    assert "token of the test" not in str(report) + str(report.to_mapping())


def test_a_fault_that_there_is_not_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest name is suggested."""
    with pytest.raises(SystemExit) as raised:
        faults.chosen(("store-emptyed",))
    assert "Did you mean 'store-emptied'?" in str(raised.value)
    assert "" == capsys.readouterr().out
