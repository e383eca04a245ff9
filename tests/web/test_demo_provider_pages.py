"""The pages of the demo's provider: whom they send where, and whom nowhere."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from examples.app.board import Board
from examples.app.people import PEOPLE
from examples.app.provider import visitors
from tests.web.demo_provider import CLIENT, GOOD, ISSUER, ORIGIN, Op, answer_in, with_query

BACK = {"client_id": CLIENT.client_id, "post_logout_redirect_uri": CLIENT.post_logout_redirect_uri}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """A board of its own."""
    with closing(Board(tmp_path / "board.db")) as board:
        yield board


@pytest.fixture
def op(board: Board) -> Op:
    """The provider."""
    return Op.on(board)


# The way in.


def test_the_people_to_choose_from(op: Op) -> None:
    """Each is a button of one form, whose address holds the request; nothing is sent before one is pressed."""
    page = op.authorize()
    assert (200, "no-store") == (page.status_code, page.headers["Cache-Control"])
    assert "Set-Cookie" not in page.headers
    for key, person in PEOPLE.items():
        assert f'name="person" value="{key}"' in page.text
        assert person.name in html.unescape(page.text)
    [action] = re.findall(r'action="(.*?)"', page.text)
    assert with_query("/sign-in", {**GOOD}) == html.unescape(action)


def test_whoever_was_chosen_comes_back(op: Op) -> None:
    """With a code, the state as it was, and who says so."""
    answer = op.choose()
    assert {"code", "state", "iss"} == set(answer)
    assert (GOOD["state"], ISSUER) == (answer["state"], answer["iss"])


@pytest.mark.parametrize("person", ["", "nobody", "BJARTE"])
def test_who_is_nobody(op: Op, person: str) -> None:
    """Comes back with an error, and is not signed in."""
    assert {"error": "access_denied", "state": GOOD["state"], "iss": ISSUER} == op.choose(person)
    assert 200 == op.authorize().status_code


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.test/auth/callback"},
        {"redirect_uri": f"{CLIENT.redirect_uri}/"},
        {"redirect_uri": f"{CLIENT.redirect_uri}?next=x"},
        {"redirect_uri": CLIENT.redirect_uri.replace("localhost", "127.0.0.1")},
        {"redirect_uri": CLIENT.redirect_uri.replace("http:", "https:")},
        {"redirect_uri": f"{ORIGIN}/auth/../auth/callback"},
        {"redirect_uri": f"{ORIGIN}@evil.test/auth/callback"},
    ],
)
@pytest.mark.parametrize("is_chosen", [False, True])
def test_strangers_are_sent_nowhere(op: Op, changes: dict[str, str | None], is_chosen: bool) -> None:
    """Whoever they ask for: the page says so, and no code leaves."""
    query = {**GOOD, **changes}
    page = op.press("/sign-in", query, person="bjarte") if is_chosen else op.get("/authorize", **query)
    assert (400, True) == (page.status_code, page.location is None)
    assert "This address is not registered" in page.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "²"}, "invalid_request"),
        ({"nonce": "x" * 2000}, "invalid_request"),
        ({"nonce": "line\nbreak"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://evil.test/"}, "request_uri_not_supported"),
    ],
)
@pytest.mark.parametrize("is_chosen", [False, True])
def test_a_request_that_is_not_good(op: Op, changes: dict[str, str | None], code: str, is_chosen: bool) -> None:
    """Goes back with its error, to the address that is registered."""
    query = {**GOOD, **changes}
    response = op.press("/sign-in", query, person="bjarte") if is_chosen else op.get("/authorize", **query)
    assert {"error": code, "state": GOOD["state"], "iss": ISSUER} == answer_in(response)


def test_a_request_without_state(op: Op) -> None:
    """Is none: the application could not know what it is the answer to."""
    assert {"error": "invalid_request", "iss": ISSUER} == answer_in(op.authorize(state=None))


@pytest.mark.parametrize(
    ("name", "status"), [("redirect_uri", 400), ("client_id", 400), ("scope", 303), ("state", 303)]
)
def test_a_name_that_comes_twice(op: Op, name: str, status: int) -> None:
    """Is refused: who reads which is anybody's guess."""
    response = op.browser.get(f"{with_query('/authorize', {**GOOD})}&{name}=another", base_url=ISSUER)
    assert status == response.status_code
    assert "code=" not in str(response.location)


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}])
@pytest.mark.parametrize("path", [with_query("/sign-in", {**GOOD}), "/end-session"])
def test_forms_of_other_sites(op: Op, path: str, headers: dict[str, str]) -> None:
    """Sign nobody in, and nobody out."""
    op.sign_in()
    form = {"person": "pippa", "how": "everywhere"}
    assert 403 == op.browser.post(path, base_url=ISSUER, data=form, headers=headers).status_code
    assert "Bjarte Åsample" in op.get("/").text
    assert [] == op.told


