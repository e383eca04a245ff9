"""``make tour``: seals and opens the sample sessions in a terminal, draws where the bytes go, shows what errors say."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sealed_session import KeyRing, SealedSessionError, Sealer, Session, generate_password, peer_sizes
from sealed_session.cli import drawing, screen

SAMPLES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "tests" / "data" / "sessions.json").read_text(encoding="utf-8")
)
NAME = "wos-session"


def main() -> None:
    """Tell the story in five steps."""
    old, new = generate_password(), generate_password()
    sealer = Sealer(KeyRing(old), name=NAME)
    sealed = {name: sealer.seal(session) for name, session in SAMPLES.items()}

    heading("1. Five people sign in: each session is one cookie value, and opens to exactly what was sealed")
    for name, value in sealed.items():
        exact = sealer.unseal(value).session == Session(**SAMPLES[name])
        say(f"{name:<20} {len(value):>5} characters  {value[:20]}...  {'opens exactly' if exact else 'DIFFERS'}")

    heading("2. Where the characters of one cookie go, its name included")
    screen.draw(drawing.budget(sealer.measure(SAMPLES["rich"]), screen.pen()))

    heading("3. The same sessions in other formats, against the 4,093 characters that browsers keep")
    for name in ("minimal", "typical", "heavy-impersonated"):
        say(name)
        comparison = drawing.comparison(sealer.measure(SAMPLES[name]), peers(SAMPLES[name]), screen.pen())
        screen.draw(list(comparison)[1:])

    heading("4. The password changes and nobody is signed out")
    rotated = Sealer(KeyRing(new, fallbacks=[old]), name=NAME)
    opened = rotated.unseal(sealed["typical"])
    say(
        f"opened by password {opened.password_index} of the ring; to be sealed anew: {', '.join(opened.reseal_reasons)}"
    )
    again = rotated.unseal(rotated.reseal(opened))
    say(f"sealed anew and opened by password {again.password_index}; signed in, as before, {moment(again.started_at)}")

    heading("5. What goes wrong says what to do")
    value = sealed["typical"]
    refuse("another password", lambda: Sealer(KeyRing(new), name=NAME).unseal(value))
    refuse("one character changed", lambda: rotated.unseal(value[:400] + other(value[400]) + value[401:]))
    refuse("moved to another cookie", lambda: rotated.unseal(value, name="other-cookie"))
    refuse("a set in the user", lambda: rotated.seal({"access_token": "t", "user": {"roles": {"admin", "billing"}}}))
    refuse("too large", lambda: Sealer(KeyRing(new), name=NAME, max_bytes=700).seal(SAMPLES["typical"]))
    refuse("a weak password", lambda: KeyRing("correct horse"))


def peers(session: dict[str, Any]) -> list[drawing.Peer]:
    """The same session as other systems seal it, by their length formulas."""
    values = Session(**session).to_mapping()
    name = len(NAME) + 1
    return [
        drawing.Peer("Fernet", name + peer_sizes.fernet_characters(values)),
        drawing.Peer("iron-session", name + peer_sizes.iron_characters(values)),
    ]


def other(character: str) -> str:
    """Another character of the alphabet."""
    return "B" if character == "A" else "A"


def moment(seconds: int) -> str:
    """A time as people write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def refuse(what: str, call: Callable[[], object]) -> None:
    """Show the error that a call raises; that it raises one is the point."""
    try:
        call()
    except SealedSessionError as error:
        message, *table = str(error).splitlines()
        screen.draw([[("  ", ""), (what, "bold"), (f": {type(error).__name__} [{error.code}]", drawing.WARN)]])
        say(message, indent=4)
        screen.draw([[(f"      {line}", drawing.DIM)] for line in table])
    else:
        raise SystemExit(f"{what}: nothing was refused")


def say(text: str, indent: int = 2) -> None:
    """Print a text within the width of the terminal."""
    width = min(shutil.get_terminal_size().columns, 100)
    print(
        textwrap.fill(
            text,
            width,
            initial_indent=" " * indent,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def heading(text: str) -> None:
    """Print a step's title."""
    width = min(shutil.get_terminal_size().columns, 100)
    screen.draw([[], *[[(line, "bold")] for line in textwrap.wrap(text, width)], []])


if __name__ == "__main__":
    main()
