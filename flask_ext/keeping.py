"""What browsers do with our cookies at the addresses of an application: whether they keep them and send them back.

Every judgement is about the Set-Cookie line that the application's own policy writes for the address, read as a browser
reads it. Nothing is fetched.

Source: RFC 6265bis, sections 5.7 (storing) and 5.8 (sending).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import permutations
from typing import NamedTuple

from sealed_session.cookie import CookiePolicy, check
from sealed_session.public_suffix import is_public_suffix

from .config import PREFIX
from .findings import Finding
from .places import Place

_NAME, _SECURE = f"{PREFIX}COOKIE_NAME", f"{PREFIX}COOKIE_SECURE"


@dataclass(frozen=True, slots=True)
class OurCookie:
    """A cookie that we write, and what people know its settings by.

    Attributes:
        policy_at: Returns how it is set at an address.
        called: What a sentence about it begins with.
        name: The setting of its name.
        domain: The setting of its Domain; None where that is derived from something else.
        path: The setting of its path.
        also_needed: What applications that share it need beside the cookie.
    """

    policy_at: Callable[[Place], CookiePolicy]
    called: str = "The cookie"
    name: str = _NAME
    domain: str | None = f"{PREFIX}COOKIE_DOMAIN"
    path: str = f"{PREFIX}COOKIE_PATH"
    also_needed: str = "Each application needs the same password, COOKIE_NAME, COOKIE_PATH and coordinator as well."


class _Pair(NamedTuple):
    """Two addresses, and the attributes of what is set at the first one."""

    one: Place
    other: Place
    written: dict[str, str]


def sealed(policy: CookiePolicy) -> OurCookie:
    """Return the sealed cookie, whose policy is the same everywhere."""
    return OurCookie(lambda _place: policy)


def set_cookie_line(policy: CookiePolicy, place: Place) -> str:
    """Return the line that the policy writes there, with dots for the value."""
    return policy.set("...", place.scheme, place.host)


def attributes(policy: CookiePolicy, place: Place) -> dict[str, str]:
    """Return the attributes of that line, as a browser reads them: by their names in lower case."""
    pairs = (part.strip().partition("=") for part in set_cookie_line(policy, place).split(";")[1:])
    return {name.lower(): value for name, _, value in pairs}


def visit(cookie: OurCookie, place: Place) -> list[Finding]:
    """Return what happens to a cookie at an address."""
    policy = cookie.policy_at(place)
    written = attributes(policy, place)
    found = [
        *_domain(cookie, policy, written, place),
        *_secure(cookie, written, place),
        *_path(cookie, written, place),
    ]
    if any(finding.level == "error" for finding in found):
        return found
    called = cookie.called[:1].lower() + cookie.called[1:]
    what = f"Browsers keep {called} and send it back: {set_cookie_line(policy, place)}"
    return [Finding("ok", "cookie_kept", place.url, what), *found]


def remarks(place: Place, name: str = _NAME) -> Iterator[Finding]:
    """Say what people wonder about afterwards. None of it costs a cookie.

    Args:
        place: The address.
        name: The setting of the cookie's name.
    """
    if place.has_user:
        what = "The user name and password in the address were left out: cookies do not depend on them."
        yield Finding("note", "url_with_user", place.url, what)
    if place.port is not None:
        what = (
            f"Cookies do not tell ports apart: every server on {place.name} is sent this cookie, and one that uses the "
            "same name overwrites it."
        )
        yield Finding("note", "url_with_port", place.url, what, f"give each its own {name} or its own host name.")
    if place.is_address:
        what = "The host is an IP address: the cookie belongs to this address alone, and no other host can share it."
        yield Finding("note", "host_is_ip", place.url, what)
    elif not place.is_this_machine and is_public_suffix(place.name.removesuffix(".")):
        what = (
            "The host is a public suffix, or a name without a dot: the cookie works here, and no host below can share "
            "it."
        )
        yield Finding("note", "host_is_public_suffix", place.url, what)


def share(cookie: OurCookie, places: Sequence[Place]) -> list[Finding]:
    """Return whether several addresses share one session. Nothing to say of a single one.

    Where others are given, those of this machine do not count: nobody shares a session with a developer's own.
    """
    places = [place for place in places if not place.is_this_machine] or places
    if len(places) < 2:
        return []
    pairs = [_Pair(one, other, attributes(cookie.policy_at(one), one)) for one, other in permutations(places, 2)]
    subject = " ".join(dict.fromkeys(place.url for place in places))
    found = [] if all(map(_is_sent, pairs)) else [_not_shared(cookie, places, pairs, subject)]
    found += _schemes(pairs, subject)
    what = f"A person who signs in at one of these is signed in at all of them. {cookie.also_needed}"
    return found or [Finding("ok", "session_shared", subject, what)]


# One address


def _domain(cookie: OurCookie, policy: CookiePolicy, written: dict[str, str], place: Place) -> Iterator[Finding]:
    if policy.covers(place.host):
        return
    domain, setting = written["domain"], cookie.domain
    what = f"{cookie.called} has Domain={domain}, and this host is neither that nor below it: browsers drop the cookie."
    fix = f"serve the application from {domain} or below"
    if setting is not None and place.is_this_machine:
        fix = f"leave {setting} out where you develop"
    elif setting is not None:
        fix += f", or leave {setting} out: the cookie is the host's alone then"
    yield Finding("error", "host_outside_domain", place.url, what, f"{fix}.")


def _secure(cookie: OurCookie, written: dict[str, str], place: Place) -> Iterator[Finding]:
    if place.scheme == "https" or "secure" not in written:
        return
    if place.is_this_machine:
        what = (
            f"{cookie.called} has Secure here. Chrome and Firefox keep it, for this is the machine itself; Safari "
            "drops it, and older Chromes drop names that begin with __Host- or __Secure-."
        )
        fix = f"for Safari use https here too; or leave {_SECURE} at 'auto' here, with a name without prefix."
        yield Finding("note", "secure_on_this_machine", place.url, what, fix)
    else:
        what = f"{cookie.called} has Secure and the address is http: browsers drop the cookie."
        fix = f"serve it by https. {_SECURE} = False would let everybody on the way read the session."
        yield Finding("error", "secure_over_http", place.url, what, fix)


def _path(cookie: OurCookie, written: dict[str, str], place: Place) -> Iterator[Finding]:
    path = written["path"]
    if place.path == path or place.path.startswith(path if path.endswith("/") else f"{path}/"):
        return
    what = f"{cookie.called} has Path={path}, and this page is not below it: browsers do not send the cookie here."
    fix = f"set {cookie.path} = '/', or to a path that this page is below."
    yield Finding("error", "page_outside_path", place.url, what, fix)


# Several


def _is_sent(pair: _Pair) -> bool:
    """Return whether what one sets is sent to the other, as far as hosts go."""
    domain = pair.written.get("domain")
    if domain is None:
        return pair.one.name == pair.other.name
    return all(f".{place.name}".endswith(f".{domain}") for place in (pair.one, pair.other))


def _not_shared(cookie: OurCookie, places: Sequence[Place], pairs: Sequence[_Pair], subject: str) -> Finding:
    policy, parent = cookie.policy_at(places[0]), _common_parent(places)
    what = f"These hosts do not share a session: the cookie belongs to the {_owner(pairs)}"
    codes = {problem.code for problem in check({"domain": parent, "name": policy.name, "secure": policy.secure})}
    if parent is None or codes - {"prefix_needs_no_domain"}:
        what += ", and they have nothing in common that browsers let them share a cookie by."
        fix = (
            "give them names below one domain of yours, or let people sign in at each; the provider knows them by then."
        )
        return Finding("error", "session_not_shareable", subject, what, fix)
    rename = f" and give {cookie.name} a name without the prefix __Host-, which forbids a Domain" if codes else ""
    fix = f"set {cookie.domain} = {parent!r}{rename}."
    if cookie.domain is None:
        fix = f"serve all of them from {policy.domain} or below."
    return Finding("error", "session_not_shared", subject, f"{what}.", f"{fix} {cookie.also_needed}")


def _owner(pairs: Sequence[_Pair]) -> str:
    """Return whose the cookie is, after "the"."""
    domains = {pair.written.get("domain") for pair in pairs}
    if len(domains) > 1:
        return "hosts at and below the one that set it"
    domain = domains.pop()
    return "host that set it alone" if domain is None else f"hosts at and below {domain}"


def _schemes(pairs: Sequence[_Pair], subject: str) -> Iterator[Finding]:
    if len({one.scheme for one, _, _ in pairs}) < 2:
        return
    if any("secure" in written and not other.is_trusted for _, other, written in pairs):
        what = "They differ in http and https, and the cookie has Secure: browsers do not send it by http."
        yield Finding("error", "schemes_differ", subject, what, "serve all of them by https.")
    elif any(written["samesite"] != "None" for _, _, written in pairs):
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
