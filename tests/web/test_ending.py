"""How sessions end: by signing out, by revoking one elsewhere, and because the provider says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import Event
from typing import Any, cast

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_ext import SignOutResult, current_session
from sealed_session import ProviderUnavailable, Session, UsageError, UsageTypeError
from sealed_session.providers.id_token import session_id_of
from sealed_session.refresh.coordinator import CoordinatorUnavailable, Reading
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.testing import Clock, FakeProvider
from tests.web.browser import Browser
from tests.web.conftest import ORIGIN, MakeWorld, World
from tests.web.identity import PAGES, Identity
from tests.web.jar import Context

DAY = 86_400
NAME = "sealed-session"


class Store(MemoryCoordinator):
    """A coordinator that comes and goes, and counts what it is asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=lambda: clock() * 1000)
        self.is_gone: Exception | None = None
        self.reads = 0
        self.lives: list[int] = []

    def read(self, key: bytes) -> Reading:
        """Read, if it is there."""
        self.reads += 1
        self._be_there()
        return super().read(key)

    def swap(self, key: bytes, old: bytes | None, new: bytes, lives: int) -> bool:
        """Swap, if it is there."""
        self._be_there()
        self.lives.append(lives)
        return super().swap(key, old, new, lives)

    def _be_there(self) -> None:
        if self.is_gone is not None:
            raise self.is_gone


class Place:
    """An application, its coordinator, its provider, and a person who is signed in."""

    def __init__(self, make_world: MakeWorld, *, provider: Any = ..., **settings: Any) -> None:
        self.clock = Clock()
        self.identity = Identity(self.clock) if provider is ... else provider
        self.store = Store(self.clock)
        self.world = make_world(provider=self.identity, coordinator=self.store, clock=self.clock, **settings)
        self.world.provider = self.identity or FakeProvider(self.clock)
        self.browser = self.world.browser
        self._make, self._settings = make_world, settings
        self.world.get("/sign-in")

    def make_machine(self) -> World:
        """Another application with the same settings, provider and coordinator."""
        return self._make(provider=self.identity, coordinator=self.store, clock=self.clock, **self._settings)

    @property
    def cookie(self) -> str:
        """The session cookie that the browser has."""
        return self.browser.jar.get(NAME).value

    def who(self, cookie: str | None = None, app: Flask | None = None) -> str:
        """Who is signed in; by a copy of a cookie, if one is given, and on another machine, if that is."""
        browser = self.browser
        if cookie is not None:
            browser = Browser(app or self.world.app, self.clock)
            browser.jar.store(f"{NAME}={cookie}; Path=/; Secure", ORIGIN)
        return browser.get(f"{ORIGIN}/who").text

    def session_id(self) -> str:
        """The id of the session at hand."""
        return self.world.do(lambda: current_session.session_id).text

    def sign_out(self, return_to: str | None = None) -> SignOutResult:
        """Sign out, and return what the application was told."""
        told: list[SignOutResult] = []
        self.world.do(lambda: told.append(self.world.auth.sign_out(return_to)))
        return told[0]

    def revoke(self, session_id: str) -> bool:
        """Revoke a session."""
        with self.world.app.test_request_context():
            return self.world.auth.revoke(session_id)

    def unchecked(self) -> int:
        """How often a session could not be looked up."""
        with self.world.app.app_context():
            return self.world.auth.counters.read()["revocation_unchecked"].get((), 0)


MakePlace = Callable[..., Place]


@pytest.fixture
def make_place(make_world: MakeWorld) -> MakePlace:
    """Build an application with these settings."""
    return lambda **settings: Place(make_world, **settings)


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    """An application with nothing but a password."""
    return make_place()


