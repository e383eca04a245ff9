"""What a provider brings to an application's configuration: its environment variables, and defaults of its own.

A provider that brings any has ``settings(environ)``, by our names without prefix; ``problems(environ)``, what is
missing or wrong; and ``variables``, from our names to its own, by which is told in which variable a value stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sealed_session import Problem


class Preset(NamedTuple):
    """What one provider brings. Settings are named as ours, without prefix.

    Attributes:
        values: Settings and their values. Those of the application go before them.
        variables: Settings, and the environment variables that may hold them.
        present: Settings whose variable is set; any other value is the provider's own default.
        problems: What is missing or wrong.
    """

    values: Mapping[str, Any] = {}
    variables: Mapping[str, str] = {}
    present: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


NOTHING = Preset()


def preset_of(provider: object, environ: Mapping[str, str]) -> Preset:
    """Return what a provider brings; nothing, for most.

    Args:
        provider: The provider, or None.
        environ: ``os.environ``. An empty variable is one that is not set.
    """
    settings, problems = getattr(provider, "settings", None), getattr(provider, "problems", None)
    variables = getattr(provider, "variables", {})
    if not callable(settings) or not callable(problems):
        return NOTHING
    present = frozenset(name for name, variable in variables.items() if environ.get(variable))
    return Preset(settings(environ), variables, present, tuple(problems(environ)))
