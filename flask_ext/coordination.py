"""What ``check`` says of the coordinator: whether it can be asked, and whether it keeps what it is given.

The facts come from sealed_session/refresh, file_health.py and redis_health.py. No password is in any of them, and to
learn them changes nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sealed_session.refresh.coordinator import Coordinator
from sealed_session.refresh.memory import MemoryCoordinator

from .config import PREFIX, Config
from .findings import Finding, Level

if TYPE_CHECKING:
    from sealed_session.refresh.file_health import FileFacts
    from sealed_session.refresh.redis_health import RedisFacts, Server

_KEY = f"{PREFIX}COORDINATOR_URL"
_PROBE = b"check"

_OLDEST = (6, 2)
"""The Redis that the coordinator is tested with, at the least."""

_CLOCKS_DIFFER = 5
"""Seconds. By less than that most clocks differ."""

_WORKERS = re.compile(r"(?:^|\s)(?:-w\s*|--workers[=\s]+)(\d+)")
"""As gunicorn takes their number."""

_RIGHTS = "+eval +evalsha +get +set +time, on the keys sealed-session:*"
_FIXES = {
    "AuthenticationError": "check the user and the password.",
    "NoPermissionError": f"give its user the rights that are needed: {_RIGHTS}.",
    "ResponseError": f"ask the server what it minds; the rights that are needed are {_RIGHTS}.",
    "TimeoutError": "is the host right, and does a firewall let this machine through?",
}
_SIGN_OUTS = ("Sign-outs are", "a session that one process has ended goes on in the others")
"""What is kept without refreshes, and what becomes of it where it is not shared."""

_FIX = "is it running, and are scheme, host and port right?"


def judge(shared: Coordinator, host: Coordinator | None = None, *, refreshes: bool = True) -> list[Finding]:
    """Return what there is to say about a coordinator. It is asked, and nothing in it is changed.

    Args:
        shared: What everybody shares.
        host: What the processes of this machine share while that is out of reach; None for nothing.
        refreshes: Whether refreshes are noted there; else only who has signed out.
    """
    fallback = [] if host is None else _found(host, refreshes)
    return _found(shared, refreshes) + [_fallback(finding) for finding in fallback if finding.level == "error"]


def own_file(config: Config, shared: Coordinator) -> Iterator[Finding]:
    """Say that a file of the application's own is shared with no other application, where the session may be.

    Args:
        config: COOKIE_DOMAIN and COORDINATOR_URL.
        shared: What everybody shares.
    """
    is_relative = config.coordinator_url.startswith("sqlite:") and not config.coordinator_url.startswith("sqlite:////")
    if config.cookie.domain is not None and is_relative and _is_of(shared, "sqlite"):
        what = (
            "The cookie is sent to every host of its Domain, and the file stands in this application's own folder. "
            "Another application that opens the session would renew it a second time, and know of no sign-out."
        )
        fix = "where several share the session, name one file by its whole path, sqlite:////..., or a redis://."
        yield _finding("note", "coordinator_per_application", what, fix)


def _found(coordinator: Coordinator, refreshes: bool) -> list[Finding]:
    if isinstance(coordinator, MemoryCoordinator):
        return [_memory(refreshes)]
    if _is_of(coordinator, "sqlite"):
        from sealed_session.refresh import file_health

        return _with_ok(*_file(file_health.facts(coordinator)))  # type: ignore[arg-type]
    if _is_of(coordinator, "redis"):
        from sealed_session.refresh import redis_health

        return _with_ok(*_redis(redis_health.facts(coordinator), refreshes))  # type: ignore[arg-type]
    return [_unknown(coordinator)]


def _fallback(finding: Finding) -> Finding:
    what = f"While the coordinator is out of reach, this machine's processes would share a file. {finding.what}"
    return _finding("warning", "coordinator_fallback", what, finding.fix)


def _is_of(coordinator: Coordinator, module: str) -> bool:
    """Return whether a coordinator is made by one of our modules, without loading what that needs."""
    return any(kind.__module__ == f"sealed_session.refresh.{module}" for kind in type(coordinator).__mro__)


def _with_ok(ready: str, found: Iterator[Finding]) -> list[Finding]:
    findings = list(found)
    if any(finding.level == "error" for finding in findings):
        return findings
    return [_finding("ok", "coordinator_ready", ready), *findings]


def _finding(level: Level, code: str, what: str, fix: str = "") -> Finding:
    return Finding(level, code, _KEY, what, fix)


# Memory, and what others have made


def _memory(refreshes: bool) -> Finding:
    said = _many_workers()
    kept, alone = ("Refreshes are", "each asks the provider for itself") if refreshes else _SIGN_OUTS
    if said is None:
        what = f"{kept} known to one process alone. With a second one {alone}."
        return _finding("note", "coordinator_memory", what, "set it to 'sqlite:' where more than one process serves.")
    so = "most providers sign people out" if refreshes else alone
    what = f"{said} asks for several processes, and {kept.lower()} known to each alone: {so}."
    return _finding(
        "warning", "coordinator_memory", what, "set it to 'sqlite:', or to a redis:// for several machines."
    )


def _many_workers() -> str | None:
    """Return the environment variable by which a server starts several workers; None where none is known to."""
    if os.environ.get("WEB_CONCURRENCY", "") not in ("", "0", "1"):
        return "WEB_CONCURRENCY"
    numbers = _WORKERS.findall(os.environ.get("GUNICORN_CMD_ARGS", ""))
    return "GUNICORN_CMD_ARGS" if numbers and int(numbers[-1]) > 1 else None


def _unknown(coordinator: Coordinator) -> Finding:
    kind = type(coordinator).__name__
    try:
        coordinator.read(_PROBE)
    except Exception as error:  # somebody else's: whatever it raises
        what = f"The coordinator {kind} cannot be asked: {type(error).__name__}."
        return _finding("error", "coordinator_unreachable", what, "see what it needs.")
    return _finding("note", "coordinator_unknown", f"The coordinator {kind} answers. More is not known of its kind.")


# SQLite


def _file(facts: FileFacts) -> tuple[str, Iterator[Finding]]:
    ready = f"{facts.path}: for every process of this machine. Several machines need a redis://."
    return ready, _judged_file(facts)


def _judged_file(facts: FileFacts) -> Iterator[Finding]:
    elsewhere = "or name another file: sqlite:////var/lib/shop/sessions.db."
    if facts.blocker is not None or facts.content == "unreadable":
        what = f"Whoever runs this command cannot read and write {facts.blocker or facts.path}."
        fix = f"run it as the user that serves; give that user the right, {elsewhere}"
        yield _finding("error", "coordinator_not_writable", what, fix)
    if facts.content == "foreign":
        what = f"{facts.path} is the database of something else, and is left alone."
        yield _finding("error", "coordinator_foreign_file", what, "name a file of its own.")
    elif facts.content == "broken":
        what = f"{facts.path} is damaged. Its next use renames it, and makes a new one."
        yield _finding("warning", "coordinator_broken", what, "look after the disk, if it happens again.")
    if facts.is_on_network:
        what = (
            f"{facts.path} is on a file system of several machines ({facts.file_system}), on which locks and the "
            "write-ahead log cannot be relied on."
        )
        yield _finding("error", "coordinator_on_network", what, "choose a local disk, or redis:// for all machines.")
    elif facts.is_in_container:
        what = (
            f"{facts.path} is in a container's own layer ({facts.file_system}): another container has another file, "
            "and this one goes with its container."
        )
        fix = "with several containers: a volume that they share on one machine, or redis://."
        yield _finding("note", "coordinator_in_container", what, fix)
    if not facts.is_private:
        what = f"Others on this machine have a right to {facts.path}. They could read no session in it, but spoil it."
        yield _finding("warning", "coordinator_not_private", what, f"chmod 600 {facts.path}")


# Redis


def _redis(facts: RedisFacts, refreshes: bool) -> tuple[str, Iterator[Finding]]:
    return f"The Redis at {facts.place} answers.", _judged_redis(facts, refreshes)


def _judged_redis(facts: RedisFacts, refreshes: bool) -> Iterator[Finding]:
    if facts.problem:
        so = "two machines may refresh one of them at once" if refreshes else "nobody knows who has signed out"
        what = f"The Redis at {facts.place} cannot be asked: {facts.problem}. Sessions go on without it, and {so}."
        yield _finding("error", "coordinator_unreachable", what, _FIXES.get(facts.problem, _FIX))
    elif not facts.servers:
        what = "The server says neither its version nor its settings to this user."
        fix = "see for yourself that it is 6.2 or later, with maxmemory-policy noeviction."
        yield _finding("note", "coordinator_silent", what, fix)
    yield from _way(facts)
    for server in dict.fromkeys(facts.servers):
        yield from _server(server)


def _way(facts: RedisFacts) -> Iterator[Finding]:
    if not facts.is_here and not facts.is_encrypted:
        shown = ", and the password is sent as it is" if facts.has_password else ""
        what = f"The way to {facts.place} is not encrypted{shown}. Sessions are sealed on it, and could be held back."
        level: Level = "warning" if facts.has_password else "note"
        yield _finding(level, "coordinator_in_clear", what, "use rediss://, unless the network is yours alone.")
    if not facts.has_timeout:
        what = "The client waits for an answer for ever, and so would a request whose token has ended."
        yield _finding("warning", "coordinator_without_timeout", what, "give it socket_timeout=1.")
    if abs(facts.ahead) > _CLOCKS_DIFFER:
        direction = "ahead of" if facts.ahead > 0 else "behind"
        what = f"The server's clock is {abs(facts.ahead):.0f} seconds {direction} this machine's."
        yield _finding("warning", "coordinator_clock", what, "let both be set by NTP.")


def _server(server: Server) -> Iterator[Finding]:
    if server.is_replica:
        what = "It is a replica, and takes no writes."
        yield _finding("error", "coordinator_read_only", what, "name its master, or have a Sentinel name it.")
    if server.version and server.version < _OLDEST:
        version = ".".join(map(str, server.version))
        yield _finding("warning", "coordinator_old", f"It is version {version}.", "use Redis 6.2 or later, or Valkey.")
    if server.policy not in ("", "noeviction"):
        what = (
            f"When its memory is full it drops what it likes ({server.policy}). A refresh that is dropped too early is "
            "a person who is signed out, and a sign-out that is dropped is undone."
        )
        fix = "set maxmemory-policy to noeviction there, or use a Redis that is no cache."
        yield _finding("warning", "coordinator_evicts", what, fix)
    if server.is_kept is False:
        what = "It keeps nothing on disk: a restart forgets the results of the last minutes."
        fix = "turn appendonly on where restarts are usual."
        yield _finding("note", "coordinator_not_kept", what, fix)
