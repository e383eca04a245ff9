"""Which verifier an application has: the one it was given, the provider's own, or none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flask_ext import SealedSession
from flask_ext.verifiers import DiscoveredVerifier, choose
from sealed_session import ProviderUnavailable, UsageError, UsageTypeError
from sealed_session.providers import OAuth2, WorkOS
from sealed_session.testing import Clock, FakeProvider
from sealed_session.verifier import JWTVerifier, Verdict
from tests.core.jwks_server import JWKSServer, SigningKey, jwks_server
from tests.web.conftest import MakeWorld
from tests.web.verifier import ISSUER, Judge, SigningProvider


@pytest.fixture
def keys() -> Iterator[JWKSServer]:
    """A provider's keys, served."""
    with jwks_server(SigningKey()) as server:
        yield server


def chosen(make_world: MakeWorld, provider: Any, **settings: Any) -> Any:
    """The verifier of an application with this provider."""
    verifier = settings.pop("verifier", None)
    return choose(
        verifier, provider, make_world(**settings).app.extensions["sealed_session"].config, settings.get("clock")
    )


class Published:
    """A provider with an issuer and its metadata.

    Attributes:
        metadata_read: How often they were asked for, and how long each would have been waited for.
    """

    issuer: str | None = ISSUER

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.metadata_read: list[float] = []

    def metadata(self, deadline: float) -> dict[str, Any]:
        """Return them, or raise."""
        self.metadata_read.append(deadline - time.monotonic())
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"issuer": self.issuer, **self.answer}


class TestChoice:
    """Of an application."""

    def test_the_one_that_is_given_goes_before_the_providers(self, make_world: MakeWorld) -> None:
        """And is used as it is."""
        judge = Judge()
        provider = WorkOS("client_1", "sk_test_example")
        assert judge is chosen(make_world, provider, verifier=judge)
        assert judge is chosen(make_world, None, verifier=judge)

    @pytest.mark.parametrize(
        "provider", [None, FakeProvider(), OAuth2(token_endpoint="https://a/t", client_id="a", client_secret="b")]
    )
    def test_a_provider_that_does_not_say_where_its_keys_are_has_none(
        self, make_world: MakeWorld, provider: Any
    ) -> None:
        """Then nothing is verified."""
        assert chosen(make_world, provider) is None

    @pytest.mark.parametrize("missing", ["jwks_url", "issuers"])
    def test_a_provider_that_says_half_of_it_has_none(self, make_world: MakeWorld, missing: str) -> None:
        """Keys without issuer would take the tokens of all who share them."""
        provider = SigningProvider(Clock(), SigningKey(), "https://id.example.com/keys")
        assert isinstance(chosen(make_world, provider), JWTVerifier)
        delattr(provider, missing)
        assert chosen(make_world, provider) is None

    @pytest.mark.parametrize("provider", [WorkOS("client_1", "sk_test_example"), Published({})])
    def test_it_can_be_turned_off(self, make_world: MakeWorld, provider: Any) -> None:
        """For every kind."""
        assert chosen(make_world, provider) is not None
        for verifier in (None, Judge()):
            assert chosen(make_world, provider, verifier=verifier, VERIFY_ACCESS_TOKEN=False) is None

    @pytest.mark.parametrize("verifier", [5, "jwt", JWTVerifier, Judge, object()])
    def test_something_else_is_told_when_it_is_given(self, verifier: Any) -> None:
        """A class that was not called, too."""
        with pytest.raises(UsageTypeError, match="verifier"):
            SealedSession(verifier=verifier)

    @pytest.mark.parametrize(("skew", "late", "code"), [(10, 10, "expired"), (10, 9, "valid"), (2.5, 2, "valid")])
    def test_clock_skew_is_its_leeway(
        self, make_world: MakeWorld, keys: JWKSServer, skew: float, late: int, code: str
    ) -> None:
        """By the application's clock, rounded up to whole seconds."""
        world = make_world(provider=SigningProvider(Clock(), SigningKey(), keys.url), CLOCK_SKEW=skew)
        verifier = world.app.extensions["sealed_session"].verifying._verifier
        claims = {"iss": ISSUER, "exp": world.clock.now - late, "nbf": world.clock.now + 60}
        assert code == verifier.verify(SigningKey().sign(claims)).code

    def test_its_algorithms_are_the_providers(self, make_world: MakeWorld, keys: JWKSServer) -> None:
        """RS256 where it does not say."""
        provider: Any = SigningProvider(Clock(), SigningKey(), keys.url)
        token = SigningKey().sign({"iss": ISSUER, "exp": 2**31})
        assert "valid" == chosen(make_world, provider).verify(token).code
        provider.algorithms = ("ES256",)
        assert "wrong_algorithm" == chosen(make_world, provider).verify(token).code

    def test_its_audience_is_the_providers(self, make_world: MakeWorld, keys: JWKSServer) -> None:
        """Where it says for whom its tokens are; the issuer signs for others, too."""
        provider: Any = SigningProvider(Clock(), SigningKey(), keys.url)
        token = SigningKey().sign({"iss": ISSUER, "exp": 2**31, "aud": "them"})
        assert "valid" == chosen(make_world, provider).verify(token).code
        provider.audience = ("us",)
        assert "wrong_audience" == chosen(make_world, provider).verify(token).code

    def test_its_claims_are_the_providers(self, make_world: MakeWorld, keys: JWKSServer) -> None:
        """Where a vendor signs other things than sessions with the same keys."""
        provider: Any = SigningProvider(Clock(), SigningKey(), keys.url)
        token = SigningKey().sign({"iss": ISSUER, "exp": 2**31})
        assert "valid" == chosen(make_world, provider).verify(token).code
        provider.required_claims = ("exp", "session")
        assert "missing_claim" == chosen(make_world, provider).verify(token).code

    def test_its_oldest_token_is_the_providers(self, make_world: MakeWorld, keys: JWKSServer) -> None:
        """Whatever the token's own end."""
        provider: Any = SigningProvider(Clock(), SigningKey(), keys.url)
        provider.max_token_age = 300
        verifier = chosen(make_world, provider)
        now = int(time.time())
        codes = [
            verifier.verify(SigningKey().sign({"iss": ISSUER, "exp": 2**31, "iat": now - age})).code
            for age in (300, 320)
        ]
        assert ["valid", "too_old"] == codes

    def test_the_keys_are_fetched_as_the_provider_does(self, make_world: MakeWorld) -> None:
        """By its certificates and proxies, where it has a way of its own."""
        asked: list[str] = []

        def fetch_keys(url: str, _seconds: float) -> bytes:
            asked.append(url)
            return json.dumps({"keys": [SigningKey().jwk()]}).encode()

        provider: Any = SigningProvider(Clock(), SigningKey(), "https://nowhere.example/keys")
        provider.fetch_keys = fetch_keys
        assert "valid" == chosen(make_world, provider).verify(SigningKey().sign({"iss": ISSUER, "exp": 2**31})).code
        assert ["https://nowhere.example/keys"] == asked


