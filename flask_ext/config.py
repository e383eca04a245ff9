"""The configuration: ``SEALED_SESSION_*`` becomes one frozen ``Config``, or one error with everything that is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from sealed_session import ConfigError, KeyRing, Problem, UsageError
from sealed_session.cookie import CookiePolicy
from sealed_session.cookie import check as cookie_problems
from sealed_session.passwords import derive_root
from sealed_session.sealer import MAX_COOKIE_BYTES, SIZE_WARN_BYTES

PREFIX = "SEALED_SESSION_"

EAGER_SECONDS = 30
"""How long the eager access token cookie lives. Long enough for the page that carries it to start its script."""

_GENERATE = "run `sealed-session generate-password`."
_JSON = "Environment variables are texts, which `app.config.from_prefixed_env()` reads as JSON:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one application is set to. Durations are seconds.

    Attributes:
        ring: PASSWORD and PASSWORD_FALLBACKS.
        cookie: COOKIE_*.
        eager: The policy of ACCESS_TOKEN_COOKIE.
    """

    ring: KeyRing
    cookie: CookiePolicy
    max_cookie_bytes: int
    size_warn_bytes: int
    user_fields: tuple[str, ...] | None
    absolute_lifetime: float | None
    refresh_early: float
    refresh_timeout: float
    refresh_grace: float
    clock_skew: float
    verify_access_token: bool
    coordinator_url: str = field(repr=False)
    check_revocation: str
    login_view: str | None
    require_login: bool
    eager: CookiePolicy | None


def boolean(value: Any) -> bool:
    """Take True or False."""
    if type(value) is bool:
        return value
    if isinstance(value, str):
        fix = f"set it to True or False. {_JSON} true or false."
        raise UsageError(f"is {_shown(value)}, no boolean.", fix=fix, code="boolean_as_text")
    raise UsageError(f"is {_shown(value)}, no boolean.", fix="set it to True or False.", code="setting_type")


def whole_number(least: int, most: int) -> Callable[[Any], int]:
    """Take an int between two bounds."""

    def check(value: Any) -> int:
        fix = f"set it to a whole number from {least} to {most}."
        if type(value) is not int:
            raise UsageError(f"is {_shown(value)}, no whole number.", fix=fix, code="setting_type")
        if not least <= value <= most:
            raise UsageError(f"is {value}; expected {least} to {most}.", fix=fix, code="setting_range")
        return value

    return check


def duration(least: float, most: float) -> Callable[[Any], float]:
    """Take seconds or a timedelta between two bounds."""

    def check(value: Any) -> float:
        fix = f"set it to seconds from {least} to {most}, or to a timedelta."
        given = value.total_seconds() if isinstance(value, timedelta) else value
        if type(given) is not int and type(given) is not float:
            raise UsageError(f"is {_shown(value)}, no duration.", fix=fix, code="setting_type")
        if not least <= given <= most:
            raise UsageError(f"is {given:g} seconds; expected {least} to {most}.", fix=fix, code="setting_range")
        return given

    return check


def text(value: Any) -> str:
    """Take a text that is not empty."""
    if type(value) is not str or not value:
        raise UsageError(f"is {_shown(value)}, no text.", fix="set it to a str.", code="setting_type")
    return value


def names(value: Any) -> tuple[str, ...]:
    """Take a list of texts."""
    if isinstance(value, str):
        fix = f'write a list. {_JSON} ["id", "email"].'
        raise UsageError("is one text, which would be a list of its characters.", fix=fix, code="setting_type")
    if not isinstance(value, list | tuple | set | frozenset) or not all(type(name) is str for name in value):
        raise UsageError(f"is {_shown(value)}, no list of texts.", fix="set it to a list of str.", code="setting_type")
    return tuple(value)


def one_of(*words: str) -> Callable[[Any], str]:
    """Take one of some words."""

    def check(value: Any) -> str:
        if type(value) is not str or value not in words:
            listed = " or ".join(map(repr, words))
            raise UsageError(f"is {_shown(value)}.", fix=f"set it to {listed}.", code="setting_choice")
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
    "COORDINATOR_URL": ("sqlite:", coordinator),
    "CHECK_REVOCATION": ("refresh", one_of("refresh", "always")),
    "LOGIN_VIEW": (None, or_none(text)),
    "REQUIRE_LOGIN": (False, boolean),
    "ACCESS_TOKEN_COOKIE": (None, or_none(text)),
}
"""Default and check of every setting but the passwords and the cookie's own, which are judged together."""

COOKIE_SETTINGS = {
    "COOKIE_NAME": "name",
    "COOKIE_PREVIOUS_NAMES": "previous_names",
    "COOKIE_DOMAIN": "domain",
    "COOKIE_PATH": "path",
    "COOKIE_SECURE": "secure",
    "COOKIE_SAMESITE": "same_site",
    "COOKIE_PARTITIONED": "partitioned",
    "COOKIE_MAX_AGE": "max_age",
}
_KEYS = {name: PREFIX + key for key, name in COOKIE_SETTINGS.items()}
KNOWN = frozenset({"PASSWORD", "PASSWORD_FALLBACKS", *SETTINGS, *COOKIE_SETTINGS})


def read(settings: Mapping[str, Any], *, has_trimmer: bool = False) -> Config:
    """Read and judge an application's configuration.

    Args:
        settings: ``app.config``.
        has_trimmer: Whether a ``user_trimmer`` is registered.

    Raises:
        ConfigError: Everything that is wrong, each with setting, problem, fix and code.
    """
    reader = _Reader(settings)
    ring = reader.ring()
    values = reader.values()
    cookie = reader.cookie()
    eager = reader.eager(cookie, values.pop("access_token_cookie"))
    reader.strangers()
    if has_trimmer and values["user_fields"] is not None:
        reader.found("USER_FIELDS", "there is a user_trimmer as well.", "keep one of them.", code="two_trimmers")
    if reader.problems or ring is None or cookie is None:
        raise ConfigError("SealedSession", reader.problems)
    return Config(ring=ring, cookie=cookie, eager=eager, **values)


