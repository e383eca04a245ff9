"""Changing the password while the application runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from sealed_session import generate_password

from . import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FALLBACKS = 3
"""How many former passwords still open cookies. Who comes back after more changes than that signs in again."""


class Rotating:
    """A WSGI application whose password can be changed.

    What ``init_app`` has set up never changes, so a new password means a new application: a deployment starts one
    with other settings and sends it the requests from then on. So does this, within one process.

    Attributes:
        passwords: The first seals, the others still open.
    """

    def __init__(self) -> None:
        self.passwords = [generate_password()]
        self._app = self._start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let the application of the moment answer."""
        return self._app(environ, start_response)

    def rotate(self) -> None:
        """Seal with a new password from the next request on; the former ones become fallbacks."""
        self.passwords = [generate_password(), *self.passwords[:FALLBACKS]]
        self._app = self._start()

    def _start(self) -> Flask:
        password, *fallbacks = self.passwords
        return create_app(password, fallbacks, self.rotate)
