"""Signing out: on record for everybody, at the provider, and against a refresh that is under way."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from sealed_session import ProviderUnavailable, Session
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome, Refresher, SignedOut, signing_out
from sealed_session.refresh.ledger import Claim
from sealed_session.refresh.record import Failure, Refused
from sealed_session.refresh.signing_out import SignOut
from sealed_session.testing import access_token

from .faults import LONG, SteadyProvider, StrictProvider, World, newest

DAY = 86_400
OVER = Outcome(Kind.DENIED, reason=Reason.REVOKED, is_on_record=True)


class Revoking(StrictProvider):
    """A provider that can end a session when it is told to.

    Attributes:
        revoked: The refresh tokens that it was told.
        how: What it answers, or raises.
        asked: Set when it is told to.
        may_answer: Cleared, it keeps everybody waiting.
    """

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.revoked: list[str | None] = []
        self.how: Any = True
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    def revoke(self, session: Session) -> bool:
        """End a session."""
        self.revoked.append(session.refresh_token)
        self.asked.set()
        assert self.may_answer.wait(LONG)
        if isinstance(self.how, Exception):
            raise self.how
        self._alive.discard(str(session.refresh_token))
        return bool(self.how)


@pytest.fixture
def world() -> World:
    """A provider that can revoke, one store, and processes with real threads."""
    return World(Revoking)


def out(
    world: World, refresher: Refresher, session: Session, patience: float = LONG, started_at: int | None = None
) -> SignedOut:
    """Sign out, and wait for it."""
    now = world.times.unix()
    return refresher.sign_out(session, now=now, lasts=400 * DAY, patience=patience, started_at=started_at)


def join_all() -> None:
    """Wait for every sign-out that nobody waits for any more."""
    for thread in threading.enumerate():
        if thread.name == "sealed-session sign-out":
            thread.join(LONG)


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
    """And told once the store is back. The token was revoked, but somebody elsewhere may have a newer one."""
    ledger = world.process()
    with world.outage():
        assert SignedOut() == out(world, world.refresher(ledger), world.old)
    assert [world.old.refresh_token] == revoking(world).revoked
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
        assert SignedOut() == out(world, world.refresher(ledger), world.old)
    assert [world.old.refresh_token] == revoking(world).revoked


def test_an_old_copy_whose_result_is_gone(world: World) -> None:
    """Nobody knows the newest token: to revoke an old one may end nothing, so the record outlives every copy."""
    new = newest(world.refresher().refresh(world.old, patience=LONG))
    began = begun(world)
    world.times.advance(3000)
    assert SignedOut(recorded=True) == out(world, world.refresher(), world.old)
    assert [world.old.refresh_token] == revoking(world).revoked
    for _ in range(2):
        assert OVER == world.refresher().refresh(new, force=True, patience=LONG, started_at=began)
        world.times.advance(2 * DAY)


def test_a_sign_out_without_the_store_outlives_every_copy(world: World) -> None:
    """Of a newer token nobody could know then."""
    new, began = newest(world.refresher().refresh(world.old, patience=LONG)), begun(world)
    ledger = world.process()
    with world.outage():
        assert SignedOut() == out(world, world.refresher(ledger), world.old)
    ledger._shared.tell_everything()
    world.times.advance(2 * DAY)
    assert OVER == world.refresher().refresh(new, force=True, patience=LONG, started_at=began)


def test_who_signs_out_twice_is_told_the_same(world: World) -> None:
    """The newest token is known to be: it is on record as the one that was revoked."""
    for _ in range(2):
        assert SignedOut(recorded=True, revoked=True) == out(world, world.refresher(), world.old)


def test_a_chain_without_end_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After eight links; what is known by then is revoked, and that it is the newest is not said."""
    refresher, session = world.refresher(), world.old
    for _ in range(9):
        session = newest(refresher.refresh(session, force=True, patience=LONG))
    assert SignedOut(recorded=True) == out(world, world.refresher(), world.old)
    assert [session.refresh_token] != revoking(world).revoked


