"""``make demo``: an application behind one sealed cookie, served by several workers, and a provider to refresh at.

What an application of yours would have:
    pages.py      signing in, pages for the signed in, a note, another organisation, signing out
    identity.py   the provider, seen from the application

What is around it:
    provider/     an OpenID provider on a server of its own, with single-use refresh tokens and 20-second access tokens
    __main__.py   the program: it starts the provider and the workers, and ends them
    workers.py    the worker processes
    worker.py     one of them, and how gunicorn is to run it
    settings.py   what it must know

What is there to be looked at:
    controls.py   the demo's own buttons: another password, a provider that fails, sessions that end
    rotating.py   how the password is changed while the application runs
    board.py      what the processes know in common: what is counted, and what the buttons have done
    events.py     what happened lately, by the extension's signals
    people.py     the sample people
    cookie.py     the size of the cookie, and of the same session in other formats
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from flask import Flask, abort, request
from flask.wrappers import Response

from . import events
from .board import Board
from .controls import controls
from .pages import auth, identity, pages
from .settings import Settings

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app(board: Board, settings: Settings, passwords: Sequence[str]) -> Flask:
    """Build the application.

    Args:
        board: What the processes know in common.
        settings: Where the provider is, and the instance folder: there the workers agree who refreshes.
        passwords: The first seals the sessions, the others still open them.
    """
    app = Flask(__name__, instance_path=str(settings.folder))
    app.config.update(
        SEALED_SESSION_PASSWORD=passwords[0],
        SEALED_SESSION_PASSWORD_FALLBACKS=list(passwords[1:]),
        # The rest has good defaults. These make a token of 20 seconds end on time, to be watched.
        SEALED_SESSION_CLOCK_SKEW=0,
        SEALED_SESSION_REFRESH_EARLY=0,
        OIDC_ISSUER=settings.issuer,
        OIDC_CLIENT_SECRET=settings.client_secret,
        TRUSTED_HOSTS=["localhost", "127.0.0.1"],  # another name that leads here is another site's trick
        BOARD=board,
    )
    identity.init_app(app)
    auth.init_app(app)
    events.listen_to(app)
    app.register_blueprint(pages)
    app.register_blueprint(controls)
    app.before_request(refuse_other_sites)
    app.after_request(add_security_headers)
    app.add_template_filter("{:,}".format, "number")
    app.add_template_filter(events.time_of_day)
    app.add_template_global(lambda: int(time.time()), "now")
    return app


def refuse_other_sites() -> None:
    """Take forms from our own pages alone.

    SameSite=Lax keeps the cookie out of other sites' forms. Another port of this machine is the same site, though,
    and the forms that need no cookie are worth protecting as well.
    """
    if request.method not in ("GET", "HEAD", "OPTIONS") and not is_same_origin():
        abort(403, "This form was sent from another site.")


def is_same_origin() -> bool:
    """Return whether one of our pages sent the request: by Fetch Metadata, in older browsers by Origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == request.host_url.rstrip("/")


def add_security_headers(response: Response) -> Response:
    """Let a page load nothing but our own script, style sheet and icon, and stand in nobody's frame."""
    response.headers.update(SECURITY_HEADERS)
    return response
