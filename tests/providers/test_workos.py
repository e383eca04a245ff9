"""WorkOS AuthKit: what goes over the wire, what the answers mean, and its environment variables."""

from __future__ import annotations

import logging
import pickle
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sealed_session import (
    ConfigError,
    ProviderUnavailable,
    RefreshDenied,
    Session,
    StepUpRequired,
    UsageError,
    UsageTypeError,
)
from sealed_session.providers import Provider, WorkOS
from sealed_session.refresh.attempt import attempt, merge
from sealed_session.refresh.outcome import Kind
from sealed_session.testing import access_token

from .server import Behaviour, Received, reply, running

KEY, REFRESH = "sk_test_9Lp5cRs1", "refresh-4Tn8xWv3"
USER = {"object": "user", "id": "user_1", "email": "ada@example.com"}
SUPPORT = {"email": "support@example.com", "reason": "ticket 4"}
OLD = Session(access_token(expires_at=100, sid="session_1"), REFRESH, USER, SUPPORT, {"theme": "dark"})
NEW = access_token(expires_at=5_000, sid="session_1", org_id="org_1")
GOOD: dict[str, Any] = {"access_token": NEW, "refresh_token": "next", "user": USER, "organization_id": "org_1"}


def workos(url: str = "http://localhost:1", **options: Any) -> WorkOS:
    """A client of a server."""
    return WorkOS("client_1", KEY, base_url=url, **{"timeout": 5, **options})


def refresh(answer: Behaviour, **arguments: Any) -> tuple[Session, Received]:
    """Refresh at a server with this answer; return the session, and what was asked."""
    with running(answer) as server:
        return workos(server.url).refresh(OLD, **arguments), server.requests[0]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORKOS_CLIENT_ID", "WORKOS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.row("WO-9")
