"""The command line as its users start it: as a process of its own, with and without click and rich."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from sealed_session import KeyRing, Sealer, cli, generate_password
from sealed_session.cli import without_click
from tests.conftest import SAMPLES
from tests.core.test_cli_commands import OLD, PASSWORD, TYPICAL, TYPICAL_JSON, no_settings, sealed_with

__all__ = ["no_settings"]  # the fixture counts for this file, too

MODULE = ["-m", "sealed_session"]


def start(*words: str, given: str = "", python: list[str] = MODULE) -> subprocess.CompletedProcess[str]:
    """Run a process to its end."""
    env = os.environ | {"SEALED_SESSION_PASSWORD": PASSWORD, "PYTHONWARNINGS": "error"}
    command = [sys.executable, *python, *words]
    return subprocess.run(command, input=given, env=env, capture_output=True, encoding="utf-8", check=False)


def without(*modules: str) -> list[str]:
    """Return how to start the command line where modules are not installed."""
    missing = "; ".join(f"sys.modules[{module!r}] = None" for module in modules)
    return ["-c", f"import sys; {missing}; from sealed_session.cli import main; main()"]


def test_seal_and_unseal_through_pipes() -> None:
    """What comes out is what went in."""
    sealed = start("seal", given=TYPICAL_JSON)
    opened = start("unseal", given=sealed.stdout)
    assert (0, "", SAMPLES["typical"]) == (opened.returncode, opened.stderr, json.loads(opened.stdout))


def test_a_failure_is_one_line_and_an_exit_code() -> None:
    """And no traceback."""
    result = start("unseal", given=sealed_with(OLD))
    assert (1, "") == (result.returncode, result.stdout)
    assert 1 == result.stderr.count("\n")
    assert result.stderr.endswith("[unknown_key]\n")


def test_a_drawing_in_a_pipe_has_no_escape_codes() -> None:
    """Also where rich is installed."""
    result = start("size", given=TYPICAL_JSON)
    assert (0, False) == (result.returncode, "\x1b" in result.stdout)


def test_without_rich_drawings_are_plain_text() -> None:
    """The same ones."""
    assert start("size", given=TYPICAL_JSON).stdout == start("size", given=TYPICAL_JSON, python=without("rich")).stdout


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_generate_password_needs_no_click(words: list[str]) -> None:
    """Nor rich: a password can be made before anything else is installed."""
    result = start("generate-password", *words, python=without("click", "rich"))
    password = json.loads(result.stdout)["password"] if words else result.stdout.strip()
    assert (0, "") == (result.returncode, result.stderr)
    assert TYPICAL == Sealer(KeyRing(password)).unseal(sealed_with(password)).session


@pytest.mark.parametrize("words", [["seal"], [], ["generate-password", "--bogus"]])
def test_without_click_other_commands_name_what_to_install(words: list[str]) -> None:
    """And exit with 2."""
    result = start(*words, given=TYPICAL_JSON, python=without("click"))
    assert (2, "") == (result.returncode, result.stdout)
    assert "pip install 'sealed-session[cli]'" in result.stderr
    assert result.stderr.endswith("[extra_missing]\n")


def test_importing_the_package_imports_neither_click_nor_rich() -> None:
    """Nor does importing the command line."""
    program = "import sys, sealed_session.cli; print({'click', 'rich'} & set(sys.modules))"
    assert "set()\n" == start(python=["-c", program]).stdout


def test_a_reader_that_has_had_enough_ends_it_quietly(tmp_path: Path) -> None:
    """As ``| head`` does."""
    file = tmp_path / "cookies"
    file.write_text(f"{sealed_with(PASSWORD)}\n" * 500, encoding="ascii")
    env = os.environ | {"SEALED_SESSION_PASSWORD": PASSWORD}
    command = [sys.executable, "-m", "sealed_session", "reseal", str(file)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert (141, b"") == (process.wait(), process.stderr.read())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_an_interrupt_ends_it_quietly() -> None:
    """While it waits for input."""
    env = os.environ | {"SEALED_SESSION_PASSWORD": PASSWORD}
    command, pipe = [sys.executable, "-m", "sealed_session", "reseal"], subprocess.PIPE
    # A shell that runs the suite in the background ignores the signal, and its children would too.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=heed) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()  # from here on it waits for the next line
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate()
    assert (130, b"") == (process.returncode, shown.strip())


def test_main_takes_the_words_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where none are given."""
    monkeypatch.setattr(sys, "argv", ["sealed-session", "generate-password"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (0, True) == (ended.value.code, capfd.readouterr().out.startswith("ssk1_"))


@pytest.mark.usefixtures("pythons_own_import")
def test_the_package_is_a_program(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The same one: ``python -m sealed_session``."""
    monkeypatch.setattr(sys, "argv", ["sealed_session", "generate-password"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("sealed_session", run_name="__main__")
    assert (0, True) == (ended.value.code, capfd.readouterr().out.startswith("ssk1_"))


@pytest.mark.usefixtures("pythons_own_import")
def test_importing_the_program_does_not_run_it(capfd: pytest.CaptureFixture[str]) -> None:
    """As tools that read every module do."""
    runpy.run_module("sealed_session.__main__", run_name="imported")
    assert ("", "") == capfd.readouterr()


def test_main_takes_words(capfd: pytest.CaptureFixture[str]) -> None:
    """And says which release it is under its own name."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert (0, True) == (ended.value.code, capfd.readouterr().out.startswith("sealed-session, version "))


def test_the_group_takes_the_words_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As click's own does."""
    from sealed_session.cli.commands import cli as group

    monkeypatch.setattr(sys, "argv", ["sealed-session", "bogus"])
    with pytest.raises(SystemExit) as ended:
        group.main()
    assert 2 == ended.value.code


def test_without_click_in_this_process(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The same as in another one, where coverage sees it."""
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit) as ended:
        cli.main(["seal"])
    assert (2, True) == (ended.value.code, "[extra_missing]" in capfd.readouterr().err)
    assert 0 == without_click.run(["generate-password", "--json"])
    assert generate_password()[:5] == json.loads(capfd.readouterr().out)["password"][:5]
