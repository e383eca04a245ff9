"""Rotation, concurrency and failure in every order that hypothesis can think of.

Each request is a journey in a thread of its own that stops before every step at the store, before and after the token
is used up at the provider, and before it sleeps. Hypothesis says who goes on, who fails, what is lost and when time
passes. The invariants have the names of those that the design was searched for:

I1  one call for each refresh token, unless a crash, an ended lease, an error or an outage forced another
I2  nobody is signed out while the provider has not ended the session, outside the named windows
I5  waiters end
I6  a provider that punishes a token used twice with every session of the person never sees one
I8  a switch has switched
IL  at rest the browser's cookie leads to the living token
"""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sealed_session import ProviderUnavailable, Session
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Ledger, Outcome, shared, uptime
from sealed_session.refresh import journey as journeys
from sealed_session.refresh.attempt import merge
from sealed_session.refresh.coordinator import Coordinator, CoordinatorUnavailable, Reading
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.redis import RedisCoordinator
from sealed_session.refresh.sqlite import SQLiteCoordinator

from .faults import LONG, ReplayingProvider, Store, StrictProvider, Times, World
from .redis_server import RedisServer, needs_redis

WORKERS = 3
LONGEST = 85
"""Seconds that a request may be stopped for: an answer that comes later than a hold lasts is not in the design."""

UNAVAILABLE = Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE)
who = st.integers(0, 7)

_here = threading.local()


class Crashed(BaseException):
    """The worker was killed."""


class Request:
    """A journey in its thread, which goes on when it is told to."""

    def __init__(self, worker: int, cookie: Session, arguments: dict[str, Any], began: float) -> None:
        self.worker, self.cookie, self.arguments, self.began = worker, cookie, arguments, began
        self.outcome: Outcome | None = None
        self.at = "start"
        self.answer: Session | None = None
        self.failure: Exception | None = None
        self.is_done = self.is_awaited = self.is_killed = False
        self.is_awaited = True
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)

    def start(self, travel: Callable[[], Outcome]) -> None:
        """Begin, and stop at the first step."""
        threading.Thread(target=self._run, args=(travel,)).start()
        self._await_stop()

    def step(self) -> None:
        """Go on until the next."""
        self._go.release()
        self._await_stop()

    def stop(self, at: str) -> None:
        """Stop, in the request's own thread, until it is told to go on."""
        if self.is_killed:  # and somebody on the way took that for an error of the provider's
            raise Crashed
        self.at = at
        self._stopped.release()
        self._go.acquire()
        if self.is_killed:
            raise Crashed

    def fail(self) -> None:
        """Raise what the test wants the provider to raise."""
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure

    def _run(self, travel: Callable[[], Outcome]) -> None:
        _here.request = self
        try:
            self.outcome = travel()
        except Crashed:
            pass
        except CoordinatorUnavailable:
            self.outcome = UNAVAILABLE
        finally:
            self.is_done, self.at = True, "end"
            self._stopped.release()

    def _await_stop(self) -> None:
        assert self._stopped.acquire(timeout=LONG), "a request hangs"


def stop(at: str) -> None:
    """Stop the request in whose thread this is; the test's own goes on."""
    request: Request | None = getattr(_here, "request", None)
    if request is not None:
        request.stop(at)


