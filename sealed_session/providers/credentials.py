"""How a client says at a provider's endpoints who it is. Not the secret's keeper: it came from the operator.

Source: RFC 6749, sections 2.3.1 and 3.2.1.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

from ..arguments import wrong_type
from ..errors import UsageError
from .http import Answer, Client, Fields

AUTH = ("basic", "post", "none")


class Credentials:
    """Our client id, with its secret where there is one. Immutable.

    Attributes:
        client_id: Ours.
    """

    def __init__(self, client_id: str, client_secret: str | None, auth: str) -> None:
        """Check and hold them.

        Args:
            client_id: Ours.
            client_secret: Ours; None with ``auth="none"``.
            auth: ``basic`` (client_secret_basic), ``post`` (client_secret_post), or ``none`` for a public client.

        Raises:
            UsageTypeError, UsageError: Not these (``provider_option``).
        """
        check_credential("client_id", client_id)
        if client_secret is not None:
            check_credential("client_secret", client_secret)
        if auth not in AUTH:
            raise bad_option(f"auth: expected one of {', '.join(AUTH)}.")
        if auth == "none" and client_secret is not None:
            raise bad_option("client_secret: is given, and auth='none' would not use it.")
        if auth != "none" and client_secret is None:
            raise bad_option("client_secret: is missing. A public client, which has none, says auth='none'.")
        self.client_id, self._secret, self._auth = client_id, client_secret, auth

    def post(self, client: Client, endpoint: str, fields: Fields, *, deadline: float) -> Answer:
        """Send a form as who we are; as ``Client.post_form``."""
        return client.post_form(endpoint, [*fields, *self._fields()], self._headers(), deadline=deadline)

    def _fields(self) -> list[tuple[str, str]]:
        """Return the fields of a form that say who we are."""
        if self._auth == "basic":
            return []
        secret = [] if self._secret is None else [("client_secret", self._secret)]
        return [("client_id", self.client_id), *secret]

    def _headers(self) -> dict[str, str]:
        """Return the header that says who we are: each half form-encoded, which is easily forgotten (section 2.3.1)."""
        if self._auth != "basic":
            return {}
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret or '')}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def check_credential(name: str, value: Any) -> None:
    """Refuse what is not printable text; a line break at the end of a secret is the usual cause.

    Raises:
        UsageTypeError, UsageError: Not a str; empty, or not printable ASCII (``provider_option``).

    Source: RFC 6749, appendices A.1 and A.2.
    """
    if type(value) is not str:
        raise wrong_type(name, "a str", value)
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        raise bad_option(f"{name}: is empty, or has white space at an end or characters that do not print.")


def bad_option(problem: str) -> UsageError:
    """Make the error of an option of a provider."""
    return UsageError(problem, code="provider_option")
