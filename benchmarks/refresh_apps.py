"""The applications that ``refresh`` compares: one view each, which renews the session of whoever comes.

Started by gunicorn; what they need to know is in the environment.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from flask_ext import SealedSession, current_session, login_required
from sealed_session.providers import WorkOS

from .peers import COOKIE_NAME
from .refresh_provider import CLIENT_ID, PERSON

PROVIDER, FOLDER, KEY = "REFRESH_PROVIDER", "REFRESH_FOLDER", "REFRESH_KEY"
"""Environment variables: the provider's base URL, the folder for ours, the Fernet key for the SDK of WorkOS."""

_API_KEY = "sk_test_of_the_benchmarks"


def ours() -> Flask:
    """Make ours with its defaults: the environment says password, name of the cookie and coordinator."""
    app = Flask("ours", instance_path=os.environ[FOLDER])
    app.config.from_prefixed_env()
    SealedSession(WorkOS(CLIENT_ID, _API_KEY, base_url=os.environ[PROVIDER])).init_app(app)

    @app.get("/")
    @login_required
    def home() -> ResponseReturnValue:
        return _somebody(current_session.user)

    return app


def workos() -> Flask:
    """Make the one with the SDK of WorkOS, as its documentation shows: authenticate, and if that fails, refresh."""
    app, key = Flask("workos"), os.environ[KEY]
    client = import_module("workos").WorkOSClient(api_key=_API_KEY, client_id=CLIENT_ID, base_url=os.environ[PROVIDER])

    @app.get("/")
    def home() -> ResponseReturnValue:
        session = client.user_management.load_sealed_session(
            session_data=request.cookies[COOKIE_NAME], cookie_password=key
        )
        found = session.authenticate()
        if found.authenticated:
            return _somebody(found.user)
        renewed = session.refresh()
        if not renewed.authenticated:
            return {}, 401
        response = _somebody(renewed.user)
        response.set_cookie(COOKIE_NAME, renewed.sealed_session, httponly=True, secure=True, samesite="lax")
        return response

    return app


def _somebody(user: Any) -> Response:
    return jsonify(pid=os.getpid(), right=user["id"] == PERSON["id"])
