"""WorkOS's own Python SDK is satisfied by the fake: what it reads there is what it reads at WorkOS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from cryptography.fernet import Fernet
from workos import WorkOSClient
from workos._errors import (
    AuthenticationError,
    BadRequestError,
    MfaEnrollmentError,
    OrganizationSelectionRequiredError,
    RateLimitExceededError,
    ServerError,
    SsoRequiredError,
    WorkOSConnectionError,
)
from workos.session import (
    AuthenticateWithSessionCookieErrorResponse,
    AuthenticateWithSessionCookieSuccessResponse,
    RefreshWithSessionCookieErrorResponse,
    RefreshWithSessionCookieSuccessResponse,
    seal_session_from_auth_response,
)

from sealed_session.testing import FakeWorkOS, Fault, forge

BACK = "https://app.example.com/callback"


@pytest.fixture
def workos() -> Iterator[FakeWorkOS]:
    """The fake, by the time of the day, which is the SDK's."""
    with FakeWorkOS() as fake:
        yield fake


def make(fake: FakeWorkOS, api_key: str) -> WorkOSClient:
    """The SDK, pointed at the fake. It tries nothing twice, so that every fault is seen."""
    return WorkOSClient(
        api_key=api_key, client_id=fake.client_id, base_url=fake.base_url, jwt_issuer=fake.issuer, max_retries=0
    )


@pytest.fixture
def client(workos: FakeWorkOS) -> Iterator[WorkOSClient]:
    """The SDK, with the key that the fake knows."""
    client = make(workos, workos.api_key)
    yield client
    client.close()


def sealed(client: WorkOSClient, session: dict[str, Any]) -> Any:
    """The SDK's own session cookie of a session of the fake."""
    password = Fernet.generate_key().decode()
    given = {name: session[name] for name in ("access_token", "refresh_token", "user")}
    data = seal_session_from_auth_response(**given, impersonator=session.get("impersonator"), cookie_password=password)
    return client.user_management.load_sealed_session(session_data=data, cookie_password=password)


def test_a_person_signs_in_with_pkce(workos: FakeWorkOS, client: WorkOSClient) -> None:
    """By the SDK's address, and the code that comes of it."""
    workos.next_person = {"id": "user_7", "first_name": "Grace"}
    begun = client.user_management.get_authorization_url_with_pkce(redirect_uri=BACK, provider="authkit")
    came = httpx2.get(begun["url"], trust_env=False).headers["location"]
    query = {name: one for name, (one,) in parse_qs(urlsplit(came).query).items()}
    assert begun["state"] == query["state"]
    answer = client.user_management.authenticate_with_code_pkce(
        code=query["code"], code_verifier=begun["code_verifier"]
    )
    assert ("user_7", "Grace", True) == (answer.user.id, answer.user.first_name, bool(answer.refresh_token))


def test_a_session_is_refreshed(workos: FakeWorkOS, client: WorkOSClient) -> None:
    """Once for each refresh token, and into an organisation."""
    token = workos.sign_in()["refresh_token"]
    answer = client.user_management.authenticate_with_refresh_token(refresh_token=token, organization_id="org_2")
    assert ("org_2", False) == (answer.organization_id, token == answer.refresh_token)
    with pytest.raises(BadRequestError) as caught:
        client.user_management.authenticate_with_refresh_token(refresh_token=token)
    assert ("invalid_grant", 400) == (caught.value.error, caught.value.status_code)


def test_its_session_cookie(workos: FakeWorkOS, client: WorkOSClient) -> None:
    """The token verifies with the fake's keys, also after they were rotated; impersonator and organisation are read."""
    workos.rotate_key()
    support = {"email": "support@example.com", "reason": "ticket 4"}
    session = sealed(client, workos.sign_in(organization_id="org_1", impersonator=support))
    found = session.authenticate()
    assert isinstance(found, AuthenticateWithSessionCookieSuccessResponse)
    assert ("org_1", "member", support) == (found.organization_id, found.role, found.impersonator)
    renewed = session.refresh(organization_id="org_2")
    assert isinstance(renewed, RefreshWithSessionCookieSuccessResponse)
    assert (found.session_id, "org_2", support) == (
        renewed.session_id,
        renewed.organization_id,
        renewed.impersonator,
    )


@pytest.mark.parametrize("kind", set(forge.FORGERIES) - {"an unknown key", "no exp"})
def test_forgeries(workos: FakeWorkOS, client: WorkOSClient, kind: str) -> None:
    """Are refused by the SDK too. Of a key it has no name for it raises, and tokens for ever it takes."""
    good = workos.sign_in()
    session = sealed(client, {**good, "access_token": forge.FORGERIES[kind](workos, good["access_token"])})
    assert isinstance(session.authenticate(), AuthenticateWithSessionCookieErrorResponse)


def test_a_session_is_revoked(workos: FakeWorkOS, client: WorkOSClient) -> None:
    """Then it cannot be refreshed."""
    session = sealed(client, workos.sign_in())
    client.user_management.revoke_session(session_id=session.authenticate().session_id)
    answer = session.refresh()
    assert isinstance(answer, RefreshWithSessionCookieErrorResponse)
    assert "Session has already ended." in str(answer.reason)


def test_the_way_out(workos: FakeWorkOS, client: WorkOSClient) -> None:
    """By the SDK's address, and back to the application."""
    url = sealed(client, workos.sign_in()).get_logout_url(return_to="http://localhost/")
    assert "http://localhost/" == httpx2.get(url, trust_env=False).headers["location"]


@pytest.mark.parametrize(
    ("code", "error", "fact"),
    [
        ("mfa_enrollment", MfaEnrollmentError, "user"),
        ("sso_required", SsoRequiredError, "connection_ids"),
        ("organization_selection_required", OrganizationSelectionRequiredError, "organizations"),
    ],
)
def test_step_ups(workos: FakeWorkOS, client: WorkOSClient, code: str, error: type[Exception], fact: str) -> None:
    """Are told apart, with what is needed to go on."""
    token = workos.sign_in()["refresh_token"]
    workos.require(code)
    with pytest.raises(error) as caught:
        client.user_management.authenticate_with_refresh_token(refresh_token=token)
    assert caught.value.pending_authentication_token  # type: ignore[attr-defined]
    assert getattr(caught.value, fact)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.TOO_MANY, RateLimitExceededError),
        (Fault.SERVER_ERROR, ServerError),
        (Fault.MAINTENANCE, ServerError),
        (Fault.REFUSED, WorkOSConnectionError),
    ],
)
def test_faults(workos: FakeWorkOS, client: WorkOSClient, fault: Fault, error: type[Exception]) -> None:
    """Are what the SDK has errors for."""
    token = workos.sign_in()["refresh_token"]
    workos.fail(fault, retry_after=None if fault is Fault.REFUSED else 7)
    with pytest.raises(error) as caught:
        client.user_management.authenticate_with_refresh_token(refresh_token=token)
    assert (7.0 if fault is Fault.TOO_MANY else None) == getattr(caught.value, "retry_after", None)
    workos.recover()
    assert client.user_management.authenticate_with_refresh_token(refresh_token=token).access_token


def test_a_wrong_key(workos: FakeWorkOS) -> None:
    """Is about the application."""
    token = workos.sign_in()["refresh_token"]
    client = make(workos, "sk_test_wrong")
    with pytest.raises(AuthenticationError):
        client.user_management.authenticate_with_refresh_token(refresh_token=token)
    client.close()
