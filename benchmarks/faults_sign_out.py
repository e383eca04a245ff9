"""Signing out with an old copy of the cookie, each way as a short play, and what came of it.

Half of the people sign out. Their browsers go on with the cookies that they hold, as if those were somebody else's
copies. In the end, when no access token of theirs is good any more, every copy there ever was is tried, and one that
is made of the provider's newest pair, which nobody may have sent: the cookie of a winner whose answer is under way.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from sealed_session.reasons import Reason

from .faults_browser import Browser
from .faults_provider import Treatment
from .faults_world import World

UNHELD = {
    "alive": "copies of a cookie that outlive its sign-out",
    "untrue": "sign-outs that said more than is so",
    "open": "sessions that go on at the provider, which could have been told",
}
"""What must not come of a sign-out, as ``count`` names it."""

TRIES = 3
"""How often each copy is tried: there are several workers, and any of them may have been told less."""

_COMES_WITHIN = 30

_RETOLD = 5
"""Seconds after which a store that was away has been told by everybody what happened."""


def with_the_previous(world: World) -> None:
    """Sign out with the cookie before the newest; the last one while the provider ends nothing, and says so."""
    world.rotations(2)
    *others, last = leavers(world)
    for browser in others:
        browser.sign_out(former(world, browser))
    world.provider.revokes_not = 503
    last.sign_out(former(world, last), can_end=False)
    world.provider.revokes_not = 0
    _try_copies(world)


def in_a_call(world: World) -> None:
    """Sign out while the newest token is being used, before or after it is used up; once for longer than one waits."""
    for browser, latency in zip(leavers(world), (0.8, 0.8, 2 * world.load.config["REFRESH_TIMEOUT"]), strict=True):
        treatment = Treatment(latency=latency)
        world.provider.treat = lambda treatment=treatment: treatment  # type: ignore[misc]
        _await(world, lambda sid=browser.sid, it=treatment: _is_treated(world, sid, it))  # type: ignore[misc]
        old = former(world, browser)
        world.pause(world.rng.uniform(0, 0.7))
        browser.sign_out(old)
    world.provider.treat = Treatment
    _await(world, lambda: not any(world.provider.in_flight(browser.sid) for browser in leavers(world)))
    _try_copies(world)


def when_its_result_is_gone(world: World) -> None:
    """Sign out with a cookie from so long ago that nobody knows any more what came after it."""
    for browser in leavers(world):
        former(world, browser)  # a result lives from the end of the token before it, or from when it was written
        world.pause(max(0.0, world.ends(browser.copies[0]) - time.time()))
    world.pause(world.load.config["REFRESH_GRACE"] + 0.5)
    for browser in leavers(world):
        browser.sign_out(browser.copies[0], can_end=False)
    _try_copies(world)


def without_the_store(world: World) -> None:
    """Sign out right before the store is out of reach, when it has just gone, and after some time without it."""
    early, at_once, late = leavers(world)
    olds = [former(world, browser) for browser in (early, at_once)]
    early.sign_out(olds[0])
    with world.store.out_of_reach():
        at_once.sign_out(olds[1], can_end=False)
        world.rotations(1)
        late.sign_out(former(world, late), can_end=False)
    world.pause(_RETOLD)
    _try_copies(world)


def leavers(world: World) -> list[Browser]:
    """Return the people who sign out."""
    return world.browsers[: len(world.browsers) // 2]


def former(world: World, browser: Browser) -> str:
    """Return the cookie before the newest, as soon as there are two."""
    _await(world, lambda: len(world.copies(browser)) > 1)
    return world.copies(browser)[-2]


def _is_treated(world: World, sid: str, treatment: Treatment) -> bool:
    return any(call.treatment is treatment for call in world.provider.in_flight(sid))


def _await(world: World, is_so: Callable[[], bool]) -> None:
    """Wait for something that comes by itself."""
    deadline = time.monotonic() + _COMES_WITHIN
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not come")
        world.pause(0.01)


def _try_copies(world: World) -> None:
    """Try every copy of the cookies of who signed out, when they would have to be renewed."""
    for browser in leavers(world):
        copies = [*world.copies(browser), world.never_sent(browser)]
        world.pause(max(0.0, max(map(world.ends, copies)) + 1 - time.time()))
        tried = copies * TRIES
        world.rng.shuffle(tried)
        for cookie in tried:
            answer = browser.try_copy(cookie)
            if browser.parting is not None:
                browser.parting.copies[answer.reason or str(answer.status)] += 1


def count(world: World, browser: Browser) -> Counter[str]:
    """Count what came of a sign-out; nothing for who is signed in still.

    Returns:
        ``people``: 1. Whether it was said to be ``recorded``, and ``revoked``. Whether the provider has ``ended`` the
        session, and how often it was ``told`` to. The ``copies`` that were tried, those that were ``refused``, and
        those that signed somebody in (``alive``). Whether more was said than is so (``untrue``), and whether the
        provider could have ended the session, and has not (``open``).
    """
    parting, family = browser.parting, world.provider.families[browser.sid]
    if parting is None:
        return Counter()
    alive, refused = parting.copies["200"], sum(parting.copies[reason] for reason in _REFUSALS)
    is_untrue = (parting.is_recorded and alive > 0) or (parting.is_revoked and family.is_alive)
    return Counter(
        people=1,
        recorded=int(parting.is_recorded),
        revoked=int(parting.is_revoked),
        ended=int(not family.is_alive),
        told=len(family.told),
        copies=parting.copies.total(),
        refused=refused,
        alive=alive,
        untrue=int(is_untrue),
        open=int(parting.can_end and family.is_alive),
    )


_REFUSALS = (Reason.REVOKED, Reason.DENIED, Reason.SUPERSEDED)
