"""How long is the cookie value, and how large a session still fits one cookie? Lengths, so nothing here is timed."""

from __future__ import annotations

from dataclasses import asdict

from sealed_session.sealer import MAX_COOKIE_BYTES

from . import machine, peers, samples, size_chart, sizes
from .fits import Fit
from .peers import COOKIE_NAME, IRON, OURS
from .report import Bar, Check, Options, Report, paragraphs, table
from .sizes import COLUMNS, OTHERS, SAMPLES, Measured

OF_FERNET, OF_FERNET_MINIMAL, OF_IRON, OF_FERNET_OTHERS = Bar(0.44), Bar(0.46), Bar(0.44), Bar(0.50)
FITS = Bar(2.2, at_least=True)

_HEADS = {OURS: "ours", "workos": "Fernet", "jwe": "JWE", "itsdangerous": "signed", IRON: "iron"}


def measure(_options: Options) -> Report:
    """Seal every session in every format and measure the values."""
    measured, missing = sizes.measure_all()
    return _report(measured, sizes.fitting(samples.load("sessions")["typical"]), missing)


def checks_of(measured: list[Measured], fit: dict[str, Fit]) -> list[Check]:
    """Hold the ratios to their bars."""
    checks = []
    for session in measured:
        checks.append(_check(session, "workos", _bar_of_fernet(session)))
        if session.group == SAMPLES:
            checks.append(_check(session, IRON, OF_IRON))
    ratio = fit[OURS].json / fit[IRON].json
    return [*checks, Check(f"fits/{IRON}", "JSON that fits one cookie / iron-session's", ratio, FITS)]


def _bar_of_fernet(session: Measured) -> Bar:
    if session.group == OTHERS:
        return OF_FERNET_OTHERS
    return OF_FERNET_MINIMAL if session.name == "minimal" else OF_FERNET


def _check(session: Measured, key: str, bar: Bar) -> Check:
    return Check(f"{session.name}/{key}", f"{session.name} / {peers.LABELS[key]}", session.ratio(key), bar)


def _report(measured: list[Measured], fit: dict[str, Fit], missing: dict[str, str]) -> Report:
    checks = checks_of(measured, fit)
    where = machine.inspect()
    return Report(
        name="size",
        figures={
            "cookie_name": COOKIE_NAME,
            "limit": MAX_COOKIE_BYTES,
            "sessions": [session.to_mapping() for session in measured],
            "fits": {key: asdict(value) for key, value in fit.items()},
        },
        checks=checks,
        blocks=_blocks(measured, fit, checks),
        missing=missing,
        machine=where,
        chart=size_chart.draw(measured, fit, where),
    )


def _blocks(measured: list[Measured], fit: dict[str, Fit], checks: list[Check]) -> list[str]:
    by_id = {check.id: check for check in checks}
    own = [session for session in measured if session.group == SAMPLES]
    others = [session for session in measured if session.group == OTHERS]
    return [
        "Characters of the cookie value. JSON: bytes.",
        _samples_table(own, by_id),
        _others_table(others, by_id),
        *_reasons(others, by_id),
        _fits_table(fit, by_id[f"fits/{IRON}"]),
        _legend(),
    ]


def _samples_table(sessions: list[Measured], checks: dict[str, Check]) -> str:
    columns = _columns_of(sessions)
    head = ["the five samples", "JSON", *[_HEADS[key] for key in columns], "ours / Fernet", "ours / iron"]
    rows = [
        [*_cells(session, columns), str(checks[f"{session.name}/workos"]), str(checks[f"{session.name}/{IRON}"])]
        for session in sessions
    ]
    return table(head, rows)


def _others_table(sessions: list[Measured], checks: dict[str, Check]) -> str:
    columns = _columns_of(sessions)
    head = ["other providers", "JSON", *[_HEADS[key] for key in columns], "ours / Fernet", "floor"]
    rows = [
        [*_cells(session, columns), str(checks[f"{session.name}/workos"]), _fraction(session.floor())]
        for session in sessions
    ]
    return table(head, rows)


def _columns_of(sessions: list[Measured]) -> list[str]:
    """Leave out what a missing package would have measured. iron-session stays, to say that it was not."""
    return [key for key in COLUMNS if key == IRON or sessions[0].values[key] is not None]


def _cells(session: Measured, columns: list[str]) -> list[str]:
    values = [session.values[key] for key in columns]
    return [session.name, str(session.json), *["not measured" if value is None else str(value) for value in values]]


def _fraction(ratio: float | None) -> str:
    return "not measured" if ratio is None else f"{ratio:.3f}"


def _reasons(sessions: list[Measured], checks: dict[str, Check]) -> list[str]:
    """Say of what a value is made where it misses its bar."""
    missed = [session for session in sessions if checks[f"{session.name}/workos"].holds is False]
    lines = [
        f"{session.name}: of {session.ours} characters {session.random} are signatures and opaque tokens, "
        f"{session.overhead} the envelope, {session.ours - session.random - session.overhead} the {session.text} bytes "
        "of header, claims and user, compressed."
        for session in missed
    ]
    return [paragraphs(["Where the bar does not hold:", *lines])] if lines else []


def _fits_table(fit: dict[str, Fit], check: Check) -> str:
    head = ["what fits one cookie", "permissions added", "JSON", "ours / iron"]
    rows = [
        [peers.LABELS[key], str(found.permissions), str(found.json), str(check) if key == OURS else ""]
        for key, found in fit.items()
    ]
    return table(head, rows)


def _legend() -> str:
    return paragraphs(
        [
            "Fernet: workos-python. JWE: dir, A256GCM (joserfc). iron: iron-session on Node, named as AuthKit does.",
            "signed: itsdangerous URLSafeSerializer; signed and compressed, NOT encrypted: anybody can read it.",
            "floor: signatures and opaque tokens, which nothing compresses, in proportion to Fernet.",
            f"fits: name, = and value within {MAX_COOKIE_BYTES}. The others by the length formula of their format.",
        ]
    )
