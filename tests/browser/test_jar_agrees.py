"""The honest jar of tests/web, judged by Chromium: what is kept, with what attributes, and what is sent where.

Where the two differ on purpose, the case stands in a table of its own with both verdicts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.chromium import Message, Tab
from tests.browser.servers import Web
from tests.programs import needs_chromium
from tests.web.browser import Asked, fetch_metadata, origin_header
from tests.web.jar import TYPED, Context, Cookie, Jar

pytestmark = needs_chromium

APP = "https://app.example.com/"
SIBLING = "https://dashboard.example.com/"
EVIL = "https://evil.org/"
PLAIN = "http://app.example.com/"

REASONS = {
    "control_character": "DisallowedCharacter",
    "domain_mismatch": "InvalidDomain",
    "domain_not_ascii": "InvalidDomain",
    "empty": "NoCookieContent",
    "prefix_host": "InvalidPrefix",
    "prefix_host_http": "InvalidPrefix",
    "prefix_http": "InvalidPrefix",
    "prefix_nameless": "InvalidPrefix",
    "prefix_secure": "InvalidPrefix",
    "public_suffix": "InvalidDomain",
    "samesite_none_insecure": "SameSiteNoneInsecure",
    "secure_exists": "OverwriteSecure",
    "secure_over_http": "SecureOnly",
    "too_large": "NameValuePairExceedsMaxSize",
}
"""What Chromium calls the jar's reasons."""

LINES = [f"{name.lower()}{{}}=1; Secure; SameSite={name}" for name in ("Strict", "Lax", "None")]
"""One cookie of each kind; the braces take what tells a second lot from the first."""

Kept = tuple[Any, ...]


def by_jar(cookie: Cookie) -> Kept:
    """A cookie of the jar, for comparison."""
    return (
        cookie.name,
        cookie.value,
        cookie.domain,
        cookie.host_only,
        cookie.path,
        None if cookie.expires_at is None else pytest.approx(cookie.expires_at, abs=10),
        cookie.secure,
        cookie.http_only,
        cookie.same_site,
        cookie.partition_key,
    )


def by_chromium(cookie: Message) -> Kept:
    """A cookie of Chromium's, for comparison."""
    return (
        cookie["name"],
        cookie["value"],
        cookie["domain"].removeprefix("."),
        not cookie["domain"].startswith("."),
        cookie["path"],
        None if cookie["session"] else cookie["expires"],
        cookie["secure"],
        cookie["httpOnly"],
        cookie.get("sameSite", "Lax"),
        cookie["partitionKey"]["topLevelSite"] if "partitionKey" in cookie else None,
    )


def expected(jar: Jar) -> list[Kept]:
    """All that the jar holds."""
    return sorted(map(by_jar, jar.cookies()), key=lambda kept: kept[:5])


def actual(tab: Tab) -> list[Kept]:
    """All that Chromium holds."""
    return sorted(map(by_chromium, tab.browser.cookies()), key=lambda kept: kept[:5])


def disagreement(web: Web, tab: Tab, line: str, url: str) -> tuple[list[Kept], list[Kept], str | None, list[str]]:
    """Let both take a line from an address: what each keeps, and why each drops it."""
    jar = Jar(time.time)
    reason = jar.store(line, url)
    request = tab.open(web.url(url, set=line))
    return expected(jar), actual(tab), reason, tab.refusals(request)


# What a line becomes.

HOSTS_AND_DOMAINS = [
    ("app.example.com", "example.com"),
    ("app.example.com", ".example.com"),
    ("app.example.com", "Example.COM"),
    ("app.example.com", "..example.com"),
    ("app.example.com", "app.example.com"),
    ("app.example.com", "other.example.com"),
    ("app.example.com", "a.app.example.com"),
    ("app.example.com", "pp.example.com"),
    ("app.example.com", "example.com."),
    ("app.example.com", "example.com:443"),
    ("app.example.com", "https://example.com"),
    ("app.example.com", "ex\u00e4mple.com"),
    ("app.example.com", "com"),
    ("app.example.com", ""),
    ("app.example.co.uk", "co.uk"),
    ("me.github.io", "github.io"),
    ("github.io", "github.io"),
    ("a.b.ck", "b.ck"),
    ("www.ck", "www.ck"),
    ("sub.host", "host"),
    ("host", "host"),
    ("localhost", "localhost"),
    ("app.localhost", "localhost"),
    ("127.0.0.1", "0.0.1"),
    ("127.0.0.1", "127.0.0.1"),
    ("[::1]", "::1"),
    ("[::1]", "[::1]"),
]

