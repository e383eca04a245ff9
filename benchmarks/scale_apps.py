"""What ``scale`` looks at: our extension around a provider that answers at once, and a coordinator that counts.

An application here stands for a process: several of them, on one coordinator, are several processes or machines.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.test import run_wsgi_app

from flask_ext import SealedSession, current_session
from sealed_session import KeyRing, Session, encoding
from sealed_session.refresh.coordinator import Coordinator, Reading

from .peers import COOKIE_NAME, new_sealer
from .request_apps import Environ, environ
from .samples import load

LIFE, EARLY, GRACE = 300, 30, 300
"""Seconds: an access token's life, when before its end it is renewed, and ``REFRESH_GRACE``."""

_SAMPLE = load("sessions")["typical"]
_PATIENCE = 10


class Instant:
    """A provider that takes no time, unless it is held. Safe to share between threads.

    Attributes:
        asked: Set when somebody asks.
        may_answer: Clear it to let everybody wait.
    """

    identity = "benchmarks"

    def __init__(self) -> None:
        self._header, self._claims = _parts(_SAMPLE["access_token"])
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    def session(self, left: int = LIFE, sid: str = "") -> Session:
        """Return a session like the sample, with tokens that nobody has had.

        Args:
            left: Seconds for which its access token is still good; negative: it has ended.
            sid: The provider's name for it; a new one when absent.
        """
        ends = int(time.time()) + left
        claims = {**self._claims, "sid": sid or f"session_{secrets.token_hex(13)}", "iat": ends - LIFE, "exp": ends}
        claims["jti"] = secrets.token_hex(13)
        written = json.dumps(claims, separators=(",", ":")).encode()
        token = ".".join([self._header, encoding.encode(written), encoding.encode(secrets.token_bytes(256))])
        return Session(access_token=token, refresh_token=secrets.token_urlsafe(21), user=_SAMPLE["user"])

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return session.refresh_token

    def refresh(self, session: Session, /, **_arguments: Any) -> Session:
        """Return the next pair."""
        self.asked.set()
        self.may_answer.wait(_PATIENCE)
        return self.session(sid=session.session_id or "")

    def revoke(self, _session: Session) -> bool:
        """Confirm that a session is dead."""
        return True


class Counting:
    """A coordinator that counts what it is asked. Safe to share between threads."""

    def __init__(self, inner: Coordinator) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self.reads = self.swaps = 0

    def read(self, key: bytes) -> Reading:
        """Read."""
        with self._lock:
            self.reads += 1
        return self._inner.read(key)

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Swap."""
        with self._lock:
            self.swaps += 1
        return self._inner.swap(key, old, new, lives)

    def close(self) -> None:
        """Close."""
        self._inner.close()


@dataclass(frozen=True, slots=True)
class Place:
    """An application, as one process has it.

    Attributes:
        app: It.
        auth: Its extension.
        asked: Its coordinator, where that counts.
    """

    app: Flask
    auth: SealedSession
    asked: Counting | None = None

    def request(self, path: str = "/", cookie: str = "") -> str:
        """Send a request, and return the cookie that its answer sets; empty where it sets none.

        Raises:
            RuntimeError: It is not answered 200.
        """
        return self.send(sent(path, cookie))

    def send(self, request: Environ) -> str:
        """Send a request that is made already; as ``request``."""
        pieces, status, headers = run_wsgi_app(self.app, request)
        body = b"".join(pieces)
        if not status.startswith("200"):
            raise RuntimeError(f"expected 200 OK, got {status} and {body[:80]!r}")
        set_by = headers.get("Set-Cookie", "")
        return set_by.partition(";")[0].removeprefix(f"{COOKIE_NAME}=") if COOKIE_NAME in set_by else ""

    def counted(self, counter: str) -> int:
        """Return what stands in one of ``auth.counters``, its labels added up."""
        with self.app.app_context():
            return sum(self.auth.counters.read()[counter].values())


def make(
    provider: Instant,
    passwords: list[str],
    folder: str,
    coordinator: Coordinator | None = None,
    **settings: Any,
) -> Place:
    """Make an application with the defaults.

    Args:
        provider: Whom it asks.
        passwords: The current one, then the fallbacks.
        folder: Its instance folder.
        coordinator: Its coordinator; None: as the settings say.
        settings: ``SEALED_SESSION_*``, without that.
    """
    app = Flask("scale", instance_path=folder)
    given = {"PASSWORD": passwords[0], "PASSWORD_FALLBACKS": passwords[1:], "COOKIE_NAME": COOKIE_NAME, **settings}
    app.config.from_mapping({f"SEALED_SESSION_{name}": value for name, value in given.items()})
    auth = SealedSession(provider, coordinator=coordinator)
    auth.init_app(app)

    @app.get("/")
    def home() -> ResponseReturnValue:
        return str(current_session.user["id"])

    @app.get("/sign-in")
    def sign_in() -> ResponseReturnValue:
        auth.sign_in(**provider.session().to_mapping())
        return ""

    @app.get("/sign-out")
    def sign_out() -> ResponseReturnValue:
        return "" if auth.sign_out().recorded else ("", 500)

    return Place(app, auth, coordinator if isinstance(coordinator, Counting) else None)


def sent(path: str, cookie: str) -> Environ:
    """Make what a server hands over for a request."""
    return environ("GET", path, f"{COOKIE_NAME}={cookie}" if cookie else "")


def seal(password: str, session: Session) -> str:
    """Return a session's cookie value."""
    return new_sealer(KeyRing(password)).seal(session)


def _parts(token: str) -> tuple[str, dict[str, Any]]:
    """Return a token's header as it is written, and its claims."""
    header, claims, _ = token.split(".")
    read: dict[str, Any] = json.loads(encoding.decode(claims))
    return header, read
