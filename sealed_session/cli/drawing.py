"""Facts and size budgets as lines of styled pieces. Pure: what is drawn depends on the arguments alone.

Every part of a cookie has one colour, and one letter for where there are no colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from ..sealer import MAX_COOKIE_BYTES, SIZE_WARN_BYTES
from ..size import SizePart, SizeReport
from .texts import printable

Piece = tuple[str, str]
"""A text, and its style in rich's words."""

Line = Sequence[Piece]

BOLD, DIM, GOOD, WARN, BAD, NONE = "bold", "grey58", "bold #3fb27f", "#d9a520", "bold #e05561", ""


class Pen(NamedTuple):
    """What the paper can show.

    Attributes:
        colour: Styles are shown.
        blocks: Block characters are shown; otherwise ASCII only.
        width: Columns.
    """

    colour: bool
    blocks: bool
    width: int


class Peer(NamedTuple):
    """The same session in another format.

    Attributes:
        label: The format's name.
        cookie: Characters of name, ``=`` and value.
    """

    label: str
    cookie: int


_LOOKS = {
    "name": ("n", "#7a828e"),
    "overhead": ("o", "#a0a8b4"),
    "access_token": ("a", "#4c8dff"),
    "refresh_token": ("r", "#b07ce8"),
    "user": ("u", "#3fb27f"),
    "impersonator": ("i", "#e0a030"),
    "extra": ("e", "#2bb5c4"),
    "tokens": ("t", "#d9739b"),
}
_OTHER_LOOK = ("x", "#c8ad7f")
_OUR_COLOUR, _PEER_COLOUR = "#4c8dff", "#c07a50"

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LABEL = 22
_SHOWN_FIELDS = 5


def facts(title: str, rows: Iterable[tuple[str, str, str]]) -> Iterator[Line]:
    """Draw a title and (label, text, style) rows."""
    yield [(title, BOLD)]
    for label, text, style in rows:
        yield [(f"  {label:<16}", DIM), (text, style)]
    yield []


def budget(report: SizeReport, pen: Pen) -> Iterator[Line]:
    """Draw where the characters of a cookie go: the whole against the limit, then every part.

    The limit is not about attributes, so they are left out.
    """
    report = replace(report, parts=tuple(part for part in report.parts if part.label != "attributes"))
    ruler = Ruler(report.limit, max(report.limit, report.cookie), pen.width - 3, pen.blocks)
    yield [("size", BOLD), *_verdict(report)]
    yield [("  ", NONE), *ruler.fill([(_fill(part, pen), _look(part)[1], part.characters) for part in report.parts])]
    yield [("  ", NONE), *ruler.axis()]
    yield from _parts(report, pen)
    end = "browsers drop it" if report.limit >= MAX_COOKIE_BYTES else "the limit that is set"
    yield [(f"  {SIZE_WARN_BYTES}: some proxies refuse it   {report.limit}: {end}", DIM)]
    yield []


def comparison(report: SizeReport, peers: Iterable[Peer], pen: Pen) -> Iterator[Line]:
    """Draw this cookie and the same session in other formats, all against the limit."""
    rows = [Peer("sealed-session", report.cookie), *peers]
    longest = max(report.limit, *(row.cookie for row in rows))
    ruler = Ruler(report.limit, longest, pen.width - _LABEL - 18, pen.blocks)
    yield [("the same session elsewhere", BOLD)]
    for row, colour in zip(rows, (_OUR_COLOUR, *[_PEER_COLOUR] * len(rows)), strict=False):
        style = NONE if row.cookie <= report.limit else BAD
        yield [
            (f"  {row.label:<{_LABEL}}", NONE),
            (f"{row.cookie:>6}  ", style),
            *ruler.fill([("█" if pen.blocks else "#", colour, row.cookie)]),
            (f" {row.cookie / report.cookie:.1f} x" if row is not rows[0] else "", style),
        ]
    yield []


