"""Stytch's cookies: their names and attributes, and who may read them.

Those that JavaScript is kept from are in test_stytch_hidden.py. What becomes of its tokens is in
test_stytch_sessions.py.
"""
# ruff: noqa: N802 - tests bear their row's id

from __future__ import annotations

from typing import Any

import pytest

from sealed_session.providers import Stytch
from sealed_session.testing import Clock, FakeStytch
from sealed_session.transports import TokenCookies
from tests.systems.stytch_world import (
    ADA,
    AUTHENTICATE,
    JWT,
    SESSION,
    consumer,
    hidden,
    issuer,
    jwt_cookie,
    signed_in,
)
from tests.systems.worlds import ORIGIN, written

BOTH = pytest.mark.parametrize("role", [consumer, issuer])
MACHINE = ["http://localhost:5000", "http://127.0.0.1:5000", "http://127.9.8.7", "http://[::1]:5000"]


pytestmark = pytest.mark.usefixtures("nothing_of_stytch_is_told")


@pytest.mark.row("ST-1")
class TestTwoCookies:
    """Exactly two cookies."""

    def test_ST_1_signing_in_writes_exactly_these_two(self, stytch: FakeStytch, clock: Clock) -> None:
        """stytch_session with the opaque token, stytch_session_jwt with the JWT, and nothing else."""
        world = issuer(stytch, clock)
        tokens = world.sign_in().get_json()["tokens"]
        held = {name: cookie.value for name, cookie in world.cookies().items()}
        assert {SESSION: tokens["refresh_token"], JWT: tokens["access_token"]} == held
        assert (0, 2) == (held[SESSION].count("."), held[JWT].count("."))

    def test_ST_1_its_javascript_writes_the_same_two(self, stytch: FakeStytch, clock: Clock) -> None:
        """They are what the preset reads when nothing is configured; the application adds none."""
        world = signed_in(consumer, stytch, clock)
        response = world.get("/private")
        assert (200, f"private to {ADA}", {}) == (response.status_code, response.text, written(response))
        assert {SESSION, JWT} == set(world.cookies())


@pytest.mark.row("ST-2")
class TestAttributes:
    """On https://app.example.com."""

    @BOTH
    def test_ST_2_as_the_page_says(self, stytch: FakeStytch, clock: Clock, role: Any) -> None:
        """The Domain is the very host, Path=/, SameSite=Lax, Secure, and both end when the session does."""
        world = signed_in(role, stytch, clock)
        for name in (SESSION, JWT):
            cookie = world.browser.jar.get(name)
            assert ("app.example.com", False, "/") == (cookie.domain, cookie.host_only, cookie.path)
            assert ("Lax", True, clock.now + 3600) == (cookie.same_site, cookie.secure, cookie.expires_at)

    def test_ST_2_our_lines(self, stytch: FakeStytch, clock: Clock) -> None:
        """To the letter, and no attribute more."""
        lines = issuer(stytch, clock).sign_in().headers.getlist("Set-Cookie")
        expected = {"Path=/; Domain=app.example.com; Max-Age=3600; Secure; SameSite=Lax"}
        assert (2, expected) == (len(lines), {line.partition("; ")[2] for line in lines})

    def test_ST_2_a_new_jwt_ends_with_the_session_too(self, stytch: FakeStytch, clock: Clock) -> None:
        """Though it lives for five minutes: of the hour, 3200 seconds are left, on both."""
        world = signed_in(issuer, stytch, clock)
        clock.advance(400)
        found = written(world.get("/who"))
        assert {SESSION: "3200", JWT: "3200"} == {name: parts["Max-Age"] for name, parts in found.items()}

    @pytest.mark.parametrize("host", ["co.uk", "example..com", "evil.example;x=1", "a b"])
    def test_ST_2_a_host_that_is_none_gets_into_no_domain(self, stytch: FakeStytch, clock: Clock, host: str) -> None:
        """Whatever a Host header says, it is judged before it stands in a cookie."""
        world = issuer(stytch, clock)
        response = world.app.test_client(use_cookies=False).post("/login", headers={"Host": host})
        assert [] == [line for line in response.headers.getlist("Set-Cookie") if "Domain" in line or "x=1" in line]


