"""Where a provider is asked for what: by what the operator has written, or else by the issuer's own metadata."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import ProviderUnavailable
from ..exact_json import JsonObject
from .complaint import Complaint
from .credentials import bad_option
from .discovery import Discovery
from .grant import text_in
from .http import check_url, is_sound_url


class Endpoints:
    """The endpoints of one provider, by their names in its metadata. Safe to share between threads.

    Attributes:
        issuer: Whose metadata there are; None where only what was given is known.
    """

    def __init__(self, given: Mapping[str, str | None], discovery: Discovery | None, complaint: Complaint) -> None:
        """Ask nobody yet.

        Args:
            given: What the operator has written, by name. It counts before the metadata; None says nothing.
            discovery: Of the issuer.
            complaint: Where it is said what cannot be used.

        Raises:
            UsageTypeError, UsageError: One of them is not an https URL.
        """
        self._given = {name: check_url(name, url) for name, url in given.items() if url is not None}
        self._discovery = discovery
        self._complaint = complaint
        self.issuer = None if discovery is None else discovery.issuer

    def metadata(self, deadline: float) -> JsonObject:
        """Return the issuer's metadata.

        Raises:
            UsageError: There is no issuer (``provider_option``).
            ProviderUnavailable: There are none, or not this issuer's.
        """
        if self._discovery is None:
            raise bad_option("issuer: was not given, so that there are no metadata to ask for.")
        return self._discovery.metadata(deadline)

    def find(self, name: str, deadline: float) -> str | None:
        """Return an endpoint; None where the provider has none, or none that is safe.

        Raises:
            ProviderUnavailable: The metadata cannot be had.
        """
        if name in self._given:
            return self._given[name]
        url = None if self._discovery is None else text_in(self._discovery.metadata(deadline), name)
        if url is None or is_sound_url(url):
            return url
        host = urlsplit(str(self.issuer)).hostname
        self._complaint.say(f"{host}: the {name} of its metadata is not an https URL, and is not used.")
        return None

    def need(self, name: str, deadline: float) -> str:
        """Return an endpoint that there must be.

        Raises:
            UsageError: Nobody said where it is (``provider_option``).
            ProviderUnavailable: The metadata cannot be had, or do not have it.
        """
        url = self.find(name, deadline)
        if url is not None:
            return url
        if self._discovery is None:
            raise bad_option(f"{name}: is missing. Give it, or the issuer whose metadata have it.")
        host = urlsplit(str(self.issuer)).hostname
        raise ProviderUnavailable(f"{host}: the metadata of the issuer have no usable {name}.", sent=False)
