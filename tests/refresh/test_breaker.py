"""A break in asking a provider that answers nobody: what opens it, whom it keeps from asking, and how it ends."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sealed_session import ProviderUnavailable, RefreshDenied, Session, StepUpRequired
from sealed_session.counters import Counters
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Ledger, Outcome, breaker, shared, uptime
from sealed_session.refresh import journey as journeys
from sealed_session.refresh.attempt import attempt, merge
from sealed_session.refresh.breaker import Breaker
from sealed_session.refresh.journey import Journey
from sealed_session.refresh.ledger import Claim
from sealed_session.refresh.record import Adopt

from .faults import LONG, PATIENT, Times, World, newest

TOO_MANY = ProviderUnavailable("429", retry_after=7, sent=False, general=True)
"""What a provider raises that has had enough of everybody."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A provider, a store, and clocks that everything looks at."""
    world = World()
    for module in (shared, journeys, breaker):
        monkeypatch.setattr(module, "time", world.times)
    monkeypatch.setattr(uptime, "milliseconds", world.times.milliseconds)
    return world


class TestBreaker:
    """The break itself."""

    @pytest.fixture
    def times(self, monkeypatch: pytest.MonkeyPatch) -> Times:
        """A clock that stands still."""
        times = Times()
        monkeypatch.setattr(breaker, "time", times)
        return times

    def test_at_first_anybody_may_ask(self, times: Times) -> None:
        """Also where monotonic time begins at nothing."""
        times.passed = -5_000
        assert 0 == Breaker().left

    def test_it_lasts_as_long_as_was_said_and_ends_by_itself(self, times: Times) -> None:
        """Nobody has to close it."""
        made = Breaker()
        made.open_for(5)
        assert 5 == made.left
        times.advance(4.5)
        assert 0.5 == made.left
        times.advance(0.5)
        assert 0 == made.left
        times.advance(10)
        assert 0 == made.left

    def test_a_longer_one_goes_on(self, times: Times) -> None:
        """Somebody else was told to come back sooner, or a slow call ends after a fast one. A longer one replaces."""
        made = Breaker()
        made.open_for(10)
        made.open_for(3)
        assert 10 == made.left
        times.advance(5)
        made.open_for(20)
        assert 20 == made.left


class Process:
    """A process with its ledger and its one break, whose journeys run in the test's thread."""

    def __init__(self, world: World, ledger: Ledger | None = None) -> None:
        self.world, self.breaker, self.counters = world, Breaker(), Counters()
        self.ledger = ledger or world.process()

    def travel(self, session: Session, *, force: bool = False, **arguments: Any) -> Outcome:
        """Refresh as a patient request does."""
        until = self.world.times.passed + PATIENT
        return Journey(
            self.world.provider,
            self.ledger,
            session,
            arguments,
            force=force,
            is_due=self.world.is_due,
            is_awaited=lambda: self.world.times.passed < until,
            is_heard=lambda: True,
            is_believed=lambda: True,
            breaker=self.breaker,
            counters=self.counters,
        ).travel()

    @property
    def calls(self) -> int:
        """How often it has asked the provider."""
        return sum(self.counters.read()["provider_calls"].values())


def session(world: World) -> Session:
    """Somebody else's session."""
    return Session(**world.provider.sign_in())


class TestOpening:
    """What opens it."""

    @pytest.mark.parametrize(
        ("retry_after", "lasts"), [(None, 1), (0, 1), (-3, 1), (7, 7), (30, 30), (3600, 30), (math.nan, 1), (True, 1)]
    )
    def test_rule_15_for_as_long_as_the_provider_says(self, world: World, retry_after: Any, lasts: float) -> None:
        """And for 1 to 30 seconds at any rate. Nobody else's token is sent there meanwhile."""
        process = Process(world)
        world.provider.fail(ProviderUnavailable(retry_after=retry_after, sent=False, general=True))
        assert Kind.UNAVAILABLE is process.travel(world.old).kind
        another = session(world)
        unavailable = Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE, retry_after=lasts)
        assert unavailable == process.travel(another, force=True)
        world.times.advance(lasts - 0.25)
        assert (Kind.UNAVAILABLE, 1) == (process.travel(another, force=True).kind, process.calls)
        world.times.advance(0.25)
        assert (Kind.REFRESHED, 2) == (process.travel(another, force=True).kind, process.calls)

    @pytest.mark.parametrize(
        "error",
        [
            ProviderUnavailable(retry_after=7, sent=False),
            ProviderUnavailable(retry_after=7, sent=True),
            StepUpRequired(),
            RefreshDenied(),
            KeyError(),
        ],
    )
    def test_what_concerns_one_session_is_no_reason(self, world: World, error: Exception) -> None:
        """The next one is sent there."""
        process = Process(world)
        world.provider.fail(error)
        process.travel(world.old)
        assert 0 == process.breaker.left
        assert Kind.REFRESHED is process.travel(session(world), force=True).kind

    def test_also_where_the_token_may_be_used(self, world: World) -> None:
        """A provider that refuses everybody after it has read what was sent."""
        process = Process(world)
        world.provider.fail(ProviderUnavailable(retry_after=5, sent=True, general=True))
        process.travel(world.old)
        assert 5 == process.breaker.left

    def test_a_takeover_that_is_held_for_a_minute_keeps_others_for_what_was_said(self, world: World) -> None:
        """The hold is the token's own, the break is everybody's."""
        process = Process(world)
        assert isinstance(world.process().claim(world.old), Claim)
        world.times.advance(35)
        world.provider.fail(ProviderUnavailable(retry_after=5, sent=True, general=True))
        process.travel(world.old)
        assert 5 == process.breaker.left

    def test_the_outcome_says_so(self, world: World) -> None:
        """And of others that it is not so."""
        world.provider.fail(TOO_MANY)
        world.provider.fail(ProviderUnavailable())
        assert [True, False] == [attempt(world.provider, world.old, {}).general for _ in range(2)]


