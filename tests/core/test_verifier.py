"""Verifying access tokens: who may come in, why the others may not, and that nothing from outside raises or leaks."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import example, given
from hypothesis import strategies as st

from sealed_session import UsageError, UsageTypeError, encoding
from sealed_session.jwks import RENEW_AFTER, RETRY_AFTER
from sealed_session.testing import Clock, access_token
from sealed_session.verifier import FINDINGS, MAX_TOKEN_CHARACTERS, JWTVerifier, Verdict, Verification

from .jwks_server import PATIENCE, CurveKey, JWKSServer, SigningKey, jwks_server, settle

ISSUER = "https://api.example.com/"
KEY, NEXT, CURVE = SigningKey("key_1"), SigningKey("key_2", number=2), CurveKey()
CLOCK = Clock()
NOW = CLOCK.now
KEYS = {"keys": [KEY.jwk(), CURVE.jwk()]}


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims, but for these; None removes one."""
    good = {"iss": ISSUER, "sub": "user_1", "iat": NOW, "exp": NOW + 300, "sid": "secret_sid"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def verifier(**options: Any) -> JWTVerifier:
    """A verifier with static keys, where nothing else is said."""
    given = {"issuers": (ISSUER,), "clock": CLOCK, **options}
    return JWTVerifier(**given) if "jwks_url" in given else JWTVerifier(**{"keys": KEYS, **given})


def code(token: str, *, subject: str | None = None, **options: Any) -> str:
    """What is found."""
    return verifier(**options).verify(token, subject=subject).code


@pytest.fixture
def server() -> Iterator[JWKSServer]:
    """An endpoint with one key."""
    with jwks_server(KEY) as running:
        yield running


def test_a_good_token() -> None:
    """Is VALID, and its claims are what it says."""
    done = verifier().verify(KEY.sign(claims()), subject="user_1")
    assert (Verdict.VALID, "valid", claims()) == (done.verdict, done.code, done.claims)
    assert "the token is good." == done.reason


def test_an_expired_token() -> None:
    """Has a good signature, so its claims can be believed."""
    done = verifier().verify(KEY.sign(claims(exp=NOW - 10)))
    assert (Verdict.EXPIRED, "expired", claims(exp=NOW - 10)) == (done.verdict, done.code, done.claims)


def test_a_refused_token_has_no_claims() -> None:
    """Nobody shall work with what is not believed."""
    forged = NEXT.sign(claims(), kid="key_1")
    for token in (forged, NEXT.sign(claims(exp=NOW - 10), kid="key_1"), "opaque", KEY.sign(claims(iss="https://evil"))):
        done = verifier().verify(token)
        assert (Verdict.INVALID, None) == (done.verdict, done.claims)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"exp": NOW - 9}, "valid"),
        ({"exp": NOW - 10}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": None}, "missing_claim"),
        ({"exp": str(NOW + 300)}, "bad_time"),
        ({"exp": NOW + 300.0}, "bad_time"),
        ({"exp": True}, "bad_time"),
        ({"exp": -1}, "bad_time"),
        ({"exp": 10**12}, "bad_time"),
        ({"exp": 10**600}, "bad_time"),
        ({"exp": [NOW]}, "bad_time"),
        ({"nbf": NOW + 60}, "valid"),
        ({"nbf": NOW + 61}, "not_yet_valid"),
        ({"nbf": "0"}, "bad_time"),
        ({"iat": NOW + 10**6}, "valid"),
        ({"iat": None}, "valid"),
        ({"iat": "yesterday"}, "valid"),
        ({"iss": None}, "wrong_issuer"),
        ({"iss": ISSUER.rstrip("/")}, "wrong_issuer"),
        ({"iss": [ISSUER]}, "wrong_issuer"),
        ({"iss": {}}, "wrong_issuer"),
        ({"aud": "somebody"}, "valid"),
    ],
)
def test_claims(changes: dict[str, Any], found: str) -> None:
    """At the edges, and of the wrong type."""
    assert found == code(KEY.sign(claims(**changes)))


def test_a_null_is_not_there() -> None:
    """As required; and otherwise it is no time."""
    token = KEY.sign({**claims(), "exp": None})
    assert ("missing_claim", "bad_time") == (code(token), code(token, require=()))


