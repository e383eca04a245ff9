"""The jar: what it takes, what it refuses and why, what it sends, and what a script sees."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.jar import RELOAD, TYPED, Context, Jar, default_path, domain_match, host_of, path_match, site_of
from tests.web.set_cookie import cookie_date

APP = "https://app.example.com/"
PLAIN = "http://app.example.com/"
EVIL = "https://evil.test/"
DAY = 86400


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        """What the jar asks."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Some time in 2023."""
    return Clock()


@pytest.fixture
def jar(clock: Clock) -> Jar:
    """An empty one."""
    return Jar(clock)


# What a line says.


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("a=b", "a", "b"),
        (" a \t=\t b ; Path=/", "a", "b"),
        ("a=b=c", "a", "b=c"),
        ('a="b c"', "a", '"b c"'),
        ("a=", "a", ""),
        ("=b", "", "b"),
        ("b", "", "b"),
        ("b;a=c", "", "b"),
        ("a=b,c=d", "a", "b,c=d"),
        ("a=%20\t%3B", "a", "%20\t%3B"),
    ],
)
def test_name_and_value(jar: Jar, line: str, name: str, value: str) -> None:
    """Nothing is decoded or unquoted; without an equals sign all is value."""
    assert jar.store(line, APP) is None
    assert [(name, value)] == [(cookie.name, cookie.value) for cookie in jar.cookies()]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "empty"),
        ("=", "empty"),
        (" ; Path=/", "empty"),
        ("a=b\x00", "control_character"),
        ("a=b\r\nSet-Cookie: c=d", "control_character"),
        ("a=b; Path=/\x7f", "control_character"),
        ("a" * 4 + "=" + "b" * 4093, "too_large"),
        ("b" * 4097, "too_large"),
    ],
)
def test_a_line_that_is_ignored_whole(jar: Jar, line: str, reason: str) -> None:
    """Empty, with a control character anywhere, or too large."""
    assert reason == jar.store(line, APP)
    assert [] == jar.cookies()


def test_4096_bytes_of_name_and_value_fit(jar: Jar) -> None:
    """The attributes do not count."""
    assert jar.store("name=" + "v" * 4092 + "; Secure; Path=/" + "p" * 500, APP) is None


def test_bytes_count_and_not_characters(jar: Jar) -> None:
    """Text beyond what WSGI can hold is UTF-8 on the wire."""
    assert jar.store("a=" + "é" * 4095, APP) is None
    assert "too_large" == jar.store("a=" + "€" * 1366, APP)
    assert "too_large" == jar.script_store("a=" + "é" * 2048, APP)


@pytest.mark.parametrize(
    ("attribute", "domain", "path"),
    [
        ("DOMAIN=Example.COM", "example.com", "/"),
        (" domain = .example.com ", "example.com", "/"),
        ("Domain=evil.test; Domain=example.com", "example.com", "/"),
        ("Domain=" + "d" * 1025, "app.example.com", "/"),
        ("Path=/a; Path=/b", "app.example.com", "/b"),
        ("Path=/" + "p" * 1024, "app.example.com", "/"),
        ("Path=/" + "p" * 1023, "app.example.com", "/" + "p" * 1023),
        ("Unknown=1; =; ;", "app.example.com", "/"),
    ],
)
def test_attributes(jar: Jar, attribute: str, domain: str, path: str) -> None:
    """In any case, the last one counts, and one over 1024 bytes or unknown is as if it were not there."""
    assert jar.store(f"a=b; {attribute}", APP) is None
    assert (domain, path) == (jar.get("a").domain, jar.get("a").path)


# Domain.


