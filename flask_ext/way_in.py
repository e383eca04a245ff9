"""What ``check`` says of the ways in and out: the login view, the way back from a sign-in, and where signing out leads.

Nobody is asked. Where people come back to is what the application itself would tell the provider.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from inspect import unwrap
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, request, url_for
from werkzeug.routing import BuildError, RequestRedirect

from sealed_session import UsageError

from . import answers, places, state, travel, views
from .config import AUTH_BLUEPRINT, PREFIX, Config
from .findings import Finding
from .places import Place
from .practices import setting
from .state import AppState

_PORTS = {"http": 80, "https": 443}


def judge(app: Flask, addresses: Sequence[Place]) -> Iterator[Finding]:
    """Judge the ways in and out of an application that people reach at these addresses."""
    app_state = state.of(app)
    yield from _login_view(app, app_state.config, addresses)
    yield from _no_way_in(app, app_state)
    if app_state.config.auth_prefix is None:
        return
    for place in addresses:
        yield _way_back(app, app_state, place)
    yield from _logout_path(app, app_state)
    yield from _way_out(app, app_state)
    yield from _back_channel(app_state)


# The way back from a sign-in


def _way_back(app: Flask, app_state: AppState, place: Place) -> Finding:
    """Say where somebody comes back to who begins to sign in at an address. The login cookie is that host's alone."""
    uri = app_state.config.redirect_uri or _callback(app, place)
    back = urlsplit(uri)
    if place.scheme == "http" and not place.is_this_machine:
        what = "Signing in here goes by http: providers refuse such a redirect URI, and the code could be listened to."
        return Finding("error", "sign_in_over_http", place.url, what, "serve it by https.")
    if back.hostname != place.name:
        return _other_host(place, uri, _name_of_uri(app, app_state))
    if (back.scheme, back.port or _PORTS[back.scheme]) != (place.scheme, place.port or _PORTS[place.scheme]):
        what = (
            f"Who signs in here comes back to another address of this host: {uri}. Does the application answer there?"
        )
        fix = f"leave {_name_of_uri(app, app_state)} out, and register what each address has."
        return Finding("warning", "sign_in_other_address", place.url, what, fix)
    out = _sign_out_address(app_state, place)
    what = f"Who signs in here comes back to {uri}. The provider has to know it, to the letter."
    if out is not None:
        what = f"Who signs in here comes back to {uri}, and who signs out to {out}. The provider has to know both."
    return Finding("ok", "sign_in_returns", place.url, what)


def _other_host(place: Place, uri: str, key: str) -> Finding:
    what = (
        f"Who begins to sign in here comes back to {uri}. What was begun is in a cookie of this host alone, which does "
        "not come along: the sign-in is refused."
    )
    fix = f"send people to that host first; or leave {key} out, and register each host's callback with the provider."
    if place.is_this_machine:
        fix = f"leave {key} out where you develop, and register the callback here with the provider."
    return Finding("error", "sign_in_other_host", place.url, what, fix)


def _name_of_uri(app: Flask, app_state: AppState) -> str:
    """Return where the redirect URI stands: in a variable of the provider's, or under its own name."""
    variables, key = getattr(app_state.provider, "variables", {}), f"{PREFIX}REDIRECT_URI"
    return key if key in app.config else variables.get("REDIRECT_URI", key)


def _callback(app: Flask, place: Place) -> str:
    root = app.config["APPLICATION_ROOT"].rstrip("/")
    with app.test_request_context(base_url=f"{place.scheme}://{place.host}{root}/"):
        return url_for(f"{AUTH_BLUEPRINT}.callback", _external=True)


# The way out


def _has_page(app_state: AppState) -> bool:
    return callable(getattr(app_state.provider, "sign_out_url", None))


def _sign_out_address(app_state: AppState, place: Place) -> str | None:
    """Return where the provider's page for signing out is told to lead; None where it is told nothing."""
    target = app_state.config.logout_return_to
    if target is None or not _has_page(app_state):
        return None
    return f"{place.scheme}://{place.host}{target}" if target.startswith("/") else target


