"""What is sent to a token endpoint, and what its answers mean. Shared by all who speak OAuth 2.0.

Source: RFC 6749, sections 4.1.3, 5.1, 5.2 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..arguments import wrong_type
from ..errors import ProviderUnavailable, RefreshDenied, SignInFailed, StepUpRequired, UsageError
from ..exact_json import JsonObject, printable
from ..packing import MAX_TIME
from ..session import Session
from .complaint import Complaint
from .http import Answer

RESERVED = frozenset(
    {"grant_type", "refresh_token", "client_id", "client_secret", "client_assertion", "client_assertion_type"}
)
"""Fields that say who asks and for what: never an argument of ``refresh``."""

NOT_LOOKED_AT = frozenset({"invalid_request", "unsupported_grant_type", "invalid_scope"})
"""Error codes of a request that is refused for what stands in it. Of any other code it is not known whether the token
was used up before: some providers do so, and find only then that a ``resource`` was not granted."""

_LONGEST_LIFE = 0xFFFF_FFFF

_CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
"""What an error code looks like, that is logged: ``invalid_target``, and nothing that could be somebody's."""


@dataclass(frozen=True, slots=True)
class Codes:
    """What the error codes of a token endpoint mean. A code that is nowhere here is no usable answer.

    Attributes:
        denied: The refresh token is dead.
        step_up: The person has to do something first.
        refused: Our own credentials are wrong; the refresh token was not even looked at.
        denied_statuses: By which a JSON answer says the same as by ``denied``, whatever its code.
        named: The members of an answer that may hold a code.
        access_token: The member of a successful answer that holds the access token.
    """

    denied: frozenset[str] = frozenset()
    step_up: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset({"invalid_client", "unauthorized_client"})
    denied_statuses: frozenset[int] = frozenset()
    named: tuple[str, ...] = ("error", "code")
    access_token: str = "access_token"  # noqa: S105 - a name


def fields_of(
    arguments: Mapping[str, Any], reserved: frozenset[str] = RESERVED, *, owner: str = "refresh"
) -> list[tuple[str, str]]:
    """Return the arguments of a call as fields of the request. None leaves one out, a list repeats it.

    Args:
        arguments: By name.
        reserved: Names that are the provider's own business.
        owner: Whose arguments they are, for messages.

    Raises:
        UsageError: A name that is reserved (``reserved_argument``).
        UsageTypeError: Neither a str, nor a list of them, nor None.

    Source: RFC 8707, section 2, for the repeated field ``resource``.
    """
    fields: list[tuple[str, str]] = []
    for name, value in arguments.items():
        if name in reserved:
            raise UsageError(
                f"{owner}: {printable(name)} is no argument; the provider fills it in itself.",
                fix="Pass what you want beside that, for example scope='read'.",
                code="reserved_argument",
            )
        for one in value if type(value) is list else [] if value is None else [value]:
            if type(one) is not str:
                raise wrong_type(f"{owner}, {printable(name)}", "a str, a list of them, or None", one)
            fields.append((name, one))
    return fields


def judge(answer: Answer, codes: Codes, complaint: Complaint) -> JsonObject:
    """Return a successful answer, which has an access token; raise what any other means.

    The code counts before the status: some answer ``invalid_grant`` with 401 or 403.

    Raises:
        RefreshDenied, StepUpRequired: By the code, in an answer of the client errors (4xx).
        ProviderUnavailable: Anything else. ``sent`` is False where the answer says that the token was not looked at:
            ``NOT_LOOKED_AT``, 401, 403, 429. Credentials that are refused are logged as an error.
    """
    body = answer.json()
    if 200 <= answer.status < 300:
        if body is not None and text_in(body, codes.access_token):
            return body
        raise _unavailable(answer, "without an access token", complaint, sent=True)
    said = {text_in(body or {}, name) for name in codes.named} - {None}
    if not 400 <= answer.status < 500 or answer.status in (408, 429):
        too_many = answer.status == 429
        raise _unavailable(answer, "", complaint, sent=not too_many, general=too_many)
    if said & codes.denied or (body is not None and answer.status in codes.denied_statuses):
        raise RefreshDenied
    if said & codes.step_up:
        raise StepUpRequired(body)
    if said & codes.refused or answer.status == 401 or (answer.status == 403 and not said):
        complaint.say(
            f"{answer.host}: our client credentials are refused (HTTP {answer.status}). Compare client id and secret "
            "with the provider's; until then no session is renewed, and none is ended."
        )
        raise ProviderUnavailable(f"{answer.host}: refuses our client credentials.", sent=False, general=True)
    told = ", ".join(sorted(code for code in said if code is not None and _CODE.fullmatch(code)))
    raise _unavailable(answer, f"({told})" if told else "", complaint, sent=not said & NOT_LOOKED_AT)


