"""What a provider must be able to do that makes credentials for a widget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sealed_session import Problem, UsageTypeError
from sealed_session.exact_json import JsonObject
from sealed_session.providers import Knoon, Minted, MintingProvider
from sealed_session.providers.minting import as_minting
from sealed_session.testing import FakeProvider


class Ours:
    """Mints for a widget of our own."""

    path = "/widget/credentials"
    parameter = "widget"
    domain = "example.com"
    max_age = 60
    identity = "widgets.example.com"

    def __init__(self) -> None:
        """Answer so where nothing is minted."""
        self.refusal_body: JsonObject = {}

    def settings(self, environ: Mapping[str, str]) -> Mapping[str, Any]:
        """None."""
        return {}

    def problems(self, environ: Mapping[str, str]) -> list[Problem]:
        """None."""
        return []

    def check_target(self, value: Any) -> str:
        """Any."""
        return str(value)

    def mint(self, user: JsonObject, target: str) -> Minted | None:
        """At once."""
        return Minted({f"widget_{target}": "test-credential"}, 1.5, {"token": "test-credential"}, "user_1")

    def cookie_names(self, target: str) -> tuple[str, ...]:
        """One."""
        return (f"widget_{target}",)

    def owns(self, cookie_name: str) -> bool:
        """By its beginning."""
        return cookie_name.startswith("widget_")

    def read(self, cookies: Mapping[str, str], target: str, now: float) -> Minted | None:
        """Nothing."""
        return None


@pytest.mark.parametrize("provider", [Ours(), Knoon(domain="example.com")])
def test_a_provider_that_mints(provider: MintingProvider) -> None:
    """Is taken as it is, and asked nothing: what it needs may be missing yet."""
    assert provider is as_minting(provider)


@pytest.mark.parametrize("other", [Ours, Knoon, FakeProvider(), None, "knoon", lambda user, target: None])
def test_what_is_none(other: Any) -> None:
    """A class that was not called, for example."""
    with pytest.raises(UsageTypeError, match="minting provider"):
        as_minting(other)


def test_a_credential_is_not_shown() -> None:
    """By its repr, which logs have."""
    minted = Ours().mint({}, "box")
    assert minted is not None
    assert "Minted(<1 cookies>, expires_at=1.5)" == repr(minted) == str(minted)
    assert ({"widget_box": "test-credential"}, "user_1") == (minted.cookies, minted.owner)
