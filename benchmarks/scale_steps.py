"""Counts what each thing that the extension does asks of the coordinator.

With real requests, to several applications on one coordinator. Counts do not depend on the machine. Only who
waits in another process looks the more often, the longer it takes.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from flask_ext import state
from sealed_session import Session, generate_password
from sealed_session.providers.logout_token import Logout
from sealed_session.refresh.opening import open_coordinator

from .scale_apps import EARLY, Counting, Instant, Place, make, seal
from .scale_figures import Step

WAITS = (0.05, 0.2, 1.0)
"""Seconds that the provider takes while somebody in another process waits."""

REQUEST, ALWAYS, REFRESH, LOOK, WAITER = "request", "always", "refresh", "look", "wait_0.2"

_ENDED, _DUE = -60, EARLY - 5  # seconds that a token is still good for
_MOMENTS = (0.1, 0.5, 2.0)
_PATIENCE = 10


class World:
    """Applications on one coordinator, with a provider that can be held."""

    def __init__(self, url: str, folder: str, commands: Callable[[], int] | None) -> None:
        """Make them, and let each meet its coordinator.

        Args:
            url: Of the coordinator.
            folder: For its file.
            commands: Returns what a Redis was sent so far; None beside another coordinator.
        """
        self.provider, self.passwords = Instant(), [generate_password(), generate_password()]
        self._commands = commands
        old = self.passwords[1:]
        self.ours, self.other = (make(self.provider, old, folder, _counting(url, folder)) for _ in range(2))
        self.always = make(self.provider, old, folder, _counting(url, folder), CHECK_REVOCATION="always")
        self.rotated = make(self.provider, self.passwords, folder, _counting(url, folder))
        self._all = [self.ours, self.other, self.always, self.rotated]
        for place in self._all:  # the first refresh of a process does more, once
            place.request(cookie=self.cookie(_ENDED))
        self.begin()

    def cookie(self, left: int = 200) -> str:
        """Return the cookie of a new session, its access token good for so many seconds."""
        return self.seal(self.provider.session(left))

    def seal(self, session: Session) -> str:
        """Return a session's cookie."""
        return seal(self.passwords[1], session)

    def begin(self) -> None:
        """Count from here."""
        for place in self._all:
            _asked(place).reads = _asked(place).swaps = 0
        self._before = self._commands() if self._commands else 0

    def step(self, name: str, place: Place) -> Step:
        """Return what one application has asked since then; the others' is taken out of the commands, too."""
        commands = None
        if self._commands:
            others = [_asked(other) for other in self._all if other is not place]
            commands = self._commands() - self._before - sum(one.reads + one.swaps for one in others)
        return Step(name, _asked(place).reads, _asked(place).swaps, commands)

    def with_somebody(self, place: Place, cookie: str, then: Callable[[], Any]) -> None:
        """Let somebody ask the provider, do something meanwhile, and let the provider answer when that says so."""
        self.provider.asked.clear()
        self.provider.may_answer.clear()
        with ThreadPoolExecutor(2) as pool:
            leader = pool.submit(place.request, "/", cookie)
            if not self.provider.asked.wait(_PATIENCE):
                raise RuntimeError("nobody has asked the provider")
            try:
                then()
            finally:
                self.provider.may_answer.set()
            leader.result(_PATIENCE)

    def close(self) -> None:
        """Close the coordinators."""
        for place in self._all:
            _asked(place).close()


def count(url: str, commands: Callable[[], int] | None = None) -> dict[str, Step]:
    """Count every step.

    Args:
        url: Of the coordinator.
        commands: Returns what a Redis was sent so far.
    """
    with tempfile.TemporaryDirectory() as folder:
        world = World(url, folder, commands)
        try:
            steps = {key: _take(world, name, scene) for key, (name, scene) in _SCENES.items()}
            steps["waiter"] = _waiter_here(world, steps[REFRESH])
            return steps | {f"wait_{wait:g}": _waiter_elsewhere(world, wait) for wait in WAITS}
        finally:
            world.close()


def _take(world: World, name: str, scene: Callable[[World], Place]) -> Step:
    world.begin()
    return world.step(name, scene(world))


def _counting(url: str, folder: str) -> Counting:
    return Counting(open_coordinator(url, instance_path=folder))


def _asked(place: Place) -> Counting:
    if place.asked is None:
        raise RuntimeError("this coordinator does not count")
    return place.asked


# The scenes: each returns whose questions are counted.