def test_a_provider_that_is_slow_ends_nobody_who_has_come_since(world: World) -> None:
    """What counts is when somebody signed out: whoever has signed in again meanwhile, with the same id, is alive."""
    refresher, provider = world.refresher(), revoking(world)
    provider.may_answer.clear()
    assert SignedOut(recorded=True) == out(world, refresher, world.old, patience=0.01)
    assert provider.asked.wait(LONG)
    world.times.advance(8)
    again = int(world.times.unix())
    world.times.advance(12)
    provider.may_answer.set()
    join_all()
    stones = world.process().tombstones
    assert [True, False] == [stones.is_over(world.old, start) for start in (again - 8, again)]


def test_a_session_that_begins_ahead_is_over_all_the_same(world: World) -> None:
    """Whoever signs in within the second of a logout begins a few seconds later, and may sign out before that."""
    ahead = int(world.times.unix()) + 11
    assert out(world, world.refresher(), world.old, started_at=ahead).recorded
    stones = world.process().tombstones
    assert [True, False] == [stones.is_over(world.old, start) for start in (ahead, ahead + 1)]


def test_every_name_of_a_session_is_put_on_record(world: World) -> None:
    """Its id may change with the access token; the one that it was given does not."""
    session = world.old.replace(session_id="AAAA")
    assert out(world, world.refresher(), session).recorded
    stones = world.process().tombstones
    for copy in (session, world.old, Session("opaque", session_id="AAAA")):
        assert stones.is_over(copy, begun(world))


def test_one_of_two_names_is_not_enough(world: World) -> None:
    """To say that it is on record."""
    refresher, session, told = world.refresher(), world.old.replace(session_id="AAAA"), iter([True, False] * 2)
    refresher._ledger.tombstones.bury_session = lambda *_: next(told)  # type: ignore[method-assign]
    assert SignedOut(revoked=True) == out(world, refresher, session)


