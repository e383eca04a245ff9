"""The diagnosis behind ``flask sealed-session check``: why a session gets lost, and where good practice is missed.

places.py judges addresses; here are the settings and the application itself. The configuration has been checked when
the application started: nothing that ``init_app`` refuses is asked for again. Nothing is fetched, and nothing changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from inspect import unwrap
from typing import Any

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BuildError, RequestRedirect

from sealed_session import UsageError
from sealed_session.cookie import CookiePolicy, check
from sealed_session.sealer import MAX_COOKIE_BYTES, SIZE_WARN_BYTES

from . import answers, places, state, views
from .config import PREFIX, Config
from .findings import Finding, Level
from .places import Place

_HOST_PREFIX = "__Host-"
_DEEPEST = 32
"""Layers of middleware that are looked at. Nobody has as many, and a ring of them has no end."""


def diagnose(app: Flask, addresses: Sequence[Place] = ()) -> list[Finding]:
    """Return everything that there is to say about an application.

    Args:
        app: One that has a sealed session.
        addresses: Where people reach it, as ``places.parse`` reads them. Of several it is also said whether they
            share one session.

    Raises:
        UsageError: The application has no sealed session (``not_initialised``).
    """
    config, addresses = state.of(app).config, list(dict.fromkeys(addresses))
    found = [finding for place in addresses for finding in places.visit(config.cookie, place)]
    found += places.share(config.cookie, addresses)
    if not addresses:
        what = "Whether browsers keep the cookie depends on the address, and none was given."
        found.append(Finding("note", "no_url", "--url", what, "give the address that people type: --url https://..."))
    rest = [*_practices(config, addresses), *_application(app, config, addresses)]
    if not any(finding.level in ("error", "warning") for finding in rest):
        what = "No setting and no view is an error or worth a warning."
        found.append(Finding("ok", "application_sound", app.name, what))
    return found + rest


# The settings


def _practices(config: Config, addresses: Sequence[Place]) -> Iterator[Finding]:
    cookie = config.cookie
    written = places.attributes(cookie, Place("https", cookie.domain or "example.com", None, cookie.path))
    if "secure" not in written:
        what = "The cookie has no Secure even by https: whoever can listen to one request by http has the session."
        yield _setting("warning", "secure_off", "COOKIE_SECURE", what, "leave it at 'auto', or set it to True.")
    yield from _same_site(written)
    yield from _scope(cookie, written, addresses)
    yield from _former_names(cookie)
    yield from _ages(config, written)
    yield from _sizes(config)
    if len(config.ring) > 1:
        what = f"Former passwords that open cookies beside the present one: {len(config.ring) - 1}."
        fix = (
            "count current_session.password_index: above 0 it was a fallback that opened a cookie. Remove a fallback "
            "that has opened none for as long as a cookie lives."
        )
        yield _setting("note", "fallbacks_present", "PASSWORD_FALLBACKS", what, fix)


def _same_site(written: dict[str, str]) -> Iterator[Finding]:
    same_site, key = written["samesite"], "COOKIE_SAMESITE"
    if same_site == "None" and "partitioned" in written:
        what = (
            "Other sites may embed the application, and browsers keep a session for each of them apart; those that do "
            "not know Partitioned hold it back. Any site can send requests with it: forms need a token against forgery."
        )
        yield _setting("note", "samesite_none", key, what, "use 'Lax' where no other site embeds the application.")
    elif same_site == "None":
        what = (
            "Embedded in other sites, which is what None is for, Safari and Firefox hold the cookie back, and so does "
            "Chrome where people chose so. Any site can send requests with it: forms need a token against forgery."
        )
        fix = f"use 'Lax'; where other sites do embed the application, set {PREFIX}COOKIE_PARTITIONED = True."
        yield _setting("warning", "samesite_none", key, what, fix)
    elif same_site == "Strict":
        what = (
            "Whoever follows a link from another site seems signed out on the first page, and so does whoever comes "
            "back from a sign-in page on another site."
        )
        yield _setting("note", "samesite_strict", key, what, "use 'Lax', unless you want exactly that.")


def _scope(cookie: CookiePolicy, written: dict[str, str], addresses: Sequence[Place]) -> Iterator[Finding]:
    shared = len({place.name for place in addresses}) > 1  # whoever gives two hosts wants one session for them
    if "domain" in written:
        what = (
            f"Every host at and below {written['domain']} is sent the cookie, and each can overwrite it: the session "
            "is as safe as the weakest of them."
        )
        fix = f"leave it out if one host is enough; a name that begins with {_HOST_PREFIX} then is the safest there is."
        yield _setting("note" if shared else "warning", "domain_shared", "COOKIE_DOMAIN", what, fix)
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
        yield _setting("note", "name_without_prefix", "COOKIE_NAME", what, fix)


def _former_names(cookie: CookiePolicy) -> Iterator[Finding]:
    loose = [name for name in cookie.previous_names if not name.lower().startswith(_HOST_PREFIX.lower())]
    if cookie.name.lower().startswith(_HOST_PREFIX.lower()) and loose:
        what = f"Sibling hosts can plant a cookie under a former name, which is still read: {', '.join(loose)}."
        fix = "take it out when nobody comes with it any more; at the latest after COOKIE_MAX_AGE."
        yield _setting("note", "former_name_without_prefix", "COOKIE_PREVIOUS_NAMES", what, fix)


def _ages(config: Config, written: dict[str, str]) -> Iterator[Finding]:
    if "max-age" not in written:
        what = "The cookie has no Max-Age: it is gone when the browser closes, and so is the session."
        yield _setting(
            "note", "ends_with_browser", "COOKIE_MAX_AGE", what, "leave it out for 400 days, or set seconds."
        )
    if config.absolute_lifetime is None:
        what = "A session can be renewed for ever, and so can a stolen copy of its cookie."
        fix = "set the seconds after which everybody has to sign in again."
        yield _setting("note", "no_absolute_lifetime", "ABSOLUTE_LIFETIME", what, fix)


def _sizes(config: Config) -> Iterator[Finding]:
    most, warned = config.max_cookie_bytes, config.size_warn_bytes
    if most > MAX_COOKIE_BYTES:
        what = f"Safari drops cookies of more than {MAX_COOKIE_BYTES} characters without a word; this allows {most}."
        yield _setting("warning", "size_limit_high", "MAX_COOKIE_BYTES", what, f"set it to {MAX_COOKIE_BYTES} or less.")
    if warned >= most:
        what = f"It is {warned} and the limit {most}: the session is refused before anybody was warned."
        fix = f"set it below {PREFIX}MAX_COOKIE_BYTES."
        yield _setting("warning", "size_warning_late", "SIZE_WARN_BYTES", what, fix)
    elif warned > SIZE_WARN_BYTES:
        what = f"Some proxies refuse a cookie from about 3575 characters on; the warning comes at {warned}."
        fix = f"set it to {SIZE_WARN_BYTES} or less, unless you know every proxy on the way."
        yield _setting("warning", "size_warning_late", "SIZE_WARN_BYTES", what, fix)


def _setting(level: Level, code: str, key: str, what: str, fix: str) -> Finding:
    return Finding(level, code, PREFIX + key, what, fix)


# The application


def _application(app: Flask, config: Config, addresses: Sequence[Place]) -> Iterator[Finding]:
    yield from _unguarded(app)
    yield from _login_view(app, config, addresses)
    yield from _flask_session(app, config)
    yield from _proxy(app, addresses)
    if config.require_login:
        listed = ", ".join(sorted(endpoint for endpoint in app.view_functions if views.is_open(app, endpoint)))
        what = f"Open to everybody all the same: {listed or 'nothing'}."
        yield _setting("note", "open_endpoints", "REQUIRE_LOGIN", what, "")


def _unguarded(app: Flask) -> Iterator[Finding]:
    """Find views that were registered before ``login_required`` had wrapped them."""
    for endpoint in views.ignored_guards(app):
        what = "The view is registered without its login_required: everybody can open it."
        fix = "write the route above: @app.get(...) first, @login_required below it, then the function."
        yield Finding("error", "login_required_ignored", _endpoint(endpoint), what, fix)


def _login_view(app: Flask, config: Config, addresses: Sequence[Place]) -> Iterator[Finding]:
    view = config.login_view
    if view is None:
        return
    if view.startswith(("http://", "https://")):
        yield from _login_address(app, view, addresses)
    elif view.startswith("/"):
        yield from _login_path(app, view)
    else:
        yield from _login_endpoint(app, view)


def _login_address(app: Flask, view: str, addresses: Sequence[Place]) -> Iterator[Finding]:
    known = {place.name for place in addresses} | {str(app.config["SERVER_NAME"] or "").partition(":")[0]}
    try:
        host = places.parse(view).name
    except UsageError:
        fix = "write it whole, or name an endpoint."
        yield _setting("error", "login_view_unknown", "LOGIN_VIEW", "It is no address that a browser could open.", fix)
        return
    if host not in known:
        what = "It is on another host. The argument next is a path here, and that host cannot know where here is."
        fix = "name a view of this application, which may redirect there."
        yield _setting("warning", "login_view_elsewhere", "LOGIN_VIEW", what, fix)


def _login_path(app: Flask, view: str) -> Iterator[Finding]:
    with app.test_request_context(view):
        endpoint, redirected = request.endpoint, isinstance(request.routing_exception, RequestRedirect)
    if redirected:  # to the same with a slash at its end
        return
    if endpoint is None:
        what = "It is a path that no view of this application answers."
        fix = "name an endpoint; leave the path only where something else answers it."
        yield _setting("note", "login_view_unrouted", "LOGIN_VIEW", what, fix)
    elif _is_guarded(app.view_functions[endpoint]):
        yield _login_view_closed(endpoint)


def _login_endpoint(app: Flask, view: str) -> Iterator[Finding]:
    if view not in app.view_functions:
        near = get_close_matches(view, app.view_functions, 1)
        fix = f"did you mean {near[0]!r}?" if near else "`flask routes` lists the endpoints."
        yield _setting("error", "login_view_unknown", "LOGIN_VIEW", f"There is no endpoint {view!r}.", fix)
    elif not _can_be_built(app):
        what = f"The address of the endpoint {view!r} cannot be built: it takes arguments."
        yield _setting("error", "login_view_unknown", "LOGIN_VIEW", what, "name one that takes none.")
    elif _is_guarded(app.view_functions[view]):
        yield _login_view_closed(view)


def _login_view_closed(endpoint: str) -> Finding:
    what = f"The endpoint {endpoint!r} is only for people who are signed in: browsers are redirected without end."
    return _setting("error", "login_view_closed", "LOGIN_VIEW", what, "take login_required off it.")


def _can_be_built(app: Flask) -> bool:
    with app.test_request_context():
        try:
            answers.login_url()
        except BuildError:
            return False
    return True


def _is_guarded(view: Any) -> bool:
    """Return whether a view stands under ``login_required``, with whatever other decorators around it."""
    inner = getattr(view, "__wrapped__", None)
    return hasattr(unwrap(inner, stop=lambda layer: hasattr(layer, views.GUARDED)), views.GUARDED)  # type: ignore[arg-type]


def _flask_session(app: Flask, config: Config) -> Iterator[Finding]:
    """Ask again what ``init_app`` asked, for the name may have been set since; and of former names, too."""
    eager = () if config.eager is None else (config.eager.name,)
    name = app.config["SESSION_COOKIE_NAME"]
    if name in (config.cookie.name, *config.cookie.previous_names, *eager):
        what = f"{name!r} is the name of a cookie of ours as well: each overwrites or deletes the other."
        yield Finding("error", "name_of_flask_session", "SESSION_COOKIE_NAME", what, "choose another name.")


def _proxy(app: Flask, addresses: Sequence[Place]) -> Iterator[Finding]:
    https = next((place.url for place in addresses if place.scheme == "https"), None)
    if https is None or app.config["PREFERRED_URL_SCHEME"] == "https" or _knows_its_proxy(app.wsgi_app):
        return
    what = (
        "There is no ProxyFix. Behind a proxy that ends TLS the application then sees http, and perhaps another host: "
        "the addresses that it builds are wrong, and if that is 127.0.0.1 the cookie goes without Secure."
    )
    fix = "behind such a proxy: app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1), from werkzeug."
    yield Finding("note", "no_proxy_fix", https, what, fix)


def _knows_its_proxy(layer: Any) -> bool:
    """Return whether a ProxyFix that reads X-Forwarded-Proto is among the layers of middleware."""
    for _ in range(_DEEPEST):
        if isinstance(layer, ProxyFix) and layer.x_proto:
            return True
        layer = getattr(layer, "app", None)
    return False


def _endpoint(name: str) -> str:
    return f"endpoint {name}"
