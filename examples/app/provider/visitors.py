"""Who is signed in at the provider itself: by a cookie of its own, so that nobody is asked twice in one browser."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from threading import Lock

from flask import Request, Response

from ..people import Person
from .keeping import keep

COOKIE = "demo-provider"

_MOST = 1000


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in here, in one browser.

    Attributes:
        person: Who.
        browser: The provider's own session; not what the cookie holds.
        auth_time: When the person was last asked, Unix seconds.
    """

    person: Person
    browser: str
    auth_time: int


class Visitors:
    """Everybody who is signed in here, in memory. Safe to share between threads."""

    def __init__(self) -> None:
        self._by_cookie: dict[str, Visitor] = {}
        self._lock = Lock()

    def of(self, request: Request) -> Visitor | None:
        """Return who sends a request; None for nobody."""
        return self._by_cookie.get(request.cookies.get(COOKIE, ""))

    def sign_in(self, request: Request, person: Person) -> tuple[Visitor, str]:
        """Sign somebody in, or once more; return also what the cookie shall hold, which is new every time."""
        value, now = secrets.token_urlsafe(24), int(time.time())
        with self._lock:
            before = self._by_cookie.pop(request.cookies.get(COOKIE, ""), None)
            if before is not None and before.person is person:
                visitor = replace(before, auth_time=now)
            else:
                visitor = Visitor(person, secrets.token_hex(8), now)
            keep(self._by_cookie, value, visitor, _MOST)
        return visitor, value

    def sign_out(self, visitor: Visitor, *, everywhere: bool) -> None:
        """Sign somebody out of this browser, or of every one."""
        with self._lock:
            for value, other in list(self._by_cookie.items()):
                if other.browser == visitor.browser or (everywhere and other.person is visitor.person):
                    del self._by_cookie[value]


def remember(response: Response, value: str) -> None:
    """Let the browser keep the cookie until it is closed. Lax: applications send people here."""
    response.set_cookie(COOKIE, value, httponly=True, samesite="Lax")
