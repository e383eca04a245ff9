"""The peer on Node: runs a script of the folder ``node`` and reads its answer.

Request and answer are one JSON value each, on stdin and stdout.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("node")
PACKAGES = FOLDER / "node_modules"
INSTALL = "npm install --prefix benchmarks/node"

_PATIENCE = 300  # seconds; a run takes two


class NodeUnavailable(Exception):
    """Node, its packages or a script of ours is not usable; the message says what to do."""


def run(script: str, request: object) -> Any:
    """Run a script of the folder.

    Args:
        script: Its file name.
        request: Plain JSON.

    Raises:
        NodeUnavailable: It could not be run.
    """
    if (program := shutil.which("node")) is None:
        raise NodeUnavailable(f"It needs Node 20 or newer, and then: {INSTALL}")
    if not PACKAGES.is_dir():
        raise NodeUnavailable(f"Install it with: {INSTALL}")
    done = subprocess.run(
        [program, FOLDER / script], input=json.dumps(request), capture_output=True, text=True, timeout=_PATIENCE
    )
    if done.returncode:
        raise NodeUnavailable(f"{script} failed: {_problem(done.stderr)}")
    return json.loads(done.stdout)


def version() -> str | None:
    """Return the version of Node."""
    if (program := shutil.which("node")) is None:
        return None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_PATIENCE)
    return done.stdout.strip().removeprefix("v") or None


def package_version(name: str) -> str | None:
    """Return the version of a package in the folder."""
    try:
        manifest = json.loads((PACKAGES / name / "package.json").read_text(encoding="utf-8"))
    except OSError:
        return None
    return str(manifest["version"])


def _problem(stderr: str) -> str:
    errors = [line.strip() for line in stderr.splitlines() if "Error" in line]
    return errors[0] if errors else "no message"
