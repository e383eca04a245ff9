"""A small browser: one jar, some requests at once, and of the cookies that arrive the newest stays."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from random import Random
from typing import Any

COOKIE = "sealed-session"

PATIENCE = 12
"""Seconds after which a person loads a page anew."""

HOME, SIGN_OUT = ("GET", "/"), ("POST", "/sign-out")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered.

    Attributes:
        status: 0 for none.
        ends: When the access token ends, as the view says.
        retry_after: Seconds.
        reason: Why it counts as signed out.
        said: All that a view says.
    """

    status: int
    ends: int | None = None
    retry_after: float | None = None
    reason: str = ""
    said: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parting:
    """How a person signed out. Times are those of ``time.monotonic``.

    Attributes:
        answer: What came; ``said`` has ``recorded`` and ``revoked``, where it was answered at all.
        can_end: Whether the newest tokens could be known, and ended at the provider.
        copies: What every copy of the cookie was answered in the end: the status, or why it counts as signed out.
    """

    answer: Answer
    begun: float
    ended: float
    can_end: bool
    copies: Counter[str] = field(default_factory=Counter)

    @property
    def is_recorded(self) -> bool:
        """Whether it was said to be on record."""
        return self.answer.said.get("recorded") is True

    @property
    def is_revoked(self) -> bool:
        """Whether it was said to be confirmed by the provider."""
        return self.answer.said.get("revoked") is True


class Browser:
    """One person's. A page load is several requests at once, each with what is in the jar when it starts.

    Attributes:
        cookie: What the jar holds; None for nothing.
        copies: Every cookie that it ever held, in order.
        counted: Answers by status; 0: none came.
        reasons: Of those that count as signed out.
        history: The answers with the time of each, by ``time.monotonic``.
        last_good: When the last page came.
        is_dropped: Says of every response whether it is lost on its way.
        parting: How the person signed out; None: not at all.
    """

    def __init__(self, sid: str, port: int, cookie: str, rng: Random) -> None:
        self.sid, self.cookie = sid, cookie  # type: str, str | None
        self.copies = [cookie]
        self.parting: Parting | None = None
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

    def sign_out(self, cookie: str, *, can_end: bool = True) -> None:
        """Sign out with a cookie. The jar keeps what it holds, as if it were somebody else's copy of it.

        Args:
            cookie: Any that there was.
            can_end: As ``Parting`` has it.
        """
        begun = time.monotonic()
        answer = self._exchange(cookie, page=SIGN_OUT, keeps=False)
        self.parting = Parting(answer, begun, time.monotonic(), can_end)

    def try_copy(self, cookie: str) -> Answer:
        """Ask for a page with a copy of a cookie that is somewhere else, and keep nothing of it here."""
        return self._exchange(cookie, keeps=False)

    def _ask_after(self, pause: float) -> Answer:
        time.sleep(pause)
        return self.ask(self.cookie)

    def _exchange(
        self, cookie: str | None, *, is_dropped: bool = False, page: tuple[str, str] = HOME, keeps: bool = True
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        headers = {"Host": "localhost", "Accept": "application/json"}
        try:
            connection.request(*page, headers=headers | ({"Cookie": f"{COOKIE}={cookie}"} if cookie else {}))
            if is_dropped and self._rng.random() < 0.5:  # hung up before, or when the answer was under way
                return Answer(0)
            response = connection.getresponse()
            if is_dropped:
                return Answer(0)
            body = response.read()
            if keeps:
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
                if self.cookie is not None:
                    self.copies.append(self.cookie)


def _answer(status: int, retry_after: str | None, body: bytes) -> Answer:
    try:
        values = json.loads(body)
    except ValueError:
        values = {}
    waits = float(retry_after) if retry_after and retry_after.isdigit() else None
    return Answer(status, values.get("ends"), waits, str(values.get("reason") or ""), values)
