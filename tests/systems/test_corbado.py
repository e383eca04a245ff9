"""Corbado: the session-token in its UI's cookie, or as a bearer token; renewed where there is something to renew it by.

Several services are in test_corbado_services.py.
"""
# ruff: noqa: N802 - tests bear their row's id

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flask_ext import current_session
from flask_ext.verifying import TokenRefused
from sealed_session.providers import Corbado
from sealed_session.providers.corbado import HOSTS
from sealed_session.testing import Clock, FakeCorbado, Fault, forge
from sealed_session.testing.signing import read
from sealed_session.transports import BearerHeader, SealedCookie, TokenCookies
from tests.systems.corbado_world import (
    ADA,
    ALIAS,
    API,
    COOKIE,
    PROJECT,
    REFRESH,
    UI,
    CorbadoWorld,
    bearer,
    preset,
    service,
    sign_in_at_ui,
)
from tests.systems.worlds import ANYTHING, ORIGIN, told, written
from tests.web.jar import Context

COOKIES = TokenCookies(access=(COOKIE, ALIAS), owner="client")
FROM_UI = Context.fetch_on(UI)
Forge = Callable[[FakeCorbado, str], str]


@pytest.fixture
def corbado(clock: Clock) -> Iterator[FakeCorbado]:
    """Corbado."""
    with FakeCorbado(project_id=PROJECT, clock=clock) as it:
        yield it


@pytest.fixture
def world(corbado: FakeCorbado, clock: Clock) -> CorbadoWorld:
    """An application with nothing but the preset."""
    return service(corbado, clock)


