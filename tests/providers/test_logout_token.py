"""Logout tokens: OpenID Connect Back-Channel Logout 1.0, section 2.6, line by line."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from sealed_session import LogoutRefused, ProviderUnavailable, UsageError, UsageTypeError
from sealed_session.providers.logout_token import EVENT, MOST_AGE, REMEMBER_FOR, Logout
from tests.core.jwks_server import SigningKey

from .issuer import CLIENT, KEY, NOW, Issuer, but, hashed, issuer
from .server import reply
from .test_id_token import as_hmac, unsigned

SID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


@pytest.fixture
def op() -> Iterator[Issuer]:
    """A provider."""
    with issuer() as running:
        yield running


def claims(op: Issuer, changes: dict[str, Any]) -> dict[str, Any]:
    """Those of a good logout token, but for these."""
    good = {"iss": op.url, "aud": CLIENT, "iat": NOW, "exp": NOW + 120, "jti": "t1", "sid": SID, "sub": "user_1"}
    return but({**good, "events": {EVENT: {}}}, changes)


def token(op: Issuer, *, key: SigningKey = KEY, typ: Any = "logout+jwt", **changes: Any) -> str:
    """A logout token."""
    return key.sign(claims(op, changes), typ=typ)


def finding(op: Issuer, given: str) -> str:
    """Why a token is refused; nothing for a good one."""
    try:
        op.provider().read_logout_token(given)
    except LogoutRefused as error:
        assert "logout_token_invalid" == error.code
        assert not any(secret in str(error) for secret in (SID, "user_1", given[:60] or "-"))
        return error.detail or "?"
    return ""


def test_what_it_says(op: Issuer) -> None:
    """Which session, of whom, when, and its own name."""
    assert Logout(SID, "user_1", NOW, "t1") == op.provider().read_logout_token(token(op))
    assert Logout(SID, None, NOW, "t1") == op.provider().read_logout_token(token(op, sub=None))
    assert Logout(None, "user_1", NOW, "t1") == op.provider().read_logout_token(token(op, sid=None))


def test_which_sessions_it_is_about() -> None:
    """By the ids that they have here: the provider's own, and what is kept of one that a session cannot hold."""
    assert () == Logout(None, "user_1", NOW, "t1").session_ids
    assert (SID,) == Logout(SID, None, NOW, "t1").session_ids
    assert ("no id", hashed("no id")) == Logout("no id", None, NOW, "t1").session_ids


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": "https://evil.example"}, "wrong_issuer"),
        ({"iss": None}, "wrong_issuer"),
        ({"aud": "somebody"}, "wrong_audience"),
        ({"aud": None}, "wrong_audience"),
        ({"aud": [CLIENT]}, ""),
        ({"aud": [CLIENT, "other"]}, ""),
        ({"aud": ["another", "other"]}, "wrong_audience"),
        ({"azp": "other"}, ""),
        ({"iat": None}, "missing_claim"),
        ({"iat": NOW - MOST_AGE - 9}, ""),
        ({"iat": NOW - MOST_AGE - 10}, "too_old"),
        ({"iat": NOW + 60}, ""),
        ({"iat": NOW + 61}, "from_future"),
        ({"iat": str(NOW)}, "bad_time"),
        ({"iat": True}, "bad_time"),
        ({"exp": None}, ""),
        ({"exp": NOW - 9}, ""),
        ({"exp": NOW - 10}, "expired"),
        ({"exp": "soon"}, "bad_time"),
        ({"jti": None}, "missing_claim"),
        ({"jti": ""}, "bad_claim"),
        ({"jti": 7}, "bad_claim"),
        ({"events": None}, "missing_claim"),
        ({"events": {}}, "wrong_event"),
        ({"events": [EVENT]}, "wrong_event"),
        ({"events": EVENT}, "wrong_event"),
        ({"events": {EVENT: None}}, "wrong_event"),
        ({"events": {EVENT: []}}, "wrong_event"),
        ({"events": {"https://schemas.example/other": {}}}, "wrong_event"),
        ({"events": {EVENT: {"more": 1}, "https://schemas.example/other": {}}}, ""),
        ({"sid": None, "sub": None}, "missing_claim"),
        ({"sid": 7}, "bad_claim"),
        ({"sid": ""}, "bad_claim"),
        ({"sid": "\ud800"}, "bad_claim"),
        ({"sub": ["user_1"]}, "bad_claim"),
        ({"nonce": ""}, "has_nonce"),
        ({"nonce": "n"}, "has_nonce"),
    ],
)
def test_claims(op: Issuer, changes: dict[str, Any], expected: str) -> None:
    """At the edges, missing, and of the wrong type."""
    assert expected == finding(op, token(op, **changes))


