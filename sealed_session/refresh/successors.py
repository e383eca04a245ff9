"""From a provider's answer to the result in a record, and back: what a session's token was answered with."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..errors import SealError
from ..providers.base import Provider
from ..session import Session
from . import record as records
from .attempt import is_of_somebody_else, merge
from .handover import HandOver
from .record import Result

logger = logging.getLogger("sealed_session")

UNDELIVERED_KEPT = 24 * 3600
"""Seconds for which a result is kept at least that no request waited for any more when it came. The old token is used
up, and no cookie carries the new one yet: whoever left after an error page shall find the session when coming back."""

MOST_LIFE = 366 * 86_400
"""Seconds. No access token lives for longer, whatever it says."""

MOST_BOX = 15 * 1024
"""Bytes. A coordinator takes a little more; a cookie holds a quarter."""

MakeResult = Callable[[int], Result]
"""Makes a result that begins at a coordinator's time."""


class Successors:
    """Makes and reads the results of one provider. Safe to share between threads."""

    def __init__(self, provider: Provider, *, clock: Callable[[], float], grace: float) -> None:
        """Hold the collaborators.

        Args:
            provider: Whose tokens.
            clock: Returns Unix seconds.
            grace: Seconds for which a result outlives the access token that it replaces.
        """
        self.credential = provider.credential
        self._provider = provider
        self._clock = clock
        self._grace = grace
        self._spent_for = (
            records.SPENT_KEPT_REUSE if getattr(provider, "reuse_detection", False) else records.SPENT_KEPT
        )

    def hand_over(self, session: Session) -> HandOver:
        """Return what finds and opens the record of a session's token.

        Raises:
            ValueError: It has none that could be used up.
        """
        credential = self.credential(session)
        if credential is None:
            raise ValueError("a session without a credential has no record")
        return HandOver(credential, self._provider.identity)

    def newer(self, hand_over: HandOver, session: Session) -> Callable[[bytes], Session | None]:
        """Return what opens a box, and gives its answer where that is newer than the session at hand."""

        def open_newer(box: bytes) -> Session | None:
            answer = Session._unpacked(hand_over.open(box))
            if is_of_somebody_else(session, answer):
                raise ValueError("a box with the session of somebody else")
            if not self._is_same_token(session, answer):
                return answer  # the token was rotated: whoever holds the old one holds less
            if answer.access_token == session.access_token:
                return None
            return answer if _ends(answer) >= _ends(session) else None

        return open_newer

    def result_maker(
        self, hand_over: HandOver, session: Session, answer: Session, *, is_delivered: bool = True
    ) -> MakeResult:
        """Return what makes the result of an answer.

        Args:
            hand_over: Of the token that was used up.
            session: What was renewed.
            answer: The provider's answer.
            is_delivered: Whether anybody waits for it, to send it to the browser.
        """
        box, now, ends = self._box(hand_over, answer), self._clock(), session.access_expires_at
        grace = self._grace if is_delivered else max(self._grace, UNDELIVERED_KEPT)
        lasts = int((max(0.0, (now if ends is None else ends) - now) + grace) * 1000)
        # A token that was not rotated is as good as before, and never spent.
        spent_for = 0 if self._is_same_token(session, answer) else self._spent_for
        order, life = int(_ends(answer)), _life(answer)
        return lambda begin: Result(begin + lasts, box, order, spent_for, begin + life)

    def _is_same_token(self, session: Session, answer: Session) -> bool:
        return self.credential(merge(session, answer)) == self.credential(session)

    @staticmethod
    def _box(hand_over: HandOver, answer: Session) -> bytes:
        box: bytes | None
        try:
            box = hand_over.seal(answer.to_mapping())
        except SealError:  # of what is no JSON nobody shall lose the tokens
            box = None
        if box is not None and len(box) <= MOST_BOX:
            return box
        logger.error("the provider's answer is too long, or holds what is not JSON; only its tokens are kept.")
        return hand_over.seal(answer.replace(user=None, impersonator=None, extra=None).to_mapping())


def _life(session: Session) -> int:
    """Return the milliseconds from an access token's beginning to its end, both by the provider's clock; 0: unknown."""
    issued, ends = session.claims.get("iat"), session.claims.get("exp")
    if isinstance(issued, int | float) and isinstance(ends, int | float) and 0 < ends - issued < MOST_LIFE:
        return int((ends - issued) * 1000)
    return 0


def _ends(session: Session) -> float:
    """Return when an access token ends, to tell which of two was issued later; one that does not say is the latest."""
    ends = session.access_expires_at
    return 2**53 if ends is None else ends
