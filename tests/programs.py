"""Other programs that tests run: skipped where one is missing on a laptop, a failure in CI."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(
    NODE is None and not os.environ.get("CI"), reason="node is not on PATH; install Node.js 20 or later to run this"
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"),
    reason="chromium is not on PATH; install Chromium or Google Chrome to run this",
)


def node(*arguments: str, text: str = "") -> str:
    """Run a program of ours on Node."""
    assert NODE, "node is not on PATH: CI needs Node.js 20 or later"
    done = subprocess.run([NODE, *arguments], input=text, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


NPM = shutil.which("npm")


def node_packages(locked: Path) -> Path:
    """Install what a package-lock.json names, once for each content of it, into a folder of the Python environment.

    Args:
        locked: Folder with the lock and its package.json.

    Returns:
        The folder whose ``node_modules`` holds the packages. Where they cannot be had, the test is skipped, or fails
        in CI.
    """
    files = [locked / name for name in ("package.json", "package-lock.json")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    folder = Path(sys.prefix) / "node_packages" / f"{locked.name}-{digest}"
    if not folder.is_dir():
        reason = _install(files, folder) if NODE and NPM else "node or npm is not on PATH; install Node.js 20 or later"
        if reason:
            assert not os.environ.get("CI"), f"CI needs the packages of {files[1]}: {reason}"
            pytest.skip(reason)
    return folder


def _install(files: list[Path], folder: Path) -> str | None:
    """Install into a folder that appears when it is complete; return what is in the way."""
    retries = "2" if os.environ.get("CI") else "0"  # nobody waits minutes for a network that is not there
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", f"--fetch-retries={retries}"]
    try:
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as parent:
            made = Path(parent, "made")
            made.mkdir()
            for path in files:
                shutil.copy(path, made)
            done = subprocess.run([str(NPM), "ci", *options], cwd=made, capture_output=True, timeout=120, check=False)
            if done.returncode:
                return f"npm could not install packages; is there a network? {done.stderr.decode()[-400:].strip()}"
            made.rename(folder)
    except (OSError, subprocess.TimeoutExpired) as error:
        # Another run of the tests may have been faster.
        return None if folder.is_dir() else f"npm could not install packages: {type(error).__name__}"
    return None


class Running(NamedTuple):
    """A Chromium, and the pipe over which it is told what to do. It ends by itself when the pipe is closed."""

    process: subprocess.Popen[bytes]
    commands: IO[bytes]
    answers: IO[bytes]


def chromium(*arguments: str, stderr: IO[bytes]) -> Running:
    """Start Chromium in a process group of its own, with its debugging pipe."""
    assert CHROMIUM, "chromium is not on PATH: CI needs Chromium or Google Chrome"
    its_commands, commands = os.pipe()
    answers, its_answers = os.pipe()
    # It looks for them at 3 and 4, where the shell puts them: a plain sh can name only the first ten by number.
    moved = f'exec "$0" "$@" 3</dev/fd/{its_commands} 4>/dev/fd/{its_answers}'
    process = subprocess.Popen(
        ["/bin/sh", "-c", moved, CHROMIUM, *arguments, "--remote-debugging-pipe"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        pass_fds=(its_commands, its_answers),
        start_new_session=True,
    )
    os.close(its_commands)
    os.close(its_answers)
    return Running(process, os.fdopen(commands, "wb", 0), os.fdopen(answers, "rb", 0))
