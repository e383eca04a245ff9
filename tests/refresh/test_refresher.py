"""One flight for each token in a process: threads, patience, late answers, limits and forks."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from sealed_session import ProviderUnavailable, RefreshDenied, Session, StepUpRequired
from sealed_session.counters import Counters
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Ledger, Outcome, Refresher, Standing, shared
from sealed_session.refresh import record as records
from sealed_session.refresh import refresher as refreshers
from sealed_session.refresh.attempt import merge
from sealed_session.refresh.handover import HandOver
from sealed_session.refresh.ledger import Claim
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.record import Failure

from .faults import LONG, Elsewhere, ReplayingProvider, Shifted, SteadyProvider, StrictProvider, World, newest

UNAVAILABLE = Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE)
STORM = 50


@pytest.fixture
def world() -> Iterator[World]:
    """A provider, a store, and no thread left behind."""
    yield World()
    assert [] == flights(), "a flight is still in the air"


def flights() -> list[threading.Thread]:
    """The threads of refreshes, once those that are about to end have ended."""
    deadline = time.monotonic() + LONG
    for thread in threading.enumerate():
        if thread.name == "sealed-session refresh":
            thread.join(max(0, deadline - time.monotonic()))
    return [thread for thread in threading.enumerate() if thread.name == "sealed-session refresh"]


def at_once(refresh: Callable[[int], Outcome], number: int = STORM) -> list[Outcome]:
    """Refresh in so many threads, which start together."""
    barrier = threading.Barrier(number)

    def run(which: int) -> Outcome:
        barrier.wait(LONG)
        return refresh(which)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


class Blocked:
    """A provider's call, held until a test lets it go on."""

    def __init__(self, provider: StrictProvider) -> None:
        self.arrived = threading.Event()
        self.released = threading.Event()
        self._provider = provider
        provider.arriving = self._hold

    def _hold(self) -> None:
        self.arrived.set()
        assert self.released.wait(LONG)

    def __enter__(self) -> Blocked:
        return self

    def __exit__(self, *_error: object) -> None:
        self._provider.arriving = lambda: None
        self.released.set()


