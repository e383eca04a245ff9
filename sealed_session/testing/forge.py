"""Tokens as others make them up: each is refused by whoever verifies, and each for another reason.

    for forged in forge.FORGERIES.values():
        token = forged(stytch, stytch.sign_in()["access_token"])

Takes a good token, so that nothing but the forgery is wrong with what comes out.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from .. import encoding
from .fake import Fake
from .signing import SigningKey, read, unsigned

FAR = 86_400
"""Seconds by which the times of a forgery are off: more than any leeway."""


def changed(fake: Fake, token: str, **claims: Any) -> str:
    """Sign other claims with the fake's own key: what a provider with a wrong setting would do.

    Args:
        fake: Who signs.
        token: A good one.
        claims: What is different; None removes a claim.
    """
    header, good = read(token)
    members = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return fake.sign(members, **{**header, "kid": fake.keys.current.kid})


def without_signature(fake: Fake, token: str) -> str:
    """Say ``alg: none``, and sign nothing (RFC 7519, section 6)."""
    header, claims = read(token)
    return f"{unsigned({**header, 'alg': 'none'}, claims)}."


def with_public_key(fake: Fake, token: str) -> str:
    """Say ``alg: HS256``, and take the public key for the secret (RFC 8725, section 2.1)."""
    header, claims = read(token)
    text = unsigned({**header, "alg": "HS256"}, claims)
    return f"{text}.{encoding.encode(hmac.digest(fake.keys.current.public_pem, text.encode(), sha256))}"


def with_foreign_key(fake: Fake, token: str) -> str:
    """Sign with a key that is not published, under the name of one that is."""
    header, claims = read(token)
    return SigningKey("somebody-else's").sign(claims, **header)


def with_unknown_key(fake: Fake, token: str) -> str:
    """Sign with a key that is not published, and name it."""
    header, claims = read(token)
    return SigningKey("somebody-else's").sign(claims, **{**header, "kid": "somebody-else's"})


def tampered(fake: Fake, token: str) -> str:
    """Make somebody else of the person, and leave the signature as it is."""
    header, claims = read(token)
    return f"{unsigned(header, {**claims, 'sub': 'somebody-else'})}.{token.rpartition('.')[2]}"


def endless(fake: Fake, token: str) -> str:
    """Leave ``exp`` out."""
    return changed(fake, token, exp=None)


def expired(fake: Fake, token: str) -> str:
    """End long ago. No forgery, so not in ``FORGERIES``: the signature is good."""
    return changed(fake, token, iat=fake.clock() - 2 * FAR, nbf=None, exp=fake.clock() - FAR)


def not_yet_valid(fake: Fake, token: str) -> str:
    """Begin in the future."""
    return changed(fake, token, nbf=fake.clock() + FAR, exp=fake.clock() + 2 * FAR)


def for_somebody_else(fake: Fake, token: str) -> str:
    """Name another audience. Only where there is one to compare with."""
    return changed(fake, token, aud=["somebody-else"])


def by_somebody_else(fake: Fake, token: str) -> str:
    """Name another issuer."""
    return changed(fake, token, iss="https://somebody-else.example.com")


FORGERIES: Mapping[str, Callable[[Fake, str], str]] = {
    "alg none": without_signature,
    "HS256 with the public key": with_public_key,
    "a foreign key": with_foreign_key,
    "an unknown key": with_unknown_key,
    "tampered": tampered,
    "no exp": endless,
    "not yet valid": not_yet_valid,
    "another issuer": by_somebody_else,
}
"""By what is wrong with them. ``for_somebody_else`` is none of them: not every system has an audience."""
