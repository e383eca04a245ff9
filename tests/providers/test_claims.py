"""How tokens from outside become sessions: whatever a token says, and whatever it does not."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import Session, UsageError, UsageTypeError, encoding
from sealed_session.packing import MAX_TIME
from sealed_session.providers import Claims
from sealed_session.providers.claims import ABSENT, DEFAULT, at, text_at, unix_seconds

DATES = st.tuples(st.integers(0, 9999), *[st.integers(0, most) for most in (13, 32, 25, 60, 61, 24)]).map(
    lambda n: "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}-{:02}:00".format(*n)
)
NESTED = "https://vendor.example/session"
VENDOR = Claims(
    user={"id": "sub", "email": ("profile", "email")},
    session_id=(NESTED, "id"),
    started=((NESTED, "started_at"), "auth_time", "iat"),
    session_expires_at=(NESTED, "expires_at"),
)
ENDS, BEGAN = 1_800_003_600, 1_800_000_000


def token(**claims: Any) -> str:
    """A token that says this."""
    parts = ({"alg": "RS256"}, claims, "signature of test data")
    return ".".join(encoding.encode(json.dumps(part).encode()) for part in parts)


def described(**facts: Any) -> str:
    """A token of the vendor's."""
    return token(**{"sub": "user_1", "iat": BEGAN + 300, "exp": BEGAN + 600, NESTED: facts})


class TestSession:
    """From tokens."""

    def test_the_user(self) -> None:
        """By the usual claims."""
        session = DEFAULT.session(token(sub="user_1", email="ada@example.com", name="Ada", exp=ENDS))
        assert {"id": "user_1", "email": "ada@example.com", "name": "Ada"} == session.user
        assert (ENDS, None, None) == (session.access_expires_at, session.refresh_token, session.session_id)

    def test_what_lies_deeper(self) -> None:
        """Names are no paths by themselves: an address is a name."""
        session = VENDOR.session(token(sub="user_1", profile={"email": "ada@example.com"}), "refresh")
        assert ({"id": "user_1", "email": "ada@example.com"}, "refresh") == (session.user, session.refresh_token)

    @pytest.mark.parametrize("odd", [None, 7, True, "", [], ["user_1"], {"a": "b"}, "\ud800"])
    def test_odd_claims_are_left_out(self, odd: Any) -> None:
        """Who verified the token does not refuse it for them."""
        session = VENDOR.session(token(sub=odd, profile=odd, iat=odd, **{NESTED: odd}))
        assert (None, None, None) == (session.user, session.session_id, session.session_expires_at)
        expected = 7 if odd == 7 and type(odd) is int else None
        assert expected == VENDOR.started_at(session)

    def test_an_opaque_token(self) -> None:
        """Says nothing."""
        assert Session("opaque") == VENDOR.session("opaque")
        assert None is VENDOR.started_at(Session("opaque"))

    @pytest.mark.parametrize("empty", [None, "", "\ud800"])
    def test_a_refresh_token_that_is_none(self, empty: str | None) -> None:
        """As a cookie may have it."""
        assert None is DEFAULT.session(token(sub="user_1"), empty).refresh_token

    @pytest.mark.parametrize("missing", [None, ""])
    def test_only_a_refresh_token(self, missing: str | None) -> None:
        """It is renewed before anybody is signed in: its access token is none, and ended long ago."""
        session = DEFAULT.session(missing, "refresh")
        assert Session(ABSENT, "refresh", access_expires_at=0) == session
        assert ({}, None, 0) == (session.claims, session.user, session.access_expires_at)

    def test_a_refresh_token_that_is_a_web_token(self) -> None:
        """Somebody made it up, and none of its claims is believed."""
        forged = token(sub="admin", exp=ENDS, sid="session_1")
        session = VENDOR.session(None, forged)
        assert ({}, None, 0) == (session.claims, session.session_id, session.access_expires_at)
        assert None is VENDOR.started_at(session)

    def test_neither(self) -> None:
        """Is no session."""
        with pytest.raises(UsageError) as caught:
            DEFAULT.session(None)
        assert "empty_token" == caught.value.code


class TestSessionId:
    """By which a session is found when it was revoked."""

    def test_it_is_made_of_the_vendors(self) -> None:
        """The same every time, another one for another, and nothing of the vendor's in it."""
        (one, same, other) = (
            VENDOR.session(described(id=name)).session_id for name in ("session-1", "session-1", "session-2")
        )
        assert (one, 22) == (same, len(one or ""))
        assert one != other

    def test_a_sid_is_one(self) -> None:
        """And stays as it is."""
        assert "session_1" == VENDOR.session(token(sid="session_1", **{NESTED: {"id": "other"}})).session_id

    @given(st.text(min_size=1))
    def test_whatever_a_vendor_writes(self, name: str) -> None:
        """A session takes it."""
        assert 22 == len(VENDOR.session(described(id=name)).session_id or "")


