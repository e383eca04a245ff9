"""Many sealed values, one per line, sealed again under the current password. Lines stay aligned with their input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import SealError, UnsealError
from ..sealer import Sealer


class Resealed(NamedTuple):
    """One line of output.

    Attributes:
        sealed: The new value; None where there is none.
        error: The code of what went wrong; None where nothing did. A blank line has neither.
        took: Bytes that the line of input had.
    """

    sealed: str | None
    error: str | None
    took: int


class Tally:
    """Counts what became of the lines. Not for more than one thread."""

    def __init__(self) -> None:
        self.resealed = 0
        self.failures = Counter[str]()

    def add(self, line: Resealed) -> None:
        """Count a line. A blank one does not count."""
        self.resealed += line.sealed is not None
        if line.error is not None:
            self.failures[line.error] += 1

    @property
    def failed(self) -> int:
        """The lines that failed."""
        return self.failures.total()

    def to_mapping(self) -> dict[str, object]:
        """Return the counts as plain JSON, the most frequent failure first."""
        return {"resealed": self.resealed, "failed": self.failed, "failures": dict(self.failures.most_common())}

    def brief(self) -> str:
        """Return the two counts that change while it runs."""
        return f"{self.resealed} resealed, {self.failed} failed"

    def __str__(self) -> str:
        counts = ", ".join(f"{code} {count}" for code, count in self.failures.most_common())
        return f"{self.brief()}: {counts}" if counts else self.brief()


def reseal(lines: Iterable[tuple[str, int]], sealer: Sealer) -> Iterator[Resealed]:
    """Reseal (value, bytes that its line took) one by one; when the person signed in is kept."""
    for sealed, took in lines:
        yield Resealed(*_reseal(sealed, sealer), took) if sealed else Resealed(None, None, took)


def _reseal(sealed: str, sealer: Sealer) -> tuple[str | None, str | None]:
    try:
        return sealer.reseal(sealer.unseal(sealed)), None
    except (UnsealError, SealError) as error:
        return None, error.code
