"""Companion cookies: the eager token."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Response, redirect, render_template_string
from werkzeug.test import TestResponse

import flask_ext
from flask_ext import companions, current_session
from sealed_session import UsageError
from tests.programs import needs_node, node
from tests.web.conftest import ORIGIN, MakeWorld, World

NAME = "workos-access-token"
DOCUMENT = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
SCRIPT = Path(flask_ext.__file__).parent / "static" / "eager-token.js"


@pytest.fixture
def eager(make_world: MakeWorld) -> World:
    """An application with the eager token, and somebody signed in."""
    world = make_world(ACCESS_TOKEN_COOKIE=NAME)
    world.do(lambda: world.auth.sign_in(**world.provider.sign_in()), "POST")
    return world


@pytest.mark.row("WO-8")
def test_WO_8_a_document_brings_it(eager: World) -> None:  # noqa: N802
    """For 30 seconds, readable by JavaScript, for the whole host, never cached."""
    response = eager.get("/private")
    (cookie,) = (cookie for cookie in eager.browser.jar.cookies() if cookie.name == NAME)
    assert (eager.clock.now + 30, False, True, "/", True, "Lax") == (
        cookie.expires_at,
        cookie.http_only,
        cookie.secure,
        cookie.path,
        cookie.host_only,
        cookie.same_site,
    )
    eager.act = lambda: current_session.access_token
    assert cookie.value == eager.get("/do").text
    assert "private, no-store" == response.headers["Cache-Control"]
    assert f"{NAME}={cookie.value}" in eager.browser.jar.script_cookies(ORIGIN)
    eager.clock.advance(31)
    assert NAME not in eager.browser.jar


@pytest.mark.row("WO-8")
@pytest.mark.parametrize(
    ("headers", "brings"),
    [
        ({"Sec-Fetch-Dest": "document"}, True),
        ({"Sec-Fetch-Dest": "empty"}, False),
        ({"Sec-Fetch-Dest": "iframe"}, False),
        ({"Sec-Fetch-Dest": "image", "Accept": "text/html"}, False),
        ({"Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch"}, False),
        ({"Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch;prerender"}, False),
        ({"Sec-Fetch-Dest": "document", "Purpose": "prefetch"}, False),
        ({"Accept": "text/html,*/*;q=0.8"}, True),
        ({"Accept": "text/html", "X-Moz": "prefetch"}, False),
        ({"Accept": "*/*"}, False),
        ({}, False),
    ],
)
def test_WO_8_only_on_document_navigations(  # noqa: N802
    eager: World, headers: dict[str, str], brings: bool
) -> None:
    """By Sec-Fetch-Dest where the browser sends it, by Accept where it is an old one."""
    client = eager.app.test_client(use_cookies=False)
    cookie = eager.browser.jar.header(f"{ORIGIN}/private")
    response = client.get("/private", base_url=ORIGIN, headers={"Cookie": cookie, **headers})
    assert brings == (NAME in eager.cookies(response))


@pytest.mark.row("WO-8")
def test_WO_8_only_with_somebody_signed_in_and_a_page(make_world: MakeWorld, eager: World) -> None:  # noqa: N802
    """Not for strangers, not with JSON, not with a redirect, not where nobody looked at the session."""
    stranger = make_world(ACCESS_TOKEN_COOKIE=NAME)
    assert [] == stranger.cookies(stranger.get("/who"))

    def looking(answer: Any) -> Any:
        return lambda: (bool(current_session), answer)[1]

    for act in (looking({"a": 1}), looking(redirect("/")), lambda: "not looked"):
        assert [] == eager.cookies(eager.do(act))
    assert [NAME] == eager.cookies(eager.do(looking("a page")))


@pytest.mark.row("WO-8")
def test_WO_8_it_is_never_cached(eager: World) -> None:  # noqa: N802
    """Not by the browser either, whatever the view said; a page without it is the view's to decide about."""

    def act() -> Response:
        bool(current_session)
        return Response("a page", headers={"Cache-Control": "max-age=600"}, mimetype="text/html")

    assert "no-store" in eager.do(act).headers["Cache-Control"]
    quiet = eager.browser.fetch(f"{ORIGIN}/do")
    assert "no-store" not in quiet.headers["Cache-Control"]


@pytest.mark.row("WO-8")
def test_WO_8_an_error_page_does_not_keep_it(eager: World) -> None:  # noqa: N802
    """What the first response would have carried is not in the one that replaces it, where nobody is signed in."""

    def late(_response: Response) -> Response:
        eager.late = None
        raise ZeroDivisionError

    def sign_out() -> Response:
        eager.auth.sign_out()
        return Response("out", mimetype="text/html")

    eager.late, eager.on_error = late, sign_out
    eager.get("/private")
    assert [] == eager.browser.jar.cookies()


@pytest.mark.row("WO-8")
def test_WO_8_signing_out_clears_it(eager: World) -> None:  # noqa: N802
    """With the session."""
    eager.get("/private")
    eager.get("/sign-out")
    assert [] == eager.browser.jar.cookies()


