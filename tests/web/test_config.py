"""The configuration: every key, every trap, all that is wrong at once, and no secret in what is said about it."""

from __future__ import annotations

import dataclasses
import re
from ast import literal_eval
from collections.abc import Callable, Mapping
from datetime import timedelta
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_ext import SealedSession
from flask_ext.config import KNOWN, PREFIX, Config, read
from sealed_session import ConfigError, Problem, UsageError, generate_password

PASSWORD, OLD, OLDER = generate_password(), generate_password(), generate_password()
DAY = 86_400
JSON = "Environment variables are texts, which `app.config.from_prefixed_env()` reads as JSON:"
EXACT = type("Text", (str,), {})
"""A str by another name, as Markup is one."""

DEFAULTS: dict[str, tuple[Callable[[Config], Any], Any]] = {
    "PASSWORD": (lambda config: len(config.ring), 1),
    "PASSWORD_FALLBACKS": (lambda config: len(config.ring) - 1, 0),
    "COOKIE_NAME": (lambda config: config.cookie.name, "sealed-session"),
    "COOKIE_PREVIOUS_NAMES": (lambda config: config.cookie.previous_names, ()),
    "COOKIE_DOMAIN": (lambda config: config.cookie.domain, None),
    "COOKIE_PATH": (lambda config: config.cookie.path, "/"),
    "COOKIE_SECURE": (lambda config: config.cookie.secure, "auto"),
    "COOKIE_SAMESITE": (lambda config: config.cookie.same_site, "Lax"),
    "COOKIE_PARTITIONED": (lambda config: config.cookie.partitioned, False),
    "COOKIE_MAX_AGE": (lambda config: config.cookie.max_age, 400 * DAY),
    "MAX_COOKIE_BYTES": (lambda config: config.max_cookie_bytes, 4093),
    "SIZE_WARN_BYTES": (lambda config: config.size_warn_bytes, 3500),
    "USER_FIELDS": (lambda config: config.user_fields, None),
    "ABSOLUTE_LIFETIME": (lambda config: config.absolute_lifetime, None),
    "REFRESH_EARLY": (lambda config: config.refresh_early, 60),
    "REFRESH_TIMEOUT": (lambda config: config.refresh_timeout, 5),
    "REFRESH_GRACE": (lambda config: config.refresh_grace, 300),
    "CLOCK_SKEW": (lambda config: config.clock_skew, 10),
    "VERIFY_ACCESS_TOKEN": (lambda config: config.verify_access_token, True),
    "COORDINATOR_URL": (lambda config: config.coordinator_url, "sqlite:"),
    "CHECK_REVOCATION": (lambda config: config.check_revocation, "refresh"),
    "LOGIN_VIEW": (lambda config: config.login_view, None),
    "REQUIRE_LOGIN": (lambda config: config.require_login, False),
    "AUTH_PREFIX": (lambda config: config.auth_prefix, None),
    "REDIRECT_URI": (lambda config: config.redirect_uri, None),
    "LOGOUT_RETURN_TO": (lambda config: config.logout_return_to, None),
    "ACCESS_TOKEN_COOKIE": (lambda config: config.eager, None),
}
"""The table of the design."""

WRONG: tuple[Any, ...] = ("", "False", "a,b", 5, -1, 10**9, 1.5, nan, True, None, [], [5], ["a", "a"], {}, b"x", "é")
"""Values of which every key refuses some."""

DURATIONS = {
    "ABSOLUTE_LIFETIME": (1, 100 * 365 * DAY),
    "REFRESH_EARLY": (0, DAY),
    "REFRESH_TIMEOUT": (0.1, 60),
    "REFRESH_GRACE": (0, DAY),
    "CLOCK_SKEW": (0, 300),
}
NUMBERS = {"MAX_COOKIE_BYTES": (256, 4096), "SIZE_WARN_BYTES": (1, 4096)}
BOOLEANS = ("VERIFY_ACCESS_TOKEN", "REQUIRE_LOGIN", "COOKIE_PARTITIONED", "COOKIE_SECURE")


def keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under their whole names."""
    return {PREFIX + key: value for key, value in values.items()}


def config(**values: Any) -> Config:
    """What an application with a good password and these settings is set to."""
    return read(keys({"PASSWORD": PASSWORD, **values}))


def refusal(**values: Any) -> ConfigError:
    """The error of settings that are refused."""
    with pytest.raises(ConfigError) as caught:
        config(**values)
    return caught.value


def problems(**values: Any) -> list[Problem]:
    """All that is wrong with settings, each setting without its prefix."""
    return [problem._replace(setting=problem.setting.removeprefix(PREFIX)) for problem in refusal(**values).problems]


def found_in(**values: Any) -> list[Problem]:
    """The same of settings that may be right."""
    try:
        config(**values)
    except ConfigError as error:
        return list(error.problems)
    return []


def only(**values: Any) -> Problem:
    """The one thing that is wrong."""
    (problem,) = problems(**values)
    return problem


def from_environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> Flask:
    """An application that has read the environment, as the quick start does."""
    for key, value in values.items():
        monkeypatch.setenv(f"FLASK_SEALED_SESSION_{key}", value)
    app = Flask("environment")
    app.config.from_prefixed_env()
    return app


def codes_of(app: Flask) -> list[tuple[str, str]]:
    """Setting and code of each problem that ``init_app`` finds."""
    with pytest.raises(ConfigError) as caught:
        SealedSession().init_app(app)
    return [(problem.setting, problem.code) for problem in caught.value.problems]


class TestDefaults:
    """What an application has that sets nothing but a password."""

    def test_the_keys_are_those_of_the_design(self) -> None:
        """Every one, and no other."""
        assert set(DEFAULTS) == KNOWN

    @pytest.mark.parametrize("key", DEFAULTS)
    def test_a_default(self, key: str) -> None:
        """As the table says."""
        of, expected = DEFAULTS[key]
        assert expected == of(config())

    @pytest.mark.parametrize("key", sorted(KNOWN - {"PASSWORD"}))
    def test_a_default_may_be_written_out(self, key: str) -> None:
        """It is a value like any other."""
        written = [] if key == "PASSWORD_FALLBACKS" else DEFAULTS[key][1]
        assert DEFAULTS[key][1] == DEFAULTS[key][0](config(**{key: written}))

    def test_a_config_does_not_change(self) -> None:
        """It is frozen."""
        with pytest.raises(dataclasses.FrozenInstanceError):
            config().require_login = True  # type: ignore[misc]

    def test_an_application_that_sets_nothing_needs_a_password(self) -> None:
        """The only key that has no default."""
        with pytest.raises(ConfigError) as caught:
            read({})
        assert "SealedSession: 1 configuration problem" == str(caught.value).splitlines()[0]
        assert [("SEALED_SESSION_PASSWORD", "is missing.", "password_missing")] == [
            (problem.setting, problem.problem, problem.code) for problem in caught.value.problems
        ]

    def test_the_configuration_of_others_is_not_looked_at(self) -> None:
        """Neither Flask's own keys nor those that only resemble ours."""
        others = {"SEALED_SESSIONS_X": 1, "SEALEDSESSION": 1, "MY_SEALED_SESSION_X": 1, "sealed_session_password": 1}
        found, plain = read({**Flask("other").config, **others, **keys({"PASSWORD": PASSWORD})}), config()
        assert plain == dataclasses.replace(found, ring=plain.ring)


