"""Stytch: what goes over the wire, what the answers mean, and its environment variables."""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from sealed_session import (
    ConfigError,
    ProviderUnavailable,
    RefreshDenied,
    RefreshError,
    Session,
    UsageError,
)
from sealed_session.providers import Provider, Stytch
from sealed_session.providers.claims import ABSENT
from sealed_session.refresh.attempt import attempt
from sealed_session.refresh.outcome import Kind
from sealed_session.testing import Clock, FakeStytch, access_token
from sealed_session.verifier import JWTVerifier

from .server import Behaviour, Received, refused_url, reply, running

PROJECT, SECRET = "project-live-1", "secret-test-9Lp5cRs1"
TOKEN = "token-4Tn8xWv3"
ENDS = 1_800_003_600
JWT = access_token(expires_at=100)
NEW = access_token(expires_at=5_000)
OLD = Session(JWT, TOKEN, {"id": "user_1"}, extra={"theme": "dark"})
USER = {
    "user_id": "user_1",
    "name": {"first_name": "Ada"},
    "emails": [
        {"email": "old@example.com", "verified": False},
        {"email": "ada@example.com", "verified": True},
    ],
}
GOOD: dict[str, Any] = {
    "status_code": 200,
    "session_jwt": NEW,
    "session_token": TOKEN,
    "user": USER,
    "session": {"expires_at": "2027-01-15T09:00:00Z"},
}
GONE = {"status_code": 404, "error_type": "session_not_found", "error_message": "Session could not be found."}
VARIABLES = ("STYTCH_PROJECT_ID", "STYTCH_SECRET", "STYTCH_CUSTOM_BASE_URL")


def stytch(url: str = "http://localhost:1", **options: Any) -> Stytch:
    """A client of a server."""
    return Stytch(**{"project_id": PROJECT, "secret": SECRET, "base_url": url, "timeout": 5, **options})


def refresh(answer: Behaviour, session: Session = OLD, **options: Any) -> tuple[Session, Received]:
    """Refresh at a server with this answer; return the session, and what was asked."""
    with running(answer) as server:
        return stytch(server.url, **options).refresh(session), server.requests[0]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> Iterator[FakeStytch]:
    """Stytch."""
    with FakeStytch(clock=clock) as it:
        yield it


def client(fake: FakeStytch, **options: Any) -> Stytch:
    """A client of it."""
    return stytch(fake.base_url, project_id=fake.project_id, secret=fake.secret, **options)


