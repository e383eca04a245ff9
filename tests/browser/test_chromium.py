"""What the extension promises, kept in a real browser: nothing here asks our own jar."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, render_template_string

from flask_ext import SealedSession, current_session, login_required
from sealed_session.testing import Clock, FakeProvider
from tests.browser.chromium import Chromium, Message, Tab
from tests.browser.servers import Web
from tests.programs import needs_chromium

pytestmark = needs_chromium

APP = "app.example.com"
DASHBOARD = "dashboard.example.com"
EVIL = "https://evil.org/"
NAME = "sealed-session"
EAGER = "workos-access-token"
YEAR_AND_MORE = 400 * 86_400

MakeApp = Callable[..., Flask]


@pytest.fixture
def clock() -> Clock:
    """The applications' clock: right at first, as Chromium's is."""
    return Clock(int(time.time()))


@pytest.fixture
def provider(clock: Clock) -> FakeProvider:
    """The applications' provider."""
    return FakeProvider(clock)


@pytest.fixture
def make_app(web: Web, clock: Clock, provider: FakeProvider, password: str) -> MakeApp:
    """Let a new application answer at a host; settings without their prefix."""

    def make(host: str = APP, **settings: Any) -> Flask:
        app, auth = Flask("browser"), SealedSession(provider, clock=clock)
        app.config["SEALED_SESSION_PASSWORD"] = password
        app.config.update({f"SEALED_SESSION_{key}": value for key, value in settings.items()})
        auth.init_app(app)
        add_views(app, auth, provider)
        web.apps[host] = app
        return app

    return make


def add_views(app: Flask, auth: SealedSession, provider: FakeProvider) -> None:
    """In, out, and who it is."""

    @app.route("/in", methods=["GET", "POST"])
    def sign_in() -> str:
        auth.sign_in(**provider.sign_in(), extra={"padding": app.config.get("PADDING", "")})
        return "in"

    @app.route("/out", methods=["GET", "POST"])
    def sign_out() -> str:
        auth.sign_out()
        return "out"

    @app.route("/who", methods=["GET", "POST"])
    def who() -> str:
        return str(current_session.user["id"]) if current_session else f"nobody: {current_session.reason}"

    @app.get("/private")
    @login_required
    def private() -> str:
        return "private"

    @app.get("/page")
    def page() -> Response:
        nonce = secrets.token_urlsafe(16)
        response = app.make_response(render_template_string(PAGE, nonce=nonce))
        policy = f"default-src 'none'; connect-src 'self'; img-src 'self'; frame-src 'self'; script-src 'nonce-{nonce}'"
        response.headers["Content-Security-Policy"] = policy
        return response


PAGE = """<!doctype html><title>page</title><body>
{{ eager_token_script(nonce=nonce) }}
<script nonce="{{ nonce }}">
    window.taken = [1, 2].map(() => window.sealedSession.takeAccessToken());
    window.after = document.cookie;
</script>
<script>window.without = "a nonce";</script>"""


def see(web: Web, tab: Tab, url: str) -> str:
    """Type an address and read the page."""
    tab.open(web.url(url))
    text: str = tab.run("return document.body.innerText")
    return text


def held(tab: Tab) -> list[tuple[str, str]]:
    """Name and domain of every cookie; the domain begins with a dot where it is shared."""
    return sorted((cookie["name"], cookie["domain"]) for cookie in tab.browser.cookies())


def only_cookie(tab: Tab) -> Message:
    """The one cookie that there is."""
    (cookie,) = tab.browser.cookies()
    return cookie


