"""The sessions that are measured, and what the measures need to know about one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from sealed_session.exact_json import JsonObject
from sealed_session.packing import SessionValues

DATA = Path(__file__).parents[1] / "tests" / "data"


def load(name: str) -> dict[str, JsonObject]:
    """Read sessions by name: ``sessions`` are the five samples, ``other_providers`` one for each other provider."""
    sessions: dict[str, JsonObject] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return sessions


def as_values(session: JsonObject) -> SessionValues:
    """Say that a session read from a file is one; sealing it checks that."""
    return cast(SessionValues, session)


def compact_json(session: JsonObject) -> str:
    """Write JSON as short as it gets."""
    return json.dumps(session, separators=(",", ":"), ensure_ascii=False)


def json_bytes(session: JsonObject) -> int:
    """Return how many bytes the shortest JSON has."""
    return len(compact_json(session).encode())


def as_authkit(session: JsonObject) -> JsonObject:
    """Name things as AuthKit's JavaScript SDKs do: camelCase at the top and at the top of the user."""
    renamed = {_camel_case(name): value for name, value in session.items()}
    return {**renamed, "user": {_camel_case(name): value for name, value in session["user"].items()}}


def random_characters(session: JsonObject) -> int:
    """Return the characters that signatures and opaque tokens alone take: the floor under any encrypted cookie.

    They are random, so nothing compresses them. A format can decode their base64url, six bits a character, and has to
    encode the bytes again for the cookie.
    """
    tokens = [session[name] for name in ("access_token", "refresh_token") if session.get(name)]
    bits = 6 * sum(len(part) for token in tokens for part in _random_parts(token))
    return -(-(bits // 8) * 4 // 3)


def _random_parts(token: str) -> list[str]:
    parts = token.split(".")
    is_jws = len(parts) == 3 and parts[0].startswith("eyJ")
    return parts[2:] if is_jws else parts


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
