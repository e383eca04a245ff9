"""The Redis: what is sent how often, whatever the client, and that no fault is anything but CoordinatorUnavailable."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from sealed_session import UsageTypeError
from sealed_session.refresh import redis as module
from sealed_session.refresh.coordinator import CoordinatorUnavailable
from sealed_session.refresh.redis import RedisCoordinator

from .children import AN_HOUR, in_child
from .redis_server import RedisServer, free_port, needs_redis

NOBODY = "redis://user:hunter2@127.0.0.1:{}/0"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis."""
    with RedisServer() as running:
        yield running


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    """A client of the test's own, and an empty Redis."""
    with redis.Redis.from_url(server.url) as made:
        made.flushdb()
        yield made


@pytest.fixture
def handle(server: RedisServer, client: Any) -> Iterator[RedisCoordinator]:
    """A coordinator on the empty Redis."""
    made = RedisCoordinator.from_url(server.url)
    yield made
    made.close()


def works(handle: RedisCoordinator, key: bytes = b"key") -> bool:
    """Tell whether it keeps a value."""
    return (None, True, b"\xff") == (
        handle.read(key).value,
        handle.swap(key, None, b"\xff", AN_HOUR),
        handle.read(key).value,
    )


def fails(step: Callable[[], object]) -> str:
    """Return what a step is refused with: without the place, the password, the key, and the error that holds them."""
    with pytest.raises(CoordinatorUnavailable) as caught:
        step()
    said = str(caught.value)
    assert (None, None) == (caught.value.__context__, caught.value.__cause__)
    assert not any(secret in said for secret in ("hunter2", "127.0.0.1", b"key".hex(), "sock"))
    return said


@needs_redis
class TestCommands:
    """What the server is asked."""

    def test_keys_are_ours_and_end_by_themselves(self, handle: RedisCoordinator, client: Any) -> None:
        """With our prefix, the key as hex text, the value as it is, and a life."""
        assert True is handle.swap(b"\x00key", None, b"\xffvalue", 60_000)
        assert [b"sealed-session:006b6579"] == client.keys("*")
        assert b"\xffvalue" == client.get("sealed-session:006b6579")
        assert 0 < client.pttl("sealed-session:006b6579") <= 60_000

    def test_the_prefix_can_be_chosen(self, server: RedisServer, client: Any) -> None:
        """Two applications in one Redis need not know of each other."""
        one, two = (RedisCoordinator.from_url(server.url, prefix=prefix) for prefix in ("one:", "zwölf:"))
        assert works(one)
        assert works(two)
        assert {"one:6b6579", "zwölf:6b6579"} == {key.decode() for key in client.keys("*")}
        assert "<RedisCoordinator, prefix 'one:'>" == repr(one)
        one.close()
        two.close()

    def test_a_server_that_forgot_the_scripts_is_sent_them(self, handle: RedisCoordinator, client: Any) -> None:
        """Both of them; and it knows them by their hashes afterwards."""
        client.script_flush()
        assert works(handle)
        client.config_resetstat()
        assert True is handle.swap(b"other", None, b"", AN_HOUR)
        assert None is handle.read(b"third").value
        assert {"cmdstat_evalsha"} == {name for name in client.info("commandstats") if "eval" in name}

    def test_a_full_server_can_be_read(self, handle: RedisCoordinator, client: Any) -> None:
        """A swap is unavailable, what is there is still found."""
        handle.swap(b"key", None, b"value", AN_HOUR)
        client.config_set("maxmemory", 1)
        try:
            assert "Redis: OutOfMemoryError." == fails(lambda: handle.swap(b"other", None, b"", AN_HOUR))
            assert b"value" == handle.read(b"key").value
        finally:
            client.config_set("maxmemory", 0)

    def test_a_key_that_holds_something_else(self, handle: RedisCoordinator, client: Any) -> None:
        """Unavailable, and nothing else."""
        client.lpush("sealed-session:6b6579", "somebody's")
        assert "Redis: ResponseError." == fails(lambda: handle.read(b"key"))
        assert "Redis: ResponseError." == fails(lambda: handle.swap(b"key", None, b"", AN_HOUR))

    def test_time_does_not_go_back_by_a_little(self, handle: RedisCoordinator) -> None:
        """A replica that takes over may be behind. A clock that somebody set back is followed."""
        times = (10_000, 9_000, 10_001, 5_002, 5_001, 4_000)
        assert [10_000, 10_000, 10_001, 10_001, 5_001, 5_001] == [handle._forward(now) for now in times]


