"""An extension's place in its application's requests. Whatever has no session pays for one look into a dict."""

from __future__ import annotations

from typing import Any
from weakref import ref

from flask import Flask, current_app, got_request_exception, has_request_context, request
from flask.wrappers import Response

from . import answers, eager_script, endpoints, minting, views
from .commands import group
from .current import current_session
from .signals import logger
from .state import AppState
from .verifying import VerificationUnavailable


def hook(app: Flask, app_state: AppState) -> None:
    """Take our place: what is written to responses, names for templates, guards, endpoints, commands."""
    _sweep_responses(app, app_state)

    @app.context_processor
    def names() -> dict[str, Any]:
        return {"current_session": current_session, "eager_token_script": eager_script.eager_token_script}

    # Flask's own method would put ours in the place of one that the application has registered already.
    app.error_handler_spec[None][None].setdefault(VerificationUnavailable, answers.unavailable)
    if app_state.config.require_login:
        app.before_request(views.guard_everything)
    if app_state.config.eager is not None:
        app.register_blueprint(eager_script.blueprint())
    if app_state.config.auth_prefix is not None:
        app.register_blueprint(endpoints.blueprint(app_state.config.auth_prefix))
    minting.register(app, app_state.companions)
    app.cli.add_command(group)


def _sweep_responses(app: Flask, app_state: AppState) -> None:
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


def _complain_of_ignored_guards() -> None:
    """Say with the first response what init_app could not know: the views come after it."""
    for endpoint in views.ignored_guards(current_app):
        logger.error(
            "the view %r is open to everybody: login_required stands above its route. Put the route above.", endpoint
        )
