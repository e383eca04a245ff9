"""What ``check`` knows of the ways in and out. The login view is in test_diagnosis.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_ext import SealedSession, login_required, places, public, way_in
from flask_ext.findings import Finding
from sealed_session import generate_password
from sealed_session.providers import OAuth2, WorkOS
from sealed_session.transports import BearerHeader, SealedCookie, TokenCookies
from sealed_session.verifier import JWTVerifier
from tests.core.jwks_server import SigningKey
from tests.providers.issuer import CLIENT, SECRET

HTTPS = "https://app.example.com"
OPENID = OAuth2(issuer="https://id.example.com", client_id=CLIENT, client_secret=SECRET)
PLAIN = OAuth2(
    token_endpoint="https://id.example.com/token",
    authorization_endpoint="https://id.example.com/authorize",
    client_id=CLIENT,
    client_secret=SECRET,
)


def make_app(provider: Any = OPENID, **settings: Any) -> Flask:
    """An application that signs people in, with these settings, ours without their prefix."""
    app = Flask("shop")
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    values = {"AUTH_PREFIX": "/auth", "CHECK_REVOCATION": "always", "LOGOUT_RETURN_TO": "/bye", **settings}
    app.config.update({f"SEALED_SESSION_{key}": value for key, value in values.items()})
    SealedSession(provider).init_app(app)
    app.add_url_rule("/bye", "bye", public(lambda: ""))
    return app


def judged(app: Flask, *urls: str) -> dict[str, Finding]:
    """The findings by their codes, of which each is there once."""
    found = list(way_in.judge(app, [places.parse(url) for url in urls]))
    by_code = {finding.code: finding for finding in found}
    assert len(found) == len(by_code)
    return by_code


def levels(found: dict[str, Finding]) -> dict[str, str]:
    """Code and level of every finding."""
    return {code: finding.level for code, finding in found.items()}


def test_every_finding_is_explained() -> None:
    """In docs/commands.md."""
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    text = Path(way_in.__file__).read_text(encoding="utf-8")
    found = set(re.findall(r'"((?:sign_in|logout|login_view|back_channel|no_way)_[a-z_]+)",', text))
    assert 14 == len(found)
    assert set() == {code for code in found if f"`{code}`" not in page}


def test_without_our_endpoints_nothing_is_said() -> None:
    """Whoever signs people in by other means knows where they come back to."""
    app = make_app(AUTH_PREFIX=None, LOGOUT_RETURN_TO="/nowhere", CHECK_REVOCATION="refresh")
    assert {} == judged(app, HTTPS, "http://app.example.com")


# The way back.


@pytest.mark.parametrize(
    ("url", "settings", "back"),
    [
        (f"{HTTPS}/some/page", {}, "https://app.example.com/auth/callback"),
        (f"{HTTPS}:443", {}, "https://app.example.com/auth/callback"),
        (f"{HTTPS}:8443", {}, "https://app.example.com:8443/auth/callback"),
        ("http://localhost:5000", {}, "http://localhost:5000/auth/callback"),
        ("http://[::1]:5000", {}, "http://[::1]:5000/auth/callback"),
        (HTTPS, {"AUTH_PREFIX": "/"}, "https://app.example.com/callback"),
        (HTTPS, {"REDIRECT_URI": "https://app.example.com:443/auth/callback"}, "com:443/auth/callback"),
        (f"{HTTPS}:443", {"REDIRECT_URI": "https://APP.example.com/shop/auth/callback"}, "/shop/auth/callback"),
    ],
)
def test_where_people_come_back_to(url: str, settings: dict[str, Any], back: str) -> None:
    """What the provider has to know, to the letter: it is what it will be told."""
    found = judged(make_app(LOGOUT_RETURN_TO=None, **settings), url)
    assert "ok" == found["sign_in_returns"].level
    assert f"{back}. The provider has to know it, to the letter." in found["sign_in_returns"].what


@pytest.mark.parametrize(
    ("target", "told"), [("/bye", "https://app.example.com/bye"), ("https://example.com/", "https://example.com/")]
)
def test_where_people_go_after_signing_out(target: str, told: str) -> None:
    """The provider has to know that too, where it has a page for signing out."""
    what = judged(make_app(LOGOUT_RETURN_TO=target), HTTPS)["sign_in_returns"].what
    assert f", and who signs out to {told}. The provider has to know both." in what


def test_an_application_that_is_mounted() -> None:
    """Has its root in the address."""
    app = make_app()
    app.config["APPLICATION_ROOT"] = "/shop"
    assert "https://app.example.com/shop/auth/callback" in judged(app, HTTPS)["sign_in_returns"].what


@pytest.mark.row("WO-19")
def test_WO_19_a_sign_in_that_ends_on_another_host_is_refused() -> None:  # noqa: N802
    """The login cookie is the host's alone; every address by itself."""
    app = make_app(REDIRECT_URI=f"{HTTPS}/auth/callback")
    assert "error" == judged(app, "https://example.com")["sign_in_other_host"].level
    here = judged(app, "http://localhost:5000")["sign_in_other_host"]
    assert ("error", True) == (here.level, "where you develop" in here.fix)
    assert {"sign_in_other_host", "sign_in_returns"} == set(judged(app, HTTPS, "https://dash.example.com"))


