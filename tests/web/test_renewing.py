"""When a request renews its session, what is carried over, and who shares what came of it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_ext import SealedSession, current_session, session_refresh_failed
from sealed_session import Session, generate_password
from sealed_session.providers import WorkOS
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome, Refresher
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.testing import Clock, FakeProvider, access_token
from tests.core.jwks_server import SigningKey
from tests.providers.server import reply, running
from tests.web.browser import Browser
from tests.web.conftest import MakeWorld, World

NAME = "sealed-session"
SUPPORT = {"email": "support@example.com", "reason": "ticket 4"}


def opened(world: World) -> Session:
    """The session that the browser holds."""
    sealer = world.app.extensions["sealed_session"].sealer
    session: Session = sealer.unseal(world.browser.jar.get(NAME).value).session
    return session


@pytest.mark.row("WO-10")
class TestEarly:
    """An access token is renewed before it ends, so that nobody waits for it."""

    def sign_in(self, world: World, lifetime: int) -> None:
        """With a token of so many seconds, which says when it was issued."""
        now = world.clock.now
        values = world.provider.sign_in() | {"access_token": access_token(expires_at=now + lifetime, iat=now)}
        world.do(lambda: world.auth.sign_in(**values))

    @pytest.mark.parametrize(("lifetime", "early"), [(3600, 60), (600, 60), (300, 30), (20, 2)])
    def test_WO_10_by_a_tenth_of_its_life_and_a_minute_at_most(  # noqa: N802
        self, world: World, lifetime: int, early: int
    ) -> None:
        """And not a second before that."""
        self.sign_in(world, lifetime)
        world.clock.advance(lifetime - early - 1)
        assert ("user_1", []) == (world.get("/who").text, world.provider.calls)
        world.clock.advance(1)
        response = world.get("/who")
        assert ("user_1", [NAME], [{}]) == (response.text, world.cookies(response), world.provider.calls)

    @pytest.mark.parametrize(("setting", "calls"), [(0, 0), (10, 1)])
    def test_WO_10_refresh_early_is_the_most(  # noqa: N802
        self, make_world: MakeWorld, setting: int, calls: int
    ) -> None:
        """0 turns it off: then the token is renewed when it has ended."""
        world = make_world(REFRESH_EARLY=setting)
        self.sign_in(world, 3600)
        world.clock.advance(3600 - 11)
        assert ("user_1", []) == (world.get("/who").text, world.provider.calls)
        world.clock.advance(10)
        assert ("user_1", calls) == (world.get("/who").text, len(world.provider.calls))
        world.clock.advance(20)
        assert ("user_1", 1) == (world.get("/who").text, len(world.provider.calls))

    def test_WO_10_one_that_fails_early_disturbs_nobody(self, world: World) -> None:  # noqa: N802
        """The token is good for a while yet; the next request tries again."""
        self.sign_in(world, 600)
        world.clock.advance(550)
        world.provider.fail()
        response = world.get("/private")
        assert ("private to user_1", []) == (response.text, world.cookies(response))


@pytest.mark.row("WO-11")
class TestImpersonator:
    """Whoever acts as the user is there after every refresh."""

    def sign_in(self, world: World) -> None:
        """As support, for the user."""
        world.do(lambda: world.auth.sign_in(**world.provider.sign_in(), impersonator=SUPPORT))

    def shown(self, world: World) -> object:
        """What the application sees."""
        return world.do(lambda: {"impersonator": current_session.impersonator}).json["impersonator"]  # type: ignore[index]

    def test_WO_11_automatic(self, world: World) -> None:  # noqa: N802
        """However many there were."""
        self.sign_in(world)
        for calls in (1, 2, 3):
            world.clock.advance(400)
            assert (SUPPORT, SUPPORT, calls) == (
                self.shown(world),
                opened(world).impersonator,
                len(world.provider.calls),
            )

    @pytest.mark.parametrize("arguments", [{"force": True}, {"organization_id": "org_1"}])
    def test_WO_11_on_demand(self, world: World, arguments: dict[str, Any]) -> None:  # noqa: N802
        """And beside what the application changes in the same request."""

        def act() -> None:
            world.auth.refresh(**arguments)
            world.auth.update(extra={"a": 1})

        self.sign_in(world)
        world.do(act)
        assert (SUPPORT, SUPPORT) == (self.shown(world), opened(world).impersonator)

    def test_WO_11_adopted(self, world: World) -> None:  # noqa: N802
        """By another tab that comes with the old cookie."""
        self.sign_in(world)
        old = world.browser.jar.get(NAME).value
        world.clock.advance(400)
        world.get("/who")
        assert world.browser.jar.store(f"{NAME}={old}; Path=/; Secure", "https://app.example.com") is None
        assert (SUPPORT, SUPPORT, 1) == (self.shown(world), opened(world).impersonator, len(world.provider.calls))

    def test_WO_11_of_the_preset(self, password: str) -> None:  # noqa: N802
        """Whose answers name the impersonator, or leave him out."""
        other = {"email": "other@example.com", "reason": None}
        clock, seen = Clock(), []
        answers = [{}, {"impersonator": other}, {}]
        token = SigningKey().sign({"sub": "user_1", "exp": 2**31})
        with running(*[reply({"access_token": token, "refresh_token": "next", **answer}) for answer in answers]) as at:
            auth = SealedSession(WorkOS("client_1", "sk_test_example", base_url=at.url), clock=clock)
            app = Flask("preset")
            app.config.update(SEALED_SESSION_PASSWORD=password, SEALED_SESSION_VERIFY_ACCESS_TOKEN=False)
            auth.init_app(app)
            with app.test_request_context():
                auth.sign_in(access_token=token, refresh_token="first", impersonator=SUPPORT)
                for _ in answers:
                    auth.refresh(force=True)
                    seen.append(current_session.impersonator)
        assert [SUPPORT, other, other] == seen


@pytest.mark.row("WO-6")
class TestTwoApplications:
    """app. and dashboard.example.com: the same password, name, Domain and coordinator."""

    @pytest.fixture
    def clock(self) -> Clock:
        """One for the browser, the provider and both applications."""
        return Clock()

    @pytest.fixture
    def provider(self, clock: Clock) -> FakeProvider:
        """One whose refresh tokens are good once."""
        return FakeProvider(clock)

    @pytest.fixture
    def browser(self, clock: Clock, provider: FakeProvider) -> Browser:
        """With both applications behind their hosts."""
        coordinator, password = MemoryCoordinator(clock=lambda: clock.now * 1000), generate_password()
        apps = {}
        for name in ("app", "dashboard"):
            auth = SealedSession(provider, coordinator=coordinator, clock=clock)
            app = Flask(name)
            app.config.update(SEALED_SESSION_PASSWORD=password, SEALED_SESSION_COOKIE_DOMAIN="example.com")
            auth.init_app(app)
            app.add_url_rule("/in", "in", lambda auth=auth: auth.sign_in(**provider.sign_in()) or "in")
            app.add_url_rule("/", "home", lambda: str(current_session.user.get("id")))
            apps[f"{name}.example.com"] = app
        return Browser(apps, clock)

    def test_WO_6_either_refreshes_and_both_go_on(  # noqa: N802
        self, browser: Browser, clock: Clock, provider: FakeProvider
    ) -> None:
        """Turn by turn: one call for every end of a token, and one cookie for both."""
        browser.get("https://app.example.com/in")
        for calls, first, second in ((1, "app", "dashboard"), (2, "dashboard", "app"), (3, "dashboard", "app")):
            clock.advance(400)
            assert "user_1" == browser.get(f"https://{first}.example.com/").text
            assert "user_1" == browser.get(f"https://{second}.example.com/").text
            assert calls == len(provider.calls)
        assert ([], 1) == (browser.refused, len(browser.jar.cookies()))

    def test_WO_6_a_page_of_one_that_was_under_way_goes_on(  # noqa: N802
        self, browser: Browser, clock: Clock, provider: FakeProvider
    ) -> None:
        """It was sent with the old cookie before the other's answer came: it adopts, and nobody is asked again."""
        browser.get("https://app.example.com/in")
        old = browser.jar.get(NAME).value
        clock.advance(400)
        assert "user_1" == browser.get("https://app.example.com/").text
        new = browser.jar.get(NAME).value
        line = f"{NAME}={old}; Path=/; Secure; Domain=example.com"
        assert browser.jar.store(line, "https://dashboard.example.com") is None
        assert "user_1" == browser.get("https://dashboard.example.com/").text
        assert (1, True) == (len(provider.calls), browser.jar.get(NAME).value not in (old, new))
        assert "user_1" == browser.get("https://app.example.com/").text


