"""Cookies that hold the tokens themselves, as a transport: ours, or those of a provider's JavaScript.

Anybody can write such a cookie, a sibling host for example, so nothing is believed that is not proved. Each access
token is verified at every request. One that has ended, and whose signature is good, may be renewed: the provider is
asked with the refresh token alone, and its answer has to be about the same person; a forged one is not even asked
about. Of several values of one name, a few are tried.

    access: VALID ──▶ signed in │ EXPIRED, or of a key that is gone, or none ──▶ renewed, with each refresh token
            INVALID ──▶ nothing │ UNAVAILABLE ──▶ nobody can tell, 503
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from werkzeug import Request
from werkzeug.exceptions import Unauthorized

from sealed_session import Session, UsageError
from sealed_session.cookie import CookiePolicy
from sealed_session.cookie import check as problems_of_cookie
from sealed_session.cookie_rules import MAX_AGE_CAP, prefix_of
from sealed_session.hosts import is_this_machine, without_port
from sealed_session.providers.claims import Claims
from sealed_session.reasons import Reason
from sealed_session.sealer import MAX_COOKIE_BYTES
from sealed_session.transports import TokenCookies, parent_of
from sealed_session.verifier import Verdict

from . import companions, reading
from .carried import Carried, Write
from .state import AppState, host_of

MOST_UNVOUCHED = 2
"""Refresh tokens without any access token of good signature, that a sign-out has the provider end."""

TIDY_WITHIN = 60
"""Seconds after a token was issued, in which other cookies of its name are cleared."""

MOST_VALUES = 4
"""Values of one name, or of its aliases, that are tried. A browser has two: with a Domain and without."""


class WrongHost(Unauthorized):
    """The 401 of a browser that wants to sign in at another host than the provider's custom domain."""

    description = "People sign in at another address."


