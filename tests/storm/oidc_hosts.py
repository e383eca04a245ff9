"""Two applications on two hosts of one domain, which share one session: they are one client of an OpenID provider.

They are built here in this process, or by gunicorn in processes of their own; then ``Relay`` brings requests there.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug import Request, Response
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_ext import SealedSession, current_session, login_required
from sealed_session.providers import OAuth2
from tests.storm.oidc_server import Client

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

APP, DASHBOARD = HOSTS = ("app.example.com", "dashboard.example.com")
NAME = "__Secure-session"
BACKCHANNEL = "/auth/backchannel-logout"
SECRET = "test data: 100% + a/b & c"
PATIENCE = 30

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


def client(channel: str) -> Client:
    """Return the client that both are: each has a redirect URI of its own, and the back channel leads to one of them.

    Args:
        channel: Origin under which the provider's server reaches it.
    """
    more = {
        "redirect_uris": [f"https://{host}/auth/callback" for host in HOSTS],
        "post_logout_redirect_uris": [f"https://{host}/bye" for host in HOSTS],
        "backchannel_logout_uri": channel + BACKCHANNEL,
        "backchannel_logout_session_required": True,
    }
    return Client("hosts:both", SECRET, more=more)


def settings(password: str, coordinator: str, **others: Any) -> dict[str, Any]:
    """Return what both are set to: the same, so that they share a session.

    Args:
        password: The password.
        coordinator: URL of what they share beside it.
        others: Further settings, without prefix.
    """
    given = {
        "PASSWORD": password,
        "COORDINATOR_URL": coordinator,
        "COOKIE_NAME": NAME,
        "COOKIE_SECURE": True,
        "COOKIE_DOMAIN": "example.com",
        "AUTH_PREFIX": "/auth",
        "LOGOUT_RETURN_TO": "/bye",
        "CHECK_REVOCATION": "always",
        **others,
    }
    return {f"SEALED_SESSION_{name}": value for name, value in given.items()}


def build(
    name: str, issuer: str, settings: dict[str, Any], folder: Path, clock: Callable[[], float] | None = None
) -> Flask:
    """Build one of the applications.

    Args:
        name: Its host.
        issuer: The provider.
        settings: As ``settings`` returns them.
        folder: Its own.
        clock: Returns Unix seconds; None: ``time.time``.
    """
    app = Flask(name, instance_path=str(folder))
    app.config.update(settings)
    ours = OAuth2(issuer=issuer, client_id="hosts:both", client_secret=SECRET, reuse_detection="session", clock=clock)
    auth = SealedSession(ours, clock=clock)
    auth.init_app(app)
    _add_views(app, auth)
    return app


def _add_views(app: Flask, auth: SealedSession) -> None:
    @app.get("/")
    @login_required
    def home() -> Any:
        organization = current_session.claims.get("org_id")
        return {"at": app.import_name, "who": current_session.user["sub"], "organization": organization}

    @app.get("/renew")
    @login_required
    def renew() -> Any:
        return {"kind": auth.refresh(force=True).kind}

    @app.post("/switch/<organization>")
    def switch(organization: str) -> Any:
        kind = auth.refresh(organization_id=organization).kind
        return {"kind": kind, "organization": current_session.claims.get("org_id")}

    @app.get("/reason")
    def reason() -> Any:
        return {"reason": current_session.reason}

    @app.get("/bye")
    def bye() -> str:
        return f"bye from {app.import_name}"


def environment(host: str, issuer: str, settings: dict[str, Any], folder: Path) -> dict[str, str]:
    """Return what ``create_app`` reads; as for ``build``."""
    return {
        "HOSTS_NAME": host,
        "HOSTS_ISSUER": issuer,
        "HOSTS_SETTINGS": json.dumps(settings),
        "HOSTS_FOLDER": str(folder),
    }


def create_app() -> WSGIApplication:
    """Build one from the environment, for gunicorn. Whatever is logged is in ``log.txt`` of its folder."""
    folder = Path(os.environ["HOSTS_FOLDER"])
    folder.mkdir(exist_ok=True)
    logging.basicConfig(filename=folder / "log.txt", level=logging.DEBUG)
    app = build(os.environ["HOSTS_NAME"], os.environ["HOSTS_ISSUER"], json.loads(os.environ["HOSTS_SETTINGS"]), folder)
    return ProxyFix(app.wsgi_app)


class Relay:
    """A WSGI application that asks a server on this machine, which is told of the host and the scheme it was asked by.

    By it the honest browser, which has no network, opens the pages of a real server.
    """

    def __init__(self, port: int) -> None:
        """Name the server's port on the loopback."""
        self._port = port

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on, and its answer back."""
        request = Request(environ)
        headers = {**dict(request.headers), "X-Forwarded-Proto": request.scheme, "X-Forwarded-For": "127.0.0.1"}
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request(request.method, environ["REQUEST_URI"], request.get_data(), headers)
            answer = connection.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
            response = Response(answer.read(), answer.status, kept)
        finally:
            connection.close()
        return response(environ, start_response)


class Channel:
    """A loopback port, where the provider's server for one reaches an application: whoever is behind it for now.

    Attributes:
        url: Its origin.
        app: Who answers.
        paths: Where it was asked.
    """

    def __init__(self) -> None:
        self.url = ""
        self.app: WSGIApplication | None = None
        self.paths: list[str] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Note the request, and let the application answer."""
        assert self.app, "the provider spoke, and nobody was there"
        self.paths.append(environ["PATH_INFO"])
        return self.app(environ, start_response)


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Leave the log to the applications."""


@contextmanager
def channel() -> Iterator[Channel]:
    """Serve one until the block ends."""
    served = Channel()
    server = make_server("127.0.0.1", 0, served, threaded=True, request_handler=_Silent)
    served.url = f"http://127.0.0.1:{server.server_port}"
    serving = Thread(target=server.serve_forever)
    serving.start()
    try:
        yield served
    finally:
        server.shutdown()
        serving.join(PATIENCE)
        server.server_close()