@pytest.fixture(autouse=True)
def _nothing_is_told(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test leaves a token or a secret in the log."""
    caplog.set_level("DEBUG")
    yield
    assert [] == told(caplog)


@pytest.mark.row("CB-1")
class TestCookie:
    """On the same domain."""

    @pytest.mark.parametrize("name", [COOKIE, ALIAS])
    def test_CB_1_reads_the_cookie_of_its_javascript(self, world: CorbadoWorld, name: str) -> None:
        """By its name, or the one that former versions had; the user is what the token says."""
        sign_in_at_ui(world, name=name)
        assert f"private to {ADA}" == world.get("/private", at=UI).text
        world.act = lambda: dict(current_session.user)
        assert {"id": ADA, "name": "Ada Lovelace", "email": "ada@example.com"} == world.get("/do", at=UI).get_json()

    def test_CB_1_the_new_name_goes_before_the_old(self, world: CorbadoWorld, corbado: FakeCorbado) -> None:
        """Where a former version has left its cookie."""
        sign_in_at_ui(world, corbado.sign_in({"id": "usr-grace"}), name=ALIAS)
        sign_in_at_ui(world)
        assert ADA == world.get("/who", at=UI).text

    @pytest.mark.parametrize("age", [0, 285, 400])
    @pytest.mark.parametrize("is_forged", [False, True])
    def test_CB_1_we_never_write_it(self, world: CorbadoWorld, corbado: FakeCorbado, age: int, is_forged: bool) -> None:
        """Whether it is good, about to end, ended, or forged; and nobody is signed in to it."""
        given = sign_in_at_ui(world)
        if is_forged:
            sign_in_at_ui(world, {"access_token": forge.tampered(corbado, given["access_token"])})
        world.clock.advance(age)
        for path in ("/who", "/private", "/do"):
            assert [] == world.get(path, at=UI).headers.getlist("Set-Cookie")
        response = world.sign_in(at=UI)
        assert (500, []) == (response.status_code, response.headers.getlist("Set-Cookie"))

    def test_CB_1_but_for_an_explicit_sign_out(self, world: CorbadoWorld) -> None:
        """Because the person said so: both names go."""
        sign_in_at_ui(world, name=ALIAS)
        sign_in_at_ui(world)
        world.get("/sign-out", at=UI)
        assert ({}, "nobody: missing") == (world.cookies(), world.get("/who", at=UI).text)


@pytest.mark.row("CB-2")
def test_CB_2_the_domain_is_the_uis_host(world: CorbadoWorld) -> None:
    """www.example.com and below see the cookie; the parent and its other children do not."""
    sign_in_at_ui(world)
    cookie = world.browser.jar.get(COOKIE)
    assert ("www.example.com", False, "/", True) == (cookie.domain, cookie.host_only, cookie.path, cookie.secure)
    seeing = [world.get("/who", at=f"https://{host}www.example.com").text for host in ("", "eu.")]
    others = [world.get("/who", at=at).text for at in (API, "https://example.com", ORIGIN)]
    assert ([ADA] * 2, ["nobody: missing"] * 3) == (seeing, others)


@pytest.mark.row("CB-3")
class TestBearer:
    """Scenario 2: the backend is on another domain."""

    def test_CB_3_the_cookie_is_absent_and_the_header_authenticates(self, world: CorbadoWorld) -> None:
        """The page at www. calls api. with the token; nothing is set there, and caches know of the header."""
        token = sign_in_at_ui(world)["access_token"]
        without = world.get("/private", at=API, headers=ANYTHING, context=FROM_UI)
        assert (401, "missing") == (without.status_code, without.get_json()["reason"])
        response = world.get("/private", at=API, headers=bearer(token), context=FROM_UI)
        assert (200, f"private to {ADA}", {}) == (response.status_code, response.text, written(response))
        assert "no-store" in response.headers["Cache-Control"]

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
    def test_CB_3_the_case_of_the_scheme_does_not_count(self, world: CorbadoWorld, scheme: str) -> None:
        """RFC 9110, section 11.1."""
        token = world.fake.sign_in()["access_token"]
        assert ADA == world.get("/who", at=API, headers=bearer(token, scheme)).text

    def test_CB_3_the_challenge(self, world: CorbadoWorld, corbado: FakeCorbado) -> None:
        """401 carries WWW-Authenticate: what would do, and what is wrong with a token that came."""
        none = world.get("/private", at=API, headers=ANYTHING)
        bad = world.get("/private", at=API, headers=bearer(forge.tampered(corbado, corbado.sign_in()["access_token"])))
        assert [401, 401] == [none.status_code, bad.status_code]
        challenges = [response.headers["WWW-Authenticate"] for response in (none, bad)]
        assert [True, True] == [challenge.startswith("Bearer ") for challenge in challenges]
        assert [False, True] == ['error="invalid_token"' in challenge for challenge in challenges]

    @pytest.mark.parametrize("requires", [False, True])
    @pytest.mark.parametrize("token", [None, "garbage", "expired"])
    def test_CB_3_options_is_never_refused(
        self, corbado: FakeCorbado, clock: Clock, requires: bool, token: str | None
    ) -> None:
        """A preflight has no credentials; also where every page requires a login, and whatever token came."""
        world = service(corbado, clock, REQUIRE_LOGIN=requires)
        expired = forge.expired(corbado, corbado.sign_in()["access_token"])
        sent = {} if token is None else bearer(expired if token == "expired" else token)
        sent |= {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
        response = world.browser.fetch(f"{API}/private", method="OPTIONS", headers=sent, context=FROM_UI)
        assert (200, {}, True) == (response.status_code, written(response), "GET" in response.allow)
        assert 401 == world.get("/private", at=API, headers=ANYTHING).status_code

    @pytest.mark.parametrize("is_signed_in", [False, True])
    def test_CB_3_vary_has_authorization(self, world: CorbadoWorld, is_signed_in: bool) -> None:
        """Of the page and of the refusal."""
        headers = bearer(world.fake.sign_in()["access_token"]) if is_signed_in else ANYTHING
        response = world.get("/private", at=API, headers=headers)
        assert (200 if is_signed_in else 401) == response.status_code
        assert "Authorization" in [name.strip() for name in response.headers["Vary"].split(",")]


@pytest.mark.row("CB-5")
class TestElsewhere:
    """The token in places where it is not to be."""

    @pytest.mark.parametrize("name", [COOKIE, "session_token", "sessionToken", "access_token", "token", "bearer"])
    def test_CB_5_query_parameters_are_refused(self, world: CorbadoWorld, name: str) -> None:
        """They end in logs and histories."""
        token = world.fake.sign_in()["access_token"]
        response = world.get(f"/private?{name}={token}", at=API, headers=ANYTHING)
        assert (401, "missing") == (response.status_code, response.get_json()["reason"])

    @pytest.mark.parametrize("name", ["X-Session-Token", "X-Access-Token", "X-Authorization", "Proxy-Authorization"])
    @pytest.mark.parametrize("scheme", ["", "Bearer "])
    def test_CB_5_other_headers_are_refused(self, world: CorbadoWorld, name: str, scheme: str) -> None:
        """There is one header for it."""
        headers = {**ANYTHING, name: scheme + world.fake.sign_in()["access_token"]}
        response = world.get("/private", at=API, headers=headers)
        assert (401, "missing") == (response.status_code, response.get_json()["reason"])


@pytest.mark.row("CB-6")
class TestBesideACookie:
    """A cookie and a bearer token."""

    @pytest.mark.parametrize("bad", ["expired", "garbage", "forged"])
    def test_CB_6_a_bad_cookie_beside_a_valid_bearer(self, world: CorbadoWorld, corbado: FakeCorbado, bad: str) -> None:
        """200, and the cookie is left alone."""
        token = corbado.sign_in()["access_token"]
        values = {"expired": forge.expired(corbado, token), "forged": forge.tampered(corbado, token)}
        sign_in_at_ui(world, {"access_token": values.get(bad, "garbage")})
        response = world.get("/private", at=UI, headers=bearer(corbado.sign_in({"id": "usr-grace"})["access_token"]))
        assert (200, "private to usr-grace", {}) == (response.status_code, response.text, written(response))

    @pytest.mark.parametrize(
        ("transports", "who"),
        [
            (None, ADA),
            ([COOKIES, BearerHeader()], ADA),
            ([BearerHeader(), COOKIES], "usr-grace"),
            ([BearerHeader()], "usr-grace"),
        ],
    )
    def test_CB_6_the_order_is_configurable(
        self, corbado: FakeCorbado, clock: Clock, transports: Any, who: str
    ) -> None:
        """Of two that are good the first one counts; the preset looks at the cookie first."""
        world = service(corbado, clock, transports)
        sign_in_at_ui(world)
        headers = bearer(corbado.sign_in({"id": "usr-grace"})["access_token"])
        assert who == world.get("/who", at=UI, headers=headers).text

    def test_CB_6_a_bad_bearer_beside_a_valid_cookie(self, corbado: FakeCorbado, clock: Clock) -> None:
        """Likewise, in the other order."""
        world = service(corbado, clock, [BearerHeader(), COOKIES])
        sign_in_at_ui(world)
        assert ADA == world.get("/who", at=UI, headers=bearer("garbage")).text


@pytest.mark.row("CB-7")
class TestVerification:
    """By the keys at {frontend api}/.well-known/jwks."""

    @pytest.mark.parametrize("where", ["cookie", "bearer"])
    def test_CB_7_its_issuers(self, world: CorbadoWorld, corbado: FakeCorbado, where: str) -> None:
        """The frontend API, and both addresses that every project has; no other project's."""
        token = corbado.sign_in()["access_token"]
        good = [corbado.base_url, *(f"https://{PROJECT}.{host}" for host in HOSTS)]
        bad = [f"{good[1]}/", "https://pro-2.frontendapi.corbado.io", f"http://{PROJECT}.{HOSTS[0]}", PROJECT]
        seen = [self.who(world, forge.changed(corbado, token, iss=iss), where) for iss in [*good, *bad]]
        assert [ADA] * 3 + ["nobody: invalid"] * 4 == seen
        assert ("/.well-known/jwks", 1) == (corbado.jwks_path, corbado.count(corbado.jwks_path))

    @pytest.mark.parametrize("audience", [None, "anybody", ["somebody-else"]])
    def test_CB_7_no_audience_is_looked_at(self, world: CorbadoWorld, corbado: FakeCorbado, audience: Any) -> None:
        """Its tokens have none."""
        token = forge.changed(corbado, corbado.sign_in()["access_token"], aud=audience)
        assert ADA == self.who(world, token, "bearer")

    @pytest.mark.parametrize("kind", sorted(forge.FORGERIES))
    @pytest.mark.parametrize("where", ["cookie", "bearer"])
    def test_CB_7_forgeries(self, world: CorbadoWorld, corbado: FakeCorbado, kind: str, where: str) -> None:
        """RS256 alone, exp is required, nbf counts: 401 and invalid, and nobody but the keys is asked for."""
        token = forge.FORGERIES[kind](corbado, corbado.sign_in()["access_token"])
        assert "nobody: invalid" == self.who(world, token, where)
        assert (0, True) == (corbado.count(REFRESH), corbado.count() <= 1)

    def test_CB_7_a_flood_of_unknown_keys(self, world: CorbadoWorld, corbado: FakeCorbado) -> None:
        """Two fetches at most."""
        header, claims = read(corbado.sign_in()["access_token"])
        for number in range(40):
            token = corbado.sign(claims, **{**header, "kid": f"made-up-{number}"})
            assert "nobody: invalid" == self.who(world, token, "bearer")
        assert corbado.count() <= 2

    def test_CB_7_its_key_is_rotated(self, world: CorbadoWorld, corbado: FakeCorbado) -> None:
        """A token of the new key signs in at once, and one of the old key while that is published."""
        old = corbado.sign_in()["access_token"]
        assert ADA == self.who(world, old, "bearer")
        corbado.rotate_key()
        assert [ADA] * 2 == [self.who(world, one, "bearer") for one in (corbado.sign_in()["access_token"], old)]

    def test_CB_7_the_preset_by_its_variables(self, corbado: FakeCorbado, clock: Clock, monkeypatch: Any) -> None:
        """CORBADO_PROJECT_ID and CORBADO_FRONTEND_API are read when the application is set up."""
        monkeypatch.setenv("CORBADO_PROJECT_ID", PROJECT)
        monkeypatch.setenv("CORBADO_FRONTEND_API", corbado.base_url)
        provider = Corbado()
        assert (preset(corbado).jwks_url, preset(corbado).issuers) == (provider.jwks_url, provider.issuers)
        assert provider.transports == (COOKIES, BearerHeader())

    def who(self, world: CorbadoWorld, token: str, where: str) -> str:
        """Come with a token."""
        given = (f"{COOKIE}={token}", {}) if where == "cookie" else ("", bearer(token))
        return world.raw("/who", given[0], **given[1]).text


@pytest.mark.row("CB-8")
class TestExpired:
    """Expired, and nothing to refresh with."""

    @pytest.mark.parametrize("where", ["cookie", "bearer"])
    def test_CB_8_401_expired(self, world: CorbadoWorld, corbado: FakeCorbado, where: str) -> None:
        """The cookie is left alone, and nobody is asked but for the keys."""
        token = sign_in_at_ui(world)["access_token"]
        world.clock.advance(400)
        at, headers = (UI, ANYTHING) if where == "cookie" else (API, bearer(token))
        response = world.get("/private", at=at, headers=headers)
        assert (401, "expired") == (response.status_code, response.get_json()["reason"])
        assert ({}, [token], 0) == (written(response), world.held(COOKIE), corbado.count(REFRESH))
        assert corbado.count() == corbado.count(corbado.jwks_path)

    @pytest.mark.parametrize("where", ["cookie", "bearer"])
    @pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.MAINTENANCE, Fault.CUT_OFF, Fault.REFUSED])
    def test_CB_8_the_keys_are_out_of_reach(self, world: CorbadoWorld, where: str, fault: Fault) -> None:
        """503: nobody can tell now whose token it is. It says when to come again."""
        token = sign_in_at_ui(world)["access_token"]
        world.fake.fail(fault, *(() if fault is Fault.REFUSED else (None,)))
        at, headers = (UI, ANYTHING) if where == "cookie" else (API, {**ANYTHING, **bearer(token)})
        response = world.get("/private", at=at, headers=headers)
        assert (503, "unavailable", "5") == (
            response.status_code,
            response.get_json()["reason"],
            response.headers["Retry-After"],
        )
        world.fake.recover()
        world.clock.advance(10)
        assert 200 == world.get("/private", at=at, headers=headers).status_code


