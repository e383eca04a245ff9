"""Signing out: on record for everybody, at the provider, and against a refresh that is under way."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from sealed_session import ProviderUnavailable, Session
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome, Refresher, SignedOut
from sealed_session.refresh.record import Failure, Refused

from .faults import LONG, StrictProvider, World, newest

DAY = 86_400
OVER = Outcome(Kind.DENIED, reason=Reason.REVOKED, is_on_record=True)


class Revoking(StrictProvider):
    """A provider that can end a session when it is told to.

    Attributes:
        revoked: The refresh tokens that it was told.
        how: What it answers, or raises.
    """

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.revoked: list[str | None] = []
        self.how: Any = True

    def revoke(self, session: Session) -> bool:
        """End a session."""
        self.revoked.append(session.refresh_token)
        if isinstance(self.how, Exception):
            raise self.how
        self._alive.discard(str(session.refresh_token))
        return bool(self.how)


@pytest.fixture
def world() -> World:
    """A provider that can revoke, one store, and processes with real threads."""
    return World(Revoking)


def out(world: World, refresher: Refresher, session: Session, patience: float = LONG) -> SignedOut:
    """Sign out, and wait for it."""
    return refresher.sign_out(session, now=world.times.unix, lasts=400 * DAY, patience=patience)


def begun(world: World) -> int:
    """When the session of the world began: long ago."""
    return int(world.times.unix()) - 5000


def revoking(world: World) -> Revoking:
    """Its provider."""
    assert isinstance(world.provider, Revoking)
    return world.provider


def test_it_is_recorded_and_revoked(world: World) -> None:
    """And a copy of the cookie is refused everywhere, without a call."""
    assert SignedOut(recorded=True, revoked=True) == out(world, world.refresher(), world.old)
    assert [world.old.refresh_token] == revoking(world).revoked
    assert OVER == world.refresher().refresh(world.old, patience=LONG, started_at=begun(world))
    assert [] == world.provider.used


def test_a_copy_is_refused_by_its_token_too(world: World) -> None:
    """Whoever does not know when it began sees the failed record."""
    out(world, world.refresher(), world.old)
    assert OVER == world.refresher().refresh(world.old, patience=LONG)
    assert isinstance(world.process().claim(world.old), Refused)


def test_rule_12_an_old_copy_leads_to_the_newest_token(world: World) -> None:
    """Signing out with the cookie of before the last refreshes revokes what they gave."""
    refresher = world.refresher()
    new = newest(refresher.refresh(world.old, patience=LONG))
    newer = newest(refresher.refresh(new, force=True, patience=LONG))
    assert SignedOut(recorded=True, revoked=True) == out(world, world.refresher(), world.old)
    assert [newer.refresh_token] == revoking(world).revoked
    for copy in (world.old, new, newer):
        assert OVER == world.refresher().refresh(copy, force=True, patience=LONG, started_at=begun(world))


def test_rule_12_against_a_refresh_that_is_under_way(world: World) -> None:
    """The winner writes its result, sees the tombstone, revokes what it was given, and signs nobody in."""
    called, go = threading.Event(), threading.Event()

    def wait(_answer: Session) -> None:  # the token is used up, and nobody has the next pair yet
        called.set()
        assert go.wait(LONG)

    world.provider.leaving = wait
    outcomes: list[Outcome] = []
    winner = threading.Thread(
        target=lambda: outcomes.append(world.refresher().refresh(world.old, patience=LONG, started_at=begun(world)))
    )
    winner.start()
    assert called.wait(LONG)
    assert SignedOut(recorded=True) == out(world, world.refresher(), world.old, patience=0.05)
    go.set()
    winner.join(LONG)
    assert [replace(OVER, is_on_record=False)] == outcomes
    given = world.provider._given + revoking(world).revoked
    assert [world.old.refresh_token] == world.provider.used
    assert set() == world.provider._alive, given


def test_rule_12_it_waits_for_a_refresh_that_is_about_to_end(world: World) -> None:
    """And revokes what that has given."""
    ledger = world.process()
    claim = ledger.claim(world.old)
    looked = threading.Event()
    world.store.after = lambda step: looked.set() if step == "read" else None
    results: list[SignedOut] = []
    leaving = threading.Thread(target=lambda: results.append(out(world, world.refresher(), world.old)))
    leaving.start()
    assert looked.wait(LONG)
    answer = world.provider.refresh(world.old)
    ledger.write_result(claim, world.old, answer)  # type: ignore[arg-type]
    leaving.join(LONG)
    assert [SignedOut(recorded=True, revoked=True)] == results
    assert [answer.refresh_token] == revoking(world).revoked


@pytest.mark.parametrize("how", [False, ProviderUnavailable(), RuntimeError("boom"), None])
def test_what_the_provider_does_not_confirm_is_not_revoked(
    world: World, how: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is on record here all the same, and kept for as long as the cookie could live."""
    revoking(world).how = how
    assert SignedOut(recorded=True) == out(world, world.refresher(), world.old)
    assert ("revoke raised RuntimeError" in caplog.text) is isinstance(how, RuntimeError)
    assert "boom" not in caplog.text
    answer = world.process().claim(world.old)
    assert isinstance(answer, Refused)
    assert (Failure.REVOKED, 400 * DAY * 1000) == (answer.failure, answer.left)


