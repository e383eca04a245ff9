"""One fault over one store with one kind of provider: real workers, real browsers, and what came of it."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sealed_session import KeyRing, Sealer, Session, generate_password

from .faults_browser import COOKIE, Answer, Browser
from .faults_fleet import Fleet
from .faults_keys import ISSUER, Keys
from .faults_provider import Kind, Provider, serving
from .faults_stores import RedisStore, SQLiteStore

SQLITE, REDIS, REDIS_EMPTY = "SQLite", "Redis", "Redis, no disk"
"""The stores. The last one comes back from a restart with nothing."""

WORKERS = 4


class Interrupted(Exception):
    """Somebody does not want to wait for the end."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked for, and how the application is set up.

    Attributes:
        sessions: How many people.
        requests: What a page load is, at once.
        life: Seconds that an access token is good for.
        settle: Seconds after the fault in which every session has to work again.
        pace: Seconds between two page loads, at most.
        config: Settings of the extension.
        skews: Seconds by which the workers' clocks are wrong, in turn.
        is_verified: Whether access tokens are signed, and verified.
    """

    sessions: int = 6
    requests: int = 4
    life: int = 2
    settle: float = 20
    pace: float = 30
    config: Mapping[str, Any] = field(default_factory=dict)
    skews: tuple[int, ...] = (0,)
    is_verified: bool = False


class World:
    """What a fault is given to play with.

    Attributes:
        scale: By which long times are shortened; 1: not at all.
        rng: Chance, the same for the same seed.
        password: That the application begins with.
        begun_at: When everything was there, by ``time.monotonic``; ``calm_at``: when the fault was over.
        is_silent: Whether the browsers were kept silent for longer than a result lives.
        quiet_until: Until when no browser asks for anything.
        over: Set when everybody shall come to an end.
    """

    def __init__(
        self,
        provider: Provider,
        fleet: Fleet,
        store: SQLiteStore | RedisStore,
        load: Load,
        *,
        rng: Random,
        scale: float,
        password: str,
    ) -> None:
        """Begin with people who have signed in."""
        self.provider, self.fleet, self.store, self.load = provider, fleet, store, load
        self.rng, self.scale, self.password = rng, scale, password
        self.begun_at, self.calm_at = time.monotonic(), float("inf")
        self.is_silent, self.quiet_until = False, 0.0
        self.over = threading.Event()
        self._sealer = Sealer(KeyRing(password), name=COOKIE)
        self.browsers = [self._signed_in() for _ in range(load.sessions)]

    def play(self, fault: Callable[[World], None]) -> None:
        """Let a fault happen to people who go on, and return when all is well, or should be."""
        load = self.load
        with ThreadPoolExecutor(load.sessions * load.requests) as pool, ThreadPoolExecutor(load.sessions) as people:
            lives = [people.submit(self._live, browser, pool) for browser in self.browsers]
            try:
                fault(self)
                self.calm_at = time.monotonic()
                wait(lives, load.settle)
            finally:
                self.over.set()
            for life in lives:
                life.result()

    def pause(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            Interrupted: It is over.
        """
        if self.over.wait(seconds):
            raise Interrupted

    def rotations(self, count: int) -> None:
        """Let every session be renewed so many times, roughly."""
        self.pause(count * self.load.life + 0.5)

    def await_call(self, patience: float = 10) -> None:
        """Wait until the provider has a call in its hands."""
        deadline = time.monotonic() + patience
        while not self.provider.in_flight() and time.monotonic() < deadline:
            self.pause(0.002)

    def is_well(self, browser: Browser) -> bool:
        """Return whether a session works again: renewed since the fault was over, and a page seen with it since."""
        family = self.provider.families[browser.sid]
        renewed = self.provider.rotations_since(browser.sid, self.calm_at)
        return family.is_alive and renewed > 0 and browser.last_good > self.calm_at

    def _is_hopeless(self, browser: Browser) -> bool:
        """Return whether a session is surely lost, or was ended: nobody has to wait for it."""
        is_gone = browser.cookie is None or not self.provider.families[browser.sid].is_alive
        return (is_gone or browser.parting is not None) and time.monotonic() > self.calm_at

    def copies(self, browser: Browser) -> list[str]:
        """Return the cookies that a browser ever held, one for each refresh token, in order."""
        return list({self._sealer.unseal(one).session.refresh_token: one for one in list(browser.copies)}.values())

    def never_sent(self, browser: Browser) -> str:
        """Return the cookie that the provider's newest pair of a session would make."""
        began = self._sealer.unseal(browser.copies[0]).started_at
        return self._sealer.seal(Session(**self.provider.newest_pair(browser.sid)), started_at=began)

    def ends(self, cookie: str) -> int:
        """Return when the access token in a cookie ends."""
        return self._sealer.unseal(cookie).session.access_expires_at or 0

    def _signed_in(self) -> Browser:
        session = Session(**self.provider.sign_in())
        rng = Random(self.rng.random())
        return Browser(session.session_id or "", self.fleet.port, self._sealer.seal(session), rng)

    def _live(self, browser: Browser, pool: ThreadPoolExecutor) -> None:
        """Load pages, about when the access token ends, until the fault is over and the session works again."""
        rng, load = Random(browser.sid), self.load
        while not self.over.is_set():
            answers = browser.load(load.requests, pool)
            is_fine = self.is_well(browser) and all(answer.status == 200 for answer in answers)
            if is_fine or self._is_hopeless(browser):
                return
            self.over.wait(max(_wait(answers, load, rng), self.quiet_until - time.monotonic()))


def _wait(answers: list[Answer], load: Load, rng: Random) -> float:
    """Return until when a browser has nothing to ask: about the end of the token, or when it was told to come again."""
    ends = [answer.ends for answer in answers if answer.ends is not None]
    if not ends:
        return min([1.0, *(answer.retry_after for answer in answers if answer.retry_after is not None)])
    return max(0.1, min(load.pace, max(ends) - time.time() + rng.uniform(-0.1, 0.15) * load.life))


@contextmanager
def world(kind: Kind, store_name: str, load: Load, *, seed: str, scale: float) -> Iterator[World]:
    """Build everything, and take it down."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sealed-faults-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        store = _store(store_name, folder)
        stack.enter_context(store)
        keys, password = Keys() if load.is_verified else None, generate_password()
        provider = Provider(kind, load.life, keys)
        address = stack.enter_context(serving(provider))
        settings = {
            "config": {"PASSWORD": password, "COORDINATOR_URL": store.url, "CLOCK_SKEW": 0, **load.config},
            "provider": {
                "token_endpoint": f"{address}/token",
                "revocation_endpoint": f"{address}/revoke",
                "reuse_detection": "session" if kind is Kind.REUSE else False,
                "replay_grace": kind is Kind.GRACE,
            },
            "verifier": {"jwks_url": f"{address}/keys", "issuers": [ISSUER]} if keys else None,
            "skews": load.skews,
        }
        fleet = stack.enter_context(Fleet(folder, settings, WORKERS))
        yield World(provider, fleet, store, load, rng=Random(seed), scale=scale, password=password)


def _store(name: str, folder: Path) -> SQLiteStore | RedisStore:
    return SQLiteStore(folder) if name == SQLITE else RedisStore(folder, keeps=name == REDIS)
