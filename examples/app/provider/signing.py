"""The provider's key: made when the provider starts, and gone with it."""

from __future__ import annotations

import json
import secrets
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ALGORITHM = "RS256"
_BITS = 2048


class SigningKey:
    """Signs tokens. Safe to share between threads.

    Attributes:
        public: The public half, as a JSON Web Key.
    """

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
        self._kid = secrets.token_hex(8)
        public: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self._private.public_key()))
        self.public = {**public, "kid": self._kid, "use": "sig", "alg": ALGORITHM}

    def sign(self, claims: dict[str, Any], *, kind: str = "JWT") -> str:
        """Return a JSON Web Token of a kind."""
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._kid, "typ": kind})
