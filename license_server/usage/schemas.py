"""How usage is told."""

from __future__ import annotations

from datetime import datetime

from license_server.schemas import Answer


class MeterUsage(Answer):
    """Units in this period: `limit` and `available` are null where the tier is unlimited."""

    limit: int | None
    settled: int
    held: int
    available: int | None


class Meters(Answer):
    trim: MeterUsage
    hook_run: MeterUsage


class PeriodAnswer(Answer):
    id: str
    starts_at: datetime
    ends_at: datetime


class UsedUnits(Answer):
    trim: int
    hook_run: int


class PastPeriod(PeriodAnswer):
    """What was used in one period."""

    meters: UsedUnits


class Usage(Answer):
    """Usage in the present period, and by month, newest first."""

    tier: str
    period: PeriodAnswer
    max_source_seconds: int
    meters: Meters
    history: list[PastPeriod]


class LimitReachedData(Answer):
    """What the webhook `usage.limit_reached` tells: the units of a meter are used up until `renews_at`."""

    meter: str
    limit: int
    period_id: str
    renews_at: datetime
