"""`python -m examples.app` and `python -m examples.tour` as people start them: several workers, and a clean end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from examples.app import __main__ as command
from examples.app import workers
from examples.app.people import SECOND
from tests.web.demo import COOKIE, fact, title, words
from tests.web.demo_program import PATIENCE, ROOT, Program, needs_workers, started, until


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Program]:
    """The demo as it is, with tokens that end sooner."""
    with started(tmp_path, "--lifetime", "4") as program:
        yield program


@needs_workers
def test_ten_tabs_over_the_end_of_a_token(demo: Program) -> None:
    """All come with one cookie, to every worker, until they have new tokens: one call of the provider, and no error."""
    cookie = demo.sign_in()
    ends = demo.look(cookie)["ends"]

    def tab(_number: int) -> list[dict[str, Any]]:
        looks = [demo.look(cookie)]
        while not looks[-1]["took_new_tokens"]:
            looks.append(demo.look(cookie))
        return looks

    with ThreadPoolExecutor(10) as pool:
        tabs = list(pool.map(tab, range(10)))
    last = [looks[-1] for looks in tabs]
    assert 1 == len({look["ends"] for look in last})
    assert ends < last[0]["ends"]
    assert {(1, 0)} == {(look["calls"], look["refused"]) for look in last}
    assert 2 <= len({look["pid"] for looks in tabs for look in looks})
    demo.end(signal.SIGINT)


@needs_workers
@pytest.mark.row("WO-14")
def test_the_whole_life_of_a_session(demo: Program) -> None:
    """In, renewed, in another organisation, signed out by the provider's back channel; over the network all the way."""
    person = demo.person()
    page = person.sign_in()
    assert ("Bjarte Åsample", "0", "Placeholder Ltd") == (
        title(page),
        fact(page, "Calls of the provider"),
        fact(page, "Organisation"),
    )
    until(lambda: fact(person.open("/session"), "Calls of the provider") == "1")
    page = person.choose(person.open("/session"), SECOND)
    assert ("Bjarte Åsample", "Sample & Sons") == (title(page), fact(page, "Organisation"))
    issuer = fact(page, "Signed in at")
    done = person.choose(person.open(f"{issuer}/"), "everywhere")
    assert "1 session of the application ended" in words(done)
    copy = person.browser.jar.get(COOKIE).value
    assert [401] * 6 == [demo.ask("/session", copy).status for _ in range(6)]  # every worker knows
    page = person.open("/session")
    assert (401, "Signed out") == (page.status_code, title(page))
    assert "revoked · The provider signed you out" in words(page)
    assert [] == person.browser.refused


@needs_workers
def test_a_worker_that_is_killed(demo: Program) -> None:
    """Is replaced, and the session goes on; the end is as clean as ever."""
    cookie = demo.sign_in()
    killed = demo.look(cookie)["pid"]
    os.kill(killed, signal.SIGKILL)
    until(lambda: max(map(int, demo.look(cookie)["workers"])) == 5)
    assert "was sent SIGKILL" in demo.end(signal.SIGINT)


@needs_workers
def test_a_changed_password_is_every_workers_at_once(demo: Program) -> None:
    """However often it is changed, no worker fails to open what another has sealed."""
    cookie = demo.sign_in()
    for _ in range(6):
        assert 303 == demo.ask("/demo/rotate", cookie, method="POST").status
        answers = [demo.ask("/session", cookie) for _ in range(6)]
        assert [200] * 6 == [answer.status for answer in answers]
        cookie = answers[0].cookie


@needs_workers
@pytest.mark.parametrize("signals", [[signal.SIGINT] * 3, [signal.SIGTERM, signal.SIGINT]])
def test_pressing_twice_ends_it_once(tmp_path: Path, signals: list[signal.Signals]) -> None:
    """Also by make or a shell that pass it on, and while the workers end."""
    with started(tmp_path, "--workers", "2") as demo:
        demo.end(*signals)
        assert demo.has_gone()


@needs_workers
def test_workers_do_not_outlive_the_program(tmp_path: Path) -> None:
    """Even when it is killed, and can end nobody any more."""
    with started(tmp_path, "--workers", "2") as demo:
        demo.process.kill()
        until(demo.has_gone)


@needs_workers
def test_workers_that_cannot_start(tmp_path: Path) -> None:
    """End the program, which says so."""
    done = subprocess.run(
        [sys.executable, "-m", "examples.app", "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path), "GUNICORN_CMD_ARGS": "--threads none"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (1, "") == (done.returncode, done.stdout)
    assert "The workers have ended by themselves, and the demo with them; nothing was stored." in done.stderr
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_one_process_is_enough(tmp_path: Path, ending: signal.Signals) -> None:
    """Where there is no gunicorn: the same application, in threads of the program; warnings are errors."""
    with started(tmp_path, "--workers", "1", PYTHONWARNINGS="error") as demo:
        assert b"Please sign in" in demo.ask("/").body
        assert {"1"} == set(demo.look(demo.sign_in())["workers"])
        assert "" == demo.end(ending)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of the machine")
def test_it_binds_the_loopback_address() -> None:
    """And no other."""
    with command.listen(0) as listener, socket.socket() as other:
        other.bind(("127.0.0.2", listener.getsockname()[1]))  # would be taken by a server on every address


def test_a_taken_port_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --port a free one is taken instead, also where somebody was faster just now; one asked for is not."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(command, "PORT", port)
        for _ in range(2):
            with command.listen(None) as listener:
                assert port != listener.getsockname()[1]
            monkeypatch.setattr(command, "_is_taken", lambda _port: False)
        with pytest.raises(SystemExit, match=f"The port {port} cannot be had"):
            command.listen(port)
    with command.listen(None) as listener:
        assert port == listener.getsockname()[1]


def test_the_provider_is_beside_it() -> None:
    """On the next port, or on a free one where that is taken or there is none."""
    with command.listen(0) as listener, command.listen_beside(listener) as first, command.listen_beside(first) as _next:
        with command.listen_beside(listener) as second:
            ports = [each.getsockname()[1] for each in (listener, first, second)]
        assert 3 == len(set(ports))


def test_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several workers where they are possible, otherwise one, which is said."""
    monkeypatch.setattr(workers, "are_possible", lambda: True)
    assert (None, 4, 20) == command.read([])
    assert (0, 2, 3) == command.read(["--port", "0", "--workers", "2", "--lifetime", "3"])
    for wrong in (["--workers", "0"], ["--lifetime", "0"], ["--port", "x"]):
        with pytest.raises(SystemExit):
            command.read(wrong)
    assert ["4 workers", "one process"] == [command.describe(number) for number in (4, 1)]
    monkeypatch.setattr(workers, "are_possible", lambda: False)
    assert (1, "one process; more take gunicorn, and no Windows") == (command.read([]).workers, command.describe(1))


def test_the_tour() -> None:
    """The story in the terminal is told to its end."""
    env = os.environ | {"PYTHONWARNINGS": "error"}
    arguments = [sys.executable, "-m", "examples.tour"]
    result = subprocess.run(arguments, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=False)
    assert (0, "") == (result.returncode, result.stderr)
    assert [1, 2, 3, 4, 5] == [int(number) for number in re.findall(r"^(\d)\. ", result.stdout, re.MULTILINE)]
