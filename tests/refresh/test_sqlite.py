"""The SQLite file: who may read it, what survives what, and that no fault is anything but CoordinatorUnavailable."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import resource
import shutil
import signal
import sqlite3
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

import pytest

from sealed_session import forks
from sealed_session.refresh import database_file, sqlite
from sealed_session.refresh.coordinator import CoordinatorUnavailable
from sealed_session.refresh.sqlite import SQLiteCoordinator

from .children import AN_HOUR, KEY, as_nobody, count, in_child

Make = Callable[..., SQLiteCoordinator]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will be: in a folder that is not there yet."""
    return tmp_path / "instance" / "store.db"


@pytest.fixture
def make(path: Path) -> Iterator[Make]:
    """Make handles on the file, closed at the end."""
    made = []

    def one(**options: Any) -> SQLiteCoordinator:
        made.append(SQLiteCoordinator(path, **options))
        return made[-1]

    yield one
    for handle in made:
        handle.close()


@contextlib.contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that knows nothing of ours."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        yield connection
    finally:
        connection.close()


def fails(handle: SQLiteCoordinator) -> str:
    """Return what a swap is refused with."""
    with pytest.raises(CoordinatorUnavailable) as caught:
        handle.swap(b"key", None, b"value", AN_HOUR)
    assert None is caught.value.__context__
    return str(caught.value)


def works(handle: SQLiteCoordinator) -> bool:
    """Tell whether it keeps what nobody has used before."""
    key = os.urandom(16)
    return (None, True, b"v") == (handle.read(key).value, handle.swap(key, None, b"v", AN_HOUR), handle.read(key).value)


class TestFile:
    """The file on the disk."""

    @pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
    def test_it_is_for_its_owner_alone(self, path: Path, make: Make, mask: int) -> None:
        """The folder, the file, its log and its index, whatever the umask."""
        before = os.umask(mask)
        try:
            assert works(make())
        finally:
            os.umask(before)
        modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
        assert {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600} == modes
        assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)

    def test_nothing_is_made_before_the_first_use(self, path: Path, make: Make) -> None:
        """An application that is only imported leaves no traces."""
        make().close()
        assert not path.parent.exists()

    def test_a_folder_and_a_file_that_are_there_are_left_as_they_are(self, path: Path, make: Make) -> None:
        """Somebody may share them with a group on purpose."""
        path.parent.mkdir(mode=0o750)
        path.touch(mode=0o640)
        path.chmod(0o640)
        assert works(make())
        assert (0o750, 0o640) == tuple(stat.S_IMODE(found.stat().st_mode) for found in (path.parent, path))

    def test_what_has_ended_is_removed_a_hundred_at_a_time(self, path: Path, make: Make) -> None:
        """It cleans itself, with no job and no long write."""
        now = [0]
        handle = make(clock=lambda: now[0])
        for number in range(250):
            handle.swap(b"%d" % number, None, b"", 10)
        now[0] = 10
        held = []
        for number in range(3):
            handle.swap(b"later %d" % number, None, b"", 1000)
            with plain(path) as other:
                held += other.execute("SELECT count(*) FROM slots").fetchone()
        assert [151, 52, 3] == held

    def test_it_is_kept_as_designed(self, path: Path, make: Make) -> None:
        """With a log, with no sync at every write, and waiting in Python."""
        handle = make()
        assert works(handle)
        assert handle._connection
        asked = ("journal_mode", "synchronous", "busy_timeout")
        settings = [handle._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in asked]
        assert ["wal", 1, 0] == settings
        assert "<SQLiteCoordinator, store.db>" == repr(handle)

    def test_a_handle_that_is_forgotten_closes_its_file(self, path: Path) -> None:
        """Newer Pythons warn of connections that nobody has closed."""
        handle = SQLiteCoordinator(path)
        assert works(handle)
        del handle
        assert {"store.db"} == names(path.parent)


