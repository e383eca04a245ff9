"""The cookie policy: what is refused at start-up, and Set-Cookie lines that browsers take."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import ConfigError, KeyRing, Problem, Sealer, UsageError, UsageTypeError, generate_password
from sealed_session.cookie import CookiePolicy, check
from sealed_session.cookie_rules import MAX_AGE_CAP
from sealed_session.public_suffix import _suffixes, is_public_suffix

HTTPS = ("https", "app.example.com")
LOCAL = ("http", "localhost:5000")


def policy(**values: Any) -> CookiePolicy:
    """Make a policy from values of any type, as a configuration file gives them."""
    return CookiePolicy(**values)


def problems(**values: Any) -> list[Problem]:
    """The problems of a policy that is refused, and that ``check`` tells the same."""
    with pytest.raises(ConfigError) as caught:
        policy(**values)
    assert check(values) == list(caught.value.problems)
    return list(caught.value.problems)


def codes(**values: Any) -> list[tuple[str, str]]:
    """Setting and code of each problem."""
    return [(problem.setting, problem.code) for problem in problems(**values)]


def only(**values: Any) -> Problem:
    """The one problem of a policy."""
    (problem,) = problems(**values)
    return problem


def attributes(line: str) -> dict[str, str]:
    """The attributes of a Set-Cookie line."""
    return {name: value for name, _, value in (part.partition("=") for part in line.split("; ")[1:])}


def jar_by_the_letter(host: str, lines: list[str]) -> dict[tuple[str, str, str], str]:
    """What a client keeps that tells cookies apart as RFC 6265, section 5.3, step 11 does: not by host-only."""
    kept: dict[tuple[str, str, str], str] = {}
    for line in lines:
        name, _, value = line.partition("; ")[0].partition("=")
        found = attributes(line)
        key = (name, found.get("Domain", host), found["Path"])
        kept[key] = value
        if found.get("Max-Age") == "0":
            del kept[key]
    return kept


# The lines


def test_the_line_of_a_default_policy() -> None:
    """Host-only, 400 days, HttpOnly, Secure and Lax, in a fixed order."""
    assert "sealed-session=abc; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax" == policy().set("abc", *HTTPS)


def test_the_line_with_every_attribute() -> None:
    """In their order."""
    full = policy(
        name="s", domain="example.com", path="/app", secure=True, same_site="None", partitioned=True, max_age=60
    )
    expected = "s=v; Path=/app; Domain=example.com; Max-Age=60; HttpOnly; Secure; SameSite=None; Partitioned"
    assert expected == full.set("v", *HTTPS)
    assert [
        "s=; Path=/app; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned",
        expected.replace("s=v", "s=").replace("Max-Age=60", "Max-Age=0"),
    ] == full.clear(*HTTPS)


def test_the_shortest_line() -> None:
    """Until the browser closes, without HttpOnly, and not Secure."""
    assert "s=v; Path=/; SameSite=Strict" == policy(
        name="s", secure=False, http_only=False, same_site="Strict", max_age=None
    ).set("v", *HTTPS)


def test_the_attributes_are_what_follows_the_value() -> None:
    """So that a sealer measures the very line that is sent."""
    shared = policy(domain="example.com")
    line = shared.set("v", *HTTPS)
    assert line == f"sealed-session=v; {shared.attributes(*HTTPS)}"
    sealer = Sealer(KeyRing(generate_password()))
    session = {"access_token": "t"}
    report = sealer.measure(session, attributes=shared.attributes(*HTTPS))
    assert len(shared.set(sealer.seal(session), *HTTPS)) == report.total


@pytest.mark.parametrize("character", [*map(chr, range(0x21)), '"', ",", ";", "\\", "\x7f", "\x80", "é", "\ud800"])
def test_a_value_that_no_cookie_can_hold_is_refused_and_not_quoted(character: str) -> None:
    """RFC 6265, section 4.1.1."""
    with pytest.raises(UsageError) as caught:
        policy().set(f"hush{character}", *HTTPS)
    assert "bad_cookie_value" == caught.value.code
    assert "hush" not in str(caught.value)


def test_every_cookie_octet_is_taken() -> None:
    """All 90 of them."""
    octets = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '",;\\')
    assert 90 == len(octets)
    assert policy().set(octets, *HTTPS).startswith(f"sealed-session={octets}; ")


def test_a_value_is_a_text() -> None:
    """Not bytes."""
    with pytest.raises(UsageTypeError, match="value: expected a str, got bytes"):
        policy().set(b"x", *HTTPS)  # type: ignore[arg-type]


# Names and prefixes


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "é", "a\n", "a" * 256, "a,b", '"a"'])
def test_a_name_is_a_token(name: str) -> None:
    """Of 1 to 255 characters; a former one too."""
    assert [("name", "bad_name")] == codes(name=name)
    assert [("previous_names", "bad_name")] == codes(previous_names=[name])


def test_previous_names_are_a_list() -> None:
    """A plain string would be one name per letter."""
    assert "write ['old']." == only(previous_names="old").fix
    assert [("previous_names", "previous_names_text")] == codes(previous_names="old")
    assert [("previous_names", "setting_type")] == codes(previous_names={"old"})
    assert [("previous_names", "setting_type")] == codes(previous_names=[7])
    assert ("old", "older") == policy(previous_names=["old", "older"]).previous_names


def test_a_previous_name_is_neither_the_name_nor_there_twice() -> None:
    """Something was renamed wrongly."""
    assert [("previous_names", "previous_name_duplicate")] == codes(previous_names=["a", "b", "a"])
    assert [("previous_names", "previous_name_current")] == codes(name="a", previous_names=["b", "a"])
    assert "'a' is COOKIE_NAME itself." == check({"name": "a", "previous_names": ["a"]}, lambda _: "COOKIE_NAME")[0][1]


HOST_DEMANDS = ["prefix_needs_secure", "prefix_needs_no_domain", "prefix_needs_root_path"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("__Secure-s", ["prefix_needs_secure"]),
        ("__Host-s", HOST_DEMANDS),
        ("__Http-s", ["prefix_needs_secure", "prefix_needs_http_only"]),
        ("__Host-Http-s", [*HOST_DEMANDS, "prefix_needs_http_only"]),
        ("__hOST-hTTP-", [*HOST_DEMANDS, "prefix_needs_http_only"]),
        ("__HOST-s", HOST_DEMANDS),
    ],
)
def test_a_prefix_demands_its_attributes(name: str, expected: list[str]) -> None:
    """In any case of letters, and every demand is told."""
    values = {"name": name, "domain": "example.com", "path": "/app", "http_only": False}
    for secure in ("auto", False):
        assert [("name", code) for code in expected] == codes(**values, secure=secure)
    fitting = policy(name=name, secure=True)
    assert attributes(fitting.set("v", *LOCAL)).keys() == {"Path", "Max-Age", "HttpOnly", "Secure", "SameSite"}


def test_secure_and_http_prefixes_may_be_shared() -> None:
    """Below a Domain and a path."""
    for name in ("__Secure-s", "__Http-s"):
        shared = policy(name=name, secure=True, domain="example.com", path="/app")
        assert "example.com" == attributes(shared.set("v", *HTTPS))["Domain"]


def test_the_beginning_of_a_prefix_is_no_prefix() -> None:
    """The hyphen belongs to it, and nothing before it."""
    for name in ("__Host", "__Secure_s", "_Host-s", "x__Host-s"):
        assert name == policy(name=name, domain="example.com").name


# WO-2


@pytest.mark.row("WO-2")
def test_WO_2_max_age_is_400_days_unless_configured() -> None:  # noqa: N802
    """Every line has it in full; seconds and timedelta say the same; None ends with the browser."""
    assert "34560000" == attributes(policy().set("v", *HTTPS))["Max-Age"]
    assert 400 * 86_400 == MAX_AGE_CAP
    for two_hours in (7200, timedelta(hours=2), timedelta(seconds=7200, microseconds=5)):
        assert "7200" == attributes(policy(max_age=two_hours).set("v", *HTTPS))["Max-Age"]
    assert "Max-Age" not in attributes(policy(max_age=None).set("v", *HTTPS))
    assert "0" == attributes(policy(max_age=None).clear(*HTTPS)[0])["Max-Age"]


@pytest.mark.row("WO-2")
@pytest.mark.parametrize(
    ("max_age", "code"),
    [
        (34_560_001, "max_age_too_long"),
        (timedelta(days=401), "max_age_too_long"),
        (10**700, "max_age_too_long"),
        (0, "max_age_too_short"),
        (-1, "max_age_too_short"),
        (timedelta(milliseconds=999), "max_age_too_short"),
        ("3600", "max_age_text"),
        (True, "setting_type"),
        (3600.0, "setting_type"),
        ([], "setting_type"),
    ],
)
def test_WO_2_max_age_has_bounds(max_age: Any, code: str) -> None:  # noqa: N802
    """From a second to the browsers' cap."""
    assert [("max_age", code)] == codes(max_age=max_age)
    assert [1, MAX_AGE_CAP] == [policy(max_age=bound).max_age for bound in (1, timedelta(days=400))]


