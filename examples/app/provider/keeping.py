"""Nothing here is kept without a limit: what was kept first gives way."""

from __future__ import annotations

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def keep(kept: dict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Keep something, and no more than so many things.

    Args:
        kept: In which they are, the oldest first.
        key: Of this one.
        value: This one.
        most: How many.
    """
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]
