"""Knoon, as data: how the credential of a Chat Box is minted, and the three cookies that it is.

    POST /v1/credentials/login ─▶ {data: {jwt, expiresAt, ...}} ─▶ knoon_contact_session_jwt_<chat box> and two more

The Chat Box finds them by their names, wherever in the shared Domain it is shown.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from ..arguments import wrong_type
from ..cookie import check
from ..errors import ConfigError, ProviderUnavailable, UsageError
from ..exact_json import JsonObject, printable
from .claims import Path, check_path, text_at
from .credentials import bad_option
from .environment import Option, check_base, check_user
from .http import Answer
from .javascript import milliseconds
from .minting import Minted
from .vendor import Vendor, basic

Field = Path | Callable[[JsonObject], str | None]
"""Where in the session's user a text stands, or what makes it of the user."""

_FAMILIES = ("expires_at_", "domain_")
_COOKIE = "knoon_contact_session_jwt_"
_TARGET = re.compile(r"(?!expires_at_|domain_)[A-Za-z0-9_-]{1,64}")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_JWT = re.compile(r"[A-Za-z0-9._~+/=-]+")  # as bearer tokens are written (RFC 6750, section 2.1): safe in a cookie
_MILLISECONDS = re.compile(r"[1-9][0-9]{0,15}")
_MOST_COOKIE = 4093
_LATER = (408, 429)


def first(*paths: Path) -> Callable[[JsonObject], str | None]:
    """Return what finds the first text of some places in a user."""
    return lambda user: next(filter(None, (text_at(user, path) for path in paths)), None)


def _display_name(user: JsonObject) -> str | None:
    parts = (
        first("first_name", "given_name", ("name", "first_name"))(user),
        first("last_name", "family_name", ("name", "last_name"))(user),
    )
    return first("name")(user) or " ".join(filter(None, parts)) or None


FIELDS: Mapping[str, Field] = {
    "email": "email",
    "externalId": first("id", "sub", "user_id"),
    "photoURL": first("picture", "profile_picture_url"),
    "displayName": _display_name,
}
"""What Knoon is told of a person, by the names of the usual providers."""


