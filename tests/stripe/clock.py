"""What time it is at the stand-in: the wall clock, as far ahead as it was moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A clock that can be set."""

    at: datetime

    def __call__(self) -> datetime: ...


class WallClock:
    """The wall clock, with a head start."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    @property
    def at(self) -> datetime:
        return self()

    @at.setter
    def at(self, moment: datetime) -> None:
        self._ahead = moment - datetime.now(UTC)


def months_after(anchor: datetime, count: int) -> datetime:
    """The same day and time so many months later, or the last day of a month that has no such day."""
    month = anchor.year * 12 + anchor.month - 1 + count
    year, month = month // 12, month % 12 + 1
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    last_day = (following - timedelta(days=1)).day
    return anchor.replace(year=year, month=month, day=min(anchor.day, last_day))
