"""What is seen of a coordinator's file from outside: all that matters, and without leaving a trace."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from sealed_session.refresh import file_health
from sealed_session.refresh.file_health import Content, FileFacts, file_system
from sealed_session.refresh.sqlite import SQLiteCoordinator

AN_HOUR = 3_600_000


def facts(path: Path) -> FileFacts:
    """What is so about a file."""
    return file_health.facts(SQLiteCoordinator(path))


def trace(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What a look would leave behind: files, times, sizes."""
    seen = {one.name: one.stat() for one in folder.iterdir()}
    return {name: (one.st_ino, one.st_mtime_ns, one.st_size) for name, one in seen.items()}


def test_a_file_that_is_not_there_yet_can_be_made(tmp_path: Path) -> None:
    """Also with its folder. Neither is made by looking."""
    found = facts(tmp_path / "instance" / "below" / "x.db")
    assert (Content.NOTHING, True, None) == (found.content, found.is_private, found.blocker)
    assert tmp_path / "instance" / "below" / "x.db" == found.path
    assert [] == list(tmp_path.iterdir())


def test_a_file_in_use_is_left_as_it_is(tmp_path: Path) -> None:
    """And its user goes on: the locks that SQLite holds on it in this process are still there."""
    coordinator = SQLiteCoordinator(tmp_path / "x.db")
    assert coordinator.swap(b"key", None, b"value", AN_HOUR)
    before, locks = trace(tmp_path), locks_on(tmp_path)
    found = file_health.facts(coordinator)
    assert (Content.OURS, True, None) == (found.content, found.is_private, found.blocker)
    assert (before, locks) == (trace(tmp_path), locks_on(tmp_path))
    assert b"value" == coordinator.read(b"key").value
    coordinator.close()
    assert Content.OURS == facts(tmp_path / "x.db").content
    assert ["x.db"] == [one.name for one in tmp_path.iterdir()]


def locks_on(folder: Path) -> int:
    """How many locks the system knows on the files of a folder; -1 where it does not say."""
    try:
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return -1
    return sum(f":{one.stat().st_ino} " in locks for one in folder.iterdir())


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    """Somebody made it and has not written yet."""
    (tmp_path / "x.db").touch(0o600)
    assert Content.NOTHING == facts(tmp_path / "x.db").content


def test_the_database_of_something_else(tmp_path: Path) -> None:
    """Is told by its header."""
    other = sqlite3.connect(tmp_path / "x.db")
    other.execute("CREATE TABLE shop (item TEXT)")
    other.close()
    assert Content.FOREIGN == facts(tmp_path / "x.db").content


@pytest.mark.parametrize(("text", "content"), [(b"no database" * 500, Content.BROKEN), (b"x", Content.NOTHING)])
def test_a_file_that_is_no_database(tmp_path: Path, text: bytes, content: Content) -> None:
    """Is broken; one that is too short to be any is overwritten, and so counts for nothing."""
    (tmp_path / "x.db").write_bytes(text)
    assert content == facts(tmp_path / "x.db").content


def test_a_file_that_is_being_written_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody locks it for a look, and half a change looks like damage."""
    looks = iter([Content.BROKEN, Content.BROKEN, Content.OURS])
    monkeypatch.setattr(file_health, "_look", lambda _path: next(looks))
    assert Content.OURS == facts(tmp_path / "x.db").content
    assert [] == list(looks)


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    """Cannot be read, and stands in the way."""
    (tmp_path / "x.db").mkdir()
    found = facts(tmp_path / "x.db")
    assert (Content.UNREADABLE, tmp_path / "x.db") == (found.content, found.blocker)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    """Stands in the way, too."""
    (tmp_path / "instance").touch()
    found = facts(tmp_path / "instance" / "x.db")
    assert (Content.UNREADABLE, tmp_path / "instance") == (found.content, found.blocker)


@pytest.mark.parametrize("closed", ["x.db", "x.db-wal", "x.db-shm", "."])
def test_what_this_user_may_not_write_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str) -> None:
    """The file, the parts that SQLite keeps beside it, or the folder. Made up: root may write everywhere."""
    for name in ("x.db", "x.db-wal", "x.db-shm"):
        (tmp_path / name).touch(0o600)
    shut = (tmp_path / closed).resolve()

    def access(path: Path, mode: int) -> bool:
        assert os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0) == mode
        return path.resolve() != shut

    monkeypatch.setattr(os, "access", access)
    found = facts(tmp_path / "x.db").blocker
    assert found is not None
    assert shut == found.resolve()


@pytest.mark.skipif(os.name != "posix", reason="this system has no such rights")
@pytest.mark.parametrize(("mode", "private"), [(0o600, True), (0o640, False), (0o602, False), (0o604, False)])
def test_rights_of_others_are_seen(tmp_path: Path, mode: int, private: bool) -> None:
    """By the mode of the file."""
    (tmp_path / "x.db").touch()
    (tmp_path / "x.db").chmod(mode)
    assert private == facts(tmp_path / "x.db").is_private


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:20 / /srv rw shared:2 master:1 - nfs4 host:/export rw
24 22 0:21 / /srv/local\\040disk rw - xfs /dev/sdb1 rw
25 22 0:22 / /again rw - nfs4 host:/export rw
26 25 0:23 / /again rw - tmpfs tmpfs rw
a line of another kind
27 22 0:24 / /var rw
28 /var - nfs4
"""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/var/x.db", "ext4"),
        ("/srv/x.db", "nfs4"),
        ("/srvx/x.db", "ext4"),
        ("/srv/local disk/x.db", "xfs"),
        ("/again/x.db", "tmpfs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, name: str) -> None:
    """Whole names of folders count, and of two mounts at one place the later one."""
    assert name == file_system(Path(path), MOUNTS)


@pytest.mark.parametrize(
    ("name", "on_network", "in_container"),
    [
        ("nfs4", True, False),
        ("9p", True, False),
        ("fuse.sshfs", True, False),
        ("overlay", False, True),
        ("", False, False),
    ],
)
def test_a_file_system_may_be_of_the_wrong_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, on_network: bool, in_container: bool
) -> None:
    """One of several machines, or one that goes with a container. It is that of the nearest folder there is."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 8:1 / / rw - {name} x rw\n" if name else "", encoding="ascii")
    monkeypatch.setattr(file_health, "_MOUNTS", mounts)
    found = facts(tmp_path / "instance" / "x.db")
    assert (name, on_network, in_container) == (found.file_system, found.is_on_network, found.is_in_container)


def test_a_system_that_names_no_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says nothing, and nothing is said of it."""
    monkeypatch.setattr(file_health, "_MOUNTS", tmp_path / "none")
    assert "" == facts(tmp_path / "x.db").file_system
