"""Devices and their public keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id, new_id


class Device(Base):
    """One installation of the app. A removed or lost one stays, so that what it still reports is counted."""

    __tablename__ = "devices"
    __table_args__ = (UniqueConstraint("account_id", "public_key"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    platform: Mapped[str] = mapped_column(String(200))
    public_key: Mapped[str] = mapped_column(String(43))
    """Ed25519, raw, base64url without padding."""
    lease_seq: Mapped[int] = mapped_column(default=0)
    """How many leases it was given."""
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    """Since when it is off the list; it may come back with its key."""
    lost_at: Mapped[datetime | None]
    """When it was last reported as lost; it stays known after it has come back."""
    forked_at: Mapped[datetime | None]
    """When copies of it were found; it needs a sign-in after that to get a lease."""
