"""Knoon: how credentials are minted, which cookies they are, and what is taken for one."""

from __future__ import annotations

import json
import logging
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import ConfigError, ProviderUnavailable, UsageError
from sealed_session.cookie import CookiePolicy
from sealed_session.providers import Knoon, Minted, MintingProvider
from sealed_session.testing import Clock, FakeKnoon

from .server import Behaviour, Received, refused_url, reply, running

ORG, KEY = "org-7Hq2mZk9", "knoon-test-9Lp5cRs1"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyXzEifQ.c2lnbmF0dXJl-_"  # test data
BOX, NOW = "box_1", 1_800_000_000
ENDS = (NOW + 3600) * 1000
NAMES = (
    "knoon_contact_session_jwt_box_1",
    "knoon_contact_session_jwt_expires_at_box_1",
    "knoon_contact_session_jwt_domain_box_1",
)
USER = {"id": "user_1", "email": "ada@example.com", "name": "Ada Lovelace", "picture": "https://example.com/ada.png"}
DATA: dict[str, Any] = {"jwt": JWT, "expiresAt": "2027-01-15T09:00:00.000Z", "contactId": "contact_1"}
PIECES = st.lists(st.sampled_from(["expires_at", "domain", "_", "a"]), min_size=1, max_size=5).map("".join)
"""What might be mistaken for the name of another cookie."""
BAD_TARGET = "chatBoxId: expected 1 to 64 letters, digits, _ and -, which do not begin with expires_at_ or domain_."
COOKIES = dict(zip(NAMES, (JWT, str(ENDS), ".example.com"), strict=True))


def knoon(url: str = "http://localhost:1", **options: Any) -> Knoon:
    """A client of a server."""
    given = {"organization_id": ORG, "api_key": KEY, "domain": ".example.com", "base_url": url, "clock": lambda: NOW}
    return Knoon(**{**given, **options})


def mint(answer: Behaviour, user: dict[str, Any] = USER, **options: Any) -> tuple[Minted | None, Received]:
    """Mint at a server with this answer; return what was minted, and what was asked."""
    with running(answer) as server:
        return knoon(server.url, **options).mint(user, BOX), server.requests[0]