class TestValues:
    """What is taken, and as what."""

    @pytest.mark.parametrize(
        ("key", "value", "expected"),
        [
            ("PASSWORD_FALLBACKS", [OLD], 1),
            ("PASSWORD_FALLBACKS", (OLD, OLDER), 2),
            ("COOKIE_NAME", "my.session", "my.session"),
            ("COOKIE_PREVIOUS_NAMES", ["old", "older"], ("old", "older")),
            ("COOKIE_DOMAIN", ".Example.com", "example.com"),
            ("COOKIE_PATH", "/app", "/app"),
            ("COOKIE_SECURE", True, True),
            ("COOKIE_SECURE", False, False),
            ("COOKIE_MAX_AGE", None, None),
            ("COOKIE_MAX_AGE", timedelta(days=400), 400 * DAY),
            ("COOKIE_MAX_AGE", 1, 1),
            ("USER_FIELDS", ["id", "email"], ("id", "email")),
            ("USER_FIELDS", ("id",), ("id",)),
            ("USER_FIELDS", frozenset({"id"}), ("id",)),
            ("USER_FIELDS", {"id"}, ("id",)),
            ("USER_FIELDS", [], ()),
            ("VERIFY_ACCESS_TOKEN", False, False),
            ("CHECK_REVOCATION", "always", "always"),
            ("COORDINATOR_URL", "sqlite:///sessions.db", "sqlite:///sessions.db"),
            ("COORDINATOR_URL", "sqlite:////var/lib/sessions.db", "sqlite:////var/lib/sessions.db"),
            ("COORDINATOR_URL", "memory:", "memory:"),
            ("COORDINATOR_URL", "redis://:p@h:6379/0", "redis://:p@h:6379/0"),
            ("COORDINATOR_URL", "rediss://h", "rediss://h"),
            ("COORDINATOR_URL", "unix:///run/redis.sock", "unix:///run/redis.sock"),
            ("LOGIN_VIEW", "auth.login", "auth.login"),
            ("LOGIN_VIEW", "/login?from=app", "/login?from=app"),
            ("LOGIN_VIEW", "https://id.example.com/in", "https://id.example.com/in"),
            ("REQUIRE_LOGIN", True, True),
            ("ABSOLUTE_LIFETIME", None, None),
        ],
    )
    def test_a_value(self, key: str, value: Any, expected: Any) -> None:
        """As it is given, or in the one form that the rest works with."""
        assert expected == DEFAULTS[key][0](config(**{key: value}))

    @pytest.mark.parametrize("key", DURATIONS)
    def test_durations_are_seconds_or_timedeltas(self, key: str) -> None:
        """Whole or not, up to the bounds and not beyond."""
        least, most = DURATIONS[key]
        of = DEFAULTS[key][0]
        for value in (least, most, float(least), float(most), 1.5):
            assert value == of(config(**{key: value}))
            assert value == of(config(**{key: timedelta(seconds=value)}))
        beyond = (least - 0.05, most + 0.05, -1, timedelta(seconds=-1), timedelta.max, nan, inf, -inf)
        assert ["setting_range"] * 8 == [only(**{key: value}).code for value in beyond]

    @pytest.mark.parametrize("key", DURATIONS)
    @pytest.mark.parametrize("value", [10**400, -(10**400), 10**5000], ids=["10**400", "-10**400", "10**5000"])
    def test_a_number_that_no_float_can_hold_is_out_of_range(self, key: str, value: int) -> None:
        """JSON from the environment has no bounds."""
        assert "setting_range" == only(**{key: value}).code

    @pytest.mark.parametrize("key", NUMBERS)
    def test_whole_numbers_have_bounds(self, key: str) -> None:
        """Both of which are taken."""
        least, most = NUMBERS[key]
        for value in (least, most):
            assert value == DEFAULTS[key][0](config(**{key: value}))
        for value in (least - 1, most + 1, -1, 10**400):
            assert "setting_range" == only(**{key: value}).code

    @pytest.mark.parametrize("key", [*NUMBERS, "COOKIE_MAX_AGE"])
    def test_a_number_too_long_to_write_is_out_of_range(self, key: str) -> None:
        """Python refuses to write more than 4300 digits, and the message does not try."""
        problem = only(**{key: 10**5000})
        assert problem.code in ("setting_range", "max_age_too_long")
        assert len(problem.problem) < 200

    @pytest.mark.parametrize("key", [*NUMBERS, *DURATIONS, "COOKIE_MAX_AGE"])
    @pytest.mark.parametrize("value", [True, False])
    def test_a_boolean_is_no_number(self, key: str, value: bool) -> None:
        """Although Python says so."""
        assert "setting_type" == only(**{key: value}).code

    @pytest.mark.parametrize("key", BOOLEANS)
    @pytest.mark.parametrize("value", [0, 1, 1.0, None, [], b"true"])
    def test_a_number_is_no_boolean(self, key: str, value: Any) -> None:
        """Nor is anything else but True and False."""
        assert "setting_type" == only(**{key: value}).code

    def test_a_number_that_is_not_whole_counts_no_bytes(self) -> None:
        """Not even when it happens to be."""
        assert "setting_type" == only(MAX_COOKIE_BYTES=4093.0).code
        assert "setting_type" == only(COOKIE_MAX_AGE=60.0).code

    def test_a_cookie_lives_400_days_at_most(self) -> None:
        """By seconds and by timedelta."""
        assert "max_age_too_long" == only(COOKIE_MAX_AGE=400 * DAY + 1).code
        assert "max_age_too_long" == only(COOKIE_MAX_AGE=timedelta(days=401)).code

    @pytest.mark.row("WO-4")
    @pytest.mark.parametrize(("value", "expected"), [("Lax", "Lax"), ("strict", "Strict"), ("LAX", "Lax")])
    def test_WO_4_same_site_is_lax_or_strict(self, value: str, expected: str) -> None:  # noqa: N802
        """In any case of letters; Lax when nothing is said."""
        assert expected == config(COOKIE_SAMESITE=value).cookie.same_site
        assert "Lax" == config().cookie.same_site

    @pytest.mark.row("WO-4")
    @pytest.mark.parametrize("value", ["None", "none", "NONE"])
    @pytest.mark.parametrize("secure", ["auto", False])
    def test_WO_4_same_site_none_needs_secure(self, value: str, secure: Any) -> None:  # noqa: N802
        """Refused at start-up: ``auto`` may not be Secure one day. With Secure it is taken."""
        app = Flask("none")
        app.config.update(keys({"PASSWORD": PASSWORD, "COOKIE_SAMESITE": value, "COOKIE_SECURE": secure}))
        assert [("SEALED_SESSION_COOKIE_SAMESITE", "samesite_none_insecure")] == codes_of(app)
        assert "None" == config(COOKIE_SAMESITE=value, COOKIE_SECURE=True).cookie.same_site


