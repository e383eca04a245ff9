"""Cache headers: what is personal stays out of every cache, and what is not stays as it was (RFC 9111)."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug import Response
from werkzeug.datastructures import ResponseCacheControl

_TARGETED = {
    "cdn-cache-control": ("CDN-Cache-Control", "no-store"),
    "surrogate-control": ("Surrogate-Control", "no-store"),
    "cloudflare-cdn-cache-control": ("Cloudflare-CDN-Cache-Control", "no-store"),
    "vercel-cdn-cache-control": ("Vercel-CDN-Cache-Control", "no-store"),
    "edge-control": ("Edge-Control", "no-store"),
    "x-accel-expires": ("X-Accel-Expires", "0"),
}
"""Headers that shared caches obey in place of Cache-Control (RFC 9213, and nginx's own), and what keeps them out."""

_PRIVATE = "private, no-store"

Warn = Callable[..., None]


def mark(response: Response, *, looked_at: str, personal: bool, no_store: bool, warn: Warn) -> None:
    """Say on which headers an answer depends, and keep it out of caches if it is personal. May be called again.

    Vary is merged into what is there (RFC 9110, section 12.5.5). Where the view decided about Cache-Control itself,
    its word counts for the browser, and shared caches are kept out.

    Args:
        response: The answer.
        looked_at: The request's headers in which a session was looked for, as Vary lists them.
        personal: Whether it is somebody's.
        no_store: Whether not even the browser may keep it, whatever the view said.
        warn: Logs a warning, once for each message.
    """
    headers = response.headers
    present: dict[str, str] = {}
    for name, value in headers:  # once: every look into the headers goes through all of them
        lower = name.lower()
        present[lower] = f"{present[lower]}, {value}" if lower in present else value
    vary = present.get("vary")
    if vary is None:
        headers.add("Vary", looked_at)
    elif vary != looked_at:
        there = {field.strip().lower() for field in vary.split(",")}
        missing = [] if "*" in there else [name for name in looked_at.split(", ") if name.lower() not in there]
        if missing:
            headers["Vary"] = ", ".join([vary, *missing])
    if personal:
        _keep_private(response, present, no_store, warn)


def _keep_private(response: Response, present: dict[str, str], no_store: bool, warn: Warn) -> None:
    control = present.get("cache-control")
    if control is None:
        response.headers.add("Cache-Control", _PRIVATE)
    elif control != _PRIVATE:
        response.headers["Cache-Control"] = control  # of several lines one
        _correct(response.cache_control, no_store, warn)
    for name in present.keys() & _TARGETED.keys():
        header, kept_out = _TARGETED[name]
        if present[name] != kept_out:
            warn("a header of a personal response was set to keep it out of shared caches: %s. See caching.md.", header)
            response.headers[header] = kept_out


def _correct(control: ResponseCacheControl, no_store: bool, warn: Warn) -> None:
    if no_store:
        control.no_store = True
    if control.public or control.s_maxage is not None:
        warn("'public' or 's-maxage' was removed from a personal response. See caching.md.")
        control.public = False
        control.s_maxage = None
    if not control.no_store:
        control.private = True
