"""Passwords: generated ones carry a checksum, weak ones are refused, and none is ever quoted."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import UsageError, UsageTypeError, generate_password
from sealed_session.passwords import derive_root

HUMAN = "the quick brown fox jumps over 13 lazy dogs"  # test data
GENERATED = "ssk1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9BjQRp"  # test data: bytes 00 to 1f


def test_a_generated_password_is_recognisable_and_unique() -> None:
    """ssk1_ and 48 characters; 256 random bits."""
    made = {generate_password() for _ in range(100)}
    assert 100 == len(made)
    assert {53} == {len(password) for password in made}
    assert all(password.startswith("ssk1_") for password in made)
    assert 100 == len({derive_root(password) for password in made})


def test_a_generated_password_is_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """All 32 bytes in one draw."""
    monkeypatch.setattr(os, "urandom", lambda size: bytes(range(32)) if size == 32 else pytest.fail(f"{size} bytes"))
    assert GENERATED == generate_password()


def test_a_generated_password_is_not_stretched() -> None:
    """Its root is one HMAC, as the format says."""
    expected = hmac.digest(b"sealed-session/1 generated", bytes(range(32)), "sha512")
    assert expected == derive_root(GENERATED)


def test_a_human_password_is_stretched_with_scrypt() -> None:
    """N=2^15, r=8, p=3, as the format says; hashlib computes the same."""
    expected = hashlib.scrypt(
        HUMAN.encode(), salt=b"sealed-session/1 password", n=2**15, r=8, p=3, maxmem=2**27, dklen=64
    )
    assert expected == derive_root(HUMAN)


def test_a_human_password_is_stretched_once_per_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second key ring, or a standalone call, finds the root."""
    derive_root(HUMAN)
    monkeypatch.setattr("cryptography.hazmat.primitives.kdf.scrypt.Scrypt", None)
    assert 64 == len(derive_root(HUMAN))


@given(st.integers(5, 52), st.characters())
def test_a_mistyped_generated_password_is_refused(position: int, character: str) -> None:
    """Any single wrong character: it never falls through to the human kind."""
    typed = GENERATED[:position] + character + GENERATED[position + 1 :]
    if typed == GENERATED:
        return
    with pytest.raises(UsageError) as caught:
        derive_root(typed)
    assert "password_mistyped" == caught.value.code


MISTYPED = {
    "cut off": GENERATED[:-1],
    "prefix only": "ssk1_",
    "quoted": f'"{GENERATED}"',
    "line break": GENERATED + "\n",
    "space before": " " + GENERATED,
    "twice": GENERATED * 2,
    "in a sentence": f"my password is {GENERATED} and it is long",
    "not base64url": "ssk1_" + "ü" * 48,
}


@pytest.mark.parametrize("password", MISTYPED.values(), ids=MISTYPED)
def test_what_contains_the_prefix_is_a_generated_password_or_a_mistake(password: str) -> None:
    """Cut off, quoted, or pasted with something around it."""
    with pytest.raises(UsageError, match="is not a generated password") as caught:
        derive_root(password)
    assert "password_mistyped" == caught.value.code


@pytest.mark.parametrize(
    ("password", "told"),
    [
        (GENERATED[:-1] + ("A" if GENERATED[-1] != "A" else "B"), "one of them is wrong."),
        (GENERATED[:5] + GENERATED[5:].swapcase(), "one of them is wrong."),
        ("ssk1_" + "ü" * 48, "one of them is wrong."),
        (GENERATED[:-1], "expected exactly 53 characters with a valid checksum, got 52."),
        (f'"{GENERATED}"', "expected exactly 53 characters with a valid checksum, got 55."),
        (f" {GENERATED[:-1]}", "expected exactly 53 characters with a valid checksum, got 53."),
    ],
)
def test_a_typing_error_is_told_from_a_copying_error(password: str, told: str) -> None:
    """Where the length is right a character is wrong: nobody is to count what is complete. No character is quoted."""
    with pytest.raises(UsageError) as caught:
        derive_root(password)
    assert caught.value.problem.endswith(told)
    assert ("copy it again" in caught.value.fix.lower()) == ("wrong" in told)
    assert password not in str(caught.value)


WEAK = {
    "short": ("tiny", "password_short"),
    "empty": ("", "password_short"),
    "31 characters": (HUMAN[:31], "password_short"),
    "long": ("".join(map(chr, range(200, 1300))), "password_long"),
    "space at the end": (HUMAN + " ", "password_white_space"),
    "tab at the start": ("\t" + HUMAN, "password_white_space"),
    "no-break space at the end": (HUMAN + "\u00a0", "password_white_space"),
    "control character": (HUMAN + "\x07!", "password_unprintable"),
    "line break inside": (HUMAN + "\n!", "password_unprintable"),
    "lone surrogate": (HUMAN + "\ud800!", "password_unprintable"),
    "few characters": ("abc" * 4 + "cab" * 8, "password_repetitive"),
    "periodic": ("0123456789ab" * 3, "password_periodic"),
    "exactly twice": ("abcdefghijklmnop" * 2, "password_periodic"),
    "periodic with a rest": ("0123456789abcdef" * 2 + "0123", "password_periodic"),
    "published": ("complex_password_at_least_32_characters_long", "password_published"),
    "published in capitals": ("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "password_published"),
}


@pytest.mark.parametrize(("password", "code"), WEAK.values(), ids=WEAK)
def test_a_weak_password_is_refused_with_a_way_out(password: str, code: str) -> None:
    """The code says which rule, the message what to run, and neither quotes the password."""
    with pytest.raises(UsageError, match="generate-password") as caught:
        derive_root(password)
    assert code == caught.value.code
    assert len(password) < 8 or password not in str(caught.value)


@pytest.mark.parametrize("password", [None, b"x" * 40, 7, ["x"], bytearray(40)])
def test_a_password_is_a_str(password: Any) -> None:
    """Bytes are not guessed into text."""
    with pytest.raises(UsageTypeError, match="must be a str") as caught:
        derive_root(password)
    assert "password_type" == caught.value.code


@pytest.mark.parametrize(
    "example",
    [
        "some_not_random_password_that_is_at_least_32_characters",
        "the-password-must-be-at-least-32-characters-long",
        "Complex Password At Least 32 Characters Long",
        "!wsYhFA*C2U6nz=Bu^%A@^F#SF3&kSR6",
        "80d42cfb-1cd2-462c-8f17-e3237d9027e9",
        "password-with-at-least-32-characters",
    ],
)
def test_a_published_example_is_refused_however_it_is_written(example: str) -> None:
    """In other case, with other separators."""
    for written in (example, example.upper(), example.replace("_", " ").replace("-", ".")):
        with pytest.raises(UsageError, match="published") as caught:
            derive_root(written)
        assert "password_published" == caught.value.code
