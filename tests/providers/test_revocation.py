"""Ending a session at the provider: RFC 7009, and RP-Initiated Logout. What is not confirmed is not claimed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sealed_session import ProviderUnavailable, Session
from sealed_session.refresh.signing_out import revoke
from sealed_session.testing import access_token

from .issuer import CLIENT, REFRESH, SECRET, Issuer, issuer, query
from .server import refused_url, reply

METADATA = "/.well-known/openid-configuration"
SESSION = Session(access_token(expires_at=100), REFRESH, {"sub": "user_1"})


@pytest.fixture
def op() -> Iterator[Issuer]:
    """A provider."""
    with issuer() as running:
        yield running


class TestRevoke:
    """RFC 7009, section 2."""

    def test_the_request(self, op: Issuer) -> None:
        """The refresh token, by somebody who may."""
        assert op.provider().revoke(SESSION)
        (request,) = op.asked("/revoke")
        assert ("POST", [("token", REFRESH), ("token_type_hint", "refresh_token")]) == (request.method, request.form)
        assert request.headers["authorization"].startswith("Basic ")

    def test_a_public_client(self, op: Issuer) -> None:
        """Says who it is in the form (section 2.1)."""
        assert op.provider(client_secret=None, auth="none").revoke(SESSION)
        assert ("client_id", CLIENT) == op.asked("/revoke")[0].form[-1]

    @pytest.mark.parametrize(
        ("status", "confirmed", "level"),
        [
            (200, True, None),
            (204, True, None),
            (202, False, logging.WARNING),
            (400, False, logging.WARNING),
            (404, False, logging.WARNING),
            (401, False, logging.ERROR),
            (403, False, logging.ERROR),
        ],
    )
    def test_the_answer(
        self, op: Issuer, status: int, confirmed: bool, level: int | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Only a clear yes is one. That our credentials are refused, somebody should know."""
        no_body = {"Content-Length": ""} if status == 204 else {}
        op.answers["/revoke"] = reply({"error": "unsupported_token_type"} if not no_body else b"", status, no_body)
        assert confirmed is op.provider().revoke(SESSION)
        assert ([] if level is None else [level]) == [record.levelno for record in caplog.records]
        assert not any(secret in caplog.text for secret in (REFRESH, SECRET))

    @pytest.mark.parametrize("status", [302, 408, 429, 500, 503])
    def test_nobody_knows(self, op: Issuer, status: int, caplog: pytest.LogCaptureFixture) -> None:
        """It may be dead, or be so later."""
        op.answers["/revoke"] = reply({}, status, {"Retry-After": "9"})
        with pytest.raises(ProviderUnavailable) as caught:
            op.provider().revoke(SESSION)
        assert 9 == caught.value.retry_after
        assert 1 == len(caplog.records)
        assert not revoke(op.provider(), SESSION)

    def test_nobody_answers(self, op: Issuer) -> None:
        """The provider is down, or its metadata cannot be had."""
        with pytest.raises(ProviderUnavailable):
            op.provider(revocation_endpoint=f"{refused_url()}/revoke").revoke(SESSION)
        op.answers[METADATA] = reply(b"", 500)
        with pytest.raises(ProviderUnavailable):
            op.provider().revoke(SESSION)

    @pytest.mark.parametrize("endpoint", [None, "http://login.example.com/revoke", 7])
    def test_nowhere_to_ask(self, op: Issuer, endpoint: Any, caplog: pytest.LogCaptureFixture) -> None:
        """No token is sent where it could be read on the way; the log says so."""
        op.metadata = {"revocation_endpoint": endpoint}
        assert op.provider().revoke(SESSION) is False
        said = "the revocation_endpoint of its metadata is not an https URL, and is not used"
        assert (said in caplog.text) is (type(endpoint) is str)

    def test_nothing_to_end(self, op: Issuer) -> None:
        """A session without a refresh token ends by itself."""
        assert op.provider().revoke(SESSION.replace(refresh_token=None)) is False
        assert [] == op.asked("/revoke")

    def test_without_an_issuer(self, op: Issuer) -> None:
        """The endpoint is given, or there is none."""
        options = {"issuer": None, "token_endpoint": f"{op.url}/token"}
        assert op.provider(**options).revoke(SESSION) is False
        assert op.provider(**options, revocation_endpoint=f"{op.url}/revoke").revoke(SESSION)

    def test_as_a_sign_out_asks(self, op: Issuer) -> None:
        """What signs people out calls it by this name."""
        assert revoke(op.provider(), SESSION)


class TestSignOutUrl:
    """RP-Initiated Logout 1.0, section 2."""

    def test_the_address(self, op: Issuer) -> None:
        """Who asks, and where to go then; that the access token has ended does not matter."""
        url = op.provider().sign_out_url(SESSION, "https://app.example.com/bye?a=1&b=2") or ""
        assert url.startswith(f"{op.url}/logout?")
        expected = {"client_id": CLIENT, "post_logout_redirect_uri": "https://app.example.com/bye?a=1&b=2"}
        assert expected == query(url)
        assert {"client_id": CLIENT} == query(op.provider().sign_out_url(SESSION) or "")

    def test_the_id_token(self, op: Issuer) -> None:
        """Goes along where it was kept; nothing else of the session does."""
        session = SESSION.replace(tokens={"id_token": "kept", "other": "secret"})
        url = op.provider().sign_out_url(session) or ""
        assert {"client_id": CLIENT, "id_token_hint": "kept"} == query(url)

    def test_the_pages_own_query(self, op: Issuer) -> None:
        """Is kept."""
        provider = op.provider(end_session_endpoint=f"{op.url}/logout?policy=b2c")
        assert {"policy": "b2c", "client_id": CLIENT} == query(provider.sign_out_url(SESSION) or "")
        assert [] == op.server.requests

    @pytest.mark.parametrize("endpoint", [None, "http://login.example.com/logout", "javascript:alert(1)"])
    def test_no_such_page(self, op: Issuer, endpoint: str | None) -> None:
        """Or none that a browser should be sent to."""
        op.metadata = {"end_session_endpoint": endpoint}
        assert None is op.provider().sign_out_url(SESSION)

    def test_without_an_issuer(self, op: Issuer) -> None:
        """It is given, or there is none."""
        assert None is op.provider(issuer=None, token_endpoint=f"{op.url}/token").sign_out_url(SESSION)

    def test_while_the_provider_is_down(self, op: Issuer) -> None:
        """The person is signed out here all the same; once the metadata are known nobody is asked again."""
        op.answers[METADATA] = reply(b"", 503)
        provider = op.provider()
        assert None is provider.sign_out_url(SESSION)
        del op.answers[METADATA]
        assert provider.sign_out_url(SESSION)
        op.answers[METADATA] = reply(b"", 503)
        assert provider.sign_out_url(SESSION)
        assert {METADATA, "/.well-known/oauth-authorization-server"} >= {one.target for one in op.server.requests}

    def test_a_provider_that_does_not_answer(self, op: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is not waited for longer than somebody waits for a page."""
        monkeypatch.setattr("sealed_session.providers.sign_in._PATIENCE", 0.2)
        op.answers[METADATA] = lambda connection: connection.hang()
        began = time.monotonic()
        assert None is op.provider(timeout=30).sign_out_url(SESSION)
        assert time.monotonic() - began < 5
