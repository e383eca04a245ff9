"""Cookies that hold the tokens themselves, as a transport: ours, or those of a provider's JavaScript.

Anybody can write such a cookie, so each token is verified at every request. One that has ended, and whose signature is
good, may be renewed; a forged one is not even asked about. Of several values of one name, a few are tried.

    access: VALID ──▶ signed in │ EXPIRED, or of a key that is gone, or none ──▶ renewed, with each refresh token
            INVALID ──▶ nothing │ UNAVAILABLE ──▶ nobody can tell, 503
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from werkzeug import Request
from werkzeug.exceptions import Unauthorized

from sealed_session import Session
from sealed_session.cookie import CookiePolicy
from sealed_session.cookie import check as problems_of_cookie
from sealed_session.cookie_rules import MAX_AGE_CAP
from sealed_session.hosts import is_this_machine, without_port
from sealed_session.providers.claims import Claims
from sealed_session.reasons import Reason
from sealed_session.transports import TokenCookies, parent_of
from sealed_session.verifier import Verdict

from . import companions, misuse, reading
from .carried import Carried, Write
from .state import AppState, host_of

MOST_VALUES = 4
"""Values of one name, or of its aliases, that are tried. A browser has two: with a Domain and without."""


class WrongHost(Unauthorized):
    """The 401 of a browser that wants to sign in at another host than the provider's custom domain."""

    description = "People sign in at another address."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that the cookies may mean, and whether it has to be renewed first."""

    session: Session
    is_stale: bool


class TokenCookiesTransport:
    """Reads the cookies, and writes them where they are ours."""

    def __init__(
        self, cookies: TokenCookies, claims: Claims, *, secure: bool | str, custom_domain: str | None = None
    ) -> None:
        """Hold the settings.

        Args:
            cookies: Their names and attributes.
            claims: How the provider's claims are read.
            secure: COOKIE_SECURE.
            custom_domain: The provider's own, where the cookies do not name one.
        """
        self.cookies = cookies
        self.claims = claims
        self.custom_domain = (cookies.custom_domain or custom_domain or "").lower() or None
        self._secure = secure

    def look(self, app: AppState, request: Request) -> TokenCarried:
        """Verify the access tokens that came, and pair them with what could renew them."""
        names = (*self.cookies.access_names, *self.cookies.refresh_names)
        header = request.environ.get("HTTP_COOKIE", "")
        pairs = [] if len(header) > reading.MAX_HEADER else reading.pairs_of(header, names)
        carried = TokenCarried(app, self, {name for name, _ in pairs})
        access = _values(pairs, self.cookies.access_names)
        refresh = _values(pairs, self.cookies.refresh_names)
        carried.has_several = len(pairs) > (len(access) > 0) + (len(refresh) > 0)
        carried.weigh(access, refresh)
        return carried

    def policies(self, host: str, max_age: int | None) -> Iterator[CookiePolicy]:
        """Yield how the access token's cookie, and then the refresh token's, are set for a host.

        Args:
            host: The request's, with or without a port.
            max_age: Seconds; both cookies live as long as the session, whatever the access token's end.
        """
        cookies, secure = self.cookies, self._secure
        if secure == "auto" and is_this_machine(host):
            secure = False  # whatever the scheme: the same cookies are those of the provider's own script there
        for names in (cookies.access_names, cookies.refresh_names):
            if names:
                yield CookiePolicy(
                    name=names[0],
                    previous_names=names[1:],
                    domain=self._domain(host),
                    path="/" if cookies.is_hidden else cookies.path,
                    secure=secure,  # type: ignore[arg-type]  # config.py has judged it
                    same_site=cookies.same_site,
                    http_only=cookies.is_hidden,
                    max_age=max_age,
                )

    def _domain(self, host: str) -> str | None:
        """Return the Domain: the custom domain's parent, the one that was set, or the very host where it is a name."""
        if self.cookies.is_hidden:
            return parent_of(self.custom_domain or "")
        if self.cookies.host_only or self.cookies.domain is not None:
            return self.cookies.domain
        name = without_port(host).lower()
        return None if problems_of_cookie({"domain": name}) else name


