"""Signing in at a provider's pages: what both its ends share, whoever the provider is. Knows no framework.

    begin_sign_in ─▶ the address of the provider's page, and an Attempt: to be kept by the browser, sealed
    the person comes back with ``code`` and ``state`` ─▶ finish_sign_in(attempt, query) ─▶ Session

Whatever is wrong with what comes back opens nothing.

Source: RFC 6749, section 4.1; RFC 7636 (PKCE); RFC 9207 (``iss``); RFC 9700, section 2.1.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlencode, urlsplit

from .. import encoding
from ..arguments import check_whole_number, wrong_type
from ..errors import ProviderUnavailable, SignInFailed, UsageError
from ..exact_json import JsonObject, printable
from ..session import Session
from .grant import fields_of, text_in

RESERVED = frozenset(
    {
        "client_id",
        "client_secret",
        "code_challenge",
        "code_challenge_method",
        "max_age",
        "nonce",
        "redirect_uri",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "state",
    }
)
"""What an authorization request is held together by: never an argument of ``begin_sign_in``. ``request`` and
``request_uri`` would replace all of it."""

LEEWAY = 10
"""Seconds by which the provider's clock and ours may differ."""

AHEAD = 60
"""Seconds by which a time that should be past may be ahead: clocks go wrong, and milliseconds are far beyond."""

LONGEST = 10.0
"""Seconds that somebody who comes back with a code waits for its exchange: a few more than for a refresh. A web server
that ends a worker after half a minute must not be made to."""

_PATIENCE = 3.0
_OUTAGES = frozenset({"server_error", "temporarily_unavailable"})
_NUMBERS = {"began_at", "max_age"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A sign-in under way: what the answer is compared with. Belongs to one browser, and to nobody else's eyes.

    Attributes:
        state: Comes back as it is.
        code_verifier: Proves that whoever brings the code has begun the sign-in.
        redirect_uri: Where the person comes back to.
        began_at: When, Unix seconds.
        nonce: Comes back in the ID token; None where there will be none.
        max_age: Seconds ago, at most, that the person has proved who they are; None where that was not asked.
    """

    state: str = field(repr=False)
    code_verifier: str = field(repr=False)
    redirect_uri: str
    began_at: int
    nonce: str | None = field(default=None, repr=False)
    max_age: int | None = None

    @classmethod
    def begin(cls, redirect_uri: str, now: float, *, has_nonce: bool, max_age: int | None) -> Attempt:
        """Make one with new secrets.

        Raises:
            UsageTypeError, UsageError: Not an address to come back to (``redirect_uri``), not whole seconds
                (``bad_number``).

        Source: RFC 7636, section 4.1: 32 random octets make a verifier of 43 characters.
        """
        _check_redirect_uri(redirect_uri)
        if max_age is not None:
            check_whole_number("max_age", max_age)
        return cls(
            state=secrets.token_urlsafe(16),
            code_verifier=secrets.token_urlsafe(32),
            redirect_uri=redirect_uri,
            began_at=int(now),
            nonce=secrets.token_urlsafe(16) if has_nonce else None,
            max_age=max_age,
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Attempt:
        """Take up what ``to_mapping`` returned.

        Raises:
            SignInFailed: It is none; another release may have written it (``state_unknown``).
        """
        known = {name: values.get(name) for name in cls.__slots__}
        is_sound = all(
            (value is None and name in ("nonce", "max_age")) or type(value) is (int if name in _NUMBERS else str)
            for name, value in known.items()
        )
        if not is_sound:
            raise SignInFailed("what was kept is no sign-in that this release knows.", code="state_unknown")
        return cls(**known)  # type: ignore[arg-type]

    def to_mapping(self) -> JsonObject:
        """Return plain JSON, to be sealed."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}

    def challenge(self) -> str:
        """Return the S256 challenge (RFC 7636, section 4.2)."""
        return encoding.encode(sha256(self.code_verifier.encode()).digest())


@runtime_checkable
class SignInProvider(Protocol):
    """A provider with pages that people sign in at. Called from many threads at once."""

    def begin_sign_in(self, redirect_uri: str, *, max_age: int | None = None, **parameters: Any) -> tuple[str, Attempt]:
        """Return where to send the browser, and what has to be kept for ``finish_sign_in``.

        Args:
            redirect_uri: Where the person comes back to; the provider knows it.
            max_age: Seconds ago, at most, that the person has proved who they are; 0: they shall do so now.
            parameters: Further ones of the request: ``prompt``, ``login_hint``, ``scope``, ``organization_id``. A
                list repeats one, None leaves it out.

        Raises:
            UsageTypeError, UsageError: Not these (``reserved_argument``, ``redirect_uri``, ``bad_number``,
                ``provider_option``).
            ProviderUnavailable: Where the provider's pages are cannot be told now.
        """
        ...

    def finish_sign_in(self, attempt: Attempt, answer: Mapping[str, str]) -> Session:
        """Return the session of somebody who came back.

        Args:
            attempt: What was kept in this very browser.
            answer: The query that the person came back with. Whoever reads it refuses a name that is there twice.

        Raises:
            SignInFailed: ``state_mismatch``, ``wrong_issuer``, ``access_denied``, ``bad_answer``, ``code_refused``,
                ``id_token_invalid``, ``nonce_mismatch``, ``not_fresh_enough``.
            StepUpRequired: The person has to do something first; ``payload`` is the provider's answer.
            ProviderUnavailable: No usable answer; where ``sent`` is False, the code is as good as before.
        """
        ...


def address(endpoint: str, client_id: str, attempt: Attempt, parameters: Mapping[str, Any]) -> str:
    """Return the address of an authorization request.

    Args:
        endpoint: The provider's page. Its own query is kept (RFC 6749, section 3.1).
        client_id: Ours.
        attempt: What the answer will be compared with.
        parameters: As ``begin_sign_in`` is given them.

    Raises:
        UsageTypeError, UsageError: As ``begin_sign_in``.
    """
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": attempt.redirect_uri,
        "state": attempt.state,
        "code_challenge": attempt.challenge(),
        "code_challenge_method": "S256",
        "nonce": attempt.nonce,
        "max_age": None if attempt.max_age is None else str(attempt.max_age),
    }
    wanted = fields_of(parameters, RESERVED, owner="begin_sign_in")
    query = urlencode([*((name, value) for name, value in asked.items() if value is not None), *wanted])
    return with_query(endpoint, query)


