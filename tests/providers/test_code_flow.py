"""The code is exchanged: what an OpenID provider's answer is worth, and what a session is made of."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from sealed_session import ProviderUnavailable, SignInFailed, StepUpRequired, UsageError
from sealed_session.providers import OAuth2, sign_in
from sealed_session.providers.sign_in import LEEWAY, Attempt

from .issuer import BACK, CLIENT, CODE, NOW, REFRESH, SECRET, Issuer, hashed, issuer, jwt, query
from .server import reply

METADATA = "/.well-known/openid-configuration"


@pytest.fixture
def op() -> Iterator[Issuer]:
    """A provider."""
    with issuer() as running:
        yield running


def refused(op: Issuer) -> SignInFailed:
    """Sign in in vain."""
    with pytest.raises(SignInFailed) as caught:
        op.sign_in()
    assert not any(secret in f"{caught.value} {caught.value.detail}" for secret in (CODE, REFRESH, SECRET))
    return caught.value


def plain(op: Issuer, **options: Any) -> OAuth2:
    """A provider without OpenID."""
    given = {"issuer": None, "token_endpoint": f"{op.url}/token", "authorization_endpoint": f"{op.url}/authorize"}
    return op.provider(**{**given, **options})


class TestExchange:
    """RFC 6749, section 4.1.3."""

    def test_the_request(self, op: Issuer) -> None:
        """The code, with proof that we have begun this, and who we are."""
        provider = op.provider()
        attempt = op.begin(provider)
        provider.finish_sign_in(attempt, op.back(attempt))
        (request,) = op.asked("/token")
        assert [
            ("grant_type", "authorization_code"),
            ("code", CODE),
            ("redirect_uri", BACK),
            ("code_verifier", attempt.code_verifier),
        ] == request.form
        assert request.headers["authorization"].startswith("Basic ")

    def test_a_public_client(self, op: Issuer) -> None:
        """Has the verifier for its only proof."""
        op.sign_in(op.provider(client_secret=None, auth="none"))
        (request,) = op.asked("/token")
        assert ("client_id", CLIENT) in request.form
        assert "authorization" not in request.headers

    @pytest.mark.parametrize("status", [400, 401, 403])
    def test_a_code_that_was_used(self, op: Issuer, status: int, caplog: pytest.LogCaptureFixture) -> None:
        """Opens nothing, and is an everyday event: a page loaded twice."""
        op.answers["/token"] = reply({"error": "invalid_grant", "error_description": CODE}, status)
        assert "code_refused" == refused(op).code
        assert [] == caplog.records

    def test_more_is_wanted(self, op: Issuer) -> None:
        """Of the person."""
        body = {"error": "mfa_required", "mfa_token": "pending"}
        op.answers["/token"] = reply(body, 403)
        with pytest.raises(StepUpRequired) as caught:
            op.sign_in()
        assert body == caught.value.payload

    @pytest.mark.parametrize(
        ("status", "body", "level"),
        [
            (401, {"error": "invalid_client"}, logging.ERROR),
            (400, {"error": "invalid_request"}, logging.WARNING),
            (503, {}, logging.WARNING),
            (302, {}, logging.WARNING),
            (200, {"id_token": "x"}, logging.WARNING),
            (200, b"<html>", logging.WARNING),
        ],
    )
    def test_no_usable_answer(
        self, op: Issuer, status: int, body: Any, level: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Is an outage, and says nothing of the person."""
        op.answers["/token"] = reply(body, status)
        with pytest.raises(ProviderUnavailable) as caught:
            op.sign_in()
        assert [level] == [record.levelno for record in caplog.records]
        assert not any(secret in caplog.text + str(caught.value) for secret in (CODE, SECRET, REFRESH))

    def test_metadata_that_cannot_be_had(self, op: Issuer) -> None:
        """By a process that did not begin it: the code is as good as before."""
        attempt = op.begin(op.provider())
        op.answers[METADATA] = reply(b"", 500)
        with pytest.raises(ProviderUnavailable) as caught:
            op.provider().finish_sign_in(attempt, op.back(attempt))
        assert not caught.value.sent

    def test_keys_that_cannot_be_had(self, op: Issuer) -> None:
        """By then nobody has the code yet, and it is as good as before: without keys it would be used up in vain."""
        attempt = op.begin(op.provider())
        op.answers["/jwks"] = reply(b"", 503)
        with pytest.raises(ProviderUnavailable, match="keys that it signs with") as caught:
            op.provider().finish_sign_in(attempt, op.back(attempt))
        assert (False, []) == (caught.value.sent, op.asked("/token"))
        op.answers = {}
        assert {"sub": "user_1"} == op.provider().finish_sign_in(attempt, op.back(attempt)).user

    def test_keys_are_fetched_once(self, op: Issuer) -> None:
        """For all sign-ins; and for none where there is no ID token to come."""
        provider = op.provider()
        for _ in range(3):
            op.sign_in(provider)
        assert 1 == len(op.asked("/jwks"))
        op.sign_in(op.provider(sign_in_scope="read"))
        assert 1 == len(op.asked("/jwks"))

    def test_nobody_waits_before_an_empty_page(self, op: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        """As long as a call may take: a few seconds more than for a refresh, whatever the provider's timeout."""
        assert (10.0, 10.0, 4) == (sign_in.LONGEST, sign_in.patience_with_code(30), sign_in.patience_with_code(4))
        monkeypatch.setattr(sign_in, "LONGEST", 0.3)
        op.answers["/token"] = lambda connection: connection.hang()
        began = monotonic()
        with pytest.raises(ProviderUnavailable):
            op.sign_in()
        assert monotonic() - began < 4

    def test_another_process_finishes_it(self, op: Issuer) -> None:
        """It knows what was kept, and nothing else."""
        kept = op.begin(op.provider()).to_mapping()
        attempt = Attempt.from_mapping(kept)
        assert {"sub": "user_1"} == op.provider().finish_sign_in(attempt, op.back(attempt)).user


class TestSession:
    """What is made of a good answer."""

    def test_tokens_and_person(self, op: Issuer) -> None:
        """The profile's claims under their own names, and nothing else of the ID token."""
        profile = {"email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace", "locale": "en"}
        op.claims = {
            **profile,
            "address": {"country": "UK"},
            "groups": ["a"],
            "picture": "data:" + "x" * 600,
            "name": 7,
        }
        session = op.sign_in()
        expected = {"sub": "user_1", "email": "ada@example.com", "email_verified": True, "locale": "en"}
        assert expected == session.user
        assert ("opaque", REFRESH, NOW + 300) == (
            session.access_token,
            session.refresh_token,
            session.access_expires_at,
        )
        assert (None, None, False) == (session.tokens, session.session_id, session.unverified)

    def test_an_access_token_that_says_when_it_ends(self, op: Issuer) -> None:
        """Is believed, and costs no room."""
        token = jwt()
        op.tokens = {"access_token": token, "refresh_token": None}
        session = op.sign_in()
        assert {"access_token": token, "user": {"sub": "user_1"}} == session.to_mapping()

    def test_the_id_token_is_kept(self, op: Issuer) -> None:
        """Where that is wanted; every refresh brings the next."""
        provider = op.provider(keep_id_token=True)
        session = op.sign_in(provider)
        assert {"id_token"} == set(session.tokens or {})
        op.tokens = {"id_token": "next"}
        assert {"id_token": "next"} == provider.refresh(session).tokens

    @pytest.mark.parametrize(
        ("in_access", "in_id", "expected"),
        [
            (None, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            (None, "a sid that is no base64url", hashed("a sid that is no base64url")),
            (None, "x" * 88, hashed("x" * 88)),
            (None, 7, None),
            (None, "", None),
            ("sid_of_access", "f81d", "sid_of_access"),
            ("sid_of_access", None, "sid_of_access"),
        ],
    )
    def test_the_providers_name_of_the_session(
        self, op: Issuer, in_access: str | None, in_id: Any, expected: str | None
    ) -> None:
        """Is the session's id, so that the back channel finds it; in a form that a session can hold."""
        op.claims = {"sid": in_id}
        op.tokens = {"access_token": jwt(sid=in_access)} if in_access else {}
        assert expected == op.sign_in().session_id

    def test_the_id_tokens_name_is_kept_where_the_access_token_has_another(self, op: Issuer) -> None:
        """Of the session and of the person: the logout token has those of the ID token."""
        op.claims = {"sid": "f81d", "sub": "user_1"}
        op.tokens = {"access_token": jwt(sid="sid_of_access", sub="pairwise")}
        session = op.sign_in()
        assert (("sid_of_access", "f81d"), ("user_1", "pairwise")) == (session.session_ids, session.subjects)

    def test_of_an_opaque_token_the_id_tokens_names_are_kept(self, op: Issuer) -> None:
        """Where the application cannot trim them."""
        assert "user_1" == op.sign_in().replace(user=None).subject

    @pytest.mark.parametrize("claims", [{"sid": "sid_1", "sub": "user_1"}, {"sub": "user_1"}])
    def test_names_that_the_access_token_has_cost_no_room(self, op: Issuer, claims: dict[str, str]) -> None:
        """They are the same."""
        op.claims, op.tokens = dict(claims), {"access_token": jwt(**claims)}
        assert not {"session_id", "subject"} & set(op.sign_in().to_mapping())

    @pytest.mark.parametrize(
        ("auth_time", "expected"),
        [(NOW - 5000, NOW - 5000), (NOW - 0.5, NOW - 1), (None, None), (-1, None), (NOW * 1000, None), ([], None)],
    )
    def test_when_the_person_proved_who_they_are(self, op: Issuer, auth_time: Any, expected: int | None) -> None:
        """Is kept, also where nobody has asked for it; what is no time is none."""
        op.claims = {"auth_time": auth_time}
        assert expected == op.sign_in().authenticated_at


class TestWithoutOpenID:
    """OAuth 2.0 and no more."""

    def test_nobody_is_asked_for_an_id_token(self, op: Issuer) -> None:
        """Where there is no issuer, or the scope does not say openid; one that comes all the same is nobody's proof."""
        for provider, scope in ((plain(op), {}), (op.provider(sign_in_scope="read"), {"scope": "read"})):
            url, attempt = provider.begin_sign_in(BACK)
            asked = query(url)
            assert (None, scope) == (attempt.nonce, {name: asked[name] for name in ("scope", "nonce") if name in asked})
            session = provider.finish_sign_in(attempt, op.back(attempt))
            assert (None, None, "opaque") == (session.user, session.tokens, session.access_token)

    def test_the_person_is_who_the_access_token_says(self, op: Issuer) -> None:
        """Where it says so."""
        op.tokens = {"access_token": jwt(sub="user_7")}
        assert {"sub": "user_7"} == op.sign_in(plain(op)).user

    def test_there_is_no_issuer_to_compare_with(self, op: Issuer) -> None:
        """What calls itself one says nothing."""
        provider = plain(op)
        attempt = op.begin(provider)
        assert provider.finish_sign_in(attempt, op.back(attempt, iss="https://somebody.example")).access_token

    @pytest.mark.parametrize(
        ("options", "given", "said"),
        [
            ({"sign_in_scope": "openid email"}, {}, "issuer: was not given"),
            ({}, {"scope": "read openid"}, "issuer: was not given"),
            ({"authorization_endpoint": None}, {}, "authorization_endpoint: is missing"),
        ],
    )
    def test_what_needs_an_issuer(self, op: Issuer, options: dict[str, Any], given: dict[str, Any], said: str) -> None:
        """Is told when somebody is to be sent there."""
        with pytest.raises(UsageError, match=said) as caught:
            plain(op, **options).begin_sign_in(BACK, **given)
        assert "provider_option" == caught.value.code

    def test_nobody_says_when_a_person_has_proved_who_they_are(self, op: Issuer) -> None:
        """Which has a code of its own: a sign-in that asks for it cannot be begun, and every other one can."""
        for provider in (plain(op), op.provider(sign_in_scope="profile")):
            with pytest.raises(UsageError, match="max_age: without openid") as caught:
                provider.begin_sign_in(BACK, max_age=0)
            assert "no_auth_time" == caught.value.code

    @pytest.mark.parametrize("scope", ["", None])
    def test_no_scope_at_all(self, op: Issuer, scope: str | None) -> None:
        """Is the provider's own default."""
        assert "scope" not in query(op.provider().begin_sign_in(BACK, scope=scope)[0])
        assert "scope" not in query(op.provider(sign_in_scope="").begin_sign_in(BACK)[0])


class TestFresh:
    """``max_age``: OpenID Connect Core, section 3.1.3.7, number 13."""

    @pytest.mark.parametrize(
        ("max_age", "auth_time", "later", "is_fresh"),
        [
            (300, NOW - 300 - LEEWAY, 0, True),
            (300, NOW - 301 - LEEWAY, 0, False),
            (300, NOW + 60, 0, True),
            (300, NOW + 61, 0, False),
            (300, NOW * 1000, 0, False),
            (0, NOW - LEEWAY, 0, True),
            (0, NOW - LEEWAY - 1, 0, False),
            (0, NOW + 5, 500, True),
            (0, NOW - LEEWAY - 1, 500, False),
            (300, NOW - 290, 100, False),
            (300, NOW + 100, 100, True),
            (300, None, 0, False),
            (300, str(NOW), 0, False),
            (300, True, 0, False),
            (None, NOW - 10**6, 0, True),
            (None, None, 0, True),
        ],
    )
    def test_who_has_proved_who_they_are(
        self, op: Issuer, max_age: int | None, auth_time: Any, later: int, is_fresh: bool
    ) -> None:
        """So long ago at most, or during the attempt itself, however long they took over the provider's pages."""
        op.claims = {"auth_time": auth_time, "iat": NOW + later, "exp": NOW + later + 300}
        attempt = op.begin(op.provider(), max_age=max_age)
        provider = op.provider(clock=lambda: NOW + later)
        if is_fresh:
            assert "opaque" == provider.finish_sign_in(attempt, op.back(attempt)).access_token
            return
        with pytest.raises(SignInFailed) as caught:
            provider.finish_sign_in(attempt, op.back(attempt))
        assert "not_fresh_enough" == caught.value.code
