"""The sessions of the application, in memory. A refresh token is good once, and its first use begins the next one.

Whoever comes with a used one is refused, as real providers do it. The session goes on; with a provider of the kind that
ends it then, the damage of a second call would be done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..board import Board
from .client import Refusal
from .keeping import keep
from .visitors import Visitor

if TYPE_CHECKING:
    from .codes import Code
    from .tokens import Tokens

_MOST, _MOST_TOKENS = 1000, 10_000


def new_sid() -> str:
    """Return the id of a new session."""
    return f"session_{secrets.token_hex(12)}"


def _new_token() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Grant:
    """A session of the application.

    Attributes:
        visitor: Who is signed in, and in which browser.
        sid: The session's id.
        organization_id: In whose name the person acts.
        endings: How often all sessions had been ended when this one began.
        refresh_token: The one that is good now; None where none was asked for.
    """

    visitor: Visitor
    sid: str
    organization_id: str | None
    endings: int
    refresh_token: str | None = field(repr=False)


class Grants:
    """Hands out pairs of tokens. Safe to share between threads: of all who come with one token, one is served."""

    def __init__(self, board: Board, tokens: Tokens) -> None:
        self._board = board
        self._tokens = tokens
        self._alive: dict[str, Grant] = {}
        self._sids: dict[str, str] = {}  # of every refresh token, the used ones too
        self._lock = Lock()

    def begin(self, code: Code) -> dict[str, Any]:
        """Begin the session of a code; return the token endpoint's answer."""
        person, scope = code.visitor.person, code.asked.scope
        token = _new_token() if "offline_access" in scope else None
        grant = Grant(code.visitor, code.sid, person.claims.get("org_id"), self._board.endings(), token)
        with self._lock:
            self._keep(grant)
        self._board.note("provider", "Exchanged a code for tokens.")
        answer = self._tokens.pair(grant)
        return {**answer, "id_token": self._tokens.identity(code, answer["access_token"]), "scope": " ".join(scope)}

    def refresh(self, refresh_token: str, organization_id: str | None = None) -> dict[str, Any]:
        """Take a refresh token for the next pair.

        Args:
            refresh_token: What is used up.
            organization_id: Into which organisation to change; None: none.

        Raises:
            Refusal: The token was used, its session has ended, or the person is no member there.
        """
        with self._lock:
            sid = self._sids.get(refresh_token)
            grant = self._grant(sid)
            is_good = grant is not None and grant.refresh_token == refresh_token
            if grant is not None and is_good:
                if organization_id not in (None, *grant.visitor.person.organizations):
                    raise Refusal("invalid_target")  # and the token is as good as before
                new = organization_id or grant.organization_id
                grant = replace(grant, organization_id=new, refresh_token=_new_token())
                self._keep(grant)
        if grant is None or not is_good:
            self._refuse(sid, is_used=grant is not None)
            raise Refusal("invalid_grant")
        self._board.called(grant.sid, "new")
        self._board.note("provider", "Gave new tokens for a refresh token.")
        return self._tokens.pair(grant)

    def end(self, sid: str, why: str | None = None) -> None:
        """End a session, if it is alive, and note why, where that is not noted elsewhere."""
        with self._lock:
            grant = self._alive.pop(sid, None)
        if grant is not None and why is not None:
            self._board.note("provider", why)

    def end_of(self, refresh_token: str) -> None:
        """End the session of a refresh token, be it the one of the moment or a used one (RFC 7009)."""
        self.end(self._sids.get(refresh_token, ""), "Ended a session, as the application wanted.")

    def find(self, is_it: Callable[[Grant], bool]) -> list[Grant]:
        """Return the sessions that are alive and wanted, the oldest first."""
        with self._lock:
            return [grant for grant in map(self._grant, list(self._alive)) if grant is not None and is_it(grant)]

    def _grant(self, sid: str | None) -> Grant | None:
        grant = self._alive.get(sid or "")
        return grant if grant is not None and grant.endings == self._board.endings() else None

    def _keep(self, grant: Grant) -> None:
        keep(self._alive, grant.sid, grant, _MOST)
        if grant.refresh_token is not None:
            keep(self._sids, grant.refresh_token, grant.sid, _MOST_TOKENS)

    def _refuse(self, sid: str | None, *, is_used: bool) -> None:
        if sid is not None and is_used:
            self._board.called(sid, "refused")
            self._board.note("provider", "Refused a used refresh token.")
        elif sid is not None:
            self._board.note("provider", "Refused a session that it has ended.")