@pytest.mark.row("CB-9")
class TestOwnSession:
    """Signed in once with the bearer token, then by our sealed cookie."""

    @pytest.fixture
    def own(self, corbado: FakeCorbado, clock: Clock) -> CorbadoWorld:
        """An application that has sessions of its own."""
        return service(corbado, clock, [SealedCookie(), BearerHeader()])

    def test_CB_9_the_sealed_cookie_carries_on(self, own: CorbadoWorld, corbado: FakeCorbado) -> None:
        """Without the header, and with all that an application puts into its own session."""
        own.act = lambda: own.auth.sign_in(
            access_token=str(current_session.access_token), user=current_session.user, extra={"theme": "dark"}
        )
        response = own.get("/do", headers=bearer(corbado.sign_in()["access_token"]))
        assert ({"sealed-session"}, ADA) == (set(written(response)), own.get("/who").text)
        assert {"theme": "dark"} == own.do(lambda: current_session.extra).get_json()
        assert "HttpOnly" in written(response)["sealed-session"]

    def test_CB_9_beyond_the_session_token_by_the_refresh_token(self, own: CorbadoWorld, corbado: FakeCorbado) -> None:
        """The front end hands it over once, and then the cookie goes on for as long as the session does."""
        given = corbado.sign_in()
        own.act = lambda: own.auth.sign_in(**given)
        own.get("/do", headers=bearer(given["access_token"]))
        for number in range(3):
            own.clock.advance(400)
            assert (200, number + 1) == (own.get("/private").status_code, corbado.count(REFRESH))

    def test_CB_9_a_forged_one_opens_nothing(self, own: CorbadoWorld, corbado: FakeCorbado) -> None:
        """Neither as a bearer token nor by sign_in."""
        token = forge.tampered(corbado, corbado.sign_in()["access_token"])
        refused: list[str] = []

        def act() -> None:
            with pytest.raises(TokenRefused) as caught:
                own.auth.sign_in(access_token=token)
            refused.append(caught.value.finding)
            assert token not in str(caught.value)

        own.act = act
        response = own.get("/do", headers=bearer(token))
        assert (["bad_signature"], {}) == (refused, written(response))


