"""What ``check`` says of a coordinator: of files, of a real Redis, and of facts that nobody can stage."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask

from flask_ext import SealedSession, coordination, diagnosis
from flask_ext.findings import Finding
from sealed_session import Session, generate_password
from sealed_session.refresh import file_health, redis_health
from sealed_session.refresh.coordinator import CoordinatorUnavailable, Reading
from sealed_session.refresh.file_health import Content, FileFacts
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.redis import RedisCoordinator
from sealed_session.refresh.redis_health import RedisFacts, Server
from sealed_session.refresh.sqlite import SQLiteCoordinator
from sealed_session.testing import Clock
from tests.refresh.redis_server import RedisServer, free_port, needs_redis

AN_HOUR = 3_600_000

FILE = FileFacts(Path("/srv/shop/x.db"), Content.OURS, is_private=True, blocker=None, file_system="ext4")
SERVER = Server((7, 2, 4), "noeviction", is_replica=False, is_kept=True)
REDIS = RedisFacts("redis.test:6379", "", 0.1, False, True, True, True, (SERVER,))


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what this machine starts its servers with out."""
    for variable in ("WEB_CONCURRENCY", "GUNICORN_CMD_ARGS"):
        monkeypatch.delenv(variable, raising=False)


def refresh(session: Session) -> Session:
    """A provider, which is not asked."""
    raise AssertionError("check asks no provider")


def make_app(tmp_path: Path, url: str | None = None, *, domain: str | None = None, **options: Any) -> Flask:
    """An application with a provider and a coordinator."""
    app = Flask("shop", instance_path=str(tmp_path / "instance"))
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    app.config["SEALED_SESSION_COOKIE_DOMAIN"] = domain
    if url is not None:
        app.config["SEALED_SESSION_COORDINATOR_URL"] = url
    SealedSession(refresh, **options).init_app(app)
    return app


def of_coordinator(app: Flask, **options: Any) -> dict[str, str]:
    """Codes and levels of what is said of an application's coordinator."""
    found = [one for one in diagnosis.diagnose(app, **options) if one.subject == "SEALED_SESSION_COORDINATOR_URL"]
    return levels(found)


def levels(found: list[Finding]) -> dict[str, str]:
    """Code and level of findings, of which each is there once."""
    by_code: dict[str, str] = {finding.code: finding.level for finding in found}
    assert len(found) == len(by_code)
    return by_code


def test_every_finding_is_explained() -> None:
    """In docs/commands.md, and nothing that is not found."""
    codes = re.compile(r"""["`](coordinator_[a-z_]+)["`]""")
    page = Path(__file__).parents[2] / "docs" / "commands.md"
    found = codes.findall(Path(coordination.__file__).read_text(encoding="utf-8"))
    assert set(found) == set(codes.findall(page.read_text(encoding="utf-8")))


# Which coordinator is asked.


def without_provider(tmp_path: Path, url: str, check_revocation: str) -> Flask:
    """An application without a provider."""
    app = Flask("shop", instance_path=str(tmp_path / "instance"))
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    app.config["SEALED_SESSION_COORDINATOR_URL"] = url
    app.config["SEALED_SESSION_CHECK_REVOCATION"] = check_revocation
    SealedSession().init_app(app)
    return app


@pytest.mark.parametrize("url", ["memory:", "sqlite:", "redis://127.0.0.1:1/0"])
def test_without_a_provider_nobody_is_asked(tmp_path: Path, url: str) -> None:
    """Nothing is refreshed, and the coordinator does not matter."""
    assert {} == of_coordinator(without_provider(tmp_path, url, "refresh"))


def test_without_a_provider_it_knows_who_has_signed_out(tmp_path: Path) -> None:
    """Where every request asks: then it is judged, and what is said is about sign-outs."""
    assert {"coordinator_ready": "ok"} == of_coordinator(without_provider(tmp_path, "sqlite:", "always"))
    url = f"redis://user:test-password@127.0.0.1:{free_port()}/0"
    (found,) = [
        one
        for one in diagnosis.diagnose(without_provider(tmp_path, url, "always"))
        if one.code == "coordinator_unreachable"
    ]
    assert "Sessions go on without it, and nobody knows who has signed out." in found.what
    assert [] == list(tmp_path.iterdir())


