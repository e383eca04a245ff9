"""The pure state machine: every state, every answer, every way from one to the next, and the bytes of all of them."""

from __future__ import annotations

from typing import Any, get_args

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session.refresh import record as records
from sealed_session.refresh.record import (
    CALL_LIMIT,
    ENDED_CLAIM_KEPT,
    HOUR,
    LEASE,
    SPENT_KEPT,
    SPENT_KEPT_REUSE,
    Adopt,
    Attempt,
    Claimed,
    Failed,
    Failure,
    Held,
    Mine,
    Overtaken,
    Record,
    Refused,
    Result,
    Spent,
    State,
    Untouched,
    Wait,
)

NOW = 1_000_000
ME, OTHER = b"m" * 16, b"o" * 16
BOX = b"box"

times = st.integers(0, 2**53)
texts = st.binary(max_size=64)
states = st.one_of(
    st.builds(Claimed, times, texts, st.sampled_from(Attempt)),
    st.builds(Result, times, texts, times, times),
    st.builds(Failed, times, st.sampled_from(Failure)),
    st.builds(Held, times),
    st.builds(Spent, times),
    st.builds(Untouched, times),
)
some_records = st.builds(Record, states, times)


def opens(box: bytes) -> str | None:
    """A box that holds something newer than what is at hand."""
    return box.decode()


def is_mine_already(_box: bytes) -> str | None:
    """A box that holds what is at hand."""
    return None


def is_nonsense(_box: bytes) -> str | None:
    """A box that does not open."""
    raise ValueError("a box that this token does not open")


def ask(state: State | None, newer: Any = opens, floor: int = 0) -> Any:
    """Come with a token whose record is in a state."""
    return records.claim_or_get(None if state is None else Record(state, floor), NOW, ME, newer)


def mine(attempt: Attempt, floor: int = 0) -> Mine:
    """The answer to somebody who is to ask the provider."""
    return Mine(Record(Claimed(NOW + LEASE, ME, attempt), floor), attempt)


class TestClaimOrGet:
    """What whoever comes with the token is told."""

    def test_rule_1_nothing_is_mine(self) -> None:
        """Nobody was here before: the first attempt."""
        assert mine(Attempt.FIRST) == ask(None)

    def test_rule_1_a_result_is_adopted(self) -> None:
        """For as long as it lives."""
        assert Adopt("box") == ask(Result(NOW + 1, BOX, 7, HOUR))

    def test_rule_1_a_live_claim_is_waited_for(self) -> None:
        """To its last millisecond."""
        assert Wait() == ask(Claimed(NOW + 1, OTHER, Attempt.FIRST))

    @pytest.mark.parametrize("before", Attempt)
    def test_rule_1_an_ended_claim_says_that_it_is_taken_over(self, before: Attempt) -> None:
        """Never claimed, and claimed with an outcome that nobody knows, are two things."""
        assert mine(Attempt.TAKEOVER) == ask(Claimed(NOW, OTHER, before))

    @pytest.mark.parametrize("failure", Failure)
    def test_rule_1_a_failure_is_the_answer(self, failure: Failure) -> None:
        """With the time for which it stays so."""
        assert Refused(failure, 1) == ask(Failed(NOW + 1, failure))

    def test_rule_1_a_spent_token_is_superseded(self) -> None:
        """Nobody asks the provider with it."""
        assert Overtaken() == ask(Spent(NOW + 1))

    @pytest.mark.parametrize("state", [Spent(NOW), Untouched(NOW), Untouched(NOW + 1)])
    def test_what_is_over_or_says_nothing_is_the_first_attempt(self, state: State) -> None:
        """What was known of a spent token is forgotten; of an untouched one nothing was known."""
        assert mine(Attempt.FIRST) == ask(state)

    @pytest.mark.parametrize("failure", [Failure.DENIED, Failure.UNAVAILABLE, Failure.REVOKED])
    def test_after_a_failure_that_nothing_follows_on_it_is_the_first_attempt(self, failure: Failure) -> None:
        """It is over, and leaves no doubt behind."""
        assert mine(Attempt.FIRST) == ask(Failed(NOW, failure))

    @pytest.mark.parametrize("state", [Failed(NOW, Failure.HOLD), Held(NOW + 1), Held(NOW)])
    def test_rule_6_after_a_hold_comes_the_attempt_that_is_believed(self, state: State) -> None:
        """And not the first one, nor a takeover."""
        assert mine(Attempt.AFTER_HOLD) == ask(state)

    @pytest.mark.parametrize("spent_for", [SPENT_KEPT, SPENT_KEPT_REUSE])
    def test_rule_8_after_a_result_the_token_is_known_to_be_spent(self, spent_for: int) -> None:
        """For an hour, or a day; then nothing is known of it any more."""
        assert (3_600_000, 86_400_000) == (SPENT_KEPT, SPENT_KEPT_REUSE)
        assert Overtaken() == ask(Result(NOW, BOX, 7, spent_for))
        assert Overtaken() == ask(Result(NOW - spent_for + 1, BOX, 7, spent_for))
        assert mine(Attempt.FIRST) == ask(Result(NOW - spent_for, BOX, 7, spent_for))

    def test_rule_9_a_result_that_one_holds_already_is_no_answer(self) -> None:
        """With a provider that does not rotate it stands under the token's own key, and the chain ends there."""
        assert mine(Attempt.FIRST) == ask(Result(NOW + 1, BOX, 7, HOUR), is_mine_already)

    def test_a_box_that_does_not_open_leaves_the_outcome_unknown(self) -> None:
        """Somebody wrote nonsense there. What the provider says now is not believed at once."""
        assert mine(Attempt.TAKEOVER) == ask(Result(NOW + 1, BOX, 7, HOUR), is_nonsense)

    @pytest.mark.parametrize(
        "state",
        [
            Claimed(NOW, OTHER, Attempt.FIRST),
            Failed(NOW, Failure.DENIED),
            Held(NOW),
            Spent(NOW),
            Untouched(NOW),
            Result(NOW + 1, BOX, 7, HOUR),
        ],
    )
    def test_rule_8_a_claim_keeps_the_floor(self, state: State) -> None:
        """Whatever was there before."""
        assert 77 == ask(state, is_mine_already, floor=77).record.floor

    def test_rule_4_a_lease_is_a_call_and_five_seconds(self) -> None:
        """So that whoever holds it has those seconds to begin in."""
        assert (30_000, 35_000) == (CALL_LIMIT, LEASE)


