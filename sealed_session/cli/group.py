"""Every command's way out: an error as one line, and an exit code. Never a traceback, and never what was typed."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from ..errors import SealedSessionError, UsageError
from . import failures


class Guarded(click.Group):
    """A group whose commands return an exit code, or None for 0, and raise errors of this library's tree."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> NoReturn:
        """Run a command line and leave with its exit code.

        Args:
            args: The words after the program's name. None: those of the process.
            rest: As click's.
            options: As click's. Standalone mode is ours here.
        """
        words = list(sys.argv[1:] if args is None else args)
        options["standalone_mode"] = False
        try:
            code = super().main(words, *rest, **options)
        except SealedSessionError as error:
            code = failures.report(error, as_json="--json" in words)
        except click.ClickException as error:
            code = failures.report(_usage_error(error, words), as_json="--json" in words)
        except click.Abort:
            code = failures.INTERRUPTED
        sys.exit(code or failures.FINE)


def _usage_error(error: click.ClickException, words: Sequence[str]) -> UsageError:
    if isinstance(error, click.NoSuchOption) and error.option_name.startswith("--password"):
        return UsageError(
            "a password is never an argument, which every process list shows. Set SEALED_SESSION_PASSWORD, or give "
            "--password-file FILE.",
            code="usage",
        )
    return UsageError(without_what_was_typed(words, error.format_message()), code="usage")


def without_what_was_typed(words: Sequence[str], message: str) -> str:
    """Take what was typed out of a message: somebody may have typed a secret. Options stay, without their value."""
    for word in words:
        typed = word.partition("=")[2] if word.startswith("-") else word
        if typed:
            message = re.sub(rf"(?<!\w){re.escape(typed)}(?!\w)", "...", message)
    return message