class Machine(RuleBasedStateMachine):
    """A browser, three workers, a store and a provider with single-use refresh tokens, of 20-second access tokens."""

    reuse_detection: Literal[False, "session", "user"] = False

    def __init__(self) -> None:
        super().__init__()
        self.patches = pytest.MonkeyPatch()
        self.world = World(self.make_provider)
        self.times = self.world.times
        self.times.sleep = lambda seconds: stop("sleep")  # type: ignore[method-assign]
        for module in (shared, journeys):
            self.patches.setattr(module, "time", self.times)
        self.patches.setattr(uptime, "milliseconds", self.times.milliseconds)
        self.world.store = self.store = Store(self.make_store())
        self.store.before = stop
        self.store.after = lambda step: stop("swapped") if step == "swap" else None
        self.provider = self.world.provider
        self.provider.arriving = self.arrive
        self.provider.leaving = self.leave
        self.processes = [self.world.process() for _ in range(WORKERS)]
        self.requests: list[Request] = []
        self.responses: list[tuple[Request, Outcome]] = []
        self.cookies = [self.world.old]
        self.faults: set[str] = set()
        self.may_be_excused = False
        self.left = Counter(store=4, crash=2, patience=2)
        self.began = self.set_at = self.times.passed

    def make_provider(self, clock: Callable[[], float]) -> StrictProvider:
        """Return the provider of this machine."""
        return StrictProvider(clock, lifetime=20, reuse_detection=self.reuse_detection)

    def make_store(self) -> Coordinator:
        """Return the store of this machine."""
        return MemoryCoordinator(clock=self.times.milliseconds)

    # The provider, in the thread of a request.

    def arrive(self) -> None:
        """The call is on its way."""
        stop("call")
        _here.request.fail()

    def leave(self, answer: Session) -> None:
        """The token is used up."""
        _here.request.answer = answer
        stop("answer")
        _here.request.fail()

    # What can happen.

    @initialize(number=st.integers(2, 4), may_lose=st.sampled_from([False, False, False, True]))
    def a_page_with_several_requests(self, number: int, may_lose: bool) -> None:
        """All of them with the one expired cookie. In some runs something may be lost that has a name."""
        self.may_be_excused = may_lose
        for worker in range(number):
            self.send(worker % WORKERS, 0, False)

    @rule(
        worker=st.integers(0, WORKERS - 1),
        age=st.sampled_from([0, 0, 0, 1, 2]),
        switches=st.sampled_from([False, False, True]),
    )
    @precondition(lambda self: len(self.living) < 6)
    def send(self, worker: int, age: int, switches: bool) -> None:
        """Send a request with the cookie of now, or that of a while ago."""
        cookie = self.cookies[max(0, len(self.cookies) - 1 - age)]
        if not switches and not self.world.is_due(cookie):
            return
        request = Request(worker, cookie, {"organization_id": "org_2"} if switches else {}, self.times.passed)
        self.requests.append(request)
        ledger = self.processes[worker]
        request.start(
            lambda: self.world.travel(ledger, cookie, request.arguments, is_awaited=lambda: request.is_awaited)
        )
        self.settle(request)

    @rule(which=who, steps=st.sampled_from([1, 2, 3, 5, 20]))
    @precondition(lambda self: self.living)
    def go_on(self, which: int, steps: int) -> None:
        """One of them goes on for a while."""
        request = self.living[which % len(self.living)]
        for _ in range(steps):
            if not request.is_done:
                request.step()
        self.settle(request)

    @rule(which=who)
    @precondition(lambda self: self.living and self.left["patience"])
    def give_up(self, which: int) -> None:
        """Nobody waits for it any more. The call goes on."""
        self.left["patience"] -= 1
        self.living[which % len(self.living)].is_awaited = False

    @rule(which=who, sent=st.booleans())
    @precondition(lambda self: self.at("call"))
    def fail_before(self, which: int, sent: bool) -> None:
        """The provider is out of reach, or answers 503 without having done anything."""
        request = self.at("call")[which % len(self.at("call"))]
        request.failure = ProviderUnavailable(sent=sent)
        self.faults.add("error")
        request.step()
        self.settle(request)

    @rule(which=who)
    @precondition(lambda self: self.at("answer") and self.may_be_excused)
    def lose_the_answer(self, which: int) -> None:
        """The token is used up, and the answer does not reach us: window (b), unless the provider answers again."""
        request = self.at("answer")[which % len(self.at("answer"))]
        request.failure, request.answer = ProviderUnavailable(sent=True), None
        self.faults.add("lost" if not self.provider.replay_grace else "error")
        request.step()
        self.settle(request)

    @rule(worker=st.integers(0, WORKERS - 1))
    @precondition(lambda self: self.living and self.left["crash"])
    def crash(self, worker: int) -> None:
        """Kill a worker with all its requests: window (a) where one of them held the only pair."""
        self.left["crash"] -= 1
        holds = any(r.worker == worker and r.answer is not None for r in self.living)
        if holds or self.processes[worker]._shared._owed:
            if not self.may_be_excused:
                return
            self.faults.add("lost")
        self.faults |= {"crash", "dropped"}  # whoever had written and not answered yet
        for request in [request for request in self.living if request.worker == worker]:
            request.is_killed = True
            request.step()
        self.processes[worker] = self.world.process()
        if not self.store.is_up:
            self.notice()

    @rule()
    @precondition(lambda self: self.left["store"] or not self.store.is_up)
    def lose_or_find_the_store(self) -> None:
        """It goes away, or comes back. Every worker is busy enough to notice."""
        self.left["store"] -= 1
        self.store.is_up = not self.store.is_up
        self.faults.add("outage")
        self.notice()

    @rule(seconds=st.sampled_from([3, 21, 36, 36, 61, 120]))
    @precondition(lambda self: self.times.passed - self.began < 3_000)
    def pass_time(self, seconds: float) -> None:
        """Let time pass; responses arrive meanwhile, and workers tell the store what they know."""
        if any(self.times.passed + seconds - request.began > LONGEST for request in self.living):
            return
        while self.responses:
            self.deliver(0, False)
        self.notice()
        self.times.advance(seconds)
        if any(self.times.passed - request.began >= 30 for request in self.living):
            self.faults.add("lease")
        self.notice()

    @rule(which=who, lost=st.booleans())
    @precondition(lambda self: self.responses)
    def deliver(self, which: int, lost: bool) -> None:
        """A response arrives, in any order, or is lost."""
        request, outcome = self.responses.pop(which % len(self.responses))
        if lost or which:  # or overtaken by a later one, which leaves the older cookie in the browser
            self.faults.add("dropped")
        if outcome.session is not None and not lost:
            self.cookies.append(merge(request.cookie, outcome.session))
            self.set_at = self.times.passed

    # What must be so.

    @property
    def living(self) -> list[Request]:
        """The requests under way."""
        return [request for request in self.requests if not request.is_done]

    def at(self, where: str) -> list[Request]:
        """The requests that have stopped there."""
        return [request for request in self.living if request.at == where]

    @property
    def is_excused(self) -> bool:
        """Whether a pair was lost in a window that has a name."""
        return "lost" in self.faults or self.provider.punished

    def notice(self) -> None:
        """Let every worker ask the store for somebody else's session, as busy workers do all the time."""
        for ledger in self.processes:
            other = Session("opaque", f"of somebody else {id(ledger)}")
            ledger.look(other)
            if self.store.is_up:
                self.tell(ledger, other)

    @staticmethod
    def tell(ledger: Ledger, other: Session) -> None:
        """Let a worker claim something, before which it tells the store what it does not know."""
        ledger._shared._not_before = 0  # the second is over, for which it left the store alone
        with suppress(CoordinatorUnavailable):
            ledger._shared.tell_everything()
        ledger.claim(other, deepest=0)

    def settle(self, request: Request) -> None:
        """Judge a request that has ended."""
        if not request.is_done or request.outcome is None:
            return
        outcome = request.outcome
        self.responses.append((request, outcome))
        request.answer = None
        if not self.store.is_up and not outcome.is_on_record:
            return  # after two minutes without the store a denial is believed, and the cookie kept
        assert Kind.DENIED is not outcome.kind or self.is_excused, ("I2: signed out", self.faults)
        if request.arguments and outcome.kind is Kind.REFRESHED:
            assert outcome.session is not None
            assert "org_2" == outcome.session.claims.get("organization_id"), "I8: not switched"
        forced = {"crash", "lease", "error", "lost"} | (set() if self.reuse_detection else {"outage"})
        if self.reuse_detection == "user":
            assert not self.provider.punished, "I6: a spent token was sent again"
        if not self.faults & forced:
            assert 1 == max(Counter(self.provider.used).values(), default=1), ("I1: used twice", self.faults)

    def teardown(self) -> None:
        """Come to rest: everything ends, the store is back, and the browser's cookie is good."""
        try:
            self.rest()
        finally:
            for request in self.living:
                request.is_killed = True
                request.step()
            self.store.before = self.store.after = lambda _step: None
            self.provider.arriving, self.provider.leaving = lambda: None, lambda _answer: None
            self.store.close()
            self.patches.undo()

    def rest(self) -> None:
        """End everything, and look at what is left."""
        self.store.is_up = True
        self.notice()
        for _ in range(300):
            for request in self.living:
                request.step()
                self.settle(request)
            if {"sleep"} >= {request.at for request in self.living if request.at not in ("read", "swap")}:
                self.times.advance(0.5)
        assert [] == self.living, "I5: somebody waits for ever"
        while self.responses:
            self.deliver(0, False)
        if self.is_excused:
            return
        self.store.before = self.store.after = lambda _step: None
        self.provider.arriving, self.provider.leaving = lambda: None, lambda _answer: None
        cookie, kinds = self.cookies[-1], []
        for _ in range(4):
            self.notice()
            self.times.sleep = self.times.advance  # type: ignore[method-assign]
            outcome = self.world.travel(self.processes[0], cookie, {"organization_id": "org_2"})
            kinds.append(outcome.kind)
            cookie = cookie if outcome.session is None else merge(cookie, outcome.session)
            if outcome.kind is not Kind.UNAVAILABLE:
                break
            self.times.advance(61)
        if kinds[-1] is Kind.SUPERSEDED and ("dropped" in self.faults or self.times.passed - self.set_at > 300):
            return  # window (c): the response was lost, or overtaken by an older one, and the result has ended since
        if (
            kinds[-1] is Kind.SUPERSEDED
            and self.reuse_detection == "user"
            and self.faults & {"lease", "crash", "error"}
        ):
            return  # whether it had been asked, nobody knows; to ask again would cost the person every session
        assert Kind.REFRESHED is kinds[-1], ("IL: lost", kinds, self.faults)
        assert cookie.refresh_token in self.provider._alive, "IL: the cookie holds a dead token"


