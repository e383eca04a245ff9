"""What an application is told that asks a request's session for what it cannot do."""

from __future__ import annotations

from sealed_session import UsageError
from sealed_session.reasons import Reason


def nobody(reason: Reason | None) -> UsageError:
    """Return the error of an act that needs somebody signed in.

    Args:
        reason: Why nobody is.
    """
    return UsageError(
        f"nobody is signed in ({reason or Reason.MISSING}).",
        fix="Call it in a view under login_required, or ask `if current_session:` first.",
        code="no_session",
    )


def too_late(what: str) -> UsageError:
    """Return the error of an act that would change the cookie of a response that is made.

    Args:
        what: The name of the act.
    """
    return UsageError(
        f"{what}: the response is made, and its headers can carry no cookie any more.",
        fix="Call it in the view, before the response is returned or streamed.",
        code="response_finished",
    )


def no_place(what: str, where: str) -> UsageError:
    """Return the error of an act for whose result the session's transport has no place.

    Args:
        what: The name of the act.
        where: What the session came in.
    """
    return UsageError(
        f"{what}: the session came in {where}, where there is no place for that.",
        fix="Give SealedSession the transport SealedCookie(), and sign the person in to it.",
        code="no_place",
    )


def nowhere() -> UsageError:
    """Return the error of signing in where no transport is ours to write."""
    return UsageError(
        "sign_in: every transport here belongs to somebody else, so that there is nowhere to keep the session.",
        fix="Add SealedCookie() to the transports, or cookies of tokens with owner='server'.",
        code="no_place",
    )


def no_cookies_of_tokens() -> UsageError:
    """Return the error of taking up a session where none of our cookies holds tokens."""
    return UsageError(
        "update_session: no transport here is a TokenCookies that is ours to write.",
        fix="Call sign_in.",
        code="no_place",
    )


def hidden() -> UsageError:
    """Return the error of taking up a session beside one that JavaScript is kept from."""
    return UsageError(
        "update_session: there is a session in cookies that JavaScript is kept from.",
        fix="Sign out first.",
        code="session_hidden",
    )
