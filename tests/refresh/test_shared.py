"""The coordinator that everybody shares: how it comes and goes, and how it is told what it is owed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from sealed_session.refresh import doubt, shared
from sealed_session.refresh.coordinator import CoordinatorUnavailable
from sealed_session.refresh.ledger import Claim
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.shared import SharedCoordinator

from .children import in_child
from .faults import LONG, Elsewhere, Store, Times, World

KEY = b"key"
SOON = 0.005
"""Seconds between two attempts of the thread, in these tests."""


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    """A clock that stands still."""
    times = Times()
    monkeypatch.setattr(shared, "time", times)
    return times


@pytest.fixture
def store(times: Times) -> Store:
    """What is shared."""
    return Store(MemoryCoordinator(clock=times.milliseconds))


@pytest.fixture
def alone(store: Store) -> SharedCoordinator:
    """One whose debts are told when the test says so; it has met the store."""
    made = SharedCoordinator(store)
    made._teller = Elsewhere()
    made.settle()
    store.asked.clear()
    return made


@pytest.fixture
def threaded(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedCoordinator]:
    """One with its thread, which is gone when the test is over."""
    monkeypatch.setattr(shared, "TELL_EVERY", SOON)
    made = SharedCoordinator(store)
    yield made
    for thread in tellers():
        thread.join(LONG)
    assert [] == tellers(), "a thread is left that nobody owes anything"


def tellers() -> list[threading.Thread]:
    """The threads that tell debts."""
    return [thread for thread in threading.enumerate() if thread.name == "sealed-session debts"]


def cannot() -> None:
    """Try to tell it, in vain."""
    raise CoordinatorUnavailable("the test says so")


def is_out_of_reach(step: Callable[[], object]) -> bool:
    """Return whether a step ends with that."""
    try:
        step()
    except CoordinatorUnavailable:
        return True
    return False


class TestAsking:
    """It is asked like any other."""

    def test_reading_and_swapping(self, alone: SharedCoordinator, store: Store) -> None:
        """Are passed on as they are."""
        assert True is alone.swap(KEY, None, b"value", 60_000)
        assert False is alone.swap(KEY, None, b"other", 60_000)
        assert store.inner.read(KEY) == alone.read(KEY)
        assert b"value" == alone.read(KEY).value

    def test_closing(self) -> None:
        """Closes what it asks."""
        closed: list[bool] = []
        SharedCoordinator(SimpleNamespace(close=lambda: closed.append(True))).close()
        assert [True] == closed

    def test_its_repr_says_how_much_is_owed(self, alone: SharedCoordinator) -> None:
        """And nothing else: debts hold tokens."""
        alone.owe(KEY, cannot)
        assert "<SharedCoordinator, 1 owed>" == repr(alone)


class TestDebts:
    """What it is owed, told by whoever asks it next."""

    def test_all_of_them_are_told_in_their_order_and_once(self, alone: SharedCoordinator) -> None:
        """By the next who settles; the one after that finds nothing to tell."""
        told: list[int] = []
        for number in range(3):
            alone.owe(b"%d" % number, lambda number=number: told.append(number))  # type: ignore[misc]
        alone.tell_everything()
        alone.tell_everything()
        assert ([0, 1, 2], "<SharedCoordinator, 0 owed>") == (told, repr(alone))

    def test_of_one_thing_the_newest_is_told(self, alone: SharedCoordinator) -> None:
        """What was owed under the same key is forgotten."""
        told: list[str] = []
        alone.owe(KEY, lambda: told.append("older"))
        alone.owe(KEY, lambda: told.append("newer"))
        alone.tell_everything()
        assert ["newer"] == told

    def test_a_newer_one_is_not_dropped_with_the_older_that_is_being_told(self, alone: SharedCoordinator) -> None:
        """It came while the older was on its way."""
        told: list[str] = []

        def tell_older() -> None:
            told.append("older")
            alone.owe(KEY, lambda: told.append("newer"))

        alone.owe(KEY, tell_older)
        alone.tell_everything()
        assert "<SharedCoordinator, 1 owed>" == repr(alone)
        alone.tell_everything()
        assert (["older", "newer"], "<SharedCoordinator, 0 owed>") == (told, repr(alone))

    def test_doubt_that_comes_up_while_doubt_is_told_is_not_dropped(
        self, alone: SharedCoordinator, store: Store
    ) -> None:
        """The coordinator went away again for somebody else in the meantime."""
        with_outage(alone, store)

        def lose_again(step: str) -> None:
            if step == "swap":
                store.after = lambda _step: None
                alone._lose(5_000)

        store.after = lose_again
        alone.settle()
        assert "<SharedCoordinator, 1 owed>" == repr(alone)

    def test_two_may_tell_the_same_at_once(self, alone: SharedCoordinator) -> None:
        """Whoever comes second finds it told."""
        told: list[str] = []

        def tell() -> None:
            told.append("first" if told == [] else "second")
            if len(told) == 1:
                alone.tell_everything()

        alone.owe(KEY, tell)
        alone.tell_everything()
        assert (["first", "second"], "<SharedCoordinator, 0 owed>") == (told, repr(alone))

    def test_what_cannot_be_told_is_in_nobodys_way(self, alone: SharedCoordinator) -> None:
        """Who wants to ask about that is told that it is out of reach, and nobody else."""
        told: list[int] = []
        alone.owe(b"0", lambda: told.append(0))
        alone.owe(b"1", cannot)
        alone.owe(b"2", lambda: told.append(2))
        assert is_out_of_reach(lambda: alone.settle(b"1"))
        alone.settle(b"0")
        assert ([0], "<SharedCoordinator, 2 owed>") == (told, repr(alone))
        alone.tell_everything()
        assert ([0, 2], "<SharedCoordinator, 1 owed>") == (told, repr(alone))
        alone.owe(b"1", lambda: told.append(1))
        alone.tell_everything()
        assert [0, 2, 1] == told

    def test_what_is_never_taken_is_forgotten(self, alone: SharedCoordinator, caplog: pytest.LogCaptureFixture) -> None:
        """By a coordinator that is in reach; while it is out of reach nothing is counted."""
        alone.owe(b"1", cannot)
        for _ in range(shared.MOST_REFUSALS - 1):
            alone.tell_everything()
        assert "<SharedCoordinator, 1 owed>" == repr(alone)
        alone.tell_everything()
        assert "<SharedCoordinator, 0 owed>" == repr(alone)
        assert "it is forgotten" in caplog.text

    def test_they_are_bounded(self, alone: SharedCoordinator, monkeypatch: pytest.MonkeyPatch) -> None:
        """When there are too many, what is new is not kept; of what is, the newest all the same."""
        assert 1000 == shared.MOST_OWED
        monkeypatch.setattr(shared, "MOST_OWED", 2)
        told: list[str] = []
        for key in "abc":
            alone.owe(key.encode(), lambda key=key: told.append(key))  # type: ignore[misc]
        alone.owe(b"a", lambda: told.append("newer a"))
        alone.tell_everything()
        assert ["newer a", "b"] == told

    def test_one_that_fails_otherwise_is_in_nobodys_way(
        self, alone: SharedCoordinator, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is logged by its type and place, since its message may hold anything; the others are told."""
        told: list[str] = []

        def explode() -> None:
            raise ZeroDivisionError("secret")

        alone.owe(KEY, explode)
        alone.owe(b"other", lambda: told.append("other"))
        alone.tell_everything()
        alone.tell_everything()
        assert (["other"], "<SharedCoordinator, 0 owed>") == (told, repr(alone))
        assert [("sealed_session", logging.ERROR)] == [(line.name, line.levelno) for line in caplog.records]
        assert (True, True, False) == tuple(text in caplog.text for text in ("ZeroDivisionError", __file__, "secret"))


