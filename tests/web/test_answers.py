"""What the signed out are answered: the way to the login page, 401, or 503 while nobody can know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest
from flask import Flask, Response, abort, jsonify
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from flask_ext import Refusal, current_session, login_required
from flask_ext.answers import LoginRequired
from sealed_session import ProviderUnavailable, RefreshDenied, StepUpRequired
from sealed_session.reasons import Reason
from tests.web.conftest import ORIGIN, MakeWorld, World

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
HTMX = {"HX-Request": "true", "Accept": "*/*", "Sec-Fetch-Mode": "cors"}
EVERYTHING = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MISSING = {"error": "login_required", "reason": "missing"}

LOGIN = "/login?next=/any"
JSON, HTML = "json", "html"


def add_any(world: World) -> World:
    """A protected view that takes every method, one that is async, and a login page."""

    @world.app.route("/any", methods=EVERYTHING)
    @login_required
    def anything() -> str:
        return "seen"

    @world.app.get("/async")
    @login_required
    async def asynchronous() -> str:
        return "seen"

    @world.app.get("/fresh")
    @login_required(fresh_within=60)
    def fresh() -> str:
        return "seen"

    @world.app.get("/login")
    def login() -> str:
        return "please"

    return world


@pytest.fixture
def closed(make_world: MakeWorld) -> World:
    """An application without LOGIN_VIEW."""
    return add_any(make_world())


@pytest.fixture
def leading(make_world: MakeWorld) -> World:
    """An application with LOGIN_VIEW."""
    return add_any(make_world(LOGIN_VIEW="login"))


@pytest.fixture(params=["closed", "leading"])
def either(request: pytest.FixtureRequest) -> World:
    """Both of them, one after the other."""
    found: World = request.getfixturevalue(request.param)
    return found


def ask(
    world: World, path: str = "/any", method: str = "GET", headers: Mapping[str, str] | None = None
) -> TestResponse:
    """A request with these headers and no others."""
    client = world.app.test_client(use_cookies=False)
    return client.open(path, base_url=ORIGIN, method=method, headers=headers)


def kind(response: TestResponse) -> str:
    """What an answer is written in."""
    return JSON if response.mimetype == "application/json" else HTML


def break_down(world: World, error: Exception | None = None) -> None:
    """Let somebody be signed in whose access token has ended, and the provider fail."""
    world.get("/sign-in")
    world.clock.advance(400)
    world.provider.fail(error, times=None)


ACCEPTS: list[tuple[dict[str, str], str]] = [
    ({}, HTML),
    ({"Accept": CHROME}, HTML),
    ({"Accept": "text/html"}, HTML),
    ({"Accept": "application/xhtml+xml"}, HTML),
    ({"Accept": "text/html;q=0.001"}, HTML),
    ({"Accept": "application/json, text/html;q=0.5"}, HTML),
    ({"Accept": "Text/HTML"}, HTML),
    ({"Accept": "text/html;charset=utf-8"}, HTML),
    ({"Accept": "text/html; level=1; q=0.4"}, HTML),
    ({"Accept": "text/html;q=0"}, JSON),
    ({"Accept": "text/html;q=0, */*"}, JSON),
    ({"Accept": "text/html;q=0.000, application/json"}, JSON),
    ({"Accept": "*/*"}, JSON),
    ({"Accept": "text/*"}, JSON),
    ({"Accept": "application/json"}, JSON),
    ({"Accept": "application/json, text/plain, */*"}, JSON),
    ({"Accept": "application/xml"}, JSON),
    ({"Accept": "text/htmlx"}, JSON),
    ({"Accept": ""}, JSON),
    ({"Accept": ",;q="}, JSON),
    ({"Accept": "text/html", "HX-Request": "true"}, JSON),
    ({"HX-Request": "true"}, JSON),
    ({"Accept": "text/html", "HX-Request": "false"}, HTML),
]
"""Headers, and which kind of page they ask for."""


class TestWithoutLoginView:
    """A plain 401, by Accept."""

    @pytest.mark.parametrize(("headers", "expected"), ACCEPTS)
    def test_by_accept(self, closed: World, headers: dict[str, str], expected: str) -> None:
        """HTML for who asks for it by name or not at all, JSON for the others; never a redirect."""
        response = ask(closed, headers=headers)
        assert (401, expected) == (response.status_code, kind(response))
        if expected == JSON:
            assert MISSING == response.json

    @pytest.mark.parametrize("method", EVERYTHING)
    def test_every_method(self, closed: World, method: str) -> None:
        """A form that is sent is answered as a page is."""
        response = ask(closed, method=method, headers={"Accept": CHROME})
        assert (401, HTML) == (response.status_code, kind(response))

    @pytest.mark.parametrize("mode", ["navigate", "cors", "same-origin", "no-cors"])
    def test_the_mode_does_not_count(self, closed: World, mode: str) -> None:
        """Accept alone does."""
        assert HTML == kind(ask(closed, headers={"Accept": CHROME, "Sec-Fetch-Mode": mode}))
        assert JSON == kind(ask(closed, headers={"Accept": "*/*", "Sec-Fetch-Mode": mode}))

    def test_htmx(self, closed: World) -> None:
        """JSON, and nowhere to go."""
        response = ask(closed, headers=HTMX)
        assert (401, MISSING, None) == (response.status_code, response.json, response.headers.get("HX-Redirect"))

    def test_an_error_page_of_the_applications_own(self, closed: World) -> None:
        """Is shown to people, and knows why; programs are given JSON as before."""

        @closed.app.errorhandler(401)
        def own(error: HTTPException) -> tuple[str, int]:
            assert isinstance(error, LoginRequired)
            return f"our page: {error.refusal.reason}", 401

        response = ask(closed, headers={"Accept": CHROME})
        assert (401, "our page: missing") == (response.status_code, response.text)
        assert MISSING == ask(closed, headers={"Accept": "*/*"}).json

    def test_an_error_page_that_reads_the_session(self, closed: World) -> None:
        """Finds the reason there."""

        @closed.app.errorhandler(401)
        def own(_error: HTTPException) -> tuple[str, int]:
            return f"because: {current_session.reason}", 401

        assert "because: missing" == ask(closed).text


class TestWithLoginView:
    """The way to the login page for who can go it."""

    @pytest.mark.parametrize(("headers", "expected"), ACCEPTS)
    def test_by_accept_where_the_mode_is_not_told(self, leading: World, headers: dict[str, str], expected: str) -> None:
        """Old browsers: a redirect for who asks for HTML, JSON or HTMX's 401 for the others."""
        response = ask(leading, headers=headers)
        if headers.get("HX-Request") == "true":
            assert (401, "/login") == (response.status_code, response.headers["HX-Redirect"])
        elif expected == HTML:
            assert (302, LOGIN) == (response.status_code, response.headers["Location"])
        else:
            assert (401, MISSING) == (response.status_code, response.json)

    @pytest.mark.parametrize(
        ("mode", "method", "expected"),
        [
            ("navigate", "GET", 302),
            ("navigate", "HEAD", 302),
            ("navigate", "POST", 303),
            ("navigate", "DELETE", 303),
            ("cors", "GET", JSON),
            ("same-origin", "GET", JSON),
            ("no-cors", "GET", JSON),
            ("websocket", "GET", JSON),
            ("", "GET", JSON),
            ("cors", "POST", JSON),
            (None, "GET", 302),
            (None, "HEAD", 302),
            (None, "POST", JSON),
            (None, "PUT", JSON),
            (None, "PATCH", JSON),
        ],
    )
    def test_by_mode_and_method(self, leading: World, mode: str | None, method: str, expected: Any) -> None:
        """Only what a person waits for leads away; what was sent is lost, and not asked for again."""
        headers = {"Accept": CHROME, **({} if mode is None else {"Sec-Fetch-Mode": mode})}
        response = ask(leading, method=method, headers=headers)
        if expected == JSON:
            assert (401, JSON) == (response.status_code, kind(response))
        else:
            target = LOGIN if expected == 302 else "/login"
            assert (expected, target) == (response.status_code, response.headers["Location"])

    def test_an_async_view(self, leading: World) -> None:
        """The same."""
        assert "/login?next=/async" == ask(leading, "/async").headers["Location"]

    @pytest.mark.parametrize(
        ("login_view", "expected"),
        [
            ("login", "/login?next=/any?a%3Db%26c"),
            ("/sign-in", "/sign-in?next=%2Fany%3Fa%3Db%26c"),
            ("/sign-in?from=app", "/sign-in?from=app&next=%2Fany%3Fa%3Db%26c"),
            ("https://id.example.com/in", "https://id.example.com/in?next=%2Fany%3Fa%3Db%26c"),
            ("http://localhost:5000/in?x", "http://localhost:5000/in?x&next=%2Fany%3Fa%3Db%26c"),
        ],
    )
    def test_where_the_login_page_is(self, make_world: MakeWorld, login_view: str, expected: str) -> None:
        """The name of an endpoint, a path or a whole address; with or without a query of its own."""
        world = add_any(make_world(LOGIN_VIEW=login_view))
        assert expected == ask(world, "/any?a=b&c").headers["Location"]

    @pytest.mark.parametrize(
        ("login_view", "expected"),
        [("login", "/login"), ("/in?x=1", "/in?x=1"), ("https://id.example.com/in", "https://id.example.com/in")],
    )
    def test_nowhere_to_go_back_to(self, make_world: MakeWorld, login_view: str, expected: str) -> None:
        """A handler is given the login page without ``next`` after a POST."""
        world = add_any(make_world(LOGIN_VIEW=login_view))
        world.auth.unauthorized_handler(lambda refusal: str(refusal.login_url))
        assert expected == ask(world, method="POST").text

    @pytest.mark.parametrize("method", EVERYTHING)
    def test_htmx(self, leading: World, method: str) -> None:
        """401 with HX-Redirect, back to the page that the person sees."""
        response = ask(leading, method=method, headers={**HTMX, "HX-Current-URL": f"{ORIGIN}/inbox?page=2"})
        assert (401, "/login?next=/inbox?page%3D2") == (response.status_code, response.headers["HX-Redirect"])
        assert b"" == response.data

    @pytest.mark.parametrize("url", [None, "", "https://evil.example/inbox", "null", f"{ORIGIN}//evil.example"])
    def test_htmx_from_nowhere(self, leading: World, url: str | None) -> None:
        """Without a page of ours the way leads to the login page, and not back to a fragment."""
        headers = HTMX if url is None else {**HTMX, "HX-Current-URL": url}
        assert "/login" == ask(leading, headers=headers).headers["HX-Redirect"]

    def test_what_is_answered_depends_on_the_cookie_and_says_so(self, leading: World) -> None:
        """For caches."""
        for headers in ({"Accept": CHROME}, {"Accept": "*/*"}, HTMX):
            assert "Cookie" in ask(leading, headers=headers).vary

    def test_a_superseded_or_unreadable_cookie_stays(self, leading: World) -> None:
        """Only signing out clears it."""
        leading.browser.jar.store("sealed-session=AXgarbage; Path=/; Secure", ORIGIN)
        response = leading.get("/any")
        assert (302, []) == (response.status_code, leading.cookies(response))

    def test_the_reason_is_told(self, leading: World) -> None:
        """Of whoever the provider refused."""
        break_down(leading, RefreshDenied())
        response = leading.get("/any", headers={"Accept": "*/*", "Sec-Fetch-Mode": "cors"})
        assert (401, {"error": "login_required", "reason": "denied"}) == (response.status_code, response.json)

    def test_who_signed_in_too_long_ago(self, leading: World) -> None:
        """Is sent to sign in again; a program is told why."""
        leading.get("/sign-in")
        leading.clock.advance(61)
        assert "/login?next=/fresh&reason=not_fresh" == leading.get("/fresh").headers["Location"]
        response = leading.browser.fetch(f"{ORIGIN}/fresh")
        assert (401, {"error": "login_required", "reason": "not_fresh"}) == (response.status_code, response.json)