@pytest.mark.parametrize(("left", "in_hurry"), [(30, False), (10, False), (9, True), (0, True), (-100, True)])
def test_who_waits_for_somebody_elses_refresh(
    world: World, monkeypatch: pytest.MonkeyPatch, left: int, in_hurry: bool
) -> None:
    """Whose token is good for ten seconds more does not; whoever asks for it by hand does."""
    asked: list[tuple[bool, float]] = []

    def refresh(_self: Refresher, *_arguments: Any, in_hurry: bool, patience: float, **_: Any) -> Outcome:
        asked.append((in_hurry, round(patience)))
        return Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE)

    world.get("/sign-in")
    monkeypatch.setattr(Refresher, "refresh", refresh)
    world.clock.advance(300 - left)
    world.get("/who")
    world.do(lambda: str(world.auth.refresh(force=True).kind))
    assert [(in_hurry, 5), (True, 5)] == [asked[0], asked[-1]]


def test_a_first_link_beside_a_failure_is_kept(make_world: MakeWorld) -> None:
    """An organisation switch adopts a newer pair, and is then refused: the pair is written all the same."""
    coordinator = MemoryCoordinator()
    world = make_world(coordinator=coordinator)
    world.get("/sign-in")
    old = world.browser.jar.get(NAME).value
    world.clock.advance(100)
    world.do(lambda: world.auth.refresh(force=True))
    newer = opened(world)
    assert world.browser.jar.store(f"{NAME}={old}; Path=/; Secure", "https://app.example.com") is None
    world.provider.fail()
    told: list[Any] = []

    def receive(_app: Flask, **facts: Any) -> None:
        told.append(facts)

    with session_refresh_failed.connected_to(receive, world.app):
        world.do(lambda: told.append(world.auth.refresh(organization_id="org_1").session))
    assert (newer.access_token, newer.refresh_token) == (opened(world).access_token, opened(world).refresh_token)
    assert [newer] == told
