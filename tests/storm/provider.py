"""A provider as strict as they come: a refresh token is good once, and every call is counted."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sealed_session.testing import access_token


class StrictProvider:
    """Hands out pairs.

    Attributes:
        calls: How often each refresh token was sent.
        latency: Seconds that an answer takes.
    """

    def __init__(self, latency: float = 0.2) -> None:
        self.calls: dict[str, int] = {}
        self.latency = latency
        self._alive: set[str] = set()
        self._lock = threading.Lock()

    def pair(self, lifetime: int) -> dict[str, str]:
        """Return a new pair whose access token ends after so many seconds."""
        refresh_token = secrets.token_urlsafe(24)
        with self._lock:
            self._alive.add(refresh_token)
        return {
            "access_token": access_token(expires_at=int(time.time()) + lifetime, sid="session_storm"),
            "refresh_token": refresh_token,
        }

    def answer(self, refresh_token: str) -> dict[str, str]:
        """Use a token up."""
        with self._lock:
            self.calls[refresh_token] = self.calls.get(refresh_token, 0) + 1
            is_good = refresh_token in self._alive
            self._alive.discard(refresh_token)
        threading.Event().wait(self.latency)
        return self.pair(300) if is_good else {"error": "invalid_grant"}


@contextmanager
def serving(provider: StrictProvider) -> Iterator[str]:
    """Serve a provider on a free loopback port; its address."""

    class Handler(BaseHTTPRequestHandler):
        """One call."""

        def do_POST(self) -> None:
            """Answer in JSON."""
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(provider.answer(sent["refresh_token"])).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
