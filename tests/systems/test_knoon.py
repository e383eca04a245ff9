"""Knoon's rows: an application of ours mints credentials for Chat Boxes, for whoever is signed in."""

# ruff: noqa: N802 - each test bears its row's id

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sealed_session import ConfigError, UsageError
from sealed_session.providers import Knoon
from sealed_session.testing import Clock, FakeKnoon, Fault
from tests.systems.knoon_world import ADA, BOX, GRACE, ORIGIN, OTHER_BOX, PATH, World, names
from tests.web.jar import Context

ROWS = Path(__file__).parents[2] / "docs" / "systems.md"
EVIL = "https://evil.example"
BAD_BOXES = [
    "",
    "x" * 65,
    "x; Domain=evil.example",
    "x=1",
    "x\r\nSet-Cookie: a=b",
    "\u00fc",
    "x/../y",
    "expires_at_box",
    "domain_box",
    None,
    7,
    ["box_1"],
    {"id": "box_1"},
]


@pytest.fixture
def make_knoon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """Build an application with options of the preset; organisation and key stand in the environment."""
    clock = Clock()
    with FakeKnoon(clock=clock, chat_boxes=(BOX, OTHER_BOX, "a-B_9", "expires_at")) as knoon:
        monkeypatch.setenv("KNOON_ORG_ID", knoon.org_id)
        monkeypatch.setenv("KNOON_API_KEY", knoon.api_key)
        yield lambda **options: World(knoon, clock, **options)


@pytest.fixture
def world(make_knoon: Callable[..., World]) -> World:
    """One where Ada is signed in."""
    world = make_knoon()
    world.sign_in()
    return world


@pytest.mark.row("KN-1")
class TestEndpoint:
    """Ours, for the page's script."""

    def test_KN_1_it_takes_a_chat_box(self, world: World) -> None:
        """POST with JSON, at /knoon/credentials, or wherever it is put."""
        answer = world.ask()
        assert (200, "ok") == (answer.status_code, answer.get_json()["status"])

    def test_KN_1_at_another_path(self, make_knoon: Callable[..., World]) -> None:
        """And then no longer there."""
        world = make_knoon(path="/chat")
        world.sign_in()
        statuses = [
            world.browser.fetch(ORIGIN + path, method="POST", json={"chatBoxId": BOX}).status_code
            for path in ("/chat", PATH)
        ]
        assert [200, 404] == statuses

    def test_KN_1_for_signed_in_users_only(self, make_knoon: Callable[..., World]) -> None:
        """401, and nobody is asked."""
        world = make_knoon()
        answer = world.ask()
        assert (401, "missing", 0) == (answer.status_code, answer.get_json()["reason"], world.knoon.count())

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_KN_1_post_only(self, world: World, method: str) -> None:
        """405."""
        assert 405 == world.browser.fetch(ORIGIN + PATH, method=method).status_code

    def test_KN_1_json_only(self, world: World) -> None:
        """415: any page may send a form."""
        answer = world.browser.fetch(ORIGIN + PATH, method="POST", data={"chatBoxId": BOX})
        assert (415, 0) == (answer.status_code, world.knoon.count())

    @pytest.mark.parametrize("origin", [EVIL, "null", "https://example.com.evil.example", "http://www.example.com"])
    def test_KN_1_from_this_site_only(self, world: World, origin: str) -> None:
        """403; a sibling below the shared Domain may ask."""
        cookie = {"Cookie": world.browser.jar.header(ORIGIN)}
        client = world.app.test_client(use_cookies=False)
        for given, status in ((origin, 403), ("https://www.example.com", 200)):
            headers = {**cookie, "Origin": given}
            answer = client.post(PATH, base_url=ORIGIN, json={"chatBoxId": BOX}, headers=headers)
            assert status == answer.status_code
        assert 1 == world.knoon.count()

    def test_KN_1_another_site_brings_no_session_anyway(self, world: World) -> None:
        """SameSite keeps the cookie from it."""
        assert 401 == world.ask(context=Context.fetch_on(EVIL)).status_code


