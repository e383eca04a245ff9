"""Takes the figures of storms: many requests with one ended cookie, by back end and by the provider's latency."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module

from cryptography.fernet import Fernet

from sealed_session import KeyRing, generate_password
from sealed_session.exact_json import JsonObject

from . import refresh_apps
from .peers import COOKIE_NAME, new_sealer
from .refresh_figures import STRAGGLERS, WORKOS, Delays, Side, Storm
from .refresh_provider import StrictProvider
from .refresh_servers import ask, ask_at_once, gunicorn

LATENCY = 0.3
"""Seconds that the provider takes in a storm: long enough for all of the requests to be there before it answers."""

LATENCIES = (0.0, 0.05, 0.2, 1.0, 3.0, 6.0)

TIMEOUT = 5.0
"""``REFRESH_TIMEOUT``, seconds that a request waits at most: its default."""

_ENDED = -60  # seconds
_PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Setting:
    """Instances of one application, and who makes its cookies.

    Attributes:
        ports: Where the instances are.
        provider: Whom they ask.
        seal: From a session to a cookie value.
    """

    ports: list[int]
    provider: StrictProvider
    seal: Callable[[JsonObject], str]


def served(key: str, provider: StrictProvider, urls: dict[str, str]) -> AbstractContextManager[Setting]:
    """Serve a side.

    Args:
        key: Which.
        provider: Whom to ask.
        urls: Of the coordinators, by store.
    """
    if key == WORKOS:
        return _workos(provider)
    workers, instances = {"memory": (1, 1), "sqlite": (4, 1), "redis": (1, 2)}[key]
    return _ours(provider, urls[key], workers, instances)


@contextmanager
def _ours(provider: StrictProvider, coordinator: str, workers: int, instances: int) -> Iterator[Setting]:
    """Serve our extension with its defaults; instances share password and coordinator, and no folder."""
    password = generate_password()
    environment = {
        "FLASK_SEALED_SESSION_PASSWORD": password,
        "FLASK_SEALED_SESSION_COOKIE_NAME": COOKIE_NAME,
        "FLASK_SEALED_SESSION_COORDINATOR_URL": coordinator,
        "FLASK_SEALED_SESSION_REFRESH_TIMEOUT": str(TIMEOUT),
        refresh_apps.PROVIDER: provider.address,
    }
    with ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(instances)]
        environments = [environment | {refresh_apps.FOLDER: folder} for folder in folders]
        ports = [stack.enter_context(gunicorn("ours", one, workers=workers)) for one in environments]
        yield Setting(ports, provider, new_sealer(KeyRing(password)).seal)


@contextmanager
def _workos(provider: StrictProvider) -> Iterator[Setting]:
    """Serve the SDK of WorkOS."""
    seal = import_module("workos.session").seal_session_from_auth_response
    key = Fernet.generate_key().decode()
    with gunicorn("workos", {refresh_apps.PROVIDER: provider.address, refresh_apps.KEY: key}, workers=1) as port:
        yield Setting([port], provider, lambda session: str(seal(**session, cookie_password=key)))


def storms(setting: Setting, count: int) -> Side:
    """Let so many pass, each with a session of its own, and then as many requests with a cookie that is good."""
    warm_up(setting)
    setting.provider.latency = LATENCY
    passed = [storm(setting) for _ in range(count)]
    cookie = setting.seal(setting.provider.sign_in())
    good = ask_at_once(setting.ports, cookie)
    return Side(passed, Delays.of([(answer.came - answer.sent) * 1000 for answer in good]))


def sweep(setting: Setting) -> Iterator[tuple[float, Storm]]:
    """Let a storm pass for each latency of the provider, after one that does not count: the first is slow by itself."""
    warm_up(setting)
    setting.provider.latency = LATENCY
    storm(setting)
    for latency in LATENCIES:
        setting.provider.latency = latency
        yield latency, storm(setting)


def storm(setting: Setting) -> Storm:
    """Let one pass, and those who come afterwards with the old cookie."""
    provider, session = setting.provider, setting.provider.sign_in(_ENDED)
    cookie, token = setting.seal(session), session["refresh_token"]
    answers = ask_at_once(setting.ports, cookie)
    at_once = provider.calls[token]
    good = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 503]
    provider.wait_for(token, _PATIENCE)  # its answer may come when all of the requests have given up
    later = ask_at_once(setting.ports, cookie, STRAGGLERS)
    return Storm(
        calls=provider.calls[token],
        later_calls=provider.calls[token] - at_once,
        ok=len(good),
        later_ok=[answer.status for answer in later].count(200),
        unavailable=len(refused),
        retry_after=refused[0].retry_after if refused else None,
        processes=len({answer.pid for answer in good}),
        slowest=max(answer.came - answer.sent for answer in answers),
        late=[(answer.came - provider.answered_at[token]) * 1000 for answer in good],
    )


def warm_up(setting: Setting) -> None:
    """Wait until every instance answers; then let many requests come at once, so that most workers have answered."""
    cookie = setting.seal(setting.provider.sign_in())
    for port in setting.ports:
        ask(port, cookie)
    ask_at_once(setting.ports, cookie)
