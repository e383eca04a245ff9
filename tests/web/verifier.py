"""A verifier that says what a test wants, and providers whose tokens a real one can verify."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sealed_session import Session
from sealed_session.verifier import FINDINGS, Verification
from tests.core.jwks_server import SigningKey

ISSUER = "https://id.example.com"


class Judge:
    """Answers every token alike.

    Attributes:
        code: What it finds, a key of ``FINDINGS``; each has its verdict.
        error: What it raises instead.
        asked: The tokens that it was asked about, and about whom they should be.
    """

    def __init__(self, code: str = "valid") -> None:
        self.code = code
        self.error: Exception | None = None
        self.asked: list[tuple[str, str | None]] = []

    def verify(self, access_token: str, *, subject: str | None = None) -> Verification:
        """Say it."""
        self.asked.append((access_token, subject))
        if self.error is not None:
            raise self.error
        return Verification(FINDINGS[self.code][0], self.code)


class SigningProvider:
    """Hands out tokens that are signed, each good for 300 seconds, and says where its keys are.

    Attributes:
        sub: Whom its tokens are about; None: nobody.
        issuer_claim: Their claim ``iss``.
        answers_with: What else an answer brings: a user, for example.
    """

    identity = "signing"
    subject_field = "id"

    def __init__(self, clock: Callable[[], int], key: SigningKey, jwks_url: str) -> None:
        self.clock, self.key = clock, key
        self.jwks_url, self.issuers = jwks_url, (ISSUER,)
        self.sub: str | None = "user_1"
        self.issuer_claim = ISSUER
        self.answers_with: dict[str, Any] = {}
        self.calls = 0

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return session.refresh_token

    def refresh(self, session: Session, /, **_arguments: Any) -> Session:
        """Hand out the next pair."""
        self.calls += 1
        return Session(**self.pair(), **self.answers_with)

    def pair(self) -> dict[str, Any]:
        """A new pair."""
        now = self.clock()
        claims = {"sub": self.sub, "iss": self.issuer_claim, "iat": now, "exp": now + 300, "sid": "session_1"}
        return {"access_token": self.key.sign(claims), "refresh_token": f"refresh_{self.calls}"}
