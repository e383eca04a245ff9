"""The provider of the faults: it counts what each refresh token is sent for, and misbehaves as it is told.

It is faithful: a token is good once, and with ``Kind.REUSE`` its second use ends the whole family; with ``Kind.GRACE``
the second use within half a minute is given the same pair again. It knows what really happened to every session.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from sealed_session.testing import access_token

from .faults_keys import Keys

REPLAYED_FOR = 30
"""Seconds for which ``Kind.GRACE`` answers a token again."""


class Kind(StrEnum):
    """What the second use of a refresh token does."""

    STRICT = "strict"
    """It is refused."""
    REUSE = "reuse"
    """It is refused, and the family is dead."""
    GRACE = "grace"
    """At once, it is answered as the first was."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a call is treated.

    Attributes:
        latency: Seconds; the token is used up when half of them are over.
        refuse: Answered with this status, and the token is not looked at; 0: it is.
        retry_after: Seconds, said with ``refuse``.
        spoil: Answered with this status after the token was used up; 0: properly.
        trickle: Seconds over which the answer's body is spread.
    """

    latency: float = 0.05
    refuse: int = 0
    retry_after: int | None = None
    spoil: int = 0
    trickle: float = 0


@dataclass(slots=True)
class Call:
    """One call. Times are those of ``time.monotonic``.

    Attributes:
        sid: Whose session; empty for a token that is not known.
        pid: The process that called.
        verdict: ``rotated``, ``replayed``, ``denied`` or ``refused``; empty while the call goes on.
        answered: When the last byte was written; None: it was not.
    """

    token: str = field(repr=False)
    sid: str
    pid: int
    arrived: float
    treatment: Treatment
    verdict: str = ""
    answered: float | None = None

    @property
    def is_effective(self) -> bool:
        """Whether the token was looked at."""
        return not self.treatment.refuse


@dataclass(slots=True)
class Family:
    """One session there.

    Attributes:
        newest: The refresh token that has not been used yet.
        is_alive: False once a token of it was used twice, and that ends it.
        ended_by: The call that did.
        told: When somebody asked that it be ended, and whether that ended it.
    """

    newest: str = field(repr=False)
    is_alive: bool = True
    ended_by: Call | None = None
    told: list[tuple[float, bool]] = field(default_factory=list)


class Provider:
    """Hands out pairs. Safe to share between threads.

    Attributes:
        treat: Says how the next call is treated; replaced by whoever makes trouble.
        calls: Every call, in order.
        families: By their ``sid``.
        life: Seconds that an access token is good for.
        keys: What signs it; None: its signature is random.
        revokes_not: Answered with this status when it shall end a session; 0: it does.
    """

    def __init__(self, kind: Kind, life: int, keys: Keys | None = None) -> None:
        self.kind, self.life, self.keys = kind, life, keys
        self.treat: Callable[[], Treatment] = Treatment
        self.calls: list[Call] = []
        self.families: dict[str, Family] = {}
        self.over = threading.Event()
        self.revokes_not = 0
        self._sids: dict[str, str] = {}
        self._newest: dict[str, dict[str, Any]] = {}
        self._pairs: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def sign_in(self) -> dict[str, Any]:
        """Open a session; return its first pair."""
        sid = f"session_{secrets.token_hex(6)}"
        self.families[sid] = Family("")
        return self._new_pair(sid)

    def begin(self, token: str, pid: int) -> Call:
        """Note that somebody calls."""
        with self._lock:
            call = Call(token, self._sids.get(token, ""), pid, time.monotonic(), self.treat())
            self.calls.append(call)
        return call

    def decide(self, call: Call) -> tuple[int, dict[str, Any]]:
        """Look at the token, use it up; return status and body."""
        if not call.is_effective:
            call.verdict = "refused"
            return call.treatment.refuse, {"error": "temporarily_unavailable"}
        with self._lock:
            family, used = self.families.get(call.sid), self._pairs.get(call.token)
            if family is None or not family.is_alive:
                call.verdict = "denied"
            elif used is None:
                call.verdict, body = "rotated", self._new_pair(call.sid)
                self._pairs[call.token] = time.monotonic(), body
            elif self.kind is Kind.GRACE and time.monotonic() - used[0] < REPLAYED_FOR:
                call.verdict, body = "replayed", used[1]
            else:
                call.verdict = "denied"
                if self.kind is Kind.REUSE:
                    family.is_alive, family.ended_by = False, call
        if call.verdict == "denied":
            return 400, {"error": "invalid_grant"}
        return (call.treatment.spoil, {}) if call.treatment.spoil else (200, body)

    def newest_pair(self, sid: str) -> dict[str, Any]:
        """Return what a session was given last."""
        return self._newest[sid]

    def revoke(self, token: str) -> int:
        """End a session by its newest refresh token; return the status.

        One that is used up or not known ends nothing, and is answered 200 all the same (RFC 7009, section 2.2).
        """
        status = self.revokes_not or 200
        with self._lock:
            family = self.families.get(self._sids.get(token, ""))
            if family is not None:
                ends = status == 200 and family.is_alive and token == family.newest
                family.told.append((time.monotonic(), ends))
                family.is_alive = family.is_alive and not ends
        return status

    def in_flight(self, sid: str = "") -> list[Call]:
        """Return the calls that are not answered yet, all of them or one session's."""
        with self._lock:
            return [call for call in self.calls if not call.verdict and sid in ("", call.sid)]

    def rotations_since(self, sid: str, moment: float) -> int:
        """Return how many pairs a session was given since."""
        calls = list(self.calls)
        return sum(1 for call in calls if call.sid == sid and call.verdict == "rotated" and call.arrived > moment)

    def _new_pair(self, sid: str) -> dict[str, Any]:
        now, refresh_token = int(time.time()), secrets.token_urlsafe(24)
        claims: dict[str, Any] = {"sid": sid, "sub": f"user of {sid}", "iat": now}
        self._sids[refresh_token] = sid
        self.families[sid] = replace(self.families[sid], newest=refresh_token)
        ends = now + self.life
        signed = access_token(expires_at=ends, **claims) if self.keys is None else self.keys.sign(ends, claims)
        self._newest[sid] = {"access_token": signed, "refresh_token": refresh_token}
        return self._newest[sid]