def test_a_redirect_uri_is_named_as_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a variable of the provider's, or by us."""
    monkeypatch.setenv("WORKOS_REDIRECT_URI", f"{HTTPS}/auth/callback")
    provider = WorkOS("client_01", "test-key-of-workos")
    app = make_app(provider)
    assert "leave WORKOS_REDIRECT_URI out" in judged(app, "https://example.com")["sign_in_other_host"].fix
    app = make_app(provider, REDIRECT_URI=f"{HTTPS}/auth/callback")
    assert "leave SEALED_SESSION_REDIRECT_URI out" in judged(app, "https://example.com")["sign_in_other_host"].fix


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        (f"{HTTPS}/auth/callback", f"{HTTPS}:8443"),
        (f"{HTTPS}:8443/auth/callback", HTTPS),
        ("https://localhost/auth/callback", "http://localhost"),
        ("http://localhost:5000/auth/callback", "http://localhost:8000"),
    ],
)
def test_a_sign_in_that_ends_at_another_port_or_scheme(uri: str, url: str) -> None:
    """Cookies would come along; another server answers, perhaps."""
    finding = judged(make_app(REDIRECT_URI=uri), url)["sign_in_other_address"]
    assert ("warning", True) == (finding.level, uri in finding.what)


@pytest.mark.row("WO-3")
@pytest.mark.row("WO-19")
@pytest.mark.parametrize("uri", [None, f"{HTTPS}/auth/callback"])
def test_WO_19_signing_in_by_http_on_another_machine_is_an_error(uri: str | None) -> None:  # noqa: N802
    """Whatever the provider was told."""
    assert "error" == judged(make_app(REDIRECT_URI=uri), "http://app.example.com")["sign_in_over_http"].level


# The way in.


def closed(transports: Any = None, *, provider: Any = None, **settings: Any) -> Flask:
    """An application with a view for people who are signed in, one for everybody, and no endpoints of ours."""
    app = Flask("shop")
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    app.config.update({f"SEALED_SESSION_{key}": value for key, value in settings.items()})
    verifier = JWTVerifier(keys={"keys": [SigningKey().jwk()]}, issuers=["https://id.example.com"])
    SealedSession(provider, transports=transports, verifier=verifier).init_app(app)
    app.add_url_rule("/open", "open", public(lambda: ""))
    app.add_url_rule("/account", "account", login_required(lambda: ""))
    return app


OURS = TokenCookies(access="access")
THEIRS = TokenCookies(access="access", owner="client")


@pytest.mark.parametrize(
    ("transports", "settings", "told"),
    [
        (None, {}, True),
        ([OURS], {}, True),
        ([OURS, SealedCookie()], {"REQUIRE_LOGIN": True}, True),
        (None, {"LOGIN_VIEW": "open"}, False),
        ([THEIRS], {}, False),
        ([BearerHeader()], {}, False),
        ([SealedCookie(), BearerHeader()], {}, False),
    ],
)
def test_people_who_have_to_sign_in_need_a_way_in(transports: Any, settings: dict[str, Any], told: bool) -> None:
    """One that can be seen, or sessions that others open. A view that calls ``sign_in`` cannot be seen: a note."""
    found = judged(closed(transports, **settings))
    assert ({"no_way_in": "note"} if told else {}) == levels(found)
    assert not told or "'account'" in found["no_way_in"].what


def test_our_own_endpoints_are_a_way_in() -> None:
    """AUTH_PREFIX brings the login view; and who closes nothing needs none."""
    app = make_app()
    app.add_url_rule("/account", "account", login_required(lambda: ""))
    assert "no_way_in" not in judged(app)
    app = make_app(AUTH_PREFIX=None)
    assert {} == judged(app)


