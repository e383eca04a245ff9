"""Cookies that hold the tokens themselves, as a transport."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_ext import current_session, login_required
from sealed_session import Session, UsageError
from sealed_session.testing import Clock
from sealed_session.transports import BearerHeader, SealedCookie, TokenCookies
from sealed_session.verifier import JWTVerifier
from tests.web.carrying import ACCESS, COOKIES, FOREIGN, KEY, REFRESH, Keeper, bearer, build, held, plant, settle
from tests.web.conftest import ORIGIN, MakeWorld, World
from tests.web.verifier import ISSUER

CLIENT = replace(COOKIES, owner="client")
HIDDEN = replace(COOKIES, http_only="enabled", custom_domain="login.example.com")
ENFORCED = replace(HIDDEN, http_only="enforced")


@pytest.fixture
def made(make_world: MakeWorld) -> tuple[World, Keeper]:
    """Cookies of ours."""
    return build(make_world, [COOKIES])


@pytest.fixture
def theirs(make_world: MakeWorld) -> tuple[World, Keeper]:
    """Cookies of a client's JavaScript."""
    return build(make_world, [CLIENT])


def sign_in(world: World, keeper: Keeper, **values: Any) -> TestResponse:
    """Sign in by a view."""
    given = keeper.open()
    return world.do(lambda: world.auth.sign_in(**given, **values))


def lines(response: TestResponse) -> dict[str, str]:
    """The attributes of each cookie that is set; those that are cleared are not."""
    written = [line.partition("; ") for line in response.headers.getlist("Set-Cookie") if "Max-Age=0" not in line]
    return {pair.partition("=")[0]: attributes for pair, _, attributes in written}


