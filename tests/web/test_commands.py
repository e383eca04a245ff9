"""``flask sealed-session check | inspect | size``: what they read, what they write, and how they exit."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from flask_ext import SealedSession, login_required
from sealed_session import ConfigError, KeyRing, Sealer, Session, generate_password
from sealed_session.testing import Clock
from tests.conftest import SAMPLES

ROOT = Path(__file__).parents[2]
PASSWORD, OLD = generate_password(), generate_password()
TYPICAL = Session(**SAMPLES["typical"])
TYPICAL_JSON = json.dumps(SAMPLES["typical"])
HTTPS = "https://app.example.com"
LARGE_USER = {"id": "user_1", "email": "ada@example.com", "biography": secrets.token_hex(4000)}
LARGE_JSON = json.dumps({"access_token": "opaque", "user": LARGE_USER})


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the width of the developer's own terminal out."""
    monkeypatch.delenv("COLUMNS", raising=False)


def make_app(auth: SealedSession | None = None, **settings: Any) -> Flask:
    """An application with these settings, ours without their prefix."""
    app = Flask("shop")
    app.config["SEALED_SESSION_PASSWORD"] = PASSWORD
    app.config.update({f"SEALED_SESSION_{key}": value for key, value in settings.items()})
    (auth or SealedSession()).init_app(app)
    return app


def run(app: Flask, *words: str, given: str = "") -> Result:
    """Run one of our commands."""
    result = app.test_cli_runner().invoke(args=["sealed-session", *words], input=given)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def sealed_with(password: str, **options: Any) -> str:
    """Seal the typical session."""
    return Sealer(KeyRing(password), **options).seal(TYPICAL)


def test_the_commands_are_there() -> None:
    """Under one group, in every application; each helps."""
    listed = run(make_app(), "--help").stdout
    for command in ("check", "inspect", "size"):
        assert f"\n  {command} " in listed
        assert 0 == run(make_app(), command, "--help").exit_code


# check


def test_check_of_what_is_right_exits_with_0() -> None:
    """And says of every finding its level, subject and code."""
    result = run(make_app(), "check", "--url", HTTPS)
    assert (0, "") == (result.exit_code, result.stderr)
    assert "ok        https://app.example.com/  [cookie_kept]\n" in result.stdout
    assert "note      SEALED_SESSION_ABSOLUTE_LIFETIME  [no_absolute_lifetime]\n" in result.stdout
    assert result.stdout.endswith("\n0 errors, 0 warnings, 3 notes\n")


@pytest.mark.row("WO-19")
def test_WO_19_check_says_why_a_cookie_is_not_set() -> None:  # noqa: N802
    """And exits with 1."""
    result = run(make_app(), "check", "--url", "http://app.example.com")
    assert 1 == result.exit_code
    assert "error     http://app.example.com/  [secure_over_http]\n" in result.stdout
    assert "          Fix: serve it by https." in result.stdout