class TestStorm:
    """Many requests with one expired cookie."""

    def test_rule_2_fifty_threads_one_call(self, world: World) -> None:
        """Fifty are refreshed, to the same tokens, and each keeps what its own cookie held."""
        refresher = world.refresher()
        outcomes = at_once(lambda n: refresher.refresh(world.old.replace(extra={"tab": n}), patience=LONG))
        assert [Kind.REFRESHED] * STORM == [outcome.kind for outcome in outcomes]
        assert [{"tab": n} for n in range(STORM)] == [newest(outcome).extra for outcome in outcomes]
        assert {"user_1"} == {(newest(outcome).user or {})["id"] for outcome in outcomes}
        assert 1 == len({newest(outcome).refresh_token for outcome in outcomes})
        assert [world.old.refresh_token] == world.provider.used

    def test_two_processes_one_call(self, world: World) -> None:
        """Two refreshers with one store."""
        processes = [world.refresher(), world.refresher()]
        outcomes = at_once(lambda n: processes[n % 2].refresh(world.old.replace(extra={"tab": n}), patience=LONG))
        assert [Kind.REFRESHED] * STORM == [outcome.kind for outcome in outcomes]
        assert [{"tab": n} for n in range(STORM)] == [newest(outcome).extra for outcome in outcomes]
        assert [world.old.refresh_token] == world.provider.used

    def test_rule_2_only_one_of_a_process_touches_the_store(self, world: World) -> None:
        """However many wait: a read and a swap for the claim, the result and its floor, a swap for the box, a look."""
        refresher = world.refresher()
        with Blocked(world.provider) as blocked, ThreadPoolExecutor(STORM) as pool:
            boarded = [pool.submit(refresher.refresh, world.old, patience=LONG) for _ in range(STORM)]
            assert blocked.arrived.wait(LONG)
            assert ["read", "swap"] == world.store.asked
            blocked.released.set()
            assert {Kind.REFRESHED} == {outcome.result(LONG).kind for outcome in boarded}
        assert len(world.store.asked) <= 8 + STORM, "a straggler that missed the flight asks its own memory"
        assert 4 == world.store.asked.count("swap")

    def test_stragglers(self, world: World) -> None:
        """With the old cookie, after the winner has finished, in every process."""
        processes = [world.refresher(), world.refresher()]
        first = processes[0].refresh(world.old, patience=LONG)
        outcomes = at_once(lambda n: processes[n % 2].refresh(world.old, patience=LONG), 20)
        assert [first] * 20 == outcomes
        assert 1 == len(world.provider.used)

    def test_a_cookie_from_two_refreshes_ago(self, world: World) -> None:
        """Follows both."""
        refresher = world.refresher()
        first = newest(refresher.refresh(world.old, patience=LONG))
        world.times.advance(200)
        second = newest(refresher.refresh(first, force=True, patience=LONG))
        late = world.refresher().refresh(world.old.replace(extra={"tab": 1}), patience=LONG)
        assert second.replace(extra={"tab": 1}) == late.session
        assert 2 == len(world.provider.used)

    def test_rule_11_a_switch_among_automatic_refreshes(self, world: World) -> None:
        """No pair is lost, the switch has switched, and every token was used once."""
        processes = [world.refresher(), world.refresher()]
        switch = {"organization_id": "org_2"}

        def refresh(n: int) -> Outcome:
            return processes[n % 2].refresh(world.old, switch if n == 7 else None, patience=LONG)

        outcomes = at_once(refresh, 16)
        assert {Kind.REFRESHED} == {outcome.kind for outcome in outcomes}
        assert "org_2" == newest(outcomes[7]).claims["organization_id"]
        assert len(world.provider.used) == len(set(world.provider.used)) <= 2
        assert newest(outcomes[7]) == newest(processes[0].refresh(world.old, patience=LONG))

    def test_a_forced_refresh_among_automatic_ones(self, world: World) -> None:
        """The same: whoever forces goes on from what the others got."""
        refresher = world.refresher()
        outcomes = at_once(lambda n: refresher.refresh(world.old, force=n < 2, patience=LONG), 12)
        assert {Kind.REFRESHED} == {outcome.kind for outcome in outcomes}
        assert len(world.provider.used) == len(set(world.provider.used)) <= 3
        last = newest(refresher.refresh(world.old, patience=LONG))
        assert last in [newest(outcome) for outcome in outcomes[:2]]

    def test_arguments_are_told_apart(self, world: World) -> None:
        """Two switches at once are two refreshes, one after the other; each has what it asked for."""
        refresher = world.refresher()
        outcomes = at_once(lambda n: refresher.refresh(world.old, {"organization_id": f"org_{n}"}, patience=LONG), 4)
        assert [f"org_{n}" for n in range(4)] == [newest(outcome).claims["organization_id"] for outcome in outcomes]
        assert 4 == len(set(world.provider.used)) == len(world.provider.used)

    def test_rule_9_a_provider_that_does_not_rotate(self) -> None:
        """One call all the same, and the next token's too, a day later."""
        world = World(SteadyProvider)
        refresher = world.refresher()
        for day in range(1, 4):
            outcomes = at_once(lambda _n: refresher.refresh(world.old, patience=LONG), 12)
            assert 1 == len({newest(outcome).access_token for outcome in outcomes})
            assert day == len(world.provider.used)
            world.old = newest(outcomes[0])
            world.times.advance(86_400)


