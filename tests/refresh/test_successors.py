"""From a provider's answer to the result in a record, and back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealed_session import Session
from sealed_session.refresh.handover import HandOver
from sealed_session.refresh.record import SPENT_KEPT, SPENT_KEPT_REUSE, Result
from sealed_session.refresh.successors import UNDELIVERED_KEPT, Successors
from sealed_session.testing import access_token

from .faults import StrictProvider, Times

NOW = 7_000_000
"""A coordinator's time."""

DAY = 86_400_000


@pytest.fixture
def times() -> Times:
    """A clock that stands still."""
    return Times()


@pytest.fixture
def provider(times: Times) -> StrictProvider:
    """Whose tokens."""
    return StrictProvider(times.unix)


@pytest.fixture
def successors(provider: StrictProvider, times: Times) -> Successors:
    """What makes and reads its results."""
    return Successors(provider, clock=times.unix, grace=300)


def session(refresh_token: str | None, *, ends: int | None = 2_000_000_000, **values: Any) -> Session:
    """A session with an access token of its own."""
    return Session(access_token(expires_at=ends), refresh_token, **values)


def made(successors: Successors, old: Session, answer: Session, **options: bool) -> Result:
    """The result of an answer."""
    return successors.result_maker(successors.hand_over(old), old, answer, **options)(NOW)


def read(successors: Successors, old: Session, answer: Session, holder: Session | None = None) -> Session | None:
    """What a holder of the old token finds in the box of an answer."""
    box = made(successors, old, answer).box
    return successors.newer(successors.hand_over(old), holder or old)(box)


class TestHandOver:
    """What finds and opens a record."""

    def test_it_is_of_the_token_and_its_provider(self, successors: Successors, provider: StrictProvider) -> None:
        """Whoever has both has the same."""
        one = session("token")
        assert HandOver("token", provider.identity).key == successors.hand_over(one).key
        assert one.refresh_token == successors.credential(one)
        provider.identity = "another client"
        assert HandOver("token", "another client").key == successors.hand_over(one).key

    def test_what_stands_in_the_store_does_not_open_what_stands_in_the_store(self, successors: Successors) -> None:
        """Whoever can read it has the record's key and the box: the box is sealed with another key."""
        hand_over = successors.hand_over(session("old"))
        box = made(successors, session("old"), session("new")).box
        with pytest.raises(InvalidTag):
            AESGCM(hand_over.key).decrypt(box[:12], box[12:], hand_over.key)

    def test_without_a_token_there_is_none(self, successors: Successors) -> None:
        """All such sessions would meet in one record."""
        with pytest.raises(ValueError, match="credential"):
            successors.hand_over(session(None))


class TestNewer:
    """What is adopted."""

    def test_the_answer_as_the_provider_gave_it(self, successors: Successors) -> None:
        """Whoever adopts merges it into a session of his own."""
        answer = session("new", user={"id": "user_1"})
        assert answer == read(successors, session("old", extra={"theme": "dark"}), answer)

    def test_rule_9_a_rotated_token_is_newer_whatever_the_times_say(self, successors: Successors) -> None:
        """Whoever has the old token has the older session, also where the new one ends before it."""
        old, answer = session("old", ends=2_000_000_000), session("new", ends=1_900_000_000)
        assert answer == read(successors, old, answer)

    @pytest.mark.parametrize("refresh_token", ["old", None])
    @pytest.mark.parametrize(
        ("held", "brought", "is_newer"), [(100, 101, True), (100, 100, True), (101, 100, False), (None, 100, False)]
    )
    def test_rule_9_of_one_token_the_later_is_newer(
        self, successors: Successors, refresh_token: str | None, held: int | None, brought: int, is_newer: bool
    ) -> None:
        """By when it ends; where that is the same, what is there. The answer may name the token again or not."""
        old, answer = session("old", ends=held), session(refresh_token, ends=brought)
        assert is_newer is (read(successors, old, answer) is not None)

    def test_rule_9_an_answer_that_never_ends_is_the_latest(self, successors: Successors) -> None:
        """It does not say when."""
        assert read(successors, session("old"), session("old", ends=None)) is not None

    def test_rule_9_what_one_holds_is_not_newer(self, successors: Successors) -> None:
        """The chain ends there."""
        answer = session("old", ends=2_000_000_001)
        assert None is read(successors, session("old"), answer, answer)

    def test_a_box_of_another_token_does_not_open(self, successors: Successors) -> None:
        """Nor anything else that somebody put there."""
        box = made(successors, session("theirs"), session("new")).box
        opens = successors.newer(successors.hand_over(session("ours")), session("ours"))
        for nonsense in (box, b"", box[:-1]):
            with pytest.raises(ValueError, match="does not open"):
                opens(nonsense)


