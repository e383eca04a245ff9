"""A server in a thread of this process, for as long as it is needed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOOKS_EVERY = 0.05


@contextmanager
def serving(listener: socket.socket, application: WSGIApplication, name: str) -> Iterator[Thread]:
    """Serve an application, with a thread for each request; the value is the server's own.

    Args:
        listener: Where requests come in. It is the server's from here on.
        application: Who answers.
        name: Of the thread.
    """
    host, port = listener.getsockname()
    with listener:
        server = make_server(host, port, application, threaded=True, fd=listener.fileno())
    thread = Thread(target=server.serve_forever, args=(_LOOKS_EVERY,), name=name)
    thread.start()
    try:
        yield thread
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
