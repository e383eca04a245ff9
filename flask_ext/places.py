"""An address at which people reach an application, and what their browsers do with our cookie there.

Every judgement is about the Set-Cookie line that the application's own policy writes for the address, read as a browser
reads it. Nothing is fetched.

Sources: RFC 6265bis, sections 5.7 (storing) and 5.8 (sending); RFC 3986, section 3 (addresses).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from ipaddress import ip_address
from itertools import permutations
from urllib.parse import quote, urlsplit

from sealed_session import UsageError
from sealed_session.cookie import CookiePolicy, check
from sealed_session.public_suffix import is_public_suffix

from .config import PREFIX
from .findings import Finding

_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
_PATH_SAFE = "/:@!$&'()*+,;=~%"

_DOMAIN, _COOKIE_PATH, _SECURE = f"{PREFIX}COOKIE_DOMAIN", f"{PREFIX}COOKIE_PATH", f"{PREFIX}COOKIE_SECURE"
_NAME_KEY = f"{PREFIX}COOKIE_NAME"

_ALSO_NEEDED = "Each application needs the same password, COOKIE_NAME, COOKIE_PATH and coordinator as well."


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


def set_cookie_line(policy: CookiePolicy, place: Place) -> str:
    """Return the line that the policy writes there, with dots for the value."""
    return policy.set("...", place.scheme, place.host)


def attributes(policy: CookiePolicy, place: Place) -> dict[str, str]:
    """Return the attributes of that line, as a browser reads them: by their names in lower case."""
    pairs = (part.strip().partition("=") for part in set_cookie_line(policy, place).split(";")[1:])
    return {name.lower(): value for name, _, value in pairs}


def visit(policy: CookiePolicy, place: Place) -> list[Finding]:
    """Return what happens to the cookie at an address."""
    written = attributes(policy, place)
    found = [*_domain(policy, written, place), *_secure(written, place), *_path(written, place), *_remarks(place)]
    if any(finding.level == "error" for finding in found):
        return found
    what = f"Browsers keep the cookie and send it back: {set_cookie_line(policy, place)}"
    return [Finding("ok", "cookie_kept", place.url, what), *found]


def share(policy: CookiePolicy, places: Sequence[Place]) -> list[Finding]:
    """Return whether several addresses share one session. Nothing to say of a single one.

    Where others are given, those of this machine do not count: nobody shares a session with a developer's own.
    """
    places = [place for place in places if not place.is_this_machine] or places
    if len(places) < 2:
        return []
    pairs = [(one, other, attributes(policy, one)) for one, other in permutations(places, 2)]
    subject = " ".join(dict.fromkeys(place.url for place in places))
    apart = not all(_same_host(written, one, other) for one, other, written in pairs)
    found = [_not_shared(policy, places, subject)] if apart else []
    found += _schemes(policy, subject, pairs)
    what = f"A person who signs in at one of these is signed in at all of them. {_ALSO_NEEDED}"
    return found or [Finding("ok", "session_shared", subject, what)]


# One address


def _domain(policy: CookiePolicy, written: dict[str, str], place: Place) -> Iterator[Finding]:
    if policy.covers(place.host):
        return
    domain = written["domain"]
    what = f"The cookie has Domain={domain}, and this host is neither that nor below it: browsers drop the cookie."
    fix = f"serve the application from {domain} or below, or leave {_DOMAIN} out: the cookie is the host's alone then."
    if place.is_this_machine:
        fix = f"leave {_DOMAIN} out where you develop."
    yield Finding("error", "host_outside_domain", place.url, what, fix)


def _secure(written: dict[str, str], place: Place) -> Iterator[Finding]:
    if place.scheme == "https" or "secure" not in written:
        return
    if place.is_this_machine:
        what = (
            "The cookie has Secure here. Chrome and Firefox keep it, for this is the machine itself; Safari drops it, "
            "and older Chromes drop names that begin with __Host- or __Secure-."
        )
        fix = f"for Safari use https here too; or leave {_SECURE} at 'auto' here, with a name without prefix."
        yield Finding("note", "secure_on_this_machine", place.url, what, fix)
    else:
        what = "The cookie has Secure and the address is http: browsers drop the cookie."
        fix = f"serve it by https. {_SECURE} = False would let everybody on the way read the session."
        yield Finding("error", "secure_over_http", place.url, what, fix)


def _path(written: dict[str, str], place: Place) -> Iterator[Finding]:
    path = written["path"]
    if place.path == path or place.path.startswith(path if path.endswith("/") else f"{path}/"):
        return
    what = f"The cookie has Path={path}, and this page is not below it: browsers do not send the cookie here."
    fix = f"set {_COOKIE_PATH} = '/', or to a path that this page is below."
    yield Finding("error", "page_outside_path", place.url, what, fix)


def _remarks(place: Place) -> Iterator[Finding]:
    """Say what people wonder about afterwards. None of it costs the cookie."""
    if place.has_user:
        what = "The user name and password in the address were left out: cookies do not depend on them."
        yield Finding("note", "url_with_user", place.url, what)
    if place.port is not None:
        what = (
            f"Cookies do not tell ports apart: every server on {place.name} is sent this cookie, and one that uses the "
            "same name overwrites it."
        )
        yield Finding("note", "url_with_port", place.url, what, f"give each its own {_NAME_KEY} or its own host name.")
    if place.is_address:
        what = "The host is an IP address: the cookie belongs to this address alone, and no other host can share it."
        yield Finding("note", "host_is_ip", place.url, what)
    elif not place.is_this_machine and is_public_suffix(place.name.removesuffix(".")):
        what = (
            "The host is a public suffix, or a name without a dot: the cookie works here, and no host below can share "
            "it."
        )
        yield Finding("note", "host_is_public_suffix", place.url, what)


# Several


def _same_host(written: dict[str, str], one: Place, other: Place) -> bool:
    """Return whether what one sets is sent to the other, as far as hosts go."""
    domain = written.get("domain")
    if domain is None:
        return one.name == other.name
    return all(f".{place.name}".endswith(f".{domain}") for place in (one, other))


def _not_shared(policy: CookiePolicy, places: Sequence[Place], subject: str) -> Finding:
    owner = "host that set it alone" if policy.domain is None else f"hosts at and below {policy.domain}"
    what = f"These hosts do not share a session: the cookie belongs to the {owner}"
    parent = _common_parent(places)
    codes = {problem.code for problem in check({"domain": parent, "name": policy.name, "secure": policy.secure})}
    if parent is None or codes - {"prefix_needs_no_domain"}:
        what += ", and they have nothing in common that browsers let them share a cookie by."
        fix = (
            "give them names below one domain of yours, or let people sign in at each; the provider knows them by then."
        )
        return Finding("error", "session_not_shareable", subject, what, fix)
    rename = f" and give {_NAME_KEY} a name without the prefix __Host-, which forbids a Domain" if codes else ""
    fix = f"set {_DOMAIN} = {parent!r}{rename}. {_ALSO_NEEDED}"
    return Finding("error", "session_not_shared", subject, f"{what}.", fix)


def _schemes(
    policy: CookiePolicy, subject: str, pairs: Sequence[tuple[Place, Place, dict[str, str]]]
) -> Iterator[Finding]:
    if len({one.scheme for one, _, _ in pairs}) < 2:
        return
    if any("secure" in written and not other.is_trusted for _, other, written in pairs):
        what = "They differ in http and https, and the cookie has Secure: browsers do not send it by http."
        yield Finding("error", "schemes_differ", subject, what, "serve all of them by https.")
    elif policy.same_site != "None":
        what = (
            "They differ in http and https. To browsers these are different sites: SameSite keeps the cookie back from "
            "forms and scripts that go from one to the other."
        )
        yield Finding("warning", "schemes_differ", subject, what, "serve all of them by the same scheme.")


def _common_parent(places: Sequence[Place]) -> str | None:
    """Return the longest name that every host is or is below; None where there is none."""
    if any(place.is_address for place in places):
        return None
    return ".".join(reduce(_common, (place.name.split(".")[::-1] for place in places))[::-1]) or None


def _common(labels: list[str], others: list[str]) -> list[str]:
    same = 0
    while same < min(len(labels), len(others)) and labels[same] == others[same]:
        same += 1
    return labels[:same]


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