class TestOpen:
    """What is done meanwhile."""

    def test_what_others_have_learnt_is_adopted(self, world: World) -> None:
        """For that nobody has to be asked: not in this process, and not elsewhere."""
        process = Process(world)
        known = newest(process.travel(world.old))
        process.breaker.open_for(10)
        another = session(world)
        elsewhere = newest(Process(world).travel(another, force=True))
        assert Outcome(Kind.REFRESHED, known) == process.travel(world.old)
        assert Outcome(Kind.REFRESHED, elsewhere) == process.travel(another)
        assert 1 == process.calls

    def test_what_is_adopted_and_due_is_not_refreshed(self, world: World) -> None:
        """The newest is there beside the failure, for the cookie must carry it: the old token is used up."""
        process = Process(world)
        known = newest(process.travel(world.old))
        world.expire()
        world.times.advance(-10)
        process.breaker.open_for(10)
        outcome = process.travel(world.old, force=True)
        assert Outcome(Kind.UNAVAILABLE, known, Reason.UNAVAILABLE, 10) == outcome
        assert 1 == process.calls

    def test_an_old_cookie_follows_the_chain(self, world: World) -> None:
        """To its end."""
        first = newest(Process(world).travel(world.old))
        second = newest(Process(world).travel(merge(world.old, first), force=True))
        process = Process(world)
        process.breaker.open_for(10)
        assert second.refresh_token == newest(process.travel(world.old)).refresh_token

    def test_nobody_claims(self, world: World) -> None:
        """Another process, whose own break is not open, may."""
        process = Process(world)
        process.breaker.open_for(10)
        process.travel(world.old)
        assert "swap" not in world.store.asked
        assert Kind.REFRESHED is Process(world).travel(world.old).kind

    def test_nobody_waits_for_somebody_elses_call(self, world: World) -> None:
        """It is to the provider that answers nobody; who comes a moment later finds its result."""
        assert isinstance(world.process().claim(world.old), Claim)
        process = Process(world)
        process.breaker.open_for(10)
        assert (Kind.UNAVAILABLE, []) == (process.travel(world.old).kind, world.times.pauses)

    def test_a_switch_is_not_made_and_not_pretended(self, world: World) -> None:
        """What was adopted is of another organisation, and the outcome says that nothing was switched."""
        first = newest(Process(world).travel(world.old, organization_id="org_1"))
        process = Process(world)
        process.breaker.open_for(10)
        outcome = process.travel(world.old, organization_id="org_2")
        assert Outcome(Kind.UNAVAILABLE, first, Reason.UNAVAILABLE, 10) == outcome

    def test_it_opens_while_one_waits(self, world: World) -> None:
        """Who was about to take over does not ask either."""
        process = Process(world)
        assert isinstance(world.process().claim(world.old), Claim)
        world.times.at_sleep = lambda: process.breaker.open_for(50) if world.times.passed > 310 else None
        assert (Kind.UNAVAILABLE, 0) == (process.travel(world.old).kind, process.calls)
        assert world.times.passed < 311

    def test_the_claim_of_who_found_out_is_given_back(self, world: World) -> None:
        """For the same time: then another process may try as well."""
        world.provider.fail(TOO_MANY)
        Process(world).travel(world.old)
        world.times.advance(6.999)
        assert 0 < getattr(world.process().claim(world.old), "left", 0)
        world.times.advance(0.001)
        assert Kind.REFRESHED is Process(world).travel(world.old).kind


def test_all_requests_of_a_process_share_one(world: World) -> None:
    """Each in its own thread; and the provider sees one of them."""
    refresher = world.refresher()
    world.provider.fail(TOO_MANY)
    others = [world.old, *(session(world) for _ in range(5))]
    kinds = [refresher.refresh(other, force=True, patience=LONG).kind for other in others]
    assert ([Kind.UNAVAILABLE] * 6, 1) == (kinds, len(world.provider.used))
    world.times.advance(7)
    assert {Kind.REFRESHED} == {refresher.refresh(other, force=True, patience=LONG).kind for other in others}
    assert isinstance(world.process().claim(world.old), Adopt)
