"""``SealedClient``: its jar holds what the application would have set, and the application is as it always is."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, assert_type

import pytest
from flask import Blueprint, Flask, Response, g, jsonify
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from freezegun import freeze_time

from flask_ext import BearerHeader, SealedSession, current_session, login_required, public
from flask_ext.testing import SealedClient
from sealed_session import (
    PayloadTypeError,
    SealError,
    SealTooLarge,
    Session,
    Unsealed,
    UsageError,
    UsageTypeError,
    generate_password,
)
from sealed_session.testing import Clock, FakeProvider
from tests.web.carrying import build
from tests.web.conftest import MakeWorld

NOW = 1_800_000_000
PASSWORD = generate_password()
ADA = {"id": "user_1", "email": "ada@example.com"}
GRACE = {"id": "user_2", "email": "grace@example.com"}
TESTING_PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def make_app(auth: SealedSession | None = None, **settings: Any) -> Flask:
    """An application with one view of each kind; settings without our prefix are ours, but for Flask's own."""
    app = Flask(__name__)
    app.test_client_class = SealedClient
    app.testing = True
    own = ("SERVER_NAME", "APPLICATION_ROOT")
    prefixed = {name if name in own else f"SEALED_SESSION_{name}": value for name, value in settings.items()}
    app.config.update({"SEALED_SESSION_PASSWORD": PASSWORD, **prefixed})
    auth = SealedSession() if auth is None else auth
    auth.init_app(app)
    add_views(app, auth)
    return app


def add_views(app: Flask, auth: SealedSession) -> None:
    """Who is signed in, a page for those who signed in lately, and what an application does to a session."""

    @app.get("/me")
    @login_required
    def me() -> ResponseReturnValue:
        return jsonify(user=current_session.user, extra=current_session.extra, since=current_session.started_at)

    @app.get("/reason")
    @public
    def reason() -> str:
        return current_session.reason or "signed in"

    @app.get("/fresh")
    @login_required(fresh_within=300)
    def fresh() -> str:
        return "fresh"

    @app.post("/theme/<theme>")
    def theme(theme: str) -> str:
        auth.update(extra={"theme": theme})
        return "changed"

    @app.post("/sign-out")
    def sign_out() -> str:
        auth.sign_out()
        return "bye"


def client_of(app: Flask, **options: Any) -> SealedClient:
    """What ``app.test_client`` makes, with the type that it has."""
    client = app.test_client(**options)
    assert isinstance(client, SealedClient)
    return client


def signed_in(app: Flask, **values: Any) -> SealedClient:
    """A client of Ada, or of whom the values say."""
    return client_of(app, sealed_session={"user": ADA, **values})


def user_at(client: FlaskClient, url: str = "/me", **options: Any) -> Any:
    """Who the application says is signed in."""
    response = client.get(url, **options)
    return response.get_json()["user"] if response.status_code == 200 else response.status_code


def fits(sign_in: Callable[..., None], **values: Any) -> bool:
    """Sign in, if the session is not too large."""
    try:
        sign_in(**values)
    except SealTooLarge:
        return False
    return True