FROM_APP = [
    "a=b",
    " a \t=\t b ; Path=/",
    "a=b=c",
    'a="b c"',
    "a=",
    "=b",
    "b",
    "b;a=c",
    "a=b,c=d",
    "",
    "=",
    " ; Path=/",
    "a=b\x07",
    "a=b; Path=/\x7f",
    "name=" + "v" * 4092 + "; Secure; Path=/" + "p" * 500,
    "name=" + "v" * 4093,
    "b" * 4097,
    "a=b; Domain=evil.org; Domain=example.com",
    "a=b; Domain=" + "d" * 1025,
    "a=b; Path=/a; Path=/b",
    "a=b; Path=/b; Path=b",
    "a=b; Path",
    "a=b; Path=/" + "p" * 1023,
    "a=b; Path=/" + "p" * 1024,
    "a=b; Unknown=1; =; ;",
    "a=b; Secure=false; HttpOnly=0",
    "a=b; Max-Age=60",
    "a=b; max-age=060",
    "a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "a=b; Max-Age=0",
    "a=b; Max-Age=-1",
    "a=b; Max-Age=1.5",
    "a=b; Max-Age=60x",
    "a=b; Max-Age=34560000",
    "a=b; Max-Age=34560001",
    "a=b; Max-Age=" + "9" * 1000,
    "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "a=b; Expires=Friday, 31-Dec-60 23:59:59 GMT",
    "a=b; Expires=Fri Dec 31 23:59:59 9999",
    "a=b; Expires=31 Nov 2060 00:00:00",
    "a=b; Expires=tomorrow",
    "__Secure-a=b; Secure; Domain=example.com",
    "__SECURE-a=b",
    "__Host-a=b; Secure; Path=/",
    "__Host-a=b; Secure; Path=/; Domain=",
    "__Host-a=b; Secure",
    "__Host-a=b; Secure; Path",
    "__Host-a=b; Secure; Path=/; Path=x",
    "__Host-a=b; Path=/",
    "__Host-a=b; Secure; Path=/x",
    "__hOST-a=b; Secure; Path=/; Domain=app.example.com",
    "__Http-a=b; Secure; HttpOnly; Domain=example.com",
    "__http-a=b; Secure",
    "__Host-Http-a=b; Secure; HttpOnly; Path=/",
    "__Host-Http-a=b; Secure; Path=/",
    "__Host-Http-a=b; Secure; HttpOnly",
    "__Host-a; Secure; Path=/",
    "=__Secure-a=b; Secure",
    "a__Host-=b",
    "a=b; Secure; SameSite",
    "a=b; Secure; SameSite=Sometimes",
    "a=b; Secure; samesite=STRICT",
    "a=b; Secure; SameSite=none",
    "a=b; Secure; SameSite=None; SameSite=what",
    "a=b; SameSite=None",
    "a=b; Secure; Partitioned",
    "a=b; Secure; SameSite=None; Partitioned",
]

CASES = [
    *((line, APP) for line in FROM_APP),
    *((f"a=b; Domain={domain}", f"https://{host}/") for host, domain in HOSTS_AND_DOMAINS),
    ("a=b; Secure", PLAIN),
    ("__Host-a=b; Path=/", PLAIN),
    ("a=b; HttpOnly", PLAIN),
    ("a=b", "https://app.example.com/dir/page"),
    ("a=b; Path=b", "https://app.example.com/dir/page"),
    ("__Host-a=b; Secure; Path=/; Domain=127.0.0.1", "https://127.0.0.1/"),
    ("__Host-a=b; Secure; Path=/; Domain=localhost", "https://localhost/"),
    ("__Host-a=b; Secure; Path=/; Domain=github.io", "https://github.io/"),
]


