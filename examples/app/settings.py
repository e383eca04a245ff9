"""What a worker of the demo must know when it starts. It comes by the environment, as settings of an application do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CLIENT_ID = "demo"
"""What the application is called at the provider."""

_PREFIX = "DEMO_"


@dataclass(frozen=True)
class Settings:
    """The settings.

    Attributes:
        folder: The board's, and the application's instance folder.
        issuer: The provider's address.
        client_secret: What the application shows the provider.
    """

    folder: Path
    issuer: str
    client_secret: str = field(repr=False)

    @property
    def board(self) -> Path:
        """The board's file."""
        return self.folder / "board.db"

    def to_environment(self) -> dict[str, str]:
        """Return them as environment variables."""
        return {
            f"{_PREFIX}FOLDER": str(self.folder),
            f"{_PREFIX}ISSUER": self.issuer,
            f"{_PREFIX}CLIENT_SECRET": self.client_secret,
        }

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Return what ``to_environment`` wrote."""
        folder, issuer, secret = (environment[_PREFIX + name] for name in ("FOLDER", "ISSUER", "CLIENT_SECRET"))
        return cls(Path(folder), issuer, secret)
