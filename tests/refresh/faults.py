"""What the tests of refreshing share: clocks that move together, and doubles that fail at chosen moments."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from sealed_session import Session
from sealed_session.counters import Counters
from sealed_session.providers import Provider
from sealed_session.refresh import Ledger, Outcome, Refresher, is_due
from sealed_session.refresh.breaker import Breaker
from sealed_session.refresh.coordinator import Coordinator, CoordinatorUnavailable, Reading
from sealed_session.refresh.journey import Journey
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.testing import FakeProvider

PATIENT = 100.0
"""Seconds of a test's own time for which a request waits that nothing else is said of."""

LONG = 20.0
"""Seconds that no test waits for: what should happen within milliseconds and has not by then, does not."""


class Times:
    """The clocks of a test. They stand still, and move together when the test says so, or when somebody sleeps.

    It stands in for the module ``time`` where the code under test asks for monotonic time and sleeps.
    """

    def __init__(self) -> None:
        self.passed = 0.0
        self.pauses: list[float] = []
        self.at_sleep: Callable[[], None] = lambda: None

    def unix(self) -> float:
        """Return Unix seconds."""
        return 1_800_000_000 + self.passed

    def milliseconds(self) -> int:
        """Return the coordinator's time."""
        return 1_000_000 + round(self.passed * 1000)

    def monotonic(self) -> float:
        """Return the monotonic time of this process."""
        return 5_000 + self.passed

    def sleep(self, seconds: float) -> None:
        """Let time pass, and whatever the test lets others do meanwhile."""
        self.pauses.append(seconds)
        self.passed += seconds
        self.at_sleep()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.passed += seconds


class Shifted:
    """The module ``time``, ahead of itself by what a test says."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.sleep = time.sleep

    def monotonic(self) -> float:
        """Return the monotonic time."""
        return time.monotonic() + self.ahead


class Store:
    """A coordinator that can be out of reach, forget a word, or have somebody else come in between.

    Attributes:
        is_up: Whether it can be asked.
        asked: What was asked of it, in order: ``read`` and ``swap``.
        before: Called with what is about to be done, before it is done.
        after: The same, when it is done and the answer is on its way.
    """

    def __init__(self, inner: Coordinator) -> None:
        self.inner = inner
        self.is_up = True
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda _step: None
        self.after: Callable[[str], None] = lambda _step: None

    def read(self, key: bytes) -> Reading:
        """Read, or raise."""
        self._arrive("read")
        reading = self.inner.read(key)
        self._leave("read")
        return reading

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Swap, or raise."""
        self._arrive("swap")
        done = self.inner.swap(key, old, new, lives)
        self._leave("swap")
        return done

    def close(self) -> None:
        """Close."""
        self.inner.close()

    def fail_at(self, step: str, number: int = 1, *, afterwards: bool = False) -> None:
        """Be out of reach from the so-and-so-many-th of a step on, counted from now; afterwards: once it is done."""
        left = number

        def look(what: str) -> None:
            nonlocal left
            left -= what == step
            if left == 0 and self.is_up:
                self.is_up = False
                left = -1

        if afterwards:
            self.after = look
        else:
            self.before = look

    def _arrive(self, step: str) -> None:
        self.before(step)
        if not self.is_up:
            raise CoordinatorUnavailable("the test says so")
        self.asked.append(step)

    def _leave(self, step: str) -> None:
        self.after(step)
        if not self.is_up:
            raise CoordinatorUnavailable("the test says so, after it was done")


class StrictProvider(FakeProvider):
    """Single-use refresh tokens, and a test that can stop or break a call before and after the token is used up.

    Attributes:
        used: The refresh token of every call, in order.
        punished: Whether a token came twice, where that ends the session.
        arriving: Called when a call arrives, before anything is used up.
        leaving: Called with the answer when the token is used up, before the answer is on its way.
        always: What every call returns, in place of the next pair.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        lifetime: int = 300,
        reuse_detection: Literal[False, "session", "user"] = False,
        replay_grace: bool = False,
    ) -> None:
        super().__init__(clock, lifetime=lifetime)
        self.reuse_detection = reuse_detection
        self.replay_grace = replay_grace
        self.used: list[str | None] = []
        self.punished = False
        self._given: list[str | None] = []
        self.arriving: Callable[[], None] = lambda: None
        self.leaving: Callable[[Session], None] = lambda _answer: None
        self.always: Any = self

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Use a token up."""
        self.used.append(session.refresh_token)
        self.arriving()
        if self.reuse_detection and session.refresh_token in self._given:
            self.end_every_session()
            self.punished = True
        self._given.append(session.refresh_token)
        answer: Session = self.answer(session, arguments) if self.always is self else self.always
        self.leaving(answer)
        return answer

    def answer(self, session: Session, arguments: dict[str, Any]) -> Session:
        """Return the next pair."""
        return super().refresh(session, **arguments)


