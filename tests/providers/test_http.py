"""One HTTP call: whatever the other side does, it ends in time and in little memory, and says whether it was sent."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import httpcore2
import pytest

from sealed_session import ProviderUnavailable, UsageError, UsageTypeError
from sealed_session.providers import connection
from sealed_session.providers.http import (
    LONGEST_RETRY_AFTER,
    Answer,
    Client,
    check_timeout,
    check_url,
    deadline_after,
    retry_after,
)

from .server import Behaviour, Connection, certificate, refused_url, reply, running

SECRET = "refresh-4Tn8xWv3"
FIELDS = [("grant_type", "refresh_token"), ("refresh_token", SECRET)]


def post(url: str, *, within: float = 5, client: Client | None = None) -> Answer:
    """Send the form."""
    return (client or Client()).post_form(url, FIELDS, {"Authorization": SECRET}, deadline=deadline_after(within))


def failure(url: str, *, within: float = 5, client: Client | None = None) -> ProviderUnavailable:
    """Send the form and return how it failed; nothing else does it hang on to."""
    with pytest.raises(ProviderUnavailable) as caught:
        post(url, within=within, client=client)
    assert None is caught.value.__cause__
    assert None is caught.value.__context__
    assert SECRET not in str(caught.value)
    return caught.value


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


class TestRequest:
    """What goes out."""

    def test_a_form(self) -> None:
        """In order, on a connection of its own, with nothing a provider could stumble over."""
        with running(reply({"a": 1})) as server:
            assert {"a": 1} == post(f"{server.url}/token?tenant=1").json()
            host = f"127.0.0.1:{server.port}"
        (request,) = server.requests
        assert ("POST", "/token?tenant=1", FIELDS) == (request.method, request.target, request.form)
        assert {
            "accept": "application/json",
            "accept-encoding": "identity",
            "authorization": SECRET,
            "connection": "close",
            "content-length": str(len(request.body)),
            "content-type": "application/x-www-form-urlencoded",
            "host": host,
            "user-agent": "sealed-session",
        } == request.headers

    def test_json(self) -> None:
        """An object."""
        with running(reply({})) as server:
            Client().post_json(server.url, {"ä": [1, None]}, deadline=deadline_after(5))
        (request,) = server.requests
        assert {"ä": [1, None]} == request.json
        assert "application/json" == request.headers["content-type"]

    def test_a_document(self) -> None:
        """Without a body, and without any of what belongs to one."""
        with running(reply({"b": 2})) as server:
            assert {"b": 2} == Client().get(f"{server.url}/x", deadline=deadline_after(5)).json()
        (request,) = server.requests
        assert ("GET", "/x", b"") == (request.method, request.target, request.body)
        assert not {"content-length", "transfer-encoding", "content-type"} & set(request.headers)

    def test_a_form_of_many_slices(self) -> None:
        """Longer than what is written at once."""
        with running(reply({})) as server:
            long = [("refresh_token", "x" * 20_000)]
            Client().post_form(server.url, long, deadline=deadline_after(5))
        assert long == server.requests[0].form


class TestAnswer:
    """What comes in."""

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
            (b' \r\n\t{"a":1}\n', {"a": 1}),
            (b"", None),
            (b"[1]", None),
            (b'"text"', None),
            (b"<html>", None),
            (b'{"a":1}{"b":2}', None),
            (b'{"a":1', None),
            (b'{"a":NaN}', None),
            (b'{"a":"\xff"}', None),
            (b'{"a":' + b"[" * 30_000, None),
            (b'{"a":' + b"9" * 5000 + b"}", None),
        ],
    )
    def test_json_is_one_object(self, body: bytes, value: object) -> None:
        """And nothing that a parser would merely let pass."""
        assert value == Answer("host", 200, body).json()

    def test_its_repr_has_no_body(self) -> None:
        """Tokens are in there."""
        assert SECRET not in repr(Answer("host", 200, SECRET.encode()))

    @pytest.mark.parametrize("status", [200, 204, 400, 401, 404, 429, 500, 503])
    def test_every_status_but_redirects_is_an_answer(self, status: int) -> None:
        """What it means is for others to judge."""
        with running(
            reply({"e": 1}, status, {"Retry-After": "7"} if status != 204 else {"Content-Length": ""})
        ) as server:
            answer = post(server.url)
        assert (status, "127.0.0.1") == (answer.status, answer.host)
        assert (None if status == 204 else 7) == answer.retry_after

    @pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
    def test_a_compressed_answer_is_read(self, pack: Callable[[bytes], bytes]) -> None:
        """Though none was asked for."""
        with running(reply(pack(b'{"a":1}'), headers={"Content-Encoding": "GZip"})) as server:
            assert {"a": 1} == post(server.url).json()

    def test_chunks_and_news_beforehand(self) -> None:
        """Are HTTP."""
        text = (
            head(status="103 Early Hints") + head("Transfer-Encoding: chunked") + b'3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'
        )
        with running(lambda peer: peer.send(text)) as server:
            assert {"a": 1} == post(server.url).json()

    def test_the_longest_answer(self) -> None:
        """Is taken; a byte more is not."""
        with running(reply(b"x" * connection.MOST_BYTES), reply(b"x" * (connection.MOST_BYTES + 1))) as server:
            assert connection.MOST_BYTES == len(post(server.url).body)
            assert "more than 65536 bytes" in str(failure(server.url))


def twenty_megabytes(peer: Connection) -> None:
    """As many as the client takes."""
    peer.send(head("Content-Length: 20000000") + b"x" * 20_000_000)


def bomb(times: int) -> bytes:
    """Compressed nothing."""
    return gzip.compress(bytes(times))


def cut_off(peer: Connection) -> None:
    """Says 100 bytes and sends a few."""
    peer.send(head("Content-Length: 100") + b'{"access_token":')


FAULTS: dict[str, tuple[Behaviour, str]] = {
    "20 MB": (twenty_megabytes, "answered more than 65536 bytes"),
    "gzip bomb": (reply(bomb(20_000_000), headers={"Content-Encoding": "gzip"}), "answered more than 65536 bytes"),
    "gzip bomb of one chunk": (reply(bomb(70_000), headers={"Content-Encoding": "gzip"}), "more than 65536 bytes"),
    "compressed nothing": (
        reply(gzip.compress(b"") * 5000, headers={"Content-Encoding": "gzip"}),
        "more than 65536 bytes",
    ),
    "not gzip": (reply(b"{}", headers={"Content-Encoding": "gzip"}), "error"),
    "unknown coding": (reply(b"{}", headers={"Content-Encoding": "br"}), "error"),
    "cut off": (cut_off, "RemoteProtocolError"),
    "cut off chunk": (lambda peer: peer.send(head("Transfer-Encoding: chunked") + b"9\r\n{"), "RemoteProtocolError"),
    "no answer": (lambda peer: None, "RemoteProtocolError"),
    "not HTTP": (lambda peer: peer.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "RemoteProtocolError"),
    "head too long": (lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 2_000_000), "RemoteProtocolError"),
    "reset": (Connection.reset, "Error: Connection reset by peer"),
    "redirect": (reply(status=307, headers={"Location": f"http://127.0.0.1/?{SECRET}"}), "redirect (HTTP 307)"),
    "first of the redirects": (reply(status=300), "redirect (HTTP 300)"),
    "last of the redirects": (reply(status=399), "redirect (HTTP 399)"),
    "redirect with a body": (reply({"access_token": SECRET}, 302), "redirect (HTTP 302)"),
    "not modified": (reply(status=304, headers={"Content-Length": ""}), "redirect (HTTP 304)"),
    "switching": (lambda peer: peer.send(head("Upgrade: h2c", status="101 Switching")), "RemoteProtocolError"),
}


class TestFaults:
    """Each ends in an error that keeps the session, for the token may be used up."""

    @pytest.mark.parametrize("fault", FAULTS)
    def test_no_usable_answer(self, fault: str) -> None:
        """In time, and said in words that hold no secret."""
        behaviour, said = FAULTS[fault]
        began = monotonic()
        with running(behaviour) as server:
            error = failure(server.url)
        assert monotonic() - began < 4
        assert said in str(error)
        assert (True, 1) == (error.sent, len(server.requests))

    @pytest.mark.parametrize(
        "behaviour",
        [
            Connection.hang,
            lambda peer: peer.trickle(head(*["A: b"] * 100)),
            lambda peer: (peer.send(head("Content-Length: 9000")), peer.trickle(b" " * 9000)),
            lambda peer: (peer.send(head("Content-Length: 9")), peer.hang()),
            lambda peer: [peer.trickle(head(status="103 Early Hints")) for _ in range(100)],
        ],
        ids=["silence", "head byte by byte", "body byte by byte", "no body", "endless news"],
    )
    def test_one_deadline_for_all_of_it(self, behaviour: Behaviour) -> None:
        """However steadily bytes come."""
        with running(behaviour) as server:
            began = monotonic()
            error = failure(server.url, within=0.3)
            assert 0.25 < monotonic() - began < 1.5
        assert ("127.0.0.1: ReadTimeout.", True) == (str(error).replace(": timed out", ""), error.sent)

    def test_a_bomb_takes_no_room(self) -> None:
        """It is not unpacked first and measured then."""
        with running(reply(bomb(40_000_000), headers={"Content-Encoding": "gzip"})) as server:
            failure(server.url)  # imports and certificates are not to be measured
            tracemalloc.start()
            try:
                failure(server.url)
                most = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert most < 5_000_000

    def test_a_server_that_does_not_read(self) -> None:
        """The request never leaves whole."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(ProviderUnavailable, match="WriteTimeout") as caught:
                Client().post_form(url, [("x", "y" * 10_000_000)], deadline=deadline_after(1.5))
        assert caught.value.sent

    def test_a_deadline_that_is_over(self) -> None:
        """Nobody is asked."""
        with running(reply({})) as server:
            error = failure(server.url, within=0)
        assert (False, []) == (error.sent, server.requests)

    def test_what_the_head_says_about_trying_again_outlives_the_body(self) -> None:
        """A proxy in distress says little that is whole."""
        with running(lambda peer: peer.send(head("Retry-After: 9", "Content-Length: 5", status="503 No"))) as server:
            assert 9 == failure(server.url).retry_after