def test_without_a_provider_memory_forgets_sign_outs(monkeypatch: pytest.MonkeyPatch) -> None:
    """For other processes: nothing is said of refreshes, of which there are none."""
    (found,) = coordination.judge(MemoryCoordinator(), refreshes=False)
    assert (
        "Sign-outs are known to one process alone. With a second one a session that one process has ended goes on in "
        "the others." == found.what
    )
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    (found,) = coordination.judge(MemoryCoordinator(), refreshes=False)
    assert (
        "WEB_CONCURRENCY asks for several processes, and sign-outs are known to each alone: a session that one process "
        "has ended goes on in the others." == found.what
    )
    (found,) = coordination.judge(MemoryCoordinator())
    assert found.what.endswith("and refreshes are known to each alone: most providers sign people out.")


def test_the_default_is_ready_and_nothing_is_made(tmp_path: Path) -> None:
    """Also where the instance folder is not there yet. Several machines are told what they need."""
    app = make_app(tmp_path)
    found = {one.code: one for one in diagnosis.diagnose(app)}["coordinator_ready"]
    assert (
        found.what
        == f"{tmp_path}/instance/sealed-session.db: for every process of this machine. Several machines need a redis://."
    )
    assert [] == list(tmp_path.iterdir())


def test_a_coordinator_of_ones_own_is_the_one_that_is_asked(tmp_path: Path) -> None:
    """And not that of the URL."""
    own = SQLiteCoordinator(tmp_path / "other.db")
    (tmp_path / "other.db").write_bytes(b"no database" * 500)
    assert "warning" == of_coordinator(make_app(tmp_path, "memory:", coordinator=own))["coordinator_broken"]


def test_with_a_clock_it_is_in_memory(tmp_path: Path) -> None:
    """As such an application has it."""
    assert {"coordinator_memory": "note"} == of_coordinator(make_app(tmp_path, clock=Clock()))


def test_offline_leaves_it_alone(tmp_path: Path) -> None:
    """For a machine that builds, and does not serve. Settings and addresses are judged all the same."""
    app = make_app(tmp_path, f"redis://user:test-password@127.0.0.1:{free_port()}/0")
    assert {} == of_coordinator(app, offline=True)
    done = app.test_cli_runner().invoke(args=["sealed-session", "check", "--offline"])
    assert (0, True) == (done.exit_code, "no_absolute_lifetime" in done.stdout)
    assert "coordinator" not in done.stdout


def test_what_cannot_be_asked_is_an_error_without_the_password(tmp_path: Path) -> None:
    """In words and as JSON; the exit code says so."""
    app = make_app(tmp_path, f"redis://user:test-password@127.0.0.1:{free_port()}/0")
    for words in ([], ["--json"]):
        done = app.test_cli_runner().invoke(args=["sealed-session", "check", *words])
        assert (1, "") == (done.exit_code, done.stderr)
        assert "coordinator_unreachable" in done.stdout
        assert "ConnectionError" in done.stdout
        assert "test-password" not in done.stdout
        assert "user" not in json.dumps([one for one in done.stdout.splitlines() if "127.0.0.1" in one])


@needs_redis
def test_a_redis_as_it_should_be(tmp_path: Path) -> None:
    """A note that it keeps nothing, as the server of these tests does not."""
    with RedisServer(port=free_port()) as server:
        assert {"coordinator_ready": "ok", "coordinator_not_kept": "note"} == of_coordinator(
            make_app(tmp_path, server.url)
        )
        with closing(redis.Redis(port=server.port, socket_timeout=None)) as client:
            given = of_coordinator(make_app(tmp_path, coordinator=client))
    assert "warning" == given["coordinator_without_timeout"]


@needs_redis
def test_the_file_of_the_fallback_is_judged_too(tmp_path: Path) -> None:
    """It is only a warning: it is needed while the Redis is out of reach."""
    (tmp_path / "instance").touch()
    with RedisServer(port=free_port()) as server:
        found = diagnosis.diagnose(make_app(tmp_path, server.url))
    (finding,) = [one for one in found if one.code == "coordinator_fallback"]
    assert "warning" == finding.level
    assert f"cannot read and write {tmp_path}/instance." in finding.what


