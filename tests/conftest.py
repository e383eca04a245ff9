"""What every test may use: the sample sessions, a password and a clock that stands still."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from sealed_session import KeyRing, Sealer, Session, generate_password

TESTS = Path(__file__).parent
SAMPLES: dict[str, dict[str, Any]] = json.loads((TESTS / "data" / "sessions.json").read_text(encoding="utf-8"))

settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a long run try more mutated cookies than the suite does."""
    parser.addoption("--mutations", type=int, default=100_000, help="mutated cookies to open (default: 100000)")
    parser.addoption("--row", help="only the tests that prove this requirement, WO-3 for example")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of one requirement, where ``--row`` asks for one."""
    row = config.getoption("--row")
    if row is not None:
        others = [item for item in items if not any(row in mark.args for mark in item.iter_markers("row"))]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Session:
    """Each of the five sample sessions."""
    return Session(**SAMPLES[request.param])


@pytest.fixture
def typical() -> Session:
    """The sample session that sizes and speeds are quoted for."""
    return Session(**SAMPLES["typical"])


@pytest.fixture(scope="session")
def password() -> str:
    """A generated password."""
    return generate_password()


@pytest.fixture
def make_sealer(password: str) -> Callable[..., Sealer]:
    """Build a sealer with the one password and whatever options a test needs."""

    def make(**options: Any) -> Sealer:
        return Sealer(KeyRing(password), **options)

    return make


@pytest.fixture
def pythons_own_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take pytest's loader out: it loads the packages of plugins, as ours is one, and runpy can get no code from it."""
    own = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("_pytest.")]
    monkeypatch.setattr(sys, "meta_path", own)
