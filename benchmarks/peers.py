"""The formats that are compared, ours among them: each seals a session and opens it again.

A peer whose package is not installed is left out, with a word on how to install it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from cryptography.fernet import Fernet

from sealed_session import KeyRing, Sealer, generate_password
from sealed_session.exact_json import JsonObject
from sealed_session.sealer import MAX_COOKIE_BYTES

from .samples import compact_json

COOKIE_NAME = "wos-session"
"""The name that AuthKit's SDKs use. Ours is bound to it; the others do not look at it."""

INSTALL = "Install it with `make bench`, or `pip install --group bench` in an environment of your own."


@dataclass(frozen=True, slots=True)
class Peer:
    """One format.

    Attributes:
        seal: From a session of plain JSON to a cookie value.
        unseal: Back, until access token, refresh token and user are at hand.
    """

    seal: Callable[[JsonObject], str]
    unseal: Callable[[str], object]


def new_sealer(ring: KeyRing | None = None) -> Sealer:
    """Make a sealer under the common name. It goes up to the limit here, so it has nothing to say on coming near it."""
    return Sealer(ring or KeyRing(generate_password()), name=COOKIE_NAME, warn_bytes=MAX_COOKIE_BYTES)


def sealed_session(ring: KeyRing | None = None) -> Peer:
    """Make ours: the public API, as an application calls it."""
    sealer = new_sealer(ring)

    def unseal(sealed: str) -> object:
        session = sealer.unseal(sealed).session
        return session.access_token, session.refresh_token, session.user

    return Peer(sealer.seal, unseal)


def workos() -> Peer:
    """Make workos-python: Fernet, by the two functions of the package itself."""
    module = import_module("workos.session")
    key = Fernet.generate_key().decode()
    seal_data, unseal_data = module.seal_data, module.unseal_data
    return Peer(lambda session: str(seal_data(session, key)), lambda sealed: unseal_data(sealed, key))


def fernet() -> Peer:
    """Make bare Fernet: the key parsed once, and nothing around it but JSON."""
    box = Fernet(Fernet.generate_key())
    return Peer(
        lambda session: box.encrypt(json.dumps(session).encode()).decode(),
        lambda sealed: json.loads(box.decrypt(sealed)),
    )


def jwe() -> Peer:
    """Make JWE in its compact form: ``dir`` and ``A256GCM``, by joserfc."""
    module, jwk = import_module("joserfc.jwe"), import_module("joserfc.jwk")
    key = jwk.OctKey.import_key(secrets.token_bytes(32))
    header = {"alg": "dir", "enc": "A256GCM"}
    return Peer(
        lambda session: str(module.encrypt_compact(header, compact_json(session), key)),
        lambda sealed: json.loads(module.decrypt_compact(sealed, key).plaintext),
    )


def itsdangerous() -> Peer:
    """Make itsdangerous, as Flask's own session does: signed and compressed, and anybody can read it."""
    serializer = import_module("itsdangerous").URLSafeSerializer(secrets.token_bytes(32))
    return Peer(lambda session: str(serializer.dumps(session)), serializer.loads)


OURS, IRON = "sealed_session", "iron_session"

LABELS = {
    OURS: "sealed-session",
    "workos": "workos-python",
    "fernet": "Fernet and json",
    "jwe": "JWE",
    "itsdangerous": "itsdangerous",
    IRON: "iron-session",
}
"""By key, which is stable and for programs, the name for people. iron-session runs on Node (node.py)."""

_MAKERS: dict[str, Callable[[], Peer]] = {
    OURS: sealed_session,
    "workos": workos,
    "fernet": fernet,
    "jwe": jwe,
    "itsdangerous": itsdangerous,
}


def make(key: str) -> Peer:
    """Make one.

    Raises:
        ModuleNotFoundError: Its package is not installed.
    """
    return _MAKERS[key]()


def find() -> tuple[dict[str, Peer], dict[str, str]]:
    """Make all whose package is installed.

    Returns:
        The peers by key, and by key why one is missing.
    """
    found: dict[str, Peer] = {}
    missing: dict[str, str] = {}
    for key in _MAKERS:
        try:
            found[key] = make(key)
        except ModuleNotFoundError as error:
            missing[key] = f"The package {error.name} is not installed. {INSTALL}"
    return found, missing
