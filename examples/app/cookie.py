"""A look into the cookie that a request brought, as the core opens and measures it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request

from sealed_session import KeyRing, Sealer, SizePart, SizeReport, Unsealed, peer_sizes
from sealed_session.cookie import CookiePolicy

from .outside import clock


@dataclass(frozen=True)
class Look:
    """What is in a cookie.

    Attributes:
        opened: The session, with which password opened it.
        report: Where the characters go.
        elsewhere: What the same session takes in other formats.
        attributes: What follows the value in the Set-Cookie line.
    """

    opened: Unsealed
    report: SizeReport
    elsewhere: tuple[SizePart, ...]
    attributes: str


def look() -> Look:
    """Open and measure the cookie of this request. Only for views under ``login_required``: there it opens."""
    sealer = _sealer()
    opened = sealer.unseal(request.cookies[sealer.name])
    attributes = CookiePolicy().attributes(request.scheme, request.host)
    report = sealer.measure(opened.session, attributes=attributes)
    return Look(opened, report, _elsewhere(opened, len(sealer.name) + 1), attributes)


def _sealer() -> Sealer:
    """Make a sealer of the settings that the extension has."""
    ring = KeyRing(
        current_app.config["SEALED_SESSION_PASSWORD"], current_app.config["SEALED_SESSION_PASSWORD_FALLBACKS"]
    )
    return Sealer(ring, clock=clock)


def _elsewhere(opened: Unsealed, name: int) -> tuple[SizePart, ...]:
    values = opened.session.to_mapping()
    return (
        SizePart("Fernet", name + peer_sizes.fernet_characters(values)),
        SizePart("iron-session", name + peer_sizes.iron_characters(values)),
    )
