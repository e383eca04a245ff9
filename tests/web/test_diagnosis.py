"""What ``check`` knows: of addresses, of settings and of the application. The honest jar says whether it is right."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import permutations
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_ext import (
    SealedSession,
    current_session,
    diagnosis,
    findings,
    keeping,
    login_required,
    places,
    public,
    state,
)
from flask_ext.findings import Finding
from sealed_session import KeyRing, Sealer, Session, UsageError, generate_password
from sealed_session.cli.drawing import Pen
from sealed_session.cookie import CookiePolicy
from sealed_session.providers import OAuth2
from tests.web.jar import Jar

PASSWORD, OLD, OLDER = (generate_password() for _ in range(3))
HTTPS = "https://app.example.com"

PRODUCTION: dict[str, Any] = {
    "COOKIE_NAME": "__Host-session",
    "COOKIE_SECURE": True,
    "ABSOLUTE_LIFETIME": 90 * 86_400,
    "LOGIN_VIEW": "login",
}


def make_app(**settings: Any) -> Flask:
    """An application with these settings, ours without their prefix, and a page for signing in."""
    app = Flask("shop")
    app.config["SEALED_SESSION_PASSWORD"] = PASSWORD
    app.config.update({f"SEALED_SESSION_{key}": value for key, value in settings.items()})
    SealedSession().init_app(app)
    app.add_url_rule("/login", "login", lambda: "sign in")
    return app


def signing_in(**settings: Any) -> Flask:
    """An application with our own endpoints for signing in, and a coordinator in memory."""
    app = Flask("shop")
    values = {"PASSWORD": PASSWORD, "AUTH_PREFIX": "/auth", "COORDINATOR_URL": "memory:", **settings}
    app.config.update({f"SEALED_SESSION_{key}": value for key, value in values.items()})
    provider = OAuth2(issuer="https://id.example.com", client_id="client_1", client_secret="test-secret-of-the-client")
    SealedSession(provider).init_app(app)
    return app


def diagnosed(app: Flask, *urls: str) -> dict[str, Finding]:
    """The findings by their codes, of which each is there once."""
    found = diagnosis.diagnose(app, [places.parse(url) for url in urls])
    by_code = {finding.code: finding for finding in found}
    assert len(found) == len(by_code)
    return by_code


def visited(url: str, **settings: Any) -> dict[str, Finding]:
    """What is found at one address, by code."""
    place = places.parse(url)
    found = [*keeping.visit(keeping.sealed(CookiePolicy(**settings)), place), *keeping.remarks(place)]
    return {finding.code: finding for finding in found}


def shared(*urls: str, **settings: Any) -> dict[str, Finding]:
    """What is found about several addresses, by code."""
    cookie = keeping.sealed(CookiePolicy(**settings))
    return {finding.code: finding for finding in keeping.share(cookie, [places.parse(url) for url in urls])}


def levels(found: dict[str, Finding]) -> dict[str, str]:
    """Code and level of every finding."""
    return {code: finding.level for code, finding in found.items()}


# Addresses.

POLICIES: list[dict[str, Any]] = [
    {},
    {"secure": False},
    {"secure": True, "same_site": "None"},
    {"domain": "example.com"},
    {"domain": "app.example.com", "secure": False, "path": "/app"},
    {"name": "__Host-session", "secure": True},
    {"name": "__Secure-session", "secure": True, "domain": "example.com", "same_site": "Strict"},
    {"path": "/app/"},
]
URLS = [
    "https://app.example.com/app/page",
    "http://app.example.com/app",
    "https://app.example.com/apple",
    "https://example.com/app/",
    "https://other.test/app/",
    "https://notexample.com:8443/app/",
    "http://localhost:5000/app/",
    "http://shop.localhost/app/",
    "http://127.0.0.1:5000/app/",
    "http://[::1]/app/",
    "http://192.168.1.4/app/",
    "https://foo.github.io/app/",
    "https://github.io/app/",
    "https://bücher.example.com/app/",
]


def jar_keeps(policy: CookiePolicy, url: str, other: str) -> bool:
    """Whether the honest jar takes the cookie at one address and sends it to the other."""
    jar, place = Jar(lambda: 1_800_000_000), places.parse(url)
    stored = jar.store(policy.set("value", place.scheme, place.host), place.url) is None
    return stored and f"{policy.name}=value" in jar.header(places.parse(other).url)


@pytest.mark.row("WO-19")
@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("settings", POLICIES, ids=str)
def test_WO_19_it_is_an_error_exactly_where_a_browser_loses_the_cookie(settings: dict[str, Any], url: str) -> None:  # noqa: N802
    """Whatever the policy, and whether the browser drops the cookie or does not send it back."""
    found = levels(visited(url, **settings))
    assert jar_keeps(CookiePolicy(**settings), url, url) == ("error" not in found.values())
    assert ("ok" in found.values()) == ("error" not in found.values())


@pytest.mark.row("WO-19")
@pytest.mark.parametrize("settings", POLICIES[:-1], ids=str)
def test_WO_19_it_is_an_error_exactly_where_browsers_share_no_session(settings: dict[str, Any]) -> None:  # noqa: N802
    """Of all pairs of addresses that keep the cookie by themselves."""
    policy = CookiePolicy(**settings)
    good = [url for url in URLS if jar_keeps(policy, url, url) and not places.parse(url).is_this_machine]
    for pair in permutations(good, 2):
        kept = all(jar_keeps(policy, one, other) for one, other in (pair, pair[::-1]))
        assert kept == ("error" not in levels(shared(*pair, **settings)).values()), pair


def test_a_cookie_that_is_kept_is_shown() -> None:
    """As the application writes it, with dots for the value."""
    found = visited(HTTPS)
    assert {"cookie_kept": "ok"} == levels(found)
    line = "sealed-session=...; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"
    assert found["cookie_kept"].what.endswith(line)


@pytest.mark.row("WO-3")
@pytest.mark.row("WO-19")
@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1", "[::1]:8000"])
def test_WO_19_secure_by_http_on_this_machine_is_for_all_but_safari(host: str) -> None:  # noqa: N802
    """A note, and none where Secure is automatic."""
    assert "note" == visited(f"http://{host}", secure=True)["secure_on_this_machine"].level
    assert "secure_on_this_machine" not in visited(f"http://{host}")


@pytest.mark.row("WO-3")
@pytest.mark.row("WO-19")
@pytest.mark.parametrize("secure", [True, "auto"])
def test_WO_19_secure_by_http_elsewhere_is_lost(secure: Any) -> None:  # noqa: N802
    """The first answer to "cookies not being set"; never to be helped by taking Secure away."""
    found = visited("http://app.example.com", secure=secure)
    assert {"secure_over_http": "error"} == levels(found)
    assert "serve it by https." in found["secure_over_http"].fix


@pytest.mark.row("WO-5")
@pytest.mark.row("WO-19")
def test_WO_19_a_host_outside_of_the_domain_is_told_what_to_do() -> None:  # noqa: N802
    """On a developer's machine something else than elsewhere."""
    elsewhere = visited("https://example.org", domain="example.com")["host_outside_domain"]
    here = visited("http://localhost", domain="example.com")["host_outside_domain"]
    assert "Domain=example.com" in elsewhere.what
    assert "serve the application from example.com or below" in elsewhere.fix
    assert "leave SEALED_SESSION_COOKIE_DOMAIN out where you develop." == here.fix


