"""One HTTP call to a provider: bounded in time and size, and its every failure says whether anything was sent.

No redirect is followed: it would carry a refresh token to where nobody configured. Proxies of the environment are used
only where that is asked for. TLS certificates are always verified. Neither URL nor body nor headers of a request get
into a message or a log; the host does.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import monotonic, time
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from .. import exact_json
from ..arguments import wrong_type
from ..errors import ProviderUnavailable, UsageError
from ..exact_json import JsonObject
from ..hosts import is_this_machine
from .complaint import Complaint

CALL_LIMIT = 30.0
"""Seconds for a call as a whole. The lease of a refresh is a little longer."""

LONGEST_RETRY_AFTER = 3600
"""Seconds; a provider that asks for more is asked again after these."""

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered, other than a redirect.

    Attributes:
        host: Of the provider, for messages.
        status: The HTTP status.
        body: As it came; it may hold tokens.
        retry_after: Seconds, where the answer says so.
        headers: By their names in lower case.
    """

    host: str
    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def json(self) -> JsonObject | None:
        """Return the JSON object that the body is; None where it is none (RFC 8259, at most 32 levels deep)."""
        try:
            return exact_json.loads(self.body.strip(b" \t\r\n"))
        except ValueError:
            return None


class Client:
    """Makes calls. Holds no connection, so it is safe to share between threads and across a fork."""

    def __init__(
        self,
        *,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        complaint: Complaint | None = None,
    ) -> None:
        """Say how calls are made.

        Args:
            trust_env: Use the proxies that the environment names, ``HTTPS_PROXY`` for example.
            ssl_context: Which certificates are trusted, of a private authority for example. None: those of the
                system, or of ``SSL_CERT_FILE``.
            complaint: Where failures are said.

        Raises:
            UsageTypeError: Something else.
        """
        if type(trust_env) is not bool:
            raise wrong_type("trust_env", "a bool", trust_env)
        if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
            raise wrong_type("ssl_context", "an ssl.SSLContext", ssl_context)
        self._trust_env = trust_env
        self._context = ssl_context
        self._complaint = Complaint() if complaint is None else complaint

    def get(self, url: str, *, deadline: float) -> Answer:
        """Ask for a document; as ``post_form``. Nothing secret is sent, and so failures have ``sent=False``."""
        return self._call("GET", url, None, {}, deadline)

    def post_form(
        self, url: str, fields: Fields, headers: Mapping[str, str] | None = None, *, deadline: float
    ) -> Answer:
        """Send a form.

        Args:
            url: Judged by ``check_url``.
            fields: Name and value; a name may come more than once.
            headers: Further ones.
            deadline: By which the call is over, as ``time.monotonic`` tells it.

        Raises:
            ProviderUnavailable: No answer that could be read whole: too late, too long, cut off, a redirect. ``sent``
                is False where the body surely stayed here: the name is not known, no connection, no TLS.
            UsageError: httpx2 is missing (``extra_missing``).
        """
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._call("POST", url, urlencode(fields).encode(), {**kind, **(headers or {})}, deadline)

    def post_json(
        self, url: str, value: JsonObject, headers: Mapping[str, str] | None = None, *, deadline: float
    ) -> Answer:
        """Send JSON; as ``post_form``."""
        kind = {"Content-Type": "application/json"}
        return self._call("POST", url, json.dumps(value).encode(), {**kind, **(headers or {})}, deadline)

    def _call(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], deadline: float
    ) -> Answer:
        connection = _connections()
        call = _Call(url, content)
        given = {**_ALWAYS, **headers, **call.length}
        proxy = _proxy(url) if self._trust_env else None
        try:
            body = connection.exchange(
                method,
                url,
                list(given.items()),
                None if content is None else call.send(content),
                deadline=deadline,
                on_head=call.judge,
                proxy=proxy,
                context=self._context,
            )
            return Answer(call.host, call.status, body, call.retry_after, call.headers)
        except connection.TooLong:
            what = f"answered more than {connection.MOST_BYTES} bytes"
        except _Redirect:
            what = f"answered with a redirect (HTTP {call.status}), and none is followed"
        except connection.FAILURES as error:
            what = _describe(error)
        except RuntimeError as error:  # no more threads, for example
            if call.is_sent:
                raise
            what = f"could not be asked ({type(error).__name__})"
        self._complaint.note(f"{call.host}: {what}. The session is kept.")
        raise ProviderUnavailable(
            f"{call.host}: {what}.", retry_after=call.retry_after, sent=call.is_sent, general=not call.is_sent
        )


