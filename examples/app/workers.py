"""The processes that serve the application: gunicorn and its workers, or this process where there is no gunicorn."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from .board import Board
from .rotating import Rotating
from .serving import serving
from .settings import Settings

ROOT = Path(__file__).parents[2]

STARTS_WITHIN, ENDS_WITHIN = 60, 5
"""Seconds."""

IsRunning = Callable[[], bool]


def are_possible() -> bool:
    """Return whether there can be several workers on this system."""
    return os.name == "posix" and find_spec("gunicorn") is not None


class Failed(Exception):
    """The workers ended by themselves."""


@contextmanager
def processes(listener: socket.socket, settings: Settings, number: int) -> Iterator[IsRunning]:
    """Serve in processes of their own.

    They are a session of their own, so that a terminal's Ctrl-C reaches nobody but this process, which ends them by
    their id. Where this process is killed, they notice that their standard input has ended.

    Args:
        listener: Where requests come in. All workers take them from this one, and it is theirs from here on.
        settings: For the workers.
        number: How many.

    Raises:
        Failed: They ended before they had answered anything.
    """
    options = ["--config", "python:examples.app.worker", "--workers", str(number)]
    command = [sys.executable, "-m", "gunicorn", *options, "--bind", f"fd://{listener.fileno()}"]
    master = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "examples.app.worker:application()"],
        env=os.environ | settings.to_environment(),
        stdin=subprocess.PIPE,
        pass_fds=[listener.fileno()],
        start_new_session=True,
        cwd=ROOT,
    )
    try:
        port = listener.getsockname()[1]
        listener.close()  # were it kept open here, a request would wait for ever for workers that are gone
        _await_first_answer(port)
        yield lambda: master.poll() is None
    finally:
        _end(master)


@contextmanager
def threads(listener: socket.socket, settings: Settings) -> Iterator[IsRunning]:
    """Serve in this process, with a thread for each request."""
    with closing(Board(settings.board)) as board:
        board.join()
        with serving(listener, Rotating(board, settings), "application") as thread:
            yield thread.is_alive


def _await_first_answer(port: int) -> None:
    """Ask for a page, which is answered as soon as there is a worker: until then the request waits in line."""
    connection = http.client.HTTPConnection("localhost", port, timeout=STARTS_WITHIN)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        raise Failed from None
    finally:
        connection.close()


def _end(master: subprocess.Popen[bytes]) -> None:
    """End them at once; those that do not listen, stopped ones for example, are killed: their group is ours alone."""
    try:
        master.send_signal(signal.SIGINT)  # does nothing to one that has ended
        master.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(master.pid, signal.SIGKILL)
        master.wait()
        if master.stdin is not None:
            master.stdin.close()
