"""The state of a sign-in in progress: what is sealed comes back, to the same name, for ten minutes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from freezegun import freeze_time

from sealed_session import KeyRing, PayloadTypeError, Sealer, UnsealError, generate_password
from sealed_session.formats import native
from sealed_session.login_state import LIFETIME, LoginState, LoginStateSealer
from sealed_session.testing import Clock

NAME = "sealed-session-login-abc"
IDENTITY = "https://id.example.net client_1"
ATTEMPT = {"state": "test-state", "code_verifier": "test-verifier", "max_age": 0}
"""Test data."""


@pytest.fixture
def clock() -> Clock:
    """It stands still."""
    return Clock()


@pytest.fixture
def sealer(password: str, clock: Clock) -> LoginStateSealer:
    """With one password."""
    return LoginStateSealer(KeyRing(password), clock=clock)


def code_of(act: Callable[[], Any]) -> str:
    """Why something does not open."""
    with pytest.raises(UnsealError) as caught:
        act()
    return caught.value.code


def test_it_comes_back(sealer: LoginStateSealer, clock: Clock) -> None:
    """All of it, and when it began."""
    sealed = sealer.seal(NAME, ATTEMPT, "/private?tab=2", identity=IDENTITY)
    assert LoginState(ATTEMPT, "/private?tab=2", clock.now) == sealer.unseal(NAME, sealed, identity=IDENTITY)


def test_no_two_are_alike(sealer: LoginStateSealer) -> None:
    """Each has a salt of its own."""
    assert 20 == len({sealer.seal(NAME, ATTEMPT, "/", identity=IDENTITY) for _ in range(20)})


@pytest.mark.parametrize("passed", [-300, 0, LIFETIME - 1])
def test_it_opens_for_ten_minutes(sealer: LoginStateSealer, clock: Clock, passed: int) -> None:
    """And also where another machine's clock is ahead."""
    sealed = sealer.seal(NAME, ATTEMPT, "/", identity=IDENTITY)
    clock.advance(passed)
    assert "/" == sealer.unseal(NAME, sealed, identity=IDENTITY).target


@pytest.mark.parametrize(("passed", "code"), [(-301, "from_future"), (LIFETIME, "too_old"), (10**7, "too_old")])
def test_and_not_outside_of_them(sealer: LoginStateSealer, clock: Clock, passed: int, code: str) -> None:
    """Whatever Max-Age the browser was told."""
    sealed = sealer.seal(NAME, ATTEMPT, "/", identity=IDENTITY)
    clock.advance(passed)
    assert code == code_of(lambda: sealer.unseal(NAME, sealed, identity=IDENTITY))


def test_it_is_bound_to_its_name(sealer: LoginStateSealer) -> None:
    """Which says whose sign-in it is."""
    sealed = sealer.seal(NAME, ATTEMPT, "/", identity=IDENTITY)
    assert "tampered" == code_of(lambda: sealer.unseal(f"{NAME}d", sealed, identity=IDENTITY))


@pytest.mark.parametrize("other", ["https://evil.example client_1", IDENTITY.replace("1", "2"), "", "\ud800"])
def test_it_is_bound_to_the_provider(sealer: LoginStateSealer, other: str) -> None:
    """Another one is never shown what is in it, though name and password be the same. Any text may be an identity."""
    sealed = sealer.seal(NAME, ATTEMPT, "/", identity=IDENTITY)
    assert "tampered" == code_of(lambda: sealer.unseal(NAME, sealed, identity=other))
    assert "/" == sealer.unseal(NAME, sealer.seal(NAME, ATTEMPT, "/", identity=other), identity=other).target


def test_it_is_no_session(sealer: LoginStateSealer, password: str, clock: Clock) -> None:
    """Nor a session a state, under the same name and password."""
    sessions = Sealer(KeyRing(password), name=NAME, clock=clock)
    assert "tampered" == code_of(lambda: sessions.unseal(sealer.seal(NAME, ATTEMPT, "/", identity=IDENTITY)))
    assert "tampered" == code_of(
        lambda: sealer.unseal(NAME, sessions.seal({"access_token": "test-token"}), identity=IDENTITY)
    )


