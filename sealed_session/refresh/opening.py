"""From a URL to a coordinator. What a coordinator needs is loaded only here, and only when it is the one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..arguments import wrong_type
from ..errors import UsageError
from .coordinator import Coordinator
from .memory import MemoryCoordinator

FILE_NAME = "sealed-session.db"

_REDIS = ("redis://", "rediss://", "unix://")


def open_coordinator(url: str, *, instance_path: str | None = None) -> Coordinator:
    """Make the coordinator that a URL names. Nothing is opened or connected before it is used.

    Args:
        url: ``memory:``: in this process alone. ``sqlite:``: the file ``sealed-session.db`` in the instance folder;
            ``sqlite:///name.db``: another file there; ``sqlite:////path/name.db``: a file anywhere.
            ``redis://``, ``rediss://``, ``unix://``: as redis-py takes it.
        instance_path: The application's own folder. None: a folder of the user's, ``$XDG_STATE_HOME/sealed-session`` or
            ``~/.local/state/sealed-session``, on Windows ``sealed-session`` in ``%LOCALAPPDATA%``.

    Raises:
        UsageTypeError: The URL is not a text.
        UsageError: It names no coordinator (``coordinator_url``), or what that needs is not installed
            (``extra_missing``). The URL may hold a password and is never quoted.
    """
    if type(url) is not str:
        raise wrong_type("url", "the URL of a coordinator (str)", url)
    if url == "memory:":
        return MemoryCoordinator()
    if url == "sqlite:":
        return _in_file(FILE_NAME, instance_path)
    if url.startswith("sqlite:///"):
        return _in_file(url.removeprefix("sqlite:///"), instance_path)
    if url.startswith(_REDIS):
        return _in_redis(url)
    raise _not_a_url("the URL names no coordinator.")


def _in_file(name: str, instance_path: str | None) -> Coordinator:
    if not name or name == ":memory:" or name.endswith("/") or any(sign in name for sign in "\0?#"):
        raise _not_a_url("the URL names no file.")
    folder = user_folder(os.environ) if instance_path is None else Path(instance_path)
    try:
        from .sqlite import SQLiteCoordinator
    except ImportError:
        pass
    else:
        return SQLiteCoordinator(folder / name)
    raise UsageError(
        "this Python was built without sqlite3, which the coordinator is kept in.",
        fix="Use redis://, or memory: with a single worker.",
        code="extra_missing",
    )


def _in_redis(url: str) -> Coordinator:
    try:
        from .redis import RedisCoordinator
    except ImportError:
        pass
    else:
        return RedisCoordinator.from_url(url)
    raise UsageError(
        "the coordinator is a Redis, and the package redis is missing.",
        fix="Run `pip install 'sealed-session[redis]'`.",
        code="extra_missing",
    )


def _not_a_url(problem: str) -> UsageError:
    return UsageError(
        problem,
        fix="Use sqlite:, sqlite:///name.db, sqlite:////path/name.db, memory:, redis://host, rediss://host or unix://path.",
        code="coordinator_url",
    )


def user_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder for files of the user's that are not worth a backup.

    Not the one for temporary files: others write there too, services have one each, and old files are removed from it.

    Args:
        environment: The environment variables.

    Raises:
        UsageError: There is none (``coordinator_url``).

    Source: XDG Base Directory Specification 0.8: a path in it that is not absolute is ignored.
    """
    for variable in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        if Path(named := environment.get(variable, "")).is_absolute():
            return Path(named) / "sealed-session"
    try:
        return Path.home() / ".local/state/sealed-session"
    except RuntimeError:
        pass
    raise _not_a_url("the URL names no folder, there is no instance folder, and this user has no home.")
