"""What Stripe says of a customer now: the only source of what billing decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import stripe

from license_server.billing.rules import LIVE, MoneyBack, StripeSubscription, Unpaid
from license_server.billing.stripe_client import id_of, is_missing
from license_server.logs import log

_OPEN_DISPUTES = {"needs_response", "under_review", "appeal_needs_response", "appeal_under_review"}
_BILLED_BEFORE_PERIOD = timedelta(hours=1)
"""By how much an invoice may be older than the period that it is for."""
_PAGE = 100

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Snapshot:
    """A customer and all of its subscriptions, also the ended ones; `exists` is False once it was deleted."""

    exists: bool
    subscriptions: tuple[StripeSubscription, ...]


def look(client: stripe.StripeClient, customer_id: str) -> Snapshot:
    """Asks Stripe. Raises `stripe.StripeError`."""
    try:
        listed = client.v1.subscriptions.list({"customer": customer_id, "status": "all", "limit": _PAGE})
        subscriptions = [each for each in map(_read, listed.auto_paging_iter()) if each is not None]
    except stripe.InvalidRequestError as error:
        if not is_missing(error):
            raise
        subscriptions = []
    if not any(each.status in LIVE for each in subscriptions) and _is_deleted(client, customer_id):
        return Snapshot(exists=False, subscriptions=())
    charges = None
    looked: list[StripeSubscription] = []
    for each in subscriptions:
        if each.status not in LIVE:
            looked.append(each)
            continue
        if charges is None:
            charges = _seen(lambda: client.v1.charges.list({"customer": customer_id, "limit": _PAGE}).data)
        looked.append(_with_money(client, each, charges))
    return Snapshot(exists=True, subscriptions=tuple(looked))


def _read(subscription: stripe.Subscription) -> StripeSubscription | None:
    items = subscription["items"].data  # `.items` would do too, but reads like a dict's
    if not items:
        return None
    end = _time(items[0].current_period_end)
    cancel_at = getattr(subscription, "cancel_at", None)
    at_period_end = end if getattr(subscription, "cancel_at_period_end", False) else None
    return StripeSubscription(
        id=subscription.id,
        status=subscription.status,
        price_id=items[0].price.id,
        created_at=_time(subscription.created),
        period_start=_time(items[0].current_period_start),
        period_end=end,
        cancel_at=_time(cancel_at) if cancel_at else at_period_end,
    )


def _with_money(
    client: stripe.StripeClient, subscription: StripeSubscription, charges: list[stripe.Charge]
) -> StripeSubscription:
    """The subscription with what became of its invoices and payments."""
    invoices = _seen(
        lambda: (
            client.v1.invoices.list(
                {"subscription": subscription.id, "limit": _PAGE, "expand": ["data.payments"]}
            ).data
        )
    )
    paid = [each for each in invoices if each.status == "paid"]
    of_period = [
        each
        for each in paid
        if _time(each.created) >= subscription.period_start - _BILLED_BEFORE_PERIOD
        and getattr(each, "billing_reason", None) != "subscription_update"
    ]
    return replace(
        subscription,
        unpaid=_unpaid(invoices),
        money_back=_money_back(client, _charges_of(paid, charges), _charges_of(of_period, charges)),
    )


def _unpaid(invoices: Iterable[stripe.Invoice]) -> Unpaid | None:
    due = [each for each in invoices if each.status == "open" and getattr(each, "amount_remaining", 1) > 0]
    oldest = min(due, key=lambda each: (each.created, each.id), default=None)
    if oldest is None:
        return None
    return Unpaid(oldest.id, _time(oldest.created), getattr(oldest, "hosted_invoice_url", None))


def _charges_of(invoices: Iterable[stripe.Invoice], charges: Iterable[stripe.Charge]) -> list[stripe.Charge]:
    paid_with: set[str | None] = set()
    for invoice in invoices:
        payments = getattr(invoice, "payments", None)
        for payment in payments.data if payments else ():
            paid_with.add(id_of(getattr(payment.payment, "payment_intent", None)))
            paid_with.add(id_of(getattr(payment.payment, "charge", None)))
    paid_with.discard(None)
    return [
        each
        for each in charges
        if each.paid and paid_with & {each.id, id_of(getattr(each, "payment_intent", None))}
    ]


def _money_back(
    client: stripe.StripeClient, ever: list[stripe.Charge], of_period: list[stripe.Charge]
) -> MoneyBack:
    statuses: set[str] = set()
    for charge in ever:
        if charge.disputed:
            statuses |= {dispute.status for dispute in client.v1.disputes.list({"charge": charge.id})}
    if "lost" in statuses:
        return MoneyBack.DISPUTE_LOST
    if of_period and all(charge.refunded for charge in of_period):
        return MoneyBack.REFUNDED
    return MoneyBack.DISPUTED if statuses & _OPEN_DISPUTES else MoneyBack.NO


def _seen(ask: Callable[[], list[AnswerT]]) -> list[AnswerT]:
    """The answer, or nothing where Stripe does not show it to us: a restricted key may not see payments."""
    try:
        return ask()
    except (stripe.InvalidRequestError, stripe.PermissionError) as error:
        log.warning("stripe-does-not-show", error=type(error).__name__, code=error.code)
        return []


def _is_deleted(client: stripe.StripeClient, customer_id: str) -> bool:
    try:
        customer = client.v1.customers.retrieve(customer_id)
    except stripe.InvalidRequestError as error:
        if not is_missing(error):
            raise
        return True
    return bool(getattr(customer, "deleted", False))


def _time(seconds: Any) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