class TestOurs:
    """Cookies that we write."""

    def test_signing_in_writes_both(self, made: tuple[World, Keeper]) -> None:
        """Under the host's own name as Domain, for as long as the session lives, and readable by JavaScript."""
        world, keeper = made
        response = sign_in(world, keeper, session_expires_at=world.clock() + 3600)
        same = "Path=/; Domain=app.example.com; Max-Age=3600; Secure; SameSite=Lax"
        assert {ACCESS: same, REFRESH: same} == lines(response)
        assert ("user_1", 1) == (world.get("/who").text, len(keeper.alive))

    def test_without_an_end_they_live_as_long_as_a_cookie_may(self, made: tuple[World, Keeper]) -> None:
        """400 days; and one whose session has ended is as good as gone."""
        world, keeper = made
        assert "Max-Age=34560000" in lines(sign_in(world, keeper))[ACCESS]
        ended = lines(sign_in(world, keeper, session_expires_at=world.clock() - 5))
        assert "Max-Age=1;" in ended[ACCESS]

    def test_nobody_is_asked_while_the_token_is_good(self, made: tuple[World, Keeper]) -> None:
        """It is verified here."""
        world, keeper = made
        sign_in(world, keeper)
        world.clock.advance(200)
        assert ["user_1"] * 3 == [world.get("/who").text for _ in range(3)]
        assert [] == keeper.calls

    def test_what_ended_is_renewed_once_and_written_back(self, made: tuple[World, Keeper]) -> None:
        """Into the cookies that it came from; the user is what the claims say, with every request alike."""
        world, keeper = made
        sign_in(world, keeper)
        before = held(world, ACCESS)
        world.clock.advance(400)
        users: list[Any] = []
        world.act = lambda: users.append(dict(current_session.user))
        response = world.get("/do")
        world.get("/do")
        assert [{"id": "user_1"}, {"id": "user_1"}] == users
        assert (1, {ACCESS, REFRESH}) == (len(keeper.calls), set(lines(response)))
        assert before != held(world, ACCESS)

    def test_the_access_token_may_be_missing(self, made: tuple[World, Keeper]) -> None:
        """What renews it came alone: that is enough."""
        world, keeper = made
        keeper.open()
        plant(world, REFRESH, "refresh_of_user_1")
        assert ("user_1", True) == (world.get("/who").text, held(world, ACCESS) is not None)

    def test_a_denied_one_signs_nobody_in(self, made: tuple[World, Keeper]) -> None:
        """The provider has ended it elsewhere."""
        world, keeper = made
        sign_in(world, keeper)
        world.clock.advance(400)
        keeper.alive.clear()
        assert "nobody: denied" == world.get("/who").text

    def test_a_provider_that_is_down_loses_nothing(self, made: tuple[World, Keeper]) -> None:
        """503 meanwhile."""
        world, keeper = made
        sign_in(world, keeper)
        world.clock.advance(400)
        keeper.is_down = True
        response = world.get("/private", headers={"Accept": "*/*"})
        assert (503, []) == (response.status_code, world.cookies(response))
        keeper.is_down = False
        world.clock.advance(60)
        assert "user_1" == world.get("/who").text

    def test_signing_out_revokes_and_clears(self, made: tuple[World, Keeper]) -> None:
        """With and without the Domain; where there is nothing, nothing is cleared."""
        world, keeper = made
        sign_in(world, keeper)
        response = world.get("/sign-out")
        assert (["refresh_of_user_1"], None, None) == (keeper.revoked, held(world, ACCESS), held(world, REFRESH))
        assert {ACCESS, REFRESH} == set(world.cookies(response))
        assert [] == world.cookies(world.get("/sign-out"))

    def test_an_application_cannot_add_to_it(self, made: tuple[World, Keeper]) -> None:
        """There is no place in the cookies."""
        world, keeper = made
        sign_in(world, keeper)

        def act() -> None:
            with pytest.raises(UsageError, match="no place"):
                world.auth.update(extra={"a": 1})

        assert 200 == world.do(act).status_code

    @pytest.mark.parametrize(
        ("refresh_token", "code"), [("not; a=cookie", "bad_cookie_value"), ("x" * 4086, "token_too_large")]
    )
    def test_a_token_that_no_cookie_can_hold_is_refused(
        self, make_world: MakeWorld, refresh_token: str, code: str
    ) -> None:
        """Before anything is written: browsers would drop it without a word."""
        world, keeper = build(make_world, [COOKIES])

        def act() -> None:
            with pytest.raises(UsageError) as raised:
                world.auth.sign_in(access_token=keeper.token(), refresh_token=refresh_token)
            assert code == raised.value.code

        assert [] == world.cookies(world.do(act))

    def test_signing_in_over_another_ends_that_one(self, made: tuple[World, Keeper]) -> None:
        """Here, and at the provider; the cookies are the new one's alone."""
        world, keeper = made
        sign_in(world, keeper)
        other = keeper.open("user_2")
        world.do(lambda: world.auth.sign_in(**other))
        settle()
        assert (["refresh_of_user_1"], "user_2") == (keeper.revoked, world.get("/who").text)

    def test_a_sealed_session_beside_it_goes(self, make_world: MakeWorld) -> None:
        """One browser is one person; all that is ours is of the last who signed in, or of nobody."""
        world, keeper = build(make_world, [COOKIES, SealedCookie()])
        value = world.app.extensions["sealed_session"].sealer.seal(session_of(keeper.open("user_2")))
        plant(world, "sealed-session", value)
        assert "user_2" == world.get("/who").text
        sign_in(world, keeper)
        assert (None, "user_1") == (held(world, "sealed-session"), world.get("/who").text)

    def test_signing_out_ends_every_session_that_came(self, make_world: MakeWorld) -> None:
        """The one that was passed by, too."""
        world, keeper = build(make_world, [COOKIES, SealedCookie()])
        sign_in(world, keeper)
        value = world.app.extensions["sealed_session"].sealer.seal(session_of(keeper.open("user_2")))
        plant(world, "sealed-session", value)
        world.get("/sign-out")
        settle()
        assert {"refresh_of_user_1", "refresh_of_user_2"} == set(keeper.revoked)
        assert "nobody: missing" == world.get("/who").text

    def test_without_a_refresh_token_there_is_one_cookie(self, made: tuple[World, Keeper]) -> None:
        """And it is good until it ends."""
        world, keeper = made
        token = keeper.token()
        assert {ACCESS} == set(lines(world.do(lambda: world.auth.sign_in(access_token=token))))
        assert "user_1" == world.get("/who").text

    def test_an_explicit_refresh_takes_the_first_session_that_there_is(self, make_world: MakeWorld) -> None:
        """Of several transports, whether its token is good or has ended; those behind it are not asked."""
        world, keeper = build(make_world, [SealedCookie(), COOKIES, BearerHeader()])
        given = keeper.open()
        plant(world, ACCESS, keeper.token(exp=1))
        plant(world, REFRESH, given["refresh_token"])
        kinds: list[str] = []
        world.act = lambda: kinds.append(str(world.auth.refresh(force=True).kind))
        world.get("/do", headers=bearer(keeper.token("user_2")))
        assert (["refreshed"], "user_1") == (kinds, world.get("/who").text)

    def test_what_was_overtaken_is_not_written(self, made: tuple[World, Keeper]) -> None:
        """A look before the write: somebody has signed out meanwhile."""
        world, keeper = made
        sign_in(world, keeper)
        world.clock.advance(400)

        def act() -> str:
            who = str(current_session.user["id"])
            world.auth.revoke(str(current_session.session_id))
            return who

        world.act = act
        response = world.get("/do")
        assert ("user_1", []) == (response.text, world.cookies(response))

    def test_a_session_that_was_passed_by_is_not_written_after_its_sign_out(self, make_world: MakeWorld) -> None:
        """Renewed to a token that does not verify, so that another one counts; then somebody signs it out."""
        world, keeper = build(make_world, [SealedCookie(), BearerHeader()])
        given = keeper.open()
        world.do(lambda: world.auth.sign_in(**given))
        kept = held(world, "sealed-session")
        world.clock.advance(400)
        keeper.foreign = True

        def act() -> str:
            who = str(current_session.user["id"])
            world.auth.revoke("session_of_user_1")
            return who

        world.act = act
        response = world.get("/do", headers=bearer(keeper.token("user_2")))
        assert ("user_2", [], kept) == (response.text, world.cookies(response), held(world, "sealed-session"))

    def test_localhost_has_no_domain_and_no_secure(self, made: tuple[World, Keeper]) -> None:
        """A browser takes neither there by http."""
        world, keeper = made
        given = keeper.open()
        world.act = lambda: world.auth.sign_in(**given)
        response = world.browser.get("http://localhost:5000/do")
        assert "Path=/; Max-Age=34560000; SameSite=Lax" == lines(response)[ACCESS]
        assert "user_1" == world.browser.get("http://localhost:5000/who").text
        assert "Path=/; Max-Age=34560000; SameSite=Lax" == lines(world.browser.get("https://localhost/do"))[ACCESS]

    def test_secure_is_kept_on_localhost_where_the_settings_say_so(self, make_world: MakeWorld) -> None:
        """And SameSite None is refused where they do not."""
        cookies = replace(COOKIES, same_site="None")
        world, keeper = build(make_world, [cookies], COOKIE_SECURE=True)
        given = keeper.open()
        world.act = lambda: world.auth.sign_in(**given)
        assert "Secure; SameSite=None" in lines(world.browser.get("https://localhost/do"))[ACCESS]
        with pytest.raises(UsageError) as raised:
            build(make_world, [cookies])
        assert "[samesite_none_insecure]" in str(raised.value)

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"path": "/app"}, "Path=/app; Domain=app.example.com; Max-Age=34560000; Secure; SameSite=Lax"),
            ({"domain": "example.com"}, "Path=/; Domain=example.com; Max-Age=34560000; Secure; SameSite=Lax"),
            ({"host_only": True}, "Path=/; Max-Age=34560000; Secure; SameSite=Lax"),
            ({"same_site": "Strict"}, "Path=/; Domain=app.example.com; Max-Age=34560000; Secure; SameSite=Strict"),
        ],
    )
    def test_each_option_changes_one_attribute(
        self, make_world: MakeWorld, changes: dict[str, Any], expected: str
    ) -> None:
        """Of both cookies."""
        world, keeper = build(make_world, [replace(COOKIES, **changes)])
        assert {ACCESS: expected, REFRESH: expected} == lines(sign_in(world, keeper))


