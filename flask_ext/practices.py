"""What ``check`` says of the settings: where they fall short of good practice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sealed_session.cookie import CookiePolicy, check
from sealed_session.sealer import MAX_COOKIE_BYTES, SIZE_WARN_BYTES

from . import places
from .config import PREFIX, Config
from .findings import Finding, Level
from .places import Place

_HOST_PREFIX = "__Host-"


def practices(config: Config, addresses: Sequence[Place]) -> Iterator[Finding]:
    """Judge the settings, for an application that people reach at these addresses."""
    cookie = config.cookie
    written = places.attributes(cookie, Place("https", cookie.domain or "example.com", None, cookie.path))
    if "secure" not in written:
        what = "The cookie has no Secure even by https: whoever can listen to one request by http has the session."
        yield setting("warning", "secure_off", "COOKIE_SECURE", what, "leave it at 'auto', or set it to True.")
    yield from _same_site(config, written)
    yield from _scope(cookie, written, addresses)
    yield from _former_names(cookie)
    yield from _ages(config, written)
    yield from _sizes(config)
    if len(config.ring) > 1:
        what = f"Former passwords that open cookies beside the present one: {len(config.ring) - 1}."
        fix = (
            "where people are served, the counter unseals says which password opens cookies (auth.counters.read(), in "
            "every process): ('opened', '0') is the present one, '1' the first fallback. So does "
            "current_session.password_index. Remove a fallback that has opened none for as long as a cookie lives."
        )
        yield setting("note", "fallbacks_present", "PASSWORD_FALLBACKS", what, fix)


def _same_site(config: Config, written: dict[str, str]) -> Iterator[Finding]:
    same_site, key = written["samesite"], "COOKIE_SAMESITE"
    if same_site == "None" and "partitioned" in written:
        what = (
            "Other sites may embed the application, and browsers keep a session for each of them apart; those that do "
            "not know Partitioned hold it back. Any site can send requests with it: forms need a token against forgery."
        )
        yield setting("note", "samesite_none", key, what, "use 'Lax' where no other site embeds the application.")
    elif same_site == "None":
        what = (
            "Embedded in other sites, which is what None is for, Safari and Firefox hold the cookie back, and so does "
            "Chrome where people chose so. Any site can send requests with it: forms need a token against forgery."
        )
        fix = f"use 'Lax'; where other sites do embed the application, set {PREFIX}COOKIE_PARTITIONED = True."
        yield setting("warning", "samesite_none", key, what, fix)
    elif same_site == "Strict":
        what = "Whoever follows a link from another site seems signed out on the first page"
        if config.auth_prefix is None:
            what += ", and so does whoever comes back from a sign-in page on another site."
        else:
            what += ". Back from our own sign-in a small page in between sees to it that the cookie comes along."
        yield setting("note", "samesite_strict", key, what, "use 'Lax', unless you want exactly that.")


def _scope(cookie: CookiePolicy, written: dict[str, str], addresses: Sequence[Place]) -> Iterator[Finding]:
    shared = len({place.name for place in addresses}) > 1  # whoever gives two hosts wants one session for them
    if "domain" in written:
        what = (
            f"Every host at and below {written['domain']} is sent the cookie, and each can overwrite it: the session "
            "is as safe as the weakest of them."
        )
        fix = f"leave it out if one host is enough; a name that begins with {_HOST_PREFIX} then is the safest there is."
        yield setting("note" if shared else "warning", "domain_shared", "COOKIE_DOMAIN", what, fix)
    elif not shared and not cookie.name.lower().startswith(_HOST_PREFIX.lower()):
        yield from _better_name(cookie)


def _better_name(cookie: CookiePolicy) -> Iterator[Finding]:
    name = _HOST_PREFIX + cookie.name.removeprefix("__Secure-")
    if not check({"name": name, "path": cookie.path, "secure": True}):
        what = "Sibling hosts can plant a cookie of this name here."
        fix = (
            f"in production set {PREFIX}COOKIE_NAME = {name!r} and {PREFIX}COOKIE_SECURE = True. "
            f"{PREFIX}COOKIE_PREVIOUS_NAMES = [{cookie.name!r}] keeps everybody signed in; while it is there, the old "
            "name can still be planted."
        )
        yield setting("note", "name_without_prefix", "COOKIE_NAME", what, fix)


def _former_names(cookie: CookiePolicy) -> Iterator[Finding]:
    loose = [name for name in cookie.previous_names if not name.lower().startswith(_HOST_PREFIX.lower())]
    if cookie.name.lower().startswith(_HOST_PREFIX.lower()) and loose:
        what = f"Sibling hosts can plant a cookie under a former name, which is still read: {', '.join(loose)}."
        fix = "take it out when nobody comes with it any more; at the latest after COOKIE_MAX_AGE."
        yield setting("note", "former_name_without_prefix", "COOKIE_PREVIOUS_NAMES", what, fix)


def _ages(config: Config, written: dict[str, str]) -> Iterator[Finding]:
    if "max-age" not in written:
        what = "The cookie has no Max-Age: it is gone when the browser closes, and so is the session."
        yield setting("note", "ends_with_browser", "COOKIE_MAX_AGE", what, "leave it out for 400 days, or set seconds.")
    if config.absolute_lifetime is None:
        what = "A session can be renewed for ever, and so can a stolen copy of its cookie."
        fix = "set the seconds after which everybody has to sign in again."
        yield setting("note", "no_absolute_lifetime", "ABSOLUTE_LIFETIME", what, fix)


def _sizes(config: Config) -> Iterator[Finding]:
    most, warned = config.max_cookie_bytes, config.size_warn_bytes
    if most > MAX_COOKIE_BYTES:
        what = f"Safari drops cookies of more than {MAX_COOKIE_BYTES} characters without a word; this allows {most}."
        yield setting("warning", "size_limit_high", "MAX_COOKIE_BYTES", what, f"set it to {MAX_COOKIE_BYTES} or less.")
    if warned >= most:
        what = f"It is {warned} and the limit {most}: the session is refused before anybody was warned."
        fix = f"set it below {PREFIX}MAX_COOKIE_BYTES."
        yield setting("warning", "size_warning_late", "SIZE_WARN_BYTES", what, fix)
    elif warned > SIZE_WARN_BYTES:
        what = f"Some proxies refuse a cookie from about 3575 characters on; the warning comes at {warned}."
        fix = f"set it to {SIZE_WARN_BYTES} or less, unless you know every proxy on the way."
        yield setting("warning", "size_warning_late", "SIZE_WARN_BYTES", what, fix)


def setting(level: Level, code: str, key: str, what: str, fix: str) -> Finding:
    """Return what there is to say about a setting, by its key without the prefix."""
    return Finding(level, code, PREFIX + key, what, fix)
