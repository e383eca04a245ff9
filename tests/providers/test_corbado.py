"""Corbado: whose session-tokens are taken, how one is renewed, and its environment variables."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from sealed_session import ConfigError, ProviderUnavailable, RefreshDenied, RefreshError, Session, UsageError
from sealed_session.providers import Corbado, Provider
from sealed_session.refresh.attempt import attempt
from sealed_session.refresh.outcome import Kind
from sealed_session.testing import Clock, FakeCorbado, access_token
from sealed_session.verifier import JWTVerifier

from .server import Behaviour, Received, refused_url, reply, running

PROJECT = "pro-1234567890123456789"
REFRESH = "refresh-4Tn8xWv3"
JWT = access_token(expires_at=100)
NEW = access_token(expires_at=5_000)
OLD = Session(JWT, REFRESH, {"id": "user_1"})
GONE = {"httpStatusCode": 401, "message": "Unauthorized", "error": {"type": "unauthorized", "links": []}}


def corbado(url: str = "http://localhost:1", **options: Any) -> Corbado:
    """A client of a server."""
    return Corbado(**{"project_id": PROJECT, "frontend_api": url, "timeout": 5, **options})


def refresh(answer: Behaviour, session: Session = OLD) -> tuple[Session, Received]:
    """Refresh at a server with this answer; return the session, and what was asked."""
    with running(answer) as server:
        return corbado(server.url).refresh(session), server.requests[0]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CORBADO_PROJECT_ID", "CORBADO_FRONTEND_API"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> Iterator[FakeCorbado]:
    """Corbado."""
    with FakeCorbado(clock=clock) as it:
        yield it


@pytest.mark.row("CB-7")
class TestVerification:
    """What a verifier needs."""

    def test_CB_7_what_it_is(self) -> None:  # noqa: N802 - bears its row's id
        """The keys of the frontend API; three issuers; nobody in particular for whom tokens are."""
        it = corbado("https://auth.example.com/")
        assert ("https://auth.example.com/.well-known/jwks", ("RS256",), None) == (
            it.jwks_url,
            it.algorithms,
            it.audience,
        )
        assert (
            "https://auth.example.com",
            f"https://{PROJECT}.frontendapi.cloud.corbado.io",
            f"https://{PROJECT}.frontendapi.corbado.io",
        ) == it.issuers
        assert (f"corbado.io {PROJECT}", "id") == (it.identity, it.subject_field)

    def test_CB_7_without_an_address(self) -> None:  # noqa: N802
        """It is the one that every project has."""
        it = Corbado(PROJECT)
        assert f"https://{PROJECT}.frontendapi.cloud.corbado.io/.well-known/jwks" == it.jwks_url
        assert (
            f"https://{PROJECT}.frontendapi.cloud.corbado.io",
            f"https://{PROJECT}.frontendapi.corbado.io",
        ) == it.issuers

    def test_CB_7_its_tokens(self, fake: FakeCorbado, clock: Clock) -> None:  # noqa: N802
        """Verify, whatever issuer of the three they name, and with an end alone."""
        provider = corbado(fake.base_url, project_id=fake.project_id)
        verifier = JWTVerifier(provider.jwks_url, issuers=provider.issuers, audience=provider.audience, clock=clock)
        good = {"sub": "user_1", "exp": clock.now + 300}
        ways: list[dict[str, Any]] = [{"iss": issuer} for issuer in provider.issuers]
        wrong: list[dict[str, Any]] = [
            {"iss": "https://pro-2.frontendapi.corbado.io"},
            {"iss": provider.issuers[0], "exp": None},
        ]
        codes = [verifier.verify(fake.sign({**good, **way})).code for way in (*ways, *wrong)]
        assert ["valid", "valid", "valid", "wrong_issuer", "missing_claim"] == codes

    def test_CB_7_what_its_tokens_say(self, fake: FakeCorbado, clock: Clock) -> None:  # noqa: N802
        """Who it is. There is no session's id, no end but the token's, and nothing of when the person signed in."""
        claims, signed_in = corbado().claims, fake.sign_in()
        session = claims.session(signed_in["access_token"])
        assert (signed_in["user"], None) == (session.user, claims.started_at(session))
        assert (None, None) == (session.session_id, session.session_expires_at)


@pytest.mark.row("CB-8")
@pytest.mark.parametrize("refresh_token", [None, "two words", "ü", "a\r\nX-Corbado-ProjectID: pro-2"])
def test_CB_8_nothing_to_refresh_with(refresh_token: str | None) -> None:  # noqa: N802 - bears its row's id
    """Nobody is asked: what no header can carry is no token of Corbado's."""
    session = Session(JWT, refresh_token)
    assert None is corbado().credential(session)
    with pytest.raises(RefreshDenied):
        corbado(refused_url()).refresh(session)