def test_require_login_closes_every_other_view() -> None:
    """The first is named, and how many more there are."""
    app = make_app(AUTH_PREFIX=None, REQUIRE_LOGIN=True)
    assert "no_way_in" not in judged(app)
    app.add_url_rule("/home", "home", lambda: "")
    app.add_url_rule("/account", "account", lambda: "")
    assert "The endpoint 'home' and 1 more is only" in judged(app)["no_way_in"].what


# The way out.


def test_after_signing_out_people_are_somewhere() -> None:
    """A page of the provider's, where nothing else is said; without such a page there is nothing to say."""
    assert {"logout_return_missing": "note"} == levels(judged(make_app(LOGOUT_RETURN_TO=None)))

    class Without:
        """A provider that signs people in, and not out."""

        identity, credential, refresh, begin_sign_in = "test", PLAIN.credential, PLAIN.refresh, PLAIN.begin_sign_in

    app = make_app(Without(), LOGOUT_RETURN_TO=None)
    assert {} == judged(app)
    assert "who signs out" not in judged(make_app(Without()), HTTPS)["sign_in_returns"].what


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/bye", {}),
        ("/bye?again=1", {}),
        ("https://example.com/bye", {}),
        ("/slash", {}),
        ("/private", {"logout_return_closed": "warning"}),
        ("/nowhere", {"logout_return_unrouted": "note"}),
    ],
)
def test_the_page_after_signing_out_is_there_and_open(target: str, expected: dict[str, str]) -> None:
    """Or people who sign out are asked to sign in, and the provider may still know them."""
    app = make_app(LOGOUT_RETURN_TO=target)
    app.add_url_rule("/private", "private", login_required(lambda: ""))
    app.add_url_rule("/slash/", "slash", lambda: "")
    assert expected == levels(judged(app))


def test_require_login_closes_what_is_not_public() -> None:
    """The page after signing out with it."""
    app = make_app(REQUIRE_LOGIN=True, LOGOUT_RETURN_TO="/home")
    app.add_url_rule("/home", "home", lambda: "")
    assert {"logout_return_closed": "warning"} == levels(judged(app))
    assert {} == judged(make_app(REQUIRE_LOGIN=True))


@pytest.mark.row("WO-19")
@pytest.mark.parametrize(
    ("path", "prefix", "root", "told"),
    [
        ("/", "/auth", "/", False),
        ("/app", "/auth", "/", True),
        ("/app", "/app/auth", "/", False),
        ("/app/", "/app", "/", False),
        ("/app", "/", "/", True),
        ("/app", "/apple", "/", True),
        ("/app", "/auth", "/app", False),
        ("/app", "/", "/app/", False),
    ],
)
def test_WO_19_our_logout_has_to_see_the_cookie(path: str, prefix: str, root: str, told: bool) -> None:  # noqa: N802
    """Below COOKIE_PATH, with the root that the application knows of."""
    app = make_app(COOKIE_PATH=path, AUTH_PREFIX=prefix)
    app.config["APPLICATION_ROOT"] = root
    found = levels(judged(app))
    assert ({"logout_outside_path": "warning"} if told else {}) == found


@pytest.mark.parametrize(
    ("transports", "told"),
    [
        ([TokenCookies(access="access", path="/app")], True),
        ([TokenCookies(access="access", path="/app/auth"), SealedCookie()], True),
        ([TokenCookies(access="access", path="/auth/")], False),
        ([TokenCookies(access="access", path="/app", http_only="enabled", custom_domain="id.example.com")], False),
        ([TokenCookies(access="access", path="/app", owner="client")], False),
        ([BearerHeader()], False),
    ],
)
def test_our_logout_has_to_see_cookies_of_tokens(transports: Any, told: bool) -> None:
    """By their own path, and not by COOKIE_PATH where there is no sealed cookie; a client's are its own business."""
    path = {} if SealedCookie() in transports else {"COOKIE_PATH": "/elsewhere"}
    app = closed(transports, provider=OPENID, AUTH_PREFIX="/auth", LOGOUT_RETURN_TO="/open", **path)
    assert told == ("logout_outside_path" in judged(app))


@pytest.mark.parametrize(
    ("provider", "check_revocation", "told"),
    [(OPENID, "refresh", True), (OPENID, "always", False), (PLAIN, "refresh", False)],
)
def test_the_back_channel_is_heard_late(provider: Any, check_revocation: str, told: bool) -> None:
    """Unless every request looks. A provider without issuer has no such channel."""
    found = levels(judged(make_app(provider, CHECK_REVOCATION=check_revocation)))
    assert ({"back_channel_late": "note"} if told else {}) == found
