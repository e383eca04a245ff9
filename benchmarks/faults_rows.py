"""The matrix: which fault is played over which stores and with which providers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from . import faults_plays as plays
from . import faults_sign_out as sign_out
from .faults_provider import Kind
from .faults_world import REDIS, REDIS_EMPTY, SQLITE, Load, World

STORES = (SQLITE, REDIS)
STRICT, REUSE, GRACE = Kind.STRICT, Kind.REUSE, Kind.GRACE

LEASE = 35
"""Seconds after which a claim is taken over whose owner does not come back."""

DOUBT = 60
"""Seconds after a takeover for which nobody asks again: the former owner's answer may still come."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix, or some.

    Attributes:
        name: For the command line.
        what: For people.
        play: Makes the trouble, and returns when it is over.
        cells: Store and provider of each row.
        load: What is asked for meanwhile.
    """

    name: str
    what: str
    play: Callable[[World], None]
    cells: tuple[tuple[str, Kind], ...]
    load: Load = field(default_factory=Load)


def _over(stores: tuple[str, ...], *kinds: Kind) -> tuple[tuple[str, Kind], ...]:
    return tuple((store, kind) for store in stores for kind in kinds)


_AFTER_A_LEASE, _AFTER_DOUBT = Load(settle=LEASE + DOUBT + 15), Load(settle=DOUBT + 15)

FAULTS = (
    Fault("none", "nothing is wrong", plays.nothing, _over(STORES, STRICT, REUSE, GRACE)),
    Fault(
        "latency",
        "the provider takes 0 to 12 s",
        plays.latency,
        (*_over(STORES, STRICT), (SQLITE, REUSE), (REDIS, GRACE)),
    ),
    Fault("trickle", "its answer trickles for 1 to 8 s", plays.trickle, (*_over(STORES, STRICT), (REDIS, REUSE))),
    Fault("too-many", "it says 429 and Retry-After to half of the calls", plays.too_many, _over(STORES, STRICT, REUSE)),
    Fault(
        "server-errors",
        "it fails in bursts, 500 to 503",
        plays.server_errors,
        (*_over(STORES, STRICT, GRACE), (SQLITE, REUSE)),
    ),
    Fault("spoilt", "504 after commit, for a third of the calls", plays.spoilt, _over(STORES, STRICT, GRACE)),
    Fault("responses-lost", "two of three responses are lost", plays.responses_lost, _over(STORES, STRICT, REUSE)),
    Fault(
        "killed", "kill -9 of 4 workers", plays.killed, (*_over(STORES, STRICT, REUSE), (SQLITE, GRACE)), _AFTER_A_LEASE
    ),
    Fault("stopped", "SIGSTOP for up to 40 s", plays.stopped, _over(STORES, STRICT, REUSE), _AFTER_DOUBT),
    Fault(
        "store-away",
        "the store away for some seconds, twice",
        plays.store_away,
        _over((SQLITE, REDIS, REDIS_EMPTY), STRICT, REUSE),
        _AFTER_DOUBT,
    ),
    Fault(
        "store-away-in-call",
        "the store away between claim and result",
        plays.store_away_in_a_call,
        _over((SQLITE, REDIS, REDIS_EMPTY), STRICT, REUSE),
        _AFTER_DOUBT,
    ),
    Fault(
        "store-removed",
        "the file removed in a call",
        plays.store_removed,
        _over((SQLITE,), STRICT, REUSE),
        _AFTER_DOUBT,
    ),
    Fault(
        "store-emptied",
        "the store loses everything while nobody asks; then old cookies",
        plays.store_emptied,
        _over((SQLITE, REDIS_EMPTY), STRICT, REUSE),
        Load(settle=15),
    ),
    Fault(
        "store-and-winner",
        "store emptied and winner killed together",
        plays.store_and_winner,
        _over((REDIS_EMPTY,), STRICT, REUSE),
        _AFTER_A_LEASE,
    ),
    Fault(
        "store-locked",
        "somebody else holds the lock",
        plays.store_locked,
        _over((SQLITE,), STRICT, REUSE),
        _AFTER_DOUBT,
    ),
    Fault(
        "clocks",
        "workers' clocks 30 s ahead and behind",
        plays.clocks,
        _over(STORES, STRICT, REUSE),
        Load(life=40, pace=2, settle=60, skews=(0, 30, -30, 0)),
    ),
    Fault(
        "straggler",
        "an old cookie at its result's end",
        plays.straggler,
        _over(STORES, STRICT, REUSE),
        Load(config={"REFRESH_GRACE": 3}),
    ),
    Fault(
        "silence",
        "responses lost, browsers silent for longer than the result lives",
        plays.silence,
        ((SQLITE, STRICT),),
        Load(config={"REFRESH_GRACE": 1}, settle=6),
    ),
    Fault("new-password", "a rolling password change", plays.new_password, _over(STORES, STRICT, REUSE)),
    Fault(
        "keys",
        "signing keys out of reach, and new ones",
        plays.keys_away,
        _over(STORES, STRICT),
        Load(is_verified=True),
    ),
    Fault(
        "sign-out",
        "sign-out with the previous cookie",
        sign_out.with_the_previous,
        _over(STORES, STRICT, REUSE, GRACE),
    ),
    Fault(
        "sign-out-in-call",
        "sign-out while the newest token is being used",
        sign_out.in_a_call,
        _over(STORES, STRICT, REUSE),
        Load(config={"REFRESH_TIMEOUT": 2}),
    ),
    Fault(
        "sign-out-late",
        "sign-out with a cookie whose result is gone",
        sign_out.when_its_result_is_gone,
        _over(STORES, STRICT, REUSE),
        Load(config={"REFRESH_GRACE": 1}),
    ),
    Fault(
        "sign-out-store-away",
        "sign-out with the previous cookie, the store away",
        sign_out.without_the_store,
        _over((SQLITE, REDIS, REDIS_EMPTY), STRICT, REUSE),
        _AFTER_DOUBT,
    ),
)
"""Every row, in the order of the output."""