@pytest.mark.row("ST-12")
class TestVerification:
    """What a verifier needs, to verify without asking anybody."""

    def verifier(self, provider: Stytch, clock: Callable[[], float]) -> JWTVerifier:
        """The verifier of a provider."""
        return JWTVerifier(
            provider.jwks_url,
            issuers=provider.issuers,
            audience=provider.audience,
            algorithms=provider.algorithms,
            max_age=provider.max_token_age,
            clock=clock,
        )

    def test_ST_12_what_it_is(self) -> None:  # noqa: N802 - bears its row's id
        """The project's own keys, name and algorithm."""
        it = stytch("https://api.example.com/")
        assert ("https://api.example.com/v1/sessions/jwks/project-live-1", ("RS256",)) == (it.jwks_url, it.algorithms)
        assert ((f"stytch.com/{PROJECT}",), PROJECT, None) == (it.issuers, it.audience, it.max_token_age)
        assert ("stytch.com project-live-1", "user_id") == (it.identity, it.subject_field)

    def test_ST_12_zero_calls_while_it_is_valid(self, fake: FakeStytch, clock: Clock) -> None:  # noqa: N802
        """But for the keys."""
        verifier, token = self.verifier(client(fake), clock), fake.sign_in()["access_token"]
        assert ["valid"] * 3 == [verifier.verify(token).verdict for _ in range(3)]
        assert 0 == fake.count("/v1/sessions/authenticate")

    def test_ST_12_somebody_elses(self, fake: FakeStytch, clock: Clock) -> None:  # noqa: N802
        """Of another project, or of another domain."""
        good = {"iss": fake.issuer, "aud": [fake.project_id], "sub": "user_1", "exp": clock.now + 300}
        verifier = self.verifier(client(fake), clock)
        codes = [
            verifier.verify(fake.sign({**good, **wrong})).code
            for wrong in ({}, {"aud": ["project-test-2"]}, {"aud": None}, {"iss": "stytch.com/project-test-2"})
        ]
        assert ["valid", "wrong_audience", "wrong_audience", "wrong_issuer"] == codes

    def test_ST_12_an_age_of_ones_own(self, fake: FakeStytch, clock: Clock) -> None:  # noqa: N802
        """Is known to whoever verifies."""
        provider = client(fake, max_token_age=timedelta(minutes=2))
        token = fake.sign_in()["access_token"]
        clock.advance(200)
        assert (120, "too_old") == (provider.max_token_age, self.verifier(provider, clock).verify(token).code)

    def test_ST_12_what_its_tokens_say(self, fake: FakeStytch, clock: Clock) -> None:  # noqa: N802
        """The person, the session, its beginning and its end."""
        signed_in = fake.sign_in()
        claims = client(fake).claims
        session = claims.session(signed_in["access_token"], signed_in["refresh_token"])
        user_id = signed_in["user"]["user_id"]
        assert {"id": user_id, "user_id": user_id} == session.user
        assert (signed_in["session_expires_at"], clock.now) == (session.session_expires_at, claims.started_at(session))
        assert 22 == len(session.session_id or "")

    def test_ST_12_the_session_id_outlives_a_jwt(self, fake: FakeStytch, clock: Clock) -> None:  # noqa: N802
        """So that it can be revoked by it."""
        provider, signed_in = client(fake), fake.sign_in()
        old = provider.claims.session(signed_in["access_token"], signed_in["refresh_token"])
        clock.advance(400)
        new = provider.claims.complete(provider.refresh(old))
        assert (old.session_id, False) == (new.session_id, old.access_token == new.access_token)


