"""Companion cookies that a third party mints: by them its script in our page knows whoever is signed in here.

    POST path {parameter: target} ──▶ mint, for the user of the session ──▶ body, and cookies for the script

Who the person is comes from the session alone, never from the request. The cookies are short-lived, readable by
JavaScript, and cleared with the session, whatever they are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from weakref import ref

from flask import Flask, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug import Request, Response

from sealed_session import ProviderUnavailable, Session, UsageError, exact_json
from sealed_session.arguments import wrong_type
from sealed_session.cookie import CookiePolicy
from sealed_session.hosts import is_domain, without_port
from sealed_session.providers.minting import Minted, MintingProvider, as_minting

from . import answers, misuse, state
from .companions import Cookie, Warn
from .current import request_session
from .reading import MAX_HEADER, pairs_of
from .state import AppState
from .views import public

_MOST_BODY = 16_384
"""Bytes of a request; its one member is a short text."""

_MOST_CLEARED = 12
"""Cookies of one kind that a response clears: some proxies have room for no more than 4 KB of header lines."""


class _Held(NamedTuple):
    """What was minted in a request, and for whom."""

    request: ref[Request]
    who: tuple[str | None, str | None]
    minted: dict[str, Minted]


class MintedCookies:
    """The cookies of one third party."""

    def __init__(self, provider: MintingProvider, *, secure: bool | str) -> None:
        """Hold the settings.

        Args:
            provider: Who mints.
            secure: COOKIE_SECURE.
        """
        self.provider = provider
        self._secure = secure

    @property
    def key(self) -> str:
        """Under which a request's environ holds what was minted for it."""
        return f"sealed_session.minted.{id(self)}"

    def mint(self, request: Request, session: Session, target: str) -> Minted | None:
        """Have cookies made for a session, to be written with the response; None where that is refused.

        Raises:
            ProviderUnavailable: No usable answer; what cookies there are stay.
        """
        minted = self.provider.mint(session.user or {}, target)
        if minted is not None:
            self._of(request, session)[target] = minted
        return minted

    def cookies(self, session: Session, request: Request, response: Response, warn: Warn) -> Iterable[Cookie]:
        """Return the cookies that were minted in this request."""
        now = state.of(current_app).now()
        for minted in self._of(request, session).values():
            for name, value in minted.cookies.items():
                yield Cookie(self._policy(name, min(self.provider.max_age, int(minted.expires_at) - now)), value)

    def cleared(self, request: Request) -> Iterable[CookiePolicy]:
        """Return the policies of every cookie of this kind that the request brought."""
        header = request.environ.get("HTTP_COOKIE", "")
        if len(header) > MAX_HEADER:
            return
        names = [pair.strip(" \t").partition("=")[0] for pair in header.split(";")]
        for name in list(dict.fromkeys(filter(self.provider.owns, names)))[:_MOST_CLEARED]:
            yield self._policy(name, 1)

    def replaced(self, request: Request) -> Iterable[CookiePolicy]:
        """Return the same: they were made for whoever was signed in before."""
        return self.cleared(request)

    def read(self, request: Request, session: Session, target: str, now: float) -> Minted | None:
        """Return what the cookies hold for a target; None where that is nothing whole, or has ended."""
        ready = self._of(request, session).get(target)
        if ready is not None:
            return ready
        header = request.environ.get("HTTP_COOKIE", "")
        pairs = pairs_of(header[:MAX_HEADER], self.provider.cookie_names(target))
        return self.provider.read(dict(reversed(pairs)), target, now)

    def _of(self, request: Request, session: Session) -> dict[str, Minted]:
        """Return what was minted in this request, and not in another one with the same environ, for this person."""
        who = (session.session_id, session.subject)
        held: _Held | None = request.environ.get(self.key)
        if held is None or held.request() is not request or held.who != who:
            held = request.environ[self.key] = _Held(ref(request), who, {})
        return held.minted

    def _policy(self, name: str, max_age: int) -> CookiePolicy:
        return CookiePolicy(
            name=name,
            domain=self.provider.domain,
            secure=self._secure,  # type: ignore[arg-type]  # config.py has judged it
            http_only=False,
            max_age=max(max_age, 1),
        )