class TestSeveral:
    """More than one cookie of a name, or of its aliases."""

    def test_a_former_name_is_read_and_replaced(self, make_world: MakeWorld) -> None:
        """The first name is the one that is written."""
        world, keeper = build(make_world, [replace(COOKIES, access=("new", "old"))])
        plant(world, "old", keeper.token())
        assert "user_1" == world.get("/who").text

    def test_every_value_is_tried_and_the_loser_goes(self, made: tuple[World, Keeper]) -> None:
        """Host-only and by Domain: the good one is written where ours belong, the other is cleared."""
        world, keeper = made
        sign_in(world, keeper)
        good = held(world, ACCESS)
        plant(world, ACCESS, "garbage")
        assert 2 == sum(cookie.name == ACCESS for cookie in world.browser.jar.cookies())
        assert "user_1" == world.get("/who").text
        assert [good] == [cookie.value for cookie in world.browser.jar.cookies() if cookie.name == ACCESS]
        assert [] == world.cookies(world.get("/who"))

    @pytest.mark.parametrize("dead", ["refresh_of_nobody", "another"])
    def test_every_refresh_token_is_tried(self, made: tuple[World, Keeper], dead: str) -> None:
        """Until one renews the session."""
        world, keeper = made
        sign_in(world, keeper)
        plant(world, REFRESH, dead)
        world.clock.advance(400)
        assert "user_1" == world.get("/who").text
        assert ["refresh_of_user_1"] == [c.value for c in world.browser.jar.cookies() if c.name == REFRESH]
        assert len(keeper.calls) <= 2

    def test_the_first_one_dead_and_the_second_good(self, made: tuple[World, Keeper]) -> None:
        """In the order of the header."""
        world, keeper = made
        keeper.open()
        header = f"{REFRESH}=dead; {REFRESH}=refresh_of_user_1"
        assert "user_1" == world.app.test_client(use_cookies=False).get("/who", headers={"Cookie": header}).text
        assert ["dead", "refresh_of_user_1"] == keeper.calls

    def test_no_more_than_four(self, made: tuple[World, Keeper]) -> None:
        """A header full of them costs no more."""
        world, keeper = made
        header = "; ".join(f"{REFRESH}=dead_{number}" for number in range(40))
        world.app.test_client(use_cookies=False).get("/who", headers={"Cookie": header})
        assert ["dead_0", "dead_1", "dead_2", "dead_3"] == keeper.calls

    def test_a_header_without_end_is_not_read(self, made: tuple[World, Keeper]) -> None:
        """As with the sealed cookie."""
        world, keeper = made
        header = f"{ACCESS}={keeper.token()}; x={'x' * 70_000}"
        client = world.app.test_client(use_cookies=False)
        assert "nobody: missing" == client.get("/who", headers={"Cookie": header}).text


