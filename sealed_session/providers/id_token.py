"""The ID token: who has signed in, in the provider's own hand, for us and for this very attempt.

Source: OpenID Connect Core 1.0, sections 2, 3.1.3.6 and 3.1.3.7.
"""

from __future__ import annotations

from hashlib import sha256, sha384, sha512
from typing import Any

from .. import encoding
from ..errors import SignInFailed
from ..exact_json import JsonObject
from ..packing import MAX_SESSION_ID
from .grant import text_in
from .sign_in import Attempt, check_fresh, is_same
from .signed import Refused, Signed, Token, describe

PROFILE = (
    "sub",
    "email",
    "email_verified",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "picture",
    "locale",
    "zoneinfo",
)
"""What a session's user has of the claims, under their own names (section 5.1)."""

LONGEST = 256
"""Bytes of a claim of the profile, whose text people write themselves. Longer ones are left out, a picture as a data
URL for example."""

MOST = 1280
"""Bytes of all of them together, beside the tokens of a cookie: what comes first is kept. A ``sub`` may have 255
characters, and is kept in any case."""

_KINDS = frozenset({"jwt"})
_NEEDS = ("exp", "sub")
_HASHES = {"256": sha256, "384": sha384, "512": sha512}
_LONGEST_SUBJECT = 255


def verified(signed: Signed, id_token: Any, attempt: Attempt, access_token: str, *, deadline: float) -> JsonObject:
    """Return the claims of the ID token that came with an access token.

    Args:
        signed: Reads the issuer's tokens.
        id_token: As it came; None where none did.
        attempt: The sign-in that it is the answer to.
        access_token: What came with it.
        deadline: As for ``Signed.read``.

    Raises:
        SignInFailed: ``id_token_invalid``, ``nonce_mismatch``, ``not_fresh_enough``.
        ProviderUnavailable: The keys cannot be had.
    """
    finding = "missing"
    if id_token is not None:
        try:
            token = signed.read(id_token, kinds=_KINDS, needs=_NEEDS, deadline=deadline)
            signed.check_party(token.claims)
            _check_subject(token.claims)
            _check_access_token(token, access_token)
        except Refused as refused:
            finding = refused.finding
        else:
            if not is_same(text_in(token.claims, "nonce"), str(attempt.nonce)):
                raise SignInFailed("the ID token is of another sign-in (nonce).", code="nonce_mismatch")
            check_fresh(attempt, token.claims.get("auth_time"), signed.now())
            return token.claims
    raise SignInFailed(f"the ID token is refused: {describe(finding)}", detail=finding, code="id_token_invalid")


def _check_subject(claims: JsonObject) -> None:
    sub = text_in(claims, "sub")
    if sub is None or len(sub) > _LONGEST_SUBJECT:
        raise Refused("bad_claim")


def _check_access_token(token: Token, access_token: str) -> None:
    """Compare the hash of the access token: the left half of a hash as long as that of the signature.

    Source: OpenID Connect Core 1.0, section 3.1.3.6.
    """
    if "at_hash" in token.claims:
        make = _HASHES.get(token.algorithm[-3:], sha512)  # EdDSA hashes with SHA-512 (RFC 8032, section 5.1)
        digest = make(access_token.encode()).digest()
        if token.claims["at_hash"] != encoding.encode(digest[: len(digest) // 2]):
            raise Refused("wrong_access_token")


def user_of(claims: JsonObject) -> JsonObject:
    """Return what a session keeps of a person: few claims, and short ones."""
    kept: JsonObject = {}
    room = MOST
    for name in PROFILE:
        value = claims.get(name) if type(claims.get(name)) is bool else text_in(claims, name)
        size = len(value.encode()) if type(value) is str else 0
        if value is not None and (name == "sub" or size <= min(LONGEST, room)):
            kept[name] = value
            room -= size
    return kept


def session_id_of(sid: str) -> str:
    """Return the ``session_id`` of a session whose access token does not have the provider's ``sid``.

    That is the ``sid`` itself where a session can hold it, and its hash where it cannot.
    """
    try:
        if 1 <= len(encoding.decode(sid)) <= MAX_SESSION_ID:
            return sid
    except ValueError:
        pass
    return encoding.encode(sha256(sid.encode()).digest())
