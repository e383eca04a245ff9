"""The mark in the coordinator: who finds doubt there, for how long, and what gives an emptied one away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgpack
import pytest

from sealed_session.refresh.coordinator import Coordinator, CoordinatorUnavailable
from sealed_session.refresh.doubt import KEY, LASTS, Doubt
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.opening import open_coordinator

from .faults import LONG, Store, Times, World
from .redis_server import RedisServer, needs_redis

DAY = 86_400
TOGETHER = 8


class Place:
    """Where values are held: opened by each process for itself, and emptied behind their backs."""

    def __init__(self, url: str, empty: Callable[[], object]) -> None:
        self.url = url
        self.empty = empty
        self.handles: list[Coordinator] = []

    def open(self) -> Store:
        """Open it, as a process does."""
        self.handles.append(open_coordinator(self.url))
        return Store(self.handles[-1])


class Memory(Place):
    """The memory of one process, which all its threads share."""

    def __init__(self) -> None:
        memory = MemoryCoordinator()
        super().__init__("", memory.after_fork_in_child)
        self.open = lambda: Store(memory)  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis."""
    with RedisServer() as running:
        yield running


def sqlite(folder: Path) -> Place:
    """A file, which somebody may remove while it is open."""

    def remove() -> None:
        for path in folder.glob("doubt.db*"):
            path.unlink()

    return Place(f"sqlite:///{folder}/doubt.db", remove)


def redis(running: RedisServer) -> Place:
    """The test's own server, and no other: all that it holds is flushed."""
    from redis import Redis

    def flush() -> None:
        with Redis.from_url(running.url) as client:
            client.flushdb()

    flush()
    return Place(running.url, flush)


