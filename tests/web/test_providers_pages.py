"""The endpoints with the providers that there are, whose answers come over real sockets: OpenID Connect and WorkOS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from werkzeug.test import TestResponse

from flask_ext import current_session, login_required
from sealed_session.providers import WorkOS
from tests.core.jwks_server import settle
from tests.providers.issuer import CODE, KEY, NOW, Issuer, issuer, query
from tests.providers.server import Connection, Server, reply, running
from tests.web.conftest import ORIGIN, MakeWorld, World
from tests.web.jar import Context

CALLBACK = f"{ORIGIN}/auth/callback"
CLIENT_ID, API_KEY = "client_01", "test-key-of-workos"


@pytest.fixture
def op() -> Iterator[Issuer]:
    """An OpenID provider."""
    with issuer() as it:
        yield it


def back(world: World, page: str, **answer: str) -> TestResponse:
    """Come back from the provider's page."""
    given = {"code": CODE, "state": query(page)["state"], **answer}
    return world.browser.get(f"{CALLBACK}?{urlencode(given)}", context=Context.link_on(page))


class TestOpenID:
    """OAuth2 with an issuer."""

    @pytest.fixture
    def world(self, make_world: MakeWorld, op: Issuer) -> World:
        """An application whose provider signs access tokens that it verifies, too."""
        settings = {"AUTH_PREFIX": "/auth", "LOGOUT_RETURN_TO": "/public", "CHECK_REVOCATION": "always"}
        world = make_world(provider=op.provider(), **settings)
        op.tokens = {"access_token": self.access_token(op)}
        op.claims = {"sid": "sid of the provider", "name": "Ada"}
        return world

    def access_token(self, op: Issuer, **claims: Any) -> str:
        """One that verifies."""
        return KEY.sign({"iss": op.url, "sub": "user_1", "iat": NOW, "exp": NOW + 300, **claims})

    def sign_in(self, world: World, op: Issuer, path: str = "/auth/login?next=/private") -> TestResponse:
        """There and back."""
        page = str(world.get(path).location)
        assert page.startswith(f"{op.url}/authorize?")
        op.claims = {**op.claims, "nonce": query(page)["nonce"]}
        return back(world, page, iss=op.url)

    def user(self, world: World) -> Any:
        """The user of the session."""
        return world.do(lambda: current_session.user).json

    def test_somebody_signs_in(self, world: World, op: Issuer) -> None:
        """By a code, a proof of who began it, and an ID token that verifies."""
        assert "/private" == self.sign_in(world, op).location
        assert {"sub": "user_1", "name": "Ada"} == self.user(world)
        (exchange,) = op.asked("/token")
        assert {"authorization_code", CODE, CALLBACK} <= set(dict(exchange.form).values())

    def test_an_answer_of_another_sign_in(self, world: World, op: Issuer) -> None:
        """An ID token with another nonce signs nobody in."""
        page = str(world.get("/auth/login").location)
        op.claims = {"nonce": "of another"}
        response = back(world, page, iss=op.url)
        assert (400, {}) == (response.status_code, self.user(world))
        assert [] == world.browser.jar.cookies()

    @pytest.mark.parametrize("age", [5, 4000])
    def test_a_new_proof(self, world: World, op: Issuer, age: int) -> None:
        """For a page with fresh_within an old one does not do."""

        @world.app.get("/payments")
        @login_required(fresh_within=60)
        def payments() -> str:
            return "payments"

        self.sign_in(world, op)
        world.clock.advance(61)
        op.claims = {**op.claims, "auth_time": NOW - age}
        response = self.sign_in(world, op, str(world.get("/payments").location))
        assert (302 if age == 5 else 400) == response.status_code
        assert ("payments" if age == 5 else "Redirecting") in world.get("/payments").text

    @pytest.mark.parametrize("kept_in", ["id_token", "access_token"])
    def test_the_provider_ends_it(self, world: World, op: Issuer, kept_in: str) -> None:
        """By the session's id there, wherever that was said; any text can be one."""
        if kept_in == "access_token":
            op.tokens = {"access_token": self.access_token(op, sid="sid of the provider")}
        self.sign_in(world, op)
        event: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
        claims = {"iss": op.url, "aud": "client_1", "iat": NOW, "exp": NOW + 120, "events": event}
        for sid, expected in (("another", "Ada"), ("sid of the provider", None)):
            token = KEY.sign({**claims, "jti": sid, "sid": sid}, typ="logout+jwt")
            answer = world.app.test_client().post("/auth/backchannel-logout", data={"logout_token": token})
            assert 200 == answer.status_code, answer.json
            assert expected == (self.user(world) or {}).get("name")

    def test_somebody_signs_out(self, world: World, op: Issuer) -> None:
        """With tokens that are dead by then, and on the provider's page."""
        self.sign_in(world, op)
        world.clock.advance(4000)
        response = world.browser.post(f"{ORIGIN}/auth/logout")
        assert f"{op.url}/logout" == urlsplit(str(response.location))._replace(query="").geturl()
        assert f"{ORIGIN}/public" == query(str(response.location))["post_logout_redirect_uri"]
        assert (1, 1) == (len(op.asked("/revoke")), len(op.asked("/token")))
        assert "nobody: missing" == world.get("/who").text


