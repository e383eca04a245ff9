"""A signed-in person's session: two tokens, the user, and what an application adds. A frozen value.

Not the web session of a framework: it knows no cookie and no request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, cast

from . import encoding, exact_json
from .arguments import wrong_type
from .errors import PayloadTypeError, UsageError
from .exact_json import JsonObject
from .keys import refuse_to_serialise
from .packing import MAX_SESSION_ID, MAX_TIME, SessionValues


class Session:
    """What one cookie holds. Two sessions are equal when they were given equal values.

    Frozen, with the ordinary caveat that the dicts inside are the caller's own. Safe to share between threads.
    Refuses pickle and copy, which would carry tokens into caches and message brokers: seal it instead.
    """

    __slots__ = ("_claims", "_values")

    _values: SessionValues
    _claims: JsonObject | None

    def __init__(
        self,
        access_token: str,
        refresh_token: str | None = None,
        user: JsonObject | None = None,
        impersonator: JsonObject | None = None,
        extra: JsonObject | None = None,
        *,
        access_expires_at: int | None = None,
        session_id: str | None = None,
        session_expires_at: int | None = None,
        tokens: dict[str, str] | None = None,
        unverified: bool = False,
        authenticated_at: int | None = None,
        subject: str | None = None,
    ) -> None:
        """Check and hold the values. None means absent.

        Args:
            access_token: A JWT or an opaque token.
            refresh_token: Where there is one.
            user: The user, plain JSON.
            impersonator: Who acts as the user, plain JSON.
            extra: What the application adds, plain JSON. Never compressed, so that secrets may stand here.
            access_expires_at: When the access token ends, Unix seconds; for a token that does not say so itself.
            session_id: The application's own id of the session, for a token without ``sid``: base64url text of at
                most 64 bytes, for example ``secrets.token_urlsafe(16)``.
            session_expires_at: When the provider ends the session, Unix seconds.
            tokens: Further tokens by name, for example ``{"id_token": "eyJ..."}``.
            unverified: The signature of the access token is still to be checked.
            authenticated_at: When the person proved who they are, by the provider's clock, Unix seconds: ``auth_time``
                of a verified ID token.
            subject: By what the provider knows the person, where the access token does not say so, or says otherwise:
                ``sub`` of a verified ID token. By it the provider's back channel finds the session.

        Raises:
            UsageTypeError: A value of the wrong type.
            UsageError: A value out of its range.
            PayloadTypeError: ``user``, ``impersonator`` or ``extra`` is not a dict, or a token is not Unicode text.
                What is inside the dicts is checked when the session is sealed.
        """
        _check_token("access_token", access_token)
        if refresh_token is not None:
            _check_token("refresh_token", refresh_token)
        for name, value in (("user", user), ("impersonator", impersonator), ("extra", extra)):
            if value is not None and type(value) is not dict:
                raise PayloadTypeError(f"expected a dict or None, got {type(value).__name__}.", path=name)
        _check_time("access_expires_at", access_expires_at)
        _check_time("session_expires_at", session_expires_at)
        _check_time("authenticated_at", authenticated_at)
        if subject is not None:
            _check_token("subject", subject)  # Unicode text, and not empty
        if session_id is not None:
            _check_session_id(session_id)
        if tokens is not None:
            _check_tokens(tokens)
        if type(unverified) is not bool:
            raise wrong_type("unverified", "a bool", unverified)
        given = {
            "access_token": access_token,
            "refresh_token": refresh_token,
            "user": user,
            "impersonator": impersonator,
            "extra": extra,
            "access_expires_at": access_expires_at,
            "session_id": session_id,
            "session_expires_at": session_expires_at,
            "tokens": tokens,
            "unverified": unverified or None,
            "authenticated_at": authenticated_at,
            "subject": subject,
        }
        self._values = cast(SessionValues, {name: value for name, value in given.items() if value is not None})
        self._claims = None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Session:
        """Build a session from a mapping of the constructor's names.

        Raises:
            UsageError: An unknown name (``unknown_value``), or ``access_token`` is missing (``missing_value``).
            UsageTypeError, PayloadTypeError: As the constructor.
        """
        if not isinstance(values, Mapping):
            raise wrong_type("session", "a mapping", values)
        values = {name: values[name] for name in values}  # judged and used as one and the same
        for name in values:
            if name not in SessionValues.__annotations__:
                raise _unknown_value(exact_json.printable(name))
        if "access_token" not in values:
            raise UsageError("access_token: missing; a session has at least an access token.", code="missing_value")
        return cls(**values)

    @classmethod
    def _unpacked(cls, values: SessionValues) -> Session:
        """Adopt values that ``packing.parse`` has checked already."""
        session = object.__new__(cls)
        session._values = values
        session._claims = None
        return session

    def to_mapping(self) -> SessionValues:
        """Return the values that were given, by the constructor's names: what ``from_mapping`` takes."""
        return self._values.copy()

    def replace(self, **changes: Any) -> Session:
        """Return a session with other values; None removes one.

        Raises:
            UsageError, UsageTypeError, PayloadTypeError: As ``from_mapping``.
        """
        removed = {name for name, value in changes.items() if value is None and name != "access_token"}
        values = {**self._values, **changes}
        return Session.from_mapping({name: value for name, value in values.items() if name not in removed})

    @property
    def access_token(self) -> str:
        """The access token."""
        return self._values["access_token"]

    @property
    def refresh_token(self) -> str | None:
        """The refresh token."""
        return self._values.get("refresh_token")

    @property
    def user(self) -> JsonObject | None:
        """The user."""
        return self._values.get("user")

    @property
    def impersonator(self) -> JsonObject | None:
        """Who acts as the user."""
        return self._values.get("impersonator")

    @property
    def extra(self) -> JsonObject | None:
        """What the application added."""
        return self._values.get("extra")

    @property
    def tokens(self) -> dict[str, str] | None:
        """Further tokens by name."""
        return self._values.get("tokens")

    @property
    def unverified(self) -> bool:
        """The signature of the access token is still to be checked."""
        return self._values.get("unverified", False)

    @property
    def session_expires_at(self) -> int | None:
        """When the provider ends the session, Unix seconds."""
        return self._values.get("session_expires_at")

    @property
    def authenticated_at(self) -> int | None:
        """When the person proved who they are, by the provider's clock, Unix seconds; None where nobody says so.

        What the constructor was told, or else the claim ``auth_time`` (RFC 9068, section 2.2.1).
        """
        told = self._values.get("authenticated_at")
        return told if told is not None else _time_in(self.claims, "auth_time")

    @property
    def session_id(self) -> str | None:
        """The claim ``sid``; where the token has none, the application's own id of the session."""
        return _text_in(self.claims, "sid") or self._values.get("session_id")

    @property
    def session_ids(self) -> tuple[str, ...]:
        """By what the session is known: the claim ``sid`` and the id that it was given, where they differ both."""
        return _each_once(_text_in(self.claims, "sid"), self._values.get("session_id"))

    @property
    def subject(self) -> str | None:
        """By what the provider knows the person: what the constructor was told, or else the claim ``sub``."""
        return self._values.get("subject") or _text_in(self.claims, "sub")

    @property
    def subjects(self) -> tuple[str, ...]:
        """The same, and the claim ``sub`` where that is another: some providers have a pairwise one for each API."""
        return _each_once(self._values.get("subject"), _text_in(self.claims, "sub"))

    @property
    def access_expires_at(self) -> int | None:
        """When the access token ends, Unix seconds: its claim ``exp``, or else what the constructor was told."""
        exp = self.claims.get("exp")
        if type(exp) is int or type(exp) is float:
            return int(exp)
        return self._values.get("access_expires_at")

    @property
    def claims(self) -> JsonObject:
        """The claims of the access token, decoded and not verified. Empty when the token is opaque.

        Source: RFC 7519, section 3.
        """
        if self._claims is None:
            self._claims = _decode_claims(self.access_token)
        return self._claims

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Session) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # the dicts inside have no hash either

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_redact(value)}" for name, value in self._values.items())
        return f"Session({shown})"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        refuse_to_serialise(self)


