"""The picture of the requests: what Flask alone takes, and what a session adds to it."""

from __future__ import annotations

from collections.abc import Mapping

from .machine import Machine
from .report import Options
from .stopwatch import Spread
from .svg import WIDTH, Canvas

_MARGIN = 28
_ZERO = 270  # where the bars begin
_END = WIDTH - 150  # where the longest one ends
_ROW, _THICK = 22, 14

Spreads = Mapping[str, Spread | None]


def draw(labels: Mapping[str, str], times: Spreads, additions: Spreads, where: Machine, options: Options) -> str:
    """Draw one bar for each side: first what Flask alone takes, then what the side adds; names and order by label."""
    alone = next(spread.median for key in labels if (spread := times[key]))  # the first label's; medians do not add up
    measured = {
        key: spread.median if (extra := additions.get(key)) is None else alone + extra.median
        for key in labels
        if (spread := times[key])
    }
    canvas = Canvas("Time of a request, by session", _describe(labels, measured))
    canvas.text(_MARGIN, 42, "How much time does a request cost?", "title")
    rounds = f"medians of {options.processes} processes, {options.rounds} rounds in each"
    canvas.text(
        _MARGIN, 63, f"Microseconds with the session 'typical'; shorter is better. {rounds.capitalize()}.", "muted"
    )
    canvas.text(_MARGIN, 80, f"{where.python}, cryptography {where.cryptography}, {where.web()}", "small")
    canvas.text(_MARGIN, 95, f"{where.cpu}, {where.platform}", "small")
    scale = (_END - _ZERO) / max(measured.values())
    y = 118.0
    for key, time in measured.items():
        extra = additions.get(key)
        _draw_bar(canvas, y, labels[key], time, None if extra is None else extra.median, scale)
        y += _ROW
    return canvas.to_svg(y + 8)


def _describe(labels: Mapping[str, str], measured: Mapping[str, float]) -> str:
    return f"Microseconds. {', '.join(f'{labels[key]} {time:.0f}' for key, time in measured.items())}."


def _draw_bar(canvas: Canvas, y: float, label: str, time: float, extra: float | None, scale: float) -> None:
    is_ours = label.startswith("ours")
    middle = _ZERO + (time - max(extra or 0, 0)) * scale
    end = _ZERO + time * scale
    canvas.text(_ZERO - 8, y + 11, label, "strong" if is_ours else "muted", "end")
    canvas.bar(_ZERO, y, middle - _ZERO, _THICK, "track")
    if extra is not None:
        canvas.bar(middle, y, end - middle, _THICK, "ours" if is_ours else "peer")
    shown = f"{time:.0f}" if extra is None else f"{time:.0f} ({extra:+.0f})"
    canvas.text(end + 6, y + 11, shown, "value-ours" if is_ours else "muted")
