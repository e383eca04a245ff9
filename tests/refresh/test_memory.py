"""The memory: what it holds stays bounded, and a child has its own."""

from __future__ import annotations

from sealed_session.refresh.memory import MemoryCoordinator

from .children import in_child


class Clock:
    """Stands still."""

    now = 0

    def __call__(self) -> int:
        """Return what it was set to."""
        return self.now


def test_what_has_ended_is_removed_a_hundred_at_a_time() -> None:
    """A write after a quiet time does not pay for all that ended in it."""
    clock = Clock()
    memory = MemoryCoordinator(clock=clock)
    for number in range(250):
        memory.swap(b"%d" % number, None, b"", 10)
    clock.now = 10
    held = []
    for number in range(3):
        memory.swap(b"later %d" % number, None, b"", 1000)
        held.append(len(memory._values))
    assert [151, 52, 3] == held


def test_a_value_that_was_replaced_is_not_removed_with_the_life_of_the_old_one() -> None:
    """Its own life counts."""
    clock = Clock()
    memory = MemoryCoordinator(clock=clock)
    memory.swap(b"key", None, b"first", 10)
    memory.swap(b"key", b"first", b"second", 100)
    clock.now = 50
    memory.swap(b"other", None, b"", 10)
    assert b"second" == memory.read(b"key").value
    clock.now = 100
    memory.swap(b"third", None, b"", 0)
    assert {} == memory._values


def test_a_write_may_remove_everything() -> None:
    """Its own value too, when that has no life."""
    memory = MemoryCoordinator(clock=Clock())
    assert True is memory.swap(b"key", None, b"value", 0)
    assert ({}, None) == (memory._values, memory.read(b"key").value)


def test_swapping_one_key_again_and_again_holds_little() -> None:
    """The ends of the lives before are forgotten long before they come."""
    memory = MemoryCoordinator(clock=Clock())
    old = None
    for number in range(10_000):
        new = b"%d" % number
        assert memory.swap(b"key", old, new, 1_000_000)
        old = new
    assert len(memory._ends) < 150


def test_a_child_starts_with_nothing() -> None:
    """It shares nothing with its parent, not even what was there before it, and not a lock that is held."""
    memory = MemoryCoordinator()
    memory.swap(b"key", None, b"parent", 60_000)

    def in_the_child() -> list[object]:
        return [memory.read(b"key").value, memory.swap(b"key", None, b"child", 60_000)]

    with memory._lock:
        assert [None, True] == in_child(in_the_child)
    assert b"parent" == memory.read(b"key").value


def test_its_repr_holds_no_value() -> None:
    """Only how many there are."""
    memory = MemoryCoordinator()
    memory.swap(b"key", None, b"secret", 60_000)
    assert "<MemoryCoordinator, 1 values>" == repr(memory)
