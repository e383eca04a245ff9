"""A test client of somebody who is signed in: ``app.test_client_class = SealedClient``.

It puts into the client's cookie jar what the application itself would have set: sealed by the application's own sealer,
under its name, Domain and Path. All that happens to the cookie from there on is real. Nothing here or elsewhere turns
authentication off. The client is no browser; docs/testing.md says what it does not look at.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Cookie

from sealed_session import Session, Unsealed, UsageError, testing
from sealed_session.arguments import wrong_type
from sealed_session.exact_json import JsonObject

from . import reading, state
from .sealed_cookie import SealedCookieTransport

ACCESS_SECONDS = 3600
"""How long the access token is good for that a person without one is given: longer than a test takes."""


class SealedClient(FlaskClient):
    """Flask's test client as one person's browser, signed in or not.

    Not safe to share between threads, as Flask's own is not.
    """

    def __init__(
        self, application: Flask, *arguments: Any, sealed_session: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        """Begin signed in, or signed out.

        Args:
            application: The application.
            arguments: As for Flask's own client; ``app.test_client`` gives them.
            sealed_session: What ``sign_in`` takes; an empty dict for anybody. None: nobody is signed in.
            options: As for Flask's own client.

        Raises:
            UsageTypeError, UsageError, SealError: As ``sign_in``.
        """
        if not arguments:
            options.setdefault("response_wrapper", application.response_class)
        super().__init__(application, *arguments, **options)
        if sealed_session is not None:
            if not isinstance(sealed_session, Mapping):
                raise wrong_type("sealed_session", "a dict of what sign_in takes", sealed_session)
            self.sign_in(**sealed_session)

    def __enter__(self) -> Self:
        """Keep the context of the last request until the block ends, as Flask's own client."""
        super().__enter__()
        return self

    def sign_in(
        self,
        *,
        access_token: str | None = None,
        refresh_token: str | None = None,
        user: JsonObject | None = None,
        impersonator: JsonObject | None = None,
        extra: JsonObject | None = None,
        started_at: int | None = None,
        host: str | None = None,
        **values: Any,
    ) -> None:
        """Put a session's cookie into the jar, in place of one that there may be. No request is made.

        Args:
            access_token: None: a fresh one, whose ``sub`` is the user's id, good for an hour by the application's
                clock. No token is verified: in the cookie the application trusts what it sealed.
            refresh_token: Where there is one.
            user: The user, plain JSON. Trimmed as the application does.
            impersonator: Who acts as the user, plain JSON.
            extra: What the application adds, plain JSON.
            started_at: When the person signed in, Unix seconds. None: now.
            host: Which host the cookie is for. None: SERVER_NAME, or localhost, as for requests.
            values: ``Session``'s further values by name.

        Raises:
            UsageError: The application has no sealed session (``not_initialised``), an unknown name
                (``unknown_value``), a client without cookies, or a host outside of COOKIE_DOMAIN (``usage``), or no
                transport that would read a sealed cookie (``no_place``).
            SealTooLarge: It does not fit into a cookie; the message has a table of where the characters go.
            SealError, PayloadTypeError, UsageTypeError: As ``Sealer.seal`` and ``Session``.
        """
        app, _ = state.of(self.application), self._jar
        if not any(isinstance(one, SealedCookieTransport) for one in app.transports):
            raise UsageError(
                "the application reads no sealed cookie: it has other transports.",
                fix="Send what they read: a header Authorization, or cookies with tokens by set_cookie.",
                code="no_place",
            )
        given = {"refresh_token": refresh_token, "user": user, "impersonator": impersonator, "extra": extra, **values}
        token = _fresh_token(user, app.now()) if access_token is None else access_token
        present = {name: value for name, value in given.items() if value is not None}
        session = Session.from_mapping({"access_token": token, **present})
        if session.session_id is None:  # as SealedSession.sign_in does
            session = session.replace(session_id=secrets.token_urlsafe(16))
        self._keep(app.sealer.seal(session, started_at=started_at), app, host)

    def sign_out(self) -> None:
        """Drop the cookies of the sealed session, as somebody does who clears them in the browser.

        The application is told nothing: request its own sign-out page to test that.

        Raises:
            UsageError: No sealed session (``not_initialised``), or a client without cookies (``usage``).
        """
        config = state.of(self.application).config
        names = {config.cookie.name, *config.cookie.previous_names, *([config.eager.name] if config.eager else [])}
        for domain, path, name in list(self._jar):
            if name in names:
                self.delete_cookie(name, domain=domain, path=path)

    @property
    def session(self) -> Session | None:
        """The session that the cookie holds now, opened as the application would; None where none opens.

        Raises:
            UsageError: As ``sign_out``.
        """
        opened = self.opened
        return None if opened is None else opened.session

    @property
    def opened(self) -> Unsealed | None:
        """The same with ``started_at``, ``sealed_at``, ``needs_reseal``. Of several cookies the newest that opens.

        Raises:
            UsageError: As ``sign_out``.
        """
        app = state.of(self.application)
        # Of two that were sealed in one second, the first is taken: let that be the one that came last.
        header = "; ".join(f"{cookie.decoded_key}={cookie.value}" for cookie in reversed(self._jar.values()))
        return reading.read(header, app.sealer, app.config.cookie.previous_names).opened

    @property
    def _jar(self) -> dict[tuple[str, str, str], Cookie]:
        """The client's cookies by Domain, path and name."""
        if self._cookies is None:
            raise UsageError("this client keeps no cookies.", fix="Make it without use_cookies=False.", code="usage")
        return self._cookies

    def _keep(self, sealed: str, app: state.AppState, host: str | None) -> None:
        policy = app.config.cookie
        if host is not None and not policy.covers(host):
            raise UsageError(
                f"host: {host!r} is not in the cookie's Domain {policy.domain!r}, and no browser would keep it there.",
                fix="Leave host out: the cookie is sent to every host of the Domain.",
                code="usage",
            )
        name = urlsplit(f"//{host or self.application.config['SERVER_NAME'] or 'localhost'}").hostname
        self.set_cookie(
            policy.name,
            sealed,
            domain=policy.domain or name or "localhost",
            origin_only=policy.domain is None,
            path=policy.path,
            max_size=0,  # Werkzeug would warn of attributes that bring a full cookie over 4093 characters
        )


def _fresh_token(user: Any, now: int) -> str:
    who = {"sub": str(user["id"])} if type(user) is dict and "id" in user else {}
    return testing.access_token(expires_at=now + ACCESS_SECONDS, **who)
