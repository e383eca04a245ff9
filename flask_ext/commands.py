"""``flask sealed-session check | inspect | size``."""

from __future__ import annotations

from flask.cli import AppGroup

group = AppGroup("sealed-session", help="Look at sealed sessions and at how this application is set up for them.")
