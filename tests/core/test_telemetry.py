"""OpenTelemetry: the counters as the real SDK collects them."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData

from sealed_session import UsageError, UsageTypeError
from sealed_session.counters import COUNTERS, SIZES, Counters
from sealed_session.telemetry import instrument


@pytest.fixture
def reader() -> InMemoryMetricReader:
    """Collects when it is told to."""
    return InMemoryMetricReader()


@pytest.fixture
def meter(reader: InMemoryMetricReader) -> Iterator[Meter]:
    """A meter of a provider that no other test has."""
    provider = MeterProvider([reader])
    yield provider.get_meter("test")
    provider.shutdown()


def collected(reader: InMemoryMetricReader) -> dict[str, Any]:
    """The metrics by their names; none has two."""
    data = reader.get_metrics_data()
    if data is None:
        return {}
    assert isinstance(data, MetricsData)
    found = [metric for of in data.resource_metrics for scope in of.scope_metrics for metric in scope.metrics]
    assert len(found) == len({metric.name for metric in found})
    return {metric.name: metric for metric in found}


def numbers(metric: Any) -> dict[tuple[tuple[str, Any], ...], int]:
    """The numbers of a counter by their attributes."""
    return {tuple(sorted(point.attributes.items())): point.value for point in metric.data.data_points}


def test_counters_have_names_units_and_attributes(meter: Meter, reader: InMemoryMetricReader) -> None:
    """All in a namespace of their own; the unit says in braces what is counted. They only rise."""
    counters = Counters()
    instrument(counters, meter)
    counters.add("unseals", "opened", "0")
    counters.add("unseals", "opened", "0")
    counters.add("refreshes", "denied")
    found = collected(reader)
    unseals = found["sealed_session.unseals"]
    assert {
        (("sealed_session.password", "0"), ("sealed_session.result", "opened")): 2,
    } == numbers(unseals)
    assert ("{cookie}", COUNTERS["unseals"].text) == (unseals.unit, unseals.description)
    assert unseals.data.is_monotonic
    assert {(("sealed_session.outcome", "denied"),): 1} == numbers(found["sealed_session.refreshes"])
    counters.add("refreshes", "denied")
    assert {(("sealed_session.outcome", "denied"),): 2} == numbers(collected(reader)["sealed_session.refreshes"])


def test_every_counter_is_seen(meter: Meter, reader: InMemoryMetricReader) -> None:
    """Also one that is added later; sizes as a histogram in its place."""
    counters = Counters()
    instrument(counters, meter)
    for name, meaning in COUNTERS.items():
        if name != "seals":
            counters.add(name, *("x" for _ in meaning.labels))
    counters.add_size(945)
    expected = {f"sealed_session.{name}" for name in COUNTERS} - {"sealed_session.seals"}
    assert expected | {"sealed_session.cookie.size"} == set(collected(reader))


def test_sizes_are_a_histogram(meter: Meter, reader: InMemoryMetricReader) -> None:
    """In bytes, which the characters of a cookie are, by the bounds that we count by."""
    counters = Counters()
    instrument(counters, meter)
    counters.add_size(945)
    counters.add_size(4097)
    metric = collected(reader)["sealed_session.cookie.size"]
    (point,) = metric.data.data_points
    assert ("By", 2, 945 + 4097, {}) == (metric.unit, point.count, point.sum, dict(point.attributes))
    assert SIZES == tuple(point.explicit_bounds)
    assert [0, 1, *[0] * (len(SIZES) - 2), 1] == list(point.bucket_counts)


def test_to_instrument_twice_changes_nothing(meter: Meter, reader: InMemoryMetricReader) -> None:
    """Nothing is counted twice."""
    counters = Counters()
    instrument(counters, meter)
    instrument(counters, meter)
    counters.add("waiters")
    counters.add_size(945)
    found = collected(reader)
    assert {(): 1} == numbers(found["sealed_session.waiters"])
    assert 1 == found["sealed_session.cookie.size"].data.data_points[0].count


def test_several_applications_are_added_up(meter: Meter, reader: InMemoryMetricReader) -> None:
    """What was counted before is seen too; an application that is gone takes its numbers along."""
    one, other = Counters(), Counters()
    one.add("waiters")
    instrument(one, meter)
    instrument(other, meter)
    other.add("waiters")
    other.add("refreshes", "denied")
    one.add_size(100)
    other.add_size(100)
    found = collected(reader)
    assert {(): 2} == numbers(found["sealed_session.waiters"])
    assert {(("sealed_session.outcome", "denied"),): 1} == numbers(found["sealed_session.refreshes"])
    assert 2 == found["sealed_session.cookie.size"].data.data_points[0].count
    del other
    gc.collect()
    assert {(): 1} == numbers(collected(reader)["sealed_session.waiters"])


def test_a_request_pays_nothing_for_being_observed(meter: Meter) -> None:
    """Nobody listens to single events."""
    counters = Counters()
    instrument(counters, meter)
    assert [] == counters.listeners


PROGRAM = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sealed_session import __version__
from sealed_session.counters import Counters
from sealed_session.telemetry import instrument

first, second = Counters(), Counters()
instrument(first)
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
instrument(second)
first.add("waiters")
second.add("waiters")
(scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
(metric,) = scope.metrics
assert ("sealed_session", __version__) == (scope.scope.name, scope.scope.version)
print(metric.name, metric.data.data_points[0].value)
"""


def test_without_a_meter_it_is_that_of_the_process() -> None:
    """Whether its provider is there already, or comes later. A process has one: so this has one of its own."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ("sealed_session.waiters 2\n", "") == (done.stdout, done.stderr)


FORKING = """
import os
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sealed_session.counters import Counters
from sealed_session.telemetry import instrument

counters = Counters()
instrument(counters)
counters.add("waiters")
if os.fork() == 0:
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    counters.add("refreshes", "refreshed")
    (scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
    print([(metric.name, metric.data.data_points[0].value) for metric in scope.metrics], flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_worker_sets_up_its_own_provider() -> None:
    """After the fork, for counters that were instrumented before it; what the parent counted is not its own."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", FORKING], capture_output=True, text=True, check=True)
    assert ("[('sealed_session.refreshes', 1)]\n", "") == (done.stdout, done.stderr)


def test_without_a_provider_nobody_is_told() -> None:
    """And everything goes on: the SDK may be set up on some machines only."""
    counters = Counters()
    instrument(counters)
    counters.add("waiters")
    counters.add_size(945)
    assert ({(): 1}, {("1024",): 1}) == (counters.read()["waiters"], counters.read()["seals"])


def test_what_are_no_counters_is_refused(meter: Meter) -> None:
    """The extension itself, for example."""
    with pytest.raises(UsageTypeError, match="counters: expected an application's Counters, got str"):
        instrument("waiters", meter)  # type: ignore[arg-type]


def test_without_the_extra_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the counters are left as they were."""
    counters = Counters()
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    with pytest.raises(UsageError) as caught:
        instrument(counters)
    assert "extra_missing" == caught.value.code
    assert "pip install 'sealed-session[otel]'" in str(caught.value)
    assert [] == counters.size_listeners


def test_nothing_else_loads_opentelemetry() -> None:
    """Not even this module, before it is used."""
    code = "import sys, flask_ext, sealed_session.telemetry; print('opentelemetry' in sys.modules)"
    assert "False\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
