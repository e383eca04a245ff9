"""Corbado's own Python SDK is satisfied by the fake. It insists on https: the fake has a certificate here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from corbado_python_sdk import Config, CorbadoSDK
from corbado_python_sdk.exceptions.server_exception import ServerException
from corbado_python_sdk.exceptions.token_validation_exception import TokenValidationException, ValidationErrorType

from sealed_session.testing import FakeCorbado, Fault, forge

from .calls import trusted

FINDINGS = {
    "alg none": ValidationErrorType.CODE_JWT_INVALID_SIGNATURE,
    "HS256 with the public key": ValidationErrorType.CODE_JWT_INVALID_SIGNATURE,
    "a foreign key": ValidationErrorType.CODE_JWT_INVALID_SIGNATURE,
    "an unknown key": ValidationErrorType.CODE_JWT_SIGNING_KEY_ERROR,
    "tampered": ValidationErrorType.CODE_JWT_INVALID_SIGNATURE,
    "not yet valid": ValidationErrorType.CODE_JWT_BEFORE,
    "another issuer": ValidationErrorType.CODE_JWT_ISSUER_MISSMATCH,
}
"""All but a token without ``exp``, which this SDK takes."""


@pytest.fixture
def corbado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCorbado]:
    """The fake, by the time of the day, which is the SDK's."""
    context, _ = trusted(tmp_path, monkeypatch)
    with FakeCorbado(ssl_context=context) as fake:
        yield fake


def client(fake: FakeCorbado, secret: str | None = None) -> CorbadoSDK:
    """The SDK, pointed at the fake."""
    return CorbadoSDK(
        config=Config(
            project_id=fake.project_id,
            api_secret=fake.api_secret if secret is None else secret,
            frontend_api=fake.base_url,
            backend_api=fake.base_url,
        )
    )


def test_a_token_is_checked(corbado: FakeCorbado) -> None:
    """With the fake's keys, one from a refresh too, and after they were rotated."""
    given = corbado.sign_in({"id": "usr-7", "name": "Grace Hopper"})
    found = client(corbado).sessions.validate_token(given["access_token"])
    assert ("usr-7", "Grace Hopper") == (found.user_id, found.full_name)
    corbado.rotate_key()
    sessions = client(corbado).sessions  # a new one: the SDK fetches no keys twice within seconds
    assert "usr-7" == sessions.validate_token(corbado.sign_in({"id": "usr-7"})["access_token"]).user_id
    assert "usr-7" == sessions.validate_token(given["access_token"]).user_id


@pytest.mark.parametrize("name", FINDINGS)
def test_forgeries(corbado: FakeCorbado, name: str) -> None:
    """Are refused by the SDK too, each for its reason."""
    token = forge.FORGERIES[name](corbado, corbado.sign_in()["access_token"])
    with pytest.raises(TokenValidationException) as caught:
        client(corbado).sessions.validate_token(token)
    assert FINDINGS[name] == caught.value.error_type


def test_an_expired_token(corbado: FakeCorbado) -> None:
    """Is told from a wrong one."""
    with pytest.raises(TokenValidationException) as caught:
        client(corbado).sessions.validate_token(forge.expired(corbado, corbado.sign_in()["access_token"]))
    assert ValidationErrorType.CODE_JWT_EXPIRED == caught.value.error_type


def test_keys_that_cannot_be_had(corbado: FakeCorbado) -> None:
    """Make no token good."""
    corbado.fail(Fault.SERVER_ERROR, path=corbado.jwks_path)
    sessions, token = client(corbado).sessions, corbado.sign_in()["access_token"]
    with pytest.raises(TokenValidationException) as caught:
        sessions.validate_token(token)
    assert ValidationErrorType.CODE_JWT_SIGNING_KEY_ERROR == caught.value.error_type
    assert sessions.validate_token(token).user_id


def test_who_a_user_is(corbado: FakeCorbado) -> None:
    """By the backend API; its errors are in the shape that the SDK reads."""
    corbado.sign_in({"id": "usr-7", "name": "Grace Hopper"})
    assert "Grace Hopper" == client(corbado).users.get("usr-7").full_name
    for sdk, user, expected in (
        (client(corbado), "usr-8", (404, "does_not_exist")),
        (client(corbado, "corbado1_wrong"), "usr-7", (401, "unauthorized")),
    ):
        with pytest.raises(ServerException) as caught:
            sdk.users.get(user)
        assert expected == (caught.value.http_status_code, caught.value.error_type)
        assert caught.value.request_id.startswith("req-")
