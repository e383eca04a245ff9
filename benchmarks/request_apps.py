"""The applications that ``request`` compares: one view each, answering with the id of the person who is signed in.

Every one of them is signed in to by its own ``POST /sign-in``, and what its response sets is what the request brings.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from time import time
from typing import Any

from flask import Flask, session
from werkzeug.test import EnvironBuilder, run_wsgi_app

from flask_ext import SealedSession, current_session, login_required, public
from sealed_session import encoding, generate_password
from sealed_session.exact_json import JsonObject

from .samples import load

SESSION = "typical"
PERSON: JsonObject = load("sessions")[SESSION]["user"]

_TOKEN_SECONDS = 86_400  # longer than any measurement

Environ = dict[str, Any]
Home = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Side:
    """One application and the request that it is sent."""

    app: Flask
    environ: Environ

    def check(self) -> None:
        """Send the request once.

        Raises:
            RuntimeError: The answer is not the person's id, so that there is nothing worth timing.
        """
        pieces, status, _ = run_wsgi_app(self.app, self.environ.copy())
        body = b"".join(pieces)
        if (status, body) != ("200 OK", PERSON["id"].encode()):
            raise RuntimeError(f"expected 200 OK and {PERSON['id']}, got {status} and {body[:80]!r}")


def session_values() -> JsonObject:
    """Return the sample session, its access token good from now on: header, other claims and length stay."""
    values = load("sessions")[SESSION]
    header, claims, signature = values["access_token"].split(".")
    now = int(time())
    renewed = {**json.loads(encoding.decode(claims)), "exp": now + _TOKEN_SECONDS, "iat": now}
    written = json.dumps(renewed, separators=(",", ":"), ensure_ascii=False).encode()
    return {**values, "access_token": f"{header}.{encoding.encode(written)}.{signature}"}


def environ(method: str, path: str, cookie: str = "") -> Environ:
    """Make what a server hands over for a request."""
    headers = [("User-Agent", "benchmarks"), *([("Cookie", cookie)] if cookie else [])]
    address = {"REMOTE_ADDR": "127.0.0.1"}
    return EnvironBuilder(path=path, method=method, headers=headers, environ_base=address).get_environ()


def plain() -> Side:
    """Make Flask alone, sent the same request as the public view of ours."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=_stranger)
    return Side(app, public_view().environ)


def public_view() -> Side:
    """Make ours with its defaults, where a person who is signed in asks for a view that never looks."""
    return _signed_in(_sealed(_stranger))


def signed_in() -> Side:
    """Make ours with its defaults, the view reading the user."""
    return _signed_in(_sealed(lambda: str(current_session.user["id"])))


def guarded() -> Side:
    """Make ours with its defaults, the view under ``login_required``."""
    return _signed_in(_sealed(login_required(lambda: str(current_session.user["id"]))))


def guarded_everywhere() -> Side:
    """Make ours under REQUIRE_LOGIN."""
    return _signed_in(_sealed(lambda: str(current_session.user["id"]), SEALED_SESSION_REQUIRE_LOGIN=True))


def flask_small() -> Side:
    """Make Flask's own session with the user's id and nothing else."""
    return _flask(lambda: str(session["user_id"]), {"user_id": PERSON["id"]})


def flask_typical() -> Side:
    """Make Flask's own session with what ours holds, as Flask sets it by default: until the browser closes."""
    return _flask(lambda: str(session["user"]["id"]), session_values())


def flask_permanent() -> Side:
    """Make the same, lasting as ours does; Flask then sets the cookie with every response."""
    return _flask(lambda: str(session["user"]["id"]), session_values(), permanent=True)


def flask_login(**values: Any) -> Side:
    """Make Flask-Login with its defaults, the users in a dict.

    Args:
        values: What Flask's session holds beside the user's id.

    Raises:
        ModuleNotFoundError: Its package is not installed.
    """
    module = import_module("flask_login")
    user = module.UserMixin()
    user.id = PERSON["id"]

    def sign_in() -> None:
        session.update(values)
        module.login_user(user)

    app = _app(lambda: str(module.current_user.id), sign_in)
    module.LoginManager(app).user_loader({user.id: user}.get)
    return _signed_in(app)


def flask_login_typical() -> Side:
    """Make Flask-Login with what ours holds in Flask's session, for an application that needs the tokens."""
    return flask_login(**session_values())


_MAKERS: dict[str, Callable[[], Side]] = {
    "plain": plain,
    "public": public_view,
    "signed_in": signed_in,
    "login_required": guarded,
    "require_login": guarded_everywhere,
    "flask_small": flask_small,
    "flask_typical": flask_typical,
    "flask_permanent": flask_permanent,
    "flask_login": flask_login,
    "flask_login_typical": flask_login_typical,
}


def make(key: str) -> Side:
    """Make one side, by its key in ``request.LABELS``.

    Raises:
        ModuleNotFoundError: Its package is not installed.
    """
    return _MAKERS[key]()


def _stranger() -> str:
    return str(PERSON["id"])


def _app(home: Home, sign_in: Callable[[], object]) -> Flask:
    """Make an application with Flask's own session switched on."""
    app = Flask(__name__)
    app.secret_key = secrets.token_bytes(32)
    _add_views(app, home, sign_in)
    return app


def _sealed(home: Home, **settings: Any) -> Flask:
    """Make an application with our extension, and with nothing set but its password."""
    app = Flask(__name__)
    app.config.from_mapping(SEALED_SESSION_PASSWORD=generate_password(), **settings)
    auth = SealedSession()
    auth.init_app(app)
    _add_views(app, home, lambda: auth.sign_in(**session_values()))
    return app


def _flask(home: Home, values: JsonObject, *, permanent: bool = False) -> Side:
    def sign_in() -> None:
        session.update(values)
        session.permanent = permanent

    return _signed_in(_app(home, sign_in))


def _add_views(app: Flask, home: Home, sign_in: Callable[[], object]) -> None:
    @app.post("/sign-in")
    @public
    def signing_in() -> str:
        sign_in()
        return ""

    app.add_url_rule("/", "home", home)


def _signed_in(app: Flask) -> Side:
    """Sign in; return the application with the request that brings the cookie back."""
    _, _, headers = run_wsgi_app(app, environ("POST", "/sign-in"))
    cookies = [line.partition(";")[0] for line in headers.getlist("Set-Cookie")]
    return Side(app, environ("GET", "/", "; ".join(cookies)))
