"""AuthKit's rows, what its cookie is: what it holds, how it is set, where it goes, and who shares it.

What an operator does with it stands in test_authkit_upkeep.py, tokens in
test_authkit_tokens.py, signing in and out in test_authkit_sign_in.py.
"""

# ruff: noqa: N802 - each test bears its row's id

from __future__ import annotations

import logging
from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from sealed_session import ConfigError, UnsealError
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.testing import Clock
from tests.systems.authkit_world import COOKIE, FULL, HOST, NEW, ORIGIN, OTHER_HOST, MakeAuthKit, World, cookies_of
from tests.web.jar import Context

EAGER = "workos-access-token"


@pytest.mark.row("WO-1")
@pytest.mark.parametrize("name", [COOKIE, "my-session"])
def test_WO_1_one_encrypted_cookie_holds_the_session(make_authkit: MakeAuthKit, name: str) -> None:
    """`wos-session` or as configured; both tokens, user and impersonator; HttpOnly, and unreadable to who holds it."""
    world = make_authkit({} if name == COOKIE else {"NAME": name})
    support = {"email": "support@example.com", "reason": "ticket 4"}
    world.open(user={"id": "user_1"}, impersonator=support)
    (cookie,) = world.browser.jar.cookies()
    assert (name, True) == (cookie.name, cookie.http_only)
    assert "" == world.browser.jar.script_cookies(ORIGIN)
    given, kept = world.app.config["TEST_SESSION"], world.kept(name)
    assert [given[each] for each in ("access_token", "refresh_token", "user", "impersonator")] == [
        kept.access_token,
        kept.refresh_token,
        kept.user,
        kept.impersonator,
    ]
    stranger = make_authkit({"NAME": name}, password=NEW).app.extensions["sealed_session"].sealer
    with pytest.raises(UnsealError):
        stranger.unseal(cookie.value)
    assert not any(text in cookie.value for text in (*given["access_token"].split("."), given["refresh_token"]))


@pytest.mark.row("WO-2")
@pytest.mark.parametrize(("variables", "seconds"), [({}, 34_560_000), ({"MAX_AGE": "86400"}, 86_400)])
def test_WO_2_it_lives_for_400_days(make_authkit: MakeAuthKit, variables: dict[str, str], seconds: int) -> None:
    """Or as configured: long after its access token, which is 300 seconds; every refresh re-issues it in full."""
    world = make_authkit(variables)
    world.open()
    assert world.clock.now + seconds == world.browser.jar.get(COOKIE).expires_at
    world.clock.advance(seconds - 1)
    answer = world.get("/me")
    assert (200, 1) == (answer.status_code, world.renewals())
    assert cookies_of(answer)[0].endswith(FULL.replace("34560000", str(seconds)))
    assert world.clock.now + seconds == world.browser.jar.get(COOKIE).expires_at


@pytest.mark.row("WO-3")
@pytest.mark.parametrize(
    ("origin", "secure", "kept"),
    [
        ("https://app.example.com", True, True),
        ("https://localhost:8443", True, True),
        ("http://localhost:5000", False, True),
        ("http://127.0.0.1:5000", False, True),
        ("http://127.8.9.10", False, True),
        ("http://[::1]:5000", False, True),
        ("http://app.example.com", True, False),
        ("http://192.168.1.4", True, False),
        ("http://localhost.example.com", True, False),
    ],
)
def test_WO_3_secure_is_automatic(
    authkit: World, caplog: pytest.LogCaptureFixture, origin: str, secure: bool, kept: bool
) -> None:
    """Off for http on this machine alone; anywhere else never: a browser drops the cookie then, and the log says so."""
    authkit.serve(authkit.app, origin.partition("//")[2])
    authkit.app.config["TEST_SESSION"] = authkit.workos.sign_in()
    assert secure == ("; Secure" in cookies_of(authkit.post("/open", origin))[0])
    assert kept == (COOKIE in authkit.browser.jar)
    assert kept == ("browsers drop it" not in caplog.text)


@pytest.mark.row("WO-3")
def test_WO_3_behind_a_proxy_the_application_says_whom_to_believe(authkit: World) -> None:
    """X-Forwarded-Proto means nothing to us; werkzeug's ProxyFix, which the application puts there, makes it https."""
    authkit.serve(authkit.app, "localhost")
    authkit.app.config["TEST_SESSION"] = authkit.workos.sign_in()
    said = {"X-Forwarded-Proto": "https"}
    assert "; Secure" not in cookies_of(authkit.post("/open", "http://localhost", headers=said))[0]
    authkit.serve(ProxyFix(authkit.app.wsgi_app, x_proto=1), "localhost")
    assert "; Secure" in cookies_of(authkit.post("/open", "http://localhost", headers=said))[0]