@pytest.fixture(params=["memory", "sqlite", pytest.param("redis", marks=needs_redis)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each kind of coordinator, empty."""
    if request.param == "redis":
        made = redis(request.getfixturevalue("server"))
    else:
        made = Memory() if request.param == "memory" else sqlite(tmp_path)
    yield made
    for handle in made.handles:
        handle.close()


class TestPlaces:
    """Over each kind of coordinator."""

    def test_a_new_one_gives_no_doubt(self, place: Place) -> None:
        """Nor does its clock, which may begin with the machine."""
        assert False is met(place.open()).is_there()

    def test_the_mark_is_made_once_and_met_once(self, place: Place) -> None:
        """By the first with a read and a swap, by others with a read; after that nobody asks any more."""
        first, second = place.open(), place.open()
        ours, theirs = met(first), met(second)
        assert (["read", "swap"], ["read"]) == (first.asked, second.asked)
        for known in (ours, theirs) * 3:
            known.meet()
        assert (["read", "swap"], ["read"]) == (first.asked, second.asked)
        assert ours._met == theirs._met

    def test_doubt_that_somebody_raised_is_everybodys(self, place: Place) -> None:
        """Who noticed nothing, and who comes later."""
        one, other = met(place.open()), met(place.open())
        one.rise()
        assert [True] * 3 == [known.is_there() for known in (one, other, met(place.open()))]

    def test_an_emptied_one_is_recognised_by_whoever_met_it(self, place: Place) -> None:
        """All that was known of tokens is gone; nothing about its steps has failed. Then everybody is told."""
        one, other = met(place.open()), met(place.open())
        place.empty()
        assert True is one.is_there()
        assert [True, True] == [known.is_there() for known in (met(place.open()), other)]

    def test_also_when_somebody_new_has_made_another_mark(self, place: Place) -> None:
        """He met a new one, and knows of no doubt until somebody tells him."""
        one = met(place.open())
        place.empty()
        new = met(place.open())
        assert [False, True, True] == [new.is_there(), one.is_there(), new.is_there()]

    def test_it_is_met_by_many_at_once(self, place: Place) -> None:
        """They agree on one mark, and none of them has doubt."""
        barrier = threading.Barrier(TOGETHER)

        def meet(_number: int) -> Doubt:
            store = place.open()
            store.read(b"so that it is open")
            barrier.wait(LONG)
            return met(store)

        with ThreadPoolExecutor(TOGETHER) as pool:
            known = list(pool.map(meet, range(TOGETHER)))
        assert 1 == len({one._met for one in known})
        assert {False} == {one.is_there() for one in known}


def met(store: Coordinator) -> Doubt:
    """Return what a process knows after it has met a coordinator."""
    made = Doubt(store)
    made.meet()
    return made


@pytest.fixture
def times() -> Times:
    """A clock that stands still."""
    return Times()


@pytest.fixture
def store(times: Times) -> Store:
    """A coordinator whose time is that."""
    return Store(MemoryCoordinator(clock=times.milliseconds))


def put(store: Store, value: bytes) -> None:
    """Write something in the mark's place."""
    assert store.inner.swap(KEY, store.inner.read(KEY).value, value, 1000 * DAY)


def mark(store: Store) -> list[object]:
    """What stands there."""
    value: list[object] = msgpack.unpackb(store.inner.read(KEY).value or b"")
    return value


class TestTime:
    """How long there is doubt."""

    def test_two_minutes_from_when_it_was_raised(self, store: Store, times: Times) -> None:
        """To the millisecond, for who raised it as for who did not; each look costs a read."""
        one, other = met(store), met(store)
        times.advance(1000)
        one.rise()
        store.asked.clear()
        times.advance(119.999)
        assert [True, True] == [one.is_there(), other.is_there()]
        times.advance(0.001)
        assert [False, False] == [one.is_there(), other.is_there()]
        assert ["read"] * 4 == store.asked

    def test_raised_again_it_lasts_from_then_on(self, store: Store, times: Times) -> None:
        """And is the same store all the time."""
        one, other = met(store), met(store)
        one.rise()
        (name, _), other_name = mark(store), other._met
        times.advance(60)
        other.rise()
        assert [name, times.milliseconds()] == mark(store)
        assert name == other_name == one._met
        times.advance(119)
        assert True is one.is_there()

    def test_of_an_emptied_one_it_ends_too(self, store: Store, times: Times) -> None:
        """Two minutes after somebody noticed, and not anew with each look."""
        one = met(store)
        put(store, msgpack.packb([b"another", 0]))
        times.advance(1000)
        assert True is one.is_there()
        times.advance(119.999)
        assert True is one.is_there()
        times.advance(0.001)
        assert False is one.is_there()

    def test_a_new_one_gives_none_whatever_its_clock_says(self) -> None:
        """It may have begun to count a moment ago."""
        assert False is met(MemoryCoordinator(clock=lambda: 5)).is_there()

    def test_the_mark_is_there_for_a_year(self, store: Store, times: Times) -> None:
        """Whoever reads none says that all is lost."""
        one = met(store)
        times.advance(365 * DAY)
        assert False is one.is_there()
        one.rise()
        times.advance(365 * DAY)
        assert False is one.is_there()

    def test_the_key_is_short_and_stays(self) -> None:
        """Half-deployed fleets meet in one mark."""
        assert b"sealed-session/1 doubt" == KEY
        assert 120_000 == LASTS


class TestMark:
    """What stands in the coordinator."""

    def test_each_store_has_a_name_of_its_own(self) -> None:
        """Or an emptied one could not be told from the one before."""
        stores = [Store(MemoryCoordinator()) for _ in range(3)]
        assert {(True, bytes)} == {
            (len(name) >= 8, type(name)) for name in (met(store)._met or b"" for store in stores)
        }
        assert 3 == len({met(store)._met for store in stores})

    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"\xc1",
            b"nonsense",
            msgpack.packb([b"name"]),
            msgpack.packb([b"name", 1, 2]),
            msgpack.packb([b"name", b"1"]),
            msgpack.packb([b"name", True]),
            msgpack.packb([b"name", 1.5]),
            msgpack.packb(["name", 1]),
            msgpack.packb([None, 1]),
            msgpack.packb({b"name": 1, b"since": 2}),
            msgpack.packb(5),
            msgpack.packb([b"name", 1])[:-1],
            msgpack.packb([b"name", 1]) + b"\x00",
        ],
    )
    def test_what_is_no_mark_is_replaced(self, store: Store, value: bytes) -> None:
        """For who meets it there was nothing; for who had met it, it is as good as gone."""
        known = met(store)
        put(store, value)
        assert True is known.is_there()
        name, since = mark(store)
        assert (known._met, bytes, store.inner.read(KEY).now) == (name, type(name), since)
        put(store, value)
        assert False is met(store).is_there()

    def test_who_has_met_none_yet_raises_and_knows_it_then(self, store: Store) -> None:
        """The store was out of reach from the first."""
        known = Doubt(store)
        known.rise()
        store.asked.clear()
        known.meet()
        assert [] == store.asked
        assert True is known.is_there()

    def test_who_has_met_none_yet_takes_what_is_there(self, store: Store) -> None:
        """Another name than none is no loss."""
        met(store)
        assert False is Doubt(store).is_there()

    @pytest.mark.parametrize("is_doubted", [False, True])
    def test_somebody_who_comes_in_between_is_noticed(self, store: Store, is_doubted: bool) -> None:
        """His mark stands, and both know it."""
        others: list[Doubt] = []

        def interfere(step: str) -> None:
            if step == "swap" and not others:
                others.append(Doubt(store.inner))
                others[0].rise() if is_doubted else others[0].meet()

        store.before = interfere
        known = met(store)
        assert ["read", "swap", "read"] == store.asked
        assert ([others[0]._met] * 2, is_doubted) == ([known._met, mark(store)[0]], known.is_there())

    def test_a_mark_that_everybody_changes_at_once(self, store: Store) -> None:
        """Is given up at some time, as if the store could not be asked; and is met later."""
        names = iter(range(10_000))
        store.before = lambda step: put(store, b"%d" % next(names)) if step == "swap" else None
        known = Doubt(store)
        with pytest.raises(CoordinatorUnavailable):
            known.meet()
        assert store.asked.count("swap") < 100
        assert True is known.is_there(), "in doubt there is doubt"
        store.before = lambda _step: None
        known.meet()
        assert False is known.is_there()


