"""Sealing and unsealing sessions: exact, bound, aged, rotated and size-checked."""

from __future__ import annotations

import logging
import os
import string
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from hypothesis import given, settings
from hypothesis import strategies as st

import sealed_session.sealer
from sealed_session import (
    KeyRing,
    PayloadTypeError,
    Sealer,
    SealError,
    SealTooLarge,
    Session,
    UnsealError,
    UsageError,
    UsageTypeError,
    generate_password,
    seal,
    unseal,
)
from sealed_session.formats import native
from tests.core.test_exact_json import exact, objects
from tests.core.test_tokens import base64urlish, unicode

PASSWORD, OLD = generate_password(), generate_password()
WIDE = Sealer(KeyRing(PASSWORD), max_bytes=100_000, warn_bytes=100_000)
NOW = 1_790_000_000

MakeSealer = Callable[..., Sealer]

any_token = unicode | st.lists(base64urlish, min_size=1, max_size=6).map(".".join).filter(bool)
sessions = st.fixed_dictionaries(
    {"access_token": any_token},
    optional={
        "refresh_token": any_token,
        "user": objects,
        "impersonator": objects,
        "extra": objects,
        "access_expires_at": st.integers(0, 253_402_300_799),
        "session_id": st.binary(min_size=1, max_size=64).map(sealed_session.encoding.encode),
        "session_expires_at": st.integers(0, 253_402_300_799),
        "tokens": st.dictionaries(unicode, any_token, max_size=3),
        "unverified": st.just(True),
    },
)


@settings(max_examples=400)
@given(sessions, st.booleans())
def test_any_session_comes_back_exactly(values: dict[str, Any], compress: bool) -> None:
    """The same strings and the same JSON, whatever they are; nothing is added."""
    sealer = Sealer(KeyRing(PASSWORD), max_bytes=100_000, warn_bytes=100_000, compress=compress)
    try:
        sealed = sealer.seal(values)
    except SealTooLarge:
        return
    opened = sealer.unseal(sealed).session
    assert Session(**values) == opened
    assert {k: exact(v) for k, v in values.items()} == {k: exact(v) for k, v in opened.to_mapping().items()}


def test_the_samples_come_back(sample: Session, make_sealer: MakeSealer) -> None:
    """Every realistic session, compressed or not."""
    for compress in (True, False):
        sealer = make_sealer(compress=compress)
        assert sample == sealer.unseal(sealer.seal(sample)).session


def test_a_sealed_value_is_made_of_cookie_characters(typical: Session, make_sealer: MakeSealer) -> None:
    """Nothing that needs quoting, in any header or URL."""
    assert set(make_sealer().seal(typical)) <= set(string.ascii_letters + string.digits + "-_")


def test_no_two_seals_are_alike(typical: Session, make_sealer: MakeSealer) -> None:
    """A random salt goes into each."""
    sealer = make_sealer()
    assert 100 == len({sealer.seal(typical) for _ in range(100)})