@pytest.mark.parametrize(
    ("url", "remarks"),
    [
        ("https://user:secret@app.example.com", ["url_with_user"]),
        ("https://app.example.com:8443", ["url_with_port"]),
        ("https://192.168.1.4", ["host_is_ip"]),
        ("https://[2001:db8::1]", ["host_is_ip"]),
        ("https://co.uk", ["host_is_public_suffix"]),
        ("https://github.io.", ["host_is_public_suffix"]),
        ("https://intranet", ["host_is_public_suffix"]),
        ("https://foo.github.io", []),
        ("http://localhost", []),
    ],
)
def test_what_people_wonder_about_is_a_note(url: str, remarks: list[str]) -> None:
    """And the cookie is kept all the same."""
    assert {"cookie_kept": "ok", **dict.fromkeys(remarks, "note")} == levels(visited(url))


def test_nothing_of_an_address_is_shown_that_may_be_secret() -> None:
    """Neither user, nor password, nor query."""
    place = places.parse("HTTPS://user:secret@Bücher.Example.COM:8443/ü b?token=secret#secret".replace(" ", "%20"))
    assert "https://xn--bcher-kva.example.com:8443/%C3%BC%20b" == place.url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("app.example.com", "no scheme"),
        ("localhost:5000", "no scheme"),
        ("", "no scheme"),
        ("ftp://app.example.com", "neither http nor https"),
        ("https:///path", "no host"),
        ("https://app.example.com/a b", "white space"),
        ("https://app.example.com/\x7f", "white space"),
        ("https://app_.exa*mple.com", "neither a name nor an IP address"),
        ("https://app..example.com", "neither a name nor an IP address"),
        ("https://[::1", "is no address"),
        ("https://app.example.com:99999", "is no address"),
        (f"https://{'ü' * 70}.com", "is no address"),
    ],
)
def test_what_is_no_address_is_explained_and_not_quoted(url: str, told: str) -> None:
    """It might hold a password."""
    with pytest.raises(UsageError, match=told) as caught:
        places.parse(url)
    assert "bad_url" == caught.value.code
    assert caught.value.__context__ is None or caught.value.__suppress_context__


