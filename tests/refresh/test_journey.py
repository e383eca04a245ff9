"""One refresh from link to link, in the test's own thread, and every denial, error and outage on the way."""

from __future__ import annotations

from typing import Any, Literal, cast

import pytest

from sealed_session import ProviderUnavailable, RefreshDenied, Session, StepUpRequired, UsageError
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome, shared, uptime
from sealed_session.refresh import journey as journeys
from sealed_session.refresh import record as records
from sealed_session.refresh.attempt import merge
from sealed_session.refresh.handover import HandOver
from sealed_session.refresh.ledger import Claim, Ledger
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.record import Adopt, Attempt, Claimed, Failure, Overtaken, Record, Refused, Result
from sealed_session.testing import access_token

from .faults import Elsewhere, ReplayingProvider, SteadyProvider, StrictProvider, World, newest

UNAVAILABLE = Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A provider, a store, and clocks that everything looks at."""
    return made(World(), monkeypatch)


def made(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Let the code under test look at the clocks of a world."""
    monkeypatch.setattr(shared, "time", world.times)
    monkeypatch.setattr(journeys, "time", world.times)
    monkeypatch.setattr(uptime, "milliseconds", world.times.milliseconds)
    return world


def claimed(ledger: Ledger, session: Session) -> Claim:
    """Claim what can be claimed."""
    claim = ledger.claim(session)
    assert isinstance(claim, Claim)
    return claim


def state(world: World, session: Session) -> Any:
    """What a process that knows nothing is told about a session."""
    return world.process().claim(session, deepest=0)


def break_down(world: World, error: Exception) -> None:
    """Let the next call fail before the provider has seen the token."""

    def fail() -> None:
        world.provider.arriving = lambda: None
        raise error

    world.provider.arriving = fail


def with_claims(session: Session) -> dict[str, Any]:
    """The claims beside those that every token has."""
    return {name: value for name, value in session.claims.items() if name not in ("exp", "sid", "sub", "iat")}


class TestOneLink:
    """Who asks, and who adopts."""

    def test_rule_1_the_first_asks_and_the_next_adopts(self, world: World) -> None:
        """One call, and both go on with the same tokens."""
        first, next_ = world.travel(world.process(), world.old), world.travel(world.process(), world.old)
        assert (Kind.REFRESHED, Kind.REFRESHED) == (first.kind, next_.kind)
        assert newest(first) == newest(next_)
        assert [world.old.refresh_token] == world.provider.used

    def test_the_answer_is_the_providers(self, world: World) -> None:
        """Whoever asked merges it into a session of his own."""
        assert None is newest(world.travel(world.process(), world.old)).user

    def test_rule_2_whoever_waits_looks_again_at_longer_intervals(self, world: World) -> None:
        """5, 10, 20, 40 milliseconds and then 50, each with jitter, so that the looks of many do not coincide."""
        owner = world.process()
        claim = claimed(owner, world.old)
        answer = world.provider.refresh(world.old)

        def write() -> None:
            if len(world.times.pauses) == 8:
                owner.write_result(claim, world.old, answer)

        world.times.at_sleep = write
        assert Outcome(Kind.REFRESHED, answer) == world.travel(world.process(), world.old)
        longest = [0.005, 0.01, 0.02, 0.04, 0.05, 0.05, 0.05, 0.05]
        assert len(longest) == len(world.times.pauses)
        assert all(most / 2 <= pause <= most for pause, most in zip(world.times.pauses, longest, strict=True))
        assert len({pause / most for pause, most in zip(world.times.pauses, longest, strict=True)}) > 1

    def test_rule_2_nobody_waits_when_nobody_waits_for_it(self, world: World) -> None:
        """The deadline of the last request has passed, or none had a reason to wait."""
        claimed(world.process(), world.old)
        assert UNAVAILABLE == world.travel(world.process(), world.old, is_awaited=lambda: False)
        assert [] == world.times.pauses

    def test_rule_3_the_call_goes_on_when_nobody_waits_for_it(self, world: World) -> None:
        """Its late answer is there for whoever comes next."""
        late = world.travel(world.process(), world.old, is_awaited=lambda: False)
        assert Kind.REFRESHED is late.kind
        assert newest(late) == newest(world.travel(world.process(), world.old))

    def test_rule_4_a_claim_that_does_not_cover_a_call_is_given_back(self, world: World) -> None:
        """The process was stopped between claim and call: it starts over, and others need not wait for the lease."""
        ledger = world.process()

        def stop(step: str) -> None:
            if step == "swap":
                world.store.after = lambda _step: None
                world.times.advance(5.001)

        world.store.after = stop
        used_at: list[float] = []
        world.provider.arriving = lambda: used_at.append(world.times.passed)
        assert Kind.REFRESHED is world.travel(ledger, world.old).kind
        assert [306.001] == used_at
        assert 1 == len(world.provider.used)

    def test_rule_4_a_claim_that_ended_is_not_used(self, world: World) -> None:
        """Somebody took over while the process was stopped; it adopts what he got."""
        other = world.process()

        def stop(step: str) -> None:
            if step == "swap":
                world.store.after = lambda _step: None
                world.times.advance(40)
                assert Kind.REFRESHED is world.travel(other, world.old).kind

        world.store.after = stop
        outcome = world.travel(world.process(), world.old)
        assert (Kind.REFRESHED, 1) == (outcome.kind, len(world.provider.used))

    def test_rule_5_an_owner_whose_lease_ended_writes_anyway(self, world: World) -> None:
        """It was stopped during its call. Whoever took over was denied, and nobody is signed out."""
        other = world.process()
        seen: list[Outcome] = []

        def stop(_answer: Session) -> None:
            world.provider.leaving = lambda _answer: None
            world.times.advance(36)
            seen.append(world.travel(other, world.old))

        world.provider.leaving = stop
        slow = world.travel(world.process(), world.old)
        assert [Kind.UNAVAILABLE] == [outcome.kind for outcome in seen]
        assert Kind.REFRESHED is slow.kind
        assert newest(slow) == newest(world.travel(world.process(), world.old))

    def test_rule_8_a_spent_token_is_superseded(self, world: World) -> None:
        """Its result is gone. The provider is not asked, and nothing is said of the session but that."""
        world.travel(world.process(), world.old)
        world.times.advance(300)
        outcome = world.travel(world.process(), world.old)
        assert Outcome(Kind.SUPERSEDED, reason=Reason.SUPERSEDED) == outcome
        assert 1 == len(world.provider.used)


