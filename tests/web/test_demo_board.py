"""The demo's board: several processes write to it at once, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from examples.app.board import FALLBACKS, Board
from examples.app.settings import Settings


@pytest.fixture
def boards(tmp_path: Path) -> Iterator[list[Board]]:
    """One file, opened twice, as two processes do."""
    with closing(Board(tmp_path / "board.db")) as one, closing(Board(tmp_path / "board.db")) as two:
        yield [one, two]


def test_everything_is_counted(boards: list[Board]) -> None:
    """Whoever writes, and however many at once."""
    for board in boards:
        board.join()

    def write(number: int) -> None:
        board = boards[number % 2]
        board.served("session_1")
        board.note("you", "Pressed a button.")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100)))
    for board in boards:
        assert {1: 50, 2: 50} == board.tally("session_1").workers
        assert [("you", "Pressed a button.", 100)] == [event[1:] for event in board.lately()]


def test_requests_are_counted_by_the_pair_of_tokens(boards: list[Board]) -> None:
    """Those since the last refresh come first, and a refused call begins nothing."""
    one, two = boards
    for times in (3, 1, 2):
        for _ in range(times):
            one.served("session_1")
        two.called("session_1", "refused")
        two.called("session_1", "new")
    tally = one.tally("session_1")
    assert ([2, 1, 3], 6, 3, 3) == (tally.pairs, tally.requests, tally.calls, tally.refused)
    assert [] == one.tally("session_2").pairs == one.tally(None).pairs


def test_both_have_the_same_passwords(boards: list[Board]) -> None:
    """The first who comes makes one; with each change the former ones become fallbacks, up to a number."""
    one, two = boards
    seen = [one.passwords()[0]]
    for board in [one, two] * FALLBACKS:
        board.rotate()
        seen.insert(0, one.passwords()[0])
        assert seen[: FALLBACKS + 1] == one.passwords() == two.passwords()
    assert len(seen) == len(set(seen))


def test_settings_go_by_the_environment(tmp_path: Path) -> None:
    """And come back as they were; the repr has no secret."""
    settings = Settings(tmp_path, "http://127.0.0.1:1", "a client secret for tests")
    assert settings == Settings.from_environment(settings.to_environment())
    assert "secret for tests" not in repr(settings)
