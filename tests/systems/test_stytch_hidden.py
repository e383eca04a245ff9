"""Stytch's cookies where JavaScript is kept from them, and where people sign in then."""
# ruff: noqa: N802 - tests bear their row's id

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sealed_session import ConfigError, UsageError
from sealed_session.providers import Stytch
from sealed_session.testing import Clock, FakeStytch
from sealed_session.transports import BearerHeader, TokenCookies
from sealed_session.verifier import JWTVerifier
from tests.systems.stytch_world import (
    ADA,
    CUSTOM,
    JWT,
    LIVE,
    SESSION,
    StytchWorld,
    by_password,
    consumer,
    hidden,
    issuer,
    set_by_backend,
    signed_in,
)
from tests.systems.worlds import ANYTHING, ORIGIN, build, written
from tests.web.jar import Context

LOGIN = f"https://{CUSTOM}"


pytestmark = pytest.mark.usefixtures("nothing_of_stytch_is_told")


@pytest.mark.row("ST-6")
class TestEnabled:
    """HttpOnly enabled."""

    def test_ST_6_http_only_on_both_and_no_option_counts(self, stytch: FakeStytch, clock: Clock) -> None:
        """Names, path and Domain are Stytch's own; the backend sets them, and JavaScript sees nothing."""
        options: Any = {"session_name": "a", "jwt_name": "b", "path": "/app", "domain": "app.example.com"}
        cookies = hidden(**options, host_only=True)
        world = issuer(stytch, clock, cookies=cookies)
        expected = "Path=/; Domain=example.com; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
        lines = world.sign_in().headers.getlist("Set-Cookie")
        assert {SESSION: expected, JWT: expected} == {line.partition("=")[0]: line.partition("; ")[2] for line in lines}
        assert ("", ADA) == (world.browser.jar.script_cookies(ORIGIN), world.get("/who").text)

    @pytest.mark.parametrize("changes", [{"domain": "app.example.com"}, {"path": "/app"}, {"host_only": True}], ids=str)
    def test_ST_6_nor_do_those_of_the_transport(self, stytch: FakeStytch, clock: Clock, changes: Any) -> None:
        """Who writes the transport out gets no other cookies by it."""
        found = written(issuer(stytch, clock, cookies=replace(hidden(), **changes)).sign_in())
        assert {("/", "example.com")} == {(parts["Path"], parts["Domain"]) for parts in found.values()}

    def test_ST_6_no_body_has_a_token(self, stytch: FakeStytch, clock: Clock) -> None:
        """Of signing in, of a page, of a refusal, of a renewal; client_tokens() is None."""
        world = issuer(stytch, clock, cookies=hidden())
        first = world.sign_in()
        given: list[Any] = []
        bodies = [first.text, world.get("/private").text, world.get("/who").text]
        bodies.append(world.do(lambda: given.append(world.auth.client_tokens())).text)
        tokens = [*world.held(SESSION), *world.held(JWT)]
        clock.advance(400)
        bodies += [world.get("/who").text, world.get("/sign-out").text, world.get("/private", headers=ANYTHING).text]
        tokens += world.held(JWT)
        assert (None, [None]) == (first.get_json()["tokens"], given)
        assert [] == [token for token in tokens for body in bodies if token in body]

    def test_ST_6_when_its_own_backend_set_them(self, stytch: FakeStytch, clock: Clock) -> None:
        """The consumer of them reads them, hands out no tokens, and writes none."""
        cookies = replace(Stytch.cookies(http_only="enabled"), custom_domain=CUSTOM)
        world = consumer(stytch, clock, cookies=cookies)
        set_by_backend(world, stytch.sign_in())
        given: list[Any] = []
        response = world.do(lambda: given.append(world.auth.client_tokens()))
        assert ([None], {}, ADA) == (given, written(response), world.get("/who").text)
        clock.advance(400)
        renewed = world.get("/who")
        assert (ADA, []) == (renewed.text, renewed.headers.getlist("Set-Cookie"))
        world.get("/sign-out")
        assert {} == world.cookies()


