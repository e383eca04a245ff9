"""Applications of Corbado's preset, and Corbado on the loopback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sealed_session.providers import Corbado
from sealed_session.testing import Clock, FakeCorbado
from sealed_session.transports import Transport
from tests.systems.worlds import World, build

PROJECT = "pro-1234567890123456789"
ADA = "usr-1234567890123456789"
COOKIE, ALIAS = "cbo_session_token", "cbo_short_session"
REFRESH = "/v2/me/refresh"
UI, API = "https://www.example.com", "https://api.example.com"
PATIENCE = 10

CorbadoWorld = World[FakeCorbado]


def preset(corbado: FakeCorbado, **options: Any) -> Corbado:
    """Return the preset, set to the fake."""
    return Corbado(corbado.project_id, frontend_api=corbado.base_url, **options)


def service(
    corbado: FakeCorbado, clock: Clock, transports: Sequence[Transport] | None = None, **settings: Any
) -> CorbadoWorld:
    """Make an application, by the preset's own transports where none are given."""
    return build(corbado, preset(corbado), clock, transports=transports, **settings)


def sign_in_at_ui(world: CorbadoWorld, session: dict[str, Any] | None = None, *, name: str = COOKIE) -> dict[str, Any]:
    """Sign in at the UI component, which keeps the session-token in a cookie; return what it was given."""
    given = world.fake.sign_in() if session is None else session
    world.store([world.fake.ui_cookie("www.example.com", given, name=name)], UI)
    return given


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    """Return the header that carries a session-token."""
    return {"Authorization": f"{scheme} {token}"}


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application over HTTP, on a free port of the loopback; give its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    serving = Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join(PATIENCE)
        server.server_close()


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Leave the log to the applications."""