@pytest.mark.parametrize(
    ("host", "domain", "outcome"),
    [
        ("app.example.com", "example.com", "example.com"),
        ("app.example.com", ".example.com", "example.com"),
        ("app.example.com", "app.example.com", "app.example.com"),
        ("app.example.com", "other.example.com", "domain_mismatch"),
        ("app.example.com", "a.app.example.com", "domain_mismatch"),
        ("app.example.com", "pp.example.com", "domain_mismatch"),
        ("app.example.com", "com", "public_suffix"),
        ("app.example.co.uk", "co.uk", "public_suffix"),
        ("me.github.io", "github.io", "public_suffix"),
        ("app.example.com.", "com.", "public_suffix"),
        ("app.example.com", "exämple.com", "domain_not_ascii"),
        ("127.0.0.1", "0.0.1", "domain_mismatch"),
        ("[::1]", "::1", "domain_mismatch"),
    ],
)
def test_domain(jar: Jar, host: str, domain: str, outcome: str) -> None:
    """The host's own or one above it, but nobody's below which strangers live."""
    reason = jar.store(f"a=b; Domain={domain}", f"https://{host}/")
    assert outcome == (reason or jar.get("a").domain)
    assert reason is not None or not jar.get("a").host_only


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("app.example.com", ""),
        ("app.example.com", "."),
        ("github.io", "github.io"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
    ],
)
def test_a_domain_that_only_the_host_gets(jar: Jar, host: str, domain: str) -> None:
    """None at all, an IP address, and a public suffix that is the host itself."""
    assert jar.store(f"a=b; Domain={domain}", f"https://{host}/") is None
    assert (host, True) == (jar.get("a").domain, jar.get("a").host_only)
    assert "" == jar.header(f"https://sub.{host.strip('[]').replace(':', '')}/")


@pytest.mark.parametrize(
    ("url", "alone", "shared"),
    [
        ("https://example.com/", True, True),
        ("https://EXAMPLE.com:8443/", True, True),
        ("https://app.example.com/", False, True),
        ("https://badexample.com/", False, False),
        ("https://com/", False, False),
    ],
)
def test_who_gets_it_back(jar: Jar, url: str, alone: bool, shared: bool) -> None:
    """With a Domain also the hosts below; ports do not matter."""
    jar.store("alone=1", "https://example.com/")
    jar.store("shared=1; Domain=example.com", "https://example.com/")
    assert (alone, shared) == ("alone=1" in jar.header(url), "shared=1" in jar.header(url))


def test_an_address_has_nothing_below_it() -> None:
    """Although the text ends alike."""
    assert (True, False) == (domain_match("127.0.0.1", "127.0.0.1"), domain_match("127.0.0.1", "0.0.1"))


def test_an_international_host_is_its_ascii_form(jar: Jar) -> None:
    """As in the request itself."""
    assert "xn--bcher-kva.example" == host_of("https://Bücher.example/")
    jar.store("a=b; Domain=xn--bcher-kva.example", "https://Bücher.example/")
    assert "a=b" == jar.header("https://shop.xn--bcher-kva.example/")


# Path.


