"""How the tests of WorkOS's fake ask it: as an application, and as a browser."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from sealed_session.testing import FakeWorkOS

from .calls import get, post

BACK = "https://app.example.com/callback"
VERIFIER = "test-verifier-that-is-long-enough-for-pkce-43"
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def authenticate(fake: FakeWorkOS, grant: str = "refresh_token", **members: Any) -> httpx2.Response:
    """POST /user_management/authenticate, as the application."""
    us = {"client_id": fake.client_id, "client_secret": fake.api_key, "grant_type": grant}
    return post(fake, "/user_management/authenticate", json={**us, **members})


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of an error, in either shape."""
    body = answer.json()
    return answer.status_code, body.get("error") or body["code"]


def authorize(fake: FakeWorkOS, **changes: Any) -> httpx2.Response:
    """GET /user_management/authorize, as a browser; None leaves a parameter out."""
    good = {"client_id": fake.client_id, "redirect_uri": BACK, "response_type": "code", "provider": "authkit"}
    pkce = {"state": "s1", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    asked = {name: one for name, one in {**good, **pkce, **changes}.items() if one is not None}
    return get(fake, "/user_management/authorize", params=asked)


def query(answer: httpx2.Response) -> dict[str, str]:
    """What comes back with a browser."""
    assert 302 == answer.status_code
    return {name: one for name, (one,) in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def exchange(fake: FakeWorkOS, code_verifier: str | None = VERIFIER, **changes: Any) -> httpx2.Response:
    """Sign in by way of the pages."""
    code = query(authorize(fake, **changes))["code"]
    return authenticate(fake, "authorization_code", code=code, code_verifier=code_verifier)
