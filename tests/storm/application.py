"""The application of the storm: one view behind a session, and a provider on another port. Started by gunicorn."""

from __future__ import annotations

import json
import os
from urllib.request import Request, urlopen

from flask import Flask

from flask_ext import SealedSession, current_session, login_required
from sealed_session import RefreshDenied, Session


def refresh(session: Session) -> Session:
    """Ask the strict provider of the test."""
    asked = Request(os.environ["STORM_PROVIDER"], json.dumps({"refresh_token": session.refresh_token}).encode())  # noqa: S310
    with urlopen(asked, timeout=20) as answer:  # noqa: S310 - the test's own address
        values = json.load(answer)
    if "error" in values:
        raise RefreshDenied
    return Session(**values)


def create_app() -> Flask:
    """Build it from the environment."""
    app = Flask("storm", instance_path=os.environ["STORM_FOLDER"])
    app.config.from_prefixed_env()
    SealedSession(refresh).init_app(app)

    @app.get("/")
    @login_required
    def home() -> dict[str, str | int | None]:
        return {"pid": os.getpid(), "ends": current_session.access_expires_at}

    return app
