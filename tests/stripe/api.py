"""The calls under `/v1`: which there are, and what they do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.stripe.checkout import Checkout, new_customer
from tests.stripe.payments import Payments
from tests.stripe.protocol import ApiError, Json, page
from tests.stripe.store import Store
from tests.stripe.subscriptions import ENDED, Subscriptions

Call = Callable[..., Json]
_LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "/v1/prices": ("price", ("product", "active")),
    "/v1/products": ("product", ("active",)),
    "/v1/customers": ("customer", ("email",)),
    "/v1/checkout/sessions": ("checkout.session", ("customer", "subscription", "status", "payment_intent")),
    "/v1/invoices": ("invoice", ("customer", "status", "collection_method")),
    "/v1/charges": ("charge", ("customer", "payment_intent")),
    "/v1/payment_intents": ("payment_intent", ("customer",)),
    "/v1/refunds": ("refund", ("charge", "payment_intent")),
    "/v1/disputes": ("dispute", ("charge", "payment_intent")),
    "/v1/events": ("event", ("type",)),
    "/v1/subscriptions": ("subscription", ("customer",)),
}
_KNOWN_PARAMS = {
    "customers": {"email", "name", "metadata", "payment_method", "invoice_settings", "description"},
    "checkout": {
        "mode", "customer", "client_reference_id", "line_items", "success_url", "cancel_url", "metadata",
        "subscription_data", "expires_at", "locale", "allow_promotion_codes", "customer_email",
    },
    "portal": {"customer", "return_url", "configuration", "flow_data", "locale"},
    "subscriptions": {
        "customer", "items", "metadata", "trial_period_days", "trial_settings", "default_payment_method",
        "payment_behavior", "cancel_at", "cancel_at_period_end", "proration_behavior", "pause_collection",
        "trial_end",
    },
}  # fmt: skip


class Api:
    """Answers calls. Whoever calls holds the stand-in's lock."""

    def __init__(
        self, store: Store, payments: Payments, subscriptions: Subscriptions, checkout: Checkout
    ) -> None:
        self._store = store
        self._payments = payments
        self._subscriptions = subscriptions
        self._checkout = checkout
        self._routes: list[tuple[str, re.Pattern[str], Call]] = [
            (method, re.compile(rule.replace("{id}", "([A-Za-z0-9_]+)")), call)
            for method, rule, call in self._calls()
        ]

    def answer(self, method: str, path: str, params: Json) -> Json:
        """The answer to a call, before anything in it is expanded. Raises `ApiError`."""
        for known, pattern, call in self._routes:
            match = pattern.fullmatch(path)
            if known == method and match:
                return call(*match.groups(), params)
        raise ApiError(404, f"Unrecognized request URL ({method}: {path}).")

    def _calls(self) -> Iterator[tuple[str, str, Call]]:
        for path, (kind, filters) in _LISTS.items():
            yield "GET", path, self._lister(path, kind, filters)
            yield "GET", f"{path}/{{id}}", self._getter(kind)
        yield "POST", "/v1/customers", self._make_customer
        yield "POST", "/v1/customers/{id}", self._change_customer
        yield "DELETE", "/v1/customers/{id}", self._delete_customer
        yield "POST", "/v1/prices", self._make_price
        yield "POST", "/v1/checkout/sessions", self._open_checkout
        yield "POST", "/v1/checkout/sessions/{id}/expire", self._expire_checkout
        yield "POST", "/v1/billing_portal/sessions", self._open_portal
        yield "POST", "/v1/subscriptions", self._make_subscription
        yield "POST", "/v1/subscriptions/{id}", self._change_subscription
        yield "DELETE", "/v1/subscriptions/{id}", self._cancel_subscription
        yield "POST", "/v1/subscriptions/{id}/resume", self._resume_subscription
        yield "POST", "/v1/invoices/{id}/pay", self._pay_invoice
        yield "POST", "/v1/invoices/{id}/void", self._void_invoice
        yield "POST", "/v1/refunds", self._refund

    def _lister(self, path: str, kind: str, filters: tuple[str, ...]) -> Call:
        def listed(params: Json) -> Json:
            wanted = {name: params.get(name) for name in filters}
            if customer := params.get("customer"):
                self._living_customer(customer)
            found = self._store.all(kind, **wanted)
            if kind == "customer":
                found = (each for each in found if not each.get("deleted"))
            if kind == "subscription":
                found = _of_status(found, params.get("status"))
            if kind == "invoice" and (subscription := params.get("subscription")):
                found = (
                    each
                    for each in found
                    if each["parent"]["subscription_details"]["subscription"] == subscription
                )
            return page(found, path, params)

        return listed

    def _getter(self, kind: str) -> Call:
        return lambda found_id, _params: self._store.get(kind, found_id)

    def _living_customer(self, id: str) -> Json:
        customer = self._store.get("customer", id, "customer", 400)
        if customer.get("deleted"):
            raise ApiError(400, f"No such customer: '{id}'", code="resource_missing", param="customer")
        return customer

    def _make_customer(self, params: Json) -> Json:
        _check(params, "customers")
        made = new_customer(self._store, params)
        if name := params.get("payment_method"):
            self._payments.use_named_card(made, name)
        return made

    def _change_customer(self, id: str, params: Json) -> Json:
        _check(params, "customers")
        customer = self._living_customer(id)
        if name := params.get("invoice_settings", {}).get("default_payment_method"):
            self._payments.use_named_card(customer, name)
        customer |= {key: params[key] for key in ("email", "name") if key in params}
        customer["metadata"] |= params.get("metadata", {})
        self._store.tell("customer.updated", customer)
        return customer

    def _delete_customer(self, id: str, params: Json) -> Json:
        customer = self._store.get("customer", id)
        if customer.get("deleted"):
            raise ApiError(404, f"No such customer: '{id}'", code="resource_missing", param="id")
        for each in list(self._store.all("subscription", customer=id)):
            if each["status"] not in ENDED:
                self._subscriptions.cancel(each)
        for each in list(self._store.all("checkout.session", customer=id, status="open")):
            self._checkout.expire(each)
        self._store.tell("customer.deleted", customer)
        customer.clear()
        customer |= {"id": id, "object": "customer", "deleted": True}
        return customer

    def _make_price(self, params: Json) -> Json:
        return self._store.add(
            "price",
            active=True,
            currency=params["currency"],
            nickname=params.get("nickname") or "A plan",
            product=params.get("product"),
            recurring={"interval": "month", "interval_count": 1},
            type="recurring",
            unit_amount=int(params["unit_amount"]),
        )

    def _open_checkout(self, params: Json) -> Json:
        _check(params, "checkout")
        return self._checkout.open(params)

    def _expire_checkout(self, id: str, params: Json) -> Json:
        session = self._store.get("checkout.session", id)
        self._checkout.expire(session)
        return session

    def _open_portal(self, params: Json) -> Json:
        _check(params, "portal")
        return self._checkout.open_portal(params)

    def _make_subscription(self, params: Json) -> Json:
        _check(params, "subscriptions")
        customer = self._living_customer(params["customer"])
        price = self._store.get("price", params["items"][0]["price"], "items[0][price]", 400)
        if name := params.get("default_payment_method"):
            self._payments.use_named_card(customer, name)
        trial_days = int(params.get("trial_period_days", 0))
        if not trial_days and not self._payments.has_card(customer):
            raise ApiError(400, "This customer has no attached payment source or default payment method.")
        end_behavior = params.get("trial_settings", {}).get("end_behavior", {})
        return self._subscriptions.begin(
            customer,
            price,
            metadata=params.get("metadata", {}),
            trial_days=trial_days,
            without_card=end_behavior.get("missing_payment_method", "create_invoice"),
        )

    def _change_subscription(self, id: str, params: Json) -> Json:
        _check(params, "subscriptions")
        subscription = self._store.get("subscription", id)
        if subscription["status"] in ENDED:
            raise ApiError(400, "A canceled subscription can only update its cancellation_details.")
        if name := params.get("default_payment_method"):
            self._payments.use_named_card(self._store.get("customer", subscription["customer"]), name)
        if "cancel_at_period_end" in params:
            self._subscriptions.cancel_at_period_end(
                subscription, wanted=params["cancel_at_period_end"] == "true"
            )
        if "cancel_at" in params:
            self._subscriptions.cancel_at(subscription, int(params["cancel_at"]) or None)
        if items := params.get("items"):
            price = self._store.get("price", items[0]["price"], "items[0][price]", 400)
            self._subscriptions.change(
                subscription, price, params.get("proration_behavior", "create_prorations")
            )
        return subscription

    def _cancel_subscription(self, id: str, params: Json) -> Json:
        subscription = self._store.get("subscription", id)
        self._subscriptions.cancel(subscription)
        return subscription

    def _resume_subscription(self, id: str, params: Json) -> Json:
        subscription = self._store.get("subscription", id)
        self._subscriptions.resume(subscription)
        return subscription

    def _pay_invoice(self, id: str, params: Json) -> Json:
        invoice = self._store.get("invoice", id)
        if not self._subscriptions.pay(invoice):
            raise ApiError(402, "Your card was declined.", type="card_error", code="card_declined")
        return invoice

    def _void_invoice(self, id: str, params: Json) -> Json:
        invoice = self._store.get("invoice", id)
        self._payments.void(invoice)
        return invoice

    def _refund(self, params: Json) -> Json:
        if intent := params.get("payment_intent"):
            charge = self._store.get("charge", self._store.get("payment_intent", intent)["latest_charge"])
        else:
            charge = self._store.get("charge", params.get("charge", ""), "charge")
        amount = params.get("amount")
        return self._payments.refund(charge, None if amount is None else int(amount))


def _of_status(found: Iterator[Json], status: Any) -> Iterator[Json]:
    for each in found:
        if (
            status in {"all", each["status"]}
            or (status == "ended" and each["status"] in ENDED)
            or (status is None and each["status"] != "canceled")
        ):
            yield each


def _check(params: Json, call: str) -> None:
    for name in params.keys() - _KNOWN_PARAMS[call] - {"expand"}:
        raise ApiError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
