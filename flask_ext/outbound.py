"""Calls of this application to other services, in the name of whoever is signed in here: for httpx2.

    httpx2.Client(auth=SessionAuth(hosts=["api.example.com"]))

Other clients are given ``SealedSession.outbound_headers()``. The service that is called verifies the token itself.

Source: RFC 6750, section 2.1.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

try:
    import httpx2
except ImportError:
    raise ImportError("flask_ext.outbound needs httpx2: pip install 'sealed-session[flask]'") from None

from sealed_session import UsageError
from sealed_session.exact_json import printable
from sealed_session.hosts import is_address, is_domain, is_this_machine
from sealed_session.verifier_settings import texts

from .current import request_session


class SessionAuth(httpx2.Auth):
    """Adds the current request's access token to calls to some hosts, by https or within this machine.

    Safe to share: each call asks who is signed in at that moment. Where nobody is, and for every other host, the call
    goes out as it is. An answer 401 is the caller's business.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        """Say which hosts may see a token.

        Args:
            hosts: Their names, without scheme and port; none of their sub-domains.

        Raises:
            UsageTypeError, UsageError: No list of texts, or nothing in it (``empty_list``); no name (``bad_host``).
        """
        self._hosts = frozenset(_ascii(host) for host in texts("hosts", hosts))
        for host in self._hosts:
            if not is_domain(host) and not is_address(host):
                raise UsageError(
                    f"hosts: {printable(host)!r} is no host name.",
                    fix="Write it without scheme and port.",
                    code="bad_host",
                )

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the header, and send the call."""
        session = request_session().session if self._may_see(request.url) else None
        if session is not None:
            request.headers["Authorization"] = f"Bearer {session.access_token}"
        yield request

    def _may_see(self, url: httpx2.URL) -> bool:
        safe = url.scheme == "https" or is_this_machine(url.host)
        return safe and url.raw_host.decode("ascii").lower() in self._hosts


def _ascii(host: str) -> str:
    """Return a host as it stands on the wire (RFC 5890), an address without its brackets; what is none as it is."""
    try:
        return host.lower().strip("[]").encode("idna").decode("ascii")
    except UnicodeError:
        return host
