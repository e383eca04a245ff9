"""Whether the shared coordinator may not know what happened: it was out of reach for somebody, or was emptied.

It stands in the coordinator itself, so that also who noticed nothing knows: in a mark of a random name, made by whoever
comes first, and a time, set by whoever finds the coordinator again. Another name than one has met says that all is gone
that was there. The mark is read before a denial is believed, and otherwise once in the life of a process.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import msgpack

from .coordinator import Coordinator, CoordinatorUnavailable

LASTS = 120_000
"""Milliseconds for which a denial is not believed: somebody may have used the token without the coordinator, and have
been stopped with the answer. So long an answer can take: a lease, and a worker that was stopped for a while."""

KEY = b"sealed-session/1 doubt"

_KEPT = 366 * 86_400_000
_MOST_TRIES = 20


class Mark(NamedTuple):
    """What stands in the coordinator.

    Attributes:
        name: Of the coordinator's contents, as long as they are not lost.
        since: When there was doubt, in the coordinator's milliseconds.
    """

    name: bytes
    since: int


class Doubt:
    """Reads and sets the mark. Safe to share between threads."""

    def __init__(self, store: Coordinator) -> None:
        """Look at nothing yet.

        Args:
            store: The shared coordinator.
        """
        self._store = store
        self._met: bytes | None = None

    def meet(self) -> None:
        """Get to know the coordinator's contents, once in the life of a process.

        Raises:
            CoordinatorUnavailable: It is out of reach.
        """
        if self._met is None:
            self._change(is_doubted=False)

    def rise(self) -> None:
        """Tell everybody that there is doubt from now on.

        Raises:
            CoordinatorUnavailable: It is out of reach.
        """
        self._change(is_doubted=True)

    def is_there(self) -> bool:
        """Return whether there is doubt now. In whose absence nothing can be asked, there is."""
        try:
            value, now = self._store.read(KEY)
            mark = _unpacked(value)
            if mark is None or (self._met is not None and mark.name != self._met):
                self.rise()
                return True
        except CoordinatorUnavailable:
            return True
        if mark.since > now:  # a clock that was set, or somebody who wants no denial to be believed
            self.rise()
        return now < mark.since + LASTS

    def _change(self, *, is_doubted: bool) -> None:
        for _ in range(_MOST_TRIES):
            value, now = self._store.read(KEY)
            mark = _unpacked(value)
            changed = Mark(os.urandom(8), -LASTS) if mark is None else mark
            if is_doubted:
                changed = changed._replace(since=now)
            if changed == mark or self._store.swap(KEY, value, msgpack.packb(changed), _KEPT):
                self._met = changed.name
                return
        raise CoordinatorUnavailable("too many changes of one mark")


def _unpacked(value: bytes | None) -> Mark | None:
    """Return a mark from its bytes; None for nothing, and for what is no mark."""
    try:
        name, since = msgpack.unpackb(value or b"")
    except (ValueError, TypeError):
        return None
    return Mark(name, since) if type(name) is bytes and type(since) is int else None
