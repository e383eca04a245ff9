"""What the presets have in common: they are told who we are, call one vendor's API, and bring settings of their own.

What is one vendor's stands in its preset, and most of that is data: addresses, how we show who we are, the names in an
answer, and which error means that a session is gone.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

from ..errors import Problem
from ..exact_json import JsonObject
from ..keys import refuse_to_serialise
from . import signed
from .claims import DEFAULT
from .complaint import Complaint
from .environment import Environment, Option
from .http import CALL_LIMIT, Answer, Client, check_timeout, deadline_after


class Vendor:
    """The part of a preset that all have. Safe to share between threads and across a fork.

    Attributes:
        options: What the preset is told.
        variables: Settings, by our names without prefix, and the environment variables that may hold them.
    """

    options: ClassVar[tuple[Option, ...]] = ()
    variables: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        given: Mapping[str, str | None],
        *,
        timeout: float = CALL_LIMIT,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Hold who we are, and how calls are made. Asks nobody yet.

        Args:
            given: Options by their names, None for one that the environment is to have.
            timeout: Seconds for a call as a whole, at most 30.
            trust_env: Use the proxies that the environment names.
            ssl_context: Which certificates are trusted; None: those of the system.

        Raises:
            UsageTypeError, UsageError: Not these.
        """
        self._environment = Environment(type(self).__name__, self.options, given)
        self._timeout = check_timeout(timeout)
        self._complaint = Complaint()
        self._client = Client(trust_env=trust_env, ssl_context=ssl_context, complaint=self._complaint)

    def settings(self, environ: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the settings that the preset brings, by our names without prefix: those that ``variables`` names.

        Args:
            environ: ``os.environ``. An empty variable is one that is not set.
        """
        return {name: environ[variable] for name, variable in self.variables.items() if environ.get(variable)}

    def problems(self, environ: Mapping[str, str]) -> list[Problem]:
        """Return what is missing or wrong in the environment.

        Args:
            environ: ``os.environ``.
        """
        return self._environment.problems(environ)

    def _post(self, url: str, value: JsonObject, headers: Mapping[str, str] | None = None) -> Answer:
        """Send JSON, within the timeout; see ``Client.post_json``."""
        return self._client.post_json(url, value, headers, deadline=deadline_after(self._timeout))

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        refuse_to_serialise(self)


class Issuer(Vendor):
    """A vendor that signs access tokens: what has to be known to verify them, and to read them.

    Attributes:
        algorithms: Of the signatures.
        required_claims: What a token of a session has, where the vendor signs others with the same keys, too.
        max_token_age: Seconds after which a token is to be renewed, whatever its ``exp``; None: by its ``exp`` alone.
        subject_field: The field of the user that is the ``sub`` of a token.
        claims: What a token says of a session.
        has_audience: Whether tokens name whom they are for. False is said by a vendor whose tokens never do: then
            nobody is warned that it is not looked at.
    """

    algorithms: tuple[str, ...] = ("RS256",)
    required_claims: tuple[str, ...] = ("exp",)
    max_token_age: float | None = None
    subject_field = "id"
    claims = DEFAULT
    has_audience = True

    @property
    def audience(self) -> str | None:
        """For whom tokens have to be; None: for nobody in particular."""
        return None

    def fetch_keys(self, url: str, seconds: float) -> bytes:
        """Get the keys that tokens are signed with, by our own proxies and certificates; see ``JWTVerifier``."""
        return signed.fetch_keys(self._client, url, seconds)


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of HTTP Basic (RFC 7617): as they are, where OAuth has them form-encoded."""
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    """Return the header of a bearer token (RFC 6750, section 2.1)."""
    return {"Authorization": f"Bearer {token}"}
