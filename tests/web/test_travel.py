"""What ``check`` knows of how sessions travel: by which transports, and what browsers do with cookies of tokens."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_ext import SealedSession, diagnosis, keeping, places, state, travel
from flask_ext.findings import Finding
from sealed_session import generate_password
from sealed_session.providers import Corbado, OAuth2
from sealed_session.transports import BearerHeader, SealedCookie, TokenCookies, Transport
from sealed_session.verifier import JWTVerifier
from tests.core.jwks_server import SigningKey
from tests.web.jar import Jar
from tests.web.verifier import ISSUER, Judge

HTTPS, HTTP, HERE = "https://app.example.com", "http://app.example.com", "http://localhost:5000"
DASH = "https://dash.example.com"
OURS = TokenCookies(access="access")
PAIR = TokenCookies(access=("access", "old"), refresh="refresh")
THEIRS = TokenCookies(access=("jwt", "former"), refresh="opaque", owner="client")
HIDDEN = TokenCookies(access="access", http_only="enabled", custom_domain="login.example.com")
BEARER = BearerHeader()
ALWAYS = {"application_sound"}


def own_verifier(audience: str | None = "shop") -> JWTVerifier:
    """A verifier that an application is given."""
    return JWTVerifier(keys={"keys": [SigningKey().jwk()]}, issuers=[ISSUER], audience=audience)


def openid(audience: str | None = "shop") -> OAuth2:
    """A provider that verifies by the keys of its issuer."""
    return OAuth2(issuer=ISSUER, client_id="client_1", client_secret="test-secret-of-the-client", audience=audience)


def make_app(*transports: Transport, provider: Any = None, verifier: Any = None, **settings: Any) -> Flask:
    """An application with these transports and settings, and with a password only where one is needed."""
    app = Flask("shop")
    if SealedCookie() in transports or "AUTH_PREFIX" in settings:
        app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    app.config.update({f"SEALED_SESSION_{key}": value for key, value in settings.items()})
    if provider is None and verifier is None:
        verifier = own_verifier()
    SealedSession(provider, transports=list(transports) or None, verifier=verifier).init_app(app)
    app.config["PREFERRED_URL_SCHEME"] = "https"
    return app


def diagnosed(app: Flask, *urls: str) -> list[Finding]:
    """Everything that is found."""
    return diagnosis.diagnose(app, [places.parse(url) for url in urls], offline=True)


def levels(found: list[Finding]) -> dict[str, str]:
    """Code and level of every finding but the one that all have."""
    return {finding.code: finding.level for finding in found if finding.code not in ALWAYS}


def one(found: list[Finding], code: str) -> Finding:
    """The one finding with a code."""
    (finding,) = [finding for finding in found if finding.code == code]
    return finding


def test_every_finding_is_explained() -> None:
    """In docs/commands.md."""
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    text = "".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in (travel, keeping))
    found = set(re.findall(r'Finding\(\s*(?:"[a-z]+"|level), "([a-z_]+)"', text))
    assert {"transports_in_use", "bearer_over_http", "bearer_private", "audience_unchecked", "cookie_kept"} <= found
    assert set() == {code for code in found if f"`{code}`" not in page}


class TestWithoutASealedCookie:
    """Nothing is said of a cookie that the application does not have."""

    @pytest.mark.parametrize("transport", [BEARER, THEIRS, PAIR])
    def test_nothing_of_it_is_judged(self, transport: Transport) -> None:
        """Neither its settings, nor its lines, nor its passwords; and by what sessions come is told."""
        fallback = {"PASSWORD": generate_password(), "PASSWORD_FALLBACKS": [generate_password()]}
        app = make_app(
            transport, COOKIE_SAMESITE="Strict", COOKIE_DOMAIN="other.test", MAX_COOKIE_BYTES=4096, **fallback
        )
        found = diagnosed(app, HTTPS)
        assert set() == set(levels(found)) - {"transports_in_use", "cookie_kept", "bearer_private"}
        assert "sealed-session" not in str(found)
        assert "There is no sealed cookie" in one(found, "transports_in_use").what

    def test_without_an_address(self) -> None:
        """The check asks for one all the same: of tokens, too, it depends on that."""
        found = diagnosed(make_app(BEARER))
        assert {"transports_in_use": "note", "no_url": "note"} == levels(found)
        assert "cookies and tokens" in one(found, "no_url").what

    @pytest.mark.parametrize(
        ("transports", "settings", "told"),
        [
            ([BEARER], {}, False),
            ([THEIRS], {}, False),
            ([OURS], {}, True),
            ([BEARER], {"AUTH_PREFIX": "/auth"}, True),
            ([BEARER], {"ACCESS_TOKEN_COOKIE": "eager"}, True),
        ],
    )
    def test_secure_counts_where_any_cookie_is_ours(
        self, transports: list[Transport], settings: dict[str, Any], told: bool
    ) -> None:
        """COOKIE_SECURE is that of all of them."""
        app = make_app(*transports, provider=openid(), COOKIE_SECURE=False, **settings)
        assert told == ("secure_off" in levels(diagnosed(app)))
        app.config["PREFERRED_URL_SCHEME"] = "http"
        assert told == ("the cookie goes without Secure" in one(diagnosed(app, HTTPS), "no_proxy_fix").what)

    def test_sign_ins_in_progress_have_cookies(self) -> None:
        """With AUTH_PREFIX: their name begins as COOKIE_NAME does, and fallbacks open nothing but them."""
        settings: dict[str, Any] = {"AUTH_PREFIX": "/auth", "PASSWORD_FALLBACKS": [generate_password()]}
        found = diagnosed(make_app(OURS, provider=openid(), **settings))
        of_them = {"name_without_prefix": "note", "fallbacks_present": "note"}
        assert of_them.items() <= levels(found).items()
        assert {"no_absolute_lifetime", "ends_with_browser"} & set(levels(found)) == set()
        assert "COOKIE_PREVIOUS_NAMES" not in one(found, "name_without_prefix").fix
        assert "10 minutes" in one(found, "fallbacks_present").fix
        better = make_app(OURS, provider=openid(), AUTH_PREFIX="/auth", COOKIE_NAME="__Host-s", COOKIE_SECURE=True)
        assert {"name_without_prefix", "fallbacks_present"} & set(levels(diagnosed(better))) == set()


class TestBearer:
    """A token in a header is as safe as the way."""

    @pytest.mark.parametrize(
        ("url", "code", "level", "told"),
        [
            (HTTPS, "bearer_private", "ok", "by https"),
            (HERE, "bearer_private", "ok", "without leaving this machine"),
            (HTTP, "bearer_over_http", "error", "everybody on the way can read it"),
        ],
    )
    @pytest.mark.parametrize("transports", [[BEARER], [SealedCookie(), BEARER]])
    def test_by_http_on_another_machine_everybody_reads_it(
        self, transports: list[Transport], url: str, code: str, level: str, told: str
    ) -> None:
        """An error at each such address, beside whatever is said of cookies."""
        found = diagnosed(make_app(*transports), url)
        assert (level, True) == (one(found, code).level, told in one(found, code).what)
        assert (url == HTTP) == ("error" in levels(found).values())

    @pytest.mark.parametrize(("url", "code"), [(HTTPS, 0), (HTTP, 1)])
    def test_check_exits_with_what_is_true_of_an_api(self, url: str, code: int) -> None:
        """By https there is no error and no warning."""
        result = make_app(BEARER).test_cli_runner().invoke(args=["sealed-session", "check", "--json", "--url", url])
        assert (code, code) == (result.exit_code, json.loads(result.stdout)["counts"]["error"])
        assert "cookie" not in result.stdout.replace("no sealed cookie", "")

    def test_notes_about_cookies_are_not_for_it(self) -> None:
        """Ports and addresses mean something to cookies."""
        found = diagnosed(make_app(BEARER), "https://user:x@192.168.1.4:8443")
        assert {"transports_in_use", "bearer_private"} == set(levels(found))


class TestTokenCookies:
    """Of ours the very lines are judged, of a client's the names are told."""

    def test_the_lines_are_those_of_the_transport(self) -> None:
        """Under their own names, with the host as Domain."""
        found = [finding.what for finding in diagnosed(make_app(PAIR), HTTPS) if finding.code == "cookie_kept"]
        line = "Path=/; Domain=app.example.com; Max-Age=34560000; Secure; SameSite=Lax"
        assert [
            f"Browsers keep the cookie '{name}' and send it back: {name}=...; {line}" for name in ("access", "refresh")
        ] == found

    @pytest.mark.parametrize("url", [HTTPS, HTTP, HERE, "https://app.example.com/app", "https://app.example.org/app"])
    @pytest.mark.parametrize(
        "cookies",
        [
            OURS,
            HIDDEN,
            TokenCookies(access="access", path="/app"),
            TokenCookies(access="access", host_only=True),
            TokenCookies(access="access", domain="example.com"),
        ],
        ids=str,
    )
    def test_it_is_an_error_exactly_where_a_browser_loses_the_cookie(self, cookies: TokenCookies, url: str) -> None:
        """The honest jar is asked with what the transport writes."""
        app, place, jar = make_app(cookies), places.parse(url), Jar(lambda: 1_800_000_000)
        (transport,) = travel.token_cookies(state.of(app))
        (policy,) = transport.policies(place.host, 60)
        stored = jar.store(policy.set("value", place.scheme, place.host), place.url) is None
        kept = stored and "access=value" in jar.header(place.url)
        assert kept == ("error" not in levels(diagnosed(app, url)).values())

    def test_what_is_wrong_names_the_option(self) -> None:
        """And not the settings of the sealed cookie; where the Domain is derived, nothing is to be left out."""
        aside = one(diagnosed(make_app(TokenCookies(access="access", path="/app")), HTTPS), "page_outside_path")
        assert ("The cookie 'access' has Path=/app", True) == (aside.what[:33], "path of TokenCookies" in aside.fix)
        other = TokenCookies(access="access", domain="example.org")
        assert (
            "or leave domain of TokenCookies out" in one(diagnosed(make_app(other), HTTPS), "host_outside_domain").fix
        )
        assert "where you develop" in one(diagnosed(make_app(other), HERE), "host_outside_domain").fix
        for url in ("https://app.example.org", HERE):
            fix = one(diagnosed(make_app(HIDDEN), url), "host_outside_domain").fix
            assert "serve the application from example.com or below." == fix

    def test_notes_about_the_address_are_said_once(self) -> None:
        """However many cookies there are, and by the name of the options."""
        for transports in ([PAIR], [SealedCookie(), PAIR]):
            note = one(diagnosed(make_app(*transports), f"{HTTPS}:8443"), "url_with_port")
            assert ("names in TokenCookies" in note.fix) == (transports == [PAIR])

    def test_hosts_do_not_share_what_each_sets_for_itself(self) -> None:
        """The host's own name is the Domain; with a Domain above both they do."""
        finding = one(diagnosed(make_app(PAIR), HTTPS, DASH), "session_not_shared")
        assert finding.what.endswith("the cookie belongs to the hosts at and below the one that set it.")
        assert finding.fix.startswith("set domain of TokenCookies = 'example.com'. Each application needs the same Tok")
        alone = one(diagnosed(make_app(TokenCookies(access="a", host_only=True)), HTTPS, DASH), "session_not_shared")
        assert "set host_only = False and domain of TokenCookies = 'example.com'." in alone.fix
        for cookies in (TokenCookies(access="a", domain="example.com"), HIDDEN):
            assert "session_shared" in levels(diagnosed(make_app(cookies), HTTPS, DASH))
        deep = TokenCookies(access="a", http_only="enabled", custom_domain="login.app.example.com")
        apart = one(diagnosed(make_app(deep), HTTPS, DASH), "session_not_shared")
        assert apart.fix.startswith("serve all of them from app.example.com or below.")

    @pytest.mark.parametrize(("same_site", "level"), [("Lax", None), ("Strict", "note"), ("None", "warning")])
    def test_same_site_is_judged_by_their_own(self, same_site: Any, level: str | None) -> None:
        """Whatever COOKIE_SAMESITE is; there is no Partitioned to set."""
        app = make_app(TokenCookies(access="access", same_site=same_site), COOKIE_SECURE=True)
        found = [finding for finding in diagnosed(app) if finding.code.startswith("samesite")]
        assert ([] if level is None else [level]) == [finding.level for finding in found]
        assert all("same_site of TokenCookies" == finding.subject for finding in found)
        assert "PARTITIONED" not in str(found)

    def test_of_a_clients_the_names_are_told(self) -> None:
        """Who writes them, and former names as well; no line, at whatever address."""
        found = diagnosed(make_app(THEIRS), HTTP, HTTPS)
        assert {"transports_in_use": "note"} == levels(found)
        assert "written by a client, as it likes ('jwt', 'former', 'opaque')" in one(found, "transports_in_use").what

    def test_all_are_named_where_there_are_several(self) -> None:
        """In their order. A sealed cookie alone is not worth a note."""
        what = one(diagnosed(make_app(SealedCookie(), PAIR, BEARER)), "transports_in_use").what
        assert "Sessions come by the sealed cookie 'sealed-session'; by cookies of tokens that are ours" in what
        assert ("no sealed cookie" in what, what.endswith("in the header Authorization.")) == (False, True)
        assert "transports_in_use" not in levels(diagnosed(make_app(SealedCookie())))

    @pytest.mark.parametrize("name", ["access", "old", "refresh"])
    def test_flasks_own_session_under_one_of_their_names(self, name: str) -> None:
        """Each would overwrite the other; the name of a sealed cookie that is not there is free."""
        app = make_app(PAIR)
        app.config["SESSION_COOKIE_NAME"] = "sealed-session"
        assert "name_of_flask_session" not in levels(diagnosed(app))
        app.config["SESSION_COOKIE_NAME"] = name
        assert "error" == one(diagnosed(app), "name_of_flask_session").level


