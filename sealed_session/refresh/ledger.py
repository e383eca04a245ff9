"""What is known of refresh tokens: their records, in whichever coordinator can be reached.

The shared coordinator counts. What this process has learnt it keeps as well, so that it can serve whoever comes late
without asking, go on while the shared one is out of reach, and tell it what happened once it is back.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from ..errors import SealError
from ..providers.base import Provider
from ..session import Session
from . import record as records
from . import uptime
from .attempt import merge
from .coordinator import Coordinator, CoordinatorUnavailable
from .handover import HandOver
from .record import Adopt, Attempt, Failed, Failure, Mine, Overtaken, Record, Refused, Result, Wait

logger = logging.getLogger("sealed_session")

_MOST_TRIES = 200
"""Times that somebody else may come in between, for one change. Nobody is that busy with one token."""

_MOST_UNSAVED = 1000
_NO_TAKEOVER = 2
"""Seconds after the shared coordinator came back, in which others may still tell it what they know."""

_DOUBT = 60
"""Seconds after it was last out of reach, in which a denial is not believed."""

_SAY_EVERY = 60

_NEVER = float("-inf")

MakeResult = Callable[[int], Result]
"""Makes a result that begins at a coordinator's time."""


@dataclass(frozen=True)
class Claim:
    """The right to ask the provider, once.

    Attributes:
        attempt: What it follows on.
        taken_at: Before it was asked for, in milliseconds of a clock that goes on while the machine sleeps.
        is_shared: Whether everybody knows of it, or this process alone.
    """

    hand_over: HandOver = field(repr=False)
    owner: bytes
    attempt: Attempt
    taken_at: int
    is_shared: bool

    @property
    def covers_a_call(self) -> bool:
        """Whether a call that begins now would end before anybody else may ask."""
        return uptime.milliseconds() - self.taken_at <= records.LEASE - records.CALL_LIMIT


