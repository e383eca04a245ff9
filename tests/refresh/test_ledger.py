"""The records in whichever coordinator can be reached: the shared one counts, the own one helps."""

from __future__ import annotations

import logging
from typing import Any, Literal

import pytest

from sealed_session import Session
from sealed_session.refresh import record as records
from sealed_session.refresh import shared, uptime
from sealed_session.refresh.attempt import merge
from sealed_session.refresh.coordinator import CoordinatorUnavailable
from sealed_session.refresh.handover import HandOver
from sealed_session.refresh.ledger import MOST_LINKS, Busy, Claim, Ledger, Standing
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.record import (
    HOUR,
    SPENT_KEPT,
    SPENT_KEPT_REUSE,
    Adopt,
    Attempt,
    Claimed,
    Failed,
    Failure,
    Held,
    Overtaken,
    Record,
    Refused,
    Result,
    Spent,
    Untouched,
)
from sealed_session.testing import access_token

from .faults import Elsewhere, SteadyProvider, Store, StrictProvider, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A provider, a store, and clocks that the ledger looks at."""
    return made(World(), monkeypatch)


def made(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Let the code under test look at the clocks of a world."""
    monkeypatch.setattr(shared, "time", world.times)
    monkeypatch.setattr(uptime, "milliseconds", world.times.milliseconds)
    return world


def claimed(ledger: Ledger, session: Session) -> Claim:
    """Claim what can be claimed."""
    claim = ledger.claim(session)
    assert isinstance(claim, Claim)
    return claim


def key_of(world: World, session: Session) -> bytes:
    """The key of a session's record."""
    return HandOver(session.refresh_token or "", world.provider.identity).key


def stored(world: World, session: Session) -> Record | None:
    """What the store holds for a session."""
    value = world.store.inner.read(key_of(world, session)).value
    return None if value is None else records.unpack(value)


def put(world: World, session: Session, value: bytes) -> None:
    """Write something over what the store holds for a session."""
    key = key_of(world, session)
    assert world.store.inner.swap(key, world.store.inner.read(key).value, value, HOUR)


def put_box(world: World, session: Session, box: bytes) -> None:
    """Write a result with some box."""
    put(world, session, records.pack(Record(Result(world.times.milliseconds() + HOUR, box, 2**53, HOUR))))


def done(world: World, ledger: Ledger, session: Session) -> Session:
    """Refresh once, all the way, and return what the request goes on with."""
    claim = claimed(ledger, session)
    answer = world.provider.refresh(session)
    ledger.write_result(claim, session, answer)
    return merge(session, answer)