class TestTime:
    """A machine that was started again."""

    def test_rows_of_an_earlier_start_are_dropped(self, make: Make) -> None:
        """Their times are those of another clock."""
        make(boot=lambda: "one").swap(b"key", None, b"value", AN_HOUR)
        assert b"value" == make(boot=lambda: "one").read(b"key").value
        assert None is make(boot=lambda: "two").read(b"key").value

    def test_without_a_name_a_time_that_lies_ahead_gives_it_away(self, make: Make) -> None:
        """The clock that never goes back has gone back."""
        make(boot=str, clock=lambda: 1_000).swap(b"key", None, b"value", AN_HOUR)
        assert b"value" == make(boot=str, clock=lambda: 1_000).read(b"key").value
        assert None is make(boot=str, clock=lambda: 999).read(b"key").value


class TestOthersAreWriting:
    """Waiting, and its end."""

    def test_reading_goes_on(self, path: Path, make: Make) -> None:
        """And a write gives up after its patience."""
        handle = make()
        assert works(handle)
        handle.swap(b"key", None, b"before", AN_HOUR)
        with plain(path) as other, pytest.MonkeyPatch.context() as patched:
            patched.setattr(sqlite, "_PATIENCE", 0.05)
            other.execute("BEGIN IMMEDIATE")
            assert b"before" == handle.read(b"key").value
            assert "others kept it busy" in fails(handle)
        assert works(handle)

    def test_a_write_waits(self, path: Path, make: Make) -> None:
        """And is done when the other is."""
        handle = make()
        assert works(handle)
        waited = threading.Event()
        with plain(path) as other, pytest.MonkeyPatch.context() as patched:
            other.execute("BEGIN IMMEDIATE")

            def sleep(_seconds: float) -> None:
                if not waited.is_set():
                    waited.set()
                    other.execute("COMMIT")

            patched.setattr(time, "sleep", sleep)
            assert True is handle.swap(b"key", None, b"value", AN_HOUR)
        assert waited.is_set()

    def test_opening_waits_for_who_opens(self, path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """One at a time, and not for ever."""
        monkeypatch.setattr(sqlite, "_PATIENCE", 0.05)
        with database_file.DatabaseFile(path).alone():
            assert "busy" in fails(make())
        assert works(make())

    def test_a_thread_does_not_wait_for_ever_for_another(self, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk that hangs holds one of them, not all."""
        monkeypatch.setattr(sqlite, "_PATIENCE", 0.05)
        handle = make()
        with handle._lock:
            assert "another thread" in fails(handle)
        assert works(handle)

    def test_who_is_killed_while_it_writes_leaves_no_lock(self, path: Path, make: Make) -> None:
        """What it was about to write is not there."""
        assert works(make())
        its_end, our_end = os.pipe()
        writing, begun = os.pipe()
        child = os.fork()
        if child == 0:
            times = itertools.count()

            def clock() -> int:
                if next(times) > 0:  # the first is of opening, the second of a swap that holds the lock
                    os.write(begun, b"x")
                    os.read(its_end, 1)
                return 1 << 50

            SQLiteCoordinator(path, clock=clock).swap(b"key", None, b"killed", AN_HOUR)
            os._exit(0)
        os.read(writing, 1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for end in (its_end, our_end, writing, begun):
            os.close(end)
        handle = make(clock=lambda: 1 << 50)
        assert None is handle.read(b"key").value
        assert works(handle)

    def test_who_is_interrupted_leaves_no_lock(self, make: Make) -> None:
        """Nor half of a write. The interruption goes where it was meant to go."""
        steps = itertools.count()

        def clock() -> int:
            if next(steps) == 2:
                raise KeyboardInterrupt
            return 1_000

        handle, other = make(clock=clock), make(clock=lambda: 1_000)
        handle.read(b"key")
        with pytest.raises(KeyboardInterrupt):
            handle.swap(b"key", None, b"value", AN_HOUR)
        assert None is other.read(b"key").value
        assert works(other)
        assert works(handle)


def names(folder: Path, part: str = "") -> set[str]:
    """What is in a folder."""
    return {found.name for found in folder.iterdir() if part in found.name}


def break_it(path: Path, offset: int = 0) -> None:
    """Write over it. No connection of this process may be open: its locks would be gone."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"not a database " * 2000)


class TestBroken:
    """A file that is no database any more."""

    @pytest.mark.parametrize("offset", [0, 100])
    def test_it_is_renamed_and_a_new_one_made(
        self, path: Path, make: Make, caplog: pytest.LogCaptureFixture, offset: int
    ) -> None:
        """Whatever kind of broken it is, and the log says so."""
        handle = make()
        assert works(handle)
        handle.close()
        break_it(path, offset)
        with caplog.at_level(logging.ERROR, "sealed_session"):
            assert works(handle)
        assert (True, 1) == ("is broken. It is now store.db.broken-1" in caplog.text, len(caplog.records))
        assert {"store.db", "store.db-wal", "store.db-shm", "store.db.broken-1"} == names(path.parent)
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)

    def test_one_that_breaks_while_it_is_open_is_renamed(self, path: Path, make: Make) -> None:
        """With its log, which means nothing without it."""
        handle = make()
        assert works(handle)
        in_child(break_it, path, method="spawn")
        in_child(break_it, Path(f"{path}-wal"), method="spawn")
        in_child(break_it, Path(f"{path}-shm"), method="spawn")
        assert works(make())
        assert works(handle)
        assert path.with_name("store.db.broken-1").exists()

    def test_several_processes_rename_it_once(self, path: Path, make: Make) -> None:
        """And share the new one, so that nothing they count is lost."""
        path.parent.mkdir()
        path.write_bytes(b"not a database " * 2000)
        context = __import__("multiprocessing").get_context("fork")
        workers = [context.Process(target=count, args=(f"sqlite:///{path}", 50)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert b"200" == make().read(KEY).value
        assert {"store.db.broken-1"} == names(path.parent, "broken")

    def test_one_that_is_broken_again_at_once_is_not_renamed_for_ever(
        self, path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A disk that breaks whatever is written on it."""

        def make_broken(_self: object) -> None:
            if not path.exists():
                path.write_bytes(b"not a database " * 2000)

        monkeypatch.setattr(database_file.DatabaseFile, "make", make_broken)
        handle = make()
        assert "SQLITE_NOTADB" in fails(handle)
        assert {"store.db", "store.db.broken-1"} == names(path.parent)

    def test_only_so_many_are_kept(self, path: Path) -> None:
        """The last of them is replaced."""
        file = database_file.DatabaseFile(path)
        given = []
        for number in range(11):
            with file.alone():
                file.make()
                path.write_text(str(number), "ascii")
                given.append(file.set_aside(file.identities()[0]))
        assert [*(f"store.db.broken-{number}" for number in range(1, 10)), *2 * ["store.db.broken-9"]] == given
        assert "10" == path.with_name("store.db.broken-9").read_text("ascii")

    def test_what_somebody_else_has_replaced_is_not_renamed(self, path: Path) -> None:
        """A good file stays where it is."""
        file = database_file.DatabaseFile(path)
        with file.alone():
            file.make()
            found = file.identities()[0]
            assert found
            assert [None, None] == [file.set_aside(None), file.set_aside(found._replace(inode=found.inode + 1))]
        assert path.exists()

    def test_another_thread_that_mended_it_is_not_undone(
        self, path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The file that was found to be broken is renamed, not the one that stands there now."""
        handle, judge = make(), sqlite._trouble_of
        assert works(handle)
        handle.close()
        break_it(path)
        mended: list[bool] = []

        def meanwhile(error: BaseException) -> Any:
            if not handle._lock.locked() and not mended:  # the thread that found it broken has let the file go
                mended.append(True)
                mended.append(works(handle))
            return judge(error)

        monkeypatch.setattr(sqlite, "_trouble_of", meanwhile)
        assert works(handle)
        assert ([True, True], {"store.db.broken-1"}) == (mended, names(path.parent, "broken"))


class TestRefused:
    """What cannot be a coordinator."""

    def test_the_database_of_something_else(self, path: Path, make: Make, caplog: pytest.LogCaptureFixture) -> None:
        """It is not touched, and the log says once what is wrong."""
        path.parent.mkdir()
        with plain(path) as other:
            other.execute("CREATE TABLE users (name)")
        before, handle = path.read_bytes(), make()
        assert [True, True] == ["something else" in fails(handle) for _ in range(2)]
        assert (1, before) == (len(caplog.records), path.read_bytes())

    def test_a_file_system_without_a_log(
        self, path: Path, make: Make, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SQLite's way to lock with no help of the file system shares no memory, as a network drive."""
        uri = f"{path.as_uri()}?mode=rw&vfs=unix-dotfile"
        monkeypatch.setattr(database_file.DatabaseFile, "uri", uri)
        assert "no write-ahead log (journal mode delete)" in fails(make())
        assert "Choose a local disk" in caplog.text

    def test_a_folder_that_is_a_file(self, path: Path, make: Make) -> None:
        """Unavailable, and nothing else."""
        path.parent.write_text("")
        assert "directory" in fails(make())

    def test_a_file_that_is_a_folder(self, path: Path, make: Make) -> None:
        """Unavailable, and nothing else."""
        path.mkdir(parents=True)
        assert "SQLITE_CANTOPEN" in fails(make())

    @pytest.mark.parametrize("mode", [0o500, 0o000])
    def test_a_folder_that_may_not_be_written(self, mode: int) -> None:
        """Unavailable, whether the file is there or not; and well again when the folder is."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)  # noqa: PTH101, S103 - for whoever plays nobody

            def read_only() -> list[bool]:
                below = Path(folder, "below")
                below.mkdir()
                handle = SQLiteCoordinator(below / "store.db")
                answers = []
                for there in (False, True):
                    below.chmod(mode)
                    answers.append(bool(fails(handle)))
                    below.chmod(0o700)
                    answers.append(works(handle))
                    handle.close()
                    assert there or (below / "store.db").exists()
                return answers

            assert [True] * 4 == in_child(as_nobody, read_only)


class TestTakenAway:
    """What somebody does to the files of a running process."""

    @pytest.mark.parametrize("gone", [("",), ("-wal",), ("-shm",), ("-wal", "-shm"), ("", "-wal", "-shm")])
    def test_files_that_are_deleted_are_made_again(self, path: Path, make: Make, gone: tuple[str, ...]) -> None:
        """By all who use them, and they share the new ones."""
        first, second = make(), make()
        assert works(first)
        assert works(second)
        for part in gone:
            Path(f"{path}{part}").unlink()
        assert works(first)
        assert works(second)
        assert True is first.swap(b"key", None, b"first", AN_HOUR)
        assert b"first" == second.read(b"key").value
        assert "" not in gone or set() == names(path.parent, "broken")

    def test_a_folder_that_is_deleted_is_made_again(self, path: Path, make: Make) -> None:
        """With its file."""
        handle = make()
        assert works(handle)
        shutil.rmtree(path.parent)
        assert works(handle)
        assert path.exists()

    def test_a_file_that_is_replaced_is_the_one(self, tmp_path: Path, path: Path, make: Make) -> None:
        """Others opened it; who still had the old one would refresh on his own."""
        handle, other = make(), SQLiteCoordinator(tmp_path / "other.db")
        assert works(handle)
        other.swap(b"key", None, b"other", AN_HOUR)
        other.close()
        for part in ("-wal", "-shm"):
            Path(f"{path}{part}").unlink()
        (tmp_path / "other.db").replace(path)
        assert b"other" == handle.read(b"key").value

    def test_a_full_disk(self, path: Path) -> None:
        """Unavailable until there is room again, and what was there still is."""

        def full() -> list[object]:
            handle = SQLiteCoordinator(path)
            handle.swap(b"key", None, b"before", AN_HOUR)
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))  # SQLite is told what a full disk tells it
            refused = []
            for _ in range(2):
                try:
                    handle.swap(b"big", None, os.urandom(16_000), AN_HOUR)
                except CoordinatorUnavailable as error:
                    refused.append(str(error))
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
            return [len(refused), handle.read(b"key").value, handle.read(b"big").value, works(handle)]

        assert [2, b"before", None, True] == in_child(full)


def locks_of_this_process(path: Path) -> int:
    """How many locks this process holds on a file, as the kernel sees it."""
    inode = f":{path.stat().st_ino}"
    lines = [line.split() for line in Path("/proc/locks").read_text("ascii").splitlines()]
    return sum(line[4] == str(os.getpid()) and line[5].endswith(inode) for line in lines)


class TestForks:
    """Workers that are forked off a process that uses the file."""

    @pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists its locks")
    def test_a_child_holds_locks_of_its_own(self, path: Path, make: Make) -> None:
        """SQLite would take none where a connection of the parent's is still open: the file could be pulled away."""
        handle = make()
        handle.swap(b"key", None, b"parent", AN_HOUR)

        def in_the_child() -> list[object]:
            inherited, value = handle._connection, handle.read(b"key").value
            return [inherited, value, handle.swap(b"key", value, b"child", AN_HOUR), locks_of_this_process(path) > 0]

        assert [None, b"parent", True, True] == in_child(in_the_child)
        assert (b"child", True) == (handle.read(b"key").value, locks_of_this_process(path) > 0)

    def test_forking_while_threads_write(self, path: Path, make: Make) -> None:
        """Neither parent nor child stands still or loses anything."""
        handle = make()
        enough, failed = threading.Event(), []

        def work() -> None:
            number = 0
            while not enough.is_set():
                number += 1
                if not handle.swap(f"{threading.get_ident()} {number}".encode(), None, b"", AN_HOUR):
                    failed.append(number)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                os._exit(0 if works(handle) else 1)
            failed.append(os.waitpid(child, 0)[1])
        enough.set()
        for thread in threads:
            thread.join()
        assert {0} == set(failed)

    def test_what_is_inherited_all_the_same_is_never_used(
        self, path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A server that forks behind Python's back gets no coordinator, and no broken file."""
        monkeypatch.setattr(sqlite, "_inherited", set())
        handle = make()
        handle.after_fork_in_child()
        assert works(handle)  # nothing was open
        connection = handle._connection
        handle.after_fork_in_child()
        assert None is handle._connection
        assert "forked off" in fails(handle)
        assert "forked off" in caplog.text
        assert connection in forks._KEPT
        assert (
            sys.getrefcount(connection) >= 4
        )  # ours, the list's, the argument's, and the one that is never given back

    def test_a_fork_that_cannot_wait_is_one_behind_its_back(self, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk that hangs does not keep a server from forking, and the parent goes on."""
        monkeypatch.setattr(sqlite, "_PATIENCE", 0.05)
        handle = make()
        assert works(handle)

        def in_the_child() -> bool:
            return "forked off" in fails(handle)

        with handle._lock:
            assert True is in_child(in_the_child)
            handle.before_fork()
            handle.after_fork_in_parent()
            assert handle._lock.locked()
        assert works(handle)

    def test_everybody_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Before a fork and after it, in the parent and in the child; who did not take part is not let go."""

        class Told:
            said: ClassVar[list[str]] = []
            before_fork = lambda self: self.said.append("before")  # noqa: E731
            after_fork_in_parent = lambda self: self.said.append("parent")  # noqa: E731
            after_fork_in_child = lambda self: self.said.append("child")  # noqa: E731

        told = Told()
        monkeypatch.setattr(forks, "_TOLD", WeakSet())
        forks.tell(told)
        for step in (forks._before, forks._in_parent, forks._in_child):
            step()
        assert ["before", "parent", "child"] == told.said

    def test_a_python_without_these_means(self, path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where nothing is taken down at the end, keeping is enough; and Windows needs no lock on the folder."""
        kept = object()
        monkeypatch.setattr(forks, "_KEPT", [])
        monkeypatch.setitem(sys.modules, "ctypes", None)
        forks.keep_for_ever(kept)
        assert [kept] == forks._KEPT
        monkeypatch.setitem(sys.modules, "fcntl", None)
        assert works(make())


def test_a_path_that_is_none_is_refused_at_once() -> None:
    """And what was not made is not closed."""
    with pytest.raises(TypeError):
        SQLiteCoordinator(None)  # type: ignore[arg-type]