@pytest.mark.row("KN-2")
class TestRequest:
    """POST /v1/credentials/login, as our organisation."""

    def test_KN_2_the_user_of_the_session_is_told(self, world: World) -> None:
        """By the usual names, and the display name of first and last where there is no other."""
        world.ask()
        assert [("POST", "/v1/credentials/login", world.knoon.org_id)] == [
            (call.method, call.path, call.who) for call in world.knoon.calls
        ]
        told = {"email": "ada@example.com", "externalId": "user_1", "displayName": "Ada Lovelace", "chatBoxId": BOX}
        assert [told] == world.knoon.asked
        world.sign_in(GRACE)
        world.ask()
        assert {"displayName": "Grace Hopper", "photoURL": "https://example.com/g.png"}.items() <= (
            world.knoon.asked[1].items()
        )

    def test_KN_2_never_the_one_of_the_body(self, world: World) -> None:
        """Whatever it says beside the Chat Box."""
        world.ask({"chatBoxId": BOX, "externalId": "user_2", "email": "grace@example.com", "displayName": "Grace"})
        assert ("user_1", "ada@example.com", "Ada Lovelace") == tuple(
            world.knoon.asked[0][name] for name in ("externalId", "email", "displayName")
        )

    def test_KN_2_the_mapping_can_be_changed(self, make_knoon: Callable[..., World]) -> None:
        """To other places, to functions, to nothing."""
        world = make_knoon(fields={"externalId": ("account", "id"), "displayName": lambda user: user["email"].upper()})
        world.sign_in({**GRACE, "account": {"id": "account_7"}})
        world.ask()
        assert ("account_7", "GRACE@EXAMPLE.COM") == tuple(
            world.knoon.asked[0][name] for name in ("externalId", "displayName")
        )


@pytest.mark.row("KN-3")
@pytest.mark.parametrize(("box", "status"), [(BOX, "ok"), ("no-such-box", "bad_request")])
def test_KN_3_the_answer(world: World, box: str, status: str) -> None:
    """200 as the page has it; with jwt, expiresAt and our Domain, or without data and without cookies."""
    answer = world.ask({"chatBoxId": box})
    said = answer.get_json()
    assert (200, status) == (answer.status_code, said["status"])
    assert "no-store" in answer.headers["Cache-Control"]
    if status == "ok":
        assert {"jwt", "expiresAt", "domain"} <= set(said["data"])
        assert ".example.com" == said["data"]["domain"]
    else:
        assert ({"status": "bad_request"}, set()) == (said, world.held())