class Between:
    """A proxy before a server, which can lose answers, and counts how often a script was sent."""

    def __init__(self, path: str) -> None:
        self.path, self.losing, self.sent = path, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        """Take one connection after another."""
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(self.path)
                self.pass_on(client, server)

    def pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """Pass questions and answers on, one at a time, until an answer is to be lost."""
        while question := client.recv(65_536):
            self.sent += b"EVAL" in question
            server.sendall(question)
            answer = server.recv(65_536)
            if b"EVAL" in question and self.losing > 0:
                self.losing -= 1
                return
            client.sendall(answer)

    def __enter__(self) -> Between:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@needs_redis
class TestLostAnswers:
    """What is sent again, and what is not."""

    @pytest.mark.parametrize("own", [True, False])
    def test_a_swap_is_sent_once(self, server: RedisServer, client: Any, own: bool) -> None:
        """It was done, and nobody knows: sent again it would be refused, our own value taken for another's."""
        with Between(f"{server.folder}/redis.sock") as between:
            retrying = redis.Redis.from_url(between.url, retry=Retry(NoBackoff(), 3), protocol=2)
            handle = RedisCoordinator.from_url(between.url) if own else RedisCoordinator(retrying)
            assert None is handle.read(b"key").value
            handle.swap(b"other", None, b"", AN_HOUR)
            between.losing, before = 1, between.sent
            assert "Redis: ConnectionError." == fails(lambda: handle.swap(b"key", None, b"value", AN_HOUR))
            assert (before + 1, b"value") == (between.sent, client.get("sealed-session:6b6579"))
            assert b"value" == handle.read(b"key").value
            handle.close()
            retrying.close()

    def test_reading_is_tried_twice(self, server: RedisServer, client: Any) -> None:
        """And not three times."""
        with Between(f"{server.folder}/redis.sock") as between:
            handle = RedisCoordinator.from_url(between.url)
            assert None is handle.read(b"key").value
            between.losing = 1
            assert None is handle.read(b"key").value
            between.losing, before = 5, between.sent
            assert "Redis: ConnectionError." == fails(lambda: handle.read(b"key"))
            assert before + 2 == between.sent
            handle.close()

    def test_an_answer_that_nobody_waited_for_is_not_the_next_ones(
        self, handle: RedisCoordinator, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever is interrupted gives the connection up."""
        assert works(handle)

        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(redis.UnixDomainSocketConnection, "read_response", interrupted)
            with pytest.raises(KeyboardInterrupt):
                handle.read(b"key")
        assert [None] == [one._sock for one in handle._pool._available_connections]
        assert None is handle.read(b"other").value


class TestNoServer:
    """A Redis that is not there, or not well."""

    def test_nobody_listens(self) -> None:
        """Nothing is connected before the first use, which is unavailable."""
        handle = RedisCoordinator.from_url(NOBODY.format(free_port()))
        assert "Redis: ConnectionError." == fails(lambda: handle.read(b"key"))
        assert "Redis: ConnectionError." == fails(lambda: handle.swap(b"key", None, b"", AN_HOUR))
        handle.close()

    def test_nobody_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is waited for once: a second time would take as long again."""
        monkeypatch.setattr(module, "_TIMEOUT", 0.05)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = NOBODY.format(listener.getsockname()[1]).replace("user:hunter2@", "")
            handle = RedisCoordinator.from_url(url)
            assert "Redis: TimeoutError." == fails(lambda: handle.read(b"key"))
            assert "Redis: TimeoutError." == fails(lambda: handle.swap(b"key", None, b"", AN_HOUR))
            handle.close()

    def test_its_timeouts_are_short(self) -> None:
        """A second each, unless the URL says otherwise."""
        waits = []
        for url in ("redis://host", "redis://host?socket_timeout=3"):
            kwargs = RedisCoordinator.from_url(url)._client.connection_pool.connection_kwargs
            waits.append((kwargs["socket_connect_timeout"], kwargs["socket_timeout"]))
        assert [(1.0, 1.0), (1.0, 3.0)] == waits

    @needs_redis
    def test_a_wrong_password(self, server: RedisServer) -> None:
        """Unavailable, and the password in no message."""
        handle = RedisCoordinator.from_url(f"{server.url}?username=user&password=hunter2")
        assert "Error." in fails(lambda: handle.read(b"key"))
        assert "hunter2" not in repr(handle)
        handle.close()

    @needs_redis
    def test_a_server_that_was_restarted(self) -> None:
        """The old connections are replaced before anything is sent over them, so a swap is as good as a read."""
        with RedisServer() as server:
            reading, swapping = (RedisCoordinator.from_url(server.url) for _ in range(2))
            assert works(reading)
            assert works(swapping, b"other")
            server.stop()
            assert "Redis: ConnectionError." == fails(lambda: reading.read(b"key"))
            server.start()
            assert None is reading.read(b"key").value
            assert True is swapping.swap(b"other", None, b"value", AN_HOUR)
            reading.close()
            swapping.close()


@needs_redis
class TestClients:
    """Clients that somebody brings."""

    def test_one_that_decodes_and_speaks_the_newer_protocol(self, server: RedisServer, client: Any) -> None:
        """Values are bytes all the same."""
        with redis.Redis.from_url(server.url, decode_responses=True, protocol=3) as theirs:
            assert works(RedisCoordinator(theirs))

    def test_a_blocking_pool(self, server: RedisServer, client: Any) -> None:
        """Every connection is given back, whatever came of it."""
        pool = redis.BlockingConnectionPool.from_url(server.url, max_connections=1, timeout=1)
        with contextlib.closing(redis.Redis(connection_pool=pool)) as theirs:
            handle = RedisCoordinator(theirs)
            client.lpush("sealed-session:" + b"list".hex(), "x")
            for _ in range(3):
                assert "Redis: ResponseError." == fails(lambda: handle.read(b"list"))
            assert works(handle)
            pool.disconnect()

    def test_a_cluster(self) -> None:
        """Found by key, one key at a time, and closed with its coordinator; a node that is gone is unavailable."""
        port = free_port()
        options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
        with RedisServer(*options, port=port) as server:
            with redis.Redis(port=port) as node:
                node.execute_command("CLUSTER ADDSLOTSRANGE 0 16383")
                while node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                    pass
            theirs = redis.RedisCluster(host="127.0.0.1", port=port, decode_responses=True)
            handle = RedisCoordinator(theirs)
            assert all(works(handle, b"key %d" % number) for number in range(20))
            with contextlib.closing(handle):
                server.stop()
                assert fails(lambda: handle.swap(b"key", None, b"", AN_HOUR))

    def test_a_sentinel(self) -> None:
        """Whoever is the master is asked."""
        with RedisServer(port=free_port()) as server:
            port = free_port()
            configuration = f"{server.folder}/sentinel.conf"
            with open(configuration, "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(f"sentinel monitor ours 127.0.0.1 {server.port} 1\n")
            with RedisServer(configuration, "--sentinel", port=port, ready=b"+monitor"):
                sentinel: Any = cast(Any, redis.Sentinel)([("127.0.0.1", port)])
                with contextlib.closing(sentinel.master_for("ours")) as theirs:
                    assert works(RedisCoordinator(theirs))
                for one in sentinel.sentinels:
                    one.close()

    def test_a_child_opens_connections_of_its_own(self, handle: RedisCoordinator, client: Any) -> None:
        """And its parent goes on with those it has."""
        assert works(handle)

        def in_the_child() -> list[object]:
            inherited = handle._pool
            before = list(inherited._available_connections)
            answer = handle.read(b"key").value
            return [answer, len(before), [one for one in inherited._available_connections if one in before]]

        assert [b"\xff", 1, []] == in_child(in_the_child)
        assert b"\xff" == handle.read(b"key").value

    @pytest.mark.parametrize("other", [None, "redis://host", redis.asyncio.Redis()])
    def test_another_client_is_refused(self, other: Any) -> None:
        """An asynchronous one would answer with what nobody awaits."""
        with pytest.raises(UsageTypeError, match=r"expected a redis\.Redis or redis\.RedisCluster"):
            RedisCoordinator(other)

    def test_another_prefix_is_refused(self) -> None:
        """By its type."""
        with pytest.raises(UsageTypeError, match="prefix: expected a text"):
            RedisCoordinator(redis.Redis(), prefix=b"x")  # type: ignore[arg-type]


@pytest.mark.parametrize("is_listening", [True, False])
def test_a_ready_client_waits_no_longer_than_a_request(is_listening: bool) -> None:
    """Whatever its own retries and timeouts are: a server that does not answer is out of reach within seconds."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        if is_listening:
            hole.listen()
        coordinator = RedisCoordinator(redis.Redis(port=hole.getsockname()[1]))
        began = time.monotonic()
        with pytest.raises(CoordinatorUnavailable):
            coordinator.read(b"key")
        assert time.monotonic() - began < 3.5
