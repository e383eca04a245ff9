"""app. and dashboard.example.com share one session of a certified OpenID provider, from its pages to its last word.

Through a browser that is honest about cookies, over a SQLite file and a redis-server. The processes of a deployment are
in tests/storm/test_oidc_two_hosts.py.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.programs import needs_node, node_packages
from tests.refresh.redis_server import RedisServer, needs_redis
from tests.storm import oidc_hosts
from tests.storm.oidc_hosts import APP, BACKCHANNEL, DASHBOARD, HOSTS, NAME, Channel
from tests.storm.oidc_person import Ahead, Person
from tests.storm.oidc_server import Provider, fingerprint, running
from tests.web.jar import Context, Cookie

pytestmark = needs_node

STORM = Path(__file__).parents[1] / "storm"
FIRST_SECONDS, RENEWED_SECONDS = 60, 600
"""Lives of access tokens: of the one that signing in brings, and of those after it."""

LATENCY = 0.1
"""Seconds that a refresh takes at the least: time for the other host to ask, too."""

BOTH_WAYS = pytest.mark.parametrize(("first", "second"), [HOSTS, HOSTS[::-1]], ids=HOSTS)


@dataclass
class World:
    """Somebody, two applications, and a provider.

    Attributes:
        person: Nobody yet.
        clock: The applications'; the provider has its own.
        channel: How the provider reaches the application at ``APP``, and nobody else.
    """

    person: Person
    provider: Provider
    clock: Ahead
    channel: Channel
    seen: int

    def let_the_token_end(self) -> None:
        """So that somebody has to renew it. The next one lives for long."""
        self.clock.seconds = FIRST_SECONDS + 11  # and the 10 of CLOCK_SKEW

    def calls(self) -> list[str | None]:
        """Return which grants the provider was asked for since the world began: none was refused, none came twice."""
        calls = self.provider.calls()[self.seen :]
        assert {None} >= {call.error for call in calls}
        assert {1} >= set(Counter(call.refresh for call in calls if call.refresh).values())
        return [call.grant for call in calls]


MakeWorld = Callable[..., World]


@pytest.fixture(scope="module")
def channel() -> Iterator[Channel]:
    """Where the provider's server finds an application."""
    with oidc_hosts.channel() as served:
        yield served