class TestMessages:
    """What is said about what is wrong."""

    def test_the_rendering(self) -> None:
        """Every problem with its setting, what is wrong, a fix and a code."""
        secure = "SEALED_SESSION_COOKIE_SECURE"
        expected = f"""\
SealedSession: 3 configuration problems
  1. SEALED_SESSION_PASSWORD: is 7 characters long; at least 32 are needed.
     Fix: run `sealed-session generate-password`.   [password_short]
  2. SEALED_SESSION_COOKIE_DOMAIN: 'co.uk' is a public suffix; browsers drop the cookie.
     Fix: use your registered name, for example 'example.co.uk'.   [domain_is_public_suffix]
  3. SEALED_SESSION_COOKIE_SAMESITE: is 'None' but {secure} is not True; browsers drop such a cookie.
     Fix: set {secure} = True, or use SameSite 'Lax'.   [samesite_none_insecure]"""
        assert expected == str(refusal(PASSWORD="hunter2", COOKIE_SAMESITE="None", COOKIE_DOMAIN="co.uk"))

    @pytest.mark.parametrize(
        ("key", "value", "problem", "fix", "code"),
        [
            (
                "REQUIRE_LOGIN",
                "False",
                "is the text 'False', no boolean.",
                f"set it to True or False. {JSON} true or false.",
                "boolean_as_text",
            ),
            ("REQUIRE_LOGIN", 1, "is of type int, no boolean.", "set it to True or False.", "setting_type"),
            ("REQUIRE_LOGIN", "x" * 41, "is of type str, no boolean.", None, "boolean_as_text"),
            ("REQUIRE_LOGIN", None, "is None, no boolean.", "set it to True or False.", "setting_type"),
            (
                "COOKIE_SECURE",
                "False",
                "is the text 'False'; expected True, False or 'auto'.",
                "write True or False without quotes; true or false in an environment variable that is read as JSON.",
                "boolean_as_text",
            ),
            (
                "MAX_COOKIE_BYTES",
                "4093",
                "is the text '4093', no whole number.",
                "set it to a whole number from 256 to 4096.",
                "setting_type",
            ),
            (
                "MAX_COOKIE_BYTES",
                5000,
                "is 5000; expected 256 to 4096.",
                "set it to a whole number from 256 to 4096.",
                "setting_range",
            ),
            (
                "REFRESH_EARLY",
                "1m",
                "is the text '1m', no duration.",
                "set it to seconds from 0 to 86400, or to a timedelta.",
                "setting_type",
            ),
            (
                "REFRESH_TIMEOUT",
                timedelta(minutes=2),
                "is 120 seconds; expected 0.1 to 60.",
                "set it to seconds from 0.1 to 60, or to a timedelta.",
                "setting_range",
            ),
            ("CLOCK_SKEW", nan, "is nan seconds; expected 0 to 300.", None, "setting_range"),
            ("CLOCK_SKEW", None, "is None, no duration.", None, "setting_type"),
            (
                "USER_FIELDS",
                "id,email",
                "is one text, which would be a list of its characters.",
                f'write a list. {JSON} ["id", "email"].',
                "setting_type",
            ),
            ("USER_FIELDS", {"id": 1}, "is of type dict, no list of texts.", None, "setting_type"),
            ("USER_FIELDS", 5, "is of type int, no list of texts.", "set it to a list of str.", "setting_type"),
            ("CHECK_REVOCATION", "never", "is the text 'never'.", "set it to 'refresh' or 'always'.", "setting_choice"),
            ("CHECK_REVOCATION", None, "is None.", "set it to 'refresh' or 'always'.", "setting_choice"),
            ("CHECK_REVOCATION", True, "is of type bool.", "set it to 'refresh' or 'always'.", "setting_choice"),
            ("LOGIN_VIEW", 5, "is of type int, no text.", "set it to a str.", "setting_type"),
            (
                "COORDINATOR_URL",
                "postgres://h",
                "is not the URL of a coordinator.",
                "use sqlite:, sqlite:///name.db, memory:, redis://host, rediss://host or unix://path.",
                "coordinator_url",
            ),
            (
                "AUTH_PREFIX",
                "auth",
                "is the text 'auth', no path that addresses could begin with.",
                "write '/auth' for example, with one '/' before it and none behind it; '/' for none at all.",
                "auth_prefix",
            ),
            ("AUTH_PREFIX", "/auth/", None, None, "auth_prefix"),
            ("AUTH_PREFIX", "/a//b", None, None, "auth_prefix"),
            ("AUTH_PREFIX", "/<name>", None, None, "auth_prefix"),
            ("AUTH_PREFIX", "/auth\n", None, None, "auth_prefix"),
            (
                "LOGOUT_RETURN_TO",
                "//evil.example",
                "is neither a path nor a whole address.",
                "write a path that begins with one '/', or a whole https:// address.",
                "return_to",
            ),
            ("LOGOUT_RETURN_TO", "bye", None, None, "return_to"),
            ("LOGOUT_RETURN_TO", "/\\evil.example", None, None, "return_to"),
            ("LOGOUT_RETURN_TO", "http://www.example.com/", None, None, "return_to"),
            ("COORDINATOR_URL", "redis", "is not the URL of a coordinator.", None, "coordinator_url"),
            ("COORDINATOR_URL", None, "is None, no text.", "set it to a str.", "setting_type"),
            (
                "PASSWORD_FALLBACKS",
                OLD,
                "is of type str, no list; a text would be one password per character.",
                f'write [old_password]. {JSON} ["ssk1_..."].',
                "fallbacks_type",
            ),
            ("PASSWORD_FALLBACKS", None, None, None, "fallbacks_type"),
            (
                "PASSWORD",
                123,
                "must be a str, got int.",
                f"run `sealed-session generate-password`. {JSON} digits alone are a number.",
                "password_type",
            ),
            ("PASSWORD", b"x" * 40, "must be a str, got bytes.", None, "password_type"),
            (
                "PASSWORD",
                f"'{OLD}'",
                "contains 'ssk1_' but is not a generated password: expected exactly 53 characters with a valid "
                "checksum, got 55.",
                "was it cut off, quoted, or copied with a line break?",
                "password_mistyped",
            ),
            (
                "COOKIE_NAME",
                "session",
                "'session' is the name of Flask's own session cookie; each would overwrite the other.",
                "choose another name, or set SESSION_COOKIE_NAME.",
                "name_of_flask_session",
            ),
            (
                "COOKIE_NAME",
                "__Host-s",
                "begins with __Host- but SEALED_SESSION_COOKIE_SECURE is not True; browsers drop such a cookie.",
                "set SEALED_SESSION_COOKIE_SECURE = True.",
                "prefix_needs_secure",
            ),
            (
                "COOKIE_PREVIOUS_NAMES",
                ["sealed-session"],
                "'sealed-session' is SEALED_SESSION_COOKIE_NAME itself.",
                "keep only former names.",
                "previous_name_current",
            ),
            ("COOKIE_SAMESITE", None, "is None; expected 'Lax', 'Strict' or 'None'.", None, "samesite_python_none"),
            ("COOKIE_DOMAIN", "https://example.com", "'https://example.com' is a URL.", None, "domain_is_url"),
            ("COOKIE_DOMAIN", "example.com:8000", None, None, "domain_with_port"),
            ("COOKIE_DOMAIN", "127.0.0.1", None, None, "domain_is_ip"),
            ("COOKIE_DOMAIN", "localhost", None, None, "domain_is_localhost"),
        ],
    )
    def test_a_message(self, key: str, value: Any, problem: str | None, fix: str | None, code: str) -> None:
        """A sentence that begins with the setting, and one that tells what to do."""
        found = only(**{key: value})
        assert (key, code) == (found.setting, found.code)
        assert problem in (None, found.problem)
        assert fix in (None, found.fix)

    def test_every_message_is_a_sentence_with_a_code_in_the_docs(self) -> None:
        """It goes on after the setting, ends, and its code has a heading in docs/errors.md."""
        headings = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
        for key in sorted(KNOWN):
            found = [problem for value in WRONG for problem in found_in(**{key: value})]
            assert found, key
            for setting, problem, fix, code in found:
                assert not problem[0].isupper(), (setting, problem)
                assert problem[-1] in ".|~", (setting, problem)
                assert "  " not in problem + fix
                assert fix[0].islower(), (setting, fix)
                assert fix[-1] in ".?", (setting, fix)
                assert re.fullmatch("[a-z]+(_[a-z]+)*", code)
                assert f"`{code}`" in headings, code

    @pytest.mark.parametrize("key", ["LOGIN_VIEW", "ACCESS_TOKEN_COOKIE", "COORDINATOR_URL"])
    def test_an_empty_text_is_called_empty(self, key: str) -> None:
        """``is the text '', no text`` is no sentence, and a str is what it is already."""
        problem = only(**{key: ""})
        assert "empty" in problem.problem
        assert "set it to a str." != problem.fix

    @pytest.mark.parametrize(("text", "expected"), [("old", ["old"]), ("a,b", ["a", "b"]), ("a, b", ["a", "b"])])
    def test_the_list_that_a_fix_writes_is_the_one_to_write(self, text: str, expected: list[str]) -> None:
        """Commas part names, as they stand in no name."""
        fix = only(COOKIE_PREVIOUS_NAMES=text).fix
        (written,) = re.findall(r"\[.*\]", fix)
        assert expected == literal_eval(written)

    @pytest.mark.parametrize("value", [["id", 5], ["id", None], [["id"]], [EXACT("id")], [b"id"]])
    def test_a_list_of_other_than_texts_is_refused(self, value: Any) -> None:
        """One that is no text is enough."""
        assert "setting_type" == only(USER_FIELDS=value).code


