"""Which sessions are over: by whom, until when, and who is alive all the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import Session
from sealed_session.refresh import shared
from sealed_session.refresh.attempt import merge
from sealed_session.refresh.coordinator import CoordinatorUnavailable
from sealed_session.refresh.shared import SharedCoordinator
from sealed_session.refresh.tombstones import LEEWAY, Tombstone, Tombstones
from sealed_session.testing import access_token

from .faults import Elsewhere, Store, Times, World

NOW = 1_800_000_000
DAY = 86_400


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A store that can be out of reach, and clocks that stand still."""
    world = World()
    monkeypatch.setattr(shared, "time", world.times)
    return world


@pytest.fixture
def store(world: World) -> Store:
    """Its store."""
    return world.store


@pytest.fixture
def times(world: World) -> Times:
    """Its clocks."""
    return world.times


def process(store: Store, identity: str = "provider client") -> Tombstones:
    """What one process knows of them."""
    mine = SharedCoordinator(store)
    mine._teller = Elsewhere()
    return Tombstones(mine, lambda: identity)


def session(sid: str | None = "s1", sub: str = "u1", **claims: Any) -> Session:
    """A session of somebody."""
    named = {} if sid is None else {"sid": sid}
    return Session(access_token(sub=sub, expires_at=NOW + 300, **named, **claims))


def test_nothing_is_over_at_first(store: Store) -> None:
    """Nor is what says neither which session nor whose it is."""
    stones = process(store)
    assert [False, False] == [stones.is_over(one, NOW) for one in (session(), Session("opaque"))]


def test_a_session_is_over_for_every_process(store: Store) -> None:
    """What began until then. Others of the same person go on."""
    assert process(store).bury_session("s1", Tombstone(ours=NOW), DAY)
    stones = process(store)
    assert [True, True, False] == [stones.is_over(session(), start) for start in (NOW - 5, NOW, NOW + 1)]
    assert not stones.is_over(session("s2"), NOW - 5)


def test_what_the_provider_never_said_is_over_nobody(store: Store) -> None:
    """Also by a clock that began a moment ago."""
    stones = process(store)
    stones.bury_session("s1", Tombstone(ours=3), DAY)
    assert [True, False] == [stones.is_over(session(), start) for start in (3, 4)]


def test_a_refresh_keeps_by_what_it_is_known() -> None:
    """And when the person proved who they are, whatever the answer leaves out."""
    known = {"session_id": "AAAA", "subject": "u1", "authenticated_at": NOW}
    renewed = merge(Session("opaque", "old", session_id="AAAA", subject="u1", authenticated_at=NOW), Session("next"))
    assert {"access_token": "next", "refresh_token": "old", **known} == renewed.to_mapping()


def test_without_a_beginning_nobody_can_tell(store: Store) -> None:
    """Code without a cookie does not know when a session began."""
    stones = process(store)
    stones.bury_session("s1", Tombstone(ours=NOW), DAY)
    assert not stones.is_over(session(), None)


def test_a_person_is_over_everywhere(store: Store) -> None:
    """Every session of the subject that began until then."""
    assert process(store).bury_person("u1", Tombstone(ours=NOW), DAY)
    stones = process(store)
    assert [True, True, False] == [
        stones.is_over(one, NOW) for one in (session("s1"), session("s2"), session("s3", sub="u2"))
    ]


def test_an_id_is_no_subject(store: Store) -> None:
    """A session whose id is somebody's subject is not that person."""
    process(store).bury_session("u1", Tombstone(ours=NOW), DAY)
    assert not process(store).is_over(session(), NOW)


def test_two_clients_do_not_meet(store: Store) -> None:
    """With one store, and sessions of the same id."""
    process(store).bury_session("s1", Tombstone(ours=NOW), DAY)
    assert not process(store, "provider other").is_over(session(), NOW)


def test_the_providers_time_is_compared_with_its_own(store: Store) -> None:
    """A logout token's ``iat`` with ``auth_time``: both are the provider's clock, and no leeway is needed."""
    process(store).bury_session("s1", Tombstone(theirs=NOW), DAY)
    stones = process(store)
    assert [True, True, False] == [stones.is_over(session(auth_time=at), NOW - 500) for at in (NOW - 1, NOW, NOW + 1)]