def minted(data: Any) -> Minted:
    """What an answer with these data makes."""
    it, _ = mint(reply({"status": "ok", "data": data}))
    assert it is not None
    return it


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KNOON_ORG_ID", "KNOON_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.row("KN-2")
class TestRequest:
    """POST /v1/credentials/login."""

    def test_KN_2_the_request(self) -> None:  # noqa: N802 - bears its row's id
        """About the session's user, as who we are."""
        _, request = mint(reply({"data": DATA}))
        assert ("POST", "/v1/credentials/login") == (request.method, request.target)
        assert {
            "email": "ada@example.com",
            "externalId": "user_1",
            "photoURL": "https://example.com/ada.png",
            "displayName": "Ada Lovelace",
            "chatBoxId": BOX,
        } == request.json
        assert f"{ORG}:{KEY}" == b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()

    @pytest.mark.parametrize(
        ("user", "told"),
        [
            ({"sub": "s"}, {"externalId": "s"}),
            (
                {"user_id": "u", "name": {"first_name": "Ada", "last_name": "L"}},
                {"externalId": "u", "displayName": "Ada L"},
            ),
            ({"id": "i", "first_name": "Ada", "last_name": None}, {"externalId": "i", "displayName": "Ada"}),
            ({"id": "i", "given_name": "Ada", "family_name": "L"}, {"externalId": "i", "displayName": "Ada L"}),
            ({"id": "i", "profile_picture_url": "https://a"}, {"externalId": "i", "photoURL": "https://a"}),
            ({"id": "i", "email": 7, "picture": "", "name": ["A"]}, {"externalId": "i"}),
        ],
    )
    def test_KN_2_other_users(self, user: dict[str, Any], told: dict[str, str]) -> None:  # noqa: N802
        """By the names that other providers have; what is missing is left out."""
        _, request = mint(reply({"data": DATA}), user)
        assert {**told, "chatBoxId": BOX} == request.json

    def test_KN_2_another_mapping(self) -> None:  # noqa: N802
        """Places, functions, or nothing at all; what is not named stays as it is."""
        fields: dict[str, Any] = {
            "externalId": ("account", "number"),
            "displayName": lambda user: user["email"].upper(),
            "photoURL": None,
            "locale": "language",
        }
        user = {**USER, "account": {"number": "n-1"}, "language": "en"}
        _, request = mint(reply({"data": DATA}), user, fields=fields)
        assert {
            "email": "ada@example.com",
            "externalId": "n-1",
            "displayName": "ADA@EXAMPLE.COM",
            "locale": "en",
            "chatBoxId": BOX,
        } == request.json

    @pytest.mark.parametrize("user", [{}, {"id": 7, "email": "ada@example.com"}, {"id": ""}])
    def test_KN_2_nobody(self, user: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:  # noqa: N802
        """Who has no id is not asked for, and somebody is told."""
        assert None is knoon(refused_url()).mint(user, BOX)
        assert ([logging.ERROR], False) == ([one.levelno for one in caplog.records], "ada" in caplog.text)


@pytest.mark.row("KN-3")
class TestAnswer:
    """What becomes of it."""

    def test_KN_3_a_credential(self) -> None:  # noqa: N802 - bears its row's id
        """As the page has it, with our Domain, whatever the answer calls so."""
        it = minted({**DATA, "domain": "evil.example.com"})
        assert {"status": "ok", "data": {**DATA, "domain": ".example.com"}} == it.body
        assert (COOKIES, ENDS / 1000, "user_1") == (it.cookies, it.expires_at, it.owner)

    @pytest.mark.parametrize(
        "answer",
        [
            reply({"status": "bad_request"}),
            reply({"data": None}),
            reply({"data": {}}),
            reply({"data": "jwt"}),
            reply({"status": "bad_request", "error": "no such chat box"}, 400),
            reply({"status": "not_found"}, 404),
            reply({"data": DATA}, 422),
        ],
    )
    def test_KN_3_without_data(self, answer: Behaviour) -> None:  # noqa: N802
        """Nothing was minted, and our endpoint has a body for that."""
        assert (None, {"status": "bad_request"}) == (mint(answer)[0], knoon().refusal_body)


@pytest.mark.row("KN-4")
class TestSecrets:
    """Organisation and key."""

    def test_KN_4_not_to_a_browser(self) -> None:  # noqa: N802 - bears its row's id
        """Whoever has put them into the answer."""
        nested = {"of": [ORG, {"key": KEY, "kept": 1}], ORG: "as a name", "kept": "it"}
        it = minted({**DATA, "organizationId": ORG, "more": nested})
        assert not any(secret in json.dumps(it.body) for secret in (ORG, KEY))
        assert {**DATA, "more": {"of": [{"kept": 1}], "kept": "it"}, "domain": ".example.com"} == it.body["data"]

    def test_KN_4_not_shown(self) -> None:  # noqa: N802
        """By provider and credential."""
        assert "Knoon(localhost, domain='.example.com')" == repr(knoon())
        assert JWT not in repr(minted(DATA))

    @pytest.mark.parametrize(
        "answer",
        [
            reply({"error": f"{ORG} {KEY}"}, 401),
            reply({"error": f"{ORG} {KEY}"}, 403),
            reply({"error": f"{ORG} {KEY}"}, 500),
            reply(KEY.encode()),
            reply({"data": DATA}, headers={"Content-Length": "9999"}),
        ],
    )
    def test_KN_4_not_told(self, answer: Behaviour, caplog: pytest.LogCaptureFixture) -> None:  # noqa: N802
        """In a log or an error, though the answer has them."""
        caplog.set_level(logging.DEBUG)
        with pytest.raises(ProviderUnavailable) as caught:
            mint(answer)
        told = f"{caplog.text} {caught.value!r} {caught.value}"
        assert not any(secret in told for secret in (ORG, KEY, JWT, "ada@example.com"))

    @pytest.mark.parametrize(
        "variables", [{"KNOON_ORG_ID": ORG, "KNOON_API_KEY": f"{KEY}\n"}, {"KNOON_ORG_ID": f"{ORG}:{KEY}"}]
    )
    def test_KN_4_not_in_a_complaint(self, variables: dict[str, str]) -> None:  # noqa: N802
        """Of what is wrong with them."""
        problems = Knoon(domain="example.com").problems(variables)
        assert problems
        assert not any(secret in str(problems) for secret in (ORG, KEY))


@pytest.mark.row("KN-5")
class TestCookies:
    """Three for each Chat Box."""

    def test_KN_5_their_names(self) -> None:  # noqa: N802 - bears its row's id
        """In the page's order."""
        assert NAMES == knoon().cookie_names(BOX)

    @pytest.mark.parametrize("ends", ["2027-01-15T09:00:00Z", "2027-01-15T11:00:00+02:00", ENDS, float(ENDS)])
    def test_KN_5_in_milliseconds(self, ends: Any) -> None:  # noqa: N802
        """However the answer writes the time."""
        assert COOKIES == minted({**DATA, "expiresAt": ends}).cookies

    @pytest.mark.parametrize(
        "wrong",
        [
            {"jwt": None},
            {"jwt": ""},
            {"jwt": 7},
            {"jwt": "a; Domain=evil.example.com"},
            {"jwt": "a\r\nSet-Cookie: b=c"},
            {"jwt": "ü"},
            {"jwt": "a" * 4093},
            {"expiresAt": None},
            {"expiresAt": "soon"},
            {"expiresAt": 0},
            {"expiresAt": True},
            {"expiresAt": NOW},
            {"expiresAt": "2027-01-15T08:00:00Z"},
            {"expiresAt": {"_seconds": NOW}},
        ],
    )
    def test_KN_5_only_with_both(self, wrong: dict[str, Any]) -> None:  # noqa: N802
        """Sound ones: a token that a cookie holds, and an end to come. The front end gets what there is."""
        it = minted({**DATA, **wrong})
        assert ({}, 0, "user_1") == (it.cookies, it.expires_at, it.owner)
        assert {"status": "ok", "data": {**DATA, **wrong, "domain": ".example.com"}} == it.body

    def test_KN_5_the_shortest_life(self) -> None:  # noqa: N802
        """That browsers keep: a second."""
        assert [0, 3] == [len(minted({**DATA, "expiresAt": NOW * 1000 + ms}).cookies) for ms in (999, 1000)]

    def test_KN_5_the_longest(self) -> None:  # noqa: N802
        """That browsers keep."""
        length = 4093 - len(NAMES[0]) - 1
        assert 3 == len(minted({**DATA, "jwt": "a" * length}).cookies)
        assert 0 == len(minted({**DATA, "jwt": "a" * (length + 1)}).cookies)

    @given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans()), st.text())
    def test_KN_5_whatever_is_answered(self, ends: Any, jwt: str) -> None:  # noqa: N802
        """Cookies can carry it, or there are none."""
        it = knoon()._minted({"jwt": jwt, "expiresAt": ends}, BOX, "user_1")
        for name, value in it.cookies.items():
            CookiePolicy(name=name).set(value, "https", "app.example.com")

    def test_KN_5_by_the_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """Which is the system's, where there is no other."""
        monkeypatch.setattr("time.time", lambda: NOW + 3599.5)
        with running(reply({"data": DATA})) as server:
            it = knoon(server.url, clock=None).mint(USER, BOX)
        assert it is not None
        assert {} == it.cookies


