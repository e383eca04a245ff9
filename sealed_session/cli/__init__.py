"""The command ``sealed-session``. docs/cli.md has every command, exit code and JSON key.

    commands.py       what can be typed
    options.py        the options that several commands share
    group.py          every command's way out: an error line and an exit code
    without_click.py  what can be typed where click is not installed: generate-password
    key_material.py   passwords, from the environment or a file and never from an argument
    reading.py        standard input, bounded
    recognising.py    what a text that is no sealed value looks like
    inspecting.py     what a sealed value says, without a password and with one
    resealing.py      many values, one per line
    texts.py          texts from outside made harmless; moments and ages
    drawing.py        facts and size budgets as lines of styled pieces
    screen.py         the same lines in colour on a terminal, and as plain text anywhere else
    failures.py       errors as one line, and the exit codes

Importing this package imports neither click nor rich.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    Args:
        arguments: The words after the program's name. None: those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        import click  # noqa: F401 - asked for here, so that no other missing module is mistaken for it
    except ImportError:
        from . import without_click

        sys.exit(without_click.run(words))
    from .commands import cli

    cli.main(words, prog_name="sealed-session")
