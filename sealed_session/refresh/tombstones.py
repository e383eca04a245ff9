"""Which sessions are over, whatever copies of their cookie there are: because somebody signed out, or was signed out.

A tombstone stands for a session id or a person of one provider and client, and says until when whatever began is over.
Who signs in again begins later, and so is alive, although providers keep the id of a session. There are two times in
it: ours, of a sign-out here, and the provider's, of a logout token, which is compared with the provider's own word of
when the person proved who they are. And there is when we heard of that: a provider may let somebody in again without
a question, and whoever has come since then is alive, however long ago the proof was.

Source: OpenID Connect Back-Channel Logout 1.0, section 2.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

import msgpack

from ..session import Session
from .coordinator import CoordinatorUnavailable
from .shared import SharedCoordinator

LEEWAY = 10
"""Seconds by which the provider's clock and ours may differ."""

_MOST_TRIES = 50


class Tombstone(NamedTuple):
    """Until when what began is over, Unix seconds; -1 for never said.

    Attributes:
        ours: By our clock, of ``started_at``.
        theirs: By the provider's, of ``authenticated_at``, or with leeway of ``started_at``.
        heard: When we heard the latter, by our clock.
    """

    ours: int = -1
    theirs: int = -1
    heard: int = -1

    def lies_over(self, session: Session, started_at: int) -> bool:
        """Return whether a session is over."""
        if started_at <= self.ours:
            return True
        if self.theirs < 0 or 0 <= self.heard < started_at:
            return False
        proved_at = session.authenticated_at
        return started_at <= self.theirs + LEEWAY if proved_at is None else proved_at <= self.theirs


class Tombstones:
    """Sets and reads the tombstones of one provider and client. Safe to share between threads.

    While the coordinator is out of reach nobody is known to be over, and what is to be set is set once it is back.
    """

    def __init__(self, store: SharedCoordinator, identity: Callable[[], str]) -> None:
        """Look at nothing yet.

        Args:
            store: Where they stand.
            identity: Returns whose sessions: issuer and client id.
        """
        self._store = store
        self._identity = identity

    def bury_session(self, session_id: str, at: Tombstone, lasts: float) -> bool:
        """Let a session be over; return whether that is on record for everybody by now.

        Args:
            session_id: ``Session.session_id``.
            at: Until when.
            lasts: Seconds for which that is kept.
        """
        return self._bury(self._key("sid", session_id), at, lasts)

    def bury_person(self, sub: str, at: Tombstone, lasts: float) -> bool:
        """Let every session of somebody be over; as ``bury_session``.

        Args:
            sub: The claim ``sub``.
            at: Until when.
            lasts: Seconds for which that is kept.
        """
        return self._bury(self._key("sub", sub), at, lasts)

    def is_over(self, session: Session, started_at: int | None) -> bool:
        """Return whether a session is over, as far as is known.

        Args:
            session: The session.
            started_at: When it began; None: nobody can tell.
        """
        return started_at is not None and any(stone.lies_over(session, started_at) for stone in self._of(session))

    def look(self, session: Session, started_at: int) -> bool:
        """Return whether a session is over, for whoever has to know whether that is sure.

        Args:
            session: The session.
            started_at: When it began.

        Raises:
            CoordinatorUnavailable: The coordinator cannot be asked.
        """
        return any(stone.lies_over(session, started_at) for stone in self._read(session))

    def begin(self, session: Session, now: int) -> int:
        """Return when a session that is opened now counts as begun: after whatever is over, be it a second later."""
        over = [stone for stone in self._of(session) if stone.lies_over(session, now)]
        return max([now, *(max(stone.ours, stone.theirs + LEEWAY, stone.heard) + 1 for stone in over)])

    def is_new(self, token_id: str, lasts: float) -> bool:
        """Return whether a token is seen for the first time, and remember it.

        Args:
            token_id: Its ``jti``.
            lasts: Seconds for which that is kept.

        Raises:
            CoordinatorUnavailable: The coordinator cannot be asked.
        """
        return self._store.swap(self._key("jti", token_id), None, b"1", _milliseconds(lasts))

    def _of(self, session: Session) -> Iterator[Tombstone]:
        with suppress(CoordinatorUnavailable):
            yield from self._read(session)

    def _read(self, session: Session) -> Iterator[Tombstone]:
        for kind, names in (("sid", session.session_ids), ("sub", session.subjects)):
            for name in names:
                yield _unpacked(self._store.read(self._key(kind, name)).value)

    def _bury(self, key: bytes, at: Tombstone, lasts: float) -> bool:
        try:
            self._set(key, at, lasts)
        except CoordinatorUnavailable:
            by_whom = b"ours" if at.ours >= 0 else b"theirs"  # both may be owed
            self._store.owe(key + by_whom, lambda: self._set(key, at, lasts))
            return False
        return True

    def _set(self, key: bytes, at: Tombstone, lasts: float) -> None:
        for _ in range(_MOST_TRIES):
            value = self._store.read(key).value
            old = _unpacked(value)
            later = Tombstone(*map(max, old, at))
            if self._store.swap(key, value, msgpack.packb(later), _milliseconds(lasts)):
                return
        raise CoordinatorUnavailable("too many changes of one tombstone")

    def _key(self, kind: str, name: str) -> bytes:
        named = "\0".join(("sealed-session/1 tombstone", self._identity(), kind, name))
        return sha256(named.encode("utf-8", "surrogatepass")).digest()


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _unpacked(value: bytes | None) -> Tombstone:
    """Return a tombstone from its bytes; one that lies over nothing, for nothing and for what is none."""
    try:
        found = Tombstone(*msgpack.unpackb(value or b""))
    except (ValueError, TypeError):
        return Tombstone()
    return found if all(type(time) is int for time in found) else Tombstone()