def test_leeways_are_as_configured() -> None:
    """None at all is possible."""
    assert ("expired", "valid") == (
        code(KEY.sign(claims(exp=NOW)), leeway=0),
        code(KEY.sign(claims(exp=NOW + 1)), leeway=0),
    )
    assert "not_yet_valid" == code(KEY.sign(claims(nbf=NOW + 1)), nbf_leeway=0)
    assert "valid" == code(KEY.sign(claims(exp=NOW - 99)), leeway=100)


def test_a_token_without_an_end() -> None:
    """Is taken where the end is not required; other claims can be."""
    assert "valid" == code(KEY.sign(claims(exp=None)), require=())
    assert "missing_claim" == code(KEY.sign(claims()), require=("exp", "org_id"))
    assert "valid" == code(KEY.sign(claims(org_id="org_1")), require=["exp", "org_id"])


@pytest.mark.parametrize(
    ("audience", "aud", "found"),
    [
        ("app", "app", "valid"),
        ("app", ["other", "app"], "valid"),
        (["app", "api"], "api", "valid"),
        ("app", "other", "wrong_audience"),
        ("app", "application", "wrong_audience"),
        ("app", ["other"], "wrong_audience"),
        ("app", [], "wrong_audience"),
        ("app", None, "wrong_audience"),
        ("app", {"app": 1}, "wrong_audience"),
        ("app", [["app"]], "wrong_audience"),
    ],
)
def test_audiences(audience: Any, aud: Any, found: str) -> None:
    """One of ours is among the token's."""
    assert found == code(KEY.sign(claims(aud=aud)), audience=audience)


@pytest.mark.parametrize("sub", ["user_2", "USER_1", "", 1, None, ["user_1"]])
@pytest.mark.row("WO-12")
def test_WO_12_the_user_is_the_subject(sub: Any) -> None:  # noqa: N802
    """A token about somebody else does not go with the sealed user, and without one anybody may come."""
    token = KEY.sign(claims(sub=sub))
    assert ("wrong_subject", "valid") == (code(token, subject="user_1"), code(token))


@pytest.mark.row("WO-12")
def test_WO_12_keys_by_url_rs256_issuer_and_leeway(server: JWKSServer) -> None:  # noqa: N802
    """The set of the client, fetched once; RS256 and nothing else, the issuer, ten seconds."""
    one = verifier(jwks_url=server.url)
    server.keys.append(CURVE.jwk())
    assert Verdict.VALID is one.verify(KEY.sign(claims(exp=NOW - 9)), subject="user_1").verdict
    assert "expired" == one.verify(KEY.sign(claims(exp=NOW - 10))).code
    assert "wrong_algorithm" == one.verify(CURVE.sign(claims())).code
    assert "wrong_issuer" == one.verify(KEY.sign(claims(iss="https://api.workos.example/"))).code
    assert 1 == server.fetches


@pytest.mark.row("ST-12")
def test_ST_12_audience_issuer_and_greatest_age(server: JWKSServer) -> None:  # noqa: N802
    """The project is among the audiences, either issuer is good, and an old token wants a refresh, not a sign-in."""
    project = "project-test-1"
    options: dict[str, Any] = {"issuers": [f"stytch.com/{project}", "https://login.example.com"], "audience": project}
    good = claims(iss=f"stytch.com/{project}", aud=[project])
    one = verifier(jwks_url=server.url, max_age=60, **options)
    assert "valid" == one.verify(KEY.sign(good)).code
    assert "valid" == one.verify(KEY.sign({**good, "iss": "https://login.example.com"})).code
    assert "wrong_issuer" == one.verify(KEY.sign({**good, "iss": "stytch.com/project-test-2"})).code
    assert "wrong_audience" == one.verify(KEY.sign({**good, "aud": ["project-test-2"]})).code
    assert "valid" == one.verify(KEY.sign({**good, "iat": NOW - 69})).code
    old = one.verify(KEY.sign({**good, "iat": NOW - 70}))
    assert (Verdict.EXPIRED, "too_old", NOW - 70) == (old.verdict, old.code, (old.claims or {})["iat"])
    assert "expired" == one.verify(KEY.sign({**good, "iat": NOW - 70, "exp": NOW - 10})).code
    assert 1 == server.fetches