class TestPatience:
    """A request's patience is not the call's."""

    def test_rule_3_the_call_outlives_the_request(self, world: World) -> None:
        """The request is unavailable; the late answer is there for the next one."""
        refresher = world.refresher()
        with Blocked(world.provider) as blocked:
            assert UNAVAILABLE == refresher.refresh(world.old, patience=0.02)
            assert blocked.arrived.wait(LONG)
        assert [] == flights()
        assert Kind.REFRESHED is refresher.refresh(world.old, patience=LONG).kind
        assert Kind.REFRESHED is world.refresher().refresh(world.old, patience=LONG).kind
        assert 1 == len(world.provider.used)

    def test_rule_3_the_call_belongs_to_no_request(self, world: World) -> None:
        """It runs in a thread of its own that a process waits for before it ends."""
        refresher = world.refresher()
        with Blocked(world.provider) as blocked:
            refresher.refresh(world.old, patience=0)
            assert blocked.arrived.wait(LONG)
            (thread,) = [thread for thread in threading.enumerate() if thread.name == "sealed-session refresh"]
            assert (False, True) == (thread.daemon, thread is not threading.current_thread())

    def test_rule_2_every_request_has_its_own_deadline(self, world: World) -> None:
        """The patient one gets what the impatient one began."""
        refresher = world.refresher()
        with Blocked(world.provider) as blocked, ThreadPoolExecutor(1) as pool:
            assert UNAVAILABLE == refresher.refresh(world.old, patience=0.01)
            patient = pool.submit(refresher.refresh, world.old, patience=LONG)
            assert blocked.arrived.wait(LONG)
            assert UNAVAILABLE == refresher.refresh(world.old, patience=0.01)
            blocked.released.set()
            assert Kind.REFRESHED is patient.result(LONG).kind

    def test_rule_2_who_waits_for_another_process_gives_up_in_time(self, world: World) -> None:
        """Its flight lands when the last of its requests has left: no thread polls for nobody."""
        assert isinstance(world.process().claim(world.old), Claim)
        began = time.monotonic()
        assert UNAVAILABLE == world.refresher().refresh(world.old, patience=0.1)
        assert 0.05 < time.monotonic() - began < 2
        assert [] == flights()

    def test_rule_2_who_is_in_no_hurry_does_not_wait_for_this_process(self, world: World) -> None:
        """Somebody is at it, and the session is good for a while."""
        refresher = world.refresher()
        with Blocked(world.provider) as blocked:
            refresher.refresh(world.old, patience=0)
            assert blocked.arrived.wait(LONG)
            began = time.monotonic()
            assert UNAVAILABLE == refresher.refresh(world.old, patience=2, in_hurry=False)
            assert time.monotonic() - began < 1

    def test_rule_2_who_is_in_no_hurry_does_not_wait_for_another_process(self, world: World) -> None:
        """The same."""
        assert isinstance(world.process().claim(world.old), Claim)
        assert UNAVAILABLE == world.refresher().refresh(world.old, patience=LONG, in_hurry=False)

    def test_who_is_in_no_hurry_refreshes_what_nobody_else_does(self, world: World) -> None:
        """It is the one that begins."""
        assert Kind.REFRESHED is world.refresher().refresh(world.old, patience=LONG, in_hurry=False).kind

    def test_who_is_in_a_hurry_joins_a_flight_that_was_about_to_give_up(self, world: World) -> None:
        """It boarded in time: that the flight was begun by somebody without a hurry is not its fault."""
        owner, refresher = world.process(), world.refresher()
        claim = owner.claim(world.old)
        assert isinstance(claim, Claim)
        answer = world.provider.refresh(world.old)
        boarded: list[Any] = []
        with ThreadPoolExecutor(1) as pool:
            lock = refresher._lock

            class Gate:
                """Lets the one in a hurry board just before the flight is taken off the board."""

                def __enter__(self) -> None:
                    if threading.current_thread().name == "sealed-session refresh" and not boarded:
                        refresher._lock = lock
                        boarded.append(pool.submit(refresher.refresh, world.old, patience=LONG))
                        deadline = time.monotonic() + LONG
                        while time.monotonic() < deadline and not any(
                            f.is_awaited() for f in refresher._flights.values()
                        ):
                            pass
                    lock.acquire()

                def __exit__(self, *_error: object) -> None:
                    lock.release()

            refresher._lock = Gate()  # type: ignore[assignment]
            assert UNAVAILABLE == refresher.refresh(world.old, in_hurry=False)
            assert [] == [f for f in boarded if f.done() and f.result().kind is Kind.UNAVAILABLE]
            owner.write_result(claim, world.old, answer)
            assert [Kind.REFRESHED] == [f.result(LONG).kind for f in boarded]