class Ledger:
    """The records of one provider's refresh tokens. Safe to share between threads."""

    def __init__(
        self,
        provider: Provider,
        shared: Coordinator,
        own: Coordinator,
        *,
        clock: Callable[[], float],
        grace: float,
    ) -> None:
        """Hold the collaborators.

        Args:
            provider: Whose tokens.
            shared: What everybody asks.
            own: What this process keeps for itself: never out of reach.
            clock: Returns Unix seconds.
            grace: Seconds for which a result outlives the access token that it replaces.
        """
        self._provider = provider
        self._shared = shared
        self._own = own
        self._clock = clock
        self._grace = grace
        self._reuse_detection = bool(getattr(provider, "reuse_detection", False))
        self._unsaved: dict[bytes, MakeResult] = {}
        self._lost_at = self._back_at = self._said_at = _NEVER
        self._is_lost = False

    @property
    def is_in_doubt(self) -> bool:
        """Whether the shared coordinator was out of reach lately, so that somebody may know what it does not."""
        return time.monotonic() - self._lost_at < _DOUBT

    def look(self, session: Session) -> Session | None:
        """Return what a session's token was answered with, where that is known and newer; claim nothing."""
        if self._provider.credential(session) is None:
            return None
        hand_over = self._hand_over(session)
        newer = self._newer(hand_over, session)
        known = records.result_of(*self._read(self._own, hand_over.key)[1:], newer)
        if known is not None:
            return known
        try:
            return records.result_of(*self._read(self._shared, hand_over.key)[1:], newer)
        except CoordinatorUnavailable:
            self._lose()
            return None

    def claim(self, session: Session, *, has_waited: bool) -> Adopt[Session] | Wait | Overtaken | Refused | Claim:
        """Return what to do about a session: adopt, wait, take no for an answer, or ask the provider.

        Args:
            session: The newest that is known.
            has_waited: Whether a claim was seen in the shared coordinator. Whoever has seen one asks nobody without it.

        Raises:
            CoordinatorUnavailable: It is out of reach, and going on without it is not safe.
        """
        hand_over, taken_at, owner = self._hand_over(session), uptime.milliseconds(), os.urandom(16)
        newer = self._newer(hand_over, session)
        known = records.result_of(*self._read(self._own, hand_over.key)[1:], newer)
        if known is not None:
            return Adopt(known)
        is_shared = True
        try:
            self._push()
            answer = self._claim_in(self._shared, hand_over.key, owner, newer)
            self._regain()
        except CoordinatorUnavailable:
            self._lose()
            if has_waited or self._reuse_detection:
                raise
            is_shared, answer = False, self._claim_in(self._own, hand_over.key, owner, newer)
        return Claim(hand_over, owner, answer.attempt, taken_at, is_shared) if isinstance(answer, Mine) else answer

    def write_result(self, claim: Claim, session: Session, answer: Session) -> None:
        """Keep what the provider answered for whoever has the same token, whatever has become of the claim."""
        key, make = claim.hand_over.key, self._result_maker(claim.hand_over, session, answer)
        self._put(self._own, key, make)
        if claim.is_shared:
            try:
                self._put_shared(key, make, merge(session, answer))
                return
            except CoordinatorUnavailable:
                self._lose()
        if len(self._unsaved) < _MOST_UNSAVED:
            self._unsaved[key] = make

    def write_failure(self, claim: Claim, failure: Failure, seconds: float) -> None:
        """Keep that there was no answer, over one's own claim and nothing else."""

        def change(record: Record | None, now: int) -> Record | None:
            return records.with_failure(record, claim.owner, Failed(now + int(seconds * 1000), failure))

        try:
            self._change(self._shared if claim.is_shared else self._own, claim.hand_over.key, change)
        except CoordinatorUnavailable:
            self._lose()  # the claim ends by itself

    def give_back(self, claim: Claim, seconds: float = 0) -> None:
        """Give a claim back that came to nothing: nobody was asked, or surely to no effect.

        Args:
            claim: One's own.
            seconds: For which nobody else shall ask either.
        """

        def change(record: Record | None, now: int) -> Record | None:
            return records.given_back(record, claim.owner, now + int(seconds * 1000))

        try:
            self._change(self._shared if claim.is_shared else self._own, claim.hand_over.key, change)
        except CoordinatorUnavailable:
            self._lose()

    # The coordinators.

    def _claim_in(
        self, coordinator: Coordinator, key: bytes, owner: bytes, newer: Callable[[bytes], Session | None]
    ) -> records.Answer[Session]:
        for _ in range(_MOST_TRIES):
            value, record, now = self._read(coordinator, key)
            answer = records.claim_or_get(record, now, owner, newer)
            if not isinstance(answer, Mine):
                return answer
            is_just_back = self._is_lost or time.monotonic() - self._back_at < _NO_TAKEOVER
            if answer.attempt is Attempt.TAKEOVER and is_just_back and coordinator is self._shared:
                return Wait()
            if coordinator.swap(key, value, records.pack(answer.record), records.lives(answer.record, now)):
                return answer
        raise CoordinatorUnavailable("too many changes of one record")

    def _put_shared(self, key: bytes, make: MakeResult, successor: Session) -> None:
        """Write a result, and promise whoever follows it that the next link lives as long."""
        floor = self._put(self._shared, key, make).state.ends
        if self._provider.credential(successor) is None:
            return
        self._change(self._shared, self._hand_over(successor).key, lambda next_, _now: records.with_floor(next_, floor))

    def _put(self, coordinator: Coordinator, key: bytes, make: MakeResult) -> Record:
        return cast(Record, self._change(coordinator, key, lambda old, now: records.with_result(old, make(now))))

    def _change(
        self, coordinator: Coordinator, key: bytes, change: Callable[[Record | None, int], Record | None]
    ) -> Record | None:
        for _ in range(_MOST_TRIES):
            value, record, now = self._read(coordinator, key)
            changed = change(record, now)
            if changed is None or changed == record:
                return record
            if coordinator.swap(key, value, records.pack(changed), records.lives(changed, now)):
                return changed
        raise CoordinatorUnavailable("too many changes of one record")

    def _read(self, coordinator: Coordinator, key: bytes) -> tuple[bytes | None, Record | None, int]:
        value, now = coordinator.read(key)
        try:
            return value, None if value is None else records.unpack(value), now
        except ValueError:
            logger.error("a record of the coordinator is none of ours; it is replaced.")
            return value, None, now

    # The shared coordinator comes and goes.

    def _lose(self) -> None:
        self._lost_at, self._is_lost = time.monotonic(), True
        if self._lost_at - self._said_at > _SAY_EVERY:
            self._said_at = self._lost_at
            logger.warning("the coordinator is out of reach; sessions go on, and this is said once a minute.")

    def _regain(self) -> None:
        if self._is_lost:
            self._is_lost, self._back_at = False, time.monotonic()
            logger.warning("the coordinator is back.")

    def _push(self) -> None:
        """Tell the shared coordinator what happened without it, before anything else is asked of it."""
        for key, make in list(self._unsaved.items()):
            self._put(self._shared, key, make)
            self._unsaved.pop(key, None)

    # Tokens.

    def _hand_over(self, session: Session) -> HandOver:
        credential = self._provider.credential(session)
        if credential is None:
            raise ValueError("a session without a credential has no record")
        return HandOver(credential, self._provider.identity)

    def _newer(self, hand_over: HandOver, session: Session) -> Callable[[bytes], Session | None]:
        """Return what opens a box, and gives its answer where that is newer than the session at hand."""

        def newer(box: bytes) -> Session | None:
            answer = Session._unpacked(hand_over.open(box))
            if self._provider.credential(merge(session, answer)) != self._provider.credential(session):
                return answer  # the token was rotated: whoever holds the old one holds less
            if answer.access_token == session.access_token:
                return None
            return answer if _ends(answer) >= _ends(session) else None

        return newer

    def _box(self, hand_over: HandOver, answer: Session) -> bytes:
        try:
            return hand_over.seal(answer.to_mapping())
        except SealError:  # of what is no JSON nobody shall lose the tokens
            logger.error("the provider's answer holds what is not JSON; only its tokens are kept.")
            return hand_over.seal(answer.replace(user=None, impersonator=None, extra=None).to_mapping())

    def _result_maker(self, hand_over: HandOver, session: Session, answer: Session) -> MakeResult:
        box, now = self._box(hand_over, answer), self._clock()
        ends = session.access_expires_at
        lasts = int((max(0.0, (now if ends is None else ends) - now) + self._grace) * 1000)
        spent_for = records.SPENT_KEPT_REUSE if self._reuse_detection else records.SPENT_KEPT
        if self._provider.credential(merge(session, answer)) == self._provider.credential(session):
            spent_for = 0  # not rotated: the token is as good as before
        order = int(_ends(answer))
        return lambda begin: Result(begin + lasts, box, order, spent_for)


def _ends(session: Session) -> float:
    """Return when an access token ends, to tell which of two was issued later; one that does not say is the latest."""
    ends = session.access_expires_at
    return 2**53 if ends is None else ends
