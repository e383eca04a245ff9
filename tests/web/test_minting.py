"""Cookies that a third party mints for its script in the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_ext import SealedSession
from sealed_session import ProviderUnavailable, RefreshDenied, UsageError, UsageTypeError
from sealed_session.providers.minting import Minted
from sealed_session.transports import BearerHeader
from sealed_session.verifier import JWTVerifier
from tests.web.carrying import KEY, held, plant
from tests.web.conftest import ORIGIN, MakeWorld, World
from tests.web.jar import Context
from tests.web.verifier import ISSUER

PATH = "/widget/credentials"
HERE = Context.fetch_on(ORIGIN)


class Widget:
    """Mints two cookies for each target.

    Attributes:
        asked: For whom, and for what.
        answer: How it fails: an error to raise, or None for a refusal.
    """

    path, parameter, domain, max_age, identity = PATH, "widgetId", "example.com", 3600, "widget"

    def __init__(self, now: Any) -> None:
        self.now = now
        self.asked: list[tuple[dict[str, Any], str]] = []
        self.lasts = 600
        self.error: Exception | None = None
        self.refuses = False
        self.refusal_body = {"status": "no"}

    def settings(self, _environ: Mapping[str, str]) -> dict[str, Any]:
        """None."""
        return {}

    def problems(self, _environ: Mapping[str, str]) -> list[Any]:
        """None."""
        return []

    def check_target(self, value: Any) -> str:
        """Letters."""
        if type(value) is not str or not value.isalpha():
            raise UsageError("letters", code="bad_target")
        return value

    def mint(self, user: dict[str, Any], target: str) -> Minted | None:
        """A credential, or as a test wants."""
        self.asked.append((user, target))
        if self.error is not None:
            raise self.error
        if self.refuses:
            return None
        cookies = {f"widget_{target}": f"{user['id']}.{len(self.asked)}", f"widget_of_{target}": "x"}
        return Minted(cookies, self.now() + self.lasts, {"status": "yes", "n": len(self.asked)}, str(user["id"]))

    def cookie_names(self, target: str) -> tuple[str, ...]:
        """Two."""
        return (f"widget_{target}", f"widget_of_{target}")

    def owns(self, cookie_name: str) -> bool:
        """By the beginning."""
        return cookie_name.startswith("widget_")

    def read(self, cookies: Mapping[str, str], target: str, _now: float) -> Minted | None:
        """What is whole."""
        names = self.cookie_names(target)
        return Minted(dict(cookies), 1, {}, "") if all(name in cookies for name in names) else None


@pytest.fixture
def made(make_world: MakeWorld) -> tuple[World, Widget]:
    """An application with the widget, and somebody signed in."""
    widget = Widget(lambda: 0)
    world = make_world(companions=[widget])
    widget.now = world.clock
    world.get("/sign-in")
    return world, widget


def ask(world: World, body: Any = ..., **options: Any) -> TestResponse:
    """Ask as a script of the page does."""
    return world.browser.fetch(
        ORIGIN + PATH, method="POST", json={"widgetId": "box"} if body is ... else body, **options
    )


class TestEndpoint:
    """What a script asks for."""

    def test_it_mints_for_the_user_of_the_session(self, made: tuple[World, Widget]) -> None:
        """Whatever else the request says; cookies for the script to read, below the shared domain, and no longer."""
        world, widget = made
        response = ask(world, {"widgetId": "box", "id": "user_2", "email": "evil@example.com"})
        assert (200, {"status": "yes", "n": 1}) == (response.status_code, response.json)
        assert [("user_1", "box")] == [(user["id"], target) for user, target in widget.asked]
        lines = [line for line in response.headers.getlist("Set-Cookie") if line.startswith("widget_box=")]
        assert ["widget_box=user_1.1; Path=/; Domain=example.com; Max-Age=600; Secure; SameSite=Lax"] == lines
        assert "no-store" in response.headers["Cache-Control"]

    def test_no_longer_than_an_hour(self, made: tuple[World, Widget]) -> None:
        """However long the credential lives."""
        world, widget = made
        widget.lasts = 10_000
        assert "Max-Age=3600;" in ask(world).headers.getlist("Set-Cookie")[0]

    def test_nobody_signed_in(self, make_world: MakeWorld) -> None:
        """401, and nobody is asked."""
        widget = Widget(lambda: 0)
        response = ask(make_world(companions=[widget]))
        assert (401, "missing", []) == (response.status_code, response.get_json()["reason"], widget.asked)

    def test_where_a_bearer_token_would_do(self, make_world: MakeWorld) -> None:
        """The 401 says so (RFC 6750, section 3)."""
        verifier = JWTVerifier(keys={"keys": [KEY.jwk()]}, issuers=[ISSUER])
        world = make_world(companions=[Widget(lambda: 0)], verifier=verifier, transports=[BearerHeader()])
        response = ask(world)
        assert (401, True) == (response.status_code, "WWW-Authenticate" in response.headers)

    def test_a_session_that_cannot_be_renewed_now(self, make_world: MakeWorld) -> None:
        """503: nobody knows."""
        world = make_world(companions=[Widget(lambda: 0)])
        world.get("/sign-in")
        world.clock.advance(400)
        world.provider.fail(ProviderUnavailable(sent=False))
        response = ask(world)
        assert (503, "5") == (response.status_code, response.headers["Retry-After"])

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_post_only(self, made: tuple[World, Widget], method: str) -> None:
        """Nothing else is answered."""
        assert 405 == made[0].browser.fetch(ORIGIN + PATH, method=method).status_code

    def test_json_only(self, made: tuple[World, Widget]) -> None:
        """A form can be sent by any page, without asking."""
        world, widget = made
        response = world.browser.fetch(ORIGIN + PATH, method="POST", data={"widgetId": "box"})
        assert (415, []) == (response.status_code, widget.asked)

    @pytest.mark.parametrize("text", ["[" * 16_000, '{"widgetId":' * 1300, "nan"])
    def test_what_is_no_json_of_ours(self, made: tuple[World, Widget], text: str) -> None:
        """Deeper than anybody needs, for example."""
        world, widget = made
        headers = {"Content-Type": "application/json"}
        response = world.browser.fetch(ORIGIN + PATH, method="POST", data=text.encode(), headers=headers)
        assert (400, []) == (response.status_code, widget.asked)

    @pytest.mark.parametrize("body", [{}, [], "box", {"widgetId": None}, {"widgetId": "x; Domain=evil"}, None])
    def test_a_target_that_there_cannot_be(self, made: tuple[World, Widget], body: Any) -> None:
        """400, and it reaches neither a cookie nor the third party."""
        world, widget = made
        response = (
            world.browser.fetch(ORIGIN + PATH, method="POST", json=body)
            if body is not None
            else (
                world.browser.fetch(
                    ORIGIN + PATH, method="POST", data=b"{", headers={"Content-Type": "application/json"}
                )
            )
        )
        assert (400, []) == (response.status_code, widget.asked)

    def test_a_body_without_end(self, made: tuple[World, Widget]) -> None:
        """Is not read."""
        world, widget = made
        response = ask(world, {"widgetId": "x" * 20_000})
        assert (413, []) == (response.status_code, widget.asked)

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "https://[evil"}, 403),
            ({"Origin": "https://example.com.evil.example"}, 403),
            ({"Origin": "https://notexample.com"}, 403),
            ({"Origin": "http://www.example.com"}, 403),
            ({"Origin": "https://evil.com:.example.com"}, 403),
            ({"Origin": "https://evil.com\\.example.com"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "none"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 200),
            ({"Origin": ORIGIN}, 200),
            ({"Origin": "https://www.example.com"}, 200),
            ({"Origin": "https://example.com"}, 200),
            ({}, 200),
        ],
    )
    def test_of_this_site_only(self, made: tuple[World, Widget], headers: dict[str, str], status: int) -> None:
        """By Origin, where there is one; what is no browser has neither header."""
        world, _ = made
        client = world.app.test_client(use_cookies=False)
        cookie = {"Cookie": f"sealed-session={held(world, 'sealed-session')}"}
        assert (
            status
            == client.post(PATH, base_url=ORIGIN, json={"widgetId": "box"}, headers={**headers, **cookie}).status_code
        )

    def test_a_refusal_sets_nothing(self, made: tuple[World, Widget]) -> None:
        """It is answered as the third party's own example does."""
        world, widget = made
        widget.refuses = True
        response = ask(world)
        assert (200, {"status": "no"}, []) == (response.status_code, response.json, world.cookies(response))

    def test_the_third_party_is_down(self, made: tuple[World, Widget]) -> None:
        """503; session and former credential stay."""
        world, widget = made
        ask(world)
        widget.error = ProviderUnavailable(retry_after=7)
        response = ask(world)
        assert (503, "7", []) == (response.status_code, response.headers["Retry-After"], world.cookies(response))
        assert ("user_1.1", "user_1") == (held(world, "widget_box"), world.get("/who").text)

    def test_it_stays_reachable_where_everything_needs_a_login(self, make_world: MakeWorld) -> None:
        """It answers by itself, and in JSON."""
        world = make_world(companions=[Widget(lambda: 0)], REQUIRE_LOGIN=True, LOGIN_VIEW="/login")
        assert (401, "login_required") == (ask(world).status_code, ask(world).get_json()["error"])