class TestClaim:
    """Who asks the provider."""

    def test_the_first_claims_and_the_others_wait(self, world: World) -> None:
        """In the same process and in another."""
        one, other = world.process(), world.process()
        claim = claimed(one, world.old)
        assert (Attempt.FIRST, 0, True) == (claim.attempt, claim.depth, claim.covers_a_call)
        assert [Busy(0), Busy(0)] == [ledger.claim(world.old) for ledger in (one, other)]

    def test_every_claim_has_an_owner_of_its_own(self, world: World) -> None:
        """Or somebody could write his failure over another's claim."""
        ledger = world.process()
        first = claimed(ledger, world.old)
        world.times.advance(35)
        assert first.owner != claimed(ledger, world.old).owner

    def test_rule_4_a_lease_is_taken_over_when_it_has_ended(self, world: World) -> None:
        """35 seconds after it was taken, and not before; and it says so."""
        claimed(world.process(), world.old)
        world.times.advance(34.999)
        assert Busy(0) == world.process().claim(world.old, deepest=0)
        world.times.advance(0.001)
        assert Attempt.TAKEOVER is claimed(world.process(), world.old).attempt

    def test_rule_4_a_claim_covers_a_call_for_five_seconds(self, world: World) -> None:
        """Counted from before it was asked for: a slow store takes from the owner's time, not from the others'."""
        world.store.after = lambda step: world.times.advance(4) if step == "swap" else None
        claim = claimed(world.process(), world.old)
        assert claim.covers_a_call
        world.times.advance(1)
        assert claim.covers_a_call
        world.times.advance(0.001)
        assert not claim.covers_a_call

    def test_rule_4_a_machine_that_slept_has_not_stopped_the_lease(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Monotonic time stands still in a suspended machine; the time since its start, and the store's, do not."""
        claim = claimed(world.process(), world.old)
        monotonic = world.times.monotonic()
        monkeypatch.setattr(world.times, "monotonic", lambda: monotonic)
        world.times.advance(60)
        assert Attempt.TAKEOVER is claimed(world.process(), world.old).attempt
        assert not claim.covers_a_call

    def test_rule_8_an_expired_result_is_superseded(self, world: World) -> None:
        """In every process but the one that has learnt the successor, as long as that remembers it."""
        one, other = world.process(), world.process()
        done(world, one, world.old)
        world.times.advance(300)
        assert Overtaken() == other.claim(world.old)

    def test_a_claim_does_not_show_its_token(self, world: World) -> None:
        """Nor what it seals with."""
        assert "HandOver" not in repr(claimed(world.process(), world.old))

    def test_two_clients_do_not_meet(self, world: World) -> None:
        """Nor do two providers, with one store and one refresh token."""
        claimed(world.process(), world.old)
        world.provider.identity = "other"
        claimed(world.process(), world.old)

    def test_a_session_that_cannot_be_refreshed_is_nobodys(self, world: World) -> None:
        """All of them would meet in one record, and one person's session be another's result."""
        ledger = world.process()
        with pytest.raises(ValueError, match="credential"):
            ledger.claim(Session("opaque"))
        assert None is ledger.look(Session("opaque"))

    def test_a_key_that_everybody_changes_at_once(self, world: World) -> None:
        """Is given up at some time, as if the store could not be asked."""

        def interfere(step: str) -> None:
            if step == "swap":
                put(world, world.old, records.pack(Record(Untouched(2**53), world.times.milliseconds())))
                world.times.advance(0.001)

        world.store.before = interfere
        with pytest.raises(CoordinatorUnavailable):
            world.process().claim(world.old, deepest=0)

    def test_a_claim_that_everybody_changes_at_once(self, world: World) -> None:
        """Its failure is given up too."""
        ledger = world.process()
        claim = claimed(ledger, world.old)

        def interfere(step: str) -> None:
            record = stored(world, world.old)
            if step == "swap" and record is not None:
                put(world, world.old, records.pack(records.with_floor(record, record.floor + 1)))

        world.store.before = interfere
        ledger.write_failure(claim, Failure.UNAVAILABLE, 1)
        world.store.before = lambda _step: None
        assert isinstance(stored(world, world.old), Record)
        assert Busy(0) == world.process().claim(world.old)

    def test_somebody_who_comes_in_between_is_noticed(self, world: World) -> None:
        """The record is read again, and his claim is waited for."""
        other = world.process()

        def interfere(step: str) -> None:
            if step == "swap":
                world.store.before = lambda _step: None
                claimed(other, world.old)

        world.store.before = interfere
        assert Busy(0) == world.process().claim(world.old)


class TestAdopt:
    """Who finds a result."""

    def test_rule_5_a_result_is_there_for_every_process(self, world: World) -> None:
        """And is the provider's answer as it was, which each merges into its own session."""
        claim = claimed(world.process(), world.old)
        answer = world.provider.refresh(world.old)
        world.process().write_result(claim, world.old, answer)
        assert Adopt(answer) == world.process().claim(world.old)
        assert answer == world.process().look(world.old)

    def test_the_own_memory_is_looked_at_first(self, world: World) -> None:
        """Whoever comes late to the winner's process asks no store."""
        ledger = world.process()
        done(world, ledger, world.old)
        world.store.asked.clear()
        assert isinstance(ledger.claim(world.old), Adopt)
        assert ledger.look(world.old) is not None
        assert [] == world.store.asked

    @pytest.mark.parametrize(("left", "lives"), [(0, 300), (60, 360)])
    def test_rule_8_a_result_lives_for_the_grace_after_the_old_token(
        self, monkeypatch: pytest.MonkeyPatch, left: int, lives: int
    ) -> None:
        """As long as somebody can come with the old cookie, and a while longer."""
        world = made(World(), monkeypatch)
        world.times.passed = 300 - left
        done(world, world.process(), world.old)
        world.times.advance(lives - 0.001)
        assert isinstance(world.process().claim(world.old), Adopt)
        world.times.advance(0.001)
        assert Overtaken() == world.process().claim(world.old)

    def test_rule_8_the_grace_can_be_chosen(self, world: World) -> None:
        """It is a setting."""
        done(world, world.process(grace=10), world.old)
        world.times.advance(10)
        assert Overtaken() == world.process().claim(world.old)

    def test_rule_8_a_token_that_does_not_say_when_it_ends_gives_the_grace(self, world: World) -> None:
        """From now on."""
        old = Session("opaque", world.old.refresh_token)
        done(world, world.process(), old)
        record = stored(world, old)
        assert record is not None
        assert world.times.milliseconds() + 300_000 == record.state.ends

    @pytest.mark.parametrize(("reuse_detection", "kept"), [(False, SPENT_KEPT), ("session", SPENT_KEPT_REUSE)])
    def test_rule_8_a_spent_token_is_known_for_longer_where_reuse_is_punished(
        self, monkeypatch: pytest.MonkeyPatch, reuse_detection: Literal[False, "session"], kept: int
    ) -> None:
        """A day in place of an hour."""
        world = made(World(lambda clock: StrictProvider(clock, reuse_detection=reuse_detection)), monkeypatch)
        done(world, world.process(), world.old)
        record = stored(world, world.old)
        assert record is not None
        assert isinstance(record.state, Result)
        assert kept == record.state.spent_for

    def test_rule_8_a_later_link_lives_as_long_as_an_earlier_one(self, world: World) -> None:
        """The successor's record is told at once, and whatever happens to it, a result lives until then."""
        world.times.passed = 0
        ledger = world.process()
        new = done(world, ledger, world.old)  # the old token is good for 300 s more: the result lives for 600
        ends = world.times.milliseconds() + 600_000
        assert Record(Untouched(ends), ends) == stored(world, new)
        newer = new.replace(
            access_token=access_token(expires_at=int(world.times.unix()))
        )  # ended early, for whatever reason
        done(world, ledger, newer)
        record = stored(world, newer)
        assert record is not None
        assert ends == record.state.ends

    def test_rule_8_a_floor_is_promised_to_a_claim_too(self, world: World) -> None:
        """Somebody may have come with the successor before the floor was written."""
        ledger = world.process()
        claim = claimed(ledger, world.old)
        answer = world.provider.refresh(world.old)
        claimed(world.process(), merge(world.old, answer))
        ledger.write_result(claim, world.old, answer)
        record = stored(world, merge(world.old, answer))
        assert record is not None
        assert (Claimed, world.times.milliseconds() + 300_000) == (type(record.state), record.floor)

    def test_rule_9_what_one_holds_already_is_not_adopted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a provider that does not rotate, the result stands under the key of its own token."""
        world = made(World(SteadyProvider), monkeypatch)
        ledger = world.process()
        new = done(world, ledger, world.old)
        assert new.refresh_token == world.old.refresh_token
        assert isinstance(ledger.claim(world.old), Adopt)
        assert (None, None) == (ledger.look(new), world.process().look(new))
        assert Attempt.FIRST is claimed(world.process(), new).attempt

    def test_rule_9_what_is_older_is_not_adopted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of two access tokens of one refresh token the later is kept."""
        world = made(World(SteadyProvider), monkeypatch)
        ledger = world.process()
        new = done(world, ledger, world.old)
        world.times.advance(10)
        newer = merge(new, world.provider.refresh(new))
        assert (None, None) == (ledger.look(newer), world.process().look(newer))

    @pytest.mark.parametrize("says_when_it_ends", [True, False])
    def test_rule_9_of_two_of_the_same_second_the_second_stays(
        self, monkeypatch: pytest.MonkeyPatch, says_when_it_ends: bool
    ) -> None:
        """A switch just after a refresh: with a provider that does not rotate, the ends of both tokens are the same."""

        class Opaque(SteadyProvider):
            def answer(self, session: Session, arguments: dict[str, Any]) -> Session:
                return Session(f"opaque {len(self.used)}")

        world = made(World(SteadyProvider if says_when_it_ends else Opaque), monkeypatch)
        ledger = world.process()
        new = done(world, ledger, world.old)
        newer = done(world, ledger, new)
        for process in (ledger, world.process()):
            assert None is process.look(newer), "the newest leads nowhere, and not back"
            assert not isinstance(process.claim(newer), Adopt)

    def test_a_box_of_another_token_does_not_open(self, world: World) -> None:
        """Whoever can write to the store copies a victim's result under his own key, and gets nothing by it."""
        theirs = Session(**world.provider.sign_in({"id": "victim"}))
        done(world, world.process(), theirs)
        victims = stored(world, theirs)
        assert victims is not None
        assert isinstance(victims.state, Result)
        put(world, world.old, records.pack(victims))
        name, inner = victims.state.box, world.store.inner
        box = inner.read(key_of(world, theirs) + name).value
        assert box is not None
        assert inner.swap(key_of(world, world.old) + name, None, box, HOUR)
        ledger = world.process()
        assert None is ledger.look(world.old)
        assert Attempt.TAKEOVER is claimed(ledger, world.old).attempt

    def test_a_box_that_is_gone_before_its_time_is_a_token_that_is_spent(self, world: World) -> None:
        """A store that evicts, or has lost a write: the provider is not asked about a token that is used up."""
        done(world, world.process(), world.old)
        record = stored(world, world.old)
        assert record is not None
        assert isinstance(record.state, Result)
        place = key_of(world, world.old) + record.state.box
        box = world.store.inner.read(place).value
        assert box is not None
        assert world.store.inner.swap(place, box, b"-", 1)
        world.times.advance(0.001)
        ledger = world.process()
        assert (None, Overtaken()) == (ledger.look(world.old), ledger.claim(world.old))

    def test_what_is_kept_after_the_result_is_small(self, world: World) -> None:
        """The box ends with the result: a token that is spent is known by a few bytes."""
        done(world, world.process(), world.old)
        key = key_of(world, world.old)
        record = stored(world, world.old)
        assert record is not None
        assert isinstance(record.state, Result)
        assert None is not world.store.inner.read(key + record.state.box).value
        world.times.advance(300)
        assert None is world.store.inner.read(key + record.state.box).value
        assert 80 > len(world.store.inner.read(key).value or b"")
        assert Overtaken() == world.process().claim(world.old)

    @pytest.mark.parametrize(
        "value", [b"", b"nonsense", b"\xc1", records.pack(Record(Spent(1)))[:-1], b"\x93\x03\x00\xc4\x01x"]
    )
    def test_a_corrupt_record_is_replaced(self, world: World, value: bytes, caplog: pytest.LogCaptureFixture) -> None:
        """As if nothing were there; it is worth a line in the log. Nothing of it stands there."""
        put(world, world.old, value)
        ledger = world.process()
        assert None is ledger.look(world.old)
        new = done(world, ledger, world.old)
        assert new.refresh_token == merge(world.old, world.process().look(world.old) or world.old).refresh_token
        assert {("sealed_session", logging.ERROR)} == {(line.name, line.levelno) for line in caplog.records}
        assert "nonsense" not in caplog.text

    def test_a_corrupt_record_does_not_stop_a_result(self, world: World) -> None:
        """Nor a failure, which finds no claim of its own there."""
        ledger = world.process()
        claim = claimed(ledger, world.old)
        put(world, world.old, b"nonsense")
        ledger.write_failure(claim, Failure.DENIED, 600)
        ledger.write_result(claim, world.old, world.provider.refresh(world.old))
        assert world.process().look(world.old) is not None


class TestWriting:
    """What is kept of an answer."""

    def test_rule_5_a_slow_owner_writes_anyway(self, world: World) -> None:
        """Its lease has ended, somebody has taken over and waits for the provider: the result is there for all."""
        slow, other = world.process(), world.process()
        claim = claimed(slow, world.old)
        world.times.advance(35)
        taken = claimed(other, world.old)
        answer = world.provider.refresh(world.old)
        slow.write_result(claim, world.old, answer)
        other.write_failure(taken, Failure.DENIED, 600)
        assert answer == world.process().look(world.old)

    @pytest.mark.parametrize("later_first", [True, False])
    def test_rule_5_of_two_results_the_later_issued_stays(self, world: World, later_first: bool) -> None:
        """In whichever order they are written."""
        one, other = world.process(), world.process()
        claims = [claimed(one, world.old)]
        early = world.provider._tokens({})
        world.times.advance(35)
        claims.append(claimed(other, world.old))
        late = world.provider._tokens({})
        writes = [(one, claims[0], Session(**early)), (other, claims[1], Session(**late))]
        for ledger, claim, answer in reversed(writes) if later_first else writes:
            ledger.write_result(claim, world.old, answer)
        assert Session(**late) == world.process().look(world.old)

    def test_rule_5_a_failure_is_written_over_ones_own_claim_only(self, world: World) -> None:
        """Somebody took over and goes on; nobody is told that it failed."""
        slow = world.process()
        claim = claimed(slow, world.old)
        world.times.advance(35)
        claimed(world.process(), world.old)
        slow.write_failure(claim, Failure.DENIED, 600)
        assert Busy(0) == world.process().claim(world.old)

    @pytest.mark.parametrize("failure", Failure)
    def test_a_failure_answers_everybody_for_a_while(self, world: World, failure: Failure) -> None:
        """In milliseconds what was said in seconds."""
        ledger = world.process()
        ledger.write_failure(claimed(ledger, world.old), failure, 2.5)
        assert Refused(failure, 2500) == world.process().claim(world.old)
        world.times.advance(2.5)
        after = Attempt.AFTER_HOLD if failure is Failure.HOLD else Attempt.FIRST
        assert after is claimed(world.process(), world.old).attempt

    def test_what_does_not_seal_does_not_stop_a_result(self, world: World) -> None:
        """A provider's answer that no cookie could hold has used up the token all the same: the tokens are kept."""
        ledger = world.process()
        claim = claimed(ledger, world.old)
        pair = world.provider.refresh(world.old)
        ledger.write_result(claim, world.old, pair.replace(user={"since": object()}))
        known = world.process().look(world.old)
        assert known is not None
        assert (pair.access_token, pair.refresh_token) == (known.access_token, known.refresh_token)


class TestStoreOutOfReach:
    """The shared coordinator comes and goes."""

    def test_without_it_the_process_goes_on_by_itself(self, world: World) -> None:
        """One call in this process; whoever comes later adopts."""
        ledger = world.process()
        with world.outage():
            claim = claimed(ledger, world.old)
            assert (Attempt.FIRST, 1) == (claim.attempt, claim.depth)
            assert Busy(1) == ledger.claim(world.old)
            answer = world.provider.refresh(world.old)
            ledger.write_result(claim, world.old, answer)
            assert Adopt(answer) == ledger.claim(world.old)
            assert answer == ledger.look(world.old)

    def test_a_failure_is_kept_there_too(self, world: World) -> None:
        """A provider that is out of reach as well is not asked by every request."""
        ledger = world.process()
        with world.outage():
            ledger.write_failure(claimed(ledger, world.old), Failure.UNAVAILABLE, 5)
            assert Refused(Failure.UNAVAILABLE, 5000, is_everybodys=False) == ledger.claim(world.old)

    def test_whoever_has_seen_a_claim_in_it_asks_nobody_without_it(self, world: World) -> None:
        """The owner may be at it this very moment."""
        ledger = world.process()
        claimed(world.process(), world.old)
        assert Busy(0) == ledger.claim(world.old)
        with world.outage(), pytest.raises(CoordinatorUnavailable):
            ledger.claim(world.old, deepest=0)

    def test_rule_7_with_reuse_detection_nobody_is_asked_without_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two calls with one token would end the person's sessions elsewhere."""
        world = made(World(lambda clock: StrictProvider(clock, reuse_detection="session")), monkeypatch)
        with world.outage(), pytest.raises(CoordinatorUnavailable):
            world.process().claim(world.old)

    def test_with_reuse_detection_what_is_known_is_adopted_all_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody has to be asked for that."""
        world = made(World(lambda clock: StrictProvider(clock, reuse_detection="session")), monkeypatch)
        ledger = world.process()
        done(world, ledger, world.old)
        with world.outage():
            assert isinstance(ledger.claim(world.old, deepest=0), Adopt)

    def test_looking_without_it_finds_nothing(self, world: World) -> None:
        """And leaves doubt."""
        done(world, world.process(), world.old)
        ledger = world.process()
        with world.outage():
            assert None is ledger.look(world.old)
        assert ledger.is_in_doubt

    @pytest.mark.parametrize("step", ["read", "swap"])
    @pytest.mark.parametrize("number", [1, 2])
    @pytest.mark.parametrize("afterwards", [False, True])
    def test_a_result_is_kept_and_told_when_it_is_back(
        self, world: World, step: str, number: int, afterwards: bool
    ) -> None:
        """At whichever step of writing it went away."""
        ledger = world.process()
        claim = claimed(ledger, world.old)
        answer = world.provider.refresh(world.old)
        world.store.fail_at(step, number, afterwards=afterwards)
        ledger.write_result(claim, world.old, answer)
        assert not world.store.is_up
        world.store.before = world.store.after = lambda _step: None
        world.store.is_up = True
        ledger._shared.tell_everything()
        assert Adopt(answer) == world.process().claim(world.old)

    def test_what_happened_without_it_is_told_first(self, world: World) -> None:
        """The doubt, and what is about the token at hand, before it is claimed; the rest by and by."""
        ledger, another = world.process(), Session(**world.provider.sign_in())
        with world.outage():
            new = done(world, ledger, world.old)
            done(world, ledger, another)
        ledger._own = MemoryCoordinator(clock=world.times.milliseconds)  # or it would know the answer itself
        world.store.asked.clear()
        assert isinstance(ledger.claim(world.old), Adopt)
        told = ["read", "swap", "read", "swap", "swap", "read", "swap"]  # the doubt, the result, the next link's floor
        assert [*told, "read", "read"] == world.store.asked
        assert None is world.process().look(another)
        world.store.asked.clear()
        claimed(ledger, new)
        assert ["read", "swap"] == world.store.asked
        ledger._shared.tell_everything()
        assert None is not world.process().look(another)

    def test_what_cannot_be_told_yet_is_told_later(self, world: World) -> None:
        """It went away again before all was said."""
        ledger = world.process()
        others = [Session(**world.provider.sign_in()) for _ in range(3)]
        with world.outage():
            for session in others:
                done(world, ledger, session)
        world.store.fail_at("swap", 2)
        with pytest.raises(CoordinatorUnavailable):
            ledger._shared.tell_everything()
        world.store.before = lambda _step: None
        world.store.is_up = True
        world.times.advance(2)
        ledger._shared.tell_everything()
        assert 3 == sum(world.process().look(session) is not None for session in others)

    def test_what_is_to_be_told_is_bounded(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """An outage of hours does not fill the memory."""
        monkeypatch.setattr(shared, "MOST_OWED", 3)  # the doubt, and two results
        ledger = world.process()
        others = [Session(**world.provider.sign_in()) for _ in range(3)]
        with world.outage():
            for session in others:
                done(world, ledger, session)
        ledger._shared.tell_everything()
        assert [True, True, False] == [world.process().look(session) is not None for session in others]

    def test_nothing_is_taken_over_for_two_seconds_after_it_is_back(self, world: World) -> None:
        """The owner may be about to tell it what happened; the very first who notices waits as well."""
        claimed(world.process(), world.old)
        ledger = world.process()
        with world.outage():
            claimed(ledger, Session(**world.provider.sign_in()))
            world.times.advance(36)
        assert Busy(0) == ledger.claim(world.old)
        world.times.advance(1.999)
        assert Busy(0) == ledger.claim(world.old)
        world.times.advance(0.001)
        assert Attempt.TAKEOVER is claimed(ledger, world.old).attempt

    def test_rule_6_there_is_doubt_for_two_minutes(self, world: World) -> None:
        """Since it was last out of reach. Before that there is none."""
        ledger = world.process()
        assert not ledger.is_in_doubt
        with world.outage():
            claimed(ledger, world.old)
        assert ledger.is_in_doubt
        world.times.advance(119.999)
        assert ledger.is_in_doubt
        world.times.advance(0.001)
        assert not ledger.is_in_doubt

    def test_a_failure_that_cannot_be_written_ends_with_its_claim(self, world: World) -> None:
        """Or later, as long as nobody else has the claim."""
        ledger = world.process()
        claim = claimed(ledger, world.old)
        with world.outage():
            ledger.write_failure(claim, Failure.DENIED, 600)
        world.times.advance(34)
        assert Busy(0) == world.process().claim(world.old)

    def test_it_is_said_once_a_minute(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """And once that it is back."""
        caplog.set_level(logging.INFO, "sealed_session")
        ledger = world.process()
        with world.outage():
            for _ in range(50):
                ledger.look(world.old)
            world.times.advance(61)
            ledger.look(world.old)
        claimed(ledger, world.old)
        ledger.claim(world.old)
        lines = [line.getMessage().split(";")[0] for line in caplog.records]
        assert [
            "the coordinator is out of reach",
            "the coordinator is out of reach",
            "the coordinator is back.",
        ] == lines
        assert {logging.WARNING} == {line.levelno for line in caplog.records}

    def test_what_was_held_without_it_is_the_processs_own(self, world: World) -> None:
        """A hold of an outage leads to an attempt that is not believed, for it is not shared."""
        ledger = world.process()
        with world.outage():
            ledger.write_failure(claimed(ledger, world.old), Failure.HOLD, 60)
            world.times.advance(60)
            claim = claimed(ledger, world.old)
            assert (Attempt.AFTER_HOLD, 1) == (claim.attempt, claim.depth)

    def test_a_store_that_takes_a_claim_and_does_not_say_so(self, world: World) -> None:
        """The process goes on by itself; the others wait for the claim that stands there, and then for its result."""
        world.store.fail_at("swap", afterwards=True)
        ledger = world.process()
        claim = claimed(ledger, world.old)
        assert 1 == claim.depth
        world.store.is_up, world.store.after = True, lambda _step: None
        assert Busy(0) == world.process().claim(world.old)
        answer = world.provider.refresh(world.old)
        ledger.write_result(claim, world.old, answer)
        ledger.claim(Session(**world.provider.sign_in()))
        assert answer == world.process().look(world.old)


class TestUndelivered:
    """A result that no request waited for any more when it came."""

    def test_it_lives_for_a_day(self, world: World) -> None:
        """No cookie carries it: whoever left after an error page finds the session when coming back."""
        ledger = world.process()
        claim = claimed(ledger, world.old)
        answer = world.provider.refresh(world.old)
        ledger.write_result(claim, world.old, answer, is_delivered=False)
        world.times.advance(86_399.999)
        assert [Adopt(answer)] * 2 == [process.claim(world.old) for process in (ledger, world.process())]
        world.times.advance(0.001)
        assert Overtaken() == world.process().claim(world.old)

    def test_the_next_link_lives_as_long(self, world: World) -> None:
        """Or whoever comes back finds the way, and not its end."""
        ledger = world.process()
        claim = claimed(ledger, world.old)
        answer = world.provider.refresh(world.old)
        ledger.write_result(claim, world.old, answer, is_delivered=False)
        newer = done(world, ledger, merge(world.old, answer))
        world.times.advance(86_399.999)
        standing = world.process().standing(world.old)
        assert standing.newer is not None
        assert newer.refresh_token == standing.newer.refresh_token


class TestStanding:
    """Where a session stands, seen without a claim."""

    def test_the_newest_itself(self, world: World) -> None:
        """Nobody has refreshed it, and nobody is at it. One look, and nothing is written."""
        assert Standing(None, is_settled=True, is_revoked=False) == world.process().standing(world.old)
        assert ["read"] == world.store.asked

    @pytest.mark.parametrize("links", [1, 2, MOST_LINKS - 1])
    def test_the_newest_over_so_many_links(self, world: World, links: int) -> None:
        """Complete: with what answers leave out kept from the session that was asked about."""
        start, ledgers = world.old.replace(extra={"theme": "dark"}), [world.process(), world.process()]
        newest = start
        for number in range(links):
            newest = done(world, ledgers[number % 2], newest)
        for ledger in (*ledgers, world.process()):
            assert Standing(newest) == ledger.standing(start)
            assert Standing(None) == ledger.standing(newest)
        assert ({"theme": "dark"}, world.old.user) == (newest.extra, newest.user)

    def test_a_chain_that_may_go_on_is_not_settled(self, world: World) -> None:
        """After eight links one stops looking, as everywhere; nothing is said of what comes then."""
        ledger, newest = world.process(), world.old
        for _ in range(MOST_LINKS):
            newest = done(world, ledger, newest)
        assert Standing(newest, is_settled=False) == world.process().standing(world.old)

    @pytest.mark.parametrize("links", [0, 1])
    def test_while_somebody_is_asking_it_is_not_settled(self, world: World, links: int) -> None:
        """For the newest; and it is again when the claim has ended, given back, or was answered."""
        ledger, newest = world.process(), world.old
        for _ in range(links):
            newest = done(world, ledger, newest)
        claim = claimed(ledger, newest)
        standings = [process.standing(world.old) for process in (ledger, world.process())]
        assert [Standing(newest if links else None, is_settled=False)] * 2 == standings
        world.times.advance(34.999)
        assert not ledger.standing(newest).is_settled
        world.times.advance(0.001)
        assert ledger.standing(newest).is_settled, "nobody is asking any more, as far as is known"
        ledger.give_back(claim)
        assert ledger.standing(newest).is_settled

    def test_without_the_store_it_is_not_settled(self, world: World) -> None:
        """What this process has learnt is newer all the same."""
        ledger = world.process()
        newest = done(world, ledger, world.old)
        with world.outage():
            assert Standing(newest, is_settled=False) == ledger.standing(world.old)
            assert Standing(None, is_settled=False) == world.process().standing(world.old)
            assert Standing(None, is_settled=False) == ledger.standing(newest)

    def test_what_only_the_host_answers_is_not_settled(self, world: World) -> None:
        """Another host may know better."""
        host, own = (MemoryCoordinator(clock=world.times.milliseconds) for _ in range(2))
        ledger = Ledger(world.provider, world.store, own, clock=world.times.unix, grace=300, host=host)
        ledger._shared._teller = Elsewhere()
        with world.outage():
            newest = done(world, ledger, world.old)
            assert Standing(newest, is_settled=False) == ledger.standing(world.old)
            ledger._own = MemoryCoordinator(clock=world.times.milliseconds)  # the other process of the host
            assert Standing(newest, is_settled=False) == ledger.standing(world.old)

    @pytest.mark.parametrize("links", [0, 1])
    def test_a_sign_out_on_record_is_seen(self, world: World, links: int) -> None:
        """Under the newest token, as long as it is kept."""
        ledger, newest = world.process(), world.old
        for _ in range(links):
            newest = done(world, ledger, newest)
        ledger.write_failure(claimed(ledger, newest), Failure.REVOKED, 250)
        revoked = Standing(newest if links else None, is_settled=True, is_revoked=True)
        assert [revoked] * 2 == [process.standing(world.old) for process in (ledger, world.process())]
        world.times.advance(250)
        assert not world.process().standing(world.old).is_revoked

    def test_one_whose_time_is_over_is_not_seen(self, world: World) -> None:
        """Also where the store keeps it for longer."""
        put(world, world.old, records.pack(Record(Failed(world.times.milliseconds(), Failure.REVOKED))))
        assert Standing() == world.process().standing(world.old)

    @pytest.mark.parametrize("failure", [failure for failure in Failure if failure is not Failure.REVOKED])
    def test_another_failure_is_no_sign_out(self, world: World, failure: Failure) -> None:
        """It is not even a reason to doubt."""
        ledger = world.process()
        ledger.write_failure(claimed(ledger, world.old), failure, 600)
        assert Standing() == world.process().standing(world.old)

    def test_what_cannot_be_refreshed_stands_where_it_is(self, world: World) -> None:
        """It has no record, and nobody is asked."""
        assert Standing() == world.process().standing(Session("opaque"))
        assert [] == world.store.asked

    def test_a_chain_that_ends_in_what_cannot_be_refreshed(self, world: World) -> None:
        """The last answer said so."""
        last = Session("opaque")
        credential = world.provider.credential
        world.provider.credential = (  # type: ignore[method-assign]
            lambda session: None if session.access_token == "opaque" else credential(session)
        )
        ledger = world.process()
        ledger.write_result(claimed(ledger, world.old), world.old, last)
        assert Standing(merge(world.old, last)) == world.process().standing(world.old)


def test_states_are_what_the_ledger_writes(world: World) -> None:
    """A claim, its failure, and what becomes of it."""
    ledger = world.process()
    claim = claimed(ledger, world.old)
    now = world.times.milliseconds()
    assert Record(Claimed(now + 35_000, claim.owner, Attempt.FIRST)) == stored(world, world.old)
    ledger.write_failure(claim, Failure.HOLD, 60)
    held = stored(world, world.old)
    assert Record(Failed(now + 60_000, Failure.HOLD)) == held
    assert held is not None
    assert Held(now + 60_000 + HOUR) == records.settled(held, now + 60_000).state


def test_the_store_is_a_coordinator(world: World) -> None:
    """The double passes on what it is asked."""
    assert isinstance(world.store, Store)
    world.store.close()
