"""Who an account is at Stripe, what it pays there, and what is still to be ended there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id, new_id

StripeId = String(255)


class BillingCustomer(Base):
    """An account as Stripe knows it, and the order in which Stripe was asked about it.

    `asked` counts the questions, `answered` is the number of the newest one whose answer was applied: an
    answer to an earlier question never replaces one to a later question, and nothing has to stay locked
    while Stripe thinks.
    """

    __tablename__ = "billing_customers"

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    customer_id: Mapped[str | None] = mapped_column(StripeId, unique=True)
    """Empty before it is made, and after it was deleted at Stripe."""
    attempt: Mapped[int] = mapped_column(default=0)
    """Part of idempotency keys: counts what Stripe failed to do, for it answers a key the same for a day."""
    asked: Mapped[int] = mapped_column(default=0)
    answered: Mapped[int] = mapped_column(default=0)
    email_due_at: Mapped[datetime | None] = mapped_column(index=True)
    """From when on Stripe is to be told of the account's email address; empty if it knows it."""
    created_at: Mapped[datetime]


class Subscription(Base):
    """The subscription of an account that counts, as Stripe told of it last."""

    __tablename__ = "subscriptions"

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    subscription_id: Mapped[str] = mapped_column(StripeId)
    tier: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(32))
    current_period_end: Mapped[datetime]
    cancel_at_period_end: Mapped[bool]
    grace_until: Mapped[datetime | None]
    access_until: Mapped[datetime | None] = mapped_column(index=True)
    """Until when it gives its tier, if nothing else is heard; empty if it gives nothing."""
    told_tier: Mapped[str] = mapped_column(String(16))
    """The tier of the account that was announced last."""


class StripeEvent(Base):
    """An event of Stripe's whose effect is in the database: written in the same transaction."""

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(StripeId, primary_key=True)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    type: Mapped[str] = mapped_column(StripeId)
    received_at: Mapped[datetime] = mapped_column(index=True)


class Ending(Base):
    """A customer or a subscription that is to be ended at Stripe, written with the reason for it.

    It outlives its account, so it has no foreign key. `next_try_at` is empty when it is done.
    """

    __tablename__ = "billing_endings"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(Id)
    customer_id: Mapped[str] = mapped_column(StripeId)
    subscription_id: Mapped[str | None] = mapped_column(StripeId, unique=True)
    """The one to end; empty for everything that the customer has, and the customer."""
    reason: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(index=True)
