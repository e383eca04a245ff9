"""The counters as OpenTelemetry metrics. Needs the extra ``otel``; nothing else of this library does.

    instrument(auth.counters)                 with the meter of the provider that the process has, or will have
    instrument(auth.counters, meter=meter)

The counters are read when somebody collects, so that a request pays nothing for being observed. Sizes are the one
exception: each cookie that is sealed, at a sign-in or a refresh mostly, is recorded in a histogram.

Sources: OpenTelemetry semantic conventions, "Naming" (names and attributes have namespaces) and "Metrics" (what is
counted stands in the unit, in braces and in the singular; ``By`` for bytes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from .arguments import wrong_type
from .counters import COUNTERS, SIZES, Counters
from .errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation

PREFIX = "sealed_session."
"""Of every instrument, and of every attribute."""

SIZE = PREFIX + "cookie.size"
"""The histogram, in place of the counter ``seals``."""

_READERS: WeakKeyDictionary[Meter, WeakSet[Counters]] = WeakKeyDictionary()
"""Whose numbers a meter has. OpenTelemetry keeps the first instrument of a name, so that several applications of one
process share it, and their numbers are added up."""

_lock = Lock()


def instrument(counters: Counters, meter: Meter | None = None) -> None:
    """Let OpenTelemetry see what is counted. To do it again for the same counters changes nothing.

    Where processes are forked, set the SDK's provider up in each of them: its exporter's thread stays in the parent.

    Args:
        counters: An application's: ``auth.counters``, within its context.
        meter: Makes the instruments. None: one named ``sealed_session``.

    Raises:
        UsageTypeError: Something else.
        UsageError: OpenTelemetry is missing (``extra_missing``).
    """
    if not isinstance(counters, Counters):
        raise wrong_type("counters", "an application's Counters", counters)
    _check_installed()
    meter = _own_meter() if meter is None else meter
    with _lock:
        if meter not in _READERS:
            _READERS[meter] = WeakSet()
            _make_counters(meter, _READERS[meter])
        if counters in _READERS[meter]:
            return
        _READERS[meter].add(counters)
    histogram = meter.create_histogram(
        SIZE, "By", "Characters of sealed cookies.", explicit_bucket_boundaries_advisory=SIZES
    )
    counters.size_listeners.append(histogram.record)


def _check_installed() -> None:
    try:
        import opentelemetry.metrics  # noqa: F401 - loaded here for the first time, or not at all
    except ImportError:
        pass
    else:
        return
    raise UsageError(
        "counters are to be seen by OpenTelemetry, and the package opentelemetry-api is missing.",
        fix="Run `pip install 'sealed-session[otel]'`.",
        code="extra_missing",
    )


@cache
def _own_meter() -> Meter:
    """Return one meter for all who name none; it waits for its provider where there is none yet."""
    from opentelemetry.metrics import get_meter

    from . import __version__

    return get_meter("sealed_session", __version__)


def _make_counters(meter: Meter, seen: WeakSet[Counters]) -> None:
    for name, meaning in COUNTERS.items():
        if name != "seals":
            observe = _observer(name, tuple(PREFIX + label for label in meaning.labels), seen)
            meter.create_observable_counter(PREFIX + name, [observe], f"{{{meaning.counts}}}", meaning.text)


def _observer(
    name: str, attributes: tuple[str, ...], seen: WeakSet[Counters]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """Return what is called when a counter is collected."""
    from opentelemetry.metrics import Observation

    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        sums: dict[tuple[str, ...], int] = {}
        for counters in list(seen):
            for labels, number in counters.read()[name].items():
                sums[labels] = sums.get(labels, 0) + number
        return [Observation(number, dict(zip(attributes, labels, strict=True))) for labels, number in sums.items()]

    return observe
