"""The time since this machine was started: the same for all its processes, whatever its clock is set to."""

from __future__ import annotations

import time
from pathlib import Path

_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""Linux' own goes on while the machine sleeps, as the lives of tokens do; macOS calls the like of it monotonic."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def milliseconds() -> int:
    """Return the milliseconds since this machine was started; where a system has no such clock, its monotonic one."""
    if _CLOCK is None:  # Windows, whose monotonic clock is the machine's too
        return time.monotonic_ns() // 1_000_000
    return time.clock_gettime_ns(_CLOCK) // 1_000_000


def boot() -> str:
    """Return what tells one start of this machine from another; nothing where the system has no name for it."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