class TestSignedIn:
    """A client that begins signed in."""

    def test_the_application_knows_the_person(self) -> None:
        """With everything that was given."""
        client = signed_in(make_app(), extra={"theme": "dark"})
        told = client.get("/me").get_json()
        assert (ADA, {"theme": "dark"}) == (told["user"], told["extra"])

    def test_a_plain_client_is_signed_out(self) -> None:
        """TESTING turns nothing off, and neither does the client's class."""
        client = client_of(make_app())
        assert (None, None) == (client.session, client.opened)
        assert (401, "missing") == (client.get("/me").status_code, client.get("/reason").text)

    @pytest.mark.parametrize("testing", [True, False])
    def test_testing_changes_nothing(self, testing: bool) -> None:
        """Neither for those who are signed in nor for those who are not, nor under REQUIRE_LOGIN."""
        app = make_app(REQUIRE_LOGIN=True)
        app.testing = testing
        assert (401, 401) == (user_at(client_of(app)), client_of(app).post("/theme/dark").status_code)
        assert ADA == user_at(signed_in(app))

    def test_it_may_be_anybody(self) -> None:
        """An empty dict signs in somebody without a user."""
        client = client_of(make_app(), sealed_session={})
        assert {} == user_at(client)
        assert client.session is not None
        assert "user_1" == client.session.claims["sub"]

    def test_every_value_of_a_session_can_be_given(self) -> None:
        """And comes back as it was."""
        values = {
            "access_token": "opaque",
            "refresh_token": "refresh",
            "user": ADA,
            "impersonator": {"email": "support@example.com"},
            "extra": {"theme": "dark"},
            "access_expires_at": NOW + 60,
            "session_id": "c2Vzc2lvbg",
            "session_expires_at": NOW + 600,
            "tokens": {"id_token": "eyJ..."},
        }
        client = client_of(make_app(SealedSession(clock=Clock())), sealed_session=values)
        assert Session.from_mapping(values) == client.session

    def test_what_is_none_is_absent(self) -> None:
        """As for ``SealedSession.sign_in``; no access token is a fresh one."""
        client = client_of(make_app(), sealed_session=dict.fromkeys(["access_token", "user", "tokens", "started_at"]))
        assert client.session is not None
        assert {"access_token", "session_id"} == set(client.session.to_mapping())

    def test_it_takes_what_the_extension_takes(self) -> None:
        """One dict signs the person in here and there, and the sessions are equal."""
        provider = FakeProvider(clock := Clock())
        auth = SealedSession(provider, clock=clock)
        app, values = make_app(auth), provider.sign_in()

        @app.post("/sign-in")
        def sign_in() -> str:
            auth.sign_in(**values)
            return "welcome"

        by_form = client_of(app)
        by_form.post("/sign-in")
        by_hand = client_of(app, sealed_session=values)
        assert by_form.opened == by_hand.opened

    def test_no_signal_and_no_request(self) -> None:
        """Signing a client in is nothing that happens in the application."""
        from flask_ext import session_opened

        app, heard = make_app(), []
        app.before_request(lambda: heard.append("request"))
        with session_opened.connected_to(lambda _app, **_facts: heard.append("signal"), app):
            signed_in(app)
        assert [] == heard


class TestFreshToken:
    """The access token of those who bring none."""

    def test_it_names_the_person_and_lasts_an_hour(self) -> None:
        """By the application's clock."""
        client = signed_in(make_app(SealedSession(clock=Clock())))
        assert client.session is not None
        assert {"sub": "user_1", "exp": NOW + 3600} == client.session.claims

    @pytest.mark.parametrize(
        ("user", "sub"), [({"id": 7}, "7"), ({"id": "user_2"}, "user_2"), ({"name": "Ada"}, "user_1"), (None, "user_1")]
    )
    def test_its_subject_is_the_users_id(self, user: dict[str, Any] | None, sub: str) -> None:
        """Also where ids are numbers, and where there is none."""
        client = client_of(make_app(), sealed_session={"user": user})
        assert client.session is not None
        assert sub == client.session.claims["sub"]

    def test_two_people_have_two_sessions(self) -> None:
        """Of which each has a random id, as after signing in."""
        app = make_app()
        ids = {client.session and client.session.session_id for client in (signed_in(app), signed_in(app))}
        assert 2 == len(ids - {None})

    def test_a_tokens_own_id_is_not_replaced(self) -> None:
        """By a random one."""
        clock = Clock()
        client = client_of(make_app(), sealed_session=FakeProvider(clock).sign_in(sid="session_1"))
        assert client.session is not None
        assert ("session_1", False) == (client.session.session_id, "session_id" in client.session.to_mapping())