class TestEnd:
    """With the session."""

    def test_signing_out_clears_all_of_them(self, made: tuple[World, Widget]) -> None:
        """Without a list: whatever the request brought, with the Domain that they were set with."""
        world, _ = made
        ask(world)
        plant(world, "widget_other", "x", "Path=/; Secure; Domain=example.com")
        plant(world, "wid_get", "kept")
        response = world.get("/sign-out")
        assert {"widget_box", "widget_of_box", "widget_other", "sealed-session"} == set(world.cookies(response))
        assert [None, None, "kept"] == [held(world, name) for name in ("widget_box", "widget_other", "wid_get")]

    def test_whoever_signs_in_next_does_not_find_them(self, made: tuple[World, Widget]) -> None:
        """They were made for somebody else; what is minted in the same request is set all the same."""
        world, _ = made
        ask(world)
        given = world.provider.sign_in({"id": "user_2"})

        def act() -> None:
            world.auth.sign_in(**given)
            world.auth.credential("new", mint=True)

        world.do(act)
        assert (None, "user_2.2") == (held(world, "widget_box"), held(world, "widget_new"))

    def test_somebody_else_who_signs_in_afterwards_is_not_given_it(self, made: tuple[World, Widget]) -> None:
        """What was minted in the same request was minted for the former."""
        world, _ = made
        given = world.provider.sign_in({"id": "user_2"})

        def act() -> None:
            world.auth.credential("box", mint=True)
            world.auth.sign_in(**given)

        world.do(act)
        assert ("user_2", None) == (world.get("/who").text, held(world, "widget_box"))

    def test_a_session_that_has_ended_takes_them_along(self, made: tuple[World, Widget]) -> None:
        """Though nobody asked for it: the provider denied it, which is on record by the second time."""
        world, _ = made
        ask(world)
        world.clock.advance(400)
        world.provider.fail(RefreshDenied(), times=None)
        assert "nobody: denied" == world.get("/who").text
        assert ("nobody: denied", None) == (world.get("/who").text, held(world, "widget_box"))

    def test_a_header_without_end(self, made: tuple[World, Widget]) -> None:
        """Is left alone, and so are more of them than a response could clear."""
        world, _ = made
        client = world.app.test_client(use_cookies=False)
        for header, most in (("widget_a=1; x=" + "x" * 70_000, 0), ("; ".join(f"widget_{n}=1" for n in range(90)), 12)):
            response = client.get("/sign-out", base_url=ORIGIN, headers={"Cookie": header})
            names = {line.partition("=")[0] for line in response.headers.getlist("Set-Cookie")}
            assert most == sum(name.startswith("widget_") for name in names)


