"""Beginning a purchase: the account's customer at Stripe, made once, and one open checkout at a time.

No lock is held while Stripe is asked. What two requests at the same time must not do twice has the same
idempotency key in both, so that Stripe itself makes them one, or refuses the second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import stripe
from flask import current_app
from sqlalchemy import update

from license_server.accounts import service as accounts
from license_server.accounts.access_tokens import keyed_digest
from license_server.accounts.models import Account
from license_server.billing import outbox, service
from license_server.billing.endings import expire
from license_server.billing.models import BillingCustomer
from license_server.billing.rules import LIVE
from license_server.billing.stripe_client import is_missing, stripe_account
from license_server.clock import now
from license_server.config import Config
from license_server.database import db, unit_of_work
from license_server.errors import AlreadySubscribed, BillingUnavailable, SessionEnded
from license_server.system.service import record
from license_server.tiers.catalogue import TierId

TRIES = 4
SOONEST_EXPIRY_SECONDS = 10 * 60
"""A checkout that ends sooner is not handed out again."""

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Buyer:
    """Who buys: what is needed of an account while no transaction is open."""

    account_id: str
    email: str


@dataclass(frozen=True)
class OpenCheckout:
    """A checkout that can be paid."""

    id: str
    url: str


@dataclass(frozen=True)
class _Customer:
    id: str
    attempt: int


class _Overtaken(Exception):  # noqa: N818 - nothing went wrong
    """Another request was at the same; look again."""


def begin(buyer: Buyer, tier: TierId) -> OpenCheckout:
    """The account's open checkout for a tier: a new one, or the one that it has.

    Raises `AlreadySubscribed`, or `BillingUnavailable`.
    """
    return _for_customer(buyer, lambda client, customer: _begin(client, customer, buyer, tier))


def portal(buyer: Buyer) -> str:
    """The address of the page where the account's subscription is managed. Raises `BillingUnavailable`."""

    def _open(client: stripe.StripeClient, customer: _Customer) -> str:
        return client.v1.billing_portal.sessions.create(
            {"customer": customer.id, "return_url": f"{_public_url()}/portal/done"}
        ).url

    return _for_customer(buyer, _open)


def proof(account_id: str) -> str:
    """What the page after a checkout knows the account by, and nobody can make up."""
    return f"{account_id}.{keyed_digest('checkout-done', account_id)[:32]}"


def _for_customer(buyer: Buyer, act: Callable[[stripe.StripeClient, _Customer], AnswerT]) -> AnswerT:
    """Does something with the account's customer, which is made if there is none (any more)."""
    for _ in range(TRIES):
        with stripe_account() as client:
            try:
                customer = _customer(client, buyer)
                return act(client, customer)
            except (_Overtaken, stripe.IdempotencyError):
                continue
            except stripe.InvalidRequestError as error:
                if not (is_missing(error) and error.param == "customer"):
                    raise
                service.sync(customer.id)  # it was deleted at Stripe: this takes note of it
            except stripe.APIError:
                _try_another_key(buyer.account_id)
                raise
    raise BillingUnavailable("Another checkout was begun at the same moment. Try again.")


def _customer(client: stripe.StripeClient, buyer: Buyer) -> _Customer:
    with unit_of_work(writes=True):
        row = db.session.get(BillingCustomer, buyer.account_id, populate_existing=True)
        if row is None:
            _lock(buyer)
            row = db.session.get(BillingCustomer, buyer.account_id)
        if row is None:
            row = BillingCustomer(account_id=buyer.account_id, created_at=now(), attempt=0)
            db.session.add(row)
            db.session.flush()
        if row.customer_id is not None:
            return _Customer(row.customer_id, row.attempt)
        attempt = row.attempt
    address = hashlib.sha256(buyer.email.encode()).hexdigest()[:16]
    made = client.v1.customers.create(
        {"email": buyer.email, "metadata": {"account_id": buyer.account_id}},
        {"idempotency_key": f"customer-{buyer.account_id}-{attempt}-{address}"},
    )
    return _keep(buyer, made.id)


