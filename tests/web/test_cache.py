"""Cache headers: personal answers stay out of every cache, and the rest stays as it was."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from flask import Response
from werkzeug.test import TestResponse

from flask_ext import current_session
from tests.web.conftest import MakeWorld, World

PRIVATE = "private, no-store"


def respond(world: World, headers: Mapping[str, str], *, look: bool = True) -> TestResponse:
    """Let a view answer with these headers, having looked at the session."""

    def act() -> Response:
        if look:
            bool(current_session)
        return Response("x", headers=headers)

    return world.do(act)


@pytest.mark.row("WO-17")
@pytest.mark.parametrize(
    ("path", "cache_control", "vary"),
    [
        ("/public", None, None),
        ("/who", PRIVATE, "Cookie"),
        ("/private", PRIVATE, "Cookie"),
        ("/sign-in", PRIVATE, "Cookie"),
        ("/sign-out", PRIVATE, "Cookie"),
        ("/note?note=x", PRIVATE, "Cookie"),
    ],
)
def test_WO_17_signed_in(  # noqa: N802
    world: World, path: str, cache_control: str | None, vary: str | None
) -> None:
    """What read a signed-in session or sets its cookie is private; what touched nothing is as it was."""
    world.get("/sign-in")
    response = world.get(path)
    assert (cache_control, vary) == (response.headers.get("Cache-Control"), response.headers.get("Vary"))


@pytest.mark.row("WO-17")
def test_WO_17_signed_out(world: World) -> None:  # noqa: N802
    """What looked and found nobody may be cached, for those without a cookie."""
    response = world.get("/who")
    assert (None, "Cookie") == (response.headers.get("Cache-Control"), response.headers.get("Vary"))


@pytest.mark.row("WO-17")
@pytest.mark.parametrize(
    ("view", "sent"),
    [
        ("no-store", "no-store"),
        ("private, max-age=60", "private, max-age=60"),
        ("max-age=60", "max-age=60, private"),
        ("no-cache", "no-cache, private"),
        ("public, max-age=60", "max-age=60, private"),
        ("s-maxage=60", "private"),
        ("public, s-maxage=60, max-age=5, must-revalidate", "max-age=5, must-revalidate, private"),
    ],
)
def test_WO_17_what_a_view_set_is_kept_where_it_can_be(  # noqa: N802
    world: World, caplog: pytest.LogCaptureFixture, view: str, sent: str
) -> None:
    """What would let shared caches store it is taken out, and logged."""
    world.get("/sign-in")
    response = respond(world, {"Cache-Control": view})
    assert set(sent.split(", ")) == set(response.headers["Cache-Control"].split(", "))
    assert ("public" in view or "s-maxage" in view) == ("was removed" in caplog.text)


@pytest.mark.row("WO-17")
def test_WO_17_a_view_that_touched_nothing_may_be_public(world: World) -> None:  # noqa: N802
    """Also for somebody who is signed in."""
    world.get("/sign-in")
    response = respond(world, {"Cache-Control": "public, max-age=60", "CDN-Cache-Control": "max-age=9"}, look=False)
    assert ("public, max-age=60", "max-age=9", None) == (
        response.headers["Cache-Control"],
        response.headers["CDN-Cache-Control"],
        response.headers.get("Vary"),
    )


@pytest.mark.row("WO-17")
@pytest.mark.parametrize("name", ["CDN-Cache-Control", "Surrogate-Control", "Edge-Control"])
def test_WO_17_headers_that_networks_obey_are_corrected(  # noqa: N802
    world: World, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """They would go before Cache-Control."""
    world.get("/sign-in")
    assert "no-store" == respond(world, {name: "max-age=600"}).headers[name]
    assert name in caplog.text
    caplog.clear()
    assert "no-store" == respond(world, {name: "no-store"}).headers[name]
    assert "" == caplog.text


@pytest.mark.row("WO-17")
@pytest.mark.parametrize(
    ("view", "sent"),
    [
        ("Accept-Encoding", "Accept-Encoding, Cookie"),
        ("Cookie", "Cookie"),
        ("cookie, Accept", "cookie, Accept"),
        ("*", "*"),
    ],
)
def test_WO_17_vary_is_merged(world: World, view: str, sent: str) -> None:  # noqa: N802
    """Into what is there, once; the star says it all."""
    assert sent == respond(world, {"Vary": view}).headers["Vary"]


@pytest.mark.row("WO-17")
def test_WO_17_several_lines_are_merged_into_one(world: World) -> None:  # noqa: N802
    """None of them is lost: what a decorator varied by, and how long a view may be kept."""
    world.get("/sign-in")

    def act() -> Response:
        bool(current_session)
        response = Response("x")
        for name, value in (
            ("Vary", "Accept-Language"),
            ("Vary", "Origin"),
            ("Cache-Control", "max-age=600"),
            ("Cache-Control", "must-revalidate"),
        ):
            response.headers.add(name, value)
        return response

    headers = world.do(act).headers
    assert ["Accept-Language, Origin, Cookie"] == headers.getlist("Vary")
    (control,) = headers.getlist("Cache-Control")
    assert {"max-age=600", "must-revalidate", "private"} == set(control.split(", "))


@pytest.mark.row("WO-17")
def test_WO_17_warnings_are_said_once(world: World, caplog: pytest.LogCaptureFixture) -> None:  # noqa: N802
    """A page that is asked for a thousand times does not fill the log."""
    world.get("/sign-in")
    for _ in range(3):
        respond(world, {"Cache-Control": "public", "X-Accel-Expires": "60"})
    assert 2 == len(caplog.records)


@pytest.mark.row("WO-17")
def test_WO_17_flasks_own_session_merges_as_well(make_world: MakeWorld) -> None:  # noqa: N802
    """Both add Vary: Cookie, and it stands there once."""
    from flask import session

    world = make_world()
    world.app.secret_key = "test data"

    def act() -> str:
        session["a"] = 1
        return str(current_session.reason)

    response = world.do(act)
    assert (["session"], ["Cookie"]) == (world.cookies(response), response.headers.getlist("Vary"))
