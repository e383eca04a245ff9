"""Work in processes of its own, as the workers of a server do it. Here, where a spawned process can import it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from sealed_session.refresh.opening import open_coordinator

KEY = b"\x00counter\xff"
AN_HOUR = 3_600_000


def count(url: str, times: int) -> None:
    """Add to a number, so that nothing is lost whoever else does so."""
    coordinator = open_coordinator(url)
    for _ in range(times):
        while True:
            value = coordinator.read(KEY).value
            if coordinator.swap(KEY, value, str(int(value or b"0") + 1).encode(), AN_HOUR):
                break
    coordinator.close()


def count_for_ever(url: str, begun: Any) -> None:
    """Add to a number until somebody kills this process; say so once it has begun."""
    count(url, 1)
    begun.send(None)
    while True:
        count(url, 1000)


def now_of(url: str) -> int:
    """Ask a coordinator for its time."""
    coordinator = open_coordinator(url)
    now = coordinator.read(KEY).now
    coordinator.close()
    return now


def in_child(work: Callable[..., Any], *arguments: Any, method: str = "fork") -> Any:
    """Return what a function returns in a process of its own."""
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(theirs, work, arguments))
    child.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        ours.close()
        child.join()
        child.close()


def _answer(pipe: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    pipe.send(work(*arguments))


def as_nobody(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns when it is not root who runs it: file modes mean nothing to root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    return work(*arguments)
