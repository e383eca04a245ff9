"""How far the faults are: a bar and the last rows on a terminal, a line for each row elsewhere, both on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .faults import Row


@contextmanager
def shown(total: int) -> Iterator[Callable[[Row], None]]:
    """Show the progress over so many rows; what is given is told of each that is done."""
    if not (sys.stderr.isatty() and find_spec("rich")):
        yield _teller(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("faults", total=total)

        def tell(row: Row) -> None:
            progress.console.print(sentence(row), style=None if is_good(row) else "red", highlight=False)
            progress.advance(task)

        yield tell


def _teller(total: int) -> Callable[[Row], None]:
    done = 0

    def tell(row: Row) -> None:
        nonlocal done
        done += 1
        print(f"{done} of {total}  {sentence(row)}", file=sys.stderr, flush=True)

    return tell


def is_good(row: Row) -> bool:
    """Return whether everything that happened in a row has a name."""
    return row.tally is not None and not row.tally.unnamed


def sentence(row: Row) -> str:
    """Say what came of a row."""
    who = f"{row.fault.name}, {row.store}, {row.kind}"
    if row.tally is None:
        return f"{who}: {row.problem}"
    lost = ", ".join(f"{count} lost ({letter})" for letter, count in sorted(row.tally.lost.items())) or "none lost"
    resent = ", ".join(f"{count} calls again ({why})" for why, count in sorted(row.tally.resent.items()))
    return f"{who}: {'; '.join(filter(None, [lost, resent]))}; {row.took:.0f} s"
