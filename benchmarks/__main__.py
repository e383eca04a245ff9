"""The command line: ``python -m benchmarks NAME [--json] [--svg FILE] [--check]``."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from . import faults, refresh, request, scale, size, throughput
from .report import Options, Report


class Benchmark(NamedTuple):
    """One question and what answers it."""

    question: str
    measure: Callable[[Options], Report]


BENCHMARKS = {
    "size": Benchmark("How long is the cookie value, and how large a session fits?", size.measure),
    "throughput": Benchmark("How long do seal, unseal and import take?", throughput.measure),
    "request": Benchmark("How much time does a request cost?", request.measure),
    "faults": Benchmark("Is a refresh made once, and no session lost, whatever fails?", faults.measure),
    "refresh": Benchmark("What happens when many requests come with one ended access token?", refresh.measure),
    "scale": Benchmark("What do one machine, ten and a thousand need?", scale.measure),
}

HELD, NOT_HELD, USAGE = 0, 1, 2
"""Exit codes. Without --check a measurement always ends in HELD."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark, or list them."""
    options = _parser().parse_args(arguments)
    if options.name is None:
        print(_listing())
        return HELD
    if options.name not in BENCHMARKS:
        print(_unknown(options.name), file=sys.stderr)
        return USAGE
    given = Options(options.rounds, options.processes, tuple(options.only), options.seed, options.quick)
    report = BENCHMARKS[options.name].measure(given)
    print(json.dumps(report.to_mapping(), indent=2) if options.json else report)
    if options.svg is not None:
        _write(options.svg, report.chart)
    return _judge(report) if options.check else HELD


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks", description="Measure what the project is held to.")
    parser.add_argument("name", nargs="?", help=f"one of {', '.join(BENCHMARKS)}; without one they are listed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also draw the figures into FILE")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a bar does not hold")
    parser.add_argument("--rounds", type=_positive, default=25, metavar="N", help="rounds in a process (%(default)s)")
    parser.add_argument("--processes", type=_positive, default=15, metavar="N", help="fresh processes (%(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="this fault; may be said again")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the faults' chance (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="shorten the faults' long times")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _listing() -> str:
    rows = [f"  {name:<12}{benchmark.question}" for name, benchmark in BENCHMARKS.items()]
    return "\n".join(["python -m benchmarks NAME [--json] [--svg FILE] [--check]", "", *rows])


def _unknown(name: str) -> str:
    near = get_close_matches(name, BENCHMARKS, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no benchmark {name!r}.{hint}\n\n{_listing()}"


def _write(path: Path, chart: str) -> None:
    if not chart:
        print("There is no picture of this.", file=sys.stderr)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chart, encoding="utf-8")
    print(f"Drawn: {path}", file=sys.stderr)


def _judge(report: Report) -> int:
    """Say on stderr what does not hold, and what could not be judged; a bar not measured is not a bar missed."""
    missed = [check for check in report.checks if check.holds is False]
    unknown = [check for check in report.checks if check.holds is None]
    for check in missed:
        print(f"The bar does not hold: {check.what}: {check}", file=sys.stderr)
    if unknown:
        print(f"Not measured: {', '.join(check.id for check in unknown)}", file=sys.stderr)
    return NOT_HELD if missed else HELD


if __name__ == "__main__":
    sys.exit(main())
