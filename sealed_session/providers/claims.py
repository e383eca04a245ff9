"""How a token that came from outside, in a cookie of somebody's JavaScript or a header, becomes a session.

    token, verified by the caller ─▶ Claims.session ─▶ Session: user, session id, the session's end

What a token does not say, or says as something else than expected, is left out: a token that verifies is never refused
for what is beside the point. Nothing here verifies anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from .. import encoding
from ..arguments import wrong_type
from ..exact_json import JsonObject
from ..packing import MAX_TIME
from ..session import Session
from .grant import text_in

Path = str | tuple[str, ...]
"""Where a value stands: a name, whatever characters it has, or the names on the way down to it."""

ABSENT = "absent"
"""The access token of a session for which none came. Not one that anybody could use; see ``Claims.session``."""

_ID_BYTES = 16
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Which claim of a provider's access tokens is what. Immutable and safe to share between threads.

    Attributes:
        user: Fields of the user, and the claims that they are. Only texts are taken.
        session_id: The provider's id of the session, where that is another claim than ``sid``.
        started: When the person signed in, the first of these that is there: Unix seconds, or text of RFC 3339. Not
            ``iat``, which every renewal makes anew.
        session_expires_at: When the provider ends the session, written likewise.

    Raises:
        UsageTypeError: Something else.
    """

    user: Mapping[str, Path] = field(default_factory=lambda: {"id": "sub", "email": "email", "name": "name"})
    session_id: Path | None = None
    started: tuple[Path, ...] = ("auth_time",)
    session_expires_at: Path | None = None

    def __post_init__(self) -> None:
        user: Any = self.user
        if not isinstance(user, Mapping) or not all(type(name) is str for name in user):
            raise wrong_type("user", "a mapping of fields to claims", user)
        if type(self.started) is not tuple:
            raise wrong_type("started", "a tuple of claims", self.started)
        for path in (*self.user.values(), *self.started):
            check_path("a claim", path)
        for name, where in (("session_id", self.session_id), ("session_expires_at", self.session_expires_at)):
            if where is not None:
                check_path(name, where)

    def session(self, access_token: str | None, refresh_token: str | None = None) -> Session:
        """Return the session that tokens from outside make.

        Args:
            access_token: Verified; good, or expired. None, or empty, where only a refresh token came.
            refresh_token: What came beside it. An empty one is none, and so is one that is no Unicode text.

        Returns:
            Without an access token a session that has the text ``ABSENT`` in its place, which ended in 1970: it is
            renewed before anybody is signed in by it. The refresh token does not stand there, for it may be anything,
            also a JSON Web Token that somebody made up, and its claims and its ``exp`` would be believed.

        Raises:
            UsageError: Neither of the two (``empty_token``).
        """
        refresh_token = text_in({"it": refresh_token}, "it")
        if not access_token and refresh_token:
            return Session(ABSENT, refresh_token, access_expires_at=0)
        return self.complete(Session(access_token or "", refresh_token))

    def complete(self, session: Session) -> Session:
        """Return a session with what its access token says of what it does not say itself.

        For what came without an access token, once it has been renewed.
        """
        found = {
            "user": self._user(session.claims) or None,
            "session_id": self._session_id(session.claims),
            "session_expires_at": self._session_expires_at(session.claims),
        }
        values = {name: value for name, value in found.items() if value is not None and getattr(session, name) is None}
        return session.replace(**values) if values else session

    def started_at(self, session: Session) -> int | None:
        """Return when the person signed in, Unix seconds; None where the token does not say."""
        for path in self.started:
            seconds = unix_seconds(at(session.claims, path))
            if seconds is not None:
                return seconds
        return None

    def _user(self, claims: JsonObject) -> JsonObject:
        found = {name: text_at(claims, path) for name, path in self.user.items()}
        return {name: text for name, text in found.items() if text is not None}

    def _session_id(self, claims: JsonObject) -> str | None:
        """Return an id for our records, made of the provider's.

        A session takes base64url text of at most 64 bytes, to store it as those. Vendors write what they like, with a
        prefix mostly, so that it is hashed: the same for everybody, of a fixed length, and telling nothing.
        """
        theirs = None if self.session_id is None else text_at(claims, self.session_id)
        return None if theirs is None else encoding.encode(sha256(theirs.encode()).digest()[:_ID_BYTES])

    def _session_expires_at(self, claims: JsonObject) -> int | None:
        return None if self.session_expires_at is None else unix_seconds(at(claims, self.session_expires_at))


def check_path(name: str, path: Any) -> None:
    """Refuse what is no path.

    Raises:
        UsageTypeError: Neither a name nor a tuple of names.
    """
    steps = (path,) if type(path) is str else path
    if type(steps) is not tuple or not steps or not all(type(step) is str and step for step in steps):
        raise wrong_type(name, "a name, or a tuple of the names on the way to it", path)


def at(values: Mapping[str, Any], path: Path) -> Any:
    """Return what stands at a path; None where nothing does."""
    found: Any = values
    for step in (path,) if isinstance(path, str) else path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def text_at(values: Mapping[str, Any], path: Path) -> str | None:
    """Return the text at a path; None where there is none, and for what is no Unicode text."""
    return text_in({"it": at(values, path)}, "it")


def unix_seconds(value: Any) -> int | None:
    """Return whole Unix seconds from 1970 to 9999 of a number of them, or of a text by RFC 3339; None for all else."""
    if type(value) is str:
        value = _timestamp(value)
    if (type(value) is not int and type(value) is not float) or not 0 <= value <= MAX_TIME:
        return None
    return int(value)


def _timestamp(text: str) -> float | None:
    """Return Unix seconds, by RFC 3339, section 5.6: with an offset, for without one it is nobody's time."""
    if _RFC_3339.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:  # the 30th of February, a leap second
        return None


DEFAULT = Claims()
"""The claims of OpenID Connect."""
