"""The session payload: named values <-> the bytes inside the seal. Knows sessions and nothing of keys.

docs/FORMAT.md, "Session payload". One msgpack array of which only array, uint, bin and nil occur:

    [present, text, access, refresh, *optional]

    present   uint          which values are there, one bit each (the constants below)
    text      bin           joined by 0xFF: header and claims of each JWS in token order, then user, then impersonator;
                            raw DEFLATE with dictionary 1 when the packing is DEFLATED
    access    token         (tokens.py has the three forms)
    refresh   token or nil
    optional                what the present bits announce, in the order of the bits (_OPTIONAL)
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Required, TypedDict

from msgpack import Packer, Unpacker, UnpackException, unpackb

from . import encoding, exact_json
from .dictionary import DICTIONARY_1
from .errors import UnsealError
from .exact_json import JsonObject
from .tokens import SEPARATOR, Element
from .tokens import join as join_token
from .tokens import split as split_token

STORED, DEFLATED = 0, 1
"""The packings of format version 1."""

USER, IMPERSONATOR, ACCESS_EXPIRES_AT, EXTRA, TOKENS, SESSION_ID, SESSION_EXPIRES_AT, UNVERIFIED = (
    1, 2, 4, 8, 16, 32, 64, 128,
)  # fmt: skip
"""The present bits of format version 1, and below those that came later."""

AUTHENTICATED_AT, SUBJECT = 1024, 2048
"""256 and 512 are never assigned: by them the test vectors ask what a reader makes of a bit that it does not know."""

_KNOWN_BITS = 255 | AUTHENTICATED_AT | SUBJECT

MAX_TEXT = 65_536
"""Bytes of text once inflated. A reader stops there, so a writer never goes beyond."""

MAX_TIME = 253_402_300_799
"""Unix seconds at the end of the year 9999. A greater value was meant as milliseconds."""

MAX_SESSION_ID = 64
"""Bytes, decoded."""

_RAW_DEFLATE = -15  # window bits; negative: neither header nor checksum, which the seal makes superfluous


class SessionValues(TypedDict, total=False):
    """What a session holds, by name. An absent value has no key; an empty one is there."""

    access_token: Required[str]
    refresh_token: str
    user: JsonObject
    impersonator: JsonObject
    access_expires_at: int
    extra: JsonObject
    tokens: dict[str, str]
    session_id: str
    session_expires_at: int
    unverified: bool
    authenticated_at: int
    subject: str


class Layout:
    """Where every value of a session stands: parts of the text and elements of the array, each with its owner.

    ``payload`` joins them; the size report charges every byte of them to its owner.
    """

    __slots__ = ("elements", "joined", "present", "text")

    def __init__(self, values: SessionValues) -> None:
        """Lay out a session.

        Args:
            values: Of the types that ``Session`` guarantees. Only their JSON is still unchecked.

        Raises:
            PayloadTypeError: JSON that would not come back exactly.
        """
        self.present = UNVERIFIED if "unverified" in values else 0
        parts, access = split_token(values["access_token"])
        self.text = [("access_token", part) for part in parts]
        refresh = self._token("refresh_token", values["refresh_token"]) if "refresh_token" in values else None
        self.elements = [("access_token", access), ("refresh_token", refresh)]
        if not _WITH_ELEMENT.isdisjoint(values):
            for bit, name, write, _ in _OPTIONAL:
                if (value := values.get(name)) is not None:
                    self.present |= bit
                    self.elements.append((name, write(self, value)))
        if "user" in values:
            self.present |= USER
            self.text.append(("user", exact_json.dumps(values["user"], "user")))
        if "impersonator" in values:
            self.present |= IMPERSONATOR
            self.text.append(("impersonator", exact_json.dumps(values["impersonator"], "impersonator")))
        self.joined = SEPARATOR.join([part for _, part in self.text])

    def _token(self, owner: str, token: str) -> Element:
        parts, element = split_token(token)
        self.text += [(owner, part) for part in parts]
        return element

    def _named_tokens(self, named: dict[str, str]) -> list[Element]:
        pairs = [(name.encode(), self._token("tokens", token)) for name, token in named.items()]
        return [item for pair in pairs for item in pair]

    def payload(self, *, compress: bool) -> tuple[int, bytes]:
        """Serialise into a packing and a payload. Compressed only where that is shorter."""
        packing, text = STORED, self.joined
        if compress and len(deflated := deflate(text)) < len(text):
            packing, text = DEFLATED, deflated
        return packing, Packer().pack([self.present, text, *[element for _, element in self.elements]])


def parse(packing: int, payload: bytes) -> SessionValues:
    """Read a payload: the mirror image of :class:`Layout`. What it returns, ``Session`` accepts.

    Raises:
        UnsealError: ``unsupported_packing`` or ``payload``. Neither message nor context holds plaintext.
    """
    if packing > DEFLATED:
        raise _unsupported(f"packing {packing}")
    try:
        return _parse(packing, payload)
    except (ValueError, TypeError, IndexError, zlib.error):
        pass  # leave the block first: these errors hold plaintext (UnicodeDecodeError.object, ExtraData.extra)
    if _is_of_a_later_release(payload):
        raise _unsupported("a present bit")
    raise UnsealError(
        "the value is authentic, but its payload is not one that format version 1 describes. "
        "Was it sealed by another program that has this password?",
        code="payload",
    )


def _is_of_a_later_release(payload: bytes) -> bool:
    """Look at the present bits alone: what follows has the later release's own types, and may be anything."""
    unpacker = Unpacker()
    unpacker.feed(payload)
    try:
        unpacker.read_array_header()
        present = unpacker.unpack()
    except (ValueError, UnpackException):
        return False
    return type(present) is int and present >= 0 and present & ~_KNOWN_BITS != 0