@pytest.mark.row("WO-2")
def test_WO_2_a_max_age_over_the_cap_is_told_in_days() -> None:  # noqa: N802
    """And in seconds."""
    problem = only(max_age=timedelta(days=500))
    assert "is 500 days, 0:00:00; browsers keep a cookie for at most 400 days, 34560000 seconds." == problem.problem


# WO-3

THIS_MACHINE = [
    "localhost",
    "localhost:5000",
    "LocalHost:5000",
    "localhost.",
    "localhost.:5000",
    "127.0.0.1",
    "127.0.0.1:8000",
    "127.255.3.4",
    "[::1]",
    "[::1]:5000",
    "::1",
    "[0:0:0:0:0:0:0:1]",
]
ELSEWHERE = [
    "app.example.com",
    "app.example.com:5000",
    "app.localhost",
    "localhost.example.com",
    "localhost..",
    "localhost:5000:6000",
    "localhost:http",
    "localhost@example.com",
    "[localhost]",
    "128.0.0.1",
    "10.127.0.1",
    "127.0.0.1.example.com",
    "127.1",
    "127.0.0.1:80:90",
    "0.0.0.0",  # noqa: S104
    "[::2]",
    "[::1%eth0]",
    "[::1]x",
    "[::ffff:127.0.0.1]",
    "",
    ":",
    "[]",
]


