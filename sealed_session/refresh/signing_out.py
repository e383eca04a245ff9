"""Signing out so that it holds: on record, at the provider, and against whoever is refreshing just now.

    1 tombstone ─▶ 2 the newest token, claimed by us and failed ─▶ 3 revoked at the provider ─▶ 4 tombstone again

A refresh that is under way elsewhere writes its result, sees the tombstone, and revokes what it was given.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass

from .. import forks
from ..errors import ProviderUnavailable
from ..providers.base import Provider
from ..providers.complaint import Complaint
from ..session import Session
from ..whereabouts import whereabouts
from .attempt import merge
from .coordinator import CoordinatorUnavailable
from .ledger import MOST_LINKS, Busy, Claim, Ledger
from .record import Adopt, Failure, Overtaken, Refused
from .tombstones import Tombstone

logger = logging.getLogger("sealed_session")

REVOKED_KEPT = 24 * 3600
"""Seconds for which a sign-out is kept that the provider has confirmed: its tokens are dead whatever we remember."""

MOST_SIGN_OUTS = 64
"""Threads of one process, as of refreshes. A cookie that is sent again and again, and a provider that does not answer,
shall not cost more."""

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
    """One sign-out. Belongs to whoever runs it; any thread may read what has come of it."""

    def __init__(
        self,
        provider: Provider,
        ledger: Ledger,
        session: Session,
        *,
        now: float,
        lasts: float,
        started_at: int | None = None,
    ) -> None:
        """Begin nothing yet.

        Args:
            provider: Whose session.
            ledger: Its records.
            session: What the cookie held.
            now: Unix seconds. What begins later is alive, however long this takes: somebody has signed in again.
            lasts: Seconds for which a copy of the cookie could be used.
            started_at: When the session began, Unix seconds; None: nobody can tell.
        """
        self._provider = provider
        self._ledger = ledger
        self._newest = session
        self._at = max(int(now), started_at or 0)  # who signs in again begins a few seconds ahead (Tombstones.begin)
        self._lasts = lasts
        self._started_at = started_at
        self._is_newest = False
        self._until = 0.0
        self.tokens = session.access_token, session.refresh_token
        self.done = threading.Event()
        self.so_far = SignedOut()

    def wait(self, patience: float) -> SignedOut:
        """Return what has come of it when it is done, or when patience is over.

        Args:
            patience: Seconds.
        """
        self.be_patient(patience)
        self.done.wait(patience)
        return self.so_far

    def be_patient(self, seconds: float) -> None:
        """Wait for so long for a refresh that is under way, if nobody has told it to wait for longer."""
        self._until = max(self._until, time.monotonic() + seconds)

    def run(self) -> None:
        """Sign out, and take the time that it takes. Never raises."""
        try:
            self.record()
            claim = self._claim_newest()
            revoked = revoke(self._provider, self._newest) and self._is_newest
            lasts = REVOKED_KEPT if revoked else self._lasts
            if claim is not None:
                self._ledger.write_failure(claim, Failure.REVOKED, lasts, before=self._at)
            self.so_far = SignedOut(recorded=self._bury(lasts), revoked=revoked)
        except Exception as error:  # nobody is left to tell
            logger.error("signing out failed with %s; the cookie is cleared all the same.", whereabouts(error))
        finally:
            self.done.set()

    def record(self) -> SignedOut:
        """Put it on record that the session is over, and tell nobody else."""
        self.so_far = SignedOut(recorded=self._bury(self._lasts))
        return self.so_far

    def _bury(self, lasts: float) -> bool:
        stones, at = self._ledger.tombstones, Tombstone(ours=self._at)
        done = [stones.bury_session(session_id, at, lasts) for session_id in self._newest.session_ids]
        return bool(done) and all(done)

    def _claim_newest(self) -> Claim | None:
        """Follow what others have learnt, wait for whoever is at it, and claim the newest token; None: it cannot be."""
        for _ in range(MOST_LINKS):
            if self._provider.credential(self._newest) is None:
                self._is_newest = True
                break
            try:
                answer = self._claim(None)
                while isinstance(answer, Busy) and time.monotonic() < self._until:
                    time.sleep(_PAUSE * random.uniform(0.5, 1))  # noqa: S311 - not for secrets
                    answer = self._claim(answer.depth)
            except CoordinatorUnavailable:
                break
            if not isinstance(answer, Adopt):
                self._is_newest = self._is_surely_newest(answer)
                return answer if isinstance(answer, Claim) else None
            self._newest = merge(self._newest, answer.successor)
        return None

    def _is_surely_newest(self, answer: Busy | Overtaken | Refused | Claim) -> bool:
        """Return whether nobody has newer tokens: to revoke those that they came from may end nothing (RFC 7009, 2.2).

        Somebody may: who is asking just now, or asked so long ago that the result is gone, or without the store.
        """
        if isinstance(answer, Claim):
            return self._ledger.believes(answer)
        return isinstance(answer, Refused) and answer.failure in (Failure.DENIED, Failure.REVOKED, Failure.UNAVAILABLE)

    def _claim(self, deepest: int | None) -> Adopt[Session] | Busy | Overtaken | Refused | Claim:
        return self._ledger.claim(self._newest, deepest=deepest, started_at=self._started_at)


class SignOuts:
    """The sign-outs of one process, each in a thread of its own: it goes on when the request has no more patience.

    One for each session at a time: whoever sends the same cookie again waits for the first. Beyond ``MOST_SIGN_OUTS``
    it is put on record at once, and the provider is not told. Safe to share between threads; a forked child begins
    without its parent's.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._complaint = Complaint()
        self.after_fork_in_child()
        forks.tell(self)

    def run(self, leaving: SignOut, patience: float) -> SignedOut:
        """Sign out, and return what has come of it by when patience is over. Never raises.

        Args:
            leaving: What is to be done, if nobody is at it.
            patience: Seconds.
        """
        with self._lock:
            first = self._under_way.get(leaving.tokens)
            is_full = first is None and len(self._under_way) >= MOST_SIGN_OUTS
            if first is None and not is_full:
                self._under_way[leaving.tokens] = leaving
        if is_full:
            return self._record(leaving)
        if first is None:
            self._start(leaving, patience)
        return (first or leaving).wait(patience)

    def _start(self, leaving: SignOut, patience: float) -> None:
        leaving.be_patient(patience)
        try:
            threading.Thread(target=self._run, args=(leaving,), name="sealed-session sign-out").start()
        except RuntimeError:  # the process has all the threads that it may have, or is ending
            self._run(leaving)

    def _run(self, leaving: SignOut) -> None:
        try:
            leaving.run()
        finally:
            with self._lock:
                self._under_way.pop(leaving.tokens, None)

    def _record(self, leaving: SignOut) -> SignedOut:
        self._complaint.note("so many sign-outs wait for the provider that it is not told of more.")
        try:
            return leaving.record()
        except Exception as error:
            logger.error("a sign-out was not recorded: %s", whereabouts(error))
            return SignedOut()

    def before_fork(self) -> None:
        """Do nothing: the threads go on in the parent."""

    def after_fork_in_parent(self) -> None:
        """Do nothing."""

    def after_fork_in_child(self) -> None:
        """Start with a lock that no thread of the parent holds, and without its threads."""
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, str | None], SignOut] = {}


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