class TestUnavailable:
    """The provider does not answer: somebody is signed in or not, and nobody can know."""

    @pytest.mark.parametrize(
        ("retry_after", "expected"),
        [
            (None, "5"),
            (0, "1"),
            (0.2, "1"),
            (1, "1"),
            (1.1, "2"),
            (30, "30"),
            (-5, "1"),
            (-inf, "1"),
            (nan, "1"),
            (inf, "86400"),
            (1e9, "86400"),
            (10**400, "86400"),
            (86_399.5, "86400"),
        ],
    )
    def test_retry_after(self, either: World, retry_after: Any, expected: str) -> None:
        """Whole seconds, from one to a day."""
        break_down(either, ProviderUnavailable(retry_after=retry_after))
        response = either.get("/any")
        assert (503, expected) == (response.status_code, response.headers["Retry-After"])

    @pytest.mark.parametrize(("headers", "expected"), ACCEPTS)
    def test_by_accept(self, either: World, headers: dict[str, str], expected: str) -> None:
        """Never the login page: who is signed in shall not sign in again."""
        break_down(either)
        cookie = either.browser.jar.get("sealed-session")
        response = ask(either, headers={**headers, "Cookie": f"{cookie.name}={cookie.value}"})
        assert (503, expected) == (response.status_code, kind(response))
        assert ("5", None, None) == tuple(map(response.headers.get, ("Retry-After", "Location", "HX-Redirect")))
        if expected == JSON:
            assert {"error": "unavailable", "reason": "unavailable"} == response.json

    def test_no_cache_keeps_it_and_the_cookie_stays(self, either: World) -> None:
        """The next request may be answered."""
        break_down(either)
        response = either.get("/any")
        assert ("private, no-store", []) == (response.headers["Cache-Control"], either.cookies(response))
        either.provider.recover()
        either.clock.advance(1)
        assert "seen" == either.get("/any").text

    def test_an_async_view(self, either: World) -> None:
        """The same."""
        break_down(either, ProviderUnavailable(retry_after=7))
        response = either.get("/async")
        assert (503, "7") == (response.status_code, response.headers["Retry-After"])

    def test_a_provider_that_raises_anything_else(self, either: World) -> None:
        """Counts as unavailable."""
        break_down(either, ZeroDivisionError())
        assert 503 == either.get("/any").status_code

    def test_an_error_page_of_the_applications_own(self, either: World) -> None:
        """Is shown to people, with Retry-After; programs are given JSON as before."""

        @either.app.errorhandler(503)
        def own(_error: HTTPException) -> tuple[str, int]:
            return "our page", 503

        break_down(either, ProviderUnavailable(retry_after=7))
        response = either.get("/any")
        assert (503, "our page", "7") == (response.status_code, response.text, response.headers["Retry-After"])
        fetched = either.browser.fetch(f"{ORIGIN}/any")
        assert ("7", {"error": "unavailable", "reason": "unavailable"}) == (
            fetched.headers["Retry-After"],
            fetched.json,
        )

    def test_an_error_page_that_knows_better(self, either: World) -> None:
        """Its Retry-After stays, and is not there twice."""

        @either.app.errorhandler(503)
        def own(_error: HTTPException) -> Response:
            return Response("our page", 503, {"Retry-After": "120"})

        break_down(either)
        assert ["120"] == either.get("/any").headers.getlist("Retry-After")

    def test_an_unauthorized_handler_is_not_asked(self, either: World) -> None:
        """It would send people to sign in."""
        either.auth.unauthorized_handler(lambda refusal: "handled")
        break_down(either)
        assert 503 == either.get("/any").status_code

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Purpose": "prefetch"},
            {"Sec-Purpose": "prefetch;prerender"},
            {"Purpose": "prefetch"},
            {"X-Moz": "prefetch"},
        ],
    )
    def test_a_prefetch_of_an_expired_session(self, either: World, headers: dict[str, str]) -> None:
        """Refreshes nothing: 503, which no cache keeps, so that the browser asks again when somebody looks."""
        either.get("/sign-in")
        either.clock.advance(400)
        response = either.get("/any", headers=headers)
        assert (503, "5", []) == (
            response.status_code,
            response.headers["Retry-After"],
            either.cookies(response),
        )
        assert "no-store" in response.headers["Cache-Control"]
        assert [] == either.provider.calls
        assert "seen" == either.get("/any").text

    def test_a_prefetch_of_a_good_session(self, either: World) -> None:
        """Is answered as always."""
        either.get("/sign-in")
        assert "seen" == either.get("/any", headers={"Sec-Purpose": "prefetch"}).text


