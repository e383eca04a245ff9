"""The authorization code flow of OAuth 2.0 and OpenID Connect: ``sign_in.py`` at one provider's endpoints.

    begin ─▶ authorization_endpoint … the person … ─▶ finish ─▶ state, issuer, code ─▶ token_endpoint ─▶ ID token

Source: RFC 6749, section 4.1; OpenID Connect Core 1.0, section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..arguments import wrong_type
from ..errors import SignInFailed, UsageError
from ..exact_json import JsonObject
from ..session import Session
from . import grant, id_token, sign_in
from .claims import unix_seconds
from .complaint import Complaint
from .credentials import Credentials, bad_option
from .endpoints import Endpoints
from .grant import Codes
from .http import Client, deadline_after
from .sign_in import Attempt
from .signed import Signed

OFFLINE = "offline_access"
"""The scope of refresh tokens. Providers that have them without it may refuse it, Google for one."""

DEFAULT_SCOPE = f"openid profile email {OFFLINE}"

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


class CodeFlow:
    """Signs people in at one provider. Safe to share between threads and across a fork."""

    def __init__(
        self,
        endpoints: Endpoints,
        client: Client,
        credentials: Credentials,
        signed: Signed,
        complaint: Complaint,
        *,
        scope: str | None,
        keep_id_token: bool,
        timeout: float,
    ) -> None:
        """Hold the collaborators.

        Args:
            endpoints: Where to ask.
            client: Makes the calls.
            credentials: Ours.
            signed: Reads ID tokens, and has the clock.
            complaint: Where failures are said.
            scope: Which scope to ask for; None: with an issuer ``DEFAULT_SCOPE``, less ``OFFLINE`` where the metadata
                list their scopes without it, and without an issuer nothing.
            keep_id_token: Keep it in the session's ``tokens``.
            timeout: Seconds for a call as a whole.
        """
        self._endpoints = endpoints
        self._client = client
        self._credentials = credentials
        self._signed = signed
        self._complaint = complaint
        self._scope = scope
        self._keep_id_token = keep_id_token
        self._timeout = timeout

    def begin(self, redirect_uri: str, max_age: int | None, parameters: Mapping[str, Any]) -> tuple[str, Attempt]:
        """Return where to send the browser, and what has to be kept; see ``SignInProvider.begin_sign_in``.

        Raises:
            UsageTypeError, UsageError: As there. ``provider_option``: without an issuer there is no OpenID; or there
                is no ``authorization_endpoint``. ``no_auth_time``: ``max_age`` without OpenID.
            ProviderUnavailable: The issuer's metadata cannot be had.
        """
        scope = (parameters["scope"] if "scope" in parameters else self._usual_scope()) or None
        if scope is not None and type(scope) is not str:
            raise wrong_type("begin_sign_in, scope", "a str, or None", scope)
        is_openid = "openid" in (scope or "").split()
        if is_openid and self._endpoints.issuer is None:
            raise bad_option("issuer: was not given, and the scope has openid: nobody could judge the ID token.")
        if max_age is not None and not is_openid:
            raise UsageError(
                "max_age: without openid in the scope nobody says when a person has proved who they are.",
                fix="Give the provider an issuer, and ask for the scope openid; or ask for no new proof.",
                code="no_auth_time",
            )
        attempt = Attempt.begin(redirect_uri, self._signed.now(), has_nonce=is_openid, max_age=max_age)
        page = self._endpoints.need("authorization_endpoint", self._soon())
        return sign_in.address(page, self._credentials.client_id, attempt, {**parameters, "scope": scope}), attempt

    def finish(self, attempt: Attempt, answer: Mapping[str, str]) -> Session:
        """Return the session of somebody who came back; see ``SignInProvider.finish_sign_in``.

        Returns:
            Its user has the claims of the ID token that ``id_token.PROFILE`` names; without OpenID the ``sub`` of the
            access token, where there is one. Where the access token has no ``sid`` and no ``sub``, or others, the
            session keeps those of the ID token: by them the provider's back channel finds it.

        Takes ``sign_in.LONGEST`` seconds at most, and three more where new keys have to be fetched for the ID token.
        """
        deadline = deadline_after(sign_in.patience_with_code(self._timeout))
        sign_in.check_state(attempt, answer)
        self._check_issuer(answer)
        code = sign_in.code_in(answer)
        if attempt.nonce is not None:  # first: without keys the code would be used up for nothing
            self._signed.have_keys(min(self._soon(), deadline))
        fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", attempt.redirect_uri),
            ("code_verifier", attempt.code_verifier),
        ]
        endpoint = self._endpoints.need("token_endpoint", deadline)
        said = self._credentials.post(self._client, endpoint, fields, deadline=deadline)
        body = grant.judge_code(said, CODES, self._complaint)
        return self._opened(attempt, body, deadline)

    def _usual_scope(self) -> str | None:
        if self._scope is not None or self._endpoints.issuer is None:
            return self._scope
        listed = self._endpoints.metadata(self._soon()).get("scopes_supported")
        is_refused = type(listed) is list and OFFLINE not in listed
        return DEFAULT_SCOPE.removesuffix(f" {OFFLINE}") if is_refused else DEFAULT_SCOPE

    def _check_issuer(self, answer: Mapping[str, Any]) -> None:
        """Refuse the answer of another issuer, who would be shown a code that is not his, or we one that is.

        Source: RFC 9207, section 2.4.
        """
        issuer = self._endpoints.issuer
        if issuer is None:
            return
        says_so = self._endpoints.metadata(self._soon()).get("authorization_response_iss_parameter_supported") is True
        given = answer.get("iss")
        if given != issuer and (given is not None or says_so):
            raise SignInFailed("the answer is not from the issuer that was asked (iss).", code="wrong_issuer")

    def _opened(self, attempt: Attempt, body: JsonObject, deadline: float) -> Session:
        session = grant.opened(body, self._signed.now())
        if attempt.nonce is None:
            sub = grant.text_in(session.claims, "sub")
            return session.replace(user=None if sub is None else {"sub": sub})
        token = grant.text_in(body, "id_token")
        claims = id_token.verified(self._signed, token, attempt, session.access_token, deadline=deadline)
        sid, sub = grant.text_in(claims, "sid"), grant.text_in(claims, "sub")
        return session.replace(
            user=id_token.user_of(claims),
            tokens={"id_token": token} if self._keep_id_token else None,
            session_id=None if sid in (None, session.session_id) else id_token.session_id_of(str(sid)),
            subject=None if sub == session.subject else sub,
            authenticated_at=unix_seconds(claims.get("auth_time")),
        )

    def _soon(self) -> float:
        return deadline_after(sign_in.patience(self._timeout))