class TestSignedOut:
    """A token that was signed out, and that the provider has given out again."""

    STATE = Failed(NOW + 5, Failure.REVOKED, 1000)

    @pytest.mark.parametrize(("started_at", "is_over"), [(None, True), (999, True), (1000, False), (1001, False)])
    def test_whoever_began_later_is_not_refused(self, started_at: int | None, is_over: bool) -> None:
        """The sign-out was of somebody before; nobody's beginning is no excuse."""
        answer = records.claim_or_get(Record(self.STATE, 7), NOW, ME, opens, started_at)
        assert (Refused(Failure.REVOKED, 5) if is_over else mine(Attempt.FIRST, 7)) == answer
        assert is_over == records.concerns(self.STATE, NOW, started_at)

    def test_what_names_no_beginning_is_everybodys(self) -> None:
        """Every other failure, for example."""
        state = Failed(NOW + 5, Failure.DENIED)
        assert Refused(Failure.DENIED, 5) == records.claim_or_get(Record(state), NOW, ME, opens, 10**9)

    def test_a_record_without_it_is_read(self) -> None:
        """As it was written by whoever knew of none."""
        assert Record(Failed(1, Failure.REVOKED)) == records.unpack(msgpack.packb([2, 0, 1, 3]))


class TestResultOf:
    """Looking without claiming."""

    def test_a_result_is_found(self) -> None:
        """Until it is over."""
        assert Adopt("box") == records.result_of(Record(Result(NOW + 1, BOX, 7, HOUR)), NOW, opens)
        fresh = Record(Result(NOW + 1, BOX, 7, HOUR, NOW + 1))
        assert Adopt("box", is_fresh=True) == records.result_of(fresh, NOW, opens)
        assert None is records.result_of(Record(Result(NOW, BOX, 7, HOUR)), NOW, opens)

    @pytest.mark.parametrize(
        "record", [None, Record(Claimed(NOW, ME, Attempt.FIRST)), Record(Spent(NOW)), Record(Held(NOW))]
    )
    def test_all_else_is_nothing(self, record: Record | None) -> None:
        """And opens no box."""
        assert None is records.result_of(record, NOW, is_nonsense)

    @pytest.mark.parametrize("newer", [is_mine_already, is_nonsense])
    def test_a_result_of_no_use_is_nothing(self, newer: Any) -> None:
        """What one holds already, and what does not open."""
        assert None is records.result_of(Record(Result(NOW + 1, BOX, 7, HOUR)), NOW, newer)