class SteadyProvider(StrictProvider):
    """One that does not rotate: a new access token, and the refresh token stays what it is."""

    def answer(self, session: Session, arguments: dict[str, Any]) -> Session:
        """Return the next access token."""
        return Session(self._tokens({**session.claims, **arguments})["access_token"])


class ReplayingProvider(StrictProvider):
    """One that answers a refresh that is sent again with the same pair."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock, replay_grace=True)
        self._answers: dict[tuple[str | None, str], Session] = {}

    def answer(self, session: Session, arguments: dict[str, Any]) -> Session:
        """Return the next pair, or the one that was answered before."""
        asked = session.refresh_token, repr(arguments)
        if asked not in self._answers:
            self._alive.add(str(session.refresh_token))
            self._answers[asked] = super().answer(session, arguments)
        return self._answers[asked]


def meet(ledger: Ledger, store: Store) -> None:
    """Let a process get to know the store, as its first claim would; unseen by the test."""
    before, after, store.before, store.after = store.before, store.after, lambda _step: None, lambda _step: None
    ledger._shared.settle()
    store.before, store.after = before, after
    store.asked.clear()


class Elsewhere(threading.Thread):
    """A thread that seems to be at work, and does nothing."""

    def is_alive(self) -> bool:
        """Say so."""
        return True


class World:
    """A provider, one store for all, and as many processes as a test starts. Every journey runs in the test's thread.

    Attributes:
        times: Every clock.
        provider: Whom to ask.
        store: What the processes share.
        old: A session whose access token has ended.
    """

    def __init__(self, make_provider: Callable[[Callable[[], float]], StrictProvider] = StrictProvider) -> None:
        self.times = Times()
        self.provider = make_provider(self.times.unix)
        self.store = Store(MemoryCoordinator(clock=self.times.milliseconds))
        self.old = Session(**self.provider.sign_in())
        self.times.advance(301)

    def process(self, *, grace: float = 300) -> Ledger:
        """Start a process: it has a ledger of its own, and what it has learnt it has in its own memory."""
        own = MemoryCoordinator(clock=self.times.milliseconds)
        ledger = Ledger(self.provider, self.store, own, clock=self.times.unix, grace=grace)
        ledger._shared._teller = Elsewhere()  # debts are told when the test says so
        if self.store.is_up:
            meet(ledger, self.store)
        return ledger

    def is_due(self, session: Session) -> bool:
        """Return whether an access token has ended."""
        return is_due(session, self.times.unix(), 0)

    def travel(
        self,
        ledger: Ledger,
        session: Session,
        arguments: dict[str, Any] | None = None,
        *,
        force: bool = False,
        is_awaited: Callable[[], bool] | None = None,
        is_believed: Callable[[], bool] = lambda: True,
        is_heard: Callable[[], bool] = lambda: True,
    ) -> Outcome:
        """Refresh as a request in a process does; a patient one, if nothing else is said."""
        until = self.times.passed + PATIENT
        return Journey(
            self.provider,
            ledger,
            session,
            arguments or {},
            force=force,
            is_due=self.is_due,
            is_awaited=is_awaited or (lambda: self.times.passed < until),
            is_believed=is_believed,
            is_heard=is_heard,
            breaker=Breaker(),
            counters=Counters(),
        ).travel()

    def refresher(self, ledger: Ledger | None = None) -> Refresher:
        """Return what a process refreshes with, threads and all."""
        return Refresher(self.provider, ledger or self.process(), is_due=self.is_due)

    def expire(self) -> None:
        """Let every access token that there is end."""
        self.times.advance(301)

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Let the store be out of reach."""
        self.store.is_up = False
        yield
        self.store.is_up = True


def newest(outcome: Outcome) -> Session:
    """Return the session of an outcome that has one."""
    assert outcome.session is not None
    return outcome.session


def takes_part(provider: Provider) -> Provider:
    """Show mypy that the doubles are providers."""
    return provider


takes_part(StrictProvider(lambda: 0.0))
