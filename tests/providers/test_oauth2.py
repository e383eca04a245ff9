"""A generic OAuth 2.0 provider: the refresh grant by the book, and every answer that is not in it."""

from __future__ import annotations

import copy
import logging
import pickle
from base64 import b64encode
from typing import Any

import pytest

from sealed_session import (
    ProviderUnavailable,
    RefreshDenied,
    Session,
    StepUpRequired,
    UsageError,
    UsageTypeError,
)
from sealed_session.providers import OAuth2, Provider
from sealed_session.providers.complaint import Complaint
from sealed_session.providers.grant import RESERVED
from sealed_session.testing import access_token

from .server import Behaviour, Received, Server, refused_url, reply, running

SECRET, REFRESH, ACCESS = "secret-9Lp5cRs1", "refresh-4Tn8xWv3", "access-7Hq2mZk9"
OLD = Session("opaque", REFRESH, access_expires_at=100, user={"id": "user_1"}, tokens={"id_token": "i1", "other": "o"})
GOOD: dict[str, Any] = {"access_token": ACCESS, "refresh_token": "next", "expires_in": 300, "token_type": "Bearer"}
NOW = 1_000


def provider(url: str, **options: Any) -> OAuth2:
    """A client of a server."""
    given = {"token_endpoint": f"{url}/token", "client_id": "me", "client_secret": SECRET, "clock": lambda: NOW}
    return OAuth2(**{**given, "timeout": 5, **options})


def refresh(*answers: Behaviour, session: Session = OLD, **arguments: Any) -> tuple[Session, Received]:
    """Refresh at a server with these answers; return the session, and what was asked."""
    with running(*answers) as server:
        return provider(server.url).refresh(session, **arguments), server.requests[-1]


def unavailable(answer: Behaviour, session: Session = OLD) -> ProviderUnavailable:
    """Refresh in vain."""
    with running(answer) as server, pytest.raises(ProviderUnavailable) as caught:
        provider(server.url).refresh(session)
    assert not any(secret in str(caught.value) for secret in (SECRET, REFRESH, ACCESS))
    return caught.value


class TestRequest:
    """RFC 6749, section 6."""

    def test_the_grant(self) -> None:
        """Type, token and credentials, and nothing else."""
        _, request = refresh(reply(GOOD))
        assert ("POST", "/token") == (request.method, request.target)
        assert [("grant_type", "refresh_token"), ("refresh_token", REFRESH)] == request.form
        assert f"Basic {b64encode(f'me:{SECRET}'.encode()).decode()}" == request.headers["authorization"]

    def test_basic_credentials_are_form_encoded_first(self) -> None:
        """A colon in the client id would otherwise end it (section 2.3.1)."""
        with running(reply(GOOD)) as server:
            provider(server.url, client_id="urn:me", client_secret="a b%+/").refresh(OLD)
        expected = b64encode(b"urn%3Ame:a+b%25%2B%2F").decode()
        assert f"Basic {expected}" == server.requests[0].headers["authorization"]

    @pytest.mark.parametrize(
        ("options", "fields"),
        [
            ({"auth": "post"}, [("client_id", "me"), ("client_secret", SECRET)]),
            ({"auth": "none", "client_secret": None}, [("client_id", "me")]),
        ],
    )
    def test_other_credentials(self, options: dict[str, Any], fields: list[tuple[str, str]]) -> None:
        """In the form."""
        with running(reply(GOOD)) as server:
            provider(server.url, **options).refresh(OLD)
        (request,) = server.requests
        assert fields == request.form[2:]
        assert "authorization" not in request.headers

    def test_arguments_are_fields(self) -> None:
        """A list repeats one, None leaves one out, and a scope beats the constructor's."""
        with running(reply(GOOD)) as server:
            it = provider(server.url, scope="openid")
            it.refresh(OLD)
            it.refresh(OLD, scope="read", resource=["a", "b"], audience=None, organization="org_1")
        first, second = server.requests
        assert [("scope", "openid")] == first.form[2:]
        expected = [("scope", "read"), ("resource", "a"), ("resource", "b"), ("organization", "org_1")]
        assert expected == second.form[2:]

    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_arguments_that_are_none(self, name: str) -> None:
        """Nobody is asked."""
        with running(reply(GOOD)) as server, pytest.raises(UsageError, match=name) as caught:
            provider(server.url).refresh(OLD, **{name: "x"})
        assert ("reserved_argument", []) == (caught.value.code, server.requests)

    @pytest.mark.parametrize("value", [7, True, b"x", ["a", 7], {"a": "b"}])
    def test_arguments_of_another_type(self, value: object) -> None:
        """The error says which."""
        with pytest.raises(UsageTypeError, match="refresh, scope: expected a str"):
            provider("http://localhost:1").refresh(OLD, scope=value)

    def test_without_a_refresh_token(self) -> None:
        """Nobody is asked, whoever calls."""
        it = provider("http://localhost:1")
        assert (None, REFRESH) == (it.credential(Session("opaque")), it.credential(OLD))
        with pytest.raises(RefreshDenied):
            it.refresh(Session("opaque"))


