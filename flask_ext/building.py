"""From what ``SealedSession`` was given and what one application is set to, to that application's state."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from sealed_session import Sealer, UsageError
from sealed_session.arguments import wrong_type
from sealed_session.counters import Counters
from sealed_session.login_state import LoginStateSealer
from sealed_session.providers import Provider
from sealed_session.providers.minting import MintingProvider
from sealed_session.refresh import Ledger, Refresher, is_due
from sealed_session.refresh.coordinator import Coordinator
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.opening import open_coordinator
from sealed_session.refresh.shared import SharedCoordinator
from sealed_session.refresh.tombstones import Tombstones
from sealed_session.transports import BearerHeader
from sealed_session.transports import Transport as Described

from . import transports, verifiers
from .companions import EagerToken
from .config import Config
from .ending import Ending
from .minting import MintedCookies
from .settings import DEFAULT_COORDINATOR
from .state import AppState, Callbacks, Clock
from .verifiers import Verifier
from .verifying import Verifying

_REMOTE = ("redis://", "rediss://", "unix://")


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What the extension object holds for all of its applications."""

    provider: Provider | None
    verifier: Verifier | None
    coordinator: Coordinator | None
    clock: Clock | None
    callbacks: Callbacks
    transports: tuple[Described, ...] | None = None
    minting: tuple[MintingProvider, ...] = ()

    def now(self) -> float:
        """Return the time, Unix seconds."""
        return time.time() if self.clock is None else self.clock()


def build(
    given: Collaborators, config: Config, instance_path: str, *, described: tuple[Described, ...] = transports.DEFAULT
) -> AppState:
    """Make the state of one application. Nothing is connected or fetched yet.

    Args:
        given: What the extension object holds.
        config: What the application is set to.
        instance_path: The application's folder.
        described: Its transports.
    """
    eager = () if config.eager is None else (EagerToken(config.eager),)
    callbacks, counters = given.callbacks, Counters()
    callbacks.has_user_fields |= config.user_fields is not None
    sealer = Sealer(
        config.ring,
        name=config.cookie.name,
        absolute_lifetime=config.absolute_lifetime,
        user_fields=config.user_fields,
        trimmer=callbacks.trim if config.user_fields is None else None,
        max_bytes=config.max_cookie_bytes,
        warn_bytes=config.size_warn_bytes,
        clock=given.clock,
    )
    verifier = verifiers.choose(given.verifier, given.provider, config, given.clock)
    records = _records(given, config, instance_path, counters)
    return AppState(
        config=config,
        sealer=sealer,
        login_states=LoginStateSealer(config.ring, clock=given.clock),
        provider=given.provider,
        refresher=records.refresher,
        ending=Ending(given.provider, records.refresher, records.tombstones, config, now=given.now, counters=counters),
        coordinators=records.coordinators,
        verifying=Verifying(verifier, counters, subject_field=getattr(given.provider, "subject_field", None)),
        counters=counters,
        transports=transports.build(described, given.provider, secure=config.cookie.secure),
        companions=(*eager, *(MintedCookies(one, secure=config.cookie.secure) for one in given.minting)),
        clock=given.clock,
        callbacks=callbacks,
        takes_bearer=any(isinstance(one, BearerHeader) for one in described),
    )


def as_coordinator(given: Any) -> Coordinator | None:
    """Return a coordinator as it is, and a client of redis-py wrapped. redis is loaded for one of those only.

    Raises:
        UsageTypeError: Neither; an asynchronous client, for example.
    """
    if any(base.__module__.partition(".")[0] == "redis" for base in type(given).__mro__):
        from sealed_session.refresh.redis import RedisCoordinator

        return RedisCoordinator(given)
    can = not isinstance(given, type) and all(callable(getattr(given, name, None)) for name in ("read", "swap"))
    if given is None or can:
        return given  # type: ignore[no-any-return]
    raise wrong_type("coordinator", "a coordinator, or a client of redis-py", given)


class _Records(NamedTuple):
    """Who refreshes, the record of what has ended, and where both stand. Without anybody who would look, nothing."""

    refresher: Refresher | None = None
    tombstones: Tombstones | None = None
    coordinators: tuple[Coordinator, ...] = ()


def _records(given: Collaborators, config: Config, instance_path: str, counters: Counters) -> _Records:
    """Return who refreshes, and the record of what has ended. Without a provider there is none of the former."""
    if given.provider is None and config.check_revocation != "always":  # then nobody would look into the record
        return _Records()
    shared = given.coordinator or _open(given, config.coordinator_url, instance_path)
    if given.provider is None:
        name = config.cookie.name
        return _Records(None, Tombstones(SharedCoordinator(shared), lambda: f"no provider, cookie {name}"), (shared,))
    host = _of_host(given, config.coordinator_url, instance_path)
    ledger = Ledger(
        given.provider,
        shared,
        _memory(given),
        clock=given.now,
        grace=config.refresh_grace,
        host=host,
        counters=counters,
    )
    early = config.refresh_early
    refresher = Refresher(
        given.provider, ledger, is_due=lambda session: is_due(session, given.now(), early), counters=counters
    )
    return _Records(refresher, ledger.tombstones, (shared,) if host is None else (shared, host))


def _open(given: Collaborators, url: str, instance_path: str) -> Coordinator:
    if url == "memory:" or (given.clock is not None and url == DEFAULT_COORDINATOR):
        return _memory(given)
    return open_coordinator(url, instance_path=instance_path)


def _of_host(given: Collaborators, url: str, instance_path: str) -> Coordinator | None:
    """Return what the processes of this machine share while a Redis is out of reach; None beside anything else."""
    is_remote = url.startswith(_REMOTE) if given.coordinator is None else _is_redis(given.coordinator)
    if not is_remote:
        return None
    try:
        return open_coordinator(DEFAULT_COORDINATOR, instance_path=instance_path)
    except UsageError:  # a Python without sqlite3: then each process goes on by itself
        return None


def _is_redis(coordinator: Coordinator) -> bool:
    return any(base.__module__ == "sealed_session.refresh.redis" for base in type(coordinator).__mro__)


def _memory(given: Collaborators) -> Coordinator:
    """Return a coordinator of this process, on the clock that was given: a test moves both at once."""
    clock = given.clock
    return MemoryCoordinator() if clock is None else MemoryCoordinator(clock=lambda: int(clock() * 1000))