class TestNothingSent:
    """The token is as good as before, and the error says so."""

    def test_refused(self) -> None:
        """Nobody listens."""
        error = failure(refused_url())
        assert ("127.0.0.1: ConnectError: Connection refused.", False) == (str(error), error.sent)

    @pytest.mark.parametrize("host", ["provider.invalid", "x" * 70 + ".example"])
    def test_a_name_that_is_not_known(self, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Or that DNS could not even hold."""

        def look_up(name: str, *_: Any, **__: Any) -> Any:
            name.encode("idna")
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        error = failure(f"https://{host}/token")
        assert (f"{host}: ConnectError.", False) == (str(error), error.sent)

    def test_a_name_that_is_looked_up_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is given up by the deadline, though the system has no timeout for it."""
        over = Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait() and [])
        began = monotonic()
        error = failure("https://provider.example/token", within=0.2)
        over.set()
        assert monotonic() - began < 1.5
        assert ("provider.example: ConnectTimeout.", False) == (str(error), error.sent)

    def test_a_certificate_that_nobody_vouches_for(self, tmp_path: Path) -> None:
        """And the error says what is wrong with it, for the operator."""
        context, _ = certificate(tmp_path)
        with running(reply({}), tls=context) as server:
            error = failure(server.url)
        assert ([], False) == (server.requests, error.sent)
        assert "its certificate is not accepted: self" in str(error)

    def test_a_certificate_of_a_private_authority(self, tmp_path: Path) -> None:
        """Is trusted by who says so."""
        context, trusted = certificate(tmp_path)
        client = Client(ssl_context=ssl.create_default_context(cafile=trusted))
        with running(reply({"a": 1}), tls=context) as server:
            assert {"a": 1} == post(server.url, client=client).json()

    def test_a_server_that_never_shakes_hands(self) -> None:
        """TLS has a limit too."""
        with running(Connection.hang) as server:
            error = failure(server.url.replace("http:", "https:"), within=0.3)
        assert ("127.0.0.1: ConnectTimeout.", False) == (str(error), error.sent)