class TestTimes:
    """People who signed in long ago, clocks and the end of things."""

    def test_somebody_who_signed_in_long_ago(self) -> None:
        """Is not fresh, and still signed in."""
        app = make_app(SealedSession(clock=Clock()))
        client = signed_in(app, started_at=NOW - 301)
        assert (ADA, NOW - 301) == (user_at(client), client.get("/me").get_json()["since"])
        assert 401 == client.get("/fresh").status_code
        assert 200 == signed_in(app, started_at=NOW - 300).get("/fresh").status_code

    def test_a_lifetime_that_has_ended_is_refused(self) -> None:
        """No application could have sealed such a cookie; nor one of the future."""
        app = make_app(SealedSession(clock=Clock()), ABSOLUTE_LIFETIME=3600)
        for started_at, code in ((NOW - 3600, "too_old"), (NOW + 301, "from_future")):
            with pytest.raises(SealError) as caught:
                signed_in(app, started_at=started_at)
            assert code == caught.value.code

    def test_a_lifetime_ends_for_client_and_application_at_once(self) -> None:
        """The client opens its cookie as the application does."""
        clock = Clock()
        client = signed_in(make_app(SealedSession(clock=clock), ABSOLUTE_LIFETIME=3600))
        clock.advance(3599)
        seen = [client.session is None]
        clock.advance(1)
        seen.append(client.session is None)
        assert ([False, True], "too_old") == (seen, client.get("/reason").text)

    def test_an_expired_token_is_refreshed(self, sealed_clock: Clock, fake_provider: FakeProvider) -> None:
        """The client then holds the new pair, and the session is the same one."""
        client = client_of(
            make_app(SealedSession(fake_provider, clock=sealed_clock)), sealed_session=fake_provider.sign_in(ADA)
        )
        before = client.opened
        sealed_clock.advance(400)
        assert (ADA, [{}]) == (user_at(client), fake_provider.calls)
        after = client.opened
        assert before is not None
        assert after is not None
        assert before.session.refresh_token != after.session.refresh_token
        assert (NOW, NOW + 400) == (after.started_at, after.sealed_at)
        assert (before.session.session_id, NOW + 700) == (after.session.session_id, after.session.access_expires_at)

    def test_the_provider_may_be_down_or_refuse(self, sealed_clock: Clock, fake_provider: FakeProvider) -> None:
        """Each is answered as what it is, and the cookie stays."""
        client = client_of(
            make_app(SealedSession(fake_provider, clock=sealed_clock)), sealed_session=fake_provider.sign_in(ADA)
        )
        sealed_clock.advance(400)
        fake_provider.fail()
        assert 503 == client.get("/me").status_code
        sealed_clock.advance(1)
        fake_provider.end_every_session()
        assert "denied" == client.get("/reason").text
        assert client.session is not None
        assert 401 == client.get("/me").status_code  # the denial is on record by now, so the cookie goes
        assert client.session is None

    def test_freezegun_needs_no_clock(self) -> None:
        """Every part looks the time up when it needs it: the application, the client and the provider."""
        provider = FakeProvider()
        with freeze_time("2030-01-01") as frozen:
            client = client_of(make_app(SealedSession(provider)), sealed_session=provider.sign_in(ADA))
            since = int(time.time())
            assert (200, since) == (client.get("/fresh").status_code, client.get("/me").get_json()["since"])
            frozen.tick(400)
            assert (ADA, 401) == (user_at(client), client.get("/fresh").status_code)
            assert 1 == len(provider.calls)
            assert client.opened is not None
            assert (since, since + 400) == (client.opened.started_at, client.opened.sealed_at)

    def test_freezegun_and_a_fresh_token(self) -> None:
        """Which ends an hour after the frozen time."""
        app = make_app()
        with freeze_time("2030-01-01") as frozen:
            client = signed_in(app)
            frozen.tick(3600 + 9)
            assert ADA == user_at(client)
            frozen.tick(1)
            assert "expired" == client.get("/reason").text


