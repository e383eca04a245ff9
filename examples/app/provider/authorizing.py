"""What an application may ask when it sends somebody to the provider's page: one kind of request, and all of it.

Source: RFC 6749, section 4.1.1; RFC 7636, section 4.3; OpenID Connect Core 1.0, sections 3.1.2.1 and 3.1.2.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from .client import Client

SCOPES = ("openid", "profile", "email", "offline_access")
PROMPTS = ("none", "login", "select_account")

_LONGEST = 1024
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_SECONDS = re.compile(r"[0-9]{1,9}")


class Stranger(Exception):
    """The request is not of the application that is registered: nobody is sent anywhere."""


class Declined(Exception):
    """The application is sent an error.

    Attributes:
        code: What it is told.
        state: Of its request, where there was one.
    """

    def __init__(self, code: str, state: str | None) -> None:
        super().__init__(code)
        self.code = code
        self.state = state


@dataclass(frozen=True)
class Asked:
    """A good request.

    Attributes:
        state: Goes back as it is.
        challenge: Of PKCE: the hash of what only the application knows.
        scope: What it wants to know.
        nonce: Goes into the ID token.
        prompt: Whether the person is to be asked, whatever is known.
        max_age: Seconds ago, at most, that the person has signed in.
    """

    state: str = field(repr=False)
    challenge: str
    scope: frozenset[str]
    nonce: str | None = field(default=None, repr=False)
    prompt: str | None = None
    max_age: int | None = None


def read(client: Client, query: MultiDict[str, str]) -> Asked:
    """Return what is asked.

    Raises:
        Stranger: Whose request it is and where its answer goes is not as it was registered.
        Declined: Anything else is wrong.
    """
    for name, registered in (("client_id", client.client_id), ("redirect_uri", client.redirect_uri)):
        if query.getlist(name) != [registered]:
            raise Stranger
    given = query.to_dict()
    complaint = _complaint(query, given)
    if complaint is not None:
        raise Declined(complaint, given.get("state"))
    max_age = given.get("max_age")
    return Asked(
        state=given["state"],
        challenge=given["code_challenge"],
        scope=frozenset(given["scope"].split()),
        nonce=given.get("nonce"),
        prompt=given.get("prompt"),
        max_age=None if max_age is None else int(max_age),
    )


def _complaint(query: MultiDict[str, str], given: dict[str, str]) -> str | None:
    """Return the code of what is wrong. A name that comes twice is: who reads which is anybody's guess."""
    scope = set(given.get("scope", "").split())
    rules = (
        (any(len(query.getlist(name)) > 1 for name in given), "invalid_request"),
        (any(len(value) > _LONGEST or not value.isprintable() for value in given.values()), "invalid_request"),
        ("request" in given, "request_not_supported"),
        ("request_uri" in given, "request_uri_not_supported"),
        (not given.get("state") or not given.get("response_type"), "invalid_request"),
        (given.get("response_type") != "code", "unsupported_response_type"),
        (given.get("response_mode", "query") != "query", "invalid_request"),
        (given.get("code_challenge_method") != "S256", "invalid_request"),
        (_CHALLENGE.fullmatch(given.get("code_challenge", "")) is None, "invalid_request"),
        ("openid" not in scope or not scope <= set(SCOPES), "invalid_scope"),
        (given.get("prompt", "login") not in PROMPTS, "invalid_request"),
        (_SECONDS.fullmatch(given.get("max_age", "0")) is None, "invalid_request"),
    )
    return next((code for is_wrong, code in rules if is_wrong), None)