@pytest.mark.row("KN-6")
def test_KN_6_what_its_cookies_are() -> None:  # noqa: N802 - bears its row's id
    """A shared parent, and at most an hour."""
    assert (".example.com", 3600) == (knoon().domain, knoon().max_age)


@pytest.mark.row("KN-7")
class TestTarget:
    """A Chat Box's id, which becomes part of a cookie's name."""

    @pytest.mark.parametrize("value", ["a", "A-b_9", "x" * 64, "expires_at", "domain", "my_domain_1"])
    def test_KN_7_good_ones(self, value: str) -> None:  # noqa: N802 - bears its row's id
        """Letters, digits, underscores, hyphens."""
        assert value == knoon().check_target(value)

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "x" * 65,
            "x; Domain=evil",
            "x=1",
            "x y",
            "x\n",
            "\nx",
            "bøx",
            "１",
            "x.y",
            "x/y",
            "expires_at_",
            "expires_at_box",
            "domain_box",
            None,
            7,
            b"box",
            ["box"],
            {"id": "box"},
        ],
    )
    def test_KN_7_bad_ones(self, value: Any) -> None:  # noqa: N802
        """Get into no name, and into no message."""
        for ask in (knoon().check_target, knoon().cookie_names, lambda box: knoon().read({}, box, NOW)):
            with pytest.raises(UsageError) as caught:
                ask(value)
            assert ("bad_target", BAD_TARGET) == (caught.value.code, str(caught.value))
        with pytest.raises(UsageError):
            knoon(refused_url()).mint(USER, value)

    @given(st.one_of(st.text(), st.text("abz019_-", max_size=70), PIECES))
    def test_KN_7_whatever_comes(self, value: str) -> None:  # noqa: N802
        """Is refused, or makes three names of its own that a cookie can have."""
        provider = knoon()
        try:
            names = provider.cookie_names(value)
        except UsageError:
            assert not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) or value.startswith(("expires_at_", "domain_"))
            return
        assert 3 == len(set(names))
        for name in names:
            CookiePolicy(name=name)
            assert provider.owns(name)

    @given(st.tuples(PIECES, PIECES).filter(lambda boxes: boxes[0] != boxes[1]))
    def test_KN_7_no_two_meet(self, boxes: tuple[str, str]) -> None:  # noqa: N802
        """Cookies of two Chat Boxes have no name in common."""
        try:
            one, other = map(knoon().cookie_names, boxes)
        except UsageError:
            return
        assert set() == {*one} & {*other}


