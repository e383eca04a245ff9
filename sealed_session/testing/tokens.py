"""Tokens that look like real ones and verify nowhere. Those that verify are signed by ``signing.py``."""

from __future__ import annotations

import json
import secrets
from typing import Any

from .. import encoding
from ..arguments import wrong_type

_SIGNATURE_BYTES = 256
"""Of RS256 with the usual key, so that the sizes are real."""


def access_token(*, expires_at: int | None, sub: str = "user_1", **claims: Any) -> str:
    """Make a JSON Web Token as long as a real one. Its signature is random bytes: no verifier accepts it.

    Args:
        expires_at: Its claim ``exp``, Unix seconds; None for none.
        sub: Its claim ``sub``.
        claims: Further claims.

    Raises:
        UsageTypeError: ``expires_at`` is neither an int nor None.
    """
    if expires_at is not None and type(expires_at) is not int:
        raise wrong_type("expires_at", "whole Unix seconds (int)", expires_at)
    ending = {} if expires_at is None else {"exp": expires_at}
    parts = ({"alg": "RS256", "typ": "JWT", "kid": "testing"}, {"sub": sub, **claims, **ending})
    written = [encoding.encode(json.dumps(part, separators=(",", ":")).encode()) for part in parts]
    return ".".join([*written, encoding.encode(secrets.token_bytes(_SIGNATURE_BYTES))])
