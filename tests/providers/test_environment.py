"""What presets are told, by constructors or the environment, and what all presets have in common."""

from __future__ import annotations

import pickle
import ssl
from base64 import b64decode
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sealed_session import ConfigError, Problem, UsageError, UsageTypeError
from sealed_session.key_set import UnusableSet
from sealed_session.providers import Corbado, Knoon, Stytch, WorkOS
from sealed_session.providers.environment import Environment, Option, check_base, check_user
from sealed_session.providers.vendor import Issuer, Vendor, basic, bearer

from .server import certificate, reply, running

SECRET = "test-secret-7Hq2mZk9"
OPTIONS = (
    Option("account", "SHOP_ACCOUNT", check_user),
    Option("secret", "SHOP_SECRET"),
    Option("address", "SHOP_ADDRESS", check_base, is_needed=False),
)
GOOD = {"SHOP_ACCOUNT": "account_1", "SHOP_SECRET": SECRET}


class Shop(Vendor):
    """A preset."""

    options = OPTIONS


def environment(**given: str | None) -> Environment:
    """Options, some of which are given."""
    return Environment("Shop", OPTIONS, given)


def codes(problems: list[Problem]) -> list[tuple[str, str]]:
    """Where problems stand, and which."""
    return [(problem.setting, problem.code) for problem in problems]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


