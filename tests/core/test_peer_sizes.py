"""The length formulas of Fernet and iron, against a real Fernet and against lengths that were measured."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import Session, peer_sizes
from tests.conftest import SAMPLES

FERNET = {"minimal": 1848, "typical": 2232, "rich": 2980, "heavy-impersonated": 3876, "two-jwts": 3876}
"""Measured with Fernet around ``json.dumps`` of the sample."""

IRON = {"minimal": 1916, "typical": 2279, "rich": 3047, "heavy-impersonated": 3921, "two-jwts": 3943}
"""Measured with iron-session 8.0.4, ttl 0, the sample's keys in camelCase: as its users seal such sessions."""

IRON_EXPIRING = {"minimal": 1950, "typical": 2313, "rich": 3081, "heavy-impersonated": 3956, "two-jwts": 3977}
"""Measured with iron-session 8.0.4, its default ttl of 14 days, the sample's keys as they stand."""


def values(**given: Any) -> Any:
    """Return a session's values."""
    return Session("opaque-token", **given).to_mapping()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_fernet_formula_gives_what_was_measured(name: str) -> None:
    """On each sample session."""
    assert FERNET[name] == peer_sizes.fernet_characters(Session(**SAMPLES[name]).to_mapping())


@pytest.mark.parametrize("name", SAMPLES)
def test_the_iron_formula_gives_what_was_measured(name: str) -> None:
    """On each sample session, without expiry and in camelCase."""
    assert IRON[name] == peer_sizes.iron_characters(Session(**SAMPLES[name]).to_mapping())


@pytest.mark.parametrize("name", SAMPLES)
def test_the_iron_formula_knows_expiry(name: str) -> None:
    """On each sample session as it stands in the file: 13 more digits."""
    text = json.dumps(SAMPLES[name], ensure_ascii=False, separators=(",", ":"))
    assert IRON_EXPIRING[name] == peer_sizes.iron_length(len(text.encode()), expires=True)


@given(st.binary(max_size=200))
def test_a_real_fernet_token_is_as_long_as_the_formula_says(plaintext: bytes) -> None:
    """At every length, block boundaries included."""
    assert len(Fernet(Fernet.generate_key()).encrypt(plaintext)) == peer_sizes.fernet_length(len(plaintext))


def test_a_whole_block_more_is_needed_at_a_block_boundary() -> None:
    """The padding is never empty."""
    assert (209 + 22, 209 + 43) == (peer_sizes.iron_length(15), peer_sizes.iron_length(16))


def test_iron_counts_camel_case_keys_of_the_session_and_the_user_only() -> None:
    """What stands deeper keeps its keys."""
    user = {"first_name": "Ada", "metadata": {"cost_center": "x"}}
    text = '{"accessToken":"opaque-token","user":{"firstName":"Ada","metadata":{"cost_center":"x"}}}'
    assert peer_sizes.iron_length(len(text)) == peer_sizes.iron_characters(values(user=user))


def test_iron_counts_utf_8_and_fernet_ascii_escapes() -> None:
    """As JavaScript and Python write JSON; a lone surrogate is an escape in both."""
    user = {"n": "Ø\ud800"}
    compact = len(b'{"accessToken":"opaque-token","user":{"n":""}}') + len("Ø".encode()) + len("\\ud800")
    escaped = len('{"access_token": "opaque-token", "user": {"n": "\\u00d8\\ud800"}}')
    assert peer_sizes.iron_length(compact) == peer_sizes.iron_characters(values(user=user))
    assert peer_sizes.fernet_length(escaped) == peer_sizes.fernet_characters(values(user=user))
