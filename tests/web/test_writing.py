"""Whoever writes the cookie looks once more: what arrives last stays in the browser, and must not be overtaken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response

from flask_ext import current_session, session_resealed
from sealed_session import Session, generate_password
from sealed_session.refresh import Refresher, Standing
from sealed_session.refresh.memory import MemoryCoordinator
from tests.web.conftest import MakeWorld, World
from tests.web.jar import Jar
from tests.web.verifier import Judge

NAME = "sealed-session"


class Looks:
    """What the refresher says of a session's standing, and how often it was asked.

    Attributes:
        sessions: What was asked about.
        answer: What it says; None: what it would say by itself.
    """

    def __init__(self, answer: Standing | None = None) -> None:
        self.sessions: list[Session] = []
        self.answer = answer


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Count every look."""
    looks, really = Looks(), Refresher.standing

    def standing(self: Refresher, session: Session, started_at: int | None = None) -> Standing:
        assert started_at is not None, "without it nobody can tell whether the session is over"
        looks.sessions.append(session)
        return really(self, session, started_at) if looks.answer is None else looks.answer

    monkeypatch.setattr(Refresher, "standing", standing)
    return looks


def opened(world: World) -> Session:
    """The session that the browser holds."""
    session: Session = unsealed(world).session
    return session


def unsealed(world: World) -> Any:
    """The same, with when it began."""
    return world.app.extensions["sealed_session"].sealer.unseal(world.browser.jar.get(NAME).value)


def rotated(make_world: MakeWorld, password: str, **settings: Any) -> World:
    """An application with a new password, whose browser holds a session under the old one."""
    coordinator = MemoryCoordinator()
    old = make_world(coordinator=coordinator)
    old.get("/sign-in")
    new = make_world(
        provider=old.provider,
        coordinator=coordinator,
        PASSWORD=generate_password(),
        PASSWORD_FALLBACKS=[password],
        **settings,
    )
    new.browser.jar, new.clock.now, new.provider = old.browser.jar, old.clock.now, old.provider
    return new


NEWER = Session("newer", "newer_refresh", {"id": "user_1", "name": "of the provider"}, access_expires_at=2**31)


class TestHotPath:
    """Whoever writes nothing does not look."""

    @pytest.mark.parametrize("path", ["/who", "/private", "/public", "/sign-out", "/sign-in"])
    def test_nobody_looks(self, world: World, looks: Looks, path: str) -> None:
        """Nor whoever begins a session, or ends one."""
        world.get("/sign-in")
        for _ in range(2):
            world.get(path)
        assert [] == looks.sessions

    def test_without_a_provider_there_is_nowhere_to_look(self, make_world: MakeWorld, password: str) -> None:
        """A cookie is sealed anew all the same, and changed."""
        old = make_world(provider=None)
        old.get("/sign-in")
        new = make_world(provider=None, PASSWORD=generate_password(), PASSWORD_FALLBACKS=[password])
        new.browser.jar = old.browser.jar
        assert [NAME] == new.cookies(new.get("/who"))
        assert [NAME] == new.cookies(new.get("/note?note=x"))


