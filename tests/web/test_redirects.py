"""Where a person is sent after signing in: back to the very page, and never to another site."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_to_bytes, urljoin, urlsplit

import pytest
from flask import Flask, redirect, request
from hypothesis import assume, given
from hypothesis import strategies as st
from werkzeug import Request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from flask_ext import SealedSession, login_required
from flask_ext.redirects import MAX_TARGET, here, is_from_here, local_target, local_target_of, origin
from sealed_session.testing import Clock, FakeProvider
from tests.web.browser import Browser, origin_of

ORIGIN = "https://app.example.com"
SPECIAL = ("http", "https", "ws", "wss", "ftp", "file")


def where_a_browser_goes(target: str, page: str = f"{ORIGIN}/login") -> str:
    """The origin of an address that stands on a page, or its scheme where it has no origin (URL Standard, 4.4)."""
    target = re.sub(r"[\t\n\r]", "", target.strip("".join(map(chr, range(0x21)))))
    scheme, here_origin = urlsplit(page).scheme, origin_of(page)
    named = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", target)
    if named and named[1].lower() not in SPECIAL:
        return f"{named[1].lower()}:"
    rest = (target[named.end() :] if named else target).replace("\\", "/")
    if named and named[1].lower() != scheme:
        scheme = named[1].lower()
    elif not rest.startswith("//"):
        return here_origin  # a path, also after the page's own scheme
    authority = re.split(r"[/?#]", rest.lstrip("/"), maxsplit=1)[0]
    return f"{scheme}://{authority.rpartition('@')[2]}"


HOSTILE = {
    "//evil.example": None,
    "///evil.example": None,
    "////evil.example": None,
    "/\\evil.example": None,
    "\\\\evil.example": None,
    "\\/evil.example": None,
    "/\\/evil.example": None,
    "/path\\..\\..\\evil.example": None,
    "/\t/evil.example": None,
    "/\n/evil.example": None,
    "/\r/evil.example": None,
    "/\t\\evil.example": None,
    "\t//evil.example": None,
    "\x00//evil.example": None,
    "/\x00/evil.example": None,
    "/\x7f/evil.example": None,
    "/\x0b/evil.example": None,
    " //evil.example": None,
    " /x": None,
    "/x ": None,
    "/ /evil.example": None,
    "/x\nSet-Cookie: a=b": None,
    "/x\r\nLocation: https://evil.example": None,
    "https://evil.example": None,
    "https:evil.example": None,
    "https:/evil.example": None,
    "https:///evil.example": None,
    "HTTPS://evil.example": None,
    "http:evil.example": None,
    "http:/\\evil.example": None,
    "ht\ttps://evil.example": None,
    "javascript:alert(1)": None,
    "JavaScript:alert(1)": None,
    "java\nscript:alert(1)": None,
    "data:text/html,x": None,
    "vbscript:x": None,
    "file:///etc/passwd": None,
    "about:blank": None,
    "mailto:a@b": None,
    "evil.example": None,
    ".evil.example": None,
    "@evil.example": None,
    "?next=//evil.example": None,
    "#//evil.example": None,
    "//": None,
    "///": None,
    "": None,
    f"{ORIGIN}/x": None,
    "//app.example.com/x": None,
    f"{ORIGIN}@evil.example": None,
    f"{ORIGIN}.evil.example": None,
    "∕∕evil.example": None,
    "／／evil.example": None,
    "/" + "a" * MAX_TARGET: None,
    "/" + "a" * (MAX_TARGET - 1): ...,
    "/": ...,
    "/x": ...,
    "/x//evil.example": ...,
    "/..//evil.example": None,
    "/.//evil.example": None,
    "/app/../other": None,
    "/app/..": None,
    "/app/.?x": None,
    "/app/..#x": None,
    "/app/%2e%2e/other": None,
    "/app/.%2E/other": None,
    "/app/%2E": None,
    "/app/.../other": ...,
    "/app/..;/other": ...,
    "/app/.x/..x/x..": ...,
    "/app?x=/../other": ...,
    "/app#/../other": ...,
    "/%2e%2e%2e/x": ...,
    "/@evil.example": ...,
    "/:@evil.example": ...,
    "/x@evil.example/y": ...,
    "/https://evil.example": ...,
    "/javascript:alert(1)": ...,
    "/%09/evil.example": ...,
    "/%2F/evil.example": ...,
    "/%5Cevil.example": ...,
    "/%0d%0aSet-Cookie:a=b": ...,
    "/?next=//evil.example": ...,
    "/#//evil.example": ...,
    "/∕evil.example": ...,
    "/／evil.example": ...,
    "/＼evil.example": ...,
    "/。/evil.example": ...,
    "/\x85/evil.example": ...,
    "/\u2028/evil.example": ...,
    "/\u202e/evil.example": ...,
    "/caf\u00e9": ...,
    "/%": ...,
    "/%zz": ...,
}
"""Values of ``next``: refused (None), or taken as they are, because a browser stays on the origin with them."""

hostile = pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value)[:40])
nasty = st.lists(
    st.sampled_from(
        [*"/\\:@?#.%; \t\n\r\0\x0b\x7f\x85", "evil.example", "https", "http", "javascript", "//", "%2f", "／", "x"]
    )
).map("".join)


def make_app(password: str, **settings: object) -> Flask:
    """An application whose every page is for those who are signed in, but for the one where they do."""
    clock = Clock()
    provider = FakeProvider(clock)
    auth = SealedSession(provider, clock=clock)
    app = Flask("redirects", static_folder=None)
    app.config["SEALED_SESSION_PASSWORD"] = password
    app.config["SEALED_SESSION_LOGIN_VIEW"] = "login"
    app.config.update({f"SEALED_SESSION_{key}": value for key, value in settings.items()})
    auth.init_app(app)

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Response:
        auth.sign_in(**provider.sign_in())
        return redirect(auth.next_url())

    @app.get("/where")
    def where() -> str:
        return auth.next_url(request.headers.get("X-Default", "/home"))

    @app.get("/")
    @app.get("/<path:path>")
    @login_required
    def page(path: str = "") -> str:
        return f"{path}?{request.query_string.decode('latin-1')}"

    return app


@pytest.fixture
def app(password: str) -> Flask:
    """At the root of its host."""
    return make_app(password)


@pytest.fixture
def browser(app: Flask) -> Browser:
    """One person's."""
    return Browser(app, Clock())


