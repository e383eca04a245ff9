"""What ``check`` says of the settings: where they fall short of good practice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sealed_session.cookie import CookiePolicy, check
from sealed_session.login_state import LIFETIME
from sealed_session.sealer import MAX_COOKIE_BYTES, SIZE_WARN_BYTES

from . import travel
from .config import PREFIX, Config
from .findings import Finding, Level
from .places import Place
from .state import AppState

_HOST_PREFIX = "__Host-"


def practices(app: AppState, addresses: Sequence[Place]) -> Iterator[Finding]:
    """Judge the settings of an application that people reach at these addresses; of the cookies that it has alone."""
    config = app.config
    if travel.writes_cookies(app) and config.cookie.secure is False:
        what = "The cookie has no Secure even by https: whoever can listen to one request by http has the session."
        yield setting("warning", "secure_off", "COOKIE_SECURE", what, "leave it at 'auto', or set it to True.")
    for transport in travel.token_cookies(app):
        yield from _same_site("same_site of TokenCookies", transport.cookies.same_site, has_page=False)
    if travel.is_sealed(app):
        yield from _of_sealed_cookie(config, addresses)
    elif config.auth_prefix is not None:
        yield from _of_sign_ins(config)


def _of_sealed_cookie(config: Config, addresses: Sequence[Place]) -> Iterator[Finding]:
    cookie = config.cookie
    yield from _same_site(
        f"{PREFIX}COOKIE_SAMESITE",
        cookie.same_site,
        is_partitioned=cookie.partitioned,
        partitioned=f"{PREFIX}COOKIE_PARTITIONED",
        has_page=config.auth_prefix is not None,
    )
    yield from _scope(cookie, addresses)
    yield from _former_names(cookie)
    yield from _ages(config)
    yield from _sizes(config)
    fix = (
        "where people are served, the counter unseals says which password opens cookies (auth.counters.read(), in "
        "every process): ('opened', '0') is the present one, '1' the first fallback. So does "
        "current_session.password_index. Remove a fallback that has opened none for as long as a cookie lives."
    )
    yield from _fallbacks(config, fix)


def _of_sign_ins(config: Config) -> Iterator[Finding]:
    """Judge what, without a sealed cookie, is about the cookies of sign-ins in progress alone."""
    name = _host_name(config.cookie)
    if name is not None:
        what = "Sibling hosts can plant the cookie of a sign-in here: its name begins as this one does."
        fix = f"in production set {PREFIX}COOKIE_NAME = {name!r} and {PREFIX}COOKIE_SECURE = True."
        yield setting("note", "name_without_prefix", "COOKIE_NAME", what, fix)
    fix = f"they open sign-ins in progress and nothing else: remove them {LIFETIME // 60} minutes after the change."
    yield from _fallbacks(config, fix)


def _fallbacks(config: Config, fix: str) -> Iterator[Finding]:
    if len(config.ring) > 1:
        what = f"Former passwords that open cookies beside the present one: {len(config.ring) - 1}."
        yield setting("note", "fallbacks_present", "PASSWORD_FALLBACKS", what, fix)


def _same_site(
    subject: str, same_site: str, *, is_partitioned: bool = False, partitioned: str | None = None, has_page: bool
) -> Iterator[Finding]:
    """Judge SameSite.

    Args:
        subject: Where it is set.
        same_site: What it is set to.
        is_partitioned: Whether browsers keep the cookie apart by the embedding site.
        partitioned: The setting that has them do so; None where there is none.
        has_page: Whether a page of ours stands between a sign-in and the application.
    """
    if same_site == "None" and is_partitioned:
        what = (
            "Other sites may embed the application, and browsers keep a session for each of them apart; those that do "
            "not know Partitioned hold it back. Any site can send requests with it: forms need a token against forgery."
        )
        fix = "use 'Lax' where no other site embeds the application."
        yield Finding("note", "samesite_none", subject, what, fix)
    elif same_site == "None":
        what = (
            "Embedded in other sites, which is what None is for, Safari and Firefox hold the cookie back, and so does "
            "Chrome where people chose so. Any site can send requests with it: forms need a token against forgery."
        )
        fix = "use 'Lax'"
        if partitioned is not None:
            fix += f"; where other sites do embed the application, set {partitioned} = True"
        yield Finding("warning", "samesite_none", subject, what, f"{fix}.")
    elif same_site == "Strict":
        what = "Whoever follows a link from another site seems signed out on the first page"
        if has_page:
            what += ". Back from our own sign-in a small page in between sees to it that the cookie comes along."
        else:
            what += ", and so does whoever comes back from a sign-in page on another site."
        yield Finding("note", "samesite_strict", subject, what, "use 'Lax', unless you want exactly that.")


def _scope(cookie: CookiePolicy, addresses: Sequence[Place]) -> Iterator[Finding]:
    shared = len({place.name for place in addresses}) > 1  # whoever gives two hosts wants one session for them
    name = _host_name(cookie)
    if cookie.domain is not None:
        what = (
            f"Every host at and below {cookie.domain} is sent the cookie, and each can overwrite it: the session "
            "is as safe as the weakest of them."
        )
        fix = f"leave it out if one host is enough; a name that begins with {_HOST_PREFIX} then is the safest there is."
        yield setting("note" if shared else "warning", "domain_shared", "COOKIE_DOMAIN", what, fix)
    elif not shared and name is not None:
        what = "Sibling hosts can plant a cookie of this name here."
        fix = (
            f"in production set {PREFIX}COOKIE_NAME = {name!r} and {PREFIX}COOKIE_SECURE = True. "
            f"{PREFIX}COOKIE_PREVIOUS_NAMES = [{cookie.name!r}] keeps everybody signed in; while it is there, the old "
            "name can still be planted."
        )
        yield setting("note", "name_without_prefix", "COOKIE_NAME", what, fix)


def _host_name(cookie: CookiePolicy) -> str | None:
    """Return the name with which no sibling host could plant the cookie; None where it has it, or can have none."""
    name = _HOST_PREFIX + cookie.name.removeprefix("__Secure-")
    is_safe = cookie.name.lower().startswith(_HOST_PREFIX.lower())
    return None if is_safe or check({"name": name, "path": cookie.path, "secure": True}) else name


def _former_names(cookie: CookiePolicy) -> Iterator[Finding]:
    loose = [name for name in cookie.previous_names if not name.lower().startswith(_HOST_PREFIX.lower())]
    if cookie.name.lower().startswith(_HOST_PREFIX.lower()) and loose:
        what = f"Sibling hosts can plant a cookie under a former name, which is still read: {', '.join(loose)}."
        fix = "take it out when nobody comes with it any more; at the latest after COOKIE_MAX_AGE."
        yield setting("note", "former_name_without_prefix", "COOKIE_PREVIOUS_NAMES", what, fix)


def _ages(config: Config) -> Iterator[Finding]:
    if config.cookie.max_age is None:
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
