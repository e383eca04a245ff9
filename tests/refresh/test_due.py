"""When a session is to be renewed."""

from __future__ import annotations

from typing import Any

import pytest

from sealed_session import Session
from sealed_session.refresh import is_due
from sealed_session.refresh.due import early_by
from sealed_session.testing import access_token


def token(ends: int | None, issued: object = None) -> Session:
    """A session with a token of such times."""
    claims: dict[str, Any] = {} if issued is None else {"iat": issued}
    return Session(access_token(expires_at=ends, **claims))


class TestEarly:
    """How long before its end."""

    @pytest.mark.parametrize(
        ("issued", "early"),
        [(400, 60), (970, 3), (980, 2), (0, 60), (999.5, 0.05), (None, 60), (1000, 60), (2000, 60), ("400", 60)],
    )
    def test_a_tenth_of_its_life_at_most(self, issued: object, early: float) -> None:
        """60 seconds of ten minutes, 2 of twenty seconds. Of a life that is not known, or is none, as long as said."""
        assert early == pytest.approx(early_by(token(1000, issued), 60))

    def test_what_never_ends_is_never_early(self) -> None:
        """An opaque token that says nothing."""
        assert 0 == early_by(Session("opaque"), 60)

    def test_an_opaque_token_with_an_end(self) -> None:
        """Has no life that is known."""
        assert 60 == early_by(Session("opaque", access_expires_at=1000), 60)

    @pytest.mark.parametrize("issued", [None, 400])
    def test_0_turns_it_off(self, issued: object) -> None:
        """Whatever the token says."""
        assert 0 == early_by(token(1000, issued), 0)


class TestDue:
    """Whether now."""

    @pytest.mark.parametrize(("now", "due"), [(939.9, False), (940, True), (1000, True), (2000, True)])
    def test_from_then_on(self, now: float, due: bool) -> None:
        """To the instant."""
        assert due is is_due(token(1000, 400), now, 60)

    @pytest.mark.parametrize(("now", "due"), [(999.9, False), (1000, True)])
    def test_without_being_early(self, now: float, due: bool) -> None:
        """At its end."""
        assert due is is_due(token(1000, 400), now, 0)

    def test_what_never_ends_is_never_due(self) -> None:
        """It is renewed when the application says so."""
        assert not is_due(Session("opaque"), 2**53, 60)
        assert not is_due(token(None), 2**53, 60)