@pytest.mark.row("ST-3")
class TestThisMachine:
    """On localhost."""

    @pytest.mark.parametrize("origin", MACHINE)
    def test_ST_3_not_secure_on_localhost(self, stytch: FakeStytch, clock: Clock, origin: str) -> None:
        """Neither of ours, nor those of its JavaScript; a browser keeps them, and they sign in."""
        world = issuer(stytch, clock)
        found = written(world.sign_in(at=origin))
        assert (2, False) == (len(found), any("Secure" in parts or "Domain" in parts for parts in found.values()))
        theirs = stytch.browser_cookies(origin.removeprefix("http://"), stytch.sign_in(), host_only=True)
        assert [] == [line for line in theirs if "Secure" in line]
        other = consumer(stytch, clock)
        other.store(theirs, origin)
        assert [ADA, ADA] == [one.get("/who", at=origin).text for one in (world, other)]

    def test_ST_3_secure_everywhere_else(self, stytch: FakeStytch, clock: Clock) -> None:
        """Also over http: never silently off."""
        found = written(issuer(stytch, clock).sign_in(at="http://app.example.com"))
        assert {SESSION, JWT} == {name for name, parts in found.items() if "Secure" in parts}


@pytest.mark.row("ST-4")
class TestOptions:
    """Both names, path, domain, availability to sub-domains."""

    @pytest.mark.parametrize(
        ("options", "changes"),
        [
            ({}, {}),
            ({"path": "/app"}, {"Path": "/app"}),
            ({"domain": "example.com"}, {"Domain": "example.com"}),
            ({"host_only": True}, {"Domain": None}),
        ],
        ids=str,
    )
    def test_ST_4_each_changes_one_attribute(
        self, stytch: FakeStytch, clock: Clock, options: dict[str, Any], changes: dict[str, str | None]
    ) -> None:
        """And the same on both cookies; without a Domain it is the real SDK's default."""
        usual = {"Path": "/", "Domain": "app.example.com", "Max-Age": "3600", "Secure": "", "SameSite": "Lax"}
        expected = {name: value for name, value in {**usual, **changes}.items() if value is not None}
        found = written(issuer(stytch, clock, cookies=Stytch.cookies(owner="server", **options)).sign_in())
        assert {SESSION: expected, JWT: expected} == found

    @pytest.mark.parametrize(
        ("options", "names"),
        [
            ({"session_name": "my_session"}, {"my_session", JWT}),
            ({"jwt_name": "my_jwt"}, {SESSION, "my_jwt"}),
            ({"session_name": "my_session", "jwt_name": "my_jwt"}, {"my_session", "my_jwt"}),
        ],
    )
    def test_ST_4_a_name_changes_a_name(self, stytch: FakeStytch, clock: Clock, options: Any, names: set[str]) -> None:
        """One cookie's, and no attribute."""
        found = written(issuer(stytch, clock, cookies=Stytch.cookies(owner="server", **options)).sign_in())
        assert names == set(found)
        assert {"Path": "/", "Domain": "app.example.com", "Max-Age": "3600", "Secure": "", "SameSite": "Lax"} in (
            list(found.values())
        )
        assert 1 == len({tuple(parts.items()) for parts in found.values()})

    @pytest.mark.parametrize(
        "options",
        [
            {"names": ("my_session", "my_jwt")},
            {"path": "/who"},
            {"domain": "example.com"},
            {"host_only": True},
        ],
        ids=str,
    )
    def test_ST_4_what_its_javascript_was_told(self, stytch: FakeStytch, clock: Clock, options: dict[str, Any]) -> None:
        """The application that is told the same reads them, and clears them when somebody signs out."""
        same = {name: value for name, value in options.items() if name != "names"}
        if "names" in options:
            same |= dict(zip(("session_name", "jwt_name"), options["names"], strict=True))
        world = consumer(stytch, clock, cookies=Stytch.cookies(**same))
        world.store(stytch.browser_cookies("app.example.com", stytch.sign_in(), **options), f"{ORIGIN}/who")
        assert ADA == world.get("/who").text
        assert ({"revoked": True, "recorded": True}, {}) == (world.get("/who/sign-out").get_json(), world.cookies())

    @pytest.mark.parametrize("host_only", [False, True])
    def test_ST_4_availability_to_subdomains(self, stytch: FakeStytch, clock: Clock, host_only: bool) -> None:
        """Below the host it was set at, unless it is that host's alone."""
        world = signed_in(issuer, stytch, clock, cookies=Stytch.cookies(owner="server", host_only=host_only))
        assert ADA == world.get("/who").text
        assert host_only == ("nobody: missing" == world.get("/who", at="https://eu.app.example.com").text)


