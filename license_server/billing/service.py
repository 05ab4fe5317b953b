"""Making the database say what Stripe says, and telling everybody concerned what changed by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app
from pydantic_core import to_jsonable_python
from sqlalchemy import select, update

from license_server.accounts import service as accounts
from license_server.accounts.models import Account
from license_server.api_keys import service as api_keys
from license_server.billing import outbox as endings
from license_server.billing.models import BillingCustomer, StripeEvent, Subscription
from license_server.billing.rules import ENDED, Entitlement, StripeSubscription, entitlement
from license_server.billing.schemas import SubscriptionStatus
from license_server.billing.snapshot import Snapshot, look
from license_server.billing.stripe_client import stripe_account
from license_server.clock import now
from license_server.config import Config
from license_server.database import db, unit_of_work
from license_server.mail import outbox
from license_server.mail.letters import PaymentFailed
from license_server.system.service import record
from license_server.tiers.catalogue import BY_ID, FREE
from license_server.tiers.service import standing
from license_server.webhooks import service as webhooks


@dataclass(frozen=True)
class Occasion:
    """The event of Stripe's that is the reason to ask."""

    event_id: str
    type: str


@dataclass(frozen=True)
class _Question:
    account_id: str
    customer_id: str
    number: int


def status(account_id: str) -> SubscriptionStatus:
    """The subscription of an account as `GET /payments/subscription-status` tells it."""
    tier = standing(account_id).tier.id
    row = db.session.get(Subscription, account_id)
    if row is None:
        return SubscriptionStatus(tier=tier)
    return SubscriptionStatus(
        tier=tier,
        status=row.status,
        current_period_end=row.current_period_end,
        cancel_at_period_end=row.cancel_at_period_end,
        grace_until=row.grace_until,
    )


def sync(customer_id: str, occasion: Occasion | None = None) -> bool:
    """Asks Stripe about a customer and applies the answer; False if no account is that customer.

    To be called while no transaction is open. Whatever is asked, in whichever order and how often, what is
    left is the answer to the newest question: each question is numbered before it is asked, so its answer
    has at least everything that was known when it got its number. Raises `BillingUnavailable`.
    """
    question = _question(customer_id, occasion)
    if question is None:
        return False
    if question.number:
        with stripe_account() as client:
            found = look(client, customer_id)
        _apply(question, found, occasion)
    return True


def _question(customer_id: str, occasion: Occasion | None) -> _Question | None:
    """The next question about a customer; its number is 0 where the event has had its effect already."""
    with unit_of_work(writes=True):
        if occasion is not None:
            seen = db.session.get(StripeEvent, occasion.event_id, populate_existing=True)
            if seen is not None:
                return _Question(seen.account_id, customer_id, 0)
        row = db.session.execute(
            update(BillingCustomer)
            .where(BillingCustomer.customer_id == customer_id)
            .values(asked=BillingCustomer.asked + 1)
            .returning(BillingCustomer.account_id, BillingCustomer.asked)
            .execution_options(synchronize_session=False)
        ).one_or_none()
    return None if row is None else _Question(row.account_id, customer_id, row.asked)


def _apply(question: _Question, found: Snapshot, occasion: Occasion | None) -> None:
    with unit_of_work(writes=True):
        if db.session.get(Account, question.account_id, populate_existing=True) is None:
            return  # it was deleted meanwhile, and what it had at Stripe with it
        accounts.lock(question.account_id)
        customer = db.session.get(BillingCustomer, question.account_id)
        if customer is None or customer.customer_id != question.customer_id:
            return
        if occasion is not None and db.session.get(StripeEvent, occasion.event_id) is None:
            db.session.add(
                StripeEvent(
                    id=occasion.event_id,
                    account_id=question.account_id,
                    type=occasion.type,
                    received_at=now(),
                )
            )
        if question.number <= customer.answered:
            return  # a later question was answered before
        customer.answered = question.number
        _take_over(customer, found)


