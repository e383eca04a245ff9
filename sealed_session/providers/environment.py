"""What a preset has to be told: by its constructor, or else by an environment variable, and what is wrong with it.

A variable is read when it is needed and when ``init_app`` asks for problems, so that a preset can be made before the
environment is complete.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..errors import ConfigError, Problem, UsageError
from .credentials import bad_option, check_credential
from .http import check_url


class Option(NamedTuple):
    """One thing that a preset is told.

    Attributes:
        name: What the constructor calls it.
        variable: The environment variable that may hold it.
        check: Called with what to call it and its value; raises a ``UsageError`` for one that cannot be.
        is_needed: Whether the preset can do nothing without it.
    """

    name: str
    variable: str
    check: Callable[[str, Any], object] = check_credential
    is_needed: bool = True


class Environment:
    """The options of one preset. Holds secrets, and shows none. Immutable."""

    def __init__(self, owner: str, options: tuple[Option, ...], given: Mapping[str, str | None]) -> None:
        """Check and hold what was given.

        Args:
            owner: The preset's name.
            options: What it is told.
            given: Options by their names, None for one that the environment is to have.

        Raises:
            UsageTypeError, UsageError: One that cannot be.
        """
        self._owner = owner
        self._options = {option.name: option for option in options}
        self._given = {name: value for name, value in given.items() if value is not None}
        for name, value in self._given.items():
            self._options[name].check(name, value)

    def need(self, name: str) -> str:
        """Return an option that there must be.

        Raises:
            ConfigError: Neither given nor in the environment, or not what it should be there.
        """
        found = self.find(name)
        if found is None:
            raise ConfigError(self._owner, [self._absent(self._options[name])])
        return found

    def find(self, name: str) -> str | None:
        """Return an option; None where it is neither given nor in the environment.

        Raises:
            ConfigError: It is in the environment, and not what it should be.
        """
        if name in self._given:
            return self._given[name]
        option = self._options[name]
        value = os.environ.get(option.variable)
        problem = self._judge(option, value) if value else None
        if problem is not None:
            raise ConfigError(self._owner, [problem])
        return value or None

    def glance(self, name: str) -> str | None:
        """Return an option, None also where it is not what it should be: for whoever looks before that is told."""
        try:
            return self.find(name)
        except ConfigError:
            return None

    def problems(self, environ: Mapping[str, str]) -> list[Problem]:
        """Return what is missing or wrong in the environment. What was given is not looked for there.

        Args:
            environ: ``os.environ``. An empty variable is one that is not set.
        """
        left = [option for name, option in self._options.items() if name not in self._given]
        found = [self._judge(option, environ.get(option.variable)) for option in left]
        return [problem for problem in found if problem is not None]

    def _judge(self, option: Option, value: str | None) -> Problem | None:
        """Return what is wrong with the value of a variable."""
        if not value:
            return self._absent(option) if option.is_needed else None
        try:
            option.check(option.variable, value)
        except UsageError as error:
            fix = error.fix[:1].lower() + error.fix[1:] if error.fix else "copy it again."
            return Problem(option.variable, error.problem.removeprefix(f"{option.variable}: "), fix, error.code)
        return None

    def _absent(self, option: Option) -> Problem:
        arguments = ", ".join(f"{name}=..." for name, other in self._options.items() if other.is_needed)
        fix = f"copy it from the {self._owner} dashboard, or pass it to {self._owner}({arguments})."
        return Problem(option.variable, "is not set.", fix, code="provider_missing")


def check_user(name: str, value: Any) -> None:
    """Refuse what cannot be the user of HTTP Basic.

    Raises:
        UsageTypeError, UsageError: As ``check_credential``; it has a colon, which would end it (``provider_option``).

    Source: RFC 7617, section 2.
    """
    check_credential(name, value)
    if ":" in value:
        raise bad_option(f"{name}: has a colon; is the secret in it, too?")


def check_base(name: str, value: Any) -> str:
    """Return the address of an API, without a slash at its end: paths come behind it.

    Raises:
        UsageTypeError, UsageError: As ``check_url``; it has a query (``provider_option``).
    """
    if "?" in check_url(name, value):
        raise bad_option(f"{name}: has a query, and paths come behind it.")
    return str(value).rstrip("/")
