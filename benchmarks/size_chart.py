"""The picture of the lengths: a panel for each table of ``size``."""

from __future__ import annotations

from .fits import Fit
from .machine import Machine
from .peers import IRON, LABELS, OURS
from .sizes import COLUMNS, OTHERS, SAMPLES, Measured
from .svg import WIDTH, Canvas

LIMIT = 4093
"""What a browser keeps of name, = and value."""

_MARGIN = 28
_ZERO = 290  # where the bars begin
_SCALE = (WIDTH - _ZERO - 96) / LIMIT  # pixels of a character
_ROW, _THICK = 16, 11


def draw(sessions: list[Measured], fit: dict[str, Fit], where: Machine) -> str:
    """Draw all three panels."""
    canvas = Canvas("Length of the cookie value, by format", _describe(sessions, fit))
    canvas.text(_MARGIN, 42, "One session, one cookie: how long is the value?", "title")
    canvas.text(
        _MARGIN, 63, "Characters of the cookie value; shorter is better. All are encrypted but itsdangerous*.", "muted"
    )
    versions = f"sealed-session {where.sealed_session}, {where.peers() or 'no peers'}, zlib {where.zlib}"
    canvas.text(_MARGIN, 80, versions, "small")
    y = _draw_samples(canvas, [session for session in sessions if session.group == SAMPLES], 116)
    y = _draw_others(canvas, [session for session in sessions if session.group == OTHERS], y + 34)
    y = _draw_fits(canvas, fit, y + 34)
    return canvas.to_svg(y + 20)


def _describe(sessions: list[Measured], fit: dict[str, Fit]) -> str:
    parts = [f"{session.name}: {_spoken(session)}" for session in sessions]
    grown = ", ".join(f"{LABELS[key]} {found.json}" for key, found in fit.items())
    return f"Characters of the cookie value. {'. '.join(parts)}. Bytes of JSON that fit one cookie: {grown}."


def _spoken(session: Measured) -> str:
    return ", ".join(f"{LABELS[key]} {value}" for key, value in session.values.items() if value is not None)


def _draw_samples(canvas: Canvas, sessions: list[Measured], y: float) -> float:
    canvas.text(_MARGIN, y, "Five AuthKit sessions", "heading")
    top = y = y + 16
    bottom = top + sum(len(_bars(session)) * _ROW + 14 for session in sessions) - 14
    edge = _ZERO + LIMIT * _SCALE
    canvas.line((edge, top - 4), (edge, bottom), "limit", "4 3")
    canvas.text(edge, top - 10, f"{LIMIT}: what a browser keeps, name included", "small limit-text", "end")
    for session in sessions:
        canvas.text(_MARGIN, y + 10, session.name, "strong")
        canvas.text(_MARGIN, y + 26, f"{session.json} bytes of JSON", "small")
        for key, value in _bars(session):
            _draw_bar(canvas, y, key, value)
            y += _ROW
        y += 14
    return bottom


def _bars(session: Measured) -> list[tuple[str, int]]:
    return [(key, value) for key in COLUMNS if (value := session.values[key]) is not None]


def _draw_bar(canvas: Canvas, y: float, key: str, value: int) -> None:
    is_ours = key == OURS
    label = "itsdangerous*" if key == "itsdangerous" else LABELS[key]
    canvas.text(_ZERO - 8, y + 10, label, "strong" if is_ours else "muted", "end")
    canvas.bar(_ZERO, y, value * _SCALE, _THICK, "ours" if is_ours else "peer")
    end = _ZERO + value * _SCALE
    if value > LIMIT - 300 and not is_ours:  # beside the bar it would meet the line
        canvas.text(end - 6, y + 9.5, str(value), "inside", "end")
    else:
        canvas.text(end + 6, y + 10, str(value), "value-ours" if is_ours else "muted")


def _draw_others(canvas: Canvas, sessions: list[Measured], y: float) -> float:
    y = _draw_remark(canvas, y)
    canvas.text(_MARGIN, y, "Sessions of other providers", "heading")
    canvas.text(
        _MARGIN,
        y + 17,
        "Blue is ours, before workos-python (Fernet) in grey; the mark is half of that, our aim.",
        "muted",
    )
    canvas.text(
        _MARGIN,
        y + 33,
        "The part at the left is signatures and opaque tokens: random, so nothing makes them shorter.",
        "muted",
    )
    y += 46
    for session in sessions:
        _draw_other(canvas, session, y)
        y += 20
    return y - 6


def _draw_remark(canvas: Canvas, y: float) -> float:
    canvas.text(_ZERO, y - 14, "* signed and compressed, but not encrypted: anybody can read the tokens", "small")
    return y + 12


def _draw_other(canvas: Canvas, session: Measured, y: float) -> None:
    canvas.text(_ZERO - 8, y + 10, session.name, "strong", "end")
    theirs = session.values["workos"]
    if theirs is not None:
        canvas.bar(_ZERO, y - 1, theirs * _SCALE, _THICK + 2, "track")
    canvas.bar(_ZERO, y, session.ours * _SCALE, _THICK, "ours")
    canvas.bar(_ZERO, y, session.random * _SCALE, _THICK, "random")
    if theirs is not None:
        half = _ZERO + theirs / 2 * _SCALE
        canvas.line((half, y - 3), (half, y + _THICK + 3), "limit")
    canvas.text(_ZERO + (theirs or session.ours) * _SCALE + 6, y + 10, _summary(session), "muted")


def _summary(session: Measured) -> str:
    ratio = session.ratio("workos")
    return str(session.ours) if ratio is None else f"{session.ours} of {session.values['workos']}: {ratio:.2f}"


def _draw_fits(canvas: Canvas, fit: dict[str, Fit], y: float) -> float:
    canvas.text(_MARGIN, y, "The largest session that fits one cookie", "heading")
    times = fit[OURS].json / fit[IRON].json
    canvas.text(
        _MARGIN, y + 17, f"'typical' with ever more permissions: {times:.1f} times the JSON of iron-session.", "muted"
    )
    y += 31
    scale = LIMIT * _SCALE / max(found.json for found in fit.values()) * 0.78
    for key, found in fit.items():
        canvas.text(_ZERO - 8, y + 10, LABELS[key], "strong" if key == OURS else "muted", "end")
        canvas.bar(_ZERO, y, found.json * scale, _THICK, "ours" if key == OURS else "peer")
        text = f"{found.json} bytes, {found.permissions} added"
        canvas.text(_ZERO + found.json * scale + 6, y + 10, text, "value-ours" if key == OURS else "muted")
        y += _ROW
    return y
