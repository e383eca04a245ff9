"""The record of one refresh token: the whole protocol as a pure state machine. It asks no clock, no store, no provider.

    nothing ──claim──▶ CLAIMED ──result──▶ RESULT ──its time ends──▶ SPENT ──its time ends──▶ nothing
                          │  ▲
                          │  └─ taken over, when the lease has ended
                          └─failure─▶ FAILED ──its time ends──▶ HELD or nothing ──claim──▶ CLAIMED

``claim_or_get`` says to whoever comes with the token what to do; ``with_result``, ``with_failure`` and ``with_floor``
say what the record becomes. Whoever holds a coordinator makes each a single atomic step (``Coordinator.swap``).
Times are the coordinator's milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Generic, TypeVar

import msgpack

HOUR = 3_600_000

SPENT_KEPT, SPENT_KEPT_REUSE = HOUR, 24 * HOUR
"""How long it is known of a token that it is used up; longer where using it again costs the person every session."""

LEASE = 35_000
"""How long a claim keeps others from calling: the longest call, and 5 seconds."""

CALL_LIMIT = 30_000
"""How long a call to the provider may take."""

LONGEST_KEPT = 2 * 366 * 24 * HOUR
"""Nothing is kept for longer, whatever a record says: a cookie lives for 400 days at most."""

ENDED_CLAIM_KEPT = HOUR
"""A claim whose lease ended stays to be seen: "never claimed" and "claimed, outcome unknown" are two things."""


class Attempt(IntEnum):
    """What a claim follows on, which decides how a denial is read."""

    FIRST = 0
    """Nobody has used the token before, as far as the record knows: a denial is believed."""
    TAKEOVER = 1
    """Somebody may have used it, and did not come back: a denial may be the echo of that."""
    AFTER_HOLD = 2
    """As before, and the time in which an answer could still have come is over: a denial is believed."""


class Failure(IntEnum):
    """Why there is no result."""

    DENIED = 0
    """The provider refused the token, and it is believed."""
    UNAVAILABLE = 1
    """No usable answer, and surely nothing was used up: ask again after a while."""
    HOLD = 2
    """An outcome that nobody knows: ask again after a while, and believe what comes."""
    REVOKED = 3
    """Somebody signed out."""
    GIVEN_UP = 4
    """An outcome that nobody knows, of a token that must not be sent again."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody is asking the provider."""

    ends: int
    owner: bytes
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Result:
    """There is a successor.

    Attributes:
        ends: How long it can be had.
        box: The provider's answer, which only a holder of the old token can open.
        order: When it was issued, to tell the later of two; what the numbers count is the writer's business.
        spent_for: How long it is known, after that, that the token is used up.
        good_until: When the new access token ends, by the coordinator's clock: whoever's own clock says otherwise takes
            it all the same, as the one did who asked.
    """

    ends: int
    box: bytes = field(repr=False)
    order: int
    spent_for: int
    good_until: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """There is none, and a reason.

    Attributes:
        ends: Until when.
        failure: Why.
        before: Of a sign-out, Unix seconds: whoever began later has signed in again, although the provider has given
            the same token out once more. 0: it is everybody's.
    """

    ends: int
    failure: Failure
    before: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """A hold is over. The next attempt is the last."""

    ends: int


@dataclass(frozen=True, slots=True)
class Spent:
    """There was a successor; its result is gone."""

    ends: int


@dataclass(frozen=True, slots=True)
class Untouched:
    """Nothing has happened to the token, but something is known of it: its floor."""

    ends: int


State = Claimed | Result | Failed | Held | Spent | Untouched
_STATES: tuple[type[Any], ...] = (Claimed, Result, Failed, Held, Spent, Untouched)
"""The first byte of a stored record says which. Only ever appended to."""

_GREATEST = 2**53
"""Of the numbers in a record; a greater one would break somebody's arithmetic."""

_BYTES = ("owner", "box")
"""The fields that are bytes; all others are whole numbers."""