# Memory, and other people's.


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"WEB_CONCURRENCY": "4"}, "WEB_CONCURRENCY"),
        ({"WEB_CONCURRENCY": "auto"}, "WEB_CONCURRENCY"),
        ({"GUNICORN_CMD_ARGS": "--bind=:8000 --workers=3"}, "GUNICORN_CMD_ARGS"),
        ({"GUNICORN_CMD_ARGS": "--workers 3 --bind :8000"}, "GUNICORN_CMD_ARGS"),
        ({"GUNICORN_CMD_ARGS": "-w3"}, "GUNICORN_CMD_ARGS"),
        ({"GUNICORN_CMD_ARGS": "-w 2"}, "GUNICORN_CMD_ARGS"),
        ({"GUNICORN_CMD_ARGS": "-w 3 -w 1"}, None),
        ({"GUNICORN_CMD_ARGS": "--workers-x 3 --new-w 4"}, None),
        ({"WEB_CONCURRENCY": "1", "GUNICORN_CMD_ARGS": "-w 1"}, None),
        ({"WEB_CONCURRENCY": ""}, None),
        ({"WEB_CONCURRENCY": "0"}, None),
        ({}, None),
    ],
)
def test_memory_is_a_warning_where_several_processes_are_known_of(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str | None
) -> None:
    """And a note elsewhere: nobody can count the workers of a server that is not there."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (found,) = coordination.judge(MemoryCoordinator())
    assert ("coordinator_memory", "note" if told is None else "warning") == (found.code, found.level)
    assert told is None or found.what.startswith(told)


class Own:
    """Somebody's own coordinator."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def read(self, key: bytes) -> Reading:
        """Return nothing."""
        if self._error is not None:
            raise self._error
        return Reading(None, 0)

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Is not asked."""
        raise AssertionError("check writes nothing")

    def close(self) -> None:
        """Is not asked."""
        raise AssertionError("check does not close what is not its own")


def test_a_coordinator_of_another_kind_is_read_from() -> None:
    """What its errors say is not repeated."""
    assert {"coordinator_unknown": "note"} == levels(coordination.judge(Own()))
    (found,) = coordination.judge(Own(CoordinatorUnavailable("test-secret")))
    assert ("error", "coordinator_unreachable") == (found.level, found.code)
    assert "The coordinator Own cannot be asked: CoordinatorUnavailable." == found.what


def test_one_that_is_made_from_ours_is_known() -> None:
    """By what it is made from."""

    class Counting(SQLiteCoordinator):
        pass

    assert "coordinator_unknown" not in levels(coordination.judge(Counting("/srv/shop/x.db")))


# Files.


@pytest.fixture
def judged_file(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Judge facts about a file."""

    def judge(**changes: Any) -> list[Finding]:
        monkeypatch.setattr(file_health, "facts", lambda _: replace(FILE, **changes))
        return coordination.judge(SQLiteCoordinator("/srv/shop/x.db"))

    return judge


@pytest.mark.parametrize(
    ("changes", "code", "level", "told"),
    [
        ({"blocker": Path("/srv/shop")}, "coordinator_not_writable", "error", "cannot read and write /srv/shop."),
        ({"content": Content.UNREADABLE}, "coordinator_not_writable", "error", "cannot read and write /srv/shop/x.db."),
        ({"content": Content.FOREIGN}, "coordinator_foreign_file", "error", "/srv/shop/x.db is the database"),
        ({"content": Content.BROKEN}, "coordinator_broken", "warning", "/srv/shop/x.db is damaged"),
        ({"file_system": "nfs4"}, "coordinator_on_network", "error", "(nfs4)"),
        ({"file_system": "overlay"}, "coordinator_in_container", "note", "(overlay)"),
        ({"is_private": False}, "coordinator_not_private", "warning", "/srv/shop/x.db"),
    ],
)
def test_what_is_wrong_with_a_file(judged_file: Any, changes: Any, code: str, level: str, told: str) -> None:
    """Each by itself; it is ready unless there is an error."""
    found = {finding.code: finding for finding in judged_file(**changes)}
    assert {code, "coordinator_ready"} - ({"coordinator_ready"} if level == "error" else set()) == set(found)
    assert (level, True) == (found[code].level, told in found[code].what)
    assert found[code].fix


@pytest.mark.parametrize("content", [Content.OURS, Content.NOTHING])
def test_a_file_as_it_should_be(judged_file: Any, content: Content) -> None:
    """There already, or not yet."""
    assert {"coordinator_ready": "ok"} == levels(judged_file(content=content))


# Redis.