@pytest.mark.row("WO-4")
@pytest.mark.parametrize(("said", "written"), [(None, "Lax"), ("lax", "Lax"), ("strict", "Strict"), ("none", "None")])
def test_WO_4_same_site(make_authkit: MakeAuthKit, said: str | None, written: str) -> None:
    """Lax by default; the vendor's own words are understood."""
    world = make_authkit(
        {} if said is None else {"SAMESITE": said}, **({"COOKIE_SECURE": True} if said == "none" else {})
    )
    world.open()
    assert (written, True) == (world.browser.jar.get(COOKIE).same_site, world.browser.jar.get(COOKIE).secure)


@pytest.mark.row("WO-4")
@pytest.mark.parametrize("settings", [{}, {"COOKIE_SECURE": False}])
def test_WO_4_none_without_secure_is_refused_at_start_up(make_authkit: MakeAuthKit, settings: dict[str, Any]) -> None:
    """Under the name of the variable that says so."""
    with pytest.raises(ConfigError) as raised:
        make_authkit({"SAMESITE": "none"}, **settings)
    (problem,) = raised.value.problems
    assert ("WORKOS_COOKIE_SAMESITE", "samesite_none_insecure") == (problem.setting, problem.code)


@pytest.mark.row("WO-5")
@pytest.mark.parametrize(
    ("variables", "host_only", "domain"), [({}, True, HOST), ({"DOMAIN": "example.com"}, False, "example.com")]
)
def test_WO_5_host_only_or_a_shared_parent(
    make_authkit: MakeAuthKit, variables: dict[str, str], host_only: bool, domain: str
) -> None:
    """Without a Domain no sibling sees it; with the parent's all do."""
    world = make_authkit(variables)
    world.open()
    cookie = world.browser.jar.get(COOKIE)
    assert (host_only, domain) == (cookie.host_only, cookie.domain)
    assert host_only == (world.browser.jar.header(f"https://{OTHER_HOST}/") == "")


@pytest.mark.row("WO-5")
@pytest.mark.parametrize(
    ("domain", "code"),
    [
        ("co.uk", "domain_is_public_suffix"),
        ("192.168.1.4", "domain_is_ip"),
        ("https://example.com", "domain_is_url"),
        ("example.com:8443", "domain_with_port"),
    ],
)
def test_WO_5_what_is_no_domain_is_refused(make_authkit: MakeAuthKit, domain: str, code: str) -> None:
    """At start-up, and not by the browser in silence."""
    with pytest.raises(ConfigError) as raised:
        make_authkit({"DOMAIN": domain})
    assert [("WORKOS_COOKIE_DOMAIN", code)] == [(one.setting, one.code) for one in raised.value.problems]


@pytest.mark.row("WO-5")
def test_WO_5_a_host_outside_is_warned_of_once(make_authkit: MakeAuthKit, caplog: pytest.LogCaptureFixture) -> None:
    """However many requests come for it."""
    world = make_authkit({"DOMAIN": "example.com"})
    world.serve(world.app, "example.org")
    for _ in range(3):
        assert "missing" == world.me("https://example.org")["reason"]
    warnings = [one for one in caplog.records if "does not cover" in one.getMessage()]
    assert [logging.WARNING] == [one.levelno for one in warnings]


@pytest.mark.row("WO-6")
@pytest.mark.parametrize("first", [HOST, OTHER_HOST])
def test_WO_6_two_apps_share_one_session(make_authkit: MakeAuthKit, clock: Clock, first: str) -> None:
    """Same password, name, Domain and coordinator: who signs in at one is in at both; either refreshes, both go on."""
    shared = {"variables": {"DOMAIN": "example.com"}, "coordinator": MemoryCoordinator(clock=lambda: clock() * 1000)}
    world, other = make_authkit(**shared), make_authkit(**shared)
    world.serve(other.app, OTHER_HOST)
    world.open(user={"id": "user_1"})
    second = ({HOST, OTHER_HOST} - {first}).pop()
    for renewals in (1, 2):
        clock.advance(290)
        late = {"Cookie": world.browser.jar.header(f"https://{second}/")}
        assert ["user_1"] * 2 == [world.me(f"https://{host}")["id"] for host in (first, second)]
        client = (other if second == OTHER_HOST else world).app.test_client(use_cookies=False)
        assert 200 == client.get("/private", base_url=f"https://{second}", headers=late).status_code
        assert renewals == world.renewals()


@pytest.mark.row("WO-7")
def test_WO_7_different_names_do_not_open_each_others_value(make_authkit: MakeAuthKit) -> None:
    """Though the password is the same: the name is sealed in."""
    shop, office = make_authkit({"NAME": "shop-session"}), make_authkit({"NAME": "office-session"})
    shop.open()
    value = shop.browser.jar.get("shop-session").value
    assert shop.browser.jar.store(f"office-session={value}; Path=/; Secure", ORIGIN) is None
    assert None is shop.me()["reason"]
    shop.serve(office.app, HOST)
    assert {"id": None, "reason": "unreadable"}.items() <= shop.me().items()


