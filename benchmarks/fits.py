"""The largest session that still fits one cookie: ``typical`` with ever more permissions in its access token.

The names are every resource with every verb, in an order that helps no compressor: sorted by their SHA-256. Grouped by
resource, as an administrator would list them, more of them fit.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import product

from sealed_session import encoding
from sealed_session.exact_json import JsonObject

from .samples import json_bytes

_RESOURCES = """
accounts api_keys apps audit_logs billing branches budgets calendars campaigns carts channels comments companies
connections contacts contracts coupons customers dashboards datasets deals deployments devices documents domains
environments events exports folders forms goals groups imports incidents integrations inventory invoices invitations
issues jobs labels leads licenses locations logs members messages metrics milestones models notes notifications offers
orders organizations payments payouts pipelines plans policies prices products profiles projects queues quotes refunds
releases reports repositories reviews roles rules schedules secrets segments servers sessions settings shipments sites
snapshots suppliers subscriptions surveys tags tasks taxes teams templates tenants tickets timesheets tokens
translations users vaults vendors versions views warehouses webhooks widgets workflows
"""

_VERBS = """
approve archive assign cancel comment create delete download export import invite list manage merge publish read reject
rename restore revoke share transfer update write
"""


def _scattered(name: str) -> bytes:
    return sha256(name.encode()).digest()


PERMISSIONS = sorted(
    (f"{resource}.{verb}" for resource, verb in product(_RESOURCES.split(), _VERBS.split())), key=_scattered
)
"""Distinct dotted names, always in the same order."""

SIGNATURE = random.Random(256).randbytes(256)
"""In place of one by RS256, which is as long and as random."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The largest session that fits.

    Attributes:
        permissions: How many names were added.
        json: Bytes of the session's shortest JSON.
    """

    permissions: int
    json: int


def grown(session: JsonObject, count: int) -> JsonObject:
    """Add so many permissions to the access token's claims, and sign it anew."""
    header, claims, _ = session["access_token"].split(".")
    values = json.loads(encoding.decode(claims))
    values["permissions"] = [*values["permissions"], *PERMISSIONS[:count]]
    written = json.dumps(values, separators=(",", ":")).encode()
    return {**session, "access_token": ".".join([header, encoding.encode(written), encoding.encode(SIGNATURE)])}


def largest(session: JsonObject, is_fitting: Callable[[JsonObject], bool]) -> Fit:
    """Find the largest session that fits, by bisection.

    Args:
        session: The one that grows.
        is_fitting: Whether a session fits.
    """
    count = bisect_left(range(len(PERMISSIONS) + 1), True, key=lambda count: not is_fitting(grown(session, count))) - 1
    return Fit(count, json_bytes(grown(session, count)))
