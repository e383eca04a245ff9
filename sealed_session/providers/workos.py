"""WorkOS AuthKit, as data: where to ask, what its answers mean, and the environment variables of its own SDKs."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from ..arguments import wrong_type
from ..errors import Problem, RefreshDenied
from ..exact_json import JsonObject
from ..session import Session
from . import grant, revocation, sign_in, workos_environment
from .base import ReuseDetection, check_reuse_detection
from .environment import Option, check_base
from .grant import Codes
from .http import CALL_LIMIT, Answer, deadline_after
from .sign_in import Attempt
from .vendor import Issuer, bearer
from .workos_environment import VARIABLES

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


class WorkOS(Issuer):
    """Signs people in by AuthKit and renews their sessions. Safe to share between threads and across a fork.

    Attributes:
        reuse_detection: As the constructor was told.
        replay_grace: As the constructor was told.
    """

    has_audience = False  # the keys are those of our client alone
    options = (Option("client_id", "WORKOS_CLIENT_ID"), Option("api_key", "WORKOS_API_KEY"))
    variables: ClassVar[Mapping[str, str]] = {setting: variable for variable, setting in VARIABLES.items()}

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
        given = {"client_id": client_id, "api_key": api_key}
        super().__init__(given, timeout=timeout, trust_env=trust_env, ssl_context=ssl_context)
        check_reuse_detection(reuse_detection)
        if type(replay_grace) is not bool:
            raise wrong_type("replay_grace", "a bool", replay_grace)
        if issuers is not None and (type(issuers) not in (list, tuple) or not all(type(one) is str for one in issuers)):
            raise wrong_type("issuers", "a list of texts", issuers)
        self._client_id = client_id
        self._base = check_base("base_url", base_url)
        self._issuers = None if issuers is None else tuple(issuers)
        self.reuse_detection: ReuseDetection = reuse_detection
        self.replay_grace = replay_grace

    @property
    def client_id(self) -> str:
        """Our client id.

        Raises:
            ConfigError: Neither given nor in the environment.
        """
        return self._environment.need("client_id")

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
        wanted = {name: value for name, value in arguments.items() if value is not None}
        answer = self._ask({"grant_type": "refresh_token", "refresh_token": session.refresh_token, **wanted})
        body = grant.judge(answer, CODES, self._complaint)
        return _with_people(grant.renewed(session, body, time.time(), answer.host), body)

    def begin_sign_in(self, redirect_uri: str, *, max_age: int | None = None, **parameters: Any) -> tuple[str, Attempt]:
        """Return where to send the browser, and what has to be kept; see ``SignInProvider``. Asks nobody.

        Args:
            redirect_uri: One of the redirects of the WorkOS dashboard.
            max_age: As there.
            parameters: ``organization_id``, ``screen_hint``, ``login_hint``, for example. ``provider`` is ``authkit``
                where nothing else is said.

        Raises:
            ConfigError: The client id is missing.
            UsageTypeError, UsageError: As there.
        """
        attempt = Attempt.begin(redirect_uri, time.time(), has_nonce=False, max_age=max_age)
        page = f"{self._base}/user_management/authorize"
        return sign_in.address(page, self.client_id, attempt, {"provider": "authkit", **parameters}), attempt

    def finish_sign_in(self, attempt: Attempt, answer: Mapping[str, str]) -> Session:
        """Return the session of somebody who came back, with user and impersonator; see ``SignInProvider``.

        The organisation is the claim ``org_id`` of the access token, and ``auth_time`` there is when the person has
        proved who they are.

        Raises:
            SignInFailed, StepUpRequired, ProviderUnavailable: As there.
            ConfigError: Client id or API key are missing.
        """
        sign_in.check_state(attempt, answer)
        code = sign_in.code_in(answer)
        asked = {"grant_type": "authorization_code", "code": code, "code_verifier": attempt.code_verifier}
        said = self._ask(asked, sign_in.patience_with_code(self._timeout))
        body = grant.judge_code(said, CODES, self._complaint)
        session = grant.opened(body, time.time())
        sign_in.check_fresh(attempt, session.claims.get("auth_time"), time.time())
        return _with_people(session, body)

    def revoke(self, session: Session) -> bool:
        """End the session at WorkOS; return whether that is confirmed.

        Returns:
            False also where the access token does not say which session it is.

        Raises:
            ProviderUnavailable: Nobody knows.
            ConfigError: The API key is missing.
        """
        sid = _sid(session)
        if sid is None:
            return False
        url = f"{self._base}/user_management/sessions/revoke"
        answer = self._post(url, {"session_id": sid}, bearer(self._environment.need("api_key")))
        return revocation.is_confirmed(answer, self._complaint)

    def sign_out_url(self, session: Session, return_to: str | None = None) -> str | None:
        """Return where to send the browser, so that the session ends at WorkOS too.

        Args:
            session: Its access token may have expired.
            return_to: Where WorkOS sends the browser then, one of the sign-out redirects of its dashboard; None: the
                default one.

        Returns:
            None where the access token does not say which session it is.
        """
        sid = _sid(session)
        if sid is None:
            return None
        back = {} if return_to is None else {"return_to": return_to}
        return f"{self._base}/user_management/sessions/logout?{urlencode({'session_id': sid, **back})}"

    def settings(self, environ: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the settings that the preset brings, by our names without prefix.

        Args:
            environ: ``os.environ``. An empty variable is one that is not set.
        """
        return workos_environment.settings(environ)

    def problems(self, environ: Mapping[str, str]) -> list[Problem]:
        """Return what is missing or wrong in the environment.

        Args:
            environ: ``os.environ``.
        """
        return [*super().problems(environ), *workos_environment.problems(environ)]

    def _ask(self, members: Mapping[str, Any], patience: float | None = None) -> Answer:
        """Ask for tokens, as who we are; for so many seconds, or the timeout."""
        us = {"client_id": self.client_id, "client_secret": self._environment.need("api_key")}
        url, seconds = f"{self._base}/user_management/authenticate", self._timeout if patience is None else patience
        return self._client.post_json(url, {**us, **members}, deadline=deadline_after(seconds))

    def __repr__(self) -> str:
        return f"WorkOS({urlsplit(self._base).hostname}, client_id={self._client_id!r})"


def _sid(session: Session) -> str | None:
    """Return the id that WorkOS knows the session by; one of our own means nothing to it."""
    return grant.text_in(session.claims, "sid")


def _with_people(session: Session, body: JsonObject) -> Session:
    return session.replace(**{name: body[name] for name in ("user", "impersonator") if type(body.get(name)) is dict})
