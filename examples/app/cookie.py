"""A look into the session's cookie: where its characters go, and what the same session takes elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import request

from flask_ext import SealedSession
from sealed_session import Session, SizePart, SizeReport, peer_sizes


@dataclass(frozen=True)
class Look:
    """What the cookie comes to.

    Attributes:
        report: Where the characters go.
        attributes: What follows the value in the Set-Cookie line.
        elsewhere: What the same session takes in other formats.
    """

    report: SizeReport
    attributes: list[str]
    elsewhere: tuple[SizePart, ...]


def look(auth: SealedSession) -> Look:
    """Measure the session of this request. Only for views under ``login_required``: there is one."""
    report = auth.measure()
    values, name = cast(Session, auth.session).to_mapping(), len(report.name) + 1
    return Look(
        report,
        auth.cookie.attributes(request.scheme, request.host).split("; "),
        (
            SizePart("Fernet", name + peer_sizes.fernet_characters(values)),
            SizePart("iron-session", name + peer_sizes.iron_characters(values)),
        ),
    )
