"""An application with a sign-in of its own and Knoon beside it: FakeKnoon over HTTP, and an honest browser."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from flask_ext import SealedSession, current_session
from sealed_session import generate_password
from sealed_session.providers import Knoon
from sealed_session.testing import Clock, FakeKnoon, FakeProvider
from tests.web.browser import Browser

ORIGIN = "https://app.example.com"
PATH = "/knoon/credentials"
BOX, OTHER_BOX = "box_1", "box_2"
ADA = {"id": "user_1", "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}
GRACE = {"id": "user_2", "email": "grace@example.com", "name": "Grace Hopper", "picture": "https://example.com/g.png"}


def names(box: str = BOX) -> tuple[str, str, str]:
    """The names of a Chat Box's cookies, as Knoon's page has them."""
    start = "knoon_contact_session_jwt_"
    return f"{start}{box}", f"{start}expires_at_{box}", f"{start}domain_{box}"


class World:
    """One application, and a browser.

    Attributes:
        knoon: Knoon.
        provider: The application's own sign-in.
        auth: The extension.
        browser: Somebody's.
    """

    def __init__(self, knoon: FakeKnoon, clock: Clock, **options: Any) -> None:
        """Set it up; options are the preset's, which has organisation and key from the environment."""
        self.knoon, self.clock = knoon, clock
        self.provider = FakeProvider(clock)
        companion = Knoon(**{"domain": ".example.com", "base_url": knoon.base_url, "clock": clock, **options})
        self.auth = SealedSession(self.provider, companions=[companion], clock=clock)
        self.app = Flask("knoon")
        self.app.config["SEALED_SESSION_PASSWORD"] = generate_password()
        self.auth.init_app(self.app)
        self.person: dict[str, Any] = ADA
        self.app.add_url_rule("/sign-in", "sign_in", self._sign_in, methods=["POST"])
        self.app.add_url_rule("/sign-out", "sign_out", self._sign_out, methods=["POST"])
        self.app.add_url_rule("/me", "me", lambda: str(current_session.user.get("id")))
        self.app.add_url_rule("/read/<box>", "read", self._read)
        self.app.add_url_rule("/mint/<box>", "mint", lambda box: self._read(box, mint=True))
        self.browser = Browser(self.app, clock)

    def sign_in(self, person: dict[str, Any] | None = None) -> TestResponse:
        """Sign somebody in; Ada where nobody is named."""
        self.person = ADA if person is None else person
        return self.browser.post(f"{ORIGIN}/sign-in")

    def ask(self, body: Any = ..., **options: Any) -> TestResponse:
        """Ask for a credential, as the page's script does."""
        sent = {"chatBoxId": BOX} if body is ... else body
        return self.browser.fetch(ORIGIN + PATH, method="POST", json=sent, **options)

    def get(self, path: str) -> str:
        """What a page says."""
        return self.browser.get(ORIGIN + path).text

    def held(self) -> set[str]:
        """The names of Knoon's cookies in the browser."""
        return {cookie.name for cookie in self.browser.jar.cookies() if cookie.name.startswith("knoon_")}

    def _sign_in(self) -> str:
        self.auth.sign_in(**self.provider.sign_in(self.person))
        return "in"

    def _sign_out(self) -> str:
        self.auth.sign_out()
        return "out"

    def _read(self, box: str, *, mint: bool = False) -> str:
        found = self.auth.credential(box, mint=mint)
        return "none" if found is None else found.cookies[names(box)[0]]