class Knoon(Vendor):
    """Mints the credentials of Chat Boxes. Safe to share between threads and across a fork.

    Attributes:
        path: Where our endpoint is, when nothing else is said.
        parameter: The member of a request to it that names the Chat Box.
        domain: The Domain of the cookies, as it was given.
        max_age: Seconds that a cookie lives at most.
        refusal_body: What our endpoint answers where nothing was minted.
    """

    options = (Option("organization_id", "KNOON_ORG_ID", check_user), Option("api_key", "KNOON_API_KEY"))
    parameter = "chatBoxId"
    max_age = 3600

    def __init__(
        self,
        organization_id: str | None = None,
        api_key: str | None = None,
        *,
        domain: str,
        base_url: str = "https://api.knoon.ai",
        path: str = "/knoon/credentials",
        fields: Mapping[str, Field | None] | None = None,
        timeout: float = 5,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Say who we are. Asks nobody yet.

        Args:
            organization_id: None: ``KNOON_ORG_ID`` of the environment, read when it is needed. Neither this nor the
                key is ever shown to anybody.
            api_key: None: ``KNOON_API_KEY``, likewise.
            domain: Of the cookies: the parent of your hosts that show a Chat Box, ``.example.com`` for example.
            base_url: Of the API.
            path: Where our endpoint is.
            fields: Changes to ``FIELDS``; None leaves a field out.
            timeout: Seconds for a call as a whole, at most 30. A request waits for it.
            trust_env: Use the proxies that the environment names.
            ssl_context: Which certificates are trusted; None: those of the system.
            clock: Returns Unix seconds; None: ``time.time``, looked up at every call.

        Raises:
            UsageTypeError, UsageError: Not these (``provider_option``, ``provider_url``, ``bad_duration``).
            ConfigError: No Domain that browsers take.
        """
        given = {"organization_id": organization_id, "api_key": api_key}
        super().__init__(given, timeout=timeout, trust_env=trust_env, ssl_context=ssl_context)
        if type(domain) is not str:
            raise wrong_type("domain", "a str", domain)
        if problems := check({"domain": domain}):
            raise ConfigError("Knoon", problems)
        if type(path) is not str:
            raise wrong_type("path", "a str", path)
        if _PATH.fullmatch(path) is None:
            raise bad_option("path: expected one that begins with a slash, '/knoon/credentials' for example.")
        if clock is not None and not callable(clock):
            raise wrong_type("clock", "a function that returns Unix seconds", clock)
        self.domain, self.path, self._clock = domain, path, clock
        self.refusal_body: JsonObject = {"status": "bad_request"}
        self._base = check_base("base_url", base_url)
        self._fields = {**FIELDS} if fields is None else _check_fields(fields)

    @property
    def identity(self) -> str:
        """The API and our organisation. Not for showing."""
        return f"{self._base} {self._environment.need('organization_id')}"

    def check_target(self, value: Any) -> str:
        """Return a Chat Box's id, which becomes part of a cookie's name.

        Raises:
            UsageError: It is not letters, digits, ``_`` and ``-``, or begins as the other cookies' names do, so that
                it would be taken for one of another Chat Box (``bad_target``).
        """
        if type(value) is not str or _TARGET.fullmatch(value) is None:
            raise UsageError(
                "chatBoxId: expected 1 to 64 letters, digits, _ and -, which do not begin with expires_at_ or domain_.",
                code="bad_target",
            )
        return value

    def mint(self, user: JsonObject, target: str) -> Minted | None:
        """Have a credential minted; see ``MintingProvider``. A user without an id gets none, which is logged."""
        told = {name: _text(field, user) for name, field in self._fields.items()}
        about = {name: text for name, text in told.items() if text is not None}
        asked = {**about, self.parameter: self.check_target(target)}
        if "externalId" not in asked:
            self._complaint.say("the session's user has no id (externalId): no Chat Box is opened for such a person.")
            return None
        secrets = tuple(self._environment.need(name) for name in ("organization_id", "api_key"))
        answer = self._post(f"{self._base}/v1/credentials/login", asked, basic(*secrets))
        data = self._judge(answer)
        return None if data is None else self._minted(_without(data, secrets), target, asked["externalId"])

    def cookie_names(self, target: str) -> tuple[str, str, str]:
        """Return the names of a Chat Box's three cookies: the JWT, when it ends, the Domain."""
        target = self.check_target(target)
        return f"{_COOKIE}{target}", f"{_COOKIE}expires_at_{target}", f"{_COOKIE}domain_{target}"

    def owns(self, cookie_name: str) -> bool:
        """Return whether a cookie is one of a Chat Box's three, of whatever Chat Box."""
        if not cookie_name.startswith(_COOKIE):
            return False
        rest = cookie_name.removeprefix(_COOKIE)
        family = next(filter(rest.startswith, _FAMILIES), "")
        return _TARGET.fullmatch(rest.removeprefix(family)) is not None

    def read(self, cookies: Mapping[str, str], target: str, now: float) -> Minted | None:
        """Return the credential that a request brought; see ``MintingProvider``."""
        names = self.cookie_names(target)
        jwt, ends, domain = (cookies.get(name, "") for name in names)
        if _JWT.fullmatch(jwt) is None or _MILLISECONDS.fullmatch(ends) is None or domain != self.domain:
            return None
        if int(ends) <= now * 1000:
            return None
        body = self._body({"jwt": jwt, "expiresAt": int(ends)})
        return Minted(dict(zip(names, (jwt, ends, domain), strict=True)), int(ends) / 1000, body, "")

    def _judge(self, answer: Answer) -> JsonObject | None:
        """Return what an answer has minted; None where it says that there is nothing."""
        body = answer.json()
        if answer.status in (401, 403):
            self._refused(answer)
        if body is None or answer.status >= 500 or answer.status in _LATER:
            message = f"{answer.host}: answered HTTP {answer.status}{' without JSON' if body is None else ''}."
            self._complaint.note(f"{message} No Chat Box is opened, and those that are stay so.")
            raise ProviderUnavailable(message, retry_after=answer.retry_after)
        data = body.get("data")
        return data if answer.status < 300 and type(data) is dict and data else None

    def _refused(self, answer: Answer) -> NoReturn:
        what = f"{answer.host}: our organisation id and API key are refused (HTTP {answer.status})"
        self._complaint.say(f"{what}. Compare them with Knoon's; until then no Chat Box is opened.")
        raise ProviderUnavailable(f"{what}.", sent=False, general=True)

    def _minted(self, data: JsonObject, target: str, owner: str) -> Minted:
        names, body = self.cookie_names(target), self._body(data)
        jwt, ends = data.get("jwt"), milliseconds(data.get("expiresAt"))
        now = time.time() if self._clock is None else self._clock()
        is_sound = type(jwt) is str and _JWT.fullmatch(jwt) and len(names[0]) + 1 + len(jwt) <= _MOST_COOKIE
        if not is_sound or ends is None or ends < (now + 1) * 1000:  # no browser keeps a cookie for less than a second
            return Minted({}, 0, body, owner)
        cookies = dict(zip(names, (str(jwt), str(ends), self.domain), strict=True))
        return Minted(cookies, ends / 1000, body, owner)

    def _body(self, data: JsonObject) -> JsonObject:
        return {"status": "ok", "data": {**data, "domain": self.domain}}

    def __repr__(self) -> str:
        return f"Knoon({urlsplit(self._base).hostname}, domain={self.domain!r})"


def _check_fields(fields: Any) -> dict[str, Field]:
    """Return what Knoon is told of a person, with the operator's changes."""
    if not isinstance(fields, Mapping) or not all(type(name) is str for name in fields):
        raise wrong_type("fields", "a mapping of Knoon's names to places in the user, or functions", fields)
    for name, field in fields.items():
        if name == Knoon.parameter:
            raise bad_option(f"fields: {name} comes with the request.")
        if field is not None and not callable(field):
            check_path(f"fields, {printable(name)}", field)
    return {name: field for name, field in {**FIELDS, **fields}.items() if field is not None}


def _text(field: Field, user: JsonObject) -> str | None:
    return text_at({"made": field(user)}, "made") if callable(field) else text_at(user, field)


def _without(value: Any, secrets: tuple[str, ...]) -> Any:
    """Return JSON without texts that hold one of those, whoever has put them there: a browser will see it."""
    if type(value) is dict:
        kept = {name: one for name, one in value.items() if not _holds(name, secrets) and not _holds(one, secrets)}
        return {name: _without(one, secrets) for name, one in kept.items()}
    if type(value) is list:
        return [_without(one, secrets) for one in value if not _holds(one, secrets)]
    return value


def _holds(value: Any, secrets: tuple[str, ...]) -> bool:
    return type(value) is str and any(secret in value for secret in secrets)
