"""The demo's provider: strict as real ones are, and what it hands out can be verified."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from examples.app.board import Board
from examples.app.people import PEOPLE, SECOND
from examples.app.provider import LIFETIME, RETRY_AFTER, SIGN_IN, create_provider
from examples.app.provider.grants import CLIENT_ID
from examples.app.provider.serving import serving
from sealed_session import RefreshDenied, Session
from sealed_session.providers import OAuth2
from sealed_session.verifier import JWTVerifier, Verdict

ISSUER = "http://127.0.0.1:1"
SECRET = "a client secret: 100 % for tests"


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """A board of its own."""
    board = Board(tmp_path / "board.db")
    yield board
    board.close()


@pytest.fixture
def client(board: Board) -> FlaskClient:
    """The provider, without a server."""
    provider = create_provider(board, SECRET, latency=0)
    provider.config["ISSUER"] = ISSUER
    return provider.test_client()


def token(client: FlaskClient, /, **form: str) -> TestResponse:
    """Ask the token endpoint, as the application does."""
    return client.post("/token", data=form, auth=(CLIENT_ID, SECRET.replace("%", "%25").replace(" ", "+")))


def sign_in(client: FlaskClient, person: str = "bjarte") -> dict[str, Any]:
    """Sign somebody in."""
    answer: dict[str, Any] = token(client, grant_type=SIGN_IN, person=person).json or {}
    return answer


def refresh(client: FlaskClient, refresh_token: str, **form: str) -> TestResponse:
    """Use a refresh token."""
    return token(client, grant_type="refresh_token", refresh_token=refresh_token, **form)


def test_its_tokens_are_verified_by_its_keys(client: FlaskClient) -> None:
    """They name issuer, audience, person and session, and live as long as the answer says."""
    answer = sign_in(client, "maximo")
    verifier = JWTVerifier(keys=client.get("/keys").json, issuers=[ISSUER], audience=CLIENT_ID)
    found = verifier.verify(answer["access_token"], subject=PEOPLE["maximo"].user["id"])
    assert Verdict.VALID is found.verdict
    claims = found.claims or {}
    assert (LIFETIME, LIFETIME) == (claims["exp"] - claims["iat"], answer["expires_in"])
    assert PEOPLE["maximo"].claims["permissions"] == claims["permissions"]
    assert (PEOPLE["maximo"].user, PEOPLE["maximo"].impersonator) == (answer["user"], answer["impersonator"])


def test_keys_of_the_private_half_are_not_published(client: FlaskClient) -> None:
    """Only modulus and exponent are."""
    [key] = (client.get("/keys").json or {})["keys"]
    assert {"kty", "n", "e", "kid", "use", "alg", "key_ops"} >= set(key)


def test_a_refresh_token_is_good_once(client: FlaskClient, board: Board) -> None:
    """The second use is invalid_grant, and is counted; the next one is good."""
    first = sign_in(client)
    second = refresh(client, first["refresh_token"])
    assert (200, "no-store") == (second.status_code, second.headers["Cache-Control"])
    again = refresh(client, first["refresh_token"])
    assert (400, {"error": "invalid_grant"}) == (again.status_code, again.json)
    assert 200 == refresh(client, (second.json or {})["refresh_token"]).status_code
    sid = Session(first["access_token"]).session_id
    assert (2, 1) == (board.tally(sid).calls, board.tally(sid).refused)


def test_of_many_at_once_one_is_served(client: FlaskClient) -> None:
    """Also when they come at the same moment."""
    refresh_token = sign_in(client)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        clients = [client.application.test_client() for _ in range(8)]
        answers = list(pool.map(lambda each: refresh(each, refresh_token).status_code, clients))
    assert [200] + [400] * 7 == sorted(answers)


def test_a_session_that_was_ended(client: FlaskClient, board: Board) -> None:
    """Is not renewed; one that begins after that is."""
    before = sign_in(client)
    board.end_sessions()
    assert {"error": "invalid_grant"} == refresh(client, before["refresh_token"]).json
    assert 200 == refresh(client, sign_in(client)["refresh_token"]).status_code


def test_another_organisation(client: FlaskClient) -> None:
    """Is in the claims from then on. One that the person is no member of is refused, and uses nothing up."""
    refresh_token = sign_in(client)["refresh_token"]
    refused = refresh(client, refresh_token, organization_id="org_of_others")
    assert (400, {"error": "invalid_target"}) == (refused.status_code, refused.json)
    for form in ({"organization_id": SECOND}, {}):
        answer = refresh(client, refresh_token, **form).json or {}
        refresh_token = answer["refresh_token"]
        assert SECOND == Session(answer["access_token"]).claims["org_id"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": SIGN_IN, "person": "nobody"}, "invalid_request"),
        ({"grant_type": SIGN_IN}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "made up"}, "invalid_grant"),
    ],
)
def test_what_it_does_not_give_tokens_for(client: FlaskClient, form: dict[str, str], code: str) -> None:
    """Is answered with a code of RFC 6749."""
    answer = token(client, **form)
    assert (400, {"error": code}) == (answer.status_code, answer.json)


@pytest.mark.parametrize("auth", [None, (CLIENT_ID, "wrong"), ("other", SECRET), (CLIENT_ID, ""), ("", "")])
def test_strangers_are_given_nothing(client: FlaskClient, auth: tuple[str, str] | None) -> None:
    """Neither without credentials nor with wrong ones; the refresh token stays good."""
    refresh_token = sign_in(client)["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    answer = client.post("/token", data=form, auth=auth)
    assert (401, {"error": "invalid_client"}, "Basic") == (
        answer.status_code,
        answer.json,
        answer.headers["WWW-Authenticate"],
    )
    assert 200 == refresh(client, refresh_token).status_code


@pytest.mark.parametrize("path", ["/keys", "/.well-known/openid-configuration", "/nowhere"])
def test_while_it_is_down(client: FlaskClient, board: Board, path: str) -> None:
    """It answers nobody, and says when to come back."""
    board.switch_provider(answers=False)
    answer = client.get(path)
    assert (503, str(RETRY_AFTER)) == (answer.status_code, answer.headers["Retry-After"])


def test_it_is_found_by_its_issuer(board: Board) -> None:
    """OAuth2 asks its metadata where the token endpoint is, and refreshes there; each token once."""
    provider = create_provider(board, SECRET, latency=0)
    with serving(provider) as issuer:
        answer = sign_in(provider.test_client())
        session = Session(answer["access_token"], refresh_token=answer["refresh_token"])
        client = OAuth2(issuer=issuer, client_id=CLIENT_ID, client_secret=SECRET)
        renewed = client.refresh(session)
        assert session.session_id == renewed.session_id
        assert session.refresh_token != renewed.refresh_token
        verifier = JWTVerifier(client.metadata()["jwks_uri"], issuers=[issuer], audience=CLIENT_ID)
        assert Verdict.VALID is verifier.verify(renewed.access_token).verdict
        with pytest.raises(RefreshDenied):
            client.refresh(session)