@pytest.fixture(scope="module")
def provider(channel: Channel) -> Iterator[Provider]:
    """One for all tests, which ends a grant whose refresh token comes twice."""
    lives = {"access_seconds": FIRST_SECONDS, "renewed_seconds": RENEWED_SECONDS, "latency": LATENCY}
    with running(node_packages(STORM), [oidc_hosts.client(channel.url)], **lives) as its:  # type: ignore[arg-type]
        yield its


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    """The URL of a redis-server of our own."""
    with RedisServer() as server:
        yield server.url


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def coordinator(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What both applications share beside their password: a file, or a redis-server."""
    return f"sqlite:///{tmp_path}/shared.db" if request.param == "sqlite" else request.getfixturevalue("redis")


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Everything that anybody says."""
    said, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(said), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield said
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def make_world(
    provider: Provider, channel: Channel, password: str, coordinator: str, tmp_path: Path, log: StringIO
) -> Iterator[MakeWorld]:
    """Build one with further settings; at the end nothing secret is in any log, and no cookie was dropped."""
    made: list[World] = []

    def make(**others: Any) -> World:
        clock = Ahead()
        given = oidc_hosts.settings(password, coordinator, **others)
        apps = {host: oidc_hosts.build(host, provider.issuer, given, tmp_path / host, clock) for host in HOSTS}
        channel.app = apps[APP]
        channel.paths.clear()
        person = Person(apps, provider, password, clock)
        made.append(World(person, provider, clock, channel, len(provider.calls())))
        return made[-1]

    yield make
    for world in made:
        assert [] == world.person.refused
        assert world.person.secrets
        assert not any(secret in log.getvalue() for secret in world.person.secrets), "a secret is in a log"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """One in which every request looks whether its session is over."""
    return make_world()


def page(host: str, organization: str | None = None) -> dict[str, str | None]:
    """Return what the first page says to somebody who is signed in."""
    return {"at": host, "who": "user_1", "organization": organization}


def ours(person: Person) -> list[Cookie]:
    """Return the cookies of the applications: the provider has its own."""
    return [cookie for cookie in person.jar.cookies() if cookie.domain != "127.0.0.1"]


@pytest.mark.row("WO-6")
@pytest.mark.row("WO-20")
@BOTH_WAYS
def test_WO_6_who_signs_in_at_one_is_signed_in_at_the_other(  # noqa: N802
    world: World, first: str, second: str
) -> None:
    """The provider sends people back to where they came from, and the other host needs no word with it."""
    assert page(first) == world.person.sign_in(first).json
    assert page(second) == world.person.see(second)
    assert ["authorization_code"] == world.calls()
    assert ("example.com", False) == (world.person.jar.get(NAME).domain, world.person.jar.get(NAME).host_only)


@pytest.mark.row("WO-6")
@BOTH_WAYS
def test_WO_6_either_renews_and_both_go_on(world: World, first: str, second: str) -> None:  # noqa: N802
    """One call when the token has ended, whoever is asked first; and either may go on from what the other was given."""
    person = world.person
    person.sign_in(APP)
    world.let_the_token_end()
    before = person.session().refresh_token
    assert [page(first), page(second)] == [person.see(first), person.see(second)]
    assert ["authorization_code", "refresh_token"] == world.calls()
    assert fingerprint(before) == world.provider.calls()[-1].refresh
    for calls, host in ((3, second), (4, first), (5, second)):
        assert {"kind": "refreshed"} == person.see(host, "/renew")
        assert calls == len(world.calls())


@pytest.mark.row("WO-6")
@BOTH_WAYS
def test_WO_6_both_are_asked_at_once(world: World, first: str, second: str) -> None:  # noqa: N802
    """Four tabs over two hosts whose token has ended: one call, and whoever's cookie arrives last is good."""
    person = world.person
    person.sign_in(APP)
    world.let_the_token_end()
    answers = person.at_once(*[("GET", f"https://{host}/") for host in (first, second, first, second)])
    assert [page(host) for host in (first, second, first, second)] == [answer.json for answer in answers]
    assert ["authorization_code", "refresh_token"] == world.calls()
    person.take(answers)
    assert [page(first), page(second)] == [person.see(first), person.see(second)]
    assert 2 == len(world.calls())
    assert {"kind": "refreshed"} == person.see(second, "/renew")


@pytest.mark.row("WO-6")
@BOTH_WAYS
def test_WO_6_a_tab_of_the_other_is_late(world: World, first: str, second: str) -> None:  # noqa: N802
    """It has left with the old cookie: nobody is asked again, and its answer spoils nothing when it arrives last."""
    person = world.person
    person.sign_in(APP)
    late = person.stale()
    world.let_the_token_end()
    person.see(first)
    answer = late.get(f"https://{second}/")
    assert page(second) == answer.json
    person.take([answer])
    assert [page(first), page(second)] == [person.see(first), person.see(second)]
    assert ["authorization_code", "refresh_token"] == world.calls()
    assert {"kind": "refreshed"} == person.see(first, "/renew")


@pytest.mark.row("WO-6")
@pytest.mark.row("WO-14")
@pytest.mark.parametrize("ended", [False, True], ids=["living", "ended"])
@BOTH_WAYS
def test_WO_14_a_switch_at_one_is_seen_at_the_other(  # noqa: N802
    world: World, first: str, second: str, ended: bool
) -> None:
    """One call, also where the token has ended: the switch beats the automatic refresh. Renewing elsewhere keeps it."""
    person = world.person
    person.sign_in(second)
    if ended:
        world.let_the_token_end()
    answer = person.post(f"https://{first}/switch/org_2")
    assert {"kind": "refreshed", "organization": "org_2"} == answer.json
    assert page(second, "org_2") == person.see(second)
    assert ["authorization_code", "refresh_token"] == world.calls()
    assert {"kind": "refreshed"} == person.see(second, "/renew")
    assert page(first, "org_2") == person.see(first)


@pytest.mark.row("WO-6")
@pytest.mark.row("WO-14")
def test_WO_14_a_switch_while_the_other_renews(world: World) -> None:  # noqa: N802
    """Neither the pair nor the switch is lost, and every refresh token is used once."""
    person = world.person
    person.sign_in(APP)
    world.let_the_token_end()
    switched, seen = person.at_once(("POST", f"https://{APP}/switch/org_2"), ("GET", f"https://{DASHBOARD}/"))
    assert {"kind": "refreshed", "organization": "org_2"} == switched.json
    assert (200, "user_1") == (seen.status_code, (seen.json or {})["who"])
    assert len(world.calls()) in (2, 3)
    person.take([seen, switched])
    assert page(DASHBOARD, "org_2") == person.see(DASHBOARD)
    assert {"kind": "refreshed"} == person.see(APP, "/renew")
    assert page(DASHBOARD, "org_2") == person.see(DASHBOARD)


@pytest.mark.row("WO-6")
@pytest.mark.row("WO-13")
@pytest.mark.parametrize("ended", [False, True], ids=["living", "ended"])
def test_WO_6_signing_out_at_one_ends_both(world: World, ended: bool) -> None:  # noqa: N802
    """Also with a token that has ended, which nobody renews for it; the provider's page leads back to that host."""
    person = world.person
    person.sign_in(APP)
    tab = person.stale()
    if ended:
        world.let_the_token_end()
    answer = person.sign_out(DASHBOARD)
    assert (303, False) == (answer.status_code, NAME in person.jar)
    assert ["missing", "missing"] == person.reasons()
    assert ["revoked", "revoked"] == tab.reasons()  # before the provider has said so, too
    button = Context.link_on(f"https://{DASHBOARD}/")
    arrival = person.walk(answer.headers["Location"], f"https://{DASHBOARD}/bye", button)
    assert f"bye from {DASHBOARD}" == person.come_back(arrival).text
    assert ["authorization_code"] == world.calls()


@pytest.mark.row("WO-6")
@BOTH_WAYS
def test_WO_6_who_signs_in_again_at_once_is_in_at_both(world: World, first: str, second: str) -> None:  # noqa: N802
    """The provider keeps its session, and so its id. A copy of the cookie before is worth nothing all the same."""
    person = world.person
    person.sign_in(first)
    session_id, copied = person.session().session_id, person.stale()
    person.sign_out(second)
    assert page(first) == person.sign_in(first).json
    assert page(second) == person.see(second)
    assert session_id == person.session().session_id
    assert ["revoked", "revoked"] == copied.reasons()


@pytest.mark.row("WO-6")
@pytest.mark.parametrize("out_is_last", [False, True])
def test_WO_6_signing_out_beats_a_renewal_at_the_other(world: World, out_is_last: bool) -> None:  # noqa: N802
    """Whichever was faster, and whichever cookie arrives last: nobody is signed in afterwards."""
    person = world.person
    person.sign_in(APP)
    world.let_the_token_end()
    answers = person.at_once(("GET", f"https://{APP}/"), ("POST", f"https://{DASHBOARD}/auth/logout"))
    assert 303 == answers[1].status_code
    person.take(answers if out_is_last else answers[::-1])
    assert {"missing", "revoked"} >= set(person.reasons())
    assert world.calls() in (["authorization_code"], ["authorization_code", "refresh_token"])


@pytest.mark.row("WO-6")
@BOTH_WAYS
def test_WO_6_the_provider_ends_both(world: World, first: str, second: str) -> None:  # noqa: N802
    """It tells one application by its back channel; the other knows it, too. Who signs in again is in at both."""
    person = world.person
    person.sign_in(first)
    person.sign_out_at_provider(second)
    assert [BACKCHANNEL] == world.channel.paths
    assert ["revoked", "revoked"] == person.reasons()
    assert ["authorization_code"] == world.calls()
    assert page(second) == person.sign_in(second).json
    assert page(first) == person.see(first)


@pytest.mark.row("WO-6")
@BOTH_WAYS
def test_WO_6_the_provider_ends_both_when_they_renew(  # noqa: N802
    make_world: MakeWorld, first: str, second: str
) -> None:
    """Without CHECK_REVOCATION = "always": once the token has ended, and the provider is not even asked."""
    world = make_world(CHECK_REVOCATION="refresh")
    person = world.person
    person.sign_in(first)
    person.sign_out_at_provider(first)
    assert [page(first), page(second)] == [person.see(first), person.see(second)]
    world.let_the_token_end()
    assert ["revoked", "revoked"] == person.reasons()
    assert ["authorization_code"] == world.calls()


@pytest.mark.row("WO-6")
@pytest.mark.row("WO-20")
@BOTH_WAYS
def test_WO_20_a_sign_in_ends_where_it_began(world: World, first: str, second: str) -> None:  # noqa: N802
    """Brought to the other host, the answer opens nothing, says why, and uses nothing up: at home it is still good."""
    person = world.person
    arrival = person.begin(first, "/?page=2")
    elsewhere = arrival._replace(url=arrival.url.replace(first, second))
    answer = person.come_back(elsewhere)
    assert 400 == answer.status_code
    assert "it began in another browser. Please sign in again." in answer.text
    said = person.get(elsewhere.url, context=elsewhere.context, headers={"Accept": "application/json"})
    assert {"error": "sign_in_failed", "reason": "state_unknown"} == said.json
    assert ([], False) == (world.calls(), NAME in person.jar)
    assert "/?page=2" == person.come_back(arrival).headers["Location"]
    assert "/" == person.come_back(elsewhere).headers["Location"]  # who is signed in by now loses nothing by it
    assert page(second) == person.see(second)
    assert ["authorization_code"] == world.calls()


@pytest.mark.row("WO-6")
@pytest.mark.row("WO-20")
def test_WO_20_one_redirect_uri_for_both_lets_nobody_in(make_world: MakeWorld, log: StringIO) -> None:  # noqa: N802
    """Who begins at the other host ends where there is no sign-in to end; the log has said why before."""
    uri = f"https://{APP}/auth/callback"
    world = make_world(REDIRECT_URI=uri)
    arrival = world.person.walk(f"https://{DASHBOARD}/", uri)
    assert f"somebody signs in at https://{DASHBOARD}/auth/callback, and SEALED_SESSION_REDIRECT_URI is {uri}" in (
        log.getvalue()
    )
    assert (400, []) == (world.person.come_back(arrival).status_code, world.calls())
    assert page(APP) == world.person.sign_in(APP).json
    assert page(DASHBOARD) == world.person.see(DASHBOARD)


@pytest.mark.row("WO-20")
@BOTH_WAYS
def test_WO_20_two_tabs_sign_in_at_two_hosts(world: World, first: str, second: str) -> None:  # noqa: N802
    """Each comes back to its own redirect URI, in any order; no cookie of an attempt is left, and one session is."""
    person = world.person
    arrivals = [person.begin(host) for host in HOSTS]
    assert [(host, True) for host in HOSTS] == [(cookie.domain, cookie.host_only) for cookie in ours(person)]
    for host in (first, second):
        assert "/" == person.come_back(arrivals[HOSTS.index(host)]).headers["Location"]
    assert [NAME] == [cookie.name for cookie in ours(person)]
    assert [page(host) for host in HOSTS] == [person.see(host) for host in HOSTS]
    world.let_the_token_end()
    assert [page(host) for host in HOSTS] == [person.see(host) for host in HOSTS]
    assert ["authorization_code", "authorization_code", "refresh_token"] == world.calls()
