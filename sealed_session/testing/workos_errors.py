"""The errors of WorkOS: two shapes, and what each kind of step-up says beside its code."""

from __future__ import annotations

import secrets
from typing import Any

from ..exact_json import JsonObject

_CONNECTION = "conn_01TEST00000000000000000001"


def oauth_error(code: str, description: str) -> JsonObject:
    """Return an error as the token endpoint writes it (RFC 6749, section 5.2)."""
    return {"error": code, "error_description": description}


def api_error(code: str, message: str) -> JsonObject:
    """Return an error as the rest of the API writes it."""
    return {"code": code, "message": message}


def step_up(code: str, user: JsonObject, organizations: dict[str, str]) -> JsonObject:
    """Return what a 403 says.

    Args:
        code: ``mfa_enrollment`` for example.
        user: Who has to do something.
        organizations: Names by ids, from which one may be chosen.
    """
    email = {"email": user["email"]}
    users: dict[str, dict[str, Any]] = {
        "email_verification_required": {
            **email,
            "email_verification_id": f"email_verification_{secrets.token_hex(13)}",
        },
        "mfa_enrollment": {"user": user},
        "mfa_challenge": {"user": user, "authentication_factors": [{"id": "auth_factor_test_1", "type": "totp"}]},
        "organization_selection_required": {
            "user": user,
            "organizations": [{"id": one, "name": name} for one, name in organizations.items()],
        },
        "sso_required": {**email, "connection_ids": [_CONNECTION]},
        "organization_authentication_methods_required": {
            **email,
            "sso_connection_ids": [_CONNECTION],
            "auth_methods": {"apple_oauth": False, "password": False, "sso": True},
        },
    }
    said = oauth_error if code.endswith(("sso_required", "methods_required")) else api_error
    pending = {"pending_authentication_token": secrets.token_urlsafe(18)}
    return {**said(code, f"{code.replace('_', ' ').capitalize()}."), **pending, **users.get(code, {})}