class TestSignOut:
    """auth.sign_out."""

    def test_it_says_what_has_come_of_it(self, place: Place) -> None:
        """On record, and dead at the provider; a copy of the cookie is refused when it is refreshed."""
        copy = place.cookie
        done = place.sign_out()
        assert (True, True, 1) == (done.recorded, done.revoked, len(place.identity.revoked))
        place.clock.advance(400)
        assert ("nobody: missing", "nobody: revoked", []) == (place.who(), place.who(copy), place.identity.calls)

    @pytest.mark.row("WO-13")
    @pytest.mark.parametrize("passed", [0, 400, 40 * DAY])
    def test_the_providers_page(self, place: Place, passed: int) -> None:
        """It is the address to go to, also with an access token that has ended: nothing is renewed for it."""
        session_id = place.session_id()
        place.clock.advance(passed)
        done = place.sign_out("/bye")
        assert f"{PAGES}/logout?sid={session_id}&return_to=https%3A%2F%2Fapp.example.com%2Fbye" == done.url
        assert [] == place.identity.calls

    @pytest.mark.parametrize("return_to", [None, "https://www.example.com/"])
    def test_where_to_in_the_end(self, place: Place, return_to: str | None) -> None:
        """A whole address is passed on as it is, and none is none."""
        assert (return_to is not None) == (
            "return_to=https%3A%2F%2Fwww.example.com%2F" in place.sign_out(return_to).url
        )

    def test_nobody_signs_out(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        """Of that nothing is on record, and nobody is asked."""
        place.sign_out()
        assert SignOutResult("/", revoked=False, recorded=False) == place.sign_out()
        assert (1, []) == (len(place.identity.revoked), caplog.messages)

    @pytest.mark.parametrize("answer", [ProviderUnavailable(), ZeroDivisionError(), None])
    def test_what_the_provider_does_not_confirm(self, place: Place, answer: Exception | None) -> None:
        """It is on record all the same, for as long as the cookie may live; the cookie is cleared."""
        place.identity.confirms = False
        place.identity.raises = {} if answer is None else {"revoke": answer}
        done = place.sign_out()
        assert (True, False) == (done.recorded, done.revoked)
        assert 400 * DAY * 1000 == place.store.lives[-1]
        assert NAME not in place.browser.jar

    def test_the_record_lives_as_long_as_a_copy_could(self, make_place: MakePlace) -> None:
        """Which ABSOLUTE_LIFETIME ends, and nothing else."""
        place = make_place(ABSOLUTE_LIFETIME=3 * DAY, COOKIE_MAX_AGE=60)
        place.identity.confirms = False
        place.sign_out()
        assert 3 * DAY * 1000 == place.store.lives[-1]

    @pytest.mark.parametrize("gone", [CoordinatorUnavailable("test"), ZeroDivisionError()])
    def test_without_the_coordinator(self, place: Place, gone: Exception) -> None:
        """The cookie is cleared all the same, and the result says that it is not on record."""
        place.store.is_gone = gone
        done = place.sign_out()
        assert (False, False) == (done.recorded, NAME in place.browser.jar)

    def test_signing_in_with_a_broken_coordinator(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        """Somebody else's may raise what it likes: nobody is kept out by it."""
        place.store.is_gone = ZeroDivisionError()
        assert "in" == place.world.get("/sign-in").text
        assert "it could not be seen whether a session had ended: ZeroDivisionError" in caplog.text

    def test_a_page_that_cannot_be_told(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        """Then it is where the application wanted to go."""
        place.identity.raises["sign_out_url"] = ZeroDivisionError("test-token")
        assert "/bye" == place.sign_out("/bye").url
        assert "the provider's sign_out_url raised ZeroDivisionError" in caplog.text
        assert "test-token" not in caplog.text

    def test_a_provider_without_pages(self, make_place: MakePlace) -> None:
        """A function, for example: on record, never confirmed."""
        clock = Clock()
        fake = FakeProvider(clock)
        place = make_place(provider=fake.refresh)
        place.world.provider = fake
        place.world.get("/sign-in")
        assert SignOutResult("/bye", revoked=False, recorded=True) == place.sign_out("/bye")

    def test_a_page_that_is_none(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever else a provider returns is no address."""
        monkeypatch.setattr(place.identity, "sign_out_url", lambda *_: 5)
        assert "/" == place.sign_out().url

    def test_every_cookie_goes(self, make_place: MakePlace) -> None:
        """By host and by Domain, under former names, and the eager token."""
        place = make_place(COOKIE_DOMAIN="example.com", COOKIE_PREVIOUS_NAMES=["old"], ACCESS_TOKEN_COOKIE="eager")
        response = place.world.do(lambda: repr(place.world.auth.sign_out()))
        cleared = {(line.partition("=")[0], "Domain=example.com" in line) for line in lines(response)}
        assert {(NAME, True), (NAME, False), ("old", True), ("old", False), ("eager", False)} <= cleared
        assert all("Max-Age=0" in line for line in lines(response))

    def test_signing_in_over_the_same_refresh_token_ends_nothing(self, place: Place) -> None:
        """What would be revoked are the new session's own tokens, whatever id it has."""
        first, second = place.identity.sign_in(), place.identity.sign_in()
        place.world.do(lambda: place.world.auth.sign_in(**first))
        assert place.identity.was_revoked.wait(10)  # the one of before has nothing to do with it
        place.identity.revoked.clear()
        before = set(threading.enumerate())
        same = {**second, "refresh_token": first["refresh_token"]}
        place.world.do(lambda: place.world.auth.sign_in(**same))
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
        assert ([], "user_1") == (place.identity.revoked, place.who())

    def test_signing_in_over_the_same_session_ends_nothing(self, place: Place) -> None:
        """By any of its names: the access token's, or the one that it was given."""
        first, second = place.identity.sign_in(), place.identity.sign_in(None, sid="session_1")
        place.world.do(lambda: place.world.auth.sign_in(**{**first, "session_id": "AAAA"}))
        assert place.identity.was_revoked.wait(10)
        place.identity.revoked.clear()
        before = set(threading.enumerate())
        place.world.do(lambda: place.world.auth.sign_in(**{**second, "session_id": "AAAA"}))
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
        assert ([], "user_1") == (place.identity.revoked, place.who())

    def test_without_a_provider_every_name_has_to_be_on_record(
        self, make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One of two is not enough."""
        place = make_place(provider=None, CHECK_REVOCATION="always")
        values = place.world.provider.sign_in(None, sid="session_1")
        for refuses in (False, True):
            place.world.do(lambda: place.world.auth.sign_in(**{**values, "session_id": "AAAA"}))
            if refuses:
                refuse_the_second_swap(place, monkeypatch)
            assert refuses is not place.sign_out().recorded

    @pytest.mark.parametrize("settings", [{}, {"provider": None}])
    def test_whoever_signs_in_ahead_can_sign_out_at_once(self, make_place: MakePlace, settings: dict[str, Any]) -> None:
        """A session that begins seconds later than now, because another has just ended, leaves no living copy."""
        place = make_place(CHECK_REVOCATION="always", **settings)
        values = [place.world.provider.sign_in(None, sid="session_1") for _ in range(2)]
        place.world.do(lambda: place.world.auth.sign_in(**values[0]))
        place.revoke("session_1")
        place.world.do(lambda: place.world.auth.sign_in(**values[1]))
        copy = place.cookie
        assert "user_1" == place.who(copy)
        assert place.sign_out().recorded
        assert "nobody: revoked" == place.who(copy)

    def test_it_beats_a_refresh_of_the_same_request(self, place: Place) -> None:
        """The newest pair is what is revoked, and the cookie goes."""
        place.clock.advance(400)
        old = place.cookie

        def both() -> None:
            assert current_session
            newest.append(place.world.auth.session)
            place.world.auth.sign_out()

        newest: list[Session | None] = []
        response = place.world.do(both)
        assert newest[0] is not None
        assert [newest[0].refresh_token] == place.identity.revoked
        assert all("Max-Age=0" in line for line in lines(response))
        assert "nobody: revoked" == place.who(old)

    @pytest.mark.parametrize("machines", [1, 2])
    def test_it_beats_a_refresh_that_is_under_way_elsewhere(self, place: Place, machines: int) -> None:
        """Which is waited for; the pair that it brings is revoked, and nobody is signed in by it."""
        slow = Slow(place.identity)
        copy = place.cookie
        place.clock.advance(400)
        elsewhere = place.world.app if machines == 1 else place.make_machine().app
        other = Background(lambda: place.who(copy, elsewhere))
        assert slow.is_asked.wait(5)
        leaving = Background(place.sign_out)
        slow.may_answer.set()
        done = leaving.result()
        assert (True, True) == (done.recorded, done.revoked)
        assert other.result() in ("user_1", "nobody: revoked")
        assert 1 == len(set(place.identity.revoked))  # by who signs out, and maybe by who was refreshing as well
        place.clock.advance(400)
        assert ("nobody: revoked", "nobody: missing") == (place.who(copy), place.who())


def said(response: TestResponse) -> dict[str, Any]:
    """The JSON of an answer."""
    return cast(dict[str, Any], response.json)


def lines(response: TestResponse) -> list[str]:
    """The Set-Cookie lines of a response."""
    return response.headers.getlist("Set-Cookie")


def refuse_the_second_swap(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a coordinator take what comes first and what comes third."""
    swap = place.store.swap
    asked: list[bytes] = []

    def second_fails(*arguments: Any) -> bool:
        asked.append(arguments[0])
        if len(asked) == 2:
            raise CoordinatorUnavailable("test")
        return swap(*arguments)

    monkeypatch.setattr(place.store, "swap", second_fails)


class Slow:
    """Makes a provider wait with its next refresh until it is told."""

    def __init__(self, identity: Identity) -> None:
        self.is_asked, self.may_answer = Event(), Event()
        refresh = identity.refresh

        def slowly(session: Session, /, **arguments: Any) -> Session:
            if not self.is_asked.is_set():
                self.is_asked.set()
                assert self.may_answer.wait(10)
            return refresh(session, **arguments)

        identity.refresh = slowly  # type: ignore[method-assign]


class Background:
    """Something that is done in a thread, for its result."""

    def __init__(self, act: Callable[[], Any]) -> None:
        from threading import Thread

        self._told: list[Any] = []
        self._thread = Thread(target=lambda: self._told.append(act()))
        self._thread.start()

    def result(self) -> Any:
        """Wait for it."""
        self._thread.join(10)
        return self._told[0]


class TestOurPage:
    """POST logout."""

    @pytest.fixture
    def place(self, make_place: MakePlace) -> Place:
        """With our endpoints."""
        return make_place(AUTH_PREFIX="/auth", LOGOUT_RETURN_TO="/bye")

    def test_a_form_of_ours(self, place: Place) -> None:
        """It leads to the provider's page, and from there to the setting."""
        response = place.browser.post(f"{ORIGIN}/auth/logout", data={"return_to": "//evil.example", "next": "/x"})
        assert (303, False) == (response.status_code, NAME in place.browser.jar)
        assert response.location.endswith("&return_to=https%3A%2F%2Fapp.example.com%2Fbye")
        assert "evil" not in response.location

    def test_a_script_of_ours(self, place: Place) -> None:
        """It is told what has come of it, as JSON."""
        answer = place.browser.fetch(f"{ORIGIN}/auth/logout", method="POST")
        assert (True, True) == (said(answer)["revoked"], said(answer)["recorded"])
        assert said(answer)["url"].startswith(f"{PAGES}/logout?")

    @pytest.mark.parametrize(
        ("headers", "expected"), [({"Origin": "https://evil.example"}, "from another site"), ({}, "Neither Origin")]
    )
    def test_why_it_is_refused(self, place: Place, headers: dict[str, str], expected: str) -> None:
        """A test client that says nothing of where it comes from is told that it has to."""
        client = place.world.app.test_client()
        assert expected in client.post("/auth/logout", base_url=ORIGIN, headers=headers).text

    @pytest.mark.parametrize("page", ["https://evil.example/", "https://www.example.com/", "http://app.example.com/"])
    def test_a_form_of_another_site(self, make_place: MakePlace, page: str) -> None:
        """Refused, whatever the SameSite of the cookie lets through."""
        place = make_place(AUTH_PREFIX="/auth", COOKIE_SAMESITE="None", COOKIE_SECURE=True)
        response = place.browser.post(f"{ORIGIN}/auth/logout", context=Context.link_on(page))
        assert (403, "user_1") == (response.status_code, place.who())

    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({"Origin": ORIGIN}, 303),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({}, 403),
            ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}, 403),
            ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 303),
        ],
    )
    def test_older_browsers(self, place: Place, headers: dict[str, str], expected: int) -> None:
        """They send Origin alone; what tells nothing is refused."""
        client = place.world.app.test_client()
        given = {"Accept": "text/html", **headers}
        assert expected == client.post("/auth/logout", base_url=ORIGIN, headers=given).status_code

    def test_a_host_in_another_script(self, place: Place) -> None:
        """Its name is what goes over the wire: in the Origin of older browsers, and for the provider."""
        origin, client = "https://xn--bcher-kva.example", place.world.app.test_client()
        client.get("/sign-in", base_url=origin)
        response = client.post("/auth/logout", base_url=origin, headers={"Accept": "text/html", "Origin": origin})
        assert 303 == response.status_code
        assert "return_to=https%3A%2F%2Fxn--bcher-kva.example%2Fbye" in str(response.location)

    def test_only_by_post(self, place: Place) -> None:
        """A link that a browser fetches ahead signs nobody out."""
        assert (405, "user_1") == (place.world.get("/auth/logout").status_code, place.who())


