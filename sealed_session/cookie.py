"""The cookie policy: under which name and attributes browsers keep the session, and the Set-Cookie lines that say so.

Knows no framework and no session: a scheme and a host come in as texts, and a sealed value that it does not look into.
X-Forwarded headers are the business of whoever knows which proxy to trust.

Sources: RFC 6265; draft-ietf-httpbis-rfc6265bis ("RFC 6265bis") for SameSite, prefixes and the cap of 400 days;
draft-cutler-httpbis-partitioned-cookies for Partitioned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from .arguments import wrong_type
from .errors import ConfigError, Problem, UsageError
from .exact_json import printable
from .public_suffix import is_public_suffix
from .sealer import _NAME_CHARACTERS, DEFAULT_NAME

MAX_AGE_CAP = 34_560_000
"""400 days in seconds. Browsers cut a longer Max-Age to it (RFC 6265bis, section 5.5)."""

MAX_PATH = 1024
"""Browsers ignore an attribute whose value has more characters (RFC 6265bis, section 5.6)."""

MAX_DOMAIN = 253
"""Characters of the longest name that DNS can hold (RFC 1035, section 2.3.4, as text)."""

_MOST_LABELS = 8  # a forged Host of 127 labels shall not make 126 lines for each name

_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")  # cookie-octet, RFC 6265, section 4.1.1
_PATH = re.compile(r"/[!-:<-~]*")  # path-value, RFC 6265, section 4.1.1, less the space, which no request's path has
_HOST = re.compile(r"(?:\[([^\[\]]*:[^\[\]]*)\]|([^:\[\]]*))(?::[0-9]*)?")  # as in a Host header, with or without port
_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")  # underscores are not by the book and yet in use

_SAME_SITES = {"lax": "Lax", "strict": "Strict", "none": "None"}

Label = Callable[[str], str]
"""Turns the name of a field into what the reader knows it by, such as the key of a configuration."""


class _Prefix(NamedTuple):
    """The beginning of a name, and what browsers then ask of the cookie. Host-only: no Domain, and the path ``/``."""

    text: str
    secure: bool
    host_only: bool
    http_only: bool


_PREFIXES = (
    _Prefix("__Host-Http-", secure=True, host_only=True, http_only=True),
    _Prefix("__Host-", secure=True, host_only=True, http_only=False),
    _Prefix("__Http-", secure=True, host_only=False, http_only=True),
    _Prefix("__Secure-", secure=True, host_only=False, http_only=False),
    _Prefix("", secure=False, host_only=False, http_only=False),
)
"""The first that fits counts, and the last fits every name. RFC 6265bis, section 4.1.3; the two with Http came late and
older browsers do not know them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CookiePolicy:
    """How the session cookie is set and cleared. Checked as it is made; immutable and safe to share between threads.

    Setting and clearing come from one place, so a cookie is always cleared with the attributes it was set with. What
    was set with another Path, or with Partitioned switched the other way, is another cookie to a browser and stays.

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
        return scheme.lower() != "http" or not _is_this_machine(host)

    def covers(self, host: str) -> bool:
        """Tell whether a browser lets this host set the cookie: it is the Domain or below it, or there is none.

        Args:
            host: The request's host, with or without a port.

        Source: RFC 6265, section 5.1.3. By it a host written with a dot at its end is another host.
        """
        if self.domain is None:
            return True
        name = _without_port(host).lower()
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
        return self._attributes(self.name, self.domain, self.max_age, secure=self.is_secure(scheme, host))

    def clear(self, scheme: str, host: str, *, everywhere: bool = False) -> list[str]:
        """Return the Set-Cookie lines that delete the cookie: host-only and by Domain, under every name it ever had.

        Args:
            scheme: The request's scheme.
            host: The request's host, with or without a port.
            everywhere: Clear it for every Domain that this host could have set as well, so that what was set before
                the Domain was changed goes too. Of very long names, only the last eight labels.
        """
        return self._clear(self._variants(host, everywhere=everywhere), scheme, host)

    def clear_others(self, scheme: str, host: str) -> list[str]:
        """Return the lines of ``clear(everywhere=True)`` but the one that would undo ``set``.

        For when a request brought a former name, or the name twice. Write them before the line of ``set``: a client
        by the letter of RFC 6265 (section 5.3, step 11) takes a host-only cookie and one whose Domain is the host for
        the same, and the last line wins.
        """
        kept = (self.name, self.domain)
        variants = (variant for variant in self._variants(host, everywhere=True) if variant != kept)
        return self._clear(variants, scheme, host)

    def _clear(self, variants: Iterator[tuple[str, str | None]], scheme: str, host: str) -> list[str]:
        secure = self.is_secure(scheme, host)
        return [f"{name}=; {self._attributes(name, domain, 0, secure=secure)}" for name, domain in variants]

    def _variants(self, host: str, *, everywhere: bool) -> Iterator[tuple[str, str | None]]:
        """Yield each pair of name and Domain under which a browser may hold the cookie."""
        domains = dict.fromkeys((None, self.domain, *(_domains_of(host) if everywhere else ())))
        for name in (self.name, *self.previous_names):
            for domain in (None,) if _prefix_of(name).host_only else domains:
                yield name, domain

    def _attributes(self, name: str, domain: str | None, max_age: int | timedelta | None, *, secure: bool) -> str:
        """Make the attributes of every line. Those that a name's prefix demands are there for former names as well."""
        prefix = _prefix_of(name)
        parts = [
            f"Path={'/' if prefix.host_only else self.path}",
            "" if domain is None else f"Domain={domain}",
            "" if max_age is None else f"Max-Age={max_age}",
            "HttpOnly" if self.http_only or prefix.http_only else "",
            "Secure" if secure or prefix.secure else "",
            f"SameSite={self.same_site}",
            "Partitioned" if self.partitioned else "",
        ]
        return "; ".join(filter(None, parts))


