"""Records in a coordinator: reading one, claiming, and changing one as a single atomic step (compare and set).

The box of a result stands beside its record, and only for as long as the result can be had: nine tenths of the bytes
are in it, and that a token is spent is known for an hour, or a day.

    key           the record, in whose result stands what the box is called
    key | name    the box; written first, so that a record never tells of one that is still to come
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple, TypeVar

from . import record as records
from .coordinator import Coordinator, CoordinatorUnavailable
from .record import LONGEST_KEPT, Answer, Attempt, Claimed, Mine, Record, Result, Spent, Wait

logger = logging.getLogger("sealed_session")

T = TypeVar("T")

Change = Callable[[Record | None, int], Record | None]
"""From what is there, at a coordinator's time, to what shall be; None leaves it as it is."""

_MOST_TRIES = 200
"""Times that somebody else may come in between, for one change. Nobody is that busy with one token."""

_NAME_BYTES = 16
"""Of a box's name, which is its hash; fewer than any box has."""


class Undecided(CoordinatorUnavailable):
    """A claim was sent to the coordinator, which did not say what came of it: it may stand there or not."""


class Found(NamedTuple):
    """What a coordinator holds under a key.

    Attributes:
        value: As it is stored, for the swap.
        record: What that means, a result with its box; None for nothing. What is none of ours counts as a claim that
            has ended: somebody wrote it, and what became of the token is unknown.
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
        record = None if value is None else records.unpack(value)
    except ValueError:
        return Found(value, _UNKNOWN, now)
    if record is not None and isinstance(record.state, Result) and now < record.state.ends:
        record = replace(record, state=_with_box(store, key, record.state, now))
    return Found(value, record, now)


def claim(
    store: Coordinator,
    key: bytes,
    owner: bytes,
    newer: Callable[[bytes], T | None],
    not_now: Collection[Attempt] = (),
    started_at: int | None = None,
) -> Answer[T]:
    """Claim a record, or return what is to be done instead; as ``record.claim_or_get``.

    Args:
        store: Where it stands.
        key: Under which.
        owner: Whose claim.
        newer: Opens a box.
        not_now: What is not to be attempted just now; look again soon.
        started_at: When the caller's session began, Unix seconds; None: nobody can tell.

    Raises:
        CoordinatorUnavailable: The coordinator cannot be asked.
        Undecided: Nor does it say whether the claim stands.
    """
    for _ in range(_MOST_TRIES):
        found = read(store, key)
        answer = records.claim_or_get(found.record, found.now, owner, newer, started_at)
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
    state = record.state
    if isinstance(state, Result):
        if found.record is None or found.record.state != state:  # and not only its floor
            _put_box(store, key, state, found.now)
        record = replace(record, state=replace(state, box=_name_of(state.box)))
    return store.swap(key, found.value, records.pack(record), records.lives(record, found.now))


def _name_of(box: bytes) -> bytes:
    return sha256(box).digest()[:_NAME_BYTES]


def _put_box(store: Coordinator, key: bytes, result: Result, now: int) -> None:
    """Put a box beside its record; one that is there already lives as long as the later of its results."""
    place, lives = key + _name_of(result.box), min(max(1, result.ends - now), LONGEST_KEPT)
    if not store.swap(place, None, result.box, lives):
        store.swap(place, result.box, result.box, lives)


def _with_box(store: Coordinator, key: bytes, result: Result, now: int) -> Result | Spent:
    """Return a result with its box; where that is gone before its time, what becomes of a result without it.

    What is no name is the box itself, of whoever wrote the record; it will open or not.
    """
    if len(result.box) != _NAME_BYTES:
        return result
    box = store.read(key + result.box).value
    return Spent(now + result.spent_for) if box is None else replace(result, box=box)