_ALWAYS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "sealed-session",
}


class _Redirect(Exception):
    """The answer leads elsewhere."""


class _Call:
    """What becomes known of a call while it goes on."""

    def __init__(self, url: str, content: bytes | None) -> None:
        self.host = urlsplit(url).hostname or ""
        self.length = {} if content is None else {"Content-Length": str(len(content))}
        self.status = 0
        self.retry_after: float | None = None
        self.headers: dict[str, str] = {}
        self.is_sent = False

    def send(self, content: bytes) -> Iterator[bytes]:
        """Hand out the body, which is asked for when the connection stands: from here on it may have arrived."""
        self.is_sent = True
        yield content

    def judge(self, status: int, headers: dict[str, str]) -> None:
        """Look at the head of the answer, before its body is read."""
        self.status, self.headers = status, headers
        self.retry_after = retry_after(headers.get("retry-after"))
        if 300 <= status < 400:
            raise _Redirect


def _describe(error: Exception) -> str:
    """Say what failed, without what others say: only a certificate's fault and the system's own words."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {cause.verify_message}"
    if isinstance(cause, OSError) and cause.errno is not None and cause.strerror:
        return f"{type(error).__name__}: {cause.strerror}"
    return type(error).__name__


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header means, at most ``LONGEST_RETRY_AFTER``; None where it says nothing.

    Source: RFC 9110, section 10.2.3: seconds, or a date.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value[:9]), LONGEST_RETRY_AFTER))
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def check_url(name: str, url: Any) -> str:
    """Return a provider's URL.

    Raises:
        UsageTypeError, UsageError: Not a str; not an absolute https URL without user and fragment
            (``provider_url``). Plain http is for this machine alone.

    Source: RFC 6749, section 3.2.
    """
    if type(url) is not str:
        raise wrong_type(name, "a URL (str)", url)
    if not is_sound_url(url):
        raise UsageError(
            f"{name}: is not an https URL with a host and nothing secret in it.",
            fix="Write it as the provider shows it, for example 'https://login.example.com/oauth/token'. "
            "Plain http is accepted for localhost only.",
            code="provider_url",
        )
    return url


def is_sound_url(url: str) -> bool:
    """Return whether tokens may be sent to a URL; see ``check_url``."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.netloc))


def check_timeout(value: Any) -> float:
    """Return the seconds for a call as a whole.

    Raises:
        UsageTypeError, UsageError: Not a number; not above 0 and up to ``CALL_LIMIT`` (``bad_duration``).
    """
    if type(value) is not int and type(value) is not float:
        raise wrong_type("timeout", "seconds", value)
    if not 0 < value <= CALL_LIMIT:
        raise UsageError(
            f"timeout: {exact_json.printable(value)} seconds; expected above 0 and up to {CALL_LIMIT:g}, "
            "for which a refresh is claimed.",
            code="bad_duration",
        )
    return value


def deadline_after(seconds: float) -> float:
    """Return a deadline."""
    return monotonic() + seconds


def _proxy(url: str) -> tuple[str, tuple[str, str] | None] | None:
    """Return the proxy that the environment names for a URL, without user and password, and those.

    Raises:
        UsageError: A kind of proxy that is not spoken here, SOCKS for example (``provider_option``).
    """
    from urllib.request import getproxies, proxy_bypass  # slow to load

    parts = urlsplit(url)
    named = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    if named is None:
        return None
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    if proxy.scheme not in ("http", "https"):
        raise UsageError(f"{parts.scheme}_proxy: expected an http proxy.", code="provider_option")
    user = None if proxy.username is None else (unquote(proxy.username), unquote(proxy.password or ""))
    return f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}", user


def _connections() -> ModuleType:
    try:
        from . import connection  # of an extra, and slow to load
    except ImportError:
        pass
    else:
        return connection
    raise UsageError(
        "Providers are called by way of the package httpx2, which is missing.",
        fix="Run `pip install 'sealed-session[flask]'`.",
        code="extra_missing",
    )
