"""One-time codes: the browser carries them, and only the application that has begun can exchange them.

Source: RFC 6749, sections 4.1.2 and 4.1.3; RFC 7636, section 4.6.
"""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock

from .authorizing import Asked
from .client import Refusal
from .grants import Grants, new_sid
from .keeping import keep
from .visitors import Visitor

LIFETIME = 60
"""Seconds."""

_MOST = 1000


@dataclass(frozen=True)
class Code:
    """What a code stands for.

    Attributes:
        asked: The request that it answers.
        visitor: Who has signed in.
        sid: Of the session that will come of it.
        made_at: Unix seconds.
    """

    asked: Asked
    visitor: Visitor
    sid: str = field(default_factory=new_sid)
    made_at: float = field(default_factory=lambda: time.time())


class Codes:
    """Hands codes out, and takes each of them once. Safe to share between threads."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._good: dict[str, Code] = {}
        self._used: dict[str, str] = {}  # and what came of it
        self._lock = Lock()

    def issue(self, asked: Asked, visitor: Visitor) -> str:
        """Return a new code."""
        value = secrets.token_urlsafe(24)
        with self._lock:
            keep(self._good, value, Code(asked, visitor), _MOST)
        return value

    def redeem(self, value: str, verifier: str) -> Code:
        """Take a code: also one that comes with the wrong verifier is used up.

        Raises:
            Refusal: It was used before, and what came of it is ended; it is too old, or somebody else has begun.
        """
        with self._lock:
            code = self._good.pop(value, None)
            if code is not None:
                keep(self._used, value, code.sid, _MOST)
        if code is None:
            if value in self._used:
                self._grants.end(self._used[value], "Refused a used code, and ended the session that came of it.")
            raise Refusal("invalid_grant")
        is_theirs = secrets.compare_digest(challenge_of(verifier), code.asked.challenge)
        if not is_theirs or time.time() - code.made_at > LIFETIME:
            raise Refusal("invalid_grant")
        return code


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
