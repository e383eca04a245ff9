"""The environment variables of WorkOS's own SDKs that are settings of ours, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Problem

COOKIE_NAME = "wos-session"

VARIABLES = {
    "WORKOS_COOKIE_NAME": "COOKIE_NAME",
    "WORKOS_COOKIE_PASSWORD": "PASSWORD",
    "WORKOS_COOKIE_DOMAIN": "COOKIE_DOMAIN",
    "WORKOS_COOKIE_MAX_AGE": "COOKIE_MAX_AGE",
    "WORKOS_COOKIE_SAMESITE": "COOKIE_SAMESITE",
    "WORKOS_REDIRECT_URI": "REDIRECT_URI",
}
"""The variables of WorkOS, and the settings that they are here."""

_SAME_SITE = {"lax": "Lax", "strict": "Strict", "none": "None"}


def settings(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the settings that the preset brings, by our names without prefix.

    Args:
        environ: ``os.environ``. An empty variable is one that is not set.
    """
    found: dict[str, Any] = {name: environ[key] for key, name in VARIABLES.items() if environ.get(key)}
    if "COOKIE_MAX_AGE" in found:
        found["COOKIE_MAX_AGE"] = _whole(found["COOKIE_MAX_AGE"])
        if found["COOKIE_MAX_AGE"] is None:  # said by ``problems``
            del found["COOKIE_MAX_AGE"]
    if "COOKIE_SAMESITE" in found:
        found["COOKIE_SAMESITE"] = _SAME_SITE.get(found["COOKIE_SAMESITE"].lower(), found["COOKIE_SAMESITE"])
    return {"COOKIE_NAME": COOKIE_NAME, **found}


def problems(environ: Mapping[str, str]) -> list[Problem]:
    """Return what no setting can be made of.

    Args:
        environ: ``os.environ``.
    """
    max_age = environ.get("WORKOS_COOKIE_MAX_AGE")
    if not max_age or _whole(max_age) is not None:
        return []
    fix = "write the number of seconds, 34560000 for example."
    return [Problem("WORKOS_COOKIE_MAX_AGE", "is not a whole number.", fix, "max_age_text")]


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
