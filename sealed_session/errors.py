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
    ├── SignInFailed          nobody was signed in
    ├── LogoutRefused         a logout token that nobody is signed out by
    └── BearerError           a bearer token that does not authenticate

No message holds a token, a password, a decrypted byte or a whole sealed value.
docs/errors.md has an entry for every code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


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
    """An argument or a setting is wrong. Retrying does not help, changing the program or its configuration does.

    Attributes:
        problem: What was expected and what came.
        fix: What to do about it, where that is more than the problem says.
    """

    code = "usage"

    def __init__(self, problem: str, *, fix: str = "", code: str | None = None) -> None:
        super().__init__(f"{problem} {fix}" if fix else problem, code=code)
        self.problem = problem
        self.fix = fix


class UsageTypeError(UsageError, TypeError):
    """An argument has the wrong type."""

    code = "wrong_type"


class Problem(NamedTuple):
    """One thing that is wrong with a setting.

    Attributes:
        setting: The name of the setting.
        problem: What is wrong, as the rest of a sentence that begins with the setting.
        fix: What to do.
        code: A stable identifier with underscores.
    """

    setting: str
    problem: str
    fix: str
    code: str


class ConfigError(UsageError):
    """Deployment settings are wrong or missing.

    Attributes:
        problems: Every one that was found, each with a code of its own.
    """

    code = "config"

    def __init__(self, owner: str, problems: Sequence[Problem]) -> None:
        self.owner = owner
        self.problems = tuple(problems)
        plural = "" if len(self.problems) == 1 else "s"
        rows = [f"{owner}: {len(self.problems)} configuration problem{plural}"]
        for number, (setting, problem, fix, code) in enumerate(self.problems, 1):
            rows += [f"  {number}. {setting}: {problem}", f"     Fix: {fix}   [{code}]"]
        super().__init__("\n".join(rows))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.owner, self.problems)


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

    def __init__(self, message: str = "the provider refused the refresh token.", *, code: str | None = None) -> None:
        super().__init__(message, code=code)


class StepUpRequired(RefreshError):
    """The provider wants more from the person before it renews the session: a second factor, single sign-on, a choice.

    Attributes:
        payload: The provider's answer, plain JSON, for whoever leads the person on.
    """

    code = "step_up"

    def __init__(
        self,
        payload: dict[str, Any] | None = None,
        message: str = "the provider asks for more.",
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.payload = {} if payload is None else payload

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.payload, *self.args), {"code": self.code}


class ProviderUnavailable(RefreshError):
    """The provider gave no usable answer; the session may well be alive.

    Attributes:
        retry_after: Seconds after which to try again, where the provider said so.
        sent: Whether the refresh token may have reached the provider, and so be used up. False is for what is sure:
            no connection, for example, or an answer that says so.
        general: Whether no other session would be answered either: too many requests, or nobody there. Then nobody
            else is sent there for as long.
    """

    code = "unavailable"

    def __init__(
        self,
        message: str = "the provider gave no usable answer.",
        *,
        retry_after: float | None = None,
        sent: bool = True,
        general: bool = False,
        code: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.sent = sent
        self.general = general


class SignInFailed(SealedSessionError):
    """A sign-in came to nothing: no session was opened, and the way there has to begin anew.

    Attributes:
        detail: More than the code, for a log: the provider's own error where ``code`` is ``access_denied``, what is
            wrong with the ID token where it is ``id_token_invalid``. Short, printable, and nothing secret.
    """

    code = "sign_in_failed"

    def __init__(self, message: str, *, detail: str | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.detail = detail


class LogoutRefused(SealedSessionError):
    """A logout token that is not the provider's, not for us, or not a good one. Nobody is signed out by it.

    Attributes:
        detail: What is wrong with it, a stable identifier: ``wrong_issuer`` for example.
    """

    code = "logout_token_invalid"

    def __init__(self, message: str, *, detail: str | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.detail = detail


class BearerError(SealedSessionError):
    """A bearer token does not authenticate the request."""

    code = "bearer"
