"""From a request's Cookie header to the session it carries. Nothing that a browser sends raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from werkzeug import Request

from sealed_session import Sealer, Unsealed, UnsealError
from sealed_session.counters import Counters
from sealed_session.reasons import Reason, reason_of

from .state import AppState, host_of

MAX_HEADER = 65_536
"""Characters of a Cookie header that are looked at. No server that is set up sensibly lets as much through."""


class Found(NamedTuple):
    """What the cookies carried.

    Attributes:
        opened: The session; None where none opened.
        reason: Why none opened.
        leftovers: Whether there is more of ours than the one cookie there should be: a former name, or the same name
            under another Domain. Of several beside a foreign one none can be singled out, so that is left alone.
        foreign: Whether there are values under our names that do not open. They may be another deployment's.
    """

    opened: Unsealed | None
    reason: Reason | None
    leftovers: bool = False
    foreign: bool = False


_SPACE = " \t"
"""What stands around a cookie (RFC 6265, section 5.2). Python strips more, U+00A0 for one, and so would take another
host's cookie for one of a protected name such as ``__Host-session``."""

CLEAN_UP_EVERY = 3600
"""Seconds between two attempts to be rid of a second cookie of ours. Some cannot be reached from every page."""


def of_request(app: AppState, request: Request) -> Found:
    """Read the cookies of a request."""
    cookie = app.config.cookie
    if cookie.domain is not None and not cookie.covers(host_of(request)):
        app.warn_once(
            "a request came for the host %r, which the cookie's Domain %r does not cover: no browser will keep a "
            "cookie that is set there.",
            host_of(request),
            cookie.domain,
        )
    header = request.environ.get("HTTP_COOKIE", "")
    return read(header, app.sealer, cookie.previous_names, now=app.now(), counters=app.counters)


_MISSING = Found(None, Reason.MISSING)
_TOO_LONG = Found(None, Reason.UNREADABLE, foreign=True)

_TELLING = (Reason.TOO_OLD, Reason.UNKNOWN_KEY, Reason.UNSUPPORTED, Reason.UNREADABLE)
"""Of several reasons the first of these is told."""


def read(
    header: str,
    sealer: Sealer,
    previous_names: Sequence[str] = (),
    *,
    now: float = 0,
    counters: Counters | None = None,
) -> Found:
    """Try every cookie of our names; of those that open, take the newest.

    The current name goes before former ones. Two values of one name are two cookies with different Domain or Path.

    Args:
        header: The request's Cookie header. Read here and not by Werkzeug, which would first take all of it apart.
        sealer: Opens the values.
        previous_names: Former names.
        now: Unix seconds.
        counters: Where it is counted what opened, and by which password. None: nowhere.
    """
    if len(header) > MAX_HEADER:
        return _TOO_LONG
    values = pairs_of(header, (sealer.name, *previous_names))
    if not values:
        return _MISSING
    opened: list[Unsealed] = []
    reasons: set[Reason] = set()
    for name, value in values:
        try:
            found = sealer.unseal(value, name=name)
        except UnsealError as error:
            reason = reason_of(error.code)
            reasons.add(reason)
            if counters is not None:
                counters.add("unseals", reason.value, "none")
        else:
            opened.append(found)
            if counters is not None:
                counters.add("unseals", "opened", str(found.password_index))
    if not opened:
        return Found(None, next(filter(reasons.__contains__, _TELLING)), foreign=True)
    best = opened[0] if len(opened) == 1 else max(opened, key=_rank)
    several = len(opened) > 1 and not reasons and now - best.sealed_at >= CLEAN_UP_EVERY
    return Found(best, None, several or "name" in best.reseal_reasons, bool(reasons))


def pairs_of(header: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the cookies of some names, in the header's order, duplicates too; values as they were written."""
    return [
        (name, value)
        for name, _, value in (pair.strip(_SPACE).partition("=") for pair in header.split(";"))
        if name in names
    ]


def _rank(opened: Unsealed) -> tuple[bool, int]:
    return "name" not in opened.reseal_reasons, opened.sealed_at