class TestAnswer:
    """RFC 6749, section 5.1."""

    def test_what_it_brings(self) -> None:
        """And no more: the refresher keeps the rest."""
        session, _ = refresh(reply({**GOOD, "id_token": "i2"}))
        assert Session(ACCESS, "next", access_expires_at=1_300, tokens={"id_token": "i2", "other": "o"}) == session

    @pytest.mark.parametrize(("keep", "kept"), [(False, None), (True, {"id_token": "i2"})])
    def test_an_id_token_for_a_session_without(self, keep: bool, kept: dict[str, str] | None) -> None:
        """Is its first, where it is to be kept; otherwise a refresh does not bring it back."""
        with running(reply({**GOOD, "id_token": "i2"})) as server:
            session = provider(server.url, keep_id_token=keep).refresh(OLD.replace(tokens=None))
        assert kept == session.tokens

    @pytest.mark.parametrize("value", [..., None, "", 7, "\ud800"])
    def test_no_new_refresh_token(self, value: Any) -> None:
        """The old one is kept; nonsense for one says nothing."""
        session, _ = refresh(reply({name: one for name, one in {**GOOD, "refresh_token": value}.items() if one != ...}))
        assert (ACCESS, None) == (session.access_token, session.refresh_token)

    def test_a_token_that_says_itself_when_it_ends(self) -> None:
        """Is asked, and costs no room in the cookie."""
        token = access_token(expires_at=5_000)
        session, _ = refresh(reply({**GOOD, "access_token": token}))
        assert Session(token, "next") == session

    @pytest.mark.parametrize(
        ("expires_in", "ends"),
        [
            (300, 1_300),
            (299.9, 1_299),
            ("300", 1_300),
            (0, 1_000),
            (-5, 1_000),
            (1e300, 1_000 + 0xFFFF_FFFF),
            ("9" * 4000, 1_000 + 0xFFFF_FFFF),
        ],
    )
    def test_an_opaque_token_ends(self, expires_in: object, ends: int) -> None:
        """By the answer's seconds, within reason."""
        session, _ = refresh(reply({**GOOD, "expires_in": expires_in}))
        assert ends == session.access_expires_at

    @pytest.mark.parametrize("expires_in", [..., None, True, "soon", "²", [300]])
    def test_an_end_that_is_no_longer_known(self, expires_in: Any) -> None:
        """Is a broken answer: nobody would renew the session again. Where it was never known it stays so."""
        body = {name: one for name, one in {**GOOD, "expires_in": expires_in}.items() if one != ...}
        error = unavailable(reply(body))
        assert ("127.0.0.1: answered an access token that does not say when it ends.", True) == (str(error), error.sent)
        session, _ = refresh(reply(body), session=Session("opaque", REFRESH))
        assert Session(ACCESS, "next") == session

    def test_the_clock_is_looked_up_at_the_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """So that a frozen one counts."""
        with running(reply(GOOD)) as server:
            it = provider(server.url, clock=None)
            monkeypatch.setattr("time.time", lambda: 7_000.5)
            assert 7_300 == it.refresh(OLD).access_expires_at


