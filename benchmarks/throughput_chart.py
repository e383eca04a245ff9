"""The picture of the times: seal and unseal beside the peers."""

from __future__ import annotations

from collections.abc import Mapping

from .machine import Machine
from .peers import IRON, LABELS, OURS
from .report import Options
from .stopwatch import Spread
from .svg import WIDTH, Canvas

_MARGIN = 28
_ZERO = 270  # where the bars begin
_END = WIDTH - 210  # where the longest bar that is drawn in full ends
_CUT = WIDTH - 130  # and one that is cut open
_ROW, _THICK = 18, 12

Sides = Mapping[str, Spread | None]


def draw(times: Mapping[str, Sides], where: Machine, options: Options) -> str:
    """Draw the two operations."""
    canvas = Canvas("Time to seal and unseal a session, by format", _describe(times))
    canvas.text(_MARGIN, 42, "How long do seal and unseal take?", "title")
    rounds = f"medians of {options.processes} processes, {options.rounds} rounds in each"
    canvas.text(
        _MARGIN, 63, f"Microseconds for the session 'typical'; shorter is better. {rounds.capitalize()}.", "muted"
    )
    canvas.text(_MARGIN, 80, f"{where.python}, cryptography {where.cryptography}, {where.peers()}", "small")
    canvas.text(_MARGIN, 95, f"{where.cpu}, {where.platform}", "small")
    y = _draw_times(canvas, "Unseal", "on every request, until tokens and user are at hand", times["unseal"], 130)
    y = _draw_times(canvas, "Seal", "at sign-in and at every refresh", times["seal"], y + 32)
    return canvas.to_svg(y + 18)


def _describe(times: Mapping[str, Sides]) -> str:
    spoken = [
        f"{operation}: "
        + ", ".join(f"{LABELS[side]} {spread.median:.1f}" for side in LABELS if (spread := times[operation][side]))
        for operation in ("unseal", "seal")
    ]
    return f"Microseconds. {'. '.join(spoken)}."


def _draw_times(canvas: Canvas, heading: str, remark: str, sides: Sides, y: float) -> float:
    canvas.text(_MARGIN, y, heading, "heading")
    canvas.text(_MARGIN, y + 17, remark, "muted")
    y += 30
    measured = {side: spread.median for side in LABELS if (spread := sides[side])}
    scale = (_END - _ZERO) / max(median for side, median in measured.items() if side != IRON)
    for side, median in measured.items():
        _draw_bar(canvas, y, side, median, scale)
        y += _ROW
    return y - _ROW + _THICK


def _draw_bar(canvas: Canvas, y: float, side: str, median: float, scale: float) -> None:
    is_ours = side == OURS
    label = "itsdangerous, signed only" if side == "itsdangerous" else LABELS[side]
    end = min(_ZERO + median * scale, _CUT)
    canvas.text(_ZERO - 8, y + 10, label, "strong" if is_ours else "muted", "end")
    canvas.bar(_ZERO, y, end - _ZERO, _THICK, "ours" if is_ours else "peer")
    if _ZERO + median * scale > _CUT:
        canvas.gap(_CUT - 40, y, _THICK)
    canvas.text(
        end + 6, y + 10, f"{median:.1f}" if median < 100 else f"{median:.0f}", "value-ours" if is_ours else "muted"
    )
