"""One HTTP exchange on a connection of its own, that is over by a deadline whatever the other side does.

A client's timeouts are for one read: a server that sends a byte a second keeps it busy for hours. Here every step,
from looking up the name to the last byte, may take what is left until the deadline. There is no pool: a connection
that was kept alive may be closed just as the request leaves, and then nobody knows whether it arrived.

Imports httpcore2, the connections of httpx2, and so is imported when the first request is made; see ``http.py``.
"""

from __future__ import annotations

import socket
import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

import httpcore2

CONNECT_LIMIT = 2.0
"""Seconds for looking up the name and connecting, and again for TLS."""

MOST_BYTES = 65_536
"""Of an answer, before and after decompression. Tokens and a user are a few thousand."""

FAILURES = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    OSError,
    zlib.error,
)
"""What an exchange may raise, beside ``TooLong``."""

_SLICE = 4096
"""Bytes written at once: the deadline is looked at before each."""

_ANY_ZLIB = 47
"""For zlib: gzip and zlib, told apart by their heads."""

Headers = list[tuple[str, str]]


class TooLong(Exception):
    """The answer is longer than ``MOST_BYTES``."""


def exchange(
    method: str,
    url: str,
    headers: Headers,
    content: Iterator[bytes] | None,
    *,
    deadline: float,
    on_head: Callable[[int, dict[str, str]], None],
    proxy: tuple[str, tuple[str, str] | None] | None = None,
    context: ssl.SSLContext | None = None,
) -> bytes:
    """Send a request and return the body of the answer.

    Args:
        method: ``POST`` or ``GET``.
        url: With ``https``, or ``http``.
        headers: Of the request, with its ``Content-Length``.
        content: Of the request, None for none; asked for when the connection stands, right before it is written.
        deadline: By which all is over, as ``time.monotonic`` tells it.
        on_head: Called with status and headers of the answer, by their names in lower case, before its body is read;
            may raise to be spared that.
        proxy: URL of a proxy, and its user and password.
        context: Whom to trust; None: what the system trusts.

    Raises:
        TooLong: The answer.
        httpcore2 errors, OSError, zlib.error: As in ``FAILURES``.
    """
    context = _system_context() if context is None else context
    network = Network(deadline)
    made: Any = {"ssl_context": context, "network_backend": network, "max_keepalive_connections": 0}
    if proxy is None:
        pool = httpcore2.ConnectionPool(**made)
    else:
        pool = httpcore2.HTTPProxy(proxy[0], proxy_auth=proxy[1], **made)
    with pool, pool.stream(method, url, headers=headers, content=content) as response:
        head = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        on_head(response.status, head)
        return _read(response.iter_stream(), head.get("content-encoding", "identity").lower())


def _read(chunks: Iterator[bytes], encoding: str) -> bytes:
    """Return a body, decompressed in steps that cannot outgrow the limit."""
    unpack = None if encoding == "identity" else zlib.decompressobj(_ANY_ZLIB)
    received, body = 0, b""
    for chunk in chunks:
        received += len(chunk)
        body += chunk if unpack is None else unpack.decompress(chunk, MOST_BYTES + 1 - len(body))
        if received > MOST_BYTES or len(body) > MOST_BYTES:
            raise TooLong
    return body


@cache  # reading the certificates takes long
def _system_context() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


_MOST_LATE_READS = 32
"""Of what a server trickles nobody waits for more."""

_AT_ONCE = 0.001
"""Seconds; httpcore takes 0 for no bound at all."""


class Network(httpcore2.NetworkBackend):
    """Connects, by a deadline. For one exchange."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._system = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> Stream:
        """Connect to the first address of a host that answers.

        Half of the time that is left is for each, so that one which does not answer leaves some for the next.
        """
        by = min(self._deadline, monotonic() + CONNECT_LIMIT)
        addresses = _look_up(host, port, by)
        for address in addresses[:-1]:
            try:
                return self._connect(address, port, _left(by, httpcore2.ConnectTimeout) / 2)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return self._connect(addresses[-1], port, _left(by, httpcore2.ConnectTimeout))

    def _connect(self, address: str, port: int, timeout: float) -> Stream:
        return Stream(self._system.connect_tcp(address, port, timeout, socket_options=()), self._deadline)


class Stream(httpcore2.NetworkStream):
    """A connection whose every step ends by the deadline, whatever timeout comes along."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._late_reads = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come.

        Also after the deadline, what is there already: a process that was stopped finds the answer waiting, and it may
        be the only copy of new tokens.
        """
        if monotonic() < self._deadline or self._late_reads >= _MOST_LATE_READS:
            return self._stream.read(max_bytes, _left(self._deadline, httpcore2.ReadTimeout))
        self._late_reads += 1
        return self._stream.read(max_bytes, _AT_ONCE)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        for start in range(0, len(buffer), _SLICE):
            left = _left(self._deadline, httpcore2.WriteTimeout)
            self._stream.write(buffer[start : start + _SLICE], left)

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """Shake hands."""
        left = _left(min(self._deadline, monotonic() + CONNECT_LIMIT), httpcore2.ConnectTimeout)
        return Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Ask the connection itself."""
        return self._stream.get_extra_info(info)


def _left(deadline: float, late: type[Exception]) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise late("the deadline is over")
    return left


def _look_up(host: str, port: int, by: float) -> list[str]:
    """Return a host's addresses, at least one.

    In a thread, for the system's own lookup takes its time and knows no timeout. The thread holds nothing, and where
    it is late nobody waits for it, not even the end of the program.
    """
    found: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that DNS cannot hold
            found.put(error)

    Thread(target=look_up, name="sealed-session-lookup", daemon=True).start()
    try:
        answer = found.get(timeout=_left(by, httpcore2.ConnectTimeout))
    except Empty:
        answer = httpcore2.ConnectTimeout("looking up the name takes too long")
    if isinstance(answer, httpcore2.ConnectTimeout):
        raise answer
    if isinstance(answer, Exception):
        raise httpcore2.ConnectError("the name is not known")
    return answer