@pytest.mark.row("ST-7")
class TestParent:
    """The Domain of HttpOnly cookies."""

    @pytest.mark.parametrize(
        ("custom", "domain"), [("login.example.com", "example.com"), ("login.app.example.com", "app.example.com")]
    )
    def test_ST_7_is_the_parent_of_the_custom_domain(
        self, stytch: FakeStytch, clock: Clock, custom: str, domain: str
    ) -> None:
        """Which is that of the custom base URL; nobody has to write it twice."""
        provider = Stytch(LIVE, stytch.secret, custom_base_url=f"https://{custom}")
        verifier = JWTVerifier(stytch.jwks_url, issuers=provider.issuers, audience=LIVE, clock=clock)
        cookies = Stytch.cookies(owner="server", http_only="enabled")
        opens = by_password(stytch)
        world = build(stytch, provider, clock, transports=[cookies], verifier=verifier, opens=opens)
        found = written(world.sign_in(at="https://www.app.example.com"))
        assert {SESSION: domain, JWT: domain} == {name: parts["Domain"] for name, parts in found.items()}

    @pytest.mark.parametrize("custom", ["example.com", "example.co.uk", "192.0.2.1", "[2001:db8::1]", "localhost"])
    def test_ST_7_refused_without_a_parent_of_its_own(self, clock: Clock, custom: str) -> None:
        """example.com would share its cookies with all of com; an address and localhost have no parent."""
        provider = Stytch(LIVE, "secret-test", custom_base_url=f"https://{custom}")
        assert {"custom_domain"} == codes(provider, Stytch.cookies(owner="server", http_only="enabled"))
        with pytest.raises(ConfigError):
            hidden(custom_domain=custom)


@pytest.mark.row("ST-9")
class TestSetUp:
    """What is refused at start-up."""

    @pytest.mark.parametrize("http_only", ["enabled", "enforced"])
    @pytest.mark.parametrize("owner", ["server", "client"])
    def test_ST_9_without_a_custom_domain(self, http_only: Any, owner: Any) -> None:
        """Stytch could not set such cookies in a first-party context."""
        cookies = Stytch.cookies(owner=owner, http_only=http_only)
        assert {"http_only_without_domain"} == codes(Stytch(LIVE, "secret-test"), cookies)
        assert set() == codes(Stytch(LIVE, "secret-test", custom_base_url=f"https://{CUSTOM}"), cookies)

    @pytest.mark.parametrize("http_only", ["enabled", "enforced"])
    def test_ST_9_in_the_test_environment(self, monkeypatch: pytest.MonkeyPatch, http_only: Any) -> None:
        """Also where the project stands in an environment variable, and together with all else that is wrong."""
        monkeypatch.setenv("STYTCH_PROJECT_ID", "project-test-1")
        monkeypatch.setenv("STYTCH_SECRET", "secret-test")
        cookies = Stytch.cookies(http_only=http_only)
        assert {"http_only_in_test", "http_only_without_domain"} == codes(Stytch(), cookies)
        assert {"http_only_in_test"} == codes(Stytch(custom_base_url=f"https://{CUSTOM}"), cookies)
        assert set() == codes(Stytch(), Stytch.cookies())


