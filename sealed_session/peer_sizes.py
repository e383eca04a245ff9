"""How long the same session is in two other formats, by their length formulas. Nothing is encrypted here.

Fernet  urlsafe base64 of 57 bytes of overhead and AES-CBC blocks around ASCII-escaped JSON.
iron    ``Fe26.2`` seals: JSON in AES-CBC blocks, base64url, between salts and a MAC in hexadecimal and base64url.

Neither compresses. The values are such as a sealer takes: plain JSON.
"""

from __future__ import annotations

import json

from .exact_json import JsonObject
from .packing import SessionValues

_FERNET_OVERHEAD = 57
"""Bytes: version 1, time 8, IV 16, HMAC 32 (the Fernet specification, "Token Format")."""

_IRON_OVERHEAD = 209
"""Characters: ``Fe26.2``, an id of 1, two salts of 64, the IV's 22, the MAC's 43, seven ``*`` and ``~2``."""

_IRON_EXPIRY = 13
"""Digits of a time in milliseconds, until the year 2286."""

_BLOCK = 16


def fernet_characters(values: SessionValues) -> int:
    """Return the length of the session as a Fernet token around JSON as Python's ``json.dumps`` writes it."""
    return fernet_length(len(json.dumps(values)))


def iron_characters(values: SessionValues) -> int:
    """Return the length of the session as an iron seal without expiry around compact JSON with camelCase keys.

    The keys that change are those of the session and of the user; what stands deeper is kept, as its writers do.
    """
    written: JsonObject = _in_camel_case({**values})
    if "user" in values:
        written["user"] = _in_camel_case(values["user"])
    text = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
    return iron_length(len(text.encode("utf-8", "backslashreplace")))  # a lone surrogate becomes \uXXXX there too


def fernet_length(plaintext: int) -> int:
    """Return the characters of a Fernet token around so many bytes."""
    return -(-(_FERNET_OVERHEAD + _padded(plaintext)) // 3) * 4


def iron_length(plaintext: int, *, expires: bool = False) -> int:
    """Return the characters of an iron seal around so many bytes, as iron-session writes it, with or without expiry."""
    ciphertext = -(-4 * _padded(plaintext) // 3)
    return _IRON_OVERHEAD + ciphertext + (_IRON_EXPIRY if expires else 0)


def _padded(plaintext: int) -> int:
    """Pad to whole blocks as PKCS#7 does: by at least one byte (RFC 5652, section 6.3)."""
    return _BLOCK * (plaintext // _BLOCK + 1)


def _in_camel_case(values: JsonObject) -> JsonObject:
    return {_camel(name): value for name, value in values.items()}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other[:1].upper() + other[1:] for other in others)