def _redact(value: object) -> str:
    if isinstance(value, str):
        return f"<{len(value)} characters>"
    if isinstance(value, dict):
        return f"<{len(value)} entries>"
    return repr(value)


def _text_in(claims: JsonObject, name: str) -> str | None:
    found = claims.get(name)
    return found if type(found) is str and found else None


def _time_in(claims: JsonObject, name: str) -> int | None:
    found = claims.get(name)
    return found if type(found) is int and 0 <= found <= MAX_TIME else None


def _each_once(*found: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in found if text is not None))


def _decode_claims(token: str) -> JsonObject:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        return exact_json.loads(encoding.decode(parts[1]))
    except ValueError:
        return {}


def _check_token(name: str, token: Any) -> None:
    if type(token) is not str:
        raise wrong_type(name, "a str", token)
    if not token:
        raise UsageError(f"{name}: is empty. Leave it out where there is none.", code="empty_token")
    if not token.isascii() and any("\ud800" <= character <= "\udfff" for character in token):
        raise PayloadTypeError("holds a lone surrogate, which is not Unicode text.", path=name)


def _check_tokens(tokens: Any) -> None:
    if type(tokens) is not dict:
        raise wrong_type("tokens", "a dict of names to tokens", tokens)
    for name, token in tokens.items():
        _check_token("a name in tokens", name)
        _check_token(f"tokens.{exact_json.printable(name)}", token)


def _check_time(name: str, value: Any) -> None:
    if value is None:
        return
    if type(value) is not int:
        raise wrong_type(name, "whole Unix seconds (int)", value)
    if not 0 <= value <= MAX_TIME:
        hint = " Divide milliseconds by 1000." if value > MAX_TIME else ""
        shown = exact_json.printable(value)
        raise UsageError(f"{name}: {shown} is not a time in Unix seconds up to the year 9999.{hint}", code="bad_time")


def _check_session_id(value: Any) -> None:
    if type(value) is not str:
        raise wrong_type("session_id", "a str", value)
    try:
        length = len(encoding.decode(value))
    except ValueError:
        length = 0
    if not 1 <= length <= MAX_SESSION_ID:
        raise UsageError(
            f"session_id: expected canonical base64url text of 1 to {MAX_SESSION_ID} bytes. "
            "Make one with secrets.token_urlsafe(16).",
            code="bad_session_id",
        )


def _unknown_value(name: str) -> UsageError:
    from difflib import get_close_matches  # only a mistake pays for it

    names = list(SessionValues.__annotations__)
    near = get_close_matches(name, names, 1)
    hint = f"Did you mean {near[0]!r}?" if near else "Put it into extra, or into user."
    return UsageError(
        f"a session has no value named {name!r}; it has {', '.join(names)}. {hint}",
        code="unknown_value",
    )
