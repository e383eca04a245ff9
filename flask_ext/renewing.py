"""Whether a request renews its session, and what it asks the refresher then."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from werkzeug import Request

from sealed_session import Session
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome, Refresher

from . import companions, signals
from .state import AppState

NO_HURRY = 10
"""Whose token is good for so many seconds more does not wait for somebody else's refresh."""

_UNAVAILABLE = Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE)


def renew(
    app: AppState, request: Request | None, session: Session, question: Session, started_at: int, deadline: float
) -> Outcome:
    """Renew a session because its access token has ended or is about to, where anybody is there to see it.

    Args:
        app: The application.
        request: Whose answer could still carry new tokens; None: the answer is made.
        session: The session.
        question: What the provider is asked with.
        started_at: When it began, Unix seconds; 0: nobody can tell.
        deadline: Until when the request waits, as ``time.monotonic`` tells it.
    """
    if request is None or companions.is_speculative(request) or request.method == "OPTIONS":
        return _UNAVAILABLE
    if app.refresher is None or app.has_ended(session):
        return Outcome(Kind.DENIED, reason=Reason.EXPIRED)
    return ask(app, app.refresher, session, question, started_at, {}, deadline, force=False)


def ask(
    app: AppState,
    refresher: Refresher,
    session: Session,
    question: Session,
    started_at: int,
    arguments: Mapping[str, Any],
    deadline: float,
    *,
    force: bool,
) -> Outcome:
    """Ask for new tokens, and tell of it where there are none."""
    ends = session.access_expires_at
    in_hurry = force or bool(arguments) or ends is None or app.now() > ends - NO_HURRY
    patience = deadline - time.monotonic()
    if patience <= 0:  # an earlier one of this request has used it up
        return _UNAVAILABLE
    outcome = refresher.refresh(
        question, arguments, force=force, patience=patience, in_hurry=in_hurry, started_at=started_at or None
    )
    if outcome.session is None and outcome.reason is not Reason.EXPIRED:  # for which nobody was asked
        signals.send(signals.session_refresh_failed, kind=outcome.kind, reason=outcome.reason)
    return outcome
