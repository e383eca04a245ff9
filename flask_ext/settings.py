"""The settings one by one: default, what is taken, and what is said of anything else.

A check returns the value that it takes, and raises UsageError with ``problem``, ``fix`` and ``code`` for another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sealed_session import UsageError
from sealed_session.exact_json import printable
from sealed_session.hosts import is_this_machine
from sealed_session.sealer import MAX_COOKIE_BYTES, SIZE_WARN_BYTES

DEFAULT_COORDINATOR = "sqlite:"

JSON = "Environment variables are texts, which `app.config.from_prefixed_env()` reads as JSON:"
"""What most mistakes of a type come from."""


def boolean(value: Any) -> bool:
    """Take True or False."""
    if type(value) is bool:
        return value
    if isinstance(value, str):
        fix = f"set it to True or False. {JSON} true or false."
        raise UsageError(f"is {shown(value)}, no boolean.", fix=fix, code="boolean_as_text")
    raise UsageError(f"is {shown(value)}, no boolean.", fix="set it to True or False.", code="setting_type")


def whole_number(least: int, most: int) -> Callable[[Any], int]:
    """Take an int between two bounds."""

    def check(value: Any) -> int:
        fix = f"set it to a whole number from {least} to {most}."
        if type(value) is not int:
            raise UsageError(f"is {shown(value)}, no whole number.", fix=fix, code="setting_type")
        if not least <= value <= most:
            raise UsageError(f"is {printable(value)}; expected {least} to {most}.", fix=fix, code="setting_range")
        return value

    return check


def duration(least: float, most: float) -> Callable[[Any], float]:
    """Take seconds or a timedelta between two bounds."""

    def check(value: Any) -> float:
        fix = f"set it to seconds from {least} to {most}, or to a timedelta."
        given = value.total_seconds() if isinstance(value, timedelta) else value
        if type(given) is not int and type(given) is not float:
            raise UsageError(f"is {shown(value)}, no duration.", fix=fix, code="setting_type")
        if not least <= given <= most:
            length = printable(given) if type(given) is int else f"{given:g}"
            problem = f"is {length} seconds; expected {least} to {most}."
            raise UsageError(problem, fix=fix, code="setting_range")
        return given

    return check


def text(value: Any) -> str:
    """Take a text that is not empty."""
    if type(value) is not str:
        raise UsageError(f"is {shown(value)}, no text.", fix="set it to a str.", code="setting_type")
    if not value:
        raise UsageError("is empty.", fix="leave it out where it is not wanted.", code="setting_type")
    return value


def names(value: Any) -> tuple[str, ...]:
    """Take a list of texts."""
    if isinstance(value, str):
        fix = f'write a list. {JSON} ["id", "email"].'
        raise UsageError("is one text, which would be a list of its characters.", fix=fix, code="setting_type")
    if not isinstance(value, list | tuple | set | frozenset) or not all(type(name) is str for name in value):
        raise UsageError(f"is {shown(value)}, no list of texts.", fix="set it to a list of str.", code="setting_type")
    return tuple(value)


def view(value: Any) -> str:
    """Take an endpoint, a path or an address."""
    if (
        text(value).startswith("//")
        or any(sign in value for sign in '#\\"<>')
        or not value.isprintable()
        or " " in value
    ):
        raise UsageError(
            "is neither an endpoint nor an address that could be redirected to.",
            fix="name an endpoint, write a path that begins with one '/', or a whole https:// address.",
            code="login_view",
        )
    return str(value)


def prefix(value: Any) -> str:
    """Take the beginning of our endpoints' paths."""
    if _PREFIX.fullmatch(text(value)) is None or "//" in value:
        raise UsageError(
            f"is {shown(value)}, no path that addresses could begin with.",
            fix="write '/auth' for example, with one '/' before it and none behind it; '/' for none at all.",
            code="auth_prefix",
        )
    return str(value)


def address(value: Any) -> str:
    """Take a whole address of our own: what a provider knows to send people back to."""
    if not _is_address(text(value)) or any(sign in value for sign in "?#"):
        raise UsageError(
            "is no whole address without query.",
            fix="write what is registered with the provider: https://app.example.com/auth/callback, for example.",
            code="redirect_uri",
        )
    return str(value)


def place(value: Any) -> str:
    """Take a path of the application, or a whole address."""
    is_path = text(value)[0] == "/" and value[1:2] != "/" and _is_plain(value)
    if not is_path and not _is_address(value):
        raise UsageError(
            "is neither a path nor a whole address.",
            fix="write a path that begins with one '/', or a whole https:// address.",
            code="return_to",
        )
    return str(value)


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and not any(sign in value for sign in ' \\"<>')


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        named = parts.hostname or ""
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(named))
    return is_safe and bool(named) and "@" not in parts.netloc and _is_plain(value)


def one_of(*words: str) -> Callable[[Any], str]:
    """Take one of some words."""

    def check(value: Any) -> str:
        if type(value) is not str or value not in words:
            listed = " or ".join(map(repr, words))
            raise UsageError(f"is {shown(value)}.", fix=f"set it to {listed}.", code="setting_choice")
        return value

    return check


def coordinator(value: Any) -> str:
    """Take the URL of a coordinator. It may hold a password: it is never quoted."""
    if text(value).partition(":")[0] not in ("sqlite", "memory", "redis", "rediss", "unix") or ":" not in value:
        raise UsageError(
            "is not the URL of a coordinator.",
            fix="use sqlite:, sqlite:///name.db, memory:, redis://host, rediss://host or unix://path.",
            code="coordinator_url",
        )
    return str(value)


def or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Take None as well."""
    return lambda value: None if value is None else check(value)


_PREFIX = re.compile(r"/(?:[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?")

_YEARS = 100 * 365 * 86_400

SETTINGS: Mapping[str, tuple[Any, Callable[[Any], Any]]] = {
    "MAX_COOKIE_BYTES": (MAX_COOKIE_BYTES, whole_number(256, 4096)),
    "SIZE_WARN_BYTES": (SIZE_WARN_BYTES, whole_number(1, 4096)),
    "USER_FIELDS": (None, or_none(names)),
    "ABSOLUTE_LIFETIME": (None, or_none(duration(1, _YEARS))),
    "REFRESH_EARLY": (60, duration(0, 86_400)),
    "REFRESH_TIMEOUT": (5, duration(0.1, 60)),
    "REFRESH_GRACE": (300, duration(0, 86_400)),
    "CLOCK_SKEW": (10, duration(0, 300)),
    "VERIFY_ACCESS_TOKEN": (True, boolean),
    "COORDINATOR_URL": (DEFAULT_COORDINATOR, coordinator),
    "CHECK_REVOCATION": ("refresh", one_of("refresh", "always")),
    "LOGIN_VIEW": (None, or_none(view)),
    "REQUIRE_LOGIN": (False, boolean),
    "AUTH_PREFIX": (None, or_none(prefix)),
    "REDIRECT_URI": (None, or_none(text)),  # of a preset's variable that nobody may use: judged where it is used
    "LOGOUT_RETURN_TO": (None, or_none(place)),
    "ACCESS_TOKEN_COOKIE": (None, or_none(text)),
}
"""Default and check of every setting but the passwords and the cookie's own, which are judged together."""


def shown(value: Any) -> str:
    """Return a short text as it is, and of anything else its type."""
    return f"the text {value!r}" if type(value) is str and len(value) <= 40 else kind(value)


def kind(value: Any) -> str:
    """Return the type of a value, as the rest of a sentence."""
    return "None" if value is None else f"of type {type(value).__name__}"
