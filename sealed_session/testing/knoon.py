"""Knoon's one endpoint that an application's server talks to: a credential for a person and a chat box."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterable

from ..arguments import check_whole_number
from ..exact_json import JsonObject
from .clock import rfc3339
from .fake import Fake
from .server import Reply, Request

_MEMBERS = {"email", "externalId", "photoURL", "displayName", "chatBoxId"}
_NEEDED = {"email", "externalId", "chatBoxId"}


class FakeKnoon(Fake):
    """Knoon's API. Safe to share between threads.

    Attributes:
        org_id: Of the one organisation that it knows.
        api_key: Of that organisation; another one is refused with 401.
        chat_boxes: The ids of the chat boxes that there are. A credential for any other is an answer without data.
        asked: What every credential was asked for with, in order.
    """

    def __init__(
        self,
        *,
        org_id: str = "org-test-1",
        api_key: str | None = None,
        clock: Callable[[], float] | None = None,
        lifetime: int = 3600,
        chat_boxes: Iterable[str] = ("box_1", "box_2"),
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Know an organisation and its chat boxes.

        Args:
            org_id: Of the organisation.
            api_key: Of the organisation; None: a new one.
            clock: As for every fake.
            lifetime: Seconds that a credential is good for.
            chat_boxes: The ids of its chat boxes.
            ssl_context: As for every fake.

        Raises:
            UsageTypeError, UsageError: Something else.
        """
        super().__init__(org_id, clock=clock, ssl_context=ssl_context)
        check_whole_number("lifetime", lifetime)
        self.org_id = org_id
        self.api_key = f"knoon-test-{secrets.token_urlsafe(24)}" if api_key is None else api_key
        self.chat_boxes = set(chat_boxes)
        self.asked: list[JsonObject] = []
        self._lifetime = lifetime
        self._routes = {("POST", "/v1/credentials/login"): self._log_in}

    def _log_in(self, request: Request) -> Reply:
        if not self._is_ours(request, self.api_key):
            return self._refusal(401, "unauthorized")
        sent = request.json()
        if sent is None or not _is_complete(sent):
            return self._refusal(400, "bad_request")
        self.asked.append(sent)
        if sent["chatBoxId"] not in self.chat_boxes:
            return Reply(200, {"status": "bad_request"})
        return Reply(200, {"status": "ok", "data": self._credential(sent)})

    def _credential(self, sent: JsonObject) -> JsonObject:
        now = self.clock()
        ends = now + self._lifetime
        who = {"sub": sent["externalId"], "email": sent["email"], "name": sent.get("displayName")}
        claims = {"iss": "knoon", "org": self.org_id, "chatBoxId": sent["chatBoxId"], **who, "iat": now, "exp": ends}
        contact = f"contact-{sent['externalId']}"
        return {"jwt": self.sign(claims), "expiresAt": rfc3339(ends, ".000Z"), "contactId": contact}

    def _refusal(self, status: int, code: str) -> Reply:
        return Reply(status, {"status": code, "error": code.replace("_", " ")})


def _is_complete(sent: JsonObject) -> bool:
    """Return whether a request has what it needs, nothing else, and text alone; what may be missing may be null."""
    given = {name for name, value in sent.items() if value is not None}
    return given >= _NEEDED and set(sent) <= _MEMBERS and all(type(sent[name]) is str and sent[name] for name in given)
