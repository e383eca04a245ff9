"""The cache of signing keys, in front of a real server: nobody waits in vain, and nothing is lost to a fault."""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sealed_session import jwks
from sealed_session.jwks import COOL_DOWN, MAX_SET_BYTES, RENEW_AFTER, RETRY_AFTER, SERVED_FOR, KeyCache, fetch
from sealed_session.key_set import KeySet, NoKey, UnusableSet
from sealed_session.testing import Clock

from .jwks_server import PATIENCE, CurveKey, JWKSServer, SigningKey, free_port, jwks_server, settle

KEY, NEXT = SigningKey("key_1"), SigningKey("key_2", number=2)
FAULTS = [
    "status_500",
    "html",
    "empty",
    "an_array",
    "no_list",
    "no_keys",
    "unusable_keys",
    "huge",
    "bomb",
    "truncated",
    "refusing",
    "redirect",
]


@pytest.fixture
def server() -> Iterator[JWKSServer]:
    """An endpoint with one key."""
    with jwks_server(KEY) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def cache(server: JWKSServer, clock: Clock) -> KeyCache:
    """A cache that has fetched nothing yet."""
    return KeyCache(server.url, ["RS256"], timeout=PATIENCE, clock=clock)


def has(cache: KeyCache, kid: str = "key_1") -> bool | str:
    """Whether there is a key of a name; or why not."""
    found = cache.find(kid, "RS256")
    return str(found) if isinstance(found, NoKey) else True


def test_it_is_fetched_once_when_it_is_first_needed(cache: KeyCache, server: JWKSServer) -> None:
    """And parsed once: the key is the same object ever after."""
    assert 0 == server.fetches
    assert cache.find("key_1", "RS256") is cache.find("key_1", "RS256")
    assert 1 == server.fetches


def test_white_space_around_the_set_is_no_fault(cache: KeyCache, server: JWKSServer) -> None:
    """Flask's ``jsonify`` ends its bodies with a line break (RFC 8259, section 2)."""
    server.fault = "with_line_breaks"
    assert has(cache)


def test_many_that_come_first_fetch_once(cache: KeyCache, server: JWKSServer) -> None:
    """They wait for one fetch and have the same answer."""
    server.fault = "wait"
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(has, cache) for _ in range(20)]
        assert server.arrived.wait(PATIENCE)
        server.gate.set()
        assert [True] * 20 == [one.result(PATIENCE) for one in waiting]
    assert 1 == server.fetches


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_failed_fetch(fault: str, cache: KeyCache, server: JWKSServer, clock: Clock) -> None:
    """Without a set nobody knows, and it is looked again soon; not at once, or every request would wait."""
    server.fault = fault
    assert ["keys_unavailable"] * 3 == [has(cache), has(cache), has(cache)]
    assert 1 == server.fetches
    server.fault = ""
    clock.advance(RETRY_AFTER)
    assert (True, 2) == (has(cache), server.fetches)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_fetch_takes_nothing_away(fault: str, cache: KeyCache, server: JWKSServer, clock: Clock) -> None:
    """The last good set serves for a day, whatever the endpoint says, and then no more."""
    assert has(cache)
    server.fault = fault
    clock.advance(RENEW_AFTER)
    assert has(cache)
    settle()
    clock.advance(SERVED_FOR - RENEW_AFTER)
    assert has(cache)
    settle()
    server.fault = fault  # the redirect leads back to a good one
    if fault != "redirect":
        clock.advance(1)
        assert "keys_unavailable" == has(cache)


def test_nobody_listens(clock: Clock) -> None:
    """Refused at once."""
    assert "keys_unavailable" == has(KeyCache(f"http://127.0.0.1:{free_port()}/", ["RS256"], timeout=3, clock=clock))
    settle()


def test_what_is_not_an_address(clock: Clock) -> None:
    """Neither is that raised to a request."""
    assert "keys_unavailable" == has(KeyCache("http://[::1", ["RS256"], timeout=3, clock=clock))
    settle()


@pytest.mark.parametrize("fault", ["hang", "trickle_headers", "trickle_body"])
def test_a_server_that_takes_its_time_is_hung_up_on(fault: str, server: JWKSServer, clock: Clock) -> None:
    """Whoever asked goes on when the time is over, and so does the thread: a trickle of bytes does not keep it."""
    server.fault = fault
    slow = KeyCache(server.url, ["RS256"], timeout=1, clock=clock)
    began = time.monotonic()
    assert "keys_unavailable" == has(slow)
    assert 0.9 < time.monotonic() - began < 2.5
    settle()
    assert time.monotonic() - began < 3


