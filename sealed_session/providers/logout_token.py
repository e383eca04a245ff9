"""The logout token: a provider's word, from server to server, that a session or all of a person's are over.

Whether one was used before is for whoever remembers: ``Logout.token_id``, for ``REMEMBER_FOR`` seconds.

Source: OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LogoutRefused
from ..exact_json import JsonObject
from .grant import text_in
from .id_token import session_id_of
from .sign_in import AHEAD, LEEWAY
from .signed import Refused, Signed, describe

EVENT = "http://schemas.openid.net/event/backchannel-logout"

MOST_AGE = 300
"""Seconds since ``iat``. Providers send them at once; some try again for a while."""

REMEMBER_FOR = MOST_AGE + LEEWAY + AHEAD
"""Seconds after which a token that was good is refused for its age: for so long it could come again."""

_KINDS = frozenset({"logout+jwt", "jwt"})
_NEEDS = ("jti", "events")


@dataclass(frozen=True, slots=True)
class Logout:
    """What a logout token says.

    Attributes:
        sid: The provider's id of the session that is over; None: every session of the person.
        sub: The person; None where only the session is named.
        issued_at: When the provider said so, Unix seconds.
        token_id: The token's own name, ``jti``.
    """

    sid: str | None
    sub: str | None
    issued_at: int
    token_id: str

    @property
    def session_ids(self) -> tuple[str, ...]:
        """What ``Session.session_id`` is of the session that is over: its ``sid``, or what is kept instead of it."""
        return () if self.sid is None else tuple(dict.fromkeys((self.sid, session_id_of(self.sid))))


def read(signed: Signed, token: str, *, deadline: float) -> Logout:
    """Return what a logout token says.

    Args:
        signed: Reads the issuer's tokens.
        token: From outside.
        deadline: As for ``Signed.read``.

    Raises:
        LogoutRefused: It is not the provider's, not for us, not a logout token, or too old.
        ProviderUnavailable: The keys cannot be had.
    """
    try:
        claims = signed.read(token, kinds=_KINDS, needs=_NEEDS, deadline=deadline).claims
        if claims["iat"] + MOST_AGE + LEEWAY <= signed.now():
            raise Refused("too_old")
        return _judge(claims)
    except Refused as refused:
        finding = refused.finding
    raise LogoutRefused(f"the logout token is refused: {describe(finding)}", detail=finding)


def _judge(claims: JsonObject) -> Logout:
    events = claims["events"]
    if type(events) is not dict or type(events.get(EVENT)) is not dict:
        raise Refused("wrong_event")
    if "nonce" in claims:  # an ID token is no logout token, whatever else it says
        raise Refused("has_nonce")
    sid, sub, token_id = (text_in(claims, name) for name in ("sid", "sub", "jti"))
    is_odd = any(claims.get(name) is not None and text_in(claims, name) is None for name in ("sid", "sub", "jti"))
    if is_odd or token_id is None:
        raise Refused("bad_claim")
    if sid is None and sub is None:
        raise Refused("missing_claim")
    return Logout(sid, sub, claims["iat"], token_id)