@pytest.mark.row("WO-3")
@pytest.mark.parametrize("host", THIS_MACHINE)
def test_WO_3_auto_is_off_for_http_on_this_machine(host: str) -> None:  # noqa: N802
    """However the host is written, and for http alone."""
    assert not policy().is_secure("http", host)
    assert not policy().is_secure("HTTP", host)
    assert "Secure" not in attributes(policy().set("v", "http", host))
    assert policy().is_secure("https", host)


@pytest.mark.row("WO-3")
@pytest.mark.parametrize("host", ELSEWHERE)
def test_WO_3_auto_is_never_off_elsewhere(host: str) -> None:  # noqa: N802
    """Whatever the scheme: the browser may refuse the cookie, but it never travels in the clear."""
    for scheme in ("http", "https", "", "ws"):
        assert policy().is_secure(scheme, host)
    assert "Secure" in attributes(policy().set("v", "http", host))


@pytest.mark.row("WO-3")
@pytest.mark.parametrize("secure", [True, False])
def test_WO_3_a_fixed_setting_holds_everywhere(secure: bool) -> None:  # noqa: N802
    """On either scheme and host."""
    fixed = policy(secure=secure)
    assert {secure} == {fixed.is_secure(scheme, host) for scheme in ("http", "https") for host in ("localhost", "a.b")}


@pytest.mark.row("WO-3")
@pytest.mark.parametrize("text", ["False", "True", "true", "0", "", "AUTO"])
@pytest.mark.parametrize("setting", ["secure", "http_only", "partitioned"])
def test_WO_3_a_text_is_no_switch(setting: str, text: str) -> None:  # noqa: N802
    """The text 'False' would be true."""
    assert [(setting, "boolean_as_text")] == codes(**{setting: text})
    assert "environment variable" in only(**{setting: text}).fix


@pytest.mark.parametrize("value", [None, 1, 0, [], 1.0])
@pytest.mark.parametrize("setting", ["secure", "http_only", "partitioned"])
def test_nothing_else_is_a_switch(setting: str, value: Any) -> None:
    """Nor is ``auto`` one for another setting than ``secure``."""
    assert [(setting, "setting_type")] == codes(**{setting: value})
    assert [("http_only", "boolean_as_text")] == codes(http_only="auto")


# WO-4


@pytest.mark.row("WO-4")
@pytest.mark.parametrize("written", ["Lax", "lax", "LAX", "Strict", "strict", "None", "none", "NONE"])
def test_WO_4_same_site_in_any_case_of_letters(written: str) -> None:  # noqa: N802
    """Held and sent as RFC 6265bis writes it."""
    made = policy(same_site=written, secure=True)
    assert written.capitalize() == made.same_site == attributes(made.set("v", *HTTPS))["SameSite"]


