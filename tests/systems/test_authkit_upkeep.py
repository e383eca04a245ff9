"""AuthKit's rows, what an operator does with the cookie: passwords, sizes, caches, variables, and the check.

What the cookie is stands in test_authkit.py, tokens in
test_authkit_tokens.py, signing in and out in test_authkit_sign_in.py.
"""

# ruff: noqa: N802 - each test bears its row's id

from __future__ import annotations

import json
import logging
import secrets
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sealed_session import ConfigError, SealTooLarge
from tests.systems.authkit_world import (
    AUTHENTICATE,
    COOKIE,
    FULL,
    HOST,
    NEW,
    OLD,
    ORIGIN,
    MakeAuthKit,
    World,
    cookies_of,
)

GUIDE = Path(__file__).parents[2] / "docs" / "how-the-cookie-works.md"
BIOGRAPHY = secrets.token_hex(4000)  # random, so that nothing makes it small


@pytest.mark.row("WO-15")
def test_WO_15_nobody_is_signed_out_by_a_new_password(make_authkit: MakeAuthKit) -> None:
    """Three steps as in the guide, node by node: every node opens what any other has sealed."""
    steps: list[tuple[str, list[str]]] = [(OLD, []), (OLD, [NEW]), (NEW, [OLD]), (NEW, [])]
    nodes = [make_authkit(password=password, PASSWORD_FALLBACKS=others) for password, others in steps]
    browser = nodes[0].browser
    nodes[0].open(user={"id": "user_1"})
    for before, after in pairwise(nodes):
        for node in (after, before, after):
            nodes[0].serve(node.app, HOST)
            assert "user_1" == browser.get(f"{ORIGIN}/me").get_json()["id"]


@pytest.mark.row("WO-15")
def test_WO_15_the_next_response_reseals(make_authkit: MakeAuthKit) -> None:
    """With all of the cookie's attributes, and once; the counter by key tells who still comes with an old password."""
    world, rotated = make_authkit(), make_authkit(password=NEW, PASSWORD_FALLBACKS=[OLD])
    world.open()
    world.serve(rotated.app, HOST)
    (line,) = cookies_of(world.get("/me"))
    assert FULL == line.partition("; ")[2]
    assert [] == cookies_of(world.get("/me"))
    with rotated.app.app_context():
        unseals = rotated.auth.counters.read()["unseals"]
    assert {("opened", "1"): 1, ("opened", "0"): 1} == unseals


@pytest.mark.row("WO-15")
def test_WO_15_the_guide_has_the_three_steps() -> None:
    """New as a fallback, swap, remove the old: at the latest after 400 days, or when nobody comes with it any more."""
    section = GUIDE.read_text(encoding="utf-8").partition("## Change the password")[2].partition("\n## ")[0]
    for step in ("| 1 | old | new |", "| 2 | **new** | old |", "| 3 | new | |", "`current_session.password_index`"):
        assert step in section
    assert "400 days at worst" in section


@pytest.mark.row("WO-16")
def test_WO_16_too_much_is_refused_with_a_table(make_authkit: MakeAuthKit, caplog: pytest.LogCaptureFixture) -> None:
    """Before anything is sent: what there was stays, and the table says where the bytes go, and nothing of them."""
    world = make_authkit()
    world.open(user={"id": "user_1"})
    too_much = {**world.workos.sign_in(), "user": {"id": "user_01TEST0000000000000000ADA", "biography": BIOGRAPHY}}
    with world.app.test_request_context(), pytest.raises(SealTooLarge) as raised:
        world.auth.sign_in(**too_much)
    for part in ("access_token", "refresh_token", "user", "biography", "4093"):
        assert part in str(raised.value)
    assert not any(text in f"{raised.value}{caplog.text}" for text in (BIOGRAPHY, too_much["refresh_token"]))


