"""Signing in at the provider's pages: there, back with a code, and everything that may go wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask, current_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import TestResponse

from flask_ext import Refusal, SealedSession, SignInRefused, login_required, signing_in
from flask_ext.answers import SignInUnavailable
from sealed_session import (
    ProviderUnavailable,
    SealedSessionError,
    SealError,
    SealTooLarge,
    Session,
    StepUpRequired,
    UsageError,
)
from sealed_session.providers import OAuth2
from sealed_session.refresh.coordinator import CoordinatorUnavailable
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.testing import Clock
from sealed_session.verifier import Verdict, Verification
from tests.web.browser import Browser
from tests.web.conftest import ORIGIN, MakeWorld, World
from tests.web.identity import PAGES, Identity
from tests.web.jar import Context

LOGIN, CALLBACK = f"{ORIGIN}/auth/login", f"{ORIGIN}/auth/callback"
LARGE = "".join(sha256(bytes([number])).hexdigest() for number in range(160))
"""What no cookie has room for, however it is compressed."""

FROM_PAGES = Context.link_on(f"{PAGES}/authorize")
"""The provider's page sends the browser on."""


class Place:
    """An application whose provider has pages, and a person before it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.browser, self.clock = world.browser, world.clock
        self.identity = cast(Identity, world.provider)

    def begin(self, next_url: str | None = None, **query: str) -> str:
        """Open the login; return where it leads to."""
        given = {**({} if next_url is None else {"next": next_url}), **query}
        words = "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items())
        response = self.browser.get(f"{LOGIN}?{words}")
        assert 302 == response.status_code, response.text
        return str(response.location)

    def come_back(self, url: str, **options: Any) -> TestResponse:
        """Be sent to an address by the provider's page."""
        return self.browser.get(url, context=FROM_PAGES, **options)

    def sign_in(self, next_url: str | None = None, **query: str) -> TestResponse:
        """All the way to the answer of the callback."""
        return self.come_back(self.identity.approve(self.begin(next_url, **query)))

    @property
    def kept(self) -> list[str]:
        """The values of the cookies of sign-ins in progress."""
        return [cookie.value for cookie in self.browser.jar.cookies() if "-login-" in cookie.name]

    @property
    def who(self) -> str:
        """What the application says who is signed in."""
        return str(self.world.get("/who").text)


MakePlace = Callable[..., Place]


@pytest.fixture
def make_place(make_world: MakeWorld) -> MakePlace:
    """Build an application with these settings, without their prefix."""

    def make(**settings: Any) -> Place:
        clock = Clock()
        identity = Identity(clock)
        world = make_world(provider=identity, clock=clock, **{"AUTH_PREFIX": "/auth", **settings})
        world.provider = identity
        return Place(world)

    return make


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    """An application with its endpoints below /auth."""
    return make_place()


