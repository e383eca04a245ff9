"""An HTTP server on a free port of the loopback: reads a request, bounded in size and time, and writes what it is told.

One request per connection. Knows no vendor; see ``fake.py``.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import RLock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .. import exact_json
from ..exact_json import JsonObject

MOST_BYTES = 65_536
"""Of a request's body."""

PATIENCE = 10
"""Seconds for a client that says nothing, and for a thread that shall end."""

_THREADS = "sealed_session.testing"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came.

    Attributes:
        method: ``POST``, for example.
        path: Without the query.
        query: Of the address; of a name that is there twice the last.
        headers: By their names in lower case.
        body: As it is.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> JsonObject | None:
        """Return the JSON object that the body is, and is said to be; None where it is none."""
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return None
        try:
            return exact_json.loads(self.body)
        except ValueError:
            return None

    def basic(self) -> tuple[str, str] | None:
        """Return user and password of HTTP Basic; None where there are none (RFC 7617)."""
        try:
            user, colon, password = b64decode(self._credentials("basic"), validate=True).decode().partition(":")
        except ValueError:
            return None
        return (user, password) if colon else None

    def bearer(self) -> str | None:
        """Return the bearer token; None where there is none (RFC 6750)."""
        return self._credentials("bearer") or None

    def _credentials(self, scheme: str) -> str:
        found, _, credentials = self.headers.get("authorization", "").partition(" ")
        return credentials.strip() if found.lower() == scheme else ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered.

    Attributes:
        status: Of HTTP.
        body: JSON, or bytes of HTML.
        headers: Beside length and type.
        is_cut: Whether half of the body is missing.
    """

    status: int
    body: JsonObject | bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_cut: bool = False


Answer = Callable[[Request], Reply | None]
"""None: the connection is closed without an answer."""


class LoopbackServer:
    """Listens, or keeps its port and refuses. Safe to share between threads."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None) -> None:
        """Listen nowhere yet.

        Args:
            answer: Called by many threads at once.
            context: With a certificate; None: plain HTTP.
        """
        self._answer = answer
        self._context = context
        self._holder: socket.socket | None = None
        self._running: tuple[_Listener, Thread] | None = None
        self._lock = RLock()  # not taken by those who answer, so that they can be waited for

    @property
    def base_url(self) -> str:
        """Where it listens, without a slash at the end.

        Raises:
            RuntimeError: It has not been started.
        """
        if self._holder is None:
            raise RuntimeError("the fake is not running: use it in a with statement.")
        return f"{'http' if self._context is None else 'https'}://127.0.0.1:{self._holder.getsockname()[1]}"

    def start(self) -> None:
        """Take a port, and listen there."""
        with self._lock:
            # Bound, and never listening: the port stays ours while nobody listens there.
            self._holder = socket.socket()
            _share_port(self._holder)
            self._holder.bind(("127.0.0.1", 0))
            self.listen()

    def listen(self) -> None:
        """Accept connections, where that is not done already."""
        with self._lock:
            if self._running is None and self._holder is not None:
                listener = _Listener(self._holder.getsockname(), self._answer, self._context)
                thread = Thread(target=listener.serve_forever, args=(0.01,), name=_THREADS, daemon=True)
                thread.start()
                self._running = listener, thread

    def refuse(self) -> None:
        """Refuse connections, and end those that there are."""
        with self._lock:
            if self._running is not None:
                (listener, thread), self._running = self._running, None
                listener.shutdown()
                listener.server_close()
                for one in (thread, *listener.threads):
                    one.join(PATIENCE)

    def stop(self) -> None:
        """Refuse, and give the port back."""
        with self._lock:
            self.refuse()
            if self._holder is not None:
                self._holder.close()
                self._holder = None


_SHARING = [getattr(socket, name) for name in ("SO_REUSEADDR", "SO_REUSEPORT") if hasattr(socket, name)]


def _share_port(one: socket.socket) -> None:
    for option in _SHARING:
        one.setsockopt(socket.SOL_SOCKET, option, 1)


class _Listener(HTTPServer):
    request_queue_size = 128  # five, as it is otherwise, are too few for tests that ask all at once

    def __init__(self, address: tuple[str, int], answer: Answer, context: ssl.SSLContext | None) -> None:
        self.answer = answer
        self.context = context
        self.threads: list[Thread] = []
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind to the port that is held, and look up no name, which HTTPServer does and which may take seconds."""
        _share_port(self.socket)
        self.socket.bind(self.server_address)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread."""
        thread = Thread(target=self._serve, args=(request, client_address), name=_THREADS, daemon=True)
        self.threads = [*(one for one in self.threads if one.is_alive()), thread]
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hangs up, or trusts no certificate of ours. A fault of the fake is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE

    def setup(self) -> None:
        """Begin with TLS, where the fake has a certificate."""
        self.request.settimeout(PATIENCE)
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        """End TLS too: the server closes the socket below."""
        super().finish()
        if self.server.context is not None:
            self.request.close()

    def do_GET(self) -> None:
        self.close_connection = True
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self.send_error(400)
        elif len(length) > 9 or int(length) > MOST_BYTES:
            self.send_error(413)
        else:
            self._exchange(int(length))

    def do_POST(self) -> None:
        self.do_GET()

    def _exchange(self, length: int) -> None:
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        reply = self.server.answer(Request(self.command, target.path, query, headers, self.rfile.read(length)))
        if reply is not None:
            self._write(reply)

    def _write(self, reply: Reply) -> None:
        is_json = isinstance(reply.body, dict)
        content = json.dumps(reply.body).encode() if isinstance(reply.body, dict) else reply.body
        given = {"Content-Type": "application/json" if is_json else "text/html; charset=utf-8", **reply.headers}
        self.send_response(reply.status)
        for name, value in {**given, "Content-Length": str(len(content)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if reply.is_cut else content)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the path of a request may hold what is secret."""
