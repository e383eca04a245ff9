"""What the documentation shows is true: its programs run, its example is a vector, its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealed_session import encoding, generate_password
from sealed_session.formats import native
from sealed_session.keys import RootKey
from sealed_session.passwords import derive_root

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md"))
    if path.is_file()
)
PROGRAMS = [
    pytest.param(program, id=f"{page.name}-{number}")
    for page in PAGES
    for number, program in enumerate(
        re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_runs(program: str) -> None:
    """In an interpreter of its own, with warnings as errors, and with a password where Flask looks for one."""
    environment = {**os.environ, "FLASK_SEALED_SESSION_PASSWORD": generate_password()}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, cwd=ROOT, env=environment
    )


def test_there_are_programs() -> None:
    """The README begins with one, so that the test above cannot pass by finding nothing."""
    assert any(parameter.id == "README.md-0" for parameter in PROGRAMS)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ +(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file of the repository, and to a heading in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            name, _, anchor = target.partition("#")
            linked = (page.parent / name).resolve() if name else page
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


class TestWorkedExample:
    """docs/FORMAT.md, "Worked example": every number of it."""

    text = (
        (ROOT / "docs" / "FORMAT.md")
        .read_text(encoding="utf-8")
        .partition("## Worked example")[2]
        .partition("\n## ")[0]
    )
    bare = re.sub(r"\s", "", text)
    case = next(
        case
        for case in json.loads((ROOT / "tests" / "vectors" / "native_v1.json").read_text(encoding="ascii"))["seal"]
        if case["id"] == "jws"
    )

    def test_it_is_a_test_vector(self) -> None:
        """Inputs and output stand there."""
        assert self.case["sealed"] in self.bare
        for key in ("password", "salt"):
            assert self.case[key] in self.bare
        assert f"{len(self.case['sealed'])}characters" in self.bare
        assert all(part in self.text for part in self.case["session"]["access_token"].split(".")[:2])

    def test_every_step_is_right(self) -> None:
        """Root key, block, associated data and body, computed anew."""
        root = derive_root(self.case["password"])
        block = RootKey(root).expand(b"sealed-session/1 seal\0" + bytes.fromhex(self.case["salt"]))
        associated = native.associated_data(b"session", b"sealed-session", b"")
        body = AESGCM(block[:32]).decrypt(bytes(12), native.parse(self.case["sealed"])[2], associated)
        for step in (root, block, associated, body):
            assert step.hex() in self.bare
        assert f"{len(body)}bytes" in self.bare

    def test_the_dictionary_link_is_to_the_bytes(self) -> None:
        """Whoever writes a reader takes this file."""
        assert (ROOT / "sealed_session" / "dictionary" / "v1.bin").is_file()
        assert encoding.decode(self.case["sealed"])[0] == native.VERSION