class TestTheWayThere:
    """GET login."""

    @pytest.mark.row("WO-20")
    def test_it_leads_to_the_providers_pages(self, place: Place) -> None:
        """With the callback's own address, and nothing that came with the request."""
        url = place.begin("/private", max_age="5", scope="admin", prompt="none")
        assert url.startswith(f"{PAGES}/authorize?")
        attempt, parameters = place.identity.begun[0]
        assert (CALLBACK, None, {}) == (attempt.redirect_uri, attempt.max_age, parameters)

    def test_its_cookie_is_as_it_must_be(self, place: Place) -> None:
        """Sealed, HttpOnly, Secure, Lax, for ten minutes, and for the whole application, which may begin more."""
        place.begin()
        (cookie,) = place.browser.jar.cookies()
        assert re.fullmatch(r"sealed-session-login-[\w-]{12}", cookie.name)
        line = place.browser.get(LOGIN).headers["Set-Cookie"]
        assert "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax" in line
        for attempt, _ in place.identity.begun:
            assert not any(str(value) in line for value in attempt.to_mapping().values())

    def test_nothing_keeps_it(self, place: Place) -> None:
        """No cache, and no Referer of the pages that follow."""
        for url in (LOGIN, CALLBACK):
            headers = place.browser.get(url).headers
            assert ("no-store", "no-referrer") == (headers["Cache-Control"], headers["Referrer-Policy"])

    @pytest.mark.parametrize(
        ("name", "expected", "path"),
        [
            ("__Host-s", "__Host-s-login-", "/"),
            ("__Secure-s", "__Secure-s-login-", "/"),
            ("s" * 250, f"{'s' * 200}-login-", "/"),
        ],
    )
    def test_its_name_follows_the_sessions(self, make_place: MakePlace, name: str, expected: str, path: str) -> None:
        """With what its prefix promises, and on the path that it asks for."""
        place = make_place(COOKIE_NAME=name, COOKIE_SECURE=True)
        place.sign_in()
        assert [name] == [cookie.name for cookie in place.browser.jar.cookies()]
        place.begin()
        (cookie,) = (cookie for cookie in place.browser.jar.cookies() if cookie.name != name)
        assert (True, path) == (cookie.name.startswith(expected), cookie.path)
        assert "user_1" == place.who

    def test_at_most_five_are_kept(self, place: Place) -> None:
        """The oldest gives way."""
        urls = []
        for _ in range(7):
            place.clock.advance(1)
            urls.append(place.begin())
        assert 5 == len(place.kept)
        assert [400, 400, 302, 302] == [place.come_back(place.identity.approve(url)).status_code for url in urls[:4]]

    def test_they_stay_small_together(self, place: Place) -> None:
        """So that the request of the callback is not refused for its size."""
        for number in range(5):
            place.clock.advance(1)
            place.begin(f"/{number}/{'a' * 900}")
        assert sum(map(len, place.kept)) <= 3584
        assert 2 == len(place.kept)

    def test_what_cannot_come_back_is_cleared(self, place: Place) -> None:
        """Damaged ones, and those whose time is over; a stranger's cookie is not touched."""
        place.begin()
        place.browser.jar.store("sealed-session-login-abcdefghijkl=damaged; Path=/; Secure", LOGIN)
        place.browser.jar.store("other-login-x=1; Path=/; Secure", LOGIN)
        place.clock.advance(599)
        place.begin()
        assert 3 == len(place.kept)
        place.clock.advance(1)
        place.begin()
        assert (3, True) == (len(place.kept), "other-login-x" in place.browser.jar)

    def test_while_the_provider_cannot_be_asked(self, place: Place) -> None:
        """It is 503, and says when to try again: nothing was begun."""
        place.identity.raises["begin_sign_in"] = ProviderUnavailable(retry_after=7)
        response = place.browser.get(LOGIN)
        assert (503, "7", []) == (response.status_code, response.headers["Retry-After"], place.kept)
        assert "Nobody can sign in right now" in response.text
        place.identity.raises["begin_sign_in"] = ProviderUnavailable()
        assert {"error": "unavailable", "reason": "unavailable"} == place.browser.fetch(LOGIN).json

    def test_not_fresh_asks_for_a_new_proof(self, place: Place) -> None:
        """A page with fresh_within sends people here with the reason."""
        app, auth = place.world.app, place.world.auth

        @app.get("/payments")
        @login_required(fresh_within=60)
        def payments() -> str:
            return "payments"

        place.sign_in()
        place.clock.advance(61)
        response = place.world.get("/payments")
        assert "/auth/login?next=/payments&reason=not_fresh" == response.location
        response = place.browser.get(ORIGIN + response.location)
        assert 0 == place.identity.begun[-1][0].max_age
        assert "/payments" == place.come_back(place.identity.approve(response.location)).location
        assert "payments" == place.world.get("/payments").text
        assert auth is not None

    def test_a_view_of_ones_own(self, place: Place) -> None:
        """It says more to the provider, and where to go."""
        act = place.world.do(lambda: place.world.auth.begin_sign_in("/start", max_age=60, organization_id="org_1"))
        attempt, parameters = place.identity.begun[0]
        assert (60, {"organization_id": "org_1"}) == (attempt.max_age, parameters)
        assert "/start" == place.come_back(place.identity.approve(act.location)).location

    def test_without_endpoints_there_is_no_way_back(self, world: World) -> None:
        """The error says what to set."""

        def begin() -> None:
            with pytest.raises(UsageError, match="AUTH_PREFIX") as caught:
                world.auth.begin_sign_in()
            assert "no_sign_in" == caught.value.code

        assert "ok" == world.do(begin).text
        assert 404 == world.get("/auth/login").status_code


