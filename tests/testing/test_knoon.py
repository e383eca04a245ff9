"""Knoon's fake: one endpoint, strictly."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from sealed_session.testing import Clock, FakeKnoon
from sealed_session.testing.signing import read

from .calls import get, post, raw

NOW = 1_800_000_000
GOOD = {
    "email": "ada@example.com",
    "externalId": "user_1",
    "chatBoxId": "box_1",
    "displayName": "Ada",
    "photoURL": None,
}


def log_in(fake: FakeKnoon, changes: dict[str, Any], **options: Any) -> httpx2.Response:
    """Ask for a credential."""
    given = {"auth": (fake.org_id, fake.api_key), "json": {**GOOD, **changes}, **options}
    return post(fake, "/v1/credentials/login", **given)


def test_a_credential(knoon: FakeKnoon) -> None:
    """With what the vendor's page reads out of it: ``resp.data.data`` has ``jwt`` and ``expiresAt``."""
    answer = log_in(knoon, {})
    data = answer.json()["data"]
    assert (200, "2027-01-15T09:00:00.000Z") == (answer.status_code, data["expiresAt"])
    claims = knoon.keys.claims_of(data["jwt"])
    assert claims is not None
    assert ("user_1", "box_1", NOW + 3600) == tuple(claims[name] for name in ("sub", "chatBoxId", "exp"))
    assert [GOOD] == knoon.asked


def test_credentials_live_as_long_as_they_shall() -> None:
    """By the fake's clock."""
    with FakeKnoon(clock=Clock(), lifetime=60, chat_boxes=["mine"], api_key="test-key") as fake:
        data = log_in(fake, {"chatBoxId": "mine"}).json()["data"]
        assert ("2027-01-15T08:01:00.000Z", NOW + 60) == (data["expiresAt"], read(data["jwt"])[1]["exp"])


def test_a_box_that_does_not_exist(knoon: FakeKnoon) -> None:
    """Is answered without data."""
    answer = log_in(knoon, {"chatBoxId": "box_9"})
    assert (200, {"status": "bad_request"}) == (answer.status_code, answer.json())


@pytest.mark.parametrize("auth", [("org-test-1", "wrong"), ("other", ""), None])
def test_credentials_are_checked(knoon: FakeKnoon, auth: tuple[str, str] | None) -> None:
    """Before anything is read."""
    answer = log_in(knoon, {}, auth=auth)
    assert (401, []) == (answer.status_code, knoon.asked)


@pytest.mark.parametrize(
    "changes",
    [{"email": None}, {"externalId": ""}, {"externalId": 7}, {"chatBoxId": ["box_1"]}, {"photoURL": 1}, {"more": "x"}],
)
def test_the_body_is_checked(knoon: FakeKnoon, changes: dict[str, Any]) -> None:
    """What is needed, nothing else, and text alone."""
    assert 400 == log_in(knoon, changes).status_code


def test_it_is_json(knoon: FakeKnoon) -> None:
    """No form; and no other path is there, of keys neither."""
    assert 400 == log_in(knoon, {}, json=None, data=GOOD).status_code
    assert [404, 405] == [get(knoon, path).status_code for path in ("/", "/v1/credentials/login")]


def test_it_publishes_no_keys(knoon: FakeKnoon) -> None:
    """Not even for an address without a path."""
    assert b"404" == raw(knoon, b"GET ?keys HTTP/1.1\r\nHost: x\r\n\r\n").split()[1]
