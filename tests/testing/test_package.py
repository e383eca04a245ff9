"""The package of what users' tests are given: light until a fake is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sealed_session.testing
from sealed_session.testing import FakeCorbado, FakeKnoon, FakeStytch, FakeWorkOS, Fault


def test_a_clock_costs_no_server() -> None:
    """Who imports a clock loads neither an HTTP server nor RSA."""
    program = (
        "import sys\nfrom sealed_session.testing import Clock, FakeProvider, access_token\n"
        "print(*{'http.server', 'sealed_session.testing.fake', 'cryptography.hazmat.primitives.asymmetric.rsa'}"
        " & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert [] == result.stdout.split()


def test_the_fakes_need_no_extra() -> None:
    """Neither Flask nor PyJWT nor httpx2 is loaded for one that runs."""
    program = (
        "import sys\nfrom sealed_session.testing import FakeCorbado, FakeKnoon, FakeStytch, FakeWorkOS, forge\n"
        "with FakeStytch() as stytch: stytch.sign_in()\nprint(*{'flask', 'jwt', 'httpx2'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert [] == result.stdout.split()


def test_every_name_is_there() -> None:
    """Those of ``__all__``, described each."""
    for name in sealed_session.testing.__all__:
        assert getattr(sealed_session.testing, name).__doc__, name
    assert "sealed_session.testing.forge" == sealed_session.testing.forge.__name__


def test_no_other_name_is_there() -> None:
    """It says so as any module does."""
    with pytest.raises(AttributeError, match=r"module 'sealed_session.testing' has no attribute 'FakeAuth0'"):
        _ = sealed_session.testing.FakeAuth0


def test_the_fakes_are_told_apart() -> None:
    """Each has keys of its own: what one has signed is not good at another."""
    fakes = [FakeWorkOS(), FakeStytch(), FakeCorbado(), FakeKnoon()]
    assert 4 == len({fake.keys.current.public_pem for fake in fakes})
    assert "REFUSED" in Fault.__members__
