"""What can be typed where click is not installed: ``generate-password``, so that a password never waits for pip."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UsageError
from ..passwords import generate_password
from . import failures, screen

_FORMS = (["generate-password"], ["generate-password", "--json"])


def run(words: Sequence[str]) -> int:
    """Run the words after the program's name and return the exit code."""
    if list(words) in _FORMS:
        print_password(as_json="--json" in words)
        return failures.FINE
    problem = UsageError(
        "this needs click: pip install 'sealed-session[cli]'. Without it there is: generate-password [--json]",
        code="extra_missing",
    )
    return failures.report(problem, as_json="--json" in words)


def print_password(*, as_json: bool) -> None:
    """Write a new password to standard output."""
    password = generate_password()
    if as_json:
        screen.write_json({"password": password})
    else:
        screen.write(password)
