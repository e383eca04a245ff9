"""ID tokens: OpenID Connect Core 1.0, section 3.1.3.7, line by line. Whatever is wrong with one opens nothing."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from hashlib import sha256, sha384, sha512
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm

from sealed_session import ProviderUnavailable, SignInFailed, UsageError, UsageTypeError, encoding
from sealed_session.providers.id_token import LONGEST, PROFILE, _check_access_token, session_id_of, user_of
from sealed_session.providers.signed import Refused, Token
from tests.core.jwks_server import CurveKey, SigningKey

from .issuer import BACK, CLIENT, KEY, NOW, SECRET, Issuer, hashed, issuer
from .server import reply

FORGER, CURVE = SigningKey(number=2), CurveKey()
"""The forger's key has the name of the good one."""


@pytest.fixture
def op() -> Iterator[Issuer]:
    """A provider."""
    with issuer() as running:
        yield running


def finding(op: Issuer, **options: Any) -> str:
    """Sign in, and return why the ID token is refused; nothing for a good one."""
    provider = op.provider(**options)
    attempt = op.begin(provider)
    try:
        provider.finish_sign_in(attempt, op.back(attempt))
    except SignInFailed as error:
        assert str(attempt.nonce) not in str(error)
        return error.detail or error.code
    return ""


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, ""),
        # 2: the issuer
        ({"iss": "https://evil.example"}, "wrong_issuer"),
        ({"iss": None}, "wrong_issuer"),
        ({"iss": ["x"]}, "wrong_issuer"),
        # 3 to 5: for us, and given to us
        ({"aud": "somebody"}, "wrong_audience"),
        ({"aud": None}, "wrong_audience"),
        ({"aud": []}, "wrong_audience"),
        ({"aud": {CLIENT: 1}}, "wrong_audience"),
        ({"aud": [CLIENT]}, ""),
        ({"aud": [CLIENT, "other"]}, "wrong_party"),
        ({"aud": [CLIENT, "other"], "azp": CLIENT}, ""),
        ({"aud": ["other", CLIENT], "azp": "other"}, "wrong_party"),
        ({"azp": "other"}, "wrong_party"),
        ({"azp": [CLIENT]}, "wrong_party"),
        ({"azp": CLIENT}, ""),
        # 9 and 10: its time
        ({"exp": NOW - 9}, ""),
        ({"exp": NOW - 10}, "expired"),
        ({"exp": None}, "missing_claim"),
        ({"exp": str(NOW + 300)}, "bad_time"),
        ({"iat": None}, "missing_claim"),
        ({"iat": NOW + 60}, ""),
        ({"iat": NOW + 61}, "from_future"),
        ({"iat": str(NOW)}, "bad_time"),
        ({"iat": -1}, "bad_time"),
        ({"iat": 1.5}, "bad_time"),
        ({"nbf": NOW + 61}, "not_yet_valid"),
        # 11: of this attempt
        ({"nonce": None}, "nonce_mismatch"),
        ({"nonce": ""}, "nonce_mismatch"),
        ({"nonce": "of another attempt"}, "nonce_mismatch"),
        ({"nonce": 7}, "nonce_mismatch"),
        ({"nonce": "\ud800"}, "nonce_mismatch"),
        # Section 2: somebody
        ({"sub": None}, "missing_claim"),
        ({"sub": ""}, "bad_claim"),
        ({"sub": 7}, "bad_claim"),
        ({"sub": "x" * 256}, "bad_claim"),
        ({"sub": "x" * 255}, ""),
        # 3.1.3.8: of this access token
        ({"at_hash": hashed("opaque", 16)}, ""),
        ({"at_hash": hashed("another", 16)}, "wrong_access_token"),
        ({"at_hash": hashed("opaque", 32)}, "wrong_access_token"),
        ({"at_hash": ""}, "wrong_access_token"),
        ({"at_hash": 7}, "wrong_access_token"),
    ],
)
def test_claims(op: Issuer, claims: dict[str, Any], expected: str) -> None:
    """At the edges, missing, and of the wrong type."""
    op.claims = claims
    assert expected == finding(op)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"typ": "JWT"}, ""),
        ({"typ": "jwt"}, ""),
        ({"typ": "application/jwt"}, ""),
        ({"typ": "at+jwt"}, "wrong_kind"),
        ({"typ": "logout+jwt"}, "wrong_kind"),
        ({"typ": None}, ""),
        ({"typ": 7}, "wrong_kind"),
        ({"alg": "none"}, "wrong_algorithm"),
        ({"alg": "RS512"}, "wrong_algorithm"),
        ({"alg": "HS256"}, "wrong_algorithm"),
        ({"kid": "unknown"}, "unknown_kid"),
        ({"kid": None}, "missing_kid"),
        ({"crit": ["exp"]}, "unsupported_crit"),
        ({"jwk": FORGER.jwk()}, ""),
    ],
)
def test_header(op: Issuer, header: dict[str, Any], expected: str) -> None:
    """Of the kind, with the algorithm and the key that are pinned; a key that comes along counts for nothing."""
    op.header = header
    assert expected == finding(op)