class TestResult:
    """How long it lives, and what comes after it."""

    @pytest.mark.parametrize(("left", "lasts"), [(0, 300_000), (60, 360_000), (-1000, 300_000)])
    def test_rule_8_the_grace_after_the_old_token(
        self, successors: Successors, times: Times, left: int, lasts: int
    ) -> None:
        """Counted from when the coordinator is told, in its milliseconds. An end in the past takes nothing away."""
        old = session("old", ends=int(times.unix()) + left)
        result = made(successors, old, session("new"))
        assert (NOW + lasts, SPENT_KEPT) == (result.ends, result.spent_for)

    def test_rule_8_a_token_that_does_not_say_when_it_ends(self, successors: Successors) -> None:
        """Has the grace from now on."""
        assert NOW + 300_000 == made(successors, session("old", ends=None), session("new")).ends

    def test_rule_8_the_end_of_the_old_token_counts_and_not_the_new_ones(self, successors: Successors) -> None:
        """The grace is for those who hold the old one."""
        old = session("old", ends=1_800_000_000)
        assert NOW + 300_000 == made(successors, old, session("new", ends=1_900_000_000)).ends

    @pytest.mark.parametrize(("grace", "lasts"), [(300, DAY), (2 * 86_400, 2 * DAY)])
    def test_an_answer_that_nobody_took_lives_for_a_day(
        self, provider: StrictProvider, times: Times, grace: int, lasts: int
    ) -> None:
        """At least: no cookie carries it, and whoever left after an error page shall find it when coming back."""
        assert 86_400 == UNDELIVERED_KEPT
        successors = Successors(provider, clock=times.unix, grace=grace)
        old = session("old", ends=int(times.unix()) - 5)
        assert NOW + lasts == made(successors, old, session("new"), is_delivered=False).ends
        assert NOW + grace * 1000 == made(successors, old, session("new"), is_delivered=True).ends

    @pytest.mark.parametrize(
        ("reuse_detection", "spent_for"),
        [(False, SPENT_KEPT), ("session", SPENT_KEPT_REUSE), ("user", SPENT_KEPT_REUSE)],
    )
    def test_rule_8_a_rotated_token_is_known_to_be_spent(
        self, times: Times, reuse_detection: Literal[False, "session", "user"], spent_for: int
    ) -> None:
        """For longer where using it again is punished."""
        provider = StrictProvider(times.unix, reuse_detection=reuse_detection)
        successors = Successors(provider, clock=times.unix, grace=300)
        assert spent_for == made(successors, session("old"), session("new")).spent_for

    @pytest.mark.parametrize("refresh_token", ["old", None])
    def test_rule_9_a_token_that_was_not_rotated_is_never_spent(
        self, successors: Successors, refresh_token: str | None
    ) -> None:
        """It is as good as before, whether the answer names it or not."""
        assert 0 == made(successors, session("old"), session(refresh_token)).spent_for

    def test_rule_5_the_order_is_when_the_new_token_ends(self, successors: Successors) -> None:
        """Of two the later-issued; one that does not say is the latest."""
        orders = [made(successors, session("old"), session("new", ends=ends)).order for ends in (5, 6, None)]
        assert [5, 6, 2**53] == orders

    def test_it_is_sealed_once_and_begins_whenever_it_is_told(self, successors: Successors) -> None:
        """To a coordinator that was away, for example: its life is as long as it would have been."""
        old = session("old")
        make = successors.result_maker(successors.hand_over(old), old, session("new"))
        early, late = make(0), make(1_000)
        assert (early.box, early.ends + 1_000) == (late.box, late.ends)


def test_of_what_is_no_json_the_tokens_are_kept(successors: Successors, caplog: pytest.LogCaptureFixture) -> None:
    """The token is used up: nobody shall lose the next one because a user record holds a date."""
    broken: Callable[[], dict[str, Any]] = lambda: {"secret": object()}  # noqa: E731 - a name for three
    answer = session("new", tokens={"id_token": "t"}, user=broken(), impersonator=broken(), extra=broken())
    found = read(successors, session("old"), answer)
    assert answer.replace(user=None, impersonator=None, extra=None) == found
    assert [("sealed_session", logging.ERROR)] == [(line.name, line.levelno) for line in caplog.records]
    assert "secret" not in caplog.text
