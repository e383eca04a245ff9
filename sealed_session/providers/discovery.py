"""Where an issuer's endpoints are, by its own metadata. Asked for at the first use, and kept.

One asks at a time, and the others wait for it. While an issuer hangs nobody waits anew for what others have just waited
for in vain.

Source: OpenID Connect Discovery 1.0, section 4; RFC 8414, section 3.
"""

from __future__ import annotations

from math import inf
from threading import Lock
from time import monotonic
from urllib.parse import urlsplit, urlunsplit

from .. import forks
from ..errors import ProviderUnavailable
from ..exact_json import JsonObject
from .complaint import Complaint
from .grant import text_in
from .http import Client, check_url, is_sound_url

RETRY_AFTER = 5
"""Seconds in which an issuer that hung is not asked again, by those who would wait no longer than was waited then."""

_SLOW = 1.0
"""Seconds from which on a failure has cost somebody's time. Others are no reason not to ask again at once."""

_ALIKE = 0.5
"""Seconds by which two may have been ready to wait as long as each other."""


class Discovery:
    """The metadata of one issuer. Safe to share between threads and across a fork."""

    def __init__(self, issuer: str, client: Client) -> None:
        """Ask nobody yet.

        Raises:
            UsageTypeError, UsageError: The issuer is not an https URL.
        """
        self.issuer = check_url("issuer", issuer)
        self._client = client
        self._complaint = Complaint()
        self._known: JsonObject | None = None
        self._failed_at, self._waited = -inf, 0.0
        self.after_fork_in_child()
        forks.tell(self)

    def metadata(self, deadline: float) -> JsonObject:
        """Return the metadata. They have the issuer's name, and a ``token_endpoint`` that tokens may be sent to.

        Args:
            deadline: By which to be back, as ``time.monotonic`` tells it. Who finds somebody asking counts from when
                that has begun.

        Raises:
            ProviderUnavailable: There are none, or not this issuer's; ``sent`` is False.
        """
        if self._known is None:
            patience = deadline - monotonic()
            self._refuse_soon(patience)
            if not self._turn.acquire(timeout=max(0.0, min(self._asked_at + patience, deadline) - monotonic())):
                raise self._unavailable("are being asked for, and do not come")
            try:
                return self._in_turn(deadline, patience)
            finally:
                self._turn.release()
        return self._known

    def _in_turn(self, deadline: float, patience: float) -> JsonObject:
        """Ask, where nobody has done so meanwhile."""
        if self._known is None:
            self._refuse_soon(patience)
            self._asked_at = began = monotonic()
            try:
                self._known = self._ask(deadline)
            except ProviderUnavailable:
                now = monotonic()
                if now - began >= _SLOW:
                    self._failed_at, self._waited = now, deadline - began
                raise
            finally:
                self._asked_at = inf
        return self._known

    def _refuse_soon(self, patience: float) -> None:
        """Refuse whoever would wait for what has just been waited for in vain."""
        left = self._failed_at + RETRY_AFTER - monotonic()
        if left > 0 and patience <= self._waited + _ALIKE:
            raise self._unavailable("could not be had a moment ago", retry_after=left)

    def _ask(self, deadline: float) -> JsonObject:
        for url in places(self.issuer):
            answer = self._client.get(url, deadline=deadline)
            body = answer.json() if answer.status == 200 else None
            if body is not None:
                return self._checked(body)
            if answer.status != 404:  # the other place is for those who have nothing here
                break
        raise ProviderUnavailable(
            f"{answer.host}: no metadata of the issuer (HTTP {answer.status}).",
            retry_after=answer.retry_after,
            sent=False,
        )

    def _checked(self, body: JsonObject) -> JsonObject:
        """Refuse the metadata of another issuer, who could have our tokens sent to himself (RFC 8414, section 3.3)."""
        if body.get("issuer") == self.issuer and is_sound_url(text_in(body, "token_endpoint") or ""):
            return body
        what = (
            "another issuer's (`flask sealed-session check --provider` tells whose)"
            if body.get("issuer") != self.issuer
            else "without an https token_endpoint"
        )
        host = urlsplit(self.issuer).hostname
        self._complaint.say(f"{host}: the metadata of the issuer are {what}; no session is renewed, and none is ended.")
        raise self._unavailable(f"are {what}")

    def _unavailable(self, what: str, retry_after: float | None = None) -> ProviderUnavailable:
        host = urlsplit(self.issuer).hostname
        return ProviderUnavailable(f"{host}: the metadata of the issuer {what}.", retry_after=retry_after, sent=False)

    def before_fork(self) -> None:
        """Do nothing: what is known is everybody's."""

    def after_fork_in_parent(self) -> None:
        """Do nothing."""

    def after_fork_in_child(self) -> None:
        """Let nobody wait for a thread that stayed in the parent."""
        self._turn = Lock()
        self._asked_at = inf


def places(issuer: str) -> list[str]:
    """Return where metadata are: OpenID Connect puts the well-known path behind the issuer's, RFC 8414 before it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return [
        urlunsplit((parts.scheme, parts.netloc, place, "", ""))
        for place in (f"{path}/.well-known/openid-configuration", f"/.well-known/oauth-authorization-server{path}")
    ]
