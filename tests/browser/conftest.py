"""One Chromium and one pair of servers for all of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Chromium, Tab
from tests.browser.servers import Web, serving


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The servers."""
    with serving(tmp_path_factory.mktemp("servers")) as web:
        yield web


@pytest.fixture
def web(served: Web) -> Web:
    """The servers, without an application and without a memory."""
    served.apps.clear()
    served.seen.clear()
    return served


@pytest.fixture(scope="package")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """The browser, with one tab."""
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser.tab()


@pytest.fixture
def tab(started: Tab, web: Web) -> Tab:
    """A tab in a browser without cookies. It may still show what the test before was done with."""
    started.browser.clear()
    return started
