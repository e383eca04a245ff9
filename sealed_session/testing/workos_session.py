"""What WorkOS knows of people and sessions: the user object, refresh tokens that are used up, one-time codes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from .. import encoding
from ..exact_json import JsonObject
from .clock import rfc3339

CODE_LIFETIME = 600
"""Seconds."""


def person(given: JsonObject | None, now: int) -> JsonObject:
    """Return a user object: Ada's, with what is given in its place.

    Args:
        given: Members of it, ``id`` for example.
        now: When the user was created.
    """
    times = {name: rfc3339(now, ".000Z") for name in ("last_sign_in_at", "created_at", "updated_at")}
    return {
        "object": "user",
        "id": "user_01TEST0000000000000000ADA",
        "email": "ada@example.com",
        "email_verified": True,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "profile_picture_url": None,
        "external_id": None,
        "metadata": {},
        **times,
        **(given or {}),
    }


@dataclass
class WorkOSSession:
    """A session, and the refresh tokens that it has had.

    Attributes:
        user: Whose.
        authenticated_at: When the person has proved who they are, in Unix seconds.
        organization_id: Of the organisation that the person is in now.
        impersonator: Who acts in the person's place.
        claims: Further claims of its access tokens.
        is_over: Whether it was revoked.
        sid: Its name.
        used: Refresh tokens that were exchanged: when, and for which.
        token: The one that is good.
    """

    user: JsonObject
    authenticated_at: int
    organization_id: str | None = None
    impersonator: JsonObject | None = None
    claims: JsonObject = field(default_factory=dict)
    is_over: bool = False
    sid: str = field(default_factory=lambda: f"session_{secrets.token_hex(13).upper()}")
    used: dict[str, int] = field(default_factory=dict, repr=False)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(20), repr=False)

    def rotate(self, now: int) -> None:
        """Use the refresh token up."""
        self.used[self.token] = now
        self.token = secrets.token_urlsafe(20)

    def describe(self) -> JsonObject:
        """Return the claims of an access token that are about it."""
        organization = {} if self.organization_id is None else _member(self.organization_id)
        acting = {} if self.impersonator is None else {"act": {"sub": self.impersonator["email"]}}
        about = {"sub": self.user["id"], "sid": self.sid, "auth_time": self.authenticated_at}
        return {**about, **organization, **acting, **self.claims}


def _member(organization_id: str) -> dict[str, Any]:
    return {"org_id": organization_id, "role": "member", "roles": ["member"], "permissions": []}


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code, before it is exchanged.

    Attributes:
        user: Who has signed in.
        organization_id: Where.
        challenge: Of PKCE; None where there is none.
        ends_at: Unix seconds.
    """

    user: JsonObject
    organization_id: str | None
    challenge: str | None
    ends_at: int

    def fits(self, verifier: Any, now: int) -> bool:
        """Return whether it is fresh, and the verifier is the one of its challenge (RFC 7636, section 4.6)."""
        if now >= self.ends_at:
            return False
        if type(verifier) is not str:
            return self.challenge is None and verifier is None
        return self.challenge == encoding.encode(sha256(verifier.encode(errors="replace")).digest())
