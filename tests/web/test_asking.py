"""``check --provider``: what it says of a live provider, whose answers come over real sockets."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_ext import SealedSession, asking, diagnosis, state
from flask_ext.findings import Finding
from sealed_session import Session, generate_password
from sealed_session.providers import OAuth2, WorkOS, probing
from sealed_session.testing import Clock
from tests.core.jwks_server import CurveKey, SigningKey
from tests.providers.issuer import CLIENT, NOW, SECRET, Issuer, issuer
from tests.providers.server import Connection, refused_url, reply, running

WELL_KNOWN = "/.well-known/openid-configuration"
SIGNING_IN = {"AUTH_PREFIX": "/auth"}


@pytest.fixture
def op() -> Iterator[Issuer]:
    """An OpenID provider of which nothing is to be said."""
    with issuer() as it:
        it.metadata = {
            "response_types_supported": ["code", "id_token"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "backchannel_logout_supported": True,
        }
        it.answers = {WELL_KNOWN: lambda connection: reply(it.describe(), headers=date())(connection)}
        yield it


def date(ahead: float = 0) -> dict[str, str]:
    """The header of an answer, by a clock that is ahead."""
    return {"Date": formatdate(NOW + ahead, usegmt=True)}


def make_app(provider: Any, **settings: Any) -> Flask:
    """An application with a provider, and settings of ours without their prefix. Its clock stands still."""
    app = Flask("shop")
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    app.config.update({f"SEALED_SESSION_{key}": value for key, value in settings.items()})
    SealedSession(provider, clock=Clock(NOW)).init_app(app)
    return app


def asked(provider: Any, **settings: Any) -> dict[str, Finding]:
    """What is said of a provider, by codes, of which each is there once."""
    found = asking.judge(state.of(make_app(provider, **settings)))
    by_code = {finding.code: finding for finding in found}
    assert len(found) == len(by_code)
    return by_code


def levels(found: dict[str, Finding]) -> dict[str, str]:
    """Code and level of every finding."""
    return {code: finding.level for code, finding in found.items()}


def only(found: dict[str, Finding], level: str) -> Finding:
    """The one finding of a level."""
    (finding,) = [one for one in found.values() if one.level == level]
    return finding


GOOD = {"provider_reachable": "ok", "provider_keys": "ok", "provider_clock": "ok"}


def test_every_finding_is_explained() -> None:
    """In docs/commands.md, and nothing that is not found."""
    codes = re.compile(r"""["`](provider_[a-z_]+)["`]""")
    page = Path(__file__).parents[2] / "docs" / "commands.md"
    found = codes.findall(Path(asking.__file__).read_text(encoding="utf-8"))
    assert set(found) == set(codes.findall(page.read_text(encoding="utf-8")))


# The command.


@pytest.mark.row("WO-19")
def test_WO_19_check_asks_the_provider_only_where_that_is_wanted(op: Issuer) -> None:  # noqa: N802
    """It goes over the network, and so it is off by default."""
    app = make_app(op.provider())
    runner = app.test_cli_runner()
    done = runner.invoke(args=["sealed-session", "check"])
    assert (0, False, []) == (done.exit_code, "provider_" in done.stdout, op.server.requests)
    done = runner.invoke(args=["sealed-session", "check", "--provider"])
    assert (0, 2) == (done.exit_code, len(op.server.requests))
    assert "ok        provider 127.0.0.1  [provider_reachable]\n" in done.stdout


@pytest.mark.row("WO-19")
def test_WO_19_an_error_of_the_provider_is_an_error_of_the_check(op: Issuer) -> None:  # noqa: N802
    """Also in JSON; and then the application is not sound."""
    op.published = []
    done = make_app(op.provider()).test_cli_runner().invoke(args=["sealed-session", "check", "--provider", "--json"])
    codes = [finding["code"] for finding in json.loads(done.stdout)["findings"]]
    assert (1, True, False) == (done.exit_code, "provider_no_keys" in codes, "application_sound" in codes)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_offline_and_provider_exclude_each_other(op: Issuer, more: list[str]) -> None:
    """In one line, and nobody is asked."""
    words = ["sealed-session", "check", "--offline", "--provider", *more]
    done = make_app(op.provider()).test_cli_runner().invoke(args=words)
    assert (2, "", 1, []) == (done.exit_code, done.stdout, done.stderr.count("\n"), op.server.requests)
    assert "usage" in done.stderr


def test_of_what_was_asked_only_the_host_is_shown(op: Issuer) -> None:
    """Neither the client's name nor its secret, nor a path that may hold one."""
    for settings in ({}, SIGNING_IN):
        shown = str(asked(op.provider(), **settings))
        assert not {CLIENT, SECRET, "/jwks", "/token"} & set(re.findall(r"[\w/-]+", shown))
    assert not any(SECRET in str(request) or CLIENT in str(request) for request in op.server.requests)


def test_diagnose_by_itself(op: Issuer) -> None:
    """As the command has it."""
    found = {finding.code for finding in diagnosis.diagnose(make_app(op.provider()), ask_provider=True)}
    assert set(GOOD) <= found


# Who is asked.


def test_a_provider_as_it_should_be(op: Issuer) -> None:
    """With our sign-in there is more to look at, and nothing to say against it."""
    assert GOOD == levels(asked(op.provider()))
    assert {**GOOD, "provider_back_channel": "ok"} == levels(asked(op.provider(), **SIGNING_IN))
    assert "Keys of use for RS256: 1." == asked(op.provider())["provider_keys"].what


def test_an_app_on_the_systems_clock(op: Issuer) -> None:
    """Compares that one."""
    op.answers = {WELL_KNOWN: lambda connection: reply(op.describe(), headers=now())(connection)}
    app = Flask("shop")
    app.config["SEALED_SESSION_PASSWORD"] = generate_password()
    SealedSession(op.provider()).init_app(app)
    assert "ok" == {one.code: one.level for one in asking.judge(state.of(app))}["provider_clock"]


def now() -> dict[str, str]:
    """The header of an answer that is made now."""
    return {"Date": formatdate(time.time(), usegmt=True)}


def test_a_provider_with_an_address_of_keys_alone() -> None:
    """Has keys and a clock."""
    with running(reply({"keys": [SigningKey().jwk()]}, headers=date())) as server:
        provider = WorkOS("client_01", "test-key-of-workos", base_url=server.url)
        found = asked(provider, **SIGNING_IN)
    assert {"provider_keys": "ok", "provider_clock": "ok"} == levels(found)
    assert not {"client_01", "test-key-of-workos"} & set(re.findall(r"[\w-]+", str(found)))


def refresh(session: Session) -> Session:
    """A provider of which nothing is known."""
    raise AssertionError("check refreshes nothing")


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (None, "There is none."),
        (refresh, "neither an issuer"),
        (OAuth2(token_endpoint="https://id.example.com/token", client_id=CLIENT, client_secret=SECRET), "neither"),
    ],
)
def test_who_cannot_be_asked(provider: Any, told: str) -> None:
    """Is a note."""
    found = asked(provider)
    assert {"provider_not_asked": "note"} == levels(found)
    assert told in found["provider_not_asked"].what


# What is wrong with the metadata.


@pytest.mark.row("WO-19")
def test_WO_19_a_provider_that_is_not_there() -> None:  # noqa: N802
    """By what the system says."""
    found = asked(OAuth2(issuer=refused_url(), client_id=CLIENT, client_secret=SECRET))
    assert {"provider_unreachable": "error"} == levels(found)
    assert "cannot be asked for the issuer's metadata: ConnectError: Connection" in found["provider_unreachable"].what


def test_a_provider_that_hangs(op: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is given up."""
    monkeypatch.setattr(probing, "EACH", 0.2)
    op.answers = {WELL_KNOWN: Connection.hang}
    began = time.monotonic()
    assert "ReadTimeout" in asked(op.provider())["provider_unreachable"].what
    assert time.monotonic() - began < 5


def test_a_page_in_place_of_metadata(op: Issuer) -> None:
    """HTML, as a login page or a proxy has it."""
    op.answers = {WELL_KNOWN: reply(b"<!doctype html><p>Hello", headers={"Content-Type": "text/html"})}
    found = asked(op.provider())
    assert {"provider_no_metadata": "error"} == levels(found)
    assert "(HTTP 200)" in found["provider_no_metadata"].what
    assert WELL_KNOWN in found["provider_no_metadata"].fix


@pytest.mark.row("WO-19")
def test_WO_19_an_issuer_that_is_not_the_same_to_the_letter(op: Issuer) -> None:  # noqa: N802
    """Most often a slash at the end: both are shown, and nothing else is looked at."""
    op.metadata = {"issuer": f"{op.url}/"}
    found = asked(op.provider(), **SIGNING_IN)
    assert {"provider_issuer": "error", "provider_clock": "ok"} == levels(found)
    assert f"issuer '{op.url}/', and the provider was given '{op.url}'" in found["provider_issuer"].what


@pytest.mark.parametrize(("name", "shown"), [(None, "of nobody"), (7, "of nobody"), ("x" * 999, f"'{'x' * 100}', ")])
def test_an_issuer_that_says_anything(op: Issuer, name: Any, shown: str) -> None:
    """Is not shown at any length."""
    op.metadata = {"issuer": name}
    assert shown in asked(op.provider())["provider_issuer"].what


@pytest.mark.parametrize(
    ("settings", "name", "level"),
    [
        ({}, "token_endpoint", "error"),
        ({}, "jwks_uri", "error"),
        ({"VERIFY_ACCESS_TOKEN": False}, "jwks_uri", None),
        ({"VERIFY_ACCESS_TOKEN": False, **SIGNING_IN}, "jwks_uri", "error"),
        ({}, "authorization_endpoint", None),
        (SIGNING_IN, "authorization_endpoint", "error"),
        ({}, "revocation_endpoint", "note"),
        ({}, "end_session_endpoint", "note"),
    ],
)
def test_an_endpoint_that_is_missing(op: Issuer, settings: dict[str, Any], name: str, level: str | None) -> None:
    """As bad as what it is needed for."""
    op.metadata[name] = None
    found = asked(op.provider(), **settings)
    assert level == levels(found).get("provider_endpoint_missing")
    assert level is None or name in found["provider_endpoint_missing"].what


@pytest.mark.parametrize(
    ("name", "level"), [("token_endpoint", "error"), ("jwks_uri", "error"), ("end_session_endpoint", "warning")]
)
def test_an_endpoint_by_http(op: Issuer, name: str, level: str) -> None:
    """On another machine: it is not used, as if it were not there."""
    op.metadata[name] = "http://id.example.com/somewhere"
    found = asked(op.provider())
    assert level == found["provider_endpoint_unsafe"].level
    assert f"Its {name} is no https address" in found["provider_endpoint_unsafe"].what


def test_what_the_operator_has_written_is_not_missing(op: Issuer) -> None:
    """The metadata need not have it."""
    op.metadata["revocation_endpoint"] = None
    assert GOOD == levels(asked(op.provider(revocation_endpoint="https://id.example.com/revoke")))


@pytest.mark.parametrize(
    ("metadata", "code", "level", "told"),
    [
        ({"response_types_supported": ["id_token"]}, "provider_response_type", "error", "response type code"),
        (
            {"id_token_signing_alg_values_supported": ["ES256", "HS256"]},
            "provider_algorithms",
            "error",
            "'ES256, HS256', and RS256 is accepted",
        ),
        ({"code_challenge_methods_supported": ["plain"]}, "provider_pkce", "error", "does not list S256"),
        ({"code_challenge_methods_supported": "S256"}, "provider_pkce", "error", "does not list S256"),
        ({"code_challenge_methods_supported": None}, "provider_pkce", "note", "does not say whether it knows PKCE"),
        ({"backchannel_logout_supported": False}, "provider_back_channel", "note", "does not say that it reports"),
        ({"backchannel_logout_supported": None}, "provider_back_channel", "note", "does not say that it reports"),
    ],
)
def test_what_signing_in_needs(op: Issuer, metadata: Any, code: str, level: str, told: str) -> None:
    """Looked at where our endpoints sign people in, and not elsewhere."""
    op.metadata |= metadata
    found = asked(op.provider(), **SIGNING_IN)
    assert {**GOOD, "provider_back_channel": "ok", code: level} == levels(found)
    assert told in found[code].what
    assert GOOD == levels(asked(op.provider()))


@pytest.mark.parametrize("name", ["response_types_supported", "id_token_signing_alg_values_supported"])
def test_what_metadata_leave_out_is_not_held_against_them(op: Issuer, name: str) -> None:
    """Nor what is no list."""
    for value in (None, "code"):
        op.metadata[name] = value
        assert {"ok"} == set(levels(asked(op.provider(), **SIGNING_IN)).values())


# What is wrong with the keys.


@pytest.mark.row("WO-19")
def test_WO_19_a_provider_without_keys_for_us(op: Issuer) -> None:  # noqa: N802
    """None at all, or for other algorithms, which are named."""
    op.published = []
    empty = only(asked(op.provider()), "error")
    assert ("provider_no_keys", "is the address of the keys right?") == (empty.code, empty.fix)
    op.published = [CurveKey().jwk()]
    other = only(asked(op.provider()), "error")
    assert "of use for RS256: no token can be verified. There are some for ES256." in other.what
    assert "algorithms" in other.fix
    assert GOOD == levels(asked(op.provider(algorithms=["ES256"])))


def test_weak_keys(op: Issuer) -> None:
    """By themselves nobody can sign in; beside a good one it is a warning."""
    weak = SigningKey("weak", number=3, bits=1024).jwk()
    op.published = [weak]
    assert {"provider_no_keys": "error", "provider_keys_weak": "warning"}.items() <= levels(
        asked(op.provider())
    ).items()
    op.published = [weak, SigningKey().jwk()]
    found = asked(op.provider())
    assert {**GOOD, "provider_keys_weak": "warning"} == levels(found)
    assert "less than 2048 bits: 1." in found["provider_keys_weak"].what


def test_unusable_keys(op: Issuer) -> None:
    """Each kind with its number, and no kind of which there is none."""
    good, again = SigningKey("a").jwk(), SigningKey("a", number=2).jwk()
    broken: Any = 7
    op.published = [good, again, SigningKey().jwk(kid=None), broken, SigningKey("b").jwk()]
    found = asked(op.provider())
    assert {**GOOD, "provider_keys_unusable": "warning"} == levels(found)
    assert (
        "Keys without a name (kid): 1; under a name that several have: 1; that cannot be read: 1. A token that is "
        "signed with one is refused." == found["provider_keys_unusable"].what
    )
    op.published = [broken, SigningKey("b").jwk()]
    assert asked(op.provider())["provider_keys_unusable"].what.startswith("Keys that cannot be read: 1.")


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (reply(b"<p>Hello"), "provider_no_keys", "(HTTP 200), and not with a JSON Web Key Set"),
        (reply({"keys": []}, 500), "provider_no_keys", "(HTTP 500), and not with a JSON Web Key Set"),
        (
            reply(status=302, headers={"Location": "/x"}),
            "provider_unreachable",
            "for its keys: answered with a redirect",
        ),
    ],
)
def test_keys_that_cannot_be_had(op: Issuer, answer: Any, code: str, told: str) -> None:
    """With the metadata as they should be."""
    op.answers["/jwks"] = answer
    found = asked(op.provider())
    assert {"provider_reachable": "ok", code: "error", "provider_clock": "ok"} == levels(found)
    assert told in found[code].what


# What is wrong with its clock.


@pytest.mark.row("WO-19")
@pytest.mark.parametrize(
    ("ahead", "skew", "level", "told"),
    [
        (0, 10, "ok", "agree"),
        (4, 10, "ok", "agree"),
        (9, 10, "warning", "seconds ahead of this machine's, and 10 are tolerated."),
        (-9, 10, "warning", "8 seconds behind this machine's, and 10 are tolerated."),
        (-12, 10, "error", "11 seconds behind this machine's, and 10 are tolerated: good tokens are refused."),
        (3600, 10, "error", "ahead of"),
        (9, 60, "ok", "agree"),
        (0, 0, "ok", "agree"),
        (-3, 0, "error", "2 seconds behind"),
    ],
)
def test_WO_19_a_clock_that_is_wrong(op: Issuer, ahead: int, skew: int, level: str, told: str) -> None:  # noqa: N802
    """By CLOCK_SKEW, and less the time that the call took: what is said is sure."""
    op.answers[WELL_KNOWN] = reply(op.describe(), headers=date(ahead))
    finding = asked(op.provider(), CLOCK_SKEW=skew)["provider_clock"]
    assert (level, True) == (finding.level, told in finding.what)
    assert bool(finding.fix) == (level != "ok")


def test_a_provider_that_does_not_say_what_time_it_is(op: Issuer) -> None:
    """Is not asked for more."""
    op.answers = {}
    assert {"provider_reachable": "ok", "provider_keys": "ok"} == levels(asked(op.provider()))
