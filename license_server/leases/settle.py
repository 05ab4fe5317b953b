"""Settling: what a device reports is checked, billed once, and answered with a signed receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import CompoundSelect, and_, bindparam, null, or_, select, union_all

from license_server.clock import now
from license_server.database import db
from license_server.devices.models import Device
from license_server.jobs import service as jobs
from license_server.leases import reclaim
from license_server.leases.journal import FIRST_HASH, entry_hash
from license_server.leases.lookup import Asking
from license_server.leases.models import ForkedSpend, Lease, LeaseGrant, LeaseState, Spend
from license_server.leases.schemas import FailureReport, SpendReport, SpendResult
from license_server.system.service import record
from license_server.tiers.catalogue import Meter
from license_server.usage import ledger
from license_server.usage import service as usage
from license_server.writes import Row, Write, write

_SETTLED = Write(Lease, Lease.state, Lease.up_to_counter, Lease.head_hash)
_COUNTED = Write(LeaseGrant, LeaseGrant.settled, LeaseGrant.released, LeaseGrant.excess)
_SEEN = Write(Device, Device.last_seen_at, Device.forked_at)
_SPENT = Write(Spend)
_FORKED = Write(ForkedSpend)


def settle(
    asking: Asking,
    lease: Lease,
    spends: Sequence[SpendReport],
    failures: Sequence[FailureReport],
    *,
    return_rest: bool,
) -> list[SpendResult]:
    """Bills each spend that was not billed before, then gives the rest back if asked to.

    The same reports in any order and any number leave the same ledger: every genuine spend is one unit, taken
    from what the lease grants, and owed where the lease has nothing left for it. The account is locked by the
    caller.
    """
    device = asking.device
    settlement = _Settlement(asking, lease, reclaim.books(lease), _Chain.around(lease, spends))
    results = [settlement.settle(report) for report in spends]
    settlement.chain.advance()
    if return_rest:
        reclaim.give_back(lease, settlement.books)
    device.last_seen_at = now()
    rows = [
        _SETTLED(
            id=lease.id, state=lease.state, up_to_counter=lease.up_to_counter, head_hash=lease.head_hash
        ),
        _SEEN(id=device.id, last_seen_at=device.last_seen_at, forked_at=device.forked_at),
    ]
    settled_by_now: dict[Meter, int] = {}
    for grant in lease.grants:
        meter = Meter(grant.meter)
        settled, log = settlement.books[meter].post()
        if not log:
            continue
        if settled is not None and lease.period_id == asking.period.id:
            settled_by_now[meter] = settled
        rows.append(
            _COUNTED(
                lease_id=lease.id,
                meter=grant.meter,
                settled=grant.settled,
                released=grant.released,
                excess=grant.excess,
            )
        )
        rows += log
    write([*rows, *settlement.rows, *jobs.report(asking, settlement.completed, failures)])
    usage.tell_of_reached_limits(asking.account, asking.period, asking.stand.tier, settled_by_now)
    return results


@dataclass(frozen=True)
class _Known:
    """A spend that was billed; `reason` is why it has no place in the chain."""

    id: str
    lease_id: str
    counter: int
    prev_hash: str
    hash: str
    reason: Literal["fork", "beyond-grant"] | None = None


_KNOWN: CompoundSelect[*tuple[Any, ...]] = union_all(
    select(Spend.id, Spend.lease_id, Spend.counter, Spend.prev_hash, Spend.hash, null()).where(
        or_(
            Spend.id.in_(bindparam("ids", expanding=True)),
            and_(Spend.lease_id == bindparam("lease_id"), Spend.counter >= bindparam("first")),
        )
    ),
    select(
        ForkedSpend.id,
        ForkedSpend.lease_id,
        ForkedSpend.counter,
        ForkedSpend.prev_hash,
        ForkedSpend.hash,
        ForkedSpend.reason,
    ).where(ForkedSpend.id.in_(bindparam("ids", expanding=True))),
)


@dataclass(frozen=True)
class _Chain:
    """What is known of a lease's spends, as far as the reports can touch it."""

    lease: Lease
    by_id: dict[str, _Known]
    by_counter: dict[int, _Known]

    @classmethod
    def around(cls, lease: Lease, reports: Sequence[SpendReport]) -> _Chain:
        """What has the reports' ids, on whatever lease, and the chain from their places on."""
        if not reports:
            return cls(lease, {}, {})
        ids = [report.spend_id for report in reports]
        first = min(lease.up_to_counter, *(report.counter - 1 for report in reports))
        known = [
            _Known(*row)
            for row in db.session.execute(_KNOWN, {"ids": ids, "lease_id": lease.id, "first": first})
        ]
        return cls(
            lease,
            {spend.id: spend for spend in known},
            {spend.counter: spend for spend in known if spend.lease_id == lease.id and spend.reason is None},
        )

    def add(self, spend: _Known) -> None:
        """Keeps a spend that was billed now."""
        self.by_id[spend.id] = spend
        if spend.reason is None:
            self.by_counter[spend.counter] = spend

    def contradicts(self, report: SpendReport) -> bool:
        """Whether the entry does not fit into the chain: its place is taken, or its neighbours differ."""
        before, after = self.by_counter.get(report.counter - 1), self.by_counter.get(report.counter + 1)
        return (
            report.counter in self.by_counter
            or (before is not None and before.hash != report.prev_hash)
            or (after is not None and after.prev_hash != report.hash)
        )

    def advance(self) -> None:
        """Moves `up_to_counter` along the chain as far as it is complete."""
        lease = self.lease
        following = {
            spend.prev_hash: spend for _, spend in sorted(self.by_counter.items(), reverse=True)
        }  # the nearest, where a chain has two beginnings
        while (spend := following.get(lease.head_hash)) is not None:
            if spend.counter <= (lease.up_to_counter if lease.head_hash != FIRST_HASH else -1):
                return
            lease.up_to_counter = spend.counter
            lease.head_hash = spend.hash


