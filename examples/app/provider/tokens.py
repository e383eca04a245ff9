"""What the provider signs: access tokens, ID tokens and logout tokens.

Source: RFC 7519; OpenID Connect Core 1.0, section 2; Back-Channel Logout 1.0, section 2.4.
"""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .signing import SigningKey

if TYPE_CHECKING:
    from .codes import Code
    from .grants import Grant

LIFETIME = 20
"""Seconds that an access token is good for. Real ones live for 5 to 15 minutes; nobody would wait for that here."""

EVENT = "http://schemas.openid.net/event/backchannel-logout"

_SHORT = 120
"""Seconds that the others are good for: they are read once, and at once."""


class Tokens:
    """Makes the tokens of one issuer for one application. Safe to share between threads.

    Attributes:
        public_key: What they are verified with, as a JSON Web Key.
    """

    def __init__(self, issuer: str, client_id: str, key: SigningKey, lifetime: int) -> None:
        self._key = key
        self._common = {"iss": issuer, "aud": client_id}
        self._lifetime = lifetime
        self.public_key = self._key.public

    def pair(self, grant: Grant) -> dict[str, Any]:
        """Return an access token, and the refresh token beside it: the token endpoint's answer."""
        person = grant.visitor.person
        claims = {
            **person.claims,
            **({"org_id": grant.organization_id} if grant.organization_id else {}),
            **({"organizations": person.organizations} if person.organizations else {}),
            **self._claims(self._lifetime, sub=person.sub, sid=grant.sid, jti=secrets.token_hex(8)),
        }
        answer = {"access_token": self._key.sign(claims), "token_type": "Bearer", "expires_in": self._lifetime}
        return answer if grant.refresh_token is None else {**answer, "refresh_token": grant.refresh_token}

    def identity(self, code: Code, access_token: str) -> str:
        """Return the ID token that comes with an access token."""
        person, scope = code.visitor.person, code.asked.scope
        return self._key.sign(
            {
                **(person.profile if "profile" in scope else {}),
                **(person.email if "email" in scope else {}),
                **({} if code.asked.nonce is None else {"nonce": code.asked.nonce}),
                **self._claims(_SHORT, sub=person.sub, sid=code.sid, auth_time=code.visitor.auth_time),
                "at_hash": at_hash(access_token),
            }
        )

    def logout(self, grant: Grant) -> str:
        """Return the token that says that a session is over."""
        sub, jti = grant.visitor.person.sub, secrets.token_hex(8)
        claims = self._claims(_SHORT, sub=sub, sid=grant.sid, jti=jti, events={EVENT: {}})
        return self._key.sign(claims, kind="logout+jwt")

    def _claims(self, lifetime: int, **claims: Any) -> dict[str, Any]:
        now = int(time.time())
        return {**self._common, **claims, "iat": now, "exp": now + lifetime}


def at_hash(access_token: str) -> str:
    """Return the left half of an access token's hash (OpenID Connect Core 1.0, section 3.1.3.6)."""
    return urlsafe_b64encode(sha256(access_token.encode()).digest()[:16]).rstrip(b"=").decode()
