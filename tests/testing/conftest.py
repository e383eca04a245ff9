"""The four fakes, each of them running, on one clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sealed_session.testing import Clock, FakeCorbado, FakeKnoon, FakeStytch, FakeWorkOS


@pytest.fixture
def clock() -> Clock:
    """The fakes'."""
    return Clock()


@pytest.fixture
def workos(clock: Clock) -> Iterator[FakeWorkOS]:
    """One that is as strict as can be."""
    with FakeWorkOS(clock=clock) as fake:
        yield fake


@pytest.fixture
def stytch(clock: Clock) -> Iterator[FakeStytch]:
    """The fake whose tokens have an audience."""
    with FakeStytch(clock=clock) as fake:
        yield fake


@pytest.fixture
def corbado(clock: Clock) -> Iterator[FakeCorbado]:
    """The fake with the least around it."""
    with FakeCorbado(clock=clock) as fake:
        yield fake


@pytest.fixture
def knoon(clock: Clock) -> Iterator[FakeKnoon]:
    """The fake without keys."""
    with FakeKnoon(clock=clock) as fake:
        yield fake
