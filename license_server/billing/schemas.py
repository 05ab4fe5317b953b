"""What the endpoints under `/payments` take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict

from license_server.schemas import Answer, Body


class CheckoutRequest(Body):
    """The tier to buy."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tier": "pro"}]})

    tier: Literal["pro", "premium"]


class Checkout(Answer):
    """Where to pay, in a browser."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "checkout_url": "https://checkout.stripe.com/c/pay/cs_live_a1b2",
                    "session_id": "cs_live_a1b2",
                }
            ]
        }
    )

    checkout_url: str
    session_id: str


class Portal(Answer):
    """Where to change the plan or the card, cancel, resume, and see invoices, in a browser."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"portal_url": "https://billing.stripe.com/p/session/live_a1b2"}]}
    )

    portal_url: str


class SubscriptionStatus(Answer):
    """The account's tier now, and the subscription behind it as Stripe tells of it.

    `status` is Stripe's word (`active`, `trialing`, `past_due`, `incomplete`, `incomplete_expired`,
    `unpaid`, `paused`, `canceled`), or null where there never was a subscription. `grace_until` is set while
    a payment fails: until then the tier stays.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tier": "pro",
                    "status": "past_due",
                    "current_period_end": "2026-12-24T09:00:00Z",
                    "cancel_at_period_end": False,
                    "grace_until": "2026-12-01T09:00:00Z",
                }
            ]
        }
    )

    tier: str
    status: str | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False
    grace_until: datetime | None = None


class Received(Answer):
    """The event was taken; Stripe need not send it again."""

    received: bool = True
