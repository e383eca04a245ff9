"""The cookie policy: under which name and attributes browsers keep the session, and the Set-Cookie lines that say so.

Knows no framework and no session: a scheme and a host come in as texts, and a sealed value that it does not look into.
X-Forwarded headers are the business of whoever knows which proxy to trust.

Sources: RFC 6265; draft-ietf-httpbis-rfc6265bis ("RFC 6265bis") for SameSite, prefixes and the cap of 400 days;
draft-cutler-httpbis-partitioned-cookies for Partitioned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from .arguments import wrong_type
from .cookie_rules import MAX_AGE_CAP, SAME_SITES, Label, domain_name, prefix_of, problems_of
from .errors import ConfigError, Problem, UsageError
from .hosts import domains_of, is_this_machine, without_port
from .sealer import DEFAULT_NAME

_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]*)+")
_MOST_PARENTS = 4

_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")  # cookie-octet, RFC 6265, section 4.1.1


class Variant(NamedTuple):
    """What tells one cookie from another in a browser, and whether it is kept apart by the embedding site."""

    name: str
    domain: str | None
    path: str
    partitioned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CookiePolicy:
    """How the session cookie is set and cleared. Checked as it is made; immutable and safe to share between threads.

    Setting and clearing come from one place, so a cookie is always cleared with the attributes it was set with.

    Attributes:
        name: The exact cookie name, prefix included.
        domain: The parent whose subdomains share the cookie; held without its leading dot, in lower case. None: the
            host alone.
        path: Where the cookie is sent.
        secure: Whether it travels over https alone. ``auto``: yes, except for http on this machine itself.
        same_site: ``Lax``, ``Strict`` or ``None``, in any case of letters.
        http_only: Whether JavaScript is kept from it.
        partitioned: Whether it is kept apart by the site that embeds the page.
        max_age: Seconds, or a timedelta, up to 400 days; held as whole seconds. None: until the browser closes.
        previous_names: Former names, which are read and cleared and never set. A list or a tuple; held as a tuple.

    Raises:
        ConfigError: Every setting that is wrong, and how to put it right.
        UsageError: A domain is given and the package with the public suffixes is missing (``extra_missing``).
    """

    name: str = DEFAULT_NAME
    domain: str | None = None
    path: str = "/"
    secure: bool | Literal["auto"] = "auto"
    same_site: Literal["Lax", "Strict", "None"] = "Lax"
    http_only: bool = True
    partitioned: bool = False
    max_age: int | timedelta | None = MAX_AGE_CAP
    previous_names: tuple[str, ...] | list[str] = ()

    def __post_init__(self) -> None:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if problems := check(values):
            raise ConfigError("CookiePolicy", problems)
        for setting, value in _normalised(values).items():
            object.__setattr__(self, setting, value)

    def is_secure(self, scheme: str, host: str) -> bool:
        """Tell whether the cookie of a response gets Secure.

        Args:
            scheme: The request's scheme, as the application sees it.
            host: The request's host, with or without a port.

        Returns:
            The setting; with ``auto`` True, unless the request is http to localhost, 127.0.0.0/8 or [::1].
        """
        if isinstance(self.secure, bool):
            return self.secure
        return scheme.lower() != "http" or not is_this_machine(host)

    def covers(self, host: str) -> bool:
        """Tell whether a browser lets this host set the cookie: it is the Domain or below it, or there is none.

        Args:
            host: The request's host, with or without a port.

        Source: RFC 6265, section 5.1.3. By it a host written with a dot at its end is another host.
        """
        if self.domain is None:
            return True
        name = without_port(host).lower()
        return name == self.domain or name.endswith("." + self.domain)

    def set(self, value: str, scheme: str, host: str) -> str:
        """Return the Set-Cookie line that stores a value.

        Args:
            value: The sealed value.
            scheme: The request's scheme.
            host: The request's host, with or without a port.

        Raises:
            UsageTypeError, UsageError: Not a str; characters that no cookie can hold (``bad_cookie_value``).
        """
        if not isinstance(value, str):
            raise wrong_type("value", "a str", value)
        if _VALUE.fullmatch(value) is None:
            raise UsageError(
                "value: holds a character that no cookie can; expected ASCII without white space, quotes, comma, "
                "semicolon and backslash, as Sealer.seal returns it.",
                code="bad_cookie_value",
            )
        return f"{self.name}={value}; {self.attributes(scheme, host)}"

    def attributes(self, scheme: str, host: str) -> str:
        """Return what follows the value in the line of ``set``, without the first ``; ``: see ``Sealer.measure``."""
        return self._attributes(self._current, self.max_age, secure=self.is_secure(scheme, host))

    def clear(self, scheme: str, host: str, *, path: str = "/", everywhere: bool = False) -> list[str]:
        """Return the Set-Cookie lines that delete the cookie: host-only and by Domain, under every name it ever had.

        Args:
            scheme: The request's scheme.
            host: The request's host, with or without a port.
            path: The request's path.
            everywhere: Clear as well what this host could have set before the Domain, the Path or Partitioned was
                changed. Of very long names, only the last eight labels; of long paths, four.
        """
        return self._clear(self._variants(scheme, host, path, everywhere=everywhere), scheme, host)

    def clear_others(self, scheme: str, host: str, *, path: str = "/", everywhere: bool = True) -> list[str]:
        """Return the lines of ``clear`` but the one that would undo ``set``.

        For when a request brought a former name, or the name twice. Write them before the line of ``set``: a client
        by the letter of RFC 6265 (section 5.3, step 11) takes a host-only cookie and one whose Domain is the host for
        the same, and the last line wins.
        """
        variants = self._variants(scheme, host, path, everywhere=everywhere)
        return self._clear((variant for variant in variants if variant != self._current), scheme, host)

    @property
    def _current(self) -> Variant:
        return Variant(self.name, self.domain, self.path, self.partitioned)

    def _clear(self, variants: Iterator[Variant], scheme: str, host: str) -> list[str]:
        secure = self.is_secure(scheme, host)
        lines = (f"{one.name}=; {self._attributes(one, 0, secure=secure)}" for one in variants)
        return list(dict.fromkeys(lines))

    def _variants(self, scheme: str, host: str, path: str, *, everywhere: bool) -> Iterator[Variant]:
        """Yield each name, Domain, Path and Partitioned under which a browser may hold the cookie."""
        domains = dict.fromkeys((None, self.domain))
        former = dict.fromkeys((*domains, *domains_of(host))) if everywhere else domains
        for name in (self.name, *self.previous_names):
            is_bound = prefix_of(name).host_only
            for domain in (None,) if is_bound else former:
                yield Variant(name, domain, self.path, self.partitioned)
            if not everywhere:
                continue
            for domain in (None,) if is_bound else domains:
                for other in () if is_bound else _paths_of(path):
                    yield Variant(name, domain, other, self.partitioned)
                if self.is_secure(scheme, host):  # without it a browser takes no Partitioned
                    yield Variant(name, domain, self.path, not self.partitioned)

    def _attributes(self, variant: Variant, max_age: int | timedelta | None, *, secure: bool) -> str:
        """Make the attributes of every line. Those that a name's prefix demands are there for former names as well."""
        prefix = prefix_of(variant.name)
        parts = [
            f"Path={'/' if prefix.host_only else variant.path}",
            "" if variant.domain is None else f"Domain={variant.domain}",
            "" if max_age is None else f"Max-Age={max_age}",
            "HttpOnly" if self.http_only or prefix.http_only else "",
            "Secure" if secure or prefix.secure else "",
            f"SameSite={self.same_site}",
            "Partitioned" if variant.partitioned else "",
        ]
        return "; ".join(filter(None, parts))


