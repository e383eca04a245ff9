"""Auth0, as far as an application's server and its browsers see it: over HTTP on the loopback, for tests.

A refresh token is good once; one that is used twice ends its family, as with rotation turned on.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sealed_session import encoding
from sealed_session.exact_json import JsonObject
from sealed_session.testing.fake import Fake
from sealed_session.testing.server import Reply, Request

PERSON = {"sub": "auth0|1", "name": "Ada", "email": "ada@example.com"}


class FakeAuth0(Fake):
    """One tenant with one application and one API. Safe to share between threads.

    Attributes:
        client_secret: Of the application.
        audience: The identifier of the API.
        namespace: Of the claims that an Action adds.
        logout_urls: Where people may come back after they have signed out.
        wants_factor: Whether a refresh ends in a step-up.
    """

    jwks_path = "/.well-known/jwks.json"

    def __init__(self, *, clock: Callable[[], float] | None = None) -> None:
        """Begin with no session.

        Args:
            clock: As for every fake.
        """
        super().__init__("client-of-tests", clock=clock)
        self.client_secret = secrets.token_urlsafe(24)
        self.audience, self.namespace = "https://api.example.com", "https://shop.example.com/"
        self.logout_urls = ["https://app.example.com/", "http://localhost/"]
        self.wants_factor = False
        self._codes: dict[str, Mapping[str, str]] = {}
        self._families: list[list[str]] = []
        self._routes = {
            ("GET", "/.well-known/openid-configuration"): self._describe,
            ("GET", "/authorize"): self._authorize,
            ("POST", "/oauth/token"): self._give_tokens,
            ("POST", "/oauth/revoke"): self._revoke,
            ("GET", "/v2/logout"): self._log_out,
        }

    @property
    def domain(self) -> str:
        """What the dashboard shows."""
        return self.base_url.partition("://")[2]

    @property
    def environ(self) -> dict[str, str]:
        """The variables that an application of this tenant has."""
        us = {"AUTH0_CLIENT_ID": self.client, "AUTH0_CLIENT_SECRET": self.client_secret}
        return {"AUTH0_DOMAIN": self.domain, "AUTH0_AUDIENCE": self.audience, **us}

    def access_token(self, **changes: Any) -> str:
        """Sign an access token for the API; None removes a claim."""
        now, own = self.clock(), {f"{self.namespace}{name}": PERSON[name] for name in ("email", "name")}
        audience = [self.audience, f"{self.base_url}/userinfo"]
        good = {"iss": f"{self.base_url}/", "sub": PERSON["sub"], "aud": audience, "azp": self.client, **own}
        claims = {**good, "iat": now, "exp": now + 300, **changes}
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def end_every_session(self) -> None:
        """Revoke all of them."""
        with self._lock:
            self._families.clear()

    def _describe(self, request: Request) -> Reply:
        paths = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "oauth/token",
            "revocation_endpoint": "oauth/revoke",
            "jwks_uri": ".well-known/jwks.json",
        }
        places = {name: f"{self.base_url}/{path}" for name, path in paths.items()}
        scopes = ["openid", "profile", "email", "offline_access"]
        return Reply(200, {"issuer": f"{self.base_url}/", "scopes_supported": scopes, **places})

    def _authorize(self, request: Request) -> Reply:
        """Let the person sign in at once."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = request.query
        back = urlencode({"code": code, "state": request.query["state"]})
        return Reply(302, b"", {"Location": f"{request.query['redirect_uri']}?{back}"})

    def _give_tokens(self, request: Request) -> Reply:
        sent = self._form(request)
        if sent is None:
            return self._refusal(401, "access_denied")
        if sent["grant_type"] == "refresh_token":
            return self._refresh(sent["refresh_token"])
        asked = self._codes.pop(sent["code"], {})
        proof = encoding.encode(sha256(sent["code_verifier"].encode()).digest())
        if proof != asked.get("code_challenge"):
            return self._refusal(403, "invalid_grant")
        self._families.append([secrets.token_urlsafe(32)])
        return Reply(200, {**self._tokens(asked, self._families[-1]), "id_token": self._id_token(asked["nonce"])})

    def _refresh(self, token: str) -> Reply:
        family = next((one for one in self._families if token in one), [])
        if not family or token != family[-1]:
            family.clear()
            return self._refusal(403, "invalid_grant")
        if self.wants_factor:
            return Reply(403, {"error": "mfa_required", "mfa_token": "test data"})
        family.append(secrets.token_urlsafe(32))
        return Reply(200, self._tokens({"audience": self.audience}, family))

    def _tokens(self, asked: Mapping[str, str], family: list[str]) -> JsonObject:
        is_for_api = asked.get("audience") == self.audience
        access_token = self.access_token() if is_for_api else secrets.token_urlsafe(24)
        return {"access_token": access_token, "refresh_token": family[-1], "expires_in": 300, "token_type": "Bearer"}

    def _id_token(self, nonce: str) -> str:
        now = self.clock()
        ids = {"iss": f"{self.base_url}/", "aud": self.client, "sid": secrets.token_urlsafe(24), "nonce": nonce}
        return self.sign({**ids, **PERSON, "iat": now, "exp": now + 36_000})

    def _revoke(self, request: Request) -> Reply:
        sent = self._form(request)
        if sent is None:
            return self._refusal(401, "access_denied")
        self._families = [one for one in self._families if sent["token"] not in one]
        return Reply(200, b"")

    def _log_out(self, request: Request) -> Reply:
        back = request.query.get("returnTo", self.logout_urls[0])
        is_known = request.query.get("client_id") == self.client and back in self.logout_urls
        return Reply(302, b"", {"Location": back}) if is_known else self._refusal(400, "invalid_request")

    def _form(self, request: Request) -> Mapping[str, str] | None:
        """Return the form of a request that is our application's; None for any other."""
        sent = dict(parse_qsl(request.body.decode()))
        is_ours = (sent.get("client_id"), sent.get("client_secret")) == (self.client, self.client_secret)
        return sent if is_ours else None

    def _refusal(self, status: int, code: str) -> Reply:
        """Return an error in Auth0's shape."""
        return Reply(status, {"error": code, "error_description": code.replace("_", " ")})
