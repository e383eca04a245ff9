"""How the tests of the fakes ask them: over HTTP, as everybody does."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sealed_session.testing import FakeCorbado
from sealed_session.testing.fake import Fake
from sealed_session.verifier import JWTVerifier
from tests.core.jwks_server import settle
from tests.providers.server import certificate

REFRESH = "/v2/me/refresh"
"""Of Corbado, the fake with the least around it."""

_NO_TLS = ssl.create_default_context()  # made once: a client that makes its own takes a while
PATIENCE = 10
"""Seconds after which a test that waits for something gives up."""


def ask(fake: Fake, method: str, target: str, **options: Any) -> httpx2.Response:
    """Make one request, on a connection of its own."""
    with httpx2.Client(trust_env=False, timeout=PATIENCE, verify=_NO_TLS) as client:
        return client.request(method, f"{fake.base_url}{target}", **options)


def get(fake: Fake, target: str, **options: Any) -> httpx2.Response:
    """GET."""
    return ask(fake, "GET", target, **options)


def post(fake: Fake, target: str, **options: Any) -> httpx2.Response:
    """POST."""
    return ask(fake, "POST", target, **options)


@contextmanager
def verifier(fake: Fake, issuer: str, **options: Any) -> Iterator[JWTVerifier]:
    """Ours, with the keys of a fake; at its end no fetch is under way."""
    try:
        yield JWTVerifier(fake.jwks_url, issuers=[issuer], clock=fake.clock, **options)
    finally:
        settle()


def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate that everybody in this process trusts; return what a fake needs, and the file."""
    context, path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return context, path


def threads() -> set[str]:
    """The threads of the fakes that live."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("sealed_session.testing")}


def refresh(fake: FakeCorbado, refresh_token: str | None = None) -> httpx2.Response:
    """Ask for a new token, with a refresh token or nobody's."""
    headers = {"Authorization": f"Bearer {refresh_token}", "X-Corbado-ProjectID": fake.project_id}
    return post(fake, REFRESH, headers=headers)


def raw(fake: Fake, request: bytes) -> bytes:
    """Send bytes, and return all that comes."""
    port = int(fake.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as peer:
        peer.sendall(request)
        answer = b""
        while chunk := peer.recv(65_536):
            answer += chunk
        return answer
