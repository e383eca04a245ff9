"""Signing in at an OpenID provider: what is asked, what is kept meanwhile, and what is checked of the answer."""

from __future__ import annotations

import json
import pickle
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import ProviderUnavailable, SignInFailed, UsageError, UsageTypeError
from sealed_session.providers import OAuth2
from sealed_session.providers.code_flow import DEFAULT_SCOPE
from sealed_session.providers.sign_in import (
    Attempt,
    SignInProvider,
    check_state,
    code_in,
)

from .issuer import BACK, CLIENT, CODE, NOW, REFRESH, SECRET, Issuer, issuer, query
from .server import reply

METADATA = "/.well-known/openid-configuration"


@pytest.fixture
def op() -> Iterator[Issuer]:
    """A provider."""
    with issuer() as running:
        yield running


def refused(op: Issuer, provider: OAuth2 | None = None, **changes: Any) -> SignInFailed:
    """Come back with a query that opens nothing."""
    provider = provider or op.provider()
    attempt = op.begin(provider)
    with pytest.raises(SignInFailed) as caught:
        provider.finish_sign_in(attempt, op.back(attempt, **changes))
    hidden = (CODE, REFRESH, SECRET, attempt.state, attempt.code_verifier, str(attempt.nonce))
    assert not any(secret in f"{caught.value} {caught.value.detail}" for secret in hidden)
    return caught.value