@pytest.mark.row("WO-1")
@pytest.mark.row("WO-2")
@pytest.mark.row("WO-3")
@pytest.mark.row("WO-4")
def test_WO_2_the_cookie_as_chromium_holds_it(web: Web, tab: Tab, make_app: MakeApp) -> None:  # noqa: N802
    """With the defaults: for the host alone, Secure, HttpOnly, Lax, for 400 days to the second."""
    make_app()
    assert "in" == see(web, tab, f"https://{APP}/in")
    cookie = only_cookie(tab)
    assert (NAME, APP, "/", True, True, "Lax", False) == tuple(
        cookie[key] for key in ("name", "domain", "path", "secure", "httpOnly", "sameSite", "session")
    )
    assert pytest.approx(time.time() + YEAR_AND_MORE, abs=20) == cookie["expires"]
    assert "user_1" == see(web, tab, f"https://{APP}/who")


@pytest.mark.row("WO-2")
def test_WO_2_chromium_keeps_none_longer(web: Web, tab: Tab) -> None:  # noqa: N802
    """400 days are its cap, and so our default is all that can be had."""
    tab.open(web.url(EVIL, set=f"a=b; Max-Age={YEAR_AND_MORE * 2}"))
    assert pytest.approx(time.time() + YEAR_AND_MORE, abs=20) == only_cookie(tab)["expires"]


@pytest.mark.row("WO-2")
def test_WO_2_the_browser_is_closed(web: Web, make_app: MakeApp, tmp_path: Path) -> None:  # noqa: N802
    """And opened again: with the defaults the person is known, with Max-Age None no more."""
    make_app()
    make_app(DASHBOARD, COOKIE_MAX_AGE=None)
    hosts = (f"https://{APP}", f"https://{DASHBOARD}")
    with Chromium(tmp_path / "profile") as browser:
        tab = browser.tab()
        assert ["in", "in"] == [see(web, tab, f"{host}/in") for host in hosts]
    with Chromium(tmp_path / "profile") as browser:
        tab = browser.tab()
        assert ["user_1", "nobody: missing"] == [see(web, tab, f"{host}/who") for host in hosts]


@pytest.mark.row("WO-3")
@pytest.mark.parametrize(
    ("origin", "secure"),
    [
        ("http://localhost", False),
        ("http://127.0.0.1", False),
        ("http://127.9.9.9", False),
        ("http://[::1]", False),
        ("http://app.localhost", True),
        ("https://localhost", True),
        ("https://app.example.com", True),
    ],
)
def test_WO_3_signed_in_and_remembered(  # noqa: N802
    web: Web, tab: Tab, make_app: MakeApp, origin: str, secure: bool
) -> None:
    """With the defaults, by https anywhere and by http on this machine."""
    make_app(origin.partition("//")[2])
    see(web, tab, f"{origin}/in")
    assert secure == only_cookie(tab)["secure"]
    assert "user_1" == see(web, tab, f"{origin}/who")
    see(web, tab, f"{origin}/out")
    assert [] == tab.browser.cookies()


@pytest.mark.row("WO-3")
def test_WO_3_http_elsewhere_is_no_session(web: Web, tab: Tab, make_app: MakeApp) -> None:  # noqa: N802
    """Secure is not left out there, so that the browser drops the cookie and nobody reads it on the way."""
    make_app()
    see(web, tab, f"http://{APP}/in")
    assert [] == tab.browser.cookies()


@pytest.mark.row("WO-3")
@pytest.mark.parametrize("name", ["__Host-session", "__Secure-session", "__Host-Http-session", "__Http-session"])
@pytest.mark.parametrize("origin", ["http://localhost", "https://app.example.com"])
def test_WO_3_prefixes(web: Web, tab: Tab, make_app: MakeApp, name: str, origin: str) -> None:  # noqa: N802
    """Taken and cleared, on this machine by http as well."""
    make_app(origin.partition("//")[2], COOKIE_NAME=name, COOKIE_SECURE=True)
    see(web, tab, f"{origin}/in")
    assert (name, True) == (only_cookie(tab)["name"], only_cookie(tab)["secure"])
    assert "user_1" == see(web, tab, f"{origin}/who")
    see(web, tab, f"{origin}/out")
    assert [] == tab.browser.cookies()


