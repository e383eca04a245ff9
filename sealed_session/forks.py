"""Forks: who holds something that must not exist on both sides of one is told before it and after it.

A process id that has changed tells the child too late: SQLite keeps account of its locks by process, and a child whose
parent had a file open believes that it holds the locks of its parent, and takes none. So the parent closes first.
"""

from __future__ import annotations

import contextlib
import os
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    """Somebody who is told of forks. What it does then must neither raise nor wait for long."""

    def before_fork(self) -> None:
        """Let go of what a child must not inherit."""
        ...

    def after_fork_in_parent(self) -> None:
        """Go on."""
        ...

    def after_fork_in_child(self) -> None:
        """Start anew. Nothing else runs yet, and a lock may be held by a thread that is not there any more."""
        ...


_TOLD: WeakSet[Forked] = WeakSet()


def tell(somebody: Forked) -> None:
    """Tell somebody of every fork from now on, for as long as it lives."""
    _TOLD.add(somebody)


def keep_for_ever(thing: object) -> None:
    """See to it that something is not taken down in this process, not even when it ends.

    Args:
        thing: What belongs to the parent, who would be hurt when it is closed here.
    """
    _KEPT.append(thing)
    with contextlib.suppress(ImportError, AttributeError):  # other Pythons than CPython take nothing down at the end
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


_KEPT: list[object] = []


def _before() -> None:
    for somebody in list(_TOLD):
        somebody.before_fork()


def _in_parent() -> None:
    for somebody in list(_TOLD):
        somebody.after_fork_in_parent()


def _in_child() -> None:
    for somebody in list(_TOLD):
        somebody.after_fork_in_child()


with contextlib.suppress(AttributeError):  # Windows has no fork
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
