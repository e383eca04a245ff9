"""A cookie jar as honest as a browser's: RFC 6265bis, sections 5.2 (same-site), 5.7 (storing) and 5.8 (sending).

Beyond that draft, as Chrome and Firefox do: the prefixes ``__Http-`` and ``__Host-Http-`` (layered-cookies draft) and
Partitioned (CHIPS). A missing SameSite is Lax at once: there is no grace of two minutes for a POST as in Chrome.
tests/browser holds it against Chromium, and has a list of where the two differ.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from tests.web.set_cookie import Dropped, SameSite, SetCookie, as_utf8, parse, wire

Identity = tuple[str, str, bool, str, str | None]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def host_of(url: str) -> str:
    """The host in lower case and ASCII; IPv6 in its brackets."""
    name = urlsplit(url).hostname or ""
    if ":" in name:
        return f"[{name}]"
    return name if name.isascii() else name.encode("idna").decode("ascii")


def path_of(url: str) -> str:
    """The path as it is written in the request."""
    return urlsplit(url).path or "/"


def site_of(url: str) -> str:
    """Scheme and registrable domain: http and https are two sites."""
    host = host_of(url)
    registrable = host if is_address(host) else public_suffixes().privatesuffix(host)
    return f"{urlsplit(url).scheme}://{registrable or host}"


@cache
def public_suffixes() -> PublicSuffixList:
    """The list that comes with its package, read once."""
    return PublicSuffixList()


def is_address(host: str) -> bool:
    """An IP address, to which no domain belongs."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_public_suffix(domain: str) -> bool:
    """``com``, ``co.uk``, ``github.io``: nobody owns all that is below."""
    return not is_address(domain) and public_suffixes().is_public(domain)


def is_loopback(host: str) -> bool:
    """This very machine, whatever its name server says."""
    if is_address(host):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    name = host.removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def domain_match(host: str, domain: str) -> bool:
    """The host is the domain or below it."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def path_match(path: str, cookie_path: str) -> bool:
    """The path is the cookie's or below it."""
    return path == cookie_path or path.startswith(cookie_path if cookie_path.endswith("/") else f"{cookie_path}/")


def default_path(url: str) -> str:
    """The directory of the request's path."""
    return path_of(url).rpartition("/")[0] or "/"


@dataclass(frozen=True)
class Context:
    """How a request came about. The default is an address that somebody typed, or a bookmark."""

    initiator: str | None = None
    """The page that caused the request; None where the person did."""
    top_level: str | None = None
    """The page in the address bar; None where this request is to fill the tab."""
    navigation: bool = True
    """A document is fetched to be shown, in the tab or in a frame."""
    via: tuple[str, ...] = ()
    """The addresses that redirected here."""

    @classmethod
    def link_on(cls, page: str) -> Context:
        """Somebody follows a link, or sends a form, on a page: the method says which."""
        return cls(initiator=page)

    @classmethod
    def frame_on(cls, page: str) -> Context:
        """A page shows the document in a frame."""
        return cls(initiator=page, top_level=page)

    @classmethod
    def fetch_on(cls, page: str, *, top_level: str | None = None) -> Context:
        """A page loads an image or calls ``fetch()``; a framed page stands below another one, its top level."""
        return cls(initiator=page, top_level=top_level or page, navigation=False)

    def redirected(self, url: str) -> Context:
        """The same request after this address sent it on."""
        return replace(self, via=(*self.via, url))

    @property
    def fills_the_tab(self) -> bool:
        """What the browser calls a top-level navigation."""
        return self.navigation and self.top_level is None

    def same_site(self, url: str) -> bool:
        """Nobody from another site took part, redirects included: Firefox is that strict, the draft was once."""
        others = {site_of(other) for other in (self.initiator, self.top_level, *self.via) if other is not None}
        return others <= {site_of(url)}

    def partition(self, url: str) -> str:
        """The key of partitioned cookies: the site in the address bar."""
        return site_of(self.top_level or url)


TYPED = Context()
RELOAD = TYPED  # of a page that a same-site request opened


