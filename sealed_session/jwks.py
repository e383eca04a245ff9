"""The keys a provider signs with: its JSON Web Key Set, fetched when it is first needed, and kept.

    verifier ─▶ KeyCache.find(kid, algorithm) ─▶ the set that is held
                  └─▶ one thread that fetches: the first set, the next one after RENEW_AFTER, or for an unknown kid

A fetch that fails takes nothing away. Not a verifier: which tokens are good is decided in ``verifier.py``.

Source: RFC 7517, section 5 (the document).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from math import inf
from threading import Event, Lock, Thread, Timer
from typing import TYPE_CHECKING, Any, NamedTuple

from . import exact_json
from .key_set import KeySet, NoKey, UnusableSet
from .whereabouts import whereabouts

if TYPE_CHECKING:
    import httpx2
    from jwt import PyJWK

logger = logging.getLogger("sealed_session")

RENEW_AFTER = 600
"""Seconds after which the next request sets off a renewal, and does not wait for it."""

SERVED_FOR = 24 * 3600
"""Seconds a set is used for while no newer one can be had."""

COOL_DOWN = 30
"""Seconds between two fetches for the sake of unknown kids, which everybody can make up, and between two attempts to
renew a set that is still good."""

RETRY_AFTER = 5
"""Seconds between two attempts while there is no set at all: nobody can be verified, so it is looked at more often."""

MAX_SET_BYTES = 256 * 1024

_HEADERS = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}


def fetch(url: str, timeout: float) -> bytes:
    """Get a document of at most ``MAX_SET_BYTES``. A redirect is no document.

    Proxies and certificates are taken from the environment, as httpx2 does.

    Args:
        url: An address.
        timeout: Seconds from the first byte we send to the last that comes. Looking up the name is not within our
            power: whoever cannot wait for that calls this in a thread.

    Raises:
        UnusableSet: Another status than 200, or too long a document.
        httpx2.HTTPError: There is no answer, or not in time.
    """
    import httpx2

    with (
        _HangUp(timeout) as hang_up,
        httpx2.Client(timeout=timeout, follow_redirects=False) as client,
        client.stream("GET", url, headers=_HEADERS, extensions={"trace": hang_up.listen}) as response,
    ):
        if response.status_code != 200:
            raise UnusableSet(f"status {response.status_code}")
        return _read(response)


def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_raw():  # not decoded: what we did not ask to be compressed could be a bomb
        body += chunk
        if len(body) > MAX_SET_BYTES:
            raise UnusableSet(f"more than {MAX_SET_BYTES} bytes")
    return bytes(body)


class _HangUp:
    """Ends a request when its time is over: a client's timeout is for one read, and a trickling server has many."""

    def __init__(self, seconds: float) -> None:
        self._timer = Timer(seconds, self._hang_up)
        self._sockets: list[socket.socket] = []
        self._is_over = False

    def __enter__(self) -> _HangUp:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def listen(self, event: str, info: dict[str, Any]) -> None:
        """Be told by httpx2 of a connection; after the end, hang up on that one too."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self._is_over:
                self._hang_up()

    def _hang_up(self) -> None:
        self._is_over = True  # first, so that a connection is either seen here or sees this
        for connection in list(self._sockets):
            with contextlib.suppress(OSError):
                # Not the method of a TLS socket, which takes the state away from the thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Held(NamedTuple):
    keys: KeySet
    since: float


class _Flight:
    """A fetch under way, and what those who wait for it are told."""

    def __init__(self, now: float) -> None:
        self.landed = Event()
        self.since = now
        self.keys: KeySet | None = None


class _Process:
    """What a cache is in one process."""

    def __init__(self, held: _Held | None) -> None:
        self.pid = os.getpid()
        self.lock = Lock()
        self.held = held
        self.flight: _Flight | None = None
        self.has_failed = False
        self.tried_at = self.looked_at = -inf


class KeyCache:
    """The set behind a URL.

    Safe to share between threads. A forked child inherits the keys, not the lock, nor the fetch of a thread that
    stayed in its parent.
    """

    def __init__(
        self,
        url: str,
        algorithms: Sequence[str],
        *,
        timeout: float,
        clock: Callable[[], float] | None = None,
        fetch: Callable[[str, float], bytes] | None = None,
    ) -> None:
        """Fetch nothing yet.

        Args:
            url: Where the set is; trusted.
            algorithms: Names from ``KEY_TYPES``.
            timeout: Seconds that a fetch may take, and that anybody waits for it.
            clock: Returns Unix seconds. None: ``time.time``, looked up at every call.
            fetch: Gets the document of a URL within seconds, in a thread of its own; None: ``fetch``.
        """
        self._fetch = fetch
        self._url = url
        self._algorithms = tuple(algorithms)
        self._timeout = timeout
        self._clock = clock
        self._process = _Process(None)
        self._heirs: dict[int, _Process] = {}

    def find(self, kid: str, algorithm: str) -> PyJWK | NoKey:
        """Return a key, or why there is none. Never raises.

        Whoever names a key that is held does not wait. Others wait, all for the same fetch, for as long as it may take.
        """
        here = self._here()
        with here.lock:
            now = time.time() if self._clock is None else self._clock()
            found = _look_up(here, now, kid, algorithm)
            flight = self._board(here, now, found)
            # The set may be as old as the token is new: while nobody can ask, the key may well exist.
            otherwise = NoKey.UNAVAILABLE if flight or here.has_failed else found
        if found not in (NoKey.UNKNOWN, NoKey.UNAVAILABLE):
            return found
        if flight is None or not flight.landed.wait(self._timeout) or flight.keys is None:
            return otherwise
        return flight.keys.find(kid, algorithm)

    def _here(self) -> _Process:
        """Return the state of this process, by its id: a lock may have been forked while a thread held it."""
        if self._process.pid != os.getpid():
            # Of several threads that come here first, one is heard, by all.
            self._process = self._heirs.setdefault(os.getpid(), _Process(self._process.held))
        return self._process

    def _board(self, here: _Process, now: float, found: PyJWK | NoKey) -> _Flight | None:
        """Return the fetch that is under way, or the one that is begun now; None where none is due."""
        if here.flight is not None or not _is_due(here, now, found):
            return here.flight
        here.tried_at = now
        if found is NoKey.UNKNOWN:
            here.looked_at = now
        flight = _Flight(now)
        try:
            Thread(target=self._fly, args=(here, flight), name="sealed-session keys").start()
        except RuntimeError:  # no thread is to be had, or the interpreter is about to end
            here.has_failed = True
            return None
        here.flight = flight
        return flight

    def _fly(self, here: _Process, flight: _Flight) -> None:
        try:
            get = fetch if self._fetch is None else self._fetch
            flight.keys = KeySet(_decode(get(self._url, self._timeout)), self._algorithms)
        except Exception as error:  # others say what they like, and a thread has nobody to raise to
            why = str(error) if isinstance(error, UnusableSet) else whereabouts(error)
            logger.warning("the signing keys could not be fetched: %s. Those at hand stay in use.", why)
        finally:
            with here.lock:
                here.flight = None
                here.has_failed = flight.keys is None
                if flight.keys is not None:
                    here.held = _Held(flight.keys, flight.since)
            flight.landed.set()


def _decode(text: bytes) -> exact_json.JsonObject:
    try:
        return exact_json.loads(text.strip(b" \t\r\n"))  # a server may end its body with a line break
    except ValueError:
        pass
    raise UnusableSet("not JSON, or not within the bounds")


def _look_up(here: _Process, now: float, kid: str, algorithm: str) -> PyJWK | NoKey:
    if here.held is None or now - here.held.since > SERVED_FOR:
        return NoKey.UNAVAILABLE
    return here.held.keys.find(kid, algorithm)


def _is_due(here: _Process, now: float, found: PyJWK | NoKey) -> bool:
    """Return whether to fetch. A clock that was put back makes everything due, once."""
    if found is NoKey.UNAVAILABLE:
        return not 0 <= now - here.tried_at < RETRY_AFTER
    if found is NoKey.UNKNOWN:
        return not 0 <= now - here.looked_at < COOL_DOWN
    is_old = here.held is not None and not 0 <= now - here.held.since < RENEW_AFTER
    return is_old and not 0 <= now - here.tried_at < COOL_DOWN