@pytest.mark.row("ST-13")
class TestRefresh:
    """POST /v1/sessions/authenticate."""

    def test_ST_13_the_request(self) -> None:  # noqa: N802 - bears its row's id
        """The session token alone, and the project's secret by Basic."""
        _, request = refresh(reply(GOOD))
        assert ("POST", "/v1/sessions/authenticate") == (request.method, request.target)
        assert {"session_token": TOKEN} == request.json
        assert f"{PROJECT}:{SECRET}" == b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()

    def test_ST_13_a_jwt_alone(self) -> None:  # noqa: N802
        """Goes although it has expired; what is neither does not go."""
        session, request = refresh(reply(GOOD), Session(JWT))
        assert ({"session_jwt": JWT}, TOKEN) == (request.json, session.refresh_token)
        assert (TOKEN, JWT, None) == tuple(map(stytch().credential, (OLD, Session(JWT), Session("opaque"))))
        with pytest.raises(RefreshDenied):
            stytch().refresh(Session("opaque"))

    def test_ST_13_without_a_jwt(self) -> None:  # noqa: N802
        """The token alone is enough, and nothing else goes along."""
        _, request = refresh(reply(GOOD), stytch().claims.session(None, TOKEN))
        assert ({"session_token": TOKEN}, False) == (request.json, ABSENT in request.body.decode())

    def test_ST_13_the_answer(self) -> None:  # noqa: N802
        """Tokens, user and the session's end; the user has an id and an email as everywhere."""
        session, _ = refresh(reply(GOOD))
        user = {"id": "user_1", "email": "ada@example.com", **USER}
        assert Session(NEW, TOKEN, user, session_expires_at=ENDS) == session

    @pytest.mark.parametrize(
        "body",
        [
            {"session_jwt": NEW},
            {"session_jwt": NEW, "session_token": "", "user": None, "session": None},
            {"session_jwt": NEW, "session_token": 7, "user": "user_1", "session": {"expires_at": "soon"}},
            {"session_jwt": NEW, "session_token": None, "user": {}, "session": {"expires_at": -1}},
        ],
    )
    def test_ST_13_what_is_missing_is_kept(self, body: dict[str, Any]) -> None:  # noqa: N802
        """The new JWT is worth more than that."""
        session, _ = refresh(reply(body))
        assert Session(NEW) == session

    @pytest.mark.parametrize(
        ("user", "added"),
        [
            ({"user_id": "u", "emails": []}, {"id": "u"}),
            ({"user_id": "u", "emails": "ada@example.com"}, {"id": "u"}),
            ({"emails": [7, {"email": None}, {"email": "a@example.com"}]}, {"email": "a@example.com"}),
            ({"user_id": 7, "id": "own", "email": "own@example.com"}, {}),
        ],
    )
    def test_ST_13_odd_users(self, user: dict[str, Any], added: dict[str, Any]) -> None:  # noqa: N802
        """Get what can be known of them, and keep what they have."""
        session, _ = refresh(reply({**GOOD, "user": user}))
        assert {**added, **user} == session.user

    def test_ST_13_further_members(self) -> None:  # noqa: N802
        """Of any type; None says nothing, and the tokens are nobody's business."""
        with running(reply(GOOD)) as server:
            provider = stytch(server.url, session_duration_minutes=60)
            provider.refresh(OLD, session_custom_claims={"plan": "pro"}, authorization_check=None)
            provider.refresh(OLD, session_duration_minutes=5)
        first, second = (request.json for request in server.requests)
        assert {
            "session_token": TOKEN,
            "session_duration_minutes": 60,
            "session_custom_claims": {"plan": "pro"},
        } == first
        assert 5 == second["session_duration_minutes"]
        for name in ("session_token", "session_jwt"):
            with pytest.raises(UsageError) as caught:
                stytch().refresh(OLD, **{name: "x"})
            assert "reserved_argument" == caught.value.code

    def test_ST_13_denied(self) -> None:  # noqa: N802
        """By its code alone."""
        with pytest.raises(RefreshDenied):
            refresh(reply(GONE, 404))

    @pytest.mark.parametrize("body", [{}, {"error_type": "user_not_found"}, {"error": "session_not_found"}, b"<html>"])
    def test_ST_13_another_404(self, body: Any) -> None:  # noqa: N802
        """Is a wrong address, say, and no session's end."""
        with pytest.raises(ProviderUnavailable):
            refresh(reply(body, 404))

    @pytest.mark.parametrize(
        "body", [{"error_type": "unauthorized_credentials"}, {"error_type": "project_not_found"}, b"", b"<html>"]
    )
    def test_ST_13_misconfigured(self, body: Any, caplog: pytest.LogCaptureFixture) -> None:  # noqa: N802
        """401 is about our secret: somebody is told, and everybody stays signed in."""
        with pytest.raises(ProviderUnavailable) as caught:
            refresh(reply(body, 401))
        assert (False, True) == (caught.value.sent, caught.value.general)
        assert [logging.ERROR] == [record.levelno for record in caplog.records]

    def test_ST_13_too_many(self) -> None:  # noqa: N802
        """Nobody is sent there for as long as it says."""
        answer = reply({"error_type": "too_many_requests"}, 429, {"Retry-After": "7"})
        with pytest.raises(ProviderUnavailable) as caught:
            refresh(answer)
        assert (7, False, True) == (caught.value.retry_after, caught.value.sent, caught.value.general)

    @pytest.mark.parametrize(
        "answer",
        [
            reply({"error_type": "internal_server_error"}, 500),
            reply(b"<html>", 503),
            reply(b"<html>"),
            reply({**GOOD, "session_jwt": ""}),
            reply({"session_token": TOKEN}),
            reply({**GOOD, "session_jwt": "opaque, and so never due"}),
            reply({"error_type": "invalid_session_duration"}, 400),
            reply({}, 302, {"Location": "https://elsewhere.example.com"}),
            reply(GOOD, headers={"Content-Length": "999"}),
        ],
    )
    def test_ST_13_no_usable_answer(self, answer: Behaviour) -> None:  # noqa: N802
        """Ends nobody's session."""
        with pytest.raises(ProviderUnavailable):
            refresh(answer)

    def test_ST_13_nobody_there(self) -> None:  # noqa: N802
        """Was surely not asked."""
        with pytest.raises(ProviderUnavailable) as caught:
            stytch(refused_url()).refresh(OLD)
        assert (False, True) == (caught.value.sent, caught.value.general)

    def test_ST_13_the_real_ways(self, fake: FakeStytch, clock: Clock) -> None:  # noqa: N802
        """A JWT that ended, a longer life, and an end."""
        signed_in = fake.sign_in()
        clock.advance(400)
        provider = client(fake, session_duration_minutes=120)
        renewed = provider.refresh(Session(signed_in["access_token"], signed_in["refresh_token"]))
        assert (clock.now + 300, clock.now + 7200) == (renewed.access_expires_at, renewed.session_expires_at)
        by_jwt = provider.refresh(Session(signed_in["access_token"]))
        assert signed_in["refresh_token"] == by_jwt.refresh_token
        clock.advance(8000)
        assert Kind.DENIED is attempt(provider, renewed, {}).kind

    def test_ST_13_the_issuers_role(self, fake: FakeStytch) -> None:  # noqa: N802
        """The application has signed somebody in by the API, and hands on what that said."""
        session = Stytch.session_of(GOOD)
        assert Session(NEW, TOKEN, {"id": "user_1", "email": "ada@example.com", **USER}, session_expires_at=ENDS) == (
            session
        )
        for none in ({}, {"session_jwt": ""}):
            with pytest.raises(UsageError) as caught:
                Stytch.session_of(none)
            assert "missing_value" == caught.value.code