@pytest.mark.row("WO-4")
@pytest.mark.parametrize("secure", ["auto", False])
def test_WO_4_none_without_secure_is_refused(secure: Any) -> None:  # noqa: N802
    """Browsers would drop it without a word."""
    problem = only(same_site="none", secure=secure)
    assert problem == Problem(
        "same_site",
        "is 'None' but secure is not True; browsers drop such a cookie.",
        "set secure = True, or use SameSite 'Lax'.",
        "samesite_none_insecure",
    )


@pytest.mark.row("WO-4")
@pytest.mark.parametrize(
    ("value", "code"),
    [(None, "samesite_python_none"), ("", "samesite_unknown"), ("laxx", "samesite_unknown"), (7, "setting_type")],
)
def test_WO_4_nothing_else_is_a_same_site(value: Any, code: str) -> None:  # noqa: N802
    """Python's None least of all: browsers and frameworks differ in what it does."""
    assert [("same_site", code)] == codes(same_site=value)


def test_partitioned_needs_secure() -> None:
    """As browsers do."""
    assert [("partitioned", "partitioned_insecure")] == codes(partitioned=True)
    assert "Partitioned" in attributes(policy(partitioned=True, secure=True).set("v", *HTTPS))


# WO-5


@pytest.mark.row("WO-5")
@pytest.mark.parametrize("suffix", ["co.uk", "CO.UK", ".co.uk", "com", "github.io", "kawasaki.jp", "intranet", "ck"])
def test_WO_5_a_public_suffix_is_refused(suffix: str) -> None:  # noqa: N802
    """Also one of the private section, one that is not on the list, and one that is there as a wildcard."""
    problem = only(domain=suffix)
    assert "domain_is_public_suffix" == problem.code
    assert f"{suffix!r} is a public suffix; browsers drop the cookie." == problem.problem


@pytest.mark.row("WO-5")
@pytest.mark.parametrize("suffix", ["co.uk", "ck", "github.io"])
def test_WO_5_the_example_of_a_registered_name_is_one(suffix: str) -> None:  # noqa: N802
    """What the fix says would be taken, below a wildcard too."""
    fix = only(domain=suffix).fix
    (example,) = re.findall(r"'(.+)'", fix)
    assert example == policy(domain=example).domain
    assert "use your registered name, for example 'example.co.uk'." == only(domain="co.uk").fix


@pytest.mark.row("WO-5")
@pytest.mark.parametrize(
    ("domain", "code"),
    [
        ("https://example.com", "domain_is_url"),
        ("http://localhost:5000/", "domain_is_url"),
        ("example.com/app", "domain_with_path"),
        ("//example.com", "domain_with_path"),
        ("example.com:443", "domain_with_port"),
        ("example.com:", "domain_with_port"),
        ("exa:mple:com", "domain_with_port"),
        ("127.0.0.1", "domain_is_ip"),
        ("192.0.2.7:8000", "domain_is_ip"),
        ("1.2.3", "domain_is_ip"),
        ("::1", "domain_is_ip"),
        ("[2001:db8::1]", "domain_is_ip"),
        ("[::1]:5000", "domain_is_ip"),
        ("localhost", "domain_is_localhost"),
        (".LOCALHOST", "domain_is_localhost"),
        ("localhost:5000", "domain_is_localhost"),
        ("bücher.example", "domain_not_ascii"),
        ("\N{KELVIN SIGN}.example.com", "domain_not_ascii"),
        ("example.com.", "domain_trailing_dot"),
        (f"{'a.' * 125}com.example", "domain_too_long"),
        ("", "bad_domain"),
        (".", "bad_domain"),
        ("..example.com", "bad_domain"),
        ("example..com", "bad_domain"),
        ("*.example.com", "bad_domain"),
        ("exam ple.com", "bad_domain"),
        ("example.com;x", "bad_domain"),
        ("example.com\n", "bad_domain"),
        (f"{'a' * 64}.com", "bad_domain"),
        (7, "setting_type"),
        (b"example.com", "setting_type"),
        (["example.com"], "setting_type"),
        (False, "setting_type"),
    ],
)
def test_WO_5_what_is_no_shared_parent_is_refused(domain: Any, code: str) -> None:  # noqa: N802
    """URLs, ports, addresses and what is not a name, each with a code of its own."""
    assert [("domain", code)] == codes(domain=domain)


