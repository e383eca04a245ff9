"""The bearer header as a transport."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_ext import current_session, login_required
from sealed_session import UsageError, encoding
from sealed_session.transports import BearerHeader, SealedCookie
from sealed_session.verifier import JWTVerifier
from tests.web.carrying import COOKIES, FOREIGN, Keeper, bearer, build, plant
from tests.web.conftest import MakeWorld, World
from tests.web.verifier import ISSUER


@pytest.fixture
def made(make_world: MakeWorld) -> tuple[World, Keeper]:
    """A service that takes bearer tokens alone; it needs no password."""
    return build(make_world, [BearerHeader()], PASSWORD=None)


class TestWho:
    """Whom a token signs in."""

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_a_good_token_signs_in(self, made: tuple[World, Keeper], scheme: str) -> None:
        """Whatever the case of the scheme (RFC 9110, section 11.1); nothing is set, and caches know of the header."""
        world, keeper = made
        response = world.get("/private", headers=bearer(keeper.token(), scheme))
        assert (200, "private to user_1") == (response.status_code, response.text)
        assert ([], "Authorization") == (world.cookies(response), response.headers["Vary"])
        assert "private, no-store" == response.headers["Cache-Control"]

    def test_it_began_when_the_token_says(self, made: tuple[World, Keeper]) -> None:
        """By auth_time. A time of issue tells less: it counts against sign-outs, and proves nothing fresh."""
        world, keeper = made
        began: list[Any] = []
        world.act = lambda: began.append(current_session.started_at)
        now = world.clock()
        for times in ({"auth_time": now - 50}, {"auth_time": None}, {"auth_time": None, "iat": None}):
            world.get("/do", headers=bearer(keeper.token(**times)))
        assert [now - 50, now, None] == began

    @pytest.mark.parametrize(("ago", "status"), [(50, 200), (70, 401), (None, 401)])
    def test_a_fresh_proof(self, make_world: MakeWorld, ago: int | None, status: int) -> None:
        """Only auth_time is one: a vendor's script makes new tokens all the time."""
        world, keeper = build(make_world, [BearerHeader()])
        world.app.add_url_rule("/fresh", "fresh", login_required(fresh_within=60)(lambda: "fresh"))
        proved = None if ago is None else world.clock() - ago
        headers = {"Accept": "*/*", **bearer(keeper.token(auth_time=proved))}
        assert status == world.get("/fresh", headers=headers).status_code

    def test_a_tabulator_parts_it_from_the_scheme_as_well(self, made: tuple[World, Keeper]) -> None:
        """As other servers read it."""
        world, keeper = made
        assert "user_1" == world.get("/who", headers={"Authorization": f"Bearer\t{keeper.token()}"}).text

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic dXNlcjpwYXNz"}, {"Authorization": "Bearer"}])
    def test_without_a_token_nobody_is_signed_in(self, made: tuple[World, Keeper], headers: dict[str, str]) -> None:
        """And the challenge says what would do (RFC 6750, section 3)."""
        response = made[0].get("/private", headers={"Accept": "*/*", **headers})
        assert 401 == response.status_code
        assert response.headers["WWW-Authenticate"].startswith('Bearer realm="sealed-session"')

    @pytest.mark.parametrize("where", ["?access_token={}", "?token={}", "?session_token={}"])
    def test_a_token_in_the_address_is_not_looked_at(self, made: tuple[World, Keeper], where: str) -> None:
        """It would end in logs and histories."""
        world, keeper = made
        assert 401 == world.get("/private" + where.format(keeper.token()), headers={"Accept": "*/*"}).status_code

    @pytest.mark.parametrize("name", ["X-Session-Token", "X-Access-Token", "Proxy-Authorization"])
    def test_a_token_in_another_header_is_not_looked_at(self, made: tuple[World, Keeper], name: str) -> None:
        """There is one header for it."""
        world, keeper = made
        headers = {"Accept": "*/*", name: f"Bearer {keeper.token()}"}
        assert 401 == world.get("/private", headers=headers).status_code