@pytest.mark.row("ST-10")
class TestEnforced:
    """HttpOnly enforced."""

    @pytest.fixture
    def world(self, stytch: FakeStytch, clock: Clock) -> StytchWorld:
        """An application at several hosts, and callers that keep no cookies besides."""
        return issuer(stytch, clock, cookies=[hidden("enforced"), BearerHeader()])

    def test_ST_10_browsers_sign_in_at_the_custom_domain_alone(self, world: StytchWorld) -> None:
        """401 on any other host, with no cookie; siblings of the custom domain read the cookie that was set there."""
        for host in ("app.example.com", "example.com", "login.example.com.evil.example"):
            response = world.sign_in(at=f"https://{host}")
            assert (401, {}, {}) == (response.status_code, written(response), world.cookies())
        assert {SESSION, JWT} == set(written(world.sign_in(at=f"https://{CUSTOM}")))
        seen = [world.get("/who", at=f"https://{host}example.com").text for host in ("", "app.", "login.")]
        assert [ADA] * 3 == seen

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Origin": ORIGIN}, 401),
            ({"Sec-Fetch-Site": "same-origin"}, 401),
            ({"Sec-Fetch-Mode": "navigate"}, 401),
            ({}, 200),
        ],
        ids=str,
    )
    def test_ST_10_a_browser_is_known_by_its_headers(
        self, world: StytchWorld, headers: dict[str, str], status: int
    ) -> None:
        """Origin, or any Sec-Fetch-*; whoever sends none is no browser."""
        client = world.app.test_client(use_cookies=False)
        assert status == client.post("/login", base_url=ORIGIN, headers=headers).status_code

    def test_ST_10_nor_can_a_browser_hydrate_elsewhere(self, world: StytchWorld, stytch: FakeStytch) -> None:
        """To take up a session is to sign in."""
        tokens = {name: token for name, token in stytch.sign_in().items() if name.endswith("_token")}
        here, there = (world.browser.fetch(f"{at}/hydrate", method="POST", json=tokens) for at in (ORIGIN, LOGIN))
        assert (401, 200) == (here.status_code, there.status_code)

    def test_ST_10_bearer_clients_are_unaffected(self, world: StytchWorld, stytch: FakeStytch) -> None:
        """On every host, with the headers of a browser and without."""
        bearer = {"Authorization": f"Bearer {stytch.sign_in()['access_token']}"}
        page = Context.fetch_on("https://www.example.com")
        seen = [world.get("/private", at=at, headers=bearer, context=page).status_code for at in (ORIGIN, LOGIN)]
        client = world.app.test_client(use_cookies=False)
        assert [200, 200, 200] == [*seen, client.get("/private", base_url=ORIGIN, headers=bearer).status_code]


@pytest.mark.row("ST-11")
class TestHydrate:
    """update_session: a session whose tokens the front end holds, or another backend."""

    def test_ST_11_writes_under_the_backends_names_and_domain(self, stytch: FakeStytch, clock: Clock) -> None:
        """Where there is no session, as signing in would; then it is signed in."""
        world = issuer(stytch, clock, cookies=hidden())
        response = self.hydrate(world, stytch)
        expected = {"Path": "/", "Domain": "example.com", "Max-Age": "3600"}
        expected |= {"HttpOnly": "", "Secure": "", "SameSite": "Lax"}
        assert ({SESSION: expected, JWT: expected}, ADA) == (written(response), world.get("/who").text)

    @pytest.mark.parametrize("is_dead", [False, True])
    def test_ST_11_is_refused_beside_a_hidden_session(self, stytch: FakeStytch, clock: Clock, is_dead: bool) -> None:
        """Whether it is the backend's own or ours, and though its JWT may have ended; it stays what it was."""
        world = issuer(stytch, clock, cookies=hidden())
        set_by_backend(world, stytch.sign_in())
        before = world.held(SESSION)
        if is_dead:
            clock.advance(400)
        with pytest.raises(UsageError) as caught:
            self.hydrate(world, stytch, raises=True)
        assert ("session_hidden", before) == (caught.value.code, world.held(SESSION))

    def test_ST_11_without_http_only_it_replaces(self, stytch: FakeStytch, clock: Clock) -> None:
        """Somebody else's session, too."""
        world = signed_in(issuer, stytch, clock)
        self.hydrate(world, stytch, {"user_id": "user-test-grace"})
        assert "user-test-grace" == world.get("/who").text

    def test_ST_11_a_client_writes_its_own(self, stytch: FakeStytch, clock: Clock) -> None:
        """What its JavaScript owns is not written here."""
        with pytest.raises(UsageError) as caught:
            self.hydrate(consumer(stytch, clock), stytch, raises=True)
        assert "no_place" == caught.value.code

    def hydrate(
        self, world: StytchWorld, stytch: FakeStytch, user: dict[str, Any] | None = None, *, raises: bool = False
    ) -> Any:
        """Post the tokens of a new session."""
        world.app.config["PROPAGATE_EXCEPTIONS"] = raises
        tokens = {name: token for name, token in stytch.sign_in(user).items() if name.endswith("_token")}
        return world.browser.fetch(f"{ORIGIN}/hydrate", method="POST", json=tokens)


def codes(provider: Stytch, cookies: TokenCookies) -> set[str]:
    """What is wrong with a configuration."""
    try:
        build(FakeStytch(), provider, Clock(), transports=[cookies])
    except ConfigError as error:
        return {problem.code for problem in error.problems}
    return set()