class TestSettled:
    """What time alone does."""

    @pytest.mark.parametrize(
        ("state", "later"),
        [
            (Result(NOW, BOX, 7, HOUR), Spent(NOW + HOUR)),
            (Failed(NOW, Failure.HOLD), Held(NOW + HOUR)),
        ],
    )
    def test_what_ends_becomes_something_else(self, state: State, later: State) -> None:
        """At its time and not a millisecond before. The floor stays."""
        assert Record(later, 7) == records.settled(Record(state, 7), NOW)
        assert Record(state, 7) == records.settled(Record(state, 7), NOW - 1)

    @pytest.mark.parametrize(
        "state",
        [
            Claimed(NOW, ME, Attempt.FIRST),
            Failed(NOW, Failure.DENIED),
            Failed(NOW, Failure.UNAVAILABLE),
            Failed(NOW, Failure.REVOKED),
            Held(NOW),
            Spent(NOW),
            Untouched(NOW),
        ],
    )
    def test_all_else_stays(self, state: State) -> None:
        """An ended claim too: that it was there is worth knowing."""
        assert Record(state) == records.settled(Record(state), NOW)


class TestWithResult:
    """A result is always written."""

    @pytest.mark.parametrize(
        "state",
        [
            Claimed(NOW + 1, ME, Attempt.FIRST),
            Claimed(NOW + 1, OTHER, Attempt.TAKEOVER),
            Claimed(NOW, ME, Attempt.FIRST),
            *(Failed(NOW + 1, failure) for failure in Failure),
            Held(NOW + 1),
            Spent(NOW + 1),
            Untouched(NOW + 1),
        ],
    )
    def test_rule_5_over_whatever_is_there(self, state: State) -> None:
        """Over a claim of somebody else's, over an ended lease, over a failure."""
        result = Result(NOW + 9, BOX, 7, HOUR)
        assert Record(result, 5) == records.with_result(Record(state, 5), result)

    def test_rule_5_over_nothing(self) -> None:
        """What the coordinator has forgotten is told it again."""
        result = Result(NOW + 9, BOX, 7, HOUR)
        assert Record(result, 0) == records.with_result(None, result)

    def test_rule_5_of_two_the_later_issued_stays(self) -> None:
        """Whichever comes first. Of two that are as late, the second."""
        early, late = Result(NOW + 9, b"early", 7, HOUR), Result(NOW + 9, b"late", 8, HOUR)
        assert Record(late, NOW + 9) == records.with_result(Record(early), late)
        assert Record(late) == records.with_result(Record(late), early)
        same = Result(NOW + 99, b"same", 7, HOUR)
        assert same == records.with_result(Record(early), same).state

    def test_rule_8_a_result_lives_as_long_as_its_floor(self) -> None:
        """Whoever follows a chain must not find a later link gone before an earlier one."""
        assert NOW + 50 == records.with_result(Record(Spent(0), NOW + 50), Result(NOW + 9, BOX, 7, HOUR)).state.ends
        assert NOW + 99 == records.with_result(Record(Spent(0), NOW + 50), Result(NOW + 99, BOX, 7, HOUR)).state.ends

    def test_rule_8_a_result_lives_as_long_as_the_one_it_replaces(self) -> None:
        """Somebody may count on that."""
        replaced = records.with_result(Record(Result(NOW + 50, BOX, 7, HOUR)), Result(NOW + 9, b"late", 8, HOUR))
        assert Record(Result(NOW + 50, b"late", 8, HOUR), NOW + 50) == replaced

    @given(some_records | st.none(), st.builds(Result, times, texts, times, times))
    def test_rule_8_no_result_ends_before_its_floor(self, record: Record | None, result: Result) -> None:
        """Whatever was there; and there is always a result afterwards."""
        after = records.with_result(record, result)
        assert isinstance(after.state, Result)
        if record is None or not isinstance(record.state, Result):
            assert after.state.ends == max(result.ends, 0 if record is None else record.floor)


