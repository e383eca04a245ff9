"""When a session is to be renewed: a while before its access token ends, so that nobody waits for it."""

from __future__ import annotations

from ..session import Session

SHARE = 10
"""At most a tenth of the token's life goes unused: 60 seconds of ten minutes, 2 of twenty seconds."""


def early_by(session: Session, early: float) -> float:
    """Return how many seconds before its end an access token is to be renewed.

    Args:
        session: Whose token. Its life is known where it says both when it was issued and when it ends.
        early: Seconds, at most; 0 turns it off.
    """
    issued, ends = session.claims.get("iat"), session.access_expires_at
    if ends is None or not isinstance(issued, int | float) or issued >= ends:
        return 0 if ends is None else early
    return min(early, (ends - issued) / SHARE)


def is_due(session: Session, now: float, early: float) -> bool:
    """Return whether a session is to be renewed now."""
    ends = session.access_expires_at
    return ends is not None and now >= ends - early_by(session, early)
