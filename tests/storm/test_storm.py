"""Fifty requests with one expired cookie, over real processes: one call of the provider, and everybody goes on."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from sealed_session import KeyRing, Sealer
from sealed_session.testing import access_token
from tests.refresh.redis_server import RedisServer, needs_redis
from tests.storm.provider import StrictProvider, serving
from tests.storm.workers import REQUESTS, gunicorn, storm


def expired(password: str, provider: StrictProvider) -> tuple[str, str]:
    """A cookie whose access token has ended, and its refresh token."""
    pair = provider.pair(300) | {"access_token": access_token(expires_at=int(time.time()) - 60, sid="session_storm")}
    return Sealer(KeyRing(password)).seal(pair), pair["refresh_token"]


def see(ports: list[int], provider: StrictProvider, password: str, processes: int) -> None:
    """Let two storms pass, each with an expired cookie, and stragglers after it."""
    for _ in range(2):
        cookie, refresh_token = expired(password, provider)
        answers = storm(ports, cookie)
        assert [200] * REQUESTS == [answer.status for answer in answers]
        assert processes <= len({answer.pid for answer in answers})
        assert 1 == provider.calls[refresh_token]
        opened = [Sealer(KeyRing(password)).unseal(answer.cookie).session for answer in answers if answer.cookie]
        assert REQUESTS == len(opened)
        assert 1 == len({session.refresh_token for session in opened})
        assert [200] * 8 == [answer.status for answer in storm(ports, cookie, 8)]
        assert 1 == provider.calls[refresh_token]


def test_four_workers_on_sqlite(password: str, tmp_path: Path) -> None:
    """Gunicorn with 4 workers and threads, with nothing configured but a password."""
    provider = StrictProvider()
    with serving(provider) as address:
        environment = {
            "FLASK_SEALED_SESSION_PASSWORD": password,
            "STORM_PROVIDER": address,
            "STORM_FOLDER": str(tmp_path / "instance"),
        }
        with gunicorn(environment, workers=4) as port:
            see([port], provider, password, processes=2)
    assert 0o600 == (tmp_path / "instance" / "sealed-session.db").stat().st_mode & 0o777


@needs_redis
def test_two_instances_on_redis(password: str, tmp_path: Path) -> None:
    """Two applications of their own, as on two machines, which share a password and a redis-server."""
    provider = StrictProvider()
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        environment = {
            "FLASK_SEALED_SESSION_PASSWORD": password,
            "FLASK_SEALED_SESSION_COORDINATOR_URL": redis.url,
            "STORM_PROVIDER": stack.enter_context(serving(provider)),
        }
        folders = [{"STORM_FOLDER": str(tmp_path / name)} for name in ("one", "two")]
        ports = [stack.enter_context(gunicorn(environment | folder, workers=1)) for folder in folders]
        see(ports, provider, password, processes=2)
    assert not (tmp_path / "one").exists()