def test_a_former_password_opens_it(sealer: LoginStateSealer, password: str, clock: Clock) -> None:
    """Somebody may be at the provider's pages while it is changed."""
    sealed = sealer.seal(NAME, ATTEMPT, "/", identity=IDENTITY)
    rotated = LoginStateSealer(KeyRing(generate_password(), [password]), clock=clock)
    assert ATTEMPT == rotated.unseal(NAME, sealed, identity=IDENTITY).attempt
    assert "unknown_key" == code_of(
        lambda: sealer.unseal(NAME, rotated.seal(NAME, ATTEMPT, "/", identity=IDENTITY), identity=IDENTITY)
    )


@pytest.mark.parametrize("value", ["", "x", "A" * 8193, "\u00e9", "AQ"])
def test_what_is_none(sealer: LoginStateSealer, value: str) -> None:
    """Any text, and never another error."""
    assert "malformed" == code_of(lambda: sealer.unseal(NAME, value, identity=IDENTITY))


@pytest.mark.parametrize("position", range(0, 300, 7))
def test_a_byte_that_was_changed(sealer: LoginStateSealer, position: int) -> None:
    """Anywhere."""
    sealed = sealer.seal(NAME, ATTEMPT, "/private", identity=IDENTITY)
    position %= len(sealed)
    changed = sealed[:position] + ("A" if sealed[position] != "A" else "B") + sealed[position + 1 :]
    code_of(lambda: sealer.unseal(NAME, changed, identity=IDENTITY))


@pytest.mark.parametrize(
    ("packing", "payload"),
    [
        (1, json.dumps({"attempt": {}, "next": "/"}).encode()),
        (0, b"no JSON"),
        (0, b"[]"),
        (0, b'{"next": "/"}'),
        (0, b'{"attempt": {}, "next": 5}'),
        (0, b'{"attempt": [], "next": "/"}'),
        (0, b'{"attempt": {"deep": ' + b"[" * 1000 + b"]" * 1000 + b'}, "next": "/"}'),
    ],
)
def test_what_another_release_may_have_sealed(
    sealer: LoginStateSealer, password: str, clock: Clock, packing: int, payload: bytes
) -> None:
    """It is authentic, and none that is known."""
    associated = native.associated_data(b"login-state", NAME.encode(), sha256(IDENTITY.encode()).digest())
    body = (packing, clock.now, clock.now, payload)
    sealed = native.seal(body, KeyRing(password).current, associated, os.urandom(24))
    assert "payload" == code_of(lambda: sealer.unseal(NAME, sealed, identity=IDENTITY))


def test_what_is_no_json(sealer: LoginStateSealer) -> None:
    """A provider that wants it back is told."""
    with pytest.raises(PayloadTypeError, match="login state"):
        sealer.seal(NAME, {"when": object()}, "/", identity=IDENTITY)


def test_the_time_of_day(password: str) -> None:
    """Without a clock, looked up at every call."""
    sealer = LoginStateSealer(KeyRing(password))
    with freeze_time("2027-01-01") as frozen:
        sealed = sealer.seal(NAME, ATTEMPT, "/", identity=IDENTITY)
        assert 1_798_761_600 == sealer.unseal(NAME, sealed, identity=IDENTITY).began_at
        frozen.tick(LIFETIME)
        assert "too_old" == code_of(lambda: sealer.unseal(NAME, sealed, identity=IDENTITY))


def test_nothing_shows_what_is_in_it(sealer: LoginStateSealer, password: str) -> None:
    """No repr, and no message."""
    state = sealer.unseal(NAME, sealer.seal(NAME, ATTEMPT, "/", identity=IDENTITY), identity=IDENTITY)
    shown = repr(state) + repr(sealer)
    assert not any(secret in shown for secret in ("test-state", "test-verifier", password))
