"""WorkOS AuthKit, as it goes over the wire: signing in (WO-20) and out (WO-13), and switching organisation (WO-14)."""

from __future__ import annotations

import logging
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest

from sealed_session import (
    ConfigError,
    ProviderUnavailable,
    Session,
    SignInFailed,
    StepUpRequired,
    UsageError,
)
from sealed_session.providers import WorkOS
from sealed_session.providers.sign_in import Attempt, SignInProvider
from sealed_session.refresh.signing_out import revoke
from sealed_session.testing import access_token

from .issuer import query
from .server import Behaviour, Received, reply, running

KEY, CODE, REFRESH = "sk_test_9Lp5cRs1", "test-code-2Vb6yQe1", "test-refresh-4Tn8xWv3"
BACK = "https://app.example.com/callback"
USER = {"object": "user", "id": "user_1", "email": "ada@example.com"}
SUPPORT = {"email": "support@example.com", "reason": "ticket 4"}
ACCESS = access_token(expires_at=5_000, sid="session_1", org_id="org_1")
GOOD: dict[str, Any] = {"access_token": ACCESS, "refresh_token": REFRESH, "user": USER, "organization_id": "org_1"}
ENDED = Session(access_token(expires_at=100, sid="session_1"), REFRESH, USER)


def workos(url: str = "http://localhost:1", **options: Any) -> WorkOS:
    """A client of a server."""
    return WorkOS("client_1", KEY, base_url=url, **{"timeout": 5, **options})


def sign_in(
    answer: Behaviour, changes: dict[str, Any] | None = None, **begin: Any
) -> tuple[Session, Attempt, Received]:
    """Sign in at a server that answers a code so."""
    with running(answer) as server:
        provider = workos(server.url)
        _, attempt = provider.begin_sign_in(BACK, **begin)
        session = provider.finish_sign_in(attempt, {"code": CODE, "state": attempt.state, **(changes or {})})
        (request,) = server.requests
        return session, attempt, request


def refused(answer: Behaviour, changes: dict[str, Any] | None = None, **begin: Any) -> SignInFailed:
    """Sign in in vain."""
    with pytest.raises(SignInFailed) as caught:
        sign_in(answer, changes, **begin)
    assert not any(secret in str(caught.value) for secret in (CODE, KEY, REFRESH))
    return caught.value


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORKOS_CLIENT_ID", "WORKOS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.row("WO-20")
class TestBegin:
    """{base}/user_management/authorize."""

    def test_WO_20_the_address(self) -> None:  # noqa: N802 - bears its row's id
        """With PKCE and state, for AuthKit. Nobody is asked, and the API key is not needed."""
        url, attempt = WorkOS("client_1").begin_sign_in(BACK)
        assert "https://api.workos.com/user_management/authorize" == urlsplit(url)._replace(query="").geturl()
        challenge = urlsafe_b64encode(sha256(attempt.code_verifier.encode()).digest()).rstrip(b"=").decode()
        assert {
            "client_id": "client_1",
            "redirect_uri": BACK,
            "response_type": "code",
            "provider": "authkit",
            "state": attempt.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } == query(url)
        assert None is attempt.nonce
        assert attempt == Attempt.from_mapping(attempt.to_mapping())

    def test_WO_20_parameters_go_along(self) -> None:  # noqa: N802
        """An organisation, another provider, or a connection instead of one."""
        begin = workos().begin_sign_in
        asked = query(begin(BACK, organization_id="org_1", screen_hint="sign-up", max_age=300)[0])
        assert ("org_1", "sign-up", "300") == (asked["organization_id"], asked["screen_hint"], asked["max_age"])
        assert "GoogleOAuth" == query(begin(BACK, provider="GoogleOAuth")[0])["provider"]
        assert "provider" not in query(begin(BACK, provider=None, connection_id="conn_1")[0])

    @pytest.mark.parametrize("name", ["state", "code_challenge", "client_id", "response_type"])
    def test_WO_20_what_is_no_parameter(self, name: str) -> None:  # noqa: N802
        """What holds the request together is ours."""
        parameters: dict[str, Any] = {name: "x"}
        with pytest.raises(UsageError) as caught:
            workos().begin_sign_in(BACK, **parameters)
        assert "reserved_argument" == caught.value.code

    def test_WO_20_a_redirect_uri_for_each_application(self) -> None:  # noqa: N802
        """Is given with each sign-in; the variable of WorkOS's SDKs is one of our settings."""
        urls = [workos().begin_sign_in(f"https://{host}.example.com/callback")[0] for host in ("app", "dashboard")]
        assert ["https://app.example.com/callback", "https://dashboard.example.com/callback"] == [
            query(url)["redirect_uri"] for url in urls
        ]
        assert BACK == workos().settings({"WORKOS_REDIRECT_URI": BACK})["REDIRECT_URI"]
        assert "WORKOS_REDIRECT_URI" == WorkOS.variables["REDIRECT_URI"]

    def test_WO_20_without_a_client_id(self) -> None:  # noqa: N802
        """Nobody can be sent there."""
        with pytest.raises(ConfigError, match="WORKOS_CLIENT_ID: is not set"):
            WorkOS().begin_sign_in(BACK)

    def test_WO_20_the_protocol(self) -> None:  # noqa: N802
        """The same as every provider's."""
        assert isinstance(workos(), SignInProvider)


