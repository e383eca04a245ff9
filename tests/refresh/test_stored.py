"""Records in a coordinator: read, claimed and changed, each as one atomic step, whoever comes in between."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from sealed_session.refresh import record as records
from sealed_session.refresh import stored
from sealed_session.refresh.coordinator import CoordinatorUnavailable
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.record import (
    ENDED_CLAIM_KEPT,
    HOUR,
    LEASE,
    Adopt,
    Attempt,
    Claimed,
    Failed,
    Failure,
    Mine,
    Overtaken,
    Record,
    Refused,
    Result,
    Spent,
    State,
    Wait,
)
from sealed_session.refresh.stored import Undecided

from .faults import Store, Times

KEY = b"key"
ME, OTHER = b"m" * 16, b"o" * 16


@pytest.fixture
def times() -> Times:
    """A clock that stands still."""
    return Times()


@pytest.fixture
def store(times: Times) -> Store:
    """A coordinator."""
    return Store(MemoryCoordinator(clock=times.milliseconds))


def opens(box: bytes) -> str | None:
    """A box that holds something newer than what is at hand."""
    return box.decode()


def put(store: Store, state: State) -> None:
    """Let a record stand there."""
    put_bytes(store, records.pack(Record(state)))


def put_bytes(store: Store, value: bytes) -> None:
    """Let something stand there."""
    assert store.inner.swap(KEY, store.inner.read(KEY).value, value, HOUR)


def there(store: Store) -> Record | None:
    """What stands there."""
    return stored.read(store.inner, KEY).record


def every_swap(store: Store, do: Callable[[], None]) -> None:
    """Let somebody else come in before each swap."""
    store.before = lambda step: do() if step == "swap" else None


class TestRead:
    """What a coordinator holds."""

    def test_nothing(self, store: Store, times: Times) -> None:
        """And its time."""
        assert stored.Found(None, None, times.milliseconds()) == stored.read(store, KEY)

    def test_a_record(self, store: Store, times: Times) -> None:
        """With its bytes, which a swap wants to see again."""
        record = Record(Spent(times.milliseconds() + 5), 7)
        put_bytes(store, records.pack(record))
        assert stored.Found(records.pack(record), record, times.milliseconds()) == stored.read(store, KEY)

    def test_what_is_none_of_ours(self, store: Store, times: Times, caplog: pytest.LogCaptureFixture) -> None:
        """Somebody wrote it: what became of the token is unknown. When it is replaced, that is logged."""
        put_bytes(store, b"secret nonsense")
        unknown = Record(Claimed(0, b"", Attempt.TAKEOVER))
        assert stored.Found(b"secret nonsense", unknown, times.milliseconds()) == stored.read(store, KEY)
        assert [] == caplog.records
        assert Attempt.TAKEOVER is stored.claim(store, KEY, ME, opens).attempt  # type: ignore[union-attr]
        assert [("sealed_session", logging.ERROR)] == [(line.name, line.levelno) for line in caplog.records]
        assert "secret" not in caplog.text


class TestClaim:
    """Who may ask the provider."""

    def test_what_is_free_is_claimed(self, store: Store, times: Times) -> None:
        """With one read and one swap; it stays as long as an ended claim is to be seen."""
        record = Record(Claimed(times.milliseconds() + LEASE, ME, Attempt.FIRST))
        assert Mine(record, Attempt.FIRST) == stored.claim(store, KEY, ME, opens)
        assert (["read", "swap"], record) == (store.asked, there(store))
        times.advance((LEASE + ENDED_CLAIM_KEPT) / 1000 - 0.001)
        assert record == there(store)
        times.advance(0.001)
        assert None is there(store)

    @pytest.mark.parametrize(
        ("state", "answer"),
        [
            (Claimed(1_000_000 + LEASE, OTHER, Attempt.FIRST), Wait()),
            (Result(2_000_000, b"box", 1, HOUR), Adopt("box")),
            (Failed(1_000_007, Failure.DENIED), Refused(Failure.DENIED, 7)),
            (Spent(2_000_000), Overtaken()),
        ],
    )
    def test_what_is_not_free_is_answered(self, store: Store, state: State, answer: object) -> None:
        """With a read alone."""
        put(store, state)
        assert answer == stored.claim(store, KEY, ME, opens)
        assert ["read"] == store.asked

    def test_what_is_none_of_ours_is_replaced(self, store: Store) -> None:
        """As if nothing were there."""
        put_bytes(store, b"nonsense")
        answer = stored.claim(store, KEY, ME, opens)
        assert isinstance(answer, Mine)
        assert answer.record == there(store)

    @pytest.mark.parametrize(
        ("state", "attempt"),
        [
            (None, Attempt.FIRST),
            (Claimed(1_000_000, OTHER, Attempt.FIRST), Attempt.TAKEOVER),
            (Failed(1_000_000, Failure.HOLD), Attempt.AFTER_HOLD),
        ],
    )
    def test_what_is_not_to_be_attempted_now_waits(self, store: Store, state: State | None, attempt: Attempt) -> None:
        """And nothing is written; everything else is claimed."""
        if state is not None:
            put(store, state)
        assert Wait() == stored.claim(store, KEY, ME, opens, (attempt,))
        assert ["read"] == store.asked
        others = [other for other in Attempt if other is not attempt]
        assert attempt is getattr(stored.claim(store, KEY, ME, opens, others), "attempt", None)

    def test_what_can_be_adopted_now_is(self, store: Store) -> None:
        """Whatever is not to be attempted."""
        put(store, Result(2_000_000, b"box", 1, HOUR))
        assert Adopt("box") == stored.claim(store, KEY, ME, opens, tuple(Attempt))

    def test_who_was_faster_is_seen(self, store: Store) -> None:
        """It is read again; what is there then is the answer."""

        def interfere() -> None:
            store.before = lambda _step: None
            put(store, Result(2_000_000, b"box", 1, HOUR))

        every_swap(store, interfere)
        assert Adopt("box") == stored.claim(store, KEY, ME, opens)

    def test_it_is_given_up_when_everybody_is_faster(self, store: Store, times: Times) -> None:
        """At some time. Nothing of ours stands there, which is known."""

        def interfere() -> None:
            times.advance(0.001)
            put(store, Spent(times.milliseconds()))

        every_swap(store, interfere)
        with pytest.raises(CoordinatorUnavailable) as raised:
            stored.claim(store, KEY, ME, opens)
        assert CoordinatorUnavailable is type(raised.value)
        assert 200 == store.asked.count("swap")

    def test_when_it_cannot_be_read_nothing_of_ours_stands_there(self, store: Store) -> None:
        """Which is not the same as not to know."""
        store.is_up = False
        with pytest.raises(CoordinatorUnavailable) as raised:
            stored.claim(store, KEY, ME, opens)
        assert CoordinatorUnavailable is type(raised.value)

    @pytest.mark.parametrize("is_done", [False, True])
    def test_when_it_does_not_say_what_came_of_it_that_is_said(self, store: Store, is_done: bool) -> None:
        """The claim may stand there, and keep everybody waiting. The reason is the coordinator's."""
        store.fail_at("swap", afterwards=is_done)
        with pytest.raises(Undecided, match="the test says so") as raised:
            stored.claim(store, KEY, ME, opens)
        assert is_done is (there(store) is not None)
        assert True is raised.value.__suppress_context__

    def test_an_unreadable_second_look_is_undecided_no_more(self, store: Store) -> None:
        """The swap was answered: somebody was faster. Then it went away."""

        def interfere() -> None:
            store.fail_at("read")
            put(store, Spent(2_000_000))

        every_swap(store, interfere)
        with pytest.raises(CoordinatorUnavailable) as raised:
            stored.claim(store, KEY, ME, opens)
        assert CoordinatorUnavailable is type(raised.value)


