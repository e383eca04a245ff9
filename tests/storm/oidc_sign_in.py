"""A person's way through an OpenID provider's pages, with a plain HTTP client: every form is filled in and sent.

Authorization code with PKCE. Source: RFC 6749, section 4.1; RFC 7636; OpenID Connect Core 1.0, section 3.1.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urljoin, urlsplit

import httpx2

from sealed_session import Session
from tests.storm.oidc_server import Client, Provider

TYPED = {"login": "user_1", "password": "test data, any is good"}
"""What the person types, by the name of the field."""

MOST_STEPS = 20


def new_browser() -> httpx2.Client:
    """Return a client that keeps cookies, and follows no redirect by itself. To be closed by the caller."""
    return httpx2.Client(trust_env=False, timeout=10)


def walk(browser: httpx2.Client, url: str, until: str) -> dict[str, str]:
    """Go where a browser would go, through redirects and forms, until it is led to an address of the application.

    Args:
        browser: Of ``new_browser``; it is signed in at the provider afterwards.
        url: Where to begin: the authorization request, or an application's page that redirects there.
        until: How the address begins where it ends. Nothing is sent there.

    Returns:
        The query of that address: ``code`` and ``state``, or ``error``.
    """
    answer = browser.get(url)
    for _ in range(MOST_STEPS):
        if answer.is_redirect:
            url = urljoin(str(answer.url), answer.headers["Location"])
            if url.startswith(until):
                return dict(parse_qsl(urlsplit(url).query))
            answer = browser.get(url)
        else:
            assert answer.status_code == 200, f"a page of the provider answered {answer.status_code}"
            form = Form(answer.text)
            answer = browser.post(urljoin(str(answer.url), form.action), data=form.fields)
    raise AssertionError(f"not at {until} after {MOST_STEPS} pages")


def sign_in(provider: Provider, client: Client, browser: httpx2.Client | None = None) -> Session:
    """Sign a person in, and return the session that the provider's tokens make.

    Args:
        provider: Where.
        client: For which application.
        browser: Of somebody who may be signed in there already; None: a new one.
    """
    verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
    asked = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": client.redirect_uri,
        "scope": "openid read",
        "state": state,
        "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    with new_browser() as own:
        metadata = own.get(f"{provider.issuer}/.well-known/openid-configuration").json()
        start = f"{metadata['authorization_endpoint']}?{urlencode(asked)}"
        given = walk(own if browser is None else browser, start, client.redirect_uri)
        assert (state, provider.issuer) == (given.get("state"), given.get("iss")), given.get("error")
        return _exchange(own, metadata["token_endpoint"], client, given["code"], verifier)


def _exchange(browser: httpx2.Client, endpoint: str, client: Client, code: str, verifier: str) -> Session:
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": client.redirect_uri,
    }
    answer = post_as(browser, client, endpoint, fields)
    assert answer.status_code == 200, answer.json().get("error")
    tokens: dict[str, Any] = answer.json()
    return Session(
        tokens["access_token"],
        tokens["refresh_token"],
        tokens={"id_token": tokens["id_token"]},
        session_id=secrets.token_urlsafe(16),
    )


def post_as(browser: httpx2.Client, client: Client, endpoint: str, fields: dict[str, str]) -> httpx2.Response:
    """Send a form as an application, which says who it is (RFC 6749, section 2.3.1)."""
    secret = client.client_secret
    if client.auth == "basic":
        return browser.post(endpoint, data=fields, auth=(quote_plus(client.client_id), quote_plus(secret or "")))
    own = {"client_id": client.client_id} | ({} if secret is None else {"client_secret": secret})
    return browser.post(endpoint, data=fields | own)


class Form(HTMLParser):
    """The first form of a page, filled in, its first button pressed: to go on, mostly.

    Attributes:
        action: Where to send it.
        fields: What to send.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._is_pressed = False
        self.feed(page)
        self.close()
        assert self.action, "a page without a form"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what the form has, and type the rest."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = given["action"]
        elif tag == "input" and self.action:
            self.fields[given["name"]] = TYPED.get(given["name"], given.get("value", ""))
        elif tag == "button" and "name" in given and not self._is_pressed:
            self._is_pressed = True
            self.fields[given["name"]] = given.get("value", "")