@pytest.mark.parametrize(
    ("path", "default"),
    [("", "/"), ("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("/a/b/c?d=/e/f", "/a/b")],
)
def test_the_default_path_is_the_directory(path: str, default: str) -> None:
    """Without its last slash, and never empty."""
    assert default == default_path(f"https://app.example.com{path}")


@pytest.mark.parametrize("attribute", ["", "; Path", "; Path=", "; Path=b", "; Path=/b; Path=b"])
def test_a_path_that_does_not_begin_with_a_slash_is_the_default(jar: Jar, attribute: str) -> None:
    """The last one counts even then."""
    jar.store(f"a=b{attribute}", f"{APP}dir/page")
    assert "/dir" == jar.get("a").path


@pytest.mark.parametrize(
    ("path", "cookie_path", "matches"),
    [
        ("/a", "/a", True),
        ("/a/b", "/a", True),
        ("/a/b", "/a/", True),
        ("/ab", "/a", False),
        ("/a", "/a/", False),
        ("/A", "/a", False),
        ("/b", "/", True),
        ("/", "/a", False),
    ],
)
def test_path_match(path: str, cookie_path: str, matches: bool) -> None:
    """Whole segments only."""
    assert matches == path_match(path, cookie_path)


# Expiry.


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        ("Max-Age=60", 60),
        ("max-age=060", 60),
        ("Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 60),
        ("Expires=Tue, 14 Nov 2023 22:14:20 GMT; Max-Age=60", 60),
        ("Max-Age=5; Max-Age=60; Max-Age=later", 60),
        ("Max-Age=1.5; Max-Age=+1; Max-Age=; Max-Age=-; Expires=Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Expires=Tue, 14 Nov 2023 22:14:20 GMT; Expires=never", 60),
        ("Expires=Tue, 14 Nov 2023 22:13:20 GMT; Expires=Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Max-Age=" + "9" * 1000, 400 * DAY),
        ("Max-Age=34560001", 400 * DAY),
        ("Expires=Fri, 31 Dec 9999 23:59:59 GMT", 400 * DAY),
    ],
)
def test_when_it_expires(jar: Jar, clock: Clock, attributes: str, seconds: int) -> None:
    """Max-Age beats Expires, what cannot be read is not there, and 400 days are the most."""
    assert jar.store(f"a=b; {attributes}", APP) is None
    assert clock.now + seconds == jar.get("a").expires_at
    clock.now += seconds - 1
    assert "a=b" == jar.header(APP)
    clock.now += 1
    assert ("", []) == (jar.header(APP), jar.cookies())


@pytest.mark.parametrize("attributes", ["", "Max-Age=abc", "Expires=0", "Expires=tomorrow"])
def test_a_session_cookie_ends_with_the_browser(jar: Jar, clock: Clock, attributes: str) -> None:
    """And not before."""
    jar.store(f"a=b; {attributes}", APP)
    jar.store("kept=1; Max-Age=34560000", APP)
    assert jar.get("a").expires_at is None
    clock.now += 300 * DAY
    assert "a=b; kept=1" == jar.header(APP)
    jar.close_session()
    assert "kept=1" == jar.header(APP)


@pytest.mark.parametrize("attributes", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_one_in_the_past_deletes(jar: Jar, attributes: str) -> None:
    """But only the cookie with the same name, domain and path."""
    for line in ("a=b", "a=c; Path=/dir", "a=d; Domain=example.com"):
        jar.store(line, APP)
    assert jar.store(f"a=; {attributes}", APP) is None
    assert ["c", "d"] == [cookie.value for cookie in jar.cookies()]


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "6 nov 94 8:49:37",
        "08:49:37 1994 06th NOVEMBER (or so)",
        "\t6/Nov/1994/08:49:37.5",
        "Nov 6 08:49:37xyz 1994 1 Jan 2000 00:00:00",
    ],
)
def test_dates_in_any_order(text: str) -> None:
    """The first token that fits each part counts."""
    assert 784_111_777 == cookie_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "06 Nov 1994",
        "08:49:37 Nov 1994",
        "06 08:49:37 1994",
        "06 Nov 08:49:37",
        "06 Nov 1600 08:49:37",
        "06 Nov 123 08:49:37",
        "06 Nov 4 08:49:37",
        "32 Nov 1994 08:49:37",
        "31 Nov 1994 08:49:37",
        "29 Feb 1995 08:49:37",
        "00 Nov 1994 08:49:37",
        "06 Nov 1994 24:00:00",
        "06 Nov 1994 08:60:00",
        "06 Nov 1994 08:49:60",
        "06 Nov 19945 08:49:37",
        "06 Nov 1994 008:49:37",
        "06 Nov 1994 08:49",
    ],
)
def test_what_is_no_date(text: str) -> None:
    """A part is missing, or there is no such day or time."""
    assert cookie_date(text) is None


@pytest.mark.parametrize(("year", "full"), [("69", "2069"), ("70", "1970"), ("99", "1999"), ("00", "2000")])
def test_two_digits_of_a_year(year: str, full: str) -> None:
    """From 1970 to 2069."""
    assert cookie_date(f"1 Jan {full} 00:00:00") == cookie_date(f"1 Jan {year} 00:00:00")


# Secure.


def test_secure_needs_https(jar: Jar) -> None:
    """To be set and to be sent."""
    assert "secure_over_http" == jar.store("a=b; Secure", PLAIN)
    assert jar.store("a=b; Secure", APP) is None
    assert ("a=b", "") == (jar.header(APP), jar.header(PLAIN))


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "app.localhost", "127.0.0.1:80", "127.9.9.9", "[::1]:1"]
)
def test_this_machine_counts_as_secure(clock: Clock, host: str) -> None:
    """In Chrome and Firefox; not in Safari."""
    url = f"http://{host}/"
    chrome, safari = Jar(clock), Jar(clock, secure_on_localhost=False)
    assert chrome.store("__Host-a=b; Secure; Path=/", url) is None
    assert "__Host-a=b" == chrome.header(url)
    assert "secure_over_http" == safari.store("__Host-a=b; Secure; Path=/", url)


