"""What a provider must be able to do, and the wrapper that makes one of any function."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getattr_static
from typing import Any, Literal, Protocol, runtime_checkable

from ..arguments import wrong_type
from ..session import Session

ReuseDetection = Literal[False, "session", "user"]
"""What a refresh token that is used twice ends: nothing, its session, or every session of the person."""


@runtime_checkable
class Provider(Protocol):
    """Renews sessions. Called from many threads at once.

    Attributes:
        identity: Whose refresh tokens these are: issuer and client id, for example. The same on every machine.

    A provider may have two more, which are False where they are missing: ``reuse_detection``, a ``ReuseDetection``;
    ``replay_grace``, that a refresh which is sent again at once is answered again.
    """

    @property
    def identity(self) -> str:
        """Whose refresh tokens these are."""
        ...

    def credential(self, session: Session) -> str | None:
        """Return what ``refresh`` uses up, the refresh token mostly; None where it cannot refresh the session."""
        ...

    def refresh(self, *session: Any, **arguments: Any) -> Session:
        """Renew a session: ``refresh(session, **arguments)``, with whatever arguments a provider knows.

        Args:
            session: The one session, as it was sealed.
            arguments: What the caller wants beside new tokens, for example ``organization_id="org_1"``.

        Returns:
            A session with the new tokens. Of the other values those suffice that have changed: what is absent, the
            refresh token too, is kept from the old session.

        Raises:
            RefreshDenied: The provider says that the session or its refresh token is dead.
            StepUpRequired: The person must do something first; ``payload`` is the provider's answer.
            ProviderUnavailable: No usable answer; ``retry_after`` in seconds where the provider gave it. Whatever
                else is raised counts as this.
        """
        ...


RefreshFunction = Callable[..., Session]
"""``refresh(session, **arguments) -> Session``, with the errors of ``Provider.refresh``."""


class FunctionProvider:
    """A provider made of one function; it can refresh what has a refresh token."""

    def __init__(self, function: RefreshFunction) -> None:
        self._function = function

    identity = "function"

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return session.refresh_token

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Call the function."""
        return self._function(session, **arguments)


def as_provider(given: Provider | RefreshFunction) -> Provider:
    """Return a provider as it is, and a function wrapped.

    Raises:
        UsageTypeError: Neither; a class that was not called, for example.
    """
    if not isinstance(given, type):
        if _is_provider(given):
            check_reuse_detection(getattr(given, "reuse_detection", False))
            return given  # type: ignore[return-value]
        if callable(given):
            return FunctionProvider(given)
    raise wrong_type("provider", "a provider, or a function refresh(session) -> Session", given)


def check_reuse_detection(value: Any) -> None:
    """Judge a provider's ``reuse_detection``.

    Raises:
        UsageTypeError: Not one of ``ReuseDetection``; True would not say what is ended.
    """
    if value is not False and value not in ("session", "user"):
        raise wrong_type("reuse_detection", "False, 'session' or 'user': what a token used twice ends", value)


def _is_provider(given: object) -> bool:
    """Return whether an object has what the Protocol asks for, without asking for it.

    ``isinstance`` would, before Python 3.12, and ``identity`` may stand in an environment that is not there yet.
    """
    return all(getattr_static(given, name, None) is not None for name in ("identity", "credential", "refresh"))
