"""What is no part of an application: an identity provider, here a fake one, and the clock, which can be put forward."""

from __future__ import annotations

import time
from typing import Any

from sealed_session import ProviderUnavailable, Session
from sealed_session.testing import FakeProvider

LIFETIME = 60
"""Seconds that an access token is good for. Real ones live for 5 to 15 minutes; nobody would wait for that here."""

RETRY_AFTER = 5
"""Seconds after which the provider, while it is down, asks to be tried again."""


class DemoClock:
    """The time of day, put forward by what was skipped.

    Attributes:
        skipped: Seconds.
    """

    skipped = 0

    def __call__(self) -> float:
        """Return Unix seconds."""
        return time.time() + self.skipped


class DemoProvider(FakeProvider):
    """A provider that somebody can take down.

    Attributes:
        is_down: Whether it answers nobody.
    """

    is_down = False

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        """Renew a session, while there is somebody to ask."""
        if self.is_down:
            raise ProviderUnavailable(retry_after=RETRY_AFTER)
        return super().refresh(session, **arguments)


clock = DemoClock()
provider = DemoProvider(clock, lifetime=LIFETIME)