class TestWithFailure:
    """A failure is written over one's own claim and nothing else."""

    @pytest.mark.parametrize("ends", [NOW + 1, NOW])
    def test_rule_5_over_ones_own_claim(self, ends: int) -> None:
        """Also after its lease ended, as long as nobody took it over. The floor stays."""
        failed = Failed(NOW + 9, Failure.HOLD)
        assert Record(failed, 5) == records.with_failure(Record(Claimed(ends, ME, Attempt.FIRST), 5), ME, failed)

    @pytest.mark.parametrize(
        "record",
        [
            None,
            Record(Claimed(NOW + 1, OTHER, Attempt.TAKEOVER)),
            Record(Result(NOW + 1, BOX, 7, HOUR)),
            Record(Failed(NOW + 1, Failure.REVOKED)),
            Record(Held(NOW + 1)),
            Record(Spent(NOW + 1)),
            Record(Untouched(NOW + 1)),
        ],
    )
    def test_rule_5_over_nothing_else(self, record: Record | None) -> None:
        """Above all not over a result."""
        assert None is records.with_failure(record, ME, Failed(NOW + 9, Failure.DENIED))


class TestGivenBack:
    """A claim that came to nothing leaves the record as it was found."""

    @pytest.mark.parametrize("ends", [NOW + 1, NOW - 1])
    @pytest.mark.parametrize(("attempt", "left"), [(Attempt.FIRST, 0), (Attempt.FIRST, 9), (Attempt.AFTER_HOLD, 9)])
    def test_the_next_attempt_is_of_the_same_kind(self, attempt: Attempt, left: int, ends: int) -> None:
        """After a while in which nobody asks. Also when the lease had ended, if nobody has taken over."""
        back = records.given_back(Record(Claimed(ends, ME, attempt), 5), ME, NOW + left)
        assert back is not None
        if left:
            refused = records.claim_or_get(back, NOW + left - 1, OTHER, opens)
            assert isinstance(refused, Refused)
            assert 1 == refused.left
        after = Record(Claimed(NOW + left + LEASE, OTHER, attempt), 5)
        assert Mine(after, attempt) == records.claim_or_get(back, NOW + left, OTHER, opens)

    def test_a_failure_that_passes_is_what_is_seen_of_it(self) -> None:
        """Of the first attempt that the provider is out of reach; of the one after a hold, the hold."""
        kinds = [Failure.UNAVAILABLE, Failure.HOLD]
        for attempt, failure in zip((Attempt.FIRST, Attempt.AFTER_HOLD), kinds, strict=True):
            back = records.given_back(Record(Claimed(NOW + 1, ME, attempt), 5), ME, NOW + 9)
            assert Record(Failed(NOW + 9, failure), 5) == back

    @pytest.mark.parametrize("left", [0, 9])
    def test_rule_6_of_a_takeover_it_stays_an_ended_claim(self, left: int) -> None:
        """What became of the call before is as unknown as it was: a denial is not believed next time either."""
        back = records.given_back(Record(Claimed(NOW + 99, ME, Attempt.TAKEOVER), 5), ME, NOW + left)
        assert Record(Claimed(NOW + left, ME, Attempt.TAKEOVER), 5) == back
        after = Record(Claimed(NOW + left + LEASE, OTHER, Attempt.TAKEOVER), 5)
        assert Mine(after, Attempt.TAKEOVER) == records.claim_or_get(back, NOW + left, OTHER, opens)
        if left:
            assert Wait() == records.claim_or_get(back, NOW + left - 1, OTHER, opens)

    @pytest.mark.parametrize(
        "record",
        [
            None,
            Record(Claimed(NOW + 1, OTHER, Attempt.TAKEOVER)),
            Record(Result(NOW + 1, BOX, 7, HOUR)),
            Record(Failed(NOW + 1, Failure.REVOKED)),
            Record(Held(NOW + 1)),
            Record(Spent(NOW + 1)),
            Record(Untouched(NOW + 1)),
        ],
    )
    def test_rule_5_what_is_not_ones_own_claim_stays(self, record: Record | None) -> None:
        """Somebody took over, or wrote a result."""
        assert None is records.given_back(record, ME, NOW)


class TestWithFloor:
    """What the next token is promised."""

    def test_rule_8_nothing_becomes_a_token_with_a_floor(self) -> None:
        """Of which nothing else is known."""
        assert Record(Untouched(77), 77) == records.with_floor(None, 77)

    @given(some_records, times)
    def test_rule_8_a_floor_only_rises(self, record: Record, floor: int) -> None:
        """And changes nothing else."""
        assert Record(record.state, max(record.floor, floor)) == records.with_floor(record, floor)