def test_a_connection_that_comes_too_late_is_hung_up_on(server: JWKSServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when looking up the name took all of the time."""
    server.fault = "trickle_headers"
    connect = socket.create_connection
    over = threading.Event()

    class Late(jwks._HangUp):
        def _hang_up(self) -> None:
            super()._hang_up()
            over.set()

    def look_up_slowly(*arguments: Any, **options: Any) -> Any:
        assert over.wait(PATIENCE)
        return connect(*arguments, **options)

    monkeypatch.setattr(jwks, "_HangUp", Late)
    monkeypatch.setattr(socket, "create_connection", look_up_slowly)
    began = time.monotonic()
    with pytest.raises(Exception, match="disconnected"):
        fetch(server.url, 1)
    assert time.monotonic() - began < 2.5


def test_renewal_is_behind_the_back_of_requests(cache: KeyCache, server: JWKSServer, clock: Clock) -> None:
    """While it hangs, keys that are held are given out at once, and one thread at most is at it."""
    assert has(cache)
    server.fault = "wait"
    clock.advance(RENEW_AFTER - 1)
    assert (True, 1) == (has(cache), server.fetches)
    clock.advance(1)
    assert has(cache)
    assert server.arrived.wait(PATIENCE)
    clock.advance(COOL_DOWN)  # a second one would be due by now
    assert [True] * 50 == [has(cache) for _ in range(50)]
    assert 1 == sum(thread.name == "sealed-session keys" for thread in threading.enumerate())
    server.rotate(NEXT)
    server.gate.set()
    settle()
    assert (2, True, "unknown_kid") == (server.fetches, has(cache, "key_2"), has(cache, "key_1"))


def test_a_renewal_that_failed_is_tried_again(cache: KeyCache, server: JWKSServer, clock: Clock) -> None:
    """After a cool-down."""
    assert has(cache)
    server.fault = "status_500"
    clock.advance(RENEW_AFTER)
    for seconds, fetches in ((0, 2), (COOL_DOWN - 1, 2), (1, 3)):
        clock.advance(seconds)
        assert has(cache)
        settle()
        assert fetches == server.fetches


def test_a_rotated_key_is_found_at_once(cache: KeyCache, server: JWKSServer) -> None:
    """An unknown kid is looked up once, by whoever comes with it; those who come at the same time wait along."""
    assert has(cache)
    server.rotate(KEY, NEXT)
    server.fault = "wait"
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(has, cache, "key_2") for _ in range(10)]
        assert server.arrived.wait(PATIENCE)
        assert has(cache)
        server.gate.set()
        assert [True] * 10 == [one.result(PATIENCE) for one in waiting]
    assert 2 == server.fetches


def test_a_flood_of_unknown_kids_is_two_fetches(cache: KeyCache, server: JWKSServer, clock: Clock) -> None:
    """The first for the set, and one more; the next only after the cool-down."""
    assert {"unknown_kid"} == {has(cache, f"made_up_{number}") for number in range(1000)}
    assert 2 == server.fetches
    clock.advance(COOL_DOWN - 1)
    assert ("unknown_kid", 2) == (has(cache, "made_up"), server.fetches)
    clock.advance(1)
    assert ("unknown_kid", 3) == (has(cache, "made_up"), server.fetches)


def test_a_flood_from_many_threads(cache: KeyCache, server: JWKSServer) -> None:
    """The same."""
    with ThreadPoolExecutor(20) as pool:
        assert {"unknown_kid"} == set(pool.map(lambda number: has(cache, f"made_up_{number}"), range(1000)))
    assert server.fetches <= 2


def test_an_unknown_kid_while_nobody_can_ask(cache: KeyCache, server: JWKSServer, clock: Clock) -> None:
    """It may be a new key: nobody knows, until the endpoint answers again."""
    assert has(cache)
    server.fault = "status_500"
    assert ["keys_unavailable"] * 2 == [has(cache, "key_2"), has(cache, "key_2")]
    assert (True, 2) == (has(cache), server.fetches)
    server.fault = ""
    clock.advance(COOL_DOWN)
    assert "unknown_kid" == has(cache, "key_2")


def test_a_clock_that_is_put_back(cache: KeyCache, server: JWKSServer, clock: Clock) -> None:
    """The set stays in use and is renewed, once."""
    assert has(cache)
    clock.advance(-3600)
    for _ in range(3):
        assert has(cache)
        settle()
    assert 2 == server.fetches


def test_the_clock_is_looked_up_at_call_time(server: JWKSServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none was given."""
    cache = KeyCache(server.url, ["RS256"], timeout=PATIENCE)
    assert has(cache)
    later = time.time() + RENEW_AFTER
    monkeypatch.setattr(time, "time", lambda: later)
    assert has(cache)
    settle()
    assert 2 == server.fetches


def test_no_thread_is_to_be_had(cache: KeyCache, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed fetch like others."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert "keys_unavailable" == has(cache)
    clock.advance(RETRY_AFTER)
    assert has(cache)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("status_500", "status 500"),
        ("huge", f"more than {MAX_SET_BYTES} bytes"),
        ("html", "not JSON"),
        ("no_keys", "without a usable key"),
        ("no_list", "not a JSON Web Key Set"),
        ("truncated", "RemoteProtocolError at"),
    ],
)
def test_the_log_says_why(
    fault: str, said: str, cache: KeyCache, server: JWKSServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for each attempt, and nothing of what came."""
    server.fault = fault
    with caplog.at_level(logging.WARNING, "sealed_session"):
        assert ["keys_unavailable"] * 2 == [has(cache), has(cache)]
    settle()
    assert [True] == [said in record.getMessage() for record in caplog.records]
    assert "Sorry" not in caplog.text
    assert KEY.jwk()["n"] not in caplog.text


def _in_child(find: Callable[[], bool | str], answers: Any) -> None:
    answers.put((os.getpid(), find()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_starts_anew(cache: KeyCache, server: JWKSServer) -> None:
    """Forked amid a fetch, while a thread holds the lock, it waits for neither."""
    server.fault = "wait"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(has, cache)
        assert server.arrived.wait(PATIENCE)
        server.fault = ""
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        child = context.Process(target=_in_child, args=(lambda: has(cache), answers))
        with cache._process.lock:
            child.start()
        pid, answer = answers.get(timeout=PATIENCE)
        child.join(PATIENCE)
        assert (True, child.pid, 2) == (answer, pid, server.fetches)
        server.gate.set()
        assert waiting.result(PATIENCE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_inherits_the_keys(cache: KeyCache, server: JWKSServer) -> None:
    """As with ``gunicorn --preload``."""
    assert has(cache)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_in_child, args=(lambda: [has(cache), has(cache)], answers))
    child.start()
    assert [True, True] == answers.get(timeout=PATIENCE)[1]
    child.join(PATIENCE)
    assert 1 == server.fetches


def test_after_a_fork_the_state_is_one_for_all_threads(cache: KeyCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several that notice at once, one is heard; so the first fetches are one fetch there, too."""
    before = cache._process
    monkeypatch.setattr(os, "getpid", lambda: -1)
    first = cache._here()
    cache._process = before  # as another thread has read it
    assert (first, True) == (cache._here(), first is not before)


def test_a_process_can_end_amid_a_fetch(server: JWKSServer) -> None:
    """It waits for the fetch no longer than the fetch may take, and says nothing about it."""
    server.fault = "trickle_headers"
    program = (
        "import threading, time\n"
        "from sealed_session.jwks import KeyCache\n"
        f"cache = KeyCache({server.url!r}, ['RS256'], timeout=1)\n"
        "threading.Thread(target=cache.find, args=('key_1', 'RS256')).start()\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert time.monotonic() - began < 10
    assert "" == done.stdout
    assert "Traceback" not in done.stderr


def of(*jwks: Any, algorithms: tuple[str, ...] = ("RS256", "ES256")) -> KeySet:
    """A set of these keys."""
    return KeySet({"keys": list(jwks)}, algorithms)


def found(keys: KeySet, kid: str = "key_1", algorithm: str = "RS256") -> bool | str:
    """Whether there is a key of a name; or why not."""
    key = keys.find(kid, algorithm)
    return str(key) if isinstance(key, NoKey) else True


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"alg": "RS512"},
        {"kty": "EC"},
        {"kty": ["RSA"]},
        {"n": None},
        {"n": 7},
        {"n": "!"},
        {"e": ""},
        SigningKey(number=3, bits=1024).jwk(),
    ],
)
def test_a_key_that_is_of_no_use_is_passed_over(changes: dict[str, Any]) -> None:
    """The others are not: what a set may hold besides is not ours to say."""
    keys = of(KEY.jwk(**changes), NEXT.jwk(), None, 3, [], {}, NEXT.jwk(kid=7))
    assert ("wrong_algorithm", True) == (found(keys), found(keys, "key_2"))
    with pytest.raises(UnusableSet, match="without a usable key"):
        of(KEY.jwk(**changes))