class TestTimes:
    """When somebody signed in, and when the session ends."""

    def test_the_first_that_is_there(self) -> None:
        """In order, and of those that are times."""
        assert BEGAN == VENDOR.started_at(VENDOR.session(described(started_at="2027-01-15T08:00:00Z")))
        assert BEGAN + 300 == VENDOR.started_at(VENDOR.session(described(started_at="yesterday")))
        assert BEGAN + 100 == DEFAULT.started_at(Session(token(auth_time=BEGAN + 100, iat=BEGAN + 300)))

    def test_the_sessions_end(self) -> None:
        """Which is not the token's."""
        session = VENDOR.session(described(expires_at="2027-01-15T09:00:00Z"))
        assert (ENDS, BEGAN + 600) == (session.session_expires_at, session.access_expires_at)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            (0, 0),
            (BEGAN, BEGAN),
            (BEGAN + 0.9, BEGAN),
            (MAX_TIME, MAX_TIME),
            ("2027-01-15T08:00:00Z", BEGAN),
            ("2027-01-15t08:00:00.987654321z", BEGAN),
            ("2027-01-15 10:00:00+02:00", BEGAN),
            ("2027-01-15T07:30:00-00:30", BEGAN),
            ("9999-12-31T23:59:59Z", MAX_TIME),
        ],
    )
    def test_times(self, value: Any, seconds: int) -> None:
        """In whole seconds."""
        assert seconds == unix_seconds(value)

    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            -1,
            -0.5,
            MAX_TIME + 1,
            10**400,
            float("nan"),
            float("inf"),
            "",
            "1800000000",
            "2027-01-15",
            "2027-01-15T08:00:00",
            "2027-02-30T08:00:00Z",
            "2027-01-15T08:00:60Z",
            "2027-01-15T08:00:00+99:00",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59-00:01",
            "２０２７-01-15T08:00:00Z",
            ["2027-01-15T08:00:00Z"],
        ],
    )
    def test_what_is_no_time(self, value: Any) -> None:
        """Without an offset it would be nobody's."""
        assert None is unix_seconds(value)

    @given(st.one_of(st.text(), st.integers(), st.floats(), DATES))
    def test_whatever_comes(self, value: Any) -> None:
        """Is a time within the bounds, or none."""
        seconds = unix_seconds(value)
        assert seconds is None or 0 <= seconds <= MAX_TIME


class TestComplete:
    """What a token says of what a session does not say."""

    def test_after_a_renewal(self) -> None:
        """A session that had no access token gets what it would have had."""
        renewed = Session(described(id="session-1", expires_at="2027-01-15T09:00:00Z"), "refresh")
        complete = VENDOR.complete(renewed)
        assert ({"id": "user_1"}, ENDS) == (complete.user, complete.session_expires_at)
        assert complete.session_id == VENDOR.session(renewed.access_token).session_id

    def test_what_is_there_stays(self) -> None:
        """Also where the token says otherwise."""
        there = Session(
            described(id="session-1", expires_at="2027-01-15T09:00:00Z"),
            user={"id": "user_1", "email": "ada@example.com"},
            session_id="b3du",
            session_expires_at=BEGAN,
        )
        assert there is VENDOR.complete(there)


def test_they_do_not_change() -> None:
    """A provider's are everybody's."""
    with pytest.raises(FrozenInstanceError):
        DEFAULT.session_id = "jti"  # type: ignore[misc]


class TestPaths:
    """Where a value stands."""

    def test_the_way_down(self) -> None:
        """Ends where there is nothing, or no object."""
        values = {"a": {"b": {"c": "it"}}, "a.b": "other"}
        assert ("it", "other", None, None) == (
            at(values, ("a", "b", "c")),
            at(values, "a.b"),
            at(values, ("a", "x", "c")),
            at(values, ("a", "b", "c", "d")),
        )
        assert ("it", None) == (text_at(values, ("a", "b", "c")), text_at(values, ("a", "b")))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"user": "sub"},
            {"user": {7: "sub"}},
            {"user": {"id": 7}},
            {"user": {"id": ()}},
            {"user": {"id": ""}},
            {"user": {"id": ["sub"]}},
            {"session_id": ("a", 7)},
            {"session_expires_at": ""},
            {"started": "iat"},
            {"started": (None,)},
        ],
    )
    def test_what_is_none(self, wrong: dict[str, Any]) -> None:
        """Is told when the application starts."""
        with pytest.raises(UsageTypeError):
            Claims(**wrong)
