"""Why a request is signed out: what an application may be told, and test for."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why there is no session, or not one that is good enough. Compares equal to its own text."""

    MISSING = "missing"
    """There is no cookie: the person has not signed in here."""
    UNREADABLE = "unreadable"
    """What came is not a session of ours: another system's cookie, or a damaged one."""
    UNKNOWN_KEY = "unknown_key"
    """None of the passwords sealed it; another deployment may have."""
    UNSUPPORTED = "unsupported"
    """Sealed by a later release."""
    TOO_OLD = "too_old"
    """The absolute lifetime has ended since the person signed in."""
    EXPIRED = "expired"
    """The access token has ended, and there is nothing to renew it with."""
    INVALID = "invalid"
    """The access token does not verify."""
    DENIED = "denied"
    """The provider refused to renew the session."""
    STEP_UP = "step_up"
    """The provider asks for more before it renews the session."""
    UNAVAILABLE = "unavailable"
    """The session could not be renewed now; it may well be alive."""
    SUPERSEDED = "superseded"
    """An old cookie that a newer one has overtaken."""
    REVOKED = "revoked"
    """Somebody ended the session."""
    NOT_FRESH = "not_fresh"
    """Signed in, but longer ago than this page allows."""


_OF_CODE = {
    "unknown_key": Reason.UNKNOWN_KEY,
    "unsupported_version": Reason.UNSUPPORTED,
    "unsupported_packing": Reason.UNSUPPORTED,
    "too_old": Reason.TOO_OLD,
}


def reason_of(code: str) -> Reason:
    """Return the reason that the code of an ``UnsealError`` stands for."""
    return _OF_CODE.get(code, Reason.UNREADABLE)