class ReuseMachine(Machine):
    """With a provider that ends the session when a token is used twice: no call without the store."""

    reuse_detection = "session"


class SternMachine(Machine):
    """With one that ends every session of the person: a token of which nobody knows is not sent again."""

    reuse_detection = "user"


class ReplayMachine(Machine):
    """With one that answers a refresh again that is sent again."""

    def make_provider(self, clock: Callable[[], float]) -> StrictProvider:
        """Return a provider that replays."""
        provider = ReplayingProvider(clock)
        provider._lifetime = 20
        return provider


class SQLiteMachine(Machine):
    """Over a file."""

    def make_store(self) -> Coordinator:
        """Return a coordinator in a file of its own."""
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "coordinator.sqlite3"
        return SQLiteCoordinator(path, clock=self.times.milliseconds, boot=lambda: "boot")

    def teardown(self) -> None:
        """Remove the file too."""
        try:
            super().teardown()
        finally:
            self.folder.cleanup()


class RedisMachine(Machine):
    """Over a real server, whose time is the test's."""

    server: ClassVar[RedisServer]

    def make_store(self) -> Coordinator:
        """Return a coordinator with keys of its own."""
        return OnTime(self.times, self.server.url, f"{id(self)}-{secrets.token_hex(4)}:")


class OnTime(RedisCoordinator):
    """Values in Redis, and the clock of a test."""

    def __init__(self, times: Times, url: str, prefix: str) -> None:
        super().__init__(redis.Redis.from_url(url), prefix=prefix)
        self._times = times

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Swap, for longer than the test lasts: the server's own time goes on while the test's stands still."""
        return super().swap(key, old, new, 3_600_000)

    def read(self, key: bytes) -> Reading:
        """Read."""
        return super().read(key)._replace(now=self._times.milliseconds())


def cases(machine: type[Machine], examples: int) -> Any:
    """Return the test of a machine, bounded."""
    case: Any = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return case


TestStrict = cases(Machine, 300)
TestReuseDetection = cases(ReuseMachine, 100)
TestSternReuseDetection = cases(SternMachine, 100)
TestReplay = cases(ReplayMachine, 60)
TestSQLite = cases(SQLiteMachine, 40)


@needs_redis
class TestRedis(cases(RedisMachine, 40)):  # type: ignore[misc]
    """Over a server that is started for it."""

    @classmethod
    def setUpClass(cls) -> None:
        """Start it."""
        RedisMachine.server = RedisServer().start()

    @classmethod
    def tearDownClass(cls) -> None:
        """Stop it."""
        RedisMachine.server.__exit__()
