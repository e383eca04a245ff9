"""An address at which people reach an application, as somebody typed it.

Source: RFC 3986, section 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from sealed_session import UsageError
from sealed_session.cookie import CookiePolicy

_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
_PATH_SAFE = "/:@!$&'()*+,;=~%"


@dataclass(frozen=True, slots=True)
class Place:
    """An address, less what a browser keeps to itself or no cookie depends on.

    Attributes:
        scheme: ``http`` or ``https``.
        name: The host's name in lower-case ASCII, or its IP address.
        port: The port; None where the address names none.
        path: As a browser sends it.
        has_user: Whether a user name or a password stood before the host. They are not held.
    """

    scheme: str
    name: str
    port: int | None
    path: str
    has_user: bool = False

    @property
    def host(self) -> str:
        """The host as in a Host header, with its port."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """The address, to be shown."""
        return f"{self.scheme}://{self.host}{self.path}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address."""
        return _is_address(self.name)

    @property
    def is_this_machine(self) -> bool:
        """Whether Chrome and Firefox take it for this very machine, and so for safe without TLS."""
        return self.name.endswith(".localhost") or not CookiePolicy().is_secure("http", self.host)

    @property
    def is_trusted(self) -> bool:
        """Whether most browsers keep a Secure cookie here."""
        return self.scheme == "https" or self.is_this_machine


def parse(url: str) -> Place:
    """Read an address that somebody typed.

    Raises:
        UsageError: It is none, or not one of a web page (``bad_url``). What was typed is not quoted: it may hold a
            password.
    """
    try:
        parts = urlsplit(url)
        scheme, name, port = parts.scheme, _ascii_name(parts.hostname or ""), parts.port
    except ValueError:
        raise _bad_url("is no address") from None
    if "://" not in url:
        raise _bad_url("has no scheme, so nobody knows whether it is http or https")
    if scheme not in ("http", "https"):
        raise _bad_url("has a scheme that is neither http nor https")
    if any(character <= " " or character == "\x7f" for character in url) or not name:
        raise _bad_url("has no host, or white space in it")
    if not _is_address(name) and _NAME.fullmatch(name) is None:
        raise _bad_url("has a host that is neither a name nor an IP address")
    return Place(scheme, name, port, quote(parts.path, safe=_PATH_SAFE) or "/", "@" in parts.netloc)


# Texts


def _ascii_name(name: str) -> str:
    return name if name.isascii() else name.encode("idna").decode("ascii")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _bad_url(problem: str) -> UsageError:
    return UsageError(
        f"--url: the address {problem}.", fix="Write it whole, for example https://app.example.com.", code="bad_url"
    )
