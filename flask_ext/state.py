"""What ``init_app`` builds for one application. It stands in ``app.extensions["sealed_session"]`` and never changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from flask import Flask
from werkzeug import Request
from werkzeug.exceptions import HTTPException

from sealed_session import Sealer, Session, UsageError
from sealed_session.counters import Counters
from sealed_session.exact_json import JsonObject
from sealed_session.login_state import LoginStateSealer
from sealed_session.providers import Provider
from sealed_session.refresh import Refresher, is_due
from sealed_session.refresh.coordinator import Coordinator

from .carried import Carried
from .companions import Companion
from .config import Config
from .ending import Ending
from .signals import logger
from .verifying import Verifying

NAME = "sealed_session"

Clock = Callable[[], float]
Trimmer = Callable[[JsonObject], JsonObject | None]


_numbers = count(1)


def _new_key() -> str:
    return f"sealed_session.{next(_numbers)}"


@dataclass(slots=True)
class Callbacks:
    """Functions that the application registers, before or after ``init_app``."""

    unauthorized: Callable[..., Any] | None = None
    trimmer: Trimmer | None = None
    has_user_fields: bool = False

    def trim(self, user: JsonObject) -> JsonObject | None:
        """Return what is sealed of a user."""
        return user if self.trimmer is None else self.trimmer(user)


class Transport(Protocol):
    """One way for a session to come and go, as one application is set up for it. Safe to share between threads."""

    def look(self, app: AppState, request: Request) -> Carried:
        """Look what a request brought. Nothing that comes from outside raises."""
        ...


@dataclass(frozen=True, slots=True)
class AppState:
    """One application's settings and collaborators. Shared by all of its requests and threads.

    Attributes:
        coordinators: What everybody shares, and what the processes of this machine share while that is out of reach;
            empty where nobody would look.
        transports: How sessions come and go; of those that a request brought, the first usable one counts.
        counters: What happened in this process, in numbers.
        takes_bearer: Whether a bearer token signs in.
        key: Under which a request's environ holds its session. Two extensions in one environ do not meet.
    """

    config: Config
    sealer: Sealer
    login_states: LoginStateSealer
    provider: Provider | None
    refresher: Refresher | None
    ending: Ending
    coordinators: tuple[Coordinator, ...]
    verifying: Verifying
    counters: Counters
    transports: tuple[Transport, ...]
    companions: tuple[Companion, ...]
    clock: Clock | None
    callbacks: Callbacks
    takes_bearer: bool = False
    key: str = field(default_factory=_new_key)
    keeps: list[Any] = field(default_factory=list, repr=False)
    _said: set[str] = field(default_factory=set)

    @property
    def finished(self) -> str:
        """The key under which a request's environ says that its response is made."""
        return self.key + ".finished"

    def now(self) -> int:
        """Return the time, Unix seconds."""
        return int(time.time() if self.clock is None else self.clock())  # looked up now, for those who freeze it

    def is_live(self, session: Session) -> bool:
        """Return whether the session is good as it is, with the leeway that clocks need."""
        ends = session.access_expires_at
        return (ends is None or self.now() < ends + self.config.clock_skew) and not self.has_ended(session)

    def is_due(self, session: Session) -> bool:
        """Return whether the access token is to be renewed: it has ended, or is about to."""
        return self.refresher is not None and is_due(session, self.now(), self.config.refresh_early)

    def has_ended(self, session: Session) -> bool:
        """Return whether the provider's own end of the session is past: nothing can renew it."""
        return session.session_expires_at is not None and self.now() >= session.session_expires_at

    def warn_once(self, message: str, *facts: Any) -> None:
        """Log a warning the first time that this application has a reason to."""
        if message not in self._said:
            self._said.add(message)
            logger.warning(message + " Said once.", *facts)


def of(app: Flask) -> AppState:
    """Return an application's state.

    Raises:
        UsageError: ``init_app`` was not called for it (``not_initialised``).
    """
    state: AppState | None = app.extensions.get(NAME)
    if state is None:
        raise UsageError(
            f"the application {app.import_name!r} has no sealed session.",
            fix="Call SealedSession().init_app(app) first.",
            code="not_initialised",
        )
    return state


def host_of(request: Request) -> str:
    """Return the host that was asked, port included; empty where the header is nothing one could trust."""
    try:
        return request.host
    except HTTPException:
        return ""