@pytest.mark.row("CB-10")
class TestRefresh:
    """POST {frontend api}/v2/me/refresh."""

    def test_CB_10_the_request(self) -> None:  # noqa: N802 - bears its row's id
        """The refresh token as a bearer token, and the project."""
        _, request = refresh(reply({"sessionToken": NEW}))
        assert ("POST", "/v2/me/refresh", {}) == (request.method, request.target, request.json)
        assert (f"Bearer {REFRESH}", PROJECT) == (
            request.headers["authorization"],
            request.headers["x-corbado-projectid"],
        )
        assert REFRESH == corbado().credential(OLD)

    def test_CB_10_the_answer(self) -> None:  # noqa: N802
        """A new session-token; all else is kept."""
        session, _ = refresh(reply({"sessionToken": NEW}))
        assert Session(NEW) == session

    def test_CB_10_without_a_session_token(self, fake: FakeCorbado) -> None:  # noqa: N802
        """It is enough, and the new token then says who it is."""
        signed_in = fake.sign_in()
        provider = corbado(fake.base_url)
        session = provider.claims.session(None, signed_in["refresh_token"])
        assert signed_in["user"] == provider.claims.complete(provider.refresh(session)).user

    def test_CB_10_denied(self, fake: FakeCorbado) -> None:  # noqa: N802
        """By 401, in Corbado's own words."""
        with pytest.raises(RefreshDenied):
            refresh(reply(GONE, 401))
        signed_in = fake.sign_in()
        session = Session(signed_in["access_token"], signed_in["refresh_token"])
        provider = corbado(fake.base_url)
        assert Kind.REFRESHED is attempt(provider, session, {}).kind
        fake.end_every_session()
        assert Kind.DENIED is attempt(provider, session, {}).kind

    @pytest.mark.parametrize(
        "answer",
        [
            reply(b"<html>", 401),
            reply(b"", 401),
            reply({"message": "Forbidden", "error": {"type": "forbidden"}}, 403),
            reply({"message": "Bad Request", "error": {"type": "validation_error"}}, 400),
            reply({"message": "Not Found"}, 404),
            reply({"message": "Error"}, 500),
            reply(b"<html>", 503),
            reply(b"<html>"),
            reply({}),
            reply({"sessionToken": ""}),
            reply({"sessionToken": {"value": NEW}}),
            reply({"sessionToken": "opaque, and so never due"}),
            reply({}, 307, {"Location": "https://elsewhere.example.com"}),
            reply({"sessionToken": NEW}, headers={"Content-Length": "9999"}),
        ],
    )
    def test_CB_10_no_usable_answer(self, answer: Behaviour) -> None:  # noqa: N802
        """Ends nobody's session; 401 of a gateway is none of Corbado's."""
        with pytest.raises(ProviderUnavailable):
            refresh(answer)

    def test_CB_10_too_many(self) -> None:  # noqa: N802
        """Nobody is sent there for as long as it says."""
        with pytest.raises(ProviderUnavailable) as caught:
            refresh(reply({"message": "Too many requests"}, 429, {"Retry-After": "7"}))
        assert (7, False, True) == (caught.value.retry_after, caught.value.sent, caught.value.general)

    def test_CB_10_nobody_there(self) -> None:  # noqa: N802
        """Was surely not asked."""
        with pytest.raises(ProviderUnavailable) as caught:
            corbado(refused_url()).refresh(OLD)
        assert False is caught.value.sent

    def test_CB_10_arguments(self) -> None:  # noqa: N802
        """There are none."""
        with pytest.raises(UsageError) as caught:
            corbado().refresh(OLD, organization_id="org_1")
        assert "reserved_argument" == caught.value.code


