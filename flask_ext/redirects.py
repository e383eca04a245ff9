"""Where a person goes after signing in: only ever to a place of this application."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from werkzeug import Request

MAX_TARGET = 2048
"""Characters. A longer address would not survive the way through a login page's URL."""

_PATH = "/:@!$&'()*+,;=~"
_QUERY = _PATH + "?%"
"""What stands for itself in a path and in a query (RFC 3986, sections 3.3 and 3.4), beside letters and digits."""

_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?=[/?#]|$)", re.IGNORECASE)
"""A segment by which a browser leaves the folder that a path begins with (URL Standard, section 4.4)."""


def local_target(target: str | None) -> str | None:
    r"""Return a path of this application as it is; None for anything else.

    A browser reads ``//host``, ``/\host`` and what has a line break or a tab in it as another site's address (URL
    Standard, section 4.4), so only what begins with exactly one slash and has none of these is a path. By a segment of
    dots it would leave the application for another one of the same host.
    """
    if not target or len(target) > MAX_TARGET or target[0] != "/" or target[1:2] == "/" or "\\" in target:
        return None
    if any(character <= " " or character == "\x7f" for character in target):
        return None
    return None if _DOTS.search(re.split("[?#]", target, maxsplit=1)[0]) else target


def start(request: Request) -> str:
    """Return the path of the application's start."""
    return f"{request.root_path.rstrip('/')}/"


def wanted(request: Request) -> str | None:
    """Return the request's argument ``next``, if it is a path of this application."""
    target = local_target(request.values.get("next"))
    return target if target is not None and target.startswith(start(request)) else None


def is_from_here(request: Request) -> bool:
    """Return whether one of our own pages sent the request: by Fetch Metadata, in older browsers by Origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == origin(request)


def origin(request: Request) -> str:
    """Return the request's own origin as browsers write it: a name in other scripts as it goes over the wire."""
    return f"{request.scheme}://{request.host.lower()}"


def local_target_of(url: str | None, request: Request) -> str | None:
    """Return path and query of a whole address of this application; None for another origin's."""
    try:
        parts = urlsplit(url or "")
        origin = (parts.scheme, parts.netloc.lower())
    except ValueError:
        return None
    if origin != (request.scheme, request.host.lower()):
        return None
    return local_target((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def here(request: Request) -> str | None:
    """Return path and query of what was asked for; None where a browser would read them as something else."""
    path = quote(request.root_path.rstrip("/") + request.path, safe=_PATH)
    query = quote(request.query_string, safe=_QUERY)
    return local_target(f"{path}?{query}" if query else path)
