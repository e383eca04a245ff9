"""From transports as data to what reads and writes them, and what an application's transports ask of the rest of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sealed_session import Problem
from sealed_session.providers import claims
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


def _cookie_problems(cookies: TokenCookies, provider: object, settings: Mapping[str, Any]) -> Iterator[Problem]:
    if cookies.same_site.lower() == "none" and settings.get("SEALED_SESSION_COOKIE_SECURE") is not True:
        what = "is 'None' for cookies of tokens, but COOKIE_SECURE is not True; browsers drop such cookies."
        fix = "set SEALED_SESSION_COOKIE_SECURE = True, or use 'Lax'."
        yield Problem("same_site", what, fix, code="samesite_none_insecure")
    if not cookies.is_hidden:
        return
    yield from _hidden_problems(cookies, provider)
    if settings.get("SEALED_SESSION_ACCESS_TOKEN_COOKIE") is not None:
        what = "hands the access token to JavaScript, which cookies here are kept from."
        fix = "remove it, or use http_only='disabled'."
        yield Problem("SEALED_SESSION_ACCESS_TOKEN_COOKIE", what, fix, code="http_only_eager")


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
