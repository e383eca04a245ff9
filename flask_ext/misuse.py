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
