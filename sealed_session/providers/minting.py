"""A provider that makes credentials for a widget on the page: short-lived cookies, minted for whoever is signed in.

It signs nobody in and renews no session. The widget asks our endpoint for a target, the endpoint has a credential
minted for the session's user, and that becomes a set of cookies, which are readable by JavaScript and end with the
session.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getattr_static
from typing import Any, NamedTuple, Protocol

from ..arguments import wrong_type
from ..errors import Problem
from ..exact_json import JsonObject


class Minted(NamedTuple):
    """A credential. Its repr shows nothing of it.

    Attributes:
        cookies: Names and values; empty where the answer has nothing that cookies could be made of.
        expires_at: When the credential ends, Unix seconds; 0 without cookies.
        body: What our endpoint answers.
        owner: Whose it is, by the id that it was minted with; empty where it was read from cookies, which do not say.
    """

    cookies: Mapping[str, str]
    expires_at: float
    body: JsonObject
    owner: str

    def __repr__(self) -> str:
        return f"Minted(<{len(self.cookies)} cookies>, expires_at={self.expires_at!r})"


class MintingProvider(Protocol):
    """Mints credentials. Called from many threads at once.

    Attributes:
        path: Where our endpoint is, when nothing else is said.
        parameter: The member of a request to it that names the target.
        domain: The Domain of the cookies: a parent that the application's host and the widget's share.
        max_age: Seconds that a cookie lives at most.
        refusal_body: What our endpoint answers where nothing was minted.

    It brings settings of its own as other providers do, by ``settings``, ``problems`` and ``variables``.
    """

    path: str
    parameter: str
    domain: str
    max_age: int
    refusal_body: JsonObject

    @property
    def identity(self) -> str:
        """Whose credentials these are: the API and our account there."""
        ...

    def settings(self, environ: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the settings that the provider brings."""
        ...

    def problems(self, environ: Mapping[str, str]) -> list[Problem]:
        """Return what is missing or wrong in the environment."""
        ...

    def check_target(self, value: Any) -> str:
        """Return a target from outside, which becomes part of a cookie's name.

        Raises:
            UsageError: It cannot be one (``bad_target``).
        """
        ...

    def mint(self, user: JsonObject, target: str) -> Minted | None:
        """Have a credential minted: one call.

        Args:
            user: Of the session, and never of a request.
            target: As ``check_target`` returns it.

        Returns:
            None where none was minted for this user and target.

        Raises:
            UsageError: The target cannot be one (``bad_target``); ``extra_missing``.
            ProviderUnavailable: No usable answer, or our own credentials are refused, which is logged.
            ConfigError: Our own credentials are missing.
        """
        ...

    def cookie_names(self, target: str) -> tuple[str, ...]:
        """Return the names of a target's cookies.

        Raises:
            UsageError: ``bad_target``.
        """
        ...

    def owns(self, cookie_name: str) -> bool:
        """Return whether a cookie is one of these, of whatever target: it ends with the session."""
        ...

    def read(self, cookies: Mapping[str, str], target: str, now: float) -> Minted | None:
        """Return the credential that a request brought; None where it is missing, does not fit together or has ended.

        Args:
            cookies: Of the request.
            target: As ``check_target`` returns it.
            now: Unix seconds.

        Raises:
            UsageError: ``bad_target``.
        """
        ...


_NEEDED = ("path", "parameter", "domain", "max_age", "identity", "check_target", "mint", "cookie_names", "owns", "read")


def as_minting(given: Any) -> MintingProvider:
    """Return a provider that mints.

    Raises:
        UsageTypeError: Something else; a class that was not called, for example.
    """
    # Looked up without asking: an identity may stand in an environment that is not there yet.
    if isinstance(given, type) or any(getattr_static(given, name, None) is None for name in _NEEDED):
        raise wrong_type("minting provider", "one that has mint(user, target) and the like", given)
    return given  # type: ignore[no-any-return]
