"""What Stytch knows of a person and of a session, as its API shows them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from ..exact_json import JsonObject
from .clock import rfc3339

SESSION_CLAIM = "https://stytch.com/session"
"""The claim of a ``session_jwt`` that describes the session."""

_RESERVED = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", SESSION_CLAIM})


def person(given: JsonObject | None, now: int) -> JsonObject:
    """Return a user object: Ada's, with what is given in its place.

    Args:
        given: Members of it, ``user_id`` for example.
        now: When the user was created.
    """
    return {
        "user_id": "user-test-00000000-0000-4000-8000-00000000ada0",
        "name": {"first_name": "Ada", "middle_name": "", "last_name": "Lovelace"},
        "emails": [{"email_id": "email-test-ada", "email": "ada@example.com", "verified": True}],
        "status": "active",
        "created_at": rfc3339(now),
        "is_locked": False,
        "roles": ["stytch_user"],
        **{name: [] for name in ("phone_numbers", "webauthn_registrations", "providers", "totps")},
        **{name: [] for name in ("crypto_wallets", "biometric_registrations")},
        **{name: {} for name in ("trusted_metadata", "untrusted_metadata")},
        **(given or {}),
    }


def first_email(user: JsonObject) -> str:
    """Return the first address of a person; empty where there is none."""
    emails = user["emails"]
    return str(emails[0]["email"]) if emails else ""


@dataclass
class StytchSession:
    """A session. Times are Unix seconds.

    Attributes:
        user: Whose.
        started_at: When.
        expires_at: When it ends, whatever its JWT says.
        last_accessed_at: When it was last authenticated.
        custom_claims: Of its owner's; the names of Stytch's own are left out.
        token: The opaque one, which stays the same.
        session_id: Its name.
    """

    user: JsonObject
    started_at: int
    expires_at: int
    last_accessed_at: int
    custom_claims: JsonObject
    token: str = field(default_factory=lambda: secrets.token_urlsafe(33), repr=False)
    session_id: str = field(default_factory=lambda: f"session-test-{secrets.token_hex(16)}")

    def add_claims(self, claims: JsonObject) -> None:
        """Set custom claims; None deletes one. Those with a name of Stytch's own are ignored."""
        merged = {**self.custom_claims, **claims}
        self.custom_claims = {n: value for n, value in merged.items() if value is not None and n not in _RESERVED}

    def describe(self) -> JsonObject:
        """Return the ``session`` of an answer."""
        return {
            "session_id": self.session_id,
            "user_id": self.user["user_id"],
            **self._facts(),
            "custom_claims": self.custom_claims,
        }

    def claims(self) -> JsonObject:
        """Return the claims of its JWT that are about it."""
        return {
            **self.custom_claims,
            "sub": self.user["user_id"],
            SESSION_CLAIM: {"id": self.session_id, **self._facts()},
        }

    def _facts(self) -> dict[str, Any]:
        factor = {
            "type": "password",
            "delivery_method": "knowledge",
            "last_authenticated_at": rfc3339(self.started_at),
            "email_factor": {"email_id": "email-test-ada", "email_address": first_email(self.user)},
        }
        return {
            "started_at": rfc3339(self.started_at),
            "last_accessed_at": rfc3339(self.last_accessed_at),
            "expires_at": rfc3339(self.expires_at),
            "attributes": {"ip_address": "203.0.113.1", "user_agent": "a test"},
            "authentication_factors": [factor],
            "roles": self.user["roles"],
        }
