"""The provider's sessions, in memory. A refresh token is good once, and its first use begins the next one.

Whoever comes with a used one is refused, as real providers do it. The session goes on; with a provider of the kind that
ends it then, the damage of a second call would be done.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, NoReturn

from ..board import Board
from ..people import PEOPLE, Person
from .signing import SigningKey

CLIENT_ID = "demo"
"""The one application that is known here: tokens are for it."""


class Refusal(Exception):
    """No tokens.

    Attributes:
        code: Of RFC 6749, section 5.2.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Grant:
    """What a refresh token stands for.

    Attributes:
        person: Who is signed in.
        sid: The session's id.
        organization_id: In whose name the person acts.
        endings: How often all sessions had been ended when this one began.
    """

    person: Person
    sid: str
    organization_id: str | None
    endings: int


class Grants:
    """Hands out pairs of tokens. Safe to share between threads: of all who come with one token, one is served."""

    def __init__(self, board: Board, key: SigningKey, lifetime: int) -> None:
        self._board = board
        self._key = key
        self._lifetime = lifetime
        self._good: dict[str, Grant] = {}
        self._used: dict[str, str] = {}  # and of which session
        self._lock = Lock()

    def sign_in(self, issuer: str, key: str) -> dict[str, Any]:
        """Begin a session.

        Returns:
            The token endpoint's answer, with the person as ``user`` and, where there is one, the ``impersonator``.

        Raises:
            Refusal: There is nobody of that name.
        """
        person = PEOPLE.get(key)
        if person is None:
            raise Refusal("invalid_request")
        sid = f"session_{secrets.token_hex(12)}"
        grant = Grant(person, sid, person.claims.get("org_id"), self._board.endings())
        impersonator = {} if person.impersonator is None else {"impersonator": person.impersonator}
        return {**self._tokens(issuer, grant), "user": person.user, **impersonator}

    def refresh(self, issuer: str, refresh_token: str, organization_id: str | None = None) -> dict[str, Any]:
        """Take a refresh token for the next pair.

        Args:
            issuer: Whose tokens these are.
            refresh_token: What is used up.
            organization_id: Into which organisation to change; None: none.

        Raises:
            Refusal: The token was used, its session has ended, or the person is no member there.
        """
        grant = self._use_up(refresh_token, organization_id)
        self._board.called(grant.sid, "new")
        self._board.note("provider", "Gave new tokens for a refresh token.")
        return self._tokens(issuer, replace(grant, organization_id=organization_id or grant.organization_id))

    def _use_up(self, refresh_token: str, organization_id: str | None) -> Grant:
        with self._lock:
            grant = self._good.get(refresh_token)
            if grant is not None and organization_id not in (None, *grant.person.organizations):
                raise Refusal("invalid_target")  # and the token is as good as before
            if grant is not None:
                self._used[refresh_token] = self._good.pop(refresh_token).sid
        if grant is None:
            self._refuse("Refused a used refresh token.", self._used.get(refresh_token))
        if grant.endings != self._board.endings():
            self._refuse("Refused a session that it has ended.", None)
        return grant

    def _refuse(self, what: str, sid: str | None) -> NoReturn:
        if sid is not None:
            self._board.called(sid, "refused")
        self._board.note("provider", what)
        raise Refusal("invalid_grant")

    def _tokens(self, issuer: str, grant: Grant) -> dict[str, Any]:
        refresh_token = secrets.token_urlsafe(24)
        with self._lock:
            self._good[refresh_token] = grant
        return {
            "access_token": self._key.sign(self._claims(issuer, grant)),
            "token_type": "Bearer",
            "expires_in": self._lifetime,
            "refresh_token": refresh_token,
        }

    def _claims(self, issuer: str, grant: Grant) -> dict[str, Any]:
        now = int(time.time())
        return {
            **grant.person.claims,
            **({} if grant.organization_id is None else {"org_id": grant.organization_id}),
            "iss": issuer,
            "aud": CLIENT_ID,
            "sub": grant.person.user["id"],
            "sid": grant.sid,
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + self._lifetime,
        }
