"""The payload: whatever bytes are authentic, they parse to a session or are refused with one code."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgpack import packb, unpackb

from sealed_session import KeyRing, Sealer, Session, UnsealError, generate_password, packing
from sealed_session.formats import native
from sealed_session.packing import Layout, deflate, inflate
from tests.conftest import SAMPLES

PASSWORD = generate_password()
SEALER = Sealer(KeyRing(PASSWORD), clock=lambda: 1_790_000_000)

msgpack_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.binary(max_size=20)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)
token_like = msgpack_values | st.tuples(st.integers(0, 3), st.binary(max_size=20)).map(list)
arrays = st.tuples(
    st.integers(0, 520) | st.sampled_from([1024, 1028, 2048, 2112, 3072, 3083, 4096, 5120, 2**53 + 1024, 2**63]),
    st.binary(max_size=20) | st.just(b'{"a":1}'),
    token_like,
    token_like,
    st.lists(msgpack_values, max_size=6),
).map(lambda parts: [*parts[:4], *parts[4]])


def sealed_with(packing_number: int, payload: bytes) -> str:
    """An authentic value with any payload."""
    body = (packing_number, 1_790_000_000, 1_790_000_000, payload)
    associated = native.associated_data(b"session", b"sealed-session", b"")
    return native.seal(body, KeyRing(PASSWORD).current, associated, bytes(24))


def opens_or_is_refused(packing_number: int, payload: bytes) -> None:
    """Nothing but a session or an UnsealError comes of it, and the session can be sealed again."""
    try:
        session = SEALER.unseal(sealed_with(packing_number, payload)).session
    except UnsealError as error:
        assert error.code in ("payload", "unsupported_packing")
        assert error.__context__ is None
    else:
        assert session == Session.from_mapping(session.to_mapping())
        assert session == SEALER.unseal(SEALER.seal(session)).session


@settings(max_examples=500)
@given(st.integers(0, 3), st.binary(max_size=300))
def test_any_authentic_bytes_open_or_are_refused(packing_number: int, payload: bytes) -> None:
    """Never anything else, whoever else has the password."""
    opens_or_is_refused(packing_number, payload)


@settings(max_examples=1000)
@given(st.integers(0, 1), arrays)
def test_any_array_opens_or_is_refused(packing_number: int, array: list[Any]) -> None:
    """Close to what a session is, with any value in any place."""
    opens_or_is_refused(packing_number, packb(array))


@settings(max_examples=500)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_a_payload_with_one_byte_changed_opens_or_is_refused(name: str, data: st.DataObject) -> None:
    """Any byte to any other."""
    stored, payload = Layout(Session(**SAMPLES[name]).to_mapping()).payload(compress=data.draw(st.booleans()))
    position = data.draw(st.integers(0, len(payload) - 1))
    changed = payload[:position] + bytes([data.draw(st.integers(0, 255))]) + payload[position + 1 :]
    opens_or_is_refused(stored, changed)


def test_only_array_uint_bin_and_nil_occur(sample: Session) -> None:
    """So that a reader needs four types of msgpack."""
    kinds: set[type] = set()

    def collect(value: Any) -> None:
        kinds.add(type(value))
        for item in value if isinstance(value, list) else []:
            collect(item)

    everything = sample.replace(
        extra={"a": "b"},
        tokens={"id_token": sample.access_token},
        session_id="AAAA",
        access_expires_at=5,
        unverified=True,
        authenticated_at=5,
        subject="user_1",
    )
    collect(unpackb(Layout(everything.to_mapping()).payload(compress=True)[1]))
    assert {list, int, bytes} == kinds


def test_what_came_later_costs_nothing_where_it_is_absent() -> None:
    """And seven bytes for a time, of which two are of the greater present bits."""

    def length(**values: Any) -> int:
        return len(Layout(Session("t", **values).to_mapping()).payload(compress=False)[1])

    assert (8, 5) == (length(), length(session_expires_at=1_790_000_000) - length())
    assert 7 == length(authenticated_at=1_790_000_000) - length()
    assert (2 + 2 + 6, 2 + 6) == (
        length(subject="user_1") - length(),
        length(authenticated_at=1_790_000_000, subject="user_1") - length(authenticated_at=1_790_000_000),
    )


def test_secrets_stay_out_of_the_text() -> None:
    """Signatures, opaque tokens and extra never meet what an attacker may choose."""
    layout = Layout(
        Session(
            SAMPLES["typical"]["access_token"],
            "opaque-refresh-secret",
            {"name": "Ada"},
            extra={"secret": "extra-secret"},
        ).to_mapping()
    )
    assert [owner for owner, _ in layout.text] == ["access_token", "access_token", "user"]
    assert b"secret" not in layout.joined


def test_what_is_compressed_does_not_depend_on_a_secret() -> None:
    """Whatever an attacker puts into the user object: lengths have nothing to say about the refresh token."""

    def compressed(refresh_token: str) -> bytes:
        user = {"bio": "is it v1.Qm9uZHMtYXJlLWZvci1ldmVy?"}
        values = Session(SAMPLES["typical"]["access_token"], refresh_token, user).to_mapping()
        text: bytes = unpackb(Layout(values).payload(compress=True)[1])[1]
        return text

    assert compressed("v1.Qm9uZHMtYXJlLWZvci1ldmVy") == compressed("x9.Zk3vLp0TqW8rYbN1cHs7Ju2E")


def test_compression_can_be_switched_off(typical: Session) -> None:
    """Then the text stands as it is."""
    stored, payload = Layout(typical.to_mapping()).payload(compress=False)
    assert packing.STORED == stored
    assert b'"email":"' in payload


def test_text_that_does_not_shrink_is_stored() -> None:
    """An opaque token has no text at all."""
    assert packing.STORED == Layout({"access_token": "opaque token"}).payload(compress=True)[0]
    assert packing.DEFLATED == Layout({"access_token": "t", "user": {"email": "a@b.c"}}).payload(compress=True)[0]


@given(st.binary(max_size=5000))
def test_inflate_undoes_deflate(text: bytes) -> None:
    """Any bytes."""
    assert text == inflate(deflate(text))


def test_inflate_stops_at_its_bound() -> None:
    """65,536 bytes are read, one more is not."""
    assert 65_536 == len(inflate(deflate(bytes(65_536))))
    with pytest.raises(ValueError, match="within the bound"):
        inflate(deflate(bytes(65_537)))


def test_a_bomb_is_not_unpacked() -> None:
    """A value of 6 KB may claim megabytes of text; no more than the bound is ever held."""
    bomb = deflate(bytes(50_000_000))[:6000]
    tracemalloc.start()
    with pytest.raises(ValueError, match="within the bound"):
        inflate(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("change", [lambda z: z[:-1], lambda z: z + b"\0", lambda z: b"", lambda z: z + z])
def test_inflate_wants_exactly_one_whole_stream(change: Any) -> None:
    """Neither less nor more."""
    with pytest.raises(ValueError, match="one whole DEFLATE stream"):
        inflate(change(deflate(b"some text")))


def test_large_text_round_trips_beyond_the_window(make_sealer: Any) -> None:
    """The compressor's window is smaller than the text may be."""
    permissions = [f"resource{number}:action{number * 7919 % 1000}" for number in range(1500)]
    session = Session("t", user={"permissions": permissions})
    sealer = make_sealer(max_bytes=9000, warn_bytes=9000)
    layout = Layout(session.to_mapping())
    assert 30_000 < len(layout.joined) < packing.MAX_TEXT
    assert session.to_mapping() == packing.parse(*layout.payload(compress=True))
    assert sealer.measure(session).total == sum(part.characters for part in sealer.measure(session).parts)