@pytest.mark.row("ST-14")
class TestRevoke:
    """POST /v1/sessions/revoke."""

    def revoke(self, answer: Behaviour, session: Session = OLD) -> tuple[bool, list[Received]]:
        """Revoke at a server with this answer."""
        with running(answer) as server:
            return stytch(server.url).revoke(session), server.requests

    def test_ST_14_once(self) -> None:  # noqa: N802 - bears its row's id
        """By the session token, or else the JWT, as who we are."""
        is_revoked, (request,) = self.revoke(reply({"status_code": 200}))
        assert (True, "/v1/sessions/revoke", {"session_token": TOKEN}) == (is_revoked, request.target, request.json)
        assert f"{PROJECT}:{SECRET}" == b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        _, (request,) = self.revoke(reply({"status_code": 200}), Session(JWT))
        assert {"session_jwt": JWT} == request.json

    def test_ST_14_it_was_over_before(self) -> None:  # noqa: N802
        """So that it is over."""
        is_revoked, asked = self.revoke(reply(GONE, 404))
        assert (True, 1) == (is_revoked, len(asked))

    @pytest.mark.parametrize(
        ("body", "status"),
        [({"error_type": "unauthorized_credentials"}, 401), ({}, 400), ({}, 404), (b"<html>", 404), (b"", 403)],
    )
    def test_ST_14_refused(self, body: Any, status: int) -> None:  # noqa: N802
        """Is no confirmation, and is not tried again."""
        is_revoked, asked = self.revoke(reply(body, status))
        assert (False, 1) == (is_revoked, len(asked))

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_ST_14_nobody_knows(self, status: int) -> None:  # noqa: N802
        """Whoever signs out is told that it is not confirmed."""
        with pytest.raises(ProviderUnavailable):
            self.revoke(reply({}, status))

    def test_ST_14_nothing_to_revoke(self) -> None:  # noqa: N802
        """Asks nobody."""
        assert False is stytch().revoke(Session("opaque"))

    def test_ST_14_it_is_over_there(self, fake: FakeStytch) -> None:  # noqa: N802
        """And a copy of the cookie is refused."""
        signed_in = fake.sign_in()
        session = Session(signed_in["access_token"], signed_in["refresh_token"])
        provider = client(fake)
        assert (True, True) == (provider.revoke(session), provider.revoke(session))
        with pytest.raises(RefreshDenied):
            provider.refresh(session)


