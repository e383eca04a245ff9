"""A small browser: one jar, some requests at once, and of the cookies that arrive the newest stays."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from http.cookies import SimpleCookie
from random import Random

COOKIE = "sealed-session"

PATIENCE = 12
"""Seconds after which a person loads a page anew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered.

    Attributes:
        status: 0 for none.
        ends: When the access token ends, as the view says.
        retry_after: Seconds.
    """

    status: int
    ends: int | None = None
    retry_after: float | None = None
    reason: str = ""


class Browser:
    """One person's. A page load is several requests at once, each with what is in the jar when it starts.

    Attributes:
        cookie: What the jar holds; None for nothing.
        counted: Answers by status; 0: none came.
        reasons: Of those that count as signed out.
        history: The answers with the time of each, by ``time.monotonic``.
        last_good: When the last page came.
        is_dropped: Says of every response whether it is lost on its way.
    """

    def __init__(self, sid: str, port: int, cookie: str, rng: Random) -> None:
        self.sid, self.cookie = sid, cookie  # type: str, str | None
        self.counted: Counter[int] = Counter()
        self.reasons: Counter[str] = Counter()
        self.history: list[tuple[float, Answer]] = []
        self.is_dropped: Callable[[Random], bool] = lambda _rng: False
        self.last_good = 0.0
        self._port, self._rng = port, rng
        self._lock = threading.Lock()

    def load(self, requests: int, pool: Executor) -> list[Answer]:
        """Load a page."""
        pauses = [self._rng.uniform(0, 0.06) if number else 0 for number in range(requests)]
        return list(pool.map(self._ask_after, pauses))

    def ask(self, cookie: str | None) -> Answer:
        """Send a request with a cookie, and keep the one that comes back."""
        answer = self._exchange(cookie, is_dropped=self.is_dropped(self._rng))
        with self._lock:
            self.counted[answer.status] += 1
            self.history.append((time.monotonic(), answer))
            if answer.reason:
                self.reasons[answer.reason] += 1
            if answer.status == 200:
                self.last_good = time.monotonic()
        return answer

    def _ask_after(self, pause: float) -> Answer:
        time.sleep(pause)
        return self.ask(self.cookie)

    def _exchange(self, cookie: str | None, *, is_dropped: bool) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        headers = {"Host": "localhost", "Accept": "application/json"}
        try:
            connection.request("GET", "/", headers=headers | ({"Cookie": f"{COOKIE}={cookie}"} if cookie else {}))
            if is_dropped and self._rng.random() < 0.5:  # hung up before, or when the answer was under way
                return Answer(0)
            response = connection.getresponse()
            if is_dropped:
                return Answer(0)
            body = response.read()
            self._keep(response.headers.get_all("Set-Cookie") or [])
            return _answer(response.status, response.headers.get("Retry-After"), body)
        except (OSError, http.client.HTTPException):
            return Answer(0)
        finally:
            connection.close()

    def _keep(self, lines: list[str]) -> None:
        """Take the cookies of a response; an empty one or one without a life is taken out of the jar."""
        for line in lines:
            morsel = SimpleCookie(line).get(COOKIE)
            if morsel is not None:
                self.cookie = morsel.value if morsel.value and morsel["max-age"] != "0" else None


def _answer(status: int, retry_after: str | None, body: bytes) -> Answer:
    try:
        values = json.loads(body)
    except ValueError:
        values = {}
    waits = float(retry_after) if retry_after and retry_after.isdigit() else None
    return Answer(status, values.get("ends"), waits, str(values.get("reason") or ""))
