"""Who asks for an issuer's metadata, who waits meanwhile and for how long, and who does not ask again at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest

from sealed_session import ProviderUnavailable, forks
from sealed_session.providers import discovery
from sealed_session.providers.discovery import RETRY_AFTER, Discovery, places
from sealed_session.providers.http import Answer

ISSUER = "https://id.example.net"
GOOD = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"}


class Hand:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Caller:
    """A client whose answers take their time on that clock. None: it hangs until the deadline."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.answers: list[tuple[float, int | None]] = []
        self.asked = 0

    def get(self, _url: str, *, deadline: float) -> Answer:
        """Be asked."""
        self.asked += 1
        took, status = self.answers.pop(0) if self.answers else (0.0, 200)
        self.hand.now += deadline - self.hand.now if status is None else took
        if status is None:
            raise ProviderUnavailable("id.example.net: too late.", sent=False, general=True)
        return Answer("id.example.net", status, json.dumps(GOOD).encode())


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    """A clock for waiting."""
    hand = Hand()
    monkeypatch.setattr(discovery, "monotonic", hand)
    return hand


@pytest.fixture
def caller(hand: Hand) -> Caller:
    """Somebody to ask."""
    return Caller(hand)


def discovered(caller: Any) -> Discovery:
    """One issuer's metadata."""
    return Discovery(ISSUER, caller)


def fails(act: Callable[[], Any]) -> ProviderUnavailable:
    """How it fails."""
    with pytest.raises(ProviderUnavailable) as caught:
        act()
    assert not caught.value.sent
    return caught.value


def test_where_they_are() -> None:
    """Behind the issuer's path, and before it."""
    assert [
        "https://id.example.net/tenant/.well-known/openid-configuration",
        "https://id.example.net/.well-known/oauth-authorization-server/tenant",
    ] == places("https://id.example.net/tenant/")


def test_they_are_kept(caller: Caller, hand: Hand) -> None:
    """One call, whoever asks, also without any time left."""
    it = discovered(caller)
    for _ in range(3):
        assert GOOD == it.metadata(hand() + 3)
    assert (GOOD, 1) == (it.metadata(hand() - 1), caller.asked)


class TestAnIssuerThatHangs:
    """It costs the time of one, and not of everybody."""

    def test_the_next_ones_do_not_wait(self, caller: Caller, hand: Hand) -> None:
        """For as long as it takes until somebody tries again; they are told when."""
        caller.answers = [(0, None)]
        it = discovered(caller)
        assert "too late" in str(fails(lambda: it.metadata(hand() + 3)))
        began = hand()
        for passed in (0, 2, RETRY_AFTER - 0.1):
            hand.now = began + passed
            failure = fails(lambda: it.metadata(hand() + 3))
            assert ("a moment ago" in str(failure), failure.general) == (True, False)
            assert failure.retry_after == pytest.approx(RETRY_AFTER - passed)
        assert 1 == caller.asked
        hand.now = began + RETRY_AFTER
        assert GOOD == it.metadata(hand() + 3)

    def test_who_would_wait_longer_asks_himself(self, caller: Caller, hand: Hand) -> None:
        """A refresh has more time than somebody before an empty page, and a slow issuer may answer it."""
        caller.answers = [(0, None), (10, 200)]
        it = discovered(caller)
        fails(lambda: it.metadata(hand() + 3))
        fails(lambda: it.metadata(hand() + 3.4))
        assert (GOOD, 2) == (it.metadata(hand() + 30), caller.asked)

    def test_a_slow_failure_counts_as_one(self, caller: Caller, hand: Hand) -> None:
        """A connection that is given up after two seconds, for example."""
        caller.answers = [(2, 503)]
        it = discovered(caller)
        fails(lambda: it.metadata(hand() + 3))
        fails(lambda: it.metadata(hand() + 3))
        assert 1 == caller.asked

    def test_a_quick_one_costs_nobody_anything(self, caller: Caller, hand: Hand) -> None:
        """So it is asked again at once."""
        caller.answers = [(0.9, 503)]
        it = discovered(caller)
        assert "HTTP 503" in str(fails(lambda: it.metadata(hand() + 3)))
        assert (GOOD, 2) == (it.metadata(hand() + 3), caller.asked)