@pytest.mark.parametrize(("line", "url"), CASES, ids=[f"{url} {line[:60]!r}" for line, url in CASES])
def test_what_a_line_becomes(web: Web, tab: Tab, line: str, url: str) -> None:
    """A cookie with the same attributes in both, or nothing in both and for the same reason."""
    jars, chromiums, reason, refusals = disagreement(web, tab, line, url)
    assert jars == chromiums
    assert refusals == ([] if reason is None else [REASONS[reason]])


@pytest.mark.row("WO-3")
@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost.",
        "app.localhost",
        "127.0.0.1",
        "127.9.9.9",
        "[::1]",
        "128.0.0.1",
        "localhost.evil.org",
        "127.0.0.1.evil.org",
        "notlocalhost",
        "[::2]",
    ],
)
def test_WO_3_whom_http_may_give_a_secure_cookie(web: Web, tab: Tab, host: str) -> None:  # noqa: N802
    """This machine, under all of its names, and nobody else; its prefixed names as well."""
    jars, chromiums, _, _ = disagreement(web, tab, "__Host-a=b; Secure; Path=/", f"http://{host}/")
    assert jars == chromiums


@pytest.mark.parametrize(
    ("line", "life", "host_only"),
    [
        ("a=b\tc", None, None),
        ("a=b; Domain=.", None, None),
        ("a=b; Max-Age=60; Max-Age=later", "session", True),
        ("a=b; Max-Age=+1", "dated", True),
    ],
)
def test_lines_that_chromium_reads_against_the_draft(
    web: Web, tab: Tab, line: str, life: str | None, host_only: bool | None
) -> None:
    """The jar goes by the draft. Should Chromium come round to it, this fails and its case moves up.

    A tab in a value and a lone dot as Domain are refused; of several Max-Age the last one counts although it cannot be
    read; and a plus sign is taken for part of a number.
    """
    jars, chromiums, reason, _ = disagreement(web, tab, line, APP)
    assert reason is None
    assert jars != chromiums
    assert (life, host_only) == next(
        (("session" if kept[5] is None else "dated", kept[3]) for kept in chromiums), (None, None)
    )


# What two lines become.

SECOND = [
    *(("a=1; Secure", APP, second, PLAIN) for second in ("a=2", "a=2; Domain=example.com", "a=2; Path=/login", "A=2")),
    ("a=1; Secure; Domain=example.com", APP, "a=2", PLAIN),
    ("a=1; Secure; Path=/login", APP, "a=2; Path=/login/en", PLAIN),
    ("a=1; Secure; Path=/login", APP, "a=2", PLAIN),
    ("a=1; Secure; SameSite=None; Partitioned", APP, "a=2", PLAIN),
    ("a=1", APP, "a=2", PLAIN),
    ("a=1; Secure", APP, "a=2", APP),
    ("a=1; Secure; HttpOnly; SameSite=Strict; Max-Age=60", APP, "a=2", APP),
    *(("a=1", APP, f"a=2; {other}", APP) for other in ("Domain=app.example.com", "Domain=example.com", "Path=/x")),
    ("a=1; Domain=example.com", APP, "a=2; Domain=example.com", SIBLING),
    ("a=1; Domain=example.com", APP, "a=; Max-Age=0", APP),
    ("a=1; Domain=example.com", APP, "a=; Max-Age=0; Domain=example.com", SIBLING),
    ("a=1; Path=/x", APP, "a=; Max-Age=0", APP),
]


@pytest.mark.row("WO-7")
@pytest.mark.parametrize(("first", "first_url", "second", "second_url"), SECOND)
def test_WO_7_what_replaces_what(  # noqa: N802
    web: Web, tab: Tab, first: str, first_url: str, second: str, second_url: str
) -> None:
    """Name, Domain, host-only or not, and Path make a place; over http nothing is put over what is Secure."""
    jar = Jar(time.time)
    for line, url in ((first, first_url), (second, second_url)):
        jar.store(line, url)
        tab.open(web.url(url, set=line))
    assert expected(jar) == actual(tab)
    tab.open(web.url(f"{APP}x", tag="again"))
    assert jar.header(f"{APP}x") == web.tagged("again").cookies


# JavaScript.