@pytest.mark.row("WO-16")
def test_WO_16_it_is_measured_warned_of_and_made_smaller(
    make_authkit: MakeAuthKit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning from a limit on, and once; with USER_FIELDS the rest of the user stays out of the cookie."""
    monkeypatch.setattr("sealed_session.sealer._warned", False)  # once per process, whoever was before
    large, small = make_authkit(SIZE_WARN_BYTES=500), make_authkit(USER_FIELDS=["id", "email"])
    for world in (large, small):
        world.open(user={"id": "user_1"})
        world.open(user={"id": "user_1"})
    assert 1 == sum("500" in one.getMessage() for one in caplog.records if one.levelno == logging.WARNING)
    sizes = [len(f"{COOKIE}={world.browser.jar.get(COOKIE).value}") for world in (large, small)]
    assert sizes[1] < sizes[0]
    assert {"id": "user_1", "email": "ada@example.com"} == small.kept().user
    header = {"Cookie": large.browser.jar.header(ORIGIN)}
    with large.app.test_request_context(base_url=ORIGIN, headers=header):
        assert sizes[0] == large.auth.measure().cookie


@pytest.mark.row("WO-17")
def test_WO_17_what_is_personal_is_not_cached(authkit: World) -> None:
    """What set the cookie, or read a signed-in session; pages that touch nothing stay cacheable."""
    personal = ("private, no-store", "Cookie")
    for answer in (authkit.open(), authkit.get("/me"), authkit.get("/private")):
        assert personal == (answer.headers["Cache-Control"], answer.headers["Vary"])
    untouched = authkit.get("/public").headers
    assert (None, None) == (untouched.get("Cache-Control"), untouched.get("Vary"))


@pytest.mark.row("WO-17")
def test_WO_17_it_is_merged_into_what_is_there(authkit: World) -> None:
    """What a view says is kept, but for what would let others see it."""
    headers = {"Cache-Control": "public, max-age=60", "Vary": "Accept-Language"}
    authkit.app.add_url_rule("/cached", "cached", lambda: (f"{authkit.auth.session is None}", 200, headers))
    authkit.open()
    answer = authkit.get("/cached")
    assert "False" == answer.text
    assert {"max-age=60", "private"} == set(answer.headers["Cache-Control"].split(", "))
    assert {"Accept-Language", "Cookie"} == set(answer.headers["Vary"].split(", "))


@pytest.mark.row("WO-18")
def test_WO_18_the_environment_is_enough(make_authkit: MakeAuthKit) -> None:
    """The seven variables of the vendor's own kits; the API is asked as the client that they name."""
    said = {"NAME": "their-session", "DOMAIN": "example.com", "MAX_AGE": "3600", "SAMESITE": "strict"}
    world = make_authkit(said)
    world.open()
    cookie = world.browser.jar.get("their-session")
    assert ("example.com", world.clock.now + 3600, "Strict") == (cookie.domain, cookie.expires_at, cookie.same_site)
    world.clock.advance(400)
    assert None is world.me()["reason"]
    assert [world.workos.client_id] == [call.who for call in world.workos.calls if call.path == AUTHENTICATE]


@pytest.mark.row("WO-18")
@pytest.mark.parametrize("name", ["WORKOS_CLIENT_ID", "WORKOS_API_KEY", "WORKOS_COOKIE_PASSWORD"])
def test_WO_18_what_is_missing_is_told(make_authkit: MakeAuthKit, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """At start-up."""
    world = make_authkit()
    monkeypatch.delenv(name)
    with pytest.raises(ConfigError) as raised:
        World(world.workos, world.clock)
    assert name in str(raised.value)


@pytest.mark.row("WO-19")
@pytest.mark.parametrize(
    ("url", "settings", "level", "code"),
    [
        (["http://app.example.com"], {}, "error", "secure_over_http"),
        (["https://app.example.com", "https://dashboard.example.com"], {}, "error", "session_not_shared"),
        ([ORIGIN], {"COOKIE_SAMESITE": "None", "COOKIE_SECURE": True}, "warning", "samesite_none"),
        ([ORIGIN], {"COOKIE_SECURE": False}, "warning", "secure_off"),
        ([ORIGIN], {"COOKIE_DOMAIN": "example.com"}, "warning", "domain_shared"),
        ([ORIGIN], {"PASSWORD_FALLBACKS": [NEW]}, "note", "fallbacks_present"),
        ([ORIGIN], {"MAX_COOKIE_BYTES": 4096}, "warning", "size_limit_high"),
    ],
)
def test_WO_19_a_command_says_why(
    make_authkit: MakeAuthKit, url: list[str], settings: dict[str, Any], level: str, code: str
) -> None:
    """Cookies not set, not shared, blocked; where HTTPS, SameSite, Domain, password or size fall short; what to do."""
    world = make_authkit(**settings)
    words = [word for each in url for word in ("--url", each)]
    result = world.app.test_cli_runner().invoke(args=["sealed-session", "check", "--json", "--offline", *words])
    found = {finding["code"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert level == found[code]["level"]
    assert found[code]["fix"]
