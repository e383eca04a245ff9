"""WorkOS's fake, as a browser is sent through its pages: a code comes of it, or the end of a session."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sealed_session.exact_json import JsonObject
from sealed_session.testing import Clock, FakeWorkOS
from sealed_session.testing.signing import read

from .calls import get, post
from .workos_calls import BACK, VERIFIER, authenticate, authorize, exchange, query, refused

NOW = 1_800_000_000


class TestPages:
    """GET /user_management/authorize, and the code that comes of it."""

    def test_a_person_signs_in(self, workos: FakeWorkOS) -> None:
        """Whoever the test says, at once."""
        workos.next_person = {"id": "user_7", "first_name": "Grace"}
        workos.next_impersonator = {"email": "support@example.com", "reason": None}
        body = exchange(workos).json()
        assert ("user_7", "Grace", "ada@example.com") == tuple(body["user"][n] for n in ("id", "first_name", "email"))
        assert ("support@example.com", NOW) == (
            body["impersonator"]["email"],
            read(body["access_token"])[1]["auth_time"],
        )

    def test_the_way_back(self, workos: FakeWorkOS) -> None:
        """To the redirect, with the state where there was one."""
        answer = authorize(workos)
        assert answer.headers["location"].startswith(f"{BACK}?code=")
        assert ("s1", {"code"}) == (query(answer)["state"], set(query(authorize(workos, state=None))))
        workos.redirect_uris.append(f"{BACK}?app=1")
        assert {"app", "code", "state"} == set(query(authorize(workos, redirect_uri=f"{BACK}?app=1")))

    def test_into_an_organisation(self, workos: FakeWorkOS) -> None:
        """Where the application asks for one; that may stand for the provider."""
        assert "org_2" == exchange(workos, organization_id="org_2", provider=None).json()["organization_id"]

    def test_a_person_who_does_not_want_to(self, workos: FakeWorkOS) -> None:
        """Comes back too."""
        workos.next_person = None
        assert {"error": "access_denied", "state": "s1"} == query(authorize(workos))

    @pytest.mark.parametrize(
        "changes",
        [{"client_id": "client_2"}, {"client_id": None}, {"redirect_uri": f"{BACK}/"}, {"redirect_uri": None}],
    )
    def test_to_where_nobody_registered(self, workos: FakeWorkOS, changes: dict[str, Any]) -> None:
        """Nobody is sent."""
        assert (400, "invalid_request") == refused(authorize(workos, **changes))

    @pytest.mark.parametrize(
        "changes",
        [
            {"response_type": "token"},
            {"provider": None},
            {"code_challenge_method": "plain"},
            {"code_challenge_method": None},
        ],
    )
    def test_what_is_wrong_is_said_to_the_application(self, workos: FakeWorkOS, changes: dict[str, Any]) -> None:
        """At its redirect."""
        assert {"error": "invalid_request", "state": "s1"} == query(authorize(workos, **changes))

    @pytest.mark.parametrize("given", ["another-verifier", None])
    def test_the_verifier_is_checked(self, workos: FakeWorkOS, given: str | None) -> None:
        """And the code is used up by a wrong one."""
        assert (400, "invalid_grant") == refused(exchange(workos, given))

    def test_a_verifier_that_is_no_text(self, workos: FakeWorkOS) -> None:
        """Is a wrong one, not a fault of the fake's."""
        sent = {"grant_type": "authorization_code", "code": query(authorize(workos))["code"], "code_verifier": "\ud800"}
        us = {"client_id": workos.client_id, "client_secret": workos.api_key}
        kind = {"Content-Type": "application/json"}
        answer = post(workos, "/user_management/authenticate", content=json.dumps({**us, **sent}), headers=kind)
        assert (400, "invalid_grant") == refused(answer)

    def test_without_a_challenge(self, workos: FakeWorkOS) -> None:
        """There is no verifier either."""
        bare: JsonObject = {"code_challenge": None, "code_challenge_method": None}
        assert 200 == exchange(workos, None, **bare).status_code
        assert (400, "invalid_grant") == refused(exchange(workos, VERIFIER, **bare))

    def test_a_code_is_good_once_and_not_for_long(self, workos: FakeWorkOS, clock: Clock) -> None:
        """Ten minutes."""
        code = query(authorize(workos))["code"]
        sent = {"code": code, "code_verifier": VERIFIER}
        assert [200, 400] == [authenticate(workos, "authorization_code", **sent).status_code for _ in range(2)]
        code = query(authorize(workos))["code"]
        clock.advance(600)
        answer = authenticate(workos, "authorization_code", code=code, code_verifier=VERIFIER)
        assert (400, "invalid_grant") == refused(answer)


class TestEnd:
    """Revocation, and signing out by way of the pages."""

    def test_a_session_is_revoked(self, workos: FakeWorkOS) -> None:
        """By its id, with the API key."""
        session = workos.sign_in()
        sid = {"session_id": read(session["access_token"])[1]["sid"]}
        path, key = "/user_management/sessions/revoke", {"Authorization": f"Bearer {workos.api_key}"}
        assert (401, "unauthorized") == refused(post(workos, path, json=sid))
        assert (404, "entity_not_found") == refused(post(workos, path, json={"session_id": "x"}, headers=key))
        assert (404, "entity_not_found") == refused(post(workos, path, headers=key))
        answer = post(workos, path, json=sid, headers=key)
        assert (200, "revoked") == (answer.status_code, answer.json()["status"])
        assert (400, "invalid_grant") == refused(authenticate(workos, refresh_token=session["refresh_token"]))

    @pytest.mark.parametrize(
        ("parameters", "back"),
        [({}, "https://app.example.com/"), ({"return_to": "http://localhost/"}, "http://localhost/")],
    )
    def test_a_person_signs_out(self, workos: FakeWorkOS, parameters: dict[str, str], back: str) -> None:
        """And is sent to where the application is."""
        session = workos.sign_in()
        sid = read(session["access_token"])[1]["sid"]
        answer = get(workos, "/user_management/sessions/logout", params={"session_id": sid, **parameters})
        assert (302, back) == (answer.status_code, answer.headers["location"])
        assert 400 == authenticate(workos, refresh_token=session["refresh_token"]).status_code

    @pytest.mark.parametrize(
        "parameters",
        [{}, {"session_id": "x", "return_to": "https://evil.example.net/"}, {"return_to": "http://localhost/"}],
    )
    def test_elsewhere_nobody_is_sent(self, workos: FakeWorkOS, parameters: dict[str, str]) -> None:
        """The list is exact, and a session has to be named."""
        answer = get(workos, "/user_management/sessions/logout", params=parameters)
        assert (422, "invalid_request") == refused(answer)

    def test_a_session_that_nobody_knows(self, workos: FakeWorkOS) -> None:
        """Is over already."""
        answer = get(workos, "/user_management/sessions/logout", params={"session_id": "x"})
        assert 302 == answer.status_code
