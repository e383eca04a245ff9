"""What users' tests are given: the clock, tokens, the provider that is as strict as real ones, and the fixtures."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from freezegun import freeze_time

from sealed_session import (
    KeyRing,
    ProviderUnavailable,
    RefreshDenied,
    Sealer,
    Session,
    StepUpRequired,
    UsageError,
    UsageTypeError,
    generate_password,
)
from sealed_session.providers import Provider, as_provider
from sealed_session.testing import Clock, FakeProvider, access_token

NOW = 1_800_000_000
THREADS = 50


def signed_in(provider: FakeProvider, **claims: Any) -> Session:
    """A session that the provider has opened."""
    return Session(**provider.sign_in(**claims))


class TestClock:
    """The clock."""

    def test_it_stands_still(self) -> None:
        """At the time it was given, or at one that is the same in every run."""
        clock = Clock()
        assert [NOW, NOW, 5] == [clock(), clock(), Clock(5)()]

    @pytest.mark.parametrize("hour", [3600, 3600.9, timedelta(hours=1)])
    def test_it_moves_when_it_is_told_to(self, hour: float | timedelta) -> None:
        """By seconds or a timedelta; its time stays whole seconds."""
        clock = Clock()
        clock.advance(hour)
        assert (NOW + 3600, int) == (clock(), type(clock()))

    def test_it_goes_back_and_can_be_set(self) -> None:
        """For clocks that are wrong."""
        clock = Clock()
        clock.advance(-60)
        assert NOW - 60 == clock()
        clock.now = 7
        assert 7 == clock()

    def test_a_sealer_takes_it(self) -> None:
        """So does everything else that takes a clock."""
        sealer = Sealer(KeyRing(generate_password()), clock=Clock(NOW))
        assert NOW == sealer.unseal(sealer.seal({"access_token": "t"})).started_at


class TestAccessToken:
    """The tokens."""

    def test_its_claims_can_be_read(self) -> None:
        """Those that were asked for, and no others."""
        session = Session(access_token(expires_at=NOW, sub="user_7", sid="s1", roles=["admin"]))
        assert {"sub": "user_7", "sid": "s1", "roles": ["admin"], "exp": NOW} == session.claims
        assert (NOW, "s1") == (session.access_expires_at, session.session_id)

    def test_it_may_have_no_end(self) -> None:
        """Then it has no claim ``exp``; one that no reader understands can be put there as well."""
        assert {"sub": "user_1"} == Session(access_token(expires_at=None)).claims
        assert "soon" == Session(access_token(expires_at=None, exp="soon")).claims["exp"]

    def test_two_are_never_the_same(self) -> None:
        """As two of a provider are not."""
        assert access_token(expires_at=NOW) != access_token(expires_at=NOW)

    def test_it_is_as_long_as_a_real_one(self) -> None:
        """Its signature has the 256 bytes of RS256, 342 characters."""
        assert 342 == len(access_token(expires_at=NOW).rpartition(".")[2])

    @pytest.mark.parametrize("wrong", [NOW + 0.5, "soon", True])
    def test_its_end_is_whole_seconds(self, wrong: Any) -> None:
        """``time.time() + 300`` is a float, and is said to be one."""
        with pytest.raises(UsageTypeError, match=f"expires_at: .*got {type(wrong).__name__}"):
            access_token(expires_at=wrong)


class TestFakeProvider:
    """The provider."""

    def test_it_is_a_provider(self) -> None:
        """``SealedSession(fake_provider)`` takes it as it is."""
        provider = FakeProvider()
        assert isinstance(provider, Provider)
        assert as_provider(provider) is provider

    def test_signing_in_opens_a_session_there(self) -> None:
        """With the arguments of ``sign_in``: two tokens and the person that ``sub`` names."""
        provider = FakeProvider(Clock())
        session = signed_in(provider, org="o1")
        assert {"id": "user_1", "email": "ada@example.com", "first_name": "Ada"} == session.user
        assert ("user_1", "o1", NOW + 300) == tuple(session.claims[name] for name in ("sub", "org", "exp"))
        assert provider.credential(session)
        assert session.session_id != signed_in(provider).session_id

    @pytest.mark.parametrize(
        ("user", "claims", "sub"),
        [({"id": "user_7"}, {}, "user_7"), ({"id": 7}, {}, "7"), ({}, {}, "user_1"), ({"id": "a"}, {"sub": "b"}, "b")],
    )
    def test_the_person_and_the_claims_are_the_callers(
        self, user: dict[str, Any], claims: dict[str, Any], sub: str
    ) -> None:
        """The user comes back as it is; a claim ``sub`` beats its id."""
        session = signed_in(FakeProvider(), user=user, **claims)
        assert (user, sub) == (session.user, session.claims["sub"])

    def test_a_refresh_gives_the_next_pair(self) -> None:
        """For the same session; what the caller asks for comes back as claims."""
        clock = Clock()
        provider = FakeProvider(clock, lifetime=60)
        old = signed_in(provider, org="o1")
        clock.advance(100)
        new = provider.refresh(old, org="o2", tenant="t1")
        assert {**old.claims, "org": "o2", "tenant": "t1", "exp": NOW + 160} == new.claims
        assert old.refresh_token != new.refresh_token
        assert new.user is None
        assert NOW + 160 == provider.refresh(new).access_expires_at

    def test_a_refresh_token_is_good_once(self) -> None:
        """And one of somebody else's not at all."""
        provider = FakeProvider()
        old = signed_in(provider)
        provider.refresh(old)
        for session in (old, signed_in(FakeProvider()), Session("opaque", "opaque")):
            with pytest.raises(RefreshDenied):
                provider.refresh(session)

    def test_without_a_refresh_token_there_is_nothing_to_refresh_with(self) -> None:
        """It says so before it is asked, and when it is."""
        provider, session = FakeProvider(), Session("opaque")
        assert not provider.credential(session)
        with pytest.raises(RefreshDenied):
            provider.refresh(session)

    def test_calls_are_on_record(self) -> None:
        """In order, those that failed too."""
        provider = FakeProvider()
        session = provider.refresh(signed_in(provider), organization_id="org_1")
        provider.fail()
        with pytest.raises(ProviderUnavailable):
            provider.refresh(session)
        assert [{"organization_id": "org_1"}, {}] == provider.calls

    def test_it_fails_when_told_to_and_touches_no_token(self) -> None:
        """Errors come in the order in which they were asked for; after them all is as it was."""
        provider, denied = FakeProvider(), RefreshDenied("gone")
        session = signed_in(provider)
        provider.fail(times=2)
        provider.fail(StepUpRequired({"code": "mfa"}))
        provider.fail(denied, times=0)
        for expected in (ProviderUnavailable, ProviderUnavailable, StepUpRequired):
            with pytest.raises(expected):
                provider.refresh(session)
        assert provider.refresh(session).claims["sub"] == "user_1"

    def test_it_can_be_down_until_it_recovers(self) -> None:
        """However often it is asked; with whatever error a program may raise."""
        provider = FakeProvider()
        session = signed_in(provider)
        provider.fail(ConnectionError("refused"), times=None)
        for _ in range(5):
            with pytest.raises(ConnectionError, match="refused"):
                provider.refresh(session)
        provider.recover()
        assert provider.credential(provider.refresh(session))

    def test_an_error_that_is_raised_again_begins_anew(self) -> None:
        """Its traceback does not grow from one refresh to the next."""
        provider = FakeProvider()
        provider.fail(times=None)
        depths = []
        for _ in range(3):
            with pytest.raises(ProviderUnavailable) as caught:
                provider.refresh(Session("opaque"))
            depths.append(len(caught.traceback))
        assert [2, 2, 2] == depths

    def test_it_can_end_every_session(self) -> None:
        """Those that begin later live."""
        provider = FakeProvider()
        session = signed_in(provider)
        provider.end_every_session()
        with pytest.raises(RefreshDenied):
            provider.refresh(session)
        assert "user_1" == provider.refresh(signed_in(provider)).claims["sub"]

    def test_without_a_clock_it_goes_by_the_time_of_the_day(self) -> None:
        """Looked up at every call, so that it can be frozen after it was made."""
        provider = FakeProvider()
        with freeze_time("2027-01-15 08:00:00"):
            assert NOW + 300 == signed_in(provider).access_expires_at

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"clock": 1_800_000_000}, "clock: expected a function that returns Unix seconds, got int"),
            ({"lifetime": 1.5}, "lifetime: expected an int, got float"),
            ({"lifetime": -1}, "lifetime: -1"),
        ],
    )
    def test_its_arguments_are_checked(self, arguments: dict[str, Any], message: str) -> None:
        """Where they are given."""
        with pytest.raises(UsageError, match=message):
            FakeProvider(**arguments)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"error": RefreshDenied}, r"error: expected an error, RefreshDenied\(\) for example, got type"),
            ({"error": "down"}, "error: expected an error, .* got str"),
            ({"times": True}, "times: expected an int, got bool"),
            ({"times": -1}, "times: -1"),
        ],
    )
    def test_what_it_fails_with_is_checked(self, arguments: dict[str, Any], message: str) -> None:
        """Not when it fails, where it would count as the provider being down."""
        with pytest.raises(UsageError, match=message):
            FakeProvider().fail(**arguments)


