"""For the tests of applications: a clock that stands still, tokens, and providers that are as strict as real ones.

    Clock, access_token, FakeProvider                    in this process, and light
    FakeWorkOS, FakeStytch, FakeCorbado, FakeKnoon       over HTTP on the loopback, with real signatures
    Fault, forge                                         what those do wrong, and tokens that others make up

Nothing here is for production, and nothing in production asks whether it is being tested. The second and third line
are imported when they are first used: they bring an HTTP server along.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .clock import Clock
from .provider import FakeProvider
from .tokens import access_token

if TYPE_CHECKING:
    from . import forge
    from .corbado import FakeCorbado
    from .faults import Fault
    from .knoon import FakeKnoon
    from .stytch import FakeStytch
    from .workos import FakeWorkOS

__all__ = [
    "Clock",
    "FakeCorbado",
    "FakeKnoon",
    "FakeProvider",
    "FakeStytch",
    "FakeWorkOS",
    "Fault",
    "access_token",
    "forge",
]

_LAZY = {
    "FakeCorbado": "corbado",
    "FakeKnoon": "knoon",
    "FakeStytch": "stytch",
    "FakeWorkOS": "workos",
    "Fault": "faults",
}


def __getattr__(name: str) -> Any:
    if name == "forge":
        return import_module(f"{__name__}.forge")
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
