"""Asking a live provider: what comes of it over real sockets, and what it is told, which is nothing."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Iterator
from email.utils import formatdate
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sealed_session import ProviderUnavailable
from sealed_session.providers import OAuth2, WorkOS, probing
from sealed_session.providers.probing import Probe
from tests.core.jwks_server import SigningKey
from tests.providers.issuer import CLIENT, KEY, NOW, SECRET, Issuer, issuer
from tests.providers.server import Connection, certificate, refused_url, reply, running

WELL_KNOWN, OTHER_PLACE = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
BIT = 0.2


@pytest.fixture
def op() -> Iterator[Issuer]:
    """An OpenID provider."""
    with issuer() as it:
        yield it


def probe(provider: Any, now: float = NOW) -> Probe:
    """Ask a provider by a clock that stands still."""
    return probing.probe(provider, ("RS256",), lambda: now)


def problem(provider: Any) -> str:
    """Why the metadata could not be had."""
    found = probe(provider)
    assert found.metadata is not None
    assert (None, None, {}) == (found.metadata.document, found.keys, found.endpoints)
    return found.metadata.problem


# What is asked, and what comes.


def test_an_issuer_is_asked_for_its_metadata_and_its_keys(op: Issuer) -> None:
    """By one GET each."""
    found = probe(op.provider())
    assert [WELL_KNOWN, "/jwks"] == [request.target for request in op.server.requests]
    assert found.is_issuers
    assert (op.url, op.describe()) == (found.issuer, found.document)
    assert set(probing.ENDPOINTS) == set(found.endpoints)
    assert found.survey is not None
    assert (1, f"{op.url}/jwks") == (found.survey.usable, found.endpoints["jwks_uri"])


def test_nothing_secret_is_sent(op: Issuer) -> None:
    """Neither a token, nor our secret, nor our name: no body, and the headers of any stranger."""
    probe(op.provider())
    for request in op.server.requests:
        assert ("GET", b"") == (request.method, request.body)
        assert {"host", "accept", "accept-encoding", "connection", "user-agent"} == set(request.headers)
        assert SECRET not in str(request)
        assert CLIENT not in str(request)


def test_what_was_written_counts_before_the_metadata(op: Issuer) -> None:
    """As where it is used."""
    op.metadata = {"revocation_endpoint": None}
    assert "revocation_endpoint" not in probe(op.provider()).endpoints
    theirs, ours = "https://id.example.com/revoke", "https://id.example.com/authorize"
    found = probe(op.provider(revocation_endpoint=theirs, authorization_endpoint=ours)).endpoints
    assert (theirs, ours) == (found["revocation_endpoint"], found["authorization_endpoint"])


def test_metadata_may_be_at_the_other_place(op: Issuer) -> None:
    """Where there is nothing at the first one."""
    op.answers = {WELL_KNOWN: reply(status=404), OTHER_PLACE: reply(op.describe())}
    assert probe(op.provider()).is_issuers


def test_metadata_may_be_nowhere(op: Issuer) -> None:
    """Then both places were looked at."""
    op.answers = {WELL_KNOWN: reply(status=404), OTHER_PLACE: reply(status=404)}
    assert "" == problem(op.provider())
    assert [WELL_KNOWN, OTHER_PLACE] == [request.target for request in op.server.requests]


def test_another_issuers_metadata_are_not_used(op: Issuer) -> None:
    """Nobody is asked by them."""
    op.metadata = {"issuer": f"{op.url}/"}
    found = probe(op.provider())
    assert (False, None, {}) == (found.is_issuers, found.keys, found.endpoints)
    assert f"{op.url}/" == found.document["issuer"]


@pytest.mark.parametrize("url", ["http://keys.example.com/jwks", "ftp://127.0.0.1/jwks", "jwks", None, 1])
def test_keys_are_fetched_from_where_that_is_safe(op: Issuer, url: Any) -> None:
    """As they are for verifying."""
    op.metadata = {"jwks_uri": url}
    found = probe(op.provider())
    assert (True, None, None) == (found.is_issuers, found.keys, found.survey)
    assert 1 == len(op.server.requests)


def test_a_provider_that_knows_where_its_keys_are() -> None:
    """Is asked for those alone; its answer need not be good."""
    with running(reply({"keys": [KEY.jwk()]}), reply(b"<html>")) as server:
        provider = WorkOS("client_01", "test-key-of-workos", base_url=server.url)
        found, second = probe(provider), probe(provider)
    assert ["/sso/jwks/client_01"] * 2 == [request.target for request in server.requests]
    assert "test-key" not in str(server.requests)
    assert (None, None, {}) == (found.issuer, found.metadata, found.document)
    assert found.survey is not None
    assert second.keys is not None
    assert (1, 200, None) == (found.survey.usable, second.keys.status, second.survey)


@pytest.mark.parametrize(
    "provider",
    [
        None,
        OAuth2(token_endpoint="https://id.example.com/token", client_id=CLIENT, client_secret=SECRET),
        SimpleNamespace(issuer="https://id.example.com"),
        SimpleNamespace(metadata=dict),
    ],
)
def test_who_has_nothing_to_ask_for_is_not_asked(provider: Any) -> None:
    """Without metadata, or without an issuer whose they would be."""
    assert Probe() == probe(provider)


# Somebody else's provider.


def test_somebody_elses_provider_is_asked_in_its_own_way() -> None:
    """By its ``metadata``, within the time there is; its keys are fetched."""
    waits = []

    def metadata(deadline: float) -> dict[str, Any]:
        waits.append(deadline - time.monotonic())
        return {"jwks_uri": f"{server.url}/keys"}

    with running(reply({"keys": [KEY.jwk()]})) as server:
        found = probe(SimpleNamespace(issuer="https://id.example.com/x", metadata=metadata))
    assert 0 < waits[0] <= probing.EACH
    assert (True, "id.example.com") == (found.is_issuers, found.metadata and found.metadata.host)
    assert found.survey is not None
    assert 1 == found.survey.usable


@pytest.mark.parametrize("error", [ProviderUnavailable(SECRET), ValueError(SECRET), None])
def test_what_somebody_elses_provider_raises_is_not_repeated(error: Exception | None) -> None:
    """Only its kind is; also where what it returns is nothing."""

    def metadata(_deadline: float) -> Any:
        if error is not None:
            raise error

    said = problem(SimpleNamespace(issuer="https://id.example.com", metadata=metadata))
    assert (type(error).__name__ if error else "TypeError") == said


# What goes wrong on the way.


def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    """Said in the system's own words, and to whoever asked: nothing is logged."""
    caplog.set_level(logging.DEBUG, "sealed_session")
    url = refused_url()
    found = probe(OAuth2(issuer=url, client_id=CLIENT, client_secret=SECRET))
    assert found.metadata is not None
    assert ("127.0.0.1", "ConnectError: Connection refused") == (found.metadata.host, found.metadata.problem)
    assert (None, {}, []) == (found.ahead, found.document, caplog.records)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply(b"<!doctype html><p>Sign in", headers={"Content-Type": "text/html"}), 200),
        (reply(b"[]"), 200),
        (reply({"issuer": "x"}, 500), 500),
        (reply({}, 403), 403),
    ],
)
def test_what_answers_something_else(op: Issuer, answer: Any, status: int) -> None:
    """Has no document, and is not asked a second time."""
    op.answers = {WELL_KNOWN: answer}
    assert "" == problem(op.provider())
    found = probe(op.provider()).metadata
    assert found is not None
    assert (status, 2) == (found.status, len(op.server.requests))


