"""The contract of every coordinator, held against each of them: memory, SQLite, Redis."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sealed_session.refresh.coordinator import Coordinator
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.opening import open_coordinator
from sealed_session.refresh.sqlite import SQLiteCoordinator

from .children import AN_HOUR, KEY, count, count_for_ever, in_child, now_of
from .redis_server import RedisServer, needs_redis


class Store:
    """Somewhere to keep values: what a test needs to know of it.

    Attributes:
        url: Where other processes find it; none can find a memory.
    """

    url = ""

    def open(self) -> Coordinator:
        """Return a handle of its own, where there can be several."""
        raise NotImplementedError

    def until_it_is(self, now: int) -> None:
        """Return when the store's time has come to a moment."""
        raise NotImplementedError


class Memory(Store):
    """One handle, and a clock that stands still."""

    def __init__(self) -> None:
        self.now = 1_000
        self.handle = MemoryCoordinator(clock=lambda: self.now)

    def open(self) -> Coordinator:
        """As the class says."""
        return self.handle

    def until_it_is(self, now: int) -> None:
        """Move the clock."""
        self.now = now


class SQLite(Store):
    """A file, and a clock that stands still."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000
        self.path = folder / "contract.db"
        self.url = f"sqlite:///{folder}/processes.db"

    def open(self) -> Coordinator:
        """As the class says."""
        return SQLiteCoordinator(self.path, clock=lambda: self.now)

    def until_it_is(self, now: int) -> None:
        """Move the clock."""
        self.now = now


class Redis(Store):
    """A prefix of its own in the server of this run, and the real time."""

    numbers = itertools.count()

    def __init__(self, server: RedisServer) -> None:
        from sealed_session.refresh.redis import RedisCoordinator

        self.url = server.url
        prefix = f"store-{next(self.numbers)}:"
        self.make: Callable[[], Coordinator] = lambda: RedisCoordinator.from_url(server.url, prefix=prefix)

    def open(self) -> Coordinator:
        """As the class says."""
        return self.make()

    def until_it_is(self, now: int) -> None:
        """Ask until it is."""
        handle = self.open()
        while handle.read(b"time").now <= now:  # Redis lets a value live until the millisecond is over
            pass
        handle.close()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis."""
    with RedisServer() as running:
        yield running


def make_store(kind: str, request: pytest.FixtureRequest) -> Store:
    """Make an empty store."""
    if kind == "memory":
        return Memory()
    if kind == "sqlite":
        return SQLite(request.getfixturevalue("tmp_path"))
    return Redis(request.getfixturevalue("server"))


@pytest.fixture(params=["memory", "sqlite", pytest.param("redis", marks=needs_redis)])
def store(request: pytest.FixtureRequest) -> Store:
    """Each of the stores."""
    return make_store(request.param, request)


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def shared(request: pytest.FixtureRequest) -> Store:
    """Each of the stores that processes can share. Its URL finds an empty counter."""
    found = make_store(request.param, request)
    if request.param == "redis":
        import redis

        with redis.Redis.from_url(found.url) as client:
            client.delete(b"sealed-session:" + KEY.hex().encode())
    return found