def judge_code(answer: Answer, codes: Codes, complaint: Complaint) -> JsonObject:
    """As ``judge``, of an answer to an authorization code.

    Raises:
        SignInFailed: The code was used before, is too old or somebody else's (``code_refused``).
        StepUpRequired, ProviderUnavailable: As ``judge``.

    Source: RFC 6749, section 4.1.3.
    """
    try:
        return judge(answer, codes, complaint)
    except RefreshDenied:
        pass
    raise SignInFailed(f"{answer.host}: refuses the code; it was used before, or is too old.", code="code_refused")


def _unavailable(
    answer: Answer, what: str, complaint: Complaint, *, sent: bool, general: bool = False
) -> ProviderUnavailable:
    message = f"{answer.host}: answered HTTP {answer.status} {what}".rstrip() + "."
    complaint.note(f"{message} The session is kept.")
    return ProviderUnavailable(message, retry_after=answer.retry_after, sent=sent, general=general)


def renewed(session: Session, body: JsonObject, now: float, host: str, *, keep_id_token: bool = False) -> Session:
    """Return the session that a successful answer makes: what it brings, and no more.

    Args:
        session: The one that was renewed.
        body: As ``judge`` returned it.
        now: Unix seconds.
        host: For the message.
        keep_id_token: Take the ID token; one that the session has is replaced in any case.

    Raises:
        ProviderUnavailable: Nothing says when the access token ends, though the old one's end was known: such a
            session would never be renewed again.
    """
    answer = opened(body, now)
    id_token, kept = text_in(body, "id_token"), session.tokens or {}
    if id_token is not None and (keep_id_token or "id_token" in kept):
        answer = answer.replace(tokens={**kept, "id_token": id_token})
    if answer.access_expires_at is None and session.access_expires_at is not None:
        raise ProviderUnavailable(f"{host}: answered an access token that does not say when it ends.")
    return answer


def opened(body: JsonObject, now: float) -> Session:
    """Return a session with the tokens of a successful answer, and nothing of a person yet.

    Args:
        body: As ``judge`` returned it.
        now: Unix seconds.
    """
    session = Session(body["access_token"], text_in(body, "refresh_token"))
    if session.access_expires_at is None:
        return session.replace(access_expires_at=_end(body.get("expires_in"), now))
    return session


def _end(expires_in: Any, now: float) -> int | None:
    """Return when an access token ends; some providers write the seconds as text (RFC 6749, section 5.1)."""
    if type(expires_in) is str and expires_in.isascii() and expires_in.isdigit():
        expires_in = int(expires_in[:11])
    if type(expires_in) is not int and type(expires_in) is not float:
        return None
    life = min(max(int(expires_in), 0), _LONGEST_LIFE)
    return min(int(now) + life, MAX_TIME)


def text_in(body: Mapping[str, Any], name: str) -> str | None:
    """Return a text of an answer; None where there is none, and for what is no Unicode text."""
    value = body.get(name)
    if type(value) is not str or not value or any("\ud800" <= character <= "\udfff" for character in value):
        return None
    return value