class TestEnvironment:
    """Given, or else in the environment."""

    def test_what_is_given_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment is not looked at, and not complained of."""
        monkeypatch.setenv("SHOP_SECRET", " wrong ")
        it = environment(account="account_1", secret=SECRET)
        assert (SECRET, SECRET) == (it.need("secret"), it.find("secret"))
        assert [] == it.problems({"SHOP_SECRET": " wrong "})

    def test_the_environment_is_read_when_it_is_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not when the preset is made."""
        it = environment()
        monkeypatch.setenv("SHOP_ACCOUNT", "account_2")
        assert ("account_2", "account_2") == (it.need("account"), it.glance("account"))

    @pytest.mark.parametrize("name", ["account", "secret", "address"])
    def test_what_is_missing(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """An empty variable is none. Only who needs the option is told."""
        monkeypatch.setenv("SHOP_ACCOUNT", "")
        it = environment()
        assert (None, None) == (it.find(name), it.glance(name))
        with pytest.raises(ConfigError, match=f"SHOP_{name.upper()}: is not set") as caught:
            it.need(name)
        assert "provider_missing" == caught.value.problems[0].code

    def test_what_is_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who uses it is told, who glances at it sees nothing, and nobody sees the value."""
        monkeypatch.setenv("SHOP_SECRET", f"{SECRET}\n")
        it = environment()
        assert None is it.glance("secret")
        with pytest.raises(ConfigError, match="SHOP_SECRET: is empty, or has white space") as caught:
            it.find("secret")
        assert SECRET not in str(caught.value)

    def test_all_problems_at_once(self) -> None:
        """Under the names of the variables; what may be missing is not missed."""
        assert [("SHOP_ACCOUNT", "provider_missing"), ("SHOP_SECRET", "provider_missing")] == codes(
            environment().problems({})
        )
        wrong = {"SHOP_ACCOUNT": "a:b", "SHOP_SECRET": f"{SECRET}\n", "SHOP_ADDRESS": "http://shop.example.com"}
        problems = environment().problems(wrong)
        assert [
            ("SHOP_ACCOUNT", "provider_option"),
            ("SHOP_SECRET", "provider_option"),
            ("SHOP_ADDRESS", "provider_url"),
        ] == codes(problems)
        assert not any(value in str(problems) for value in (SECRET, "shop.example.com"))

    def test_problems_say_what_to_do(self) -> None:
        """Without the name of the variable, which stands before."""
        missing, wrong = environment(address=None).problems({"SHOP_SECRET": f"{SECRET}\n"})
        assert "copy it from the Shop dashboard, or pass it to Shop(account=..., secret=...)." == missing.fix
        assert ("copy it again.", False) == (wrong.fix, wrong.problem.startswith("SHOP_SECRET"))
        (address,) = environment(account="a", secret="b").problems({"SHOP_ADDRESS": "nowhere"})
        assert address.fix.startswith("write it as the provider shows it")

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"account": ""}, "provider_option"),
            ({"account": "project:secret"}, "provider_option"),
            ({"secret": f" {SECRET}"}, "provider_option"),
            ({"secret": 7}, "wrong_type"),
            ({"address": "http://shop.example.com"}, "provider_url"),
            ({"address": "https://shop.example.com?a=b"}, "provider_option"),
            ({"address": 7}, "wrong_type"),
        ],
    )
    def test_what_cannot_be_given(self, given: dict[str, Any], code: str) -> None:
        """Is refused at once, and not quoted."""
        with pytest.raises(UsageError) as caught:
            environment(**given)
        assert (code, False) == (caught.value.code, SECRET in str(caught.value))


def test_an_address_ends_without_a_slash() -> None:
    """Paths come behind it."""
    assert "https://shop.example.com/api" == check_base("address", "https://shop.example.com/api/")


class TestVendor:
    """What all presets have."""

    def test_it_brings_no_settings(self) -> None:
        """Unless it says so."""
        it = Shop({}, timeout=5, trust_env=False, ssl_context=None)
        assert ({}, {}) == (it.settings(GOOD), it.variables)
        assert ([], 2) == (it.problems(GOOD), len(it.problems({})))

    def test_it_does_not_travel(self) -> None:
        """With its secret."""
        with pytest.raises(UsageTypeError):
            pickle.dumps(Shop({"secret": SECRET}, timeout=5, trust_env=False, ssl_context=None))

    @pytest.mark.parametrize("wrong", [{"timeout": 31}, {"trust_env": 1}, {"ssl_context": "it"}])
    def test_options_that_do_not_fit(self, wrong: dict[str, Any]) -> None:
        """Are told when the application starts."""
        with pytest.raises(UsageError):
            Shop({}, **{"timeout": 5, "trust_env": False, "ssl_context": None, **wrong})

    def test_an_issuer(self) -> None:
        """Signs as most do, for nobody in particular."""
        it = Issuer({})
        assert (("RS256",), None, None) == (it.algorithms, it.max_token_age, it.audience)

    def test_variables_are_settings(self) -> None:
        """By our names, where the environment has them; an empty one is not set."""

        class Named(Shop):
            variables: ClassVar[dict[str, str]] = {"COOKIE_NAME": "SHOP_COOKIE", "PASSWORD": "SHOP_PASSWORD"}

        it = Named({})
        assert {"COOKIE_NAME": "shop"} == it.settings({"SHOP_COOKIE": "shop", "SHOP_PASSWORD": ""})

    def test_its_keys(self, tmp_path: Path) -> None:
        """Are had by the certificates that it trusts, as everything else is."""
        server_side, trusted = certificate(tmp_path)
        context = ssl.create_default_context(cafile=str(trusted))
        it = Issuer({}, timeout=5, trust_env=False, ssl_context=context)
        with running(reply({"keys": []}), reply(b"", 503), tls=server_side) as server:
            assert b'{"keys": []}' == it.fetch_keys(f"{server.url}/jwks", 5)
            with pytest.raises(UnusableSet):
                it.fetch_keys(f"{server.url}/jwks", 5)


@pytest.mark.parametrize("preset", [WorkOS, Stytch, Corbado, Knoon])
def test_proxies_are_asked_for(preset: Any) -> None:
    """Nobody sends secrets by way of what an environment happens to name."""
    assert False is signature(preset).parameters["trust_env"].default


def test_headers() -> None:
    """Basic has both as they are, and not form-encoded."""
    scheme, _, pair = basic("project-1", "a+b/c=")["Authorization"].partition(" ")
    assert ("Basic", b"project-1:a+b/c=") == (scheme, b64decode(pair))
    assert {"Authorization": "Bearer token"} == bearer("token")