class Opened:
    """Handles that are closed at the end."""

    def __init__(self) -> None:
        self.handles: list[Coordinator] = []

    def __call__(self, store: Store) -> Coordinator:
        """Open one more."""
        self.handles.append(store.open())
        return self.handles[-1]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Open handles of stores."""
    opening = Opened()
    yield opening
    for handle in opening.handles:
        handle.close()


class TestOneHandle:
    """What one user sees."""

    def test_there_is_nothing_at_first(self, store: Store, opened: Opened) -> None:
        """A key that nobody has used holds nothing, and the time is a whole number."""
        value, now = opened(store).read(b"key")
        assert (None, int) == (value, type(now))

    def test_a_value_is_put_where_nothing_was(self, store: Store, opened: Opened) -> None:
        """And read again, by its own key alone."""
        handle = opened(store)
        assert True is handle.swap(b"key", None, b"value", AN_HOUR)
        assert (b"value", None) == (handle.read(b"key").value, handle.read(b"other").value)

    def test_a_value_is_put_in_the_place_of_the_one_that_was_read(self, store: Store, opened: Opened) -> None:
        """The same value again, too."""
        handle = opened(store)
        handle.swap(b"key", None, b"first", AN_HOUR)
        assert [True, True] == [handle.swap(b"key", b"first", new, AN_HOUR) for new in (b"first", b"second")]
        assert b"second" == handle.read(b"key").value

    @pytest.mark.parametrize("wrong", [None, b"", b"firs", b"first\x00", b"FIRST"])
    def test_a_wrong_expectation_changes_nothing(self, store: Store, opened: Opened, wrong: bytes | None) -> None:
        """Nothing at all, its life neither: it ends when it would have ended."""
        handle, lives = opened(store), AN_HOUR if isinstance(store, Redis) else 50  # a real clock may not wait for us
        before = handle.read(b"key").now
        handle.swap(b"key", None, b"first", lives)
        assert False is handle.swap(b"key", wrong, b"second", 2 * AN_HOUR)
        assert b"first" == handle.read(b"key").value
        if not isinstance(store, Redis):
            store.until_it_is(before + lives)
            assert None is handle.read(b"key").value

    def test_what_was_expected_and_is_not_there_is_not_made(self, store: Store, opened: Opened) -> None:
        """A value that is gone is not replaced as if it were there."""
        handle = opened(store)
        assert False is handle.swap(b"key", b"value", b"next", AN_HOUR)
        assert None is handle.read(b"key").value

    def test_a_value_ends(self, store: Store, opened: Opened) -> None:
        """After its life it cannot be read, cannot be replaced, and its place is free."""
        handle = opened(store)
        handle.swap(b"key", None, b"value", 20)
        store.until_it_is(handle.read(b"key").now + 20)
        assert None is handle.read(b"key").value
        assert False is handle.swap(b"key", b"value", b"next", AN_HOUR)
        assert True is handle.swap(b"key", None, b"anew", AN_HOUR)
        assert b"anew" == handle.read(b"key").value

    def test_a_swap_gives_a_life_of_its_own(self, store: Store, opened: Opened) -> None:
        """Longer than the one before, or shorter."""
        handle = opened(store)
        handle.swap(b"longer", None, b"a", AN_HOUR)
        handle.swap(b"shorter", None, b"a", AN_HOUR)
        handle.swap(b"longer", b"a", b"b", 2 * AN_HOUR)
        handle.swap(b"shorter", b"a", b"b", 20)
        store.until_it_is(handle.read(b"key").now + 20)
        assert (b"b", None) == (handle.read(b"longer").value, handle.read(b"shorter").value)

    @pytest.mark.parametrize("value", [b"", b"\x00", bytes(range(256)), b"\xff" * 16_384])
    def test_any_bytes_are_kept(self, store: Store, opened: Opened, value: bytes) -> None:
        """No text, no end at a zero byte, and as long as the contract says; the expectation too."""
        handle = opened(store)
        assert True is handle.swap(value[:64], None, value, AN_HOUR)
        assert value == handle.read(value[:64]).value
        assert True is handle.swap(value[:64], value, b"next", AN_HOUR)

    def test_time_does_not_go_back(self, store: Store, opened: Opened) -> None:
        """Not between one reading and the next, whichever the handle."""
        first, second = opened(store), opened(store)
        times = [handle.read(b"key").now for _ in range(200) for handle in (first, second)]
        assert sorted(times) == times

    def test_it_can_be_used_after_it_was_closed(self, store: Store, opened: Opened) -> None:
        """Closing twice does no harm, and nothing is lost by it."""
        handle = opened(store)
        handle.close()
        handle.swap(b"key", None, b"value", AN_HOUR)
        handle.close()
        handle.close()
        assert b"value" == handle.read(b"key").value


class TestTogether:
    """What several users see."""

    def test_handles_see_each_other(self, store: Store, opened: Opened) -> None:
        """What one writes the other reads, and of two who want one place one has it."""
        first, second = opened(store), opened(store)
        assert True is first.swap(b"key", None, b"first", AN_HOUR)
        assert b"first" == second.read(b"key").value
        assert False is second.swap(b"key", None, b"second", AN_HOUR)
        assert True is second.swap(b"key", b"first", b"second", AN_HOUR)
        assert b"second" == first.read(b"key").value

    @pytest.mark.parametrize("handles", [1, 2])
    def test_threads_lose_nothing(self, store: Store, opened: Opened, handles: int) -> None:
        """Sixteen threads count to 25 each, through one handle and through two."""
        choice = itertools.cycle([opened(store) for _ in range(handles)])
        failed: list[BaseException] = []

        def work(handle: Coordinator) -> None:
            try:
                for _ in range(25):
                    while True:
                        value = handle.read(KEY).value
                        if handle.swap(KEY, value, str(int(value or b"0") + 1).encode(), AN_HOUR):
                            break
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(next(choice),)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ([], b"400") == (failed, opened(store).read(KEY).value)

    @pytest.mark.parametrize("method", ["spawn", "fork"])
    def test_processes_lose_nothing(self, shared: Store, method: str) -> None:
        """Four processes count to 100 each, while this one holds the store open since before they began."""
        handle = open_coordinator(shared.url)
        assert None is handle.read(KEY).value
        context: Any = multiprocessing.get_context(method)
        workers = [context.Process(target=count, args=(shared.url, 100)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [0] * 4 == [worker.exitcode for worker in workers]
        assert b"400" == handle.read(KEY).value
        handle.close()

    def test_time_does_not_go_back_from_one_process_to_another(self, shared: Store) -> None:
        """It is one clock for all who share a store."""
        times = [now_of(shared.url), in_child(now_of, shared.url), now_of(shared.url)]
        assert sorted(times) == times
        assert times[-1] - times[0] < 60_000

    def test_who_is_killed_leaves_no_lock(self, shared: Store) -> None:
        """Whatever it was about, the next one goes on at once."""
        context: Any = multiprocessing.get_context("fork")
        for _ in range(5):
            ours, theirs = context.Pipe(duplex=False)
            worker = context.Process(target=count_for_ever, args=(shared.url, theirs))
            worker.start()
            ours.recv()
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
            ours.close()
            theirs.close()
            count(shared.url, 1)


KEYS = st.sampled_from([b"a", b"b", b"\x00"])
VALUES = st.binary(max_size=8)


class AgainstADictionary(RuleBasedStateMachine):
    """A coordinator does what a dictionary with a clock would do."""

    make: Callable[[], Store]
    has_clock = True

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make()
        self.handles = [self.store.open(), self.store.open()]
        self.model: dict[bytes, tuple[bytes, int]] = {}

    def there(self, key: bytes) -> bytes | None:
        """What the model holds."""
        value, ends = self.model.get(key, (None, 0))
        return value if ends > getattr(self.store, "now", 0) else None

    @rule(handle=st.integers(0, 1), key=KEYS)
    def read(self, handle: int, key: bytes) -> None:
        """Reading gives what is there."""
        value, now = self.handles[handle].read(key)
        assert self.there(key) == value
        assert getattr(self.store, "now", now) == now

    @rule(
        handle=st.integers(0, 1),
        key=KEYS,
        right=st.booleans(),
        old=st.none() | VALUES,
        new=VALUES,
        lives=st.integers(1, 90),
    )
    def swap(self, handle: int, key: bytes, right: bool, old: bytes | None, new: bytes, lives: int) -> None:
        """A swap is done exactly when the expectation is right."""
        old = self.there(key) if right else old
        expected = self.there(key) == old
        assert expected == self.handles[handle].swap(key, old, new, lives if self.has_clock else AN_HOUR)
        if expected:
            self.model[key] = new, getattr(self.store, "now", 0) + lives

    @rule(passed=st.integers(0, 40))
    def wait(self, passed: int) -> None:
        """Time passes."""
        if self.has_clock:
            self.store.until_it_is(getattr(self.store, "now", 0) + passed)

    @rule(handle=st.integers(0, 1))
    def close(self, handle: int) -> None:
        """Closing changes nothing."""
        self.handles[handle].close()

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        """Whatever was done, each key holds what it should."""
        for key in self.model:
            assert self.there(key) == self.handles[0].read(key).value

    def teardown(self) -> None:
        """Close everything."""
        for handle in self.handles:
            handle.close()


STEPS = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_memory_is_a_dictionary() -> None:
    """Random steps on the memory, against the model."""
    machine = type("Machine", (AgainstADictionary,), {"make": staticmethod(Memory)})
    run_state_machine_as_test(machine, settings=STEPS)


def test_sqlite_is_a_dictionary() -> None:
    """Random steps on two handles of a file, against the model."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = map("{:04}".format, itertools.count())

        def make() -> Store:
            return SQLite(Path(folder, next(fresh)))

        machine = type("Machine", (AgainstADictionary,), {"make": staticmethod(make)})
        run_state_machine_as_test(machine, settings=STEPS)


@needs_redis
def test_redis_is_a_dictionary(server: RedisServer) -> None:
    """Random steps on two handles of a Redis, against the model. Its clock cannot be set, so nothing ends."""
    attributes = {"make": staticmethod(lambda: Redis(server)), "has_clock": False}
    machine = type("Machine", (AgainstADictionary,), attributes)
    run_state_machine_as_test(machine, settings=STEPS)