class TestErrors:
    """RFC 6749, section 5.2, and what providers made of it."""

    @pytest.mark.parametrize("status", [400, 401, 403])
    def test_denied(self, status: int, caplog: pytest.LogCaptureFixture) -> None:
        """Some say it with another status."""
        with pytest.raises(RefreshDenied):
            refresh(reply({"error": "invalid_grant", "error_description": REFRESH}, status))
        assert [] == caplog.records

    def test_step_up(self) -> None:
        """With the answer for whoever leads the person on."""
        body = {"error": "interaction_required", "claims": "c"}
        with pytest.raises(StepUpRequired) as caught:
            refresh(reply(body, 400))
        assert body == caught.value.payload

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (401, {"error": "invalid_client", "error_description": SECRET}),
            (400, {"error": "invalid_client"}),
            (400, {"error": "unauthorized_client"}),
            (403, {"error": "unauthorized_client"}),
            (401, {"error": SECRET}),
            (401, {}),
            (403, None),
        ],
    )
    def test_our_own_credentials(self, status: int, body: Any, caplog: pytest.LogCaptureFixture) -> None:
        """Are a broken deployment and no dead session: an error in the log, once a minute."""
        with running(reply(body, status)) as server:
            it = provider(server.url)
            for _ in range(3):
                with pytest.raises(ProviderUnavailable) as caught:
                    it.refresh(OLD)
                assert not caught.value.sent
        assert [("sealed_session", logging.ERROR)] == [(one.name, one.levelno) for one in caplog.records]
        assert f"our client credentials are refused (HTTP {status})" in caplog.text
        assert not any(secret in caplog.text for secret in (SECRET, REFRESH))

    def test_a_minute_later_it_is_said_again(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever starts reading then sees it."""
        complaint, now = Complaint(), [0.0]
        monkeypatch.setattr("sealed_session.providers.complaint.monotonic", lambda: now[0])
        for now[0] in (0, 59, 60, 100, 121):
            complaint.say(f"at {now[0]}")
        assert ["at 0", "at 60", "at 121"] == [one.getMessage().partition(" (")[0] for one in caplog.records]

    @pytest.mark.parametrize(
        ("status", "body", "sent"),
        [
            (400, {"error": "invalid_request"}, False),
            (400, {"error": "unsupported_grant_type"}, False),
            (400, {"error": "invalid_scope"}, False),
            (400, {"error": "invalid_target"}, True),
            (403, {"error": "access_denied"}, True),
            (409, {"code": "busy"}, True),
            (400, {}, True),
            (404, b"<html>", True),
            (408, {"error": "invalid_grant"}, True),
            (429, {"error": "invalid_grant"}, False),
            (500, {"error": "server_error"}, True),
            (502, b"<html>Bad gateway</html>", True),
            (503, {"error": "invalid_grant"}, True),
            (504, b"", True),
            (599, {"access_token": ACCESS}, True),
            (200, {}, True),
            (200, {"error": "invalid_grant"}, True),
            (200, {"access_token": ""}, True),
            (200, {"access_token": 7}, True),
            (200, {"access_token": "\ud800"}, True),
            (200, b"", True),
            (200, b"<html>Sign in</html>", True),
            (200, b'["access_token"]', True),
            (200, b'{"access_token": "' + ACCESS.encode(), True),
            (204, b"", True),
        ],
    )
    def test_no_usable_answer(self, status: int, body: Any, sent: bool, caplog: pytest.LogCaptureFixture) -> None:
        """The session stays. Where the answer says that the token was not looked at, it is as good as before."""
        error = unavailable(
            reply(body, status, {"Retry-After": "7", **({"Content-Length": ""} if status == 204 else {})})
        )
        assert f"127.0.0.1: answered HTTP {status}" in str(error)
        assert (sent, 7) == (error.sent, error.retry_after)
        assert [(logging.WARNING, f"{error} The session is kept. (Said once a minute.)")] == [
            (one.levelno, one.getMessage()) for one in caplog.records
        ]

    def test_nobody_there(self) -> None:
        """Nothing was sent."""
        with pytest.raises(ProviderUnavailable) as caught:
            provider(refused_url()).refresh(OLD)
        assert not caught.value.sent


def metadata(server: Server, issuer: str, **more: Any) -> Behaviour:
    """The metadata of an issuer at a server."""
    return reply({"issuer": issuer, "token_endpoint": f"{server.url}/oauth/token", **more})


class TestDiscovery:
    """OpenID Connect Discovery, section 4; RFC 8414, section 3."""

    @pytest.mark.parametrize("path", ["", "/", "/tenant", "/tenant/"])
    def test_it_is_asked_once(self, path: str) -> None:
        """At the first use, behind the issuer's path."""
        with running() as server:
            issuer = server.url + path
            it = provider(server.url, token_endpoint=None, issuer=issuer)
            server.answers = [metadata(server, issuer, jwks_uri="https://x/jwks"), reply(GOOD)]
            assert [ACCESS] * 2 == [it.refresh(OLD).access_token for _ in range(2)]
            assert "https://x/jwks" == it.metadata()["jwks_uri"]
        assert [
            ("GET", f"{path.rstrip('/')}/.well-known/openid-configuration"),
            ("POST", "/oauth/token"),
            ("POST", "/oauth/token"),
        ] == [(request.method, request.target) for request in server.requests]
        assert f"{issuer} me" == it.identity

    def test_the_other_place(self) -> None:
        """Of OAuth without OpenID: before the issuer's path."""
        with running() as server:
            issuer = f"{server.url}/tenant"
            it = provider(server.url, token_endpoint=None, issuer=issuer)
            server.answers = [reply(b"no", 404), metadata(server, issuer), reply(GOOD)]
            it.refresh(OLD)
        assert "/.well-known/oauth-authorization-server/tenant" == server.requests[1].target

    @pytest.mark.parametrize(
        "wrong",
        [
            {"issuer": "https://evil.example"},
            {"issuer": None},
            {"token_endpoint": "http://evil.example/token"},
            {"token_endpoint": None},
        ],
    )
    def test_metadata_that_would_have_our_tokens_elsewhere(
        self, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Are not believed, and not kept."""
        with running() as server:
            it = provider(server.url, token_endpoint=None, issuer=server.url)
            good = {"issuer": server.url, "token_endpoint": f"{server.url}/token"}
            server.answers = [reply({**good, **wrong}), reply(good), reply(GOOD)]
            with pytest.raises(ProviderUnavailable, match="the metadata of the issuer are") as caught:
                it.refresh(OLD)
            assert not caught.value.sent
            assert ACCESS == it.refresh(OLD).access_token
        assert 1 == len(caplog.records)

    @pytest.mark.parametrize(
        ("answers", "requests"),
        [
            ([reply(b"no", 404)], 2),
            ([reply(b"<html>")], 1),
            ([reply({}, 503, {"Retry-After": "9"})], 1),
            ([reply(b"", 302)], 1),
            ([lambda peer: None], 1),
        ],
    )
    def test_no_metadata(self, answers: list[Behaviour], requests: int) -> None:
        """No token leaves, and the next refresh asks anew."""
        with running(*answers) as server:
            it = provider(server.url, token_endpoint=None, issuer=server.url)
            with pytest.raises(ProviderUnavailable) as caught:
                it.refresh(OLD)
        assert (False, requests) == (caught.value.sent, len(server.requests))
        assert (9 if b"503" in str(caught.value).encode() else None) == caught.value.retry_after

    def test_without_an_issuer(self) -> None:
        """There is nobody to ask."""
        with pytest.raises(UsageError) as caught:
            provider("http://localhost:1").metadata()
        assert "provider_option" == caught.value.code


class TestOptions:
    """What the constructor is told."""

    def test_a_provider(self) -> None:
        """By the Protocol, with what a coordinator wants to know."""
        it = provider("http://localhost:1", reuse_detection="session", replay_grace=True)
        assert isinstance(it, Provider)
        assert ("http://localhost:1/token me", "session", True) == (it.identity, it.reuse_detection, it.replay_grace)
        plain = provider("http://localhost:1")
        assert (False, False) == (plain.reuse_detection, plain.replay_grace)

    @pytest.mark.parametrize("where", [{}, {"token_endpoint": None, "issuer": "https://login.example.com"}])
    def test_it_shows_no_secret(self, where: dict[str, Any]) -> None:
        """Nor does it travel with one."""
        it = provider("https://login.example.com", **where)
        assert "OAuth2(login.example.com, client_id='me')" == repr(it)
        for carry in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(UsageTypeError):
                carry(it)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"token_endpoint": None}, "token_endpoint, issuer: expected one"),
            ({"issuer": "https://login.example.com"}, "token_endpoint, issuer: expected one"),
            ({"auth": "jwt"}, "auth: expected one of basic, post, none"),
            ({"auth": "none"}, "client_secret: is given"),
            ({"client_secret": None}, "client_secret: is missing"),
            ({"client_secret": f"{SECRET}\n"}, "client_secret: is empty, or has white space"),
            ({"client_secret": f"{SECRET} "}, "client_secret: is empty, or has white space"),
            ({"client_secret": ""}, "client_secret: is empty"),
            ({"client_id": "é"}, "client_id: is empty, or has"),
        ],
    )
    def test_options_that_do_not_fit(self, options: dict[str, Any], said: str) -> None:
        """Are told when the application starts."""
        with pytest.raises(UsageError, match=said) as caught:
            provider("https://login.example.com", **options)
        assert ("provider_option", False) == (caught.value.code, SECRET in str(caught.value))

    @pytest.mark.parametrize(
        "options",
        [
            {"client_id": None},
            {"client_secret": SECRET.encode()},
            {"token_endpoint": 7},
            {"reuse_detection": True},
            {"reuse_detection": "family"},
            {"replay_grace": 1},
            {"keep_id_token": "yes"},
            {"scope": ["openid"]},
            {"sign_in_scope": ["openid"]},
            {"authorization_endpoint": 7},
            {"timeout": "5"},
            {"clock": 7},
        ],
    )
    def test_options_of_another_type(self, options: dict[str, Any]) -> None:
        """The error says which."""
        with pytest.raises(UsageTypeError, match=f"^{next(iter(options))}: expected"):
            provider("https://login.example.com", **options)


@pytest.mark.parametrize(("given", "held"), [(None, None), ("us", ("us",)), (["us", "them"], ("us", "them"))])
def test_for_whom_its_access_tokens_have_to_be(given: Any, held: Any) -> None:
    """One or several; None where that is not looked at."""
    assert held == provider("http://127.0.0.1", audience=given).audience


@pytest.mark.parametrize("wrong", ["", [], [""], 5])
def test_an_audience_that_is_none(wrong: Any) -> None:
    """An empty one would let everybody's tokens in, where somebody's were meant."""
    with pytest.raises(UsageError):
        provider("http://127.0.0.1", audience=wrong)


def test_its_keys_come_by_its_own_client() -> None:
    """And nothing but a document that was answered 200."""
    with running() as server:
        it = provider(server.url)
        server.answers = [reply({"keys": []}), reply({}, 404)]
        assert b"keys" in it.fetch_keys(f"{server.url}/keys", 3)
        with pytest.raises(ValueError, match="404"):
            it.fetch_keys(f"{server.url}/keys", 3)


@pytest.mark.parametrize(
    ("code", "told"),
    [("invalid_target", " (invalid_target)."), ("eyJhbGciOi", "."), ("it was you@example.com", "."), ("x" * 50, ".")],
)
def test_the_code_of_an_error_is_told(code: str, told: str) -> None:
    """So that a refusal can be told from an outage in the log; a text that is no code is not, whatever it may hold."""
    error = unavailable(reply({"error": code}, 400))
    assert f"127.0.0.1: answered HTTP 400{told}" == str(error)