@dataclass(frozen=True, slots=True)
class Record:
    """A state, and how long a result that may come lives at least.

    Attributes:
        state: Where the refresh token stands.
        floor: Until when a result has to be there: as long as the result that led to this token, so that whoever
            follows a chain of results does not find a later link gone before an earlier one.
    """

    state: State
    floor: int = 0


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Adopt(Generic[T]):
    """Take this successor.

    Attributes:
        successor: The provider's answer.
        is_fresh: Whether its access token is good, by the coordinator's clock.
    """

    successor: T
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody is asking the provider; look again soon."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The token is used up, and its successor is out of reach."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It failed a short while ago, and is not to be tried for so many milliseconds more."""

    failure: Failure
    left: int
    is_everybodys: bool = True


@dataclass(frozen=True, slots=True)
class Mine:
    """Ask the provider, if this record can be put in the place of the one that was read."""

    record: Record
    attempt: Attempt


Answer = Adopt[T] | Wait | Overtaken | Refused | Mine


def claim_or_get(
    record: Record | None,
    now: int,
    owner: bytes,
    newer: Callable[[bytes], T | None],
    started_at: int | None = None,
) -> Answer[T]:
    """Say what somebody does who wants to refresh with a token.

    Args:
        record: What is there.
        now: The coordinator's time.
        owner: Who asks; 16 random bytes, new for every claim.
        newer: Opens a box, and returns the successor if it is newer than what the caller holds. With providers that
            do not rotate, a result under one's own token may be the very thing one holds. Raises ValueError for a box
            that does not open.
        started_at: When the caller's session began, Unix seconds; None: nobody can tell.
    """
    state = None if record is None else settled(record, now).state
    match state:
        case Result(box=box, good_until=good_until):
            try:
                successor = newer(box)
            except ValueError:  # somebody wrote nonsense there: what became of the token is unknown
                return _claim(record, now, owner, Attempt.TAKEOVER)
            return (
                _claim(record, now, owner, Attempt.FIRST) if successor is None else Adopt(successor, now < good_until)
            )
        case Failed(ends=ends, failure=failure) if concerns(state, now, started_at):
            return Refused(failure, ends - now)
        case Spent(ends=ends) if now < ends:
            return Overtaken()
        case Claimed(ends=ends):
            # An end further away than a lease is a clock that was set, or nobody's claim.
            return Wait() if now < ends <= now + LEASE else _claim(record, now, owner, Attempt.TAKEOVER)
        case Held():
            return _claim(record, now, owner, Attempt.AFTER_HOLD)
        case _:
            return _claim(record, now, owner, Attempt.FIRST)


def concerns(failed: Failed, now: int, started_at: int | None) -> bool:
    """Return whether a failure is the answer to a session that began then."""
    is_anew = started_at is not None and 0 < failed.before <= started_at
    return now < failed.ends and not is_anew


def result_of(record: Record | None, now: int, newer: Callable[[bytes], T | None]) -> Adopt[T] | None:
    """Return the successor that a record holds, if it is newer than what the caller holds; None for all else."""
    if record is None or not isinstance(record.state, Result) or now >= record.state.ends:
        return None
    try:
        successor = newer(record.state.box)
    except ValueError:
        return None
    return None if successor is None else Adopt(successor, now < record.state.good_until)


def _claim(record: Record | None, now: int, owner: bytes, attempt: Attempt) -> Mine:
    return Mine(Record(Claimed(now + LEASE, owner, attempt), 0 if record is None else record.floor), attempt)


def settled(record: Record, now: int) -> Record:
    """Return what a record has become by the mere passing of time."""
    match record.state:
        case Result(ends=ends, spent_for=spent_for) if now >= ends:
            return replace(record, state=Spent(ends + spent_for))
        case Failed(ends=ends, failure=Failure.HOLD) if now >= ends:
            return replace(record, state=Held(ends + HOUR))
        case _:
            return record


def with_result(record: Record | None, result: Result) -> Record:
    """Return the record with a result, by whoever holds one, claim or no claim. Of two the later-issued stays."""
    floor = 0 if record is None else record.floor
    if record is not None and isinstance(record.state, Result):
        if record.state.order > result.order:
            return record
        floor = max(floor, record.state.ends)
    return Record(replace(result, ends=max(result.ends, floor)), floor)


def with_failure(record: Record | None, owner: bytes, failed: Failed) -> Record | None:
    """Return the record with a failure over one's own claim; None where that is not there any more."""
    if record is None or not isinstance(record.state, Claimed) or record.state.owner != owner:
        return None
    return replace(record, state=failed)


def given_back(record: Record | None, owner: bytes, now: int) -> Record | None:
    """Return the record without one's own claim, which came to nothing; None where that is not there any more.

    It is left as it was found: of a takeover an ended claim, for what became of the call before is as unknown as it
    was, and after a hold a hold.

    Args:
        record: What is there.
        owner: Whose claim.
        now: From when on somebody may claim again.
    """
    if record is None or not isinstance(record.state, Claimed) or record.state.owner != owner:
        return None
    if record.state.attempt is Attempt.TAKEOVER:
        return replace(record, state=replace(record.state, ends=now))
    failure = Failure.HOLD if record.state.attempt is Attempt.AFTER_HOLD else Failure.UNAVAILABLE
    return replace(record, state=Failed(now, failure))


def with_floor(record: Record | None, floor: int) -> Record:
    """Return the record of the next token, that a result for it lives at least as long as the one that led there."""
    if record is None:
        return Record(Untouched(floor), floor)
    return replace(record, floor=max(record.floor, floor))


def lives(record: Record, now: int) -> int:
    """Return for how many milliseconds a coordinator has to keep a record, its floor included."""
    match record.state:
        case Result(ends=ends, spent_for=spent_for):
            end = ends + spent_for
        case Claimed(ends=ends):
            end = ends + ENDED_CLAIM_KEPT
        case Failed(ends=ends, failure=Failure.HOLD):
            end = ends + HOUR
        case state:
            end = state.ends
    return min(max(end - now, record.floor - now, 1), LONGEST_KEPT)


def pack(record: Record) -> bytes:
    """Return a record as bytes."""
    state = record.state
    values = [getattr(state, name) for name in state.__slots__]
    packed: bytes = msgpack.packb([_STATES.index(type(state)), record.floor, *values])
    return packed


def unpack(data: bytes) -> Record:
    """Return a record from its bytes.

    Raises:
        ValueError: They are not those of a record.
    """
    try:
        kind, floor, *values = msgpack.unpackb(data)
        if type(kind) is not int or kind < 0:
            raise ValueError("no kind of record")
        state = _STATES[kind](*values)
        numbers = [floor, *(getattr(state, name) for name in state.__slots__ if name not in _BYTES)]
        texts = [getattr(state, name) for name in state.__slots__ if name in _BYTES]
        are_sound = all(type(value) is int and 0 <= value <= _GREATEST for value in numbers)
        if not are_sound or {type(text) for text in texts} - {bytes}:
            raise ValueError("other values than a record has")
        if isinstance(state, Claimed):
            state = replace(state, attempt=Attempt(state.attempt))
        if isinstance(state, Failed):
            state = replace(state, failure=Failure(state.failure))
    except (ValueError, TypeError, IndexError) as error:
        raise ValueError(f"no record: {type(error).__name__}") from None
    return Record(state, floor)
