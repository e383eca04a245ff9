"""What a benchmark returns: figures, ratios held to bars, text tables and a picture, in one frame for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from .machine import Machine

WIDTH = 100
"""Columns of a terminal that the tables keep to."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much to measure.

    Attributes:
        rounds: Rounds in every process, the sides taking turns. A bar is judged on at least 15.
        processes: Fresh processes, because where code and data happen to lie shifts times by 10 to 20 %.
        only: Of the faults, these; empty: all.
        seed: Of the faults' chance.
        quick: Shorten the faults' long times.
    """

    rounds: int = 25
    processes: int = 15
    only: tuple[str, ...] = ()
    seed: int = 1
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """The most, or the least, that a ratio may be."""

    limit: float
    at_least: bool = False

    def is_held_by(self, ratio: float) -> bool:
        """Whether a ratio, as precise as it is measured, is on the right side."""
        return ratio >= self.limit if self.at_least else ratio <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Check:
    """A ratio and its bar.

    Attributes:
        id: Stable, for programs: ``minimal/workos``.
        what: For people.
        ratio: None when a side could not be measured.
        low: The least of the processes' ratios, where there were several.
        high: The greatest of them.
    """

    id: str
    what: str
    ratio: float | None
    bar: Bar
    low: float | None = None
    high: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds; None when it was not measured."""
        return None if self.ratio is None else self.bar.is_held_by(self.ratio)

    @property
    def verdict(self) -> str:
        """The bar and whether it holds: ``<= 0.44 ok``."""
        return f"{self.bar} {'?' if self.holds is None else 'ok' if self.holds else 'NO'}"

    def to_mapping(self) -> dict[str, Any]:
        """Return the check as plain JSON."""
        return {
            "id": self.id,
            "what": self.what,
            "ratio": _rounded(self.ratio),
            "low": _rounded(self.low),
            "high": _rounded(self.high),
            "limit": self.bar.limit,
            "direction": "at least" if self.bar.at_least else "at most",
            "holds": self.holds,
        }

    def __str__(self) -> str:
        return "not measured" if self.ratio is None else f"{self.ratio:.3f} {self.verdict}"


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to one question.

    Attributes:
        name: The benchmark's name.
        figures: What was measured, plain JSON with stable keys.
        checks: The ratios that have a bar.
        blocks: Tables and remarks, plain text.
        missing: Why something was not measured and how to get it, by key.
        machine: Where it was measured.
        chart: The picture, SVG.
    """

    name: str
    figures: dict[str, Any]
    checks: list[Check]
    blocks: list[str]
    missing: dict[str, str]
    machine: Machine
    chart: str

    def to_mapping(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return {
            "benchmark": self.name,
            **self.figures,
            "bars": [check.to_mapping() for check in self.checks],
            "missing": self.missing,
            "machine": self.machine.to_mapping(),
        }

    def __str__(self) -> str:
        missing = [f"Not measured: {key}. {reason}" for key, reason in self.missing.items()]
        return "\n\n".join(
            [*self.blocks, *([paragraphs(missing)] if missing else []), paragraphs(self.machine.lines())]
        )


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Align columns: the first to the left, the others to the right. None is as wide as it need not be."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if position else cell.ljust(width)
            for position, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def paragraphs(lines: Iterable[str]) -> str:
    """Wrap each line to the width of the tables, with what continues indented."""
    return "\n".join(piece for line in lines for piece in wrap(line, WIDTH, subsequent_indent="  "))


def _rounded(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 4)
