"""The back channel: the application is told, from server to server, that sessions are over.

Source: OpenID Connect Back-Channel Logout 1.0, section 2.5.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from urllib.parse import urlencode, urlsplit

from ..board import Board
from .client import Client
from .grants import Grant, Grants
from .tokens import Tokens

Post = Callable[[str, dict[str, str]], int]
"""Sends a form to an address, and returns the status of the answer; 0 where there is none."""

PATIENCE = 5
"""Seconds."""


class Telling:
    """Ends sessions, and tells the application of each. Safe to share between threads."""

    def __init__(self, client: Client, grants: Grants, tokens: Tokens, board: Board, post: Post) -> None:
        self._client = client
        self._grants = grants
        self._tokens = tokens
        self._board = board
        self._post = post

    def end(self, over: Sequence[Grant]) -> None:
        """End sessions. An application that does not answer is not told again: its refreshes will be refused."""
        for grant in over:
            self._grants.end(grant.sid)
            status = self._post(self._client.backchannel_logout_uri, {"logout_token": self._tokens.logout(grant)})
            said = f"it answered {status}" if status else "it did not answer"
            self._board.note("provider", f"Told the application that the session is over; {said}.")


def post_form(uri: str, fields: dict[str, str]) -> int:
    """Send a form."""
    parts = urlsplit(uri)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", parts.path, urlencode(fields), headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