@pytest.mark.row("ST-16")
class TestCustomBaseUrl:
    """A project with a domain of its own."""

    def test_ST_16_every_call(self) -> None:  # noqa: N802 - bears its row's id
        """Goes there, whatever else is said."""
        with running(reply(GOOD)) as server:
            provider = stytch(refused_url(), custom_base_url=f"{server.url}/")
            provider.refresh(OLD)
            provider.revoke(OLD)
            assert f"{server.url}/v1/sessions/jwks/{PROJECT}" == provider.jwks_url
        assert ["/v1/sessions/authenticate", "/v1/sessions/revoke"] == [one.target for one in server.requests]

    def test_ST_16_the_issuer(self) -> None:  # noqa: N802
        """Is that domain, or still the project's name."""
        provider = stytch(custom_base_url="https://login.example.com/")
        assert ("https://login.example.com", f"stytch.com/{PROJECT}") == provider.issuers
        assert ("login.example.com", "stytch.com project-live-1") == (provider.custom_domain, provider.identity)

    def test_ST_16_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """Read when it is needed."""
        provider = stytch()
        assert (None, f"http://localhost:1/v1/sessions/jwks/{PROJECT}") == (provider.custom_domain, provider.jwks_url)
        monkeypatch.setenv("STYTCH_CUSTOM_BASE_URL", "https://login.example.com/")
        assert ("login.example.com", f"https://login.example.com/v1/sessions/jwks/{PROJECT}") == (
            provider.custom_domain,
            provider.jwks_url,
        )

    def test_ST_16_its_tokens(self, clock: Clock) -> None:  # noqa: N802
        """Verify, as those do that name the project."""
        with FakeStytch(clock=clock, custom_base_url=True) as fake:
            provider = client(fake, base_url=None, custom_base_url=fake.base_url)
            old = fake.sign_in()
            verifier = JWTVerifier(provider.jwks_url, issuers=provider.issuers, audience=provider.audience, clock=clock)
            token = provider.refresh(Session(old["access_token"], old["refresh_token"])).access_token
            assert ("valid", fake.base_url) == (verifier.verify(token).code, Session(token).claims["iss"])


class TestEnvironment:
    """Variables, and the two environments that Stytch has."""

    def test_project_and_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Are read when they are needed."""
        with running(reply(GOOD)) as server:
            provider = Stytch(base_url=server.url)
            monkeypatch.setenv("STYTCH_PROJECT_ID", "project-test-2")
            monkeypatch.setenv("STYTCH_SECRET", "secret-test-2")
            provider.refresh(OLD)
        sent = server.requests[0].headers["authorization"].removeprefix("Basic ")
        assert "project-test-2:secret-test-2" == b64decode(sent).decode()

    def test_what_is_missing(self) -> None:
        """Is told at the start, and to whoever needs it; a look at what the project is comes to nothing."""
        provider = Stytch()
        assert ["STYTCH_PROJECT_ID", "STYTCH_SECRET"] == [problem.setting for problem in provider.problems({})]
        assert ({}, False, None) == (provider.settings({}), provider.is_test, provider.custom_domain)
        for ask in (lambda: provider.audience, lambda: provider.jwks_url, lambda: provider.refresh(OLD)):
            with pytest.raises(ConfigError, match="STYTCH_PROJECT_ID: is not set"):
                ask()
        with pytest.raises(ConfigError, match="STYTCH_SECRET: is not set"):
            Stytch(PROJECT).refresh(OLD)

    def test_a_wrong_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is told at the start, and never used."""
        monkeypatch.setenv("STYTCH_CUSTOM_BASE_URL", "http://login.example.com")
        (problem,) = stytch().problems({"STYTCH_CUSTOM_BASE_URL": "http://login.example.com"})
        assert ("STYTCH_CUSTOM_BASE_URL", "provider_url", None) == (
            problem.setting,
            problem.code,
            stytch().custom_domain,
        )
        with pytest.raises(ConfigError):
            stytch().refresh(OLD)

    @pytest.mark.parametrize(
        ("project", "is_test", "host"),
        [
            ("project-test-1", True, "test.stytch.com"),
            ("project-live-1", False, "api.stytch.com"),
            ("another", True, "test.stytch.com"),
        ],
    )
    def test_test_and_live(self, project: str, is_test: bool, host: str) -> None:
        """By the project's name, as Stytch's own SDKs tell them."""
        provider = Stytch(project, SECRET)
        assert (is_test, f"https://{host}/v1/sessions/jwks/{project}") == (provider.is_test, provider.jwks_url)

    def test_a_project_in_an_address(self) -> None:
        """Is one step of its path."""
        assert "https://api.example.com/v1/sessions/jwks/a%2Fb%3Fc" == (
            Stytch("a/b?c", SECRET, base_url="https://api.example.com").jwks_url
        )


