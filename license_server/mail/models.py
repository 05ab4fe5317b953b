"""The outbox: mail that is to be sent, and mail that was."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id, new_id


class Mail(Base):
    """One letter to one address, written in the transaction that gives the reason for it.

    `account_id` is empty until it is known whether the address has an account. `next_try_at` is empty when
    nothing is to be done any more: it was sent, or given up.
    """

    __tablename__ = "mails"
    __table_args__ = (UniqueConstraint("account_id", "once"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str | None] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"))
    once: Mapped[str | None] = mapped_column(String(100))
    """What an account is told only once."""
    to_address: Mapped[str] = mapped_column(String(320))
    letter: Mapped[dict[str, JsonValue]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
