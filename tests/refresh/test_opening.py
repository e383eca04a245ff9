"""From URLs to coordinators: which, where, and what is refused without quoting it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sealed_session import UsageError, UsageTypeError
from sealed_session.refresh import opening, uptime
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.opening import open_coordinator
from sealed_session.refresh.redis import RedisCoordinator
from sealed_session.refresh.sqlite import SQLiteCoordinator


def place(url: str, instance_path: str | None) -> Path:
    """Where the file of a coordinator is."""
    made = open_coordinator(url, instance_path=instance_path)
    assert isinstance(made, SQLiteCoordinator)
    return made._file.path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:", "/app/instance/sealed-session.db"),
        ("sqlite:///name.db", "/app/instance/name.db"),
        ("sqlite:///below/a name.db", "/app/instance/below/a name.db"),
        ("sqlite:////srv/name.db", "/srv/name.db"),
    ],
)
def test_a_file_is_in_the_instance_folder_or_where_it_says(url: str, path: str) -> None:
    """And opening makes nothing yet."""
    assert Path(path) == place(url, "/app/instance")
    assert not Path(path).parent.exists() or Path("/srv") == Path(path).parent


def test_a_relative_folder_is_the_one_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes the folder later does not move the file."""
    monkeypatch.chdir(tmp_path)
    assert tmp_path / "instance" / "sealed-session.db" == place("sqlite:", "instance")


def test_without_an_instance_folder_it_is_in_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names that the systems have for such a folder."""
    for variable in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Path("/home/somebody/.local/state/sealed-session/sealed-session.db") == place("sqlite:", None)
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert Path("/local/sealed-session/sealed-session.db") == place("sqlite:", None)
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert Path("/state/sealed-session/x.db") == place("sqlite:///x.db", None)
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert Path("/local/sealed-session/sealed-session.db") == place("sqlite:", None)


def test_a_user_without_a_home_must_say_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in whatever folder the process runs in would be worse."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(UsageError, match="has no home") as caught:
        opening.user_folder({})
    assert ("coordinator_url", None) == (caught.value.code, caught.value.__context__)


def test_memory_and_redis() -> None:
    """The others, connected to nothing."""
    assert isinstance(open_coordinator("memory:"), MemoryCoordinator)
    for url in ("redis://nowhere.invalid:1/0", "rediss://nowhere.invalid", "unix:///nowhere?db=1"):
        assert isinstance(open_coordinator(url), RedisCoordinator)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory",
        "memory://",
        "sqlite",
        "sqlite:name.db",
        "sqlite://host/name.db",
        "sqlite:///",
        "sqlite:///folder/",
        "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro",
        "sqlite:///a\0.db",
        "SQLITE:",
        "postgres://user:hunter2@host/db",
        "redis:hunter2",
        "redis://user:hunter2@host:port/0",
        "redis://:hunter2@host/0?no_such_option=1",
        "rediss://:hunter2@host/0?ssl_cert_reqs=hunter2",
    ],
)
def test_what_is_no_url_is_refused_and_not_quoted(url: str) -> None:
    """A URL may hold a password."""
    with pytest.raises(UsageError) as caught:
        open_coordinator(url, instance_path="/app")
    assert ("coordinator_url", None) == (caught.value.code, caught.value.__context__)
    assert "hunter2" not in repr(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("url", [None, b"memory:", 1])
def test_another_type_is_refused(url: Any) -> None:
    """By its name."""
    with pytest.raises(UsageTypeError, match=type(url).__name__):
        open_coordinator(url)


@pytest.mark.parametrize(
    ("url", "missing", "fix"),
    [
        ("redis://host", "redis", "pip install 'sealed-session[redis]'"),
        ("sqlite:", "sqlite3", "redis://"),
    ],
)
def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, url: str, missing: str, fix: str) -> None:
    """With what to do about it."""
    for ours in ("redis", "sqlite"):
        monkeypatch.delitem(sys.modules, f"sealed_session.refresh.{ours}", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError) as caught:
        open_coordinator(url, instance_path="/app")
    assert ("extra_missing", None) == (caught.value.code, caught.value.__context__)
    assert missing in caught.value.problem
    assert fix in caught.value.fix


def test_nothing_is_loaded_before_it_is_the_one() -> None:
    """Neither SQLite nor redis-py, nor what only they need."""
    code = (
        "import sys, sealed_session.refresh.opening as opening; opening.open_coordinator('memory:');"
        "print({'sqlite3', 'redis', 'ctypes'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "set()" == done.stdout.strip()


def test_uptime(monkeypatch: pytest.MonkeyPatch) -> None:
    """It moves on, whatever clock a system has, and a system without a name for its start has none."""
    assert uptime.milliseconds() <= uptime.milliseconds()
    monkeypatch.setattr(uptime, "_CLOCK", None)
    assert uptime.milliseconds() <= uptime.milliseconds()
    monkeypatch.setattr(uptime, "_BOOT_ID", Path("/nowhere"))
    assert "" == uptime.boot()