class TestThreads:
    """Many requests at once."""

    @staticmethod
    def at_once(provider: FakeProvider, sessions: list[Session]) -> list[Session | Exception]:
        """Refresh each session in a thread of its own, all at the same time."""
        barrier = Barrier(len(sessions))

        def refresh(session: Session) -> Session | Exception:
            barrier.wait()
            try:
                return provider.refresh(session)
            except (RefreshDenied, ProviderUnavailable) as error:
                return error

        with ThreadPoolExecutor(len(sessions)) as pool:
            return list(pool.map(refresh, sessions))

    def test_one_of_many_is_given_the_next_pair(self) -> None:
        """All others are refused; every call is on record."""
        provider = FakeProvider()
        for _ in range(20):
            answers = self.at_once(provider, [signed_in(provider)] * THREADS)
            assert [1, THREADS - 1] == [sum(isinstance(a, kind) for a in answers) for kind in (Session, RefreshDenied)]
        assert 20 * THREADS == len(provider.calls)

    def test_as_many_fail_as_shall(self) -> None:
        """No more and no fewer; the others are served."""
        provider = FakeProvider()
        provider.fail(times=20)
        answers = self.at_once(provider, [signed_in(provider) for _ in range(THREADS)])
        kinds = (ProviderUnavailable, Session)
        assert [20, THREADS - 20] == [sum(isinstance(answer, kind) for answer in answers) for kind in kinds]


