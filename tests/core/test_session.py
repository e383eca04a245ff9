"""The session: a frozen value that checks what it is given and shows no token."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import secrets
from collections import UserDict
from typing import Any

import pytest

from sealed_session import PayloadTypeError, Session, UsageError, UsageTypeError, encoding

SIGNATURE = encoding.encode(bytes(32))


def jwt(claims: bytes) -> str:
    """An access token with these claims."""
    return f"{encoding.encode(b'{}')}.{encoding.encode(claims)}.{SIGNATURE}"


def test_it_holds_what_it_was_given() -> None:
    """By position as far as the first five, by name the rest; absent values are None."""
    session = Session("a", "r", {"id": 1}, {"email": "e"}, {"x": []})
    assert ("a", "r", {"id": 1}, {"email": "e"}, {"x": []}) == (
        session.access_token,
        session.refresh_token,
        session.user,
        session.impersonator,
        session.extra,
    )
    bare = Session("a")
    assert (None, None, None, None, None, None, None, None, None, None, False) == (
        bare.refresh_token,
        bare.user,
        bare.impersonator,
        bare.extra,
        bare.tokens,
        bare.session_id,
        bare.session_expires_at,
        bare.access_expires_at,
        bare.authenticated_at,
        bare.subject,
        bare.unverified,
    )


def test_it_is_frozen() -> None:
    """No attribute can be set and no other one added."""
    session = Session("a")
    for name in ("access_token", "user", "anything"):
        with pytest.raises(AttributeError):
            setattr(session, name, "b")


def test_equality_is_by_value() -> None:
    """Absent and empty differ; another type is not equal."""
    assert Session("a", user={"id": 1}) == Session("a", user={"id": 1})
    assert Session("a") != Session("a", user={})
    assert Session("a", unverified=True) != Session("a")
    assert Session("a") != "a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Session("a"))


def test_a_mapping_and_back() -> None:
    """``to_mapping`` has just what was given, ``from_mapping`` takes it."""
    values = {"access_token": "a", "refresh_token": "r", "user": {}, "tokens": {"id_token": "i"}, "unverified": True}
    assert values == Session.from_mapping(values).to_mapping()
    assert {"access_token": "a"} == Session("a", unverified=False).to_mapping()
    assert Session("a") == Session.from_mapping({"access_token": "a", "user": None})


def test_replace_returns_another_session() -> None:
    """None removes a value; the first session stays as it was."""
    session = Session("a", "r", {"id": 1}, access_expires_at=5)
    changed = session.replace(access_token="b", refresh_token=None)
    assert Session("b", user={"id": 1}, access_expires_at=5) == changed
    assert "a" == session.access_token
    assert Session("a") == Session("a", unverified=True).replace(unverified=None)
    with pytest.raises(UsageTypeError, match="access_token"):
        session.replace(access_token=None)


@pytest.mark.parametrize("values", [None, 5, "access_token", ["access_token"]])
def test_only_a_mapping_is_a_mapping(values: Any) -> None:
    """Named, with the type that came."""
    with pytest.raises(UsageTypeError, match="session: expected a mapping"):
        Session.from_mapping(values)


def test_a_mapping_is_read_once() -> None:
    """What was judged is what is used, whatever a lazy mapping says the second time."""

    class Lazy(UserDict[str, Any]):
        def keys(self) -> Any:
            return ["refresh"]

    assert Session("a") == Session.from_mapping(Lazy(access_token="a"))


def test_claims_come_from_the_access_token() -> None:
    """Decoded once, not verified; an opaque token has none."""
    session = Session(jwt(b'{"sub":"user_1","exp":1790000300.9,"sid":"session_1"}'))
    assert {"sub": "user_1", "exp": 1790000300.9, "sid": "session_1"} == session.claims
    assert session.claims is session.claims
    assert 1_790_000_300 == session.access_expires_at
    assert "session_1" == session.session_id


@pytest.mark.parametrize("token", ["opaque", "a.b", "a.b.c", "..", jwt(b"[]"), jwt(b"{"), jwt(b'{"a":NaN}'), "é.é.é"])
def test_a_token_without_claims_has_empty_ones(token: str) -> None:
    """Nothing is raised for a token that is no JWT."""
    assert {} == Session(token).claims


def test_the_tokens_own_word_comes_first() -> None:
    """``sid`` and ``exp`` of the token, or else what the session was given."""
    own = secrets.token_urlsafe(16)
    token = jwt(b'{"sid":"theirs","exp":10}')
    assert "theirs" == Session(token, session_id=own).session_id
    assert own == Session("opaque", session_id=own).session_id
    assert 10 == Session(token, access_expires_at=20).access_expires_at
    assert 20 == Session("opaque", access_expires_at=20).access_expires_at


def test_what_an_id_token_said_comes_first() -> None:
    """It is about the sign-in, and was verified for us; an access token is for somebody else's eyes."""
    token = jwt(b'{"sub":"pairwise","auth_time":10}')
    told = Session(token, authenticated_at=20, subject="user_1")
    assert (20, "user_1") == (told.authenticated_at, told.subject)
    assert (10, "pairwise") == (Session(token).authenticated_at, Session(token).subject)
    assert (0, None) == (Session("opaque", authenticated_at=0).authenticated_at, Session("opaque").subject)


