"""Companion cookies: short-lived, readable by JavaScript, made from a live session and cleared with it.

The eager token is the first. It spares a page that calls an API by itself the round trip for its first access token:
the document brings the token in a cookie, and eager-token.js reads that once, deletes it and hands it over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from werkzeug import Request, Response

from sealed_session import Session, UsageError
from sealed_session.cookie import CookiePolicy
from sealed_session.sealer import MAX_COOKIE_BYTES

Warn = Callable[..., None]
"""Logs a warning, once for each message."""


class Cookie(NamedTuple):
    """A cookie to be set."""

    policy: CookiePolicy
    value: str

    def __repr__(self) -> str:
        return f"Cookie({self.policy.name}, <{len(self.value)} characters>)"


class Companion(Protocol):
    """Makes cookies from a live session."""

    def cookies(self, session: Session, request: Request, response: Response, warn: Warn) -> Iterable[Cookie]:
        """Return the cookies that this response shall carry; none for most."""
        ...

    def cleared(self, request: Request) -> Iterable[CookiePolicy]:
        """Return the policies of the cookies that end with the session."""
        ...

    def replaced(self, request: Request) -> Iterable[CookiePolicy]:
        """Return the policies of the cookies that may be somebody else's, when a person signs in."""
        ...


class EagerToken:
    """The access token for a page's first requests, in a cookie that lives for 30 seconds.

    Any script of the page can read it, as it can read what the page holds in JavaScript anyway. It is off unless
    ACCESS_TOKEN_COOKIE names it.
    """

    def __init__(self, policy: CookiePolicy) -> None:
        self._policy = policy

    def cookies(self, session: Session, request: Request, response: Response, warn: Warn) -> Iterable[Cookie]:
        """Return the cookie for a document that a person opens, and for nothing else."""
        if not is_document(request) or response.mimetype != "text/html" or 300 <= response.status_code < 400:
            return []
        return [Cookie(self._policy, session.access_token)]

    def cleared(self, request: Request) -> Iterable[CookiePolicy]:
        """Return the one policy."""
        return [self._policy]

    def replaced(self, request: Request) -> Iterable[CookiePolicy]:
        """Return none: the next document brings the new one, and this one is gone in seconds."""
        return []


def lines(cookies: Iterable[Cookie], scheme: str, host: str, warn: Warn) -> list[str]:
    """Return Set-Cookie lines; a value that no cookie can carry, or that browsers drop, is left out and logged."""
    written = []
    for policy, value in cookies:
        length = len(policy.name) + 1 + len(value)
        if length > MAX_COOKIE_BYTES:
            warn("the cookie %s is not set: it has %d characters, and browsers drop it.", policy.name, length)
            continue
        try:
            written.append(policy.set(value, scheme, host))
        except UsageError as error:
            warn("the cookie %s is not set: %s.", policy.name, error.code)
    return written


def is_document(request: Request) -> bool:
    """Return whether a browser is loading a page into a window, for somebody to look at (Fetch Metadata)."""
    if request.method != "GET" or is_speculative(request):
        return False
    destination = request.headers.get("Sec-Fetch-Dest")
    if destination is not None:
        return destination == "document"
    return "text/html" in request.accept_mimetypes.values()


def is_speculative(request: Request) -> bool:
    """Return whether a browser is fetching ahead, for somebody who may never look."""
    headers = request.headers
    purposes = (headers.get("Sec-Purpose", ""), headers.get("Purpose", ""), headers.get("X-Moz", ""))
    return any("prefetch" in purpose.lower() or "prerender" in purpose.lower() for purpose in purposes)
