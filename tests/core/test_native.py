"""The envelope: parse and serialise mirror each other, and the commitment picks the key."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import UnsealError, encoding
from sealed_session.formats import native
from sealed_session.formats.native import Body
from sealed_session.keys import RootKey

KEY, OTHER = RootKey(bytes(64)), RootKey(bytes(63) + b"\1")
ASSOCIATED = native.associated_data(b"session", b"sealed-session", b"")
SALT = bytes(range(24))

times = st.integers(0, 2**32 - 1)
bodies = st.tuples(st.integers(0, 255), times, times, st.binary(max_size=200))


def code_of(envelope: native.Envelope, keys: list[RootKey], associated: bytes = ASSOCIATED) -> str:
    """Return the code with which an envelope does not open."""
    with pytest.raises(UnsealError) as caught:
        native.unseal(envelope, keys, associated)
    return caught.value.code


@given(bodies, st.binary(min_size=24, max_size=24))
def test_any_body_comes_back(body: Body, salt: bytes) -> None:
    """Whatever its payload ends with."""
    sealed = native.seal(body, KEY, ASSOCIATED, salt)
    assert (body, 0) == native.unseal(native.parse(sealed), [KEY], ASSOCIATED)


@given(bodies)
def test_parse_then_serialise_gives_the_same_text(body: Body) -> None:
    """One text for every envelope."""
    sealed = native.seal(body, KEY, ASSOCIATED, SALT)
    assert sealed == native.serialise(*native.parse(sealed))


@given(st.binary(max_size=300))
def test_its_length_is_known_beforehand(payload: bytes) -> None:
    """57 bytes of envelope, 9 of header, the end byte and the fewest zeros."""
    sealed = native.seal((0, 0, 0, payload), KEY, ASSOCIATED, SALT)
    assert native.sealed_bytes(len(payload)) == len(encoding.decode(sealed))
    assert (native.sealed_bytes(len(payload)) - 57) % 16 == 0
    assert 57 + 10 + len(payload) <= native.sealed_bytes(len(payload)) <= 57 + 25 + len(payload)


def test_the_first_key_whose_commitment_matches_opens() -> None:
    """And its position is told."""
    envelope = native.parse(native.seal((0, 1, 2, b"x"), KEY, ASSOCIATED, SALT))
    assert 2 == native.unseal(envelope, [OTHER, OTHER, KEY], ASSOCIATED)[1]
    assert "unknown_key" == code_of(envelope, [OTHER])
    assert "unknown_key" == code_of(envelope, [])


def test_commitments_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, by the function made for it, and every key's until one matches."""
    compared: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr(native, "compare_digest", compare)
    envelope = native.parse(native.seal((0, 1, 2, b"x"), KEY, ASSOCIATED, SALT))
    native.unseal(envelope, [OTHER, KEY], ASSOCIATED)
    assert [(16, 16), (16, 16)] == compared


def test_a_value_is_bound_to_purpose_name_and_context() -> None:
    """Each is length-prefixed, so nothing can move from one to the next."""
    envelope = native.parse(native.seal((0, 1, 2, b"x"), KEY, ASSOCIATED, SALT))
    for other in ((b"sessio", b"nsealed-session", b""), (b"session", b"sealed-sessio", b"n"), (b"", b"", b"")):
        assert "tampered" == code_of(envelope, [KEY], native.associated_data(*other))


def test_two_values_never_share_key_or_commitment() -> None:
    """Values of one deployment cannot be linked by anything in them."""
    envelopes = [native.parse(native.seal((0, 1, 2, b"x"), KEY, ASSOCIATED, os.urandom(24))) for _ in range(50)]
    for parts in zip(*envelopes, strict=True):
        assert len(parts) == len(set(parts))


@pytest.mark.parametrize(
    ("sealed", "code", "hint"),
    [
        ("", "malformed", "empty"),
        ("A", "malformed", "base64url"),
        ("AQ==", "malformed", "base64url"),
        ("AQ", "malformed", "1 bytes; expected 57 and a multiple of 16"),
        ("Ag", "unsupported_version", "format version 2"),
        ("Dw", "unsupported_version", "format version 15"),
        ("EA", "malformed", "not a value of this format"),
        ("AA", "malformed", "not a value of this format"),
        ("é" * 100, "malformed", "base64url"),
        ("A" * 8193, "malformed", "8193 characters; at most 8192"),
    ],
)
def test_what_is_no_envelope_is_told_apart(sealed: str, code: str, hint: str) -> None:
    """By code, and with a message that helps; no context hangs on to the value."""
    with pytest.raises(UnsealError) as caught:
        native.parse(sealed)
    assert code == caught.value.code
    assert hint in str(caught.value)
    assert caught.value.__context__ is None


def test_a_root_key_has_64_bytes() -> None:
    """Nothing else is taken for one."""
    with pytest.raises(ValueError, match="64 bytes, not 63"):
        RootKey(bytes(63))
