"""The error tree: stable codes, every one of them documented."""

from __future__ import annotations

import ast
import inspect
import pickle
import re
from pathlib import Path

import pytest

import sealed_session
from sealed_session import (
    ConfigError,
    KeyRing,
    PayloadTypeError,
    Problem,
    ProviderUnavailable,
    SealedSessionError,
    Sealer,
    SealError,
    SealTooLarge,
    StepUpRequired,
    UnsealError,
    UsageError,
    UsageTypeError,
    generate_password,
)

ROOT = Path(__file__).parents[2]


def test_one_root_catches_everything() -> None:
    """Every error class of the package descends from it, and so has a code."""
    public = [
        value for value in vars(sealed_session).values() if inspect.isclass(value) and issubclass(value, Exception)
    ]
    assert len(public) >= 12
    for error in public:
        assert issubclass(error, SealedSessionError)
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)


def test_wrong_types_are_type_errors_too() -> None:
    """So that a program that knows nothing of this library understands."""
    assert issubclass(UsageTypeError, TypeError)
    assert issubclass(UsageTypeError, UsageError)


@pytest.mark.parametrize(
    "error",
    [
        UnsealError("m", code="tampered"),
        UsageError("m"),
        PayloadTypeError("m", path="user.a"),
        SealError("m", code="too_old"),
        UsageError("m", fix="f", code="bad_name"),
        ConfigError("owner", [Problem("setting", "is wrong.", "set it.", "bad_name")]),
        StepUpRequired({"code": "mfa"}, code="mfa"),
        ProviderUnavailable(retry_after=3),
    ],
)
def test_errors_survive_pickling(error: SealedSessionError) -> None:
    """Worker pools and task queues carry exceptions."""
    back = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(error), str(error), error.code, vars(error)) == (type(back), str(back), back.code, vars(back))


def test_the_report_survives_pickling() -> None:
    """With its error."""
    with pytest.raises(SealTooLarge) as caught:
        Sealer(KeyRing(generate_password()), max_bytes=50).seal({"access_token": "t"})
    back = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (str(caught.value), caught.value.report) == (str(back), back.report)


def codes_in(source: str) -> set[str]:
    """Every string that the source passes as ``code=``, or to the helper that makes the errors of weak passwords."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    given = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "code"]
    given += [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "_weak"]
    constants = [node for value in given for node in ast.walk(value) if isinstance(node, ast.Constant)]
    return {node.value for node in constants if isinstance(node.value, str)}


def test_every_code_is_documented_and_every_documented_code_exists() -> None:
    """docs/errors.md has a heading, and so an anchor, for each."""
    documented = set(
        re.findall(r"^### `([a-z_]+)`", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    classes = [value for value in vars(sealed_session).values() if inspect.isclass(value)]
    used = {value.code for value in classes if issubclass(value, SealedSessionError)}
    for package in ("sealed_session", "flask_ext"):
        for path in (ROOT / package).rglob("*.py"):
            used |= codes_in(path.read_text(encoding="utf-8"))
    assert used == documented, f"not documented: {sorted(used - documented)}, gone: {sorted(documented - used)}"
