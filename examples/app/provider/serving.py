"""The provider's own server: another address than the application's, which reaches it over HTTP alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from flask import Flask
from werkzeug.serving import make_server

_LOOKS_EVERY = 0.05


@contextmanager
def serving(provider: Flask) -> Iterator[str]:
    """Serve a provider in a thread, on a free port of the loopback address; the value is its issuer."""
    server = make_server("127.0.0.1", 0, provider, threaded=True)
    provider.config["ISSUER"] = issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(_LOOKS_EVERY,), name="provider")
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