class Turn:
    """A lock that somebody else holds until it is had; meanwhile something happens."""

    def __init__(self, meanwhile: Callable[[], Any]) -> None:
        self.meanwhile = meanwhile
        self.timeouts: list[float] = []

    def acquire(self, *, timeout: float) -> bool:
        """Wait, and have it."""
        self.timeouts.append(timeout)
        self.meanwhile()
        return True

    def release(self) -> None:
        """Let it go."""


class TestWhoeverWaits:
    """For somebody who asks."""

    def test_who_has_waited_does_not_ask_after_him(self, caller: Caller, hand: Hand) -> None:
        """In vain: it would be the same time again."""
        it = discovered(caller)

        def hang() -> None:
            it._failed_at, it._waited = hand(), 3

        it._turn = Turn(hang)  # type: ignore[assignment]
        assert "a moment ago" in str(fails(lambda: it.metadata(hand() + 3)))
        assert 0 == caller.asked

    def test_who_knows_that_it_is_in_vain_does_not_wait(self, caller: Caller, hand: Hand) -> None:
        """For somebody who has more time."""
        caller.answers = [(0, None)]
        it = discovered(caller)
        fails(lambda: it.metadata(hand() + 3))
        it._turn.acquire()
        assert "a moment ago" in str(fails(lambda: it.metadata(hand() + 3)))

    @pytest.mark.parametrize("took", [0.0, 2.0])
    def test_nobody_counts_from_an_earlier_time(self, caller: Caller, hand: Hand, took: float) -> None:
        """That somebody has asked at: for the next one there is all of his own."""
        caller.answers = [(took, 503)]
        it = discovered(caller)
        fails(lambda: it.metadata(hand() + 3))
        hand.now += 100
        it._turn = turn = Turn(lambda: None)  # type: ignore[assignment]
        assert (GOOD, [3.0]) == (it.metadata(hand() + 3), turn.timeouts)


class Slow:
    """A client that answers when it is told to."""

    def __init__(self) -> None:
        self.is_asked, self.may_answer = Event(), Event()
        self.asked = 0

    def get(self, _url: str, *, deadline: float) -> Answer:
        """Be asked."""
        self.asked += 1
        self.is_asked.set()
        assert self.may_answer.wait(10)
        return Answer("id.example.net", 200, json.dumps(GOOD).encode())


class TestSeveralAtOnce:
    """One asks, and the others wait for him."""

    def test_they_are_asked_for_once(self) -> None:
        """Whoever comes meanwhile is given what the first was given."""
        slow, told = Slow(), []
        it = discovered(slow)
        threads = [Thread(target=lambda: told.append(it.metadata(monotonic() + 10))) for _ in range(8)]
        threads[0].start()
        assert slow.is_asked.wait(5)
        for thread in threads[1:]:
            thread.start()
        slow.may_answer.set()
        for thread in threads:
            thread.join(10)
        assert ([GOOD] * 8, 1) == (told, slow.asked)

    def test_they_count_from_when_he_began(self) -> None:
        """Who would wait for a second does not wait for one that is over already."""
        slow = Slow()
        it = discovered(slow)
        first = Thread(target=lambda: it.metadata(monotonic() + 10))
        first.start()
        assert slow.is_asked.wait(5)
        it._asked_at -= 60
        began = monotonic()
        assert "do not come" in str(fails(lambda: it.metadata(monotonic() + 9)))
        assert monotonic() - began < 5
        slow.may_answer.set()
        first.join(10)
        assert (GOOD, 1) == (it.metadata(monotonic()), slow.asked)

    def test_a_child_waits_for_nobody(self, caller: Caller, hand: Hand) -> None:
        """Who was asking when it was forked off stayed in its parent."""
        it = discovered(caller)
        assert it in forks._TOLD
        it.before_fork()
        it._turn.acquire()
        it.after_fork_in_parent()
        fails(lambda: it.metadata(hand()))
        it.after_fork_in_child()
        assert GOOD == it.metadata(hand() + 3)
