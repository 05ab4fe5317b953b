"""The ledger's movements: grant, settle, return, expire; each one statement, each one logged.

Every function works on rows that `open_period` has made, and leaves
`granted = settled + returned + held + expired` true.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update

from license_server.accounts.models import Account
from license_server.clock import now
from license_server.database import db
from license_server.tiers.catalogue import Meter
from license_server.usage.models import UsageLog, UsageStats
from license_server.usage.periods import Period, period_at


def current_period(account: Account) -> Period:
    """The account's period at this moment."""
    return period_at(account.created_at, now())


def open_period(account: Account, period: Period, limits: dict[Meter, int | None]) -> bool:
    """Makes the rows of a period, with the debt that the period before it left; False if they were there.

    The account is locked by the caller.
    """
    if db.session.get(UsageStats, (account.id, period.id, Meter.TRIM.value)) is not None:
        return False
    db.session.add_all(
        UsageStats(
            account_id=account.id,
            period_id=period.id,
            meter=meter,
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            debt=debt_before(account.id, period.id, meter, limits[meter]),
        )
        for meter in Meter
    )
    db.session.flush()
    return True


def debt_before(account_id: str, period_id: str, meter: Meter, limit: int | None) -> int:
    """The debt that a period begins with: the excess of the one before, and what that could not repay."""
    before = db.session.scalar(
        select(UsageStats)
        .where(
            UsageStats.account_id == account_id, UsageStats.meter == meter, UsageStats.period_id < period_id
        )
        .order_by(UsageStats.period_id.desc())
        .limit(1)
    )
    if before is None or limit is None:
        return 0
    return before.excess + max(0, before.debt - limit)


def available(stats: UsageStats, limit: int | None) -> int | None:
    """Units that may still be granted; None is unlimited."""
    return None if limit is None else max(0, limit - stats.debt - stats.settled - stats.held)


@dataclass(frozen=True)
class Book:
    """The ledger of one (account, period, meter), changed for the sake of one lease."""

    account_id: str
    period_id: str
    meter: Meter
    lease_id: str

    def left(self, limit: int) -> int:
        """Units that may still be granted."""
        row = db.session.execute(
            select(UsageStats)
            .where(
                UsageStats.account_id == self.account_id,
                UsageStats.period_id == self.period_id,
                UsageStats.meter == self.meter,
            )
            .execution_options(populate_existing=True)
        ).scalar_one()
        return available(row, limit) or 0

    def grant(self, units: int, limit: int) -> int:
        """Holds that many units, or none; answers how many. Never exceeds the limit, whoever else tries."""
        granted = units > 0 and self._move(
            "granted",
            units,
            UsageStats.debt + UsageStats.settled + UsageStats.held + units <= limit,
            held=UsageStats.held + units,
            granted=UsageStats.granted + units,
        )
        return units if granted else 0

    def settle_held(self) -> None:
        """A held unit was spent."""
        self._move("settled", 1, held=UsageStats.held - 1, settled=UsageStats.settled + 1)

    def settle_unlimited(self) -> None:
        """A unit of an unlimited grant was spent: it is granted and settled at once."""
        self._move("settled", 1, granted=UsageStats.granted + 1, settled=UsageStats.settled + 1)

    def settle_expired(self) -> None:
        """A unit that expired with its period turns out to have been spent in it."""
        self._move("settled", 1, expired=UsageStats.expired - 1, settled=UsageStats.settled + 1)

    def settle_returned(self, limit: int | None) -> bool:
        """A unit that was given back turns out to have been spent; False if it is in other hands by now."""
        room = () if limit is None else (UsageStats.debt + UsageStats.settled + UsageStats.held + 1 <= limit,)
        return self._move(
            "settled", 1, *room, returned=UsageStats.returned - 1, settled=UsageStats.settled + 1
        )

    def take_back(self, units: int) -> None:
        """Held units come back to the account."""
        self._move("returned", units, held=UsageStats.held - units, returned=UsageStats.returned + units)

    def expire(self, units: int) -> None:
        """Held units end with their period."""
        self._move("expired", units, held=UsageStats.held - units, expired=UsageStats.expired + units)

    def bill_excess(self, current_period_id: str) -> None:
        """A unit was delivered beyond every grant: it is owed in the period after this one.

        Where that one has begun already, it is owed there.
        """
        if self.period_id == current_period_id:
            self._move("excess", 1, excess=UsageStats.excess + 1)
        else:
            Book(self.account_id, current_period_id, self.meter, self.lease_id)._move(  # noqa: SLF001
                "debt", 1, debt=UsageStats.debt + 1
            )

    def _move(
        self, change: str, units: int, *conditions: ColumnElement[bool], **values: ColumnElement[int]
    ) -> bool:
        done = db.session.execute(
            update(UsageStats)
            .where(
                UsageStats.account_id == self.account_id,
                UsageStats.period_id == self.period_id,
                UsageStats.meter == self.meter,
                *conditions,
            )
            .values(**values)
            .returning(UsageStats.meter)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if done is None:
            return False
        db.session.add(
            UsageLog(
                at=now(),
                account_id=self.account_id,
                period_id=self.period_id,
                meter=self.meter,
                change=change,
                units=units,
                lease_id=self.lease_id,
            )
        )
        return True
