"""Noting what is to be ended or told at Stripe, within the unit of work that gives the reason for it."""

from __future__ import annotations

from sqlalchemy import select, update

from license_server.billing.models import BillingCustomer, Ending
from license_server.clock import now
from license_server.database import db
from license_server.system.service import record


def tell_address(account_id: str) -> None:
    """Has Stripe told of the account's email address, if it knows the account, and after the commit."""
    db.session.execute(
        update(BillingCustomer).where(BillingCustomer.account_id == account_id).values(email_due_at=now())
    )


def end_everything(account_id: str, customer_id: str, reason: str) -> None:
    """Ends all that the customer has at Stripe, and the customer, if and after the unit of work commits."""
    _note(Ending(account_id=account_id, customer_id=customer_id, reason=reason))


def end_of_account(account_id: str) -> None:
    """The same for an account that is about to be deleted, if Stripe knows it."""
    customer = db.session.get(BillingCustomer, account_id, populate_existing=True)
    if customer is not None and customer.customer_id is not None:
        end_everything(account_id, customer.customer_id, "account-deleted")


def end_subscription(account_id: str, customer_id: str, subscription_id: str, reason: str) -> None:
    """Ends a subscription at once; noted once, however often it is asked for. The account is locked."""
    if db.session.scalar(select(Ending.id).where(Ending.subscription_id == subscription_id)) is None:
        _note(
            Ending(
                account_id=account_id,
                customer_id=customer_id,
                subscription_id=subscription_id,
                reason=reason,
            )
        )


def _note(ending: Ending) -> None:
    ending.created_at = ending.next_try_at = now()
    db.session.add(ending)
    record(
        "billing.ending",
        ending.account_id,
        reason=ending.reason,
        what=ending.subscription_id or ending.customer_id,
    )
