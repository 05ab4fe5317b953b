"""The jobs that devices reported."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id, new_id


class Job(Base):
    """One reported job: `completed`, or `failed` and not billed.

    Deleting it forgets what it was about; the unit that it cost stays counted.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "account_id", "reported_at"), Index(None, "device_id", "spend_id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"))
    device_id: Mapped[str] = mapped_column(Id, ForeignKey("devices.id", ondelete="CASCADE"))
    spend_id: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(16))
    meter: Mapped[str] = mapped_column(String(16))
    at: Mapped[str] = mapped_column(String(64))
    details: Mapped[JsonValue] = mapped_column(JSON)
    reported_at: Mapped[datetime]
