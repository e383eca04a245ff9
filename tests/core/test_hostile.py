"""Hostile input: whatever str comes, a session or an UnsealError comes of it, in bounded work."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import KeyRing, Sealer, Session, UnsealError, encoding, generate_password
from tests.conftest import SAMPLES

SEALER = Sealer(KeyRing(generate_password(), [generate_password()]))
ALPHABET = string.ascii_letters + string.digits + "-_"


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_refused(text: str) -> None:
    """Surrogates, control characters, anything."""
    with pytest.raises(UnsealError):
        SEALER.unseal(text)


@given(st.binary(min_size=73, max_size=400))
def test_any_bytes_in_base64url_are_refused(data: bytes) -> None:
    """Well-formed as far as a length and a version go."""
    with pytest.raises(UnsealError):
        SEALER.unseal(encoding.encode(b"\x01" + data))


def mutate(sealed: str, chance: random.Random) -> str:
    """Change a sealed value as transport, storage or an attacker would."""
    at, to = sorted((chance.randrange(len(sealed)), chance.randrange(len(sealed))))
    kind = chance.randrange(8)
    if kind == 0:
        return sealed[:at]
    if kind == 1:
        return sealed[:at] + sealed[to:]
    if kind == 2:
        return sealed[:at] + sealed[at:to] * 2 + sealed[to:]
    if kind == 3:
        return sealed[:at] + chr(chance.randrange(0x110000)) + sealed[at + 1 :]
    if kind == 4:
        return sealed[:at] + "".join(chance.choices(ALPHABET, k=to - at)) + sealed[to:]
    if kind == 5:
        return sealed[:at] + sealed[to] + sealed[at + 1 : to] + sealed[at] + sealed[to + 1 :]
    if kind == 6:
        data = bytearray(encoding.decode(sealed))
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        return encoding.encode(bytes(data))
    return sealed[:at] + chance.choice(ALPHABET) + sealed[at + 1 :]


def test_mutated_cookies_never_raise_anything_else(request: pytest.FixtureRequest) -> None:
    """A hundred thousand of them, or as many as ``--mutations`` says; what still opens is what was sealed."""
    chance = random.Random(20261121)
    sessions = [Session(**session) for session in SAMPLES.values()]
    originals = [(session, SEALER.seal(session)) for session in sessions]
    codes: set[str] = set()
    for _ in range(request.config.getoption("--mutations")):
        session, sealed = chance.choice(originals)
        changed = mutate(sealed, chance)
        try:
            opened = SEALER.unseal(changed)
        except UnsealError as error:
            codes.add(error.code)
        else:
            assert changed == sealed
            assert opened.session == session
    assert {"malformed", "unknown_key", "tampered", "unsupported_version"} <= codes


@pytest.mark.parametrize("size", [8192, 8193, 1_000_000])
@pytest.mark.parametrize("character", ["A", "=", "\ud800", "é"])
def test_a_huge_value_costs_no_key_work(size: int, character: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is malformed is refused before any key is touched."""
    monkeypatch.setattr("sealed_session.keys.RootKey.expand", lambda *_: pytest.fail("a key was used"))
    with pytest.raises(UnsealError):
        SEALER.unseal(character * size)


def test_every_flipped_bit_of_a_cookie_is_noticed() -> None:
    """Each of the bits of the smallest sample."""
    data = encoding.decode(SEALER.seal(SAMPLES["minimal"]))
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            with pytest.raises(UnsealError):
                SEALER.unseal(encoding.encode(bytes(changed)))