@pytest.mark.row("WO-7")
def test_WO_7_a_former_name_is_read_once_and_migrated(make_authkit: MakeAuthKit) -> None:
    """The response has the new name and clears the old one; the next request brings the new one alone."""
    world, renamed = make_authkit(), make_authkit(COOKIE_NAME="new-session", COOKIE_PREVIOUS_NAMES=[COOKIE])
    world.open(user={"id": "user_1"})
    world.serve(renamed.app, HOST)
    assert "user_1" == world.me()["id"]
    assert ["new-session"] == [cookie.name for cookie in world.browser.jar.cookies()]
    again = world.get("/me")
    assert ("user_1", []) == (again.get_json()["id"], cookies_of(again))


@pytest.mark.row("WO-7")
@pytest.mark.parametrize(
    "value", ["Fe26.2*1*test*test*test*1*test*test", "gAAAAABtest-data", "eyJ.eyJ.sig", "%7B%7D", ""]
)
def test_WO_7_another_systems_cookie_of_the_same_name(authkit: World, value: str) -> None:
    """Is an anonymous request, and left alone: it may be good for somebody else."""
    assert authkit.browser.jar.store(f"{COOKIE}={value}; Path=/; Secure", ORIGIN) is None
    answer = authkit.get("/me")
    assert (200, None, []) == (answer.status_code, answer.get_json()["id"], cookies_of(answer))
    assert 401 == authkit.get("/private", headers={"Accept": "application/json", "Sec-Fetch-Mode": "cors"}).status_code


@pytest.mark.row("WO-8")
def test_WO_8_a_document_brings_the_eager_token(make_authkit: MakeAuthKit) -> None:
    """30 seconds, readable by JavaScript, Path=/, never cached; our script deletes it after the first read."""
    world = make_authkit(ACCESS_TOKEN_COOKIE=EAGER)
    world.open()
    answer = world.get("/script")
    cookie = world.browser.jar.get(EAGER)
    assert (world.clock.now + 30, False, "/") == (cookie.expires_at, cookie.http_only, cookie.path)
    assert "no-store" in answer.headers["Cache-Control"]
    assert f"{EAGER}={world.kept().access_token}" == world.browser.jar.script_cookies(ORIGIN)
    script, clear = answer.text.split('src="')[1].split('"')[0], answer.text.split('data-clear="')[1].split('"')[0]
    assert "document.cookie = clear" in world.get(script).text
    assert world.browser.jar.script_store(clear, ORIGIN) is None
    assert EAGER not in world.browser.jar


@pytest.mark.row("WO-8")
@pytest.mark.parametrize(
    ("headers", "brings"),
    [
        ({"Sec-Fetch-Dest": "document"}, True),
        ({"Accept": "text/html"}, True),
        ({"Sec-Fetch-Dest": "iframe"}, False),
        ({"Sec-Fetch-Dest": "empty", "Accept": "text/html"}, False),
        ({"Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch"}, False),
        ({"Accept": "text/html", "Purpose": "prefetch"}, False),
        ({"Accept": "*/*"}, False),
    ],
)
def test_WO_8_only_on_document_navigations(make_authkit: MakeAuthKit, headers: dict[str, str], brings: bool) -> None:
    """By Sec-Fetch-Dest; of old browsers by Accept, unless they fetch ahead."""
    world = make_authkit(ACCESS_TOKEN_COOKIE=EAGER)
    world.open()
    cookie = {"Cookie": world.browser.jar.header(ORIGIN)}
    client = world.app.test_client(use_cookies=False)
    answer = client.get("/page", base_url=ORIGIN, headers={**cookie, **headers})
    assert brings == any(line.startswith(EAGER) for line in cookies_of(answer))


EVIL = "https://evil.example"
COMINGS = {
    "a link of our own": ("GET", Context.link_on(f"{ORIGIN}/")),
    "a form of our own": ("POST", Context.link_on(f"{ORIGIN}/")),
    "fetch of a sibling": ("GET", Context.fetch_on(f"https://{OTHER_HOST}/")),
    "a link of another site": ("GET", Context.link_on(EVIL)),
    "a form of another site": ("POST", Context.link_on(EVIL)),
    "a frame in another site": ("GET", Context.frame_on(EVIL)),
    "fetch of another site": ("GET", Context.fetch_on(EVIL)),
}


@pytest.mark.row("WO-21")
@pytest.mark.parametrize(
    ("same_site", "kept_from"),
    [
        ("lax", {"a form of another site", "a frame in another site", "fetch of another site"}),
        (
            "strict",
            {
                "a link of another site",
                "a form of another site",
                "a frame in another site",
                "fetch of another site",
            },
        ),
        ("none", set()),
    ],
)
def test_WO_21_where_the_cookie_goes(make_authkit: MakeAuthKit, same_site: str, kept_from: set[str]) -> None:
    """As the page describes, by a jar that is as honest as a browser's; none needs Secure."""
    world = make_authkit({"SAMESITE": same_site}, COOKIE_SECURE=True)
    world.open()
    seen = {
        name: world.browser.request(method, f"{ORIGIN}/me", context=context).get_json()["reason"]
        for name, (method, context) in COMINGS.items()
    }
    assert {name: "missing" if name in kept_from else None for name in COMINGS} == seen
    assert world.browser.jar.get(COOKIE).secure
