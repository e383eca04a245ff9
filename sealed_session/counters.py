"""What happens, in numbers: counters that cost a dict's look each, and need no library.

    counters.add("refreshes", "refreshed")      one of the names below, with a value for each of its labels
    counters.read()["refreshes"][("refreshed",)]    1

Each process counts for itself from zero; whoever collects them adds them up. No label holds anything of a person or a
token.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple

from . import forks
from .whereabouts import whereabouts


class Meaning(NamedTuple):
    """What a counter counts.

    Attributes:
        text: In one sentence.
        labels: The names of the labels, in their order.
        counts: What there is one more of, in the singular.
    """

    text: str
    labels: tuple[str, ...] = ()
    counts: str = "request"


COUNTERS: dict[str, Meaning] = {
    "refreshes": Meaning("Refreshes that were asked for, by what came of them.", ("outcome",), "refresh"),
    "provider_calls": Meaning("Calls of the provider, by what came of them.", ("outcome",), "call"),
    "waiters": Meaning("Requests that waited for a refresh of somebody else, in this process or another."),
    "stragglers_served": Meaning("Old tokens that were answered with a successor that was there already."),
    "coordinator_fallbacks": Meaning(
        "Steps taken without the shared coordinator, which was out of reach.", counts="step"
    ),
    "unseals": Meaning(
        "Cookies that were opened, or not, by result and by which password.", ("result", "password"), "cookie"
    ),
    "seals": Meaning(
        "Cookies that were sealed, by the first bound that their characters keep.", ("characters",), "cookie"
    ),
    "verifications": Meaning("Access tokens that were verified, by verdict.", ("verdict",), "token"),
    "unverified": Meaning("Requests with a token that could not be verified, for want of keys."),
    "revocation_unchecked": Meaning("Requests whose session could not be looked up, for want of the coordinator."),
}
"""Every counter that there is."""

SIZES = (512, 1024, 1536, 2048, 2560, 3072, 3584, 4096)
"""The bounds by which sealed cookies are counted; beyond the last is ``more``."""

_BOUNDS = (*map(str, SIZES), "more")

Listener = Callable[[str, tuple[str, ...]], None]
SizeListener = Callable[[int], None]


class Counters:
    """Counts. Safe to share between threads; a child that is forked off starts from zero.

    Attributes:
        listeners: Called with name and labels of everything that is counted, by whoever counts. What one raises is
            logged the first time, and costs nobody anything.
        size_listeners: Called with the characters of every cookie that is sealed.
    """

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.size_listeners: list[SizeListener] = []
        self._failed: list[Callable[..., None]] = []
        self.after_fork_in_child()
        forks.tell(self)

    def add(self, name: str, *labels: str) -> None:
        """Count one.

        Args:
            name: One of ``COUNTERS``.
            labels: A value for each of its labels.

        Raises:
            ValueError: There is no such counter, or it has another number of labels.
        """
        key = (name, labels)
        with self._lock:
            try:
                self._values[key] += 1
            except KeyError:
                self._values[_checked(key)] = 1
        if self.listeners:
            self._tell(self.listeners, name, labels)

    def add_size(self, characters: int) -> None:
        """Count a sealed cookie.

        Args:
            characters: Of its value.
        """
        self.add("seals", _BOUNDS[bisect_left(SIZES, characters)])
        if self.size_listeners:
            self._tell(self.size_listeners, characters)

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
        with self._lock:
            return f"<Counters, {sum(self._values.values())} counted>"

    def _tell(self, listeners: list[Any], *what: Any) -> None:
        for listener in tuple(listeners):  # one of them may take itself out
            try:
                listener(*what)
            except Exception as error:  # somebody else's code must not cost a request
                if listener not in self._failed:
                    self._failed.append(listener)
                    _log("a listener of the counters raised %s; said once.", whereabouts(error))


def _checked(key: tuple[str, tuple[str, ...]]) -> tuple[str, tuple[str, ...]]:
    """Return a key that is counted for the first time; refuse one that nobody could read."""
    name, labels = key
    if name not in COUNTERS or len(labels) != len(COUNTERS[name].labels):
        raise ValueError(f"no counter {name!r} with {len(labels)} labels")
    return name, tuple(map(str, labels))  # an enum is counted as its plain text


def _log(message: str, *facts: str) -> None:
    import logging  # rare, as in sealer.py

    logging.getLogger("sealed_session").error(message, *facts)
