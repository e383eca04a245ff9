"""An OpenID provider for the demo, with a server of its own on this machine: strict, small, and for development only.

signing.py    its key, and the access tokens that are signed with it
grants.py     its sessions, and their refresh tokens, each of which is good once
serving.py    its server

It speaks the token endpoint of OAuth 2.0, publishes its keys, and says where both are. Nobody types a password: who may
use the token endpoint may also sign a sample person in there, by an extension grant.

Source: RFC 6749; RFC 7517; OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import Any
from urllib.parse import unquote_plus

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue

from ..board import Board
from .grants import CLIENT_ID, Grants, Refusal
from .signing import ALGORITHM, SigningKey

LIFETIME = 20
"""Seconds that an access token is good for. Real ones live for 5 to 15 minutes; nobody would wait for that here."""

LATENCY = 0.3
"""Seconds that an answer of the token endpoint takes: as if it were far away, so that requests meet meanwhile."""

RETRY_AFTER = 1
"""Seconds after which the provider, while it is down, asks to be tried again."""

SIGN_IN = "urn:example:sample-person"
"""The extension grant by which a sample person is signed in (RFC 6749, section 4.5)."""


def create_provider(board: Board, client_secret: str, *, latency: float = LATENCY, lifetime: int = LIFETIME) -> Flask:
    """Build the provider. Its configuration needs ``ISSUER``, the address at which it is served.

    Args:
        board: Says whether it is down and when it ended all sessions, and is told what happens.
        client_secret: Of the one application that may ask for tokens.
        latency: Seconds that an answer takes.
        lifetime: Seconds that an access token is good for.
    """
    app = Flask(__name__, static_folder=None)
    key = SigningKey()
    grants = Grants(board, key, lifetime)

    @app.before_request
    def be_down() -> Response | None:
        """Answer nobody, while somebody wants it so."""
        if not board.provider_is_down():
            return None
        return Response("", 503, {"Retry-After": str(RETRY_AFTER)})

    @app.get("/.well-known/openid-configuration")
    def metadata() -> dict[str, Any]:
        """Say where everything is."""
        issuer = app.config["ISSUER"]
        return {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "grant_types_supported": ["refresh_token", SIGN_IN],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "subject_types_supported": ["public"],
            "response_types_supported": [],
        }

    @app.get("/keys")
    def keys() -> Response:
        """Publish the key that tokens are verified with (RFC 7517, section 8.5.2)."""
        return Response(json.dumps({"keys": [key.public]}), mimetype="application/jwk-set+json")

    @app.post("/token")
    def token() -> ResponseReturnValue:
        """Give tokens for a grant."""
        check_client(client_secret)
        time.sleep(latency)
        issuer, form = app.config["ISSUER"], request.form
        match form.get("grant_type"):
            case "refresh_token":
                answer = grants.refresh(issuer, form.get("refresh_token", ""), form.get("organization_id"))
            case grant if grant == SIGN_IN:
                answer = grants.sign_in(issuer, form.get("person", ""))
            case _:
                raise Refusal("unsupported_grant_type")
        return answer, {"Cache-Control": "no-store"}

    app.register_error_handler(Refusal, refuse)
    return app


def check_client(client_secret: str) -> None:
    """Let nobody but the application ask for tokens.

    Source: RFC 6749, section 2.3.1: both halves are form-encoded.
    """
    given = request.authorization
    name, secret = (given.username or "", given.password or "") if given else ("", "")
    is_right = secrets.compare_digest(unquote_plus(secret).encode(), client_secret.encode())
    if unquote_plus(name) != CLIENT_ID or not is_right:
        raise Refusal("invalid_client")


def refuse(refusal: Refusal) -> ResponseReturnValue:
    """Answer with an error code.

    Source: RFC 6749, section 5.2.
    """
    headers = {"Cache-Control": "no-store"}
    if refusal.code == "invalid_client":
        return {"error": refusal.code}, 401, {**headers, "WWW-Authenticate": "Basic"}
    return {"error": refusal.code}, 400, headers
