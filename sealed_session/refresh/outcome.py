"""What came of a refresh, as a value. The kinds are never collapsed into one another: each asks for something else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ..exact_json import JsonObject
from ..reasons import Reason
from ..session import Session


class Kind(StrEnum):
    """What happened."""

    REFRESHED = "refreshed"
    """There are new tokens; the cookie must carry them."""
    CURRENT = "current"
    """The session is good as it is."""
    DENIED = "denied"
    """The provider says that the session is dead."""
    SUPERSEDED = "superseded"
    """An old token whose successor is out of reach; the browser probably holds a newer cookie."""
    STEP_UP = "step_up"
    """The person must do something first."""
    UNAVAILABLE = "unavailable"
    """No usable answer; the session may well be alive."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a refresh.

    Attributes:
        kind: What happened.
        session: The session to go on with; None where there is none.
        reason: Why there is none.
        retry_after: Seconds after which to try again, where the provider said so.
        payload: Of a step-up, the provider's answer. Not in the repr.
        may_be_used: Of an unavailable provider, whether the refresh token may be used up all the same.
        general: Of an unavailable provider, whether no other session would be answered either.
        is_on_record: Of a denial, whether it was known before this request came.
    """

    kind: Kind
    session: Session | None = None
    reason: Reason | None = None
    retry_after: float | None = None
    payload: JsonObject = field(default_factory=dict, repr=False)
    may_be_used: bool = False
    general: bool = False
    is_on_record: bool = False

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later, with nobody doing anything about it."""
        return self.kind is Kind.UNAVAILABLE