def _parse(packing: int, payload: bytes) -> SessionValues:
    present, text, access, refresh, *optional = unpackb(payload)
    if type(present) is not int or present & ~_KNOWN_BITS or type(text) is not bytes:  # also a negative one
        raise ValueError("the array does not begin with present bits of this version and a bin")
    if packing == DEFLATED:  # stored text is bounded by the envelope
        text = inflate(text)
    parts = text.split(SEPARATOR)[::-1] if text else []  # reversed, to pop them in order

    values: dict[str, Any] = {"access_token": join_token(access, parts)}
    if refresh is not None:
        values["refresh_token"] = join_token(refresh, parts)
    if optional or present & _ANNOUNCES_ELEMENTS:
        optional.reverse()  # to pop them in order
        for bit, name, _, read in _OPTIONAL:
            if present & bit:
                values[name] = read(optional.pop(), parts)
        if optional:
            raise ValueError("more elements than the present bits announce")
    if present & USER:
        values["user"] = exact_json.loads(parts.pop())
    if present & IMPERSONATOR:
        values["impersonator"] = exact_json.loads(parts.pop())
    if present & UNVERIFIED:
        values["unverified"] = True
    if parts:
        raise ValueError("more parts of text than the present bits announce")
    return values  # type: ignore[return-value]


# Copying a compressor that has read the dictionary is cheaper than reading it for every seal, and the less memory it
# has the cheaper: a window of 8 KiB (13) holds dictionary and text, and its tables are sized to match (5).
_PRIMED = zlib.compressobj(5, wbits=-13, memLevel=5, zdict=DICTIONARY_1)


def deflate(text: bytes) -> bytes:
    """Compress as raw DEFLATE with dictionary 1 (RFC 1951)."""
    compressor = new_compressor()
    return compressor.compress(text) + compressor.flush()


def new_compressor() -> zlib._Compress:
    """Return what :func:`deflate` compresses with."""
    return _PRIMED.copy()


def inflate(data: bytes) -> bytes:
    """Undo :func:`deflate`, and stop one byte past ``MAX_TEXT``.

    Raises:
        ValueError: Not exactly one whole stream, or more than ``MAX_TEXT`` bytes of text.
    """
    decompressor = zlib.decompressobj(_RAW_DEFLATE, DICTIONARY_1)
    text = decompressor.decompress(data, MAX_TEXT + 1)
    if not decompressor.eof or decompressor.unused_data or len(text) > MAX_TEXT:
        raise ValueError("not one whole DEFLATE stream within the bound")
    return text


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"expected {kind.__name__}")
    return value


def _read_time(element: Element, _parts: list[bytes]) -> int:
    if not 0 <= _exactly(int, element) <= MAX_TIME:
        raise ValueError("not a time up to the year 9999")
    return element  # type: ignore[no-any-return]


def _read_extra(element: Element, _parts: list[bytes]) -> JsonObject:
    return exact_json.loads(_exactly(bytes, element))


def _read_named_tokens(element: Element, parts: list[bytes]) -> dict[str, str]:
    items = _exactly(list, element)
    names = [_exactly(bytes, name).decode() for name in items[0::2]]
    named = dict(zip(names, [join_token(item, parts) for item in items[1::2]], strict=True))
    if len(named) != len(names) or "" in named:
        raise ValueError("a token without a name of its own")
    return named


def _read_session_id(element: Element, _parts: list[bytes]) -> str:
    if not 1 <= len(_exactly(bytes, element)) <= MAX_SESSION_ID:
        raise ValueError("a session id of an impossible length")
    return encoding.encode(element)


def _read_subject(element: Element, _parts: list[bytes]) -> str:
    subject: str = _exactly(bytes, element).decode()
    if not subject:
        raise ValueError("an empty subject")
    return subject


def _as_it_is(_layout: Layout, value: int) -> int:
    return value


_Write = Callable[[Layout, Any], Element]
_Read = Callable[[Element, list[bytes]], Any]

_OPTIONAL: tuple[tuple[int, str, _Write, _Read], ...] = (
    (ACCESS_EXPIRES_AT, "access_expires_at", _as_it_is, _read_time),
    (EXTRA, "extra", lambda _, value: exact_json.dumps(value, "extra"), _read_extra),
    (TOKENS, "tokens", Layout._named_tokens, _read_named_tokens),
    (SESSION_ID, "session_id", lambda _, value: encoding.decode(value), _read_session_id),
    (SESSION_EXPIRES_AT, "session_expires_at", _as_it_is, _read_time),
    (AUTHENTICATED_AT, "authenticated_at", _as_it_is, _read_time),
    (SUBJECT, "subject", lambda _, value: value.encode(), _read_subject),
)
"""By bit: the name, how the element is written, how it is read."""

_ANNOUNCES_ELEMENTS = sum(bit for bit, *_ in _OPTIONAL)
_WITH_ELEMENT = frozenset(name for _, name, *_ in _OPTIONAL)


def _unsupported(what: str) -> UnsealError:
    return UnsealError(
        f"this release does not know {what} of the payload; a newer one sealed it. "
        "Deploy a release that reads it everywhere before one that writes it.",
        code="unsupported_packing",
    )
