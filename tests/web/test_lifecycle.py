"""One request's session: what is read, what is written, and what survives."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask, Response, after_this_request, request, stream_with_context
from werkzeug.test import EnvironBuilder

from flask_ext import SealedSession, current_session, session_refresh_failed, session_refreshed, session_resealed
from flask_ext.current import request_session
from sealed_session import (
    KeyRing,
    ProviderUnavailable,
    RefreshDenied,
    Sealer,
    SealTooLarge,
    Session,
    StepUpRequired,
    UsageError,
    generate_password,
)
from sealed_session.refresh import Kind, Outcome
from sealed_session.testing import access_token
from tests.web.conftest import ORIGIN, MakeWorld, World
from tests.web.jar import Jar

NAME = "sealed-session"


def sealed(world: World) -> str:
    """The value that the browser holds."""
    return world.browser.jar.get(NAME).value


def opened(world: World) -> Session:
    """The session that the browser holds."""
    session: Session = world.app.extensions["sealed_session"].sealer.unseal(sealed(world)).session
    return session


def plant(world: World, value: str, *, name: str = NAME, attributes: str = "Path=/; Secure") -> None:
    """Put a cookie into the browser, as another application of the host might."""
    assert world.browser.jar.store(f"{name}={value}; {attributes}", ORIGIN) is None


class TestReading:
    """What a request is given to see."""

    def test_who_signed_in_is_known_on_the_next_request(self, world: World) -> None:
        """By the cookie alone."""
        world.get("/sign-in")
        assert "user_1" == world.get("/who").text

    def test_nobody_is_signed_in_without_a_cookie(self, world: World) -> None:
        """And the reason is that it is missing."""
        assert "nobody: missing" == world.get("/who").text

    @pytest.mark.parametrize("value", ["", "garbage", "x" * 5000, "AX", "%00", "ARZJ9Nkrr" * 30])
    def test_garbage_is_nobody_and_stays(self, world: World, value: str) -> None:
        """It may be another system's: it is neither an error nor cleared."""
        if len(value) < 4000:
            plant(world, value)
        response = world.get("/who", headers=None)
        assert response.text in ("nobody: unreadable", "nobody: missing", "nobody: unsupported")
        assert [] == world.cookies(response)

    def test_a_cookie_under_an_unknown_password_stays(self, world: World) -> None:
        """A deployment that is rolled back must not sign everybody out."""
        plant(world, Sealer(KeyRing(generate_password())).seal({"access_token": "t"}))
        response = world.get("/who")
        assert ("nobody: unknown_key", []) == (response.text, world.cookies(response))

    def test_a_duplicate_that_does_not_open_does_no_harm(self, world: World) -> None:
        """Every cookie of the name is tried, and what is foreign is left alone."""
        plant(world, "planted", attributes="Path=/; Secure; Domain=example.com")
        world.get("/sign-in")
        response = world.get("/who")
        assert ("user_1", []) == (response.text, world.cookies(response))
        assert 2 == len(world.browser.jar.cookies())

    def test_of_two_that_open_the_newest_counts_and_the_other_goes(self, world: World) -> None:
        """Such as one from before the Domain was changed."""
        state = world.app.extensions["sealed_session"]
        old = state.sealer.seal({"access_token": "old", "user": {"id": "old"}})
        plant(world, old, attributes="Path=/; Secure; Domain=example.com")
        world.clock.advance(10)
        world.get("/sign-in")
        assert "user_1" == world.get("/who").text
        assert [True] == [cookie.host_only for cookie in world.browser.jar.cookies()]
        assert [] == world.cookies(world.get("/who"))

    def test_a_view_that_does_not_look_costs_nothing(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """The cookie is not opened, and the response says nothing about it."""
        world.get("/sign-in")
        monkeypatch.setattr(Sealer, "unseal", lambda *_: pytest.fail("opened"))
        response = world.get("/public")
        assert ([], None, None) == (
            world.cookies(response),
            response.headers.get("Vary"),
            response.headers.get("Cache-Control"),
        )

    def test_a_header_that_is_too_long_is_not_looked_at(self, world: World) -> None:
        """Whatever stands in it."""
        world.get("/sign-in")
        header = f"{NAME}={sealed(world)}; pad={'x' * 66_000}"
        response = world.app.test_client(use_cookies=False).get("/who", headers={"Cookie": header})
        assert ("nobody: unreadable", []) == (response.text, response.headers.getlist("Set-Cookie"))

    def test_the_access_token_may_end_a_little_late(self, make_world: MakeWorld) -> None:
        """CLOCK_SKEW seconds, for clocks that differ."""
        world = make_world(provider=None)
        world.get("/sign-in")
        world.clock.advance(309)
        assert "user_1" == world.get("/who").text
        world.clock.advance(1)
        assert "nobody: expired" == world.get("/who").text

    def test_without_a_provider_the_end_of_the_token_is_the_end(self, make_world: MakeWorld) -> None:
        """The cookie stays all the same."""
        world = make_world(provider=None)
        world.get("/sign-in")
        world.clock.advance(400)
        response = world.get("/private")
        assert (401, []) == (response.status_code, world.cookies(response))

    def test_the_end_of_the_providers_session_is_the_end(self, make_world: MakeWorld) -> None:
        """However long the access token would last."""
        world = make_world(provider=None)
        ends = world.clock.now + 60
        world.do(lambda: world.auth.sign_in(access_token="opaque", user={"id": "o"}, session_expires_at=ends))
        assert "nobody" not in world.get("/private").text
        world.clock.advance(61)
        assert "nobody: expired" == world.get("/who").text

    def test_the_absolute_lifetime_ends_a_session(self, make_world: MakeWorld) -> None:
        """Whatever was refreshed since."""
        world = make_world(ABSOLUTE_LIFETIME=1000)
        world.get("/sign-in")
        for _ in range(3):
            world.clock.advance(320)
            assert "user_1" == world.get("/who").text
        world.clock.advance(320)
        assert "nobody: too_old" == world.get("/who").text

    @pytest.mark.parametrize("space", ["\xa0", "\x85", "\x1c", "\x1f", "\x0b"])
    def test_a_name_is_taken_as_the_browser_sent_it(self, make_world: MakeWorld, space: str) -> None:
        """With a byte before it, which Python takes for space, no browser guards it as a name with a prefix."""
        world = make_world(COOKIE_NAME="__Host-s", COOKIE_SECURE=True)
        world.get("/sign-in")
        value = world.browser.jar.get("__Host-s").value
        client = world.app.test_client(use_cookies=False)
        for header, expected in (
            (f"{space}__Host-s={value}", "nobody: missing"),
            (f"a=b;\t __Host-s={value} ", "user_1"),
        ):
            environ = EnvironBuilder("/who", base_url=ORIGIN).get_environ() | {"HTTP_COOKIE": header}
            assert expected == client.open(environ).text

    def test_a_second_cookie_that_cannot_be_removed_is_not_written_against(self, world: World) -> None:
        """Once an hour, at most: every write could bring back what somebody has just ended."""
        sealer = world.app.extensions["sealed_session"].sealer
        plant(world, sealer.seal({"access_token": "t"}), attributes="Path=/who; Secure; Partitioned")
        world.clock.advance(4000)
        plant(world, sealer.seal({"access_token": "t"}), attributes="Path=/wh; Secure")
        written = []
        for _ in range(4):
            world.clock.advance(1000)
            written.append(bool(world.cookies(world.get("/who"))))
        assert [False, False, False] == written[:3]

    def test_the_current_name_goes_before_a_former_one(self, make_world: MakeWorld) -> None:
        """However much newer that is."""
        former, now = make_world(COOKIE_NAME="old"), make_world(COOKIE_PREVIOUS_NAMES=["old"])
        now.get("/sign-in")
        former.clock.advance(50)
        former.do(lambda: former.auth.sign_in(access_token="t", user={"id": "newer"}))
        assert now.browser.jar.store(f"old={former.browser.jar.get('old').value}; Secure; Path=/", ORIGIN) is None
        now.clock.advance(60)
        assert "user_1" == now.get("/who").text

    def test_a_session_whose_end_is_to_come_is_good(self, world: World) -> None:
        """Until then."""
        ends = world.clock.now + 600
        world.do(lambda: world.auth.sign_in(access_token="opaque", user={"id": "o"}, session_expires_at=ends))
        assert "o" == world.get("/who").text


class TestSignIn:
    """Opening a session."""

    def test_it_takes_the_place_of_whoever_was_there(self, make_world: MakeWorld) -> None:
        """Under another Domain and with a clock ahead: the next page is the new person's."""
        former, now = make_world(COOKIE_DOMAIN="example.com"), make_world()
        former.clock.advance(4)
        former.get("/sign-in")
        now.browser.jar = former.browser.jar
        now.do(lambda: now.auth.sign_in(access_token="t", user={"id": "new"}))
        assert ("new", 1) == (now.get("/who").text, len(now.browser.jar.cookies()))

    def test_it_gets_an_id_where_the_token_has_none(self, world: World) -> None:
        """Random, and kept over every further seal."""

        def opaque() -> str:
            world.auth.sign_in(access_token="opaque", user={"id": "o"})
            return "ok"

        world.do(opaque)
        first = opened(world).session_id
        world.get("/note?note=x")
        assert first == opened(world).session_id
        world.do(opaque)
        assert first != opened(world).session_id

    def test_it_is_seen_in_the_same_request(self, world: World) -> None:
        """By whoever looks after it."""

        def both() -> str:
            assert not current_session
            world.auth.sign_in(**world.provider.sign_in({"id": "now"}))
            return str(current_session.user["id"])

        assert "now" == world.do(both).text

    def test_an_expired_access_token_is_taken(self, world: World) -> None:
        """It is renewed when it is next needed."""

        def late() -> str:
            values = world.provider.sign_in()
            world.auth.sign_in(**values | {"access_token": access_token(expires_at=world.clock.now - 100)})
            return "ok"

        world.do(late)
        assert ("user_1", 1) == (world.get("/who").text, len(world.provider.calls))

    def test_too_much_raises_in_the_view_with_the_table(self, world: World) -> None:
        """And the session that there was stays."""
        world.get("/sign-in")
        before = sealed(world)

        def large() -> str:
            with pytest.raises(SealTooLarge) as caught:
                world.auth.sign_in(access_token="t", refresh_token="r" * 6000)
            return str(caught.value)

        response = world.do(large)
        assert "refresh_token" in response.text
        assert ([], before) == (world.cookies(response), sealed(world))

    def test_the_request_need_not_be_read_first(self, world: World) -> None:
        """An old session is not renewed only to be replaced."""
        world.get("/sign-in")
        world.clock.advance(400)
        world.get("/sign-in")
        assert [] == world.provider.calls


class TestSignOut:
    """Ending a session."""

    def test_the_cookie_goes(self, world: World) -> None:
        """And the person is signed out in the same request already."""
        world.get("/sign-in")
        world.get("/sign-out")
        assert ([], "nobody: missing") == (world.browser.jar.cookies(), world.get("/who").text)

    def test_it_comes_back_with_where_to_go(self, world: World) -> None:
        """And with the plain truth: of nobody nothing was revoked, and nothing recorded."""

        def bye() -> str:
            return repr(tuple(world.auth.sign_out("/goodbye")))

        assert "('/goodbye', False, False)" == world.do(bye).text

    def test_it_beats_the_automatic_refresh(self, world: World) -> None:
        """Of the same request: the provider is not even asked."""
        world.get("/sign-in")
        world.clock.advance(400)
        world.get("/sign-out")
        assert ([], []) == (world.provider.calls, world.browser.jar.cookies())

    def test_it_beats_what_the_request_wrote_before(self, world: World) -> None:
        """Sign-in, update and refresh alike."""

        def everything() -> str:
            world.auth.sign_in(**world.provider.sign_in())
            world.auth.update(extra={"a": 1})
            world.auth.refresh(force=True)
            world.auth.sign_out()
            return f"{bool(current_session)}"

        assert ("False", []) == (world.do(everything).text, world.browser.jar.cookies())

    def test_somebody_else_may_sign_in_afterwards(self, world: World) -> None:
        """The last act counts."""

        def switch() -> str:
            world.auth.sign_out()
            world.auth.sign_in(**world.provider.sign_in({"id": "other"}))
            return "ok"

        world.get("/sign-in")
        world.do(switch)
        assert "other" == world.get("/who").text

    @pytest.mark.parametrize("then", [None, ".example.com"])
    def test_it_clears_what_was_set_under_another_domain(self, make_world: MakeWorld, then: str | None) -> None:
        """Host-only and by Domain: whichever the configuration was before."""
        former = make_world(COOKIE_DOMAIN=None if then else "example.com")
        now = make_world(COOKIE_DOMAIN=then)
        former.get("/sign-in")
        now.browser.jar = former.browser.jar
        assert "user_1" == now.get("/who").text
        now.get("/sign-out")
        assert [] == now.browser.jar.cookies()

    def test_it_clears_former_names(self, make_world: MakeWorld) -> None:
        """Under which the person would be signed in again."""
        former = make_world(COOKIE_NAME="old")
        now = make_world(COOKIE_PREVIOUS_NAMES=["old"])
        former.get("/sign-in")
        now.browser.jar = former.browser.jar
        now.get("/sign-out")
        assert [] == now.browser.jar.cookies()

    def test_another_deployments_cookie_stays(self, world: World) -> None:
        """One of the same name and of a parent domain, which we cannot open, where nobody is signed in with us."""
        plant(
            world,
            Sealer(KeyRing(generate_password())).seal({"access_token": "t"}),
            attributes="Path=/; Domain=example.com",
        )
        world.get("/sign-out")
        assert ["example.com"] == [cookie.domain for cookie in world.browser.jar.cookies()]

    def test_ours_goes_whatever_lies_beside_it(self, make_world: MakeWorld) -> None:
        """A sign-out that reports success and leaves somebody signed in would be none."""
        former, now = make_world(COOKIE_DOMAIN="example.com"), make_world()
        former.get("/sign-in")
        now.browser.jar = former.browser.jar
        plant(now, "garbage")
        now.get("/sign-out")
        assert "nobody: missing" == now.get("/who").text

    @pytest.mark.parametrize(
        ("former", "now"),
        [
            ({}, {"COOKIE_PARTITIONED": True}),
            ({"COOKIE_PARTITIONED": True}, {}),
            ({"COOKIE_PATH": "/sign-out"}, {}),
            ({}, {"COOKIE_PATH": "/sign-out"}),
        ],
    )
    def test_ours_goes_whatever_it_was_set_with(
        self, make_world: MakeWorld, former: dict[str, Any], now: dict[str, Any]
    ) -> None:
        """Before Path or Partitioned was changed."""
        before, after = (make_world(COOKIE_SECURE=True, **settings) for settings in (former, now))
        before.get("/sign-in")
        after.browser.jar = before.browser.jar
        after.get("/sign-out")
        assert [] == after.browser.jar.cookies()


class TestUpdate:
    """The application's side of the session."""

    def test_it_is_kept(self, world: World) -> None:
        """With the tokens and the time of signing in."""
        world.get("/sign-in")
        before, started = opened(world), world.clock.now
        world.clock.advance(50)
        world.get("/note?note=hello")
        assert before.replace(extra={"note": "hello"}) == opened(world)
        assert started == world.app.extensions["sealed_session"].sealer.unseal(sealed(world)).started_at

    def test_nobody_has_no_session_to_update(self, world: World) -> None:
        """The error says why nobody is signed in."""

        def attempt() -> str:
            with pytest.raises(UsageError) as caught:
                world.auth.update(extra={})
            return f"{caught.value.code} {caught.value}"

        assert world.do(attempt).text.startswith("no_session nobody is signed in (missing).")

    def test_it_does_not_lose_the_pair_of_the_same_request(self, world: World) -> None:
        """Refreshed first, by itself or by the view."""
        world.get("/sign-in")
        world.clock.advance(400)
        world.get("/note?note=x")
        assert 1 == len(world.provider.calls)
        world.clock.advance(400)
        assert "user_1" == world.get("/who").text

    def test_a_refresh_after_it_does_not_lose_it(self, world: World) -> None:
        """Both are in the cookie."""

        def both() -> str:
            world.auth.update(user={"id": "user_1", "name": "New"})
            world.auth.refresh(force=True)
            return "ok"

        world.get("/sign-in")
        before = opened(world)
        world.do(both)
        assert {"id": "user_1", "name": "New"} == opened(world).user
        assert before.refresh_token != opened(world).refresh_token

    def test_one_that_does_not_fit_leaves_the_refreshed_pair(self, world: World) -> None:
        """It raises in the view; what happened by itself is written all the same."""

        def too_much() -> str:
            with pytest.raises(SealTooLarge):
                world.auth.update(extra={"text": "x" * 9000})
            return "ok"

        world.get("/sign-in")
        world.clock.advance(400)
        world.do(too_much)
        world.clock.advance(400)
        assert ("user_1", 2) == (world.get("/who").text, len(world.provider.calls))

    def test_what_is_not_named_stays_and_none_removes(self, world: World) -> None:
        """User and extra apart."""

        def remove() -> str:
            world.auth.update(user=None)
            return "ok"

        world.get("/sign-in")
        world.get("/note?note=x")
        world.do(remove)
        assert (None, {"note": "x"}) == (opened(world).user, opened(world).extra)


class TestRefresh:
    """New tokens, by themselves and on demand."""

    def test_an_expired_token_is_renewed_within_the_request(self, world: World) -> None:
        """The view does not notice, and the cookie carries the new pair."""
        world.get("/sign-in")
        before = opened(world)
        world.clock.advance(400)
        response = world.get("/private")
        assert ("private to user_1", [NAME]) == (response.text, world.cookies(response))
        assert before.refresh_token != opened(world).refresh_token
        assert [] == world.cookies(world.get("/private"))

    @pytest.mark.row("WO-2")
    def test_WO_2_every_refresh_issues_the_cookie_in_full_again(self, world: World) -> None:  # noqa: N802
        """For 400 days from then on, and the person signed in when she did."""
        world.get("/sign-in")
        world.clock.advance(100 * 86_400)
        world.get("/who")
        cookie = world.browser.jar.get(NAME)
        assert world.clock.now + 34_560_000 == cookie.expires_at
        assert (True, True, "Lax", "/") == (cookie.http_only, cookie.secure, cookie.same_site, cookie.path)
        world.clock.advance(399 * 86_400)
        assert "user_1" == world.get("/who").text

    @pytest.mark.row("WO-2")
    @pytest.mark.parametrize("max_age", [3600, None])
    def test_WO_2_the_max_age_can_be_set(self, make_world: MakeWorld, max_age: int | None) -> None:  # noqa: N802
        """None is a cookie that ends with the browser."""
        world = make_world(COOKIE_MAX_AGE=max_age)
        world.get("/sign-in")
        assert (max_age and world.clock.now + max_age) == world.browser.jar.get(NAME).expires_at

    def test_a_denial_signs_out_and_keeps_the_cookie(self, world: World) -> None:
        """It may be an error of the deployment; the response that brings it clears nothing."""
        world.get("/sign-in")
        world.provider.end_every_session()
        world.clock.advance(400)
        response = world.get("/who")
        assert ("nobody: denied", []) == (response.text, world.cookies(response))

    def test_a_step_up_keeps_the_cookie(self, world: World) -> None:
        """And the provider's answer goes to the unauthorized handler alone."""
        seen: list[Any] = []

        def handle(refusal: Any) -> tuple[str, int]:
            seen.append(refusal)
            return "more, please", 403

        world.auth.unauthorized_handler(handle)
        world.get("/sign-in")
        world.provider.fail(StepUpRequired({"code": "mfa_enrollment", "pending": "secret"}))
        world.clock.advance(400)
        response = world.get("/private")
        assert (403, []) == (response.status_code, world.cookies(response))
        assert ("step_up", {"code": "mfa_enrollment", "pending": "secret"}) == (seen[0].reason, seen[0].payload)
        assert "secret" not in repr(seen[0])

    def test_a_provider_that_is_down_is_a_503_and_signs_nobody_out(self, world: World) -> None:
        """The cookie is kept, and the next request tries again."""
        world.get("/sign-in")
        world.clock.advance(400)
        world.provider.fail(ProviderUnavailable(retry_after=7))
        response = world.get("/private")
        assert (503, "7", []) == (response.status_code, response.headers["Retry-After"], world.cookies(response))
        assert "private, no-store" == response.headers["Cache-Control"]
        world.clock.advance(7)
        assert 200 == world.get("/private").status_code

    @pytest.mark.parametrize("answer", [None, "text", {"access_token": "t"}])
    def test_a_provider_that_answers_nonsense_is_down(
        self, make_world: MakeWorld, answer: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Logged by its type, never by its value."""
        world = make_world(provider=lambda _session: answer)
        world.get("/sign-in")
        world.clock.advance(400)
        assert "nobody: unavailable" == world.get("/who").text
        assert f"returned {type(answer).__name__}" in caplog.text

    def test_a_provider_that_crashes_is_down(self, make_world: MakeWorld, caplog: pytest.LogCaptureFixture) -> None:
        """What it raises is logged without its message."""

        def refresh(session: Session) -> Session:
            raise ValueError(f"bad token {session.refresh_token}")

        world = make_world(provider=refresh)
        world.get("/sign-in")
        world.clock.advance(400)
        assert "nobody: unavailable" == world.get("/who").text
        assert "raised ValueError" in caplog.text
        assert "bad token" not in caplog.text

    def test_somebody_elses_session_is_a_denial(self, make_world: MakeWorld) -> None:
        """Whoever the provider says it is now, it is not who signed in."""
        world = make_world(provider=lambda _: Session(access_token(expires_at=None, sub="mallory")))
        world.get("/sign-in")
        world.clock.advance(400)
        assert "nobody: denied" == world.get("/who").text

    @pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}])
    def test_a_prefetch_refreshes_nothing(self, world: World, headers: dict[str, str]) -> None:
        """Nobody may ever look at it; it is told to come again, and is not stored."""
        world.get("/sign-in")
        world.clock.advance(400)
        response = world.get("/private", headers=headers)
        assert (503, "private, no-store") == (response.status_code, response.headers["Cache-Control"])
        assert ([], "nobody: unavailable") == (world.provider.calls, world.get("/who", headers=headers).text)

    def test_options_refreshes_nothing(self, world: World) -> None:
        """Even where a view handles it."""

        def options() -> str:
            return f"{current_session.reason}"

        world.get("/sign-in")
        world.clock.advance(400)
        assert "unavailable" == world.do(options, "OPTIONS").text
        assert [] == world.provider.calls

    def outcome(self, world: World, **arguments: Any) -> Outcome:
        """What ``auth.refresh`` returns in a view."""
        outcomes: list[Outcome] = []

        def ask() -> None:
            outcomes.append(world.auth.refresh(**arguments))

        world.do(ask)
        return outcomes[0]

    def test_on_demand_it_leaves_what_is_good(self, world: World) -> None:
        """Unless it is forced, or asked for more than tokens."""
        world.get("/sign-in")
        assert Kind.CURRENT is self.outcome(world).kind
        assert Kind.REFRESHED is self.outcome(world, force=True).kind
        assert Kind.REFRESHED is self.outcome(world, organization_id="org_1").kind
        assert [{}, {"organization_id": "org_1"}] == world.provider.calls
        assert "org_1" == opened(world).claims["organization_id"]

    def test_on_demand_it_comes_before_the_automatic_one(self, world: World) -> None:
        """One call, with the arguments."""
        world.get("/sign-in")
        world.clock.advance(400)
        self.outcome(world, organization_id="org_1")
        assert [{"organization_id": "org_1"}] == world.provider.calls

    def test_on_demand_a_provider_that_is_down_changes_nothing(self, world: World) -> None:
        """The access token is good, so the session goes on."""
        world.get("/sign-in")
        world.provider.fail()
        outcome = self.outcome(world, force=True)
        assert (Kind.UNAVAILABLE, True) == (outcome.kind, outcome.retryable)
        assert "user_1" == world.get("/who").text

    def test_on_demand_a_denial_signs_out(self, world: World) -> None:
        """The provider says that the session is dead, though its token would last."""
        states: list[bool] = []

        def force() -> str:
            world.auth.refresh(force=True)
            states.append(bool(current_session))
            return "ok"

        world.get("/sign-in")
        world.provider.fail(RefreshDenied())
        world.do(force)
        assert [False] == states

    def test_on_demand_it_needs_a_provider_and_somebody(self, make_world: MakeWorld) -> None:
        """Both errors say what to do."""
        for provider, signed_in, code in ((None, True, "no_provider"), (..., False, "no_session")):
            world = make_world(provider=provider)
            if signed_in:
                world.get("/sign-in")
            with world.app.test_request_context(base_url=ORIGIN), pytest.raises(UsageError) as caught:
                world.auth.refresh()
            assert code == caught.value.code

    def test_a_session_without_a_refresh_token_just_expires(self, world: World) -> None:
        """The provider is not asked for what cannot be."""

        def bare() -> str:
            world.auth.sign_in(access_token=access_token(expires_at=world.clock.now + 60))
            return "ok"

        world.do(bare)
        world.clock.advance(100)
        assert ("nobody: expired", []) == (world.get("/who").text, world.provider.calls)

    def test_what_the_answer_leaves_out_is_kept(self, make_world: MakeWorld) -> None:
        """User, impersonator, extra, the refresh token, the id."""
        world = make_world(provider=lambda _: Session("new", access_expires_at=2_000_000_000))

        def full() -> str:
            world.auth.sign_in(
                access_token="old",
                access_expires_at=world.clock.now + 60,
                refresh_token="r",
                user={"id": "u"},
                impersonator={"email": "support@example.com"},
                extra={"a": 1},
                tokens={"id_token": "i"},
            )
            return "ok"

        world.do(full)
        before = opened(world)
        world.clock.advance(100)
        world.get("/who")
        assert before.replace(access_token="new", access_expires_at=2_000_000_000) == opened(world)

    def test_on_demand_without_a_refresh_token_it_leaves_what_is_good(self, world: World) -> None:
        """There is nothing to refresh with, and no need."""

        def bare() -> None:
            world.auth.sign_in(access_token=access_token(expires_at=world.clock.now + 60))

        world.do(bare)
        assert Kind.CURRENT is self.outcome(world, force=True).kind
        assert [] == world.provider.calls

    def test_after_a_denial_nothing_brings_the_session_back(self, world: World) -> None:
        """Not even asking once more, which the provider refuses as well."""
        states: list[object] = []

        def twice() -> None:
            states.append(world.auth.refresh(force=True).kind)
            states.append(world.auth.refresh().kind)
            states.append(bool(current_session))

        world.get("/sign-in")
        world.provider.end_every_session()
        world.do(twice)
        assert [Kind.DENIED, Kind.DENIED, False] == states

    def test_a_new_token_that_has_ended_already_is_told(
        self, make_world: MakeWorld, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Once: two clocks differ, and every request will ask again."""
        world = make_world(provider=lambda _: Session(access_token(expires_at=1_000_000_000)))
        world.get("/sign-in")
        world.clock.advance(400)
        assert ("user_1", "user_1") == (world.get("/who").text, world.get("/who").text)
        assert 1 == caplog.text.count("compare the clocks")

    def test_a_session_that_the_provider_has_ended_is_not_asked_about(self, world: World) -> None:
        """Its end was told when it began."""
        values = world.provider.sign_in()
        ends = world.clock.now + 60
        world.do(lambda: world.auth.sign_in(**values, session_expires_at=ends))
        world.clock.advance(400)
        assert ("nobody: expired", []) == (world.get("/who").text, world.provider.calls)


class TestRotation:
    """A cookie that is not as it would be sealed now is sealed anew, once."""

    @pytest.mark.row("WO-15")
    def test_WO_15_a_new_password_signs_nobody_out(self, make_world: MakeWorld, password: str) -> None:  # noqa: N802
        """What the old one sealed opens, and is sealed anew on that response with every attribute."""
        old = make_world(COOKIE_DOMAIN="example.com", COOKIE_SAMESITE="Strict")
        old.get("/sign-in")
        new = make_world(
            COOKIE_DOMAIN="example.com",
            COOKIE_SAMESITE="Strict",
            PASSWORD=(fresh := generate_password()),
            PASSWORD_FALLBACKS=[password],
        )
        new.browser.jar = old.browser.jar
        before = old.browser.jar.get(NAME)
        new.clock.advance(100)
        response = new.get("/who")
        after = new.browser.jar.get(NAME)
        assert ("user_1", [NAME]) == (response.text, new.cookies(response))
        assert before.value != after.value
        assert (before.domain, before.same_site, before.http_only, before.secure, before.path) == (
            after.domain,
            after.same_site,
            after.http_only,
            after.secure,
            after.path,
        )
        assert [] == new.cookies(new.get("/who"))
        only_new = make_world(COOKIE_DOMAIN="example.com", PASSWORD=fresh)
        only_new.browser.jar = new.browser.jar
        assert "user_1" == only_new.get("/who").text

    @pytest.mark.row("WO-15")
    def test_WO_15_the_three_steps_of_the_guide(self, make_world: MakeWorld, password: str) -> None:  # noqa: N802
        """Old and new nodes read each other's cookies in every step."""
        new = generate_password()
        steps = [
            make_world(PASSWORD=current, PASSWORD_FALLBACKS=fallbacks)
            for current, fallbacks in ((password, []), (password, [new]), (new, [password]), (new, []))
        ]
        for earlier, later in pairwise(steps):
            for first, second in ((earlier, later), (later, earlier)):
                first.browser.jar = second.browser.jar = Jar(first.clock)
                first.get("/sign-in")
                assert "user_1" == second.get("/who").text

    def test_the_signal_says_which_password_opened_it(self, make_world: MakeWorld, password: str) -> None:
        """By which one counts the cookies that still need the old one."""
        old = make_world()
        new = make_world(PASSWORD=generate_password(), PASSWORD_FALLBACKS=[generate_password(), password])
        old.get("/sign-in")
        new.browser.jar = old.browser.jar
        seen: list[dict[str, Any]] = []

        def receive(_app: Flask, **facts: Any) -> None:
            seen.append(facts)

        with session_resealed.connected_to(receive, new.app):
            new.get("/who")
        assert [{"reasons": ("fallback",), "password_index": 2}] == seen

    @pytest.mark.row("WO-7")
    def test_WO_7_a_former_name_is_read_once_and_migrated(self, make_world: MakeWorld) -> None:  # noqa: N802
        """The new name takes its place, and the old cookie goes."""
        former = make_world(COOKIE_NAME="wos-session")
        now = make_world(COOKIE_PREVIOUS_NAMES=["wos-session"])
        former.get("/sign-in")
        now.browser.jar = former.browser.jar
        now.clock.advance(5)
        assert "user_1" == now.get("/who").text
        assert [NAME] == [cookie.name for cookie in now.browser.jar.cookies()]
        assert [] == now.cookies(now.get("/who"))

    @pytest.mark.row("WO-7")
    def test_WO_7_names_keep_instances_apart(self, make_world: MakeWorld) -> None:  # noqa: N802
        """With one password, neither opens the other's value, not even moved under its own name."""
        one, other = make_world(COOKIE_NAME="one"), make_world(COOKIE_NAME="other")
        one.get("/sign-in")
        other.browser.jar = one.browser.jar
        assert "nobody: missing" == other.get("/who").text
        plant(other, one.browser.jar.get("one").value, name="other")
        assert "nobody: unreadable" == other.get("/who").text

    @pytest.mark.row("WO-7")
    def test_WO_7_another_systems_cookie_is_an_anonymous_request(self, world: World) -> None:  # noqa: N802
        """An iron-session or Fernet value under our name, for example."""
        for value in ("Fe26.2**0cdd607945dd1dffb7da0b0bf5f1a7daa6218cbae14cac51dcbd91fb077aeb5b", "gAAAAABmZg"):
            plant(world, value)
            response = world.get("/who")
            assert ("nobody: unreadable", []) == (response.text, world.cookies(response))

    def test_a_session_that_cannot_be_renewed_is_sealed_anew_all_the_same(
        self, make_world: MakeWorld, password: str
    ) -> None:
        """The provider is down on the one day, and the old password gone on the next."""
        old = make_world()
        old.get("/sign-in")
        new = make_world(PASSWORD=generate_password(), PASSWORD_FALLBACKS=[password])
        new.browser.jar = old.browser.jar
        new.clock.advance(400)
        new.provider.fail()
        response = new.get("/who")
        assert ("nobody: unavailable", [NAME]) == (response.text, new.cookies(response))

    def test_several_of_ours_beside_a_foreign_one_are_left_alone(self, world: World) -> None:
        """None of them could be cleared without the foreign one; the newest counts, and nothing is written."""
        sealer = world.app.extensions["sealed_session"].sealer
        for path, age in (("/w", 30), ("/wh", 20)):
            world.clock.advance(-age)
            value = sealer.seal({"access_token": "t", "user": {"id": path}})
            plant(world, value, attributes=f"Path={path[:1]}; Secure; Domain={'example.com' if age == 30 else ''}")
            world.clock.advance(age)
        foreign = Sealer(KeyRing(generate_password())).seal({"access_token": "t"})
        plant(world, foreign, attributes="Path=/who; Secure")
        response = world.get("/who")
        assert ("/wh", []) == (response.text, world.cookies(response))


class TestHooks:
    """Whatever else goes wrong, a cookie that was due is sent."""

    def test_a_view_that_crashes_after_a_refresh_does_not_lose_the_pair(self, world: World) -> None:
        """The error response carries it."""
        world.get("/sign-in")
        world.clock.advance(400)
        response = world.get("/crash")
        assert (500, [NAME]) == (response.status_code, world.cookies(response))
        world.clock.advance(400)
        assert "user_1" == world.get("/who").text

    def test_another_extensions_hook_that_raises_does_not_either(self, world: World) -> None:
        """Registered before ours or after it."""

        def broken(_response: Response) -> Response:
            raise ZeroDivisionError

        world.get("/sign-in")
        world.clock.advance(400)
        world.late = broken
        response = world.get("/who")
        assert (500, [NAME]) == (response.status_code, world.cookies(response))

    def test_a_hook_that_replaces_the_response_does_not_either(self, world: World) -> None:
        """With one that has no header of ours, or a copy of them all."""
        world.late = lambda _: world.app.response_class("other")
        assert [NAME] == world.cookies(world.get("/sign-in"))
        world.browser.jar = Jar(world.clock)
        world.late = lambda response: world.app.response_class("other", headers=response.headers)
        assert [NAME] == world.cookies(world.get("/sign-in"))

    def test_acts_of_late_hooks_are_written(self, world: World) -> None:
        """In another's after_request, and in after_this_request."""

        def late(response: Response) -> Response:
            world.auth.update(extra={"late": True})
            return response

        world.get("/sign-in")
        world.late = late
        assert [NAME] == world.cookies(world.get("/public"))
        assert {"late": True} == opened(world).extra

    def test_an_error_handler_may_sign_out(self, world: World) -> None:
        """After a hook has raised, even: the response that replaces the first is what counts."""

        def sign_out() -> str:
            world.auth.sign_out()
            return "signed out"

        def raising(_response: Response) -> Response:
            world.late = None
            raise ZeroDivisionError

        world.on_error = sign_out
        for path, late in (("/crash", None), ("/who", raising)):
            world.late = None
            world.get("/sign-in")
            world.late = late
            assert "signed out" == world.get(path).text
            assert [] == world.browser.jar.cookies()

    def test_a_function_that_waits_for_the_response_and_raises_does_not_either(self, world: World) -> None:
        """Registered in the view before anybody looked at the session."""

        def act() -> str:
            @after_this_request
            def broken(_response: Response) -> Response:
                raise ZeroDivisionError

            world.auth.sign_in(**world.provider.sign_in())
            return "ok"

        response = world.do(act)
        assert (500, [NAME]) == (response.status_code, world.cookies(response))

    def test_hooks_that_were_registered_first_run_before_ours(self, password: str) -> None:
        """Whatever they do to the response, it is private and carries the cookie."""
        app, auth = Flask("early"), SealedSession()

        @app.after_request
        def early(response: Response) -> Response:
            if current_session and response.status_code == 200:
                response = app.response_class(response.get_data())
            response.headers["Cache-Control"] = "public, max-age=60"
            return response

        app.config["SEALED_SESSION_PASSWORD"] = password
        auth.init_app(app)

        @app.get("/in")
        def sign_in() -> str:
            auth.sign_in(access_token="t")
            return "ok"

        headers = app.test_client().get("/in").headers
        assert ("max-age=60, private", "Cookie") == (headers["Cache-Control"], headers["Vary"])
        assert headers["Set-Cookie"].startswith(f"{NAME}=")

    @pytest.mark.parametrize("added", ["{line}; Priority=High", "{pair}; Priority=High; {attributes}"])
    def test_a_hook_may_add_an_attribute(self, world: World, added: str) -> None:
        """The line is known by its value, and stands there once."""

        def add(response: Response) -> Response:
            lines = response.headers.getlist("Set-Cookie")
            parts = [(line, *line.split("; ", 1)) for line in lines]
            changed = [added.format(line=line, pair=pair, attributes=rest) for line, pair, rest in parts]
            response.headers.setlist("Set-Cookie", changed)
            return response

        world.late = add
        assert [NAME] == world.cookies(world.get("/sign-in"))

    def test_the_cookie_is_written_once(self, world: World) -> None:
        """However often the hooks run, and beside the cookies of others."""

        def twice() -> Response:
            world.auth.sign_in(**world.provider.sign_in())
            world.auth.update(extra={"a": 1})

            @after_this_request
            def look(response: Response) -> Response:
                bool(current_session)
                return response

            response = world.app.make_response("ok")
            response.set_cookie("mine", "1")
            return response

        assert ["mine", NAME] == world.cookies(world.do(twice))

    def test_reading_writes_nothing(self, world: World) -> None:
        """No rolling writes: they would bring sessions back that were just ended."""
        world.get("/sign-in")
        assert [[], [], []] == [world.cookies(world.get(path)) for path in ("/who", "/private", "/public")]


class TestEnviron:
    """An environ may serve a second request, and be copied for another one."""

    def test_a_second_request_with_one_environ_is_read_anew(self, world: World) -> None:
        """Nobody is signed in by what an earlier request brought."""
        world.get("/sign-in")
        environ = EnvironBuilder("/who", base_url=ORIGIN).get_environ()
        environ["HTTP_COOKIE"] = f"{NAME}={sealed(world)}"
        with world.app.request_context(environ):
            assert current_session
        environ["HTTP_COOKIE"] = ""
        with world.app.request_context(environ):
            assert not current_session

    def test_a_request_within_a_request_is_somebody_elses(self, world: World) -> None:
        """And leaves the outer one's response open."""
        world.get("/sign-in")

        def act() -> str:
            assert current_session
            inner = {**request.environ, "PATH_INFO": "/who", "HTTP_COOKIE": "", "REQUEST_METHOD": "GET"}
            said = Response.from_app(world.app.wsgi_app, inner).get_data(as_text=True)
            world.auth.update(extra={"a": 1})
            return said

        response = world.do(act)
        assert ("nobody: missing", [NAME]) == (response.text, world.cookies(response))

    def test_an_environ_that_is_sent_twice_is_answered_twice(self, world: World) -> None:
        """As middleware does that tries again."""
        environ = EnvironBuilder("/sign-in", base_url=ORIGIN).get_environ()
        for _ in range(2):
            answer = Response.from_app(world.app.wsgi_app, environ)
            assert (200, 1) == (answer.status_code, len(answer.headers.getlist("Set-Cookie")))

    def test_after_the_request_a_session_that_was_read_can_still_be_read(self, world: World) -> None:
        """By whoever kept it; one that was not says that the request is over."""
        kept: list[Any] = []
        world.get("/sign-in")

        def act() -> None:
            kept.append(request_session())
            assert current_session

        world.do(act)
        gc.collect()
        assert "user_1" == kept[0].session.user["id"]
        with pytest.raises(UsageError, match="response is made"):
            kept[0].sign_out()
        with pytest.raises(RuntimeError, match="request of this session is over"):
            kept[0].measure()

    def test_without_flasks_list_of_waiting_functions_it_waits_in_line(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another release of Flask may keep it elsewhere."""
        monkeypatch.setattr("flask_ext.current.request_ctx", object())
        assert [NAME] == world.cookies(world.get("/sign-in"))

    def test_nobody_is_signed_in_while_the_provider_is_asked(self, world: World) -> None:
        """Not for another thread of the request, and not for a receiver of the signals."""
        seen: list[bool] = []

        def receive(_app: Flask, **_facts: Any) -> None:
            seen.append(bool(current_session))

        world.get("/sign-in")
        world.provider.end_every_session()
        world.clock.advance(400)
        with session_refresh_failed.connected_to(receive, world.app):
            world.get("/who")
        assert [False] == seen


class TestStreaming:
    """Headers leave before a generator runs."""

    def test_it_may_read(self, world: World) -> None:
        """With the request at hand, as Flask does it."""

        def stream() -> Any:
            def parts() -> Iterator[str]:
                yield f"hello {current_session.user['id']}"

            return stream_with_context(parts())

        world.get("/sign-in")
        assert "hello user_1" == world.do(stream).text

    @pytest.mark.parametrize("act", ["sign_out", "update", "refresh", "sign_in"])
    def test_it_may_not_write(self, world: World, act: str) -> None:
        """It is told so; a cookie would be lost without a word."""
        acts = {
            "sign_out": world.auth.sign_out,
            "update": lambda: world.auth.update(extra={}),
            "refresh": lambda: world.auth.refresh(force=True),
            "sign_in": lambda: world.auth.sign_in(access_token="t"),
        }

        def stream() -> Any:
            def parts() -> Iterator[str]:
                with pytest.raises(UsageError) as caught:
                    acts[act]()  # type: ignore[operator]
                yield f"{caught.value.code} {caught.value}"

            return stream_with_context(parts())

        world.get("/sign-in")
        text = world.do(stream).text
        assert text.startswith(f"response_finished {act}: ")
        assert [] == world.provider.calls

    def test_it_refreshes_nothing(self, world: World) -> None:
        """The new pair could not be sent, and the old one is used up then."""

        def stream() -> Any:
            def parts() -> Iterator[str]:
                yield f"{current_session.reason}"

            return stream_with_context(parts())

        world.get("/sign-in")
        world.clock.advance(400)
        assert ("unavailable", []) == (world.do(stream).text, world.provider.calls)

    def test_what_was_read_before_stays(self, world: World) -> None:
        """A view that looks first has its session renewed, and sent."""

        def stream() -> Any:
            user = current_session.user["id"]

            def parts() -> Iterator[str]:
                yield f"{user} {current_session.user['id']}"

            return stream_with_context(parts())

        world.get("/sign-in")
        world.clock.advance(400)
        response = world.do(stream)
        assert ("user_1 user_1", [NAME]) == (response.text, world.cookies(response))


def test_signals_are_not_disturbed_by_receivers_that_raise(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The new pair is written; the log says where, and not what."""
    secret = "".join(("sec", "ret"))

    def broken(_app: Flask, **_facts: Any) -> None:
        raise ValueError(secret)

    world.get("/sign-in")
    world.clock.advance(400)
    with session_refreshed.connected_to(broken, world.app):
        assert "user_1" == world.get("/who").text
    assert "raised ValueError" in caplog.text
    assert __file__ in caplog.text
    assert secret not in caplog.text


def test_reasons_are_logged_and_values_are_not(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """On the logger sealed_session, at the level of information."""
    caplog.set_level(logging.INFO, "sealed_session")
    world.get("/sign-in")
    session, value = opened(world), sealed(world)
    world.provider.end_every_session()
    world.clock.advance(400)
    world.get("/who")
    assert "signed out: denied" in caplog.text
    for secret in (session.access_token, session.refresh_token, value):
        assert str(secret) not in caplog.text
