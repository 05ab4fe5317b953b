"""Ending at Stripe what the outbox says; ending twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import stripe
from flask import Flask
from sqlalchemy import delete, select

from license_server.billing.models import Ending
from license_server.billing.rules import ENDED
from license_server.billing.stripe_client import is_missing
from license_server.billing.work import work_off
from license_server.clock import now
from license_server.database import db, snapshot, unit_of_work

FIRST_RETRY = timedelta(minutes=4)
"""Longer than Stripe can take, so that nobody else claims it meanwhile."""
LONGEST_RETRY = timedelta(hours=6)
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class _Claimed:
    id: str
    customer_id: str
    subscription_id: str | None


def end_due(app: Flask) -> None:
    """Ends everything that is due, oldest first. Nothing is ever given up."""
    work_off(app, _claim, _end, _finish, failed="billing-not-ended")


def forget(app: Flask) -> None:
    """Forgets what was ended long ago."""
    with app.app_context(), unit_of_work(writes=True):
        db.session.execute(
            delete(Ending).where(Ending.next_try_at.is_(None), Ending.created_at < now() - KEPT)
        )


def _claim() -> _Claimed | None:
    with snapshot() as session:  # a look before the write lock is taken
        if session.scalar(select(Ending.id).where(Ending.next_try_at <= now()).limit(1)) is None:
            return None
    with unit_of_work(writes=True):
        ending = db.session.scalar(
            select(Ending)
            .where(Ending.next_try_at <= now())
            .order_by(Ending.next_try_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if ending is None:
            return None
        ending.tries += 1
        ending.next_try_at = now() + min(FIRST_RETRY * 2 ** min(ending.tries - 1, 10), LONGEST_RETRY)
        return _Claimed(ending.id, ending.customer_id, ending.subscription_id)


def _finish(claimed: _Claimed) -> None:
    with unit_of_work(writes=True):
        ending = db.session.get(Ending, claimed.id, populate_existing=True)
        if ending is not None:
            ending.next_try_at = None


def _end(client: stripe.StripeClient, claimed: _Claimed) -> None:
    if claimed.subscription_id is not None:
        _cancel(client, claimed.subscription_id)
        return

    def _everything() -> None:
        # Sessions first: one that is paid until then has a subscription that is listed after it.
        for session in client.v1.checkout.sessions.list(
            {"customer": claimed.customer_id, "status": "open", "limit": 100}
        ).auto_paging_iter():
            expire(client, session.id)
        for each in client.v1.subscriptions.list(
            {"customer": claimed.customer_id, "status": "all", "limit": 100}
        ).auto_paging_iter():
            if each.status not in ENDED:
                _cancel(client, each.id)
        client.v1.customers.delete(claimed.customer_id)

    _unless_gone(_everything)


def expire(client: stripe.StripeClient, session_id: str) -> None:
    """Makes a checkout unpayable, if it is not over already."""
    try:
        client.v1.checkout.sessions.expire(session_id, options={"idempotency_key": f"expire-{session_id}"})
    except stripe.InvalidRequestError:
        if client.v1.checkout.sessions.retrieve(session_id).status == "open":
            raise


def _cancel(client: stripe.StripeClient, subscription_id: str) -> None:
    def _now() -> None:
        try:
            client.v1.subscriptions.cancel(subscription_id)
        except stripe.InvalidRequestError:
            if client.v1.subscriptions.retrieve(subscription_id).status not in ENDED:
                raise

    _unless_gone(_now)


def _unless_gone(act: Callable[[], None]) -> None:
    try:
        act()
    except stripe.InvalidRequestError as error:
        if not is_missing(error):
            raise
