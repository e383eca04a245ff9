"""One flight, from link to link: adopt what is newer, wait for whoever is at it, and ask where nobody is."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..counters import Counters
from ..providers.base import Provider
from ..reasons import Reason
from ..session import Session
from ..whereabouts import whereabouts
from .attempt import attempt, merge
from .breaker import Breaker
from .coordinator import CoordinatorUnavailable
from .ledger import MOST_LINKS, Busy, Claim, Ledger
from .outcome import Kind, Outcome
from .record import Adopt, Attempt, Failure, Overtaken, Refused

logger = logging.getLogger("sealed_session")

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.05
"""Seconds between two looks at somebody else's claim. It doubles from the one to the other, with jitter."""

DENIED_KEPT, HOLD = 600, 60
"""Seconds for which a denial that is believed is remembered, and one that is not keeps everybody from asking."""

GIVEN_UP_KEPT = 24 * 3600
"""Seconds for which a token is not asked about again whose outcome nobody knows, where asking again is punished."""

SHORTEST_WAIT, LONGEST_WAIT = 1, 30
"""Seconds for which a provider that gave no usable answer is not asked again for one token."""


class Journey:
    """A refresh on its way. Belongs to its thread.

    Attributes:
        newest: The newest session that is known.
        has_asked: Whether the provider gave an answer.
        has_waited: Whether somebody else's claim was waited for.
        gave_up: Whether somebody else's claim was not waited for, because nobody waited for this.
    """

    def __init__(
        self,
        provider: Provider,
        ledger: Ledger,
        session: Session,
        arguments: dict[str, Any],
        *,
        force: bool,
        is_due: Callable[[Session], bool],
        is_awaited: Callable[[], bool],
        is_heard: Callable[[], bool],
        is_believed: Callable[[], bool],
        breaker: Breaker,
        counters: Counters,
        started_at: int | None = None,
    ) -> None:
        """Begin with a session.

        Args:
            provider: Whom to ask.
            ledger: The records.
            session: What a request came with.
            arguments: For the provider.
            force: Ask also for a session that is not due; so do arguments.
            is_due: Whether a session should be renewed.
            is_awaited: Whether any request would wait for somebody else's call.
            is_heard: Whether any request is there to take what comes.
            is_believed: Whether denials can be believed now.
            breaker: Keeps everybody from asking for a while.
            counters: Where what happens is counted.
            started_at: When the session began, Unix seconds; None: nobody can tell.
        """
        self._provider = provider
        self._ledger = ledger
        self._arguments = arguments
        self._is_due = is_due
        self._is_awaited = is_awaited
        self._is_heard = is_heard
        self._is_believed = is_believed
        self._breaker = breaker
        self._counters = counters
        self._started_at = started_at
        self._is_wanted = force or bool(arguments)
        self._deepest: int | None = None
        self._pause = FIRST_PAUSE
        self._is_fresh = False
        self.has_asked = False
        self._links = 0
        self._answer: Session | None = None
        self.gave_up = False
        self.newest = session

    def travel(self) -> Outcome:
        """Go until there is nothing newer, or no going on.

        Returns:
            What came of it. ``session`` is what providers answered on the way, without what they left out.

        """
        outcome = None
        while outcome is None and self._links < MOST_LINKS:
            if self._links and self._provider.credential(self.newest) is None:
                break
            if self.has_asked and self._arguments:  # whoever went on from here may have switched elsewhere
                break
            if self._has_enough or self._breaker.left:
                known = self._ledger.look(self.newest)
                if known is not None:
                    self._adopt(known)
                elif self._has_enough:
                    break
                else:
                    outcome = _unavailable(self._breaker.left)
                continue
            outcome = self._go_on()
        if outcome is None and not self.has_asked and not self._has_enough:  # after so many links, for once
            outcome = _unavailable()
        return replace(outcome or Outcome(Kind.REFRESHED), session=self._answer)

    @property
    def has_waited(self) -> bool:
        """Whether somebody else's claim was waited for."""
        return self._deepest is not None

    @property
    def _has_enough(self) -> bool:
        """Whether nothing is to be asked for any more; what others have learnt is taken all the same."""
        if self.has_asked or self._is_wanted or not self._links:
            return self.has_asked
        return self._is_fresh or not self._is_due(self.newest)

    def _go_on(self) -> Outcome | None:
        """Take a step; None where there is another to take."""
        try:
            answer = self._ledger.claim(self.newest, deepest=self._deepest, started_at=self._started_at)
        except CoordinatorUnavailable:
            return self._wait(self._deepest)
        if isinstance(answer, Adopt):
            self._adopt(answer.successor)
            self._is_fresh = answer.is_fresh
            return None
        if isinstance(answer, Claim):
            return self._ask(answer)
        if isinstance(answer, Busy):
            return self._wait(answer.depth)
        return _refused(answer, is_on_record=not self.has_waited)

    def _wait(self, depth: int | None) -> Outcome | None:
        """Wait a moment for somebody else, and for the coordinator in which that was seen; who has seen nobody goes."""
        if depth is None:
            return _unavailable()
        if not self._is_awaited():
            self.gave_up = True
            return _unavailable()
        self._deepest = depth
        time.sleep(self._pause * random.uniform(0.5, 1))  # noqa: S311 - not for secrets
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return None

    def _call(self) -> Outcome:
        """Call the provider."""
        try:
            outcome = attempt(self._provider, self.newest, self._arguments)
        except BaseException as error:  # meant for a program, and this is a thread of ours, with a claim to see to
            logger.error("the provider's refresh raised %s", whereabouts(error))
            outcome = replace(_unavailable(), may_be_used=True)
        self._counters.add("provider_calls", outcome.kind)
        return outcome

    def _adopt(self, answer: Session) -> None:
        self._links += 1
        self._answer = answer if self._answer is None else merge(self._answer, answer)
        self.newest = merge(self.newest, answer)

    def _ask(self, claim: Claim) -> Outcome | None:
        """Ask the provider, and keep what it says; None where there is more to be looked at."""
        if not claim.covers_a_call:  # this process was stopped for a while: somebody may take over during the call
            self._ledger.give_back(claim)
            return None
        reuse_detection = getattr(self._provider, "reuse_detection", False)
        if (claim.attempt is Attempt.TAKEOVER and reuse_detection) or (
            claim.attempt is Attempt.AFTER_HOLD and reuse_detection == "user"
        ):
            return self._not_sent_again(claim)
        outcome = self._call()
        if outcome.may_be_used and getattr(self._provider, "replay_grace", False) and claim.covers_a_call:
            outcome = self._call()
        if outcome.session is not None:
            answer = outcome.session
            try:
                is_delivered = self._is_heard()
                stands = self._ledger.write_result(claim, self.newest, answer, is_delivered=is_delivered)
                answer = answer if self._arguments else stands  # somebody else's may not be what was asked for
            except Exception as error:  # the pair is there, and is given whatever becomes of its record
                logger.error("the result of a refresh was not kept: %s", whereabouts(error))
            self.has_asked = True  # and looks once more: somebody may have gone on from there meanwhile
            self._adopt(answer)
            return None
        if outcome.kind is Kind.DENIED:
            return self._denied(claim, outcome)
        if outcome.kind is Kind.STEP_UP:  # the token is good: the next request is told the same by the provider
            self._ledger.give_back(claim)
            return outcome
        wait = min(max(SHORTEST_WAIT, outcome.retry_after or 0), LONGEST_WAIT)
        if outcome.general:
            self._breaker.open_for(wait)
        if outcome.may_be_used and claim.attempt is Attempt.TAKEOVER:
            wait = HOLD  # the former owner's answer may still come, and a denial before that is no news
        if outcome.may_be_used:
            self._ledger.write_failure(claim, Failure.HOLD, wait)
        else:
            self._ledger.give_back(claim, wait)
        return outcome

    def _not_sent_again(self, claim: Claim) -> Outcome:
        """Do not send a token that may be used already, where that is punished: its owner may come with the answer.

        After a hold it is sent, for then it is lost anyway; unless sending it would end the person's other sessions.
        """
        if claim.attempt is Attempt.TAKEOVER:  # the former owner's answer may still come
            self._ledger.write_failure(claim, Failure.HOLD, HOLD)
            return _unavailable(HOLD)
        self._ledger.write_failure(claim, Failure.GIVEN_UP, GIVEN_UP_KEPT)
        return Outcome(Kind.SUPERSEDED, reason=Reason.SUPERSEDED)

    def _denied(self, claim: Claim, outcome: Outcome) -> Outcome | None:
        """Believe a denial only where nobody else can have used the token up a moment ago."""
        known = self._ledger.look(self.newest, everywhere=True)
        if known is not None:
            self._adopt(known)
            return None
        if self._ledger.believes(claim):
            if self._is_believed():
                self._ledger.write_failure(claim, Failure.DENIED, DENIED_KEPT)
                return outcome
            self._ledger.give_back(claim, HOLD)  # the provider has answered, and to ask again is no replay
            return _unavailable(HOLD)
        self._ledger.write_failure(claim, Failure.HOLD, HOLD)
        return _unavailable(HOLD)


def _refused(answer: Refused | Overtaken, *, is_on_record: bool) -> Outcome:
    if isinstance(answer, Overtaken) or answer.failure is Failure.GIVEN_UP:
        return Outcome(Kind.SUPERSEDED, reason=Reason.SUPERSEDED)
    is_on_record = is_on_record and answer.is_everybodys
    if answer.failure is Failure.DENIED:
        return Outcome(Kind.DENIED, reason=Reason.DENIED, is_on_record=is_on_record)
    if answer.failure is Failure.REVOKED:
        return Outcome(Kind.DENIED, reason=Reason.REVOKED, is_on_record=is_on_record)
    return _unavailable(answer.left / 1000)


def _unavailable(retry_after: float | None = None) -> Outcome:
    return Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE, retry_after=retry_after)