@pytest.mark.row("WO-1")
@pytest.mark.parametrize(
    "line",
    [
        "new=1",
        "new=1; HttpOnly",
        "hidden=2",
        "hidden=; Max-Age=0",
        "hidden=2; Path=/dir",
        "seen=2",
        "seen=; Max-Age=0",
        "__Http-a=1; Secure",
        "__Host-a=1; Secure; Path=/",
        "a=1; Domain=com",
    ],
)
def test_WO_1_what_a_script_reads_and_writes(web: Web, tab: Tab, line: str) -> None:  # noqa: N802
    """Nothing HttpOnly, and nothing in the place of one that is."""
    jar, lines = Jar(time.time), ["hidden=1; HttpOnly", "seen=1; SameSite=Strict", "elsewhere=1; Path=/dir"]
    tab.open(web.url(APP, set=lines))
    for each in lines:
        jar.store(each, APP)
    jar.script_store(line, APP)
    assert jar.script_cookies(APP) == tab.run(f"document.cookie = {line!r}; return document.cookie")
    assert expected(jar) == actual(tab)


@pytest.mark.parametrize("page", [EVIL, SIBLING])
def test_a_script_in_a_frame(web: Web, tab: Tab, page: str) -> None:
    """Of another site sees and writes SameSite=None alone; Partitioned, it writes where the outer page's key is."""
    jar = Jar(time.time)
    before = [line.format("") for line in LINES]
    after = [*(line.format("-new") for line in LINES), "apart=1; Secure; SameSite=None; Partitioned"]
    tab.open(web.url(APP, set=before))
    for line in before:
        jar.store(line, APP)
    for line in after:
        jar.script_store(line, APP, top_level=page)
    script = f"for (const line of {after}) document.cookie = line; parent.postMessage(document.cookie, '*');"
    tab.open(web.url(page))
    shown = FRAME.replace("TARGET", repr(web.url(APP, script=script)))
    seen = tab.run(f"const told = new Promise(done => onmessage = done); {shown} return (await told).data;")
    assert jar.script_cookies(APP, top_level=page).split("; ") == seen.split("; ")
    assert expected(jar) == actual(tab)


# How a request comes about.

Act = Callable[[Web, Tab, str], None]


def typed(web: Web, tab: Tab, target: str) -> None:
    """Somebody types the address."""
    tab.open(target)


def link(page: str) -> Act:
    """Somebody follows a link on a page."""
    return leaving(page, "element('a', {href: TARGET}).click();")


def form(page: str) -> Act:
    """Somebody sends a form that stands on a page."""
    return leaving(page, "element('form', {method: 'POST', action: TARGET}).submit();")


def leaving(page: str, script: str) -> Act:
    """A script leaves a page for another."""

    def act(web: Web, tab: Tab, target: str) -> None:
        on(page, "")(web, tab, target)
        tab.browser.forget_events()
        tab.run(f"{ELEMENT} {script.replace('TARGET', repr(target))}")
        tab.loaded()

    return act


def on(page: str, script: str) -> Act:
    """A script runs on a page, to its end."""

    def act(web: Web, tab: Tab, target: str) -> None:
        tab.open(web.url(page))
        tab.run(f"{ELEMENT} {script.replace('TARGET', repr(target))}")

    return act


ELEMENT = (
    "const element = (name, more) => document.body.appendChild(Object.assign(document.createElement(name), more));"
)

FETCH = "await fetch(TARGET, {credentials: 'include'});"
FETCH_POST = "await fetch(TARGET, {credentials: 'include', method: 'POST'});"
FRAME = """
    const frame = document.createElement('iframe');
    frame.src = TARGET;
    await new Promise(done => { frame.onload = done; document.body.append(frame); });
"""
FRAME_POST = """
    const frame = element('iframe', {name: 'f'});
    const form = element('form', {method: 'POST', action: TARGET, target: 'f'});
    await new Promise(done => { frame.onload = done; form.submit(); });
"""
IMAGE = "await new Promise(done => Object.assign(new Image(), {onerror: done, src: TARGET}));"


