"""The application of the faults, and how gunicorn serves it: ``-c python:benchmarks.faults_application``.

Every worker reads ``settings.json`` in the folder that the environment names, so that a worker which is started later
may have another password, and each its own clock.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from flask import Flask

from flask_ext import SealedSession, current_session, login_required
from sealed_session import Session
from sealed_session.providers import OAuth2
from sealed_session.verifier import JWTVerifier

from .faults_fleet import FOLDER, NUMBER


class SignedOAuth2(OAuth2):
    """Says with every call which process makes it."""

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Use the refresh token."""
        return super().refresh(session, worker=str(os.getpid()), **arguments)


def create_app() -> Flask:
    """Build it from the settings."""
    folder = Path(os.environ[FOLDER])
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    skew = settings["skews"][int(os.environ[NUMBER]) % len(settings["skews"])]
    app = Flask("faults", instance_path=str(folder / "instance"))
    app.config.update({f"SEALED_SESSION_{name}": value for name, value in settings["config"].items()})
    clock = (lambda: time.time() + skew) if skew else None
    provider = SignedOAuth2(client_id="faults", auth="none", clock=clock, **settings["provider"])
    verifier = JWTVerifier(**settings["verifier"], leeway=0) if settings["verifier"] else None
    auth = SealedSession(provider, verifier=verifier, clock=clock)
    auth.init_app(app)

    @app.get("/")
    @login_required
    def home() -> dict[str, str | int | None]:
        return {"pid": os.getpid(), "ends": current_session.access_expires_at, "sid": current_session.session_id}

    @app.post("/sign-out")
    def sign_out() -> dict[str, int | bool]:
        done = auth.sign_out()
        return {"pid": os.getpid(), "recorded": done.recorded, "revoked": done.revoked}

    return app


# What gunicorn reads.

worker_class, threads, timeout, graceful_timeout, loglevel = "gthread", 16, 300, 20, "warning"
control_socket_disable = True


def post_fork(_server: Any, worker: Any) -> None:
    """Tell the worker its number."""
    os.environ[NUMBER] = str(worker.age)


def post_worker_init(worker: Any) -> None:
    """Note that it answers from now on."""
    Path(os.environ[FOLDER], "workers", str(worker.pid)).touch()


def child_exit(_server: Any, worker: Any) -> None:
    """Note that it is gone; the first process does."""
    Path(os.environ[FOLDER], "workers", str(worker.pid)).unlink(missing_ok=True)
