"""``SealedSession``: the extension object. It holds what all applications share, and nothing of any one of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, Response, current_app, request

from sealed_session import Session, SizeReport, UsageError
from sealed_session.arguments import wrong_type
from sealed_session.cookie import CookiePolicy
from sealed_session.counters import Counters
from sealed_session.exact_json import JsonObject
from sealed_session.providers import Provider, RefreshFunction, as_provider
from sealed_session.providers.minting import Minted, MintingProvider
from sealed_session.refresh import Outcome
from sealed_session.refresh.coordinator import Coordinator
from sealed_session.transports import SealedCookie, Transport, as_transports

from . import building, config, endpoints, hooking, minting, misuse, redirects, signing_in, state
from .building import Collaborators
from .current import request_session
from .ending import SignOutResult
from .minting import as_companions
from .presets import Preset, preset_of
from .state import Callbacks, Clock
from .transports import chosen, problems
from .verifiers import Verifier, knows_one

if TYPE_CHECKING:
    import redis

F = TypeVar("F", bound=Callable[..., Any])


_UNCHANGED: Any = object()


class SealedSession:
    """Keeps a signed-in person's tokens in one sealed cookie. One object serves any number of applications.

    Safe to share between threads. It keeps no server-side record of the living: a copy of the cookie stays good after
    signing out until it is next refreshed, or with CHECK_REVOCATION = "always" until the next request.
    """

    def __init__(
        self,
        provider: Provider | RefreshFunction | None = None,
        *,
        transports: Sequence[Transport] | None = None,
        verifier: Verifier | None = None,
        coordinator: Coordinator | redis.Redis | redis.RedisCluster | None = None,
        companions: Sequence[MintingProvider] = (),
        clock: Clock | None = None,
    ) -> None:
        """Hold the collaborators. Nothing is read before ``init_app``.

        Args:
            provider: Renews access tokens: a ``Provider``, or a function ``refresh(session) -> Session`` with its
                errors. None: an expired access token means signed out.
            transports: How sessions come and go, in order: of those that a request brings, the first usable one counts.
                None: as the provider has it, or else our sealed cookie.
            verifier: Verifies access tokens where they come in: a ``JWTVerifier``, or anything with its ``verify``.
                None: the provider's own, where it has one.
            coordinator: What all who may come with the same cookie share, in place of COORDINATOR_URL: a ready client
                of redis-py for example, which stays yours.
            companions: Who makes short-lived cookies from a live session, for scripts of others in the same page.
            clock: Returns Unix seconds, for tests: the default coordinator then is in this process, and on that clock
                too. None: ``time.time``, looked up at every call.

        Raises:
            UsageTypeError: Something else.
        """
        if isinstance(provider, Flask):
            raise wrong_type("provider", "a provider; write SealedSession().init_app(app) for an application", provider)
        if clock is not None and not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        if verifier is not None and (isinstance(verifier, type) or not callable(getattr(verifier, "verify", None))):
            raise wrong_type("verifier", "a JWTVerifier, or anything with its verify", verifier)
        self._callbacks = Callbacks()
        self._given = Collaborators(
            provider=None if provider is None else as_provider(provider),
            verifier=verifier,
            coordinator=building.as_coordinator(coordinator),
            clock=clock,
            callbacks=self._callbacks,
            transports=None if transports is None else as_transports(transports),
            minting=as_companions(companions),
        )

    def init_app(self, app: Flask) -> None:
        """Set an application up: read and judge its configuration, and take our place in its requests.

        Raises:
            ConfigError: Everything that is wrong with SEALED_SESSION_*, and with the provider's own variables.
            UsageError: It has a sealed session already (``already_initialised``).
        """
        if not isinstance(app, Flask):
            raise wrong_type("app", "a Flask application", app)
        if state.NAME in app.extensions:
            raise UsageError(
                f"init_app: the application {app.import_name!r} has a sealed session already.",
                fix="Call it once for every application.",
                code="already_initialised",
            )
        given = self._given
        preset, described = self._brought(app)
        has_trimmer = self._callbacks.trimmer is not None
        can_sign_in = callable(getattr(given.provider, "begin_sign_in", None))
        is_sealing = any(isinstance(one, SealedCookie) for one in described)
        settings = config.read(
            app.config, has_trimmer=has_trimmer, can_sign_in=can_sign_in, is_sealing=is_sealing, preset=preset
        )
        app_state = building.build(given, settings, app.instance_path, described=described)
        app.extensions[state.NAME] = app_state
        hooking.hook(app, app_state)

    def _brought(self, app: Flask) -> tuple[Preset, tuple[Transport, ...]]:
        """Return what provider and companions bring to an application's configuration, and its transports."""
        given = self._given
        preset, described = preset_of(given.provider, os.environ), chosen(given.transports, given.provider)
        can_verify = knows_one(given.verifier, given.provider)
        found = [*problems(described, given.provider, can_verify=can_verify, settings=app.config)]
        found += [problem for one in given.minting for problem in preset_of(one, os.environ).problems]
        return preset._replace(problems=(*preset.problems, *found)), described

    def sign_in(
        self,
        *,
        access_token: str,
        refresh_token: str | None = None,
        user: JsonObject | None = None,
        impersonator: JsonObject | None = None,
        extra: JsonObject | None = None,
        **values: Any,
    ) -> None:
        """Open a session; the response carries its cookie. Replaces a session that there may be.

        Args:
            access_token: A JWT or an opaque token. One that has ended is taken too, and renewed when next needed. Where
                there is a verifier, it is verified, and an opaque token is refused.
            refresh_token: Where there is one.
            user: The user, plain JSON.
            impersonator: Who acts as the user, plain JSON.
            extra: What the application adds, plain JSON.
            values: ``Session``'s further values by name: ``access_expires_at`` for an opaque token, ``tokens``, ...

        Raises:
            TokenRefused: The access token does not verify. What there was is as it was; so it is after every error.
            VerificationUnavailable: It cannot be verified now. Uncaught, it is answered 503 with ``Retry-After``.
            SealTooLarge: It does not fit into a cookie; the message has a table of where the characters go.
            PayloadTypeError, UsageError, UsageTypeError: As ``Session``.
            UsageError: The response is on its way (``response_finished``).
        """
        given = {"refresh_token": refresh_token, "user": user, "impersonator": impersonator, "extra": extra, **values}
        present = {name: value for name, value in given.items() if value is not None}
        request_session().sign_in(Session.from_mapping({"access_token": access_token, **present}))

    def sign_out(self, return_to: str | None = None) -> SignOutResult:
        """End the session: here, on record and at the provider; the response clears every cookie of ours.

        Beats whatever happens by itself, also a refresh that is under way elsewhere, and gives up the sign-ins that are
        under way in this browser. Waits for the provider, and for such a refresh, no longer than REFRESH_TIMEOUT; and
        up to 3 seconds more for the address of the provider's page, while the issuer's metadata were never had. The
        cookies are cleared in any case.

        Args:
            return_to: Where the person shall go after it: a path of this application, or a whole address. It is taken
                as it comes, so take it from no request. The provider has to know it, if it has a page for signing out.
                None: to the application's start, or wherever the provider thinks.

        Raises:
            UsageError: The response is on its way (``response_finished``).
        """
        return endpoints.sign_out(return_to)

    def outbound_headers(self) -> dict[str, str]:
        """Return the headers of a call to another service in the name of whoever is signed in.

        ``flask_ext.outbound.SessionAuth`` adds them to the calls of an httpx2 client.

        Raises:
            UsageError: Nobody is signed in (``no_session``).
        """
        session = request_session().session
        if session is None:
            raise misuse.nobody(request_session().reason)
        return {"Authorization": f"Bearer {session.access_token}"}

    def client_tokens(self) -> dict[str, str] | None:
        """Return the tokens for a body that a front end reads; None where JavaScript is kept from them.

        Returns:
            ``access_token``, and ``refresh_token`` where there is one, of a session in token cookies that JavaScript
            may read anyway. None for every other transport, and when nobody is signed in.
        """
        return request_session().client_tokens()

    def update_session(self, *, access_token: str, refresh_token: str | None = None) -> None:
        """Take up a session that a front end or a backend holds the tokens of, and write the cookies of it.

        Raises:
            UsageError: A session in cookies that JavaScript is kept from is there already (``session_hidden``), or no
                transport here holds tokens in cookies (``no_place``).
            TokenRefused, VerificationUnavailable: As ``sign_in``.
        """
        request_session().take_up(access_token, refresh_token)

    def credential(self, target: str, *, companion: MintingProvider | None = None, mint: bool = False) -> Minted | None:
        """Return what a companion's cookies hold for the current request; None where that is nothing, or has ended.

        Args:
            target: For which of the companion's places, a chat box for example.
            companion: Whose; None: the only one's.
            mint: Have a new one made where there is none, and written with the response.

        Raises:
            UsageError: No such companion (``no_companion``), no such target (``bad_target``); with ``mint`` nobody is
                signed in (``no_session``).
            ProviderUnavailable: With ``mint``: no usable answer.
        """
        return minting.credential(target, companion, mint=mint)

    def revoke(self, session_id: str) -> bool:
        """End a session that is elsewhere: in another browser of a person's, in a stolen cookie.

        It is refused from its next refresh on, and with CHECK_REVOCATION = "always" from its next request on.

        Args:
            session_id: ``current_session.session_id``, as the application has noted it.

        Returns:
            Whether that is on record for everybody. If not, it will be once the coordinator is back.

        Raises:
            UsageTypeError, UsageError: No text; there is no provider, and CHECK_REVOCATION is not "always"
                (``no_record``).
        """
        return state.of(current_app).ending.revoke(session_id)

    def begin_sign_in(
        self, next_url: str | None = None, *, max_age: int | None = None, **provider_arguments: Any
    ) -> Response:
        """Return the redirect to the provider's pages, for a view of yours that sends people there.

        Args:
            next_url: Where to go after it, a path of this application; for anything else its start. None: what
                ``next_url()`` says.
            max_age: Seconds ago, at most, that the person has proved who they are; 0: they shall do so now.
            provider_arguments: Passed on to the provider, ``organization_id="org_1"`` for example.

        Raises:
            UsageError: AUTH_PREFIX is not set (``no_sign_in``), or an argument is the provider's own business.
            SignInUnavailable: Where the provider's pages are cannot be told now. A ``ProviderUnavailable``; uncaught,
                it is answered 503 with ``Retry-After``.
        """
        target = self.next_url() if next_url is None else next_url
        return signing_in.begin(target, max_age=max_age, arguments=provider_arguments)

    def update(self, *, user: JsonObject | None = _UNCHANGED, extra: JsonObject | None = _UNCHANGED) -> None:
        """Replace the application's side of the session. When the person signed in stays, and so do the tokens.

        Args:
            user: The user from now on; None for none.
            extra: What the application adds from now on; None for nothing.

        Raises:
            UsageError: Nobody is signed in (``no_session``), or the response is on its way (``response_finished``).
            TokenRefused: The user is not the one whom the access token is about, with a provider that says who that is.
            SealTooLarge, PayloadTypeError: As ``sign_in``; the session is what it was.
        """
        given = {"user": user, "extra": extra}
        request_session().update({name: value for name, value in given.items() if value is not _UNCHANGED})

    def refresh(self, force: bool = False, **provider_arguments: Any) -> Outcome:
        """Renew the session now. Beats the automatic refresh of the same request.

        Args:
            force: Also when the access token is still good.
            provider_arguments: Passed on to the provider, ``organization_id="org_1"`` for example; these too refresh
                what is still good.

        Returns:
            What came of it. Nothing that the provider says raises.

        Raises:
            UsageError: No provider (``no_provider``), nobody signed in (``no_session``), or the response is on its
                way (``response_finished``).
        """
        return request_session().refresh(force, provider_arguments)

    @property
    def session(self) -> Session | None:
        """The current request's whole session, the refresh token included; None when nobody is signed in.

        For code that talks to the provider itself. Keep it out of templates, logs and caches.
        """
        return request_session().session

    @property
    def cookie(self) -> CookiePolicy:
        """The current application's cookie policy: name, attributes, lifetime."""
        return state.of(current_app).config.cookie

    @property
    def counters(self) -> Counters:
        """What the current application has counted in this process since it began."""
        return state.of(current_app).counters

    def measure(self) -> SizeReport:
        """Measure the cookie of the current request's session: where its characters go, its attributes included.

        Raises:
            UsageError: Nobody is signed in (``no_session``).
        """
        return request_session().measure()

    def next_url(self, default: str | None = None) -> str:
        """Return where to go after signing in: the request's argument ``next``, if it is a path of this application.

        Args:
            default: For every other case; another site's address among them. None: the application's start.
        """
        return redirects.wanted(request) or default or redirects.start(request)

    def unauthorized_handler(self, function: F) -> F:
        """Register what answers people who may not see a page: a view that is given a ``Refusal``. A decorator."""
        self._callbacks.unauthorized = function
        return function

    def user_trimmer(self, function: F) -> F:
        """Register a function from the user to what is sealed of it. A decorator.

        Raises:
            UsageError: An application has USER_FIELDS, which do the same (``two_trimmers``).
        """
        if self._callbacks.has_user_fields:
            raise UsageError(
                "user_trimmer: an application has SEALED_SESSION_USER_FIELDS.", fix="Keep one.", code="two_trimmers"
            )
        self._callbacks.trimmer = function
        return function