class TestReadBack:
    """``SealedSession.credential``."""

    def test_what_the_cookies_hold(self, made: tuple[World, Widget]) -> None:
        """Or None; with ``mint`` a new one is made where there is none."""
        world, widget = made
        found: list[Any] = []
        world.do(lambda: found.append(world.auth.credential("box")))
        world.do(lambda: found.append(world.auth.credential("box", mint=True)))
        world.do(lambda: found.append(world.auth.credential("box", mint=True)))
        assert (None, 1) == (found[0], len(widget.asked))
        assert found[1].cookies == found[2].cookies

    def test_twice_in_one_request(self, made: tuple[World, Widget]) -> None:
        """The second finds what the first has minted."""
        world, widget = made
        world.do(lambda: str([world.auth.credential("box", mint=True) for _ in range(2)]))
        assert 1 == len(widget.asked)

    def test_nobody_signed_in(self, make_world: MakeWorld) -> None:
        """None, and an error for who wants to mint."""
        world = make_world(companions=[Widget(lambda: 0)])

        def act() -> None:
            assert None is world.auth.credential("box")
            with pytest.raises(UsageError) as raised:
                world.auth.credential("box", mint=True)
            assert "no_session" == raised.value.code

        assert 200 == world.do(act).status_code

    def test_which_one(self, make_world: MakeWorld) -> None:
        """Has to be said where there are several; none there is an error."""
        first, second = Widget(lambda: 0), Widget(lambda: 0)
        second.path = "/other"
        world = make_world(companions=[first, second])

        def act() -> None:
            for which in (None, Widget(lambda: 0)):
                with pytest.raises(UsageError) as raised:
                    world.auth.credential("box", companion=which)
                assert "no_companion" == raised.value.code
            assert None is world.auth.credential("box", companion=second)

        assert 200 == world.do(act).status_code


@pytest.mark.parametrize("given", [Widget, [Widget], [object()], "widget", None])
def test_companions_are_a_list_of_providers_that_mint(given: Any) -> None:
    """A class that was not called is none."""
    with pytest.raises(UsageTypeError):
        SealedSession(companions=given)


def test_each_has_its_own_path() -> None:
    """Or one would never be reached."""
    with pytest.raises(UsageError) as raised:
        SealedSession(companions=[Widget(lambda: 0), Widget(lambda: 0)])
    assert "companion_twice" == raised.value.code
