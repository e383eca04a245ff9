"""What a response does to the cookie: nothing, set it, or clear it.

What an application asks for is sealed at once, so that it can be told what does not fit. What happens by itself is
sealed when the response is made, smaller if need be. ``write_to`` may run several times: for a response, and for the
error response that takes its place.
"""

from __future__ import annotations

from enum import Enum, auto

from werkzeug import Request, Response

from sealed_session import Session
from sealed_session.hosts import is_this_machine

from . import companions, sealing, signals
from .reading import Found
from .signals import logger
from .state import AppState, host_of

_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
"""By which a proxy shows itself. What they say is anybody's word, and not believed here."""


class Write(Enum):
    """What the response shall do to the cookie."""

    KEEP = auto()
    """Nothing: the browser has what it should have."""
    RESEAL = auto()
    """Carry the session as it was, sealed as it would be sealed now."""
    SEAL = auto()
    """Carry the session, sealed when the response is made, smaller if need be."""
    SEALED = auto()
    """Carry what was sealed when the application asked for it."""
    END = auto()
    """Clear it."""


class Writing:
    """The cookie of one request's response. Belongs to its request.

    Attributes:
        session: What the cookie holds, or shall hold; also that of somebody who counts as signed out.
        started_at: When the person signed in, Unix seconds.
        decision: What the response shall do.
        is_to_look: Whether somebody else may have gone on from the session meanwhile, so that one looks before one
            writes.
    """

    __slots__ = ("_app", "_cleans", "_found", "_sealed", "_written", "decision", "is_to_look", "session", "started_at")

    def __init__(self, app: AppState, found: Found) -> None:
        self._app = app
        self._found = found
        self._sealed: str | None = None
        self._written: list[str] = []
        self._cleans = False
        self.session: Session | None = None
        self.started_at = 0
        self.decision = Write.KEEP
        self.is_to_look = False
        opened = found.opened
        if opened is not None:
            self.session, self.started_at = opened.session, opened.started_at
            if opened.needs_reseal or found.leftovers:
                self.reseal(opened.session)

    # What shall be written.

    def begin(self, session: Session, started_at: int) -> None:
        """Carry a session that begins now, in place of any other.

        Raises:
            SealError: As ``Sealer.seal``; then nothing has changed.
        """
        self._seal_now(session, started_at)
        self.is_to_look = False
        self._cleans = self._found.opened is not None

    def change(self, session: Session) -> None:
        """Carry the session as the application wants it.

        Raises:
            SealError: As ``Sealer.seal``; then nothing has changed.
        """
        was = self.decision
        self._seal_now(session, self.started_at)
        if was is Write.KEEP:
            self.is_to_look = True

    def renew(self, session: Session) -> None:
        """Carry new tokens."""
        self.session, self.decision, self.is_to_look = session, Write.SEAL, True

    def reseal(self, session: Session) -> None:
        """Carry the same tokens, sealed anew."""
        self.session, self.decision, self.is_to_look = session, Write.RESEAL, True

    def keep(self) -> None:
        """Leave the cookie as it is."""
        self.decision = Write.KEEP

    def end(self) -> Session | None:
        """Clear the cookie; return the session that it held."""
        ended, self.session = self.session, None
        self.decision, self.is_to_look = Write.END, False
        return ended

    def _seal_now(self, session: Session, started_at: int) -> None:
        sealed = self._app.sealer.seal(session, started_at=started_at)  # before anything changes: it may raise
        self._app.counters.add_size(len(sealed))
        self._sealed, self.session, self.started_at, self.decision = sealed, session, started_at, Write.SEALED

    # The response.

    def write_to(self, response: Response, request: Request, signed_in: Session | None) -> bool:
        """Let a response carry what it should, and return whether that is anything.

        Args:
            response: The response.
            request: What it answers.
            signed_in: Who is signed in, and so is given companion cookies.
        """
        if self.decision is Write.KEEP and not self._written and not self._app.companions:
            return False
        lines = self._lines(response, request, signed_in)
        if self._written or lines:
            ours = tuple(map(_without_attributes, self._written))  # somebody may have added an attribute to a line
            others = [line for line in response.headers.getlist("Set-Cookie") if not line.startswith(ours)]
            response.headers.setlist("Set-Cookie", others + lines)
            self._written = lines
        return bool(lines)

    def _lines(self, response: Response, request: Request, signed_in: Session | None) -> list[str]:
        app = self._app
        if self.decision in (Write.SEAL, Write.RESEAL) and self.session is not None:
            self._seal(self.session)
        scheme, host = request.scheme, host_of(request)
        if self.decision is Write.END:
            return self._clear(request, scheme, host)
        lines = self._set(request, scheme, host) if self.decision is Write.SEALED else []
        if signed_in is not None:
            for companion in app.companions:
                cookies = companion.cookies(signed_in, request, response, app.warn_once)
                lines += companions.lines(cookies, scheme, host, app.warn_once)
        return lines

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

    def _clear(self, request: Request, scheme: str, host: str) -> list[str]:
        cookie = self._app.config.cookie
        ours = self._found.opened is not None  # then it has to go, wherever it lies, and whatever lies beside it
        lines = cookie.clear(scheme, host, path=request.path, everywhere=ours or not self._found.foreign)
        for companion in self._app.companions:
            for policy in companion.cleared(request):
                lines += policy.clear(scheme, host)
        return lines


def _without_attributes(line: str) -> str:
    """Return name and value of a line that sets a cookie; one that clears a cookie is known by all of it."""
    pair, semicolon, _ = line.partition(";")
    return line if pair.endswith("=") else pair + semicolon