class TestAfterARefresh:
    """A response that carries new tokens."""

    def test_it_looks_once(self, world: World, looks: Looks) -> None:
        """At what it is about to write, which is the newest."""
        world.get("/sign-in")
        world.clock.advance(400)
        assert [NAME] == world.cookies(world.get("/who"))
        assert [opened(world)] == looks.sessions

    def test_it_looks_once_however_often_the_hooks_run(self, world: World, looks: Looks) -> None:
        """For the error response that takes the place of another, too."""

        def broken(_response: Response) -> Response:
            raise ZeroDivisionError

        world.get("/sign-in")
        for path, late in (("/crash", None), ("/who", broken)):
            world.clock.advance(400)
            looks.sessions.clear()
            world.late = late
            assert [NAME] == world.cookies(world.get(path))
            assert 1 == len(looks.sessions)

    def test_what_is_newer_is_written(self, world: World, looks: Looks) -> None:
        """And the person signed in when she did."""
        world.get("/sign-in")
        began = world.clock.now
        world.clock.advance(400)
        looks.answer = Standing(newer=NEWER)
        assert [NAME] == world.cookies(world.get("/who"))
        assert (NEWER, began) == (opened(world), unsealed(world).started_at)
        assert 1 == len(looks.sessions)

    @pytest.mark.parametrize("change", [{"user": {"id": "user_1", "mine": 1}}, {"extra": {"a": 1}}, {"user": None}])
    @pytest.mark.parametrize("comes_first", ["update", "refresh"])
    def test_the_applications_changes_win(
        self, world: World, looks: Looks, change: dict[str, Any], comes_first: str
    ) -> None:
        """Of user and extra; everything else is the newer one's."""

        def act() -> None:
            acts: list[Callable[[], object]] = [
                lambda: world.auth.update(**change),
                lambda: world.auth.refresh(force=True),
            ]
            for one in acts if comes_first == "update" else reversed(acts):
                one()

        world.get("/sign-in")
        looks.answer = Standing(newer=NEWER)
        world.do(act)
        assert NEWER.replace(**change) == opened(world)

    def test_a_refresh_does_not_take_the_applications_change_back(self, make_world: MakeWorld) -> None:
        """Though the provider's answer has a user of its own."""
        world = make_world(provider=lambda _: NEWER)

        def act() -> None:
            world.auth.update(user={"id": "mine"})
            world.auth.refresh(force=True)

        world.get("/sign-in")
        world.do(act)
        assert (NEWER.access_token, {"id": "mine"}) == (opened(world).access_token, opened(world).user)

    def test_another_persons_session_has_none_of_the_changes(self, make_world: MakeWorld) -> None:
        """They were made to the one before."""
        world = make_world(provider=lambda _: Session("newer", access_expires_at=2**31))

        def act(end: Callable[[], object]) -> None:
            world.auth.update(extra={"of": "the first"})
            end()
            world.auth.sign_in(access_token="t", refresh_token="r", user={"id": "second"})
            world.auth.refresh(force=True)

        ends: list[Callable[[], object]] = [lambda: None, world.auth.sign_out]
        for end in ends:
            world.browser.jar = Jar(world.clock)
            world.get("/sign-in")
            world.do(lambda end=end: act(end))  # type: ignore[misc]
            assert (None, {"id": "second"}) == (opened(world).extra, opened(world).user)

    def test_what_somebody_has_ended_is_not_brought_back(self, world: World, looks: Looks) -> None:
        """The response sets nothing; its page was made for somebody who was signed in, and is kept out of caches."""
        world.get("/sign-in")
        before = opened(world)
        world.clock.advance(400)
        looks.answer = Standing(is_revoked=True)
        response = world.get("/private")
        assert ("private to user_1", []) == (response.text, world.cookies(response))
        assert ("private, no-store", before) == (response.headers["Cache-Control"], opened(world))

    def test_what_was_to_be_written_is_taken_back(self, world: World, looks: Looks) -> None:
        """A late hook that renews the session once more finds that somebody has ended it."""

        def late(response: Response) -> Response:
            looks.answer = Standing(is_revoked=True)
            world.auth.refresh(force=True)
            return response

        world.get("/sign-in")
        world.late = late
        assert [] == world.cookies(world.get("/note?note=x"))
        assert 2 == len(looks.sessions)

    def test_a_companion_is_of_what_is_written(self, make_world: MakeWorld, looks: Looks) -> None:
        """The eager token is the newer one's, and there is none of a session that was ended."""
        world = make_world(ACCESS_TOKEN_COOKIE="eager")
        world.get("/sign-in")
        page = {"Accept": "text/html", "Sec-Fetch-Dest": "document"}
        world.clock.advance(400)
        for standing, expected in ((Standing(is_revoked=True), None), (Standing(newer=NEWER), "newer")):
            looks.answer = standing
            lines = world.get("/who", headers=page).headers.getlist("Set-Cookie")
            tokens = [line.partition(";")[0].partition("=")[2] for line in lines if line.startswith("eager=")]
            assert ([] if expected is None else [expected]) == tokens

    def test_a_pair_is_written_though_nobody_can_be_asked(self, world: World, looks: Looks) -> None:
        """The token before it is used up."""
        world.get("/sign-in")
        before = opened(world)
        world.clock.advance(400)
        looks.answer = Standing(is_settled=False)
        assert [NAME] == world.cookies(world.get("/who"))
        assert before.refresh_token != opened(world).refresh_token

    @pytest.mark.parametrize(("code", "marked"), [("valid", False), ("keys_unavailable", True), ("unknown_kid", True)])
    def test_what_is_newer_is_verified_too(self, make_world: MakeWorld, looks: Looks, code: str, marked: bool) -> None:
        """It has just come in; one that does not verify is kept with a mark, and one refused has no companion."""
        judge = Judge()
        world = make_world(verifier=judge, ACCESS_TOKEN_COOKIE="eager")
        world.get("/sign-in")
        looks.answer = Standing(newer=NEWER)
        world.clock.advance(400)

        def act() -> None:
            assert current_session
            judge.code = code

        lines = world.do(act).headers.getlist("Set-Cookie")
        assert (marked, "newer") == (opened(world).unverified, opened(world).access_token)
        assert ("newer", None) == judge.asked[-1]
        assert (code != "unknown_kid") is any(line.startswith("eager=") for line in lines)

    def test_a_straggler_writes_what_the_others_have_gone_on_to(self, make_world: MakeWorld) -> None:
        """For real: while its page is made, another tab uses the pair that it has just received."""
        coordinator = MemoryCoordinator()
        world, other = make_world(coordinator=coordinator), make_world(coordinator=coordinator)
        world.get("/sign-in")

        def act() -> None:
            world.auth.refresh(force=True)
            tab = world.app.extensions["sealed_session"]
            session = tab.refresher.refresh(world.auth.session, force=True).session
            newest.append(session)

        newest: list[Session] = []
        world.do(act)
        assert newest == [opened(world)]
        assert 2 == len(world.provider.calls)
        assert [] == other.provider.calls