def test_a_redirect_is_not_followed(op: Issuer) -> None:
    """As nowhere."""
    op.answers = {WELL_KNOWN: reply(status=301, headers={"Location": f"{op.url}/elsewhere"})}
    assert problem(op.provider()).startswith("answered with a redirect (HTTP 301)")
    assert 1 == len(op.server.requests)


def test_its_certificate_is_judged_as_the_providers_calls_judge_it(tmp_path: Path) -> None:
    """By the authorities that it was given."""
    context, trusted = certificate(tmp_path)
    with running(reply({}), tls=context) as server:
        ours = ssl.create_default_context(cafile=str(trusted))
        given: dict[str, Any] = {"issuer": server.url, "client_id": CLIENT, "client_secret": SECRET}
        assert "certificate is not accepted" in problem(OAuth2(**given))
        found = probe(OAuth2(**given, ssl_context=ours))
    assert found.metadata is not None
    assert (200, {}) == (found.metadata.status, found.metadata.document)


def hang(connection: Connection) -> None:
    """Answer nothing."""
    connection.hang()


def trickle(connection: Connection) -> None:
    """Answer, and never come to an end."""
    connection.trickle(b"HTTP/1.1 200 Said\r\nContent-Length: 99999\r\n\r\n" + b" " * 9999)


