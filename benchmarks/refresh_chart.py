"""The picture of the storm: a square for each call of the provider and for each request, and who waits how long."""

from __future__ import annotations

from .machine import Machine
from .refresh_figures import LABELS, REQUESTS, STORES, STRAGGLERS, WORKOS, Delays, Found, Side
from .svg import Canvas

_SUBTITLE = "The provider takes a refresh token once, and answers after {:g} s. Orange squares are calls too many."

_MARGIN = 28
_ZERO = 300  # where squares and bars begin
_PITCH, _SQUARE = 8.4, 6.6
_LINE = 15  # from the calls to the answers
_ROW, _THICK = 22, 12
_END = _ZERO + REQUESTS * _PITCH


def draw(found: Found, where: Machine, latency: float) -> str:
    """Draw both panels."""
    measured = {key: side for key in (WORKOS, *STORES) if (side := found.sides.get(key))}
    canvas = Canvas(f"{REQUESTS} requests with one ended access token", _describe(measured))
    canvas.text(_MARGIN, 42, f"{REQUESTS} requests at once, one ended access token: who goes on?", "title")
    canvas.text(_MARGIN, 63, _SUBTITLE.format(latency), "muted")
    canvas.text(_MARGIN, 80, _versions(found, where), "small")
    canvas.text(_MARGIN, 95, f"{where.cpu}, {where.cpus} CPUs, {where.platform}", "small")
    y = 122.0
    for key, side in measured.items():
        _draw_side(canvas, y, key, side)
        y += 2 * _LINE + 20
    return canvas.to_svg(_draw_delays(canvas, measured, y + 10) + 22)


def _versions(found: Found, where: Machine) -> str:
    others = {"workos": where.workos, "Flask": where.flask, "gunicorn": found.versions.get("gunicorn")}
    stores = {"SQLite": found.versions.get("sqlite"), "Redis": found.versions.get("redis_server")}
    listed = [f"{name} {number}" for name, number in {**others, **stores}.items() if number]
    return ", ".join([where.python, f"sealed-session {where.sealed_session}", *listed])


def _describe(measured: dict[str, Side]) -> str:
    parts = [
        f"{LABELS[key]}: {side.calls - side.later_calls} provider calls, {side.ok} of {REQUESTS} requests answered 200"
        for key, side in measured.items()
    ]
    delays = [
        f"{LABELS[key]} {late.p50:.0f}" for key, side in measured.items() if key in STORES and (late := side.late)
    ]
    return f"{'. '.join(parts)}. Median milliseconds after the provider's answer: {', '.join(delays)}."


def _draw_side(canvas: Canvas, y: float, key: str, side: Side) -> None:
    """Draw the calls, those beyond the one that is needed in the colour of a limit that is passed; then the answers."""
    is_ours, calls = key != WORKOS, side.calls - side.later_calls
    fill, value = ("ours", "value-ours") if is_ours else ("peer", "muted")
    canvas.text(_MARGIN, y + 8, LABELS[key], "strong" if is_ours else "label")
    canvas.text(_MARGIN, y + 8 + _LINE, _afterwards(side), "small")
    canvas.text(_ZERO - 8, y + 8, "calls", "small", "end")
    canvas.text(_ZERO - 8, y + 8 + _LINE, "answers", "small", "end")
    _squares(canvas, y, [fill] * min(calls, 1) + ["limit-text"] * (calls - 1))
    _squares(canvas, y + _LINE, [fill] * side.ok)
    canvas.text(_END + 8, y + 8, f"{calls} call{'s' if calls != 1 else ''}", value)
    canvas.text(_END + 8, y + 8 + _LINE, f"{side.ok} of {REQUESTS} go on", value)


def _afterwards(side: Side) -> str:
    return f"then {STRAGGLERS} with the old cookie: {side.later_ok} go on"


def _squares(canvas: Canvas, y: float, filled: list[str]) -> None:
    """Draw a square for each request, the first ones in styles of their own."""
    for number in range(REQUESTS):
        style = filled[number] if number < len(filled) else "track"
        canvas.bar(_ZERO + number * _PITCH, y, _SQUARE, _SQUARE + 2, style)


def _draw_delays(canvas: Canvas, measured: dict[str, Side], y: float) -> float:
    """Draw how much later than the provider's answer the answers came; a grid line for each of a few round times."""
    waits = {key: late for key, side in measured.items() if key in STORES and (late := side.late)}
    canvas.text(_MARGIN, y, "How much later than the provider's answer?", "heading")
    canvas.text(
        _MARGIN,
        y + 17,
        f"Milliseconds until half of the {REQUESTS} had theirs (blue), 95 % (grey), the last one (mark).",
        "muted",
    )
    y += 30
    scale = (_END - _ZERO) / max((late.longest for late in waits.values()), default=1)
    for key, late in waits.items():
        _draw_delay(canvas, y, key, late, scale)
        y += _ROW
    for text in _remarks(measured):
        canvas.text(_MARGIN, y + 10, text, "small")
        y += 15
    return y - 5


def _remarks(measured: dict[str, Side]) -> list[str]:
    """Say what the servers take in any case, and what the first storm took."""
    sides = [side for key, side in measured.items() if key in STORES]
    good = [delays.p50 for side in sides if (delays := side.undisturbed)]
    first = [delays.p50 for side in sides if len(side.storms) > 1 and (delays := side.late_at_first)]
    said = {
        "As many requests with a good cookie, nothing to refresh: half within {} of being sent.": good,
        "The first storm, which opens files and fetches keys, is not among these: half within {}.": first,
    }
    return [text.format(_between(figures)) for text, figures in said.items() if figures]


def _between(figures: list[float]) -> str:
    low, high = round(min(figures)), round(max(figures))
    return f"{low}" if low == high else f"{low} to {high}"


def _draw_delay(canvas: Canvas, y: float, key: str, late: Delays, scale: float) -> None:
    end = _ZERO + late.longest * scale
    canvas.text(_ZERO - 8, y + 10, LABELS[key], "strong", "end")
    canvas.bar(_ZERO, y + _THICK / 2 - 1, end - _ZERO, 2, "peer")
    canvas.bar(_ZERO, y, late.p95 * scale, _THICK, "track")
    canvas.bar(_ZERO, y, late.p50 * scale, _THICK, "ours")
    canvas.line((end, y), (end, y + _THICK), "limit")
    canvas.text(end + 8, y + 10, f"{late.p50:.0f}, {late.p95:.0f}, {late.longest:.0f}", "value-ours")
