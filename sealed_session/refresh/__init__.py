"""Renewing sessions: one call of a provider, and what came of it as a value."""

from .attempt import attempt
from .outcome import Kind, Outcome

__all__ = ["Kind", "Outcome", "attempt"]
