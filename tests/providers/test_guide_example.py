"""docs/guides/add-a-provider.md: its preset for Auth0, its fake, and that the page shows both as they are."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from examples.providers.auth0 import Auth0
from examples.providers.fake_auth0 import FakeAuth0
from flask_ext import BearerHeader, SealedCookie, SealedSession, current_session, login_required
from sealed_session import (
    ConfigError,
    ProviderUnavailable,
    RefreshDenied,
    Session,
    SignInFailed,
    StepUpRequired,
    UsageError,
)
from sealed_session.errors import LogoutRefused
from sealed_session.providers import Provider
from sealed_session.providers.sign_in import SignInProvider
from sealed_session.refresh.attempt import attempt
from sealed_session.refresh.outcome import Kind
from sealed_session.testing import Clock, Fault, forge
from sealed_session.verifier import JWTVerifier
from tests.core.jwks_server import settle

from .issuer import query

ROOT = Path(__file__).parents[2]
BACK = "https://app.example.com/auth/callback"
NAMES = ("AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "AUTH0_AUDIENCE", "AUTH0_SECRET")
NAMESPACE = "https://shop.example.com/"
SECRET = "test data: 64 hex digits, 0123456789abcdef"


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def auth0(clock: Clock) -> Iterator[FakeAuth0]:
    """Auth0."""
    with FakeAuth0(clock=clock) as it:
        yield it
        settle()


@pytest.fixture
def provider(auth0: FakeAuth0, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Auth0:
    """The preset, which finds everything in the environment."""
    for name, value in auth0.environ.items():
        monkeypatch.setenv(name, value)
    return Auth0(namespace=NAMESPACE, clock=clock)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, "AUTH0_REDIRECT_URI"):
        monkeypatch.delenv(name, raising=False)


def visit(page: str) -> httpx2.Response:
    """Open a page of Auth0's in a browser that follows nothing."""
    return httpx2.get(page, trust_env=False)


def sign_in(provider: Auth0, **parameters: Any) -> Session:
    """There and back."""
    page, attempt = provider.begin_sign_in(BACK, **parameters)
    return provider.finish_sign_in(attempt, query(visit(page).headers["Location"]))


def renewed(provider: Auth0, session: Session) -> Session:
    """Refresh a session; return it as an application goes on with it."""
    return Session.from_mapping({**session.to_mapping(), **provider.refresh(session).to_mapping()})


@pytest.mark.parametrize("name", ["auth0", "fake_auth0"])
def test_the_guide_shows_what_is_tested_here(name: str) -> None:
    """To the letter, so that who copies it from the page has what these tests are about."""
    page = (ROOT / "docs" / "guides" / "add-a-provider.md").read_text(encoding="utf-8")
    shown = (ROOT / "examples" / "providers" / f"{name}.py").read_text(encoding="utf-8")
    assert f"```python\n{shown}```\n" in page