# Several addresses.


@pytest.mark.row("WO-5")
@pytest.mark.row("WO-19")
def test_WO_19_hosts_of_one_domain_are_told_the_domain_to_set() -> None:  # noqa: N802
    """The answer to "sessions not shared across subdomains": their common parent, if browsers allow it."""
    finding = shared(HTTPS, "https://dash.example.com")["session_not_shared"]
    assert ("error", f"{HTTPS}/ https://dash.example.com/") == (finding.level, finding.subject)
    assert finding.fix.startswith("set SEALED_SESSION_COOKIE_DOMAIN = 'example.com'. Each application needs the same")


@pytest.mark.row("WO-19")
def test_WO_19_a_name_that_forbids_a_domain_has_to_go_as_well() -> None:  # noqa: N802
    """And the present Domain may be too narrow."""
    host = shared(HTTPS, "https://example.com", name="__Host-session", secure=True)["session_not_shared"]
    assert "= 'example.com' and give SEALED_SESSION_COOKIE_NAME a name without the prefix __Host-" in host.fix
    narrow = shared("https://a.app.example.com", "https://dash.example.com", domain="app.example.com")
    assert "set SEALED_SESSION_COOKIE_DOMAIN = 'example.com'." in narrow["session_not_shared"].fix


@pytest.mark.row("WO-19")
@pytest.mark.parametrize(
    "urls",
    [
        ("https://a.github.io", "https://b.github.io"),
        ("https://a.co.uk", "https://b.co.uk"),
        ("https://a.test", "https://b.example"),
        ("http://a.localhost", "http://b.localhost"),
        ("https://192.168.1.4", "https://192.168.1.5"),
    ],
)
def test_WO_19_hosts_that_cannot_share_are_told_so(urls: tuple[str, ...]) -> None:  # noqa: N802
    """Below a public suffix, below nothing at all, on this machine, or with an address for a name."""
    assert {"session_not_shareable": "error"} == levels(shared(*urls))


def test_a_shared_session_needs_more_than_a_domain() -> None:
    """Which is said, for no browser shows it."""
    found = shared(HTTPS, "https://dash.example.com", domain="example.com")
    assert {"session_shared": "ok"} == levels(found)
    assert "the same password, COOKIE_NAME, COOKIE_PATH and coordinator" in found["session_shared"].what


@pytest.mark.parametrize(
    ("settings", "level"),
    [({}, "error"), ({"secure": False}, "warning"), ({"secure": True, "same_site": "None"}, "error")],
)
def test_http_and_https_of_one_host(settings: dict[str, Any], level: str) -> None:
    """Secure is not sent by http; and without it they are two sites."""
    assert {"schemes_differ": level} == levels(shared(HTTPS, "http://app.example.com", **settings))