class TestBad:
    """Tokens that sign nobody in."""

    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"exp": 1}, "expired"),
            ({"exp": None}, "invalid"),
            ({"iss": "https://evil.example"}, "invalid"),
            ({"key": FOREIGN}, "invalid"),
            ({"nbf": 3_000_000_000}, "invalid"),
            ({"sub": None}, "invalid"),
            ({"sub": 5}, "invalid"),
        ],
        ids=["expired", "no exp", "foreign issuer", "foreign key", "not yet valid", "nobody", "no text"],
    )
    def test_one_that_does_not_verify(
        self, made: tuple[World, Keeper], claims: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """401 with the reason, no provider is asked, and no log has the token."""
        caplog.set_level("DEBUG")
        world, keeper = made
        token = keeper.token(**claims)
        response = world.get("/private", headers={"Accept": "*/*", **bearer(token)})
        assert (401, reason, []) == (response.status_code, response.get_json()["reason"], keeper.calls)
        assert f'error="invalid_token", error_description="{reason}"' in response.headers["WWW-Authenticate"]
        assert token.split(".")[1] not in caplog.text

    @pytest.mark.parametrize("header", ['{"alg":"none"}', '{"alg":"HS256","kid":"key_1"}'])
    def test_one_of_another_algorithm(self, made: tuple[World, Keeper], header: str) -> None:
        """Unsigned, or signed with the public key as if it were a secret."""
        payload = made[1].token().split(".")[1]
        token = f"{encoding.encode(header.encode())}.{payload}.c2lnbmF0dXJl"
        assert "nobody: invalid" == made[0].get("/who", headers=bearer(token)).text

    @pytest.mark.parametrize("token", ["opaque", "a.b", "a b", "\N{LATIN SMALL LETTER E WITH ACUTE}", "=", "," * 9000])
    def test_garbage(self, made: tuple[World, Keeper], token: str) -> None:
        """Is invalid, and nothing worse."""
        assert "nobody: invalid" == made[0].get("/who", headers=bearer(token)).text

    def test_keys_out_of_reach(self, make_world: MakeWorld) -> None:
        """Nobody can tell: 503, and when to come again."""
        down = JWTVerifier("http://127.0.0.1:9/jwks", issuers=[ISSUER])
        world, keeper = build(make_world, [BearerHeader()], verifier=down)
        response = world.get("/private", headers={"Accept": "*/*", **bearer(keeper.token())})
        assert (503, "5") == (response.status_code, response.headers["Retry-After"])

    def test_no_redirect_for_who_sends_the_header(self, make_world: MakeWorld) -> None:
        """A program would follow it; a browser without the header does."""
        world, keeper = build(make_world, [SealedCookie(), BearerHeader()], LOGIN_VIEW="/login")
        assert 302 == world.get("/private").status_code
        assert 302 == world.get("/private", headers={"Authorization": "Basic dXNlcjpwYXNz"}).status_code
        assert 401 == world.get("/private", headers=bearer(keeper.token(exp=1))).status_code


class TestActs:
    """What an application may ask for."""

    @pytest.mark.parametrize(
        "act",
        [
            lambda world, keeper: world.auth.sign_in(**keeper.open()),
            lambda world, keeper: world.auth.update(extra={"a": 1}),
            lambda world, keeper: world.auth.refresh(force=True),
            lambda world, keeper: world.auth.update_session(access_token=keeper.token()),
        ],
        ids=["sign_in", "update", "refresh", "update_session"],
    )
    def test_there_is_no_place_for_more(self, made: tuple[World, Keeper], act: Any) -> None:
        """A clear error, and the person stays signed in."""
        world, keeper = made
        caught = []

        def view() -> str:
            with pytest.raises(UsageError) as raised:
                act(world, keeper)
            caught.append(raised.value.code)
            return str(current_session.user["id"])

        world.act = view
        assert "user_1" == world.get("/do", headers=bearer(keeper.token())).text
        assert (["no_place"], []) == (caught, keeper.calls)

    def test_no_password_opened_it(self, made: tuple[World, Keeper]) -> None:
        """Unlike a cookie of ours."""
        world, keeper = made
        found: list[Any] = []
        world.act = lambda: found.append(current_session.password_index)
        world.get("/do", headers=bearer(keeper.token()))
        assert [None] == found

    def test_signing_out_ends_it_on_record(self, make_world: MakeWorld) -> None:
        """So that the token is refused where every request looks."""
        world, keeper = build(make_world, [BearerHeader()], CHECK_REVOCATION="always")
        token = keeper.token()
        assert "out" == world.get("/sign-out", headers=bearer(token)).text
        assert "nobody: revoked" == world.get("/who", headers=bearer(token)).text

    def test_no_companion_is_written(self, make_world: MakeWorld) -> None:
        """Whoever sends the header keeps no cookies."""
        world, keeper = build(make_world, [SealedCookie(), BearerHeader()], ACCESS_TOKEN_COOKIE="eager")
        headers = {"Accept": "text/html", "Sec-Fetch-Dest": "document", **bearer(keeper.token())}
        assert [] == world.cookies(world.get("/who", headers=headers))

    def test_there_are_no_tokens_for_a_body(self, made: tuple[World, Keeper]) -> None:
        """Whoever sent the token has it."""
        world, keeper = made
        given: list[Any] = []
        world.act = lambda: given.append(world.auth.client_tokens())
        world.get("/do", headers=bearer(keeper.token()))
        world.get("/do")
        assert [None, None] == given


class TestBesideCookies:
    """Beside other transports."""

    @pytest.mark.parametrize("value", ["garbage", "expired"])
    def test_a_bad_cookie_is_passed_over(self, make_world: MakeWorld, value: str) -> None:
        """The next transport counts; the answer depends on both headers."""
        world, keeper = build(make_world, [COOKIES, BearerHeader()])
        plant(world, "access", keeper.token(exp=1) if value == "expired" else value)
        response = world.get("/who", headers=bearer(keeper.token("user_2")))
        assert ("user_2", "Cookie, Authorization") == (response.text, response.headers["Vary"])

    def test_the_first_usable_one_counts(self, make_world: MakeWorld) -> None:
        """In the order of the list."""
        for transports, who in (((COOKIES, BearerHeader()), "user_1"), ((BearerHeader(), COOKIES), "user_2")):
            world, keeper = build(make_world, transports)
            plant(world, "access", keeper.token())
            response = world.get("/who", headers=bearer(keeper.token("user_2")))
            assert (who, ["Cookie", "Authorization"][who == "user_2"]) == (response.text, response.headers["Vary"])

    def test_a_session_that_cannot_be_renewed_now_is_passed_over(self, make_world: MakeWorld) -> None:
        """Its provider is down; the bearer token is good by itself. Without it nobody can tell."""
        world, keeper = build(make_world, [SealedCookie(), BearerHeader()])
        world.do(lambda: world.auth.sign_in(**keeper.open()))
        world.clock.advance(400)
        keeper.is_down = True
        assert "user_2" == world.get("/who", headers=bearer(keeper.token("user_2"))).text
        response = world.get("/private", headers={"Accept": "*/*"})
        assert (503, "unavailable") == (response.status_code, response.get_json()["reason"])

    def test_a_bearer_token_may_open_a_sealed_session(self, make_world: MakeWorld) -> None:
        """Signed in once with the header, the cookie carries on."""
        world, keeper = build(make_world, [SealedCookie(), BearerHeader()])

        def act() -> None:
            world.auth.sign_in(access_token=str(current_session.access_token), user=current_session.user)

        world.act = act
        response = world.get("/do", headers=bearer(keeper.token()))
        assert ["sealed-session"] == world.cookies(response)
        assert "user_1" == world.get("/who").text

    def test_the_reason_of_the_cookie_is_told_where_no_header_came(self, make_world: MakeWorld) -> None:
        """MISSING says least."""
        world, keeper = build(make_world, [COOKIES, BearerHeader()])
        plant(world, "access", keeper.token(exp=1))
        assert "nobody: expired" == world.get("/who").text
        assert "nobody: missing" == build(make_world, [COOKIES, BearerHeader()])[0].get("/who").text

    def test_options_is_answered(self, make_world: MakeWorld) -> None:
        """A preflight has no credentials and is never refused."""
        world, _ = build(make_world, [BearerHeader()], REQUIRE_LOGIN=True)
        assert 200 == world.browser.fetch("https://app.example.com/private", method="OPTIONS").status_code


def test_without_a_verifier_it_is_refused(make_world: MakeWorld) -> None:
    """A token that nobody verifies is anybody's word."""
    for settings in ({"verifier": None}, {"VERIFY_ACCESS_TOKEN": False}):
        with pytest.raises(UsageError) as raised:
            build(make_world, [BearerHeader()], **settings)
        assert "transport_unverified" in str(raised.value)
    assert isinstance(build(make_world, [SealedCookie()], verifier=None)[0].app, Flask)
