"""Signing in at the provider's pages: there, back with a code, and everything that may go wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import TestResponse

from flask_ext import Refusal, SignInRefused, login_required
from sealed_session import ProviderUnavailable, StepUpRequired, UsageError
from sealed_session.testing import Clock
from sealed_session.verifier import Verdict, Verification
from tests.web.browser import Browser
from tests.web.conftest import ORIGIN, MakeWorld, World
from tests.web.identity import PAGES, Identity
from tests.web.jar import Context

LOGIN, CALLBACK = f"{ORIGIN}/auth/login", f"{ORIGIN}/auth/callback"
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
        """Sealed, HttpOnly, Secure, Lax, for ten minutes, and for our endpoints alone."""
        place.begin()
        (cookie,) = place.browser.jar.cookies()
        assert re.fullmatch(r"sealed-session-login-[\w-]{12}", cookie.name)
        line = place.browser.get(LOGIN).headers["Set-Cookie"]
        assert "; Path=/auth; Max-Age=600; HttpOnly; Secure; SameSite=Lax" in line
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
            ("__Secure-s", "__Secure-s-login-", "/auth"),
            ("s" * 250, f"{'s' * 200}-login-", "/auth"),
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
        place.browser.jar.store("sealed-session-login-x=damaged; Path=/auth; Secure", LOGIN)
        place.browser.jar.store("other-login-x=1; Path=/auth; Secure", LOGIN)
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
        assert "; Path=/shop/auth;" in response.headers["Set-Cookie"]
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
        place.browser.jar.store(f"{cookie.name}={cookie.value}; Path=/auth; Secure; Max-Age=9999", LOGIN)
        place.clock.advance(1)
        assert ("sign_in_expired", []) == (self.refused(place, url), place.kept)

    def test_a_cookie_that_does_not_open(self, place: Place) -> None:
        """It is as none, and cleared."""
        url = place.identity.approve(place.begin())
        (cookie,) = place.browser.jar.cookies()
        place.browser.jar.store(f"{cookie.name}={cookie.value[:-4]}AAAA; Path=/auth; Secure", LOGIN)
        assert ("state_unknown", []) == (self.refused(place, url), place.kept)

    def test_another_sign_ins_cookie_does_not_open(self, place: Place) -> None:
        """A value is bound to its name, and that to its state."""
        first, second = place.begin(), place.begin()
        one, two = (cookie for cookie in place.browser.jar.cookies())
        place.browser.jar.store(f"{one.name}={two.value}; Path=/auth; Secure", LOGIN)
        place.browser.jar.store(f"{two.name}={one.value}; Path=/auth; Secure", LOGIN)
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
    """A verifier that trusts nobody."""

    def verify(self, access_token: str, *, subject: str | None = None) -> Any:
        """Refuse."""
        return Verification(Verdict.INVALID, "bad_signature")


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