def test_http_and_https_on_this_machine() -> None:
    """Nobody listens in between; only SameSite tells them apart."""
    urls = ("https://localhost", "http://localhost:5000")
    assert {"schemes_differ": "warning"} == levels(shared(*urls))
    assert {"session_shared": "ok"} == levels(shared(*urls, secure=True, same_site="None"))


def test_a_developers_own_machine_shares_with_nobody() -> None:
    """So it may be checked together with production."""
    assert {} == shared("http://localhost:5000", HTTPS)
    assert {} == shared(HTTPS)


# Settings.


@pytest.mark.row("WO-19")
def test_WO_19_nothing_is_to_be_said_of_a_correct_production() -> None:  # noqa: N802
    """Neither errors, nor warnings, nor notes."""
    app = make_app(**PRODUCTION)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1)  # type: ignore[method-assign]
    assert {"cookie_kept": "ok", "application_sound": "ok"} == levels(diagnosed(app, HTTPS, HTTPS))


@pytest.mark.row("WO-19")
def test_WO_19_the_defaults_have_no_error_and_no_warning() -> None:  # noqa: N802
    """Where they could be better it is a note."""
    assert {
        "cookie_kept": "ok",
        "application_sound": "ok",
        "name_without_prefix": "note",
        "no_absolute_lifetime": "note",
        "no_proxy_fix": "note",
    } == levels(diagnosed(make_app(), HTTPS))


def test_without_an_address_the_check_asks_for_one() -> None:
    """As a note: the settings are judged all the same."""
    assert {"no_url": "note", "application_sound": "ok"} == levels(diagnosed(make_app(**PRODUCTION)))


@pytest.mark.row("WO-3")
@pytest.mark.row("WO-4")
@pytest.mark.row("WO-5")
@pytest.mark.row("WO-19")
@pytest.mark.parametrize(
    ("settings", "code", "level", "subject"),
    [
        ({"COOKIE_SECURE": False}, "secure_off", "warning", "COOKIE_SECURE"),
        ({"COOKIE_SAMESITE": "None"}, "samesite_none", "warning", "COOKIE_SAMESITE"),
        ({"COOKIE_SAMESITE": "None", "COOKIE_PARTITIONED": True}, "samesite_none", "note", "COOKIE_SAMESITE"),
        ({"COOKIE_SAMESITE": "Strict"}, "samesite_strict", "note", "COOKIE_SAMESITE"),
        ({"COOKIE_DOMAIN": "example.com"}, "domain_shared", "warning", "COOKIE_DOMAIN"),
        ({"COOKIE_NAME": "__Secure-shop"}, "name_without_prefix", "note", "COOKIE_NAME"),
        ({"COOKIE_MAX_AGE": None}, "ends_with_browser", "note", "COOKIE_MAX_AGE"),
        ({"ABSOLUTE_LIFETIME": None}, "no_absolute_lifetime", "note", "ABSOLUTE_LIFETIME"),
        ({"MAX_COOKIE_BYTES": 4096}, "size_limit_high", "warning", "MAX_COOKIE_BYTES"),
        ({"SIZE_WARN_BYTES": 3501}, "size_warning_late", "warning", "SIZE_WARN_BYTES"),
        ({"MAX_COOKIE_BYTES": 3000}, "size_warning_late", "warning", "SIZE_WARN_BYTES"),
        ({"PASSWORD_FALLBACKS": [OLD, OLDER]}, "fallbacks_present", "note", "PASSWORD_FALLBACKS"),
    ],
)
def test_WO_19_a_setting_that_falls_short_is_named(  # noqa: N802
    settings: dict[str, Any], code: str, level: str, subject: str
) -> None:
    """One finding for one setting, in an application that is right otherwise."""
    plain = {"COOKIE_NAME": "sealed-session"} if {"COOKIE_SECURE", "COOKIE_DOMAIN"} & set(settings) else {}
    found = diagnosed(make_app(**PRODUCTION | plain | settings))
    others = {"no_url", "application_sound", *(["name_without_prefix"] if "COOKIE_SECURE" in settings else [])}
    assert {code} == set(found) - others
    assert (level, f"SEALED_SESSION_{subject}") == (found[code].level, found[code].subject)
    assert ("application_sound" in found) == (level == "note")


