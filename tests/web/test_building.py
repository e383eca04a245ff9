"""What an application is built of: its coordinator, and one set of counters that all of its parts count in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from flask import Flask

from flask_ext import SealedSession
from flask_ext.building import as_coordinator
from flask_ext.testing import SealedClient
from sealed_session import KeyRing, Sealer, SealTooLarge, Session, UsageError, UsageTypeError, generate_password
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.redis import RedisCoordinator
from sealed_session.refresh.sqlite import SQLiteCoordinator
from sealed_session.testing import Clock, FakeProvider
from tests.web.conftest import MakeWorld, World

NAME = "sealed-session"


class MyRedis(redis.Redis):
    """A client of somebody's own kind."""


def ledger_of(auth: SealedSession, folder: Path, **settings: Any) -> Any:
    """What an application keeps its records in."""
    app = Flask("app", instance_path=str(folder))
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    app.config.update({f"SEALED_SESSION_{name}": value for name, value in settings.items()})
    auth.init_app(app)
    return app.extensions["sealed_session"].refresher._ledger


def kinds(ledger: Any) -> list[str]:
    """The kinds of its coordinators, the one that everybody shares first."""
    shared, *others = ledger._stores
    return [type(one).__name__.removesuffix("Coordinator") for one in (shared._inner, *others)]


