"""``make demo``: seals and opens the sample sessions, draws where the bytes go, and shows what the errors say."""

from __future__ import annotations

import json
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
        print(f"  {name:<20} {len(value):>5} characters  {value[:24]}...  {'opens exactly' if exact else 'DIFFERS'}")

    heading("2. Where the bytes of one cookie go")
    screen.draw(drawing.budget(sealer.measure(SAMPLES["rich"]), screen.pen()))

    heading("3. The same sessions in other formats, against the 4,093 characters that browsers keep")
    for name, session in SAMPLES.items():
        print(f"  {name}")
        screen.draw(list(drawing.comparison(sealer.measure(session), peers(session), screen.pen()))[1:])

    heading("4. The password changes and nobody is signed out")
    rotated = Sealer(KeyRing(new, fallbacks=[old]), name=NAME)
    opened = rotated.unseal(sealed["typical"])
    print(f"  opened by the former password: needs_reseal={opened.needs_reseal}, because {opened.reseal_reasons}")
    again = rotated.unseal(rotated.reseal(opened))
    print(f"  sealed anew: needs_reseal={again.needs_reseal}, signed in at the same second: {again.started_at}")

    heading("5. What goes wrong says what to do")
    value = sealed["typical"]
    refuse(lambda: Sealer(KeyRing(new), name=NAME).unseal(value))
    refuse(lambda: rotated.unseal(value[:-1] + "A"))
    refuse(lambda: rotated.unseal(value, name="other-cookie"))
    refuse(lambda: rotated.seal({"access_token": "t", "user": {"roles": {"admin", "billing"}}}))
    refuse(lambda: Sealer(KeyRing(new), name=NAME, max_bytes=700).seal(SAMPLES["typical"]))
    refuse(lambda: KeyRing("correct horse"))


def peers(session: dict[str, Any]) -> list[drawing.Peer]:
    """The same session as other systems seal it, by their length formulas."""
    values = Session(**session).to_mapping()
    name = len(NAME) + 1
    return [
        drawing.Peer("Fernet", name + peer_sizes.fernet_characters(values)),
        drawing.Peer("iron", name + peer_sizes.iron_characters(values)),
    ]


def refuse(call: Any) -> None:
    """Print the error that a call raises."""
    try:
        call()
    except SealedSessionError as error:
        first, *rest = str(error).splitlines()
        print(f"  {type(error).__name__} [{error.code}]\n    {first}")
        print("".join(f"      {line}\n" for line in rest), end="")


def heading(text: str) -> None:
    """Print a step's title."""
    print(f"\n{text}\n")


if __name__ == "__main__":
    main()