def _logout_path(app: Flask, app_state: AppState) -> Iterator[Finding]:
    """Find that our own endpoints do not see the session."""
    root = app.config["APPLICATION_ROOT"].rstrip("/")
    logout = f"{root}{str(app_state.config.auth_prefix).rstrip('/')}/logout"
    for path in dict.fromkeys(_paths(app_state)):
        if not logout.startswith(f"{path}/"):
            what = (
                f"Our logout is at {logout}, and the cookie has Path={path}: it is not sent there, and signs nobody "
                "out."
            )
            fix = f"set it to a path below {path}, unless the application as a whole is mounted there."
            yield setting("warning", "logout_outside_path", "AUTH_PREFIX", what, fix)


def _paths(app_state: AppState) -> Iterator[str]:
    """Yield the paths of the cookies that hold a session and are ours, without a slash at the end."""
    if travel.is_sealed(app_state):
        yield app_state.config.cookie.path.rstrip("/")
    for transport in travel.token_cookies(app_state):
        yield "" if transport.cookies.is_hidden else transport.cookies.path.rstrip("/")


def _way_out(app: Flask, app_state: AppState) -> Iterator[Finding]:
    target, key = app_state.config.logout_return_to, "LOGOUT_RETURN_TO"
    if target is None and _has_page(app_state):
        what = "Where the provider has a page for signing out, people stay there, or go wherever it thinks."
        yield setting(
            "note", "logout_return_missing", key, what, "name a page that is open to everybody: '/' for example."
        )
    if target is None or not target.startswith("/"):
        return
    endpoint, is_redirected = _routed(app, target)
    if endpoint is None and not is_redirected:
        what = "It is a path that no view of this application answers."
        yield setting("note", "logout_return_unrouted", key, what, "leave it only where something else answers it.")
    elif endpoint is not None and _needs_login(app, endpoint):
        what = f"The endpoint {endpoint!r} is only for people who are signed in: whoever signs out is asked to sign in."
        fix = "name a page that is open to everybody, or mark that one with @public."
        yield setting("warning", "logout_return_closed", key, what, fix)


def _needs_login(app: Flask, endpoint: str) -> bool:
    is_closed = state.of(app).config.require_login and not views.is_open(app, endpoint)
    return is_closed or _is_guarded(app.view_functions[endpoint])


def _back_channel(app_state: AppState) -> Iterator[Finding]:
    provider, config = app_state.provider, app_state.config
    can_read = callable(getattr(provider, "read_logout_token", None)) and getattr(provider, "issuer", None)
    if can_read and config.check_revocation != "always":
        what = (
            "What the provider reports by the back channel is noticed when a session is next refreshed, and not before."
        )
        fix = (
            "set it to 'always' for at once: the coordinator then is asked at every request that looks at its session."
        )
        yield setting("note", "back_channel_late", "CHECK_REVOCATION", what, fix)


# The way in


def _no_way_in(app: Flask, app_state: AppState) -> Iterator[Finding]:
    """Find that views want people signed in who, as far as can be seen, can sign in nowhere."""
    config = app_state.config
    if config.login_view is not None or travel.comes_from_elsewhere(app_state):  # AUTH_PREFIX brings a login view
        return
    closed = [endpoint for endpoint in app.view_functions if _needs_login(app, endpoint)]
    if closed:
        more = f" and {len(closed) - 1} more" if len(closed) > 1 else ""
        what = (
            f"The endpoint {closed[0]!r}{more} is only for people who are signed in, and where they sign in is not to "
            "be seen: a view of your own that calls sign_in cannot be, from here."
        )
        fix = f"name that view, so that people are sent there; or set {PREFIX}AUTH_PREFIX for endpoints of ours."
        yield setting("note", "no_way_in", "LOGIN_VIEW", what, fix)


# The login view


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
    endpoint, is_redirected = _routed(app, view)
    if is_redirected:
        return
    if endpoint is None:
        what = "It is a path that no view of this application answers."
        fix = "name an endpoint; leave the path only where something else answers it."
        yield setting("note", "login_view_unrouted", "LOGIN_VIEW", what, fix)
    elif _is_guarded(app.view_functions[endpoint]):
        yield _login_view_closed(endpoint)


def _routed(app: Flask, path: str) -> tuple[str | None, bool]:
    """Return which endpoint answers a path, and whether it is redirected, to the same with a slash at its end."""
    with app.test_request_context(path):
        return request.endpoint, isinstance(request.routing_exception, RequestRedirect)


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