def test_by_what_it_is_known() -> None:
    """Whatever the provider may call it by, each once."""
    token = jwt(b'{"sub":"user_1","sid":"session_1"}')
    assert (("session_1",), ("user_1",)) == (Session(token).session_ids, Session(token, subject="user_1").subjects)
    both = Session(token, session_id="AAAA", subject="user_2")
    assert (("session_1", "AAAA"), ("user_2", "user_1")) == (both.session_ids, both.subjects)
    assert ((), ()) == (Session("opaque").session_ids, Session("opaque").subjects)


@pytest.mark.parametrize("claim", [b"-1", b"1.5", b"true", b'"10"', b"null", b"1790000000000"])
def test_a_time_that_is_none_says_nothing(claim: bytes) -> None:
    """Milliseconds neither: nobody has proved anything in the year 58,000."""
    assert None is Session(jwt(b'{"auth_time":' + claim + b"}")).authenticated_at


@pytest.mark.parametrize("claim", [b'""', b"7", b"null", b"[]"])
def test_a_subject_that_is_none_names_nobody(claim: bytes) -> None:
    """Only text is a name."""
    assert None is Session(jwt(b'{"sub":' + claim + b"}")).subject


@pytest.mark.parametrize("claims", [b'{"sid":7,"exp":"soon"}', b'{"sid":"","exp":true}', b'{"sid":null,"exp":null}'])
def test_claims_of_the_wrong_type_count_as_absent(claims: bytes) -> None:
    """A provider's oddity never becomes a session id or a time."""
    session = Session(jwt(claims), session_id="AAAA", access_expires_at=20)
    assert ("AAAA", 20) == (session.session_id, session.access_expires_at)


def test_its_repr_shows_no_value() -> None:
    """Only lengths, so that a log or a traceback tells nothing."""
    session = Session("access-secret", "refresh-secret", {"email": "ada@example.com"}, tokens={"id_token": "id-secret"})
    expected = (
        "Session(access_token=<13 characters>, refresh_token=<14 characters>, user=<1 entries>, tokens=<1 entries>)"
    )
    assert expected == repr(session) == str(session)
    assert "Session(access_token=<1 characters>, access_expires_at=5)" == repr(Session("a", access_expires_at=5))


@pytest.mark.parametrize(
    "carry_away",
    [copy.copy, copy.deepcopy, pickle.dumps, lambda session: pickle.dumps({"x": session}, 0)],
)
def test_it_refuses_pickle_and_copy(carry_away: Any) -> None:
    """Tokens do not travel into caches and brokers by accident; the error says what to do."""
    with pytest.raises(UsageTypeError, match="Seal the session") as caught:
        carry_away(Session("access-secret"))
    assert "not_serialisable" == caught.value.code
    assert "access-secret" not in str(caught.value)


def test_it_is_no_dataclass() -> None:
    """``asdict`` finds nothing to lay bare."""
    with pytest.raises(TypeError):
        dataclasses.asdict(Session("a"))  # type: ignore[call-overload]