class Ruler(NamedTuple):
    """Lays characters of a cookie out in cells, with a mark where the limit is.

    Attributes:
        limit: The most that a cookie may have.
        scale: The characters that the whole ruler stands for.
        cells: Its columns, without the mark.
        blocks: As the pen's.
    """

    limit: int
    scale: int
    cells: int
    blocks: bool

    def fill(self, amounts: Sequence[tuple[str, str, int]]) -> Line:
        """Draw amounts, each as (character to fill with, style, characters of the cookie), then what is free."""
        limit, warn = self._cell(self.limit), self._cell(SIZE_WARN_BYTES)
        free = "·" if self.blocks else "."
        row = [(free, DIM if at < warn else WARN) for at in range(limit)] + [(" ", NONE)] * (self.cells - limit)
        ends = [self._cell(end) for end in accumulate(amount for *_, amount in amounts)]
        for (start, end), (fill, style, _) in zip(pairwise([0, *ends]), amounts, strict=True):
            row[start:end] = [(fill, style if at < limit else BAD) for at in range(start, end)]
        row.insert(limit, ("│" if self.blocks else "|", BAD))
        return [("".join(text for text, _ in run), style) for style, run in groupby(row, key=itemgetter(1))]

    def axis(self) -> Line:
        """Write the numbers that matter under their cells."""
        limit, warn = self._cell(self.limit), self._cell(SIZE_WARN_BYTES)
        middle = f"{SIZE_WARN_BYTES:>{warn}}" if limit - warn > len(str(self.limit)) else ""
        return [("0", DIM), (middle[1:], DIM), (f"{self.limit:>{limit + 1 - max(len(middle), 1)}}", DIM)]

    def _cell(self, characters: int) -> int:
        return round(characters * self.cells / self.scale)


def _verdict(report: SizeReport) -> Line:
    count = f"  {report.cookie} of {report.limit} characters, "
    if report.left < 0:
        return [(count, NONE), (f"{-report.left} too many", BAD)]
    style = GOOD if report.cookie <= SIZE_WARN_BYTES else WARN
    return [(count, NONE), (f"{report.left} left", style), (f" ({100 * report.left // report.limit} %)", DIM)]


def _parts(report: SizeReport, pen: Pen) -> Iterator[Line]:
    largest = max(part.characters for part in report.parts)
    for part in report.parts:
        letter, colour = _look(part)
        marker = "■" if pen.colour and pen.blocks else letter
        yield [
            (f"  {marker} ", colour),
            (f"{part.label:<{_LABEL}}{part.characters:>6}", NONE),
            (f"{100 * part.characters / report.cookie:>4.0f} %  ", DIM),
            (_bar(part.characters / largest, pen), colour),
        ]
        if part.label == "user":
            yield from _fields(report, largest, pen)


def _fields(report: SizeReport, largest: int, pen: Pen) -> Iterator[Line]:
    colour = _LOOKS["user"][1]
    for field in report.user_fields[:_SHOWN_FIELDS]:
        label = printable(field.label)[: _LABEL - 3]
        count = f"      {label:<{_LABEL - 2}}{field.characters:>6}        "
        yield [(count, DIM), (_bar(field.characters / largest, pen), f"dim {colour}")]
    others = report.user_fields[_SHOWN_FIELDS:]
    if others:
        label = f"{len(others)} more"
        yield [(f"      {label:<{_LABEL - 2}}{sum(field.characters for field in others):>6}", DIM)]


def _bar(share: float, pen: Pen) -> str:
    eighths = round(share * 8 * (pen.width - _LABEL - 18))
    if not pen.blocks:
        return "#" * round(eighths / 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].rstrip()


def _look(part: SizePart) -> tuple[str, str]:
    return _LOOKS.get(part.label, _OTHER_LOOK)


def _fill(part: SizePart, pen: Pen) -> str:
    return "█" if pen.colour and pen.blocks else _look(part)[0]