@pytest.mark.row("KN-8")
class TestOwned:
    """Which cookies end with the session."""

    def test_KN_8_all_of_every_chat_box(self) -> None:  # noqa: N802 - bears its row's id
        """Without a list of them."""
        assert [True] * 6 == [knoon().owns(name) for box in (BOX, "other") for name in knoon().cookie_names(box)]

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "session",
            "knoon_contact_session_jwt_",
            "knoon_contact_session_jwt_expires_at_",
            "knoon_contact_session_jwt_domain_",
            "knoon_contact_session_jwt_expires_at_domain_x",
            "knoon_contact_session_jwt_x; Domain=evil",
            "Knoon_contact_session_jwt_x",
            "my_knoon_contact_session_jwt_x",
            f"knoon_contact_session_jwt_{'x' * 65}",
        ],
    )
    def test_KN_8_no_others(self, name: str) -> None:  # noqa: N802
        """Which are somebody else's."""
        assert False is knoon().owns(name)


@pytest.mark.row("KN-9")
class TestRead:
    """A credential that a request brought."""

    def test_KN_9_a_good_one(self) -> None:  # noqa: N802 - bears its row's id
        """Though the cookies do not say whose."""
        it = knoon().read({**COOKIES, "other": "1"}, BOX, NOW)
        body = {"status": "ok", "data": {"jwt": JWT, "expiresAt": ENDS, "domain": ".example.com"}}
        assert Minted(COOKIES, ENDS / 1000, body, "") == it

    @pytest.mark.parametrize("seconds", [3600, 3600.5, 4000])
    def test_KN_9_one_that_has_ended(self, seconds: float) -> None:  # noqa: N802
        """Is minted anew."""
        assert (True, None) == (
            knoon().read(COOKIES, BOX, NOW + 3599.9) is not None,
            knoon().read(COOKIES, BOX, NOW + seconds),
        )

    @pytest.mark.parametrize("missing", NAMES)
    def test_KN_9_one_of_three_is_missing(self, missing: str) -> None:  # noqa: N802
        """So that it is none."""
        cookies = {name: value for name, value in COOKIES.items() if name != missing}
        assert None is knoon().read(cookies, BOX, NOW)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            (NAMES[0], "a b"),
            (NAMES[0], "<script>"),
            (NAMES[1], "soon"),
            (NAMES[1], "0"),
            (NAMES[1], "１８００００３６０００００"),
            (NAMES[1], "9" * 17),
            (NAMES[1], f"{ENDS}.0"),
            (NAMES[2], "example.com"),
            (NAMES[2], "evil.example.com"),
        ],
    )
    def test_KN_9_what_does_not_fit(self, name: str, value: str) -> None:  # noqa: N802
        """Scripts can write these cookies."""
        assert None is knoon().read({**COOKIES, name: value}, BOX, NOW)

    def test_KN_9_of_another_chat_box(self) -> None:  # noqa: N802
        """Is not looked at."""
        assert None is knoon().read(COOKIES, "box_2", NOW)


@pytest.mark.row("KN-10")
class TestDown:
    """No usable answer."""

    @pytest.mark.parametrize(
        "answer",
        [
            reply({"error": "it"}, 500),
            reply(b"<html>", 503),
            reply({"error": "it"}, 408),
            reply(b"<html>"),
            reply(b"<html>", 404),
            reply([]),
            reply({}, 302, {"Location": "https://elsewhere.example.com"}),
            reply({"data": DATA}, headers={"Content-Length": "9999"}),
        ],
    )
    def test_KN_10_nobody_knows(self, answer: Behaviour, caplog: pytest.LogCaptureFixture) -> None:  # noqa: N802
        """Is told so, with a warning."""
        with pytest.raises(ProviderUnavailable):
            mint(answer)
        assert [logging.WARNING] == [record.levelno for record in caplog.records]

    def test_KN_10_later(self) -> None:  # noqa: N802
        """When it says so."""
        with pytest.raises(ProviderUnavailable) as caught:
            mint(reply({"error": "too many"}, 429, {"Retry-After": "7"}))
        assert 7 == caught.value.retry_after

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("body", [{"status": "unauthorized"}, b""])
    def test_KN_10_misconfigured(self, body: Any, status: int, caplog: pytest.LogCaptureFixture) -> None:  # noqa: N802
        """Our own credentials are refused: somebody is told, once a minute."""
        with running(reply(body, status)) as server:
            provider = knoon(server.url)
            for _ in range(2):
                with pytest.raises(ProviderUnavailable) as caught:
                    provider.mint(USER, BOX)
                assert (False, True) == (caught.value.sent, caught.value.general)
        assert [logging.ERROR] == [record.levelno for record in caplog.records]