@pytest.mark.parametrize("host", ["128.0.0.1", "localhost.evil.test", "127.0.0.1.evil.test", "notlocalhost", "[::2]"])
def test_what_only_looks_like_this_machine(jar: Jar, host: str) -> None:
    """Is no such thing."""
    assert "secure_over_http" == jar.store("a=b; Secure", f"http://{host}/")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("a=1; Secure", "a=2", "secure_exists"),
        ("a=1; Secure; Domain=example.com", "a=2", "secure_exists"),
        ("a=1; Secure", "a=2; Domain=example.com", "secure_exists"),
        ("a=1; Secure", "a=2; Path=/login", "secure_exists"),
        ("a=1; Secure; Path=/login", "a=2; Path=/login/en", "secure_exists"),
        ("a=1; Secure; Path=/login", "a=2", None),
        ("a=1; Secure; Path=/login", "a=2; Path=/foo", None),
        ("a=1; Secure", "A=2", None),
        ("a=1", "a=2", None),
        ("a=1; Secure; Max-Age=0", "a=2", None),
    ],
)
def test_secure_cookies_are_left_alone(jar: Jar, old: str, new: str, reason: str | None) -> None:
    """Over http none of that name can be put in their place or over them."""
    jar.store(old, APP)
    assert reason == jar.store(new, PLAIN)


def test_a_partitioned_cookie_is_in_nobodys_way(jar: Jar) -> None:
    """Over http nobody sees it, so nothing is put over it."""
    jar.store("a=1; Secure; SameSite=None; Partitioned", APP)
    assert jar.store("a=2", PLAIN) is None
    assert "a=1; a=2" == jar.header(APP)


def test_https_may_replace_a_secure_cookie_by_a_plain_one(jar: Jar) -> None:
    """It is its own."""
    jar.store("a=1; Secure", APP)
    assert jar.store("a=2", APP) is None
    assert "a=2" == jar.header(PLAIN)


# Prefixes.


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("__Secure-a=b; Secure; Domain=example.com", None),
        ("__Secure-a=b", "prefix_secure"),
        ("__SECURE-a=b", "prefix_secure"),
        ("__Host-a=b; Secure; Path=/", None),
        ("__Host-a=b; Secure", "prefix_host"),
        ("__Host-a=b; Path=/", "prefix_host"),
        ("__Host-a=b; Secure; Path=/x", "prefix_host"),
        ("__Host-a=b; Secure; Path=/; Domain=app.example.com", "prefix_host"),
        ("__hOST-a=b; Secure; Path=/; Domain=example.com", "prefix_host"),
        ("__Http-a=b; Secure; HttpOnly; Domain=example.com", None),
        ("__Http-a=b; Secure", "prefix_http"),
        ("__http-a=b; HttpOnly", "prefix_http"),
        ("__Host-Http-a=b; Secure; HttpOnly; Path=/", None),
        ("__Host-Http-a=b; Secure; Path=/", "prefix_host_http"),
        ("__Host-Http-a=b; Secure; HttpOnly", "prefix_host_http"),
        ("__host-http-a=b; Secure; HttpOnly; Path=/; Domain=example.com", "prefix_host_http"),
        ("__Host-Httpa=b; Secure; Path=/", None),
        ("__Host=b", None),
        ("__Host-a; Secure; Path=/", "prefix_nameless"),
        ("=__Secure-a=b; Secure", "prefix_nameless"),
        ("= __HTTP-a=b; Secure; HttpOnly", "prefix_nameless"),
        ("a__Host-=b", None),
    ],
)
def test_prefixes(jar: Jar, line: str, reason: str | None) -> None:
    """Each keeps its promise, in any case; a nameless cookie must not look like one in the header."""
    assert reason == jar.store(line, APP)


def test_http_keeps_no_prefix(jar: Jar) -> None:
    """As Secure is refused there already."""
    assert "secure_over_http" == jar.store("__Host-a=b; Secure; Path=/", PLAIN)
    assert "prefix_host" == jar.store("__Host-a=b; Path=/", PLAIN)


# SameSite.


