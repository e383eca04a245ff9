"""Changing the password while the application runs, in every worker at once."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING

from flask import Flask

from . import create_app
from .board import Board
from .settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Rotating:
    """A WSGI application whose password can be changed. Safe to share between threads.

    What ``init_app`` has set up never changes, so a new password means a new application: a deployment starts one with
    other settings and sends it the requests from then on. So does this within each worker, when the board has other
    passwords than the application of the moment. It looks at every request, so that no worker is behind another.
    """

    def __init__(self, board: Board, settings: Settings) -> None:
        self._board = board
        self._settings = settings
        self._lock = Lock()
        self._passwords: list[str] = []
        self._app = self._current()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let the application of the moment answer."""
        return self._current()(environ, start_response)

    def _current(self) -> Flask:
        with self._lock:
            passwords = self._board.passwords()
            if passwords != self._passwords:
                self._app = create_app(self._board, self._settings, passwords)
                self._passwords = passwords
            return self._app