def final_url(response: TestResponse) -> str:
    """Where the browser ended, as it wrote it."""
    assert 200 == response.status_code
    return ORIGIN + str(response.request.environ["REQUEST_URI"])


def asked(path: str, query: bytes = b"", *, script: str = "", host: str = "app.example.com") -> Request:
    """A request as a server hands it over: the path decoded, its bytes as latin-1."""
    return Request(
        {
            "wsgi.url_scheme": "https",
            "HTTP_HOST": host,
            "SCRIPT_NAME": script.encode().decode("latin-1"),
            "PATH_INFO": path.encode("utf-8", "surrogateescape").decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "REQUEST_METHOD": "GET",
        }
    )


class TestOpenRedirects:
    """Values of ``next`` that others thought of."""

    @pytest.mark.parametrize(
        ("target", "expected"),
        [
            ("//evil.example", "https://evil.example"),
            ("///evil.example", "https://evil.example"),
            ("/\\evil.example", "https://evil.example"),
            ("\\\\evil.example", "https://evil.example"),
            ("/\t/evil.example", "https://evil.example"),
            (" //evil.example", "https://evil.example"),
            ("//me@evil.example:8080/x", "https://evil.example:8080"),
            ("http:evil.example", "http://evil.example"),
            ("https:evil.example", ORIGIN),
            ("https:/evil.example", ORIGIN),
            ("https:\\\\evil.example", "https://evil.example"),
            ("javascript:alert(1)", "javascript:"),
            ("/%09/evil.example", ORIGIN),
            ("/..//evil.example", ORIGIN),
            ("x", ORIGIN),
        ],
    )
    def test_the_browser_that_the_tests_believe(self, target: str, expected: str) -> None:
        """What Chrome and Firefox do with these, so that the tests below mean something."""
        assert expected == where_a_browser_goes(target)

    @hostile
    def test_a_value(self, value: str) -> None:
        """Refused, or as it was."""
        assert (value if HOSTILE[value] is ... else None) == local_target(value)

    def test_the_longest_target(self) -> None:
        """As many characters as a browser's address and a server's line take with all else that is in them."""
        assert 2048 == MAX_TARGET

    def test_no_value(self) -> None:
        """Nowhere in particular."""
        assert None is local_target(None)

    @hostile
    def test_what_is_taken_stays_on_the_origin(self, value: str) -> None:
        """In a browser, and by RFC 3986."""
        target = local_target(value) or "/"
        assert ORIGIN == where_a_browser_goes(target)
        assert ORIGIN == origin_of(urljoin(f"{ORIGIN}/login", target))

    @given(nasty)
    def test_nothing_that_is_taken_leaves_the_origin(self, value: str) -> None:
        """Whatever the characters; and no header is cut in two."""
        for tried in (value, f"/{value}"):
            target = local_target(tried) or "/"
            assert ORIGIN == where_a_browser_goes(target)
            assert set() == set(target) & set("\\\t\r\n\0 ")

    @hostile
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_signing_in_sends_nobody_abroad(self, app: Flask, value: str, method: str) -> None:
        """Neither with ``next`` in the address nor in a form, whatever Werkzeug makes of it on the way."""
        client = app.test_client()
        if method == "GET":
            response = client.get("/login", base_url=ORIGIN, query_string={"next": value})
        else:
            response = client.post("/login", base_url=ORIGIN, data={"next": value})
        location = response.headers["Location"]
        assert (302, ORIGIN) == (response.status_code, where_a_browser_goes(location))
        assert ("/" == location) or HOSTILE[value] is ...

    def test_the_address_counts_before_the_form(self, app: Flask) -> None:
        """One of the two is asked, and then nothing else."""
        client = app.test_client()
        response = client.post("/login?next=/address", base_url=ORIGIN, data={"next": "/form"})
        assert "/address" == response.headers["Location"]
        response = client.post("/login?next=//evil.example", base_url=ORIGIN, data={"next": "/form"})
        assert "/" == response.headers["Location"]

    def test_the_first_of_several_counts(self, app: Flask) -> None:
        """And a bad one is not made up for by a good one."""
        client = app.test_client()
        assert "/a" == client.get("/where?next=/a&next=//evil.example").text
        assert "/home" == client.get("/where?next=//evil.example&next=/a").text

    def test_the_default(self, app: Flask) -> None:
        """The caller's, for whatever is no path of the application."""
        client = app.test_client()
        assert "/home" == client.get("/where").text
        assert "/home" == client.get("/where?next=").text
        assert (
            "https://www.example.com/"
            == client.get("/where?next=//evil.example", headers={"X-Default": "https://www.example.com/"}).text
        )


