"""A provider on this machine, as strict as RFC 9700 wants it: a refresh token is good once. Every call is counted.

It speaks as WorkOS does, so that WorkOS's own SDK and our preset ask the very same endpoint. It is stricter than
WorkOS, which answers a refresh token that it has just exchanged once more, for a while.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from sealed_session.exact_json import JsonObject

from .samples import load

CLIENT_ID = "client_of_the_benchmarks"
PERSON: JsonObject = load("sessions")["typical"]["user"]

TOKENS, KEYS = "/user_management/authenticate", f"/sso/jwks/{CLIENT_ID}"

_LIFETIME = 300
_KEY_ID = "benchmarks"


class StrictProvider:
    """Hands out pairs. Safe to share between threads.

    Attributes:
        address: Its base URL, once it is served.
        calls: How often each refresh token was sent.
        answered_at: When the next pair went on its way, by the refresh token that was sent. Monotonic seconds.
        latency: Seconds that an answer takes.
    """

    def __init__(self) -> None:
        self.address = ""
        self.calls: Counter[str] = Counter()
        self.answered_at: dict[str, float] = {}
        self.latency = 0.0
        self._alive: set[str] = set()
        self._changed = threading.Condition()
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign_in(self, lifetime: int = _LIFETIME) -> JsonObject:
        """Return a session, by the names of the wire.

        Args:
            lifetime: Seconds for which its access token is good; negative for one that has ended.
        """
        refresh_token = secrets.token_urlsafe(24)
        with self._changed:
            self._alive.add(refresh_token)
        return {"access_token": self._access_token(lifetime), "refresh_token": refresh_token, "user": PERSON}

    def answer(self, refresh_token: str) -> tuple[int, JsonObject]:
        """Use a token up: the status and the body."""
        with self._changed:
            self.calls[refresh_token] += 1
            is_good = refresh_token in self._alive
            self._alive.discard(refresh_token)
        body = self.sign_in() if is_good else {"error": "invalid_grant", "error_description": "It was used before."}
        time.sleep(self.latency)
        with self._changed:
            if is_good:
                self.answered_at[refresh_token] = time.monotonic()
            self._changed.notify_all()
        return (200 if is_good else 400), body

    def wait_for(self, refresh_token: str, patience: float) -> bool:
        """Wait until a token was answered with the next pair; return whether it was."""
        with self._changed:
            return self._changed.wait_for(lambda: refresh_token in self.answered_at, patience)

    def keys(self) -> JsonObject:
        """Return the public keys."""
        public: JsonObject = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": _KEY_ID, "use": "sig", "alg": "RS256"}]}

    def _access_token(self, lifetime: int) -> str:
        now = int(time.time())
        claims = {
            "iss": f"{self.address}/user_management/{CLIENT_ID}",
            "sub": PERSON["id"],
            "sid": "session_of_the_benchmarks",
            "iat": now + min(lifetime, 0) - 1,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": _KEY_ID})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # with the usual 5, some of fifty callers are told to come again in a second


@contextmanager
def serving() -> Iterator[StrictProvider]:
    """Serve a provider on a free loopback port."""
    provider = StrictProvider()
    server = _Server(("127.0.0.1", 0), _handler(provider))
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(provider: StrictProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One call."""

        def do_POST(self) -> None:
            """Answer with tokens, or that there are none."""
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(*(provider.answer(sent["refresh_token"]) if self.path == TOKENS else (404, {})))

        def do_GET(self) -> None:
            """Answer with the keys."""
            self._send(*((200, provider.keys()) if self.path == KEYS else (404, {})))

        def _send(self, status: int, body: JsonObject) -> None:
            written = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
