"""Findings: what a diagnosis has to say, as values, and as lines for people."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sealed_session.cli.drawing import BAD, BOLD, DIM, GOOD, NONE, WARN, Line, Pen
from sealed_session.cli.texts import printable

Level = Literal["error", "warning", "note", "ok"]

_STYLES: dict[Level, str] = {"error": BAD, "warning": WARN, "note": NONE, "ok": GOOD}
_INDENT = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a diagnosis found.

    Attributes:
        level: ``error``: somebody cannot sign in, or a page stands open. ``warning``: it works, and falls short of
            what is good practice. ``note``: worth knowing. ``ok``: asked, and right.
        code: A stable identifier with underscores.
        subject: A setting, an address or an endpoint.
        what: What is so, in whole sentences.
        fix: What to do about it; empty where there is nothing to do.
    """

    level: Level
    code: str
    subject: str
    what: str
    fix: str = ""


def count(findings: Iterable[Finding]) -> dict[Level, int]:
    """Return how many findings there are of every level."""
    counted = Counter(finding.level for finding in findings)
    return {level: counted[level] for level in _STYLES}


def to_mapping(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as plain JSON."""
    return {"findings": [asdict(finding) for finding in findings], "counts": count(findings)}


def lines(findings: Sequence[Finding], pen: Pen) -> Iterator[Line]:
    """Draw findings, and below them how many there are."""
    for finding in findings:
        yield [
            (f"{finding.level:<{_INDENT}}", _STYLES[finding.level]),
            (printable(finding.subject), BOLD),
            (f"  [{finding.code}]", DIM),
        ]
        yield from _paragraph(finding.what, pen)
        if finding.fix:
            yield from _paragraph(f"Fix: {finding.fix}", pen)
        yield []
    yield [(", ".join(_plural(number, level) for level, number in count(findings).items() if level != "ok"), BOLD)]


def _paragraph(text: str, pen: Pen) -> Iterator[Line]:
    indent = " " * _INDENT
    # Neither an address nor a setting is cut in two: people copy them.
    for row in textwrap.wrap(
        printable(text),
        pen.width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        yield [(row, NONE)]


def _plural(number: int, level: Level) -> str:
    return f"{number} {level}" if number == 1 else f"{number} {level}s"
