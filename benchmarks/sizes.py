"""The lengths themselves: every session in every format, and how large a session fits."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sealed_session import SealTooLarge
from sealed_session.exact_json import JsonObject
from sealed_session.peer_sizes import fernet_characters, iron_characters
from sealed_session.sealer import MAX_COOKIE_BYTES

from . import fits, node, peers, samples
from .fits import Fit
from .peers import COOKIE_NAME, IRON, OURS, Peer

SAMPLES, OTHERS = "samples", "other_providers"
COLUMNS = (OURS, "workos", "jwe", "itsdangerous", IRON)


@dataclass(frozen=True, slots=True)
class Measured:
    """One session in every format.

    Attributes:
        name: The session's name.
        group: ``samples`` or ``other_providers``.
        json: Bytes of the shortest JSON.
        values: Characters of the cookie value by peer; None where it was not measured.
        random: Characters that signatures and opaque tokens alone take.
        overhead: Characters of ours that are the envelope.
        text: Bytes of header, claims and user before ours compresses them.
    """

    name: str
    group: str
    json: int
    values: dict[str, int | None]
    random: int
    overhead: int
    text: int

    @property
    def ours(self) -> int:
        """Characters of our value."""
        return self.values[OURS] or 0

    def ratio(self, key: str) -> float | None:
        """Ours in proportion to a peer's value."""
        theirs = self.values[key]
        return None if theirs is None else self.ours / theirs

    def floor(self) -> float | None:
        """The random part in proportion to Fernet's value: nothing that keeps the tokens gets below."""
        theirs = self.values["workos"]
        return None if theirs is None else self.random / theirs

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        floor = self.floor()
        figures = {
            "random": self.random,
            "floor": None if floor is None else round(floor, 4),
            "overhead": self.overhead,
            "text_bytes": self.text,
        }
        return {"name": self.name, "group": self.group, "json": self.json, **self.values, **figures}


def measure_all() -> tuple[list[Measured], dict[str, str]]:
    """Seal every session in every format.

    Returns:
        The sessions, and by peer why it is missing.
    """
    found, missing = peers.find()
    grouped = {SAMPLES: samples.load("sessions"), OTHERS: samples.load("other_providers")}
    everyone = [(group, name, session) for group, sessions in grouped.items() for name, session in sessions.items()]
    try:
        iron: list[int | None] = [*_iron_session([session for _, _, session in everyone])]
    except node.NodeUnavailable as error:
        iron, missing[IRON] = [None] * len(everyone), str(error)
    return [_measure(*one, found, length) for one, length in zip(everyone, iron, strict=True)], missing


def fitting(session: JsonObject) -> dict[str, Fit]:
    """Find how far a session grows in ours, in Fernet and in iron-session, the two by their formulas."""
    return {
        OURS: fits.largest(session, _fits_ours()),
        "workos": fits.largest(session, lambda grown: _is_cookie(fernet_characters(samples.as_values(grown)))),
        IRON: fits.largest(session, lambda grown: _is_cookie(iron_characters(samples.as_values(grown)))),
    }


def _measure(group: str, name: str, session: JsonObject, found: dict[str, Peer], iron: int | None) -> Measured:
    values = {key: len(found[key].seal(session)) if key in found else None for key in COLUMNS}
    report = peers.new_sealer().measure(session)
    return Measured(
        name=name,
        group=group,
        json=samples.json_bytes(session),
        values={**values, IRON: iron},
        random=samples.random_characters(session),
        overhead=report.characters("overhead"),
        text=report.text_bytes,
    )


def _iron_session(sessions: list[JsonObject]) -> list[int]:
    request = {"password": secrets.token_hex(32), "sessions": [samples.as_authkit(session) for session in sessions]}
    answer: list[int] = node.run("size.mjs", request)
    return answer


def _fits_ours() -> Callable[[JsonObject], bool]:
    sealer = peers.new_sealer()

    def is_fitting(session: JsonObject) -> bool:
        try:
            sealer.seal(session)
        except SealTooLarge:
            return False
        return True

    return is_fitting


def _is_cookie(value: int) -> bool:
    return len(COOKIE_NAME) + 1 + value <= MAX_COOKIE_BYTES
