"""What a sealed value says: its lengths to everybody, who and when to whoever has the password.

The mappings here are what ``inspect --json`` prints; docs/cli.md has their keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import UnsealError
from ..formats import native
from ..sealer import MAX_COOKIE_BYTES, Sealer, Unsealed
from ..session import Session
from ..size import SizeReport
from . import recognising
from .drawing import BAD, DIM, GOOD, NONE, WARN, Line, Pen, budget, facts
from .texts import moment, printable

_TAG = 16
_HEADER, _END, _MOST_ZEROS = 9, 1, 15
"""Bytes in the body that are no payload."""

_REASONS = {
    "fallback": "it was sealed with a former password",
    "format": "it is in an older or a foreign format",
    "name": "it was sealed under a former name",
}


class Finding(NamedTuple):
    """What an inspection brought to light.

    Attributes:
        known: Plain JSON.
        report: Where the bytes of the opened session go.
        failure: Why the value is not one of this format, or did not open.
    """

    known: dict[str, Any]
    report: SizeReport | None = None
    failure: UnsealError | None = None

    def lines(self, now: int, pen: Pen) -> Iterator[Line]:
        """Draw it."""
        yield from _draw_outside(self.known)
        if self.report is not None:
            yield from _draw_inside(self.known["session"], now)
            yield from budget(self.report, pen)


def inspect(sealed: str, name: str, sealer: Sealer | None, passwords: int, *, show_tokens: bool) -> Finding:
    """Inspect a value.

    Args:
        sealed: The value.
        name: The name of its cookie.
        sealer: To open it with; None without a password.
        passwords: How many the sealer has.
        show_tokens: Whether the tokens themselves are part of the finding.
    """
    known = _outside(sealed, name) | {"opened": None, "session": None, "size": None}
    try:
        native.parse(sealed)
        if sealer is None:
            return Finding(known)
        known["opened"] = False
        opened = sealer.unseal(sealed)
    except UnsealError as error:
        return Finding(known, failure=recognising.explained(error, sealed))
    report = sealer.measure(opened.session)
    session = _inside(opened, passwords, show_tokens=show_tokens)
    return Finding({**known, "opened": True, "session": session, "size": report.to_mapping()}, report)


def _outside(sealed: str, name: str) -> dict[str, Any]:
    """Return what can be known without a password."""
    likeness = recognising.recognise(sealed)
    cookie = len(name) + 1 + len(sealed)
    return {
        "format": None,
        "looks_like": likeness.code if likeness else None,
        "name": name,
        "value": len(sealed),
        "cookie": cookie,
        "limit": MAX_COOKIE_BYTES,
        "left": MAX_COOKIE_BYTES - cookie,
        **_envelope(sealed),
    }


def _inside(opened: Unsealed, passwords: int, *, show_tokens: bool) -> dict[str, Any]:
    """Return what an opened value says. Tokens only where they are asked for."""
    session = opened.session
    user, impersonator = session.user or {}, session.impersonator or {}
    return {
        "user_id": user.get("id", session.claims.get("sub")),
        "email": user.get("email", session.claims.get("email")),
        "impersonator": impersonator.get("email"),
        "session_id": session.session_id,
        "subject": session.subject,
        "started_at": opened.started_at,
        "authenticated_at": session.authenticated_at,
        "sealed_at": opened.sealed_at,
        "access_expires_at": session.access_expires_at,
        "session_expires_at": session.session_expires_at,
        "password_index": opened.password_index,
        "passwords": passwords,
        "needs_reseal": opened.needs_reseal,
        "reseal_reasons": list(opened.reseal_reasons),
        "tokens": {label: _token(token, show_tokens) for label, token in _tokens(session)},
    }


def _draw_outside(known: dict[str, Any]) -> Iterator[Line]:
    """Draw what ``_outside`` knows."""
    left = known["left"]
    room = f"{left} left" if left >= 0 else f"{-left} too many"
    rows = [
        ("format", known["format"] or "none that this release reads", NONE if known["format"] else BAD),
        ("value", f"{known['value']} characters", NONE),
        ("cookie", f"{known['cookie']} of {known['limit']} characters, {room}", NONE if left >= 0 else BAD),
    ]
    if known["bytes"] is not None:
        parts, payload = known["bytes"], known["payload_bytes"]
        around = ", ".join(f"{part} {count}" for part, count in parts.items() if part != "ciphertext")
        rows += [
            ("bytes", around, NONE),
            ("ciphertext", f"{parts['ciphertext']} bytes", NONE),
            ("payload", f"{payload['least']} to {payload['most']} bytes; padding hides how many", NONE),
        ]
    return facts("value", rows)


def _draw_inside(known: dict[str, Any], now: int) -> Iterator[Line]:
    """Draw what ``_inside`` knows."""
    who = [("user", known["user_id"]), ("email", known["email"]), ("impersonated by", known["impersonator"])]
    who.append(("session", known["session_id"]))
    yield from facts("who", [(label, printable(str(value)), NONE) for label, value in who if value is not None])
    yield from facts("when", _times(known, now))
    yield from facts("key", _key(known))
    yield from facts("tokens", [_token_row(label, token) for label, token in known["tokens"].items()])


def _envelope(sealed: str) -> dict[str, Any]:
    try:
        salt, commitment, ciphertext_and_tag = native.parse(sealed)
    except UnsealError:
        return {"bytes": None, "payload_bytes": None}
    ciphertext = len(ciphertext_and_tag) - _TAG
    most = ciphertext - _HEADER - _END
    return {
        "format": "native-1",
        "bytes": {
            "version": 1,
            "salt": len(salt),
            "commitment": len(commitment),
            "ciphertext": ciphertext,
            "tag": _TAG,
        },
        "payload_bytes": {"least": max(most - _MOST_ZEROS, 0), "most": most},
    }


def _tokens(session: Session) -> Iterator[tuple[str, str]]:
    yield "access_token", session.access_token
    if session.refresh_token is not None:
        yield "refresh_token", session.refresh_token
    yield from (session.tokens or {}).items()


def _token(token: str, show: bool) -> dict[str, Any]:
    form = "jwt" if token.startswith("eyJ") and token.count(".") == 2 else "opaque"
    return {"form": form, "characters": len(token), "text": token if show else None}


def _token_row(label: str, token: dict[str, Any]) -> tuple[str, str, str]:
    redacted = f"{'a JWT' if token['form'] == 'jwt' else 'opaque'}, {token['characters']} characters"
    return printable(label), redacted if token["text"] is None else printable(token["text"]), DIM


def _times(known: dict[str, Any], now: int) -> Iterator[tuple[str, str, str]]:
    yield "signed in", moment(known["started_at"], now), NONE
    if known["authenticated_at"] is not None:
        yield "identity proved", moment(known["authenticated_at"], now), NONE
    yield "sealed", moment(known["sealed_at"], now), NONE
    for label, key in (("access token", "access_expires_at"), ("session", "session_expires_at")):
        end = known[key]
        if end is not None:
            verb, style = ("ends", GOOD) if end > now else ("ended", WARN)
            yield label, f"{verb} {moment(end, now)}", style


def _key(known: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    index, fallbacks = known["password_index"], known["passwords"] - 1
    yield "opened by", f"fallback {index} of {fallbacks}" if index else "the password", WARN if index else GOOD
    reasons = ", ".join(_REASONS[reason] for reason in known["reseal_reasons"])
    yield "reseal", f"needed: {reasons}" if reasons else "not needed", WARN if reasons else NONE
