"""Seal and unseal sessions: the edge where the clock and the operating system's randomness come in.

From a session through packing.py and formats/native.py to a text, and back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any, Literal, NamedTuple, NoReturn, TypeVar

from . import exact_json, packing, size
from .arguments import MAX_UINT32, check_whole_number, seconds, wrong_type
from .errors import PayloadTypeError, SealError, UnsealError, UsageError
from .exact_json import JsonObject
from .formats import native
from .keyring import KeyRing
from .keys import refuse_to_serialise
from .session import Session
from .size import SealTooLarge, SizeReport

DEFAULT_NAME = "sealed-session"

PURPOSES = ("session", "login-state")
"""Registered in docs/FORMAT.md. A value sealed for one does not open for the other."""

CLOCK_TOLERANCE = 300
"""Seconds that another machine's clock may be ahead of ours. Apart from the leeway for token expiry."""

MAX_COOKIE_BYTES = 4093
"""What every browser keeps of name, ``=`` and value (Safari, the strictest)."""

SIZE_WARN_BYTES = 3500
"""From about here some proxies refuse the response."""

Reason = Literal["fallback", "format", "name"]
"""Why a value should be sealed anew: by a former password, in an older or foreign format, under a former name."""

_NUMBERS = (int, float)
_NONE: tuple[Reason, ...] = ()
_FORMER_NAME: tuple[Reason, ...] = ("name",)

_Error = TypeVar("_Error", SealError, UnsealError)

Clock = Callable[[], float]
UserFields = list[str] | tuple[str, ...] | set[str] | frozenset[str]
Trimmer = Callable[[JsonObject], JsonObject | None]

_NAME_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
"""RFC 6265, section 4.1.1: a cookie-name is a token (RFC 9110, section 5.6.2)."""


class Unsealed(NamedTuple):
    """An opened value.

    Attributes:
        session: The session, exactly as it was sealed.
        started_at: When the person signed in, Unix seconds. Kept over every re-seal.
        sealed_at: When this value was sealed, Unix seconds.
        format: What it was sealed in: ``native-1``.
        password_index: Which password opened it: 0 the current one, 1 the first fallback, and so on.
        reseal_reasons: Why it should be sealed anew; empty when it is as this sealer would seal it.
    """

    session: Session
    started_at: int
    sealed_at: int
    format: str
    password_index: int
    reseal_reasons: tuple[Reason, ...] = ()

    @property
    def needs_reseal(self) -> bool:
        """Whether there is a reason to seal it anew."""
        return bool(self.reseal_reasons)


