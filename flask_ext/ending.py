"""How the sessions of one application end: on record for everybody, at the provider, and for copies of a cookie.

Who looks at the record: every refresh and every write of a cookie; with CHECK_REVOCATION = "always" every request that
looks at its session. Without a provider only the latter, so that otherwise nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sealed_session import Session, UsageError
from sealed_session.arguments import wrong_type
from sealed_session.cookie_rules import MAX_AGE_CAP
from sealed_session.counters import Counters
from sealed_session.providers import Provider
from sealed_session.providers.logout_token import REMEMBER_FOR, Logout
from sealed_session.refresh import Refresher
from sealed_session.refresh.coordinator import CoordinatorUnavailable
from sealed_session.refresh.ledger import Standing
from sealed_session.refresh.signing_out import SignedOut
from sealed_session.refresh.tombstones import Tombstone, Tombstones
from sealed_session.whereabouts import whereabouts

from .config import Config
from .signals import logger


class SignOutResult(NamedTuple):
    """What signing out came to.

    Attributes:
        url: Where to send the person: the provider's own sign-out page, where it has one.
        revoked: Whether the provider has confirmed that the session is dead.
        recorded: Whether it is on record here, so that a copy of the cookie is refused where the record is looked at:
            when it is next refreshed, or at once with CHECK_REVOCATION = "always".
    """

    url: str
    revoked: bool
    recorded: bool


class Ending:
    """Ends sessions, and knows which have ended. Safe to share between threads."""

    def __init__(
        self,
        provider: Provider | None,
        refresher: Refresher | None,
        tombstones: Tombstones | None,
        config: Config,
        *,
        now: Callable[[], float],
        counters: Counters,
    ) -> None:
        """Hold the collaborators.

        Args:
            provider: May have ``sign_out_url``, and ``revoke``, which the refresher asks.
            refresher: The provider's.
            tombstones: The record; None: there is nobody who would look at it.
            config: CHECK_REVOCATION, REFRESH_TIMEOUT, ABSOLUTE_LIFETIME.
            now: Returns Unix seconds.
            counters: Where it is counted what could not be looked up.
        """
        self._provider = provider
        self._refresher = refresher
        self._tombstones = tombstones
        self._is_always = config.check_revocation == "always"
        self._patience = config.refresh_timeout
        # A copy of a cookie knows no Max-Age: only the lifetime within the seal ends it.
        self._lasts = MAX_AGE_CAP if config.absolute_lifetime is None else config.absolute_lifetime
        self._now = now
        self._counters = counters

    # What ends a session.

    def sign_out(self, session: Session, started_at: int) -> SignedOut:
        """End a session of this browser, and wait for it, but no longer than for a refresh. Never raises."""
        if self._refresher is not None:
            return self._sign_out(self._refresher, session, started_at, self._patience)
        return SignedOut(recorded=self._bury(session, started_at))

    def replace(self, old: Session, started_at: int, new: Session) -> None:
        """End a session that another one has taken the place of; nobody waits for it. Never raises.

        What continues the same session is left alone: what it would revoke are its own tokens.

        Args:
            old: What was there.
            started_at: When it began.
            new: What is there now.
        """
        is_same = not set(old.session_ids).isdisjoint(new.session_ids)
        if not is_same and not (old.refresh_token and old.refresh_token == new.refresh_token):
            self.end_behind(old, started_at)

    def end_behind(self, session: Session, started_at: int) -> None:
        """End a session for which nobody waits. Never raises."""
        if self._refresher is not None:
            self._sign_out(self._refresher, session, started_at, 0)
        else:
            self._bury(session, started_at)

    def revoke(self, session_id: str) -> bool:
        """End a session that is elsewhere; return whether that is on record for everybody.

        Raises:
            UsageTypeError, UsageError: No text, or nobody would look (``no_record``).
        """
        if type(session_id) is not str:
            raise wrong_type("session_id", "a str, as current_session.session_id", session_id)
        return self._record.bury_session(session_id, Tombstone(ours=int(self._now())), self._lasts)

    def end_by_provider(self, logout: Logout) -> bool:
        """End one session, or all of a person, because the provider says so; as ``revoke``."""
        record, at = self._record, Tombstone(theirs=logout.issued_at, heard=int(self._now()))
        if logout.sid is None:
            return record.bury_person(str(logout.sub), at, self._lasts)
        done = [record.bury_session(known_as, at, self._lasts) for known_as in logout.session_ids]
        return all(done)

    def is_first_use(self, logout: Logout) -> bool:
        """Return whether a logout token is seen for the first time.

        Raises:
            CoordinatorUnavailable: Nobody knows.
        """
        return self._record.is_new(logout.token_id, REMEMBER_FOR)

    # What is known to have ended.

    def begin(self, session: Session, now: int) -> int:
        """Return when a session that is opened now counts as begun. Never raises."""
        if self._tombstones is None:
            return now
        try:
            return self._tombstones.begin(session, now)
        except Exception as error:  # somebody else's coordinator: nobody is kept out by it
            logger.error("it could not be seen whether a session had ended: %s", whereabouts(error))
            return now

    def is_over(self, session: Session, started_at: int) -> bool:
        """Return whether a session is known to be over, where every request is to ask. Never raises."""
        if not self._is_always or self._tombstones is None:
            return False
        try:
            return self._tombstones.look(session, started_at)
        except CoordinatorUnavailable:
            pass
        except Exception as error:  # somebody else's coordinator: a page does not go down with it
            logger.error("a session could not be looked up: %s", whereabouts(error))
        self._counters.add("revocation_unchecked")
        return False

    def standing(self, session: Session, started_at: int) -> Standing:
        """Return where a session stands, for whoever is about to write its cookie. Never raises."""
        if self._refresher is not None:
            return self._refresher.standing(session, started_at)
        return Standing(is_revoked=self.is_over(session, started_at))

    def url(self, session: Session | None, return_to: str | None) -> str | None:
        """Return the provider's own sign-out page; None where there is none, or where it cannot be told."""
        how = getattr(self._provider, "sign_out_url", None)
        if how is None or session is None:
            return None
        try:
            url = how(session, return_to)
        except Exception as error:  # whatever a provider raises, the person is signed out here
            logger.error("the provider's sign_out_url raised %s", whereabouts(error))
            return None
        return url if type(url) is str else None

    @property
    def _record(self) -> Tombstones:
        if self._tombstones is None:
            raise UsageError(
                "nobody would look whether a session has been revoked: there is no provider.",
                fix='Set SEALED_SESSION_CHECK_REVOCATION = "always", or give SealedSession a provider.',
                code="no_record",
            )
        return self._tombstones

    def _sign_out(self, refresher: Refresher, session: Session, started_at: int, patience: float) -> SignedOut:
        return refresher.sign_out(session, now=self._now(), lasts=self._lasts, patience=patience, started_at=started_at)

    def _bury(self, session: Session, started_at: int) -> bool:
        if self._tombstones is None or not session.session_ids:
            return False
        at = Tombstone(ours=max(int(self._now()), started_at))  # a session may begin ahead (Tombstones.begin)
        done = [self._tombstones.bury_session(known_as, at, self._lasts) for known_as in session.session_ids]
        return all(done)