@pytest.mark.parametrize("answer", [1, "yes", [True]])
def test_only_true_is_a_confirmation(world: World, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Whatever else a provider's function may return."""
    monkeypatch.setattr(revoking(world), "revoke", lambda _session: answer)
    assert SignedOut(recorded=True) == out(world, world.refresher(), world.old)


def test_what_somebody_is_about_to_replace_is_not_revoked(world: World) -> None:
    """The provider confirms the end of a token, and somebody else has the next one already."""
    assert isinstance(world.process().claim(world.old), Claim)
    leaving = SignOut(world.provider, world.process(), world.old, now=world.times.unix(), lasts=DAY)
    leaving.run()
    assert (SignedOut(recorded=True), [world.old.refresh_token]) == (leaving.so_far, revoking(world).revoked)


def test_who_has_seen_somebody_at_it_believes_no_confirmation_after_that(world: World) -> None:
    """The store goes away while it waits: the next token may be somebody's already, and nobody can be asked."""
    assert isinstance(world.process().claim(world.old), Claim)
    ledger = world.process()
    leaving = SignOut(world.provider, ledger, world.old, now=world.times.unix(), lasts=DAY)
    leaving.be_patient(LONG)
    leaving.record()
    world.store.fail_at("read", 4)  # after the tombstone's, and the first of the claim
    leaving.run()
    assert not leaving.so_far.revoked
    assert [world.old.refresh_token] == revoking(world).revoked


class TestTheSameTokenAgain:
    """A provider without a way to revoke, which gives the same refresh token to whoever signs in again."""

    @pytest.fixture
    def world(self) -> World:
        """It rotates nothing."""
        return World(SteadyProvider)

    def test_whoever_has_signed_in_again_is_refreshed(self, world: World) -> None:
        """Under another id, or under the same; and whoever writes a cookie is told so."""
        refresher, at = world.refresher(), int(world.times.unix())
        assert SignedOut(recorded=True) == out(world, refresher, world.old, started_at=at - 500)
        again = world.old.replace(extra={"tab": 2})
        assert not world.refresher().standing(again, at + 1).is_revoked
        assert Kind.REFRESHED is refresher.refresh(again, patience=LONG, started_at=at + 1).kind

    def test_a_copy_of_before_is_refused(self, world: World) -> None:
        """Before somebody has signed in again, and after that."""
        refresher, at = world.refresher(), int(world.times.unix())
        out(world, refresher, world.old, started_at=at - 500)
        assert OVER == refresher.refresh(world.old, patience=LONG, started_at=at - 500)
        assert refresher.standing(world.old, at - 500).is_revoked
        refresher.refresh(world.old, patience=LONG, started_at=at + 1)
        assert OVER == refresher.refresh(world.old, patience=LONG, started_at=at - 500)

    def test_a_session_without_an_id_is_told_apart_by_the_token_alone(self, world: World) -> None:
        """There is no other record of it."""
        refresher, at = world.refresher(), int(world.times.unix())
        token = access_token(expires_at=at, sub="user_1")
        session = world.old.replace(access_token=token)
        assert () == session.session_ids
        assert SignedOut() == out(world, refresher, session, started_at=at - 500)
        assert OVER == refresher.refresh(session, patience=LONG, started_at=at - 500)
        assert Kind.REFRESHED is refresher.refresh(session, patience=LONG, started_at=at + 1).kind

    def test_signing_out_a_second_time_ends_the_second_session(self, world: World) -> None:
        """Its own beginning counts."""
        refresher, at = world.refresher(), int(world.times.unix())
        out(world, refresher, world.old, started_at=at - 500)
        world.times.advance(100)
        out(world, refresher, world.old, started_at=at + 1)
        assert world.refresher().standing(world.old.replace(access_token="opaque"), at + 50).is_revoked


class TestManyAtOnce:
    """Sign-outs that wait for a provider that does not answer."""

    @pytest.fixture
    def world(self) -> Any:
        """It answers when the test is over."""
        world = World(Revoking)
        revoking(world).may_answer.clear()
        yield world
        revoking(world).may_answer.set()
        join_all()

    def test_the_same_cookie_again(self, world: World) -> None:
        """Waits for the first, and calls nobody: a cookie can be sent as often as somebody likes."""
        refresher = world.refresher()
        found = [out(world, refresher, world.old, patience=0.01) for _ in range(20)]
        assert revoking(world).asked.wait(LONG)
        assert [world.old.refresh_token] == revoking(world).revoked
        assert SignedOut(recorded=True) == found[-1]
        waiting: list[SignedOut] = []
        patient = threading.Thread(target=lambda: waiting.append(out(world, refresher, world.old)))
        patient.start()
        revoking(world).may_answer.set()
        patient.join(LONG)
        assert [True] == [one.revoked for one in waiting]

    def test_beyond_the_bound(
        self, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """They are put on record at once, the provider is not told, and the result says so."""
        assert 64 == signing_out.MOST_SIGN_OUTS
        monkeypatch.setattr(signing_out, "MOST_SIGN_OUTS", 3)
        refresher, provider = world.refresher(), revoking(world)
        sessions = [Session(**provider.sign_in()) for _ in range(5)]
        found = [out(world, refresher, session, patience=0.05) for session in sessions]
        assert [SignedOut(recorded=True)] * 2 == found[3:]
        stones = world.process().tombstones
        assert all(stones.is_over(session, begun(world)) for session in sessions[3:])
        assert not {sessions[3].refresh_token, sessions[4].refresh_token} & set(provider.revoked)
        assert 1 == len([line for line in caplog.messages if "so many sign-outs" in line])
        provider.may_answer.set()
        for session in sessions[:3]:
            out(world, refresher, session)
        assert SignedOut(recorded=True, revoked=True) == out(world, refresher, sessions[3])

    def test_beyond_the_bound_with_a_bug_of_ours(
        self, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nothing is raised either."""
        monkeypatch.setattr(signing_out, "MOST_SIGN_OUTS", 0)
        refresher = world.refresher()
        monkeypatch.setattr(refresher._ledger.tombstones, "bury_session", lambda *_: 1 / 0)
        assert SignedOut() == out(world, refresher, world.old)
        assert "a sign-out was not recorded: ZeroDivisionError" in caplog.text

    def test_a_forked_child_begins_anew(self, world: World) -> None:
        """Its parent's threads are not there, and maybe held the lock."""
        refresher = world.refresher()
        out(world, refresher, world.old, patience=0.01)
        leaving = refresher._sign_outs
        assert 1 == len(leaving._under_way)
        leaving._lock.acquire()
        for step in (leaving.before_fork, leaving.after_fork_in_parent, leaving.after_fork_in_child):
            step()
        assert (0, False) == (len(leaving._under_way), leaving._lock.locked())
