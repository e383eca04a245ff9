"""Calls of an application to other services, in the name of whoever is signed in."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import httpx2
import pytest

from flask_ext.outbound import SessionAuth
from sealed_session import UsageError, UsageTypeError
from tests.web.conftest import World

HOSTS = ["api.example.com", "localhost", "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", "10.0.0.1", "[::1]"]


def called(world: World, url: str, auth: SessionAuth) -> list[str | None]:
    """The header of a call that a view makes, and of the one that its answer redirects to."""
    headers: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        headers.append(request.headers.get("Authorization"))
        if request.url.path == "/away":
            return httpx2.Response(302, headers={"Location": "https://evil.example/"})
        return httpx2.Response(200)

    def act() -> None:
        with httpx2.Client(auth=auth, transport=httpx2.MockTransport(answer), follow_redirects=True) as client:
            client.get(url)

    world.do(act)
    return headers


def token(world: World) -> str:
    """The access token of whoever is signed in."""
    found: list[Any] = []
    world.do(lambda: found.append(world.auth.outbound_headers()))
    return str(found[0]["Authorization"])


def test_the_headers(world: World) -> None:
    """The access token as a bearer token; a clear error where nobody is signed in."""
    world.get("/sign-in")
    assert token(world).startswith("Bearer eyJ")
    world.get("/sign-out")

    def act() -> None:
        with pytest.raises(UsageError) as raised:
            world.auth.outbound_headers()
        assert "no_session" == raised.value.code

    assert 200 == world.do(act).status_code


@pytest.mark.parametrize(
    ("url", "is_told"),
    [
        ("https://api.example.com/", True),
        ("https://API.example.com:8443/", True),
        ("http://api.example.com/", False),
        ("http://localhost:5000/", True),
        ("https://evil.example/", False),
        ("https://sub.api.example.com/", False),
        ("https://api.example.com.evil.example/", False),
        ("https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/", True),
        ("https://xn--bcher-kva.example/", True),
        ("https://10.0.0.1/", True),
        ("http://[::1]:5000/", True),
    ],
)
def test_only_the_named_hosts_see_the_token(world: World, url: str, is_told: bool) -> None:
    """By https, or on this machine."""
    world.get("/sign-in")
    expected = token(world) if is_told else None
    assert [expected] == called(world, url, SessionAuth(HOSTS))


def test_a_redirect_to_another_host_is_not_told(world: World) -> None:
    """The client goes there without it."""
    world.get("/sign-in")
    found = called(world, "https://api.example.com/away", SessionAuth(["api.example.com"]))
    assert [True, False] == [header is not None for header in found]


def test_nobody_signed_in(world: World) -> None:
    """The call goes out as it is."""
    assert [None] == called(world, "https://api.example.com/", SessionAuth(["api.example.com"]))


@pytest.mark.parametrize("host", ["https://api.example.com", "api.example.com:443", "*.example.com", "a b", "." * 300])
def test_a_host_is_a_name(host: str) -> None:
    """Anything else would never match, and cost somebody an afternoon."""
    with pytest.raises(UsageError) as raised:
        SessionAuth([host])
    assert "bad_host" == raised.value.code


@pytest.mark.parametrize("hosts", ["api.example.com", [], [1]])
def test_hosts_are_a_list(hosts: Any) -> None:
    """One text would be taken letter by letter."""
    with pytest.raises((UsageError, UsageTypeError)):
        SessionAuth(hosts)


@pytest.mark.usefixtures("pythons_own_import")
def test_httpx2_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """And only by who imports the module."""
    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.delitem(sys.modules, "flask_ext.outbound")
    with pytest.raises(ImportError, match="sealed-session\\[flask\\]"):
        importlib.import_module("flask_ext.outbound")
