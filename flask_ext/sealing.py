"""Sealing without anybody to raise to: in an automatic write, what does not fit is made smaller.

One ladder: the session as it is (trimmed, where a trimmer is set); the user as id, sub and email; no user. Tokens and
the impersonator are never dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sealed_session import Sealer, SealTooLarge, Session, SizeReport
from sealed_session.whereabouts import whereabouts

from .signals import logger

_ESSENTIAL = ("id", "sub", "email")


class Sealing(NamedTuple):
    """What came of it.

    Attributes:
        sealed: The cookie's value; None when nothing could be sealed.
        sealed_as: ``complete``, ``id_and_email``, ``without_user`` or ``nothing``.
        report: Of the last attempt that did not fit.
    """

    sealed: str | None
    sealed_as: str
    report: SizeReport | None = None


def seal(sealer: Sealer, session: Session, started_at: int) -> Sealing:
    """Seal as much of a session as fits. Never raises."""
    report = None
    for sealed_as, candidate in ladder(session):
        try:
            return Sealing(sealer.seal(candidate, started_at=started_at), sealed_as, report)
        except SealTooLarge as error:
            report = error.report
        except Exception as error:  # a trimmer's, or of a value that a provider's answer should not have
            logger.error("sealing %s raised %s; trying with less of it.", sealed_as, whereabouts(error))
    return Sealing(None, "nothing", report)


def ladder(session: Session) -> Iterator[tuple[str, Session]]:
    """Yield what of a session is sealed, from all of it to the least that there is use for, and what that is called."""
    yield "complete", session
    user = session.user
    if user:
        essential = {name: user[name] for name in _ESSENTIAL if name in user}
        yield "id_and_email", session.replace(user=essential)
        yield "without_user", session.replace(user=None)
