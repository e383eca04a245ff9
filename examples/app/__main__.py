"""``python -m examples.app``: serves the application on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import signal
import socket

from werkzeug.serving import make_server

from .rotating import Rotating

PORT = 5000


def main() -> None:
    """Serve on the loopback address, which no other machine reaches."""
    port = wanted_port()
    # The log of the extension is worth reading: reasons, never values. One line for every request is not.
    logging.basicConfig(level=logging.INFO, format="  %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    for ending in (signal.SIGINT, signal.SIGTERM):  # also where a shell started us with Ctrl-C ignored
        signal.signal(ending, signal.default_int_handler)
    server = make_server("127.0.0.1", port, Rotating(), threaded=True)
    where = f"http://localhost:{server.server_port}/"
    taken = f" ({PORT} is taken)" if port == 0 and server.server_port != PORT else ""
    print(f"The demo is on {where}{taken}  Ctrl-C ends it.", flush=True)
    server.serve_forever()  # until Ctrl-C, which it takes for its own
    for ending in (signal.SIGINT, signal.SIGTERM):  # make and a shell may both pass one on
        signal.signal(ending, signal.SIG_IGN)
    print("\nThe demo has ended; nothing was stored.")


def wanted_port(arguments: list[str] | None = None) -> int:
    """Read the command line: the port that was asked for, otherwise ours, or a free one where ours is taken."""
    parser = argparse.ArgumentParser(prog="python -m examples.app", description="A small application to try out.")
    parser.add_argument("--port", type=int, help=f"the port, 0 for a free one (default: {PORT}, or a free one)")
    given: int | None = parser.parse_args(arguments).port
    if given is not None:
        return given
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