# Being signed in at the provider.


def test_who_is_signed_in_here_is_not_asked(op: Op) -> None:
    """But sent back at once, with another code, to a session of its own; the first sign-in counts."""
    first, second = op.sign_in(), op.exchange(answer_in(op.authorize())["code"]).json or {}
    claims = [op.claims(answer["id_token"]) for answer in (first, second)]
    assert claims[0]["auth_time"] == claims[1]["auth_time"]
    assert claims[0]["sid"] != claims[1]["sid"]


def test_its_cookie(op: Op) -> None:
    """Is its own, out of scripts' reach, Lax, and new whenever somebody signs in."""
    lines = [op.press("/sign-in", {**GOOD}, person="bjarte").headers["Set-Cookie"] for _ in range(2)]
    for line in lines:
        assert re.fullmatch(rf"{visitors.COOKIE}=[\w-]{{32}}; HttpOnly; Path=/; SameSite=Lax", line)
    assert lines[0] != lines[1]
    stale = lines[0].partition(";")[0].partition("=")[2]
    other = op.beside()
    other.browser.set_cookie(visitors.COOKIE, stale, domain="127.0.0.1")
    assert "Who are you today?" in other.authorize().text


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}])
def test_who_is_to_be_asked_anew(op: Op, changes: dict[str, str | None]) -> None:
    """Is, although signed in."""
    op.sign_in()
    assert 200 == op.authorize(**changes).status_code


