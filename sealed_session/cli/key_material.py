"""Passwords: from the environment or from a file, and never from an argument, which every process list shows.

``SEALED_SESSION_PASSWORD`` is the current password, which ``--password-file FILE`` replaces, and
``SEALED_SESSION_PASSWORD_FALLBACKS`` a JSON list of former ones.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..keyring import KeyRing
from . import failures

PASSWORD, FALLBACKS = "SEALED_SESSION_PASSWORD", "SEALED_SESSION_PASSWORD_FALLBACKS"

_MAX_FILE = 8192


def key_ring(password_file: str | None) -> KeyRing:
    """Return the key ring of the passwords at hand.

    Raises:
        UsageError: There is no password, it cannot be read, or it is a weak one, as ``KeyRing`` says.
    """
    ring = key_ring_if_any(password_file)
    if ring is None:
        raise UsageError(
            f"no password. Set {PASSWORD}, or give --password-file FILE. "
            "`sealed-session generate-password` makes a new one.",
            code="password_missing",
        )
    return ring


def key_ring_if_any(password_file: str | None) -> KeyRing | None:
    """Return the key ring of the passwords at hand; None where there is no password.

    Raises:
        UsageError: As ``key_ring``.
    """
    if password_file is not None:
        return KeyRing(_read(password_file), _fallbacks())
    password = os.environ.get(PASSWORD)
    return KeyRing(password, _fallbacks()) if password else None


def _read(password_file: str) -> str:
    try:
        with Path(password_file).open("rb") as file:
            data = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise failures.not_readable("the password file", error) from None
    text = _as_text(data)
    if text is None or len(data) > _MAX_FILE:
        raise UsageError(
            f"the password file is not one line of text of at most {_MAX_FILE} bytes.", code="password_file"
        )
    return text.removesuffix("\n").removesuffix("\r")


def _as_text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _fallbacks() -> list[str]:
    fallbacks = _parse(os.environ.get(FALLBACKS) or "[]")
    if type(fallbacks) is not list or not all(type(password) is str for password in fallbacks):
        raise UsageError(f'{FALLBACKS}: expected a JSON list of passwords, ["...", "..."].', code="fallbacks")
    return fallbacks


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
