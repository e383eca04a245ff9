"""Transports: how a session comes with a request, and goes back with the response. Values, and no machinery.

    SealedCookie    our own cookie, encrypted: who holds it can neither read nor change it
    TokenCookies    the tokens themselves, each in a cookie: ours, or those of somebody's JavaScript
    BearerHeader    the access token in the header Authorization, from callers that keep no cookies

An application is given an ordered list of them. What is read from the last two is verified at every request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .arguments import wrong_type
from .cookie import check
from .errors import ConfigError, Problem, UsageError
from .hosts import is_address

Owner = Literal["server", "client"]
HttpOnly = Literal["disabled", "enabled", "enforced"]

_OWNERS = ("server", "client")
_HTTP_ONLY = ("disabled", "enabled", "enforced")


@dataclass(frozen=True, slots=True)
class SealedCookie:
    """The session sealed into one cookie, as PASSWORD and COOKIE_* say."""


@dataclass(frozen=True, slots=True)
class BearerHeader:
    """``Authorization: Bearer`` and an access token. Nothing is written back.

    Source: RFC 6750, section 2.1. By its sections 2.2 and 2.3 tokens come in forms and addresses too, which end in
    logs and histories: those are not looked at.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCookies:
    """An access token in a cookie, and maybe what it is renewed by in another.

    Attributes:
        access: The name of the access token's cookie, or several: the first is the one that is written, the others are
            read as well.
        refresh: The same of the refresh token's; None where there is none.
        owner: Who writes them. What a ``client`` owns is never written here, and cleared only by signing out.
        http_only: Whether JavaScript is kept from them. ``enabled``: they are written under the parent of the custom
            domain, path and Domain below do not count, and no body of ours has a token. ``enforced``: besides, nobody
            signs in with a browser at another host than the custom domain.
        custom_domain: Of ``enabled`` and ``enforced``: the host that the provider is reached at, ``login.example.com``
            for example. None: the provider's own, where it says one.
        domain: Which Domain they are written under; None: the host that was asked, by name.
        host_only: Write no Domain at all.
        path: Which Path.
        same_site: ``Lax``, ``Strict`` or ``None``.

    Raises:
        ConfigError: Every value that is wrong.
    """

    access: str | tuple[str, ...]
    refresh: str | tuple[str, ...] | None = None
    owner: Owner = "server"
    http_only: HttpOnly = "disabled"
    custom_domain: str | None = None
    domain: str | None = None
    host_only: bool = False
    path: str = "/"
    same_site: Literal["Lax", "Strict", "None"] = "Lax"

    def __post_init__(self) -> None:
        object.__setattr__(self, "access", _names("access", self.access))
        object.__setattr__(self, "refresh", () if self.refresh is None else _names("refresh", self.refresh))
        if type(self.host_only) is not bool:
            raise wrong_type("host_only", "a bool", self.host_only)
        problems = list(self._problems())
        if problems:
            raise ConfigError("TokenCookies", problems)

    @property
    def access_names(self) -> tuple[str, ...]:
        """The names of the access token's cookie; the first is the one that is written."""
        return self.access  # type: ignore[return-value]  # as __post_init__ has left it

    @property
    def refresh_names(self) -> tuple[str, ...]:
        """The names of the refresh token's cookie; empty where there is none."""
        return self.refresh  # type: ignore[return-value]

    @property
    def is_hidden(self) -> bool:
        """Whether JavaScript is kept from the tokens."""
        return self.http_only != "disabled"

    def _problems(self) -> Iterator[Problem]:
        names = [*self.access_names, *self.refresh_names]
        for name in names:
            yield from check({"name": name, "secure": True})
        yield from check({"path": self.path, "secure": True, "same_site": self.same_site})
        if len(set(names)) < len(names):
            yield Problem("access, refresh", "have a name in common.", "give each its own.", code="name_taken")
        for field, value, known in (("owner", self.owner, _OWNERS), ("http_only", self.http_only, _HTTP_ONLY)):
            if value not in known:
                yield Problem(
                    field, f"expected one of {', '.join(known)}.", f"write {known[0]!r}.", code="transport_option"
                )
        if self.domain is not None:
            yield from check({"domain": self.domain})
        if self.domain is not None and self.host_only:
            yield Problem("host_only", "is given together with a domain.", "keep one of them.", code="transport_option")
        if self.custom_domain is not None:
            yield from custom_domain_problems(self.custom_domain)


def custom_domain_problems(domain: Any) -> Iterator[Problem]:
    """Yield what is wrong with a custom domain: it has to have a parent that a cookie can be shared below."""
    parent = parent_of(domain) if type(domain) is str else ""
    wrong = list(check({"domain": parent})) if parent else []
    if not parent or wrong:
        what = "is no host name below a domain that browsers share cookies under."
        yield Problem(
            "custom_domain", what, "login.example.com, below example.com, would be one.", code="custom_domain"
        )


def parent_of(domain: str) -> str:
    """Return a host name without its first label; empty for an address, and for a name of one label."""
    return "" if is_address(domain) else domain.lower().partition(".")[2]


Transport = SealedCookie | TokenCookies | BearerHeader


def as_transports(given: Any) -> tuple[Transport, ...]:
    """Check an ordered list of transports.

    Raises:
        UsageTypeError, UsageError: No list of them; nothing in it (``empty_list``), or one twice (``transport_twice``).
    """
    if type(given) not in (list, tuple):
        raise wrong_type("transports", "a list of SealedCookie(), TokenCookies(...) and BearerHeader()", given)
    for one in given:
        if not isinstance(one, SealedCookie | TokenCookies | BearerHeader):
            raise wrong_type("an entry of transports", "SealedCookie(), TokenCookies(...) or BearerHeader()", one)
    if not given:
        raise UsageError("transports: the list is empty: no session could come in.", code="empty_list")
    if len(set(given)) < len(given):
        raise UsageError("transports: one of them is there twice.", fix="Keep one.", code="transport_twice")
    return tuple(given)


def _names(field: str, given: Any) -> tuple[str, ...]:
    names = (given,) if type(given) is str else given
    if type(names) not in (list, tuple) or not names or any(type(name) is not str for name in names):
        raise wrong_type(field, "a cookie's name, or several as a tuple", given)
    return tuple(names)