def as_hmac(op: Issuer) -> str:
    """A token whose HMAC secret is the public key, which everybody has."""
    pem = KEY.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header, claims, _ = op.id_token().split(".")
    header = encoding.encode(json.dumps({"alg": "HS256", "kid": KEY.kid}).encode())
    signature = hmac.new(pem, f"{header}.{claims}".encode(), sha256).digest()
    return f"{header}.{claims}.{encoding.encode(signature)}"


def of_client_secret(op: Issuer) -> str:
    """A token signed with what only we and the provider know: an algorithm that is not spoken here."""
    header, claims, _ = op.id_token().split(".")
    header = encoding.encode(json.dumps({"alg": "HS256", "kid": KEY.kid}).encode())
    return f"{header}.{claims}.{encoding.encode(hmac.new(SECRET.encode(), header.encode(), sha256).digest())}"


def unsigned(op: Issuer) -> str:
    """A token that says that it needs no signature."""
    header = encoding.encode(json.dumps({"alg": "none", "kid": KEY.kid}).encode())
    return f"{header}.{op.id_token().split('.')[1]}."


def forged(op: Issuer) -> str:
    """A token of somebody with a key of his own."""
    op.key = FORGER
    return op.id_token()


def of_another(op: Issuer) -> str:
    """Good claims with the signature of another good token."""
    mine = op.id_token().rpartition(".")[0]
    op.claims = {"sub": "user_2"}
    return f"{mine}.{op.id_token().rpartition('.')[2]}"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (as_hmac, "wrong_algorithm"),
        (of_client_secret, "wrong_algorithm"),
        (unsigned, "wrong_algorithm"),
        (forged, "bad_signature"),
        (of_another, "bad_signature"),
        (lambda op: "", "missing"),
        (lambda op: None, "missing"),
        (lambda op: 7, "missing"),
        (lambda op: {"sub": "user_1"}, "missing"),
        (lambda op: "opaque", "opaque_token"),
        (lambda op: "a.b.c", "malformed"),
        (lambda op: op.id_token() + ".", "opaque_token"),
        (lambda op: "x" * 20_000, "too_long"),
    ],
)
def test_forgeries(op: Issuer, make: Callable[[Issuer], Any], expected: str) -> None:
    """Nobody but the provider says who somebody is."""
    provider = op.provider()
    attempt = op.begin(provider)
    op.tokens = {"id_token": make(op)}
    with pytest.raises(SignInFailed) as caught:
        provider.finish_sign_in(attempt, op.back(attempt))
    assert ("id_token_invalid", expected) == (caught.value.code, caught.value.detail)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(position=st.integers(0, 10_000), to=st.sampled_from("AQgwZ_-.=x"))
def test_a_character_is_changed(op: Issuer, position: int, to: str) -> None:
    """Then it is not the provider's any more."""
    provider = op.provider()
    attempt = op.begin(provider)
    token = op.id_token()
    position %= len(token)
    op.tokens = {"id_token": token[:position] + to + token[position + 1 :]}
    if op.tokens["id_token"] != token:
        with pytest.raises(SignInFailed):
            provider.finish_sign_in(attempt, op.back(attempt))


def test_other_algorithms(op: Issuer) -> None:
    """Are accepted where they were chosen, and those that were not chosen no longer."""
    op.published, op.key = [CURVE.jwk(), KEY.jwk()], CURVE
    op.claims = {"at_hash": hashed("opaque", 16)}
    assert ("", "wrong_algorithm") == (finding(op, algorithms=["ES256"]), finding(op))
    op.key = KEY
    assert ("wrong_algorithm", "") == (finding(op, algorithms=["ES256"]), finding(op, algorithms=["ES256", "RS256"]))


@pytest.mark.parametrize(
    ("algorithms", "error", "code"),
    [
        (["HS256"], UsageError, "bad_algorithm"),
        (["none"], UsageError, "bad_algorithm"),
        ([], UsageError, "empty_list"),
        ("RS256", UsageTypeError, "wrong_type"),
    ],
)
def test_algorithms_that_cannot_be_chosen(op: Issuer, algorithms: Any, error: type[UsageError], code: str) -> None:
    """Without public keys nobody could tell the provider from us."""
    with pytest.raises(error) as caught:
        op.provider(algorithms=algorithms)
    assert code == caught.value.code