class _Asked(NamedTuple):
    """What a request asks for; or how it is refused."""

    target: str = ""
    refusal: ResponseReturnValue | None = None


def as_companions(given: Any) -> tuple[MintingProvider, ...]:
    """Check a list of companions.

    Raises:
        UsageTypeError, UsageError: Not a list of them; two with one path (``companion_twice``).
    """
    if type(given) not in (list, tuple):
        raise wrong_type("companions", "a list of providers that mint cookies", given)
    minting = tuple(map(as_minting, given))
    if len({one.path for one in minting}) < len(minting):
        raise UsageError("companions: two have one path.", fix="Give each its own.", code="companion_twice")
    return minting


def register(app: Flask, companions: Sequence[object]) -> None:
    """Register the endpoint of each companion that mints."""
    for number, companion in enumerate(companions):
        if isinstance(companion, MintedCookies):
            endpoint = f"sealed_session_credentials_{number}"
            app.add_url_rule(companion.provider.path, endpoint, public(_view(companion)), methods=["POST"])


def credential(target: str, provider: MintingProvider | None, *, mint: bool) -> Minted | None:
    """Return what a companion's cookies hold; see ``SealedSession.credential``."""
    app = state.of(current_app)
    companion = _companion(app, provider)
    target = companion.provider.check_target(target)
    session = request_session().session
    if session is None:
        if mint:
            raise misuse.nobody(request_session().reason)
        return None
    found = companion.read(request._get_current_object(), session, target, app.now())  # type: ignore[attr-defined]
    if found is not None or not mint:
        return found
    return companion.mint(request._get_current_object(), session, target)  # type: ignore[attr-defined]


def _companion(app: AppState, provider: MintingProvider | None) -> MintedCookies:
    found = [one for one in app.companions if isinstance(one, MintedCookies) and provider in (None, one.provider)]
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"credential: expected one companion that mints, found {len(found)}.",
        fix="Give SealedSession(companions=[...]) one, and name which where there are several.",
        code="no_companion",
    )


def _view(companion: MintedCookies) -> Callable[[], ResponseReturnValue]:
    def credentials() -> ResponseReturnValue:
        """Have credentials made for whoever is signed in."""
        session = request_session().session
        if session is None:
            return answers.refuse_script(request_session().reason)
        asked = _judge(companion.provider)
        if asked.refusal is not None:
            return asked.refusal
        try:
            minted = companion.mint(request._get_current_object(), session, asked.target)  # type: ignore[attr-defined]
        except ProviderUnavailable as error:
            return answers.unavailable_script(error.retry_after)
        return jsonify(companion.provider.refusal_body if minted is None else minted.body)

    return credentials


def _judge(provider: MintingProvider) -> _Asked:
    """Judge a request: from a page of this site, in JSON, for a target that there could be."""
    if not _is_of_this_site(provider.domain):
        return _Asked(refusal=(jsonify(error="forbidden", reason="cross_site"), 403))
    if request.mimetype != "application/json":
        return _Asked(refusal=(jsonify(error="unsupported_media_type", reason="json_only"), 415))
    request.max_content_length = _MOST_BODY
    try:
        body = exact_json.loads(request.get_data())
    except ValueError:  # also of what is too deep
        body = {}
    try:
        return _Asked(provider.check_target(body.get(provider.parameter)))
    except UsageError as error:
        return _Asked(refusal=(jsonify(error="bad_request", reason=error.code), 400))


def _is_of_this_site(domain: str) -> bool:
    """Return whether a page below the shared domain sent the request, or nothing that is a browser."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is None:
        return site in (None, "same-origin", "same-site")
    if origin == request.host_url.rstrip("/"):
        return True
    try:
        parts = urlsplit(origin)
        host = without_port(parts.netloc).lower()
    except ValueError:
        return False
    if not is_domain(host):
        return False
    below = host == domain.lstrip(".") or host.endswith("." + domain.lstrip("."))
    return below and parts.scheme == request.scheme