class TestRefresh:
    """POST /user_management/authenticate."""

    def test_WO_9_the_request(self) -> None:  # noqa: N802 - bears its row's id
        """JSON, with the API key as the client's secret."""
        _, request = refresh(reply(GOOD))
        assert ("POST", "/user_management/authenticate") == (request.method, request.target)
        assert {
            "client_id": "client_1",
            "client_secret": KEY,
            "grant_type": "refresh_token",
            "refresh_token": REFRESH,
        } == request.json
        assert "authorization" not in request.headers

    def test_WO_9_an_organisation(self) -> None:  # noqa: N802
        """Goes along where one is asked for."""
        _, request = refresh(reply(GOOD), organization_id="org_1", ip_address=None)
        assert ("org_1", False) == (request.json["organization_id"], "ip_address" in request.json)

    def test_WO_9_the_answer(self) -> None:  # noqa: N802
        """Tokens and user; the organisation is a claim."""
        session, _ = refresh(reply(GOOD))
        assert Session(NEW, "next", USER) == session
        assert "org_1" == session.claims["org_id"]

    @pytest.mark.parametrize("user", [None, "user_1", [], 7])
    def test_WO_9_a_user_that_is_none(self, user: object) -> None:  # noqa: N802
        """Loses no tokens: the old user is kept."""
        session, _ = refresh(reply({**GOOD, "user": user}))
        assert Session(NEW, "next") == session

    def test_WO_9_denied(self) -> None:  # noqa: N802
        """By the code."""
        with pytest.raises(RefreshDenied):
            refresh(reply({"error": "invalid_grant", "error_description": "Session has already ended."}, 400))

    @pytest.mark.parametrize("name", ["code", "error"])
    @pytest.mark.parametrize(
        "code",
        [
            "mfa_enrollment",
            "sso_required",
            "organization_selection_required",
            "mfa_challenge",
            "email_verification_required",
            "organization_authentication_methods_required",
        ],
    )
    def test_WO_9_step_up(self, code: str, name: str, caplog: pytest.LogCaptureFixture) -> None:  # noqa: N802
        """With what WorkOS says, the pending token for example; nobody's credentials are wrong."""
        body = {name: code, "message": "More.", "pending_authentication_token": "pending"}
        with pytest.raises(StepUpRequired) as caught:
            refresh(reply(body, 403))
        assert (body, []) == (caught.value.payload, caplog.records)

    def test_WO_9_step_up_with_another_word_beside(self) -> None:  # noqa: N802
        """Either name may hold the code."""
        with pytest.raises(StepUpRequired):
            refresh(reply({"error": "Forbidden", "code": "sso_required"}, 403))

    @pytest.mark.parametrize(("status", "records"), [(401, 1), (400, 0), (422, 0), (429, 0), (500, 0)])
    def test_WO_9_anything_else_keeps_the_session(  # noqa: N802
        self, status: int, records: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A wrong API key is an error in the log."""
        with pytest.raises(ProviderUnavailable) as caught:
            refresh(reply({"message": "Unauthorized"}, status))
        assert records == len([one for one in caplog.records if one.levelno == logging.ERROR])
        assert not any(secret in caplog.text + str(caught.value) for secret in (KEY, REFRESH))

    @pytest.mark.parametrize("name", ["client_secret", "refresh_token", "grant_type", "client_id"])
    def test_WO_9_arguments_that_are_none(self, name: str) -> None:  # noqa: N802
        """Nobody is asked."""
        with pytest.raises(UsageError) as caught:
            workos().refresh(OLD, **{name: "x"})
        assert "reserved_argument" == caught.value.code

    def test_WO_9_without_a_refresh_token(self) -> None:  # noqa: N802
        """Nobody is asked, whoever calls."""
        assert (None, REFRESH) == (workos().credential(Session("opaque")), workos().credential(OLD))
        with pytest.raises(RefreshDenied):
            workos().refresh(Session("opaque"))


@pytest.mark.row("WO-11")
class TestImpersonator:
    """Who acts as the user."""

    def merged(self, body: dict[str, Any]) -> Session:
        """The old session after a refresh."""
        with running(reply(body)) as server:
            outcome = attempt(workos(server.url), OLD, {})
        assert Kind.REFRESHED is outcome.kind
        assert outcome.session is not None
        return merge(OLD, outcome.session)

    def test_WO_11_is_carried_over(self) -> None:  # noqa: N802 - bears its row's id
        """Where the answer has none, as the rest of the session is."""
        merged = self.merged(GOOD)
        assert (SUPPORT, {"theme": "dark"}) == (merged.impersonator, merged.extra)

    def test_WO_11_is_renewed(self) -> None:  # noqa: N802
        """Where the answer has one."""
        other = {"email": "other@example.com", "reason": None}
        assert other == self.merged({**GOOD, "impersonator": other}).impersonator


@pytest.mark.row("WO-12")
def test_WO_12_what_a_verifier_needs() -> None:  # noqa: N802 - bears its row's id
    """Keys, issuers and algorithm, of this client."""
    it = WorkOS("client_1", KEY)
    assert ("https://api.workos.com/sso/jwks/client_1", ("RS256",)) == (it.jwks_url, it.algorithms)
    assert (
        "https://api.workos.com/user_management/client_1",
        "https://api.workos.com",
        "https://api.workos.com/",
    ) == it.issuers
    assert "https://auth.example.com/sso/jwks/client_1" == workos("https://auth.example.com/").jwks_url
    assert ("https://a", "https://b") == workos(issuers=["https://a", "https://b"]).issuers


@pytest.mark.row("WO-13")
class TestSignOutUrl:
    """Where the browser goes."""

    def test_WO_13_names_the_session(self) -> None:  # noqa: N802 - bears its row's id
        """Though its access token has expired; where to go then is escaped."""
        back = "https://app.example.com/bye?a=1&b=2"
        url = urlsplit(WorkOS("client_1", KEY).sign_out_url(OLD, back) or "")
        assert "https://api.workos.com/user_management/sessions/logout" == url._replace(query="").geturl()
        assert {"session_id": ["session_1"], "return_to": [back]} == parse_qs(url.query, strict_parsing=True)

    def test_WO_13_without_a_way_back(self) -> None:  # noqa: N802
        """WorkOS has a default. Neither API key nor client id are needed."""
        expected = "https://api.workos.com/user_management/sessions/logout?session_id=session_1"
        assert expected == WorkOS().sign_out_url(OLD)

    @pytest.mark.parametrize("sid", [None, "", 7])
    def test_WO_13_a_token_without_a_session(self, sid: object) -> None:  # noqa: N802
        """There is nothing to end; an id of our own means nothing to WorkOS."""
        session = Session(access_token(expires_at=100, sid=sid), session_id="b3du")
        assert None is workos().sign_out_url(session)


@pytest.mark.row("WO-18")
class TestEnvironment:
    """The variables of WorkOS's own SDKs."""

    def test_WO_18_client_and_key(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802 - bears its row's id
        """Are read when they are needed, not when the module is."""
        with running(reply(GOOD)) as server:
            it = WorkOS(base_url=server.url)
            monkeypatch.setenv("WORKOS_CLIENT_ID", "client_2")
            monkeypatch.setenv("WORKOS_API_KEY", "sk_2")
            it.refresh(OLD)
            assert f"{server.url} client_2" == it.identity
        assert ("client_2", "sk_2") == tuple(server.requests[0].json[name] for name in ("client_id", "client_secret"))

    def test_WO_18_given_ones_win(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """Over the environment."""
        monkeypatch.setenv("WORKOS_CLIENT_ID", "client_2")
        assert ("client_1", []) == (workos().client_id, workos().problems({}))

    def test_WO_18_cookie_settings(self) -> None:  # noqa: N802
        """By our names, as our types."""
        environ = {
            "WORKOS_COOKIE_NAME": "my-session",
            "WORKOS_COOKIE_PASSWORD": "p" * 40,
            "WORKOS_COOKIE_DOMAIN": "example.com",
            "WORKOS_COOKIE_MAX_AGE": "3600",
            "WORKOS_COOKIE_SAMESITE": "strict",
            "WORKOS_REDIRECT_URI": "https://app.example.com/callback",
        }
        assert {
            "COOKIE_NAME": "my-session",
            "PASSWORD": "p" * 40,
            "COOKIE_DOMAIN": "example.com",
            "COOKIE_MAX_AGE": 3600,
            "COOKIE_SAMESITE": "Strict",
            "REDIRECT_URI": "https://app.example.com/callback",
        } == workos().settings(environ)

    @pytest.mark.parametrize("environ", [{}, {"WORKOS_COOKIE_NAME": "", "WORKOS_COOKIE_MAX_AGE": ""}])
    def test_WO_18_the_presets_own_default(self, environ: dict[str, str]) -> None:  # noqa: N802
        """Is the name of AuthKit's cookie; an empty variable is none."""
        assert ({"COOKIE_NAME": "wos-session"}, []) == (workos().settings(environ), workos().problems(environ))

    @pytest.mark.parametrize(
        ("given", "setting"), [("lax", "Lax"), ("NONE", "None"), ("Strict", "Strict"), ("other", "other")]
    )
    def test_WO_18_same_site(self, given: str, setting: str) -> None:  # noqa: N802
        """In any case; what is none is judged with the other settings."""
        assert setting == workos().settings({"WORKOS_COOKIE_SAMESITE": given})["COOKIE_SAMESITE"]

    @pytest.mark.parametrize("text", ["400 days", "1.5", "-1", "²", "9" * 5000])
    def test_WO_18_an_age_that_is_none(self, text: str) -> None:  # noqa: N802
        """Is a problem under its own name."""
        environ = {"WORKOS_COOKIE_MAX_AGE": text}
        assert {"COOKIE_NAME": "wos-session"} == workos().settings(environ)
        assert [("WORKOS_COOKIE_MAX_AGE", "max_age_text")] == [(p.setting, p.code) for p in workos().problems(environ)]

    def test_WO_18_what_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """All of it at start-up, and the one that is needed at its use."""
        found = WorkOS().problems({"WORKOS_API_KEY": ""})
        assert ["WORKOS_CLIENT_ID", "WORKOS_API_KEY"] == [problem.setting for problem in found]
        assert {"provider_missing"} == {problem.code for problem in found}
        with pytest.raises(ConfigError, match="WORKOS_CLIENT_ID: is not set"):
            _ = WorkOS().jwks_url
        monkeypatch.setenv("WORKOS_CLIENT_ID", "client_1")
        assert "http://localhost:1/sso/jwks/client_1" == WorkOS(base_url="http://localhost:1").jwks_url
        with pytest.raises(ConfigError, match="WORKOS_API_KEY: is not set"):
            WorkOS().refresh(OLD)

    def test_WO_18_a_key_with_a_line_break(self) -> None:  # noqa: N802
        """As files have at their end. The value is not quoted."""
        (problem,) = WorkOS("client_1").problems({"WORKOS_API_KEY": f"{KEY}\n"})
        assert ("WORKOS_API_KEY", "provider_option") == (problem.setting, problem.code)
        assert KEY not in str(problem)


class TestOptions:
    """What the constructor is told."""

    def test_a_provider(self) -> None:
        """By the Protocol; what is not known of WorkOS is not assumed."""
        assert isinstance(workos(), Provider)
        assert (False, False) == (workos().reuse_detection, workos().replay_grace)
        told = workos(reuse_detection="user", replay_grace=True)
        assert ("user", True) == (told.reuse_detection, told.replay_grace)

    def test_it_shows_no_secret(self) -> None:
        """Nor does it travel with one."""
        assert "WorkOS(localhost, client_id='client_1')" == repr(workos())
        with pytest.raises(UsageTypeError):
            pickle.dumps(workos())

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"client_id": ""}, "provider_option"),
            ({"api_key": f"{KEY}\n"}, "provider_option"),
            ({"base_url": "http://api.workos.com"}, "provider_url"),
            ({"timeout": 31}, "bad_duration"),
            ({"client_id": 7}, "wrong_type"),
            ({"reuse_detection": True}, "wrong_type"),
            ({"replay_grace": None}, "wrong_type"),
            ({"issuers": "https://api.workos.com"}, "wrong_type"),
            ({"issuers": [7]}, "wrong_type"),
        ],
    )
    def test_options_that_do_not_fit(self, options: dict[str, Any], code: str) -> None:
        """Are told when the application starts."""
        with pytest.raises(UsageError) as caught:
            WorkOS(**{"client_id": "client_1", "api_key": KEY, **options})
        assert (code, False) == (caught.value.code, KEY in str(caught.value))