class TestHere:
    """The address of what was asked for, as it goes into ``next``."""

    @pytest.mark.parametrize(
        ("path", "query", "script", "expected"),
        [
            ("/", b"", "", "/"),
            ("/x", b"", "", "/x"),
            ("/x", b"a=1&b=2", "", "/x?a=1&b=2"),
            ("/x/", b"", "", "/x/"),
            ("", b"", "", "/"),
            ("/a b", b"", "", "/a%20b"),
            ("/50%", b"", "", "/50%25"),
            ("/a%2Fb", b"", "", "/a%252Fb"),
            ("/what?", b"", "", "/what%3F"),
            ("/#top", b"", "", "/%23top"),
            ("/café/日本", b"", "", "/caf%C3%A9/%E6%97%A5%E6%9C%AC"),
            ("/a;b=c:d@e,f", b"", "", "/a;b=c:d@e,f"),
            ('/"<>[]{}|^`', b"", "", "/%22%3C%3E%5B%5D%7B%7D%7C%5E%60"),
            ("/a//b", b"", "", "/a//b"),
            ("/\\evil.example", b"", "", "/%5Cevil.example"),
            ("/\t/evil.example", b"", "", "/%09/evil.example"),
            ("/x\r\nSet-Cookie: a=b", b"", "", "/x%0D%0ASet-Cookie:%20a=b"),
            ("/\x00", b"", "", "/%00"),
            ("/x", b"a=b%20c+d", "", "/x?a=b%20c+d"),
            ("/x", b"a=100%", "", "/x?a=100%"),
            ("/x", b"u=https://a/b?c=d", "", "/x?u=https://a/b?c=d"),
            ("/x", b"a=b c\\d\t\"'", "", "/x?a=b%20c%5Cd%09%22'"),
            ("/x", b"a=\xff\xc3\xa9", "", "/x?a=%FF%C3%A9"),
            ("/x", b"a[]=1", "", "/x?a%5B%5D=1"),
            ("/x", b"", "/app", "/app/x"),
            ("/", b"", "/app", "/app/"),
            ("/x", b"q=1", "/app/", "/app/x?q=1"),
            ("/x", b"", "/a b/é", "/a%20b/%C3%A9/x"),
            ("/x", b"", "//evil.example", None),
            ("/x", b"", "/", "/x"),
            ("/" + "a" * MAX_TARGET, b"", "", None),
            ("/x", b"a" * MAX_TARGET, "", None),
        ],
    )
    def test_an_address(self, path: str, query: bytes, script: str, expected: str | None) -> None:
        """Written so that a browser asks for the same again."""
        assert expected == here(asked(path, query, script=script))

    def test_a_path_that_begins_with_two_slashes_is_no_other_host(self) -> None:
        """Werkzeug takes them for one when it looks for the view; so does the address, and leads to the same view."""
        assert "/evil.example" == here(asked("//evil.example"))
        assert "/app/evil.example" == here(asked("//evil.example", script="/app"))

    def test_bytes_that_are_no_text(self) -> None:
        """The address stays one of this application."""
        target = here(asked("/\udcff"))
        assert target is not None
        assert ORIGIN == where_a_browser_goes(target)

    @given(
        path=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        query=st.binary(max_size=30),
        script=st.sampled_from(["", "/app", "/a b"]),
    )
    def test_any_address_asks_for_the_same_again(self, path: str, query: bytes, script: str) -> None:
        """The same path and the same bytes in the query."""
        path = "/" + path.lstrip("/")
        assume({".", ".."}.isdisjoint(path.split("/")))  # no browser asks for these
        target = here(asked(path, query, script=script))
        assert target is not None
        parts = urlsplit(target)
        assert (script + path, unquote_to_bytes(query)) == (unquote(parts.path), unquote_to_bytes(parts.query))
        assert ORIGIN == where_a_browser_goes(target)
        assert target == local_target(target)