class TestRevoke:
    """auth.revoke: a session in another browser."""

    def test_it_ends_with_its_next_refresh(self, place: Place) -> None:
        """And is good until then, which the documentation says."""
        assert place.revoke(place.session_id())
        assert "user_1" == place.who()
        place.clock.advance(400)
        assert ("nobody: revoked", []) == (place.who(), place.identity.calls)
        assert NAME not in place.browser.jar

    def test_it_is_not_written_again(self, place: Place) -> None:
        """An update looks first."""
        place.revoke(place.session_id())
        assert [] == lines(place.world.get("/note?note=1"))
        assert "user_1" == place.who()

    def test_others_go_on(self, place: Place) -> None:
        """Whose id is another."""
        place.revoke("another")
        place.clock.advance(400)
        assert "user_1" == place.who()

    def test_signing_in_again_works(self, place: Place) -> None:
        """In the same second, and with a session id that the provider keeps."""
        place.identity.claims = {"sid": "session_1"}
        session = Session(**place.identity.sign_in(None, sid="session_1"))
        place.world.do(lambda: place.world.auth.sign_in(**session.to_mapping()))
        place.revoke("session_1")
        again = Session(**place.identity.sign_in(None, sid="session_1"))
        place.world.do(lambda: place.world.auth.sign_in(**again.to_mapping()))
        place.clock.advance(400)
        assert "user_1" == place.who()

    def test_without_the_coordinator(self, place: Place) -> None:
        """It is not on record yet."""
        place.store.is_gone = CoordinatorUnavailable("test")
        assert not place.revoke("session_1")

    @pytest.mark.parametrize("wrong", [None, 5, b"session_1"])
    def test_something_else(self, place: Place, wrong: Any) -> None:
        """Is no id."""
        with pytest.raises(UsageTypeError, match=r"current_session\.session_id"):
            place.revoke(wrong)

    def test_where_nobody_would_look(self, make_place: MakePlace) -> None:
        """The error says what to set."""
        place = make_place(provider=None)
        with pytest.raises(UsageError, match="CHECK_REVOCATION") as caught:
            place.revoke("session_1")
        assert "no_record" == caught.value.code
        assert SignOutResult("/", revoked=False, recorded=False) == place.sign_out()
        assert (0, []) == (place.store.reads, place.store.lives)


