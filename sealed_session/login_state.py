"""The state of a sign-in in progress, in a cookie of its own: sealed in the native format, purpose ``login-state``.

What a provider has to be shown at the end of a sign-in is known to the browser alone that began it, and to it only
sealed. The payload is JSON, stored as it is: ``{"attempt": {...}, "next": "/path"}``. The envelope is that of
docs/FORMAT.md; its context is a hash of whose sign-in it is, so that no other provider is ever shown what is in it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from . import exact_json
from .errors import UnsealError
from .exact_json import JsonObject
from .formats import native
from .keyring import KeyRing
from .sealer import CLOCK_TOLERANCE

LIFETIME = 600
"""Seconds for which somebody may be at the provider's pages."""

_PURPOSE = b"login-state"
_STORED = 0


@dataclass(frozen=True, slots=True)
class LoginState:
    """What is kept of a sign-in until its callback comes.

    Attributes:
        attempt: What the provider wants back, plain JSON. Holds secrets: not in the repr.
        target: Where to go then.
        began_at: Unix seconds.
    """

    attempt: JsonObject = field(repr=False)
    target: str
    began_at: int


class LoginStateSealer:
    """Seals the states of sign-ins and opens them. Immutable, and safe to share between threads."""

    def __init__(self, ring: KeyRing, *, clock: Callable[[], float] | None = None) -> None:
        """Hold the parameters.

        Args:
            ring: The passwords: those of the session.
            clock: Returns Unix seconds. None: ``time.time``, looked up at every call.
        """
        self._ring = ring
        self._clock = clock

    def seal(self, name: str, attempt: JsonObject, target: str, *, identity: str) -> str:
        """Seal a state that begins now.

        Args:
            name: Of the cookie, to which the value is bound.
            identity: Of the provider, likewise: issuer and client id.
            attempt: What the provider wants back.
            target: Where to go then.

        Raises:
            PayloadTypeError: What the provider wants back is not plain JSON.
        """
        now = self._now()
        payload = exact_json.dumps({"attempt": attempt, "next": target}, "login state")
        body = (_STORED, now, now, payload)
        return native.seal(body, self._ring.current, _associated(name, identity), os.urandom(native.SALT_BYTES))

    def unseal(self, name: str, sealed: str, *, identity: str) -> LoginState:
        """Open a state.

        Args:
            name: Of the cookie that it came in.
            sealed: The cookie's value.
            identity: Of the provider.

        Raises:
            UnsealError: It does not open, or it is past its lifetime (``too_old``).
        """
        associated = _associated(name, identity)
        (packing, began_at, _, payload), _ = native.unseal(native.parse(sealed), self._ring.keys, associated)
        age = self._now() - began_at
        if age >= LIFETIME:
            raise UnsealError(f"the sign-in began {age} seconds ago; it may take {LIFETIME}.", code="too_old")
        if age < -CLOCK_TOLERANCE:
            raise UnsealError(f"from {-age} seconds in the future. Compare the machines' clocks.", code="from_future")
        return _read(packing, payload, began_at)

    def _now(self) -> int:
        return int(time.time() if self._clock is None else self._clock())

    def __repr__(self) -> str:
        return f"LoginStateSealer({self._ring!r})"


def _associated(name: str, identity: str) -> bytes:
    whose = sha256(identity.encode("utf-8", "surrogatepass")).digest()  # a context has at most 255 bytes
    return native.associated_data(_PURPOSE, name.encode(), whose)


def _read(packing: int, payload: bytes, began_at: int) -> LoginState:
    try:
        values = exact_json.loads(payload) if packing == _STORED else {}
    except ValueError:
        values = {}  # leave the block first, so that no context hangs on to the payload
    attempt, target = values.get("attempt"), values.get("next")
    if type(attempt) is not dict or type(target) is not str:
        raise UnsealError("authentic, but no state of a sign-in that this release knows.", code="payload")
    return LoginState(attempt, target, began_at)
