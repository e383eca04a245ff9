"""What is known of refresh tokens: their records, in whichever coordinator can be reached.

    shared ─▶ this host's ─▶ this process's own       a claim is taken in the first that answers

The shared coordinator counts. What this process has learnt it keeps as well, so that it can serve whoever comes late
without asking, go on while the shared one is out of reach, and tell it what happened once it is back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

from ..counters import Counters
from ..providers.base import Provider
from ..session import Session
from . import record as records
from . import stored, uptime
from .attempt import merge
from .coordinator import Coordinator, CoordinatorUnavailable
from .handover import HandOver
from .record import Adopt, Attempt, Claimed, Failed, Failure, Mine, Overtaken, Record, Refused, Result, Wait
from .shared import SharedCoordinator
from .successors import MakeResult, Successors
from .tombstones import Tombstones

MOST_LINKS = 8
"""Results that lead from one to the next, for a cookie that was away for long."""


@dataclass(frozen=True)
class Busy:
    """Somebody is asking the provider; look again soon.

    Attributes:
        depth: In which coordinator that stands. Whoever has seen it there asks nobody without that coordinator.
    """

    depth: int


@dataclass(frozen=True)
class Claim:
    """The right to ask the provider, once.

    Attributes:
        attempt: What it follows on.
        taken_at: Before it was asked for, in milliseconds of a clock that goes on while the machine sleeps.
        depth: In which coordinator: 0 is the one that everybody shares.
    """

    hand_over: HandOver = field(repr=False)
    owner: bytes
    attempt: Attempt
    taken_at: int
    depth: int

    @property
    def covers_a_call(self) -> bool:
        """Whether a call that begins now would end before anybody else may ask."""
        return uptime.milliseconds() - self.taken_at <= records.LEASE - records.CALL_LIMIT


@dataclass(frozen=True)
class Standing:
    """Where a session stands, seen without a claim.

    Attributes:
        newer: The newest that it was answered with, complete; None where it is the newest itself.
        is_settled: Whether that is sure: nobody is asking the provider just now, and the coordinator answered.
        is_revoked: Whether somebody signed out.
    """

    newer: Session | None = None
    is_settled: bool = True
    is_revoked: bool = False


class Ledger:
    """The records of one provider's refresh tokens. Safe to share between threads.

    Attributes:
        tombstones: Which sessions are over.
    """

    def __init__(
        self,
        provider: Provider,
        shared: Coordinator,
        own: Coordinator,
        *,
        clock: Callable[[], float],
        grace: float,
        host: Coordinator | None = None,
        counters: Counters | None = None,
    ) -> None:
        """Hold the collaborators.

        Args:
            provider: Whose tokens.
            shared: What everybody asks.
            own: What this process keeps for itself: never out of reach.
            clock: Returns Unix seconds.
            grace: Seconds for which a result outlives the access token that it replaces.
            host: What the processes of this machine share, for the time that ``shared`` is out of reach.
            counters: Where what happens is counted.
        """
        self._successors = Successors(provider, clock=clock, grace=grace)
        self._shared = SharedCoordinator(shared)
        self.tombstones = Tombstones(self._shared, lambda: provider.identity)
        self._own = own
        self._stores: tuple[Coordinator, ...] = (self._shared, own) if host is None else (self._shared, host, own)
        self._counters = Counters() if counters is None else counters
        self._reuse_detection = bool(getattr(provider, "reuse_detection", False))

    @property
    def is_in_doubt(self) -> bool:
        """Whether somebody may know what the shared coordinator does not. Asks it: for the case of a denial."""
        return self._shared.is_in_doubt

    def believes(self, claim: Claim) -> bool:
        """Return whether a denial is news: nobody else can have used the token up a moment ago."""
        if claim.attempt is Attempt.TAKEOVER:
            return False
        if claim.depth == 0:
            return not self.is_in_doubt
        return claim.attempt is Attempt.AFTER_HOLD and self._shared.is_long_away

    def look(self, session: Session, *, everywhere: bool = False) -> Session | None:
        """Return what a session's token was answered with, where that is known and newer; claim nothing.

        Args:
            session: The session.
            everywhere: Look at what this host remembers of an outage, too.
        """
        return self._view(session, everywhere=everywhere).newer

    def standing(self, session: Session, started_at: int | None = None) -> Standing:
        """Return where a session stands, link by link to the newest; claim nothing.

        Args:
            session: The session.
            started_at: When it began, to see whether somebody has signed out since.
        """
        newest, view = session, Standing()
        for _ in range(MOST_LINKS):
            view = self._view(newest, started_at=started_at)
            if view.newer is None:
                break
            newest = merge(newest, view.newer)
        else:  # there may be more
            view = Standing(is_settled=False)
        is_revoked = view.is_revoked or self.tombstones.is_over(newest, started_at)
        return Standing(None if newest is session else newest, view.is_settled, is_revoked)

    def claim(
        self, session: Session, *, deepest: int | None = None, started_at: int | None = None
    ) -> Adopt[Session] | Busy | Overtaken | Refused | Claim:
        """Return what to do about a session: adopt, wait, take no for an answer, or ask the provider.

        Args:
            session: The newest that is known.
            deepest: In which coordinator a claim was seen. Whoever has seen one asks nobody without that coordinator.
            started_at: When it began, for a token that was signed out and has been given out again.

        Raises:
            CoordinatorUnavailable: It is out of reach, and going on without it is not safe.
        """
        hand_over, taken_at, owner = self._successors.hand_over(session), uptime.milliseconds(), os.urandom(16)
        newer = self._successors.newer(hand_over, session)
        known = self._own_result(hand_over.key, newer)
        if known is not None:
            return known
        depth, answer = self._claim_in_first(hand_over.key, owner, newer, deepest, started_at)
        if isinstance(answer, Mine):
            return Claim(hand_over, owner, answer.attempt, taken_at, depth)
        if isinstance(answer, Refused) and depth:  # somebody else may know better, whom nobody can ask now
            return replace(answer, is_everybodys=False)
        return Busy(depth) if isinstance(answer, Wait) else answer

    def write_result(self, claim: Claim, session: Session, answer: Session, *, is_delivered: bool = True) -> Session:
        """Keep what the provider answered for whoever has the same token, whatever has become of the claim.

        Args:
            claim: One's own.
            session: What was renewed.
            answer: The provider's answer.
            is_delivered: Whether anybody waits for it, to send it to the browser.

        Returns:
            The answer that stands: another one, where somebody else has a later-issued one.
        """
        key = claim.hand_over.key
        make = self._successors.result_maker(claim.hand_over, session, answer, is_delivered=is_delivered)
        successor = merge(session, answer)
        for depth, store in enumerate(self._stores[:-1]):
            try:
                stands = self._put_with_floor(store, key, make, successor)
            except CoordinatorUnavailable:
                if store is self._shared:
                    self._shared.owe(key, lambda: self._tell_result(key, make, successor))
                continue
            if stands.box != make(0).box:
                return self._successors.newer(claim.hand_over, session)(stands.box) or answer
            if depth >= claim.depth:
                break
        _put(self._own, key, make)
        return answer

    def write_failure(self, claim: Claim, failure: Failure, seconds: float, *, before: int = 0) -> None:
        """Keep that there was no answer, over one's own claim and nothing else.

        Args:
            claim: One's own.
            failure: Why.
            seconds: For which it is kept.
            before: Whom it concerns; see ``record.Failed``.
        """

        def change(record: Record | None, now: int) -> Record | None:
            return records.with_failure(record, claim.owner, Failed(now + int(seconds * 1000), failure, before))

        self._change_claim(claim, change)

    def give_back(self, claim: Claim, seconds: float = 0) -> None:
        """Give a claim back that came to nothing: nobody was asked, or surely to no effect.

        Args:
            claim: One's own.
            seconds: For which nobody else shall ask either.
        """
        self._change_claim(claim, _given_back(claim.owner, seconds))

    # The coordinators.

    def _view(self, session: Session, *, everywhere: bool = False, started_at: int | None = None) -> Standing:
        """Look at one link: in the own memory, then in the first coordinator that answers, or in all of them."""
        if self._successors.credential(session) is None:
            return Standing()
        hand_over = self._successors.hand_over(session)
        newer = self._successors.newer(hand_over, session)
        known = self._own_result(hand_over.key, newer)
        if known is not None:
            return Standing(known.successor)
        view = Standing(is_settled=False)
        for store in self._stores[:-1]:
            try:
                _, record, now = stored.read(store, hand_over.key)
            except CoordinatorUnavailable:
                continue
            state = None if record is None else record.state
            is_claimed = isinstance(state, Claimed) and now < state.ends
            is_signed_out = isinstance(state, Failed) and state.failure is Failure.REVOKED
            is_revoked = is_signed_out and records.concerns(cast(Failed, state), now, started_at)
            is_settled = store is self._shared and not is_claimed
            found = records.result_of(record, now, newer)
            view = Standing(None if found is None else found.successor, is_settled, is_revoked)
            if view.newer is not None or not everywhere:
                break
        return view

    def _own_result(self, key: bytes, newer: Callable[[bytes], Session | None]) -> Adopt[Session] | None:
        """Return what this process has learnt."""
        _, record, now = stored.read(self._own, key)
        return records.result_of(record, now, newer)

    def _claim_in_first(
        self,
        key: bytes,
        owner: bytes,
        newer: Callable[[bytes], Session | None],
        deepest: int | None,
        started_at: int | None,
    ) -> tuple[int, records.Answer[Session]]:
        """Claim in the first coordinator that answers."""
        may_stand = False
        for depth, store in enumerate(self._stores):
            try:
                if store is self._shared:
                    self._shared.settle(key)
                answer = stored.claim(store, key, owner, newer, self._not_now(store, deepest), started_at)
            except CoordinatorUnavailable as error:
                may_stand |= isinstance(error, stored.Undecided)
                if depth == deepest or self._reuse_detection:
                    break
                self._counters.add("coordinator_fallbacks")
                continue
            if may_stand and not isinstance(answer, Mine):
                self._disclaim(key, owner)
            return depth, answer
        if may_stand:
            self._disclaim(key, owner)
        raise CoordinatorUnavailable("nobody can be asked safely")

    def _not_now(self, store: Coordinator, deepest: int | None) -> tuple[Attempt, ...]:
        """Return what is not to be attempted just after an outage, when the coordinator may not have been told yet.

        Nothing is taken over. Where a call too many is dear, or somebody was seen at it, nobody is asked at all.
        """
        if store is not self._shared or not self._shared.is_just_back:
            return ()
        return tuple(Attempt) if self._reuse_detection or deepest else (Attempt.TAKEOVER,)

    def _disclaim(self, key: bytes, owner: bytes) -> None:
        """Take a claim back of which the shared coordinator did not say whether it stands, and that nobody uses."""
        self._shared.owe(key + owner, lambda: self._tell(key, _given_back(owner)))

    def _put_with_floor(self, store: Coordinator, key: bytes, make: MakeResult, successor: Session) -> Result:
        """Write a result, and promise whoever follows it that the next link lives as long; return what stands."""
        stands = _put(store, key, make)
        if self._successors.credential(successor) is not None:
            next_key = self._successors.hand_over(successor).key
            stored.change(store, next_key, lambda record, _now: records.with_floor(record, stands.ends))
        return stands

    def _tell_result(self, key: bytes, make: MakeResult, successor: Session) -> None:
        self._put_with_floor(self._shared, key, make, successor)

    def _change_claim(self, claim: Claim, how: stored.Change) -> None:
        """Say what came of a claim; where that cannot be said now, the claim ends by itself, and it is said later."""
        store, key = self._stores[claim.depth], claim.hand_over.key
        try:
            stored.change(store, key, how)
        except CoordinatorUnavailable:
            if store is self._shared:
                self._shared.owe(key + claim.owner, lambda: self._tell(key, how))

    def _tell(self, key: bytes, how: stored.Change) -> None:
        stored.change(self._shared, key, how)


def _given_back(owner: bytes, seconds: float = 0) -> stored.Change:
    return lambda record, now: records.given_back(record, owner, now + int(seconds * 1000))


def _put(store: Coordinator, key: bytes, make: MakeResult) -> Result:
    record = stored.change(store, key, lambda old, now: records.with_result(old, make(now)))
    return cast(Result, cast(Record, record).state)