class TestAtOnce:
    """One error with everything."""

    def test_a_problem_of_every_key_comes_at_once(self) -> None:
        """Nobody starts an application twenty times to hear of twenty mistakes."""
        wrong = {key: object() for key in KNOWN}
        assert sorted([*KNOWN, "PASWORD"]) == sorted(problem.setting for problem in problems(**wrong, PASWORD="x"))

    def test_the_errors_facts(self) -> None:
        """Its own code, its owner and the problems."""
        error = refusal(REQUIRE_LOGIN="no", COOKIE_SAMESITE=None)
        assert ("config", "SealedSession", 2) == (error.code, error.owner, len(error.problems))

    def test_the_eager_cookie_is_judged_beside_a_session_cookie_that_is_wrong(self) -> None:
        """Its name is no name, whatever else is wrong."""
        found = problems(COOKIE_SAMESITE=None, ACCESS_TOKEN_COOKIE="a b")
        assert {"COOKIE_SAMESITE", "ACCESS_TOKEN_COOKIE"} == {problem.setting for problem in found}

    def test_every_fallback_is_named_by_its_position(self) -> None:
        """Each with what is wrong with it."""
        found = problems(PASSWORD_FALLBACKS=["short", OLD, 5, OLD + "x", "a" * 32])
        assert [
            ("PASSWORD_FALLBACKS", "fallback 1 is 5 characters long; at least 32 are needed.", "password_short"),
            ("PASSWORD_FALLBACKS", "fallback 3 must be a str, got int.", "password_type"),
            (
                "PASSWORD_FALLBACKS",
                "fallback 4 contains 'ssk1_' but is not a generated password: expected exactly 53 characters with a "
                "valid checksum, got 54.",
                "password_mistyped",
            ),
            (
                "PASSWORD_FALLBACKS",
                "fallback 5 has 1 different characters; at least 10 are needed.",
                "password_repetitive",
            ),
        ] == [(problem.setting, problem.problem, problem.code) for problem in found]

    def test_fallbacks_are_judged_beside_a_password_that_is_missing(self) -> None:
        """Both in one error."""
        assert [("PASSWORD", "password_missing"), ("PASSWORD_FALLBACKS", "password_short")] == [
            (problem.setting, problem.code) for problem in problems(PASSWORD=None, PASSWORD_FALLBACKS=["x"])
        ]

    def test_a_fallback_that_is_the_password(self) -> None:
        """What is wrong is said once, and what to do about it in the fix."""
        problem = only(PASSWORD_FALLBACKS=[OLD, PASSWORD])
        assert ("fallback 2 is the same as the password.", "remove it.", "fallback_is_password") == problem[1:]

    def test_a_fallback_that_is_there_twice(self) -> None:
        """Named with its first place."""
        problem = only(PASSWORD_FALLBACKS=[OLD, OLDER, OLD])
        assert ("fallback 3 is the same as fallback 1.", "remove it.", "fallback_duplicate") == problem[1:]

    def test_every_fallback_that_is_there_already_is_told(self) -> None:
        """Not one at every start."""
        found = problems(PASSWORD_FALLBACKS=[PASSWORD, OLD, OLD])
        assert ["fallback_is_password", "fallback_duplicate"] == [problem.code for problem in found]


