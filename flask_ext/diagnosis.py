"""The diagnosis behind ``flask sealed-session check``: why a session gets lost, and where good practice is missed.

places.py judges addresses, practices.py settings, coordination.py the coordinator; here is the application itself. The
configuration has been checked when the application started: nothing that ``init_app`` refuses is asked for again.
Nothing is changed, and nobody but the coordinator is asked.
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

from . import answers, coordination, places, state, views
from .config import Config
from .findings import Finding
from .places import Place
from .practices import practices, setting

_DEEPEST = 32
"""Layers of middleware that are looked at. Nobody has as many, and a ring of them has no end."""


def diagnose(app: Flask, addresses: Sequence[Place] = (), *, offline: bool = False) -> list[Finding]:
    """Return everything that there is to say about an application.

    Args:
        app: One that has a sealed session.
        addresses: Where people reach it, as ``places.parse`` reads them. Of several it is also said whether they
            share one session.
        offline: Leave the coordinator alone.

    Raises:
        UsageError: The application has no sealed session (``not_initialised``).
    """
    config, addresses = state.of(app).config, list(dict.fromkeys(addresses))
    found = [finding for place in addresses for finding in places.visit(config.cookie, place)]
    found += places.share(config.cookie, addresses)
    if not addresses:
        what = "Whether browsers keep the cookie depends on the address, and none was given."
        found.append(Finding("note", "no_url", "--url", what, "give the address that people type: --url https://..."))
    asked = [] if offline else _coordinator(app)
    rest = [*practices(config, addresses), *asked, *_application(app, config, addresses)]
    if not any(finding.level in ("error", "warning") for finding in rest):
        what = "No setting and no view is an error or worth a warning."
        found.append(Finding("ok", "application_sound", app.name, what))
    return found + rest


# The coordinator


def _coordinator(app: Flask) -> list[Finding]:
    """Judge the coordinator, where there is a provider: without one nothing is refreshed, and nobody asks it."""
    refresher = state.of(app).refresher
    if refresher is None:
        return []
    ledger = refresher._ledger
    return coordination.judge(ledger._shared._inner, *ledger._stores[1:-1])


# The application


def _application(app: Flask, config: Config, addresses: Sequence[Place]) -> Iterator[Finding]:
    yield from _unguarded(app)
    yield from _login_view(app, config, addresses)
    yield from _flask_session(app, config)
    yield from _proxy(app, addresses)
    if config.require_login:
        listed = ", ".join(sorted(endpoint for endpoint in app.view_functions if views.is_open(app, endpoint)))
        what = f"Open to everybody all the same: {listed or 'nothing'}."
        yield setting("note", "open_endpoints", "REQUIRE_LOGIN", what, "")


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
        yield setting("error", "login_view_unknown", "LOGIN_VIEW", "It is no address that a browser could open.", fix)
        return
    if host not in known:
        what = "It is on another host. The argument next is a path here, and that host cannot know where here is."
        fix = "name a view of this application, which may redirect there."
        yield setting("warning", "login_view_elsewhere", "LOGIN_VIEW", what, fix)


def _login_path(app: Flask, view: str) -> Iterator[Finding]:
    with app.test_request_context(view):
        endpoint, redirected = request.endpoint, isinstance(request.routing_exception, RequestRedirect)
    if redirected:  # to the same with a slash at its end
        return
    if endpoint is None:
        what = "It is a path that no view of this application answers."
        fix = "name an endpoint; leave the path only where something else answers it."
        yield setting("note", "login_view_unrouted", "LOGIN_VIEW", what, fix)
    elif _is_guarded(app.view_functions[endpoint]):
        yield _login_view_closed(endpoint)


def _login_endpoint(app: Flask, view: str) -> Iterator[Finding]:
    if view not in app.view_functions:
        near = get_close_matches(view, app.view_functions, 1)
        fix = f"did you mean {near[0]!r}?" if near else "`flask routes` lists the endpoints."
        yield setting("error", "login_view_unknown", "LOGIN_VIEW", f"There is no endpoint {view!r}.", fix)
    elif not _can_be_built(app):
        what = f"The address of the endpoint {view!r} cannot be built: it takes arguments."
        yield setting("error", "login_view_unknown", "LOGIN_VIEW", what, "name one that takes none.")
    elif _is_guarded(app.view_functions[view]):
        yield _login_view_closed(view)


def _login_view_closed(endpoint: str) -> Finding:
    what = f"The endpoint {endpoint!r} is only for people who are signed in: browsers are redirected without end."
    return setting("error", "login_view_closed", "LOGIN_VIEW", what, "take login_required off it.")


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