def _take_over(customer: BillingCustomer, found: Snapshot) -> None:
    row = db.session.get(Subscription, customer.account_id)
    before = _shown(row)
    tiers = tiers_of_prices()
    ours = [each for each in found.subscriptions if each.price_id in tiers]
    best = entitlement(ours, tiers, now())
    if best is not None:
        row = _write(row, customer.account_id, best)
        _act_on_money(customer, best, ours)
    elif row is not None and row.status not in ENDED:
        row.status, row.access_until, row.grace_until = "canceled", None, None
    if not found.exists:
        record("billing.customer-gone", customer.account_id, customer=customer.customer_id or "")
        customer.customer_id = None
    db.session.flush()
    if row is not None:
        _tell(row, changed=before != _shown(row))


def _write(row: Subscription | None, account_id: str, best: Entitlement) -> Subscription:
    if row is None:
        row = Subscription(account_id=account_id, told_tier=standing(account_id).tier.id)
        db.session.add(row)
    row.subscription_id = best.subscription.id
    row.tier = best.tier
    row.status = best.subscription.status
    row.current_period_end = best.subscription.period_end
    row.cancel_at_period_end = best.subscription.cancels_at_period_end
    row.grace_until = best.grace_until
    row.access_until = best.access_until
    return row


def _act_on_money(customer: BillingCustomer, best: Entitlement, ours: list[StripeSubscription]) -> None:
    """Ends what was refunded or lost to a dispute, and writes to whom a payment has failed for."""
    for each in ours:
        if each.money_back.ends and each.status not in ENDED:
            endings.end_subscription(
                customer.account_id, customer.customer_id or "", each.id, each.money_back.value
            )
    unpaid = best.subscription.unpaid
    if best.subscription.status == "past_due" and unpaid is not None and best.grace_until is not None:
        account = db.session.get_one(Account, customer.account_id)
        outbox.post_once(
            PaymentFailed(tier=best.tier.capitalize(), grace_until=best.grace_until, pay_url=unpaid.pay_url),
            account.email,
            account.id,
            f"payment-failed {unpaid.invoice_id}"[:100],
        )


def _tell(row: Subscription, *, changed: bool) -> None:
    """Draws the consequences of a change, and tells of it: in the audit log, and to webhooks."""
    tier = standing(row.account_id).tier
    if not changed and tier.id == row.told_tier:
        return
    record(
        "billing.subscription-changed",
        row.account_id,
        subscription=row.subscription_id,
        status=row.status,
        tier=tier.id,
        tier_before=row.told_tier,
    )
    row.told_tier = tier.id
    api_keys.revoke_beyond_tier(row.account_id)
    webhooks.enqueue(
        db.session,
        row.account_id,
        "subscription.updated",
        to_jsonable_python(status(row.account_id)),
    )
    webhooks.end_beyond_tier(row.account_id)  # after they were told why


def _shown(row: Subscription | None) -> tuple[str, str, str, datetime, bool, datetime | None] | None:
    if row is None:
        return None
    return (
        row.subscription_id,
        row.tier,
        row.status,
        row.current_period_end,
        row.cancel_at_period_end,
        row.grace_until,
    )


def tell_of_lapsed(app: Flask) -> None:
    """Draws the consequences where a tier has ended by itself: after the grace, or with no news of more."""
    with app.app_context():
        with unit_of_work(writes=False):
            lapsed = db.session.scalars(
                select(Subscription.account_id).where(
                    Subscription.access_until <= now(), Subscription.told_tier != FREE.id
                )
            ).all()
        for account_id in lapsed:
            with unit_of_work(writes=True):
                if db.session.get(Account, account_id) is None:
                    continue
                accounts.lock(account_id)
                row = db.session.get(Subscription, account_id)
                if row is not None:
                    _tell(row, changed=False)


def tiers_of_prices() -> dict[str, str]:
    """The tier of each price that was ever sold."""
    config: Config = current_app.extensions["reely_config"]
    return {
        price: tier
        for tier, prices in (("pro", config.stripe_price_pro), ("premium", config.stripe_price_premium))
        for price in prices
        if tier in BY_ID
    }
