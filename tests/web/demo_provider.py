"""The demo's provider without a server, for tests that are its application and the browser before it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from examples.app.board import Board
from examples.app.provider import create_provider
from examples.app.provider.client import Client
from examples.app.provider.codes import challenge_of
from examples.app.provider.signing import SigningKey
from sealed_session.verifier import JWTVerifier, Verdict

ISSUER, ORIGIN = "http://127.0.0.1:1", "http://localhost:2"
CLIENT = Client(ORIGIN, "a client secret: 100 % for tests")
VERIFIER = "a code verifier for tests, of 43 characters"
KEY = SigningKey()
AUTH = (quote_plus(CLIENT.client_id), quote_plus(CLIENT.secret))
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
GOOD = {
    "response_type": "code",
    "client_id": CLIENT.client_id,
    "redirect_uri": CLIENT.redirect_uri,
    "state": "a state for tests",
    "nonce": "a nonce for tests",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
    "scope": "openid profile email offline_access",
}


class Told(list[tuple[str, dict[str, str]]]):
    """What the application was told by the back channel, and how it answers."""

    status = 200

    def __call__(self, uri: str, fields: dict[str, str]) -> int:
        """Take a form."""
        self.append((uri, fields))
        return self.status


class Op:
    """The provider, with one browser before it; ``beside`` it there may be others."""

    def __init__(self, app: Flask, told: Told) -> None:
        self.app = app
        self.told = told
        self.browser = app.test_client()

    @classmethod
    def on(cls, board: Board) -> Op:
        """Build one on a board."""
        told = Told()
        return cls(create_provider(ISSUER, CLIENT, board, latency=0, post=told, key=KEY), told)

    def beside(self) -> Op:
        """Return the same provider with another browser before it."""
        return Op(self.app, self.told)

    def get(self, path: str, **query: str | None) -> TestResponse:
        """Open a page; None leaves something out of the query."""
        return self.browser.get(with_query(path, query), base_url=ISSUER)

    def press(self, path: str, query: dict[str, str | None], **form: str) -> TestResponse:
        """Send a form of one of its own pages."""
        return self.browser.post(with_query(path, query), base_url=ISSUER, data=form, headers=SAME_ORIGIN)

    def authorize(self, **changes: str | None) -> TestResponse:
        """Be sent to its page by the application, with a request that is good but for the changes."""
        return self.get("/authorize", **(GOOD | changes))

    def choose(self, person: str = "bjarte", **changes: str | None) -> dict[str, str]:
        """Press somebody's card; what the application is sent back."""
        return answer_in(self.press("/sign-in", {**GOOD, **changes}, person=person))

    def ask(self, path: str, **form: str) -> TestResponse:
        """Ask an endpoint, as the application does."""
        return self.browser.post(path, base_url=ISSUER, data=form, auth=AUTH)

    def exchange(self, code: str, **changes: str) -> TestResponse:
        """Exchange a code."""
        form = {"code": code, "redirect_uri": CLIENT.redirect_uri, "code_verifier": VERIFIER, **changes}
        return self.ask("/token", grant_type="authorization_code", **form)

    def refresh(self, refresh_token: str, **form: str) -> TestResponse:
        """Use a refresh token."""
        return self.ask("/token", grant_type="refresh_token", refresh_token=refresh_token, **form)

    def sign_in(self, person: str = "bjarte", **changes: str | None) -> dict[str, Any]:
        """Sign somebody in; the answer of the token endpoint."""
        answer: dict[str, Any] = self.exchange(self.choose(person, **changes)["code"]).json or {}
        return answer

    def claims(self, token: str) -> dict[str, Any]:
        """Verify a token by the keys that are published; its claims."""
        keys = self.get("/keys").json
        found = JWTVerifier(keys=keys, issuers=[ISSUER], audience=CLIENT.client_id).verify(token)
        assert Verdict.VALID is found.verdict, found.code
        return dict(found.claims or {})


def with_query(path: str, query: dict[str, str | None]) -> str:
    """Write a path with a query."""
    return f"{path}?{urlencode({name: value for name, value in query.items() if value is not None})}"


def answer_in(response: TestResponse) -> dict[str, str]:
    """What the application is sent: there, and nowhere else."""
    assert 303 == response.status_code, response.text
    url = urlsplit(str(response.location))
    assert CLIENT.redirect_uri == url._replace(query="").geturl()
    return {name: value for name, [value] in parse_qs(url.query, strict_parsing=True).items()}