class TestPlugin:
    """The fixtures."""

    def test_they_belong_together(self, sealed_clock: Clock, fake_provider: FakeProvider) -> None:
        """The provider goes by the clock."""
        sealed_clock.advance(100)
        assert sealed_clock() + 300 == signed_in(fake_provider).access_expires_at

    def test_every_test_has_its_own(self, sealed_clock: Clock, fake_provider: FakeProvider) -> None:
        """What the test before did is not seen."""
        assert (NOW, []) == (sealed_clock(), fake_provider.calls)

    def test_pytest_finds_them_by_itself(self, tmp_path: Path) -> None:
        """In a project that does nothing but to install this one, also where warnings are errors."""
        (tmp_path / "test_app.py").write_text(
            "def test_it(sealed_clock, fake_provider):\n"
            "    assert fake_provider.sign_in()['user']['id'] == 'user_1'\n"
            "    assert sealed_clock() == 1_800_000_000\n",
            encoding="utf-8",
        )
        command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
        assert (0, True) == (result.returncode, "1 passed" in result.stdout), result.stdout + result.stderr

    def test_finding_them_costs_little(self) -> None:
        """Beside the core, which Python imports with any part of it, the module loads nothing: no Flask, no testing."""
        program = (
            "import sys, pytest, sealed_session\nbefore = set(sys.modules)\n"
            "import sealed_session.pytest_plugin\nprint(*set(sys.modules) - before)"
        )
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
        assert ["sealed_session.pytest_plugin"] == result.stdout.split()
