"""The pages that a person comes back to from Stripe."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, request

from license_server.billing import checkout, service
from license_server.billing.models import BillingCustomer
from license_server.database import db, unit_of_work
from license_server.errors import BillingUnavailable
from license_server.logs import log
from license_server.pages import page
from license_server.tiers.catalogue import FREE
from license_server.tiers.service import standing

room = Blueprint("pages-billing", __name__)


@room.get("/checkout/done")
def checkout_done() -> Response:
    """Thanks, and looks at Stripe whether the payment is known there: the event of it may be late."""
    of = request.args.get("of", "")
    account_id = of.partition(".")[0]
    tier = None
    if account_id and hmac.compare_digest(of.encode(), checkout.proof(account_id).encode()):
        tier = _paid_tier(account_id)
    return page("checkout-done.html", tier=tier)


@room.get("/checkout/cancelled")
def checkout_cancelled() -> Response:
    """Tells that nothing was paid."""
    return page("checkout-cancelled.html")


@room.get("/portal/done")
def portal_done() -> Response:
    """Sends people back to the app after they have managed their subscription."""
    return page("portal-done.html")


def _paid_tier(account_id: str) -> str | None:
    """The name of the tier that the account has, None while it is free."""
    with unit_of_work(writes=False):
        customer = db.session.get(BillingCustomer, account_id)
        customer_id = customer.customer_id if customer else None
    if customer_id is not None:
        try:
            service.sync(customer_id)
        except BillingUnavailable:
            log.warning("checkout-not-looked-up")  # the event will tell
    with unit_of_work(writes=False):
        tier = standing(account_id).tier
    return None if tier is FREE else tier.id.capitalize()
