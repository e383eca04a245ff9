"""A certified OpenID provider for tests: ``oidc_provider.mjs``, started on Node and asked what it has seen."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from tests.programs import NODE

RESOURCE = "urn:example:api"
"""The audience of the provider's access tokens."""

_METHODS = {"basic": "client_secret_basic", "post": "client_secret_post", "none": "none"}


@dataclass(frozen=True, slots=True)
class Client:
    """A client that the provider knows.

    Attributes:
        client_id: Its name.
        client_secret: Test data; None for a public client.
        auth: How it shows who it is, as ``OAuth2`` calls it.
        redirect_uri: Where people come back to. Nobody has to listen there.
        more: Further metadata, ``backchannel_logout_uri`` for example.
    """

    client_id: str
    client_secret: str | None = field(default="test-secret-of-the-storm-1", repr=False)
    auth: str = "basic"
    redirect_uri: str = "http://127.0.0.1/callback"
    more: dict[str, Any] = field(default_factory=dict)

    def metadata(self) -> dict[str, Any]:
        """Return what the provider is told of it (OpenID Connect Dynamic Client Registration 1.0, section 2)."""
        secret = {} if self.client_secret is None else {"client_secret": self.client_secret}
        return {
            "client_id": self.client_id,
            **secret,
            "token_endpoint_auth_method": _METHODS[self.auth],
            "redirect_uris": [self.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            **self.more,
        }


class Call(NamedTuple):
    """A request to the token endpoint. It knows a refresh token by the start of its hash only."""

    client: str | None
    grant: str | None
    refresh: str | None
    status: int
    error: str | None


def fingerprint(refresh_token: str | None) -> str:
    """Return what a ``Call`` says of a refresh token."""
    return sha256((refresh_token or "").encode()).hexdigest()[:16]


class Provider(NamedTuple):
    """A provider that runs."""

    issuer: str

    def calls(self) -> list[Call]:
        """Return every request to the token endpoint so far, in the order of their answers."""
        with httpx2.Client(trust_env=False, timeout=10) as client:
            return [Call(**call) for call in client.get(f"{self.issuer}/calls").json()]


@contextmanager
def running(
    packages: Path,
    clients: Sequence[Client],
    *,
    access_seconds: int,
    renewed_seconds: int | None = None,
    latency: float = 0,
) -> Iterator[Provider]:
    """Run a provider on a free port, until the block ends.

    Args:
        packages: Folder with its node_modules.
        clients: Whom it knows.
        access_seconds: Life of its access tokens.
        renewed_seconds: Life of those that a refresh brings; None: the same.
        latency: Seconds from the use of a refresh token to the answer.
    """
    assert NODE, "node is not on PATH"
    environment = {
        "OIDC_MODULES": str(packages),
        "OIDC_CLIENTS": json.dumps([client.metadata() for client in clients]),
        "OIDC_ACCESS_SECONDS": str(access_seconds),
        "OIDC_RENEWED_SECONDS": str(access_seconds if renewed_seconds is None else renewed_seconds),
        "OIDC_LATENCY": str(latency),
    }
    command = [NODE, str(Path(__file__).with_name("oidc_provider.mjs"))]
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line, "the OpenID provider did not start; what it says is in the captured stderr"
        yield Provider(json.loads(line)["issuer"])
    finally:
        process.kill()
        process.communicate()