def check(values: Mapping[str, Any], label: Label = str) -> list[Problem]:
    """Return everything that is wrong with the values of a policy; nothing where ``CookiePolicy`` takes them.

    Args:
        values: Values by the names of the fields. A missing one has its default, other names are not looked at.
        label: What a problem or a fix calls another field. ``Problem.setting`` is the field's own name in any case.

    Raises:
        UsageError: A domain is given and the package with the public suffixes is missing (``extra_missing``).
    """
    values = {field.name: values.get(field.name, field.default) for field in fields(CookiePolicy)}
    problems = [problem for setting, rule in _RULES.items() for problem in rule(setting, values[setting])]
    wrong = {problem.setting for problem in problems}
    return [*problems, *_problems_together(values, wrong, label)]


def _normalised(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a policy holds otherwise than they were given."""
    domain, max_age = values["domain"], values["max_age"]
    return {
        "domain": domain if domain is None else _domain_name(domain),
        "same_site": _SAME_SITES[values["same_site"].lower()],
        "max_age": int(max_age.total_seconds()) if isinstance(max_age, timedelta) else max_age,
        "previous_names": tuple(values["previous_names"]),
    }


# Hosts


def _without_port(host: str) -> str:
    match = _HOST.fullmatch(host)
    return host if match is None else match[1] or match[2] or ""


def _is_this_machine(host: str) -> bool:
    name = _without_port(host).lower().removesuffix(".")
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


def _is_domain(name: str) -> bool:
    """Tell whether a host is a name: browsers take one whose last label is a number for an IPv4 address."""
    return len(name) <= MAX_DOMAIN and _DOMAIN.fullmatch(name) is not None and not _ends_in_number(name)


def _ends_in_number(name: str) -> bool:
    return name.rpartition(".")[2].isdigit()


def _domains_of(host: str) -> list[str]:
    """Return each Domain that a host might set. It is untrusted: only a plain name may get into a header."""
    name = _without_port(host).lower()
    if not _is_domain(name):
        return []
    labels = name.split(".")[-_MOST_LABELS:]
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


# What is wrong with a value


def _prefix_of(name: str) -> _Prefix:
    lower = name.lower()  # browsers compare without regard to case, and servers shall not be fooled by __HOST-
    return next(prefix for prefix in _PREFIXES if lower.startswith(prefix.text.lower()))


def _quoted(text: str) -> str:
    return ascii(text[:100])


def _wrong_type(setting: str, expected: str, value: object) -> Problem:
    problem = f"has the type {type(value).__name__}; expected {expected}."
    return Problem(setting, problem, f"give it {expected}.", code="setting_type")


def _is_cookie_name(name: str) -> bool:
    return 1 <= len(name) <= 255 and _NAME_CHARACTERS.issuperset(name)


def _bad_name(setting: str, name: str) -> Problem:
    problem = f"{_quoted(name)} is not a cookie name; expected 1 to 255 ASCII letters, digits and !#$%&'*+-.^_`|~"
    return Problem(setting, problem, f"use letters, digits and hyphens, for example {DEFAULT_NAME!r}.", code="bad_name")


def _name_problems(setting: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _wrong_type(setting, "a str", value)
    elif not _is_cookie_name(value):
        yield _bad_name(setting, value)


def _previous_names_problems(setting: str, value: Any) -> Iterator[Problem]:
    if isinstance(value, str):
        problem = f"is the text {_quoted(value)}; expected a list, or each of its characters would be a name."
        yield Problem(setting, problem, f"write [{_quoted(value)}].", code="previous_names_text")
    elif not isinstance(value, list | tuple):
        yield _wrong_type(setting, "a list of str", value)
    else:
        for position, name in enumerate(value):
            if not isinstance(name, str):
                problem = f"holds a value of the type {type(name).__name__}; expected each to be a str."
                yield Problem(setting, problem, "give it a list of str.", code="setting_type")
            elif not _is_cookie_name(name):
                yield _bad_name(setting, name)
            elif name in _texts(value[:position]):
                problem = f"{_quoted(name)} is in it twice."
                yield Problem(setting, problem, "leave one of them out.", code="previous_name_duplicate")


def _texts(values: list[Any] | tuple[Any, ...]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


_DOMAIN_RULES: tuple[tuple[Callable[[str], bool], Problem], ...] = (
    (
        lambda domain: "://" in domain,
        Problem("domain", "is a URL.", "write the name alone, for example 'example.com'.", code="domain_is_url"),
    ),
    (
        lambda domain: "/" in domain,
        Problem("domain", "has a path.", "write the name alone, for example 'example.com'.", code="domain_with_path"),
    ),
    (
        lambda domain: not domain.isascii(),
        Problem("domain", "is not ASCII.", "write the punycode form, which has xn--.", code="domain_not_ascii"),
    ),
    (
        lambda domain: _without_port(_domain_name(domain)) == "localhost",
        Problem(
            "domain",
            "has nothing above it to share a cookie with; browsers drop the cookie.",
            "leave it out (None): the cookie then belongs to the host alone.",
            code="domain_is_localhost",
        ),
    ),
    (
        lambda domain: _is_address(_without_port(_domain_name(domain))),
        Problem(
            "domain",
            "is an IP address, or ends in a number as one; addresses share no cookies.",
            "leave it out (None): the cookie then belongs to the host alone.",
            code="domain_is_ip",
        ),
    ),
    (
        lambda domain: ":" in domain,
        Problem(
            "domain",
            "has a port; cookies are shared by all ports of a host.",
            "leave out the colon and what follows.",
            code="domain_with_port",
        ),
    ),
    (
        lambda domain: domain.rstrip(".") != domain != ".",
        Problem(
            "domain",
            "ends in a dot, which is part of no host that browsers ask for.",
            "leave out the dot.",
            code="domain_trailing_dot",
        ),
    ),
    (
        lambda domain: len(_domain_name(domain)) > MAX_DOMAIN,
        Problem(
            "domain", f"is longer than {MAX_DOMAIN} characters.", "use a name that exists.", code="domain_too_long"
        ),
    ),
    (
        lambda domain: not _is_domain(_domain_name(domain)),
        Problem(
            "domain",
            "is not a domain name: labels of 1 to 63 letters, digits, hyphens and underscores, with dots between.",
            "write a name such as 'example.com', without '*', or None for the host alone.",
            code="bad_domain",
        ),
    ),
)
"""The first that applies is told, after the value. The list of public suffixes comes after them: it takes 127.0.0.1 for
a name below 0.1."""


def _domain_problems(setting: str, value: Any) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, str):
        yield _wrong_type(setting, "a str, or None", value)
        return
    told = next((problem for applies, problem in _DOMAIN_RULES if applies(value)), None) or _suffix_problem(value)
    if told is not None:
        yield told._replace(problem=f"{_quoted(value)} {told.problem}")


def _suffix_problem(value: str) -> Problem | None:
    domain = _domain_name(value)
    if not is_public_suffix(domain):
        return None
    example = f"example.{domain}"
    if is_public_suffix(example):  # as below *.ck
        example = f"example.{example}"
    return Problem(
        "domain",
        "is a public suffix; browsers drop the cookie.",
        f"use your registered name, for example {example!r}.",
        code="domain_is_public_suffix",
    )


def _domain_name(value: str) -> str:
    return value.removeprefix(".").lower()  # browsers ignore the dot: RFC 6265, section 5.2.3


def _is_address(host: str) -> bool:
    return _ends_in_number(host) or _ip_address(host) is not None


def _path_problems(setting: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _wrong_type(setting, "a str", value)
    elif len(value) > MAX_PATH or _PATH.fullmatch(value) is None:
        problem = (
            f"is {_quoted(value)}; expected a path that begins with '/' and has at most {MAX_PATH} ASCII characters, "
            "none of them a space, a control character or ';'."
        )
        yield Problem(setting, problem, "use '/' for the whole site.", code="bad_path")


def _switch_problems(setting: str, value: Any) -> Iterator[Problem]:
    expected = "True, False or 'auto'" if setting == "secure" else "True or False"
    if not isinstance(value, str):
        if type(value) is not bool:
            yield _wrong_type(setting, expected, value)
    elif setting != "secure" or value != "auto":
        fix = "write True or False without quotes; true or false in an environment variable that is read as JSON."
        yield Problem(setting, f"is the text {_quoted(value)}; expected {expected}.", fix, code="boolean_as_text")


def _same_site_problems(setting: str, value: Any) -> Iterator[Problem]:
    expected = "'Lax', 'Strict' or 'None'"
    if value is None:
        fix = "write 'Lax', or 'None' in quotes where other sites shall send the cookie along."
        yield Problem(setting, f"is None; expected {expected}.", fix, code="samesite_python_none")
    elif not isinstance(value, str):
        yield _wrong_type(setting, expected, value)
    elif value.lower() not in _SAME_SITES:
        problem = f"is {_quoted(value)}; expected {expected}."
        yield Problem(setting, problem, "use 'Lax' unless you need another.", code="samesite_unknown")


def _max_age_problems(setting: str, value: Any) -> Iterator[Problem]:
    if value is None:
        return
    length = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(value, str):
        problem = f"is the text {_quoted(value)}; expected seconds."
        fix = "write the number of seconds without quotes, or a timedelta."
        yield Problem(setting, problem, fix, code="max_age_text")
    elif type(length) is not int and not isinstance(value, timedelta):
        yield _wrong_type(setting, "an int of seconds, a timedelta, or None", value)
    elif length < 1:
        problem = f"is {printable(value)}; expected at least one second."
        fix = "use None for a cookie that ends with the browser."
        yield Problem(setting, problem, fix, code="max_age_too_short")
    elif length > MAX_AGE_CAP:
        problem = f"is {printable(value)}; browsers keep a cookie for at most 400 days, {MAX_AGE_CAP} seconds."
        yield Problem(setting, problem, f"use {MAX_AGE_CAP} or fewer.", code="max_age_too_long")


_RULES: dict[str, Callable[[str, Any], Iterator[Problem]]] = {
    "name": _name_problems,
    "domain": _domain_problems,
    "path": _path_problems,
    "secure": _switch_problems,
    "same_site": _same_site_problems,
    "http_only": _switch_problems,
    "partitioned": _switch_problems,
    "max_age": _max_age_problems,
    "previous_names": _previous_names_problems,
}


# What is wrong with values together: told only of values that are right by themselves


def _problems_together(values: Mapping[str, Any], wrong: set[str], label: Label) -> Iterator[Problem]:
    secure = label("secure")
    if "secure" not in wrong and values["secure"] is not True:
        if "same_site" not in wrong and values["same_site"].lower() == "none":
            problem = f"is 'None' but {secure} is not True; browsers drop such a cookie."
            fix = f"set {secure} = True, or use SameSite 'Lax'."
            yield Problem("same_site", problem, fix, code="samesite_none_insecure")
        if values["partitioned"] is True:
            problem = f"is True but {secure} is not; browsers drop such a cookie."
            yield Problem("partitioned", problem, f"set {secure} = True.", code="partitioned_insecure")
    if "name" not in wrong:
        yield from _prefix_problems(values, wrong, label)
        yield from _renaming_problems(values, label)


def _prefix_problems(values: Mapping[str, Any], wrong: set[str], label: Label) -> Iterator[Problem]:
    prefix, dropped = _prefix_of(values["name"]), "; browsers drop such a cookie."
    secure, domain, path, http_only = map(label, ("secure", "domain", "path", "http_only"))
    begins, or_other = f"begins with {prefix.text} but ", ", or use the prefix __Secure-."
    if prefix.secure and "secure" not in wrong and values["secure"] is not True:
        problem = f"{begins}{secure} is not True{dropped}"
        yield Problem("name", problem, f"set {secure} = True.", code="prefix_needs_secure")
    if prefix.host_only and values["domain"] is not None:
        problem = f"{begins}{domain} is set{dropped}"
        yield Problem("name", problem, f"set {domain} = None{or_other}", code="prefix_needs_no_domain")
    if prefix.host_only and "path" not in wrong and values["path"] != "/":
        problem = f"{begins}{path} is not '/'{dropped}"
        yield Problem("name", problem, f"set {path} = '/'{or_other}", code="prefix_needs_root_path")
    if prefix.http_only and values["http_only"] is False:
        problem = f"{begins}{http_only} is False{dropped}"
        yield Problem("name", problem, f"set {http_only} = True.", code="prefix_needs_http_only")


def _renaming_problems(values: Mapping[str, Any], label: Label) -> Iterator[Problem]:
    name, former = values["name"], values["previous_names"]
    if isinstance(former, list | tuple) and name in _texts(former):
        problem = f"{_quoted(name)} is {label('name')} itself."
        yield Problem("previous_names", problem, "keep only former names.", code="previous_name_current")
