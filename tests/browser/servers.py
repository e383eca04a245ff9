"""Real servers on this machine, http and https, for every host name; and a laboratory where no application lives.

In the laboratory the query of an address says what the answer is: ``set`` is a Set-Cookie line, ``to`` and ``code`` a
redirect, ``script`` what the page runs, and ``tag`` a name under which the request is found again.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.web.jar import host_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATIENCE = 15.0
PAGE = "<!doctype html><title>laboratory</title><body>"


class Quiet(WSGIRequestHandler):
    """Writes no log: every test would have hundreds of lines."""

    def log(self, *_: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    url: str
    headers: Mapping[str, str]

    @property
    def cookies(self) -> str:
        """The Cookie header; empty where there was none."""
        return self.headers.get("Cookie", "")


@dataclass
class Web:
    """All of the web. ``apps`` are named by host; at every other host there is the laboratory."""

    apps: dict[str, WSGIApplication] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def url(self, address: str, **query: Any) -> str:
        """The address with its server's port, and a query."""
        parts = urlsplit(address)
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        return f"{parts.scheme}://{parts.netloc}:{self.ports[parts.scheme]}{parts.path or '/'}{asked}"

    def tagged(self, tag: str) -> Seen:
        """Wait for the request with this tag."""
        with self._arrived:
            found = self._arrived.wait_for(lambda: self._with_tag(tag), PATIENCE)
        assert found, f"no request with the tag {tag}, but {[seen.url for seen in self.seen]}"
        return found

    def _with_tag(self, tag: str) -> Seen | None:
        return next((seen for seen in self.seen if f"tag={tag}" in urlsplit(seen.url).query.split("&")), None)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Note the request and let whose host it is answer."""
        request = Request(environ)
        if request.path == "/favicon.ico":
            return Response(status=404)(environ, start_response)
        with self._arrived:
            self.seen.append(Seen(request.method, request.url, dict(request.headers)))
            self._arrived.notify_all()
        app = self.apps.get(host_of(request.url), laboratory)
        return app(environ, start_response)


@Request.application
def laboratory(request: Request) -> Response:
    """Answer as the query says, and let pages of every origin read it."""
    script = request.args.get("script", "")
    response = Response(f"{PAGE}<script>{script}</script>", mimetype="text/html")
    if target := request.args.get("to"):
        response.status_code = int(request.args.get("code", 302))
        response.headers["Location"] = target
    for line in request.args.getlist("set"):
        response.headers.add("Set-Cookie", line)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
    response.headers["Access-Control-Allow-Credentials"] = "true"
    return response


@contextmanager
def serving(directory: Path) -> Iterator[Web]:
    """Serve on two free ports of the loopback interface; the certificate lies in the directory."""
    web = Web()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(directory))
    with ExitStack() as stack:
        for scheme, tls in (("http", None), ("https", context)):
            web.ports[scheme] = stack.enter_context(one_server(web, tls))
        yield web


@contextmanager
def one_server(web: Web, tls: ssl.SSLContext | None) -> Iterator[int]:
    """Serve in a thread; the value is the port."""
    server = make_server("127.0.0.1", 0, web, threaded=True, request_handler=Quiet, ssl_context=tls)
    if tls is not None:  # a browser that connects ahead and says nothing must not keep the others waiting
        server.socket.do_handshake_on_connect = False  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(directory: Path) -> Path:
    """Write a throw-away key and its self-signed certificate, good for a day."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path