class Sealer:
    """Seals sessions into cookie values and opens them.

    Immutable and safe to share between threads and across fork. It authenticates and encrypts; it does not stop
    anybody from presenting an old value again, which only a record on the server could.
    """

    __slots__ = (
        "_associated",
        "_clock",
        "_compress",
        "_context",
        "_lifetime",
        "_max_bytes",
        "_name",
        "_purpose",
        "_ring",
        "_trim",
        "_warn_bytes",
    )

    def __init__(
        self,
        ring: KeyRing,
        *,
        name: str = DEFAULT_NAME,
        purpose: str = "session",
        context: bytes = b"",
        absolute_lifetime: float | timedelta | None = None,
        user_fields: UserFields | None = None,
        trimmer: Trimmer | None = None,
        max_bytes: int = MAX_COOKIE_BYTES,
        warn_bytes: int = SIZE_WARN_BYTES,
        compress: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """Check and hold the parameters.

        Args:
            ring: The passwords.
            name: The exact cookie name, prefix included. Values are bound to it.
            purpose: One of ``PURPOSES``. Values are bound to it.
            context: Up to 255 bytes that bind values to a tenant or an environment.
            absolute_lifetime: Seconds, or a timedelta, after ``started_at`` at which a value no longer opens. None: a
                value opens as long as a password of the ring does.
            user_fields: The top-level fields of the user to seal; others are left out, missing ones ignored.
            trimmer: A function from a copy of the user to what is sealed of it (None: nothing); what it raises comes
                through. Not together with user_fields.
            max_bytes: The most that name, ``=`` and value may be, in characters.
            warn_bytes: From here a warning is logged, once per process.
            compress: Whether header, claims and user are deflated. docs/FORMAT.md says what lengths tell.
            clock: Returns Unix seconds. None: ``time.time``, looked up at every call.

        Raises:
            UsageTypeError, UsageError: A parameter of the wrong type or out of its range.
        """
        if not isinstance(ring, KeyRing):
            raise wrong_type("ring", "a KeyRing", ring)
        if purpose not in PURPOSES:
            raise UsageError(
                f"purpose: expected one of {', '.join(PURPOSES)}. To keep values apart use context=b'...'.",
                code="bad_purpose",
            )
        if not isinstance(context, bytes):
            raise wrong_type("context", "bytes", context)
        if len(context) > 255:
            raise UsageError(f"context: {len(context)} bytes; at most 255. Use a hash of it.", code="bad_context")
        self._ring = ring
        self._name = name
        self._purpose = purpose.encode()
        self._context = context
        self._associated = self._associated_data(name)
        self._lifetime = seconds("absolute_lifetime", absolute_lifetime)
        self._trim = _trimmer(user_fields, trimmer)
        check_whole_number("max_bytes", max_bytes)
        check_whole_number("warn_bytes", warn_bytes)
        self._max_bytes = max_bytes
        self._warn_bytes = warn_bytes
        if type(compress) is not bool:
            raise wrong_type("compress", "a bool", compress)
        if clock is not None and not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        self._compress = compress
        self._clock = clock

    @property
    def name(self) -> str:
        """The cookie name."""
        return self._name

    def seal(self, session: Session | Mapping[str, Any], *, started_at: int | None = None) -> str:
        """Seal a session into one cookie value.

        Args:
            session: A session, or a mapping of its values by name.
            started_at: When the person signed in, Unix seconds. None: now.

        Returns:
            A text of A-Z a-z 0-9 - _ that fits into a cookie and that ``unseal`` opens.

        Raises:
            PayloadTypeError: The session holds what JSON does not; the message has the path.
            SealTooLarge: It does not fit; ``report`` says where the bytes go.
            SealError: ``started_at`` is one that no reader would accept (``too_old``, ``from_future``).
            UsageTypeError, UsageError: A wrong argument.
        """
        now = self._now()
        if started_at is None:
            started_at = now
        else:
            check_whole_number("started_at", started_at)
            if started_at > now + CLOCK_TOLERANCE or now - started_at >= self._lifetime:
                raise self._outside(started_at, now, now, SealError)
        values = self._values(session)
        layout = packing.Layout(values)
        stored_as, payload = layout.payload(compress=self._compress)
        body = (stored_as, started_at, now, payload)
        sealed = native.seal(body, self._ring.current, self._associated, os.urandom(native.SALT_BYTES))
        cookie = len(self._name) + 1 + len(sealed)
        if cookie > self._max_bytes or len(sealed) > native.MAX_CHARACTERS or len(layout.joined) > packing.MAX_TEXT:
            raise _too_large(self._measure(values))
        if cookie >= self._warn_bytes:
            _warn_once(self._name, cookie, self._warn_bytes)
        return sealed

    def unseal(self, sealed: str, *, name: str | None = None) -> Unsealed:
        """Open a sealed value. The signature and the expiry of the access token are not looked at.

        Args:
            sealed: The cookie's value.
            name: The name it came under, where that is not this sealer's: a former name.

        Raises:
            UnsealError: It does not open; ``code`` says why. No other error comes from any str.
            UsageTypeError: ``sealed`` is not a str.
        """
        if not isinstance(sealed, str):
            raise wrong_type("sealed", "a str", sealed)
        associated, reasons = self._associated, _NONE
        if name is not None and name != self._name:
            associated, reasons = self._associated_data(name), _FORMER_NAME
        body, position = native.unseal(native.parse(sealed), self._ring.keys, associated)
        if position:
            reasons = ("fallback", *reasons)
        stored_as, started_at, sealed_at, payload = body
        now = self._now()
        latest = now + CLOCK_TOLERANCE
        if started_at > latest or sealed_at > latest or now - started_at >= self._lifetime:
            raise self._outside(started_at, sealed_at, now, UnsealError)
        session = Session._unpacked(packing.parse(stored_as, payload))
        return Unsealed(session, started_at, sealed_at, "native-1", position, reasons)

    def reseal(self, opened: Unsealed, session: Session | Mapping[str, Any] | None = None) -> str:
        """Seal anew what was opened, or its successor, and keep when the person signed in.

        Raises:
            SealError: As ``seal``; ``too_old`` when the lifetime has ended since it was opened.
        """
        if not isinstance(opened, Unsealed):
            raise wrong_type("opened", "what unseal returned", opened)
        return self.seal(opened.session if session is None else session, started_at=opened.started_at)

    def measure(self, session: Session | Mapping[str, Any], *, attributes: str = "") -> SizeReport:
        """Measure the cookie that ``seal`` would make, fitting or not.

        Args:
            session: As for ``seal``.
            attributes: To measure a whole Set-Cookie line, what follows the value: ``Path=/; HttpOnly`` and so on.

        Raises:
            PayloadTypeError, UsageTypeError, UsageError: As ``seal``.
        """
        if not isinstance(attributes, str):
            raise wrong_type("attributes", "a str", attributes)
        return self._measure(self._values(session), attributes)

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        refuse_to_serialise(self)

    def __repr__(self) -> str:
        return f"Sealer({self._ring!r}, name={self._name!r}, purpose={self._purpose.decode()!r})"

    def _measure(self, values: packing.SessionValues, attributes: str = "") -> SizeReport:
        return size.measure(values, self._name, compress=self._compress, limit=self._max_bytes, attributes=attributes)

    def _associated_data(self, name: str) -> bytes:
        if not isinstance(name, str):
            raise wrong_type("name", "a str", name)
        if not is_cookie_name(name):
            raise UsageError(
                "name: not a cookie name; expected 1 to 255 ASCII letters, digits and !#$%&'*+-.^_`|~",
                code="bad_name",
            )
        return native.associated_data(self._purpose, name.encode(), self._context)

    def _values(self, session: Session | Mapping[str, Any]) -> packing.SessionValues:
        if not isinstance(session, Session):  # asked first: it is quicker than asking for a Mapping
            if not isinstance(session, Mapping):
                raise wrong_type("session", "a Session or a mapping", session)
            session = Session.from_mapping(session)
        values = session._values  # as it stands: nothing below changes it
        if self._trim is not None and "user" in values:
            values = session.to_mapping()
            trimmed = self._trim(values["user"])
            if trimmed is None:
                del values["user"]
            elif type(trimmed) is dict:
                values["user"] = trimmed
            else:
                raise PayloadTypeError(f"the trimmer returned {type(trimmed).__name__}, not a dict.", path="user")
        return values

    def _now(self) -> int:
        now = time.time() if self._clock is None else self._clock()
        if type(now) not in _NUMBERS or not 0 <= now <= MAX_UINT32:  # of NaN this holds too
            shown = exact_json.printable(now) if type(now) in _NUMBERS else type(now).__name__
            raise UsageError(f"the clock says {shown}; expected Unix seconds, 1970 to 2106.", code="bad_clock")
        return int(now)

    def _outside(self, started_at: int, sealed_at: int, now: int, error: type[_Error]) -> _Error:
        ahead = max(started_at, sealed_at) - now
        if ahead > CLOCK_TOLERANCE:
            return error(
                f"from {ahead} seconds in the future; {CLOCK_TOLERANCE} are tolerated. Compare the machines' clocks.",
                code="from_future",
            )
        return error(
            f"started {now - started_at} seconds ago; the absolute lifetime is {self._lifetime} seconds.",
            code="too_old",
        )


def seal(session: Session | Mapping[str, Any], password: str, *, name: str = DEFAULT_NAME) -> str:
    """Seal a session with a password: ``Sealer(KeyRing(password), name=name).seal(session)``.

    Raises:
        UsageError, SealError: As ``KeyRing`` and ``Sealer.seal``.
    """
    return Sealer(KeyRing(password), name=name).seal(session)


def unseal(
    sealed: str, password: str, *, name: str = DEFAULT_NAME, fallbacks: list[str] | tuple[str, ...] = ()
) -> Session:
    """Open what ``seal`` made, with the same password (or a former one among the fallbacks) and name.

    Raises:
        UnsealError: It does not open.
        UsageTypeError: ``sealed`` is not a str.
        UsageError: A wrong password, as ``KeyRing``.
    """
    return Sealer(KeyRing(password, fallbacks), name=name).unseal(sealed).session


def is_cookie_name(name: str) -> bool:
    """Return whether a text can name a cookie: a token (RFC 6265, section 4.1.1) of 1 to 255 characters."""
    return 1 <= len(name) <= 255 and _NAME_CHARACTERS.issuperset(name)


_LESS = "ask the provider for less, or keep it on a server"
_ADVICE = {
    "user": "seal less of it; name the fields to keep in user_fields (in Flask, SEALED_SESSION_USER_FIELDS)",
    "extra": "put less into it, or keep it on a server",
}


def _too_large(report: SizeReport) -> SealTooLarge:
    if report.text_bytes > packing.MAX_TEXT:
        problem = f"the session's text has {report.text_bytes} bytes; a reader inflates at most {packing.MAX_TEXT}"
    elif report.left < 0:
        problem = (
            f"the cookie {report.name!r} would have {report.cookie} characters; at most {report.limit} are allowed"
        )
    else:
        problem = f"the sealed value would have {report.value} characters; a reader takes {native.MAX_CHARACTERS}"
    values = [part for part in report.parts if part.label not in ("name", "overhead")]
    largest = max(values, key=lambda part: part.characters)
    advice = f"Most of it is {largest.label} ({largest.characters}): {_ADVICE.get(largest.label, _LESS)}"
    return SealTooLarge(f"{problem}. {advice}.\n{report}", report)


_warned = False


def _warn_once(name: str, cookie: int, level: int) -> None:
    global _warned
    if _warned:
        return
    _warned = True
    import logging  # rare, and it would cost every import of the package

    logging.getLogger("sealed_session").warning(
        "the cookie %r has %d characters, at or over the warning level of %d; some proxies refuse such responses. "
        "Sealer.measure() says where they go; in Flask, auth.measure(). Said once per process.",
        name,
        cookie,
        level,
    )


def _trimmer(user_fields: Any, trimmer: Trimmer | None) -> Trimmer | None:
    if user_fields is None:
        if trimmer is not None and not callable(trimmer):
            raise wrong_type("trimmer", "a function", trimmer)
        return trimmer and (lambda user: trimmer(deepcopy(user)))  # it may change what it gets, down to the last list
    if trimmer is not None:
        raise UsageError("user_fields and trimmer: give one of them.", code="two_trimmers")
    if not isinstance(user_fields, list | tuple | set | frozenset) or not all(
        type(name) is str for name in user_fields
    ):
        raise wrong_type("user_fields", "a list of str", user_fields)
    kept = frozenset(user_fields)
    return lambda user: {name: value for name, value in user.items() if name in kept}
