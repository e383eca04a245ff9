"""The coordinator that everybody shares, as it comes and goes.

It is asked like any other. On the way it is noted when it was last out of reach, because what happened without it may
not be known to it; and what it is owed is told to it as soon as it is back, by a thread that lives as long as there is
a debt.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from .. import forks
from ..whereabouts import whereabouts
from . import doubt
from .coordinator import Coordinator, CoordinatorUnavailable, Reading
from .doubt import Doubt

logger = logging.getLogger("sealed_session")

T = TypeVar("T")

NO_TAKEOVER = 2
"""Seconds after it came back, in which others may still tell it what they know."""

MOST_OWED = 1000

MOST_REFUSALS = 20
"""Times that something is not taken by a coordinator that is in reach, before it is given up."""

TELL_EVERY = 0.5
"""Seconds between two attempts to tell it what it is owed."""

_SLOW = 0.2
"""Seconds that a failing step may take. A coordinator that makes everybody wait longer is left alone for a while."""

_LEFT_ALONE = 1.0

_SAY_EVERY = 60

_NEVER = float("-inf")


class SharedCoordinator:
    """Asks the shared coordinator, and remembers how that went. Safe to share between threads."""

    _teller: threading.Thread | None

    def __init__(self, inner: Coordinator) -> None:
        """Ask nothing yet.

        Args:
            inner: Whom to ask.
        """
        self._inner = inner
        self._back_at = self._said_at = self._not_before = self._away_since = _NEVER
        self._is_lost = self._is_said = False
        self._doubt = Doubt(self)
        self._owed: dict[bytes, Callable[[], None]] = {}
        self._refused: Counter[bytes] = Counter()
        self.after_fork_in_child()
        forks.tell(self)

    @property
    def is_in_doubt(self) -> bool:
        """Whether somebody may know what it does not. Asks it."""
        try:
            self.settle()
        except CoordinatorUnavailable:
            return True
        return self._doubt.is_there()

    @property
    def is_long_away(self) -> bool:
        """Whether it is out of reach for so long that whoever had an answer without it has come with it."""
        return self._is_lost and time.monotonic() - self._away_since >= doubt.LASTS / 1000

    @property
    def is_just_back(self) -> bool:
        """Whether others may not have told it yet what they know."""
        return self._is_lost or time.monotonic() - self._back_at < NO_TAKEOVER

    def read(self, key: bytes) -> Reading:
        """Read.

        Raises:
            CoordinatorUnavailable: It is out of reach.
        """
        return self._step(lambda: self._inner.read(key))

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Swap.

        Raises:
            CoordinatorUnavailable: It is out of reach.
        """
        return self._step(lambda: self._inner.swap(key, old, new, lives))

    def close(self) -> None:
        """Close it."""
        self._inner.close()

    # What it is owed.

    def owe(self, key: bytes, tell: Callable[[], None]) -> None:
        """Keep something to tell it once it is back.

        Args:
            key: What it is about; what was owed under the same key is forgotten.
            tell: Tells it; raises CoordinatorUnavailable where that is not possible yet.
        """
        with self._lock:
            if len(self._owed) >= MOST_OWED and key not in self._owed:
                return
            self._owed[key] = tell
            if self._teller is None:
                teller = threading.Thread(target=self._tell_all, name="sealed-session debts", daemon=True)
                with suppress(RuntimeError):  # the process has all the threads that it may have, or is ending
                    teller.start()
                    self._teller = teller

    def settle(self, about: bytes = doubt.KEY) -> None:
        """Tell it what it is owed about something, before anything else is asked of it about that; the rest has time.

        Args:
            about: What the keys of the debts begin with.

        Raises:
            CoordinatorUnavailable: It is still out of reach.
        """
        for key in list(self._owed):
            if key.startswith(about) or key == doubt.KEY:
                self._pay(key)
        self._doubt.meet()

    def _pay(self, key: bytes) -> None:
        """Tell it one thing that it is owed."""
        tell = self._owed.get(key)
        if tell is None:
            return
        try:
            tell()
        except CoordinatorUnavailable:
            raise
        except Exception as error:  # it would be in everybody's way for ever
            logger.error("the coordinator could not be told what happened: %s", whereabouts(error))
        self._forget(key, tell)

    def _forget(self, key: bytes, tell: Callable[[], None]) -> None:
        with self._lock:
            if self._owed.get(key) is tell:  # and not something newer
                del self._owed[key]

    def tell_everything(self) -> None:
        """Tell it all that it is owed. What it does not take, time after time while it takes the rest, is forgotten.

        Raises:
            CoordinatorUnavailable: It is out of reach.
        """
        self.settle()
        for key, tell in list(self._owed.items()):
            try:
                self._pay(key)
            except CoordinatorUnavailable:
                self.read(doubt.KEY)  # is it in reach, and only this not?
                self._refused[key] += 1
                if self._refused[key] >= MOST_REFUSALS:
                    logger.error("the coordinator does not take something that it is owed; it is forgotten.")
                    self._forget(key, tell)

    def _tell_all(self) -> None:
        is_broken = False
        while True:
            threading.Event().wait(TELL_EVERY)
            try:
                self.tell_everything()
            except CoordinatorUnavailable:
                pass
            except Exception as error:  # nobody else would hear of it
                is_broken = True
                logger.error("the coordinator could not be told what happened: %s", whereabouts(error))
            with self._lock:
                if is_broken or not self._owed:  # who owes something next starts another
                    self._refused.clear()
                    self._teller = None
                    return

    def before_fork(self) -> None:
        """Do nothing: what is owed is owed on both sides, and telling it twice does no harm."""

    def after_fork_in_parent(self) -> None:
        """Do nothing."""

    def after_fork_in_child(self) -> None:
        """Start with a lock that no thread of the parent holds, and without its thread."""
        self._lock = threading.Lock()
        self._teller = None

    # Coming and going.

    def _step(self, step: Callable[[], T]) -> T:
        began = time.monotonic()
        if began < self._not_before:
            raise CoordinatorUnavailable("it did not answer a moment ago")
        try:
            done = step()
        except CoordinatorUnavailable:
            self._lose(began)
            raise
        if self._is_lost:
            self._is_lost, self._back_at = False, time.monotonic()
            if self._is_said:
                self._is_said = False
                logger.warning("the coordinator is back.")
        return done

    def _lose(self, began: float) -> None:
        now = time.monotonic()
        if not self._is_lost:
            self._is_lost, self._away_since = True, now
        if now - began > _SLOW:
            self._not_before = now + _LEFT_ALONE
        self.owe(doubt.KEY, self._doubt.rise)
        if now - self._said_at > _SAY_EVERY:
            self._said_at, self._is_said = now, True
            logger.warning("the coordinator is out of reach; sessions go on, and this is said once a minute.")

    def __repr__(self) -> str:
        return f"<SharedCoordinator, {len(self._owed)} owed>"
