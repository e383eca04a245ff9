"""What is said of a published set of keys."""

from __future__ import annotations

from typing import Any

import pytest

from sealed_session.providers.key_survey import KeySurvey, survey
from tests.core.jwks_server import CurveKey, SigningKey

GOOD, SECOND = SigningKey().jwk(), SigningKey("key_2", number=2).jwk()
WEAK = SigningKey("weak", number=3, bits=1024).jwk()
CURVE = CurveKey().jwk()


def counted(*keys: Any, algorithms: tuple[str, ...] = ("RS256",)) -> dict[str, Any]:
    """What a survey has counted, less what there is none of."""
    found = survey({"keys": list(keys)}, algorithms)
    assert isinstance(found, KeySurvey)
    values = {name: getattr(found, name) for name in KeySurvey.__slots__}
    return {name: value for name, value in values.items() if value}


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": None}, "keys", 1])
def test_what_is_no_set_of_keys(document: Any) -> None:
    """Is not surveyed."""
    assert survey(document, ["RS256"]) is None


def test_good_keys_are_counted_by_their_names() -> None:
    """One that is listed twice is one."""
    assert {} == counted()
    assert {"usable": 2} == counted(GOOD, SECOND, GOOD)
    assert {"usable": 2} == counted(GOOD, CURVE, algorithms=("RS256", "ES256"))


def test_weak_keys_are_told_from_broken_ones() -> None:
    """By the length of their modulus."""
    assert {"weak": 1, "usable": 1} == counted(GOOD, WEAK)
    assert {"weak": 1} == counted(WEAK)


@pytest.mark.parametrize(
    "key",
    [None, 1, "key", [], *({**GOOD, "n": n} for n in (None, 1, "", "+", "A", "ü")), {**GOOD, "n": None, "e": "AQAB"}],
)
def test_what_cannot_be_read_is_broken(key: Any) -> None:
    """Whatever stands in the place of a key; the others are as good as before."""
    assert {"usable": 1, "broken": 1} == counted(SECOND, key)


def test_a_key_without_a_part_is_broken() -> None:
    """Of a curve, too."""
    without = {name: value for name, value in GOOD.items() if name != "n"}
    assert {"broken": 1} == counted(without)
    assert {"broken": 1} == counted({name: value for name, value in GOOD.items() if name != "e"})
    assert {"broken": 1} == counted({**CURVE, "x": "AAAA"}, algorithms=("ES256",))


def test_keys_without_a_name_are_of_no_use() -> None:
    """Tokens name their key."""
    assert {"nameless": 2} == counted(SigningKey().jwk(kid=None), {**GOOD, "kid": 7})


def test_a_name_of_several_keys_is_of_no_use() -> None:
    """Nobody knows which one is meant; of different algorithms it is clear."""
    other = SigningKey("key_1", number=2).jwk()
    assert {"ambiguous": 1, "usable": 1} == counted(GOOD, other, SECOND)
    assert {"usable": 1} == counted(GOOD, {**CURVE, "kid": "key_1"}, algorithms=("RS256", "ES256"))


def test_other_algorithms_are_named_and_nothing_is_wrong_with_their_keys() -> None:
    """In our order. Keys for encryption are not mentioned, nor are those of kinds that we do not know."""
    encrypting, secret = SigningKey("enc").jwk(use="enc"), {"kty": "oct", "k": "AAAA", "kid": "s"}
    assert {"usable": 1, "others": ("ES256",)} == counted(GOOD, CURVE, encrypting, secret)
    assert {"others": ("RS512",)} == counted(SigningKey().jwk(alg="RS512"))
    assert {"others": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")} == counted(
        SigningKey().jwk(alg=None), algorithms=("ES256",)
    )