async def handle_later(refusal: Refusal) -> tuple[str, int]:
    """An async handler."""
    return f"later: {refusal.reason}", 418


def handle(refusal: Refusal) -> tuple[str, int]:
    """A plain handler."""
    return f"now: {refusal.reason}", 418


def forget(_refusal: Refusal) -> None:
    """A handler without its ``return``."""


async def forget_later(_refusal: Refusal) -> None:
    """An async one."""


def keep_refusals(world: World) -> list[Refusal]:
    """Register a handler, and see what it is given."""
    given: list[Refusal] = []

    @world.auth.unauthorized_handler
    def keep(refusal: Refusal) -> str:
        given.append(refusal)
        return "handled"

    return given


class TestHandler:
    """``unauthorized_handler``: the application's own answer."""

    @pytest.mark.parametrize("path", ["/any", "/async"])
    @pytest.mark.parametrize(("handler", "expected"), [(handle, "now: missing"), (handle_later, "later: missing")])
    def test_plain_and_async(self, either: World, path: str, handler: Callable[..., Any], expected: str) -> None:
        """Under plain views and async ones, in every combination."""
        assert handler is either.auth.unauthorized_handler(handler)
        response = ask(either, path)
        assert (418, expected) == (response.status_code, response.text)

    @pytest.mark.parametrize("handler", [handle, handle_later])
    def test_under_require_login(self, make_world: MakeWorld, handler: Callable[..., Any]) -> None:
        """The same."""
        world = add_any(make_world(REQUIRE_LOGIN=True))
        world.auth.unauthorized_handler(handler)
        assert 418 == ask(world, "/public").status_code
        assert 418 == ask(world, "/async").status_code

    def test_what_it_is_given(self, leading: World) -> None:
        """The reason, nothing of a provider's, and the way to the login page and back."""
        given = keep_refusals(leading)
        assert "handled" == ask(leading, "/any?a=b").text
        assert 200 == ask(leading, method="POST").status_code
        assert [
            Refusal(Reason.MISSING, {}, way_back="/any?a=b", login_url="/login?next=/any?a%3Db"),
            Refusal(Reason.MISSING, {}, way_back=None, login_url="/login"),
        ] == given

    def test_it_has_the_whole_request_to_itself(self, leading: World) -> None:
        """Whatever the method and the headers: HTMX and programs too."""
        leading.auth.unauthorized_handler(handle)
        for headers in (HTMX, {"Accept": "application/json"}, {}):
            for method in EVERYTHING:
                assert 418 == ask(leading, method=method, headers=headers).status_code

    def test_it_may_abort(self, closed: World) -> None:
        """As any view may."""
        closed.auth.unauthorized_handler(lambda _refusal: abort(404))
        assert 404 == ask(closed).status_code

    def test_it_may_return_whatever_a_view_may(self, closed: World) -> None:
        """A dict, for example, or a response."""
        closed.auth.unauthorized_handler(lambda refusal: {"why": refusal.reason})
        assert {"why": "missing"} == ask(closed).json
        closed.auth.unauthorized_handler(lambda _refusal: jsonify([1]))
        assert [1] == ask(closed).json

    @pytest.mark.parametrize("path", ["/any", "/async"])
    @pytest.mark.parametrize("handler", [forget, forget_later, lambda _refusal: ""])
    def test_one_that_returns_nothing_lets_nobody_in(
        self, either: World, path: str, handler: Callable[..., Any]
    ) -> None:
        """A forgotten ``return`` must not open the page."""
        either.auth.unauthorized_handler(handler)
        assert not shows_the_page(either.app, path)

    @pytest.mark.parametrize("handler", [forget, forget_later])
    @pytest.mark.parametrize("path", ["/any", "/async", "/public"])
    def test_one_that_returns_nothing_lets_nobody_in_under_require_login(
        self, make_world: MakeWorld, path: str, handler: Callable[..., Any]
    ) -> None:
        """Nor there, where Flask takes None from a hook for leave to go on."""
        world = add_any(make_world(REQUIRE_LOGIN=True))
        world.auth.unauthorized_handler(handler)
        assert not shows_the_page(world.app, path)

    @pytest.mark.parametrize("handler", [forget, forget_later])
    @pytest.mark.parametrize("path", ["/any", "/async"])
    def test_one_that_returns_nothing_leaves_it_to_the_usual_answer(
        self, leading: World, path: str, handler: Callable[..., Any]
    ) -> None:
        """So a handler may answer some requests, and leave the others."""
        leading.auth.unauthorized_handler(handler)
        assert f"/login?next={path}" == ask(leading, path).headers["Location"]
        assert MISSING == ask(leading, path, headers={"Accept": "application/json"}).json

    def test_a_step_up_reaches_it(self, either: World) -> None:
        """With the provider's answer, and not in the repr."""
        given = keep_refusals(either)
        break_down(either, StepUpRequired({"code": "mfa_enrollment", "pending_token": "hush"}))
        assert "handled" == either.get("/any").text
        (refusal,) = given
        assert (Reason.STEP_UP, {"code": "mfa_enrollment", "pending_token": "hush"}) == (
            refusal.reason,
            refusal.payload,
        )
        assert "hush" not in repr(refusal)

    @pytest.mark.parametrize("headers", [{}, {"Accept": "*/*", "Sec-Fetch-Mode": "cors"}, HTMX])
    def test_a_step_up_is_not_in_the_default_answer(self, either: World, headers: dict[str, str]) -> None:
        """The payload may hold a token."""
        break_down(either, StepUpRequired({"code": "mfa_enrollment", "pending_token": "hush"}))
        response = either.get("/any", headers=headers)
        assert response.status_code in (302, 401)
        assert "hush" not in response.text + str(response.headers)
        assert "mfa_enrollment" not in response.text + str(response.headers)

    def test_the_payload_of_an_earlier_step_up_is_not_given_to_somebody_else(self, either: World) -> None:
        """Each refusal has its own."""
        given = keep_refusals(either)
        break_down(either, StepUpRequired({"code": "mfa_enrollment"}))
        either.get("/any")
        ask(either)
        assert [{"code": "mfa_enrollment"}, {}] == [refusal.payload for refusal in given]

    def test_it_may_be_registered_late_and_the_last_one_counts(self, closed: World) -> None:
        """After the first request as well."""
        assert 401 == ask(closed).status_code
        closed.auth.unauthorized_handler(lambda _refusal: "first")
        closed.auth.unauthorized_handler(lambda _refusal: "second")
        assert "second" == ask(closed).text

    def test_who_signed_in_too_long_ago(self, leading: World) -> None:
        """Is told apart."""
        leading.auth.unauthorized_handler(handle)
        leading.get("/sign-in")
        leading.clock.advance(timedelta(seconds=61))
        assert "now: not_fresh" == leading.get("/fresh").text


def shows_the_page(app: Flask, path: str) -> bool:
    """Whether somebody who is signed out is shown what a view returns; an error is no page."""
    try:
        response = app.test_client().get(path, base_url=ORIGIN)
    except TypeError:  # Flask's, about a view that returned nothing
        return False
    return response.text in ("seen", "public")
