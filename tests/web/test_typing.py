"""The types that users of the extension see: a program that mypy takes as it is, and mistakes that it finds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = '''
"""An application as a user writes it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, assert_type

import redis
from flask import Flask, Response, redirect
from flask.views import MethodView
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_ext import (
    Refusal,
    SealedSession,
    SignOutResult,
    current_session,
    login_required,
    public,
    session_opened,
)
from sealed_session import ProviderUnavailable, RefreshDenied, Session, StepUpRequired
from sealed_session.reasons import Reason
from sealed_session.refresh import Kind, Outcome
from sealed_session.refresh.memory import MemoryCoordinator
from sealed_session.testing import Clock, FakeProvider
from sealed_session.verifier import JWTVerifier, Verdict, Verification


def renew(session: Session, **arguments: Any) -> Session:
    if session.refresh_token is None:
        raise RefreshDenied()
    if arguments:
        raise StepUpRequired({"code": "mfa_enrollment"})
    raise ProviderUnavailable(retry_after=2.5)


def renew_plainly(session: Session) -> Session:
    return session.replace(access_token="new")


class Provider:
    identity = "https://id.example.com client_1"

    def credential(self, session: Session) -> str | None:
        return session.refresh_token

    def refresh(self, session: Session, /, **arguments: Any) -> Session:
        return session


class Verify:
    def verify(self, access_token: str, *, subject: str | None = None) -> Verification:
        return Verification(Verdict.VALID, "valid")


auth = SealedSession(renew)
others = [SealedSession(), SealedSession(renew_plainly), SealedSession(Provider()), SealedSession(None, clock=Clock())]
also = SealedSession(FakeProvider(), clock=lambda: 1_800_000_000.5)
verifier = JWTVerifier("https://id.example.com/keys", issuers=["https://id.example.com"])
shared = SealedSession(renew, verifier=verifier, coordinator=redis.Redis())
clustered = SealedSession(verifier=Verify(), coordinator=MemoryCoordinator())
app = Flask(__name__)
assert_type(auth.init_app(app), None)


@app.get("/")
@login_required
def home() -> str:
    assert_type(current_session.user, dict[str, Any])
    assert_type(current_session.extra, dict[str, Any])
    assert_type(current_session.claims, dict[str, Any])
    assert_type(current_session.impersonator, dict[str, Any] | None)
    assert_type(current_session.access_token, str | None)
    assert_type(current_session.access_expires_at, int | None)
    assert_type(current_session.session_id, str | None)
    assert_type(current_session.started_at, int | None)
    assert_type(current_session.reason, Reason | None)
    assert_type(bool(current_session), bool)
    return f"Hello {current_session.user['first_name']}"


@app.get("/plain/<name>")
@login_required()
def plain(name: str, number: int = 1) -> dict[str, str]:
    return {"name": name * number}


@login_required(fresh_within=600)
def fresh(name: str) -> Response:
    return Response(name)


@login_required(fresh_within=timedelta(minutes=10))
async def later(name: str) -> str:
    return name


@login_required
async def sooner(name: str) -> str:
    return name


@public
def opened() -> str:
    return "open"


@public()
async def opened_later() -> str:
    return "open"


@public
class Pages(MethodView):
    decorators = [login_required, login_required(fresh_within=60)]

    def get(self) -> str:
        return "page"


async def calls() -> None:
    assert_type(auth.counters.read(), dict[str, dict[tuple[str, ...], int]])
    assert_type(home(), str)
    assert_type(plain("ada", number=2), dict[str, str])
    assert_type(fresh("ada"), Response)
    assert_type(await later("ada"), str)
    assert_type(await sooner("ada"), str)
    assert_type(opened(), str)
    assert_type(await opened_later(), str)
    assert_type(Pages().get(), str)


app.add_url_rule("/pages", view_func=Pages.as_view("pages"))


@auth.unauthorized_handler
def unauthorized(refusal: Refusal) -> WerkzeugResponse:
    assert_type(refusal.reason, Reason)
    assert_type(refusal.payload.get("code"), Any | None)
    assert_type(refusal.login_url, str | None)
    return redirect(refusal.login_url or "/")


@auth.user_trimmer
def trim(user: dict[str, Any]) -> dict[str, Any]:
    return {"id": user["id"]}


assert_type(unauthorized(Refusal(Reason.MISSING)), WerkzeugResponse)
assert_type(trim({"id": "user_1"}), dict[str, Any])


