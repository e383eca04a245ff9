"""The environment variables of WorkOS's own SDKs: which of our settings they are, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Problem, UsageError
from .credentials import check_credential

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


def problems(environ: Mapping[str, str], given: Mapping[str, str | None]) -> list[Problem]:
    """Return what is missing or wrong in the environment.

    Args:
        environ: ``os.environ``.
        given: Credentials by their variables; one that was given otherwise is not looked for.
    """
    found = [judge(key, environ.get(key, "")) for key, value in given.items() if value is None]
    max_age = environ.get("WORKOS_COOKIE_MAX_AGE")
    if max_age and _whole(max_age) is None:
        fix = "write the number of seconds, 34560000 for example."
        found.append(Problem("WORKOS_COOKIE_MAX_AGE", "is not a whole number.", fix, "max_age_text"))
    return [problem for problem in found if problem is not None]


def judge(key: str, value: str) -> Problem | None:
    """Return what is wrong with a credential of the environment."""
    if not value:
        fix = "copy it from the WorkOS dashboard, or pass it to WorkOS(client_id=..., api_key=...)."
        return Problem(key, "is not set.", fix, code="provider_missing")
    try:
        check_credential(key, value)
    except UsageError:
        return Problem(key, "has white space or characters that do not print.", "copy it again.", "provider_option")
    return None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
