"""What ``throughput`` times: seal and unseal beside one peer at a time, a long ring, import, and iron-session."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sealed_session import KeyRing, Session, generate_password

from . import node, peers, samples
from .peers import OURS, Peer
from .stopwatch import Times, alternate

SESSION = "typical"
RING = 10
"""Passwords in the long ring."""

FROM_DICT = "sealed_session_from_dict"
"""Sealing a plain dict: making and checking the Session is part of the time."""

ONE, TEN = "one", "ten"
PACKAGE, PARTS = "sealed_session", "parts"

_VALUES = 64  # different values, so that none is always the one in the processor's cache
_PASSES = 2  # over all of them, in one batch

_IMPORT_ROUNDS = 3  # in every process: they take far longer than the others and differ far less

_ROOT = Path(__file__).parents[1]
_IMPORTS = {
    PACKAGE: "import sealed_session",
    PARTS: "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\n"
    "import msgpack, json, hmac, hashlib, zlib, threading, dataclasses",
}
_TIMED_IMPORT = "from time import perf_counter\nstart = perf_counter()\n{}\nprint((perf_counter() - start) * 1e6)"


def pair(key: str, rounds: int) -> dict[str, Times]:
    """Time seal and unseal of ours and of one peer, in this process."""
    values = samples.load("sessions")[SESSION]
    ours, theirs = peers.make(OURS), peers.make(key)
    opens = {OURS: _unseals(ours), key: _unseals(theirs)}
    seals = {OURS: _seals(ours.seal, Session(**values)), key: _seals(theirs.seal, values)}
    return {"unseal": _alternate(opens, rounds), "seal": _alternate(seals, rounds)}


def alone(rounds: int) -> dict[str, Times]:
    """Time ours by itself: with a long ring, and sealing a plain dict."""
    values = samples.load("sessions")[SESSION]
    seal = peers.make(OURS).seal
    seals = {OURS: _seals(seal, Session(**values)), FROM_DICT: _seals(seal, values)}
    return {"ring": _alternate(_rings(), rounds), "seal": _alternate(seals, rounds)}


def iron_session(rounds: int) -> dict[str, Times]:
    """Time seal and unseal of iron-session, in a process of Node.

    Raises:
        NodeUnavailable: It could not be run.
    """
    session = samples.as_authkit(samples.load("sessions")[SESSION])
    answer = node.run("throughput.mjs", {"password": secrets.token_hex(32), "session": session, "rounds": rounds})
    return {operation: {peers.IRON: times} for operation, times in answer.items()}


def importing(rounds: int) -> Times:
    """Time importing the package and importing its parts, a fresh interpreter for each.

    Compiled modules come from a cache of their own, so that it matters to neither whether this process writes any.
    """
    times: Times = {side: [] for side in _IMPORTS}
    with TemporaryDirectory() as cache:
        for number in range(-1, min(rounds, _IMPORT_ROUNDS)):  # the first round fills the cache
            for side in sorted(_IMPORTS, reverse=number % 2 == 1):
                elapsed = _import(_IMPORTS[side], cache)
                if number >= 0:
                    times[side].append(elapsed)
    return times


def _alternate(sides: dict[str, Callable[[], object]], rounds: int) -> Times:
    return alternate(sides, rounds, _VALUES * _PASSES)


def _unseals(peer: Peer, sealer: Peer | None = None) -> Callable[[], object]:
    """Open values that the peer, or another one, has sealed."""
    session = samples.load("sessions")[SESSION]
    unseal = peer.unseal
    batch = [(sealer or peer).seal(session) for _ in range(_VALUES)] * _PASSES

    def run() -> None:
        for value in batch:
            unseal(value)

    return run


def _seals(seal: Callable[[Any], object], session: object) -> Callable[[], object]:
    batch = [session] * (_VALUES * _PASSES)

    def run() -> None:
        for one in batch:
            seal(one)

    return run


def _rings() -> dict[str, Callable[[], object]]:
    """Open values with the one password that sealed them, and with it as the last of ten."""
    passwords = [generate_password() for _ in range(RING)]
    one = peers.sealed_session(KeyRing(passwords[-1]))
    ten = peers.sealed_session(KeyRing(passwords[0], passwords[1:]))
    return {ONE: _unseals(one), TEN: _unseals(ten, sealer=one)}


def _import(code: str, cache: str) -> float:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}  # empty is unset
    command = [sys.executable, "-c", _TIMED_IMPORT.format(code)]
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)
