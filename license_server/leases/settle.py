"""Settling: what a device reports is checked, billed once, and answered with a signed receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload

from license_server.accounts.identity import Caller
from license_server.accounts.models import Account
from license_server.clock import now
from license_server.database import db
from license_server.devices.models import Device
from license_server.errors import NotFound
from license_server.jobs import service as jobs
from license_server.leases import issue, reclaim
from license_server.leases.journal import FIRST_HASH, entry_hash
from license_server.leases.models import ForkedSpend, Lease, LeaseState, Spend
from license_server.leases.schemas import FailureReport, SpendReport, SpendResult
from license_server.system.service import record
from license_server.tiers.catalogue import Meter, Tier
from license_server.usage import ledger
from license_server.usage import service as usage
from license_server.usage.periods import Period


def find(account: Account, lease_id: str) -> Lease:
    """The account's lease. Raises `NotFound`."""
    lease = db.session.get(Lease, lease_id, options=[joinedload(Lease.grants)])
    if lease is None or lease.account_id != account.id:
        raise NotFound("The account has no such lease.")
    return lease


def settle(
    caller: Caller,
    lease: Lease,
    device: Device,
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
    account = caller.account
    stand, period = issue.open_current_period(account)
    chain = _Chain.around(lease, spends)
    with db.session.no_autoflush:  # all is written at once, below
        results = [_settle_one(chain, device, report, stand.tier, period) for report in spends]
    for failure in failures:
        jobs.failed(
            device, spend_id=failure.spend_id, meter=failure.meter, at=failure.at, details=failure.job
        )
    chain.advance()
    if return_rest:
        reclaim.give_back(lease)
    device.last_seen_at = now()
    db.session.flush()
    applied = {result.spend_id for result in results if result.outcome == "applied"}
    meters = {Meter(report.meter) for report in spends if report.spend_id in applied}
    usage.tell_of_reached_limits(account, period, stand.tier, sorted(meters))
    return results


@dataclass(frozen=True)
class _Chain:
    """What is known of a lease's spends, as far as the reports can touch it."""

    lease: Lease
    by_id: dict[str, Spend | ForkedSpend]
    by_counter: dict[int, Spend]

    @classmethod
    def around(cls, lease: Lease, reports: Sequence[SpendReport]) -> _Chain:
        """What has the reports' ids, on whatever lease, and the chain from their places on."""
        if not reports:
            return cls(lease, {}, {})
        ids = [report.spend_id for report in reports]
        first = min(lease.up_to_counter, *(report.counter - 1 for report in reports))
        spends = db.session.scalars(
            select(Spend).where(
                or_(Spend.id.in_(ids), and_(Spend.lease_id == lease.id, Spend.counter >= first))
            )
        ).all()
        forked = db.session.scalars(select(ForkedSpend).where(ForkedSpend.id.in_(ids))).all()
        by_id: dict[str, Spend | ForkedSpend] = {spend.id: spend for spend in spends}
        by_id.update((spend.id, spend) for spend in forked)
        return cls(lease, by_id, {spend.counter: spend for spend in spends if spend.lease_id == lease.id})

    def add(self, spend: Spend | ForkedSpend) -> None:
        """Keeps a spend that was billed now."""
        db.session.add(spend)
        self.by_id[spend.id] = spend
        if isinstance(spend, Spend):
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


def _settle_one(
    chain: _Chain, device: Device, report: SpendReport, tier: Tier, period: Period
) -> SpendResult:
    lease = chain.lease
    known = chain.by_id.get(report.spend_id)
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
    forked = chain.contradicts(report)
    within = _bill(lease, Meter(report.meter), tier, period)
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
    jobs.completed(device, spend_id=report.spend_id, meter=report.meter, at=report.at, details=report.job)
    if within and not forked:
        chain.add(Spend(**columns))
        return SpendResult(spend_id=report.spend_id, outcome="applied")
    forked_spend = ForkedSpend(**columns, reason="fork" if forked else "beyond-grant")
    chain.add(forked_spend)
    device.forked_at = now()
    record("device.forked", lease.account_id, device=device.id, lease=lease.id, reason=forked_spend.reason)
    return _again(forked_spend)


def _again(known: Spend | ForkedSpend) -> SpendResult:
    if isinstance(known, Spend):
        return SpendResult(spend_id=known.id, outcome="duplicate")
    return SpendResult.model_validate({"spend_id": known.id, "outcome": "rejected", "reason": known.reason})


def _bill(lease: Lease, meter: Meter, tier: Tier, period: Period) -> bool:
    """Counts one unit; False where it is beyond what the lease grants, and becomes a debt."""
    grant = next(grant for grant in lease.grants if grant.meter == meter)
    book = reclaim.book(lease, meter)
    if grant.granted is None:
        book.settle_unlimited()
        grant.settled += 1
        return True
    if grant.held:
        book.settle_held()
        grant.settled += 1
        return True
    if grant.released and _reclaimed_is_there(lease, book, tier.limit(meter)):
        grant.released -= 1
        grant.settled += 1
        return True
    book.bill_excess(period.id)
    grant.excess += 1
    # A late spend on a lease whose rest was taken from it is no sign of a copy.
    return grant.settled + grant.excess <= grant.granted


def _reclaimed_is_there(lease: Lease, book: ledger.Book, limit: int | None) -> bool:
    if lease.state == LeaseState.EXPIRED:
        book.settle_expired()
        return True
    return book.settle_returned(limit)
