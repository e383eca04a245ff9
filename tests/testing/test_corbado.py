"""Corbado's fake: session-tokens, refresh tokens that stay, the cookie of its UI component."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from sealed_session import UsageError
from sealed_session.testing import Clock, FakeCorbado
from sealed_session.testing.signing import read
from sealed_session.verifier import Verdict

from .calls import get, post, verifier

NOW = 1_800_000_000


def refresh(fake: FakeCorbado, token: str, **headers: str) -> httpx2.Response:
    """Ask for a new session-token."""
    given = {"Authorization": f"Bearer {token}", "X-Corbado-ProjectID": fake.project_id, **headers}
    return post(fake, "/v2/me/refresh", headers=given)


class TestTokens:
    """What is signed."""

    def test_its_claims(self, corbado: FakeCorbado) -> None:
        """Those of the real one."""
        claims = read(corbado.sign_in()["access_token"])[1]
        assert {"iss", "sub", "name", "email", "orig", "exp", "iat", "nbf", "jti", "version"} == set(claims)
        expected = (corbado.base_url, "usr-1234567890123456789", NOW, NOW, NOW + 300)
        assert expected == tuple(claims[name] for name in ("iss", "sub", "iat", "nbf", "exp"))

    def test_the_person_and_the_claims_are_the_callers(self, corbado: FakeCorbado) -> None:
        """What is not given is Ada's; the claims stay with every later token."""
        session = corbado.sign_in({"id": "usr-7"}, role="admin")
        assert {"id": "usr-7", "name": "Ada Lovelace", "email": "ada@example.com"} == session["user"]
        later = refresh(corbado, session["refresh_token"]).json()["sessionToken"]
        for token in (session["access_token"], later):
            assert ("usr-7", "admin") == tuple(read(token)[1][name] for name in ("sub", "role"))

    def test_they_end_by_the_clock(self, corbado: FakeCorbado, clock: Clock) -> None:
        """Five minutes later, or when the fake is told."""
        token = corbado.sign_in()["access_token"]
        with verifier(corbado, corbado.issuer) as ours:
            assert Verdict.VALID == ours.verify(token).verdict
            clock.advance(311)
            assert Verdict.EXPIRED == ours.verify(token).verdict
        with FakeCorbado(clock=clock, lifetime=7) as brief:
            assert NOW + 311 + 7 == read(brief.sign_in()["access_token"])[1]["exp"]

    @pytest.mark.parametrize("lifetime", [-1, 1.5])
    def test_the_lifetime_is_checked(self, lifetime: Any) -> None:
        """Where it is given."""
        with pytest.raises(UsageError, match="lifetime"):
            FakeCorbado(lifetime=lifetime)


class TestRefresh:
    """POST /v2/me/refresh."""

    def test_a_refresh_token_stays(self, corbado: FakeCorbado, clock: Clock) -> None:
        """Each use brings a new session-token, and nothing else."""
        session = corbado.sign_in()
        for _ in range(2):
            clock.advance(400)
            answer = refresh(corbado, session["refresh_token"])
            assert (200, {"sessionToken"}) == (answer.status_code, set(answer.json()))
            assert clock.now + 300 == read(answer.json()["sessionToken"])[1]["exp"]

    def test_one_that_is_unknown(self, corbado: FakeCorbado) -> None:
        """401, in the vendor's shape; the same after the session's end."""
        session = corbado.sign_in()
        corbado.end_every_session()
        for token in (session["refresh_token"], session["access_token"], "x"):
            answer = refresh(corbado, token)
            assert (401, "unauthorized") == (answer.status_code, answer.json()["error"]["type"])

    def test_another_project(self, corbado: FakeCorbado) -> None:
        """Is no reason to take a session for dead."""
        token = corbado.sign_in()["refresh_token"]
        assert 400 == refresh(corbado, token, **{"X-Corbado-ProjectID": "pro-2"}).status_code
        assert 200 == refresh(corbado, token).status_code


class TestUsers:
    """GET /v2/users/{id}, of the backend API."""

    def test_who_a_user_is(self, corbado: FakeCorbado) -> None:
        """For whoever has the API secret, and as long as there is a session."""
        corbado.sign_in({"id": "usr-1"})
        corbado.sign_in({"id": "usr-2", "name": "Grace Hopper"})
        ours = (corbado.project_id, corbado.api_secret)
        answers = [
            get(corbado, "/v2/users/usr-2", auth=ours),
            get(corbado, "/v2/users/usr-3", auth=ours),
            get(corbado, "/v2/users/usr-2", auth=(corbado.project_id, "wrong")),
        ]
        assert [200, 404, 401] == [answer.status_code for answer in answers]
        assert ("usr-2", "Grace Hopper") == tuple(answers[0].json()[name] for name in ("userID", "fullName"))

    def test_the_secret_is_new_or_given(self) -> None:
        """And looks like a real one."""
        assert FakeCorbado().api_secret != FakeCorbado().api_secret
        assert FakeCorbado().api_secret.startswith("corbado1_")
        assert "corbado1_test" == FakeCorbado(api_secret="corbado1_test").api_secret