class TestPlanted:
    """Cookies that somebody else has written beside ours: a sibling host, or an earlier account of the same person."""

    @pytest.fixture
    def victim(self, made: tuple[World, Keeper]) -> tuple[World, Keeper]:
        """Somebody signed in, beside whose cookies others lie; all are sent."""
        world, keeper = made
        sign_in(world, keeper)
        keeper.open("attacker")
        return made

    def test_an_ended_token_of_somebody_else_harms_nobody(self, victim: tuple[World, Keeper]) -> None:
        """The provider is asked with the refresh token, and its answer is compared with what had ended."""
        world, keeper = victim
        plant(world, ACCESS, keeper.token("attacker", exp=1))
        world.clock.advance(400)
        assert "user_1" == world.get("/who").text
        world.clock.advance(400)
        assert "user_1" == world.get("/who").text

    def test_a_refresh_token_of_somebody_else_signs_nobody_else_in(self, made: tuple[World, Keeper]) -> None:
        """Beside an ended token of the victim's; its owner goes on with it."""
        world, keeper = made
        keeper.open("attacker")
        plant(world, ACCESS, keeper.token(exp=1))
        plant(world, REFRESH, "refresh_of_attacker")
        assert "nobody: denied" == world.get("/who").text
        other = world.app.test_client(use_cookies=False)
        own = f"{ACCESS}={keeper.token('attacker', exp=1)}; {REFRESH}=refresh_of_attacker"
        assert "attacker" == other.get("/who", headers={"Cookie": own}).text

    def test_a_good_token_is_paired_with_none_of_several(self, victim: tuple[World, Keeper]) -> None:
        """Neither written nor cleared, nor handed out, until a renewal has proved whose each is."""
        world, _ = victim
        plant(world, REFRESH, "refresh_of_attacker")
        response = world.get("/who")
        assert ("user_1", [], {"access_token"}) == (response.text, world.cookies(response), client_tokens(world))
        world.clock.advance(400)
        assert "user_1" == world.get("/who").text
        assert ["refresh_of_user_1"] == [c.value for c in world.browser.jar.cookies() if c.name == REFRESH]

    def test_a_good_token_of_somebody_else_harms_nobody(self, victim: tuple[World, Keeper]) -> None:
        """Beside the victim's own, about to end: neither is it paired with the victim's refresh token, nor written."""
        world, keeper = victim
        world.clock.advance(280)
        header = (
            f"{ACCESS}={keeper.token('attacker')}; {ACCESS}={held(world, ACCESS)}; {REFRESH}={held(world, REFRESH)}"
        )
        response = world.app.test_client(use_cookies=False).get("/who", headers={"Cookie": header})
        assert ("attacker", [], []) == (response.text, world.cookies(response), keeper.calls)
        world.clock.advance(200)
        assert "user_1" == world.get("/who").text

    def test_a_good_token_beside_somebody_elses_refresh_token(self, made: tuple[World, Keeper]) -> None:
        """What that brings is not taken; the good one is good until it ends, and nobody's record is touched."""
        world, keeper = made
        keeper.open("attacker")
        plant(world, ACCESS, keeper.token())
        plant(world, REFRESH, "refresh_of_attacker")
        world.clock.advance(280)
        response = world.get("/who")
        assert ("user_1", []) == (response.text, world.cookies(response))
        own = f"{ACCESS}={keeper.token('attacker', exp=1)}; {REFRESH}=refresh_of_attacker"
        assert "attacker" == world.app.test_client(use_cookies=False).get("/who", headers={"Cookie": own}).text

    def test_an_ended_token_lends_its_time_to_nobody(self, made: tuple[World, Keeper]) -> None:
        """A fresh proof of somebody else's is none; the session's own token counts once it is known."""
        world, keeper = made
        world.app.add_url_rule("/fresh", "fresh", login_required(fresh_within=600)(lambda: "fresh"))
        now = world.clock()
        given = keeper.open(auth_time=now - 9000)
        keeper.open("attacker")
        own = f"{ACCESS}={given['access_token']}; {REFRESH}={given['refresh_token']}"
        lent = keeper.token("attacker", auth_time=now, exp=now + 1)
        world.clock.advance(400)
        client = world.app.test_client(use_cookies=False)
        for header in (own, f"{ACCESS}={lent}; {own}"):
            assert 401 == client.get("/fresh", headers={"Cookie": header, "Accept": "*/*"}).status_code
            assert "user_1" == client.get("/who", headers={"Cookie": header}).text

    def test_a_fresh_sign_in_over_ended_cookies_is_all_that_counts(self, made: tuple[World, Keeper]) -> None:
        """In the same request: nothing is asked for what was there."""
        world, keeper = made
        sign_in(world, keeper)
        world.clock.advance(400)
        other = keeper.open("user_2")
        said: list[str] = []

        def act() -> None:
            world.auth.sign_in(**other)
            said.append(str(world.auth.refresh().kind))
            said.append(str(world.auth.refresh(force=True).kind))
            said.append(str(current_session.session_id))

        world.do(act)
        assert ["current", "refreshed", "session_of_user_2"] == said
        assert "user_2" == world.get("/who").text

    def test_what_continues_an_ended_session_revokes_nothing(self, made: tuple[World, Keeper]) -> None:
        """The page has renewed it by itself: the same session, by its id."""
        world, keeper = made
        sign_in(world, keeper)
        world.clock.advance(400)
        token = keeper.token()
        world.do(lambda: world.auth.update_session(access_token=token, refresh_token="refresh_of_user_1_anew"))
        settle()
        assert ([], "refresh_of_user_1_anew") == (keeper.revoked, held(world, REFRESH))

    def test_one_revoked_elsewhere_is_seen_before_anybody_is_asked(self, make_world: MakeWorld) -> None:
        """By the ended token, which says whose session it is; the cookies are cleared."""
        world, keeper = build(make_world, [COOKIES], CHECK_REVOCATION="always")
        sign_in(world, keeper)
        world.do(lambda: str(world.auth.revoke("session_of_user_1")))
        plant_again = {name: held(world, name) for name in (ACCESS, REFRESH)}
        world.clock.advance(400)
        header = "; ".join(f"{name}={value}" for name, value in plant_again.items())
        response = world.app.test_client(use_cookies=False).get("/who", headers={"Cookie": header})
        assert ("nobody: revoked", []) == (response.text, keeper.calls)

    def test_a_token_about_nobody_signs_nobody_in(
        self, made: tuple[World, Keeper], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not after a refresh either."""
        world, keeper = made
        monkeypatch.setattr(keeper, "refresh", lambda *_a, **_k: Session(keeper.token(sub=None), "refresh_of_user_1"))  # type: ignore[arg-type]
        plant(world, REFRESH, "refresh_of_user_1")
        assert "nobody: denied" == world.get("/who").text

    @pytest.mark.parametrize("settings", [{}, {"CHECK_REVOCATION": "always"}])
    def test_single_sign_on_with_the_old_id_is_a_new_session(
        self, make_world: MakeWorld, settings: dict[str, Any]
    ) -> None:
        """After our own sign-out: the same sid, and a proof from before it; what it is fresh by stays what it was."""
        world, keeper = build(make_world, [COOKIES], **settings)
        proved = world.clock() - 50
        given = keeper.open(auth_time=proved)
        world.do(lambda: world.auth.sign_in(**given))
        world.clock.advance(5)
        world.get("/sign-out")
        settle()
        world.clock.advance(5)
        again = keeper.open(auth_time=proved)
        world.do(lambda: world.auth.sign_in(**again))
        began: list[Any] = []
        world.act = lambda: began.append(current_session.started_at)
        world.get("/do")
        world.clock.advance(400)
        assert (["user_1"] * 2, [proved]) == ([world.get("/who").text for _ in range(2)], began)

    def test_signing_out_with_the_same_session_twice(self, make_world: MakeWorld) -> None:
        """Sealed, and as a bearer token: it is one session, and ended once."""
        world, keeper = build(make_world, [SealedCookie(), BearerHeader()])
        given = keeper.open()
        world.do(lambda: world.auth.sign_in(**given))
        world.get("/sign-out", headers=bearer(given["access_token"]))
        settle()
        assert ["refresh_of_user_1"] == keeper.revoked

    def test_signing_out_over_two_transports_with_one_id(self, make_world: MakeWorld) -> None:
        """Each has a refresh token of its own, and each is ended."""
        world, keeper = build(make_world, [SealedCookie(), COOKIES])
        given = keeper.open()
        world.do(lambda: world.auth.sign_in(**given))
        keeper.alive["another"] = "user_1"
        plant(world, ACCESS, keeper.token())
        plant(world, REFRESH, "another")
        world.get("/sign-out")
        settle()
        assert {"refresh_of_user_1", "another"} == set(keeper.revoked)

    def test_signing_out_ends_every_good_one(self, make_world: MakeWorld) -> None:
        """Each by its id, on record: no copy of either signs anybody in."""
        world, keeper = build(make_world, [COOKIES], CHECK_REVOCATION="always")
        tokens = [keeper.token("attacker"), keeper.token()]
        plant(world, ACCESS, tokens[0])
        plant(world, ACCESS, tokens[1], "Path=/; Secure; Domain=app.example.com")
        world.get("/sign-out")
        settle()
        client = world.app.test_client(use_cookies=False)
        said = [client.get("/who", headers={"Cookie": f"{ACCESS}={token}"}).text for token in tokens]
        assert (["nobody: revoked"] * 2, [None, None]) == (said, keeper.revoked)

    @pytest.mark.parametrize("number", [1, 4])
    def test_made_up_refresh_tokens_cost_a_few_calls(self, made: tuple[World, Keeper], number: int) -> None:
        """Of those that no access token vouches for, a sign-out has two ended."""
        world, keeper = made
        header = "; ".join(f"{REFRESH}=made_up_{n}" for n in range(number)) + f"; {ACCESS}=junk"
        world.app.test_client(use_cookies=False).get("/sign-out", headers={"Cookie": header})
        settle()
        assert min(number, 2) == len(keeper.revoked)

    def test_signing_out_ends_all_of_them(self, victim: tuple[World, Keeper]) -> None:
        """What cannot be told apart goes together."""
        world, keeper = victim
        plant(world, REFRESH, "refresh_of_attacker")
        world.get("/sign-out")
        settle()
        assert {"refresh_of_user_1", "refresh_of_attacker"} <= set(keeper.revoked)

    @pytest.mark.parametrize("access", ["garbage", None])
    def test_signing_out_ends_what_no_token_vouches_for(self, made: tuple[World, Keeper], access: str | None) -> None:
        """The cookies go, and so what they held must end."""
        world, keeper = made
        keeper.open()
        plant(world, REFRESH, "refresh_of_user_1")
        if access is not None:
            plant(world, ACCESS, access)
        world.get("/sign-out")
        settle()
        assert ["refresh_of_user_1"] == keeper.revoked

    def test_a_dead_one_costs_nobody_a_session_in_an_outage(self, victim: tuple[World, Keeper]) -> None:
        """Denied on record, and beside it one that cannot be asked about: 503, and nothing is cleared."""
        world, keeper = victim
        client = world.app.test_client(use_cookies=False)
        for _ in range(2):
            assert "denied" in client.get("/who", headers={"Cookie": f"{REFRESH}=dead"}).text
        plant(world, REFRESH, "dead")
        world.clock.advance(400)
        keeper.is_down = True
        response = world.get("/private", headers={"Accept": "*/*"})
        assert (503, []) == (response.status_code, world.cookies(response))

    def test_one_that_is_dead_for_everybody_is_cleared(self, made: tuple[World, Keeper]) -> None:
        """When it is all that there is, and on record."""
        world, _ = made
        plant(world, REFRESH, "dead")
        assert ["nobody: denied", "nobody: denied"] == [world.get("/who").text for _ in range(2)]
        assert None is held(world, REFRESH)

    def test_all_of_them_wait_no_longer_than_one(self, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """A provider that hangs holds a request for REFRESH_TIMEOUT, however many values it brought."""
        world, keeper = build(make_world, [COOKIES], REFRESH_TIMEOUT=1)
        gone = threading.Event()
        monkeypatch.setattr(keeper, "refresh", lambda *_a, **_k: gone.wait(10))
        header = "; ".join(f"{REFRESH}=dead_{number}" for number in range(4))
        began = time.monotonic()
        text = world.app.test_client(use_cookies=False).get("/who", headers={"Cookie": header}).text
        took = time.monotonic() - began
        gone.set()
        settle()
        assert ("nobody: unavailable", True) == (text, took < 3)

    def test_one_that_cannot_be_cleared_is_not_fought_for_ever(self, victim: tuple[World, Keeper]) -> None:
        """Another Path, or a parent beyond reach: a minute after a token has come, nothing is written against it."""
        world, _ = victim
        world.clock.advance(100)
        plant(world, ACCESS, "garbage")
        response = world.get("/who")
        assert ("user_1", []) == (response.text, world.cookies(response))


class TestTheirs:
    """Cookies that a client's JavaScript writes."""

    def test_they_are_read_and_never_written(self, theirs: tuple[World, Keeper]) -> None:
        """Neither while the token is good nor when it was renewed for one request."""
        world, keeper = theirs
        given = keeper.open()
        plant(world, ACCESS, given["access_token"])
        plant(world, REFRESH, given["refresh_token"])
        for seconds in (0, 280, 200):  # good; about to end, which is its owner's business; ended
            world.clock.advance(seconds)
            response = world.get("/who")
            assert ("user_1", []) == (response.text, world.cookies(response))
        assert ["refresh_of_user_1"] == keeper.calls

    def test_beside_what_is_ours_they_are_not_written(self, make_world: MakeWorld) -> None:
        """A response that sets another cookie leaves them alone."""
        world, keeper = build(make_world, [CLIENT], ACCESS_TOKEN_COOKIE="eager")
        given = keeper.open()
        plant(world, ACCESS, given["access_token"])
        plant(world, REFRESH, given["refresh_token"])
        world.clock.advance(400)
        response = world.get("/who", headers={"Accept": "text/html"})
        assert ("user_1", ["eager"]) == (response.text, world.cookies(response))

    def test_an_ended_one_is_renewed_once_for_everybody(self, theirs: tuple[World, Keeper]) -> None:
        """Though no cookie can carry it: the record does."""
        world, keeper = theirs
        given = keeper.open()
        plant(world, ACCESS, given["access_token"])
        plant(world, REFRESH, given["refresh_token"])
        world.clock.advance(400)
        assert ["user_1"] * 4 == [world.get("/who").text for _ in range(4)]
        assert 1 == len(keeper.calls)

    def test_an_ended_one_without_more_is_left_alone(self, theirs: tuple[World, Keeper]) -> None:
        """Reason expired, and nobody is asked."""
        world, keeper = theirs
        plant(world, ACCESS, keeper.token(exp=1))
        response = world.get("/who")
        assert ("nobody: expired", [], []) == (response.text, world.cookies(response), keeper.calls)

    @pytest.mark.parametrize("value", ["garbage", "a.b.c"])
    def test_garbage_is_no_reason_to_ask_anybody(self, theirs: tuple[World, Keeper], value: str) -> None:
        """Not even with a refresh token beside it."""
        world, keeper = theirs
        keeper.open()
        plant(world, REFRESH, "refresh_of_user_1")
        for bad in (value, keeper.token(key=FOREIGN), keeper.token(iss="https://evil.example")):
            plant(world, ACCESS, bad)
            response = world.get("/who")
            assert ("nobody: invalid", [], []) == (response.text, world.cookies(response), keeper.calls)

    def test_a_token_of_a_key_that_is_gone_is_like_an_ended_one(self, theirs: tuple[World, Keeper]) -> None:
        """Who comes back after weeks has one."""
        world, keeper = theirs
        given = keeper.open()
        plant(world, ACCESS, KEY.sign({"sub": "user_1", "iss": ISSUER, "exp": world.clock() - 9}, kid="old"))
        plant(world, REFRESH, given["refresh_token"])
        assert "user_1" == world.get("/who").text

    def test_signing_out_clears_them(self, theirs: tuple[World, Keeper]) -> None:
        """Because the person said so; nothing else does."""
        world, keeper = theirs
        given = keeper.open()
        plant(world, ACCESS, given["access_token"], "Path=/; Secure; Domain=app.example.com")
        plant(world, REFRESH, given["refresh_token"])
        world.get("/sign-out")
        assert (None, None) == (held(world, ACCESS), held(world, REFRESH))

    def test_a_revoked_one_is_refused_and_left_alone(self, make_world: MakeWorld) -> None:
        """Its owner finds out by itself."""
        world, keeper = build(make_world, [CLIENT], CHECK_REVOCATION="always")
        plant(world, ACCESS, keeper.token())
        world.do(lambda: str(world.auth.revoke("session_of_user_1")))
        response = world.get("/who")
        assert ("nobody: revoked", []) == (response.text, world.cookies(response))

    def test_several_of_a_name_are_left_alone(self, theirs: tuple[World, Keeper]) -> None:
        """What is not ours is not tidied."""
        world, keeper = theirs
        plant(world, ACCESS, keeper.token())
        plant(world, ACCESS, "garbage", "Path=/; Secure; Domain=example.com")
        response = world.get("/who")
        assert ("user_1", []) == (response.text, world.cookies(response))

    def test_nobody_can_be_signed_in_to_them(self, theirs: tuple[World, Keeper]) -> None:
        """There is nowhere to keep it."""
        world, keeper = theirs

        def act() -> None:
            with pytest.raises(UsageError, match="belongs to somebody else"):
                world.auth.sign_in(**keeper.open())

        assert [] == world.cookies(world.do(act))

    def test_keys_out_of_reach(self, make_world: MakeWorld) -> None:
        """Nobody can tell, and no refresh token is used up for it."""
        down = JWTVerifier("http://127.0.0.1:9/jwks", issuers=[ISSUER])
        world, keeper = build(make_world, [CLIENT], verifier=down)
        plant(world, ACCESS, keeper.token())
        plant(world, REFRESH, "refresh_of_user_1")
        assert ("nobody: unavailable", []) == (world.get("/who").text, keeper.calls)


class TestHidden:
    """Cookies that JavaScript is kept from."""

    def test_they_are_http_only_below_the_parent_of_the_custom_domain(self, make_world: MakeWorld) -> None:
        """Path and Domain of the options do not count."""
        world, keeper = build(make_world, [replace(HIDDEN, path="/app", domain="app.example.com")])
        same = "Path=/; Domain=example.com; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"
        assert {ACCESS: same, REFRESH: same} == lines(sign_in(world, keeper))

    def test_no_body_has_a_token(self, make_world: MakeWorld) -> None:
        """Where JavaScript may read the cookies it may have the tokens; where it may not, there are none for it."""
        for cookies, expected in ((HIDDEN, None), (COOKIES, {"access_token", "refresh_token"})):
            world, keeper = build(make_world, [cookies])
            sign_in(world, keeper)
            assert expected == client_tokens(world)

    def test_taking_up_a_session(self, make_world: MakeWorld) -> None:
        """Refused beside a hidden one; otherwise written where signing in would write it."""
        world, keeper = build(make_world, [HIDDEN])
        given = keeper.open()
        response = world.do(lambda: world.auth.update_session(**given))
        assert {ACCESS, REFRESH} == set(lines(response))

        def again() -> None:
            with pytest.raises(UsageError) as raised:
                world.auth.update_session(**given)
            assert "session_hidden" == raised.value.code

        assert ([], "user_1") == (world.cookies(world.do(again)), world.get("/who").text)

    def test_taking_up_beside_one_that_is_not_hidden(self, made: tuple[World, Keeper]) -> None:
        """Replaces it."""
        world, keeper = made
        sign_in(world, keeper)
        given = keeper.open("user_2")
        world.do(lambda: world.auth.update_session(**given))
        assert "user_2" == world.get("/who").text

    def test_browsers_sign_in_at_the_custom_domain_alone(self, make_world: MakeWorld) -> None:
        """Where that is enforced: 401 elsewhere. Callers that are no browsers are let in, and siblings read it."""
        world, keeper = build(make_world, [ENFORCED])
        response = sign_in(world, keeper)
        assert (401, []) == (response.status_code, world.cookies(response))
        client = world.app.test_client(use_cookies=False)
        assert 200 == client.get("/do", base_url=ORIGIN).status_code
        assert 401 == client.get("/do", base_url=ORIGIN, headers={"Origin": ORIGIN}).status_code
        there = world.browser.get("https://login.example.com/do")
        assert {ACCESS, REFRESH} == set(lines(there))
        assert "user_1" == world.get("/who").text
        assert "nobody: missing" == world.browser.get("https://example.org/who").text


class TestSetUp:
    """What is refused when the application starts."""

    @pytest.mark.parametrize(
        ("cookies", "code"),
        [
            (TokenCookies(access="__Host-a", domain="example.com"), "prefix_needs_no_domain"),
            (TokenCookies(access="__Host-a", path="/x"), "prefix_needs_root_path"),
            (TokenCookies(access="sealed-session"), "name_taken"),
            (TokenCookies(access="session"), "name_taken"),
            (TokenCookies(access="eager"), "name_taken"),
        ],
    )
    def test_names_that_could_not_be_set(self, make_world: MakeWorld, cookies: TokenCookies, code: str) -> None:
        """A prefix asks for more, or another cookie has the name."""
        with pytest.raises(UsageError) as raised:
            build(make_world, [SealedCookie(), cookies], ACCESS_TOKEN_COOKIE="eager", COOKIE_SECURE=True)
        assert f"[{code}]" in str(raised.value)

    @pytest.mark.parametrize("prefix", ["__Host-", "__Secure-"])
    def test_a_prefix_gives_the_attributes_that_it_asks_for(self, make_world: MakeWorld, prefix: str) -> None:
        """With COOKIE_SECURE = True, which they ask for; on this machine too."""
        world, keeper = build(make_world, [TokenCookies(access=f"{prefix}a", refresh=f"{prefix}b")], COOKIE_SECURE=True)
        given = keeper.open()
        world.act = lambda: world.auth.sign_in(**given)
        domain = "" if prefix == "__Host-" else "Domain=app.example.com; "
        expected = f"Path=/; {domain}Max-Age=34560000; Secure; SameSite=Lax"
        assert expected == lines(world.get("/do"))[f"{prefix}a"]
        assert "Secure" in lines(world.browser.get("https://localhost/do"))[f"{prefix}a"]

    @pytest.mark.parametrize("secure", ["auto", False])
    def test_secure_has_to_be_on_for_such_a_name(self, make_world: MakeWorld, secure: Any) -> None:
        """Always: on this machine browsers would drop it, too."""
        with pytest.raises(UsageError) as raised:
            build(make_world, [TokenCookies(access="__Secure-a")], COOKIE_SECURE=secure)
        assert "[prefix_needs_secure]" in str(raised.value)

    @pytest.mark.parametrize(("reuse", "is_refused"), [(False, False), ("session", True), ("user", True)])
    def test_a_clients_refresh_token_with_reuse_detection(
        self, make_world: MakeWorld, reuse: Any, is_refused: bool
    ) -> None:
        """What we renew, its owner would use a second time."""
        provider = _with({"reuse_detection": reuse})
        if not is_refused:
            build(make_world, [CLIENT], provider=provider)
            return
        with pytest.raises(UsageError) as raised:
            build(make_world, [CLIENT], provider=provider)
        assert "[client_owned_rotation]" in str(raised.value)

    @pytest.mark.parametrize(
        ("cookies", "provider", "code"),
        [
            (replace(COOKIES, http_only="enabled"), {}, "http_only_without_domain"),
            (HIDDEN, {"is_test": True}, "http_only_in_test"),
            (replace(COOKIES, http_only="enforced"), {"custom_domain": "example.com"}, "custom_domain"),
        ],
    )
    def test_hidden_cookies_need_a_custom_domain(
        self, make_world: MakeWorld, cookies: TokenCookies, provider: dict[str, Any], code: str
    ) -> None:
        """Of the cookies or of the provider, and with a parent; a test environment has none."""
        with pytest.raises(UsageError) as raised:
            make_world(
                transports=[cookies],
                verifier=JWTVerifier(keys={"keys": [KEY.jwk()]}, issuers=[ISSUER]),
                provider=_with(provider),
            )
        assert f"[{code}]" in str(raised.value)

    def test_no_eager_token_beside_hidden_cookies(self, make_world: MakeWorld) -> None:
        """It would hand out what they are kept from JavaScript for; beside others it may stand."""
        build(make_world, [COOKIES], ACCESS_TOKEN_COOKIE="eager")
        with pytest.raises(UsageError) as raised:
            build(make_world, [HIDDEN], ACCESS_TOKEN_COOKIE="eager")
        assert "[http_only_eager]" in str(raised.value)

    def test_the_providers_own_custom_domain_is_enough(self, make_world: MakeWorld) -> None:
        """Nobody has to write it twice."""
        world, keeper = build(
            make_world, [replace(COOKIES, http_only="enabled")], provider=_with({"custom_domain": "login.example.com"})
        )
        assert "Domain=example.com" in lines(sign_in(world, keeper))[ACCESS]


def client_tokens(world: World) -> set[str] | None:
    """What a view could put into a body."""
    given: list[Any] = []
    world.do(lambda: given.append(world.auth.client_tokens()))
    return None if given[0] is None else set(given[0])


def _with(attributes: dict[str, Any]) -> Keeper:
    """A provider that says more of itself."""
    keeper = Keeper(Clock())
    for name, value in attributes.items():
        setattr(keeper, name, value)
    return keeper


def session_of(values: dict[str, Any]) -> Session:
    """What a sealed cookie would hold."""
    return Session(**values, user={"id": values["refresh_token"].removeprefix("refresh_of_")})