def test_a_nonce_that_is_null(op: Issuer) -> None:
    """Is one all the same."""
    assert "has_nonce" == finding(op, KEY.sign({**claims(op, {}), "nonce": None}))


@pytest.mark.parametrize(
    ("typ", "expected"),
    [
        ("logout+jwt", ""),
        ("LOGOUT+JWT", ""),
        ("application/logout+jwt", ""),
        ("JWT", ""),
        (None, ""),
        ("at+jwt", "wrong_kind"),
        ("secevent+jwt", "wrong_kind"),
        (7, "wrong_kind"),
    ],
)
def test_its_kind(op: Issuer, typ: Any, expected: str) -> None:
    """Is said by many providers, and by others not."""
    assert expected == finding(op, token(op, typ=typ))


def test_forgeries(op: Issuer) -> None:
    """Nobody but the provider signs people out."""
    assert "bad_signature" == finding(op, token(op, key=SigningKey(number=2)))
    assert "unknown_kid" == finding(op, token(op, key=SigningKey("other", number=2)))
    assert "wrong_algorithm" == finding(op, as_hmac(op))
    assert "wrong_algorithm" == finding(op, unsigned(op))
    for given, expected in (("", "opaque_token"), ("a.b.c", "malformed"), ("x" * 20_000, "too_long")):
        assert expected == finding(op, given)


def test_other_tokens_of_the_provider(op: Issuer) -> None:
    """ID tokens and access tokens, which browsers see, sign nobody out."""
    op.begin(op.provider())
    assert "missing_claim" == finding(op, op.id_token())
    access = but(claims(op, {}), {"events": None, "jti": "t2"})
    assert "wrong_audience" == finding(op, KEY.sign({**access, "aud": "urn:api"}, typ="at+jwt"))
    assert "wrong_kind" == finding(op, KEY.sign(access, typ="at+jwt"))
    assert "missing_claim" == finding(op, KEY.sign(access))


def test_text_alone(op: Issuer) -> None:
    """A form's field is one."""
    with pytest.raises(UsageTypeError):
        op.provider().read_logout_token(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration"])
def test_while_the_provider_is_down(op: Issuer, path: str) -> None:
    """Nobody knows; the provider should send it again."""
    op.answers[path] = reply(b"", 503)
    with pytest.raises(ProviderUnavailable):
        op.provider().read_logout_token(token(op))


def test_keys_are_shared_with_sign_in(op: Issuer) -> None:
    """They are fetched once."""
    provider = op.provider()
    op.sign_in(provider)
    provider.read_logout_token(token(op))
    assert 1 == len(op.asked("/jwks"))


def test_without_an_issuer(op: Issuer) -> None:
    """Nobody could send one."""
    provider = op.provider(issuer=None, token_endpoint=f"{op.url}/token")
    with pytest.raises(UsageError) as caught:
        provider.read_logout_token(token(op))
    assert "provider_option" == caught.value.code


def test_for_how_long_one_could_come_again(op: Issuer) -> None:
    """Whoever remembers it for so long has it never twice."""
    ahead = token(op, iat=NOW + 60, exp=None)
    for later, expected in ((REMEMBER_FOR - 1, ""), (REMEMBER_FOR, "too_old")):
        try:
            op.provider(clock=lambda later=later: NOW + later).read_logout_token(ahead)
            found = ""
        except LogoutRefused as error:
            found = error.detail or "?"
        assert expected == found


def test_refusals_survive_pickling() -> None:
    """Worker pools carry exceptions."""
    back = pickle.loads(pickle.dumps(LogoutRefused("m", detail="too_old")))  # noqa: S301
    assert ("m", "too_old", "logout_token_invalid") == (str(back), back.detail, back.code)
