"""``make demo``: a small application behind one sealed cookie, on which everything about that cookie can be tried.

pages.py      what an application of yours would have: signing in, a page for the signed in, a note, signing out
controls.py   the demo's own buttons: another password, the end of a token, a provider that fails
rotating.py   how the password is changed while the application runs
outside.py    what is no part of an application: the identity provider, here a fake one, and the clock
people.py     the sample people
cookie.py     the size of the cookie, and of the same session in other formats
events.py     what happened lately, by the extension's signals
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from flask import Flask, abort, request
from flask.wrappers import Response

from . import events
from .controls import controls
from .pages import auth, pages

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app(password: str, fallbacks: Sequence[str] = (), rotate: Callable[[], None] | None = None) -> Flask:
    """Build the application.

    Args:
        password: Seals the sessions.
        fallbacks: Former passwords, which still open them.
        rotate: Puts an application with a new password in this one's place, for the button that asks for it.
    """
    app = Flask(__name__)
    app.config.update(
        SEALED_SESSION_PASSWORD=password,
        SEALED_SESSION_PASSWORD_FALLBACKS=list(fallbacks),
        # The rest has good defaults. These make a minute's token end on time, and keep the disk out of it.
        SEALED_SESSION_CLOCK_SKEW=0,
        SEALED_SESSION_REFRESH_EARLY=0,
        SEALED_SESSION_COORDINATOR_URL="memory:",
        TRUSTED_HOSTS=["localhost", "127.0.0.1"],  # another name that leads here is another site's trick
        ROTATE=rotate,
    )
    auth.init_app(app)
    events.listen_to(app)
    app.register_blueprint(pages)
    app.register_blueprint(controls)
    app.before_request(refuse_other_sites)
    app.after_request(add_security_headers)
    app.add_template_filter("{:,}".format, "number")
    app.add_template_filter(time_of_day)
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
    """Let a page load nothing but our own style sheet and icon, and stand in nobody's frame."""
    response.headers.update(SECURITY_HEADERS)
    return response


def time_of_day(seconds: int) -> str:
    """Write a time, Unix seconds, as clocks show it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S UTC")