def test_the_greatest_age_needs_a_time() -> None:
    """A token that does not say when it was issued may be of any age. A timedelta is as good as seconds."""
    age = timedelta(minutes=1)
    assert "missing_claim" == code(KEY.sign(claims(iat=None)), max_age=age)
    assert "bad_time" == code(KEY.sign(claims(iat=1.5)), max_age=age)
    assert "valid" == code(KEY.sign(claims(iat=NOW + 999)), max_age=age)
    assert "too_old" == code(KEY.sign(claims(iat=NOW - 70)), max_age=age)


@pytest.mark.row("CB-7")
def test_CB_7_three_issuers_no_audience_and_an_end(server: JWKSServer) -> None:  # noqa: N802
    """Any of the issuers; ``aud`` is not looked at; ``exp`` has to be there."""
    issuers = ("https://auth.example.com", "https://pro-1.frontendapi.corbado.io", "https://pro-1.frontendapi.cloud.x")
    one = verifier(jwks_url=server.url, issuers=issuers)
    assert ["valid"] * 3 == [one.verify(KEY.sign(claims(iss=issuer, aud="x"))).code for issuer in issuers]
    assert "wrong_issuer" == one.verify(KEY.sign(claims(iss="https://pro-2.frontendapi.corbado.io"))).code
    assert "missing_claim" == one.verify(KEY.sign(claims(iss=issuers[0], exp=None))).code
    assert "wrong_algorithm" == one.verify(KEY.sign(claims(iss=issuers[0]), alg="RS512")).code


@pytest.mark.row("CB-8")
def test_CB_8_an_outage_is_not_an_expiry(server: JWKSServer) -> None:  # noqa: N802
    """Without keys nobody knows; a token that is expired is found expired as soon as there are keys."""
    server.fault = "status_500"
    clock = Clock()
    one = verifier(jwks_url=server.url, clock=clock)
    done = one.verify(KEY.sign(claims(exp=NOW - 10)))
    assert (Verdict.UNAVAILABLE, "keys_unavailable", None) == (done.verdict, done.code, done.claims)
    server.fault = ""
    clock.advance(RETRY_AFTER)
    assert Verdict.EXPIRED is one.verify(KEY.sign(claims(exp=NOW - 10))).verdict


def unsigned(**header: Any) -> str:
    """A token that is good but for its signature."""
    parts = ({"alg": "none", "kid": "key_1", **header}, claims())
    return ".".join([encoding.encode(json.dumps(part).encode()) for part in parts]) + "."


def signed_with_the_public_key() -> str:
    """The classic: the public key is no secret, and here it is taken for the secret of an HMAC."""
    public = KEY.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = unsigned(alg="HS256").rstrip(".")
    return f"{signed}.{encoding.encode(jwt.get_algorithm_by_name('HS256').sign(signed.encode(), public))}"


def tampered() -> str:
    """Other claims under an old signature."""
    head, _, signature = KEY.sign(claims()).split(".")
    return f"{head}.{encoding.encode(json.dumps(claims(sub='admin')).encode())}.{signature}"


