"""What an account has used and has left, and what would help when nothing is."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, select

from license_server.accounts.models import Account
from license_server.database import db
from license_server.errors import QuotaExhausted, WhatWouldHelp
from license_server.mail import outbox
from license_server.mail.letters import LimitReached
from license_server.tiers.catalogue import Meter, Tier
from license_server.tiers.service import STANDING, Standing, offers, standing_of, with_standing
from license_server.usage import ledger
from license_server.usage.models import UsageStats
from license_server.usage.periods import Period
from license_server.usage.schemas import (
    LimitReachedData,
    Meters,
    MeterUsage,
    PastPeriod,
    PeriodAnswer,
    Usage,
    UsedUnits,
)
from license_server.webhooks import service as webhooks

_NAMES = {Meter.TRIM: "trims", Meter.HOOK_RUN: "AI hook runs"}


def usage(account: Account) -> Usage:
    """The account's usage, as `GET /auth/usage` tells it. Changes nothing."""
    stand, by_period = _by_period(account)
    tier, period = stand.tier, ledger.current_period(account)
    present = by_period.get(period.id, {})
    return Usage(
        tier=tier.id,
        period=PeriodAnswer(id=period.id, starts_at=period.starts_at, ends_at=period.ends_at),
        max_source_seconds=tier.max_source_seconds,
        meters=Meters(
            trim=_told(account, period, tier, Meter.TRIM, present.get(Meter.TRIM)),
            hook_run=_told(account, period, tier, Meter.HOOK_RUN, present.get(Meter.HOOK_RUN)),
        ),
        history=[_past(period_id, meters) for period_id, meters in by_period.items()],
    )


def quota_exhausted(account: Account, period: Period, tier: Tier, meter: Meter) -> QuotaExhausted:
    """The refusal, with the tiers that would do and the day the quota renews."""
    numbers = _meter(account, period, tier, meter)
    elsewhere = f", and {numbers.held} are held by your devices" if numbers.held else ""
    return QuotaExhausted(
        f"{numbers.settled} of this month's {numbers.limit} {_NAMES[meter]} are used{elsewhere}.",
        meter=meter.value,
        tier=tier.id,
        limit=numbers.limit,
        settled=numbers.settled,
        held=numbers.held,
        what_would_help=WhatWouldHelp(
            renews_at=period.ends_at, tiers=offers(tier, lambda other: other.limit(meter))
        ),
    )


def tell_of_reached_limits(
    account: Account, period: Period, tier: Tier, settled: Mapping[Meter, int]
) -> None:
    """Tells the account, once a period, that the units of a meter are used up. The account is locked."""
    for meter, units in settled.items():
        limit = tier.limit(meter)
        if limit is None or units < limit:
            continue
        first = outbox.post_once(
            LimitReached(units=_NAMES[meter], limit=limit, renews_at=period.ends_at),
            account.email,
            account.id,
            f"limit-reached {period.id} {meter.value}",
        )
        if first:
            told = LimitReachedData(
                meter=meter.value, limit=limit, period_id=period.id, renews_at=period.ends_at
            )
            webhooks.enqueue(db.session, account.id, "usage.limit_reached", told.model_dump(mode="json"))


def _meter(account: Account, period: Period, tier: Tier, meter: Meter) -> MeterUsage:
    stats = db.session.get(UsageStats, (account.id, period.id, meter.value), populate_existing=True)
    return _told(account, period, tier, meter, stats)


def _told(account: Account, period: Period, tier: Tier, meter: Meter, stats: UsageStats | None) -> MeterUsage:
    limit = tier.limit(meter)
    if stats is None:
        left = (
            None if limit is None else max(0, limit - ledger.debt_before(account.id, period.id, meter, limit))
        )
        return MeterUsage(limit=limit, settled=0, held=0, available=left)
    return MeterUsage(
        limit=limit, settled=stats.settled, held=stats.held, available=ledger.available(stats, limit)
    )


_BY_PERIOD = (
    with_standing(select(*STANDING, UsageStats).select_from(Account))
    .outerjoin(UsageStats, UsageStats.account_id == Account.id)
    .where(Account.id == bindparam("account_id"))
    .order_by(UsageStats.period_id.desc())
    .execution_options(populate_existing=True)
)


def _by_period(account: Account) -> tuple[Standing, dict[str, dict[str, UsageStats]]]:
    """The account's standing, and its ledger by period, newest first, and meter."""
    rows = db.session.execute(_BY_PERIOD, {"account_id": account.id}).all()
    by_period: dict[str, dict[str, UsageStats]] = {}
    for *_, stats in rows:
        if stats is not None:
            by_period.setdefault(stats.period_id, {})[stats.meter] = stats
    return standing_of(*rows[0][:-1]), by_period


def _past(period_id: str, meters: dict[str, UsageStats]) -> PastPeriod:
    return PastPeriod(
        id=period_id,
        starts_at=meters[Meter.TRIM].starts_at,
        ends_at=meters[Meter.TRIM].ends_at,
        meters=UsedUnits(trim=meters[Meter.TRIM].settled, hook_run=meters[Meter.HOOK_RUN].settled),
    )
