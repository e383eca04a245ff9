"""A provider on the loopback that can do everything wrong. Real sockets: a fault is one on the wire."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> list[tuple[str, str]]:
        """The fields of a form, in order."""
        return parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Connection:
    """One that a client made, for a behaviour to answer on."""

    peer: socket.socket
    closing: Event

    def send(self, data: bytes) -> None:
        """Write all of it, while somebody listens."""
        with suppress(OSError):
            self.peer.sendall(data)

    def trickle(self, data: bytes, pause: float = 0.02) -> None:
        """Write byte by byte, with a pause between, until nobody listens."""
        for byte in data:
            if self.closing.wait(pause):
                return
            try:
                self.peer.sendall(bytes([byte]))
            except OSError:
                return

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.closing.wait()

    def reset(self) -> None:
        """Break the connection off, so that the client reads an error and no end."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Behaviour = Callable[[Connection], None]


def reply(body: object = None, status: int = 200, headers: dict[str, str] | None = None) -> Behaviour:
    """Answer as a server does: JSON of a dict, and bytes as they are."""
    content = json.dumps(body).encode() if isinstance(body, dict) else body if isinstance(body, bytes) else b""
    lines = {"Content-Length": str(len(content)), "Content-Type": "application/json", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return lambda connection: connection.send(f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + content)


@dataclass
class Server:
    """Answers requests in the order of ``answers``, the last of them for ever. Keeps what came."""

    listener: socket.socket
    tls: ssl.SSLContext | None = None
    answers: list[Behaviour] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    closing: Event = field(default_factory=Event)
    threads: list[Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    def serve(self) -> None:
        """Accept until the listener is shut."""
        with suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                thread = Thread(target=self._answer, args=(peer,))
                self.threads.append(thread)
                thread.start()

    def _answer(self, plain: socket.socket) -> None:
        with plain, suppress(OSError):
            if self.tls is None:
                self._talk(plain)
                return
            with self.tls.wrap_socket(plain, server_side=True) as peer:
                self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        request = _read(peer)
        if request is not None:
            self.requests.append(request)
            behaviour = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            behaviour(Connection(peer, self.closing))


def _read(peer: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = peer.recv(65_536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += peer.recv(65_536)
    method, target, _ = first.split(" ")
    return Received(method, target, headers, body)


@contextmanager
def running(*answers: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server; at the end every connection and thread of it is gone."""
    server = Server(socket.create_server(("127.0.0.1", 0)), tls, list(answers))
    accepting = Thread(target=server.serve)
    accepting.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.listener.shutdown(socket.SHUT_RDWR)
        for thread in (accepting, *server.threads):
            thread.join(10)
        server.listener.close()


def refused_url() -> str:
    """Return the address of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a self-signed certificate for 127.0.0.1; return what a server needs, and the file that a client trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / "trusted.pem", folder / "private.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted
