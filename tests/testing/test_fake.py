"""What all fakes have in common: the server, the record of the calls, the faults, the clock."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest
from freezegun import freeze_time

from sealed_session import UsageTypeError
from sealed_session.testing import FakeCorbado, FakeStytch, Fault
from sealed_session.testing import server as servers
from sealed_session.testing.fake import Fake
from sealed_session.testing.server import Request
from tests.providers.server import certificate

from .calls import PATIENCE, REFRESH, ask, get, post, raw, refresh, threads

NOW = 1_800_000_000


class TestRunning:
    """From ``with`` to its end."""

    def test_it_listens_on_the_loopback(self, corbado: FakeCorbado) -> None:
        """At a port that was free."""
        assert corbado.base_url.startswith("http://127.0.0.1:")
        assert f"{corbado.base_url}/.well-known/jwks" == corbado.jwks_url
        assert 200 == get(corbado, corbado.jwks_path).status_code

    def test_it_has_no_address_before(self) -> None:
        """It says what is missing; afterwards it has none either."""
        fake = FakeCorbado()
        for _ in range(2):
            with pytest.raises(RuntimeError, match="use it in a with statement"):
                _ = fake.base_url
            with fake:
                assert fake.base_url

    def test_nothing_is_left_at_the_end(self) -> None:
        """No thread, and nobody listens: also where a client hangs."""
        with FakeStytch() as fake, ThreadPoolExecutor(1) as pool:
            fake.fail(Fault.HANG)
            hanging = pool.submit(get, fake, "/")
            while not fake.calls:  # the request is there, and hangs
                Event().wait(0.001)
            fake.__exit__()
            with pytest.raises(httpx2.RemoteProtocolError):
                hanging.result(PATIENCE)
        assert set() == threads()

    def test_stopping_twice_is_nothing(self) -> None:
        """Nor is recovering one that does not run."""
        fake = FakeCorbado()
        with fake:
            pass
        fake.recover()
        fake.__exit__()

    def test_several_run_side_by_side(self, corbado: FakeCorbado) -> None:
        """Each at its own port, with sessions of its own."""
        with FakeCorbado() as other:
            assert corbado.base_url != other.base_url
            assert 401 == refresh(other, corbado.sign_in()["refresh_token"]).status_code

    def test_with_a_certificate_it_speaks_tls(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """For clients that insist on https. One that does not trust it hangs up, and is no fault of the fake's."""
        context, path = certificate(tmp_path)
        with FakeCorbado(ssl_context=context) as fake:
            assert fake.base_url.startswith("https://127.0.0.1:")
            with pytest.raises(httpx2.ConnectError):
                get(fake, fake.jwks_path)
            assert 200 == httpx2.get(fake.jwks_url, verify=ssl.create_default_context(cafile=path)).status_code
            assert 1 == fake.count()

    @pytest.mark.parametrize("clock", [NOW, "now"])
    def test_its_clock_is_a_function(self, clock: Any) -> None:
        """Said where it is given."""
        with pytest.raises(UsageTypeError, match="clock: expected a function that returns Unix seconds"):
            FakeStytch(clock=clock)

    def test_without_a_clock_it_goes_by_the_time_of_the_day(self) -> None:
        """Looked up at every call, so that it can be frozen after it was made."""
        fake = FakeStytch()
        with freeze_time("2027-01-15 08:00:00.9"):
            assert (NOW, int) == (fake.clock(), type(fake.clock()))

    def test_the_base_has_no_errors(self) -> None:
        """They are the vendors'."""
        with pytest.raises(NotImplementedError):
            Fake("nobody")._refusal(404, "not_found")


class TestCalls:
    """The record."""

    def test_every_call_is_on_record(self, corbado: FakeCorbado) -> None:
        """In order, with who called, and without what they sent."""
        post(corbado, f"{REFRESH}?token=secret-of-a-query", headers={"X-Corbado-ProjectID": corbado.project_id})
        post(corbado, REFRESH, headers={"X-Corbado-ProjectID": "secret-of-a-header"})
        get(corbado, corbado.jwks_path)
        path = corbado.jwks_path
        expected = [("POST", REFRESH, corbado.project_id), ("POST", REFRESH, "stranger"), ("GET", path, "")]
        assert expected == [(call.method, call.path, call.who) for call in corbado.calls]
        assert "secret" not in repr(corbado.calls)
        assert (2, 1, 0, 3) == (
            corbado.count(REFRESH),
            corbado.count(path),
            corbado.count("/elsewhere"),
            corbado.count(),
        )

    def test_who_calls_is_named_by_basic(self) -> None:
        """The user, never the password."""
        with FakeStytch() as fake:
            for user in (fake.project_id, "somebody"):
                post(fake, "/v1/sessions/authenticate", auth=(user, "wrong"), json={})
            assert [fake.project_id, "stranger"] == [call.who for call in fake.calls]

    def test_paths_and_methods(self, corbado: FakeCorbado) -> None:
        """What is not there is refused in the vendor's words."""
        answers = [get(corbado, "/elsewhere"), get(corbado, REFRESH), post(corbado, corbado.jwks_path)]
        assert [404, 405, 404] == [answer.status_code for answer in answers]
        assert ["not_found", "method_not_allowed", "not_found"] == [one.json()["error"]["type"] for one in answers]
        assert 501 == ask(corbado, "DELETE", "/").status_code


class TestRequests:
    """What is read of a request."""

    @pytest.mark.parametrize(
        ("lines", "status"),
        [
            (b"Content-Length: 65537", 413),
            (b"Content-Length: " + b"9" * 5000, 413),
            (b"Content-Length: -1", 400),
            (b"Content-Length: 0x10", 400),
            (b"Transfer-Encoding: chunked", 400),
        ],
    )
    def test_bodies_are_bounded(self, corbado: FakeCorbado, lines: bytes, status: int) -> None:
        """And are refused before they are read."""
        answer = raw(corbado, b"POST / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n\r\n")
        assert (status, 0) == (int(answer.split()[1]), corbado.count())

    def test_a_client_that_says_nothing(self, corbado: FakeCorbado, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is hung up on after a while."""
        monkeypatch.setattr(servers, "PATIENCE", 0.05)
        monkeypatch.setattr(servers._Handler, "timeout", 0.05)
        assert (b"", 0) == (raw(corbado, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"), len(corbado.calls))

    def test_a_fault_of_the_fake_itself_is_shown(
        self, corbado: FakeCorbado, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So that nobody takes it for one that was asked for."""

        def fall_over(_request: Request) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(corbado, "_reply", fall_over)
        with pytest.raises(httpx2.RemoteProtocolError):
            get(corbado, "/")
        corbado._server.refuse()  # the thread has ended, and what it wrote is there
        assert "ZeroDivisionError" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("header", "basic", "bearer"),
        [
            ("Basic YTpiOmM=", ("a", "b:c"), None),
            ("bAsIc YTpi", ("a", "b"), None),
            ("Basic YWI=", None, None),
            ("Basic !", None, None),
            ("Basic //8=", None, None),
            ("Bearer  token ", None, "token"),
            ("bearer token", None, "token"),
            ("Bearer", None, None),
            ("", None, None),
        ],
    )
    def test_credentials(self, header: str, basic: tuple[str, str] | None, bearer: str | None) -> None:
        """The scheme is compared without case; what is none counts as none."""
        request = Request("GET", "/", {}, {"authorization": header}, b"")
        assert (basic, bearer) == (request.basic(), request.bearer())

    @pytest.mark.parametrize(
        ("kind", "body", "expected"),
        [
            ("application/json", b'{"a": 1}', {"a": 1}),
            ("Application/JSON; charset=utf-8", b'{"a": 1}', {"a": 1}),
            ("text/plain", b'{"a": 1}', None),
            ("application/json", b"[1]", None),
            ("application/json", b"", None),
        ],
    )
    def test_json(self, kind: str, body: bytes, expected: object) -> None:
        """Only an object that is said to be one."""
        assert expected == Request("POST", "/", {}, {"content-type": kind}, body).json()

    def test_nothing_secret_is_shown(self) -> None:
        """Of a request in a traceback."""
        request = Request("GET", "/", {"token": "secret"}, {"authorization": "secret"}, b"secret")
        assert "Request(method='GET', path='/')" == repr(request)
