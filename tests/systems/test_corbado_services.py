"""Corbado's scenario 3: several backends, over real HTTP. Each verifies for itself whose token it is given."""
# ruff: noqa: N802 - tests bear their row's id

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from flask import request

from flask_ext import current_session, login_required
from flask_ext.outbound import SessionAuth
from sealed_session.testing import Clock, FakeCorbado, forge
from sealed_session.transports import BearerHeader
from tests.systems.corbado_world import ADA, COOKIE, PROJECT, CorbadoWorld, bearer, preset, served, service
from tests.systems.worlds import ANYTHING, build, told
from tests.web.verifier import Judge

WAYS = pytest.mark.parametrize("way", ["headers", "auth"])


@dataclass
class Services:
    """Service A, which the front end calls, and service B, which A calls."""

    corbado: FakeCorbado
    a: str
    b: str

    def ask(self, where: str, headers: dict[str, str]) -> tuple[int, Any]:
        """Call a service as a front end does; return the status and what it says."""
        answer = httpx2.get(where, headers={**ANYTHING, **headers}, timeout=5, trust_env=False)
        return answer.status_code, answer.json()


@pytest.fixture
def corbado(clock: Clock) -> Iterator[FakeCorbado]:
    """Corbado."""
    with FakeCorbado(project_id=PROJECT, clock=clock) as it:
        yield it


@pytest.fixture
def services(corbado: FakeCorbado, clock: Clock) -> Iterator[Services]:
    """Both of them, with verifiers of their own."""
    with between(service(corbado, clock), service(corbado, clock, [BearerHeader()]), corbado) as both:
        yield both


@pytest.fixture(autouse=True)
def _nothing_is_told(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test leaves a token or a secret in the log."""
    caplog.set_level("DEBUG")
    yield
    assert [] == told(caplog)


@pytest.mark.row("CB-4")
class TestServiceToService:
    """A forwards who is signed in to B."""

    @WAYS
    def test_CB_4_b_knows_the_same_person(self, services: Services, way: str) -> None:
        """By outbound_headers(), or by SessionAuth; each has fetched the keys for itself."""
        found = services.ask(f"{services.a}/by-{way}", bearer(services.corbado.sign_in()["access_token"]))
        assert (200, {"status": 200, "b": ADA, "cookies": 0}) == found
        assert 2 == services.corbado.count(services.corbado.jwks_path)

    @WAYS
    def test_CB_4_also_from_its_cookie(self, services: Services, way: str) -> None:
        """A is on the UI's domain, B is not: the token goes on as a bearer token, and no cookie does."""
        cookie = {"Cookie": f"{COOKIE}={services.corbado.sign_in()['access_token']}; other=1"}
        assert (200, {"status": 200, "b": ADA, "cookies": 0}) == services.ask(f"{services.a}/by-{way}", cookie)

    @pytest.mark.parametrize("kind", sorted(forge.FORGERIES))
    def test_CB_4_a_forged_token_is_refused_at_b(self, services: Services, kind: str) -> None:
        """Whoever brings it."""
        token = forge.FORGERIES[kind](services.corbado, services.corbado.sign_in()["access_token"])
        status, body = services.ask(f"{services.b}/items", bearer(token))
        assert (401, "invalid") == (status, body["reason"])

    @WAYS
    def test_CB_4_also_when_a_was_fooled(self, corbado: FakeCorbado, clock: Clock, way: str) -> None:
        """B takes nobody's word: a service A that lets every token in is told 401."""
        careless = build(corbado, preset(corbado), clock, verifier=Judge("valid"))
        with between(careless, service(corbado, clock, [BearerHeader()]), corbado) as both:
            token = forge.with_foreign_key(corbado, corbado.sign_in()["access_token"])
            assert (200, {"status": 401, "b": "invalid", "cookies": 0}) == both.ask(f"{both.a}/by-{way}", bearer(token))

    @WAYS
    def test_CB_4_nobody_signed_in_at_a(self, services: Services, way: str) -> None:
        """Is refused there, and B is not called."""
        status, body = services.ask(f"{services.a}/by-{way}", {})
        assert (401, "missing", 0) == (status, body["reason"], services.corbado.count())

    def test_CB_4_a_cookie_is_nothing_to_b(self, services: Services) -> None:
        """It takes bearer tokens alone."""
        cookie = {"Cookie": f"{COOKIE}={services.corbado.sign_in()['access_token']}"}
        status, body = services.ask(f"{services.b}/items", cookie)
        assert (401, "missing") == (status, body["reason"])


@contextmanager
def between(a: CorbadoWorld, b: CorbadoWorld, corbado: FakeCorbado) -> Iterator[Services]:
    """Serve two applications, of which the first calls the second."""
    add_items(b)
    with served(b.app) as url_of_b:
        add_callers(a, url_of_b)
        with served(a.app) as url_of_a:
            yield Services(corbado, url_of_a, url_of_b)


def add_items(b: CorbadoWorld) -> None:
    """Add what B has, for whoever is signed in."""

    @b.app.get("/items")
    @login_required
    def items() -> dict[str, Any]:
        return {"who": current_session.user["id"], "cookies": len(request.cookies)}


def add_callers(a: CorbadoWorld, b: str) -> None:
    """Add views of A that ask B, in the name of whoever is signed in."""

    @a.app.get("/by-headers")
    @login_required
    def by_headers() -> dict[str, Any]:
        headers = {**ANYTHING, **a.auth.outbound_headers()}
        return passed_on(httpx2.get(f"{b}/items", headers=headers, timeout=5, trust_env=False))

    @a.app.get("/by-auth")
    @login_required
    def by_auth() -> dict[str, Any]:
        with httpx2.Client(auth=SessionAuth(hosts=["127.0.0.1"]), timeout=5, trust_env=False) as client:
            return passed_on(client.get(f"{b}/items", headers=ANYTHING))


def passed_on(answer: httpx2.Response) -> dict[str, Any]:
    """What B said."""
    body = answer.json()
    return {"status": answer.status_code, "b": body.get("who", body.get("reason")), "cookies": body.get("cookies", 0)}