@dataclass(frozen=True)
class Cookie:
    """One cookie as it lies in the jar."""

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    expires_at: float | None
    secure: bool
    http_only: bool
    same_site: SameSite
    partition_key: str | None
    created_at: float

    @property
    def identity(self) -> Identity:
        """Where it lies: a second cookie with the same one replaces it."""
        return self.name, self.domain, self.host_only, self.path, self.partition_key

    def belongs_to(self, url: str) -> bool:
        """Host and path are right."""
        host = host_of(url)
        at_home = host == self.domain if self.host_only else domain_match(host, self.domain)
        return at_home and path_match(path_of(url), self.path)

    def overlaid_by(self, other: Cookie) -> bool:
        """The other could be taken for this one, or replace it."""
        related = domain_match(self.domain, other.domain) or domain_match(other.domain, self.domain)
        same = self.name == other.name and self.partition_key == other.partition_key
        return same and related and path_match(other.path, self.path)


class Jar:
    """The cookies of one browser."""

    def __init__(self, clock: Callable[[], float], *, secure_on_localhost: bool = True) -> None:
        """``secure_on_localhost`` is how Chrome and Firefox treat http on this machine; Safari does not."""
        self._clock = clock
        self._secure_on_localhost = secure_on_localhost
        self._cookies: dict[Identity, Cookie] = {}

    def store(self, set_cookie_line: str, url: str, *, context: Context = TYPED) -> str | None:
        """Take what a response from this address sets. A text says why the browser drops it instead."""
        return self._receive(wire(set_cookie_line), url, context, script=False)

    def header(self, url: str, *, method: str = "GET", context: Context = TYPED) -> str:
        """The Cookie header of a request; empty where there is none."""
        same_site = context.same_site(url)
        lax = same_site or (context.fills_the_tab and method.upper() in SAFE_METHODS)
        goes = {"Strict": same_site, "Lax": lax, "None": True}
        return cookie_string(cookie for cookie in self._matching(url, context) if goes[cookie.same_site])

    def script_store(self, line: str, url: str, *, top_level: str | None = None) -> str | None:
        """``document.cookie = line`` on the page at this address; ``top_level`` is the page that frames it."""
        return self._receive(as_utf8(line), url, Context(top_level=top_level, navigation=False), script=True)

    def script_cookies(self, url: str, *, top_level: str | None = None) -> str:
        """``document.cookie`` read on the page at this address."""
        context = Context(top_level=top_level, navigation=False)
        same_site = context.same_site(url)
        seen = (c for c in self._matching(url, context) if not c.http_only and (same_site or c.same_site == "None"))
        return cookie_string(seen).encode("latin-1").decode("utf-8", "replace")

    def cookies(self) -> list[Cookie]:
        """Every cookie that has not expired, the oldest first."""
        now = self._clock()
        return [cookie for cookie in self._cookies.values() if cookie.expires_at is None or now < cookie.expires_at]

    def get(self, name: str) -> Cookie:
        """The only cookie of that name."""
        found = [cookie for cookie in self.cookies() if cookie.name == name]
        if len(found) != 1:
            raise LookupError(f"the jar holds {len(found)} cookies named {name}, not one; all of them: {self!r}")
        return found[0]

    def __contains__(self, name: object) -> bool:
        return any(cookie.name == name for cookie in self.cookies())

    def __repr__(self) -> str:
        return f"Jar({', '.join(f'{c.name} for {c.domain}{c.path}' for c in self.cookies())})"

    def close_session(self) -> None:
        """Close the browser: what has no date of expiry is gone."""
        self._cookies = {cookie.identity: cookie for cookie in self.cookies() if cookie.expires_at is not None}

    def trusts(self, url: str) -> bool:
        """Nobody listens in between: https, or this machine where the browser counts that."""
        if urlsplit(url).scheme == "https":
            return True
        return self._secure_on_localhost and is_loopback(host_of(url))

    def _matching(self, url: str, context: Context) -> list[Cookie]:
        """What the address may see, not yet judged by SameSite, in the order of the header."""
        trusted, partition = self.trusts(url), context.partition(url)
        found = [
            cookie
            for cookie in self.cookies()
            if cookie.belongs_to(url) and (trusted or not cookie.secure) and cookie.partition_key in (None, partition)
        ]
        return sorted(found, key=lambda cookie: (-len(cookie.path), cookie.created_at))

    def _receive(self, line: str, url: str, context: Context, *, script: bool) -> str | None:
        """Judge and keep; one that has expired only removes the one before it."""
        now = self._clock()
        self._cookies = {cookie.identity: cookie for cookie in self.cookies()}
        try:
            read = parse(line, now)
            cookie = placed(read, url, context, now)
        except Dropped as dropped:
            return str(dropped)
        reason = self._objection(cookie, url, context, script=script) or broken_prefix(cookie, read)
        old = self._cookies.get(cookie.identity)
        if reason is None and script and old is not None and old.http_only:
            reason = "http_only_exists"
        if reason is None:
            self._cookies[cookie.identity] = replace(cookie, created_at=old.created_at) if old else cookie
        return reason

    def _objection(self, cookie: Cookie, url: str, context: Context, *, script: bool) -> str | None:
        """The first rule that the cookie breaks, in the order of section 5.7."""
        trusted = self.trusts(url)
        shadows = any(old.secure and old.overlaid_by(cookie) for old in self._cookies.values())
        welcome = context.same_site(url) or context.fills_the_tab
        rules = (
            (cookie.secure and not trusted, "secure_over_http"),
            (cookie.http_only and script, "http_only_script"),
            (not trusted and shadows, "secure_exists"),
            (cookie.same_site != "None" and not welcome, "cross_site_response"),
            (cookie.same_site == "None" and not cookie.secure, "samesite_none_insecure"),
            (cookie.partition_key is not None and not cookie.secure, "partitioned_insecure"),
        )
        return next((reason for broken, reason in rules if broken), None)


