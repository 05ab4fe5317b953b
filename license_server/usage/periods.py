"""The counting month of an account: from anniversary to anniversary, in UTC."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time


@dataclass(frozen=True, order=True)
class Period:
    """The half-open range [starts_at, ends_at) of one counting month."""

    starts_at: datetime
    ends_at: datetime

    @property
    def id(self) -> str:
        """The day it starts, as YYYY-MM-DD; it sorts in time."""
        return self.starts_at.date().isoformat()


def period_at(created_at: datetime, at: datetime) -> Period:
    """The period of an account made at `created_at` that contains `at`; both aware.

    Periods start at midnight UTC of the day of the month on which the account was made, or of the last day
    in months that have no such day; the day does not drift (31 January, 28 February, 31 March). A time
    before the account was made counts into its first period.
    """
    created = created_at.astimezone(UTC).date()
    today = max(at.astimezone(UTC).date(), created)
    month = today.year * 12 + today.month - 1
    if today < _anniversary(month, created.day):
        month -= 1
    return Period(
        _midnight(_anniversary(month, created.day)), _midnight(_anniversary(month + 1, created.day))
    )


def _anniversary(month: int, day: int) -> date:
    """The anniversary in a month that is counted from the year 0."""
    year, month = month // 12, month % 12 + 1
    return date(year, month, min(day, monthrange(year, month)[1]))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
