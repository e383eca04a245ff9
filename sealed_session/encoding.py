"""Strict base64url without padding: one text for every byte string, and nothing else is accepted.

Source: RFC 4648, sections 3.2 (no padding), 3.5 (canonical encoding) and 5 (the URL-safe alphabet).
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

# By number of missing characters: the last characters, in the standard alphabet, whose unused low bits are zero.
_CLEAN_LAST = {
    1: frozenset(b"AEIMQUYcgkosw048"),  # two unused bits
    2: frozenset(b"AQgw"),  # four
}


def encode(data: bytes) -> str:
    """Encode bytes as base64url without padding."""
    return _to_url_safe(b2a_base64(data, newline=False).rstrip(b"="))


def encode_dotted(parts: list[bytes]) -> str:
    """Encode each part and join them with dots, as a JWS is written (RFC 7515, section 7.1)."""
    return _to_url_safe(b".".join([b2a_base64(part, newline=False).rstrip(b"=") for part in parts]))


def decode(text: str) -> bytes:
    """Decode canonical base64url: when this returns, ``encode`` gives the very same text again.

    Raises:
        ValueError: A character outside ``A-Z a-z 0-9 - _``, an impossible length or set trailing bits. The message
            does not quote the text.
    """
    return _decode(_to_standard(text))


def decode_dotted(text: str) -> list[bytes]:
    """Decode each part between dots: the mirror image of :func:`encode_dotted`.

    Raises:
        ValueError: As ``decode``.
    """
    return [_decode(part) for part in _to_standard(text).split(b".")]


# The two alphabets differ in two rare characters: replacing them is quicker than a translation table.


def _to_url_safe(standard: bytes) -> str:
    return standard.replace(b"+", b"-").replace(b"/", b"_").decode("ascii")


def _to_standard(text: str) -> bytes:
    if not text.isascii() or "+" in text or "/" in text or "=" in text:
        raise ValueError("a character is not base64url")
    return text.encode("ascii").replace(b"-", b"+").replace(b"_", b"/")


def _decode(standard: bytes) -> bytes:
    missing = -len(standard) % 4
    if missing:
        if missing == 3 or standard[-1] not in _CLEAN_LAST[missing]:
            raise ValueError("a character too many, or a last one whose unused bits are not zero")
        standard += b"=="[:missing]
    try:
        data = a2b_base64(standard)
    except ValueError:
        data = b""
    # It skips what it does not know, and then there are fewer bytes. Its strict mode is slower.
    if len(data) != len(standard) // 4 * 3 - missing:
        raise ValueError("a character is not base64url")
    return data
