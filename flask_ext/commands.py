"""``flask sealed-session check | inspect | size``: each reads, asks, writes, and returns its exit code.

They are the command line's own commands (sealed_session/cli), with the application's passwords, names and limits. An
error is one line and an exit code, and nothing that was typed is quoted. docs/commands.md has every key and code.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from sealed_session import SealedSessionError, Sealer, SealTooLarge, Session, SizeReport, UsageError
from sealed_session.cli import drawing, failures, inspecting, reading, screen
from sealed_session.cli.drawing import BAD, GOOD, NONE, WARN, Line
from sealed_session.cli.group import without_what_was_typed

from . import diagnosis, findings, keeping, places, sealing, state
from .sealing import Sealing
from .state import AppState

_WORDS = "sealed_session.words"

_SEALED_AS = {
    "complete": ("complete", GOOD),
    "id_and_email": ("with id and email alone of the user", WARN),
    "without_user": ("without the user", WARN),
    "nothing": ("not at all; the browser keeps the cookie that it has", BAD),
}

_as_json = click.option(
    "--json", "as_json", is_flag=True, help="Write JSON, for programs. docs/commands.md has the keys."
)


class _Guarded(AppGroup):
    """Every command's way out, as sealed_session.cli.group has it, below somebody else's program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_WORDS] = list(args)  # as they were typed: click keeps no others
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        words: list[str] = ctx.meta[_WORDS]
        try:
            code = super().invoke(ctx)
        except SealedSessionError as error:
            code = failures.report(error, as_json="--json" in words)
        except click.UsageError as error:
            problem = UsageError(without_what_was_typed(words, error.format_message()), code="usage")
            code = failures.report(problem, as_json="--json" in words)
        ctx.exit(code or failures.FINE)


group = _Guarded("sealed-session", help="Look at sealed sessions and at how this application is set up for them.")


@group.command("check")
@click.option(
    "--url", "urls", multiple=True, metavar="URL", help="Where people reach the application; several allowed."
)
@click.option("--offline", is_flag=True, help="Leave the coordinator alone: this is not a machine that serves.")
@click.option("--provider", "ask_provider", is_flag=True, help="Ask the provider too: its metadata, keys and clock.")
@_as_json
def check(*, urls: tuple[str, ...], offline: bool, ask_provider: bool, as_json: bool) -> int:
    """Say why a browser would drop a cookie of ours, or not send it.

    Also whether tokens can be read on the way, whether people come back from signing in, whether the coordinator can be
    asked, and where the application falls short of good practice. Of several URLs: whether they share one session.
    Exits with 1 when there is an error.
    """
    if offline and ask_provider:
        raise click.UsageError("--offline and --provider: who is offline can ask nobody. Leave one of them out.")
    addresses = [places.parse(url) for url in urls]
    found = diagnosis.diagnose(current_app, addresses, offline=offline, ask_provider=ask_provider)
    if as_json:
        screen.write_json(findings.to_mapping(found))
    else:
        screen.draw(findings.lines(found, screen.pen()))
    return int(findings.count(found)["error"] > 0)


@group.command("inspect")
@click.argument("sealed", metavar="[VALUE]", required=False)
@click.option("--name", metavar="NAME", help="The cookie's exact name. Default: this application's, then former ones.")
@click.option("--show-tokens", is_flag=True, help="Write the tokens themselves.")
@_as_json
def inspect(*, sealed: str | None, name: str | None, show_tokens: bool, as_json: bool) -> None:
    """Look into a sealed value with the application's passwords.

    Takes it from standard input or as the argument: who, since when, by which key, and where the bytes go.
    """
    app = state.of(current_app)
    finding = _inspected(app, reading.sealed_value(sealed), name, show_tokens=show_tokens)
    if as_json:
        screen.write_json(finding.known)
    else:
        screen.draw(finding.lines(app.now(), screen.pen()))
    if finding.failure:
        raise finding.failure


@group.command("size")
@click.option("--url", metavar="URL", help="Where the cookie is set. Default: https on COOKIE_DOMAIN or example.com.")
@_as_json
def size(*, url: str | None, as_json: bool) -> None:
    """Draw where the bytes of a session go, with the application's limits.

    Reads its JSON from standard input.
    """
    app = state.of(current_app)
    cookie = app.config.cookie
    place = places.parse(url or f"https://{cookie.domain or 'example.com'}")
    session = _as_signed_in(reading.session_mapping())
    report = app.sealer.measure(session, attributes=cookie.attributes(place.scheme, place.host))
    sealed = Sealing("", "complete") if report.fits else sealing.seal(app.sealer, session, app.now())
    if as_json:
        screen.write_json(_size_known(report, sealed, place.url))
    else:
        screen.draw(_size_lines(report, sealed, keeping.set_cookie_line(cookie, place), place.url))
    if not report.fits:
        raise SealTooLarge("this session does not fit; signing in with it is refused.", report)


def _inspected(app: AppState, sealed: str, name: str | None, *, show_tokens: bool) -> inspecting.Finding:
    """Inspect a value under one name, or under every name it may have come by; the one that opens it counts."""
    names = (app.sealer.name, *app.config.cookie.previous_names) if name is None else (name,)
    found = [
        inspecting.inspect(sealed, one, _sealer(app, one), len(app.config.ring), show_tokens=show_tokens)
        for one in names
    ]
    best = next((finding for finding in found if finding.failure is None), found[0])
    session = best.known["session"]
    if session is not None and best.known["name"] != app.sealer.name:
        session["reseal_reasons"].append("name")
        session["needs_reseal"] = True
    return best


def _sealer(app: AppState, name: str) -> Sealer:
    """Return a sealer for a name that leaves the user whole: what is measured is what was sealed."""
    config = app.config
    return Sealer(
        config.ring,
        name=name,
        absolute_lifetime=config.absolute_lifetime,
        max_bytes=config.max_cookie_bytes,
        clock=app.clock,
    )


def _as_signed_in(values: dict[str, Any]) -> Session:
    """Return the session that ``sign_in`` would make of the values: one without an id is given one."""
    session = Session.from_mapping(values)
    return session if session.session_id is not None else session.replace(session_id=secrets.token_urlsafe(16))


def _size_known(report: SizeReport, sealed: Sealing, url: str) -> dict[str, Any]:
    return {
        **report.to_mapping(),
        "url": url,
        "sealed_as": sealed.sealed_as,
        "sealed_cookie": _characters(report, sealed),
    }


def _characters(report: SizeReport, sealed: Sealing) -> int | None:
    """Return the characters of name, ``=`` and value as it would be sealed; None where it would not."""
    if report.fits:
        return report.cookie
    return None if sealed.sealed is None else len(report.name) + 1 + len(sealed.sealed)


def _size_lines(report: SizeReport, sealed: Sealing, line: str, url: str) -> Iterator[Line]:
    yield from drawing.budget(report, screen.pen())
    rows = [
        ("at", url, NONE),
        ("attributes", f"{report.attributes} characters: {line.partition('; ')[2]}", NONE),
        ("whole line", f"{report.total} characters", NONE),
    ]
    yield from drawing.facts("Set-Cookie", rows)
    how, style = _SEALED_AS[sealed.sealed_as]
    characters = _characters(report, sealed)
    signing_in = ("fits", GOOD) if report.fits else ("refused, with this table", BAD)
    renewed = how if characters is None else f"{how}, {characters} characters"
    yield from drawing.facts("sealed", [("signing in", *signing_in), ("renewed", renewed, style)])
