"""Cache headers: what is personal stays out of every cache, and what is not stays as it was (RFC 9111)."""

from __future__ import annotations

from werkzeug import Response
from werkzeug.datastructures import ResponseCacheControl

from .signals import logger

_TARGETED = {
    name.lower(): name
    for name in ("CDN-Cache-Control", "Surrogate-Control", "Cloudflare-CDN-Cache-Control", "Vercel-CDN-Cache-Control")
}
"""Headers that content delivery networks obey in place of Cache-Control (RFC 9213)."""

_PRIVATE = "private, no-store"


def mark(response: Response, *, personal: bool) -> None:
    """Say that an answer depends on the cookie, and keep it out of caches if it is personal. May be called again.

    Vary is merged into what is there (RFC 9110, section 12.5.5). Where the view decided about Cache-Control itself,
    its word counts for the browser, and shared caches are kept out.
    """
    headers = response.headers
    present = {
        name.lower(): value for name, value in headers
    }  # once: every look into the headers goes through them all
    vary = present.get("vary")
    if vary is None:
        headers.add("Vary", "Cookie")
    elif vary != "Cookie" and "*" not in response.vary:
        response.vary.add("Cookie")
    if personal:
        _keep_private(response, present)


def _keep_private(response: Response, present: dict[str, str]) -> None:
    control = present.get("cache-control")
    if control is None:
        response.headers.add("Cache-Control", _PRIVATE)
    elif control != _PRIVATE and not response.cache_control.no_store:
        _correct(response.cache_control)
    for name in present.keys() & _TARGETED.keys():
        if present[name] != "no-store":
            logger.warning("%s of a personal response was set to no-store; see docs/caching.md.", _TARGETED[name])
            response.headers[_TARGETED[name]] = "no-store"


def _correct(control: ResponseCacheControl) -> None:
    if control.public or control.s_maxage is not None:
        logger.warning("'public' or 's-maxage' was removed from a personal response; see docs/caching.md.")
        control.public = False
        control.s_maxage = None
    control.private = True