class TestOutOfReach:
    """The coordinator cannot be asked."""

    def test_nothing_can_be_met_or_raised(self, store: Store) -> None:
        """Whoever wanted to is told, and may try again."""
        known, store.is_up = Doubt(store), False
        for step in (known.meet, known.rise):
            with pytest.raises(CoordinatorUnavailable):
                step()
        store.is_up = True
        known.meet()
        assert False is known.is_there()

    @pytest.mark.parametrize("step", ["read", "swap"])
    def test_there_is_doubt(self, store: Store, step: str) -> None:
        """At whichever step it went away."""
        known = met(store)
        put(store, msgpack.packb([b"another", 0]))
        store.fail_at(step)
        assert True is known.is_there()

    def test_a_mark_that_was_not_made_is_not_met(self, store: Store) -> None:
        """Its name is nobody's, and would say at the next look that all is lost."""
        store.fail_at("swap")
        known = Doubt(store)
        with pytest.raises(CoordinatorUnavailable):
            known.meet()
        store.is_up = True
        known.meet()
        assert (mark(store)[0], False) == (known._met, known.is_there())


def test_doubt_of_the_future_is_doubt_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock was set back, or somebody wants no denial to be believed: it lasts for two minutes, and no longer."""
    world = World()
    doubt = Doubt(world.store)
    assert world.store.inner.swap(KEY, None, msgpack.packb((b"12345678", 2**60)), 10**9)
    assert doubt.is_there()
    world.times.advance(120)
    assert not doubt.is_there()