class TestEnvironment:
    """``app.config.from_prefixed_env()``: texts that are read as JSON where they can be."""

    def test_a_good_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Everything that a deployment sets."""
        app = from_environment(
            monkeypatch,
            PASSWORD=PASSWORD,
            PASSWORD_FALLBACKS=f'["{OLD}"]',
            COOKIE_SECURE="true",
            COOKIE_MAX_AGE="null",
            COOKIE_PREVIOUS_NAMES='["wos-session"]',
            REFRESH_EARLY="30.5",
            USER_FIELDS='["id", "email"]',
            REQUIRE_LOGIN="true",
            LOGIN_VIEW="auth.login",
            COORDINATOR_URL="redis://cache:6379/0",
        )
        SealedSession().init_app(app)
        found: Config = app.extensions["sealed_session"].config
        assert (2, True, None, ("wos-session",), 30.5, ("id", "email"), True, "auth.login", "redis://cache:6379/0") == (
            len(found.ring),
            found.cookie.secure,
            found.cookie.max_age,
            found.cookie.previous_names,
            found.refresh_early,
            found.user_fields,
            found.require_login,
            found.login_view,
            found.coordinator_url,
        )

    @pytest.mark.parametrize(
        ("key", "text", "code", "repaired"),
        [
            ("REQUIRE_LOGIN", "False", "boolean_as_text", "false"),
            ("REQUIRE_LOGIN", "True", "boolean_as_text", "true"),
            ("REQUIRE_LOGIN", "0", "setting_type", "false"),
            ("REQUIRE_LOGIN", "yes", "boolean_as_text", "true"),
            ("REQUIRE_LOGIN", "null", "setting_type", "false"),
            ("VERIFY_ACCESS_TOKEN", "", "boolean_as_text", "true"),
            ("COOKIE_SECURE", "False", "boolean_as_text", "false"),
            ("COOKIE_SECURE", '"true"', "boolean_as_text", "true"),
            ("COOKIE_PARTITIONED", "no", "boolean_as_text", "false"),
            ("USER_FIELDS", "id,email", "setting_type", '["id", "email"]'),
            ("USER_FIELDS", "id", "setting_type", '["id"]'),
            ("USER_FIELDS", "['id']", "setting_type", '["id"]'),
            ("COOKIE_PREVIOUS_NAMES", "a,b", "previous_names_text", '["a", "b"]'),
            ("PASSWORD_FALLBACKS", f"{OLD},{OLDER}", "fallbacks_type", f'["{OLD}", "{OLDER}"]'),
            ("PASSWORD_FALLBACKS", OLD, "fallbacks_type", f'["{OLD}"]'),
            ("COOKIE_SAMESITE", "null", "samesite_python_none", "Lax"),
            ("COOKIE_MAX_AGE", "7 days", "max_age_text", "604800"),
            ("COOKIE_MAX_AGE", '"60"', "max_age_text", "60"),
            ("REFRESH_EARLY", "60s", "setting_type", "60"),
            ("REFRESH_EARLY", "NaN", "setting_range", "60"),
            ("REFRESH_EARLY", "Infinity", "setting_range", "60"),
            ("REFRESH_EARLY", "1e999", "setting_range", "60"),
            ("MAX_COOKIE_BYTES", "4093.0", "setting_type", "4093"),
            ("LOGIN_VIEW", "5", "setting_type", "login"),
            ("COOKIE_NAME", "5", "setting_type", "s5"),
            ("PASSWORD", "1234567890" * 4, "password_type", PASSWORD),
            ("PASSWORD", "true", "password_type", PASSWORD),
            ("PASSWORD", f'["{OLD}"]', "password_type", PASSWORD),
            ("PASSWORD", "null", "password_missing", PASSWORD),
            ("PASSWORD", "", "password_missing", PASSWORD),
            ("PASSWORD", f"{PASSWORD} ", "password_mistyped", PASSWORD),
        ],
    )
    def test_a_trap_and_the_way_out(
        self, monkeypatch: pytest.MonkeyPatch, key: str, text: str, code: str, repaired: str
    ) -> None:
        """What a deployment easily writes is refused, and what the fix says is taken."""
        values = {"PASSWORD": PASSWORD, key: text}
        assert [(PREFIX + key, code)] == codes_of(from_environment(monkeypatch, **values))
        SealedSession().init_app(from_environment(monkeypatch, **{**values, key: repaired}))

    def test_a_password_of_digits_in_quotes_is_a_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """JSON has a way to say so."""
        SealedSession().init_app(from_environment(monkeypatch, PASSWORD='"90517263840918273645019283746501928374"'))

    def test_two_underscores_make_a_dict_of_another_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """``FLASK_SEALED_SESSION__PASSWORD`` is ``SEALED_SESSION`` to Flask, and named so."""
        app = from_environment(monkeypatch, _PASSWORD=PASSWORD)
        assert {"PASSWORD": PASSWORD} == app.config["SEALED_SESSION"]
        assert [
            ("SEALED_SESSION_PASSWORD", "password_missing"),
            ("SEALED_SESSION", "unknown_setting"),
        ] == codes_of(app)

    def test_two_underscores_in_the_middle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """``COOKIE__NAME`` is a key ``COOKIE``, and no setting."""
        app = from_environment(monkeypatch, PASSWORD=PASSWORD, COOKIE__NAME="mine")
        assert [("SEALED_SESSION_COOKIE", "unknown_setting")] == codes_of(app)

    def test_two_underscores_in_the_passwords(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The password is a dict then."""
        assert [("SEALED_SESSION_PASSWORD", "password_type")] == codes_of(
            from_environment(monkeypatch, PASSWORD__FALLBACKS=f'["{OLD}"]')
        )

    def test_a_password_without_flasks_prefix_is_told_apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody who has set ``SEALED_SESSION_PASSWORD`` is told what Flask reads, and that works."""
        monkeypatch.setenv("SEALED_SESSION_PASSWORD", PASSWORD)
        problem = only(PASSWORD=None)
        assert "FLASK_SEALED_SESSION_PASSWORD" in problem.fix
        assert "app.config.from_prefixed_env()" in problem.fix
        assert PASSWORD not in problem.fix
        SealedSession().init_app(from_environment(monkeypatch, PASSWORD=PASSWORD))

    def test_a_password_that_is_nowhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where to set it, and the command that makes one."""
        monkeypatch.delenv("SEALED_SESSION_PASSWORD", raising=False)
        monkeypatch.delenv("FLASK_SEALED_SESSION_PASSWORD", raising=False)
        fix = only(PASSWORD="").fix
        assert "FLASK_SEALED_SESSION_PASSWORD" in fix
        assert fix.endswith("for a first one run `sealed-session generate-password`.")

    def test_a_password_that_the_application_does_not_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is there, and nobody asked for it: a new one would sign everybody out."""
        monkeypatch.setenv("FLASK_SEALED_SESSION_PASSWORD", PASSWORD)
        fix = only(PASSWORD=None).fix
        assert "call `app.config.from_prefixed_env()` before `init_app`" in fix
        assert "generate" not in fix


class TestUnknownKeys:
    """Keys with our prefix that are none."""

    @pytest.mark.parametrize(
        ("key", "near"),
        [
            ("PASWORD", "PASSWORD"),
            ("PASSWORDS", "PASSWORD"),
            ("FALLBACKS", "PASSWORD_FALLBACKS"),
            ("PASSWORD_FALLBACK", "PASSWORD_FALLBACKS"),
            ("COOKIE_NAMES", "COOKIE_NAME"),
            ("COOKIE_SAME_SITE", "COOKIE_SAMESITE"),
            ("SAMESITE", "COOKIE_SAMESITE"),
            ("COOKIE_MAXAGE", "COOKIE_MAX_AGE"),
            ("LOGIN_REQUIRED", "REQUIRE_LOGIN"),
            ("COORDINATOR", "COORDINATOR_URL"),
            ("login_view", None),
            ("XYZZY", None),
            ("", None),
        ],
    )
    def test_the_nearest_name(self, key: str, near: str | None) -> None:
        """Or none, where nothing is near."""
        problem = only(**{key: PASSWORD})
        expected = "remove it; docs/configuration.md has every setting." if near is None else f"{PREFIX}{near}?"
        assert (key, "is no setting of this release.", "unknown_setting") == (
            problem.setting,
            problem.problem,
            problem.code,
        )
        if key != "LOGIN_REQUIRED":  # several are about as near
            assert problem.fix.endswith(expected)

    def test_http_only_is_no_setting_and_resembles_none(self) -> None:
        """It is always on. To call it a mistyped Domain would lead astray."""
        assert "COOKIE_DOMAIN" not in only(COOKIE_HTTPONLY=True).fix

    def test_every_stranger_is_told(self) -> None:
        """Beside what else is wrong."""
        found = problems(ONE=1, TWO=2, REQUIRE_LOGIN=1)
        assert ["REQUIRE_LOGIN", "ONE", "TWO"] == [problem.setting for problem in found]


class TestNames:
    """Cookies that would get into each other's way."""

    def test_flasks_own_cookie(self) -> None:
        """Either of the two may be called something else."""
        assert "name_of_flask_session" == only(COOKIE_NAME="session").code
        assert "session2" == config(COOKIE_NAME="session2").cookie.name
        renamed = read({**keys({"PASSWORD": PASSWORD, "COOKIE_NAME": "session"}), "SESSION_COOKIE_NAME": "flask"})
        assert "session" == renamed.cookie.name
        with pytest.raises(ConfigError, match="name_of_flask_session"):
            read({**keys({"PASSWORD": PASSWORD}), "SESSION_COOKIE_NAME": "sealed-session"})

    def test_flask_knows_the_name_of_its_own_cookie(self) -> None:
        """The default that is assumed is Flask's."""
        assert "session" == Flask("flask").config["SESSION_COOKIE_NAME"]

    @pytest.mark.parametrize("name", ["sealed-session", "old", "session"])
    def test_the_eager_cookies_name_is_not_taken(self, name: str) -> None:
        """Not by the session, a former name of it or Flask."""
        problem = only(ACCESS_TOKEN_COOKIE=name, COOKIE_PREVIOUS_NAMES=["old"])
        assert ("ACCESS_TOKEN_COOKIE", "name_taken") == (problem.setting, problem.code)

    def test_the_eager_cookies_name_is_not_that_of_flasks_renamed_cookie(self) -> None:
        """The setting counts, and the default name is free then."""
        values = keys({"PASSWORD": PASSWORD, "ACCESS_TOKEN_COOKIE": "flask"})
        with pytest.raises(ConfigError, match="name_taken"):
            read({**values, "SESSION_COOKIE_NAME": "flask"})
        eager = read({**values, "SEALED_SESSION_ACCESS_TOKEN_COOKIE": "session", "SESSION_COOKIE_NAME": "flask"}).eager
        assert eager is not None
        assert "session" == eager.name

    def test_the_eager_cookie(self) -> None:
        """As the session's, but for 30 seconds, for JavaScript, for this host alone and for every path."""
        values = {"COOKIE_DOMAIN": "example.com", "COOKIE_PATH": "/app", "COOKIE_SECURE": True}
        more = {"COOKIE_SAMESITE": "None", "COOKIE_PARTITIONED": True, "COOKIE_PREVIOUS_NAMES": ["old"]}
        found = config(ACCESS_TOKEN_COOKIE="workos-access-token", **values, **more)
        expected = dataclasses.replace(
            found.cookie,
            name="workos-access-token",
            domain=None,
            path="/",
            max_age=30,
            http_only=False,
            previous_names=(),
        )
        assert expected == found.eager

    @pytest.mark.parametrize(
        ("name", "secure", "expected"),
        [
            ("__Host-token", True, []),
            ("__Secure-token", True, []),
            ("__Host-token", "auto", ["prefix_needs_secure"]),
            ("__Secure-token", False, ["prefix_needs_secure"]),
            ("__Http-token", True, ["prefix_needs_http_only"]),
            ("__Host-Http-token", True, ["prefix_needs_http_only"]),
            ("__host-http-token", "auto", ["prefix_needs_secure", "prefix_needs_http_only"]),
            ("a b", True, ["bad_name"]),
            ("é", True, ["bad_name"]),
            ("a" * 256, True, ["bad_name"]),
        ],
    )
    def test_prefixes_of_the_eager_cookie(self, name: str, secure: Any, expected: list[str]) -> None:
        """One that JavaScript reads cannot promise that it does not."""
        values = {"ACCESS_TOKEN_COOKIE": name, "COOKIE_SECURE": secure}
        if not expected:
            assert config(**values).eager is not None
            return
        found = problems(**values)
        assert [("ACCESS_TOKEN_COOKIE", code) for code in expected] == [(each.setting, each.code) for each in found]

    def test_what_is_wrong_with_the_session_cookie_is_not_told_twice(self) -> None:
        """The eager cookie has its attributes; only its name is its own."""
        assert "COOKIE_SECURE" == only(COOKIE_SECURE="False", ACCESS_TOKEN_COOKIE="token").setting

    def test_the_eager_cookies_problems_name_settings(self) -> None:
        """A reader knows ``SEALED_SESSION_COOKIE_SECURE``, and no ``secure``."""
        assert "SEALED_SESSION_COOKIE_SECURE" in only(ACCESS_TOKEN_COOKIE="__Host-token").problem

    def test_a_prefix_of_the_session_with_a_domain_and_a_path(self) -> None:
        """Every part of it, by the names of the settings; and the fixes fix it."""
        values = {"COOKIE_NAME": "__Host-s", "COOKIE_DOMAIN": "example.com", "COOKIE_PATH": "/app"}
        assert ["prefix_needs_secure", "prefix_needs_no_domain", "prefix_needs_root_path"] == [
            problem.code for problem in problems(**values)
        ]
        assert "SEALED_SESSION_COOKIE_DOMAIN" in problems(**values)[1].fix
        fixed = config(COOKIE_NAME="__Host-s", COOKIE_SECURE=True, COOKIE_DOMAIN=None, COOKIE_PATH="/")
        assert "__Host-s" == fixed.cookie.name
        other = config(**{**values, "COOKIE_NAME": "__Secure-s", "COOKIE_SECURE": True})
        assert "example.com" == other.cookie.domain