class TestConnecting:
    """Has a shorter limit of its own, so that a provider that is gone is known to be."""

    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection, "CONNECT_LIMIT", 0.2)

    def test_the_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is not looked up for longer."""
        over = Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait() and [])
        began = monotonic()
        error = failure("https://provider.example/token")
        over.set()
        assert (True, False) == (monotonic() - began < 2, error.sent)

    def test_tls(self) -> None:
        """Is not waited for any longer."""
        with running(Connection.hang) as server:
            began = monotonic()
            error = failure(server.url.replace("http:", "https:"))
            assert (True, False) == (monotonic() - began < 2, error.sent)

    def test_an_answer(self) -> None:
        """Has the whole time of the call."""
        with running(lambda peer: peer.trickle(head("Content-Length: 2") + b"{}", 0.01)) as server:
            assert {} == post(server.url).json()


class TestAddresses:
    """A name may have several."""

    def test_the_next_one_is_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where one refuses."""
        with running(reply({"a": 1})) as server:
            found = [(None, None, 6, "", (address, server.port)) for address in ("127.0.0.2", "127.0.0.1")]
            monkeypatch.setattr(socket, "getaddrinfo", _only_for("provider.example", found))
            assert {"a": 1} == post(f"http://provider.example:{server.port}").json()

    def test_the_last_one_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where all refuse."""
        found = [(None, None, 6, "", (address, 1)) for address in ("127.0.0.2", "127.0.0.3")]
        monkeypatch.setattr(socket, "getaddrinfo", _only_for("provider.example", found))
        assert not failure("http://provider.example:1").sent


def _only_for(host: str, found: list[Any]) -> Callable[..., Any]:
    genuine = socket.getaddrinfo
    return lambda name, *rest, **more: found if name == host else genuine(name, *rest, **more)


class TestProxies:
    """Of the environment."""

    @pytest.fixture(autouse=True)
    def _no_proxies(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)

    def test_none_is_used_unasked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A token goes where the configuration says."""
        with running(reply({"a": 1})) as server:
            monkeypatch.setenv("http_proxy", refused_url())
            assert {"a": 1} == post(server.url).json()

    def test_one_is_used_where_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With user and password; also where its URL has no scheme."""
        with running(reply({"a": 1})) as server:
            for proxy in (f"http://me:p%40ss@127.0.0.1:{server.port}", f"127.0.0.1:{server.port}"):
                monkeypatch.setenv("http_proxy", proxy)
                assert {"a": 1} == post("http://localhost:1/token", client=Client(trust_env=True)).json()
        first, second = server.requests
        assert ["http://localhost:1/token"] * 2 == [first.target, second.target]
        assert "Basic bWU6cEBzcw==" == first.headers["proxy-authorization"]
        assert "proxy-authorization" not in second.headers

    @pytest.mark.parametrize("no_proxy", ["localhost", "*"])
    def test_no_proxy(self, no_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Names who is asked directly; so does having no proxy at all."""
        with running(reply({"a": 1})) as server:
            client, url = Client(trust_env=True), f"http://localhost:{server.port}"
            assert {"a": 1} == post(url, client=client).json()
            monkeypatch.setenv("http_proxy", refused_url())
            monkeypatch.setenv("no_proxy", no_proxy)
            assert {"a": 1} == post(url, client=client).json()

    def test_a_proxy_that_does_not_let_us_through(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing of the request reached anybody: the tunnel comes first."""
        with running(reply(status=407)) as server:
            monkeypatch.setenv("https_proxy", server.url)
            error = failure("https://provider.example/token", client=Client(trust_env=True))
        assert ("provider.example: ProxyError.", False) == (str(error), error.sent)
        assert ["CONNECT"] == [request.method for request in server.requests]
        assert b"" == server.requests[0].body

    def test_a_proxy_of_another_kind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is not silently gone around."""
        monkeypatch.setenv("https_proxy", f"socks5://me:{SECRET}@127.0.0.1:1")
        with pytest.raises(UsageError, match="expected an http proxy") as caught:
            post("https://provider.example/token", client=Client(trust_env=True))
        assert ("provider_option", False) == (caught.value.code, SECRET in str(caught.value))


class TestRetryAfter:
    """When to try again."""

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            (None, None),
            ("0", 0),
            (" 120 ", 120),
            ("9" * 5000, LONGEST_RETRY_AFTER),
            ("-1", None),
            ("1.5", None),
            ("²", None),
            ("", None),
            ("soon", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
            ("Wed, 21 Oct 99999999999 07:28:00 GMT", None),
        ],
    )
    def test_seconds_or_a_date(self, value: str | None, seconds: float | None) -> None:
        """Within bounds; nonsense says nothing."""
        assert seconds == retry_after(value)

    def test_a_date_to_come(self) -> None:
        """Counts from now."""
        seconds = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
        assert seconds is not None
        assert 55 < seconds <= 60


