"""Stytch, as data: where to ask, what its answers and its tokens say, and the environment variables of its own SDKs.

Its session has two faces: a ``session_token``, which is our refresh token and stays the same for as long as the session
lives, and a ``session_jwt``, which is our access token and lives for five minutes.
"""

from __future__ import annotations

import ssl
import time
from datetime import timedelta
from math import isinf
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from ..arguments import seconds, wrong_type
from ..errors import RefreshDenied, UsageError
from ..exact_json import JsonObject
from ..session import Session
from ..transports import HttpOnly, Owner, TokenCookies, Transport
from . import grant, revocation
from .claims import Claims, at, text_at, unix_seconds
from .credentials import bad_option
from .environment import Option, check_base, check_user
from .grant import Codes
from .http import CALL_LIMIT, Answer
from .vendor import Issuer, basic

CODES = Codes(
    denied=frozenset({"session_not_found"}),
    refused=frozenset({"unauthorized_credentials"}),
    named=("error_type",),
    access_token="session_jwt",  # noqa: S106 - a name
)

SESSION = "https://stytch.com/session"
"""The claim that describes the session. Its id has a prefix and hyphens, and so is no id that a ``Session`` takes."""

CLAIMS = Claims(
    user={"id": "sub", "user_id": "sub", "email": "email", "name": "name"},
    session_id=(SESSION, "id"),
    started=((SESSION, "started_at"), "auth_time"),
    session_expires_at=(SESSION, "expires_at"),
)

RESERVED = frozenset({"session_token", "session_jwt"})

SESSION_COOKIE, JWT_COOKIE = "stytch_session", "stytch_session_jwt"
"""What its JavaScript, and its backend, call the two cookies of a session."""

_FEWEST_MINUTES, _MOST_MINUTES = 5, 527_040


