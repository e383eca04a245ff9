"""The session of one request: read, renewed when due, changed by the application, written with the response.

    came in with the cookie ──settle──▶ signed in, or signed out for a reason
                                         │ sign_in, update, refresh, sign_out
                                         ▼
    response ◀──finish── keep (nothing to write) | seal (something changed) | end (signed out on purpose)

What the application does beats what happens by itself; the last of its acts counts. ``finish`` may run several times:
for a response, for the error response that replaces it, and again when somebody looked late.
"""

from __future__ import annotations

import secrets
import weakref
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from werkzeug import Request, Response

from sealed_session import Session, SizeReport, UsageError
from sealed_session.exact_json import JsonObject
from sealed_session.hosts import is_this_machine
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome, Refresher

from . import cache, companions, reading, sealing, signals
from .reading import Found
from .signals import logger
from .state import AppState, host_of

NO_HURRY = 10
"""Whose token is good for so many seconds more does not wait for somebody else's refresh."""

_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
"""By which a proxy shows itself. What they say is anybody's word, and not believed here."""


class Write(Enum):
    """What the response shall do to the cookie."""

    KEEP = auto()
    """Nothing: the browser has what it should have."""
    SEAL = auto()
    """Carry the session, sealed when the response is made, smaller if need be."""
    SEALED = auto()
    """Carry what was sealed when the application asked for it."""
    END = auto()
    """Clear it."""