class TestAudience:
    """Tokens that the issuer has signed for somebody else."""

    @pytest.mark.parametrize("transport", [BEARER, OURS, THEIRS])
    @pytest.mark.parametrize(
        ("provider", "verifier", "level"),
        [
            (openid(), None, None),
            (openid(None), None, "warning"),
            (openid(None), own_verifier(), None),
            (openid(), own_verifier(None), "warning"),
            (None, own_verifier(), None),
            (None, own_verifier(None), "note"),
            (openid(None), Judge(), None),
        ],
    )
    def test_without_an_audience_others_tokens_are_taken(
        self, transport: Transport, provider: Any, verifier: Any, level: str | None
    ) -> None:
        """What verifies counts; a verifier of somebody else's does not say. Nobody vouches for a provider: a note."""
        app = make_app(transport, provider=provider, verifier=verifier)
        assert level == levels(diagnosed(app, HTTPS)).get("audience_unchecked")
        is_sound = "application_sound" in [finding.code for finding in diagnosed(app, HTTPS)]
        assert (level != "warning") == is_sound

    def test_a_sealed_cookie_takes_no_tokens_from_outside(self) -> None:
        """Its token was taken when somebody signed in."""
        assert "audience_unchecked" not in levels(diagnosed(make_app(SealedCookie(), provider=openid(None))))

    def test_a_provider_may_have_none_on_purpose(self) -> None:
        """It says so; Corbado does, whose issuer is one project."""

        class Without(OAuth2):
            """Whose tokens are for whoever comes."""

            has_audience = False

        given = Without(issuer=ISSUER, client_id="client_1", client_secret="test-secret-of-the-client")
        for app in (make_app(BEARER, provider=given), make_app(provider=Corbado("pro-1"))):
            assert "audience_unchecked" not in levels(diagnosed(app, HTTPS))
