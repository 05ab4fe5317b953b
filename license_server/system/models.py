"""The audit log, and when periodic tasks are due."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Identity, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id


class AuditEntry(Base):
    """Something that was done about authentication, devices or tiers; by id, never by name or address.

    It outlives its account, so it has no foreign key.
    """

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "account_id", "at"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True
    )
    at: Mapped[datetime]
    account_id: Mapped[str] = mapped_column(Id)
    event: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, str]] = mapped_column(JSON)


class PeriodicTask(Base):
    """When a task of the background is due next, wherever in the deployment it is done."""

    __tablename__ = "periodic_tasks"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_at: Mapped[datetime]
    position: Mapped[str | None] = mapped_column(String(255))
    """How far a run has come that did not end; the next one goes on after it."""
