"""Host names, as they come in a request and as they stand in a cookie's Domain. Untrusted text; nobody is asked."""

from __future__ import annotations

import re
from typing import Any

MAX_DOMAIN = 253
"""Characters of the longest name that DNS can hold (RFC 1035, section 2.3.4, as text)."""

_MOST_LABELS = 8  # a forged Host of 127 labels shall not make 126 lines for each name

_HOST = re.compile(r"(?:\[([^\[\]]*:[^\[\]]*)\]|([^:\[\]]*))(?::[0-9]*)?")  # as in a Host header, with or without port
_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")  # underscores are not by the book and yet in use


_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def without_port(host: str) -> str:
    """Return a Host header's name or address, without brackets; what is no such header as it is."""
    match = _HOST.fullmatch(host)
    return host if match is None else match[1] or match[2] or ""


def is_this_machine(host: str) -> bool:
    """Return whether a host, with or without a port, is localhost, in 127.0.0.0/8, or [::1]."""
    name = without_port(host).lower().removesuffix(".")
    if name == "localhost":
        return True
    if not name.startswith("127.") and ":" not in name:
        return False
    from ipaddress import IPv6Address  # few requests need it

    address = _ip_address(name)
    return address is not None and (name.startswith("127.") or address == IPv6Address("::1"))


def _ip_address(text: str) -> Any:
    from ipaddress import ip_address

    try:
        return ip_address(text)
    except ValueError:
        return None


def is_domain(name: str) -> bool:
    """Tell whether a host is a name: browsers take one whose last label is a number for an IPv4 address."""
    return len(name) <= MAX_DOMAIN and _DOMAIN.fullmatch(name) is not None and not ends_in_number(name)


def ends_in_number(name: str) -> bool:
    """Return whether the last label is a number: such a host is an IPv4 address to browsers (URL Standard, 3.5)."""
    return _NUMBER.fullmatch(name.rpartition(".")[2]) is not None


def domains_of(host: str) -> list[str]:
    """Return each Domain that a host might set. It is untrusted: only a plain name may get into a header."""
    name = without_port(host).lower()
    if not is_domain(name):
        return []
    labels = name.split(".")[-_MOST_LABELS:]
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def is_address(host: str) -> bool:
    """Return whether a host without its port is an IP address, or would be taken for one."""
    return ends_in_number(host) or _ip_address(host) is not None