@pytest.mark.parametrize(
    ("attribute", "same_site"),
    [
        ("", "Lax"),
        ("; SameSite", "Lax"),
        ("; SameSite=Sometimes", "Lax"),
        ("; SameSite=lax", "Lax"),
        ("; samesite=STRICT", "Strict"),
        ("; SameSite=none", "None"),
        ("; SameSite=Strict; SameSite=Lax", "Lax"),
        ("; SameSite=None; SameSite=what", "Lax"),
    ],
)
def test_same_site_is_lax_unless_told(jar: Jar, attribute: str, same_site: str) -> None:
    """The last one counts."""
    jar.store(f"a=b; Secure{attribute}", APP)
    assert same_site == jar.get("a").same_site


def test_same_site_none_needs_secure(jar: Jar) -> None:
    """Even over https."""
    assert "samesite_none_insecure" == jar.store("a=b; SameSite=None", APP)


SIBLING = "https://www.example.com/page"


@pytest.mark.parametrize(
    ("context", "method", "sent"),
    [
        (TYPED, "GET", "strict lax none"),
        (RELOAD, "GET", "strict lax none"),
        (Context.link_on(SIBLING), "GET", "strict lax none"),
        (Context.link_on(SIBLING), "POST", "strict lax none"),
        (Context.fetch_on(SIBLING), "POST", "strict lax none"),
        (Context.frame_on(SIBLING), "GET", "strict lax none"),
        (Context.link_on(EVIL), "GET", "lax none"),
        (Context.link_on(EVIL), "head", "lax none"),
        (Context.link_on("http://app.example.com/"), "GET", "lax none"),
        (Context.link_on(EVIL), "POST", "none"),
        (Context.frame_on(EVIL), "GET", "none"),
        (Context.fetch_on(EVIL), "GET", "none"),
        (Context.fetch_on(EVIL), "POST", "none"),
        (Context.fetch_on(APP, top_level=EVIL), "GET", "none"),
        (TYPED.redirected(EVIL), "GET", "lax none"),
        (Context.link_on(APP).redirected(APP), "GET", "strict lax none"),
        (Context.link_on(APP).redirected(APP).redirected(EVIL), "GET", "lax none"),
        (Context.fetch_on(APP).redirected(EVIL), "GET", "none"),
    ],
)
def test_same_site_sending(jar: Jar, context: Context, method: str, sent: str) -> None:
    """Strict within the site, Lax also when a safe request from outside fills the tab, None always."""
    for kind in ("Strict", "Lax", "None"):
        jar.store(f"{kind.lower()}=1; Secure; SameSite={kind}", APP)
    header = jar.header(APP, method=method, context=context)
    assert [f"{kind}=1" for kind in sent.split()] == header.split("; ")


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (TYPED, None),
        (Context.link_on(EVIL), None),
        (Context.fetch_on(SIBLING), None),
        (Context.frame_on(EVIL), "cross_site_response"),
        (Context.fetch_on(EVIL), "cross_site_response"),
        (Context.fetch_on(APP, top_level=EVIL), "cross_site_response"),
    ],
)
def test_same_site_storing(jar: Jar, context: Context, reason: str | None) -> None:
    """A page from outside gets no cookie set, but for SameSite=None or when it gives up the tab."""
    for line in ("a=1", "a=1; SameSite=Lax", "a=1; SameSite=Strict"):
        assert reason == jar.store(line, APP, context=context)
    assert jar.store("a=1; SameSite=None; Secure", APP, context=context) is None


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://a.b.example.com/", "https://example.com"),
        ("https://example.com:8443/x", "https://example.com"),
        ("http://example.co.uk/", "http://example.co.uk"),
        ("https://me.github.io/", "https://me.github.io"),
        ("https://github.io/", "https://github.io"),
        ("http://localhost:5000/", "http://localhost"),
        ("http://127.0.0.1:5000/", "http://127.0.0.1"),
        ("http://[::1]:5000/", "http://[::1]"),
    ],
)
def test_a_site_is_scheme_and_registrable_domain(url: str, site: str) -> None:
    """Or the host, where there is no such domain."""
    assert site == site_of(url)


# Partitioned.


def test_partitioned_needs_secure(jar: Jar) -> None:
    """Even over https."""
    assert "partitioned_insecure" == jar.store("a=b; Partitioned", APP)