class TestWholeAddresses:
    """What HTMX tells of the page that a request comes from."""

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            (f"{ORIGIN}/x?a=1", "/x?a=1"),
            (f"{ORIGIN}/x?a=1#part", "/x?a=1"),
            (ORIGIN, "/"),
            (f"{ORIGIN}/", "/"),
            (f"{ORIGIN}?a=1", "/?a=1"),
            ("HTTPS://APP.example.com/x", "/x"),
            (f"{ORIGIN}/a%20b/%C3%A9", "/a%20b/%C3%A9"),
            ("http://app.example.com/x", None),
            (f"{ORIGIN}:8443/x", None),
            ("https://evil.example/x", None),
            ("https://app.example.com.evil.example/x", None),
            ("https://me@app.example.com/x", None),
            ("https://app.example.com@evil.example/x", None),
            ("https://app.example.com\\@evil.example/x", None),
            ("https://app.example.com\\evil.example", None),
            (f"{ORIGIN}//evil.example", None),
            (f"{ORIGIN}/\\evil.example", None),
            (f"{ORIGIN}/\t/evil.example", None),
            (f"{ORIGIN}/x\\y", None),
            (f"{ORIGIN}/" + "a" * MAX_TARGET, None),
            ("/x", None),
            ("//app.example.com/x", None),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("https://[/x", None),
            ("https://[::1]x/", None),
            ("about:blank", None),
            ("null", None),
            ("", None),
            (None, None),
        ],
    )
    def test_a_whole_address(self, url: str | None, expected: str | None) -> None:
        """Of the same origin: path and query. Of another: nothing."""
        assert expected == local_target_of(url, asked("/fragment"))

    def test_a_port_belongs_to_the_origin(self) -> None:
        """The one that the browser wrote in both."""
        request = asked("/", host="localhost:5000")
        assert "/x" == local_target_of("https://localhost:5000/x", request)
        assert None is local_target_of("https://localhost/x", request)

    @given(nasty)
    def test_no_address_leads_abroad(self, value: str) -> None:
        """Whatever is in it."""
        for url in (value, f"{ORIGIN}{value}", f"{ORIGIN}/{value}"):
            assert ORIGIN == where_a_browser_goes(local_target_of(url, asked("/")) or "/")


PAGES = [
    "/",
    "/inbox",
    "/inbox/",
    "/a%20b/50%25",
    "/what%3F/%23top",
    "/caf%C3%A9",
    "/%252F",
    "/inbox?page=2&sort=up",
    "/inbox?next=/other",
    "/inbox?next=//evil.example",
    "/inbox?a=100%",
    "/inbox?a=b+c%20d",
    "/inbox?a=%FF",
    "/@evil.example",
]


