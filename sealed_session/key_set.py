"""A JSON Web Key Set, parsed once: the public keys a provider signs with, by name and algorithm.

Not where it is from: ``jwks.py`` fetches it.

Source: RFC 7517 (sets of keys), RFC 7518 section 6 (what is in a key), RFC 8725 section 3.1 (a key has its algorithm).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jwt import PyJWK

MIN_RSA_BITS = 2048
"""Source: RFC 7518, section 3.3."""

KEY_TYPES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The algorithms that have public keys, and the type and curve of each one's keys. Nothing else can be chosen, so that
no public key is ever taken for the secret of an HMAC."""

_PUBLIC = ("kty", "crv", "n", "e", "x", "y")  # what a private key has besides is left out


class NoKey(StrEnum):
    """Why there is no key for a token."""

    UNKNOWN = "unknown_kid"
    DUPLICATE = "duplicate_kid"
    UNFIT = "wrong_algorithm"
    UNAVAILABLE = "keys_unavailable"


class UnusableSet(ValueError):
    """What came is no set of keys. The message says why and quotes nothing."""


class KeySet:
    """One set of keys, parsed. Does not change, and is shared between threads."""

    def __init__(self, document: Any, algorithms: Sequence[str]) -> None:
        """Parse a set; a key that is of no use for these algorithms is passed over.

        Args:
            document: A JSON Web Key Set, decoded: ``{"keys": [...]}``.
            algorithms: Names from ``KEY_TYPES``.

        Raises:
            UnusableSet: It has no usable key.

        Source: RFC 7517, section 5: unknown types of keys are ignored.
        """
        listed = document.get("keys") if isinstance(document, dict) else None
        if type(listed) is not list:
            raise UnusableSet("not a JSON Web Key Set")
        self._keys: dict[tuple[str, str], PyJWK | NoKey] = {}
        self._kids: set[str] = set()
        for jwk in listed:
            if isinstance(jwk, dict) and type(kid := jwk.get("kid")) is str:
                self._kids.add(kid)
                self._add(kid, jwk, algorithms)
        if not self._keys:
            raise UnusableSet("a JSON Web Key Set without a usable key")

    def _add(self, kid: str, jwk: dict[str, Any], algorithms: Sequence[str]) -> None:
        for algorithm in algorithms:
            key = _load(jwk, algorithm) if is_meant_for(jwk, algorithm) else None
            if key is not None:
                at = (kid, algorithm)
                self._keys[at] = key if _is_alike(self._keys.get(at, key), key) else NoKey.DUPLICATE

    def find(self, kid: str, algorithm: str) -> PyJWK | NoKey:
        """Return the key of this name for this algorithm, or why there is none."""
        return self._keys.get((kid, algorithm), NoKey.UNFIT if kid in self._kids else NoKey.UNKNOWN)


def is_meant_for(jwk: dict[str, Any], algorithm: str) -> bool:
    """Return whether a key says that signatures of this algorithm are verified with it (RFC 7517, section 4)."""
    kind, curve = KEY_TYPES[algorithm]
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("kty") == kind
        and curve in (None, jwk.get("crv"))
        and jwk.get("alg", algorithm) == algorithm
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _load(jwk: dict[str, Any], algorithm: str) -> PyJWK | None:
    from jwt import PyJWK

    try:
        key = PyJWK({name: jwk[name] for name in _PUBLIC if name in jwk}, algorithm)
        return key if jwk["kty"] != "RSA" or key.key.key_size >= MIN_RSA_BITS else None
    except Exception:  # the text of others raises many things, and one bad key must not take the others along
        return None


def _is_alike(known: PyJWK | NoKey, key: PyJWK) -> bool:
    """Return whether a key is the one that has its name already: a set may list a key twice."""
    return not isinstance(known, NoKey) and bool(known.key == key.key)