class Stytch(Issuer):
    """Renews and ends the sessions of one Stytch project. Safe to share between threads and across a fork."""

    options = (
        Option("project_id", "STYTCH_PROJECT_ID", check_user),
        Option("secret", "STYTCH_SECRET"),
        Option("custom_base_url", "STYTCH_CUSTOM_BASE_URL", check_base, is_needed=False),
    )
    subject_field = "user_id"
    required_claims = ("exp", SESSION)  # machines' tokens are signed with the same keys
    claims = CLAIMS
    transports: ClassVar[tuple[Transport, ...]] = (
        TokenCookies(access=JWT_COOKIE, refresh=SESSION_COOKIE, owner="client"),
    )

    def __init__(
        self,
        project_id: str | None = None,
        secret: str | None = None,
        *,
        custom_base_url: str | None = None,
        max_token_age: float | timedelta | None = None,
        session_duration_minutes: int | None = None,
        base_url: str | None = None,
        timeout: float = CALL_LIMIT,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Say who we are. Asks nobody yet.

        Args:
            project_id: None: ``STYTCH_PROJECT_ID`` of the environment, read when it is needed.
            secret: None: ``STYTCH_SECRET``, likewise.
            custom_base_url: Of a project with a domain of its own, ``https://login.example.com``; every call goes
                there. None: ``STYTCH_CUSTOM_BASE_URL``, or that there is none.
            max_token_age: Seconds, or a timedelta. None: five minutes, by the tokens themselves.
            session_duration_minutes: 5 to 527,040: with every refresh the session lives as long from then on. None: it
                ends when it was going to.
            base_url: Of the API where there is no domain of its own; None: by the project, that of its environment.
            timeout: Seconds for a call as a whole, at most 30.
            trust_env: Use the proxies that the environment names.
            ssl_context: Which certificates are trusted; None: those of the system.

        Raises:
            UsageTypeError, UsageError: Not these (``provider_option``, ``provider_url``, ``bad_duration``).
        """
        given = {"project_id": project_id, "secret": secret, "custom_base_url": custom_base_url}
        super().__init__(given, timeout=timeout, trust_env=trust_env, ssl_context=ssl_context)
        age = seconds("max_token_age", max_token_age)
        self.max_token_age = None if isinf(age) else age
        self._minutes = None if session_duration_minutes is None else _check_minutes(session_duration_minutes)
        self._base_url = None if base_url is None else check_base("base_url", base_url)

    @property
    def identity(self) -> str:
        """The project, by whatever address it is reached."""
        return f"stytch.com {self.audience}"

    @property
    def audience(self) -> str:
        """For whom its tokens are: the project's id.

        Raises:
            ConfigError: Neither given nor in the environment.
        """
        return self._environment.need("project_id")

    @property
    def jwks_url(self) -> str:
        """Where the public keys are."""
        return f"{self._base}/v1/sessions/jwks/{quote(self.audience, safe='')}"

    @property
    def issuers(self) -> tuple[str, ...]:
        """The claims ``iss`` that its tokens may have: of a project with a domain of its own that, too."""
        custom = self._environment.find("custom_base_url")
        return (*([] if custom is None else [custom.rstrip("/")]), f"stytch.com/{self.audience}")

    @property
    def is_test(self) -> bool:
        """Whether the project is one of the test environment, which has no HttpOnly cookies."""
        project = self._environment.glance("project_id")
        return project is not None and not project.startswith("project-live-")

    @property
    def custom_domain(self) -> str | None:
        """The host of the project's own domain; None where it has none."""
        url = self._environment.glance("custom_base_url")
        return None if url is None else urlsplit(url).hostname

    @staticmethod
    def cookies(
        *,
        owner: Owner = "client",
        http_only: HttpOnly = "disabled",
        session_name: str = SESSION_COOKIE,
        jwt_name: str = JWT_COOKIE,
        path: str = "/",
        domain: str | None = None,
        host_only: bool = False,
    ) -> TokenCookies:
        """Return its two cookies as a transport, set as Stytch sets them.

        Args:
            owner: ``client``: its JavaScript, or its backend, writes them. ``server``: this application does, which
                signs people in by Stytch's API.
            http_only: As the project's setting. But for ``disabled``, none of the options below counts.
            session_name: Of the cookie with the session token.
            jwt_name: Of the cookie with the JWT.
            path: Of both.
            domain: Of both; None: the host that was asked.
            host_only: Without a Domain, as its JavaScript does where cookies are not available to sub-domains.

        Raises:
            UsageTypeError, ConfigError: Not these.
        """
        if http_only != "disabled":
            return TokenCookies(access=JWT_COOKIE, refresh=SESSION_COOKIE, owner=owner, http_only=http_only)
        return TokenCookies(
            access=jwt_name, refresh=session_name, owner=owner, path=path, domain=domain, host_only=host_only
        )

    def credential(self, session: Session) -> str | None:
        """Return the session token, or else the JWT, which is renewed although it has expired."""
        return next(iter(_sent(session).values()), None)

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Authenticate the session, and so have its JWT made anew.

        Args:
            session: Whose. A JWT alone must have been verified: good, or expired.
            arguments: Further members of the request, ``session_custom_claims`` for example.

        Returns:
            The new JWT, the session token, the user, and when the session ends.

        Raises:
            RefreshDenied: ``session_not_found``: it has ended, or was revoked.
            ProviderUnavailable: Anything else, a wrong secret too, which is logged.
            ConfigError: Project id or secret are missing.
            UsageError: ``reserved_argument``, ``extra_missing``.
        """
        sent = _sent(session)
        if not sent:
            raise RefreshDenied("the session has neither a session token nor a JWT.")
        grant.fields_of(dict.fromkeys(arguments), RESERVED)  # their names; the values may be any JSON
        asked = {"session_duration_minutes": self._minutes, **arguments}
        wanted = {name: value for name, value in asked.items() if value is not None}
        answer = self._ask("authenticate", {**sent, **wanted})
        body = grant.judge(answer, CODES, self._complaint)
        return _described(grant.renewed(session, _tokens(body), time.time(), answer.host), body)

    @staticmethod
    def session_of(answer: JsonObject) -> Session:
        """Return the session that an answer of Stytch's API has opened, where the application has signed somebody in.

        Args:
            answer: With ``session_jwt``, ``session_token``, ``session`` and ``user``.

        Returns:
            The user has an ``id`` besides, which is the ``user_id``, and an ``email``, a verified one where there is.

        Raises:
            UsageError: The answer has no JWT (``missing_value``).
        """
        if grant.text_in(answer, "session_jwt") is None:
            fix = "Ask with session_duration_minutes; without it Stytch opens no session."
            raise UsageError("answer: has no session_jwt.", fix=fix, code="missing_value")
        return _described(grant.opened(_tokens(answer), time.time()), answer)

    def revoke(self, session: Session) -> bool:
        """End the session at Stytch; return whether it is over there. Asked once.

        Raises:
            ProviderUnavailable: Nobody knows.
            ConfigError: Project id or secret are missing.
        """
        sent = _sent(session)
        if not sent:
            return False
        answer = self._ask("revoke", sent)
        if answer.status == 404 and text_at(answer.json() or {}, "error_type") in CODES.denied:
            return True  # it was over before
        return revocation.is_confirmed(answer, self._complaint)

    @property
    def _base(self) -> str:
        custom = self._environment.find("custom_base_url")
        if custom is not None:
            return custom.rstrip("/")
        return self._base_url or ("https://test.stytch.com" if self.is_test else "https://api.stytch.com")

    def _ask(self, what: str, members: JsonObject) -> Answer:
        """Call the API, as who we are."""
        us = basic(self.audience, self._environment.need("secret"))
        return self._post(f"{self._base}/v1/sessions/{what}", members, us)

    def __repr__(self) -> str:
        return f"Stytch({self._environment.glance('project_id')!r}, custom_domain={self.custom_domain!r})"


def _sent(session: Session) -> dict[str, str]:
    """Return what a session is known by there: exactly one of the two."""
    if session.refresh_token is not None:
        return {"session_token": session.refresh_token}
    return {"session_jwt": session.access_token} if session.claims else {}


def _tokens(body: JsonObject) -> JsonObject:
    """Return the tokens of an answer by the names of OAuth 2.0."""
    return {"access_token": body["session_jwt"], "refresh_token": body.get("session_token")}


def _described(session: Session, body: JsonObject) -> Session:
    """Return a session with what an answer says beside its tokens."""
    user = body.get("user")
    return session.replace(
        user=_named(user) if type(user) is dict and user else None,
        session_expires_at=unix_seconds(at(body, ("session", "expires_at"))),
    )


def _named(user: JsonObject) -> JsonObject:
    """Return a user with the fields that users have here, whoever made them."""
    emails = user.get("emails")
    found = [one for one in (emails if type(emails) is list else []) if type(one) is dict and text_at(one, "email")]
    best = sorted(found, key=lambda one: one.get("verified") is not True)
    added = {"id": text_at(user, "user_id"), "email": text_at(best[0], "email") if best else None}
    return {**{name: value for name, value in added.items() if value is not None}, **user}


def _check_minutes(value: Any) -> int:
    if type(value) is not int:
        raise wrong_type("session_duration_minutes", "an int", value)
    if not _FEWEST_MINUTES <= value <= _MOST_MINUTES:
        raise bad_option(f"session_duration_minutes: expected {_FEWEST_MINUTES} to {_MOST_MINUTES}.")
    return value