class TestChain:
    """Results that lead from one to the next."""

    def chain(self, world: World, links: int) -> list[Session]:
        """Refresh so many times, as a browser does that was away from none of it."""
        sessions = [world.old]
        ledger = world.process()
        for _ in range(links):
            sessions.append(merge(sessions[-1], newest(world.travel(ledger, sessions[-1]))))
            world.times.advance(30)
        return sessions

    @pytest.fixture
    def world(self, monkeypatch: pytest.MonkeyPatch) -> World:
        """One whose tokens live for 20 seconds, as in the demo."""
        return made(World(lambda clock: StrictProvider(clock, lifetime=20)), monkeypatch)

    @pytest.mark.parametrize("behind", [2, 3, 7])
    def test_rule_1_an_old_cookie_follows_the_chain(self, world: World, behind: int) -> None:
        """To the newest, and refreshes that if it is due: one call, whichever cookie one comes with."""
        sessions = self.chain(world, behind)
        calls = len(world.provider.used)
        outcome = world.travel(world.process(), sessions[0])
        assert (Kind.REFRESHED, calls + 1) == (outcome.kind, len(world.provider.used))
        assert sessions[-1].refresh_token == world.provider.used[-1]

    def test_rule_1_whoever_comes_to_a_token_that_is_good_asks_nobody(self, world: World) -> None:
        """Two links, and no call."""
        sessions = self.chain(world, 1)
        second = newest(world.travel(world.process(), sessions[1]))
        calls = len(world.provider.used)
        assert second == newest(world.travel(world.process(), sessions[0]))
        assert calls == len(world.provider.used)

    def test_rule_10_what_is_adopted_is_looked_at_once_more(self, world: World) -> None:
        """It is not due, and yet somebody has renewed it, a switch for example: the newest is what the cookie gets."""
        first = merge(world.old, newest(world.travel(world.process(), world.old)))
        switched = newest(world.travel(world.process(), first, {"organization_id": "org_2"}))
        outcome = world.travel(world.process(), world.old)
        assert (switched.refresh_token, "org_2") == (
            newest(outcome).refresh_token,
            newest(outcome).claims["organization_id"],
        )

    def test_rule_10_what_one_asked_for_is_looked_at_once_more(self, world: World) -> None:
        """Between the write and the cookie somebody else may have gone on: the cookie gets the newest."""
        other = world.process()
        seen: list[Session] = []

        def go_on(step: str) -> None:  # the third swap: claim, result, floor
            if step == "swap" and world.store.asked.count("swap") == 3:
                world.store.after = lambda _step: None
                first = merge(world.old, other.look(world.old) or world.old)
                seen.append(newest(world.travel(other, first, {"organization_id": "org_2"})))

        world.store.after = go_on
        outcome = world.travel(world.process(), world.old)
        assert [newest(outcome).refresh_token] == [session.refresh_token for session in seen]

    def test_rule_1_a_chain_ends_after_eight_links(self, world: World) -> None:
        """And what is reached by then is what one has; the next request goes on from there. It is no new session."""
        sessions = self.chain(world, 9)
        outcome = world.travel(world.process(), sessions[0])
        assert sessions[8].refresh_token == newest(outcome).refresh_token
        assert 9 == len(world.provider.used)
        assert Kind.UNAVAILABLE is outcome.kind, "its access token has ended, and it was not refreshed"

    def test_rule_11_a_switch_that_does_not_come_to_ask_has_not_switched(self, world: World) -> None:
        """It is not answered with the session of another organisation."""
        sessions = self.chain(world, 8)
        outcome = world.travel(world.process(), sessions[0], {"organization_id": "org_2"})
        switched = outcome.session is not None and "org_2" == outcome.session.claims.get("organization_id")
        assert switched is (outcome.kind is Kind.REFRESHED)

    def test_the_failure_of_a_later_link_keeps_the_earlier_one(self, world: World) -> None:
        """The session beside the failure is what the cookie must carry: the old token is used up."""
        sessions = self.chain(world, 2)
        world.provider.fail(ProviderUnavailable(sent=False))
        outcome = world.travel(world.process(), sessions[0])
        assert (Kind.UNAVAILABLE, sessions[-1].refresh_token) == (outcome.kind, newest(outcome).refresh_token)

    @pytest.mark.parametrize("failure", [Failure.DENIED, Failure.HOLD])
    def test_a_refusal_of_a_later_link_keeps_the_earlier_one(self, world: World, failure: Failure) -> None:
        """The same, when it was known."""
        sessions = self.chain(world, 2)
        ledger = world.process()
        ledger.write_failure(claimed(ledger, sessions[-1]), failure, 600)
        assert sessions[-1].refresh_token == newest(world.travel(ledger, sessions[0])).refresh_token

    def test_a_wait_for_a_later_link_keeps_the_earlier_one(self, world: World) -> None:
        """The same, when one gives up waiting."""
        sessions = self.chain(world, 2)
        claimed(world.process(), sessions[-1])
        outcome = world.travel(world.process(), sessions[0], is_awaited=lambda: False)
        assert (Kind.UNAVAILABLE, sessions[-1].refresh_token) == (outcome.kind, newest(outcome).refresh_token)

    def test_an_outage_at_a_later_link_keeps_the_earlier_one(self, world: World) -> None:
        """The same, when the store goes away and going on without it is not safe."""
        sessions = self.chain(world, 2)
        claimed(world.process(), sessions[-1])
        world.times.at_sleep = lambda: setattr(world.store, "is_up", False)
        outcome = world.travel(world.process(), sessions[0])
        assert (Kind.UNAVAILABLE, sessions[-1].refresh_token) == (outcome.kind, newest(outcome).refresh_token)

    def test_what_is_left_out_on_the_way_is_kept_from_the_links_before(self, world: World) -> None:
        """The first answer brought a user, the second did not."""
        pairs = [world.provider.sign_in() for _ in range(2)]
        ledger = world.process()
        claim = claimed(ledger, world.old)
        first = Session(**pairs[0])
        ledger.write_result(claim, world.old, first.replace(user={"id": "user_1", "name": "changed"}))
        ledger.write_result(claimed(ledger, first), first, Session(pairs[1]["access_token"], pairs[1]["refresh_token"]))
        assert {"id": "user_1", "name": "changed"} == newest(world.travel(world.process(), world.old)).user


