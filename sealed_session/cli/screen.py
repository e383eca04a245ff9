"""Where output goes: in colour on a terminal, as plain text anywhere else, and JSON always as UTF-8.

Colour needs rich, a terminal and no NO_COLOR (https://no-color.org). Nothing here decides what is said.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import UsageError
from .drawing import Line, Pen
from .texts import json_text

if TYPE_CHECKING:
    from rich.console import Console

CLOSED_PIPE = 141
"""What a shell reports of a program that SIGPIPE ended."""

_NARROWEST, _WIDEST = 40, 100


def write(text: str, *, encoding: str | None = None) -> None:
    """Write a line to standard output; what its encoding lacks is written as escapes.

    Raises:
        UsageError: Standard output is closed, or its disk is full.
        SystemExit: Whoever read the pipe has had enough.
    """
    if sys.stdout is None:
        raise UsageError("standard output is closed.", code="not_writable")
    problem = _write(text, sys.stdout, encoding or sys.stdout.encoding)
    if problem is not None:
        raise UsageError(f"standard output cannot be written: {problem}.", code="not_writable")


def write_error(text: str) -> None:
    """Write a line to standard error, if there is one."""
    if sys.stderr is not None:
        _write(text, sys.stderr, sys.stderr.encoding)


def write_json(value: object, *, indent: int | None = None) -> None:
    """Write JSON to standard output, in UTF-8 wherever it goes (RFC 8259, section 8.1)."""
    write(json_text(value, indent=indent), encoding="utf-8")


def pen() -> Pen:
    """Return what standard output can show."""
    width = shutil.get_terminal_size().columns
    return Pen(
        colour=_console() is not None,
        blocks=(sys.stdout.encoding or "").lower().startswith("utf"),
        width=min(max(width, _NARROWEST), _WIDEST),
    )


def draw(lines: Iterable[Line]) -> None:
    """Write lines to standard output, in colour where it has colours."""
    console = _console()
    for line in lines:
        write(_plain(line) if console is None else _coloured(line, console))


@contextmanager
def progress(total: int | None) -> Iterator[Callable[[int, str], None]]:
    """Show a bar on standard error while the block runs.

    Shows nothing where that is no terminal, where standard output is one too (its lines say enough), without rich.

    Args:
        total: Bytes to do; None where nobody knows.

    Yields:
        A function to call with the bytes done since its last call, and what to say beside the bar.
    """
    if not _is_terminal(sys.stderr) or _is_terminal(sys.stdout):
        yield lambda _done, _said: None
        return
    try:
        from rich import progress as rich_progress
        from rich.console import Console
    except ImportError:
        yield lambda _done, _said: None
        return
    columns = (
        rich_progress.SpinnerColumn(),
        rich_progress.BarColumn(),
        rich_progress.TaskProgressColumn(),
        rich_progress.TextColumn("{task.description}"),
        rich_progress.TimeRemainingColumn(),
    )
    console = Console(file=sys.stderr)
    # Not redirected: `write` needs the streams as they are.
    with rich_progress.Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, said: bar.update(task, advance=done, description=said)


def _write(text: str, stream: TextIO, encoding: str) -> str | None:
    """Write a line past the text layer, whose encoding may lack a character. Returns what went wrong."""
    try:
        stream.flush()
        stream.buffer.write(f"{text}\n".encode(encoding, "backslashreplace"))
        stream.buffer.flush()
    except BrokenPipeError:
        _let_go(stream)
    except OSError as error:
        _let_go(stream)
        return str(error.strerror)
    else:
        return None
    raise SystemExit(CLOSED_PIPE)


def _let_go(stream: TextIO) -> None:
    """Point a stream that broke elsewhere, so that Python does not complain when it flushes it at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _is_terminal(stream: Any) -> bool:
    return stream is not None and bool(stream.isatty())


def _console() -> Console | None:
    """Return rich's console where standard output has colours."""
    if not _is_terminal(sys.stdout) or os.environ.get("NO_COLOR"):
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(file=sys.stdout, highlight=False)
    return None if console.legacy_windows or console.color_system is None else console


def _plain(line: Line) -> str:
    return "".join(text for text, _style in line).rstrip()


def _coloured(line: Line, console: Console) -> str:
    from rich.text import Text

    with console.capture() as captured:
        console.print(Text.assemble(*line), soft_wrap=True, end="")
    return captured.get()