@pytest.mark.row("WO-8")
def test_WO_8_a_refreshed_token_is_the_one_that_is_brought(eager: World) -> None:  # noqa: N802
    """Never the one that has just ended."""
    eager.clock.advance(400)
    response = eager.get("/private")
    assert ["sealed-session", NAME] == eager.cookies(response)
    brought = eager.browser.jar.get(NAME).value
    eager.act = lambda: current_session.access_token
    assert brought == eager.get("/do").text


@pytest.mark.parametrize("token", ["with space", "a;b"])
def test_a_token_that_no_cookie_can_carry_is_left_out(
    eager: World, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    """With a line in the log, and without the token in it."""
    caplog.set_level(logging.INFO)

    def act() -> str:
        eager.auth.sign_in(access_token=token)
        return "a page"

    assert {"sealed-session"} == set(eager.cookies(eager.do(act)))
    assert "bad_cookie_value" in caplog.text
    assert token not in caplog.text


def test_what_browsers_would_drop_is_left_out(eager: World, caplog: pytest.LogCaptureFixture) -> None:
    """With a line in the log, in which nothing of it stands; nor does it in the cookie's repr."""
    policy = eager.app.extensions["sealed_session"].config.eager
    cookies = [companions.Cookie(policy, "t" * length) for length in (4093 - len(NAME), 4092 - len(NAME))]
    (line,) = companions.lines(cookies, "https", "app.example.com", logging.getLogger().warning)
    assert line.startswith(f"{NAME}={'t' * (4092 - len(NAME))};")
    assert "4094 characters" in caplog.text
    assert "ttt" not in f"{caplog.text}{cookies[0]!r}"


class TestScript:
    """The template helper, the file and what the script does."""

    def page(self, world: World, template: str = "{{ eager_token_script() }}") -> TestResponse:
        """Render a template as a page."""
        return world.do(lambda: render_template_string(template))

    @pytest.mark.row("WO-8")
    def test_WO_8_the_helper_brings_the_token(self, eager: World) -> None:  # noqa: N802
        """The page need not look at the session itself."""
        response = self.page(eager)
        assert [NAME] == eager.cookies(response)
        assert (
            '<script src="/sealed-session/static/eager-token.js" '
            f'data-clear="{NAME}=; Path=/; Max-Age=0; Secure; SameSite=Lax"></script>'
        ) == response.text

    def test_it_takes_a_nonce(self, eager: World) -> None:
        """Escaped, as everything in a template is."""
        page = self.page(eager, """{{ eager_token_script(nonce='a"b') }}""").text
        assert 'nonce="a&#34;b"' in page

    def test_without_the_setting_it_says_so(self, world: World) -> None:
        """Instead of a page whose script finds nothing."""

        def act() -> str:
            with pytest.raises(UsageError) as caught:
                render_template_string("{{ eager_token_script() }}")
            return caught.value.code

        assert "no_eager_token" == world.do(act).text
        assert 404 == world.get("/sealed-session/static/eager-token.js").status_code

    def test_the_file_is_served_and_stays_cacheable(self, eager: World) -> None:
        """As JavaScript, and without a cookie of ours."""
        response = eager.get("/sealed-session/static/eager-token.js")
        assert (200, "text/javascript", []) == (response.status_code, response.mimetype, eager.cookies(response))
        assert "no-store" not in response.headers["Cache-Control"]
        assert SCRIPT.read_text() == response.text

    @needs_node
    @pytest.mark.row("WO-8")
    def test_WO_8_the_script_reads_once_and_deletes(self, tmp_path: Path) -> None:  # noqa: N802
        """Run by Node on a document that behaves as one: the token is handed over once and the cookie deleted."""
        harness = tmp_path / "harness.js"
        harness.write_text(HARNESS)
        printed = node(str(harness), str(SCRIPT))
        assert ["a.b.c", "null", f"{NAME}=; Path=/; Max-Age=0; Secure; SameSite=Lax", "null", "", "null", ""] == (
            printed.splitlines()
        )


HARNESS = f"""
const {{ readFileSync }} = require("node:fs");
const vm = require("node:vm");
const script = readFileSync(process.argv[2], "utf8");
function run(cookies) {{
  const written = [];
  const document = {{
    currentScript: {{ dataset: {{ clear: "{NAME}=; Path=/; Max-Age=0; Secure; SameSite=Lax" }} }},
    get cookie() {{ return cookies; }},
    set cookie(line) {{ written.push(line); }},
  }};
  const window = {{}};
  vm.runInNewContext(script, {{ document, window, Object }});
  return [window.sealedSession, written];
}}
const [session, written] = run("x-{NAME}=no; {NAME}=a.b.c; {NAME}2=no");
console.log(String(session.takeAccessToken()));
console.log(String(session.takeAccessToken()));
console.log(written.join("|"));
for (const cookies of ["", "{NAME}2=no"]) {{
  const [none, nothing] = run(cookies);
  console.log(String(none.takeAccessToken()));
  console.log(nothing.join("|"));
}}
"""
