"""Telling Stripe of a changed email address: receipts and reminders of payments go to it.

It is due from the transaction on that changes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import stripe
from flask import Flask
from sqlalchemy import select, update

from license_server.accounts.models import Account
from license_server.billing.models import BillingCustomer
from license_server.billing.stripe_client import is_missing
from license_server.billing.work import work_off
from license_server.clock import now
from license_server.database import db, snapshot, unit_of_work

RETRY = timedelta(minutes=5)
"""Longer than Stripe can take, so that nobody else claims it meanwhile."""


@dataclass(frozen=True)
class _Claimed:
    id: str
    """The account's."""
    customer_id: str
    email: str
    until: datetime


def tell_due(app: Flask) -> None:
    """Tells Stripe of every address that it does not know yet, the oldest change first."""
    work_off(app, _claim, _tell, _finish, failed="billing-address-not-told")


def _claim() -> _Claimed | None:
    due = (BillingCustomer.email_due_at <= now()) & BillingCustomer.customer_id.is_not(None)
    with snapshot() as session:  # a look before the write lock is taken
        if session.scalar(select(BillingCustomer.account_id).where(due).limit(1)) is None:
            return None
    with unit_of_work(writes=True):
        row = db.session.execute(
            select(BillingCustomer, Account.email)
            .join(Account, Account.id == BillingCustomer.account_id)
            .where(due)
            .order_by(BillingCustomer.email_due_at)
            .limit(1)
            .with_for_update(skip_locked=True, of=BillingCustomer)
        ).one_or_none()
        if row is None:
            return None
        customer, email = row
        assert customer.customer_id is not None  # noqa: S101 - it was asked for
        customer.email_due_at = now() + RETRY
        return _Claimed(customer.account_id, customer.customer_id, email, customer.email_due_at)


def _tell(client: stripe.StripeClient, claimed: _Claimed) -> None:
    try:
        client.v1.customers.update(claimed.customer_id, {"email": claimed.email})
    except stripe.InvalidRequestError as error:
        if not is_missing(error):
            raise


def _finish(claimed: _Claimed) -> None:
    with unit_of_work(writes=True):
        db.session.execute(
            update(BillingCustomer)
            # Where it was changed once more meanwhile, it is due once more.
            .where(
                BillingCustomer.account_id == claimed.id,
                BillingCustomer.email_due_at == claimed.until,
            )
            .values(email_due_at=None)
        )
