"""No token, password or plaintext in any message, repr, log record or exception context of ours."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import sealed_session.sealer
from sealed_session import KeyRing, SealedSessionError, Sealer, Session, generate_password, seal, unseal

PASSWORD, OLD = generate_password(), generate_password()
HUMAN = "the quick brown fox jumps over 13 lazy dogs"  # test data
ACCESS, REFRESH, EMAIL, SECRET = "access-7Hq2mZk9", "refresh-4Tn8xWv3", "ada.7Hq2@example.com", "extra-9Lp5cRs1"
SESSION = Session(ACCESS, REFRESH, {"email": EMAIL}, {"email": EMAIL}, {"note": SECRET}, tokens={"id": ACCESS})
SEALED = seal(SESSION, PASSWORD)
SECRETS = (ACCESS, REFRESH, EMAIL, SECRET, PASSWORD, OLD, HUMAN, SEALED, SEALED[10:60])


class Odd:
    """Not JSON, with a telling repr."""

    def __repr__(self) -> str:
        return SECRET


def failing_calls() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Everything that raises, with secrets as close at hand as can be."""
    sealer = Sealer(KeyRing(PASSWORD))
    yield "wrong password", lambda: unseal(SEALED, OLD)
    yield "tampered", lambda: sealer.unseal(SEALED[:-8] + "AAAAAAAA")
    yield "cut off", lambda: sealer.unseal(SEALED[:-1])
    yield "not base64url", lambda: sealer.unseal(SEALED[:50] + "!" + SEALED[50:])
    yield "other name", lambda: sealer.unseal(SEALED, name="other")
    yield "a token instead", lambda: sealer.unseal(ACCESS)
    yield "bytes", lambda: sealer.unseal(SEALED.encode())  # type: ignore[arg-type]
    yield "too large", lambda: Sealer(KeyRing(PASSWORD), max_bytes=20).seal(SESSION)
    yield "odd value", lambda: sealer.seal(SESSION.replace(user={"email": EMAIL, "x": Odd()}))
    yield "odd nested value", lambda: sealer.seal(SESSION.replace(extra={"email": [EMAIL, Odd()]}))
    yield "paired surrogates", lambda: sealer.seal(SESSION.replace(user={"email": EMAIL + "\ud83d\ude00"}))
    yield "surrogate token", lambda: SESSION.replace(refresh_token=REFRESH + "\ud800")
    yield "token as bytes", lambda: SESSION.replace(access_token=ACCESS.encode())
    yield "user as text", lambda: SESSION.replace(user=json.dumps({"email": EMAIL}))
    yield "unknown value", lambda: sealer.seal({"access_token": ACCESS, "refresh": REFRESH})
    yield "session id", lambda: SESSION.replace(session_id=REFRESH + "!")
    yield "password cut off", lambda: KeyRing(PASSWORD[:-1])
    yield "password with a space", lambda: KeyRing(HUMAN + " ")
    yield "password short", lambda: KeyRing(HUMAN[:20])
    yield "fallback twice", lambda: KeyRing(HUMAN, [OLD, OLD])
    yield "fallback current", lambda: KeyRing(HUMAN, [HUMAN])
    yield "fallbacks as text", lambda: KeyRing(PASSWORD, OLD)  # type: ignore[arg-type]
    yield "ring as text", lambda: Sealer(PASSWORD)  # type: ignore[arg-type]


def authentic_failures() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every kind of failure in the vector file: with most of them plaintext is at hand."""
    path = Path(__file__).parents[1] / "vectors" / "native_v1.json"
    for case in json.loads(path.read_text(encoding="ascii"))["fail"]:
        if not case["id"].startswith(("truncated", "flipped")) or case["id"] == "flipped-41":
            clock = partial(int, case["now"])
            sealer = Sealer(KeyRing(case["password"]), name=case["name"], clock=clock, absolute_lifetime=3600)
            yield case["id"], partial(sealer.unseal, case["sealed"])


CALLS = dict(failing_calls())


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what caused it and what was being handled."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        if error.__context__ is not error.__cause__:
            yield from chain(error.__context__)


def everything_said(error: BaseException) -> str:
    """All text that a traceback, a log or a debugger takes from an error."""
    said = "".join(traceback.format_exception(error))
    for link in chain(error):
        said += repr(link) + str(link) + repr(link.args) + repr(vars(link))
        said += "".join(repr(getattr(link, name, "")) for name in ("doc", "object", "data", "extra", "unpacked"))
    return said


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_error_tells_a_secret(call: Callable[[], Any]) -> None:
    """Neither in its text nor in an attribute nor in the errors behind it."""
    with pytest.raises(SealedSessionError) as caught:
        call()
    said = everything_said(caught.value)
    source_lines = "".join(traceback.format_tb(caught.value.__traceback__))
    for secret in SECRETS:
        assert secret not in said.replace(source_lines, "")


AUTHENTIC = dict(authentic_failures())


@pytest.mark.parametrize("call", AUTHENTIC.values(), ids=AUTHENTIC)
def test_no_failure_after_decryption_keeps_plaintext(call: Callable[[], Any]) -> None:
    """The library errors that hold it (UnicodeDecodeError, JSONDecodeError, ExtraData) are not in the context."""
    with pytest.raises(SealedSessionError) as caught:
        call()
    assert [caught.value] == list(chain(caught.value))


def test_no_repr_tells_a_secret() -> None:
    """Of anything that holds one."""
    sealer = Sealer(KeyRing(HUMAN, [PASSWORD]))
    opened = sealer.unseal(SEALED)
    for value in (SESSION, opened, sealer, KeyRing(HUMAN), sealer.measure(SESSION), [opened]):
        for text in (repr(value), str(value), f"{value}"):
            assert not [secret for secret in SECRETS if secret in text]


def test_no_log_record_tells_a_secret(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything the library logs, at the lowest level."""
    monkeypatch.setattr(sealed_session.sealer, "_warned", False)
    with caplog.at_level(logging.DEBUG):
        Sealer(KeyRing(PASSWORD), warn_bytes=10).seal(SESSION)
        for call in CALLS.values():
            with pytest.raises(SealedSessionError):
                call()
    assert 1 == len(caplog.records)
    assert not [secret for secret in SECRETS if secret in caplog.text]
