"""What a Redis says of itself and of the way to it. A real one is asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
import redis

from sealed_session.refresh import redis_health
from sealed_session.refresh.redis import RedisCoordinator
from sealed_session.refresh.redis_health import RedisFacts, Server
from tests.refresh.redis_server import RedisServer, free_port, needs_redis


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A server for the tests of this file, on a port and on a socket."""
    with RedisServer(port=free_port()) as running:
        yield running


def facts(url: str, **options: Any) -> RedisFacts:
    """What is so about a Redis, by a client of ours."""
    with contextlib.closing(RedisCoordinator.from_url(url, **options)) as coordinator:
        return redis_health.facts(coordinator)


def said(server: RedisServer) -> Server:
    """What the one server says."""
    (one,) = facts(server.url).servers
    return one


@needs_redis
def test_a_server_as_tests_start_it(server: RedisServer) -> None:
    """New enough, drops nothing, is nobody's replica, keeps nothing; by loopback, in clear, with a timeout."""
    found = facts(server.url)
    assert abs(found.ahead) < 1
    (one,) = found.servers
    assert one.version >= (6, 2)
    expected = RedisFacts(f"127.0.0.1:{server.port}", "", 0, True, False, False, True, (one,))
    assert expected == replace(found, ahead=0)
    assert Server(one.version, "noeviction", is_replica=False, is_kept=False) == one


@needs_redis
def test_to_look_changes_nothing(server: RedisServer) -> None:
    """No key is there afterwards that was not there before."""
    with redis.Redis(port=server.port) as client:
        client.flushdb()  # the test's own server
        facts(server.url)
        assert 0 == client.dbsize()


@needs_redis
def test_settings_are_seen(server: RedisServer) -> None:
    """What it drops, and whether it keeps anything: snapshots or the log, either is enough."""
    with redis.Redis(port=server.port) as client:
        client.config_set("maxmemory-policy", "volatile-ttl")
        client.config_set("save", "3600 1")
        assert ("volatile-ttl", True) == (said(server).policy, said(server).is_kept)
        client.config_set("save", "")
        client.config_set("appendonly", "yes")
        assert said(server).is_kept
        client.config_set("appendonly", "no")
        client.config_set("maxmemory-policy", "noeviction")
        client.replicaof("127.0.0.1", free_port())
        assert said(server).is_replica
        client.replicaof("NO", "ONE")
        assert not said(server).is_replica


@needs_redis
def test_a_socket_is_this_machine(server: RedisServer) -> None:
    """With its path for a place."""
    found = facts(f"unix://{server.folder}/redis.sock")
    assert (f"{server.folder}/redis.sock", True, "") == (found.place, found.is_here, found.problem)


@needs_redis
def test_a_user_who_may_do_no_more_than_needed(server: RedisServer) -> None:
    """Can be the coordinator's; the server then says nothing of itself, or not whether it keeps anything."""
    needed = ("on", ">test-password", "~sealed-session:*", "+eval", "+evalsha", "+get", "+set", "+time")
    with redis.Redis(port=server.port) as client:
        client.execute_command("ACL", "SETUSER", "app", *needed)
        url = f"redis://app:test-password@127.0.0.1:{server.port}"
        found = facts(url)
        assert ("", True, ()) == (found.problem, found.has_password, found.servers)
        assert "test-password" not in repr(found)
        client.execute_command("ACL", "SETUSER", "app", "+info")
        (one,) = facts(url).servers
        assert ("noeviction", None) == (one.policy, one.is_kept)
        client.execute_command("ACL", "SETUSER", "app", "-get")
        found = facts(url)
        assert found.problem in ("ResponseError", "NoPermissionError")
        assert () == found.servers
        client.execute_command("ACL", "DELUSER", "app")


@needs_redis
def test_a_wrong_password(server: RedisServer) -> None:
    """Is named by its kind, and not shown."""
    found = facts(f"redis://user:test-password@127.0.0.1:{server.port}")
    assert ("AuthenticationError", 0, ()) == (found.problem, found.ahead, found.servers)
    assert "test-password" not in repr(found)


def test_nobody_there() -> None:
    """What is known of the way is known all the same."""
    found = facts(f"rediss://10.255.255.1.invalid:{free_port()}?socket_timeout=1")
    assert ("ConnectionError", True, False) == (found.problem, found.is_encrypted, found.is_here)


@pytest.mark.parametrize(("host", "here"), [("localhost", True), ("127.0.0.9", True), ("[::1]", True)])
def test_names_of_this_machine(host: str, here: bool) -> None:
    """Loopback, by its names."""
    assert here == facts(f"redis://{host}:{free_port()}").is_here


@needs_redis
def test_a_clock_that_differs(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the time that the coordinator works with."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 60)
    assert 59 < facts(server.url).ahead < 61


@needs_redis
def test_a_client_without_a_timeout(server: RedisServer) -> None:
    """Somebody's own, which decodes."""
    with redis.Redis(port=server.port, socket_timeout=None, decode_responses=True) as client:
        found = redis_health.facts(RedisCoordinator(client))
        assert (False, "noeviction") == (found.has_timeout, found.servers[0].policy)


@needs_redis
def test_a_server_that_answers_something_else(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is one that says nothing, or not everything."""
    monkeypatch.setattr(redis.Redis, "info", lambda _self: {"redis_version": "7.x.1-beta"})
    assert ((7,), "") == (said(server).version, said(server).policy)
    monkeypatch.setattr(redis.Redis, "info", lambda _self: [])
    assert () == facts(server.url).servers


@needs_redis
def test_a_cluster() -> None:
    """Each of its servers is asked what it is."""
    port = free_port()
    with RedisServer("--cluster-enabled", "yes", "--cluster-port", str(free_port()), port=port):
        with redis.Redis(port=port) as node:
            node.execute_command("CLUSTER ADDSLOTSRANGE 0 16383")
            while node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                pass
        client = redis.RedisCluster(host="127.0.0.1", port=port)
        with contextlib.closing(RedisCoordinator(client)) as coordinator:
            found = redis_health.facts(coordinator)
            assert (f"127.0.0.1:{port}", "", True) == (found.place, found.problem, found.is_here)
            (one,) = found.servers
            cast(Any, client).info = lambda **_options: {"a": {"role": "master"}, "b": {"role": "slave"}}
            found = redis_health.facts(coordinator)
    assert [False, True] == [each.is_replica for each in found.servers]
    assert (one.policy, ()) == ("noeviction", found.servers[0].version)


@needs_redis
def test_a_sentinel(server: RedisServer) -> None:
    """The master is asked, and nobody knows beforehand where it is."""
    port = free_port()
    configuration = f"{server.folder}/sentinel.conf"
    with open(configuration, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(f"sentinel monitor ours 127.0.0.1 {server.port} 1\n")
    with RedisServer(configuration, "--sentinel", port=port, ready=b"+monitor"):
        sentinel: Any = cast(Any, redis.Sentinel)([("127.0.0.1", port)])
        with contextlib.closing(sentinel.master_for("ours")) as client:
            found = redis_health.facts(RedisCoordinator(client))
        for one in sentinel.sentinels:
            one.close()
    assert ("the master that a Sentinel names", "", False) == (found.place, found.problem, found.is_here)
