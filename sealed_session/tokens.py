"""A token as the payload stores it: smaller than its text, and the very same text when it comes back.

Three forms, docs/FORMAT.md "Tokens":

    bin                     verbatim UTF-8
    [1, signature]          a JWS; its header and claims stand in the joint text, where they are compressed
    [2, part, ...]          dotted base64url, each part decoded; a part is bin, or [bin, bin] where 1 to 3 characters
                            at its end do not decode: what decodes, then those characters as they are

A signature and an opaque token are secrets and never enter the text: compressing a secret beside a field that an
attacker chooses gives it away by the length (Alawatugoda, Stebila and Boyd, FC 2015).
"""

from __future__ import annotations

from typing import Any

from . import encoding

Element = Any  # bytes | list[int | bytes | list[bytes]]: what msgpack holds for one token
JWS, DOTTED = 1, 2

MIN_SIGNATURE = 16
"""Bytes. Shorter last parts belong to opaque tokens that merely look like three JSON parts."""

SEPARATOR = b"\xff"
"""Joins the parts of the text. The byte never occurs in UTF-8."""


def split(token: str) -> tuple[list[bytes], Element]:
    """Take a token apart.

    Args:
        token: A non-empty string without lone surrogates.

    Returns:
        The parts that go into the text (header and claims, or none), and the element of the payload array.
    """
    try:
        parts = encoding.decode_dotted(token)
    except ValueError:
        return [], _split_odd(token)
    if len(parts) == 3 and len(parts[2]) >= MIN_SIGNATURE and _is_json_like(parts[0]) and _is_json_like(parts[1]):
        return parts[:2], [JWS, parts[2]]
    if len(parts) == 1 and len(token) > 8:  # what _shorter would say, sooner: most opaque tokens have no dot
        return [], [DOTTED, parts[0]]
    return [], _shorter([DOTTED, *parts], token)


def join(element: Element, text: list[bytes]) -> str:
    """Put a token together again: the mirror image of :func:`split`.

    Args:
        element: The element of the payload array, of whatever type msgpack found.
        text: The parts of the text not yet used, the next one last; a JWS pops two.

    Raises:
        ValueError: Not one of the three forms.
        IndexError: The text has too few parts.
    """
    if type(element) is list and len(element) > 1 and type(element[0]) is int:
        form, first = element[0], element[1]
        if form == JWS and len(element) == 2 and type(first) is bytes:
            return encoding.encode_dotted([text.pop(), text.pop(), first])
        if form == DOTTED and len(element) == 2 and type(first) is bytes and first:  # no dot: most opaque tokens
            return encoding.encode(first)
        if form == DOTTED and element != [DOTTED, b""]:
            return ".".join([_join_part(part) for part in element[1:]])
    if type(element) is bytes and element:
        return str(element, "utf-8")
    raise ValueError("not a token")


def _is_json_like(part: bytes) -> bool:
    return part.startswith(b"{") and part.endswith(b"}") and SEPARATOR not in part


def _split_odd(token: str) -> Element:
    """Take apart a token some of whose parts do not decode whole."""
    try:
        return _shorter([DOTTED, *map(_split_part, token.split("."))], token)
    except ValueError:
        return token.encode()


def _split_part(part: str) -> Element:
    try:
        return encoding.decode(part)
    except ValueError:
        whole = len(part) // 4 * 4
    rest = part[whole:]  # unclean trailing bits or a character over spoil the last group only
    _require_base64url(rest)
    return [encoding.decode(part[:whole]), rest.encode()]


def _shorter(dotted: Element, token: str) -> Element:
    """Choose the third form exactly when msgpack encodes it shorter than the first."""
    verbatim = token.encode()
    head = 1 if len(dotted) < 16 else 3 if len(dotted) < 65_536 else 5
    size = (
        head
        + 1
        + sum([_bin_size(part) if type(part) is bytes else 1 + sum(map(_bin_size, part)) for part in dotted[1:]])
    )
    return dotted if size < _bin_size(verbatim) else verbatim


def _bin_size(data: bytes) -> int:
    length = len(data)
    return length + (2 if length < 256 else 3 if length < 65_536 else 5)


def _join_part(part: Element) -> str:
    if type(part) is bytes:
        return encoding.encode(part)
    if type(part) is not list or len(part) != 2 or type(part[0]) is not bytes or type(part[1]) is not bytes:
        raise ValueError("not a part of a dotted token")
    decoded: bytes = part[0]
    text = str(part[1], "ascii")
    if not 1 <= len(text) <= 3 or len(decoded) % 3:
        raise ValueError("the verbatim end of a part has 1 to 3 characters, after whole groups of four")
    _require_base64url(text)
    return encoding.encode(decoded) + text


def _require_base64url(text: str) -> None:
    encoding.decode(text.ljust(4, "A"))  # a full group has no trailing bits, so only its characters can be wrong
