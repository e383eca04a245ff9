"""The picture of the times: seal and unseal beside the peers, and every ratio beside its bar."""

from __future__ import annotations

from collections.abc import Mapping

from .machine import Machine
from .peers import IRON, LABELS, OURS
from .report import Check, Options
from .stopwatch import Spread
from .svg import WIDTH, Canvas

_MARGIN = 28
_ZERO = 270  # where the bars begin
_END = WIDTH - 210  # where the longest bar that is drawn in full ends
_CUT = WIDTH - 130  # and one that is cut open
_BAR_AT = _ZERO + 330  # where every ratio has its bar
_ROW, _THICK = 18, 12

Sides = Mapping[str, Spread | None]


def draw(times: Mapping[str, Sides], checks: list[Check], where: Machine, options: Options) -> str:
    """Draw the two operations and the ratios."""
    canvas = Canvas("Time to seal and unseal a session, by format", _describe(times, checks))
    canvas.text(_MARGIN, 42, "How long do seal and unseal take?", "title")
    rounds = f"medians of {options.processes} processes, {options.rounds} rounds in each"
    canvas.text(
        _MARGIN, 63, f"Microseconds for the session 'typical'; shorter is better. {rounds.capitalize()}.", "muted"
    )
    canvas.text(_MARGIN, 80, f"{where.python}, cryptography {where.cryptography}, {where.peers()}", "small")
    canvas.text(_MARGIN, 95, f"{where.cpu}, {where.platform}", "small")
    y = _draw_times(canvas, "Unseal", "on every request, until tokens and user are at hand", times["unseal"], 130)
    y = _draw_times(canvas, "Seal", "at sign-in and at every refresh", times["seal"], y + 32)
    y = _draw_checks(canvas, checks, y + 32)
    return canvas.to_svg(y + 18)


def _describe(times: Mapping[str, Sides], checks: list[Check]) -> str:
    spoken = [
        f"{operation}: "
        + ", ".join(f"{LABELS[side]} {spread.median:.1f}" for side in LABELS if (spread := times[operation][side]))
        for operation in ("unseal", "seal")
    ]
    ratios = [f"{check.what} {check}" for check in checks]
    return f"Microseconds. {'. '.join(spoken)}. Ratios and their bars: {'; '.join(ratios)}."


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


def _draw_checks(canvas: Canvas, checks: list[Check], y: float) -> float:
    canvas.text(_MARGIN, y, "Ratios and their bars", "heading")
    canvas.text(
        _MARGIN,
        y + 17,
        "How much of what its bar allows each ratio takes. Thin line: from process to process.",
        "muted",
    )
    y += 34
    bottom = y + len(checks) * 22 - 8
    canvas.text(_BAR_AT, y - 10, "the bar", "small limit-text", "middle")
    for number, check in enumerate(checks):
        _draw_check(canvas, check, y + number * 22)
    canvas.line((_BAR_AT, y - 6), (_BAR_AT, bottom), "limit", "4 3")
    return bottom


def _draw_check(canvas: Canvas, check: Check, y: float) -> None:
    canvas.text(_ZERO - 8, y + 10, check.what, "label", "end")
    if check.ratio is None:
        canvas.text(_ZERO, y + 10, "not measured", "muted")
        return
    canvas.bar(_ZERO, y, _position(check, check.ratio) - _ZERO, _THICK, "ours")
    if check.low is not None and check.high is not None:
        middle = y + _THICK / 2
        canvas.line((_position(check, check.low), middle), (_position(check, check.high), middle), "range")
    canvas.text(_BAR_AT + 90, y + 10, f"{check.ratio:.2f}", "value-ours", "end")
    limit = f"{'≥' if check.bar.at_least else '≤'} {check.bar.limit:g}"
    if check.holds:
        canvas.text(_BAR_AT + 100, y + 10, limit, "muted")
    else:
        canvas.text(_BAR_AT + 100, y + 10, f"{limit}, missed", "limit-text")


def _position(check: Check, ratio: float) -> float:
    """Place a ratio so that all bars stand below each other; one that has to be reached is turned round."""
    used = check.bar.limit / ratio if check.bar.at_least else ratio / check.bar.limit
    return min(_ZERO + used * (_BAR_AT - _ZERO), _BAR_AT + 50)
