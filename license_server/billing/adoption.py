"""Customers that Stripe made for an account by itself: by a payment link, or before a backup came back."""

from __future__ import annotations

import stripe

from license_server.accounts import service as accounts
from license_server.accounts.models import Account
from license_server.billing import service
from license_server.billing.events import Event
from license_server.billing.models import BillingCustomer, Subscription
from license_server.billing.rules import ENDED
from license_server.billing.stripe_client import id_of, is_missing
from license_server.clock import now
from license_server.database import db, unit_of_work
from license_server.system.service import record


def adopt(client: stripe.StripeClient, event: Event, customer_id: str) -> bool:
    """Takes the customer for the account that its completed checkout refers to; False if there is none."""
    session_id = event.about.get("id")
    if event.type != "checkout.session.completed" or not isinstance(session_id, str):
        return False
    try:
        session = client.v1.checkout.sessions.retrieve(session_id)
    except stripe.InvalidRequestError as error:
        if not is_missing(error):
            raise
        return False
    if id_of(session.customer) != customer_id:
        return False
    return take(session.client_reference_id, customer_id) and service.sync(
        customer_id, service.Occasion(event.id, event.type)
    )


def take(account_id: str | None, customer_id: str) -> bool:
    """Notes that the account is that customer, unless it has a subscription as another one, or is unknown."""
    if account_id is None:
        return False
    with unit_of_work(writes=True):
        if db.session.get(Account, account_id, populate_existing=True) is None:
            return False
        accounts.lock(account_id)
        row = db.session.get(BillingCustomer, account_id)
        subscription = db.session.get(Subscription, account_id)
        if row is None:
            row = BillingCustomer(account_id=account_id, created_at=now())
            db.session.add(row)
        elif row.customer_id and subscription is not None and subscription.status not in ENDED:
            return False
        row.customer_id = customer_id
        record("billing.customer-adopted", account_id, customer=customer_id)
    return True
