"""What a fake does wrong when it is told to, on the wire."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic
from typing import Any

import httpx2
import pytest

from sealed_session import UsageError
from sealed_session.testing import FakeCorbado, Fault

from .calls import PATIENCE, REFRESH, get, post, refresh


class TestFaults:
    """What it does wrong when it is told to."""

    def test_too_many(self, corbado: FakeCorbado) -> None:
        """429, with seconds to wait: 1, or what is given, in whatever form."""
        for given in (None, 7, "Fri, 15 Jan 2027 08:00:07 GMT", "soon"):
            corbado.fail(Fault.TOO_MANY, retry_after=given)
            answer = refresh(corbado)
            assert (429, str(given or 1)) == (answer.status_code, answer.headers["retry-after"])
            assert "too_many_requests" == answer.json()["error"]["type"]

    @pytest.mark.parametrize("given", [None, 30])
    def test_server_error(self, corbado: FakeCorbado, given: int | None) -> None:
        """500, in the vendor's own JSON; a Retry-After only where one is asked for."""
        corbado.fail(Fault.SERVER_ERROR, retry_after=given)
        answer = refresh(corbado)
        assert (500, 500) == (answer.status_code, answer.json()["httpStatusCode"])
        assert (None if given is None else "30") == answer.headers.get("retry-after")

    def test_maintenance(self, corbado: FakeCorbado) -> None:
        """503, and no JSON."""
        corbado.fail(Fault.MAINTENANCE)
        answer = refresh(corbado)
        assert (503, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])

    def test_they_change_nothing_there(self, corbado: FakeCorbado) -> None:
        """But for CUT_OFF, whose answer was made; see the fake that uses tokens up."""
        token = corbado.sign_in()["refresh_token"]
        for fault in (Fault.TOO_MANY, Fault.SERVER_ERROR, Fault.MAINTENANCE):
            corbado.fail(fault)
            assert refresh(corbado, token).status_code >= 429
        assert 200 == refresh(corbado, token).status_code

    def test_cut_off(self, corbado: FakeCorbado) -> None:
        """The head says more than comes."""
        corbado.fail(Fault.CUT_OFF)
        with pytest.raises(httpx2.RemoteProtocolError):
            refresh(corbado)

    def test_hang(self, corbado: FakeCorbado) -> None:
        """Until the client has enough of it; the others are served meanwhile, and the call is on record."""
        corbado.fail(Fault.HANG)
        with pytest.raises(httpx2.ReadTimeout):
            post(corbado, REFRESH, timeout=httpx2.Timeout(PATIENCE, read=0.05))
        assert (200, 2) == (get(corbado, corbado.jwks_path).status_code, corbado.count())

    def test_who_hangs_is_let_go(self, corbado: FakeCorbado) -> None:
        """When the fake recovers: without an answer."""
        corbado.fail(Fault.HANG, times=None)
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(refresh, corbado)
            while not corbado.calls:
                Event().wait(0.001)
            corbado.recover()
            with pytest.raises(httpx2.RemoteProtocolError):
                hanging.result(PATIENCE)
        assert 401 == refresh(corbado).status_code

    @pytest.mark.parametrize("fault", [Fault.REFUSED, None])
    def test_who_hangs_keeps_nobody(self, corbado: FakeCorbado, fault: Fault | None) -> None:
        """Neither who wants connections to be refused, nor who wants to stop."""
        corbado.fail(Fault.HANG)
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(refresh, corbado)
            while not corbado.calls:
                Event().wait(0.001)
            began = monotonic()
            corbado.__exit__() if fault is None else corbado.fail(fault)
            assert monotonic() - began < PATIENCE
            with pytest.raises(httpx2.RemoteProtocolError):
                hanging.result(PATIENCE)

    def test_refused(self, corbado: FakeCorbado) -> None:
        """Until it recovers, at the same port; nobody counts who is refused."""
        address = corbado.base_url
        for _ in range(2):
            corbado.fail(Fault.REFUSED)
            with pytest.raises(httpx2.ConnectError):
                refresh(corbado)
            corbado.fail(Fault.REFUSED)
            corbado.recover()
            assert (address, 401) == (corbado.base_url, refresh(corbado).status_code)
        assert 2 == corbado.count()

    def test_nobody_else_gets_the_port_meanwhile(self, corbado: FakeCorbado) -> None:
        """It is kept while nobody listens there."""
        corbado.fail(Fault.REFUSED)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", int(corbado.base_url.rpartition(":")[2])))

    def test_they_come_in_order_and_as_often_as_was_said(self, corbado: FakeCorbado) -> None:
        """None of them for ever, where nothing is said."""
        corbado.fail(Fault.TOO_MANY, times=2)
        corbado.fail(Fault.SERVER_ERROR)
        corbado.fail(Fault.MAINTENANCE, times=0)
        assert [429, 429, 500, 401] == [refresh(corbado).status_code for _ in range(4)]

    def test_for_ever_is_until_it_recovers(self, corbado: FakeCorbado) -> None:
        """And what comes after that is forgotten too."""
        corbado.fail(Fault.TOO_MANY, times=None)
        corbado.fail(Fault.SERVER_ERROR)
        assert [429] * 3 == [refresh(corbado).status_code for _ in range(3)]
        corbado.recover()
        assert 401 == refresh(corbado).status_code

    def test_one_path_alone(self, corbado: FakeCorbado) -> None:
        """The keys can be out of reach while all else works."""
        corbado.fail(Fault.SERVER_ERROR, times=None, path=corbado.jwks_path)
        assert [401, 500] == [refresh(corbado).status_code, get(corbado, corbado.jwks_path).status_code]

    def test_as_many_fail_as_shall(self, corbado: FakeCorbado) -> None:
        """Of many at once; all are on record."""
        corbado.fail(Fault.SERVER_ERROR, times=5)
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: refresh(corbado).status_code, range(20)))
        assert [5, 15, 20] == [answers.count(500), answers.count(401), corbado.count(REFRESH)]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"fault": "down"}, r"fault: expected a Fault, Fault.TOO_MANY for example, got str"),
            ({"fault": Fault.HANG, "times": 1.5}, "times: expected an int, got float"),
            ({"fault": Fault.HANG, "times": -1}, "times: -1"),
            ({"fault": Fault.REFUSED, "path": "/"}, "path: expected None, for whoever is refused says no path"),
        ],
    )
    def test_what_it_fails_with_is_checked(self, corbado: FakeCorbado, arguments: dict[str, Any], message: str) -> None:
        """Where it is given."""
        with pytest.raises(UsageError, match=message):
            corbado.fail(**arguments)
