"""Stytch, as far as an application's server and its browsers talk to it: sessions, passwords, keys.

Its session has two faces: an opaque ``session_token``, the same for as long as it lives, and a ``session_jwt`` that is
made anew at every call and good for five minutes. Either authenticates; the JWT also when it has expired.
"""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from ..arguments import check_whole_number
from ..exact_json import JsonObject
from ..hosts import is_this_machine, without_port
from .fake import Fake
from .server import Reply, Request
from .stytch_session import SESSION_CLAIM, StytchSession, person

_FEWEST_MINUTES, _MOST_MINUTES = 5, 527_040


class FakeStytch(Fake):
    """Stytch's API for consumers. Safe to share between threads.

    Attributes:
        project_id: Of the one project that it knows.
        secret: Of that project; another one is refused with 401.
        issuer: The claim ``iss`` of its tokens.
    """

    def __init__(
        self,
        *,
        project_id: str = "project-test-00000000-0000-4000-8000-000000000001",
        secret: str | None = None,
        clock: Callable[[], float] | None = None,
        jwt_lifetime: int = 300,
        session_minutes: int = 60,
        custom_base_url: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Begin with no session.

        Args:
            project_id: Of the project.
            secret: Of the project; None: a new one.
            clock: As for every fake.
            jwt_lifetime: Seconds that a ``session_jwt`` is good for.
            session_minutes: How long a session lives that ``sign_in`` opens.
            custom_base_url: Whether the project has a domain of its own, the address of this fake: its tokens name
                that one as their issuer.
            ssl_context: As for every fake.

        Raises:
            UsageTypeError, UsageError: Something else.
        """
        super().__init__(project_id, clock=clock, ssl_context=ssl_context)
        check_whole_number("jwt_lifetime", jwt_lifetime)
        check_whole_number("session_minutes", session_minutes)
        self.project_id = project_id
        self.secret = f"secret-test-{secrets.token_urlsafe(24)}" if secret is None else secret
        self.jwks_path = f"/v1/sessions/jwks/{project_id}"
        self._jwt_lifetime = jwt_lifetime
        self._minutes = session_minutes
        self._has_domain = custom_base_url
        self._sessions: list[StytchSession] = []
        self._people: dict[str, tuple[str, JsonObject]] = {}
        self._routes = {
            ("POST", "/v1/sessions/authenticate"): self._authenticate,
            ("POST", "/v1/sessions/revoke"): self._revoke,
            ("POST", "/v1/passwords/authenticate"): self._sign_in_with_password,
        }

    @property
    def issuer(self) -> str:
        """The claim ``iss`` of its tokens."""
        return self.base_url if self._has_domain else f"stytch.com/{self.project_id}"

    def sign_in(self, user: JsonObject | None = None, *, minutes: int | None = None, **claims: Any) -> dict[str, Any]:
        """Open a session; return what ``SealedSession.sign_in`` takes.

        Args:
            user: Members of the user object, ``user_id`` for example; the others are Ada's.
            minutes: How long the session lives; None: as the constructor was told.
            claims: Custom claims.
        """
        with self._lock:
            session = self._open(person(user, self.clock()), self._minutes if minutes is None else minutes, claims)
            return {
                "access_token": self._jwt(session),
                "refresh_token": session.token,
                "user": session.user,
                "session_expires_at": session.expires_at,
            }

    def register(self, email: str, password: str, user: JsonObject | None = None) -> None:
        """Let somebody sign in with a password, by way of the API.

        Args:
            email: Of the person.
            password: Theirs.
            user: Members of the user object, as for ``sign_in``.
        """
        address = {"email_id": f"email-test-{secrets.token_hex(4)}", "email": email, "verified": True}
        with self._lock:
            self._people[email] = password, person({"emails": [address], **(user or {})}, self.clock())

    def end_every_session(self) -> None:
        """Revoke all of them."""
        with self._lock:
            self._sessions.clear()

    def jwks(self) -> JsonObject:
        """Return its set of keys, with the members that Stytch adds."""
        added = {"key_ops": ["verify"], "x5c": [], "x5tS256": "", "x5t#S256": ""}
        keys = [{**key, **added} for key in super().jwks()["keys"]]
        return {"keys": keys, "request_id": _request_id(), "status_code": 200}

    def browser_cookies(
        self,
        host: str,
        session: Mapping[str, Any],
        *,
        names: tuple[str, str] = ("stytch_session", "stytch_session_jwt"),
        path: str = "/",
        domain: str | None = None,
        host_only: bool = False,
    ) -> list[str]:
        """Return what its JavaScript gives to ``document.cookie`` on a page, one line a cookie.

        Args:
            host: Of the page. No cookie is Secure on this machine's own names.
            session: As ``sign_in`` returned it.
            names: Of the two cookies.
            path: Of both.
            domain: Of both; None: the host.
            host_only: Without a Domain, as the SDK does where cookies are not available to subdomains.
        """
        scope = "" if host_only else f" domain={domain or without_port(host)};"
        secure = "" if is_this_machine(host) else " Secure;"
        left = max(0, session["session_expires_at"] - self.clock())
        tokens = (session["refresh_token"], session["access_token"])
        return [
            f"{name}={token};{scope} path={path}; SameSite=Lax;{secure} max-age={left}"
            for name, token in zip(names, tokens, strict=True)
        ]

    def _authenticate(self, request: Request) -> Reply:
        sent, refusal = self._sent(request, ("session_token", "session_jwt"), "session")
        if refusal is not None:
            return refusal
        session = self._find(sent)
        if session is None:
            return self._refusal(404, "session_not_found")
        minutes = sent.get("session_duration_minutes")
        if minutes is not None:
            if not _is_duration(minutes):
                return self._refusal(400, "invalid_session_duration_minutes")
            session.expires_at = self.clock() + minutes * 60
        session.last_accessed_at = self.clock()
        session.add_claims(sent.get("session_custom_claims") or {})
        return self._accepted(self._described(session))

    def _revoke(self, request: Request) -> Reply:
        sent, refusal = self._sent(request, ("session_id", "session_token", "session_jwt"), "session_revoke")
        if refusal is not None:
            return refusal
        session = self._find(sent)
        if session is None:
            return self._refusal(404, "session_not_found")
        self._sessions.remove(session)
        return self._accepted({})

    def _sign_in_with_password(self, request: Request) -> Reply:
        sent, refusal = self._sent(request)
        if refusal is not None:
            return refusal
        email = str(sent.get("email"))
        if email not in self._people:
            return self._refusal(404, "email_not_found")
        password, user = self._people[email]
        if sent.get("password") != password:
            return self._refusal(401, "unauthorized_credentials")
        minutes = sent.get("session_duration_minutes")
        if minutes is None:
            nothing = {"session": None, "session_token": "", "session_jwt": ""}
            return self._accepted({"user_id": user["user_id"], "user": user, **nothing})
        if not _is_duration(minutes):
            return self._refusal(400, "invalid_session_duration_minutes")
        session = self._open(user, minutes, sent.get("session_custom_claims") or {})
        return self._accepted({"user_id": user["user_id"], **self._described(session)})

    def _sent(self, request: Request, one_of: tuple[str, ...] = (), what: str = "") -> tuple[JsonObject, Reply | None]:
        """Return what was sent, and the refusal where that is not to be: credentials, JSON, exactly one of some."""
        if not self._is_ours(request, self.secret):
            return {}, self._refusal(401, "unauthorized_credentials")
        sent = request.json()
        if sent is None or type(sent.get("session_custom_claims") or {}) is not dict:
            return {}, self._refusal(400, "bad_request")
        given = sum(bool(sent.get(name)) for name in one_of)
        if one_of and given != 1:
            return sent, self._refusal(400, f"{'too_many' if given else 'no'}_{what}_arguments")
        return sent, None

    def _find(self, sent: JsonObject) -> StytchSession | None:
        """Return the living session that is named; a JWT need not be fresh, its signature has to be good."""
        claims = self.keys.claims_of(str(sent.get("session_jwt"))) or {}
        described = claims.get(SESSION_CLAIM) or {}
        names = (sent.get("session_id"), described.get("id"))
        for session in self._sessions:
            if session.token == sent.get("session_token") or session.session_id in names:
                return session if self.clock() < session.expires_at else None
        return None

    def _open(self, user: JsonObject, minutes: int, claims: JsonObject) -> StytchSession:
        now = self.clock()
        session = StytchSession(user, now, now + minutes * 60, now, {})
        session.add_claims(claims)
        self._sessions.append(session)
        return session

    def _jwt(self, session: StytchSession) -> str:
        now = self.clock()
        times = {"iat": now, "nbf": now, "exp": now + self._jwt_lifetime}
        return self.sign({"iss": self.issuer, "aud": [self.project_id], **times, **session.claims()})

    def _described(self, session: StytchSession) -> JsonObject:
        tokens = {"session_token": session.token, "session_jwt": self._jwt(session)}
        return {"session": session.describe(), **tokens, "user": session.user}

    def _accepted(self, members: JsonObject) -> Reply:
        return Reply(200, {"status_code": 200, "request_id": _request_id(), **members})

    def _refusal(self, status: int, code: str) -> Reply:
        """Return an error in Stytch's shape."""
        error = {"error_type": code, "error_message": f"{code.replace('_', ' ').capitalize()}."}
        where = {"error_url": f"https://stytch.com/docs/api/errors/{status}#{code}"}
        return Reply(status, {"status_code": status, "request_id": _request_id(), **error, **where})


def _is_duration(minutes: Any) -> bool:
    return type(minutes) is int and _FEWEST_MINUTES <= minutes <= _MOST_MINUTES


def _request_id() -> str:
    return f"request-id-test-{secrets.token_hex(16)}"
