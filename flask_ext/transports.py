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
        if isinstance(one, TokenCookies) and one.is_hidden:
            yield from _hidden_problems(one, provider)


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