@pytest.mark.row("WO-19")
def test_WO_19_check_says_why_a_session_is_not_shared() -> None:  # noqa: N802
    """Several URLs are one question."""
    result = run(make_app(), "check", "--url", HTTPS, "--url", "https://dash.example.com", "--json")
    found = {finding["code"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert 1 == result.exit_code
    assert "set SEALED_SESSION_COOKIE_DOMAIN = 'example.com'." in found["session_not_shared"]["fix"]


@pytest.mark.row("WO-19")
def test_WO_19_check_says_why_samesite_none_is_blocked() -> None:  # noqa: N802
    """A warning, which does not change the exit code."""
    result = run(make_app(COOKIE_SAMESITE="None", COOKIE_SECURE=True), "check", "--url", HTTPS)
    assert 0 == result.exit_code
    assert "warning   SEALED_SESSION_COOKIE_SAMESITE  [samesite_none]\n" in result.stdout
    assert "SEALED_SESSION_COOKIE_PARTITIONED = True." in result.stdout


@pytest.mark.row("WO-4")
@pytest.mark.row("WO-19")
@pytest.mark.parametrize("settings", [{}, {"COOKIE_SECURE": False}])
def test_WO_19_samesite_none_that_browsers_drop_is_refused_at_the_start(settings: dict[str, Any]) -> None:  # noqa: N802
    """Before any command runs: it would be blocked everywhere."""
    with pytest.raises(ConfigError, match="browsers drop") as caught:
        make_app(COOKIE_SAMESITE="None", **settings)
    assert "samesite_none_insecure" in [problem.code for problem in caught.value.problems]


@pytest.mark.row("WO-19")
@pytest.mark.parametrize(
    ("settings", "code", "told"),
    [
        ({"COOKIE_SECURE": False}, "secure_off", "leave it at 'auto', or set it to True."),
        ({"COOKIE_DOMAIN": "example.com"}, "domain_shared", "leave it out if one host is enough"),
        ({"PASSWORD_FALLBACKS": [OLD]}, "fallbacks_present", "the counter unseals says which password opens cookies"),
        ({"MAX_COOKIE_BYTES": 4096}, "size_limit_high", "set it to 4093 or less."),
        ({"SIZE_WARN_BYTES": 4000}, "size_warning_late", "set it to 3500 or less"),
    ],
)
def test_WO_19_check_says_where_good_practice_is_missed(  # noqa: N802
    settings: dict[str, Any], code: str, told: str
) -> None:
    """HTTPS, the scope of the Domain, the age of passwords, the size: each with what to do."""
    result = run(make_app(**settings), "check", "--url", HTTPS, "--json")
    found = {finding["code"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert (0, True) == (result.exit_code, told in found[code]["fix"])


def test_check_as_json() -> None:
    """One line: findings and counts."""
    app = make_app()
    login_required(app.get("/")(lambda: "open"))
    result = run(app, "check", "--json")
    written = json.loads(result.stdout)
    assert (1, 1) == (result.exit_code, result.stdout.count("\n"))
    assert ["findings", "counts"] == list(written)
    assert {"error": 1, "warning": 0, "note": 3, "ok": 0} == written["counts"]
    assert all(["level", "code", "subject", "what", "fix"] == list(finding) for finding in written["findings"])


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_check_of_what_is_no_url_exits_with_2(words: list[str]) -> None:
    """In one line that says what to write and quotes nothing."""
    result = run(make_app(), "check", *words, "--url", "secret.example.com")
    assert (2, "", 1) == (result.exit_code, result.stdout, result.stderr.count("\n"))
    assert "bad_url" in result.stderr
    assert "https://app.example.com" in result.stderr
    assert "secret" not in result.stderr


# inspect


@pytest.mark.parametrize("argument", [True, False])
def test_inspect_opens_with_the_applications_password(argument: bool) -> None:
    """From the argument or from standard input."""
    sealed = sealed_with(PASSWORD)
    result = run(make_app(), "inspect", sealed) if argument else run(make_app(), "inspect", given=f" {sealed}\n")
    assert (0, "") == (result.exit_code, result.stderr)
    assert "email           bjrn.stergrd@acme-corp.io" in result.stdout
    assert "size  945 of 4093 characters" in result.stdout


def test_inspect_has_the_keys_of_the_other_inspect() -> None:
    """Those of `sealed-session inspect`, with the name of this application."""
    known = json.loads(run(make_app(COOKIE_NAME="s"), "inspect", "--json", sealed_with(PASSWORD, name="s")).stdout)
    assert ("s", True, 0, 1, False) == (
        known["name"],
        known["opened"],
        known["session"]["password_index"],
        known["session"]["passwords"],
        known["session"]["needs_reseal"],
    )


@pytest.mark.row("WO-15")
def test_WO_15_inspect_says_that_a_fallback_opened_it() -> None:  # noqa: N802
    """By the application's own fallbacks."""
    result = run(make_app(PASSWORD_FALLBACKS=[OLD]), "inspect", sealed_with(OLD))
    assert "opened by       fallback 1 of 1" in result.stdout
    assert "reseal          needed: it was sealed with a former password" in result.stdout


@pytest.mark.row("WO-7")
@pytest.mark.parametrize("words", [[], ["--name", "old"]])
def test_WO_7_inspect_tries_former_names(words: list[str]) -> None:  # noqa: N802
    """Or the one that is given; and says that the value is due for another one."""
    app = make_app(COOKIE_PREVIOUS_NAMES=["older", "old"])
    known = json.loads(run(app, "inspect", "--json", *words, sealed_with(PASSWORD, name="old")).stdout)
    assert ("old", True, ["name"]) == (
        known["name"],
        known["session"]["needs_reseal"],
        known["session"]["reseal_reasons"],
    )


def test_inspect_under_the_wrong_name_says_so() -> None:
    """With its lengths, under the name of the application."""
    result = run(make_app(COOKIE_PREVIOUS_NAMES=["older"]), "inspect", "--json", sealed_with(PASSWORD, name="other"))
    assert (1, "tampered") == (result.exit_code, json.loads(result.stderr)["error"])
    assert ("sealed-session", False) == (json.loads(result.stdout)["name"], json.loads(result.stdout)["opened"])


def test_inspect_knows_the_applications_lifetime_and_clock() -> None:
    """What is too old for the application is too old here."""
    clock = Clock()
    app = make_app(SealedSession(clock=clock), ABSOLUTE_LIFETIME=60)
    sealed = sealed_with(PASSWORD, clock=clock)
    assert "1970" not in run(app, "inspect", sealed).stdout
    assert "signed in       2027-01-15 08:00:00 UTC, 0 seconds ago" in run(app, "inspect", sealed).stdout
    clock.advance(60)
    result = run(app, "inspect", sealed)
    assert (1, True) == (result.exit_code, "[too_old]" in result.stderr)


def test_inspect_measures_what_was_sealed() -> None:
    """Also what the application would leave out today."""
    app = make_app(USER_FIELDS=["id"])
    known = json.loads(run(app, "inspect", "--json", sealed_with(PASSWORD)).stdout)
    assert "email" in known["size"]["user_fields"]
    assert known["cookie"] == known["size"]["cookie"]


def test_inspect_shows_tokens_only_where_they_are_asked_for() -> None:
    """In words and as JSON; a password never."""
    sealed, app = Sealer(KeyRing(PASSWORD)).seal(Session("opaque-access-token")), make_app()
    for words in (["inspect", sealed], ["inspect", "--json", sealed]):
        assert "opaque-access" not in run(app, *words).stdout
        asked = run(app, *words, "--show-tokens").stdout
        assert "opaque-access-token" in asked
        assert "ssk1_" not in asked


def test_inspect_of_another_password_has_lengths_and_an_error() -> None:
    """And exits with 1."""
    result = run(make_app(), "inspect", sealed_with(OLD))
    assert (1, True, True) == (
        result.exit_code,
        "format          native-1" in result.stdout,
        "[unknown_key]" in result.stderr,
    )


@pytest.mark.parametrize(
    ("words", "code"), [(["inspect"], "input_empty"), (["inspect", "--name", "a b", "AQAA"], "bad_name")]
)
def test_inspect_of_nothing_and_under_no_name(words: list[str], code: str) -> None:
    """Exit with 2."""
    result = run(make_app(), *words)
    assert (2, "", True) == (result.exit_code, result.stdout, result.stderr.endswith(f"[{code}]\n"))


# size


def test_size_draws_the_budget_and_the_line() -> None:
    """With the attributes that the application sends by https."""
    result = run(make_app(), "size", given=TYPICAL_JSON)
    assert (0, "") == (result.exit_code, result.stderr)
    assert "size  945 of 4093 characters, 3148 left" in result.stdout
    assert "at              https://example.com/" in result.stdout
    attributes = "; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"
    assert f"attributes      {len(attributes)} characters: {attributes[2:]}" in result.stdout
    assert f"whole line      {945 + len(attributes)} characters" in result.stdout
    assert "signing in      fits" in result.stdout
    assert "renewed         complete, 945 characters" in result.stdout
    assert "  x attributes" not in result.stdout


@pytest.mark.parametrize(
    ("settings", "words", "url", "attributes"),
    [
        ({}, ["--url", "http://localhost:5000/app?x"], "http://localhost:5000/app", "HttpOnly; SameSite=Lax"),
        ({"COOKIE_DOMAIN": "shop.test"}, [], "https://shop.test/", "Domain=shop.test; Max-Age"),
    ],
)
def test_size_takes_the_attributes_of_an_address(
    settings: dict[str, Any], words: list[str], url: str, attributes: str
) -> None:
    """Of the one that is given; else of https on the Domain."""
    drawn = run(make_app(**settings), "size", *words, given=TYPICAL_JSON).stdout
    assert f"at              {url}\n" in drawn
    assert attributes in drawn


@pytest.mark.row("WO-16")
def test_WO_16_size_as_json_is_what_is_sealed() -> None:  # noqa: N802
    """The report of the application's own sealer, with USER_FIELDS and limits."""
    app = make_app(USER_FIELDS=["id", "email"], MAX_COOKIE_BYTES=2000, COOKIE_NAME="s")
    written = json.loads(run(app, "size", "--json", given=TYPICAL_JSON).stdout)
    assert ("https://example.com/", "complete") == (written.pop("url"), written.pop("sealed_as"))
    assert written["cookie"] == written.pop("sealed_cookie")
    assert ({"id", "email"}, 2000, "s") == (set(written["user_fields"]), written["limit"], written["name"])
    sealer = Sealer(KeyRing(PASSWORD), name="s", user_fields=["id", "email"])
    assert len(f"s={sealer.seal(TYPICAL)}") == written["cookie"]
    assert written["total"] == written["cookie"] + written["attributes"] == sum(written["parts"].values())


def test_size_counts_the_id_that_signing_in_adds() -> None:
    """Where the session has none; so the measure is that of the cookie."""
    app = make_app()
    with_id = json.loads(run(app, "size", "--json", given=json.dumps({"access_token": "opaque"})).stdout)
    assert len(secrets.token_urlsafe(16)) <= with_id["parts"]["session_id"]
    own = {"access_token": "opaque", "session_id": "AAAA"}
    assert with_id["cookie"] > json.loads(run(app, "size", "--json", given=json.dumps(own)).stdout)["cookie"]


def test_size_asks_the_applications_trimmer() -> None:
    """As sealing does."""
    auth = SealedSession()
    auth.user_trimmer(lambda user: {"id": user["id"]})
    written = json.loads(run(make_app(auth), "size", "--json", given=LARGE_JSON).stdout)
    assert ({"id"}, True) == (set(written["user_fields"]), written["fits"])


@pytest.mark.row("WO-16")
@pytest.mark.parametrize(
    ("session", "sealed_as", "drawn"),
    [
        ({"user": LARGE_USER}, "id_and_email", "renewed         with id and email alone of the user, "),
        ({"user": {"id": secrets.token_hex(4000)}}, "without_user", "renewed         without the user, "),
        ({"refresh_token": secrets.token_hex(4000)}, "nothing", "renewed         not at all; the browser keeps"),
    ],
)
def test_WO_16_size_says_what_would_be_sealed_of_too_much(  # noqa: N802
    session: dict[str, Any], sealed_as: str, drawn: str
) -> None:
    """Signing in is refused, an automatic write seals less; and the exit code is 3."""
    given, app = json.dumps({"access_token": "opaque", **session}), make_app()
    result = run(app, "size", given=given)
    assert 3 == result.exit_code
    assert "signing in      refused" in result.stdout
    assert drawn in result.stdout
    assert "sealed-session: this session does not fit; signing in with it is refused. [too_large]\n" == result.stderr
    written = json.loads(run(app, "size", "--json", given=given).stdout)
    assert (sealed_as, False) == (written["sealed_as"], written["fits"])
    cookie = written["sealed_cookie"]
    assert cookie is None if sealed_as == "nothing" else 150 < cookie <= 4093


@pytest.mark.parametrize(
    ("words", "given", "code"),
    [
        ([], "", "input_empty"),
        ([], "[1]", "input_not_session"),
        ([], '{"access_token": 1}', "wrong_type"),
        (["--url", "localhost"], TYPICAL_JSON, "bad_url"),
    ],
)
def test_size_of_what_is_no_session(words: list[str], given: str, code: str) -> None:
    """Exits with 2."""
    result = run(make_app(), "size", "--json", *words, given=given)
    assert (2, "", code) == (result.exit_code, result.stdout, json.loads(result.stderr)["error"])


# All of them


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "pasted-secret", "another-secret"],
        ["inspect", "--pasword=pasted-secret"],
        ["size", "pasted-secret"],
        ["pasted-secret"],
    ],
)
def test_what_was_typed_is_not_quoted(words: list[str]) -> None:
    """Somebody may have typed a secret."""
    for more in ([], ["--json"]):
        result = run(make_app(), *words, *more)
        assert (2, "") == (result.exit_code, result.stdout)
        assert "usage" in result.stderr
        assert "secret" not in result.stderr


PROGRAM = """
from flask import Flask
from flask_ext import SealedSession

app = Flask(__name__)
app.config.from_prefixed_env()
SealedSession().init_app(app)
"""


def start(folder: Path, *words: str, missing: str = "", given: str = "") -> subprocess.CompletedProcess[str]:
    """Run `flask sealed-session` as its users do, to its end."""
    (folder / "shop.py").write_text(PROGRAM, encoding="ascii")
    env = os.environ | {
        "FLASK_SEALED_SESSION_PASSWORD": PASSWORD,
        "PYTHONWARNINGS": "error",
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
    }
    python = f"import sys; sys.modules.update({{name: None for name in {missing.split()}}}); "
    command = [sys.executable, "-c", f"{python}from flask.cli import main; main()", "--app", "shop"]
    return subprocess.run(
        [*command, "sealed-session", *words],
        input=given,
        env=env,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_check_in_a_process_of_its_own(tmp_path: Path) -> None:
    """As `flask --app shop sealed-session check` runs it; the exit code is the shell's."""
    good, bad = start(tmp_path, "check", "--url", HTTPS), start(tmp_path, "check", "--url", "http://app.example.com")
    assert (0, "", 1, "") == (good.returncode, good.stderr, bad.returncode, bad.stderr)
    assert "ok        https://app.example.com/  [cookie_kept]" in good.stdout
    assert "secure_over_http" in bad.stdout


def test_without_rich_everything_is_plain_text(tmp_path: Path) -> None:
    """The same text, without an escape code."""
    for words, given in ((["check"], ""), (["size"], TYPICAL_JSON), (["inspect"], sealed_with(PASSWORD))):
        plain = start(tmp_path, *words, missing="rich", given=given)
        assert (0, "", False) == (plain.returncode, plain.stderr, "\x1b" in plain.stdout)
        assert words == ["inspect"] or plain.stdout == start(tmp_path, *words, given=given).stdout
