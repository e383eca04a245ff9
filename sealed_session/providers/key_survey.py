"""What is to be said of a published set of keys: how many are of use, and what is wrong with the others.

For a diagnosis. Which key a token is verified with is decided by ``key_set.py``, which is what is asked here, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import encoding
from ..key_set import KEY_TYPES, MIN_RSA_BITS, KeySet, NoKey, UnusableSet, is_meant_for


@dataclass(frozen=True, slots=True)
class KeySurvey:
    """How many keys of a set are what.

    Attributes:
        usable: Names of keys that tokens can be verified with.
        weak: RSA keys of less than ``MIN_RSA_BITS``.
        nameless: Keys without a ``kid``.
        ambiguous: Names that several keys have.
        broken: What is no key that could be read.
        others: What the keys for other algorithms are for. Those for encryption are not counted.
    """

    usable: int
    weak: int
    nameless: int
    ambiguous: int
    broken: int
    others: tuple[str, ...]


def survey(document: Any, algorithms: Sequence[str]) -> KeySurvey | None:
    """Look at a set of keys.

    Args:
        document: A JSON Web Key Set, decoded.
        algorithms: What tokens may be signed with here.

    Returns:
        None: It is no such set.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if type(listed) is not list:
        return None
    counted = Counter(_fault(jwk, algorithms) for jwk in listed)
    named = list(_named(document, algorithms))
    others = {name for jwk in listed if _fault(jwk, algorithms) == "other" for name in _good_for(jwk)}
    return KeySurvey(
        usable=sum(is_single for is_single in named),
        weak=counted["weak"],
        nameless=counted["nameless"],
        ambiguous=len(named) - sum(named),
        broken=counted["broken"],
        others=tuple(name for name in KEY_TYPES if name in others),
    )


def _fault(jwk: Any, algorithms: Sequence[str]) -> str:
    """Return what is wrong with one key by itself; empty for nothing."""
    if not isinstance(jwk, dict):
        return "broken"
    if not any(is_meant_for(jwk, algorithm) for algorithm in algorithms):
        return "other"
    if not _can_be_used({**jwk, "kid": "any"}, algorithms):
        return "weak" if _is_weak(jwk) else "broken"
    return "" if type(jwk.get("kid")) is str else "nameless"


def _can_be_used(jwk: dict[str, Any], algorithms: Sequence[str]) -> bool:
    try:
        KeySet({"keys": [jwk]}, algorithms)
    except UnusableSet:
        return False
    return True


def _is_weak(jwk: dict[str, Any]) -> bool:
    try:
        modulus = int.from_bytes(encoding.decode(jwk["n"]))
    except (KeyError, ValueError, TypeError, AttributeError):  # the text of others may be of any type
        return False
    return 0 < modulus.bit_length() < MIN_RSA_BITS


def _named(document: dict[str, Any], algorithms: Sequence[str]) -> Iterator[bool]:
    """Yield for each name of a key that can be used, whether it is the name of one key alone."""
    try:
        keys = KeySet(document, algorithms)
    except UnusableSet:
        return
    kids = {jwk["kid"] for jwk in document["keys"] if isinstance(jwk, dict) and type(jwk.get("kid")) is str}
    for kid in kids:
        found = [keys.find(kid, algorithm) for algorithm in algorithms]
        if any(key not in (NoKey.UNFIT, NoKey.UNKNOWN) for key in found):
            yield NoKey.DUPLICATE not in found


def _good_for(jwk: dict[str, Any]) -> Iterator[str]:
    """Yield the algorithms that a key would be good for."""
    return (name for name in KEY_TYPES if is_meant_for(jwk, name) and _can_be_used({**jwk, "kid": "any"}, [name]))