class TestBegin:
    """RFC 6749, section 4.1.1; OpenID Connect Core, section 3.1.2.1; RFC 7636, section 4.3."""

    def test_the_address(self, op: Issuer) -> None:
        """Has everything by which the answer is told from others."""
        url, attempt = op.provider().begin_sign_in(BACK)
        assert f"{op.url}/authorize" == urlsplit(url)._replace(query="").geturl()
        challenge = urlsafe_b64encode(sha256(attempt.code_verifier.encode()).digest()).rstrip(b"=").decode()
        assert {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": BACK,
            "scope": DEFAULT_SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } == query(url)
        assert attempt.code_verifier not in url
        assert 43 <= len(attempt.code_verifier) <= 128
        assert (BACK, NOW, None) == (attempt.redirect_uri, attempt.began_at, attempt.max_age)

    def test_no_two_are_alike(self, op: Issuer) -> None:
        """Each secret is new, and none is another one."""
        provider = op.provider()
        attempts = [op.begin(provider) for _ in range(20)]
        secrets = {text for one in attempts for text in (one.state, str(one.nonce), one.code_verifier)}
        assert 60 == len(secrets)
        assert all(len(secret) >= 22 for secret in secrets)

    def test_parameters_go_along(self, op: Issuer) -> None:
        """None leaves one out, the scope is replaced, and seconds are written as such."""
        asked = query(
            op.provider().begin_sign_in(
                BACK, max_age=0, scope="openid read", prompt="login", login_hint="a&b", ui_locales=None
            )[0]
        )
        assert ("openid read", "login", "a&b", "0") == tuple(
            asked[name] for name in ("scope", "prompt", "login_hint", "max_age")
        )
        assert "ui_locales" not in asked

    @pytest.mark.parametrize(
        ("listed", "asked"),
        [
            (["openid", "email"], "openid profile email"),
            (["openid", "offline_access"], DEFAULT_SCOPE),
            ([], "openid profile email"),
            (None, DEFAULT_SCOPE),
            ("openid", DEFAULT_SCOPE),
        ],
    )
    def test_a_provider_that_does_not_know_offline_access(self, op: Issuer, listed: Any, asked: str) -> None:
        """Would refuse it, and is not asked for it, unless somebody has said so."""
        op.metadata = {"scopes_supported": listed}
        assert asked == query(op.provider().begin_sign_in(BACK)[0])["scope"]
        told = op.provider(sign_in_scope=DEFAULT_SCOPE)
        assert DEFAULT_SCOPE == query(told.begin_sign_in(BACK)[0])["scope"]

    def test_a_list_repeats_one(self, op: Issuer) -> None:
        """Resources may be several (RFC 8707)."""
        url, _ = op.provider().begin_sign_in(BACK, resource=["urn:a", "urn:b"])
        assert "resource=urn%3Aa&resource=urn%3Ab" in url

    def test_the_pages_own_query_is_kept(self, op: Issuer) -> None:
        """As section 3.1 says."""
        op.metadata = {"authorization_endpoint": f"{op.url}/authorize?policy=b2c"}
        url, attempt = op.provider().begin_sign_in(BACK)
        assert ("b2c", attempt.state) == (query(url)["policy"], query(url)["state"])

    @pytest.mark.parametrize(
        "name",
        [
            "client_id",
            "client_secret",
            "code_challenge",
            "code_challenge_method",
            "nonce",
            "request",
            "request_uri",
            "response_mode",
            "response_type",
            "state",
        ],
    )
    def test_what_is_no_parameter(self, op: Issuer, name: str) -> None:
        """What holds the request together is ours."""
        parameters: dict[str, Any] = {name: "x"}
        with pytest.raises(UsageError, match=f"begin_sign_in: {name} is no argument") as caught:
            op.provider().begin_sign_in(BACK, **parameters)
        assert "reserved_argument" == caught.value.code

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"prompt": 7}, "wrong_type"),
            ({"scope": ["openid"]}, "wrong_type"),
            ({"max_age": "300"}, "wrong_type"),
            ({"max_age": True}, "wrong_type"),
            ({"max_age": -1}, "bad_number"),
            ({"redirect_uri": None}, "wrong_type"),
            ({"redirect_uri": ""}, "redirect_uri"),
            ({"redirect_uri": "/callback"}, "redirect_uri"),
            ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
            ({"redirect_uri": "ftp://app.example.com/callback"}, "redirect_uri"),
            ({"redirect_uri": "com.example.app://app.example.com/callback"}, "redirect_uri"),
            ({"redirect_uri": "//app.example.com/callback"}, "redirect_uri"),
            ({"redirect_uri": "https:///callback"}, "redirect_uri"),
            ({"redirect_uri": "https://app.example.com/#"}, "redirect_uri"),
            ({"redirect_uri": "https://[app/"}, "redirect_uri"),
            ({"redirect_uri": "https://app.example.com/a b"}, "redirect_uri"),
            ({"redirect_uri": "https://app.example.com/a\n"}, "redirect_uri"),
            ({"redirect_uri": "https://äpp.example.com/"}, "redirect_uri"),
        ],
    )
    def test_arguments_that_are_none(self, op: Issuer, given: dict[str, Any], code: str) -> None:
        """Are told at the call."""
        with pytest.raises(UsageError) as caught:
            op.provider().begin_sign_in(**{"redirect_uri": BACK, **given})
        assert code == caught.value.code

    def test_while_the_provider_is_down(self, op: Issuer) -> None:
        """Nobody can be sent anywhere."""
        op.answers[METADATA] = reply(b"", 503, {"Retry-After": "7"})
        with pytest.raises(ProviderUnavailable) as caught:
            op.provider().begin_sign_in(BACK)
        assert (7, False) == (caught.value.retry_after, caught.value.sent)

    @pytest.mark.parametrize("page", [None, "http://login.example.com/authorize", "javascript:alert(1)"])
    def test_metadata_without_a_page(self, op: Issuer, page: str | None) -> None:
        """Or with one that a browser should not be sent to."""
        op.metadata = {"authorization_endpoint": page}
        with pytest.raises(ProviderUnavailable, match="no usable authorization_endpoint") as caught:
            op.provider().begin_sign_in(BACK)
        assert not caught.value.sent

    def test_a_page_that_was_given(self, op: Issuer) -> None:
        """Counts before the metadata, and nobody has to be asked."""
        provider = op.provider(authorization_endpoint="https://login.example.com/a", sign_in_scope="openid")
        assert provider.begin_sign_in(BACK)[0].startswith("https://login.example.com/a?")
        assert [] == op.server.requests

    def test_the_protocol(self, op: Issuer) -> None:
        """A provider that people sign in at is known as one."""
        assert isinstance(op.provider(), SignInProvider)


class TestAttempt:
    """What is kept meanwhile."""

    def test_there_and_back(self, op: Issuer) -> None:
        """As plain JSON, and small."""
        for attempt in (op.begin(op.provider()), op.begin(op.provider(), max_age=300)):
            text = json.dumps(attempt.to_mapping())
            assert attempt == Attempt.from_mapping(json.loads(text))
            assert len(text) < 300

    def test_its_repr(self, op: Issuer) -> None:
        """Has no secret."""
        attempt = op.begin(op.provider(), max_age=5)
        assert f"Attempt(redirect_uri={BACK!r}, began_at={NOW}, max_age=5)" == repr(attempt)

    @pytest.mark.parametrize("name", ["state", "code_verifier", "redirect_uri", "began_at", "nonce", "max_age"])
    @pytest.mark.parametrize("value", [1.5, True, b"x", ["x"]])
    def test_what_is_none(self, op: Issuer, name: str, value: object) -> None:
        """Another release's, for example: the person begins anew."""
        with pytest.raises(SignInFailed) as caught:
            Attempt.from_mapping({**op.begin(op.provider()).to_mapping(), name: value})
        assert "state_unknown" == caught.value.code

    @pytest.mark.parametrize("name", ["state", "code_verifier", "redirect_uri", "began_at"])
    def test_what_is_incomplete(self, op: Issuer, name: str) -> None:
        """Likewise; what a later release adds does no harm."""
        kept = op.begin(op.provider()).to_mapping()
        assert Attempt.from_mapping(kept) == Attempt.from_mapping({**kept, "later": 1})
        del kept[name]
        with pytest.raises(SignInFailed):
            Attempt.from_mapping(kept)