@pytest.mark.row("CB-10")
class TestRefresh:
    """Where a refresh token is at hand."""

    @pytest.fixture
    def own(self, corbado: FakeCorbado, clock: Clock) -> CorbadoWorld:
        """An application that keeps it in the sealed cookie."""
        world = service(corbado, clock, [SealedCookie()])
        assert 200 == world.sign_in().status_code
        return world

    def test_CB_10_post_v2_me_refresh(self, own: CorbadoWorld, corbado: FakeCorbado) -> None:
        """With the refresh token as bearer and the project's header: the session goes on, user and all."""
        assert (ADA, 0) == (own.get("/who").text, corbado.count(REFRESH))
        own.clock.advance(400)
        response = own.get("/who")
        assert (ADA, {"sealed-session"}) == (response.text, set(written(response)))
        assert [("POST", PROJECT)] == [(call.method, call.who) for call in corbado.calls if call.path == REFRESH]

    def test_CB_10_401_is_denied(self, own: CorbadoWorld, corbado: FakeCorbado) -> None:
        """The session has ended there."""
        own.clock.advance(400)
        corbado.end_every_session()
        response = own.get("/private", headers=ANYTHING)
        assert (401, "denied") == (response.status_code, response.get_json()["reason"])

    @pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.MAINTENANCE, Fault.CUT_OFF])
    def test_CB_10_a_provider_that_is_down_ends_nothing(
        self, own: CorbadoWorld, corbado: FakeCorbado, fault: Fault
    ) -> None:
        """503 meanwhile."""
        own.clock.advance(400)
        corbado.fail(fault, None, REFRESH)
        assert (503, {"sealed-session"}) == (own.get("/private", headers=ANYTHING).status_code, set(own.cookies()))
        corbado.recover()
        own.clock.advance(60)
        assert ADA == own.get("/who").text

    def test_CB_10_in_cookies_of_our_own(self, corbado: FakeCorbado, clock: Clock) -> None:
        """A refresh token in a cookie beside it renews it, too; the new session-token is written back."""
        cookies = TokenCookies(access=COOKIE, refresh="our_refresh_token", http_only="disabled")
        world = service(corbado, clock, [cookies])
        world.sign_in()
        before = world.held(COOKIE)
        clock.advance(400)
        assert (ADA, 1, True) == (world.get("/who").text, corbado.count(REFRESH), before != world.held(COOKIE))

    @pytest.mark.parametrize("value", ["a b", "a\tb", "\N{LATIN SMALL LETTER E WITH ACUTE}", "a\x01b"])
    def test_CB_10_what_no_header_can_carry_is_not_sent(self, corbado: FakeCorbado, clock: Clock, value: str) -> None:
        """A cookie may bring anything; nobody is asked with it, and nothing breaks."""
        world = service(corbado, clock, [TokenCookies(access=COOKIE, refresh="our_refresh_token")])
        token = forge.expired(corbado, corbado.sign_in()["access_token"])
        response = world.raw("/who", f"{COOKIE}={token}; our_refresh_token={value}".encode().decode("latin-1"))
        assert ("nobody: expired", 0) == (response.text, corbado.count(REFRESH))


