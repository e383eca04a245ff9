"""A provider's JWKS endpoint on loopback, with faults; and the keys behind it, which sign tokens of every kind."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from sealed_session import encoding

PATIENCE = 10
"""Seconds after which a test that waits for something gives up."""


@cache  # RSA keys take a while to make
def _rsa(number: int, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


class SigningKey:
    """A private key with a name. Keys of one ``number`` are the same key."""

    def __init__(self, kid: str = "key_1", *, number: int = 1, bits: int = 2048) -> None:
        self.kid = kid
        self.private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = _rsa(number, bits)
        self.algorithm = "RS256"

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """Its public half, as a set lists it; None removes a member."""
        writer: Any = RSAAlgorithm if self.algorithm == "RS256" else ECAlgorithm
        public = writer.to_jwk(self.private.public_key(), as_dict=True)
        jwk = {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm, **changes}
        return {name: value for name, value in jwk.items() if value is not None}

    def sign(self, claims: Any, **header: Any) -> str:
        """A token of these claims, or of this text. None removes a member of the header."""
        members = {"alg": self.algorithm, "kid": self.kid, **header}
        return self.sign_texts(
            json.dumps({name: value for name, value in members.items() if value is not None}).encode(),
            claims if isinstance(claims, bytes) else json.dumps(claims).encode(),
        )

    def sign_texts(self, header: bytes, payload: bytes) -> str:
        """A token of a header and a payload as they are."""
        signed = f"{encoding.encode(header)}.{encoding.encode(payload)}"
        signature = jwt.get_algorithm_by_name(self.algorithm).sign(signed.encode(), self.private)
        return f"{signed}.{encoding.encode(signature)}"


class CurveKey(SigningKey):
    """A private key for ES256."""

    def __init__(self, kid: str = "curve_1") -> None:
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.algorithm = "ES256"


class JWKSServer(ThreadingHTTPServer):
    """Answers with the keys it is given, or with a fault.

    Attributes:
        keys: What it publishes.
        fault: What it does instead; a name of a method of the handler.
        fetches: How many requests came.
        arrived: Set while a request is held up by ``fault = "wait"``.
        gate: What such a request waits for.
    """

    daemon_threads = True

    def __init__(self, *keys: SigningKey) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys: list[Any] = [key.jwk() for key in keys]
        self.fault = ""
        self.fetches = 0
        self.lock = threading.Lock()
        self.arrived, self.gate, self.closing = threading.Event(), threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        """Where the set is."""
        return f"http://127.0.0.1:{self.server_address[1]}/jwks"

    def rotate(self, *keys: SigningKey) -> None:
        """Publish other keys from now on."""
        self.keys = [key.jwk() for key in keys]

    def body(self) -> bytes:
        """The set, as text."""
        return json.dumps({"keys": self.keys}).encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: JWKSServer

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.fetches += 1
        getattr(self, self.server.fault or "good")()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def good(self) -> None:
        self.answer(200, self.server.body())

    def answer(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def wait(self) -> None:
        self.server.arrived.set()
        self.server.gate.wait(PATIENCE)
        self.good()

    def with_line_breaks(self) -> None:
        self.answer(200, b" \r\n" + self.server.body() + b"\t\n")

    def status_500(self) -> None:
        self.answer(500, self.server.body())

    def html(self) -> None:
        self.answer(200, b"<!doctype html><title>Sorry</title>")

    def empty(self) -> None:
        self.answer(200, b"")

    def an_array(self) -> None:
        self.answer(200, b"[]")

    def no_list(self) -> None:
        self.answer(200, b'{"keys": {}}')

    def no_keys(self) -> None:
        self.answer(200, b'{"keys": []}')

    def unusable_keys(self) -> None:
        self.answer(200, json.dumps({"keys": [1, {"kid": "a"}, {"kid": "b", "kty": "oct", "k": "AAAA"}]}).encode())

    def huge(self) -> None:
        self.answer(200, self.server.body() + b" " * 20_000_000)

    def bomb(self) -> None:
        self.answer(200, b'{"keys": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")

    def truncated(self) -> None:
        body = self.server.body()
        self.answer(200, body[: len(body) // 2], len(body))

    def refusing(self) -> None:
        self.connection.close()

    def redirect(self) -> None:
        self.server.fault = ""
        self.answer(302, b"", Location=self.server.url)

    def hang(self) -> None:
        self.server.closing.wait(60)

    def trickle_headers(self) -> None:
        self.trickle(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"a" * 10_000)

    def trickle_body(self) -> None:
        self.trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + b" " * 10_000)

    def trickle(self, text: bytes) -> None:
        for byte in text:
            if self.server.closing.wait(0.05):
                return
            self.connection.sendall(bytes([byte]))


@contextmanager
def jwks_server(*keys: SigningKey) -> Iterator[JWKSServer]:
    """A server that runs."""
    server = JWKSServer(*keys)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.closing.set()
        with suppress(OSError):
            server.shutdown()
        thread.join(PATIENCE)
        settle()
        server.server_close()


def settle() -> None:
    """Wait for the end of every fetch."""
    for thread in threading.enumerate():
        if thread.name == "sealed-session keys":
            thread.join(PATIENCE)
            assert not thread.is_alive()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
