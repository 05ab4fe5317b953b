"""Tiers given away: complimentary ones, each until a date."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id, new_id


class Gift(Base):
    """A complimentary tier. The newest one of an account counts; an earlier one is history."""

    __tablename__ = "gifts"
    __table_args__ = (CheckConstraint("tier IN ('free', 'pro', 'premium')", name="tier"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    tier: Mapped[str] = mapped_column(String(16))
    until: Mapped[datetime]
    created_at: Mapped[datetime]
