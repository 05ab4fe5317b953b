"""The ledger's movements: grant, settle, return, expire; each one logged.

Every function works on rows that `open_period` has made, and leaves
`granted = settled + returned + held + expired` true.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Integer, bindparam, select, update

from license_server.accounts.models import Account
from license_server.clock import now
from license_server.database import Base, db
from license_server.tiers.catalogue import Meter
from license_server.usage.models import UsageLog, UsageStats
from license_server.usage.periods import Period, period_at
from license_server.writes import Row, Write

MOVED = ("granted", "settled", "held", "returned", "expired", "debt", "excess")
MOST_UNITS = 2**31 - 1


def current_period(account: Account) -> Period:
    """The account's period at this moment."""
    return period_at(account.created_at, now())


def open_period(account: Account, period: Period, limits: dict[Meter, int | None]) -> None:
    """Makes the rows of a period, with the debt that the period before it left.

    The account is locked by the caller.
    """
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


_STATS = Base.metadata.tables[UsageStats.__tablename__]
_MOVE = (
    update(_STATS)
    .where(
        _STATS.c.account_id == bindparam("account"),
        _STATS.c.period_id == bindparam("period"),
        _STATS.c.meter == bindparam("of_meter"),
        _STATS.c.debt + _STATS.c.settled + _STATS.c.held + bindparam("room", type_=Integer)
        <= bindparam("limit", type_=Integer),
    )
    .values({column: _STATS.c[column] + bindparam(f"{column}_by", type_=Integer) for column in MOVED})
    .returning(_STATS.c.settled)
)
_KEEP_LOG = Write(UsageLog)


class Book:
    """The ledger of one (account, period, meter), changed for the sake of one lease.

    What is granted is asked of the database at once; other changes are kept until `post`. The account is
    locked by the caller.
    """

    def __init__(self, account_id: str, period_id: str, meter: Meter, lease_id: str) -> None:
        self.account_id = account_id
        self.period_id = period_id
        self.meter = meter
        self.lease_id = lease_id
        self._moves: Counter[str] = Counter()
        self._log: Counter[str] = Counter()
        self._owed: Counter[str] = Counter()
        self._settled: int | None = None

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
        if units == 0 or self._move(Counter(held=units, granted=units), room=units, limit=limit) is None:
            return 0
        self._log["granted"] += units
        return units

    def settle_held(self) -> None:
        """A held unit was spent."""
        self._note("settled", 1, held=-1, settled=1)

    def settle_unlimited(self) -> None:
        """A unit of an unlimited grant was spent: it is granted and settled at once."""
        self._note("settled", 1, granted=1, settled=1)

    def settle_expired(self) -> None:
        """A unit that expired with its period turns out to have been spent in it."""
        self._note("settled", 1, expired=-1, settled=1)

    def settle_returned(self, limit: int | None) -> bool:
        """A unit that was given back turns out to have been spent; False if it is in other hands by now."""
        self._write_moves()
        room = {} if limit is None else {"room": 1, "limit": limit}
        if self._move(Counter(returned=-1, settled=1), **room) is None:
            return False
        self._log["settled"] += 1
        return True

    def take_back(self, units: int) -> None:
        """Held units come back to the account."""
        self._note("returned", units, held=-units, returned=units)

    def expire(self, units: int) -> None:
        """Held units end with their period."""
        self._note("expired", units, held=-units, expired=units)

    def bill_excess(self, current_period_id: str) -> None:
        """A unit was delivered beyond every grant: it is owed in the period after this one.

        Where that one has begun already, it is owed there.
        """
        if self.period_id == current_period_id:
            self._note("excess", 1, excess=1)
        else:
            self._owed[current_period_id] += 1

    def post(self) -> tuple[int | None, list[Row]]:
        """Writes what changed. Answers the units settled by now, if anything did, and the log to `write`."""
        self._write_moves()
        log = [self._entry(change, units) for change, units in self._log.items()]
        self._log.clear()
        for period_id, units in self._owed.items():
            later = Book(self.account_id, period_id, self.meter, self.lease_id)
            later._note("debt", units, debt=units)
            log += later.post()[1]
        self._owed.clear()
        return self._settled, log

    def _note(self, change: str, units: int, **moves: int) -> None:
        self._moves.update(moves)
        self._log[change] += units

    def _write_moves(self) -> None:
        if self._moves:
            self._move(self._moves)
            self._moves.clear()

    def _move(self, moves: Counter[str], *, room: int = 0, limit: int = MOST_UNITS) -> int | None:
        """Settled units after the move; None where there is no room for it."""
        settled: int | None = db.session.execute(
            _MOVE,
            {
                "account": self.account_id,
                "period": self.period_id,
                "of_meter": self.meter.value,
                "room": room,
                "limit": limit,
                **{f"{column}_by": moves[column] for column in MOVED},
            },
        ).scalar_one_or_none()
        if settled is not None:
            self._settled = settled
        return settled

    def _entry(self, change: str, units: int) -> Row:
        return _KEEP_LOG(
            at=now(),
            account_id=self.account_id,
            period_id=self.period_id,
            meter=self.meter.value,
            change=change,
            units=units,
            lease_id=self.lease_id,
        )
