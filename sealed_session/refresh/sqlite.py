"""A coordinator in an SQLite file: for all threads and processes of one machine, with no server. The default.

One table, compare and set in one transaction, write-ahead logging. Not for several machines, and not on a network file
system. The times in it are those since the machine was started, so nobody's clock matters; the rows of an earlier start
are dropped. Where the system has no name for a start (outside Linux), a time that lies ahead gives an earlier one away.

Sources: sqlite.org/wal.html; sqlite.org/howtocorrupt.html, on POSIX locks, on renamed files and on forks.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple, TypeVar

from .. import forks
from . import uptime
from .coordinator import CoordinatorUnavailable, Reading
from .database_file import DatabaseFile, Identity

T = TypeVar("T")

_PATIENCE = 2.0
"""Seconds to try for when others are writing. SQLite's own waiting starves some beyond 5 s, and stops a gevent hub."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.016

_APPLICATION_ID = 0x5EA1ED55
"""Marks a file as ours in its header, so that the database of an application is never taken for one."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS slots (key BLOB PRIMARY KEY, value BLOB NOT NULL, ends INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS slots_by_end ON slots (ends)",
    "CREATE TABLE IF NOT EXISTS machine (one INTEGER PRIMARY KEY, boot TEXT NOT NULL, seen INTEGER NOT NULL)",
)
_READ = "SELECT value FROM slots WHERE key = ? AND ends > ?"
_PUT = """
    INSERT INTO slots (key, value, ends) VALUES (:key, :new, :ends)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends WHERE slots.ends <= :now
