"""One application, whoever signs its people in: test_one_app.py runs it under every system, and it names none.

Three pages: a home that greets, an account for people who are signed in, and a button that signs them out.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect
from flask.typing import ResponseReturnValue

from flask_ext import SealedSession, current_session, login_required


def create_app(auth: SealedSession, **settings: Any) -> Flask:
    """Make the application.

    Args:
        auth: Set to whatever system there is.
        settings: Of ``app.config``.
    """
    app = Flask("one_app")
    app.config.update(settings)
    auth.init_app(app)

    @app.get("/")
    def home() -> str:
        return f"Hello {current_session.user['id']}" if current_session else "Hello, whoever you are"

    @app.get("/account")
    @login_required
    def account() -> ResponseReturnValue:
        return {"id": current_session.user["id"], "since": current_session.started_at}

    @app.post("/sign-out")
    def sign_out() -> ResponseReturnValue:
        return redirect(auth.sign_out().url, 303)

    return app
