"""What lies in the journal: leases, spends at their place in a chain, and how a meter stands."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from desktop.account.models import Delivery, Meter
from desktop.errors import Exit, ReelyError

FIRST_PREVIOUS = "0" * 64
"""What the first entry of a lease has as the hash of the one before it."""


class LeaseState(StrEnum):
    OPEN = "open"
    """May be spent on; at most one."""
    CLOSING = "closing"
    """Its rest is on the way back to the server; nothing more is spent on it."""
    RETIRED = "retired"
    """Replaced while jobs ran on it."""
    LOST = "lost"
    """The journal behind it was restored: what it holds is neither spent nor given back."""
    CLOSED = "closed"
    """Everything on it is reported and its rest is returned."""


@dataclass(frozen=True)
class HeldLease:
    """A lease as it lies in the journal: its token must be verified before it is trusted."""

    id: str
    token: str
    state: LeaseState


@dataclass(frozen=True)
class Spend:
    """One delivered unit, as it is reported. `at` is RFC 3339 in UTC; both hashes are SHA-256 in hex."""

    spend_id: str
    lease_id: str
    counter: int
    meter: Meter
    at: str
    prev_hash: str
    hash: str
    job: JsonValue


@dataclass(frozen=True)
class Stranded:
    """A reserved or committed spend whose process has ended."""

    spend_id: str
    owner: str
    committed: bool
    delivery: Delivery | None


@dataclass(frozen=True)
class Balance:
    """One meter of one lease, in units: still free (None: no limit), in work, and not reported yet."""

    free: int | None
    in_work: int
    unreported: int


class BeyondGrant(ReelyError):  # noqa: N818 - an outcome that the caller acts upon
    """The open lease has not enough left; `free` says how much (0 where there is no open lease)."""

    def __init__(self, free: int) -> None:
        super().__init__(
            "beyond-grant",
            f"This device holds only {free} of what is needed.",
            "Connect to the license server.",
            Exit.ACCOUNT,
        )
        self.free = free


def chain_hash(prev_hash: str, *, spend_id: str, lease_id: str, counter: int, meter: Meter, at: str) -> str:
    """SHA-256 in hex of `prev_hash` followed by the entry as canonical JSON (sorted, no spaces, UTF-8)."""
    entry = {"spend_id": spend_id, "lease_id": lease_id, "counter": counter, "meter": str(meter), "at": at}
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(prev_hash.encode() + canonical.encode()).hexdigest()