def test_partitioned_cookies_stay_below_their_top_level_site(jar: Jar) -> None:
    """One for each, apart from the one without a partition."""
    shop, news = Context.frame_on("https://www.shop.test/"), Context.frame_on("https://news.test/")
    jar.store("a=0; Secure; SameSite=None", APP)
    jar.store("a=1; Secure; SameSite=None; Partitioned", APP, context=shop)
    jar.store("a=2; Secure; SameSite=None; Partitioned", APP, context=news)
    assert [None, "https://shop.test", "https://news.test"] == [cookie.partition_key for cookie in jar.cookies()]
    contexts = (shop, news, Context.fetch_on(APP, top_level="https://shop.test/"), TYPED)
    assert ["a=0; a=1", "a=0; a=2", "a=0; a=1", "a=0"] == [jar.header(APP, context=each) for each in contexts]


def test_a_partitioned_cookie_on_the_top_level(jar: Jar) -> None:
    """Its partition is its own site."""
    jar.store("a=1; Secure; SameSite=None; Partitioned", APP)
    assert "https://example.com" == jar.get("a").partition_key
    assert ("a=1", "") == (jar.header(APP), jar.header(APP, context=Context.frame_on(EVIL)))


# Identity and order.


def test_a_second_one_replaces_the_first(jar: Jar, clock: Clock) -> None:
    """With all of its attributes, but the time of creation stays."""
    jar.store("a=1; Secure; HttpOnly; SameSite=Strict; Max-Age=60", APP)
    created = clock.now
    clock.now += 5
    jar.store("b=1", APP)
    jar.store("a=2", APP)
    cookie = jar.get("a")
    assert ("2", False, False, "Lax", None) == (
        cookie.value,
        cookie.secure,
        cookie.http_only,
        cookie.same_site,
        cookie.expires_at,
    )
    assert created == cookie.created_at
    assert "a=2; b=1" == jar.header(APP)


def test_one_that_comes_back_is_new(jar: Jar, clock: Clock) -> None:
    """After it was deleted or expired."""
    for line in ("a=1", "b=1", "a=; Max-Age=0", "a=2"):
        jar.store(line, APP)
    assert "b=1; a=2" == jar.header(APP)
    jar.store("b=2; Max-Age=1", APP)
    clock.now += 2
    jar.store("b=3", APP)
    assert clock.now == jar.get("b").created_at


@pytest.mark.parametrize("line", ["A=2", "a=2; Domain=app.example.com", "a=2; Domain=example.com", "a=2; Path=/x"])
def test_what_makes_another_cookie(jar: Jar, line: str) -> None:
    """Name, domain, whether the host is alone, path."""
    jar.store("a=1", APP)
    jar.store(line, APP)
    assert 2 == len(jar.cookies())


def test_longer_paths_come_first_then_older_cookies(jar: Jar, clock: Clock) -> None:
    """A server that reads the first one gets the nearest."""
    for line in ("a=1; Path=/", "b=1; Path=/dir", "c=1; Path=/", "d=1; Path=/dir/x"):
        jar.store(line, APP)
        clock.now += 1
    assert "d=1; b=1; a=1; c=1" == jar.header(f"{APP}dir/x")


def test_nameless_cookies_are_sent_as_their_value(jar: Jar) -> None:
    """And empty ones keep their equals sign."""
    jar.store("bare", APP)
    jar.store("a=", APP)
    assert "bare; a=" == jar.header(APP)


# JavaScript.


def test_a_script_sees_no_http_only_cookie(jar: Jar) -> None:
    """Of the others those that its page is sent, also the ones for top-level pages of its own site."""
    for line in ("a=1; HttpOnly", "b=1; SameSite=Strict", "c=1; Path=/dir", "d=1; Secure"):
        jar.store(line, APP)
    assert ("b=1; d=1", "b=1") == (jar.script_cookies(APP), jar.script_cookies(PLAIN))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("new=1", None),
        ("new=1; HttpOnly", "http_only_script"),
        ("hidden=2", "http_only_exists"),
        ("hidden=; Max-Age=0", "http_only_exists"),
        ("hidden=2; Path=/dir", None),
        ("seen=2", None),
        ("__Http-a=1; Secure", "prefix_http"),
        ("__Host-Http-a=1; Secure; Path=/", "prefix_host_http"),
        ("__Host-a=1; Secure; Path=/", None),
        ("a=\x00", "control_character"),
    ],
)
def test_what_a_script_may_write(jar: Jar, line: str, reason: str | None) -> None:
    """Nothing HttpOnly, and nothing in the place of one that is."""
    jar.store("hidden=1; HttpOnly", APP)
    jar.store("seen=1", APP)
    assert reason == jar.script_store(line, APP)
    assert "hidden=1" in jar.header(APP)


