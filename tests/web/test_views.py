"""Who may see a view: ``login_required``, ``public`` and REQUIRE_LOGIN."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from inspect import iscoroutinefunction
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, abort
from flask.views import MethodView, View
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_ext import Refusal, SealedSession, current_session, login_required, public
from flask_ext.views import GUARDED
from sealed_session import UsageError
from tests.web.browser import Browser
from tests.web.conftest import ORIGIN, MakeWorld, World

FETCH = {"Accept": "*/*", "Sec-Fetch-Mode": "cors"}


def view(name: str = "ada") -> str:
    """Says a name."""
    return f"seen by {name}"


async def view_async(name: str = "ada") -> str:
    """Says a name, later."""
    return f"seen by {name}"


def status(app: Flask, path: str, method: str = "GET") -> int:
    """What somebody is answered who has never signed in."""
    with app.test_client().open(path, base_url=ORIGIN, method=method, headers=FETCH) as response:
        return response.status_code


class TestLoginRequired:
    """The decorator."""

    @pytest.mark.parametrize("decorate", [login_required, login_required(), login_required(fresh_within=60)])
    @pytest.mark.parametrize("function", [view, view_async])
    def test_with_and_without_parentheses(
        self, world: World, decorate: Callable[[Any], Any], function: Callable[..., Any]
    ) -> None:
        """Plain and async views: for who is signed in, with their arguments, and for nobody else."""
        world.app.add_url_rule("/for/<name>", view_func=decorate(function))
        assert 401 == status(world.app, "/for/eve")
        world.get("/sign-in")
        assert "seen by eve" == world.get("/for/eve").text

    @pytest.mark.parametrize("function", [view, view_async])
    def test_the_view_keeps_its_name_and_description(self, function: Callable[..., Any]) -> None:
        """So that its endpoint is called after it, and it stays async."""
        guarded = login_required(function)
        assert (function.__name__, function.__doc__, function.__module__, function.__annotations__) == (
            guarded.__name__,
            guarded.__doc__,
            guarded.__module__,
            guarded.__annotations__,
        )
        assert iscoroutinefunction(function) == iscoroutinefunction(guarded)
        assert function is guarded.__wrapped__  # type: ignore[attr-defined]

    def test_what_the_view_returns_comes_through(self, world: World) -> None:
        """A falsy value or an error too."""
        world.app.add_url_rule("/empty", "empty", login_required(lambda: ""))
        world.app.add_url_rule("/none", "none", login_required(lambda: abort(418)))
        world.get("/sign-in")
        assert (200, "") == (world.get("/empty").status_code, world.get("/empty").text)
        assert 418 == world.get("/none").status_code

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
    def test_every_method_is_guarded(self, world: World, method: str) -> None:
        """HEAD as well, which Flask adds."""
        methods = ["GET", "POST", "PUT", "DELETE"]
        world.app.add_url_rule("/view", view_func=login_required(view), methods=methods)
        assert 401 == status(world.app, "/view", method)
        world.get("/sign-in")
        assert 200 == world.browser.request(method, f"{ORIGIN}/view").status_code

    def test_automatic_options_is_flasks_own_answer(self, world: World) -> None:
        """It never gets to the view."""
        world.app.add_url_rule("/view", view_func=login_required(view))
        assert 200 == status(world.app, "/view", "OPTIONS")

    def test_a_view_is_not_run_for_the_signed_out(self, world: World) -> None:
        """Not even its beginning."""
        ran: list[str] = []
        world.app.add_url_rule("/view", "view", login_required(lambda: ran.append("ran") or ""))  # type: ignore[func-returns-value, redundant-expr]
        status(world.app, "/view")
        assert [] == ran

    @pytest.mark.parametrize("decorate", [login_required, login_required(fresh_within=60)])
    def test_a_class_of_views(self, world: World, decorate: Callable[[Any], Any]) -> None:
        """By its ``decorators``."""

        class Page(MethodView):
            decorators = [decorate]  # noqa: RUF012 - as Flask's documentation writes it

            def get(self, name: str) -> str:
                return view(name)

            async def post(self, name: str) -> str:
                return f"posted by {name}"

        world.app.add_url_rule("/page/<name>", view_func=Page.as_view("page"))
        assert [401, 401] == [status(world.app, "/page/eve", method) for method in ("GET", "POST")]
        world.get("/sign-in")
        assert "seen by eve" == world.get("/page/eve").text
        assert "posted by eve" == world.browser.post(f"{ORIGIN}/page/eve").text
        assert not hasattr(world.app.view_functions["page"], GUARDED)

    def test_callables_of_every_kind(self, world: World) -> None:
        """A bound method, a partial and an object that can be called."""

        class Pages:
            def index(self) -> str:
                return "index"

            def __call__(self) -> str:
                return "called"

        world.app.add_url_rule("/bound", "bound", login_required(Pages().index))
        world.app.add_url_rule("/partial", "partial", login_required(functools.partial(view, "eve")))
        world.app.add_url_rule("/async", "async", login_required(functools.partial(view_async, "eve")))
        world.app.add_url_rule("/object", "object", login_required(Pages()))
        paths = ("/bound", "/partial", "/async", "/object")
        assert [401] * 4 == [status(world.app, path) for path in paths]
        world.get("/sign-in")
        assert ["index", "seen by eve", "seen by eve", "called"] == [world.get(path).text for path in paths]

    @pytest.mark.parametrize("wrong", [60, timedelta(minutes=1), "view", ["view"], object()])
    def test_what_is_no_view_is_refused(self, wrong: Any) -> None:
        """At the line where it stands: mostly a duration that wants its name."""
        with pytest.raises(UsageError, match="fresh_within=") as caught:
            login_required(wrong)
        assert "usage" == caught.value.code
        with pytest.raises(UsageError):
            login_required()(wrong)

    def test_the_order_of_decorators(self, world: World) -> None:
        """Above the route it guards nothing, and the mark on what is registered shows it."""

        @login_required
        @world.app.get("/wrong")
        def wrong() -> str:
            return "open to everybody"

        @world.app.get("/right")
        @login_required
        def right() -> str:
            return "closed"

        assert (200, 401) == (status(world.app, "/wrong"), status(world.app, "/right"))
        assert {"wrong"} == {name for name, found in world.app.view_functions.items() if hasattr(found, GUARDED)}

    @pytest.mark.parametrize("function", [view, view_async])
    def test_what_is_guarded_bears_no_mark(self, function: Callable[..., Any]) -> None:
        """Nor when the same view is guarded for a second address, or twice in a row, or decorated further."""

        def decorated(guarded: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(guarded)
            def inner(*arguments: Any) -> Any:
                return guarded(*arguments)

            return inner

        first, second = login_required(function), login_required(fresh_within=60)(function)
        twice = login_required(login_required(function))
        assert [False] * 4 == [hasattr(guarded, GUARDED) for guarded in (first, second, twice, decorated(second))]

    def test_a_view_under_both_is_guarded(self, world: World) -> None:
        """``public`` only speaks to REQUIRE_LOGIN."""
        world.app.add_url_rule("/a", "a", public(login_required(view)))
        world.app.add_url_rule("/b", "b", login_required(public(view_async)))
        assert (401, 401) == (status(world.app, "/a"), status(world.app, "/b"))


class TestFreshWithin:
    """``fresh_within``: how long ago the person signed in."""

    @pytest.mark.parametrize("limit", [60, 60.0, timedelta(minutes=1)])
    def test_the_boundary(self, world: World, limit: Any) -> None:
        """The second itself is fresh, the next one is not, and somebody who signs in again is."""
        world.app.add_url_rule("/view", view_func=login_required(fresh_within=limit)(view))
        world.get("/sign-in")
        world.clock.advance(60)
        assert 200 == world.get("/view").status_code
        world.clock.advance(1)
        response = world.get("/view", headers=FETCH)
        assert (401, {"error": "login_required", "reason": "not_fresh"}) == (response.status_code, response.json)
        assert 200 == world.get("/private").status_code
        world.get("/sign-in")
        assert 200 == world.get("/view").status_code

    def test_being_let_in_by_the_provider_is_no_proof(self, world: World) -> None:
        """Single sign-on: the callback is new, and the proof is a day old. ``auth_time`` says so, of either token."""
        world.app.add_url_rule("/view", view_func=login_required(fresh_within=60)(view))
        old = int(world.clock()) - 86_400

        def sign_in(**told: Any) -> int:
            values = world.provider.sign_in(None, **told.pop("claims", {}))
            world.do(lambda: world.auth.sign_in(**values, **told))
            return world.get("/view", headers=FETCH).status_code

        assert [401, 401, 200] == [sign_in(authenticated_at=old), sign_in(claims={"auth_time": old}), sign_in()]
        assert 200 == sign_in(authenticated_at=int(world.clock()) - 60)

    def test_the_earlier_counts(self, world: World) -> None:
        """A provider whose clock is ahead makes nobody fresh for longer."""
        world.app.add_url_rule("/view", view_func=login_required(fresh_within=60)(view))
        values = world.provider.sign_in()
        world.do(lambda: world.auth.sign_in(**values, authenticated_at=int(world.clock()) + 50))
        world.clock.advance(61)
        assert 401 == world.get("/view", headers=FETCH).status_code

    @pytest.mark.parametrize(("ago", "expected"), [(70, 200), (71, 401)])
    def test_the_clocks_may_differ(self, world: World, ago: int, expected: int) -> None:
        """By ten seconds, or who has just signed in would be sent to do so again, and again."""
        world.app.add_url_rule("/view", view_func=login_required(fresh_within=60)(view))
        values = world.provider.sign_in()
        world.do(lambda: world.auth.sign_in(**values, authenticated_at=int(world.clock()) - ago))
        assert expected == world.get("/view", headers=FETCH).status_code

    def test_a_refresh_keeps_the_proof_and_a_new_one_renews_it(self, world: World) -> None:
        """It can be read; so it can by code that judges for itself."""
        world.app.add_url_rule("/view", view_func=login_required(fresh_within=60)(view))
        proved_at = int(world.clock()) - 500
        told = lambda: str(current_session.authenticated_at)  # noqa: E731
        assert "None" == world.do(told).text
        world.do(lambda: world.auth.sign_in(**world.provider.sign_in(), authenticated_at=proved_at))
        world.clock.advance(400)
        assert (str(proved_at), 1) == (world.do(told).text, len(world.provider.calls))
        world.do(lambda: world.auth.update(user={"id": "user_1"}))
        assert (str(proved_at), 401) == (world.do(told).text, world.get("/view", headers=FETCH).status_code)
        world.do(lambda: world.auth.sign_in(**world.provider.sign_in(), authenticated_at=int(world.clock())))
        assert 200 == world.get("/view").status_code

    def test_part_of_a_second(self, world: World) -> None:
        """Times are whole seconds."""
        world.app.add_url_rule("/view", view_func=login_required(fresh_within=1.5)(view))
        world.get("/sign-in")
        world.clock.advance(1)
        assert 200 == world.get("/view").status_code
        world.clock.advance(1)
        assert 401 == world.get("/view", headers=FETCH).status_code

    def test_refreshing_and_updating_make_nobody_fresh(self, world: World) -> None:
        """Only signing in does."""
        world.app.add_url_rule("/view", view_func=login_required(fresh_within=60)(view))
        world.get("/sign-in")
        world.clock.advance(400)
        assert 200 == world.get("/private").status_code
        assert 1 == len(world.provider.calls)
        world.get("/note?note=x")
        assert 401 == world.get("/view", headers=FETCH).status_code

    def test_nobody_is_told_missing(self, world: World) -> None:
        """Who has not signed in at all is not called late."""
        world.app.add_url_rule("/view", view_func=login_required(fresh_within=60)(view))
        assert {"error": "login_required", "reason": "missing"} == world.get("/view", headers=FETCH).json

    def test_without_a_limit_nobody_is_late(self, world: World) -> None:
        """None says so too."""
        world.app.add_url_rule("/view", view_func=login_required(fresh_within=None)(view))
        world.get("/sign-in")
        world.clock.advance(timedelta(days=399))
        assert 200 == world.get("/view").status_code

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            (0, "bad_duration"),
            (0.5, "bad_duration"),
            (-1, "bad_duration"),
            (timedelta(seconds=-1), "bad_duration"),
            (timedelta.max, "bad_duration"),
            (nan, "bad_duration"),
            (inf, "bad_duration"),
            (10**400, "bad_duration"),
            (10**5000, "bad_duration"),
            ("60", "wrong_type"),
            (True, "wrong_type"),
            ([60], "wrong_type"),
            (view, "wrong_type"),
        ],
        ids=lambda value: str(value)[:20] if not isinstance(value, int) or value < 10**9 else "huge",
    )
    def test_what_is_no_duration_is_refused(self, wrong: Any, code: str) -> None:
        """When the module is read, not when somebody comes."""
        with pytest.raises(UsageError, match="fresh_within") as caught:
            login_required(fresh_within=wrong)
        assert code == caught.value.code


class TestRequireLogin:
    """Everything is closed that is not open on purpose."""

    @pytest.fixture
    def house(self, make_world: MakeWorld) -> World:
        """An application behind one door."""
        return make_world(REQUIRE_LOGIN=True)

    def test_off_it_closes_nothing(self, world: World) -> None:
        """The default."""
        assert 200 == status(world.app, "/public")

    def test_views_are_closed(self, house: World) -> None:
        """Every one that says nothing, whatever its name."""
        assert 401 == status(house.app, "/public")
        assert 401 == status(house.app, "/who")

    def test_who_is_signed_in_sees_them(self, make_world: MakeWorld) -> None:
        """As without it."""
        world = make_world(REQUIRE_LOGIN=True, LOGIN_VIEW="sign_in")
        world.get("/sign-in")
        assert "public" == world.get("/public").text
        assert "user_1" == world.get("/who").text

    @pytest.mark.parametrize("decorate", [public, public()])
    @pytest.mark.parametrize("function", [view, view_async])
    def test_public_views(self, house: World, decorate: Callable[[Any], Any], function: Callable[..., Any]) -> None:
        """With and without parentheses, above and below the route."""

        def copied() -> Any:
            return function()

        async def copied_async() -> Any:
            return await view_async()

        inner = copied_async if function is view_async else copied
        opened = decorate(inner)
        assert inner is opened
        house.app.add_url_rule("/open", "open", opened)
        assert 200 == status(house.app, "/open")

    def test_public_above_the_route(self, house: World) -> None:
        """The order makes no difference here."""

        @public
        @house.app.get("/open")
        def opened() -> str:
            return "open"

        assert 200 == status(house.app, "/open")

    @pytest.mark.parametrize("decorate", [public, public()])
    def test_public_classes(self, house: World, decorate: Callable[[Any], Any]) -> None:
        """All methods of theirs; a class that says nothing is closed."""

        class Closed(View):
            def dispatch_request(self) -> str:
                return "closed"

        @decorate
        class Open(MethodView):
            def get(self) -> str:
                return "open"

            def post(self) -> str:
                return "posted"

        house.app.add_url_rule("/open", view_func=Open.as_view("open"))
        house.app.add_url_rule("/closed", view_func=Closed.as_view("closed"))
        assert [200, 200, 401] == [
            status(house.app, "/open"),
            status(house.app, "/open", "POST"),
            status(house.app, "/closed"),
        ]

    def test_public_as_a_decorator_of_a_class(self, house: World) -> None:
        """And bound methods."""

        class Open(View):
            decorators = [public]  # noqa: RUF012

            def dispatch_request(self) -> str:
                return "open"

            def index(self) -> str:
                return "index"

        house.app.add_url_rule("/open", view_func=Open.as_view("open"))
        house.app.add_url_rule("/index", "index", public(Open().index))
        assert (200, 200) == (status(house.app, "/open"), status(house.app, "/index"))

    def test_public_is_not_inherited(self, house: World) -> None:
        """A class says for itself that everybody may see it."""

        @public
        class Base(MethodView):
            """Open."""

            def get(self) -> str:
                return "open"

        class Admin(Base):
            """Not open."""

        house.app.add_url_rule("/base", view_func=Base.as_view("base"))
        house.app.add_url_rule("/admin", view_func=Admin.as_view("admin"))
        assert (200, 401) == (status(house.app, "/base"), status(house.app, "/admin"))

    def test_public_for_one_object_is_not_for_another(self, house: World) -> None:
        """Its method is the same function."""

        class Api:
            """Two of them."""

            def index(self) -> str:
                return "index"

        house.app.add_url_rule("/a", "a", public(Api().index))
        house.app.add_url_rule("/b", "b", Api().index)
        assert (200, 401) == (status(house.app, "/a"), status(house.app, "/b"))

    def test_the_login_path_is_open_with_and_without_its_slash(self, make_world: MakeWorld) -> None:
        """Flask leads from the one to the other."""
        world = make_world(REQUIRE_LOGIN=True, LOGIN_VIEW="/login")
        world.app.add_url_rule("/login/", "signing_in", lambda: "sign in")
        assert "sign in" == world.get("/public", follow=True).text

    def test_a_public_view_under_another_decorator(self, house: World) -> None:
        """Stays open under one that keeps what it wraps, and is closed under one that does not: never the reverse."""

        def careful(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def inner() -> Any:
                return function()

            return inner

        house.app.add_url_rule("/careful", "careful", careful(public(lambda: "open")))
        opened: Callable[[], str] = public(lambda: "open")
        house.app.add_url_rule("/careless", "careless", lambda: opened())
        assert (200, 401) == (status(house.app, "/careful"), status(house.app, "/careless"))

    def test_a_public_view_knows_who_is_there(self, house: World) -> None:
        """Open is not blind."""
        house.app.add_url_rule("/hello", "hello", public(lambda: current_session.user.get("id", "nobody")))
        house.app.add_url_rule("/in", "in", public(lambda: house.auth.sign_in(**house.provider.sign_in()) or "in"))  # type: ignore[func-returns-value, redundant-expr]
        assert "nobody" == house.get("/hello").text
        house.get("/in")
        assert "user_1" == house.get("/hello").text

    def test_what_is_not_there_stays_not_there(self, house: World) -> None:
        """404 and 405 are Flask's; a redirect to the address with its slash too."""
        house.app.add_url_rule("/slash/", "slash", view)
        assert [404, 405, 308] == [
            status(house.app, "/nothing"),
            status(house.app, "/public", "DELETE"),
            status(house.app, "/slash"),
        ]
        assert 401 == status(house.app, "/slash/")

    def test_automatic_options_is_open(self, house: World) -> None:
        """A browser asks before it sends, without cookies."""
        response = house.app.test_client().options("/public", base_url=ORIGIN)
        assert (200, {"GET", "HEAD", "OPTIONS"}) == (response.status_code, set(response.allow))

    def test_a_view_that_answers_options_itself_is_closed(self, house: World) -> None:
        """It may tell something: by its methods, as a class, or with Flask's own answer turned off.

        A preflight is not refused all the same, or no browser would send what comes after it: it is told the methods.
        """

        class Page(MethodView):
            def options(self) -> str:
                return "secret"

        house.app.add_url_rule("/by-methods", "m", lambda: "secret", methods=["GET", "OPTIONS"])
        house.app.add_url_rule("/class", view_func=Page.as_view("page"))
        house.app.add_url_rule("/off", "off", lambda: "secret", methods=["OPTIONS"], provide_automatic_options=False)
        client = house.app.test_client()
        for path, allowed in (
            ("/by-methods", {"GET", "HEAD", "OPTIONS"}),
            ("/class", {"OPTIONS"}),
            ("/off", {"OPTIONS"}),
        ):
            response = client.options(path, base_url=ORIGIN)
            assert (200, "", allowed) == (response.status_code, response.text, set(response.allow))

    def test_options_of_a_guarded_view_that_answers_it_itself(self, world: World) -> None:
        """Plain and async: the view is not called."""

        async def later() -> str:
            return "secret"

        def now() -> str:
            return "secret"

        for path, view in (("/later", login_required(later)), ("/now", login_required(now))):
            world.app.add_url_rule(path, path, view, methods=["GET", "OPTIONS"], provide_automatic_options=False)
        for path in ("/later", "/now"):
            response = world.app.test_client().options(path, base_url=ORIGIN)
            assert (200, "") == (response.status_code, response.text)
            assert 401 == status(world.app, path)

    @pytest.mark.parametrize("mine", [False, True])
    def test_the_login_view_is_open(self, make_world: MakeWorld, mine: bool) -> None:
        """By the name of its endpoint, in a blueprint or not, with every method."""
        name = "account.login" if mine else "login"
        world = make_world(REQUIRE_LOGIN=True, LOGIN_VIEW=name)
        pages = Blueprint("account", __name__)
        (pages if mine else world.app).add_url_rule("/login", "login", view, methods=["GET", "POST"])
        (pages if mine else world.app).add_url_rule("/other", "other", view)
        world.app.register_blueprint(pages)
        assert [200, 200, 401] == [
            status(world.app, "/login"),
            status(world.app, "/login", "POST"),
            status(world.app, "/other"),
        ]
        assert "seen by ada" == world.get("/public", follow=True).text

    @pytest.mark.parametrize("login_view", ["/login", "/login?from=app"])
    def test_the_login_view_is_open_by_its_path(self, make_world: MakeWorld, login_view: str) -> None:
        """Nobody is sent round in circles."""
        world = make_world(REQUIRE_LOGIN=True, LOGIN_VIEW=login_view)
        world.app.add_url_rule("/login", "signing_in", view)
        assert "seen by ada" == world.get("/public", follow=True).text
        assert 401 == status(world.app, "/who")

    def test_the_login_view_is_open_by_its_path_below_another_application(self, make_world: MakeWorld) -> None:
        """The path is the whole one, as a browser knows it; the same path inside is another page."""
        world = make_world(REQUIRE_LOGIN=True, LOGIN_VIEW="/app/login")
        world.app.add_url_rule("/login", "signing_in", view)
        world.app.add_url_rule("/app/login", "another", view)
        browser = Browser(DispatcherMiddleware(Flask("root"), {"/app": world.app}), world.clock)
        assert "seen by ada" == browser.get(f"{ORIGIN}/app/public", follow=True).text
        assert 401 == browser.get(f"{ORIGIN}/app/app/login", headers=FETCH).status_code

    def test_a_path_that_only_resembles_the_login_views_is_closed(self, make_world: MakeWorld) -> None:
        """What lies below it, and what another site's address has in common with it."""
        for login_view in ("/login", "https://id.example.com/inbox"):
            world = make_world(REQUIRE_LOGIN=True, LOGIN_VIEW=login_view)
            paths = ("/login/x", "/loginx", "/inbox", "/Login")
            for number, path in enumerate(paths):
                world.app.add_url_rule(path, str(number), view)
            assert [401] * 4 == [status(world.app, path) for path in paths]

    def test_several_addresses_of_one_view(self, house: World) -> None:
        """What is open is the view, under each of them."""
        opened = public(lambda: "open")
        house.app.add_url_rule("/one", "one", opened)
        house.app.add_url_rule("/two", "one", opened)
        assert (200, 200) == (status(house.app, "/one"), status(house.app, "/two"))

    def test_hooks_that_run_before(self, house: World) -> None:
        """A blueprint's own hooks run after the door, so they see nobody who is signed out."""
        pages = Blueprint("pages", __name__)
        ran: list[str] = []

        @pages.before_request
        def hook() -> None:
            ran.append("ran")

        pages.add_url_rule("/page", "page", view)
        house.app.register_blueprint(pages)
        assert (401, []) == (status(house.app, "/page"), ran)

    def test_a_door_and_a_lock(self, make_world: MakeWorld) -> None:
        """A view under login_required as well is refused once, by one handler's one call."""
        world = make_world(REQUIRE_LOGIN=True)
        asked: list[Refusal] = []

        @world.auth.unauthorized_handler
        def handle(refusal: Refusal) -> tuple[str, int]:
            asked.append(refusal)
            return "no", 401

        assert (401, 1) == (status(world.app, "/private"), len(asked))


