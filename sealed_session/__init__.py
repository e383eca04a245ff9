"""sealed-session: a signed-in person's tokens in one small, encrypted, size-checked cookie.

The core needs cryptography and msgpack and nothing else. docs/FORMAT.md specifies the cookie.
"""

from .errors import (
    BearerError,
    ConfigError,
    LogoutRefused,
    PayloadTypeError,
    Problem,
    ProviderUnavailable,
    RefreshDenied,
    RefreshError,
    SealedSessionError,
    SealError,
    SignInFailed,
    StepUpRequired,
    UnsealError,
    UsageError,
    UsageTypeError,
)
from .keyring import KeyRing
from .passwords import generate_password
from .sealer import Sealer, Unsealed, seal, unseal
from .session import Session
from .size import SealTooLarge, SizePart, SizeReport

__version__ = "0.1.0"

__all__ = [
    "BearerError",
    "ConfigError",
    "KeyRing",
    "LogoutRefused",
    "PayloadTypeError",
    "Problem",
    "ProviderUnavailable",
    "RefreshDenied",
    "RefreshError",
    "SealError",
    "SealTooLarge",
    "SealedSessionError",
    "Sealer",
    "Session",
    "SignInFailed",
    "SizePart",
    "SizeReport",
    "StepUpRequired",
    "UnsealError",
    "Unsealed",
    "UsageError",
    "UsageTypeError",
    "generate_password",
    "seal",
    "unseal",
]
