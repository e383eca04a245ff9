"""The application's side of the identity provider: signing in, verifying what comes from there, and refreshing."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import httpx2
from flask import Flask

from sealed_session import ProviderUnavailable, Session
from sealed_session.providers import OAuth2
from sealed_session.verifier import JWTVerifier, Verification

from .provider import SIGN_IN
from .provider.grants import CLIENT_ID

TIMEOUT = 5
"""Seconds for a call."""


class Identity:
    """The provider that the configuration names, ``OIDC_ISSUER`` and ``OIDC_CLIENT_SECRET``.

    Like an extension it is made before the application, and knows its settings from ``init_app`` on: the same ones for
    every application of a process. Safe to share between threads.

    Attributes:
        identity: The issuer and our id there.
    """

    def __init__(self) -> None:
        self.identity = "the provider, before init_app"

    def init_app(self, app: Flask) -> None:
        """Take the settings. Nobody is asked yet."""
        self._issuer: str = app.config["OIDC_ISSUER"]
        self._secret: str = app.config["OIDC_CLIENT_SECRET"]
        self._oauth2 = OAuth2(issuer=self._issuer, client_id=CLIENT_ID, client_secret=self._secret)
        self._verifier: JWTVerifier | None = None
        self.identity = self._oauth2.identity

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return self._oauth2.credential(session)

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Use the refresh token. This is called for every session whose access token has ended."""
        return self._oauth2.refresh(session, **arguments)

    def sign_in(self, person: str) -> dict[str, Any]:
        """Sign a sample person in. An application of yours sends the browser to the provider's page instead.

        Args:
            person: The key.

        Returns:
            What ``SealedSession.sign_in`` takes, which has the access token verified.

        Raises:
            ProviderUnavailable: No answer, or none that is of use.
        """
        endpoint = self._oauth2.metadata()["token_endpoint"]
        try:
            answer = httpx2.post(
                endpoint,
                data={"grant_type": SIGN_IN, "person": person},
                auth=(quote_plus(CLIENT_ID), quote_plus(self._secret)),
                timeout=TIMEOUT,
                trust_env=False,
            )
        except httpx2.HTTPError:
            raise ProviderUnavailable from None
        if answer.status_code != 200:
            raise ProviderUnavailable
        values = answer.json()
        return {name: values.get(name) for name in ("access_token", "refresh_token", "user", "impersonator")}

    def verify(self, access_token: str, *, subject: str | None = None) -> Verification:
        """Verify an access token, by the keys that the provider publishes: that it is the provider's, and is for us.

        This is called for every token that comes in, by signing in and by a refresh.
        """
        if self._verifier is None:
            jwks_uri = self._oauth2.metadata()["jwks_uri"]
            self._verifier = JWTVerifier(jwks_uri, issuers=[self._issuer], audience=CLIENT_ID)
        return self._verifier.verify(access_token, subject=subject)