class TestLimits:
    """What a process does not do."""

    def test_rule_3_at_most_64_flights(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """The 65th is told so at once; whoever has the token of one of them boards it."""
        assert 64 == refreshers.MOST_FLIGHTS
        monkeypatch.setattr(refreshers, "MOST_FLIGHTS", 3)
        refresher = world.refresher()
        others = [Session(**world.provider.sign_in()) for _ in range(4)]
        with Blocked(world.provider) as blocked, ThreadPoolExecutor(1) as pool:
            for session in others[:3]:
                refresher.refresh(session, patience=0)
            assert UNAVAILABLE == refresher.refresh(others[3], patience=LONG)
            joined = pool.submit(refresher.refresh, others[0], patience=LONG)
            blocked.released.set()
            assert Kind.REFRESHED is joined.result(LONG).kind
        assert [] == flights()
        assert Kind.REFRESHED is refresher.refresh(others[3], patience=LONG).kind

    def test_without_a_credential_nobody_is_asked(self, world: World) -> None:
        """The session has expired, which is not the same as denied."""
        assert Outcome(Kind.DENIED, reason=Reason.EXPIRED) == world.refresher().refresh(Session("opaque"))
        assert ([], []) == (world.provider.used, world.store.asked)

    def test_a_thread_that_does_not_start(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """The machine has no more, or the interpreter is about to end. The next request finds no dead flight."""

        class NoThread(threading.Thread):
            def start(self) -> None:
                raise RuntimeError("can't start new thread")

        refresher = world.refresher()
        monkeypatch.setattr(threading, "Thread", NoThread)
        assert UNAVAILABLE == refresher.refresh(world.old, patience=LONG)
        monkeypatch.undo()
        assert Kind.REFRESHED is refresher.refresh(world.old, patience=LONG).kind


class TestErrors:
    """Nothing is raised, and nobody waits for ever."""

    @pytest.mark.parametrize(
        "error", [KeyError("secret"), RecursionError(), MemoryError(), ProviderUnavailable(), OSError()]
    )
    def test_a_provider_may_raise_anything(self, world: World, error: Exception) -> None:
        """The session is kept."""
        world.provider.fail(error)
        assert Kind.UNAVAILABLE is world.refresher().refresh(world.old, patience=LONG).kind

    @pytest.mark.parametrize("answer", [None, "token", 7, {}])
    def test_a_provider_may_return_anything(self, world: World, answer: Any) -> None:
        """The same."""
        world.provider.always = answer
        assert Kind.UNAVAILABLE is world.refresher().refresh(world.old, patience=LONG).kind

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_arguments_may_be_anything(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """Also what raises when it is written down."""

        class Broken:
            def __repr__(self) -> str:
                raise ValueError("secret")

        assert UNAVAILABLE == world.refresher().refresh(world.old, {"one": Broken()}, patience=LONG)
        assert (True, False) == ("arguments that raise ValueError" in caplog.text, "secret" in caplog.text)
        assert [] == world.provider.used

    def test_a_provider_may_end_its_thread(self, world: World) -> None:
        """As greenlets are ended. Whoever waits is told at once, and the claim stays until its lease ends."""
        world.provider.arriving = sys.exit
        began = time.monotonic()
        assert replace(UNAVAILABLE, may_be_used=True) == world.refresher().refresh(world.old, patience=LONG)
        assert time.monotonic() - began < LONG / 2

    def test_a_provider_that_cannot_say_what_it_uses_up(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """Counts as one that gave no usable answer."""

        class Broken(StrictProvider):
            def credential(self, session: Session) -> str | None:
                raise KeyError(session.refresh_token)

        provider = Broken(world.times.unix)
        refresher = Refresher(provider, world.process(), is_due=world.is_due)
        assert UNAVAILABLE == refresher.refresh(world.old, patience=LONG)
        assert "KeyError" in caplog.text
        assert str(world.old.refresh_token) not in caplog.text

    def test_a_bug_of_ours_is_logged_and_keeps_the_session(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """By its type alone: its message may hold anything."""

        def explode(_step: str) -> None:
            raise ZeroDivisionError("secret")

        world.store.before = explode
        assert UNAVAILABLE == world.refresher().refresh(world.old, patience=LONG)
        assert [("sealed_session", logging.ERROR)] == [(line.name, line.levelno) for line in caplog.records]
        assert (True, False) == ("ZeroDivisionError" in caplog.text, "secret" in caplog.text)

    def test_the_store_is_out_of_reach_after_a_wait(self, world: World) -> None:
        """Unavailable, and no call."""
        assert isinstance(world.process().claim(world.old), Claim)
        world.store.fail_at("read", 3)
        assert UNAVAILABLE == world.refresher().refresh(world.old, patience=0.3)
        assert [] == world.provider.used

    def test_a_session_beside_a_failure_is_merged(self, world: World) -> None:
        """The first of two links was adopted; the second failed. The cookie must carry the first."""
        refresher = world.refresher()
        first = newest(refresher.refresh(world.old, patience=LONG))
        world.expire()
        world.times.advance(-10)
        world.provider.fail(ProviderUnavailable(sent=False))
        outcome = refresher.refresh(world.old.replace(extra={"tab": 1}), force=True, patience=LONG)
        assert (Kind.UNAVAILABLE, first.replace(extra={"tab": 1})) == (outcome.kind, outcome.session)


class TestManyDenials:
    """A broken deployment is not so many dead sessions."""

    @pytest.fixture
    def ahead(self, monkeypatch: pytest.MonkeyPatch) -> Shifted:
        """Monotonic time, which a test can let pass."""
        shifted = Shifted()
        monkeypatch.setattr(refreshers, "time", shifted)
        monkeypatch.setattr(shared, "time", shifted)
        return shifted

    def denied(self, world: World, refresher: Refresher, number: int = 1) -> list[Kind]:
        """Refresh so many sessions that the provider denies."""
        kinds = []
        for _ in range(number):
            session = Session(**world.provider.sign_in())
            world.provider.fail(RefreshDenied())
            kinds.append(refresher.refresh(session, patience=LONG).kind)
        return kinds

    def test_the_twentieth_within_a_minute_is_not_believed(
        self, world: World, ahead: Shifted, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor those after it. It is logged as an error."""
        refresher = world.refresher()
        assert [Kind.DENIED] * 19 == self.denied(world, refresher, 19)
        assert [] == caplog.records
        assert [Kind.UNAVAILABLE] * 3 == self.denied(world, refresher, 3)
        assert {("sealed_session", logging.ERROR)} == {(line.name, line.levelno) for line in caplog.records}
        assert "client id" in caplog.text

    def test_twenty_in_more_than_a_minute_are_believed(self, world: World, ahead: Shifted) -> None:
        """People do come back after months."""
        refresher = world.refresher()
        self.denied(world, refresher, 19)
        ahead.ahead += 61
        assert [Kind.DENIED] == self.denied(world, refresher)

    def test_one_success_between_them_and_they_are_believed(self, world: World, ahead: Shifted) -> None:
        """The deployment is right."""
        refresher = world.refresher()
        self.denied(world, refresher, 19)
        refresher.refresh(Session(**world.provider.sign_in()), patience=LONG)
        assert [Kind.DENIED] * 19 == self.denied(world, refresher, 19)
        assert [Kind.UNAVAILABLE] == self.denied(world, refresher)

    def test_a_straggler_is_no_success(self, world: World, ahead: Shifted) -> None:
        """It adopts what was refreshed before the deployment broke; the provider has said nothing."""
        refresher = world.refresher()
        refresher.refresh(world.old, patience=LONG)
        self.denied(world, refresher, 19)
        assert Kind.REFRESHED is refresher.refresh(world.old, patience=LONG).kind
        assert [Kind.UNAVAILABLE] == self.denied(world, refresher)

    def test_what_is_on_record_is_not_counted(self, world: World, ahead: Shifted) -> None:
        """One dead session that comes with every request is one."""
        refresher = world.refresher()
        world.provider.fail(RefreshDenied(), None)
        kinds = {refresher.refresh(world.old, patience=LONG).kind for _ in range(30)}
        assert {Kind.DENIED} == kinds
        assert 1 == len(world.provider.used)


class TestForks:
    """A child begins without its parent's flights."""

    SETUP = """
import os, sys, threading, time
from tests.refresh.faults import World
from sealed_session.refresh import Kind
world = World()
refresher = world.refresher()
def in_child(check):
    child = os.fork()
    if child == 0:
        threading.Timer(5, lambda: os._exit(9)).start()
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""

    def run(self, program: str) -> str:
        """Run a program that forks; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", self.SETUP + program],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (0, "") == (done.returncode, done.stderr)
        return done.stdout

    def test_a_fork_while_a_flight_is_in_the_air(self) -> None:
        """Its thread stayed in the parent. The child does not wait for it for ever; the parent's goes on."""
        assert "0 refreshed 2\n" == self.run("""
released = threading.Event()
arrived = threading.Event()
world.provider.arriving = lambda: (arrived.set(), released.wait(30))
refresher.refresh(world.old, patience=0)
arrived.wait(30)
def check():
    world.provider.arriving = lambda: None
    return refresher.refresh(world.old, patience=10).kind is Kind.REFRESHED  # its memory is its own: it asks anew
code = in_child(check)
released.set()
another = type(world.old)(**world.provider.sign_in())
refresher.refresh(another, patience=30)
print(code, refresher.refresh(world.old, patience=30).kind, len(world.provider.used))
""")

    def test_a_child_does_not_board_the_flights_of_its_parent(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It starts one of its own."""
        refresher = world.refresher()
        with Blocked(world.provider) as blocked:
            refresher.refresh(world.old, patience=0)
            assert blocked.arrived.wait(LONG)
            monkeypatch.setattr(os, "getpid", lambda: -1)
            assert UNAVAILABLE == refresher.refresh(world.old, patience=0.05)
            monkeypatch.undo()
            world.store.asked.clear()
        assert 1 == len(world.provider.used)

    def test_a_fork_while_the_board_is_locked(self) -> None:
        """By a thread that is not there any more in the child."""
        assert "0\n" == self.run("""
with refresher._lock:
    code = in_child(lambda: refresher.refresh(world.old, patience=3).kind is Kind.REFRESHED)
print(code)
""")

    def test_the_process_waits_for_its_flights(self) -> None:
        """A worker that ends while a call is in the air ends when the answer is written: its threads are no daemons."""
        assert "1\nwritten\n" == self.run("""
world.provider.arriving = lambda: time.sleep(0.3)
def tell(step):
    if step == "swap" and world.store.asked.count("swap") == 3:
        print("written", flush=True)
world.store.after = tell
refresher.refresh(world.old, patience=0)
while not world.provider.used:
    time.sleep(0.001)
print(len(world.provider.used), flush=True)
""")


class TestCounters:
    """What happens, in numbers."""

    @pytest.fixture
    def counters(self) -> Counters:
        """Those of one process."""
        return Counters()

    @pytest.fixture
    def refresher(self, world: World, counters: Counters) -> Refresher:
        """One that counts."""
        own = MemoryCoordinator(clock=world.times.milliseconds)
        ledger = Ledger(world.provider, world.store, own, clock=world.times.unix, grace=300, counters=counters)
        ledger._shared._teller = Elsewhere()
        return Refresher(world.provider, ledger, is_due=world.is_due, counters=counters)

    def counted(self, counters: Counters) -> dict[str, int]:
        """What was counted, by name and labels."""
        return {
            " ".join([name, *labels]): number
            for name, numbers in counters.read().items()
            for labels, number in numbers.items()
        }

    def test_a_refresh_and_its_call(self, world: World, refresher: Refresher, counters: Counters) -> None:
        """One of each."""
        refresher.refresh(world.old, patience=LONG)
        assert {"refreshes refreshed": 1, "provider_calls refreshed": 1} == self.counted(counters)

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (RefreshDenied(), "denied"),
            (StepUpRequired(), "step_up"),
            (ProviderUnavailable(), "unavailable"),
            (KeyError(), "unavailable"),
        ],
    )
    def test_each_by_what_came_of_it(
        self, world: World, refresher: Refresher, counters: Counters, error: Exception, kind: str
    ) -> None:
        """In the words of outcomes."""
        world.provider.fail(error)
        refresher.refresh(world.old, patience=LONG)
        assert {f"refreshes {kind}": 1, f"provider_calls {kind}": 1} == self.counted(counters)

    def test_a_denial_that_is_held_is_a_denied_call(
        self, world: World, refresher: Refresher, counters: Counters
    ) -> None:
        """The request is told something else than the provider said."""
        world.provider.fail(RefreshDenied())
        with world.outage():
            refresher.refresh(world.old, patience=LONG)
        numbers = {"refreshes unavailable": 1, "provider_calls denied": 1, "coordinator_fallbacks": 1}
        assert numbers == self.counted(counters)

    def test_what_is_answered_without_a_call(self, world: World, refresher: Refresher, counters: Counters) -> None:
        """No credential, and a failure on record."""
        refresher.refresh(Session("opaque"), patience=LONG)
        world.provider.fail(RefreshDenied())
        for _ in range(3):
            refresher.refresh(world.old, patience=LONG)
        assert {"refreshes denied": 4, "provider_calls denied": 1} == self.counted(counters)

    def test_a_straggler(self, world: World, refresher: Refresher, counters: Counters) -> None:
        """It is served with what is there: from this process, and from another."""
        for _ in range(3):
            refresher.refresh(world.old, patience=LONG)
        another = Session(**world.provider.sign_in())
        world.refresher().refresh(another, force=True, patience=LONG)
        refresher.refresh(another, patience=LONG)
        numbers = {"refreshes refreshed": 4, "provider_calls refreshed": 1, "stragglers_served": 3}
        assert numbers == self.counted(counters)

    def test_who_waits_in_this_process(
        self, world: World, refresher: Refresher, counters: Counters, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each that joined a flight, and none that gave up before it landed."""
        with Blocked(world.provider) as blocked, ThreadPoolExecutor(5) as pool:
            on_board, board = threading.Semaphore(0), refresher._board

            def say_so(*crew: Any) -> Any:
                found = board(*crew)
                on_board.release()
                return found

            monkeypatch.setattr(refresher, "_board", say_so)
            boarded = [pool.submit(refresher.refresh, world.old, patience=LONG) for _ in range(4)]
            for _ in boarded:
                assert on_board.acquire(timeout=LONG)
            assert UNAVAILABLE == refresher.refresh(world.old, patience=0.001)
            blocked.released.set()
            assert {Kind.REFRESHED} == {outcome.result(LONG).kind for outcome in boarded}
        numbers = {"refreshes refreshed": 4, "refreshes unavailable": 1, "provider_calls refreshed": 1, "waiters": 3}
        assert numbers == self.counted(counters)

    def test_who_waits_for_another_process(self, world: World, refresher: Refresher, counters: Counters) -> None:
        """No straggler: the result was not there when it came."""
        owner = world.process()
        claim = owner.claim(world.old)
        assert isinstance(claim, Claim)
        answer = world.provider.refresh(world.old)

        def write(step: str) -> None:
            if step == "read" and world.store.asked.count("read") == 4:
                world.store.after = lambda _step: None
                owner.write_result(claim, world.old, answer)

        world.store.after = write
        assert Kind.REFRESHED is refresher.refresh(world.old, patience=LONG).kind
        assert {"refreshes refreshed": 1, "waiters": 1} == self.counted(counters)

    def test_a_replay_is_a_call(self, counters: Counters) -> None:
        """Two calls, one refresh."""
        world = World(ReplayingProvider)
        refresher = Refresher(world.provider, world.process(), is_due=world.is_due, counters=counters)
        world.provider.fail(ProviderUnavailable(sent=True))
        refresher.refresh(world.old, patience=LONG)
        numbers = {"refreshes refreshed": 1, "provider_calls unavailable": 1, "provider_calls refreshed": 1}
        assert numbers == self.counted(counters)


class TestStanding:
    """Where a session stands."""

    def test_it_is_the_ledgers(self, world: World) -> None:
        """Nobody is asked, and nothing is claimed."""
        refresher = world.refresher()
        assert Standing() == refresher.standing(world.old)
        new = newest(refresher.refresh(world.old, patience=LONG))
        assert Standing(new) == refresher.standing(world.old)
        assert 1 == len(world.provider.used)

    @pytest.mark.parametrize("what", ["store", "provider"])
    def test_it_never_raises(
        self, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, what: str
    ) -> None:
        """Whatever breaks: nothing is sure then, and it is logged by its type alone."""

        def explode(*_anything: object) -> Any:
            raise ZeroDivisionError("secret")

        if what == "provider":
            monkeypatch.setattr(world.provider, "credential", explode)
        refresher = world.refresher()
        if what == "store":
            world.store.before = explode
        assert Standing(is_settled=False) == refresher.standing(world.old)
        assert [("sealed_session", logging.ERROR)] == [(line.name, line.levelno) for line in caplog.records]
        assert (True, False) == ("ZeroDivisionError" in caplog.text, "secret" in caplog.text)


class TestEarly:
    """A session that is good for a while, renewed before it has to be."""

    def test_who_begins_it_waits_for_its_own_call(self, world: World) -> None:
        """It has the new tokens; all others that are in no hurry go on with what they have."""
        refresher = world.refresher()
        with Blocked(world.provider) as blocked, ThreadPoolExecutor(1) as pool:
            starter = pool.submit(refresher.refresh, world.old, patience=LONG, in_hurry=False)
            assert blocked.arrived.wait(LONG)
            began = time.monotonic()
            for _ in range(5):
                assert UNAVAILABLE == refresher.refresh(world.old, patience=LONG, in_hurry=False)
            assert time.monotonic() - began < LONG / 2
            assert not starter.done()
            blocked.released.set()
            assert Kind.REFRESHED is starter.result(LONG).kind
        assert 1 == len(world.provider.used)

    def test_who_begins_it_waits_no_longer_than_it_can(self, world: World) -> None:
        """The call goes on."""
        refresher = world.refresher()
        with Blocked(world.provider):
            assert UNAVAILABLE == refresher.refresh(world.old, patience=0.02, in_hurry=False)
        assert [] == flights()
        assert Kind.REFRESHED is refresher.refresh(world.old, patience=LONG).kind
        assert 1 == len(world.provider.used)


class TestHeard:
    """Whether anybody was there to send what came to the browser."""

    def lasts(self, world: World) -> int:
        """For how many milliseconds the result of the old token can be had."""
        key = HandOver(str(world.old.refresh_token), world.provider.identity).key
        value, now = world.store.inner.read(key)
        return records.unpack(value or b"").state.ends - now

    @pytest.mark.parametrize("in_hurry", [False, True])
    def test_who_began_it_and_waits_is(self, world: World, in_hurry: bool) -> None:
        """In a hurry or not: the answer comes with its response."""
        world.refresher().refresh(world.old, patience=LONG, in_hurry=in_hurry)
        assert 300_000 == self.lasts(world)

    @pytest.mark.parametrize("in_hurry", [False, True])
    def test_who_has_gone_is_not(self, world: World, in_hurry: bool) -> None:
        """The result can be had for a day."""
        refresher = world.refresher()
        with Blocked(world.provider) as blocked:
            refresher.refresh(world.old, patience=0.01, in_hurry=in_hurry)
            assert blocked.arrived.wait(LONG)
            refresher.refresh(world.old, patience=LONG, in_hurry=False)  # goes on with what it has
        assert [] == flights()
        assert 86_400_000 == self.lasts(world)

    def test_who_joined_and_waits_is(self, world: World) -> None:
        """Although who began it has gone."""
        refresher = world.refresher()
        with Blocked(world.provider) as blocked, ThreadPoolExecutor(1) as pool:
            refresher.refresh(world.old, patience=0.01)
            assert blocked.arrived.wait(LONG)
            patient = pool.submit(refresher.refresh, world.old, patience=LONG)
            (flight,) = refresher._flights.values()
            deadline = time.monotonic() + LONG
            while not flight.is_heard() and time.monotonic() < deadline:
                pass
            blocked.released.set()
            assert Kind.REFRESHED is patient.result(LONG).kind
        assert 300_000 == self.lasts(world)


def test_rule_12_who_adopts_what_was_signed_out_leaves_revoking_to_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was given the tokens revokes them, and whoever signed out; a straggler did not ask for them."""
    ledger = world.process()
    refresher = world.refresher(ledger)
    refresher.refresh(world.old, patience=LONG)
    revoked: list[Session] = []
    monkeypatch.setattr(world.provider, "revoke", revoked.append, raising=False)
    answers = iter([False, True])  # it was not over when the straggler came
    monkeypatch.setattr(ledger.tombstones, "is_over", lambda *_session: next(answers))
    outcome = refresher.refresh(world.old, patience=LONG)
    assert Outcome(Kind.DENIED, reason=Reason.REVOKED) == outcome
    assert [] == revoked


def test_merging_is_the_callers(world: World) -> None:
    """What the answer brings replaces what the cookie held; what it leaves out stays."""
    outcome = world.refresher().refresh(world.old.replace(extra={"theme": "dark"}), patience=LONG)
    assert {"theme": "dark"} == newest(outcome).extra
    assert merge(world.old, newest(outcome)).user == world.old.user


def test_rule_15_a_failure_of_the_record_is_answered_without_a_call(world: World) -> None:
    """A dead refresh token in a cookie of 400 days costs the provider nothing."""
    ledger = world.process()
    claim = ledger.claim(world.old)
    assert isinstance(claim, Claim)
    ledger.write_failure(claim, Failure.DENIED, 600)
    refresher = world.refresher(ledger)
    assert {True} == {refresher.refresh(world.old, patience=LONG).is_on_record for _ in range(5)}
    assert [] == world.provider.used
    assert os.getpid() == refresher._pid