class TestTrimmers:
    """USER_FIELDS and ``user_trimmer`` do the same."""

    def test_a_trimmer_first(self) -> None:
        """``init_app`` refuses the setting, with its other problems."""
        auth = SealedSession()
        auth.user_trimmer(lambda user: user)
        app = Flask("trimmer")
        app.config.update(keys({"PASSWORD": PASSWORD, "USER_FIELDS": ["id"], "REQUIRE_LOGIN": "x"}))
        with pytest.raises(ConfigError) as caught:
            auth.init_app(app)
        assert [
            ("SEALED_SESSION_REQUIRE_LOGIN", "boolean_as_text"),
            ("SEALED_SESSION_USER_FIELDS", "two_trimmers"),
        ] == [(problem.setting, problem.code) for problem in caught.value.problems]
        assert "sealed_session" not in app.extensions

    def test_the_setting_first(self) -> None:
        """Registering the function is refused."""
        auth = SealedSession()
        app = Flask("fields")
        app.config.update(keys({"PASSWORD": PASSWORD, "USER_FIELDS": []}))
        auth.init_app(app)
        with pytest.raises(UsageError, match="SEALED_SESSION_USER_FIELDS") as caught:
            auth.user_trimmer(lambda user: user)
        assert "two_trimmers" == caught.value.code

    def test_a_refused_application_leaves_nothing_behind(self) -> None:
        """Its USER_FIELDS do not count for the next."""
        auth = SealedSession()
        app = Flask("refused")
        app.config.update(keys({"USER_FIELDS": ["id"]}))
        assert [("SEALED_SESSION_PASSWORD", "password_missing")] == codes_of(app)
        with pytest.raises(ConfigError):
            auth.init_app(app)
        auth.user_trimmer(lambda user: user)

    @pytest.mark.parametrize("fixed", [{"USER_FIELDS": None}, {}])
    def test_the_fix_fixes_it(self, fixed: dict[str, Any]) -> None:
        """Keep one: a trimmer with USER_FIELDS of None or left out is taken."""
        assert read(keys({"PASSWORD": PASSWORD, **fixed}), has_trimmer=True).user_fields is None


