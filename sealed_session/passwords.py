"""Passwords: how a good one is made, what is refused, and the root key that comes out.

docs/FORMAT.md, "Root key". Two kinds:

    generated   ssk1_ and base64url of 32 random bytes and 4 bytes of checksum: 53 characters. Nothing to stretch.
    any other   at least 32 characters; stretched with scrypt once per process.

A string that contains ``ssk1_`` is the first kind or a mistake. It never falls through to the second.
"""

from __future__ import annotations

import os
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Any

from . import encoding
from .errors import UsageError, UsageTypeError
from .keys import ROOT_BYTES

PREFIX = "ssk1_"
MIN_CHARACTERS, MAX_CHARACTERS, MIN_DISTINCT = 32, 1024, 10

_SECRET_BYTES = 32
_CHECK_BYTES = 4
_GENERATED_CHARACTERS = 53

# OWASP, Password Storage Cheat Sheet: one of the scrypt settings it holds equal to 2^17/8/1. About 0.3 s.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 3

_PUBLISHED = frozenset(
    {
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdefghijklmnopqrstuvwxyz",
        "80d42cfb1cd2462c8f17e3237d9027e9",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "abcdefghijklmnopqrstuvwxyz123456",
        "averylongsecretpasswordofatleast32characters",
        "complexpasswordatleast32characterslong",
        "correcthorsebatterystaplecorrecthorse",
        "generatedcomplexpasswordatleast32characterslong",
        "passwordwithatleast32characters",
        "somenotrandompasswordthatisatleast32characters",
        "thepasswordmustbeatleast32characterslong",
        "thisisasecretpasswordofatleast32characters",
        "thisisasecretvaluewithatleast32characters",
        "useasecurepasswordofatleast32characters",
        "wsyhfac2u6nzbuafsf3ksr6",
        "yoursecurepasswordatleast32characters",
        "yoursecurepasswordatleast32characterslong",
    }
)
"""Examples from the guides of session libraries, and the alphabet, as lower-case letters and digits alone. Whoever
tries passwords tries these first."""

_FIX = "Run `sealed-session generate-password`."


def generate_password() -> str:
    """Return a new password of 256 random bits, recognisable by its prefix ``ssk1_``."""
    secret = os.urandom(_SECRET_BYTES)
    return PREFIX + encoding.encode(secret + _checksum(secret))


def derive_root(password: Any) -> bytes:
    """Derive the 64-byte root key of a password.

    Raises:
        UsageTypeError: Not a str.
        UsageError: A mistyped or a weak password; its code says which rule. The password is never quoted.
    """
    if type(password) is not str:
        raise UsageTypeError(f"the password must be a str, got {type(password).__name__}.", code="password_type")
    if PREFIX in password:
        return digest(b"sealed-session/1 generated", _parse_generated(password), "sha512")
    _refuse_weak(password)
    return _stretch(password)


def _parse_generated(password: str) -> bytes:
    secret = check = b""
    is_whole = password.startswith(PREFIX) and len(password) == _GENERATED_CHARACTERS
    if is_whole:
        try:
            data = encoding.decode(password[len(PREFIX) :])
        except ValueError:
            data = b""
        secret, check = data[:_SECRET_BYTES], data[_SECRET_BYTES:]
    if not secret or not compare_digest(_checksum(secret), check):
        raise _mistyped(len(password), is_whole=is_whole)
    return secret


def _mistyped(length: int, *, is_whole: bool) -> UsageError:
    problem = f"the password contains {PREFIX!r} but is not a generated password: "
    if is_whole:
        problem += f"it has the {_GENERATED_CHARACTERS} characters of one, and at least one of them is wrong."
        fix = "Copy it again; was it typed, or its case changed?"
    else:
        problem += f"expected exactly {_GENERATED_CHARACTERS} characters with a valid checksum, got {length}."
        fix = "Was it cut off, quoted, or copied with a line break?"
    return UsageError(problem, fix=fix, code="password_mistyped")


def _checksum(secret: bytes) -> bytes:
    return sha256(b"sealed-session/1 password check\0" + secret).digest()[:_CHECK_BYTES]


@lru_cache(maxsize=64)  # so that the standalone functions stretch once per process, as a KeyRing does
def _stretch(password: str) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # only human passwords pay for loading it

    kdf = Scrypt(salt=b"sealed-session/1 password", length=ROOT_BYTES, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
    return kdf.derive(password.encode())


def _refuse_weak(password: str) -> None:
    length, distinct = len(password), len(set(password))
    if length < MIN_CHARACTERS:
        raise _weak("password_short", f"is {length} characters long; at least {MIN_CHARACTERS} are needed")
    if length > MAX_CHARACTERS:
        raise _weak("password_long", f"is {length} characters long; at most {MAX_CHARACTERS} are read")
    if password != password.strip():
        raise _weak("password_white_space", "begins or ends with white space, which copying adds or drops unseen")
    if not password.isprintable():  # control characters, lone surrogates and the like
        raise _weak("password_unprintable", "holds a control character or another one that does not print")
    if distinct < MIN_DISTINCT:
        raise _weak("password_repetitive", f"has {distinct} different characters; at least {MIN_DISTINCT} are needed")
    if any(password.startswith(password[period:]) for period in range(1, length // 2 + 1)):
        raise _weak("password_periodic", "repeats itself, so it is as weak as its first part")
    if _letters_and_digits(password) in _PUBLISHED:
        raise _weak("password_published", "is an example from published documentation")


def _letters_and_digits(password: str) -> str:
    return "".join(filter(str.isalnum, password.lower()))


def _weak(code: str, problem: str) -> UsageError:
    return UsageError(f"the password {problem}.", fix=_FIX, code=code)