class TestTheWayBack:
    """GET callback."""

    @pytest.mark.row("WO-20")
    def test_the_session_is_opened(self, place: Place) -> None:
        """The provider's answer is passed on, the person goes on, and the cookie of the attempt is gone."""
        response = place.sign_in("/private?tab=2")
        assert (302, "/private?tab=2") == (response.status_code, response.location)
        assert ("user_1", []) == (place.who, place.kept)
        assert {"code", "state"} == set(place.identity.given[0])

    def test_without_next_to_the_start(self, place: Place) -> None:
        """There is one of every application."""
        assert "/" == place.sign_in().location

    def test_two_tabs_at_once(self, place: Place) -> None:
        """Both succeed, in either order."""
        first, second = place.begin("/1"), place.begin("/2")
        assert "/2" == place.come_back(place.identity.approve(second)).location
        assert "/1" == place.come_back(place.identity.approve(first)).location
        assert ("user_1", []) == (place.who, place.kept)

    def test_login_view_leads_here_by_itself(self, place: Place) -> None:
        """Where the application names no other, also under REQUIRE_LOGIN."""
        assert "/auth/login?next=/private" == place.world.get("/private").location

    def test_everything_is_open_that_leads_to_signing_in(self, make_place: MakePlace) -> None:
        """REQUIRE_LOGIN does not guard our own endpoints."""
        place = make_place(REQUIRE_LOGIN=True)
        assert 302 == place.sign_in("/private").status_code
        assert "private to user_1" == place.world.get("/private").text
        client = place.world.app.test_client()
        assert [403, 400] == [client.post(f"/auth/{name}").status_code for name in ("logout", "backchannel-logout")]

    def test_a_login_view_of_ones_own_stays(self, make_place: MakePlace) -> None:
        """Ours is only the default."""
        place = make_place(LOGIN_VIEW="/welcome")
        assert "/welcome?next=%2Fprivate" == place.world.get("/private").location

    def test_with_a_strict_session(self, make_place: MakePlace) -> None:
        """The attempt's cookie is Lax all the same, and a page of ours lets the browser come from us."""
        place = make_place(COOKIE_SAMESITE="Strict")
        response = place.sign_in('/private?a="&b=<i>')
        assert (200, "text/html") == (response.status_code, response.mimetype)
        assert 'content="0;url=/private?a=&quot;&amp;b=&lt;i&gt;"' in response.text
        onward = place.browser.get(f"{ORIGIN}/private", context=Context.link_on(CALLBACK))
        assert "private to user_1" == onward.text

    @pytest.mark.parametrize("same_site", ["Lax", "None"])
    def test_without_that_the_redirect_suffices(self, make_place: MakePlace, same_site: str) -> None:
        """The cookie comes along on the way from the provider."""
        place = make_place(COOKIE_SAMESITE=same_site, COOKIE_SECURE=True)
        url = place.identity.approve(place.begin("/private"))
        assert "private to user_1" == place.come_back(url, follow=True).text

    def test_a_strict_session_would_be_left_behind_by_a_redirect(self, make_place: MakePlace) -> None:
        """Which is what the page is for: by a redirect from the provider's site the cookie does not come along."""
        place = make_place(COOKIE_SAMESITE="Strict")
        place.sign_in()
        assert 302 == place.browser.get(f"{ORIGIN}/private", context=FROM_PAGES).status_code

    def test_behind_a_prefix(self, make_place: MakePlace) -> None:
        """Callback, path and way back have it."""
        place = make_place()
        place.world.app.wsgi_app = ProxyFix(place.world.app.wsgi_app, x_prefix=1)  # type: ignore[method-assign]
        headers = {"X-Forwarded-Prefix": "/shop"}
        response = place.browser.get(f"{LOGIN}?next=/shop/private", headers=headers)
        assert f"{ORIGIN}/shop/auth/callback" == place.identity.begun[0][0].redirect_uri
        assert "; Path=/;" in response.headers["Set-Cookie"]
        response = place.browser.get(f"{LOGIN}?next=/private", headers=headers)
        back = place.identity.approve(response.location)
        cookie = response.headers["Set-Cookie"].partition(";")[0]
        client = place.world.app.test_client(use_cookies=False)
        answer = client.get(back.replace("/shop", ""), headers={**headers, "Cookie": cookie}, base_url=ORIGIN)
        assert "/shop/" == answer.location

    def test_at_the_root(self, make_place: MakePlace) -> None:
        """A prefix of one slash is none."""
        place = make_place(AUTH_PREFIX="/")
        response = place.browser.get(f"{ORIGIN}/login")
        assert f"{ORIGIN}/callback" == place.identity.begun[0][0].redirect_uri
        assert "; Path=/;" in response.headers["Set-Cookie"]

    def test_a_registered_address(self, make_place: MakePlace, caplog: pytest.LogCaptureFixture) -> None:
        """Is what the provider is told, and where it differs from the application's own, that is said once."""
        place = make_place(REDIRECT_URI=CALLBACK)
        place.sign_in()
        assert ("user_1", []) == (place.who, caplog.records)
        other = Browser(place.world.app, place.clock)
        for _ in range(2):
            response = other.get("https://www.example.com/auth/login")
        answer = place.come_back(place.identity.approve(response.location))
        assert 302 == answer.status_code  # as somebody who is signed in there already
        assert 1 == len([record for record in caplog.records if "REDIRECT_URI" in record.getMessage()])

    def test_over_another_session(self, place: Place) -> None:
        """The former one ends, on record and at the provider."""
        place.sign_in()
        former = place.browser.jar.get("sealed-session").value
        place.identity.person = {"id": "user_2"}
        place.sign_in()
        assert place.identity.was_revoked.wait(5)
        assert ("user_2", 1) == (place.who, len(place.identity.revoked))
        place.browser.jar.store(f"sealed-session={former}; Path=/; Secure", LOGIN)
        place.clock.advance(400)
        assert "nobody: revoked" == place.who

    def test_again_in_the_same_session(self, place: Place) -> None:
        """Where the provider goes on with one session nothing ends: it would be the new tokens."""
        place.identity.claims = {"sid": "session_1"}
        place.sign_in()
        place.sign_in()
        place.clock.advance(400)
        assert ("user_1", []) == (place.who, place.identity.revoked)


HOSTILE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "http://app.example.com@evil.example/",
    "//app.example.com@evil.example",
    "https://app.example.com.evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/\x00/evil.example",
    "/x\r\nSet-Cookie: a=b",
    "javascript:alert(1)",
    "data:text/html,hello",
    "evil.example",
    "./evil",
    "?next=//evil.example",
    "#//evil.example",
    "",
    "/" + "a" * 3000,
    "／／evil.example",
    "∕∕evil.example",
    "/\x7f/evil.example",
]
"""What never may come out as it went in."""

HARMLESS = ["/%2f..", "/%5cevil.example", "/%09/evil.example", "/..//evil.example", "/∕evil.example", "/@evil.example"]
"""What a browser takes for a path of the host that it is on."""


class TestWhereItLeads:
    """An open redirect is impossible."""

    @pytest.mark.parametrize("target", HOSTILE)
    def test_hostile_values(self, place: Place, target: str) -> None:
        """They lead to the start."""
        assert "/" == place.sign_in(target).location

    @pytest.mark.parametrize("target", HOSTILE)
    def test_hostile_values_of_a_view(self, place: Place, target: str) -> None:
        """Which may have passed on what a request brought."""
        page = place.world.do(lambda: place.world.auth.begin_sign_in(target)).location
        assert "/" == place.come_back(place.identity.approve(page)).location

    @pytest.mark.parametrize("target", HARMLESS)
    def test_strange_paths(self, place: Place, target: str) -> None:
        """They stay on the host."""
        location = place.sign_in(target).location
        assert location.startswith("/")
        assert not location.startswith("//")
        assert ("", "") == urlsplit(location)[:2]

    def test_the_callbacks_own_next_means_nothing(self, place: Place) -> None:
        """Only what was sealed counts."""
        url = place.identity.approve(place.begin("/private"), next="/public", return_to="//evil.example")
        assert "/private" == place.come_back(url).location

    def test_a_path_that_is_too_long_for_a_cookie(self, place: Place) -> None:
        """It leads to the start; the sign-in succeeds."""
        longest = "/" + "a" * 1023
        assert [longest, "/"] == [place.sign_in(target).location for target in (longest, longest + "a")]

    @pytest.mark.parametrize("character", ["é", "日", "😀"])
    def test_in_other_scripts_the_bytes_count(self, place: Place, character: str) -> None:
        """Or browsers would drop the cookie, and nobody could sign in from there."""
        many = 1023 // len(character.encode())
        for count, is_kept in ((many, True), (many + 1, False), (1000, False)):
            location = place.sign_in("/" + character * count).location
            assert ("/" + quote(character) * count if is_kept else "/") == location


