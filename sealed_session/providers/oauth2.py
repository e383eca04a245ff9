"""Any provider that speaks OAuth 2.0 or OpenID Connect: signing in and out, refreshing, and what those leave open."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

from ..arguments import wrong_type
from ..errors import ProviderUnavailable, RefreshDenied
from ..exact_json import JsonObject
from ..keys import refuse_to_serialise
from ..session import Session
from ..verifier_settings import check_algorithms, texts
from . import grant, logout_token, revocation, sign_in
from .base import ReuseDetection, check_reuse_detection
from .code_flow import CODES, CodeFlow
from .complaint import Complaint
from .credentials import Credentials, bad_option
from .discovery import Discovery
from .endpoints import Endpoints
from .http import CALL_LIMIT, Client, check_timeout, deadline_after
from .logout_token import Logout
from .sign_in import Attempt
from .signed import Signed, fetch_keys


class OAuth2:
    """Signs people in and renews their sessions. Safe to share between threads and across a fork.

    Attributes:
        identity: The issuer, or else the token endpoint, and the client id.
        issuer: As the constructor was told: whose metadata there are.
        algorithms: As the constructor was told.
        audience: As the constructor was told.
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
        authorization_endpoint: str | None = None,
        revocation_endpoint: str | None = None,
        end_session_endpoint: str | None = None,
        auth: str = "basic",
        scope: str | None = None,
        sign_in_scope: str | None = None,
        keep_id_token: bool = False,
        algorithms: Sequence[str] = ("RS256",),
        audience: str | Sequence[str] | None = None,
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
            issuer: or this, whose metadata say where. OpenID Connect needs an issuer.
            authorization_endpoint: The page to sign in at; None: what the issuer's metadata say, here and below.
            revocation_endpoint: Where tokens are ended.
            end_session_endpoint: The page to sign out at.
            auth: How we show who we are: ``basic`` (client_secret_basic), ``post`` (client_secret_post), or ``none``
                for a public client.
            scope: Which scope a refresh asks for, as one text; None: what was granted.
            sign_in_scope: Which scope a sign-in asks for; None: with an issuer ``code_flow.DEFAULT_SCOPE``, as far as
                its metadata list it, and without one nothing. Nobody but an issuer can be asked for ``openid``.
            keep_id_token: Keep the ID token in ``Session.tokens``. Few providers want to see it when somebody signs
                out, and it takes a kilobyte of the cookie.
            algorithms: What the issuer signs with: access tokens, ID tokens and logout tokens.
            audience: For whom access tokens have to be, at least one of these; None: that is not looked at. Say it
                wherever tokens come in cookies or headers: the issuer signs for others, too.
            reuse_detection: What a refresh token used twice ends: ``"session"``, or ``"user"`` for every session of the
                person.
            replay_grace: A refresh that is sent again at once is answered again.
            timeout: Seconds for a call as a whole, at most 30.
            trust_env: Use the proxies that the environment names.
            ssl_context: Which certificates are trusted; None: those of the system.
            clock: Returns Unix seconds; None: ``time.time``, looked up at every call.

        Raises:
            UsageTypeError, UsageError: Not these (``provider_option``, ``provider_url``, ``bad_duration``,
                ``bad_algorithm``, ``empty_list``).
        """
        self._credentials = Credentials(client_id, client_secret, auth)
        if (token_endpoint is None) == (issuer is None):
            raise bad_option("token_endpoint, issuer: expected one of the two.")
        check_reuse_detection(reuse_detection)
        for name, value in (("replay_grace", replay_grace), ("keep_id_token", keep_id_token)):
            if type(value) is not bool:
                raise wrong_type(name, "a bool", value)
        for name, text in (("scope", scope), ("sign_in_scope", sign_in_scope)):
            if text is not None and type(text) is not str:
                raise wrong_type(name, "a str", text)
        if clock is not None and not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        self.algorithms = check_algorithms(texts("algorithms", algorithms))
        wanted = [audience] if type(audience) is str else audience
        self.audience = None if wanted is None else texts("audience", wanted)
        self._complaint = Complaint()
        self._client = Client(trust_env=trust_env, ssl_context=ssl_context, complaint=self._complaint)
        given = {
            "token_endpoint": token_endpoint,
            "authorization_endpoint": authorization_endpoint,
            "revocation_endpoint": revocation_endpoint,
            "end_session_endpoint": end_session_endpoint,
        }
        discovery = None if issuer is None else Discovery(issuer, self._client)
        self._endpoints = Endpoints(given, discovery, self._complaint)
        self._signed = Signed(self._endpoints, self._client, client_id, self.algorithms, clock=clock)
        self._scope, self._keep_id_token, self._clock = scope, keep_id_token, clock
        self._timeout = check_timeout(timeout)
        self._code_flow = CodeFlow(
            self._endpoints,
            self._client,
            self._credentials,
            self._signed,
            self._complaint,
            scope=sign_in_scope,
            keep_id_token=keep_id_token,
            timeout=timeout,
        )
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
            The new tokens, and when the access token ends where it does not say so itself.

        Raises:
            RefreshDenied: ``invalid_grant``.
            StepUpRequired: The person has to take part; ``code_flow.CODES`` has the codes.
            ProviderUnavailable: Anything else, our own credentials being wrong too, which are logged.
            UsageError: ``reserved_argument``, ``extra_missing``.

        Source: RFC 6749, section 6.
        """
        if session.refresh_token is None:
            raise RefreshDenied("the session has no refresh token.")
        scope = {} if self._scope is None else {"scope": self._scope}
        wanted = grant.fields_of({**scope, **arguments})
        deadline = deadline_after(self._timeout)
        endpoint = self._endpoints.need("token_endpoint", deadline)
        fields = [("grant_type", "refresh_token"), ("refresh_token", session.refresh_token), *wanted]
        answer = self._credentials.post(self._client, endpoint, fields, deadline=deadline)
        body = grant.judge(answer, CODES, self._complaint)
        now = time.time() if self._clock is None else self._clock()
        return grant.renewed(session, body, now, answer.host, keep_id_token=self._keep_id_token)

    def begin_sign_in(self, redirect_uri: str, *, max_age: int | None = None, **parameters: Any) -> tuple[str, Attempt]:
        """Return where to send the browser, and what has to be kept; see ``SignInProvider``."""
        return self._code_flow.begin(redirect_uri, max_age, parameters)

    def finish_sign_in(self, attempt: Attempt, answer: Mapping[str, str]) -> Session:
        """Return the session of somebody who came back; see ``SignInProvider``, and ``CodeFlow.finish``."""
        return self._code_flow.finish(attempt, answer)

    def revoke(self, session: Session) -> bool:
        """End the session's refresh token at the provider; return whether that is confirmed.

        Returns:
            False also where there is no refresh token, or nowhere to end it.

        Raises:
            ProviderUnavailable: Nobody knows.

        Source: RFC 7009.
        """
        deadline = deadline_after(self._timeout)
        endpoint = self._endpoints.find("revocation_endpoint", deadline)
        if endpoint is None or session.refresh_token is None:
            return False
        return revocation.revoke(
            self._client, endpoint, session.refresh_token, self._credentials, self._complaint, deadline=deadline
        )

    def sign_out_url(self, session: Session, return_to: str | None = None) -> str | None:
        """Return the provider's page for signing out; None where it has none, or where that cannot be told now.

        Args:
            session: Its tokens may have ended. Its ID token goes along, where it was kept.
            return_to: Where the provider sends the browser then; it has to know it.

        Source: OpenID Connect RP-Initiated Logout 1.0, section 2.
        """
        try:
            page = self._endpoints.find("end_session_endpoint", self._soon())
        except ProviderUnavailable:
            return None
        if page is None:
            return None
        asked = {
            "client_id": self._credentials.client_id,
            "id_token_hint": (session.tokens or {}).get("id_token"),
            "post_logout_redirect_uri": return_to,
        }
        return sign_in.with_query(page, urlencode({name: value for name, value in asked.items() if value is not None}))

    def fetch_keys(self, url: str, seconds: float) -> bytes:
        """Get the keys that tokens are signed with, by our own proxies and certificates; see ``JWTVerifier``."""
        return fetch_keys(self._client, url, seconds)

    def read_logout_token(self, token: str) -> Logout:
        """Return what a logout token says, which the provider has sent to our back channel.

        Args:
            token: From outside: the field ``logout_token``.

        Raises:
            LogoutRefused: It is not the provider's, not for us, not a logout token, or too old.
            ProviderUnavailable: The provider's keys cannot be had now.
            UsageError: The provider was built without an issuer (``provider_option``).

        Source: OpenID Connect Back-Channel Logout 1.0, section 2.6.
        """
        return logout_token.read(self._signed, token, deadline=self._soon())

    def metadata(self, deadline: float | None = None) -> JsonObject:
        """Return the issuer's metadata, ``jwks_uri`` for example. They are asked for once.

        Args:
            deadline: By which to be back, as ``time.monotonic`` tells it; None: the provider's timeout from now.

        Raises:
            UsageError: The provider was built without an issuer (``provider_option``).
            ProviderUnavailable: There are none, or not this issuer's.
        """
        return self._endpoints.metadata(deadline_after(self._timeout) if deadline is None else deadline)

    def _soon(self) -> float:
        return deadline_after(sign_in.patience(self._timeout))

    def __repr__(self) -> str:
        where, client_id = self.identity.split(" ", 1)
        return f"OAuth2({urlsplit(where).hostname}, client_id={client_id!r})"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        refuse_to_serialise(self)
