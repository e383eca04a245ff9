"""What only the holder of a refresh token can find and open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import Session
from sealed_session.refresh.handover import KEY_BYTES, HandOver
from tests.conftest import SAMPLES

ANSWER = Session("access", "next", {"id": "user_1"}, extra={"theme": "dark"}, access_expires_at=900)


class TestKey:
    """Under which a record is found."""

    def test_the_same_token_of_the_same_client_finds_the_same_record(self) -> None:
        """On every machine, under whatever password."""
        assert HandOver("token", "issuer|client").key == HandOver("token", "issuer|client").key

    def test_it_is_frozen(self) -> None:
        """Releases of this library meet in one store: a key that changes refreshes twice while a fleet is deployed."""
        assert KEY_BYTES == len(HandOver("token", "issuer|client").key)
        key = "6d34035e20e35630ca03109b0a026e5bcdde51fd6b3ff9cd6d9d590dd13f7894"
        assert key == HandOver("token", "issuer|client").key.hex()

    @pytest.mark.parametrize(
        ("token", "identity"), [("other", "issuer|client"), ("token", "issuer|other"), ("token", ""), ("", "")]
    )
    def test_another_token_or_another_client_finds_another(self, token: str, identity: str) -> None:
        """Two applications with one provider and one store do not meet."""
        assert HandOver("token", "issuer|client").key != HandOver(token, identity).key

    def test_the_token_is_not_in_it(self) -> None:
        """Nor in the repr."""
        assert b"token" not in HandOver("token", "me").key
        assert "token" not in repr(HandOver("token", "me"))


class TestBox:
    """What a record holds."""

    @pytest.mark.parametrize("name", SAMPLES)
    def test_what_was_sealed_opens(self, name: str) -> None:
        """Every value of it."""
        session = Session(**SAMPLES[name])
        box = HandOver("token", "me").seal(session.to_mapping())
        assert session.to_mapping() == HandOver("token", "me").open(box)

    def test_two_boxes_of_one_answer_differ(self) -> None:
        """Each has a nonce of its own."""
        hand_over = HandOver("token", "me")
        assert hand_over.seal(ANSWER.to_mapping()) != hand_over.seal(ANSWER.to_mapping())

    def test_it_shows_nothing(self) -> None:
        """To whoever can read the store."""
        box = HandOver("token", "me").seal(ANSWER.to_mapping())
        assert not any(value in box for value in (b"access", b"next", b"user_1", b"dark"))

    @pytest.mark.parametrize(("token", "identity"), [("other", "me"), ("token", "other")])
    def test_another_token_opens_nothing(self, token: str, identity: str) -> None:
        """Nor the same one of another client."""
        box = HandOver("token", "me").seal(ANSWER.to_mapping())
        with pytest.raises(ValueError, match="does not open"):
            HandOver(token, identity).open(box)

    def test_a_box_belongs_to_its_key(self) -> None:
        """One that was moved to another record does not open there, although the cipher's key is the same."""
        hand_over = HandOver("token", "me")
        box = hand_over.seal(ANSWER.to_mapping())
        hand_over.key = bytes(KEY_BYTES)
        with pytest.raises(ValueError, match="does not open"):
            hand_over.open(box)

    def test_every_byte_counts(self) -> None:
        """Any of them flipped, and it does not open; nor with any missing."""
        hand_over = HandOver("token", "me")
        box = hand_over.seal(ANSWER.to_mapping())
        for at in range(len(box)):
            for damaged in (box[:at] + bytes([box[at] ^ 1]) + box[at + 1 :], box[:at]):
                with pytest.raises(ValueError, match="does not open"):
                    hand_over.open(damaged)

    @given(st.binary(max_size=60))
    def test_any_bytes_raise_the_one_error(self, box: bytes) -> None:
        """Which holds nothing of what it came from."""
        with pytest.raises(ValueError, match="does not open") as caught:
            HandOver("token", "me").open(box)
        assert (None, None) == (caught.value.__cause__, caught.value.__context__)

    @pytest.mark.parametrize("plain", [b"", b"\x05", b"\x92\x00\xc0", b"\x92\x07\xc4\x00", b"\x93\x00\x00\x00"])
    def test_what_was_sealed_by_a_later_release_does_not_open(self, plain: bytes) -> None:
        """Sealed for this very token, and nothing that this release reads."""
        hand_over = HandOver("token", "me")
        box = bytes(12) + hand_over._cipher.encrypt(bytes(12), plain, hand_over.key)
        with pytest.raises(ValueError, match="does not open"):
            hand_over.open(box)
