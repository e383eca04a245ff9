"""Auth0 as a preset: what is Auth0's own stands here. Its OpenID Connect is like anybody's, and is ``OAuth2``'s."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from sealed_session import Session, UsageError
from sealed_session.hosts import is_this_machine
from sealed_session.providers import Claims, OAuth2
from sealed_session.providers.base import ReuseDetection
from sealed_session.providers.credentials import check_credential
from sealed_session.providers.environment import Option
from sealed_session.providers.http import CALL_LIMIT
from sealed_session.providers.logout_token import Logout
from sealed_session.providers.sign_in import Attempt
from sealed_session.providers.vendor import Issuer

_DOMAIN = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")


def check_domain(name: str, value: Any) -> None:
    """Refuse what is no domain; a whole address is the usual mistake."""
    check_credential(name, value)
    if _DOMAIN.fullmatch(value) is None:
        fix = "Write it as the dashboard shows it, without https:// and without a slash."
        raise UsageError(f"{name}: is not a domain.", fix=fix, code="provider_option")


class Auth0(Issuer):
    """Signs people in at an Auth0 tenant, for one API. Safe to share between threads and across a fork."""

    options = (
        Option("domain", "AUTH0_DOMAIN", check_domain),
        Option("client_id", "AUTH0_CLIENT_ID"),
        Option("client_secret", "AUTH0_CLIENT_SECRET"),
        Option("audience", "AUTH0_AUDIENCE"),  # without one, access tokens are opaque, and nobody could verify them
    )
    variables: ClassVar[Mapping[str, str]] = {"PASSWORD": "AUTH0_SECRET", "REDIRECT_URI": "AUTH0_REDIRECT_URI"}
    reuse_detection: ReuseDetection = "session"  # a refresh token that is used twice ends all that came of it

    def __init__(
        self,
        domain: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        audience: str | None = None,
        *,
        namespace: str = "",
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Say who we are. Asks nobody yet.

        Args:
            domain: Of the tenant, or a custom one; None: ``AUTH0_DOMAIN``, read when it is needed. The others likewise.
            client_id: Of our application.
            client_secret: Of our application.
            audience: The identifier of our API.
            namespace: What stands before the claims that an Action adds: ``https://shop.example.com/``.
            clock: Returns Unix seconds; None: ``time.time``.
        """
        given = {"domain": domain, "client_id": client_id, "client_secret": client_secret, "audience": audience}
        super().__init__(given, timeout=CALL_LIMIT, trust_env=False, ssl_context=None)
        self.claims = Claims(user={"id": "sub", "email": f"{namespace}email", "name": f"{namespace}name"})
        self._clock = clock

    @property
    def identity(self) -> str:
        """The issuer and our client id."""
        return f"{self.issuers[0]} {self._environment.need('client_id')}"

    @property
    def issuers(self) -> tuple[str, ...]:
        """The one claim ``iss`` that its tokens have: with a slash at its end."""
        return (f"{self._base}/",)

    @property
    def jwks_url(self) -> str:
        """Where the public keys are."""
        return f"{self._base}/.well-known/jwks.json"

    @property
    def audience(self) -> str:
        """For whom access tokens have to be: our API. They may be for ``/userinfo`` besides."""
        return self._environment.need("audience")

    def settings(self, environ: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the settings that stand in variables of Auth0's own SDKs."""
        return {name: environ[variable] for name, variable in self.variables.items() if environ.get(variable)}

    def credential(self, session: Session) -> str | None:
        """Return the refresh token."""
        return session.refresh_token

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Use the refresh token; as ``OAuth2.refresh``."""
        return self._oauth.refresh(session, **arguments)

    def begin_sign_in(self, redirect_uri: str, *, max_age: int | None = None, **parameters: Any) -> tuple[str, Attempt]:
        """Return where to send the browser; ``organization`` and ``screen_hint`` are parameters of Auth0's."""
        return self._oauth.begin_sign_in(redirect_uri, max_age=max_age, **{"audience": self.audience, **parameters})

    def finish_sign_in(self, attempt: Attempt, answer: Mapping[str, str]) -> Session:
        """Return the session; its user has an ``id`` besides, as the users have that ``claims`` makes."""
        session = self._oauth.finish_sign_in(attempt, answer)
        user = session.user or {}
        return session.replace(user={**user, "id": user["sub"]})

    def revoke(self, session: Session) -> bool:
        """End the refresh token, and what came of it; as ``OAuth2.revoke``."""
        return self._oauth.revoke(session)

    def sign_out_url(self, session: Session, return_to: str | None = None) -> str:
        """Return Auth0's own page for signing out, which every tenant has. It has to know ``return_to``."""
        back = {} if return_to is None else {"returnTo": return_to}
        return f"{self._base}/v2/logout?{urlencode({'client_id': self._environment.need('client_id'), **back})}"

    def read_logout_token(self, token: str) -> Logout:
        """Return what Auth0 has sent to our back channel; as ``OAuth2.read_logout_token``."""
        return self._oauth.read_logout_token(token)

    @property
    def _base(self) -> str:
        domain = self._environment.need("domain")
        return f"{'http' if is_this_machine(domain) else 'https'}://{domain}"  # a fake on the loopback has no TLS

    @cached_property
    def _oauth(self) -> OAuth2:
        """Made when it is needed first: by then the environment is complete."""
        client_id, client_secret = (self._environment.need(name) for name in ("client_id", "client_secret"))
        issuer = self.issuers[0]
        return OAuth2(issuer=issuer, client_id=client_id, client_secret=client_secret, auth="post", clock=self._clock)

    def __repr__(self) -> str:
        return f"Auth0({self._environment.glance('domain')!r})"
