"""An application whose sessions are renewed at an OpenID provider, found by its issuer. Started by gunicorn, too."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask

from flask_ext import SealedSession, current_session, login_required
from sealed_session.providers import OAuth2
from tests.storm.oidc_server import Client, Provider


def environment(provider: Provider, client: Client) -> dict[str, str]:
    """Return what ``create_app`` reads."""
    given = {"STORM_ISSUER": provider.issuer, "STORM_CLIENT": client.client_id, "STORM_AUTH": client.auth}
    return given if client.client_secret is None else given | {"STORM_SECRET": client.client_secret}


def create_app() -> Flask:
    """Build it from the environment."""
    app = Flask("oidc", instance_path=os.environ["STORM_FOLDER"])
    app.config.from_prefixed_env()
    provider = OAuth2(
        issuer=os.environ["STORM_ISSUER"],
        client_id=os.environ["STORM_CLIENT"],
        client_secret=os.environ.get("STORM_SECRET"),
        auth=os.environ["STORM_AUTH"],
        reuse_detection="session",
    )
    return set_up(app, provider)


def set_up(app: Flask, provider: OAuth2) -> Flask:
    """Give an application its sessions and its pages."""
    sealed = SealedSession(provider)
    sealed.init_app(app)

    @app.get("/")
    @login_required
    def home() -> dict[str, Any]:
        return {"pid": os.getpid(), "ends": current_session.access_expires_at}

    @app.get("/renew")
    @login_required
    def renew() -> tuple[dict[str, Any], int]:
        """Rotate, due or not."""
        outcome = sealed.refresh(force=True)
        return {"pid": os.getpid(), "outcome": outcome.kind}, 200 if outcome.session is not None else 503

    return app
