"""The drawings as text: what adds up, what lines up, and where the limit is."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from sealed_session import KeyRing, Sealer, Session, SizeReport, generate_password
from sealed_session.cli import texts
from sealed_session.cli.drawing import BAD, Line, Peer, Pen, Ruler, budget, comparison
from tests.conftest import SAMPLES

SEALER = Sealer(KeyRing(generate_password()))
TYPICAL = SEALER.measure(Session(**SAMPLES["typical"]))
LARGE = SEALER.measure(Session("x" * 5000))
PEERS = [Peer("Fernet", 2247), Peer("iron", 2294)]
PLAIN, COLOURED = Pen(colour=False, blocks=False, width=60), Pen(colour=True, blocks=True, width=60)


def plain(lines: Iterable[Line]) -> list[str]:
    """Return the lines without their styles."""
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_a_budget_as_plain_text() -> None:
    """Letters stand for parts; ASCII only."""
    user = {"id": "u" * 300, "name": "n" * 30, **dict.fromkeys("abcdef", 1)}
    report = Sealer(KeyRing(generate_password()), compress=False).measure(Session("a" * 900, "r" * 600, user))
    assert [
        "size  2139 of 4093 characters, 1954 left (47 %)",
        "  ooaaaaaaaaaaaarrrrrrrrruuuuuuu...........................|",
        "  0                                            3500     4093",
        "  n name                      15   1 %",
        "  o overhead                  98   5 %  ##",
        "  a access_token             906  42 %  ####################",
        "  r refresh_token            607  28 %  #############",
        "  u user                     513  24 %  ###########",
        "      id                     411        #########",
        "      name                    53        #",
        "      f                        9",
        "      a                        8",
        "      b                        8",
        "      3 more                  24",
        "  3500: some proxies refuse it   4093: browsers drop it",
        "",
        "the same session elsewhere",
        "  sealed-session          2139  ##########..........|",
        "  Fernet                  2247  ###########.........| 1.1 x",
        "  iron                    2294  ###########.........| 1.1 x",
        "",
    ] == plain([*budget(report, PLAIN), *comparison(report, PEERS, PLAIN)])


@pytest.mark.parametrize("report", [TYPICAL, LARGE])
@pytest.mark.parametrize("pen", [PLAIN, COLOURED, COLOURED._replace(width=40), PLAIN._replace(width=100)])
def test_no_line_is_wider_than_the_paper(report: SizeReport, pen: Pen) -> None:
    """From 60 columns on; below, only the legend is."""
    lines = plain([*budget(report, pen), *comparison(report, PEERS, pen)])
    assert [] == [line for line in lines if len(line) > max(pen.width, 60)]


def test_every_part_has_its_row_and_the_largest_fields_theirs() -> None:
    """In the order of the value; what is not shown of the user is summed."""
    rows = plain(budget(TYPICAL, PLAIN))
    parts = [row.split()[1:3] for row in rows if row[:4] in {f"  {letter} " for letter in "noaur"}]
    assert [[part.label, str(part.characters)] for part in TYPICAL.parts] == parts
    fields = [row.split() for row in rows if row.startswith("      ")]
    assert [[field.label, str(field.characters)] for field in TYPICAL.user_fields[:5]] == [
        field[:2] for field in fields[:5]
    ]
    assert ["9", "more", str(sum(field.characters for field in TYPICAL.user_fields[5:]))] == fields[5]


def test_a_user_of_few_fields_has_no_row_for_the_rest() -> None:
    """There is none."""
    report = SEALER.measure(Session("t", user={"id": "1"}))
    assert [] == [row for row in plain(budget(report, PLAIN)) if "more" in row]


def test_a_field_of_any_name_keeps_its_row() -> None:
    """Cut, and with escapes for what does not print."""
    report = SEALER.measure(Session("t", user={"\x1b[31m" + "x" * 40: 1}))
    (row,) = [row for row in plain(budget(report, PLAIN)) if "x1b" in row]
    assert ("      \\x1b[31mxxxxxxxxxxx ", 34) == (row[:26], len(row.split("#")[0].rstrip()) + 2)


def test_other_values_share_a_letter() -> None:
    """They are small."""
    report = SEALER.measure(Session("t", access_expires_at=1, session_expires_at=2))
    rows = plain(budget(report, PLAIN))
    assert 2 == len([row for row in rows if row.startswith("  x ") and "expires_at" in row])


def test_colour_replaces_letters() -> None:
    """One colour for the same part in every row."""
    lines = list(budget(TYPICAL, COLOURED))
    bar = {style: text for text, style in lines[1]}
    rows = {line[1][0].split()[0]: line[0] for line in lines[3:] if line and line[0][0] == "  ■ "}
    assert {"█"} == set(bar[rows["access_token"][1]])
    assert {"█"} == set(bar[rows["user"][1]])


def test_the_limit_is_marked_at_the_end_of_what_fits() -> None:
    """And what is over it stands behind the mark, in the colour of what is wrong."""
    (_, fits, *_), (_, over, *_) = budget(TYPICAL, COLOURED), budget(LARGE, COLOURED)
    assert ("│", BAD) == fits[-1]
    (mark,) = [position for position, (text, style) in enumerate(over) if text.startswith("│")]
    assert (mark, BAD) == (len(over) - 1, over[mark][1])
    assert {"│", "█"} == set(over[mark][0])


def test_a_ruler_fills_as_many_cells_as_it_has() -> None:
    """And one for the mark."""
    ruler = Ruler(limit=4093, scale=4093, cells=50, blocks=False)
    assert "ab" + "." * 48 + "|" == "".join(text for text, _ in ruler.fill([("a", "", 80), ("b", "", 84)]))


def test_the_axis_names_the_limit_under_its_mark() -> None:
    """And leaves out the warning level where the two would collide."""
    wide, narrow = Ruler(4093, 4093, 50, False), Ruler(4093, 9000, 30, False)
    assert 51 == len("".join(text for text, _ in wide.axis()))
    assert "3500" in "".join(text for text, _ in wide.axis())
    axis = "".join(text for text, _ in narrow.axis())
    assert "".join(text for text, _ in narrow.fill([])).index("|") == len(axis) - 1
    assert ["0", "4093"] == axis.split()


def test_over_the_warning_level_what_is_left_is_no_longer_good() -> None:
    """The verdict has another style."""
    near = SEALER.measure(Session("x" * 3500))
    assert near.fits
    styles = {next(budget(report, COLOURED))[2][1] for report in (TYPICAL, near, LARGE)}
    assert 3 == len(styles)


def test_a_peer_that_does_not_fit_is_marked() -> None:
    """Its number and its ratio."""
    lines = list(comparison(TYPICAL, [Peer("Fernet", 6000)], COLOURED))
    assert BAD == lines[2][1][1]
    assert "6.3 x" in plain(lines)[2]
    assert BAD != lines[1][1][1]


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (1000, "1970-01-01 00:16:40 UTC, 0 seconds ago"),
        (999, "1970-01-01 00:16:39 UTC, 1 second ago"),
        (1061, "1970-01-01 00:17:41 UTC, in 1 minute"),
        (8200, "1970-01-01 02:16:40 UTC, in 2 hours"),
        (0, "1970-01-01 00:00:00 UTC, 16 minutes ago"),
        (173_800, "1970-01-03 00:16:40 UTC, in 2 days"),
        (-1, "-1, which is no time in Unix seconds"),
    ],
)
def test_a_moment_has_its_date_and_its_age(time: int, shown: str) -> None:
    """In the largest whole unit."""
    assert shown == texts.moment(time, 1000)
