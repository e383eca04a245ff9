"""What refreshes leave behind: bytes in Redis, in the file and in the process, and for how long.

Sessions like the sample are renewed link by link, as in an application where people stay.
"""

from __future__ import annotations

import secrets
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from sealed_session import Session
from sealed_session.cookie_rules import MAX_AGE_CAP
from sealed_session.providers.logout_token import REMEMBER_FOR
from sealed_session.refresh import Ledger, Refresher
from sealed_session.refresh import record as records
from sealed_session.refresh.attempt import merge
from sealed_session.refresh.coordinator import Coordinator
from sealed_session.refresh.ledger import Claim
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.opening import FILE_NAME, open_coordinator
from sealed_session.refresh.tombstones import Tombstone

from .scale_apps import EARLY, GRACE, Instant
from .scale_figures import Kind, Left, Records

LINKS = 10
"""Refreshes of one session, one after the other."""

_LONGEST = 20  # seconds, for the refreshes in one coordinator
_SIGN_OUTS = 20
_SHARE_IN_FILE = 4  # of the sessions one in so many: a file is filled more slowly, and its pages are all alike
_NAMES = {"Result": "result of a refresh", "Untouched": "of the newest token", "Failed": "of a token signed out"}
_BOX = "box of a result"
_OTHERS = "tombstone, or a logout token"
_RESULT = _NAMES["Result"]
_LONG = 200  # bytes; of all that is kept, only boxes are as long


class _Row(NamedTuple):
    name: str
    value: int
    usage: int
    lives: int


def measure(client: Any, url: str | None, sessions: int) -> Records:
    """Renew sessions, and look at what is left.

    Args:
        client: Of a Redis that is ours alone; None for no Redis.
        url: Of that.
        sessions: How many, of ``LINKS`` refreshes each.
    """
    redis, kinds, refreshes = None, [], sessions * LINKS
    if client is not None and url is not None:
        before = _used(client)
        refreshes = _renew(open_coordinator(url), sessions)
        left = (_used(client) - before) / refreshes
        _end_some(open_coordinator(url))
        rows = list(_rows(client))
        kinds = [_kind(name, rows) for name in dict.fromkeys([_BOX, *_NAMES.values(), _OTHERS])]
        redis = Left(kinds[0].usage, left - kinds[0].usage)
    box, record = _one_result()
    in_process = Left(_in_process(box.length, refreshes), _in_process(record.length, refreshes))
    in_file = _in_file(-(-sessions // _SHARE_IN_FILE), box.length)
    return Records(refreshes, kinds, redis, in_file, in_process, box.lives, record.lives)


def _ledger(store: Coordinator, provider: Instant) -> Ledger:
    return Ledger(provider, store, MemoryCoordinator(), clock=time.time, grace=GRACE)


def _renew(store: Coordinator, sessions: int) -> int:
    """Renew so many sessions, each link by link, as far as time allows; return how many refreshes that were."""
    provider, until, done = Instant(), time.monotonic() + _LONGEST, 0
    while done < sessions * LINKS and time.monotonic() < until:
        ledger, session = _ledger(store, provider), provider.session(EARLY)
        for _link in range(LINKS):
            session = _link_of(ledger, provider, session)
        done += LINKS
    store.close()
    return done


def _link_of(ledger: Ledger, provider: Instant, session: Session) -> Session:
    """Renew a session once, and return the next."""
    claim = ledger.claim(session)
    if not isinstance(claim, Claim):
        raise RuntimeError(f"expected a claim, was {type(claim).__name__}")
    answer = provider.session(EARLY, sid=session.session_id or "")
    return merge(session, ledger.write_result(claim, session, answer))


def _end_some(store: Coordinator) -> None:
    """Sign some people out, and take some logout tokens."""
    provider = Instant()
    ledger = _ledger(store, provider)
    refresher = Refresher(provider, ledger, is_due=lambda _session: False)
    for _ in range(_SIGN_OUTS):
        refresher.sign_out(provider.session(), now=time.time(), lasts=MAX_AGE_CAP, patience=10)
        ledger.tombstones.bury_person(secrets.token_hex(13), Tombstone(theirs=int(time.time())), MAX_AGE_CAP)
        ledger.tombstones.is_new(secrets.token_hex(13), REMEMBER_FOR)
    store.close()


def length_of_a_box() -> int:
    """Return the bytes of the box of a result: of all that a refresh writes, the longest."""
    return _one_result()[0].length


class _Kept(NamedTuple):
    length: int
    lives: float


def _one_result() -> tuple[_Kept, _Kept]:
    """Return the box and the record of a result: its bytes, and the seconds that a coordinator is to keep it for."""
    provider, store = Instant(), _Noting()
    _link_of(_ledger(store, provider), provider, provider.session(EARLY))
    found = {_name_of(new): _Kept(len(new), lives / 1000) for new, lives in store.swaps}
    return found[_BOX], found[_RESULT]


class _Noting(MemoryCoordinator):
    """Notes what it is given to keep."""

    def __init__(self) -> None:
        super().__init__()
        self.swaps: list[tuple[bytes, int]] = []

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        self.swaps.append((new, lives))
        return super().swap(key, old, new, lives)


def _in_file(sessions: int, length: int) -> Left:
    """Return what a refresh leaves in a file; its box weighs what it does in a file of boxes alone."""
    with tempfile.TemporaryDirectory() as folder:
        refreshes = _renew(open_coordinator("sqlite:", instance_path=folder), sessions)
        whole = Path(folder, FILE_NAME).stat().st_size / refreshes
    with tempfile.TemporaryDirectory() as folder:
        store = open_coordinator("sqlite:", instance_path=folder)
        for _ in range(refreshes):
            store.swap(secrets.token_bytes(48), None, secrets.token_bytes(length), records.HOUR)
        store.close()
        box = Path(folder, FILE_NAME).stat().st_size / refreshes
    return Left(box, whole - box)


def _in_process(length: int, count: int) -> float:
    """Return the bytes of a value of that length in the memory of the process that keeps it."""
    tracemalloc.start()
    try:
        store, before = MemoryCoordinator(), tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            store.swap(secrets.token_bytes(32), None, secrets.token_bytes(length), records.HOUR)
        return (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()


# What stands in Redis.


def _used(client: Any) -> int:
    return int(client.info("memory")["used_memory"])


def _rows(client: Any) -> Iterator[_Row]:
    keys = list(client.scan_iter(count=1000))
    with client.pipeline(transaction=False) as questions:
        for key in keys:
            questions.get(key).memory_usage(key).pttl(key)
        said = questions.execute()
    for value, usage, milliseconds in zip(said[::3], said[1::3], said[2::3], strict=True):
        if value is not None:  # it has not ended meanwhile
            yield _Row(_name_of(value), len(value), int(usage), round(milliseconds / 1000))


def _name_of(value: bytes) -> str:
    if len(value) > _LONG:
        return _BOX
    try:
        state = records.unpack(value).state
    except ValueError:
        return _OTHERS
    return _NAMES.get(type(state).__name__, type(state).__name__)


def _kind(name: str, rows: list[_Row]) -> Kind:
    these = [row for row in rows if row.name == name]
    return Kind(
        name,
        len(these),
        int(median(row.value for row in these)),
        int(median(row.usage for row in these)),
        max(row.lives for row in these),
    )
