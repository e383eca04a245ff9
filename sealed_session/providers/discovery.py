"""Where an issuer's endpoints are, by its own metadata. Asked for at the first use, and kept.

Source: OpenID Connect Discovery 1.0, section 4; RFC 8414, section 3.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from ..errors import ProviderUnavailable
from ..exact_json import JsonObject
from .complaint import Complaint
from .grant import text_in
from .http import Client, check_url, is_sound_url


class Discovery:
    """The metadata of one issuer. Safe to share between threads: two that ask at once read the same."""

    def __init__(self, issuer: str, client: Client) -> None:
        """Ask nobody yet.

        Raises:
            UsageTypeError, UsageError: The issuer is not an https URL.
        """
        self.issuer = check_url("issuer", issuer)
        self._client = client
        self._complaint = Complaint()
        self._known: JsonObject | None = None

    def metadata(self, deadline: float) -> JsonObject:
        """Return the metadata. They have the issuer's name, and a ``token_endpoint`` that tokens may be sent to.

        Args:
            deadline: By which to be back, as ``time.monotonic`` tells it.

        Raises:
            ProviderUnavailable: There are none, or not this issuer's; ``sent`` is False.
        """
        if self._known is None:
            self._known = self._ask(deadline)
        return self._known

    def _ask(self, deadline: float) -> JsonObject:
        for url in _places(self.issuer):
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
        what = "another issuer's" if body.get("issuer") != self.issuer else "without an https token_endpoint"
        host = urlsplit(self.issuer).hostname
        self._complaint.say(f"{host}: the metadata of the issuer are {what}; no session is renewed, and none is ended.")
        raise ProviderUnavailable(f"{host}: the metadata of the issuer are {what}.", sent=False)


def _places(issuer: str) -> list[str]:
    """Return where metadata are: OpenID Connect puts the well-known path behind the issuer's, RFC 8414 before it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return [
        urlunsplit((parts.scheme, parts.netloc, place, "", ""))
        for place in (f"{path}/.well-known/openid-configuration", f"/.well-known/oauth-authorization-server{path}")
    ]