class Beginning(NamedTuple):
    """When a session began, as a token has it.

    Attributes:
        is_said: Whether the token says when the person signed in.
        signed_in_at: When, Unix seconds; else when the token was issued, or 0.
        alive_at: When the provider thought it alive. What is ours is renewed by us alone, so never after a sign-out: a
            token that was issued later belongs to a new session, though single sign-on may give it the old one's id.
    """

    is_said: bool
    signed_in_at: int
    alive_at: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that the cookies may mean.

    Attributes:
        session: What it is known by: with an access token, good or ended, where one is sure to belong to it.
        is_stale: Whether it has to be renewed first.
        began: When it did.
    """

    session: Session
    is_stale: bool
    began: Beginning


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
        access = _values(pairs, self.cookies.access_names)
        refresh = _values(pairs, self.cookies.refresh_names)
        return TokenCarried(app, self, access, refresh, more=len(pairs) > bool(access) + bool(refresh))

    @property
    def names(self) -> list[str]:
        """The names that are written: the access token's, and the refresh token's where there is one."""
        return [names[0] for names in (self.cookies.access_names, self.cookies.refresh_names) if names]

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
        if any(prefix_of(name).host_only for name in (*self.cookies.access_names, *self.cookies.refresh_names)):
            return None
        name = without_port(host).lower()
        return None if problems_of_cookie({"domain": name}) else name


class TokenCarried(Carried):
    """The token cookies of one request."""

    what = "cookies that hold tokens alone"

    def __init__(
        self,
        app: AppState,
        transport: TokenCookiesTransport,
        access: Sequence[str],
        refresh: Sequence[str],
        *,
        more: bool,
    ) -> None:
        """Judge the access tokens, and line up what the cookies may mean; the best comes first.

        Args:
            app: The application.
            transport: Where they came by.
            access: Values of the access token's cookie.
            refresh: Of the refresh token's.
            more: Whether there are more cookies than one of each.
        """
        self._app = app
        self._transport = transport
        self._refresh = refresh
        self._is_present = bool(access or refresh)
        self._has_several = more
        self._signed_in_at = 0
        self._ended: list[Session] = []
        self._is_alone = True
        self._is_vouched = False
        self._candidates = self._weigh(access)
        self._left = len(self._candidates)
        self.advance()

    @property
    def is_ours(self) -> bool:
        """Whether the server owns them."""
        return self._transport.cookies.owner == "server"

    @property
    def has_hidden(self) -> bool:
        """Whether any came that JavaScript is kept from."""
        return self._is_present and self._transport.cookies.is_hidden

    def _weigh(self, access: Sequence[str]) -> list[Candidate]:
        claims, weighed = self._transport.claims, [(token, *self._app.verifying.weigh(token)) for token in access]
        good = [token for token, verdict, _ in weighed if verdict is Verdict.VALID]
        self._ended = [claims.session(token) for token, verdict, _ in weighed if verdict is Verdict.EXPIRED]
        self._is_alone, self._is_vouched = len(good) < 2, bool(good or self._ended)
        if not good and any(verdict is Verdict.UNAVAILABLE for _, verdict, _ in weighed):
            self.reason = Reason.UNAVAILABLE
            return []
        self.reason = Reason.INVALID if access and not self._ended else Reason.EXPIRED if access else Reason.MISSING
        # Of several nobody knows which belongs to which, until a refresh token is used.
        partner = self._refresh[0] if len(self._refresh) == 1 == len(good) else None
        known = [claims.session(token, partner) for token in good]
        is_gone = not access or any(code == "unknown_kid" for _, _, code in weighed)
        return [
            *(Candidate(session, False, self._began(session)) for session in known),
            *([] if good else self._renewable(is_gone=is_gone)[:MOST_VALUES]),
        ]

    def _renewable(self, *, is_gone: bool) -> list[Candidate]:
        """Return what could be renewed. Which refresh token belongs to which ended token only the provider knows."""
        claims, ended = self._transport.claims, self._ended
        if not self._refresh:
            return [Candidate(session, True, self._began(session)) for session in ended]
        if not ended and not is_gone:
            return []
        token = ended[0].access_token if len(ended) == 1 else None
        nobody = Beginning(False, 0, 0)
        began = min(map(self._began, ended), key=lambda one: one.signed_in_at, default=nobody)  # it may be the oldest
        return [Candidate(claims.session(token, one), True, began) for one in self._refresh]

    def advance(self) -> bool:
        """Go on to the next candidate."""
        if not self._candidates:
            return False
        first = self._candidates.pop(0)
        self.session, self.is_stale, self.decision = first.session, first.is_stale, Write.KEEP
        self._date(first.began)
        if self._has_several and not first.is_stale and self._is_new(first.session):
            self._tidy(first.session)
        return True

    def _began(self, session: Session) -> Beginning:
        started_at, claimed = self._transport.claims.started_at(session), session.claims.get("iat")
        issued_at = claimed if type(claimed) is int else 0
        signed_in_at = issued_at if started_at is None else started_at
        return Beginning(started_at is not None, signed_in_at, max(signed_in_at, issued_at * self.is_ours))

    def _date(self, began: Beginning) -> None:
        self.is_dated, self._signed_in_at, self.started_at = began

    @property
    def signed_in_at(self) -> int:
        """When the person signed in, which may be long before the token that counts for the record."""
        return self._signed_in_at

    def _is_new(self, session: Session) -> bool:
        """Return whether a token has just come: a second cookie that cannot be reached is not fought for ever."""
        issued_at = session.claims.get("iat")
        return type(issued_at) is int and abs(self._app.now() - issued_at) < TIDY_WITHIN

    def _tidy(self, session: Session) -> None:
        """Have the losers cleared, where it is known who they are."""
        if self.is_ours and self._is_alone and len(self._refresh) < 2:
            self.reseal(session)

    def question(self, session: Session) -> Session:
        """Return what the provider is asked with: the refresh token alone, whoever's the access token may be."""
        alone = session.refresh_token
        return session if alone is None else self._transport.claims.session(None, alone)

    def accepts(self, session: Session) -> bool:
        """Return whether a refresh has answered with the person whose access token came, if one did."""
        known = self._ended if self.session is None or self.is_stale else [self.session]
        subject = subject_of(session)
        return subject is not None and (not known or subject in map(subject_of, known))

    def renew(self, session: Session) -> None:
        """Carry new tokens, and what they say of the beginning, or else the one that they came for."""
        before = next((one for one in self._ended if subject_of(one) == subject_of(session)), session)
        super().renew(session)
        after = self._began(session)
        self._date(after if after.is_said else self._began(before))

    def lose(self) -> Session | None:
        """Give up one candidate; when all were, and the cookies are ours, they are cleared."""
        self._left -= 1
        if self._left <= 0:
            return super().lose()
        ended, self.session = self.session, None
        return ended

    def parts(self) -> list[Session]:
        """Return the session, what else may have been one, and every refresh token: whoever signs out means them all.

        Of refresh tokens that no access token vouches for, which anybody could have made up, a few.
        """
        own = [] if self.session is None else [self.session]
        known = [*own, *(one.session for one in self._candidates if not one.is_stale)]
        said = {one.refresh_token for one in known}
        others = [self._transport.claims.session(None, one) for one in self._refresh if one not in said]
        return [*known, *others[: None if self._is_vouched else MOST_UNVOUCHED]]

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
        for name, token in zip(self._transport.names, (session.access_token, session.refresh_token), strict=False):
            if token is not None:
                _check_value(name, token)  # before anything changes: it may raise
        self.session, self.decision, self.is_to_look = session, Write.SEALED, False
        self._has_several, self.is_stale = self._is_present, False
        self._date(Beginning(True, started_at, started_at))
        self._candidates, self._ended = [], []  # what was there is nobody's any more

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
            others += policy.clear_others(scheme, host, path=request.path) if self._has_several else []
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


def subject_of(session: Session) -> str | None:
    """Return whom an access token is about; None where it does not say."""
    subject = session.claims.get("sub")
    return subject if type(subject) is str else None


def _check_value(name: str, token: str) -> None:
    """Refuse what no cookie can hold (``bad_cookie_value``), and what browsers drop (``token_too_large``)."""
    CookiePolicy().set(token, "https", "localhost")
    if len(name) + 1 + len(token) > MAX_COOKIE_BYTES:
        raise UsageError(
            f"the token for the cookie {name} makes {len(name) + 1 + len(token)} characters; browsers drop what has "
            f"more than {MAX_COOKIE_BYTES}.",
            fix="Use SealedCookie(), which is smaller, or have the provider put less into the token.",
            code="token_too_large",
        )


def _values(pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> list[str]:
    """Return the first few different values, the current name's before its aliases'."""
    found = [value for name in names for one, value in pairs if one == name and value and value.isascii()]
    return list(dict.fromkeys(found))[:MOST_VALUES]