class TestSettings:
    """What is judged before anybody is asked."""

    @pytest.mark.parametrize(
        "url",
        [
            "https://login.example.com/oauth/token",
            "https://login.example.com:8443/token?tenant=1",
            "https://[2001:db8::1]/token",
            "http://localhost:8080/token",
            "http://127.0.0.1/token",
            "http://[::1]:80/token",
        ],
    )
    def test_where_tokens_may_be_sent(self, url: str) -> None:
        """By TLS, or not beyond this machine."""
        assert url == check_url("issuer", url)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "login.example.com",
            "http://login.example.com/token",
            "http://localhost.example.com/token",
            f"https://me:{SECRET}@login.example.com/token",
            "https://login.example.com/token#fragment",
            "https:///token",
            "https://[half/token",
            "https://login.example.com:0/",
            "https://login.example.com:99999/",
            "https://login.example.com/a b",
            "https://login.example.com/a\nb",
            "https://löchlein.example/",
            "ftp://login.example.com/",
        ],
    )
    def test_where_not(self, url: str) -> None:
        """And the error quotes nothing, for a password may be in it."""
        with pytest.raises(UsageError, match=r"^issuer: is not an https URL") as caught:
            check_url("issuer", url)
        assert ("provider_url", False) == (caught.value.code, SECRET in str(caught.value))

    def test_types(self) -> None:
        """Are named."""
        with pytest.raises(UsageTypeError, match="issuer: expected a URL"):
            check_url("issuer", b"https://login.example.com")
        with pytest.raises(UsageTypeError, match="trust_env: expected a bool"):
            Client(trust_env=1)  # type: ignore[arg-type]
        with pytest.raises(UsageTypeError, match="ssl_context: expected"):
            Client(ssl_context=False)  # type: ignore[arg-type]
        with pytest.raises(UsageTypeError, match="timeout: expected seconds"):
            check_timeout("5")

    @pytest.mark.parametrize("seconds", [0, -1, 31, float("nan"), float("inf")])
    def test_a_timeout_that_outlives_the_claim(self, seconds: float) -> None:
        """Somebody else would take over while the call goes on."""
        with pytest.raises(UsageError) as caught:
            check_timeout(seconds)
        assert "bad_duration" == caught.value.code

    def test_without_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error names the command."""
        monkeypatch.delattr("sealed_session.providers.connection")
        monkeypatch.delitem(sys.modules, "sealed_session.providers.connection")
        monkeypatch.setitem(sys.modules, "httpcore2", None)
        with pytest.raises(UsageError, match=r"pip install 'sealed-session\[flask\]'") as caught:
            post("http://localhost:1/")
        assert "extra_missing" == caught.value.code

    def test_importing_loads_no_client(self) -> None:
        """Only the first call does."""
        code = (
            "import sys, sealed_session.providers as p; before = set(sys.modules); p.OAuth2, p.WorkOS, dir(p)\n"
            "print([name in sys.modules for name in ('httpx2', 'httpcore2', 'urllib.request')],\n"
            "      'sealed_session.providers.oauth2' in before)"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert "[False, False, False] False" == said.strip()

    def test_no_other_names(self) -> None:
        """As of any module."""
        import sealed_session.providers

        assert "WorkOS" in dir(sealed_session.providers)
        with pytest.raises(AttributeError, match="'Auth0'"):
            sealed_session.providers.Auth0  # noqa: B018


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Not even by the libraries below, at the lowest level."""
    caplog.set_level(logging.DEBUG)
    with running(reply({"access_token": SECRET}), cut_off) as server:
        post(f"{server.url}/token?key={SECRET}")
        failure(f"{server.url}/token?key={SECRET}")
    assert caplog.records
    assert SECRET not in caplog.text


