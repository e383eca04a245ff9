"""Cache headers: what is personal stays out of every cache, and what is not stays as it was (RFC 9111)."""

from __future__ import annotations

from werkzeug import Response

from .signals import logger

_TARGETED = ("CDN-Cache-Control", "Surrogate-Control", "Cloudflare-CDN-Cache-Control", "Vercel-CDN-Cache-Control")
"""Headers that content delivery networks obey in place of Cache-Control (RFC 9213)."""


def vary_by_cookie(response: Response) -> None:
    """Say that the answer depends on the cookie, beside what it depends on already (RFC 9110, section 12.5.5)."""
    if "Vary" not in response.headers:
        response.headers["Vary"] = "Cookie"
    elif "*" not in response.vary:
        response.vary.add("Cookie")


def keep_private(response: Response) -> None:
    """Keep the answer out of shared caches; out of the browser's too, unless the view decided about that itself."""
    headers = response.headers
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "private, no-store"
    elif not response.cache_control.no_store:
        _correct(response)
    for name in _TARGETED:
        if name in headers and headers[name] != "no-store":
            logger.warning("%s of a personal response was set to no-store; see docs/caching.md.", name)
            headers[name] = "no-store"


def _correct(response: Response) -> None:
    control = response.cache_control
    if control.public or control.s_maxage is not None:
        logger.warning("'public' or 's-maxage' was removed from a personal response; see docs/caching.md.")
        control.public = False
        control.s_maxage = None
    control.private = True