class TestOptions:
    """What the constructor is told."""

    def test_a_provider(self) -> None:
        """By the Protocol."""
        provider: Provider = stytch()
        assert isinstance(provider, Provider)

    @pytest.mark.parametrize("minutes", [5, 527_040])
    def test_how_long_a_session_lives(self, minutes: int) -> None:
        """Is Stytch's own range."""
        with running(reply(GOOD)) as server:
            stytch(server.url, session_duration_minutes=minutes).refresh(OLD)
        assert minutes == server.requests[0].json["session_duration_minutes"]

    def test_it_shows_no_secret(self) -> None:
        """Nor anything that is not there."""
        assert "Stytch('project-live-1', custom_domain=None)" == repr(stytch())
        assert "Stytch(None, custom_domain=None)" == repr(Stytch())

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"project_id": ""}, "provider_option"),
            ({"project_id": f"{PROJECT}:{SECRET}"}, "provider_option"),
            ({"secret": f"{SECRET}\n"}, "provider_option"),
            ({"secret": 7}, "wrong_type"),
            ({"custom_base_url": "login.example.com"}, "provider_url"),
            ({"base_url": "http://api.stytch.com"}, "provider_url"),
            ({"max_token_age": 0}, "bad_duration"),
            ({"max_token_age": "300"}, "wrong_type"),
            ({"session_duration_minutes": 4}, "provider_option"),
            ({"session_duration_minutes": 527_041}, "provider_option"),
            ({"session_duration_minutes": 60.0}, "wrong_type"),
            ({"timeout": 0}, "bad_duration"),
        ],
    )
    def test_options_that_do_not_fit(self, options: dict[str, Any], code: str) -> None:
        """Are told when the application starts."""
        with pytest.raises(UsageError) as caught:
            stytch(**options)
        assert (code, False) == (caught.value.code, SECRET in str(caught.value))


@pytest.mark.parametrize(
    "answer",
    [
        reply(GONE, 404),
        reply({"error_type": "unauthorized_credentials", "error_message": f"{TOKEN} {SECRET}"}, 401),
        reply({"error_type": TOKEN}, 400),
        reply(b"<html>" + TOKEN.encode(), 503),
        reply({**GOOD, "session_jwt": 7}),
        reply(GOOD, headers={"Content-Length": "999"}),
    ],
)
def test_no_secret_is_told(answer: Behaviour, caplog: pytest.LogCaptureFixture) -> None:
    """In a log or an error, though the answer has it."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(RefreshError) as caught:
        refresh(answer)
    told = f"{caplog.text} {caught.value!r} {caught.value}"
    assert not any(secret in told for secret in (TOKEN, SECRET, JWT, NEW))
