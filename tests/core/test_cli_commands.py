"""The commands in one process: what they read, what they write, and how they exit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from freezegun import freeze_time

from sealed_session import KeyRing, Sealer, Session, generate_password
from sealed_session.cli.commands import cli
from tests.conftest import SAMPLES

PASSWORD, OLD = generate_password(), generate_password()
TYPICAL = Session(**SAMPLES["typical"])
TYPICAL_JSON = json.dumps(SAMPLES["typical"])
WITH_PASSWORD = {"SEALED_SESSION_PASSWORD": PASSWORD}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own environment out."""
    for name in ("SEALED_SESSION_PASSWORD", "SEALED_SESSION_PASSWORD_FALLBACKS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str, given: str | bytes = "", env: dict[str, str] | None = None) -> Result:
    """Run a command line; by default with a password."""
    result = CliRunner().invoke(cli, words, input=given, env=WITH_PASSWORD if env is None else env)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def sealed_with(password: str, **options: Any) -> str:
    """Seal the typical session."""
    return Sealer(KeyRing(password), **options).seal(TYPICAL)


def test_generate_password_makes_a_password_that_seals() -> None:
    """And another one each time."""
    first, second = run("generate-password").stdout.strip(), run("generate-password").stdout.strip()
    assert 2 == len({first, second})
    assert TYPICAL == Sealer(KeyRing(first)).unseal(sealed_with(first)).session


def test_generate_password_as_json() -> None:
    """Under the key password."""
    assert ["password"] == list(json.loads(run("generate-password", "--json").stdout))


def test_seal_makes_what_the_library_opens() -> None:
    """With the default name, and nothing else on the output."""
    result = run("seal", given=TYPICAL_JSON)
    assert (0, "") == (result.exit_code, result.stderr)
    assert TYPICAL == Sealer(KeyRing(PASSWORD)).unseal(result.stdout.removesuffix("\n")).session


def test_seal_binds_name_and_context() -> None:
    """The context is the option's UTF-8."""
    sealed = run("seal", "--name", "wos-session", "--context", "Ørsted", given=TYPICAL_JSON).stdout.strip()
    sealer = Sealer(KeyRing(PASSWORD), name="wos-session", context="Ørsted".encode())
    assert TYPICAL == sealer.unseal(sealed).session


def test_seal_as_json_says_how_much_is_left() -> None:
    """Counted as browsers count."""
    written = json.loads(run("seal", "--json", "--name", "wos-session", given=TYPICAL_JSON).stdout)
    assert ["sealed", "name", "value", "cookie", "limit", "left"] == list(written)
    assert len("wos-session=" + written["sealed"]) == written["cookie"]
    assert (len(written["sealed"]), 4093 - written["cookie"]) == (written["value"], written["left"])


@pytest.mark.parametrize("argument", [True, False])
def test_unseal_gives_the_session_back(argument: bool) -> None:
    """From the argument or from standard input, whose white space does not count."""
    sealed = sealed_with(PASSWORD)
    result = run("unseal", sealed) if argument else run("unseal", given=f"  {sealed}\r\n")
    assert (0, SAMPLES["typical"]) == (result.exit_code, json.loads(result.stdout))


def test_what_unseal_writes_can_be_sealed_again() -> None:
    """Every character comes through, lone surrogates and terminal controls included."""
    session = Session("t", user={"name": "Ø\ud800\x9b31m\u202e\x7f"})
    written = run("unseal", Sealer(KeyRing(PASSWORD)).seal(session)).stdout_bytes
    assert session == Sealer(KeyRing(PASSWORD)).unseal(run("seal", given=written).stdout.strip()).session


def test_unseal_writes_nothing_that_a_terminal_obeys() -> None:
    """C1 controls, DEL and marks of direction are escapes."""
    session = Session("t", user={"name": "\x9b31m\u202e\x7f"})
    assert r'"\u009b31m\u202e\u007f"' in run("unseal", Sealer(KeyRing(PASSWORD)).seal(session)).stdout


def test_unseal_as_json_says_when_and_by_which_password() -> None:
    """Beside the session."""
    with freeze_time("2026-11-21"):
        sealed = sealed_with(OLD)
    env = WITH_PASSWORD | {"SEALED_SESSION_PASSWORD_FALLBACKS": json.dumps([OLD])}
    assert {
        "session": SAMPLES["typical"],
        "started_at": 1795219200,
        "sealed_at": 1795219200,
        "format": "native-1",
        "password_index": 1,
        "needs_reseal": True,
        "reseal_reasons": ["fallback"],
    } == json.loads(run("unseal", "--json", sealed, env=env).stdout)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_password_file_replaces_the_password_of_the_environment(tmp_path: Path, end: str) -> None:
    """One trailing newline is not part of it."""
    file = tmp_path / "password"
    file.write_bytes((OLD + end).encode())
    result = run("unseal", sealed_with(OLD), "--password-file", str(file))
    assert (0, SAMPLES["typical"]) == (result.exit_code, json.loads(result.stdout))


def test_fallbacks_come_from_the_environment_beside_a_password_file(tmp_path: Path) -> None:
    """The file holds one password."""
    (tmp_path / "password").write_text(PASSWORD)
    env = {"SEALED_SESSION_PASSWORD_FALLBACKS": json.dumps([OLD])}
    assert 0 == run("unseal", sealed_with(OLD), "--password-file", str(tmp_path / "password"), env=env).exit_code


def test_inspect_without_a_password_tells_lengths() -> None:
    """Whose sum is the value."""
    sealed = sealed_with(PASSWORD)
    result = run("inspect", "--json", sealed, env={})
    known = json.loads(result.stdout)
    parts = known["bytes"]
    assert ["version", "salt", "commitment", "ciphertext", "tag"] == list(parts)
    assert len(sealed) == -(-4 * sum(parts.values()) // 3)
    assert {"least": parts["ciphertext"] - 25, "most": parts["ciphertext"] - 10} == known["payload_bytes"]
    assert ("native-1", None, None, None) == tuple(known[key] for key in ("format", "opened", "session", "size"))
    assert (0, len(f"sealed-session={sealed}"), "") == (result.exit_code, known["cookie"], result.stderr)


def test_inspect_without_a_password_draws_lengths() -> None:
    """And nothing of what is inside."""
    result = run("inspect", given=sealed_with(PASSWORD), env={})
    assert "format          native-1" in result.stdout
    assert "bytes           version 1, salt 24, commitment 16, tag 16" in result.stdout
    assert "bjrn" not in result.stdout


@pytest.mark.parametrize(
    ("text", "looks_like"),
    [
        ("Fe26.2*1*00*AA*AA**00*AA~2", "iron"),
        ("gAAAAABrAEJivI60x9Ufm8jO7SpWPl==", "fernet"),
        ("eyJhbGciOiJkaXIifQ.e30.c2ln", "jwt"),
        ("eyJhbGciOiJkaXIifQ..AA.AA.AA", "jwe"),
        (OLD, "password"),
        (f'"{OLD}"', "password"),
        (TYPICAL_JSON, "json"),
        ("[1]", "json"),
        ("sealed-session=AQAA", "cookie"),
        ("AQAA; Path=/", "several"),
        ("AQAA;Path", "cookie"),
        ('"AQAA"', "cookie"),
        ("AQAA%3D", "percent_encoded"),
        ("AQAA", None),
    ],
)
@pytest.mark.parametrize("env", [{}, WITH_PASSWORD])
def test_inspect_recognises_what_is_no_sealed_value(text: str, looks_like: str | None, env: dict[str, str]) -> None:
    """With or without a password; it is malformed, and the message quotes nothing of it."""
    result = run("inspect", "--json", given=text, env=env)
    known, error = json.loads(result.stdout), json.loads(result.stderr)
    assert (1, looks_like, "malformed") == (result.exit_code, known["looks_like"], error["error"])
    assert (None, None, None) == (known["format"], known["bytes"], known["opened"])
    assert text not in result.stderr


def test_inspect_says_what_looks_like_another_system() -> None:
    """In words, too."""
    result = run("inspect", given="Fe26.2*1*00*AA*AA**00*AA~2")
    assert "format          none that this release reads" in result.stdout
    assert "It looks like an iron seal (Fe26.2), as iron-session makes them. [malformed]" in result.stderr


def test_unseal_says_what_looks_like_another_system() -> None:
    """The same remark as inspect."""
    result = run("unseal", given="gAAAAABrAEJi")
    assert (1, "") == (result.exit_code, result.stdout)
    assert "It looks like a Fernet token. [malformed]" in result.stderr


def test_inspect_says_when_the_value_is_no_cookie_at_all() -> None:
    """Over the limit of browsers."""
    assert "cookie          5015 of 4093 characters, 922 too many" in run("inspect", "A" * 5000).stdout


@freeze_time("2026-11-21")
def test_inspect_with_a_password_tells_who_and_when() -> None:
    """And by which password, when the access token ends, and where the bytes go."""
    known = json.loads(run("inspect", "--json", sealed_with(PASSWORD)).stdout)
    session = known["session"]
    assert True is known["opened"]
    assert Sealer(KeyRing(PASSWORD)).measure(TYPICAL).to_mapping() == known["size"]
    assert {
        "user_id": "user_01V9KZARTGFD4DRPQ9D9A9VCKT",
        "email": "bjrn.stergrd@acme-corp.io",
        "impersonator": None,
        "session_id": "session_01XYS7DWZVGPKW4FEJPQFJCJ0Z",
        "subject": "user_01V9KZARTGFD4DRPQ9D9A9VCKT",
        "started_at": 1795219200,
        "authenticated_at": None,
        "sealed_at": 1795219200,
        "access_expires_at": 1782414753,
        "session_expires_at": None,
        "password_index": 0,
        "passwords": 1,
        "needs_reseal": False,
        "reseal_reasons": [],
    } == {key: value for key, value in session.items() if key != "tokens"}
    assert {
        "access_token": {"form": "jwt", "characters": len(TYPICAL.access_token), "text": None},
        "refresh_token": {"form": "opaque", "characters": 28, "text": None},
    } == session["tokens"]


def test_inspect_draws_who_when_and_where_the_bytes_go() -> None:
    """As plain text where no terminal is."""
    now = 1795219200
    ring = KeyRing(OLD)
    session = Session(**SAMPLES["heavy-impersonated"]).replace(
        session_expires_at=now + 60, authenticated_at=now - 86400
    )
    sealed = Sealer(ring, clock=lambda: now - 7200).seal(session, started_at=now - 3 * 86400)
    env = WITH_PASSWORD | {"SEALED_SESSION_PASSWORD_FALLBACKS": json.dumps([OLD])}
    with freeze_time("2026-11-21"):
        drawn = run("inspect", sealed, env=env).stdout
    for row in (
        "user            user_01RWD0GYDMW9FQXH3T5B8S5Q0K",
        "impersonated by support.agent@acme-corp.io",
        "signed in       2026-11-18 00:00:00 UTC, 3 days ago",
        "identity proved 2026-11-20 00:00:00 UTC, 1 day ago",
        "sealed          2026-11-20 22:00:00 UTC, 2 hours ago",
        "access token    ended 2026-06-25 19:12:33 UTC, 148 days ago",
        "session         ends 2026-11-21 00:01:00 UTC, in 1 minute",
        "opened by       fallback 1 of 1",
        "reseal          needed: it was sealed with a former password",
        "access_token    a JWT, 1749 characters",
        "refresh_token   opaque, 200 characters",
    ):
        assert row in drawn
    assert "\x1b" not in drawn
    assert session.access_token not in drawn


def test_inspect_shows_tokens_only_where_they_are_asked_for() -> None:
    """Further tokens by their name."""
    session = Session("opaque-access-token", tokens={"id_token": "opaque-id-token"})
    sealed = Sealer(KeyRing(PASSWORD)).seal(session)
    for shown in (run("inspect", sealed).stdout, run("inspect", "--json", sealed).stdout):
        assert "opaque-" not in shown
        assert "id_token" in shown
    asked = run("inspect", "--show-tokens", sealed).stdout
    assert "id_token        opaque-id-token" in asked
    assert "access_token    opaque-access-token" in asked
    assert '"text": "opaque-id-token"' in run("inspect", "--show-tokens", "--json", sealed).stdout


def test_inspect_takes_who_from_the_claims_where_there_is_no_user() -> None:
    """The subject of the access token."""
    session = Session(TYPICAL.access_token)
    known = json.loads(run("inspect", "--json", Sealer(KeyRing(PASSWORD)).seal(session)).stdout)
    assert ("user_01V9KZARTGFD4DRPQ9D9A9VCKT", None) == (known["session"]["user_id"], known["session"]["email"])


def test_inspect_draws_no_time_where_a_claim_holds_none() -> None:
    """A provider may write anything into exp."""
    token = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OX0." + "A" * 43
    drawn = run("inspect", Sealer(KeyRing(PASSWORD)).seal(Session(token))).stdout
    assert "ends 99999999999999999999, which is no time in Unix seconds" in drawn


def test_inspect_of_what_does_not_open_still_tells_lengths() -> None:
    """And exits with 1."""
    result = run("inspect", "--json", sealed_with(OLD))
    known = json.loads(result.stdout)
    assert (1, "native-1", False, None) == (result.exit_code, known["format"], known["opened"], known["session"])
    assert "unknown_key" == json.loads(result.stderr)["error"]


def test_size_draws_the_budget_and_the_peers() -> None:
    """Without a password."""
    result = run("size", given=TYPICAL_JSON, env={})
    assert 0 == result.exit_code
    assert "access_token" in result.stdout
    assert "Fernet                  2247" in result.stdout
    assert "iron                    2294" in result.stdout


def test_size_as_json_is_the_report_and_the_peers() -> None:
    """The peers' values are cookie values, and name and = come on top."""
    written = json.loads(run("size", "--json", "--name", "wos-session", given=TYPICAL_JSON, env={}).stdout)
    peers = written.pop("peers")
    assert Sealer(KeyRing(PASSWORD), name="wos-session").measure(TYPICAL).to_mapping() == written
    assert {
        "fernet": {"value": 2232, "cookie": 2244, "left": 1849, "fits": True},
        "iron": {"value": 2279, "cookie": 2291, "left": 1802, "fits": True},
    } == peers


def test_size_of_what_does_not_fit_is_drawn_all_the_same() -> None:
    """And exits with 3."""
    result = run("size", given=json.dumps({"access_token": "x" * 5000}), env={})
    assert 3 == result.exit_code
    assert "too many" in result.stdout
    assert "sealed-session: this session does not fit; it cannot be sealed. [too_large]\n" == result.stderr


@pytest.fixture
def cookies() -> Iterator[list[str]]:
    """Values of two passwords, and what is none."""
    with freeze_time("2026-11-01"):
        yield [sealed_with(OLD), "", "no cookie", sealed_with(PASSWORD), sealed_with(generate_password())]


@pytest.mark.parametrize("source", ["argument", "-", "standard input"])
def test_reseal_keeps_lines_aligned_and_people_signed_in(cookies: list[str], source: str, tmp_path: Path) -> None:
    """One line per line, an empty one where one failed; started_at is kept."""
    file = tmp_path / "cookies"
    file.write_text("\n".join(cookies), encoding="ascii")
    env = WITH_PASSWORD | {"SEALED_SESSION_PASSWORD_FALLBACKS": json.dumps([OLD])}
    words = {"argument": [str(file)], "-": ["-"], "standard input": []}[source]
    result = run("reseal", *words, given="\n".join(cookies), env=env)
    lines = result.stdout.removesuffix("\n").split("\n")
    opened = [Sealer(KeyRing(PASSWORD)).unseal(line) for line in (lines[0], lines[3])]
    assert ["", "", ""] == [lines[1], lines[2], lines[4]]
    assert [(TYPICAL, 1793491200)] * 2 == [(one.session, one.started_at) for one in opened]
    assert "sealed-session: 2 resealed, 2 failed: malformed 1, unknown_key 1\n" == result.stderr
    assert 1 == result.exit_code


def test_reseal_as_json_has_a_line_for_every_line(cookies: list[str]) -> None:
    """And the counts on standard error."""
    result = run("reseal", "--json", given="\n".join(cookies))
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [1, 2, 3, 4, 5] == [line["line"] for line in lines]
    assert ["unknown_key", None, "malformed", None, "unknown_key"] == [line["error"] for line in lines]
    assert [False, False, False, True, False] == [line["sealed"] is not None for line in lines]
    assert {"resealed": 1, "failed": 3, "failures": {"unknown_key": 2, "malformed": 1}} == json.loads(result.stderr)


def test_reseal_of_nothing_but_good_values_exits_with_0() -> None:
    """And says how many there were."""
    result = run("reseal", given=f"{sealed_with(PASSWORD)}\r\n\n{sealed_with(PASSWORD)}\n")
    assert (0, "sealed-session: 2 resealed, 0 failed\n") == (result.exit_code, result.stderr)


def test_reseal_holds_no_overlong_line(cookies: list[str]) -> None:
    """It is one failure, and the next line is read as usual; also when it begins with white space only."""
    given = b"\xff" * 200_000 + b"\n" + b" " * 200_000 + b"\n" + cookies[3].encode()
    result = run("reseal", given=given)
    assert (["", ""], "sealed-session: 1 resealed, 2 failed: malformed 2\n") == (
        result.stdout.split("\n")[:2],
        result.stderr,
    )


def test_reseal_counts_what_cannot_be_sealed_again() -> None:
    """By the code of the refusal."""
    sealed = Sealer(KeyRing(PASSWORD), max_bytes=8000).seal(Session("x" * 4500))
    assert "1 failed: too_large 1" in run("reseal", given=sealed).stderr
