"""The ledger: monthly totals of each meter, and the log of every change to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id

_BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys by itself


class UsageStats(Base):
    """The ledger of one (account, meter, period), in units.

    `granted = settled + returned + held + expired`, always. `debt` was carried in from an earlier period and
    lessens what is available; `excess` was delivered beyond every grant and becomes the next period's debt.
    """

    __tablename__ = "usage_stats"
    __table_args__ = (
        CheckConstraint("granted = settled + returned + held + expired", name="balanced"),
        CheckConstraint(
            "granted >= 0 AND settled >= 0 AND returned >= 0 AND held >= 0 AND expired >= 0"
            " AND debt >= 0 AND excess >= 0",
            name="not_negative",
        ),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    period_id: Mapped[str] = mapped_column(String(10), primary_key=True)
    meter: Mapped[str] = mapped_column(String(16), primary_key=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    granted: Mapped[int] = mapped_column(default=0)
    settled: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    returned: Mapped[int] = mapped_column(default=0)
    expired: Mapped[int] = mapped_column(default=0)
    debt: Mapped[int] = mapped_column(default=0)
    excess: Mapped[int] = mapped_column(default=0)


class UsageLog(Base):
    """One change of the ledger: what happened to how many units, on which lease."""

    __tablename__ = "usage_log"
    __table_args__ = (Index(None, "account_id", "period_id"),)

    id: Mapped[int] = mapped_column(_BigId, Identity(), primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"))
    period_id: Mapped[str] = mapped_column(String(10))
    meter: Mapped[str] = mapped_column(String(16))
    change: Mapped[str] = mapped_column(String(16))
    units: Mapped[int]
    lease_id: Mapped[str | None] = mapped_column(Id)
