"""Times as JavaScript takes them, held against JavaScript itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session.packing import MAX_TIME
from sealed_session.providers.javascript import milliseconds

from ..programs import needs_node, node

TAKEN = [
    ("2027-01-15T08:00:00Z", 1_800_000_000_000),
    ("2027-01-15T08:00:00.000Z", 1_800_000_000_000),
    ("2027-01-15T08:00:00.98765Z", 1_800_000_000_987),
    ("2027-01-15T08:00:00.5Z", 1_800_000_000_500),
    ("2027-01-15T08:00Z", 1_800_000_000_000),
    ("2027-01-15T10:30:00+02:30", 1_800_000_000_000),
    ("2027-01-15T07:00:00.250-01:00", 1_800_000_000_250),
    ("2027-01-15", 1_799_971_200_000),
    ("2027-02", 1_801_440_000_000),
    ("2027", 1_798_761_600_000),
    ("2027T01:00Z", 1_798_765_200_000),
    (1_800_000_000_000, 1_800_000_000_000),
    (1_800_000_000_000.9, 1_800_000_000_000),
    (1, 1),
]
REFUSED = [
    "",
    "soon",
    "1800000000000",
    "2027-00-15",
    "2027-13-15",
    "2027-01-00",
    "2027-01-32",
    "2027-01-15T08Z",
    "2027-01-15T25:00:00Z",
    "2027-01-15T08:60:00Z",
    "2027-01-15T08:00:60Z",
    "2027-01-15T08:00:00+02:60",
    "2027-01-15T08:00:00.Z",
    None,
]
STRICTER = [
    "2027-01-15Z",
    "2027-01-15T08:00:00+0200",
    "2027-1-15",
    "2027-01-15T08:00:00",
    "2027-01-15T08:00:00+24:00",
    "2027-02-30T08:00:00Z",
    "Fri, 15 Jan 2027 08:00:00 GMT",
    "２０２７",
    "1970-01-01",
    "1969-12-31T23:59:59Z",
    True,
    0,
    0.5,
    -1,
    (MAX_TIME + 1) * 1000,
    10**400,
    float("nan"),
    float("inf"),
    {"_seconds": 1_800_000_000},
    ["2027"],
]
"""What one browser or another takes, or what is no time that a credential could end at."""


@pytest.mark.parametrize(("value", "expected"), TAKEN)
def test_what_is_a_date(value: Any, expected: int) -> None:
    """In milliseconds."""
    assert expected == milliseconds(value)


@pytest.mark.parametrize("value", [*REFUSED, *STRICTER])
def test_what_is_none(value: Any) -> None:
    """Is none: nobody guesses."""
    assert None is milliseconds(value)


@given(st.integers(1, MAX_TIME * 1000 + 999))
def test_a_number_is_itself(value: int) -> None:
    """Whatever it is."""
    assert value == milliseconds(value)


@given(st.datetimes(timezones=st.timezones(), allow_imaginary=False))
def test_what_is_written_is_read(moment: Any) -> None:
    """By an instant's own text, of which JavaScript sees the milliseconds."""
    text = moment.isoformat(timespec="microseconds")
    offset = moment.utcoffset().total_seconds()
    found = milliseconds(text)
    if offset % 60 or not 0 < moment.timestamp() < MAX_TIME:  # offsets of former centuries have seconds
        assert found is None or offset % 60 == 0
    else:
        assert (moment.timestamp() * 1000) // 1 - (found or 0) in (-1, 0, 1)


NUMBERS = (st.integers(0, 9999), *[st.integers(0, most) for most in (13, 32, 25, 60, 60, 9999, 25, 60)])
DATES = st.tuples(*NUMBERS).map(lambda n: "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{}+{:02}:{:02}".format(*n))


@given(st.one_of(st.text(), DATES))
def test_whatever_comes(text: str) -> None:
    """Is a time within the bounds, or none."""
    found = milliseconds(text)
    assert found is None or 0 < found < (MAX_TIME + 1) * 1000


@needs_node
def test_as_javascript_does() -> None:
    """The same number, and nothing where it has none."""
    values = [value for value, _ in TAKEN] + [value for value in REFUSED if value is not None]
    program = "console.log(JSON.stringify(JSON.parse(process.argv[1]).map(one => new Date(one).getTime())))"
    theirs = json.loads(node("-e", program, json.dumps(values)))
    assert dict(zip(map(str, values), theirs, strict=True)) == {str(value): milliseconds(value) for value in values}