class TestWorkOS:
    """The preset."""

    @pytest.fixture
    def server(self) -> Iterator[Server]:
        """WorkOS's API."""
        with running() as server:
            server.answers = [lambda connection: self.route(server, connection)]
            self.more: dict[str, Any] = {}
            self.error: dict[str, Any] | None = None
            yield server
            settle()

    @pytest.fixture
    def world(self, make_world: MakeWorld, server: Server) -> World:
        """An application below AuthKit's usual paths."""
        provider = WorkOS(CLIENT_ID, API_KEY, base_url=server.url, timeout=5)
        return make_world(provider=provider, AUTH_PREFIX="/auth")

    def route(self, server: Server, connection: Connection) -> None:
        """Answer what has just come."""
        path = server.requests[-1].target
        if path.startswith("/sso/jwks/"):
            reply({"keys": [KEY.jwk()]})(connection)
        elif path == "/user_management/authenticate" and self.error is not None:
            reply(self.error, 403)(connection)
        elif path == "/user_management/authenticate":
            claims = {"iss": server.url, "sub": "user_1", "sid": "session_1", "iat": NOW, "exp": NOW + 300}
            user = {"id": "user_1", "first_name": "Ada"}
            reply({"access_token": KEY.sign(claims), "refresh_token": "test-refresh", "user": user, **self.more})(
                connection
            )
        else:
            reply({})(connection)

    @pytest.mark.row("WO-20")
    def test_somebody_signs_in(self, world: World, server: Server) -> None:
        """With user and impersonator; the token is verified by WorkOS's keys."""
        self.more = {"impersonator": {"email": "support@example.com"}}
        page = str(world.get("/auth/login?next=/private").location)
        assert f"{server.url}/user_management/authorize" == urlsplit(page)._replace(query="").geturl()
        asked = query(page)
        assert (CLIENT_ID, "code", "authkit", CALLBACK, "S256") == tuple(
            asked[name] for name in ("client_id", "response_type", "provider", "redirect_uri", "code_challenge_method")
        )
        assert "/private" == back(world, page).location
        assert "private to user_1" == world.get("/private").text
        assert {"email": "support@example.com"} == world.do(lambda: current_session.impersonator).json

    @pytest.mark.row("WO-20")
    def test_a_used_code(self, world: World) -> None:
        """Opens nothing."""
        self.error = {"error": "invalid_grant"}
        page = str(world.get("/auth/login").location)
        assert (400, "nobody: missing") == (back(world, page).status_code, world.get("/who").text)

    @pytest.mark.row("WO-13")
    def test_somebody_signs_out(self, world: World, server: Server) -> None:
        """The session is revoked by its id, and WorkOS's page is where it goes on; the token has ended long before."""
        back(world, str(world.get("/auth/login").location))
        world.clock.advance(4000)
        response = world.browser.post(f"{ORIGIN}/auth/logout")
        assert f"{server.url}/user_management/sessions/logout?session_id=session_1" == response.location
        (revoked,) = [one for one in server.requests if one.target == "/user_management/sessions/revoke"]
        assert {"session_id": "session_1"} == revoked.json

    def test_the_callback_that_its_variable_names(self, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """WORKOS_REDIRECT_URI is what WorkOS is told."""
        monkeypatch.setenv("WORKOS_REDIRECT_URI", "https://app.example.com/callback")
        world = make_world(provider=WorkOS(CLIENT_ID, API_KEY), AUTH_PREFIX="/")
        page = str(world.browser.get(f"{ORIGIN}/login").location)
        assert "https://app.example.com/callback" == query(page)["redirect_uri"]
