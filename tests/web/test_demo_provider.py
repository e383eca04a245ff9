"""The endpoints of the demo's provider: strict as real ones are, and what they hand out can be verified."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import jwt
import pytest

from examples.app.board import Board
from examples.app.people import PEOPLE, SECOND
from examples.app.provider import RETRY_AFTER, codes, create_provider, grants, keeping
from examples.app.provider.telling import post_form
from examples.app.provider.tokens import LIFETIME, at_hash
from examples.app.serving import serving
from sealed_session import RefreshDenied, Session
from sealed_session.providers import OAuth2
from tests.web.demo_provider import AUTH, CLIENT, GOOD, ISSUER, VERIFIER, Op


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """A board of its own."""
    with closing(Board(tmp_path / "board.db")) as board:
        yield board


@pytest.fixture
def op(board: Board) -> Op:
    """The provider."""
    return Op.on(board)


# What it hands out.


def test_an_access_token(op: Op) -> None:
    """Names issuer, audience, person and session, says what the person may do, and lives as long as the answer says."""
    answer = op.sign_in("maximo")
    claims = op.claims(answer["access_token"])
    assert (LIFETIME, LIFETIME) == (claims["exp"] - claims["iat"], answer["expires_in"])
    person = PEOPLE["maximo"]
    assert (person.sub, person.organizations) == (claims["sub"], claims["organizations"])
    assert person.claims["permissions"] == claims["permissions"]
    assert "support@example.com" == claims["act"]["sub"]


def test_an_id_token(op: Op) -> None:
    """Says who it is, for which request, since when, in which session, and beside which access token."""
    before = int(time.time())
    answer = op.sign_in("marcelina")
    claims, access = op.claims(answer["id_token"]), op.claims(answer["access_token"])
    assert (GOOD["nonce"], at_hash(answer["access_token"])) == (claims["nonce"], claims["at_hash"])
    assert (access["sid"], access["sub"]) == (claims["sid"], claims["sub"])
    assert before <= claims["auth_time"] <= time.time()
    assert PEOPLE["marcelina"].profile | PEOPLE["marcelina"].email == {
        name: claims[name] for name in (*PEOPLE["marcelina"].profile, *PEOPLE["marcelina"].email)
    }


def test_what_was_not_asked_for(op: Op) -> None:
    """Is not told, and not given: no scope, no claims, no refresh token; and without a nonce there is none."""
    answer = op.sign_in(scope="openid", nonce=None)
    claims = op.claims(answer["id_token"])
    assert [] == [name for name in ("name", "email", "nonce") if name in claims]
    assert "refresh_token" not in answer


def test_its_metadata(op: Op) -> None:
    """Name every endpoint, and what is possible there."""
    said = op.get("/.well-known/openid-configuration").json or {}
    assert ISSUER == said["issuer"]
    for name in ("authorization", "token", "revocation", "end_session"):
        path = said[f"{name}_endpoint"].removeprefix(ISSUER)
        assert 404 != op.browser.options(path, base_url=ISSUER).status_code
    assert (True, True) == (said["backchannel_logout_supported"], said["backchannel_logout_session_supported"])
    assert (["S256"], ["code"]) == (said["code_challenge_methods_supported"], said["response_types_supported"])


def test_keys_of_the_private_half_are_not_published(op: Op) -> None:
    """Only modulus and exponent are."""
    [key] = (op.get("/keys").json or {})["keys"]
    assert {"kty", "n", "e", "kid", "use", "alg", "key_ops"} >= set(key)


# Codes.


def test_a_code_is_good_once(op: Op, board: Board) -> None:
    """A second use is refused, and ends the session that came of the first."""
    code = op.choose()["code"]
    first = op.exchange(code)
    assert (200, "no-store") == (first.status_code, first.headers["Cache-Control"])
    again = op.exchange(code)
    assert (400, {"error": "invalid_grant"}) == (again.status_code, again.json)
    assert {"error": "invalid_grant"} == op.refresh((first.json or {})["refresh_token"]).json
    assert "Refused a used code, and ended the session that came of it." in [event.what for event in board.lately()]


@pytest.mark.parametrize("verifier", ["", "another", VERIFIER[:-1], VERIFIER + "x", "ä" * 43])
def test_a_wrong_verifier(op: Op, verifier: str) -> None:
    """Is refused, and the code is used up: nobody may guess."""
    code = op.choose()["code"]
    assert {"error": "invalid_grant"} == op.exchange(code, code_verifier=verifier).json
    assert {"error": "invalid_grant"} == op.exchange(code).json


@pytest.mark.parametrize("uri", ["", CLIENT.origin, f"{CLIENT.redirect_uri}/", "https://evil.test/auth/callback"])
def test_another_redirect_uri(op: Op, uri: str) -> None:
    """Is refused in the exchange, too."""
    assert {"error": "invalid_grant"} == op.exchange(op.choose()["code"], redirect_uri=uri).json


def test_a_code_that_took_too_long(op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is refused."""
    code, later = op.choose()["code"], time.time() + codes.LIFETIME + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert {"error": "invalid_grant"} == op.exchange(code).json


