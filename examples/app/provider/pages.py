"""The provider's pages: whom to sign in as, who is signed in here, and signing out.

    GET  /authorize     where applications send people: with a code straight back, or to the people to choose from
    POST /sign-in       somebody was chosen; the query is that of the request, and is read anew
    GET  /              who is signed in here, and the sessions of the application
    GET  /end-session   where applications send people who have signed out there
    POST /end-session   sign out here, or everywhere

Source: OpenID Connect Core 1.0, section 3.1.2; RP-Initiated Logout 1.0; RFC 9207 (``iss``).
"""

from __future__ import annotations

import time
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug import Response as BaseResponse

from ..board import Board
from ..people import PEOPLE
from . import authorizing
from .authorizing import Asked, Declined, Stranger
from .client import Client
from .codes import Codes
from .grants import Grant, Grants
from .telling import Telling
from .visitors import Visitor, Visitors, remember

SEE_OTHER = 303
"""Never 307 or 308, which would send a form on (RFC 9700, section 4.12)."""


class Pages:
    """The pages, and what they change."""

    def __init__(
        self,
        issuer: str,
        client: Client,
        codes: Codes,
        grants: Grants,
        visitors: Visitors,
        telling: Telling,
        board: Board,
    ) -> None:
        self._issuer = issuer
        self._client = client
        self._codes = codes
        self._grants = grants
        self._visitors = visitors
        self._telling = telling
        self._board = board

    def blueprint(self) -> Blueprint:
        """Return them at their addresses."""
        pages = Blueprint("pages", __name__)
        pages.get("/")(self.account)
        pages.get("/authorize")(self.authorize)
        pages.post("/sign-in")(self.sign_in)
        pages.get("/end-session")(self.ask_to_end)
        pages.post("/end-session")(self.end_session)
        pages.register_error_handler(Declined, self._send_error)
        pages.register_error_handler(Stranger, self._refuse)
        pages.context_processor(lambda: {"client": self._client, "visitor": self._visitors.of(request)})
        return pages

    # Signing in.

    def authorize(self) -> BaseResponse | str:
        """Send somebody back who is known well enough; ask everybody else."""
        asked = authorizing.read(self._client, request.args)
        visitor = self._visitors.of(request)
        if visitor is not None and is_known_well_enough(asked, visitor):
            self._board.note("provider", "Sent somebody back who was signed in here.")
            return self._send_back(asked.state, code=self._codes.issue(asked, visitor))
        if asked.prompt == "none":
            raise Declined("login_required", asked.state)
        query = request.query_string.decode("ascii", "replace")
        return render_template("choose.html", people=PEOPLE.values(), query=query, asked=asked)

    def sign_in(self) -> BaseResponse:
        """Sign in whoever was chosen, and send them back."""
        asked = authorizing.read(self._client, request.args)
        person = PEOPLE.get(request.form.get("person", ""))
        if person is None:
            raise Declined("access_denied", asked.state)
        visitor, cookie = self._visitors.sign_in(request, person)
        self._board.note("provider", "Signed somebody in on its page.")
        response = self._send_back(asked.state, code=self._codes.issue(asked, visitor))
        remember(response, cookie)
        return response

    def _send_back(self, state: str | None, **answer: str) -> Response:
        given = {**answer, **({} if state is None else {"state": state}), "iss": self._issuer}
        return make_response(redirect(f"{self._client.redirect_uri}?{urlencode(given)}", SEE_OTHER))

    def _send_error(self, declined: Declined) -> Response:
        return self._send_back(declined.state, error=declined.code)

    def _refuse(self, _stranger: Stranger) -> tuple[str, int]:
        return render_template("stranger.html"), 400

    # Signing out.

    def account(self) -> str:
        """Show who is signed in here, and where that was of use."""
        visitor = self._visitors.of(request)
        return render_template(
            "account.html", sessions=[] if visitor is None else self._sessions(visitor, "everywhere")
        )

    def ask_to_end(self) -> BaseResponse | str:
        """Ask before somebody is signed out here too: any site may send people to this address."""
        target = self._target()
        if self._visitors.of(request) is None:
            return redirect(target)
        return render_template("end_session.html", query=request.query_string.decode("ascii", "replace"))

    def end_session(self) -> BaseResponse | str:
        """Sign out here, or everywhere: the application is told of every session that is over by it."""
        target, visitor, how = self._target(), self._visitors.of(request), request.form.get("how", "")
        if visitor is not None and how in ("here", "everywhere"):
            over = self._sessions(visitor, how)
            self._visitors.sign_out(visitor, everywhere=how == "everywhere")
            self._telling.end(over)
            if target == "/":
                return render_template("done.html", person=visitor.person, over=over, how=how)
        return redirect(target, SEE_OTHER)

    def _sessions(self, visitor: Visitor, how: str) -> list[Grant]:
        if how == "everywhere":
            return self._grants.find(lambda grant: grant.visitor.person is visitor.person)
        return self._grants.find(lambda grant: grant.visitor.browser == visitor.browser)

    def _target(self) -> str:
        """Return where to go after signing out: where the application says, and it may say one address alone.

        Raises:
            Stranger: It is another one, or another application's.
        """
        client = self._client
        wanted, whose = request.args.getlist("post_logout_redirect_uri"), request.args.getlist("client_id")
        if whose not in ([], [client.client_id]) or (wanted and not whose):
            raise Stranger
        if wanted not in ([], [client.post_logout_redirect_uri]):
            raise Stranger
        state = request.args.get("state")
        query = f"?{urlencode({'state': state})}" if wanted and state else ""
        return wanted[0] + query if wanted else "/"


def is_known_well_enough(asked: Asked, visitor: Visitor) -> bool:
    """Return whether somebody who is signed in here need not be asked."""
    if asked.prompt in ("login", "select_account"):
        return False
    return asked.max_age is None or time.time() - visitor.auth_time < asked.max_age
