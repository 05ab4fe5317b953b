"""Where webhooks go, and the outbox of what was and is to be sent there."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id, new_id


class WebhookEndpoint(Base):
    """An address that an account wants to be told at.

    Its signing secret is derived from its id, `secret_version` and the server's secret, so none is kept.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (Index(None, "account_id", "created_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(String(200))
    events: Mapped[list[str]] = mapped_column(JSON)
    secret_version: Mapped[int] = mapped_column(default=1)
    old_secret_until: Mapped[datetime | None]
    """Until when the secret before this one signs too."""
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When the tier that it came with ended; it is told nothing new since."""
    last_success_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None] = mapped_column(String(16))
    busy_until: Mapped[datetime | None]
    """While a message is on its way there, and for a pause after it did not answer at all."""
    unanswered: Mapped[int] = mapped_column(default=0)
    """Tries since it last answered."""


class WebhookDelivery(Base):
    """One event for one endpoint, written in the transaction in which it happened.

    `id` is the `webhook-id` of every try. `next_try_at` is empty when nothing is to be done any more: it was
    delivered, or given up.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (Index(None, "endpoint_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    endpoint_id: Mapped[str] = mapped_column(Id, ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(40))
    payload: Mapped[str] = mapped_column(Text)
    """The body, as it is signed and sent each time."""
    created_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(index=True)
    delivered_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    attempts: Mapped[list[dict[str, JsonValue]]] = mapped_column(JSON)
    """What came of each try, oldest first."""