def _paths_of(path: str) -> list[str]:
    """Return ``/`` and the first parents of a request's path. It is untrusted: only a plain one gets into a header."""
    if _PLAIN_PATH.fullmatch(path) is None:
        return ["/"]
    parts = path.split("/")[1 : _MOST_PARENTS + 1]
    return ["/", *("/" + "/".join(parts[:end]) for end in range(1, len(parts) + 1) if parts[end - 1])]


def check(values: Mapping[str, Any], label: Label = str) -> list[Problem]:
    """Return everything that is wrong with the values of a policy; nothing where ``CookiePolicy`` takes them.

    Args:
        values: Values by the names of the fields. A missing one has its default, other names are not looked at.
        label: What a problem or a fix calls another field. ``Problem.setting`` is the field's own name in any case.

    Raises:
        UsageError: A domain is given and the package with the public suffixes is missing (``extra_missing``).
    """
    values = {field.name: values.get(field.name, field.default) for field in fields(CookiePolicy)}
    return problems_of(values, label)


def _normalised(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a policy holds otherwise than they were given."""
    domain, max_age = values["domain"], values["max_age"]
    return {
        "domain": domain if domain is None else domain_name(domain),
        "same_site": SAME_SITES[values["same_site"].lower()],
        "max_age": int(max_age.total_seconds()) if isinstance(max_age, timedelta) else max_age,
        "previous_names": tuple(values["previous_names"]),
    }