def test_a_script_writes_utf_8(jar: Jar) -> None:
    """And reads back what it wrote."""
    jar.script_store("a=é€", APP)
    assert "a=é€" == jar.script_cookies(APP)
    assert "a=é€".encode() == jar.header(APP).encode("latin-1")


def test_a_script_in_a_foreign_frame(jar: Jar) -> None:
    """Sees and writes only SameSite=None."""
    jar.store("a=1", APP)
    jar.store("b=1; SameSite=None; Secure", APP)
    assert "b=1" == jar.script_cookies(APP, top_level=EVIL)
    assert "cross_site_response" == jar.script_store("c=1", APP, top_level=EVIL)
    assert jar.script_store("c=1; SameSite=None; Secure", APP, top_level=EVIL) is None


# What tests ask it.


def test_getting_one_by_its_name(jar: Jar) -> None:
    """There has to be exactly one, and the error shows no value."""
    jar.store("a=secret", APP)
    assert "secret" == jar.get("a").value
    jar.store("a=secret; Path=/x", APP)
    for name, count in (("a", 2), ("b", 0)):
        with pytest.raises(LookupError, match=f"holds {count} cookies named {name}") as caught:
            jar.get(name)
        assert "secret" not in str(caught.value)
    assert ("a" in jar, "b" in jar) == (True, False)


# Properties.

WORDS = [
    "a",
    "=",
    ";",
    " ",
    "\t",
    "__Host-",
    "__Http-",
    "Secure",
    "HttpOnly",
    "Path=/",
    "Path=/d",
    "Domain=example.com",
]
WORDS += ["Domain=com", "SameSite=None", "SameSite=Strict", "Max-Age=", "-9", "Expires=1 Jan 2030 1:1:1", "Partitioned"]
LINES = st.one_of(st.text(), st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=12).map(";".join))
URLS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["example.com", "app.example.com", "x.app.example.com", "com", "localhost", "127.0.0.1", "[::1]"]),
    st.sampled_from(["", "/", "/d", "/d/e", "/de"]),
)
CONTEXTS = st.sampled_from([TYPED, Context.link_on(EVIL), Context.frame_on(EVIL), Context.fetch_on(APP)])


@given(st.lists(LINES, max_size=5), URLS, CONTEXTS, st.booleans())
def test_no_line_breaks_the_jar(lines: list[str], url: str, context: Context, script: bool) -> None:
    """It is stored, or refused for a reason that shows nothing of it."""
    jar = Jar(Clock())
    for line in lines:
        reason = jar.script_store(line, url) if script else jar.store(line, url, context=context)
        assert reason is None or reason.replace("_", "").isalpha()
    assert len(jar.cookies()) <= len(lines)
    jar.header(url, context=context).encode("latin-1")
    jar.script_cookies(url)


@given(LINES, URLS, URLS, CONTEXTS)
def test_what_is_stored_comes_back_only_where_it_belongs(line: str, origin: str, url: str, context: Context) -> None:
    """To its host or below its domain, and below its path."""
    jar = Jar(Clock())
    jar.store(line, origin)
    if jar.header(url, context=context):
        (cookie,) = jar.cookies()
        assert host_of(url) == cookie.domain or (not cookie.host_only and host_of(url).endswith("." + cookie.domain))
        assert (urlsplit(url).path or "/").startswith(cookie.path)
        assert host_of(origin) == cookie.domain or host_of(origin).endswith("." + cookie.domain)


@given(st.lists(LINES.map(lambda line: f"{line}; Secure"), min_size=1, max_size=3), URLS, URLS, st.booleans())
def test_secure_cookies_never_travel_in_the_clear(lines: list[str], origin: str, url: str, local: bool) -> None:
    """Nor does a script see them there."""
    jar = Jar(Clock(), secure_on_localhost=local)
    for line in lines:
        jar.store(line, origin)
    if url.startswith("http:") and not (local and host_of(url) in {"localhost", "127.0.0.1", "[::1]"}):
        assert ("", "") == (jar.header(url), jar.script_cookies(url))
