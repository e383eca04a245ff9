"""The extension object: one for many applications, many in one process, factories, blueprints, test clients."""

from __future__ import annotations

import gc
import runpy
import subprocess
import sys
import weakref
from typing import Any

import pytest
from flask import Blueprint, Flask, got_request_exception, render_template_string, session
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

import flask_ext
from flask_ext import SealedSession, current_session, login_required, session_closed, session_opened, session_rejected
from sealed_session import ConfigError, UsageError, UsageTypeError, generate_password
from sealed_session.testing import Clock, FakeProvider, access_token
from tests.web.browser import Browser
from tests.web.conftest import ORIGIN, MakeWorld, World
from tests.web.jar import Context

NAME = "sealed-session"


def make_app(auth: SealedSession, name: str = "app", **settings: Any) -> Flask:
    """An application factory, as in Flask's guide."""
    app = Flask(name)
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    app.config.update(settings)
    auth.init_app(app)

    @app.get("/in/<name>")
    def sign_in(name: str) -> str:
        auth.sign_in(access_token=access_token(expires_at=None, sub=name), user={"id": name})
        return "ok"

    @app.get("/")
    def home() -> str:
        return str(current_session.user.get("id"))

    return app


class TestInitApp:
    """Setting an application up."""

    def test_a_second_time_is_refused(self) -> None:
        """By the same extension or another one."""
        auth = SealedSession()
        app = make_app(auth)
        for again in (auth, SealedSession()):
            with pytest.raises(UsageError) as caught:
                again.init_app(app)
            assert "already_initialised" == caught.value.code

    def test_a_wrong_configuration_changes_nothing(self) -> None:
        """After mending it, init_app may be called again."""
        app, auth = Flask("app"), SealedSession()
        with pytest.raises(ConfigError):
            auth.init_app(app)
        app.config["SEALED_SESSION_PASSWORD"] = generate_password()
        auth.init_app(app)

    def test_without_it_the_error_says_what_to_do(self) -> None:
        """For whoever reads the session and for every act."""
        app, auth = Flask("forgotten"), SealedSession()
        with app.test_request_context():
            for act in (auth.sign_out, auth.refresh, lambda: current_session.user):
                with pytest.raises(UsageError, match="init_app") as caught:
                    act()
                assert "not_initialised" == caught.value.code

    @pytest.mark.parametrize("provider", [Flask("app"), FakeProvider, "workos", 5])
    def test_the_provider_is_a_provider(self, provider: Any) -> None:
        """Not the application, which comes with init_app, nor a class that was not called."""
        with pytest.raises(UsageTypeError):
            SealedSession(provider)

    def test_clock_and_app_are_judged_too(self) -> None:
        """At the call."""
        with pytest.raises(UsageTypeError):
            SealedSession(clock=5)  # type: ignore[arg-type]
        with pytest.raises(UsageTypeError):
            SealedSession().init_app("app")  # type: ignore[arg-type]

    def test_the_cookies_policy_is_the_current_applications(self) -> None:
        """For whoever sets cookies beside ours."""
        auth = SealedSession()
        app = make_app(auth, SEALED_SESSION_COOKIE_NAME="mine")
        with app.app_context():
            assert "mine" == auth.cookie.name

    def test_it_keeps_no_application_alive(self) -> None:
        """The extension is a global; applications come and go."""
        auth = SealedSession()
        app = make_app(auth)
        assert "None" == app.test_client().get("/").text
        gone = weakref.ref(app)
        del app
        gc.collect()
        assert gone() is None

    def test_it_leaves_no_receiver_behind(self) -> None:
        """Of a process that makes and drops many applications, as test suites do."""
        before = len(got_request_exception.receivers)
        for _ in range(5):
            make_app(SealedSession())
        gc.collect()
        assert before >= len(got_request_exception.receivers)

    def test_an_error_outside_a_request_is_none_of_its_business(self) -> None:
        """Whoever sends Flask's signal by hand is not disturbed."""
        app = make_app(SealedSession())
        with app.app_context():
            got_request_exception.send(app, exception=ValueError())

    def test_a_view_without_its_guard_is_told_with_the_first_response(self, caplog: pytest.LogCaptureFixture) -> None:
        """Once: the decorators stand in the wrong order."""
        app = make_app(SealedSession())
        login_required(app.view_functions["home"])
        client = app.test_client()
        for _ in range(2):
            client.get("/")
        assert 1 == caplog.text.count("the view 'home' is open to everybody")

    def test_next_stays_in_the_application(self) -> None:
        """Below a script root too, where another application may be at the root."""
        auth = SealedSession()
        app = make_app(auth)
        for root, target, expected in (
            ("", "/a?b=c", "/a?b=c"),
            ("", "//evil.org", "/"),
            ("/sub", "/sub/a", "/sub/a"),
            ("/sub", "/other", "/sub/"),
            ("/sub", None, "/sub/"),
        ):
            query = {} if target is None else {"next": target}
            with app.test_request_context("/login", base_url=f"https://example.com{root}", query_string=query):
                assert expected == auth.next_url()

    def test_without_flask_the_error_names_the_extra(self) -> None:
        """When somebody has installed the core alone."""
        code = "import sys; sys.modules['flask'] = None; import flask_ext"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.stderr.rstrip().endswith("ImportError: flask_ext needs Flask: pip install 'sealed-session[flask]'")

    @pytest.mark.usefixtures("pythons_own_import")
    def test_without_flask_nothing_else_is_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same, in this process."""
        monkeypatch.setitem(sys.modules, "flask", None)
        with pytest.raises(ImportError, match="sealed-session\\[flask\\]"):
            runpy.run_path(flask_ext.__file__)


class TestManyApplications:
    """In one process."""

    def test_one_extension_serves_several(self) -> None:
        """Each with its own settings, and no cookie of one opens in the other."""
        auth = SealedSession()
        one, other = make_app(auth, "one"), make_app(auth, "other")
        first, second = one.test_client(), other.test_client()
        first.get("/in/ada")
        second.get("/in/bea")
        assert ("ada", "bea") == (first.get("/").text, second.get("/").text)
        cookie = first.get_cookie(NAME)
        assert cookie is not None
        second.set_cookie(NAME, cookie.value)
        assert "None" == second.get("/").text

    def test_applications_mounted_in_one_another_share_an_environ_and_nothing_else(self) -> None:
        """The outer one has looked at its session before the inner one is asked."""
        outer, inner = make_app(SealedSession(), "outer"), make_app(SealedSession(), "inner")

        class Looking:
            """Middleware of the outer application, within one request of its own."""

            def __call__(self, environ: Any, start_response: Any) -> Any:
                with outer.request_context(environ):
                    assert "None" == str(current_session.user.get("id"))
                    return list(inner.wsgi_app(environ, start_response))

        clock = Clock()
        browser = Browser(DispatcherMiddleware(outer, {"/inner": Looking()}), clock)
        browser.get(f"{ORIGIN}/inner/in/ivy")
        assert "ivy" == browser.get(f"{ORIGIN}/inner/").text

    def test_test_clients_under_an_outer_application_context_do_not_share_people(self) -> None:
        """Where ``g`` is one for all requests, as in many test suites."""
        app = make_app(SealedSession())
        with app.app_context():
            ada, stranger = app.test_client(), app.test_client()
            ada.get("/in/ada")
            assert ("ada", "None", "ada") == (ada.get("/").text, stranger.get("/").text, ada.get("/").text)

    def test_a_kept_request_context_is_one_request(self) -> None:
        """``with client:`` lets a test look at the session after the response."""
        client = make_app(SealedSession()).test_client()
        with client:
            client.get("/in/ada")
            assert "ada" == current_session.user["id"]
            client.get("/")
            assert "ada" == current_session.user["id"]

    @pytest.mark.row("WO-5")
    def test_WO_5_sub_domains_share_one_cookie(self) -> None:  # noqa: N802
        """Two applications with one password, name and Domain; either opens what the other set."""
        shared = {
            "SEALED_SESSION_PASSWORD": generate_password(),
            "SEALED_SESSION_COOKIE_DOMAIN": "example.com",
        }
        apps = {f"{name}.example.com": make_app(SealedSession(), name, **shared) for name in ("app", "dashboard")}
        browser = Browser(apps, Clock())
        browser.get("https://app.example.com/in/ada")
        assert "ada" == browser.get("https://dashboard.example.com/").text
        browser.get("https://dashboard.example.com/in/bea")
        assert "bea" == browser.get("https://app.example.com/").text
        assert ([], 1) == (browser.refused, len(browser.jar.cookies()))

    @pytest.mark.row("WO-5")
    def test_WO_5_host_only_is_the_default(self) -> None:  # noqa: N802
        """A sibling host is not told."""
        password = {"SEALED_SESSION_PASSWORD": generate_password()}
        apps = {f"{name}.example.com": make_app(SealedSession(), name, **password) for name in ("app", "dashboard")}
        browser = Browser(apps, Clock())
        browser.get("https://app.example.com/in/ada")
        assert "None" == browser.get("https://dashboard.example.com/").text

    @pytest.mark.row("WO-5")
    def test_WO_5_a_host_outside_the_domain_is_warned_of_once(  # noqa: N802
        self, make_world: MakeWorld, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No browser would keep the cookie there."""
        world = make_world(COOKIE_DOMAIN="example.com")
        world.get("/who")
        assert "" == caplog.text
        for _ in range(2):
            world.browser.get("https://other.org/sign-in")
        assert 1 == caplog.text.count("'other.org'")
        assert [(NAME, "domain_mismatch")] * 2 == world.browser.refused


