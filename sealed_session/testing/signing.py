"""The keys that a fake signs with, and the set of them that it publishes.

Signs whatever it is told to: a test makes the tokens that no provider would. Source: RFC 7515, RFC 7517, RFC 7518
(section 3.3: RS256, section 6.3: how an RSA key is written).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .. import encoding, exact_json
from ..exact_json import JsonObject

_BITS = 2048


@lru_cache(maxsize=64)  # a key takes a while to make, and every test begins with a new fake
def _private_key(kid: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, _BITS)


class SigningKey:
    """A private key. Those of one name are the same key, for as long as the process lives. Safe to share."""

    def __init__(self, kid: str) -> None:
        """Take or make the key.

        Args:
            kid: Its name.
        """
        self.kid = kid
        self._private = _private_key(kid)

    @property
    def public_pem(self) -> bytes:
        """The public half, as a file would hold it."""
        return self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def jwk(self) -> JsonObject:
        """Return the public half, as a set lists it."""
        numbers = self._private.public_key().public_numbers()
        modulus, exponent = (
            encoding.encode(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (numbers.n, numbers.e)
        )
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": modulus, "e": exponent}

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Make a token.

        Args:
            claims: Of the token.
            header: Changes of its header; None removes a member. The signature is RS256 whatever ``alg`` says.
        """
        members = {"alg": "RS256", "kid": self.kid, "typ": "JWT", **header}
        text = unsigned({name: value for name, value in members.items() if value is not None}, claims)
        return f"{text}.{encoding.encode(self._private.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"

    def has_signed(self, token: str) -> bool:
        """Return whether a token bears the signature of this key."""
        text, _, signature = token.rpartition(".")
        try:
            found = encoding.decode(signature)
            self._private.public_key().verify(found, text.encode(), padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKeys:
    """The key in use, and those that are published. Safe to share between threads.

    Attributes:
        current: The key that signs.
        published: The keys of the set, the newest first.
    """

    def __init__(self, name: str) -> None:
        """Begin with one key.

        Args:
            name: What the names of the keys begin with.
        """
        self._name = name
        self._made = 1
        self.current = SigningKey(f"{name}-1")
        self.published: tuple[SigningKey, ...] = (self.current,)

    def rotate(self, *, keep_old: bool) -> None:
        """Sign with a new key from now on; publish the old ones beside it, or no longer."""
        self._made += 1
        self.current = SigningKey(f"{self._name}-{self._made}")
        self.published = (self.current, *(self.published if keep_old else ()))

    def jwks(self) -> JsonObject:
        """Return the set."""
        return {"keys": [key.jwk() for key in self.published]}

    def claims_of(self, token: str) -> JsonObject | None:
        """Return the claims of a token that a published key has signed, expired or not; None for any other."""
        header, claims = read(token)
        is_ours = any(key.kid == header.get("kid") and key.has_signed(token) for key in self.published)
        return claims if is_ours and header.get("alg") == "RS256" else None


def read(token: str) -> tuple[JsonObject, JsonObject]:
    """Return header and claims of a token, unverified; empty ones of what is none."""
    try:
        header, claims, _ = (encoding.decode(part) for part in token.split("."))
        return exact_json.loads(header), exact_json.loads(claims)
    except ValueError:
        return {}, {}


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """Return what is signed of a token."""
    return ".".join(
        encoding.encode(json.dumps(part, separators=(",", ":"), ensure_ascii=False).encode())
        for part in (header, claims)
    )
