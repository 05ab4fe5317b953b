"""The endpoints under `/payments`."""

from __future__ import annotations

from flask import current_app, request

from license_server import database
from license_server.accounts import identity
from license_server.billing import adoption, checkout, events, service
from license_server.billing.schemas import Checkout, CheckoutRequest, Portal, Received, SubscriptionStatus
from license_server.billing.stripe_client import stripe_account
from license_server.clock import now
from license_server.config import Config
from license_server.errors import AlreadySubscribed, BillingUnavailable, WebhookSignatureInvalid
from license_server.http import Room
from license_server.logs import log

room = Room("billing", __name__)


@room.serve("POST", "/payments/create-checkout", problems=(AlreadySubscribed, BillingUnavailable))
def create_checkout(body: CheckoutRequest) -> Checkout:
    """Begin to buy a tier; where a checkout for it is open already, get that one."""
    begun = checkout.begin(_buyer(), body.tier)
    return Checkout(checkout_url=begun.url, session_id=begun.id)


@room.serve("POST", "/payments/create-portal", problems=(BillingUnavailable,))
def create_portal() -> Portal:
    """Get the page where the subscription is managed."""
    return Portal(portal_url=checkout.portal(_buyer()))


@room.serve("GET", "/payments/subscription-status")
def subscription_status() -> SubscriptionStatus:
    """The account's tier, and the subscription behind it."""
    return service.status(identity.caller().account.id)


@room.serve(
    "POST",
    "/payments/webhook",
    access="public",
    signature_header=events.HEADER,
    problems=(WebhookSignatureInvalid, BillingUnavailable),
    rate_limit="webhook",
)
def receive_event() -> Received:
    """Take an event of Stripe's: what it is about is looked up at Stripe; the rest of it is not believed."""
    config: Config = current_app.extensions["reely_config"]
    if not config.stripe_webhook_secret:
        raise BillingUnavailable("This server sells nothing: it has no Stripe account.")
    event = events.verified(
        request.get_data(), request.headers.get(events.HEADER, ""), config.stripe_webhook_secret, now()
    )
    if event.concerns_us:
        with stripe_account() as client:
            customer_id = events.customer_of(client, event)
            known = customer_id is not None and (
                service.sync(customer_id, service.Occasion(event.id, event.type))
                or adoption.adopt(client, event, customer_id)
            )
        if not known:
            log.info("stripe-event-of-nobody", event_type=event.type)
    return Received()


def _buyer() -> checkout.Buyer:
    """Who calls. Nothing stays locked from here on: Stripe may take its time."""
    account = identity.caller().account
    buyer = checkout.Buyer(account.id, account.email)
    database.conclude()
    return buyer
