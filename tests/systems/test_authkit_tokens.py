"""AuthKit's rows, the tokens: renewed, verified, carried over, switched.

The cookie's rows are in test_authkit.py and test_authkit_upkeep.py, signing in and out in test_authkit_sign_in.py.
"""

# ruff: noqa: N802 - each test bears its row's id

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_ext import BearerHeader, Refusal, SealedCookie, TokenRefused
from sealed_session.testing import Fault, forge
from sealed_session.testing.fake import Fake
from sealed_session.testing.signing import read
from tests.core.jwks_server import settle
from tests.systems.authkit_world import (
    AUTHENTICATE,
    COOKIE,
    JSON,
    ORIGIN,
    MakeAuthKit,
    World,
    cookies_of,
)

SUPPORT = {"email": "support@example.com", "reason": "ticket 4"}
STEP_UPS = ["mfa_enrollment", "sso_required", "organization_selection_required"]


def with_kid(fake: Fake, token: str, kid: str) -> str:
    """A token that names a key which nobody has."""
    header, claims = read(token)
    return fake.sign(claims, **{**header, "kid": kid})


@pytest.mark.row("WO-9")
def test_WO_9_a_refresh(authkit: World, no_secret_is_logged: Callable[..., None]) -> None:
    """POST /user_management/authenticate, as our client; new tokens, user, organisation and impersonator come back."""
    authkit.open(user={"id": "user_1"}, organization_id="org_1", impersonator=SUPPORT)
    before = authkit.kept()
    authkit.clock.advance(400)
    assert {"id": "user_1", "impersonator": SUPPORT, "organization": "org_1", "reason": None} == authkit.me()
    (call,) = [call for call in authkit.workos.calls if call.path == AUTHENTICATE]
    assert ("POST", authkit.workos.client_id) == (call.method, call.who)
    after = authkit.kept()
    assert before.access_token != after.access_token
    assert before.refresh_token != after.refresh_token
    no_secret_is_logged(after.access_token, str(before.refresh_token), str(after.refresh_token), authkit.workos.api_key)


