"""Each fault as a short play: it makes the trouble, and returns when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from sealed_session import generate_password

from .faults_provider import Treatment
from .faults_stores import SQLiteStore
from .faults_world import World


def nothing(world: World) -> None:
    """Let it run."""
    world.rotations(3)


def latency(world: World) -> None:
    """Answer after 0 to 12 seconds: longer than a request waits."""
    most = 12 * world.scale
    _treat(world, lambda rng: Treatment(latency=rng.uniform(0, most)))
    world.rotations(3)
    world.pause(2 * most)
    _treat(world)


def trickle(world: World) -> None:
    """Spread the answer over 1 to 8 seconds, byte by byte."""
    _treat(world, lambda rng: Treatment(trickle=rng.uniform(1, 8) * world.scale))
    world.rotations(3)
    world.pause(8 * world.scale)
    _treat(world)


def too_many(world: World) -> None:
    """Say 429 and when to come again, to half of the calls."""
    refusal = Treatment(refuse=429, retry_after=1)
    _treat(world, lambda rng: refusal if rng.random() < 0.5 else Treatment())
    world.rotations(3)
    _treat(world)


def server_errors(world: World) -> None:
    """Fail without a look at the token, in bursts of a second."""
    statuses = (500, 502, 503)
    _treat(world, lambda rng: Treatment(refuse=rng.choice(statuses)) if int(time.monotonic()) % 2 else Treatment())
    world.rotations(3)
    _treat(world)


def spoilt(world: World) -> None:
    """Use the token up and answer 504, for every third call."""
    _treat(world, lambda rng: Treatment(spoil=504) if rng.random() < 0.34 else Treatment())
    world.rotations(3)
    _treat(world)


def responses_lost(world: World) -> None:
    """Lose two of three responses on their way to the browser."""
    for browser in world.browsers:
        browser.is_dropped = lambda rng: rng.random() < 0.66
    world.rotations(4)
    for browser in world.browsers:
        browser.is_dropped = lambda _rng: False


def killed(world: World) -> None:
    """Kill a worker now and then, some of them right in a call."""
    _treat(world, lambda _rng: Treatment(latency=0.3))
    for number in range(4):
        world.pause(world.rng.uniform(0.3, 1.2))
        if number % 2:
            world.await_call()
        world.fleet.kill(world.rng.choice(world.fleet.pids()))
    _treat(world)


def stopped(world: World) -> None:
    """Let a worker stand still for up to 40 seconds, in a call, and another for a while."""
    _treat(world, lambda _rng: Treatment(latency=0.3))
    world.pause(world.rng.uniform(0.5, 2))
    world.await_call()
    calls = world.provider.in_flight()
    pid = calls[0].pid if calls else world.rng.choice(world.fleet.pids())
    world.fleet.stop(pid, 40 * world.scale, world.pause)
    world.fleet.stop(world.rng.choice(world.fleet.pids()), world.rng.uniform(1, 5) * world.scale, world.pause)
    _treat(world)


def store_away(world: World) -> None:
    """Take the store away for some seconds, twice."""
    for _ in range(2):
        world.pause(world.rng.uniform(0.5, 2))
        with world.store.out_of_reach():
            world.rotations(1)
    world.rotations(1)


def store_away_in_a_call(world: World) -> None:
    """Take the store away between claim and result, and bring it back after the result."""
    _treat(world, lambda _rng: Treatment(latency=0.6))
    for _ in range(2):
        world.pause(world.rng.uniform(0.3, 1.5))
        world.await_call()
        with world.store.out_of_reach():
            world.pause(1)
    _treat(world)
    world.rotations(1)


def store_removed(world: World) -> None:
    """Remove the file in the midst of it."""
    _treat(world, lambda _rng: Treatment(latency=0.4))
    for _ in range(3):
        world.pause(world.rng.uniform(0.3, 1.5))
        world.await_call()
        world.store.lose_everything()
    _treat(world)
    world.rotations(1)


def store_emptied(world: World) -> None:
    """Let the store lose everything while nobody asks, and come with old cookies whose results were in it."""
    world.rotations(1)
    olds = [(browser, browser.cookie or "") for browser in world.browsers]
    begun = time.monotonic()
    while not all(world.provider.rotations_since(browser.sid, begun) for browser in world.browsers):
        world.pause(0.02)
    world.quiet_until = time.monotonic() + 4
    world.pause(1)
    world.store.lose_everything()
    for _ in range(3):
        for browser, cookie in olds:
            browser.ask(cookie)
            world.pause(0.05)
    world.rotations(1)


def store_and_winner(world: World) -> None:
    """Let the store lose everything, and kill whoever calls right then: the last to know anything."""
    _treat(world, lambda _rng: Treatment(latency=0.6))
    world.rotations(1)
    for _ in range(2):
        world.await_call()
        with world.store.out_of_reach():
            for pid in {call.pid for call in world.provider.in_flight()}:
                world.fleet.kill(pid)
            world.pause(0.5)
    _treat(world)


def store_locked(world: World) -> None:
    """Let somebody else hold the lock of the file for longer than anybody tries."""
    world.rotations(1)
    if isinstance(world.store, SQLiteStore):
        with world.store.locked():
            world.rotations(2)
    world.rotations(1)


def clocks(world: World) -> None:
    """Let it run with clocks that are wrong."""
    world.pause(20 * world.scale)


def straggler(world: World) -> None:
    """Come with an old cookie just before, at and after the end of its result."""
    olds = [(browser, browser.cookie or "") for browser in world.browsers]
    results_end = [world.ends(cookie) + world.load.config["REFRESH_GRACE"] for _, cookie in olds]
    for offset in (-1.0, -0.2, -0.05, 0.0, 0.05, 0.2, 1.0):
        for (browser, cookie), ends in zip(olds, results_end, strict=True):
            world.pause(max(0.0, ends + offset - time.time()))
            browser.ask(cookie)


def silence(world: World) -> None:
    """Lose every response to a rotation, and be silent until its result is gone."""
    begun = time.monotonic()
    for browser in world.browsers:
        browser.is_dropped = lambda _rng: True
    while not all(world.provider.rotations_since(browser.sid, begun) for browser in world.browsers):
        world.pause(0.02)
    world.is_silent, wait = True, world.load.life + world.load.config["REFRESH_GRACE"] + 1.5
    world.quiet_until = time.monotonic() + wait
    world.pause(wait - 0.5)
    for browser in world.browsers:
        browser.is_dropped = lambda _rng: False


def new_password(world: World) -> None:
    """Replace the workers one by one: first for a new password that opens, then for one that seals."""
    old, new = world.password, generate_password()
    for config in ({"PASSWORD": old, "PASSWORD_FALLBACKS": [new]}, {"PASSWORD": new, "PASSWORD_FALLBACKS": [old]}):
        world.fleet.configure(config)
        world.fleet.replace_one_by_one(world.pause)
    world.rotations(1)


def keys_away(world: World) -> None:
    """Let nobody fetch the signing keys, from before the first token comes, and change them meanwhile."""
    keys = world.provider.keys
    if keys is not None:
        keys.is_away = True
        world.rotations(1)
        keys.is_away = False
        deadline = time.monotonic() + 45  # workers that could not fetch them ask again after half a minute
        while keys.fetched < len(world.fleet.pids()) and time.monotonic() < deadline:
            world.pause(0.1)
        keys.is_away = True
        keys.renew()
        world.rotations(2)
        keys.is_away = False


def _treat(world: World, choose: Callable[[Random], Treatment] | None = None) -> None:
    rng = Random(world.rng.random())
    world.provider.treat = Treatment if choose is None else lambda: choose(rng)
