"""Fixtures for pytest, found by it wherever sealed-session is installed.

Every run of pytest there imports this module, so what the fixtures need is imported by the fixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import Clock, FakeProvider


@pytest.fixture
def sealed_clock() -> Clock:
    """A clock that moves when it is told to; also the one of ``fake_provider``."""
    from .testing import Clock

    return Clock()


@pytest.fixture
def fake_provider(sealed_clock: Clock) -> FakeProvider:
    """A provider with single-use refresh tokens, on ``sealed_clock``."""
    from .testing import FakeProvider

    return FakeProvider(sealed_clock)