def said(response: TestResponse) -> dict[str, Any]:
    """The JSON of an answer."""
    return cast(dict[str, Any], response.json)


class TestWhatGoesWrong:
    """Nothing is opened, and what there was is as it was."""

    def refused(self, place: Place, url: str, **options: Any) -> str:
        """The reason of an answer with 400, as JSON."""
        response = place.come_back(url, headers={"Accept": "application/json"}, **options)
        assert (400, "sign_in_failed") == (response.status_code, said(response)["error"]), response.text
        return str(said(response)["reason"])

    def test_a_code_is_good_once(self, place: Place) -> None:
        """Whoever loads the callback again is signed in by now, and goes on; the provider is not asked again."""
        url = place.identity.approve(place.begin("/private"))
        place.come_back(url)
        response = place.come_back(url)
        assert (302, "/", 1) == (response.status_code, response.location, len(place.identity.given))

    def test_it_is_refused_to_another_browser(self, place: Place) -> None:
        """Who has not begun it there: a foreign state signs nobody in, as in a login that somebody plants."""
        url = place.identity.approve(place.begin())
        place.browser = Browser(place.world.app, place.clock)
        assert "state_unknown" == self.refused(place, url)
        assert ([], []) == (place.identity.given, place.browser.jar.cookies())

    def test_it_is_refused_on_another_host(self, place: Place) -> None:
        """The cookie of the attempt is the host's on which it began."""
        url = place.identity.approve(place.begin()).replace("//app.", "//www.")
        assert ("state_unknown", 1) == (self.refused(place, url), len(place.kept))

    def test_a_used_state_signs_nobody_in(self, place: Place) -> None:
        """Signed out meanwhile, the same address is refused."""
        url = place.identity.approve(place.begin())
        place.come_back(url)
        place.world.get("/sign-out")
        assert "state_unknown" == self.refused(place, url)

    @pytest.mark.parametrize(
        "query",
        ["", "?code=c", "?state=", "?state=unknown&code=c", "?state=%ED%A0%80%FF&code=c", "?error=access_denied"],
    )
    def test_missing_and_unknown_states(self, place: Place, query: str) -> None:
        """Refused before the provider is asked."""
        place.begin()
        assert self.refused(place, CALLBACK + query) in ("bad_answer", "state_unknown")
        assert ([], 1) == (place.identity.given, len(place.kept))

    @pytest.mark.parametrize("name", ["state", "code", "other"])
    def test_an_argument_that_comes_twice(self, place: Place, name: str) -> None:
        """Two readers could take it for two things."""
        url = place.identity.approve(place.begin(), other="1")
        value = parse_qs(urlsplit(url).query)[name][0]
        assert "bad_answer" == self.refused(place, f"{url}&{name}={value}")
        assert [] == place.identity.given

    def test_it_took_too_long(self, place: Place) -> None:
        """Ten minutes, looked at inside the seal; its cookie is cleared."""
        url = place.identity.approve(place.begin())
        (cookie,) = place.browser.jar.cookies()
        place.clock.advance(599)
        place.browser.jar.store(f"{cookie.name}={cookie.value}; Path=/; Secure; Max-Age=9999", LOGIN)
        place.clock.advance(1)
        assert ("sign_in_expired", []) == (self.refused(place, url), place.kept)

    def test_a_cookie_that_does_not_open(self, place: Place) -> None:
        """It is as none, and cleared."""
        url = place.identity.approve(place.begin())
        (cookie,) = place.browser.jar.cookies()
        place.browser.jar.store(f"{cookie.name}={cookie.value[:-4]}AAAA; Path=/; Secure", LOGIN)
        assert ("state_unknown", []) == (self.refused(place, url), place.kept)

    def test_another_sign_ins_cookie_does_not_open(self, place: Place) -> None:
        """A value is bound to its name, and that to its state."""
        first, second = place.begin(), place.begin()
        one, two = (cookie for cookie in place.browser.jar.cookies())
        place.browser.jar.store(f"{one.name}={two.value}; Path=/; Secure", LOGIN)
        place.browser.jar.store(f"{two.name}={one.value}; Path=/; Secure", LOGIN)
        for url in (first, second):
            assert "state_unknown" == self.refused(place, place.identity.approve(url))

    def test_the_session_cookie_is_no_state(self, place: Place) -> None:
        """Nor a state a session: they are sealed for two purposes."""
        place.begin()
        (state,) = place.browser.jar.cookies()
        place.browser.jar.store(f"sealed-session={state.value}; Path=/; Secure", LOGIN)
        assert "nobody: unreadable" == place.who

    @pytest.mark.parametrize("error", ["access_denied", "server_error", "made_up"])
    def test_the_providers_error(self, place: Place, error: str) -> None:
        """Its code is told; the sign-in is over."""
        url = place.identity.refuse(place.begin(), error)
        assert ("access_denied", []) == (self.refused(place, url), place.kept)

    def test_a_code_that_was_used(self, place: Place) -> None:
        """By whoever saw the address: the provider refuses it."""
        url = place.identity.approve(place.begin()).replace("code=", "code=x")
        assert ("code_refused", []) == (self.refused(place, url), place.kept)

    def test_nothing_is_lost_of_the_session_there_is(self, place: Place) -> None:
        """After every failure the person is who they were."""
        place.sign_in()
        for url in (
            place.identity.refuse(place.begin()),
            f"{CALLBACK}?error=x",
            place.identity.approve(place.begin()).replace("code=", "code=x"),
        ):
            assert 400 == place.come_back(url).status_code
            assert "user_1" == place.who
        assert [] == place.identity.revoked

    def test_while_the_provider_cannot_be_asked(self, place: Place) -> None:
        """503, and loading the page again may succeed: the cookie stays."""
        url = place.identity.approve(place.begin("/private"))
        place.identity.raises["finish_sign_in"] = ProviderUnavailable(retry_after=3)
        response = place.come_back(url)
        assert (503, "3", 1) == (response.status_code, response.headers["Retry-After"], len(place.kept))
        assert "/private" == place.come_back(url).location

    def test_an_error_that_is_nobodys_plan(self, place: Place) -> None:
        """It is an error of the application, as in every view."""
        url = place.identity.approve(place.begin())
        place.identity.raises["finish_sign_in"] = UsageError("A missing key.", code="provider_missing")
        assert 500 == place.come_back(url).status_code

    def test_a_token_that_does_not_verify(self, make_place: MakePlace) -> None:
        """Opens nothing."""
        place = make_place(verifier=Nobody())
        url = place.identity.approve(place.begin())
        assert (500, "nobody: missing", []) == (place.come_back(url).status_code, place.who, place.kept)

    @pytest.mark.parametrize(
        ("url", "text"),
        [
            (CALLBACK, "Signing in did not succeed"),
            (f"{CALLBACK}?state=x", "This sign-in is not open any more"),
        ],
    )
    def test_people_see_a_page(self, place: Place, url: str, text: str) -> None:
        """Which applications may have of their own."""
        response = place.come_back(url)
        assert (400, "text/html") == (response.status_code, response.mimetype)
        assert text in response.text

    def test_the_applications_own_page(self, place: Place) -> None:
        """It knows why, and where to begin again."""

        @place.world.app.errorhandler(SignInRefused)
        def again(error: SignInRefused) -> tuple[str, int]:
            return f"{error.reason} {error.login_url}", 400

        assert "bad_answer /auth/login" == place.come_back(CALLBACK).text

    def test_no_code_in_the_log(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        """Nor a state: only why it came to nothing."""
        caplog.set_level("DEBUG")
        url = place.identity.refuse(place.begin()) + "&code=secret-code"
        place.come_back(url)
        text = "\n".join(record.getMessage() for record in caplog.records if record.name == "sealed_session")
        assert "a sign-in came to nothing: access_denied (access_denied)" in text
        assert "secret-code" not in text
        assert place.identity.begun[0][0].state not in text


class Nobody:
    """A verifier that trusts nobody, or cannot know."""

    def __init__(self, verdict: Verdict = Verdict.INVALID, code: str = "bad_signature") -> None:
        self.verdict, self.code = verdict, code

    def verify(self, access_token: str, *, subject: str | None = None) -> Any:
        """Refuse."""
        return Verification(self.verdict, self.code)


class TestWhatCannotBeOpened:
    """The code was good, and the session is not to be had: its tokens do not stay alive, and people are told."""

    @pytest.mark.parametrize(
        ("person", "kept"),
        [
            ({"id": "user_1", "name": LARGE}, {"id": "user_1"}),
            ({"id": "user_1", "email": LARGE}, None),
        ],
    )
    def test_too_much_of_a_person(
        self, place: Place, person: dict[str, Any], kept: dict[str, Any] | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        """People choose their names: they are signed in with less of them."""
        place.identity.person = person
        assert (302, []) == (place.sign_in("/private").status_code, place.identity.revoked)
        assert repr(kept) == place.world.do(lambda: repr(signed_in(place).user)).text
        assert "it is opened with less of its user" in caplog.text
        assert LARGE[:20] not in caplog.text

    def test_tokens_that_are_too_large(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        """Are the operator's business: a page for the person, an error with sizes in the log, and no live tokens."""
        place.identity.claims = {"groups": LARGE}
        response = place.sign_in()
        assert (400, "text/html", "nobody: missing") == (response.status_code, response.mimetype, place.who)
        assert place.identity.was_revoked.wait(5)
        assert (1, []) == (len(place.identity.revoked), place.kept)
        assert "somebody cannot sign in" in caplog.text
        assert LARGE[:20] not in caplog.text

    @pytest.mark.parametrize(
        ("kind", "told"),
        [
            (SealTooLarge, "SealTooLarge"),
            (SealError, "SealTooLarge"),
            (SealedSessionError, "SealTooLarge"),
            (Exception, "SignInRefused"),
        ],
    )
    def test_the_applications_own_page_for_it(self, place: Place, kind: type[Exception], told: str) -> None:
        """Goes before ours, and may show the sizes; a page for whatever happens is told what every sign-in is."""
        place.world.app.register_error_handler(kind, lambda error: (type(error).__name__, 507))
        place.identity.claims = {"groups": LARGE}
        response = place.sign_in()
        assert (507, told) == (response.status_code, response.text)
        assert place.identity.was_revoked.wait(5)

    @pytest.mark.parametrize(
        ("verifier", "status"),
        [(Nobody(), 500), (Nobody(Verdict.UNAVAILABLE, "keys_unavailable"), 503)],
    )
    def test_tokens_that_do_not_verify(self, make_place: MakePlace, verifier: Nobody, status: int) -> None:
        """Wrong for ever, or for now: the attempt is over, and so are they."""
        place = make_place(verifier=verifier)
        response = place.sign_in()
        assert (status, "nobody: missing", []) == (response.status_code, place.who, place.kept)
        assert (status == 503) == ("Retry-After" in response.headers)
        assert place.identity.was_revoked.wait(5)

    @pytest.mark.parametrize(("sid", "is_ended"), [("session_1", False), ("session_2", True)])
    def test_the_session_there_is_stays(self, place: Place, sid: str, is_ended: bool) -> None:
        """Where the provider goes on with one session nothing ends: that would be the living one."""
        place.identity.claims = {"sid": "session_1"}
        place.sign_in()
        place.identity.claims = {"sid": sid, "groups": LARGE}
        assert 400 == place.sign_in().status_code
        assert is_ended == place.identity.was_revoked.wait(5 if is_ended else 0.05)
        assert "user_1" == place.who

    def test_no_thread_is_to_be_had(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Then that is said; the answer is the same."""

        def fail(**_: Any) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(signing_in, "threading", SimpleNamespace(Thread=fail))
        place.identity.claims = {"groups": LARGE}
        assert (400, []) == (place.sign_in().status_code, place.identity.revoked)
        assert "could not be ended at the provider" in caplog.text


def signed_in(place: Place) -> Session:
    """The whole session of the current request."""
    session = place.world.auth.session
    assert session is not None
    return session


PAYLOAD = {"code": "organization_selection_required", "organizations": [{"id": "org_1"}]}


class TestStepUp:
    """The provider asks for more before it lets somebody in."""

    def test_the_handler_is_given_the_payload(self, place: Place) -> None:
        """And the page that the person wanted, so that it can go on from there."""

        @place.world.auth.unauthorized_handler
        def more(refusal: Refusal) -> Any:
            organization = refusal.payload["organizations"][0]["id"]
            return place.world.auth.begin_sign_in(refusal.way_back, organization_id=organization)

        url = place.identity.approve(place.begin("/private"))
        place.identity.raises["finish_sign_in"] = StepUpRequired(PAYLOAD)
        response = place.come_back(url)
        assert {"organization_id": "org_1"} == place.identity.begun[-1][1]
        assert "/private" == place.come_back(place.identity.approve(response.location)).location

    def test_without_a_handler(self, place: Place) -> None:
        """It is 401, and no redirect that would lead here again."""
        for accept, expected in (
            ("text/html", None),
            ("application/json", {"error": "login_required", "reason": "step_up"}),
        ):
            url = place.identity.approve(place.begin())
            place.identity.raises["finish_sign_in"] = StepUpRequired(PAYLOAD)
            response = place.come_back(url, headers={"Accept": accept})
            assert (401, expected, []) == (response.status_code, response.json if expected else None, place.kept)

    def test_a_handler_may_leave_it(self, place: Place) -> None:
        """By returning None."""
        place.world.auth.unauthorized_handler(lambda _refusal: None)
        url = place.identity.approve(place.begin())
        place.identity.raises["finish_sign_in"] = StepUpRequired(PAYLOAD)
        assert 401 == place.come_back(url).status_code


class Away(MemoryCoordinator):
    """A coordinator that is out of reach."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def read(self, key: bytes) -> Any:
        """Fail."""
        raise self.error


class TestCookiesOfAttempts:
    """Whatever a browser brings along, people can sign in; whatever they begin, there are few."""

    def asked(self, place: Place, names: list[str]) -> TestResponse:
        """Open the login with cookies of these names."""
        client = place.world.app.test_client(use_cookies=False)
        cookie = "; ".join(f"{name}=1" for name in names)
        return client.get("/auth/login", base_url=ORIGIN, headers={"Cookie": cookie})

    @pytest.mark.parametrize(
        "name", ["(x)", "é" * 12, "a/b", "x" * 300, "x" * 11, "x" * 13, "abcdefghijk(", "abcdefghijk\x01", ""]
    )
    def test_a_name_that_is_none_of_ours(self, place: Place, name: str) -> None:
        """Sibling hosts can plant it, for a year. It is left alone: nobody may be kept out by it."""
        response = self.asked(place, [f"sealed-session-login-{name}"])
        assert (302, 1) == (response.status_code, len(response.headers.getlist("Set-Cookie")))

    def test_a_name_that_is_nearly_ours(self, make_place: MakePlace) -> None:
        """What stands in a name stands for itself."""
        response = self.asked(make_place(COOKIE_NAME="my.session"), ["my-session-login-abcdefghijkl"])
        assert (302, 1) == (response.status_code, len(response.headers.getlist("Set-Cookie")))

    def test_hundreds_of_them(self, place: Place) -> None:
        """Are cleared a few at a time, for proxies bound the head of a response."""
        response = self.asked(place, [f"sealed-session-login-{number:012}" for number in range(300)])
        cleared = [line for line in response.headers.getlist("Set-Cookie") if "Max-Age=0" in line]
        assert (302, 20) == (response.status_code, len({line.partition("=")[0] for line in cleared}))
        assert len("".join(response.headers.getlist("Set-Cookie"))) < 4096

    def test_those_that_began_in_a_view_of_ones_own(self, place: Place) -> None:
        """Count like all others: they come along to every page that may begin one."""
        for _ in range(40):
            place.clock.advance(1)
            place.world.do(lambda: place.world.auth.begin_sign_in("/"))
        assert 5 == len(place.kept)
        assert sum(map(len, place.kept)) <= 3584

    @pytest.mark.parametrize(
        ("session", "prefix", "path"), [("/app", "/app/auth", "/app"), ("/app", "/auth", "/"), ("/app", "/apple", "/")]
    )
    def test_their_path(self, make_place: MakePlace, session: str, prefix: str, path: str) -> None:
        """The session's, so that two applications of one host do not count each other's; if the callback is there."""
        place = make_place(COOKIE_PATH=session, AUTH_PREFIX=prefix)
        response = place.browser.get(f"{ORIGIN}{prefix}/login")
        assert f"; Path={path};" in response.headers["Set-Cookie"]
        assert 302 == place.come_back(place.identity.approve(response.location)).status_code
        assert [] == place.kept

    def test_they_are_no_session(self, make_place: MakePlace) -> None:
        """Nothing of the session's cookie but their own is set and cleared; a frame's partition is not theirs."""
        place = make_place(
            COOKIE_PREVIOUS_NAMES=["old"], COOKIE_PARTITIONED=True, COOKIE_SAMESITE="None", COOKIE_SECURE=True
        )
        response = place.browser.get(LOGIN)
        assert "Partitioned" not in response.headers["Set-Cookie"]
        response = place.come_back(place.identity.refuse(response.location))
        names = {line.partition("=")[0] for line in response.headers.getlist("Set-Cookie")}
        assert (400, True) == (response.status_code, all("-login-" in name for name in names))

    def test_signing_out_ends_them(self, place: Place) -> None:
        """None that is under way, in another tab, signs the person in again."""
        place.sign_in()
        urls = [place.begin(), place.begin()]
        place.world.get("/sign-out")
        assert [] == place.kept
        assert [400, 400] == [place.come_back(place.identity.approve(url)).status_code for url in urls]
        assert "nobody: missing" == place.who

    @pytest.mark.parametrize("gone", [None, CoordinatorUnavailable("test"), ZeroDivisionError("test")])
    def test_one_that_is_replayed(
        self, make_place: MakePlace, gone: Exception | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With code after code: the provider is asked once, also while the coordinator is away."""
        place = make_place(coordinator=None if gone is None else Away(gone))
        url = place.identity.approve(place.begin())
        (cookie,) = place.browser.jar.cookies()
        client = place.world.app.test_client(use_cookies=False)
        for number in range(5):
            made_up = url.replace("code=", f"code={number}")
            headers = {"Cookie": f"{cookie.name}={cookie.value}"}
            assert 400 == client.get(made_up, base_url=ORIGIN, headers=headers).status_code
        assert 1 == len(place.identity.given)
        mistakes = [record for record in caplog.records if "could not be put on record" in record.getMessage()]
        assert isinstance(gone, ZeroDivisionError) == bool(mistakes)

    def test_how_often_a_page_may_be_loaded_again(self, place: Place) -> None:
        """While the provider is away: twice."""
        url = place.identity.approve(place.begin())
        statuses = []
        for _ in range(5):
            place.identity.raises["finish_sign_in"] = ProviderUnavailable()
            statuses.append(place.come_back(url).status_code)
        assert [503, 503, 503, 400, 400] == statuses
        assert 3 == len(place.identity.given)

    def test_twice_at_the_same_time(self, place: Place) -> None:
        """A double click: the code is sent once, or a strict provider would end what the first was given."""
        url = place.identity.approve(place.begin("/private"))
        (cookie,) = place.browser.jar.cookies()
        second: list[int] = []
        finish = place.identity.finish_sign_in

        def meanwhile(*given: Any) -> Session:
            headers = {"Cookie": f"{cookie.name}={cookie.value}"}
            client = current_app.test_client(use_cookies=False)
            second.append(client.get(url, base_url=ORIGIN, headers=headers).status_code)
            return finish(*given)

        place.identity.finish_sign_in = meanwhile  # type: ignore[method-assign, assignment]
        assert ("/private", [400], 1) == (place.come_back(url).location, second, len(place.identity.given))
        assert "user_1" == place.who


class Evil(Identity):
    """Another issuer."""

    identity = "https://evil.example client_1"


class TestTwoApplicationsOfOneHost:
    """With one password and one name: neither is shown what the other one has begun."""

    @pytest.mark.parametrize("other", [Evil, Identity])
    def test_a_callback_of_the_other_one(
        self, make_world: MakeWorld, other: type[Identity], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Its provider would be given a code that is not for him, and the verifier with it."""
        clock, providers = Clock(), [Identity(), other()]
        settings: dict[str, Any] = {"AUTH_PREFIX": "/auth", "COOKIE_NAME": "__Host-s", "COOKIE_SECURE": True}
        one, two = (make_world(provider=provider, clock=clock, **settings).app for provider in providers)
        browser = Browser(DispatcherMiddleware(Flask("root"), {"/one": one, "/two": two}), clock)
        page = browser.get(f"{ORIGIN}/one/auth/login").location
        response = browser.get(providers[0].approve(page).replace("/one/", "/two/"), context=FROM_PAGES)
        assert (400, []) == (response.status_code, providers[1].given)
        assert "not open any more" in response.text
        page = browser.get(f"{ORIGIN}/one/auth/login?next=/one/x").location
        assert "/one/x" == browser.get(providers[0].approve(page), context=FROM_PAGES).location


class TestWhoAsks:
    """What is no person before a page begins nothing, and finishes nothing."""

    def test_heads_alone(self, place: Place) -> None:
        """Link checkers ask for them: no attempt is begun, no code is used."""
        url = place.identity.approve(place.begin("/private"))
        for address in (LOGIN, url):
            response = place.browser.request("HEAD", address)
            assert (405, "GET") == (response.status_code, response.headers["Allow"])
        assert (1, 1, []) == (len(place.kept), len(place.identity.begun), place.identity.given)
        assert "/private" == place.come_back(url).location

    def test_pages_that_are_fetched_ahead(self, place: Place) -> None:
        """The browser asks again when somebody goes there."""
        url = place.identity.approve(place.begin("/private"))
        for address in (LOGIN, url):
            response = place.browser.get(address, headers={"Sec-Purpose": "prefetch;prerender"})
            assert (503, "no-store") == (response.status_code, response.headers["Cache-Control"])
        assert (1, 1, []) == (len(place.kept), len(place.identity.begun), place.identity.given)

    @pytest.mark.parametrize("host", ["a b", 'a"b'])
    def test_a_host_that_is_none(self, place: Place, host: str) -> None:
        """It is the request that is wrong, not the application."""
        client = place.world.app.test_client()
        assert 400 == client.get("/auth/login", environ_overrides={"HTTP_HOST": host}).status_code

    def test_an_address_of_ours_that_is_none(self, make_place: MakePlace) -> None:
        """It is the application that is wrong."""
        place = make_place(REDIRECT_URI=CALLBACK)
        place.identity.raises["begin_sign_in"] = UsageError("test", code="redirect_uri")
        assert 500 == place.browser.get(LOGIN).status_code

    def test_a_host_that_is_not_the_servers_name(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        """The provider sends people to SERVER_NAME, where their cookie is not: that is said once."""
        place.world.app.config["SERVER_NAME"] = "example.com"
        for _ in range(2):
            place.browser.get("https://www.example.com/auth/login")
        assert "https://example.com/auth/callback" == place.identity.begun[0][0].redirect_uri
        assert 1 == len([record for record in caplog.records if "SERVER_NAME" in record.getMessage()])


class TestWithoutAProof:
    """A provider that does not say when a person has proved who they are."""

    def test_it_is_told_as_such(self, make_world: MakeWorld, caplog: pytest.LogCaptureFixture) -> None:
        """Everybody may write the address: it is no error of the application; every other sign-in goes on."""
        provider = OAuth2(
            client_id="shop",
            client_secret="test-secret",
            token_endpoint="https://id.example.net/token",
            authorization_endpoint="https://id.example.net/authorize",
        )
        world = make_world(provider=provider, AUTH_PREFIX="/auth")
        response = world.browser.fetch(f"{LOGIN}?reason=not_fresh")
        assert (400, "not_fresh_enough") == (response.status_code, said(response)["reason"])
        assert "a fresh proof of who you are" in world.browser.get(f"{LOGIN}?reason=not_fresh").text
        assert 1 == len([record for record in caplog.records if "fresh_within" in record.getMessage()])
        assert 302 == world.browser.get(LOGIN).status_code

    @pytest.mark.parametrize(("query", "code"), [("", "no_auth_time"), ("?reason=not_fresh", "provider_option")])
    def test_other_mistakes_stay_errors(self, place: Place, query: str, code: str) -> None:
        """Those of the operator."""
        place.identity.raises["begin_sign_in"] = UsageError("test", code=code)
        assert 500 == place.browser.get(LOGIN + query).status_code


class TestAViewOfOnesOwn:
    """auth.begin_sign_in while the provider's pages cannot be told."""

    def begin(self, place: Place) -> Any:
        """Send somebody there, in vain."""
        place.identity.raises["begin_sign_in"] = ProviderUnavailable(retry_after=7)
        return place.world.auth.begin_sign_in()

    def test_it_is_answered_as_our_login_is(self, place: Place) -> None:
        """503, and when to try again, for people and for scripts."""
        response = place.world.do(lambda: self.begin(place))
        assert (503, "7") == (response.status_code, response.headers["Retry-After"])
        assert "Nobody can sign in right now" in response.text
        answer = place.browser.fetch(f"{ORIGIN}/do")
        assert (503, {"error": "unavailable", "reason": "unavailable"}) == (answer.status_code, answer.json)

    def test_also_of_a_handler(self, place: Place) -> None:
        """Which is asked for whoever is not signed in."""
        place.world.auth.unauthorized_handler(lambda _refusal: self.begin(place))
        assert 503 == place.world.get("/private").status_code

    def test_the_applications_own_answer_counts(self, place: Place) -> None:
        """It knows what the provider said."""

        @place.world.app.errorhandler(SignInUnavailable)
        def away(error: SignInUnavailable) -> tuple[str, int]:
            return f"back in {error.retry_after}", 503

        assert "back in 7" == place.world.do(lambda: self.begin(place)).text

    def test_also_one_that_was_there_before(self, password: str) -> None:
        """An application may bring its handlers along when it is set up."""
        app, identity = Flask("shop"), Identity()
        app.register_error_handler(SignInUnavailable, lambda error: (f"back in {error.retry_after}", 503))
        app.config.update(SEALED_SESSION_PASSWORD=password, SEALED_SESSION_AUTH_PREFIX="/auth")
        app.config["SEALED_SESSION_COORDINATOR_URL"] = "memory:"
        auth = SealedSession(identity)
        auth.init_app(app)
        app.add_url_rule("/", view_func=lambda: auth.begin_sign_in())
        identity.raises["begin_sign_in"] = ProviderUnavailable(retry_after=7)
        assert "back in 7" == app.test_client().get("/").text
