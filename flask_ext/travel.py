"""What ``check`` says of how sessions travel: by which transports, and what becomes of each at an address.

Only what is written here is judged as browsers would: the sealed cookie, and cookies of tokens that are ours. Of a
client's cookies nothing but their names is known; of a bearer token, whether others can read it on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sealed_session.cookie import CookiePolicy
from sealed_session.cookie_rules import MAX_AGE_CAP

from . import keeping
from .bearer import BearerTransport
from .findings import Finding, Level
from .keeping import OurCookie
from .places import Place
from .sealed_cookie import SealedCookieTransport
from .state import AppState
from .token_cookies import TokenCookiesTransport

_SUBJECT = "transports"


def judge(app: AppState, addresses: Sequence[Place]) -> Iterator[Finding]:
    """Judge an application's transports at the addresses that people reach it at."""
    yield from _in_use(app)
    for place in addresses:
        yield from _visit(app, place)
    if is_sealed(app):
        yield from keeping.share(keeping.sealed(app.config.cookie), addresses)
    for transport in token_cookies(app):
        # The two cookies fare alike: one of them is asked about.
        yield from keeping.share(_our_cookie(transport, 0, "The cookie"), addresses)


def audience(app: AppState) -> Iterator[Finding]:
    """Find that tokens are taken that the issuer has signed for others."""
    takes = app.takes_bearer or _of_tokens(app)
    if not takes or not app.verifying.is_for_anybody or getattr(app.provider, "has_audience", True) is False:
        return
    # Of tokens that no provider of ours says anything about, nobody here knows whether they name an audience at all.
    level: Level = "warning" if hasattr(app.provider, "audience") else "note"
    what = (
        "Tokens come in from outside, and for whom they are (aud) is not looked at: what the issuer signs for another "
        "application of the same people signs in here, too."
    )
    fix = "name the audience of your tokens: the provider's option, or that of the verifier that you give."
    yield Finding(level, "audience_unchecked", _SUBJECT, what, fix)


def is_sealed(app: AppState) -> bool:
    """Return whether there is a sealed cookie."""
    return any(isinstance(one, SealedCookieTransport) for one in app.transports)


def token_cookies(app: AppState) -> list[TokenCookiesTransport]:
    """Return the transports by cookies of tokens that are ours."""
    return [one for one in _of_tokens(app) if one.cookies.owner == "server"]


def comes_from_elsewhere(app: AppState) -> bool:
    """Return whether sessions come in that somebody else has opened: a client's script, or whoever calls."""
    return app.takes_bearer or len(_of_tokens(app)) > len(token_cookies(app))


def writes_cookies(app: AppState) -> bool:
    """Return whether any cookie is set here."""
    return bool(is_sealed(app) or token_cookies(app) or app.companions or app.config.auth_prefix is not None)


def names(app: AppState) -> list[str]:
    """Return the names of the cookies that sessions come by, former ones included."""
    cookie = app.config.cookie
    of_tokens = [name for one in _of_tokens(app) for name in _names(one)]
    return [*([cookie.name, *cookie.previous_names] if is_sealed(app) else []), *of_tokens]


def _of_tokens(app: AppState) -> list[TokenCookiesTransport]:
    return [one for one in app.transports if isinstance(one, TokenCookiesTransport)]


def _names(transport: TokenCookiesTransport) -> tuple[str, ...]:
    return (*transport.cookies.access_names, *transport.cookies.refresh_names)


# Which they are


def _in_use(app: AppState) -> Iterator[Finding]:
    """Name the transports, where there is any other than the sealed cookie."""
    if app.takes_bearer or _of_tokens(app):
        what = f"Sessions come by {'; by '.join(_described(app))}."
        if not is_sealed(app):
            what += " There is no sealed cookie, and what is set for one is not judged."
        yield Finding("note", "transports_in_use", _SUBJECT, what)


def _described(app: AppState) -> Iterator[str]:
    for one in app.transports:
        if isinstance(one, TokenCookiesTransport):
            listed = ", ".join(map(repr, _names(one)))
            is_ours = one.cookies.owner == "server"
            yield f"cookies of tokens that are {'ours' if is_ours else 'written by a client, as it likes'} ({listed})"
        elif isinstance(one, BearerTransport):
            yield "bearer tokens in the header Authorization"
        else:
            yield f"the sealed cookie {app.config.cookie.name!r}"


# At an address


def _visit(app: AppState, place: Place) -> Iterator[Finding]:
    if is_sealed(app):
        yield from keeping.visit(keeping.sealed(app.config.cookie), place)
    for transport in token_cookies(app):
        yield from _visit_tokens(transport, place)
    if is_sealed(app):
        yield from keeping.remarks(place)
    elif token_cookies(app):
        yield from keeping.remarks(place, "names in TokenCookies")
    if app.takes_bearer:
        yield _bearer(place)


def _visit_tokens(transport: TokenCookiesTransport, place: Place) -> Iterator[Finding]:
    """Judge the very lines that would be written there. Their Max-Age is the longest that there is."""
    for number, policy in enumerate(_policies(transport, place)):
        yield from keeping.visit(_our_cookie(transport, number, f"The cookie {policy.name!r}"), place)


def _policies(transport: TokenCookiesTransport, place: Place) -> list[CookiePolicy]:
    return list(transport.policies(place.host, MAX_AGE_CAP))


def _our_cookie(transport: TokenCookiesTransport, number: int, called: str) -> OurCookie:
    """Return the access token's cookie (0), or the refresh token's (1), with what its settings are called."""
    cookies = transport.cookies
    domain = "host_only = False and domain of TokenCookies" if cookies.host_only else "domain of TokenCookies"
    return OurCookie(
        lambda place: _policies(transport, place)[number],
        called=called,
        name="names in TokenCookies" if number else "access of TokenCookies",
        domain=None if cookies.is_hidden else domain,
        path="path of TokenCookies",
        also_needed="Each application needs the same TokenCookies and coordinator as well.",
    )


def _bearer(place: Place) -> Finding:
    if place.scheme == "http" and not place.is_this_machine:
        what = "A bearer token that is sent here goes by http: everybody on the way can read it, and come with it."
        fix = "serve it by https alone; a redirect to https comes when the token has been sent already."
        return Finding("error", "bearer_over_http", place.url, what, fix)
    how = "by https" if place.scheme == "https" else "without leaving this machine"
    return Finding("ok", "bearer_private", place.url, f"Bearer tokens come here {how}.")


# For whom tokens are