def test_codes_are_not_kept_without_a_limit(op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest gives way, of codes as of sessions."""
    monkeypatch.setattr(codes, "_MOST", 2)
    oldest, _, latest = (op.choose()["code"] for _ in range(3))
    assert [400, 200] == [op.exchange(code).status_code for code in (oldest, latest)]
    monkeypatch.setattr(grants, "_MOST", 1)
    first, second = op.sign_in(), op.sign_in()
    assert [400, 200] == [op.refresh(each["refresh_token"]).status_code for each in (first, second)]
    kept = {number: number for number in range(5)}
    keeping.keep(kept, 5, 5, 3)
    assert [3, 4, 5] == list(kept)


# Refresh tokens.


def test_a_refresh_token_is_good_once(op: Op, board: Board) -> None:
    """The second use is invalid_grant, and is counted; the next one is good."""
    first = op.sign_in()
    second = op.refresh(first["refresh_token"])
    assert (200, "no-store") == (second.status_code, second.headers["Cache-Control"])
    again = op.refresh(first["refresh_token"])
    assert (400, {"error": "invalid_grant"}) == (again.status_code, again.json)
    assert 200 == op.refresh((second.json or {})["refresh_token"]).status_code
    sid = Session(first["access_token"]).session_id
    assert (2, 1) == (board.tally(sid).calls, board.tally(sid).refused)


def test_of_many_at_once_one_is_served(op: Op) -> None:
    """Also when they come at the same moment; so it is with a code, whose session then ends."""
    refresh_token = op.sign_in()["refresh_token"]
    code = op.choose()["code"]
    with ThreadPoolExecutor(8) as pool:
        beside = [op.beside() for _ in range(8)]
        refreshed = list(pool.map(lambda each: each.refresh(refresh_token).status_code, beside))
        exchanged = list(pool.map(lambda each: each.exchange(code).status_code, beside))
    assert [200] + [400] * 7 == sorted(refreshed) == sorted(exchanged)


def test_a_session_that_was_ended(op: Op, board: Board) -> None:
    """Is not renewed; one that begins after that is."""
    before = op.sign_in()
    board.end_sessions()
    assert {"error": "invalid_grant"} == op.refresh(before["refresh_token"]).json
    assert 200 == op.refresh(op.sign_in()["refresh_token"]).status_code


def test_another_organisation(op: Op) -> None:
    """Is in the claims from then on. One that the person is no member of is refused, and uses nothing up."""
    refresh_token = op.sign_in()["refresh_token"]
    refused = op.refresh(refresh_token, organization_id="org_of_others")
    assert (400, {"error": "invalid_target"}) == (refused.status_code, refused.json)
    for form in ({"organization_id": SECOND}, {}):
        answer = op.refresh(refresh_token, **form).json or {}
        refresh_token = answer["refresh_token"]
        assert SECOND == Session(answer["access_token"]).claims["org_id"]


# Revocation.


def test_a_revoked_token(op: Op) -> None:
    """Renews nothing any more; neither does what came of it, where it had been used already."""
    first = op.sign_in()
    second = op.refresh(first["refresh_token"]).json or {}
    answer = op.ask("/revoke", token=first["refresh_token"], token_type_hint="refresh_token")
    assert (200, "") == (answer.status_code, answer.text)
    assert {"error": "invalid_grant"} == op.refresh(second["refresh_token"]).json
    assert [] == op.told  # who wanted it need not be told


def test_revoking_what_is_not_known(op: Op) -> None:
    """Is done: it is dead already. But something must be named."""
    refresh_token = op.sign_in()["refresh_token"]
    assert 200 == op.ask("/revoke", token="made up").status_code
    assert (400, {"error": "invalid_request"}) == ((answer := op.ask("/revoke")).status_code, answer.json)
    assert 200 == op.refresh(refresh_token).status_code


# Who asks, and what for.


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "urn:example:sample-person", "person": "bjarte"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "made up"}, "invalid_grant"),
        ({"grant_type": "authorization_code"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "redirect_uri": CLIENT.redirect_uri, "code": "made up"}, "invalid_grant"),
        ({"grant_type": ["refresh_token", "password"]}, "invalid_request"),
    ],
)
def test_what_it_does_not_give_tokens_for(op: Op, form: dict[str, str], code: str) -> None:
    """Is answered with a code of RFC 6749."""
    answer = op.ask("/token", **form)
    assert (400, {"error": code}) == (answer.status_code, answer.json)


@pytest.mark.parametrize("path", ["/token", "/revoke"])
@pytest.mark.parametrize(
    "auth", [None, (CLIENT.client_id, "wrong"), ("other", AUTH[1]), (CLIENT.client_id, ""), ("", "")]
)
def test_strangers_are_given_nothing(op: Op, path: str, auth: tuple[str, str] | None) -> None:
    """Neither without credentials nor with wrong ones; the refresh token stays good."""
    refresh_token = op.sign_in()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "token": refresh_token}
    answer = op.browser.post(path, base_url=ISSUER, data=form, auth=auth)
    assert (401, {"error": "invalid_client"}, "Basic") == (
        answer.status_code,
        answer.json,
        answer.headers["WWW-Authenticate"],
    )
    assert 200 == op.refresh(refresh_token).status_code


@pytest.mark.parametrize("path", ["/keys", "/.well-known/openid-configuration", "/authorize", "/nowhere"])
def test_while_it_is_down(op: Op, board: Board, path: str) -> None:
    """It answers nobody, and says when to come back."""
    board.switch_provider(answers=False)
    answer = op.get(path)
    assert (503, str(RETRY_AFTER)) == (answer.status_code, answer.headers["Retry-After"])
    with op.get("/static/style.css") as style:
        assert 200 == style.status_code


@pytest.mark.parametrize("host", ["evil.test", "localhost", "127.0.0.1.evil.test"])
def test_under_another_name(op: Op, host: str) -> None:
    """It is not there: its pages would be somebody else's."""
    assert 400 == op.browser.get("/", base_url=f"http://{host}:1").status_code


def test_a_form_without_end(op: Op) -> None:
    """Is not read."""
    assert 413 == op.ask("/token", grant_type="x" * 20_000).status_code


# Over the network.


def test_it_is_found_by_its_issuer(board: Board) -> None:
    """OAuth2 asks its metadata where everything is: it refreshes there, each token once, and revokes."""
    listener = socket.create_server(("127.0.0.1", 0))
    issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
    provider = create_provider(issuer, CLIENT, board, latency=0)
    with serving(listener, provider, "provider"):
        answer = Op(provider, Op.on(board).told).sign_in()
        session = Session(answer["access_token"], refresh_token=answer["refresh_token"])
        client = OAuth2(issuer=issuer, client_id=CLIENT.client_id, client_secret=CLIENT.secret)
        renewed = client.refresh(session)
        assert session.session_id == renewed.session_id
        assert session.refresh_token != renewed.refresh_token
        with pytest.raises(RefreshDenied):
            client.refresh(session)
        assert client.revoke(renewed)
        with pytest.raises(RefreshDenied):
            client.refresh(renewed)


def test_an_application_that_is_not_there(op: Op) -> None:
    """Cannot be told anything, and nobody waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert 0 == post_form(f"http://127.0.0.1:{port}/auth/backchannel-logout", {"logout_token": "x"})


def test_a_logout_token(op: Op) -> None:
    """Is of its own kind, names the session, the person and the event, is unlike any other, and has no nonce."""
    answers = [op.sign_in() for _ in range(2)]
    op.press("/end-session", {}, how="everywhere")
    assert [CLIENT.backchannel_logout_uri] * 2 == [uri for uri, _ in op.told]
    tokens = [fields["logout_token"] for _, fields in op.told]
    assert ["logout+jwt"] * 2 == [jwt.get_unverified_header(token)["typ"] for token in tokens]
    said = [op.claims(token) for token in tokens]
    assert [op.claims(answer["access_token"])["sid"] for answer in answers] == [claims["sid"] for claims in said]
    assert {PEOPLE["bjarte"].sub} == {claims["sub"] for claims in said}
    assert 2 == len({claims["jti"] for claims in said})
    assert [{"http://schemas.openid.net/event/backchannel-logout": {}}] * 2 == [claims["events"] for claims in said]
    assert not any("nonce" in claims for claims in said)
