"""What a text looks like that is no sealed value: another system's cookie, or something pasted by mistake."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import UnsealError
from ..passwords import PREFIX


class Likeness(NamedTuple):
    """What a text looks like.

    Attributes:
        code: A stable identifier.
        remark: What it seems to be and what to do, as a sentence. It quotes nothing of the text.
    """

    code: str
    remark: str


_IRON = Likeness("iron", "It looks like an iron seal (Fe26.2), as iron-session makes them.")
_FERNET = Likeness("fernet", "It looks like a Fernet token.")
_JWT = Likeness("jwt", "It looks like a JWT: a token itself, not a sealed session.")
_JWE = Likeness("jwe", "It looks like a JWE, an encrypted token of five parts.")
_PASSWORD = Likeness(
    "password",
    "It looks like a password, not a cookie. If it was pasted here by mistake, consider it known and make a new one.",
)
_JSON = Likeness("json", "It looks like JSON. To seal a session use `sealed-session seal`.")
_PAIR = Likeness("cookie", "It looks like a whole cookie. Give the value alone, without name, quotes and attributes.")
_SEVERAL = Likeness("several", "There is white space inside. For several values, one per line, use reseal.")
_ENCODED = Likeness("percent_encoded", "It is percent-encoded. Decode it first.")

_BY_BEGINNING = {"Fe26.": _IRON, "gAAAA": _FERNET, "{": _JSON, "[": _JSON}
_BY_CHARACTER = {"=": _PAIR, ";": _PAIR, '"': _PAIR, "%": _ENCODED}


def recognise(text: str) -> Likeness | None:
    """Say what a text looks like; None when it may be a sealed value, or nothing known."""
    if PREFIX in text:
        return _PASSWORD
    if text.startswith("eyJ"):
        return _JWE if text.count(".") == 4 else _JWT
    for beginning, likeness in _BY_BEGINNING.items():
        if text.startswith(beginning):
            return likeness
    if any(map(str.isspace, text)):
        return _SEVERAL
    return next((likeness for character, likeness in _BY_CHARACTER.items() if character in text), None)


def explained(error: UnsealError, text: str) -> UnsealError:
    """Return the error with a remark on what the text looks like, where that is the explanation."""
    likeness = recognise(text) if error.code == "malformed" else None
    return UnsealError(f"{error} {likeness.remark}", code=error.code) if likeness else error