@pytest.mark.row("WO-1")
def test_WO_1_no_script_gets_at_it(web: Web, tab: Tab, make_app: MakeApp) -> None:  # noqa: N802
    """Neither reads nor deletes nor replaces it."""
    make_app()
    see(web, tab, f"https://{APP}/in")
    before = only_cookie(tab)
    script = f"""
        document.cookie = '{NAME}=forged; Path=/; Secure';
        document.cookie = '{NAME}=; Path=/; Max-Age=0; Secure';
        return [document.cookie, (await cookieStore.getAll()).length];
    """
    assert ["", 0] == tab.run(script)
    assert before == only_cookie(tab)


@pytest.mark.row("WO-16")
def test_WO_16_the_largest_cookie_is_kept(web: Web, tab: Tab, make_app: MakeApp) -> None:  # noqa: N802
    """As good as the most that the sealer lets through, which is 4093 characters with name and equals sign."""
    app = make_app()
    least, most = 0, 4000
    client, padding = app.test_client(use_cookies=False), secrets.token_hex(4000)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.logger.disabled = True
    while most - least > 1:
        middle = (least + most) // 2
        app.config["PADDING"] = padding[:middle]
        fits = 200 == client.get("/in", base_url=f"https://{APP}").status_code
        least, most = (middle, most) if fits else (least, middle)
    app.config["PADDING"] = padding[: least - 24]  # how well a session packs differs by a few bytes
    see(web, tab, f"https://{APP}/in")
    assert 4030 <= len(NAME) + 1 + len(only_cookie(tab)["value"]) <= 4093
    assert "user_1" == see(web, tab, f"https://{APP}/who")


@pytest.mark.row("WO-16")
@pytest.mark.parametrize(("length", "kept"), [(4093, True), (4096, True), (4097, True), (4098, False)])
def test_WO_16_where_chromium_ends(web: Web, tab: Tab, length: int, kept: bool) -> None:  # noqa: N802
    """At 4096 without the equals sign: our 4093, which count it, are well inside."""
    tab.open(web.url(EVIL, set=f"name={'v' * (length - 5)}; Path=/; Secure"))
    assert kept == bool(tab.browser.cookies())


@pytest.mark.row("WO-6")
def test_WO_6_two_applications_share_a_session(  # noqa: N802
    web: Web, tab: Tab, make_app: MakeApp, clock: Clock, provider: FakeProvider
) -> None:
    """Either opens it, either refreshes it, and either ends it for both."""
    for host in (APP, DASHBOARD):
        make_app(host, COOKIE_DOMAIN="example.com")
    see(web, tab, f"https://{APP}/in")
    assert [(NAME, ".example.com")] == held(tab)
    for refreshing, other in ((APP, DASHBOARD), (DASHBOARD, APP)):
        clock.advance(400)
        before = len(provider.calls)
        assert "user_1" == see(web, tab, f"https://{refreshing}/who")
        assert "user_1" == see(web, tab, f"https://{other}/who")
        assert before + 1 == len(provider.calls)
    see(web, tab, f"https://{DASHBOARD}/out")
    assert ([], "nobody: missing") == (held(tab), see(web, tab, f"https://{APP}/who"))


@pytest.mark.row("WO-5")
@pytest.mark.parametrize(("before", "after"), [("example.com", None), (None, "example.com"), (APP, "example.com")])
@pytest.mark.parametrize("visited", [False, True])
def test_WO_5_signing_out_after_the_domain_was_changed(  # noqa: N802
    web: Web, tab: Tab, make_app: MakeApp, before: str | None, after: str | None, visited: bool
) -> None:
    """The stale cookie goes too, whether or not one under the new Domain was set beside it."""
    make_app(COOKIE_DOMAIN=before)
    see(web, tab, f"https://{APP}/in")
    make_app(COOKIE_DOMAIN=after)
    assert "user_1" == see(web, tab, f"https://{APP}/who")
    if visited:
        see(web, tab, f"https://{APP}/in")
    see(web, tab, f"https://{APP}/out")
    assert [] == held(tab)
    assert "nobody: missing" == see(web, tab, f"https://{APP}/who")


