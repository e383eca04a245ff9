"""Other programs that tests run: skipped where one is missing on a laptop, a failure in CI."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(
    NODE is None and not os.environ.get("CI"), reason="node is not on PATH; install Node.js 20 or later to run this"
)


def node(*arguments: str, text: str = "") -> str:
    """Run a program of ours on Node."""
    assert NODE, "node is not on PATH: CI needs Node.js 20 or later"
    done = subprocess.run([NODE, *arguments], input=text, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
