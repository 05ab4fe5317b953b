"""Leases, what they grant, and the spends that were settled on them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from license_server.database import Base, Id, new_id
from license_server.leases.journal import FIRST_HASH


class LeaseState(StrEnum):
    OPEN = "open"
    """The device's present lease."""
    SUPERSEDED = "superseded"
    """The device has a newer one; what it holds on this one stays held."""
    RETURNED = "returned"
    """The device gave the rest back."""
    LOST = "lost"
    """Its device was reported as lost, and the rest taken back."""
    EXPIRED = "expired"
    """Its period has ended."""


class Lease(Base):
    """A signed allowance of a device for a period."""

    __tablename__ = "leases"
    __table_args__ = (
        UniqueConstraint("device_id", "request_id"),
        UniqueConstraint("device_id", "seq"),
        Index(None, "account_id", "state"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"))
    device_id: Mapped[str] = mapped_column(Id, ForeignKey("devices.id", ondelete="CASCADE"))
    request_id: Mapped[str | None] = mapped_column(String(100))
    """The device's own name for its request; None where the lease came with a settle."""
    seq: Mapped[int]
    prev_id: Mapped[str | None] = mapped_column(Id, ForeignKey("leases.id", ondelete="CASCADE"), unique=True)
    """The lease before it on this device. A lease has one successor at most."""
    period_id: Mapped[str] = mapped_column(String(10))
    tier: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default=LeaseState.OPEN)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    token: Mapped[str] = mapped_column(Text)
    up_to_counter: Mapped[int] = mapped_column(default=0)
    """All spends up to this counter are settled, and each one points at the one before it."""
    head_hash: Mapped[str] = mapped_column(String(64), default=FIRST_HASH)
    """The hash of the spend at `up_to_counter`."""
    grants: Mapped[list[LeaseGrant]] = relationship(
        lazy="selectin", order_by="LeaseGrant.meter", cascade="all, delete-orphan", passive_deletes=True
    )


class LeaseGrant(Base):
    """Units of one meter on a lease. `granted - settled - released` are held; None granted is unlimited."""

    __tablename__ = "lease_grants"
    __table_args__ = (
        CheckConstraint("granted IS NULL OR settled + released <= granted", name="within_grant"),
        CheckConstraint("settled >= 0 AND released >= 0 AND excess >= 0", name="not_negative"),
    )

    lease_id: Mapped[str] = mapped_column(Id, ForeignKey("leases.id", ondelete="CASCADE"), primary_key=True)
    meter: Mapped[str] = mapped_column(String(16), primary_key=True)
    granted: Mapped[int | None]
    settled: Mapped[int] = mapped_column(default=0)
    released: Mapped[int] = mapped_column(default=0)
    """Given back, taken back, or expired: the lease's state tells which."""
    excess: Mapped[int] = mapped_column(default=0)
    """Delivered beyond the grant, and billed as debt."""

    @property
    def held(self) -> int:
        """Units that the device may have and has not reported; 0 where there is no count."""
        return 0 if self.granted is None else self.granted - self.settled - self.released


class Spend(Base):
    """A unit that a device spent, at its place in the lease's chain."""

    __tablename__ = "spends"
    __table_args__ = (UniqueConstraint("lease_id", "counter"),)

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    lease_id: Mapped[str] = mapped_column(Id, ForeignKey("leases.id", ondelete="CASCADE"))
    counter: Mapped[int]
    meter: Mapped[str] = mapped_column(String(16))
    at: Mapped[str] = mapped_column(String(64))
    """The device's own words for when, as they were hashed."""
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    settled_at: Mapped[datetime]


class ForkedSpend(Base):
    """A unit that a copy of the device spent: billed, with no place in the chain."""

    __tablename__ = "forked_spends"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    lease_id: Mapped[str] = mapped_column(Id, ForeignKey("leases.id", ondelete="CASCADE"), index=True)
    counter: Mapped[int]
    meter: Mapped[str] = mapped_column(String(16))
    at: Mapped[str] = mapped_column(String(64))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(32))
    settled_at: Mapped[datetime]
