"""Corbado's frontend API, as far as an application's server talks to it, and the cookie that its UI component writes.

Also one question of its backend API, who a user is: there the API secret counts.
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

_MESSAGES = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}


class FakeCorbado(Fake):
    """Corbado's frontend API, and a little of its backend API. Safe to share between threads.

    A refresh token stays the same, and is good until its session is over.

    Attributes:
        project_id: Of the one project that it knows.
        api_secret: Of that project; another one is refused with 401.
        issuer: The claim ``iss`` of its tokens: the frontend API, which is where this fake listens.
    """

    jwks_path = "/.well-known/jwks"

    def __init__(
        self,
        *,
        project_id: str = "pro-1234567890123456789",
        api_secret: str | None = None,
        clock: Callable[[], float] | None = None,
        lifetime: int = 300,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Begin with no session.

        Args:
            project_id: Of the project.
            api_secret: Of the project; None: a new one.
            clock: As for every fake.
            lifetime: Seconds that a session-token is good for.
            ssl_context: As for every fake.

        Raises:
            UsageTypeError, UsageError: Something else.
        """
        super().__init__(project_id, clock=clock, ssl_context=ssl_context)
        check_whole_number("lifetime", lifetime)
        self.project_id = project_id
        self.api_secret = f"corbado1_{secrets.token_urlsafe(24)}" if api_secret is None else api_secret
        self._lifetime = lifetime
        self._sessions: dict[str, tuple[JsonObject, JsonObject]] = {}
        self._routes = {
            ("POST", "/v2/me/refresh"): self._refresh,
            ("GET", "/v2/users/*"): self._describe_user,
        }

    @property
    def issuer(self) -> str:
        """The claim ``iss`` of its tokens."""
        return self.base_url

    def sign_in(self, user: JsonObject | None = None, **claims: Any) -> dict[str, Any]:
        """Open a session; return what ``SealedSession.sign_in`` takes.

        Args:
            user: ``id``, ``name`` and ``email`` of the person; what is missing is Ada's.
            claims: Further claims, also of every later token.
        """
        user = {"id": "usr-1234567890123456789", "name": "Ada Lovelace", "email": "ada@example.com", **(user or {})}
        refresh_token = secrets.token_urlsafe(48)
        with self._lock:
            self._sessions[refresh_token] = user, claims
            return {"access_token": self._token(user, claims), "refresh_token": refresh_token, "user": user}

    def end_every_session(self) -> None:
        """Revoke all of them."""
        with self._lock:
            self._sessions.clear()

    def ui_cookie(self, host: str, session: Mapping[str, Any], *, name: str = "cbo_session_token") -> str:
        """Return what the UI component gives to ``document.cookie`` on a page.

        Args:
            host: Of the page, and the Domain of the cookie.
            session: As ``sign_in`` returned it.
            name: Of the cookie; ``cbo_short_session`` in former versions.
        """
        secure = "" if is_this_machine(host) else " Secure;"
        domain = without_port(host)
        return f"{name}={session['access_token']}; domain={domain};{secure} sameSite=Lax; path=/; max-age=604800"

    def _refresh(self, request: Request) -> Reply:
        if request.headers.get("x-corbado-projectid") != self.project_id:
            return self._refusal(400, "validation_error")
        session = self._sessions.get(request.bearer() or "")
        if session is None:
            return self._refusal(401, "unauthorized")
        return Reply(200, {"sessionToken": self._token(*session)})

    def _describe_user(self, request: Request) -> Reply:
        if not self._is_ours(request, self.api_secret):
            return self._refusal(401, "unauthorized")
        wanted = request.path.rpartition("/")[2]
        for known, _ in self._sessions.values():
            if known["id"] == wanted:
                times = {"created": "2027-01-15T08:00:00", "updated": "2027-01-15T08:00:00", "updatedMs": 0}
                names = {"userID": wanted, "fullName": known["name"], "status": "active"}
                return Reply(200, {**names, **times, "createdMs": 0})
        return self._refusal(404, "does_not_exist")

    def _token(self, user: JsonObject, claims: JsonObject) -> str:
        now = self.clock()
        who = {"sub": user["id"], "name": user["name"], "email": user["email"], "orig": user["email"]}
        times = {"iat": now, "nbf": now, "exp": now + self._lifetime}
        named = {"iss": self.issuer, "jti": f"jti-{secrets.token_hex(8)}", "version": 2}
        return self.sign({**named, **times, **who, **claims})

    def _who(self, request: Request) -> str:
        return request.headers.get("x-corbado-projectid") or super()._who(request)

    def _refusal(self, status: int, code: str) -> Reply:
        """Return an error in Corbado's shape."""
        about = {"requestID": f"req-{secrets.token_hex(8)}", "link": "https://app.corbado.com"}
        error = {"type": code, "links": [], "details": code.replace("_", " ")}
        message = _MESSAGES.get(status, "Error")
        shape = {"httpStatusCode": status, "message": message, "requestData": about, "runtime": 0.001}
        return Reply(status, {**shape, "error": error})
