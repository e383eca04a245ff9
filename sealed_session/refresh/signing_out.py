"""Signing out so that it holds: on record, at the provider, and against whoever is refreshing just now.

    1 tombstone ─▶ 2 the newest token, claimed by us and failed ─▶ 3 revoked at the provider ─▶ 4 tombstone again

A refresh that is under way elsewhere writes its result, sees the tombstone, and revokes what it was given.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ProviderUnavailable
from ..providers.base import Provider
from ..session import Session
from ..whereabouts import whereabouts
from .attempt import merge
from .coordinator import CoordinatorUnavailable
from .ledger import MOST_LINKS, Busy, Claim, Ledger
from .record import Adopt, Failure
from .tombstones import Tombstone

logger = logging.getLogger("sealed_session")

REVOKED_KEPT = 24 * 3600
"""Seconds for which a sign-out is kept that the provider has confirmed: its tokens are dead whatever we remember."""

_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class SignedOut:
    """What signing out came to.

    Attributes:
        recorded: Whether it is on record for everybody, so that a copy of the cookie is refused.
        revoked: Whether the provider has confirmed that the tokens are dead.
    """

    recorded: bool = False
    revoked: bool = False


class SignOut:
    """One sign-out, in a thread of its own: it goes on when the request has no more patience."""

    def __init__(
        self, provider: Provider, ledger: Ledger, session: Session, *, now: Callable[[], float], lasts: float
    ) -> None:
        """Begin nothing yet.

        Args:
            provider: Whose session.
            ledger: Its records.
            session: What the cookie held.
            now: Returns Unix seconds.
            lasts: Seconds for which a copy of the cookie could be used.
        """
        self._provider = provider
        self._ledger = ledger
        self._newest = session
        self._now = now
        self._lasts = lasts
        self._done = threading.Event()
        self._so_far = SignedOut()
        self._is_overtaken = False

    def run(self, patience: float) -> SignedOut:
        """Sign out, and return what has come of it when it is done, or when patience is over. Never raises.

        Args:
            patience: Seconds.
        """
        self._until = time.monotonic() + patience
        try:
            threading.Thread(target=self._run, name="sealed-session sign-out").start()
        except RuntimeError:  # the process has all the threads that it may have, or is ending
            self._run()
        self._done.wait(patience)
        return self._so_far

    def _run(self) -> None:
        try:
            self._so_far = SignedOut(recorded=self._bury(self._lasts))
            claim = self._claim_newest()
            revoked = revoke(self._provider, self._newest) and not self._is_overtaken
            lasts = REVOKED_KEPT if revoked else self._lasts
            if claim is not None:
                self._ledger.write_failure(claim, Failure.REVOKED, lasts)
            self._so_far = SignedOut(recorded=self._bury(lasts), revoked=revoked)
        except Exception as error:  # nobody is left to tell
            logger.error("signing out failed with %s; the cookie is cleared all the same.", whereabouts(error))
        finally:
            self._done.set()

    def _bury(self, lasts: float) -> bool:
        session_id = self._newest.session_id
        if session_id is None:
            return False
        return self._ledger.tombstones.bury_session(session_id, Tombstone(ours=int(self._now())), lasts)

    def _claim_newest(self) -> Claim | None:
        """Follow what others have learnt, wait for whoever is at it, and claim the newest token; None: it cannot be."""
        for _ in range(MOST_LINKS):
            if self._provider.credential(self._newest) is None:
                break
            try:
                answer = self._ledger.claim(self._newest)
                while isinstance(answer, Busy) and time.monotonic() < self._until:
                    time.sleep(_PAUSE * random.uniform(0.5, 1))  # noqa: S311 - not for secrets
                    answer = self._ledger.claim(self._newest, deepest=answer.depth)
            except CoordinatorUnavailable:
                break
            self._is_overtaken = isinstance(answer, Busy)  # somebody is about to have newer tokens
            if not isinstance(answer, Adopt):
                return answer if isinstance(answer, Claim) else None
            self._newest = merge(self._newest, answer.successor)
        return None


def revoke(provider: Provider, session: Session) -> bool:
    """Ask the provider to end a session; return whether it has confirmed that. Never raises."""
    how = getattr(provider, "revoke", None)
    if how is None:
        return False
    try:
        return how(session) is True
    except ProviderUnavailable:
        return False
    except Exception as error:  # whatever a provider raises, the person is signed out here
        logger.error("the provider's revoke raised %s", whereabouts(error))
        return False
