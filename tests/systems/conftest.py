"""What the acceptance tests share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sealed_session.testing import Clock, FakeStytch, FakeWorkOS
from tests.systems.authkit_world import OLD, MakeAuthKit, World, set_up_environment
from tests.systems.stytch_world import LIVE
from tests.systems.worlds import told


@pytest.fixture
def clock() -> Clock:
    """The time, of everybody."""
    return Clock()


@pytest.fixture
def workos(clock: Clock) -> Iterator[FakeWorkOS]:
    """AuthKit's provider, over HTTP."""
    with FakeWorkOS(clock=clock) as fake:
        yield fake


@pytest.fixture
def stytch(clock: Clock) -> Iterator[FakeStytch]:
    """Stytch, with a project that could have HttpOnly cookies."""
    with FakeStytch(project_id=LIVE, clock=clock) as it:
        yield it


@pytest.fixture
def nothing_of_stytch_is_told(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test leaves a token or a secret of Stytch's in the log."""
    caplog.set_level(logging.DEBUG)
    yield
    assert [] == told(caplog, LIVE)


@pytest.fixture
def make_authkit(monkeypatch: pytest.MonkeyPatch, clock: Clock, workos: FakeWorkOS) -> MakeAuthKit:
    """Build an application by WORKOS_COOKIE_* variables, without that prefix, and settings of ours, without theirs."""

    def make(variables: dict[str, str] | None = None, *, password: str = OLD, **settings: Any) -> World:
        given = {f"WORKOS_COOKIE_{name}": value for name, value in (variables or {}).items()}
        set_up_environment(monkeypatch, workos, password, **given)
        return World(workos, clock, **settings)

    return make


@pytest.fixture
def authkit(make_authkit: MakeAuthKit) -> World:
    """One with nothing but the variables that are needed, and nobody signed in."""
    return make_authkit()


@pytest.fixture
def no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Callable[..., None]:
    """Listen to every log from the lowest level on; call it with what must not be there."""
    caplog.set_level(logging.DEBUG)

    def check(*secrets: str) -> None:
        assert not any(secret in caplog.text for secret in secrets)

    return check