class TestAnswer:
    """What comes back by way of the browser."""

    @pytest.mark.parametrize("state", [None, "", "other", "\ud800", "ä", 7, ["x", "y"]])
    def test_another_state(self, op: Issuer, state: Any) -> None:
        """Somebody else's sign-in is not finished here; the code is not even sent."""
        assert "state_mismatch" == refused(op, state=state).code
        assert [] == op.asked("/token")

    def test_the_state_of_another_tab(self, op: Issuer) -> None:
        """Each attempt has its own."""
        other = op.begin(op.provider())
        assert "state_mismatch" == refused(op, state=other.state).code

    @pytest.mark.parametrize("iss", ["https://evil.example", "", 7, ["x"]])
    def test_another_issuer(self, op: Issuer, iss: Any) -> None:
        """Would be shown a code that is not his (RFC 9207); that is found before his error is believed."""
        assert "wrong_issuer" == refused(op, iss=iss).code
        assert "wrong_issuer" == refused(op, iss=iss, error="access_denied").code
        assert [] == op.asked("/token")

    @pytest.mark.parametrize(("says_so", "code"), [(True, "wrong_issuer"), (False, None), ("true", None)])
    def test_an_issuer_that_is_not_named(self, op: Issuer, says_so: Any, code: str | None) -> None:
        """Is missed where the metadata promise it."""
        op.metadata = {"authorization_response_iss_parameter_supported": says_so}
        provider = op.provider()
        attempt = op.begin(provider)
        answer = op.back(attempt, iss=None)
        if code is None:
            assert "opaque" == provider.finish_sign_in(attempt, answer).access_token
        else:
            with pytest.raises(SignInFailed) as caught:
                provider.finish_sign_in(attempt, answer)
            assert code == caught.value.code

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            ("access_denied", "access_denied"),
            ("login_required", "login_required"),
            ("<script>" + "x" * 100, "<script>" + "x" * 32),
            ("a\nb", r"'a\nb'"),
            ("", ""),
            (["a", "b"], "['a', 'b']"),
        ],
    )
    def test_the_provider_says_no(self, op: Issuer, error: Any, said: str) -> None:
        """Its word is for the log: short and on one line. What it describes beside is not repeated."""
        failure = refused(op, error=error, error_description="call 555-1234", code=None)
        assert ("access_denied", said) == (failure.code, failure.detail)
        assert "555" not in str(failure)

    def test_no_beats_a_code(self, op: Issuer) -> None:
        """An answer with both is no yes."""
        assert "access_denied" == refused(op, error="access_denied").code
        assert [] == op.asked("/token")

    @pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
    def test_the_provider_cannot(self, op: Issuer, error: str) -> None:
        """It is down, and says so by the only way there is."""
        provider = op.provider()
        attempt = op.begin(provider)
        with pytest.raises(ProviderUnavailable) as caught:
            provider.finish_sign_in(attempt, op.back(attempt, error=error))
        assert not caught.value.sent

    @pytest.mark.parametrize("code", [None, "", 7, "\ud800", ["a", "b"]])
    def test_no_code(self, op: Issuer, code: Any) -> None:
        """There is nothing to exchange. A name that is there twice comes as a list, and is none either."""
        assert "bad_answer" == refused(op, code=code).code

    @given(st.dictionaries(st.sampled_from(["state", "code", "error", "iss"]), st.text() | st.none() | st.integers()))
    def test_whatever_comes(self, answer: dict[str, Any]) -> None:
        """It is told in our own errors, and without the right state in one alone."""
        attempt = Attempt.begin(BACK, NOW, has_nonce=True, max_age=None)
        with pytest.raises(SignInFailed, match="that this browser has begun"):
            check_state(attempt, answer)
        try:
            assert answer.get("code") == code_in(answer)
        except (SignInFailed, ProviderUnavailable) as error:
            assert len(str(error)) < 300


def test_failures_survive_pickling() -> None:
    """Worker pools carry exceptions."""
    error = SignInFailed("m", detail="d", code="access_denied")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert ("m", "d", "access_denied") == (str(back), back.detail, back.code)


def test_an_attempt_is_begun_by_text() -> None:
    """A wrong type is told as such."""
    with pytest.raises(UsageTypeError, match=r"redirect_uri: expected a URL \(str\), got bytes"):
        Attempt.begin(BACK.encode(), NOW, has_nonce=True, max_age=None)  # type: ignore[arg-type]