class TestTheCookie:
    """What is put into the jar is what the application would have set."""

    @pytest.mark.parametrize(
        ("settings", "url"),
        [
            ({}, "/me"),
            ({"COOKIE_NAME": "__Host-session", "COOKIE_SECURE": True}, "/me"),
            (
                {"COOKIE_NAME": "__Host-Http-s", "COOKIE_SECURE": True, "COOKIE_SAMESITE": "None"},
                "https://localhost/me",
            ),
            ({"COOKIE_PATH": "/app", "APPLICATION_ROOT": "/app"}, "/me"),
            ({"COOKIE_DOMAIN": "example.com", "SERVER_NAME": "app.example.com"}, "/me"),
            ({"COOKIE_DOMAIN": ".Example.com"}, "https://shop.example.com/me"),
            ({"COOKIE_DOMAIN": "example.com", "SERVER_NAME": "example.com:5000"}, "/me"),
            ({"SERVER_NAME": "App.example.com:5000"}, "/me"),
            ({"SERVER_NAME": "[::1]:5000"}, "/me"),
            ({"COOKIE_PARTITIONED": True, "COOKIE_SECURE": True, "COOKIE_MAX_AGE": None}, "/me"),
        ],
    )
    def test_it_is_sent_back_and_replaced(self, settings: dict[str, Any], url: str) -> None:
        """Under every name, Domain and path; an update replaces it, and signing out clears it."""
        client = signed_in(make_app(**settings))
        assert ADA == user_at(client, url)
        assert 200 == client.post(url.replace("/me", "/theme/dark")).status_code
        assert 1 == len(client._cookies or ())
        assert {"theme": "dark"} == client.get(url).get_json()["extra"]
        client.post(url.replace("/me", "/sign-out"))
        assert (401, {}) == (user_at(client, url), client._cookies)

    def test_a_path_is_kept_to(self) -> None:
        """What is outside of it sees no cookie."""
        client = signed_in(make_app(COOKIE_PATH="/members"))
        assert (401, ADA) == (user_at(client), client.session and client.session.user)

    def test_the_user_is_trimmed(self) -> None:
        """As the application does it; the token's subject is the user's id all the same."""
        client = signed_in(make_app(USER_FIELDS=["email"]))
        assert client.session is not None
        assert ({"email": ADA["email"]}, "user_1") == (client.session.user, client.session.claims["sub"])

    def test_the_applications_own_trimmer(self) -> None:
        """Too."""
        auth = SealedSession()
        auth.user_trimmer(lambda user: {"id": user["id"]})
        assert {"id": "user_1"} == user_at(signed_in(make_app(auth)))

    def test_a_password_that_was_changed(self) -> None:
        """The cookie of the old one opens in both applications' eyes, and is sealed anew."""
        new = generate_password()
        client = signed_in(make_app())
        client.application = make_app(PASSWORD=new, PASSWORD_FALLBACKS=[PASSWORD])
        assert client.opened is not None
        assert ("fallback",) == client.opened.reseal_reasons
        assert (ADA, False) == (user_at(client), client.opened.needs_reseal)

    def test_a_former_name(self) -> None:
        """Is found, and dropped with the others."""
        client = signed_in(make_app())
        client.application = make_app(COOKIE_NAME="next", COOKIE_PREVIOUS_NAMES=["sealed-session"])
        assert client.opened is not None
        assert ("name",) == client.opened.reseal_reasons
        client.sign_out()
        assert {} == client._cookies

    def test_what_does_not_open_is_no_session(self) -> None:
        """For the application, and so for the client."""
        client = client_of(make_app())
        client.set_cookie("sealed-session", "garbage")
        assert (None, "unreadable") == (client.session, client.get("/reason").text)

    def test_a_cookie_of_the_greatest_length(self) -> None:
        """Is no reason for a warning of Werkzeug, which counts attributes as well."""
        app, length = make_app(COOKIE_NAME="__Host-session", COOKIE_SECURE=True, SIZE_WARN_BYTES=4096), 3200
        client = client_of(app)
        sign_in = partial(client.sign_in, access_token="x")
        while not fits(sign_in, extra={"fill": "x" * length}):
            length -= 1
        cookie = client.get_cookie("__Host-session")
        assert cookie is not None
        assert len(f"{cookie.key}={cookie.value}") in range(4070, 4094)  # lengths go in steps
        assert {} == user_at(client)


class TestChanges:
    """The client after what the application did, and after what the test did."""

    def test_updates_are_seen(self) -> None:
        """The session is read from the cookie every time."""
        client = signed_in(make_app())
        client.post("/theme/dark")
        assert client.session is not None
        assert ({"theme": "dark"}, ADA) == (client.session.extra, client.session.user)

    def test_signing_out_in_the_application(self) -> None:
        """Leaves no session in the client."""
        client = signed_in(make_app())
        client.post("/sign-out")
        assert (None, 401) == (client.session, user_at(client))

    def test_signing_the_client_in_and_out(self) -> None:
        """At any time; the last one counts."""
        client = client_of(make_app())
        seen = [user_at(client)]
        for user in (ADA, GRACE):
            client.sign_in(user=user)
            seen.append(user_at(client))
        client.sign_out()
        assert [401, ADA, GRACE, 401] == [*seen, user_at(client)]
        client.sign_out()  # nobody is there any more, and that is fine
        assert client.session is None

    def test_signing_out_drops_our_cookies_alone(self) -> None:
        """On every host and path, the eager token too; the application's others stay."""
        client = signed_in(make_app(ACCESS_TOKEN_COOKIE="eager"))
        client.sign_in(host="shop.example.com")
        client.get("/me", headers={"Accept": "text/html"})
        for name, path in (("sealed-session", "/old"), ("eager", "/"), ("theme", "/")):
            client.set_cookie(name, "value", path=path)
        client.sign_out()
        assert ["theme"] == [name for _, _, name in client._cookies or ()]

    def test_of_several_cookies_the_newest_counts(self) -> None:
        """Of two of one second, the one that came last."""
        clock = Clock()
        client = client_of(make_app(SealedSession(clock=clock)))
        client.sign_in(user=ADA)
        client.sign_in(user=GRACE, host="shop.example.com")
        assert GRACE == (client.session and client.session.user)
        clock.advance(1)
        client.sign_in(user=ADA)
        assert ADA == (client.session and client.session.user)