def with_query(url: str, query: str) -> str:
    """Return an address with more of a query than it has."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{query}"


def check_state(attempt: Attempt, answer: Mapping[str, Any]) -> None:
    """Refuse the answer to another sign-in: of another tab, or one that somebody has slipped in.

    Raises:
        SignInFailed: ``state_mismatch``.
    """
    if not is_same(text_in(answer, "state"), attempt.state):
        raise SignInFailed("the answer is not to the sign-in that this browser has begun.", code="state_mismatch")


def code_in(answer: Mapping[str, Any]) -> str:
    """Return the code of an answer whose state is right.

    Raises:
        SignInFailed: The provider says no (``access_denied``), or there is no code (``bad_answer``).
        ProviderUnavailable: The provider says that it cannot, now.

    Source: RFC 6749, section 4.1.2.1.
    """
    error, code = answer.get("error"), text_in(answer, "code")
    if error is not None:
        said = printable(error)
        if said in _OUTAGES:
            raise ProviderUnavailable(f"the provider says: {said}.", sent=False)
        raise SignInFailed(f"the provider signs nobody in: {said}.", detail=said, code="access_denied")
    if code is None:
        raise SignInFailed("the answer has neither a code nor an error.", code="bad_answer")
    return code


def check_fresh(attempt: Attempt, auth_time: Any, now: float) -> None:
    """Refuse a sign-in that rests on an older one than was asked for.

    Who has proved who they are during this very attempt is fresh, however long they took over the provider's pages.

    Args:
        attempt: With ``max_age``, or there is nothing to check.
        auth_time: When the person has proved who they are, as the provider says.
        now: Unix seconds.

    Raises:
        SignInFailed: ``not_fresh_enough``; also where the provider does not say when.

    Source: OpenID Connect Core 1.0, section 3.1.3.7, number 13.
    """
    if attempt.max_age is None:
        return
    earliest = min(now - attempt.max_age, attempt.began_at) - LEEWAY
    if type(auth_time) is not int or not earliest <= auth_time <= now + AHEAD:
        raise SignInFailed(
            f"the person has not proved who they are within {attempt.max_age} seconds, as was asked.",
            code="not_fresh_enough",
        )


def is_same(given: str | None, expected: str) -> bool:
    """Compare a text from outside with a secret, in a time that tells nothing of it."""
    return given is not None and compare_digest(given.encode(), expected.encode())


def patience(timeout: float) -> float:
    """Return the seconds that somebody waits for an issuer's metadata, who has pages to wait for as well."""
    return min(timeout, _PATIENCE)


def patience_with_code(timeout: float) -> float:
    """Return the seconds that somebody waits for what becomes of a code. They stand before an empty page."""
    return min(timeout, LONGEST)


def _check_redirect_uri(value: Any) -> None:
    """Refuse what nobody can be sent back to (RFC 6749, section 3.1.2)."""
    if type(value) is not str:
        raise wrong_type("redirect_uri", "a URL (str)", value)
    try:
        parts = urlsplit(value)
        is_sound = parts.scheme in ("https", "http") and bool(parts.hostname) and "#" not in value
    except ValueError:
        is_sound = False
    if not is_sound or not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(
            "redirect_uri: is not a whole http or https address without a fragment.",
            fix="Write it as the provider knows it, https://app.example.com/callback for example.",
            code="redirect_uri",
        )
