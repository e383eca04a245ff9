"""Stytch's own Python SDK is satisfied by the fake. It insists on https: the fake has a certificate here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from stytch import Client
from stytch.core.response_base import StytchError

from sealed_session.testing import FakeStytch, Fault, forge

from .calls import trusted

# The SDK's own, about the client for asyncio that it makes and that is not used here.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

PASSWORD = "test-password-of-ada"


@pytest.fixture(params=[False, True], ids=["stytch.com", "custom domain"])
def stytch(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStytch]:
    """The fake, by the time of the day, which is the SDK's; with either kind of issuer."""
    context, path = trusted(tmp_path, monkeypatch)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with FakeStytch(ssl_context=context, custom_base_url=request.param) as fake:
        fake.register("ada@example.com", PASSWORD)
        yield fake


@pytest.fixture
def client(stytch: FakeStytch) -> Iterator[Client]:
    """The SDK, pointed at the fake."""
    with requests.Session() as session:
        yield Client(stytch.project_id, stytch.secret, custom_base_url=stytch.base_url, sync_session=session)


def kind(caught: pytest.ExceptionInfo[StytchError]) -> tuple[int, str | None]:
    """Status and kind of an error."""
    return caught.value.details.status_code, caught.value.details.error_type


def test_a_person_signs_in(stytch: FakeStytch, client: Client) -> None:
    """With a password, by way of the API."""
    answer = client.passwords.authenticate("ada@example.com", PASSWORD, session_duration_minutes=60)
    assert answer.session is not None
    assert (answer.user_id, "ada@example.com") == (answer.session.user_id, answer.user.emails[0].email)
    again = client.sessions.authenticate(session_token=answer.session_token, session_duration_minutes=120)
    assert answer.session_token == again.session_token
    assert again.session.expires_at is not None
    assert answer.session.expires_at is not None
    assert again.session.expires_at > answer.session.expires_at


def test_a_jwt_is_checked_without_a_call(stytch: FakeStytch, client: Client) -> None:
    """With the fake's keys, also after they were rotated."""
    stytch.rotate_key()
    given = stytch.sign_in(role="admin")
    session = client.sessions.authenticate_jwt_local(given["access_token"])
    assert session is not None
    assert (given["user"]["user_id"], {"role": "admin"}) == (session.user_id, session.custom_claims)
    assert (1, 1) == (stytch.count(stytch.jwks_path), stytch.count())
    assert client.sessions.get_jwks(stytch.project_id).keys[0].kid == stytch.keys.current.kid


def test_an_expired_jwt_is_asked_about(stytch: FakeStytch, client: Client) -> None:
    """And comes back new."""
    old = forge.expired(stytch, stytch.sign_in()["access_token"])
    assert client.sessions.authenticate_jwt_local(old) is None
    answer = client.sessions.authenticate_jwt(old)
    assert old != answer.session_jwt
    assert 1 == stytch.count("/v1/sessions/authenticate")


@pytest.mark.parametrize("name", sorted(set(forge.FORGERIES) - {"an unknown key"}))
def test_forgeries(stytch: FakeStytch, client: Client, name: str) -> None:
    """Are refused by the SDK too. Of a key that it has no name for it raises."""
    token = forge.FORGERIES[name](stytch, stytch.sign_in()["access_token"])
    assert client.sessions.authenticate_jwt_local(token) is None
    other = forge.for_somebody_else(stytch, stytch.sign_in()["access_token"])
    assert client.sessions.authenticate_jwt_local(other) is None


def test_a_session_is_revoked(stytch: FakeStytch, client: Client) -> None:
    """Then there is none."""
    token = stytch.sign_in()["refresh_token"]
    assert 200 == client.sessions.revoke(session_token=token).status_code
    with pytest.raises(StytchError) as caught:
        client.sessions.authenticate(session_token=token)
    assert (404, "session_not_found") == kind(caught)


def test_what_is_wrong(stytch: FakeStytch, client: Client) -> None:
    """In words that the SDK reads."""
    with pytest.raises(StytchError) as caught:
        client.passwords.authenticate("ada@example.com", "wrong")
    assert (401, "unauthorized_credentials") == kind(caught)
    with pytest.raises(StytchError) as caught:
        client.sessions.authenticate(session_token="a", session_jwt="b")
    assert (400, "too_many_session_arguments") == kind(caught)
    stytch.fail(Fault.TOO_MANY)
    with pytest.raises(StytchError) as caught:
        client.sessions.authenticate(session_token="a")
    assert (429, "too_many_requests") == kind(caught)
    stytch.fail(Fault.MAINTENANCE)
    with pytest.raises(StytchError) as caught:
        client.sessions.authenticate(session_token="a")
    assert (503, None) == kind(caught)


def test_a_wrong_secret(stytch: FakeStytch) -> None:
    """Is refused."""
    with requests.Session() as session:
        client = Client(stytch.project_id, "wrong", custom_base_url=stytch.base_url, sync_session=session)
        with pytest.raises(StytchError) as caught:
            client.sessions.authenticate(session_token="a")
    assert (401, "unauthorized_credentials") == kind(caught)