class TestSecure:
    """WO-3 and WO-4, by the honest jar."""

    @pytest.mark.row("WO-3")
    @pytest.mark.parametrize(
        ("origin", "secure"),
        [
            ("https://app.example.com", True),
            ("https://localhost", True),
            ("http://localhost:5000", False),
            ("http://127.0.0.1:5000", False),
            ("http://127.9.9.9", False),
            ("http://[::1]:5000", False),
        ],
    )
    def test_WO_3_secure_by_scheme_and_host(self, world: World, origin: str, secure: bool) -> None:  # noqa: N802
        """On for https, off for http on this machine; everywhere the browser keeps the cookie."""
        world.browser.get(f"{origin}/sign-in")
        assert secure == world.browser.jar.get(NAME).secure
        assert "user_1" == world.browser.get(f"{origin}/who").text

    @pytest.mark.row("WO-3")
    def test_WO_3_it_is_never_silently_off_elsewhere(  # noqa: N802
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Over http the browser drops the cookie, and the log says so, once."""
        for _ in range(2):
            world.browser.get("http://app.example.com/sign-in")
        assert [(NAME, "secure_over_http")] * 2 == world.browser.refused
        assert 1 == caplog.text.count("Secure cookie was set over http")

    @pytest.mark.row("WO-3")
    def test_WO_3_on_this_machine_nothing_is_warned_of(  # noqa: N802
        self, make_world: MakeWorld, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With Secure, which some browsers take there, and without it."""
        for settings in ({}, {"COOKIE_SECURE": True}):
            make_world(**settings).browser.get("http://localhost:5000/sign-in")
        assert "" == caplog.text

    @pytest.mark.row("WO-3")
    def test_WO_3_a_proxy_that_hides_the_host_is_warned_of(  # noqa: N802
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """One that asks by http for localhost, whatever people typed, would take Secure off unseen."""
        for _ in range(2):
            world.browser.get("http://127.0.0.1:8000/sign-in", headers={"X-Forwarded-For": "203.0.113.9"})
        assert 1 == caplog.text.count("SEALED_SESSION_COOKIE_SECURE = True")

    @pytest.mark.row("WO-3")
    def test_WO_3_behind_a_proxy_the_applications_proxy_fix_decides(self, world: World) -> None:  # noqa: N802
        """X-Forwarded-Proto alone is anybody's word."""
        headers = {"X-Forwarded-Proto": "http"}
        world.browser.get("https://localhost/sign-in", headers=headers)
        assert world.browser.jar.get(NAME).secure
        fixed = Browser(ProxyFix(world.app, x_proto=1), world.clock)
        fixed.get("http://localhost/sign-in", headers={"X-Forwarded-Proto": "https"})
        assert fixed.jar.get(NAME).secure

    @pytest.mark.row("WO-4")
    @pytest.mark.row("WO-21")
    @pytest.mark.parametrize(
        ("same_site", "link", "form", "frame", "same"),
        [
            ("Lax", True, False, False, True),
            ("Strict", False, False, False, True),
            ("None", True, True, True, True),
        ],
    )
    def test_WO_21_where_the_cookie_is_sent(  # noqa: N802
        self, make_world: MakeWorld, same_site: str, link: bool, form: bool, frame: bool, same: bool
    ) -> None:
        """From another site: by a link, a form, in a frame; and from a sibling host."""
        world = make_world(COOKIE_SAMESITE=same_site, COOKIE_SECURE=True)
        world.get("/sign-in")
        assert same_site == world.browser.jar.get(NAME).same_site
        other, sibling = "https://evil.org/", "https://www.example.com/"
        world.act = lambda: str(current_session.reason)
        known = [
            world.browser.get(f"{ORIGIN}/do", context=Context.link_on(other)),
            world.browser.post(f"{ORIGIN}/do", context=Context.link_on(other)),
            world.browser.get(f"{ORIGIN}/do", context=Context.frame_on(other)),
            world.browser.post(f"{ORIGIN}/do", context=Context.link_on(sibling)),
        ]
        assert [link, form, frame, same] == [response.text == "None" for response in known]

    @pytest.mark.row("WO-4")
    def test_WO_4_none_without_secure_is_refused_at_start_up(self, make_world: MakeWorld) -> None:  # noqa: N802
        """Browsers would drop it."""
        with pytest.raises(ConfigError, match="samesite_none_insecure"):
            make_world(COOKIE_SAMESITE="None")

    @pytest.mark.parametrize("name", ["__Host-session", "__Secure-session", "__Host-Http-session", "__Http-session"])
    def test_prefixes_are_kept_by_browsers(self, make_world: MakeWorld, name: str) -> None:
        """Set and cleared; on localhost over http too, by those that take Secure there."""
        world = make_world(COOKIE_NAME=name, COOKIE_SECURE=True)
        for origin in (ORIGIN, "http://localhost:5000"):
            world.browser.get(f"{origin}/sign-in")
            assert "user_1" == world.browser.get(f"{origin}/who").text
            world.browser.get(f"{origin}/sign-out")
            assert ([], []) == (world.browser.jar.cookies(), world.browser.refused)

    @pytest.mark.row("WO-1")
    def test_WO_1_one_cookie_under_its_name_always_http_only(self, make_world: MakeWorld) -> None:  # noqa: N802
        """With both tokens, the user and the impersonator in it, and none of them to be read."""
        world = make_world(COOKIE_NAME="wos-session")
        values = world.provider.sign_in()
        world.do(lambda: world.auth.sign_in(**values, impersonator={"email": "support@example.com"}))
        (cookie,) = world.browser.jar.cookies()
        assert ("wos-session", True) == (cookie.name, cookie.http_only)
        assert "" == world.browser.jar.script_cookies(ORIGIN)
        assert values["refresh_token"] not in cookie.value
        world.act = lambda: {"user": current_session.user, "impersonator": current_session.impersonator}
        assert {"user": values["user"], "impersonator": {"email": "support@example.com"}} == world.get("/do").json

    def test_a_path_keeps_the_cookie_to_itself(self) -> None:
        """Set, sent and cleared below it."""
        app = make_app(SealedSession(), SEALED_SESSION_COOKIE_PATH="/in")
        browser = Browser(app, Clock())
        browser.get(f"{ORIGIN}/in/ada")
        assert ("None", "/in") == (browser.get(f"{ORIGIN}/").text, browser.jar.get(NAME).path)

    def test_a_partitioned_cookie_is_kept_by_the_embedding_site(self, make_world: MakeWorld) -> None:
        """Signed in within a frame of one site, and nobody within that of another."""
        world = make_world(COOKIE_PARTITIONED=True, COOKIE_SECURE=True, COOKIE_SAMESITE="None")
        one, other = (Context.frame_on(f"https://{name}.org/") for name in ("one", "other"))
        world.get("/sign-in", context=one)
        assert ("user_1", "nobody: missing") == (
            world.get("/who", context=one).text,
            world.get("/who", context=other).text,
        )
        world.get("/sign-out", context=one)
        assert [] == world.browser.jar.cookies()


class TestAround:
    """Beside the other parts of an application."""

    def test_blueprints(self, password: str) -> None:
        """Their hooks and views see the same session."""
        auth, app = SealedSession(), Flask("app")
        app.config["SEALED_SESSION_PASSWORD"] = password
        auth.init_app(app)
        blueprint = Blueprint("members", __name__, url_prefix="/members")
        seen: list[bool] = []

        @blueprint.before_request
        def look() -> None:
            seen.append(bool(current_session))

        @blueprint.get("/")
        @login_required
        def members() -> str:
            return str(current_session.user["id"])

        @blueprint.get("/in")
        def sign_in() -> str:
            auth.sign_in(access_token="t", user={"id": "ada"})
            return "ok"

        app.register_blueprint(blueprint)
        client = app.test_client()
        assert 401 == client.get("/members/").status_code
        client.get("/members/in")
        assert ("ada", [False, False, True]) == (client.get("/members/").text, seen)

    def test_flasks_own_session_goes_on_beside_it(self, world: World) -> None:
        """Each has a cookie of its own."""
        world.app.secret_key = "test data"

        def both() -> str:
            session["mine"] = 1
            world.auth.sign_in(**world.provider.sign_in())
            return "ok"

        assert {"session", NAME} == set(world.cookies(world.do(both)))

    def test_templates_know_who_is_signed_in(self, world: World) -> None:
        """And a template that does not ask costs nothing."""
        world.get("/sign-in")
        template = "{% if current_session %}{{ current_session.user.first_name }}{% else %}nobody{% endif %}"
        world.act = lambda: render_template_string(template)
        assert "Ada" == world.get("/do").text
        world.act = lambda: render_template_string("static")
        assert None is world.get("/do").headers.get("Vary")

    def test_signals(self, world: World) -> None:
        """Their sender is the application."""
        seen: list[tuple[str, list[str]]] = []

        def opened(app: Flask, **facts: Any) -> None:
            seen.append((app.name, sorted(facts)))

        with (
            session_opened.connected_to(opened, world.app),
            session_closed.connected_to(opened, world.app),
            session_rejected.connected_to(opened, world.app),
        ):
            world.get("/sign-in")
            world.get("/who")
            world.get("/sign-out")
            world.get("/who")
            world.browser.jar.store(f"{NAME}=garbage; Secure", ORIGIN)
            world.get("/who")
        assert [("world", ["session", "started_at"]), ("world", ["session"]), ("world", ["reason"])] == seen

    def test_the_environ_shows_no_token(self, world: World) -> None:
        """Error reporters write it down."""
        values = world.provider.sign_in()

        def act() -> str:
            from flask import request

            world.auth.sign_in(**values)
            return repr({key: value for key, value in request.environ.items() if key.startswith("sealed_session")})

        shown = world.do(act).text
        assert "sealed_session" in shown
        for secret in (values["access_token"], values["refresh_token"]):
            assert secret not in shown

    def test_a_host_header_that_is_nothing_harms_nobody(self, world: World) -> None:
        """Whatever stands in it."""
        client = world.app.test_client()
        for host in ("", "bad host", "a;b", "[::1", "x" * 300, "host:port"):
            response = client.get("/sign-in", headers={"Host": host})
            assert response.status_code in (200, 400)
            for line in response.headers.getlist("Set-Cookie"):
                assert "Domain" not in line
            assert client.get("/sign-out", headers={"Host": host}).status_code in (200, 400)

    def test_an_error_page_for_a_host_that_is_not_trusted_may_ask(self, make_world: MakeWorld) -> None:
        """The host cannot be asked for then, and nobody is signed in there."""
        world = make_world(COOKIE_DOMAIN="example.com")
        world.app.config["TRUSTED_HOSTS"] = ["app.example.com"]
        world.app.register_error_handler(400, lambda _error: (str(current_session.reason), 400))
        response = world.browser.get("https://evil.org/who")
        assert (400, "missing") == (response.status_code, response.text)

    def test_trusted_hosts_go_before_us(self, world: World) -> None:
        """Flask answers 400, and the cookie is not looked at."""
        world.app.config["TRUSTED_HOSTS"] = ["app.example.com"]
        assert (200, 400) == (
            world.get("/sign-in").status_code,
            world.browser.get("https://evil.org/who").status_code,
        )