class TokenCarried(Carried):
    """The token cookies of one request."""

    def __init__(self, app: AppState, transport: TokenCookiesTransport, names: set[str]) -> None:
        self._app = app
        self._transport = transport
        self._is_present = bool(names)
        self._candidates: list[Candidate] = []
        self.has_several = False

    @property
    def is_ours(self) -> bool:
        """Whether the server owns them."""
        return self._transport.cookies.owner == "server"

    @property
    def holds_tokens(self) -> bool:
        """Yes."""
        return True

    @property
    def has_hidden(self) -> bool:
        """Whether any came that JavaScript is kept from."""
        return self._is_present and self._transport.cookies.is_hidden

    def weigh(self, access: Sequence[str], refresh: Sequence[str]) -> None:
        """Judge the access tokens, and line up what they may mean; the best comes first."""
        claims, weighed = self._transport.claims, [(token, self._app.verifying.weigh(token)) for token in access]
        good = [token for token, (verdict, _) in weighed if verdict is Verdict.VALID]
        ended = [token for token, (verdict, _) in weighed if verdict is Verdict.EXPIRED]
        is_gone = all(code == "unknown_kid" for _, (_, code) in weighed)  # also where there is no access token at all
        known = [claims.session(token, next(iter(refresh), None)) for token in good]
        renewable = [claims.session(token, one) for token in ended for one in refresh or (None,)]
        if is_gone:
            renewable += [claims.session(None, one) for one in refresh]
        if any(verdict is Verdict.UNAVAILABLE for _, (verdict, _) in weighed) and not known:
            self.reason = Reason.UNAVAILABLE
            return
        self.reason = Reason.INVALID if access and not ended else Reason.EXPIRED if access else Reason.MISSING
        self._candidates = [Candidate(session, False) for session in known]
        self._candidates += [Candidate(session, True) for session in renewable][:MOST_VALUES]
        self.advance()

    def advance(self) -> bool:
        """Go on to the next candidate."""
        if not self._candidates:
            return False
        first = self._candidates.pop(0)
        self.session, self.is_stale, self.decision = first.session, first.is_stale, Write.KEEP
        self.started_at = self._transport.claims.started_at(first.session) or self._app.now()
        if self.has_several and self.is_ours and not first.is_stale:
            self.reseal(first.session)
        return True

    def shape(self, session: Session) -> Session:
        """Return what the next request will find: the user as the claims have it."""
        fresh = self._transport.claims.session(session.access_token, session.refresh_token)
        return fresh.replace(session_expires_at=session.session_expires_at or fresh.session_expires_at)

    def complete(self, session: Session) -> Session:
        """Add what the claims say: the session's end, which is the cookies', and the id that it is known by later."""
        return self._transport.claims.complete(session)

    def admit(self, request: Request) -> None:
        """Refuse browsers at any other host than the custom domain, where that is enforced."""
        cookies, host = self._transport.cookies, without_port(host_of(request)).lower()
        from_browser = "Origin" in request.headers or any(key.startswith("HTTP_SEC_FETCH_") for key in request.environ)
        if cookies.http_only == "enforced" and from_browser and host != self._transport.custom_domain:
            raise WrongHost

    def begin(self, session: Session, started_at: int) -> None:
        """Have both written; a token that no cookie can hold is refused."""
        for policy, token in self._pairs(session, "localhost"):
            policy.set(token, "https", "localhost")  # before anything changes: it may raise
        self.session, self.started_at, self.decision, self.is_to_look = session, started_at, Write.SEALED, False
        self.has_several = self._is_present

    def change(self, session: Session) -> None:
        """Refuse: there is no room for anything but the tokens."""
        raise misuse.no_place("update", "cookies that hold tokens alone")

    def client_tokens(self, session: Session) -> dict[str, str] | None:
        """Return them, unless JavaScript is kept from them."""
        if self._transport.cookies.is_hidden:
            return None
        given = {"access_token": session.access_token, "refresh_token": session.refresh_token}
        return {name: token for name, token in given.items() if token is not None}

    def lines(self, request: Request, scheme: str, host: str) -> list[str]:
        """Return the lines that set both; what a client owns is cleared at most."""
        if self.decision is Write.END:
            return self._clear(request, scheme, host)
        if self.decision is Write.KEEP or not self.is_ours or self.session is None:
            return []
        return self._set(self.session, request, scheme, host)

    def _set(self, session: Session, request: Request, scheme: str, host: str) -> list[str]:
        others: list[str] = []
        written: list[companions.Cookie] = []
        for policy, token in self._pairs(session, host):
            others += policy.clear_others(scheme, host, path=request.path) if self.has_several else []
            written.append(companions.Cookie(policy, token))
        return [*others, *companions.lines(written, scheme, host, self._app.warn_once)]

    def _pairs(self, session: Session, host: str) -> Iterator[tuple[CookiePolicy, str]]:
        policies = self._transport.policies(host, self._max_age(session))
        for policy, token in zip(policies, (session.access_token, session.refresh_token), strict=False):
            if token is not None:
                yield policy, token

    def _max_age(self, session: Session) -> int | None:
        """Return the seconds until the provider ends the session: both cookies live as long."""
        if session.session_expires_at is None:
            return MAX_AGE_CAP
        return min(max(session.session_expires_at - self._app.now(), 1), MAX_AGE_CAP)

    def _clear(self, request: Request, scheme: str, host: str) -> list[str]:
        if not self._is_present:
            return []
        return [
            line
            for policy in self._transport.policies(host, None)
            for line in policy.clear(scheme, host, path=request.path, everywhere=True)
        ]


def _values(pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> list[str]:
    """Return the first few different values, the current name's before its aliases'."""
    found = [value for name in names for one, value in pairs if one == name and value and value.isascii()]
    return list(dict.fromkeys(found))[:MOST_VALUES]
