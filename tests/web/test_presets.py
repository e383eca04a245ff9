"""What a provider brings to the configuration: precedence, and every problem under the variable that it stands in."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_ext import SealedSession
from flask_ext.config import Config
from flask_ext.presets import NOTHING, Preset, preset_of
from sealed_session import ConfigError, KeyRing, Problem, Sealer, Session, generate_password
from sealed_session.providers import OAuth2, WorkOS
from sealed_session.testing import FakeProvider

PASSWORD, OTHER = generate_password(), generate_password()
CREDENTIALS = {"WORKOS_CLIENT_ID": "client_1", "WORKOS_API_KEY": "sk_test_example"}
GOOD = {**CREDENTIALS, "WORKOS_COOKIE_PASSWORD": PASSWORD}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORKOS_CLIENT_ID", "WORKOS_API_KEY", *WorkOS.variables.values()):
        monkeypatch.delenv(name, raising=False)


def set_up(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], **settings: Any) -> Config:
    """An application of the preset, made first and set up when the environment has its variables."""
    auth = SealedSession(WorkOS())
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    app = Flask("preset")
    app.config.update({f"SEALED_SESSION_{name}": value for name, value in settings.items()})
    auth.init_app(app)
    config: Config = app.extensions["sealed_session"].config
    return config


def problems(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], **settings: Any) -> list[Problem]:
    """What is wrong, all of it in one error."""
    with pytest.raises(ConfigError) as caught:
        set_up(monkeypatch, environ, **settings)
    return list(caught.value.problems)


@pytest.mark.row("WO-18")
class TestPrecedence:
    """SEALED_SESSION_*, then the preset's variables, then its defaults, then ours."""

    def test_WO_18_the_environment_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """It is read when init_app runs, and not when the extension is made."""
        config = set_up(
            monkeypatch,
            {
                **GOOD,
                "WORKOS_COOKIE_NAME": "my-session",
                "WORKOS_COOKIE_DOMAIN": "example.com",
                "WORKOS_COOKIE_MAX_AGE": "3600",
                "WORKOS_COOKIE_SAMESITE": "strict",
            },
        )
        cookie = config.cookie
        assert ("my-session", "example.com", 3600, "Strict") == (
            cookie.name,
            cookie.domain,
            cookie.max_age,
            cookie.same_site,
        )

    def test_WO_18_the_presets_own_default_goes_before_ours(  # noqa: N802
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Everything that it has no word on is ours."""
        cookie = set_up(monkeypatch, GOOD).cookie
        assert ("wos-session", None, 34_560_000, "Lax") == (
            cookie.name,
            cookie.domain,
            cookie.max_age,
            cookie.same_site,
        )

    def test_WO_18_our_settings_go_before_the_variables(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """None, for example, is a setting as well."""
        environ = {**GOOD, "WORKOS_COOKIE_NAME": "theirs", "WORKOS_COOKIE_DOMAIN": "example.com"}
        config = set_up(monkeypatch, environ, COOKIE_NAME="ours", COOKIE_DOMAIN=None)
        assert ("ours", None) == (config.cookie.name, config.cookie.domain)

    @pytest.mark.parametrize(
        ("settings", "opens"), [({}, PASSWORD), ({"PASSWORD": OTHER}, OTHER)], ids=["theirs", "ours"]
    )
    def test_WO_18_whose_password_seals(  # noqa: N802
        self, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], opens: str
    ) -> None:
        """Ours where there is one, the variable's otherwise."""
        ring = set_up(monkeypatch, GOOD, **settings).ring
        assert Session("t") == Sealer(KeyRing(opens)).unseal(Sealer(ring).seal(Session("t"))).session

    def test_WO_18_an_empty_variable_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """As a container that leaves it out on purpose."""
        cookie = set_up(monkeypatch, {**GOOD, "WORKOS_COOKIE_NAME": "", "WORKOS_COOKIE_DOMAIN": ""}).cookie
        assert ("wos-session", None) == (cookie.name, cookie.domain)


@pytest.mark.row("WO-18")
class TestProblems:
    """All at once, each under the variable that it stands in."""

    def test_WO_18_all_of_them_in_one_error(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """The missing ones of the preset, what is wrong in its variables, and what is wrong in ours."""
        found = problems(
            monkeypatch,
            {
                "WORKOS_COOKIE_PASSWORD": "hunter2",
                "WORKOS_COOKIE_DOMAIN": "co.uk",
                "WORKOS_COOKIE_MAX_AGE": "a year",
                "WORKOS_COOKIE_SAMESITE": "none",
            },
            REQUIRE_LOGIN="False",
            COOKIE_COLOUR="red",
        )
        assert {
            ("WORKOS_COOKIE_PASSWORD", "password_short"),
            ("WORKOS_COOKIE_DOMAIN", "domain_is_public_suffix"),
            ("WORKOS_COOKIE_SAMESITE", "samesite_none_insecure"),
            ("WORKOS_COOKIE_MAX_AGE", "max_age_text"),
            ("WORKOS_CLIENT_ID", "provider_missing"),
            ("WORKOS_API_KEY", "provider_missing"),
            ("SEALED_SESSION_REQUIRE_LOGIN", "boolean_as_text"),
            ("SEALED_SESSION_COOKIE_COLOUR", "unknown_setting"),
        } == {(problem.setting, problem.code) for problem in found}
        assert "hunter2" not in str(found)

    def test_WO_18_another_setting_is_named_where_it_stands(  # noqa: N802
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also within the text of a problem: Secure has no variable, the name has one."""
        environ = {**GOOD, "WORKOS_COOKIE_NAME": "__Host-s", "WORKOS_COOKIE_DOMAIN": "example.com"}
        by_code = {problem.code: problem for problem in problems(monkeypatch, environ)}
        assert "WORKOS_COOKIE_DOMAIN is set" in by_code["prefix_needs_no_domain"].problem
        assert "SEALED_SESSION_COOKIE_SECURE is not True" in by_code["prefix_needs_secure"].problem
        assert {"WORKOS_COOKIE_NAME"} == {problem.setting for problem in by_code.values()}

    def test_WO_18_what_our_setting_beats_is_not_judged(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """And what is wrong with ours is ours."""
        environ = {**GOOD, "WORKOS_COOKIE_MAX_AGE": "a year", "WORKOS_COOKIE_DOMAIN": "co.uk"}
        assert 60 == set_up(monkeypatch, environ, COOKIE_MAX_AGE=60, COOKIE_DOMAIN=None).cookie.max_age
        (found,) = problems(monkeypatch, environ, COOKIE_MAX_AGE=60, COOKIE_DOMAIN="https://example.com")
        assert ("SEALED_SESSION_COOKIE_DOMAIN", "domain_is_url") == (found.setting, found.code)

    @pytest.mark.parametrize("empty", [{}, {"WORKOS_COOKIE_NAME": ""}])
    def test_WO_18_the_presets_default_is_under_our_name(  # noqa: N802
        self, monkeypatch: pytest.MonkeyPatch, empty: dict[str, str]
    ) -> None:
        """Which is where one would change it; an empty variable holds nothing."""
        (found,) = problems(monkeypatch, {**GOOD, **empty}, COOKIE_PREVIOUS_NAMES=["wos-session"])
        assert ("SEALED_SESSION_COOKIE_PREVIOUS_NAMES", "previous_name_current") == (found.setting, found.code)
        assert "is SEALED_SESSION_COOKIE_NAME itself" in found.problem

    def test_WO_18_a_missing_password_may_stand_in_either(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """The fix names the preset's variable, too."""
        (found,) = problems(monkeypatch, CREDENTIALS)
        assert ("SEALED_SESSION_PASSWORD", "password_missing") == (found.setting, found.code)
        assert "WORKOS_COOKIE_PASSWORD" in found.fix

    def test_WO_18_a_fallback_is_ours_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
        """The password of the variable takes part in the comparison."""
        (found,) = problems(monkeypatch, GOOD, PASSWORD_FALLBACKS=[PASSWORD])
        assert ("SEALED_SESSION_PASSWORD_FALLBACKS", "fallback_is_password") == (found.setting, found.code)


class TestOtherProviders:
    """Any provider may bring settings; most bring none."""

    @pytest.mark.parametrize(
        "provider",
        [
            None,
            FakeProvider(),
            OAuth2(token_endpoint="https://a/t", client_id="a", client_secret="test-data"),
            type("HasSettings", (), {"settings": {"a": 1}, "problems": lambda *_: []})(),
            type("HasNoProblems", (), {"settings": lambda *_: {"COOKIE_NAME": "x"}})(),
        ],
    )
    def test_most_bring_nothing(self, provider: Any) -> None:
        """Nor is an attribute of the same name mistaken for it."""
        assert NOTHING == preset_of(provider, GOOD)

    def test_one_without_variables(self) -> None:
        """Its values stand under our names."""
        provider = type("Own", (), {"settings": lambda *_: {"COOKIE_NAME": "own"}, "problems": lambda *_: []})()
        assert Preset({"COOKIE_NAME": "own"}) == preset_of(provider, {})

    def test_it_may_bring_any_setting_that_there_is(self, password: str) -> None:
        """One that there is not is told."""

        class Own(FakeProvider):
            def settings(self, environ: Any) -> dict[str, Any]:
                return {"LOGIN_VIEW": "/login", "NONSENSE": 1}

            def problems(self, environ: Any) -> list[Problem]:
                return []

        app = Flask("own")
        app.config["SEALED_SESSION_PASSWORD"] = password
        with pytest.raises(ConfigError, match="SEALED_SESSION_NONSENSE"):
            SealedSession(Own()).init_app(app)
