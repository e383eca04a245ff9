"""One call of a provider, as an outcome. It sees to no other request: two at once are two calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ProviderUnavailable, RefreshDenied, StepUpRequired, UsageError
from ..providers.base import Provider
from ..reasons import Reason
from ..session import Session
from ..whereabouts import whereabouts
from .outcome import Kind, Outcome

_KEPT = (
    "refresh_token",
    "user",
    "impersonator",
    "extra",
    "session_id",
    "session_expires_at",
    "tokens",
    "authenticated_at",
    "subject",
)
"""What an answer may leave out: it is kept. The end of the old access token is not among them."""


_BEFORE_ASKING = ("config", "extra_missing", "provider_missing", "provider_option", "reserved_argument")
"""Codes of errors in how a provider is used, which its own calls find before they send anything."""


def attempt(provider: Provider, session: Session, arguments: Mapping[str, Any]) -> Outcome:
    """Ask the provider for new tokens. Never raises.

    Args:
        provider: Whom to ask.
        session: The session at hand.
        arguments: Passed on to the provider.

    Returns:
        What came of it; its session is the provider's answer as it is.
    """
    try:
        answer = provider.refresh(session, **arguments)
    except RefreshDenied:
        return Outcome(Kind.DENIED, reason=Reason.DENIED)
    except StepUpRequired as error:
        return Outcome(Kind.STEP_UP, reason=Reason.STEP_UP, payload=error.payload)
    except ProviderUnavailable as error:
        return Outcome(
            Kind.UNAVAILABLE,
            reason=Reason.UNAVAILABLE,
            retry_after=_seconds(error.retry_after),
            may_be_used=error.sent,
            general=error.general,
        )
    except UsageError as error:
        if error.code not in _BEFORE_ASKING:
            return _unusable(f"raised {whereabouts(error)}")
        _log(f"the provider could not be asked: {error}")
        return Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE)
    except Exception as error:  # whatever a provider raises, the session outlives it
        return _unusable(f"raised {whereabouts(error)}")
    if not isinstance(answer, Session):
        return _unusable(f"returned {type(answer).__name__}")
    return _judge(session, answer)


def _seconds(given: Any) -> float | None:
    """Return a number, and None for what is none: a provider may have passed a header on as it came."""
    return given if type(given) is int or type(given) is float else None


def _judge(session: Session, answer: Session) -> Outcome:
    if is_of_somebody_else(session, answer):
        _log("the provider answered with the session of somebody else (another `sub`); denied.")
        return Outcome(Kind.DENIED, reason=Reason.DENIED)
    return Outcome(Kind.REFRESHED, session=answer)


def is_of_somebody_else(session: Session, answer: Session) -> bool:
    """Return whether an answer is about another subject than the session is."""
    before, after = session.claims.get("sub"), answer.claims.get("sub")
    return before is not None and after is not None and before != after


def merge(session: Session, answer: Session) -> Session:
    """Return the provider's answer, with what it leaves out taken from the session it was asked about."""
    old = session.to_mapping()
    kept = {name: old[name] for name in _KEPT if name in old}  # type: ignore[literal-required]
    return Session.from_mapping({**kept, **answer.to_mapping()})


def _unusable(what: str) -> Outcome:
    _log(f"the provider's refresh {what}; expected a Session, RefreshDenied, StepUpRequired or ProviderUnavailable.")
    return Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE, may_be_used=True)


def _log(message: str) -> None:
    import logging  # rare, as in sealer.py

    logging.getLogger("sealed_session").error(message)