class TestRoundTrip:
    """Asked for, sent to sign in, and back."""

    @pytest.mark.parametrize("page", PAGES)
    def test_back_to_the_page(self, browser: Browser, page: str) -> None:
        """Exactly, with its query."""
        response = browser.get(ORIGIN + page, follow=True)
        assert (2, ORIGIN + page) == (len(response.history), final_url(response))

    @pytest.mark.parametrize("page", PAGES)
    def test_back_to_the_page_under_a_script_root(self, password: str, page: str) -> None:
        """The application has its place below another one."""
        root = Flask("root", static_folder=None)
        browser = Browser(DispatcherMiddleware(root, {"/deep/app": make_app(password)}), Clock())
        response = browser.get(f"{ORIGIN}/deep/app{page}", follow=True)
        assert (2, f"{ORIGIN}/deep/app{page}") == (len(response.history), final_url(response))

    @pytest.mark.parametrize("login", ["/login", "/login?from=app", f"{ORIGIN}/login", f"{ORIGIN}/login?from=app"])
    @pytest.mark.parametrize("page", PAGES)
    def test_back_to_the_page_from_a_login_page_by_address(self, password: str, page: str, login: str) -> None:
        """A path or a whole address as LOGIN_VIEW."""
        browser = Browser(make_app(password, LOGIN_VIEW=login), Clock())
        response = browser.get(ORIGIN + page, follow=True)
        assert (2, ORIGIN + page) == (len(response.history), final_url(response))

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("page", PAGES)
    def test_htmx_goes_back_to_the_page_that_the_person_sees(self, browser: Browser, page: str, method: str) -> None:
        """And not to the fragment that was asked for."""
        headers = {"HX-Request": "true", "HX-Current-URL": ORIGIN + page}
        response = browser.fetch(f"{ORIGIN}/fragment", headers=headers)
        assert 401 == response.status_code
        target = urljoin(f"{ORIGIN}/fragment", response.headers["HX-Redirect"])
        assert ORIGIN + page == final_url(browser.request(method, target, follow=True))

    def test_a_page_that_is_too_long_is_not_gone_back_to(self, browser: Browser) -> None:
        """Signing in leads to the default then."""
        response = browser.get(f"{ORIGIN}/{'a' * MAX_TARGET}", follow=True)
        assert f"{ORIGIN}/" == final_url(response)

    def test_an_address_with_an_odd_way_of_writing_leads_to_the_same_page(self, browser: Browser) -> None:
        """Brackets and quotes come back encoded."""
        response = browser.get(f'{ORIGIN}/a?b[]="1"&c=\'', follow=True)
        assert "a?b%5B%5D=%221%22&c='" == response.text


class TestOrigin:
    """Whether one of our own pages has sent a request."""

    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({"Origin": ORIGIN}, True),
            ({"Origin": f"{ORIGIN}.evil.example"}, False),
            ({"Origin": f"{ORIGIN}:8443"}, False),
            ({"Origin": f"{ORIGIN}/"}, False),
            ({"Origin": "http://app.example.com"}, False),
            ({"Origin": "null"}, False),
            ({"Referer": f"{ORIGIN}/page"}, False),
            ({}, False),
            ({"Sec-Fetch-Site": "same-origin"}, True),
            ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, True),
            ({"Sec-Fetch-Site": "none", "Origin": ORIGIN}, False),
            ({"Sec-Fetch-Site": "same-site", "Origin": ORIGIN}, False),
            ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, False),
        ],
    )
    def test_who_has_sent_it(self, headers: dict[str, str], expected: bool) -> None:
        """Fetch Metadata say so, and in older browsers the Origin, to the letter. A typed address sends no form."""
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        request = asked("/")
        request.environ.update(environ)
        assert expected == is_from_here(request)

    def test_the_scheme_belongs_to_it(self) -> None:
        """Also of an application without TLS."""
        environ = {**asked("/", host="localhost:5000").environ, "wsgi.url_scheme": "http"}
        assert is_from_here(Request({**environ, "HTTP_ORIGIN": "http://localhost:5000"}))
        assert not is_from_here(Request({**environ, "HTTP_ORIGIN": "https://localhost:5000"}))

    @pytest.mark.parametrize("host", ["xn--bcher-kva.example", "XN--BCHER-KVA.example", "localhost:5000"])
    def test_it_is_written_as_browsers_write_it(self, host: str) -> None:
        """A name in other scripts goes over the wire in ASCII, there as here."""
        request = asked("/", host=host)
        request.environ["HTTP_ORIGIN"] = f"https://{host.lower()}"
        assert (True, f"https://{host.lower()}") == (is_from_here(request), origin(request))
