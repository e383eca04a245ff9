"""Which verifier an application has: the one it was given, or the provider's own where that is known.

A provider that publishes its keys says so by ``jwks_url`` and ``issuers``, and maybe ``algorithms``, ``audience``,
``required_claims``, ``max_token_age`` and ``fetch_keys(url, seconds)``; one that has an ``issuer`` and its ``metadata``
has the address of the keys there. Others have none, and then no token is verified.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from inspect import getattr_static
from math import ceil
from typing import Any, Protocol

from sealed_session import ProviderUnavailable
from sealed_session.verifier import JWTVerifier, Verification

from .config import Config

PATIENCE = 3
"""Seconds that an issuer's metadata are waited for, as its keys are."""

RETRY_AFTER = 5
"""Seconds in which they are not asked for again, when they could not be had."""

ALGORITHMS = ("RS256",)
"""Of a provider that does not say: what most sign with."""

REQUIRED = ("exp",)
"""The claims that have to be there, of a provider that does not say."""

_NEVER = float("-inf")

Make = Callable[..., JWTVerifier]


class Verifier(Protocol):
    """Verifies access tokens: a ``JWTVerifier``, or anything with its ``verify``. Called from many threads at once."""

    def verify(self, access_token: str, *, subject: str | None = None) -> Verification:
        """Say what a token is worth. What it raises counts as UNAVAILABLE.

        Args:
            access_token: The token.
            subject: What its claim ``sub`` must be; None: anybody.
        """
        ...


class DiscoveredVerifier:
    """Verifies by the keys that an issuer's metadata name. They are asked for with the first token."""

    def __init__(self, provider: Any, make: Make) -> None:
        """Ask nobody yet.

        Args:
            provider: Has ``issuer`` and ``metadata(deadline)``.
            make: Makes the verifier of an address of keys and the issuers.
        """
        self._provider = provider
        self._make = make
        self._verifier: JWTVerifier | None = None
        self._failed_at = _NEVER

    @property
    def audience(self) -> Any:
        """As the provider says; None where it does not."""
        return getattr(self._provider, "audience", None)

    def verify(self, access_token: str, *, subject: str | None = None) -> Verification:
        """Verify a token.

        Raises:
            ProviderUnavailable: The metadata cannot be had now.
            UsageError: They name no keys, or none that could be fetched safely.
        """
        if self._verifier is None:
            self._verifier = self._discover()
        return self._verifier.verify(access_token, subject=subject)

    def _discover(self) -> JWTVerifier:
        now = time.monotonic()
        if now - self._failed_at < RETRY_AFTER:  # every request would wait for what nobody can be told
            raise ProviderUnavailable("the issuer's metadata could not be had a moment ago.", sent=False)
        try:
            metadata = self._provider.metadata(now + PATIENCE)
        except Exception:
            self._failed_at = time.monotonic()
            raise
        return self._make(metadata.get("jwks_uri"), issuers=[self._provider.issuer])


def knows_one(given: Verifier | None, provider: object) -> bool:
    """Return whether there is a verifier to choose, without asking for what may stand in the environment."""
    names = {name for name in ("jwks_url", "issuers", "issuer", "metadata") if _has(provider, name)}
    return given is not None or {"jwks_url", "issuers"} <= names or {"issuer", "metadata"} <= names


def _has(provider: object, name: str) -> bool:
    attribute = getattr_static(provider, name, None)
    return attribute is not None


def choose(
    given: Verifier | None, provider: object, config: Config, clock: Callable[[], float] | None
) -> Verifier | None:
    """Return the verifier of an application; None where nothing is verified.

    Args:
        given: The one it was given.
        provider: Its provider, which may know one.
        config: VERIFY_ACCESS_TOKEN and CLOCK_SKEW; a verifier that was given has its own leeway.
        clock: Returns Unix seconds.
    """
    if not config.verify_access_token:
        return None
    if given is not None:
        return given

    def make(jwks_url: str, *, issuers: list[str]) -> JWTVerifier:
        return JWTVerifier(
            jwks_url,
            issuers=issuers,
            audience=getattr(provider, "audience", None),
            algorithms=getattr(provider, "algorithms", ALGORITHMS),
            require=getattr(provider, "required_claims", REQUIRED),
            max_age=getattr(provider, "max_token_age", None),
            leeway=ceil(config.clock_skew),
            clock=clock,
            fetch=getattr(provider, "fetch_keys", None),
        )

    jwks_url, issuers = getattr(provider, "jwks_url", None), getattr(provider, "issuers", None)
    if jwks_url and issuers:
        return make(jwks_url, issuers=issuers)
    if getattr(provider, "issuer", None) and callable(getattr(provider, "metadata", None)):
        return DiscoveredVerifier(provider, make)
    return None
