"""From transports as data to what reads and writes them, and what an application's transports ask of the rest of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sealed_session import ConfigError, Problem
from sealed_session.exact_json import printable
from sealed_session.providers import claims
from sealed_session.sealer import DEFAULT_NAME
from sealed_session.transports import (
    BearerHeader,
    SealedCookie,
    TokenCookies,
    as_transports,
    custom_domain_problems,
)
from sealed_session.transports import Transport as Described

from .bearer import BearerTransport
from .sealed_cookie import SealedCookieTransport
from .state import Transport
from .token_cookies import TokenCookiesTransport

__all__ = ["BearerHeader", "SealedCookie", "TokenCookies", "build", "chosen", "problems"]

DEFAULT = (SealedCookie(),)

_OWN_NAME = "give each cookie its own."


def chosen(given: tuple[Described, ...] | None, provider: object) -> tuple[Described, ...]:
    """Return an application's transports: those it was given, else its provider's, else the sealed cookie."""
    return given or as_transports(getattr(provider, "transports", DEFAULT))


def problems(
    described: Sequence[Described], provider: object, *, can_verify: bool, settings: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield what is wrong with transports where they are used.

    Args:
        described: The transports.
        provider: May say its ``custom_domain``, and that it ``is_test``.
        can_verify: Whether anything could verify a token.
        settings: ``app.config``.
    """
    is_off = settings.get("SEALED_SESSION_VERIFY_ACCESS_TOKEN") is False
    if any(not isinstance(one, SealedCookie) for one in described) and (is_off or not can_verify):
        what = "take tokens from anybody, and nothing here would verify them."
        fix = "give SealedSession a provider that publishes its keys, or a verifier, and leave VERIFY_ACCESS_TOKEN on."
        yield Problem("transports", what, fix, code="transport_unverified")
    for one in described:
        if isinstance(one, TokenCookies):
            yield from _cookie_problems(one, provider, settings)
    yield from _name_problems(described, settings)


def _name_problems(described: Sequence[Described], settings: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield each name that several cookies would have, of ours, of Flask's and of the tokens'."""
    sealed = [settings.get("SEALED_SESSION_COOKIE_NAME", DEFAULT_NAME)] if SealedCookie() in described else []
    others = [settings.get("SEALED_SESSION_ACCESS_TOKEN_COOKIE"), settings.get("SESSION_COOKIE_NAME", "session")]
    tokens = [one for one in described if isinstance(one, TokenCookies)]
    names = [*sealed, *others, *(name for one in tokens for name in (*one.access_names, *one.refresh_names))]
    counted = Counter(name for name in names if type(name) is str)
    for name in (name for name, number in counted.items() if number > 1 and tokens):
        yield Problem("transports", f"{printable(name)!r} is the name of two cookies.", _OWN_NAME, code="name_taken")


def _cookie_problems(cookies: TokenCookies, provider: object, settings: Mapping[str, Any]) -> Iterator[Problem]:
    if cookies.same_site.lower() == "none" and settings.get("SEALED_SESSION_COOKIE_SECURE") is not True:
        what = "is 'None' for cookies of tokens, but COOKIE_SECURE is not True; browsers drop such cookies."
        fix = "set SEALED_SESSION_COOKIE_SECURE = True, or use 'Lax'."
        yield Problem("same_site", what, fix, code="samesite_none_insecure")
    if cookies.owner == "client" and cookies.refresh_names and getattr(provider, "reuse_detection", False):
        what = "belong to a client, and the provider ends sessions whose refresh token is used twice."
        fix = "leave out refresh=: their owner renews them."
        yield Problem("transports", what, fix, code="client_owned_rotation")
    hidden = list(_hidden_problems(cookies, provider)) if cookies.is_hidden else []
    yield from hidden or _policy_problems(cookies, provider, settings)
    if not cookies.is_hidden:
        return
    if settings.get("SEALED_SESSION_ACCESS_TOKEN_COOKIE") is not None:
        what = "hands the access token to JavaScript, which cookies here are kept from."
        fix = "remove it, or use http_only='disabled'."
        yield Problem("SEALED_SESSION_ACCESS_TOKEN_COOKIE", what, fix, code="http_only_eager")


def _policy_problems(cookies: TokenCookies, provider: object, settings: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield why cookies could not be set as they are to be: a name's prefix asks for more, for example."""
    secure, theirs = settings.get("SEALED_SESSION_COOKIE_SECURE", "auto"), getattr(provider, "custom_domain", None)
    if cookies.same_site.lower() == "none" or (secure != "auto" and type(secure) is not bool):  # said already
        return
    made = TokenCookiesTransport(cookies, claims.DEFAULT, secure=secure, custom_domain=theirs)
    for host in ("app.example.com", "localhost"):
        try:
            list(made.policies(host, 1))
        except ConfigError as error:
            for problem in error.problems:
                fix = problem.fix.replace("secure = True", "SEALED_SESSION_COOKIE_SECURE = True")
                yield problem._replace(setting=f"TokenCookies, {problem.setting}", fix=fix)
            return


def _hidden_problems(cookies: TokenCookies, provider: object) -> Iterator[Problem]:
    """Yield why cookies cannot be kept from JavaScript; ``TokenCookies`` has judged a custom domain of its own."""
    if getattr(provider, "is_test", False):
        what = "is on, and the provider's test environment has no custom domain to set such cookies by."
        yield Problem("http_only", what, "use a live project, or http_only='disabled'.", code="http_only_in_test")
    if cookies.custom_domain is None:
        theirs = getattr(provider, "custom_domain", None)
        if theirs is None:
            fix = "give the provider its custom base URL, https://login.example.com for example."
            yield Problem("http_only", "is on, and there is no custom domain.", fix, code="http_only_without_domain")
        else:
            yield from custom_domain_problems(theirs)


def build(described: Sequence[Described], provider: object, *, secure: bool | str) -> tuple[Transport, ...]:
    """Make the machinery of an application's transports.

    Args:
        described: The transports, in order.
        provider: May say how its claims are read, and its ``custom_domain``.
        secure: COOKIE_SECURE.
    """
    read = getattr(provider, "claims", claims.DEFAULT)
    theirs = getattr(provider, "custom_domain", None)

    def make(one: Described) -> Transport:
        if isinstance(one, TokenCookies):
            return TokenCookiesTransport(one, read, secure=secure, custom_domain=theirs)
        return BearerTransport(read) if isinstance(one, BearerHeader) else SealedCookieTransport()

    return tuple(make(one) for one in described)
