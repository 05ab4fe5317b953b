"""The life of a subscription: begun, renewed, changed with proration, unpaid, paused, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from tests.stripe.clock import months_after
from tests.stripe.payments import Payments
from tests.stripe.protocol import ApiError, Json
from tests.stripe.store import Store

RETRIES_AFTER_DAYS = (3, 5, 7)
"""How long after a failed payment the next try is made."""
INCOMPLETE_FOR = timedelta(hours=23)
ENDED = ("canceled", "incomplete_expired")
Proration = Literal["create_prorations", "always_invoice", "none"]


class Subscriptions:
    """Subscriptions, and what becomes of them as time passes."""

    def __init__(self, store: Store, payments: Payments) -> None:
        self._store = store
        self._payments = payments
        self.when_unpaid: Literal["canceled", "unpaid", "past_due"] = "canceled"
        """What becomes of a subscription after the last try to collect its payment."""

    def begin(
        self,
        customer: Json,
        price: Json,
        *,
        metadata: Json,
        trial_days: int = 0,
        without_card: str = "create_invoice",
        first: bool = False,
    ) -> Json:
        """A new subscription; `incomplete` if its first payment fails. `without_card`: after a trial."""
        now = self._store.clock().replace(microsecond=0)
        end = now + timedelta(days=trial_days) if trial_days else months_after(now, 1)
        made = self._store.add("subscription")
        made |= {
            "customer": customer["id"],
            "status": "trialing" if trial_days else "incomplete",
            "items": {
                "object": "list",
                "has_more": False,
                "url": f"/v1/subscription_items?subscription={made['id']}",
                "data": [
                    self._store.add(
                        "subscription_item",
                        subscription=made["id"],
                        price=price,
                        quantity=1,
                        current_period_start=_seconds(now),
                        current_period_end=_seconds(end),
                        metadata={},
                    )
                ],
            },
            "billing_cycle_anchor": _seconds(end if trial_days else now),
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "cancellation_details": {"reason": None, "comment": None, "feedback": None},
            "collection_method": "charge_automatically",
            "currency": "usd",
            "default_payment_method": None,
            "ended_at": None,
            "latest_invoice": None,
            "metadata": metadata,
            "pause_collection": None,
            "start_date": _seconds(now),
            "trial_start": _seconds(now) if trial_days else None,
            "trial_end": _seconds(end) if trial_days else None,
            "trial_settings": {"end_behavior": {"missing_payment_method": without_card}},
            "_pending": [],
        }
        self._store.tell("customer.subscription.created", made)
        cents = 0 if trial_days else price["unit_amount"]
        invoice = self._payments.invoice(
            customer, made, "subscription_create", [(price["nickname"], cents)], period=_period(made)
        )
        if self._payments.collect(invoice, first=first) and not trial_days:
            self._set(made, status="active")
        return made

    def change(self, subscription: Json, price: Json, proration: Proration) -> None:
        """Another price from now on; what was paid for the rest of the period is counted in."""
        item = subscription["items"]["data"][0]
        before, item["price"] = item["price"], price
        if before["id"] == price["id"]:
            return
        start, end = _period(subscription)
        left = max(0, end - self._store.seconds()) / max(1, end - start)
        if proration != "none" and subscription["status"] not in {"trialing", "unpaid", "paused"}:
            subscription["_pending"] += [
                (f"Unused time on {before['nickname']}", -round(before["unit_amount"] * left)),
                (f"Remaining time on {price['nickname']}", round(price["unit_amount"] * left)),
            ]
        previous = {"items": {"data": [{"price": {"id": before["id"]}}]}}
        self._store.tell("customer.subscription.updated", subscription, previous)
        if proration == "always_invoice" and subscription["_pending"]:
            self._bill(subscription, "subscription_update", [])

    def cancel_at_period_end(self, subscription: Json, *, wanted: bool) -> None:
        """Ends with what is paid; or, after all, does not."""
        end = subscription["items"]["data"][0]["current_period_end"]
        self._set(
            subscription,
            cancel_at_period_end=wanted,
            cancel_at=end if wanted else None,
            canceled_at=self._store.seconds() if wanted else None,
        )

    def cancel_at(self, subscription: Json, moment: int | None) -> None:
        self._set(subscription, cancel_at=moment, cancel_at_period_end=False)

    def cancel(self, subscription: Json, reason: str = "cancellation_requested") -> None:
        """Ends at once."""
        if subscription["status"] in ENDED:
            raise ApiError(
                404, f"No such subscription: '{subscription['id']}'", code="resource_missing", param="id"
            )
        now = self._store.seconds()
        subscription |= {"status": "canceled", "ended_at": now, "canceled_at": now}
        subscription["cancellation_details"]["reason"] = reason
        for invoice in self._open_invoices(subscription):
            invoice |= {"auto_advance": False, "next_payment_attempt": None}
        self._store.tell("customer.subscription.deleted", subscription)

    def resume(self, subscription: Json) -> None:
        """Goes on after a pause, with a period that begins now, if it can be paid."""
        if subscription["status"] != "paused":
            raise ApiError(400, "Only paused subscriptions can be resumed.")
        self._next_period(subscription, from_now=True)
        if self._bill(subscription, "subscription_cycle", [self._line(subscription)]):
            self._set(subscription, status="active")
            self._store.tell("customer.subscription.resumed", subscription)

    def pay(self, invoice: Json, *, first: bool = False) -> bool:
        """Collects an open invoice; the subscription is as good as before once none is open."""
        if invoice["status"] != "open":
            raise ApiError(400, "Invoice is already paid.", code="invoice_already_paid")
        if not self._payments.collect(invoice, first=first):
            return False
        subscription = self._of(invoice)
        waiting = {"past_due", "unpaid", "incomplete"}
        if subscription["status"] in waiting and not list(self._open_invoices(subscription)):
            self._set(subscription, status="active")
        return True

    def due(self) -> Iterator[tuple[int, Json]]:
        """When something happens by itself, to which subscription; unordered."""
        for each in self._store.all("subscription"):
            if each["status"] in ENDED:
                continue
            if each["cancel_at"] is not None:
                yield each["cancel_at"], each
            if each["status"] == "incomplete":
                yield each["created"] + int(INCOMPLETE_FOR.total_seconds()), each
            elif each["status"] != "paused":
                yield _period(each)[1], each
            for invoice in self._open_invoices(each):
                if invoice["next_payment_attempt"] is not None:
                    yield invoice["next_payment_attempt"], each

    def live(self, subscription: Json) -> None:
        """Lets happen to a subscription what is due."""
        now = self._store.seconds()
        if subscription["cancel_at"] is not None and subscription["cancel_at"] <= now:
            self.cancel(subscription)
        elif subscription["status"] == "incomplete":
            if subscription["created"] + int(INCOMPLETE_FOR.total_seconds()) <= now:
                for invoice in self._open_invoices(subscription):
                    self._payments.void(invoice)
                self._set(subscription, status="incomplete_expired", ended_at=now)
        elif _period(subscription)[1] <= now and subscription["status"] != "paused":
            self._renew(subscription)
        else:
            self._retry(subscription, now)

    def _renew(self, subscription: Json) -> None:
        customer = self._store.get("customer", subscription["customer"])
        if subscription["status"] == "trialing" and not self._payments.has_card(customer):
            behaviour = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
            if behaviour == "pause":
                self._set(subscription, status="paused")
                self._store.tell("customer.subscription.paused", subscription)
                return
            if behaviour == "cancel":
                self.cancel(subscription)
                return
        self._next_period(subscription)
        if subscription["status"] == "unpaid":
            return
        if self._bill(subscription, "subscription_cycle", [self._line(subscription)]):
            if subscription["status"] == "trialing":
                self._set(subscription, status="active")
        else:
            self._set(subscription, status="past_due")

    def _next_period(self, subscription: Json, *, from_now: bool = False) -> None:
        item = subscription["items"]["data"][0]
        if from_now:
            subscription["billing_cycle_anchor"] = item["current_period_end"] = self._store.seconds()
        anchor = datetime.fromtimestamp(subscription["billing_cycle_anchor"], UTC)
        count = 1
        while _seconds(months_after(anchor, count)) <= item["current_period_end"]:
            count += 1
        previous = {"items": {"data": [{"current_period_end": item["current_period_end"]}]}}
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] = _seconds(months_after(anchor, count))
        self._store.tell("customer.subscription.updated", subscription, previous)

    def _line(self, subscription: Json) -> tuple[str, int]:
        price = subscription["items"]["data"][0]["price"]
        return price["nickname"], price["unit_amount"]

    def _bill(self, subscription: Json, reason: str, lines: list[tuple[str, int]]) -> bool:
        customer = self._store.get("customer", subscription["customer"])
        lines = [*subscription["_pending"], *lines]
        subscription["_pending"] = []
        invoice = self._payments.invoice(customer, subscription, reason, lines, period=_period(subscription))
        if self._payments.collect(invoice):
            return True
        self._try_later(subscription, invoice)
        if reason == "subscription_update":
            self._set(subscription, status="past_due")
        return False

    def _retry(self, subscription: Json, now: int) -> None:
        for invoice in list(self._open_invoices(subscription)):
            if invoice["next_payment_attempt"] is None or invoice["next_payment_attempt"] > now:
                continue
            if not self.pay(invoice):
                self._try_later(subscription, invoice)
                if invoice["next_payment_attempt"] is None:
                    self._give_up(subscription)
                    return

    def _try_later(self, subscription: Json, invoice: Json) -> None:
        missed = invoice["attempt_count"] - 1
        days = RETRIES_AFTER_DAYS[missed] if missed < len(RETRIES_AFTER_DAYS) else None
        invoice["next_payment_attempt"] = None if days is None else self._store.seconds() + days * 86400
        self._store.tell("invoice.updated", invoice)

    def _give_up(self, subscription: Json) -> None:
        if self.when_unpaid == "canceled":
            self.cancel(subscription, "payment_failed")
        else:
            self._set(subscription, status=self.when_unpaid)

    def _set(self, subscription: Json, **values: object) -> None:
        previous = {key: subscription[key] for key, value in values.items() if subscription[key] != value}
        if previous:
            subscription |= values
            self._store.tell("customer.subscription.updated", subscription, previous)

    def _open_invoices(self, subscription: Json) -> Iterator[Json]:
        for invoice in list(self._store.all("invoice", status="open")):
            if invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]:
                yield invoice

    def _of(self, invoice: Json) -> Json:
        return self._store.get("subscription", invoice["parent"]["subscription_details"]["subscription"])


def _period(subscription: Json) -> tuple[int, int]:
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
