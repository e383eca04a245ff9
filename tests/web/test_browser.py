"""The browser: the headers it sends, the cookies it keeps, and where redirects take it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, jsonify, redirect, request

from tests.web.browser import Browser, TooManyRedirects
from tests.web.jar import Context

APP = "https://app.example.com"
IDP = "https://idp.test"
EVIL = "https://evil.test/page"
FETCH = ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")


def make_app() -> Flask:
    """An application that tells what it was asked, and redirects and sets cookies as the query says."""
    app = Flask(__name__)

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT"])
    def echo(path: str) -> Response:
        told = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
        response = jsonify(told, request.get_data(as_text=True))
        if target := request.args.get("to"):
            response = redirect(target, int(request.args.get("code", 302)))  # type: ignore[assignment]
        for line in request.args.getlist("set"):
            response.headers.add("Set-Cookie", line)
        return response

    return app


@pytest.fixture
def browser() -> Browser:
    """One that knows two hosts."""
    app = make_app()
    return Browser({"app.example.com": app, "idp.test": app, "localhost:5000": app}, lambda: 1_700_000_000.0)


def told(response: Any) -> dict[str, Any]:
    """What the application saw."""
    seen: dict[str, Any] = response.json[0]
    return seen


def body_of(response: Any) -> str:
    """The body that the application was sent."""
    body: str = response.json[1]
    return body


def headers_of(response: Any, *names: str) -> list[str | None]:
    """Some of the headers that the application saw."""
    return [told(response)["headers"].get(name) for name in names]


# Requests.


def test_a_typed_address(browser: Browser) -> None:
    """Has the headers of a navigation, and no cookie yet."""
    response = browser.get(f"{APP}/page?a=1&b=%20")
    assert (200, "GET", f"{APP}/page?a=1&b=%20") == (
        response.status_code,
        told(response)["method"],
        told(response)["url"],
    )
    assert ["none", "navigate", "document"] == headers_of(response, *FETCH)
    accept, *others = headers_of(response, "Accept", "Cookie", "Origin")
    assert str(accept).startswith("text/html,application/xhtml+xml,")
    assert [None, None] == others


def test_a_form(browser: Browser) -> None:
    """Stands on a page of the same origin unless the context says otherwise."""
    response = browser.post(f"{APP}/login", data={"user": "me", "next": "/a b"})
    assert "user=me&next=/a+b" == body_of(response).replace("%2F", "/")
    assert ["same-origin", "navigate", "document", APP] == headers_of(response, *FETCH, "Origin")
    response = browser.post(f"{APP}/login", context=Context.link_on(EVIL))
    assert ["cross-site", "https://evil.test"] == headers_of(response, "Sec-Fetch-Site", "Origin")


def test_a_fetch(browser: Browser) -> None:
    """Takes anything, and names its origin where it may change something or leaves it."""
    response = browser.fetch(f"{APP}/api")
    assert ["same-origin", "cors", "empty", "*/*", None] == headers_of(response, *FETCH, "Accept", "Origin")
    response = browser.fetch(f"{APP}/api", method="POST", json={"a": 1})
    assert [APP, "application/json"] == headers_of(response, "Origin", "Content-Type")
    assert '{"a":1}' == body_of(response).replace(" ", "")
    response = browser.fetch(f"{APP}/api", context=Context.fetch_on("https://www.example.com/"))
    assert ["same-site", "https://www.example.com"] == headers_of(response, "Sec-Fetch-Site", "Origin")


def test_a_frame(browser: Browser) -> None:
    """Is a navigation, but not of the tab."""
    response = browser.get(f"{APP}/", context=Context.frame_on(EVIL))
    assert ["cross-site", "navigate", "iframe"] == headers_of(response, *FETCH)


@pytest.mark.parametrize(
    ("page", "site"),
    [
        (APP, "same-origin"),
        (f"{APP}:443/x", "same-origin"),
        (f"{APP}:8443", "same-site"),
        ("https://example.com", "same-site"),
        ("http://app.example.com", "cross-site"),
        (EVIL, "cross-site"),
    ],
)
def test_how_far_a_link_leads(browser: Browser, page: str, site: str) -> None:
    """Scheme, host and port make the origin, scheme and registrable domain the site."""
    assert [site] == headers_of(browser.get(f"{APP}/", context=Context.link_on(page)), "Sec-Fetch-Site")


def test_plain_http_gets_no_fetch_metadata(browser: Browser) -> None:
    """But this machine does."""
    assert [None] * 3 == headers_of(browser.get("http://app.example.com/"), *FETCH)
    assert ["none", "navigate", "document"] == headers_of(browser.get("http://localhost:5000/"), *FETCH)


def test_the_callers_headers_win(browser: Browser) -> None:
    """All but the cookies: a page cannot write those."""
    response = browser.get(f"{APP}/", headers={"accept": "text/plain", "X-Mine": "1"})
    assert ["text/plain", "1"] == headers_of(response, "Accept", "X-Mine")
    with pytest.raises(ValueError, match=r"jar\.store"):
        browser.get(f"{APP}/", headers={"cookie": "a=b"})


def test_who_answers(browser: Browser) -> None:
    """The application of the host, with or without its port, or the only one there is."""
    assert 200 == browser.get("https://app.example.com:8443/").status_code
    assert 200 == browser.get("http://localhost:5000/").status_code
    for url, match in (("http://localhost:5001/", "No application answers at localhost"), ("/page", "whole address")):
        with pytest.raises(LookupError, match=match):
            browser.get(url)
    assert f"{IDP}/" == told(Browser(make_app(), lambda: 0.0).get(f"{IDP}/"))["url"]


@pytest.mark.parametrize("path", ["//evil.test/x", "/a%2Fb", "/a%20b/%C3%A9", "/a;b=c", "/:80"])
def test_the_path_arrives_as_it_is(path: str) -> None:
    """Two slashes are no host."""
    seen = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.append((environ["HTTP_HOST"], environ["REQUEST_URI"], environ["REMOTE_ADDR"]))
        start_response("200 OK", [])
        return []

    Browser(app, lambda: 0.0).get(f"{APP}{path}?q=1#fragment")
    assert [("app.example.com", f"{path}?q=1", "127.0.0.1")] == seen


def test_a_file_is_uploaded_and_closed(browser: Browser) -> None:
    """As a form's file field."""
    file = io.BytesIO(b"content")
    response = browser.post(f"{APP}/", data={"file": (file, "name.txt")})
    assert "content" in body_of(response)
    assert file.closed


