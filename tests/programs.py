"""Other programs that tests run: skipped where one is missing on a laptop, a failure in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
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
