"""Strict base64url: the texts that decode are exactly those that ``encode`` makes."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sealed_session import encoding

ALPHABET = string.ascii_letters + string.digits + "-_"


@given(st.binary())
def test_encode_is_base64url_without_padding(data: bytes) -> None:
    """It writes what RFC 4648 section 5 writes, without the padding."""
    assert base64.urlsafe_b64encode(data).rstrip(b"=").decode() == encoding.encode(data)


@given(st.binary())
def test_decode_undoes_encode(data: bytes) -> None:
    """Every byte string comes back."""
    assert data == encoding.decode(encoding.encode(data))


@given(st.text(alphabet=ALPHABET + "+/=.\n é", max_size=12))
@example("QQ")
@example("QR")
@example("QQ==")
@example("QUI=")
@example("QUJD=")
@example("A+/A")
@example("!QUJD")
def test_only_canonical_text_decodes(text: str) -> None:
    """Whatever decodes is the one text that its bytes have; anything else is a ValueError."""
    try:
        data = encoding.decode(text)
    except ValueError as error:
        assert len(text) < 5 or text not in str(error)
    else:
        assert text == encoding.encode(data)


@pytest.mark.parametrize("last", ALPHABET)
@pytest.mark.parametrize("start", ["Q", "QU", "QUJ"])
def test_every_last_character_is_clean_or_refused(start: str, last: str) -> None:
    """Of the 64 last characters exactly those with zero unused bits decode."""
    unused_bits = {2: 4, 3: 2, 4: 0}[len(start) + 1]
    standard = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    clean = standard.index(last) % (1 << unused_bits) == 0
    try:
        encoding.decode(start + last)
    except ValueError:
        assert not clean
    else:
        assert clean


@given(st.lists(st.binary(), min_size=1))
def test_dotted_text_decodes_to_its_parts(parts: list[bytes]) -> None:
    """``encode_dotted`` and ``decode_dotted`` mirror each other."""
    assert parts == encoding.decode_dotted(encoding.encode_dotted(parts))


def test_a_dot_is_not_base64url() -> None:
    """A dotted text is no single part."""
    with pytest.raises(ValueError, match="not base64url"):
        encoding.decode("QUJD.QUJ")
