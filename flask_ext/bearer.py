"""The header ``Authorization: Bearer`` as a transport: for callers that keep no cookies.

Its token is verified at every request, and is all that there is: nothing is renewed for it, and nothing written.

Source: RFC 6750, sections 2.1 and 3.
"""

from __future__ import annotations

import re

from werkzeug import Request

from sealed_session.providers.claims import Claims
from sealed_session.reasons import Reason
from sealed_session.verifier import Verdict

from .carried import Carried
from .state import AppState

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # b64token

_REASONS = {
    Verdict.EXPIRED: Reason.EXPIRED,
    Verdict.INVALID: Reason.INVALID,
    Verdict.UNAVAILABLE: Reason.UNAVAILABLE,
}


class BearerTransport:
    """Reads the header."""

    def __init__(self, claims: Claims) -> None:
        """Hold how the provider's claims are read."""
        self._claims = claims

    def look(self, app: AppState, request: Request) -> Carried:
        """Verify the token, if one came."""
        carried, token = BearerCarried(), token_of(request)
        if token is None:
            return carried
        verdict = app.verifying.weigh(token)[0] if _TOKEN.fullmatch(token) else Verdict.INVALID
        carried.reason = _REASONS.get(verdict)
        if verdict is Verdict.VALID:
            session = self._claims.session(token)
            carried.session = session
            started_at, issued_at = self._claims.started_at(session), session.claims.get("iat")
            carried.is_dated = started_at is not None
            carried.started_at = started_at or (issued_at if type(issued_at) is int else 0)
        return carried


class BearerCarried(Carried):
    """The header of one request."""

    looks_at = "Authorization"
    what = "a bearer token"

    @property
    def is_ours(self) -> bool:
        """No: it is the caller's."""
        return False

    @property
    def can_renew(self) -> bool:
        """No: the caller would never learn of new tokens."""
        return False

    @property
    def keeps_cookies(self) -> bool:
        """No; nothing is written for such a caller."""
        return False


def token_of(request: Request) -> str | None:
    """Return the credentials of the header; None where there are none of this scheme, whose case does not count."""
    header = request.environ.get("HTTP_AUTHORIZATION", "").strip(" \t").replace("\t", " ")
    scheme, _, token = header.partition(" ")
    return token.strip(" \t") if scheme.lower() == "bearer" else None
