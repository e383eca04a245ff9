"""WorkOS AuthKit: its pages, as far as a browser is sent through them, and its API for users and sessions.

A refresh token is good once, or once more for a while where the fake is told so.
"""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from ..arguments import check_whole_number
from ..exact_json import JsonObject
from .fake import Fake
from .server import Reply, Request
from .workos_errors import api_error, oauth_error, step_up
from .workos_session import CODE_LIFETIME, Code, WorkOSSession, person

_CHOOSE = "urn:workos:oauth:grant-type:organization-selection"


class FakeWorkOS(Fake):
    """WorkOS AuthKit. Safe to share between threads.

    Attributes:
        client_id: Of the one application that it knows.
        api_key: Of that application; another one is refused with 401.
        redirect_uris: Where people may come back after they have signed in; compared exactly.
        sign_out_uris: Where they may come back after they have signed out; the first where none is named.
        organizations: Names by ids.
        next_person: Members of the user object of whoever signs in next, at its pages; None: nobody, and the
            application is told ``access_denied``.
        next_impersonator: ``email`` and ``reason`` of who acts in that person's place; None: nobody.
        issuer: The claim ``iss`` of its tokens.
    """

    def __init__(
        self,
        *,
        client_id: str = "client_01TEST0000000000000000000001",
        api_key: str | None = None,
        clock: Callable[[], float] | None = None,
        lifetime: int = 300,
        replay_window: int = 0,
        redirect_uris: Sequence[str] = ("https://app.example.com/callback", "http://localhost/callback"),
        sign_out_uris: Sequence[str] = ("https://app.example.com/", "http://localhost/"),
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Begin with no session.

        Args:
            client_id: Of the application.
            api_key: Of the application; None: a new one.
            clock: As for every fake.
            lifetime: Seconds that an access token is good for.
            replay_window: Seconds for which a refresh token that was exchanged is answered once more, with the same
                successor. 0: it is refused at once.
            redirect_uris: As the attribute.
            sign_out_uris: As the attribute.
            ssl_context: As for every fake.

        Raises:
            UsageTypeError, UsageError: Something else.
        """
        super().__init__(client_id, clock=clock, ssl_context=ssl_context)
        check_whole_number("lifetime", lifetime)
        check_whole_number("replay_window", replay_window)
        self.client_id = client_id
        self.api_key = f"sk_test_{secrets.token_urlsafe(24)}" if api_key is None else api_key
        self.jwks_path = f"/sso/jwks/{client_id}"
        self.redirect_uris, self.sign_out_uris = list(redirect_uris), list(sign_out_uris)
        self.organizations = {"org_1": "Analytical Engines", "org_2": "Difference Engines"}
        self.next_person: JsonObject | None = {}
        self.next_impersonator: JsonObject | None = None
        self._lifetime, self._window = lifetime, replay_window
        self._sessions: dict[str, WorkOSSession] = {}
        self._codes: dict[str, Code] = {}
        self._step_ups: list[str] = []
        self._pending: dict[str, JsonObject] = {}
        self._routes = {
            ("POST", "/user_management/authenticate"): self._authenticate,
            ("GET", "/user_management/authorize"): self._authorize,
            ("POST", "/user_management/sessions/revoke"): self._revoke,
            ("GET", "/user_management/sessions/logout"): self._log_out,
        }

    @property
    def issuer(self) -> str:
        """The claim ``iss`` of its tokens."""
        return f"{self.base_url}/user_management/{self.client_id}"

    def sign_in(
        self,
        user: JsonObject | None = None,
        *,
        organization_id: str | None = None,
        impersonator: JsonObject | None = None,
        **claims: Any,
    ) -> dict[str, Any]:
        """Open a session; return what ``SealedSession.sign_in`` takes.

        Args:
            user: Members of the user object, ``id`` for example; the others are Ada's.
            organization_id: Of the organisation that the person is in.
            impersonator: ``email`` and ``reason`` of who acts in the person's place.
            claims: Further claims, also of every later access token.
        """
        with self._lock:
            session = self._open(person(user, self.clock()), organization_id, impersonator, claims)
            said = self._described(session)
        return {name: said[name] for name in ("access_token", "refresh_token", "user", "impersonator") if name in said}

    def require(self, code: str, times: int = 1) -> None:
        """Let the next authentications end in a step-up; the refresh token is as good as it was.

        Args:
            code: ``mfa_enrollment``, ``sso_required`` or ``organization_selection_required``, for example.
            times: How many.
        """
        with self._lock:
            self._step_ups += [code] * times

    def end_every_session(self) -> None:
        """Revoke all of them."""
        with self._lock:
            for session in self._sessions.values():
                session.is_over = True

    def _authenticate(self, request: Request) -> Reply:
        sent = request.json()
        if sent is None:
            return Reply(400, oauth_error("invalid_request", "The body is no JSON object."))
        if (sent.get("client_id"), sent.get("client_secret")) != (self.client_id, self.api_key):
            return Reply(401, oauth_error("invalid_client", "Invalid client ID or secret."))
        grants = {"authorization_code": self._exchange, "refresh_token": self._refresh, _CHOOSE: self._choose}
        grant = grants.get(str(sent.get("grant_type")))
        if grant is None:
            return Reply(400, oauth_error("unsupported_grant_type", "Unsupported grant type."))
        return grant(sent)

    def _exchange(self, sent: JsonObject) -> Reply:
        code = self._codes.pop(str(sent.get("code")), None)
        if code is None or not code.fits(sent.get("code_verifier"), self.clock()):
            return _denied("The code has expired or is invalid.")
        return self._step_up(code.user) or Reply(
            200, self._described(self._open(code.user, code.organization_id, self.next_impersonator, {}))
        )

    def _refresh(self, sent: JsonObject) -> Reply:
        token, wanted = str(sent.get("refresh_token")), sent.get("organization_id")
        session = next((one for one in self._sessions.values() if token == one.token or token in one.used), None)
        if session is None or session.is_over:
            return _denied("Invalid refresh token." if session is None else "Session has already ended.")
        if token != session.token and not self._may_be_replayed(session, token):
            return _denied("Refresh token already exchanged.")
        if wanted is not None and str(wanted) not in self.organizations:
            return Reply(404, api_error("entity_not_found", "Organization not found."))
        refusal = self._step_up(session.user)
        if refusal is not None:
            return refusal
        if token == session.token:
            session.rotate(self.clock())
        session.organization_id = session.organization_id if wanted is None else wanted
        return Reply(200, self._described(session))

    def _may_be_replayed(self, session: WorkOSSession, token: str) -> bool:
        """Return whether a token is the last one that was exchanged, and that a short while ago."""
        return token == list(session.used)[-1] and self.clock() < session.used[token] + self._window

    def _choose(self, sent: JsonObject) -> Reply:
        user = self._pending.pop(str(sent.get("pending_authentication_token")), None)
        if user is None or str(sent.get("organization_id")) not in self.organizations:
            return _denied("The pending authentication token has expired or is invalid.")
        return Reply(200, self._described(self._open(user, sent["organization_id"], None, {})))

    def _step_up(self, user: JsonObject) -> Reply | None:
        if not self._step_ups:
            return None
        said = step_up(self._step_ups.pop(0), user, self.organizations)
        self._pending[said["pending_authentication_token"]] = user
        return Reply(403, said)

    def _authorize(self, request: Request) -> Reply:
        asked = request.query
        if asked.get("client_id") != self.client_id or asked.get("redirect_uri") not in self.redirect_uris:
            return self._refusal(400, "invalid_request")
        state = {"state": asked["state"]} if "state" in asked else {}
        organization, method = asked.get("organization_id"), asked.get("code_challenge_method")
        is_sound = asked.get("response_type") == "code" and {"provider", "connection_id", "organization_id"} & set(
            asked
        )
        if not is_sound or ("code_challenge" in asked and method != "S256"):
            return _redirect(asked["redirect_uri"], {"error": "invalid_request", **state})
        if self.next_person is None:
            return _redirect(asked["redirect_uri"], {"error": "access_denied", **state})
        code, now = secrets.token_urlsafe(20), self.clock()
        ends_at = now + CODE_LIFETIME
        self._codes[code] = Code(person(self.next_person, now), organization, asked.get("code_challenge"), ends_at)
        return _redirect(asked["redirect_uri"], {"code": code, **state})

    def _revoke(self, request: Request) -> Reply:
        if request.bearer() != self.api_key:
            return self._refusal(401, "unauthorized")
        session = self._sessions.get(str((request.json() or {}).get("session_id")))
        if session is None:
            return self._refusal(404, "entity_not_found")
        session.is_over = True
        return Reply(200, {"object": "session", "id": session.sid, "user_id": session.user["id"], "status": "revoked"})

    def _log_out(self, request: Request) -> Reply:
        back = request.query.get("return_to", self.sign_out_uris[0])
        if back not in self.sign_out_uris or "session_id" not in request.query:
            return self._refusal(422, "invalid_request")
        session = self._sessions.get(request.query["session_id"])
        if session is not None:
            session.is_over = True
        return _redirect(back, {})

    def _open(
        self, user: JsonObject, organization_id: str | None, impersonator: JsonObject | None, claims: JsonObject
    ) -> WorkOSSession:
        session = WorkOSSession(user, self.clock(), organization_id, impersonator, claims)
        self._sessions[session.sid] = session
        return session

    def _described(self, session: WorkOSSession) -> JsonObject:
        now = self.clock()
        ids = {"iss": self.issuer, "client_id": self.client_id, "jti": secrets.token_hex(13)}
        token = self.sign({**ids, "iat": now, "exp": now + self._lifetime, **session.describe()})
        organization = {} if session.organization_id is None else {"organization_id": session.organization_id}
        acting = {} if session.impersonator is None else {"impersonator": session.impersonator}
        tokens = {"access_token": token, "refresh_token": session.token}
        return {"user": session.user, **organization, **tokens, "authentication_method": "Password", **acting}

    def _who(self, request: Request) -> str:
        return str((request.json() or {}).get("client_id") or request.query.get("client_id") or "")

    def _refusal(self, status: int, code: str) -> Reply:
        """Return an error in the shape of the API."""
        return Reply(status, api_error(code, f"{code.replace('_', ' ').capitalize()}."))


def _denied(description: str) -> Reply:
    return Reply(400, oauth_error("invalid_grant", description))


def _redirect(address: str, parameters: dict[str, str]) -> Reply:
    mark = "&" if "?" in address else "?"
    return Reply(302, b"", {"Location": f"{address}{mark}{urlencode(parameters)}" if parameters else address})
