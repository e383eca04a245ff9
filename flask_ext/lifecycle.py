"""The session of one request: read, renewed when due, changed by the application, written with the response.

    came in with the cookie ──settle──▶ signed in, or signed out for a reason
                                         │ sign_in, update, refresh, sign_out
                                         ▼
    response ◀──finish── look once more, then keep, seal or end (writing.py)

What the application does beats what happens by itself; the last of its acts counts. ``finish`` may run several times:
for a response, for the error response that replaces it, and again when somebody looked late.
"""

from __future__ import annotations

import secrets
import weakref
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from werkzeug import Request, Response

from sealed_session import Session, SizeReport, UsageError
from sealed_session.exact_json import JsonObject
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome
from sealed_session.refresh.signing_out import SignedOut
from sealed_session.verifier import Verdict

from . import cache, misuse, reading, renewing, signals
from .signals import logger
from .state import AppState, host_of
from .writing import Write, Writing


class RequestSession:
    """One request's session. Belongs to its request, as the request belongs to its thread.

    It stands in the request's environ, so it holds the request weakly: with the last word of the response every token
    is out of memory, and not when the garbage collector next comes by. An environ may be used for a second request, and
    copied for another one; so ``is_of`` is asked before it is taken for anybody's.
    """

    __slots__ = (
        "_app",
        "_changes",
        "_found",
        "_payload",
        "_reason",
        "_ref",
        "_retry_after",
        "_session",
        "_settled",
        "_writing",
    )

    def __init__(self, app: AppState, request: Request) -> None:
        self._app = app
        self._ref = weakref.ref(request)
        self._found = reading.of_request(app, request)
        self._writing = Writing(app, self._found)
        self._settled = False
        self._session: Session | None = None
        self._changes: dict[str, Any] = {}  # the application's, which no refresh takes back
        self._reason: Reason | None = None
        self._payload: JsonObject = {}
        self._retry_after: float | None = None
        if self.is_finished:
            app.warn_once(
                "a session was first looked at when its response was on its way, without the headers that keep it "
                "out of caches. Look before the view returns."
            )

    def is_of(self, request: Request) -> bool:
        """Return whether this is the session of a request, and not of an earlier one with the same environ."""
        return self._ref() is request

    @property
    def is_finished(self) -> bool:
        """Whether the response is made."""
        request = self._ref()
        return request is None or _marks(request.environ.get(self._app.finished), request)

    @property
    def _request(self) -> Request:
        request = self._ref()
        if request is None:
            raise RuntimeError("The request of this session is over.")
        return request

    # What the application reads. None of it raises.

    @property
    def session(self) -> Session | None:
        """The session; None when signed out. Renewed, if it is due, by the first who asks."""
        if not self._settled:
            self._settle()
        return self._session

    @property
    def reason(self) -> Reason | None:
        """Why there is no session."""
        return self._reason if self.session is None else None

    @property
    def started_at(self) -> int | None:
        """When the person signed in, Unix seconds."""
        return None if self.session is None else self._writing.started_at

    @property
    def password_index(self) -> int | None:
        """Which password opened the cookie: 0 the current one, 1 the first fallback; None where none did."""
        return None if self._found.opened is None else self._found.opened.password_index

    @property
    def payload(self) -> JsonObject:
        """Of a step-up, the provider's answer."""
        return self._payload if self.session is None else {}

    @property
    def retry_after(self) -> float | None:
        """Of an unavailable session, when to try again, in seconds."""
        return self._retry_after if self.session is None else None

    # What the application does.

    def sign_in(self, session: Session) -> None:
        """Open a session, in place of whatever there was."""
        self._check_writable("sign_in")
        session = self._app.verifying.admit(session)
        if session.session_id is None:
            session = session.replace(session_id=secrets.token_urlsafe(16))
        old, ending = self._writing.session, self._app.ending
        self._writing.begin(session, ending.begin(session, self._app.now()))
        self._changes = {}
        self._be_signed_in(session)
        if old is not None:
            ending.replace(old, session)
        signals.send(signals.session_opened, session=session, started_at=self._writing.started_at)

    def measure(self) -> SizeReport:
        """Measure the cookie of the session at hand, with its attributes."""
        session = self.session
        if session is None:
            raise misuse.nobody(self._reason)
        attributes = self._app.config.cookie.attributes(self._request.scheme, host_of(self._request))
        return self._app.sealer.measure(session, attributes=attributes)

    def sign_out(self) -> tuple[Session | None, SignedOut]:
        """End the session, whether its token is good or has ended: nothing is renewed for it.

        Returns:
            What the cookie held, and what came of ending it.
        """
        self._check_writable("sign_out")
        ended = self._writing.end()
        self._settled, self._changes = True, {}
        self._be_signed_out(Reason.MISSING)
        done = SignedOut() if ended is None else self._app.ending.sign_out(ended)
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
        self._writing.change(changed)
        self._changes.update(changes)
        self._be_signed_in(changed)

    def refresh(self, force: bool, arguments: Mapping[str, Any]) -> Outcome:
        """Renew the session where it is due, or where the caller wants it so."""
        self._check_writable("refresh")
        app = self._app
        if app.refresher is None:
            raise UsageError("nobody could refresh it.", fix="Give SealedSession a provider.", code="no_provider")
        if not self._settled:
            self._begin()
        session = self._writing.session
        if session is None:
            raise misuse.nobody(self._reason)
        if self._session is not None and not force and not arguments and app.is_live(session):
            return Outcome(Kind.CURRENT, session)
        started_at, forced = self._writing.started_at, force or not app.is_due(session)
        outcome = renewing.ask(app, app.refresher, session, started_at, arguments, force=forced)
        if outcome.reason is Reason.EXPIRED and self._session is not None and app.is_live(session):
            return Outcome(Kind.CURRENT, session)  # nothing to refresh with, and no need
        return self._apply(session, outcome)

    # How a session comes about, and how it ends.

    def _settle(self) -> None:
        self._begin()
        kept = self._writing.session
        is_refused = self._reason is Reason.INVALID  # what does not verify is no reason to use up a refresh token
        if kept is not None and not is_refused and (self._session is None or self._app.is_due(kept)):
            request = None if self.is_finished else self._request
            self._apply(kept, renewing.renew(self._app, request, kept, self._writing.started_at))
        if self._reason not in (None, Reason.MISSING):
            logger.info("signed out: %s", self._reason)
            signals.send(signals.session_rejected, reason=self._reason)

    def _begin(self) -> None:
        """Take the session as the cookie holds it."""
        self._settled = True
        kept = self._writing.session
        if kept is None:
            self._be_signed_out(self._found.reason)
        elif self._app.ending.is_over(kept, self._writing.started_at):
            self._be_signed_out(Reason.REVOKED)
            self._writing.end()
        elif not self._app.is_live(kept):  # nobody's until it is renewed: a receiver of a signal may ask meanwhile
            self._be_signed_out(Reason.UNAVAILABLE)
        elif kept.unverified and self._app.verifying.is_on:
            marked = self._take(kept)
            if not marked.unverified:
                self._writing.reseal(marked)
        else:
            self._session = kept

    def _take(self, session: Session) -> Session:
        """Sign the person in by a token that has just come, if it verifies; return the session with its mark."""
        received = self._app.verifying.receive(session)
        if received.verdict is Verdict.INVALID:
            self._be_signed_out(Reason.INVALID)
        else:
            self._be_signed_in(received.session)
        if received.verdict is Verdict.UNAVAILABLE:
            self._app.counters.add("unverified")
        return received.session

    def _apply(self, session: Session, outcome: Outcome) -> Outcome:
        """Go on with what a refresh came to. One that failed leaves a session alone that is good without it."""
        if outcome.session is not None:  # also beside a failure: the first of two links, say
            session = self._take(outcome.session.replace(**self._changes))
            self._writing.renew(session)  # whatever it is worth: the token before it is used up
            outcome = self._tell_of_new(session, outcome)
        if outcome.kind is Kind.REFRESHED:
            if not self._app.is_live(session):
                self._app.warn_once("the provider's new access token has ended already: compare the clocks.")
        elif (outcome.kind is Kind.DENIED and outcome.reason is not Reason.EXPIRED) or not self._app.is_live(session):
            self._be_signed_out(outcome.reason, outcome.payload, outcome.retry_after)
            if outcome.is_on_record:  # known before this request came: nobody holds a newer cookie any more
                self._writing.end()
        return outcome

    def _tell_of_new(self, session: Session, outcome: Outcome) -> Outcome:
        """Tell of new tokens; return the outcome without those that sign nobody in."""
        if self._session is not None:
            signals.send(signals.session_refreshed, session=session)
            return replace(outcome, session=session)
        signals.send(signals.session_refresh_failed, kind=outcome.kind, reason=Reason.INVALID)
        return replace(outcome, session=None, reason=outcome.reason or Reason.INVALID)

    def _be_signed_in(self, session: Session) -> None:
        self._settled, self._session, self._reason = True, session, None

    def _be_signed_out(
        self, reason: Reason | None, payload: JsonObject | None = None, retry_after: float | None = None
    ) -> None:
        self._session, self._reason = None, reason
        self._payload, self._retry_after = payload or {}, retry_after

    def _check_writable(self, what: str) -> None:
        if self.is_finished:
            raise misuse.too_late(what)

    # The response.

    def finish(self, response: Response) -> Response:
        """Let a response carry what it should. May be called again, for the same response or for its successor."""
        was_signed_in, writing = self._session is not None, self._writing
        if writing.is_to_look and writing.session is not None:
            writing.is_to_look = False
            self._look_once_more(writing.session)
        writes = writing.write_to(response, self._request, self._session)
        personal = writes or was_signed_in or self._reason is Reason.UNAVAILABLE
        brings = writes and writing.decision is not Write.END and bool(self._app.companions)
        cache.mark(response, personal=personal, no_store=brings, warn=self._app.warn_once)
        return response

    def _look_once_more(self, session: Session) -> None:
        """Write nothing that somebody else has overtaken since: what arrives last stays in the browser."""
        writing = self._writing
        standing = self._app.ending.standing(session, writing.started_at)
        if standing.is_revoked:
            writing.keep()
            self._be_signed_out(Reason.REVOKED)
        elif standing.newer is not None:
            received = self._app.verifying.receive(standing.newer.replace(**self._changes))
            writing.renew(received.session)
            writing.is_to_look = False
            if self._session is not None:
                self._session = None if received.verdict is Verdict.INVALID else received.session
        elif not standing.is_settled and writing.decision is Write.RESEAL:
            writing.keep()


def _marks(mark: Any, request: Request) -> bool:
    return isinstance(mark, weakref.ref) and mark() is request
