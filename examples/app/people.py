"""The sample people: sessions of tests/data/sessions.json under names that nobody bears."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealed_session import Session

_SAMPLES = json.loads((Path(__file__).parents[2] / "tests" / "data" / "sessions.json").read_text(encoding="utf-8"))
_GIVEN_ANEW = ("sub", "sid", "jti", "exp", "iat")
"""Claims that belong to one sign-in: those of the samples have long been over."""

SECOND = "org_01SECONDSAMPLE0000000000000"
"""The organisation that everybody with one may change to."""

_THINGS = (
    "accounts",
    "audits",
    "contracts",
    "customers",
    "exports",
    "invoices",
    "projects",
    "reports",
    "teams",
    "users",
)
_DEEDS = ("view", "create", "change", "delete", "share", "import", "approve", "assign", "archive", "restore")
_WHOSE = ("own", "team", "all")
_PERMISSIONS = [f"{thing}:{deed}:{whose}" for thing in _THINGS for deed in _DEEDS for whose in _WHOSE]


@dataclass(frozen=True)
class Person:
    """Somebody who may sign in.

    Attributes:
        key: Stands in forms.
        name: As it is shown.
        role: What they are.
        special: What is worth seeing about the session.
        sub: The provider's name for them.
        profile: Who they are: of the ID token, with the scope ``profile``.
        email: The same, with the scope ``email``.
        claims: What they may do: of the access token.
        organizations: Where they are a member: id and name.
    """

    key: str
    name: str
    role: str
    special: str
    sub: str
    profile: dict[str, Any]
    email: dict[str, Any]
    claims: dict[str, Any]
    organizations: dict[str, str]


def _person(name: str, sample: str, *, role: str, special: str, more: dict[str, Any] | None = None) -> Person:
    """Give a sample session to somebody."""
    first, last = name.split()
    key = first.lower()
    session = Session(**_SAMPLES[sample])
    user = session.user or {}
    claims = {name: value for name, value in session.claims.items() if name not in _GIVEN_ANEW} | (more or {})
    return Person(
        key,
        name,
        role,
        special,
        sub=user["id"],
        profile={
            "name": name,
            "given_name": first,
            "family_name": last,
            "picture": user["profile_picture_url"],
            "locale": user["locale"],
        },
        email={"email": f"{key}@example.com", "email_verified": True},
        claims=claims,
        organizations={claims["org_id"]: "Placeholder Ltd", SECOND: "Sample & Sons"} if "org_id" in claims else {},
    )


_ALL = (
    _person(  # the first, whom most will choose: nothing of the demo is missing here
        "Bjarte Åsample",
        "typical",
        role="Member",
        special="Four permissions, two organisations. The session that most people have.",
    ),
    _person("Pippa Plainfield", "minimal", role="Guest", special="The smallest session: no organisation, no role."),
    _person(
        "Marcelina Placeholder",
        "rich",
        role="Administrator",
        special="Twelve permissions, entitlements, feature flags.",
    ),
    _person(
        "Maximo Ejemplo-García",
        "heavy-impersonated",
        role="Administrator",
        special="Impersonated by support: somebody else acts in this name.",
        more={"act": {"sub": "support@example.com", "reason": "Ticket 48213: the customer cannot see invoices"}},
    ),
    _person(
        "Perpetua Permitted",
        "rich",
        role="Auditor",
        special="300 permissions: as Fernet or iron-session no browser keeps the cookie.",
        more={"role": "auditor", "permissions": _PERMISSIONS},
    ),
    _person(
        "Otto Overflow",
        "typical",
        role="Collector",
        special="Too large: 100 badges of random characters fit into no cookie. Try it.",
        more={"badges": [secrets.token_hex(32) for _ in range(100)]},
    ),
)
PEOPLE = {person.key: person for person in _ALL}