class TestForced:
    """A refresh of what is not due, and one with arguments."""

    def test_rule_11_a_switch_adopts_and_then_switches(self, world: World) -> None:
        """An automatic refresh was first. The switch refreshes what came of it, and neither pair is lost."""
        automatic = world.travel(world.process(), world.old)
        switched = world.travel(world.process(), world.old, {"organization_id": "org_2"})
        assert "organization_id" not in newest(automatic).claims
        assert "org_2" == newest(switched).claims["organization_id"]
        assert [world.old.refresh_token, newest(automatic).refresh_token] == world.provider.used

    def test_rule_11_a_switch_waits_for_a_claim_of_the_same_token(self, world: World) -> None:
        """The key is the same, whatever is asked for; it does not call beside the one who is at it."""
        owner = world.process()
        claim = claimed(owner, world.old)
        answer = world.provider.refresh(world.old)
        world.times.at_sleep = lambda: cast(None, owner.write_result(claim, world.old, answer))
        switched = world.travel(world.process(), world.old, {"organization_id": "org_2"})
        assert "org_2" == newest(switched).claims["organization_id"]
        assert [world.old.refresh_token, answer.refresh_token] == world.provider.used

    def test_rule_11_an_automatic_refresh_after_a_switch_adopts_it(self, world: World) -> None:
        """The browser's next request with the old cookie."""
        switched = world.travel(world.process(), world.old, {"organization_id": "org_2"})
        assert newest(switched) == newest(world.travel(world.process(), world.old))
        assert [{"organization_id": "org_2"}] == world.provider.calls

    def test_rule_9_one_refresh_for_one_request(self, world: World) -> None:
        """A forced one adopts, asks once, and is done; whatever it got."""
        world.travel(world.process(), world.old)
        world.travel(world.process(), world.old, force=True)
        assert 2 == len(world.provider.used)

    def test_rule_9_a_refresh_that_brings_a_token_that_has_ended_is_not_repeated(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The clocks differ, and a second call would bring the same."""
        world = made(World(lambda clock: StrictProvider(lambda: clock() - 10_000)), monkeypatch)
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind
        assert 1 == len(world.provider.used)

    def test_rule_9_a_provider_that_does_not_rotate(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The result stands under its own key: it ends the chain, and is refreshed in its turn."""
        world = made(World(SteadyProvider), monkeypatch)
        first = merge(world.old, newest(world.travel(world.process(), world.old)))
        assert newest(world.travel(world.process(), world.old)).access_token == first.access_token
        assert 1 == len(world.provider.used)
        world.expire()
        second = merge(first, newest(world.travel(world.process(), first)))
        assert second.access_token != first.access_token
        for session in (world.old, first):
            assert second.access_token == newest(world.travel(world.process(), session)).access_token
        assert 2 == len(world.provider.used)

    def test_rule_11_with_a_provider_that_does_not_rotate_a_switch_stays_switched(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Within the second of the refresh before it, so that both tokens end at the same time."""
        world = made(World(SteadyProvider), monkeypatch)
        ledger = world.process()
        first = merge(world.old, newest(world.travel(ledger, world.old)))
        second = merge(first, newest(world.travel(ledger, first, {"organization_id": "org_2"})))
        world.times.advance(150)
        third = newest(world.travel(ledger, second, force=True))
        assert {"organization_id": "org_2"} == with_claims(third)
        assert 3 == len(world.provider.used)


class TestSwitches:
    """Rule 11: a switch is never answered with another's organisation, whoever switches at the same time."""

    @pytest.mark.parametrize("kind", [StrictProvider, SteadyProvider])
    @pytest.mark.parametrize("afterwards", [False, True])
    @pytest.mark.parametrize("step", range(1, 8))
    def test_another_switches_at_any_step(
        self, monkeypatch: pytest.MonkeyPatch, step: int, afterwards: bool, kind: type[StrictProvider]
    ) -> None:
        """Before or after so many steps at the store: ours is what we asked for, or not switched at all."""
        world = made(World(kind), monkeypatch)
        ours, theirs = world.process(), world.process()
        left, seen = step, []

        def come_in(_step: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                until = world.times.passed + 0.5
                standing = merge(world.old, theirs.look(world.old) or world.old)
                wait = lambda: world.times.passed < until  # noqa: E731 - it must not wait for us for ever
                seen.append(world.travel(theirs, standing, {"organization_id": "org_theirs"}, is_awaited=wait))

        if afterwards:
            world.store.after = come_in
        else:
            world.store.before = come_in
        outcome = world.travel(ours, world.old, {"organization_id": "org_ours"})
        for switch, organization in ((outcome, "org_ours"), *((other, "org_theirs") for other in seen)):
            if switch.kind is Kind.REFRESHED:
                assert organization == newest(switch).claims["organization_id"]
        assert Kind.REFRESHED is outcome.kind
        if kind is StrictProvider:
            assert len(world.provider.used) == len(set(world.provider.used))

    def test_who_asked_does_not_look_further(self, world: World) -> None:
        """Between the write and the cookie somebody went on from there, to another organisation."""
        other = world.process()

        def go_on(step: str) -> None:
            if step == "swap" and world.store.asked.count("swap") == 3:
                world.store.after = lambda _step: None
                world.travel(other, merge(world.old, other.look(world.old) or world.old), {"organization_id": "org_3"})

        world.store.after = go_on
        outcome = world.travel(world.process(), world.old, {"organization_id": "org_2"})
        assert (Kind.REFRESHED, "org_2") == (outcome.kind, newest(outcome).claims["organization_id"])
        assert 2 == len(world.provider.used)

    def test_a_switch_is_made_although_what_is_adopted_is_not_due(self, world: World) -> None:
        """And although somebody asked for the same: each has its own."""
        for _ in range(2):
            outcome = world.travel(world.process(), world.old, {"organization_id": "org_2"})
            assert (Kind.REFRESHED, "org_2") == (outcome.kind, newest(outcome).claims["organization_id"])
        assert 2 == len(world.provider.used)

    def test_a_switch_that_is_refused_is_not_made(self, world: World) -> None:
        """What was adopted on the way is there beside it, and nobody calls that a switch."""
        automatic = newest(world.travel(world.process(), world.old))
        world.provider.fail(StepUpRequired({"code": "sso"}))
        outcome = world.travel(world.process(), world.old, {"organization_id": "org_2"})
        assert Outcome(Kind.STEP_UP, automatic, Reason.STEP_UP, payload={"code": "sso"}) == outcome


class TestDenied:
    """When a denial is believed, and when it is the echo of somebody's success."""

    def test_rule_6_the_first_attempt_is_believed(self, world: World) -> None:
        """The store is healthy and nobody was here before. It is remembered for ten minutes, without a call."""
        world.provider.end_every_session()
        outcomes = [world.travel(world.process(), world.old) for _ in range(3)]
        denied = Outcome(Kind.DENIED, reason=Reason.DENIED)
        on_record = Outcome(Kind.DENIED, reason=Reason.DENIED, is_on_record=True)
        assert [denied, on_record, on_record] == outcomes
        assert 1 == len(world.provider.used)

    def test_rule_15_a_denial_is_remembered_for_ten_minutes(self, world: World) -> None:
        """To the second."""
        world.provider.end_every_session()
        world.travel(world.process(), world.old)
        world.times.advance(599.9)
        assert isinstance(state(world, world.old), Refused)
        world.times.advance(0.1)
        assert isinstance(state(world, world.old), Claim)

    def test_rule_6_after_a_takeover_it_is_held(self, world: World) -> None:
        """Somebody claimed and did not come back: he may have used the token up, and be about to say so."""
        claimed(world.process(), world.old)
        world.times.advance(35)
        world.provider.end_every_session()
        outcome = world.travel(world.process(), world.old)
        assert (Kind.UNAVAILABLE, 60) == (outcome.kind, outcome.retry_after)
        again = world.travel(world.process(), world.old)
        assert (Kind.UNAVAILABLE, 60, 1) == (again.kind, again.retry_after, len(world.provider.used))

    def test_rule_6_after_the_hold_it_is_believed(self, world: World) -> None:
        """One more attempt, a minute later and not before."""
        claimed(world.process(), world.old)
        world.times.advance(35)
        world.provider.end_every_session()
        world.travel(world.process(), world.old)
        world.times.advance(59.9)
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
        world.times.advance(0.1)
        assert Kind.DENIED is world.travel(world.process(), world.old).kind
        assert 2 == len(world.provider.used)

    def test_rule_6_the_store_is_looked_at_once_more(self, world: World) -> None:
        """The other's result came while one was asking: it is adopted."""
        slow, other = world.process(), world.process()
        claim = claimed(slow, world.old)
        answer = world.provider.refresh(world.old)
        world.times.advance(35)
        world.provider.arriving = lambda: cast(None, slow.write_result(claim, world.old, answer))
        assert Outcome(Kind.REFRESHED, answer) == world.travel(other, world.old)

    def test_rule_6_in_fallback_it_is_held(self, world: World) -> None:
        """Somebody else may have used the token in his own fallback, or before the store went away."""
        world.provider.end_every_session()
        ledger = world.process()
        with world.outage():
            assert (Kind.UNAVAILABLE, 60) == (lambda o: (o.kind, o.retry_after))(world.travel(ledger, world.old))
            assert Kind.UNAVAILABLE is world.travel(ledger, world.old).kind
            world.times.advance(60)
            assert Kind.UNAVAILABLE is world.travel(ledger, world.old).kind, "without the store nothing is believed"
        assert 2 == len(world.provider.used)

    def test_rule_6_in_fallback_it_is_held_however_long_it_took(self, world: World) -> None:
        """The process was stopped in its call until the store was back and nobody in doubt any more."""
        ledger = world.process()

        def stop() -> None:
            world.store.is_up = True
            assert ledger.is_in_doubt
            world.times.advance(121)
            assert not ledger.is_in_doubt

        world.provider.end_every_session()
        world.provider.arriving = stop
        world.store.is_up = False
        assert Kind.UNAVAILABLE is world.travel(ledger, world.old).kind

    def test_rule_6_within_two_minutes_of_losing_the_store_it_is_held(self, world: World) -> None:
        """Somebody may not have told it yet what happened meanwhile."""
        ledger = world.process()
        with world.outage():
            ledger.look(world.old)
        ledger._shared.tell_everything()
        world.provider.end_every_session()
        world.times.advance(119)
        assert Kind.UNAVAILABLE is world.travel(ledger, world.old).kind
        another = Session(**world.provider.sign_in())
        world.provider.end_every_session()
        world.times.advance(1)
        assert Kind.DENIED is world.travel(ledger, another).kind

    def test_rule_6_when_the_store_goes_away_during_the_call_it_is_not_believed(self, world: World) -> None:
        """One cannot look once more."""
        world.provider.end_every_session()
        world.provider.arriving = lambda: setattr(world.store, "is_up", False)
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind

    @pytest.mark.parametrize("how", ["given back", "step-up", "not sent"])
    def test_rule_6_a_takeover_that_came_to_nothing_leaves_the_doubt(self, world: World, how: str) -> None:
        """Its owner was stopped and is about to say so: the next attempt is no first one, and is not believed."""
        owner, other = world.process(), world.process()
        seen: list[Kind] = []

        def stop_too(step: str) -> None:
            if step == "swap":
                world.store.after = lambda _step: None
                world.times.advance(6)

        def stop(_answer: Session) -> None:
            world.provider.leaving = lambda _answer: None
            world.times.advance(35)
            if how == "given back":
                world.store.after = stop_too
            else:
                world.provider.fail(StepUpRequired() if how == "step-up" else ProviderUnavailable(sent=False))
                world.travel(other, world.old)
                world.times.advance(1)
            seen.append(world.travel(other, world.old).kind)

        world.provider.leaving = stop
        assert Kind.REFRESHED is world.travel(owner, world.old).kind
        assert [Kind.UNAVAILABLE] == seen

    def test_a_denial_that_the_deployment_may_be_to_blame_for_is_held(self, world: World) -> None:
        """So many at once that the client id must be wrong."""
        world.provider.end_every_session()
        outcome = world.travel(world.process(), world.old, is_believed=lambda: False)
        assert (Kind.UNAVAILABLE, 60) == (outcome.kind, outcome.retry_after)

    def test_a_denial_that_is_not_believed_anyway_is_not_counted(self, world: World) -> None:
        """It says nothing of the deployment."""
        claimed(world.process(), world.old)
        world.times.advance(35)
        world.provider.end_every_session()

        def count() -> bool:
            raise AssertionError("counted")

        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old, is_believed=count).kind

    def test_rule_6_a_fallback_that_another_process_did_not_notice(self, world: World) -> None:
        """It slept through the outage, in which the token was used up. Within a second of its end it is told."""
        one, other = world.process(), world.process()
        with world.outage():
            new = newest(world.travel(one, world.old))
        one._shared.tell_everything()  # what its thread does every second
        assert new == newest(world.travel(other, world.old))
        assert 1 == len(world.provider.used)

    def test_a_revoked_session_is_denied(self, world: World) -> None:
        """Somebody signed out; it is on record."""
        ledger = world.process()
        ledger.write_failure(claimed(ledger, world.old), Failure.REVOKED, 600)
        outcome = world.travel(world.process(), world.old)
        assert Outcome(Kind.DENIED, reason=Reason.REVOKED, is_on_record=True) == outcome


class TestNoAnswer:
    """Providers that give none, or one that is of no use."""

    @pytest.mark.parametrize(
        ("retry_after", "kept"), [(None, 1), (0, 1), (-5, 1), (7, 7), (30, 30), (3600, 30), ("7", 1), (float("nan"), 1)]
    )
    def test_rule_15_what_was_not_sent_is_sent_after_a_while(self, world: World, retry_after: Any, kept: float) -> None:
        """When the provider said so, and in 1 to 30 seconds at any rate. The token is as good as before."""
        world.provider.fail(ProviderUnavailable(retry_after=retry_after, sent=False))
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
        told = world.travel(world.process(), world.old)
        assert (Kind.UNAVAILABLE, kept, 1) == (told.kind, told.retry_after, len(world.provider.used))
        world.times.advance(kept)
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind

    def test_rule_7_what_may_have_arrived_is_sent_once_more(self, world: World) -> None:
        """It had not: the second call brings the pair."""
        world.provider.fail(ProviderUnavailable(sent=True))
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
        assert Failure.HOLD is state(world, world.old).failure
        world.times.advance(60)
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind

    def test_rule_7_and_then_what_comes_is_believed(self, world: World) -> None:
        """The answer was lost after the token was used up: a window that has a name. Nobody asks for ever."""

        def lose(_answer: Session) -> None:
            raise ProviderUnavailable(sent=True)

        world.provider.leaving = lose
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
        world.times.advance(60)
        assert Kind.DENIED is world.travel(world.process(), world.old).kind
        assert Kind.DENIED is world.travel(world.process(), world.old).kind
        assert 2 == len(world.provider.used)

    def test_rule_7_not_while_the_first_call_may_live(self, world: World) -> None:
        """A stopped owner is in its call when somebody takes over, who has no answer: a denial then is no news.

        The hold has to outlast the owner's answer, as after a denial, or the attempt after it is believed.
        """
        other, third = world.process(), world.process()
        seen: list[Kind] = []

        def stop(_answer: Session) -> None:
            world.provider.leaving = lambda _answer: None
            world.times.advance(36)
            world.provider.fail(ProviderUnavailable(sent=True))
            seen.append(world.travel(other, world.old).kind)
            world.times.advance(10)
            seen.append(world.travel(third, world.old).kind)

        world.provider.leaving = stop
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind
        assert [Kind.UNAVAILABLE, Kind.UNAVAILABLE] == seen

    def test_rule_7_where_a_replay_is_answered_it_is_sent_again_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By the winner itself, under the same claim: nothing is lost, and nobody notices."""
        world = made(World(ReplayingProvider), monkeypatch)

        def lose(_answer: Session) -> None:
            world.provider.leaving = lambda _answer: None
            raise ProviderUnavailable(sent=True)

        world.provider.leaving = lose
        outcome = world.travel(world.process(), world.old)
        assert (Kind.REFRESHED, 2) == (outcome.kind, len(world.provider.used))
        assert newest(outcome) == newest(world.travel(world.process(), world.old))

    def test_rule_7_and_only_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Then it is held like any other."""
        world = made(World(ReplayingProvider), monkeypatch)
        world.provider.fail(ProviderUnavailable(sent=True), times=2)
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
        assert (2, Failure.HOLD) == (len(world.provider.used), state(world, world.old).failure)

    def test_rule_7_what_was_not_sent_is_not_sent_again_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The provider is out of reach; the next second is soon enough."""
        world = made(World(ReplayingProvider), monkeypatch)
        world.provider.fail(ProviderUnavailable(sent=False))
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
        assert 1 == len(world.provider.used)

    def test_rule_4_a_replay_is_covered_by_the_claim_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first call took 30 seconds: a second would outlast the lease, and somebody else would call beside it."""
        world = made(World(ReplayingProvider), monkeypatch)
        world.provider.arriving = lambda: world.times.advance(30)
        world.provider.fail(ProviderUnavailable(sent=True))
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
        assert 1 == len(world.provider.used)

    def test_rule_7_where_a_replay_is_punished_it_is_not_sent_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The token may be used up; using it again would end the person's sessions on other devices."""
        world = made(World(lambda clock: StrictProvider(clock, reuse_detection="user")), monkeypatch)

        def lose(_answer: Session) -> None:
            raise ProviderUnavailable(sent=True)

        world.provider.leaving = lose
        world.travel(world.process(), world.old)
        world.times.advance(61)
        assert Kind.REFRESHED is not world.travel(world.process(), world.old).kind
        assert [world.old.refresh_token] == world.provider.used

    def test_a_step_up_is_no_failure_of_the_token(self, world: World) -> None:
        """It is told again by the provider itself, which may have changed its mind."""
        world.provider.fail(StepUpRequired({"code": "mfa"}))
        outcome = world.travel(world.process(), world.old)
        assert Outcome(Kind.STEP_UP, reason=Reason.STEP_UP, payload={"code": "mfa"}) == outcome
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind

    def test_after_a_step_up_nobody_waits(self, world: World) -> None:
        """The claim is given back: the next request asks at once, as the first that it is."""
        world.provider.fail(StepUpRequired())
        world.travel(world.process(), world.old)
        claim = state(world, world.old)
        assert isinstance(claim, Claim)
        assert Attempt.FIRST is claim.attempt

    def test_rule_14_an_answer_that_cannot_be_kept_is_given_all_the_same(self, world: World) -> None:
        """The token is used up: the request goes on with the new pair, whatever else of the answer is of no use."""
        answer = world.provider.refresh(world.old).replace(user={"since": object()})
        world.provider.always = answer
        outcome = world.travel(world.process(), world.old)
        assert (Kind.REFRESHED, answer.refresh_token) == (outcome.kind, newest(outcome).refresh_token)

    def test_rule_14_an_answer_is_given_when_the_store_breaks_in_an_unknown_way(self, world: World) -> None:
        """A bug of a coordinator's, or of a client library: the pair is there, and is sent."""

        def explode(step: str) -> None:
            if step == "swap":
                raise OverflowError("a bug")

        world.provider.leaving = lambda _answer: setattr(world.store, "before", explode)
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind

    @pytest.mark.parametrize("is_forced", [False, True])
    def test_rule_14_an_answer_that_cannot_be_refreshed_again_is_given(self, world: World, is_forced: bool) -> None:
        """The provider says that it was the last one. It has no record, and needs none."""
        last = world.provider.refresh(world.old)
        world.provider.always = last
        credential = world.provider.credential
        world.provider.credential = (  # type: ignore[method-assign]
            lambda session: None if session.access_token == last.access_token else credential(session)
        )
        for process in (world.process(), world.process()):
            outcome = world.travel(process, world.old, force=is_forced)
            assert last.access_token == newest(outcome).access_token

    def test_rule_14_somebody_elses_session_is_denied_before_it_is_written(self, world: World) -> None:
        """The one answer that is not kept: another `sub`."""
        theirs = Session(**world.provider.sign_in({"id": "user_2"}))
        world.provider.always = theirs
        outcome = world.travel(world.process(), world.old)
        assert Outcome(Kind.DENIED, reason=Reason.DENIED) == outcome
        assert Refused(Failure.DENIED, 600_000) == state(world, world.old)


class TestReuseDetection:
    """A token that may be used already, where using it again is punished."""

    @pytest.fixture(params=["session", "user"])
    def world(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
        """One whose provider ends sessions for it."""
        return made(World(lambda clock: StrictProvider(clock, reuse_detection=request.param)), monkeypatch)

    def lose(self, world: World, *, is_used: bool) -> None:
        """Ask, and let the answer be lost, before or after the token was used up."""
        if is_used:

            def lose(_answer: Session) -> None:
                world.provider.leaving = lambda _answer: None
                raise ProviderUnavailable(sent=True)

            world.provider.leaving = lose
        else:
            break_down(world, ProviderUnavailable(sent=True))
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind

    def test_rule_7_a_takeover_sends_nothing(self, world: World) -> None:
        """The owner may be stopped with the answer in its hands. It is waited for, for a minute."""
        claimed(world.process(), world.old)
        world.times.advance(35)
        outcome = world.travel(world.process(), world.old)
        assert (Kind.UNAVAILABLE, 60, []) == (outcome.kind, outcome.retry_after, world.provider.used)
        assert Refused(Failure.HOLD, 60_000) == state(world, world.old)

    @pytest.mark.parametrize("how", ["answer lost", "owner lost"])
    def test_rule_7_after_the_hold_it_is_sent_once_where_nothing_else_ends(self, world: World, how: str) -> None:
        """Of the session itself nothing is lost that giving up would not lose. Where others end, it is given up."""
        if how == "answer lost":
            self.lose(world, is_used=False)
        else:
            claimed(world.process(), world.old)
            world.times.advance(35)
            world.travel(world.process(), world.old)
        calls = len(world.provider.used)
        world.times.advance(60)
        outcome = world.travel(world.process(), world.old)
        is_sent = world.provider.reuse_detection == "session"
        assert (Kind.REFRESHED if is_sent else Kind.SUPERSEDED) is outcome.kind
        assert is_sent is (len(world.provider.used) == calls + 1)

    def test_rule_7_and_what_comes_is_believed(self, world: World) -> None:
        """It was used: the session is over. Where others would end with it, nobody has asked."""
        self.lose(world, is_used=True)
        world.times.advance(60)
        outcome = world.travel(world.process(), world.old)
        is_sent = world.provider.reuse_detection == "session"
        assert (Kind.DENIED if is_sent else Kind.SUPERSEDED) is outcome.kind
        assert is_sent is world.provider.punished

    def test_rule_7_given_up_is_superseded_and_never_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever holds the successor may come with it meanwhile."""
        world = made(World(lambda clock: StrictProvider(clock, reuse_detection="user")), monkeypatch)
        self.lose(world, is_used=True)
        world.times.advance(60)
        superseded = Outcome(Kind.SUPERSEDED, reason=Reason.SUPERSEDED)
        for _ in range(4):
            assert superseded == world.travel(world.process(), world.old)
            world.times.advance(60)
        assert (1, False) == (len(world.provider.used), world.provider.punished)

    def test_rule_5_an_owner_that_comes_back_heals_it(self, world: World) -> None:
        """Its answer replaces the hold, and everybody adopts it."""
        other = world.process()
        seen: list[Kind] = []

        def stop(_answer: Session) -> None:
            world.provider.leaving = lambda _answer: None
            world.times.advance(36)
            seen.append(world.travel(other, world.old).kind)

        world.provider.leaving = stop
        outcome = world.travel(world.process(), world.old)
        assert ([Kind.UNAVAILABLE], Kind.REFRESHED) == (seen, outcome.kind)
        assert newest(outcome) == newest(world.travel(other, world.old))
        assert (1, False) == (len(world.provider.used), world.provider.punished)

    @pytest.mark.parametrize("reuse_detection", [False, "session", "user"])
    def test_what_surely_was_not_sent_is_sent_again(
        self, monkeypatch: pytest.MonkeyPatch, reuse_detection: Literal[False, "session", "user"]
    ) -> None:
        """As often as it takes, with any provider."""
        world = made(World(lambda clock: StrictProvider(clock, reuse_detection=reuse_detection)), monkeypatch)
        for _ in range(3):
            break_down(world, ProviderUnavailable(sent=False))
            assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
            world.times.advance(1)
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind


class TestUndelivered:
    """Whether anybody was there to take what came."""

    @pytest.mark.parametrize(("is_heard", "lasts"), [(True, 300_000), (False, 86_400_000)])
    def test_a_result_that_nobody_takes_lives_for_a_day(self, world: World, is_heard: bool, lasts: int) -> None:
        """Asked when the answer is there, and not before."""
        heard: list[bool] = [not is_heard]
        world.provider.leaving = lambda _answer: heard.append(is_heard)
        world.travel(world.process(), world.old, is_heard=lambda: heard[-1])
        world.times.advance(lasts / 1000 - 0.001)
        assert isinstance(state(world, world.old), Adopt)
        world.times.advance(0.001)
        assert isinstance(state(world, world.old), Overtaken)


class TestUsageErrors:
    """A provider that was not asked, for want of something that is ours."""

    def test_nothing_was_used_up(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """A missing secret, for example. It is logged; the next attempt is a first one, as soon as it is mended."""
        world.provider.fail(UsageError("a client secret is missing.", code="provider_missing"))
        assert UNAVAILABLE == world.travel(world.process(), world.old)
        assert "a client secret is missing." in caplog.text
        assert Refused(Failure.UNAVAILABLE, 1000) == state(world, world.old)
        world.times.advance(1)
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind

    def test_with_reuse_detection_nothing_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It surely was not sent."""
        world = made(World(lambda clock: StrictProvider(clock, reuse_detection="user")), monkeypatch)
        break_down(world, UsageError("a client secret is missing.", code="provider_missing"))
        world.travel(world.process(), world.old)
        world.times.advance(1)
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind

    def test_one_of_another_kind_may_come_after_the_call(self, world: World) -> None:
        """A function that makes a session of what it was answered, and mistakes a type: the token is used up."""
        world.provider.fail(UsageError("access_expires_at: expected an int."))
        assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
        assert Refused(Failure.HOLD, 1000) == state(world, world.old)

    def test_it_is_not_sent_again_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where a replay would be answered: nothing was played yet."""
        world = made(World(ReplayingProvider), monkeypatch)
        world.provider.fail(UsageError("a client secret is missing.", code="provider_missing"))
        world.travel(world.process(), world.old)
        assert 1 == len(world.provider.used)


class TestOutage:
    """The store goes away at each step of a refresh."""

    def test_who_waits_waits_through_a_short_one(self, world: World) -> None:
        """Its patience is one for everything: the store comes back, with the owner's result."""
        owner = world.process()
        claim = claimed(owner, world.old)
        answer = world.provider.refresh(world.old)

        def come_and_go() -> None:
            world.store.is_up = not 3 <= len(world.times.pauses) < 20
            if len(world.times.pauses) == 25:
                owner.write_result(claim, world.old, answer)

        world.times.at_sleep = come_and_go
        waiter = world.process()
        assert Outcome(Kind.REFRESHED, answer) == world.travel(waiter, world.old)
        assert (25, 1) == (len(world.times.pauses), len(world.provider.used))

    def test_who_waits_through_one_gives_up_in_time(self, world: World) -> None:
        """The store does not come back. Nobody is asked, and nobody waits for longer than he can."""
        claimed(world.process(), world.old)
        began = world.times.passed
        world.times.at_sleep = lambda: setattr(world.store, "is_up", False)
        late = world.travel(world.process(), world.old, is_awaited=lambda: world.times.passed < began + 2)
        assert UNAVAILABLE == late
        assert 2 <= world.times.passed - began < 2.05
        assert [] == world.provider.used

    def test_who_has_seen_nobody_does_not_wait_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With reuse detection nobody may be asked without it, and nobody is known to be at it."""
        world = made(World(lambda clock: StrictProvider(clock, reuse_detection="session")), monkeypatch)
        with world.outage():
            assert UNAVAILABLE == world.travel(world.process(), world.old)
        assert [] == world.times.pauses

    def test_who_waits_at_the_host_goes_on_there_alone(self, world: World) -> None:
        """Its owner was killed: the lease ends, and the other process of the host takes over."""
        host = MemoryCoordinator(clock=world.times.milliseconds)
        one, two = (
            Ledger(
                world.provider,
                world.store,
                MemoryCoordinator(clock=world.times.milliseconds),
                clock=world.times.unix,
                grace=300,
                host=host,
            )
            for _ in range(2)
        )
        for ledger in (one, two):
            ledger._shared._teller = Elsewhere()
        with world.outage():
            assert 1 == claimed(one, world.old).depth
            began = world.times.passed
            assert Kind.REFRESHED is world.travel(two, world.old).kind
            assert 34.999 <= world.times.passed - began < 35.1
        assert 1 == len(world.provider.used)

    @pytest.mark.parametrize("afterwards", [False, True])
    @pytest.mark.parametrize(
        ("step", "number"), [("read", 1), ("swap", 1), ("read", 2), ("swap", 2), ("read", 3), ("swap", 3)]
    )
    def test_the_request_goes_on(self, world: World, step: str, number: int, afterwards: bool) -> None:
        """One call, a new pair, and no error; and when it is back, every process finds the result."""
        world.store.fail_at(step, number, afterwards=afterwards)
        ledger = world.process()
        outcome = world.travel(ledger, world.old)
        assert (Kind.REFRESHED, 1, False) == (outcome.kind, len(world.provider.used), world.store.is_up)
        assert newest(outcome) == newest(world.travel(ledger, world.old))
        world.store.before = world.store.after = lambda _step: None
        world.store.is_up = True
        world.times.advance(3)
        ledger._shared.tell_everything()
        assert Kind.REFRESHED is world.travel(ledger, Session(**world.provider.sign_in())).kind
        assert newest(outcome) == newest(world.travel(world.process(), world.old))
        assert 2 == len(world.provider.used)

    def test_whoever_has_waited_for_a_claim_does_not_call(self, world: World) -> None:
        """The owner is out of sight and may be at it."""
        claimed(world.process(), world.old)
        world.times.at_sleep = lambda: setattr(world.store, "is_up", False)
        assert UNAVAILABLE == world.travel(world.process(), world.old)
        assert [] == world.provider.used

    def test_with_reuse_detection_there_is_no_call_without_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Unavailable, and nothing lost."""
        world = made(World(lambda clock: StrictProvider(clock, reuse_detection="session")), monkeypatch)
        with world.outage():
            assert Kind.UNAVAILABLE is world.travel(world.process(), world.old).kind
        assert [] == world.provider.used
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind

    def test_a_record_that_expired_during_the_outage_is_superseded(self, world: World) -> None:
        """As ever."""
        world.travel(world.process(), world.old)
        world.times.advance(301)
        assert Overtaken() == state(world, world.old)

    def test_a_wait_ends_with_the_lease(self, world: World) -> None:
        """The owner is dead: whoever waits asks, at the latest when the lease has ended."""
        claimed(world.process(), world.old)
        began = world.times.passed
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind
        assert 34.999 <= world.times.passed - began <= 35.051
        assert isinstance(state(world, world.old), Adopt)

    def test_denied_by_the_error_of_the_library(self, world: World) -> None:
        """Any RefreshDenied."""
        world.provider.fail(RefreshDenied())
        assert Kind.DENIED is world.travel(world.process(), world.old).kind


class TestReviewed:
    """What a hostile reader found once."""

    def test_rule_6_a_denial_is_believed_when_the_store_is_away_for_long(self, world: World) -> None:
        """A folder that cannot be written would otherwise answer a dead session 503 for ever. The cookie is kept."""
        ledger = world.process()
        world.store.is_up = False
        world.provider.end_every_session()
        outcomes = []
        for _ in range(4):
            outcomes.append(world.travel(ledger, world.old))
            world.times.advance(61)
        assert [Kind.UNAVAILABLE, Kind.UNAVAILABLE, Kind.DENIED, Kind.DENIED] == [one.kind for one in outcomes]
        assert [False] * 4 == [one.is_on_record for one in outcomes]
        assert 3 == len(world.provider.used)

    def test_rule_8_a_floor_outlives_a_failure(self, world: World) -> None:
        """A result that nobody waited for is kept for a day, and so is what comes after it, whatever happens to it."""
        new = newest(world.travel(world.process(), world.old, is_heard=lambda: False))
        world.expire()
        world.provider.fail(ProviderUnavailable(sent=False))
        assert Kind.UNAVAILABLE is world.travel(world.process(), new).kind
        world.times.advance(5)
        newer = newest(world.travel(world.process(), new))
        world.times.advance(2 * 3600)
        assert newer.refresh_token in world.provider._alive
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind

    def test_who_came_before_the_denial_does_not_find_it_on_record(self, world: World) -> None:
        """It waited for the one who asked: its response keeps the cookie too."""
        owner = world.process()
        claim = claimed(owner, world.old)
        world.times.at_sleep = lambda: owner.write_failure(claim, Failure.DENIED, 600)
        waiter, next_one = world.travel(world.process(), world.old), world.travel(world.process(), world.old)
        assert [(Kind.DENIED, False), (Kind.DENIED, True)] == [
            (one.kind, one.is_on_record) for one in (waiter, next_one)
        ]

    def test_rule_5_the_earlier_issued_of_two_results_is_given_to_nobody(self, world: World) -> None:
        """Its owner was stopped, and takes what stands."""
        slow, other = world.process(), world.process()
        claim = claimed(slow, world.old)
        early = world.provider.refresh(world.old)
        world.times.advance(35)
        world.provider._alive.add(str(world.old.refresh_token))  # a provider that answers a replay with another pair
        late = newest(world.travel(other, world.old))
        stands = slow.write_result(claim, world.old, early)
        assert late.access_token == stands.access_token != early.access_token
        assert late.access_token == newest(world.travel(slow, world.old)).access_token

    def test_a_clock_that_is_ahead_costs_one_call(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """New tokens have ended by it already. Whoever adopts them takes them, as the one did who asked."""

        def tokens(session: Session, _arguments: dict[str, Any]) -> Session:
            now = int(world.times.unix()) - 3600
            return Session(access_token(expires_at=now + 300, iat=now), f"next {len(world.provider.used)}")

        monkeypatch.setattr(world.provider, "answer", tokens)
        ledger = world.process()
        kinds = [world.travel(one, world.old).kind for one in (ledger, world.process(), ledger, world.process())]
        assert ([Kind.REFRESHED] * 4, 1) == (kinds, len(world.provider.used))
        world.times.advance(299)
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind
        assert 1 == len(world.provider.used)

    def test_a_box_of_somebody_else_is_not_adopted(self, world: World) -> None:
        """Whoever knows a token and can write to the store could seal himself into another's session."""
        hand_over = HandOver(str(world.old.refresh_token), world.provider.identity)
        box = hand_over.seal(Session(access_token(sub="admin", expires_at=2_000_000_000), "theirs").to_mapping())
        record = Record(Result(world.times.milliseconds() + 10**6, box, 2**50, 10**6))
        assert world.store.inner.swap(hand_over.key, None, records.pack(record), 10**6)
        assert "admin" != newest(world.travel(world.process(), world.old)).claims.get("sub")

    def test_a_claim_without_end_is_nobodys(self, world: World) -> None:
        """Whoever can write to the store, or sets its clock, keeps nobody out for ever."""
        hand_over = HandOver(str(world.old.refresh_token), world.provider.identity)
        claim = Record(Claimed(2**52, b"nobody", Attempt.FIRST))
        assert world.store.inner.swap(hand_over.key, None, records.pack(claim), 10**6)
        assert Kind.REFRESHED is world.travel(world.process(), world.old).kind

    def test_rule_11_a_switch_is_answered_by_its_own_result(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where a later-issued one of somebody else stands, who did not switch."""
        ledger, other = world.process(), Session(access_token(expires_at=2_000_000_000), "another")
        monkeypatch.setattr(ledger, "write_result", lambda *_args, **_named: other)
        switched = newest(world.travel(ledger, world.old, {"organization_id": "org_2"}))
        assert "org_2" == switched.claims.get("organization_id")
