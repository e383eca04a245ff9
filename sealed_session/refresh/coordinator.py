"""What a coordinator must be able to do: keep small values, and change one only as it was when it was read.

The protocol of refreshing stands elsewhere, once, in Python. A coordinator knows nothing of it: ``read`` and ``swap``
are enough to make each of its steps atomic (compare and set), whatever holds the values.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class CoordinatorUnavailable(Exception):
    """The coordinator cannot be asked now. Expected, handled by the refresher, and never seen by an application."""


class Reading(NamedTuple):
    """What a coordinator holds under a key.

    Attributes:
        value: The bytes; None for nothing.
        now: The coordinator's own time, in milliseconds: one clock for everybody who shares it, which never goes back
            and does not jump when somebody sets the machine's clock.
    """

    value: bytes | None
    now: int


class Coordinator(Protocol):
    """Holds values that several requests, processes or machines share. Safe to share between threads and greenlets.

    A key is at most 64 bytes, a value at most 16 KiB.
    """

    def read(self, key: bytes) -> Reading:
        """Return what is there.

        Raises:
            CoordinatorUnavailable: It cannot be asked.
        """
        ...

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Put a value in another's place, if that is still there. One atomic step for all who share the coordinator.

        Args:
            key: Whose value.
            old: What ``read`` gave; None for nothing.
            new: What shall be there.
            lives: Milliseconds after which it is gone.

        Returns:
            Whether it was done; False when something else was there.

        Raises:
            CoordinatorUnavailable: It cannot be asked, and it may have been done or not.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds open. It may be used again, and opens what it needs anew."""
        ...