class TestEnvironment:
    """Who we are."""

    def test_it_is_read_at_init_app(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The preset can be made before; an application that starts without is told all that is missing."""
        auth, app = SealedSession(Auth0()), Flask("test")
        with pytest.raises(ConfigError) as caught:
            auth.init_app(app)
        assert list(NAMES) == [name for name in NAMES if name in str(caught.value)]
        for name, value in zip(NAMES, ("shop.eu.auth0.com", "client", "secret", "api", SECRET), strict=True):
            monkeypatch.setenv(name, value)
        auth.init_app(app)

    @pytest.mark.parametrize("domain", ["https://shop.eu.auth0.com", "shop.eu.auth0.com/", "shop.eu.auth0.com?x", " "])
    def test_a_domain_that_is_none(self, domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """An address, mostly: said where it is given, and by its variable's name where that is."""
        with pytest.raises(UsageError, match=r"^domain: ") as caught:
            Auth0(domain)
        assert "provider_option" == caught.value.code
        monkeypatch.setenv("AUTH0_DOMAIN", domain)
        with pytest.raises(ConfigError, match="AUTH0_DOMAIN: "):
            _ = Auth0().identity

    def test_what_is_given_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Before the environment."""
        monkeypatch.setenv("AUTH0_DOMAIN", "another.eu.auth0.com")
        monkeypatch.setenv("AUTH0_CLIENT_ID", "client")
        assert "https://shop.eu.auth0.com/ client" == Auth0("shop.eu.auth0.com").identity

    def test_variables_of_its_own_sdks(self) -> None:
        """Are settings of ours; empty ones are none."""
        environ = {"AUTH0_SECRET": SECRET, "AUTH0_REDIRECT_URI": BACK}
        assert {"PASSWORD": SECRET, "REDIRECT_URI": BACK} == Auth0().settings(environ)
        assert {} == Auth0().settings({"AUTH0_SECRET": ""})

    def test_it_shows_no_secret(self, provider: Auth0, auth0: FakeAuth0) -> None:
        """Nor does it travel."""
        assert f"Auth0('{auth0.domain}')" == repr(provider)
        with pytest.raises(UsageError):
            pickle.dumps(provider)

    def test_what_it_is(self, provider: Auth0) -> None:
        """A provider with pages, which asks nobody to say so."""
        assert isinstance(provider, Provider)
        assert isinstance(provider, SignInProvider)


class TestVerification:
    """Whose access tokens are taken."""

    @pytest.fixture
    def verify(self, provider: Auth0, clock: Clock) -> JWTVerifier:
        """As the extension makes one of a provider."""
        return JWTVerifier(provider.jwks_url, issuers=provider.issuers, audience=provider.audience, clock=clock)

    def test_where_it_stands(self) -> None:
        """Beside a domain, by https; the issuer has a slash at its end."""
        it = Auth0("shop.eu.auth0.com", audience="https://api.example.com")
        assert "https://shop.eu.auth0.com/.well-known/jwks.json" == it.jwks_url
        assert (("https://shop.eu.auth0.com/",), ("RS256",)) == (it.issuers, it.algorithms)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({}, "valid"),
            ({"aud": "https://api.example.com"}, "valid"),
            ({"aud": "https://other.example.com"}, "wrong_audience"),
            ({"aud": ["https://other.example.com", "client-of-tests"]}, "wrong_audience"),
            ({"aud": None}, "wrong_audience"),
            ({"iss": "https://another.eu.auth0.com/"}, "wrong_issuer"),
        ],
    )
    def test_its_tokens(self, auth0: FakeAuth0, verify: JWTVerifier, changes: dict[str, Any], code: str) -> None:
        """For our API, and by our tenant."""
        assert code == verify.verify(auth0.access_token(**changes)).code

    def test_without_the_slash(self, auth0: FakeAuth0, verify: JWTVerifier) -> None:
        """The issuer is another one."""
        assert "wrong_issuer" == verify.verify(auth0.access_token(iss=auth0.base_url)).code

    @pytest.mark.parametrize("name", forge.FORGERIES)
    def test_a_forged_one(self, auth0: FakeAuth0, verify: JWTVerifier, name: str) -> None:
        """Is refused."""
        assert "invalid" == verify.verify(forge.FORGERIES[name](auth0, auth0.access_token())).verdict

    def test_what_its_tokens_say(self, auth0: FakeAuth0, provider: Auth0) -> None:
        """Who it is, by the claims that an Action adds under a name of our own."""
        session = provider.claims.session(auth0.access_token())
        assert {"id": "auth0|1", "email": "ada@example.com", "name": "Ada"} == session.user


class TestSignIn:
    """At its pages."""

    def test_the_address(self, provider: Auth0, auth0: FakeAuth0) -> None:
        """Asks for our API; what the application says goes along."""
        page, _ = provider.begin_sign_in(BACK, organization="org_1", max_age=0)
        assert f"{auth0.base_url}/authorize" == urlsplit(page)._replace(query="").geturl()
        asked = query(page)
        assert (auth0.audience, "org_1", "0") == (asked["audience"], asked["organization"], asked["max_age"])
        assert "openid profile email offline_access" == asked["scope"]

    def test_who_it_is(self, provider: Auth0, auth0: FakeAuth0) -> None:
        """By the ID token; the id is named as in a session that came by a header."""
        session = sign_in(provider)
        person = {"sub": "auth0|1", "name": "Ada", "email": "ada@example.com"}
        assert {**person, "id": "auth0|1"} == session.user
        assert (auth0.audience, session.session_id is not None) == (session.claims["aud"][0], True)

    def test_a_code_that_somebody_else_brings(self, provider: Auth0) -> None:
        """Opens nothing."""
        page, _ = provider.begin_sign_in(BACK)
        _, other = provider.begin_sign_in(BACK)
        answer = {**query(visit(page).headers["Location"]), "state": other.state}
        with pytest.raises(SignInFailed) as caught:
            provider.finish_sign_in(other, answer)
        assert "code_refused" == caught.value.code


class TestRefresh:
    """POST /oauth/token."""

    def test_it_rotates(self, provider: Auth0, clock: Clock) -> None:
        """Both tokens are new; who it is stays."""
        first = sign_in(provider)
        clock.advance(400)
        second = renewed(provider, first)
        assert first.refresh_token == provider.credential(first)
        assert not {first.access_token, first.refresh_token} & {second.access_token, second.refresh_token}
        assert (first.user, first.session_id) == (second.user, second.session_id)
        assert clock.now + 300 == renewed(provider, second).access_expires_at

    def test_a_token_that_is_used_twice(self, provider: Auth0) -> None:
        """Ends the session, the newest token included. The preset says so, and is then treated accordingly."""
        first = sign_in(provider)
        second = renewed(provider, first)
        for session in (first, second):
            with pytest.raises(RefreshDenied):
                provider.refresh(session)
        assert "session" == provider.reuse_detection

    def test_denied(self, provider: Auth0, auth0: FakeAuth0) -> None:
        """By ``invalid_grant``, which Auth0 answers with 403; and a session without a token is not asked for."""
        session = sign_in(provider)
        auth0.end_every_session()
        assert Kind.DENIED is attempt(provider, session, {}).kind
        before = auth0.count()
        with pytest.raises(RefreshDenied):
            provider.refresh(Session(session.access_token))
        assert before == auth0.count()

    def test_step_up(self, provider: Auth0, auth0: FakeAuth0) -> None:
        """A second factor: the application is given the answer, and the refresh token is as good as before."""
        session = sign_in(provider)
        auth0.wants_factor = True
        with pytest.raises(StepUpRequired) as caught:
            provider.refresh(session)
        assert {"error": "mfa_required", "mfa_token": "test data"} == caught.value.payload
        auth0.wants_factor = False
        assert provider.refresh(session).refresh_token

    @pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.SERVER_ERROR, Fault.MAINTENANCE, Fault.REFUSED])
    def test_nobody_knows(self, provider: Auth0, auth0: FakeAuth0, fault: Fault) -> None:
        """While Auth0 is down: nothing is ended, and afterwards it goes on."""
        session = sign_in(provider)
        auth0.fail(fault, times=None)
        assert Kind.UNAVAILABLE is attempt(provider, session, {}).kind
        auth0.recover()
        assert provider.refresh(session).refresh_token

    def test_our_own_secret_is_wrong(self, provider: Auth0, auth0: FakeAuth0, caplog: pytest.LogCaptureFixture) -> None:
        """An error in the log, without a token or a secret in it; nobody is signed out."""
        session = sign_in(provider)
        wrong = Auth0(client_secret="test-secret-that-is-wrong")
        with caplog.at_level(logging.DEBUG), pytest.raises(ProviderUnavailable):
            wrong.refresh(session)
        (said,) = (record for record in caplog.records if record.name == "sealed_session")
        assert ("ERROR", True) == (said.levelname, "our client credentials are refused" in said.getMessage())
        secrets = (session.refresh_token, session.access_token, auth0.client_secret, "test-secret-that-is-wrong")
        assert not any(str(secret) in caplog.text for secret in secrets)


class TestSignOut:
    """At Auth0."""

    def test_the_address(self) -> None:
        """Is Auth0's own, and not the standard's; where to go from there is optional. Nobody is asked."""
        it, session = Auth0("shop.eu.auth0.com", "client"), Session("test data")
        assert "https://shop.eu.auth0.com/v2/logout?client_id=client" == it.sign_out_url(session)
        asked = query(it.sign_out_url(session, "https://app.example.com/bye?a=b"))
        assert {"client_id": "client", "returnTo": "https://app.example.com/bye?a=b"} == asked

    def test_revoking(self, provider: Auth0, auth0: FakeAuth0) -> None:
        """The refresh token is dead, and a second time it is as well."""
        session = sign_in(provider)
        assert [True, True] == [provider.revoke(session) for _ in range(2)]
        with pytest.raises(RefreshDenied):
            provider.refresh(session)

    def test_its_back_channel(self, provider: Auth0, auth0: FakeAuth0, clock: Clock) -> None:
        """A logout token is read by the issuer's keys, and one of another issuer is refused."""
        event: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
        times = {"iat": clock.now, "exp": clock.now + 120, "jti": "1", "events": event}
        good = {"iss": f"{auth0.base_url}/", "aud": auth0.client, "sid": "of-the-provider", **times}
        assert "of-the-provider" == provider.read_logout_token(auth0.sign(good, typ="logout+jwt")).sid
        with pytest.raises(LogoutRefused):
            provider.read_logout_token(auth0.sign({**good, "iss": auth0.base_url}, typ="logout+jwt"))


class TestApplication:
    """All of it together: one application with pages and an API."""

    @pytest.fixture
    def app(self, provider: Auth0, clock: Clock, password: str, monkeypatch: pytest.MonkeyPatch) -> Flask:
        """One whose password stands where Auth0's SDKs look for it."""
        monkeypatch.setenv("AUTH0_SECRET", password)
        app = Flask("test")
        app.config.update(SEALED_SESSION_AUTH_PREFIX="/auth", SEALED_SESSION_LOGOUT_RETURN_TO="/")
        SealedSession(provider, transports=[SealedCookie(), BearerHeader()], clock=clock).init_app(app)

        @app.get("/me")
        @login_required
        def me() -> str:
            return str(current_session.user["id"])

        @app.get("/why")
        def why() -> str:
            return str(current_session.reason)

        return app

    @pytest.fixture
    def browser(self, app: Flask) -> FlaskClient:
        """Somebody who has signed in."""
        browser = app.test_client()
        page = str(browser.get("/auth/login?next=/me").location)
        assert "/me" == browser.get(visit(page).headers["Location"]).location
        return browser

    def with_token(self, app: Flask, token: str) -> TestResponse:
        """Come with a header, as another service does."""
        return app.test_client().get("/me", headers={"Authorization": f"Bearer {token}"})

    def test_a_life(self, browser: FlaskClient, auth0: FakeAuth0, clock: Clock) -> None:
        """In, renewed twice, and ended by Auth0."""
        for calls in (1, 2, 3):
            assert ("auth0|1", calls) == (browser.get("/me").text, auth0.count("/oauth/token"))
            clock.advance(400)
        auth0.end_every_session()
        assert ("denied", 302) == (browser.get("/why").text, browser.get("/me").status_code)

    def test_when_it_is_down(self, browser: FlaskClient, auth0: FakeAuth0, clock: Clock) -> None:
        """The page has to wait, and nobody is signed out."""
        clock.advance(400)
        auth0.fail(Fault.MAINTENANCE, retry_after=7)
        answer = browser.get("/me")
        assert (503, "7") == (answer.status_code, answer.headers["Retry-After"])
        clock.advance(10)
        assert "auth0|1" == browser.get("/me").text

    def test_when_it_asks_for_more(self, browser: FlaskClient, auth0: FakeAuth0, clock: Clock) -> None:
        """The session is kept meanwhile."""
        clock.advance(400)
        auth0.wants_factor = True
        assert "step_up" == browser.get("/why").text
        auth0.wants_factor = False
        assert "auth0|1" == browser.get("/me").text

    def test_signing_out(self, browser: FlaskClient, auth0: FakeAuth0) -> None:
        """Revokes, and leads over Auth0's page back to the application."""
        page = browser.post("/auth/logout", headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}).location
        assert "http://localhost/" == visit(str(page)).headers["Location"]
        assert (1, "missing") == (auth0.count("/oauth/revoke"), browser.get("/why").text)

    def test_a_token_in_a_header(self, app: Flask, auth0: FakeAuth0) -> None:
        """Is for our API, or it is none."""
        for_us, for_others = auth0.access_token(), auth0.access_token(aud="https://other.example.com")
        assert "auth0|1" == self.with_token(app, for_us).text
        assert [401, 401] == [self.with_token(app, token).status_code for token in (for_others, "opaque")]

    def test_keys_that_change(self, browser: FlaskClient, auth0: FakeAuth0, clock: Clock) -> None:
        """Are fetched anew."""
        auth0.rotate_key()
        clock.advance(400)
        assert "auth0|1" == browser.get("/me").text


class TestFake:
    """What of Auth0 nothing above has met."""

    def test_an_opaque_token(self, provider: Auth0) -> None:
        """Is what somebody gets who does not ask for an API, and why the preset does."""
        session = sign_in(provider, audience=None)
        assert ({}, True) == (session.claims, "." not in session.access_token)

    def test_strangers(self, provider: Auth0, auth0: FakeAuth0) -> None:
        """Revoke nothing, and are sent nowhere that the dashboard does not list."""
        stranger = Auth0(client_secret="test-secret-that-is-wrong")
        assert False is stranger.revoke(sign_in(provider))
        assert 400 == visit(provider.sign_out_url(Session("test data"), "https://evil.example.com/")).status_code
