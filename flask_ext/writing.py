"""The Set-Cookie lines of one response: those of every transport that was looked at, and of the companions.

``write`` may run several times: for a response, and for the error response that takes its place. It then takes back
what it has written before.
"""

from __future__ import annotations

from collections.abc import Sequence

from werkzeug import Request, Response

from sealed_session import Session

from . import companions
from .carried import Carried, Write
from .state import AppState, host_of


class Writer:
    """Writes the cookies of one request's responses. Belongs to its request."""

    __slots__ = ("_app", "_written")

    def __init__(self, app: AppState) -> None:
        self._app = app
        self._written: list[str] = []

    def write(
        self,
        response: Response,
        request: Request,
        looked: Sequence[Carried],
        signed_in: Session | None,
        *,
        is_new: bool = False,
        keeps_cookies: bool = True,
    ) -> bool:
        """Let a response carry what it should, and return whether that is anything.

        Args:
            response: The response.
            request: What it answers.
            looked: What the transports brought that were looked at.
            signed_in: Who is signed in, and so is given companion cookies.
            is_new: Whether this very request has signed them in: what companions there were are somebody else's.
            keeps_cookies: Whether whoever is signed in has anywhere to keep them.
        """
        scheme, host = request.scheme, host_of(request)
        lines = [line for one in looked for line in one.lines(request, scheme, host)]
        ended = signed_in is None and any(one.decision is Write.END or one.is_lost for one in looked)
        for companion in self._app.companions:
            gone = companion.cleared(request) if ended else companion.replaced(request) if is_new else ()
            lines += [line for policy in gone for line in policy.clear(scheme, host)]
            if signed_in is not None and keeps_cookies:
                cookies = companion.cookies(signed_in, request, response, self._app.warn_once)
                lines += companions.lines(cookies, scheme, host, self._app.warn_once)
        if self._written or lines:
            ours = tuple(map(_without_attributes, self._written))  # somebody may have added an attribute to a line
            others = [line for line in response.headers.getlist("Set-Cookie") if not line.startswith(ours)]
            response.headers.setlist("Set-Cookie", others + lines)
            self._written = lines
        return bool(lines)


def _without_attributes(line: str) -> str:
    """Return name and value of a line that sets a cookie; one that clears a cookie is known by all of it."""
    pair, semicolon, _ = line.partition(";")
    return line if pair.endswith("=") else pair + semicolon
