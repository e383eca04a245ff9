"""Access tokens that are JSON Web Tokens: whether a provider signed one, for us, and whether it is still good.

    JWTVerifier.verify ─▶ parse ─▶ judge the claims ─▶ find the key ─▶ check the signature (PyJWT) ─▶ Verification

The claims come first: a token of somebody else's is refused without a look at the network. None of them is used before
the signature is checked. Not a session: what becomes of one whose token is refused is decided by the callers.

Source: RFC 7515 and RFC 7519, with the advice of RFC 8725.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import inf, isinf
from typing import Any

from . import encoding, exact_json
from .arguments import check_whole_number, seconds, wrong_type
from .errors import UsageError
from .exact_json import JsonObject
from .jwks import KeyCache
from .key_set import KeySet, NoKey
from .packing import MAX_TIME
from .verifier_settings import check_algorithms, check_url, need, parse_keys, texts

MAX_TOKEN_CHARACTERS = 16 * 1024
"""Four times what a cookie can hold, and twice what web servers take for a header."""


class Verdict(StrEnum):
    """What a token is worth. INVALID is for ever, UNAVAILABLE is for now."""

    VALID = "valid"
    EXPIRED = "expired"
    """It was good, and it is too old: what a refresh is for."""
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"
    """The signing keys cannot be had, so nobody knows."""


FINDINGS: dict[str, tuple[Verdict, str]] = {
    "valid": (Verdict.VALID, "the token is good."),
    "expired": (Verdict.EXPIRED, "its time (exp) is over."),
    "too_old": (Verdict.EXPIRED, "it was issued (iat) longer ago than is accepted here."),
    "keys_unavailable": (Verdict.UNAVAILABLE, "the keys it may be signed with cannot be fetched now."),
    "too_long": (Verdict.INVALID, f"it has more than {MAX_TOKEN_CHARACTERS} characters."),
    "opaque_token": (Verdict.INVALID, "it has not the three parts of a signed JSON Web Token."),
    "malformed": (Verdict.INVALID, "a part is not canonical base64url, or not a JSON object within the bounds."),
    "wrong_algorithm": (Verdict.INVALID, "its algorithm is not one that is accepted, or not the one of its key."),
    "unsupported_crit": (Verdict.INVALID, "it demands an extension (crit), and none is supported."),
    "missing_kid": (Verdict.INVALID, "it does not name its key (kid)."),
    "unknown_kid": (Verdict.INVALID, "the provider has no key of that name (kid)."),
    "duplicate_kid": (Verdict.INVALID, "the provider has several keys of that name (kid)."),
    "bad_signature": (Verdict.INVALID, "the signature is not the provider's."),
    "missing_claim": (Verdict.INVALID, "a claim is missing that is required here."),
    "bad_time": (Verdict.INVALID, "a time in it is not whole Unix seconds up to the year 9999."),
    "not_yet_valid": (Verdict.INVALID, "its time (nbf) has not come; are the clocks right?"),
    "wrong_issuer": (Verdict.INVALID, "it is from somebody else (iss)."),
    "wrong_audience": (Verdict.INVALID, "it is for somebody else (aud)."),
    "wrong_subject": (Verdict.INVALID, "it is about somebody else (sub)."),
}
"""Each code, what it means for the session, and the rest of a sentence about the token. No text holds a value."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of a verification.

    Attributes:
        verdict: What the token is worth.
        code: Why, as a stable identifier: a key of ``FINDINGS``.
        claims: What the token says, where it is VALID or EXPIRED; None otherwise. Not in the repr.
    """

    verdict: Verdict
    code: str
    claims: JsonObject | None = field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """The code in words, which hold nothing of the token."""
        return FINDINGS[self.code][1]


class JWTVerifier:
    """Verifies the access tokens of one provider.

    Safe to share between threads, and across a fork.
    """

    def __init__(
        self,
        jwks_url: str | None = None,
        *,
        keys: Mapping[str, Any] | None = None,
        issuers: Sequence[str],
        audience: str | Sequence[str] | None = None,
        algorithms: Sequence[str] = ("RS256",),
        leeway: int = 10,
        nbf_leeway: int = 60,
        require: Sequence[str] = ("exp",),
        max_age: float | timedelta | None = None,
        timeout: float | timedelta = 3,
        allow_http: bool = False,
        clock: Callable[[], float] | None = None,
        fetch: Callable[[str, float], bytes] | None = None,
    ) -> None:
        """Hold the rules. The keys are fetched at the first token.

        Args:
            jwks_url: Where the provider publishes its keys: an https address, or an http one of this machine.
            keys: The keys themselves instead: a JSON Web Key Set, ``{"keys": [...]}``.
            issuers: What ``iss`` may be, to the letter.
            audience: Of what ``aud`` must have at least one; None: it is not looked at.
            algorithms: What ``alg`` may be. Only algorithms with public keys.
            leeway: Seconds that ``exp`` may be past.
            nbf_leeway: Seconds that ``nbf`` may be ahead. A future ``iat`` is accepted.
            require: Claims that must be there.
            max_age: Seconds since ``iat`` after which a token counts as expired, whatever its ``exp``.
            timeout: Seconds that the keys are waited for.
            allow_http: Take a ``jwks_url`` without TLS. Whoever is on the way then decides who is signed in.
            clock: Returns Unix seconds. None: ``time.time``, looked up at every call.
            fetch: Gets the keys: called with the address and seconds, in a thread of its own, it returns the document.
                None: with httpx2, by the proxies and certificates of the environment.

        Raises:
            UsageTypeError: An argument of the wrong type.
            UsageError: An argument out of its range, neither or both of ``jwks_url`` and ``keys``
                (``bad_keys``), an address that is not safe (``bad_jwks_url``), or a package is missing
                (``extra_missing``).
        """
        if clock is not None and not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        if fetch is not None and not callable(fetch):
            raise wrong_type("fetch", "a function fetch(url, seconds) that returns bytes", fetch)
        if type(allow_http) is not bool:
            raise wrong_type("allow_http", "a bool", allow_http)
        for name, value in (("leeway", leeway), ("nbf_leeway", nbf_leeway)):
            check_whole_number(name, value)
        self._issuers = texts("issuers", issuers)
        self._audience = (
            audience if audience is None else texts("audience", [audience] if type(audience) is str else audience)
        )
        self._algorithms = check_algorithms(texts("algorithms", algorithms))
        self._require = texts("require", require, may_be_empty=True)
        self._leeway, self._nbf_leeway = leeway, nbf_leeway
        self._max_age = seconds("max_age", max_age)
        self._clock = clock
        patience = seconds("timeout", timeout)
        if isinf(patience):
            raise wrong_type("timeout", "seconds or a timedelta", timeout)
        if (jwks_url is None) == (keys is None):
            raise UsageError("keys: expected either jwks_url or keys.", code="bad_keys")
        self._keys: KeyCache | KeySet
        if keys is not None:
            self._keys = parse_keys(keys, self._algorithms)
        else:
            need("httpx2")
            need("jwt")
            check_url(jwks_url, allow_http)
            self._keys = KeyCache(str(jwks_url), self._algorithms, timeout=patience, clock=clock, fetch=fetch)

    @property
    def audience(self) -> tuple[str, ...] | None:
        """Of whom a token must name at least one; None where that is not looked at."""
        return self._audience

    def verify(self, access_token: str, *, subject: str | None = None) -> Verification:
        """Verify a token. Whatever it is, nothing is raised.

        Args:
            access_token: From outside.
            subject: What ``sub`` must be: the user's id, where a session has one.

        Raises:
            UsageTypeError: An argument is not a str.
        """
        if type(access_token) is not str:
            raise wrong_type("access_token", "a str", access_token)
        if subject is not None and type(subject) is not str:
            raise wrong_type("subject", "a str or None", subject)
        try:
            header, claims = _parse(access_token)
            kid, algorithm = self._check_header(header)
            self._check_parties(claims, subject)
            code = self._check_times(claims)
            self._check_signature(access_token, kid, algorithm)
        except _Refused as refused:
            return Verification(FINDINGS[refused.code][0], refused.code)
        return Verification(FINDINGS[code][0], code, claims)

    def _check_header(self, header: JsonObject) -> tuple[str, str]:
        """Return the name of the key, and the algorithm.

        Source: RFC 7515, section 4.1; RFC 8725, section 3.1.
        """
        algorithm, kid = header.get("alg"), header.get("kid")
        if type(algorithm) is not str or algorithm not in self._algorithms:
            raise _Refused("wrong_algorithm")
        if "crit" in header:
            raise _Refused("unsupported_crit")
        if type(kid) is not str or not kid:
            raise _Refused("missing_kid")
        return kid, algorithm

    def _check_parties(self, claims: JsonObject, subject: str | None) -> None:
        """Check what must be there, who issued it, for whom and about whom.

        Source: RFC 7519, sections 4.1.1 to 4.1.3.
        """
        if any(claims.get(name) is None for name in self._require):
            raise _Refused("missing_claim")
        if claims.get("iss") not in self._issuers:
            raise _Refused("wrong_issuer")
        meant_for = claims.get("aud")
        meant_for = meant_for if type(meant_for) is list else [meant_for]
        if self._audience is not None and not any(name in meant_for for name in self._audience):
            raise _Refused("wrong_audience")
        if subject is not None and claims.get("sub") != subject:
            raise _Refused("wrong_subject")

    def _check_times(self, claims: JsonObject) -> str:
        """Return the code of a token whose signature is good.

        Source: RFC 7519, sections 4.1.4 to 4.1.6.
        """
        now = time.time() if self._clock is None else self._clock()
        if _time(claims, "nbf", 0) > now + self._nbf_leeway:
            raise _Refused("not_yet_valid")
        is_expired = _time(claims, "exp", inf) + self._leeway <= now
        if isinf(self._max_age):
            return "expired" if is_expired else "valid"
        if "iat" not in claims:
            raise _Refused("missing_claim")
        is_old = _time(claims, "iat", now) + self._max_age + self._leeway <= now
        return "expired" if is_expired else "too_old" if is_old else "valid"

    def _check_signature(self, token: str, kid: str, algorithm: str) -> None:
        import jwt

        key = self._keys.find(kid, algorithm)
        if isinstance(key, NoKey):
            raise _Refused(key)
        try:
            jwt.PyJWS().decode(token, key=key, algorithms=[algorithm])
        except (jwt.PyJWTError, ValueError):
            raise _Refused("bad_signature") from None


class _Refused(Exception):
    """The end of a verification. Holds nothing of the token."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = str(code)


def _parse(token: str) -> tuple[JsonObject, JsonObject]:
    """Return the header and the claims; the third part is looked at only for its form.

    Source: RFC 7515, section 7.1.
    """
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise _Refused("too_long")
    parts = token.split(".")
    if len(parts) != 3:
        raise _Refused("opaque_token")
    try:
        encoding.decode(parts[2])
        return _decode(parts[0]), _decode(parts[1])
    except ValueError:
        raise _Refused("malformed") from None


def _decode(part: str) -> JsonObject:
    text = encoding.decode(part)
    value = exact_json.loads(text)  # within the bounds, so that the next line is safe
    json.loads(text.decode(), object_pairs_hook=_check_unique)
    return value


def _check_unique(pairs: list[tuple[str, Any]]) -> None:
    """Refuse a name that is there twice, which two readers may read in two ways.

    Source: RFC 7515, section 4, and RFC 7519, section 4.
    """
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name is there twice")


def _time(claims: JsonObject, name: str, otherwise: float) -> float:
    if name not in claims:
        return otherwise
    value = claims[name]
    if type(value) is not int or not 0 <= value <= MAX_TIME:
        raise _Refused("bad_time")
    return value