@contextmanager
def serving(provider: Provider) -> Iterator[str]:
    """Serve a provider on a free loopback port; its address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.provider = provider
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        provider.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    provider: Provider

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a worker that was killed has hung up."""


class _Handler(BaseHTTPRequestHandler):
    """One call."""

    server: _Server

    def do_POST(self) -> None:
        """Answer a refresh, or the wish to end a session."""
        provider = self.server.provider
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.path == "/revoke":
            self._answer(provider.revoke(form["token"][0]), {}, {}, 0)
            return
        call = provider.begin(form["refresh_token"][0], int(form["worker"][0]))
        provider.over.wait(call.treatment.latency / 2)
        status, body = provider.decide(call)
        provider.over.wait(call.treatment.latency / 2)
        extra = {} if call.treatment.retry_after is None else {"Retry-After": str(call.treatment.retry_after)}
        self._answer(status, body, extra, call.treatment.trickle)
        call.answered = time.monotonic()

    def do_GET(self) -> None:
        """Answer the keys, or that they are not to be had."""
        keys = self.server.provider.keys
        published = None if keys is None else keys.published()
        self._answer(503 if published is None else 200, published or {}, {}, 0)

    def _answer(self, status: int, body: dict[str, Any], extra: dict[str, str], trickle: float) -> None:
        written = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(written)), "Content-Type": "application/json", **extra}.items():
            self.send_header(name, value)
        self.end_headers()
        step = max(1, len(written) // 20) if trickle else len(written)
        for start in range(0, len(written), step):
            self.server.provider.over.wait(trickle / 20)
            self.wfile.write(written[start : start + step])
            self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
