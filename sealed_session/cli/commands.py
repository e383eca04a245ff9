"""What can be typed. Each command reads, calls the library, writes, and returns its exit code."""

from __future__ import annotations

import time

import click

from .. import __version__, passwords, peer_sizes
from ..errors import UnsealError
from ..keyring import KeyRing
from ..sealer import MAX_COOKIE_BYTES, Sealer, Unsealed
from ..session import Session
from ..size import SealTooLarge, SizeReport
from . import drawing, failures, inspecting, options, reading, recognising, resealing, screen
from .group import Guarded
from .key_material import key_ring, key_ring_if_any
from .texts import json_text
from .without_click import print_password

_EPILOG = """\b
Passwords come from the environment or from a file, never from an argument:
  SEALED_SESSION_PASSWORD             the password
  SEALED_SESSION_PASSWORD_FALLBACKS   a JSON list of former ones
  --password-file FILE                in place of SEALED_SESSION_PASSWORD

\b
Exit codes:
  0  fine
  1  a value did not open
  2  wrong options, no or a weak password, or input that is no session
  3  the session cannot be sealed
"""


@click.group(cls=Guarded, invoke_without_command=True, epilog=_EPILOG)
@click.version_option(__version__, prog_name="sealed-session")
@click.pass_context
def cli(context: click.Context) -> int | None:
    """Seal sessions into cookie values, open them, and see where their bytes go."""
    if context.invoked_subcommand is not None:
        return None
    screen.write(context.get_help())
    return failures.USAGE


@cli.command("generate-password")
@options.as_json
def generate_password(*, as_json: bool) -> None:
    """Make a new password."""
    print_password(as_json=as_json)


@cli.command()
@options.sealing
@options.as_json
def seal(*, password_file: str | None, name: str, context: str, as_json: bool) -> None:
    """Seal a session.

    Reads its JSON from standard input and writes one cookie value.
    """
    sealer = options.sealer(key_ring(password_file), name, context)
    sealed = sealer.seal(reading.session_mapping())
    if as_json:
        cookie = len(name) + 1 + len(sealed)
        counts = {"value": len(sealed), "cookie": cookie, "limit": MAX_COOKIE_BYTES, "left": MAX_COOKIE_BYTES - cookie}
        screen.write_json({"sealed": sealed, "name": name, **counts})
    else:
        screen.write(sealed)


@cli.command()
@options.sealed
@options.sealing
@options.as_json
def unseal(*, sealed: str | None, password_file: str | None, name: str, context: str, as_json: bool) -> None:
    """Open a sealed value.

    Takes it from standard input or as the argument and writes the session as JSON.
    """
    sealer = options.sealer(key_ring(password_file), name, context)
    opened = _open(sealer, reading.sealed_value(sealed))
    session = opened.session.to_mapping()
    if not as_json:
        screen.write_json(session, indent=2)
        return
    screen.write_json(
        {
            "session": session,
            "started_at": opened.started_at,
            "sealed_at": opened.sealed_at,
            "format": opened.format,
            "password_index": opened.password_index,
            "needs_reseal": opened.needs_reseal,
            "reseal_reasons": list(opened.reseal_reasons),
        }
    )


@cli.command()
@options.sealed
@options.sealing
@click.option("--show-tokens", is_flag=True, help="Write the tokens themselves.")
@options.as_json
def inspect(
    *,
    sealed: str | None,
    password_file: str | None,
    name: str,
    context: str,
    show_tokens: bool,
    as_json: bool,
) -> None:
    """Look into a sealed value.

    Without a password: its lengths. With one: who, since when, by which key, and where the bytes go.
    """
    ring = key_ring_if_any(password_file)
    sealer = options.sealer(ring, name, context) if ring else None
    value = reading.sealed_value(sealed)
    finding = inspecting.inspect(value, name, sealer, len(ring or ()), show_tokens=show_tokens)
    if as_json:
        screen.write_json(finding.known)
    else:
        screen.draw(finding.lines(int(time.time()), screen.pen()))
    if finding.failure:
        raise finding.failure


@cli.command()
@options.name
@options.as_json
def size(*, name: str, as_json: bool) -> None:
    """Draw where the bytes of a session go.

    Reads its JSON from standard input. Needs no password.
    """
    session = Session.from_mapping(reading.session_mapping())
    sealer = Sealer(KeyRing(passwords.generate_password()), name=name)  # any password: the size is the same
    report = sealer.measure(session)
    peers = _peers(session, name)
    if as_json:
        rows = {peer.label.lower(): _row(peer, report) for peer in peers}
        screen.write_json({**report.to_mapping(), "peers": rows})
    else:
        pen = screen.pen()
        screen.draw([*drawing.budget(report, pen), *drawing.comparison(report, peers, pen)])
    if not report.fits:
        raise SealTooLarge("this session does not fit; it cannot be sealed.", report)


@cli.command()
@click.argument("file", required=False)
@options.sealing
@options.as_json
def reseal(*, file: str | None, password_file: str | None, name: str, context: str, as_json: bool) -> int:
    """Seal many values again.

    Takes them one per line from FILE or standard input, opens each with whichever password sealed it and seals it
    with the current one. Writes one line per line; an empty one for a value that failed. When the person signed in
    is kept.
    """
    sealer = options.sealer(key_ring(password_file), name, context)
    tally = resealing.Tally()
    with reading.opened(file) as stream, screen.progress(reading.bytes_ahead(stream)) as advance:
        for number, line in enumerate(resealing.reseal(reading.sealed_lines(stream), sealer), 1):
            tally.add(line)
            if as_json:
                screen.write_json({"line": number, "sealed": line.sealed, "error": line.error})
            else:
                screen.write(line.sealed or "")
            advance(line.took, tally.brief())
    screen.write_error(json_text(tally.to_mapping()) if as_json else f"sealed-session: {tally}")
    return failures.NOT_OPENED if tally.failed else failures.FINE


def _open(sealer: Sealer, sealed: str) -> Unsealed:
    try:
        return sealer.unseal(sealed)
    except UnsealError as error:
        raise recognising.explained(error, sealed) from None


def _peers(session: Session, name: str) -> list[drawing.Peer]:
    values = session.to_mapping()
    return [
        drawing.Peer("Fernet", len(name) + 1 + peer_sizes.fernet_characters(values)),
        drawing.Peer("iron", len(name) + 1 + peer_sizes.iron_characters(values)),
    ]


def _row(peer: drawing.Peer, report: SizeReport) -> dict[str, int | bool]:
    left = report.limit - peer.cookie
    return {"value": peer.cookie - len(report.name) - 1, "cookie": peer.cookie, "left": left, "fits": left >= 0}