class Waiting(httpcore2.NetworkStream):
    """A connection in whose socket an answer lies already.

    Attributes:
        timeouts: How long each read would have waited.
    """

    def __init__(self) -> None:
        self.timeouts: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Take a piece."""
        self.timeouts.append(timeout)
        return b"a piece"


def test_what_lies_in_the_socket_is_taken_after_the_deadline() -> None:
    """A process that was stopped finds the only copy of new tokens there. Nobody waits for more, and not for ever."""
    waiting = Waiting()
    stream = connection.Stream(waiting, monotonic() - 10)
    assert [b"a piece"] * 32 == [stream.read(10) for _ in range(32)]
    assert [0.001] * 32 == waiting.timeouts
    with pytest.raises(httpcore2.ReadTimeout):
        stream.read(10)
    assert 32 == len(waiting.timeouts)


def test_without_a_thread_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that has all the threads it may have: the refresh token is as good as before."""

    def refuse(_thread: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", refuse)
        error = failure("http://localhost:1/token")
    assert (False, True) == (error.sent, "could not be asked (RuntimeError)" in str(error))


def test_an_unknown_error_after_the_body_was_sent_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever called takes it for one of which nothing is known."""

    def exchange(_method: str, _url: str, _headers: object, content: Any, **_named: object) -> bytes:
        assert list(content)
        raise RuntimeError("of a library")

    monkeypatch.setattr(connection, "exchange", exchange)
    with pytest.raises(RuntimeError, match="of a library"):
        post("http://localhost:1/token")
