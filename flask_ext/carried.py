"""What one transport brought with a request, and what the response shall do about it.

    look ──▶ Carried ──▶ session, or why there is none ──▶ decision ──▶ lines of Set-Cookie

The sealed cookie is one transport (sealed_cookie.py), cookies that hold the tokens themselves are another
(token_cookies.py), the header Authorization is the third (bearer.py). Which of them counts is the lifecycle's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from werkzeug import Request

from sealed_session import Session
from sealed_session.reasons import Reason

from . import misuse


class Write(Enum):
    """What the response shall do to the cookies of a transport."""

    KEEP = auto()
    """Nothing: the browser has what it should have."""
    RESEAL = auto()
    """Carry the session as it was, as it would be written now."""
    SEAL = auto()
    """Carry the session, which has new tokens."""
    SEALED = auto()
    """Carry what the application asked for."""
    END = auto()
    """Clear them."""


class Carried:
    """What a transport brought. Belongs to its request, and so to one thread.

    Attributes:
        session: What is there, or shall be; also that of somebody who counts as signed out. None: nothing of use.
        started_at: When it began, for the record of what has ended: Unix seconds; 0: nobody can tell.
        reason: Why there is no session.
        decision: What the response shall do.
        is_to_look: Whether somebody else may have gone on from the session meanwhile, so that one looks before one
            writes.
        is_dated: Whether ``started_at`` is when the person signed in, or only something that was later.
        is_stale: Whether the session has to be renewed first, whatever its token says about its end.
        is_lost: Whether it was over without anybody having asked for it.
        looks_at: The request's header that it stood in.
        what: What it is, for messages.
    """

    session: Session | None = None
    started_at = 0
    reason: Reason | None = Reason.MISSING
    decision = Write.KEEP
    is_to_look = False
    is_stale = False
    is_dated = True
    is_lost = False
    looks_at = "Cookie"
    what = "a cookie"

    @property
    def is_ours(self) -> bool:
        """Whether we write it: then people can be signed in to it, and new tokens go back there."""
        return True

    @property
    def can_renew(self) -> bool:
        """Whether a session that came by it is ever renewed."""
        return True

    @property
    def signed_in_at(self) -> int:
        """When the person signed in, as far as that is told, Unix seconds; 0: nobody says."""
        return self.started_at

    @property
    def keeps_cookies(self) -> bool:
        """Whether whoever sent it keeps cookies."""
        return True

    @property
    def password_index(self) -> int | None:
        """Which password opened it; None where none did."""
        return None

    def client_tokens(self, session: Session) -> dict[str, str] | None:
        """Return the tokens that JavaScript may read anyway; None where it is kept from them."""
        return None

    def advance(self) -> bool:
        """Go on to the next session that it may have been; return whether there is one."""
        return False

    def question(self, session: Session) -> Session:
        """Return what the provider is asked with, to renew a session."""
        return session

    def shape(self, session: Session) -> Session:
        """Return a session that a refresh brought, as this transport would bring it with the next request."""
        return session

    def complete(self, session: Session) -> Session:
        """Return a session that somebody signs in with, with what the next request would find in this transport."""
        return session

    def accepts(self, session: Session) -> bool:
        """Return whether a session that a refresh brought can be the one that came."""
        return True

    def parts(self) -> list[Session]:
        """Return all that ends when the person signs out, the session first."""
        return [] if self.session is None else [self.session]

    def admit(self, request: Request) -> None:
        """Judge whether somebody may sign in with this request; raises where not."""

    def begin(self, session: Session, started_at: int) -> None:
        """Carry a session that begins now, in place of any other; only where it is ours.

        Raises:
            SealError: As ``Sealer.seal``; then nothing has changed.
            UsageError: No cookie can hold its tokens (``bad_cookie_value``, ``token_too_large``).
        """

    def change(self, session: Session) -> None:
        """Carry the session as the application wants it.

        Raises:
            SealError: As ``Sealer.seal``; then nothing has changed.
            UsageError: There is no place for what it adds (``no_place``).
        """
        raise misuse.no_place("update", self.what)

    def renew(self, session: Session) -> None:
        """Carry new tokens; what is not ours to write is good for this request."""
        self.session, self.is_stale = session, False
        if self.is_ours:
            self.decision = Write.SEAL
            self.is_to_look = True

    def reseal(self, session: Session) -> None:
        """Carry the same tokens, written anew."""
        self.session, self.decision, self.is_to_look = session, Write.RESEAL, True

    def keep(self) -> None:
        """Leave everything as it is."""
        self.decision = Write.KEEP

    def end(self) -> Session | None:
        """Clear it; return the session that there was."""
        ended, self.session = self.session, None
        self.decision, self.is_to_look = Write.END, False
        return ended

    def lose(self) -> Session | None:
        """Do the same because the session is over, and not because anybody asked: what is not ours stays."""
        ended, self.is_lost = self.end(), True
        if not self.is_ours:
            self.keep()
        return ended

    def lines(self, request: Request, scheme: str, host: str) -> list[str]:
        """Return the Set-Cookie lines that the decision asks for."""
        return []


def most_telling(reasons: Iterable[Reason | None]) -> int:
    """Return the place of the reason that is told, of several transports: while one cannot be known, none counts."""
    ranked = list(reasons)
    return min(range(len(ranked)), key=lambda place: _rank(ranked[place]))


_FIRST = (Reason.UNAVAILABLE, Reason.STEP_UP)


def _rank(reason: Reason | None) -> int:
    if reason in _FIRST:
        return _FIRST.index(reason)
    return len(_FIRST) + (reason in (None, Reason.MISSING))
