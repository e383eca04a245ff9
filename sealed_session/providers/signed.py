"""What an issuer signs for one client beside access tokens: ID tokens and logout tokens. What both have in common.

    Signed.read ─▶ JWTVerifier (algorithm, issuer, audience, times, key, signature) ─▶ kind, party, age ─▶ claims

Source: OpenID Connect Core 1.0, section 3.1.3.7; Back-Channel Logout 1.0, section 2.6; RFC 8725, section 3.11.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from .. import encoding, exact_json
from ..errors import ProviderUnavailable
from ..exact_json import JsonObject
from ..key_set import UnusableSet
from ..verifier import FINDINGS, JWTVerifier, Verdict, Verification
from .endpoints import Endpoints
from .http import Client, deadline_after
from .sign_in import AHEAD, LEEWAY

_KEYS_PATIENCE = 3
_KNOWN_BY_KEYS = frozenset({"valid", "unknown_kid", "bad_signature"})
_NO_SIGNATURE = "AA"

_FINDINGS = {
    "missing": "there is none.",
    "wrong_kind": "it is a token of another kind (typ).",
    "wrong_party": "it was issued to somebody else (azp).",
    "from_future": "it was issued (iat) in the future; are the clocks right?",
    "wrong_access_token": "the access token that came with it is another one (at_hash).",
    "has_nonce": "it has a nonce, as ID tokens have, and logout tokens must not.",
    "wrong_event": "it is not about a logout (events).",
    "bad_claim": "a claim is not what it should be.",
}


class Refused(Exception):
    """A token is not to be believed. For this folder alone: holds nothing of the token.

    Attributes:
        finding: Why, as a stable identifier.
    """

    def __init__(self, finding: str) -> None:
        super().__init__(finding)
        self.finding = finding


def describe(finding: str) -> str:
    """Return a finding in words: the rest of a sentence about the token."""
    return _FINDINGS[finding] if finding in _FINDINGS else FINDINGS[finding][1]


class Token(NamedTuple):
    """A token that is the issuer's, for us, and of its time.

    Attributes:
        claims: What it says.
        algorithm: What it is signed with.
    """

    claims: JsonObject
    algorithm: str


class Signed:
    """Reads the tokens of one issuer for one client. Safe to share between threads and across a fork."""

    def __init__(
        self,
        endpoints: Endpoints,
        client: Client,
        client_id: str,
        algorithms: Sequence[str],
        *,
        clock: Callable[[], float] | None,
    ) -> None:
        """Ask nobody yet.

        Args:
            endpoints: With an issuer.
            client: Fetches the issuer's keys.
            client_id: Ours: for whom the tokens must be.
            algorithms: What they may be signed with; those with public keys.
            clock: Returns Unix seconds; None: ``time.time``, looked up at every call.
        """
        self._endpoints = endpoints
        self._client = client
        self._client_id = client_id
        self._algorithms = tuple(algorithms)
        self._clock = clock
        self._verifier: JWTVerifier | None = None
        self._has_keys = False

    def have_keys(self, deadline: float) -> None:
        """See to it that the issuer's keys are at hand, for whoever is about to need them.

        Args:
            deadline: As for ``read``.

        Raises:
            ProviderUnavailable: They cannot be had.
        """
        if not self._has_keys:
            self._verify(self._unsigned(), deadline)  # no good token; what counts is that this can be known

    def read(self, token: str, *, kinds: frozenset[str], needs: Sequence[str], deadline: float) -> Token:
        """Return a good token.

        Args:
            token: From outside.
            kinds: What its ``typ`` may be, in lower case, where it has one.
            needs: Claims that it must have.
            deadline: For the issuer's metadata; the keys are waited for a little longer.

        Raises:
            Refused: It is none.
            ProviderUnavailable: The keys cannot be had.
        """
        found = self._verify(token, deadline)
        if found.verdict is not Verdict.VALID or found.claims is None:
            raise Refused(found.code)
        header = exact_json.loads(encoding.decode(token.partition(".")[0]))
        if "typ" in header and str(header["typ"]).lower().removeprefix("application/") not in kinds:
            raise Refused("wrong_kind")
        if any(found.claims.get(name) is None for name in needs):
            raise Refused("missing_claim")
        self._check_issued(found.claims["iat"])
        return Token(found.claims, header["alg"])

    def now(self) -> float:
        """Return the time."""
        return time.time() if self._clock is None else self._clock()

    def check_party(self, claims: JsonObject) -> None:
        """Refuse a token that several have part in, unless it is said to be ours. Logout tokens know no ``azp``.

        Raises:
            Refused: It is somebody else's.

        Source: OpenID Connect Core 1.0, section 3.1.3.7, numbers 3 to 5.
        """
        party, audience = claims.get("azp"), claims["aud"]
        is_shared = type(audience) is list and len(audience) > 1
        if (party is None and is_shared) or (party is not None and party != self._client_id):
            raise Refused("wrong_party")

    def _check_issued(self, issued_at: object) -> None:
        if type(issued_at) is not int or issued_at < 0:
            raise Refused("bad_time")
        if issued_at > self.now() + AHEAD:
            raise Refused("from_future")

    def _verify(self, token: str, deadline: float) -> Verification:
        found = self._keys(deadline).verify(token)
        if found.verdict is Verdict.UNAVAILABLE:
            host = urlsplit(str(self._endpoints.issuer)).hostname
            raise ProviderUnavailable(f"{host}: the keys that it signs with cannot be had now.", sent=False)
        self._has_keys = self._has_keys or found.code in _KNOWN_BY_KEYS
        return found

    def _unsigned(self) -> str:
        """Return a token that only a look at the keys shows to be none: it names one that there cannot be."""
        now = int(self.now())
        claims = {"iss": self._endpoints.issuer, "aud": self._client_id, "iat": now, "exp": now + _KEYS_PATIENCE}
        head = {"alg": self._algorithms[0], "kid": "sealed-session: no such key"}
        return ".".join([*(encoding.encode(json.dumps(part).encode()) for part in (head, claims)), _NO_SIGNATURE])

    def _keys(self, deadline: float) -> JWTVerifier:
        if self._verifier is None:
            self._verifier = self._find_keys(deadline)
        return self._verifier

    def _find_keys(self, deadline: float) -> JWTVerifier:
        url = self._endpoints.need("jwks_uri", deadline)
        return JWTVerifier(
            url,
            issuers=[str(self._endpoints.issuer)],
            audience=self._client_id,
            algorithms=self._algorithms,
            leeway=LEEWAY,
            nbf_leeway=AHEAD,
            require=("iat",),
            timeout=_KEYS_PATIENCE,
            clock=self._clock,
            fetch=lambda url, seconds: fetch_keys(self._client, url, seconds),
        )


def fetch_keys(client: Client, url: str, seconds: float) -> bytes:
    """Get a JSON Web Key Set by a provider's own proxies and certificates; see ``JWTVerifier``, ``fetch``.

    Raises:
        ProviderUnavailable: No answer.
        UnusableSet: Another answer than 200.
    """
    answer = client.get(url, deadline=deadline_after(seconds))
    if answer.status != 200:
        raise UnusableSet(f"status {answer.status}")
    return answer.body
