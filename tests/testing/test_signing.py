"""The keys of a fake, and tokens that others make up: judged by our verifier, and by PyJWT."""

from __future__ import annotations

import jwt
import pytest
from freezegun import freeze_time

from sealed_session.testing import FakeCorbado, FakeStytch, forge
from sealed_session.testing.signing import SigningKey, read
from sealed_session.verifier import Verdict

from .calls import get, verifier

FINDINGS = {
    "alg none": "wrong_algorithm",
    "HS256 with the public key": "wrong_algorithm",
    "a foreign key": "bad_signature",
    "an unknown key": "unknown_kid",
    "tampered": "bad_signature",
    "no exp": "missing_claim",
    "not yet valid": "not_yet_valid",
    "another issuer": "wrong_issuer",
}


def test_a_good_token_is_good(stytch: FakeStytch) -> None:
    """By our verifier, and by PyJWT, with the keys that are published."""
    token = stytch.sign_in()["access_token"]
    with verifier(stytch, stytch.issuer, audience=stytch.project_id) as ours:
        assert Verdict.VALID == ours.verify(token).verdict
    key = jwt.PyJWKClient(stytch.jwks_url).get_signing_key_from_jwt(token)
    with freeze_time("2027-01-15 08:00:00"):
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=stytch.project_id)
    assert read(token)[1] == claims


def test_every_forgery_has_a_finding() -> None:
    """So that none is added here without a test below."""
    assert set(FINDINGS) == set(forge.FORGERIES)


@pytest.mark.parametrize("kind", forge.FORGERIES)
def test_a_forgery_is_refused(stytch: FakeStytch, kind: str) -> None:
    """For the very reason that it was made for."""
    token = forge.FORGERIES[kind](stytch, stytch.sign_in()["access_token"])
    with verifier(stytch, stytch.issuer, audience=stytch.project_id) as ours:
        found = ours.verify(token)
    assert (Verdict.INVALID, FINDINGS[kind]) == (found.verdict, found.code)


def test_what_is_no_forgery(stytch: FakeStytch) -> None:
    """An old token is told from a wrong one, and another audience is wrong where there is one."""
    good = stytch.sign_in()["access_token"]
    with verifier(stytch, stytch.issuer, audience=stytch.project_id) as ours:
        assert "expired" == ours.verify(forge.expired(stytch, good)).code
        assert "wrong_audience" == ours.verify(forge.for_somebody_else(stytch, good)).code
        assert "valid" == ours.verify(forge.changed(stytch, good, added=1)).code


def test_the_key_rotates(stytch: FakeStytch) -> None:
    """What the old one has signed is good as long as it is published."""
    old = stytch.sign_in()["access_token"]
    stytch.rotate_key()
    new = stytch.sign_in()["access_token"]
    assert read(old)[0]["kid"] != read(new)[0]["kid"]
    published = [key["kid"] for key in get(stytch, stytch.jwks_path).json()["keys"]]
    assert [read(new)[0]["kid"], read(old)[0]["kid"]] == published
    with verifier(stytch, stytch.issuer) as ours:
        assert [Verdict.VALID] * 2 == [ours.verify(token).verdict for token in (old, new)]


def test_the_old_key_may_be_gone(stytch: FakeStytch) -> None:
    """Then what it has signed is not good any more."""
    old = stytch.sign_in()["access_token"]
    stytch.rotate_key(keep_old=False)
    with verifier(stytch, stytch.issuer) as ours:
        assert "unknown_kid" == ours.verify(old).code


def test_headers_may_be_anything(stytch: FakeStytch) -> None:
    """A member that is None is left out."""
    assert {"alg": "RS256", "kid": "mine"} == read(stytch.sign({"sub": "x"}, kid="mine", typ=None))[0]


def test_its_own_tokens_are_known() -> None:
    """By name and signature of a published key, whatever their time; no others are."""
    fake = FakeCorbado()
    assert {"sub": "x"} == fake.keys.claims_of(fake.sign({"sub": "x"}))
    strangers = [
        "",
        "a.b.c",
        "a.b",
        f"{fake.sign({'sub': 'x'}).rpartition('.')[0]}.!",
        fake.sign({"sub": "x"}, kid="mine"),
        fake.sign({"sub": "x"}, alg="PS256"),
        SigningKey("somebody").sign({"sub": "x"}, kid=fake.keys.current.kid),
    ]
    assert [None] * len(strangers) == [fake.keys.claims_of(one) for one in strangers]
