"""Corbado, as data: where its keys are, whose its session-tokens are, and how one is renewed.

Its UI component keeps the session-token in a cookie of its own and renews it there. An application that has a refresh
token renews by this preset; without one it verifies what comes, and asks nobody.
"""

from __future__ import annotations

import re
import ssl
import time
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ..errors import RefreshDenied
from ..session import Session
from ..transports import BearerHeader, TokenCookies, Transport
from . import grant
from .credentials import bad_option, check_credential
from .environment import Option, check_base
from .grant import Codes
from .http import CALL_LIMIT
from .vendor import Issuer, bearer

CODES = Codes(denied_statuses=frozenset({401}), access_token="sessionToken")  # noqa: S106 - a name
"""A refresh shows no credentials of ours, so that 401 is about the refresh token."""

HOSTS = ("frontendapi.cloud.corbado.io", "frontendapi.corbado.io")
"""Where the frontend API of a project is, below its id; the second one is the former."""

COOKIES = ("cbo_session_token", "cbo_short_session")
"""What its UI component calls the cookie of a session-token, and what former versions did."""

_TOKEN = re.compile("[!-~]+")  # what a header can carry: a cookie may have brought anything
_PROJECT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def check_project(name: str, value: Any) -> None:
    """Refuse what is no project's id: it becomes part of a host's name.

    Raises:
        UsageTypeError, UsageError: As ``check_credential``; it is not letters, digits and hyphens.
    """
    check_credential(name, value)
    if _PROJECT.fullmatch(value) is None:
        raise bad_option(f"{name}: is not a project's id, letters, digits and hyphens; is it the API secret?")


class Corbado(Issuer):
    """Knows the session-tokens of one Corbado project, and renews them where there is a refresh token.

    Safe to share between threads and across a fork.
    """

    options = (
        Option("project_id", "CORBADO_PROJECT_ID", check_project),
        Option("frontend_api", "CORBADO_FRONTEND_API", check_base, is_needed=False),
    )
    transports: ClassVar[tuple[Transport, ...]] = (TokenCookies(access=COOKIES, owner="client"), BearerHeader())
    has_audience = False  # the issuer is the project, and signs for it alone

    def __init__(
        self,
        project_id: str | None = None,
        *,
        frontend_api: str | None = None,
        timeout: float = CALL_LIMIT,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Say which project. Asks nobody yet.

        Args:
            project_id: None: ``CORBADO_PROJECT_ID`` of the environment, read when it is needed.
            frontend_api: Its address, a CNAME of your own for example. None: ``CORBADO_FRONTEND_API``, or else the one
                that every project has.
            timeout: Seconds for a call as a whole, at most 30.
            trust_env: Use the proxies that the environment names.
            ssl_context: Which certificates are trusted; None: those of the system.

        Raises:
            UsageTypeError, UsageError: Not these (``provider_option``, ``provider_url``, ``bad_duration``).
        """
        given = {"project_id": project_id, "frontend_api": frontend_api}
        super().__init__(given, timeout=timeout, trust_env=trust_env, ssl_context=ssl_context)

    @property
    def project_id(self) -> str:
        """Our project.

        Raises:
            ConfigError: Neither given nor in the environment.
        """
        return self._environment.need("project_id")

    @property
    def identity(self) -> str:
        """The project, by whatever address it is reached."""
        return f"corbado.io {self.project_id}"

    @property
    def jwks_url(self) -> str:
        """Where the public keys are."""
        return f"{self._base}/.well-known/jwks"

    @property
    def issuers(self) -> tuple[str, ...]:
        """The claims ``iss`` that its tokens may have: the frontend API, and both that every project has."""
        return tuple(dict.fromkeys((self._base, *self._addresses)))

    def credential(self, session: Session) -> str | None:
        """Return the refresh token; None where the session-token is all there is, and ends when it ends."""
        token = session.refresh_token
        return None if token is None or _TOKEN.fullmatch(token) is None else token

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Use the refresh token, which stays the same.

        Args:
            session: Whose.
            arguments: None of them.

        Returns:
            The new session-token.

        Raises:
            RefreshDenied: 401: the session has ended.
            ProviderUnavailable: Anything else.
            ConfigError: The project id is missing.
            UsageError: ``reserved_argument``, ``extra_missing``.
        """
        token = self.credential(session)
        if token is None:
            raise RefreshDenied("the session has no refresh token.")
        grant.fields_of(arguments, frozenset(arguments))
        us = {"X-Corbado-ProjectID": self.project_id, **bearer(token)}
        answer = self._post(f"{self._base}/v2/me/refresh", {}, us)
        body = grant.judge(answer, CODES, self._complaint)
        tokens = {"access_token": body["sessionToken"]}
        return grant.renewed(session, tokens, time.time(), answer.host)

    @property
    def _addresses(self) -> tuple[str, ...]:
        return tuple(f"https://{self.project_id}.{host}" for host in HOSTS)

    @property
    def _base(self) -> str:
        given = self._environment.find("frontend_api")
        return self._addresses[0] if given is None else given.rstrip("/")

    def __repr__(self) -> str:
        project, address = (self._environment.glance(name) for name in ("project_id", "frontend_api"))
        return f"Corbado({project!r}, frontend_api={None if address is None else urlsplit(address).hostname!r})"
