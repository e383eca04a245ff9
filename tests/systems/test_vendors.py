"""docs/systems.md is whole and true, and the vendors' names stand where vendors are data."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
ROWS = [
    f"{system}-{n}" for system, most in (("WO", 21), ("ST", 16), ("CB", 11), ("KN", 10)) for n in range(1, most + 1)
]
"""Every requirement that there is."""

TABLE: list[tuple[str, str]] = re.findall(
    r"^\| ([A-Z]{2}-\d+) \|.*\]\(\.\./(tests/[\w/]+\.py)\) \|$", PAGE, re.MULTILINE
)
VENDORS = re.compile("workos|authkit|stytch|corbado|knoon", re.IGNORECASE)
ALLOWED = (
    "sealed_session/providers/",
    "sealed_session/testing/",
    # Sample texts of tokens: what is to become short has to be in the dictionary, and that is frozen with the format.
    "sealed_session/dictionary/build_v1.py",
)
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for package in ("sealed_session", "flask_ext")
    for path in (ROOT / package).rglob("*")
    if path.is_file() and path.suffix not in (".pyc", ".bin")
)


def proofs(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the row that each test of a file is named for, and each row that it is marked with."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        outer = _marks(node)
        for test in node.body if isinstance(node, ast.ClassDef) else [node]:
            named = re.match(r"test_([A-Z]{2})_(\d+)_", getattr(test, "name", ""))
            if named is not None:
                yield from ((f"{named[1]}-{named[2]}", mark) for mark in outer | _marks(test))


def _marks(node: ast.stmt) -> set[str]:
    """The rows that a test, or a class of them, is marked with."""
    calls = [call for call in getattr(node, "decorator_list", []) if isinstance(call, ast.Call)]
    return {ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == "pytest.mark.row"}


@cache
def proved() -> dict[str, set[str]]:
    """The files with a test that is named for a row, and marked with it too, by row."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for named, marked in proofs(path):
            if named == marked:
                found[named].add(path.relative_to(ROOT).as_posix())
    return found


def test_every_row_is_in_the_table() -> None:
    """Once, and in order; and no other is."""
    assert ROWS == [row for row, _ in TABLE]


@pytest.mark.parametrize(("row", "file"), TABLE, ids=[row for row, _ in TABLE])
def test_every_row_is_proved_where_the_table_says(row: str, file: str) -> None:
    """By a test that is named for it, and that ``--row`` finds."""
    assert file in proved()[row]


def test_no_test_is_named_for_a_row_that_is_not() -> None:
    """A number that has been mistyped proves nothing."""
    assert set() == set(proved()) - set(ROWS)


@pytest.mark.parametrize("source", [source for source in SOURCES if not source.startswith(ALLOWED)])
def test_vendors_are_named_in_providers_alone(source: str) -> None:
    """And in the fakes: everything else knows transports, verifiers, providers and companions."""
    assert [] == VENDORS.findall((ROOT / source).read_text(encoding="utf-8"))


def test_the_exceptions_are_needed() -> None:
    """Each of them names a vendor; one that does no longer is not an exception any more."""
    for allowed in ALLOWED:
        texts = [(ROOT / source).read_text(encoding="utf-8") for source in SOURCES if source.startswith(allowed)]
        assert any(map(VENDORS.search, texts)), allowed