@pytest.mark.row("WO-15")
@pytest.mark.row("WO-19")
def test_WO_19_fallbacks_are_counted_and_their_end_is_told() -> None:  # noqa: N802
    """By the number of the password that opened a cookie; no password is shown."""
    finding = diagnosed(make_app(PASSWORD_FALLBACKS=[OLD, OLDER]))["fallbacks_present"]
    assert "one: 2." in finding.what
    assert "current_session.password_index" in finding.fix
    assert "ssk1_" not in str(finding)


@pytest.mark.row("WO-15")
@pytest.mark.row("WO-19")
def test_WO_19_what_is_said_of_fallbacks_can_be_done() -> None:  # noqa: N802
    """The counter that is named counts a cookie that a fallback has opened, under the labels that are named."""
    app = make_app(PASSWORD_FALLBACKS=[OLD])
    app.add_url_rule("/", "home", lambda: str(bool(current_session)))
    client = app.test_client()
    for password in (OLD, PASSWORD):
        client.set_cookie("sealed-session", Sealer(KeyRing(password)).seal(Session("opaque", session_id="AAAA")))
        assert "True" == client.get("/").text
    fix = diagnosed(app)["fallbacks_present"].fix
    assert "the counter unseals" in fix
    for labels in state.of(app).counters.read()["unseals"]:
        assert labels[0] == "opened"
        assert f"'{labels[1]}'" in fix
    assert {("opened", "0"), ("opened", "1")} == set(state.of(app).counters.read()["unseals"])


@pytest.mark.row("WO-4")
@pytest.mark.row("WO-19")
def test_WO_19_strict_and_our_own_sign_in_go_together() -> None:  # noqa: N802
    """A page in between sees to it; other people's sign-ins have none."""
    others = diagnosed(make_app(COOKIE_SAMESITE="Strict"))["samesite_strict"].what
    ours = {one.code: one for one in diagnosis.diagnose(signing_in(COOKIE_SAMESITE="Strict"))}["samesite_strict"].what
    assert others.endswith("and so does whoever comes back from a sign-in page on another site.")
    assert ours.endswith("Back from our own sign-in a small page in between sees to it that the cookie comes along.")


def test_where_people_sign_in_an_unknown_proxy_is_worse() -> None:
    """The redirect URI is made of the address that the application sees, unless it is set."""
    told = "its redirect URI is wrong, too"
    assert told not in diagnosed(make_app(), HTTPS)["no_proxy_fix"].what
    assert told in diagnosed(signing_in(), HTTPS)["no_proxy_fix"].what
    assert told not in diagnosed(signing_in(REDIRECT_URI=f"{HTTPS}/auth/callback"), HTTPS)["no_proxy_fix"].what


def test_a_wrong_way_back_is_among_the_findings() -> None:
    """Of every address; and the application is not sound then."""
    app = signing_in(REDIRECT_URI=f"{HTTPS}/auth/callback")
    found = diagnosis.diagnose(app, [places.parse(url) for url in (HTTPS, "https://dash.example.com")])
    codes = [one.code for one in found]
    assert ("sign_in_returns" in codes, "sign_in_other_host" in codes) == (True, True)
    assert "application_sound" not in codes


def test_a_better_name_is_one_that_browsers_would_take() -> None:
    """So none is proposed where the path forbids the prefix."""
    assert "'__Host-shop'" in diagnosed(make_app(COOKIE_NAME="shop"))["name_without_prefix"].fix
    assert "name_without_prefix" not in diagnosed(make_app(COOKIE_PATH="/app"))


def test_whoever_asks_about_two_hosts_wants_the_domain() -> None:
    """It is no warning then, and no name is proposed that would undo it."""
    urls = HTTPS, "https://dash.example.com"
    app = make_app(COOKIE_DOMAIN="example.com")
    found = diagnosis.diagnose(app, [places.parse(url) for url in urls])
    assert ["note"] == [finding.level for finding in found if finding.code == "domain_shared"]
    codes = [finding.code for finding in diagnosis.diagnose(make_app(), [places.parse(url) for url in urls])]
    assert "session_not_shared" in codes
    assert "name_without_prefix" not in codes


