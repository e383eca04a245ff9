"""Worker processes of one application: started, killed, stopped and replaced, each by its id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER, NUMBER = "FAULTS_FOLDER", "FAULTS_NUMBER"
"""Environment variables: where the settings are, and which worker it is, counted from 1."""

ROOT = Path(__file__).parents[1]

_START_LIMIT, _END_LIMIT = 60, 25
"""Seconds; either takes one on a quiet machine."""


@dataclass(frozen=True, slots=True)
class Blow:
    """What was done to a process, in the time of ``time.monotonic``.

    Attributes:
        ends: When it goes on; never, for one that was killed.
    """

    pid: int
    begins: float
    ends: float = float("inf")


class Fleet:
    """Some workers behind one port.

    Attributes:
        port: Where they listen, on the loopback interface.
        kills: Who was killed, and when.
        stops: Who stood still, and from when to when.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], workers: int) -> None:
        """Start nothing yet.

        Args:
            folder: Of its own.
            settings: What the application reads.
            workers: How many.
        """
        self.folder, self.kills, self.stops = folder, [], []  # type: tuple[Path, list[Blow], list[Blow]]
        self.log = folder / "log"
        self._settings, self._workers = settings, workers
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(256)
        self.port: int = self._socket.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Fleet:
        (self.folder / "workers").mkdir()
        self.configure({})
        bound = self._socket.fileno()
        command = [sys.executable, "-m", "gunicorn", "-c", "python:benchmarks.faults_application"]
        command += [
            "--workers",
            str(self._workers),
            "--bind",
            f"fd://{bound}",
            "benchmarks.faults_application:create_app()",
        ]
        environment = {**os.environ, FOLDER: str(self.folder)}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd=ROOT,
                pass_fds=[bound],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt from the keyboard is for us, who then end them
            )
        try:
            self._await(lambda: len(self.pids()) == self._workers)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pids(self) -> list[int]:
        """Return the workers that answer, or could if they were not stopped."""
        return sorted(int(path.name) for path in (self.folder / "workers").iterdir())

    def configure(self, config: dict[str, Any]) -> None:
        """Change settings of the extension for the workers that start from now on."""
        self._settings["config"].update(config)
        written = self.folder / "settings.new"
        written.write_text(json.dumps(self._settings), encoding="utf-8")
        written.replace(self.folder / "settings.json")

    def kill(self, pid: int) -> None:
        """Kill a worker; another takes its place."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.kills.append(Blow(pid, time.monotonic()))

    def stop(self, pid: int, seconds: float, pause: Callable[[float], None]) -> None:
        """Let a worker stand still for a while."""
        with suppress(ProcessLookupError):
            begun = time.monotonic()
            os.kill(pid, signal.SIGSTOP)
            try:
                self.stops.append(Blow(pid, begun, begun + seconds))
                pause(seconds)
            finally:
                os.kill(pid, signal.SIGCONT)

    def replace_one_by_one(self, pause: Callable[[float], None]) -> None:
        """Let every worker end in peace and be replaced, as a deployment does."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            self._await(lambda pid=pid: pid not in self.pids() and len(self.pids()) == self._workers)  # type: ignore[misc]
            pause(0.3)

    def close(self) -> None:
        """End them all."""
        if self._process is not None:
            for pid in self.pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            self._process.send_signal(signal.SIGQUIT)  # at once: nobody is interested in what they are at
            try:
                self._process.wait(_END_LIMIT)
            except subprocess.TimeoutExpired:
                self._end_by_force(self._process)
            self._process = None
        self._socket.close()

    def _end_by_force(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _await(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_LIMIT
        while not is_so():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"the workers did not start:\n{self.log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(0.02)