GOOD_HEADER = b'{"alg":"RS256","kid":"key_1"}'
BOMB = b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"
HOSTILE = {
    "none": (unsigned(), "wrong_algorithm"),
    "none in capitals": (unsigned(alg="NONE"), "wrong_algorithm"),
    "no signature": (unsigned(alg="RS256"), "bad_signature"),
    "HS256 with the public key": (signed_with_the_public_key(), "wrong_algorithm"),
    "no alg": (KEY.sign(claims(), alg=None), "wrong_algorithm"),
    "alg is no text": (KEY.sign(claims(), alg=["RS256"]), "wrong_algorithm"),
    "another alg": (KEY.sign(claims(), alg="RS512"), "wrong_algorithm"),
    "another alg of the key": (KEY.sign(claims(), alg="ES256"), "wrong_algorithm"),
    "a key of another alg": (KEY.sign(claims(), kid="curve_1"), "wrong_algorithm"),
    "no kid": (KEY.sign(claims(), kid=None), "missing_kid"),
    "an empty kid": (KEY.sign(claims(), kid=""), "missing_kid"),
    "kid is no text": (KEY.sign(claims(), kid=1), "missing_kid"),
    "an unknown kid": (KEY.sign(claims(), kid="../../etc/passwd"), "unknown_kid"),
    "crit": (KEY.sign(claims(), crit=["exp"]), "unsupported_crit"),
    "crit is empty": (KEY.sign(claims(), crit=[]), "unsupported_crit"),
    "crit of b64": (KEY.sign(claims(), crit=["b64"], b64=False), "unsupported_crit"),
    "b64 without crit": (KEY.sign(claims(), b64=False), "bad_signature"),
    "its own key": (NEXT.sign(claims(), kid="key_1", jwk=NEXT.jwk()), "bad_signature"),
    "its own set": (NEXT.sign(claims(), jku="https://evil.example/jwks"), "unknown_kid"),
    "another key": (NEXT.sign(claims(), kid="key_1"), "bad_signature"),
    "tampered": (tampered(), "bad_signature"),
    "random signature": (access_token(expires_at=NOW, iss=ISSUER), "unknown_kid"),
    "too long": ("a" * (MAX_TOKEN_CHARACTERS + 1), "too_long"),
    "too long, and signed": (KEY.sign(claims(more="x" * MAX_TOKEN_CHARACTERS)), "too_long"),
    "nothing": ("", "opaque_token"),
    "opaque": ("sk_live_51H8", "opaque_token"),
    "two parts": ("a.b", "opaque_token"),
    "five parts, as when encrypted": ("a.b.c.d.e", "opaque_token"),
    "only dots": ("..", "malformed"),
    "not base64url": ("a+b.c.d", "malformed"),
    "padded": (KEY.sign(claims()) + "==", "malformed"),
    "white space": (KEY.sign(claims()) + "\n", "malformed"),
    "not ASCII": ("ä.ö.ü", "malformed"),
    "a surrogate": ("\ud800.\udfff.x", "malformed"),
    "not JSON": (KEY.sign_texts(GOOD_HEADER, b"<html>"), "malformed"),
    "not UTF-8": (KEY.sign_texts(GOOD_HEADER, b'{"a":"\xff"}'), "malformed"),
    "an array": (KEY.sign_texts(GOOD_HEADER, b"[]"), "malformed"),
    "a null": (KEY.sign_texts(b"null", b"null"), "malformed"),
    "NaN": (KEY.sign_texts(GOOD_HEADER, b'{"exp":NaN}'), "malformed"),
    "infinite": (KEY.sign_texts(GOOD_HEADER, b'{"exp":1e999}'), "malformed"),
    "5,000 digits": (KEY.sign_texts(GOOD_HEADER, b'{"exp":' + b"9" * 5000 + b"}"), "malformed"),
    "a bomb in the claims": (KEY.sign_texts(GOOD_HEADER, BOMB), "malformed"),
    "a bomb in the header": (KEY.sign_texts(BOMB, b"{}"), "malformed"),
    "a header twice": (KEY.sign_texts(b'{"alg":"none","alg":"RS256","kid":"key_1"}', b"{}"), "malformed"),
    "a kid twice": (KEY.sign_texts(b'{"alg":"RS256","kid":"key_2","kid":"key_1"}', b"{}"), "malformed"),
    "a claim twice": (KEY.sign_texts(GOOD_HEADER, b'{"sub":"a","sub":"b"}'), "malformed"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tokens(name: str) -> None:
    """Each is INVALID, for the right reason."""
    token, found = HOSTILE[name]
    both = verifier(algorithms=("RS256", "ES256")).verify(token)
    assert (Verdict.INVALID, None) == (both.verdict, both.claims)
    assert found == code(token)


def test_the_algorithm_is_the_one_of_the_key() -> None:
    """Also where several are accepted."""
    options: dict[str, Any] = {"algorithms": ("RS256", "ES256")}
    assert ("valid", "valid") == (code(KEY.sign(claims()), **options), code(CURVE.sign(claims()), **options))
    assert "wrong_algorithm" == code(CURVE.sign(claims(), kid="key_1"), **options)
    assert "wrong_algorithm" == code(KEY.sign(claims(), kid="curve_1"), **options)
    assert "bad_signature" == code(KEY.sign(claims(), kid="curve_1", alg="ES256"), **options)


def test_a_name_of_two_keys() -> None:
    """Says nothing about who signed."""
    keys = {"keys": [KEY.jwk(), NEXT.jwk(kid="key_1")]}
    assert ("duplicate_kid", "duplicate_kid") == (
        code(KEY.sign(claims()), keys=keys),
        code(NEXT.sign(claims(), kid="key_1"), keys=keys),
    )


def test_garbage_fetches_nothing(server: JWKSServer) -> None:
    """Only a token that would be good if it were signed is worth a look at the network."""
    one = verifier(jwks_url=server.url)
    strangers = [token for token, found in HOSTILE.values() if found not in ("unknown_kid", "bad_signature")]
    strangers = [token for token in strangers if token != HOSTILE["a key of another alg"][0]]
    strangers += [
        KEY.sign(claims(iss="https://other.example")),
        KEY.sign(claims(exp="soon")),
        KEY.sign(claims(exp=None)),
    ]
    assert {Verdict.INVALID} == {one.verify(token).verdict for token in strangers}
    assert 0 == server.fetches


def test_a_flood_of_unknown_kids(server: JWKSServer) -> None:
    """A thousand of them cause two fetches at most, and no genuine token is refused meanwhile."""
    one = verifier(jwks_url=server.url)
    tokens = [NEXT.sign(claims(), kid=f"made_up_{number}") for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        found = [done.code for done in pool.map(one.verify, tokens * 50)]
    assert {"unknown_kid"} == set(found)
    assert server.fetches <= 2
    assert "valid" == one.verify(KEY.sign(claims())).code


def test_keys_are_rotated(server: JWKSServer) -> None:
    """A token under the new key is good at once; one under the old key until the provider withdraws it."""
    one = verifier(jwks_url=server.url)
    assert "valid" == one.verify(KEY.sign(claims())).code
    server.rotate(KEY, NEXT)
    assert ["valid", "valid"] == [one.verify(key.sign(claims())).code for key in (NEXT, KEY)]
    server.rotate(NEXT)
    assert "valid" == one.verify(KEY.sign(claims())).code
    assert 2 == server.fetches


def test_an_outage_does_not_matter_while_a_set_is_held(server: JWKSServer) -> None:
    """For a day; an unknown kid is not refused meanwhile, because nobody can ask."""
    clock = Clock()
    one = verifier(jwks_url=server.url, clock=clock)
    token = KEY.sign(claims(exp=NOW + 90_000))
    assert Verdict.VALID is one.verify(token).verdict
    server.fault = "status_500"
    clock.advance(RENEW_AFTER)
    assert Verdict.VALID is one.verify(token).verdict
    settle()
    assert Verdict.UNAVAILABLE is one.verify(NEXT.sign(claims(exp=NOW + 90_000))).verdict
    clock.advance(86_400 - RENEW_AFTER + 1)
    assert Verdict.UNAVAILABLE is one.verify(token).verdict


def test_nothing_leaks(server: JWKSServer, caplog: pytest.LogCaptureFixture) -> None:
    """No text of a token, a claim or a key is in a repr, a message or a log, whatever was found."""
    secrets = [KEY.jwk()["n"][:40], "secret_sid", "user_1", ISSUER]
    server.fault = "html"
    with caplog.at_level(logging.DEBUG):
        tokens = [token for token, _ in HOSTILE.values()] + [KEY.sign(claims()), KEY.sign(claims(exp=0))]
        for one in (verifier(), verifier(jwks_url=server.url)):
            for token in tokens:
                done = one.verify(token, subject="user_1")
                shown = f"{done!r} {done} {done.reason} {one!r}"
                assert [] == [secret for secret in [*secrets, token[:30] or "-" * 9] if secret in shown]
    settle()
    assert [] == [secret for secret in [*secrets, *(token[:30] for token in tokens if token)] if secret in caplog.text]


def test_the_repr() -> None:
    """Says what was found."""
    shown = repr(verifier().verify(KEY.sign(claims())))
    assert "Verification(verdict=<Verdict.VALID: 'valid'>, code='valid')" == shown


def test_a_verification_is_a_value() -> None:
    """Equal by what it says; it may be sent to another process, as an error may."""
    done = verifier().verify("opaque")
    assert Verification(Verdict.INVALID, "opaque_token") == done == pickle.loads(pickle.dumps(done))  # noqa: S301


def test_every_finding_has_its_sentence() -> None:
    """A short word and the rest of a sentence."""
    for name, (verdict, text) in FINDINGS.items():
        assert (True, True, True) == (name.isidentifier(), isinstance(verdict, Verdict), text.endswith((".", "?")))


def test_the_clock_is_looked_up_at_call_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none was given."""
    one = JWTVerifier(keys=KEYS, issuers=[ISSUER])
    monkeypatch.setattr(time, "time", lambda: NOW + 309.0)
    assert "valid" == one.verify(KEY.sign(claims())).code
    monkeypatch.setattr(time, "time", lambda: NOW + 310.0)
    assert "expired" == one.verify(KEY.sign(claims())).code


@given(st.text())
@example("")
def test_any_text(token: str) -> None:
    """Is INVALID."""
    assert Verdict.INVALID is verifier().verify(token).verdict


PART = st.one_of(
    st.binary(max_size=60).map(encoding.encode),
    st.dictionaries(
        st.sampled_from(["alg", "kid", "crit", "exp", "nbf", "iat", "iss", "aud", "sub", "x"]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text()
            | st.sampled_from(["RS256", "key_1", ISSUER, NOW + 99]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=6,
        ),
    ).map(lambda value: encoding.encode(json.dumps(value).encode())),
    st.text(max_size=30),
)


@given(st.lists(PART, min_size=3, max_size=3), st.none() | st.text(max_size=5))
def test_anything_like_a_token(parts: list[str], subject: str | None) -> None:
    """Is INVALID too."""
    one = verifier(audience="app", max_age=60, require=("exp", "sub"))
    assert Verdict.INVALID is one.verify(".".join(parts), subject=subject).verdict


@given(st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "iss", "aud", "sub", "x"]), st.integers() | st.text()))
def test_anything_that_is_signed(changes: dict[str, Any]) -> None:
    """May be VALID or EXPIRED, and never raises."""
    done = verifier(max_age=60).verify(KEY.sign({**claims(), **changes}), subject="user_1")
    assert (done.claims is None) == (done.verdict is Verdict.INVALID)


@given(st.integers(0), st.characters())
def test_any_character_that_is_changed(position: int, character: str) -> None:
    """Makes the token INVALID, for whatever reason."""
    token = KEY.sign(claims())
    position %= len(token)
    changed = token[:position] + character + token[position + 1 :]
    assert (changed == token) == (Verdict.VALID is verifier().verify(changed).verdict)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"issuers": ISSUER}, "wrong_type"),
        ({"issuers": ()}, "empty_list"),
        ({"issuers": [""]}, "empty_list"),
        ({"issuers": [b"x"]}, "wrong_type"),
        ({"issuers": None}, "wrong_type"),
        ({"audience": ""}, "empty_list"),
        ({"audience": []}, "empty_list"),
        ({"audience": 7}, "wrong_type"),
        ({"require": "exp"}, "wrong_type"),
        ({"require": None}, "wrong_type"),
        ({"algorithms": "RS256"}, "wrong_type"),
        ({"algorithms": []}, "empty_list"),
        ({"algorithms": ["HS256"]}, "bad_algorithm"),
        ({"algorithms": ["RS256", "none"]}, "bad_algorithm"),
        ({"leeway": -1}, "bad_number"),
        ({"leeway": 0.5}, "wrong_type"),
        ({"nbf_leeway": True}, "wrong_type"),
        ({"max_age": 0}, "bad_duration"),
        ({"max_age": "60"}, "wrong_type"),
        ({"timeout": None}, "wrong_type"),
        ({"timeout": 0}, "bad_duration"),
        ({"clock": 7}, "wrong_type"),
        ({"fetch": "https://api.example.com/jwks"}, "wrong_type"),
        ({"allow_http": "no"}, "wrong_type"),
        ({"keys": None}, "bad_keys"),
        ({"jwks_url": "https://x.example/jwks", "keys": KEYS}, "bad_keys"),
        ({"keys": [KEY.jwk()]}, "wrong_type"),
        ({"keys": {}}, "bad_keys"),
        ({"keys": {"keys": [CURVE.jwk()]}}, "bad_keys"),
    ],
)
def test_settings_that_are_wrong(options: dict[str, Any], expected: str) -> None:
    """Are refused when the verifier is made, without what they hold."""
    with pytest.raises(UsageError) as caught:
        verifier(**options)
    assert (expected, None) == (caught.value.code, caught.value.__context__)
    assert KEY.jwk()["n"][:40] not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/jwks",
        "http://localhost.example.com/jwks",
        "ftp://api.example.com/jwks",
        "file:///etc/passwd",
        "https:///jwks",
        "https://",
        "api.example.com/jwks",
        "",
        "https://user:hunter2@api.example.com/jwks",
        "https://api.example.com/jwks#fragment",
        "https://api.example.com:99999/jwks",
        "https://[::1/jwks",
        "https://api.example.com/a b",
        "https://api.example.com/\n",
        "https://api.example.com\\@evil.example/",
        "https://äpi.example.com/",
    ],
)
def test_addresses_that_keys_must_not_come_from(url: str) -> None:
    """Are not quoted either."""
    with pytest.raises(UsageError, match="expected an https address") as caught:
        verifier(jwks_url=url)
    assert ("bad_jwks_url", None) == (caught.value.code, caught.value.__context__)
    assert "hunter2" not in str(caught.value)


def test_addresses_that_are_good() -> None:
    """With TLS from anywhere; without it from this machine, or where that was asked for."""
    for url in ("https://x.example/a?b=c", "http://localhost:80/", "http://127.0.0.9/", "http://[::1]:8080/jwks"):
        assert isinstance(verifier(jwks_url=url), JWTVerifier)
    assert isinstance(verifier(jwks_url="http://jwks.internal/", allow_http=True), JWTVerifier)
    with pytest.raises(UsageTypeError, match="jwks_url: expected a str, got bytes"):
        verifier(jwks_url=b"https://x.example")


def test_keys_that_are_fetched_in_a_way_of_ones_own() -> None:
    """With a private authority's certificates, for example; by the address, and within seconds."""
    asked: list[tuple[str, float]] = []

    def fetch(url: str, seconds: float) -> bytes:
        asked.append((url, seconds))
        return json.dumps(KEYS).encode()

    assert "valid" == code(KEY.sign(claims()), jwks_url="https://x.example/", timeout=2, fetch=fetch)
    settle()
    assert [("https://x.example/", 2)] == asked


@pytest.mark.parametrize("arguments", [(None,), (b"a.b.c",), (1,)])
def test_a_token_is_text(arguments: Any) -> None:
    """Anything else is a mistake of the caller's."""
    with pytest.raises(UsageTypeError, match=r"access_token: expected a str"):
        verifier().verify(*arguments)
    with pytest.raises(UsageTypeError, match=r"subject: expected a str or None, got int"):
        verifier().verify("a.b.c", subject=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("module", "package", "make"),
    [
        ("jwt", "PyJWT", lambda: verifier()),
        ("jwt", "PyJWT", lambda: verifier(jwks_url="https://x.example")),
        ("httpx2", "httpx2", lambda: verifier(jwks_url="https://x.example")),
    ],
)
def test_a_package_that_is_missing(
    module: str, package: str, make: Callable[[], JWTVerifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is named at the start with the command; keys that are at hand need no HTTP."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=rf"{package}.*pip install 'sealed-session\[flask\]'") as caught:
        make()
    assert ("extra_missing", None) == (caught.value.code, caught.value.__context__)
    if module == "httpx2":
        assert "valid" == code(KEY.sign(claims()))


def test_nothing_is_loaded_before_it_is_needed() -> None:
    """Neither package by the import, nor by making a verifier."""
    program = (
        "import sys\n"
        "from sealed_session.verifier import JWTVerifier\n"
        "JWTVerifier('https://x.example', issuers=['x'])\n"
        "print({'jwt', 'httpx2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert "set()\n" == done.stdout