@pytest.mark.row("WO-5")
@pytest.mark.parametrize("host", ["app.example.co.uk", "me.github.io", "a.b.c.d.example.com"])
def test_WO_5_lines_for_public_suffixes_do_no_harm(  # noqa: N802
    web: Web, tab: Tab, make_app: MakeApp, host: str
) -> None:
    """The browser drops those, and takes the others of the same response."""
    make_app(host)
    see(web, tab, f"https://{host}/in")
    assert [(NAME, host)] == held(tab)
    see(web, tab, f"https://{host}/out")
    assert [] == held(tab)


@pytest.mark.row("WO-7")
@pytest.mark.parametrize(("before", "after"), [("example.com", None), (None, "example.com")])
def test_WO_7_of_two_the_newest_wins(  # noqa: N802
    web: Web, tab: Tab, make_app: MakeApp, clock: Clock, before: str | None, after: str | None
) -> None:
    """A host-only cookie and one with a Domain are two to a browser; signing in leaves the new one alone."""
    make_app(COOKIE_DOMAIN=before)
    see(web, tab, f"https://{APP}/in")
    clock.advance(5)
    make_app(COOKIE_DOMAIN=after)
    see(web, tab, f"https://{APP}/in")
    newest = "." + after if after else APP
    assert [(NAME, newest)] == held(tab)
    assert "user_1" == see(web, tab, f"https://{APP}/who")


@pytest.mark.row("WO-7")
def test_WO_7_a_former_name_is_replaced(web: Web, tab: Tab, make_app: MakeApp) -> None:  # noqa: N802
    """Shared by Domain before, with __Host- now: one visit and only the new one is there."""
    make_app(COOKIE_NAME="former", COOKIE_DOMAIN="example.com")
    see(web, tab, f"https://{APP}/in")
    make_app(COOKIE_NAME="__Host-session", COOKIE_PREVIOUS_NAMES=["former"], COOKIE_SECURE=True)
    assert "user_1" == see(web, tab, f"https://{APP}/who")
    assert [("__Host-session", APP)] == held(tab)
    assert "user_1" == see(web, tab, f"https://{APP}/who")


@pytest.mark.row("WO-7")
def test_WO_7_two_instances_side_by_side(web: Web, tab: Tab, make_app: MakeApp) -> None:  # noqa: N802
    """With names of their own on one domain: signing out of one leaves the other alone."""
    make_app(APP, COOKIE_NAME="one", COOKIE_DOMAIN="example.com")
    make_app(DASHBOARD, COOKIE_NAME="two", COOKIE_DOMAIN="example.com")
    for host in (APP, DASHBOARD):
        see(web, tab, f"https://{host}/in")
    see(web, tab, f"https://{APP}/out")
    assert [("two", ".example.com")] == held(tab)
    assert "user_1" == see(web, tab, f"https://{DASHBOARD}/who")


@pytest.mark.row("WO-8")
@pytest.mark.parametrize("origin", [f"https://{APP}", "http://localhost"])
def test_WO_8_a_page_takes_its_token_over_once(web: Web, tab: Tab, make_app: MakeApp, origin: str) -> None:  # noqa: N802
    """Under a strict Content-Security-Policy; afterwards it is in no cookie and in no request."""
    make_app(origin.partition("//")[2], ACCESS_TOKEN_COOKIE=EAGER)
    see(web, tab, f"{origin}/in")
    tab.open(web.url(f"{origin}/page"))
    first, second = tab.run("return window.taken")
    assert (3, None) == (len(first.split(".")), second)
    assert ["", "", None, None] == tab.run(
        "return [window.after, document.cookie, window.without, window.sealedSession.takeAccessToken()]"
    )
    assert [NAME] == [name for name, _ in held(tab)]
    script = next(seen for seen in web.seen if seen.url.endswith("eager-token.js"))
    assert EAGER in script.cookies
    assert "user_1" == tab.run("return await (await fetch('/who')).text()")
    assert [NAME] == [name for name, _ in held(tab)]
    assert EAGER not in web.seen[-1].cookies


