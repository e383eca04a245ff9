"""The ledger while the shared coordinator is out of reach, and just after: this host's own, then the process's own.

shared ─▶ this host's ─▶ this process's own       a claim is taken in the first that answers
"""

from __future__ import annotations

from typing import Literal

import pytest

from sealed_session import Session
from sealed_session.counters import Counters
from sealed_session.refresh import Kind, Ledger, shared, uptime
from sealed_session.refresh import journey as journeys
from sealed_session.refresh import record as records
from sealed_session.refresh.attempt import merge
from sealed_session.refresh.coordinator import CoordinatorUnavailable
from sealed_session.refresh.handover import HandOver
from sealed_session.refresh.ledger import Busy, Claim
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.record import Adopt, Attempt, Claimed, Failed, Failure, Record, Refused, Result, Untouched

from .faults import Elsewhere, Store, StrictProvider, World, meet, newest


class Hosts(World):
    """A world whose processes live on hosts.

    Attributes:
        hosts: The coordinator of each host, by its name.
        fallbacks: What is counted of steps without the shared one.
    """

    def __init__(self, reuse_detection: Literal[False, "session", "user"] = False) -> None:
        super().__init__(lambda clock: StrictProvider(clock, reuse_detection=reuse_detection))
        self.hosts: dict[str, Store] = {}
        self.counters = Counters()

    def on(self, host: str) -> Ledger:
        """Start a process on a host."""
        own, its = MemoryCoordinator(clock=self.times.milliseconds), self.host(host)
        ledger = Ledger(
            self.provider,
            self.store,
            own,
            clock=self.times.unix,
            grace=300,
            host=its,
            counters=self.counters,
        )
        ledger._shared._teller = Elsewhere()  # debts are told when the test says so
        if self.store.is_up:
            meet(ledger, self.store)
        return ledger

    def host(self, name: str) -> Store:
        """The coordinator of a host."""
        return self.hosts.setdefault(name, Store(MemoryCoordinator(clock=self.times.milliseconds)))

    def stands(self, store: Store, session: Session) -> Record | None:
        """What a coordinator holds for a session."""
        value = store.inner.read(HandOver(session.refresh_token or "", self.provider.identity).key).value
        return None if value is None else records.unpack(value)

    @property
    def fallbacks(self) -> int:
        """Steps that were taken without the shared one."""
        return self.counters.read()["coordinator_fallbacks"].get((), 0)