class RequestSession:
    """One request's session. Belongs to its request, as the request belongs to its thread.

    It stands in the request's environ, so it holds the request weakly: with the last word of the response every token
    is out of memory, and not when the garbage collector next comes by. An environ may be used for a second request, and
    copied for another one; so ``is_of`` is asked before it is taken for anybody's.
    """

    __slots__ = (
        "_app",
        "_cleans",
        "_found",
        "_kept",
        "_payload",
        "_reason",
        "_ref",
        "_retry_after",
        "_sealed",
        "_session",
        "_settled",
        "_started_at",
        "_write",
        "_written",
    )

    def __init__(self, app: AppState, request: Request) -> None:
        self._app = app
        self._ref = weakref.ref(request)
        self._found = self._read()
        self._settled = False
        self._session: Session | None = None
        self._started_at = 0
        self._kept: Session | None = None  # what the cookie holds; also that of somebody who counts as signed out
        self._reason: Reason | None = None
        self._payload: JsonObject = {}
        self._retry_after: float | None = None
        self._sealed: str | None = None
        self._written: list[str] = []
        self._cleans = False
        self._write = Write.KEEP
        if self.is_finished:
            app.warn_once(
                "a session was first looked at when its response was on its way, without the headers that keep it "
                "out of caches. Look before the view returns."
            )
        opened = self._found.opened
        if opened is not None:
            self._kept, self._started_at = opened.session, opened.started_at
            if opened.needs_reseal or self._found.leftovers:
                self._write = Write.SEAL

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
        return None if self.session is None else self._started_at

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
        if session.session_id is None:
            session = session.replace(session_id=secrets.token_urlsafe(16))
        self._carry(session, self._app.now())
        self._cleans = self._found.opened is not None
        signals.send(signals.session_opened, session=session, started_at=self._started_at)

    def measure(self) -> SizeReport:
        """Measure the cookie of the session at hand, with its attributes."""
        session = self.session
        if session is None:
            raise _nobody(self._reason)
        attributes = self._app.config.cookie.attributes(self._request.scheme, host_of(self._request))
        return self._app.sealer.measure(session, attributes=attributes)

    def sign_out(self) -> None:
        """End the session."""
        self._check_writable("sign_out")
        ended, self._kept = self._kept, None
        self._settled, self._write = True, Write.END
        self._be_signed_out(Reason.MISSING)
        signals.send(signals.session_closed, session=ended)

    def update(self, changes: Mapping[str, Any]) -> None:
        """Change the application's side of the session."""
        self._check_writable("update")
        session = self.session
        if session is None:
            raise _nobody(self._reason)
        self._carry(session.replace(**changes), self._started_at)

    def refresh(self, force: bool, arguments: Mapping[str, Any]) -> Outcome:
        """Renew the session where it is due, or where the caller wants it so."""
        self._check_writable("refresh")
        session = self._kept
        if self._app.refresher is None:
            raise UsageError("nobody could refresh it.", fix="Give SealedSession a provider.", code="no_provider")
        if session is None:
            raise _nobody(self._reason or self._found.reason)
        if not self._settled:
            self._settled, self._session = True, session
        if self._session is not None and not force and not arguments and self._app.is_live(session):
            return Outcome(Kind.CURRENT, session)
        outcome = self._ask(self._app.refresher, session, arguments, force=force or not self._app.is_due(session))
        if outcome.reason is Reason.EXPIRED and self._app.is_live(session):  # nothing to refresh with, and no need
            return Outcome(Kind.CURRENT, session)
        return self._apply(session, outcome)

    # How a session comes about, and how it ends.

    def _read(self) -> Found:
        cookie = self._app.config.cookie
        if cookie.domain is not None and not cookie.covers(host_of(self._request)):
            self._app.warn_once(
                "a request came for the host %r, which the cookie's Domain %r does not cover: no browser will keep a "
                "cookie that is set there.",
                host_of(self._request),
                cookie.domain,
            )
        header = self._request.environ.get("HTTP_COOKIE", "")
        return reading.read(header, self._app.sealer, cookie.previous_names, now=self._app.now())

    def _settle(self) -> None:
        if self._kept is None:
            self._be_signed_out(self._found.reason)
        elif self._app.is_live(self._kept):
            self._session = self._kept
        else:  # nobody's until it is renewed: a receiver of a signal may ask meanwhile
            self._reason = Reason.UNAVAILABLE
        self._settled = True
        if self._kept is not None and (self._session is None or self._app.is_due(self._kept)):
            self._apply(self._kept, self._renew(self._kept))
        if self._reason not in (None, Reason.MISSING):
            logger.info("signed out: %s", self._reason)
            signals.send(signals.session_rejected, reason=self._reason)

    def _renew(self, session: Session) -> Outcome:
        """Renew a session because its access token has ended, where the answer could still carry the new one."""
        if self.is_finished or companions.is_speculative(self._request) or self._request.method == "OPTIONS":
            return Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE)
        if self._app.refresher is None or self._app.has_ended(session):
            return Outcome(Kind.DENIED, reason=Reason.EXPIRED)
        return self._ask(self._app.refresher, session, {}, force=False)

    def _ask(self, refresher: Refresher, session: Session, arguments: Mapping[str, Any], *, force: bool) -> Outcome:
        ends = session.access_expires_at
        in_hurry = force or bool(arguments) or ends is None or self._app.now() > ends - NO_HURRY
        patience = self._app.config.refresh_timeout
        outcome = refresher.refresh(session, arguments, force=force, patience=patience, in_hurry=in_hurry)
        if outcome.session is None and outcome.reason is not Reason.EXPIRED:  # for which nobody was asked
            signals.send(signals.session_refresh_failed, kind=outcome.kind, reason=outcome.reason)
        return outcome

    def _apply(self, session: Session, outcome: Outcome) -> Outcome:
        """Go on with what a refresh came to. One that failed leaves a session alone that is good without it."""
        if outcome.session is not None:  # also beside a failure: the first of two links, say
            session = self._session = self._kept = outcome.session
            self._write, self._reason = Write.SEAL, None
            signals.send(signals.session_refreshed, session=session)
        if outcome.kind is Kind.REFRESHED:
            if not self._app.is_live(session):
                self._app.warn_once("the provider's new access token has ended already: compare the clocks.")
        elif (outcome.kind is Kind.DENIED and outcome.reason is not Reason.EXPIRED) or not self._app.is_live(session):
            self._be_signed_out(outcome.reason, outcome.payload, outcome.retry_after)
            if outcome.is_on_record:  # known before this request came: nobody holds a newer cookie any more
                self._kept, self._write = None, Write.END
        return outcome

    def _be_signed_out(
        self, reason: Reason | None, payload: JsonObject | None = None, retry_after: float | None = None
    ) -> None:
        self._session, self._reason = None, reason
        self._payload, self._retry_after = payload or {}, retry_after

    def _carry(self, session: Session, started_at: int) -> None:
        self._sealed = self._app.sealer.seal(session, started_at=started_at)  # before anything changes: it may raise
        self._session = self._kept = session
        self._settled, self._reason = True, None
        self._started_at, self._write = started_at, Write.SEALED

    def _check_writable(self, what: str) -> None:
        if self.is_finished:
            raise UsageError(
                f"{what}: the response is made, and its headers can carry no cookie any more.",
                fix="Call it in the view, before the response is returned or streamed.",
                code="response_finished",
            )

    # The response.

    def finish(self, response: Response) -> Response:
        """Let a response carry what it should. May be called again, for the same response or for its successor."""
        lines = self._lines(response)
        if self._written or lines:
            ours = tuple(map(_without_attributes, self._written))  # somebody may have added an attribute to a line
            others = [line for line in response.headers.getlist("Set-Cookie") if not line.startswith(ours)]
            response.headers.setlist("Set-Cookie", others + lines)
            self._written = lines
        personal = bool(lines) or self._session is not None or self._reason is Reason.UNAVAILABLE
        brings = len(lines) > 0 and self._write is not Write.END and bool(self._app.companions)
        cache.mark(response, personal=personal, no_store=brings, warn=self._app.warn_once)
        return response

    def _lines(self, response: Response) -> list[str]:
        app, request = self._app, self._request
        if self._write is Write.SEAL and self._kept is not None:
            self._seal(self._kept)
        if self._write is Write.KEEP and not app.companions:
            return []
        scheme, host = request.scheme, host_of(request)
        if self._write is Write.END:
            return self._clear(scheme, host)
        lines = self._set(scheme, host) if self._write is Write.SEALED else []
        if self._session is not None:
            for companion in app.companions:
                cookies = companion.cookies(self._session, request, response, self._app.warn_once)
                lines += companions.lines(cookies, scheme, host, self._app.warn_once)
        return lines

    def _seal(self, session: Session) -> None:
        """Seal what no view waits for: new tokens, or the session as it was under what sealing is done with now."""
        done, opened = sealing.seal(self._app.sealer, session, self._started_at), self._found.opened
        self._sealed = done.sealed or self._sealed  # what this request sealed before goes before nothing
        self._write = Write.KEEP if self._sealed is None else Write.SEALED
        if done.report is not None:
            logger.error("too large for its cookie; sealed: %s. What did not fit:\n%s", done.sealed_as, done.report)
            signals.send(signals.session_too_large, report=done.report, sealed_as=done.sealed_as)
        elif opened is not None and session is opened.session:
            logger.info("sealed anew: %s", ", ".join(opened.reseal_reasons) or "more than one cookie")
            signals.send(signals.session_resealed, reasons=opened.reseal_reasons, password_index=opened.password_index)

    def _set(self, scheme: str, host: str) -> list[str]:
        cookie = self._app.config.cookie
        if scheme == "http":
            self._warn_about_http(host, secure=cookie.is_secure(scheme, host))
        others: list[str] = []
        if self._cleans or self._found.leftovers:
            others = cookie.clear_others(
                scheme, host, path=self._request.path, everywhere=self._cleans or not self._found.foreign
            )
        return [*others, cookie.set(self._sealed or "", scheme, host)]

    def _warn_about_http(self, host: str, *, secure: bool) -> None:
        if secure and not is_this_machine(host):
            self._app.warn_once(
                "a Secure cookie was set over http for the host %r: browsers drop it. Use https; behind a proxy that "
                "ends it, werkzeug's ProxyFix. `flask sealed-session check --url ...` says more.",
                host,
            )
        elif not secure and any(name in self._request.headers for name in _FORWARDED):
            self._app.warn_once(
                "a cookie without Secure was set for %r, and a proxy stands before it. Set "
                "SEALED_SESSION_COOKIE_SECURE = True, and use werkzeug's ProxyFix.",
                host,
            )

    def _clear(self, scheme: str, host: str) -> list[str]:
        cookie = self._app.config.cookie
        ours = self._found.opened is not None  # then it has to go, wherever it lies, and whatever lies beside it
        lines = cookie.clear(scheme, host, path=self._request.path, everywhere=ours or not self._found.foreign)
        for companion in self._app.companions:
            for policy in companion.cleared(self._request):
                lines += policy.clear(scheme, host)
        return lines


def _marks(mark: Any, request: Request) -> bool:
    return isinstance(mark, weakref.ref) and mark() is request


def _without_attributes(line: str) -> str:
    """Return name and value of a line that sets a cookie; one that clears a cookie is known by all of it."""
    pair, semicolon, _ = line.partition(";")
    return line if pair.endswith("=") else pair + semicolon


def _nobody(reason: Reason | None) -> UsageError:
    return UsageError(
        f"nobody is signed in ({reason or Reason.MISSING}).",
        fix="Call it in a view under login_required, or ask `if current_session:` first.",
        code="no_session",
    )
