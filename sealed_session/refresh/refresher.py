"""Refreshing exactly once: one flight for each token in a process, one thread for each flight.

    request ─▶ flight (its requests wait for it, each as long as it can)
                 └─▶ journey ─▶ ledger: adopt a result | wait for somebody's claim | claim ─▶ provider ─▶ write

A request's patience is not the call's: when the last request has given up, the call goes on, and its late answer is
written as a result for whoever comes next.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..counters import Counters
from ..providers.base import Provider
from ..reasons import Reason
from ..session import Session
from ..whereabouts import whereabouts
from .attempt import merge
from .breaker import Breaker
from .journey import Journey
from .ledger import Ledger, Standing
from .outcome import Kind, Outcome
from .signing_out import SignedOut, SignOut, SignOuts, revoke

logger = logging.getLogger("sealed_session")

MOST_FLIGHTS = 64
"""Threads of one process. With so many waiting for a provider that does not answer, the rest is told so at once."""

MANY_DENIALS, WITHIN = 20, 60
"""So many denials within so many seconds and no success between are a broken deployment, not so many dead sessions:
``invalid_grant`` also means "issued to another client" (RFC 6749, section 5.2)."""

_UNAVAILABLE = Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE)
_REVOKED = Outcome(Kind.DENIED, reason=Reason.REVOKED, is_on_record=True)


_Key = tuple[str, bool, str, int | None]
"""What a flight is told from another by: the credential, whether it was forced, the arguments, when it began."""


class Flight:
    """One refresh under way, and what everybody in this process who waits for it is told."""

    def __init__(self, awaited_until: float, heard_until: float) -> None:
        self.landed = threading.Event()
        self.outcome = _UNAVAILABLE
        self.awaited_until = awaited_until
        self.heard_until = heard_until
        self.gave_up = False

    def is_awaited(self) -> bool:
        """Return whether any request would wait for somebody else's call."""
        return time.monotonic() < self.awaited_until

    def is_heard(self) -> bool:
        """Return whether any request is there to take what comes."""
        return time.monotonic() < self.heard_until