def test_without_auth_time_the_clocks_may_differ(store: Store) -> None:
    """By ten seconds."""
    process(store).bury_person("u1", Tombstone(theirs=NOW), DAY)
    stones = process(store)
    assert [True, False] == [stones.is_over(session(), NOW + ahead) for ahead in (LEEWAY, LEEWAY + 1)]


def test_the_proof_that_an_id_token_told_of_counts_too(store: Store) -> None:
    """Where the access token does not speak of it: no leeway, and nobody is signed out by the logout before."""
    process(store).bury_person("u1", Tombstone(theirs=NOW, heard=NOW + 5), DAY)
    stones, opaque = process(store), Session("opaque", subject="u1")
    told = [opaque.replace(authenticated_at=at) for at in (NOW - 1, NOW, NOW + 1)]
    assert [True, True, False] == [stones.is_over(one, NOW + 4) for one in told]
    assert stones.is_over(opaque, NOW + 4)


@pytest.mark.parametrize("auth_time", [{}, {"auth_time": NOW - 5000}])
def test_whoever_begins_after_we_heard_of_it_is_alive(store: Store, auth_time: dict[str, Any]) -> None:
    """The provider has let them in again, be it without a question: on a proof that is older than the logout."""
    process(store).bury_session("s1", Tombstone(theirs=NOW, heard=NOW + 3), DAY)
    stones = process(store)
    assert [True, False] == [stones.is_over(session(**auth_time), start) for start in (NOW + 3, NOW + 4)]


def test_whoever_was_let_in_within_the_same_second_begins_later(store: Store) -> None:
    """Or they would be over for ever, with each new sign-in on the same proof."""
    stones, silent = process(store), session(auth_time=NOW - 5000)
    stones.bury_session("s1", Tombstone(theirs=NOW - 20, heard=NOW), DAY)
    assert (NOW + 1, False) == (stones.begin(silent, NOW), stones.is_over(silent, NOW + 1))


def test_what_was_heard_last_counts(store: Store) -> None:
    """A second logout ends who was let in again after the first."""
    stones, silent = process(store), session(auth_time=NOW - 5000)
    for at in (NOW + 50, NOW):
        stones.bury_session("s1", Tombstone(theirs=at, heard=at), DAY)
    assert [True, False] == [stones.is_over(silent, start) for start in (NOW + 50, NOW + 51)]


@pytest.mark.parametrize("theirs", [(NOW, NOW - 70), (NOW - 70, NOW)])
def test_an_older_logout_that_comes_later_brings_nobody_back(store: Store, theirs: tuple[int, int]) -> None:
    """Providers try again, and networks reorder."""
    for at in theirs:
        process(store).bury_session("s1", Tombstone(theirs=at), DAY)
    assert process(store).is_over(session(auth_time=NOW - 50), NOW - 40)


def test_a_session_is_known_by_more_than_one_name(store: Store) -> None:
    """By the ``sid`` and the ``sub`` of the access token, and by those of the ID token where these are others."""
    two = session(sub="pairwise").replace(session_id="AAAA", subject="u1")
    for kind, name in (("sid", "s1"), ("sid", "AAAA"), ("sub", "pairwise"), ("sub", "u1")):
        fresh = World().store
        bury = process(fresh).bury_session if kind == "sid" else process(fresh).bury_person
        assert bury(name, Tombstone(ours=NOW), DAY)
        assert [True, False] == [process(fresh).is_over(two, start) for start in (NOW, NOW + 1)]


def test_each_name_is_asked_for_once(store: Store) -> None:
    """Two questions for most."""
    process(store).is_over(session().replace(session_id="AAAA"), NOW)
    process(store).is_over(session().replace(subject="u1"), NOW)
    assert ["read"] * 5 == store.asked


@pytest.mark.parametrize("odd", ["yesterday", 1.5, True, None])
def test_a_proof_that_is_no_time_is_none(store: Store, odd: Any) -> None:
    """Then the beginning counts, as without it."""
    process(store).bury_session("s1", Tombstone(theirs=NOW), DAY)
    stones = process(store)
    assert [True, False] == [stones.is_over(session(auth_time=odd), NOW + ahead) for ahead in (LEEWAY, LEEWAY + 1)]