@pytest.mark.row("WO-5")
@pytest.mark.parametrize(
    ("written", "held"),
    [
        ("example.com", "example.com"),
        (".Example.COM", "example.com"),
        ("me.github.io", "me.github.io"),
        ("www.ck", "www.ck"),
        ("my_app.example.com", "my_app.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("app.localhost", "app.localhost"),
        (f"{'a.' * 122}example", f"{'a.' * 122}example"),
    ],
)
def test_WO_5_a_shared_parent_is_taken(written: str, held: str) -> None:  # noqa: N802
    """Without its leading dot and in lower case."""
    assert held == policy(domain=written).domain == attributes(policy(domain=written).set("v", *HTTPS))["Domain"]


@pytest.mark.row("WO-5")
def test_WO_5_the_longest_domain_has_253_characters() -> None:  # noqa: N802
    """One more is refused."""
    longest = f"{'a.' * 121}example.com"
    assert 253 == len(longest) == len(str(policy(domain=longest).domain))
    assert [("domain", "domain_too_long")] == codes(domain="a" + longest)


@pytest.mark.row("WO-5")
def test_WO_5_the_domain_is_unset_by_default() -> None:  # noqa: N802
    """The cookie then belongs to the host alone."""
    assert policy().domain is None
    assert "Domain" not in attributes(policy().set("v", *HTTPS))


@pytest.mark.row("WO-5")
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("example.com", True),
        ("app.example.com", True),
        ("APP.Example.com:8000", True),
        ("a.b.example.com", True),
        ("badexample.com", False),
        ("example.com.evil.test", False),
        ("com", False),
        ("localhost", False),
        ("app.example.com.", False),
        ("", False),
    ],
)
def test_WO_5_whether_a_host_is_inside_the_domain(host: str, expected: bool) -> None:  # noqa: N802
    """RFC 6265, section 5.1.3. Where there is no Domain, every host is."""
    assert expected == policy(domain="example.com").covers(host)
    assert policy().covers(host)


@pytest.mark.row("WO-6")
def test_WO_6_two_apps_below_a_domain_set_the_same_cookie() -> None:  # noqa: N802
    """Whichever of them writes it, to a browser it is one."""
    shared = policy(domain="example.com")
    hosts = ["app.example.com", "dashboard.example.com"]
    assert [True, True] == [shared.covers(host) for host in hosts]
    assert 1 == len({shared.set("v", "https", host) for host in hosts})


