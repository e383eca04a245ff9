"""The ladder of automatic writes: what does not fit is made smaller, and tokens are never dropped."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_ext import sealing, session_too_large
from sealed_session import KeyRing, Sealer, Session, generate_password
from sealed_session.testing import access_token
from tests.web.conftest import World

LARGE = "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(2500))
"""Text that deflate cannot make small."""


@pytest.fixture
def sealer() -> Sealer:
    """A sealer with the usual limit."""
    return Sealer(KeyRing(generate_password()))


@pytest.mark.parametrize(
    ("session", "sealed_as", "user"),
    [
        (Session("t", user={"id": "u", "name": "n"}), "complete", {"id": "u", "name": "n"}),
        (Session("t", user={"id": "u", "email": "e", "bio": LARGE}), "id_and_email", {"id": "u", "email": "e"}),
        (Session("t", user={"id": LARGE, "email": "e"}), "without_user", None),
        (Session("t", user={"bio": LARGE}), "id_and_email", {}),
        (Session("t", user={"id": "u", "when": object()}), "id_and_email", {"id": "u"}),
    ],
)
def test_the_ladder(sealer: Sealer, session: Session, sealed_as: str, user: dict[str, Any] | None) -> None:
    """As it is; the user as id and email; no user."""
    done = sealing.seal(sealer, session, 1_700_000_000)
    assert sealed_as == done.sealed_as
    assert done.sealed is not None
    opened = sealer.unseal(done.sealed)
    assert (session.replace(user=user), 1_700_000_000) == (opened.session, opened.started_at)


@pytest.mark.parametrize(
    "session",
    [
        Session("t", refresh_token="r" * 5000),
        Session("t", user={"id": "u"}, impersonator={"email": LARGE}),
        Session("t", extra={"x": LARGE}),
    ],
)
def test_nothing_else_is_dropped(sealer: Sealer, session: Session) -> None:
    """Where the rest alone does not fit, nothing is sealed, and the report says why."""
    done = sealing.seal(sealer, session, 1_700_000_000)
    assert (None, "nothing") == (done.sealed, done.sealed_as)
    assert done.report is not None
    assert not done.report.fits


def test_a_trimmer_that_raises_costs_the_user_and_not_the_session(caplog: pytest.LogCaptureFixture) -> None:
    """Its message is not logged."""

    def trim(user: dict[str, Any]) -> dict[str, Any]:
        raise ValueError(user["id"])

    sealer = Sealer(KeyRing(generate_password()), trimmer=trim)
    done = sealing.seal(sealer, Session("t", user={"id": "person-17"}), 1_700_000_000)
    assert "without_user" == done.sealed_as
    assert "ValueError" in caplog.text
    assert "person-17" not in caplog.text


@pytest.mark.row("WO-16")
class TestInARequest:
    """What a refresh brings may be larger than what it replaces."""

    def refreshed_to(self, world: World, answer: Session, *, signed_in: bool = False) -> list[dict[str, Any]]:
        """Sign in, let the provider answer, and return what the signal said."""
        seen: list[dict[str, Any]] = []

        def receive(_app: Flask, **facts: Any) -> None:
            seen.append(facts)

        if not signed_in:
            world.get("/sign-in")
        world.provider.refresh = lambda *_, **__: answer  # type: ignore[method-assign]
        world.clock.advance(400)
        with session_too_large.connected_to(receive, world.app):
            assert 200 == world.get("/private").status_code
        return seen

    def test_WO_16_the_user_is_made_smaller(  # noqa: N802
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With a signal that has the table, and a line in the log; this request still sees everything."""
        answer = Session(access_token(expires_at=None), "r", {"id": "user_1", "bio": LARGE})
        (facts,) = self.refreshed_to(world, answer)
        assert ("id_and_email", "user") == (
            facts["sealed_as"],
            max(facts["report"].parts, key=lambda part: part.characters).label,
        )
        assert "sealed: id_and_email" in caplog.text
        assert "private to user_1" == world.get("/private").text

    def test_WO_16_a_session_can_be_measured(self, world: World) -> None:  # noqa: N802
        """In a view: the characters of the line that is sent, its attributes included."""
        from sealed_session import SizeReport, UsageError

        reports: list[SizeReport] = []

        def measure() -> str:
            with pytest.raises(UsageError) as caught:
                world.auth.measure()
            world.auth.sign_in(**world.provider.sign_in())
            reports.append(world.auth.measure())
            return caught.value.code

        response = world.do(measure)
        (line,) = response.headers.getlist("Set-Cookie")
        assert ("no_session", len(line)) == (response.text, reports[0].total)

    def test_WO_16_a_trimmer_that_raises_is_no_matter_of_size(self, world: World) -> None:  # noqa: N802
        """The new pair is written without the user, and the signal about size is not sent."""
        answer = Session(access_token(expires_at=None), "r", {"id": "user_1"})
        world.get("/sign-in")
        world.auth.user_trimmer(lambda user: {}[user["id"]])
        assert [] == self.refreshed_to(world, answer, signed_in=True)

    def test_WO_16_what_cannot_be_sealed_leaves_the_old_cookie(  # noqa: N802
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The request goes on."""
        answer = Session(access_token(expires_at=None), "r" * 6000)
        (facts,) = self.refreshed_to(world, answer)
        assert "nothing" == facts["sealed_as"]
        assert "sealed: nothing" in caplog.text
        assert 1 == len(world.browser.jar.cookies())
