"""Where output goes: colour on a terminal that has it, plain text elsewhere, and streams that break."""

from __future__ import annotations

import io
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from sealed_session import UsageError
from sealed_session.cli import screen
from sealed_session.cli.drawing import Line

LINES: list[Line] = [[("size", "bold"), (" Ø [red]", "")], []]


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal and keeps what is written."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)

    def isatty(self) -> bool:
        """Claim to be one."""
        return True

    @property
    def text(self) -> str:
        """What was written."""
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal with colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return Terminal()


def test_a_terminal_gets_colours(terminal: Terminal) -> None:
    """And texts as they are: nothing in them is markup."""
    with redirect_stdout(terminal):
        screen.draw(LINES)
        assert screen.pen().colour
    assert "\x1b[1msize\x1b[0m Ø [red]\n\n" == terminal.text


@pytest.mark.parametrize("why", ["NO_COLOR", "TERM", "rich", "pipe"])
def test_without_colours_it_is_plain_text(terminal: Terminal, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR, a dumb terminal, no rich, no terminal: not one escape code."""
    if why == "rich":
        monkeypatch.setitem(sys.modules, "rich.console", None)
    elif why == "pipe":
        monkeypatch.setattr(terminal, "isatty", lambda: False)
    else:
        monkeypatch.setenv(why, "dumb")
    with redirect_stdout(terminal):
        screen.draw(LINES)
        assert not screen.pen().colour
    assert "size Ø [red]\n\n" == terminal.text


def test_the_pen_is_as_wide_as_the_terminal_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too wide a bar is no better to read, and too narrow a one does not exist."""
    widths = []
    for columns in ("20", "72", "400"):
        monkeypatch.setenv("COLUMNS", columns)
        widths.append(screen.pen().width)
    assert [40, 72, 100] == widths


def test_a_stream_without_utf_8_gets_ascii_and_escapes() -> None:
    """Instead of an error."""
    terminal = Terminal("ascii")
    with redirect_stdout(terminal):
        assert not screen.pen().blocks
        screen.write("Ø")
    assert "\\xd8\n" == terminal.text


def test_json_is_utf_8_wherever_it_goes() -> None:
    """RFC 8259, section 8.1."""
    stream = Terminal("latin-1")
    with redirect_stdout(stream):
        screen.write_json({"name": "Ø"})
    assert '{"name": "Ø"}\n' == stream.text.encode("latin-1").decode()


def test_a_closed_pipe_ends_the_program_quietly() -> None:
    """With the code that shells know; what is flushed later goes nowhere."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream, redirect_stdout(stream):
        with pytest.raises(SystemExit) as ended:
            screen.write("anything")
        stream.write("more")
    assert 141 == ended.value.code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_an_error() -> None:
    """Not a traceback, now or when Python flushes at its end."""
    problem = "standard output cannot be written: No space left on device"
    with Path("/dev/full").open("w") as stream, redirect_stdout(stream), pytest.raises(UsageError, match=problem):
        screen.write("anything")


def test_closed_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is needed; without standard error nothing is said."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(UsageError, match="standard output is closed"):
        screen.write("anything")
    screen.write_error("anything")


@pytest.mark.parametrize("total", [200, None])
def test_a_terminal_gets_a_progress_bar(terminal: Terminal, total: int | None) -> None:
    """Which says how far it is, and is gone at the end; standard output stays as it is."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(output), redirect_stderr(terminal), screen.progress(total) as advance:
        screen.write("a line")
        advance(100, "1 resealed, 0 failed")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.text)
    assert "1 resealed, 0 failed" in shown
    assert ("50%" in shown) == (total is not None)
    assert b"a line\n" == output.detach().getvalue()


@pytest.mark.parametrize("why", ["output", "pipe", "rich"])
def test_no_progress_bar(terminal: Terminal, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the lines themselves are on the terminal, where there is none, and without rich."""
    output = Terminal() if why == "output" else io.TextIOWrapper(io.BytesIO())
    if why == "pipe":
        monkeypatch.setattr(terminal, "isatty", lambda: False)
    if why == "rich":
        monkeypatch.setitem(sys.modules, "rich.console", None)
    with redirect_stdout(output), redirect_stderr(terminal), screen.progress(200) as advance:
        advance(100, "1 resealed, 0 failed")
    assert "" == terminal.text