@pytest.mark.row("KN-4")
class TestSecrets:
    """Organisation and key."""

    @pytest.mark.parametrize("fault", [None, Fault.SERVER_ERROR, Fault.MAINTENANCE, Fault.CUT_OFF])
    def test_KN_4_are_in_no_answer_and_no_log(
        self, world: World, caplog: pytest.LogCaptureFixture, fault: Fault | None
    ) -> None:
        """Nor are credentials in a log, whatever happens."""
        caplog.set_level(logging.DEBUG)
        if fault is not None:
            world.knoon.fail(fault)
        answer = world.ask()
        credential = answer.get_json().get("data", {}).get("jwt", "no credential")
        for secret in (world.knoon.org_id, world.knoon.api_key):
            assert secret not in f"{answer.text} {answer.headers} {world.browser.jar.header(ORIGIN)} {caplog.text}"
        assert credential not in caplog.text

    def test_KN_4_a_refused_key_is_told_without_it(
        self, make_knoon: Callable[..., World], caplog: pytest.LogCaptureFixture
    ) -> None:
        """To whoever reads the log; the page is told to come back."""
        caplog.set_level(logging.DEBUG)
        world = make_knoon(api_key="test-key-of-nobody")
        world.sign_in()
        assert 503 == world.ask().status_code
        assert "refused (HTTP 401)" in caplog.text
        assert not any(secret in caplog.text for secret in (world.knoon.org_id, "test-key-of-nobody"))

    def test_KN_4_what_is_missing_is_told(
        self, make_knoon: Callable[..., World], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At start-up, and the other one of the two is not quoted."""
        monkeypatch.delenv("KNOON_API_KEY")
        with pytest.raises(ConfigError) as raised:
            make_knoon()
        assert "KNOON_API_KEY" in str(raised.value)
        assert "org-test-1" not in str(raised.value)


@pytest.mark.row("KN-5")
class TestCookies:
    """Three for each Chat Box."""

    def test_KN_5_they_are_set_and_returned(self, world: World) -> None:
        """By the page's names, with the page's values; the script of the page and the body find the same."""
        data = world.ask().get_json()["data"]
        world.ask({"chatBoxId": OTHER_BOX})
        assert {*names(), *names(OTHER_BOX)} == world.held()
        jwt, ends, domain = (world.browser.jar.get(name).value for name in names())
        assert (data["jwt"], str((world.clock.now + 3600) * 1000), ".example.com") == (jwt, ends, domain)
        assert f"{names()[0]}={jwt}" in world.browser.jar.script_cookies(ORIGIN)

    @pytest.mark.parametrize("missing", ["jwt", "expiresAt"])
    def test_KN_5_only_if_both_are_there(self, world: World, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
        """As the page's front end does."""
        whole = world.knoon._credential
        monkeypatch.setattr(world.knoon, "_credential", lambda sent: {**whole(sent), missing: None})
        answer = world.ask()
        assert (200, set()) == (answer.status_code, world.held())


@pytest.mark.row("KN-6")
@pytest.mark.parametrize(("lives", "max_age"), [(600, 600), (3600, 3600), (86_400, 3600)])
def test_KN_6_their_attributes(world: World, lives: int, max_age: int) -> None:
    """The shared parent, the time that is left but an hour at most, readable by the widget, Secure, Lax."""
    world.knoon._lifetime = lives
    answer = world.ask()
    line = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith(names()[1]))
    attributes = f"Path=/; Domain=example.com; Max-Age={max_age}; Secure; SameSite=Lax"
    assert attributes == line.partition("; ")[2]
    for name in names():
        cookie = world.browser.jar.get(name)
        assert ("example.com", False, True, "Lax", world.clock.now + max_age) == (
            cookie.domain,
            cookie.http_only,
            cookie.secure,
            cookie.same_site,
            cookie.expires_at,
        )
        assert name in world.browser.jar.script_cookies("https://support.example.com/")


@pytest.mark.row("KN-7")
class TestChatBox:
    """Its id becomes part of a cookie's name."""

    @pytest.mark.parametrize("box", BAD_BOXES)
    def test_KN_7_what_could_be_no_part_of_a_name(self, world: World, box: Any) -> None:
        """400; it reaches no cookie, no header, and not Knoon."""
        answer = world.ask({"chatBoxId": box})
        assert (400, "bad_target") == (answer.status_code, answer.get_json()["reason"])
        assert (set(), [], 0) == (world.held(), answer.headers.getlist("Set-Cookie"), world.knoon.count())

    @pytest.mark.parametrize("box", ["a-B_9", "expires_at"])
    def test_KN_7_what_could(self, world: World, box: str) -> None:
        """Gets three names of its own."""
        assert 200 == world.ask({"chatBoxId": box}).status_code
        assert {*names(box)} == world.held()

    def test_KN_7_by_the_application_too(self, world: World) -> None:
        """Which is told so, as an error of its own."""
        with world.app.test_request_context(base_url=ORIGIN), pytest.raises(UsageError) as raised:
            world.auth.credential("x; Domain=evil.example")
        assert "bad_target" == raised.value.code

    @pytest.mark.parametrize("domain", ["co.uk", "https://example.com", "192.168.1.4", "x; Secure", "example.com\r\n"])
    def test_KN_7_a_domain_that_is_none(self, domain: str) -> None:
        """Is refused when the preset is made."""
        with pytest.raises(ConfigError):
            Knoon(domain=domain)


