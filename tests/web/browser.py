"""A small browser over WSGI applications: its cookies, headers and redirects are a browser's, and there is no network.

Not modelled: CORS (no preflight, nothing is withheld from the page), caches, Referer and the limits on third parties.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypedDict, Unpack
from urllib.parse import urljoin, urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from tests.web.jar import SAFE_METHODS, TYPED, Context, Jar, host_of, site_of
from tests.web.set_cookie import name_and_value

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

DOCUMENTS = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
MOST_REDIRECTS = 10
BECOMES_GET = {301: {"POST"}, 302: {"POST"}, 303: {"POST", "PUT", "PATCH", "DELETE"}}
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class TooManyRedirects(Exception):
    """More than a browser follows."""


@dataclass(frozen=True)
class Asked:
    """One request, before the jar and the context add their headers."""

    method: str
    url: str
    context: Context
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    """``data`` or ``json``, as Werkzeug's builder takes them."""


class Options(TypedDict, total=False):
    """What ``get``, ``post`` and ``fetch`` pass on to ``request``."""

    data: Any
    json: Any
    headers: Mapping[str, str] | None
    context: Context | None
    follow: bool


class Browser:
    """One person's browser. ``apps`` are named by host, or by host and port; one alone answers everywhere."""

    def __init__(
        self,
        apps: Mapping[str, WSGIApplication] | WSGIApplication,
        clock: Callable[[], float],
        *,
        secure_on_localhost: bool = True,
    ) -> None:
        """The clock and the last option are the jar's."""
        self.apps = apps
        self.jar = Jar(clock, secure_on_localhost=secure_on_localhost)
        self.refused: list[tuple[str, str]] = []
        """The name of each cookie that was dropped, and why."""

    def get(self, url: str, **options: Unpack[Options]) -> TestResponse:
        """Open an address as if it had been typed; options as for ``request``."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Unpack[Options]) -> TestResponse:
        """Send a form that stands on a page of the same origin; options as for ``request``."""
        return self.request("POST", url, **options)

    def request(
        self,
        method: str,
        url: str,
        *,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        context: Context | None = None,
        follow: bool = False,
    ) -> TestResponse:
        """Navigate, or whatever else the context says; with ``follow`` to the end of the redirects."""
        if context is None:
            context = TYPED if method in SAFE_METHODS else Context.link_on(url)
        body = {name: value for name, value in (("data", data), ("json", json)) if value is not None}
        asked = Asked(method, url, context, headers or {}, body)
        return self._follow(asked) if follow else self._send(asked)

    def fetch(self, url: str, *, method: str = "GET", **options: Unpack[Options]) -> TestResponse:
        """``fetch(url, {credentials: "include"})`` by a page of the same origin; options as for ``request``."""
        options["context"] = options.get("context") or Context.fetch_on(url)
        return self.request(method, url, **options)

    def _follow(self, asked: Asked) -> TestResponse:
        """Send, and go where the answer points to."""
        history: list[TestResponse] = []
        response = self._send(asked)
        while (following := redirected(asked, response)) is not None:
            history.append(response)
            if len(history) > MOST_REDIRECTS:
                raise TooManyRedirects(f"{MOST_REDIRECTS} redirects, and {asked.url} sends on to {following.url}")
            asked, response = following, self._send(following)
        response.history = tuple(history)
        return response

    def _send(self, asked: Asked) -> TestResponse:
        """One request and its answer, read to the end and closed."""
        builder = EnvironBuilder(
            base_url=f"{origin_of(asked.url)}/",
            method=asked.method,
            query_string=urlsplit(asked.url).query,
            headers=self._headers(asked),
            environ_base={"REMOTE_ADDR": "127.0.0.1"},
            **asked.body,
        )
        # The builder would read a path that begins with two slashes as a host.
        builder.path = urlsplit(asked.url).path or "/"
        builder.request_uri = builder.path + (f"?{builder.query_string}" if builder.query_string else "")
        request = builder.get_request()
        builder.close()
        response = TestResponse(*run_wsgi_app(self._app(asked.url), request.environ, buffered=True), request)
        self._take_cookies(asked, response)
        return response

    def _app(self, url: str) -> WSGIApplication:
        """Who answers at this address."""
        if not host_of(url):
            raise LookupError(f"Write the whole address, as in https://app.example.com/path, not {url!r}")
        if not isinstance(self.apps, Mapping):
            return self.apps
        for name in (urlsplit(url).netloc, host_of(url)):
            if name in self.apps:
                return self.apps[name]
        raise LookupError(f"No application answers at {host_of(url)}; there are {', '.join(self.apps)}")

    def _headers(self, asked: Asked) -> Headers:
        """The caller's headers win over the browser's, but for the cookies, which no page can write."""
        if "cookie" in {name.lower() for name in asked.headers}:
            raise ValueError("A page cannot write the Cookie header: put the cookie in the jar with jar.store")
        headers = Headers({"Accept": DOCUMENTS if asked.context.navigation else "*/*"})
        if self.jar.trusts(asked.url):
            headers.update(fetch_metadata(asked))
        if origin := origin_header(asked):
            headers["Origin"] = origin
        for name, value in asked.headers.items():
            headers[name] = value
        if cookies := self.jar.header(asked.url, method=asked.method, context=asked.context):
            headers["Cookie"] = cookies
        return headers

    def _take_cookies(self, asked: Asked, response: TestResponse) -> None:
        """Every Set-Cookie line, also of a redirect or an error."""
        for line in response.headers.getlist("Set-Cookie"):
            reason = self.jar.store(line, asked.url, context=asked.context)
            if reason is not None:
                self.refused.append((name_and_value(line)[0], reason))


def origin_of(url: str) -> str:
    """Scheme, host and port; the port is left out where it is the scheme's own."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host_of(url)}" + (f":{parts.port}" if parts.port not in (None, default) else "")


