"""What the fakes of the four systems have in common: a server, a clock, keys, a record of the calls, and faults.

    with FakeStytch(clock=clock) as stytch:        listens on a free port of the loopback
        stytch.sign_in()                           what SealedSession.sign_in takes
        stytch.fail(Fault.TOO_MANY, retry_after=5) the next call is refused
        stytch.rotate_key()                        what is signed from now on bears another key
        stytch.count("/v1/sessions/authenticate")  how often that was asked for

What is one vendor's stands in the subclass: its paths, its tokens, its errors.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import Any, Self

from ..arguments import wrong_type
from ..exact_json import JsonObject
from .faults import Fault, Faults, Planned
from .server import LoopbackServer, Reply, Request
from .signing import SigningKeys

LONGEST_HANG = 60
"""Seconds."""

_MAINTENANCE = b"<!doctype html><title>503</title><h1>We will be back soon</h1>"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that came. Holds nothing secret: no query, no header, no body.

    Attributes:
        method: ``POST``, for example.
        path: Without the query.
        who: Who called, by the name that the fake was given for it; ``stranger`` for any other name, and empty
            where none was said. That says nothing of the password that came with it.
    """

    method: str
    path: str
    who: str


Handler = Callable[[Request], Reply]


class Fake:
    """A provider on the loopback. Safe to share between threads.

    Attributes:
        client: The name that its one client is known by: the client id, or that of the project.
        jwks_path: Where its keys are; empty where it publishes none.
        jwks_url: The same as an address.
        keys: What it signs with.
        calls: The requests that came, in order; those that a fault met too.
    """

    jwks_path = ""

    def __init__(
        self, client: str, *, clock: Callable[[], float] | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        """Begin with no session, and listen nowhere yet.

        Args:
            client: Its one client.
            clock: Returns Unix seconds: the same clock as the application's. None: ``time.time``, looked up at every
                call.
            ssl_context: With a certificate, for clients that insist on https; None: plain HTTP.

        Raises:
            UsageTypeError: Something else.
        """
        if clock is not None and not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        self.client = client
        self.keys = SigningKeys(f"{type(self).__name__}-{client}")
        self.calls: list[Call] = []
        self._clock = clock
        self._faults = Faults()
        self._lock = Lock()
        self._released = Event()
        self._server = LoopbackServer(self._answer, ssl_context)
        self._routes: dict[tuple[str, str], Handler] = {}

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()
        self._server.stop()

    @property
    def base_url(self) -> str:
        """Where it listens, without a slash at the end.

        Raises:
            RuntimeError: Outside a ``with`` statement.
        """
        return self._server.base_url

    @property
    def jwks_url(self) -> str:
        """Where its keys are."""
        return f"{self.base_url}{self.jwks_path}"

    def clock(self) -> int:
        """Return the time, in whole seconds."""
        return int(time.time() if self._clock is None else self._clock())

    def count(self, path: str | None = None) -> int:
        """Return how many requests came for a path, or at all."""
        return sum(path in (None, call.path) for call in list(self.calls))

    def fail(
        self,
        fault: Fault,
        times: int | None = 1,
        path: str | None = None,
        *,
        retry_after: int | str | None = None,
    ) -> None:
        """Do something wrong from now on. Said twice, the second fault follows the first.

        Args:
            fault: What. ``REFUSED`` closes the port at once and until ``recover``: nobody counts who is refused.
            times: How many requests meet it; None: every one until ``recover``.
            path: Of those requests; None: all.
            retry_after: A header ``Retry-After``, in seconds or as it is; ``TOO_MANY`` says 1 where nothing is given.

        Raises:
            UsageTypeError, UsageError: Something else; ``REFUSED`` for one path.
        """
        if fault is Fault.REFUSED:
            if path is not None:
                raise wrong_type("path", "None, for whoever is refused says no path", path)
            self._let_go()
            self._server.refuse()
            return
        with self._lock:
            self._faults.add(fault, times, path, retry_after)

    def recover(self) -> None:
        """Forget what ``fail`` was told, listen again, and close the connections that hang."""
        with self._lock:
            self._faults.clear()
        self._let_go()
        self._server.listen()

    def rotate_key(self, *, keep_old: bool = True) -> None:
        """Sign with another key from now on.

        Args:
            keep_old: Whether the old keys are published yet, so that what they have signed is good.
        """
        with self._lock:
            self.keys.rotate(keep_old=keep_old)

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Sign claims of the caller's own with the key in use, whatever they say.

        Args:
            claims: Of the token.
            header: Changes of its header; None removes a member.
        """
        return self.keys.current.sign(claims, **header)

    def jwks(self) -> JsonObject:
        """Return what is published: the set of keys."""
        return self.keys.jwks()

    def _let_go(self) -> None:
        """Close the connections that hang."""
        with self._lock:
            released, self._released = self._released, Event()
        released.set()

    def _answer(self, request: Request) -> Reply | None:
        with self._lock:
            self.calls.append(Call(request.method, request.path, self._name(self._who(request))))
            planned, released = self._faults.take(request.path), self._released
            if planned is None:
                return self._reply(request)
            if planned.fault is Fault.CUT_OFF:
                return replace(self._reply(request), is_cut=True)
        if planned.fault is Fault.HANG:
            released.wait(LONGEST_HANG)
            return None
        return self._wrong(planned)

    def _reply(self, request: Request) -> Reply:
        """Answer as the vendor does. A route that ends in ``*`` takes what stands there."""
        if request.method == "GET" and request.path == self.jwks_path != "":
            return Reply(200, self.jwks())
        for path in (request.path, f"{request.path.rpartition('/')[0]}/*"):
            if (request.method, path) in self._routes:
                return self._routes[request.method, path](request)
        is_known = any(request.path == path for _, path in self._routes)
        return self._refusal(405, "method_not_allowed") if is_known else self._refusal(404, "not_found")

    def _wrong(self, planned: Planned) -> Reply:
        given = planned.retry_after
        if planned.fault is Fault.TOO_MANY:
            given = 1 if given is None else given
            reply = self._refusal(429, "too_many_requests")
        elif planned.fault is Fault.SERVER_ERROR:
            reply = self._refusal(500, "internal_server_error")
        else:
            reply = Reply(503, _MAINTENANCE)
        headers = {} if given is None else {"Retry-After": str(given)}
        return Reply(reply.status, reply.body, headers)

    def _name(self, who: str) -> str:
        return who if who in ("", self.client) else "stranger"

    def _who(self, request: Request) -> str:
        """Return who says to call."""
        user, _ = request.basic() or ("", "")
        return user

    def _is_ours(self, request: Request, password: str) -> bool:
        """Return whether our one client calls, by HTTP Basic. For production ``compare_digest`` would be due."""
        return request.basic() == (self.client, password)

    def _refusal(self, status: int, code: str) -> Reply:
        """Return an error in the vendor's own shape."""
        raise NotImplementedError