@pytest.mark.row("KN-8")
class TestSignOut:
    """Everything goes."""

    def test_KN_8_clears_all_of_them(self, world: World) -> None:
        """Those of every Chat Box that the request brings, with their Domain, without a list; and nothing else."""
        for box in (BOX, OTHER_BOX):
            world.ask({"chatBoxId": box})
        for line in ("knoon_contact_session_jwt_by_hand=x; Domain=example.com", "knoon_theme=dark; Domain=example.com"):
            assert world.browser.jar.store(f"{line}; Path=/; Secure", "https://www.example.com/") is None
        answer = world.browser.post(f"{ORIGIN}/sign-out")
        cleared = [line for line in answer.headers.getlist("Set-Cookie") if "; Domain=example.com; Max-Age=0" in line]
        found = {line.partition("=")[0] for line in cleared if line.startswith("knoon_")}
        assert {*names(BOX), *names(OTHER_BOX), "knoon_contact_session_jwt_by_hand"} == found
        assert ({"knoon_theme"}, "None") == (world.held(), world.get("/me"))

    def test_KN_8_the_guide_says_what_to_set_there(self) -> None:
        """Block Sign Out, so that the Chat Box signs nobody out by itself."""
        assert "Block Sign Out" in ROWS.read_text(encoding="utf-8")


@pytest.mark.row("KN-9")
class TestReadBack:
    """What the application sees of it."""

    def test_KN_9_a_credential_or_none(self, world: World) -> None:
        """Of the cookies that came; for who is not signed in none at all."""
        assert "none" == world.get(f"/read/{BOX}")
        jwt = world.ask().get_json()["data"]["jwt"]
        assert [jwt, "none"] == [world.get(f"/read/{box}") for box in (BOX, OTHER_BOX)]
        cookies = [(name, world.browser.jar.get(name).value) for name in names()]
        world.browser.post(f"{ORIGIN}/sign-out")
        for name, value in cookies:
            assert world.browser.jar.store(f"{name}={value}; Path=/; Secure", ORIGIN) is None
        assert "none" == world.get(f"/read/{BOX}")

    def test_KN_9_minted_anew_when_it_has_ended(self, world: World) -> None:
        """And not before: one call for each hour."""
        first = world.get(f"/mint/{BOX}")
        assert [first, first] == [world.get(f"/{how}/{BOX}") for how in ("mint", "read")]
        world.clock.advance(3600)
        assert "none" == world.get(f"/read/{BOX}")
        assert world.get(f"/mint/{BOX}") not in (first, "none")
        assert 2 == world.knoon.count()

    def test_KN_9_another_user_drops_the_formers(self, world: World) -> None:
        """Whoever signs in next does not chat as somebody else."""
        world.ask()
        world.sign_in(GRACE)
        assert (set(), "none", "user_2") == (world.held(), world.get(f"/read/{BOX}"), world.get("/me"))
        world.ask()
        assert ["user_1", "user_2"] == [asked["externalId"] for asked in world.knoon.asked]


@pytest.mark.row("KN-10")
@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.SERVER_ERROR, Fault.MAINTENANCE, Fault.CUT_OFF, Fault.REFUSED])
def test_KN_10_it_is_down(world: World, fault: Fault) -> None:
    """503 with Retry-After; the session and the credential that there is are untouched."""
    jwt = world.ask().get_json()["data"]["jwt"]
    world.knoon.fail(fault)
    answer = world.ask()
    assert (503, [], True) == (
        answer.status_code,
        answer.headers.getlist("Set-Cookie"),
        int(answer.headers["Retry-After"]) > 0,
    )
    assert ("user_1", jwt, {*names()}) == (world.get("/me"), world.get(f"/read/{BOX}"), world.held())
    assert ADA["id"] == world.knoon.asked[0]["externalId"]
