"""One flight, from link to link: adopt what is newer, wait for whoever is at it, and ask where nobody is."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..providers.base import Provider
from ..reasons import Reason
from ..session import Session
from ..whereabouts import whereabouts
from .attempt import attempt, merge
from .coordinator import CoordinatorUnavailable
from .ledger import Claim, Ledger
from .outcome import Kind, Outcome
from .record import Adopt, Attempt, Failure, Overtaken, Refused, Wait

logger = logging.getLogger("sealed_session")

MOST_LINKS = 8
"""Results that lead from one to the next, for a cookie that was away for long."""

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.05
"""Seconds between two looks at somebody else's claim. It doubles from the one to the other, with jitter."""

DENIED_KEPT, HOLD = 600, 60
"""Seconds for which a denial that is believed is remembered, and one that is not keeps everybody from asking."""

SHORTEST_WAIT, LONGEST_WAIT = 1, 30
"""Seconds for which a provider that gave no usable answer is not asked again for one token."""


class Journey:
    """A refresh on its way. Belongs to its thread.

    Attributes:
        newest: The newest session that is known.
        has_asked: Whether the provider gave an answer.
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
        is_believed: Callable[[], bool],
    ) -> None:
        """Begin with a session.

        Args:
            provider: Whom to ask.
            ledger: The records.
            session: What a request came with.
            arguments: For the provider.
            force: Ask also for a session that is not due; so do arguments.
            is_due: Whether a session should be renewed.
            is_awaited: Whether any request still waits for this.
            is_believed: Whether denials can be believed now.
        """
        self._provider = provider
        self._ledger = ledger
        self._arguments = arguments
        self._is_due = is_due
        self._is_awaited = is_awaited
        self._is_believed = is_believed
        self._is_wanted = force or bool(arguments)
        self._has_waited = False
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
        pause = FIRST_PAUSE
        while self._links < MOST_LINKS:
            if self._links and self._provider.credential(self.newest) is None:
                break
            if self.has_asked or (self._links and not self._is_wanted and not self._is_due(self.newest)):
                known = self._ledger.look(self.newest)
                if known is None:
                    break
                self._adopt(known)
                continue
            try:
                answer = self._ledger.claim(self.newest, has_waited=self._has_waited)
            except CoordinatorUnavailable:
                return replace(_unavailable(), session=self._answer)
            if isinstance(answer, Adopt):
                self._adopt(answer.successor)
            elif isinstance(answer, Claim):
                outcome = self._ask(answer)
                if outcome is not None:
                    return replace(outcome, session=self._answer)
            elif isinstance(answer, Wait):
                self._has_waited = True
                if not self._is_awaited():
                    self.gave_up = True
                    return replace(_unavailable(), session=self._answer)
                time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - not for secrets
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return replace(_refused(answer), session=self._answer)
        if not self.has_asked and (self._is_wanted or self._is_due(self.newest)):  # after so many links, for once
            return replace(_unavailable(), session=self._answer)
        return Outcome(Kind.REFRESHED, self._answer)

    def _adopt(self, answer: Session) -> None:
        self._links += 1
        self._answer = answer if self._answer is None else merge(self._answer, answer)
        self.newest = merge(self.newest, answer)

    def _ask(self, claim: Claim) -> Outcome | None:
        """Ask the provider, and keep what it says; None where there is more to be looked at."""
        if not claim.covers_a_call:  # this process was stopped for a while: somebody may take over during the call
            self._ledger.give_back(claim)
            return None
        if claim.attempt is not Attempt.FIRST and getattr(self._provider, "reuse_detection", False):
            return self._not_sent_again(claim)
        outcome = attempt(self._provider, self.newest, self._arguments)
        if outcome.may_be_used and getattr(self._provider, "replay_grace", False) and claim.covers_a_call:
            outcome = attempt(self._provider, self.newest, self._arguments)
        if outcome.session is not None:
            try:
                self._ledger.write_result(claim, self.newest, outcome.session)
            except Exception as error:  # the pair is there, and is given whatever becomes of its record
                logger.error("the result of a refresh was not kept: %s", whereabouts(error))
            self._adopt(outcome.session)
            self.has_asked = True  # and looks once more: somebody may have gone on from there meanwhile
            return None
        if outcome.kind is Kind.DENIED:
            return self._denied(claim, outcome)
        if outcome.kind is Kind.STEP_UP:  # the token is good: the next request is told the same by the provider
            self._ledger.give_back(claim)
            return outcome
        wait = min(max(SHORTEST_WAIT, outcome.retry_after or 0), LONGEST_WAIT)
        if outcome.may_be_used and claim.attempt is Attempt.TAKEOVER:
            wait = HOLD  # the former owner's answer may still come, and a denial before that is no news
        if outcome.may_be_used:
            self._ledger.write_failure(claim, Failure.HOLD, wait)
        else:
            self._ledger.give_back(claim, wait)
        return outcome

    def _not_sent_again(self, claim: Claim) -> Outcome:
        """Give a token up that may be used already, where using it again would end the person's other sessions."""
        self._ledger.write_failure(claim, Failure.HOLD, HOLD)
        if claim.attempt is Attempt.TAKEOVER:  # the former owner's answer may still come
            return _unavailable(HOLD)
        return Outcome(Kind.SUPERSEDED, reason=Reason.SUPERSEDED)

    def _denied(self, claim: Claim, outcome: Outcome) -> Outcome | None:
        """Believe a denial only where nobody else can have used the token up a moment ago."""
        known = self._ledger.look(self.newest)
        if known is not None:
            self._adopt(known)
            return None
        believed = claim.attempt is not Attempt.TAKEOVER and claim.is_shared and not self._ledger.is_in_doubt
        if believed and self._is_believed():
            self._ledger.write_failure(claim, Failure.DENIED, DENIED_KEPT)
            return outcome
        self._ledger.write_failure(claim, Failure.HOLD, HOLD)
        return _unavailable(HOLD)


def _refused(answer: Refused | Overtaken) -> Outcome:
    if isinstance(answer, Overtaken):
        return Outcome(Kind.SUPERSEDED, reason=Reason.SUPERSEDED)
    if answer.failure is Failure.DENIED:
        return Outcome(Kind.DENIED, reason=Reason.DENIED, is_on_record=True)
    if answer.failure is Failure.REVOKED:
        return Outcome(Kind.DENIED, reason=Reason.REVOKED, is_on_record=True)
    return _unavailable(answer.left / 1000)


def _unavailable(retry_after: float | None = None) -> Outcome:
    return Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE, retry_after=retry_after)