def test_without_the_list_of_public_suffixes_a_domain_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the command; without a Domain nothing is missing."""
    monkeypatch.setitem(sys.modules, "publicsuffixlist", None)
    _suffixes.cache_clear()
    with pytest.raises(UsageError, match=r"pip install 'sealed-session\[flask\]'") as caught:
        policy(domain="example.com")
    assert ("extra_missing", None) == (caught.value.code, caught.value.__context__)
    assert policy().domain is None


def test_a_suffix_is_public_by_either_section_of_the_list() -> None:
    """Names below it are not."""
    assert [True, True, False, False] == [
        is_public_suffix(name) for name in ("co.uk", "github.io", "example.co.uk", "me.github.io")
    ]


# Paths


@pytest.mark.parametrize("path", ["", "app", "/a b", "/a;b", "/é", "/a\n", "/\x7f", "/" * 1025])
def test_a_path_is_one_that_browsers_read(path: str) -> None:
    """And that a request can have."""
    assert [("path", "bad_path")] == codes(path=path)


def test_a_path_is_a_text() -> None:
    """Up to 1024 characters."""
    assert [("path", "setting_type")] == codes(path=None)
    assert 1024 == len(policy(path="/" * 1024).path)


# All of it together


def test_all_problems_come_at_once() -> None:
    """One of every setting, and wrong types hide no other check."""
    found = codes(
        name=7,
        domain="co.uk",
        path=None,
        secure="False",
        same_site=None,
        http_only=1,
        partitioned="yes",
        max_age="1 day",
        previous_names="old",
    )
    assert [
        ("name", "setting_type"),
        ("domain", "domain_is_public_suffix"),
        ("path", "setting_type"),
        ("secure", "boolean_as_text"),
        ("same_site", "samesite_python_none"),
        ("http_only", "setting_type"),
        ("partitioned", "boolean_as_text"),
        ("max_age", "max_age_text"),
        ("previous_names", "previous_names_text"),
    ] == found


def test_what_depends_on_a_wrong_value_is_told_later() -> None:
    """A SameSite of None is fine if the text for Secure is meant as True."""
    assert [("secure", "boolean_as_text")] == codes(secure="True", same_site="None", partitioned=True, name="__Host-s")
    assert [("path", "setting_type")] == codes(path=7, name="__Host-s", secure=True)
    assert [("name", "setting_type")] == codes(name=None, previous_names=["a"])


def test_the_error_of_a_policy() -> None:
    """Each problem with its setting, a fix and a code."""
    with pytest.raises(ConfigError) as caught:
        policy(same_site="none", domain="co.uk")
    assert str(caught.value) == (
        "CookiePolicy: 2 configuration problems\n"
        "  1. domain: 'co.uk' is a public suffix; browsers drop the cookie.\n"
        "     Fix: use your registered name, for example 'example.co.uk'.   [domain_is_public_suffix]\n"
        "  2. same_site: is 'None' but secure is not True; browsers drop such a cookie.\n"
        "     Fix: set secure = True, or use SameSite 'Lax'.   [samesite_none_insecure]"
    )


def test_other_settings_are_called_what_the_reader_calls_them() -> None:
    """Everywhere in a problem and its fix; the setting itself keeps the name of its field."""
    values = {
        "name": "__Host-Http-s",
        "domain": "example.com",
        "path": "/a",
        "http_only": False,
        "same_site": "None",
        "partitioned": True,
        "previous_names": ["__Host-Http-s"],
    }
    found = check(values, lambda field: "KEY_" + field.upper())
    assert 7 == len(found)
    assert set(values) >= {problem.setting for problem in found}
    for told in found:
        assert re.search(r"KEY_(SECURE|DOMAIN|PATH|HTTP_ONLY|NAME)\b", told.problem)
    assert [told.setting for told in found] == [told.setting for told in check(values)]


def test_check_takes_defaults_for_what_is_missing() -> None:
    """And does not look at other names."""
    assert [] == check({}) == check({"other": 7}) == check({"domain": None, "max_age": None})


def test_a_problem_quotes_little_of_a_value() -> None:
    """On one line of ASCII."""
    for values in ({"name": "\n" * 5000}, {"domain": "é" * 5000}, {"path": "x" * 5000}, {"same_site": "\x1b" * 5000}):
        text = only(**values).problem
        assert text.isascii()
        assert text.isprintable()
        assert len(text) < 1100


def test_a_policy_is_a_value() -> None:
    """It compares, hashes, copies and does not change."""
    made = policy(domain=".Example.com", same_site="lax", max_age=timedelta(days=1), previous_names=["old"])
    assert made == policy(domain="example.com", max_age=86_400, previous_names=("old",))
    assert made == replace(made) == copy.deepcopy(made) == pickle.loads(pickle.dumps(made))  # noqa: S301
    assert hash(made) == hash(replace(made))
    with pytest.raises(FrozenInstanceError):
        made.name = "x"  # type: ignore[misc]


def test_the_module_loads_nothing_slow() -> None:
    """Neither it nor a policy without a Domain needs the list, nor anything to read addresses with."""
    code = (
        "import sys, sealed_session; before = set(sys.modules)\n"
        "from sealed_session.cookie import CookiePolicy; CookiePolicy().set('v', 'http', 'localhost:5000')\n"
        "print(*{name for name in set(sys.modules) - before if not name.startswith('sealed_session')})"
    )
    assert "" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


# Clearing


def test_clearing_covers_host_only_and_domain_of_every_name() -> None:
    """Each once."""
    shared = policy(name="new", domain="example.com", previous_names=["old"])
    assert [
        "new=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
        "new=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
        "old=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
        "old=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
    ] == shared.clear(*HTTPS)
    assert 1 == len(policy().clear(*HTTPS))


def domains(lines: list[str]) -> list[str | None]:
    """The Domain of each line."""
    return list(dict.fromkeys([attributes(line).get("Domain") for line in lines]))


def test_clearing_everywhere_covers_what_a_former_domain_left() -> None:
    """The host and its parents, but no single label."""
    assert [None, "a.b.example.com", "b.example.com", "example.com"] == domains(
        policy().clear("https", "A.b.example.com:443", everywhere=True)
    )
    assert [None, "example.com", "app.example.com"] == domains(
        policy(domain="example.com").clear(*HTTPS, everywhere=True)
    )


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:5000", "[::1]:5000", "::1", "localhost", "intranet", "example.com.", "", "1.2", f"{'a.' * 130}com"],
)
def test_clearing_everywhere_needs_a_name_with_a_dot(host: str) -> None:
    """Addresses and single labels have no Domain."""
    assert [None] == domains(policy().clear("https", host, everywhere=True))


@pytest.mark.parametrize(
    "host", ["a.com; Secure", "a.com\r\nSet-Cookie: x=y", "a b.com", "é.com", "a.com,b.com", "[a.b]"]
)
def test_an_untrusted_host_gets_into_no_header(host: str) -> None:
    """A Host header is what anybody writes into it."""
    assert [None] == domains(policy().clear("https", host, everywhere=True))


def test_a_long_host_makes_few_lines() -> None:
    """Of a forged host of many labels only the last eight count."""
    found = domains(policy().clear("https", "a." * 100 + "example.com", everywhere=True))
    assert [None, "a.a.a.a.a.a.example.com", "a.a.a.a.a.example.com"] == found[:3]
    assert "example.com" == found[-1]
    assert 8 == len(found)


@pytest.mark.row("WO-7")
@pytest.mark.parametrize(
    ("former", "expected"),
    [
        ("__Host-s", "__Host-s=; Path=/; Max-Age=0; Secure; SameSite=Lax"),
        ("__HOST-HTTP-s", "__HOST-HTTP-s=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"),
    ],
)
def test_WO_7_a_former_host_name_is_cleared_by_a_line_that_browsers_take(former: str, expected: str) -> None:  # noqa: N802
    """With Secure and the path ``/``, and never with a Domain, whatever the policy says of the name of today."""
    today = policy(domain="example.com", path="/app", secure=False, http_only=False, previous_names=[former])
    for everywhere in (False, True):
        lines = today.clear("http", "localhost", everywhere=everywhere)
        assert [expected] == [line for line in lines if line.startswith(former)]


@pytest.mark.row("WO-7")
def test_WO_7_other_prefixes_keep_domain_and_path() -> None:  # noqa: N802
    """They demand Secure, and the one with Http demands HttpOnly."""
    today = policy(
        domain="example.com", path="/app", secure=False, http_only=False, previous_names=["__Secure-s", "__Http-s"]
    )
    rest = "; Path=/app; Domain=example.com; Max-Age=0"
    lines = today.clear(*HTTPS)
    assert f"__Secure-s={rest}; Secure; SameSite=Lax" in lines
    assert f"__Http-s={rest}; HttpOnly; Secure; SameSite=Lax" in lines


@pytest.mark.parametrize("domain", [None, "example.com", "app.example.com"])
def test_clearing_the_others_leaves_what_was_set(domain: str | None) -> None:
    """In a browser, and before the line of ``set`` also in a client that does not tell host-only cookies apart."""
    today = policy(name="new", domain=domain, previous_names=["old", "__Host-old"])
    others, line = today.clear_others(*HTTPS), today.set("v", *HTTPS)
    assert set(today.clear(*HTTPS, everywhere=True)) - set(others) == {
        line.replace("=v", "=").replace(str(MAX_AGE_CAP), "0")
    }
    assert {("new", domain or HTTPS[1], "/"): "v"} == jar_by_the_letter(HTTPS[1], [*others, line])


def test_another_host_clears_the_configured_domain_too() -> None:
    """A browser ignores that line, so it does no harm."""
    assert [None, "example.com"] == domains(policy(domain="example.com").clear(*LOCAL))


# Whatever comes

ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.lists(st.none()),
)
NAMES = st.sampled_from(["s", "__Host-s", "__Secure-s", "__http-s", "__Host-Http-s", "old"])
USUAL: dict[str, st.SearchStrategy[Any]] = {
    "name": NAMES,
    "domain": st.sampled_from(["example.com", ".Example.co.uk", None]),
    "path": st.sampled_from(["/", "/app"]),
    "secure": st.sampled_from([True, True, False, "auto"]),
    "same_site": st.sampled_from(["lax", "Strict", "NONE"]),
    "http_only": st.booleans(),
    "partitioned": st.booleans(),
    "max_age": st.integers(1, MAX_AGE_CAP) | st.timedeltas(timedelta(seconds=1), timedelta(days=400)) | st.none(),
    "previous_names": st.lists(NAMES, max_size=3, unique=True),
}
WEIRD = {
    **{setting: usual | ODD for setting, usual in USUAL.items()},
    "domain": st.sampled_from(["co.uk", "127.0.0.1", "[::1]", "localhost:1"]) | ODD,
    "max_age": st.timedeltas() | ODD,
    "previous_names": st.lists(NAMES | ODD, max_size=3) | ODD,
}
VALUES = st.fixed_dictionaries({}, optional=USUAL) | st.fixed_dictionaries({}, optional=WEIRD)
HOSTS = st.text() | st.sampled_from([*THIS_MACHINE, *ELSEWHERE]) | st.from_regex(r"[\[\]:.0-9a-z\-]*", fullmatch=True)


@given(VALUES, st.sampled_from(["http", "https"]), HOSTS)
def test_any_values_are_refused_or_make_lines_that_fit_together(values: dict[str, Any], scheme: str, host: str) -> None:
    """Set and clear differ in value and Max-Age and in nothing else."""
    found = check(values)
    try:
        made = policy(**values)
    except ConfigError as error:
        assert found == list(error.problems) != []
        return
    assert [] == found
    stored = made.set("v", scheme, host)
    cleared = next(line for line in made.clear(scheme, host) if attributes(line).get("Domain") == made.domain)
    assert f"{made.name}=v" == stored.partition("; ")[0]
    assert f"{made.name}=" == cleared.partition("; ")[0]
    assert "0" == attributes(cleared)["Max-Age"]
    assert [f"{name}={value}" for name, value in attributes(stored).items() if name != "Max-Age"] == [
        f"{name}={value}" for name, value in attributes(cleared).items() if name != "Max-Age"
    ]


@given(st.sampled_from(["http", "https", "", "x"]) | st.text(), HOSTS)
def test_no_host_and_no_scheme_breaks_anything(scheme: str, host: str) -> None:
    """And no line has a character that ends a header or begins another attribute."""
    shared = policy(domain="example.com", previous_names=["old", "__Host-old"])
    assert shared.is_secure(scheme, host) in (True, False)
    assert shared.covers(host) in (True, False)
    lines = [*shared.clear(scheme, host, everywhere=True), shared.set("v", scheme, host)]
    assert len(lines) == len(set(lines))
    assert set(shared.clear(scheme, host)) <= set(lines)
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_=;/. -]+", line)
        assert attributes(line).keys() <= {"Path", "Domain", "Max-Age", "HttpOnly", "Secure", "SameSite", "Partitioned"}


def test_clearing_everywhere_covers_a_former_path_and_the_other_partition() -> None:
    """What was set with another Path or Partitioned is another cookie, and would sign the person in again."""
    lines = policy(path="/app").clear(*HTTPS, path="/app/a/b", everywhere=True)
    paths = {attributes(line)["Path"] for line in lines}
    assert {"/", "/app", "/app/a", "/app/a/b"} == paths
    assert 1 == len([line for line in lines if line.endswith("Partitioned")])
    assert not any(line.endswith("Partitioned") for line in policy().clear("http", "localhost", everywhere=True))
    partitioned = policy(secure=True, partitioned=True)
    assert 1 == len([line for line in partitioned.clear(*HTTPS, everywhere=True) if "Partitioned" not in line])


@pytest.mark.parametrize("path", ["/a;b", "/a\r\nX: y", "/\u00e9", "a", "", "/a b"])
def test_an_untrusted_path_gets_into_no_header(path: str) -> None:
    """It is what anybody asks for."""
    assert {"/"} == {attributes(line)["Path"] for line in policy().clear(*HTTPS, path=path, everywhere=True)}


def test_a_long_path_makes_few_lines() -> None:
    """Of many parts the first four count."""
    assert 8 >= len(policy().clear(*HTTPS, path="/a" * 100, everywhere=True))


@pytest.mark.parametrize("path", ["/a?b", "/a#b", "/../x", "/a/.", '/a"b', "/a\\b"])
def test_a_path_that_no_request_begins_with_is_refused(path: str) -> None:
    """Browsers resolve or cut it before they send anything."""
    assert ["bad_path"] == [problem.code for problem in check({"path": path})]


@pytest.mark.parametrize("domain", ["a.0x7f", "1.2.3.0x4", "example.0x"])
def test_a_hexadecimal_number_at_the_end_is_an_address(domain: str) -> None:
    """To browsers it is IPv4 (URL Standard, 3.5)."""
    assert ["domain_is_ip"] == [problem.code for problem in check({"domain": domain})]
