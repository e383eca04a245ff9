"""What is so about a provider that is live: for a diagnosis. It is asked for what everybody may see, and nothing else.

    probe ─▶ the issuer's metadata ─▶ the keys that it signs with ─▶ Probe; and what time it is there

Each is a plain GET, without a token and without our secret. Nothing is kept, and nothing is logged.

Source: OpenID Connect Discovery 1.0, sections 3 and 4; RFC 8414, sections 2 and 3; RFC 9110, section 6.6.1 (``Date``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from ..errors import ProviderUnavailable
from ..exact_json import JsonObject
from . import discovery
from .complaint import Complaint
from .grant import text_in
from .http import Answer, Client, deadline_after, is_sound_url
from .key_survey import KeySurvey, survey

EACH = 5.0
"""Seconds for one call."""

ALL = 15.0
"""Seconds for all of them."""

ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "revocation_endpoint",
    "end_session_endpoint",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A document that was asked for.

    Attributes:
        host: Who was asked.
        problem: Why there is no answer, in a few words without a secret; empty where there is one.
        status: Of the answer; 0 where there is none, or where the provider's own code has asked.
        document: The JSON object that came; None for anything else.
        ahead: Seconds by which the clock there is ahead of ours at the least; None where the answer does not say.
    """

    host: str
    problem: str = ""
    status: int = 0
    document: JsonObject | None = field(default=None, repr=False)
    ahead: float | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of asking a provider.

    Attributes:
        issuer: Whose metadata there should be; None where the provider has no issuer.
        metadata: How asking for them went; None where there was nobody to ask.
        endpoints: The addresses that are used, by their names in the metadata. What the operator has written counts.
        keys: How asking for the keys went; None where it is not known where they are, or where that is not safe.
        survey: What is in them; None where no set of keys came.
    """

    issuer: str | None = None
    metadata: Asked | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    keys: Asked | None = None
    survey: KeySurvey | None = None

    @property
    def document(self) -> JsonObject:
        """The metadata; empty where there are none."""
        return (None if self.metadata is None else self.metadata.document) or {}

    @property
    def is_issuers(self) -> bool:
        """Whether there are metadata, and they are those of the issuer."""
        return bool(self.document) and self.document.get("issuer") == self.issuer

    @property
    def ahead(self) -> float | None:
        """Seconds by which the provider's clock is ahead of ours; None where no answer says what time it is.

        The smallest of all: an answer that a cache has kept seems to come from behind.
        """
        said = [asked.ahead for asked in (self.metadata, self.keys) if asked is not None and asked.ahead is not None]
        return min(said, key=abs, default=None)


def probe(provider: Any, algorithms: Sequence[str], clock: Callable[[], float]) -> Probe:
    """Ask a provider for its metadata and its keys, as far as it has them. Whatever it does, nothing is raised.

    Args:
        provider: Has metadata by ``issuer`` and ``metadata``, and keys by ``jwks_url`` or else by its metadata.
        algorithms: What tokens may be signed with here.
        clock: Returns Unix seconds.

    Raises:
        UsageError: httpx2 is missing (``extra_missing``).
    """
    asking = _Asking(provider, clock)
    issuer = getattr(provider, "issuer", None)
    metadata = asking.metadata(issuer) if issuer and callable(getattr(provider, "metadata", None)) else None
    found = Probe() if metadata is None else Probe(issuer, metadata)
    if found.is_issuers:
        given = getattr(getattr(provider, "_endpoints", None), "_given", {})
        said = {name: given.get(name) or text_in(found.document, name) for name in ENDPOINTS}
        found = replace(found, endpoints={name: url for name, url in said.items() if url})
    url = getattr(provider, "jwks_url", None) or found.endpoints.get("jwks_uri", "")
    if is_sound_url(url):
        keys = asking.ask(url)
        found = replace(found, keys=keys, survey=survey(keys.document, algorithms))
    return found


class _Quiet(Complaint):
    """Says nothing: what is found is told by whoever asked."""

    def _log(self, level: int, message: str) -> None:
        pass


class _Asking:
    """Asks, by the ways and with the certificates of one provider, and is over in time."""

    def __init__(self, provider: Any, clock: Callable[[], float]) -> None:
        theirs = getattr(provider, "_client", None)
        self._provider = provider
        self._is_ours = isinstance(theirs, Client)
        self._client = (
            Client(trust_env=theirs._trust_env, ssl_context=theirs._context, complaint=_Quiet())
            if isinstance(theirs, Client)
            else Client(trust_env=True, complaint=_Quiet())
        )
        self._clock = clock
        self._until = deadline_after(ALL)

    def metadata(self, issuer: str) -> Asked:
        """Ask for the metadata of an issuer; of somebody else's provider, by its own ``metadata``."""
        if not self._is_ours:
            return self._theirs(issuer)
        for url in discovery.places(issuer):
            asked = self.ask(url)
            if asked.status != 404:  # the other place is for those who have nothing here
                break
        return asked

    def ask(self, url: str) -> Asked:
        """Ask for a document."""
        sent_at, began = self._clock(), time.monotonic()
        try:
            answer = self._client.get(url, deadline=self._deadline())
        except ProviderUnavailable as error:
            host = urlsplit(url).hostname or ""
            return Asked(host, str(error).removeprefix(f"{host}: ").rstrip("."))
        took = time.monotonic() - began
        document = answer.json() if answer.status == 200 else None
        return Asked(answer.host, "", answer.status, document, _ahead(answer, sent_at, took))

    def _theirs(self, issuer: str) -> Asked:
        host = urlsplit(issuer).hostname or ""
        try:
            document = self._provider.metadata(self._deadline())
            return Asked(host, document={"issuer": issuer, **document})
        except Exception as error:  # somebody else's: whatever it raises, or returns
            return Asked(host, type(error).__name__)

    def _deadline(self) -> float:
        return min(deadline_after(EACH), self._until)


def _ahead(answer: Answer, sent_at: float, took: float) -> float | None:
    """Return by how much the clock there is ahead at the least.

    The answer was made between our sending and its coming, in the second that it names. Where a cache has kept it, it
    has become as old as the cache says (RFC 9111, section 5.1), and that is in whole seconds, too.
    """
    try:
        date = parsedate_to_datetime(answer.headers["date"])
        age = int(answer.headers.get("age", "0"))
        earliest = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() + age
    except (KeyError, ValueError, OverflowError):
        return None
    latest = earliest + (2 if "age" in answer.headers else 1)
    return max(earliest - sent_at - took, 0.0) + min(latest - sent_at, 0.0)