def redirected(asked: Asked, response: TestResponse) -> Asked | None:
    """The request that the answer asks for, or None: then it is the last one."""
    location = response.headers.get("Location")
    if location is None or response.status_code not in REDIRECTS:
        return None
    url = urljoin(asked.url, location)
    if urlsplit(url).scheme not in {"http", "https"}:
        return None
    dropped = {"authorization"} if origin_of(url) != origin_of(asked.url) else set()
    following = replace(asked, url=url, context=asked.context.redirected(asked.url))
    if asked.method in BECOMES_GET.get(response.status_code, ()):
        following = replace(following, method="GET", body={})
        dropped |= {"content-type"}
    return replace(following, headers={k: v for k, v in asked.headers.items() if k.lower() not in dropped})


def fetch_metadata(asked: Asked) -> dict[str, str]:
    """The Sec-Fetch headers."""
    context = asked.context
    destination = "document" if context.fills_the_tab else "iframe"
    return {
        "Sec-Fetch-Site": relation(context, asked.url),
        "Sec-Fetch-Mode": "navigate" if context.navigation else "cors",
        "Sec-Fetch-Dest": destination if context.navigation else "empty",
    }


def relation(context: Context, url: str) -> str:
    """How far from the page that caused the request any of its addresses is; ``none`` where a person caused it."""
    page, visited = context.initiator, (*context.via, url)
    if page is None:
        return "none"
    if {origin_of(page)} == {origin_of(each) for each in visited}:
        return "same-origin"
    return "same-site" if {site_of(page)} == {site_of(each) for each in visited} else "cross-site"


def origin_header(asked: Asked) -> str | None:
    """Where the request comes from, for what may change something and for a page's calls to other origins."""
    page, url = asked.context.initiator, asked.url
    visited = (*asked.context.via, url)
    abroad = page is not None and any(origin_of(each) != origin_of(page) for each in visited)
    if asked.method in {"GET", "HEAD"} and (asked.context.navigation or not abroad):
        return None
    # An origin that sends a request on to yet another one takes its name off it, as it is not the page's own wish.
    tainted = any(origin_of(page or "") != origin_of(a) != origin_of(b) for a, b in pairwise(visited))
    return "null" if page is None or tainted else origin_of(page)
