"""``python -m examples.app``: serves the application on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import socket
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NamedTuple

from . import workers
from .board import Board
from .provider import create_provider
from .provider.client import Client
from .provider.tokens import LIFETIME
from .serving import serving
from .settings import Settings

PORT, WORKERS = 5000, 4

_LOOKS_EVERY = 0.1
_ENDINGS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Options(NamedTuple):
    """The command line.

    Attributes:
        port: The port that was asked for, 0 for a free one; None: ours, or a free one where ours is taken.
        workers: How many processes serve the application.
        lifetime: Seconds that the provider's access tokens are good for.
    """

    port: int | None
    workers: int
    lifetime: int


class Ending:
    """Whether somebody wants us to end: by Ctrl-C, or as make and shells do.

    Nothing is raised: an exception that may come anywhere, once or twice, is lost somewhere.

    Attributes:
        is_wanted: From the first time on.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        for ending in _ENDINGS:  # also where a shell started us with Ctrl-C ignored
            signal.signal(ending, self._want)

    def _want(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_wanted = True


def main() -> None:
    """Serve on the loopback address, which no other machine reaches."""
    options, ending = read(), Ending()
    logging.basicConfig(format="  %(message)s")
    logging.getLogger("sealed_session").setLevel(logging.INFO)  # where this process is the only worker
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        listener = listen(options.port)
        run(listener, listen_beside(listener), options, ending)
    except workers.Failed:
        sys.exit("\nThe workers have ended by themselves, and the demo with them; nothing was stored.")
    for each in _ENDINGS:
        signal.signal(each, signal.SIG_IGN)  # the same Ctrl-C by another way, now that all is said and done
    print("\nThe demo has ended; nothing was stored.")


def run(listener: socket.socket, providers: socket.socket, options: Options, ending: Ending) -> None:
    """Start the provider and the workers, around a folder that is gone when they are; and wait for the end.

    Raises:
        workers.Failed: The workers ended by themselves.
    """
    number, issuer = options.workers, f"http://127.0.0.1:{providers.getsockname()[1]}"
    client = Client(f"http://localhost:{listener.getsockname()[1]}", secrets.token_urlsafe())
    with ExitStack() as stack:
        stack.enter_context(listener)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="sealed-session-demo-")))
        board = stack.enter_context(closing(Board(folder / "board.db")))
        provider = create_provider(issuer, client, board, lifetime=options.lifetime)
        stack.enter_context(serving(providers, provider, "provider"))
        settings = Settings(folder, issuer, client.secret)
        served = workers.processes(listener, settings, number) if number > 1 else workers.threads(listener, settings)
        is_running = stack.enter_context(served)
        print(f"The demo is on {client.origin}/ ({describe(number)})  Ctrl-C ends it.", flush=True)
        while is_running() and not ending.is_wanted:
            time.sleep(_LOOKS_EVERY)
        if not ending.is_wanted:
            raise workers.Failed


def describe(number: int) -> str:
    """Say how many processes there are, and why not more."""
    if number > 1:
        return f"{number} workers"
    return "one process" if workers.are_possible() else "one process; more take gunicorn, and no Windows"


def read(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    most = WORKERS if workers.are_possible() else 1
    parser = argparse.ArgumentParser(prog="python -m examples.app", description="A small application to try out.")
    parser.add_argument("--port", type=int, help=f"the port, 0 for a free one (default: {PORT}, or a free one)")
    parser.add_argument("--workers", type=int, default=most, help="how many processes (default: %(default)s)")
    parser.add_argument(
        "--lifetime", type=int, default=LIFETIME, help="of an access token, seconds (default: %(default)s)"
    )
    given = parser.parse_args(arguments)
    if not 1 <= given.workers <= (64 if workers.are_possible() else 1):
        parser.error(f"--workers: {given.workers} cannot be had here.")
    if given.lifetime < 1:
        parser.error("--lifetime: expected a second at least.")
    return Options(given.port, given.workers, given.lifetime)


def listen(port: int | None) -> socket.socket:
    """Take a port of the loopback address."""
    try:
        return socket.create_server(("127.0.0.1", default_port() if port is None else port), backlog=128)
    except OSError as error:
        if port is None:  # somebody took ours just now
            return socket.create_server(("127.0.0.1", 0), backlog=128)
        sys.exit(f"The port {port} cannot be had: {os.strerror(error.errno or 0)}.")


def listen_beside(listener: socket.socket) -> socket.socket:
    """Take the next port for the provider, or a free one where that is taken."""
    try:
        return socket.create_server(("127.0.0.1", listener.getsockname()[1] + 1), backlog=128)
    except (OSError, OverflowError):
        return socket.create_server(("127.0.0.1", 0), backlog=128)


def default_port() -> int:
    """Return our port, or 0 for a free one where it is taken."""
    return 0 if _is_taken(PORT) else PORT


def _is_taken(port: int) -> bool:
    """Ask by name, as a browser will: some systems have a service of their own on ``localhost`` by IPv6."""
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
