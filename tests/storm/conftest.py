"""One OpenID provider for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import node_packages
from tests.storm.oidc_server import Client, Provider, running

ACCESS_SECONDS = 2
"""Life of an access token: one or two are left when it is received, for its times are whole seconds."""

LATENCY = 0.1
"""Seconds from the use of a refresh token to the answer: time for every request of a storm to arrive."""

CLIENTS = {
    "basic": Client("storm:basic", "test data: 100% + a/b & c"),  # each half has to be form-encoded
    "post": Client("storm:post", auth="post"),
    "none": Client("storm:none", None, auth="none"),
}


@pytest.fixture(scope="session")
def oidc_packages() -> Path:
    """The folder that the provider's package is installed in."""
    return node_packages(Path(__file__).parent)


@pytest.fixture(scope="package")
def oidc(oidc_packages: Path) -> Iterator[Provider]:
    """The provider. It knows ``CLIENTS``, rotates refresh tokens, and ends a grant whose token comes twice."""
    with running(oidc_packages, list(CLIENTS.values()), access_seconds=ACCESS_SECONDS, latency=LATENCY) as provider:
        yield provider
