"""What is so about the file of a coordinator, seen from outside: for a diagnosis. Nothing is made, locked or changed.

Sources: proc(5), on mountinfo; sqlite.org/uri.html, on ``immutable``; sqlite.org/wal.html, on network file systems.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .sqlite import _APPLICATION_ID, SQLiteCoordinator

NETWORK = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
        "vboxsf",
    }
)
"""File systems of several machines. Their locks, or what a process maps of a file, do not reach from one to another."""

LAYERED = frozenset({"aufs", "overlay"})
"""What a container writes to where no volume is mounted: nobody else sees it, and it goes with the container."""

_MOUNTS = Path("/proc/self/mountinfo")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO if os.name == "posix" else 0
"""The rights of anybody but the owner. The modes that Windows makes up say nothing of them."""

_PARTS = ("", "-wal", "-shm")

_LOOKS, _PAUSE = 5, 0.02
"""Times and seconds between them. ``immutable`` takes no lock, so of a hundred looks at a busy file one goes wrong."""


class Content(StrEnum):
    """What a file holds."""

    NOTHING = "nothing"
    """There is no file, or one in which there is no database yet."""
    OURS = "ours"
    FOREIGN = "foreign"
    """The database of something else."""
    BROKEN = "broken"
    """No database at all, or a damaged one."""
    UNREADABLE = "unreadable"
    """This user may not look."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file and its place.

    Attributes:
        path: Where it is, or will be.
        content: What it holds.
        is_private: Whether nobody but its owner has a right to it.
        blocker: What this user may not write to: the file, a part of it, or the folder; None where all is well.
        file_system: By its name in mountinfo; empty where the system does not say.
    """

    path: Path
    content: Content
    is_private: bool
    blocker: Path | None
    file_system: str

    @property
    def is_on_network(self) -> bool:
        """Whether the file system is one of several machines."""
        return self.file_system in NETWORK

    @property
    def is_in_container(self) -> bool:
        """Whether the file goes with a container."""
        return self.file_system in LAYERED


def facts(coordinator: SQLiteCoordinator) -> FileFacts:
    """Look at the file that a coordinator has, or will have."""
    path = coordinator._file.path
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        mounts = ""
    return FileFacts(
        path=path,
        content=_content(path),
        is_private=not (_mode(path) or 0) & _OTHERS,
        blocker=_blocker(path),
        file_system=file_system(_there(path), mounts),
    )


def file_system(path: Path, mounts: str) -> str:
    """Return the name of the file system that a path is on.

    Args:
        path: Something that exists.
        mounts: The text of mountinfo. Of two mounts at one place the later one is seen.
    """
    there, longest, name = path.resolve(), -1, ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        words = fields.split(" ")
        if len(words) < 5 or not rest:
            continue
        place = Path(_unescaped(words[4]))
        if there.is_relative_to(place) and len(place.parts) >= longest:
            longest, name = len(place.parts), rest.split(" ")[0]
    return name


def _unescaped(word: str) -> str:
    for escape, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        word = word.replace(escape, character)
    return word


def _mode(path: Path) -> int | None:
    """Return the mode of what stands there; None where nothing does, or where nobody may look."""
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _there(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(one for one in (path, *path.parents) if _mode(one) is not None or one == one.parent)


def _blocker(path: Path) -> Path | None:
    for one in (Path(f"{path}{part}") for part in _PARTS):
        mode = _mode(one)
        if mode is not None and not (stat.S_ISREG(mode) and os.access(one, os.R_OK | os.W_OK)):
            return one
    folder = _there(path.parent)
    is_open = stat.S_ISDIR(_mode(folder) or 0) and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    return None if is_open else folder


def _content(path: Path) -> Content:
    """Look more than once before a file is called broken: it may be in the middle of being written."""
    for _ in range(_LOOKS):
        found = _look(path)
        if found is not Content.BROKEN:
            return found
        time.sleep(_PAUSE)
    return Content.BROKEN


def _look(path: Path) -> Content:
    """Look into the file by way of SQLite, which minds the locks that it may hold on it in this process."""
    try:
        if not path.stat().st_size:
            return Content.NOTHING
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            is_ours = connection.execute("PRAGMA application_id").fetchall() == [(_APPLICATION_ID,)]
            has_tables = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except FileNotFoundError:
        return Content.NOTHING
    except (OSError, sqlite3.OperationalError):
        return Content.UNREADABLE
    except sqlite3.DatabaseError:
        return Content.BROKEN
    if is_ours:
        return Content.OURS
    return Content.FOREIGN if has_tables else Content.NOTHING
