"""What becomes of Stytch's tokens: verified here, renewed and revoked there, in whatever cookie they stand."""
# ruff: noqa: N802 - tests bear their row's id

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flask_ext import current_session
from sealed_session.providers import Stytch
from sealed_session.testing import Clock, FakeStytch, Fault, forge
from sealed_session.testing.signing import read
from sealed_session.transports import BearerHeader
from tests.systems.stytch_world import (
    ADA,
    AUTHENTICATE,
    EMAIL,
    JWT,
    LIVE,
    REVOKE,
    SESSION,
    StytchWorld,
    by_password,
    consumer,
    issuer,
    jwt_cookie,
    preset,
    sealed,
    signed_in,
)
from tests.systems.worlds import ANYTHING, ORIGIN, build, settle, written

ROLES = pytest.mark.parametrize("role", [consumer, issuer, sealed])
TOKENS = pytest.mark.parametrize("role", [consumer, issuer])
OURS = pytest.mark.parametrize("role", [issuer, sealed])
DEAD_URL = "http://127.0.0.1:9"
OTHER = "project-live-00000000-0000-4000-8000-000000000002"

Forge = Callable[[FakeStytch, str], str]


pytestmark = pytest.mark.usefixtures("nothing_of_stytch_is_told")


@pytest.mark.row("ST-12")
class TestVerification:
    """The local check of the JWT."""

    @ROLES
    def test_ST_12_zero_provider_calls_while_it_is_valid(self, stytch: FakeStytch, clock: Clock, role: Any) -> None:
        """Its keys are fetched once; nothing else is asked for."""
        world = signed_in(role, stytch, clock)
        seen = [world.get("/who").text]
        clock.advance(200)
        seen += [world.get("/who").text for _ in range(4)]
        assert ([ADA] * 5, 0, 1) == (seen, stytch.count(AUTHENTICATE), stytch.count(stytch.jwks_path))

    @pytest.mark.parametrize("kind", [*sorted({*forge.FORGERIES} - {"an unknown key"}), "another audience"])
    def test_ST_12_forgeries_are_refused(self, stytch: FakeStytch, clock: Clock, kind: str) -> None:
        """401 and invalid: RS256 alone, aud, iss, exp and nbf count. The session token beside it is left alone."""
        world = signed_in(consumer, stytch, clock)
        forged: Forge = {**forge.FORGERIES, "another audience": forge.for_somebody_else}[kind]
        world.store([jwt_cookie(stytch, forged(stytch, world.held(JWT)[0]))])
        response = world.get("/private", headers=ANYTHING)
        assert (401, "invalid") == (response.status_code, response.get_json()["reason"])
        assert ({}, 0) == (written(response), stytch.count(AUTHENTICATE))

    @pytest.mark.parametrize("garbage", ["garbage", "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "A" * 3500])
    def test_ST_12_garbage_asks_nobody(self, stytch: FakeStytch, clock: Clock, garbage: str) -> None:
        """Not even for the keys."""
        world = signed_in(consumer, stytch, clock)
        world.store([jwt_cookie(stytch, garbage)])
        assert ("nobody: invalid", 0) == (world.get("/who").text, stytch.count())

    def test_ST_12_a_key_that_is_not_published(self, stytch: FakeStytch, clock: Clock) -> None:
        """Alone it is invalid. Beside a session token it is as if it were not there: that one says who it is."""
        world = signed_in(consumer, stytch, clock)
        token = forge.with_unknown_key(stytch, world.held(JWT)[0])
        assert ("nobody: invalid", 0) == (world.raw("/who", f"{JWT}={token}").text, stytch.count(AUTHENTICATE))
        world.store([jwt_cookie(stytch, token)])
        assert (ADA, 1) == (world.get("/who").text, stytch.count(AUTHENTICATE))

    def test_ST_12_a_flood_of_unknown_keys(self, stytch: FakeStytch, clock: Clock) -> None:
        """Two fetches of the keys at most, whoever makes up however many names."""
        world = consumer(stytch, clock)
        good = stytch.sign_in()["access_token"]
        for number in range(40):
            header, claims = read(good)
            token = stytch.sign(claims, **{**header, "kid": f"made-up-{number}"})
            assert "nobody: invalid" == world.raw("/who", f"{JWT}={token}").text
        assert (True, 0) == (stytch.count(stytch.jwks_path) <= 2, stytch.count(AUTHENTICATE))

    @TOKENS
    def test_ST_12_an_age_of_ones_own(self, stytch: FakeStytch, clock: Clock, role: Any) -> None:
        """max_token_age: a JWT that is older is renewed, though its own end has not come."""
        world = signed_in(role, stytch, clock, max_token_age=120)
        clock.advance(110)
        world.get("/who")
        young = stytch.count(AUTHENTICATE)
        clock.advance(60)
        assert (0, ADA, 1) == (young, world.get("/who").text, stytch.count(AUTHENTICATE))

    def test_ST_12_what_a_page_knows(self, stytch: FakeStytch, clock: Clock) -> None:
        """Who it is, and when the session began, whichever JWT of it came."""
        world = signed_in(issuer, stytch, clock)
        began = clock.now
        found: list[Any] = []
        for _ in range(2):
            world.do(lambda: found.append((dict(current_session.user), current_session.started_at)))
            clock.advance(400)
        assert [({"id": ADA, "user_id": ADA}, began)] * 2 == found

    def test_ST_12_it_is_known_by_one_id(self, stytch: FakeStytch, clock: Clock) -> None:
        """From the request on that signs somebody in, whichever JWT came: so that it can be revoked by it."""
        world = issuer(stytch, clock)
        found: list[Any] = []

        def act() -> None:
            if not found:
                world.auth.sign_in(**stytch.sign_in())
            found.append(current_session.session_id)

        for _ in range(3):
            world.do(act)
            clock.advance(400)
        assert (3, 1) == (len(found), len(set(found)))

    def test_ST_12_keys_out_of_reach(self, stytch: FakeStytch, clock: Clock) -> None:
        """503 for cookies that anybody could have written: nobody can tell now."""
        stytch.fail(Fault.SERVER_ERROR, None, stytch.jwks_path)
        world = signed_in(consumer, stytch, clock)
        response = world.get("/private", headers=ANYTHING)
        assert (503, "unavailable", 0) == (
            response.status_code,
            response.get_json()["reason"],
            stytch.count(AUTHENTICATE),
        )
        assert "Retry-After" in response.headers

    def test_ST_12_its_key_is_rotated(self, stytch: FakeStytch, clock: Clock) -> None:
        """The JWT of the new key signs in, and so does one of the old key while that is published."""
        world = signed_in(consumer, stytch, clock)
        assert ADA == world.get("/who").text
        stytch.rotate_key()
        assert ADA == world.get("/who").text
        world.store(stytch.browser_cookies("app.example.com", stytch.sign_in({"user_id": "user-test-grace"})))
        assert "user-test-grace" == world.get("/who").text


@pytest.mark.row("ST-13")
class TestRefresh:
    """POST /v1/sessions/authenticate."""

    @OURS
    def test_ST_13_the_new_jwt_is_written_back(self, stytch: FakeStytch, clock: Clock, role: Any) -> None:
        """By one call with the session token, to the cookie that the session came in; then all is quiet."""
        world = signed_in(role, stytch, clock)
        before = {name: cookie.value for name, cookie in world.cookies().items()}
        clock.advance(400)
        response = world.get("/who")
        after = {name: cookie.value for name, cookie in world.cookies().items()}
        assert (ADA, 1, set(before)) == (response.text, stytch.count(AUTHENTICATE), set(written(response)))
        assert {name for name in before if name != SESSION} == {n for n in before if before[n] != after[n]}
        assert (ADA, {}, 1) == (world.get("/who").text, written(world.get("/who")), stytch.count(AUTHENTICATE))

    def test_ST_13_a_clients_cookies_are_renewed_for_the_request(self, stytch: FakeStytch, clock: Clock) -> None:
        """Its JavaScript renews what it owns; until then one call serves every request."""
        world = signed_in(consumer, stytch, clock)
        before = world.held(JWT)
        clock.advance(400)
        assert [ADA] * 3 == [world.get("/who").text for _ in range(3)]
        assert (before, 1) == (world.held(JWT), stytch.count(AUTHENTICATE))

    def test_ST_13_a_session_token_alone(self, stytch: FakeStytch, clock: Clock) -> None:
        """Is enough: the JWT is made anew, and written beside it."""
        world = issuer(stytch, clock)
        world.store(stytch.browser_cookies("app.example.com", stytch.sign_in())[:1])
        assert (ADA, {SESSION, JWT}) == (world.get("/who").text, set(world.cookies()))

    def test_ST_13_a_jwt_alone(self, stytch: FakeStytch, clock: Clock) -> None:
        """Renews the session although it has expired; the session token comes with the answer."""
        world = issuer(stytch, clock)
        session = stytch.sign_in()
        world.store([jwt_cookie(stytch, session["access_token"])])
        clock.advance(400)
        assert (ADA, 1) == (world.get("/who").text, stytch.count(AUTHENTICATE))
        assert [session["refresh_token"]] == world.held(SESSION)

    @pytest.mark.parametrize("forged", [forge.with_foreign_key, forge.tampered, forge.with_public_key])
    def test_ST_13_an_expired_jwt_only_with_a_good_signature(
        self, stytch: FakeStytch, clock: Clock, forged: Forge
    ) -> None:
        """Otherwise nobody is asked, with a session token beside it and without."""
        world = signed_in(consumer, stytch, clock)
        token = forged(stytch, forge.expired(stytch, world.held(JWT)[0]))
        assert "nobody: invalid" == world.raw("/who", f"{JWT}={token}").text
        world.store([jwt_cookie(stytch, token)])
        assert ("nobody: invalid", 0) == (world.get("/who").text, stytch.count(AUTHENTICATE))

    @ROLES
    def test_ST_13_session_not_found_is_denied(self, stytch: FakeStytch, clock: Clock, role: Any) -> None:
        """404: the session is over."""
        world = signed_in(role, stytch, clock)
        clock.advance(400)
        stytch.end_every_session()
        response = world.get("/private", headers=ANYTHING)
        assert (401, "denied", 1) == (
            response.status_code,
            response.get_json()["reason"],
            stytch.count(AUTHENTICATE),
        )

    def test_ST_13_a_clients_cookies_outlive_the_denial(self, stytch: FakeStytch, clock: Clock) -> None:
        """At first and when it is on record: its JavaScript finds out by itself, and nobody is asked again."""
        world = signed_in(consumer, stytch, clock)
        before = world.cookies()
        clock.advance(400)
        stytch.end_every_session()
        responses = [world.get("/who") for _ in range(3)]
        assert ["nobody: denied"] * 3 == [response.text for response in responses]
        assert [] == [line for response in responses for line in response.headers.getlist("Set-Cookie")]
        assert (before, 1) == (world.cookies(), stytch.count(AUTHENTICATE))

    @ROLES
    def test_ST_13_401_is_misconfigured(
        self, stytch: FakeStytch, clock: Clock, role: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nobody is signed out by our own mistake: 503, an error in the log, and the cookies stay."""
        world = signed_in(role, stytch, clock)
        before = {name: cookie.value for name, cookie in world.cookies().items()}
        stytch.secret = "another-secret-test"
        clock.advance(400)
        response = world.get("/private", headers=ANYTHING)
        assert (503, "unavailable") == (response.status_code, response.get_json()["reason"])
        assert before == {name: cookie.value for name, cookie in world.cookies().items()}
        assert any(r.levelno == logging.ERROR for r in caplog.records if r.name.startswith("sealed_session"))

    @ROLES
    @pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.MAINTENANCE, Fault.CUT_OFF])
    def test_ST_13_a_provider_that_is_down_ends_nothing(
        self, stytch: FakeStytch, clock: Clock, role: Any, fault: Fault
    ) -> None:
        """503 meanwhile, and then it goes on."""
        world = signed_in(role, stytch, clock)
        clock.advance(400)
        stytch.fail(fault, None, AUTHENTICATE)
        assert 503 == world.get("/private", headers=ANYTHING).status_code
        stytch.recover()
        clock.advance(60)
        assert ADA == world.get("/who").text

    def test_ST_13_too_many(self, stytch: FakeStytch, clock: Clock) -> None:
        """The answer says when to come again."""
        world = signed_in(issuer, stytch, clock)
        clock.advance(400)
        stytch.fail(Fault.TOO_MANY, path=AUTHENTICATE, retry_after=30)
        response = world.get("/private", headers=ANYTHING)
        assert (503, "30") == (response.status_code, response.headers["Retry-After"])

    @OURS
    def test_ST_13_nothing_is_asked_when_the_session_is_over(self, stytch: FakeStytch, clock: Clock, role: Any) -> None:
        """session.expires_at: nobody can renew it then."""
        world = signed_in(role, stytch, clock)
        cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in world.cookies().items())
        clock.advance(3601)
        assert ("nobody", 401) == (world.get("/who").text[:6], world.get("/private").status_code)
        assert world.raw("/who", cookies).text in ("nobody: denied", "nobody: expired")

    def test_ST_13_a_longer_life(self, stytch: FakeStytch, clock: Clock) -> None:
        """session_duration_minutes: with every renewal both cookies live as long again."""
        world = signed_in(issuer, stytch, clock, session_duration_minutes=120)
        clock.advance(400)
        assert {"7200"} == {parts["Max-Age"] for parts in written(world.get("/who")).values()}

    def test_ST_13_inside_our_sealed_cookie(self, stytch: FakeStytch, clock: Clock) -> None:
        """One cookie that JavaScript cannot read, with the whole user; the tokens are in no body and in no other."""
        world = signed_in(sealed, stytch, clock)
        seen = world.do(lambda: {"email": current_session.user["email"], "tokens": world.auth.client_tokens()})
        assert (["sealed-session"], {"email": EMAIL, "tokens": None}) == (list(world.cookies()), seen.get_json())
        cookie = world.browser.jar.get("sealed-session")
        assert (True, "") == (cookie.http_only, world.browser.jar.script_cookies(ORIGIN))
        clock.advance(400)
        assert EMAIL == world.do(lambda: current_session.user["email"]).text


@pytest.mark.row("ST-14")
class TestSignOut:
    """POST /v1/sessions/revoke."""

    @ROLES
    @pytest.mark.parametrize("age", [0, 400])
    def test_ST_14_once_and_cleared(self, stytch: FakeStytch, clock: Clock, role: Any, age: int) -> None:
        """Whoever owns the cookies; also when the JWT has ended, for which nothing is renewed."""
        world = signed_in(role, stytch, clock)
        clock.advance(age)
        assert {"revoked": True, "recorded": True} == world.get("/sign-out").get_json()
        settle()
        assert (1, 0, {}) == (stytch.count(REVOKE), stytch.count(AUTHENTICATE), world.cookies())
        assert "nobody: missing" == world.get("/who").text

    @ROLES
    @pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.MAINTENANCE, Fault.CUT_OFF, Fault.TOO_MANY])
    def test_ST_14_cleared_even_if_that_fails(self, stytch: FakeStytch, clock: Clock, role: Any, fault: Fault) -> None:
        """And the caller learns that Stytch has not confirmed it; it is not asked again."""
        world = signed_in(role, stytch, clock)
        stytch.fail(fault, None, REVOKE)
        assert {"revoked": False, "recorded": True} == world.get("/sign-out").get_json()
        settle()
        assert (1, {}) == (stytch.count(REVOKE), world.cookies())

    @ROLES
    def test_ST_14_nobody_there(self, stytch: FakeStytch, clock: Clock, role: Any) -> None:
        """The connection is refused: the same."""
        world = signed_in(role, stytch, clock)
        assert ADA == world.get("/who").text
        stytch.fail(Fault.REFUSED)
        assert (False, {}) == (world.get("/sign-out").get_json()["revoked"], world.cookies())

    def test_ST_14_it_was_over_there_already(self, stytch: FakeStytch, clock: Clock) -> None:
        """Which is what was asked for."""
        world = signed_in(issuer, stytch, clock)
        stytch.end_every_session()
        assert (True, {}) == (world.get("/sign-out").get_json()["revoked"], world.cookies())


@pytest.mark.row("ST-16")
class TestCustomBaseURL:
    """A project with a domain of its own."""

    @pytest.fixture
    def own(self, clock: Clock) -> Iterator[FakeStytch]:
        """Stytch at that domain; its tokens say so."""
        with FakeStytch(project_id=LIVE, clock=clock, custom_base_url=True) as it:
            yield it

    def world(self, own: FakeStytch, clock: Clock, **options: Any) -> StytchWorld:
        """An application whose usual address of the API leads nowhere."""
        provider = preset(own, base_url=DEAD_URL, **options)
        return build(
            own, provider, clock, transports=[Stytch.cookies(owner="server"), BearerHeader()], opens=by_password(own)
        )

    @pytest.mark.parametrize("is_variable", [False, True])
    def test_ST_16_every_call_and_the_issuer(
        self, own: FakeStytch, clock: Clock, monkeypatch: pytest.MonkeyPatch, is_variable: bool
    ) -> None:
        """Keys, authenticate and revoke go there, whether it is given or stands in the environment."""
        if is_variable:
            monkeypatch.setenv("STYTCH_CUSTOM_BASE_URL", own.base_url)
        world = self.world(own, clock, **({} if is_variable else {"custom_base_url": own.base_url}))
        assert own.base_url == read(world.sign_in().get_json()["tokens"]["access_token"])[1]["iss"]
        clock.advance(400)
        assert ADA == world.get("/who").text
        assert world.get("/sign-out").get_json()["revoked"]
        assert [1, 1, 1] == [own.count(path) for path in (own.jwks_path, AUTHENTICATE, REVOKE)]

    @pytest.mark.parametrize(
        ("issuer_claim", "reason"),
        [
            (f"stytch.com/{LIVE}", None),
            (f"stytch.com/{OTHER}", "invalid"),
            ("https://login.example.net", "invalid"),
            ("", "invalid"),
        ],
    )
    def test_ST_16_the_issuer_is_it_or_the_project(
        self, own: FakeStytch, clock: Clock, issuer_claim: str, reason: str | None
    ) -> None:
        """Tokens that were issued before it was set name the project still; nobody else's will do."""
        world = self.world(own, clock, custom_base_url=own.base_url)
        token = forge.changed(own, own.sign_in()["access_token"], iss=issuer_claim)
        response = world.raw("/private", "", Authorization=f"Bearer {token}")
        assert (401 if reason else 200) == response.status_code
        assert reason == (response.get_json()["reason"] if reason else None)

    def test_ST_16_without_it_such_tokens_are_somebody_elses(self, own: FakeStytch, clock: Clock) -> None:
        """The issuer is the project, and no address."""
        world = build(own, preset(own), clock)
        assert "nobody: invalid" == world.raw("/who", f"{JWT}={own.sign_in()['access_token']}").text
