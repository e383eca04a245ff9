"""Fixtures for pytest, found by it wherever sealed-session is installed."""

from __future__ import annotations

import pytest

from .testing import Clock, FakeProvider


@pytest.fixture
def sealed_clock() -> Clock:
    """A clock that moves when it is told to; also the one of ``fake_provider``."""
    return Clock()


@pytest.fixture
def fake_provider(sealed_clock: Clock) -> FakeProvider:
    """A provider with single-use refresh tokens, on ``sealed_clock``."""
    return FakeProvider(sealed_clock)
