"""WorkOS's fake as an application asks it: refresh tokens that are good once, step-ups, organisations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx2
import pytest

from sealed_session import UsageError
from sealed_session.testing import Clock, FakeWorkOS, Fault
from sealed_session.testing.signing import read
from sealed_session.verifier import Verdict

from .calls import post, verifier
from .workos_calls import authenticate, exchange, refused

NOW = 1_800_000_000
THREADS = 20


class TestSignIn:
    """``sign_in``, for tests that begin with a session."""

    def test_it_opens_a_session(self, workos: FakeWorkOS) -> None:
        """With the arguments of ``SealedSession.sign_in``, and tokens that verify."""
        session = workos.sign_in()
        assert {"access_token", "refresh_token", "user"} == set(session)
        with verifier(workos, workos.issuer) as ours:
            assert Verdict.VALID == ours.verify(session["access_token"]).verdict
        claims = read(session["access_token"])[1]
        assert {"iss", "client_id", "jti", "iat", "exp", "sub", "sid", "auth_time"} == set(claims)
        expected = (f"{workos.base_url}/user_management/{workos.client_id}", session["user"]["id"], NOW, NOW + 300)
        assert expected == tuple(claims[name] for name in ("iss", "sub", "iat", "exp"))

    def test_the_person_and_the_claims_are_the_callers(self, workos: FakeWorkOS) -> None:
        """The organisation and the impersonator too; they stay with every later token."""
        support = {"email": "support@example.com", "reason": "ticket 4"}
        session = workos.sign_in({"id": "user_7"}, organization_id="org_1", impersonator=support, feature_flags=["x"])
        assert ("user_7", "Ada", support) == (
            session["user"]["id"],
            session["user"]["first_name"],
            session["impersonator"],
        )
        later = authenticate(workos, refresh_token=session["refresh_token"]).json()
        assert (support, "org_1") == (later["impersonator"], later["organization_id"])
        for token in (session["access_token"], later["access_token"]):
            claims = read(token)[1]
            assert ("user_7", "org_1", "member", ["x"], {"sub": support["email"]}) == tuple(
                claims[name] for name in ("sub", "org_id", "role", "feature_flags", "act")
            )

    @pytest.mark.parametrize("arguments", [{"lifetime": -1}, {"replay_window": 1.5}])
    def test_its_arguments_are_checked(self, arguments: dict[str, Any]) -> None:
        """Where they are given."""
        with pytest.raises(UsageError):
            FakeWorkOS(**arguments)

    def test_the_key_is_new_or_given(self) -> None:
        """And looks like a real one."""
        assert FakeWorkOS().api_key != FakeWorkOS().api_key
        assert "sk_test_x" == FakeWorkOS(api_key="sk_test_x").api_key


class TestRefresh:
    """grant_type=refresh_token."""

    def test_a_refresh_token_is_good_once(self, workos: FakeWorkOS, clock: Clock) -> None:
        """It brings the next pair; the session is the same."""
        old = workos.sign_in()
        clock.advance(400)
        new = authenticate(workos, refresh_token=old["refresh_token"]).json()
        assert {"user", "access_token", "refresh_token", "authentication_method"} == set(new)
        assert (NOW + 700, old["user"]) == (read(new["access_token"])[1]["exp"], new["user"])
        assert read(old["access_token"])[1]["sid"] == read(new["access_token"])[1]["sid"]
        answer = authenticate(workos, refresh_token=old["refresh_token"])
        assert (400, "invalid_grant") == refused(answer)
        assert "Refresh token already exchanged." == answer.json()["error_description"]
        assert 200 == authenticate(workos, refresh_token=new["refresh_token"]).status_code

    def test_of_many_at_once_one_is_given_the_next_pair(self, workos: FakeWorkOS) -> None:
        """All others are refused, and counted."""
        token, barrier = workos.sign_in()["refresh_token"], Barrier(THREADS)

        def refresh(_: int) -> int:
            barrier.wait()
            return authenticate(workos, refresh_token=token).status_code

        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(refresh, range(THREADS)))
        assert [1, THREADS - 1] == [answers.count(status) for status in (200, 400)]
        assert THREADS == workos.count("/user_management/authenticate")

    def test_a_window_for_replays(self, clock: Clock) -> None:
        """In it the last token that was exchanged brings the same successor; one before that does not."""
        with FakeWorkOS(clock=clock, replay_window=10) as fake:
            first = fake.sign_in()["refresh_token"]
            second = authenticate(fake, refresh_token=first).json()["refresh_token"]
            clock.advance(9)
            assert second == authenticate(fake, refresh_token=first).json()["refresh_token"]
            third = authenticate(fake, refresh_token=second).json()["refresh_token"]
            assert (400, "invalid_grant") == refused(authenticate(fake, refresh_token=first))
            assert third == authenticate(fake, refresh_token=second).json()["refresh_token"]
            clock.advance(10)
            assert (400, "invalid_grant") == refused(authenticate(fake, refresh_token=second))

    def test_a_body_that_is_cut_off(self, workos: FakeWorkOS) -> None:
        """Comes of a refresh that was done: the token is used up."""
        token = workos.sign_in()["refresh_token"]
        workos.fail(Fault.CUT_OFF)
        with pytest.raises(httpx2.RemoteProtocolError):
            authenticate(workos, refresh_token=token)
        assert (400, "invalid_grant") == refused(authenticate(workos, refresh_token=token))

    def test_other_faults_use_nothing_up(self, workos: FakeWorkOS) -> None:
        """They are in the shape of the API."""
        token = workos.sign_in()["refresh_token"]
        workos.fail(Fault.TOO_MANY)
        workos.fail(Fault.SERVER_ERROR)
        answers = [authenticate(workos, refresh_token=token) for _ in range(3)]
        assert [(429, "too_many_requests"), (500, "internal_server_error")] == [refused(one) for one in answers[:2]]
        assert 200 == answers[2].status_code

    @pytest.mark.parametrize("token", ["nobody's", None, ["x"]])
    def test_one_that_is_unknown(self, workos: FakeWorkOS, token: object) -> None:
        """Is refused as one that is used up."""
        assert (400, "invalid_grant") == refused(authenticate(workos, refresh_token=token))

    def test_a_session_that_is_over(self, workos: FakeWorkOS) -> None:
        """Is no more."""
        token = workos.sign_in()["refresh_token"]
        workos.end_every_session()
        answer = authenticate(workos, refresh_token=token)
        assert (400, "Session has already ended.") == (answer.status_code, answer.json()["error_description"])

    def test_another_organisation(self, workos: FakeWorkOS) -> None:
        """Is where the person is from then on."""
        token = workos.sign_in(organization_id="org_1")["refresh_token"]
        body = authenticate(workos, refresh_token=token, organization_id="org_2").json()
        assert ("org_2", "org_2") == (body["organization_id"], read(body["access_token"])[1]["org_id"])
        again = authenticate(workos, refresh_token=body["refresh_token"]).json()
        assert "org_2" == again["organization_id"]

    @pytest.mark.parametrize("wanted", ["org_9", ["org_1"]])
    def test_an_organisation_that_does_not_exist(self, workos: FakeWorkOS, wanted: object) -> None:
        """Uses nothing up."""
        token = workos.sign_in()["refresh_token"]
        assert (404, "entity_not_found") == refused(authenticate(workos, refresh_token=token, organization_id=wanted))
        assert 200 == authenticate(workos, refresh_token=token).status_code


class TestCredentials:
    """Who asks, and for what."""

    @pytest.mark.parametrize("changes", [{"client_id": "client_2"}, {"client_secret": "sk_wrong"}, {"client_id": None}])
    def test_the_application_is_known(self, workos: FakeWorkOS, changes: dict[str, Any]) -> None:
        """401 is about the application, and nothing is used up."""
        token = workos.sign_in()["refresh_token"]
        assert (401, "invalid_client") == refused(authenticate(workos, refresh_token=token, **changes))
        assert 200 == authenticate(workos, refresh_token=token).status_code
        assert workos.client_id == workos.calls[-1].who

    def test_what_is_no_grant(self, workos: FakeWorkOS) -> None:
        """Another grant, and a form."""
        assert (400, "unsupported_grant_type") == refused(authenticate(workos, "password"))
        answer = post(workos, "/user_management/authenticate", data={"client_id": workos.client_id})
        assert (400, "invalid_request", "") == (*refused(answer), workos.calls[-1].who)


class TestStepUp:
    """403, and what it says."""

    @pytest.mark.parametrize(
        ("code", "name", "members"),
        [
            ("mfa_enrollment", "code", {"user"}),
            ("mfa_challenge", "code", {"user", "authentication_factors"}),
            ("email_verification_required", "code", {"email", "email_verification_id"}),
            ("organization_selection_required", "code", {"user", "organizations"}),
            ("sso_required", "error", {"email", "connection_ids"}),
            ("organization_authentication_methods_required", "error", {"email", "sso_connection_ids", "auth_methods"}),
            ("something_new", "code", set()),
        ],
    )
    def test_what_each_says(self, workos: FakeWorkOS, code: str, name: str, members: set[str]) -> None:
        """Beside its code and a token with which to go on; the refresh token is as good as it was."""
        token = workos.sign_in()["refresh_token"]
        workos.require(code)
        answer = authenticate(workos, refresh_token=token)
        body = answer.json()
        described = "message" if name == "code" else "error_description"
        assert (403, code) == (answer.status_code, body[name])
        assert {name, described, "pending_authentication_token", *members} == set(body)
        assert 200 == authenticate(workos, refresh_token=token).status_code

    def test_at_sign_in(self, workos: FakeWorkOS) -> None:
        """As often as was said."""
        workos.require("mfa_enrollment", times=2)
        answers = [exchange(workos) for _ in range(3)]
        assert [403, 403, 200] == [answer.status_code for answer in answers]

    def test_an_organisation_is_chosen(self, workos: FakeWorkOS) -> None:
        """With the token of the refusal, once."""
        workos.require("organization_selection_required")
        body = exchange(workos).json()
        assert [{"id": "org_1", "name": "Analytical Engines"}, {"id": "org_2", "name": "Difference Engines"}] == (
            body["organizations"]
        )
        pending = {"pending_authentication_token": body["pending_authentication_token"], "organization_id": "org_2"}
        grant = "urn:workos:oauth:grant-type:organization-selection"
        answers = [authenticate(workos, grant, **pending) for _ in range(2)]
        assert ["org_2", (400, "invalid_grant")] == [answers[0].json()["organization_id"], refused(answers[1])]

    def test_an_organisation_that_does_not_exist(self, workos: FakeWorkOS) -> None:
        """Cannot be chosen."""
        workos.require("organization_selection_required")
        pending = exchange(workos).json()["pending_authentication_token"]
        grant = "urn:workos:oauth:grant-type:organization-selection"
        assert (400, "invalid_grant") == refused(authenticate(workos, grant, pending_authentication_token=pending))
