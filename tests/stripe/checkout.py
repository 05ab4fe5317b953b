"""Checkout and portal sessions: what a person may do on the pages that Stripe hosts."""

from __future__ import annotations

from datetime import timedelta

from tests.stripe.cards import DECLINED, is_number
from tests.stripe.payments import Payments
from tests.stripe.protocol import ApiError, Json
from tests.stripe.store import Store
from tests.stripe.subscriptions import ENDED, Subscriptions

OPEN_FOR = timedelta(hours=24)


class CardError(Exception):
    """Why a card was not taken, in words for the person."""


class Checkout:
    """Sessions of the checkout and of the portal."""

    def __init__(self, store: Store, payments: Payments, subscriptions: Subscriptions, address: str) -> None:
        self._store = store
        self._payments = payments
        self._subscriptions = subscriptions
        self._address = address

    def open(self, params: Json) -> Json:
        """A checkout for one price."""
        if params.get("mode") != "subscription":
            raise ApiError(400, "Only subscriptions are sold here.", param="mode")
        for name in ("success_url", "line_items"):
            if not params.get(name):
                raise ApiError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
        price = self._store.get("price", params["line_items"][0]["price"], "line_items[0][price]", 400)
        made = self._store.add("checkout.session")
        made |= {
            "mode": "subscription",
            "status": "open",
            "payment_status": "unpaid",
            "customer": self._customer(params.get("customer")),
            "client_reference_id": params.get("client_reference_id"),
            "success_url": params["success_url"],
            "cancel_url": params.get("cancel_url"),
            "currency": "usd",
            "amount_subtotal": price["unit_amount"],
            "amount_total": price["unit_amount"],
            "expires_at": self._store.seconds() + int(OPEN_FOR.total_seconds()),
            "invoice": None,
            "subscription": None,
            "metadata": params.get("metadata", {}),
            "url": f"{self._address}/c/pay/{made['id']}",
            "_price": price,
            "_subscription_data": params.get("subscription_data", {}),
        }
        return made

    def expire(self, session: Json) -> None:
        """Nobody can pay it any more."""
        if session["status"] != "open":
            raise ApiError(
                400, 'Only Checkout Sessions with a status in ["open"] can be expired.', param="session"
            )
        session |= {"status": "expired", "url": None}
        self._store.tell("checkout.session.expired", session)

    def pay(self, session: Json, number: str) -> None:
        """A person pays with a card. Raises `CardError`."""
        if session["status"] != "open":
            raise CardError("This page has expired.")
        self._check(number)
        customer = self._store.get("customer", session["customer"] or self._new_customer(session))
        self._payments.use_card(customer, number)
        data = session["_subscription_data"]
        subscription = self._subscriptions.begin(
            customer,
            session["_price"],
            metadata=data.get("metadata", {}),
            trial_days=int(data.get("trial_period_days", 0)),
            first=True,
        )
        session |= {
            "status": "complete",
            "payment_status": "paid",
            "subscription": subscription["id"],
            "invoice": subscription["latest_invoice"],
            "url": None,
        }
        self._store.tell("checkout.session.completed", session)

    def after_paying(self, session: Json) -> str:
        """Where the person is sent."""
        address: str = session["success_url"]
        return address.replace("{CHECKOUT_SESSION_ID}", session["id"])

    def open_portal(self, params: Json) -> Json:
        """A page where a customer manages what it has."""
        customer = self._customer(params.get("customer"))
        if customer is None:
            raise ApiError(
                400, "Missing required param: customer.", code="parameter_missing", param="customer"
            )
        made = self._store.add("billing_portal.session")
        made |= {
            "customer": customer,
            "return_url": params.get("return_url"),
            "url": f"{self._address}/p/session/{made['id']}",
        }
        return made

    def subscriptions_of(self, portal: Json) -> list[Json]:
        """What the portal shows: what has not ended."""
        found = self._store.all("subscription", customer=portal["customer"])
        return [each for each in found if each["status"] not in ENDED]

    def unpaid_of(self, portal: Json) -> list[Json]:
        return list(self._store.all("invoice", customer=portal["customer"], status="open"))

    def switch(self, subscription: Json, price: Json) -> None:
        """Another plan: a dearer one is paid for at once, a cheaper one makes the next bill smaller."""
        before = subscription["items"]["data"][0]["price"]["unit_amount"]
        dearer = price["unit_amount"] > before
        self._subscriptions.change(subscription, price, "always_invoice" if dearer else "create_prorations")

    def change_card(self, customer: Json, number: str) -> None:
        """Another card from now on; what is unpaid is paid with it. Raises `CardError`."""
        self._check(number)
        self._payments.use_card(customer, number)
        for invoice in list(self._store.all("invoice", customer=customer["id"], status="open")):
            self._subscriptions.pay(invoice, first=True)

    def _check(self, number: str) -> None:
        if not is_number(number):
            raise CardError("Your card number is invalid.")
        if number == DECLINED:
            raise CardError("Your card was declined.")

    def _customer(self, id: str | None) -> str | None:
        if id is None:
            return None
        customer = self._store.get("customer", id, "customer", 400)
        if customer.get("deleted"):
            raise ApiError(400, f"No such customer: '{id}'", code="resource_missing", param="customer")
        return str(customer["id"])

    def _new_customer(self, session: Json) -> str:
        made = new_customer(self._store, {})
        session["customer"] = made["id"]
        return str(made["id"])


def new_customer(store: Store, params: Json) -> Json:
    """A customer, as `POST /v1/customers` makes it."""
    made = store.add(
        "customer",
        email=params.get("email"),
        name=params.get("name"),
        balance=0,
        currency="usd",
        delinquent=False,
        metadata=params.get("metadata", {}),
        invoice_settings={"default_payment_method": None},
    )
    store.tell("customer.created", made)
    return made