class TestReseal:
    """A cookie that is sealed anew without new tokens."""

    def test_it_looks_once_and_is_written(self, make_world: MakeWorld, password: str, looks: Looks) -> None:
        """Where nobody has gone on from it."""
        world = rotated(make_world, password)
        assert [NAME] == world.cookies(world.get("/who"))
        assert ([opened(world)], []) == (looks.sessions, world.cookies(world.get("/who")))

    def test_what_is_newer_is_written(self, make_world: MakeWorld, password: str, looks: Looks) -> None:
        """With new tokens, it is no mere re-seal."""
        world = rotated(make_world, password)
        looks.answer = Standing(newer=NEWER)
        told: list[Any] = []

        def receive(_app: Flask, **facts: Any) -> None:
            told.append(facts)

        with session_resealed.connected_to(receive, world.app):
            assert [NAME] == world.cookies(world.get("/who"))
        assert (NEWER, []) == (opened(world), told)

    @pytest.mark.parametrize("standing", [Standing(is_settled=False), Standing(is_revoked=True)])
    def test_it_is_put_off(self, make_world: MakeWorld, password: str, looks: Looks, standing: Standing) -> None:
        """While somebody refreshes it, or nobody can say; and for good, once it was ended."""
        world = rotated(make_world, password)
        looks.answer = standing
        before = world.browser.jar.get(NAME).value
        response = world.get("/who")
        assert ("user_1", []) == (response.text, world.cookies(response))
        assert before == world.browser.jar.get(NAME).value
        looks.answer = None
        assert [NAME] == world.cookies(world.get("/who"))

    def test_an_old_name_waits_too(self, make_world: MakeWorld, looks: Looks) -> None:
        """Neither is the new one set nor the old one cleared."""
        former, now = make_world(COOKIE_NAME="old"), make_world(COOKIE_PREVIOUS_NAMES=["old"])
        former.get("/sign-in")
        now.browser.jar = former.browser.jar
        looks.answer = Standing(is_settled=False)
        assert ("user_1", ["old"]) == (now.get("/who").text, [cookie.name for cookie in now.browser.jar.cookies()])

    def test_dropping_the_mark_waits_too(self, make_world: MakeWorld, looks: Looks) -> None:
        """It is verified once more then."""
        judge = Judge("keys_unavailable")
        world = make_world(verifier=judge)
        sealer = world.app.extensions["sealed_session"].sealer
        value = sealer.seal(Session(**world.provider.sign_in(), unverified=True))
        assert world.browser.jar.store(f"{NAME}={value}; Path=/; Secure", "https://app.example.com") is None
        judge.code = "valid"
        looks.answer = Standing(is_settled=False)
        response = world.get("/who")
        assert ("user_1", [], True) == (response.text, world.cookies(response), opened(world).unverified)

    def test_newer_tokens_are_written_for_somebody_who_counts_as_signed_out(
        self, make_world: MakeWorld, password: str, looks: Looks
    ) -> None:
        """The provider was out of reach for this request, and another had its answer."""
        world = rotated(make_world, password, ACCESS_TOKEN_COOKIE="eager")
        world.clock.advance(400)
        world.provider.fail()
        looks.answer = Standing(newer=NEWER)
        page = {"Accept": "text/html", "Sec-Fetch-Dest": "document"}
        response = world.get("/who", headers=page)
        assert ("nobody: unavailable", [NAME], NEWER) == (response.text, world.cookies(response), opened(world))

    @pytest.mark.parametrize("act", ["sign_in", "sign_out"])
    def test_whoever_begins_or_ends_a_session_does_not_look(
        self, make_world: MakeWorld, password: str, looks: Looks, act: str
    ) -> None:
        """Though the cookie that came was to be sealed anew, or was renewed: what is newer than that is no matter."""
        world = rotated(make_world, password)
        looks.answer = Standing(newer=NEWER)

        def view() -> None:
            if act == "sign_in":
                world.auth.sign_in(access_token="t", user={"id": "second"})
            else:
                world.auth.refresh(force=True)
                world.auth.sign_out()

        world.do(view)
        assert [] == looks.sessions
        assert ("second" if act == "sign_in" else "nobody: missing") == world.get("/who").text