class TestHosts:
    """Applications with several host names."""

    def test_without_a_domain_a_cookie_is_one_hosts(self) -> None:
        """Two hosts, two people."""
        client = signed_in(make_app())
        client.sign_in(user=GRACE, host="Shop.example.com:8443")
        assert (ADA, GRACE) == (user_at(client), user_at(client, "https://shop.example.com/me"))
        assert (401, 401) == tuple(
            user_at(client, f"https://{host}/me") for host in ("example.com", "a.shop.example.com")
        )

    def test_with_a_domain_it_is_every_hosts(self) -> None:
        """Below it, and no other's."""
        client = signed_in(make_app(COOKIE_DOMAIN="example.com"))
        hosts = ("example.com", "shop.example.com", "a.b.example.com", "example.org", "badexample.com")
        assert [ADA, ADA, ADA, 401, 401] == [user_at(client, f"https://{host}/me") for host in hosts]

    def test_a_host_outside_of_the_domain_is_refused(self) -> None:
        """No browser would keep the cookie; one inside is fine and changes nothing."""
        client = client_of(make_app(COOKIE_DOMAIN="example.com"))
        with pytest.raises(UsageError, match=r"host: 'shop\.test' is not in the cookie's Domain 'example\.com'"):
            client.sign_in(host="shop.test")
        client.sign_in(user=ADA, host="shop.example.com")
        assert ADA == user_at(client, "https://example.com/me")


class TestSeveral:
    """Several people, applications and contexts at once."""

    def test_several_people(self) -> None:
        """Each client is one person's browser."""
        app = make_app()
        ada, grace, nobody = signed_in(app), signed_in(app, user=GRACE), client_of(app)
        for _ in range(2):
            assert [ADA, GRACE, 401] == [user_at(client) for client in (ada, grace, nobody)]
        ada.sign_out()
        assert [401, GRACE, 401] == [user_at(client) for client in (ada, grace, nobody)]

    def test_under_an_outer_application_context(self) -> None:
        """Whose ``g`` all requests share: nobody becomes somebody else by it."""
        app = make_app()
        with app.app_context():
            g.mark = "shared"
            ada, grace, nobody = signed_in(app), signed_in(app, user=GRACE), client_of(app)
            assert [ADA, GRACE, 401, ADA] == [user_at(client) for client in (ada, grace, nobody, ada)]
            ada.post("/sign-out")
            assert [401, GRACE] == [user_at(client) for client in (ada, grace)]
            assert "shared" == g.mark

    def test_with_a_preserved_context(self) -> None:
        """After the request, what the view saw can be seen; the next request has its own."""
        app = make_app()
        with signed_in(app) as client:
            client.get("/me")
            assert (ADA, client.session and client.session.session_id) == (
                current_session.user,
                current_session.session_id,
            )
            client.sign_in(user=GRACE)
            client.get("/me")
            assert GRACE == current_session.user
            client.sign_out()
            client.get("/reason")
            assert not current_session

    def test_several_applications_of_a_factory(self) -> None:
        """One extension object, one password: the cookies of one open in the other, and clients do not mix."""
        auth = SealedSession()
        first, second = make_app(auth), make_app(auth, COOKIE_NAME="other")
        one, two = signed_in(first), signed_in(second, user=GRACE)
        assert [ADA, GRACE, ADA] == [user_at(client) for client in (one, two, one)]

    def test_blueprints(self) -> None:
        """Their views see the same session."""
        app, pages = make_app(), Blueprint("pages", __name__, url_prefix="/pages")

        @pages.get("/mine")
        @login_required
        def mine() -> ResponseReturnValue:
            return jsonify(user=current_session.user)

        app.register_blueprint(pages)
        assert (ADA, 401) == (user_at(signed_in(app), "/pages/mine"), user_at(client_of(app), "/pages/mine"))