class TestDiscovered:
    """A provider whose issuer says in its metadata where the keys are."""

    def test_nothing_is_asked_before_the_first_token(self, make_world: MakeWorld, keys: JWKSServer) -> None:
        """And the metadata once."""
        provider = Published({"jwks_uri": keys.url})
        verifier = chosen(make_world, provider)
        assert ([], 0) == (provider.metadata_read, keys.fetches)
        token = SigningKey().sign({"iss": ISSUER, "exp": 2**31, "sub": "user_1"})
        assert ["valid", "valid"] == [verifier.verify(token).code for _ in range(2)]
        assert "wrong_subject" == verifier.verify(token, subject="user_2").code
        assert (1, 1) == (len(provider.metadata_read), keys.fetches)

    def test_only_its_own_tokens_verify(self, make_world: MakeWorld, keys: JWKSServer) -> None:
        """Whoever else has keys there."""
        verifier = chosen(make_world, Published({"jwks_uri": keys.url}))
        assert "wrong_issuer" == verifier.verify(SigningKey().sign({"iss": "https://b", "exp": 2**31})).code

    def test_oauth2_with_an_issuer_is_one(self, make_world: MakeWorld) -> None:
        """By its public names."""
        provider = OAuth2(issuer="https://id.example.com", client_id="shop", client_secret="test-data")
        assert "https://id.example.com" == provider.issuer
        assert isinstance(chosen(make_world, provider), DiscoveredVerifier)

    @pytest.mark.parametrize("missing", ["issuer", "metadata"])
    def test_half_of_it_is_none(self, make_world: MakeWorld, missing: str) -> None:
        """Neither an issuer without metadata, nor the other way round."""
        provider: Any = Published({})
        setattr(provider, missing, None)
        assert chosen(make_world, provider) is None

    def test_while_they_are_out_of_reach_nobody_waits_twice(
        self, make_world: MakeWorld, keys: JWKSServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are waited for as long as keys are, and then left alone for a while."""
        now = [100.0]
        provider = Published(ProviderUnavailable())
        verifier = chosen(make_world, provider)
        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        for _ in range(3):
            with pytest.raises(ProviderUnavailable):
                verifier.verify("a.b.c")
        assert [3] == provider.metadata_read
        now[0] += 4.9
        with pytest.raises(ProviderUnavailable, match="a moment ago"):
            verifier.verify("a.b.c")
        now[0] += 0.1
        provider.answer = {"jwks_uri": keys.url}
        assert Verdict.INVALID is verifier.verify("a.b.c").verdict
        assert [3, 3] == provider.metadata_read

    @pytest.mark.parametrize("metadata", [{}, {"jwks_uri": "http://id.example.com/keys"}, {"jwks_uri": 5}])
    def test_metadata_that_name_no_keys_sign_nobody_in(
        self, make_world: MakeWorld, metadata: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor do they sign anybody out; the log says where the error is."""
        with pytest.raises(UsageError):
            chosen(make_world, Published(metadata)).verify("a.b.c")

        class Refreshing(Published, FakeProvider):
            def __init__(self) -> None:
                Published.__init__(self, metadata)
                FakeProvider.__init__(self)

        world = make_world(provider=Refreshing())
        assert 503 == world.get("/sign-in").status_code
        assert "the verifier raised Usage" in caplog.text
