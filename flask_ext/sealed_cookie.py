"""The sealed cookie as a transport: one cookie of ours, that holds the whole session.

What an application asks for is sealed at once, so that it can be told what does not fit. What happens by itself is
sealed when the response is made, smaller if need be.
"""

from __future__ import annotations

from werkzeug import Request

from sealed_session import Session
from sealed_session.hosts import is_this_machine

from . import reading, sealing, signals
from .carried import Carried, Write
from .signals import logger
from .state import AppState

_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
"""By which a proxy shows itself. What they say is anybody's word, and not believed here."""


class SealedCookieTransport:
    """Reads and writes the sealed cookie."""

    def look(self, app: AppState, request: Request) -> SealedCarried:
        """Open what came under our names."""
        return SealedCarried(app, reading.of_request(app, request))


class SealedCarried(Carried):
    """The sealed cookie of one request."""

    _sealed: str | None = None
    _cleans = False

    def __init__(self, app: AppState, found: reading.Found) -> None:
        self._app = app
        self._found = found
        self.reason = found.reason
        opened = found.opened
        if opened is not None:
            self.session, self.started_at = opened.session, opened.started_at
            if opened.needs_reseal or found.leftovers:
                self.reseal(opened.session)

    @property
    def password_index(self) -> int | None:
        """Which password opened it."""
        return None if self._found.opened is None else self._found.opened.password_index

    def begin(self, session: Session, started_at: int) -> None:
        """Seal it at once: it may not fit."""
        self._seal_now(session, started_at)
        self.is_to_look = False
        self._cleans = self._found.opened is not None

    def change(self, session: Session) -> None:
        """Seal it at once, and look once more whether anybody has gone on meanwhile."""
        was = self.decision
        self._seal_now(session, self.started_at)
        if was is Write.KEEP:
            self.is_to_look = True

    def lines(self, request: Request, scheme: str, host: str) -> list[str]:
        """Return the lines that set it, or clear it wherever it may lie."""
        if self.decision in (Write.SEAL, Write.RESEAL) and self.session is not None:
            self._seal(self.session)
        if self.decision is Write.END:
            ours = self._found.opened is not None  # then it has to go, wherever it lies, and whatever lies beside it
            everywhere = ours or not self._found.foreign
            return self._app.config.cookie.clear(scheme, host, path=request.path, everywhere=everywhere)
        return self._set(request, scheme, host) if self.decision is Write.SEALED else []

    def _seal_now(self, session: Session, started_at: int) -> None:
        sealed = self._app.sealer.seal(session, started_at=started_at)  # before anything changes: it may raise
        self._app.counters.add_size(len(sealed))
        self._sealed, self.session, self.started_at, self.decision = sealed, session, started_at, Write.SEALED

    def _seal(self, session: Session) -> None:
        """Seal what no view waits for: new tokens, or the session as it was under what sealing is done with now."""
        done, opened = sealing.seal(self._app.sealer, session, self.started_at), self._found.opened
        if done.sealed is not None:
            self._app.counters.add_size(len(done.sealed))
        is_mere_reseal = self.decision is Write.RESEAL
        self._sealed = done.sealed or self._sealed  # what this request sealed before goes before nothing
        self.decision = Write.KEEP if self._sealed is None else Write.SEALED
        if done.report is not None:
            logger.error("too large for its cookie; sealed: %s. What did not fit:\n%s", done.sealed_as, done.report)
            signals.send(signals.session_too_large, report=done.report, sealed_as=done.sealed_as)
        elif is_mere_reseal and opened is not None:
            why = opened.reseal_reasons or ("more than one cookie" if self._found.leftovers else "verified",)
            logger.info("sealed anew: %s", ", ".join(why))
            signals.send(signals.session_resealed, reasons=opened.reseal_reasons, password_index=opened.password_index)

    def _set(self, request: Request, scheme: str, host: str) -> list[str]:
        cookie = self._app.config.cookie
        if scheme == "http":
            self._warn_about_http(request, host, secure=cookie.is_secure(scheme, host))
        others: list[str] = []
        if self._cleans or self._found.leftovers:
            everywhere = self._cleans or not self._found.foreign
            others = cookie.clear_others(scheme, host, path=request.path, everywhere=everywhere)
        return [*others, cookie.set(self._sealed or "", scheme, host)]

    def _warn_about_http(self, request: Request, host: str, *, secure: bool) -> None:
        if secure and not is_this_machine(host):
            self._app.warn_once(
                "a Secure cookie was set over http for the host %r: browsers drop it. Use https; behind a proxy that "
                "ends it, werkzeug's ProxyFix. `flask sealed-session check --url ...` says more.",
                host,
            )
        elif not secure and any(name in request.headers for name in _FORWARDED):
            self._app.warn_once(
                "a cookie without Secure was set for %r, and a proxy stands before it. Set "
                "SEALED_SESSION_COOKIE_SECURE = True, and use werkzeug's ProxyFix.",
                host,
            )
