"""The error tree. Every error has a stable ``code``; facts are attributes; messages say what was expected and came.

    SealedSessionError
    ├── UsageError            the caller's or the operator's mistake
    │   ├── UsageTypeError    an argument of the wrong type; also a TypeError
    │   └── ConfigError       a deployment setting
    ├── SealError             a session that cannot be sealed
    │   ├── PayloadTypeError  a value JSON cannot hold exactly
    │   └── SealTooLarge      over the size limit; lives in ``size.py`` beside the report it carries
    ├── UnsealError           a value from outside that does not open: expected, and never a crash
    ├── RefreshError          an access token could not be renewed
    │   ├── RefreshDenied
    │   ├── StepUpRequired
    │   └── ProviderUnavailable
    └── BearerError           a bearer token that does not authenticate

No message holds a token, a password, a decrypted byte or a whole sealed value.
docs/errors.md has an entry for every code.
"""

from __future__ import annotations


class SealedSessionError(Exception):
    """The root of every error this library raises.

    Attributes:
        code: A stable identifier with underscores. Test this, never the message.
    """

    code: str = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class UsageError(SealedSessionError):
    """An argument or a setting is wrong. Retrying does not help, changing the program or its configuration does."""

    code = "usage"


class UsageTypeError(UsageError, TypeError):
    """An argument has the wrong type."""

    code = "wrong_type"


class ConfigError(UsageError):
    """A deployment setting is wrong or missing."""

    code = "config"


class SealError(SealedSessionError):
    """The session cannot be sealed as it is."""

    code = "seal"


class PayloadTypeError(SealError):
    """A value in the session is not exact JSON, so it would come back as something else.

    Attributes:
        path: Where the value stands, for example ``user.metadata.since``.
    """

    code = "payload_type"

    def __init__(self, message: str, *, path: str = "", code: str | None = None) -> None:
        super().__init__(f"{path}: {message}" if path else message, code=code)
        self.path = path


class UnsealError(SealedSessionError):
    """A sealed value does not open.

    ``code`` is one of ``malformed``, ``unsupported_version``, ``unsupported_packing``, ``unknown_key``, ``tampered``,
    ``too_old``, ``from_future`` and ``payload``. The input is untrusted, so this is an everyday event: treat the
    request as anonymous.
    """

    code = "malformed"


class RefreshError(SealedSessionError):
    """The access token could not be renewed."""

    code = "refresh"


class RefreshDenied(RefreshError):
    """The provider says that this refresh token is dead."""

    code = "denied"


class StepUpRequired(RefreshError):
    """The provider wants more from the person before it renews the session."""

    code = "step_up"


class ProviderUnavailable(RefreshError):
    """The provider gave no usable answer; the session may well be alive."""

    code = "unavailable"


class BearerError(SealedSessionError):
    """A bearer token does not authenticate the request."""

    code = "bearer"
