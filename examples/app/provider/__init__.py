"""An OpenID provider for the demo, with a server of its own on this machine: strict, small, and for development only.

pages.py         what people see: whom to sign in as, who is signed in, signing out
authorizing.py   what an application may ask when it sends somebody to those pages
visitors.py      who is signed in at the provider itself, by a cookie of its own
codes.py         one-time codes, which the application exchanges
grants.py        the sessions that came of them, and their refresh tokens, each of which is good once
endpoints.py     what applications ask: metadata, keys, tokens, revocation
telling.py       the back channel, by which the application is told that sessions are over
tokens.py        access tokens, ID tokens, logout tokens
signing.py       the key that signs them
client.py        the one application that is registered here
keeping.py       how much is kept: nothing without a limit

Nobody types a password: on its page one of the sample people is chosen.

Source: RFC 6749; RFC 7009; RFC 7517; RFC 7636; RFC 9207; OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout
1.0, Back-Channel Logout 1.0.
"""

from __future__ import annotations

from flask import Flask, Response, render_template, request

from .. import safety
from ..board import Board
from .client import Client
from .codes import Codes
from .endpoints import create_endpoints
from .grants import Grants
from .pages import Pages
from .signing import SigningKey
from .telling import Post, Telling, post_form
from .tokens import LIFETIME, Tokens
from .visitors import Visitors

LATENCY = 0.3
"""Seconds that an answer of the token endpoint takes: as if it were far away, so that requests meet meanwhile."""

RETRY_AFTER = 1
"""Seconds after which the provider, while it is down, asks to be tried again."""

_LARGEST = 16_384


def create_provider(
    issuer: str,
    client: Client,
    board: Board,
    *,
    latency: float = LATENCY,
    lifetime: int = LIFETIME,
    post: Post = post_form,
    key: SigningKey | None = None,
) -> Flask:
    """Build the provider.

    Args:
        issuer: Its address.
        client: The application that is registered.
        board: Says whether it is down and when it ended all sessions, and is told what happens.
        latency: Seconds that an answer of the token endpoint takes.
        lifetime: Seconds that an access token is good for.
        post: Sends a form to the application.
        key: Signs the tokens; None: a new one.
    """
    app = Flask(__name__, static_folder="../static", static_url_path="/static")
    app.config.update(TRUSTED_HOSTS=["127.0.0.1"], MAX_CONTENT_LENGTH=_LARGEST)
    tokens = Tokens(issuer, client.client_id, key or SigningKey(), lifetime)
    grants, visitors = Grants(board, tokens), Visitors()
    codes = Codes(grants)
    telling = Telling(client, grants, tokens, board, post)
    app.before_request(lambda: be_down(board, client))
    safety.protect(app, forms_lead_to=client.origin, from_servers=["endpoints.token", "endpoints.revoke"])
    app.after_request(keep_private)
    app.register_blueprint(create_endpoints(issuer, client, codes, grants, tokens, latency))
    app.register_blueprint(Pages(issuer, client, codes, grants, visitors, telling, board).blueprint())
    return app


def be_down(board: Board, client: Client) -> tuple[str, int, dict[str, str]] | None:
    """Answer nobody, while somebody wants it so. The style sheet is still there."""
    if request.endpoint == "static" or not board.provider_is_down():
        return None
    return render_template("down.html", client=client), 503, {"Retry-After": str(RETRY_AFTER)}


def keep_private(response: Response) -> Response:
    """Keep what belongs to one person out of caches."""
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
