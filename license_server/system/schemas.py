"""What the server tells about itself."""

from __future__ import annotations

from typing import Literal

from license_server.schemas import Answer
from license_server.tiers.catalogue import Meter, TierId


class About(Answer):
    name: str
    version: str


class Alive(Answer):
    status: Literal["ok"] = "ok"


class Health(Answer):
    """The server can do its work; where it cannot, the answer is the problem `unhealthy`.

    It is `degraded` while a configured Redis does not answer: then each process counts calls by itself.
    """

    status: Literal["ok", "degraded"]
    database: Literal["ok"] = "ok"
    migrations: Literal["ok"] = "ok"
    redis: Literal["ok", "failing", "unused"]


class PublicKeys(Answer):
    """A JWK set (RFC 7517)."""

    keys: list[dict[str, str]]


class AccountCounts(Answer):
    total: int
    verified: int
    administrators: int
    new_in_30_days: int


class LedgerTotals(Answer):
    """Units of a meter in the periods that run now, of all accounts together."""

    granted: int
    settled: int
    held: int
    owed: int


class OutboxDepth(Answer):
    waiting: int
    oldest_seconds: float


class Stats(Answer):
    """How many there are of everything, and how much waits."""

    accounts: AccountCounts
    tiers: dict[TierId, int]
    devices: int
    open_leases: int
    jobs: dict[Meter, int]
    meters: dict[Meter, LedgerTotals]
    outboxes: dict[str, OutboxDepth]
