"""Refreshing exactly once, and never losing a session.

record.py        the protocol: one record of one refresh token, as a pure state machine
coordinator.py   what holds records for everybody: read, and swap (compare and set)
memory.py  sqlite.py  redis.py  opening.py   coordinators
handover.py      what only the holder of a token can find and open
stored.py        a record in a coordinator: read, claim, change
shared.py        the coordinator that everybody shares, as it comes and goes
successors.py    from a provider's answer to a result, and back
ledger.py        the records, in whichever coordinator can be reached
tombstones.py    which sessions are over
signing_out.py   one sign-out, on record and at the provider
breaker.py       a break in asking a provider that answers nobody
journey.py       one refresh, from link to link
refresher.py     one flight for each token in a process, one thread for each flight
attempt.py       one call of a provider, as an outcome
outcome.py       outcomes
due.py           when a session is to be renewed
"""

from .attempt import attempt
from .due import is_due
from .ledger import Ledger, Standing
from .outcome import Kind, Outcome
from .refresher import Refresher
from .signing_out import SignedOut

__all__ = ["Kind", "Ledger", "Outcome", "Refresher", "SignedOut", "Standing", "attempt", "is_due"]
