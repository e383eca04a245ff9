"""Every way a command can fail: its exit code, its one line, and no secret in it."""

from __future__ import annotations

import errno
import io
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sealed_session import KeyRing, Sealer, Session, UsageError
from sealed_session.cli import reading
from tests.core.test_cli_commands import OLD, PASSWORD, TYPICAL, TYPICAL_JSON, no_settings, run, sealed_with

__all__ = ["no_settings"]  # the fixture counts for this file, too

WEAK = "hunter2-hunter2-hunter2-hunter2-hunter2"
HUMAN = "a human password of my own, 41 characters"

SECRETS = (PASSWORD, OLD, WEAK, HUMAN, TYPICAL.access_token, str(TYPICAL.refresh_token), "bjrn.stergrd@acme-corp.io")

Environment = dict[str, str]


def with_password(password: str, fallbacks: str = "") -> Environment:
    """Return an environment with passwords."""
    return {"SEALED_SESSION_PASSWORD": password, "SEALED_SESSION_PASSWORD_FALLBACKS": fallbacks}


GOOD = with_password(PASSWORD)


def session_with(**changes: Any) -> str:
    """Return the typical session as JSON, changed."""
    return json.dumps({**TYPICAL.to_mapping(), **changes})


FAILURES: dict[str, tuple[int, str, list[str], str | bytes, Environment]] = {
    # no or a wrong password
    "no password": (2, "password_missing", ["seal"], TYPICAL_JSON, {}),
    "an empty password": (2, "password_missing", ["unseal"], "AQ", with_password("")),
    "no password to reseal with": (2, "password_missing", ["reseal"], "AQ", {}),
    "a weak password": (2, "password_repetitive", ["seal"], TYPICAL_JSON, with_password(WEAK)),
    "a mistyped password": (2, "password_mistyped", ["seal"], TYPICAL_JSON, with_password(PASSWORD[:-1])),
    "a weak password to inspect with": (2, "password_short", ["inspect"], "AQ", with_password("short")),
    "fallbacks that are no JSON": (2, "fallbacks", ["seal"], TYPICAL_JSON, with_password(PASSWORD, OLD)),
    "fallbacks that are no list": (2, "fallbacks", ["seal"], TYPICAL_JSON, with_password(PASSWORD, f'"{OLD}"')),
    "fallbacks that are no text": (2, "fallbacks", ["seal"], TYPICAL_JSON, with_password(PASSWORD, "[1]")),
    "fallbacks too deep": (2, "fallbacks", ["seal"], TYPICAL_JSON, with_password(PASSWORD, "[" * 200_000)),
    "a weak fallback": (2, "password_repetitive", ["seal"], TYPICAL_JSON, with_password(PASSWORD, f'["{WEAK}"]')),
    "a password that is not a file": (2, "not_readable", ["seal", "--password-file", HUMAN], TYPICAL_JSON, {}),
    # wrong words
    "a password as an option": (2, "usage", ["seal", "--password", HUMAN], TYPICAL_JSON, GOOD),
    "a password in an option": (2, "usage", ["seal", f"--password={HUMAN}"], TYPICAL_JSON, GOOD),
    "a password as a word": (2, "usage", ["seal", PASSWORD], TYPICAL_JSON, GOOD),
    "a password as a command": (2, "usage", [HUMAN], "", GOOD),
    "a password as a flag's value": (2, "usage", ["seal", f"--json={PASSWORD}"], "", GOOD),
    "two values": (2, "usage", ["unseal", sealed_with(PASSWORD), PASSWORD], "", GOOD),
    "an option without its value": (2, "usage", ["seal", "--name"], TYPICAL_JSON, GOOD),
    "a bad name": (2, "bad_name", ["seal", "--name", "a b"], TYPICAL_JSON, GOOD),
    "a bad name to size": (2, "bad_name", ["size", "--name", "a;b"], TYPICAL_JSON, GOOD),
    "a long context": (2, "bad_context", ["seal", "--context", "x" * 256], TYPICAL_JSON, GOOD),
    "a value where a file is expected": (2, "not_readable", ["reseal", sealed_with(PASSWORD)], "", GOOD),
    # input that is no session
    "nothing to seal": (2, "input_empty", ["seal"], " \n", GOOD),
    "too much": (2, "input_too_long", ["seal"], b"\x00" * (reading.MAX_JSON + 1), GOOD),
    "binary garbage": (2, "input_not_json", ["seal"], b"\xff\xfe\x00" + TYPICAL_JSON.encode(), GOOD),
    "a token": (2, "input_not_json", ["seal"], TYPICAL.access_token, GOOD),
    "a cut session": (2, "input_not_json", ["size"], TYPICAL_JSON[:-1], GOOD),
    "NaN": (2, "input_not_json", ["seal"], '{"access_token": "x", "user": {"n": NaN}}', GOOD),
    "a key twice": (2, "input_not_json", ["seal"], '{"access_token": "x", "access_token": "y"}', GOOD),
    "brackets without end": (2, "input_not_json", ["seal"], "[" * 200_000, GOOD),
    "digits without end": (2, "input_not_json", ["seal"], "1" * 5_000, GOOD),
    "a list": (2, "input_not_session", ["seal"], f"[{TYPICAL_JSON}]", GOOD),
    "camelCase": (2, "unknown_value", ["seal"], '{"accessToken": "x"}', GOOD),
    "no access token": (2, "missing_value", ["seal"], '{"user": {}}', GOOD),
    "a number for a token": (2, "wrong_type", ["size"], session_with(refresh_token=1), GOOD),
    "no value to open": (2, "input_empty", ["unseal"], "\n", GOOD),
    "an empty argument": (2, "input_empty", ["inspect", ""], "", GOOD),
    # sessions that cannot be sealed
    "too large": (3, "too_large", ["seal"], session_with(extra={"x": TYPICAL.access_token * 5}), GOOD),
    "too large to size": (3, "too_large", ["size"], session_with(extra={"x": TYPICAL.access_token * 5}), {}),
    "too long an integer": (3, "payload_type", ["seal"], session_with(user={"n": 10**641}), GOOD),
    "a user that is no object": (3, "payload_type", ["seal"], session_with(user=[TYPICAL.refresh_token]), GOOD),
    "too large a number": (3, "payload_type", ["size"], '{"access_token": "x", "user": {"n": 1e999}}', GOOD),
    # values that do not open
    "another password's": (1, "unknown_key", ["unseal"], sealed_with(OLD), GOOD),
    "another name's": (1, "tampered", ["unseal", "--name", "other"], sealed_with(PASSWORD), GOOD),
    "another context's": (1, "tampered", ["inspect", "--context", "other"], sealed_with(PASSWORD), GOOD),
    "a changed value": (1, "tampered", ["unseal"], sealed_with(PASSWORD)[:-8] + "AAAAAAAA", GOOD),
    "garbage to open": (1, "malformed", ["unseal"], b"\x00\xff\xfe" * 50, GOOD),
    "garbage to inspect": (1, "malformed", ["inspect"], b"\x80" * 1000, {}),
    "a password to open": (1, "malformed", ["unseal", OLD], "", GOOD),
    "a token to inspect": (1, "malformed", ["inspect", TYPICAL.access_token], "", {}),
    "a later version": (1, "unsupported_version", ["inspect"], "AgAA", GOOD),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_has_its_exit_code_and_one_line(case: str) -> None:
    """``sealed-session: message [code]`` on standard error; too large a session has the table after it."""
    exit_code, code, words, given, env = FAILURES[case]
    result = run(*words, given=given, env=env)
    first, *others = result.stderr.splitlines()
    assert exit_code == result.exit_code
    assert first.startswith("sealed-session: ")
    assert first.endswith(f" [{code}]")
    assert (case == "too large") == bool(others)


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_as_json_has_the_same_code(case: str) -> None:
    """One line of JSON on standard error, with the report where a session is too large."""
    exit_code, code, words, given, env = FAILURES[case]
    result = run(words[0], "--json", *words[1:], given=given, env=env)
    error = json.loads(result.stderr)
    assert code == error["error"]
    assert ({"error", "message", "size"} if code == "too_large" else {"error", "message"}) == set(error)
    assert exit_code == result.exit_code


@pytest.mark.parametrize("json_too", [[], ["--json"]])
@pytest.mark.parametrize("case", FAILURES)
def test_no_failure_shows_a_secret(case: str, json_too: list[str]) -> None:
    """No piece of a password, a token or a cookie, wherever it was typed by mistake."""
    _, _, words, given, env = FAILURES[case]
    shown = run(*words, *json_too, given=given, env=env).stderr
    cookies = [text for text in (*words, given) if isinstance(text, str) and text.startswith("AQ")]
    for secret in (*SECRETS, *cookies):
        assert [] == [secret[start:][:12] for start in range(len(secret) - 11) if secret[start:][:12] in shown]


def test_a_missing_password_names_both_ways() -> None:
    """And how to make one."""
    shown = run("seal", env={}).stderr
    for way in ("SEALED_SESSION_PASSWORD", "--password-file FILE", "`sealed-session generate-password`"):
        assert way in shown


def test_too_large_a_session_is_followed_by_where_the_bytes_go() -> None:
    """The report's table."""
    session = Session("x" * 5000)
    shown = run("seal", given=json.dumps(session.to_mapping())).stderr
    assert shown.endswith(f"\n{Sealer(KeyRing(PASSWORD)).measure(session)}\n")


@pytest.mark.parametrize("content", [b"\xff" * 60, b"x" * 9000])
def test_a_password_file_that_is_no_password(tmp_path: Path, content: bytes) -> None:
    """Binary, or too long."""
    (tmp_path / "password").write_bytes(content)
    result = run("seal", "--password-file", str(tmp_path / "password"), given=TYPICAL_JSON)
    assert (2, True) == (result.exit_code, result.stderr.endswith("[password_file]\n"))


def test_an_empty_password_file_is_a_weak_password(tmp_path: Path) -> None:
    """Not a reason to take the environment's."""
    (tmp_path / "password").touch()
    result = run("seal", "--password-file", str(tmp_path / "password"), given=TYPICAL_JSON)
    assert (2, True) == (result.exit_code, result.stderr.endswith("[password_short]\n"))


def test_words_that_were_typed_are_taken_out_and_the_rest_stays() -> None:
    """So that the message still says which option it is about."""
    shown = run("seal", "--jsno").stderr
    assert "--jsno" in shown
    assert "--json" in shown
    assert "'...'" in run("unsael").stderr
    assert "unseal" in run("unsael").stderr


def test_the_help_is_an_answer_and_no_command_is_not() -> None:
    """Both write it; only one exits with 0."""
    asked, bare = run("--help"), run()
    assert (0, 2) == (asked.exit_code, bare.exit_code)
    assert asked.stdout == bare.stdout
    assert "Exit codes:" in asked.stdout


def test_an_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the code that shells know."""

    def interrupted() -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(reading, "session_mapping", interrupted)
    result = run("seal")
    assert (130, "") == (result.exit_code, result.stderr.strip())


class Broken(io.RawIOBase):
    """A stream that the operating system fails to read."""

    def readable(self) -> bool:
        """Claim to be fine."""
        return True

    def readinto(self, _buffer: Any) -> NoReturn:
        """Fail as a directory does."""
        raise OSError(errno.EISDIR, "Is a directory")


@pytest.mark.parametrize("command", ["seal", "unseal", "reseal"])
def test_standard_input_that_cannot_be_read(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a directory."""
    monkeypatch.setattr(reading, "standard_input", lambda: io.BufferedReader(Broken()))
    result = run(command)
    assert (2, True) == (result.exit_code, result.stderr.endswith("cannot be read: Is a directory. [not_readable]\n"))


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``<&-`` makes it in a shell."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        reading.standard_input()


def test_a_person_at_the_terminal_is_told_what_is_awaited(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise the command would seem to hang."""
    terminal = io.TextIOWrapper(io.BytesIO(b"AQAA\n"))
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert "AQAA" == reading.sealed_value(None)
    assert "Waiting for a sealed value. Ctrl-D ends it.\n" == capsys.readouterr().err
