"""Stytch's fake: sessions with two faces, passwords, and what its JavaScript writes."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from sealed_session import UsageError
from sealed_session.testing import Clock, FakeStytch, Fault, forge
from sealed_session.testing.signing import read
from sealed_session.testing.stytch_session import SESSION_CLAIM

from .calls import get, post

NOW = 1_800_000_000
TOKEN, JWT = "session_token", "session_jwt"
PASSWORD = "test-password-of-ada"


@pytest.fixture
def stytch(stytch: FakeStytch) -> FakeStytch:
    """One that knows Ada's password."""
    stytch.register("ada@example.com", PASSWORD)
    return stytch


def ask(fake: FakeStytch, path: str, **body: Any) -> httpx2.Response:
    """Ask with the project's credentials."""
    return post(fake, path, auth=(fake.project_id, fake.secret), json=body)


def authenticate(fake: FakeStytch, **body: Any) -> httpx2.Response:
    """POST /v1/sessions/authenticate."""
    return ask(fake, "/v1/sessions/authenticate", **body)


def sign_in(fake: FakeStytch, **changes: Any) -> httpx2.Response:
    """POST /v1/passwords/authenticate."""
    body = {"email": "ada@example.com", "password": PASSWORD, "session_duration_minutes": 60, **changes}
    return ask(fake, "/v1/passwords/authenticate", **{name: one for name, one in body.items() if one is not None})


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """Status and kind of an error in Stytch's shape."""
    body = answer.json()
    assert {"status_code", "request_id", "error_type", "error_message", "error_url"} == set(body)
    assert body["status_code"] == answer.status_code
    return answer.status_code, body["error_type"]


class TestSignIn:
    """``sign_in``, for tests that begin with a session."""

    def test_it_opens_a_session(self, stytch: FakeStytch) -> None:
        """With the arguments of ``SealedSession.sign_in``."""
        session = stytch.sign_in()
        assert {"access_token", "refresh_token", "user", "session_expires_at"} == set(session)
        assert NOW + 3600 == session["session_expires_at"]
        assert 200 == authenticate(stytch, session_token=session["refresh_token"]).status_code

    def test_the_jwt_is_as_a_real_one(self, stytch: FakeStytch) -> None:
        """Five minutes, whatever the session's length; the session is a claim."""
        session = stytch.sign_in()
        claims = read(session["access_token"])[1]
        assert {"iss", "aud", "sub", "iat", "nbf", "exp", SESSION_CLAIM} == set(claims)
        assert (f"stytch.com/{stytch.project_id}", [stytch.project_id]) == (claims["iss"], claims["aud"])
        assert (session["user"]["user_id"], NOW, NOW, NOW + 300) == tuple(
            claims[name] for name in ("sub", "iat", "nbf", "exp")
        )
        described = claims[SESSION_CLAIM]
        names = {"id", "started_at", "last_accessed_at", "expires_at", "attributes", "authentication_factors", "roles"}
        assert names == set(described)
        assert ("2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z") == (described["started_at"], described["expires_at"])

    def test_the_person_and_the_claims_are_the_callers(self, stytch: FakeStytch) -> None:
        """Custom claims cannot take the place of Stytch's own; a person may have no address."""
        session = stytch.sign_in({"user_id": "user-test-7", "emails": []}, minutes=5, role="admin", sub="x", exp=1)
        claims = read(session["access_token"])[1]
        assert ("admin", "user-test-7", NOW + 300) == tuple(claims[name] for name in ("role", "sub", "exp"))
        assert (NOW + 300, "Ada") == (session["session_expires_at"], session["user"]["name"]["first_name"])

    def test_a_domain_of_its_own(self, clock: Clock) -> None:
        """Is the issuer then."""
        with FakeStytch(clock=clock, custom_base_url=True, jwt_lifetime=7, session_minutes=10) as fake:
            session = fake.sign_in()
            claims = read(session["access_token"])[1]
            assert (fake.base_url, NOW + 7, NOW + 600) == (claims["iss"], claims["exp"], session["session_expires_at"])

    @pytest.mark.parametrize("arguments", [{"jwt_lifetime": -1}, {"session_minutes": 1.5}])
    def test_its_arguments_are_checked(self, arguments: dict[str, Any]) -> None:
        """Where they are given."""
        with pytest.raises(UsageError):
            FakeStytch(**arguments)

    def test_the_secret_is_new_or_given(self) -> None:
        """And looks like a real one."""
        assert FakeStytch().secret != FakeStytch().secret
        assert "secret-test-x" == FakeStytch(secret="secret-test-x").secret


