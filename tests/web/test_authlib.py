"""Authlib takes people to the provider and back, and ``auth.sign_in`` keeps the tokens: docs/sign-in.md."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from authlib.integrations.flask_client import OAuth  # type: ignore[import-untyped]
from flask import Flask, redirect, url_for
from werkzeug.wrappers import Response

from flask_ext import SealedSession, current_session
from sealed_session.providers import OAuth2
from sealed_session.providers.id_token import session_id_of
from tests.providers.issuer import CLIENT, CODE, KEY, SECRET, Issuer, issuer, query
from tests.web.browser import Browser
from tests.web.jar import Context

ORIGIN = "https://app.example.com"


@pytest.fixture
def op() -> Iterator[Issuer]:
    """An OpenID provider, whose time is the time of day, as Authlib's is."""
    with issuer() as it:
        now = int(time.time())
        times = {"iat": now, "exp": now + 300}
        it.claims = {**times, "name": "Ada", "sid": "session_1"}
        it.tokens = {"access_token": KEY.sign({"iss": it.url, "sub": "user_1", **times})}
        yield it


@pytest.fixture
def app(op: Issuer, password: str) -> Flask:
    """As the page shows it."""
    app = Flask("authlib")
    app.secret_key = "test-key-of-flask"
    app.config["SEALED_SESSION_PASSWORD"] = password
    app.config["SEALED_SESSION_COORDINATOR_URL"] = "memory:"
    app.config["SEALED_SESSION_LOGIN_VIEW"] = "login"
    auth = SealedSession(OAuth2(issuer=op.url, client_id=CLIENT, client_secret=SECRET, timeout=5))
    auth.init_app(app)
    oauth = OAuth(app)
    oauth.register(
        "op",
        client_id=CLIENT,
        client_secret=SECRET,
        server_metadata_url=f"{op.url}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile offline_access", "code_challenge_method": "S256"},
    )

    @app.get("/login")
    def login() -> Any:
        return oauth.op.authorize_redirect(url_for("callback", _external=True, next=auth.next_url()))

    @app.get("/callback")
    def callback() -> Response:
        token = oauth.op.authorize_access_token()
        claims = token["userinfo"]
        auth.sign_in(
            access_token=token["access_token"],
            refresh_token=token["refresh_token"],
            user={"id": claims["sub"], "name": claims["name"]},
            session_id=session_id_of(claims["sid"]),
        )
        return redirect(auth.next_url())

    @app.get("/")
    def home() -> str:
        return f"{current_session.user['name']} {current_session.session_id}" if current_session else "nobody"

    return app


def test_somebody_signs_in(app: Flask, op: Issuer) -> None:
    """State, nonce and ID token are Authlib's; the session is ours, and so is its renewal and its end."""
    browser = Browser(app, time.time)
    page = str(browser.get(f"{ORIGIN}/login?next=/").location)
    asked = query(page)
    op.claims = {**op.claims, "nonce": asked["nonce"]}
    answer = urlencode({"code": CODE, "state": asked["state"]})
    response = browser.get(f"{asked['redirect_uri']}&{answer}", context=Context.link_on(page))
    assert (302, "/") == (response.status_code, response.location), response.text
    assert f"Ada {session_id_of('session_1')}" == browser.get(f"{ORIGIN}/").text
    (exchange,) = op.asked("/token")
    assert {"code_challenge", "code_verifier"} <= asked.keys() | dict(exchange.form).keys()