# Cookies.


def test_cookies_come_back(browser: Browser) -> None:
    """Where they belong, from any kind of answer."""
    browser.get(f"{APP}/dir/page?set=a=1&set=b=2;Path=/;Domain=example.com&set=c=3;Path=/;Secure&code=302&to=/x")
    assert ["a=1; b=2; c=3"] == headers_of(browser.get(f"{APP}/dir/"), "Cookie")
    assert ["b=2"] == headers_of(browser.get("http://app.example.com/"), "Cookie")
    assert [None] == headers_of(browser.get(f"{IDP}/"), "Cookie")


def test_the_context_decides_what_is_sent_and_kept(browser: Browser) -> None:
    """And so does the method."""
    browser.get(f"{APP}/?set=lax=1&set=strict=1;SameSite=Strict")
    assert ["lax=1"] == headers_of(browser.get(f"{APP}/", context=Context.link_on(EVIL)), "Cookie")
    assert [None] == headers_of(browser.post(f"{APP}/", context=Context.link_on(EVIL)), "Cookie")
    assert [None] == headers_of(browser.fetch(f"{APP}/?set=b=1", context=Context.fetch_on(EVIL)), "Cookie")
    assert [("b", "cross_site_response")] == browser.refused


def test_refusals_are_kept_without_their_values(browser: Browser) -> None:
    """By name and reason."""
    browser.get(f"{APP}/?set=a=secret;Domain=com&set=ok=1&set=__Host-b=secret")
    browser.get("http://app.example.com/?set=c=secret;Secure&set=secret;Secure")
    assert [
        ("a", "public_suffix"),
        ("__Host-b", "prefix_host"),
        ("c", "secure_over_http"),
        ("", "secure_over_http"),
    ] == browser.refused


def test_this_machine_without_https() -> None:
    """In Chrome and Firefox as good as https; not in Safari."""
    chrome = Browser(make_app(), lambda: 0.0)
    safari = Browser(make_app(), lambda: 0.0, secure_on_localhost=False)
    for browser in (chrome, safari):
        browser.get("http://localhost:5000/?set=a=1;Secure")
    assert ("a" in chrome.jar, [("a", "secure_over_http")]) == (True, safari.refused)


# Redirects.


@pytest.mark.parametrize(
    ("code", "method", "arrives", "body"),
    [
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (303, "POST", "GET", ""),
        (307, "POST", "POST", "a=1"),
        (308, "POST", "POST", "a=1"),
        (302, "PUT", "PUT", "a=1"),
        (303, "PUT", "GET", ""),
        (303, "GET", "GET", ""),
    ],
)
def test_what_a_redirect_keeps(browser: Browser, code: int, method: str, arrives: str, body: str) -> None:
    """303 makes everything a GET, 301 and 302 a POST, 307 and 308 nothing."""
    data = {"a": "1"} if method != "GET" else None
    response = browser.request(method, f"{APP}/?code={code}&to=/end", data=data, follow=True)
    assert (arrives, f"{APP}/end", body) == (told(response)["method"], told(response)["url"], body_of(response))
    assert [code] == [passed.status_code for passed in response.history]
    assert (APP if arrives != "GET" else None) == headers_of(response, "Origin")[0]
    assert ("application/x-www-form-urlencoded" if body else None) == headers_of(response, "Content-Type")[0]


def test_a_body_that_is_left_behind_takes_its_type_along(browser: Browser) -> None:
    """Also one that the caller named."""
    typed = {"Content-Type": "text/plain"}
    response = browser.fetch(f"{APP}/?to=/end", method="POST", data="x", headers=typed, follow=True)
    assert [None] == headers_of(response, "Content-Type")