class TestEnvironment:
    """Its variables."""

    def test_they_are_read_when_they_are_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The address may be missing."""
        it = Corbado()
        assert ["CORBADO_PROJECT_ID"] == [problem.setting for problem in it.problems({})]
        with pytest.raises(ConfigError, match="CORBADO_PROJECT_ID: is not set"):
            _ = it.jwks_url
        monkeypatch.setenv("CORBADO_PROJECT_ID", PROJECT)
        assert f"https://{PROJECT}.frontendapi.cloud.corbado.io/.well-known/jwks" == it.jwks_url
        monkeypatch.setenv("CORBADO_FRONTEND_API", "https://auth.example.com/")
        assert ("https://auth.example.com/.well-known/jwks", "https://auth.example.com") == (
            it.jwks_url,
            it.issuers[0],
        )
        assert ({}, []) == (it.settings({}), it.problems({"CORBADO_PROJECT_ID": PROJECT}))

    def test_what_is_wrong_there(self) -> None:
        """Is told at the start: the API secret for the project, say."""
        secret = "corbado1_9Lp5cRs1"
        problems = Corbado().problems({"CORBADO_PROJECT_ID": secret, "CORBADO_FRONTEND_API": "auth.example.com"})
        assert [("CORBADO_PROJECT_ID", "provider_option"), ("CORBADO_FRONTEND_API", "provider_url")] == [
            (problem.setting, problem.code) for problem in problems
        ]
        assert secret not in str(problems)


class TestOptions:
    """What the constructor is told."""

    def test_a_provider(self) -> None:
        """By the Protocol."""
        provider: Provider = corbado()
        assert isinstance(provider, Provider)

    def test_it_shows_what_it_was_told(self) -> None:
        """The project, and a host."""
        assert f"Corbado('{PROJECT}', frontend_api='localhost')" == repr(corbado())
        assert "Corbado(None, frontend_api=None)" == repr(Corbado())

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"project_id": ""}, "provider_option"),
            ({"project_id": "pro-1.evil.example.com/"}, "provider_option"),
            ({"project_id": "pro-"}, "provider_option"),
            ({"project_id": "p" * 64}, "provider_option"),
            ({"project_id": 7}, "wrong_type"),
            ({"frontend_api": "http://auth.example.com"}, "provider_url"),
            ({"timeout": 31}, "bad_duration"),
        ],
    )
    def test_options_that_do_not_fit(self, options: dict[str, Any], code: str) -> None:
        """Are told when the application starts."""
        with pytest.raises(UsageError) as caught:
            corbado(**options)
        assert code == caught.value.code


@pytest.mark.row("CB-11")
@pytest.mark.parametrize(
    "answer",
    [
        reply(GONE, 401),
        reply({"message": REFRESH, "error": REFRESH}, 400),
        reply(b"<html>" + REFRESH.encode(), 401),
        reply({"sessionToken": [NEW]}),
        reply({"sessionToken": NEW}, headers={"Content-Length": "9999"}),
        reply({"message": "Error"}, 500),
    ],
)
def test_CB_11_no_token_is_told(answer: Behaviour, caplog: pytest.LogCaptureFixture) -> None:  # noqa: N802
    """In a log or an error, though the answer has it."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(RefreshError) as caught:
        refresh(answer)
    told = f"{caplog.text} {caught.value!r} {caught.value}"
    assert not any(secret in told for secret in (REFRESH, JWT, NEW))