def _request(world: World) -> Place:
    world.ours.request(cookie=world.cookie())
    return world.ours


def _always(world: World) -> Place:
    world.always.request(cookie=world.cookie())
    return world.always


def _sign_in(world: World) -> Place:
    _expect(world.ours.request("/sign-in"))
    return world.ours


def _refresh(world: World) -> Place:
    _expect(world.ours.request(cookie=world.cookie(_ENDED)))
    return world.ours


def _look(world: World) -> Place:
    """The password was rotated, and the cookie is sealed anew: one look, and no refresh."""
    _expect(world.rotated.request(cookie=world.cookie()))
    return world.rotated


def _passer_by(world: World) -> Place:
    """The token is good for a while, and somebody in another process renews it already."""
    cookie = world.cookie(_DUE)
    world.with_somebody(world.other, cookie, lambda: world.ours.request(cookie=cookie))
    return world.ours


def _straggler_here(world: World) -> Place:
    cookie = world.cookie(_ENDED)
    world.ours.request(cookie=cookie)
    world.begin()
    _expect(world.ours.request(cookie=cookie))
    return world.ours


def _straggler_elsewhere(world: World) -> Place:
    cookie = world.cookie(_ENDED)
    world.other.request(cookie=cookie)
    _expect(world.ours.request(cookie=cookie))
    return world.ours


def _sign_out(world: World) -> Place:
    world.ours.request("/sign-out", world.cookie())
    return world.ours


def _revoke(world: World) -> Place:
    with world.ours.app.app_context():
        world.ours.auth.revoke(f"session_{secrets.token_hex(13)}")
    return world.ours


def _backchannel(world: World) -> Place:
    """As our endpoint does, once the logout token is verified."""
    logout = Logout(f"session_{secrets.token_hex(13)}", None, int(time.time()), secrets.token_hex(13))
    with world.ours.app.app_context():
        ending = state.of(world.ours.app).ending
        if not (ending.end_by_provider(logout) and ending.is_first_use(logout)):
            raise RuntimeError("a logout token was not taken")
    return world.ours


_SCENES: dict[str, tuple[str, Callable[[World], Place]]] = {
    REQUEST: ('request, CHECK_REVOCATION "refresh"', _request),
    ALWAYS: ('request, CHECK_REVOCATION "always"', _always),
    "sign_in": ("sign-in", _sign_in),
    REFRESH: ("refresh, its second look included", _refresh),
    LOOK: ("second look, before a cookie is written", _look),
    "passer_by": ("passer-by: good token, others at it", _passer_by),
    "straggler_here": ("straggler, same process", _straggler_here),
    "straggler_elsewhere": ("straggler, another process", _straggler_elsewhere),
    "sign_out": ("sign-out", _sign_out),
    "revoke": ("auth.revoke", _revoke),
    "backchannel": ("back-channel logout, by sid", _backchannel),
}


def _waiter_here(world: World, refresh: Step) -> Step:
    """Two at once in one process, less what one alone asks."""
    for moment in _MOMENTS:  # nobody sees from outside that a request waits, and a busy machine takes its time
        cookie, before = world.cookie(_ENDED), world.ours.counted("waiters")
        world.begin()
        _wait(world, world.ours, cookie, partial(time.sleep, moment))
        if world.ours.counted("waiters") > before:
            break
    both = world.step("waiter, same process", world.ours)
    commands = None if both.commands is None or refresh.commands is None else both.commands - refresh.commands
    return Step(both.name, both.reads - refresh.reads, both.swaps - refresh.swaps, commands)


def _waiter_elsewhere(world: World, wait: float) -> Step:
    """Somebody waits in a process of its own, and looks again and again."""
    cookie = world.cookie(_ENDED)
    world.begin()

    def meanwhile() -> None:
        until = time.monotonic() + _PATIENCE
        while not _asked(world.ours).reads and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(wait)

    _wait(world, world.other, cookie, meanwhile)
    return world.step(f"waiter, another process, {wait:g} s", world.ours)


def _wait(world: World, leader: Place, cookie: str, meanwhile: Callable[[], None]) -> None:
    """Let one ask the provider, and another come with the same cookie before that answers."""
    waiter = threading.Thread(target=world.ours.request, args=("/", cookie))

    def then() -> None:
        waiter.start()
        meanwhile()

    world.with_somebody(leader, cookie, then)
    waiter.join(_PATIENCE)


def _expect(cookie: str) -> None:
    if not cookie:
        raise RuntimeError("expected an answer that sets the cookie")