class TestMistakes:
    """What is wrong is said where it is done."""

    def test_an_application_without_sealed_sessions(self) -> None:
        """A client can be made; what needs a session says how to get one."""
        client = SealedClient(Flask("elsewhere"))
        for act in (client.sign_in, client.sign_out, lambda: client.session, lambda: client.opened):
            with pytest.raises(UsageError, match=r"'elsewhere' has no sealed session\. Call SealedSession") as caught:
                act()
            assert "not_initialised" == caught.value.code

    @pytest.mark.parametrize(("name", "near"), [("usr", "user"), ("acess_token", "access_token"), ("theme", "extra")])
    def test_unknown_names(self, name: str, near: str) -> None:
        """With the nearest that there is, or the place for what is one's own."""
        with pytest.raises(UsageError, match=f"no value named '{name}'.*{near}") as caught:
            signed_in(make_app(), **{name: {}})
        assert "unknown_value" == caught.value.code

    @pytest.mark.parametrize(
        ("values", "error", "message"),
        [
            ({"user": "user_1"}, PayloadTypeError, "user: expected a dict"),
            ({"user": {"id": object()}}, PayloadTypeError, r"user\.id"),
            ({"access_token": 7}, UsageTypeError, "access_token: expected a str"),
            ({"started_at": time}, UsageTypeError, "started_at: expected an int"),
            ({"started_at": 1.5}, UsageTypeError, "started_at: expected an int"),
        ],
    )
    def test_wrong_values(self, values: dict[str, Any], error: type[Exception], message: str) -> None:
        """The errors of ``Session`` and ``Sealer``."""
        with pytest.raises(error, match=message):
            signed_in(make_app(), **values)

    @pytest.mark.parametrize("wrong", [True, "user_1", ["user"], Session("t")])
    def test_what_is_no_dict(self, wrong: Any) -> None:
        """``sealed_session=True`` for example: there is no switch that signs in."""
        with pytest.raises(UsageTypeError, match="sealed_session: expected a dict of what sign_in takes"):
            client_of(make_app(), sealed_session=wrong)

    def test_a_session_that_is_too_large(self) -> None:
        """With the table of where the characters go; the jar is as it was."""
        client = signed_in(make_app())
        with pytest.raises(SealTooLarge, match="user") as caught:
            client.sign_in(user={"id": "user_2", "about": token_urlsafe(5000)})
        assert "user" in [part.label for part in caught.value.report.parts]
        assert ADA == user_at(client)

    def test_a_client_that_keeps_no_cookies(self) -> None:
        """Cannot hold a session, and says so rather than nothing."""
        app = make_app()
        client = client_of(app, use_cookies=False)
        for act in (client.sign_in, client.sign_out, lambda: client.session, lambda: client.opened):
            with pytest.raises(UsageError, match=r"keeps no cookies\. Make it without use_cookies=False"):
                act()
        with pytest.raises(UsageError, match="keeps no cookies"):
            client_of(app, use_cookies=False, sealed_session={})
        assert 401 == user_at(client)


def test_an_application_that_reads_no_sealed_cookie(make_world: MakeWorld) -> None:
    """A test that would be signed in by one is told, and not left to wonder."""
    world, _ = build(make_world, [BearerHeader()])
    world.app.test_client_class = SealedClient
    with pytest.raises(UsageError) as raised:
        world.app.test_client(sealed_session={"user": {"id": "user_1"}})
    assert "no_place" == raised.value.code


class TestTypes:
    """What mypy and readers see."""

    def test_a_typed_test_needs_no_casts(self) -> None:
        """Made by itself, a client has its own type; with ``with``, too."""
        app = make_app()
        client = assert_type(SealedClient(app, sealed_session={"user": ADA}), SealedClient)
        assert_type(client.session, Session | None)
        assert_type(client.opened, Unsealed | None)
        with client as same:
            assert_type(same, SealedClient)
        values: Mapping[str, Any] = FakeProvider().sign_in()
        client.sign_in(**values)
        assert ADA["id"] == (client.session and (client.session.user or {})["id"])

    def test_made_by_itself_it_is_what_flask_would_make(self) -> None:
        """Responses are of the application's own class."""

        class OwnResponse(Response):
            pass

        app = make_app()
        app.response_class = OwnResponse
        for client in (SealedClient(app), client_of(app), SealedClient(app, OwnResponse)):
            assert isinstance(client.get("/reason"), OwnResponse)


def test_the_tests_of_the_documentation_pass(tmp_path: Path) -> None:
    """docs/testing.md shows a test file for pytest; test_docs.py alone would define its tests and run none."""
    programs = re.findall(r"^```python\n(.*?)^```", TESTING_PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    shown = [program for program in programs if "def test_" in program]
    for number, program in enumerate(shown):
        (tmp_path / f"test_{number}.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    tests = sum(program.count("def test_") for program in shown)
    assert tests > 0
    assert (0, True) == (result.returncode, f"{tests} passed" in result.stdout), result.stdout + result.stderr