"""
_REPLACE = "UPDATE slots SET value = :new, ends = :ends WHERE key = :key AND value = :old AND ends > :now"
_SWEEP = "DELETE FROM slots WHERE rowid IN (SELECT rowid FROM slots WHERE ends <= ? LIMIT 100)"

_inherited: set[Identity | None] = set()
"""Files that a parent had open when this process was forked off without a warning. SQLite cannot lock them here."""


class _Kind(Enum):
    BUSY = "busy"
    BROKEN = "broken"
    OTHER = "other"


class _Trouble(NamedTuple):
    kind: _Kind
    text: str


class SQLiteCoordinator:
    """Holds values in a file. Safe to share between threads and greenlets, and safe to fork.

    One connection per process, opened at the first use and closed before a fork; parent and child each open their own.
    A file that is removed or replaced is noticed at the next step, and a broken one is renamed to ``*.broken-<n>``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], int] = uptime.milliseconds,
        boot: Callable[[], str] = uptime.boot,
    ) -> None:
        """Open nothing yet.

        Args:
            path: The file, of which it is the only use. Made at the first use, with its folder, for its owner alone.
            clock: Returns milliseconds, the same for all processes, and never goes back before the machine restarts.
            boot: Returns what tells one start of the machine from another.
        """
        self._connection: sqlite3.Connection | None = None
        self._file = DatabaseFile(path)
        self._clock = clock
        self._boot = boot
        self._lock = threading.Lock()
        self._forking: int | None = None
        self._identities: tuple[Identity | None, ...] = (None,)
        self._broken: Identity | None = None
        self._refusal = ""
        forks.tell(self)

    def read(self, key: bytes) -> Reading:
        """Return what is there.

        Raises:
            CoordinatorUnavailable: It cannot be asked.
        """

        def step(connection: sqlite3.Connection) -> Reading:
            now = self._clock()
            # All rows, for a statement that is not run to its end keeps its snapshot, and the log could not be emptied.
            rows = connection.execute(_READ, (key, now)).fetchall()
            return Reading(rows[0][0] if rows else None, now)

        return self._do(step)

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Put a value in another's place, if that is still there; as ``Coordinator.swap``."""

        def step(connection: sqlite3.Connection) -> bool:
            connection.execute("BEGIN IMMEDIATE")
            now = self._clock()  # now that nobody else writes: the wait for that must not shorten a life
            values = {"key": key, "old": old, "new": new, "now": now, "ends": now + lives}
            done = connection.execute(_PUT if old is None else _REPLACE, values).rowcount == 1
            if done:
                connection.execute(_SWEEP, (now,))
            connection.execute("COMMIT")
            return done

        return self._do(step)

    def close(self) -> None:
        """Close the file. The next use opens it anew."""
        with self._lock:
            self._drop()

    def before_fork(self) -> None:
        """Close the file, and keep other threads from opening it until the child is there."""
        if self._lock.acquire(timeout=_PATIENCE):
            self._forking = threading.get_ident()
            self._drop()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._forking == threading.get_ident():
            self._forking = None
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start with a lock that no thread of the parent holds. What is open all the same is left alone for ever."""
        self._lock = threading.Lock()
        self._forking = None
        if self._connection is not None:
            forks.keep_for_ever(self._connection)
            self._connection = None
            _inherited.add(self._identities[0])

    def __del__(self) -> None:
        self._drop()

    def __repr__(self) -> str:
        return f"<SQLiteCoordinator, {self._file.path.name}>"

    def _do(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Take a step: again and again while others are writing, once more with a new file when this one is broken."""
        ends, pause, trouble, mended = time.monotonic() + _PATIENCE, _FIRST_PAUSE, None, False
        while True:
            try:
                with self._turn():
                    if trouble is not None and trouble.kind is _Kind.BROKEN:
                        self._set_aside()
                        mended = True
                    return step(self._connected())
            except (sqlite3.Error, OSError) as error:
                trouble = _trouble_of(error)
            if trouble.kind is _Kind.OTHER or (trouble.kind is _Kind.BROKEN and mended) or time.monotonic() >= ends:
                break
            if trouble.kind is _Kind.BUSY:
                time.sleep(random.uniform(0, pause))  # noqa: S311 - only so that two do not stay in step
                pause = min(2 * pause, _LONGEST_PAUSE)
        raise CoordinatorUnavailable(f"SQLite: {trouble.text} ({self._file.path}).")

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Have the connection for oneself. What fails in it, other than by meeting somebody, costs the connection."""
        if not self._lock.acquire(timeout=_PATIENCE):
            raise CoordinatorUnavailable("SQLite: another thread waits for the disk.")
        try:
            yield
        except BaseException as error:
            trouble = _trouble_of(error)
            if trouble.kind is _Kind.BROKEN:
                self._broken = self._identities[0]  # by the time it is renamed, another may stand in its place
            if trouble.kind is not _Kind.BUSY or (self._connection is not None and self._connection.in_transaction):
                self._drop()
            raise
        finally:
            self._lock.release()

    def _connected(self) -> sqlite3.Connection:
        """Return the connection to the file that stands there now."""
        if self._connection is not None and self._identities == self._file.identities():
            return self._connection
        self._drop()
        with self._file.alone():
            self._file.make()
            self._identities = self._file.identities()
            if self._identities[0] in _inherited:
                self._refuse("it was open when this process was forked off. Fork with os.fork, or open it afterwards")
            self._connection = sqlite3.connect(
                self._file.uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(self._connection)
            except BaseException:
                self._drop()
                raise
            self._identities = self._file.identities()
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make sure that the file is ours, keeps a log, has its tables, and holds nothing of an earlier start."""
        if connection.execute("PRAGMA application_id").fetchall() != [(_APPLICATION_ID,)]:
            if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall():
                self._refuse("it is the database of something else. Name a file of its own")
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchall()[0][0]
        if mode != "wal":
            self._refuse(f"its file system has no write-ahead log (journal mode {mode}). Choose a local disk, or Redis")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        boot, now = self._boot(), self._clock()
        if not connection.execute("SELECT 1 FROM machine WHERE boot = ? AND seen <= ?", (boot, now)).fetchall():
            connection.execute("DELETE FROM slots")
        connection.execute("INSERT OR REPLACE INTO machine (one, boot, seen) VALUES (1, ?, ?)", (boot, now))
        connection.execute("COMMIT")

    def _refuse(self, why: str) -> None:
        """Raise CoordinatorUnavailable, and say why in the log, once: somebody has to do something about it."""
        if why != self._refusal:
            self._refusal = why
            _log(f"{self._file.path} cannot be the coordinator's: {why}.")
        raise CoordinatorUnavailable(f"SQLite: {why}.")

    def _set_aside(self) -> None:
        with self._file.alone():
            aside = self._file.set_aside(self._broken)
        if aside is not None:
            _log(f"{self._file.path} is broken. It is now {aside}, and a new one takes its place.")

    def _drop(self) -> None:
        """Close the connection, which takes back what is not committed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


def _trouble_of(error: BaseException) -> _Trouble:
    """Tell what can be waited for and what can be mended from the rest."""
    exactly = getattr(error, "sqlite_errorcode", 0)
    code = exactly & 0xFF
    if isinstance(error, BlockingIOError) or code in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
    ):
        return _Trouble(_Kind.BUSY, "others kept it busy")
    name = getattr(error, "sqlite_errorname", None) or getattr(error, "strerror", None) or type(error).__name__
    # A file that ends too early is broken too; so it is for all while one process holds a log that somebody deleted.
    broken = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or exactly == sqlite3.SQLITE_IOERR_SHORT_READ
    return _Trouble(_Kind.BROKEN if broken else _Kind.OTHER, name)


def _log(message: str) -> None:
    import logging  # rare, as in sealer.py

    logging.getLogger("sealed_session").error(message)
