"""Records in a coordinator: reading one, claiming, and changing one as a single atomic step (compare and set)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import NamedTuple, TypeVar

from . import record as records
from .coordinator import Coordinator, CoordinatorUnavailable
from .record import Answer, Attempt, Claimed, Mine, Record, Wait

logger = logging.getLogger("sealed_session")

T = TypeVar("T")

Change = Callable[[Record | None, int], Record | None]
"""From what is there, at a coordinator's time, to what shall be; None leaves it as it is."""

_MOST_TRIES = 200
"""Times that somebody else may come in between, for one change. Nobody is that busy with one token."""


class Undecided(CoordinatorUnavailable):
    """A claim was sent to the coordinator, which did not say what came of it: it may stand there or not."""


class Found(NamedTuple):
    """What a coordinator holds under a key.

    Attributes:
        value: As it is stored, for the swap.
        record: What that means; None for nothing. What is none of ours counts as a claim that has ended: somebody wrote
            it, and what became of the token is unknown.
        now: The coordinator's time.
    """

    value: bytes | None
    record: Record | None
    now: int


_UNKNOWN = Record(Claimed(0, b"", Attempt.TAKEOVER))


def read(store: Coordinator, key: bytes) -> Found:
    """Read a record.

    Raises:
        CoordinatorUnavailable: The coordinator cannot be asked.
    """
    value, now = store.read(key)
    try:
        return Found(value, None if value is None else records.unpack(value), now)
    except ValueError:
        return Found(value, _UNKNOWN, now)


def claim(
    store: Coordinator, key: bytes, owner: bytes, newer: Callable[[bytes], T | None], not_now: Collection[Attempt] = ()
) -> Answer[T]:
    """Claim a record, or return what is to be done instead; as ``record.claim_or_get``.

    Args:
        store: Where it stands.
        key: Under which.
        owner: Whose claim.
        newer: Opens a box.
        not_now: What is not to be attempted just now; look again soon.

    Raises:
        CoordinatorUnavailable: The coordinator cannot be asked.
        Undecided: Nor does it say whether the claim stands.
    """
    for _ in range(_MOST_TRIES):
        found = read(store, key)
        answer = records.claim_or_get(found.record, found.now, owner, newer)
        try:
            if isinstance(answer, Mine) and answer.attempt in not_now:
                return Wait()
            if not isinstance(answer, Mine) or _put(store, key, found, answer.record):
                return answer
        except CoordinatorUnavailable as error:
            raise Undecided(*error.args) from None
    raise CoordinatorUnavailable("too many changes of one record")


def change(store: Coordinator, key: bytes, how: Change) -> Record | None:
    """Change a record, and return what is there then.

    Raises:
        CoordinatorUnavailable: The coordinator cannot be asked.
    """
    for _ in range(_MOST_TRIES):
        found = read(store, key)
        changed = how(found.record, found.now)
        if changed is None or changed == found.record:
            return found.record
        if _put(store, key, found, changed):
            return changed
    raise CoordinatorUnavailable("too many changes of one record")


def _put(store: Coordinator, key: bytes, found: Found, record: Record) -> bool:
    if found.record is _UNKNOWN:
        logger.error("a record of the coordinator is none of ours; it is replaced.")
    return store.swap(key, found.value, records.pack(record), records.lives(record, found.now))
