"""The diagnosis behind ``flask sealed-session check``: why a session gets lost, and where good practice is missed.

travel.py judges what becomes of sessions at an address, practices.py settings, way_in.py where people sign in and out,
coordination.py the coordinator, asking.py the provider; here is the application itself. The configuration has been
checked when the application started: nothing that ``init_app`` refuses is asked for again. Nothing is changed, and
nobody is asked but the coordinator and, where that is wanted, the provider.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import asking, coordination, state, travel, views, way_in
from .findings import Finding
from .places import Place
from .practices import practices, setting
from .state import AppState

_DEEPEST = 32
"""Layers of middleware that are looked at. Nobody has as many, and a ring of them has no end."""


def diagnose(
    app: Flask, addresses: Sequence[Place] = (), *, offline: bool = False, ask_provider: bool = False
) -> list[Finding]:
    """Return everything that there is to say about an application.

    Args:
        app: One that has a sealed session.
        addresses: Where people reach it, as ``places.parse`` reads them. Of several it is also said whether they
            share one session.
        offline: Leave the coordinator alone.
        ask_provider: Ask the provider what everybody may ask it. Takes up to 15 seconds.

    Raises:
        UsageError: The application has no sealed session (``not_initialised``).
    """
    app_state, addresses = state.of(app), list(dict.fromkeys(addresses))
    found = list(travel.judge(app_state, addresses))
    if not addresses:
        what = "What becomes of cookies and tokens on the way depends on the address, and none was given."
        if travel.is_sealed(app_state):
            what = "Whether browsers keep the cookie depends on the address, and none was given."
        found.append(Finding("note", "no_url", "--url", what, "give the address that people type: --url https://..."))
    asked = [] if offline else _coordinator(app)
    asked += asking.judge(app_state) if ask_provider else []
    rest = [*practices(app_state, addresses), *travel.audience(app_state), *way_in.judge(app, addresses), *asked]
    rest += _application(app, app_state, addresses)
    if not any(finding.level in ("error", "warning") for finding in rest):
        what = "No setting and no view is an error or worth a warning."
        found.append(Finding("ok", "application_sound", app.name, what))
    return found + rest


# The coordinator


def _coordinator(app: Flask) -> list[Finding]:
    """Judge the coordinator, where anybody asks it: for refreshes, or for sign-outs at every request."""
    app_state = state.of(app)
    if not app_state.coordinators:
        return []
    found = coordination.judge(*app_state.coordinators, refreshes=app_state.refresher is not None)
    return [*found, *coordination.own_file(app_state.config, app_state.coordinators[0])]


# The application


def _application(app: Flask, app_state: AppState, addresses: Sequence[Place]) -> Iterator[Finding]:
    yield from _unguarded(app)
    yield from _flask_session(app, app_state)
    yield from _proxy(app, app_state, addresses)
    if app_state.config.require_login:
        listed = ", ".join(sorted(endpoint for endpoint in app.view_functions if views.is_open(app, endpoint)))
        what = f"Open to everybody all the same: {listed or 'nothing'}."
        yield setting("note", "open_endpoints", "REQUIRE_LOGIN", what, "")


def _unguarded(app: Flask) -> Iterator[Finding]:
    """Find views that were registered before ``login_required`` had wrapped them."""
    for endpoint in views.ignored_guards(app):
        what = "The view is registered without its login_required: everybody can open it."
        fix = "write the route above: @app.get(...) first, @login_required below it, then the function."
        yield Finding("error", "login_required_ignored", _endpoint(endpoint), what, fix)


def _flask_session(app: Flask, app_state: AppState) -> Iterator[Finding]:
    """Ask again what ``init_app`` asked, for the name may have been set since; and of all that sessions come by."""
    eager = app_state.config.eager
    name = app.config["SESSION_COOKIE_NAME"]
    if name in [*travel.names(app_state), *([] if eager is None else [eager.name])]:
        what = f"{name!r} is the name of a cookie of ours as well: each overwrites or deletes the other."
        yield Finding("error", "name_of_flask_session", "SESSION_COOKIE_NAME", what, "choose another name.")


def _proxy(app: Flask, app_state: AppState, addresses: Sequence[Place]) -> Iterator[Finding]:
    https = next((place.url for place in addresses if place.scheme == "https"), None)
    if https is None or app.config["PREFERRED_URL_SCHEME"] == "https" or _knows_its_proxy(app.wsgi_app):
        return
    what = (
        "There is no ProxyFix. Behind a proxy that ends TLS the application then sees http, and perhaps another host: "
        "the addresses that it builds are wrong"
    )
    what += ", and if that is 127.0.0.1 the cookie goes without Secure." if travel.writes_cookies(app_state) else "."
    if app_state.config.auth_prefix is not None and app_state.config.redirect_uri is None:
        what += " Providers then refuse a sign-in, for its redirect URI is wrong, too."
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
