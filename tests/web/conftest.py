"""What the tests of the Flask extension share: a small application, a clock, a strict provider and a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, Response, request
from werkzeug.test import TestResponse

from flask_ext import SealedSession, current_session, login_required
from sealed_session.testing import Clock, FakeProvider
from tests.web.browser import Browser

ORIGIN = "https://app.example.com"


@dataclass
class World:
    """One application with everything around it."""

    app: Flask
    auth: SealedSession
    clock: Clock
    provider: FakeProvider
    browser: Browser
    act: Callable[[], Any] = str
    late: Callable[[Response], Response] | None = None
    on_error: Callable[[], Any] | None = None

    def do(self, act: Callable[[], Any], method: str = "GET") -> TestResponse:
        """Run a function as a view; one that returns None answers "ok"."""
        self.act = act
        return self.browser.request(method, f"{ORIGIN}/do")

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page of the application."""
        return self.browser.get(ORIGIN + path, **options)

    def cookies(self, response: TestResponse) -> list[str]:
        """The names of the cookies that a response sets or clears."""
        return [line.partition("=")[0] for line in response.headers.getlist("Set-Cookie")]


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(password: str) -> MakeWorld:
    """Build an application with these settings, without their prefix."""

    def make(
        *,
        provider: Any = ...,
        verifier: Any = None,
        coordinator: Any = None,
        clock: Clock | None = None,
        transports: Any = None,
        companions: Any = (),
        **settings: Any,
    ) -> World:
        clock = Clock() if clock is None else clock
        fake = FakeProvider(clock)
        given = fake if provider is ... else provider
        auth = SealedSession(
            given,
            transports=transports,
            verifier=verifier,
            coordinator=coordinator,
            companions=companions,
            clock=clock,
        )
        app = Flask("world")
        app.config["SEALED_SESSION_PASSWORD"] = password
        app.config["SEALED_SESSION_COORDINATOR_URL"] = "memory:"
        app.config.update({f"SEALED_SESSION_{key}": value for key, value in settings.items()})
        auth.init_app(app)
        world = World(app, auth, clock, fake, Browser(app, clock))
        add_views(world)
        return world

    return make


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """An application with nothing but a password."""
    return make_world()


def add_views(world: World) -> None:
    """Views for every act."""
    app, auth = world.app, world.auth

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> str:
        auth.sign_in(**world.provider.sign_in())
        return "in"

    @app.route("/sign-out", methods=["GET", "POST"])
    def sign_out() -> str:
        auth.sign_out()
        return "out"

    @app.get("/who")
    def who() -> str:
        return f"{current_session.user['id']}" if current_session else f"nobody: {current_session.reason}"

    @app.get("/private")
    @login_required
    def private() -> str:
        return f"private to {current_session.user['id']}"

    @app.get("/public")
    def public() -> str:
        return "public"

    @app.get("/note")
    def note() -> str:
        auth.update(extra={"note": request.args["note"]})
        return "noted"

    @app.get("/extra")
    def extra() -> Any:
        return current_session.extra

    @app.route("/do", methods=["GET", "POST", "OPTIONS"], provide_automatic_options=False)
    def do() -> Any:
        answer = world.act()
        return "ok" if answer is None else answer

    @app.after_request
    def late(response: Response) -> Response:
        return response if world.late is None else world.late(response)

    @app.errorhandler(500)
    def on_error(error: Exception) -> Any:
        return ("broken" if world.on_error is None else world.on_error()), 500

    @app.get("/crash")
    def crash() -> Response:
        bool(current_session)
        raise ZeroDivisionError
