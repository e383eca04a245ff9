"""What the processes of the demo know in common: a small SQLite file, in a folder that goes when the demo ends.

On it stand the passwords of the moment, what the buttons have done to the provider, and what is counted to be shown. It
is not the coordinator of the refreshes, which is the library's own file beside it: an application needs no board.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

from sealed_session import generate_password

FALLBACKS = 3
"""How many former passwords still open cookies. Who comes back after more changes than that signs in again."""

_SHOWN = 7
_PATIENCE = 10

_TABLES = (
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT)",
    "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, at INTEGER, who TEXT, what TEXT, times INTEGER)",
    "CREATE TABLE IF NOT EXISTS workers (number INTEGER PRIMARY KEY, pid INTEGER)",
    "CREATE TABLE IF NOT EXISTS calls (sid TEXT, answer TEXT, number INTEGER, PRIMARY KEY (sid, answer))",
    "CREATE TABLE IF NOT EXISTS requests (sid TEXT, pair INTEGER, worker INTEGER, number INTEGER, "
    "PRIMARY KEY (sid, pair, worker))",
)


class Event(NamedTuple):
    """Something that happened.

    Attributes:
        at: When, in Unix seconds; the last time of several.
        who: Where: ``provider``, ``application`` or ``you``.
        what: In one sentence.
        times: How often, one after the other.
    """

    at: int
    who: str
    what: str
    times: int


@dataclass(frozen=True)
class Tally:
    """What was counted of one session.

    Attributes:
        calls: How often the provider gave new tokens.
        refused: How often it was sent a refresh token for the second time.
        pairs: Requests that were answered with each pair of tokens, the latest first; at most five.
        workers: The same by the number of the worker that answered.
    """

    calls: int
    refused: int
    pairs: list[int]
    workers: dict[int, int]

    @property
    def requests(self) -> int:
        """How many requests were answered in all."""
        return sum(self.workers.values())


class Board:
    """The file, opened in one process. Safe to share between threads, and not over a fork.

    Attributes:
        worker: The number of the worker that this process is; 0 where it is none.
    """

    def __init__(self, path: Path) -> None:
        """Open it; the first who does so makes the tables, with a first password."""
        self.worker = 0
        self._lock = RLock()
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self._do("PRAGMA journal_mode = WAL")
        self._do("PRAGMA synchronous = OFF")  # nothing here outlives the machine's power
        for table in _TABLES:
            self._do(table)
        self._do("INSERT OR IGNORE INTO facts VALUES ('passwords', ?)", json.dumps([generate_password()]))

    def join(self) -> None:
        """Take the next number of a worker."""
        [(self.worker,)] = self._do("INSERT INTO workers VALUES (NULL, ?) RETURNING number", os.getpid())

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # What the buttons change.

    def passwords(self) -> list[str]:
        """Return the passwords: the first seals, the others still open."""
        passwords: list[str] = json.loads(self._fact("passwords"))
        return passwords

    def rotate(self) -> None:
        """Let a new password seal from the next request on; the former ones become fallbacks."""
        with self._transaction():
            passwords = [generate_password(), *self.passwords()[:FALLBACKS]]
            self._set("passwords", json.dumps(passwords))

    def provider_is_down(self) -> bool:
        """Return whether the provider answers nobody."""
        return self._fact("provider") == "down"

    def switch_provider(self, *, answers: bool) -> None:
        """Take the provider down, or bring it back."""
        self._set("provider", "up" if answers else "down")

    def endings(self) -> int:
        """Return how often the provider has ended every session."""
        return int(self._fact("endings") or 0)

    def end_sessions(self) -> None:
        """Let the provider end every session that there is."""
        with self._transaction():
            self._set("endings", str(self.endings() + 1))

    # What is counted.

    def note(self, who: str, what: str) -> None:
        """Note that something happened. The same thing again is counted, and is no new line."""
        with self._transaction():
            latest = "id = (SELECT max(id) FROM events) AND what = ? RETURNING id"
            again = f"UPDATE events SET times = times + 1, at = ? WHERE {latest}"  # noqa: S608
            if not self._do(again, int(time.time()), what):
                self._do("INSERT INTO events VALUES (NULL, ?, ?, ?, 1)", int(time.time()), who, what)

    def lately(self) -> list[Event]:
        """Return what happened, the latest first."""
        rows = self._do("SELECT at, who, what, times FROM events ORDER BY id DESC LIMIT ?", _SHOWN)
        return [Event(*row) for row in rows]

    def called(self, sid: str, answer: str) -> None:
        """Count a refresh at the provider, by session and answer: ``new`` tokens, or ``refused``."""
        self._do("INSERT INTO calls VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET number = number + 1", sid, answer)

    def served(self, sid: str) -> None:
        """Count a request that was answered with a session."""
        pair = "(SELECT ifnull(sum(number), 0) FROM calls WHERE sid = ? AND answer = 'new')"
        values = f"VALUES (?, {pair}, ?, 1) ON CONFLICT DO UPDATE SET number = number + 1"
        self._do(f"INSERT INTO requests {values}", sid, sid, self.worker)

    def tally(self, sid: str | None) -> Tally:
        """Return what was counted of a session."""
        calls = dict(self._do("SELECT answer, number FROM calls WHERE sid = ?", sid))
        of_session = "FROM requests WHERE sid = ? GROUP BY"
        pairs = self._do(f"SELECT sum(number) {of_session} pair ORDER BY pair DESC LIMIT 5", sid)
        workers = self._do(f"SELECT worker, sum(number) {of_session} worker", sid)
        return Tally(calls.get("new", 0), calls.get("refused", 0), [row[0] for row in pairs], dict(workers))

    # SQLite.

    def _fact(self, name: str) -> str:
        rows = self._do("SELECT value FROM facts WHERE name = ?", name)
        return str(rows[0][0]) if rows else ""

    def _set(self, name: str, value: str) -> None:
        self._do("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, value)

    def _do(self, statement: str, *values: Any) -> list[Any]:
        """Do one statement. SQLite's own way of waiting lets the last in a crowd starve, so we wait ourselves."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with self._lock:  # so that nobody gets into another thread's transaction
                    return self._connection.execute(statement, values).fetchall()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0.0005, 0.003))  # noqa: S311 - not for secrets

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Let several statements be one, for other processes and for other threads."""
        with self._lock:
            self._do("BEGIN IMMEDIATE")
            with self._connection:  # commits, and rolls back what has failed
                yield