@pytest.mark.row("WO-9")
def test_WO_9_what_is_sent(authkit: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly these members; an organisation where one is wanted, and only then."""
    sent: list[dict[str, Any]] = []
    answer = authkit.workos._refresh

    def note(members: dict[str, Any]) -> Any:
        sent.append(members)
        return answer(members)

    monkeypatch.setattr(authkit.workos, "_refresh", note)
    authkit.open()
    used = authkit.kept().refresh_token
    authkit.clock.advance(400)
    authkit.me()
    us = {"client_id": authkit.workos.client_id, "client_secret": authkit.workos.api_key}
    assert [{**us, "grant_type": "refresh_token", "refresh_token": used}] == sent
    authkit.post("/switch/org_2")
    assert {*sent[0], "organization_id"} == {*sent[1]}


@pytest.mark.row("WO-9")
def test_WO_9_invalid_grant_is_denied(authkit: World) -> None:
    """400 from there: signed out, and told so."""
    authkit.open()
    authkit.workos.end_every_session()
    authkit.clock.advance(400)
    assert "denied" == authkit.me()["reason"]


@pytest.mark.row("WO-9")
@pytest.mark.parametrize("code", STEP_UPS)
def test_WO_9_a_403_is_a_step_up(authkit: World, code: str) -> None:
    """The handler learns what the person has to do; the cookie stays, and afterwards the session goes on."""
    seen: list[Refusal] = []
    authkit.auth.unauthorized_handler(seen.append)
    authkit.open()
    authkit.clock.advance(400)
    authkit.workos.require(code)
    answer = authkit.get("/private", headers=JSON)
    assert (401, "step_up", []) == (answer.status_code, answer.get_json()["reason"], cookies_of(answer))
    payload = seen[0].payload
    assert code in (payload.get("code"), payload.get("error"))
    authkit.clock.advance(60)
    assert "private" == authkit.get("/private").text


@pytest.mark.row("WO-9")
@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.MAINTENANCE, Fault.CUT_OFF])
def test_WO_9_everything_else_is_unavailable(authkit: World, fault: Fault) -> None:
    """503 with Retry-After, and the cookie stays."""
    authkit.open()
    authkit.clock.advance(400)
    authkit.workos.fail(fault, times=None, path=AUTHENTICATE)
    answer = authkit.get("/private")
    assert (503, True, []) == (answer.status_code, int(answer.headers["Retry-After"]) > 0, cookies_of(answer))
    assert COOKIE in authkit.browser.jar


@pytest.mark.row("WO-10")
@pytest.mark.parametrize(("lifetime", "early"), [(3600, 60), (600, 60), (300, 30), (20, 2)])
def test_WO_10_a_tenth_of_the_life_and_a_minute_at_most(authkit: World, lifetime: int, early: int) -> None:
    """Before it ends, and not a second earlier."""
    now = authkit.clock.now
    authkit.open(iat=now, exp=now + lifetime)
    authkit.clock.advance(lifetime - early - 1)
    assert (None, 0) == (authkit.me()["reason"], authkit.renewals())
    authkit.clock.advance(1)
    assert (None, 1) == (authkit.me()["reason"], authkit.renewals())


@pytest.mark.row("WO-10")
def test_WO_10_zero_turns_it_off(make_authkit: MakeAuthKit) -> None:
    """Then it is renewed when it has ended."""
    world = make_authkit(REFRESH_EARLY=0)
    world.open()
    for passed, renewals in ((299, 0), (1, 1)):
        world.clock.advance(passed)
        assert (None, renewals) == (world.me()["reason"], world.renewals())


@pytest.mark.row("WO-11")
@pytest.mark.parametrize("said_again", [True, False])
def test_WO_11_the_impersonator_stays(authkit: World, said_again: bool) -> None:
    """Over every refresh, whether its answer names the impersonator or not; with the user, and after a switch."""
    authkit.open(user={"id": "user_1"}, **({"impersonator": SUPPORT} if said_again else {}))
    if not said_again:
        authkit.app.config["TEST_SESSION"]["impersonator"] = SUPPORT
        authkit.post("/open")
    for renewals in (1, 2, 3):
        authkit.clock.advance(400)
        assert {"id": "user_1", "impersonator": SUPPORT}.items() <= authkit.me().items()
        assert renewals == authkit.renewals()
    assert SUPPORT == authkit.post("/switch/org_2").get_json()["impersonator"] == authkit.kept().impersonator


@pytest.mark.row("WO-11")
def test_WO_11_who_signs_in_for_somebody_else(authkit: World) -> None:
    """Is named from the provider's pages on."""
    authkit.workos.next_impersonator = SUPPORT
    assert SUPPORT == authkit.sign_in().get_json()["impersonator"]
    authkit.clock.advance(400)
    assert SUPPORT == authkit.me()["impersonator"] == authkit.kept().impersonator


@pytest.fixture
def bearer(make_authkit: MakeAuthKit) -> Callable[[str], TestResponse]:
    """Ask an application that takes tokens from outside too."""
    world = make_authkit(transports=[SealedCookie(), BearerHeader()])
    return lambda token: world.app.test_client().get(
        "/private", base_url=ORIGIN, headers={**JSON, "Authorization": f"Bearer {token}"}
    )


@pytest.mark.row("WO-12")
def test_WO_12_tokens_are_verified(authkit: World, bearer: Callable[[str], TestResponse]) -> None:
    """By the keys of /sso/jwks/{client_id}, fetched once; RS256, issuer, and 10 seconds of leeway."""
    workos = authkit.workos
    token = workos.sign_in()["access_token"]
    authkit.clock.advance(300 + 9)
    assert 200 == bearer(token).status_code
    authkit.clock.advance(2)
    answer = bearer(token)
    assert (401, "expired") == (answer.status_code, answer.get_json()["reason"])
    assert 1 == workos.count(f"/sso/jwks/{workos.client_id}") == workos.count()


@pytest.mark.row("WO-12")
@pytest.mark.parametrize("kind", forge.FORGERIES)
def test_WO_12_forged_tokens_are_refused(
    authkit: World, bearer: Callable[[str], TestResponse], kind: str, no_secret_is_logged: Callable[..., None]
) -> None:
    """Each as invalid, without a call that renews anything, and with nothing of them in a log."""
    forged = forge.FORGERIES[kind](authkit.workos, authkit.workos.sign_in()["access_token"])
    answer = bearer(forged)
    assert (401, "invalid") == (answer.status_code, answer.get_json()["reason"])
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert 0 == authkit.renewals()
    settle()
    no_secret_is_logged(forged, forged.partition(".")[2])


@pytest.mark.row("WO-12")
def test_WO_12_garbage_asks_nobody(authkit: World, bearer: Callable[[str], TestResponse]) -> None:
    """Not even for keys; a flood of made-up key names asks twice at most, and good tokens are good meanwhile."""
    for garbage in ("x", "a.b.c", "ey.ey.", "\u00fc", "x" * 20_000):
        assert 401 == bearer(garbage.encode().decode("latin-1")).status_code
    assert 0 == authkit.workos.count()
    good = authkit.workos.sign_in()["access_token"]
    for number in range(20):
        assert 401 == bearer(forge.changed(authkit.workos, good)[:-8] + f"{number:08}").status_code
        assert 401 == bearer(with_kid(authkit.workos, good, f"made-up-{number}")).status_code
    assert 200 == bearer(good).status_code
    assert authkit.workos.count() <= 2


@pytest.mark.row("WO-12")
def test_WO_12_the_user_is_the_one_of_the_token(authkit: World) -> None:
    """A session whose user's id is not the claim `sub` is not opened."""
    given = {**authkit.workos.sign_in(), "user": {"id": "somebody-else"}}
    with authkit.app.test_request_context(base_url=ORIGIN), pytest.raises(TokenRefused) as raised:
        authkit.auth.sign_in(**given)
    assert "wrong_subject" == raised.value.finding


@pytest.mark.row("WO-14")
@pytest.mark.parametrize("passed", [0, 400])
def test_WO_14_another_organisation(authkit: World, passed: int) -> None:
    """One refresh, with its id; it takes the place of the automatic one, and stays."""
    authkit.open(organization_id="org_1")
    authkit.clock.advance(passed)
    assert {"kind": "refreshed", "organization": "org_2"}.items() <= authkit.post("/switch/org_2").get_json().items()
    assert 1 == authkit.renewals()
    authkit.clock.advance(400)
    assert "org_2" == authkit.me()["organization"]


@pytest.mark.row("WO-14")
def test_WO_14_it_wins_over_an_automatic_refresh(authkit: World) -> None:
    """Of the same request: a guard has looked, and so renewed, before the view switches."""
    authkit.open(organization_id="org_1")
    authkit.clock.advance(400)
    answer = authkit.post("/look-and-switch/org_2")
    assert ("org_2", "org_2") == (answer.get_json()["organization"], authkit.me()["organization"])
    assert 1 == len(cookies_of(answer))


@pytest.mark.row("WO-14")
def test_WO_14_one_that_is_refused(authkit: World) -> None:
    """Leaves the person where they were, and tells what is asked of them."""
    authkit.open(organization_id="org_1")
    authkit.workos.require("sso_required")
    answer = authkit.post("/switch/org_2").get_json()
    assert ("step_up", "sso_required", "org_1") == (
        answer["kind"],
        answer["payload"]["error"],
        authkit.me()["organization"],
    )
