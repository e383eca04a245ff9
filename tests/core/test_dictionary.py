"""The preset dictionary is frozen: another one would read every cookie wrongly and without an error."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from sealed_session import dictionary
from sealed_session.dictionary import build_v1

DATA = Path(__file__).parents[1] / "data"


def test_it_is_the_one_of_the_format() -> None:
    """Length and hash stand in docs/FORMAT.md too."""
    specification = (Path(__file__).parents[2] / "docs" / "FORMAT.md").read_text(encoding="utf-8")
    assert len(dictionary.DICTIONARY_1) == dictionary.LENGTH
    assert sha256(dictionary.DICTIONARY_1).hexdigest() == dictionary.SHA256
    assert f"{dictionary.LENGTH:,} bytes" in specification
    assert dictionary.SHA256 in specification


@pytest.mark.usefixtures("pythons_own_import")
def test_the_script_builds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that everyone can see where every byte comes from; run as a command it writes the file."""
    assert build_v1.build() == dictionary.DICTIONARY_1
    assert all(source for source, _ in build_v1.FRAGMENTS)
    monkeypatch.setattr(sys, "argv", ["build_v1", str(tmp_path / "v1.bin")])
    monkeypatch.delitem(sys.modules, build_v1.__name__)
    runpy.run_module(build_v1.__name__, run_name="__main__")
    assert (tmp_path / "v1.bin").read_bytes() == dictionary.DICTIONARY_1


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x", bytes.upper])
def test_a_damaged_file_stops_the_import(change: Callable[[bytes], bytes]) -> None:
    """Before anything is sealed with it."""
    with pytest.raises(ImportError, match="damaged"):
        dictionary.verified(change(dictionary.DICTIONARY_1))


def test_it_holds_nothing_of_the_samples() -> None:
    """No identifier, name or address of a sample session: their sizes are quoted against the peers."""
    for name in ("sessions.json", "other_providers.json"):
        for session in json.loads((DATA / name).read_text(encoding="utf-8")).values():
            for field, value in session["user"].items():
                if isinstance(value, str) and len(value) > 6 and field not in ("locale", "object"):
                    assert value.encode() not in dictionary.DICTIONARY_1
