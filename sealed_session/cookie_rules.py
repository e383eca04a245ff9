"""What browsers ask of a cookie, held against the values of a policy before any browser sees them.

Values may be of any type: what is wrong becomes a ``Problem``, and nothing raises.

Sources: as cookie.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from .errors import Problem
from .exact_json import printable
from .hosts import MAX_DOMAIN, is_address, is_domain, without_port
from .public_suffix import is_public_suffix
from .sealer import DEFAULT_NAME, is_cookie_name

MAX_AGE_CAP = 34_560_000
"""400 days in seconds. Browsers cut a longer Max-Age to it (RFC 6265bis, section 5.5)."""

MAX_PATH = 1024
"""Browsers ignore an attribute whose value has more characters (RFC 6265bis, section 5.6)."""

SAME_SITES = {"lax": "Lax", "strict": "Strict", "none": "None"}

_PATH = re.compile(r"/(?!(?:.*/)?\.\.?(?:/|$))[!$-:=@-\[\]^_a-z~|{}]*")  # what a browser's request may begin with

Label = Callable[[str], str]
"""Turns the name of a field into what the reader knows it by, such as the key of a configuration."""


class Prefix(NamedTuple):
    """The beginning of a name, and what browsers then ask of the cookie. Host-only: no Domain, and the path ``/``."""

    text: str
    secure: bool
    host_only: bool
    http_only: bool


_PREFIXES = (
    Prefix("__Host-Http-", secure=True, host_only=True, http_only=True),
    Prefix("__Host-", secure=True, host_only=True, http_only=False),
    Prefix("__Http-", secure=True, host_only=False, http_only=True),
    Prefix("__Secure-", secure=True, host_only=False, http_only=False),
    Prefix("", secure=False, host_only=False, http_only=False),
)
"""The first that fits counts, and the last fits every name. RFC 6265bis, section 4.1.3; the two with Http came late and
older browsers do not know them."""


def problems_of(values: Mapping[str, Any], label: Label) -> list[Problem]:
    """Return everything that is wrong with the values of a policy, every one of which is there.

    Raises:
        UsageError: A domain is given and the package with the public suffixes is missing (``extra_missing``).
    """
    problems = [problem for setting, rule in _RULES.items() for problem in rule(setting, values[setting])]
    wrong = {problem.setting for problem in problems}
    return [*problems, *_problems_together(values, wrong, label)]


def prefix_of(name: str) -> Prefix:
    """Return what a name's prefix promises browsers."""
    lower = name.lower()  # browsers compare without regard to case, and servers shall not be fooled by __HOST-
    return next(prefix for prefix in _PREFIXES if lower.startswith(prefix.text.lower()))


def _quoted(text: str) -> str:
    return ascii(text[:100])


def _wrong_type(setting: str, expected: str, value: object) -> Problem:
    problem = f"has the type {type(value).__name__}; expected {expected}."
    return Problem(setting, problem, f"give it {expected}.", code="setting_type")


def _bad_name(setting: str, name: str) -> Problem:
    problem = f"{_quoted(name)} is not a cookie name; expected 1 to 255 ASCII letters, digits and !#$%&'*+-.^_`|~"
    return Problem(setting, problem, f"use letters, digits and hyphens, for example {DEFAULT_NAME!r}.", code="bad_name")


def _name_problems(setting: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _wrong_type(setting, "a str", value)
    elif not is_cookie_name(value):
        yield _bad_name(setting, value)


def _previous_names_problems(setting: str, value: Any) -> Iterator[Problem]:
    if isinstance(value, str):
        problem = f"is the text {_quoted(value)}; expected a list, or each of its characters would be a name."
        names = ", ".join(_quoted(name.strip()) for name in value.split(","))
        yield Problem(setting, problem, f"write [{names}].", code="previous_names_text")
    elif not isinstance(value, list | tuple):
        yield _wrong_type(setting, "a list of str", value)
    else:
        for position, name in enumerate(value):
            if not isinstance(name, str):
                problem = f"holds a value of the type {type(name).__name__}; expected each to be a str."
                yield Problem(setting, problem, "give it a list of str.", code="setting_type")
            elif not is_cookie_name(name):
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
        lambda domain: without_port(domain_name(domain)) == "localhost",
        Problem(
            "domain",
            "has nothing above it to share a cookie with; browsers drop the cookie.",
            "leave it out (None): the cookie then belongs to the host alone.",
            code="domain_is_localhost",
        ),
    ),
    (
        lambda domain: is_address(without_port(domain_name(domain))),
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
        lambda domain: len(domain_name(domain)) > MAX_DOMAIN,
        Problem(
            "domain", f"is longer than {MAX_DOMAIN} characters.", "use a name that exists.", code="domain_too_long"
        ),
    ),
    (
        lambda domain: not is_domain(domain_name(domain)),
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
    domain = domain_name(value)
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


def domain_name(value: str) -> str:
    """Return a Domain as browsers keep it: in lower case, without its leading dot."""
    return value.removeprefix(".").lower()  # browsers ignore the dot: RFC 6265, section 5.2.3


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
    elif value.lower() not in SAME_SITES:
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
    prefix, dropped = prefix_of(values["name"]), "; browsers drop such a cookie."
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