def in_time(world: Hosts, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """Let the code under test look at the clocks of a world."""
    for module in (shared, journeys):
        monkeypatch.setattr(module, "time", world.times)
    monkeypatch.setattr(uptime, "milliseconds", world.times.milliseconds)
    return world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """A provider, a store for all, and hosts."""
    return in_time(Hosts(), monkeypatch)


@pytest.fixture(params=["session", "user"])
def stern(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """The same, where a token used twice is punished."""
    return in_time(Hosts(request.param), monkeypatch)


def claimed(ledger: Ledger, session: Session, deepest: int | None = None) -> Claim:
    """Claim what can be claimed."""
    claim = ledger.claim(session, deepest=deepest)
    assert isinstance(claim, Claim)
    return claim


class TestWithout:
    """The shared coordinator is out of reach."""

    def test_two_processes_of_one_host_make_one_call(self, world: Hosts) -> None:
        """The host's coordinator stands in. Processes of another host cannot know."""
        one, two, far = world.on("a"), world.on("a"), world.on("b")
        with world.outage():
            claim = claimed(one, world.old)
            assert (Attempt.FIRST, 1) == (claim.attempt, claim.depth)
            assert [Busy(1), Busy(1)] == [ledger.claim(world.old) for ledger in (one, two)]
            assert 1 == claimed(far, world.old).depth
            answer = world.provider.refresh(world.old)
            one.write_result(claim, world.old, answer)
            assert [Adopt(answer)] * 2 == [ledger.claim(world.old) for ledger in (one, two)]
            assert answer == two.look(world.old)

    def test_each_step_without_it_is_counted(self, world: Hosts) -> None:
        """Two, where the host's is out of reach as well; none, when all is well."""
        ledger = world.on("a")
        claimed(ledger, Session(**world.provider.sign_in()))
        assert 0 == world.fallbacks
        with world.outage():
            claimed(ledger, world.old)
            assert 1 == world.fallbacks
            world.host("a").is_up = False
            claimed(ledger, Session(**world.provider.sign_in()))
            assert 3 == world.fallbacks

    def test_without_the_hosts_too_the_process_goes_on_by_itself(self, world: Hosts) -> None:
        """A call for each process, until one of the two is back."""
        ledger = world.on("a")
        with world.outage():
            world.host("a").is_up = False
            claim = claimed(ledger, world.old)
            answer = world.provider.refresh(world.old)
            ledger.write_result(claim, world.old, answer)
            assert (2, Adopt(answer)) == (claim.depth, ledger.claim(world.old))

    def test_when_nobody_can_be_asked_at_all_nobody_is(self, world: Hosts) -> None:
        """The own memory fails only where everybody changes one record at once."""
        own = Store(MemoryCoordinator(clock=world.times.milliseconds))
        ledger = Ledger(world.provider, world.store, own, clock=world.times.unix, grace=300)
        ledger._shared._teller = Elsewhere()
        own.fail_at("read", 2)
        with world.outage(), pytest.raises(CoordinatorUnavailable):
            ledger.claim(world.old)
        assert [] == world.provider.used

    @pytest.mark.parametrize("depth", [0, 1])
    def test_who_saw_a_claim_asks_nobody_without_that_coordinator(self, world: Hosts, depth: int) -> None:
        """The owner may be at it this very moment; so it is waited for, until it is back."""
        one, two = world.on("a"), world.on("a")
        world.store.is_up = depth < 1
        claimed(one, world.old)
        assert Busy(depth) == two.claim(world.old)
        world.store.is_up = False
        world.host("a").is_up = depth < 1
        with pytest.raises(CoordinatorUnavailable):
            two.claim(world.old, deepest=depth)
        world.host("a").is_up = True
        if depth:
            assert Busy(1) == two.claim(world.old, deepest=1)

    def test_who_has_seen_none_goes_deeper_whatever_others_saw(self, world: Hosts) -> None:
        """A request that comes during the outage."""
        claimed(world.on("a"), world.old)
        with world.outage():
            assert 1 == claimed(world.on("a"), world.old).depth

    def test_a_failure_is_kept_where_the_claim_was_taken(self, world: Hosts) -> None:
        """So that the other process of the host does not ask a provider that is out of reach."""
        one, two = world.on("a"), world.on("a")
        with world.outage():
            one.write_failure(claimed(one, world.old), Failure.UNAVAILABLE, 5)
            assert Refused(Failure.UNAVAILABLE, 5000, is_everybodys=False) == two.claim(world.old)
        assert None is world.stands(world.store, world.old)

    def test_a_claim_is_given_back_where_it_was_taken(self, world: Hosts) -> None:
        """And can be taken again by the other process, as the first attempt that it is."""
        one, two = world.on("a"), world.on("a")
        with world.outage():
            one.give_back(claimed(one, world.old))
            assert (Attempt.FIRST, 1) == (lambda claim: (claim.attempt, claim.depth))(claimed(two, world.old))

    def test_a_failure_that_the_host_cannot_be_told_ends_with_its_claim(self, world: Hosts) -> None:
        """It is owed to nobody: the host's is needed for the time of an outage alone."""
        ledger = world.on("a")
        with world.outage():
            claim = claimed(ledger, world.old)
            owed = repr(ledger._shared)
            world.host("a").is_up = False
            ledger.write_failure(claim, Failure.UNAVAILABLE, 5)
            assert owed == repr(ledger._shared)
            world.host("a").is_up = True
            assert Busy(1) == ledger.claim(world.old)

    def test_rule_7_with_reuse_detection_nobody_asks_without_it(self, stern: Hosts) -> None:
        """Another host could ask at the same time. What is known is adopted, in the process itself."""
        ledger, known = stern.on("a"), Session(**stern.provider.sign_in())
        claim = claimed(ledger, known)
        answer = stern.provider.refresh(known)
        ledger.write_result(claim, known, answer)
        with stern.outage():
            with pytest.raises(CoordinatorUnavailable):
                ledger.claim(stern.old)
            assert Adopt(answer) == ledger.claim(known)
        assert ([], 0) == (stern.host("a").asked, stern.fallbacks)


class TestResults:
    """Where a result is written, and when the others hear of it."""

    def test_of_a_shared_claim_the_shared_one_is_told_alone(self, world: Hosts) -> None:
        """The host's is for outages."""
        ledger = world.on("a")
        ledger.write_result(claimed(ledger, world.old), world.old, world.provider.refresh(world.old))
        assert isinstance(getattr(world.stands(world.store, world.old), "state", None), Result)
        assert [] == world.host("a").asked

    @pytest.mark.parametrize("depth", [0, 1])
    def test_during_an_outage_the_host_is_told_and_the_shared_one_later(self, world: Hosts, depth: int) -> None:
        """Wherever the claim was taken. The other process of the host adopts at once, other hosts when it is back."""
        one, two, far = world.on("a"), world.on("a"), world.on("b")
        if depth == 0:
            claim = claimed(one, world.old)
        with world.outage():
            if depth == 1:
                claim = claimed(one, world.old)
            assert depth == claim.depth
            answer = world.provider.refresh(world.old)
            one.write_result(claim, world.old, answer)
            assert answer == two.look(world.old)
            assert None is far.look(world.old)
        one._shared.tell_everything()
        assert [Adopt(answer)] * 2 == [ledger.claim(world.old) for ledger in (far, world.on("c"))]

    def test_of_a_hosts_claim_the_host_is_told_also_when_the_shared_one_is_back(self, world: Hosts) -> None:
        """The other process of the host may be waiting there."""
        one, two = world.on("a"), world.on("a")
        with world.outage():
            claim = claimed(one, world.old)
            assert Busy(1) == two.claim(world.old)
        answer = world.provider.refresh(world.old)
        one.write_result(claim, world.old, answer)
        assert Adopt(answer) == world.on("b").claim(world.old)
        with world.outage():
            assert Adopt(answer) == two.claim(world.old, deepest=1)

    def test_of_a_processes_own_claim_both_are_told(self, world: Hosts) -> None:
        """Whichever is back by then."""
        one, two = world.on("a"), world.on("a")
        with world.outage():
            world.host("a").is_up = False
            claim = claimed(one, world.old)
            world.host("a").is_up = True
            answer = world.provider.refresh(world.old)
            one.write_result(claim, world.old, answer)
            assert (2, Adopt(answer)) == (claim.depth, two.claim(world.old))

    def test_without_the_host_too_it_is_owed_to_the_shared_one_alone(self, world: Hosts) -> None:
        """Nothing is raised: the pair goes to the browser whatever becomes of its record."""
        one = world.on("a")
        with world.outage():
            world.host("a").is_up = False
            claim = claimed(one, world.old)
            answer = world.provider.refresh(world.old)
            one.write_result(claim, world.old, answer)
        one._shared.tell_everything()
        assert Adopt(answer) == world.on("b").claim(world.old)

    def test_rule_8_the_host_knows_the_floor_of_the_next_link(self, world: Hosts) -> None:
        """As the shared one does, once it is told."""
        one = world.on("a")
        with world.outage():
            claim = claimed(one, world.old)
            answer = world.provider.refresh(world.old)
            one.write_result(claim, world.old, answer)
        one._shared.tell_everything()
        for store in (world.host("a"), world.store):
            record = world.stands(store, merge(world.old, answer))
            assert isinstance(record, Record)
            assert (Untouched, world.times.milliseconds() + 300_000) == (type(record.state), record.floor)

    def test_of_two_outages_the_later_result_is_told(self, world: Hosts) -> None:
        """Each link has a record of its own, and none is forgotten for another."""
        one, session = world.on("a"), world.old
        with world.outage():
            for _ in range(3):
                answer = world.provider.refresh(session)
                one.write_result(claimed(one, session), session, answer)
                session = merge(session, answer)
        one._shared.tell_everything()
        standing = world.on("b").standing(world.old)
        assert standing.newer is not None
        assert session.refresh_token == standing.newer.refresh_token

    def test_rule_6_what_only_the_host_knows_answers_a_denial(self, world: Hosts) -> None:
        """Its writer was killed before the shared one could be told. Nobody is signed out for that."""
        one, two = world.on("a"), world.on("a")
        with world.outage():
            claim = claimed(one, world.old)
            answer = world.provider.refresh(world.old)
            one.write_result(claim, world.old, answer)
        outcome = world.travel(two, world.old)
        assert (Kind.REFRESHED, answer.refresh_token) == (outcome.kind, newest(outcome).refresh_token)


class TestUndecided:
    """A claim was sent to the shared coordinator, and its answer was lost."""

    def lose_an_answer(self, world: Hosts) -> None:
        """Let it take the next claim, and not say so."""
        world.store.fail_at("swap", afterwards=True)

    def be_back(self, world: Hosts) -> None:
        """Let it answer again."""
        world.store.is_up, world.store.after = True, lambda _step: None

    def test_rule_7_with_reuse_detection_it_is_given_back(self, stern: Hosts) -> None:
        """Nobody was asked, and nobody has to wait for its lease to end, nor to call it a takeover."""
        ledger = stern.on("a")
        self.lose_an_answer(stern)
        with pytest.raises(CoordinatorUnavailable):
            ledger.claim(stern.old)
        assert isinstance(getattr(stern.stands(stern.store, stern.old), "state", None), Claimed)
        self.be_back(stern)
        ledger._shared.tell_everything()
        stern.times.advance(2)
        assert Attempt.FIRST is claimed(stern.on("b"), stern.old).attempt

    def test_rule_7_one_that_was_not_taken_needs_no_giving_back(self, stern: Hosts) -> None:
        """And what somebody else did meanwhile stays."""
        ledger = stern.on("a")
        stern.store.fail_at("swap")
        with pytest.raises(CoordinatorUnavailable):
            ledger.claim(stern.old)
        stern.store.is_up, stern.store.before = True, lambda _step: None
        other = claimed(stern.on("b"), stern.old)
        ledger._shared.tell_everything()
        record = stern.stands(stern.store, stern.old)
        assert record is not None
        assert other.owner == getattr(record.state, "owner", None)

    def test_who_went_on_without_it_keeps_it(self, world: Hosts) -> None:
        """The others wait for it while the provider is asked, and find the result in its place."""
        ledger, far = world.on("a"), world.on("b")
        self.lose_an_answer(world)
        claim = claimed(ledger, world.old)
        assert (1, Attempt.FIRST) == (claim.depth, claim.attempt)
        self.be_back(world)
        ledger._shared.tell_everything()
        assert Busy(0) == far.claim(world.old)
        answer = world.provider.refresh(world.old)
        ledger.write_result(claim, world.old, answer)
        assert Adopt(answer) == far.claim(world.old, deepest=0)

    def test_who_had_waited_for_a_claim_in_it_gives_it_back(self, world: Hosts) -> None:
        """It asks nobody without it."""
        ledger = world.on("a")
        self.lose_an_answer(world)
        with pytest.raises(CoordinatorUnavailable):
            ledger.claim(world.old, deepest=0)
        self.be_back(world)
        ledger._shared.tell_everything()
        assert Attempt.FIRST is claimed(world.on("b"), world.old).attempt

    @pytest.mark.parametrize("what", ["busy", "result", "failed"])
    def test_who_was_answered_by_the_host_gives_it_back(self, world: Hosts, what: str) -> None:
        """Somebody of the same host is at it, or was: nothing is asked for with this claim."""
        one, two = world.on("a"), world.on("a")
        with world.outage():
            claim = claimed(one, world.old)
            if what == "result":
                one.write_result(claim, world.old, world.provider.refresh(world.old))
            if what == "failed":
                one.write_failure(claim, Failure.UNAVAILABLE, 30)
        self.lose_an_answer(world)
        expected = {"busy": Busy, "result": Adopt, "failed": Refused}[what]
        assert expected is type(two.claim(world.old))
        self.be_back(world)
        assert Busy(0) == world.on("b").claim(world.old)
        two._shared.tell_everything()
        assert Attempt.FIRST is claimed(world.on("b"), world.old).attempt

    def test_what_came_of_it_is_said_in_its_place(self, world: Hosts) -> None:
        """A failure of a shared claim that cannot be written is written later, if nobody has taken over."""
        ledger = world.on("a")
        claim = claimed(ledger, world.old)
        with world.outage():
            ledger.write_failure(claim, Failure.HOLD, 60)
        ledger._shared.tell_everything()
        assert Refused(Failure.HOLD, 60_000) == world.on("b").claim(world.old)

    def test_a_claim_that_is_given_back_during_an_outage(self, world: Hosts) -> None:
        """Is free when it is over."""
        ledger = world.on("a")
        claim = claimed(ledger, world.old)
        with world.outage():
            ledger.give_back(claim)
        assert Busy(0) == world.on("b").claim(world.old)
        ledger._shared.tell_everything()
        assert Attempt.FIRST is claimed(world.on("b"), world.old).attempt


class TestOwed:
    """What is owed of one token at the same time, by two who asked with it."""

    def two_claims(self, world: Hosts, ledger: Ledger) -> tuple[Claim, Claim]:
        """Return the claim of somebody slow, and of whoever took over in the same process."""
        slow = claimed(ledger, world.old)
        world.times.advance(35)
        return slow, claimed(ledger, world.old)

    @pytest.mark.parametrize("failure_first", [False, True])
    def test_a_failure_does_not_take_the_place_of_a_result(self, world: Hosts, failure_first: bool) -> None:
        """In whichever order they come: the pair is in everybody's reach when it is over."""
        ledger = world.on("a")
        slow, taken = self.two_claims(world, ledger)
        answer = world.provider.refresh(world.old)
        with world.outage():
            if failure_first:
                ledger.write_failure(taken, Failure.HOLD, 60)
            ledger.write_result(slow, world.old, answer)
            if not failure_first:
                ledger.write_failure(taken, Failure.HOLD, 60)
        ledger._shared.tell_everything()
        assert Adopt(answer) == world.on("b").claim(world.old)

    def test_a_claim_that_is_taken_back_does_not_take_the_place_of_a_result(self, world: Hosts) -> None:
        """The slow one's answer came while the other's claim was on its way to a store that goes away."""
        ledger = world.on("a")
        slow = claimed(ledger, world.old)
        world.times.advance(35)
        answer = world.provider.refresh(world.old)

        def answer_now(step: str) -> None:
            if step == "swap":
                world.store.before = lambda _step: None
                world.store.is_up = False
                ledger.write_result(slow, world.old, answer)

        world.store.before = answer_now
        with pytest.raises(CoordinatorUnavailable):
            ledger.claim(world.old, deepest=0)
        world.store.is_up = True
        ledger._shared.tell_everything()
        assert Adopt(answer) == world.on("b").claim(world.old)


class TestJustBack:
    """The shared coordinator was found again, and others may not have told it yet what they know."""

    def back(self, world: Hosts) -> Ledger:
        """Return a process that has found it again this very moment."""
        ledger = world.on("a")
        with world.outage():
            ledger.look(Session(**world.provider.sign_in()))
        ledger._shared.tell_everything()
        return ledger

    @pytest.mark.parametrize("deepest", [None, 0])
    def test_a_takeover_waits_for_two_seconds(self, world: Hosts, deepest: int | None) -> None:
        """The owner may be about to tell what he was answered."""
        claimed(world.on("b"), world.old)
        world.times.advance(36)
        ledger = self.back(world)
        assert Busy(0) == ledger.claim(world.old, deepest=deepest)
        world.times.advance(1.999)
        assert Busy(0) == ledger.claim(world.old, deepest=deepest)
        world.times.advance(0.001)
        assert Attempt.TAKEOVER is claimed(ledger, world.old, deepest).attempt

    def test_the_first_attempt_and_the_one_after_a_hold_do_not(self, world: Hosts) -> None:
        """A call too many costs little; everybody would be made to wait."""
        held = Session(**world.provider.sign_in())
        other = world.on("b")
        other.write_failure(claimed(other, held), Failure.HOLD, 1)
        world.times.advance(1)
        ledger = self.back(world)
        assert [Attempt.FIRST, Attempt.AFTER_HOLD] == [claimed(ledger, one).attempt for one in (world.old, held)]

    def test_who_was_not_without_it_waits_for_nothing(self, world: Hosts) -> None:
        """It knows of no outage."""
        claimed(world.on("b"), world.old)
        world.times.advance(36)
        self.back(world)
        assert Attempt.TAKEOVER is claimed(world.on("c"), world.old).attempt

    def test_with_reuse_detection_every_attempt_waits(self, stern: Hosts) -> None:
        """A store that comes back empty says of a used token that nobody was there."""
        held, over = (Session(**stern.provider.sign_in()) for _ in range(2))
        other = stern.on("b")
        other.write_failure(claimed(other, held), Failure.HOLD, 1)
        claimed(other, over)
        stern.times.advance(36)
        ledger = self.back(stern)
        every = (stern.old, over, held)
        assert [Busy(0)] * 3 == [ledger.claim(session) for session in every]
        stern.times.advance(1.999)
        assert [Busy(0)] * 3 == [ledger.claim(session) for session in every]
        stern.times.advance(0.001)
        attempts = [claimed(ledger, session).attempt for session in every]
        assert [Attempt.FIRST, Attempt.TAKEOVER, Attempt.AFTER_HOLD] == attempts

    def test_with_reuse_detection_what_is_there_is_adopted_at_once(self, stern: Hosts) -> None:
        """Nobody has to be asked for that."""
        other = stern.on("b")
        answer = stern.provider.refresh(stern.old)
        other.write_result(claimed(other, stern.old), stern.old, answer)
        assert Adopt(answer) == self.back(stern).claim(stern.old)

    def test_with_reuse_detection_a_result_that_is_told_within_that_time_saves_a_call(self, stern: Hosts) -> None:
        """The store came back empty; the winner tells it what it knows, and whoever waited adopts."""
        winner = stern.on("b")
        claim = claimed(winner, stern.old)
        waiter = self.back(stern)
        stern.store.inner = MemoryCoordinator(clock=stern.times.milliseconds)
        assert Busy(0) == waiter.claim(stern.old, deepest=0)
        answer = stern.provider.refresh(stern.old)
        winner.write_result(claim, stern.old, answer)
        assert Adopt(answer) == waiter.claim(stern.old, deepest=0)

    def test_who_saw_a_claim_at_the_host_does_not_ask_beside_it(self, world: Hosts) -> None:
        """The owner of the host's claim is at it, which the shared one has not been told."""
        one, two = world.on("a"), world.on("a")
        with world.outage():
            claim = claimed(one, world.old)
            assert Busy(1) == two.claim(world.old)
        assert Busy(0) == two.claim(world.old, deepest=1)
        answer = world.provider.refresh(world.old)
        one.write_result(claim, world.old, answer)
        assert Adopt(answer) == two.claim(world.old, deepest=0)

    def test_during_an_outage_the_host_takes_over_at_once(self, world: Hosts) -> None:
        """It was not away."""
        one, two = world.on("a"), world.on("a")
        with world.outage():
            claimed(one, world.old)
            world.times.advance(35)
            assert (Attempt.TAKEOVER, 1) == (lambda claim: (claim.attempt, claim.depth))(claimed(two, world.old))


class TestDoubt:
    """Whether a denial can be believed."""

    def test_rule_6_who_noticed_nothing_doubts_as_long(self, world: Hosts) -> None:
        """Another process was without it, on another host, and may have used the token."""
        one, other = world.on("a"), world.on("b")
        with world.outage():
            one.look(world.old)
        assert not other.is_in_doubt, "nobody has said so yet"
        one._shared.tell_everything()
        world.times.advance(119.999)
        assert other.is_in_doubt
        world.times.advance(0.001)
        assert not other.is_in_doubt

    def test_rule_6_a_denial_by_who_noticed_nothing_is_held(self, world: Hosts) -> None:
        """It comes while the one who was without it is still asking for the same token."""
        one, other = world.on("a"), world.on("b")
        with world.outage():
            claim = claimed(one, world.old)
            answer = world.provider.refresh(world.old)
        one._shared.tell_everything()
        assert Kind.UNAVAILABLE is world.travel(other, world.old).kind
        one.write_result(claim, world.old, answer)
        assert newest(world.travel(other, world.old)) == answer

    def test_rule_6_an_emptied_store_leaves_doubt(self, world: Hosts) -> None:
        """Nobody noticed an outage, and all that it knew is gone: a denial is no news of a dead session."""
        one, other = world.on("a"), world.on("b")
        claim = claimed(one, world.old)
        one.write_result(claim, world.old, world.provider.refresh(world.old))
        world.store.inner = MemoryCoordinator(clock=world.times.milliseconds)
        outcome = world.travel(other, world.old)
        assert (Kind.UNAVAILABLE, Failed) == (outcome.kind, self.state(world))
        assert Kind.REFRESHED is world.travel(one, world.old).kind, "who knows the result serves it"

    def state(self, world: Hosts) -> type | None:
        """What kind of thing the store knows of the old token."""
        record = world.stands(world.store, world.old)
        return None if record is None else type(record.state)
