"""Tiers given away."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id


class Gift(Base):
    """The complimentary tier of an account, until a moment; earlier ones are in the audit log."""

    __tablename__ = "gifts"
    __table_args__ = (CheckConstraint("tier IN ('free', 'pro', 'premium')", name="tier"),)

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    tier: Mapped[str] = mapped_column(String(16))
    until: Mapped[datetime]
    created_at: Mapped[datetime]
