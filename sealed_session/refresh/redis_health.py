"""What is so about the Redis of a coordinator: for a diagnosis. It is asked, and nothing in it is changed.

Sources: redis.io/docs: INFO, CONFIG GET, "Key eviction"; valkey.io/topics: the same.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import redis

from .coordinator import CoordinatorUnavailable
from .redis import RedisCoordinator

_PROBE = b"check"
"""A key that is never written: to look for it takes every right that reading takes."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself.

    Attributes:
        version: Of Redis, or of the Redis that a Valkey stands for; empty where it does not say.
        policy: What it removes when its memory is full; empty where it does not say.
        is_replica: Whether it takes no writes.
        is_kept: Whether it keeps anything on disk; None where it does not say.
    """

    version: tuple[int, ...]
    policy: str
    is_replica: bool
    is_kept: bool | None


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """A Redis, and the way to it.

    Attributes:
        place: Host and port, or the socket. Neither user nor password.
        problem: Why it cannot be asked, by the kind of error alone; empty where it can.
        ahead: Seconds by which its clock is ahead of this machine's.
        is_here: Whether nothing leaves this machine on the way.
        is_encrypted: Whether TLS is spoken.
        has_password: Whether the client shows one.
        has_timeout: Whether the client waits for an answer for a limited time.
        servers: Each of a cluster's; none where they do not say anything.
    """

    place: str
    problem: str
    ahead: float
    is_here: bool
    is_encrypted: bool
    has_password: bool
    has_timeout: bool
    servers: tuple[Server, ...]


def facts(coordinator: RedisCoordinator) -> RedisFacts:
    """Ask the Redis of a coordinator. Never raises."""
    pool = _pool(coordinator._client)
    options = pool.connection_kwargs
    problem, ahead = _asked(coordinator)
    return RedisFacts(
        place=_place(options),
        problem=problem,
        ahead=ahead,
        is_here="path" in options or _is_loopback(options.get("host", "")),
        is_encrypted=issubclass(pool.connection_class, redis.SSLConnection),
        has_password=bool(options.get("password") or options.get("credential_provider")),
        has_timeout=options.get("socket_timeout") is not None,
        servers=() if problem else _servers(coordinator._client),
    )


def _pool(client: Any) -> Any:
    """Return the connections of a client; of a cluster's, those to one of its nodes."""
    if isinstance(client, redis.RedisCluster):
        cluster: Any = client
        client = cluster.get_redis_connection(cluster.get_default_node())
    return client.connection_pool


def _place(options: dict[str, Any]) -> str:
    if "path" in options:
        return str(options["path"])
    host = options.get("host")
    return "the master that a Sentinel names" if host is None else f"{host}:{options.get('port', 6379)}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _asked(coordinator: RedisCoordinator) -> tuple[str, float]:
    """Look a key up as the coordinator does; return what went wrong, and how far ahead the server's clock is."""
    before = time.time()
    try:
        now = coordinator.read(_PROBE).now / 1000
    except CoordinatorUnavailable as error:
        return str(error).removeprefix("Redis: ").removesuffix("."), 0
    return "", now - (before + time.time()) / 2


def _servers(client: Any) -> tuple[Server, ...]:
    try:
        told = client.info(target_nodes=client.PRIMARIES) if isinstance(client, redis.RedisCluster) else client.info()
        kept = _saves(client)
        return tuple(_server(info, kept) for info in ([told] if "redis_version" in told else told.values()))
    except Exception:  # a user who may not ask, or a server that answers what nobody expects
        return ()


def _server(info: dict[str, Any], kept: bool | None) -> Server:
    return Server(
        version=tuple(int(part) for part in str(info.get("redis_version", "")).split(".") if part.isdigit()),
        policy=str(info.get("maxmemory_policy", "")),
        is_replica=info.get("role") == "slave",
        is_kept=True if info.get("aof_enabled") else kept,
    )


def _saves(client: Any) -> bool | None:
    """Return whether snapshots are written; None where that is not told: many who offer a Redis hide it."""
    try:
        return bool(client.config_get("save").get("save"))
    except redis.ResponseError:
        return None