def test_how_long_ago(op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    """With max_age it matters, and signing in once more begins anew; it is the same session of the provider's."""
    op.sign_in()
    assert 303 == op.authorize(max_age="60").status_code
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    page = op.authorize(max_age="60")
    assert "Is it still you?" in page.text
    assert int(later) == op.claims(op.sign_in(max_age="60")["id_token"])["auth_time"]
    assert 303 == op.authorize(max_age="60").status_code
    op.press("/end-session", {}, how="here")
    assert 2 == len(op.told)


def test_without_a_page(op: Op) -> None:
    """Nobody is asked: there is a code for who is known well enough, and an error for who is not."""
    assert "login_required" == answer_in(op.authorize(prompt="none"))["error"]
    op.sign_in()
    assert "code" in answer_in(op.authorize(prompt="none"))
    assert "login_required" == answer_in(op.authorize(prompt="none", max_age="0"))["error"]


def test_visitors_are_not_kept_without_a_limit(op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who came first is asked again."""
    monkeypatch.setattr(visitors, "_MOST", 1)
    other = op.beside()
    op.sign_in()
    other.sign_in()
    assert [200, 303] == [each.authorize().status_code for each in (op, other)]


# The way out.


def test_it_asks_before_it_signs_somebody_out(op: Op) -> None:
    """Any site may send people there. Who is not signed in is sent on."""
    assert CLIENT.post_logout_redirect_uri == op.get("/end-session", **BACK).location
    op.sign_in()
    page = op.get("/end-session", **BACK)
    assert (200, []) == (page.status_code, op.told)
    assert "Sign out here, too?" in page.text


def test_signing_out_here(op: Op) -> None:
    """Ends what began in this browser, tells of it, and leads back, with a state where there was one."""
    other = op.beside()
    other.sign_in()
    mine = op.sign_in()
    response = op.press("/end-session", {**BACK, "state": "a state"}, how="here")
    assert (303, f"{CLIENT.post_logout_redirect_uri}?state=a+state") == (response.status_code, response.location)
    assert [mine["access_token"]] == [
        answer["access_token"] for answer in [mine] if op.claims(answer["access_token"])["sid"] in sids_told(op)
    ]
    assert (1, {"error": "invalid_grant"}) == (len(op.told), op.refresh(mine["refresh_token"]).json)
    assert [200, 303] == [each.authorize().status_code for each in (op, other)]


def test_signing_out_everywhere(op: Op) -> None:
    """Ends what the person has in other browsers, too, and nothing of anybody else."""
    other, stranger = op.beside(), op.beside()
    kept = stranger.sign_in("pippa")
    theirs, mine = other.sign_in(), op.sign_in()
    page = op.press("/end-session", {}, how="everywhere")
    assert "Bjarte Åsample is signed out everywhere" in page.text
    assert {op.claims(answer["access_token"])["sid"] for answer in (theirs, mine)} == sids_told(op)
    assert [200, 200, 303] == [each.authorize().status_code for each in (op, other, stranger)]
    assert 200 == stranger.refresh(kept["refresh_token"]).status_code


@pytest.mark.parametrize("how", ["stay", "", "made up"])
def test_staying(op: Op, how: str) -> None:
    """Changes nothing."""
    op.sign_in()
    assert CLIENT.post_logout_redirect_uri == op.press("/end-session", {**BACK}, how=how).location
    assert (303, []) == (op.authorize().status_code, op.told)


def test_what_is_over_is_not_told_of(op: Op, board: Board) -> None:
    """Neither what the application has ended itself, nor what ended without a word."""
    op.ask("/revoke", token=op.sign_in()["refresh_token"])
    op.sign_in()
    board.end_sessions()
    last = op.sign_in()
    op.press("/end-session", {}, how="everywhere")
    assert {op.claims(last["access_token"])["sid"]} == sids_told(op)


@pytest.mark.parametrize(
    "query",
    [
        {**BACK, "post_logout_redirect_uri": "https://evil.test/"},
        {**BACK, "post_logout_redirect_uri": CLIENT.origin},
        {**BACK, "post_logout_redirect_uri": f"{CLIENT.post_logout_redirect_uri}session"},
        {**BACK, "client_id": "another"},
        {"client_id": "another"},
        {"post_logout_redirect_uri": CLIENT.post_logout_redirect_uri},
    ],
)
def test_another_address_to_go_to(op: Op, query: dict[str, str | None]) -> None:
    """Is refused, whoever is signed in, and ends nothing."""
    for response in (op.get("/end-session", **query), op.press("/end-session", query, how="everywhere")):
        assert (400, True) == (response.status_code, response.location is None)
    op.sign_in()
    for response in (op.get("/end-session", **query), op.press("/end-session", query, how="everywhere")):
        assert (400, True) == (response.status_code, response.location is None)
    assert (303, []) == (op.authorize().status_code, op.told)


def test_an_application_that_does_not_answer(op: Op, board: Board) -> None:
    """Is not waited for: the person is signed out, and its refreshes are refused."""
    answer = op.sign_in()
    op.told.status = 0
    assert 200 == op.press("/end-session", {}, how="everywhere").status_code
    assert "Told the application that the session is over; it did not answer." == board.lately()[0].what
    assert {"error": "invalid_grant"} == op.refresh(answer["refresh_token"]).json


# What all pages have in common.


@pytest.mark.parametrize("path", ["/", with_query("/authorize", {**GOOD}), "/authorize", "/end-session"])
def test_pages_load_nothing_from_elsewhere(op: Op, path: str) -> None:
    """And stand in nobody's frame; a form may end at the application, and nowhere else."""
    op.sign_in()
    page = op.browser.get(f"{path}{'&' if '?' in path else '?'}prompt=login", base_url=ISSUER)
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", f"form-action 'self' {ORIGIN}"} <= set(policy)
    own = rf'<a class="button" href="{ORIGIN}/'
    foreign = r"""<script|\sstyle=|\son\w+=|(?:src|href|action)="(?!#|/(?!/))|url\(|@import"""
    assert [] == re.findall(foreign, re.sub(own, "", page.text))


def test_what_comes_with_a_request_is_text(op: Op) -> None:
    """Also where it stands on a page again."""
    page = op.authorize(state='"><script>alert(1)</script>')
    assert "<script>" not in page.text


def sids_told(op: Op) -> set[str]:
    """Of which sessions the application was told."""
    return {op.claims(fields["logout_token"])["sid"] for _, fields in op.told}
