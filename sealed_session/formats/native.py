"""The native envelope, version 1: any payload <-> one sealed value. Knows nothing of sessions.

Specified in docs/FORMAT.md, whose numbered steps the comments here repeat. The sealed value is base64url of

    offset  bytes  what
         0      1  version      0x01
         1     24  salt         random; makes the key of this one value
        25     16  commitment   picks the key out of the ring
        41    16n  ciphertext   AES-256-GCM of the body
     41+16n    16  tag

and the body, as long as the ciphertext, is

         0      1  packing      how the payload is stored
         1      4  started_at   Unix seconds, big-endian: when the person signed in
         5      4  sealed_at    Unix seconds, big-endian: when this value was made
         9      m  payload
       9+m      1  0x80         end of the payload
      10+m    0-15  zeros        to a multiple of 16

Time, randomness and keys come in as arguments. The salt is an argument of :func:`seal` here and of nothing above:
the same salt twice under one root key is the same key and nonce twice, which breaks AES-GCM.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .. import encoding
from ..errors import UnsealError
from ..keys import RootKey

VERSION = 0x01
SALT_BYTES = 24
OVERHEAD = 57
"""Bytes of the envelope around the body."""

MAX_CHARACTERS = 8192

_LABEL = b"sealed-session/1 seal\0"
_HEADER = Struct(">BII")  # packing, started_at, sealed_at
_BLOCK = 16
_END = b"\x80"
_SHORTEST = OVERHEAD + _BLOCK
# Zero is safe: a key serves exactly one message (NIST SP 800-38D, section 8: no key and nonce twice).
_NONCE = bytes(12)


Envelope = tuple[bytes, bytes, bytes]
"""Salt, commitment, and ciphertext with its tag: what needs no key to be told apart."""

Body = tuple[int, int, int, bytes]
"""Packing, started_at, sealed_at and payload: what the envelope protects. (A named tuple takes a hundredth longer.)"""


def seal(body: Body, key: RootKey, associated: bytes, salt: bytes) -> str:
    """Seal a body.

    Args:
        body: What to protect. The caller sees to it that the sealed value stays within ``MAX_CHARACTERS``.
        key: The root key of the current password.
        associated: From :func:`associated_data`.
        salt: 24 bytes from the operating system's generator, never used before.
    """
    packing, started_at, sealed_at, payload = body
    plaintext = _HEADER.pack(packing, started_at, sealed_at) + payload + _END
    plaintext += bytes(-len(plaintext) % _BLOCK)
    block = key.expand(_LABEL + salt)
    ciphertext = AESGCM(block[:32]).encrypt(_NONCE, plaintext, associated)
    return serialise(salt, block[32:48], ciphertext)


def unseal(envelope: Envelope, keys: Sequence[RootKey], associated: bytes) -> tuple[Body, int]:
    """Open an envelope: the body, and the position of the key that opened it.

    Raises:
        UnsealError: ``unknown_key``, ``tampered`` or ``malformed``.
    """
    salt, commitment, ciphertext = envelope
    # Step 5: every key's commitment in turn; the first that matches decides.
    for position, key in enumerate(keys):
        block = key.expand(_LABEL + salt)
        if compare_digest(block[32:48], commitment):
            return _open(block[:32], ciphertext, associated), position
    tried = "the password" if len(keys) == 1 else f"any of the {len(keys)} passwords"
    raise UnsealError(
        f"not sealed with {tried} at hand. After a change of password keep the old one as a fallback.",
        code="unknown_key",
    )


def _open(message_key: bytes, ciphertext: bytes, associated: bytes) -> Body:
    # Step 6: decrypt.
    try:
        plaintext = AESGCM(message_key).decrypt(_NONCE, ciphertext, associated)
    except InvalidTag:
        plaintext = b""
    if not plaintext:
        raise UnsealError(
            "the password is right, but the value was changed, or it was sealed for another cookie name, purpose or "
            "context.",
            code="tampered",
        )
    # Step 7: take off the padding, then the header.
    unpadded = plaintext.rstrip(b"\0")
    if len(plaintext) - len(unpadded) >= _BLOCK or not unpadded.endswith(_END) or len(unpadded) <= _HEADER.size:
        raise UnsealError("the value is authentic, but its body has no proper end.", code="malformed")
    packing, started_at, sealed_at = _HEADER.unpack_from(unpadded)
    return packing, started_at, sealed_at, unpadded[_HEADER.size : -1]


def parse(sealed: str) -> Envelope:
    """Read the parts of a sealed value, before any key is touched.

    Raises:
        UnsealError: ``malformed`` or ``unsupported_version``.
    """
    # Step 1: bounded before anything is done with it.
    if len(sealed) > MAX_CHARACTERS:
        raise UnsealError(f"{len(sealed)} characters; at most {MAX_CHARACTERS} are read.", code="malformed")
    # Step 2: strict base64url.
    try:
        data = encoding.decode(sealed)
    except ValueError as error:
        data, problem = b"", str(error)  # leave the block first, so that no context hangs on to the value
    # Steps 3 and 4: the version, and a length of whole blocks.
    if not data or data[0] != VERSION or len(data) < _SHORTEST or (len(data) - OVERHEAD) % _BLOCK:
        raise _refusal(data, problem if not data and sealed else "it is empty")
    return data[1:25], data[25:41], data[41:]


def serialise(salt: bytes, commitment: bytes, ciphertext: bytes) -> str:
    """Write a sealed value: the mirror image of :func:`parse`."""
    return encoding.encode(b"\x01" + salt + commitment + ciphertext)


def sealed_bytes(payload_bytes: int) -> int:
    """Return how many bytes an envelope with such a payload has, before base64url."""
    unpadded = _HEADER.size + payload_bytes + len(_END)
    return OVERHEAD + unpadded + -unpadded % _BLOCK


def associated_data(purpose: bytes, name: bytes, context: bytes) -> bytes:
    """Encode what the value is bound to but does not carry. Each part has at most 255 bytes."""
    return b"\x01" + b"".join(len(part).to_bytes(1, "big") + part for part in (purpose, name, context))


def _refusal(data: bytes, problem: str) -> UnsealError:
    """Say what is wrong with what ``parse`` refused."""
    if not data:
        return UnsealError(f"not canonical base64url without padding: {problem}.", code="malformed")
    if 0x02 <= data[0] <= 0x0F:
        return UnsealError(
            f"format version {data[0]}; this release reads version {VERSION}. "
            "Deploy a release that reads it everywhere before one that writes it.",
            code="unsupported_version",
        )
    if data[0] != VERSION:
        return UnsealError("not a value of this format: the first byte is not a version.", code="malformed")
    return UnsealError(
        f"{len(data)} bytes; expected {OVERHEAD} and a multiple of {_BLOCK}. Was the value cut off?", code="malformed"
    )