class TestFake:
    """With a Knoon that is strict."""

    @pytest.fixture
    def fake(self) -> Iterator[FakeKnoon]:
        """Knoon."""
        with FakeKnoon(clock=Clock(NOW)) as it:
            yield it

    def test_a_credential(self, fake: FakeKnoon) -> None:
        """Is minted, and read back."""
        provider: MintingProvider = knoon(fake.base_url, organization_id=fake.org_id, api_key=fake.api_key)
        it = provider.mint(USER, BOX)
        assert it is not None
        again = provider.read(it.cookies, BOX, NOW)
        assert again is not None
        assert (it.cookies, NOW + 3600) == (again.cookies, again.expires_at)
        assert None is provider.mint(USER, "no_such_box")

    def test_a_wrong_key(self, fake: FakeKnoon) -> None:
        """Is refused."""
        with pytest.raises(ProviderUnavailable):
            knoon(fake.base_url, organization_id=fake.org_id, api_key="another").mint(USER, BOX)


class TestEnvironment:
    """Its variables."""

    def test_they_are_read_when_they_are_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And both are."""
        with running(reply({"data": DATA})) as server:
            it = Knoon(domain="example.com", base_url=server.url)
            with pytest.raises(ConfigError, match="KNOON_ORG_ID: is not set"):
                it.mint(USER, BOX)
            monkeypatch.setenv("KNOON_ORG_ID", "org_2")
            monkeypatch.setenv("KNOON_API_KEY", "key_2")
            it.mint(USER, BOX)
            assert f"{server.url} org_2" == it.identity
        (request,) = server.requests
        assert "org_2:key_2" == b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()

    def test_what_is_missing(self) -> None:
        """Is told at the start."""
        it = Knoon(domain="example.com")
        assert ["KNOON_ORG_ID", "KNOON_API_KEY"] == [problem.setting for problem in it.problems({})]
        assert ({}, {}) == (it.settings({}), it.variables)


class TestOptions:
    """What the constructor is told."""

    def test_what_it_is_by_itself(self) -> None:
        """The page's address and endpoint."""
        it = Knoon(ORG, KEY, domain="example.com")
        assert ("/knoon/credentials", "chatBoxId") == (it.path, it.parameter)
        assert f"https://api.knoon.ai {ORG}" == it.identity
        assert "/chat" == knoon(path="/chat").path

    @pytest.mark.parametrize(
        ("domain", "code"),
        [
            ("co.uk", "domain_is_public_suffix"),
            ("localhost", "domain_is_localhost"),
            ("127.0.0.1", "domain_is_ip"),
            ("https://example.com", "domain_is_url"),
            ("example.com; Path=/", "domain_with_path"),
            ("", "bad_domain"),
        ],
    )
    def test_a_domain_that_browsers_refuse(self, domain: str, code: str) -> None:
        """Is refused at the start."""
        with pytest.raises(ConfigError) as caught:
            knoon(domain=domain)
        assert [code] == [problem.code for problem in caught.value.problems]

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"organization_id": f"{ORG}:{KEY}"}, "provider_option"),
            ({"organization_id": 7}, "wrong_type"),
            ({"api_key": f"{KEY}\n"}, "provider_option"),
            ({"domain": None}, "wrong_type"),
            ({"base_url": "http://api.knoon.ai"}, "provider_url"),
            ({"path": "knoon"}, "provider_option"),
            ({"path": "//evil.example.com"}, "provider_option"),
            ({"path": "/knoon/"}, "provider_option"),
            ({"path": "/<box>"}, "provider_option"),
            ({"path": None}, "wrong_type"),
            ({"fields": "email"}, "wrong_type"),
            ({"fields": {7: "email"}}, "wrong_type"),
            ({"fields": {"email": 7}}, "wrong_type"),
            ({"fields": {"chatBoxId": "id"}}, "provider_option"),
            ({"timeout": 31}, "bad_duration"),
            ({"clock": NOW}, "wrong_type"),
        ],
    )
    def test_options_that_do_not_fit(self, options: dict[str, Any], code: str) -> None:
        """Are told when the application starts."""
        with pytest.raises(UsageError) as caught:
            knoon(**options)
        assert code == caught.value.code
        assert not any(secret in str(caught.value) for secret in (ORG, KEY))
