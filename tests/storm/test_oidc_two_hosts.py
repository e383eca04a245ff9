"""The life of a session that two hosts share, over processes of their own: gunicorn, a provider, and a coordinator."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from sealed_session import Session
from tests.programs import needs_node
from tests.refresh.redis_server import RedisServer, needs_redis
from tests.storm import oidc_hosts
from tests.storm.oidc_hosts import APP, BACKCHANNEL, DASHBOARD, HOSTS, NAME, Channel, Relay
from tests.storm.oidc_person import Person
from tests.storm.oidc_server import Provider, fingerprint, running
from tests.storm.workers import gunicorn

pytestmark = needs_node

FIRST_SECONDS, RENEWED_SECONDS = 2, 600
"""Lives of access tokens: of the one that signing in brings, and of those after it."""

LATENCY = 0.2
TABS = 6
WORKERS = 2
"""Processes of each host."""


@contextmanager
def served(provider: Provider, channel: Channel, password: str, coordinator: str, folder: Path) -> Iterator[Person]:
    """Run both applications; return somebody who can reach them. The provider's server reaches the first."""
    settings = oidc_hosts.settings(password, coordinator, CLOCK_SKEW=0)
    with ExitStack() as stack:
        hosts = {}
        for host in HOSTS:
            given = oidc_hosts.environment(host, provider.issuer, settings, folder / host)
            application = "tests.storm.oidc_hosts:create_app()"
            hosts[host] = Relay(stack.enter_context(gunicorn(given, workers=WORKERS, application=application)))
        channel.app = hosts[APP]
        yield Person(hosts, provider, password)


def wait_for_the_end(session: Session) -> None:
    """Let the access token end: a matter of the clock alone."""
    ends, deadline = session.access_expires_at or 0, time.monotonic() + FIRST_SECONDS + 5
    while time.time() <= ends:
        assert time.monotonic() < deadline, "its access token lives longer than it should"
        threading.Event().wait(0.02)


@pytest.mark.row("WO-6")
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("redis", marks=needs_redis)])
def test_WO_6_a_life_over_processes(  # noqa: N802
    kind: str, oidc_packages: Path, password: str, tmp_path: Path
) -> None:
    """In at one, renewed by whoever, switched at the other, ended by the provider, in again, out: at both each time."""
    with ExitStack() as stack:
        channel = stack.enter_context(oidc_hosts.channel())
        clients = [oidc_hosts.client(channel.url)]
        lives = running(
            oidc_packages, clients, access_seconds=FIRST_SECONDS, renewed_seconds=RENEWED_SECONDS, latency=LATENCY
        )
        provider = stack.enter_context(lives)
        coordinator = f"sqlite:///{tmp_path}/db" if kind == "sqlite" else stack.enter_context(RedisServer()).url
        person = stack.enter_context(served(provider, channel, password, coordinator, tmp_path))
        assert "/" == person.come_back(person.begin(APP)).headers["Location"]
        see_one_refresh(person, provider)
        see_a_switch(person)
        person.sign_out_at_provider(DASHBOARD)
        assert [BACKCHANNEL] == channel.paths
        assert ["revoked", "revoked"] == person.reasons()
        see_a_sign_out(person)
        assert [] == person.refused
    said = "".join((tmp_path / host / "log.txt").read_text() for host in HOSTS)
    assert "signed out: revoked" in said
    assert not any(secret in said for secret in person.secrets), "a secret is in a log"


def see_one_refresh(person: Person, provider: Provider) -> None:
    """Come with several tabs to both hosts at once, when the token has ended: one asks, and all go on."""
    before = person.session()
    wait_for_the_end(before)
    answers = person.at_once(*[("GET", f"https://{host}/") for host in HOSTS * (TABS // 2)])
    assert list(HOSTS) * (TABS // 2) == [(answer.json or {}).get("at") for answer in answers]
    person.take(answers)
    assert [("authorization_code", None), ("refresh_token", None)] == [
        (call.grant, call.error) for call in provider.calls()
    ]
    assert fingerprint(before.refresh_token) == provider.calls()[-1].refresh


def see_a_switch(person: Person) -> None:
    """Switch the organisation at one, renew at the other: both are there."""
    assert "org_2" == (person.post(f"https://{DASHBOARD}/switch/org_2").json or {})["organization"]
    assert {"kind": "refreshed"} == person.see(APP, "/renew")
    assert ["org_2", "org_2"] == [person.see(host)["organization"] for host in HOSTS]


def see_a_sign_out(person: Person) -> None:
    """Sign in and out at one: at the other it is over, for a copy of the cookie as well."""
    person.sign_in(DASHBOARD)
    assert [None, None] == person.reasons()
    copied = person.stale()
    assert 303 == person.sign_out(DASHBOARD).status_code
    assert (False, ["missing", "missing"]) == (NAME in person.jar, person.reasons())
    assert ["revoked", "revoked"] == copied.reasons()