# The application.


def other(view: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as people write them."""

    @wraps(view)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        return view(*arguments, **named)

    return wrapped


def test_a_view_without_its_guard_is_an_error() -> None:
    """The decorators are in the wrong order, and the page stands open."""
    app = make_app(**PRODUCTION)

    @login_required
    @app.get("/account")
    def account() -> str:
        return "open"

    assert "open" == app.test_client().get("/account", base_url=HTTPS).text
    found = diagnosed(app)["login_required_ignored"]
    assert ("error", "endpoint account") == (found.level, found.subject)


def test_views_under_their_guard_are_none() -> None:
    """With other decorators in between, twice guarded, async, as classes and in blueprints."""
    app, area = make_app(**PRODUCTION), Blueprint("area", __name__)

    class Page(MethodView):
        decorators = [login_required]  # noqa: RUF012 - as Flask has it

        def get(self) -> str:
            return ""

    @app.get("/1")
    @login_required
    @other
    def below() -> str:
        return ""

    @area.get("/2")
    @other
    @login_required
    def above() -> str:
        return ""

    @app.get("/3")
    @login_required(fresh_within=60)
    @login_required
    def twice() -> str:
        return ""

    @app.get("/4")
    @login_required
    async def later() -> str:
        return ""

    app.add_url_rule("/5", view_func=Page.as_view("page"))
    app.register_blueprint(area)
    for number in range(1, 6):
        assert 302 == app.test_client().get(f"/{number}", base_url=HTTPS).status_code
    assert {"no_url", "application_sound"} == set(diagnosed(app))


@pytest.mark.parametrize(
    ("view", "code", "level", "told"),
    [
        ("login", None, None, ""),
        ("logn", "login_view_unknown", "error", "did you mean 'login'?"),
        ("zzz", "login_view_unknown", "error", "`flask routes` lists the endpoints."),
        ("item", "login_view_unknown", "error", "name one that takes none."),
        ("private", "login_view_closed", "error", "take login_required off it"),
        ("/login", None, None, ""),
        ("/slash", None, None, ""),
        ("/login?hint=1", None, None, ""),
        ("/private", "login_view_closed", "error", "take login_required off it"),
        ("/elsewhere", "login_view_unrouted", "note", "name an endpoint"),
        ("https://app.example.com/login", None, None, ""),
        ("https://login.example.com/", "login_view_elsewhere", "warning", "name a view of this application"),
        ("https://", "login_view_unknown", "error", "write it whole"),
    ],
)
def test_the_login_view_has_to_be_there_and_open(view: str, code: str | None, level: str | None, told: str) -> None:
    """As an endpoint, as a path and as an address."""
    app = make_app(**PRODUCTION | {"LOGIN_VIEW": view})
    app.add_url_rule("/slash/", "slash", lambda: "")
    app.add_url_rule("/item/<int:number>", "item", lambda number: "")
    app.add_url_rule("/private", "private", login_required(lambda: ""))
    finding = {key: one for key, one in diagnosed(app, HTTPS).items() if key.startswith("login_view")}
    assert ({} if code is None else {code: level}) == levels(finding)
    assert told in "".join(one.fix for one in finding.values())


def test_the_applications_own_name_is_known() -> None:
    """Without an address: a login view there is at home."""
    app = make_app(**PRODUCTION | {"LOGIN_VIEW": "https://app.example.com/login"})
    assert "login_view_elsewhere" in diagnosed(app)
    app.config["SERVER_NAME"] = "app.example.com:8443"
    assert "login_view_elsewhere" not in diagnosed(app)


def test_require_login_lists_what_it_leaves_open() -> None:
    """The login view is not among them where it is a path: it is open by that."""
    app = make_app(**PRODUCTION | {"REQUIRE_LOGIN": True, "LOGIN_VIEW": "/login"})
    app.add_url_rule("/prices", "prices", public(lambda: ""))
    found = diagnosed(app)
    assert "Open to everybody all the same: prices, static." == found["open_endpoints"].what
    assert ("note", False) == (found["open_endpoints"].level, "login_view_closed" in found)


def test_require_login_with_nothing_open() -> None:
    """Says so."""
    app = make_app(**PRODUCTION | {"REQUIRE_LOGIN": True, "LOGIN_VIEW": None})
    del app.view_functions["static"]
    assert "Open to everybody all the same: nothing." == diagnosed(app)["open_endpoints"].what


@pytest.mark.parametrize("name", ["sealed-session", "old-name", "eager"])
def test_flasks_own_session_under_one_of_our_names(name: str) -> None:
    """Each would overwrite the other; the name may have been set after ``init_app``."""
    app = make_app(COOKIE_PREVIOUS_NAMES=["old-name"], ACCESS_TOKEN_COOKIE="eager")
    app.config["SESSION_COOKIE_NAME"] = name
    assert "error" == diagnosed(app)["name_of_flask_session"].level


@pytest.mark.parametrize(
    ("wrap", "told"),
    [
        (lambda app: app.wsgi_app, True),
        (lambda app: ProxyFix(app.wsgi_app, x_proto=0), True),
        (lambda app: ProxyFix(app.wsgi_app), False),
        (lambda app: ProxyFix(ProxyFix(app.wsgi_app), x_proto=0), False),
    ],
)
def test_a_proxy_has_to_be_known(wrap: Callable[[Flask], Any], told: bool) -> None:
    """Where the address is https and nothing reads X-Forwarded-Proto."""
    app = make_app()
    app.wsgi_app = wrap(app)  # type: ignore[method-assign]
    assert told == ("no_proxy_fix" in diagnosed(app, HTTPS))
    assert "no_proxy_fix" not in diagnosed(app, "http://localhost")
    app.config["PREFERRED_URL_SCHEME"] = "https"
    assert "no_proxy_fix" not in diagnosed(app, HTTPS)


def test_an_application_without_ours() -> None:
    """Is told how to get it."""
    with pytest.raises(UsageError) as caught:
        diagnosis.diagnose(Flask("plain"))
    assert "not_initialised" == caught.value.code


# Findings.

SOME = [
    Finding("error", "lost", "https://a.test/", "It is lost. " * 8, "find it."),
    Finding("note", "seen", "endpoint \x9b31m", "It \u202e was seen."),
    Finding("ok", "kept", "https://b.test/", "It is kept."),
    Finding("error", "lost", "https://c.test/", "Lost."),
]


def test_findings_are_counted() -> None:
    """Every level, also those that none has."""
    assert {"error": 2, "warning": 0, "note": 1, "ok": 1} == findings.count(SOME)


def test_findings_are_drawn_within_the_width_and_harmless() -> None:
    """What a terminal would obey is written as escapes."""
    drawn = [
        "".join(text for text, _ in line) for line in findings.lines(SOME, Pen(colour=False, blocks=True, width=60))
    ]
    assert "error     https://a.test/  [lost]" == drawn[0]
    assert "          Fix: find it." in drawn
    assert "note      endpoint \\x9b31m  [seen]" in drawn
    assert "          It \\u202e was seen." in drawn
    assert "2 errors, 0 warnings, 1 note" == drawn[-1]
    assert max(map(len, drawn)) <= 60


def test_findings_as_json() -> None:
    """Their five values, and the counts."""
    written = findings.to_mapping(SOME)
    assert ["findings", "counts"] == list(written)
    assert {"level": "ok", "code": "kept", "subject": "https://b.test/", "what": "It is kept.", "fix": ""} == written[
        "findings"
    ][2]


def test_a_former_name_without_the_prefix_is_told() -> None:
    """While it is read, it can be planted: the protection of the new name begins when it is gone."""
    settings = {"COOKIE_NAME": "__Host-s", "COOKIE_SECURE": True}
    assert "former_name_without_prefix" in diagnosed(make_app(**settings, COOKIE_PREVIOUS_NAMES=["s"]))
    assert "former_name_without_prefix" not in diagnosed(make_app(**settings, COOKIE_PREVIOUS_NAMES=["__Host-old"]))
    assert "former_name_without_prefix" not in diagnosed(make_app(COOKIE_PREVIOUS_NAMES=["s"]))