class TestBox:
    """The box of a result, beside its record."""

    BOX = b"box " * 200

    def place(self, store: Store) -> bytes:
        """Where the box is."""
        record = records.unpack(store.inner.read(KEY).value or b"")
        assert isinstance(record.state, Result)
        return KEY + record.state.box

    def write(self, store: Store, ends: int, box: bytes = BOX, order: int = 1, spent_for: int = HOUR) -> Record | None:
        """Write a result."""
        result = Result(ends, box, order, spent_for, ends)
        return stored.change(store, KEY, lambda record, _now: records.with_result(record, result))

    def test_it_is_read_with_its_record(self, store: Store, times: Times) -> None:
        """And written before it: a box without a record harms nobody."""
        result = Result(times.milliseconds() + 5000, self.BOX, 1, HOUR, 7)
        written: list[int] = []
        store.after = lambda step: written.append(len(store.inner.read(KEY).value or b"")) if step == "swap" else None
        assert Record(result) == stored.change(store, KEY, lambda _record, _now: Record(result))
        assert (["read", "swap", "swap"], 0) == (store.asked, written[0])
        assert (Record(result), 16) == (there(store), len(self.place(store)) - len(KEY))
        assert len(store.inner.read(KEY).value or b"") < 60
        assert Adopt(self.BOX.decode()) == stored.claim(store, KEY, ME, opens)

    def test_it_lives_as_long_as_the_result(self, store: Store, times: Times) -> None:
        """To the millisecond; the record goes on, and says that the token is spent."""
        self.write(store, times.milliseconds() + 5000)
        place = self.place(store)
        times.advance(4.999)
        assert self.BOX == store.inner.read(place).value
        times.advance(0.001)
        assert None is store.inner.read(place).value
        store.asked.clear()
        assert Overtaken() == stored.claim(store, KEY, ME, opens)
        assert ["read"] == store.asked, "what has ended has no box to be asked for"
        times.advance(HOUR / 1000 - 0.001)
        assert Overtaken() == stored.claim(store, KEY, ME, opens)
        times.advance(0.001)
        assert None is there(store)

    def test_without_it_the_token_is_spent(self, store: Store, times: Times) -> None:
        """For as long as it would have been known."""
        self.write(store, times.milliseconds() + 5000)
        assert store.inner.swap(self.place(store), self.BOX, b"-", 1)
        times.advance(0.001)
        assert Record(Spent(times.milliseconds() + HOUR)) == there(store)
        assert Overtaken() == stored.claim(store, KEY, ME, opens)

    def test_without_it_a_token_that_was_not_rotated_is_as_good_as_before(self, store: Store, times: Times) -> None:
        """There is no harm in asking."""
        self.write(store, times.milliseconds() + 5000, spent_for=0)
        assert store.inner.swap(self.place(store), self.BOX, b"-", 1)
        times.advance(0.001)
        assert Attempt.FIRST is getattr(stored.claim(store, KEY, ME, opens), "attempt", None)

    def test_a_floor_is_written_without_it(self, store: Store, times: Times) -> None:
        """It stands there already."""
        self.write(store, times.milliseconds() + 5000)
        store.asked.clear()
        floor = times.milliseconds() + 7000
        stored.change(store, KEY, lambda record, _now: records.with_floor(record, floor))
        assert ["read", "read", "swap"] == store.asked
        found = there(store)
        assert found is not None
        assert (floor, self.BOX) == (found.floor, getattr(found.state, "box", None))

    def test_who_tells_a_result_again_makes_it_last(self, store: Store, times: Times) -> None:
        """The same box, and a later end: nobody finds the record without it."""
        self.write(store, times.milliseconds() + 5000)
        self.write(store, times.milliseconds() + 9000)
        times.advance(8.999)
        assert Adopt(self.BOX.decode(), is_fresh=True) == stored.claim(store, KEY, ME, opens)

    def test_another_result_has_another_one(self, store: Store, times: Times) -> None:
        """Whoever has read the first record finds the first box."""
        self.write(store, times.milliseconds() + 5000)
        first = self.place(store)
        self.write(store, times.milliseconds() + 5000, b"later " * 50, order=2)
        assert (self.BOX, b"later " * 50) == tuple(store.inner.read(one).value for one in (first, self.place(store)))
        assert "later " * 50 == getattr(stored.claim(store, KEY, ME, opens), "successor", None)

    @pytest.mark.parametrize("number", [1, 2])
    def test_out_of_reach_before_all_is_written(self, store: Store, times: Times, number: int) -> None:
        """There is no record of a box that is not there."""
        store.fail_at("swap", number)
        with pytest.raises(CoordinatorUnavailable):
            self.write(store, times.milliseconds() + 5000)
        assert None is there(store)