def test_redirects_are_not_followed_unasked(browser: Browser) -> None:
    """So that a test can look at them."""
    assert (302, "/x") == ((response := browser.get(f"{APP}/?to=/x")).status_code, response.headers["Location"])


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("next?b=2", f"{APP}/dir/next?b=2"),
        ("/next%23fragment", f"{APP}/next"),
        ("../up", f"{APP}/up"),
        ("//idp.test/x", f"{IDP}/x"),
        ("http://app.example.com/", "http://app.example.com/"),
    ],
)
def test_where_a_redirect_leads(browser: Browser, target: str, url: str) -> None:
    """From the address that sent it, without the fragment."""
    assert url == told(browser.get(f"{APP}/dir/page?to={target}", follow=True))["url"]


def test_a_browser_stays_in_the_web(browser: Browser) -> None:
    """An application on the phone is not opened."""
    assert 302 == browser.get(f"{APP}/?to=myapp:callback", follow=True).status_code


@pytest.mark.parametrize(("hops", "arrives"), [(10, True), (11, False)])
def test_redirects_end(hops: int, arrives: bool) -> None:
    """After ten."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        left = int(environ["PATH_INFO"][1:])
        start_response("302 Found" if left else "200 OK", [("Location", f"/{left - 1}")])
        return []

    browser = Browser(app, lambda: 0.0)
    if arrives:
        assert 200 == browser.get(f"{APP}/{hops}", follow=True).status_code
    else:
        with pytest.raises(TooManyRedirects, match="10 redirects"):
            browser.get(f"{APP}/{hops}", follow=True)


def test_cookies_on_the_way(browser: Browser) -> None:
    """Each answer's count for the next request."""
    response = browser.get(f"{APP}/?set=a=1&to={IDP}/%3Fset=b=1%26to={APP}/end", follow=True)
    assert f"{APP}/end" == told(response)["url"]
    assert ["a=1"] == headers_of(response, "Cookie")
    assert {"a": "app.example.com", "b": "idp.test"} == {c.name: c.domain for c in browser.jar.cookies()}


def test_a_way_through_another_site_is_cross_site(browser: Browser) -> None:
    """For Strict cookies as for the server."""
    browser.get(f"{APP}/?set=lax=1&set=strict=1;SameSite=Strict")
    around, home = f"{APP}/?to={IDP}/%3Fto={APP}/end", f"{APP}/?to=/end"
    link = Context.link_on(f"{APP}/page")
    wanted = "Cookie", "Sec-Fetch-Site"
    assert ["lax=1", "cross-site"] == headers_of(browser.get(around, context=link, follow=True), *wanted)
    assert ["lax=1; strict=1", "same-origin"] == headers_of(browser.get(home, context=link, follow=True), *wanted)
    assert ["lax=1", "none"] == headers_of(browser.get(around, follow=True), *wanted)


def test_a_form_that_is_sent_on(browser: Browser) -> None:
    """To another origin it names the page; from there to yet another it does not."""
    once = browser.post(f"{APP}/?code=307&to={IDP}/end", follow=True)
    twice = browser.post(f"{APP}/?code=307&to={IDP}/%3Fcode=307%26to={APP}/end", follow=True)
    there = browser.post(f"{APP}/?code=307&to={IDP}/%3Fcode=307%26to=/end", follow=True)
    assert [[APP, "cross-site"], ["null", "cross-site"], [APP, "cross-site"]] == [
        headers_of(response, "Origin", "Sec-Fetch-Site") for response in (once, twice, there)
    ]


def test_authorization_stays_with_its_origin(browser: Browser) -> None:
    """Other headers go along."""
    sent = {"Authorization": "Bearer x", "X-Mine": "1"}
    here = browser.fetch(f"{APP}/?to=/end", headers=sent, follow=True)
    there = browser.fetch(f"{APP}/?to={IDP}/end", headers=sent, follow=True)
    assert [["Bearer x", "1"], [None, "1"]] == [headers_of(r, "Authorization", "X-Mine") for r in (here, there)]


# The end of an answer.


def test_an_answer_is_read_and_closed() -> None:
    """A stream to its end, and what was to be called then is called."""
    events: list[str] = []
    app = Flask(__name__)

    @app.get("/")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            yield from ("one ", "two")
            events.append("read")

        response = Response(parts(), mimetype="text/plain")
        response.call_on_close(lambda: events.append("closed"))
        return response

    response = Browser(app, lambda: 0.0).get(f"{APP}/")
    assert ("one two", ["read", "closed"]) == (response.text, events)


def test_an_answer_that_breaks_is_closed_too() -> None:
    """And the error reaches the test."""
    events: list[str] = []

    class Broken:
        def __iter__(self) -> Iterator[bytes]:
            yield b"one"
            raise RuntimeError("in the middle")

        def close(self) -> None:
            events.append("closed")

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return Broken()

    with pytest.raises(RuntimeError, match="in the middle"):
        Browser(app, lambda: 0.0).get(f"{APP}/")
    assert ["closed"] == events
