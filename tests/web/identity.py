"""An identity provider with pages of its own, as far as an application sees one: no network, no signatures.

It does what the contract in sealed_session/providers/sign_in.py says, and remembers what it was asked.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from sealed_session import Session, encoding
from sealed_session.errors import LogoutRefused, SignInFailed
from sealed_session.providers.logout_token import Logout
from sealed_session.providers.sign_in import Attempt
from sealed_session.testing import FakeProvider

PAGES = "https://id.example.net"


class Identity(FakeProvider):
    """Signs people in by a code that is good once, and ends sessions.

    Attributes:
        begun: The attempts of every sign-in that was begun, and its parameters.
        given: The answers of every sign-in that came back.
        revoked: The refresh tokens that were revoked.
        was_revoked: Set with the first of them.
        person: Whose session the next code opens.
        raises: What the next call raises, by its name.
        confirms: Whether it confirms a revocation.
    """

    def __init__(self, clock: Callable[[], float] | None = None, *, lifetime: int = 300) -> None:
        """Begin with nobody signed in."""
        super().__init__(clock, lifetime=lifetime)
        self.begun: list[tuple[Attempt, dict[str, Any]]] = []
        self.given: list[Mapping[str, str]] = []
        self.revoked: list[str | None] = []
        self.person: dict[str, Any] = {"id": "user_1", "email": "ada@example.com", "first_name": "Ada"}
        self.claims: dict[str, Any] = {}
        self.raises: dict[str, Exception] = {}
        self.confirms = True
        self.was_revoked = Event()
        self._codes: dict[str, str] = {}

    def begin_sign_in(self, redirect_uri: str, *, max_age: int | None = None, **parameters: Any) -> tuple[str, Attempt]:
        """Return the address of the pages, and what to keep."""
        self._may_raise("begin_sign_in")
        now = time.time() if self._clock is None else self._clock()
        attempt = Attempt.begin(redirect_uri, now, has_nonce=True, max_age=max_age)
        self.begun.append((attempt, parameters))
        query = {"state": attempt.state, "redirect_uri": redirect_uri, "nonce": attempt.nonce or ""}
        return f"{PAGES}/authorize?{urlencode(query)}", attempt

    def approve(self, url: str, **more: str) -> str:
        """Be the person at the pages: return the callback's address, with a code that is good once."""
        query = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(16)
        self._codes[code] = query["nonce"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], **more})}"

    def refuse(self, url: str, error: str = "access_denied") -> str:
        """Return the callback's address with an error."""
        query = dict(parse_qsl(urlsplit(url).query))
        return f"{query['redirect_uri']}?{urlencode({'error': error, 'state': query['state']})}"

    def finish_sign_in(self, attempt: Attempt, answer: Mapping[str, str]) -> Session:
        """Exchange the code."""
        self.given.append(answer)
        self._may_raise("finish_sign_in")
        if answer.get("state") != attempt.state:
            raise SignInFailed("Another state.", code="state_mismatch")
        if "error" in answer:
            raise SignInFailed("Refused.", detail=answer["error"], code="access_denied")
        if self._codes.pop(answer.get("code", ""), None) != attempt.nonce:
            raise SignInFailed("Used.", code="code_refused")
        return Session(**self.sign_in(self.person, **self.claims))

    def revoke(self, session: Session) -> bool:
        """End a session."""
        self._may_raise("revoke")
        self.revoked.append(session.refresh_token)
        self.was_revoked.set()
        return self.confirms

    def sign_out_url(self, session: Session, return_to: str | None = None) -> str | None:
        """Return the page for signing out."""
        self._may_raise("sign_out_url")
        back = {} if return_to is None else {"return_to": return_to}
        return f"{PAGES}/logout?{urlencode({'sid': session.session_id or '', **back})}"

    def read_logout_token(self, token: str) -> Logout:
        """Read a token that ``logout_token`` made."""
        self._may_raise("read_logout_token")
        try:
            sid, sub, issued_at, token_id = encoding.decode(token).decode().split("\0")
        except ValueError:
            raise LogoutRefused("No token.", detail="malformed") from None
        return Logout(sid or None, sub or None, int(issued_at), token_id)

    def logout_token(self, *, sid: str = "", sub: str = "", issued_at: int, token_id: str = "jti_1") -> str:  # noqa: S107
        """Say that sessions are over."""
        return encoding.encode("\0".join((sid, sub, str(issued_at), token_id)).encode())

    def _may_raise(self, what: str) -> None:
        if what in self.raises:
            raise self.raises.pop(what)
