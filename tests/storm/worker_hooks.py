"""Settings of gunicorn: a worker that is ready says so, for a storm that met only the first would prove little."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def post_worker_init(worker: Any) -> None:
    """Leave a file in the folder that ``workers.gunicorn`` watches. Called in each worker, by gunicorn."""
    Path(os.environ["STORM_SIGNS"], str(worker.pid)).touch()