@pytest.mark.row("WO-20")
class TestFinish:
    """The callback: POST {base}/user_management/authenticate."""

    def test_WO_20_the_exchange(self) -> None:  # noqa: N802 - bears its row's id
        """The code, with proof that we have begun this, and the API key."""
        _, attempt, request = sign_in(reply(GOOD))
        assert ("POST", "/user_management/authenticate") == (request.method, request.target)
        assert {
            "client_id": "client_1",
            "client_secret": KEY,
            "grant_type": "authorization_code",
            "code": CODE,
            "code_verifier": attempt.code_verifier,
        } == request.json

    def test_WO_20_the_session(self) -> None:  # noqa: N802
        """Tokens, user and impersonator; session and organisation are claims."""
        session, _, _ = sign_in(reply({**GOOD, "impersonator": SUPPORT}))
        assert Session(ACCESS, REFRESH, USER, SUPPORT) == session
        assert ("session_1", "org_1") == (session.session_id, session.claims["org_id"])
        assert None is sign_in(reply(GOOD))[0].impersonator

    @pytest.mark.parametrize("state", [None, "", "other", 7])
    def test_WO_20_a_wrong_state(self, state: Any) -> None:  # noqa: N802
        """Opens nothing, and the code is not sent."""
        provider = workos()
        _, attempt = provider.begin_sign_in(BACK)
        with pytest.raises(SignInFailed) as caught:
            provider.finish_sign_in(attempt, {"code": CODE, "state": state})
        assert "state_mismatch" == caught.value.code

    def test_WO_20_a_used_code(self) -> None:  # noqa: N802
        """Opens nothing."""
        body = {"error": "invalid_grant", "error_description": f"The code '{CODE}' has expired or is invalid."}
        assert "code_refused" == refused(reply(body, 400)).code

    @pytest.mark.parametrize("error", ["access_denied", "sso_failed"])
    def test_WO_20_an_error_answer(self, error: str) -> None:  # noqa: N802
        """Opens nothing; WorkOS's own word is kept for the log."""
        failure = refused(reply(GOOD), {"error": error, "error_description": "The user said no."})
        assert ("access_denied", error) == (failure.code, failure.detail)

    def test_WO_20_no_code(self) -> None:  # noqa: N802
        """There is nothing to exchange."""
        assert "bad_answer" == refused(reply(GOOD), {"code": ""}).code

    @pytest.mark.parametrize("code", ["mfa_enrollment", "sso_required", "organization_selection_required"])
    def test_WO_20_more_is_wanted(self, code: str) -> None:  # noqa: N802
        """With what WorkOS says of it."""
        body = {"code": code, "message": "More.", "pending_authentication_token": "pending"}
        with pytest.raises(StepUpRequired) as caught:
            sign_in(reply(body, 403))
        assert body == caught.value.payload

    @pytest.mark.parametrize(
        ("answer", "level"),
        [
            (reply({"message": "Unauthorized"}, 401), logging.ERROR),
            (reply({}, 503), logging.WARNING),
            (reply({"user": USER}), logging.WARNING),
        ],
    )
    def test_WO_20_no_usable_answer(  # noqa: N802
        self, answer: Behaviour, level: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Is an outage; a wrong API key is an error in the log."""
        with pytest.raises(ProviderUnavailable) as caught:
            sign_in(answer)
        assert [level] == [record.levelno for record in caplog.records]
        assert not any(secret in caplog.text + str(caught.value) for secret in (KEY, CODE))

    def test_WO_20_without_an_api_key(self) -> None:  # noqa: N802
        """There is nobody to ask as."""
        provider = WorkOS("client_1", base_url="http://localhost:1")
        _, attempt = provider.begin_sign_in(BACK)
        with pytest.raises(ConfigError, match="WORKOS_API_KEY: is not set"):
            provider.finish_sign_in(attempt, {"code": CODE, "state": attempt.state})

    @pytest.mark.parametrize(("ago", "is_fresh"), [(5, True), (400, False), (None, False)])
    def test_WO_20_who_has_proved_who_they_are(self, ago: int | None, is_fresh: bool) -> None:  # noqa: N802
        """By the access token's ``auth_time``."""
        auth_time: dict[str, Any] = {} if ago is None else {"auth_time": int(time.time()) - ago}
        answer = reply({**GOOD, "access_token": access_token(expires_at=5_000, **auth_time)})
        if is_fresh:
            assert USER == sign_in(answer, max_age=300)[0].user
        else:
            assert "not_fresh_enough" == refused(answer, max_age=300).code


@pytest.mark.row("WO-13")
class TestRevoke:
    """POST {base}/user_management/sessions/revoke, beside the sign-out page."""

    def test_WO_13_the_request(self) -> None:  # noqa: N802 - bears its row's id
        """Names the session, though its access token has ended."""
        with running(reply({"object": "session"})) as server:
            assert workos(server.url).revoke(ENDED)
            assert revoke(workos(server.url), ENDED)
        request = server.requests[0]
        assert ("POST", "/user_management/sessions/revoke") == (request.method, request.target)
        assert ({"session_id": "session_1"}, f"Bearer {KEY}") == (request.json, request.headers["authorization"])

    @pytest.mark.parametrize(("status", "confirmed"), [(200, True), (400, False), (401, False), (404, False)])
    def test_WO_13_what_is_confirmed(self, status: int, confirmed: bool) -> None:  # noqa: N802
        """And nothing else."""
        with running(reply({}, status)) as server:
            assert confirmed is workos(server.url).revoke(ENDED)

    def test_WO_13_nobody_knows(self) -> None:  # noqa: N802
        """While WorkOS is down."""
        with running(reply({}, 503)) as server, pytest.raises(ProviderUnavailable):
            workos(server.url).revoke(ENDED)

    def test_WO_13_a_session_that_is_not_named(self) -> None:  # noqa: N802
        """There is nothing to end; an id of our own means nothing to WorkOS."""
        assert workos().revoke(Session("opaque", session_id="b3du")) is False


@pytest.mark.row("WO-14")
def test_WO_14_a_refresh_with_an_organisation() -> None:  # noqa: N802 - bears its row's id
    """Is what a switch is: the answer's token is of the other organisation, and is the session's from then on."""
    switched = access_token(expires_at=5_000, sid="session_1", org_id="org_2")
    with running(reply({**GOOD, "access_token": switched, "refresh_token": "next"})) as server:
        session = workos(server.url).refresh(ENDED, organization_id="org_2")
    assert "org_2" == server.requests[0].json["organization_id"]
    assert ("org_2", "session_1", "next") == (session.claims["org_id"], session.session_id, session.refresh_token)