class _Reader:
    """Goes through the settings and collects what is wrong."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.problems: list[Problem] = []

    def found(self, key: str, problem: str, fix: str, *, code: str) -> None:
        self.problems.append(Problem(PREFIX + key, problem, fix, code))

    def values(self) -> dict[str, Any]:
        values = {}
        for key, (default, check) in SETTINGS.items():
            try:
                values[key.lower()] = check(self.settings.get(PREFIX + key, default))
            except UsageError as error:
                self.found(key, error.problem, error.fix, code=error.code)
                values[key.lower()] = default
        return values

    def ring(self) -> KeyRing | None:
        password = self.settings.get(PREFIX + "PASSWORD")
        fallbacks = self.settings.get(PREFIX + "PASSWORD_FALLBACKS", [])
        before = len(self.problems)
        if password is None or password == "":
            self.found("PASSWORD", "is missing.", _set_password(), code="password_missing")
        else:
            self._derive("PASSWORD", "", password)
        if not isinstance(fallbacks, list | tuple):
            problem = f"is {_kind(fallbacks)}, no list; a text would be one password per character."
            fix = f'write [old_password]. {_JSON} ["ssk1_..."].'
            self.found("PASSWORD_FALLBACKS", problem, fix, code="fallbacks_type")
            return None
        for position, fallback in enumerate(fallbacks, 1):
            self._derive("PASSWORD_FALLBACKS", f"fallback {position} ", fallback)
        return self._ring(password, fallbacks) if len(self.problems) == before else None

    def _derive(self, key: str, which: str, password: Any) -> None:
        try:
            derive_root(password)
        except UsageError as error:
            problem = error.problem.removeprefix("the password ")
            fix = _lower(error.fix) or f"{_GENERATE} {_JSON} digits alone are a number."
            self.found(key, f"{which}{problem}", fix, code=error.code)

    def _ring(self, password: Any, fallbacks: Any) -> KeyRing | None:
        try:
            return KeyRing(password, fallbacks)
        except UsageError as error:  # each is good by itself: two of them are the same
            self.found("PASSWORD_FALLBACKS", error.problem, _lower(error.fix), code=error.code)
            return None

    def cookie(self) -> CookiePolicy | None:
        given = {
            name: self.settings[PREFIX + key] for key, name in COOKIE_SETTINGS.items() if PREFIX + key in self.settings
        }
        problems = cookie_problems(given, label=_key_of_field)
        self.problems += [problem._replace(setting=_key_of_field(problem.setting)) for problem in problems]
        if problems:
            return None
        policy = CookiePolicy(**given)
        flasks = self.settings.get("SESSION_COOKIE_NAME", "session")
        if flasks in (policy.name, *policy.previous_names):
            self.found(
                "COOKIE_NAME" if flasks == policy.name else "COOKIE_PREVIOUS_NAMES",
                f"{flasks!r} is the name of Flask's own session cookie; each would overwrite the other.",
                "choose another name, or set SESSION_COOKIE_NAME.",
                code="name_of_flask_session",
            )
        return policy

    def eager(self, cookie: CookiePolicy | None, name: str | None) -> CookiePolicy | None:
        if name is None:
            return None
        before = len(self.problems)
        secure = self.settings.get(PREFIX + "COOKIE_SECURE", "auto")
        for problem in cookie_problems({"name": name, "secure": secure, "http_only": False}):
            if problem.setting == "name":
                self.found("ACCESS_TOKEN_COOKIE", problem.problem, "choose another name.", code=problem.code)
        if cookie is None or len(self.problems) > before:
            return None
        if name in (cookie.name, *cookie.previous_names, self.settings.get("SESSION_COOKIE_NAME", "session")):
            self.found("ACCESS_TOKEN_COOKIE", "is the name of another cookie.", "choose another.", code="name_taken")
        return replace(
            cookie, name=name, previous_names=(), domain=None, path="/", max_age=EAGER_SECONDS, http_only=False
        )

    def strangers(self) -> None:
        for key in self.settings:
            name = key.removeprefix(PREFIX)
            if key == PREFIX.rstrip("_"):
                fix = "write SEALED_SESSION_PASSWORD with single underscores, for example."
                self.found("", "is no setting by itself.", fix, code="unknown_setting")
            elif key.startswith(PREFIX) and name not in KNOWN:
                near = get_close_matches(name, KNOWN, 1)
                fix = (
                    f"did you mean {PREFIX}{near[0]}?"
                    if near
                    else "remove it; docs/configuration.md has every setting."
                )
                self.found(name, "is no setting of this release.", fix, code="unknown_setting")


def _key_of_field(name: str) -> str:
    return _KEYS.get(name, name)


def _set_password() -> str:
    if PREFIX + "PASSWORD" in os.environ:
        return (
            "the environment has SEALED_SESSION_PASSWORD; Flask reads FLASK_SEALED_SESSION_PASSWORD, by "
            "`app.config.from_prefixed_env()`."
        )
    return f"{_GENERATE[:-1]} and set it."


def _shown(value: Any) -> str:
    return f"the text {value!r}" if isinstance(value, str) and len(value) <= 40 else _kind(value)


def _kind(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _lower(fix: str) -> str:
    return fix[:1].lower() + fix[1:]
