"""One worker: what gunicorn serves in each of its processes, and the settings by which it does.

Started by workers.py: ``gunicorn --config python:examples.app.worker "examples.app.worker:application()"``.
"""

from __future__ import annotations

import logging
import os
import signal
from threading import Thread
from typing import Any

from .board import Board
from .rotating import Rotating
from .settings import Settings

# gunicorn reads these names. Workers are processes, each with several threads.
worker_class = "gthread"
threads = 8
keepalive = 0  # so that the next request may come to another worker, which is what this demo is about
graceful_timeout = 3
loglevel = "warning"
control_socket_disable = True  # it would lie in the home directory


def post_fork(_server: Any, worker: Any) -> None:
    """End with the program that started us: gunicorn calls this in every new worker."""
    Thread(target=_watch, args=(worker.ppid,), daemon=True).start()


def _watch(master: int) -> None:
    """Wait for the end of our standard input. The program holds its other end, and goes with it however it ends."""
    while os.read(0, 1024):
        pass
    if os.getppid() == master:
        os.kill(master, signal.SIGTERM)


def application() -> Rotating:
    """Build the application, in the worker that will serve it."""
    # The log of the extension is worth reading: reasons, never values.
    logging.basicConfig(format="  %(process)d: %(message)s")
    logging.getLogger("sealed_session").setLevel(logging.INFO)
    settings = Settings.from_environment()
    board = Board(settings.board)
    board.join()
    return Rotating(board, settings)
