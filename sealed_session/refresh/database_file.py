"""The file that SQLite keeps a coordinator in: made for its owner alone, recognised when another stands in its place.

Its folder is locked by whoever opens the file or sets a broken one aside, so that no process opens one half while
another moves the other half away. A file that somebody has open is never opened here: to close it would, by POSIX, take
away every lock that SQLite holds on it in this process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PARTS = ("", "-wal", "-shm")
"""A database in WAL mode is three files, and any of them alone is worthless."""

_KEPT_ASIDE = 9
"""How many broken files are kept; a disk that breaks one every minute must not be filled by them."""


class Identity(NamedTuple):
    """What tells a file from another of the same name."""

    device: int
    inode: int


class DatabaseFile:
    """The three files of a database. Holds no state but the path; safe to share."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Know where it is, or will be; a relative path is of the folder that the process is in now."""
        self.path = Path(path).absolute()

    @property
    def uri(self) -> str:
        """How SQLite is told to open it, and never to make it: it would not make it for its owner alone."""
        return f"{self.path.as_uri()}?mode=rw"

    def identities(self) -> tuple[Identity | None, ...]:
        """Return which three files stand there now; None for one that is missing."""
        return tuple(_identity(f"{self.path}{part}") for part in _PARTS)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who opens this file or sets it aside, among all threads and processes.

        Raises:
            BlockingIOError: Somebody else is at it.
            OSError: The folder cannot be made or opened.
        """
        with contextlib.suppress(FileExistsError):
            self.path.parent.mkdir(parents=True, mode=0o700)
            self.path.parent.chmod(0o700)  # a umask may have taken more away than it should
        try:
            from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
        except ImportError:  # Windows, which moves no file that somebody has open
            yield
            return
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            flock(folder, LOCK_EX | LOCK_NB)
            yield
        finally:
            flock(folder, LOCK_UN)  # closing is not enough when a child was forked off meanwhile
            os.close(folder)

    def make(self) -> None:
        """Make the file where it is missing, readable and writable for its owner alone. To be called ``alone``.

        Raises:
            OSError: It cannot be made.
        """
        try:
            made = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        try:
            self.path.chmod(0o600)
        finally:
            os.close(made)
        for part in _PARTS[1:]:  # of a file that somebody has removed: they would be taken for this one's
            Path(f"{self.path}{part}").unlink(missing_ok=True)

    def set_aside(self, broken: Identity | None) -> str | None:
        """Rename a broken file, unless somebody else has done so. To be called ``alone``.

        Args:
            broken: Which file was found to be broken.

        Returns:
            Its new name; None when it is not there any more.

        Raises:
            OSError: It cannot be renamed.
        """
        if broken is None or _identity(self.path) != broken:
            return None
        names = (f"{self.path}.broken-{number}" for number in range(1, _KEPT_ASIDE))
        aside = next((name for name in names if not os.path.lexists(name)), f"{self.path}.broken-{_KEPT_ASIDE}")
        for part in reversed(_PARTS):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self.path}{part}").replace(f"{aside}{part}")
        return Path(aside).name


def _identity(path: str | os.PathLike[str]) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - asked three times for every step, and pathlib takes as long again
    except OSError:
        return None
    return Identity(found.st_dev, found.st_ino)
