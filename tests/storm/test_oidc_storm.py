"""Storms against a real OpenID provider that ends the grant of a refresh token which comes twice.

Nothing is made up: people sign in on its pages, access tokens end by the clock, and the provider itself counts.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from sealed_session import KeyRing, Sealer, Session
from tests.refresh.redis_server import RedisServer, needs_redis
from tests.storm.conftest import ACCESS_SECONDS, CLIENTS
from tests.storm.oidc_application import environment
from tests.storm.oidc_server import Provider, fingerprint
from tests.storm.oidc_sign_in import sign_in
from tests.storm.workers import REQUESTS, get, gunicorn, storm

APPLICATION = "tests.storm.oidc_application:create_app()"
CLIENT = CLIENTS["basic"]
STRAGGLERS = 8

needs_gevent = pytest.mark.skipif(
    find_spec("gevent") is None and not os.environ.get("CI"), reason="gevent is not installed"
)


def wait_for_the_end(session: Session) -> None:
    """Let the access token end: a matter of the clock alone."""
    deadline = time.monotonic() + ACCESS_SECONDS + 5
    while time.time() <= (session.access_expires_at or 0):
        assert time.monotonic() < deadline, "its access token lives longer than it should"
        threading.Event().wait(0.02)


class Story:
    """One person's session, and what the provider saw of it.

    Attributes:
        cookies: Every cookie that the person had, the newest last.
    """

    def __init__(self, provider: Provider, password: str) -> None:
        """Sign in."""
        self._provider = provider
        self._sealer = Sealer(KeyRing(password))
        self.session = sign_in(provider, CLIENT)
        self.cookies = [self._sealer.seal(self.session)]
        self._seen = len(provider.calls())

    def rotate_in_a_storm(self, ports: list[int], processes: int) -> None:
        """Let everybody come at once with the newest cookie, whose access token has ended. All go on with another."""
        wait_for_the_end(self.session)
        before = self.session.refresh_token
        answers = storm(ports, self.cookies[-1])
        assert [200] * REQUESTS == [answer.status for answer in answers]
        assert processes <= len({answer.pid for answer in answers})
        opened = [self._sealer.unseal(answer.cookie or "").session for answer in answers]
        assert before not in {session.refresh_token for session in opened}
        assert 1 == self.calls()[fingerprint(before)]
        self._go_on_with(answers[-1].cookie)

    def rotate_on_demand(self, port: int) -> None:
        """Rotate at once, which works only while the grant is alive."""
        answer = get(port, self.cookies[-1], "/renew")
        assert 200 == answer.status
        self._go_on_with(answer.cookie)

    def straggle(self, ports: list[int]) -> None:
        """Come with every cookie there ever was, several at once."""
        for cookie in self.cookies:
            assert [200] * STRAGGLERS == [answer.status for answer in storm(ports, cookie, STRAGGLERS)]

    def calls(self) -> Counter[str | None]:
        """Return how often each refresh token came; none came twice, and none was refused."""
        calls = self._provider.calls()[self._seen :]
        assert {("refresh_token", 200, None)} == {(call.grant, call.status, call.error) for call in calls}
        counted = Counter(call.refresh for call in calls)
        assert {1} == set(counted.values())
        return counted

    def _go_on_with(self, cookie: str | None) -> None:
        assert cookie is not None
        self.cookies.append(cookie)
        self.session = self._sealer.unseal(cookie).session


def settings(provider: Provider, password: str, folder: Path) -> dict[str, str]:
    """Return the environment of an application: nothing is configured but a password, and no patience with clocks."""
    own = {"FLASK_SEALED_SESSION_PASSWORD": password, "FLASK_SEALED_SESSION_CLOCK_SKEW": "0"}
    return {**environment(provider, CLIENT), **own, "STORM_FOLDER": str(folder)}


def see(ports: list[int], story: Story, storms: int = 1) -> None:
    """Rotate and straggle: by the clock so many times, and once more on demand. Then the grant is still alive."""
    for _ in range(storms):
        story.rotate_in_a_storm(ports, processes=2)
        story.straggle(ports)
    story.rotate_on_demand(ports[0])
    story.straggle(ports)
    story.rotate_on_demand(ports[-1])
    assert storms + 2 <= len(story.calls())


def test_four_workers_on_sqlite(oidc: Provider, password: str, tmp_path: Path) -> None:
    """Gunicorn with 4 workers and threads: of 50 requests one asks, also when the successor has ended in turn."""
    story = Story(oidc, password)
    with gunicorn(settings(oidc, password, tmp_path), workers=4, application=APPLICATION) as port:
        see([port], story, storms=2)


def test_workers_that_share_a_loaded_application(oidc: Provider, password: str, tmp_path: Path) -> None:
    """With --preload the application is built once, before the workers are forked off."""
    story = Story(oidc, password)
    with gunicorn(settings(oidc, password, tmp_path), "--preload", workers=4, application=APPLICATION) as port:
        see([port], story)


@needs_gevent
def test_greenlets_on_sqlite(oidc: Provider, password: str, tmp_path: Path) -> None:
    """Workers that serve every request in a greenlet."""
    story = Story(oidc, password)
    with gunicorn(settings(oidc, password, tmp_path), workers=2, kind="gevent", application=APPLICATION) as port:
        see([port], story)


@needs_redis
def test_two_instances_on_redis(oidc: Provider, password: str, tmp_path: Path) -> None:
    """Two applications of their own, as on two machines, which share a password and a redis-server."""
    story = Story(oidc, password)
    with ExitStack() as stack:
        shared = {"FLASK_SEALED_SESSION_COORDINATOR_URL": stack.enter_context(RedisServer()).url}
        ports = []
        for name in ("one", "two"):
            given = settings(oidc, password, tmp_path / name) | shared
            ports.append(stack.enter_context(gunicorn(given, workers=1, application=APPLICATION)))
        see(ports, story)