class TestCoordinator:
    """``SealedSession(coordinator=...)``."""

    def test_one_derived_from_ours_is_a_redis_too(self, tmp_path: Path) -> None:
        """So it has something to fall back on."""
        auth = SealedSession(FakeProvider(), coordinator=type("Mine", (RedisCoordinator,), {})(redis.Redis(port=1)))
        assert ["Mine", "SQLite", "Memory"] == kinds(ledger_of(auth, tmp_path))

    @pytest.mark.parametrize("kind", [redis.Redis, MyRedis])
    def test_a_client_of_redis_is_wrapped(self, kind: type[redis.Redis], tmp_path: Path) -> None:
        """Nothing is connected yet."""
        client = kind(port=1)
        auth = SealedSession(FakeProvider(), coordinator=client)
        ledger = ledger_of(auth, tmp_path)
        assert ["Redis", "SQLite", "Memory"] == kinds(ledger)
        assert client is ledger._shared._inner._client

    def test_an_asynchronous_client_is_refused(self) -> None:
        """When it is given, and not at the first refresh."""
        with pytest.raises(UsageTypeError, match=r"redis\.Redis"):
            SealedSession(FakeProvider(), coordinator=redis.asyncio.Redis())  # type: ignore[arg-type]

    @pytest.mark.parametrize("given", ["redis://localhost", 5, object(), MemoryCoordinator])
    def test_something_else_is_refused(self, given: Any) -> None:
        """The URL of one stands in COORDINATOR_URL; a class is none."""
        with pytest.raises(UsageTypeError, match="coordinator"):
            SealedSession(FakeProvider(), coordinator=given)

    @pytest.mark.parametrize("missing", ["read", "swap"])
    def test_half_a_coordinator_is_refused(self, missing: str) -> None:
        """Each of the two it must have."""
        half = type("Half", (), {name: lambda *_: None for name in ("read", "swap") if name != missing})()
        with pytest.raises(UsageTypeError, match="coordinator"):
            as_coordinator(half)

    def test_a_coordinator_is_used_as_it_is(self, tmp_path: Path) -> None:
        """Of whatever kind."""
        for coordinator in (
            MemoryCoordinator(),
            RedisCoordinator(redis.Redis(port=1)),
            SQLiteCoordinator(tmp_path / "a"),
        ):
            assert coordinator is as_coordinator(coordinator)
        assert as_coordinator(None) is None

    def test_redis_is_loaded_for_its_clients_alone(self) -> None:
        """Most applications have none."""
        code = (
            "import sys\nfrom flask import Flask\nfrom flask_ext import SealedSession\n"
            "from sealed_session import generate_password\nfrom sealed_session.testing import FakeProvider\n"
            "from sealed_session.refresh.memory import MemoryCoordinator\n"
            "for coordinator in (None, MemoryCoordinator()):\n"
            "    app = Flask('app')\n"
            "    app.config['SEALED_SESSION_PASSWORD'] = generate_password()\n"
            "    SealedSession(FakeProvider(), coordinator=coordinator).init_app(app)\n"
            "print('redis' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "False" == done.stdout.strip()


class TestFallback:
    """What the processes of one machine share while the one that everybody shares is out of reach."""

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("redis://127.0.0.1:1", ["Redis", "SQLite", "Memory"]),
            ("rediss://127.0.0.1:1", ["Redis", "SQLite", "Memory"]),
            ("unix:///nowhere.sock", ["Redis", "SQLite", "Memory"]),
            ("sqlite:", ["SQLite", "Memory"]),
            ("sqlite:///other.db", ["SQLite", "Memory"]),
            ("memory:", ["Memory", "Memory"]),
        ],
    )
    def test_it_is_a_file_beside_a_redis(self, tmp_path: Path, url: str, expected: list[str]) -> None:
        """And nothing beside what is on this machine already."""
        assert expected == kinds(ledger_of(SealedSession(FakeProvider()), tmp_path, COORDINATOR_URL=url))
        assert [] == list(tmp_path.iterdir())

    def test_it_lies_in_the_instance_folder(self, tmp_path: Path) -> None:
        """Where the default coordinator has it."""
        ledger = ledger_of(SealedSession(FakeProvider(), coordinator=redis.Redis(port=1)), tmp_path)
        assert tmp_path / "sealed-session.db" == ledger._stores[1]._file.path

    def test_a_coordinator_that_is_given_counts_and_not_the_url(self, tmp_path: Path) -> None:
        """Which is not looked at then."""
        auth = SealedSession(FakeProvider(), coordinator=MemoryCoordinator())
        assert ["Memory", "Memory"] == kinds(ledger_of(auth, tmp_path, COORDINATOR_URL="redis://127.0.0.1:1"))

    def test_without_sqlite_each_process_goes_on_by_itself(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There are Pythons that were built without it."""
        monkeypatch.setitem(sys.modules, "sealed_session.refresh.sqlite", None)
        ledger = ledger_of(SealedSession(FakeProvider(), coordinator=redis.Redis(port=1)), tmp_path)
        assert ["Redis", "Memory"] == kinds(ledger)
        with pytest.raises(UsageError, match="without sqlite3"):
            ledger_of(SealedSession(FakeProvider()), tmp_path)


class TestCounters:
    """``auth.counters``."""

    def read(self, world: World) -> dict[str, dict[tuple[str, ...], int]]:
        """Every counter of the application that is not zero."""
        with world.app.app_context():
            return {name: values for name, values in world.auth.counters.read().items() if values}

    def test_cookies_are_counted_by_what_came_of_them(self, make_world: MakeWorld, password: str) -> None:
        """Every value of our names, and which password opened it."""
        old = make_world()
        old.get("/sign-in")
        world = make_world(PASSWORD=generate_password(), PASSWORD_FALLBACKS=[generate_password(), password])
        value = old.browser.jar.get(NAME).value
        client = world.app.test_client(use_cookies=False)
        foreign = Sealer(KeyRing(generate_password())).seal({"access_token": "t"})
        for header in (f"{NAME}={value}; {NAME}=garbage", f"{NAME}={foreign}", "other=1", ""):
            client.get("/who", headers={"Cookie": header})
        expected = {("opened", "2"): 1, ("unreadable", "none"): 1, ("unknown_key", "none"): 1}
        assert expected == self.read(world)["unseals"]

    def test_the_current_password_is_the_first(self, world: World) -> None:
        """A request that does not look counts nothing."""
        world.get("/sign-in")
        for path in ("/who", "/private", "/public"):
            world.get(path)
        assert {("opened", "0"): 2} == self.read(world)["unseals"]

    def test_a_test_client_that_looks_into_its_cookie_is_not_counted(self, world: World) -> None:
        """It is no request."""
        client = SealedClient(world.app, sealed_session={})
        assert client.session is not None
        assert {} == self.read(world)

    def test_seals_are_counted_by_their_size(self, world: World) -> None:
        """Signing in, changing, renewing: whatever is sealed for a browser."""
        for path, clock in (("/sign-in", 0), ("/note?note=x", 0), ("/who", 400), ("/who", 0)):
            world.clock.advance(clock)
            world.get(path)
        world.do(lambda: world.auth.sign_in(access_token="t", extra={"text": "x" * 1200}))
        assert {("1024",): 3, ("2048",): 1} == self.read(world)["seals"]

    def test_what_does_not_fit_is_not_counted(self, make_world: MakeWorld) -> None:
        """Nothing was sealed: neither for a view, nor by itself."""
        world = make_world(provider=lambda _: Session("t" * 6000, access_expires_at=2**31))
        world.get("/sign-in")
        world.clock.advance(400)
        assert "user_1" == world.get("/who").text
        with world.app.test_request_context(), pytest.raises(SealTooLarge):
            world.auth.sign_in(access_token="t" * 6000)
        assert {("1024",): 1} == self.read(world)["seals"]

    def test_refreshes_are_counted_with_the_rest(self, world: World) -> None:
        """Refresher and records count in the same place."""
        world.get("/sign-in")
        world.clock.advance(400)
        world.get("/who")
        found = self.read(world)
        assert ({("refreshed",): 1}, {("refreshed",): 1}) == (found["refreshes"], found["provider_calls"])

    def test_records_count_there_too(self, tmp_path: Path) -> None:
        """Steps without the shared coordinator."""
        auth = SealedSession(FakeProvider(), coordinator=redis.Redis(port=1))
        ledger = ledger_of(auth, tmp_path)
        app = Flask("other", instance_path=str(tmp_path))
        app.config["SEALED_SESSION_PASSWORD"] = generate_password()
        auth.init_app(app)
        state = app.extensions["sealed_session"]
        assert state.counters is state.refresher._counters is state.refresher._ledger._counters
        assert ledger._counters is not state.counters

    def test_each_application_has_its_own(self, make_world: MakeWorld) -> None:
        """Also two of one extension."""
        one, other = make_world(), make_world()
        one.get("/sign-in")
        one.get("/who")
        assert {} == self.read(other)

    def test_outside_of_an_application_there_are_none(self, world: World) -> None:
        """As of every property of the current application."""
        with pytest.raises(RuntimeError):
            _ = world.auth.counters


def test_without_a_provider_nothing_is_opened(tmp_path: Path) -> None:
    """There is nothing to agree about."""
    app = Flask("app", instance_path=str(tmp_path))
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    SealedSession(clock=Clock()).init_app(app)
    assert app.extensions["sealed_session"].refresher is None