def test_a_key_needs_to_say_little() -> None:
    """Its algorithm and use may be absent; then its type decides."""
    curve = CurveKey()
    keys = of(KEY.jwk(alg=None, use=None, key_ops=None), curve.jwk(alg=None, key_ops=["verify"]))
    assert (True, "wrong_algorithm") == (found(keys), found(keys, algorithm="ES256"))
    assert ("wrong_algorithm", True) == (found(keys, "curve_1"), found(keys, "curve_1", "ES256"))
    assert "unknown_kid" == found(keys, "key_2")


def test_one_name_for_several_keys() -> None:
    """Is a refusal, unless they are for different algorithms, or the same key."""
    assert True is found(of(KEY.jwk(), KEY.jwk()))
    assert "duplicate_kid" == found(of(KEY.jwk(), NEXT.jwk(kid="key_1"), KEY.jwk()))
    both = of(KEY.jwk(), CurveKey("key_1").jwk())
    assert (True, True) == (found(both), found(both, algorithm="ES256"))


def test_private_keys_are_not_taken_over() -> None:
    """A set that publishes one by mistake is read for its public half."""
    private = {**KEY.jwk(), **dict.fromkeys(("d", "p", "q", "dp", "dq", "qi"), "AQAB")}
    key = of(private).find("key_1", "RS256")
    assert not isinstance(key, NoKey)
    assert not hasattr(key.key, "sign")
