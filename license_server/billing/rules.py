"""What a customer's subscriptions give: from what Stripe says of them to a tier and a date. No effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from license_server.tiers.catalogue import BY_ID, TIERS

GRACE = timedelta(days=7)
"""How long a tier outlasts what was paid: while a payment fails, and while no news of a renewal comes."""

ENDED = ("canceled", "incomplete_expired")
LIVE = ("active", "trialing", "past_due", "unpaid", "paused")
"""What stands in the way of another subscription; an `incomplete` one was never paid."""


class MoneyBack(Enum):
    """What happened to a payment after it was made; each but None takes the tier away."""

    NO = "no"
    DISPUTED = "disputed"
    """The bank took it back for now; the tier comes back if the dispute is won."""
    DISPUTE_LOST = "dispute-lost"
    REFUNDED = "refunded"
    """All that was paid for the present period was given back."""

    @property
    def ends(self) -> bool:
        """Whether the subscription is to be ended at Stripe too."""
        return self in {MoneyBack.DISPUTE_LOST, MoneyBack.REFUNDED}


@dataclass(frozen=True)
class Unpaid:
    """The oldest invoice that was not paid yet, and the page where it can be paid."""

    invoice_id: str
    since: datetime
    pay_url: str | None


@dataclass(frozen=True)
class StripeSubscription:
    """A subscription as Stripe tells of it now. `cancel_at` is when it will end, also at its period's end."""

    id: str
    status: str
    price_id: str
    created_at: datetime
    period_start: datetime
    period_end: datetime
    cancel_at: datetime | None = None
    unpaid: Unpaid | None = None
    money_back: MoneyBack = MoneyBack.NO

    @property
    def cancels_at_period_end(self) -> bool:
        return self.cancel_at is not None and self.cancel_at <= self.period_end and self.status not in ENDED


@dataclass(frozen=True)
class Entitlement:
    """The subscription that counts, its tier, and until when it gives that."""

    subscription: StripeSubscription
    tier: str
    access_until: datetime | None
    grace_until: datetime | None


def entitlement(
    subscriptions: Iterable[StripeSubscription], tiers: Mapping[str, str], at: datetime
) -> Entitlement | None:
    """What the best of the subscriptions gives at a moment; None if there are none.

    `tiers` tells the tier of each one's price.
    """
    found = [
        Entitlement(
            each,
            tiers[each.price_id],
            access_until=access_until(each, at),
            grace_until=unpaid_since(each, at) + GRACE if each.status == "past_due" else None,
        )
        for each in subscriptions
    ]
    return max(found, key=lambda each: _worth(each, at), default=None)


def access_until(subscription: StripeSubscription, at: datetime) -> datetime | None:
    """Until when a subscription gives its tier if nothing changes; None if it gives nothing."""
    if subscription.money_back is not MoneyBack.NO:
        return None
    if subscription.status in {"active", "trialing"}:
        return subscription.cancel_at or subscription.period_end + GRACE
    if subscription.status == "past_due":
        ends = unpaid_since(subscription, at) + GRACE
        return min(ends, subscription.cancel_at or ends)
    return None


def unpaid_since(subscription: StripeSubscription, at: datetime) -> datetime:
    """When the first payment failed, for a subscription that is past due.

    Where Stripe shows no open invoice, it is the beginning of the period that is not paid for.
    """
    if subscription.unpaid is not None:
        return subscription.unpaid.since
    return subscription.period_end if subscription.period_end <= at else subscription.period_start


def _worth(each: Entitlement, at: datetime) -> tuple[bool, int, bool, datetime, str]:
    gives = each.access_until is not None and each.access_until > at
    return (
        gives,
        TIERS.index(BY_ID[each.tier]) if gives else 0,
        each.subscription.status in LIVE,
        each.subscription.created_at,
        each.subscription.id,
    )