def placed(read: SetCookie, url: str, context: Context, now: float) -> Cookie:
    """The cookie that a line asks for, at its place."""
    domain, host_only = home(read.domain, host_of(url))
    return Cookie(
        name=read.name,
        value=read.value,
        domain=domain,
        host_only=host_only,
        path=read.path if read.path and read.path.startswith("/") else default_path(url),
        expires_at=read.expires_at,
        secure=read.secure,
        http_only=read.http_only,
        same_site=read.same_site,
        partition_key=context.partition(url) if read.partitioned else None,
        created_at=now,
    )


def home(domain: str, host: str) -> tuple[str, bool]:
    """The domain that a cookie from this host gets, and whether the host is alone in it."""
    if not domain.isascii():
        raise Dropped("domain_not_ascii")
    if not domain or (domain == host and (is_address(host) or is_public_suffix(host))):
        return host, True
    if is_public_suffix(domain):
        raise Dropped("public_suffix")
    if not domain_match(host, domain):
        raise Dropped("domain_mismatch")
    return domain, False


def broken_prefix(cookie: Cookie, read: SetCookie) -> str | None:
    """The prefix whose promise the cookie does not keep. A value that looks like one has none to keep.

    As strict as Chrome and not as the draft: the line itself has to say ``Path=/`` and no Domain, but an address may.
    """
    alone = cookie.host_only and (not read.domain or is_address(cookie.domain))
    host_bound = cookie.secure and alone and read.path == "/"
    http_bound = cookie.secure and cookie.http_only
    kept = {
        "__host-http-": (host_bound and http_bound, "prefix_host_http"),
        "__host-": (host_bound, "prefix_host"),
        "__http-": (http_bound, "prefix_http"),
        "__secure-": (cookie.secure, "prefix_secure"),
    }
    if not cookie.name:
        return "prefix_nameless" if cookie.value.lower().startswith(tuple(kept)) else None
    prefix = next((prefix for prefix in kept if cookie.name.lower().startswith(prefix)), None)
    return None if prefix is None or kept[prefix][0] else kept[prefix][1]


def cookie_string(cookies: Iterable[Cookie]) -> str:
    """As the header has it; a nameless cookie is its value alone."""
    return "; ".join(f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in cookies)
