"""The signing keys of the faults' provider: tokens that verify, and keys that can be out of reach or new."""

from __future__ import annotations

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://id.example.com"


class Keys:
    """One key at a time. Safe to share between threads.

    Attributes:
        is_away: Whether nobody can fetch it.
        fetched: How often it was fetched.
    """

    def __init__(self) -> None:
        self.is_away = False
        self.fetched = self._number = 0
        self.renew()

    def renew(self) -> None:
        """Sign with a new key from now on."""
        key, self._number = rsa.generate_private_key(public_exponent=65537, key_size=2048), self._number + 1
        self._current = key, f"key {self._number}"

    def sign(self, ends: int, claims: dict[str, Any]) -> str:
        """Make an access token."""
        key, name = self._current
        return jwt.encode({**claims, "iss": ISSUER, "exp": ends}, key, algorithm="RS256", headers={"kid": name})

    def published(self) -> dict[str, Any] | None:
        """Return the key set; None where it is away."""
        if self.is_away:
            return None
        self.fetched += 1
        key, name = self._current
        public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
        return {"keys": [{**public, "kid": name, "use": "sig", "alg": "RS256"}]}