def test_the_salt_comes_from_the_operating_system(
    typical: Session, make_sealer: MakeSealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 bytes of it, drawn anew for every seal, and nothing else random goes in."""
    drawn = [bytes([number] * 24) for number in range(3)]
    monkeypatch.setattr(os, "urandom", lambda size: drawn[0] if size == 24 else pytest.fail(f"{size} bytes"))
    sealer = make_sealer()
    salts = []
    while drawn:
        salts.append((drawn[0], native.parse(sealer.seal(typical))[0]))
        drawn.pop(0)
    assert all(given == used for given, used in salts)


def test_the_standalone_functions_open_what_a_sealer_seals(typical: Session) -> None:
    """And the other way; the name is shared, and by default the same."""
    assert typical == unseal(seal(typical, PASSWORD), PASSWORD)
    assert typical == unseal(Sealer(KeyRing(PASSWORD)).seal(typical), PASSWORD)
    assert (
        typical
        == Sealer(KeyRing(PASSWORD), name="wos-session").unseal(seal(typical, PASSWORD, name="wos-session")).session
    )
    assert typical == unseal(seal(typical, OLD, name="n"), PASSWORD, name="n", fallbacks=[OLD])


def test_seal_takes_a_mapping(make_sealer: MakeSealer) -> None:
    """A plain dict, with the names of the session's values."""
    sealer = make_sealer()
    assert Session("t", user={"id": 1}) == sealer.unseal(sealer.seal({"access_token": "t", "user": {"id": 1}})).session


class TestRotation:
    """Passwords change and nobody is signed out."""

    def test_a_fallback_opens_and_asks_for_a_reseal(self, typical: Session) -> None:
        """Its position is told, so that one can count when it is no longer needed."""
        before = Sealer(KeyRing(OLD))
        after = Sealer(KeyRing(PASSWORD, fallbacks=[generate_password(), OLD]))
        opened = after.unseal(before.seal(typical))
        assert (typical, True, ("fallback",), 2) == (
            opened.session,
            opened.needs_reseal,
            opened.reseal_reasons,
            opened.password_index,
        )
        again = after.unseal(after.reseal(opened))
        assert (typical, False, (), 0) == (
            again.session,
            again.needs_reseal,
            again.reseal_reasons,
            again.password_index,
        )

    def test_a_former_name_opens_only_when_asked_for(self, typical: Session) -> None:
        """The value says nothing of its name; the caller knows under which it came."""
        before, after = Sealer(KeyRing(OLD), name="old"), Sealer(KeyRing(PASSWORD, [OLD]), name="new")
        sealed = before.seal(typical)
        with pytest.raises(UnsealError) as caught:
            after.unseal(sealed)
        assert "tampered" == caught.value.code
        opened = after.unseal(sealed, name="old")
        assert ("fallback", "name") == opened.reseal_reasons
        assert () == after.unseal(after.reseal(opened)).reseal_reasons
        assert () == after.unseal(after.seal(typical), name="new").reseal_reasons

    def test_the_format_is_told(self, typical: Session, make_sealer: MakeSealer) -> None:
        """There is one so far."""
        sealer = make_sealer()
        assert "native-1" == sealer.unseal(sealer.seal(typical)).format


class TestLifetimes:
    """Times stand inside the seal, where nobody can change them."""

    def test_a_reseal_keeps_when_the_person_signed_in(self, make_sealer: MakeSealer) -> None:
        """And notes when it was sealed."""
        now = NOW
        sealer = make_sealer(clock=lambda: now)
        opened = sealer.unseal(sealer.seal({"access_token": "one"}))
        now += 86_400
        again = sealer.unseal(sealer.reseal(opened, {"access_token": "two"}))
        assert (NOW, NOW, "one") == (opened.started_at, opened.sealed_at, opened.session.access_token)
        assert (NOW, NOW + 86_400, "two") == (again.started_at, again.sealed_at, again.session.access_token)

    @pytest.mark.parametrize("lifetime", [3600, 3600.0, timedelta(hours=1)])
    def test_the_absolute_lifetime_ends_in_its_second(self, make_sealer: MakeSealer, lifetime: Any) -> None:
        """Counted from signing in, whatever was sealed since."""
        now = NOW
        sealer = make_sealer(clock=lambda: now, absolute_lifetime=lifetime)
        opened = sealer.unseal(sealer.seal({"access_token": "t"}))
        now = NOW + 3599
        sealed = sealer.reseal(opened)
        assert NOW == sealer.unseal(sealed).started_at
        now = NOW + 3600
        with pytest.raises(UnsealError, match="3600 seconds ago; the absolute lifetime is 3600") as caught:
            sealer.unseal(sealed)
        assert "too_old" == caught.value.code
        with pytest.raises(SealError) as refused:
            sealer.reseal(opened)
        assert "too_old" == refused.value.code

    def test_a_clock_ahead_is_tolerated_for_five_minutes(self, make_sealer: MakeSealer) -> None:
        """Another machine sealed it and its clock is ahead of ours."""
        ahead = make_sealer(clock=lambda: NOW + 300)
        assert NOW + 300 == make_sealer(clock=lambda: NOW).unseal(ahead.seal({"access_token": "t"})).sealed_at
        with pytest.raises(UnsealError, match="from 301 seconds in the future") as caught:
            make_sealer(clock=lambda: NOW - 1).unseal(ahead.seal({"access_token": "t"}))
        assert "from_future" == caught.value.code

    def test_a_lifetime_may_have_a_fraction(self, make_sealer: MakeSealer) -> None:
        """It is not cut off."""
        sealer = make_sealer(clock=lambda: NOW, absolute_lifetime=1.5)
        assert NOW - 1 == sealer.unseal(sealer.seal({"access_token": "t"}, started_at=NOW - 1)).started_at
        with pytest.raises(SealError, match=r"lifetime is 1\.5"):
            sealer.seal({"access_token": "t"}, started_at=NOW - 2)

    def test_ages_never_count_below_zero(self, make_sealer: MakeSealer) -> None:
        """A clock ahead does not shorten a life."""
        sealer = make_sealer(clock=lambda: NOW, absolute_lifetime=1)
        assert NOW + 300 == sealer.unseal(sealer.seal({"access_token": "t"}, started_at=NOW + 300)).started_at

    def test_nothing_is_sealed_that_would_not_open(self, make_sealer: MakeSealer) -> None:
        """A start in the future, or one too long ago."""
        sealer = make_sealer(clock=lambda: NOW, absolute_lifetime=60)
        for started_at, code in ((NOW + 301, "from_future"), (NOW - 60, "too_old"), (0, "too_old")):
            with pytest.raises(SealError) as caught:
                sealer.seal({"access_token": "t"}, started_at=started_at)
            assert code == caught.value.code

    def test_the_clock_is_looked_up_at_every_call(self, make_sealer: MakeSealer) -> None:
        """So that freezegun works for everybody's tests."""
        sealer = make_sealer(absolute_lifetime=60)
        with freeze_time("2026-01-01 12:00:00") as frozen:
            sealed = sealer.seal({"access_token": "t"})
            frozen.tick(59)
            sealer.unseal(sealed)
            frozen.tick(1)
            with pytest.raises(UnsealError, match="60 seconds ago"):
                sealer.unseal(sealed)

    @pytest.mark.parametrize(
        "now", [-1, 2**32, 1e300, pytest.param(10**5000, id="huge"), float("nan"), float("inf"), None, "5", True]
    )
    def test_a_broken_clock_is_an_error_of_its_own(self, make_sealer: MakeSealer, now: Any) -> None:
        """Before anything is sealed with it."""
        with pytest.raises(UsageError) as caught:
            make_sealer(clock=lambda: now).seal({"access_token": "t"})
        assert "bad_clock" == caught.value.code


class TestBinding:
    """A value opens where it was sealed for, and nowhere else."""

    @pytest.mark.parametrize("other", [{"name": "other"}, {"purpose": "login-state"}, {"context": b"tenant-2"}])
    def test_a_value_does_not_open_elsewhere(self, make_sealer: MakeSealer, other: dict[str, Any]) -> None:
        """Under another name, for another purpose, in another context."""
        sealed = make_sealer(context=b"tenant-1").seal({"access_token": "t"})
        with pytest.raises(UnsealError) as caught:
            make_sealer(**{"context": b"tenant-1", **other}).unseal(sealed)
        assert "tampered" == caught.value.code

    def test_another_password_is_another_key(self, typical: Session) -> None:
        """Told apart from tampering."""
        with pytest.raises(UnsealError, match="as a fallback") as caught:
            Sealer(KeyRing(OLD)).unseal(WIDE.seal(typical))
        assert "unknown_key" == caught.value.code
        with pytest.raises(UnsealError, match="any of the 2 passwords"):
            Sealer(KeyRing(OLD, [generate_password()])).unseal(WIDE.seal(typical))


class TestSize:
    """What does not fit is refused before a browser drops it without a word."""

    def test_at_the_limit_and_one_over(self, make_sealer: MakeSealer) -> None:
        """The characters of name, = and value."""
        sealed = make_sealer(name="n").seal({"access_token": "t" * 500})
        make_sealer(name="n", max_bytes=len("n=" + sealed)).seal({"access_token": "t" * 500})
        with pytest.raises(SealTooLarge, match="access_token") as caught:
            make_sealer(name="n", max_bytes=len("n=" + sealed) - 1).seal({"access_token": "t" * 500})
        assert ("too_large", -1, False) == (caught.value.code, caught.value.report.left, caught.value.report.fits)
        assert "Most of it is access_token" in str(caught.value)
        with pytest.raises(SealTooLarge, match=r"Most of it is access_token \(\d+\)"):
            make_sealer(max_bytes=50).seal(
                {"access_token": "t"}
            )  # less than name and overhead, which nobody can change
        with pytest.raises(SealTooLarge, match="user_fields"):
            make_sealer(max_bytes=500).seal({"access_token": "t", "user": {"bio": "".join(map(chr, range(200, 900)))}})

    def test_the_default_limit_is_what_every_browser_keeps(self, make_sealer: MakeSealer) -> None:
        """4093."""
        with pytest.raises(SealTooLarge) as caught:
            make_sealer().seal({"access_token": "é" * 2000})
        assert 4093 == caught.value.report.limit

    def test_never_more_than_a_reader_takes(self) -> None:
        """Whatever the caller's own limit is."""
        with pytest.raises(SealTooLarge, match="8192"):
            WIDE.seal({"access_token": "é" * 4000})

    def test_never_more_text_than_a_reader_inflates(self) -> None:
        """65,536 bytes open again; one more is refused, however small it would be compressed."""
        longest: dict[str, Any] = {"access_token": "t", "user": {"a": "x" * (65_536 - len('{"a":""}'))}}
        assert Session(**longest) == WIDE.unseal(WIDE.seal(longest)).session
        longest["user"]["a"] += "x"
        with pytest.raises(SealTooLarge, match="65537 bytes; a reader inflates at most 65536"):
            WIDE.seal(longest)

    def test_a_warning_is_logged_once_per_process(
        self, make_sealer: MakeSealer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Over the warning level; through logging, with the size and without a value."""
        monkeypatch.setattr(sealed_session.sealer, "_warned", False)
        sealer = make_sealer(warn_bytes=100)
        with caplog.at_level(logging.WARNING, "sealed_session"):
            make_sealer().seal({"access_token": "secret" * 20})
            assert [] == caplog.records
            sealer.seal({"access_token": "secret" * 20})
            sealer.seal({"access_token": "secret" * 20})
        assert 1 == len(caplog.records)
        assert "over the warning level of 100" in caplog.text
        assert "secret" not in caplog.text

    @pytest.mark.parametrize(("below", "warnings"), [(1, 1), (0, 1), (-1, 0)])
    def test_the_warning_begins_at_its_level(
        self,
        make_sealer: MakeSealer,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        below: int,
        warnings: int,
    ) -> None:
        """At the level itself, not one character later."""
        monkeypatch.setattr(sealed_session.sealer, "_warned", False)
        size = make_sealer().measure({"access_token": "t"}).cookie
        make_sealer(warn_bytes=size - below).seal({"access_token": "t"})
        assert warnings == len(caplog.records)


class TestUserSelection:
    """What is sealed of the user can be made smaller."""

    def test_only_the_named_fields_are_sealed(self, typical: Session, make_sealer: MakeSealer) -> None:
        """In the user's own order; missing ones are ignored."""
        sealer = make_sealer(user_fields=["email", "id", "nickname"])
        opened = sealer.unseal(sealer.seal(typical)).session
        assert typical.user is not None
        assert {"id": typical.user["id"], "email": typical.user["email"]} == opened.user
        assert ["id", "email"] == list(opened.user or {})
        assert typical.access_token == opened.access_token

    def test_a_trimmer_decides(self, typical: Session, make_sealer: MakeSealer) -> None:
        """It gets a copy of the user, down to the last list; None leaves the user out."""
        session = {"access_token": "t", "user": {"id": 1, "roles": ["a"]}}
        sealer = make_sealer(trimmer=lambda user: {"roles": user["roles"].pop()})
        assert {"roles": "a"} == sealer.unseal(sealer.seal(session)).session.user
        assert {"id": 1, "roles": ["a"]} == session["user"]
        sealer = make_sealer(trimmer=lambda user: {"id": user.pop("id")})
        assert {"id": (typical.user or {})["id"]} == sealer.unseal(sealer.seal(typical)).session.user
        assert "id" in (typical.user or {})
        sealer = make_sealer(trimmer=lambda _: None)
        assert None is sealer.unseal(sealer.seal(typical)).session.user

    def test_without_a_user_nothing_is_trimmed(self, make_sealer: MakeSealer) -> None:
        """The trimmer is not called."""
        sealer = make_sealer(trimmer=lambda _: pytest.fail("called"))
        assert Session("t") == sealer.unseal(sealer.seal(Session("t"))).session

    def test_a_trimmer_that_returns_something_else_is_told(self, typical: Session, make_sealer: MakeSealer) -> None:
        """By the type of what it returned."""
        with pytest.raises(PayloadTypeError, match="the trimmer returned list"):
            make_sealer(trimmer=lambda user: list(user)).seal(typical)

    def test_the_measure_is_of_what_is_sealed(self, typical: Session, make_sealer: MakeSealer) -> None:
        """After the selection."""
        sealer = make_sealer(user_fields=["id"])
        assert len(sealer.seal(typical)) == sealer.measure(typical).value


WRONG_OPTIONS: dict[str, tuple[dict[str, Any], type[UsageError], str]] = {
    "name empty": ({"name": ""}, UsageError, "bad_name"),
    "name with a space": ({"name": "a b"}, UsageError, "bad_name"),
    "name with a semicolon": ({"name": "x; Domain=evil"}, UsageError, "bad_name"),
    "name with a line break": ({"name": "x\n"}, UsageError, "bad_name"),
    "name not ascii": ({"name": "é"}, UsageError, "bad_name"),
    "name too long": ({"name": "n" * 256}, UsageError, "bad_name"),
    "name bytes": ({"name": b"n"}, UsageTypeError, "wrong_type"),
    "purpose unknown": ({"purpose": "sesion"}, UsageError, "bad_purpose"),
    "purpose unhashable": ({"purpose": []}, UsageError, "bad_purpose"),
    "context str": ({"context": "tenant"}, UsageTypeError, "wrong_type"),
    "context too long": ({"context": bytes(256)}, UsageError, "bad_context"),
    "lifetime zero": ({"absolute_lifetime": 0}, UsageError, "bad_duration"),
    "lifetime negative": ({"absolute_lifetime": timedelta(days=-1)}, UsageError, "bad_duration"),
    "lifetime nan": ({"absolute_lifetime": float("nan")}, UsageError, "bad_duration"),
    "lifetime infinite": ({"absolute_lifetime": float("inf")}, UsageError, "bad_duration"),
    "lifetime str": ({"absolute_lifetime": "3600"}, UsageTypeError, "wrong_type"),
    "lifetime bool": ({"absolute_lifetime": True}, UsageTypeError, "wrong_type"),
    "fields str": ({"user_fields": "id"}, UsageTypeError, "wrong_type"),
    "fields of int": ({"user_fields": [1]}, UsageTypeError, "wrong_type"),
    "fields int": ({"user_fields": 7}, UsageTypeError, "wrong_type"),
    "fields and trimmer": ({"user_fields": ["id"], "trimmer": dict}, UsageError, "two_trimmers"),
    "trimmer no function": ({"trimmer": "id"}, UsageTypeError, "wrong_type"),
    "max bytes str": ({"max_bytes": "4093"}, UsageTypeError, "wrong_type"),
    "max bytes negative": ({"max_bytes": -1}, UsageError, "bad_number"),
    "warn bytes bool": ({"warn_bytes": True}, UsageTypeError, "wrong_type"),
    "max bytes huge": ({"max_bytes": 10**5000}, UsageError, "bad_number"),
    "lifetime huge": ({"absolute_lifetime": 10**5000}, UsageError, "bad_duration"),
    "purpose huge": ({"purpose": 10**5000}, UsageError, "bad_purpose"),
    "compress str": ({"compress": "False"}, UsageTypeError, "wrong_type"),
    "clock no function": ({"clock": 5}, UsageTypeError, "wrong_type"),
}


@pytest.mark.parametrize(("options", "error", "code"), WRONG_OPTIONS.values(), ids=WRONG_OPTIONS)
def test_a_wrong_option_is_a_clear_error(
    make_sealer: MakeSealer, options: dict[str, Any], error: type[UsageError], code: str
) -> None:
    """When the sealer is built, not when somebody signs in."""
    with pytest.raises(error) as caught:
        make_sealer(**options)
    assert code == caught.value.code
    assert str(caught.value).startswith(tuple(options))


def test_a_ring_is_a_key_ring() -> None:
    """A password in its place is told so."""
    with pytest.raises(UsageTypeError, match="ring: expected a KeyRing, got str"):
        Sealer(PASSWORD)  # type: ignore[arg-type]


@pytest.mark.parametrize("session", [None, "t", [("access_token", "t")], b"t", 5])
def test_only_sessions_and_mappings_are_sealed(make_sealer: MakeSealer, session: Any) -> None:
    """By seal, measure and reseal alike."""
    sealer = make_sealer()
    for use in (sealer.seal, sealer.measure):
        with pytest.raises(UsageTypeError, match="expected a Session or a mapping"):
            use(session)


@pytest.mark.parametrize("started_at", ["now", 1.5, True])
def test_started_at_is_whole_seconds(make_sealer: MakeSealer, started_at: Any) -> None:
    """Nothing is rounded in silence."""
    with pytest.raises(UsageTypeError, match="started_at: expected an int"):
        make_sealer().seal({"access_token": "t"}, started_at=started_at)


@pytest.mark.parametrize("opened", [None, "x", {}, Session("t"), ("t", 1)])
def test_only_what_was_opened_is_sealed_anew(make_sealer: MakeSealer, opened: Any) -> None:
    """A session alone does not know when the person signed in."""
    with pytest.raises(UsageTypeError, match="opened: expected what unseal returned"):
        make_sealer().reseal(opened)


@pytest.mark.parametrize("attributes", [None, 5, b"Path=/", ["Path=/"]])
def test_attributes_are_text(make_sealer: MakeSealer, attributes: Any) -> None:
    """As they stand in the header."""
    with pytest.raises(UsageTypeError, match="attributes: expected a str"):
        make_sealer().measure({"access_token": "t"}, attributes=attributes)


def test_a_sealer_is_immutable(make_sealer: MakeSealer) -> None:
    """A setting that would be ignored in silence is an error."""
    sealer = make_sealer()
    for name in ("max_bytes", "name"):
        with pytest.raises(AttributeError):
            setattr(sealer, name, 10)


@pytest.mark.parametrize("started_at", [-1, 2**32, pytest.param(10**5000, id="huge")])
def test_started_at_is_in_range(make_sealer: MakeSealer, started_at: int) -> None:
    """The format has 32 bits for it."""
    with pytest.raises(UsageError, match="expected 0 to 4294967295"):
        make_sealer().seal({"access_token": "t"}, started_at=started_at)


@pytest.mark.parametrize("sealed", [None, b"AQ", 5, ["x"]])
def test_unsealing_what_is_no_str_is_a_type_error(make_sealer: MakeSealer, sealed: Any) -> None:
    """By both ways."""
    with pytest.raises(TypeError, match="sealed: expected a str"):
        make_sealer().unseal(sealed)
    with pytest.raises(TypeError, match="sealed: expected a str"):
        unseal(sealed, PASSWORD)


def test_a_subclass_of_str_opens(make_sealer: MakeSealer) -> None:
    """Frameworks hand out such."""

    class Text(str):
        __slots__ = ()

    sealer = make_sealer()
    assert "t" == sealer.unseal(Text(sealer.seal({"access_token": "t"}))).session.access_token


@pytest.mark.parametrize("name", ["", "a b", 5])
def test_a_wrong_former_name_is_a_usage_error(make_sealer: MakeSealer, name: Any) -> None:
    """It comes from the program, not from outside."""
    sealer = make_sealer()
    with pytest.raises(UsageError, match="name: "):
        sealer.unseal(sealer.seal({"access_token": "t"}), name=name)


def test_a_sealer_says_what_it_is_and_no_more(make_sealer: MakeSealer) -> None:
    """Its name is public."""
    assert "Sealer(KeyRing(<1 password, 0 fallbacks>), name='n', purpose='session')" == repr(make_sealer(name="n"))
    assert "n" == make_sealer(name="n").name


def test_threads_share_a_sealer(typical: Session) -> None:
    """Eight of them seal and open at once, and each gets its own."""
    failures: list[str] = []

    def work(number: int) -> None:
        for turn in range(200):
            token = f"{number}-{turn}"
            if WIDE.unseal(WIDE.seal(typical.replace(refresh_token=token))).session.refresh_token != token:
                failures.append(token)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failures