@pytest.mark.row("WO-8")
def test_WO_8_every_document_has_its_own(web: Web, tab: Tab, make_app: MakeApp) -> None:  # noqa: N802
    """Reloaded, it gets the token again; for 30 seconds, readable, for this host alone."""
    make_app(ACCESS_TOKEN_COOKIE=EAGER, COOKIE_DOMAIN="example.com")
    see(web, tab, f"https://{APP}/in")
    tab.open(web.url(f"https://{APP}/private"))
    (cookie,) = (cookie for cookie in tab.browser.cookies() if cookie["name"] == EAGER)
    assert (APP, "/", True, False, "Lax") == tuple(
        cookie[key] for key in ("domain", "path", "secure", "httpOnly", "sameSite")
    )
    assert pytest.approx(time.time() + 30, abs=10) == cookie["expires"]
    assert f"{EAGER}={cookie['value']}" == tab.run("return document.cookie")
    for _ in range(2):
        tab.open(web.url(f"https://{APP}/page"))
        assert cookie["value"] == tab.run("return window.taken[0]")


@pytest.mark.row("WO-8")
@pytest.mark.parametrize(
    "script",
    [
        "await fetch(TARGET)",
        "await fetch(TARGET, {headers: {Accept: 'text/html'}})",
        "await new Promise(done => Object.assign(new Image(), {onerror: done, src: TARGET}))",
        "const frame = document.createElement('iframe'); frame.src = TARGET;"
        "await new Promise(done => { frame.onload = done; document.body.append(frame); })",
        "const link = document.createElement('link'); Object.assign(link, {rel: 'prefetch', href: TARGET});"
        "await new Promise(done => { link.onload = link.onerror = done; document.head.append(link); })",
    ],
    ids=["fetch", "fetch html", "image", "frame", "prefetch"],
)
def test_WO_8_nothing_else_carries_it(web: Web, tab: Tab, make_app: MakeApp, script: str) -> None:  # noqa: N802
    """No call of a script, no image, no frame, and no page that is fetched ahead."""
    make_app(ACCESS_TOKEN_COOKIE=EAGER)
    see(web, tab, f"https://{APP}/in")
    tab.open(web.url(f"https://{APP}/page"))
    target = web.url(f"https://{APP}/private", tag="target")
    tab.run(script.replace("TARGET", repr(target)).replace("document.head", "document.documentElement"))
    assert NAME in web.tagged("target").cookies
    assert [NAME] == [name for name, _ in held(tab)]


@pytest.mark.row("WO-8")
@pytest.mark.parametrize(("kind", "purpose"), [("prefetch", "prefetch"), ("prerender", "prefetch;prerender")])
def test_WO_8_a_page_that_was_fetched_ahead(  # noqa: N802
    web: Web, tab: Tab, make_app: MakeApp, kind: str, purpose: str
) -> None:
    """Comes without the token, and is shown without it when somebody follows the link: the script hands out null."""
    make_app(ACCESS_TOKEN_COOKIE=EAGER)
    see(web, tab, f"https://{APP}/in")
    tab.open(web.url(f"https://{APP}/page"))  # takes the token over that signing in brought
    tab.open(web.url(f"https://{APP}/nowhere"))  # 404: looks at nobody, and its policy allows the rules
    assert [NAME] == [name for name, _ in held(tab)]
    target = web.url(f"https://{APP}/page", tag="target")
    rules = json.dumps({kind: [{"urls": [target], "eagerness": "immediate"}]})
    tab.run(
        "const script = document.createElement('script'); script.type = 'speculationrules';"
        f"script.textContent = {rules!r}; document.head.append(script);"
    )
    ahead = web.tagged("target")
    assert (purpose, "document") == (ahead.headers["Sec-Purpose"], ahead.headers["Sec-Fetch-Dest"])
    assert NAME in ahead.cookies
    tab.browser.forget_events()
    tab.run(f"setTimeout(() => {{ location.href = {target!r}; }})")
    tab.loaded()
    assert [target, [None, None]] == tab.run("return [location.href, window.taken]")
    assert [ahead] == [seen for seen in web.seen if seen.url == target]
    assert [NAME] == [name for name, _ in held(tab)]