@pytest.mark.row("ST-5")
class TestDisabled:
    """HttpOnly disabled, as it is when nothing is said."""

    def test_ST_5_javascript_reads_them_and_bodies_have_the_tokens(self, stytch: FakeStytch, clock: Clock) -> None:
        """What stands in the cookies stands in the answer too."""
        world = issuer(stytch, clock)
        response = world.sign_in()
        assert [] == [name for name, parts in written(response).items() if "HttpOnly" in parts]
        tokens = response.get_json()["tokens"]
        seen = world.browser.jar.script_cookies(ORIGIN)
        assert {f"{SESSION}={tokens['refresh_token']}", f"{JWT}={tokens['access_token']}"} == set(seen.split("; "))

    def test_ST_5_also_of_its_javascripts_cookies(self, stytch: FakeStytch, clock: Clock) -> None:
        """An application may answer with what the page has anyway."""
        world = signed_in(consumer, stytch, clock)
        found = world.do(lambda: world.auth.client_tokens() or {}).get_json()
        assert {"access_token": world.held(JWT)[0], "refresh_token": world.held(SESSION)[0]} == found


@pytest.mark.row("ST-8")
class TestReach:
    """Who sees a cookie with Domain=app.example.com."""

    @pytest.mark.parametrize(
        "cookies",
        [Stytch.cookies(owner="server"), hidden(custom_domain="login.app.example.com")],
        ids=["disabled", "enabled"],
    )
    def test_ST_8_app_and_below(self, stytch: FakeStytch, clock: Clock, cookies: TokenCookies) -> None:
        """Not the parent, nor its other children."""
        world = signed_in(issuer, stytch, clock, cookies=cookies)
        seeing = [world.get("/who", at=f"https://{host}app.example.com").text for host in ("", "eu.", "a.b.")]
        others = ["https://example.com", "https://www.example.com", "https://notapp.example.com"]
        assert ([ADA] * 3, ["nobody: missing"] * 3) == (seeing, [world.get("/who", at=at).text for at in others])


@pytest.mark.row("ST-15")
class TestDuplicates:
    """A name twice: host-only, and by Domain."""

    @pytest.mark.parametrize("loser", ["garbage", "forged"])
    def test_ST_15_of_the_jwt(self, stytch: FakeStytch, clock: Clock, loser: str) -> None:
        """Every value is tried; the good one signs in and stays, the loser is deleted, and nobody was asked."""
        world = signed_in(issuer, stytch, clock)
        good = world.held(JWT)
        bad = loser if loser == "garbage" else f"{good[0][:-6]}AAAAAA"
        world.store([f"{JWT}={bad}; path=/; Secure"])
        assert (2, ADA) == (len(world.held(JWT)), world.get("/who").text)
        assert (good, {}) == (world.held(JWT), written(world.get("/who")))
        assert 0 == stytch.count(AUTHENTICATE)

    def test_ST_15_of_the_session_token(self, stytch: FakeStytch, clock: Clock) -> None:
        """The dead one is tried, then the other; the winner stays."""
        world = signed_in(issuer, stytch, clock)
        good = world.held(SESSION)
        world.browser.jar.store(f"{SESSION}=dead-session; Path=/who; Secure", ORIGIN)  # comes first, by its path
        clock.advance(400)
        assert (2, ADA) == (len(world.held(SESSION)), world.get("/who").text)
        assert (good, 2) == (world.held(SESSION), stytch.count(AUTHENTICATE))

    def test_ST_15_four_at_most(self, stytch: FakeStytch, clock: Clock) -> None:
        """Who sends a hundred makes no hundred calls."""
        world = issuer(stytch, clock)
        header = "; ".join(f"{SESSION}=dead-{number}" for number in range(100))
        assert ("nobody: denied", 4) == (world.raw("/who", header).text, stytch.count(AUTHENTICATE))

    def test_ST_15_a_clients_are_read_and_left_alone(self, stytch: FakeStytch, clock: Clock) -> None:
        """Every value is tried there too; but what is not ours is deleted by nobody but its owner."""
        world = signed_in(consumer, stytch, clock)
        world.store([jwt_cookie(stytch, "garbage").replace("app.example.com", "example.com")])
        response = world.get("/who")
        assert (ADA, [], 2) == (response.text, response.headers.getlist("Set-Cookie"), len(world.held(JWT)))


def test_the_preset_brings_its_cookies() -> None:
    """Its JavaScript's, and nothing else; ``cookies`` says the same where nothing is configured."""
    assert (Stytch.cookies(),) == Stytch.transports
