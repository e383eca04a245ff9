"""The Flask extension for sealed-session: the web floor of the house, over the framework-free core.

presets.py        what a provider brings to the configuration
config.py         SEALED_SESSION_* to a frozen Config, or one error with every problem
state.py          what init_app builds for one application
building.py       ... and how
hooking.py        its place in the application's requests
verifiers.py      which verifier an application has
verifying.py      what becomes of a token that is verified
transports.py     how sessions come and go, in order
carried.py        what one of them brought, and what the response does about it
sealed_cookie.py  ... the sealed cookie
token_cookies.py  ... cookies that hold the tokens themselves
bearer.py         ... the header Authorization
reading.py        sealed cookies to the session they carry
settling.py       one request's session, as it comes about: read, renewed
lifecycle.py      ... changed by the application, written
renewing.py       whether a request renews it
writing.py        the Set-Cookie lines of a response
sealing.py        sealing with nobody to raise to
ending.py         how sessions end: on record, at the provider, against copies of a cookie
cache.py          cache headers
companions.py     cookies made from a live session: the eager token
minting.py        ... and those that a third party mints
outbound.py       calls to other services in the name of whoever is signed in
current.py        current_session
misuse.py         what an application is told that asks for what cannot be
redirects.py      only ever to a place of this application
answers.py        what the signed out are answered
views.py          login_required, public
attempts.py       the cookies of sign-ins in progress
signing_in.py     to the provider's pages and back
endpoints.py      login, callback, logout, back-channel logout
extension.py      SealedSession
signals.py        signals and the logger
eager_script.py   the eager token's script
commands.py       flask sealed-session check | inspect | size
diagnosis.py      what is wrong with the application
practices.py      ... with its settings
coordination.py   ... with its coordinator
asking.py         ... with its provider, who is asked
way_in.py         ... where people sign in and out
travel.py         ... with its transports
keeping.py        what browsers do with a cookie
places.py         what a browser does with the cookie at an address
findings.py       what a diagnosis finds, as values
testing.py        SealedClient
"""

try:
    import flask as _flask  # noqa: F401 - asked for here, so that no other missing module is mistaken for it
except ImportError:
    raise ImportError("flask_ext needs Flask: pip install 'sealed-session[flask]'") from None

from .answers import LoginRequired, Refusal, SignInRefused, SignInUnavailable
from .current import CurrentSession, current_session
from .ending import SignOutResult
from .extension import SealedSession
from .signals import (
    session_closed,
    session_opened,
    session_refresh_failed,
    session_refreshed,
    session_rejected,
    session_resealed,
    session_too_large,
)
from .transports import BearerHeader, SealedCookie, TokenCookies
from .verifying import TokenRefused, VerificationUnavailable
from .views import login_required, public

__all__ = [
    "BearerHeader",
    "CurrentSession",
    "LoginRequired",
    "Refusal",
    "SealedCookie",
    "SealedSession",
    "SignInRefused",
    "SignInUnavailable",
    "SignOutResult",
    "TokenCookies",
    "TokenRefused",
    "VerificationUnavailable",
    "current_session",
    "login_required",
    "public",
    "session_closed",
    "session_opened",
    "session_refresh_failed",
    "session_refreshed",
    "session_rejected",
    "session_resealed",
    "session_too_large",
]
