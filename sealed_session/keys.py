"""One root key, and the keys expanded from it. Knows nothing of passwords, rings or cookies.

Source: HKDF-Expand (RFC 5869, section 2.3) with HMAC-SHA512 (RFC 2104), one block.
"""

from __future__ import annotations

from typing import Any, NoReturn

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hmac import HMAC

from .errors import UsageTypeError

ROOT_BYTES = 64


class RootKey:
    """A 64-byte root key. Immutable, shared freely between threads and across fork.

    The bytes live inside an HMAC state that every expansion copies, not in an attribute, and the two hash blocks that
    absorb the key are computed once and not for every cookie.
    """

    __slots__ = ("_keyed",)

    def __init__(self, root: bytes) -> None:
        if len(root) != ROOT_BYTES:
            raise ValueError(f"a root key has {ROOT_BYTES} bytes, not {len(root)}")
        self._keyed = HMAC(root, SHA512())

    def expand(self, info: bytes) -> bytes:
        """Return the 64 bytes that belong to a use.

        Args:
            info: The label of the use, which begins with ``sealed-session/1`` and ends in NUL so that none is the
                beginning of another, and then what tells two keys of that use apart, such as a salt.
        """
        mac = self._keyed.copy()
        mac.update(info + b"\x01")
        return mac.finalize()

    def __repr__(self) -> str:
        return "RootKey(<redacted>)"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        refuse_to_serialise(self)


def refuse_to_serialise(value: object) -> NoReturn:
    """Stop pickle and copy, which both ask for a reduction, from carrying a secret away."""
    name = type(value).__name__
    raise UsageTypeError(
        f"{name} holds secrets and refuses to be pickled or copied. "
        + ("Seal the session and pass the sealed text." if name == "Session" else "Build it again from its passwords."),
        code="not_serialisable",
    )
