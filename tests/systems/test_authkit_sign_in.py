"""AuthKit's rows, its pages: how people sign in by them, and out."""

# ruff: noqa: N802 - each test bears its row's id

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.systems.authkit_world import COOKIE, HOST, JSON, ORIGIN, OTHER_HOST, REVOKE, MakeAuthKit, World
from tests.web.browser import Browser
from tests.web.jar import Context

LOGOUT = "/user_management/sessions/logout"


def query(url: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(url).query))


@pytest.mark.row("WO-13")
@pytest.mark.parametrize("passed", [0, 400, 40 * 86_400])
def test_WO_13_signing_out(make_authkit: MakeAuthKit, passed: int) -> None:
    """By AuthKit's page, which is told the session and the way back; also with a token that has ended long ago."""
    world = make_authkit(LOGOUT_RETURN_TO="/")
    world.open()
    sid, copied = world.kept().claims["sid"], world.browser.jar.header(ORIGIN)
    world.clock.advance(passed)
    answer = world.post("/logout")
    page = str(answer.location)
    assert f"{world.workos.base_url}{LOGOUT}" == urlsplit(page)._replace(query="").geturl()
    assert {"session_id": sid, "return_to": f"{ORIGIN}/"} == query(page)
    assert (303, False, 1, 0) == (
        answer.status_code,
        COOKIE in world.browser.jar,
        world.workos.count(REVOKE),
        world.renewals(),
    )
    home = world.browser.get(page, follow=True)
    assert (f"{ORIGIN}/", "missing") == (home.request.url, world.me()["reason"])
    world.clock.advance(400)
    copy = world.app.test_client(use_cookies=False).get("/me", base_url=ORIGIN, headers={"Cookie": copied})
    assert "revoked" == copy.get_json()["reason"]


@pytest.mark.row("WO-20")
def test_WO_20_signing_in(authkit: World, no_secret_is_logged: Callable[..., None]) -> None:
    """Authorize with client, callback, state and PKCE; the code is exchanged once, and the session is open."""
    page = str(authkit.get("/login?next=/me").location)
    assert f"{authkit.workos.base_url}/user_management/authorize" == urlsplit(page)._replace(query="").geturl()
    asked = query(page)
    assert {
        "client_id": authkit.workos.client_id,
        "redirect_uri": f"{ORIGIN}/callback",
        "response_type": "code",
        "provider": "authkit",
        "code_challenge_method": "S256",
    }.items() <= asked.items()
    assert (22, 43) == (len(asked["state"]), len(asked["code_challenge"]))  # 128 bits, and a SHA-256
    arrival = authkit.browser.get(page, context=Context.link_on(ORIGIN))
    answer = authkit.browser.get(str(arrival.location), context=Context.link_on(page), follow=True)
    assert "user_01TEST0000000000000000ADA" == answer.get_json()["id"] == authkit.kept().claims["sub"]
    assert ([COOKIE], 1) == ([cookie.name for cookie in authkit.browser.jar.cookies()], authkit.renewals())
    kept = authkit.kept()
    no_secret_is_logged(kept.access_token, str(kept.refresh_token), authkit.workos.api_key)


@pytest.mark.row("WO-20")
def test_WO_20_each_app_has_its_redirect_uri(make_authkit: MakeAuthKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """By WORKOS_REDIRECT_URI, or the host that is asked."""
    world = make_authkit()
    world.workos.redirect_uris.append(f"https://{OTHER_HOST}/callback")
    monkeypatch.setenv("WORKOS_REDIRECT_URI", f"https://{OTHER_HOST}/callback")
    other = World(world.workos, world.clock)
    world.serve(other.app, OTHER_HOST)
    for host in (HOST, OTHER_HOST):
        page = str(world.browser.get(f"https://{host}/login").location)
        assert f"https://{host}/callback" == query(page)["redirect_uri"]
        assert "user_01TEST0000000000000000ADA" == world.sign_in(f"https://{host}").get_json()["id"]


@pytest.mark.row("WO-20")
@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\\\evil.example", "/%0d%0aSet-Cookie:a=b\r\n"]
)
def test_WO_20_nobody_is_led_elsewhere(authkit: World, wanted: str) -> None:
    """Whatever the way in says: afterwards the person is at our start."""
    page = str(authkit.get(f"/login?{urlencode({'next': wanted})}").location)
    arrival = authkit.browser.get(page, context=Context.link_on(ORIGIN))
    answer = authkit.browser.get(str(arrival.location), context=Context.link_on(page))
    assert (302, "/") == (answer.status_code, answer.headers["Location"])


def arrive(browser: Browser) -> str:
    """Begin to sign in, prove who one is at the provider's page; return where that leads to, unopened."""
    page = str(browser.get(f"{ORIGIN}/login").location)
    return str(browser.get(page, context=Context.link_on(ORIGIN)).location)


@pytest.mark.row("WO-20")
@pytest.mark.parametrize("how", ["an error", "a wrong state", "a used code", "no code", "a step-up", "another browser"])
def test_WO_20_what_opens_nothing(authkit: World, how: str) -> None:
    """400, or 401 where the provider asks for more; never a session, never a 500."""
    mine, another = authkit.browser, Browser(authkit.browser.apps, authkit.clock)
    before = arrive(another)
    used = query(before)["code"]
    assert 302 == another.get(before).status_code
    authkit.workos.next_person = None if how == "an error" else {}
    arrival = arrive(another if how == "another browser" else mine)
    given = query(arrival)
    changes: dict[str, dict[str, str]] = {"a wrong state": {"state": "x"}, "a used code": {"code": used}}
    given = {
        name: value for name, value in {**given, **changes.get(how, {})}.items() if (name, how) != ("code", "no code")
    }
    if how == "a step-up":
        authkit.workos.require("mfa_enrollment")
    answer = mine.get(f"{ORIGIN}/callback?{urlencode(given)}", context=Context.link_on(ORIGIN), headers=JSON)
    assert (401 if how == "a step-up" else 400) == answer.status_code
    assert (False, "missing") == (COOKIE in mine.jar, authkit.me()["reason"])