class Refresher:
    """Refreshes sessions, once for each token, whoever asks and however many.

    Safe to share between threads and greenlets. A forked child begins without its parent's flights.
    """

    def __init__(
        self,
        provider: Provider,
        ledger: Ledger,
        *,
        is_due: Callable[[Session], bool],
        counters: Counters | None = None,
    ) -> None:
        """Hold the collaborators.

        Args:
            provider: Renews sessions.
            ledger: The records of its refresh tokens.
            is_due: Whether a session should be renewed.
            counters: Where what happens is counted.
        """
        self._provider = provider
        self._ledger = ledger
        self._is_due = is_due
        self._counters = Counters() if counters is None else counters
        self._breaker = Breaker()
        self._lock = threading.Lock()
        self._flights: dict[_Key, Flight] = {}
        self._pid = os.getpid()
        self._denied_at: deque[float] = deque(maxlen=MANY_DENIALS)
        self._sign_outs = SignOuts()

    def refresh(
        self,
        session: Session,
        arguments: Mapping[str, Any] | None = None,
        *,
        force: bool = False,
        patience: float = 5,
        in_hurry: bool = True,
        started_at: int | None = None,
    ) -> Outcome:
        """Renew a session, or adopt what somebody else has renewed it to. Never raises.

        Args:
            session: The session at hand.
            arguments: For the provider.
            force: Renew it also when it is not due; so do arguments.
            patience: Seconds to wait, at most.
            in_hurry: Whether the session is not good for a while without it. If it is, nobody waits for a refresh that
                somebody else has begun.
            started_at: When the session began, Unix seconds, to see whether somebody has signed out since.

        Returns:
            What came of it. ``session`` is set wherever there is a newer one, also beside the failure of a later link.
        """
        outcome = self._refresh(session, dict(arguments or {}), force, patience, in_hurry, started_at)
        self._counters.add("refreshes", outcome.kind)
        return outcome

    def standing(self, session: Session, started_at: int | None = None) -> Standing:
        """Return where a session stands, without asking the provider. Never raises.

        Args:
            session: The session.
            started_at: When it began, to see whether somebody has signed out since.
        """
        try:
            return self._ledger.standing(session, started_at)
        except Exception as error:
            logger.error("a session's standing could not be seen: %s", whereabouts(error))
            return Standing(is_settled=False)

    def sign_out(
        self, session: Session, *, now: float, lasts: float, patience: float, started_at: int | None = None
    ) -> SignedOut:
        """End a session, on record and at the provider. Never raises.

        Args:
            session: What the cookie held.
            now: Unix seconds.
            lasts: Seconds for which a copy of the cookie could be used.
            patience: Seconds to wait for it; it goes on all the same.
            started_at: When the session began, Unix seconds; None: nobody can tell.
        """
        leaving = SignOut(self._provider, self._ledger, session, now=now, lasts=lasts, started_at=started_at)
        return self._sign_outs.run(leaving, patience)

    def _refresh(
        self,
        session: Session,
        arguments: dict[str, Any],
        force: bool,
        patience: float,
        in_hurry: bool,
        started_at: int | None,
    ) -> Outcome:
        try:
            credential = self._provider.credential(session)
        except Exception as error:
            logger.error("the provider's credential raised %s", whereabouts(error))
            return _UNAVAILABLE
        if credential is None:
            return Outcome(Kind.DENIED, reason=Reason.EXPIRED)
        heard_until = time.monotonic() + patience
        until = heard_until if in_hurry else 0
        try:
            key = (credential, force, repr(sorted(arguments.items())), started_at)
        except Exception as error:  # an argument without a repr
            logger.error("a refresh was given arguments that raise %s", whereabouts(error))
            return _UNAVAILABLE
        flight, is_mine = self._board(key, session, arguments, started_at, until, heard_until)
        if flight is None or not flight.landed.wait(patience if in_hurry or is_mine else 0):
            return _UNAVAILABLE
        if not is_mine:
            self._counters.add("waiters")
        if flight.gave_up and time.monotonic() < until:  # it had been begun by somebody who was in no hurry
            left = until - time.monotonic()
            return self._refresh(session, arguments, force, left, in_hurry, started_at)
        outcome = flight.outcome
        return outcome if outcome.session is None else replace(outcome, session=merge(session, outcome.session))

    def _board(
        self,
        key: _Key,
        session: Session,
        arguments: dict[str, Any],
        started_at: int | None,
        until: float,
        heard_until: float,
    ) -> tuple[Flight | None, bool]:
        """Join the flight for a token, or start it, and say whether it was started; None where there are too many."""
        if self._pid != os.getpid():  # the flights' threads stayed in the parent, and maybe the lock with one of them
            self._pid, self._flights, self._lock = os.getpid(), {}, threading.Lock()
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                flight.awaited_until = max(flight.awaited_until, until)
                flight.heard_until = max(flight.heard_until, until)
                return flight, False
            if len(self._flights) >= MOST_FLIGHTS:
                return None, False
            flight = self._flights[key] = Flight(until, heard_until)
        crew = (key, flight, session, arguments, started_at)
        try:
            threading.Thread(target=self._fly, args=crew, name="sealed-session refresh").start()
        except RuntimeError:  # the process has all the threads that it may have, or is ending
            self._end(key, flight)
        return flight, True

    def _fly(
        self, key: _Key, flight: Flight, session: Session, arguments: dict[str, Any], started_at: int | None
    ) -> None:
        journey = Journey(
            self._provider,
            self._ledger,
            session,
            arguments,
            force=key[1],
            is_due=self._is_due,
            is_awaited=flight.is_awaited,
            is_heard=flight.is_heard,
            is_believed=self._is_believed,
            breaker=self._breaker,
            counters=self._counters,
            started_at=started_at,
        )
        try:
            flight.outcome = self._travel(journey, session, started_at)
            flight.gave_up = journey.gave_up
            if journey.has_asked:
                self._denied_at.clear()
            elif flight.outcome.kind is Kind.REFRESHED:
                self._counters.add("waiters" if journey.has_waited else "stragglers_served")
        except Exception as error:  # nobody is left to tell, and everybody waits
            logger.error("a refresh failed with %s; the session is kept.", whereabouts(error))
        finally:
            self._end(key, flight)

    def _travel(self, journey: Journey, session: Session, started_at: int | None) -> Outcome:
        """Refresh a session that is not over; who finds that it ended meanwhile ends what the provider has given."""
        if self._ledger.tombstones.is_over(session, started_at):
            return _REVOKED
        outcome = journey.travel()
        if outcome.session is None or not self._ledger.tombstones.is_over(journey.newest, started_at):
            return outcome
        if journey.has_asked:
            revoke(self._provider, journey.newest)
        return replace(_REVOKED, is_on_record=False)

    def _end(self, key: _Key, flight: Flight) -> None:
        with self._lock:
            self._flights.pop(key, None)
        flight.landed.set()

    def _is_believed(self) -> bool:
        """Count a denial; return whether it can be believed."""
        now = time.monotonic()
        self._denied_at.append(now)
        denied_at = tuple(self._denied_at)  # another thread may clear it
        if len(denied_at) < MANY_DENIALS or now - denied_at[0] > WITHIN:
            return True
        logger.error("the provider denies every refresh: is the client id right? Nobody is signed out.")
        return False
