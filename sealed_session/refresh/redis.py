"""A coordinator in Redis or Valkey: for any number of machines.

Two scripts, each about one key, so a cluster needs no hash tags: one reads, one compares and sets. Time is the server's
own clock, which its administrator is expected to slew and not to set. Values are lost with a server that keeps nothing
on disk, and a failover may lose the last ones.

Sources: redis.io/docs: EVALSHA, SET, TIME; redis-py 5.2 and newer.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..arguments import wrong_type
from ..errors import UsageError
from .coordinator import CoordinatorUnavailable, Reading

T = TypeVar("T")

PREFIX = "sealed-session:"

_TIMEOUT = 1.0
"""Seconds to connect, and to wait for an answer; several fit into the patience of a request."""

_LONGEST_TIMEOUT = 2.0
"""Of a client that was given. By default redis-py waits for as long as a request does for everything."""

_CLOCKS_DIFFER = 5_000
"""Milliseconds by which the time of a server that took over may be behind, without our time going back. By more,
somebody has set a clock, and to stand still until it is where it was would keep every claim alive."""


_COMMAND = inspect.signature(redis.ConnectionPool.get_connection).parameters["command_name"]
_NAMED = ("EVALSHA",) if _COMMAND.default is inspect.Parameter.empty else ()
"""What a pool must be told to give a connection: redis-py 5.2 asks for a command, and later ones warn of it."""


class _Script:
    """A script that the server knows by its hash, or is sent."""

    def __init__(self, text: str) -> None:
        self.text = text.encode()
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest().encode()


_READ = _Script("return {redis.call('GET', KEYS[1]), redis.call('TIME')}")
_SWAP = _Script(
    "if redis.call('GET', KEYS[1]) ~= (ARGV[3] or false) then return 0 end "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1"
)


class RedisCoordinator:
    """Holds values in a Redis. Safe to share between threads and greenlets, and safe to fork: redis-py's pools are.

    Nothing is connected before the first use. A swap is sent once: an answer that is lost leaves open what came of it,
    and to send it again would call our own value somebody else's. So a client's own retries are passed by, and its
    timeouts are shortened to 2 s. A cluster's client connects as it likes: give it short timeouts and no retries.
    """

    def __init__(self, client: Any, *, prefix: str = PREFIX) -> None:
        """Use a client.

        Args:
            client: A ``redis.Redis``, also a Sentinel's ``master_for``, or a ``redis.RedisCluster``. It stays yours.
            prefix: What our keys begin with.

        Raises:
            UsageTypeError: It is another client, an asynchronous one for example, or the prefix is not a text.
        """
        if not isinstance(client, redis.Redis | redis.RedisCluster):
            raise wrong_type("client", "a redis.Redis or redis.RedisCluster", client)
        if type(prefix) is not str:
            raise wrong_type("prefix", "a text (str)", prefix)
        self._client: Any = client
        self._pool: Any = None if isinstance(client, redis.RedisCluster) else _own_pool(client.connection_pool)
        self._prefix = prefix.encode()
        self._latest = 0

    @classmethod
    def from_url(cls, url: str, *, prefix: str = PREFIX) -> RedisCoordinator:
        """Use a client of our own, with short timeouts and no retries, unless the URL's query says otherwise.

        Args:
            url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py takes it.
            prefix: What our keys begin with.

        Raises:
            UsageError: redis-py makes nothing of it (``coordinator_url``).
        """
        try:
            client = redis.Redis.from_url(
                url,
                socket_connect_timeout=_TIMEOUT,
                socket_timeout=_TIMEOUT,
                retry=Retry(NoBackoff(), 0),
                protocol=2,  # the older one has all we need, and takes one question less to begin with
            )
            pool = client.connection_pool
            pool.connection_class(**pool.connection_kwargs)  # connects nothing, and refuses options that there are not
        except Exception as error:  # whatever a wrong URL makes redis-py raise, often with the URL in it
            problem = type(error).__name__
        else:
            return cls(client, prefix=prefix)
        raise UsageError(
            f"the URL of the coordinator is not one that redis-py takes ({problem}).",
            fix="Write redis://user:password@host:6379/0, rediss:// for TLS, or unix:///path/to/socket?db=0.",
            code="coordinator_url",
        )

    def read(self, key: bytes) -> Reading:
        """Return what is there.

        Raises:
            CoordinatorUnavailable: It cannot be asked.
        """

        def step() -> Reading:
            try:
                answer = self._run(_READ, key)
            except redis.ConnectionError:  # the server was restarted; reading twice does no harm
                answer = self._run(_READ, key)
            value, (seconds, microseconds) = answer
            return Reading(value, self._forward(int(seconds) * 1000 + int(microseconds) // 1000))

        return _translated(step)

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Put a value in another's place, if that is still there; as ``Coordinator.swap``."""
        expected = () if old is None else (old,)
        return _translated(lambda: bool(self._run(_SWAP, key, new, lives, *expected) == 1))

    def close(self) -> None:
        """Close the connections. The next use opens them anew."""
        with contextlib.suppress(Exception):
            if self._pool is None:
                self._client.close()
            else:
                self._pool.disconnect()

    def __repr__(self) -> str:
        return f"<RedisCoordinator, prefix {self._prefix.decode()!r}>"

    def _forward(self, now: int) -> int:
        """Return the server's time, not before what it was: a replica's clock may be a little behind its master's."""
        if not now < self._latest < now + _CLOCKS_DIFFER:
            self._latest = now
        return self._latest

    def _run(self, script: _Script, key: bytes, *arguments: bytes | int) -> Any:
        name = self._prefix + key.hex().encode()
        try:
            return self._send(name, "EVALSHA", script.sha, 1, name, *arguments)
        except redis.exceptions.NoScriptError:  # a server that was started since; it has done nothing yet
            return self._send(name, "EVAL", script.text, 1, name, *arguments)

    def _send(self, name: bytes, *command: str | bytes | int) -> Any:
        """Send a command once, and return the answer in bytes, whatever the client decodes by itself."""
        if isinstance(self._client, redis.RedisCluster):
            # With a node that is named it retries nothing, but still follows a slot that has moved.
            cluster: Any = self._client
            node = cluster.get_node_from_key(name)
            return cluster.execute_command(*command, target_nodes=node, NEVER_DECODE=True)
        pool = self._pool
        connection = pool.get_connection(*_NAMED)  # connects, and replaces what a restart has cut
        try:
            connection.send_command(*command)
            return connection.read_response(disable_decoding=True)
        except redis.exceptions.ResponseError:
            raise
        except BaseException:
            connection.disconnect()  # its answer must not be taken for the next one's
            raise
        finally:
            pool.release(connection)


def _own_pool(pool: Any) -> Any:
    """Return a pool like a client's, whose connections are ours: not retried, and with timeouts that are short.

    A client's own pool connects with the client's retries, which by default take longer than any request waits.
    """
    given = pool.connection_kwargs
    ours = copy.copy(pool)
    ours.connection_kwargs = {
        **given,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": min(given.get("socket_timeout") or _TIMEOUT, _LONGEST_TIMEOUT),
        "socket_connect_timeout": min(given.get("socket_connect_timeout") or _TIMEOUT, _LONGEST_TIMEOUT),
    }
    ours._lock, ours._fork_lock = threading.RLock(), threading.RLock()
    ours._available_connections, ours._in_use_connections = [], set()
    ours._created_connections = 0
    return ours


def _translated(step: Callable[[], T]) -> T:
    """Turn whatever a client raises into CoordinatorUnavailable naming its kind alone: messages hold hosts and keys."""
    try:
        return step()
    except Exception as error:
        problem = type(error).__name__
    raise CoordinatorUnavailable(f"Redis: {problem}.")
