"""The session of one request: as it came about (settling.py), changed by the application, written with the response.

    signed in, or signed out for a reason
      │ sign_in, update, refresh, sign_out
      ▼
    response ◀──finish── look once more, then keep, write or clear (writing.py)

What the application does beats what happens by itself; the last of its acts counts. ``finish`` may run several times:
for a response, for the error response that replaces it, and again when somebody looked late.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from werkzeug import Request, Response

from sealed_session import Session, SizeReport, UsageError
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome
from sealed_session.refresh.signing_out import SignedOut
from sealed_session.verifier import Verdict

from . import cache, misuse, renewing, signals
from .carried import Carried, Write
from .settling import Settling
from .state import AppState, host_of
from .token_cookies import TokenCarried
from .writing import Writer


class RequestSession(Settling):
    """One request's session. Belongs to its request, as the request belongs to its thread."""

    __slots__ = ("_is_new", "_writer")

    def __init__(self, app: AppState, request: Request) -> None:
        super().__init__(app, request)
        self._writer: Writer | None = None
        self._is_new = False

    # What the application does.

    def sign_in(self, session: Session) -> None:
        """Open a session, in place of whatever there was."""
        self._check_writable("sign_in")
        target = next((carried for carried in self._look_everywhere() if carried.is_ours), None)
        if target is None:
            raise misuse.nowhere()
        self._open(target, session)

    def _open(self, target: Carried, session: Session) -> None:
        target.admit(self._request)
        session = _named(target.complete(self._app.verifying.admit(session)))
        ending, old = self._app.ending, (target.session, target.started_at)
        target.begin(session, ending.begin(session, self._app.now()))
        rest = [carried for carried in self._looked if carried is not target and carried.is_ours]
        others = [(carried.end(), carried.started_at) for carried in rest if carried.session is not None]
        self._carried, self._is_new, self._changes = target, True, {}
        self._be_signed_in(session)
        for replaced, started_at in (old, *others):
            if replaced is not None:
                ending.replace(replaced, started_at, session)
        signals.send(signals.session_opened, session=session, started_at=target.started_at)

    def measure(self) -> SizeReport:
        """Measure the cookie of the session at hand, with its attributes."""
        session = self.session
        if session is None:
            raise misuse.nobody(self._reason)
        attributes = self._app.config.cookie.attributes(self._request.scheme, host_of(self._request))
        return self._app.sealer.measure(session, attributes=attributes)

    def client_tokens(self) -> dict[str, str] | None:
        """Return the tokens that JavaScript may read anyway; None where it is kept from them."""
        session = self.session
        return None if session is None else self._carried.client_tokens(session)

    def take_up(self, access_token: str, refresh_token: str | None) -> None:
        """Carry on, in token cookies, a session whose tokens somebody holds."""
        self._check_writable("update_session")
        target = next((carried for carried in self._look_everywhere() if isinstance(carried, TokenCarried)), None)
        if target is None or not target.is_ours:
            raise misuse.no_cookies_of_tokens()
        if target.has_hidden:
            raise misuse.hidden()
        self._open(target, Session(access_token, refresh_token))

    def sign_out(self) -> tuple[Session | None, SignedOut]:
        """End the session, whether its token is good or has ended: nothing is renewed for it.

        What other transports brought ends as well, or the next request would be signed in by it.

        Returns:
            What the first of them held, and what came of ending it.
        """
        self._check_writable("sign_out")
        looked = self._look_everywhere()
        found = [(part, carried.started_at) for carried in looked for part in carried.parts()]
        for carried in looked:
            carried.end()
        self._settled, self._changes, self._is_new = True, {}, False
        self._be_signed_out(Reason.MISSING)
        ended = found[0][0] if found else None
        done = self._app.ending.sign_out(*found[0]) if found else SignedOut()
        for other, started_at in found[1:]:
            if ended is not None and not _is_part_of(other, ended):
                self._app.ending.end_behind(other, started_at)
        signals.send(signals.session_closed, session=ended)
        return ended, done

    def update(self, changes: Mapping[str, Any]) -> None:
        """Change the application's side of the session."""
        self._check_writable("update")
        session = self.session
        if session is None:
            raise misuse.nobody(self._reason)
        changed = session.replace(**changes)
        self._app.verifying.check_subject(changed)
        self._carried.change(changed)
        self._changes.update(changes)
        self._be_signed_in(changed)

    def refresh(self, force: bool, arguments: Mapping[str, Any]) -> Outcome:
        """Renew the session where it is due, or where the caller wants it so."""
        self._check_writable("refresh")
        app = self._app
        if app.refresher is None:
            raise UsageError("nobody could refresh it.", fix="Give SealedSession a provider.", code="no_provider")
        if not self._settled:
            self._settle(renews=False)
        session = self._carried.session
        if session is None:
            raise misuse.nobody(self._reason)
        if not self._carried.can_renew:
            raise misuse.no_place("refresh", "a bearer token")
        if self._session is not None and not force and not arguments and self._is_live(session):
            return Outcome(Kind.CURRENT, session)
        started_at, forced = self._carried.started_at, force or not app.is_due(session)
        deadline = time.monotonic() + app.config.refresh_timeout
        question = self._carried.question(session)
        outcome = renewing.ask(app, app.refresher, session, question, started_at, arguments, deadline, force=forced)
        if outcome.reason is Reason.EXPIRED and self._session is not None and self._is_live(session):
            return Outcome(Kind.CURRENT, session)  # nothing to refresh with, and no need
        return self._apply(session, outcome)

    def _check_writable(self, what: str) -> None:
        if self.is_finished:
            raise misuse.too_late(what)

    # The response.

    def finish(self, response: Response) -> Response:
        """Let a response carry what it should. May be called again, for the same response or for its successor."""
        app, was_signed_in = self._app, self._session is not None
        is_quiet = self._writer is None and not app.companions
        for carried in self._looked:
            if carried.is_to_look and carried.session is not None:
                carried.is_to_look = False
                self._look_once_more(carried, carried.session)
            is_quiet = is_quiet and carried.decision is Write.KEEP
        writes = not is_quiet and self._write(response)
        personal = writes or was_signed_in or self._reason is Reason.UNAVAILABLE
        brings = writes and self._carried.decision is not Write.END and bool(app.companions)
        looked_at = self._carried.looks_at
        if len(self._looked) > 1:
            looked_at = ", ".join(dict.fromkeys(one.looks_at for one in self._looked))
        cache.mark(response, looked_at=looked_at, personal=personal, no_store=brings, warn=app.warn_once)
        return response

    def _write(self, response: Response) -> bool:
        if self._writer is None:
            self._writer = Writer(self._app)
        return self._writer.write(
            response,
            self._request,
            self._looked,
            self._session,
            is_new=self._is_new,
            keeps_cookies=self._carried.keeps_cookies,
        )

    def _look_once_more(self, carried: Carried, session: Session) -> None:
        """Write nothing that somebody else has overtaken since: what arrives last stays in the browser."""
        standing = self._app.ending.standing(session, carried.started_at)
        is_current = carried is self._carried
        if standing.is_revoked:
            carried.keep()
            if is_current:
                self._be_signed_out(Reason.REVOKED)
        elif standing.newer is not None:
            received = self._app.verifying.receive(carried.shape(standing.newer.replace(**self._changes)))
            carried.renew(received.session)
            carried.is_to_look = False
            if is_current and self._session is not None:
                self._session = None if received.verdict is Verdict.INVALID else received.session
        elif not standing.is_settled and carried.decision is Write.RESEAL:
            carried.keep()


def _is_part_of(other: Session, ended: Session) -> bool:
    """Return whether what ends one session has ended another: by its refresh token, or by its id where it has none."""
    if other.refresh_token is not None:
        return other.refresh_token == ended.refresh_token
    return not set(other.session_ids).isdisjoint(ended.session_ids)


def _named(session: Session) -> Session:
    """Return a session by which it can be ended: with an id, and with whom the provider knows it by.

    The user may be trimmed, and is the application's to change. What the provider said of them at first is not.
    """
    if session.session_id is None:
        session = session.replace(session_id=secrets.token_urlsafe(16))
    sub = (session.user or {}).get("sub")
    if session.subject is None and type(sub) is str and sub:
        session = session.replace(subject=sub)
    return session