class TestStatic:
    """Files are open under REQUIRE_LOGIN, and what is only called so is not."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A folder with a file."""
        (tmp_path / "a.css").write_text("a")
        return tmp_path

    @pytest.fixture
    def closed(self, make_world: MakeWorld) -> Callable[..., Flask]:
        """The application, whose static folder is decided on before its first request."""

        def make(**settings: Any) -> Flask:
            return make_world(REQUIRE_LOGIN=True, **settings).app

        return make

    def test_the_applications_files(self, closed: Callable[..., Flask], folder: Path) -> None:
        """A style sheet is needed on the login page; one that is missing is just that."""
        app = closed()
        app.static_folder = str(folder)
        assert (200, 404) == (status(app, "/static/a.css"), status(app, "/static/b.css"))

    @pytest.mark.parametrize("nested", [False, True])
    def test_a_blueprints_files(self, closed: Callable[..., Flask], folder: Path, nested: bool) -> None:
        """Also of one inside another, and under the name that it was registered by."""
        app = closed()
        pages = Blueprint("pages", __name__, static_folder=str(folder), static_url_path="/static", url_prefix="/pages")
        pages.add_url_rule("/page", "page", view)
        if nested:
            outer = Blueprint("outer", __name__, url_prefix="/outer")
            outer.register_blueprint(pages, name="inner")
            app.register_blueprint(outer)
        else:
            app.register_blueprint(pages, name="renamed")
        start = "/outer/pages" if nested else "/pages"
        assert (200, 401) == (status(app, f"{start}/static/a.css"), status(app, f"{start}/page"))

    def test_a_blueprints_view_that_is_called_static(self, closed: Callable[..., Flask]) -> None:
        """Is a view like any other where the blueprint has no folder."""
        app = closed()
        pages = Blueprint("pages", __name__)
        pages.add_url_rule("/page", "static", view)
        app.register_blueprint(pages)
        assert "pages.static" in app.view_functions
        assert 401 == status(app, "/page")

    def test_an_applications_view_that_is_called_static(self, password: str) -> None:
        """The same, in an application without a folder."""
        app = Flask("no_folder", static_folder=None)
        app.config.update(SEALED_SESSION_PASSWORD=password, SEALED_SESSION_REQUIRE_LOGIN=True)
        SealedSession().init_app(app)
        app.add_url_rule("/page", "static", view)
        app.add_url_rule("/other", "nobody.static", view)
        app.add_url_rule("/third", "nobody.else.static", view)
        assert [401, 401, 401] == [status(app, path) for path in ("/page", "/other", "/third")]

    def test_names_that_end_alike(self, closed: Callable[..., Flask], folder: Path) -> None:
        """Only ``static`` itself is Flask's."""
        app = closed()
        pages = Blueprint("pages", __name__, static_folder=str(folder))
        for number, name in enumerate(("statics", "my_static", "Static")):
            pages.add_url_rule(f"/{number}", name, view)
            app.add_url_rule(f"/app/{number}", name, view)
        app.register_blueprint(pages)
        assert {401} == {status(app, f"{start}/{number}") for start in ("", "/app") for number in range(3)}

    def test_our_own_file(self, closed: Callable[..., Flask]) -> None:
        """The eager token's script is open, as its page may be."""
        app = closed(ACCESS_TOKEN_COOKIE="eager")
        assert 200 == status(app, "/sealed-session/static/eager-token.js")

    @pytest.mark.parametrize("name", ["sealed_session", "sealed-session"])
    def test_a_blueprint_that_bears_our_name(self, closed: Callable[..., Flask], name: str) -> None:
        """Is closed like any other: the name opens nothing."""
        app = closed()
        pages = Blueprint(name, __name__)
        pages.add_url_rule("/page", "page", view)
        app.register_blueprint(pages)
        assert 401 == status(app, "/page")
