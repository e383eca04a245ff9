"""The key ring: the password first, the fallbacks in order, and nothing of them to be seen."""

from __future__ import annotations

import copy
import dataclasses
import multiprocessing
import pickle
from typing import Any

import pytest

from sealed_session import KeyRing, Sealer, UsageError, UsageTypeError, generate_password
from sealed_session.keys import RootKey

HUMAN = "the quick brown fox jumps over 13 lazy dogs"  # test data


def test_the_current_key_comes_first() -> None:
    """Then the fallbacks, in their order."""
    old, older = generate_password(), generate_password()
    ring = KeyRing(generate_password(), fallbacks=[old, older])
    assert 3 == len(ring) == len(ring.keys)
    assert ring.keys[0] is ring.current
    label = b"sealed-session/1 test\0"
    assert [KeyRing(old).current.expand(label), KeyRing(older).current.expand(label)] == [
        key.expand(label) for key in ring.keys[1:]
    ]


@pytest.mark.parametrize("fallbacks", ["ssk1_abc", b"x", {"a"}, {"a": 1}, None, iter([]), 7])
def test_fallbacks_are_a_list(fallbacks: Any) -> None:
    """A plain string would be one password per character."""
    with pytest.raises(UsageTypeError, match=r"Write \[old_password\]") as caught:
        KeyRing(generate_password(), fallbacks)
    assert "fallbacks_type" == caught.value.code


def test_a_tuple_of_fallbacks_is_fine() -> None:
    """Configuration files give tuples."""
    assert 2 == len(KeyRing(generate_password(), (generate_password(),)))


def test_the_same_password_twice_is_refused() -> None:
    """In the fallbacks, or as fallback and current one: something was rotated wrongly."""
    password, old = generate_password(), generate_password()
    with pytest.raises(UsageError, match="fallback 2 is the same as the password") as caught:
        KeyRing(password, [old, password])
    assert "fallback_is_password" == caught.value.code
    with pytest.raises(UsageError, match="fallback 3 is the same as fallback 1") as caught:
        KeyRing(password, [old, generate_password(), old])
    assert "fallback_duplicate" == caught.value.code


@pytest.mark.parametrize(
    ("fallback", "code", "error"),
    [
        ("short", "password_short", UsageError),
        (None, "password_type", UsageTypeError),
        (b"x", "password_type", UsageTypeError),
    ],
)
def test_a_bad_fallback_is_named_by_its_position(fallback: Any, code: str, error: type[UsageError]) -> None:
    """Not by its text."""
    with pytest.raises(error, match=r"^fallback 2: ") as caught:
        KeyRing(generate_password(), [generate_password(), fallback])
    assert code == caught.value.code
    assert type(caught.value) is error


def test_its_repr_shows_no_key() -> None:
    """Nor do the keys' own."""
    ring = KeyRing(HUMAN, [generate_password()])
    assert "KeyRing(<1 password, 1 fallbacks>)" == repr(ring) == str(ring)
    assert "RootKey(<redacted>)" == repr(ring.current) == str(ring.current)
    assert "quick" not in repr(Sealer(ring))


@pytest.mark.parametrize("carry_away", [copy.copy, copy.deepcopy, pickle.dumps, dataclasses.asdict])
def test_keys_refuse_pickle_copy_and_asdict(carry_away: Any) -> None:
    """The ring and each key in it."""
    ring = KeyRing(generate_password())
    for secret in (ring, ring.current):
        with pytest.raises(TypeError):
            carry_away(secret)


def test_a_sealer_refuses_too() -> None:
    """Also a shallow copy."""
    for carry_away in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(UsageTypeError, match="Build it again"):
            carry_away(Sealer(KeyRing(generate_password())))


@pytest.mark.parametrize("carry_away", [copy.deepcopy, pickle.dumps])
def test_what_holds_a_ring_refuses_too(carry_away: Any) -> None:
    """A sealer, or a configuration with one."""
    with pytest.raises(UsageTypeError, match="Build it again") as caught:
        carry_away({"sealer": Sealer(KeyRing(generate_password()))})
    assert "not_serialisable" == caught.value.code


def test_a_key_holds_no_bytes_in_python() -> None:
    """The root lives in the state of an HMAC and nowhere else."""
    key = RootKey(bytes(64))
    assert ("_keyed",) == key.__slots__
    assert not isinstance(key._keyed, bytes)
    with pytest.raises(AttributeError):
        key.__dict__  # noqa: B018


def test_labels_separate_keys() -> None:
    """Each use has a key of its own."""
    key = RootKey(bytes(64))
    uses = [b"sealed-session/1 seal\0", b"sealed-session/1 sea\0", b"sealed-session/1 seal\0\0"]
    assert 3 == len({key.expand(use) for use in uses})
    assert {64} == {len(key.expand(use)) for use in uses}


def open_in_child(sealer: Sealer, sealed: str, results: Any) -> None:
    """Run in a forked process."""
    results.put(sealer.unseal(sealer.reseal(sealer.unseal(sealed))).session.access_token)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_ring_made_before_a_fork_works_after_it() -> None:
    """As under a server that preloads the application."""
    context = multiprocessing.get_context("fork")
    sealer, results = Sealer(KeyRing(generate_password())), context.Queue()
    children = [
        context.Process(target=open_in_child, args=(sealer, sealer.seal({"access_token": "t"}), results))
        for _ in range(3)
    ]
    for child in children:
        child.start()
    assert ["t"] * 3 == [results.get(timeout=30) for _ in children]
    for child in children:
        child.join(30)