@pytest.mark.parametrize("fault", [hang, trickle])
def test_a_server_that_does_not_come_to_an_end(op: Issuer, monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    """Is waited for no longer than one call may take."""
    monkeypatch.setattr(probing, "EACH", BIT)
    op.answers = {WELL_KNOWN: fault}
    began = time.monotonic()
    assert "ReadTimeout" == problem(op.provider())
    assert BIT <= time.monotonic() - began < 10 * BIT


def test_all_of_it_is_bounded_too(op: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much time there is for each."""
    monkeypatch.setattr(probing, "ALL", BIT)
    op.answers = {"/jwks": hang}
    began = time.monotonic()
    found = probe(op.provider())
    assert BIT <= time.monotonic() - began < 10 * BIT
    assert found.keys is not None
    assert (True, "ReadTimeout", None) == (found.is_issuers, found.keys.problem, found.survey)


# Its clock.


def at(seconds: float, **headers: str) -> dict[str, str]:
    """The headers of an answer that was made then."""
    return {"Date": formatdate(seconds, usegmt=True), **headers}


def ahead(op: Issuer, metadata: dict[str, str], keys: dict[str, str], now: float = NOW) -> float | None:
    """By how much the provider is ahead, by the headers of its two answers."""
    op.answers = {WELL_KNOWN: reply(op.describe(), headers=metadata), "/jwks": reply({"keys": []}, headers=keys)}
    return probe(op.provider(), now).ahead


@pytest.mark.parametrize(
    ("difference", "least", "most"),
    [(0, 0, 0), (-1, 0, 0), (-2, -1, -1), (60, 50, 60), (-60, -59, -59), (-3600, -3599, -3599)],
)
def test_a_clock_is_only_called_wrong_for_what_is_sure(op: Issuer, difference: int, least: int, most: int) -> None:
    """An answer names its second, and was made at some time during the call."""
    found = ahead(op, at(NOW + difference), at(NOW + difference))
    assert found is not None
    assert least <= found <= most


def test_half_a_second_is_no_difference(op: Issuer) -> None:
    """Within the second that is named."""
    assert 0 == ahead(op, at(NOW), at(NOW), NOW + 0.5)
    assert 0 == ahead(op, at(NOW), at(NOW), NOW + 1)


def test_what_a_cache_has_kept_is_as_old_as_the_cache_says(op: Issuer) -> None:
    """And where it says nothing, the other answer counts."""
    assert 0 == ahead(op, at(NOW - 600, Age="600"), at(NOW - 900, Age="899"))
    assert 0 == ahead(op, at(NOW - 600), at(NOW))
    assert -598 == ahead(op, at(NOW - 600, Age="0"), at(NOW - 900))


@pytest.mark.parametrize("date", ["", "soon", "Thu, 99 Jan 2027 00:00:00 GMT"])
def test_an_answer_that_does_not_say_what_time_it_is(op: Issuer, date: str) -> None:
    """Says nothing of the clock; so does one whose age is none."""
    assert ahead(op, {"Date": date}, at(NOW, Age="old")) is None


def test_a_date_without_a_zone_is_in_utc(op: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As HTTP has it, whatever the zone of this machine."""
    monkeypatch.setenv("TZ", "UTC-5")
    try:
        time.tzset()
        assert 0 == ahead(op, {"Date": formatdate(NOW)}, {})
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_time_that_a_call_took_is_not_held_against_the_clock(op: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer may have been made at its very end."""
    ticks = count(0, 5)
    monkeypatch.setattr(probing, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    assert 0 == ahead(op, at(NOW + 5), {})
    assert 1 == ahead(op, at(NOW + 6), {})


def test_weak_keys_are_seen(op: Issuer) -> None:
    """Over the network, too."""
    op.published = [SigningKey("weak", number=3, bits=1024).jwk()]
    found = probe(op.provider()).survey
    assert found is not None
    assert (0, 1) == (found.usable, found.weak)
