"""Any provider that speaks OAuth 2.0 or OpenID Connect: the refresh grant, with what those leave open as options."""

from __future__ import annotations

import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import quote_plus, urlsplit

from ..arguments import wrong_type
from ..errors import RefreshDenied, UsageError
from ..exact_json import JsonObject
from ..keys import refuse_to_serialise
from ..session import Session
from . import grant
from .base import ReuseDetection, check_reuse_detection
from .complaint import Complaint
from .discovery import Discovery
from .grant import Codes
from .http import CALL_LIMIT, Client, check_timeout, check_url, deadline_after

CODES = Codes(
    denied=frozenset({"invalid_grant"}),
    step_up=frozenset(
        {
            "account_selection_required",
            "consent_required",
            "interaction_required",
            "login_required",
            "mfa_required",
        }
    ),
)
"""RFC 6749, section 5.2; OpenID Connect Core 1.0, section 3.1.2.6; and ``mfa_required``, which several have."""

AUTH = ("basic", "post", "none")


class OAuth2:
    """Renews sessions at a token endpoint. Safe to share between threads and across a fork.

    Attributes:
        identity: The issuer, or else the token endpoint, and the client id.
        issuer: As the constructor was told: whose metadata there are.
        reuse_detection: As the constructor was told.
        replay_grace: As the constructor was told.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str | None = None,
        token_endpoint: str | None = None,
        issuer: str | None = None,
        auth: str = "basic",
        scope: str | None = None,
        reuse_detection: ReuseDetection = False,
        replay_grace: bool = False,
        timeout: float = CALL_LIMIT,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Say who we are and where to ask. Asks nobody yet.

        Args:
            client_id: Ours.
            client_secret: Ours; None with ``auth="none"``.
            token_endpoint: Where to ask. Either this,
            issuer: or this, whose metadata say where.
            auth: How we show who we are: ``basic`` (client_secret_basic), ``post`` (client_secret_post), or ``none``
                for a public client.
            scope: Which scope to ask for, as one text; None: what was granted.
            reuse_detection: What a refresh token used twice ends: ``"session"``, or ``"user"`` for every session of the
                person.
            replay_grace: A refresh that is sent again at once is answered again.
            timeout: Seconds for a call as a whole, at most 30.
            trust_env: Use the proxies that the environment names.
            ssl_context: Which certificates are trusted; None: those of the system.
            clock: Returns Unix seconds; None: ``time.time``, looked up at every call.

        Raises:
            UsageTypeError, UsageError: Not these (``provider_option``, ``provider_url``, ``bad_duration``).
        """
        _check_options(client_id, client_secret, token_endpoint, issuer, auth)
        check_reuse_detection(reuse_detection)
        if type(replay_grace) is not bool:
            raise wrong_type("replay_grace", "a bool", replay_grace)
        if scope is not None and type(scope) is not str:
            raise wrong_type("scope", "a str", scope)
        if clock is not None and not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        self._complaint = Complaint()
        self._client = Client(trust_env=trust_env, ssl_context=ssl_context, complaint=self._complaint)
        self._endpoint = None if token_endpoint is None else check_url("token_endpoint", token_endpoint)
        self._discovery = None if issuer is None else Discovery(issuer, self._client)
        self._client_id, self._client_secret, self._auth, self._scope = client_id, client_secret, auth, scope
        self._timeout = check_timeout(timeout)
        self._clock = clock
        self.reuse_detection: ReuseDetection = reuse_detection
        self.replay_grace = replay_grace
        self.issuer = issuer
        self.identity = f"{issuer or token_endpoint} {client_id}"

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return session.refresh_token

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Use the refresh token.

        Args:
            session: Whose.
            arguments: Further fields of the request, such as ``scope``, ``audience``, ``resource``; texts, or lists
                of them.

        Returns:
            The new tokens. An ``id_token`` goes into ``tokens``. ``expires_in`` counts where the access token does
            not say itself when it ends.

        Raises:
            RefreshDenied: ``invalid_grant``.
            StepUpRequired: The person has to take part; ``CODES`` has the codes.
            ProviderUnavailable: Anything else, wrong client credentials too, which are logged.
            UsageError: ``reserved_argument``, ``extra_missing``.

        Source: RFC 6749, section 6.
        """
        if session.refresh_token is None:
            raise RefreshDenied("the session has no refresh token.")
        scope = {} if self._scope is None else {"scope": self._scope}
        wanted = grant.fields_of({**scope, **arguments})
        deadline = deadline_after(self._timeout)
        endpoint = self._endpoint or self.metadata(deadline)["token_endpoint"]
        fields = [("grant_type", "refresh_token"), ("refresh_token", session.refresh_token), *self._names_us(), *wanted]
        answer = self._client.post_form(endpoint, fields, self._authorization(), deadline=deadline)
        body = grant.judge(answer, CODES, self._complaint)
        now = time.time() if self._clock is None else self._clock()
        return grant.renewed(session, body, now, answer.host)

    def metadata(self, deadline: float | None = None) -> JsonObject:
        """Return the issuer's metadata, ``jwks_uri`` for example. They are asked for once.

        Args:
            deadline: By which to be back, as ``time.monotonic`` tells it; None: the provider's timeout from now.

        Raises:
            UsageError: The provider was built without an issuer (``provider_option``).
            ProviderUnavailable: There are none, or not this issuer's.
        """
        if self._discovery is None:
            raise _bad_option("issuer: was not given, so that there are no metadata to ask for.")
        return self._discovery.metadata(deadline_after(self._timeout) if deadline is None else deadline)

    def _names_us(self) -> list[tuple[str, str]]:
        """Return the fields that say who we are (RFC 6749, sections 2.3.1 and 3.2.1)."""
        if self._auth == "basic":
            return []
        secret = [] if self._client_secret is None else [("client_secret", self._client_secret)]
        return [("client_id", self._client_id), *secret]

    def _authorization(self) -> dict[str, str]:
        """Return the header that says who we are: each half form-encoded, which is easily forgotten (section 2.3.1)."""
        if self._auth != "basic":
            return {}
        pair = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret or '')}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def __repr__(self) -> str:
        where = self._endpoint or (self._discovery.issuer if self._discovery else "")
        return f"OAuth2({urlsplit(where).hostname}, client_id={self._client_id!r})"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        refuse_to_serialise(self)


def _check_options(client_id: Any, client_secret: Any, token_endpoint: Any, issuer: Any, auth: Any) -> None:
    check_credential("client_id", client_id)
    if client_secret is not None:
        check_credential("client_secret", client_secret)
    if (token_endpoint is None) == (issuer is None):
        raise _bad_option("token_endpoint, issuer: expected one of the two.")
    if auth not in AUTH:
        raise _bad_option(f"auth: expected one of {', '.join(AUTH)}.")
    if auth == "none" and client_secret is not None:
        raise _bad_option("client_secret: is given, and auth='none' would not use it.")
    if auth != "none" and client_secret is None:
        raise _bad_option("client_secret: is missing. A public client, which has none, says auth='none'.")


def check_credential(name: str, value: Any) -> None:
    """Refuse what is not printable text; a line break at the end of a secret is the usual cause.

    Raises:
        UsageTypeError, UsageError: Not a str; empty, or not printable ASCII (``provider_option``).

    Source: RFC 6749, appendices A.1 and A.2.
    """
    if type(value) is not str:
        raise wrong_type(name, "a str", value)
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        raise _bad_option(f"{name}: is empty, or has white space at an end or characters that do not print.")


def _bad_option(problem: str) -> UsageError:
    return UsageError(problem, code="provider_option")