class TestAlways:
    """CHECK_REVOCATION = "always"."""

    @pytest.fixture(params=[True, False])
    def place(self, make_place: MakePlace, request: pytest.FixtureRequest) -> Place:
        """With a provider, and without."""
        settings = {} if request.param else {"provider": None}
        return make_place(CHECK_REVOCATION="always", **settings)

    def test_it_ends_with_its_next_request(self, place: Place) -> None:
        """With the reason, and without its cookie; nobody is asked for new tokens."""
        place.revoke(place.session_id())
        assert ("nobody: revoked", False) == (place.who(), NAME in place.browser.jar)
        assert "nobody: missing" == place.who()

    def test_a_copy_of_the_cookie_ends_with_signing_out(self, place: Place) -> None:
        """At once."""
        copy = place.cookie
        assert place.sign_out().recorded
        assert "nobody: revoked" == place.who(copy)

    def test_another_session_in_its_place_ends_it_too(self, place: Place) -> None:
        """As signing in over it does."""
        copy = place.cookie
        place.world.get("/sign-in")
        assert "user_1" == place.who()
        for _ in range(1000):  # somebody else's thread may be at it
            if place.who(copy) == "nobody: revoked":
                break
        assert "nobody: revoked" == place.who(copy)

    def test_it_is_not_written_again(self, place: Place) -> None:
        """Nor updated: nobody is signed in."""
        place.revoke(place.session_id())
        response = place.world.get("/note?note=1")
        assert (500, True) == (response.status_code, all("Max-Age=0" in line for line in lines(response)))

    def test_an_explicit_refresh_has_nobody(self, make_place: MakePlace) -> None:
        """Before the provider is asked."""
        place = make_place(CHECK_REVOCATION="always")
        place.revoke(place.session_id())

        def refresh() -> None:
            with pytest.raises(UsageError, match="revoked"):
                place.world.auth.refresh(force=True)

        assert "ok" == place.world.do(refresh).text
        assert [] == place.identity.calls

    def test_it_costs_two_reads(self, place: Place) -> None:
        """For every request that looks, of the session and of the person; none for others."""
        place.store.reads = 0
        place.who()
        assert 2 == place.store.reads
        place.world.get("/public")
        assert 2 == place.store.reads

    def test_otherwise_it_costs_none(self, make_place: MakePlace) -> None:
        """The hot path touches no coordinator."""
        place = make_place()
        place.store.reads = 0
        assert ("user_1", 0) == (place.who(), place.store.reads)

    @pytest.mark.parametrize("gone", [CoordinatorUnavailable("test"), ZeroDivisionError()])
    def test_without_the_coordinator_it_goes_on(
        self, place: Place, gone: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Unchecked, and counted; what is a mistake is logged."""
        place.store.is_gone = gone
        assert ("user_1", 1) == (place.who(), place.unchecked())
        mistakes = [record for record in caplog.records if "could not be looked up" in record.getMessage()]
        assert isinstance(gone, ZeroDivisionError) == bool(mistakes)
        place.store.is_gone = None

    def test_an_update_without_a_provider_looks_too(self, make_place: MakePlace) -> None:
        """Somebody may have signed out since this request came."""
        place = make_place(provider=None, CHECK_REVOCATION="always")
        session_id = place.session_id()

        def act() -> None:
            place.world.auth.update(extra={"a": 1})
            place.world.auth.revoke(session_id)

        assert [] == lines(place.world.do(act))


class TestTheProviderSaysSo:
    """POST backchannel-logout."""

    @pytest.fixture
    def place(self, make_place: MakePlace) -> Place:
        """With our endpoints, and every request looked up."""
        return make_place(AUTH_PREFIX="/auth", CHECK_REVOCATION="always")

    def tell(self, place: Place, token: str | None = None, **says: Any) -> TestResponse:
        """Send a logout token as the provider's server does: no cookie, no Origin, no Fetch Metadata."""
        token = place.identity.logout_token(issued_at=place.clock(), **says) if token is None else token
        client = place.world.app.test_client(use_cookies=False)
        return client.post("/auth/backchannel-logout", base_url=ORIGIN, data={"logout_token": token})

    def test_one_session(self, place: Place) -> None:
        """It is over with its next request; the answer is 200 and kept by nobody."""
        response = self.tell(place, sid=place.session_id(), sub="user_1")
        assert (200, "no-store", "") == (response.status_code, response.headers["Cache-Control"], response.text)
        assert "nobody: revoked" == place.who()

    def test_only_that_session(self, place: Place) -> None:
        """Of a person who has another one."""
        assert 200 == self.tell(place, sid="another", sub="user_1").status_code
        assert "user_1" == place.who()

    def test_every_session_of_a_person(self, place: Place) -> None:
        """Where the token names no session."""
        assert 200 == self.tell(place, sub="user_1").status_code
        assert "nobody: revoked" == place.who()

    def test_others_go_on(self, place: Place) -> None:
        """Other people."""
        self.tell(place, sub="user_2")
        assert "user_1" == place.who()

    def test_whoever_signs_in_again_is_signed_in(self, place: Place) -> None:
        """At once, though the two clocks may differ."""
        self.tell(place, sub="user_1")
        place.world.do(lambda: place.world.auth.sign_in(**place.identity.sign_in()))
        assert "user_1" == place.browser.get(f"{ORIGIN}/who").text

    def test_with_the_next_refresh(self, make_place: MakePlace) -> None:
        """Where not every request looks."""
        place = make_place(AUTH_PREFIX="/auth")
        self.tell(place, sid=place.session_id())
        assert "user_1" == place.who()
        place.clock.advance(400)
        assert "nobody: revoked" == place.who()

    def sign_in(self, place: Place, **told: Any) -> None:
        """Sign in with an opaque token, or whatever else the provider gave."""
        values = {"access_token": "opaque", "refresh_token": None, "user": {"id": "user_1"}, **told}
        place.world.do(lambda: place.world.auth.sign_in(**values))

    def proved(self, place: Place, seconds: int) -> dict[str, Any]:
        """What signs somebody in who proved who they are so many seconds ago."""
        return place.identity.sign_in(None, sid="session_1", auth_time=int(place.clock()) - seconds)

    @pytest.mark.parametrize("sid", ["c2Vzc2lvbl8x", "session 1, which no session can hold as it is"])
    def test_a_session_of_an_opaque_token(self, place: Place, sid: str) -> None:
        """By the ``sid`` of its ID token, as it is or hashed."""
        self.sign_in(place, session_id=session_id_of(sid))
        assert 200 == self.tell(place, sid="another").status_code
        assert "user_1" == place.who()
        assert 200 == self.tell(place, sid=sid, token_id="jti_2").status_code
        assert "nobody: revoked" == place.who()

    @pytest.mark.parametrize("settings", [{}, {"USER_FIELDS": ["id"]}])
    @pytest.mark.parametrize("told", [{"subject": "sub_1"}, {"user": {"id": "user_1", "sub": "sub_1"}}])
    def test_a_person_of_an_opaque_token(
        self, make_place: MakePlace, settings: dict[str, Any], told: dict[str, Any]
    ) -> None:
        """By the ``sub`` of the ID token, whatever becomes of the user: trimmed, or replaced by the application."""
        place = make_place(AUTH_PREFIX="/auth", CHECK_REVOCATION="always", **settings)
        self.sign_in(place, **told)
        place.world.do(lambda: place.world.auth.update(user={"id": "user_1"}))
        assert 200 == self.tell(place, sub="sub_2").status_code
        assert "user_1" == place.who()
        assert 200 == self.tell(place, sub="sub_1", token_id="jti_2").status_code
        assert "nobody: revoked" == place.who()

    @pytest.mark.parametrize("says", [{"sub": "sub_1"}, {"sub": "user_1"}, {"sid": "AAAA"}, {"sid": "session_1"}])
    def test_an_access_token_that_has_other_names(self, place: Place, says: dict[str, str]) -> None:
        """Pairwise ones, for example: the logout token has those of the ID token."""
        values = place.identity.sign_in(None, sid="session_1")
        place.world.do(lambda: place.world.auth.sign_in(**values, session_id="AAAA", subject="sub_1"))
        assert "user_1" == place.who()
        assert 200 == self.tell(place, **says).status_code
        assert "nobody: revoked" == place.who()

    @pytest.mark.parametrize("odd", [5, "", None, ["sub_1"]])
    def test_a_user_whose_sub_is_no_text(self, place: Place, odd: Any) -> None:
        """Is known to no provider by it."""
        self.sign_in(place, user={"id": "user_1", "sub": odd})
        assert ("user_1", "None") == (place.who(), place.world.do(self.subject(place)).text)
        self.sign_in(place, user={"id": "user_1", "sub": "sub_1"})
        assert "sub_1" == place.world.do(self.subject(place)).text
        values = {**place.identity.sign_in(), "user": {"id": "user_1", "sub": "the application's own"}}
        place.world.do(lambda: place.world.auth.sign_in(**values))
        assert "user_1" == place.world.do(self.subject(place)).text

    def subject(self, place: Place) -> Callable[[], str]:
        """A view that says by what the provider knows the person."""
        return lambda: str(cast(Session, place.world.auth.session).subject)

    def test_a_logout_of_before_ends_nobody_who_has_proved_it_since(self, place: Place) -> None:
        """By the provider's own clock, however long the token took."""
        place.world.do(lambda: place.world.auth.sign_in(**self.proved(place, 5)))
        token = place.identity.logout_token(sid="session_1", issued_at=int(place.clock()) - 6)
        assert 200 == self.tell(place, token).status_code
        assert "user_1" == place.who()
        token = place.identity.logout_token(sid="session_1", issued_at=int(place.clock()) - 5, token_id="jti_2")
        assert 200 == self.tell(place, token).status_code
        assert "nobody: revoked" == place.who()

    @pytest.mark.parametrize("later", [0, 3, 60])
    def test_whoever_is_let_in_again_without_a_question_is_signed_in(self, place: Place, later: int) -> None:
        """Single sign-on: the proof is older than the logout, and the provider says who it is all the same."""
        place.world.do(lambda: place.world.auth.sign_in(**self.proved(place, 500)))
        assert 200 == self.tell(place, sid="session_1").status_code
        assert "nobody: revoked" == place.who()
        place.clock.advance(later)
        place.world.do(lambda: place.world.auth.sign_in(**self.proved(place, 500)))
        assert "user_1" == place.who()
        place.clock.advance(400)
        assert ("user_1", 1) == (place.who(), len(place.identity.calls))

    def test_a_coordinator_that_takes_one_of_two(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """Then it is not on record: the session may be known by the other name."""
        refuse_the_second_swap(place, monkeypatch)
        response = self.tell(place, sid="session 1, which no session can hold as it is")
        assert (400, "not_recorded") == (response.status_code, said(response)["reason"])

    def test_a_token_that_is_sent_again(self, place: Place) -> None:
        """Is refused."""
        token = place.identity.logout_token(sub="user_1", issued_at=place.clock())
        assert [200, 400] == [self.tell(place, token).status_code for _ in range(2)]
        response = self.tell(place, token)
        assert ({"error": "invalid_request", "reason": "token_replayed"}, "no-store") == (
            response.json,
            response.headers["Cache-Control"],
        )

    @pytest.mark.parametrize("token", ["", "forged", "é"])
    def test_a_forged_one(self, place: Place, token: str, caplog: pytest.LogCaptureFixture) -> None:
        """Ends nothing; the log says why, and not what."""
        response = self.tell(place, token)
        assert (400, "logout_token_invalid") == (response.status_code, said(response)["reason"])
        assert ["a logout token is refused: malformed. (Said once a minute.)"] == caplog.messages
        assert (400, "user_1") == (self.tell(place, token).status_code, place.who())
        assert 1 == len(caplog.messages)  # anybody may send as many as they like

    def test_by_any_other_method(self, place: Place) -> None:
        """Nothing is there."""
        assert 405 == place.world.get("/auth/backchannel-logout").status_code

    def test_while_its_keys_cannot_be_had(self, place: Place) -> None:
        """It has failed, and the provider may send it again."""
        place.identity.raises["read_logout_token"] = ProviderUnavailable()
        token = place.identity.logout_token(sub="user_1", issued_at=place.clock())
        assert "unavailable" == said(self.tell(place, token))["reason"]
        assert 200 == self.tell(place, token).status_code

    def test_without_the_coordinator(self, place: Place) -> None:
        """The same; it is put on record when that is back."""
        place.store.is_gone = CoordinatorUnavailable("test")
        token = place.identity.logout_token(sub="user_1", issued_at=place.clock())
        response = self.tell(place, token)
        assert (400, "not_recorded") == (response.status_code, said(response)["reason"])
        place.store.is_gone = None
        assert (200, "nobody: revoked") == (self.tell(place, token).status_code, place.who())

    def test_it_comes_in_a_form_of_the_body(self, place: Place) -> None:
        """Not in an address, which servers log; nor as a file, which would be written to disk; nor without end."""
        token = place.identity.logout_token(sub="user_1", issued_at=place.clock())
        client = place.world.app.test_client(use_cookies=False)
        address, form = "/auth/backchannel-logout", "application/x-www-form-urlencoded"
        in_query = client.post(address, base_url=ORIGIN, query_string={"logout_token": token}, content_type=form)
        as_json = client.post(address, base_url=ORIGIN, json={"logout_token": token})
        as_file = client.post(
            address, base_url=ORIGIN, data={"logout_token": token}, content_type="multipart/form-data"
        )
        endless = client.post(address, base_url=ORIGIN, data={"x": "x" * 65_536, "logout_token": token})
        assert [400, 400, 400, 413] == [each.status_code for each in (in_query, as_json, as_file, endless)]
        assert ("logout_token_invalid", "user_1") == (said(as_file)["reason"], place.who())
        assert (200, "nobody: revoked") == (self.tell(place, token).status_code, place.who())

    def test_a_provider_that_sends_none(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """Has nothing there."""
        monkeypatch.setattr(Identity, "read_logout_token", None)
        assert 404 == self.tell(place, "token").status_code


class TestOrganisation:
    """A refresh with an argument."""

    @pytest.mark.row("WO-14")
    def test_it_beats_the_automatic_one(self, place: Place) -> None:
        """Of the same request: the provider is asked once, and for the organisation."""
        place.clock.advance(400)
        place.world.do(lambda: str(place.world.auth.refresh(organization_id="org_1").kind))
        assert [{"organization_id": "org_1"}] == place.identity.calls
        assert "org_1" == place.world.do(lambda: current_session.claims["organization_id"]).text

    @pytest.mark.row("WO-14")
    def test_after_the_automatic_one(self, place: Place) -> None:
        """Where somebody has looked before, its pair is what is renewed."""
        place.clock.advance(400)

        def switch() -> str:
            assert current_session
            return str(place.world.auth.refresh(organization_id="org_1").kind)

        assert "refreshed" == place.world.do(switch).text
        assert [{}, {"organization_id": "org_1"}] == place.identity.calls

    @pytest.mark.row("WO-14")
    @pytest.mark.parametrize("machines", [1, 2])
    @pytest.mark.parametrize("first", ["automatic", "switch"])
    def test_beside_an_automatic_one_elsewhere(self, place: Place, first: str, machines: int) -> None:
        """Neither the pair is lost nor the switch, whoever was first; and the answers may arrive in any order."""
        slow = Slow(place.identity)
        place.clock.advance(400)
        cookie = place.cookie
        elsewhere = place.world if machines == 1 else place.make_machine()
        tabs = [Browser(place.world.app, place.clock), Browser(elsewhere.app, place.clock)]
        for tab in tabs:
            tab.jar.store(f"{NAME}={cookie}; Path=/; Secure", ORIGIN)
        elsewhere.act = lambda: str(elsewhere.auth.refresh(organization_id="org_1").kind)
        acts = [lambda: tabs[0].get(f"{ORIGIN}/who").text, lambda: tabs[1].get(f"{ORIGIN}/do").text]
        if first == "switch":
            acts.reverse()
        leader = Background(acts[0])
        assert slow.is_asked.wait(5)
        follower = Background(acts[1])
        slow.may_answer.set()
        assert {"user_1", "refreshed"} == {leader.result(), follower.result()}
        elsewhere.act = lambda: str(current_session.claims.get("organization_id"))
        assert "org_1" == tabs[1].get(f"{ORIGIN}/do").text
        assert all(call in ({}, {"organization_id": "org_1"}) for call in place.identity.calls)
        assert 1 == place.identity.calls.count({"organization_id": "org_1"})
        place.clock.advance(400)
        assert ["user_1", "user_1"] == [tab.get(f"{ORIGIN}/who").text for tab in tabs]
