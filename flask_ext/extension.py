"""``SealedSession``: the extension object. It holds what all applications share, and nothing of any one of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from weakref import ref

from flask import Flask, current_app, got_request_exception, has_request_context, request
from flask.wrappers import Response

from sealed_session import Sealer, Session, SizeReport, UsageError
from sealed_session.arguments import wrong_type
from sealed_session.cookie import CookiePolicy
from sealed_session.exact_json import JsonObject
from sealed_session.providers import Provider, RefreshFunction, as_provider
from sealed_session.refresh import Ledger, Outcome, Refresher, is_due
from sealed_session.refresh.coordinator import Coordinator
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.refresh.opening import open_coordinator

from . import config, eager_script, redirects, state, views
from .commands import group
from .companions import EagerToken
from .current import current_session, request_session
from .settings import DEFAULT_COORDINATOR
from .signals import logger
from .state import AppState, Callbacks, Clock

F = TypeVar("F", bound=Callable[..., Any])


class SignOutResult(NamedTuple):
    """What signing out came to.

    Attributes:
        url: Where to send the person.
        revoked: Whether the provider has confirmed that the session is dead.
        recorded: Whether it is on record here, so that a copy of the cookie is refused as well.
    """

    url: str
    revoked: bool
    recorded: bool


_UNCHANGED: Any = object()


class SealedSession:
    """Keeps a signed-in person's tokens in one sealed cookie. One object serves any number of applications.

    Safe to share between threads. It keeps no server-side record: a copy of the cookie stays good after signing out,
    until its lifetime or its tokens end.
    """

    def __init__(
        self,
        provider: Provider | RefreshFunction | None = None,
        *,
        coordinator: Coordinator | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Hold the collaborators. Nothing is read before ``init_app``.

        Args:
            provider: Renews access tokens: a ``Provider``, or a function ``refresh(session) -> Session`` with its
                errors. None: an expired access token means signed out.
            coordinator: What all who may come with the same cookie share, in place of COORDINATOR_URL:
                ``RedisCoordinator(client)`` with a ready client, for example.
            clock: Returns Unix seconds, for tests: the default coordinator then is in this process, and on that clock
                too. None: ``time.time``, looked up at every call.

        Raises:
            UsageTypeError: Something else.
        """
        if isinstance(provider, Flask):
            raise wrong_type("provider", "a provider; write SealedSession().init_app(app) for an application", provider)
        if clock is not None and not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        self._provider = None if provider is None else as_provider(provider)
        self._coordinator = coordinator
        self._clock = clock
        self._callbacks = Callbacks()

    def init_app(self, app: Flask) -> None:
        """Set an application up: read and judge its configuration, and take our place in its requests.

        Raises:
            ConfigError: Everything that is wrong with SEALED_SESSION_*.
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
        settings = config.read(app.config, has_trimmer=self._callbacks.trimmer is not None)
        app_state = self._build(settings, app.instance_path)
        app.extensions[state.NAME] = app_state
        _hook(app, app_state)

    def _build(self, settings: config.Config, instance_path: str) -> AppState:
        callbacks = self._callbacks
        callbacks.has_user_fields |= settings.user_fields is not None
        sealer = Sealer(
            settings.ring,
            name=settings.cookie.name,
            absolute_lifetime=settings.absolute_lifetime,
            user_fields=settings.user_fields,
            trimmer=callbacks.trim if settings.user_fields is None else None,
            max_bytes=settings.max_cookie_bytes,
            warn_bytes=settings.size_warn_bytes,
            clock=self._clock,
        )
        return AppState(
            config=settings,
            sealer=sealer,
            refresher=self._refresher(settings, instance_path),
            companions=() if settings.eager is None else (EagerToken(settings.eager),),
            clock=self._clock,
            callbacks=callbacks,
        )

    def _refresher(self, settings: config.Config, instance_path: str) -> Refresher | None:
        if self._provider is None:
            return None
        shared = self._coordinator or self._open(settings.coordinator_url, instance_path)
        ledger = Ledger(self._provider, shared, self._memory(), clock=self._now, grace=settings.refresh_grace)
        early = settings.refresh_early
        return Refresher(self._provider, ledger, is_due=lambda session: is_due(session, self._now(), early))

    def _open(self, url: str, instance_path: str) -> Coordinator:
        if url == "memory:" or (self._clock is not None and url == DEFAULT_COORDINATOR):
            return self._memory()
        return open_coordinator(url, instance_path=instance_path)

    def _memory(self) -> Coordinator:
        """Return a coordinator of this process, on the clock that was given: a test moves both at once."""
        clock = self._clock
        return MemoryCoordinator() if clock is None else MemoryCoordinator(clock=lambda: int(clock() * 1000))

    def _now(self) -> float:
        return time.time() if self._clock is None else self._clock()

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
            access_token: A JWT or an opaque token. One that has ended is taken too, and renewed when next needed.
            refresh_token: Where there is one.
            user: The user, plain JSON.
            impersonator: Who acts as the user, plain JSON.
            extra: What the application adds, plain JSON.
            values: ``Session``'s further values by name: ``access_expires_at`` for an opaque token, ``tokens``, ...

        Raises:
            SealTooLarge: It does not fit into a cookie; the message has a table of where the characters go.
            PayloadTypeError, UsageError, UsageTypeError: As ``Session``.
            UsageError: The response is on its way (``response_finished``).
        """
        given = {"refresh_token": refresh_token, "user": user, "impersonator": impersonator, "extra": extra, **values}
        present = {name: value for name, value in given.items() if value is not None}
        request_session().sign_in(Session.from_mapping({"access_token": access_token, **present}))

    def sign_out(self, return_to: str | None = None) -> SignOutResult:
        """End the session; the response clears every cookie of ours. Beats whatever happens by itself.

        Args:
            return_to: Where the person shall go; comes back as the result's ``url``. None: to the application's start.

        Raises:
            UsageError: The response is on its way (``response_finished``).
        """
        request_session().sign_out()
        return SignOutResult(return_to or f"{request.script_root}/", revoked=False, recorded=False)

    def update(self, *, user: JsonObject | None = _UNCHANGED, extra: JsonObject | None = _UNCHANGED) -> None:
        """Replace the application's side of the session. When the person signed in stays, and so do the tokens.

        Args:
            user: The user from now on; None for none.
            extra: What the application adds from now on; None for nothing.

        Raises:
            UsageError: Nobody is signed in (``no_session``), or the response is on its way (``response_finished``).
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
        root = f"{request.script_root}/"
        target = redirects.local_target(request.values.get("next"))
        return target if target is not None and target.startswith(root) else default or root

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


def _hook(app: Flask, app_state: AppState) -> None:
    """Take our place in an application's requests. Whatever has no session pays for one look into a dict."""
    key, finished = app_state.key, app_state.finished
    unseen = [True]

    def sweep(response: Response) -> Response:
        """Write what was changed by hooks that ran after the view's; from here on nothing can be."""
        this = request._get_current_object()  # type: ignore[attr-defined] # once: every look by the proxy is a search
        environ = this.environ
        if unseen:
            unseen.clear()
            _complain_of_ignored_guards()
        if key in environ and environ[key].is_of(this):
            environ[key].finish(response)
        environ[finished] = ref(this)
        return response

    def start_over(_sender: Flask, **_facts: Any) -> None:
        """An error response will replace the one that was made."""
        if has_request_context():
            request.environ.pop(finished, None)

    # Flask runs these from the last to the first: so ours runs after all others, whenever they were registered.
    app.after_request_funcs.setdefault(None, []).insert(0, sweep)
    got_request_exception.connect(start_over, app)
    app_state.keeps.append(start_over)  # the signal holds it weakly, so that it goes with the application

    @app.context_processor
    def names() -> dict[str, Any]:
        return {"current_session": current_session, "eager_token_script": eager_script.eager_token_script}

    if app_state.config.require_login:
        app.before_request(views.guard_everything)
    if app_state.config.eager is not None:
        app.register_blueprint(eager_script.blueprint())
    app.cli.add_command(group)


def _complain_of_ignored_guards() -> None:
    """Say with the first response what init_app could not know: the views come after it."""
    for endpoint in views.ignored_guards(current_app):
        logger.error(
            "the view %r is open to everybody: login_required stands above its route. Put the route above.", endpoint
        )
