"""What our OAuth 2.0 client and our verifier make of a certified OpenID provider, and what that makes of them."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sealed_session import KeyRing, ProviderUnavailable, RefreshDenied, Sealer, Session
from sealed_session.providers import OAuth2
from sealed_session.verifier import JWTVerifier, Verdict, Verification
from tests.storm.conftest import ACCESS_SECONDS, CLIENTS
from tests.storm.oidc_application import set_up
from tests.storm.oidc_server import RESOURCE, Call, Provider, fingerprint
from tests.storm.oidc_sign_in import new_browser, post_as, sign_in

WRONG_SECRET = "test-secret-of-somebody-else"
BASIC = CLIENTS["basic"]


def ours(oidc: Provider, auth: str = "basic", **options: Any) -> OAuth2:
    """Our side of one of the clients, which knows the issuer and nothing of its endpoints."""
    client = CLIENTS[auth]
    given = {"client_id": client.client_id, "client_secret": client.client_secret, "auth": auth, "timeout": 10}
    return OAuth2(issuer=oidc.issuer, reuse_detection="session", **{**given, **options})


def is_alive(oidc: Provider, session: Session) -> bool:
    """Use the refresh token: the only way to know."""
    try:
        return ours(oidc).refresh(session).refresh_token != session.refresh_token
    except RefreshDenied:
        return False


def revoke(oidc: Provider, refresh_token: str) -> None:
    """End a grant as an administrator would, at the provider (RFC 7009)."""
    with new_browser() as browser:
        endpoint = ours(oidc).metadata()["revocation_endpoint"]
        assert 200 == post_as(browser, BASIC, endpoint, {"token": refresh_token}).status_code


class TestRefresh:
    """The grant, as the provider sees it."""

    @pytest.mark.parametrize("auth", list(CLIENTS))
    def test_every_way_to_say_who_we_are(self, oidc: Provider, auth: str) -> None:
        """New tokens of the same person, by client_secret_basic, client_secret_post and as a public client."""
        session = sign_in(oidc, CLIENTS[auth])
        renewed = ours(oidc, auth).refresh(session)
        old, new = session.to_mapping(), renewed.to_mapping()
        assert old["access_token"] != new["access_token"]
        assert old["refresh_token"] != new["refresh_token"]
        assert old["tokens"].keys() == new["tokens"].keys() == {"id_token"}
        assert session.claims["sub"] == renewed.claims["sub"] == "user_1"
        assert renewed.claims["iat"] + ACCESS_SECONDS == renewed.access_expires_at
        call = Call(CLIENTS[auth].client_id, "refresh_token", fingerprint(session.refresh_token), 200, None)
        assert call == oidc.calls()[-1]

    def test_a_replay_ends_the_grant(self, oidc: Provider) -> None:
        """The provider is as strict as the storms say: a second use of one token kills its successor too."""
        session = sign_in(oidc, BASIC)
        successor = ours(oidc).refresh(session)
        assert not is_alive(oidc, session)
        assert not is_alive(oidc, successor)

    def test_a_token_of_another_client_is_denied(self, oidc: Provider) -> None:
        """It is ``invalid_grant`` as well, and costs its owner nothing."""
        session = sign_in(oidc, BASIC)
        with pytest.raises(RefreshDenied):
            ours(oidc, "post").refresh(session)
        assert is_alive(oidc, session)

    def test_a_scope_that_was_not_granted_is_no_denial(self, oidc: Provider) -> None:
        """Who asks for too much gets nothing, and keeps the refresh token."""
        session = sign_in(oidc, BASIC)
        with pytest.raises(ProviderUnavailable) as caught:
            ours(oidc).refresh(session, scope="openid admin")
        assert ("invalid_scope", False) == (oidc.calls()[-1].error, caught.value.sent)
        assert is_alive(oidc, session)

    def test_a_resource_that_was_not_granted_uses_the_token_up(self, oidc: Provider) -> None:
        """This provider looks at the resource after it has rotated: the successor is lost with the error."""
        session = sign_in(oidc, BASIC)
        with pytest.raises(ProviderUnavailable) as caught:
            ours(oidc).refresh(session, resource="urn:example:other")
        assert caught.value.sent
        assert "invalid_target" == oidc.calls()[-1].error
        assert not is_alive(oidc, session)

    def test_an_unknown_client_is_our_own_mistake(self, oidc: Provider) -> None:
        """It says nothing of the session."""
        with pytest.raises(ProviderUnavailable, match="client credentials"):
            ours(oidc, client_id="storm:nobody").refresh(sign_in(oidc, BASIC))


class TestApplication:
    """The same answers, as people meet them."""

    @pytest.fixture
    def session(self, oidc: Provider) -> Session:
        """Somebody who signed in, and whose access token has ended since."""
        session = sign_in(oidc, BASIC)
        return session.replace(access_token="test data: opaque", access_expires_at=int(time.time()) - 60)

    def client(self, provider: OAuth2, password: str, session: Session, folder: Path) -> FlaskClient:
        """A browser with the session's cookie, before an application with that provider."""
        app = Flask("oidc", instance_path=str(folder))
        app.config |= {"SEALED_SESSION_PASSWORD": password, "SEALED_SESSION_COORDINATOR_URL": "memory:"}
        client = set_up(app, provider).test_client()
        client.set_cookie("sealed-session", Sealer(KeyRing(password)).seal(session))
        return client

    def test_a_revoked_grant_is_denied(self, oidc: Provider, password: str, session: Session, tmp_path: Path) -> None:
        """Who arrives after it is on record loses the cookie; the provider is asked once."""
        client = self.client(ours(oidc), password, session, tmp_path)
        revoke(oidc, session.refresh_token or "")
        before = len(oidc.calls())
        answers = [client.get("/", headers={"Accept": "application/json"}) for _ in range(2)]
        assert [(401, "denied")] * 2 == [(answer.status_code, (answer.json or {})["reason"]) for answer in answers]
        assert [] == answers[0].headers.getlist("Set-Cookie")
        assert "Max-Age=0" in answers[1].headers["Set-Cookie"]
        assert ["invalid_grant"] == [call.error for call in oidc.calls()[before:]]

    def test_a_wrong_secret_costs_nobody_the_session(
        self, oidc: Provider, password: str, session: Session, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is a broken deploy: 503, an error in the log, every cookie kept; with the right one people go on."""
        client = self.client(ours(oidc, client_secret=WRONG_SECRET), password, session, tmp_path)
        answer = client.get("/", headers={"Accept": "application/json"})
        assert (503, []) == (answer.status_code, answer.headers.getlist("Set-Cookie"))
        assert "invalid_client" == oidc.calls()[-1].error
        (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert said.startswith("127.0.0.1: our client credentials are refused (HTTP 401).")
        assert WRONG_SECRET not in caplog.text
        assert 200 == self.client(ours(oidc), password, session, tmp_path).get("/").status_code


class TestVerifier:
    """Access tokens as the provider signs them, with the keys that it publishes."""

    def verify(
        self, oidc: Provider, access_token: str, at: float, subject: str | None = None, audience: str = RESOURCE
    ) -> Verification:
        """Verify a token at a time, with the keys found by the issuer's metadata."""
        address = ours(oidc).metadata()["jwks_uri"]
        verifier = JWTVerifier(address, issuers=[oidc.issuer], audience=audience, leeway=0, clock=lambda: at)
        return verifier.verify(access_token, subject=subject)

    def test_it_is_good_until_it_ends(self, oidc: Provider) -> None:
        """VALID, and then EXPIRED, with the same claims; so is the one that a refresh brings."""
        session = sign_in(oidc, BASIC)
        for given in (session, ours(oidc).refresh(session)):
            ends = given.access_expires_at or 0
            first = self.verify(oidc, given.access_token, ends - 1, subject="user_1")
            last = self.verify(oidc, given.access_token, ends, subject="user_1")
            assert (Verdict.VALID, given.claims) == (first.verdict, first.claims)
            assert (Verdict.EXPIRED, given.claims) == (last.verdict, last.claims)

    def test_it_is_for_nobody_else(self, oidc: Provider) -> None:
        """Another audience, another person, another signature, and the ID token, which is for the client."""
        session, other = sign_in(oidc, BASIC), sign_in(oidc, BASIC)
        token, at = session.access_token, session.claims["iat"]
        mixed = token.rpartition(".")[0] + "." + other.access_token.rpartition(".")[2]
        assert "wrong_audience" == self.verify(oidc, token, at, audience="urn:example:other").code
        assert "wrong_subject" == self.verify(oidc, token, at, subject="user_2").code
        assert "bad_signature" == self.verify(oidc, mixed, at).code
        assert "wrong_audience" == self.verify(oidc, (session.tokens or {})["id_token"], at).code
