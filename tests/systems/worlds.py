"""An application with Stytch's or Corbado's preset, that system itself on the loopback, and a person's browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest
from flask import Flask, jsonify, request
from werkzeug.test import TestResponse

from flask_ext import SealedSession, current_session, login_required
from sealed_session import Session, generate_password
from sealed_session.testing import Clock
from sealed_session.testing.fake import Fake
from sealed_session.transports import Transport
from tests.web.browser import Browser
from tests.web.jar import Cookie

ORIGIN = "https://app.example.com"
ANYTHING = {"Accept": "*/*"}
"""What a program asks for: it is answered in JSON."""

_LONG = re.compile(r"[A-Za-z0-9_-]{40,}")
_PATIENCE = 10

F = TypeVar("F", bound=Fake)


@dataclass
class World(Generic[F]):
    """One application, and what is around it.

    Attributes:
        fake: The system that it is of.
        opens: The session that signing in opens, made when somebody does.
        act: The view at ``/do``.
    """

    app: Flask
    auth: SealedSession
    clock: Clock
    browser: Browser
    fake: F
    opens: Callable[[], Session]
    act: Callable[[], Any] = str

    def get(self, path: str, *, at: str = ORIGIN, **options: Any) -> TestResponse:
        """Open a page of the application."""
        return self.browser.get(at + path, **options)

    def sign_in(self, *, at: str = ORIGIN) -> TestResponse:
        """Sign in by a form of the application's own."""
        return self.browser.post(f"{at}/login")

    def do(self, act: Callable[[], Any]) -> TestResponse:
        """Run a function as a view; one that returns None answers "ok"."""
        self.act = act
        return self.get("/do")

    def store(self, lines: Sequence[str], page: str = ORIGIN) -> None:
        """Have a script on a page write cookies."""
        for line in lines:
            assert self.browser.jar.script_store(line, page) is None

    def held(self, name: str) -> list[str]:
        """Return the values of a cookie that the browser holds, wherever they lie."""
        return [cookie.value for cookie in self.browser.jar.cookies() if cookie.name == name]

    def cookies(self) -> dict[str, Cookie]:
        """Return the cookies that the browser holds, by their names."""
        return {cookie.name: cookie for cookie in self.browser.jar.cookies()}

    def raw(self, path: str, cookies: str, **headers: str) -> TestResponse:
        """Send a Cookie header as it is, whatever a browser would say to it."""
        given = {"Cookie": cookies, **ANYTHING, **headers}
        return self.app.test_client(use_cookies=False).get(path, base_url=ORIGIN, headers=given)


def build(
    fake: F,
    provider: Any,
    clock: Clock,
    *,
    transports: Sequence[Transport] | None = None,
    verifier: Any = None,
    opens: Callable[[], Session] | None = None,
    **settings: Any,
) -> World[F]:
    """Make an application with a preset.

    Args:
        fake: The system.
        provider: The preset, set to that.
        clock: Everybody's.
        transports: None: the preset's own.
        verifier: None: the preset's own.
        opens: The session that signing in opens; None: one of the fake's.
        settings: Of the extension, without prefix.
    """
    auth = SealedSession(provider, transports=transports, verifier=verifier, clock=clock)
    app = Flask("app")
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    app.config.update({f"SEALED_SESSION_{name}": value for name, value in settings.items()})
    auth.init_app(app)
    made = World(app, auth, clock, Browser(app, clock), fake, opens or opened_by(fake))
    _add_views(made)
    return made


def opened_by(fake: Any) -> Callable[[], Session]:
    """Return how a session is opened at a fake."""
    return lambda: Session(**fake.sign_in())


def _add_views(world: World[Any]) -> None:
    """The application's views: they know of no system."""
    app, auth = world.app, world.auth

    @app.post("/login")
    def login() -> Any:
        auth.sign_in(**world.opens().to_mapping())
        return jsonify(user=current_session.user, tokens=auth.client_tokens())

    @app.get("/who")
    def who() -> str:
        return f"{current_session.user['id']}" if current_session else f"nobody: {current_session.reason}"

    @app.get("/private")
    @login_required
    def private() -> str:
        return f"private to {current_session.user['id']}"

    @app.post("/hydrate")
    def hydrate() -> str:
        auth.update_session(**request.get_json())
        return "taken up"

    @app.get("/sign-out")
    @app.get("/who/sign-out")  # where a cookie of that path reaches
    def sign_out() -> Any:
        done = auth.sign_out()
        return jsonify(revoked=done.revoked, recorded=done.recorded)

    @app.get("/do")
    def do() -> Any:
        answer = world.act()
        return "ok" if answer is None else answer


def written(response: TestResponse) -> dict[str, dict[str, str]]:
    """Return the attributes of each cookie that a response sets, by its name; those that it clears are not there."""
    found = {}
    for line in response.headers.getlist("Set-Cookie"):
        pair, *attributes = line.split("; ")
        parts = {name: value for name, _, value in (attribute.partition("=") for attribute in attributes)}
        if parts.get("Max-Age") != "0":
            found[pair.partition("=")[0]] = parts
    return found


def settle() -> None:
    """Wait for what goes on behind a response."""
    for thread in threading.enumerate():
        if thread.name in ("sealed-session refresh", "sealed-session sign-out"):
            thread.join(_PATIENCE)


def told(caplog: pytest.LogCaptureFixture, *harmless: str) -> list[str]:
    """Return what a test has logged that could be a token or a secret: whatever is long, and no word.

    Args:
        caplog: Of the test.
        harmless: Long texts that may be told.
    """
    text = "\n".join(caplog.handler.format(record) for record in caplog.get_records("call"))
    for known in harmless:
        text = text.replace(known, "")
    return _LONG.findall(text)
