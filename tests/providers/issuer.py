"""An OpenID provider on the loopback whose every answer a test can bend. Its signatures are real."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sealed_session import Session
from sealed_session.providers import OAuth2
from sealed_session.providers.sign_in import Attempt
from sealed_session.testing import access_token
from tests.core.jwks_server import SigningKey, settle

from .server import Behaviour, Connection, Received, Server, reply, running

NOW = 1_800_000_000
CLIENT, SECRET = "client_1", "test-secret-of-the-client"
CODE, REFRESH = "test-code-2Vb6yQe1", "test-refresh-8Kd3pLm5"
BACK = "https://app.example.com/callback"
KEY = SigningKey()


def but(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The same with other members; None removes one."""
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def hashed(text: str, length: int = 32) -> str:
    """The beginning of the SHA-256 of a text, as base64url. 16 bytes of it are an ``at_hash`` for RS256."""
    return urlsafe_b64encode(sha256(text.encode()).digest()[:length]).rstrip(b"=").decode()


class Issuer:
    """What the provider is like.

    Attributes:
        server: Where it listens, and what came.
        key: What it signs with.
        published: The keys that it publishes.
        metadata: Changes of its metadata; None removes one.
        header: Changes of an ID token's header.
        claims: Changes of an ID token's claims.
        tokens: Changes of the token endpoint's answer.
        answers: What a path answers instead.
        attempt: Whose nonce goes into an ID token.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.key = KEY
        self.published = [KEY.jwk()]
        self.metadata: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.tokens: dict[str, Any] = {}
        self.answers: dict[str, Behaviour] = {}
        self.attempt: Attempt | None = None

    @property
    def url(self) -> str:
        """The issuer's name."""
        return self.server.url

    def route(self, connection: Connection) -> None:
        """Answer the request that has just come."""
        path = urlsplit(self.server.requests[-1].target).path
        good = {
            "/.well-known/openid-configuration": self.describe,
            "/jwks": lambda: {"keys": self.published},
            "/token": self.answer,
            "/revoke": dict,
        }
        behaviour = self.answers.get(path) or reply(good[path]())
        behaviour(connection)

    def describe(self) -> dict[str, Any]:
        """Its metadata."""
        places = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "jwks",
            "revocation_endpoint": "revoke",
            "end_session_endpoint": "logout",
        }
        return but({"issuer": self.url, **{name: f"{self.url}/{path}" for name, path in places.items()}}, self.metadata)

    def answer(self) -> dict[str, Any]:
        """What a good code is answered."""
        good = {"access_token": "opaque", "refresh_token": REFRESH, "expires_in": 300, "id_token": self.id_token()}
        return but(good, self.tokens)

    def id_token(self) -> str:
        """An ID token."""
        nonce = None if self.attempt is None else self.attempt.nonce
        good = {"iss": self.url, "aud": CLIENT, "sub": "user_1", "iat": NOW, "exp": NOW + 300, "nonce": nonce}
        return self.key.sign(but(good, self.claims), **self.header)

    def provider(self, **options: Any) -> OAuth2:
        """Our side of it."""
        given = {"issuer": self.url, "client_id": CLIENT, "client_secret": SECRET, "timeout": 5, "clock": lambda: NOW}
        return OAuth2(**{**given, **options})

    def begin(self, provider: OAuth2, **parameters: Any) -> Attempt:
        """Begin a sign-in."""
        _, self.attempt = provider.begin_sign_in(BACK, **parameters)
        return self.attempt

    def sign_in(self, provider: OAuth2 | None = None, **parameters: Any) -> Session:
        """Sign in, with the answers as they are bent."""
        provider = provider or self.provider()
        attempt = self.begin(provider, **parameters)
        return provider.finish_sign_in(attempt, self.back(attempt))

    def back(self, attempt: Attempt, **changes: Any) -> dict[str, Any]:
        """The query of the way back; None removes one."""
        return but({"code": CODE, "state": attempt.state, "iss": self.url}, changes)

    def asked(self, path: str) -> list[Received]:
        """The requests to a path."""
        return [request for request in self.server.requests if urlsplit(request.target).path == path]


@contextmanager
def issuer() -> Iterator[Issuer]:
    """One that runs."""
    with running() as server:
        it = Issuer(server)
        server.answers = [it.route]
        try:
            yield it
        finally:
            settle()


def query(url: str) -> dict[str, str]:
    """The query of an address, whose every name is there once."""
    found = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def jwt(**claims: Any) -> str:
    """An access token that is a JWT."""
    return access_token(expires_at=NOW + 300, **claims)
