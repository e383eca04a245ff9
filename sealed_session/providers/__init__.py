"""Identity providers: who renews a session. ``base.py`` says what one must be able to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import FunctionProvider, Provider, RefreshFunction, as_provider

if TYPE_CHECKING:
    from .claims import Claims
    from .corbado import Corbado
    from .environment import Option
    from .knoon import Knoon
    from .minting import Minted, MintingProvider
    from .oauth2 import OAuth2
    from .stytch import Stytch
    from .vendor import Issuer, Vendor
    from .workos import WorkOS

__all__ = [
    "Claims",
    "Corbado",
    "FunctionProvider",
    "Issuer",
    "Knoon",
    "Minted",
    "MintingProvider",
    "OAuth2",
    "Option",
    "Provider",
    "RefreshFunction",
    "Stytch",
    "Vendor",
    "WorkOS",
    "as_provider",
]

_LATER = {
    "Claims": "claims",
    "Corbado": "corbado",
    "Issuer": "vendor",
    "Knoon": "knoon",
    "Minted": "minting",
    "MintingProvider": "minting",
    "OAuth2": "oauth2",
    "Option": "environment",
    "Stytch": "stytch",
    "Vendor": "vendor",
    "WorkOS": "workos",
}
"""Loaded by the first who asks: a provider of one's own needs nothing of them."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
