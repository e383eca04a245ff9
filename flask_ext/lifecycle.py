"""The session of one request: read, renewed when due, changed by the application, written with the response.

    transports ──look──▶ Carried ──settle──▶ signed in, or signed out for a reason
                                              │ sign_in, update, refresh, sign_out
                                              ▼
    response ◀──finish── look once more, then keep, write or clear (writing.py)

The first transport that brings a usable session counts; one that does not is passed over. What the application does
beats what happens by itself; the last of its acts counts. ``finish`` may run several times: for a response, for the
error response that replaces it, and again when somebody looked late.
"""

from __future__ import annotations

import secrets
import time
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

from . import cache, misuse, renewing, signals
from .carried import Carried, Write, most_telling
from .signals import logger
from .state import AppState, host_of
from .writing import Writer

State = tuple[Carried, Reason | None, JsonObject, float | None]
"""By what somebody is signed out, why, and what goes with it."""


class RequestSession:
    """One request's session. Belongs to its request, as the request belongs to its thread.

    It stands in the request's environ, so it holds the request weakly: with the last word of the response every token
    is out of memory, and not when the garbage collector next comes by. An environ may be used for a second request, and
    copied for another one; so ``is_of`` is asked before it is taken for anybody's.
    """

    __slots__ = (
        "_app",
        "_carried",
        "_changes",
        "_is_new",
        "_looked",
        "_payload",
        "_reason",
        "_ref",
        "_retry_after",
        "_session",
        "_settled",
        "_until",
        "_writer",
    )

    def __init__(self, app: AppState, request: Request) -> None:
        self._app = app
        self._ref = weakref.ref(request)
        self._carried = app.transports[0].look(app, request)
        self._looked = [self._carried]
        self._writer: Writer | None = None
        self._settled = self._is_new = False
        self._session: Session | None = None
        self._changes: dict[str, Any] = {}  # the application's, which no refresh takes back
        self._reason: Reason | None = None
        self._payload: JsonObject = {}
        self._retry_after: float | None = None
        self._until: float | None = None
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
        return None if self.session is None else self._carried.started_at or None

    @property
    def is_dated(self) -> bool:
        """Whether ``started_at`` is when the person signed in, and not only when a token was last made."""
        return self._carried.is_dated

    @property
    def password_index(self) -> int | None:
        """Which password opened the cookie: 0 the current one, 1 the first fallback; None where none did."""
        return next((one.password_index for one in self._looked if one.password_index is not None), None)

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
        target = next((carried for carried in self._look_everywhere() if carried.holds_tokens), None)
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
            self._app.ending.replace(other, started_at, found[0][0])
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
        outcome = renewing.ask(app, app.refresher, session, started_at, arguments, deadline, force=forced)
        if outcome.reason is Reason.EXPIRED and self._session is not None and self._is_live(session):
            return Outcome(Kind.CURRENT, session)  # nothing to refresh with, and no need
        return self._apply(session, outcome)

    # How a session comes about, and how it ends.

    def _settle(self, *, renews: bool = True) -> None:
        """Find the first transport that signs somebody in, and be signed in or out by it.

        Args:
            renews: Whether a session is renewed that is due; otherwise the first that there is counts.
        """
        self._settled = True
        self._settle_by(self._carried, renews=renews)
        if self._session is None and len(self._app.transports) > 1:
            self._settle_by_others(renews=renews)
        if renews and self._reason not in (None, Reason.MISSING):
            is_known = self._reason is not Reason.UNAVAILABLE
            logger.info("signed out: %s" if is_known else "who is signed in cannot be told now: %s", self._reason)
            signals.send(signals.session_rejected, reason=self._reason)

    def _settle_by_others(self, *, renews: bool) -> None:
        """Go on to the other transports; if none signs anybody in, tell the most telling reason of all."""
        tried = [self._state]
        for carried in self._look_everywhere()[1:]:
            if not renews and self._carried.session is not None:
                return
            self._carried = carried
            self._settle_by(carried, renews=renews)
            if self._session is not None:
                return
            tried.append(self._state)
        self._tell(tried)

    @property
    def _state(self) -> State:
        """By whom somebody is signed out, why, and what goes with it."""
        return self._carried, self._reason, self._payload, self._retry_after

    def _settle_by(self, carried: Carried, *, renews: bool) -> None:
        """Be signed in or out by what one transport brought, trying each session that it may have been."""
        self._begin(carried)
        if not renews:
            return
        self._renew_if_due(carried)
        if self._session is None and carried.advance():
            self._settle_by_candidates(carried, [self._state])

    def _settle_by_candidates(self, carried: Carried, tried: list[State]) -> None:
        """Go on to the other sessions that it may have been, all within the time that one refresh may take."""
        is_more = True
        while is_more:
            self._begin(carried)
            self._renew_if_due(carried)
            if self._session is not None:
                return
            tried.append(self._state)
            is_more = carried.advance()
        self._tell(tried)

    def _renew_if_due(self, carried: Carried) -> None:
        kept = carried.session
        is_refused = self._reason is Reason.INVALID  # what does not verify is no reason to use up a refresh token
        if kept is not None and not is_refused and (self._session is None or self._is_due(kept)):
            request = None if self.is_finished else self._request
            self._apply(kept, renewing.renew(self._app, request, kept, carried.started_at, self._deadline()))

    def _deadline(self) -> float:
        """Return until when this request waits for the provider, however many sessions it may have brought."""
        if self._until is None:
            self._until = time.monotonic() + self._app.config.refresh_timeout
        return self._until

    def _tell(self, tried: list[State]) -> None:
        """Be signed out for the most telling of several reasons."""
        best = tried[most_telling([reason for _, reason, _, _ in tried])]
        self._carried, self._reason, self._payload, self._retry_after = best

    def _begin(self, carried: Carried) -> None:
        """Take the session as a transport brought it."""
        kept = carried.session
        if kept is None:
            self._be_signed_out(carried.reason)
        elif self._app.ending.is_over(kept, carried.started_at):
            self._be_signed_out(Reason.REVOKED)
            carried.lose()
        elif not self._is_live(kept):  # nobody's until it is renewed: a receiver of a signal may ask meanwhile
            self._be_signed_out(Reason.UNAVAILABLE)
        elif kept.unverified and self._app.verifying.is_on:
            marked = self._take(kept)
            if not marked.unverified:
                carried.reseal(marked)
        else:
            self._session, self._reason = kept, None

    def _is_live(self, session: Session) -> bool:
        return self._app.is_live(session) and not self._carried.is_stale

    def _is_due(self, session: Session) -> bool:
        """Return whether a session is renewed before it has ended: where the new tokens can be kept."""
        return self._app.is_due(session) and self._carried.is_ours

    def _look_everywhere(self) -> list[Carried]:
        """Look what each transport brought, also those that were passed by."""
        for transport in self._app.transports[len(self._looked) :]:
            self._looked.append(transport.look(self._app, self._request))
        return self._looked

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
        if outcome.session is not None and not self._carried.accepts(outcome.session):
            outcome = Outcome(Kind.DENIED, reason=Reason.DENIED)  # for this request: on record it is somebody's
        if outcome.session is not None:  # also beside a failure: the first of two links, say
            session = self._take(self._carried.shape(outcome.session.replace(**self._changes)))
            self._carried.renew(session)  # whatever it is worth: the token before it is used up
            outcome = self._tell_of_new(session, outcome)
        if outcome.kind is Kind.REFRESHED:
            if not self._is_live(session):
                self._app.warn_once("the provider's new access token has ended already: compare the clocks.")
        elif (outcome.kind is Kind.DENIED and outcome.reason is not Reason.EXPIRED) or not self._is_live(session):
            self._be_signed_out(outcome.reason, outcome.payload, outcome.retry_after)
            if outcome.is_on_record:  # known before this request came: nobody holds a newer cookie any more
                self._carried.lose()
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


def _marks(mark: Any, request: Request) -> bool:
    return isinstance(mark, weakref.ref) and mark() is request
