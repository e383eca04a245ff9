"""The counters: exact under threads, from zero after a fork, and never at anybody's expense."""

from __future__ import annotations

import logging
import os
import threading

import pytest

from sealed_session.counters import COUNTERS, SIZES, Counters


@pytest.fixture
def counters() -> Counters:
    """Counters that nobody else has."""
    return Counters()


def test_every_counter_is_read_also_where_nothing_was_counted(counters: Counters) -> None:
    """So that whoever collects them knows their names."""
    assert {name: {} for name in COUNTERS} == counters.read()


def test_numbers_are_kept_by_labels(counters: Counters) -> None:
    """Each combination for itself."""
    counters.add("unseals", "opened", "0")
    counters.add("unseals", "opened", "1")
    counters.add("unseals", "opened", "0")
    counters.add("waiters")
    read = counters.read()
    assert {("opened", "0"): 2, ("opened", "1"): 1} == read["unseals"]
    assert {(): 1} == read["waiters"]
    assert "<Counters, 4 counted>" == repr(counters)


def test_what_was_read_is_a_copy(counters: Counters) -> None:
    """Nobody changes a number by changing what he was given, nor does counting change that."""
    counters.add("waiters")
    read = counters.read()
    read["waiters"][()] = 50
    counters.add("waiters")
    assert {(): 2} == counters.read()["waiters"]
    assert {(): 50} == read["waiters"]


@pytest.mark.parametrize(
    ("characters", "bound"),
    [(0, "512"), (512, "512"), (513, "1024"), (945, "1024"), (4096, "4096"), (4097, "more"), (9999, "more")],
)
def test_sizes_are_counted_by_the_first_bound_that_they_keep(counters: Counters, characters: int, bound: str) -> None:
    """A bound itself is kept; what keeps none is more."""
    counters.add_size(characters)
    assert {(bound,): 1} == counters.read()["seals"]


def test_bounds_stay() -> None:
    """They rise, for they are searched by halves; and somebody's graphs name them."""
    assert [512 * number for number in range(1, 9)] == list(SIZES)


@pytest.mark.parametrize(("name", "labels"), [("refreshs", ("refreshed",)), ("refreshes", ()), ("waiters", ("x",))])
def test_what_nobody_could_read_is_refused(counters: Counters, name: str, labels: tuple[str, ...]) -> None:
    """No such counter, or another number of labels: a mistake in a program, found the first time."""
    with pytest.raises(ValueError, match=f"no counter '{name}' with {len(labels)} labels"):
        counters.add(name, *labels)
    assert {name: {} for name in COUNTERS} == counters.read()


def test_every_counter_says_what_it_counts() -> None:
    """In a sentence, and in a noun for its unit."""
    for meaning in COUNTERS.values():
        assert meaning.text.endswith(".")
        assert meaning.counts.isidentifier()
        assert not meaning.counts.endswith("s")


def test_threads_lose_nothing(counters: Counters) -> None:
    """Also where several count one thing for the first time, and somebody reads meanwhile."""
    start = threading.Barrier(8)

    def count() -> None:
        start.wait()
        for number in range(2000):
            counters.add("refreshes", f"outcome {number % 20}")
            if number % 100 == 0:
                counters.read()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(f"outcome {number}",): 800 for number in range(20)} == counters.read()["refreshes"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_starts_from_zero(counters: Counters) -> None:
    """Else what the parent counted would be counted twice. The parent goes on, also where a thread held the lock."""
    counters.add("waiters")
    counters.before_fork()
    with counters._lock:  # somebody counts just now
        child = os.fork()
        if child == 0:
            counters.add("waiters")
            os._exit(counters.read()["waiters"][()])
    counters.after_fork_in_parent()
    assert 1 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    counters.add("waiters")
    assert {(): 2} == counters.read()["waiters"]


def test_listeners_are_told(counters: Counters) -> None:
    """Of everything; of sizes exactly."""
    told: list[object] = []
    counters.listeners.append(lambda name, labels: told.append((name, labels)))
    counters.size_listeners.append(told.append)
    counters.add("refreshes", "refreshed")
    counters.add_size(945)
    assert [("refreshes", ("refreshed",)), ("seals", ("1024",)), 945] == told


def test_a_listener_may_go_while_it_is_told(counters: Counters) -> None:
    """The next one is told all the same."""
    told: list[str] = []

    def once(name: str, _labels: tuple[str, ...]) -> None:
        told.append(name)
        counters.listeners.remove(once)

    counters.listeners += [once, lambda name, _labels: told.append(f"{name} too")]
    counters.add("waiters")
    counters.add("waiters")
    assert ["waiters", "waiters too", "waiters too"] == told


def test_a_listener_that_raises_costs_nobody_anything(counters: Counters, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted, the next listener is told, and the log has it once for each, without what the error says."""
    told: list[object] = []

    def broken(*_what: object) -> None:
        raise ZeroDivisionError("test-secret")

    counters.listeners += [broken, lambda name, _labels: told.append(name)]
    counters.size_listeners += [lambda characters: broken(), told.append]
    with caplog.at_level(logging.ERROR, logger="sealed_session"):
        counters.add("waiters")
        counters.add("waiters")
        counters.add_size(945)
        counters.add_size(945)
    assert {(): 2} == counters.read()["waiters"]
    assert ["waiters", "waiters", "seals", 945, "seals", 945] == told
    assert 2 == len(caplog.records)
    assert "raised ZeroDivisionError at " in caplog.text
    assert "test-secret" not in caplog.text
