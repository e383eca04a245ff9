"""What applications ask the provider, from server to server: metadata, keys, tokens, revocation.

Source: OpenID Connect Discovery 1.0, section 3; RFC 7517; RFC 6749, section 5; RFC 7009, section 2.
"""

from __future__ import annotations

import json
import time
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from .authorizing import PROMPTS, SCOPES
from .client import Client, Refusal
from .codes import Codes
from .grants import Grants
from .signing import ALGORITHM
from .tokens import Tokens


def create_endpoints(
    issuer: str, client: Client, codes: Codes, grants: Grants, tokens: Tokens, latency: float
) -> Blueprint:
    """Build the endpoints.

    Args:
        issuer: The provider's address.
        client: Who may ask for tokens.
        codes: Those that are out.
        grants: The sessions.
        tokens: Has the key that they are signed with.
        latency: Seconds that tokens take.
    """
    endpoints = Blueprint("endpoints", __name__)

    @endpoints.get("/.well-known/openid-configuration")
    def metadata() -> dict[str, Any]:
        """Say where everything is."""
        return metadata_of(issuer)

    @endpoints.get("/keys")
    def keys() -> Response:
        """Publish the key that tokens are verified with (RFC 7517, section 8.5.2)."""
        return Response(json.dumps({"keys": [tokens.public_key]}), mimetype="application/jwk-set+json")

    @endpoints.post("/token")
    def token() -> dict[str, Any]:
        """Give tokens for a code, or for a refresh token."""
        client.check(request.authorization)
        time.sleep(latency)
        form = single(request.form.to_dict(flat=False))
        match form.get("grant_type"):
            case "authorization_code" if form.get("redirect_uri") == client.redirect_uri:
                return grants.begin(codes.redeem(form.get("code", ""), form.get("code_verifier", "")))
            case "authorization_code":
                raise Refusal("invalid_grant")
            case "refresh_token":
                return grants.refresh(form.get("refresh_token", ""), form.get("organization_id"))
        raise Refusal("unsupported_grant_type")

    @endpoints.post("/revoke")
    def revoke() -> str:
        """End a refresh token, and what it stands for. One that is not known is dead already."""
        client.check(request.authorization)
        form = single(request.form.to_dict(flat=False))
        if not form.get("token"):
            raise Refusal("invalid_request")
        grants.end_of(form["token"])
        return ""

    endpoints.register_error_handler(Refusal, refuse)
    return endpoints


def single(form: dict[str, list[str]]) -> dict[str, str]:
    """Return a form in which every name stands once.

    Raises:
        Refusal: It does not (``invalid_request``).

    Source: RFC 6749, section 3.2.
    """
    if any(len(values) > 1 for values in form.values()):
        raise Refusal("invalid_request")
    return {name: values[0] for name, values in form.items()}


def refuse(refusal: Refusal) -> ResponseReturnValue:
    """Answer with an error code (RFC 6749, section 5.2)."""
    if refusal.code == "invalid_client":
        return {"error": refusal.code}, 401, {"WWW-Authenticate": "Basic"}
    return {"error": refusal.code}, 400


def metadata_of(issuer: str) -> dict[str, Any]:
    """Return what the provider is and can."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": f"{issuer}/revoke",
        "end_session_endpoint": f"{issuer}/end-session",
        "jwks_uri": f"{issuer}/keys",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "prompt_values_supported": list(PROMPTS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "subject_types_supported": ["public"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
