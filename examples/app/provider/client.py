"""The one application that is registered here, with every address that it may be spoken to at."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from werkzeug.datastructures import Authorization

from ..settings import CLIENT_ID


class Refusal(Exception):
    """No tokens.

    Attributes:
        code: Of RFC 6749, section 5.2.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Client:
    """An application. Its addresses are compared as they are: no port, no path, no letter may differ.

    Attributes:
        origin: Its own address.
        secret: What it shows the token endpoint.
        client_id: Its name.
    """

    origin: str
    secret: str = field(repr=False)
    client_id: str = CLIENT_ID

    @property
    def redirect_uri(self) -> str:
        """Where people are sent back to who have signed in."""
        return f"{self.origin}/auth/callback"

    @property
    def post_logout_redirect_uri(self) -> str:
        """Where people are sent back to who have signed out."""
        return f"{self.origin}/"

    @property
    def backchannel_logout_uri(self) -> str:
        """Where it is told that sessions are over."""
        return f"{self.origin}/auth/backchannel-logout"

    def check(self, given: Authorization | None) -> None:
        """Let nobody else ask for tokens.

        Raises:
            Refusal: ``invalid_client``.

        Source: RFC 6749, section 2.3.1: both halves are form-encoded.
        """
        name, secret = (given.username or "", given.password or "") if given else ("", "")
        is_right = secrets.compare_digest(unquote_plus(secret).encode(), self.secret.encode())
        if unquote_plus(name) != self.client_id or not is_right:
            raise Refusal("invalid_client")
