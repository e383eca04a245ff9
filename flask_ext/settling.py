"""Who is signed in by a request: the first transport that brings a usable session, renewed when it is due.

    transports ──look──▶ Carried ──settle──▶ signed in, or signed out for a reason

A transport that brings nothing of use is passed over, and so is one of several sessions that it may have been. While
one of them cannot be known, that is what is told. Whatever comes from outside, nothing here raises.
"""

from __future__ import annotations

import time
import weakref
from dataclasses import replace
from typing import Any

from werkzeug import Request

from sealed_session import Session
from sealed_session.exact_json import JsonObject
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome
from sealed_session.verifier import Verdict

from . import renewing, signals
from .carried import Carried, most_telling
from .signals import logger
from .state import AppState

State = tuple[Carried, Reason | None, JsonObject, float | None]
"""By what somebody is signed out, why, and what goes with it."""


class Settling:
    """One request's session, as it comes about by itself. Belongs to its request, as the request does to its thread.

    It stands in the request's environ, so it holds the request weakly: with the last word of the response every token
    is out of memory, and not when the garbage collector next comes by. An environ may be used for a second request, and
    copied for another one; so ``is_of`` is asked before it is taken for anybody's.
    """

    __slots__ = (
        "_app",
        "_carried",
        "_changes",
        "_looked",
        "_payload",
        "_reason",
        "_ref",
        "_retry_after",
        "_session",
        "_settled",
        "_until",
    )

    def __init__(self, app: AppState, request: Request) -> None:
        self._app = app
        self._ref = weakref.ref(request)
        self._carried = app.transports[0].look(app, request)
        self._looked = [self._carried]
        self._settled = False
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
        return None if self.session is None else self._carried.signed_in_at or None

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
            question, deadline = carried.question(kept), self._deadline()
            self._apply(kept, renewing.renew(self._app, request, kept, question, carried.started_at, deadline))

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
            is_good = self._session is not None and self._is_live(session)
            kind = Kind.CURRENT if is_good else Kind.DENIED  # for this request: on record it is somebody's
            outcome = Outcome(kind, reason=None if is_good else Reason.DENIED)
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


def _marks(mark: Any, request: Request) -> bool:
    return isinstance(mark, weakref.ref) and mark() is request