@pytest.mark.row("WO-21")
@pytest.mark.parametrize(
    ("same_site", "link", "post", "fetch"),
    [("Lax", True, False, False), ("Strict", False, False, False), ("None", True, True, True)],
)
def test_WO_21_from_another_site(  # noqa: N802
    web: Web, tab: Tab, make_app: MakeApp, same_site: str, link: bool, post: bool, fetch: bool
) -> None:
    """Who is signed in there by a link, a form, and a script's call; by an address that is typed, everybody."""
    make_app(COOKIE_SAMESITE=same_site, COOKIE_SECURE=True)
    see(web, tab, f"https://{APP}/in")
    who = web.url(f"https://{APP}/who")
    signed_in = {}
    for way, script in (
        ("link", "const a = document.createElement('a'); a.href = TARGET; document.body.append(a); a.click();"),
        (
            "post",
            "const form = document.createElement('form'); Object.assign(form, {method: 'POST', action: TARGET});"
            "document.body.append(form); form.submit();",
        ),
        ("fetch", "await fetch(TARGET, {credentials: 'include', mode: 'no-cors'});"),
    ):
        tab.open(web.url(EVIL))
        tab.browser.forget_events()
        tab.run(script.replace("TARGET", repr(f"{who}?tag={way}")))
        signed_in[way] = NAME in web.tagged(way).cookies
        if way != "fetch":
            tab.loaded()
            assert signed_in[way] == ("user_1" == tab.run("return document.body.innerText"))
    assert {"link": link, "post": post, "fetch": fetch} == signed_in
    assert "user_1" == see(web, tab, f"https://{APP}/who")


@pytest.mark.row("WO-21")
@pytest.mark.parametrize(("partitioned", "remembered"), [(True, "user_1"), (False, "nobody: missing")])
def test_WO_21_in_a_frame_where_third_parties_have_no_cookies(  # noqa: N802
    web: Web, make_app: MakeApp, tmp_path: Path, partitioned: bool, remembered: str
) -> None:
    """COOKIE_PARTITIONED is how a framed application keeps its session there."""
    make_app(COOKIE_SAMESITE="None", COOKIE_SECURE=True, COOKIE_PARTITIONED=partitioned)
    with Chromium(tmp_path / "profile", third_parties=False) as browser:
        tab = browser.tab()
        tab.open(web.url(EVIL))
        for page in ("in", "who"):
            target = web.url(f"https://{APP}/{page}", tag=page)
            tab.run(
                f"const frame = document.createElement('iframe'); frame.src = {target!r};"
                "await new Promise(done => { frame.onload = done; document.body.append(frame); })"
            )
        assert (remembered == "user_1") == (NAME in web.tagged("who").cookies)


@pytest.mark.row("WO-17")
def test_WO_17_going_back_after_signing_out(web: Web, tab: Tab, make_app: MakeApp) -> None:  # noqa: N802
    """Asks again, and shows nothing that was private."""
    make_app()
    see(web, tab, f"https://{APP}/in")
    assert "private" == see(web, tab, f"https://{APP}/private")
    see(web, tab, f"https://{APP}/out")
    tab.browser.forget_events()
    tab.run("setTimeout(() => history.back())")
    tab.loaded()
    assert f"https://{APP}:{web.ports['https']}/private" == tab.run("return location.href")
    assert "private" != tab.run("return document.body.innerText")