class TestChange:
    """From what is there to what shall be."""

    def test_it_becomes_what_it_shall_be(self, store: Store, times: Times) -> None:
        """The change is told what is there and the coordinator's time; the record is kept for its life."""
        put(store, Spent(2_000_000))
        seen: list[tuple[Record | None, int]] = []
        new = Record(Failed(times.milliseconds() + 5, Failure.DENIED), 3)

        def change(record: Record | None, now: int) -> Record | None:
            seen.append((record, now))
            return new

        assert new == stored.change(store, KEY, change)
        assert ([(Record(Spent(2_000_000)), times.milliseconds())], new) == (seen, there(store))
        times.advance(0.005)
        assert None is there(store)

    def test_what_shall_stay_stays(self, store: Store) -> None:
        """None says so, and so does the same again: nothing is written, and what is there is returned."""
        put(store, Spent(2_000_000))
        spent = Record(Spent(2_000_000))
        assert [spent, spent] == [
            stored.change(store, KEY, lambda _record, _now: None),
            stored.change(store, KEY, lambda record, _now: record),
        ]
        assert ["read", "read"] == store.asked

    def test_nothing_stays_nothing(self, store: Store) -> None:
        """The same."""
        assert None is stored.change(store, KEY, lambda _record, _now: None)
        assert ["read"] == store.asked

    def test_who_was_faster_is_changed_in_his_turn(self, store: Store) -> None:
        """Nothing of his is lost."""

        def interfere() -> None:
            store.before = lambda _step: None
            put_bytes(store, records.pack(Record(Spent(2_000_000), 50)))

        every_swap(store, interfere)
        changed = stored.change(store, KEY, lambda record, _now: records.with_floor(record, 20))
        assert Record(Spent(2_000_000), 50) == changed == there(store)

    def test_it_is_given_up_when_everybody_is_faster(self, store: Store) -> None:
        """At some time."""
        ends = iter(range(2_000_000, 3_000_000))
        every_swap(store, lambda: put(store, Spent(next(ends))))
        with pytest.raises(CoordinatorUnavailable):
            stored.change(store, KEY, lambda record, _now: records.with_floor(record, 20))
        assert 200 == store.asked.count("swap")

    @pytest.mark.parametrize("step", ["read", "swap"])
    def test_it_is_out_of_reach(self, store: Store, step: str) -> None:
        """Whoever changes is told, and nobody says that a claim may stand there."""
        store.fail_at(step)
        with pytest.raises(CoordinatorUnavailable) as raised:
            stored.change(store, KEY, lambda record, _now: records.with_floor(record, 20))
        assert CoordinatorUnavailable is type(raised.value)
