"""Repairing, once a night, what events were missed: whoever may differ from what Stripe says is looked up."""

from __future__ import annotations

from datetime import timedelta

import stripe
from flask import Flask
from sqlalchemy import delete, select, update

from license_server.billing import adoption, endings, service
from license_server.billing.models import BillingCustomer, StripeEvent, Subscription
from license_server.billing.rules import ENDED
from license_server.billing.stripe_client import id_of, is_configured, stripe_account
from license_server.clock import now
from license_server.database import db, unit_of_work
from license_server.errors import BillingUnavailable
from license_server.logs import log
from license_server.system.models import PeriodicTask

RECONCILIATION = "billing-reconciliation"
KEPT = timedelta(days=90)
"""How long the ids of events are kept; Stripe sends none again after 30 days."""


def reconcile(app: Flask) -> None:
    """Looks up every customer with a subscription, here or there. Killed and run again, it goes on."""
    if not is_configured(app):
        return
    with app.app_context():
        with stripe_account() as client:
            there = _with_subscriptions(client)
        done = _position()
        customers = [customer_id for customer_id in sorted(_to_look_up(there)) if customer_id > done]
        failed = 0
        for customer_id in customers:
            try:
                service.sync(customer_id)
            except BillingUnavailable:
                failed += 1
            _keep_position(customer_id)
        log.info("billing-reconciled", customers=len(customers), failed=failed)
        with unit_of_work(writes=True):
            db.session.execute(delete(StripeEvent).where(StripeEvent.received_at < now() - KEPT))
    endings.forget(app)


def _position() -> str:
    """The customer that a run before had come to when it died; empty where it ended."""
    with unit_of_work(writes=False):
        row = db.session.get(PeriodicTask, RECONCILIATION, populate_existing=True)
        return row.position or "" if row is not None else ""


def _keep_position(customer_id: str) -> None:
    with unit_of_work(writes=True):
        db.session.execute(
            update(PeriodicTask).where(PeriodicTask.name == RECONCILIATION).values(position=customer_id)
        )


def _with_subscriptions(client: stripe.StripeClient) -> dict[str, str | None]:
    """Every customer with a subscription that has not ended, and the account that it was made for."""
    found: dict[str, str | None] = {}
    for each in client.v1.subscriptions.list({"limit": 100}).auto_paging_iter():
        customer_id = id_of(each.customer)
        if customer_id is not None:
            metadata = each.metadata.to_dict() if each.metadata else {}
            found[customer_id] = metadata.get("account_id")
    return found


def _to_look_up(there: dict[str, str | None]) -> list[str]:
    with unit_of_work(writes=False):
        rows = db.session.execute(
            select(BillingCustomer.customer_id, Subscription.status)
            .outerjoin(Subscription, Subscription.account_id == BillingCustomer.account_id)
            .where(BillingCustomer.customer_id.is_not(None))
        ).all()
    known = {row.customer_id: row.status for row in rows}
    here = [customer_id for customer_id, status in known.items() if status and status not in ENDED]
    only_there = there.keys() - here
    return here + [
        customer_id
        for customer_id in sorted(only_there)
        if customer_id in known or adoption.take(there[customer_id], customer_id)
    ]