def framed(page: str, inner: str, script: str) -> Act:
    """A page shows another one in a frame, in which a script runs."""

    def act(web: Web, tab: Tab, target: str) -> None:
        tab.open(web.url(page))
        ending = f"(async () => {{ {script.replace('TARGET', repr(target))} top.postMessage(1, '*'); }})()"
        shown = FRAME.replace("TARGET", repr(web.url(inner, script=ending)))
        tab.run(f"const told = new Promise(done => onmessage = done); {shown} await told;")

    return act


ACTS: dict[str, tuple[Act, str, Context]] = {
    "typed": (typed, "GET", TYPED),
    **{
        f"{way} {where}": (act(page), method, context(page))
        for where, page in (("own", APP), ("sibling", SIBLING), ("evil", EVIL), ("plain", PLAIN))
        for way, method, act, context in (
            ("link", "GET", link, Context.link_on),
            ("form", "POST", form, Context.link_on),
            ("frame", "GET", lambda page: on(page, FRAME), Context.frame_on),
            ("post frame", "POST", lambda page: on(page, FRAME_POST), Context.frame_on),
            ("fetch", "GET", lambda page: on(page, FETCH), Context.fetch_on),
            ("post fetch", "POST", lambda page: on(page, FETCH_POST), Context.fetch_on),
            ("image", "GET", lambda page: on(page, IMAGE), Context.fetch_on),
        )
    },
    "fetch own framed": (framed(EVIL, APP, FETCH), "GET", Context.fetch_on(APP, top_level=EVIL)),
    "fetch evil framed": (framed(APP, EVIL, FETCH), "GET", Context.fetch_on(EVIL, top_level=APP)),
    "frame evil framed": (framed(APP, EVIL, FRAME), "GET", Context(initiator=EVIL, top_level=APP)),
    "frame own framed": (framed(EVIL, APP, FRAME), "GET", Context(initiator=APP, top_level=EVIL)),
    "fetch sibling framed": (framed(APP, SIBLING, FETCH), "GET", Context.fetch_on(SIBLING, top_level=APP)),
}


def at_ports(web: Web, context: Context) -> Context:
    """The context with its pages where their servers are: a port is no part of a site, but of an origin."""
    initiator, top_level = (page and web.url(page) for page in (context.initiator, context.top_level))
    return Context(initiator, top_level, context.navigation, tuple(map(web.url, context.via)))