class TestUpdate:
    """What the application changes is written with the newest tokens."""

    def test_it_looks_once(self, world: World, looks: Looks) -> None:
        """However many changes there are."""

        def act() -> None:
            world.auth.update(extra={"a": 1})
            world.auth.update(user={"id": "user_1", "b": 2})

        world.get("/sign-in")
        looks.answer = Standing(newer=NEWER)
        assert [NAME] == world.cookies(world.do(act))
        assert NEWER.replace(extra={"a": 1}, user={"id": "user_1", "b": 2}) == opened(world)
        assert 1 == len(looks.sessions)

    def test_it_is_written_though_nobody_can_be_asked(self, world: World, looks: Looks) -> None:
        """The application was told that it is."""
        world.get("/sign-in")
        looks.answer = Standing(is_settled=False)
        world.get("/note?note=x")
        assert {"note": "x"} == opened(world).extra

    def test_it_is_written_though_new_tokens_do_not_fit(self, make_world: MakeWorld) -> None:
        """What was sealed before goes before nothing: the next request has the new ones by the record."""
        world = make_world(provider=lambda _: Session("t" * 6000, access_expires_at=2**31))

        def act() -> None:
            world.auth.update(extra={"a": 1})
            world.auth.refresh(force=True)

        world.get("/sign-in")
        assert [NAME] == world.cookies(world.do(act))
        assert {"a": 1} == opened(world).extra

    def test_it_is_seen_in_the_same_request(self, world: World) -> None:
        """By whoever reads on, and by the next change."""

        def act() -> dict[str, Any]:
            world.auth.update(extra={"a": 1})
            world.auth.update(user={"id": "user_1", "b": 2})
            return {"extra": current_session.extra, "user": current_session.user}

        world.get("/sign-in")
        expected = {"extra": {"a": 1}, "user": {"id": "user_1", "b": 2}}
        assert (expected, {"a": 1}) == (world.do(act).json, opened(world).extra)

    def test_it_brings_nothing_back(self, world: World, looks: Looks) -> None:
        """That was ended meanwhile."""
        world.get("/sign-in")
        looks.answer = Standing(is_revoked=True)
        assert [] == world.cookies(world.get("/note?note=x"))

    def test_of_a_session_that_begins_nobody_looks(self, world: World, looks: Looks) -> None:
        """There cannot be a newer one."""

        def act() -> None:
            world.auth.sign_in(**world.provider.sign_in())
            world.auth.update(extra={"a": 1})

        world.do(act)
        assert ([], {"a": 1}) == (looks.sessions, opened(world).extra)