def test_what_is_confirmed_is_kept_for_a_day(world: World) -> None:
    """The tokens are dead whatever we remember."""
    out(world, world.refresher(), world.old)
    answer = world.process().claim(world.old)
    assert isinstance(answer, Refused)
    assert DAY * 1000 == answer.left


def test_a_provider_that_cannot_revoke(world: World) -> None:
    """Most functions cannot. It is recorded."""
    world = World()
    assert SignedOut(recorded=True) == out(world, world.refresher(), world.old)


def test_without_the_store_it_is_said_honestly(world: World) -> None:
    """And told once the store is back."""
    ledger = world.process()
    with world.outage():
        assert SignedOut(revoked=True) == out(world, world.refresher(ledger), world.old)
    ledger._shared.tell_everything()
    assert OVER == world.refresher().refresh(world.old, patience=LONG, started_at=begun(world))


def test_a_session_that_cannot_be_refreshed(world: World) -> None:
    """Its id is on record."""
    session = Session(world.old.access_token)
    assert SignedOut(recorded=True, revoked=True) == out(world, world.refresher(), session)
    assert Session("opaque").session_id is None
    assert SignedOut(revoked=True) == out(world, world.refresher(), Session("opaque"))


def test_a_store_that_goes_away_in_between(world: World) -> None:
    """Never raises, and says what is so."""
    for number in range(1, 8):
        world = World(Revoking)
        refresher = world.refresher()
        world.store.fail_at("read", number)
        found = out(world, refresher, world.old)
        assert not found.recorded or number > 3


def test_a_bug_of_ours_is_logged(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The cookie is cleared all the same."""
    ledger = world.process()
    monkeypatch.setattr(ledger, "claim", lambda *_args, **_named: 1 / 0)
    assert SignedOut(recorded=True) == out(world, world.refresher(ledger), world.old)
    assert "signing out failed with ZeroDivisionError" in caplog.text


def test_without_a_thread_it_happens_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is ending, or has all the threads that it may have."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    refresher = world.refresher()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert SignedOut(recorded=True, revoked=True) == out(world, refresher, world.old)


def test_a_standing_tells_of_it(world: World) -> None:
    """Whoever is about to write a cookie sees that somebody has signed out."""
    refresher = world.refresher()
    assert not refresher.standing(world.old, begun(world)).is_revoked
    new = newest(refresher.refresh(world.old, patience=LONG))
    out(world, world.refresher(), new)
    assert refresher.standing(world.old, begun(world)).is_revoked
    assert world.refresher().standing(new).is_revoked


def test_with_reuse_detection_and_without_the_store_nothing_is_claimed() -> None:
    """The token that is at hand is revoked all the same."""
    world = World(Revoking)
    world.provider.reuse_detection = "session"
    ledger = world.process()
    with world.outage():
        assert SignedOut(revoked=True) == out(world, world.refresher(ledger), world.old)


def test_a_chain_without_end_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After eight links; what is known by then is revoked."""
    refresher, session = world.refresher(), world.old
    for _ in range(9):
        session = newest(refresher.refresh(session, force=True, patience=LONG))
    assert SignedOut(recorded=True, revoked=True) == out(world, world.refresher(), world.old)
    assert [session.refresh_token] != revoking(world).revoked