def both_after(
    web: Web, tab: Tab, act: Act, asked: Asked, chain: tuple[str, ...] = (), code: int = 302
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is sent in the end, and what of the answer is kept: by our browser, and by Chromium.

    Args:
        web: The servers.
        tab: A tab.
        act: What is done in it.
        asked: What that is to the jar, before any redirect.
        chain: The addresses that redirect on their way to the application.
        code: How they do.
    """
    jar, before, after = Jar(time.time), [line.format("") for line in LINES], [line.format("-new") for line in LINES]
    tab.open(web.url(APP, set=before))
    for line in before:
        assert jar.store(line, APP) is None
    target = web.url(APP, set=after, tag="target")
    for step in reversed(chain):
        target = web.url(step, to=target, code=code)
    act(web, tab, target)
    seen, context = web.tagged("target"), at_ports(web, asked.context)
    for step in chain:
        context = context.redirected(web.url(step))
    asked = Asked(seen.method, web.url(APP), context)
    ours = {
        **fetch_metadata(asked),
        "Origin": origin_header(asked),
        "Cookie": jar.header(APP, method=asked.method, context=context) or None,
    }
    for line in after:
        jar.store(line, APP, context=context)
    names = {cookie.name for cookie in jar.cookies()}
    theirs = {header: seen.headers.get(header) for header in ours}
    return {**ours, "kept": names}, {**theirs, "kept": {cookie["name"] for cookie in tab.browser.cookies()}}


@pytest.mark.row("WO-21")
@pytest.mark.parametrize("name", ACTS)
def test_WO_21_what_is_sent(web: Web, tab: Tab, name: str) -> None:  # noqa: N802
    """On every way to a page: the cookies, the headers that tell the way, and what is kept of the answer."""
    act, method, context = ACTS[name]
    ours, theirs = both_after(web, tab, act, Asked(method, APP, context))
    if name.startswith("image"):  # the context does not tell images from fetch()
        assert ("no-cors", "image") == (theirs.pop("Sec-Fetch-Mode"), theirs.pop("Sec-Fetch-Dest"))
        ours = {key: ours[key] for key in theirs} | {"Origin": None}
    assert (method, ours) == (web.tagged("target").method, theirs)


@pytest.mark.row("WO-21")
@pytest.mark.parametrize(
    ("act", "asked", "chain", "code"),
    [
        (typed, Asked("GET", APP, TYPED), (SIBLING,), 302),
        (link(EVIL), Asked("GET", APP, Context.link_on(EVIL)), (APP,), 302),
        (link(SIBLING), Asked("GET", APP, Context.link_on(SIBLING)), (APP,), 302),
        (form(EVIL), Asked("POST", APP, Context.link_on(EVIL)), (APP,), 302),
        (form(EVIL), Asked("POST", APP, Context.link_on(EVIL)), (APP,), 307),
        (form(EVIL), Asked("POST", APP, Context.link_on(EVIL)), (EVIL, SIBLING), 307),
        (form(APP), Asked("POST", APP, Context.link_on(APP)), (SIBLING,), 303),
        (on(APP, FETCH), Asked("GET", APP, Context.fetch_on(APP)), (SIBLING,), 302),
        (on(APP, FETCH_POST), Asked("POST", APP, Context.fetch_on(APP)), (APP,), 307),
    ],
)
def test_WO_21_after_redirects(  # noqa: N802
    web: Web, tab: Tab, act: Act, asked: Asked, chain: tuple[str, ...], code: int
) -> None:
    """What counts is who began, and the method at the end."""
    ours, theirs = both_after(web, tab, act, asked, chain, code)
    assert ours == theirs


@pytest.mark.row("WO-21")
@pytest.mark.parametrize(
    ("act", "asked", "sent"),
    [
        (typed, Asked("GET", APP, TYPED), "lax=1; none=1"),
        (link(APP), Asked("GET", APP, Context.link_on(APP)), "lax=1; none=1"),
        (on(APP, FETCH), Asked("GET", APP, Context.fetch_on(APP)), "none=1"),
        (on(APP, FRAME), Asked("GET", APP, Context.frame_on(APP)), "none=1"),
    ],
)
def test_WO_21_a_redirect_by_another_site(  # noqa: N802
    web: Web, tab: Tab, act: Act, asked: Asked, sent: str
) -> None:
    """Makes the request a cross-site one to the jar, as to Firefox; Chromium sends and keeps everything."""
    ours, theirs = both_after(web, tab, act, asked, (EVIL,))
    assert (sent, "strict=1; lax=1; none=1") == (ours.pop("Cookie"), theirs.pop("Cookie"))
    assert len(ours.pop("kept")) <= len(theirs.pop("kept")) == 2 * len(LINES)
    assert ours == theirs


@pytest.mark.row("WO-21")
def test_WO_21_a_cookie_without_samesite(web: Web, tab: Tab) -> None:  # noqa: N802
    """Is Lax to the jar at once; Chromium lets other sites POST with it for two minutes. Ours always say SameSite."""
    tab.open(web.url(APP, set=["said=1; SameSite=Lax", "unsaid=1"]))
    form(EVIL)(web, tab, web.url(APP, tag="target"))
    assert "unsaid=1" == web.tagged("target").cookies


@pytest.mark.row("WO-21")
@pytest.mark.parametrize(("origin", "sent"), [(EVIL, "lax=1; none=1"), (APP, "strict=1; lax=1; none=1")])
def test_WO_21_a_person_reloads(web: Web, tab: Tab, origin: str, sent: str) -> None:  # noqa: N802
    """A reload is like the request before it; one that a script asks for is the page's own."""
    tab.open(web.url(APP, set=[line.format("") for line in LINES]))
    link(origin)(web, tab, web.url(APP, tag="target"))
    cookies = [web.tagged("target").cookies]
    for reload in (lambda: tab.browser.call("Page.reload", tab.session), lambda: tab.run("location.reload()")):
        web.seen.clear()
        tab.browser.forget_events()
        reload()
        tab.loaded()
        cookies.append(web.tagged("target").cookies)
    assert [sent, sent, "strict=1; lax=1; none=1"] == cookies