def test_our_time_is_not_compared_with_theirs(store: Store) -> None:
    """Who proved who they are long ago and signed in here after signing out is alive."""
    process(store).bury_session("s1", Tombstone(ours=NOW), DAY)
    assert not process(store).is_over(session(auth_time=NOW - 5000), NOW + 1)


def test_the_later_counts(store: Store) -> None:
    """Of two that are set in any order, and each of its own clock."""
    stones = process(store)
    for at in (Tombstone(ours=NOW), Tombstone(ours=NOW - 50), Tombstone(theirs=NOW - 70)):
        stones.bury_session("s1", at, DAY)
    assert [True, False] == [stones.is_over(session(auth_time=NOW), start) for start in (NOW, NOW + 1)]
    assert stones.is_over(session(auth_time=NOW - 70), NOW + 1)


def test_it_is_kept_as_long_as_it_was_told(store: Store, times: Times) -> None:
    """And then forgotten."""
    process(store).bury_session("s1", Tombstone(ours=NOW), 100)
    times.advance(99.9)
    found = [process(store).is_over(session(), NOW)]
    times.advance(0.1)
    assert [True, False] == [*found, process(store).is_over(session(), NOW)]


@pytest.mark.parametrize("at", [Tombstone(ours=NOW), Tombstone(ours=NOW + 3), Tombstone(theirs=NOW)])
def test_who_signs_in_again_begins_after_the_end(store: Store, at: Tombstone) -> None:
    """Also within the same second, with the same id, and with a clock that differs."""
    stones = process(store)
    stones.bury_session("s1", at, DAY)
    begun = stones.begin(session(), NOW)
    assert begun > NOW
    assert not stones.is_over(session(), begun)
    assert stones.is_over(session(), begun - 1)


def test_who_signs_in_for_the_first_time_begins_now(store: Store) -> None:
    """And so does whoever comes back later."""
    stones = process(store)
    stones.bury_session("s1", Tombstone(ours=NOW - 1), DAY)
    assert [NOW, NOW] == [stones.begin(session("s2"), NOW), stones.begin(session("s1"), NOW)]


def test_while_the_store_is_out_of_reach_nobody_is_over(store: Store) -> None:
    """And what is said then is said once it is back."""
    stones = process(store)
    store.is_up = False
    assert not stones.bury_session("s1", Tombstone(ours=NOW), DAY)
    assert not stones.bury_session("s1", Tombstone(theirs=NOW + 5), DAY)
    assert not stones.is_over(session(), NOW)
    assert NOW == stones.begin(session(), NOW)
    store.is_up = True
    stones._store.tell_everything()
    assert process(store).is_over(session(auth_time=NOW + 100), NOW)
    assert process(store).is_over(session(auth_time=NOW + 5), NOW + 100)


def test_who_has_to_be_sure_is_told_that_nobody_knows(store: Store) -> None:
    """In place of no."""
    stones = process(store)
    stones.bury_session("s1", Tombstone(ours=NOW), DAY)
    assert [True, False] == [stones.look(session(), start) for start in (NOW, NOW + 1)]
    store.is_up = False
    with pytest.raises(CoordinatorUnavailable):
        stones.look(session(), NOW)


def test_a_token_is_new_once(store: Store, times: Times) -> None:
    """For as long as it is remembered."""
    assert [True, False] == [process(store).is_new("jti-1", 600) for _ in range(2)]
    assert process(store).is_new("jti-2", 600)
    times.advance(600)
    assert process(store).is_new("jti-1", 600)


def test_a_key_that_everybody_changes_at_once(store: Store) -> None:
    """Is given up at some time, and said later."""
    stones = process(store)

    key, times = stones._key("sid", "s1"), iter(range(1000))

    def interfere(step: str) -> None:
        if step == "swap":
            store.inner.swap(key, store.inner.read(key).value, str(next(times)).encode(), DAY)

    store.before = interfere
    assert not stones.bury_session("s1", Tombstone(ours=NOW), DAY)


@given(st.binary(max_size=20))
def test_garbage_is_no_tombstone(value: bytes) -> None:
    """Whoever can write to the store may say that sessions are over, but stops nothing."""
    store = World().store
    stones = process(store)
    store.inner.swap(stones._key("sid", "s1"), None, value or b"-", DAY)
    assert stones.is_over(session(), NOW) in (False, True)
    assert stones.bury_session("s1", Tombstone(ours=NOW), DAY)
    assert stones.is_over(session(), NOW)