def _keep(buyer: Buyer, customer_id: str) -> _Customer:
    """Notes who the account is at Stripe; answers who it is, where another request was faster."""
    with unit_of_work(writes=True):
        if db.session.get(Account, buyer.account_id, populate_existing=True) is not None:
            _lock(buyer)
            row = db.session.get_one(BillingCustomer, buyer.account_id)
            if row.customer_id is None:
                # The key that made it would give it again, also after it was deleted.
                row.customer_id, row.attempt = customer_id, row.attempt + 1
                record("billing.customer-made", buyer.account_id, customer=customer_id)
            return _Customer(row.customer_id, row.attempt)
        outbox.end_everything(buyer.account_id, customer_id, "account-deleted")
    raise SessionEnded("The account was deleted.")


def _lock(buyer: Buyer) -> None:
    if db.session.get(Account, buyer.account_id) is None:
        raise SessionEnded("The account was deleted.")
    accounts.lock(buyer.account_id)


def _try_another_key(account_id: str) -> None:
    with unit_of_work(writes=True):
        db.session.execute(
            update(BillingCustomer)
            .where(BillingCustomer.account_id == account_id)
            .values(attempt=BillingCustomer.attempt + 1)
        )


def _begin(client: stripe.StripeClient, customer: _Customer, buyer: Buyer, tier: TierId) -> OpenCheckout:
    # Sessions first: one that is paid until then has a subscription that is listed after it.
    sessions = client.v1.checkout.sessions.list({"customer": customer.id, "limit": 10}).data
    usable = None
    for session in sessions:
        if session.status == "open":
            if usable is None and _is_for(session, tier):
                usable = OpenCheckout(session.id, session.url or "")
            else:
                expire(client, session.id)
    subscriptions = client.v1.subscriptions.list({"customer": customer.id, "limit": 100})
    tiers = service.tiers_of_prices()
    live = [
        each
        for each in subscriptions
        if each.status in LIVE and any(item.price.id in tiers for item in each["items"].data)
    ]
    if live:
        if usable is not None:
            expire(client, usable.id)
        service.sync(customer.id)  # the news of it may have been missed
        raise AlreadySubscribed(
            "Change or end the subscription that you have instead.", subscription_status=live[0].status
        )
    if usable is not None:
        return usable
    newest = sessions[0].id if sessions else "first"
    return _create(client, customer, buyer, tier, newest)


def _create(
    client: stripe.StripeClient, customer: _Customer, buyer: Buyer, tier: TierId, newest: str
) -> OpenCheckout:
    config: Config = current_app.extensions["reely_config"]
    price = (config.stripe_price_pro if tier == "pro" else config.stripe_price_premium)[0]
    about = {"account_id": buyer.account_id, "tier": tier, "price": price}
    # The tier is no part of the key: of two checkouts at once for two tiers, Stripe refuses one.
    prices = hashlib.sha256(repr((config.stripe_price_pro, config.stripe_price_premium)).encode()).hexdigest()
    made = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "client_reference_id": buyer.account_id,
            "line_items": [{"price": price, "quantity": 1}],
            "success_url": f"{_public_url()}/checkout/done?of={proof(buyer.account_id)}",
            "cancel_url": f"{_public_url()}/checkout/cancelled",
            "metadata": about,
            "subscription_data": {"metadata": about},
        },
        {"idempotency_key": f"checkout-{customer.id}-{customer.attempt}-{newest}-{prices[:8]}"},
    )
    if made.status != "open":
        raise _Overtaken  # made by an earlier request, and paid or expired since
    with unit_of_work(writes=True):
        record("billing.checkout-begun", buyer.account_id, tier=tier, session=made.id)
    return OpenCheckout(made.id, made.url or "")


def _is_for(session: stripe.checkout.Session, tier: TierId) -> bool:
    config: Config = current_app.extensions["reely_config"]
    metadata = session.metadata.to_dict() if session.metadata else {}
    prices = config.stripe_price_pro if tier == "pro" else config.stripe_price_premium
    return (
        metadata.get("price") == prices[0]
        and bool(session.url)
        and session.expires_at > now().timestamp() + SOONEST_EXPIRY_SECONDS
    )


def _public_url() -> str:
    config: Config = current_app.extensions["reely_config"]
    return config.public_url.rstrip("/")