def with_outage(coordinator: SharedCoordinator, store: Store) -> None:
    """Let somebody find it out of reach, and let it come back."""
    store.is_up = False
    assert is_out_of_reach(lambda: coordinator.read(KEY))
    store.is_up = True


class TestThread:
    """What it is owed, told by a thread when nobody asks."""

    def test_half_a_second_is_between_two_attempts(
        self, threaded: SharedCoordinator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before the first, too: it was out of reach a moment ago."""
        assert 0.5 == vars(shared)["TELL_EVERY"] * (0.5 / SOON)
        waited: list[float] = []
        ticks = threading.Semaphore(0)

        class Ticking:
            def wait(self, seconds: float) -> None:
                waited.append(seconds)
                assert ticks.acquire(timeout=LONG)

        monkeypatch.setattr(shared, "threading", SimpleNamespace(Thread=threading.Thread, Event=Ticking))
        left, told = [cannot, cannot], threading.Event()
        threaded.owe(KEY, lambda: left.pop()() if left else told.set())
        assert not told.is_set()
        ticks.release(3)
        assert told.wait(LONG)
        assert [SOON] * 3 == waited

    def test_it_is_told_as_soon_as_it_is_back(self, store: Store, threaded: SharedCoordinator) -> None:
        """Nobody comes and asks; the thread tries again and again, and ends when all is said."""
        with_outage(threaded, store)
        store.is_up = False
        tried, told = threading.Semaphore(0), threading.Event()
        store.before = lambda _step: tried.release()

        def tell() -> None:
            threaded.swap(KEY, None, b"value", 60_000)
            told.set()

        threaded.owe(KEY, tell)
        for _ in range(3):
            assert tried.acquire(timeout=LONG)
        assert not told.is_set()
        store.is_up = True
        assert told.wait(LONG)
        assert b"value" == store.inner.read(KEY).value
        for thread in tellers():
            thread.join(LONG)
        assert ([], "<SharedCoordinator, 0 owed>") == (tellers(), repr(threaded))

    def test_the_next_debt_has_a_thread_again(self, threaded: SharedCoordinator) -> None:
        """The one before has ended with its debts."""
        for _ in range(2):
            told = threading.Event()
            threaded.owe(KEY, told.set)
            assert told.wait(LONG)
            for thread in tellers():
                thread.join(LONG)
            assert [] == tellers()

    def test_there_is_one_at_a_time(self, threaded: SharedCoordinator) -> None:
        """However much is owed meanwhile. A process that ends does not wait for it: it may never be back."""
        begun, released = threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            assert released.wait(LONG)

        threaded.owe(KEY, hold)
        assert begun.wait(LONG)
        for number in range(20):
            threaded.owe(b"%d" % number, lambda: None)
        assert [True] == [thread.daemon for thread in tellers()]
        released.set()

    def test_there_is_one_also_when_two_lose_it_at_once(
        self, threaded: SharedCoordinator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second comes when the first has made its thread and not started it yet."""
        started: list[threading.Thread] = []

        class Slow(threading.Thread):
            def start(self) -> None:
                started.append(self)
                if len(started) == 1:
                    other = Plain(target=threaded.owe, args=(b"other", lambda: None))
                    other.start()
                    other.join(0.05)  # it may have to wait for us
                super().start()

        Plain = threading.Thread  # noqa: N806 - a class
        monkeypatch.setattr(shared, "threading", SimpleNamespace(**{**vars(threading), "Thread": Slow}))
        threaded.owe(KEY, lambda: None)
        assert 1 == len(started)

    def test_one_that_does_not_start(self, threaded: SharedCoordinator, monkeypatch: pytest.MonkeyPatch) -> None:
        """The machine has no more. Nothing is raised, the debt stays, and the next one tries again."""

        class NoThread(threading.Thread):
            def start(self) -> None:
                raise RuntimeError("can't start new thread")

        first, second = threading.Event(), threading.Event()
        with monkeypatch.context() as patch:
            patch.setattr(threading, "Thread", NoThread)
            threaded.owe(b"first", first.set)
        assert ("<SharedCoordinator, 1 owed>", []) == (repr(threaded), tellers())
        threaded.owe(b"second", second.set)
        assert first.wait(LONG)
        assert second.wait(LONG)

    def test_an_error_of_another_kind_is_logged(
        self, threaded: SharedCoordinator, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nobody else would hear of it."""

        def explode() -> None:
            raise ZeroDivisionError("secret")

        threaded.owe(KEY, explode)
        for thread in tellers():
            thread.join(LONG)
        assert [("sealed_session", logging.ERROR)] == [(line.name, line.levelno) for line in caplog.records]
        assert (True, True, False) == tuple(text in caplog.text for text in ("ZeroDivisionError", __file__, "secret"))

    def test_an_error_in_getting_to_know_it_is_logged_too(
        self, store: Store, threaded: SharedCoordinator, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A bug of the coordinator's, in the thread's own step."""

        def explode(_step: str) -> None:
            raise ZeroDivisionError("secret")

        store.before = explode
        threaded.owe(KEY, lambda: None)
        for thread in tellers():
            thread.join(LONG)
        assert [("sealed_session", logging.ERROR)] == [(line.name, line.levelno) for line in caplog.records]
        assert (True, False) == ("ZeroDivisionError" in caplog.text, "secret" in caplog.text)

    def test_a_fork_leaves_it_in_the_parent(self, threaded: SharedCoordinator) -> None:
        """The child has one of its own, as soon as it owes something itself; then it tells all that it knows."""
        begun, released = threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            assert released.wait(LONG)

        threaded.owe(KEY, hold)
        assert begun.wait(LONG)

        def in_the_child() -> list[Any]:
            before, told = len(tellers()), threading.Event()
            threaded.owe(KEY, lambda: None)  # in the place of what waits for the parent
            threaded.owe(b"child", told.set)
            return [before, told.wait(LONG)]

        assert [0, True] == in_child(in_the_child)
        assert 1 == len(tellers())
        released.set()

    def test_a_fork_while_a_debt_is_noted(self, alone: SharedCoordinator) -> None:
        """By a thread that is not there any more in the child."""

        def in_the_child() -> str:
            end = threading.Timer(LONG / 4, os._exit, (9,))  # who waits for that thread waits for ever
            end.daemon = True
            end.start()
            alone._teller = Elsewhere()
            alone.owe(KEY, cannot)
            return repr(alone)

        with alone._lock:
            assert "<SharedCoordinator, 1 owed>" == in_child(in_the_child)

    def test_what_a_process_learnt_without_it_comes_to_all(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its result is in the store although nobody comes to that process again."""
        monkeypatch.setattr(shared, "TELL_EVERY", SOON)
        ledger = world.process()
        ledger._shared._teller = None  # its debts have a thread of their own
        with world.outage():
            claim = ledger.claim(world.old)
            assert isinstance(claim, Claim)
            answer = world.provider.refresh(world.old)
            ledger.write_result(claim, world.old, answer)
        for thread in tellers():
            thread.join(LONG)
        assert answer == world.process().look(world.old)


@pytest.fixture
def world(times: Times, monkeypatch: pytest.MonkeyPatch) -> World:
    """A provider and its ledgers."""
    made = World()
    monkeypatch.setattr(shared, "time", made.times)
    return made


class TestComingAndGoing:
    """What is noted on the way."""

    def test_one_that_was_always_there_is_not_back(self, alone: SharedCoordinator) -> None:
        """Nobody waits for what others know."""
        alone.read(KEY)
        assert not alone.is_just_back

    def test_it_is_just_back_for_two_seconds(
        self, alone: SharedCoordinator, store: Store, times: Times, caplog: pytest.LogCaptureFixture
    ) -> None:
        """From the first step that succeeds, whenever it went away. Steps after that do not prolong it."""
        with_outage(alone, store)
        times.advance(3600)
        assert alone.is_just_back, "nobody has found it again yet"
        alone.read(KEY)
        times.advance(1.999)
        alone.read(KEY)
        assert alone.is_just_back
        times.advance(0.001)
        assert not alone.is_just_back
        assert ["the coordinator is back."] == [line.getMessage() for line in caplog.records][1:]

    def test_a_swap_finds_it_again_too(self, alone: SharedCoordinator, store: Store, times: Times) -> None:
        """Also one that did not do what it wanted: somebody else was there first."""
        with_outage(alone, store)
        assert False is alone.swap(KEY, b"never there", b"value", 60_000)
        times.advance(2)
        assert not alone.is_just_back

    def test_each_time_it_comes_back_counts(self, alone: SharedCoordinator, store: Store, times: Times) -> None:
        """The two seconds begin anew."""
        for _ in range(2):
            with_outage(alone, store)
            alone.read(KEY)
            times.advance(1.5)
        assert alone.is_just_back

    @pytest.mark.parametrize("step", ["read", "swap"])
    def test_one_that_fails_slowly_is_left_alone_for_a_second(
        self, alone: SharedCoordinator, store: Store, times: Times, step: str
    ) -> None:
        """Everybody would wait for it. Who comes within that second is told at once, and it is not asked."""
        asked = self.failing(store, times, 13 / 64)
        steps = {"read": lambda: alone.read(KEY), "swap": lambda: alone.swap(KEY, None, b"", 1)}
        assert is_out_of_reach(steps[step])
        store.is_up = True
        times.advance(63 / 64)
        assert is_out_of_reach(steps[step])
        assert [step] == asked
        times.advance(1 / 64)
        assert not is_out_of_reach(steps[step])

    def test_one_that_fails_fast_is_asked_again_at_once(
        self, alone: SharedCoordinator, store: Store, times: Times
    ) -> None:
        """It costs nobody anything, and is found again at once."""
        asked = self.failing(store, times, 25 / 128)
        for _ in range(3):
            assert is_out_of_reach(lambda: alone.read(KEY))
        assert ["read"] * 3 == asked

    def test_one_that_is_slow_and_answers_is_not_left_alone(
        self, alone: SharedCoordinator, store: Store, times: Times
    ) -> None:
        """It does its work."""
        asked = self.failing(store, times, 0.5)
        store.is_up = True
        for _ in range(3):
            alone.read(KEY)
        assert (["read"] * 3, False) == (asked, alone.is_just_back)

    def test_what_was_not_asked_is_no_loss(self, alone: SharedCoordinator, store: Store, times: Times) -> None:
        """Being left alone does not prolong itself."""
        self.failing(store, times, 0.25)
        assert is_out_of_reach(lambda: alone.read(KEY))
        store.is_up, store.before = True, lambda _step: None
        for _ in range(7):
            times.advance(0.125)
            assert is_out_of_reach(lambda: alone.read(KEY))
        times.advance(0.125)
        assert not is_out_of_reach(lambda: alone.read(KEY))

    def failing(self, store: Store, times: Times, seconds: float) -> list[str]:
        """Let every step take so long and fail; return those that are asked. 0.2 seconds are the bound."""
        asked: list[str] = []

        def take(step: str) -> None:
            asked.append(step)
            times.advance(seconds)

        store.before, store.is_up = take, False
        return asked

    def test_losing_it_is_owed_to_it(self, alone: SharedCoordinator, store: Store) -> None:
        """Once, however often it is asked meanwhile: that there was doubt."""
        store.is_up = False
        for _ in range(5):
            assert is_out_of_reach(lambda: alone.read(KEY))
        assert "<SharedCoordinator, 1 owed>" == repr(alone)

    def test_it_is_said_once_a_minute(
        self, alone: SharedCoordinator, store: Store, times: Times, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Also when it comes back in between and goes again."""
        for _ in range(61):
            with_outage(alone, store)
            times.advance(1)
        assert 1 == len(caplog.records)
        times.advance(0.001)
        with_outage(alone, store)
        assert 2 == len(caplog.records)
        assert {("sealed_session", logging.WARNING)} == {(line.name, line.levelno) for line in caplog.records}


class TestDoubt:
    """Whether somebody may know what it does not."""

    def test_none_when_all_is_well(self, alone: SharedCoordinator) -> None:
        """Nobody was without it."""
        assert False is alone.is_in_doubt

    def test_there_is_while_it_is_out_of_reach(self, alone: SharedCoordinator, store: Store) -> None:
        """Nothing can be asked."""
        store.is_up = False
        assert True is alone.is_in_doubt

    @pytest.mark.parametrize("step", ["read", "swap"])
    def test_there_is_when_it_goes_away_as_it_is_asked(self, alone: SharedCoordinator, store: Store, step: str) -> None:
        """At whichever step."""
        with_outage(alone, store)
        store.fail_at(step)
        assert True is alone.is_in_doubt

    def test_there_is_for_two_minutes_after_it_was_found_again(
        self, alone: SharedCoordinator, store: Store, times: Times
    ) -> None:
        """Counted from when it was told, for only then could others tell it what they know."""
        with_outage(alone, store)
        times.advance(500)
        assert True is alone.is_in_doubt
        times.advance(119.999)
        assert True is alone.is_in_doubt
        times.advance(0.001)
        assert False is alone.is_in_doubt

    def test_somebody_elses_outage_is_known(self, alone: SharedCoordinator, store: Store, times: Times) -> None:
        """Who noticed nothing reads it in the coordinator."""
        other = SharedCoordinator(store)
        other._teller = Elsewhere()
        with_outage(other, store)
        assert False is alone.is_in_doubt
        other.tell_everything()
        assert True is alone.is_in_doubt
        times.advance(doubt.LASTS / 1000)
        assert False is alone.is_in_doubt


def test_what_another_thread_has_told_meanwhile_is_not_told_again() -> None:
    """Two go through the same list of debts: the second finds this one paid."""
    shared = SharedCoordinator(MemoryCoordinator())
    told: list[bytes] = []
    shared._owed[b"key"] = lambda: told.append(b"key")
    shared._pay(b"key")
    shared._pay(b"key")
    assert ([b"key"], {}) == (told, shared._owed)