class TestAuthenticate:
    """POST /v1/sessions/authenticate."""

    def test_the_token_stays_and_the_jwt_is_new(self, stytch: FakeStytch, clock: Clock) -> None:
        """Either face will do; the session's end stays too."""
        session = stytch.sign_in(role="admin")
        clock.advance(100)
        for face in ({TOKEN: session["refresh_token"]}, {JWT: session["access_token"]}):
            body = authenticate(stytch, **face).json()
            assert {"status_code", "request_id", "session", TOKEN, JWT, "user"} == set(body)
            assert (session["refresh_token"], session["user"]) == (body[TOKEN], body["user"])
            assert NOW + 400 == read(body[JWT])[1]["exp"]
            described = body["session"]
            assert ("2027-01-15T08:01:40Z", "2027-01-15T09:00:00Z") == (
                described["last_accessed_at"],
                described["expires_at"],
            )
            assert {"role": "admin"} == described["custom_claims"]

    def test_an_expired_jwt_is_taken(self, stytch: FakeStytch, clock: Clock) -> None:
        """Its signature counts: one that nobody can check is not."""
        session = stytch.sign_in()
        clock.advance(3000)
        assert 200 == authenticate(stytch, session_jwt=session["access_token"]).status_code
        forged = forge.with_foreign_key(stytch, session["access_token"])
        assert (404, "session_not_found") == refused(authenticate(stytch, session_jwt=forged))
        stytch.rotate_key(keep_old=False)
        assert (404, "session_not_found") == refused(authenticate(stytch, session_jwt=session["access_token"]))

    def test_a_jwt_of_ours_that_is_about_no_session(self, stytch: FakeStytch) -> None:
        """Opens none."""
        for claims in ({"sub": "x"}, {SESSION_CLAIM: {"id": "session-test-9"}}, {SESSION_CLAIM: None}):
            assert 404 == authenticate(stytch, session_jwt=stytch.sign(claims)).status_code

    def test_the_session_is_extended(self, stytch: FakeStytch, clock: Clock) -> None:
        """From now on, where it is asked for."""
        session = stytch.sign_in(minutes=5)
        clock.advance(200)
        body = authenticate(stytch, session_token=session["refresh_token"], session_duration_minutes=5).json()
        assert "2027-01-15T08:08:20Z" == body["session"]["expires_at"]

    @pytest.mark.parametrize("minutes", [4, 527_041, "60", 5.5, True])
    def test_by_minutes_that_are_allowed(self, stytch: FakeStytch, minutes: object) -> None:
        """5 to 527040 of them."""
        token = stytch.sign_in()["refresh_token"]
        answer = authenticate(stytch, session_token=token, session_duration_minutes=minutes)
        assert (400, "invalid_session_duration_minutes") == refused(answer)

    def test_claims_are_added(self, stytch: FakeStytch) -> None:
        """And deleted by null; the names of Stytch's own are ignored."""
        session = stytch.sign_in(role="admin", team=1)
        changes = {"role": None, "plan": "free", "sub": "x"}
        body = authenticate(stytch, session_token=session["refresh_token"], session_custom_claims=changes).json()
        assert {"team": 1, "plan": "free"} == body["session"]["custom_claims"]
        answer = authenticate(stytch, session_token=session["refresh_token"], session_custom_claims=["x"])
        assert (400, "bad_request") == refused(answer)

    def test_a_session_ends(self, stytch: FakeStytch, clock: Clock) -> None:
        """By time, or because it was ended: nobody is told which."""
        session = stytch.sign_in()
        clock.advance(3600)
        assert (404, "session_not_found") == refused(authenticate(stytch, session_token=session["refresh_token"]))
        session = stytch.sign_in()
        stytch.end_every_session()
        assert (404, "session_not_found") == refused(authenticate(stytch, session_jwt=session["access_token"]))

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ({}, "no_session_arguments"),
            ({TOKEN: ""}, "no_session_arguments"),
            ({TOKEN: "a", JWT: "b"}, "too_many_session_arguments"),
        ],
    )
    def test_exactly_one_face(self, stytch: FakeStytch, body: dict[str, str], kind: str) -> None:
        """Neither is too few, both are too many."""
        assert (400, kind) == refused(authenticate(stytch, **body))

    @pytest.mark.parametrize("path", ["sessions/authenticate", "sessions/revoke", "passwords/authenticate"])
    def test_the_credentials_are_checked(self, stytch: FakeStytch, path: str) -> None:
        """Project and secret, of every call; and that the body is JSON."""
        for auth in ((stytch.project_id, "wrong"), ("project-test-2", stytch.secret), None):
            assert (401, "unauthorized_credentials") == refused(post(stytch, f"/v1/{path}", auth=auth, json={}))
        ours = (stytch.project_id, stytch.secret)
        assert (400, "bad_request") == refused(post(stytch, f"/v1/{path}", auth=ours, data={TOKEN: "x"}))

    def test_faults_are_in_its_shape(self, stytch: FakeStytch) -> None:
        """As all its errors are."""
        stytch.fail(Fault.TOO_MANY)
        stytch.fail(Fault.SERVER_ERROR)
        assert [(429, "too_many_requests"), (500, "internal_server_error")] == [
            refused(authenticate(stytch, session_token="x")) for _ in range(2)
        ]

    def test_a_body_that_is_cut_off(self, stytch: FakeStytch) -> None:
        """Comes of a call that was done: here nothing is lost by it, for the token stays."""
        session = stytch.sign_in(minutes=5)
        stytch.fail(Fault.CUT_OFF)
        with pytest.raises(httpx2.RemoteProtocolError):
            authenticate(stytch, session_token=session["refresh_token"], session_duration_minutes=60)
        body = authenticate(stytch, session_token=session["refresh_token"]).json()
        assert "2027-01-15T09:00:00Z" == body["session"]["expires_at"]


