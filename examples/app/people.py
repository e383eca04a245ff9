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
        key: Stands in addresses.
        name: As it is shown.
        role: What they are.
        special: What is worth seeing about the session.
        user: The user, as the identity provider knows it.
        claims: Of the access token.
        organizations: Where they are a member: id and name.
        impersonator: Who acts as this person.
    """

    key: str
    name: str
    role: str
    special: str
    user: dict[str, Any]
    claims: dict[str, Any]
    organizations: dict[str, str]
    impersonator: dict[str, Any] | None = None


def _person(name: str, sample: str, *, role: str, special: str, **more: Any) -> Person:
    """Give a sample session to somebody."""
    first, last = name.split()
    key = first.lower()
    session = Session(**_SAMPLES[sample])
    named = {"first_name": first, "last_name": last, "name": name, "email": f"{key}@example.com"}
    user = {**(session.user or {}), **named, **more.get("user", {})}
    claims = {name: value for name, value in session.claims.items() if name not in _GIVEN_ANEW} | more.get("claims", {})
    organizations = {claims["org_id"]: "Placeholder Ltd", SECOND: "Sample & Sons"} if "org_id" in claims else {}
    return Person(key, name, role, special, user, claims, organizations, more.get("impersonator"))


_ALL = (
    _person("Pippa Plainfield", "minimal", role="Guest", special="The smallest session: no organisation, no role."),
    _person("Bjarte Åsample", "typical", role="Member", special="Four permissions. The session that most people have."),
    _person(
        "Marcelina Placeholder", "rich", role="Administrator", special="Twelve permissions, feature flags, metadata."
    ),
    _person(
        "Maximo Ejemplo-García",
        "heavy-impersonated",
        role="Administrator",
        special="Impersonated by support: somebody else acts in this name.",
        impersonator={"email": "support@example.com", "reason": "Ticket 48213: the customer cannot see invoices"},
    ),
    _person(
        "Perpetua Permitted",
        "rich",
        role="Auditor",
        special="300 permissions: as Fernet or iron-session no browser keeps the cookie.",
        claims={"role": "auditor", "permissions": _PERMISSIONS},
    ),
    _person(
        "Otto Overflow",
        "typical",
        role="Collector",
        special="Too large: 100 badges of random characters fit into no cookie. Try it.",
        user={"badges": [secrets.token_hex(32) for _ in range(100)]},
    ),
)
PEOPLE = {person.key: person for person in _ALL}


def organizations_of(email: str) -> dict[str, str]:
    """Return where somebody is a member: id and name."""
    return next((person.organizations for person in _ALL if person.user["email"] == email), {})
