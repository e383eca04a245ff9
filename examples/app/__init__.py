"""``make demo``: an application behind one sealed cookie, served by several workers, and a provider to sign in at.

What an application of yours would have:
    create_app    here: its settings, and who signs people in
    pages.py      what people see: the session, another organisation, a note, payment details
    failures.py   what they see when something fails
    safety.py     forms of our own pages alone, and headers that say so

What is around it:
    provider/     an OpenID provider on a server of its own, with single-use refresh tokens and 20-second access tokens
    __main__.py   the program: it starts the provider and the workers, and ends them
    workers.py    the worker processes
    worker.py     one of them, and how gunicorn is to run it
    serving.py    a server in a thread
    settings.py   what it must know

What is there to be looked at:
    controls.py   the demo's own buttons: another password, a provider that fails, sessions that end
    rotating.py   how the password is changed while the application runs
    board.py      what the processes know in common: what is counted, and what the buttons have done
    events.py     what happened lately, by the extension's signals
    cookie.py     the size of the cookie, and of the same session in other formats
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask

from flask_ext import SealedSession
from sealed_session.providers import OAuth2

from . import controls, failures, safety
from .board import Board
from .pages import create_pages
from .settings import CLIENT_ID, Settings

TO_BE_WATCHED = {"SEALED_SESSION_CLOCK_SKEW": 0, "SEALED_SESSION_REFRESH_EARLY": 0}
"""Leave these out: the defaults are good. These let a token of 20 seconds be used to its end, and no second longer."""


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
        SEALED_SESSION_AUTH_PREFIX="/auth",  # login, callback, logout and the provider's back channel
        SEALED_SESSION_LOGOUT_RETURN_TO="/",
        SEALED_SESSION_CHECK_REVOCATION="always",  # whom the provider signs out is out with the next request
        TRUSTED_HOSTS=["localhost"],  # another name that leads here is another site's trick
        **TO_BE_WATCHED,
    )
    auth = SealedSession(OAuth2(issuer=settings.issuer, client_id=CLIENT_ID, client_secret=settings.client_secret))
    auth.init_app(app)
    app.register_blueprint(create_pages(auth))
    failures.handle(app, auth)
    safety.protect(app, forms_lead_to=settings.issuer, from_servers=["sealed_session_auth.backchannel_logout"])
    controls.add_to(app, auth, board, issuer=settings.issuer)  # leave this out, too
    return app