@pytest.fixture
def judged_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Judge facts about a Redis."""
    with closing(RedisCoordinator.from_url("redis://redis.test")) as coordinator:

        def judge(server: Any = None, **changes: Any) -> list[Finding]:
            servers: dict[str, Any] = {} if server is None else {"servers": (replace(SERVER, **server),)}
            monkeypatch.setattr(redis_health, "facts", lambda _: replace(REDIS, **servers, **changes))
            return coordination.judge(coordinator)

        yield judge


def test_a_redis_of_which_nothing_is_to_be_said(judged_redis: Any) -> None:
    """By TLS, with a timeout, on disk, and dropping nothing; three of a cluster are as good as one."""
    assert {"coordinator_ready": "ok"} == levels(judged_redis())
    assert {"coordinator_ready": "ok"} == levels(judged_redis(servers=(SERVER, SERVER, SERVER)))


@pytest.mark.parametrize(
    ("changes", "code", "level", "told"),
    [
        ({"server": {"policy": "allkeys-lru"}}, "coordinator_evicts", "warning", "(allkeys-lru)"),
        ({"server": {"policy": "volatile-ttl"}}, "coordinator_evicts", "warning", "(volatile-ttl)"),
        ({"server": {"version": (6, 0, 16)}}, "coordinator_old", "warning", "6.0.16"),
        ({"server": {"is_replica": True}}, "coordinator_read_only", "error", "replica"),
        ({"server": {"is_kept": False}}, "coordinator_not_kept", "note", "keeps nothing on disk"),
        ({"servers": ()}, "coordinator_silent", "note", "neither its version nor its settings"),
        ({"is_encrypted": False}, "coordinator_in_clear", "warning", "and the password is sent"),
        ({"is_encrypted": False, "has_password": False}, "coordinator_in_clear", "note", "is not encrypted. Sessions"),
        ({"has_timeout": False}, "coordinator_without_timeout", "warning", "for ever"),
        ({"ahead": 5.2}, "coordinator_clock", "warning", "5 seconds ahead of"),
        ({"ahead": -90.0}, "coordinator_clock", "warning", "90 seconds behind"),
        ({"problem": "TimeoutError", "servers": ()}, "coordinator_unreachable", "error", "TimeoutError"),
    ],
)
def test_what_is_wrong_with_a_redis(judged_redis: Any, changes: Any, code: str, level: str, told: str) -> None:
    """Each by itself; it is ready unless there is an error."""
    found = {finding.code: finding for finding in judged_redis(**changes)}
    assert {code, "coordinator_ready"} - ({"coordinator_ready"} if level == "error" else set()) == set(found)
    assert (level, True) == (found[code].level, told in found[code].what)
    assert found[code].fix


@pytest.mark.parametrize(
    "changes",
    [
        {"ahead": 5.0},
        {"ahead": -5.0},
        {"is_here": True, "is_encrypted": False},
        {"server": {"version": (6, 2)}},
        {"server": {"version": (), "policy": "", "is_kept": None}},
    ],
)
def test_what_is_right_or_not_known_is_not_mentioned(judged_redis: Any, changes: Any) -> None:
    """Small differences of clocks, plain text within a machine, and what a server does not say."""
    assert {"coordinator_ready": "ok"} == levels(judged_redis(**changes))


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ("AuthenticationError", "the user and the password"),
        ("NoPermissionError", "+evalsha"),
        ("ResponseError", "+evalsha"),
        ("TimeoutError", "firewall"),
        ("ConnectionError", "is it running"),
        ("MaxConnectionsError", "is it running"),
    ],
)
def test_each_problem_has_its_own_advice(judged_redis: Any, problem: str, told: str) -> None:
    """By the kind of error."""
    assert told in judged_redis(problem=problem, servers=())[0].fix


# Several applications.


@pytest.mark.parametrize(
    ("url", "domain", "is_said"),
    [
        ("sqlite:", "example.com", True),
        ("sqlite:///shared.db", "example.com", True),
        ("sqlite:", None, False),
        ("sqlite:////{}/shared.db", "example.com", False),
        ("memory:", "example.com", False),
    ],
)
def test_a_file_of_one_application_is_not_shared(tmp_path: Path, url: str, domain: str | None, is_said: bool) -> None:
    """Where the session may be: another application would renew it a second time."""
    app = make_app(tmp_path, url.format(str(tmp_path).lstrip("/")), domain=domain)
    assert is_said is ("coordinator_per_application" in of_coordinator(app))