@pytest.mark.parametrize(
    ("algorithm", "make"), [("RS384", sha384), ("PS512", sha512), ("ES256", sha256), ("EdDSA", sha512)]
)
def test_the_hash_of_the_access_token(algorithm: str, make: Callable[[bytes], Any]) -> None:
    """Is the left half of one that is as long as the signature's."""
    digest = make(b"opaque").digest()
    good = encoding.encode(digest[: len(digest) // 2])
    _check_access_token(Token({"at_hash": good}, algorithm), "opaque")
    with pytest.raises(Refused):
        _check_access_token(Token({"at_hash": good}, algorithm), "other")


def test_edwards_curves(op: Issuer) -> None:
    """A token signed by EdDSA, with its own hash."""
    private = ed25519.Ed25519PrivateKey.generate()
    provider = op.provider(algorithms=["EdDSA"])
    attempt = op.begin(provider)
    header, claims, _ = op.id_token().split(".")
    header = encoding.encode(json.dumps({"alg": "EdDSA", "kid": "ed"}).encode())
    op.published = [{**OKPAlgorithm.to_jwk(private.public_key(), as_dict=True), "kid": "ed"}]
    signature = encoding.encode(private.sign(f"{header}.{claims}".encode()))
    op.tokens = {"id_token": f"{header}.{claims}.{signature}"}
    assert {"sub": "user_1"} == provider.finish_sign_in(attempt, op.back(attempt)).user


class TestKeys:
    """Where the provider's keys are from."""

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_they_cannot_be_had(self, op: Issuer, status: int) -> None:
        """Nobody is signed in on faith."""
        op.answers["/jwks"] = reply({"keys": op.published}, status, {"Location": f"{op.url}/elsewhere"})
        with pytest.raises(ProviderUnavailable, match="the keys that it signs with"):
            op.sign_in()

    @pytest.mark.parametrize("url", [None, "http://keys.example.com/jwks", "https://me@keys.example.com"])
    def test_metadata_without_them(self, op: Issuer, url: str | None) -> None:
        """Or with an address that they cannot safely come from."""
        op.metadata = {"jwks_uri": url}
        with pytest.raises(ProviderUnavailable, match="no usable jwks_uri"):
            op.sign_in()

    def test_they_are_fetched_once(self, op: Issuer) -> None:
        """For ID tokens and logout tokens alike, and again for a key that is new."""
        provider = op.provider()
        for _ in range(3):
            op.sign_in(provider)
        assert 1 == len(op.asked("/jwks"))
        op.key = SigningKey("key_2", number=2)
        op.published.append(op.key.jwk())
        op.sign_in(provider)
        assert 2 == len(op.asked("/jwks"))

    def test_a_key_without_which_nothing_is_signed(self, op: Issuer) -> None:
        """One that was taken back is good no more."""
        op.published = [SigningKey("other", number=2).jwk()]
        assert "unknown_kid" == finding(op)


class TestUser:
    """What a session keeps of a person."""

    @given(
        st.dictionaries(
            st.sampled_from([*PROFILE, "address", "groups"]),
            st.text(max_size=600) | st.booleans() | st.none() | st.integers() | st.lists(st.text(max_size=3)),
        )
    )
    def test_it_is_small_and_plain(self, claims: dict[str, Any]) -> None:
        """Whatever the provider thinks of."""
        user = user_of(claims)
        assert set(user) <= set(PROFILE)
        for name, value in user.items():
            assert claims[name] is value
            assert type(value) is bool or 0 < len(value) <= LONGEST

    def test_how_long_a_claim_may_be(self) -> None:
        """To the byte: what people write of themselves in other scripts takes more of a cookie."""
        assert {"sub": "u", "name": "x" * 256} == user_of({"sub": "u", "name": "x" * 256, "picture": "x" * 257})
        assert {"sub": "u", "name": "é" * 128} == user_of({"sub": "u", "name": "é" * 128, "picture": "é" * 129})

    def test_how_long_they_may_be_together(self) -> None:
        """What comes first is kept, and who it is in any case: people must not be able to write themselves out."""
        texts = {name: "x" * 256 for name in PROFILE if name != "email_verified"}
        user = user_of({**texts, "email_verified": True, "sub": "ü" * 255})
        assert {"sub", "email", "email_verified", "name", "given_name"} == set(user)
        user = user_of({**texts, "sub": "u" * 256})
        assert ["sub", "email", "name", "given_name", "family_name"] == list(user)
        assert 1280 == sum(map(len, user.values()))

    @pytest.mark.parametrize(("sid", "is_kept"), [("AA", True), ("A", False), ("A" * 86, True), ("A" * 87, False)])
    def test_how_long_its_name_of_the_session_may_be(self, sid: str, is_kept: bool) -> None:
        """1 to 64 bytes of base64url; of others the hash is kept."""
        assert (sid if is_kept else hashed(sid)) == session_id_of(sid)

    @given(st.text(min_size=1).filter(lambda text: text.isprintable()))
    def test_a_name_of_the_session(self, sid: str) -> None:
        """Whatever the provider calls it, a session can hold ours, and it is the same at every time."""
        name = session_id_of(sid)
        assert name == session_id_of(name) == session_id_of(sid)
        assert 1 <= len(encoding.decode(name)) <= 64


def test_somebody_else_finishes_it(op: Issuer) -> None:
    """An ID token of one's own attempt, slipped into another's, is of no use: that is what the nonce is for."""
    provider = op.provider()
    mine = op.begin(provider)
    stolen = op.id_token()
    theirs = op.begin(provider)
    op.tokens = {"id_token": stolen}
    assert BACK == theirs.redirect_uri
    with pytest.raises(SignInFailed) as caught:
        provider.finish_sign_in(theirs, op.back(theirs))
    assert "nonce_mismatch" == caught.value.code
    assert {"sub": "user_1"} == provider.finish_sign_in(mine, op.back(mine)).user
