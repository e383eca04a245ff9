"""current_session: what views and templates read."""

from __future__ import annotations

import pytest

from flask_ext import current_session
from sealed_session.reasons import Reason
from tests.web.conftest import World


def test_everything_that_it_shows(world: World) -> None:
    """Of somebody who is signed in."""
    values = world.provider.sign_in({"id": "u", "tags": ["a"]}, role="admin")
    values |= {"impersonator": {"email": "s@example.com"}, "extra": {"theme": "dark"}}

    def act() -> str:
        world.auth.sign_in(**values)
        assert current_session
        assert values["user"] == current_session.user
        assert values["impersonator"] == current_session.impersonator
        assert values["extra"] == current_session.extra
        assert values["access_token"] == current_session.access_token
        assert "admin" == current_session.claims["role"]
        assert world.clock.now + 300 == current_session.access_expires_at
        assert current_session.claims["sid"] == current_session.session_id
        assert world.clock.now == current_session.started_at
        assert current_session.reason is None
        assert f"<CurrentSession {current_session.session_id!r}>" == repr(current_session)
        return "seen"

    assert "seen" == world.do(act).text


def test_which_password_opened_it(world: World) -> None:
    """None where none did."""
    assert "None" == world.do(lambda: str(current_session.password_index)).text
    world.get("/sign-in")
    assert "0" == world.do(lambda: str(current_session.password_index)).text


def test_of_nobody(world: World) -> None:
    """Everything is empty, and the reason says why."""

    def act() -> str:
        assert not current_session
        assert ({}, {}, {}) == (current_session.user, current_session.extra, current_session.claims)
        assert (None, None, None, None, None) == (
            current_session.impersonator,
            current_session.access_token,
            current_session.access_expires_at,
            current_session.session_id,
            current_session.started_at,
        )
        assert current_session.reason is Reason.MISSING
        assert "<CurrentSession signed out: missing>" == repr(current_session)
        return "seen"

    assert "seen" == world.do(act).text


def test_what_it_gives_may_be_changed_without_harm(world: World) -> None:
    """Copies, down to the last list: a later write does not carry what was never meant to be kept."""

    def act() -> str:
        world.auth.sign_in(**world.provider.sign_in({"id": "u", "tags": ["a"], "nested": {"x": [{"y": 1}]}}))
        user = current_session.user
        user["id"] = "changed"
        user["tags"].append("b")
        user["nested"]["x"][0]["y"] = 2
        assert {"id": "u", "tags": ["a"], "nested": {"x": [{"y": 1}]}} == current_session.user
        world.auth.refresh(force=True)
        return "ok"

    world.do(act)
    assert "u" == world.get("/who").text


def test_outside_a_request_it_is_false_and_says_so() -> None:
    """As Flask's own proxies do."""
    assert not current_session
    with pytest.raises(RuntimeError, match="request context"):
        _ = current_session.user


def test_a_step_up_and_a_wait_are_gone_when_somebody_signs_in(world: World) -> None:
    """Nothing of the former person is left."""
    from flask_ext.current import request_session

    def act() -> str:
        current = request_session()
        world.auth.sign_in(**world.provider.sign_in())
        return f"{current.payload} {current.retry_after} {current.reason}"

    assert "{} None None" == world.do(act).text