WRONG: dict[str, tuple[dict[Any, Any], type[Exception], str, str]] = {
    "no access token": ({}, UsageError, "missing_value", "access_token: missing"),
    "access token None": ({"access_token": None}, UsageTypeError, "wrong_type", "access_token: expected a str"),
    "access token bytes": ({"access_token": b"a"}, UsageTypeError, "wrong_type", "got bytes"),
    "access token empty": ({"access_token": ""}, UsageError, "empty_token", "access_token: is empty"),
    "access token surrogate": ({"access_token": "\ud800"}, PayloadTypeError, "payload_type", "access_token: "),
    "refresh token empty": ({"refresh_token": ""}, UsageError, "empty_token", "refresh_token: is empty"),
    "refresh token int": ({"refresh_token": 5}, UsageTypeError, "wrong_type", "refresh_token: expected a str"),
    "user list": ({"user": []}, PayloadTypeError, "payload_type", "user: expected a dict or None, got list"),
    "impersonator str": ({"impersonator": "x"}, PayloadTypeError, "payload_type", "impersonator: "),
    "extra int": ({"extra": 1}, PayloadTypeError, "payload_type", "extra: "),
    "time float": ({"access_expires_at": 1.5}, UsageTypeError, "wrong_type", "whole Unix seconds"),
    "time bool": ({"access_expires_at": True}, UsageTypeError, "wrong_type", "whole Unix seconds"),
    "time negative": ({"session_expires_at": -1}, UsageError, "bad_time", "not a time"),
    "time milliseconds": ({"session_expires_at": 1_790_000_000_000}, UsageError, "bad_time", "Divide milliseconds"),
    "time huge": ({"access_expires_at": 10**5000}, UsageError, "bad_time", "more than 640 digits"),
    "time hugely negative": ({"session_expires_at": -(10**5000)}, UsageError, "bad_time", "more than 640 digits"),
    "name huge": ({10**5000: "x"}, UsageError, "unknown_value", "more than 640 digits"),
    "session id bytes": ({"session_id": b"a"}, UsageTypeError, "wrong_type", "session_id: expected a str"),
    "session id empty": ({"session_id": ""}, UsageError, "bad_session_id", "token_urlsafe"),
    "session id not base64url": ({"session_id": "é"}, UsageError, "bad_session_id", "base64url"),
    "session id too long": ({"session_id": "A" * 88}, UsageError, "bad_session_id", "1 to 64 bytes"),
    "tokens list": ({"tokens": []}, UsageTypeError, "wrong_type", "tokens: expected a dict"),
    "tokens nameless": ({"tokens": {"": "x"}}, UsageError, "empty_token", "a name in tokens: is empty"),
    "tokens int name": ({"tokens": {1: "x"}}, UsageTypeError, "wrong_type", "a name in tokens"),
    "tokens empty": ({"tokens": {"id_token": ""}}, UsageError, "empty_token", "tokens.id_token: is empty"),
    "proof float": ({"authenticated_at": 1.5}, UsageTypeError, "wrong_type", "authenticated_at: expected whole Unix"),
    "proof milliseconds": ({"authenticated_at": 10**12}, UsageError, "bad_time", "Divide milliseconds"),
    "subject int": ({"subject": 5}, UsageTypeError, "wrong_type", "subject: expected a str"),
    "subject empty": ({"subject": ""}, UsageError, "empty_token", "subject: is empty"),
    "subject surrogate": ({"subject": "\ud800"}, PayloadTypeError, "payload_type", "subject: "),
    "unverified int": ({"unverified": 1}, UsageTypeError, "wrong_type", "unverified: expected a bool"),
    "unknown name": ({"refresh": "r"}, UsageError, "unknown_value", "Did you mean 'refresh_token'?"),
    "unknown far name": ({"organisation": "o"}, UsageError, "unknown_value", "Put it into extra"),
    "name that is no str": ({7: "o"}, UsageError, "unknown_value", "no value named '7'"),
}


@pytest.mark.parametrize(("values", "error", "code", "hint"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_a_clear_error_at_the_call(
    values: dict[Any, Any], error: type[Exception], code: str, hint: str
) -> None:
    """Named, with a code, and never later than here."""
    given = values if not values or "access_token" in values else {"access_token": "a", **values}
    with pytest.raises(error) as caught:
        Session.from_mapping(given)
    assert code == caught.value.code  # type: ignore[attr-defined]
    assert hint in str(caught.value)


def test_a_non_ascii_token_is_fine() -> None:
    """Any Unicode text is a token."""
    assert "tökén 日本 😀" == Session("tökén 日本 😀").access_token