class TestRevoke:
    """POST /v1/sessions/revoke."""

    @pytest.mark.parametrize("name", ["session_id", TOKEN, JWT])
    def test_a_session_is_over(self, stytch: FakeStytch, name: str) -> None:
        """By its id or either face; the second time there is none."""
        session, other = stytch.sign_in(), stytch.sign_in()
        described = read(session["access_token"])[1][SESSION_CLAIM]
        given = {"session_id": described["id"], TOKEN: session["refresh_token"], JWT: session["access_token"]}
        answer = ask(stytch, "/v1/sessions/revoke", **{name: given[name]})
        assert (200, {"status_code", "request_id"}) == (answer.status_code, set(answer.json()))
        assert 404 == authenticate(stytch, session_token=session["refresh_token"]).status_code
        again = ask(stytch, "/v1/sessions/revoke", **{name: given[name]})
        assert (404, "session_not_found") == refused(again)
        assert 200 == authenticate(stytch, session_token=other["refresh_token"]).status_code

    def test_exactly_one_name(self, stytch: FakeStytch) -> None:
        """As for the other call, in other words."""
        answers = [
            ask(stytch, "/v1/sessions/revoke"),
            ask(stytch, "/v1/sessions/revoke", session_id="a", session_jwt="b"),
        ]
        expected = [(400, "no_session_revoke_arguments"), (400, "too_many_session_revoke_arguments")]
        assert expected == [refused(answer) for answer in answers]


class TestPasswords:
    """POST /v1/passwords/authenticate."""

    def test_a_session_begins(self, stytch: FakeStytch) -> None:
        """Of the length and with the claims that were asked for."""
        body = sign_in(stytch, session_duration_minutes=30, session_custom_claims={"role": "admin"}).json()
        assert {"status_code", "request_id", "user_id", "session", TOKEN, JWT, "user"} == set(body)
        assert ("2027-01-15T08:30:00Z", "admin") == (body["session"]["expires_at"], read(body[JWT])[1]["role"])
        assert 200 == authenticate(stytch, session_token=body[TOKEN]).status_code

    def test_without_a_length_there_is_no_session(self, stytch: FakeStytch) -> None:
        """The person is known all the same."""
        body = sign_in(stytch, session_duration_minutes=None).json()
        assert (None, "", "") == (body["session"], body[TOKEN], body[JWT])
        assert "ada@example.com" == body["user"]["emails"][0]["email"]

    def test_what_is_wrong(self, stytch: FakeStytch) -> None:
        """The address, the password, the length."""
        answers = [sign_in(stytch, email="eve@example.com"), sign_in(stytch, password="wrong")]
        answers += [sign_in(stytch, email=["x"]), sign_in(stytch, session_duration_minutes=1)]
        assert [
            (404, "email_not_found"),
            (401, "unauthorized_credentials"),
            (404, "email_not_found"),
            (400, "invalid_session_duration_minutes"),
        ] == [refused(answer) for answer in answers]

    def test_several_people(self, stytch: FakeStytch) -> None:
        """Each with a user object of their own."""
        stytch.register("grace@example.com", PASSWORD, {"user_id": "user-test-grace"})
        ids = [sign_in(stytch, email=f"{name}@example.com").json()["user_id"] for name in ("ada", "grace")]
        assert ["user-test-00000000-0000-4000-8000-00000000ada0", "user-test-grace"] == ids


class TestKeys:
    """GET /v1/sessions/jwks/{project_id}."""

    def test_they_have_the_members_of_stytchs(self, stytch: FakeStytch) -> None:
        """Around them too; another project has none here."""
        body = get(stytch, stytch.jwks_path).json()
        assert {"keys", "request_id", "status_code"} == set(body)
        assert {"alg", "e", "key_ops", "kid", "kty", "n", "use", "x5c", "x5t#S256", "x5tS256"} == set(body["keys"][0])
        assert 404 == get(stytch, "/v1/sessions/jwks/project-test-2").status_code
