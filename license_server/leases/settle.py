"""Settling: what a device reports is checked, billed once, and answered with a signed receipt."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from license_server.accounts import service as accounts
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
    lease = db.session.get(Lease, lease_id)
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
    from what the lease grants, and owed where the lease has nothing left for it.
    """
    account = caller.account
    accounts.lock(account.id)
    device.last_seen_at = now()
    stand, period = issue.open_current_period(account)
    results = [_settle_one(lease, device, report, stand.tier, period) for report in spends]
    for failure in failures:
        jobs.failed(
            device, spend_id=failure.spend_id, meter=failure.meter, at=failure.at, details=failure.job
        )
    _advance(lease)
    if return_rest:
        reclaim.give_back(lease)
    db.session.flush()
    applied = {result.spend_id for result in results if result.outcome == "applied"}
    meters = {Meter(report.meter) for report in spends if report.spend_id in applied}
    usage.tell_of_reached_limits(account, period, stand.tier, sorted(meters))
    return results


def _settle_one(lease: Lease, device: Device, report: SpendReport, tier: Tier, period: Period) -> SpendResult:
    known = db.session.get(Spend, report.spend_id) or db.session.get(ForkedSpend, report.spend_id)
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
    forked = _is_fork(lease, report)
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
        db.session.add(Spend(**columns))
        db.session.flush()
        return SpendResult(spend_id=report.spend_id, outcome="applied")
    forked_spend = ForkedSpend(**columns, reason="fork" if forked else "beyond-grant")
    db.session.add(forked_spend)
    device.forked_at = now()
    record("device.forked", lease.account_id, device=device.id, lease=lease.id, reason=forked_spend.reason)
    db.session.flush()
    return _again(forked_spend)


def _again(known: Spend | ForkedSpend) -> SpendResult:
    if isinstance(known, Spend):
        return SpendResult(spend_id=known.id, outcome="duplicate")
    return SpendResult.model_validate({"spend_id": known.id, "outcome": "rejected", "reason": known.reason})


def _is_fork(lease: Lease, report: SpendReport) -> bool:
    """Whether the entry contradicts the chain: its place is taken, or its neighbours differ."""
    neighbours = db.session.scalars(
        select(Spend).where(
            Spend.lease_id == lease.id, Spend.counter.between(report.counter - 1, report.counter + 1)
        )
    )
    for spend in neighbours:
        if spend.counter == report.counter:
            return True
        if spend.counter < report.counter and spend.hash != report.prev_hash:
            return True
        if spend.counter > report.counter and spend.prev_hash != report.hash:
            return True
    return False


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


def _advance(lease: Lease) -> None:
    """Moves `up_to_counter` along the chain as far as it is complete."""
    while True:
        following = db.session.scalar(
            select(Spend)
            .where(
                Spend.lease_id == lease.id,
                Spend.prev_hash == lease.head_hash,
                Spend.counter > (lease.up_to_counter if lease.head_hash != FIRST_HASH else -1),
            )
            .limit(1)
        )
        if following is None:
            return
        lease.up_to_counter = following.counter
        lease.head_hash = following.hash
