"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..keyring import KeyRing
from ..sealer import DEFAULT_NAME, Sealer

_Command = TypeVar("_Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs. docs/cli.md has the keys.")
name = click.option("--name", default=DEFAULT_NAME, show_default=True, metavar="NAME", help="The cookie's exact name.")
sealed = click.argument("sealed", required=False)

_context = click.option(
    "--context", default="", metavar="TEXT", help="The context that the sealer binds values to, as text."
)
_password_file = click.option(
    "--password-file", metavar="FILE", help="A file with the password, in place of SEALED_SESSION_PASSWORD."
)


def sealing(command: _Command) -> _Command:
    """Give a command what a sealer is made of."""
    return _password_file(name(_context(command)))


def sealer(ring: KeyRing, name: str, context: str) -> Sealer:
    """Make the sealer that the options ask for."""
    return Sealer(ring, name=name, context=context.encode("utf-8", "surrogateescape"))