@dataclass(frozen=True)
class _Settlement:
    """One lease while it is settled: what was found, and what is to be written in the end."""

    asking: Asking
    lease: Lease
    books: reclaim.Books
    chain: _Chain
    rows: list[Row] = field(default_factory=list)
    completed: list[SpendReport] = field(default_factory=list)

    def settle(self, report: SpendReport) -> SpendResult:
        lease, device = self.lease, self.asking.device
        known = self.chain.by_id.get(report.spend_id)
        if known is not None:
            if known.lease_id == lease.id and known.hash == report.hash and known.counter == report.counter:
                return _again(known)
            return SpendResult(spend_id=report.spend_id, outcome="rejected", reason="spend-id-conflict")
        right = entry_hash(
            report.prev_hash,
            spend_id=report.spend_id,
            lease_id=lease.id,
            counter=report.counter,
            meter=report.meter,
            at=report.at,
        )
        if right != report.hash:
            return SpendResult(spend_id=report.spend_id, outcome="rejected", reason="hash-mismatch")
        forked = self.chain.contradicts(report)
        within = self._bill(Meter(report.meter))
        columns = {
            "id": report.spend_id,
            "account_id": lease.account_id,
            "lease_id": lease.id,
            "counter": report.counter,
            "meter": report.meter,
            "at": report.at,
            "prev_hash": report.prev_hash,
            "hash": report.hash,
            "settled_at": now(),
        }
        spend = _Known(report.spend_id, lease.id, report.counter, report.prev_hash, report.hash)
        self.completed.append(report)
        if within and not forked:
            self.chain.add(spend)
            self.rows.append(_SPENT(**columns))
            return SpendResult(spend_id=report.spend_id, outcome="applied")
        spend = replace(spend, reason="fork" if forked else "beyond-grant")
        self.chain.add(spend)
        self.rows.append(_FORKED(**columns, reason=spend.reason))
        device.forked_at = now()
        record("device.forked", lease.account_id, device=device.id, lease=lease.id, reason=str(spend.reason))
        return _again(spend)

    def _bill(self, meter: Meter) -> bool:
        """Counts one unit; False where it is beyond what the lease grants, and becomes a debt."""
        grant = next(grant for grant in self.lease.grants if grant.meter == meter)
        book = self.books[meter]
        if grant.granted is None:
            book.settle_unlimited()
            grant.settled += 1
            return True
        if grant.held:
            book.settle_held()
            grant.settled += 1
            return True
        if grant.released and self._reclaimed_is_there(book):
            grant.released -= 1
            grant.settled += 1
            return True
        book.bill_excess(self.asking.period.id)
        grant.excess += 1
        # A late spend on a lease whose rest was taken from it is no sign of a copy.
        return grant.settled + grant.excess <= grant.granted

    def _reclaimed_is_there(self, book: ledger.Book) -> bool:
        if self.lease.state == LeaseState.EXPIRED:
            book.settle_expired()
            return True
        return book.settle_returned(self.asking.stand.tier.limit(book.meter))


def _again(known: _Known) -> SpendResult:
    if known.reason is None:
        return SpendResult(spend_id=known.id, outcome="duplicate")
    return SpendResult(spend_id=known.id, outcome="rejected", reason=known.reason)
