"""What only the holder of a refresh token can find and open: the key of its record, and the box of its result.

Everything comes from the token itself, which nobody guesses (RFC 6749, section 10.10). No password, cookie name or
organisation takes part, so that rotating passwords, renamed cookies and half-deployed fleets meet in one record; and
whoever can write to the store can neither open a result nor put one person's in another's place.
"""

from __future__ import annotations

import os
from hmac import digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgpack import packb, unpackb

from .. import packing
from ..errors import UnsealError
from ..keys import RootKey
from ..packing import SessionValues

KEY_BYTES = 32
_NONCE_BYTES = 12


class HandOver:
    """The record's key, and sealing and opening what it holds, for one refresh token.

    Attributes:
        key: Under which a coordinator holds the record.
    """

    def __init__(self, credential: str, identity: str) -> None:
        """Derive the keys.

        Args:
            credential: The refresh token, or whatever else the provider renews a session by.
            identity: Whose it is: issuer and client id.
        """
        root = RootKey(digest(b"sealed-session/1 refresh token", credential.encode(), "sha512"))
        self.key = root.expand(b"sealed-session/1 lookup\0" + identity.encode())[:KEY_BYTES]
        self._cipher = AESGCM(root.expand(b"sealed-session/1 hand-over\0" + identity.encode())[:KEY_BYTES])

    def seal(self, values: SessionValues) -> bytes:
        """Return a box that holds the provider's answer."""
        nonce = os.urandom(_NONCE_BYTES)
        plain: bytes = packb(packing.Layout(values).payload(compress=True))
        return nonce + self._cipher.encrypt(nonce, plain, self.key)

    def open(self, box: bytes) -> SessionValues:
        """Return what a box holds.

        Raises:
            ValueError: It was sealed for another token, or damaged.
        """
        try:
            stored_as, payload = unpackb(self._cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], self.key))
            return packing.parse(stored_as, payload)
        except (InvalidTag, UnsealError, ValueError, TypeError):
            pass  # leave the block first: these errors may hold plaintext
        raise ValueError("a box that this token does not open")
