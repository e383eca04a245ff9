"""The configuration: ``SEALED_SESSION_*`` becomes one frozen ``Config``, or one error with everything that is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from sealed_session import ConfigError, KeyRing, Problem, UsageError, generate_password
from sealed_session.cookie import CookiePolicy
from sealed_session.cookie import check as cookie_problems
from sealed_session.keyring import repetitions
from sealed_session.passwords import derive_root

from .presets import NOTHING, Preset
from .settings import JSON, SETTINGS, address, kind

PREFIX = "SEALED_SESSION_"

EAGER_SECONDS = 30
"""How long the eager access token cookie lives. Long enough for the page that carries it to start its script."""

AUTH_BLUEPRINT = "sealed_session_auth"
"""Whose endpoints signing in and out are, where AUTH_PREFIX is set."""

_GENERATE = "run `sealed-session generate-password`."


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
    auth_prefix: str | None
    redirect_uri: str | None
    logout_return_to: str | None
    eager: CookiePolicy | None


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
_KEYS = {name: key for key, name in COOKIE_SETTINGS.items()}
KNOWN = frozenset({"PASSWORD", "PASSWORD_FALLBACKS", *SETTINGS, *COOKIE_SETTINGS})


def read(
    settings: Mapping[str, Any],
    *,
    has_trimmer: bool = False,
    can_sign_in: bool = True,
    is_sealing: bool = True,
    preset: Preset = NOTHING,
) -> Config:
    """Read and judge an application's configuration.

    Args:
        settings: ``app.config``.
        has_trimmer: Whether a ``user_trimmer`` is registered.
        can_sign_in: Whether the provider can sign people in.
        is_sealing: Whether a cookie is sealed. Without it, and without our endpoints, no password is needed.
        preset: What the provider brings. ``app.config`` goes before it.

    Raises:
        ConfigError: Everything that is wrong, each with setting, problem, fix and code.
    """
    reader = _Reader(settings, preset)
    ring = reader.ring(is_needed=is_sealing or reader.settings.get(PREFIX + "AUTH_PREFIX") is not None)
    values = reader.values()
    cookie = reader.cookie()
    eager = reader.eager(cookie, values.pop("access_token_cookie"))
    reader.strangers()
    if has_trimmer and values["user_fields"] is not None:
        reader.found("USER_FIELDS", "there is a user_trimmer as well.", "keep one of them.", code="two_trimmers")
    reader.signing_in(values, can_sign_in)
    reader.of_preset()
    if reader.problems or ring is None or cookie is None:
        raise ConfigError("SealedSession", reader.problems)
    return Config(ring=ring, cookie=cookie, eager=eager, **values)


class _Reader:
    """Goes through the settings and collects what is wrong."""

    def __init__(self, settings: Mapping[str, Any], preset: Preset) -> None:
        self.settings = {**{PREFIX + name: value for name, value in preset.values.items()}, **settings}
        self.own = settings
        self.preset = preset
        self.problems: list[Problem] = []

    def found(self, key: str, problem: str, fix: str, *, code: str) -> None:
        self.problems.append(Problem(self.label(key), problem, fix, code))

    def label(self, key: str) -> str:
        """Return where a setting stands: in a variable of the provider's, or under its own name."""
        is_there = key in self.preset.present and PREFIX + key not in self.own
        return self.preset.variables[key] if is_there else PREFIX + key

    def label_of_field(self, name: str) -> str:
        """Return the same of a field of the cookie policy."""
        key = _KEYS.get(name)
        return name if key is None else self.label(key)

    def of_preset(self) -> None:
        """Add what the provider finds, but for variables that the application's own settings go before."""
        beaten = {variable for key, variable in self.preset.variables.items() if PREFIX + key in self.own}
        self.problems += [problem for problem in self.preset.problems if problem.setting not in beaten]

    def values(self) -> dict[str, Any]:
        values = {}
        for key, (default, check) in SETTINGS.items():
            try:
                values[key.lower()] = check(self.settings.get(PREFIX + key, default))
            except UsageError as error:
                self.found(key, error.problem, error.fix, code=error.code)
                values[key.lower()] = default
        return values

    def ring(self, *, is_needed: bool) -> KeyRing | None:
        password = self.settings.get(PREFIX + "PASSWORD")
        if password in (None, "") and not is_needed:
            return KeyRing(generate_password())  # with which nothing is ever sealed
        fallbacks = self.settings.get(PREFIX + "PASSWORD_FALLBACKS", [])
        before = len(self.problems)
        if password is None or password == "":
            also = self.preset.variables.get("PASSWORD")
            self.found("PASSWORD", "is missing.", _set_password(also), code="password_missing")
        else:
            self._derive("PASSWORD", "", password)
        if not isinstance(fallbacks, list | tuple):
            problem = f"is {kind(fallbacks)}, no list; a text would be one password per character."
            fix = f'write [old_password]. {JSON} ["ssk1_..."].'
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
            fix = _lower(error.fix) or f"{_GENERATE} {JSON} digits alone are a number."
            self.found(key, f"{which}{problem}", fix, code=error.code)

    def _ring(self, password: Any, fallbacks: Any) -> KeyRing | None:
        again = list(repetitions([derive_root(one) for one in (password, *fallbacks)]))
        for error in again:
            self.found("PASSWORD_FALLBACKS", error.problem, _lower(error.fix), code=str(error.code))
        return None if again else KeyRing(password, fallbacks)

    def cookie(self) -> CookiePolicy | None:
        given = {
            name: self.settings[PREFIX + key] for key, name in COOKIE_SETTINGS.items() if PREFIX + key in self.settings
        }
        problems = cookie_problems(given, label=self.label_of_field)
        self.problems += [problem._replace(setting=self.label_of_field(problem.setting)) for problem in problems]
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
        for problem in cookie_problems({"name": name, "secure": secure, "http_only": False}, label=self.label_of_field):
            if problem.setting == "name":
                self.found("ACCESS_TOKEN_COOKIE", problem.problem, "choose another name.", code=problem.code)
        if cookie is None or len(self.problems) > before:
            return None
        if name in (cookie.name, *cookie.previous_names, self.settings.get("SESSION_COOKIE_NAME", "session")):
            self.found("ACCESS_TOKEN_COOKIE", "is the name of another cookie.", "choose another.", code="name_taken")
        return replace(
            cookie, name=name, previous_names=(), domain=None, path="/", max_age=EAGER_SECONDS, http_only=False
        )

    def signing_in(self, values: dict[str, Any], can_sign_in: bool) -> None:
        """Judge what our own endpoints need, and let them be the login view where there is no other."""
        prefix, uri = values["auth_prefix"], values["redirect_uri"]
        if prefix is None:
            return
        values["login_view"] = values["login_view"] or f"{AUTH_BLUEPRINT}.login"
        callback = f"{prefix.rstrip('/')}/callback"
        if not can_sign_in:
            problem = "is set, and there is no provider that could sign anybody in."
            fix = "give SealedSession a provider with pages, OAuth2 for example, or remove it."
            self.found("AUTH_PREFIX", problem, fix, code="no_sign_in")
            return
        try:
            address(uri or "https://localhost" + callback)
        except UsageError as error:
            self.found("REDIRECT_URI", error.problem, error.fix, code=error.code)
            return
        if uri is not None and not uri.endswith(callback):
            problem = f"does not end with {callback!r}, where AUTH_PREFIX has the callback."
            fix = "let AUTH_PREFIX be what stands before '/callback' in it; '/' where nothing does."
            self.found("REDIRECT_URI", problem, fix, code="redirect_uri_path")

    def strangers(self) -> None:
        for key in self.settings:
            name = key.removeprefix(PREFIX)
            if key == PREFIX.rstrip("_"):
                fix = "write SEALED_SESSION_PASSWORD with single underscores, for example."
                self.problems.append(Problem(key, "is no setting by itself.", fix, "unknown_setting"))
            elif key.startswith(PREFIX) and name not in KNOWN:
                if name in ("COOKIE_HTTPONLY", "COOKIE_HTTP_ONLY"):
                    self.found(name, "is no setting.", "remove it: HttpOnly is always on.", code="unknown_setting")
                    continue
                near = get_close_matches(name, KNOWN, 1)
                fix = (
                    f"did you mean {PREFIX}{near[0]}?"
                    if near
                    else "remove it; docs/configuration.md has every setting."
                )
                self.found(name, "is no setting of this release.", fix, code="unknown_setting")


def _set_password(also: str | None) -> str:
    key = PREFIX + "PASSWORD"
    if f"FLASK_{key}" in os.environ:
        return f"the environment has FLASK_{key}; call `app.config.from_prefixed_env()` before `init_app`."
    if key in os.environ:
        return f"the environment has {key}; Flask reads FLASK_{key}, by `app.config.from_prefixed_env()`."
    or_there = "" if also is None else f", or as {also}"
    return (
        f"set the one you have, in the environment as FLASK_{key} with `app.config.from_prefixed_env()`{or_there}; for "
        f"a first one {_GENERATE}"
    )


def _lower(fix: str) -> str:
    return fix[:1].lower() + fix[1:]
