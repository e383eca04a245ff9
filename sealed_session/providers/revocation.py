"""Ending tokens at a provider, so that they are dead whatever anybody kept of them.

Source: RFC 7009, section 2.
"""

from __future__ import annotations

from ..errors import ProviderUnavailable
from .complaint import Complaint
from .credentials import Credentials
from .http import Answer, Client

_DONE = (200, 204)
_LATER = (408, 429)


def revoke(
    client: Client,
    endpoint: str,
    refresh_token: str,
    credentials: Credentials,
    complaint: Complaint,
    *,
    deadline: float,
) -> bool:
    """End a refresh token, and what came of it; return whether the provider has confirmed that.

    Args:
        client: Makes the call.
        endpoint: The revocation endpoint.
        refresh_token: The newest one.
        credentials: Ours.
        complaint: Where refusals are said.
        deadline: As for ``Client.post_form``.

    Raises:
        ProviderUnavailable: Nobody knows: no answer, or one of the provider's own failures.
    """
    token = [("token", refresh_token), ("token_type_hint", "refresh_token")]
    return is_confirmed(credentials.post(client, endpoint, token, deadline=deadline), complaint)


def is_confirmed(answer: Answer, complaint: Complaint) -> bool:
    """Return whether an answer says that the tokens are dead. A token that is not known is dead, and answered 200.

    Raises:
        ProviderUnavailable: 5xx, 408, 429: it may have done so, or not yet (section 2.2.1).
    """
    if answer.status in _DONE:
        return True
    message = f"{answer.host}: answered HTTP {answer.status} when tokens were to be revoked."
    if answer.status >= 500 or answer.status in _LATER:
        complaint.note(message)
        raise ProviderUnavailable(message, retry_after=answer.retry_after)
    say = complaint.say if answer.status in (401, 403) else complaint.note
    say(f"{message} They are good until they end.")
    return False
