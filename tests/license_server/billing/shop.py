"""The shop of the tests: a license server that sells through the stand-in, and a buyer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask

from license_server.billing.endings import end_due
from license_server.billing.reconcile import reconcile
from tests.license_server.actors import Person, TestClock
from tests.stripe import GOOD, Stripe
from tests.stripe.protocol import Json

WEBHOOK = "/api/v1/payments/webhook"


@dataclass
class Shop:
    """A license server, and the Stripe that it sells through; both live by one clock."""

    app: Flask
    stripe: Stripe
    clock: TestClock

    def person(self, name: str = "ada") -> Buyer:
        """Somebody who has just signed up, and is free."""
        buyer = Buyer(self.app, self.clock, f"{name}@example.com", shop=self)
        buyer.register()
        return buyer

    def deliver(self, events: Iterable[Json] | None = None) -> None:
        """Lets the events arrive: all that wait, in their order, or these; each has to be taken."""
        for event in self.stripe.deliveries.events() if events is None else events:
            assert self.deliver_one(event) == 200, event["type"]

    def deliver_one(self, event: Json) -> int:
        body, headers = self.stripe.deliveries.signed(event)
        return self.app.test_client().post(WEBHOOK, data=body, headers=headers).status_code

    def pass_time(self, **span: float) -> None:
        """Time passes at both, and what Stripe tells of meanwhile arrives."""
        self.stripe.advance(**span)
        self.deliver()

    def work(self) -> None:
        """Does at Stripe what is to be ended there, and takes the news of it."""
        end_due(self.app)
        self.deliver()

    def reconcile(self) -> None:
        reconcile(self.app)

    def objects(self, kind: str, **values: Any) -> list[Json]:
        """What exists at Stripe, newest first."""
        with self.stripe.lock:
            return list(self.stripe.store.all(kind, **values))


@dataclass
class Buyer(Person):
    """Somebody who may buy."""

    shop: Any = None

    def checkout(self, tier: str) -> dict[str, Any]:
        answer = self.call("POST", "/payments/create-checkout", {"tier": tier})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def buy(self, tier: str, number: str = GOOD) -> None:
        """Buys a tier; the news of it arrives."""
        self.shop.stripe.pay(self.checkout(tier)["session_id"], number)
        self.shop.deliver()

    def status(self) -> dict[str, Any]:
        answer = self.call("GET", "/payments/subscription-status")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    @property
    def tier(self) -> str:
        # Access tokens live for minutes, and months pass here.
        self.login()
        found: str = self.call("GET", "/auth/me").get_json()["tier"]
        return found

    def subscription(self) -> Json:
        """The newest subscription at Stripe."""
        found: Json = self.shop.objects("subscription")[0]
        return found