class TestLives:
    """How long a coordinator keeps a record."""

    @pytest.mark.parametrize(
        ("state", "lives"),
        [
            (Claimed(NOW + 5, ME, Attempt.FIRST), 5 + ENDED_CLAIM_KEPT),
            (Result(NOW + 5, BOX, 7, 60), 65),
            (Failed(NOW + 5, Failure.HOLD), 5 + HOUR),
            (Failed(NOW + 5, Failure.DENIED), 5),
            (Held(NOW + 5), 5),
            (Spent(NOW + 5), 5),
            (Untouched(NOW + 5), 5),
            (Spent(NOW - 5), 1),
        ],
    )
    def test_it_is_kept_for_all_that_it_will_become(self, state: State, lives: int) -> None:
        """And never for no time at all, which coordinators take for a mistake."""
        assert lives == records.lives(Record(state), NOW)

    @given(some_records, times)
    def test_it_is_never_forgotten_before_it_has_said_all(self, record: Record, now: int) -> None:
        """What time makes of it is not kept for longer than it itself."""
        assert records.lives(records.settled(record, now), now) <= records.lives(record, now)


class TestBytes:
    """What a coordinator is given."""

    @given(some_records)
    def test_any_record_comes_back(self, record: Record) -> None:
        """As it was, enumerations too."""
        back = records.unpack(records.pack(record))
        assert record == back
        assert [type(getattr(record.state, name)) for name in record.state.__slots__] == [
            type(getattr(back.state, name)) for name in back.state.__slots__
        ]

    @pytest.mark.parametrize("number", range(6))
    def test_the_numbers_of_the_states_stay(self, number: int) -> None:
        """Half-deployed fleets read each other's records."""
        some: list[State] = [
            Claimed(1, b"o", Attempt.FIRST),
            Result(1, b"b", 2, 3),
            Failed(1, Failure.REVOKED),
            Held(1),
            Spent(1),
            Untouched(1),
        ]
        assert number == msgpack.unpackb(records.pack(Record(some[number])))[0]

    @given(st.binary(max_size=40))
    def test_any_bytes_are_a_record_or_none(self, data: bytes) -> None:
        """And nothing else is raised."""
        check_unpacked(data)

    @given(
        st.integers(-1, 6),
        st.lists(st.integers(-(2**63), 2**64 - 1) | st.integers(0, 4) | st.binary(max_size=4) | st.none(), max_size=5),
    )
    def test_any_values_are_a_record_or_none(self, kind: int, values: list[Any]) -> None:
        """Whoever can write to the store can write whatever he likes; what comes out has the types of a record."""
        check_unpacked(msgpack.packb([kind, *values]))

    @pytest.mark.parametrize(
        "values",
        [
            [],
            [0],
            [6, 0, 1],
            [-1, 0, 1],
            [3, 0],
            [3, 0, 1, 1],
            [3, None, 1],
            [3, b"0", 1],
            [3, 0, b"1"],
            [True, 0, 1],
            [False, 0, 1, b"", 0],
            [0, 0, 1, 5, 0],
            [0, 0, 1, b"", 3],
            [0, 0, b"1", b"", 0],
            [1, 0, 1, 5, 2, 3, 0],
            [1, 0, 1, b"", b"2", 3, 0],
            [2, 0, 1, 5],
            [2, 0, 2**53 + 1, 0],
            [2, 0, b"1", 0],
            "text",
            5,
            {},
        ],
    )
    def test_what_is_no_record(self, values: Any) -> None:
        """A number too few, one too many, or a value of another type."""
        with pytest.raises(ValueError, match="no record"):
            records.unpack(msgpack.packb(values))

    def test_the_message_holds_nothing_of_it(self) -> None:
        """Nor does the error that it came from."""
        with pytest.raises(ValueError, match="no record") as caught:
            records.unpack(msgpack.packb([1, "secret"]))
        assert (False, None) == ("secret" in str(caught.value), caught.value.__cause__)

    def test_a_result_does_not_show_its_box(self) -> None:
        """In a log, for example."""
        assert "box" not in repr(Result(1, b"secret box", 2, 3))

    def test_every_state_is_named(self) -> None:
        """A state that has no number cannot be stored."""
        assert set(get_args(State)) == set(records._STATES)


def check_unpacked(data: bytes) -> None:
    """Unpack: a record whose every value has its type and can be packed again, or ValueError."""
    try:
        record = records.unpack(data)
    except ValueError:
        return
    kinds = {"owner": bytes, "box": bytes, "attempt": Attempt, "failure": Failure}
    for name in record.state.__slots__:
        assert kinds.get(name, int) is type(getattr(record.state, name)), name
    assert int is type(record.floor)
    assert record == records.unpack(records.pack(record))
