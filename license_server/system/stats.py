"""What administrators see: how many there are of everything, and how much waits."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from license_server.accounts.models import Account, Role
from license_server.billing.models import Subscription
from license_server.clock import now
from license_server.database import Base, db
from license_server.devices.models import Device
from license_server.jobs.models import Job
from license_server.leases.models import Lease, LeaseState
from license_server.system import outboxes
from license_server.system.schemas import AccountCounts, LedgerTotals, OutboxDepth, Stats
from license_server.tiers.catalogue import BY_ID, FREE, TIERS, Meter, TierId
from license_server.tiers.models import Gift
from license_server.tiers.service import with_standing
from license_server.usage.models import UsageStats

NEW_FOR = timedelta(days=30)


def stats() -> Stats:
    """The numbers at this moment. Takes as long as it takes to count every account."""
    accounts = _accounts()
    return Stats(
        accounts=accounts,
        tiers=_tiers(),
        devices=_count(Device, Device.removed_at.is_(None)),
        open_leases=_count(Lease, Lease.state == LeaseState.OPEN),
        jobs=_jobs(),
        meters=_meters(),
        outboxes={
            name: OutboxDepth(waiting=depth.waiting, oldest_seconds=round(depth.oldest_seconds, 1))
            for name, depth in outboxes.depths().items()
        },
    )


def _accounts() -> AccountCounts:
    total, verified, administrators, new = db.session.execute(
        select(
            func.count(),
            func.count().filter(Account.email_verified),
            func.count().filter(Account.role == Role.ADMIN),
            func.count().filter(Account.created_at > now() - NEW_FOR),
        ).select_from(Account)
    ).one()
    return AccountCounts(total=total, verified=verified, administrators=administrators, new_in_30_days=new)


def _tiers() -> dict[TierId, int]:
    """How many accounts have each tier now: the better one of what they were given and what they pay for."""
    given = case((Gift.until > now(), Gift.tier), else_=FREE.id).label("given")
    paid = case((Subscription.access_until > now(), Subscription.tier), else_=FREE.id).label("paid")
    rows = db.session.execute(
        with_standing(select(given, paid, func.count()).select_from(Account)).group_by(given, paid)
    )
    counts = dict.fromkeys((tier.id for tier in TIERS), 0)
    for tier, other, accounts in rows:
        counts[max(BY_ID[tier], BY_ID[other], key=TIERS.index).id] += accounts
    return counts


def _jobs() -> dict[Meter, int]:
    counts = _numbers(Job.meter)
    return {meter: counts.get(meter, 0) for meter in Meter}


def _meters() -> dict[Meter, LedgerTotals]:
    """The ledgers of all periods that run now."""
    rows = db.session.execute(
        select(
            UsageStats.meter,
            func.sum(UsageStats.granted),
            func.sum(UsageStats.settled),
            func.sum(UsageStats.held),
            func.sum(UsageStats.debt + UsageStats.excess),
        )
        .where(UsageStats.starts_at <= now(), UsageStats.ends_at > now())
        .group_by(UsageStats.meter)
    ).all()
    found = {
        meter: LedgerTotals(granted=granted, settled=settled, held=held, owed=owed)
        for meter, granted, settled, held, owed in rows
    }
    return {
        meter: found.get(meter.value, LedgerTotals(granted=0, settled=0, held=0, owed=0)) for meter in Meter
    }


def _count(model: type[Base], condition: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(condition)) or 0


def _numbers(column: InstrumentedAttribute[str], *conditions: ColumnElement[bool]) -> dict[str, int]:
    """How many rows there are of each value of the column."""
    rows = db.session.execute(select(column, func.count()).where(*conditions).group_by(column))
    return {value: number for value, number in rows}  # noqa: C416 - rows are no pairs to the type checker
