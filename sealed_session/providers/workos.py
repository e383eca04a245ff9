"""WorkOS AuthKit, as data: where to ask, what its answers mean, and the environment variables of its own SDKs."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn
from urllib.parse import urlencode, urlsplit

from ..arguments import wrong_type
from ..errors import ConfigError, Problem, RefreshDenied, UsageError
from ..keys import refuse_to_serialise
from ..session import Session
from . import grant
from .base import ReuseDetection, check_reuse_detection
from .complaint import Complaint
from .grant import Codes
from .http import CALL_LIMIT, Client, check_timeout, check_url, deadline_after
from .oauth2 import check_credential

CODES = Codes(
    denied=frozenset({"invalid_grant"}),
    step_up=frozenset(
        {
            "email_verification_required",
            "mfa_challenge",
            "mfa_enrollment",
            "organization_authentication_methods_required",
            "organization_selection_required",
            "sso_required",
        }
    ),
)
"""WorkOS writes the code of a 403 as ``code``, or as ``error``."""

COOKIE_NAME = "wos-session"

COOKIE_VARIABLES = {
    "WORKOS_COOKIE_NAME": "COOKIE_NAME",
    "WORKOS_COOKIE_PASSWORD": "PASSWORD",
    "WORKOS_COOKIE_DOMAIN": "COOKIE_DOMAIN",
    "WORKOS_COOKIE_MAX_AGE": "COOKIE_MAX_AGE",
    "WORKOS_COOKIE_SAMESITE": "COOKIE_SAMESITE",
}
"""The variables of WorkOS, and the settings that they are here."""

_SAME_SITE = {"lax": "Lax", "strict": "Strict", "none": "None"}


class WorkOS:
    """Renews AuthKit sessions. Safe to share between threads and across a fork.

    Attributes:
        algorithms: Of the signatures of access tokens.
        leeway: Seconds by which clocks may differ when those are verified.
        subject_field: The field of the user that is the ``sub`` of an access token.
        variables: Settings, by our names without prefix, and the environment variables that may hold them.
        reuse_detection: As the constructor was told.
        replay_grace: As the constructor was told.
    """

    algorithms = ("RS256",)
    leeway = 10
    subject_field = "id"
    variables: ClassVar[Mapping[str, str]] = {setting: variable for variable, setting in COOKIE_VARIABLES.items()}

    def __init__(
        self,
        client_id: str | None = None,
        api_key: str | None = None,
        *,
        base_url: str = "https://api.workos.com",
        issuers: Sequence[str] | None = None,
        reuse_detection: ReuseDetection = False,
        replay_grace: bool = False,
        timeout: float = CALL_LIMIT,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Say who we are. Asks nobody yet.

        Args:
            client_id: None: ``WORKOS_CLIENT_ID`` of the environment, read when it is needed.
            api_key: None: ``WORKOS_API_KEY``, likewise. WorkOS calls it ``client_secret`` on the wire.
            base_url: Of the API; a custom authentication domain for example.
            issuers: Which claims ``iss`` are WorkOS's; None: those it is known to write for ``base_url``.
            reuse_detection: As for ``OAuth2``.
            replay_grace: As for ``OAuth2``. WorkOS answers a refresh token that it has just exchanged once more, for
                a while; turn this on together with a ``timeout`` that is well below that while.
            timeout: Seconds for a call as a whole, at most 30.
            trust_env: Use the proxies that the environment names.
            ssl_context: Which certificates are trusted; None: those of the system.

        Raises:
            UsageTypeError, UsageError: Not these (``provider_option``, ``provider_url``, ``bad_duration``).
        """
        for name, value in (("client_id", client_id), ("api_key", api_key)):
            if value is not None:
                check_credential(name, value)
        check_reuse_detection(reuse_detection)
        if type(replay_grace) is not bool:
            raise wrong_type("replay_grace", "a bool", replay_grace)
        if issuers is not None and (type(issuers) not in (list, tuple) or not all(type(one) is str for one in issuers)):
            raise wrong_type("issuers", "a list of texts", issuers)
        self._client_id, self._api_key = client_id, api_key
        self._base = check_url("base_url", base_url).rstrip("/")
        self._issuers = None if issuers is None else tuple(issuers)
        self._timeout = check_timeout(timeout)
        self._complaint = Complaint()
        self._client = Client(trust_env=trust_env, ssl_context=ssl_context, complaint=self._complaint)
        self.reuse_detection: ReuseDetection = reuse_detection
        self.replay_grace = replay_grace

    @property
    def client_id(self) -> str:
        """Our client id.

        Raises:
            ConfigError: Neither given nor in the environment.
        """
        return self._needed("WORKOS_CLIENT_ID", self._client_id)

    @property
    def identity(self) -> str:
        """The API and the client id."""
        return f"{self._base} {self.client_id}"

    @property
    def jwks_url(self) -> str:
        """Where the public keys are."""
        return f"{self._base}/sso/jwks/{self.client_id}"

    @property
    def issuers(self) -> tuple[str, ...]:
        """The claims ``iss`` that access tokens may have: one with the client id, and older ones without."""
        return self._issuers or (f"{self._base}/user_management/{self.client_id}", self._base, f"{self._base}/")

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return session.refresh_token

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Use the refresh token.

        Args:
            session: Whose.
            arguments: Further members of the request, ``organization_id`` for example.

        Returns:
            The new tokens and the user, and the impersonator where there is one. The organisation is the claim
            ``org_id`` of the access token.

        Raises:
            RefreshDenied: ``invalid_grant``.
            StepUpRequired: The person has to take part; ``CODES`` has the codes.
            ProviderUnavailable: Anything else, a wrong API key too, which is logged.
            ConfigError: Client id or API key are missing.
            UsageError: ``reserved_argument``, ``extra_missing``.
        """
        if session.refresh_token is None:
            raise RefreshDenied("the session has no refresh token.")
        grant.fields_of(arguments)
        message = {
            "client_id": self.client_id,
            "client_secret": self._needed("WORKOS_API_KEY", self._api_key),
            "grant_type": "refresh_token",
            "refresh_token": session.refresh_token,
            **{name: value for name, value in arguments.items() if value is not None},
        }
        url = f"{self._base}/user_management/authenticate"
        answer = self._client.post_json(url, message, deadline=deadline_after(self._timeout))
        body = grant.judge(answer, CODES, self._complaint)
        brought = {name: body[name] for name in ("user", "impersonator") if type(body.get(name)) is dict}
        return grant.renewed(session, body, time.time(), answer.host).replace(**brought)

    def sign_out_url(self, session: Session, return_to: str | None = None) -> str | None:
        """Return where to send the browser, so that the session ends at WorkOS too.

        Args:
            session: Its access token may have expired.
            return_to: Where WorkOS sends the browser then, one of the sign-out redirects of its dashboard; None: the
                default one.

        Returns:
            None where the access token does not say which session it is.
        """
        sid = session.claims.get("sid")
        if type(sid) is not str or not sid:
            return None
        back = {} if return_to is None else {"return_to": return_to}
        return f"{self._base}/user_management/sessions/logout?{urlencode({'session_id': sid, **back})}"

    def settings(self, environ: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the settings that the preset brings, by our names without prefix.

        Args:
            environ: ``os.environ``. An empty variable is one that is not set.
        """
        found: dict[str, Any] = {name: environ[key] for key, name in COOKIE_VARIABLES.items() if environ.get(key)}
        if "COOKIE_MAX_AGE" in found:
            found["COOKIE_MAX_AGE"] = _whole(found["COOKIE_MAX_AGE"])
            if found["COOKIE_MAX_AGE"] is None:  # said by ``problems``
                del found["COOKIE_MAX_AGE"]
        if "COOKIE_SAMESITE" in found:
            found["COOKIE_SAMESITE"] = _SAME_SITE.get(found["COOKIE_SAMESITE"].lower(), found["COOKIE_SAMESITE"])
        return {"COOKIE_NAME": COOKIE_NAME, **found}

    def problems(self, environ: Mapping[str, str]) -> list[Problem]:
        """Return what is missing or wrong in the environment.

        Args:
            environ: ``os.environ``.
        """
        given = {"WORKOS_CLIENT_ID": self._client_id, "WORKOS_API_KEY": self._api_key}
        found = [_judge(key, environ.get(key, "")) for key, value in given.items() if value is None]
        max_age = environ.get("WORKOS_COOKIE_MAX_AGE")
        if max_age and _whole(max_age) is None:
            fix = "write the number of seconds, 34560000 for example."
            found.append(Problem("WORKOS_COOKIE_MAX_AGE", "is not a whole number.", fix, "max_age_text"))
        return [problem for problem in found if problem is not None]

    def _needed(self, key: str, given: str | None) -> str:
        if given is not None:
            return given
        value = os.environ.get(key, "")
        problem = _judge(key, value)
        if problem is not None:
            raise ConfigError("WorkOS", [problem])
        return value

    def __repr__(self) -> str:
        return f"WorkOS({urlsplit(self._base).hostname}, client_id={self._client_id!r})"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        refuse_to_serialise(self)


def _judge(key: str, value: str) -> Problem | None:
    """Return what is wrong with a credential of the environment."""
    if not value:
        fix = "copy it from the WorkOS dashboard, or pass it to WorkOS(client_id=..., api_key=...)."
        return Problem(key, "is not set.", fix, code="provider_missing")
    try:
        check_credential(key, value)
    except UsageError:
        return Problem(key, "has white space or characters that do not print.", "copy it again.", "provider_option")
    return None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
