"""Identity providers: who renews a session. ``base.py`` says what one must be able to do."""

from .base import FunctionProvider, Provider, RefreshFunction, as_provider

__all__ = ["FunctionProvider", "Provider", "RefreshFunction", "as_provider"]
