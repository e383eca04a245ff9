"""What happens, in numbers: counters that cost a dict's look each, and need no library.

    counters.add("refreshes", "refreshed")      one of the names below, with a value for each of its labels
    counters.read()["refreshes"][("refreshed",)]    1

Each process counts for itself from zero; whoever collects them adds them up. No label holds anything of a person or a
token.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from . import forks


class Meaning(NamedTuple):
    """What a counter counts.

    Attributes:
        text: In one sentence.
        labels: The names of the labels, in their order.
    """

    text: str
    labels: tuple[str, ...] = ()


COUNTERS: dict[str, Meaning] = {
    "refreshes": Meaning("Refreshes that were asked for, by what came of them.", ("outcome",)),
    "provider_calls": Meaning("Calls of the provider, by what came of them.", ("outcome",)),
    "waiters": Meaning("Requests that waited for a refresh of somebody else, in this process or another."),
    "stragglers_served": Meaning("Old tokens that were answered with a successor that was there already."),
    "coordinator_fallbacks": Meaning("Steps taken without the shared coordinator, which was out of reach."),
    "unseals": Meaning("Cookies that were opened, or not, by result and by which password.", ("result", "password")),
    "seals": Meaning("Cookies that were sealed, by the first bound that their characters keep.", ("characters",)),
    "verifications": Meaning("Access tokens that were verified, by verdict.", ("verdict",)),
    "unverified": Meaning("Requests with a token that could not be verified, for want of keys."),
}
"""Every counter that there is."""

SIZES = (512, 1024, 1536, 2048, 2560, 3072, 3584, 4096)
"""The bounds by which sealed cookies are counted; beyond the last is ``more``."""

Listener = Callable[[str, tuple[str, ...]], None]


class Counters:
    """Counts. Safe to share between threads; a child that is forked off starts from zero."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.after_fork_in_child()
        forks.tell(self)

    def add(self, name: str, *labels: str) -> None:
        """Count one.

        Args:
            name: One of ``COUNTERS``.
            labels: A value for each of its labels.
        """
        key = (name, labels)
        with self._lock:
            self._values[key] = self._values.get(key, 0) + 1
        for listener in self.listeners:
            listener(name, labels)

    def add_size(self, characters: int) -> None:
        """Count a sealed cookie.

        Args:
            characters: Of its value.
        """
        self.add("seals", next((str(bound) for bound in SIZES if characters <= bound), "more"))

    def read(self) -> dict[str, dict[tuple[str, ...], int]]:
        """Return every counter by its name, and of each the numbers by its labels. A copy."""
        with self._lock:
            values = list(self._values.items())
        found: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in COUNTERS}
        for (name, labels), number in values:
            found[name][labels] = number
        return found

    def before_fork(self) -> None:
        """Do nothing."""

    def after_fork_in_parent(self) -> None:
        """Do nothing: the parent goes on with its numbers."""

    def after_fork_in_child(self) -> None:
        """Start from zero, with a lock that no thread of the parent holds."""
        self._lock = Lock()
        self._values: dict[tuple[str, tuple[str, ...]], int] = {}

    def __repr__(self) -> str:
        return f"<Counters, {sum(self._values.values())} counted>"