@pytest.mark.row("CB-11")
class TestSilence:
    """No token text in any log record or exception; the fixture above looks after every other test as well."""

    def test_CB_11_whatever_goes_wrong(
        self, corbado: FakeCorbado, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Forged, expired, denied, down, and a view that crashes with the session in its hands."""
        given = corbado.sign_in()
        secrets = [given["refresh_token"], *given["access_token"].split(".")]
        own = service(corbado, clock, [SealedCookie(), COOKIES, BearerHeader()])
        own.do(lambda: own.auth.sign_in(**given))
        for forged in (*forge.FORGERIES.values(), forge.expired):
            own.raw("/private", f"{COOKIE}={forged(corbado, given['access_token'])}")
            own.raw("/private", "", **bearer(forged(corbado, given["access_token"])))
        own.do(lambda: len(own.auth.session))  # type: ignore[arg-type]  # it has none
        clock.advance(400)
        corbado.fail(Fault.SERVER_ERROR, 1, REFRESH)
        own.get("/who")
        clock.advance(60)
        corbado.end_every_session()
        own.get("/who")
        shown = [repr(value) for value in (own.auth, own.fake, preset(corbado), COOKIES)]
        text = "\n".join([*shown, *(caplog.handler.format(record) for record in caplog.records)])
        assert ([], True) == ([secret for secret in secrets if secret in text], "TypeError" in text)

    def test_CB_11_what_is_raised(self, corbado: FakeCorbado, clock: Clock) -> None:
        """By sign_in, for each forgery."""
        own = service(corbado, clock, [SealedCookie()])
        good = corbado.sign_in()["access_token"]

        def act() -> str:
            with pytest.raises(TokenRefused) as caught:
                own.auth.sign_in(access_token=token)
            return f"{caught.value} {caught.value!r} {caught.value.finding}"

        for kind, forged in forge.FORGERIES.items():
            token = forged(corbado, good)
            response = own.do(act)
            assert 200 == response.status_code, kind
            assert [] == [part for part in token.split(".") if part and part in response.text], kind