SECRET = "hush-hush-hush"
"""In every secret below, and in no message."""


class TestSecrets:
    """No password is shown, whatever is wrong with it."""

    @pytest.mark.parametrize(
        "values",
        [
            {"PASSWORD": SECRET},
            {"PASSWORD": f"ssk1_{SECRET}"},
            {"PASSWORD": f" {SECRET} and a few more characters to be long enough"},
            {"PASSWORD": SECRET * 3},
            {"PASSWORD": SECRET * 100},
            {"PASSWORD": f"{SECRET}\x00 and a few more characters to be long enough"},
            {"PASSWORD": [SECRET]},
            {"PASSWORD": {SECRET: SECRET}},
            {"PASSWORD": SECRET.encode()},
            {"PASSWORD": EXACT(SECRET)},
            {"PASSWORD": bytearray(SECRET.encode())},
            {"PASSWORD_FALLBACKS": SECRET},
            {"PASSWORD_FALLBACKS": SECRET.encode()},
            {"PASSWORD_FALLBACKS": {SECRET}},
            {"PASSWORD_FALLBACKS": {SECRET: 1}},
            {"PASSWORD_FALLBACKS": [SECRET, SECRET, SECRET.encode(), [SECRET], {SECRET: SECRET}]},
            {"PASSWORD_FALLBACKS": [f"ssk1_{SECRET}"]},
            {"PASSWORD": None, "PASSWORD_FALLBACKS": [f"{SECRET} and a few more characters to be long enough"]},
            {"PASSWORD_FALLBACKS": [f"{SECRET} with more characters, good ones"] * 2},
            {"COORDINATOR_URL": f"postgres://me:{SECRET}@h"},
            {"COORDINATOR_URL": f"{SECRET}:x"},
            {"COORDINATOR_URL": f"//:{SECRET}@h"},
            {"COORDINATOR_URL": f"redis:{SECRET}".encode()},
            {"COORDINATOR_URL": [f"redis://:{SECRET}@h"]},
            {"COORDINATOR_URL": EXACT(f"redis://:{SECRET}@h")},
            {"PASWORD": SECRET},
            {"PASSWORD": None, "SECRET": f"redis://:{SECRET}@h"},
            {"COORDINATOR": f"redis://:{SECRET}@h"},
        ],
    )
    def test_no_message_quotes_a_secret(self, values: dict[str, Any]) -> None:
        """Not the error, its repr, its facts or the errors it came from."""
        error: BaseException | None = refusal(**values)
        while error is not None:
            assert SECRET not in f"{error} {error!r} {error.args} {getattr(error, 'problems', '')}"
            error = error.__cause__ or error.__context__

    def test_a_nested_password_is_not_quoted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Under the name that two underscores made."""
        app = from_environment(monkeypatch, _PASSWORD=SECRET)
        with pytest.raises(ConfigError) as caught:
            SealedSession().init_app(app)
        assert SECRET not in str(caught.value)

    def test_a_config_shows_no_secret(self) -> None:
        """Nor does what ``init_app`` keeps."""
        app = Flask("repr")
        human = f"{SECRET} with more characters, good ones"
        url = f"redis://:{SECRET}@cache"
        app.config.update(keys({"PASSWORD": human, "PASSWORD_FALLBACKS": [OLD], "COORDINATOR_URL": url}))
        SealedSession().init_app(app)
        state = app.extensions["sealed_session"]
        assert url == state.config.coordinator_url
        for shown in (repr(state.config), str(state.config), repr(state), f"{state.config.ring}"):
            assert SECRET not in shown
            assert OLD not in shown


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), 10**5000, timedelta.max, timedelta.min, nan, inf, -0.0]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["auto", "Lax", "None", "/", "redis://h", "sqlite:", "always", "session", "__Host-a", "example.com"]
    ),
    st.binary(max_size=8),
    st.timedeltas(),
    st.sampled_from([object, object(), ..., NotImplemented, range(3), 1j, PASSWORD, OLD]),
)
ODDER = st.one_of(
    ODD,
    st.lists(ODD, max_size=3),
    st.lists(ODD, max_size=3).map(tuple),
    st.dictionaries(st.text(max_size=3), ODD, max_size=2),
    st.frozensets(st.text(max_size=3), max_size=2),
)


class TestAnything:
    """Whatever stands in the settings."""

    @settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
    @given(values=st.dictionaries(st.sampled_from([*sorted(KNOWN), "ODD"]), ODDER, max_size=6))
    def test_any_settings_give_a_config_or_a_config_error(self, values: dict[str, Any]) -> None:
        """Never anything else; and with a config, an application."""
        app = Flask("any", static_folder=None)
        app.config.update(keys({"PASSWORD": PASSWORD, **values}))
        try:
            SealedSession().init_app(app)
        except ConfigError as error:
            assert error.problems
            assert str(error).encode()
        else:
            assert isinstance(app.extensions["sealed_session"].config, Config)

    @pytest.mark.parametrize("key", sorted(KNOWN))
    @pytest.mark.parametrize(
        "value",
        [*WRONG, object(), timedelta.max, EXACT("x"), "\ud800", ["\ud800"], range(3)],
        ids=repr,
    )
    def test_any_value_of_any_key(self, key: str, value: Any) -> None:
        """The same, one by one, so that a failure is named."""
        app = Flask("any", static_folder=None)
        app.config.update(keys({"PASSWORD": PASSWORD, key: value}))
        try:
            SealedSession().init_app(app)
        except ConfigError as error:
            assert PREFIX + key in {problem.setting for problem in error.problems}
            assert str(error).encode()


class TestSigningIn:
    """AUTH_PREFIX and what goes with it."""

    def test_our_login_is_the_login_view(self) -> None:
        """Where there is no other."""
        assert "sealed_session_auth.login" == config(AUTH_PREFIX="/auth").login_view
        assert "login" == config(AUTH_PREFIX="/auth", LOGIN_VIEW="login").login_view

    def test_it_takes_a_provider_with_pages(self) -> None:
        """Otherwise the endpoints would lead nowhere."""
        with pytest.raises(ConfigError) as caught:
            read(keys({"PASSWORD": PASSWORD, "AUTH_PREFIX": "/auth"}), can_sign_in=False)
        (problem,) = caught.value.problems
        assert ("SEALED_SESSION_AUTH_PREFIX", "no_sign_in") == (problem.setting, problem.code)
        assert "is set, and there is no provider that could sign anybody in." == problem.problem
        assert "give SealedSession a provider with pages, OAuth2 for example, or remove it." == problem.fix
        assert read(keys({"PASSWORD": PASSWORD}), can_sign_in=False).auth_prefix is None

    @pytest.mark.parametrize(
        ("prefix", "uri", "is_right"),
        [
            ("/auth", "https://app.example.com/auth/callback", True),
            ("/auth", "https://app.example.com/shop/auth/callback", True),
            ("/auth", "http://localhost:5000/auth/callback", True),
            ("/", "https://app.example.com/callback", True),
            ("/auth", "https://app.example.com/callback", False),
            ("/", "https://app.example.com/", False),
            (None, "https://app.example.com/elsewhere", True),
        ],
    )
    def test_the_registered_address_is_where_the_callback_is(
        self, prefix: str | None, uri: str, is_right: bool
    ) -> None:
        """Or the provider would send people to a page that is not there. Without endpoints it is not looked at."""
        found = found_in(AUTH_PREFIX=prefix, REDIRECT_URI=uri)
        assert ([] if is_right else [("SEALED_SESSION_REDIRECT_URI", "redirect_uri_path")]) == [
            (problem.setting, problem.code) for problem in found
        ]

    @pytest.mark.parametrize(
        "uri",
        [
            "/callback",
            "http://app.example.com/callback",
            "https://app.example.com/callback?a=1",
            "https://app.example.com/callback#a",
            "https://a@app.example.com/callback",
            "https:///callback",
            "https://[/callback",
            "https://app.example.com/call back",
            "https://app.example.com/é/callback",
        ],
    )
    def test_what_is_no_such_address(self, uri: str) -> None:
        """No provider could be told it. A preset's variable that nobody uses is left alone."""
        found = only(AUTH_PREFIX="/", REDIRECT_URI=uri)
        assert ("REDIRECT_URI", "redirect_uri") == (found.setting, found.code)
        assert "is no whole address without query." == found.problem
        assert found.fix.startswith("write what is registered with the provider: https://app.example.com/auth/")
        assert uri == config(REDIRECT_URI=uri).redirect_uri

    def test_that_message_says_what_goes_together(self) -> None:
        """And what to change."""
        found = only(AUTH_PREFIX="/auth", REDIRECT_URI="https://app.example.com/callback")
        assert "does not end with '/auth/callback', where AUTH_PREFIX has the callback." == found.problem
        assert "let AUTH_PREFIX be what stands before '/callback' in it; '/' where nothing does." == found.fix

    @pytest.mark.parametrize("value", ["/", "/bye", "/bye?a=1#b", "https://www.example.com/", "http://localhost:5000/"])
    def test_places_to_return_to(self, value: str) -> None:
        """Paths, and whole addresses."""
        assert value == config(LOGOUT_RETURN_TO=value).logout_return_to

    @pytest.mark.parametrize("value", ["/", "/auth", "/a/b", "/a.b_c~d-e", "/A1"])
    def test_prefixes(self, value: str) -> None:
        """One slash alone is none."""
        assert value == config(AUTH_PREFIX=value).auth_prefix