@app.post("/acts")
def acts() -> str:
    assert_type(auth.sign_in(access_token="eyJ..."), None)
    auth.sign_in(access_token="t", refresh_token="r", user={"id": "u"}, impersonator=None, extra={"a": [1]})
    auth.sign_in(access_token="opaque", access_expires_at=1_900_000_000, tokens={"id": "i"})
    assert_type(auth.update(user={"id": "u"}), None)
    auth.update(extra=None)
    outcome = assert_type(auth.refresh(), Outcome)
    auth.refresh(force=True)
    auth.refresh(organization_id="org_1")
    assert_type(outcome.kind, Kind)
    assert_type(outcome.session, Session | None)
    assert_type(outcome.retry_after, float | None)
    result = assert_type(auth.sign_out(return_to="/"), SignOutResult)
    assert_type(result.url, str)
    assert_type(result.revoked, bool)
    assert_type(result.recorded, bool)
    assert_type(auth.revoke("session_1"), bool)
    assert_type(auth.begin_sign_in("/", max_age=60, organization_id="org_1"), Response)
    return assert_type(auth.next_url(default="/home"), str)


def hear(sender: Flask, session: Session, started_at: int) -> None: ...


session_opened.connect(hear, app)
'''

HEAD = """
from flask_ext import SealedSession, current_session, login_required, public
from sealed_session import Session
from sealed_session.verifier import JWTVerifier
auth = SealedSession()
def renew(session: Session) -> Session: return session
def view(name: str) -> str: return name
"""

MISTAKES = {
    "current_session.usr": "attr-defined",
    "current_session.user = {}": "misc",
    "current_session.access_token.upper()": "union-attr",
    "auth.sign_in()": "call-arg",
    "auth.sign_in('token')": "call-arg",
    "auth.sign_in(access_token=None)": "arg-type",
    "auth.sign_in(access_token='t', user='ada')": "arg-type",
    "auth.update({'id': 'u'})": "call-arg",
    "auth.update(access_token='t')": "call-arg",
    "auth.init_app('app')": "arg-type",
    "auth.next_url(5)": "arg-type",
    "auth.revoke(None)": "arg-type",
    "auth.begin_sign_in(5)": "arg-type",
    "SealedSession('workos')": "arg-type",
    "SealedSession(lambda session: 5)": "return-value",
    "SealedSession(clock=5)": "arg-type",
    "SealedSession(verifier=JWTVerifier)": "arg-type",
    "SealedSession(coordinator='memory:')": "arg-type",
    "auth.counters()": "operator",
    "login_required(view)(5)": "arg-type",
    "login_required(view)()": "call-arg",
    "login_required()(view)(5)": "arg-type",
    "login_required(fresh_within=60)(view)(5)": "arg-type",
    "login_required(fresh_within='60')": "call-overload",
    "login_required(60)": "call-overload",
    "login_required(view, fresh_within=60)": "call-overload",
    "public(5)": "call-overload",
    "auth.unauthorized_handler(5)": "type-var",
}
"""A line that a user might write, and mypy's code for what is wrong with it."""


def check(program: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Let a type checker read a program, with no configuration of ours."""
    return subprocess.run([*command, str(program)], capture_output=True, text=True, check=False, cwd=ROOT)


def mypy(program: Path) -> subprocess.CompletedProcess[str]:
    """As a user calls it."""
    options = ("--strict", "--config-file=", "--follow-imports=silent", "--no-error-summary")
    cache = f"--cache-dir={ROOT / '.mypy_cache' / 'users'}"
    return check(program, sys.executable, "-m", "mypy", *options, cache)


def test_a_typed_program_needs_no_casts(tmp_path: Path) -> None:
    """Every public call has the type that its documentation says; decorated views keep theirs."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    found = mypy(program)
    assert ("", "", 0) == (found.stdout, found.stderr, found.returncode)


def test_mistakes_are_found(tmp_path: Path) -> None:
    """Each on its line, under the code that says what it is."""
    program = tmp_path / "mistakes.py"
    program.write_text(HEAD + "\n".join(MISTAKES))
    first = HEAD.count("\n") + 1
    lines = [line for line in mypy(program).stdout.splitlines() if ": error: " in line]
    found = {int(line.split(":")[1]): line.rpartition("[")[2].rstrip("]") for line in lines}
    assert MISTAKES == {line: found.get(number, "nothing") for number, line in enumerate(MISTAKES, first)}


@pytest.mark.skipif(
    shutil.which("pyright") is None and not os.environ.get("CI"), reason="no pyright: npm install --global pyright"
)
def test_pyright_takes_the_program_too(tmp_path: Path) -> None:
    """The other checker that many editors use."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    found = check(program, "pyright", "--pythonpath", sys.executable)
    assert 0 == found.returncode, found.stdout


def test_the_program_runs(tmp_path: Path) -> None:
    """What is checked is no invention: every line but the views' is executed, once there is a password."""
    program = tmp_path / "program.py"
    password = (
        "from sealed_session import generate_password\napp.config['SEALED_SESSION_PASSWORD'] = generate_password()"
    )
    program.write_text(PROGRAM.replace("assert_type(auth.init_app", f"{password}\nassert_type(auth.init_app"))
    found = check(program, sys.executable, "-W", "error")
    assert ("", "", 0) == (found.stdout, found.stderr, found.returncode)
